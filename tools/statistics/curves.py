"""Fits of a named curve to x and y."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ColumnName, Said, Unit
from benchmate.tools.base import Artifact, Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import TABLES
from benchmate.tools.files import DataFile
from benchmate.tools.statistics.analysis_script import save_script
from benchmate.tools.statistics.curve_models import CURVES, CurveModel
from benchmate.tools.statistics.estimates import (
    Fit,
    difference_unit,
    estimate,
    fit_least_squares,
    ratio_unit,
    with_limits,
)
from benchmate.tools.statistics.fit_plots import plot_fit
from benchmate.tools.statistics.pairs import Pairs, read_pairs

Array = NDArray[np.float64]
_WORDS = {
    "a": "amplitude, prefactor, a", "tau": "time constant, tau, τ, decay constant", "c": "offset, baseline, plateau",
    "k": "rate constant, growth rate, decay rate, k", "mu": "centre, peak position, mean of the peak",
    "sigma": "sigma, width, standard deviation of the peak", "x0": "midpoint, inflection point, x0",
    "gamma": "half width at half maximum, gamma", "l": "upper limit, carrying capacity, plateau", "b": "exponent, power",
    "bmax": "maximum, Bmax, saturation", "kd": "half-saturation, Kd, dissociation constant",
    "half_life": "half-life, half life", "doubling_or_half_life": "doubling time",
    "fwhm": "full width at half maximum, FWHM, linewidth",
}  # fmt: skip
FIT_QUALITY = {
    "r_squared": "R squared, R², goodness of fit",
    "residual_deviation": "residual standard deviation, scatter about the curve",
    "aicc": "AICc, corrected Akaike information criterion",
    "count": "number of points, n",
}


@tool(
    domain="statistics",
    files=TABLES,
    extra="data",
    properties=with_limits(_WORDS) | FIT_QUALITY,
    examples=(
        "Fit an exponential decay to t [0, 1, 2, 3, 4, 6] and counts [100, 61, 37, 22, 14, 5]",
        "fit a gaussian to this peak and give FWHM",
        "Lorentzian line width of the data in spectrum.csv",
        "logistic growth curve: carrying capacity from od.csv",
        "power law exponent of y against x",
        "Kd from the saturation binding curve in binding.xlsx",
    ),
    example={
        "model": "exponential_decay", "x": [0, 1, 2, 3, 4, 6, 8], "y": [10.1, 6.9, 4.8, 3.6, 2.7, 1.7, 1.3],
    },
)  # fmt: skip
def fit_curve(
    context: ToolContext,
    model: Annotated[
        Literal[
            "exponential_decay",
            "exponential",
            "gaussian",
            "lorentzian",
            "logistic",
            "power_law",
            "saturation",
        ],
        Said(
            {
                "exponential_decay": "decaying exponential, exponential decay, single exponential, mono-exponential, first-order decay, decays exponentially",
                "gaussian": "Gaussian peak, normal peak",
                "lorentzian": "Lorentzian peak",
                "power_law": "power law, power-law, scaling law",
                "saturation": "saturating, saturation, hyperbola, hyperbolic",
                "logistic": "sigmoid, sigmoidal, logistic growth",
            }
        ),
    ],
    x: Annotated[list[float] | None, Unit("", "x, t, time, times")] = None,
    y: Annotated[list[float] | None, Unit("", "y, signal, counts, values")] = None,
    file: DataFile | None = None,
    x_column: Annotated[
        str | None, ColumnName("against, versus, vs, as a function of, over, on, x is, x =")
    ] = None,
    y_column: Annotated[str | None, ColumnName("y is, y =")] = None,
    x_unit: str | None = None,
    y_unit: str | None = None,
    confidence: Annotated[float, Unit("", "confidence level, confidence"), Field(gt=0.5, lt=1)] = 0.95,
) -> ToolResult:
    """Fit an exponential, Gaussian, Lorentzian, logistic, power-law or saturation curve by least squares, with intervals.

    Raises InvalidInput: `no_data`, `two_sources`, `length_mismatch`, `not_finite`, `too_few`, `too_large`, `which_column`,
    `not_positive`, `constant`, `no_fit`, `not_determined`, `unknown_unit`.

    Args:
        model: The curve: exponential_decay a exp(-x/tau) + c, exponential a exp(k x), gaussian and lorentzian peaks on an
            offset c, logistic L/(1 + exp(-k (x - x0))), power_law a x^b, saturation B x/(K + x).
        x: The x values.
        y: The y values.
        file: A table, in place of the lists.
        x_column: The column of x.
        y_column: The column of y.
        x_unit: The unit of x.
        y_unit: The unit of y.
        confidence: The confidence of the intervals.
    """
    curve = CURVES[model]
    pairs = read_pairs(
        x, y, file, x_column, y_column, least=len(curve.parameters) + 1, x_unit=x_unit, y_unit=y_unit
    )
    check_domain(pairs, positive_x=curve.positive_x, positive_y=curve.positive_y)
    fit = fit_least_squares(
        curve.function, pairs.x, pairs.y, tuple(curve.parameters), curve.starts(pairs.x, pairs.y)
    )
    fit = _width_positive(fit)
    method = f"least squares, {curve.formula}"
    found: dict[str, Quantity] = {}
    units = {name: _unit(pairs, powers) for name, powers in curve.parameters.items()}
    for name in curve.parameters:
        found |= estimate(
            name, fit.value(name), fit.limits(name, confidence), unit=units[name],
            error=None if units[name] in ("degC", "degF") else fit.error(name), confidence=confidence, method=method,
        )  # fmt: skip
    warnings = [*pairs.warnings]
    for name, of, function in curve.derived:
        low, high = fit.limits(of, confidence)
        value = fit.value(of)
        ends = sorted((function(low), function(high))) if low * high > 0 else [math.nan, math.nan]
        unit = difference_unit(pairs.x_unit)
        found |= estimate(
            name, function(value), (ends[0], ends[1]), unit=unit, confidence=confidence, method=f"from {of}"
        )
        if low * high <= 0:
            warnings.append(f"the interval of {of} includes zero, so that {name} has no upper limit")
    found |= quality(fit, pairs)
    warnings += cautions(fit, pairs)
    title = f"{model.replace('_', ' ').capitalize()} fit of {pairs.y_name}"
    line = [(curve.formula, lambda points: curve.function(points, *fit.values))]
    import scipy

    return ToolResult(
        quantities=found,
        data={"model": model, "formula": curve.formula, "parameters": list(curve.parameters)},
        artifacts=(
            *plot_fit(context, title, pairs, line, fit.residuals),
            *_script(context, title, curve, fit, pairs),
        ),
        source=Source(
            kind="computed", name=f"SciPy {scipy.__version__}", reference="Levenberg-Marquardt (MINPACK)"
        ),
        warnings=tuple(warnings),
    )


def check_domain(pairs: Pairs, *, positive_x: bool = False, positive_y: bool = False) -> None:
    """Raise InvalidInput (`constant`, `not_positive`) where a curve cannot be fitted to such data."""
    for name, values, positive in (("x", pairs.x, positive_x), ("y", pairs.y, positive_y)):
        if not np.ptp(values) > 0:
            raise InvalidInput("constant", f"all {name} are equal", hint="give points over a range")
        if positive and not (values > 0).all():
            raise InvalidInput(
                "not_positive",
                f"a {name} is zero or negative, where this curve has no value",
                hint="leave it out",
            )


def quality(fit: Fit, pairs: Pairs, unit: str | None = None) -> dict[str, Quantity]:
    """Return R², the residual SD, AICc and the number of points."""
    spread = difference_unit(pairs.y_unit) if unit is None else unit
    found = {
        "residual_deviation": Quantity(value=fit.residual_sd, unit=spread, property="residual_deviation"),
        "count": Quantity(value=fit.n, property="count"),
    }
    if fit.r_squared is not None:
        found["r_squared"] = Quantity(value=fit.r_squared, property="r_squared", method="1 - RSS/TSS")
    if fit.aicc is not None:
        found["aicc"] = Quantity(value=fit.aicc, property="aicc")
    return found


def cautions(fit: Fit, pairs: Pairs) -> list[str]:
    """Return what has to be said of a fit: few points, a bad fit, residuals that run in one direction."""
    said = []
    if fit.dof < 3:
        said.append(
            f"{fit.n} points for {len(fit.values)} parameters leave {fit.dof} degrees of freedom: the intervals are rough"
        )
    if fit.r_squared is not None and fit.r_squared < 0.8:
        said.append(f"the curve explains {max(fit.r_squared, 0):.0%} of the variance: look at the plot")
    signs = np.sign(fit.residuals[np.argsort(pairs.x)])
    signs = signs[signs != 0]
    if len(signs) >= 8:
        runs = 1 + int((signs[1:] != signs[:-1]).sum())
        up, down = int((signs > 0).sum()), int((signs < 0).sum())
        mean = 1 + 2 * up * down / (up + down)
        variance = (mean - 1) * (mean - 2) / (up + down - 1)
        if variance > 0 and (runs - mean) / math.sqrt(variance) < -2.33:
            said.append(
                "the residuals keep their sign over long stretches (runs test p < 0.01): another curve may fit better"
            )
    return said


def curve_script(
    context: ToolContext,
    title: str,
    code: str,
    names: tuple[str, ...],
    fit: Fit,
    columns: Mapping[str, Sequence[Any] | Array],
    extra: str = "",
) -> tuple[Artifact, ...]:
    """Return the script that repeats a fit with SciPy's curve_fit. `extra` are lines that add to `results`."""
    start = [float(f"{v:.3g}") for v in fit.values]
    sigma = ", sigma=np.array(data['sigma'])" if "sigma" in columns else ""
    body = f"""
import numpy as np
from scipy.optimize import curve_fit
def curve(x, {", ".join(names)}):
    return {code}
x, y = np.array(data["x"]), np.array(data["y"])
values, covariance = curve_fit(curve, x, y, p0={start!r}{sigma}, maxfev=20_000)
results = dict(zip({list(names)!r}, values))
{extra}
"""
    return save_script(context, title, columns, body)


def _unit(pairs: Pairs, powers: tuple[int, int]) -> str:
    x, y = powers
    if (x, y) == (0, 0):
        return ""
    if (x, y) == (1, 0):
        return pairs.x_unit
    if (x, y) == (0, 1):
        return pairs.y_unit
    return ratio_unit("", pairs.x_unit)


def _width_positive(fit: Fit) -> Fit:
    """Return the fit with positive widths: the formula holds their squares."""
    for name in ("sigma", "gamma"):
        if name in fit.names:
            place = fit.names.index(name)
            if fit.values[place] < 0:
                fit.values[place] *= -1
                fit.covariance[place, :] *= -1
                fit.covariance[:, place] *= -1
    return fit


def _script(
    context: ToolContext, title: str, curve: CurveModel, fit: Fit, pairs: Pairs
) -> tuple[Artifact, ...]:
    return curve_script(context, title, curve.code, tuple(curve.parameters), fit, pairs.columns())
