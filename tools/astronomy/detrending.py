"""Taking slow variation out of a light curve with a running median, around transits and gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

KNOTS = 10  # medians a window: the trend is interpolated between them


def running_median(
    time: NDArray[np.float64], value: NDArray[np.float64], window: float, left_out: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:  # fmt: skip
    """Return the trend at each time: medians of the points within `window` days, ten a window, with straight lines between.

    What the medians leave is smoothed once more and added (Tukey's twicing), since a median alone cuts off every crest.
    Points `left_out` (such as those in a transit) do not enter. At ends and gaps a median stands at the mean time of its points.
    """
    first = _medians(time, value, window, left_out)
    return first + _medians(time, value - first, window, left_out)


def _medians(
    time: NDArray[np.float64], value: NDArray[np.float64], window: float, left_out: NDArray[np.bool_] | None
) -> NDArray[np.float64]:
    used = np.ones(time.size, bool) if left_out is None else ~left_out
    t, y = time[used], value[used]
    knots = np.arange(time[0], time[-1] + window / KNOTS, window / KNOTS)
    start = np.searchsorted(t, knots - window / 2)
    end = np.searchsorted(t, knots + window / 2)
    filled = end > start
    medians = np.array([np.median(y[a:b]) for a, b in zip(start[filled], end[filled], strict=True)])
    sums = np.concatenate([[0.0], np.cumsum(t - t[0])])
    centres = (
        t[0] + (sums[end] - sums[start])[filled] / (end - start)[filled]
    )  # off the knots at ends and gaps
    places, at = np.unique(centres, return_index=True)
    if places.size < 2:
        return np.full(time.size, medians.mean())
    return _extended(time, places, medians[at], window / 4)


def _extended(
    time: NDArray[np.float64], places: NDArray[np.float64], values: NDArray[np.float64], reach: float
) -> NDArray[np.float64]:
    """Return straight lines through the values, carried on beyond the ends with the slope over `reach` days."""
    inner = np.interp(time, places, values)
    for end, side in ((0, time < places[0]), (-1, time > places[-1])):
        other = places[0] + reach if end == 0 else places[-1] - reach
        slope = (np.interp(other, places, values) - values[end]) / (other - places[end])
        inner[side] += slope * (time[side] - places[end])
    return inner
