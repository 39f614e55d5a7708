"""Dose-response curves: EC50 or IC50 with its interval on the logarithmic scale."""

from __future__ import annotations

import itertools
import math
import re
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ColumnName, Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import TABLES
from benchmate.tools.files import DataFile
from benchmate.tools.statistics.curves import FIT_QUALITY, cautions, check_domain, curve_script, quality
from benchmate.tools.statistics.estimates import Fit, estimate, fit_least_squares, with_limits
from benchmate.tools.statistics.fit_plots import plot_fit
from benchmate.tools.statistics.pairs import Pairs, read_pairs

Array = NDArray[np.float64]
_REACHED = 0.9  # of the way to a plateau at the outermost dose, else the plateau is an extrapolation
_FORMULA = "y = bottom + (top - bottom) x^h/(x^h + EC50^h)"


@tool(
    domain="statistics",
    files=TABLES,
    extra="data",
    properties=with_limits(
        {
            "ec50": "EC50, IC50, ED50, half-maximal concentration, potency",
            "log10_ec50": "log EC50, log10 EC50, log IC50",
            "hill_slope": "Hill slope, Hill coefficient, slope factor, steepness",
            "bottom": "bottom, lower plateau, minimum response",
            "top": "top, upper plateau, maximum response, Emax",
        }
    )
    | FIT_QUALITY,
    examples=(
        "IC50 from doses [0.01, 0.1, 1, 10, 100] and responses [98, 91, 52, 11, 3]",
        "Fit a 4PL dose-response curve to assay.csv",
        "EC50 and Hill slope with 95 % confidence interval",
        "three-parameter dose response fit with the bottom fixed at 0",
        "What is the potency of the compound in plate1.xlsx?",
        "log-logistic fit, EC50 in nM",
    ),
    example={
        "doses": [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30], "responses": [1.2, 2.4, 8.1, 22.5, 55.4, 81.7, 95.2, 97.9],
        "dose_unit": "uM",
    },
)  # fmt: skip
def fit_dose_response(
    context: ToolContext,
    doses: Annotated[list[float] | None, Unit("", "doses, concentrations, dose, concentration")] = None,
    responses: Annotated[
        list[float] | None, Unit("", "responses, response, viability, inhibition, signal")
    ] = None,
    file: DataFile | None = None,
    dose_column: Annotated[str | None, ColumnName("dose, doses, concentration, against, versus, vs")] = None,
    response_column: Annotated[str | None, ColumnName("response, responses, signal, viability")] = None,
    dose_unit: str | None = None,
    response_unit: str | None = None,
    model: Annotated[
        Literal["4PL", "3PL"],
        Said(
            {
                "4PL": "four-parameter, four parameter, 4 parameter",
                "3PL": "three-parameter, three parameter, 3 parameter",
            }
        ),
    ] = "4PL",
    bottom: Annotated[float | None, Unit("", "bottom fixed, bottom, lower plateau")] = None,
    top: Annotated[float | None, Unit("", "top fixed, top, upper plateau")] = None,
    confidence: Annotated[float, Unit("", "confidence level, confidence"), Field(gt=0.5, lt=1)] = 0.95,
) -> ToolResult:
    """Fit a log-logistic dose-response curve: relative EC50 (or IC50), Hill slope and plateaus, with intervals.

    The EC50 is estimated as log10(EC50), and its interval is that of the logarithm. Falling curves have a negative Hill
    slope. Doses of zero count as controls; doses are plain numbers, never logarithms.

    Raises InvalidInput: `no_data`, `two_sources`, `length_mismatch`, `not_finite`, `too_few`, `negative_dose`,
    `too_few_doses`, `constant`, `no_fit`, `not_determined`, `which_column`, `bad_plateaus`, `unknown_unit`.

    Args:
        doses: The doses or concentrations; replicates repeat the dose.
        responses: The response at each dose.
        file: A table, in place of the lists.
        dose_column: The column of the doses.
        response_column: The column of the responses.
        dose_unit: The unit of the doses, such as nM.
        response_unit: The unit of the responses, such as percent.
        model: 4PL, or 3PL with the Hill slope fixed at 1 (or -1 where the curve falls).
        bottom: A fixed lower plateau.
        top: A fixed upper plateau.
        confidence: The confidence of the intervals.
    """
    pairs = read_pairs(
        doses, responses, file, dose_column, response_column, least=4, x_unit=dose_unit, y_unit=response_unit
    ).named("dose", "response")
    _check(pairs, bottom, top)
    fit, fixed = _fit(pairs, model, bottom, top)
    low, high, hill = (fit.value(n) if n in fit.names else fixed[n] for n in ("bottom", "top", "hill_slope"))
    center, limits = fit.value("log10_ec50"), fit.limits("log10_ec50", confidence)
    on_slope = _doses_on_slope(pairs, center, hill)
    method = "least squares, log-logistic"
    found = estimate(
        "ec50", 10**center, (_power(limits[0]), _power(limits[1])), unit=pairs.x_unit, confidence=confidence, method=method,
        conditions={"kind": "relative", "curve": "rising" if hill > 0 else "falling"},
    )  # fmt: skip
    scale = {"of": f"the dose in {pairs.x_unit}"} if pairs.x_unit else None
    found |= estimate(
        "log10_ec50",
        center,
        limits,
        error=fit.error("log10_ec50"),
        confidence=confidence,
        method=method,
        conditions=scale,
    )
    for name, unit in (("hill_slope", ""), ("bottom", pairs.y_unit), ("top", pairs.y_unit)):
        if name in fit.names:
            error = None if unit in ("degC", "degF") else fit.error(name)
            found |= estimate(
                name, fit.value(name), fit.limits(name, confidence), unit=unit, error=error, confidence=confidence,
                method=method,
            )  # fmt: skip
        else:
            found[name] = Quantity(value=fixed[name], unit=unit, property=name, method="fixed")
    found |= quality(fit, pairs)
    warnings = [*pairs.warnings, *cautions(fit, pairs), *_plateau_cautions(pairs, center, hill, fixed)]
    if on_slope == 1:
        warnings.append("a single dose lies between the plateaus: EC50 and slope rest on it")
    if limits[1] - limits[0] > 1:
        warnings.append(
            "the interval of the EC50 spans more than a factor of ten: the data hardly determine it"
        )
    title = f"Dose-response curve: {pairs.y_name}"

    def curve(x: Array) -> Array:
        return _response(x, low, high, center, hill)

    zeros = int((pairs.x == 0).sum())
    if zeros:
        warnings.append(f"{zeros} doses of zero count in the fit and are left out of the logarithmic plot")
    code = "b + (t - b) / (1 + 10 ** ((log10_ec50 - np.log10(np.maximum(x, 1e-300))) * h))"
    for short, name in (("b", "bottom"), ("t", "top"), ("h", "hill_slope")):
        code = _rename(code, short, name if name in fit.names else repr(float(fixed[name])))
    import scipy

    return ToolResult(
        quantities=found,
        data={
            "model": model, "formula": _FORMULA, "fixed": fixed, "direction": "rising" if hill > 0 else "falling",
            "note": "the EC50 is the dose half-way between the fitted plateaus (relative), not that of 50 % of a control",
        },
        artifacts=(
            *plot_fit(context, title, pairs, [("fit", curve)], fit.residuals, x_log=True),
            *curve_script(
                context, title, code, fit.names, fit, pairs.columns(), 'results["ec50"] = 10 ** results["log10_ec50"]'
            ),
        ),
        source=Source(
            kind="computed", name=f"SciPy {scipy.__version__}",
            reference="log-logistic model: A. V. Hill, J. Physiol. 40, iv (1910); Levenberg-Marquardt (MINPACK)",
        ),
        warnings=tuple(warnings),
    )  # fmt: skip


