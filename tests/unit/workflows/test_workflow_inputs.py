"""Inputs: checked against their declarations and completed."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound
from benchmate.workflows.inputs import complete_inputs, inputs_from_text
from benchmate.workflows.schema import Workflow


def workflow(**inputs: Any) -> Workflow:
    return Workflow.model_validate(
        {"schema": "benchmate.workflow/v1", "name": "w", "plan": "Why?", "inputs": inputs}
    )


def complete(spec: dict[str, Any], value: Any) -> Any:
    return complete_inputs(workflow(x=spec), {"x": value})["x"]


ACCEPTED = {
    "text": ({"type": "string"}, "NO"),
    "empty text": ({"type": "string"}, ""),
    "number": ({"type": "number", "minimum": 0}, 1.5),
    "whole number for a number": ({"type": "number"}, 3),
    "whole number": ({"type": "integer", "maximum": 3}, 3),
    "boolean": ({"type": "boolean"}, False),
    "option": ({"type": "string", "enum": ["linear", "circular"]}, "circular"),
    "form": ({"type": "string", "pattern": "[A-Z]{2}[0-9]+"}, "AB12"),
    "list": ({"type": "array", "items": {"type": "number"}, "minItems": 1}, [1, 2.5]),
    "empty list": ({"type": "array"}, []),
    "mapping": ({"type": "object"}, {"a": 1}),
    "name": ({"type": "compound"}, "aspirin"),
    "SMILES": ({"type": "compound"}, "CC(=O)Oc1ccccc1C(=O)O"),
    "compound record": ({"type": "compound"}, {"smiles": "C", "registry_id": "A-1"}),
    "names and records": ({"type": "compounds"}, ["aspirin", {"name": "methane"}]),
    "letters": ({"type": "sequence"}, "ATGGCCATTGTA"),
    "FASTA text": ({"type": "sequence"}, ">x\nATGGCC\nATTGTA\n"),
    "sequence record": ({"type": "sequence"}, {"sequence": "ATGGCCATTGTA", "topology": "circular"}),
}


@pytest.mark.parametrize(("spec", "value"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_fits_is_kept_as_given(spec: dict[str, Any], value: Any) -> None:
    assert complete(spec, value) == value


REFUSED = {
    "a number for a text": ({"type": "string"}, 3, "not a text", "quotes"),
    "a text for a number": ({"type": "number"}, "500", "not a number", "without quotes"),
    "a boolean for a number": ({"type": "integer"}, True, "not a whole number", None),
    "a fraction for a whole number": ({"type": "integer"}, 2.5, "not a whole number", None),
    "infinity": ({"type": "number"}, float("inf"), "not a number", None),
    "a number for a boolean": ({"type": "boolean"}, 1, "true or false", None),
    "too small": ({"type": "number", "minimum": 0}, -1, "less than 0", None),
    "too long": ({"type": "string", "maxLength": 2}, "abc", "more than 2", None),
    "too short": ({"type": "string", "minLength": 2}, "a", "fewer than 2", None),
    "another form": ({"type": "string", "pattern": "[A-Z]+"}, "Abc", "form", None),
    "no option": ({"type": "string", "enum": ["linear", "circular"]}, "ring", "not one of", "known"),
    "a boolean among numbers": ({"type": "integer", "enum": [1, 2]}, True, "not a whole number", None),
    "too few": ({"type": "array", "minItems": 2}, [1], "fewer than 2", None),
    "too many": ({"type": "compounds", "maxItems": 1}, ["a", "b"], "more than 1", None),
    "a wrong item": ({"type": "array", "items": {"type": "number"}}, [1, "b"], "x[1]", None),
    "an item out of bounds": (
        {"type": "array", "items": {"type": "number", "maximum": 1}},
        [2],
        "x[0]",
        None,
    ),
    "a text for a list": ({"type": "array"}, "a", "not a list", None),
    "a list for a mapping": ({"type": "object"}, [], "not a mapping", None),
    "an empty name": ({"type": "compound"}, " ", "a name, a SMILES", None),
    "nothing": ({"type": "compound"}, None, "a name, a SMILES", None),
    "a record of another kind": ({"type": "compound"}, {"smile": "C"}, "unknown key 'smile'", "'smiles'"),
    "a list in a list": ({"type": "compounds"}, [["aspirin"]], "x[0]", None),
}


@pytest.mark.parametrize(("spec", "value", "said", "hinted"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_fit_is_refused(
    spec: dict[str, Any], value: Any, said: str, hinted: str | None
) -> None:
    with pytest.raises(InvalidInput) as caught:
        complete(spec, value)
    assert caught.value.code == "bad_input"
    assert caught.value.info.details["input"] == "x"
    assert said in caught.value.info.message
    assert hinted is None or hinted in (caught.value.hint or "")


def test_a_sequence_that_is_none_is_refused_before_the_run() -> None:
    with pytest.raises(InvalidInput, match="input 'x'") as caught:
        complete({"type": "sequence"}, "ATGJ!!")
    assert caught.value.info.details["input"] == "x"


def test_an_unknown_input_hints_at_the_nearest() -> None:
    with pytest.raises(InvalidInput) as caught:
        complete_inputs(workflow(compounds={"type": "compounds", "default": []}), {"compound": ["aspirin"]})
    assert (caught.value.code, caught.value.hint) == ("unknown_input", "did you mean 'compounds'?")


def test_all_missing_inputs_are_named_at_once() -> None:
    flow = workflow(
        a={"type": "string", "description": "Who asks."},
        b={"type": "number"},
        c={"type": "string", "required": False},
    )
    with pytest.raises(InvalidInput) as caught:
        complete_inputs(flow, {})
    assert (caught.value.code, caught.value.info.details["inputs"]) == ("missing_input", ["a", "b"])
    assert "Who asks." in (caught.value.hint or "")


def test_defaults_complete_what_is_not_given() -> None:
    flow = workflow(
        a={"type": "string", "default": "x"},
        b={"type": "number", "required": False},
        c={"type": "string", "default": None},
    )
    assert complete_inputs(flow, {}) == {"a": "x", "b": None, "c": None}
    assert complete_inputs(flow, {"c": "y", "b": None}) == {"a": "x", "b": None, "c": "y"}


def test_one_name_is_a_list_of_one() -> None:
    assert complete({"type": "compounds"}, "aspirin") == ["aspirin"]


def test_a_name_with_a_comma_is_one_name() -> None:
    assert complete({"type": "compounds"}, "2,2-dimethylpropane") == ["2,2-dimethylpropane"]


def test_a_file_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert complete({"type": "file"}, str(tmp_path / "notes.txt")) == str(tmp_path / "notes.txt")
    with pytest.raises(NotFound, match="input 'x'") as caught:
        complete({"type": "file"}, str(tmp_path / "note.txt"))
    assert caught.value.code == "no_such_file"


def test_typed_text_becomes_values_of_the_declared_types() -> None:
    flow = workflow(
        n={"type": "number"}, i={"type": "integer"}, b={"type": "boolean"}, a={"type": "array"}, o={"type": "object"},
        s={"type": "string"}, c={"type": "compounds"}, d={"type": "compound"},
    )  # fmt: skip
    typed = {
        "n": "1e-3",
        "i": "3",
        "b": "true",
        "a": "[NO, 1]",
        "o": "{a: 1}",
        "s": "1",
        "d": "NO",
        "c": "[aspirin, caffeine]",
    }
    assert inputs_from_text(flow, typed) == {
        "n": 0.001, "i": 3, "b": True, "a": ["NO", 1], "o": {"a": 1}, "s": "1", "d": "NO", "c": ["aspirin", "caffeine"],
    }  # fmt: skip


def test_null_is_typed_where_nothing_is_required() -> None:
    flow = workflow(
        a={"type": "sequence", "required": False, "default": "ATGGCCATTGTA"},
        b={"type": "string", "default": "x"},
    )
    assert inputs_from_text(flow, {"a": "null", "b": "null"}) == {"a": None, "b": "null"}
    assert complete_inputs(flow, {"a": None}) == {"a": None, "b": "x"}
    with pytest.raises(InvalidInput, match="input 'b'"):
        complete_inputs(flow, {"b": None})


@pytest.mark.parametrize("smiles", ["[Na+].[Cl-]", "[13CH4]", "[O-][N+](=O)c1ccccc1", "C[C@@H](N)C(=O)[O-]"])
def test_a_typed_smiles_in_brackets_is_no_list(smiles: str) -> None:
    flow = workflow(c={"type": "compounds"}, d={"type": "compound"})
    assert inputs_from_text(flow, {"c": smiles, "d": smiles}) == {"c": smiles, "d": smiles}


def test_typed_text_that_cannot_be_read_names_the_input() -> None:
    with pytest.raises(InvalidInput, match="input 'a'"):
        inputs_from_text(workflow(a={"type": "array"}), {"a": "[1, "})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(
    ["string", "number", "integer", "boolean", "array", "object", "compound", "compounds", "sequence", "file"]
)


@given(TYPES, JSON)
def test_any_value_is_taken_or_refused_by_name(kind: str, value: Any) -> None:
    refusal = None
    try:
        complete({"type": kind}, value)
    except BenchmateError as error:
        refusal = error.info
    assert refusal is None or "input 'x" in refusal.message
