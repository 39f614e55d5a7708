"""Substructure search: how a query is read, and which atoms it finds."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.substructure import search_substructure


def search(query: str, *targets: str, **more: Any) -> ToolResult:
    nowhere = Path("unused")
    arguments = search_substructure.validate({"query": query, "targets": list(targets), **more})
    return search_substructure.run(arguments, ToolContext(nowhere, nowhere, nowhere))


def counts(result: ToolResult) -> list[int]:
    return [row["count"] for row in result.data["targets"]]


def test_a_phenol_is_in_paracetamol_once_and_not_in_benzene() -> None:
    result = search("c1ccccc1[OX2H]", "paracetamol", "benzene")
    assert counts(result) == [1, 0] and result.data["hits"] == ["paracetamol"]
    assert result.quantities["hit_count"].value == 1
    (atoms,) = result.data["targets"][0]["atoms"]
    assert len(atoms) == 7


def test_a_kekule_benzene_is_found_as_smiles_and_not_as_smarts() -> None:
    result = search("C1=CC=CC=C1", "toluene")
    assert counts(result) == [1] and result.data["read_as"] == "smiles"
    assert any("as SMARTS it would match 0 times" in warning for warning in result.warnings)
    assert counts(search("C1=CC=CC=C1", "toluene", language="smarts")) == [0]


def test_hydrogens_in_brackets_make_a_query_smarts() -> None:
    assert counts(search("[OH]C", "ethanol", "dimethyl ether")) == [1, 0]
    assert counts(search("[NH2]", "aniline")) == [1]


def test_tautomers_of_the_query_are_found_on_request() -> None:
    assert counts(search("O=c1cccc[nH]1", "Oc1ccccn1")) == [0]
    assert counts(search("O=c1cccc[nH]1", "Oc1ccccn1", tautomers=True)) == [1]


def test_configurations_count_on_request() -> None:
    assert counts(search("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O")) == [1]
    assert counts(search("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", stereo=True)) == [0]


@pytest.mark.parametrize(
    ("query", "more", "code"),
    [
        ("", {}, "empty_query"),
        ("c1ccccc1(", {}, "invalid_query"),
        ("a benzene ring", {}, "invalid_query"),
        ("[#6X3]", {"language": "smiles"}, "invalid_query"),
        ("[OX2H]", {"tautomers": True}, "no_tautomer_query"),
    ],
)
def test_refusals(query: str, more: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        search(query, "phenol", **more)
    assert refusal.value.code == code


def test_no_targets() -> None:
    with pytest.raises(InvalidInput, match="nothing to search"):
        search("C")


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(["c1ccccc1", "CC(=O)O", "CCN", "OCC(O)CO", "c1ccc2ccccc2c1"]))
def test_every_compound_holds_itself(smiles: str) -> None:
    assert counts(search(smiles, smiles, language="smiles")) == [1]
