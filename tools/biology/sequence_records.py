"""Records of sequence files: GenBank, EMBL, FASTA, FASTQ and SnapGene become entries of one form, by Biopython's SeqIO."""

from __future__ import annotations

import gzip
import io
import re
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.biology.sequences import AMINO_ACID_CODES, NUCLEOTIDE_CODES, classify
from benchmate.tools.files import DataFile

Molecule = Literal["dna", "rna", "protein", "undecided"]
Format = Literal["genbank", "embl", "fasta", "fastq", "snapgene"]

MOST_RECORDS = 1_000_000
MOST_LETTERS = 200_000_000
_GZIP = b"\x1f\x8b"
_SNAPGENE = b"\t\x00\x00\x00\x0eSnapGene"
_NAMES = {
    "genbank": "GenBank", "embl": "EMBL", "fasta": "FASTA", "fastq": "FASTQ", "snapgene": "SnapGene",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One record of a file. `letters` is None where the record holds no sequence, and `length` what it says it has."""

    id: str
    description: str
    letters: str | None
    length: int
    molecule: Molecule
    circular: bool = False
    topology_stated: bool = False
    molecule_stated: str | None = None
    qualities: str | None = None
    annotations: dict[str, Any] = field(default_factory=dict)
    record: Any = None  # Biopython's SeqRecord, where the format has features

    @property
    def nucleic(self) -> bool:
        return self.molecule in ("dna", "rna")


@dataclass(frozen=True)
class SequenceFile:
    """What a sequence file holds, and what has to be said about reading it."""

    format: Format
    entries: list[Entry]
    notes: tuple[str, ...]

    @property
    def format_name(self) -> str:
        return _NAMES[self.format]


def read_sequence_file(file: DataFile, molecule: Molecule | None = None) -> SequenceFile:
    """Return the records of a file, whose format is known by what it holds; gzip is opened. `molecule` decides for FASTA and FASTQ.

    Raises InvalidInput: `bad_file`, `empty_file`, `invalid_sequence` (record, position, letter), `too_large`.
    """
    content = file.content()
    if content.startswith(_GZIP):
        content = _opened(content, file)
    if content.startswith(_SNAPGENE):
        form: Format = "snapgene"
        text = ""
    else:
        text = _text(content, file)
        form = _format(text, file)
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            entries = list(_entries(form, text, content, molecule))
        except InvalidInput as error:
            error.info.details["file"] = file.name
            raise
        except (
            ValueError,
            KeyError,
            IndexError,
            AssertionError,
            TypeError,
            AttributeError,
            EOFError,
        ) as error:
            what = " ".join(str(error).split()) or type(error).__name__
            raise file.bad(f"cannot be read as {_NAMES[form]}: {what}") from None
    said = dict.fromkeys(" ".join(str(w.message).split()) for w in caught)
    notes += [f"Biopython on reading: {what}" for what in list(said)[:10]]
    if not entries:
        raise file.bad("holds no records")
    if form == "fasta" and molecule is None:
        entries, told = _like_the_others(entries)
        notes += told
    if form == "fasta" and re.search(r"^[^>\n]*[-.]", text, re.MULTILINE):
        notes.append("gap characters (- and .) are left out: lengths and positions count letters")
    if form == "snapgene" and entries[0].id in ("<unknown id>", "<unknown name>", ""):
        entries = [_renamed(entries[0], Path(file.name).stem)]
    return SequenceFile(form, entries, tuple(notes + _remarks(entries, form)))


def _entries(form: Format, text: str, content: bytes, molecule: Molecule | None) -> Iterator[Entry]:
    from Bio import SeqIO

    letters = 0
    if form == "fastq":
        found: Iterator[Entry] = _fastq(text, molecule)
    elif form == "fasta":
        found = _fasta(text, molecule)
    else:
        handle: Any = io.BytesIO(content) if form == "snapgene" else io.StringIO(text)
        found = (_annotated(record, form) for record in SeqIO.parse(handle, form))
    for number, entry in enumerate(found, 1):
        letters += len(entry.letters or "")
        if number > MOST_RECORDS or letters > MOST_LETTERS:
            raise InvalidInput(
                "too_large",
                f"the file holds more than {MOST_RECORDS} records or {MOST_LETTERS} letters",
                hint="give a part of it",
            )
        yield entry


def _fasta(text: str, molecule: Molecule | None) -> Iterator[Entry]:
    from Bio.SeqIO.FastaIO import SimpleFastaParser

    for title, body in SimpleFastaParser(io.StringIO(text)):
        name = title.split(None, 1)[0] if title.strip() else "(unnamed)"
        letters, kind = _checked(body, name, molecule)
        circular = re.search(r"\btopology\s*=\s*(circular|linear)\b", title, re.I)
        yield Entry(
            id=name,
            description=title.strip(),
            letters=letters,
            length=len(letters),
            molecule=kind,
            circular=bool(circular and circular[1].lower() == "circular"),
            topology_stated=bool(circular),
        )


def _fastq(text: str, molecule: Molecule | None) -> Iterator[Entry]:
    from Bio.SeqIO.QualityIO import FastqGeneralIterator

    for title, body, qualities in FastqGeneralIterator(io.StringIO(text)):
        name = title.split(None, 1)[0] if title.strip() else "(unnamed)"
        letters, kind = _checked(body, name, molecule or "dna")
        if molecule is None and "U" in letters:
            kind = "rna"
        if len(letters) != len(qualities):
            raise ValueError(f"{name} has gaps in its sequence")
        if qualities and not "!" <= min(qualities) <= max(qualities) <= "~":
            raise ValueError(f"a quality of {name} is no character from ! to ~")
        yield Entry(name, title.strip(), letters, len(letters), kind, qualities=qualities)


def _annotated(record: Any, form: Format) -> Entry:
    from Bio.Seq import UndefinedSequenceError

    said = record.annotations
    stated = said.get("molecule_type")
    kind: Molecule | None = None
    if stated:
        kind = "protein" if "protein" in stated.lower() else "rna" if "rna" in stated.lower() else "dna"
    try:
        letters: str | None = str(record.seq).upper()
    except UndefinedSequenceError:
        letters = None
    if letters is not None:
        letters, kind = _checked(letters, record.id, kind)
    topology = said.get("topology")
    return Entry(
        id=record.id if record.id not in ("", ".", "<unknown id>") else record.name,
        description=record.description if record.description != "<unknown description>" else "",
        letters=letters,
        length=len(record.seq),
        molecule=kind or "undecided",
        circular=topology == "circular",
        topology_stated=topology is not None,
        molecule_stated=stated,
        annotations={**said, "locus": record.name},
        record=record,
    )


def _checked(body: str, name: str, molecule: Molecule | None) -> tuple[str, Molecule]:
    """Return the letters of a record in upper case without gaps, and what they are.

    Raises InvalidInput (`invalid_sequence`) with record, position and letter.
    """
    letters = body.upper().replace("-", "").replace(".", "").replace(" ", "")
    if letters.endswith("*"):
        letters = letters.rstrip("*")
    if not letters:
        return "", molecule or "undecided"
    allowed = NUCLEOTIDE_CODES if molecule in ("dna", "rna") else AMINO_ACID_CODES + "*"
    wrong = set(letters) - set(allowed)
    if molecule is None:
        wrong -= set(NUCLEOTIDE_CODES)
    if wrong:
        at = next(i for i, letter in enumerate(letters) if letter in wrong)
        kind = {"dna": "base", "rna": "base", "protein": "residue"}.get(molecule or "", "base or residue")
        raise InvalidInput(
            "invalid_sequence",
            f"record {name}: {letters[at]!r} at position {at + 1} is no {kind}",
            hint="use IUPAC one-letter codes"
            if molecule is None
            else f"the record is read as {molecule}; is it that?",
            details={"record": name, "position": at + 1, "letter": letters[at]},
        )
    if molecule is not None:
        return letters, molecule
    found = classify(letters)
    return letters, "undecided" if found == "ambiguous" else found


def _like_the_others(entries: list[Entry]) -> tuple[list[Entry], list[str]]:
    """Return the records with those that can be either, such as runs of N, read as what all the others are."""
    kinds = {entry.molecule for entry in entries} - {"undecided"}
    open_ones = [entry for entry in entries if entry.molecule == "undecided" and entry.letters]
    if len(kinds) != 1 or not open_ones:
        return entries, []
    (kind,) = kinds
    names = ", ".join(entry.id for entry in open_ones[:3])
    said = f"{len(open_ones)} records ({names}) could be nucleotides or protein; they are read as {kind}, as the others are"
    return [replace(e, molecule=kind) if e.molecule == "undecided" else e for e in entries], [said]


def _renamed(entry: Entry, name: str) -> Entry:
    return replace(entry, id=name)


def _remarks(entries: list[Entry], form: Format) -> list[str]:
    notes = []
    kinds = {entry.molecule for entry in entries}
    if len(kinds - {"undecided"}) > 1:
        notes.append(f"the file mixes {' and '.join(sorted(kinds - {'undecided'}))}")
    if undecided := [entry.id for entry in entries if entry.molecule == "undecided"]:
        notes.append(
            f"{len(undecided)} records ({', '.join(undecided[:3])}) can be nucleotides or protein: say which with `molecule`"
        )
    if missing := [entry.id for entry in entries if entry.letters is None]:
        notes.append(f"no sequence stands in {', '.join(missing[:5])}: only the length is told")
    if empty := [entry.id for entry in entries if entry.length == 0]:
        notes.append(f"empty records: {', '.join(empty[:5])}")
    seen: set[str] = set()
    twice = list(dict.fromkeys(e.id for e in entries if e.id in seen or seen.add(e.id)))  # type: ignore[func-returns-value]
    if twice:
        notes.append(f"{len(twice)} names stand for several records: {', '.join(twice[:5])}")
    stops = sum((entry.letters or "").count("*") for entry in entries)
    if stops:
        notes.append(f"{stops} stops (*) stand inside proteins")
    if any(entry.molecule == "rna" and "T" in (entry.letters or "") for entry in entries) and form in (
        "genbank",
        "embl",
    ):
        notes.append("RNA is written with T, as these formats do")
    return notes


def _format(text: str, file: DataFile) -> Format:
    """Return the format by the first line that is not blank; release files of GenBank have lines before LOCUS."""
    start = text.lstrip()
    if not start:
        raise InvalidInput("empty_file", f"{file.name} is empty", details={"file": file.name})
    if start.startswith(">"):
        return "fasta"
    if start.startswith("@"):
        return "fastq"
    if re.search(r"^LOCUS {2,}\S", start[:10_000], re.MULTILINE):
        return "genbank"
    if start.startswith("ID  "):
        if re.match(r"ID +\S+ +(Reviewed|Unreviewed|STANDARD|PRELIMINARY); +(PRT; +)?\d+ AA\.", start):
            raise file.bad("is a Swiss-Prot flat file", "give the FASTA of the protein")
        return "embl"
    raise file.bad(
        f"is no sequence file that is known here: it begins with {start.splitlines()[0][:40]!r}",
        "GenBank (LOCUS), EMBL (ID), FASTA (>), FASTQ (@) or SnapGene (.dna), also with gzip",
    )


def _opened(content: bytes, file: DataFile) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            opened = packed.read(2 * MOST_LETTERS + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise file.bad(f"is damaged gzip: {error}") from None
    if len(opened) > 2 * MOST_LETTERS:
        raise InvalidInput(
            "too_large", f"{file.name} unpacks to more than {2 * MOST_LETTERS // 1_000_000} MB", hint="give a part of it"
        )  # fmt: skip
    return opened


def _text(content: bytes, file: DataFile) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise file.bad(f"is no text in UTF-8 (byte {error.start + 1})", "save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