def _rename(code: str, short: str, name: str) -> str:
    return re.sub(rf"(?<![\w.]){short}(?!\w)", name, code)


def _check(pairs: Pairs, bottom: float | None, top: float | None) -> None:
    if (pairs.x < 0).any():
        raise InvalidInput(
            "negative_dose",
            f"a dose is {float(pairs.x.min()):g}",
            hint="give doses, not their logarithms: 10 ** log10(dose)",
        )
    check_domain(pairs)
    different = len(np.unique(pairs.x[pairs.x > 0]))
    if different < 3:
        raise InvalidInput(
            "too_few_doses",
            f"{different} different doses above zero are too few",
            hint="give at least 3, better 6",
        )
    if bottom is not None and top is not None and bottom >= top:
        raise InvalidInput("bad_plateaus", f"the bottom, {bottom:g}, is not below the top, {top:g}")


def _response(x: Array, bottom: float, top: float, log10_ec50: float, hill: float) -> Array:
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(bottom + (top - bottom) / (1 + 10 ** ((log10_ec50 - np.log10(x)) * hill)))


def _fit(pairs: Pairs, model: str, bottom: float | None, top: float | None) -> tuple[Fit, dict[str, float]]:
    """Return the fit with top above bottom, and what was fixed."""
    doses = pairs.x[pairs.x > 0]
    order = np.argsort(pairs.x)
    rank = np.corrcoef(np.argsort(order), pairs.y)[0, 1]
    direction = 1.0 if rank >= 0 else -1.0
    fixed = {n: float(v) for n, v in (("bottom", bottom), ("top", top)) if v is not None}
    if model == "3PL":
        fixed["hill_slope"] = direction
    free = tuple(n for n in ("bottom", "top", "log10_ec50", "hill_slope") if n not in fixed)

    def curve(x: Array, *values: float) -> Array:
        all_values = {**fixed, **dict(zip(free, values, strict=True))}
        return _response(x, *(all_values[n] for n in ("bottom", "top", "log10_ec50", "hill_slope")))

    middles = np.log10(np.quantile(doses, [0.25, 0.5, 0.75]))
    first = {"bottom": float(pairs.y.min()), "top": float(pairs.y.max())}
    starts = [
        [{**first, "log10_ec50": float(m), "hill_slope": direction * h}[n] for n in free]
        for m, h in itertools.product(middles, (1.0, 2.5))
    ]
    fit = fit_least_squares(curve, pairs.x, pairs.y, free, starts)
    if "bottom" in free and "top" in free and fit.value("bottom") > fit.value("top"):
        # the same curve has two names: swapped plateaus with the opposite slope
        swapped = [free.index("top"), free.index("bottom")]
        order_of = list(range(len(free)))
        order_of[free.index("bottom")], order_of[free.index("top")] = swapped
        values, covariance = fit.values[order_of].copy(), fit.covariance[np.ix_(order_of, order_of)].copy()
        if "hill_slope" in free:
            place = free.index("hill_slope")
            values[place] *= -1
            covariance[place, :] *= -1
            covariance[:, place] *= -1
        else:
            fixed["hill_slope"] *= -1
        fit = Fit(free, values, covariance, fit.fitted, fit.residuals)
    return fit, fixed


