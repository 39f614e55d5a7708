"""Finding the period of an unevenly sampled series: the Lomb–Scargle periodogram, its aliases, harmonics and significance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.astronomy.light_curves import given_series
from benchmate.tools.astronomy.time_series import TimeSeries
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import LIGHT_CURVES
from benchmate.tools.files import DataFile
from benchmate.tools.plots import Mark, Panel, Series, save_plot

if TYPE_CHECKING:
    from astropy.timeseries import LombScargle
    from numpy.typing import NDArray

OVERSAMPLING = 10  # trial frequencies in the width 1/T of a peak
MOST_FREQUENCIES = 2_000_000
STRONG_WINDOW = 0.1  # power of the spectral window above which its peak makes aliases
CLOSE_RIVAL = 0.8  # power of an alias, relative to the peak's, above which the data barely tell them apart
SMALLEST = 1e-300  # probability below which floating point gives zero
UNLIKELY = 0.01  # false-alarm probability above which a peak is called not significant
PREFERRED = 10.0  # difference of the Bayesian information criterion that is strong (Kass & Raftery 1995)


@dataclass(frozen=True)
class Search:
    """A periodogram over trial frequencies (1/d), with the range of periods that was asked for or chosen."""

    model: LombScargle
    frequency: NDArray[np.float64]
    power: NDArray[np.float64]
    shortest: float
    longest: float


@tool(
    domain="astronomy",
    files=LIGHT_CURVES,
    properties={
        "period": "period, best period, pulsation period, rotation period, periodicity, P",
        "frequency": "frequency, cycles per day",
        "false_alarm_probability": "false-alarm probability, FAP, significance, false alarm probability",
        "power": "periodogram power, Lomb-Scargle power, peak height",
        "amplitude": "amplitude, semi-amplitude",
        "point_count": "number of points",
        "time_span": "time span, baseline",
    },
    examples=(
        "Find the period (days, between 1 and 10) of this variable star. t = [0.551, 2.681, 2.883, 3.213, 4.069, 5.246, 5.538, "
        "5.608] mag = [12.326, 12.463, 12.307, 12.042, 11.728, 12.352, 12.1, 11.99]",
        "Lomb-Scargle period of the light curve in star.csv",
        "what is the rotation period of the star in tess_lc.fits?",
        "is there a periodic signal in rv.csv between 2 and 50 days?",
        "period search on times [1.1, 2.3, 2.9, 4.2, 5.0, 6.1, 7.7, 8.2] and velocities [10, 3, -7, -2, 9, 4, -8, -3]",
        "false alarm probability of the best period in variable.csv",
    ),
    extra="astro",
    example={"file": "sample:sunspots", "min_period": 1000, "max_period": 20000},
)
def find_period(
    context: ToolContext,
    times: Annotated[list[float] | None, Unit("d", "t, time, times, JD, BJD, HJD, MJD, days, taken at, measured at, observed at, at times")] = None,
    values: Annotated[list[float] | None, Unit("", "mag, mags, magnitude, magnitudes, flux, fluxes, y, value, values, velocity, velocities, rv")] = None,
    errors: Annotated[list[float] | None, Unit("", "error, errors, err, sigma, dy, uncertainties")] = None,
    file: DataFile | None = None,
    min_period: Annotated[float | None, Unit("d", "minimum period, shortest period, between, periods from"), Field(gt=0)] = None,
    max_period: Annotated[float | None, Unit("d", "maximum period, longest period, and, up to"), Field(gt=0)] = None,
    magnitudes: Annotated[bool, Said({"true": "magnitudes, mag, V-band, photometry in magnitudes"})] = False,
) -> ToolResult:  # fmt: skip
    """Find the period of a variable star or of velocities with the Lomb–Scargle periodogram, and say what else it could be.

    The periodogram has a floating mean and is normalised between 0 and 1. The peak is refined between trial frequencies. The
    false-alarm probability is Baluev's, for white noise over the range searched. Aliases come from peaks of the spectral
    window (such as 1 per day), harmonics from comparing fits at twice the period.

    Raises InvalidInput: `incomplete`, `bad_range`, `too_fine`, and what the series raises (`length_mismatch`,
    `too_few_points`, `too_many_points`, `bad_errors`, `constant`, `one_time`, `bad_file`).

    Args:
        times: The times in days.
        values: The magnitudes, fluxes or velocities, one a time.
        errors: Their standard errors, one a time.
        file: A light curve instead of the lists: a FITS table of Kepler or TESS, or a text table.
        min_period: The shortest period to try; by default two mean spacings.
        max_period: The longest period to try; by default the time span.
        magnitudes: Whether the values are magnitudes, so that plots have bright upwards; known from a file's column.
    """
    import astropy

    series = given_series(times, values, errors, file, what="values")
    search = periodogram(series, min_period, max_period)
    notes = list(series.notes)
    best = refine(search.model, search.frequency, int(search.power.argmax()), 1 / series.span)
    power = min(1.0, float(search.model.power(best, method="cython")))  # rounding passes 1 for a perfect sine
    period = 1 / best
    low, high = 1 / search.longest, 1 / search.shortest
    chance = float(
        search.model.false_alarm_probability(
            power, method="baluev", minimum_frequency=low, maximum_frequency=high
        )
    )
    as_magnitudes = magnitudes or series.magnitudes
    amplitude, left, epoch = _sine(search.model, series, best)
    if as_magnitudes:  # the brightest is the least
        epoch += 0.5 / best
    error = math.sqrt(6 / series.time.size) * left / (math.pi * series.span * amplitude) * period**2
    searched = f"{search.shortest:.4g} to {search.longest:.4g} d"
    conditions = {"periods searched": searched, "times": series.time_system}
    quantities = {
        "period": Quantity(
            value=period, unit="d", property="period", method="Lomb–Scargle, floating mean, peak refined",
            conditions=conditions, uncertainty=error, relation="=" if chance < UNLIKELY else "~",
        ),
        "frequency": Quantity(value=best, unit="1/d", property="frequency"),
        "power": Quantity(value=power, property="power", method="standard normalisation, 0 to 1"),
        "false_alarm_probability": Quantity(
            value=min(1.0, max(SMALLEST, chance)), property="false_alarm_probability", method="Baluev 2008, white noise",
            conditions=conditions, relation="=" if chance > SMALLEST else "<",
        ),
        "amplitude": Quantity(
            value=amplitude, property="amplitude", method="semi-amplitude of the fitted sine", conditions={"of": series.name}
        ),
        "point_count": Quantity(value=series.time.size, property="point_count"),
        "time_span": Quantity(value=series.span, unit="d", property="time_span"),
    }  # fmt: skip
    windows = window_peaks(series)
    aliases = find_aliases(search, series, best, power, windows)
    double = prefers_double(series, best)
    notes += _doubts(series, period, chance, aliases, windows, double, search)
    data: dict[str, Any] = {
        "time_system": series.time_system,
        "periods_searched_d": [search.shortest, search.longest],
        "trial_frequencies": int(search.frequency.size),
        "highest_peaks": _highest(search, series.span),
        "window_peaks": [{"frequency_per_d": f, "power": p} for f, p in windows],
        "aliases": aliases,
        "harmonics": _harmonics(search, best, series.span),
        "twice_the_period_fits_better": double,
        "time_of_maximum_light_d" if as_magnitudes else "time_of_maximum_d": epoch,
        "uncertainty": "of white noise, given that the right peak was found (Montgomery & O'Donoghue 1999)",
    }
    pictures = _draw(context, series, search, best, epoch, as_magnitudes)
    return ToolResult(
        data=data,
        quantities=quantities,
        artifacts=pictures,
        source=Source(
            kind="computed", name=f"astropy {astropy.__version__}",
            reference="Zechmeister & Kürster 2009, doi:10.1051/0004-6361:200811296; Baluev 2008, doi:10.1111/j.1365-2966.2008.12689.x",
        ),
        warnings=tuple(notes),
    )  # fmt: skip


def periodogram(series: TimeSeries, shortest: float | None, longest: float | None) -> Search:
    """Return the periodogram between two periods in days. Raises InvalidInput: `bad_range`, `too_fine`."""
    from astropy.timeseries import LombScargle

    longest = longest if longest is not None else series.span
    shortest = (
        shortest if shortest is not None else min(2 * series.span / (series.time.size - 1), longest / 2)
    )
    if shortest >= longest:
        raise InvalidInput(
            "bad_range", f"the shortest period ({shortest:.4g} d) is not below the longest ({longest:.4g} d)",
            hint="give min_period < max_period",
        )  # fmt: skip
    low, high = 1 / longest, 1 / shortest
    count = max(100, math.ceil((high - low) * series.span * OVERSAMPLING))
    if count > MOST_FREQUENCIES:
        least = 1 / (low + MOST_FREQUENCIES / OVERSAMPLING / series.span)
        raise InvalidInput(
            "too_fine", f"periods from {shortest:.3g} d over {series.span:.4g} d need {count} trial frequencies",
            hint=f"give min_period of at least {least:.2g} d, or a shorter series",
        )  # fmt: skip
    # times from zero, and a series without its mean, keep the digits of the phases
    model = LombScargle(series.time - series.time[0], series.value, series.error)
    frequency = np.linspace(low, high, count)
    power = model.power(frequency, assume_regular_frequency=True)
    return Search(model, frequency, np.nan_to_num(power), shortest, longest)


def refine(model: LombScargle, frequency: NDArray[np.float64], at: int, width: float) -> float:
    """Return the frequency of the maximum within one trial step of `at`, or the trial itself at the edge."""
    from scipy.optimize import minimize_scalar

    step = frequency[1] - frequency[0]
    low, high = max(frequency[0], frequency[at] - step), min(frequency[-1], frequency[at] + step)
    found = minimize_scalar(
        lambda f: -float(model.power(f, method="cython")), bounds=(low, high), method="bounded", options={"xatol": width * 1e-6}
    )  # fmt: skip
    return float(found.x)


def _sine(model: LombScargle, series: TimeSeries, frequency: float) -> tuple[float, float, float]:
    """Return the semi-amplitude, the scatter about the fit, and the time of the fit's first maximum."""
    _, sine, cosine = model.model_parameters(frequency)
    fitted = model.model(series.time - series.time[0], frequency)
    left = float(np.sqrt(np.mean((series.value - fitted) ** 2)))
    phase = math.atan2(sine, cosine) / (2 * math.pi) % 1.0
    return float(math.hypot(sine, cosine)), left, float(series.time[0] + phase / frequency)


