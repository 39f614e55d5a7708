"""Sequences as arguments: letters, FASTA or GenBank text become one checked `Sequence`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from benchmate.runtime.canonical import digest
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.evidence import Entity

Alphabet = Literal["dna", "rna", "protein", "ambiguous"]
Topology = Literal["linear", "circular"]

MAX_LETTERS = 5_000_000

# IUPAC nucleotide codes and the bases they stand for (Cornish-Bowden 1985, Nucleic Acids Res. 13:3021).
NUCLEOTIDE_CODES: dict[str, str] = {
    "A": "A", "C": "C", "G": "G", "T": "T", "U": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT",
    "K": "GT", "M": "AC", "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
# IUPAC-IUB 1984 extended codes: B Asx, Z Glx, J Leu or Ile, X unknown, U selenocysteine, O pyrrolysine.
AMINO_ACID_CODES = AMINO_ACIDS + "BJOUXZ"
THREE_LETTER_CODES: dict[str, str] = {
    "ALA": "A", "ARG": "R", "ASN": "N", "ASP": "D", "CYS": "C", "GLN": "Q", "GLU": "E", "GLY": "G",
    "HIS": "H", "ILE": "I", "LEU": "L", "LYS": "K", "MET": "M", "PHE": "F", "PRO": "P", "SER": "S",
    "THR": "T", "TRP": "W", "TYR": "Y", "VAL": "V",
    "ASX": "B", "GLX": "Z", "SEC": "U", "PYL": "O", "XAA": "X",
}  # fmt: skip

_LONG_ENOUGH = 12  # letters; a shorter run of A, C, G, T can well be a peptide
_NAME_LENGTH = 25  # a lower-case protein "sequence" whose words are shorter than this is more likely a name
_STRAND_ENDS = re.compile(r"^\s*5\s*['’′]\s*[-–]?(?P<body>.*?)[-–]?\s*3\s*['’′]\s*$", re.DOTALL)
_BACKWARD_ENDS = re.compile(r"^\s*3\s*['’′].*5\s*['’′]\s*$", re.DOTALL)


class Sequence(BaseModel):
    """A checked sequence: one-letter codes, upper case, no gaps; an internal stop of a protein stays `*`.

    `alphabet` is `ambiguous` where the letters are both nucleotide and amino-acid codes and nothing
    decides (GATTACA); the tool that takes the sequence then decides and says so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    given: str
    sequence: str
    alphabet: Alphabet
    name: str | None = None
    topology: Topology = "linear"
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def key(self) -> str:
        """The identity: the same letters in the same topology, however they are read."""
        return "seq:" + digest("sequence", self.sequence, self.topology, length=20)

    @property
    def label(self) -> str:
        return self.name or f"the {len(self.sequence)}-letter sequence"

    def entity(self, argument: str) -> Entity:
        """Return the record that echoes what the argument was taken for."""
        return Entity(
            kind="sequence",
            given=self.given,
            key=self.key,
            label=self.label,
            argument=argument,
            details={"alphabet": self.alphabet, "length": len(self.sequence), "topology": self.topology},
        )


class FoundSequence(NamedTuple):
    """A candidate in free text: `sequence` is `text[start:end]` exactly."""

    start: int
    end: int
    sequence: str
    kind: Alphabet


def parse_sequence(given: str | Mapping[str, Any]) -> Sequence:
    """Return the sequence in `given`: letters, FASTA or GenBank text, or {sequence, name, topology}.

    Raises InvalidInput: `empty_sequence`, `several_sequences`, `invalid_sequence` (with position and letter),
    `reversed_sequence`, `name_not_sequence`, `too_large`, `bad_arguments`.
    """
    if not isinstance(given, str):
        return _from_record(given)
    if len(given) > 4 * MAX_LETTERS:
        raise _too_large(len(given))
    name, topology, body, numbered = _unwrap(given)
    warnings: list[str] = []
    spelled = _three_letter(body)
    if spelled is not None:
        warnings.append("three-letter amino-acid codes were read as one-letter codes")
        letters: str = spelled
    else:
        letters, numbered = _letters(body, numbered)
    letters, notes = _without_gaps(letters, protein=spelled is not None)
    warnings += notes
    if not letters:
        raise InvalidInput(
            "empty_sequence",
            "the sequence is empty",
            hint="give one-letter codes, or FASTA text with the header on a line of its own",
        )
    if len(letters) > MAX_LETTERS:
        raise _too_large(len(letters))
    alphabet: Alphabet = "protein" if spelled is not None else classify(letters.upper())
    if letters.endswith("*") and alphabet == "protein":
        letters = letters.rstrip("*")
        warnings.append("the stop at the end was removed")
    if "*" in letters:
        warnings.append(f"internal stops: {letters.count('*')}")
    if alphabet == "protein" and spelled is None and not numbered and name is None:
        _refuse_names(given, body)
    return Sequence(
        given=given,
        sequence=letters.upper(),
        alphabet=alphabet,
        name=name,
        topology=topology,
        warnings=tuple(warnings),
    )


