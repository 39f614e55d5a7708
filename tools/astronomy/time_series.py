"""A measured series over time: what analysis of light curves and velocities starts from, checked and cleaned with counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchmate.runtime.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST = 8
MOST = 500_000


@dataclass(frozen=True)
class TimeSeries:
    """Values over time in days, in order of time and without gaps in the numbers; errors are there for all or for none."""

    time: NDArray[np.float64]
    value: NDArray[np.float64]
    error: NDArray[np.float64] | None = None
    name: str = "value"
    unit: str = ""
    time_system: str = "not stated"
    magnitudes: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def span(self) -> float:
        """Days from the first to the last point."""
        return float(self.time[-1] - self.time[0])

    @property
    def spacing(self) -> float:
        """The median distance of neighbouring times, in days."""
        return float(np.median(np.diff(self.time)))

    @property
    def scatter(self) -> float:
        """The point-to-point scatter: a standard deviation of noise that slow variation does not enter."""
        return robust_spread(np.diff(self.value)) / np.sqrt(2)


def robust_spread(values: NDArray[np.float64]) -> float:
    """Return the standard deviation of a normal distribution with this median absolute deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def make_series(
    times: list[float] | NDArray[np.float64],
    values: list[float] | NDArray[np.float64],
    errors: list[float] | NDArray[np.float64] | None = None,
    *,
    name: str = "value",
    unit: str = "",
    time_system: str = "not stated",
    magnitudes: bool = False,
    notes: tuple[str, ...] = (),
) -> TimeSeries:
    """Return the series in order of time, without points that are no numbers; notes say what was left out.

    Raises InvalidInput: `length_mismatch`, `too_few_points`, `too_many_points`, `bad_errors`, `constant`, `one_time`.
    """
    t, y = np.asarray(times, float), np.asarray(values, float)
    e = None if errors is None else np.asarray(errors, float)
    if t.shape != y.shape or (e is not None and e.shape != t.shape):
        sizes = f"{t.size} times, {y.size} values" + ("" if e is None else f", {e.size} errors")
        raise InvalidInput(
            "length_mismatch", f"a series has as many values as times: {sizes}", hint="one value, and one error, a time"
        )  # fmt: skip
    if t.size > MOST:
        raise InvalidInput("too_many_points", f"{t.size} points are more than {MOST}", hint="bin the series")
    said = list(notes)
    good = np.isfinite(t) & np.isfinite(y)
    if e is not None:
        if not np.any(np.isfinite(e)):
            e = None
            said.append("no error is a number: the points were weighted alike")
        else:
            good &= np.isfinite(e)
    if not good.all():
        said.append(f"{int((~good).sum())} of {t.size} points are no finite numbers and were left out")
    t, y = t[good], y[good]
    e = None if e is None else e[good]
    if t.size < FEWEST:
        raise InvalidInput("too_few_points", f"{t.size} points are too few", hint=f"at least {FEWEST}")
    if e is not None and (e <= 0).any():
        raise InvalidInput(
            "bad_errors", f"{int((e <= 0).sum())} errors are zero or negative", hint="an error is a standard deviation above 0"
        )  # fmt: skip
    order = np.argsort(t, kind="stable")
    t, y = t[order], y[order]
    if t[0] == t[-1]:
        raise InvalidInput("one_time", "all points have the same time", hint="give the times in days")
    if np.ptp(y) == 0:
        raise InvalidInput("constant", f"all values are {y[0]:g}", hint="there is no variation to analyse")
    if repeated := int((np.diff(t) == 0).sum()):
        said.append(f"{repeated} times occur more than once; all points were kept")
    return TimeSeries(t, y, None if e is None else e[order], name, unit, time_system, magnitudes, tuple(said))
