"""Kinetics: enzymes with and without inhibitors, reactions of zeroth, first and second order, and Arrhenius plots."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity, convert, same_dimension
from benchmate.tools.arguments import ColumnName, Said, Unit
from benchmate.tools.base import Artifact, Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import TABLES
from benchmate.tools.files import DataFile
from benchmate.tools.statistics.curves import FIT_QUALITY, cautions, check_domain, curve_script, quality
from benchmate.tools.statistics.estimates import Fit, estimate, fit_least_squares, ratio_unit, with_limits
from benchmate.tools.statistics.fit_plots import plot_fit
from benchmate.tools.statistics.pairs import Pairs, read_pairs
from benchmate.tools.statistics.tables import read_table
from benchmate.tools.units import read_unit

Array = NDArray[np.float64]
GAS_CONSTANT = 8.31446261815324  # J/(mol K), exact since 2019 (CODATA 2018)


@dataclass(frozen=True)
class _Rate:
    """A rate law: `parameters` maps names to the kind of their unit."""

    formula: str
    code: str
    parameters: dict[str, str]
    function: Callable[..., Array]
    inhibitor: bool = False


_ENZYMES = {
    "michaelis_menten": _Rate(
        "v = Vmax S/(Km + S)", "vmax * s / (km + s)", {"vmax": "y", "km": "x"},
        lambda s, i, vmax, km: vmax * s / (km + s),
    ),
    "competitive": _Rate(
        "v = Vmax S/(Km (1 + I/Ki) + S)", "vmax * s / (km * (1 + i / ki) + s)", {"vmax": "y", "km": "x", "ki": "i"},
        lambda s, i, vmax, km, ki: vmax * s / (km * (1 + i / ki) + s), True,
    ),
    "uncompetitive": _Rate(
        "v = Vmax S/(Km + S (1 + I/Ki))", "vmax * s / (km + s * (1 + i / ki))", {"vmax": "y", "km": "x", "ki": "i"},
        lambda s, i, vmax, km, ki: vmax * s / (km + s * (1 + i / ki)), True,
    ),
    "noncompetitive": _Rate(
        "v = Vmax S/((Km + S)(1 + I/Ki))", "vmax * s / ((km + s) * (1 + i / ki))", {"vmax": "y", "km": "x", "ki": "i"},
        lambda s, i, vmax, km, ki: vmax * s / ((km + s) * (1 + i / ki)), True,
    ),
    "mixed": _Rate(
        "v = Vmax S/(Km (1 + I/Kic) + S (1 + I/Kiu))", "vmax * s / (km * (1 + i / kic) + s * (1 + i / kiu))",
        {"vmax": "y", "km": "x", "kic": "i", "kiu": "i"},
        lambda s, i, vmax, km, kic, kiu: vmax * s / (km * (1 + i / kic) + s * (1 + i / kiu)), True,
    ),
    "substrate_inhibition": _Rate(
        "v = Vmax S/(Km + S + S²/Ks)", "vmax * s / (km + s + s**2 / ks)", {"vmax": "y", "km": "x", "ks": "x"},
        lambda s, i, vmax, km, ks: vmax * s / (km + s + s**2 / ks),
    ),
}  # fmt: skip
_ORDERS = {
    "zero_order": _Rate("c = c0 - k t", "c0 - k * t", {"c0": "y", "k": "y/x"}, lambda t, c0, k: c0 - k * t),
    "first_order": _Rate(
        "c = c0 exp(-k t)",
        "c0 * np.exp(-k * t)",
        {"c0": "y", "k": "1/x"},
        lambda t, c0, k: c0 * np.exp(-k * t),
    ),
    "second_order": _Rate(
        "c = c0/(1 + k c0 t)",
        "c0 / (1 + k * c0 * t)",
        {"c0": "y", "k": "1/xy"},
        lambda t, c0, k: c0 / (1 + k * c0 * t),
    ),
}


@tool(
    domain="statistics",
    files=TABLES,
    extra="data",
    properties=with_limits(
        {
            "vmax": "Vmax, maximum rate, limiting rate",
            "km": "Km, Michaelis constant, half-saturation",
            "ki": "Ki, inhibition constant",
            "kic": "competitive inhibition constant, Kic",
            "kiu": "uncompetitive inhibition constant, Kiu",
            "ks": "substrate inhibition constant, Ksi",
            "rate_constant": "rate constant, k, first-order rate constant",
            "initial_concentration": "initial concentration, c0, starting concentration",
            "half_life": "half-life, half life, t1/2",
            "activation_energy": "activation energy, Ea, Arrhenius energy",
            "ln_prefactor": "ln A, logarithm of the pre-exponential factor",
            "prefactor": "pre-exponential factor, A, frequency factor",
        }
    )
    | FIT_QUALITY,
    examples=(
        "Km and Vmax from substrate [1, 2, 5, 10, 20] mM and rates [2.9, 4.4, 6.7, 8.0, 8.9]",
        "Michaelis-Menten fit of the data in kinetics.csv",
        "competitive inhibition: Ki from S, I and v in table.xlsx",
        "first-order rate constant and half-life from times [0, 10, 20, 40] and concentrations [1.0, 0.61, 0.37, 0.14]",
        "Activation energy from rate constants at 300, 310, 320 and 330 K",
        "is this decay second order, and what is k?",
    ),
    example={
        "model": "michaelis_menten", "x": [0.5, 1, 2, 5, 10, 20], "y": [1.68, 2.85, 4.46, 6.65, 8.02, 8.87],
        "x_unit": "mM", "y_unit": "umol/min",
    },
)  # fmt: skip
def fit_kinetics(
    context: ToolContext,
    model: Annotated[
        Literal[
            "substrate_inhibition",
            "uncompetitive",
            "noncompetitive",
            "competitive",
            "mixed",
            "zero_order",
            "first_order",
            "second_order",
            "arrhenius",
            "michaelis_menten",
        ],
        Said(
            {
                "substrate_inhibition": "substrate inhibition, excess substrate, Haldane",
                "uncompetitive": "uncompetitive inhibitor",
                "noncompetitive": "non-competitive",
                "arrhenius": "activation energy, Arrhenius",
                "first_order": "first order, first-order",
                "second_order": "second order, second-order",
                "zero_order": "zero order, zeroth order",
            }
        ),
    ] = "michaelis_menten",
    x: Annotated[
        list[float] | None, Unit("", "substrate, times, temperatures, x, S, time, temperature")
    ] = None,
    y: Annotated[
        list[float] | None, Unit("", "rates, velocities, concentrations, rate constants, y, v, k")
    ] = None,
    inhibitor: Annotated[list[float] | None, Unit("", "inhibitor, inhibitor concentrations, I")] = None,
    file: DataFile | None = None,
    x_column: Annotated[
        str | None, ColumnName("against, versus, vs, as a function of, over, x is, substrate")
    ] = None,
    y_column: Annotated[str | None, ColumnName("rate, rates, velocity, y is")] = None,
    inhibitor_column: Annotated[str | None, ColumnName("inhibitor", named_only=True)] = None,
    x_unit: str | None = None,
    y_unit: str | None = None,
    inhibitor_unit: str | None = None,
    confidence: Annotated[float, Unit("", "confidence level, confidence"), Field(gt=0.5, lt=1)] = 0.95,
) -> ToolResult:
    """Fit Michaelis-Menten kinetics with or without inhibition, a rate law of zeroth to second order, or an Arrhenius plot.

    Rate laws are fitted to the data themselves, not to a linearised plot; only Arrhenius fits ln k against 1/T.
    Second order is -dc/dt = k c².

    Raises InvalidInput: `no_data`, `two_sources`, `length_mismatch`, `not_finite`, `too_few`, `constant`, `not_positive`,
    `no_inhibitor`, `which_column`, `unknown_unit`, `bad_temperature`, `no_fit`, `not_determined`.

    Args:
        model: The rate law.
        x: Substrate concentrations, times, or temperatures for arrhenius.
        y: Rates, concentrations over time, or rate constants for arrhenius.
        inhibitor: The inhibitor concentration of each point.
        file: A table, in place of the lists.
        x_column: The column of substrate, time or temperature.
        y_column: The column of rates, concentrations or rate constants.
        inhibitor_column: The column of inhibitor concentrations.
        x_unit: The unit of x; temperatures are in kelvin unless said otherwise.
        y_unit: The unit of y.
        inhibitor_unit: The unit of the inhibitor concentrations, that of x by default.
        confidence: The confidence of the intervals.
    """
    inhibited = model in _ENZYMES and _ENZYMES[model].inhibitor
    if not inhibited and (inhibitor is not None or inhibitor_column is not None):
        raise InvalidInput(
            "no_inhibitor",
            f"{model} has no inhibitor",
            hint="take competitive, uncompetitive, noncompetitive or mixed",
        )
    parameters = len((_ENZYMES | _ORDERS)[model].parameters) if model != "arrhenius" else 2
    if file is not None and x_column is None and y_column is None and inhibitor_column is not None:
        raise InvalidInput("which_column", "say x_column and y_column beside inhibitor_column")
    pairs = read_pairs(x, y, file, x_column, y_column, least=parameters + 1, x_unit=x_unit, y_unit=y_unit)
    if model == "arrhenius":
        return _arrhenius(
            context, pairs.named("temperature", "rate constant"), confidence, file is None and x_unit is None
        )
    if model in _ORDERS:
        return _order(context, pairs.named("time", "concentration"), model, confidence)
    doses, unit = _inhibitor(
        pairs, inhibitor, file, x_column, y_column, inhibitor_column, inhibitor_unit, model
    )
    return _enzyme(context, pairs.named("substrate", "rate"), doses, unit, model, confidence)


def _inhibitor(
    pairs: Pairs, inhibitor: list[float] | None, file: DataFile | None, x_column: str | None, y_column: str | None,
    inhibitor_column: str | None, unit: str | None, model: str,
) -> tuple[Array, str]:  # fmt: skip
    if not _ENZYMES[model].inhibitor:
        return np.zeros(pairs.size), pairs.x_unit
    if file is not None:
        if not (inhibitor_column and x_column and y_column):
            raise InvalidInput("no_inhibitor", f"{model} needs the columns of substrate, rate and inhibitor")
        table = read_table(file)
        columns, _ = table.complete([x_column, y_column, table.number_column(inhibitor_column).header])
        values, found = columns[2].numbers, columns[2].unit or pairs.x_unit
        assert values is not None
    else:
        if inhibitor is None:
            raise InvalidInput(
                "no_inhibitor",
                f"{model} needs the inhibitor concentration of each point",
                hint="0 where there is none",
            )
        values, found = np.asarray(inhibitor, float), pairs.x_unit
    if len(values) != pairs.size:
        raise InvalidInput(
            "length_mismatch", f"there are {len(values)} inhibitor concentrations for {pairs.size} points"
        )
    if not np.isfinite(values).all() or (values < 0).any():
        raise InvalidInput("not_positive", "an inhibitor concentration is negative or no number")
    if not np.ptp(values) > 0:
        raise InvalidInput(
            "constant",
            "all inhibitor concentrations are equal: Ki is open",
            hint="include points without inhibitor",
        )
    return values, read_unit(unit).unit if unit is not None else found


def _enzyme(
    context: ToolContext, pairs: Pairs, inhibitor: Array, unit: str, model: str, confidence: float
) -> ToolResult:
    law = _ENZYMES[model]
    check_domain(pairs)
    if (pairs.x < 0).any():
        raise InvalidInput("not_positive", "a substrate concentration is negative")
    names = tuple(law.parameters)
    top = float(np.abs(pairs.y).max()) * (1 if float(pairs.y[np.abs(pairs.y).argmax()]) > 0 else -1)
    middle = float(np.median(pairs.x[pairs.x > 0]))
    strong = float(np.median(inhibitor[inhibitor > 0])) if (inhibitor > 0).any() else middle
    starts = []
    for km in (0.3 * middle, middle, 3 * middle):
        for factor in (0.3, 3.0):
            guess = {"vmax": 1.2 * top, "km": km, "ks": 10 * factor * middle}
            starts.append([guess.get(name, factor * strong) for name in names])

    def curve(s: Array, *values: float) -> Array:
        return law.function(s, inhibitor, *values)

    fit = fit_least_squares(curve, pairs.x, pairs.y, names, starts)
    units = {"x": pairs.x_unit, "y": pairs.y_unit, "i": unit}
    method = f"least squares, {law.formula}"
    found: dict[str, Quantity] = {}
    for name, kind in law.parameters.items():
        found |= estimate(
            name, fit.value(name), fit.limits(name, confidence), unit=units[kind], error=fit.error(name),
            confidence=confidence, method=method,
        )  # fmt: skip
    found |= quality(fit, pairs)
    warnings = [*pairs.warnings, *cautions(fit, pairs)]
    km = fit.value("km")
    if any(fit.value(name) < 0 for name in names if name != "vmax"):
        warnings.append("a constant came out negative: the data do not follow this rate law")
    elif pairs.x.max() < 2 * km:
        warnings.append(
            "the highest substrate concentration is below twice Km: Vmax and Km are extrapolated and correlated"
        )
    elif pairs.x[pairs.x > 0].min() > km:
        warnings.append("no substrate concentration is below Km, which is extrapolated")
    levels = np.unique(inhibitor)[:7]
    curves = [
        (f"I = {level:g}" if law.inhibitor else law.formula, _curve_at(law, float(level), fit))
        for level in levels
    ]
    groups = [(f"data, I = {level:g}", inhibitor == level) for level in levels] if law.inhibitor else []
    title = _title(model)
    columns = pairs.columns()
    code = _in_x(law.code)
    if law.inhibitor:
        columns["i"] = inhibitor
        code = _with_column(code)
    return _result(
        model, law.formula, found, warnings,
        (
            *plot_fit(context, title, pairs, curves, fit.residuals, groups=groups),
            *curve_script(context, title, code, names, fit, columns),
        ),
    )  # fmt: skip


def _title(model: str) -> str:
    named = {"michaelis_menten": "Michaelis-Menten kinetics", "substrate_inhibition": "Substrate inhibition"}
    kind = "kinetics" if model in _ORDERS else "inhibition"
    return named.get(model, f"{model.replace('_', '-').capitalize()} {kind}")


def _curve_at(law: _Rate, level: float, fit: Fit) -> Callable[[Array], Array]:
    return lambda s: law.function(s, level, *fit.values)


def _in_x(code: str) -> str:
    return re.sub(r"(?<![\w.])[st](?!\w)", "x", code)


def _with_column(code: str) -> str:
    return re.sub(r"(?<![\w.])i(?!\w)", 'np.array(data["i"])', code)


def _order(context: ToolContext, pairs: Pairs, model: str, confidence: float) -> ToolResult:
    law = _ORDERS[model]
    check_domain(pairs)
    if (pairs.x < 0).any():
        raise InvalidInput("not_positive", "a time is negative")
    first = float(pairs.y[pairs.x.argmin()])
    span = float(np.ptp(pairs.x))
    scale = {
        "zero_order": float(np.ptp(pairs.y)) / span,
        "first_order": 1 / span,
        "second_order": 1 / (span * abs(first or 1.0)),
    }
    starts = [[first, factor * scale[model]] for factor in (1.0, 0.2, 5.0, -0.5)]
    fit = fit_least_squares(law.function, pairs.x, pairs.y, ("c0", "k"), starts)
    c0, k = fit.value("c0"), fit.value("k")
    unit = {
        "zero_order": ratio_unit(pairs.y_unit, pairs.x_unit), "first_order": ratio_unit("", pairs.x_unit),
        "second_order": ratio_unit("", pairs.x_unit, pairs.y_unit),
    }[model]  # fmt: skip
    method = f"least squares, {law.formula}"
    low, high = fit.limits("k", confidence)
    found = estimate(
        "rate_constant", k, (low, high), unit=unit, error=fit.error("k"), confidence=confidence, method=method
    )
    found |= estimate(
        "initial_concentration", c0, fit.limits("c0", confidence), unit=pairs.y_unit, error=fit.error("c0"),
        confidence=confidence, method=method,
    )  # fmt: skip
    warnings = [*pairs.warnings, *cautions(fit, pairs)]
    if k > 0:
        halves = {
            "zero_order": c0 / (2 * k),
            "first_order": math.log(2) / k,
            "second_order": 1 / (k * c0) if c0 else math.nan,
        }
        limits = (math.log(2) / high, math.log(2) / low) if model == "first_order" and low > 0 else None
        said = "ln 2/k" if model == "first_order" else "of the initial concentration; it changes with it"
        if math.isfinite(halves[model]):
            found |= estimate(
                "half_life", halves[model], limits, unit=pairs.x_unit, confidence=confidence, method=said
            )
    else:
        warnings.append("the rate constant is not positive: the concentration does not fall")
    others = {name: _other(name, pairs, starts) for name in _ORDERS if name != model}
    better = [n for n, rss in others.items() if rss is not None and rss < 0.5 * fit.rss]
    if better:
        warnings.append(f"{' and '.join(better)} would leave less than half of the residual sum of squares")
    found |= quality(fit, pairs)
    title = _title(model)
    return _result(
        model, law.formula, found, warnings,
        (
            *plot_fit(context, title, pairs, [(law.formula, lambda t: law.function(t, *fit.values))], fit.residuals),
            *curve_script(
                context, title, _in_x(law.code), ("c0", "k"), fit, pairs.columns(),
                'results = {"initial_concentration": results["c0"], "rate_constant": results["k"]}',
            ),
        ),
    )  # fmt: skip


def _other(model: str, pairs: Pairs, starts: list[list[float]]) -> float | None:
    try:
        return fit_least_squares(_ORDERS[model].function, pairs.x, pairs.y, ("c0", "k"), starts).rss
    except InvalidInput:
        return None


def _arrhenius(context: ToolContext, pairs: Pairs, confidence: float, unsaid: bool) -> ToolResult:
    warnings = [*pairs.warnings]
    unit = pairs.x_unit or "K"
    if not same_dimension(unit, "K"):
        raise InvalidInput("bad_temperature", f"x is in {unit}, which is no temperature")
    kelvin = np.array([convert(float(t), unit, "K") for t in pairs.x])
    if unit != "K":
        warnings.append(f"temperatures were converted from {unit} to kelvin")
    check_domain(pairs, positive_y=True)
    if (kelvin <= 0).any():
        raise InvalidInput("bad_temperature", "a temperature is not above absolute zero")
    if unsaid and kelvin.max() < 200:
        raise InvalidInput(
            "bad_temperature",
            f"temperatures up to {kelvin.max():g} K are unusual",
            hint="say x_unit: 'degC' or 'K'",
        )
    inverse = 1 / kelvin
    plot = Pairs(1000 * inverse, np.log(pairs.y), "1000/T", f"ln {pairs.y_name}", "1/K", "")
    start = np.polyfit(inverse, plot.y, 1)
    fit = fit_least_squares(
        lambda x, ln_a, slope: ln_a + slope * x,
        inverse,
        plot.y,
        ("ln_a", "slope"),
        [[float(start[1]), float(start[0])]],
    )
    low, high = fit.limits("slope", confidence)
    factor = -GAS_CONSTANT / 1000
    method = "linear least squares of ln k against 1/T"
    found = estimate(
        "activation_energy", factor * fit.value("slope"), (factor * high, factor * low), unit="kJ/mol",
        error=abs(factor) * fit.error("slope"), confidence=confidence, method=method,
    )  # fmt: skip
    ln_a, limits = fit.value("ln_a"), fit.limits("ln_a", confidence)
    of = {"A in": pairs.y_unit} if pairs.y_unit else None
    found |= estimate(
        "ln_prefactor",
        ln_a,
        limits,
        error=fit.error("ln_a"),
        confidence=confidence,
        method=method,
        conditions=of,
    )
    if max(abs(ln_a), *map(abs, limits)) < 600:
        found |= estimate(
            "prefactor", math.exp(ln_a), (math.exp(limits[0]), math.exp(limits[1])), unit=pairs.y_unit,
            confidence=confidence, method="exp(ln A)",
        )  # fmt: skip
    found |= quality(fit, plot)
    warnings += cautions(fit, plot)
    script = (
        f"results = {{'ln_prefactor': results['ln_a'], 'activation_energy': {factor!r} * results['slope']}}"
    )
    return _result(
        "arrhenius", "ln k = ln A - Ea/(R T)", found, warnings,
        (
            *plot_fit(context, "Arrhenius plot", plot, [("fit", lambda x: ln_a + fit.value("slope") * x / 1000)], fit.residuals),
            *curve_script(
                context, "Arrhenius plot", "ln_a + slope * x", ("ln_a", "slope"), fit, {"x": inverse, "y": plot.y}, script
            ),
        ),
    )  # fmt: skip


def _result(
    model: str, formula: str, found: dict[str, Quantity], warnings: list[str], artifacts: tuple[Artifact, ...]
) -> ToolResult:
    import scipy

    return ToolResult(
        quantities=found,
        data={"model": model, "formula": formula},
        artifacts=artifacts,
        source=Source(
            kind="computed", name=f"SciPy {scipy.__version__}",
            reference="rate laws: A. Cornish-Bowden, Fundamentals of Enzyme Kinetics, 4th ed., 2012",
        ),
        warnings=tuple(warnings),
    )  # fmt: skip
