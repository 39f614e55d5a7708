"""Peaks of a spectrum: positions, heights, widths, and the groups whose characteristic range they fall into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.chemistry.spectrum_files import Spectrum, read_spectrum
from benchmate.tools.chemistry.spectrum_tables import SOURCES, Kind, candidates
from benchmate.tools.file_kinds import SPECTRA
from benchmate.tools.files import DataFile
from benchmate.tools.plots import Mark, Panel, Series, save_plot

if TYPE_CHECKING:
    from numpy.typing import NDArray

XUnit = Literal["cm^-1", "nm", "um", "eV", "ppm", "m/z"]
_NATURAL: dict[Kind, XUnit] = {
    "ir": "cm^-1",
    "raman": "cm^-1",
    "uvvis": "nm",
    "nmr_1h": "ppm",
    "nmr_13c": "ppm",
    "ms": "m/z",
}
_NAMES = {"cm^-1": "wavenumber", "nm": "wavelength", "ppm": "chemical shift", "m/z": "m/z"}
_PINT = {"cm^-1": "1/cm", "nm": "nm", "ppm": "ppm", "m/z": ""}
_SPELLED: dict[str, XUnit] = {
    "1/cm": "cm^-1", "cm-1": "cm^-1", "cm^-1": "cm^-1", "wavenumber": "cm^-1", "nanometers": "nm", "nm": "nm", "wavelength": "nm",
    "micrometers": "um", "um": "um", "ppm": "ppm", "m/z": "m/z", "ev": "eV",
}  # fmt: skip
_HC = 1239.841984  # eV nm, CODATA 2018 (exact)
_MOST_POINTS = 200_000
_FEWEST_POINTS = 5
_STEP_OF_STICKS = 0.3  # m/z; mass spectra with wider steps are lists of peaks


@tool(
    version="2",
    domain="chemistry",
    files=SPECTRA,
    extra="chem",
    properties={
        "peak_position": "peak position, peaks, bands, band position, wavenumber, wavelength, chemical shift, lambda max, peak",
        "peak_height": "peak height, intensity, absorbance at the peak",
        "peak_width": "peak width, full width at half maximum, FWHM",
        "peak_count": "number of peaks, peaks, bands, signals",
    },
    examples=(
        "Find the peaks in ir_spectrum.jdx and assign the bands",
        "What is lambda max in uvvis.csv?",
        "Which groups does an IR band at 1742 cm-1 suggest? spectrum in film.csv",
        "Peak positions and widths of the Raman spectrum raman.txt",
        "Pick the signals in proton_nmr.csv",
        "List the peaks of this mass spectrum above 5 %: ms.csv",
    ),
    example={
        "kind": "ir",
        "x": [1700, 1710, 1720, 1730, 1740, 1750, 1760, 1770, 1780],
        "y": [0.01, 0.02, 0.06, 0.3, 0.92, 0.31, 0.05, 0.02, 0.01],
    },
)
def analyze_spectrum(
    kind: Kind,
    context: ToolContext,
    x: list[float] | None = None,
    y: list[float] | None = None,
    file: DataFile | None = None,
    x_unit: XUnit | None = None,
    signal: Annotated[
        Literal["absorbance", "transmittance", "percent_transmittance", "intensity"] | None,
        Said(
            {
                "percent_transmittance": "%T, percent T, % transmittance",
                "transmittance": "transmission",
                "absorbance": "absorption, extinction",
            }
        ),
    ] = None,
    baseline: Annotated[
        Literal["auto", "none", "als"],
        Said({"none": "no baseline, without baseline, skip the baseline", "als": "asymmetric least squares"}),
    ] = "auto",
    prominence: Annotated[float, Unit("percent", "prominence, threshold, above"), Field(gt=0, le=100)] = 5.0,
) -> ToolResult:
    """Find the peaks of an IR, Raman, UV-vis, NMR or mass spectrum, and the groups whose range they fall into.

    Peaks are local maxima that rise by the prominence, in percent of the range of y (SciPy). Transmittance is turned into
    absorbance first. The baseline by asymmetric least squares (Eilers and Boelens 2005) is taken off IR and Raman spectra. A mass
    spectrum with steps wider than 0.3 is read as a list of peaks. Groups are candidates by position alone, and no proof.

    Args:
        kind: The kind of spectrum.
        x: The abscissa; give x and y, or a file.
        y: The ordinate.
        file: A JCAMP-DX file, or a table with two columns.
        x_unit: The unit of x; by default what the file says, else cm^-1 (IR, Raman), nm (UV-vis), ppm (NMR), m/z (MS).
        signal: What y is; by default what the file says, else absorbance or intensity.
        baseline: Whether a baseline is taken off.
        prominence: The least prominence of a peak, in percent of the range of y.
    """
    import numpy as np
    import scipy

    given = _given(x, y, file)
    unit, notes = _x_unit(kind, given, x_unit)
    xs, ys = _arrays(given)
    xs = _in_natural_unit(xs, unit, kind)
    order = np.argsort(xs, kind="stable")
    xs, ys = xs[order], ys[order]
    if np.any(np.diff(xs) == 0):
        raise InvalidInput("repeated_x", "x holds the same value twice", hint="average repeated points")
    ys, what, said = _as_signal(ys, signal, given.y_unit, kind)
    notes += said
    level = np.zeros_like(ys)
    if baseline == "als" or (baseline == "auto" and kind in ("ir", "raman")):
        level = _baseline(ys)
    sticks = kind == "ms" and float(np.median(np.diff(xs))) > _STEP_OF_STICKS
    peaks = _sticks(xs, ys, prominence) if sticks else _peaks(xs, ys - level, prominence)
    natural = _NATURAL[kind]
    for peak in peaks:
        peak["candidates"] = candidates(kind, peak["position"])
    if not peaks:
        notes.append(f"no peak rises by {prominence:g} % of the range")
    how = "list of peaks" if sticks else f"SciPy find_peaks, prominence {prominence:g} % of the range"
    quantities = {
        "peak_count": Quantity(
            value=len(peaks), property="peak_count", method=how, conditions={"spectrum": kind}
        )
    }
    for number, peak in enumerate(sorted(peaks, key=lambda p: -p["height"])[:30], start=1):
        where = {"spectrum": kind, "rank": str(number)}
        quantities[f"peak_position_{number}"] = Quantity(
            value=peak["position"],
            unit=_PINT[natural],
            property="peak_position",
            method=how,
            conditions=where,
        )
        at = where | {"position": f"{peak['position']:.6g} {natural}"}
        quantities[f"peak_height_{number}"] = Quantity(
            value=peak["height"], property="peak_height", method=f"{what} above the baseline", conditions=at
        )
        if peak["width"] is not None:
            quantities[f"peak_width_{number}"] = Quantity(
                value=peak["width"], unit=_PINT[natural], property="peak_width",
                method="full width at half prominence, SciPy peak_widths", conditions=at,
            )  # fmt: skip
    if any(peak["candidates"] for peak in peaks):
        notes.append("groups are candidates by position alone; intensity, shape and other bands decide")
    picture = _picture(kind, xs, ys, level, peaks, what, sticks)
    return ToolResult(
        quantities=quantities,
        data={
            "peaks": peaks, "x_unit": natural, "signal": what, "points": len(xs), "title": given.title,
            "baseline": "als" if level.any() else "none",
        },
        artifacts=save_plot(context, f"{kind.upper()} spectrum", [picture], name="spectrum"),
        source=Source(kind="computed", name=f"SciPy {scipy.__version__}", reference=SOURCES[kind]),
        warnings=tuple(notes),
    )  # fmt: skip


def _given(x: list[float] | None, y: list[float] | None, file: DataFile | None) -> Spectrum:
    if file is not None:
        if x or y:
            raise InvalidInput("bad_arguments", "give x and y, or a file, not both")
        return read_spectrum(file)
    if not x or not y:
        raise InvalidInput("bad_arguments", "there is no spectrum", hint="give x and y, or a file")
    return Spectrum(x, y)


def _arrays(given: Spectrum) -> tuple[NDArray[Any], NDArray[Any]]:
    import numpy as np

    xs, ys = np.asarray(given.x, dtype=float), np.asarray(given.y, dtype=float)
    if len(xs) != len(ys):
        raise InvalidInput("length_mismatch", f"x has {len(xs)} values and y {len(ys)}")
    if len(xs) < _FEWEST_POINTS or len(xs) > _MOST_POINTS:
        raise InvalidInput(
            "too_few_points" if len(xs) < _FEWEST_POINTS else "too_large",
            f"the spectrum has {len(xs)} points", hint=f"{_FEWEST_POINTS} to {_MOST_POINTS} points are read",
        )  # fmt: skip
    bad = np.flatnonzero(~(np.isfinite(xs) & np.isfinite(ys)))
    if bad.size:
        raise InvalidInput(
            "not_finite", f"point {bad[0] + 1} is no finite number", hint="leave such points out"
        )
    return xs, ys


def _x_unit(kind: Kind, given: Spectrum, told: XUnit | None) -> tuple[XUnit, list[str]]:
    """Return the unit of x: as told, as the file says, or the usual one; and what must be said of it."""
    said = _SPELLED.get(given.x_unit.strip().lower())
    if told and said and told != said:
        raise InvalidInput(
            "unit_mismatch", f"the file says x is in {said}, and {told} was given", hint="leave x_unit out"
        )
    unit = told or said or _NATURAL[kind]
    natural = _NATURAL[kind]
    optical = {"cm^-1", "nm", "um", "eV"}
    if unit != natural and not (unit in optical and natural in optical):
        raise InvalidInput(
            "wrong_unit", f"a spectrum of kind {kind} is not in {unit}", hint=f"it is in {natural}"
        )
    return unit, [] if told or said else [f"x was taken to be in {natural}"]


def _in_natural_unit(xs: NDArray[Any], unit: XUnit, kind: Kind) -> NDArray[Any]:
    natural = _NATURAL[kind]
    if unit == natural:
        _check_range(xs, kind)
        return xs
    if (xs <= 0).any():
        raise InvalidInput("out_of_range", f"x in {unit} must be above 0")
    nm = {"nm": lambda v: v, "um": lambda v: v * 1e3, "cm^-1": lambda v: 1e7 / v, "eV": lambda v: _HC / v}[
        unit
    ](xs)
    converted: NDArray[Any] = nm if natural == "nm" else 1e7 / nm
    _check_range(converted, kind)
    return converted


def _check_range(xs: NDArray[Any], kind: Kind) -> None:
    """Raise `out_of_range` where x cannot be in the unit it is said to be in."""
    allowed = {"ir": (10, 15_000), "raman": (-5000, 8000), "uvvis": (100, 3500), "nmr_1h": (-60, 100),
               "nmr_13c": (-150, 500), "ms": (0, 1e7)}[kind]  # fmt: skip
    if xs.min() < allowed[0] or xs.max() > allowed[1]:
        raise InvalidInput(
            "out_of_range", f"x runs from {xs.min():g} to {xs.max():g} {_NATURAL[kind]}, which no {kind} spectrum does",
            hint="give the unit of x in x_unit",
        )  # fmt: skip


def _as_signal(
    ys: NDArray[Any], told: str | None, unit: str, kind: Kind
) -> tuple[NDArray[Any], str, list[str]]:
    """Return y as absorbance or intensity, its name, and what must be said."""
    import numpy as np

    word = unit.lower()
    what = told or (
        "transmittance" if "trans" in word else "absorbance" if kind in ("ir", "uvvis") else "intensity"
    )
    if what == "transmittance" and told is None and ys.max() > 2:
        what = "percent_transmittance"
    if what not in ("transmittance", "percent_transmittance"):
        notes = []
        if kind == "ir" and told is None and np.median(ys) > 0.7 * ys.max() > 0:
            notes.append(
                "most points are near the maximum: is y transmittance? Then give signal='percent_transmittance'"
            )
        return ys, what, notes
    fraction = ys / (100 if what == "percent_transmittance" else 1)
    if fraction.max() > 2:
        raise InvalidInput(
            "out_of_range", f"a transmittance of {fraction.max():g} is too high", hint="is it in percent?"
        )
    notes = [f"{what.replace('_', ' ')} was turned into absorbance"]
    least = fraction[fraction > 0].min() if (fraction > 0).any() else 1.0
    if (fraction <= 0).any():
        notes.append(
            f"{int((fraction <= 0).sum())} points without transmittance were set to the least one, {least:.3g}"
        )
    return -np.log10(np.maximum(fraction, least)), "absorbance", notes


def _baseline(ys: NDArray[Any], asymmetry: float = 0.001, rounds: int = 10) -> NDArray[Any]:
    """Return the baseline by asymmetric least squares; stiff enough that bands of a tenth of the spectrum stay.

    The asymmetry is the least that Eilers and Boelens advise (0.001 to 0.1): a larger one follows a broad band at an end
    of the spectrum, and moves its top by up to 0.4 steps.
    """
    import numpy as np
    from scipy import sparse
    from scipy.sparse.linalg import spsolve

    size = len(ys)
    stiffness = 1e6 * (size / 1000) ** 4
    second = sparse.diags_array([1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(size - 2, size))
    penalty = stiffness * (second.T @ second)
    weights = np.ones(size)
    level = np.zeros(size)
    for _ in range(rounds):
        level = spsolve(sparse.csc_array(sparse.diags_array(weights) + penalty), weights * ys)
        weights = np.where(ys > level, asymmetry, 1 - asymmetry)
    return level


def _peaks(xs: NDArray[Any], ys: NDArray[Any], prominence: float) -> list[dict[str, Any]]:
    import numpy as np
    from scipy.signal import find_peaks, peak_widths

    height = float(np.ptp(ys))
    if height == 0:
        return []
    tops, properties = find_peaks(ys, prominence=prominence / 100 * height)
    _, _, left, right = peak_widths(ys, tops, rel_height=0.5)
    index = np.arange(len(xs))
    begin, end = np.interp(left, index, xs), np.interp(right, index, xs)
    return [
        {
            "position": _vertex(xs, ys, top),
            "height": float(ys[top]),
            "prominence": float(properties["prominences"][i]),
            "width": float(end[i] - begin[i]),
        }
        for i, top in enumerate(int(t) for t in tops)
    ]


def _vertex(xs: NDArray[Any], ys: NDArray[Any], top: int) -> float:
    """Return the top of the parabola through the highest point and its neighbours."""
    (a, b, c), (fa, fb, fc) = xs[top - 1 : top + 2], ys[top - 1 : top + 2]
    below = (b - a) * (fb - fc) - (b - c) * (fb - fa)
    if below == 0:
        return float(b)
    return float(b - 0.5 * ((b - a) ** 2 * (fb - fc) - (b - c) ** 2 * (fb - fa)) / below)


def _sticks(xs: NDArray[Any], ys: NDArray[Any], least: float) -> list[dict[str, Any]]:
    base = float(ys.max())
    return [
        {"position": float(x), "height": float(y), "prominence": None, "width": None}
        for x, y in zip(xs, ys, strict=True)
        if base > 0 and y >= least / 100 * base
    ]


def _picture(
    kind: Kind,
    xs: NDArray[Any],
    ys: NDArray[Any],
    level: NDArray[Any],
    peaks: list[dict[str, Any]],
    what: str,
    sticks: bool,
) -> Panel:
    natural = _NATURAL[kind]
    shown = sorted(peaks, key=lambda p: -p["height"])[:15]
    series = [Series(label="spectrum", x=xs.tolist(), y=ys.tolist(), style="sticks" if sticks else "line")]
    if level.any():
        series.append(Series(label="baseline", x=xs.tolist(), y=level.tolist()))
    return Panel(
        x_label=_NAMES[natural], x_unit=_PINT[natural], y_label=what, series=series,
        marks=[Mark(x=p["position"], label=f"{p['position']:.{2 if natural == 'ppm' else 0}f}") for p in shown],
        x_reversed=kind in ("ir", "nmr_1h", "nmr_13c"),
    )  # fmt: skip
