"""Phase picks: when the P and the S wave begin in a record."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import ToolContext, ToolResult, tool
from benchmate.tools.earth.waveforms import check_band, draw_stream, load_stream, source
from benchmate.tools.file_kinds import WAVEFORMS
from benchmate.tools.files import DataFile
from benchmate.tools.plots import Mark

LEAST_SNR = 3.0  # below it a pick is called weak


@tool(
    domain="earth",
    files=WAVEFORMS,
    extra="earth",
    properties={
        "p_pick": "P arrival after the start, P pick, P onset, P arrival",
        "s_pick": "S arrival after the start, S pick, S onset, S arrival",
        "s_minus_p": "S-P time, S minus P",
        "signal_to_noise": "signal-to-noise ratio of the P pick, SNR",
    },
    examples=(
        "When does the P wave arrive in sample:earthquake?",
        "Pick P and S in event.mseed",
        "find the onset of the earthquake in record.sac",
        "What is the S minus P time in sample:earthquake?",
        "STA/LTA trigger on trace.mseed",
    ),
    example={"file": "sample:earthquake"},
)
def pick_phases(
    file: DataFile,
    context: ToolContext,
    method: Annotated[
        Literal["auto", "ar", "sta_lta"],
        Said(
            {
                "sta_lta": "STA/LTA, recursive STA/LTA, classic STA/LTA",
                "ar": "AR picker, AR-AIC, autoregressive",
            }
        ),
    ] = "auto",
    low: Annotated[float, Unit("Hz", "lower corner, from"), Field(gt=0)] = 1.0,
    high: Annotated[float | None, Unit("Hz", "upper corner, to"), Field(gt=0)] = None,
    sta: Annotated[float, Unit("s", "STA, short window"), Field(gt=0, le=60)] = 0.5,
    lta: Annotated[float, Unit("s", "LTA, long window"), Field(gt=0, le=600)] = 4.0,
    threshold: Annotated[float, Unit("", "threshold, trigger level"), Field(gt=1)] = 3.5,
) -> ToolResult:
    """Pick the P and S onset of an earthquake: an autoregressive picker on three components, else STA/LTA on one.

    STA/LTA knows nothing in the first LTA seconds, so an onset there is missed. A pick is an onset of energy; that it is P
    or S of one earthquake is an assumption.

    Raises InvalidInput: `three_components_needed`, `record_too_short`, `has_gaps`, `above_nyquist`; NotFound: `no_pick`.

    Args:
        file: The waveform file of one station.
        method: ar needs three components of equal length; auto takes it where they are there.
        low: The lower corner of the band in which is picked.
        high: Its upper corner; by default 20 Hz, or 0.4 times the sampling rate if that is less.
        sta: The short window of STA/LTA.
        lta: The long window of STA/LTA; for ar, the window of the noise.
        threshold: The ratio of STA to LTA that triggers.
    """
    stream = load_stream(file)
    if stream.get_gaps():
        raise InvalidInput(
            "has_gaps",
            f"{file.name} has gaps or overlaps, at which a picker sees onsets",
            hint="cut a whole piece",
        )
    stations = {(t.stats.network, t.stats.station) for t in stream}
    if len(stations) > 1:
        raise InvalidInput(
            "several_stations", f"{file.name} holds {len(stations)} stations", hint="give one station's file"
        )
    three = _components(stream)
    if method == "ar" and three is None:
        raise InvalidInput(
            "three_components_needed",
            f"{file.name} does not hold three components of equal length",
            hint="method sta_lta needs one",
        )
    rate = float(stream[0].stats.sampling_rate)
    upper = high if high is not None else min(20.0, 0.4 * rate)
    check_band(rate, low, upper)
    notes: list[str] = []
    if method != "sta_lta" and three is not None:
        first, picks, how = three[0], _autoregressive(three, rate, low, upper, lta), "AR-AIC (Akazawa 2004)"
    else:
        first = three[0] if three else stream[0]
        picks, how = _sta_lta(first, rate, low, upper, sta, lta, threshold), "recursive STA/LTA"
        notes.append("STA/LTA on one component gives the first onset, called P here; S is not picked")
    if not picks:
        raise NotFound(
            "no_pick",
            f"no onset found in {first.id} by {how}",
            hint=f"lower threshold or lta: the first {lta:g} s are not seen",
        )
    ratio = _signal_to_noise(first, picks["P"], low, upper)
    if ratio is not None and ratio < LEAST_SNR:
        notes.append(f"the P pick is weak: signal to noise {ratio:.1f}")
    conditions = {"band": f"{low:g}–{upper:g} Hz", "trace": first.id, "start": str(first.stats.starttime)}
    quantities = {
        f"{phase.lower()}_pick": Quantity(
            value=seconds, unit="s", property=f"{phase.lower()}_pick", method=how, conditions=conditions
        )
        for phase, seconds in picks.items()
    }
    if len(picks) == 2:
        quantities["s_minus_p"] = Quantity(
            value=picks["S"] - picks["P"], unit="s", property="s_minus_p", method=how
        )
    if ratio is not None:
        quantities["signal_to_noise"] = Quantity(
            value=ratio,
            property="signal_to_noise",
            method="RMS of 1 s after the pick over RMS before it, in the band",
        )
    marks = [Mark(x=seconds, label=phase) for phase, seconds in picks.items()]
    times = {phase: str(first.stats.starttime + seconds) for phase, seconds in picks.items()}
    return ToolResult(
        data={
            "picks": times,
            "method": how,
            "quality": "weak" if ratio is not None and ratio < LEAST_SNR else "clear",
        },
        quantities=quantities,
        artifacts=draw_stream(
            context,
            stream,
            f"Picks in {file.name}",
            "amplitude as stored",
            {trace.id: marks for trace in stream},
        ),
        source=source(),
        warnings=tuple(notes),
    )


def _components(stream: Any) -> tuple[Any, Any, Any] | None:
    """Return the vertical and the two horizontal components, if there are just these, at equal times."""
    by_letter = {trace.stats.channel[-1:]: trace for trace in stream}
    horizontal = next((pair for pair in ("NE", "12", "RT") if set(pair) <= by_letter.keys()), None)
    if "Z" not in by_letter or horizontal is None or len(stream) != 3:
        return None
    chosen = (by_letter["Z"], by_letter[horizontal[0]], by_letter[horizontal[1]])
    same = len({(len(t), t.stats.sampling_rate, str(t.stats.starttime)) for t in chosen}) == 1
    return chosen if same else None


def _autoregressive(three: Any, rate: float, low: float, high: float, lta: float) -> dict[str, float]:
    from obspy.signal.trigger import ar_pick

    seconds = len(three[0]) / rate
    window = min(lta, seconds / 8)  # the noise before the onset must fit
    if window < 0.2:
        raise InvalidInput(
            "record_too_short",
            f"{seconds:.3g} s are too short to pick in",
            hint="give some seconds before the onset",
        )
    data = [trace.data.astype("float64") for trace in three]
    p, s = ar_pick(*data, rate, low, high, 1.0, 0.1, 4.0 if seconds > 16 else window, 1.0, 2, 8, 0.1, 0.2)
    if not p > 0:
        return {}
    return {"P": float(p), **({"S": float(s)} if s > p else {})}


def _sta_lta(
    trace: Any, rate: float, low: float, high: float, sta: float, lta: float, threshold: float
) -> dict[str, float]:
    from obspy.signal.trigger import recursive_sta_lta, trigger_onset

    if len(trace) / rate <= lta + sta:
        raise InvalidInput(
            "record_too_short", f"the record of {len(trace) / rate:.3g} s is not longer than the LTA window of {lta:g} s",
            hint=f"lta must leave room: {0.2 * len(trace) / rate:.2g} s, for example",
        )  # fmt: skip
    filtered = trace.copy()
    filtered.detrend("demean")
    filtered.taper(0.02)
    filtered.filter("bandpass", freqmin=low, freqmax=high)
    ratio = recursive_sta_lta(filtered.data, round(sta * rate), round(lta * rate))
    ratio[: round(lta * rate)] = 0  # the long window is not full yet
    onsets = trigger_onset(ratio, threshold, threshold / 2)
    return {"P": float(onsets[0][0] / rate)} if len(onsets) else {}


def _signal_to_noise(trace: Any, seconds: float, low: float, high: float) -> float | None:
    import numpy as np

    filtered = trace.copy()
    filtered.detrend("demean")
    filtered.filter("bandpass", freqmin=low, freqmax=high)
    rate = float(trace.stats.sampling_rate)
    at = round(seconds * rate)
    noise, signal = filtered.data[max(0, at - round(3 * rate)) : at], filtered.data[at : at + round(rate)]
    if noise.size < rate / 2 or not signal.size:
        return None
    quiet = float(np.sqrt(np.mean(noise**2)))
    value = float(np.sqrt(np.mean(signal**2))) / quiet if quiet else math.inf
    return value if math.isfinite(value) else None