def classify(letters: str) -> Alphabet:
    """Return which alphabet upper-case letters belong to.

    Twelve or more nucleotide codes of which four fifths are A, C, G, T, U or N are nucleotides. 26 % of the
    residues of proteins are A, C, G, T or N (UniProtKB/Swiss-Prot statistics), so about one peptide of twelve
    in 10^5 looks like that. Shorter ones stay `ambiguous`.

    Raises InvalidInput (`invalid_sequence`) for a letter of neither alphabet and for T beside U.
    """
    found = set(letters)
    unknown = found - set(NUCLEOTIDE_CODES) - set(AMINO_ACID_CODES) - {"*"}
    if unknown:
        at = next(i for i, letter in enumerate(letters) if letter in unknown)
        raise _bad_letter(letters, at)
    if not found - {"*"}:
        raise InvalidInput("empty_sequence", "the sequence holds stops and no residues")
    if found - set(NUCLEOTIDE_CODES):
        return "protein"
    if {"T", "U"} <= found:
        if found <= set("ACGTUN"):
            at = letters.index("U") if letters.index("U") > letters.index("T") else letters.index("T")
            raise InvalidInput(
                "invalid_sequence",
                f"T and U both occur (the second kind, {letters[at]!r}, first at position {at + 1})",
                hint="write DNA with T or RNA with U",
                details={"position": at + 1, "letter": letters[at]},
            )
        return "protein"
    plain = sum(letters.count(letter) for letter in "ACGTUN") / len(letters)
    if "U" in found and plain >= 0.8:
        return "rna"
    if len(letters) >= _LONG_ENOUGH:
        if plain >= 0.8 and len(found & set("ACGT")) >= 3:
            return "dna"
        if plain < 0.5:
            return "protein"
    return "ambiguous"


def find_sequences(text: str) -> list[FoundSequence]:
    """Return the candidates for sequences in free text, in order, none overlapping another.

    Candidates are FASTA records, runs (also spaced ones) of eight or more upper-case nucleotide letters,
    twelve or more lower-case ones, and runs of ten or more amino-acid letters that are no words or SMILES.
    """
    found: list[FoundSequence] = []
    for start, end in _candidate_spans(text):
        if any(start < other.end and other.start < end for other in found):
            continue
        try:
            kind = parse_sequence(text[start:end]).alphabet
        except InvalidInput:
            continue
        found.append(FoundSequence(start, end, text[start:end], kind))
    return sorted(found)


_FASTA = re.compile(r"^>[^\n]+\n(?:(?:[A-Z*-]+|[a-z*-]+)[ \t]*(?:\r?\n|\Z))+", re.MULTILINE)
_SPACED = re.compile(r"(?<![\w>])[ACGTUN]{3,}(?:[ \t\r\n]+[ACGTUN]{3,})+(?!\w)")
_LOWER = re.compile(r"(?<![\w])[acgtun]{12,}(?!\w)")
_TOKEN = re.compile(r"[^\s,;:\"“”`]+")
_EDGES = "()[]{}<>'’‘.?!"
_WORD_ENDINGS = (
    "IC", "ED", "ES", "LY", "AL", "ITY", "INE", "IDE", "ATE", "ENT", "ING", "ENCE", "ANCE", "ISM", "IST",
    "TER", "ASE", "ANT", "ARY", "ERS", "ISE", "CH", "AR", "ER",
)  # fmt: skip


def _candidate_spans(text: str) -> Iterator[tuple[int, int]]:
    for match in _FASTA.finditer(text):
        yield match.start(), match.start() + len(match[0].rstrip())
    for match in _SPACED.finditer(text):
        if sum(letter.isalpha() for letter in match[0]) >= 8:
            yield match.span()
    for match in _LOWER.finditer(text):
        yield match.span()
    for match in _TOKEN.finditer(text):
        token = match[0]
        start = match.start() + len(token) - len(token.lstrip(_EDGES))
        core = token.strip(_EDGES)
        ends = re.fullmatch(r"5['’′]-?(.+?)-?3", core)  # the last prime is already stripped
        if ends:
            start, core = start + ends.start(1), ends[1]
        if re.fullmatch(r"[A-Z]+\*?", core) and _looks_like_sequence(core.rstrip("*")):
            yield start, start + len(core)


def _looks_like_sequence(token: str) -> bool:
    letters = set(token)
    carbon = token.count("C") / max(len(token), 1)
    if letters <= set("BCFHINOPS") and (carbon > 0.5 or letters <= set("CNO")):
        return False  # a SMILES chain: CCCCCCCCO
    if letters <= set("ACGTUN") or (letters <= set(NUCLEOTIDE_CODES) and classify_or_none(token) == "dna"):
        return len(token) >= 8 and len(letters & set("ACGTU")) >= 2
    if len(token) < 10 or not letters <= set(AMINO_ACIDS + "X"):
        return False
    return not _is_word(token)


def classify_or_none(letters: str) -> Alphabet | None:
    """Return `classify(letters)`, or None for letters that are no sequence."""
    try:
        return classify(letters)
    except InvalidInput:
        return None


