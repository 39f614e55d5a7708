"""Searching a light curve for transits: box least squares on a bounded grid, and the checks that a candidate has to pass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.astronomy.box_search import Candidate, refine_box, search_boxes
from benchmate.tools.astronomy.detrending import running_median
from benchmate.tools.astronomy.light_curves import given_series
from benchmate.tools.astronomy.time_series import TimeSeries
from benchmate.tools.astronomy.transit_vetting import DETECTION, doubts, odd_and_even, period_error, red_noise
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import LIGHT_CURVES
from benchmate.tools.files import DataFile
from benchmate.tools.plots import Mark, Panel, Series, save_plot

if TYPE_CHECKING:
    from numpy.typing import NDArray

DURATIONS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0)  # h, tried where they are shorter than the shortest period
LEAST_WINDOW = 3.0  # times the longest duration: a shorter window follows the transit and eats its depth


@tool(
    domain="astronomy",
    files=LIGHT_CURVES,
    properties={
        "period": "orbital period, period, transit period, P",
        "transit_depth": "transit depth, depth",
        "transit_duration": "transit duration, duration",
        "transit_time": "time of the first transit, transit time, mid-transit time, epoch, t0, T0",
        "snr": "signal-to-noise ratio, SNR, S/N, significance",
        "transit_count": "number of transits, transits with data, transits observed",
        "depth_odd": "depth of the odd transits, odd depth",
        "depth_even": "depth of the even transits, even depth",
        "odd_even_difference": "odd-even difference, odd even test",
        "radius_ratio": "planet/star radius ratio, radius ratio, Rp/Rs",
        "point_count": "number of points",
    },
    examples=(
        "search for transits in tess_lc.fits",
        "is there a planet in the light curve kplr_llc.fits?",
        "BLS period search of lightcurve.csv between 1 and 15 days",
        "find the transit period and depth in the light curve star.csv",
        "box least squares on tess_lc.fits, period 2 to 10 d",
        "do odd and even transits in kepler.fits have the same depth?",
    ),
    extra="astro",
    cost="slow",
    timeout=180.0,
    example={
        "times": [i / 24 for i in range(480)],
        "flux": [
            1.0 + 0.0005 * ((i * 7919) % 11 - 5) / 5 - (0.01 if i % 84 < 3 else 0.0) for i in range(480)
        ],
        "min_period": 2.0,
    },
)
def search_transits(
    context: ToolContext,
    times: Annotated[list[float] | None, Unit("d", "t, time, times, JD, BJD, BTJD, days")] = None,
    flux: Annotated[list[float] | None, Unit("", "flux, fluxes, brightness, relative flux, y")] = None,
    errors: Annotated[list[float] | None, Unit("", "error, errors, err, sigma, flux error")] = None,
    file: DataFile | None = None,
    min_period: Annotated[float | None, Unit("d", "minimum period, shortest period, between, period from"), Field(gt=0)] = None,
    max_period: Annotated[float | None, Unit("d", "maximum period, longest period, and, up to"), Field(gt=0)] = None,
    detrend_window: Annotated[float | None, Unit("d", "detrend window, detrending window, window length, flatten window"), Field(gt=0)] = None,
) -> ToolResult:  # fmt: skip
    """Search a light curve for the transits of a planet with box least squares, and check the best candidate.

    Slow variation is divided out by a running median; it is done again without the points in transit, so that the depth is
    kept. Odd and even depths, the secondary eclipse and the count of transits with data are reported.

    Raises InvalidInput: `incomplete`, `not_flux` (magnitudes, or a median that is not positive), `bad_range`, `bad_window`,
    `too_short`, and what the series raises.

    Args:
        times: The times in days.
        flux: The flux, in any unit, one a time.
        errors: Its standard errors; by default the point-to-point scatter.
        file: A light curve instead of the lists: a FITS table of Kepler or TESS, or a text table.
        min_period: The shortest period to try; by default 0.5 d, and at least eight times the spacing.
        max_period: The longest period to try; by default half the time span, so that there are two transits.
        detrend_window: The length of the running median; by default 1.5 d, and at least three of the longest durations.
    """
    import astropy

    series = _normalised(given_series(times, flux, errors, file, what="flux"))
    notes = list(series.notes)
    shortest, longest = _range(series, min_period, max_period)
    durations = [hours / 24 for hours in DURATIONS if 2 * series.spacing <= hours / 24 <= 0.8 * shortest] or [
        max(shortest / 8, 1.5 * series.spacing)
    ]
    window = _window(detrend_window, durations)
    flat = _flatten(series, window, None)
    best, trials, power, coarse = search_boxes(flat, shortest, longest, durations)
    red = red_noise(flat, best)
    if best.snr / red > DETECTION:  # noise is not made a transit by leaving its dips out of the trend
        for _ in range(2):
            flat = _flatten(series, window, best.inside(series.time, 1.5))
            best = refine_box(flat, best, max(durations))
        red = red_noise(flat, best)
    snr = best.snr / red
    if coarse > 1:
        notes.append(
            f"the period grid was made {coarse:.1f} times coarser than a transit needs, to bound the time; a shorter range of periods searches finer"
        )
    counts = best.stats["per_transit_count"]
    seen = int(np.count_nonzero(counts >= max(1, 0.3 * best.duration / series.spacing)))
    notes += doubts(best, snr, seen, flat)
    conditions = {
        "periods searched": f"{shortest:.4g} to {longest:.4g} d",
        "detrended by": f"running median of {window:.3g} d",
        "times": series.time_system,
    }
    quantities = {
        "period": Quantity(
            value=best.period, unit="d", property="period", method="box least squares, refined", conditions=conditions,
            uncertainty=period_error(best, seen, series.spacing), relation="=" if snr > DETECTION and seen >= 2 else "~",
        ),
        "transit_depth": Quantity(
            value=best.depth * 100, unit="percent", property="transit_depth", method="box, of the detrended flux",
            uncertainty=best.depth_error * 100,
        ),
        "transit_duration": Quantity(value=best.duration * 24, unit="hour", property="transit_duration", method="box width"),
        "transit_time": Quantity(
            value=best.epoch, unit="d", property="transit_time", method="middle of the first box", conditions={"times": series.time_system}
        ),
        "snr": Quantity(value=snr, property="snr", method="depth over its error, divided by the red-noise factor β (Winn et al. 2008)", conditions={"red-noise factor": f"{red:.2f}"}),
        "transit_count": Quantity(value=seen, property="transit_count", method="transits with data in a third of the box or more"),
        "point_count": Quantity(value=series.time.size, property="point_count"),
    }  # fmt: skip
    quantities |= odd_and_even(best, seen)
    if best.depth > 0:
        quantities["radius_ratio"] = Quantity(
            value=math.sqrt(best.depth),
            property="radius_ratio",
            method="√depth, uniform disc, no dilution",
            relation="~",
        )
    data: dict[str, Any] = {
        "time_system": series.time_system,
        "trial_periods": int(trials.size),
        "durations_tried_h": [round(d * 24, 3) for d in durations],
        "detrend_window_d": window,
        "grid_coarsening": coarse,
        "transit_times_d": [float(t) for t in best.stats["transit_times"]][:200],
        "points_per_transit": [int(c) for c in counts][:200],
        "highest_peaks": _highest(trials, power),
    }
    return ToolResult(
        data=data,
        quantities=quantities,
        artifacts=_draw(context, flat, best, trials, power),
        source=Source(
            kind="computed", name=f"astropy {astropy.__version__}",
            reference="Kovács, Zucker & Mazeh 2002, doi:10.1051/0004-6361:20020802; Hartman & Bakos 2016, doi:10.1016/j.ascom.2016.05.006",
        ),
        warnings=tuple(notes),
    )  # fmt: skip


def _normalised(series: TimeSeries) -> TimeSeries:
    middle = float(np.median(series.value))
    if series.magnitudes or middle <= 0:
        raise InvalidInput(
            "not_flux", "the values are magnitudes" if series.magnitudes else f"the median flux is {middle:g}",
            hint="a transit search needs flux above 0: flux = 10^(−0.4 m), without the background taken off twice",
        )  # fmt: skip
    noise = max(series.scatter / middle, 1e-9)
    error = np.full(series.time.size, noise) if series.error is None else series.error / middle
    return TimeSeries(
        series.time, series.value / middle, error, "relative flux", "", series.time_system, notes=series.notes
    )


def _range(series: TimeSeries, shortest: float | None, longest: float | None) -> tuple[float, float]:
    longest = longest if longest is not None else series.span / 2
    shortest = shortest if shortest is not None else max(0.5, 8 * series.spacing)
    if longest > series.span:
        raise InvalidInput(
            "too_short", f"a period of {longest:.4g} d cannot repeat within a light curve of {series.span:.4g} d",
            hint=f"max_period of at most {series.span / 2:.4g} d gives two transits",
        )  # fmt: skip
    if shortest >= longest or shortest < 4 * series.spacing:
        raise InvalidInput(
            "bad_range", f"periods from {shortest:.4g} to {longest:.4g} d cannot be searched in {series.span:.4g} d of points {series.spacing:.3g} d apart",
            hint="min_period must be below max_period and above four times the spacing",
        )  # fmt: skip
    return shortest, longest


def _window(given: float | None, durations: list[float]) -> float:
    least = LEAST_WINDOW * max(durations)
    if given is not None and given < least:
        raise InvalidInput(
            "bad_window", f"a window of {given:.3g} d is below {LEAST_WINDOW:g} times the longest duration tried ({max(durations) * 24:.3g} h): it would follow the transits",
            hint=f"give at least {least:.3g} d",
        )  # fmt: skip
    return given if given is not None else max(1.5, least)


def _flatten(series: TimeSeries, window: float, left_out: NDArray[np.bool_] | None) -> TimeSeries:
    trend = running_median(series.time, series.value, window, left_out)
    if trend.min() <= 0.05:
        raise InvalidInput(
            "not_flux", "the slow variation goes down to nothing, so that no transit depth can be told from it",
            hint="give flux above 0, with the star's light in it",
        )  # fmt: skip
    return TimeSeries(series.time, series.value / trend, series.error, series.name, "", series.time_system)


def _highest(trials: NDArray[np.float64], power: NDArray[np.float64]) -> list[dict[str, float]]:
    left = power.copy()
    found = []
    for _ in range(5):
        at = int(np.argmax(left))
        if left[at] <= 0:
            break
        found.append({"period_d": float(trials[at]), "snr": float(left[at])})
        left[np.abs(trials / trials[at] - 1) < 0.01] = 0
    return found


def _draw(
    context: ToolContext, flat: TimeSeries, best: Candidate, trials: NDArray[np.float64], power: NDArray[np.float64]
) -> tuple[Any, ...]:  # fmt: skip
    hours = ((flat.time - best.epoch + best.period / 2) % best.period - best.period / 2) * 24
    near = np.abs(hours) < max(4 * best.duration * 24, 4.0)
    edge = max(4 * best.duration * 24, 4.0)
    half = best.duration * 12
    box_x = [-edge, -half, -half, half, half, edge]
    box_y = [1.0, 1.0, 1 - best.depth, 1 - best.depth, 1.0, 1.0]
    order = np.argsort(hours[near], kind="stable")
    return save_plot(
        context,
        f"Transit search: {best.period:.5g} d, depth {best.depth:.3%}",
        [
            Panel(
                x_label="period", x_unit="d", y_label="signal-to-noise ratio",
                series=[Series(x=trials.tolist(), y=power.tolist(), label="box least squares")],
                marks=[Mark(x=best.period, label=f"{best.period:.5g} d")],
            ),
            Panel(
                x_label="time from mid-transit", x_unit="hour", y_label="relative flux, detrended",
                series=[
                    Series(
                        x=hours[near][order].tolist(), y=flat.value[near][order].tolist(), style="points", label="folded points"
                    ),
                    Series(x=box_x, y=box_y, label="box"),
                ],
            ),
            Panel(
                x_label=f"time, {flat.time_system}", x_unit="d", y_label="relative flux, detrended",
                series=[Series(x=flat.time.tolist(), y=flat.value.tolist(), style="points", label="light curve")],
            ),
        ],
        name="transits",
    )  # fmt: skip
