"""Compounds from files: SDF, MOL, SMILES, CSV, TSV, Excel. Every row comes out, with the reason where it cannot be read."""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from benchmate.runtime.errors import InvalidInput, did_you_mean
from benchmate.tools.extras import require

COMPOUND_SUFFIXES = (".sdf", ".mol", ".csv", ".tsv", ".xlsx", ".smi", ".smiles")
MAX_ROWS = 100_000
_DATE = "\0date"  # stands for a cell that Excel holds as a date: '50-78-2' and '1-2' are easily made one
_MAX_UNPACKED = 500_000_000  # bytes a workbook may unpack to

# Column names in order of preference, without case, blanks and signs.
_KNOWN_COLUMNS: dict[str, tuple[str, ...]] = {
    "smiles": ("smiles", "isomericsmiles", "canonicalsmiles", "smilesstring", "structuresmiles", "structure"),
    "name": (
        "name", "compoundname", "compound", "moleculename", "molecule", "commonname", "preferredname", "title", "drug",
    ),
    "id": (
        "id", "registryid", "compoundid", "moleculeid", "catalogid", "catalognumber", "cas", "casnumber",
        "casrn", "chemblid", "moleculechemblid", "zincid", "pubchemcid", "cid", "pubchemcompoundcid", "batch", "batchid",
        "lot", "lotid", "sample", "sampleid",
    ),
}  # fmt: skip

Record = dict[str, Any]
Told = Mapping[str, str | None]


def read_compound_rows(name: str, content: bytes, told: Told, called: str | None = None) -> list[Record]:
    """Return one record {name?, smiles?, registry_id?, source, problem?} for every row of a compound file, in order.

    `told` says which columns (or data fields) hold `smiles`, `name` and `id`; those left out are found by their names.
    A row that cannot be read becomes a record whose resolution fails with its place in the file and the reason.
    `called` is what errors call the file. For the file as a whole: raises InvalidInput (`bad_file`) and, for a workbook,
    Unavailable (`missing_extra`).
    """
    file = _File(name, called or name, content)
    if file.suffix not in _READERS:
        raise file.bad(
            f"is not a compound file: {file.suffix or 'no suffix'}", f"known: {', '.join(COMPOUND_SUFFIXES)}"
        )
    records = []
    for record in _READERS[file.suffix](file, told):
        records.append(record)
        if len(records) > MAX_ROWS:
            raise file.bad(f"holds more than {MAX_ROWS} compounds", "split the file")
    if not records:
        raise file.bad("holds no compounds")
    return records


class _File:
    """A file that is read: its name, what errors call it, and its bytes."""

    def __init__(self, name: str, called: str, content: bytes) -> None:
        self.name, self.called, self.content = name, called, content
        self.suffix = PurePath(name).suffix.lower()

    def text(self) -> str:
        try:
            return self.content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError as error:
            raise self.bad(f"is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None

    def bad(self, why: str, hint: str | None = None) -> InvalidInput:
        return InvalidInput("bad_file", f"{self.called} {why}", hint=hint, details={"file": self.called})


# --- the formats --------------------------------------------------------------------------------------------


def _read_sdf(file: _File, told: Told) -> Iterator[Record]:
    from rdkit import Chem

    from benchmate.tools.chemistry.parsing import quiet_rdkit

    text = file.text()
    if not text.strip():
        return
    supplier: Any = Chem.SDMolSupplier()
    supplier.SetData(text)
    for index in range(len(supplier)):
        place, block = f"{file.name} record {index + 1}", supplier.GetItemText(index)
        with quiet_rdkit():  # what is wrong goes into the record, not to the terminal
            molecule = supplier[index]
        fields = _data_fields(block)
        chosen = _choose(fields, told, file)
        title = block.partition("\n")[0].strip()
        name = (fields.get(chosen["name"]) if "name" in chosen else None) or title or None
        identity = fields.get(chosen["id"]) if "id" in chosen else None
        if molecule is None:
            yield _unreadable(place, why_unreadable(block), name, identity)
        elif not molecule.GetNumAtoms():
            yield _unreadable(place, "it has no atoms", name, identity)
        elif relative_stereo(molecule):
            why = "it has stereo groups (AND, OR), which are not read: they stand for mixtures or unknown enantiomers"
            yield _unreadable(place, why, name, identity)
        else:
            yield _record(place, name, Chem.MolToSmiles(molecule), identity)


def _read_table(file: _File, told: Told) -> Iterator[Record]:
    text = file.text()
    header_line = next((line for line in text.splitlines() if line.strip()), "")
    separators = "\t" if file.suffix == ".tsv" else ",;\t"
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(separators, key=header_line.count), strict=True
    )
    try:
        yield from _table_rows(file, told, ((f"line {rows.line_num}", row) for row in rows))
    except csv.Error as error:
        raise file.bad(f"is not a table: line {rows.line_num}: {error}") from None


