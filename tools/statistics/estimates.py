"""Estimates with their intervals, and the least-squares fit that gives them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity, parse_unit

Array = NDArray[np.float64]
Model = Callable[..., Array]
_STEP = 6e-6  # cube root of the double precision: best for central differences
_SINGULAR = 1e-8  # of the scaled Jacobian: below, a combination of parameters moves nothing


@dataclass(frozen=True)
class Fit:
    """A least-squares fit: parameters, their covariance, and how far the data are from the curve."""

    names: tuple[str, ...]
    values: Array
    covariance: Array
    fitted: Array
    residuals: Array
    weights: Array | None = None

    @property
    def n(self) -> int:
        return len(self.residuals)

    @property
    def dof(self) -> int:
        return self.n - len(self.values)

    @property
    def rss(self) -> float:
        """The (weighted) sum of squared residuals."""
        w = self.weights if self.weights is not None else 1.0
        return float(np.sum(w * self.residuals**2))

    @property
    def residual_sd(self) -> float:
        return math.sqrt(self.rss / self.dof)

    @property
    def r_squared(self) -> float | None:
        """1 - RSS/TSS, or None where y is constant."""
        y = self.fitted + self.residuals
        w = self.weights if self.weights is not None else np.ones_like(y)
        total = float(np.sum(w * (y - np.average(y, weights=w)) ** 2))
        return 1 - self.rss / total if total > 0 else None

    @property
    def aicc(self) -> float | None:
        """Akaike's criterion with the correction for few data (Hurvich and Tsai 1989); None where it has none."""
        k = len(self.values) + 1
        if self.n <= k + 1 or self.rss <= 0:
            return None
        return self.n * math.log(self.rss / self.n) + 2 * k + 2 * k * (k + 1) / (self.n - k - 1)

    def value(self, name: str) -> float:
        return float(self.values[self.names.index(name)])

    def error(self, name: str) -> float:
        i = self.names.index(name)
        return math.sqrt(max(float(self.covariance[i, i]), 0.0))

    def limits(self, name: str, confidence: float) -> tuple[float, float]:
        """Return the Wald limits of a parameter by Student's t."""
        from scipy.stats import t

        half = float(t.ppf((1 + confidence) / 2, self.dof)) * self.error(name)
        return self.value(name) - half, self.value(name) + half


def fit_least_squares(
    model: Model,
    x: Array,
    y: Array,
    names: Sequence[str],
    starts: Sequence[Sequence[float]],
    weights: Array | None = None,
) -> Fit:
    """Return the best fit of y = model(x, *parameters) over several starts (Levenberg-Marquardt, SciPy).

    Raises InvalidInput: `too_few` (no residual degree of freedom), `no_fit` (no start converges), `not_determined` (the data
    leave a parameter open).
    """
    from scipy.optimize import OptimizeWarning, curve_fit

    if len(x) <= len(names):
        raise InvalidInput(
            "too_few", f"{len(x)} points cannot determine {len(names)} parameters ({', '.join(names)}) with errors",
            hint=f"give at least {len(names) + 1} points, or fix a parameter",
        )  # fmt: skip
    sigma = None if weights is None else 1 / np.sqrt(weights)
    best: Fit | None = None
    for start in starts:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", OptimizeWarning)  # the covariance tells of it
            try:
                values, covariance = curve_fit(model, x, y, p0=start, sigma=sigma, method="lm", maxfev=20_000)
            except (RuntimeError, ValueError):  # no convergence, or the model left the numbers
                continue
            fitted = np.asarray(model(x, *values), float)
        if not (np.isfinite(values).all() and np.isfinite(fitted).all()):
            continue
        found = Fit(tuple(names), values, covariance, fitted, y - fitted, weights)
        if best is None or found.rss < best.rss:
            best = found
    if best is None:
        raise InvalidInput(
            "no_fit", "the fit does not converge", hint="look at the plot of the data: is it such a curve?"
        )
    # a parameter may be zero: its size is also that of where the fits began
    size = np.maximum(np.abs(best.values), np.max(np.abs(np.asarray(starts, float)), axis=0))
    covariance = _covariance(model, x, best, np.where(size > 0, size, 1.0))
    return replace(best, covariance=covariance)


