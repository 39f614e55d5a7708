"""Mathematical text that people write, read into SymPy without ever evaluating what was not allowed by name."""

from __future__ import annotations

import ast
import re
from typing import Any

from benchmate.runtime.errors import InvalidInput, did_you_mean

LONGEST = 2000  # characters
DEEPEST = 60  # brackets within brackets
FUNCTIONS = (
    "sin cos tan cot sec csc asin acos atan atan2 sinh cosh tanh asinh acosh atanh exp log sqrt Abs sign floor ceiling gamma "
    "loggamma beta erf erfc erfi besselj bessely besseli besselk zeta factorial binomial Heaviside DiracDelta Min Max re im arg "
    "conjugate LambertW Ei Si Ci"
).split()  # fmt: skip
_OTHER_NAMES = {
    "ln": "log", "abs": "Abs", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "tg": "tan", "sgn": "sign", "ceil": "ceiling",
    "max": "Max", "min": "Min", "fact": "factorial", "Gamma": "gamma",
}  # fmt: skip
CONSTANTS = {
    "pi": "pi",
    "π": "pi",
    "e": "E",
    "E": "E",
    "i": "I",
    "I": "I",
    "oo": "oo",
    "inf": "oo",
    "infinity": "oo",
    "∞": "oo",
}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|[-+*/^(),!']))"
)
_PLAIN = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "·": "*",
        "×": "*",
        "⋅": "*",
        "÷": "/",
        "²": "^2",
        "³": "^3",
        "{": "(",
        "}": ")",
        "[": "(",
        "]": ")",
    }
)
LARGEST_BITS = 40_000  # of a whole number that a power makes
LARGEST_FACTORIAL = 3_000
_DIGITS_AT_ONCE = 400  # of a whole number


def tokens_of(
    text: str, functions: frozenset[str] = frozenset(), symbols: frozenset[str] = frozenset()
) -> list[tuple[str, str]]:
    """Return (kind, token) for each number, name and sign of an expression; kinds are number, function, constant, symbol, sign.

    `functions` are names of unknown functions, such as the y of a differential equation; `symbols` are names that stand for
    quantities even where they are a constant elsewhere: the current I, the field E.

    Raises InvalidInput: `empty_expression`, `too_large`, `invalid_expression` (with the place of what is not allowed).
    """
    plain = text.strip().translate(_PLAIN)
    plain = re.sub(r"√\s*\(", "sqrt(", plain)
    if not plain:
        raise InvalidInput("empty_expression", "there is no expression", hint="write it as in 'x^2*exp(-x)'")
    if len(plain) > LONGEST:
        raise InvalidInput("too_large", f"the expression has {len(plain)} characters; {LONGEST} is the limit")
    found: list[tuple[str, str]] = []
    position = depth = 0
    while position < len(plain):
        match = _TOKEN.match(plain, position)
        if match is None:
            if plain[position:].isspace():
                break
            raise _not_allowed(plain, position)
        position = match.end()
        if number := match["number"]:
            if len(re.sub(r"\D", "", number)) > _DIGITS_AT_ONCE:
                raise InvalidInput(
                    "too_large", f"a number of the expression has more than {_DIGITS_AT_ONCE} digits"
                )
            found.append(("number", number))
        elif name := match["name"]:
            if "__" in name or len(name) > 40:
                raise _not_allowed(plain, match.start("name"))
            called = plain[position:].lstrip().startswith("(")
            found.append((_kind(name, called, functions, symbols), name))
        else:
            sign = match["sign"]
            depth += (sign == "(") - (sign == ")")
            if not 0 <= depth <= DEEPEST:
                raise _not_allowed(plain, match.start("sign"))
            found.append(("sign", "**" if sign == "^" else sign))
    if depth:
        raise InvalidInput("invalid_expression", f"{depth} brackets of {text.strip()!r} are not closed")
    return found


def _kind(name: str, called: bool, functions: frozenset[str], symbols: frozenset[str]) -> str:
    if name in functions:
        return "unknown"
    if name in symbols:
        return "symbol"
    if called and (name in FUNCTIONS or name in _OTHER_NAMES):
        return "function"
    if name in CONSTANTS:
        return "constant"
    if called and len(name) > 2:
        raise InvalidInput(
            "unknown_function",
            f"{name!r} is no function known here",
            hint=did_you_mean(name, [*FUNCTIONS, *_OTHER_NAMES]),
        )
    return "symbol"


