"""Expressions: they compare and compute over named values, and never run code."""

import ast
from collections import UserDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.expressions import Expression, fill, references
from benchmate.runtime.quantity import Quantity

MASS = Quantity(value=180.16, unit="g/mol", property="molecular_weight")
NAMES = {
    "mol": {
        "mw": MASS,
        "recorded": MASS.model_dump(mode="json"),
        "heavy": Quantity(value=0.18016, unit="kg/mol", property="molecular_weight"),
        "logp": Quantity(value=1.2, property="logp"),
        "warm": Quantity(value=25, unit="degC", property="temperature"),
        "also_warm": Quantity(value=77, unit="degF", property="temperature"),
        "name": "aspirin",
        "atoms": 13,
        "rings": [6, {"size": 5}],
        "ok": True,
    },
    "flat.path": 7,
}


def value_of(text, names=NAMES, **functions):
    return Expression.parse(text, functions).evaluate(names, functions)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 - 4 / 2", 5),
        ("-(3 - 5)", 2),
        ("1 < 2 <= 2 != 3", True),
        ("'asp' in mol.name and mol.atoms > 10", True),
        ("'mw' in mol", True),
        ("6 in mol.rings", True),
        ("mol.atoms not in [12, 14]", True),
        ("mol.rings[1].size + mol.rings[-2]", 11),
        ("mol['name']", "aspirin"),
        ("flat.path * 2", 14),
        ("mol.atoms if mol.ok else 0", 13),
        ("not mol.ok or 'no'", "no"),
        ("[1, mol.atoms]", [1, 13]),
        ("None == None", True),
        ("mol.mw.value > 180", True),
        ("mol.mw.unit == 'g/mol'", True),
        ("mol.mw < '500 g/mol'", True),
        ("'0.2 kg/mol' < mol.mw", False),
        ("mol.mw == mol.heavy", True),
        ("mol.recorded == mol.heavy", True),
        ("mol.heavy in [mol.mw]", True),
        ("mol.mw / mol.heavy", 1.0),
        ("mol.logp < 5", True),
        ("mol.logp * 2", 2.4),
        ("mol.warm == mol.also_warm", True),
        ("mol.warm < '300 kelvin'", True),
        ("mol.mw != 'heavy'", True),
        ("  mol.atoms  ", 13),
    ],
)
def test_values(text, expected):
    assert value_of(text) == expected


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("mol.mw * 2", 360.32, "g/mol"),
        ("mol.mw + mol.heavy", 360.32, "g/mol"),
        ("-mol.mw", -180.16, "g/mol"),
        ("mol.warm - '20 degC'", 5, "delta_degC"),
        ("mol.warm * 2", 596.3, "kelvin"),  # twice as warm is a matter of kelvin
    ],
)
def test_arithmetic_on_quantities_gives_quantities(text, value, unit):
    result = value_of(text)
    assert isinstance(result, Quantity) and result.property == "derived"
    assert result.to(unit).value == pytest.approx(value)