def window_peaks(series: TimeSeries) -> list[tuple[float, float]]:
    """Return the strongest peaks (1/d, power from 0 to 1) of the spectral window, from two cycles a span to 4 per day.

    The window is the periodogram of a constant without its mean taken off (VanderPlas 2018); daily observing puts a peak at
    1 per day.
    """
    from astropy.timeseries import LombScargle

    low, high = 2 / series.span, min(4.05, 3 / max(series.spacing, 1e-9))
    count = min(MOST_FREQUENCIES, int((high - low) * series.span * OVERSAMPLING))
    if count < 100:
        return []
    frequency = np.linspace(low, high, count)
    model = LombScargle(
        series.time - series.time[0], np.ones(series.time.size), fit_mean=False, center_data=False
    )
    power = np.nan_to_num(model.power(frequency, assume_regular_frequency=True))
    threshold = max(STRONG_WINDOW, 8 / series.time.size)
    peaks = []
    for _ in range(4):
        at = int(power.argmax())
        if power[at] < threshold:
            break
        peaks.append((float(frequency[at]), float(power[at])))
        power[np.abs(frequency - frequency[at]) < 2 / series.span] = 0
    return peaks


def find_aliases(
    search: Search, series: TimeSeries, best: float, power: float, windows: list[tuple[float, float]]
) -> list[dict[str, Any]]:
    """Return the peaks at the found frequency plus or minus a peak of the window, with their power relative to the found one."""
    width = 1 / series.span
    found = []
    for window, _ in windows:
        for frequency in {abs(best - window), best + window}:
            if frequency < width:
                continue
            trial = np.linspace(max(frequency - width, width / 2), frequency + width, 41)
            there = search.model.power(trial, method="cython")
            at = int(np.argmax(there))
            if abs(trial[at] - best) > width:
                period = 1 / float(trial[at])
                found.append({
                    "period_d": period, "relative_power": float(there[at]) / power, "window_per_d": window,
                    "searched": search.shortest <= period <= search.longest,
                })  # fmt: skip
    return sorted(found, key=lambda a: -a["relative_power"])[:6]


