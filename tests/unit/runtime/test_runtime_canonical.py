"""Canonical JSON and ids: one text per value, whatever order, type or process it came from."""

import json
import math
import os
import subprocess
import sys

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime import canonical
from benchmate.runtime.canonical import (
    Canonical,
    call_key,
    canonical_float,
    canonical_json,
    canonical_value,
    digest,
    evidence_id,
)
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.evidence import Source, ToolResult

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


HARD_NUMBERS = st.sampled_from(
    [1e-7, 1e-6, 1e-5, 1e-4, 1e15, 1e16, 1.5e16, 1e20, 1e21, 1e22, 5e-324, 2.0**53, -3.0]
)
HARD_TEXT = st.sampled_from(
    ["1e-05", "e-", "2e+16", "\x7f", "\x1f", "\u2028", "é", "\ud7ff", "\ue000", "\uffff", "😀", '"\\/']
)
HARD = st.recursive(
    PLAIN | HARD_NUMBERS | HARD_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HARD_TEXT | TEXT, inner, max_size=4),
    max_leaves=8,
)


@given(HARD)
def test_the_text_is_that_of_rfc_8785(value):
    text = rfc8785.dumps(canonical_value(value)).decode()
    assert canonical_json(value) == text
    assert Canonical.reread(json.loads(text)).text == text


@given(st.dictionaries(HARD_TEXT | TEXT, HARD, max_size=4), HARD)
def test_a_text_made_before_stands_for_its_value(value, inner):
    made = Canonical(canonical_json(inner))
    assert canonical_json({**value, "x": made}) == canonical_json({**value, "x": inner})
    assert canonical_json(["x", made]) == canonical_json(["x", inner])
    assert canonical_json([{"deep": made}]) == canonical_json([{"deep": inner}])


@given(HARD)
def test_a_text_made_in_pieces_is_the_same(value):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canonical, "LONG", 1)
        assert canonical_json(value) == rfc8785.dumps(canonical_value(value)).decode()


@given(PLAIN)
def test_what_is_read_back_has_the_same_canonical_text(value):
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


@given(st.dictionaries(TEXT, st.integers(), max_size=6), st.randoms())
def test_key_order_does_not_count(value, random):
    items = list(value.items())
    random.shuffle(items)
    assert canonical_json(dict(items)) == canonical_json(value)


@given(st.integers(-(2**53) + 1, 2**53 - 1).filter(lambda n: float(f"{n:.12g}") == n))
def test_whole_floats_and_integers_are_one_value(number):
    assert canonical_json(number) == canonical_json(float(number))


@given(FLOATS)
def test_canonical_float_keeps_twelve_digits_and_is_stable(value):
    once = canonical_float(value)
    assert canonical_float(once) == once
    assert math.isclose(once, value, rel_tol=1e-11, abs_tol=5e-324)


@given(FLOATS)
def test_the_last_bit_does_not_count(value):
    text = f"{value:.12g}"
    assert canonical_json(float(text)) == canonical_json(canonical_float(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1.0, "1"),
        (1e16, "10000000000000000"),
        (10**16, "10000000000000000"),
        (2**53, '"9007199254740992"'),
        (-120378368865 * 10**9, "-120378368865000000000"),
        (1.20378368865e20, "120378368865000000000"),
        (10**400 + 1, '"1' + "0" * 399 + '1"'),
        (6.02214076e23, "6.02214076e+23"),
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ({3, 1}, "[1,3]"),
        ({1, "a"}, '["a",1]'),
        ((1, 2), "[1,2]"),
        ({1: "one"}, '{"1":"one"}'),
        ("é\n", '"é\\n"'),
    ],
)
def test_canonical_forms(value, text):
    assert canonical_json(value) == text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (math.nan, "not_finite"),
        ([math.inf], "not_finite"),
        (b"bytes", "not_json"),
        ({"a": object()}, "not_json"),
        ("\ud800", "not_json"),
        ({"\ud800": 1}, "not_json"),
        ({1: "a", "1": "b"}, "not_json"),
        ({1: [0] * 1000, "1": "b"}, "not_json"),
        pytest.param(10**5000, "not_json", id="huge"),
    ],
)
def test_what_json_cannot_hold_is_refused(value, code):
    with pytest.raises(InvalidInput) as caught:
        canonical_json(value)
    assert caught.value.code == code


def test_ids_depend_on_each_part_and_nothing_else():
    key = call_key("logp", "1", {"compound": "CCO", "n": 1})
    assert key == call_key("logp", "1", {"n": 1.0, "compound": "CCO"})
    assert key != call_key("logp", "2", {"compound": "CCO", "n": 1})
    assert key != call_key("logs", "1", {"compound": "CCO", "n": 1})
    assert evidence_id(key, {"x": 0.1 + 0.2}) == evidence_id(key, {"x": 0.3})
    assert evidence_id(key, {"x": 0.3}) != evidence_id(key, {"x": 0.30000001})
    assert digest("a", "b") != digest("ab")


def test_labels_are_recorded_in_one_order_in_every_process():
    program = (
        "from benchmate.runtime.evidence import *; from benchmate.runtime.canonical import evidence_id;"
        "r = ToolResult(source=Source(kind='web', name='x'), labels=frozenset({'untrusted', 'private'}));"
        "print(evidence_id('k', r.model_dump(mode='json')))"
    )
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | paths | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(seen) == 1


def test_models_are_dumped():
    result = ToolResult(source=Source(kind="computed", name="RDKit"), labels=frozenset({"private"}))
    assert canonical_value(result)["labels"] == ["private"]