def test_a_name_gives_the_value_as_it_is():
    assert value_of("mol.mw") is MASS
    assert value_of("mol.recorded") == MASS.model_dump(mode="json")


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("__import__('os')", "__import__('os')"),
        ("open('x')", "Call"),
        ("mol.name.upper()", "Call"),
        ("().__class__", "__class__"),
        ("mol.__class__", "__class__"),
        ("mol._private", "_private"),
        ("__builtins__", "__builtins__"),
        ("'a'.upper", "upper"),
        ("[x for x in mol]", "ListComp"),
        ("{x for x in mol}", "SetComp"),
        ("(x for x in mol)", "GeneratorExp"),
        ("lambda: 1", "Lambda"),
        ("(x := 1)", "NamedExpr"),
        ("f'{mol}'", "JoinedStr"),
        ("2 ** 99", "2 ** 99"),
        ("1 << 99", "1 << 99"),
        ("7 // 2", "7 // 2"),
        ("7 % 2", "7 % 2"),
        ("~1", "~1"),
        ("mol is None", "Compare"),
        ("mol[1:2]", "Subscript"),
        ("mol[mol.name]", "Subscript"),
        ("{'a': 1}", "Dict"),
        ("(1, 2)", "Tuple"),
        ("*mol", "cannot be read"),
        ("await mol", "Await"),
        ("1j", "1j"),
        ("b'x'", "b'x'"),
        ("...", "..."),
        ("1e400", "too large"),
        ("import os", "cannot be read"),
        ("a; b", "cannot be read"),
        ("", "cannot be read"),
        ("\0", "cannot be read"),
        ("1" * 2000, "longer than"),
        ("not " * 200 + "1", "deep"),
        ("(" * 400 + "1" + ")" * 400, "cannot be read"),
        ("a" + "[0]" * 200, "deep"),
    ],
)
def test_what_is_not_on_the_list_is_refused(text, piece):
    with pytest.raises(InvalidInput) as caught:
        Expression.parse(text)
    assert caught.value.code == "bad_expression"
    assert piece in caught.value.info.message


@pytest.mark.parametrize(
    "text",
    [
        "'a' * 9",
        "'a' + 'b'",
        "[1] + [2]",
        "True + 1",
        "mol.name < 3",
        "1 / 0",
        "1e300 * 1e300",
        "mol.mw < 500",
        "mol.mw == 500",
        "mol.mw + mol.logp",
        "mol.mw + mol.warm",
        "mol.mw > 'heavy'",
        "mol.warm + mol.warm",
        "not mol.mw",
        "mol.mw and 1",
        "1 in 2",
        "3 in mol.name",
        "mol.atoms[0]",
        "-mol.name",
    ],
)
def test_operands_that_do_not_fit_are_refused(text):
    with pytest.raises(InvalidInput) as caught:
        value_of(text)
    assert caught.value.code == "bad_expression"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("mol.mv", "mw"),
        ("mole.mw", "mol"),
        ("mol.name.x", None),
        ("mol.rings[9]", None),
        ("mol['nam']", "name"),
    ],
)
def test_a_missing_name_names_the_nearest(text, hint):
    with pytest.raises(InvalidInput) as caught:
        value_of(text)
    assert caught.value.code == "unknown_name"
    if hint:
        assert repr(hint) in (caught.value.hint or "")


def test_names_are_dotted_paths_as_written():
    expression = Expression.parse("steps.resolve.output == mol.mw and x[0].y > max(z.q, 1)", ["max"])
    assert expression.names == {"steps.resolve.output", "mol.mw", "x", "z.q"}


def test_only_the_given_functions_can_be_called():
    assert value_of("largest(mol.atoms, 20) + 1", largest=max) == 21
    with pytest.raises(InvalidInput):
        Expression.parse("largest(1, key=mol)", ["largest"])
    parsed = Expression.parse("largest(1, 2)", ["largest"])
    with pytest.raises(InvalidInput) as caught:
        parsed.evaluate({})
    assert caught.value.code == "unknown_name"


class Trap:
    """An object that tells when anything of it is touched."""

    def __getattribute__(self, name):
        if name in ("__class__", "__len__", "__dict__"):  # what isinstance and bool look at
            return object.__getattribute__(self, name)
        pytest.fail(f"an expression reached {name}")

    def __eq__(self, other):
        pytest.fail("an expression compared an object")

    def __bool__(self):
        pytest.fail("an expression asked an object for its truth")

    __hash__ = None  # type: ignore[assignment]


