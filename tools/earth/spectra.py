"""Spectra of evenly sampled series: amplitude and power spectral density."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import WAVEFORMS
from benchmate.tools.files import DataFile
from benchmate.tools.plots import Mark, Panel, Series, save_plot

LEAST_SAMPLES = 16
NOISE_FLOOR = 1e-12  # of the largest value; what lies below is the rounding of the transform and is not drawn


@tool(
    domain="earth",
    files=WAVEFORMS,
    extra="earth",
    properties={
        "dominant_frequency": "dominant frequency, peak frequency, main frequency",
        "dominant_amplitude": "amplitude at the dominant frequency, spectral amplitude",
        "frequency_resolution": "frequency resolution, bin width",
        "variance": "variance, total power",
        "nyquist_frequency": "Nyquist frequency, highest frequency",
    },
    examples=(
        "What is the dominant frequency of sample:earthquake?",
        "power spectral density of trace.mseed",
        "Amplitude spectrum of [0, 1, 0, -1, 0, 1, 0, -1, 0, 1, 0, -1, 0, 1, 0, -1] sampled at 100 Hz",
        "FFT of the record in event.sac",
        "compute the spectrum of the seismogram wave.mseed",
    ),
    example={
        "values": [round(math.sin(2 * math.pi * 5 * n / 100), 6) for n in range(200)],
        "sampling_rate": 100,
    },
)
def compute_spectrum(
    context: ToolContext,
    values: Annotated[
        list[float] | None, Unit("", "values, series, samples, data"), Field(max_length=5_000_000)
    ] = None,
    sampling_rate: Annotated[
        float | None, Unit("Hz", "sampled at, sampling rate, sampling frequency, fs"), Field(gt=0)
    ] = None,
    file: DataFile | None = None,
    kind: Annotated[
        Literal["amplitude", "psd"],
        Said(
            {
                "psd": "PSD, power spectral density, power spectrum, Welch",
                "amplitude": "amplitude spectrum, Fourier spectrum, FFT",
            }
        ),
    ] = "amplitude",
    window: Annotated[
        Literal["hann", "boxcar"],
        Said({"boxcar": "rectangular window, no window, boxcar", "hann": "Hanning, von Hann"}),
    ] = "hann",
    segment: Annotated[float | None, Unit("s", "segment length, window length"), Field(gt=0)] = None,
) -> ToolResult:
    """Compute the amplitude spectrum, or the power spectral density (Welch), of an evenly sampled series or of a waveform.

    The mean is taken away. The amplitude of a sine is its zero-to-peak amplitude, corrected for the window. A PSD is one-sided: its
    integral over frequency is the variance.

    Raises InvalidInput: `missing_argument`, `too_short`, `not_finite`, `has_gaps`, and what reading a waveform raises.

    Args:
        values: The samples.
        sampling_rate: Samples per second, with values.
        file: A waveform file instead; its first trace is taken.
        kind: amplitude of the whole series, or psd averaged over half-overlapping segments.
        window: The taper of each segment.
        segment: The length of a segment of the PSD; by default an eighth of the record.
    """
    import numpy as np
    from scipy import signal

    data, rate, name = _series(values, sampling_rate, file)
    seconds = len(data) / rate
    series = data - data.mean()
    notes = []
    if kind == "psd":
        size = min(len(series), max(LEAST_SAMPLES, round((segment or seconds / 8) * rate)))
        frequency, density = signal.welch(series, fs=rate, window=window, nperseg=size, detrend=False)
        shown, label, what = density, "power spectral density (unit²/Hz)", "Welch, half overlap"
        step, top = rate / size, int(np.argmax(density[1:])) + 1
        amplitude = math.sqrt(2 * float(density[top]) * step * (1.5 if window == "hann" else 1.0))
        notes.append("the amplitude at the peak is that of a sine in one bin; for a broad peak it is too low")
    else:
        taper = signal.get_window(window, len(series))
        frequency = np.fft.rfftfreq(len(series), 1 / rate)
        shown = 2 * np.abs(np.fft.rfft(series * taper)) / taper.sum()
        label, what = "amplitude (unit of the series)", "discrete Fourier transform of the whole series"
        step, top = rate / len(series), int(np.argmax(shown[1:])) + 1
        amplitude = float(shown[top])
    if top <= 2:
        notes.append("the peak is at the lowest frequencies: a trend, or a period longer than the record")
    conditions = {"window": window, "duration": f"{seconds:.6g} s"}
    positive, floor = frequency > 0, NOISE_FLOOR * float(shown.max())
    panel = Panel(
        x_label="frequency", x_unit="Hz", y_label=label, x_log=True, y_log=True,
        series=[Series(x=frequency[positive].tolist(), y=[float(v) if v > floor else None for v in shown[positive]])],
        marks=[Mark(x=float(frequency[top]), label=f"{frequency[top]:.4g} Hz")],
    )  # fmt: skip
    return ToolResult(
        data={"kind": kind, "samples": len(data)},
        quantities={
            "dominant_frequency": Quantity(
                value=float(frequency[top]), unit="Hz", uncertainty=step / math.sqrt(12), property="dominant_frequency",
                method=what, conditions=conditions,
            ),
            "dominant_amplitude": Quantity(value=amplitude, property="dominant_amplitude", method=what, conditions=conditions),
            "frequency_resolution": Quantity(value=step, unit="Hz", property="frequency_resolution", method="1 / length of a segment"),
            "variance": Quantity(value=float(series.var()), property="variance", method="mean square about the mean"),
            "nyquist_frequency": Quantity(value=rate / 2, unit="Hz", property="nyquist_frequency", method="half the sampling rate"),
        },
        artifacts=save_plot(context, f"Spectrum of {name}", [panel], name="spectrum"),
        source=Source(kind="computed", name=f"SciPy {_scipy_version()}", reference="doi:10.1109/TAU.1967.1161901"),
        warnings=tuple(notes),
    )  # fmt: skip


def _series(values: list[float] | None, rate: float | None, file: DataFile | None) -> tuple[Any, float, str]:
    import numpy as np

    if (values is None) == (file is None):
        raise InvalidInput("missing_argument", "give values with a sampling rate, or a file")
    if file is not None:
        from benchmate.tools.earth.waveforms import load_stream

        stream = load_stream(file)
        if stream.get_gaps():
            raise InvalidInput(
                "has_gaps",
                f"{file.name} has gaps; a spectrum needs an unbroken record",
                hint="cut a whole piece",
            )
        data, rate, name = (
            np.asarray(stream[0].data, dtype=float),
            float(stream[0].stats.sampling_rate),
            stream[0].id,
        )
    else:
        if rate is None:
            raise InvalidInput(
                "missing_argument",
                "the sampling rate of the values is needed",
                hint="give sampling_rate in Hz",
            )
        data, name = np.asarray(values, dtype=float), "the series"
    if len(data) < LEAST_SAMPLES:
        raise InvalidInput(
            "too_short",
            f"{len(data)} samples are too few for a spectrum",
            hint=f"{LEAST_SAMPLES} are the least",
        )
    if not np.isfinite(data).all():
        raise InvalidInput(
            "not_finite", "the series holds values that are no numbers", hint="fill or cut the gap"
        )
    assert rate is not None
    return data, rate, name


def _scipy_version() -> str:
    import scipy

    return str(scipy.__version__)
