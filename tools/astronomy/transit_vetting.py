"""Checks of a transit candidate: detection against red noise, repeated and alike transits, no eclipse half a period later."""

from __future__ import annotations

import math

import numpy as np

from benchmate.runtime.quantity import Quantity
from benchmate.tools.astronomy.box_search import Candidate
from benchmate.tools.astronomy.time_series import TimeSeries

DETECTION = 7.1  # signal-to-noise ratio of a threshold crossing in the Kepler pipeline (Jenkins et al. 2010)
ALONE = 0.9  # share of one transit in the significance, above which it is alone (as in the Kepler pipeline)
APART = 3.0  # standard deviations between odd and even depths that speak for a binary


def red_noise(flat: TimeSeries, best: Candidate) -> float:
    """Return how much the means over a transit's duration scatter more than white noise makes them, outside transits; at least 1."""
    out = ~best.inside(flat.time, 1.5)
    value, time = flat.value[out], flat.time[out]
    _, place, size = np.unique(
        np.floor((time - time[0]) / best.duration), return_inverse=True, return_counts=True
    )
    full = size >= max(1, 0.5 * np.median(size))
    if full.sum() < 8:
        return 1.0
    means = np.bincount(place, value)[full] / size[full]
    error = float(np.median(flat.error)) if flat.error is not None else flat.scatter
    return max(1.0, float(np.std(means)) / (error * math.sqrt(float(np.mean(1 / size[full])))))


def period_error(best: Candidate, seen: int, spacing: float) -> float | None:
    """Return the error of a straight line through the transit times, each known to its noise and to the sampling.

    The time of one box is known to duration/(2 SNR) (Carter et al. 2008, in order of magnitude) and to spacing/√12.
    """
    if seen < 2 or best.snr <= 0:
        return None
    single = math.hypot(best.duration * math.sqrt(seen) / (2 * best.snr), spacing / math.sqrt(12))
    return single * math.sqrt(12 / (seen * (seen**2 - 1)))


def odd_and_even(best: Candidate, seen: int) -> dict[str, Quantity]:
    if seen < 2:
        return {}
    (odd, odd_error), (even, even_error) = best.stats["depth_odd"], best.stats["depth_even"]
    if not all(map(math.isfinite, (odd, odd_error, even, even_error))):
        return {}
    return {
        "depth_odd": Quantity(value=float(odd) * 100, unit="percent", property="depth_odd", uncertainty=float(odd_error) * 100),
        "depth_even": Quantity(value=float(even) * 100, unit="percent", property="depth_even", uncertainty=float(even_error) * 100),
        "odd_even_difference": Quantity(
            value=float(abs(odd - even) / math.hypot(odd_error, even_error)), property="odd_even_difference",
            method="difference of the depths in standard deviations",
        ),
    }  # fmt: skip


def doubts(best: Candidate, snr: float, seen: int, flat: TimeSeries) -> list[str]:
    said = []
    if snr < DETECTION:
        said.append(f"no detection: the best box has a signal-to-noise ratio of {snr:.1f}, below {DETECTION}")
    if seen < 2:
        said.append("fewer than two transits have data: the period is not known")
    elif snr > DETECTION and _strongest_share(best, flat) > ALONE:
        said.append("one transit carries almost all of the signal: the period is not known")
    difference = odd_and_even(best, seen).get("odd_even_difference")
    if difference is not None and difference.value > APART:
        said.append(
            f"odd and even transits differ by {difference.value:.1f} standard deviations: it may be an eclipsing binary of twice the period"
        )
    second, second_error = best.stats["depth_phased"]
    if math.isfinite(second_error) and second > APART * second_error and snr > DETECTION:
        said.append(
            f"half a period later the flux is also lower, by {second:.2%}: a secondary eclipse, or half the period"
        )
    if best.stats["harmonic_delta_log_likelihood"] > 0:
        said.append("a sine fits better than a box: the variation may be of the star")
    if best.duration > 0.2 * best.period:
        said.append("the box lasts more than a fifth of the period, too long for a planet of a star")
    out = flat.value[~best.inside(flat.time, 2)]
    if flat.error is not None and out.size > 10:
        excess = float(np.std(out) / np.median(flat.error))
        if excess > 1.5:
            said.append(
                f"the scatter outside transits is {excess:.1f} times the errors: the signal-to-noise ratio is too high by that"
            )
    return said


def _strongest_share(best: Candidate, flat: TimeSeries) -> float:
    """Return the significance of the deepest single transit over that of all; it is 1/√N for N alike."""
    inside = best.inside(flat.time)
    number = np.round((flat.time[inside] - best.epoch) / best.period).astype(int)
    drop = 1 - flat.value[inside]
    _, place, size = np.unique(number, return_inverse=True, return_counts=True)
    single = np.bincount(place, drop) / np.sqrt(size)
    return float(single.max() * math.sqrt(drop.size) / drop.sum()) if drop.sum() > 0 else 1.0