ATOMS = ["a", "b.c", "_x", "1", "'s'", "True", "__import__", "None", "a.__class__", "b._c", "print", "b['c']"]
SOURCE = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(["+", "*", "**", "<", "and", "in", "==", "if a else", "|", "%"]), inner
        ).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(inner, st.sampled_from(["upper", "__class__", "c", "_d", "format"])).map(".".join),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
        inner.map(lambda part: f"[{part}]"),
        inner.map(lambda part: f"not {part}"),
        inner.map(lambda part: f"(lambda: {part})()"),
        inner.map(lambda part: f"[x for x in {part}]"),
        inner.map(lambda part: f'f"{{{part}}}"'),
        inner.map(lambda part: f"(y := {part})"),
    ),
    max_leaves=8,
)
FORBIDDEN = (
    ast.Call, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.NamedExpr, ast.JoinedStr,
    ast.Await, ast.Yield, ast.Starred, ast.Pow, ast.LShift, ast.Slice,
)  # fmt: skip


def escapes(tree: ast.AST) -> bool:
    """Whether Python source could do more than look up, compare and compute; judged on its own, not by our parser."""
    for node in ast.walk(tree):
        if isinstance(node, FORBIDDEN):
            return True
        if isinstance(node, ast.Attribute) and (
            node.attr.startswith("_") or not isinstance(node.value, (ast.Name, ast.Attribute, ast.Subscript))
        ):
            return True
        if isinstance(node, ast.Name) and node.id.startswith("_"):
            return True
    return False


@given(SOURCE)
def test_no_source_that_could_run_code_is_ever_accepted(source):
    try:
        tree = ast.parse(source, mode="eval")
    except SyntaxError:
        tree = None
    names = {"a": 2, "b": UserDict(c=Trap()), "print": Trap(), "x": 1}
    try:
        parsed = Expression.parse(source)
    except InvalidInput as error:
        assert error.code == "bad_expression"  # noqa: PT017  # both outcomes are checked
        return
    assert tree is not None and not escapes(tree)
    try:
        parsed.evaluate(names)
    except InvalidInput as error:
        assert error.code in ("bad_expression", "unknown_name")  # noqa: PT017


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_refused(text):
    try:
        parsed = Expression.parse(text)
    except InvalidInput as error:
        assert error.code == "bad_expression"  # noqa: PT017
    else:
        assert not escapes(ast.parse(text.strip(), mode="eval"))
        assert parsed.text == text


NUMBERS = st.integers(-1000, 1000)


@given(
    st.recursive(
        NUMBERS.map(str) | st.just("n"),
        lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        max_leaves=10,
    ),
    NUMBERS,
)
def test_arithmetic_is_pythons(source, number):
    expected = eval(source, {"n": number})  # an independent evaluation, of digits and + - * only
    assert value_of(source, {"n": number}) == expected


def test_fill_replaces_in_nested_data():
    data = {
        "a": ["${mol.rings}", "n = ${mol.atoms}, ${mol.mw}, ${mol.name}, ${mol.ok}"],
        "b": {"c": 1, "d": None},
    }
    assert fill(data, NAMES) == {
        "a": [NAMES["mol"]["rings"], "n = 13, 180.16 g/mol, aspirin, true"],
        "b": {"c": 1, "d": None},
    }
    assert fill("${mol.mw}", NAMES) is MASS
    assert fill("${twice(mol.atoms)}", NAMES, {"twice": lambda n: 2 * n}) == 26


def test_what_is_filled_in_is_not_filled_again():
    assert fill("x ${a}", {"a": "${b}", "b": "secret"}) == "x ${b}"


def test_references_lists_the_names():
    assert references({"a": ["${mol.mw < '5 g/mol'}", "x ${q.r} ${s}"], "b": 1}) == {"mol.mw", "q.r", "s"}
    assert references("no names") == frozenset()


@pytest.mark.parametrize("text", ["a ${b", "${a ${b}}", "${}", "${import os}"])
def test_a_broken_slot_is_refused(text):
    for use in (lambda: fill(text, {"a": 1, "b": 2}), lambda: references(text)):
        with pytest.raises(InvalidInput) as caught:
            use()
        assert caught.value.code == "bad_expression"
