"""Reading strain: HDF5 of GWOSC, of gwpy and plain ones, text, and lists; with sampling rate, start and gaps."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmate.runtime.errors import InvalidInput, did_you_mean
from benchmate.tools.files import DataFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

HIGHEST_RATE = 4096.0  # Hz that analysis keeps; faster data are decimated
MOST_SAMPLES = 40_000_000
_HDF5 = b"\x89HDF\r\n\x1a\n"
_RATES = ("sample_rate", "fs", "sampling_rate", "SampleRate")
_STEPS = ("dx", "Xspacing", "dt", "delta_t")
_STARTS = ("x0", "Xstart", "t0", "start_time", "epoch", "gps_start")


@dataclass(frozen=True)
class Strain:
    """Strain against time: samples per second, GPS time of the first sample, and where it is from."""

    values: NDArray[np.float64]
    rate: float
    start: float
    channel: str = "strain"
    notes: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Seconds of data."""
        return self.values.size / self.rate


def given_strain(
    file: DataFile | None,
    strain: list[float] | None,
    sample_rate: float | None,
    channel: str | None,
    gps_time: float | None,
    duration: float | None,
) -> Strain:
    """Return the strain that a tool was given, cut to `duration` about `gps_time`, and decimated to 4096 Hz at most.

    Raises InvalidInput: `incomplete`, `no_sample_rate`, `wrong_sample_rate`, `bad_file`, `no_channel`, `several_channels`,
    `gaps`, `outside`, `constant`, `too_many_points`.
    """
    if (file is None) == (strain is None):
        raise InvalidInput(
            "incomplete", "strain is a file or a list", hint="give file, or strain and sample_rate"
        )
    if file is not None:
        read = read_strain(file, channel, sample_rate)
    else:
        if sample_rate is None:
            raise InvalidInput(
                "no_sample_rate", "a list of strain needs its sampling rate", hint="give sample_rate in Hz"
            )
        read = Strain(np.asarray(strain, float), sample_rate, 0.0, notes=("no GPS time is known: times count from the first sample",))  # fmt: skip
    return _decimated(_usable(_cut(read, gps_time, duration)))


def read_strain(file: DataFile, channel: str | None = None, sample_rate: float | None = None) -> Strain:
    """Return the strain of a file.

    Raises InvalidInput: `bad_file`, `no_channel`, `several_channels`, `no_sample_rate`, `wrong_sample_rate`.
    """
    if file.content()[:8] == _HDF5:
        return _hdf5(file, channel, sample_rate)
    if file.suffix in (".h5", ".hdf5", ".hdf"):
        raise file.bad("is no HDF5 file", hint="download it again: it may be cut off or an error page")
    if file.suffix == ".gwf":
        raise file.bad(
            "is a frame file, which is not read", hint="convert it to HDF5, as gwpy or GWOSC give it"
        )
    return _text(file, sample_rate)


def _hdf5(file: DataFile, channel: str | None, sample_rate: float | None) -> Strain:
    import h5py

    try:
        with h5py.File(io.BytesIO(file.content()), "r") as opened:
            found: dict[str, Any] = {}
            opened.visititems(
                lambda name, item: found.update({name: item})
                if isinstance(item, h5py.Dataset) and item.ndim == 1 and item.size > 1 and item.dtype.kind in "fiu" else None
            )  # fmt: skip
            if "strain/Strain" in found and channel in (None, "strain/Strain"):
                return _gwosc(file, opened, found["strain/Strain"], sample_rate)
            if not found:
                raise file.bad("holds no series of numbers")
            name = _pick(file, list(found), channel)
            item = found[name]
            if item.size > MOST_SAMPLES:
                raise InvalidInput(
                    "too_many_points", f"{name} has {item.size} samples", hint="give a shorter file"
                )
            attributes = {**opened.attrs, **item.parent.attrs, **item.attrs}
            rate = _rate(name, attributes, sample_rate)
            start = next((_number(attributes[key]) for key in _STARTS if key in attributes), None)
            notes = () if start is not None else ("no GPS time is known: times count from the first sample",)
            return Strain(np.asarray(item, float), rate, start or 0.0, name, notes)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise file.bad(f"cannot be read as HDF5: {error}") from None


