"""Reading YAML 1.2: what plain scalars mean, what is refused, and where things stand."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from benchmate.runtime.errors import InvalidInput
from benchmate.workflows.document import Document, read_document


def read(text: str) -> Any:
    return read_document(text, "w.yaml").data


# What YAML 1.2.2 section 10.3.2 says of plain scalars. YAML 1.1 reads most of these otherwise.
PLAIN = {
    "NO": "NO", "no": "no", "on": "on", "yes": "yes", "y": "y", "Off": "Off",  # nitric oxide is no boolean
    "true": True, "FALSE": False, "null": None, "~": None, "": None,
    "1e-3": 0.001, "1E5": 100000.0, "+.5": 0.5, "5.": 5.0, "-12": -12, "+7": 7, "017": 17, "0o17": 15, "0x1F": 31,
    "12:30:45": "12:30:45", "2020-01-01": "2020-01-01", "1_000": "1_000", "0b11": "0b11", "50-78-2": "50-78-2",
    "=": "=", "C#N": "C#N", "CC(=O)Oc1ccccc1C(=O)O": "CC(=O)Oc1ccccc1C(=O)O", "1.2.3": "1.2.3",
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), PLAIN.items(), ids=[repr(text) for text in PLAIN])
def test_plain_scalars_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    found = read(f"a: {text}\nb: [{text or 'null'}]\n")
    assert found["a"] == value and type(found["a"]) is type(value)
    assert found["b"] == [value]


def test_a_key_called_on_stays_a_text() -> None:
    assert read("on: 1\nNO: 2\n") == {"on": 1, "NO": 2}


def test_the_yaml_1_1_directive_does_not_bring_its_booleans_back() -> None:
    assert read("%YAML 1.1\n---\na: NO\nb: 1e-3\nc: 190:20:30\n") == {"a": "NO", "b": 0.001, "c": "190:20:30"}


def test_quotes_make_a_text_of_anything() -> None:
    assert read("a: '1'\nb: \"true\"\nc: !!str 12\n") == {"a": "1", "b": "true", "c": "12"}


def test_aliases_stand_for_what_they_name() -> None:
    assert read("a: &x {b: 1}\nc: *x\n") == {"a": {"b": 1}, "c": {"b": 1}}


REFUSED = {
    "a repeated key": ("a: 1\nb: 2\na: 3\n", "duplicate_key", 3),
    "a repeated key deep inside": ("a:\n  - b: 1\n    b: 2\n", "duplicate_key", 3),
    "a number for a key": ("a: 1\n2: b\n", "bad_key", 2),
    "a list for a key": ("? [a]\n: 1\n", "bad_key", 1),
    "a boolean for a key": ("true: 1\n", "bad_key", 1),
    "an object of Python": ("a: 1\nb: !!python/object:os.system x\n", "bad_tag", 2),
    "a tag of its own": ("a: !secret x\n", "bad_tag", 1),
    "a set": ("a: !!set {b}\n", "bad_tag", 1),
    "bytes": ("a: !!binary aGVsbG8=\n", "bad_tag", 1),
    "infinity": ("a: 1\nb: -.inf\n", "not_finite", 2),
    "not a number": ("a: .nan\n", "not_finite", 1),
    "a number too large": ("a: 1e999\n", "not_finite", 1),
    "a whole number too long": (f"a: {'9' * 5000}\n", "not_finite", 1),
    "an alias inside itself": ("a: &x [1, *x]\n", "recursive_alias", 1),
    "an alias of nothing": ("a: 1\nb: *x\n", "not_yaml", 2),
    "two documents": ("a: 1\n---\nb: 2\n", "not_yaml", 2),
    "an open bracket": ("a: [1\n", "not_yaml", 2),
    "a tab": ("a:\n\tb: 1\n", "not_yaml", 2),
    "a salt without quotes": ("a:\n  - [Na+].[Cl-]\n", "not_yaml", 2),
    "a control character": ("a: \x00\n", "not_yaml", None),
    "a directive of another YAML": ("%YAML 3.0\n---\na: 1\n", "not_yaml", 1),
    "brackets without end": ("[" * 5000, "not_yaml", None),
}


@pytest.mark.parametrize(("text", "problem", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_is_named_with_its_line(text: str, problem: str, line: int | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    assert caught.value.code == "bad_workflow"
    assert caught.value.info.details["problem"] == problem
    assert caught.value.info.details["line"] == line
    assert caught.value.info.message.startswith("w.yaml:" + (f"{line}:" if line else ""))


def test_a_salt_without_quotes_hints_at_quotes() -> None:
    with pytest.raises(InvalidInput) as caught:
        read("inputs:\n  - [Na+].[Cl-]\n")
    assert "quotes" in (caught.value.hint or "")


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(InvalidInput) as caught:
        read("\n".join(lines))
    assert caught.value.info.details["problem"] == "too_large"


def test_every_key_and_item_has_its_place() -> None:
    document = read_document("a:\n  b: 1\n  c:\n    - x\n    -   y\n", "w.yaml")
    assert {path: document.place(path) for path in [("a",), ("a", "b"), ("a", "c", 0), ("a", "c", 1)]} == {
        ("a",): (1, 1),
        ("a", "b"): (2, 3),
        ("a", "c", 0): (4, 7),
        ("a", "c", 1): (5, 9),
    }
    assert document.place(("a", "b", "nothing")) == (2, 3)
    assert Document("made in Python").place(("a",)) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Co", "Cn"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcNOon123", max_size=6), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(VALUES)
def test_json_is_yaml(value: Any) -> None:
    """YAML 1.2 is a superset of JSON, so what JSON writes reads back the same."""
    text = json.dumps({"value": value}, ensure_ascii=False).replace("\u2028", "").replace("\ufeff", "")
    assert read(text) == json.loads(text)


def problem_of(text: str) -> str | None:
    """Return what is wrong with a text, or None; whatever it is, it is said of the file."""
    try:
        read(text)
    except InvalidInput as error:
        return f"{error.info.details['file']} {error.info.details['problem']}"
    return None


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_its_file(text: str) -> None:
    assert (problem_of(text) or "w.yaml").startswith("w.yaml")


@given(st.from_regex(r"[A-Za-z0-9+._-]{1,12}", fullmatch=True))
def test_plain_scalars_agree_with_ruamel_but_for_what_it_adds(text: str) -> None:
    """ruamel.yaml as an independent reader: it differs only where it knows more than the core schema."""
    problem = problem_of(f"- {text}\n")
    if problem is not None:
        assert problem == "w.yaml not_yaml" or re.search(r"inf|nan|[0-9]e", text, re.IGNORECASE)
        return
    found, expected = read(f"- {text}\n")[0], YAML(typ="safe", pure=True).load(f"- {text}\n")[0]
    if found != expected:
        assert found == text and re.search("_|^[-+]?0|-", text)  # 1_000, 0b1, +0x1, 2020-01-01