def _not_allowed(plain: str, position: int) -> InvalidInput:
    return InvalidInput(
        "invalid_expression", f"{plain[position : position + 12]!r} at position {position + 1} is no mathematics that is read here",
        hint="write numbers, names, + - * / ^ ( ) and functions such as sin, exp, log, sqrt",
    )  # fmt: skip


def code_of(tokens: list[tuple[str, str]]) -> str:
    """Return Python text for SymPy: numbers wrapped, names as keys of a table, multiplication signs written out.

    The text holds nothing but these, so that evaluating it can reach nothing else.
    """
    parts: list[str] = []
    before = ""
    for kind, token in tokens:
        opens = kind != "sign" or token == "("
        if (
            opens
            and before in ("number", "constant", "symbol", ")")
            and not (token == "(" and before == "unknown")
        ):
            parts.append("*")  # 2x, x y, (a)(b), 3(x+1)
        if kind == "number":
            parts.append(f"N({token!r})")
            before = "number"
        elif kind == "sign":
            parts.append("" if token in "!'" else token)
            if token == "!":
                raise InvalidInput("invalid_expression", "write a factorial as factorial(n)")
            if token == "'":
                raise InvalidInput(
                    "invalid_expression", "a derivative stands in a differential equation alone"
                )
            before = token
        else:
            known = {"function": _OTHER_NAMES.get(token, token), "constant": CONSTANTS.get(token, token)}.get(
                kind, token
            )
            parts.append(f"names[{kind!r}, {known!r}]")
            before = kind
    return "".join(parts)


class _Guarded(ast.NodeTransformer):
    """Writes each power and each call of a function as a call of a guard, which refuses what could not end."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Pow):
            return ast.Call(ast.Name("power", ast.Load()), [node.left, node.right], [])
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Subscript):
            return ast.Call(ast.Name("call", ast.Load()), [node.func, *node.args], [])
        return node


def parse(text: str, functions: frozenset[str] = frozenset(), symbols: frozenset[str] = frozenset()) -> Any:
    """Return the SymPy expression of a text. Symbols are complex unless SymPy is told otherwise.

    `functions` and `symbols` as for `tokens_of`.

    Raises InvalidInput as `tokens_of`, and `invalid_expression` where the parts make no expression.
    """
    import sympy

    tokens = tokens_of(text, functions, symbols)
    names: dict[tuple[str, str], Any] = {}
    for kind, token in tokens:
        if kind == "function":
            known = _OTHER_NAMES.get(token, token)
            names[kind, known] = getattr(sympy, known)
        elif kind == "constant":
            names[kind, CONSTANTS[token]] = getattr(sympy, CONSTANTS[token])
        elif kind == "symbol":
            names[kind, token] = sympy.Symbol(token)
        elif kind == "unknown":
            names[kind, token] = sympy.Function(token)

    def number(written: str) -> Any:
        return sympy.Integer(written) if written.isdigit() else sympy.Rational(written)

    def power(base: Any, exponent: Any) -> Any:
        if (
            base.is_Integer
            and exponent.is_Integer
            and abs(int(exponent)) * int(base).bit_length() > LARGEST_BITS
        ):
            raise InvalidInput(
                "too_large", f"a power in {text.strip()[:60]!r} has too many digits to be written out"
            )
        return base**exponent

    def call(function: Any, *arguments: Any) -> Any:
        if getattr(function, "__name__", "") in ("factorial", "gamma", "binomial") and any(
            a.is_number and abs(a) > LARGEST_FACTORIAL for a in arguments
        ):
            raise InvalidInput(
                "too_large", f"{function.__name__} of a number above {LARGEST_FACTORIAL} is not written out"
            )
        return function(*arguments)

    try:
        tree = ast.fix_missing_locations(_Guarded().visit(ast.parse(code_of(tokens), mode="eval")))
        scope = {"__builtins__": {}, "names": names, "N": number, "power": power, "call": call}
        value = eval(compile(tree, "<expression>", "eval"), scope)
    except (SyntaxError, TypeError, AttributeError, ValueError, ZeroDivisionError) as error:
        raise InvalidInput("invalid_expression", f"{text.strip()[:80]!r} cannot be read: {error}") from None
    if not isinstance(value, (sympy.Basic, sympy.MatrixBase)):
        raise InvalidInput("invalid_expression", f"{text.strip()!r} is no expression")
    return value
