"""Seismograms and other evenly sampled waveforms: read, described, and processed in stated steps."""

from __future__ import annotations

import io
import warnings
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import WAVEFORMS
from benchmate.tools.files import DataFile
from benchmate.tools.plots import Mark, Panel, Series, save_plot

MOST_SAMPLES = 20_000_000
MOST_TRACES = 200
SHOWN_TRACES = 6  # in one figure
CLIPPED_RUN = 8  # equal samples in a row at the extreme value that look like clipping

Operation = Literal[
    "demean", "detrend", "taper", "bandpass", "highpass", "lowpass", "remove_response", "resample", "integrate", "differentiate"
]  # fmt: skip


def load_stream(file: DataFile) -> Any:
    """Return the ObsPy stream of a waveform file, gaps left as separate traces.

    Raises InvalidInput: `bad_file` for what no reader of ObsPy knows, `too_large`, `no_samples`.
    """
    import obspy
    from obspy.core.util.obspy_types import ObsPyException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # readers report odd headers; what matters is described below
            stream = obspy.read(io.BytesIO(file.content()))
    except (TypeError, ValueError, OSError, ObsPyException, IndexError, KeyError) as error:
        raise file.bad(
            f"is no waveform file that can be read: {str(error)[:120]}",
            "miniSEED, SAC, GSE2, SEG-Y and others are read",
        ) from None
    samples = sum(len(trace) for trace in stream)
    if not samples:
        raise InvalidInput("no_samples", f"{file.name} holds no samples")
    if samples > MOST_SAMPLES or len(stream) > MOST_TRACES:
        raise InvalidInput(
            "too_large", f"{file.name} holds {samples} samples in {len(stream)} traces",
            hint=f"cut a window; {MOST_SAMPLES} samples and {MOST_TRACES} traces are the most",
        )  # fmt: skip
    for trace in stream:
        if not trace.stats.sampling_rate > 0:
            raise InvalidInput("wrong_sampling_rate", f"{trace.id} in {file.name} has no sampling rate")
    return stream


def source() -> Source:
    """Return ObsPy as the source of what it computes."""
    import obspy

    return Source(
        kind="computed", name=f"ObsPy {obspy.__version__}", reference="doi:10.1088/1749-4699/8/1/014003"
    )


def gaps_of(stream: Any) -> list[dict[str, Any]]:
    """Return the gaps and overlaps between traces of one channel, in seconds; an overlap is negative."""
    found = []
    for network, station, location, channel, begin, end, seconds, samples in stream.get_gaps():
        found.append(
            {
                "id": f"{network}.{station}.{location}.{channel}", "kind": "gap" if seconds > 0 else "overlap",
                "from": str(begin), "to": str(end), "seconds": float(seconds), "samples": int(samples),
            }
        )  # fmt: skip
    return found


