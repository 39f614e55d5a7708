"""Scaffolds, functional groups and rings of compounds whose groups every chemist knows."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.functional_groups import GROUPS
from benchmate.tools.chemistry.structure_analysis import analyze_structure


def analyze(compound: str | dict[str, str]) -> ToolResult:
    nowhere = Path("unused")
    return analyze_structure.run(
        analyze_structure.validate({"compound": compound}), ToolContext(nowhere, nowhere, nowhere)
    )


def groups(compound: str) -> dict[str, int]:
    return {name: len(atoms) for name, atoms in analyze(compound).data["groups"].items()}


def test_scaffold_of_lidocaine() -> None:
    data = analyze("lidocaine").data
    assert (data["scaffold"], data["generic_scaffold"]) == ("c1ccccc1", "C1CCCCC1")


def test_a_chain_has_no_scaffold() -> None:
    result = analyze("CCO")
    assert result.data["scaffold"] == "" and any("no scaffold" in w for w in result.warnings)


def test_generic_scaffold_of_a_sulfone_ring() -> None:
    # sulfur with two more bonds than carbon allows becomes a plain carbon once its oxygens are gone
    assert analyze("O=S1(=O)CCCC1C").data["generic_scaffold"] == "C1CCCC1"


@pytest.mark.parametrize(
    ("compound", "expected"),
    [
        ("ethyl acetate", {"ester": 1}),
        ("aspirin", {"carboxylic acid": 1, "ester": 1}),
        ("paracetamol", {"amide": 1, "phenol": 1}),
        ("morphine", {"alcohol": 1, "phenol": 1, "ether": 1, "tertiary amine": 1, "alkene": 1}),
        ("coumarin", {"ester": 1, "lactone": 1}),
        ("O=C1CCCCN1", {"amide": 1, "lactam": 1}),
        ("O=C1CCC(=O)N1", {"imide": 1}),
        ("O=C1CCC(=O)O1", {"anhydride": 1}),
        ("NC(N)=O", {"urea": 1}),
        ("CC(C)(C)OC(=O)Nc1ccccc1", {"carbamate": 1}),
        ("COC(=O)OC", {"carbonate": 1}),
        ("CC=O", {"aldehyde": 1}),
        ("C=O", {"aldehyde": 1}),
        ("acetone", {"ketone": 1}),
        ("CC(=O)Cl", {"acyl halide": 1}),
        ("CC(=O)SC", {"thioester": 1}),
        ("COC(C)OC", {"ether": 2, "acetal": 1}),
        ("C1CO1", {"epoxide": 1}),
        ("aniline", {"primary amine": 1}),
        ("CNC", {"secondary amine": 1}),
        ("CC[NH3+]", {"ammonium": 1}),
        ("NC(=N)N", {"guanidine": 1}),
        ("CC(=N)N", {"amidine": 1}),
        ("CC=NC", {"imine": 1}),
        ("CC=NO", {"oxime": 1}),
        ("NN", {"hydrazine": 1}),
        ("nitrobenzene", {"nitro": 1}),
        ("C[N+](C)(C)[O-]", {"n oxide": 1}),
        ("acetonitrile", {"nitrile": 1}),
        ("CS(C)=O", {"sulfoxide": 1}),
        ("CS(=O)(=O)Nc1ccccc1", {"sulfonamide": 1}),
        ("CSSC", {"disulfide": 1}),
        ("CSC", {"thioether": 1}),
        ("CS", {"thiol": 1}),
        ("OB(O)c1ccccc1", {"boronic acid": 1}),
        ("chlorobenzene", {"aryl halide": 1}),
        ("FC(F)(F)C", {"alkyl halide": 3, "trifluoromethyl": 1}),
        ("benzene", {}),
        ("pyridine", {}),
        ("furan", {}),
    ],
)
def test_functional_groups(compound: str, expected: dict[str, int]) -> None:
    assert groups(compound) == expected


def test_every_pattern_is_valid_and_has_words() -> None:
    assert all(Chem.MolFromSmarts(group.smarts) is not None and group.words for group in GROUPS.values())


def value(compound: str, name: str) -> float:
    return analyze(compound).quantities[name].value


@pytest.mark.parametrize(
    ("compound", "name", "expected"),
    [
        ("CC(=O)NCCC(=O)O", "amide_bond_count", 1),
        ("CC(C)C1=CC=C(C=C1)C(C)C(=O)O", "aliphatic_carbocycle_count", 0),
        ("morphine", "ring_count", 5),
        ("cyclohexanone", "aliphatic_carbocycle_count", 1),
        ("C1CC12CC2", "spiro_atom_count", 1),
        ("C1CC2CCC1C2", "bridgehead_atom_count", 2),  # norbornane
        ("caffeine", "aromatic_heterocycle_count", 2),
        ("aspirin", "heavy_atom_count", 13),
        ("aspirin", "electron_count", 94),  # 9 x 6 + 8 + 4 x 8
        ("[NH4+]", "electron_count", 10),
        ("[2H]O[2H]", "electron_count", 10),
        ("aspirin", "atom_count", 21),
        ("ethanol", "ester_count", 0),
    ],
)
def test_counts(compound: str, name: str, expected: int) -> None:
    assert value(compound, name) == expected


def test_cubane_has_five_smallest_rings_of_six_equal_ones() -> None:
    result = analyze("C12C3C4C1C5C2C3C45")
    assert result.quantities["ring_count"].value == 5 and len(result.data["ring_sizes"]) == 6
    assert any("by symmetry there are 6" in warning for warning in result.warnings)


def test_a_salt_is_counted_whole_and_says_so() -> None:
    assert any("2 fragments together" in warning for warning in analyze("CC[NH3+].[Cl-]").warnings)


@settings(deadline=None, max_examples=15)
@given(st.sampled_from(["aspirin", "morphine", "caffeine"]), st.randoms(use_true_random=False))
def test_the_analysis_does_not_depend_on_how_the_structure_is_written(name: str, random: Any) -> None:
    reference = analyze(name)
    mol = Chem.MolFromSmiles(reference.data["smiles"])
    order = list(range(mol.GetNumAtoms()))
    random.shuffle(order)
    again = analyze({"smiles": Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)})
    assert again.data == reference.data and again.quantities == reference.quantities
