"""Compounds and sequences from files: SDF, CSV, TSV, Excel, SMILES, FASTA, GenBank. No row is dropped silently."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean
from benchmate.tools.chemistry.compound_files import COMPOUND_SUFFIXES, read_compound_rows
from benchmate.workflows.schema import Columns

__all__ = ["COMPOUND_SUFFIXES", "SEQUENCE_SUFFIXES", "read_compounds", "read_sequence", "read_sequences"]

SEQUENCE_SUFFIXES = (".fasta", ".fa", ".fna", ".faa", ".ffn", ".gb", ".gbk", ".genbank")
MAX_BYTES = 200_000_000

Record = dict[str, Any]


def read_compounds(path: Path, columns: Columns | None = None) -> list[Record]:
    """Return one record {name?, smiles?, registry_id?, source, problem?} for every row of a compound file, in order.

    A row that cannot be read becomes a record whose resolution fails with its place in the file and the reason,
    so that it fails alone and is seen. For the file as a whole: raises NotFound (`no_such_file`), InvalidInput
    (`bad_file`) and, for a workbook, Unavailable (`missing_extra`).
    """
    told = (columns or Columns()).model_dump()
    return read_compound_rows(path.name, _content_of(path), told, called=str(path))


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


def _text_of(path: Path) -> str:
    try:
        return io.TextIOWrapper(io.BytesIO(_content_of(path)), encoding="utf-8-sig").read()
    except UnicodeDecodeError as error:
        raise _bad_file(path, f"is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None


def _content_of(path: Path) -> bytes:
    if not path.is_file():
        folder = path.parent
        siblings = [p.name for p in folder.iterdir()] if folder.is_dir() else []
        hint = did_you_mean(path.name, siblings[:1000]) if siblings else f"there is no folder {folder}"
        raise NotFound("no_such_file", f"there is no file {path}", hint=hint, details={"file": str(path)})
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _bad_file(path, f"is larger than {MAX_BYTES // 1_000_000} MB", "split the file")
        return path.read_bytes()
    except OSError as error:
        raise _bad_file(path, f"cannot be read: {error.strerror}") from None


def _bad_file(path: Path, why: str, hint: str | None = None) -> InvalidInput:
    return InvalidInput("bad_file", f"{path} {why}", hint=hint, details={"file": str(path)})
