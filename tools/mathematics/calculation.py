"""Arithmetic with units, and how uncertainties carry over."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity, parse_unit, unit_registry
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.units import is_unit, read_unit

LONGEST = 300  # characters
DRAWS = 100_000
SEED = 20260101
_UNIT = r"(?:[A-Za-zµμΩ°Å%][A-Za-zµμΩ°Å%_]*(?:\^-?\d+|\*\*-?\d+|[²³])?(?:[/·*](?=[A-Za-zµμ])[A-Za-zµμΩ°Å_]+(?:\^-?\d+|[²³])?)*)"
_MEASURED = re.compile(
    rf"(?<![\w.])(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\d*\.?\d*[eE][-+]?\d)\s*(?P<unit>{_UNIT})"
)
_ALLOWED = re.compile(r"[\s\d.+\-*/^()eE]*")
_TARGET = re.compile(r"\s+(?:in|to|into|as)\s+(?P<unit>[^\d()+*]+?)\s*\??\s*$", re.I)


@tool(
    reader=lambda question: read_calculation(question),
    domain="mathematics",
    properties={"result": "result of the calculation, result, answer, how much"},
    examples=(
        "3.5 mg / (180.16 g/mol) / 2 mL in mM",
        "calculate 25 mL * 0.1 mol/L",
        "What is 2*3 + 4^2?",
        "How much is 5 mg/mL * 250 uL in mg?",
        "6.022e23 / 4.5e21",
        "work out (12.5 kJ/mol) / (8.314 J/mol/K) / 298 K",
    ),
    example={"calculation": "3.5 mg / (180.16 g/mol) / 2 mL", "unit": "mM"},
)
def calculate(calculation: str, unit: str | None = None) -> ToolResult:
    """Calculate with numbers and units: + - * / ^ and brackets; units are checked, and the result is given in the unit asked for.

    A number and the unit written after it belong together: 10 / 5 mg/mL is 10 / (5 mg/mL).

    Raises InvalidInput: `empty_expression`, `invalid_expression`, `unknown_unit`, `unit_mismatch`, `too_large`, `division_by_zero`.

    Args:
        calculation: What to calculate, as in '25 mL * 0.1 mol/L'; ' in UNIT' at its end names the unit of the result.
        unit: The unit of the result; by default what follows.
    """
    text = calculation.strip().rstrip("=?").strip()
    if not text:
        raise InvalidInput(
            "empty_expression", "there is nothing to calculate", hint="write '25 mL * 0.1 mol/L'"
        )
    if len(text) > LONGEST:
        raise InvalidInput("too_large", f"the calculation has {len(text)} characters; {LONGEST} is the limit")
    target = _TARGET.search(text)
    if target and unit is None and is_unit(target["unit"]):
        text, unit = text[: target.start()], target["unit"]
    value = _value_of(text)
    if unit is not None:
        value = _in_unit(value, read_unit(unit).unit)
    else:
        value = value.to_reduced_units().to_compact() if not value.dimensionless else value.to("")
    magnitude = float(value.magnitude)
    if not math.isfinite(magnitude):
        raise InvalidInput("too_large", f"{text!r} is not finite")
    written = f"{value.units}" if str(value.units) != "dimensionless" else ""
    return ToolResult(
        data={"calculation": text},
        quantities={
            "result": Quantity(
                value=magnitude, unit=written, property="result", method="arithmetic with units (pint)"
            )
        },
        source=Source(kind="computed", name="pint"),
    )


def _value_of(text: str) -> Any:
    import pint

    registry = unit_registry()
    measured: list[Any] = []

    def hold(match: re.Match[str]) -> str:
        measured.append(registry.Quantity(float(match["number"]), parse_unit(read_unit(match["unit"]).unit)))
        return f" q[{len(measured) - 1}] "

    plain = text.replace("−", "-").replace("×", "*").replace("·", "*").replace("÷", "/")
    held = _MEASURED.sub(hold, plain)
    left = re.sub(r" q\[\d+\] ", "1", held)
    if not _ALLOWED.fullmatch(left):
        wrong = next(c for c in left if not _ALLOWED.fullmatch(c))
        raise InvalidInput(
            "invalid_expression", f"{wrong!r} in {text!r} is no number, unit or sign that is read here",
            hint="write numbers with units, + - * / ^ and brackets; solve_math does functions",
        )  # fmt: skip
    try:
        return registry.Quantity(1.0, "") * _walk(held.replace("^", "**"), measured)
    except ZeroDivisionError:
        raise InvalidInput("division_by_zero", f"{text!r} divides by zero") from None
    except pint.DimensionalityError as error:
        raise InvalidInput(
            "unit_mismatch", f"{text!r}: {error}", hint="only like units can be added"
        ) from None
    except OverflowError:
        raise InvalidInput("too_large", f"{text!r} is too large a number") from None


def _walk(text: str, measured: list[Any]) -> Any:
    """Return the value of an expression of numbers, held quantities and signs, by its syntax tree: nothing is evaluated as code."""
    import ast

    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, RecursionError):
        raise InvalidInput(
            "invalid_expression", f"{text.strip()!r} is no calculation", hint="a bracket or sign is missing"
        ) from None

    def value(node: ast.AST) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return float(node.value)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return measured[int(str(node.slice.value))]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            return -value(node.operand) if isinstance(node.op, ast.USub) else value(node.operand)
        if isinstance(node, ast.BinOp):
            a, b = value(node.left), value(node.right)
            if isinstance(node.op, ast.Add):
                return a + b
            if isinstance(node.op, ast.Sub):
                return a - b
            if isinstance(node.op, ast.Mult):
                return a * b
            if isinstance(node.op, ast.Div):
                return a / b
            if isinstance(node.op, ast.Pow):
                return a**b
        raise InvalidInput(
            "invalid_expression",
            f"{text.strip()!r} is no calculation",
            hint="numbers, units, + - * / ^ and brackets",
        )

    return value(tree)


def _in_unit(value: Any, unit: str) -> Any:
    import pint

    try:
        return value.to(parse_unit(unit))
    except pint.DimensionalityError as error:
        raise InvalidInput(
            "unit_mismatch", f"the result is in {value.units}, not in {unit}", hint=str(error)
        ) from None


@tool(
    reader=lambda question: read_uncertain(question),
    domain="mathematics",
    version="2",
    properties={
        "result": "result with its uncertainty, result, value",
        "contribution": "contribution to the variance, share of the uncertainty, largest source of uncertainty",
    },
    examples=(
        "Propagate the uncertainty of x*y with x = 2.0 ± 0.1 and y = 3.0 ± 0.2",
        "error propagation for m/V, m = 12.5 +/- 0.1, V = 4.0 +/- 0.05",
        "What is the uncertainty of a/b if a = 10 ± 0.5 and b = 2 ± 0.1?",
        "uncertainty of pi*r^2 with r = 3.00 ± 0.02",
    ),
    example={"expression": "m/V", "values": {"m": 12.5, "V": 4.0}, "uncertainties": {"m": 0.1, "V": 0.05}},
)
def propagate_uncertainty(
    expression: str,
    values: dict[str, float],
    uncertainties: dict[str, float],
    correlations: dict[str, float] | None = None,
    draws: Annotated[int, Unit("", "draws, Monte Carlo draws"), Field(ge=1000, le=1_000_000)] = DRAWS,
    seed: Annotated[int, Unit("", "seed"), Field(ge=0)] = SEED,
) -> ToolResult:
    """Propagate standard uncertainties through an expression, by the GUM's linear formula and by Monte Carlo.

    The two are compared: where they differ by more than 5 %, the expression is too curved for the linear formula, and the warning says
    so. Inputs are taken as normally distributed in the Monte Carlo.

    Raises InvalidInput: `missing_value`, `invalid_expression`, `negative_uncertainty`, `invalid_correlation`, `not_finite`.

    Args:
        expression: The measurement equation, such as 'm/V' or 'pi*r^2*h'.
        values: The value of each quantity in it. A name that is given here is that quantity, also E, I, e and i.
        uncertainties: The standard uncertainty (one sigma) of each; one that is left out is exact.
        correlations: Correlation coefficients by 'a,b'; pairs left out are independent.
        draws: How many Monte Carlo draws.
        seed: The random seed.
    """
    import numpy as np
    import sympy

    from benchmate.tools.mathematics.expressions import parse

    formula = parse(expression, symbols=frozenset(values))
    names = sorted(symbol.name for symbol in formula.free_symbols)
    missing = [n for n in names if n not in values]
    if missing:
        raise InvalidInput(
            "missing_value", f"{', '.join(missing)} has no value", hint=f"values: {{'{missing[0]}': …}}"
        )
    sigma = np.array([float(uncertainties.get(n, 0.0)) for n in names])
    if (sigma < 0).any() or not np.isfinite(sigma).all():
        raise InvalidInput("negative_uncertainty", "a standard uncertainty is negative or no number")
    symbols = [sympy.Symbol(n) for n in names]
    point = {s: float(values[s.name]) for s in symbols}
    slopes = np.array([_real(formula.diff(s).subs(point)) for s in symbols]) if names else np.zeros(0)
    centre = _real(formula.subs(point))
    if not (math.isfinite(centre) and np.isfinite(slopes).all()):
        raise InvalidInput("not_finite", f"{expression!r} has no finite value or slope there")
    matrix = _correlation(names, correlations or {})
    covariance = np.outer(sigma, sigma) * matrix
    linear = math.sqrt(max(0.0, float(slopes @ covariance @ slopes)))
    drawn = (
        np.random.default_rng(seed).multivariate_normal([point[s] for s in symbols], covariance, draws)
        if names
        else np.zeros((draws, 0))
    )
    with np.errstate(all="ignore"):
        sampled = np.broadcast_to(
            np.asarray(sympy.lambdify(symbols, formula, "numpy")(*drawn.T), dtype=float), (draws,)
        )
    finite = sampled[np.isfinite(sampled)]
    spread = float(finite.std()) if finite.size else math.nan
    notes = []
    if finite.size < draws:
        notes.append(
            f"{draws - finite.size} of {draws} draws gave no number: the inputs reach where the expression has none"
        )
    if linear and abs(spread - linear) > 0.05 * linear:
        notes.append(
            f"Monte Carlo gives {spread:.4g} where the linear formula gives {linear:.4g}: the expression is curved there"
        )
    shares = {
        n: float((c * s) ** 2 / linear**2) if linear else 0.0
        for n, c, s in zip(names, slopes, sigma, strict=True)
    }
    quantities = {
        "result": Quantity(
            value=centre, uncertainty=linear, property="result", method="linear propagation (GUM, JCGM 100:2008, eq. 13)",
            conditions={"coverage": "one standard uncertainty"},
        )
    } | {
        f"contribution_{n}": Quantity(value=100 * share, unit="percent", property="contribution", method="(∂f/∂x u)² / u²", conditions={"input": n})
        for n, share in shares.items() if n in uncertainties
    }  # fmt: skip
    low, high = (float(v) for v in np.percentile(finite, [2.5, 97.5])) if finite.size else (centre, centre)
    data = {
        "monte_carlo": {"mean": float(finite.mean()) if finite.size else None, "standard_deviation": spread if finite.size else None,
                        "interval_95": [low, high], "draws": draws, "seed": seed},
        "slopes": dict(zip(names, slopes.tolist(), strict=True)),
    }  # fmt: skip
    return ToolResult(
        data=data, quantities=quantities,
        source=Source(kind="computed", name=f"SymPy {sympy.__version__}, NumPy {np.__version__}", reference="JCGM 100:2008, JCGM 101:2008"),
        warnings=tuple(notes),
    )  # fmt: skip


def _real(value: Any) -> float:
    """Return a number of SymPy's as a float; NaN where it is infinite, complex or none."""
    try:
        return float(value)
    except TypeError:
        return math.nan


