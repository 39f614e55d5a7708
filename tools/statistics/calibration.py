"""Calibration lines: slope, limits of detection and quantitation, and the concentrations of unknowns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ColumnName, Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import TABLES
from benchmate.tools.files import DataFile
from benchmate.tools.statistics.analysis_script import save_script
from benchmate.tools.statistics.curves import FIT_QUALITY, cautions, check_domain, quality
from benchmate.tools.statistics.estimates import Fit, estimate, ratio_unit, with_limits
from benchmate.tools.statistics.fit_plots import plot_fit
from benchmate.tools.statistics.pairs import Pairs, read_pairs

Array = NDArray[np.float64]
MOST_UNKNOWNS = 500
LOD_FACTOR, LOQ_FACTOR = 3.3, 10.0  # ICH Q2(R1), section 6.3 and 7.3


@dataclass(frozen=True)
class _Line:
    """A weighted straight line and what inverse prediction needs of it."""

    slope: float
    intercept: float
    scale: float  # s: the residual SD at weight one
    total: float  # sum of weights
    y_mean: float
    x_spread: float  # weighted sum of squares of x about its mean
    weighting: str
    lowest: float  # the lowest concentration that was weighted

    def weight(self, x: float) -> float:
        return _weights(np.array([max(x, self.lowest)]), self.weighting)[0]

    def concentration(self, signal: float) -> float:
        return (signal - self.intercept) / self.slope

    def error(self, signal: float, replicates: int) -> float:
        """Return the standard error of an inverse prediction (Miller and Miller 2010, eqs. 5.9 and 5.11)."""
        own = 1 / (self.weight(self.concentration(signal)) * replicates)
        far = (signal - self.y_mean) ** 2 / (self.slope**2 * self.x_spread)
        return self.scale / abs(self.slope) * math.sqrt(own + 1 / self.total + far)


@tool(
    domain="statistics",
    files=TABLES,
    extra="data",
    properties=with_limits(
        {
            "slope": "slope, sensitivity, calibration slope",
            "intercept": "intercept, blank signal",
            "concentration": "concentration of the unknown, concentration, content of the sample",
            "limit_of_detection": "limit of detection, LOD, detection limit",
            "limit_of_quantitation": "limit of quantitation, limit of quantification, LOQ",
        },
        "limit_of_detection", "limit_of_quantitation",
    )
    | FIT_QUALITY,
    examples=(
        "Calibration line for concentrations [1, 2, 5, 10] and areas [105, 198, 512, 1003]: what is the LOD?",
        "What concentration gives an absorbance of 0.45 with standards [0, 1, 2, 4] reading [0.01, 0.21, 0.40, 0.79]?",
        "limit of quantitation from calibration.csv",
        "weighted 1/x calibration and the concentrations of the unknowns [220, 430]",
        "standard curve slope, intercept, R2 and confidence limits",
    ),
    example={
        "concentrations": [0, 2, 4, 6, 8, 10, 12], "signals": [2.1, 5.0, 9.0, 12.6, 17.3, 21.0, 24.7],
        "unknowns": [2.9, 13.5, 23.0], "concentration_unit": "pg/mL",
    },
)  # fmt: skip
def fit_calibration(
    context: ToolContext,
    concentrations: Annotated[
        list[float] | None, Unit("", "concentrations, standards, concentration, levels")
    ] = None,
    signals: Annotated[
        list[float] | None, Unit("", "signals, areas, absorbances, readings, responses, peak areas, counts")
    ] = None,
    unknowns: Annotated[
        list[float] | None,
        Unit(
            "",
            "unknowns, unknown, samples, sample read, samples read, sample gives, sample gave, sample, signals of the unknowns, unknown signals",
        ),
    ] = None,
    file: DataFile | None = None,
    concentration_column: Annotated[
        str | None, ColumnName("concentration, concentrations, against, standards in")
    ] = None,
    signal_column: Annotated[str | None, ColumnName("signal, absorbance, area, response")] = None,
    concentration_unit: str | None = None,
    signal_unit: str | None = None,
    weighting: Annotated[
        Literal["1/x2", "1/x", "none"],
        Said({"1/x2": "1/x^2, 1/x², 1/x2", "1/x": "1/x weighted, weighted by 1/x"}),
    ] = "none",
    blank_sd: Annotated[
        float | None, Unit("", "SD of the blank, blank SD, blank standard deviation"), Field(gt=0)
    ] = None,
    replicates: Annotated[
        int, Unit("", "replicates of the unknown, replicate readings"), Field(ge=1, le=1000)
    ] = 1,
    confidence: Annotated[float, Unit("", "confidence level, confidence"), Field(gt=0.5, lt=1)] = 0.95,
) -> ToolResult:
    """Fit a straight calibration line, read unknowns off it with intervals, and give the limits of detection and quantitation.

    LOD = 3.3 σ/slope and LOQ = 10 σ/slope (ICH Q2), with σ the SD of the blank where it is given, else the residual SD
    of the line (of a weighted line, that at the lowest standard).

    Raises InvalidInput: `no_data`, `two_sources`, `length_mismatch`, `not_finite`, `too_few`, `too_large`, `constant`,
    `too_few_levels`, `bad_weights`, `no_slope`, `which_column`, `unknown_unit`.

    Args:
        concentrations: The concentrations of the standards; replicates repeat them.
        signals: The signals of the standards.
        unknowns: Signals whose concentrations are asked.
        file: A table with the standards, in place of the lists.
        concentration_column: The column of concentrations.
        signal_column: The column of signals.
        concentration_unit: The unit of the concentrations.
        signal_unit: The unit of the signals.
        weighting: none, 1/x or 1/x2 (variance in proportion to x or to its square).
        blank_sd: The standard deviation of blank signals, for LOD and LOQ.
        replicates: How many readings each unknown signal is the mean of.
        confidence: The confidence of the intervals.
    """
    pairs = read_pairs(
        concentrations, signals, file, concentration_column, signal_column, least=3,
        x_unit=concentration_unit, y_unit=signal_unit,
    ).named("concentration", "signal")  # fmt: skip
    check_domain(pairs)
    if len(np.unique(pairs.x)) < 3:
        raise InvalidInput(
            "too_few_levels",
            "two levels cannot show whether a line is straight",
            hint="give at least 3, better 5",
        )
    if weighting != "none" and (pairs.x <= 0).any():
        raise InvalidInput(
            "bad_weights", f"{weighting} has no value at a concentration of zero", hint="leave the blank out"
        )
    unknowns = unknowns or []
    if len(unknowns) > MOST_UNKNOWNS or not np.isfinite(unknowns).all():
        raise InvalidInput(
            "too_large", f"there are {len(unknowns)} unknowns", hint=f"at most {MOST_UNKNOWNS} finite signals"
        )
    fit, line = _fit(pairs, weighting)
    low, high = fit.limits("slope", confidence)
    if low <= 0 <= high:
        raise InvalidInput(
            "no_slope", "the slope does not differ from zero: this is no calibration", hint="look at the data"
        )
    method = "least squares" if weighting == "none" else f"least squares weighted {weighting}"
    found = estimate(
        "slope", line.slope, (low, high), unit=ratio_unit(pairs.y_unit, pairs.x_unit), error=fit.error("slope"),
        confidence=confidence, method=method,
    )  # fmt: skip
    found |= estimate(
        "intercept", line.intercept, fit.limits("intercept", confidence), unit=pairs.y_unit, error=fit.error("intercept"),
        confidence=confidence, method=method,
    )  # fmt: skip
    sigma = blank_sd if blank_sd is not None else line.scale / math.sqrt(line.weight(line.lowest))
    whose = "SD of the blank" if blank_sd is not None else "residual SD of the line"
    for key, factor in (("limit_of_detection", LOD_FACTOR), ("limit_of_quantitation", LOQ_FACTOR)):
        found[key] = Quantity(
            value=factor * sigma / abs(line.slope), unit=pairs.x_unit, property=key,
            method=f"{factor:g} σ/slope (ICH Q2), σ the {whose}",
        )  # fmt: skip
    found |= quality(fit, pairs)
    rows, warnings = _unknowns(unknowns, line, pairs, fit, replicates, confidence, found)
    warnings = [*pairs.warnings, *cautions(fit, pairs), *warnings]
    back = [
        {"concentration": float(c), "found": line.concentration(float(s)), "recovery_percent":
         100 * line.concentration(float(s)) / float(c) if c else None}
        for c, s in zip(pairs.x, pairs.y, strict=True)
    ][:200]  # fmt: skip
    body = f"""
