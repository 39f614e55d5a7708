"""Symbolic mathematics in a process of its own: no files, no network, bounded memory and time. Run as a module by `solve_math`."""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmate.runtime.errors import BenchmateError, InvalidInput
from benchmate.tools.mathematics.expressions import parse

MEMORY = 3 << 30  # bytes of address space
CPU_SECONDS = 20
_DERIVATIVE = re.compile(r"d\s*(\w+)\s*/\s*d\s*(\w+)|([A-Za-z]\w*)\s*('{1,3})")


def restrict() -> None:
    """Give up writing files, reading any but Python's own, sockets, child processes, and memory and time beyond the limits."""
    sys.addaudithook(_refuse)
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        resource.setrlimit(limit, (most, most))


_OWN_FILES = tuple({sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[2])})
_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "ctypes.",
    "shutil.",
    "os.remove",
    "os.rename",
)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook, which cannot be taken away again. Raises PermissionError."""
    if event.startswith(_FORBIDDEN):
        raise PermissionError(event)
    if event == "open" and isinstance(arguments[0], str):
        reads = arguments[1] in (None, "r", "rb") and arguments[0].startswith(_OWN_FILES)
        if not reads:
            raise PermissionError(f"open {arguments[0]}")


def solve(request: dict[str, Any]) -> dict[str, Any]:
    """Return the result of one operation: `result` and `latex` as text, `values` as numbers, `checked`, `notes`."""
    return OPERATIONS[request["operation"]](request)


def _variable(request: dict[str, Any], expression: Any) -> Any:
    import sympy

    if request.get("variable"):
        return sympy.Symbol(request["variable"])
    free = sorted(expression.free_symbols, key=lambda s: (s.name not in "xtzyn", s.name))
    if not free:
        raise InvalidInput(
            "no_variable", "the expression has no variable", hint="operation evaluate gives its value"
        )
    if len(free) > 1 and free[0].name not in "xtz":
        raise InvalidInput(
            "ambiguous_variable", f"which of {', '.join(s.name for s in free)}?", hint="give variable"
        )
    return free[0]


def _sides(text: str) -> Any:
    """Return left minus right of an equation, or the expression itself, which then is equal to zero."""
    left, equals, right = text.partition("=")
    if "=" in right:
        raise InvalidInput(
            "invalid_expression", f"{text!r} has more than one equals sign", hint="separate equations by ;"
        )
    return parse(left) - parse(right) if equals else parse(left)


def _answer(
    value: Any, *, checked: str | None = None, notes: tuple[str, ...] = (), values: Any = None
) -> dict[str, Any]:
    import sympy

    found = values if values is not None else [value]
    return {
        "result": str(value), "latex": sympy.latex(value), "checked": checked, "notes": list(notes),
        "values": [n for n in map(_number, found) if n is not None],
    }  # fmt: skip


def _number(value: Any) -> list[float] | None:
    """Return [real, imaginary] of an expression without symbols, else None."""
    try:
        if value.free_symbols or not value.is_number:
            return None
        number = complex(value.evalf(17))
    except (TypeError, AttributeError, ValueError, OverflowError):
        return None
    if any(part != part or abs(part) == float("inf") for part in (number.real, number.imag)):
        return None
    return [number.real, number.imag]


def _simple(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def operation(request: dict[str, Any]) -> dict[str, Any]:
        import sympy

        before = parse(request["expression"])
        after = getattr(sympy, name)(before)
        return _answer(after, checked=_same(before, after))

    return operation


def _same(a: Any, b: Any) -> str:
    """Return how two expressions were found equal, or that it could not be shown."""
    difference = a - b
    if difference == 0 or difference.equals(0):
        return "equal to the given expression"
    return "not shown to be equal to the given expression"


def _evaluate(request: dict[str, Any]) -> dict[str, Any]:
    import sympy

    expression = parse(request["expression"])
    given = {sympy.Symbol(n): parse(v) for n, v in _assignments(request.get("at"), expression).items()}
    value = expression.subs(given)
    if value.free_symbols:
        names = ", ".join(sorted(s.name for s in value.free_symbols))
        raise InvalidInput("no_value", f"{names} has no value", hint=f"give at: '{names.split(',')[0]}=1'")
    exact = sympy.simplify(value)
    return _answer(exact, checked="exact arithmetic, then 17 digits")


def _assignments(text: str | None, expression: Any) -> dict[str, str]:
    if not text:
        return {}
    if "=" not in text:
        free = sorted(s.name for s in expression.free_symbols)
        if len(free) != 1:
            raise InvalidInput(
                "ambiguous_variable",
                f"{text!r} does not say which of {', '.join(free)} it is for",
                hint="write 'x=2'",
            )
        return {free[0]: text}
    pairs = [part.partition("=") for part in re.split(r"[,;]", text) if part.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _differentiate(request: dict[str, Any]) -> dict[str, Any]:
    import sympy

    expression = parse(request["expression"])
    variable = _variable(request, expression)
    result = sympy.simplify(sympy.diff(expression, variable, request.get("order") or 1))
    if request.get("at"):
        value = result.subs(variable, parse(request["at"].partition("=")[2] or request["at"]))
        return _answer(sympy.simplify(value), notes=(f"derivative: {result}",))
    return _answer(result)


def _integrate(request: dict[str, Any]) -> dict[str, Any]:
    import sympy

    expression = parse(request["expression"])
    variable = _variable(request, expression)
    lower, upper = request.get("lower"), request.get("upper")
    if (lower is None) != (upper is None):
        raise InvalidInput("missing_argument", "a definite integral needs both lower and upper")
    if lower is None:
        result = sympy.integrate(expression, variable)
        if result.has(sympy.Integral):
            return _answer(result, notes=("no antiderivative was found in closed form",))
        back = sympy.simplify(sympy.diff(result, variable) - expression)
        return _answer(result, checked=_same(back, sympy.Integer(0)).replace("the given expression", "the integrand when differentiated"),
                       notes=("up to a constant",))  # fmt: skip
    bounds = (variable, parse(lower), parse(str(upper)))
    result = sympy.integrate(expression, bounds)
    if result.has(sympy.Integral):
        number = sympy.Integral(expression, bounds).evalf()
        return _answer(
            result, values=[number], notes=("no closed form was found; the value is a numerical integral",)
        )
    if result.has(sympy.Piecewise):
        return _answer(result, notes=("the result depends on conditions",))
    return _answer(sympy.simplify(result), checked=_by_quadrature(expression, bounds, result))


def _by_quadrature(expression: Any, bounds: Any, result: Any) -> str | None:
    import sympy

    try:
        numeric = complex(sympy.Integral(expression, bounds).evalf(10))
        exact = complex(result.evalf(15))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    agrees = abs(numeric - exact) <= 1e-6 * max(1.0, abs(exact))
    return (
        "agrees with numerical integration"
        if agrees
        else f"numerical integration, which may not converge here, gives {numeric.real:.6g}"
    )


def _solve(request: dict[str, Any]) -> dict[str, Any]:
    import sympy

    parts = [part for part in re.split(r"[;\n]", request["expression"]) if part.strip()]
    equations = [_sides(part) for part in parts]
    if len(equations) > 1:
        return _system(request, equations)
    equation = equations[0]
    variable = _variable(request, equation)
    try:
        solutions = sympy.solve(equation, variable)
    except NotImplementedError:  # no algorithm: a root may still be found by number
        solutions = []
    if not solutions and variable in equation.free_symbols:
        root = _numeric_root(equation, variable)
        if root is None:
            return _answer(sympy.S.EmptySet, notes=("no solution was found",))
        return _answer(root, notes=("found numerically, near 1; there may be others",))
    checked = all(_is_zero(equation.subs(variable, s)) for s in solutions)
    return _answer(
        sympy.FiniteSet(*solutions) if len(solutions) != 1 else solutions[0], values=solutions,
        checked="each put back into the equation" if checked else "not shown by putting back",
    )  # fmt: skip


def _system(request: dict[str, Any], equations: list[Any]) -> dict[str, Any]:
    import sympy

    unknowns = sorted(set().union(*(e.free_symbols for e in equations)), key=lambda s: s.name)
    if request.get("variable"):
        unknowns = [sympy.Symbol(name.strip()) for name in request["variable"].split(",")]
    solutions = sympy.solve(equations, unknowns, dict=True)
    if not solutions:
        return _answer(sympy.S.EmptySet, notes=("no solution was found",))
    checked = all(_is_zero(e.subs(s)) for e in equations for s in solutions)
    text = "; ".join(", ".join(f"{k} = {v}" for k, v in s.items()) for s in solutions)
    answer = _answer(
        sympy.Tuple(), checked="each put back into the equations" if checked else "not shown by putting back"
    )
    values = [n for s in solutions for v in s.values() if (n := _number(v)) is not None]
    return answer | {
        "result": text,
        "latex": ", ".join(sympy.latex(sympy.Eq(k, v)) for s in solutions for k, v in s.items()),
        "values": values,
    }


def _is_zero(value: Any) -> bool:
    import sympy

    if value == 0 or sympy.simplify(value) == 0:
        return True
    number = _number(value)
    return number is not None and abs(complex(*number)) < 1e-9


def _numeric_root(equation: Any, variable: Any) -> Any:
    import sympy

    try:
        return sympy.nsolve(equation, variable, 1)
    except (ValueError, TypeError, ZeroDivisionError):
        return None


def _limit(request: dict[str, Any]) -> dict[str, Any]:
    import sympy

    expression = parse(request["expression"])
    variable = _variable(request, expression)
    if not request.get("at"):
        raise InvalidInput("missing_argument", "a limit needs the point", hint="give at: '0', or 'oo'")
    point = parse(request["at"].partition("=")[2] or request["at"])
    right = sympy.limit(expression, variable, point, "+")
    if point not in (sympy.oo, -sympy.oo):
        left = sympy.limit(expression, variable, point, "-")
        if left != right:
            return _answer(
                sympy.Tuple(left, right),
                notes=(f"the limits differ: {left} from the left, {right} from the right",),
            )
    return _answer(right)


def _series(request: dict[str, Any]) -> dict[str, Any]:
    import sympy

    expression = parse(request["expression"])
    variable = _variable(request, expression)
    at = request.get("at") or "0"
    return _answer(
        sympy.series(expression, variable, parse(at.partition("=")[2] or at), request.get("order") or 6)
    )


def _sum(request: dict[str, Any]) -> dict[str, Any]:
    import sympy

    expression = parse(request["expression"])
    variable = _variable(request, expression)
    if request.get("lower") is None or request.get("upper") is None:
        raise InvalidInput("missing_argument", "a sum needs lower and upper")
    result = sympy.summation(expression, (variable, parse(request["lower"]), parse(request["upper"])))
    note = ("no closed form was found",) if result.has(sympy.Sum) else ()
    return _answer(result, notes=note)


def _ode(request: dict[str, Any]) -> dict[str, Any]:
    import sympy

    unknown, variable, text = _plain_ode(request["expression"], request.get("variable"))
    y, t = sympy.Function(unknown), sympy.Symbol(variable)
    left, _, right = text.partition("=")
    equation = (
        (_with_derivatives(left, unknown, t) - _with_derivatives(right, unknown, t))
        if right
        else _with_derivatives(left, unknown, t)
    )
    conditions = _conditions(request.get("conditions"), unknown, t)
    try:
        solution = sympy.dsolve(equation, y(t), ics=conditions or None)
    except NotImplementedError as error:
        raise InvalidInput("unsolved", f"no solution in closed form was found: {error}") from None
    solution = solution[0] if isinstance(solution, list) else solution
    right_side = solution.rhs
    checked = bool(sympy.checkodesol(equation, solution, y(t))[0])
    note = f"{unknown}({variable}) = {right_side}"
    check = "put back into the equation" if checked else "not shown by putting back"
    if request.get("at"):
        point = parse(request["at"].partition("=")[2] or request["at"])
        return _answer(right_side.subs(t, point), checked=check, notes=(note,))
    return _answer(
        right_side,
        checked=check,
        notes=() if conditions else ("with free constants: no initial conditions were given",),
    )


def _plain_ode(text: str, variable: str | None) -> tuple[str, str, str]:
    """Return the unknown function, its variable, and the equation with derivatives written D1, D2, …"""
    found = _DERIVATIVE.search(text)
    if found is None:
        raise InvalidInput(
            "no_derivative", f"{text!r} holds no derivative", hint="write dy/dt = -0.3*y, or y'' + y = 0"
        )
    unknown = found[1] or found[3]
    inside = re.search(rf"\b{unknown}\s*\(\s*([A-Za-z])\s*\)", text)
    name = variable or found[2] or (inside[1] if inside else ("x" if re.search(r"\bx\b", text) else "t"))
    plain = re.sub(rf"d\s*\^?\s*2\s*{unknown}\s*/\s*d\s*{name}\s*\^?\s*2", " D2 ", text)
    plain = re.sub(rf"d\s*{unknown}\s*/\s*d\s*{name}", " D1 ", plain)
    plain = re.sub(rf"\b{unknown}\s*('{{1,3}})(\s*\(\s*{name}\s*\))?", lambda m: f" D{len(m[1])} ", plain)
    plain = re.sub(rf"\b{unknown}\s*\(\s*{name}\s*\)", f" {unknown} ", plain)
    return unknown, name, plain


def _with_derivatives(text: str, unknown: str, t: Any) -> Any:
    import sympy

    y = sympy.Function(unknown)
    expression = parse(text)
    table = {sympy.Symbol(f"D{n}"): y(t).diff(t, n) for n in (1, 2, 3)} | {sympy.Symbol(unknown): y(t)}
    return expression.subs(table)


def _conditions(text: str | None, unknown: str, t: Any) -> dict[Any, Any]:
    import sympy

    y = sympy.Function(unknown)
    found: dict[Any, Any] = {}
    for part in re.split(r"[,;]| and ", text or ""):
        if not part.strip():
            continue
        match = re.fullmatch(rf"\s*{unknown}\s*('{{0,2}})\s*\(([^()]+)\)\s*=\s*(.+?)\s*", part)
        if match is None:
            raise InvalidInput(
                "invalid_condition",
                f"{part.strip()!r} is no initial condition",
                hint=f"write {unknown}(0) = 50",
            )
        order, point = len(match[1]), parse(match[2])
        key = y(t).diff(t, order).subs(t, point) if order else y(point)
        found[key] = parse(match[3])
    return found


def _matrix(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def operation(request: dict[str, Any]) -> dict[str, Any]:
        import sympy

        matrix = _read_matrix(request["expression"])
        if matrix.rows != matrix.cols:
            raise InvalidInput("not_square", f"the matrix is {matrix.rows} by {matrix.cols}")
        if name == "determinant":
            return _answer(sympy.simplify(matrix.det()))
        if name == "inverse":
            if matrix.det() == 0:
                raise InvalidInput("singular", "the matrix has no inverse: its determinant is zero")
            inverse = matrix.inv()
            right = sympy.simplify(matrix * inverse) == sympy.eye(matrix.rows)
            return _answer(inverse, values=[], checked="times the matrix is the identity" if right else None)
        values = [v for v, count in matrix.eigenvals().items() for _ in range(count)]
        return _answer(sympy.Tuple(*values), values=values)

    return operation


def _read_matrix(text: str) -> Any:
    import sympy

    body = text.strip()
    rows = re.findall(r"\[([^\[\]]+)\]", body) or [
        r for r in re.split(r"[;\n]", body.strip("[]()")) if r.strip()
    ]
    entries = [[parse(cell) for cell in row.split(",")] for row in rows]
    if not entries or len({len(row) for row in entries}) != 1 or len(entries) > 12:
        raise InvalidInput(
            "invalid_matrix", f"{text[:60]!r} is no matrix", hint="write [[1, 2], [3, 4]], at most 12 rows"
        )
    return sympy.Matrix(entries)


OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "simplify": _simple("simplify"), "expand": _simple("expand"), "factor": _simple("factor"), "evaluate": _evaluate, "solve": _solve,
    "differentiate": _differentiate, "integrate": _integrate, "limit": _limit, "series": _series, "sum": _sum, "ode": _ode,
    "determinant": _matrix("determinant"), "inverse": _matrix("inverse"), "eigenvalues": _matrix("eigenvalues"),
}  # fmt: skip


def main() -> None:
    """Read one request from the standard input, answer on the standard output."""
    import sympy  # noqa: F401 (before the limits hold)

    request = json.loads(sys.stdin.read())
    restrict()
    try:
        answer: dict[str, Any] = {"answer": solve(request)}
    except BenchmateError as error:
        answer = {"error": error.info.model_dump(mode="json")}
    except (MemoryError, RecursionError, OverflowError):
        answer = {
            "error": {
                "code": "too_hard",
                "kind": "invalid",
                "message": "the computation needs more memory than it may have",
            }
        }
    except (
        NotImplementedError,
        ValueError,
        TypeError,
        ZeroDivisionError,
        AttributeError,
        IndexError,
        KeyError,
    ) as error:
        message = f"SymPy cannot do this: {type(error).__name__}: {str(error)[:200]}"
        answer = {"error": {"code": "unsolved", "kind": "invalid", "message": message}}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