def _correlation(names: list[str], given: dict[str, float]) -> Any:
    import numpy as np

    matrix = np.eye(len(names))
    for pair, value in given.items():
        a, _, b = (part.strip() for part in pair.partition(","))
        if a not in names or b not in names or a == b or not -1 <= value <= 1:
            raise InvalidInput(
                "invalid_correlation",
                f"{pair!r}: {value} is no correlation of two inputs",
                hint="write {'a,b': 0.5}",
            )
        i, j = names.index(a), names.index(b)
        matrix[i, j] = matrix[j, i] = value
    if names and np.linalg.eigvalsh(matrix).min() < -1e-9:
        raise InvalidInput("invalid_correlation", "these correlations cannot hold together")
    return matrix


_WORDS = ((r"\b(?:times|multiplied by)\b", "*"), (r"\b(?:divided by|over|per(?= \d))\b", "/"), (r"\bplus\b", "+"), (r"\bminus\b", "-"),
          (r"\bsquared\b", "^2"), (r"\bcubed\b", "^3"))  # fmt: skip
_ASKING = re.compile(
    r"^\s*(?:(?:please|hi|hello|can you|could you|quick question|tell me|I want to know)\b[\s,:!]*)*(?:what(?:'s| is| do I get for)|how much(?: is)?|calculate|"
    r"compute|work out|evaluate|multiply|find)?\s*[:=]?\s*(?=[-+(\d.])",
    re.I,
)  # fmt: skip