def _doses_on_slope(pairs: Pairs, center: float, hill: float) -> int:
    """Return how many doses lie between 2 and 98 % of the way. Raises InvalidInput (`not_determined`) where none does."""
    doses = np.unique(pairs.x[pairs.x > 0])
    share = _response(doses, 0.0, 1.0, center, hill)
    on_slope = int(((share > 0.02) & (share < 0.98)).sum())
    if not on_slope:
        below, above = doses[np.log10(doses) < center], doses[np.log10(doses) >= center]
        between = f" between {below.max():g} and {above.min():g}" if below.size and above.size else ""
        raise InvalidInput(
            "not_determined", f"the response jumps{between} and no dose lies on the slope: EC50 and hill_slope are open",
            hint="test doses in between",
        )  # fmt: skip
    return on_slope


def _power(exponent: float) -> float:
    return 10**exponent if abs(exponent) < 300 else math.nan


def _plateau_cautions(pairs: Pairs, center: float, hill: float, fixed: dict[str, float]) -> list[str]:
    """Return which plateaus the doses do not reach."""
    doses = pairs.x[pairs.x > 0]
    said = []
    ends = {"high": float(np.log10(doses.max())), "low": float(np.log10(doses.min()))}
    for end, dose in ends.items():
        share = 1 / (1 + 10 ** min((center - dose) * abs(hill), 300.0))
        reached = share if end == "high" else 1 - share
        plateau = "top" if (end == "high") == (hill > 0) else "bottom"
        controls = end == "low" and (pairs.x == 0).any()
        if reached < _REACHED and plateau not in fixed and not controls:
            said.append(
                f"the {end}est dose is {reached:.0%} of the way to the {plateau} plateau, which is extrapolated; "
                f"so is the EC50: test {'higher' if end == 'high' else 'lower'} doses or fix {plateau}"
            )
    if not ends["low"] <= center <= ends["high"]:
        said.append("the EC50 lies outside the tested doses")
    return said
