"""Tables as tools read them: columns of numbers or of words, with units from the headers and missing values told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean
from benchmate.runtime.quantity import display_unit
from benchmate.tools.files import DataFile
from benchmate.tools.statistics.table_files import read_rows
from benchmate.tools.units import read_unit

MOST_CELLS = 5_000_000
MISSING_WORDS = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "-", "–", ".", "?", "missing", "n.d.", "nd"})  # fmt: skip
MISSING_NUMBERS = (-99.0, -999.0, -9999.0, -99999.0)
# what pint would read as a unit and scientists do not mean as one
_NO_UNITS = frozenset(
    {"a.u.", "au", "arb. u.", "arb.u.", "arb. units", "od", "n", "no", "log", "log10", "ln", "raw"}
)
_HEADERS = (
    re.compile(r"(?P<name>.*?\S)\s*\((?P<unit>[^()]+)\)"),
    re.compile(r"(?P<name>.*?\S)\s*\[(?P<unit>[^\[\]]+)\]"),
    re.compile(r"(?P<name>.*?\S)\s+/\s+(?P<unit>\S+)"),  # 't / s', as IUPAC writes it
)
_NUMBER = re.compile(r"[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+−]?\d+)?")
_COMMA_NUMBER = re.compile(r"[-+−]?\d+,\d+(?:[eE][-+−]?\d+)?")
_THOUSANDS = re.compile(r"[-+−]?[1-9]\d{0,2}(?:,\d{3})+")


@dataclass(frozen=True)
class Column:
    """One column: numbers (NaN where missing) or words (None where missing)."""

    header: str
    name: str
    unit: str
    numbers: NDArray[np.float64] | None
    words: tuple[str | None, ...] | None

    @property
    def size(self) -> int:
        return len(self.numbers if self.numbers is not None else self.words or ())

    @property
    def missing(self) -> NDArray[np.bool_]:
        if self.numbers is not None:
            return np.isnan(self.numbers)
        return np.array([word is None for word in self.words or ()], dtype=bool)

    def labels(self) -> list[str | None]:
        """Return the values as words, for use as groups."""
        if self.words is not None:
            return list(self.words)
        assert self.numbers is not None
        return [None if np.isnan(v) else f"{v:g}" for v in self.numbers]


@dataclass(frozen=True)
class Table:
    """The columns of a file, and what had to be said about reading it."""

    name: str
    columns: tuple[Column, ...]
    warnings: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return self.columns[0].size

    @property
    def numeric(self) -> list[Column]:
        return [column for column in self.columns if column.numbers is not None]

    def column(self, name: str) -> Column:
        """Return a column by its header or by its header without the unit, in any case.

        Raises NotFound (`unknown_column`) with the nearest header.
        """
        wanted = " ".join(name.split())
        for key in ("header", "name"):
            for fold in (str, str.casefold):  # 't' and 'T' may stand side by side
                found = [c for c in self.columns if fold(getattr(c, key)) == fold(wanted)]
                if len(found) == 1:
                    return found[0]
        raise NotFound(
            "unknown_column", f"{self.name} has no column {name!r}",
            hint=did_you_mean(name, [c.header for c in self.columns]), details={"column": name},
        )  # fmt: skip

    def number_column(self, name: str) -> Column:
        """Return a column of numbers. Raises NotFound (`unknown_column`), InvalidInput (`not_numeric`)."""
        column = self.column(name)
        if column.numbers is None:
            words = [w for w in column.words or () if w is not None and not _NUMBER.fullmatch(w)]
            raise InvalidInput(
                "not_numeric", f"the column {column.header!r} of {self.name} holds words such as {words[0]!r}"
                if words else f"the column {column.header!r} of {self.name} holds no number",
                hint=f"columns of numbers: {', '.join(c.header for c in self.numeric) or 'none'}",
            )  # fmt: skip
        return column

    def complete(self, names: Sequence[str]) -> tuple[list[Column], list[str]]:
        """Return these columns without the rows where one of them is missing, and a warning that counts those rows.

        Raises NotFound (`unknown_column`), InvalidInput (`no_rows`).
        """
        columns = [self.column(name) for name in names]
        keep = ~np.any([c.missing for c in columns], axis=0)
        if not keep.any():
            raise InvalidInput("no_rows", f"no row of {self.name} has all of {', '.join(names)}")
        left_out = int((~keep).sum())
        notes = [f"{left_out} of {self.rows} rows lack a value and were left out"] if left_out else []
        return [_only(column, keep) for column in columns], notes


def _only(column: Column, keep: NDArray[np.bool_]) -> Column:
    words = None if column.words is None else tuple(w for w, k in zip(column.words, keep, strict=True) if k)
    numbers = None if column.numbers is None else column.numbers[keep]
    return Column(column.header, column.name, column.unit, numbers, words)


def read_table(file: DataFile, sheet: str | None = None) -> Table:
    """Return the table in a CSV, TSV, Excel, Parquet or JSON file.

    Numbers may have a decimal comma where the file leaves no doubt; that, taken missing codes such as -999, renamed
    columns and skipped lines are warned of.

    Raises InvalidInput: `bad_file`, `too_large`, `ambiguous_number`; NotFound (`no_such_sheet`).
    """
    headers, rows, warnings = read_rows(file, sheet)
    if not rows:
        raise file.bad("holds a header and no row of data" if headers else "holds no table")
    if len(headers) * len(rows) > MOST_CELLS:
        raise InvalidInput(
            "too_large", f"{file.name} has {len(rows)} rows of {len(headers)} columns",
            hint=f"at most {MOST_CELLS:,} cells are read; give a part of the table",
        )  # fmt: skip
    headers, renamed = _distinct(headers)
    raw = [[row[i] for row in rows] for i in range(len(headers))]
    comma = _decimal_comma(file, raw)
    notes: list[str] = [*warnings, *renamed]
    columns = []
    for header, cells in zip(headers, raw, strict=True):
        column, said = _column(header, cells, comma)
        columns.append(column)
        notes += said
    if comma:
        notes.append("numbers were read with a decimal comma")
    return Table(file.name, tuple(columns), tuple(notes))


def read_header(header: str) -> tuple[str, str]:
    """Return (name, unit as pint writes it) of a header such as 'time (s)', 'mass [mg]' or 't / s'; no unit is ''."""
    for pattern in _HEADERS:
        found = pattern.fullmatch(header)
        if found is None or found["unit"].strip().casefold() in _NO_UNITS:
            continue
        try:
            return found["name"], read_unit(found["unit"]).unit
        except InvalidInput:  # '(crude)': a remark, no unit
            continue
    return header, ""


def axis(column: Column) -> str:
    """Return what to write at an axis: the header, its unit as a reader expects it."""
    return f"{column.name} ({display_unit(column.unit)})" if column.unit else column.header


def slug(text: str) -> str:
    """Return a text as part of a key: 'petal length (cm)' is 'petal_length_cm'."""
    return re.sub(r"\W+", "_", text.strip().casefold()).strip("_") or "x"


def distinct_slugs(names: Iterable[str]) -> dict[str, str]:
    """Return a key for each name; names that would share one get a number."""
    keys: dict[str, str] = {}
    for name in names:
        key, count = slug(name), 1
        while key in keys.values():
            count += 1
            key = f"{slug(name)}_{count}"
        keys.setdefault(name, key)
    return keys


def _distinct(headers: Iterable[str]) -> tuple[list[str], list[str]]:
    seen: dict[str, int] = {}
    names, notes = [], []
    for place, header in enumerate(headers, 1):
        name = " ".join(header.split()) or f"column {place}"
        seen[name.casefold()] = count = seen.get(name.casefold(), 0) + 1
        if count > 1:
            notes.append(f"a second column {name!r} is called '{name} #{count}'")
            name = f"{name} #{count}"
        names.append(name)
    return names, notes


def _decimal_comma(file: DataFile, raw: list[list[Any]]) -> bool:
    """Return whether ',' is the decimal sign of the file. Raises InvalidInput (`ambiguous_number`)."""
    texts = [cell.strip() for column in raw for cell in column if isinstance(cell, str) and "," in cell]
    numbers = [text for text in texts if _COMMA_NUMBER.fullmatch(text) or _THOUSANDS.fullmatch(text)]
    if not numbers:
        return False
    if any(not _THOUSANDS.fullmatch(text) for text in numbers):
        return True
    points = any(
        isinstance(cell, str) and re.fullmatch(r"\s*[-+−]?\d*\.\d+\s*", cell) for column in raw for cell in column
    )  # fmt: skip
    if points:
        return False
    raise InvalidInput(
        "ambiguous_number", f"{numbers[0]!r} in {file.name} may be a thousand or have a decimal comma",
        hint="write numbers with a decimal point and without separators of thousands",
    )  # fmt: skip


def _column(header: str, cells: list[Any], comma: bool) -> tuple[Column, list[str]]:
    name, unit = read_header(header)
    numbers = np.full(len(cells), np.nan)
    words: list[str | None] = []
    numeric = True
    for place, cell in enumerate(cells):
        if cell is None or (isinstance(cell, float) and np.isnan(cell)):
            words.append(None)
            continue
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            numbers[place] = cell
            words.append(f"{cell:g}")
            continue
        text = str(cell).strip()
        if text.casefold() in MISSING_WORDS:
            words.append(None)
            continue
        words.append(text)
        value = _number(text, comma) if numeric else None
        if value is None:
            numeric = False
        else:
            numbers[place] = value
    if not numeric or all(word is None for word in words):
        return Column(header, name, unit, None, tuple(words)), []
    if np.isinf(numbers).any():
        row = int(np.flatnonzero(np.isinf(numbers))[0]) + 1
        raise InvalidInput("not_finite", f"row {row} of {header!r} is not finite")
    notes = _without_codes(header, numbers)
    return Column(header, name, unit, numbers, None), notes


def _number(text: str, comma: bool) -> float | None:
    text = text.replace("−", "-")
    if comma and _COMMA_NUMBER.fullmatch(text):
        text = text.replace(",", ".")
    elif not comma and _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    return float(text) if _NUMBER.fullmatch(text) else None


def _without_codes(header: str, numbers: NDArray[np.float64]) -> list[str]:
    """Take -999 and its like as missing where no other value is nearly as low, and say so; else only say so."""
    notes = []
    for code in MISSING_NUMBERS:
        coded = numbers == code
        if not coded.any():
            continue
        rest = numbers[~coded & ~np.isnan(numbers)]
        if rest.size and rest.min() > code / 2:
            numbers[coded] = np.nan
            notes.append(f"{header!r}: {int(coded.sum())} values of {code:g} were taken as missing")
        else:
            notes.append(f"{header!r} holds {code:g}, which may mean missing; it was kept as a number")
    return notes
