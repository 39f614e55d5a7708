"""Spectra from files: JCAMP-DX and tables of two columns."""

from __future__ import annotations

import contextlib
import csv
import io
from typing import NamedTuple

from benchmate.tools.files import DataFile

_JCAMP = (".jdx", ".dx", ".jcamp")
_TABLES = (".csv", ".tsv", ".txt", ".xy", ".dat", ".asc")


class Spectrum(NamedTuple):
    """A spectrum as a file gives it; units and title are empty where the file says none."""

    x: list[float]
    y: list[float]
    x_unit: str = ""
    y_unit: str = ""
    title: str = ""


def read_spectrum(file: DataFile) -> Spectrum:
    """Return the one spectrum of a JCAMP-DX file or of a table of two columns.

    Raises InvalidInput (`bad_file`): another format, several spectra, a failed check of JCAMP-DX, a table without numbers.
    """
    if file.suffix in _JCAMP or file.text().lstrip().upper().startswith("##TITLE"):
        return _read_jcamp(file)
    if file.suffix in _TABLES:
        return _read_table(file)
    raise file.bad(
        f"is no spectrum: {file.suffix or 'no suffix'}", f"known: {', '.join((*_JCAMP, *_TABLES))}"
    )


def _read_jcamp(file: DataFile) -> Spectrum:
    import jcamp  # type: ignore[import-untyped]

    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):  # the package prints failed checks and goes on
            read = jcamp.read(file.text().splitlines(keepends=True))
    except (ValueError, KeyError, IndexError, TypeError, ZeroDivisionError) as error:
        raise file.bad(f"is not JCAMP-DX that can be read: {error}") from None
    if read.get("children"):
        raise file.bad(f"holds {len(read['children'])} spectra in blocks", "save the one that is meant")
    if "check failed" in said.getvalue().lower():
        raise file.bad(f"is damaged: {said.getvalue().splitlines()[0]}", "save it again, without compression")
    x, y = (
        [float(value) for value in read.get(key, ())] for key in ("x", "y")
    )  # factors are applied by the package
    points = read.get("npoints")
    if not x or len(x) != len(y) or (isinstance(points, int) and points != len(y)):
        raise file.bad(f"says {points} points and holds {len(y)}")
    return Spectrum(
        x, y, str(read.get("xunits", "")), str(read.get("yunits", "")), str(read.get("title", ""))
    )


def _read_table(file: DataFile) -> Spectrum:
    lines = [line for line in file.text().splitlines() if line.strip() and line.lstrip()[0] not in "#%"]
    if not lines:
        raise file.bad("is empty")
    comma = next((c for c in ("\t", ";", ",") if c in lines[-1]), None)
    rows = list(csv.reader(lines, delimiter=comma)) if comma else [line.split() for line in lines]
    header = [] if _numbers(rows[0]) else rows.pop(0)
    x, y = [], []
    for number, row in enumerate(rows, start=2 if header else 1):
        values = _numbers(row)
        if values is None or len(values) != 2:
            raise file.bad(
                f"row {number} is not two numbers: {' '.join(row)[:60]!r}",
                "keep two columns, with a decimal point",
            )
        x.append(values[0])
        y.append(values[1])
    return Spectrum(x, y, *(header[:2] if len(header) >= 2 else ("", "")))


def _numbers(row: list[str]) -> list[float] | None:
    try:
        return [float(cell) for cell in row if cell.strip()]
    except ValueError:
        return None
