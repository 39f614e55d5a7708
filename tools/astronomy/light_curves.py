"""Reading light curves: FITS tables of Kepler and TESS by their column names, and text tables, with what was left out counted."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from benchmate.runtime.errors import InvalidInput, did_you_mean
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ColumnName, Unit
from benchmate.tools.astronomy.quality_flags import count_flags, mission_of
from benchmate.tools.astronomy.time_series import MOST, TimeSeries, make_series
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import LIGHT_CURVES
from benchmate.tools.files import DataFile
from benchmate.tools.plots import Panel, Series, save_plot

if TYPE_CHECKING:
    from numpy.typing import NDArray

YEARS = ("year", "years", "decimal_year")
JULIAN_YEAR = 365.25  # d
TIMES = ("time", "t", "btjd", "bkjd", "bjd", "bjd_tdb", "hjd", "mjd", "jd", "days", "day", *YEARS)
VALUES = (
    "pdcsap_flux", "kspsap_flux", "flux", "sap_flux", "mag", "magnitude", "rel_flux", "relative_flux", "normalized_flux",
    "value", "rv", "velocity", "y", "tmag", "vmag", "gmag",
)  # fmt: skip
QUALITIES = ("quality", "sap_quality", "flag", "flags", "quality_flag")
_ERROR = re.compile(r"(?:{0}_?(?:err|error|unc|uncertainty|sigma)|(?:e|err|sigma|d)_?{0})$".replace("{0}", "(?:flux|mag|value|rv|y)"))  # fmt: skip
_FITS_START = b"SIMPLE"
_REFERENCES = {2_457_000.0: "BTJD = BJD − 2457000 (TDB)", 2_454_833.0: "BKJD = BJD − 2454833 (TDB)"}
_NAMED_TIMES = {
    "btjd": _REFERENCES[2_457_000.0], "bkjd": _REFERENCES[2_454_833.0], "bjd_tdb": "BJD (TDB)",
    "bjd": "BJD, scale not stated", "hjd": "HJD, scale not stated", "jd": "JD, scale not stated", "mjd": "MJD, scale not stated",
}  # fmt: skip


def given_series(
    times: list[float] | None,
    values: list[float] | None,
    errors: list[float] | None,
    file: DataFile | None,
    *,
    what: str,
) -> TimeSeries:
    """Return the series that a tool was given: as lists, or as a light curve in a file.

    Raises InvalidInput: `incomplete`, and what reading the file and `make_series` raise.
    """
    if file is not None and times is None and values is None and errors is None:
        return clean(read_light_curve_file(file))[0]
    if file is None and times is not None and values is not None:
        return make_series(times, values, errors, name=what)
    raise InvalidInput(
        "incomplete",
        f"a series is times and {what}, or a file",
        hint=f"give times and {what}, or file, not both",
    )


@dataclass(frozen=True)
class LightCurveFile:
    """What a file holds: its columns, which are taken, and what the header says of target, mission and time."""

    columns: dict[str, NDArray[np.float64]]
    time: str
    value: str
    error: str | None
    quality: str | None
    units: dict[str, str]
    time_system: str
    target: dict[str, Any]
    mission: str | None
    notes: tuple[str, ...] = ()


@tool(
    domain="astronomy",
    files=LIGHT_CURVES,
    properties={
        "point_count": "number of points, cadences in the file, rows",
        "kept_count": "points kept, good cadences, usable points",
        "nan_count": "points without a number, NaN, missing points, gaps in the flux",
        "flagged_count": "points with a quality flag, flagged cadences, quality flags",
        "time_span": "time span, baseline, duration of the light curve, length",
        "cadence": "cadence, sampling interval, exposure interval, time step",
        "largest_gap": "largest gap, longest gap",
        "median_value": "median flux, median magnitude, brightness",
        "scatter": "point-to-point scatter, noise, photometric precision, CDPP",
    },
    examples=(
        "load the light curve tess2019_s0012_lc.fits",
        "What is in kplr008462852_llc.fits?",
        "read lightcurve.csv and plot it",
        "how many cadences of tess_lc.fits have quality flags?",
        "cadence and time span of the light curve star.csv",
        "noise of the light curve in kepler10.fits",
    ),
    extra="astro",
    example={"file": "sample:sunspots"},
)
def load_lightcurve(
    file: DataFile,
    context: ToolContext,
    value_column: Annotated[str | None, ColumnName("use, value, flux, magnitude")] = None,
    time_column: Annotated[str | None, ColumnName("time, times", named_only=True)] = None,
    quality_bitmask: Annotated[int | None, Unit("", "quality bitmask, bitmask"), Field(ge=0)] = None,
) -> ToolResult:
    """Read a light curve from a FITS table (Kepler, TESS) or a text table, leave out bad points, count them, and plot it.

    PDCSAP_FLUX is taken before SAP_FLUX. Every point with a quality flag is left out unless a bitmask chooses the flags.
    The cleaned points are kept as lightcurve.csv, for find_period and search_transits.

    Raises InvalidInput: `bad_file`, `unknown_column`, `no_column`, `too_few_points`, `too_many_points`.

    Args:
        file: A FITS file with a table that has a time column, or a CSV, TSV or space-separated table.
        value_column: The column to take; by default PDCSAP_FLUX, flux, mag and the like.
        time_column: The column of times; by default TIME, BJD, JD and the like.
        quality_bitmask: Which quality bits exclude a point, as one number; 0 keeps all. By default any bit.
    """
    import astropy

    read = read_light_curve_file(file, time_column=time_column, value_column=value_column)
    series, counts = clean(read, quality_bitmask)
    cadence = series.spacing
    gaps = np.diff(series.time)
    middle = float(np.median(series.value))
    relative = "flux" in series.name.lower() and middle > 0
    unit = series.unit
    shown = {"column": read.value, **({"unit": unit} if unit else {})}
    quantities = {
        "point_count": Quantity(value=counts["points"], property="point_count"),
        "kept_count": Quantity(value=series.time.size, property="kept_count"),
        "nan_count": Quantity(value=counts["not_finite"], property="nan_count"),
        "time_span": Quantity(value=series.span, unit="d", property="time_span"),
        "cadence": Quantity(value=cadence * 1440, unit="min", property="cadence", method="median distance of neighbours"),
        "largest_gap": Quantity(value=float(gaps.max()), unit="d", property="largest_gap"),
        "median_value": Quantity(value=middle, property="median_value", conditions=shown),
        "scatter": Quantity(
            value=series.scatter / middle * 1e6 if relative else series.scatter, unit="ppm" if relative else "", property="scatter",
            method="median absolute difference of neighbours, as a standard deviation", conditions=shown,
        ),
    }  # fmt: skip
    data: dict[str, Any] = {
        "columns": list(read.columns), "time_column": read.time, "value_column": read.value, "error_column": read.error,
        "value_unit": unit or None, "time_system": series.time_system, "first_time": float(series.time[0]),
        "last_time": float(series.time[-1]), "target": read.target, "mission": read.mission,
    }  # fmt: skip
    if read.quality is not None:
        quantities["flagged_count"] = Quantity(value=counts["flagged"], property="flagged_count")
        data["quality_flags"] = count_flags(read.columns[read.quality], read.mission)
    y_label = "magnitude" if series.magnitudes else read.value
    pictures = save_plot(
        context,
        f"Light curve of {file.name}",
        [
            Panel(
                x_label=f"time, {series.time_system}", x_unit="d", y_reversed=series.magnitudes,
                y_label=f"{y_label} [{unit}]" if unit and not series.magnitudes else y_label,
                series=[Series(x=series.time.tolist(), y=series.value.tolist(), style="points", label="kept points")],
            )
        ],
        name="lightcurve",
    )  # fmt: skip
    return ToolResult(
        data=data,
        quantities=quantities,
        artifacts=(context.save("cleaned_lightcurve.csv", "text/csv", as_csv(series)), *pictures),
        source=Source(kind="computed", name=f"astropy {astropy.__version__}", reference=file.name),
        warnings=series.notes,
    )


def read_light_curve_file(
    file: DataFile, *, time_column: str | None = None, value_column: str | None = None
) -> LightCurveFile:
    """Return what a file holds. Raises InvalidInput: `bad_file`, `unknown_column`, `no_column`."""
    fits = file.suffix in (".fits", ".fit") or file.content()[:6] == _FITS_START
    columns, units, header = _fits_table(file) if fits else (*_text_table(file), {})
    time = _choose(columns, time_column, TIMES, "time", file)
    value = _choose({k: v for k, v in columns.items() if k != time}, value_column, VALUES, "flux or magnitude", file)  # fmt: skip
    lower = {name.lower(): name for name in columns}
    error = lower.get(f"{value.lower()}_err") or next((n for low, n in lower.items() if _ERROR.match(low) or low in ("error", "err", "sigma", "uncertainty")), None)  # fmt: skip
    quality = next((lower[name] for name in QUALITIES if name in lower), None)
    notes = []
    if time.lower() in YEARS:
        columns[time] = columns[time] * JULIAN_YEAR
        system = "years counted as 365.25 d, not stated"
        notes.append("times in years were converted to days, 365.25 d each")
    else:
        system, note = _time_system(header, time, columns[time])
        notes += [note] if note else []
    target = {k.lower(): header[k] for k in ("OBJECT", "TICID", "KEPLERID", "SECTOR", "QUARTER", "CAMPAIGN", "RA_OBJ", "DEC_OBJ", "TESSMAG", "KEPMAG") if header.get(k) is not None}  # fmt: skip
    return LightCurveFile(
        columns, time, value, error, quality, units, system, target, mission_of(header), tuple(notes)
    )


def clean(read: LightCurveFile, bitmask: int | None = None) -> tuple[TimeSeries, dict[str, int]]:
    """Return the good points and counts of the others: points that are no number, and flagged ones."""
    time, value = read.columns[read.time], read.columns[read.value]
    finite = np.isfinite(time) & np.isfinite(value)
    flagged = np.zeros(time.size, bool)
    notes = list(read.notes)
    if read.quality is not None:
        flags = np.nan_to_num(read.columns[read.quality]).astype(np.int64)
        flagged = (flags if bitmask is None else flags & bitmask) != 0
        if flagged.any():
            chosen = "any quality flag" if bitmask is None else f"a quality flag within {bitmask}"
            notes.append(f"{int((flagged & finite).sum())} points with {chosen} were left out")
    if not finite.all():
        notes.append(f"{int((~finite).sum())} points without a time or value (NaN) were left out")
    good = finite & ~flagged
    error = read.columns[read.error] if read.error else None
    name = read.value.lower()
    series = make_series(
        time[good], value[good], None if error is None else error[good], name=read.value,
        unit=read.units.get(read.value, ""), time_system=read.time_system,
        magnitudes="mag" in name or read.units.get(read.value, "").lower().startswith("mag"), notes=tuple(notes),
    )  # fmt: skip
    return series, {
        "points": int(time.size), "not_finite": int((~finite).sum()), "flagged": int(flagged.sum())
    }  # fmt: skip


def as_csv(series: TimeSeries) -> bytes:
    """Return the series as a table that `read_light_curve_file` reads again."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    value = "mag" if series.magnitudes else "flux"
    for start, stated in _NAMED_TIMES.items():
        if stated == series.time_system:
            time = start
            break
    else:
        time = "time"
    writer.writerow([time, value] + ([f"{value}_err"] if series.error is not None else []))
    rows = zip(series.time.tolist(), series.value.tolist(), *([series.error.tolist()] if series.error is not None else []), strict=True)  # fmt: skip
    writer.writerows([repr(number) for number in row] for row in rows)
    return lines.getvalue().encode()