def _harmonics(search: Search, best: float, span: float) -> list[dict[str, float]]:
    """Return the power at simple multiples of the period, relative to the power found."""
    found = []
    peak = float(search.model.power(best, method="cython"))
    for factor in (0.5, 1 / 3, 2.0, 3.0):
        frequency = best / factor
        trial = np.linspace(max(frequency - 1 / span, 0.2 / span), frequency + 1 / span, 41)
        there = float(np.max(search.model.power(trial, method="cython")))
        found.append({"period_d": factor / best, "times_the_period": factor, "relative_power": there / peak})
    return found


def prefers_double(series: TimeSeries, best: float) -> bool:
    """Return whether a curve of four harmonics at twice the period is better than two at the period, by the BIC.

    So it is for an eclipsing binary with two unlike minima in one orbit.
    """
    from astropy.timeseries import LombScargle

    size = series.time.size
    if size < 30 or 2 / best > series.span:
        return False

    def unexplained(terms: int, frequency: float) -> float:
        model = LombScargle(series.time - series.time[0], series.value, series.error, nterms=terms)
        return max(1 - float(model.power(frequency, method="chi2")), 1e-12)

    gain = size * math.log(unexplained(2, best) / unexplained(4, best / 2))
    return gain - 4 * math.log(size) > PREFERRED