def _gwosc(file: DataFile, opened: Any, item: Any, sample_rate: float | None) -> Strain:
    """Read the layout of the Gravitational Wave Open Science Center: strain/Strain with Xspacing, meta/GPSstart."""
    if item.size > MOST_SAMPLES:
        raise InvalidInput(
            "too_many_points", f"{file.name} has {item.size} samples", hint="take the 4 kHz file"
        )
    rate = _rate("strain/Strain", dict(item.attrs), sample_rate)
    start = _number(item.attrs["Xstart"] if "Xstart" in item.attrs else opened["meta/GPSstart"][()])
    detector = opened["meta/Detector"][()] if "meta/Detector" in opened else b""
    name = detector.decode() if isinstance(detector, bytes) else str(detector)
    notes = []
    if "quality/simple/DQmask" in opened:
        mask = np.asarray(opened["quality/simple/DQmask"])
        bad = int((mask & 1 == 0).sum())  # bit 0: DATA present
        poor = int((mask & 0b1110 != 0b1110).sum())  # bits 1-3: CBC categories 1, 2, 3
        if bad or poor:
            notes.append(
                f"of {mask.size} s, {bad} have no data and {poor} fail a data-quality category for binaries (CBC_CAT1 to 3)"
            )
    return Strain(np.asarray(item, float), rate, start, name or "strain/Strain", tuple(notes))


def _pick(file: DataFile, names: list[str], channel: str | None) -> str:
    if channel is not None:
        matching = [name for name in names if channel in (name, name.split(":")[0], name.split("/")[0])]
        if len(matching) == 1:
            return matching[0]
        raise InvalidInput(
            "no_channel", f"{file.name} has no one channel {channel!r}", hint=did_you_mean(channel, names)
        )
    if len(names) > 1:
        raise InvalidInput(
            "several_channels", f"{file.name} holds {len(names)} series", hint=f"give channel as one of {', '.join(names[:20])}"
        )  # fmt: skip
    return names[0]


def _rate(name: str, attributes: dict[str, Any], given: float | None) -> float:
    stated = next((_number(attributes[key]) for key in _RATES if key in attributes), None)
    if stated is None:
        stated = next((1 / _number(attributes[key]) for key in _STEPS if key in attributes and _number(attributes[key]) > 0), None)  # fmt: skip
    if stated is None and given is None:
        raise InvalidInput(
            "no_sample_rate", f"{name} does not say its sampling rate", hint="give sample_rate in Hz"
        )
    if stated is not None and given is not None and abs(stated / given - 1) > 1e-6:
        raise InvalidInput(
            "wrong_sample_rate", f"{name} says {stated:g} Hz, and sample_rate is {given:g} Hz", hint="leave sample_rate out"
        )  # fmt: skip
    rate = stated if stated is not None else given
    assert rate is not None
    return round(rate, 6)


def _number(value: Any) -> float:
    if isinstance(value, bytes | str) or getattr(value, "dtype", np.dtype(float)).kind in "SU":
        raise TypeError(f"an attribute is the text {value!r}")
    return float(np.asarray(value).ravel()[0])


