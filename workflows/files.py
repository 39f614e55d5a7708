"""Compounds and sequences from files: SDF, CSV, TSV, SMILES, FASTA, GenBank. No row is dropped silently."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean
from benchmate.workflows.schema import Columns

COMPOUND_SUFFIXES = (".sdf", ".mol", ".csv", ".tsv", ".smi", ".smiles")
SEQUENCE_SUFFIXES = (".fasta", ".fa", ".fna", ".faa", ".ffn", ".gb", ".gbk", ".genbank")
MAX_BYTES = 200_000_000
MAX_ROWS = 100_000

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


def read_compounds(path: Path, columns: Columns | None = None) -> list[Record]:
    """Return one record {name?, smiles?, registry_id?, source, problem?} for every row of a compound file, in order.

    A row that cannot be read becomes a record whose resolution fails with its place in the file and the reason,
    so that it fails alone and is seen. For the file as a whole: raises NotFound (`no_such_file`) and InvalidInput
    (`bad_file`).
    """
    readers: dict[str, Callable[[Path, Columns], Iterator[Record]]] = {
        ".sdf": _read_sdf, ".mol": _read_sdf, ".csv": _read_table, ".tsv": _read_table,
        ".smi": _read_smiles, ".smiles": _read_smiles,
    }  # fmt: skip
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise _bad_file(
            path, f"is not a compound file: {suffix or 'no suffix'}", f"known: {', '.join(COMPOUND_SUFFIXES)}"
        )
    records = []
    for record in readers[suffix](path, columns or Columns()):
        records.append(record)
        if len(records) > MAX_ROWS:
            raise _bad_file(path, f"holds more than {MAX_ROWS} compounds", "split the file")
    if not records:
        raise _bad_file(path, "holds no compounds")
    return records


def read_sequence(path: Path) -> Record:
    """Return the one sequence of a FASTA or GenBank file as {sequence, name?, topology}.

    Raises NotFound (`no_such_file`) and InvalidInput (`bad_file`, or what `parse_sequence` says).
    """
    from benchmate.tools.biology.sequences import parse_sequence

    if path.suffix.lower() not in SEQUENCE_SUFFIXES:
        raise _bad_file(path, "is not a sequence file", f"known: {', '.join(SEQUENCE_SUFFIXES)}")
    sequence = parse_sequence(_text_of(path))
    record = {
        "sequence": sequence.sequence,
        "name": sequence.name or path.stem,
        "topology": sequence.topology,
    }
    return record


def read_sequences(path: Path) -> list[Record]:
    """Return the sequences of a FASTA or GenBank file, each as {sequence, name, topology}. Raises as `read_sequence`."""

    from Bio import SeqIO

    if path.suffix.lower() not in SEQUENCE_SUFFIXES:
        raise _bad_file(path, "is not a sequence file", f"known: {', '.join(SEQUENCE_SUFFIXES)}")
    text = _text_of(path)
    kind = "genbank" if text.lstrip().startswith("LOCUS") else "fasta"
    try:
        records = list(SeqIO.parse(io.StringIO(text), kind))
    except ValueError as error:
        raise _bad_file(path, f"cannot be read: {error}") from None
    if not records:
        raise _bad_file(path, "holds no sequences")
    return [
        {"sequence": str(r.seq), "name": r.id, "topology": r.annotations.get("topology", "linear")}
        for r in records
    ]


# --- the formats --------------------------------------------------------------------------------------------


def _read_sdf(path: Path, columns: Columns) -> Iterator[Record]:
    from rdkit import Chem

    from benchmate.tools.chemistry.parsing import quiet_rdkit

    text = _text_of(path).replace("\r\n", "\n")
    if not text.strip():
        return
    supplier = Chem.SDMolSupplier()
    supplier.SetData(text)
    for index in range(len(supplier)):
        place, block = f"{path.name} record {index + 1}", supplier.GetItemText(index)
        with quiet_rdkit():  # what is wrong goes into the record, not to the terminal
            molecule = supplier[index]
            why = (
                _why_unreadable(block)
                if molecule is None
                else ""
                if molecule.GetNumAtoms()
                else "it has no atoms"
            )
        fields = _data_fields(block)
        chosen = _choose(fields, columns, path)
        title = block.partition("\n")[0].strip()
        name = (fields.get(chosen["name"]) if "name" in chosen else None) or title or None
        identity = fields.get(chosen["id"]) if "id" in chosen else None
        yield (
            _unreadable(place, why, name, identity)
            if why
            else _record(place, name, Chem.MolToSmiles(molecule), identity)
        )


def _read_table(path: Path, columns: Columns) -> Iterator[Record]:
    text = _text_of(path)
    header_line = next((line for line in text.splitlines() if line.strip()), "")
    separators = "\t" if path.suffix.lower() == ".tsv" else ",;\t"
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(separators, key=header_line.count), strict=True
    )
    try:
        header = [
            cell.strip() for cell in next((row for row in rows if any(cell.strip() for cell in row)), [])
        ]
        if not header:
            return
        chosen = _choose(header, columns, path)
        if "smiles" not in chosen and "name" not in chosen:
            raise _bad_file(
                path, f"has no column with SMILES or names; its columns: {', '.join(header)}",
                "say which one it is, e.g. columns: {smiles: Structure}",
            )  # fmt: skip
        for row in rows:
            if any(cell.strip() for cell in row):
                yield _table_row(f"{path.name} line {rows.line_num}", header, row, chosen)
    except csv.Error as error:
        raise _bad_file(path, f"is not a table: line {rows.line_num}: {error}") from None


def _table_row(place: str, header: Sequence[str], row: Sequence[str], chosen: Mapping[str, str]) -> Record:
    cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
    smiles, name, identity = (
        cells.get(chosen[key]) or None if key in chosen else None for key in ("smiles", "name", "id")
    )
    if any(cell.strip() for cell in row[len(header) :]):
        return _unreadable(place, f"it has {len(row)} cells, the header {len(header)}", name, identity)
    if not smiles and not name:
        return _unreadable(
            place, f"no {' and no '.join(k for k in ('smiles', 'name') if k in chosen)}", name, identity
        )
    return _checked(place, name, smiles, identity)


def _read_smiles(path: Path, columns: Columns) -> Iterator[Record]:
    """Daylight's format: a SMILES, blank space, an identifier. RDKit writes a title line first."""
    for number, line in enumerate(_text_of(path).splitlines(), start=1):
        parts = line.strip().split(maxsplit=1)
        if not parts or line.startswith("#") or (number == 1 and parts[0].lower() == "smiles"):
            continue
        place, rest = f"{path.name} line {number}", parts[1] if len(parts) > 1 else None
        if rest and rest.startswith("|"):  # CXSMILES: to leave it out could make an enantiomer of a racemate
            yield _unreadable(place, "its SMILES has an extension (|…|), which is not read", None, None)
        else:
            yield _checked(place, rest, parts[0], rest)