def read_calculation(question: str) -> dict[str, Any] | None:
    """Return the calculation that a question holds as the tool's arguments, or None."""
    text = question.strip().rstrip("?=. ")
    for words, sign in _WORDS:
        text = re.sub(words, sign, text, flags=re.I)
    text = _ASKING.sub("", text, count=1)
    text = (
        re.sub(r"^(.+?) by (?=[\d.])", r"\1 * ", text)
        if re.match(r"multiply", question.strip(), re.I)
        else text
    )
    calls: list[dict[str, str]] = [{"calculation": text}]
    if wanted := re.fullmatch(r"(.+?)\s+(?:in|as|to|into)\s+(\S+)", text):
        calls.insert(0, {"calculation": wanted[1], "unit": wanted[2]})
    for call in calls:
        try:
            calculate.function(**call)
        except InvalidInput as error:
            if error.code in ("invalid_expression", "empty_expression", "unknown_unit"):
                continue
        return call
    return None


def read_uncertain(question: str) -> dict[str, Any] | None:
    """Return the expression, the values and the uncertainties that a question holds, or None."""
    pairs = re.findall(
        r"\b([A-Za-z]\w*)\s*(?:=|is)\s*(-?\d*\.?\d+(?:[eE][-+]?\d+)?)\s*(?:±|\+/-|\+-|\\pm)\s*(\d*\.?\d+(?:[eE][-+]?\d+)?)",
        question,
    )
    if not pairs:
        return None
    names = [name for name, _, _ in pairs]
    written = [
        *re.findall(r"\b\w+\s*=\s*([^,;?±]+?)(?=\s+(?:with|where|if|given|for|when)\b|[,;?]|\.\s|\.?$)", question),
        *re.findall(
            r"(?:uncertainty|error|propagat\w+|propagation)(?:\s+(?:of|for|in|on|through|the|uncertainty|error|propagation))*\s+(.+?)"
            r"(?=,|\s+(?:with|where|if|given|for|when)\b|[?]|\.\s|\.?$)",
            question, re.I,
        ),
        *re.findall(r"(?<!\w)([\w.()^*/+\-]*[*/^+\-][\w.()^*/+\-]*)", question),
    ]  # fmt: skip
    expression = next(
        (w for w in written if all(re.search(rf"(?<!\w){re.escape(n)}(?!\w)", w) for n in names)), None
    )
    if expression is None:
        return None
    return {
        "expression": expression.strip(" ?:"), "values": {n: float(v) for n, v, _ in pairs}, "uncertainties": {n: float(u) for n, _, u in pairs},
    }  # fmt: skip
