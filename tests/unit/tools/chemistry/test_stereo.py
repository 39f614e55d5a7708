"""Stereoisomers counted as in textbooks, and descriptors of the new CIP code."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import Tool, ToolContext, ToolResult
from benchmate.tools.chemistry.stereo import assign_cip, enumerate_stereo


def run(tool: Tool, **arguments: Any) -> ToolResult:
    nowhere = Path("unused")
    return tool.run(tool.validate(arguments), ToolContext(nowhere, nowhere, nowhere))


def counts(compound: str, **more: Any) -> tuple[float, float, float]:
    quantities = run(enumerate_stereo, compound=compound, **more).quantities
    names = ("stereoisomer_count", "meso_count", "enantiomer_pair_count")
    return tuple(quantities[name].value for name in names)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("compound", "expected"),  # total, meso, pairs: Eliel and Wilen, Stereochemistry of Organic Compounds
    [
        ("tartaric acid", (3, 1, 1)),
        ("CC(Cl)C(C)Cl", (3, 1, 1)),
        ("CC(C)C1CCC(C)CC1O", (8, 0, 4)),  # menthol
        ("CC1CCCCC1C", (3, 1, 1)),  # cis is meso, trans a pair
        ("CC1CCC(C)CC1", (2, 0, 0)),  # cis and trans, both achiral: no meso form
        ("OC1C(O)C(O)C(O)C(O)C1O", (9, 7, 1)),  # inositols
        ("OCC(O)C(O)C(O)C=O", (8, 0, 4)),  # aldopentoses
        ("OC(=O)C(O)C(O)C(O)C(=O)O", (4, 2, 1)),  # pentaric acids, with a pseudo-asymmetric centre
        ("CC=CC", (2, 0, 0)),
        ("CC=CC=CC", (3, 0, 0)),  # EE, EZ, ZZ
        ("CC1(C)C2CCC1(C)C(=O)C2", (2, 0, 1)),  # camphor: the bridge leaves 2 of 4
        ("CCO", (1, 0, 0)),
    ],
)
def test_numbers_of_stereoisomers(compound: str, expected: tuple[int, int, int]) -> None:
    assert counts(compound) == expected


def test_given_configurations_are_kept_where_only_open_ones_vary() -> None:
    assert counts("C[C@@H](O)C(N)C(=O)O", centres="open") == (2, 0, 0)
    assert run(enumerate_stereo, compound="C[C@@H](O)C(N)C(=O)O").quantities["consistent_count"].value == 2


def test_the_structure_as_given_is_marked_among_the_isomers() -> None:
    isomers = run(enumerate_stereo, compound="C[C@H](N)C(=O)O").data["isomers"]
    assert [(i["descriptors"], i["as_given"]) for i in isomers if i["as_given"]] == [("S", True)]


def test_too_many_stereoisomers_are_refused_with_their_number() -> None:
    with pytest.raises(InvalidInput) as refusal:
        run(enumerate_stereo, compound="O" + "C(O)" * 14 + "CC")
    assert refusal.value.code == "too_many_stereoisomers" and "8192" in str(refusal.value)
    with pytest.raises(InvalidInput, match="more than the limit of 2"):
        run(enumerate_stereo, compound="tartaric acid", limit=2)


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 4), st.booleans())
def test_a_chain_of_unlike_centres_has_two_to_the_n(centres: int, acid: bool) -> None:
    chain = "C" + "C(Cl)" * centres + ("C(=O)O" if acid else "CO")
    assert counts(chain) == (2**centres, 0, 2 ** (centres - 1))


@pytest.mark.parametrize(
    ("smiles", "label"),
    [
        ("C[C@H](N)C(=O)O", "S"),  # L-alanine
        ("N[C@@H](CS)C(=O)O", "R"),  # L-cysteine: sulfur makes L an R
        ("COc1ccc2cc(ccc2c1)[C@H](C)C(=O)O", "S"),  # naproxen, PubChem 156391
        ("C[C@@H](O)C(=O)O", "R"),  # D-lactic acid, PubChem 61503
        ("C/C=C/C(=O)O", "E"),  # crotonic acid
        ("CC/C=C\\Cl", "Z"),
        ("O=C(O)/C=C\\C(=O)O", "Z"),  # maleic acid
        ("C[S@](=O)CC", None),
    ],
)
def test_descriptors(smiles: str, label: str | None) -> None:
    found = run(assign_cip, compound=smiles).data["descriptors"]
    assert found == label if label else found in ("R", "S")


def test_pseudo_asymmetric_centres_are_lower_case_where_the_legacy_code_says_otherwise() -> None:
    # C-3 of a meso pentaric acid is pseudo-asymmetric (IUPAC 2013, P-93.5.1.1.2); RDKit's legacy code calls it S
    found = run(assign_cip, compound="O=C(O)[C@@H](O)[C@H](O)[C@@H](O)C(=O)O").data["centres"]
    assert sorted(centre["descriptor"] for centre in found) == ["R", "S", "s"]
    # cis-1,4-dimethylcyclohexane is (1s,4s) (IUPAC 2013, P-93.5.1.2); the legacy code gives nothing
    assert run(assign_cip, compound="C[C@H]1CC[C@@H](C)CC1").data["descriptors"] == "C1 s, C4 s"


def test_atoms_are_also_numbered_as_given() -> None:
    (centre,) = run(assign_cip, compound="OC(=O)[C@@H](N)C").data["centres"]
    assert centre["atom_as_given"] == 3


def test_open_centres_are_named() -> None:
    result = run(assign_cip, compound="CCC(C)O")
    assert result.data["descriptors"] == "none" and result.quantities["open_stereo_count"].value == 1
    assert any("no configuration is given for: centre [2]" in warning for warning in result.warnings)