# --- their pieces -------------------------------------------------------------------------------------------


def _choose(header: Iterable[str], columns: Columns, path: Path) -> dict[str, str]:
    """Return which column holds what: as told, else the first known name."""
    header = list(header)
    plain: dict[str, list[str]] = {}
    for column in header:
        plain.setdefault(re.sub(r"[^a-z0-9]+", "", column.lower()), []).append(column)
    chosen: dict[str, str] = {}
    for key, known in _KNOWN_COLUMNS.items():
        told = getattr(columns, key)
        if told is not None:
            if told not in header and path.suffix.lower() not in (
                ".sdf",
                ".mol",
            ):  # fields of an SDF differ by record
                raise _bad_file(path, f"has no column {told!r}", did_you_mean(told, header))
            if told in header:
                chosen[key] = told
            continue
        found = next((plain[name] for name in known if name in plain), None)
        if found and len(found) > 1:
            raise _bad_file(
                path, f"has several columns for the {key}: {', '.join(found)}", "rename all but one"
            )
        if found:
            chosen[key] = found[0]
    return chosen


def _data_fields(block: str) -> dict[str, str]:
    """Return the data items of an SDF record, also of one that RDKit cannot read."""
    items = re.findall(
        r"^>[^\n<]*<([^>\n]+)>[^\n]*\n(.*?)(?=^\s*$|^>|^\$\$\$\$|\Z)", block, re.MULTILINE | re.DOTALL
    )
    return {name.strip(): value.strip() for name, value in items}


def _why_unreadable(block: str) -> str:
    from rdkit import Chem

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


def _text_of(path: Path) -> str:
    if not path.is_file():
        folder = path.parent
        siblings = [p.name for p in folder.iterdir()] if folder.is_dir() else []
        hint = did_you_mean(path.name, siblings[:1000]) if siblings else f"there is no folder {folder}"
        raise NotFound("no_such_file", f"there is no file {path}", hint=hint, details={"file": str(path)})
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _bad_file(path, f"is larger than {MAX_BYTES // 1_000_000} MB", "split the file")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad_file(path, f"is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    except OSError as error:
        raise _bad_file(path, f"cannot be read: {error.strerror}") from None


def _bad_file(path: Path, why: str, hint: str | None = None) -> InvalidInput:
    return InvalidInput("bad_file", f"{path} {why}", hint=hint, details={"file": str(path)})
