"""Box least squares: the box of least flux that repeats, on a grid of periods that is bounded, then refined."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmate.tools.astronomy.time_series import TimeSeries

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_WORK = 200_000_000  # points times trial periods of the first pass, some ten seconds


@dataclass(frozen=True)
class Candidate:
    """The best box: period, duration and mid-time in days, depth and its error of the flux, and the astropy statistics."""

    period: float
    duration: float
    epoch: float
    depth: float
    depth_error: float
    stats: dict[str, Any]

    def inside(self, time: NDArray[np.float64], widths: float = 1.0) -> NDArray[np.bool_]:
        """Return which times are within a transit, of so many durations."""
        half = self.duration * widths / 2
        return np.abs((time - self.epoch + self.period / 2) % self.period - self.period / 2) < half

    @property
    def snr(self) -> float:
        """The depth over its error."""
        return self.depth / self.depth_error


def search_boxes(
    flat: TimeSeries, shortest: float, longest: float, durations: list[float]
) -> tuple[Candidate, NDArray[np.float64], NDArray[np.float64], float]:
    """Return the best box on a logarithmic grid of periods, the trials and their power, and how much coarser than needed it is.

    A relative step of duration/(3 T) moves the last of T/P transits by a third of a duration at every period.
    """
    from astropy.timeseries import BoxLeastSquares

    time, value, error = _binned(flat, min(durations) / 3)
    needed = math.ceil(math.log(longest / shortest) * 3 * flat.span / min(durations))
    count = max(200, min(needed, MOST_WORK // time.size))
    trials = np.geomspace(shortest, longest, count)
    model = BoxLeastSquares(time, value, error)
    found = model.power(trials, durations, objective="snr", oversample=5)
    power = np.asarray(found.power)
    at = int(np.argmax(power))
    first = _candidate(model, trials[at], found.duration[at], found.transit_time[at], flat.time[0])
    return refine_box(flat, first, max(durations)), trials, power, max(1.0, needed / count)


def _binned(
    flat: TimeSeries, width: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return means in bins of a third of the shortest duration, where the sampling is finer; the errors are those of the means."""
    error = flat.error if flat.error is not None else np.ones(flat.time.size)
    if flat.spacing > width / 2:
        return flat.time, flat.value, error
    _, place, size = np.unique(
        np.floor((flat.time - flat.time[0]) / width), return_inverse=True, return_counts=True
    )
    weight = 1 / error**2
    total = np.bincount(place, weight)
    mean = np.bincount(place, weight * flat.value) / total
    return np.bincount(place, flat.time) / size, mean, 1 / np.sqrt(total)


def refine_box(flat: TimeSeries, first: Candidate, longest: float) -> Candidate:
    """Return the best box near another, with every point, on a grid of periods and durations finer by ten."""
    from astropy.timeseries import BoxLeastSquares

    model = BoxLeastSquares(flat.time, flat.value, flat.error)
    reach = min(0.5 * first.duration * first.period / flat.span, 0.02 * first.period)
    period, lengths = first.period, first.duration * np.linspace(0.6, 1.6, 11)
    least, most = 2 * flat.spacing, 1.2 * longest
    for oversampling in (20, 80):
        periods = period + np.linspace(-reach, reach, 41)
        found = model.power(
            periods,
            _lengths(lengths, least, min(most, 0.5 * float(periods[0]))),
            objective="likelihood",
            oversample=oversampling,
        )
        at = int(np.argmax(found.power))
        period, reach, lengths = periods[at], reach / 12, found.duration[at] * np.linspace(0.92, 1.08, 5)
    return _candidate(model, period, found.duration[at], found.transit_time[at], flat.time[0])


def _lengths(wanted: NDArray[np.float64], least: float, most: float) -> list[float]:
    """Return the durations within the limits, or the limit that is nearest."""
    return [float(d) for d in wanted if least <= d <= most] or [
        float(np.clip(wanted.mean(), min(least, most), most))
    ]


def _candidate(model: Any, period: float, duration: float, epoch: float, start: float) -> Candidate:
    stats = model.compute_stats(period, duration, epoch)
    depth, error = stats["depth"]
    first = epoch + math.ceil((start - duration / 2 - epoch) / period) * period
    return Candidate(float(period), float(duration), float(first), float(depth), float(error), stats)