def _fits_table(
    file: DataFile,
) -> tuple[dict[str, NDArray[np.float64]], dict[str, str], dict[str, Any]]:
    """Return the scalar numeric columns of the first table that has a time, their units, and both headers' keywords."""
    import warnings

    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)  # a header that bends the standard is still read
            with fits.open(io.BytesIO(file.content()), memmap=False) as opened:
                tables = [hdu for hdu in opened if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
                if not tables:
                    raise file.bad(
                        "holds no table", hint="a light curve is a binary table; this may be an image"
                    )
                table = next(
                    (
                        hdu
                        for hdu in tables
                        if {(name or "").lower() for name in hdu.columns.names} & set(TIMES)
                    ),
                    tables[0],
                )
                header = dict(opened[0].header) | dict(table.header)
                columns, units = {}, {}
                for column in (c for c in table.columns if c.name):
                    values = np.asarray(table.data[column.name])
                    if values.ndim == 1 and values.dtype.kind in "iufb":
                        columns[column.name] = values.astype(np.float64)
                        units[column.name] = column.unit or ""
    except (fits.VerifyError, OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise file.bad(f"is no FITS file that can be read: {error}") from None  # fmt: skip
    if not columns:
        raise file.bad("has a table without columns of numbers")
    return columns, units, header


def _text_table(file: DataFile) -> tuple[dict[str, NDArray[np.float64]], dict[str, str]]:
    """Return the columns of a text table; what is no number becomes NaN. '#' begins a comment, which may hold the names."""
    lines = [line.strip() for line in file.text().splitlines() if line.strip()]
    comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
    rows = [line for line in lines if not line.startswith("#")]
    if len(rows) > MOST + 1:
        raise InvalidInput("too_many_points", f"{file.name} has more than {MOST} rows", hint="bin it")
    if len(rows) < 2:
        raise file.bad("holds no table of numbers")
    delimiter = next((mark for mark in ",;\t" if mark in rows[-1]), None)

    def split(line: str) -> list[str]:
        return [cell.strip().strip('"') for cell in (line.split(delimiter) if delimiter else line.split())]

    first = split(rows[0])
    named = not all(map(_is_number, first))
    names = first if named else split(comments[-1]) if comments else []
    body = [split(line) for line in (rows[1:] if named else rows)]
    width = len(first)
    ragged = next((i for i, row in enumerate(body, 2 if named else 1) if len(row) != width), None)
    if ragged is not None:
        raise file.bad(
            f"has a row of another width than its first: row {ragged} of the table, {width} columns"
        )
    if len(names) != width:
        names = ["time", "value", "error", *(f"column_{i}" for i in range(4, width + 1))][:width]
    table = np.array([[_number(cell) for cell in row] for row in body])
    if width < 2 or not np.isfinite(table).any():
        raise file.bad("holds no columns of numbers", hint="a light curve has a time and a value a row")
    return {name: table[:, i] for i, name in enumerate(names)}, {}


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf|", cell, re.I))


def _number(cell: str) -> float:
    return float(cell) if cell and _is_number(cell) else float("nan")


def _choose(
    columns: dict[str, NDArray[np.float64]], given: str | None, known: tuple[str, ...], what: str, file: DataFile
) -> str:  # fmt: skip
    lower = {name.lower(): name for name in columns}
    if given is not None:
        if given.lower() not in lower:
            raise InvalidInput(
                "unknown_column", f"{file.name} has no column {given!r}", hint=did_you_mean(given, columns)
            )
        return lower[given.lower()]
    found = next((lower[name] for name in known if name in lower), None)
    if found is None and what == "time":
        found = next(
            (name for low, name in lower.items() if low.startswith(("time", "bjd", "hjd", "jd"))), None
        )
    if found is None and len(columns) == 1:
        found = next(iter(columns))
    if found is None:
        raise InvalidInput(
            "no_column", f"{file.name} has no column that is known to be a {what}",
            hint=f"name one of {', '.join(columns)}",
        )  # fmt: skip
    return found


def _time_system(header: dict[str, Any], column: str, times: NDArray[np.float64]) -> tuple[str, str | None]:
    """Return the time system as the header or the column's name says it, or a note that it was not said."""
    if "BJDREFI" in header:
        reference = float(header["BJDREFI"]) + float(header.get("BJDREFF", 0.0))
        scale = str(header.get("TIMESYS", "TDB")).strip()
        return _REFERENCES.get(reference, f"BJD − {reference:g} ({scale})"), None
    name = column.lower()
    if name in _NAMED_TIMES:
        system = _NAMED_TIMES[name]
        note = (
            "UTC and TDB differ by more than a minute, and geocentric and barycentric times by up to 8.3 min"
        )
        return system, f"times are {system}: {note}" if "not stated" in system else None
    middle = float(np.nanmedian(times)) if np.isfinite(times).any() else 0.0
    looks = "JD" if 2.3e6 < middle < 2.6e6 else "MJD" if 4e4 < middle < 7e4 else "days"
    return (
        f"{looks}, not stated",
        f"the file does not state its time system; by their size the times are {looks}",
    )
