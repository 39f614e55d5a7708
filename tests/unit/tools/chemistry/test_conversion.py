"""One structure in several notations, and back."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit import Chem

from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.conversion import convert_structure

ALANINE = "C[C@H](N)C(=O)O"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    folder = tmp_path_factory.mktemp("runs")
    return ToolContext(folder, folder, folder)


def convert(context: ToolContext, structure: str, **more: Any) -> ToolResult:
    return convert_structure.run(convert_structure.validate({"structure": structure, **more}), context)


@pytest.mark.parametrize("given_as", ["CCO", "OCC", "ethanol", "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3"])
def test_ethanol_in_all_notations(context: ToolContext, given_as: str) -> None:
    data = convert(context, given_as).data
    assert data["smiles"] == "CCO"
    assert data["inchi"] == "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3"
    assert data["inchikey"] == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"  # PubChem 702


@pytest.mark.parametrize("write", [Chem.MolToMolBlock, Chem.MolToV3KMolBlock])
def test_molfiles_v2000_and_v3000_keep_the_wedge(context: ToolContext, write: Any) -> None:
    result = convert(context, write(Chem.MolFromSmiles(ALANINE)))
    assert result.data["read_as"] == "molblock" and result.data["smiles"] == ALANINE
    again = convert(context, result.data["molblock"])
    assert again.data["inchikey"] == "QNAYBMKLOCPYGJ-REOHCLBHSA-N"  # PubChem 5950


def test_the_molfile_is_an_artifact(context: ToolContext) -> None:
    (artifact,) = convert(context, "caffeine").artifacts
    assert artifact.name == "caffeine.mol"


def test_a_racemate_of_a_molfile_is_refused(context: ToolContext) -> None:
    block = Chem.MolToV3KMolBlock(Chem.MolFromSmiles("CC[C@H](C)O |&1:2|"))
    with pytest.raises(InvalidInput) as refusal:
        convert(context, block)
    assert refusal.value.code == "stereo_groups"


def test_a_peptide_is_of_l_residues_and_says_so(context: ToolContext) -> None:
    result = convert(context, "A", notation="peptide")
    assert result.data["inchikey"] == "QNAYBMKLOCPYGJ-REOHCLBHSA-N"  # L-alanine
    assert any("taken as L" in warning for warning in result.warnings)
    fasta = convert(context, ">x\nGAS\n")
    helm = convert(context, "PEPTIDE1{G.A.S}$$$$")
    assert fasta.data["smiles"] == helm.data["smiles"]


def test_glutathione_is_not_the_peptide_ecg(context: ToolContext) -> None:
    # glutathione is bound at the side chain of glutamate; the sequence gives the usual bond. Same formula, other compound.
    peptide, glutathione = convert(context, "ECG", notation="peptide"), convert(context, "glutathione")
    assert peptide.data["formula"] == glutathione.data["formula"] == "C10H17N3O6S"
    assert peptide.data["inchikey"] != glutathione.data["inchikey"]


def test_what_an_inchi_leaves_out_is_said(context: ToolContext) -> None:
    assert any("does not keep this form" in w for w in convert(context, "C[Mg]Br").warnings)
    assert any("another tautomer" in w for w in convert(context, "GG", notation="peptide").warnings)
    assert "tautom" not in " ".join(convert(context, "CCO").warnings)


@pytest.mark.parametrize(
    ("structure", "notation", "code"),
    [
        (" ", "auto", "empty_compound"),
        ("AXZ", "peptide", "not_a_peptide"),
        ("A" * 101, "peptide", "too_large"),
        (">a\nGA\n>b\nGG", "auto", "several_sequences"),
        ("CCO", "inchi", "invalid_inchi"),
        ("InChI=1S/nonsense", "auto", "invalid_inchi"),
        ("c1ccc(C(.", "auto", "invalid_smiles"),
        ("PEPTIDE1{A.Q", "helm", "invalid_helm"),
        ("x\n\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\nM  END", "auto", "invalid_molfile"),
        ("xylenol", "auto", "ambiguous_name"),
    ],
)
def test_refusals(context: ToolContext, structure: str, notation: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        convert(context, structure, notation=notation)
    assert refusal.value.code == code


def test_a_bare_sequence_hints_at_the_notation(context: ToolContext) -> None:
    with pytest.raises(NotFound, match="notation='peptide'"):
        convert(context, "GASPV")


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(smiles=st.sampled_from([ALANINE, "C/C=C/C", "c1ccncc1", "CC[NH3+]", "[2H]C", "O=[N+]([O-])c1ccccc1"]))
def test_every_notation_reads_back(context: ToolContext, smiles: str) -> None:
    data = convert(context, smiles).data
    for notation in ("smiles", "inchi", "molblock"):
        assert convert(context, data[notation], notation=notation).data["inchikey"] == data["inchikey"]
