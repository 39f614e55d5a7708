"""Expressions over dotted names: `mol.mw < '500 g/mol' and steps.dock.output.score < -7`, and `${…}` in data.

Text is parsed with `ast` and only the pieces listed here are kept, so a workflow file or a model's answer
can compare and compute but never run code. Names look things up in mappings, never in attributes of objects.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError

from benchmate.runtime.canonical import canonical_float, canonical_json
from benchmate.runtime.errors import InvalidInput, did_you_mean
from benchmate.runtime.quantity import Quantity, parse_unit, unit_registry

MAX_LENGTH = 1000
MAX_DEPTH = 30
_SLOT = re.compile(r"\$\{([^{}]*)\}")
_NUMBER_WITH_UNIT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_COMPARISONS = (*_ORDER, ast.Eq, ast.NotEq, ast.In, ast.NotIn)
_CONSTANTS = (str, bool, int, float, type(None))


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression. `names` are the dotted paths it reads, as written, up to the first `[index]`."""

    text: str
    names: frozenset[str]
    _tree: ast.expr

    @classmethod
    def parse(cls, text: str, functions: Collection[str] = ()) -> Expression:
        """Return the expression that `text` spells; `functions` are the only names that may be called.

        Raises InvalidInput (`bad_expression`) naming the piece that is not allowed.
        """
        if len(text) > MAX_LENGTH:
            _refuse(text, f"is longer than {MAX_LENGTH} characters")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # '\d' in a string is no concern of a reader of expressions
                tree = ast.parse(text.strip(), mode="eval").body
            _check(tree, text, frozenset(functions), MAX_DEPTH)
        except SyntaxError as error:
            _refuse(text, f"cannot be read: {error.msg}")
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            _refuse(text, f"cannot be read: {error or type(error).__name__}")
        return cls(text, frozenset(_names(tree)), tree)

    def evaluate(self, names: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] = {}) -> Any:
        """Return the value. `names` is nested mappings, or flat with dotted keys, or both.

        Arithmetic on quantities is checked for units; it gives a number when the units cancel and otherwise a
        Quantity with the property `derived`. A text with a unit, '500 g/mol', may stand beside a quantity.

        Raises InvalidInput: `unknown_name` with the nearest name, `bad_expression` for wrong operands.
        """
        return _plain(_Evaluation(self.text, names, functions).value(self._tree))


def fill(value: Any, names: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] = {}) -> Any:
    """Return `value` with every `${expression}` in its strings replaced, in lists and dicts too.

    A string that is exactly one `${…}` becomes the value itself; in a longer text the value is written out.
    Raises as `Expression.parse` and `evaluate`.
    """
    if isinstance(value, str):
        whole = _SLOT.fullmatch(value)
        if whole:
            return Expression.parse(whole[1], functions.keys()).evaluate(names, functions)
        _check_slots(value)
        return _SLOT.sub(
            lambda slot: _text(Expression.parse(slot[1], functions.keys()).evaluate(names, functions)), value
        )
    if isinstance(value, Mapping):
        return {key: fill(item, names, functions) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(item, names, functions) for item in value]
    return value


def references(value: Any, functions: Collection[str] = ()) -> frozenset[str]:
    """Return the dotted names that the `${…}` in `value` read. Raises as `Expression.parse`."""
    if isinstance(value, str):
        _check_slots(value)
        parsed = (Expression.parse(text, functions) for text in _SLOT.findall(value))
        return frozenset().union(*(expression.names for expression in parsed))
    if isinstance(value, Mapping):
        return frozenset().union(*(references(item, functions) for item in value.values()))
    if isinstance(value, (list, tuple)):
        return frozenset().union(*(references(item, functions) for item in value))
    return frozenset()


Renaming = Callable[[tuple[str, ...]], tuple[int, str] | None]