@tool(
    domain="earth",
    files=WAVEFORMS,
    extra="earth",
    properties={
        "trace_count": "number of traces, traces, channels, components",
        "sampling_rate": "sampling rate, sample rate, samples per second, sampling frequency",
        "sample_count": "number of samples, samples, npts, data points",
        "duration": "duration, record length, how long, length of the record",
        "gap_count": "number of gaps, gaps, overlaps, interruptions",
        "largest_amplitude": "largest amplitude, peak amplitude, maximum amplitude, PGA in counts",
    },
    examples=(
        "How many traces are in sample:earthquake?",
        "What is the sampling rate of event.mseed?",
        "Does station.mseed have gaps?",
        "Read the seismogram record.sac and tell me how long it is",
        "show me the waveform in sample:earthquake",
        "when does the record in trace.mseed start",
    ),
    example={"file": "sample:earthquake"},
)
def read_waveform(file: DataFile, context: ToolContext) -> ToolResult:
    """Read a waveform file (miniSEED, SAC, GSE2, SEG-Y, …): traces, times, sampling rates, gaps, overlaps, amplitudes.

    Amplitudes are counts unless the file says otherwise: no instrument response is taken away. Gaps are told, not filled.

    Raises InvalidInput: `bad_file`, `no_samples`, `too_large`, `wrong_sampling_rate`.

    Args:
        file: The waveform file.
    """
    stream = load_stream(file)
    traces = [_described(trace) for trace in stream]
    gaps = gaps_of(stream)
    notes = ["amplitudes are as stored (counts unless the file says otherwise); no response is removed"]
    if len({t["start"] for t in traces}) > 1:
        notes.append("the traces start at different times")
    if len({t["sampling_rate_hz"] for t in traces}) > 1:
        notes.append("the traces have different sampling rates; the first trace's is stated")
    notes += [
        f"{t['id']} may be clipped: its extreme value repeats {t['flat_top']} times in a row"
        for t in traces
        if t["flat_top"]
    ]
    if gaps:
        notes.append(f"{len(gaps)} gaps or overlaps; filters must not run across them")
    first = stream[0].stats
    counts = {len(trace) for trace in stream}
    quantities = {
        "trace_count": Quantity(value=len(stream), property="trace_count", method="traces as stored; a gap begins a new one"),
        "sampling_rate": Quantity(
            value=float(first.sampling_rate), unit="Hz", property="sampling_rate", conditions={"trace": stream[0].id}
        ),
        "sample_count": Quantity(
            value=len(stream[0]), property="sample_count",
            conditions={"of": "each trace" if len(counts) == 1 else stream[0].id},
        ),
        "duration": Quantity(
            value=float(stream[0].stats.endtime - stream[0].stats.starttime), unit="s", property="duration",
            method="last sample minus first", conditions={"trace": stream[0].id},
        ),
        "gap_count": Quantity(value=len(gaps), property="gap_count", method="gaps and overlaps within a channel"),
        "largest_amplitude": Quantity(
            value=max(t["largest"] for t in traces), property="largest_amplitude", method="largest absolute value, as stored"
        ),
    }  # fmt: skip
    return ToolResult(
        data={"traces": traces, "gaps": gaps},
        quantities=quantities,
        artifacts=draw_stream(context, stream, f"Waveforms in {file.name}", "amplitude as stored"),
        source=source(),
        warnings=tuple(notes),
    )


def _described(trace: Any) -> dict[str, Any]:
    import numpy as np

    data = np.asarray(trace.data, dtype=float)
    finite = data[np.isfinite(data)]
    if finite.size < data.size:
        raise InvalidInput(
            "not_finite", f"{trace.id} holds {data.size - finite.size} values that are no numbers"
        )
    return {
        "id": trace.id, "start": str(trace.stats.starttime), "end": str(trace.stats.endtime),
        "sampling_rate_hz": float(trace.stats.sampling_rate), "samples": len(trace),
        "largest": float(np.abs(data).max()), "mean": float(data.mean()), "flat_top": _flat_top(data),
        "format": str(trace.stats.get("_format", "")),
    }  # fmt: skip


def _flat_top(data: Any) -> int:
    """Return how often the extreme value stands in a row, if often enough to look clipped, else 0."""
    import numpy as np

    longest = 0
    if np.ptp(data) == 0:
        return 0
    for extreme in (data.max(), data.min()):
        run = 0
        for equal in data == extreme:
            run = run + 1 if equal else 0
            longest = max(longest, run)
    return longest if longest >= CLIPPED_RUN else 0


def draw_stream(
    context: ToolContext, stream: Any, title: str, label: str, marks: dict[str, list[Mark]] | None = None
) -> tuple[Any, ...]:
    """Return the figure of the first traces, one above another, over seconds since the first sample."""
    origin = min(trace.stats.starttime for trace in stream)
    panels = []
    for trace in stream[:SHOWN_TRACES]:
        offset = float(trace.stats.starttime - origin)
        panels.append(
            Panel(
                x_label=f"time since {str(origin)[:19]} UTC", x_unit="s", y_label=f"{trace.id}\n{label}",
                series=[Series(x=(trace.times() + offset).tolist(), y=trace.data.astype(float).tolist())],
                marks=(marks or {}).get(trace.id, []),
            )
        )  # fmt: skip
    return save_plot(context, title, panels, name="seismogram")


