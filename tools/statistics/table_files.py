"""The rows of a table file, as they stand in it: text with a separator that is found out, Excel, Parquet, JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from typing import Any

from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean
from benchmate.tools.files import DataFile

MOST_TEXT = 60_000_000  # bytes of a text table
_SEPARATORS = ("\t", ";", ",", "|")
_LOOKED_AT = 50  # lines that decide on the separator
_EXCEL = {".xlsx", ".xlsm"}
_PARQUET = {".parquet", ".pq"}

Rows = tuple[list[str], list[list[Any]], list[str]]  # headers, rows, warnings


def read_rows(file: DataFile, sheet: str | None = None) -> Rows:
    """Return headers, rows and warnings of a table file; its name's suffix says what it is.

    Raises InvalidInput (`bad_file`, `too_large`), NotFound (`no_such_sheet`).
    """
    if sheet is not None and file.suffix not in _EXCEL:
        raise file.bad(f"has no sheets such as {sheet!r}", "leave out sheet")
    if file.suffix in _EXCEL:
        return _excel(file, sheet)
    if file.suffix == ".xls":
        raise file.bad("is in the old Excel format", "save it as .xlsx or CSV")
    if file.suffix in _PARQUET:
        return _parquet(file)
    if file.size > MOST_TEXT:
        raise InvalidInput("too_large", f"{file.name} is larger than {MOST_TEXT // 1_000_000} MB of text")
    if file.suffix == ".json":
        return _json(file)
    return _text(file)


def _text(file: DataFile) -> Rows:
    text = file.text()
    if "\0" in text:
        raise file.bad(
            "is no table: it holds bytes that are no text", "give CSV, TSV, .xlsx, .parquet or JSON records"
        )
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    comments = sum(line.startswith("#") for line in text.splitlines())
    warnings = [f"{comments} lines that begin with # were skipped"] if comments else []
    if not lines:
        raise file.bad("is empty")
    separator = _separator(lines[:_LOOKED_AT])
    if separator is None:
        rows: list[list[str]] = [line.split() for line in lines]
    else:
        rows = [row for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=separator) if row]
    rows = [[cell.strip() for cell in row] for row in rows]
    width = len(rows[0])
    for number, row in enumerate(rows, 1):
        if len(row) == width + 1 and not row[-1]:
            row.pop()  # a separator at the end of the line
        if len(row) != width:
            raise file.bad(f"has {len(row)} cells in row {number} and {width} in its first row")
    if all(map(_is_number, rows[0])):
        warnings.append("the file has no header; its columns are called column 1, column 2, …")
        return [f"column {i}" for i in range(1, width + 1)], list(rows), warnings
    return rows[0], list(rows[1:]), warnings


def _separator(lines: list[str]) -> str | None:
    """Return the separator that cuts every line alike, '' cells included; None is white space."""
    widths = {}
    for separator in _SEPARATORS:
        counts = {len(row) for row in csv.reader(lines, delimiter=separator) if row}
        if max(counts) - min(counts) <= 1 and min(counts) > 1:
            widths[separator] = min(counts)
    if ";" in widths and "," in widths:
        del widths[","]  # the comma is a decimal sign there
    if widths:
        return max(widths, key=lambda s: (widths[s], -_SEPARATORS.index(s)))
    separated = [s for s in _SEPARATORS if all(s in line for line in lines)]
    if separated:
        return separated[0]  # rows of unequal length: the reader will name the row
    parts = {len(line.split()) for line in lines}
    numbers = all(map(_is_number, lines[-1].split()))
    return None if len(parts) == 1 and parts != {1} and numbers else ","


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text.replace(",", ".")))
    except ValueError:
        return False


def _excel(file: DataFile, sheet: str | None) -> Rows:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(io.BytesIO(file.content()), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise file.bad(f"is no Excel workbook: {error}") from None
    names = book.sheetnames
    if sheet is not None and sheet not in names:
        raise NotFound(
            "no_such_sheet", f"{file.name} has no sheet {sheet!r}", hint=did_you_mean(sheet, names)
        )
    chosen = sheet or names[0]
    warnings = (
        []
        if sheet or len(names) == 1
        else [f"read the sheet {chosen!r}; there is also {', '.join(names[1:])}"]
    )
    rows = [[_cell(v) for v in row] for row in book[chosen].iter_rows(values_only=True)]
    book.close()
    rows = [row for row in rows if any(v not in (None, "") for v in row)]
    if not rows:
        raise file.bad(f"holds nothing in the sheet {chosen!r}")
    used = [i for i in range(len(rows[0])) if any(row[i] not in (None, "") for row in rows)]
    rows = [[row[i] for i in used] for row in rows]
    return ["" if v is None else str(v) for v in rows[0]], rows[1:], warnings


def _parquet(file: DataFile) -> Rows:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    try:
        table = parquet.read_table(io.BytesIO(file.content()))
    except arrow.ArrowException as error:
        raise file.bad(f"is no Parquet file: {error}") from None
    columns = [[_cell(v) for v in table.column(i).to_pylist()] for i in range(table.num_columns)]
    return [str(n) for n in table.column_names], [list(row) for row in zip(*columns, strict=True)], []


def _json(file: DataFile) -> Rows:
    try:
        held = json.loads(file.text())
    except (json.JSONDecodeError, RecursionError) as error:
        raise file.bad(f"is no JSON: {error}") from None
    if isinstance(held, dict) and held and all(isinstance(v, list) for v in held.values()):
        if len({len(v) for v in held.values()}) != 1:
            raise file.bad("has columns of unequal length")
        return list(held), [[_cell(v) for v in row] for row in zip(*held.values(), strict=True)], []
    if isinstance(held, list) and held and all(isinstance(record, dict) for record in held):
        headers = list(dict.fromkeys(name for record in held for name in record))
        return headers, [[_cell(record.get(name)) for name in headers] for record in held], []
    raise file.bad("holds no table", "write a list of records, or columns by name")


def _cell(value: Any) -> Any:
    """Return a cell as a number, a word or None; dates become ISO text."""
    if value is None or isinstance(value, str | int | float):
        return str(value).lower() if isinstance(value, bool) else value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