def _highest(search: Search, span: float) -> list[dict[str, float]]:
    """Return the five highest peaks that are apart by more than the resolution."""
    left = search.power.copy()
    found = []
    for _ in range(5):
        at = int(left.argmax())
        if left[at] <= 0:
            break
        found.append({"period_d": 1 / float(search.frequency[at]), "power": float(left[at])})
        left[np.abs(search.frequency - search.frequency[at]) < 1 / span] = 0
    return found


def _doubts(
    series: TimeSeries,
    period: float,
    chance: float,
    aliases: list[dict[str, Any]],
    windows: list[tuple[float, float]],
    double: bool,
    search: Search,
) -> list[str]:
    said = []
    if chance > UNLIKELY:
        said.append(f"the peak is not significant: noise makes one as high with probability {chance:.2g}")
    if period > series.span / 2:
        said.append(f"the series covers only {series.span / period:.1f} cycles of this period")
    step = 1 / search.shortest - 1 / search.longest
    if min(1 / period - 1 / search.longest, 1 / search.shortest - 1 / period) < 1e-3 * step:
        said.append("the highest power is at the edge of the range searched: widen it")
    for alias in aliases:
        if alias["relative_power"] > CLOSE_RIVAL:
            where = "" if alias["searched"] else " (outside the range searched)"
            said.append(
                f"{alias['period_d']:.5g} d{where} is an alias by the sampling ({alias['window_per_d']:.4g} per day) with "
                f"{alias['relative_power']:.0%} of the power: the data barely tell it from {period:.5g} d"
            )
    if any(abs(1 / period - window) < 1 / series.span for window, _ in windows):
        said.append(
            "the period is one of the sampling itself (a peak of the window function); it may be no signal"
        )
    if double:
        said.append(
            f"twice the period, {2 * period:.6g} d, fits better: the star may be an eclipsing binary with unlike minima"
        )
    counts, _ = np.histogram((series.time / period) % 1.0, bins=10, range=(0.0, 1.0))
    if (covered := int((counts > 0).sum())) < 7:
        said.append(f"the points cover only {covered} of 10 parts of the cycle")
    return said


def _draw(
    context: ToolContext, series: TimeSeries, search: Search, best: float, epoch: float, magnitudes: bool
) -> tuple[Any, ...]:
    level = float(search.model.false_alarm_level(
        UNLIKELY, method="baluev", minimum_frequency=1 / search.longest, maximum_frequency=1 / search.shortest
    ))  # fmt: skip
    period = 1 / search.frequency[::-1]
    phase = ((series.time - epoch) * best) % 1.0
    curve = np.linspace(0, 2, 200)
    fitted = search.model.model(epoch - series.time[0] + curve / best, best)
    folded = np.concatenate([phase, phase + 1])
    label = "magnitude" if magnitudes else series.name
    errors = None if series.error is None else np.concatenate([series.error, series.error]).tolist()
    return save_plot(
        context,
        f"Period {1 / best:.5g} d",
        [
            Panel(
                x_label="period", x_unit="d", y_label="Lomb–Scargle power", x_log=search.longest / search.shortest > 20,
                series=[
                    Series(x=period.tolist(), y=search.power[::-1].tolist(), label="power"),
                    Series(x=[search.shortest, search.longest], y=[level, level], label="false-alarm probability 1 %"),
                ],
                marks=[Mark(x=1 / best, label=f"{1 / best:.5g} d")],
            ),
            Panel(
                x_label=f"phase, from the fitted {'maximum light' if magnitudes else 'maximum'} at {epoch:.4f} d", y_label=label, y_reversed=magnitudes,
                series=[
                    Series(
                        x=folded.tolist(), y=np.concatenate([series.value, series.value]).tolist(), error=errors,
                        style="points", label="folded, two cycles",
                    ),
                    Series(x=curve.tolist(), y=fitted.tolist(), label="fitted sine"),
                ],
            ),
        ],
        name="period",
    )  # fmt: skip