def _is_word(token: str) -> bool:
    """Whether upper-case letters read as an English word: Q needs U, syllables vowels, endings are few."""
    if len(token) > _NAME_LENGTH or "Q" in token or re.search(r"[^AEIOUY]{5}|[AEIOUY]{4}|[KVWH]{2}", token):
        return False
    return token.endswith(_WORD_ENDINGS)


def _from_record(record: Mapping[str, Any]) -> Sequence:
    text, name, topology = record.get("sequence"), record.get("name"), record.get("topology")
    if not isinstance(text, str):
        raise InvalidInput("bad_arguments", "a sequence record needs the text field `sequence`")
    if topology not in (None, "linear", "circular"):
        raise InvalidInput("bad_arguments", f"topology {topology!r} is unknown", hint="linear or circular")
    parsed = parse_sequence(text)
    return parsed.model_copy(update={"name": name or parsed.name, "topology": topology or parsed.topology})


def _unwrap(given: str) -> tuple[str | None, Topology, str, bool]:
    """Return (name, topology, the lines with letters, whether position numbers are expected)."""
    text = given.strip().removeprefix("\ufeff")
    if text.startswith(">"):
        headers = [line[1:].strip() for line in text.splitlines() if line.startswith(">")]
        if len(headers) > 1:
            names = [header.split()[0] if header else "(unnamed)" for header in headers]
            shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
            raise InvalidInput(
                "several_sequences",
                f"the text holds {len(names)} sequences: {shown}",
                hint="give one of them",
                details={"names": names[:100]},
            )
        header, body = headers[0], "\n".join(text.splitlines()[1:])
        topology: Topology = "circular" if re.search(r"topology\s*=\s*circular", header, re.I) else "linear"
        return header.split()[0] if header else None, topology, body, False
    if text.startswith("LOCUS"):
        return _unwrap_genbank(text)
    if _BACKWARD_ENDS.match(text):
        raise InvalidInput(
            "reversed_sequence", "the sequence is written from 3' to 5'", hint="write it from 5' to 3'"
        )
    ends = _STRAND_ENDS.match(text)
    return None, "linear", ends["body"] if ends else text, False


def _unwrap_genbank(text: str) -> tuple[str | None, Topology, str, bool]:
    records = re.findall(r"^LOCUS\s+(\S+)(.*)$", text, re.MULTILINE)
    if len(records) > 1:
        names = [name for name, _ in records]
        raise InvalidInput(
            "several_sequences",
            f"the text holds {len(names)} sequences: {', '.join(names[:10])}",
            hint="give one of them",
            details={"names": names[:100]},
        )
    origin = re.search(r"^ORIGIN[^\n]*\n(.*?)(?:^//|\Z)", text, re.MULTILINE | re.DOTALL)
    name, rest = records[0] if records else (None, "")
    if origin is None:
        raise InvalidInput("empty_sequence", f"the GenBank record {name!r} has no ORIGIN block")
    return name, "circular" if re.search(r"\bcircular\b", rest) else "linear", origin[1], True


def _letters(body: str, numbered: bool) -> tuple[str, bool]:
    """Return the letters without white space and position numbers, and whether there were such numbers."""
    parts = body.split()
    kept = [part for part in parts if not part.isdecimal()]
    return "".join(kept), numbered or (len(kept) < len(parts) and bool(kept))


def _without_gaps(letters: str, *, protein: bool) -> tuple[str, list[str]]:
    gaps = letters.count("-") + letters.count(".")
    if gaps and not protein:
        letters = letters.replace("-", "").replace(".", "")
        return letters, [f"{gaps} gap characters were removed; positions count letters only"]
    return letters, []


def _three_letter(body: str) -> str | None:
    """Return one-letter codes if the text is two or more three-letter amino-acid codes, as in Met-Ala-Ile."""
    parts = [part for part in re.split(r"[\s\-–,]+", body.strip().upper()) if part]
    if parts and parts[0] == "H" and len(parts) > 2:  # H-Met-Ala-OH: free termini spelled out
        parts = parts[1:]
    if len(parts) > 2 and parts[-1] == "OH":
        parts = parts[:-1]
    if len(parts) < 2 or not all(part in THREE_LETTER_CODES for part in parts):
        return None
    return "".join(THREE_LETTER_CODES[part] for part in parts)


def _refuse_names(given: str, body: str) -> None:
    words = body.split()
    if body != body.upper() and max(map(len, words)) < _NAME_LENGTH:
        raise InvalidInput(
            "name_not_sequence",
            f"{given.strip()[:80]!r} looks like a name or a phrase, not a sequence",
            hint="give the one-letter codes in upper case, or FASTA text",
        )


def _bad_letter(letters: str, at: int) -> InvalidInput:
    return InvalidInput(
        "invalid_sequence",
        f"{letters[at]!r} at position {at + 1} is neither a nucleotide nor an amino-acid code",
        hint="use IUPAC one-letter codes",
        details={"position": at + 1, "letter": letters[at]},
    )


def _too_large(size: int) -> InvalidInput:
    return InvalidInput(
        "too_large",
        f"the sequence has {size} letters; the limit is {MAX_LETTERS}",
        hint="give the region of interest",
    )