def _covariance(model: Model, x: Array, fit: Fit, size: Array) -> Array:
    """Return the covariance of the parameters from central differences, each step in proportion to the parameter's size.

    MINPACK's own differences vanish for a parameter that is nearly zero. Raises InvalidInput (`not_determined`).
    """
    jacobian = np.empty((fit.n, len(fit.values)))
    for place, step in enumerate(_STEP * size):
        up, down = fit.values.copy(), fit.values.copy()
        up[place] += step
        down[place] -= step
        with np.errstate(all="ignore"):
            jacobian[:, place] = (model(x, *up) - model(x, *down)) / (2 * step)
    if fit.weights is not None:
        jacobian *= np.sqrt(fit.weights)[:, None]
    lengths = np.linalg.norm(jacobian, axis=0)
    empty = ~(np.isfinite(lengths) & (lengths > 0))
    if not empty.any():
        _, singular, axes = np.linalg.svd(jacobian / lengths, full_matrices=False)
        if singular[-1] > _SINGULAR * singular[0]:
            scaled = axes.T / singular
            variance = fit.rss / fit.dof
            return np.asarray(variance * (scaled @ scaled.T) / np.outer(lengths, lengths))
        empty = np.abs(axes[-1]) > 0.3
    open_ones = [name for name, one in zip(fit.names, empty, strict=True) if one]
    raise InvalidInput(
        "not_determined", f"the data do not determine {' and '.join(open_ones)}",
        hint="give points over a wider range, fix a parameter, or take a simpler model",
    )  # fmt: skip


def estimate(
    key: str,
    value: float,
    limits: tuple[float, float] | None,
    *,
    property: str | None = None,
    unit: str = "",
    error: float | None = None,
    confidence: float = 0.95,
    method: str | None = None,
    conditions: Mapping[str, str] | None = None,
) -> dict[str, Quantity]:
    """Return an estimate as quantities: KEY with its standard error, KEY_lower and KEY_upper, the limits of its interval.

    A limit that is no number (the data leave that side open) is left out.
    """
    name = property or key
    found = {
        key: Quantity(
            value=value, unit=unit, property=name, method=method, conditions=dict(conditions) if conditions else None,
            uncertainty=error if error is not None and math.isfinite(error) else None,
        )
    }  # fmt: skip
    for side, limit in zip(("lower", "upper"), limits or (math.nan, math.nan), strict=True):
        if math.isfinite(limit):
            found[f"{key}_{side}"] = Quantity(
                value=limit, unit=unit, property=f"{name}_{side}", method=method,
                conditions={**(conditions or {}), "confidence": f"{100 * confidence:g} %"},
            )  # fmt: skip
    return found


def difference_unit(unit: str) -> str:
    """Return the unit of a difference or a spread: of temperatures it is a step, not a point of the scale."""
    return f"delta_{unit}" if unit in ("degC", "degF") else unit


def ratio_unit(over: str, *under: str) -> str:
    """Return the unit of a quotient: ('mg', 's') is 'mg/s'; a scale such as degC counts by its steps."""
    top = difference_unit(over) or "1"
    bottom = "".join(f" / ({difference_unit(unit)})" for unit in under if unit)
    unit = str(parse_unit(f"({top}){bottom}")) if bottom else over
    return "" if unit == "dimensionless" else unit


def with_limits(properties: Mapping[str, str], *plain: str) -> dict[str, str]:
    """Return the properties with those of their lower and upper limits; `plain` names those that have no interval."""
    full = dict(properties)
    for name, words in properties.items():
        if name not in plain:
            first = words.split(",")[0]
            full[f"{name}_lower"] = f"lower limit of the {first}, lower confidence limit of the {first}"
            full[f"{name}_upper"] = f"upper limit of the {first}, upper confidence limit of the {first}"
    return full
