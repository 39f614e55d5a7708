"""Forms of a compound stay apart, and two structures are related as textbooks say."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from benchmate.tools.base import Tool, ToolContext, ToolResult
from benchmate.tools.chemistry.forms import compare_structures, standardize_structure

MOLECULES = ("CCO", "C[C@H](N)C(=O)O", "Oc1ccccn1", "C/C=C/C(=O)O", "CC[NH3+].[Cl-]", "CC(=O)CC(C)=O")


def run(tool: Tool, **arguments: Any) -> ToolResult:
    nowhere = Path("unused")
    return tool.run(tool.validate(arguments), ToolContext(nowhere, nowhere, nowhere))


def test_the_free_base_of_lidocaine_hydrochloride() -> None:
    result = run(standardize_structure, compound="CCN(CC)CC(=O)Nc1c(C)cccc1C.Cl")
    assert result.data["parent_formula"] == "C14H22N2O"  # PubChem 3676: 234.34 g/mol
    assert result.quantities["parent_molecular_weight"].value == pytest.approx(234.34, abs=0.01)
    assert result.quantities["molecular_weight"].value == pytest.approx(270.80, abs=0.01)  # PubChem 6314
    assert result.data["parent_inchikey"] == "NNJVILVZKWQKPM-UHFFFAOYSA-N"
    assert result.data["removed_fragments"] == [{"smiles": "Cl", "count": 1}]


def test_salt_ion_and_acid_keep_keys_of_their_own() -> None:
    forms = run(standardize_structure, compound="[Na+].CC(=O)[O-]").data["forms"]
    keys = [forms[form]["inchikey"] for form in ("as_given", "main_fragment", "parent")]
    assert keys == [
        "VMHLLURERBWHNL-UHFFFAOYSA-M",  # PubChem 517045
        "QTBSBXVTEAMEQO-UHFFFAOYSA-M",  # PubChem 175
        "QTBSBXVTEAMEQO-UHFFFAOYSA-N",  # PubChem 176
    ]
    assert forms["main_fragment"]["charge"] == -1


def test_keto_and_enol_have_one_canonical_tautomer_and_keep_their_own_forms() -> None:
    keto, enol = (run(standardize_structure, compound=s) for s in ("CC(=O)CC(C)=O", "CC(O)=CC(C)=O"))
    assert keto.data["tautomer_smiles"] == enol.data["tautomer_smiles"]
    assert keto.data["parent_smiles"] != enol.data["parent_smiles"]
    assert any("not the most stable" in warning for warning in enol.warnings)
    assert enol.data["given"] == "CC(O)=CC(C)=O"


def test_stereo_lost_in_the_tautomer_is_said_and_kept_in_the_parent() -> None:
    result = run(standardize_structure, compound="C[C@@H](N)C(=O)c1ccccc1")
    assert "@" in result.data["parent_smiles"] and "@" not in result.data["tautomer_smiles"]
    assert any("leaves 1 stereo" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("smiles", "said"),
    [
        ("[O-][Cr](=O)(=O)O[Cr](=O)(=O)[O-].[K+].[K+]", "metal ions among the fragments: K"),
        ("C[Mg]Br", "Mg is drawn with covalent bonds"),
        ("C[N+](C)(C)C.[Cl-]", "charge of +1 that no proton"),
        ("CCN.OC(=O)c1ccccc1", "2 different organic fragments"),
    ],
)
def test_what_a_chemist_must_know_of_metals_ions_and_mixtures(smiles: str, said: str) -> None:
    assert any(said in warning for warning in run(standardize_structure, compound=smiles).warnings)


def test_an_inorganic_salt_is_its_own_parent() -> None:
    result = run(standardize_structure, compound="[O-][Cr](=O)(=O)O[Cr](=O)(=O)[O-].[K+].[K+]")
    assert result.data["forms"]["as_given"]["formula"] == "Cr2K2O7"
    assert result.data["removed_fragments"] == []


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(MOLECULES), st.randoms(use_true_random=False))
def test_forms_do_not_depend_on_how_the_structure_is_written(smiles: str, random: Any) -> None:
    mol = Chem.MolFromSmiles(smiles)
    order = list(range(mol.GetNumAtoms()))
    random.shuffle(order)
    shuffled = Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)
    one, two = (run(standardize_structure, compound={"smiles": s}).data["forms"] for s in (smiles, shuffled))
    assert one == two
    assert run(compare_structures, first={"smiles": smiles}, second={"smiles": shuffled}).data["identical"]


@pytest.mark.parametrize(
    ("first", "second", "relation"),
    [
        ("CC(C)(C)OC(=O)NC1=NC=CC(F)=C1", "N(C=1C=C(F)C=CN=1)C(=O)OC(C)(C)C", "identical"),
        ("paracetamol", "acetaminophen", "identical"),
        ("CN(=O)=O", "C[N+](=O)[O-]", "identical"),
        ("C1=CC=CC=C1", "c1ccccc1", "identical"),
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "enantiomers"),
        ("fumaric acid", "maleic acid", "diastereomers"),
        ("O[C@@H](C(=O)O)[C@H](O)C(=O)O", "O[C@@H](C(=O)O)[C@@H](O)C(=O)O", "diastereomers"),
        ("CC(N)C(=O)O", "C[C@@H](N)C(=O)O", "same connectivity, stereo open"),
        ("OC=C", "CC=O", "tautomers"),
        ("Oc1ccccn1", "O=c1cccc[nH]1", "tautomers"),  # one standard InChI for both
        ("CC[NH3+].[Cl-]", "ethylamine", "forms of one parent"),
        ("[2H]C(Cl)(Cl)Cl", "ClC(Cl)Cl", "isotopologues"),
        ("[2H]OC", "CO", "isotopologues"),
        ("CCO", "COC", "constitutional isomers"),
        ("CCO", "CCCO", "different compounds"),
    ],
)
def test_relations(first: str, second: str, relation: str) -> None:
    assert run(compare_structures, first=first, second=second).data["relation"] == relation
    assert run(compare_structures, first=second, second=first).data["relation"] == relation