@tool(
    domain="earth",
    files=WAVEFORMS,
    extra="earth",
    properties={
        "peak_amplitude": "peak amplitude after processing, peak amplitude, maximum amplitude, peak ground velocity",
        "sampling_rate": "sampling rate after processing, sampling rate",
    },
    examples=(
        "Bandpass filter sample:earthquake between 1 and 10 Hz",
        "highpass the record in event.mseed at 0.5 Hz",
        "Detrend and lowpass trace.sac below 2 Hz",
        "Remove the instrument response from event.mseed with station.xml",
        "resample waveform.mseed to 20 Hz",
    ),
    example={
        "file": "sample:earthquake",
        "operations": ["demean", "taper", "bandpass"],
        "low": 1,
        "high": 10,
    },
)
def process_waveform(
    file: DataFile,
    operations: Annotated[
        list[Operation],
        Field(min_length=1, max_length=12),
        Said(
            {
                "demean": "remove the mean, subtract the mean, de-mean, mean removal",
                "detrend": "remove the trend, linear trend, de-trend",
                "taper": "tapering, tapered",
                "bandpass": "band-pass, band pass, filter between, filter from, filter ... between",
                "highpass": "high-pass, high pass, filter above",
                "lowpass": "low-pass, low pass, filter below",
                "remove_response": "remove ... response, deconvolve ... response, correct ... response, ground velocity, ground motion, ground displacement, ground acceleration",
                "resample": "resampled, downsample, decimate, upsample, resampling",
                "integrate": "integrated, integration",
                "differentiate": "differentiated, derivative",
            }
        ),
    ],
    context: ToolContext,
    low: Annotated[
        float | None,
        Unit(
            "Hz",
            "lower corner, low corner, above, highpass at, high-pass at, highpass, high-pass, from, between",
        ),
        Field(gt=0),
    ] = None,
    high: Annotated[
        float | None,
        Unit("Hz", "upper corner, high corner, below, lowpass at, low-pass at, lowpass, low-pass, and, to"),
        Field(gt=0),
    ] = None,
    corners: Annotated[int, Unit("", "corners, poles, filter order"), Field(ge=1, le=10)] = 4,
    zero_phase: Annotated[
        bool, Said({"true": "zero phase, zero-phase, acausal, two-pass, forward and backward"})
    ] = False,
    rate: Annotated[float | None, Unit("Hz", "resample to, new sampling rate"), Field(gt=0)] = None,
    station: DataFile | None = None,
    output: Annotated[
        Literal["DISP", "VEL", "ACC"],
        Said({"DISP": "displacement", "ACC": "acceleration", "VEL": "velocity"}),
    ] = "VEL",
) -> ToolResult:
    """Process a waveform in the stated order: demean, detrend, taper, filter, response removal, resampling, integration.

    Traces are processed each on its own: gaps stay gaps. Filters are Butterworth. A corner at or above the Nyquist
    frequency is refused; resampling to a lower rate first removes what would alias.

    Raises InvalidInput: `missing_argument`, `above_nyquist`, `corners_crossed`, `no_response`, and what reading raises.

    Args:
        file: The waveform file.
        operations: What to do, in this order.
        low: The lower corner of a bandpass, or the corner of a highpass.
        high: The upper corner of a bandpass, or the corner of a lowpass.
        corners: The order of the Butterworth filter; applied twice where zero_phase is set.
        zero_phase: Filter forwards and backwards: no delay, but energy before each onset.
        rate: The new sampling rate of `resample`.
        station: StationXML, dataless SEED or RESP with the response that `remove_response` takes away.
        output: What `remove_response` gives: displacement (m), velocity (m/s) or acceleration (m/s²).
    """
    stream = load_stream(file)
    unit, notes, log = "", [], []
    if stream.get_gaps():
        notes.append("the record has gaps or overlaps; each piece was processed on its own")
    tapered = False
    for operation in operations:
        if operation in ("bandpass", "highpass", "lowpass"):
            log.append(_filter(stream, operation, low, high, corners, zero_phase))
            if not tapered:
                notes.append(f"{operation} without a taper before it: the ends of each trace ring")
            if zero_phase:
                notes.append("a zero-phase filter puts energy before each onset: do not pick on this record")
        elif operation == "taper":
            stream.taper(max_percentage=0.05, type="hann")
            tapered = True
            log.append("taper: 5 % at each end, Hann")
        elif operation == "remove_response":
            unit = _remove_response(stream, station, output)
            log.append(f"response removed to {output}, water level 60 dB")
        elif operation == "resample":
            log.append(_resample(stream, _needed(rate, "rate", operation)))
        else:
            _simple(stream, operation)
            unit = _integrated(unit, operation)
            log.append(operation)
    written = io.BytesIO()
    for trace in stream:
        trace.data = trace.data.astype("float64")
    stream.write(written, format="MSEED", encoding="FLOAT64", reclen=4096)
    kept = context.save("processed.mseed", "application/vnd.fdsn.mseed", written.getvalue())
    label = f"amplitude ({unit})" if unit else "amplitude as stored, processed"
    peak = max(float(abs(trace.data).max()) for trace in stream)
    return ToolResult(
        data={"operations": log, "unit": unit or "as stored", "traces": [trace.id for trace in stream]},
        quantities={
            "peak_amplitude": Quantity(value=peak, unit=unit, property="peak_amplitude", method="; ".join(log)),
            "sampling_rate": Quantity(value=float(stream[0].stats.sampling_rate), unit="Hz", property="sampling_rate"),
        },
        artifacts=(kept, *draw_stream(context, stream, f"{file.name}, processed", label)),
        source=source(),
        warnings=tuple(notes),
    )  # fmt: skip


