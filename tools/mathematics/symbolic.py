"""Symbolic mathematics by SymPy, in a child process that can neither read files nor reach a network, nor run for ever."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import Crashed, InvalidInput, error_from
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolResult, tool

SECONDS = 45.0  # wall-clock; the process itself ends after 20 seconds of CPU time
MOST_VALUES = 20

Operation = Literal[
    "evaluate", "simplify", "expand", "factor", "solve", "differentiate", "integrate", "limit", "series", "sum", "ode",
    "determinant", "inverse", "eigenvalues",
]  # fmt: skip


@tool(
    reader=lambda question: read_problem(question),
    domain="mathematics",
    properties={
        "solution": "solution, root, zero",
        "value": "value of the expression, value",
        "eigenvalue": "eigenvalue, eigenvalues",
        "result": "result, answer, antiderivative, derivative, closed form",
        "imaginary_part": "imaginary part",
    },
    examples=(
        "Solve x^2 - 5*x + 6 = 0",
        "Integrate x^2*exp(-x) from 0 to infinity",
        "What is the derivative of sin(x)/x?",
        "Solve dy/dt = -0.3*y with y(0) = 50, y at t = 4",
        "Limit of sin(x)/x as x goes to 0",
        "Factor x^3 - 8",
        "eigenvalues of [[2, 1], [1, 2]]",
        "Taylor series of cos(x) to order 6",
    ),
    example={"operation": "integrate", "expression": "x^2*exp(-x)", "lower": "0", "upper": "oo"},
    timeout=60,
)
def solve_math(
    operation: Operation,
    expression: str,
    variable: str | None = None,
    lower: str | None = None,
    upper: str | None = None,
    at: str | None = None,
    conditions: str | None = None,
    order: Annotated[int | None, Unit("", "order, up to order"), Field(ge=1, le=30)] = None,
) -> ToolResult:
    """Do mathematics symbolically: solve, integrate, differentiate, limits, series, sums, differential equations, matrices.

    The text is read by a grammar that knows numbers, names, brackets, + - * / ^ and named functions, nothing else. Solutions are put
    back, antiderivatives differentiated, definite integrals compared with numerical ones; `checked` says what was done. Symbols are
    complex numbers.

    Raises InvalidInput: `invalid_expression`, `unknown_function`, `empty_expression`, `too_large`, `ambiguous_variable`, `missing_argument`,
    `unsolved`, `too_hard`; Crashed (`too_hard`) where time or memory ran out.

    Args:
        operation: What to do with the expression.
        expression: The expression, equation (with =), equations (separated by ;), or matrix ([[1, 2], [3, 4]]).
        variable: The variable, where there is a choice.
        lower: The lower end of an integral or a sum.
        upper: The upper end; oo is infinity.
        at: The point of a limit, a series, a derivative or a solution; for evaluate, values such as 'x=2, y=3'.
        conditions: Initial conditions of a differential equation, such as 'y(0) = 50'.
        order: Of a derivative or a series.
    """
    request = {
        "operation": operation, "expression": expression, "variable": variable, "lower": lower, "upper": upper, "at": at,
        "conditions": conditions, "order": order,
    }  # fmt: skip
    answer = _in_a_process(request)
    quantities = _quantities(operation, answer)
    data = {
        "result": answer["result"],
        "latex": answer["latex"],
        "checked": answer["checked"],
        "operation": operation,
    }
    return ToolResult(data=data, quantities=quantities, source=_source(), warnings=tuple(answer["notes"]))


def _in_a_process(request: dict[str, Any]) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "benchmate.tools.mathematics.solver"],
            input=json.dumps(request), capture_output=True, text=True, timeout=SECONDS, env={}, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Crashed(
            "too_hard", f"no result within {SECONDS:g} s", hint="simplify the expression first"
        ) from None
    if done.returncode != 0 or not done.stdout.strip():
        raise Crashed(
            "too_hard", "the computation used up its time or memory", hint="simplify the expression first",
            details={"log": done.stderr[-500:]},
        )  # fmt: skip
    said: dict[str, Any] = json.loads(done.stdout)
    if "error" in said:
        raise error_from(said["error"])
    answer: dict[str, Any] = said["answer"]
    return answer


def _quantities(operation: str, answer: dict[str, Any]) -> dict[str, Quantity]:
    name = {"solve": "solution", "eigenvalues": "eigenvalue"}.get(operation, "value")
    values = answer["values"][:MOST_VALUES]
    method = f"SymPy, {operation}" + (f"; {answer['checked']}" if answer["checked"] else "")
    found: dict[str, Quantity] = {}
    for number, (real, imaginary) in enumerate(values, 1):
        key = name if len(values) == 1 else f"{name}_{number}"
        found[key] = Quantity(value=real, property=name, method=method)
        if abs(imaginary) > 1e-14 * max(1.0, abs(real)):
            found[f"{key}_imaginary"] = Quantity(value=imaginary, property="imaginary_part", method=method)
    return found


def _source() -> Source:
    import sympy

    return Source(kind="computed", name=f"SymPy {sympy.__version__}", reference="doi:10.7717/peerj-cs.103")


# --- a question in words ----------------------------------------------------------------------------------------------

_VERBS: tuple[tuple[str, Operation], ...] = (
    (r"\beigenvalues?\b", "eigenvalues"), (r"\bdeterminant\b|\bdet\b", "determinant"), (r"\binverse of\b|\binvert\b", "inverse"),
    (r"\bd\s?\w/d\w\s*=|'\s*(?:\(\w\))?\s*[-+=]|\bdifferential equation|\bODE\b", "ode"),
    (r"\bintegra(?:l|te|ting|tion)\b|\bantiderivative\b|∫", "integrate"),
    (r"\bderivative\b|\bdifferentiate\b|\bd/d\w\b", "differentiate"), (r"\blimit\b|\blim\b", "limit"),
    (r"\btaylor\b|\bmaclaurin\b|\bseries\b", "series"), (r"\bsum\b|\bsummation\b|∑", "sum"), (r"\bfactori[sz]e\b|\bfactor\b", "factor"),
    (r"\bexpand\b|\bmultiply out\b", "expand"), (r"\bsimplify\b", "simplify"), (r"\bsolve\b|\broots?\b|\bzeros?\b|=", "solve"),
)  # fmt: skip
_LEAD = re.compile(
    r"^.*?\b(?:solve|integrate|integral of|integral|antiderivative of|derivative of|differentiate|limit of|limit|series of|series for|expansion of|"
    r"sum of|sum|factori[sz]e|factor|expand|simplify|roots of|root of|zeros of|eigenvalues of|determinant of|inverse of|evaluate|calculate|"
    r"compute|what is|equation|matrix)\b[:\s]*(?:(?:the|of|for|equation|expression|function|polynomial|matrix|system|integral|ODE|differential)\b[:\s]*)*",
    re.I,
)  # fmt: skip
_END = re.compile(
    r"\s*(?:[?.]\s*$|[?]|,?\s+(?:for [A-Za-z]\b|with respect to|with [A-Za-z]'{0,2}\(|where\b|given\b|from\b|between\b|as [A-Za-z]\b|when [A-Za-z]\b|"
    r"at [A-Za-z]\s*=|around\b|about\b|to order|up to|and give\b|please\b|over\b|dx\b|if\b)|:\s)",
    re.I,
)  # fmt: skip
_VALUE = r"(?:-?\s?(?:oo|inf(?:inity)?|∞|pi|π|e|\d+(?:\.\d+)?(?:/\d+)?)(?:\*?(?:pi|π))?)"


def read_problem(question: str) -> dict[str, Any] | None:
    """Return the arguments that a question in words holds, or None where no expression is found in it."""
    text = question.strip()
    operation = next((o for pattern, o in _VERBS if re.search(pattern, text, re.I)), "evaluate")
    found: dict[str, Any] = {"operation": operation}
    if bounds := re.search(
        rf"\b(?:from|between)\s+(?:\w\s*=\s*)?({_VALUE})\s+(?:to|and)\s+({_VALUE})", text, re.I
    ):
        found |= {"lower": _plain(bounds[1]), "upper": _plain(bounds[2])}
    if respect := re.search(
        r"with respect to ([A-Za-z])\b|\bfor ([A-Za-z])\s*(?:[?.,]|$)|\bd/d([A-Za-z])\b", text
    ):
        found["variable"] = next(g for g in respect.groups() if g)
    if point := re.search(
        rf"(?:as \w (?:goes to|approaches|->|→|tends to)|\bat [A-Za-z]\s*=|\bwhen \w\s*=|\b(?:around|about)(?: \w\s*=)?)\s*({_VALUE})",
        text,
        re.I,
    ):
        found["at"] = _plain(point[1])
    if given := re.findall(r"\b[A-Za-z]'{0,2}\(\s*[-\d.]+\s*\)\s*=\s*[-\d.]+", text):
        found["conditions"] = "; ".join(given)
    if order := re.search(
        r"\b(?:to|up to|of) order (\d+)|(\d+)(?:st|nd|rd|th) (?:order|derivative)|\b(second|third) derivative",
        text,
        re.I,
    ):
        found["order"] = int(order[1] or order[2] or {"second": 2, "third": 3}[order[3].lower()])
    if operation in ("eigenvalues", "determinant", "inverse"):
        matrix = re.search(r"\[.*\]", text)
        return {**found, "expression": matrix[0]} if matrix else None
    body = _LEAD.sub("", _LEAD.sub("", text, count=1), count=1)
    end = _END.search(body)
    body = (body[: end.start()] if end else body).strip(" .?,:;")
    if operation in ("integrate", "differentiate"):
        body = re.sub(r"\s+d[a-z]$|^d/d[a-z]\s*", "", body)
    return (
        {**found, "expression": body}
        if re.search(r"[\dA-Za-z]", body) and _is_read(operation, body)
        else None
    )


def _plain(value: str) -> str:
    return re.sub(r"\s|inf(?:inity)?$|∞", lambda m: "" if m[0].isspace() else "oo", value)


def _is_read(operation: str, body: str) -> bool:
    from benchmate.tools.mathematics.expressions import tokens_of

    if operation == "ode":
        return "=" in body
    try:
        for part in re.split(r"[=;]", body):
            tokens_of(part)
    except InvalidInput:
        return False
    return True
