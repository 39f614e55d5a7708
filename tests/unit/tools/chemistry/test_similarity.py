"""Similarity: known values, identity, symmetry, and what fingerprints do not see."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.similarity import compare_similarity

COMPOUNDS = [
    "aspirin",
    "caffeine",
    "ibuprofen",
    "CCO",
    "c1ccccc1",
    "L-alanine",
    "morphine",
    "[Na+].CC(=O)[O-]",
]
FINGERPRINTS = ["morgan", "maccs", "atom_pair", "rdkit"]


def compare(query: str, *targets: str, **options: Any) -> ToolResult:
    nowhere = Path("unused")
    arguments = compare_similarity.validate({"query": query, "targets": list(targets), **options})
    return compare_similarity.run(arguments, ToolContext(nowhere, nowhere, nowhere))


def test_aspirin_and_salicylic_acid() -> None:
    result = compare("aspirin", "caffeine", "salicylic acid")
    first = result.quantities["similarity_1"]
    assert first.value == pytest.approx(0.448, abs=0.001)  # RDKit, Morgan radius 2, 2048 bits: 13 of 29 bits
    assert first.conditions == {
        "fingerprint": "morgan", "radius": "2", "bits": "2048", "chirality": "false", "metric": "Tanimoto",
        "form": "parent", "query": "aspirin", "target": "salicylic acid",
    }  # fmt: skip
    assert [row["label"] for row in result.data["ranking"]] == ["salicylic acid", "caffeine"]
    assert [entity.argument for entity in result.entities] == ["query", "targets[0]", "targets[1]"]


@given(st.sampled_from(COMPOUNDS), st.sampled_from(COMPOUNDS), st.sampled_from(FINGERPRINTS))
def test_similarity_is_symmetric_bounded_and_one_with_itself(a: str, b: str, kind: str) -> None:
    there = compare(a, b, a, fingerprint=kind).quantities
    back = compare(b, a, fingerprint=kind).quantities
    assert there["similarity_0"].value == back["similarity_0"].value
    assert 0 <= there["similarity_0"].value <= there["similarity_1"].value == 1


def test_enantiomers_are_alike_unless_chirality_counts() -> None:
    flat = compare("L-alanine", "D-alanine")
    assert flat.quantities["similarity_0"].value == 1
    assert "differ in stereochemistry" in flat.warnings[0]
    assert compare("L-alanine", "D-alanine", chirality=True).quantities["similarity_0"].value < 1


def test_a_salt_is_compared_by_its_parent() -> None:
    result = compare("lidocaine", "lidocaine hydrochloride")
    assert result.quantities["similarity_0"].value == 1
    assert "forms of one parent" in result.warnings[0]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"targets": []}, "no_targets"),
        ({"targets": ["CCO"], "fingerprint": "maccs", "chirality": True}, "no_chirality"),
        ({"targets": ["[Na+].[Cl-]"], "fingerprint": "rdkit"}, "empty_fingerprint"),
        ({"targets": ["CCO"], "radius": 99}, "bad_arguments"),
        ({"targets": ["nosuchthing"]}, "unknown_compound"),
    ],
)
def test_refusals(arguments: dict[str, Any], code: str) -> None:
    targets = arguments.pop("targets")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the code is what is asserted
        compare("aspirin", *targets, **arguments)
    assert getattr(caught.value, "code", None) == code


def test_methane_has_no_path_to_compare() -> None:
    with pytest.raises(InvalidInput, match="too small"):
        compare("C", "CCO", fingerprint="rdkit")