def renamed(text: str, new: Renaming) -> str:
    """Return an expression with its names replaced where they stand; all else of the text stays.

    `new` gets the parts of a dotted name and returns how many of them to replace and by what text, or None.
    Raises as `Expression.parse`.
    """
    Expression.parse(text)
    text = text.strip()
    starts = [0]  # of each line, in bytes, as `ast` counts
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    places: list[tuple[int, int, str]] = []
    for node in _paths(ast.parse(text, mode="eval").body):
        parts = tuple((_path(node) or "").split("."))
        found = new(parts)
        if found is None:
            continue
        for _ in range(len(parts) - found[0]):
            assert isinstance(node, ast.Attribute)
            node = node.value
        assert node.end_lineno is not None and node.end_col_offset is not None
        begin, end = (
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )
        places.append((begin, end, found[1]))
    encoded = text.encode()
    for begin, end, replacement in sorted(places, reverse=True):
        encoded = encoded[:begin] + replacement.encode() + encoded[end:]
    return encoded.decode()


def renamed_slots(value: Any, new: Renaming) -> Any:
    """Return data with the names in its `${…}` replaced, as `renamed` does."""
    if isinstance(value, str):
        _check_slots(value)
        return _SLOT.sub(lambda slot: f"${{{renamed(slot[1], new)}}}", value)
    if isinstance(value, Mapping):
        return {key: renamed_slots(item, new) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [renamed_slots(item, new) for item in value]
    return value


def whole_slot(value: Any) -> str | None:
    """Return the expression in a text that is one `${…}` and nothing else, or None."""
    found = _SLOT.fullmatch(value) if isinstance(value, str) else None
    return found[1].strip() if found else None


def _check_slots(text: str) -> None:
    if "${" in _SLOT.sub("", text):
        _refuse(text, "has a '${' without its '}'")


def _text(value: Any) -> str:
    quantity = _as_quantity(value)
    if quantity is not None:
        return quantity.format()
    return value if isinstance(value, str) else canonical_json(value)


def _refuse(text: str, why: str) -> NoReturn:
    shown = text if len(text) <= 80 else text[:77] + "..."
    raise InvalidInput("bad_expression", f"{shown!r} {why}")


def _check(node: ast.expr, text: str, functions: frozenset[str], depth: int) -> None:
    """Refuse every piece of syntax that is not on the list."""
    if depth == 0:
        _refuse(text, f"is nested more than {MAX_DEPTH} deep")
    inner: list[ast.expr]
    match node:
        case ast.Constant(value=value) if type(value) in _CONSTANTS:
            if isinstance(value, float) and not math.isfinite(value):
                _refuse(text, "holds a number that is too large")
            inner = []
        case ast.Name(id=name) if not name.startswith("_"):
            inner = []
        case ast.Attribute(value=base, attr=name) if not name.startswith("_") and isinstance(
            base, (ast.Name, ast.Attribute, ast.Subscript)
        ):
            inner = [base]
        case ast.Subscript(value=base, slice=index) if _index(index) is not None:
            inner = [base]
        case ast.BoolOp(values=values):
            inner = values
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            inner = [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            inner = [left, right]
        case ast.Compare(left=left, ops=ops, comparators=others) if all(
            type(op) in _COMPARISONS for op in ops
        ):
            inner = [left, *others]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            inner = [test, body, orelse]
        case ast.List(elts=items):
            inner = items
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in functions:
            inner = arguments
        case _:
            piece = ast.get_source_segment(text.strip(), node) or type(node).__name__
            _refuse(text, f"holds {piece[:60]!r} ({type(node).__name__}), which is not allowed here")
    for child in inner:
        _check(child, text, functions, depth - 1)


def _index(node: ast.expr) -> int | str | None:
    """Return the constant that an index is, or None."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _index(node.operand)
        return -inner if isinstance(inner, int) else None
    if isinstance(node, ast.Constant) and type(node.value) in (int, str):
        return node.value  # type: ignore[return-value]  # the line above says so
    return None


def _path(node: ast.expr) -> str | None:
    """Return the dotted name that a node is, or None."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = _path(node.value)
        return None if base is None else f"{base}.{node.attr}"
    return None


def _names(node: ast.expr) -> Iterator[str]:
    path = _path(node)
    if path is not None:
        yield path
        return
    if isinstance(node, ast.Call):
        for argument in node.args:
            yield from _names(argument)
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _names(child)


def _paths(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the nodes of the dotted names that an expression reads, whole."""
    if _path(node) is not None:
        yield node
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _paths(child)


@dataclass(frozen=True, slots=True)
class _Evaluation:
    text: str
    names: Mapping[str, Any]
    functions: Mapping[str, Callable[..., Any]]

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._member(self.names, name, name)
            case ast.Attribute(value=base, attr=name):
                path = _path(node)
                if path is not None and path in self.names:
                    return self.names[path]
                return self._member(self.value(base), name, path or name)
            case ast.Subscript(value=base, slice=index):
                return self._item(self.value(base), _index(index))
            case ast.BoolOp(op=op, values=values):
                stop = isinstance(op, ast.Or)
                result: Any = None
                for item in values:
                    result = self.value(item)
                    if self._truth(result) is stop:
                        break
                return result
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._truth(self.value(operand))
            case ast.UnaryOp(op=op, operand=operand):
                return self._signed(op, self.value(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return self._arithmetic(type(op), self.value(left), self.value(right))
            case ast.Compare(left=left, ops=ops, comparators=others):
                first = self.value(left)
                for comparison, other in zip(ops, others, strict=True):
                    second = self.value(other)
                    if not self._compare(type(comparison), first, second):
                        return False
                    first = second
                return True
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self._truth(self.value(test)) else orelse)
            case ast.List(elts=items):
                return [_plain(self.value(item)) for item in items]
            case ast.Call(func=ast.Name(id=name), args=arguments):
                if name not in self.functions:
                    raise InvalidInput(
                        "unknown_name", f"{name!r} is not a function", hint=did_you_mean(name, self.functions)
                    )
                return self.functions[name](*[_plain(self.value(argument)) for argument in arguments])
        raise AssertionError(f"{type(node).__name__} passed the check and has no meaning")

    def _member(self, base: Any, name: str, path: str) -> Any:
        members = _mapping(base)
        if members is None:
            raise InvalidInput("unknown_name", f"{path!r}: a {type(base).__name__} holds no names", hint=None)
        if name not in members:
            known = [key for key in members if isinstance(key, str)]
            raise InvalidInput("unknown_name", f"there is no {path!r}", hint=did_you_mean(name, known))
        return members[name]

    def _item(self, base: Any, index: int | str | None) -> Any:
        if isinstance(index, str):
            return self._member(base, index, index)
        if isinstance(base, (list, tuple)) and isinstance(index, int):
            if -len(base) <= index < len(base):
                return base[index]
            raise InvalidInput("unknown_name", f"{self.text!r}: there is no item {index} of {len(base)}")
        raise InvalidInput("bad_expression", f"{self.text!r}: a {type(base).__name__} has no item {index}")

    def _truth(self, value: Any) -> bool:
        if _as_pint(value) is not None or not _is_data(value):
            self._mismatch(f"{_shown(value)} is neither true nor false; compare it with something")
        return bool(value)

    def _signed(self, op: ast.unaryop, operand: Any) -> Any:
        value = operand if (quantity := _as_pint(operand)) is None else quantity
        if not _is_number(value) and not _is_pint(value):
            self._mismatch(f"{_shown(operand)} is not a number")
        return -value if isinstance(op, ast.USub) else value

    def _arithmetic(self, op: type[ast.operator], left: Any, right: Any) -> Any:
        a, b = self._operands(left, right)
        for operand in (a, b):
            if not _is_number(operand) and not _is_pint(operand):
                self._mismatch(f"{_shown(operand)} is not a number")
        if op in (ast.Mult, ast.Div):
            a, b = _absolute(a), _absolute(b)
        return self._guarded(_ARITHMETIC[op], a, b)

    def _compare(self, op: type[ast.cmpop], left: Any, right: Any) -> bool:
        if op in (ast.In, ast.NotIn):
            return self._contains(right, left) is (op is ast.In)
        a, b = self._operands(left, right)
        if _is_pint(a) or _is_pint(b):
            if not (_is_pint(a) or _is_number(a)) or not (_is_pint(b) or _is_number(b)):
                if op in _ORDER:
                    self._mismatch(f"{_shown(left)} cannot be ordered with {_shown(right)}")
                return op is ast.NotEq  # a quantity is not equal to None or to a word
            a, b = self._guarded(_common_magnitudes, a, b)
        elif (
            op in _ORDER
            and not (_is_number(a) and _is_number(b))
            and not (isinstance(a, str) and isinstance(b, str))
        ):
            self._mismatch(f"{_shown(left)} cannot be ordered with {_shown(right)}")
        if op in _ORDER:
            return bool(_ORDER[op](a, b))
        if not _is_data(a) or not _is_data(b):
            self._mismatch(f"{_shown(left)} cannot be compared with {_shown(right)}")
        return bool(a == b) is (op is ast.Eq)

    def _contains(self, container: Any, item: Any) -> bool:
        if isinstance(container, str):
            if not isinstance(item, str):
                self._mismatch(f"{_shown(item)} cannot be looked for in a text")
            return item in container
        if isinstance(container, (list, tuple)):
            return any(self._compare(ast.Eq, item, other) for other in container)
        members = _mapping(container)
        if members is None or not isinstance(item, str):
            self._mismatch(f"{_shown(item)} cannot be looked for in {_shown(container)}")
        return item in members

    def _operands(self, left: Any, right: Any) -> tuple[Any, Any]:
        """Turn quantities into pint's, and a text with a unit beside a quantity into one too."""
        a, b = _as_pint(left), _as_pint(right)
        if a is not None and isinstance(right, str):
            b = _quantity_in(right)
        elif b is not None and isinstance(left, str):
            a = _quantity_in(left)
        return left if a is None else a, right if b is None else b

    def _guarded(self, function: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
        import pint

        try:
            result = function(a, b)
        except pint.PintError as error:
            raise InvalidInput(
                "bad_expression",
                f"{self.text!r}: {error}",
                hint="give the number a unit, as in '500 g/mol', or use `.value`",
            ) from None
        except ArithmeticError as error:
            self._mismatch(str(error))
        if isinstance(result, float) and not math.isfinite(result):
            self._mismatch("the result is not a finite number")
        return result

    def _mismatch(self, why: str) -> NoReturn:
        raise InvalidInput("bad_expression", f"{self.text!r}: {why}")


def _mapping(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else None


def _as_quantity(value: Any) -> Quantity | None:
    """Return `value` as a Quantity when it is one, as a model or as a record's dict."""
    if isinstance(value, Quantity):
        return value
    if not (isinstance(value, Mapping) and {"value", "unit", "property"} <= value.keys()):
        return None
    try:
        return Quantity.model_validate(dict(value))
    except ValidationError:
        return None


def _as_pint(value: Any) -> Any:
    if _is_pint(value):
        return value
    quantity = _as_quantity(value)
    return None if quantity is None else quantity.pint()


def _quantity_in(text: str) -> Any:
    """Return '500 g/mol' as a pint quantity, or None when the text is not a number with a unit."""
    found = _NUMBER_WITH_UNIT.fullmatch(text)
    return unit_registry().Quantity(float(found[1]), parse_unit(found[2])) if found else None


def _is_pint(value: Any) -> bool:
    return isinstance(value, unit_registry().Quantity)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_data(value: Any) -> bool:
    return value is None or isinstance(value, (str, bool, int, float, list, tuple, Mapping, BaseModel))


def _absolute(value: Any) -> Any:
    """Return a temperature in °C or °F in kelvin, which alone can be multiplied."""
    if not _is_pint(value):
        return value
    origin = unit_registry().Quantity(0.0, value.units).to_base_units().magnitude
    return value.to_base_units() if origin != 0 else value


def _common_magnitudes(a: Any, b: Any) -> tuple[float, float]:
    """Return two quantities as numbers in one unit, at the precision at which records compare."""
    registry = unit_registry()
    a, b = registry.Quantity(a), registry.Quantity(b)
    return canonical_float(float(a.magnitude)), canonical_float(float(b.to(a.units).magnitude))


def _plain(value: Any) -> Any:
    """Return pint's quantities as this project's: a number when the units cancel."""
    if not _is_pint(value):
        return value
    if value.dimensionless:
        return canonical_float(float(value.to_base_units().magnitude))
    return Quantity(value=float(value.magnitude), unit=f"{value.units:C}", property="derived")


def _shown(value: Any) -> str:
    text = repr(value) if _is_data(value) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."