def _text(file: DataFile, sample_rate: float | None) -> Strain:
    """Read one column of strain, or two of time and strain; GWOSC's header says start and rate."""
    text = file.text()
    header = " ".join(line for line in text[:5000].splitlines() if line.startswith(("#", "%")))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, message=".*input contained no data")
            table = np.loadtxt(io.StringIO(text.replace(",", " ").replace("%", "#")), ndmin=2)
    except ValueError as error:
        raise file.bad(f"is no table of numbers: {error}") from None
    if table.size > MOST_SAMPLES or table.shape[0] < 2 or table.shape[1] not in (1, 2):
        raise file.bad(
            f"has {table.shape[0]} rows of {table.shape[1]} columns",
            hint="one column of strain, or time and strain",
        )
    if table.shape[1] == 2:
        steps = np.diff(table[:, 0])
        if steps.min() <= 0 or np.ptp(steps) > 0.01 * np.median(steps):
            raise file.bad(
                "has times that are not evenly spaced", hint="strain is sampled evenly; fill or cut the gaps"
            )
        rate = _rate(file.name, {"dx": (table[-1, 0] - table[0, 0]) / (table.shape[0] - 1)}, None)
        return Strain(table[:, 1], float(round(rate, 3)), float(table[0, 0]), file.name)
    stated = re.search(r"(\d+) samples per second", header)
    start = re.search(r"(?:starting|start)\D*GPS\D*(\d+(?:\.\d+)?)", header)
    rate = _rate(file.name, {"fs": float(stated[1])} if stated else {}, sample_rate)
    notes = () if start else ("no GPS time is known: times count from the first sample",)
    return Strain(table[:, 0], rate, float(start[1]) if start else 0.0, file.name, notes)


def _cut(strain: Strain, gps_time: float | None, duration: float | None) -> Strain:
    if gps_time is None and duration is None:
        return strain
    length = min(duration or 32.0, strain.duration)
    end = strain.start + strain.duration
    middle = gps_time if gps_time is not None else strain.start + strain.duration / 2
    if not strain.start <= middle <= end:
        raise InvalidInput(
            "outside", f"GPS {middle:.1f} is not within the data, {strain.start:.1f} to {end:.1f}", hint="check the GPS time"
        )  # fmt: skip
    first = round((min(max(middle - length / 2, strain.start), end - length) - strain.start) * strain.rate)
    last = first + round(length * strain.rate)
    return replace(strain, values=strain.values[first:last], start=strain.start + first / strain.rate)


def _usable(strain: Strain) -> Strain:
    """Return the longest stretch of finite numbers."""
    good = np.isfinite(strain.values)
    notes = list(strain.notes)
    if not good.all():
        edges = np.flatnonzero(np.diff(np.concatenate([[0], good.astype(np.int8), [0]])))
        if edges.size == 0:
            raise InvalidInput("gaps", f"{strain.channel} holds no finite number", hint="choose another time")
        starts, ends = edges[::2], edges[1::2]
        longest = int(np.argmax(ends - starts))
        first, last = int(starts[longest]), int(ends[longest])
        notes.append(
            f"{int((~good).sum())} samples are no numbers (gaps): the longest stretch without, {(last - first) / strain.rate:g} s, was taken"
        )
        strain = replace(strain, values=strain.values[first:last], start=strain.start + first / strain.rate)
    if strain.values.size < 64 or np.ptp(strain.values) == 0:
        raise InvalidInput(
            "constant", f"{strain.channel} does not vary", hint="it may be a stretch without data"
        )
    if float(np.std(strain.values)) > 1e-10:
        notes.append(
            f"the standard deviation is {float(np.std(strain.values)):.2g}, large for strain: is it scaled, or another channel?"
        )
    return replace(strain, notes=tuple(notes))


def _decimated(strain: Strain) -> Strain:
    from scipy.signal import decimate

    factor = int(strain.rate // HIGHEST_RATE)
    if factor < 2:
        return strain
    while strain.rate % factor:
        factor -= 1
    values = strain.values - strain.values.mean()
    for step in [2] * (factor.bit_length() - 1) if factor & (factor - 1) == 0 else [factor]:
        values = decimate(values, step, ftype="fir", zero_phase=True)
    note = f"decimated from {strain.rate:g} to {strain.rate / factor:g} Hz"
    return replace(strain, values=values, rate=strain.rate / factor, notes=(*strain.notes, note))
