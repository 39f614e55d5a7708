"""Looking at strain: spectrum, lines, whitening, band-pass and a time–frequency picture, with the edges cut off."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Artifact, Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import STRAIN
from benchmate.tools.files import DataFile
from benchmate.tools.gravitational_waves.noise import (
    LEAST_SEGMENTS,
    at_frequencies,
    estimate_psd,
    frequencies,
)
from benchmate.tools.gravitational_waves.strain_files import Strain, given_strain
from benchmate.tools.plots import Panel, Series, save_plot

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEGMENT = 4.0  # s of a spectrum's segment, where the data are long enough
LEAST_SEGMENT = 0.5
LOUD_LINE = 10.0  # power of a line over its surroundings
QUALITY = 11.3  # centre frequency of a wavelet over its standard deviation in frequency
AROUND = 16.0  # s on each side of the loudest sample that the time–frequency analysis covers


@tool(
    domain="gravitational_waves",
    files=STRAIN,
    properties={
        "duration": "duration, length of the data, seconds of strain",
        "sample_rate": "sampling rate, sample rate, sampling frequency",
        "amplitude_spectral_density": "amplitude spectral density at 100 Hz, ASD, noise level, sensitivity",
        "band_rms": "root mean square strain in the band, RMS strain, noise in the band",
        "peak_amplitude": "peak whitened amplitude, loudest sample, largest excursion",
        "peak_time": "time of the loudest sample, peak time, GPS time of the peak",
        "peak_energy": "peak normalised energy, loudest tile",
        "peak_frequency": "frequency of the loudest tile, peak frequency",
        "line_count": "number of spectral lines, lines in the spectrum",
    },
    examples=(
        "whiten and band-pass the strain in H-H1_LOSC_4_V2-1126259446-32.hdf5",
        "noise spectrum of the LIGO data in strain.hdf5",
        "spectrogram of the strain around GPS 1126259462.4 in H1.hdf5",
        "what is the amplitude spectral density at 100 Hz in L1_strain.h5?",
        "are there 60 Hz lines in strain.hdf5?",
        "Q-transform of the event in strain.hdf5 at GPS 1187008882.4",
    ),
    extra="gw",
    example={
        "strain": [
            math.sin(0.37 * i * i) * 1e-21 + math.sin(2 * math.pi * 60 * i / 512) * 4e-22 for i in range(4096)
        ],
        "sample_rate": 512,
        "high_frequency": 200,
    },
)
def analyze_gw_strain(
    context: ToolContext,
    file: DataFile | None = None,
    strain: list[float] | None = None,
    sample_rate: Annotated[float | None, Unit("Hz", "sampling rate, sample rate, sampled at, fs"), Field(gt=0, le=1e6)] = None,
    channel: str | None = None,
    gps_time: Annotated[float | None, Unit("s", "GPS, GPS time, around, about, centred on, at GPS")] = None,
    duration: Annotated[float | None, Unit("s", "duration, length, window"), Field(gt=0, le=4096)] = None,
    low_frequency: Annotated[float, Unit("Hz", "low frequency, lower cutoff, high-pass, from, between"), Field(gt=0)] = 30.0,
    high_frequency: Annotated[float, Unit("Hz", "high frequency, upper cutoff, low-pass, to, and"), Field(gt=0)] = 400.0,
    mains: Annotated[Literal["60_Hz", "50_Hz", "no_notch"], Said({"60_Hz": "60 Hz lines", "50_Hz": "50 Hz lines, 50 Hz mains", "no_notch": "no notch, without notch, leave the lines"})] = "60_Hz",
    psd_segment: Annotated[float | None, Unit("s", "PSD segment, segment length"), Field(gt=0, le=64)] = None,
) -> ToolResult:  # fmt: skip
    """Estimate the noise spectrum of gravitational-wave strain, whiten and band-pass it, and draw it over time and frequency.

    The spectrum is the median of Welch's method. Whitened data have a standard deviation of 1 in the band; the ends, where
    filters ring, are cut off. Notches take out the mains line and its harmonics. Data too short for a spectrum are band-passed
    only.

    Raises InvalidInput: `bad_band`, `too_short`, and what reading the strain raises (`bad_file`, `no_sample_rate`,
    `wrong_sample_rate`, `several_channels`, `no_channel`, `gaps`, `outside`, `constant`, `incomplete`).

    Args:
        file: Strain in HDF5 (GWOSC, gwpy, or one series with its rate) or text.
        strain: The strain as a list, instead of a file.
        sample_rate: The sampling rate; needed for a list, and for a file that does not say it.
        channel: Which series of a file with several, as in 'H1:LDAS-STRAIN' or 'H1'.
        gps_time: The middle of the stretch to analyse; by default all of the data.
        duration: The length of the stretch; by default 32 s about gps_time, or all.
        low_frequency: The lower edge of the band.
        high_frequency: The upper edge of the band.
        mains: Whether the mains line and its harmonics are notched: 60 Hz (LIGO), 50 Hz (Virgo, KAGRA, GEO), or not.
        psd_segment: The length of the spectrum's segments; by default 4 s, less for short data.
    """
    import scipy

    data = given_strain(file, strain, sample_rate, channel, gps_time, duration)
    notes = list(data.notes)
    if not low_frequency < high_frequency < data.rate / 2:
        raise InvalidInput(
            "bad_band", f"the band {low_frequency:g} to {high_frequency:g} Hz is not within 0 and the Nyquist frequency {data.rate / 2:g} Hz",
            hint=f"give high_frequency below {data.rate / 2:g} Hz and above low_frequency",
        )  # fmt: skip
    band = (low_frequency, high_frequency)
    passed, notched = filtered(data, band, mains)
    segment = psd_segment or min(SEGMENT, data.duration / ((LEAST_SEGMENTS + 1) / 2))
    where = {"channel": data.channel, "band": f"{low_frequency:g} to {high_frequency:g} Hz"}
    quantities = {
        "duration": Quantity(value=data.duration, unit="s", property="duration"),
        "sample_rate": Quantity(value=data.rate, unit="Hz", property="sample_rate"),
    }
    facts: dict[str, Any] = {"channel": data.channel, "gps_start": data.start, "notched_hz": notched}
    short = segment < LEAST_SEGMENT and psd_segment is None
    if short:
        notes.append(
            f"{data.duration:g} s are too short for a spectrum: the data are band-passed, not whitened; lines and low frequencies dominate"
        )
        edge = min(0.1 * data.duration, max(0.05, 2 / low_frequency))
        shown, label = passed / np.std(passed), "band-passed strain, over its standard deviation"
        panels: list[Panel] = []
    else:
        frequency, psd, count = estimate_psd(data.values, data.rate, segment)
        notes += [f"the spectrum is of {count} segments of {segment:.3g} s only"] if segment < SEGMENT and psd_segment is None else []  # fmt: skip
        edge = max(segment / 4, 0.25)
        shown, label = whitened(data, frequency, psd, band), "whitened strain"
        lines = find_lines(frequency, psd, band)
        facts |= {"psd_segment_s": segment, "psd_segments": count, "lines_hz": lines}
        quantities["line_count"] = Quantity(
            value=len(lines), property="line_count", method=f"power above {LOUD_LINE:g} times the median of the surroundings", conditions=where
        )  # fmt: skip
        quantities |= _levels(frequency, psd, passed, data, edge, where)
        panels = [_spectrum_panel(frequency, psd, band, data.rate)]
    cut = round(edge * data.rate)
    inside = slice(cut, data.values.size - cut)
    if data.values.size - 2 * cut < 64:
        raise InvalidInput(
            "too_short", f"{data.duration:g} s leave nothing after {edge:g} s are cut off at each end"
        )
    times = data.start + np.arange(data.values.size) / data.rate
    facts["edges_cut_s"] = edge
    loudest = cut + int(np.argmax(np.abs(shown[inside])))
    quantities["peak_amplitude"] = Quantity(
        value=float(abs(shown[loudest])),
        property="peak_amplitude",
        method=f"{label}, in standard deviations",
        conditions=where,
    )
    quantities["peak_time"] = Quantity(
        value=float(times[loudest]), unit="s", property="peak_time", conditions={"scale": "GPS", **where}
    )
    reach = round(AROUND * data.rate)
    window = slice(max(cut, loudest - reach), min(data.values.size - cut, loudest + reach))
    energy, rows = time_frequency(shown[window], data.rate, band)
    row, column = np.unravel_index(int(np.argmax(energy)), energy.shape)
    if not short:
        quantities["peak_energy"] = Quantity(
            value=float(energy[row, column]), property="peak_energy", method=f"|wavelet|² over its median in time, Q = {QUALITY:g}",
            conditions=where,
        )  # fmt: skip
        quantities["peak_frequency"] = Quantity(
            value=float(rows[row]), unit="Hz", property="peak_frequency", conditions=where
        )
        facts["peak_tile_gps"] = f"{times[window][column]:.6f}"
    base = float(times[loudest])
    facts["peak_time"] = f"{base:.6f}"
    near = slice(
        max(cut, loudest - round(0.5 * data.rate)),
        min(data.values.size - cut, loudest + round(0.5 * data.rate)),
    )
    panels.append(
        Panel(
            x_label=f"time from GPS {base:.4f}", x_unit="s", y_label=label,
            series=[Series(x=(times[near] - base).tolist(), y=shown[near].tolist(), label=data.channel)],
        )
    )  # fmt: skip
    picture = _picture(context, energy, rows, times[window], base, data.channel)
    return ToolResult(
        data=facts,
        quantities=quantities,
        artifacts=(picture, *save_plot(context, f"Strain of {data.channel}", panels, name="strain")),
        source=Source(
            kind="computed", name=f"SciPy {scipy.__version__}",
            reference="Abbott et al. 2020, A guide to LIGO-Virgo detector noise, doi:10.1088/1361-6382/ab685e; Chatterji et al. 2004",
        ),
        warnings=(*notes, f"{edge:g} s were cut off at each end, where the filters ring"),
    )  # fmt: skip


def filtered(data: Strain, band: tuple[float, float], mains: str) -> tuple[NDArray[np.float64], list[float]]:
    """Return the band-passed strain (Butterworth, order 4, forwards and backwards) and the frequencies of the notches."""
    from scipy.signal import butter, iirnotch, sosfiltfilt, tf2sos

    sos = [butter(4, band, "bandpass", fs=data.rate, output="sos")]
    base = {"60_Hz": 60.0, "50_Hz": 50.0}.get(mains)
    notches = [] if base is None else [base * k for k in range(1, 20) if band[0] <= base * k <= band[1]]
    sos += [tf2sos(*iirnotch(line, line / 2.0, data.rate)) for line in notches]
    return sosfiltfilt(np.concatenate(sos), data.values - data.values.mean()), notches


def whitened(
    data: Strain, frequency: NDArray[np.float64], psd: NDArray[np.float64], band: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the strain over its amplitude spectrum within the band, scaled to a standard deviation of 1 in Gaussian noise."""
    from scipy.signal.windows import tukey

    size = data.values.size
    f = frequencies(size, data.rate)
    window = tukey(size, min(0.5, 1.0 / data.duration))
    spectrum = np.fft.rfft((data.values - data.values.mean()) * window)
    # slopes of an eighth of the band's edges ring less than a wall
    slope = np.clip((f - band[0] * 0.9) / (band[0] * 0.1), 0, 1) * np.clip(
        (band[1] * 1.1 - f) / (band[1] * 0.1), 0, 1
    )
    noise = np.maximum(at_frequencies(f, frequency, psd), np.finfo(float).tiny)
    share = 2 * float(np.sum(slope**2)) / size
    return np.fft.irfft(spectrum * slope / np.sqrt(noise * data.rate / 2), size) / math.sqrt(share)


