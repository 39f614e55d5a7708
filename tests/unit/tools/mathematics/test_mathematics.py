"""Mathematics: textbook results, checks by substitution, and text that means harm."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError, Crashed, InvalidInput
from benchmate.tools.base import Tool, ToolContext, ToolResult
from benchmate.tools.mathematics import solver, symbolic
from benchmate.tools.mathematics.calculation import calculate, propagate_uncertainty, read_uncertain
from benchmate.tools.mathematics.expressions import parse
from benchmate.tools.mathematics.symbolic import read_problem, solve_math

CONTEXT = ToolContext(cache_dir=Path(), artifact_dir=Path(), library_folder=Path())


def run(tool: Tool, **arguments: Any) -> ToolResult:
    return tool.run(tool.validate(arguments), CONTEXT)


def refused(code: str, tool: Tool, **arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(tool, **arguments)
    assert caught.value.code == code
    return caught.value


def solved(**request: Any) -> dict[str, Any]:
    return solver.solve(request)


# --- symbolic: the process, then its operations without one ------------------------------------------------------------


def test_an_integral_through_the_process() -> None:
    result = run(solve_math, operation="integrate", expression="x^2*exp(-x)", lower="0", upper="oo")
    assert result.quantities["value"].value == 2  # Γ(3)
    assert result.data["checked"] == "agrees with numerical integration"


def test_a_differential_equation_through_the_process() -> None:
    result = run(solve_math, operation="ode", expression="dy/dt = -0.3 y", conditions="y(0) = 50", at="4")
    assert result.quantities["value"].value == pytest.approx(50 * math.exp(-1.2))
    assert result.data["checked"] == "put back into the equation"


@pytest.mark.parametrize(
    ("request_", "values"),
    [
        ({"operation": "solve", "expression": "x^2 - 5x + 6 = 0"}, [2, 3]),
        ({"operation": "solve", "expression": "2x + y = 3; x - y = 0"}, [1, 1]),
        ({"operation": "solve", "expression": "cos(x) = x"}, [0.7390851332151607]),  # Dottie number
        ({"operation": "evaluate", "expression": "sqrt(2)^2 + e^0"}, [3]),
        ({"operation": "evaluate", "expression": "x^2 + y", "at": "x=3, y=1"}, [10]),
        ({"operation": "limit", "expression": "sin(x)/x", "at": "0"}, [1]),
        ({"operation": "limit", "expression": "(1 + 1/n)^n", "at": "oo"}, [math.e]),
        ({"operation": "sum", "expression": "1/n^2", "lower": "1", "upper": "oo"}, [math.pi**2 / 6]),  # Euler
        (
            {"operation": "integrate", "expression": "exp(-x^2)", "lower": "-oo", "upper": "oo"},
            [math.sqrt(math.pi)],
        ),
        ({"operation": "differentiate", "expression": "x^3", "at": "2"}, [12]),
        ({"operation": "determinant", "expression": "[[1, 2], [3, 4]]"}, [-2]),
        ({"operation": "eigenvalues", "expression": "[[2, 1], [1, 2]]"}, [1, 3]),
        (
            {"operation": "ode", "expression": "y'' + y = 0", "conditions": "y(0)=1; y'(0)=0", "at": "pi"},
            [-1],
        ),
    ],
)
def test_textbook_results(request_: dict[str, Any], values: list[float]) -> None:
    found = sorted(real for real, _ in solved(**request_)["values"])
    assert found == pytest.approx(sorted(values))


def test_antiderivatives_are_differentiated_and_solutions_put_back() -> None:
    assert "integrand" in solved(operation="integrate", expression="x*sin(x)")["checked"]
    assert "put back" in solved(operation="solve", expression="x^3 = 8")["checked"]


def test_what_has_no_closed_form_is_said() -> None:
    answer = solved(operation="integrate", expression="exp(sin(x))")
    assert "no antiderivative" in answer["notes"][0]
    numeric = solved(operation="integrate", expression="exp(sin(x))", lower="0", upper="1")
    assert numeric["values"][0][0] == pytest.approx(1.6318696084180513)  # by quadrature in SciPy
    assert "numerical" in numeric["notes"][0]


def test_a_limit_that_differs_by_side_is_said() -> None:
    assert "differ" in solved(operation="limit", expression="1/x", at="0")["notes"][0]


def test_complex_roots_have_both_parts() -> None:
    result = run(solve_math, operation="solve", expression="x^2 + 1 = 0")
    parts = {q.property for q in result.quantities.values()}
    assert parts == {"solution", "imaginary_part"}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=3, unique=True))
def test_the_roots_of_a_product_are_found(roots: list[int]) -> None:
    factors = "*".join(f"(x - ({root}))" for root in roots)
    found = sorted(real for real, _ in solved(operation="solve", expression=factors)["values"])
    assert found == pytest.approx(sorted(roots))


HOSTILE = [
    "__import__('os').system('true')", "().__class__.__bases__", "lambda: 0", "x.__class__", "open('/etc/passwd')", "exec(x)",
    "eval(1)", "[c for c in x]", "x if y else z", "getattr(x, y)", "x; import os", "f'{x}'", "𝐞𝐱𝐞𝐜(1)", "x\\", "names", "'a'*9", "x=>1", "@x",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_mathematics_is_refused_or_means_only_symbols(text: str) -> None:
    import sympy

    try:
        value = parse(text)
    except InvalidInput:
        return
    assert all(isinstance(s, sympy.Symbol) for s in value.free_symbols)
    assert not value.atoms(sympy.Function)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9",
        "factorial(10^9)",
        "((2^900)^900)^900",
        "7" * 500,
        "x" * 3000,
        "(" * 100 + "x" + ")" * 100,
    ],
)
def test_what_could_not_end_is_refused_at_once(text: str) -> None:
    with pytest.raises(BenchmateError) as caught:
        parse(text)
    assert caught.value.code in ("too_large", "invalid_expression")


def test_the_process_reads_and_writes_no_files_and_opens_no_sockets() -> None:
    code = (
        "import socket, subprocess, sys\n"
        "from benchmate.tools.mathematics import solver\n"
        "solver.restrict()\n"
        "for harm in (lambda: open('/etc/hostname'), lambda: open('x', 'w'), socket.socket, lambda: subprocess.run(['true'])):\n"
        "    try:\n"
        "        harm()\n"
        "    except (PermissionError, OSError):\n"
        "        continue\n"
        "    sys.exit(1)\n"
    )
    import subprocess
    import sys

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_computation_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbolic, "SECONDS", 0.05)
    with pytest.raises(Crashed) as caught:
        run(solve_math, operation="simplify", expression="x")
    assert caught.value.code == "too_hard"


@pytest.mark.parametrize(
    ("code", "request_"),
    [
        ("empty_expression", {"operation": "simplify", "expression": " "}),
        ("unknown_function", {"operation": "simplify", "expression": "sine(x)"}),
        ("ambiguous_variable", {"operation": "solve", "expression": "a*b = 1"}),
        ("missing_argument", {"operation": "limit", "expression": "x"}),
        ("missing_argument", {"operation": "integrate", "expression": "x", "lower": "0"}),
        ("invalid_matrix", {"operation": "inverse", "expression": "[[1, 2], [3]]"}),
        ("singular", {"operation": "inverse", "expression": "[[1, 2], [2, 4]]"}),
        ("no_derivative", {"operation": "ode", "expression": "y = 1"}),
        ("invalid_condition", {"operation": "ode", "expression": "y' = y", "conditions": "starts at 3"}),
        ("no_value", {"operation": "evaluate", "expression": "x + 1"}),
    ],
)
def test_requests_that_cannot_be_met(code: str, request_: dict[str, Any]) -> None:
    with pytest.raises(BenchmateError) as caught:
        solved(**request_)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Integrate x^2*exp(-x) from 0 to infinity", {"operation": "integrate", "lower": "0", "upper": "oo", "expression": "x^2*exp(-x)"}),
        ("What is the derivative of sin(x)/x?", {"operation": "differentiate", "expression": "sin(x)/x"}),
        (
            "Solve dy/dt = -0.3 y with y(0) = 50: y at t = 4?",
            {"operation": "ode", "at": "4", "conditions": "y(0) = 50", "expression": "dy/dt = -0.3 y"},
        ),
        ("solve x^2 - 5*x + 6 = 0 for x", {"operation": "solve", "variable": "x", "expression": "x^2 - 5*x + 6 = 0"}),
        ("limit of sin(x)/x as x approaches 0", {"operation": "limit", "at": "0", "expression": "sin(x)/x"}),
        ("determinant of [[1, 2], [3, 4]]", {"operation": "determinant", "expression": "[[1, 2], [3, 4]]"}),
        ("please expand (x + 1)^3", {"operation": "expand", "expression": "(x + 1)^3"}),
    ],
)  # fmt: skip
def test_a_question_in_words_is_read(question: str, expected: dict[str, Any]) -> None:
    assert read_problem(question) == expected


# --- arithmetic with units ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unit", "value", "shown"),
    [
        ("3.5 mg / (180.16 g/mol) / 2 mL", "mM", 9.7136, "mM"),
        ("25 mL * 0.1 mol/L", None, 2.5, "mmol"),
        ("2*3 + 4^2", None, 22, ""),
        ("5 mg/mL * 250 uL in mg", None, 1.25, "mg"),
        ("10 g / 5 mg/mL in L", None, 2, "L"),  # a number and its unit belong together
        ("(12.5 kJ/mol) / (8.314 J/mol/K) / 298 K", None, 5.0453, ""),
        ("-3 + 5e3", None, 4997, ""),
    ],
)
def test_calculations(text: str, unit: str | None, value: float, shown: str) -> None:
    quantity = run(calculate, calculation=text, unit=unit).quantities["result"]
    assert quantity.value == pytest.approx(value, rel=1e-4)
    assert quantity.format().endswith(shown)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from("+-*"))
def test_arithmetic_is_pythons(a: float, b: float, sign: str) -> None:
    value = run(calculate, calculation=f"({a!r}) {sign} ({b!r})").quantities["result"].value
    assert value == pytest.approx({"+": a + b, "-": a - b, "*": a * b}[sign], rel=1e-11, abs=1e-12)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("unit_mismatch", "1 m + 2 kg"), ("division_by_zero", "1/0"), ("too_large", "9^9^9^9"), ("unknown_unit", "3 furlongz"),
        ("invalid_expression", "__import__('os')"), ("invalid_expression", "2 +"), ("invalid_expression", "(2"), ("empty_expression", " "),
        ("unit_mismatch", "3 m in kg"),
    ],
)  # fmt: skip
def test_calculations_that_are_none(code: str, text: str) -> None:
    refused(code, calculate, calculation=text)


# --- uncertainty -----------------------------------------------------------------------------------------------------------


def test_a_product_adds_relative_uncertainties_in_quadrature() -> None:
    result = run(
        propagate_uncertainty, expression="x*y", values={"x": 2, "y": 3}, uncertainties={"x": 0.1, "y": 0.2}
    )
    value = result.quantities["result"]
    assert value.value == 6
    assert value.uncertainty == pytest.approx(6 * math.hypot(0.1 / 2, 0.2 / 3))  # GUM 5.1.6
    assert result.data["monte_carlo"]["standard_deviation"] == pytest.approx(value.uncertainty, rel=0.02)
    shares = [q.value for q in result.quantities.values() if q.property == "contribution"]
    assert sum(shares) == pytest.approx(100)


def test_correlation_matters() -> None:
    arguments: dict[str, Any] = {
        "expression": "a - b",
        "values": {"a": 5, "b": 3},
        "uncertainties": {"a": 0.2, "b": 0.2},
    }
    apart = run(propagate_uncertainty, **arguments).quantities["result"].uncertainty
    together = (
        run(propagate_uncertainty, **arguments, correlations={"a,b": 1.0}).quantities["result"].uncertainty
    )
    assert apart == pytest.approx(0.2 * math.sqrt(2))
    assert together == pytest.approx(0, abs=1e-9)


def test_a_curved_expression_is_said() -> None:
    result = run(propagate_uncertainty, expression="x^2", values={"x": 0}, uncertainties={"x": 1})
    assert result.quantities["result"].uncertainty == 0  # the linear formula sees nothing at the minimum
    assert result.data["monte_carlo"]["standard_deviation"] == pytest.approx(math.sqrt(2), rel=0.02)
    curved = run(propagate_uncertainty, expression="exp(x)", values={"x": 0}, uncertainties={"x": 1})
    assert any("curved" in w for w in curved.warnings)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("missing_value", {"expression": "x*y", "values": {"x": 1}, "uncertainties": {}}),
        ("negative_uncertainty", {"expression": "x", "values": {"x": 1}, "uncertainties": {"x": -1}}),
        ("not_finite", {"expression": "1/x", "values": {"x": 0}, "uncertainties": {"x": 1}}),
        ("invalid_correlation", {"expression": "x", "values": {"x": 1}, "uncertainties": {"x": 1}, "correlations": {"x,z": 1}}),
    ],
)  # fmt: skip
def test_uncertainties_that_cannot_be_had(code: str, arguments: dict[str, Any]) -> None:
    refused(code, propagate_uncertainty, **arguments)


def test_a_question_about_uncertainty_is_read() -> None:
    found = read_uncertain("Propagate the uncertainty of x*y with x = 2.0 ± 0.1 and y = 3.0 +/- 0.2")
    assert found == {
        "expression": "x*y",
        "values": {"x": 2.0, "y": 3.0},
        "uncertainties": {"x": 0.1, "y": 0.2},
    }
    assert read_uncertain("what is uncertainty") is None


@pytest.mark.parametrize(
    ("expression", "values", "uncertainties", "result", "spread"),
    [
        # E, I, e and i are the quantities that are given, not Euler's number and not the imaginary unit
        ("E*S", {"E": 12.04, "S": 0.512}, {"E": 0.05, "S": 0.004}, 6.16448, 6.16448 * ((0.05 / 12.04) ** 2 + (0.004 / 0.512) ** 2) ** 0.5),
        ("U/I", {"U": 4.82, "I": 0.217}, {"U": 0.03, "I": 0.002}, 22.2120, 22.2120 * ((0.03 / 4.82) ** 2 + (0.002 / 0.217) ** 2) ** 0.5),
        ("V/i", {"V": 6.0, "i": 2.0}, {"V": 0.1}, 3.0, 0.05),
        ("2*pi*r", {"r": 1.0}, {"r": 0.1}, 6.283185, 0.6283185),  # a constant that is not given stays one
    ],
)  # fmt: skip
def test_names_that_are_given_are_quantities(
    expression: str, values: dict[str, float], uncertainties: dict[str, float], result: float, spread: float
) -> None:
    found = run(propagate_uncertainty, expression=expression, values=values, uncertainties=uncertainties)
    quantity = found.quantities["result"]
    assert float(quantity.value) == pytest.approx(result, rel=1e-5)
    assert float(quantity.uncertainty or 0) == pytest.approx(spread, rel=1e-4)
