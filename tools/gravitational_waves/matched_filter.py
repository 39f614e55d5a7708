"""Searching strain for an inspiral with a matched filter, in data or in simulated noise of Advanced LIGO's design."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import STRAIN
from benchmate.tools.files import DataFile
from benchmate.tools.gravitational_waves.filtering import (
    matched_filter,
    optimal_snr,
    reduced_chi_squared,
    truncated,
)
from benchmate.tools.gravitational_waves.inspiral import (
    chirp_mass,
    isco_frequency,
    taylorf2,
    time_to_merger,
)
from benchmate.tools.gravitational_waves.noise import (
    LEAST_SEGMENTS,
    at_frequencies,
    design_psd,
    draw_noise,
    estimate_psd,
    frequencies,
)
from benchmate.tools.gravitational_waves.strain_files import Strain, given_strain
from benchmate.tools.plots import Mark, Panel, Series, save_plot

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEGMENT = 4.0  # s of a spectrum's segment, and of the longest noise filter
THRESHOLD = 8.0  # signal-to-noise ratio of a single detector that a horizon is counted to
HEAVY = 12.0  # solar masses above which merger and ringdown matter in the band (Buonanno et al. 2009)
CHI_BINS = 16
QUIET = math.sqrt(math.log(4))  # median of the ratio in Gaussian noise
SIMULATED_RATE = 2048.0
SIMULATED_SPAN = 64.0


@tool(
    domain="gravitational_waves",
    files=STRAIN,
    properties={
        "snr": "matched-filter signal-to-noise ratio, SNR, signal-to-noise ratio, matched filter SNR, recovered SNR",
        "merger_time": "time of coalescence, merger time, GPS time of the event, time of the peak, when",
        "optimal_snr": "optimal signal-to-noise ratio, optimal SNR, expected SNR",
        "effective_distance": "effective distance",
        "horizon_distance": "horizon distance, horizon, sensitive distance, range",
        "sigma": "sigma, template normalisation, SNR at 1 Mpc",
        "reduced_chi_squared": "reduced chi-squared of the template, chi squared, chi-squared test",
        "template_duration": "duration of the template, template length",
    },
    examples=(
        "matched filter of H1.hdf5 with a 36 + 29 solar mass template",
        "search L1_strain.hdf5 for a 1.4 + 1.4 Msun inspiral from 30 Hz",
        "simulate a 36+29 Msun binary at 410 Mpc in aLIGO noise and recover the SNR",
        "optimal SNR of a 1.4 + 1.4 solar mass binary at 40 Mpc in Advanced LIGO",
        "what SNR does a 10 and 10 Msun black hole binary at 300 Mpc have at design sensitivity?",
        "horizon distance of aLIGO for 30 + 30 Msun",
    ),
    extra="gw",
    cost="slow",
    timeout=180.0,
    example={"mass1": 36, "mass2": 29, "simulated_distance": 410},
)
def matched_filter_gw(
    context: ToolContext,
    mass1: Annotated[float, Unit("solar_mass", "m1, mass 1, primary mass, primary"), Field(gt=0.1, le=1000)],
    mass2: Annotated[float, Unit("solar_mass", "m2, mass 2, secondary mass, secondary"), Field(gt=0.1, le=1000)],
    file: DataFile | None = None,
    strain: list[float] | None = None,
    sample_rate: Annotated[float | None, Unit("Hz", "sampling rate, sample rate, sampled at, fs"), Field(gt=0, le=1e6)] = None,
    channel: str | None = None,
    gps_time: Annotated[float | None, Unit("s", "GPS, GPS time, around, about")] = None,
    duration: Annotated[float | None, Unit("s", "duration, length of data"), Field(gt=0, le=4096)] = None,
    low_frequency: Annotated[float, Unit("Hz", "f_low, low frequency, lower cutoff, from"), Field(ge=5)] = 20.0,
    noise: Annotated[Literal["estimated", "aligo_design"], Said({"aligo_design": "design noise, design sensitivity, aLIGO design, design PSD, simulated noise"})] = "estimated",
    simulated_distance: Annotated[float | None, Unit("Mpc", "at, distance, luminosity distance, injected at"), Field(gt=0)] = None,
    seed: Annotated[int, Unit("", "seed, random seed"), Field(ge=0)] = 1,
) -> ToolResult:  # fmt: skip
    """Filter gravitational-wave strain with an inspiral template and give the signal-to-noise ratio against time.

    The template is TaylorF2 to post-Newtonian order 3.5, without spin, ending at the ISCO; masses are in the detector's
    frame, m(1 + z). With a simulated distance, and no data, 64 s of Gaussian noise of Advanced LIGO's design with such a
    signal (optimally oriented) are drawn and filtered. The ends of the data, where filter and template wrap around, are
    cut off.

    Raises InvalidInput: `bad_arguments`, `bad_band`, `too_short`, `beyond_isco`, and what reading the strain raises.

    Args:
        mass1: The mass of one body, in the detector's frame.
        mass2: The mass of the other, in the detector's frame.
        file: Strain in HDF5 (GWOSC, gwpy, or one series with its rate) or text.
        strain: The strain as a list, instead of a file.
        sample_rate: The sampling rate; needed for a list, and for a file that does not say it.
        channel: Which series of a file with several.
        gps_time: The middle of the stretch to filter.
        duration: The length of the stretch; by default 32 s about gps_time, or all.
        low_frequency: Where the template begins.
        noise: The spectrum: estimated from the data, or Advanced LIGO's design.
        simulated_distance: Instead of data: the luminosity distance of a simulated signal.
        seed: The seed of the simulated noise.
    """
    import scipy

    isco = isco_frequency(mass1 + mass2)
    if low_frequency >= 0.9 * isco:
        raise InvalidInput(
            "beyond_isco", f"the inspiral of {mass1 + mass2:g} solar masses ends at {isco:.4g} Hz, and the template would begin at {low_frequency:g} Hz",
            hint="give a lower low_frequency; heavier binaries need templates with a merger",
        )  # fmt: skip
    lasts = time_to_merger(chirp_mass(mass1, mass2), low_frequency)
    simulated = file is None and strain is None
    if simulated:
        if simulated_distance is None:
            raise InvalidInput(
                "bad_arguments", "there is nothing to filter", hint="give file, strain or simulated_distance"
            )
        data = _simulated(mass1, mass2, low_frequency, simulated_distance, lasts, seed)
        noise = "aligo_design"
    else:
        if simulated_distance is not None:
            raise InvalidInput(
                "bad_arguments", "data and simulated_distance were both given", hint="give one"
            )
        data = given_strain(file, strain, sample_rate, channel, gps_time, duration)
    if low_frequency >= 0.45 * data.rate:
        raise InvalidInput(
            "bad_band",
            f"{low_frequency:g} Hz is not below the Nyquist frequency {data.rate / 2:g} Hz",
            hint="lower it",
        )
    frequency = frequencies(data.values.size, data.rate)
    values, psd, reach, spectrum = _conditioned(data, frequency, noise, low_frequency, simulated)
    front, back = lasts + reach, reach
    if data.duration < front + back + 0.5:
        raise InvalidInput(
            "too_short", f"{data.duration:g} s of data leave nothing after {front:.3g} s (template and filter) and {back:.3g} s are cut off",
            hint="give longer data, or a higher low_frequency",
        )  # fmt: skip
    template = taylorf2(frequency, mass1, mass2, low_frequency)
    found = matched_filter(values, data.rate, template, psd)
    first, last = round(front * data.rate), data.values.size - round(back * data.rate)
    ratio = np.abs(found.snr)
    at = first + int(np.argmax(ratio[first:last]))
    times = data.start + np.arange(data.values.size) / data.rate
    snr = float(ratio[at])
    what = {
        "template": f"TaylorF2 3.5PN, {mass1:g} + {mass2:g} solar masses (detector frame), from {low_frequency:g} Hz",
        "noise": spectrum,
    }
    quantities = {
        "snr": Quantity(value=snr, property="snr", method="matched filter, greatest over time and phase", conditions=what, uncertainty=1.0),
        "merger_time": Quantity(
            value=float(times[at]), unit="s", property="merger_time", method="coalescence of the template at the peak",
            conditions={"scale": "seconds of the simulation" if simulated else "GPS"},
        ),
        "sigma": Quantity(value=found.sigma, property="sigma", method="SNR of the template at 1 Mpc, optimally oriented", conditions=what),
        "horizon_distance": Quantity(
            value=found.sigma / THRESHOLD, unit="Mpc", property="horizon_distance", method=f"optimally oriented, SNR {THRESHOLD:g}", conditions=what
        ),
        "effective_distance": Quantity(
            value=found.sigma / snr, unit="Mpc", property="effective_distance", method="σ/SNR: farther than true unless optimally oriented",
            relation="=" if snr > THRESHOLD else "~",
        ),
        "reduced_chi_squared": Quantity(
            value=reduced_chi_squared(values, data.rate, template, psd, at, CHI_BINS), property="reduced_chi_squared",
            method=f"Allen 2005, {CHI_BINS} bands; 1 for this template in Gaussian noise",
        ),
        "template_duration": Quantity(value=lasts, unit="s", property="template_duration", method="leading order from f_low"),
    }  # fmt: skip
    if simulated and simulated_distance is not None:
        quantities["optimal_snr"] = Quantity(
            value=optimal_snr(frequency, design_psd(frequency), mass1, mass2, low_frequency, simulated_distance), property="optimal_snr",
            method="4∫|h|²/S df, without noise", conditions=what | {"distance": f"{simulated_distance:g} Mpc"},
        )  # fmt: skip
    notes = list(data.notes)
    notes.append(
        f"{front:.3g} s at the start and {back:.3g} s at the end were cut off, where template and filter wrap around"
    )
    typical = float(np.median(ratio[first:last])) / QUIET
    if not 0.7 < typical < 1.4:
        notes.append(
            f"away from the peak the ratio is {typical:.2g} times that of Gaussian noise: the noise spectrum is not that of these data"
        )
    notes += _doubts(mass1 + mass2, snr, quantities["reduced_chi_squared"].value, isco)
    facts: dict[str, Any] = {
        "merger_time": f"{times[at]:.6f}", "channel": data.channel, "gps_start": data.start, "duration_s": data.duration, "sample_rate_hz": data.rate,
        "template_ends_hz": isco, "phase_at_peak_rad": float(np.angle(found.snr[at])), "simulated": simulated,
    }  # fmt: skip
    if simulated:
        facts["injected"] = {
            "coalescence_s": _injected_at(lasts),
            "distance_mpc": simulated_distance,
            "seed": seed,
        }
    base = float(times[at])
    near = slice(max(first, at - round(data.rate)), min(last, at + round(data.rate)))
    return ToolResult(
        data=facts,
        quantities=quantities,
        artifacts=save_plot(
            context, f"Matched filter, {mass1:g} + {mass2:g} solar masses",
            [
                Panel(
                    x_label=f"time of coalescence, from {'the start' if simulated else f'GPS {data.start:.0f}'}", x_unit="s", y_label="signal-to-noise ratio",
                    series=[Series(x=(times[first:last] - data.start).tolist(), y=ratio[first:last].tolist(), label=data.channel)],
                ),
                Panel(
                    x_label=f"time from {'' if simulated else 'GPS '}{base:.4f}", x_unit="s", y_label="signal-to-noise ratio",
                    series=[Series(x=(times[near] - base).tolist(), y=ratio[near].tolist(), label="around the peak")],
                    marks=[Mark(x=0.0, label=f"SNR {snr:.1f}")],
                ),
            ],
            name="snr",
        ),
        source=Source(
            kind="computed", name=f"SciPy {scipy.__version__}",
            reference="Allen et al. 2012, doi:10.1103/PhysRevD.85.122006; Buonanno et al. 2009, doi:10.1103/PhysRevD.80.084043",
        ),
        warnings=tuple(notes),
    )  # fmt: skip


def _injected_at(lasts: float) -> float:
    return max(SIMULATED_SPAN, 2 * lasts + 32.0) - 8.0


def _simulated(mass1: float, mass2: float, low: float, distance: float, lasts: float, seed: int) -> Strain:
    """Return design noise with a signal that coalesces 8 s before the end."""
    if lasts > 2000:
        raise InvalidInput(
            "too_short",
            f"a signal of {lasts:.4g} s is too long to simulate",
            hint="give a higher low_frequency",
        )
    span = _injected_at(lasts) + 8.0
    rate = SIMULATED_RATE if isco_frequency(mass1 + mass2) < 0.9 * SIMULATED_RATE / 2 else 2 * SIMULATED_RATE
    size = 2 * math.ceil(span * rate / 2)
    frequency = frequencies(size, rate)
    noise = draw_noise(design_psd(frequency), rate, size, np.random.default_rng(seed))
    signal = taylorf2(frequency, mass1, mass2, low, distance)
    shift = np.exp(-2j * np.pi * frequency * _injected_at(lasts))
    return Strain(
        noise + np.fft.irfft(signal * shift * rate, size), rate, 0.0, "simulated Advanced LIGO design noise"
    )


def _conditioned(
    data: Strain, frequency: NDArray[np.float64], noise: str, low: float, simulated: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], float, str]:
    """Return the strain made ready, the spectrum at its frequencies, how far its filter reaches, and what the spectrum is."""
    from scipy.signal import butter, sosfiltfilt
    from scipy.signal.windows import tukey

    if simulated:
        return data.values, design_psd(frequency), 1.0, "Advanced LIGO design (Ajith 2011)"
    # steep noise below the band leaks into it through the window unless it is taken out first
    steep = butter(8, 0.75 * low, "highpass", fs=data.rate, output="sos")
    values = sosfiltfilt(steep, data.values - data.values.mean())
    values = values * tukey(values.size, min(0.5, 1.0 / data.duration))
    if noise == "aligo_design":
        return values, design_psd(frequency), 1.0, "Advanced LIGO design (Ajith 2011)"
    segment = min(SEGMENT, data.duration / ((LEAST_SEGMENTS + 1) / 2))
    if segment < 1.0:
        raise InvalidInput(
            "too_short", f"{data.duration:g} s are too short to estimate the noise", hint="give 4 s or more, or noise='aligo_design'"
        )  # fmt: skip
    coarse, psd, count = estimate_psd(
        sosfiltfilt(steep, data.values - data.values.mean()), data.rate, segment
    )
    short = truncated(psd, data.rate, segment, low)
    finite = np.isfinite(short)
    fine = at_frequencies(frequency, coarse[finite], short[finite])
    return (
        values,
        np.where(frequency >= low, fine, np.inf),
        segment / 2 + 0.5,
        f"estimated, median of {count} segments of {segment:.3g} s",
    )


def _doubts(total: float, snr: float, chi: float, isco: float) -> list[str]:
    said = []
    if total > HEAVY:
        said.append(
            f"for {total:.3g} solar masses the template ends at {isco:.4g} Hz without merger and ringdown: the ratio is lower than with a full (IMR) waveform"
        )
    if snr < THRESHOLD:
        said.append(f"a ratio of {snr:.1f} in one detector is no detection: noise alone reaches 5 to 6")
    elif chi > 2.0:
        said.append(
            f"the reduced χ² of {chi:.1f} says that the data do not look like this template: other masses, a merger, or a glitch"
        )
    return said