def _read_workbook(file: _File, told: Told) -> Iterator[Record]:
    """Read the first sheet that has cells; other sheets with cells make the choice unclear and are named."""
    require("data", "reading an Excel workbook")
    import zipfile
    from xml.etree.ElementTree import ParseError

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(file.content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _MAX_UNPACKED:
                raise file.bad("unpacks to more than 500 MB", "split the file")
        book = openpyxl.load_workbook(io.BytesIO(file.content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, TypeError, ValueError) as error:
        raise file.bad(f"is not an Excel workbook: {error}", "save it as .xlsx or CSV") from None
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what some programs write there cuts rows off
        sheets = [sheet for sheet in book.worksheets if _has_cells(sheet)]
        if not sheets:
            return
        if len(sheets) > 1:
            names = ", ".join(sheet.title for sheet in sheets)
            raise file.bad(
                f"has {len(sheets)} sheets with cells: {names}", "keep one sheet, or save it as CSV"
            )
        rows = sheets[0].iter_rows(values_only=True)
        yield from _table_rows(
            file,
            told,
            ((f"row {number}", [_cell(v) for v in row]) for number, row in enumerate(rows, start=1)),
        )
    finally:
        book.close()


def _has_cells(sheet: Any) -> bool:
    return any(any(value is not None for value in row) for row in sheet.iter_rows(values_only=True))


def _cell(value: Any) -> str:
    """Return a cell as text: whole numbers without a decimal point, as Excel shows them; dates marked."""
    if value is None:
        return ""
    if isinstance(value, datetime.date | datetime.time):
        return _DATE
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _table_rows(file: _File, told: Told, rows: Iterable[tuple[str, list[str]]]) -> Iterator[Record]:
    rows = iter(rows)
    header = next(([cell.strip() for cell in row] for _, row in rows if any(c.strip() for c in row)), [])
    while header and not header[-1]:  # a workbook pads its rows; a CSV may end its lines with a separator
        header.pop()
    if not header:
        return
    chosen = _choose(header, told, file)
    if "smiles" not in chosen and "name" not in chosen:
        raise file.bad(
            f"has no column with SMILES or names; its columns: {', '.join(header)}",
            "say which one it is, e.g. columns: {smiles: Structure}",
        )
    for place, row in rows:
        if any(cell.strip() for cell in row):
            yield _table_row(f"{file.name} {place}", header, row, chosen)


def _table_row(place: str, header: Sequence[str], row: Sequence[str], chosen: Mapping[str, str]) -> Record:
    cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
    smiles, name, identity = (
        cells.get(chosen[key]) or None if key in chosen else None for key in ("smiles", "name", "id")
    )
    if any(cell.strip() for cell in row[len(header) :]):
        return _unreadable(place, f"it has {len(row)} cells, the header {len(header)}", name, identity)
    dates = [k for k, v in (("SMILES", smiles), ("name", name), ("id", identity)) if v == _DATE]
    if dates:
        known = [None if v == _DATE else v for v in (name, identity)]
        return _unreadable(place, f"its {' and '.join(dates)} is a date in Excel, not a text", *known)
    if not smiles and not name:
        return _unreadable(
            place, f"no {' and no '.join(k for k in ('smiles', 'name') if k in chosen)}", name, identity
        )
    return _checked(place, name, smiles, identity)


def _read_smiles(file: _File, told: Told) -> Iterator[Record]:
    """Daylight's format: a SMILES, blank space, an identifier. RDKit writes a title line first."""
    for number, line in enumerate(file.text().splitlines(), start=1):
        parts = line.strip().split(maxsplit=1)
        if not parts or line.startswith("#") or (number == 1 and parts[0].lower() == "smiles"):
            continue
        place, rest = f"{file.name} line {number}", parts[1] if len(parts) > 1 else None
        if rest and rest.startswith("|"):  # CXSMILES: to leave it out could make an enantiomer of a racemate
            yield _unreadable(place, "its SMILES has an extension (|…|), which is not read", None, None)
        else:
            yield _checked(place, rest, parts[0], rest)


_READERS: dict[str, Callable[[_File, Told], Iterator[Record]]] = {
    ".sdf": _read_sdf, ".mol": _read_sdf, ".csv": _read_table, ".tsv": _read_table, ".xlsx": _read_workbook,
    ".smi": _read_smiles, ".smiles": _read_smiles,
}  # fmt: skip


# --- their pieces -------------------------------------------------------------------------------------------


def _choose(header: Iterable[str], told: Told, file: _File) -> dict[str, str]:
    """Return which column holds what: as told, else the first known name."""
    header = list(header)
    plain: dict[str, list[str]] = {}
    for column in header:
        plain.setdefault(re.sub(r"[^a-z0-9]+", "", column.lower()), []).append(column)
    chosen: dict[str, str] = {}
    for key, known in _KNOWN_COLUMNS.items():
        wanted = told.get(key)
        if wanted is not None:
            if wanted in header:
                chosen[key] = wanted
            elif file.suffix not in (".sdf", ".mol"):  # fields of an SDF differ by record
                raise file.bad(f"has no column {wanted!r}", did_you_mean(wanted, header))
            continue
        found = next((plain[name] for name in known if name in plain), None)
        if found and len(found) > 1:
            raise file.bad(f"has several columns for the {key}: {', '.join(found)}", "rename all but one")
        if found:
            chosen[key] = found[0]
    return chosen


def _data_fields(block: str) -> dict[str, str]:
    """Return the data items of an SDF record, also of one that RDKit cannot read."""
    items = re.findall(
        r"^>[^\n<]*<([^>\n]+)>[^\n]*\n(.*?)(?=^\s*$|^>|^\$\$\$\$|\Z)", block, re.MULTILINE | re.DOTALL
    )
    return {name.strip(): value.strip() for name, value in items}


def relative_stereo(molecule: Any) -> bool:
    """Return whether a V3000 molfile marks centres as a mixture or as relative; SMILES would name one enantiomer."""
    from rdkit.Chem import StereoGroupType

    return any(g.GetGroupType() != StereoGroupType.STEREO_ABSOLUTE for g in molecule.GetStereoGroups())


def why_unreadable(block: str) -> str:
    """Return why RDKit cannot read a molfile: what sanitization says, or that it is none."""
    from rdkit import Chem

    from benchmate.tools.chemistry.parsing import quiet_rdkit

    with quiet_rdkit():
        molecule: Any = Chem.MolFromMolBlock(block, sanitize=False)
        if molecule is None:
            return "not a readable molfile"
        try:
            Chem.SanitizeMol(molecule)
        except Chem.MolSanitizeException as error:
            return str(error)
    return "not a readable molfile"


def _checked(place: str, name: str | None, smiles: str | None, identity: str | None) -> Record:
    """Return a row's record, unreadable if its SMILES is."""
    from benchmate.tools.chemistry.parsing import parse_smiles

    if smiles:
        try:
            parse_smiles(smiles)
        except InvalidInput as error:
            return _unreadable(place, error.info.message, name, identity)
    return _record(place, name, smiles, identity)


def _record(place: str, name: str | None, smiles: str | None, identity: str | None) -> Record:
    given = {"name": name, "smiles": smiles, "registry_id": identity, "source": place}
    return {key: value for key, value in given.items() if value}


def _unreadable(place: str, why: str, name: str | None, identity: str | None) -> Record:
    """Return a record that cannot be resolved and says why."""
    return _record(place, name, None, identity) | {"problem": why[:1000]}