import numpy as np
from scipy.stats import t
x, y = np.array(data["x"]), np.array(data["y"])
w = {_code(weighting)}
x_mean, y_mean = np.average(x, weights=w), np.average(y, weights=w)
spread = np.sum(w * (x - x_mean) ** 2)
slope = np.sum(w * (x - x_mean) * (y - y_mean)) / spread
intercept = y_mean - slope * x_mean
s = np.sqrt(np.sum(w * (y - intercept - slope * x) ** 2) / (len(x) - 2))
half = t.ppf({(1 + confidence) / 2!r}, len(x) - 2) * s / np.sqrt(spread)
results = {{"slope": slope, "intercept": intercept, "slope_lower": slope - half, "slope_upper": slope + half}}
for place, signal in enumerate({unknowns!r}, 1):
    results[f"concentration_{{place}}"] = (signal - intercept) / slope
"""
    title = "Calibration"
    import scipy

    return ToolResult(
        quantities=found,
        data={
            "weighting": weighting, "definition": f"LOD {LOD_FACTOR:g} σ/slope, LOQ {LOQ_FACTOR:g} σ/slope, σ the {whose}",
            "unknowns": rows, "standards": back,
        },
        artifacts=(
            *plot_fit(
                context, title, pairs, [("line", lambda x: line.intercept + line.slope * x)], fit.residuals
            ),
            *save_script(context, title, pairs.columns(), body),
        ),
        source=Source(
            kind="computed", name=f"NumPy {np.__version__}, SciPy {scipy.__version__}",
            reference="ICH Q2(R1); J. N. Miller and J. C. Miller, Statistics and Chemometrics for Analytical Chemistry, 6th ed.",
        ),
        warnings=tuple(warnings),
    )  # fmt: skip


def _weights(x: Array, weighting: str) -> Array:
    powers = {"none": 0, "1/x": 1, "1/x2": 2}
    return np.asarray(1 / x ** powers[weighting]) if powers[weighting] else np.ones_like(x)


def _code(weighting: str) -> str:
    return {"none": "np.ones_like(x)", "1/x": "1 / x", "1/x2": "1 / x**2"}[weighting]


def _fit(pairs: Pairs, weighting: str) -> tuple[Fit, _Line]:
    """Return the line in closed form (no conditioning trouble: both axes are centred)."""
    w = _weights(pairs.x, weighting)
    x_mean, y_mean = (float(np.average(v, weights=w)) for v in (pairs.x, pairs.y))
    x_spread = float(np.sum(w * (pairs.x - x_mean) ** 2))
    slope = float(np.sum(w * (pairs.x - x_mean) * (pairs.y - y_mean))) / x_spread
    intercept = y_mean - slope * x_mean
    fitted = intercept + slope * pairs.x
    residuals = pairs.y - fitted
    variance = float(np.sum(w * residuals**2)) / (pairs.size - 2)
    total = float(w.sum())
    covariance = variance * np.array(
        [[1 / x_spread, -x_mean / x_spread], [-x_mean / x_spread, 1 / total + x_mean**2 / x_spread]]
    )
    fit = Fit(("slope", "intercept"), np.array([slope, intercept]), covariance, fitted, residuals, w)
    positive = pairs.x[pairs.x > 0]
    lowest = float(positive.min()) if positive.size else 0.0
    return fit, _Line(slope, intercept, math.sqrt(variance), total, y_mean, x_spread, weighting, lowest)


def _unknowns(
    unknowns: list[float],
    line: _Line,
    pairs: Pairs,
    fit: Fit,
    replicates: int,
    confidence: float,
    found: dict[str, Quantity],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Add the concentrations of the unknowns to `found`; return them as rows, and what has to be said."""
    from scipy.stats import t

    factor = float(t.ppf((1 + confidence) / 2, fit.dof))
    rows, said = [], []
    low, high = float(pairs.x.min()), float(pairs.x.max())
    for place, signal in enumerate(unknowns, 1):
        value, error = line.concentration(signal), line.error(signal, replicates)
        found |= estimate(
            f"concentration_{place}", value, (value - factor * error, value + factor * error), property="concentration",
            unit=pairs.x_unit, error=error, confidence=confidence, method="inverse prediction",
            conditions={"signal": f"{signal:g}", "replicates": str(replicates)},
        )  # fmt: skip
        rows.append({"signal": signal, "concentration": value, "standard_error": error})
        if not low <= value <= high:
            said.append(
                f"the unknown with signal {signal:g} lies outside the standards ({low:g} to {high:g}): extrapolated"
            )
        elif value < found["limit_of_detection"].value:
            said.append(f"the unknown with signal {signal:g} is below the limit of detection")
        elif value < found["limit_of_quantitation"].value:
            said.append(f"the unknown with signal {signal:g} is below the limit of quantitation")
    return rows, said
