"""The curves that data are fitted with: formula, parameters with their units, and where a fit starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Starts = Callable[[Array, Array], list[list[float]]]


@dataclass(frozen=True)
class CurveModel:
    """A curve y = function(x, *parameters).

    `parameters` maps each name to the powers of the units of x and y in its unit: {'k': (-1, 0)} is one over x.
    `code` is the formula as NumPy code in x and the parameters, for the script that repeats the fit.
    """

    formula: str
    code: str
    parameters: dict[str, tuple[int, int]]
    function: Callable[..., Array]
    starts: Starts
    positive_x: bool = False
    positive_y: bool = False
    derived: tuple[tuple[str, str, Callable[[float], float]], ...] = ()  # (name, of which parameter, by what)


def _slope(x: Array, y: Array) -> tuple[float, float]:
    slope, intercept = np.polyfit(x, y, 1)
    return float(slope), float(intercept)


def _exponential_starts(x: Array, y: Array) -> list[list[float]]:
    sign = 1.0 if np.median(y) >= 0 else -1.0
    use = sign * y > 0
    if use.sum() < 2 or not np.ptp(x[use]) > 0:
        return [[float(y[0]) or 1.0, 0.0]]
    slope, intercept = _slope(x[use], np.log(sign * y[use]))
    return [[sign * float(np.exp(intercept)), slope]]


def _decay_starts(x: Array, y: Array) -> list[list[float]]:
    order = np.argsort(x)
    first, last = float(y[order[0]]), float(y[order[-1]])
    span = float(np.ptp(x))
    return [[first - last, share * span, last] for share in (0.1, 0.3, 1.0)]


def _peak_starts(x: Array, y: Array) -> list[list[float]]:
    span = float(np.ptp(x))
    starts = []
    for base, top in ((float(y.min()), int(y.argmax())), (float(y.max()), int(y.argmin()))):
        starts += [[float(y[top]) - base, float(x[top]), width * span, base] for width in (0.03, 0.1, 0.3)]
    return starts


def _power_starts(x: Array, y: Array) -> list[list[float]]:
    slope, intercept = _slope(np.log(x), np.log(y))
    return [[float(np.exp(intercept)), slope]]


def _logistic_starts(x: Array, y: Array) -> list[list[float]]:
    span = float(np.ptp(x))
    order = np.argsort(x)
    rising = 1.0 if y[order[-1]] >= y[order[0]] else -1.0
    middle = float(x[np.abs(y - (y.max() + y.min()) / 2).argmin()])
    top = float(y.max())
    return [[factor * top, rising * rate / span, middle] for factor in (1.05, 1.5) for rate in (4.0, 12.0)]


def _saturation_starts(x: Array, y: Array) -> list[list[float]]:
    return [[float(y.max()) * 1.2, share * float(x.max())] for share in (0.1, 0.4, 1.5)]


CURVES: dict[str, CurveModel] = {
    "exponential_decay": CurveModel(
        "y = a exp(-x/τ) + c", "a * np.exp(-x / tau) + c", {"a": (0, 1), "tau": (1, 0), "c": (0, 1)},
        lambda x, a, tau, c: a * np.exp(-x / tau) + c, _decay_starts,
        derived=(("half_life", "tau", lambda tau: float(np.log(2) * tau)),),
    ),
    "exponential": CurveModel(
        "y = a exp(k x)", "a * np.exp(k * x)", {"a": (0, 1), "k": (-1, 0)}, lambda x, a, k: a * np.exp(k * x),
        _exponential_starts, derived=(("doubling_or_half_life", "k", lambda k: float(np.log(2) / abs(k))),),
    ),
    "gaussian": CurveModel(
        "y = a exp(-(x - μ)²/(2σ²)) + c", "a * np.exp(-((x - mu) ** 2) / (2 * sigma**2)) + c",
        {"a": (0, 1), "mu": (1, 0), "sigma": (1, 0), "c": (0, 1)},
        lambda x, a, mu, sigma, c: a * np.exp(-((x - mu) ** 2) / (2 * sigma**2)) + c, _peak_starts,
        derived=(("fwhm", "sigma", lambda sigma: float(2 * np.sqrt(2 * np.log(2)) * abs(sigma))),),
    ),
    "lorentzian": CurveModel(
        "y = a γ²/((x - x₀)² + γ²) + c", "a * gamma**2 / ((x - x0) ** 2 + gamma**2) + c",
        {"a": (0, 1), "x0": (1, 0), "gamma": (1, 0), "c": (0, 1)},
        lambda x, a, x0, gamma, c: a * gamma**2 / ((x - x0) ** 2 + gamma**2) + c, _peak_starts,
        derived=(("fwhm", "gamma", lambda gamma: float(2 * abs(gamma))),),
    ),
    "logistic": CurveModel(
        "y = L/(1 + exp(-k (x - x₀)))", "l / (1 + np.exp(-k * (x - x0)))", {"l": (0, 1), "k": (-1, 0), "x0": (1, 0)},
        lambda x, l, k, x0: l / (1 + np.exp(-k * (x - x0))), _logistic_starts,  # noqa: E741
    ),
    "power_law": CurveModel(
        "y = a x^b", "a * x**b", {"a": (0, 1), "b": (0, 0)}, lambda x, a, b: a * x**b, _power_starts,
        positive_x=True, positive_y=True,
    ),
    "saturation": CurveModel(
        "y = B x/(K + x)", "bmax * x / (kd + x)", {"bmax": (0, 1), "kd": (1, 0)},
        lambda x, bmax, kd: bmax * x / (kd + x), _saturation_starts,
    ),
}  # fmt: skip