def find_lines(
    frequency: NDArray[np.float64], psd: NDArray[np.float64], band: tuple[float, float]
) -> list[float]:
    """Return the frequencies of narrow peaks well above the median of the 8 Hz around them."""
    from scipy.signal import find_peaks, medfilt

    around = 2 * round(4 / (frequency[1] - frequency[0])) + 1
    ratio = psd / np.maximum(medfilt(psd, around), np.finfo(float).tiny)
    peaks, _ = find_peaks(ratio, height=LOUD_LINE, distance=max(1, around // 8))
    return [float(f) for f in frequency[peaks] if band[0] <= f <= band[1]][:100]


def _levels(
    frequency: NDArray[np.float64], psd: NDArray[np.float64], passed: NDArray[np.float64], data: Strain, edge: float, where: dict[str, str]
) -> dict[str, Quantity]:  # fmt: skip
    cut = round(edge * data.rate)
    levels = {
        "band_rms": Quantity(
            value=float(np.std(passed[cut : data.values.size - cut])), property="band_rms", method="band-passed and notched", conditions=where
        )
    }  # fmt: skip
    if data.rate > 210:
        near = (frequency >= 95) & (frequency <= 105)
        levels["amplitude_spectral_density"] = Quantity(
            value=float(np.sqrt(np.median(psd[near]))), unit="Hz**-0.5", property="amplitude_spectral_density",
            method="median of 95 to 105 Hz, Welch with median average", conditions={"frequency": "100 Hz", "channel": data.channel},
        )  # fmt: skip
    return levels


def time_frequency(
    series: NDArray[np.float64], rate: float, band: tuple[float, float]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the energy of Gaussian wavelets of constant Q over its median, [frequencies, times], and the frequencies."""
    f = np.fft.fftfreq(series.size, 1 / rate)
    spectrum = np.fft.fft(series)
    rows = np.geomspace(band[0], band[1], 80)
    energy = np.empty((rows.size, series.size), np.float32)
    for i, row in enumerate(rows):
        width = row * math.sqrt(2) / QUALITY
        tile = np.fft.ifft(spectrum * np.exp(-(((f - row) / width) ** 2)) * (f > 0))
        energy[i] = np.abs(tile) ** 2
        energy[i] /= max(float(np.median(energy[i])), np.finfo(np.float32).tiny)
    return energy, rows


def _spectrum_panel(
    frequency: NDArray[np.float64], psd: NDArray[np.float64], band: tuple[float, float], rate: float
) -> Panel:
    shown = (frequency >= min(10.0, band[0])) & (frequency < rate / 2) & (psd > 0)
    return Panel(
        x_label="frequency", x_unit="Hz", y_label="ASD", y_unit="Hz**-0.5", x_log=True, y_log=True,
        series=[Series(x=frequency[shown].tolist(), y=np.sqrt(psd[shown]).tolist(), label="median Welch")],
    )  # fmt: skip


def _picture(
    context: ToolContext,
    energy: NDArray[np.float32],
    rows: NDArray[np.float64],
    times: NDArray[np.float64],
    base: float,
    channel: str,
) -> Artifact:
    from matplotlib.figure import Figure

    near = np.abs(times - base) <= 1.0
    step = max(1, int(near.sum()) // 1000)
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    mesh = axes.pcolormesh((times[near] - base)[::step], rows, energy[:, near][:, ::step], shading="nearest", vmin=0, vmax=max(25.0, float(energy.max()) * 0.8), rasterized=True)  # fmt: skip
    axes.set(
        yscale="log",
        xlabel=f"time from GPS {base:.4f} (s)",
        ylabel="frequency (Hz)",
        title=f"{channel}, Q = {QUALITY:g}",
    )
    ticks = [t for t in (10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000) if rows[0] <= t <= rows[-1]]
    axes.set_yticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    figure.colorbar(mesh, ax=axes, label="normalised energy")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return context.save("time_frequency.png", "image/png", buffer.getvalue())