def _needed(value: float | None, name: str, operation: str) -> float:
    if value is None:
        raise InvalidInput("missing_argument", f"{operation} needs {name}", hint=f"give {name} in Hz")
    return value


def check_band(rate: float, low: float | None, high: float | None) -> None:
    """Raise InvalidInput (`above_nyquist`, `corners_crossed`) for corners that a sampling rate cannot hold. All in Hz."""
    nyquist = rate / 2
    for corner in (low, high):
        if corner is not None and corner >= nyquist:
            raise InvalidInput(
                "above_nyquist", f"{corner:g} Hz is not below the Nyquist frequency {nyquist:g} Hz",
                hint=f"at {rate:g} Hz sampling, a signal of {corner:g} Hz appears at {aliased(corner, rate):g} Hz",
            )  # fmt: skip
    if low is not None and high is not None and low >= high:
        raise InvalidInput(
            "corners_crossed", f"the lower corner {low:g} Hz is not below the upper {high:g} Hz"
        )


def aliased(frequency: float, rate: float) -> float:
    """Return the frequency at which a sampled sine appears, 0 to rate/2 (Shannon 1949). Both in Hz."""
    folded = frequency % rate
    return min(folded, rate - folded)


def _filter(
    stream: Any, kind: str, low: float | None, high: float | None, corners: int, zero_phase: bool
) -> str:
    low = _needed(low, "low", kind) if kind in ("bandpass", "highpass") else None
    high = _needed(high, "high", kind) if kind in ("bandpass", "lowpass") else None
    for trace in stream:
        check_band(float(trace.stats.sampling_rate), low, high)
    how: dict[str, Any] = {"corners": corners, "zerophase": zero_phase}
    band = (
        {"freqmin": low, "freqmax": high}
        if kind == "bandpass"
        else {"freq": low if kind == "highpass" else high}
    )
    stream.filter(kind, **band, **how)
    edges = "–".join(f"{edge:g}" for edge in (low, high) if edge is not None)
    return f"{kind} {edges} Hz, Butterworth, {corners} corners, {'zero phase' if zero_phase else 'causal'}"


def _remove_response(stream: Any, station: DataFile | None, output: str) -> str:
    import obspy

    if station is None:
        raise InvalidInput(
            "missing_argument",
            "remove_response needs the station's metadata",
            hint="give station: a StationXML file",
        )
    try:
        inventory = obspy.read_inventory(io.BytesIO(station.content()))
        stream.remove_response(inventory=inventory, output=output, water_level=60)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            "no_response",
            f"{station.name} gives no response for {stream[0].id} at {stream[0].stats.starttime}: {error}",
        ) from None
    return {"DISP": "m", "VEL": "m/s", "ACC": "m/s**2"}[output]


def _resample(stream: Any, rate: float) -> str:
    for trace in stream:
        old = float(trace.stats.sampling_rate)
        if rate < old:
            trace.filter("lowpass_cheby_2", freq=0.4 * rate)
        trace.resample(rate, no_filter=True)
    return f"resampled to {rate:g} Hz in the frequency domain, low-passed at {0.4 * rate:g} Hz before where the rate falls"


def _simple(stream: Any, operation: str) -> None:
    if operation in ("demean", "detrend"):
        stream.detrend("demean" if operation == "demean" else "linear")
    else:
        getattr(stream, operation)()


def _integrated(unit: str, operation: str) -> str:
    steps = ["m", "m/s", "m/s**2"]
    if operation not in ("integrate", "differentiate") or unit not in steps:
        return unit
    place = steps.index(unit) + (1 if operation == "differentiate" else -1)
    return steps[place] if 0 <= place < len(steps) else ""
