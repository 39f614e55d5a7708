"""What can be read off a DNA or RNA sequence: length, GC content, mass, composition, reading frames."""

from __future__ import annotations

import bisect
import functools
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import GENETIC_CODE_WORDS, Said, Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.sequences import NUCLEOTIDE_CODES, Sequence

COMPLEMENT = str.maketrans("ACGTURYSWKMBDHVN", "TGCAAYRSWMKVHDBN")  # as DNA; R<->Y, K<->M, B<->V, D<->H
HPO3 = 79.9799  # Da, the difference between a 5' phosphate and a 5' hydroxyl end (IUPAC 2013 atomic weights)
WATER = 18.0153  # Da, lost with every bond of the backbone
_BASES = {"A": "adenine", "C": "cytosine", "G": "guanine", "T": "thymine", "U": "uracil"}
_SHOWN_ORFS = 100
_SHOWN_LETTERS = 10_000


@dataclass(frozen=True, slots=True)
class OpenReadingFrame:
    """A reading frame from ATG to stop.

    Positions are 1-based and inclusive on the strand that was given, with the stop codon inside;
    `start > end` where the frame runs across the origin of a circle.
    """

    start: int
    end: int
    strand: Literal["+", "-"]
    frame: int
    protein: str

    def as_data(self) -> dict[str, Any]:
        return {
            "start": self.start, "end": self.end, "strand": self.strand, "frame": self.frame,
            "length_aa": len(self.protein), "protein": self.protein,
        }  # fmt: skip


@tool(
    domain="biology",
    properties={
        "length": "length, number of base pairs, number of nucleotides, how long, longer, longest, bases, base pairs, "
        "nucleotides, bp, nt",
        "gc_content": "GC content, GC percent, G+C fraction, GC percentage, GC fraction, G+C content, GC rich, percent GC, GC",
        "mass": "molecular mass, molecular weight of the DNA or RNA, molecular weight, molar mass, MW, mass, weight, weigh, "
        "heavy, heavier",
        "mass_without_phosphate": "mass with 5' hydroxyl ends, mass of a synthetic oligonucleotide, mass without phosphate, "
        "without phosphate",
        "orf_count": "number of open reading frames, ORF count, open reading frames, reading frames, ORFs",
        "longest_orf": "longest open reading frame, longest ORF",
        **{
            f"{base}_count": f"number of {base} bases, {base} count, {base} bases, {base}, base composition, composition"
            for base in _BASES.values()
        },
        "undetermined_count": "number of ambiguous bases, N count, ambiguous bases, undetermined bases",
        "translation": "translation of frame 1, translation, translate, translated, protein, peptide, encode, amino acid sequence",
        "reverse_complement": "reverse complement, revcomp, complementary strand, complement, other strand, antisense",
    },
    examples=(
        "What is the GC content of ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG?",
        "Molecular weight of the single-stranded oligo GTAAAACGACGGCCAGT",
        "Find the open reading frames of at least 5 amino acids in ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG",
        "Which protein does AUGGCCAUUGUAAUGGGCCGCUGA encode?",
        "How many adenines are in GATTACAGATTACA?",
    ),
    example={"sequence": "ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG"},
)
def analyze_dna(
    sequence: Sequence,
    topology: Annotated[
        Literal["linear", "circular"] | None,
        Said({"circular": "plasmid", "linear": "linear fragment, linearised, linearized, amplicon"}),
    ] = None,
    strands: Annotated[
        Literal["double", "single"] | None,
        Said(
            {
                "single": "single-stranded, single strand, ssDNA, ss DNA, ssRNA, oligo, primer",
                "double": "double-stranded, double strand, dsDNA, ds DNA, dsRNA, duplex",
            }
        ),
    ] = None,
    genetic_code: Annotated[
        int, Unit("", "genetic code, translation table, code, table"), GENETIC_CODE_WORDS
    ] = 1,
    min_orf: Annotated[
        int, Unit("", "at least, minimum, minimum of, min., longer than, more than, ORFs of at least, codons")
    ] = 30,
) -> ToolResult:
    """GC content, mass, composition, translation and open reading frames of a DNA or RNA sequence.

    Args:
        sequence: DNA or RNA in one-letter codes (IUPAC codes allowed), or FASTA text.
        topology: linear or circular; by default what the sequence record says, else linear.
        strands: double or single; by default double for DNA and single for RNA.
        genetic_code: The NCBI translation table, 1 to 33.
        min_orf: The shortest open reading frame to report, in amino acids.
    """
    import Bio

    letters, warnings = nucleotides(sequence)
    if min_orf < 1:
        raise InvalidInput("bad_arguments", f"min_orf is {min_orf}", hint="give 1 or more")
    code = codon_table(genetic_code)
    rna = sequence.alphabet == "rna"
    topology = topology or sequence.topology
    strands = strands or ("single" if rna else "double")
    counts = {letter: letters.count(letter) for letter in NUCLEOTIDE_CODES if letter in letters}
    if rna and "T" in counts:  # `nucleotides` writes RNA as DNA
        counts["U"] = counts.pop("T")
    quantities: dict[str, Quantity] = {
        "length": Quantity(
            value=len(letters),
            unit="bp" if strands == "double" else "nt",
            property="length",
        )
    }
    gc, note = _gc_content(letters)
    if gc is not None:
        quantities["gc_content"] = gc
    warnings += note
    masses, note = _masses(counts, strands=strands, circular=topology == "circular", rna=rna)
    quantities |= masses
    warnings += note
    quantities |= _counts(counts, rna=rna)

    orfs, endless = find_orfs(
        letters, code, min_length=min_orf, circular=topology == "circular", both_strands=strands == "double"
    )
    searched = "both strands" if strands == "double" else "the given strand"
    rule = (
        f"ATG to stop, the longest per stop, at least {min_orf} amino acids, {searched}, {topology}, "
        f"NCBI genetic code {genetic_code}"
    )
    least = {"minimum": f"{min_orf} amino acid{'' if min_orf == 1 else 's'}"}
    quantities["orf_count"] = Quantity(value=len(orfs), property="orf_count", method=rule, conditions=least)
    if orfs:
        quantities["longest_orf"] = Quantity(
            value=len(orfs[0].protein), unit="aa", property="longest_orf", method=rule
        )
    if endless:
        warnings.append(
            f"not counted as open reading frames, because no stop codon follows: {', '.join(endless)}"
        )
    if len(orfs) > _SHOWN_ORFS:
        warnings.append(f"the {_SHOWN_ORFS} longest of {len(orfs)} open reading frames are listed")
    if code.dual:
        warnings.append(
            f"genetic code {genetic_code} reads {', '.join(code.dual)} as stop or as an amino acid by "
            "context; here they are amino acids"
        )
    data: dict[str, Any] = {
        "topology": topology,
        "strands": strands,
        "composition": counts,
        "orfs": [orf.as_data() for orf in orfs[:_SHOWN_ORFS]],
    }
    if len(letters) <= _SHOWN_LETTERS:
        reverse = reverse_complement(letters)
        data["reverse_complement"] = reverse.replace("T", "U") if rna else reverse
        if len(letters) >= 3:
            data |= {"translation": code.translate(letters), "frame": 1, "genetic_code": genetic_code}
            if len(letters) % 3:
                warnings.append(
                    f"translation of frame 1 leaves out the last {len(letters) % 3} of {len(letters)} bases"
                )
    return ToolResult(
        data=data,
        quantities=quantities,
        source=Source(
            kind="computed",
            name=f"Biopython {Bio.__version__}",
            reference="nucleotide masses and genetic codes of Biopython (NCBI translation tables)",
        ),
        warnings=tuple([*sequence.warnings, *warnings]),
    )


def nucleotides(sequence: Sequence) -> tuple[str, list[str]]:
    """Return the letters as DNA (U written T) and what has to be said about reading them so.

    Raises InvalidInput (`not_nucleotides`) for a protein, naming the first letter that is no nucleotide code.
    """
    letters = sequence.sequence
    wrong = next((i for i, letter in enumerate(letters) if letter not in NUCLEOTIDE_CODES), None)
    if wrong is not None:
        raise InvalidInput(
            "not_nucleotides",
            f"{sequence.label} is not DNA or RNA: {letters[wrong]!r} at position {wrong + 1} is no base",
            hint="for a protein use compute_protein_properties",
            details={"position": wrong + 1, "letter": letters[wrong]},
        )
    if sequence.alphabet == "protein":
        raise InvalidInput(
            "not_nucleotides",
            f"{sequence.label} is a protein: most of its letters are no plain bases",
            hint="for a protein use compute_protein_properties",
        )
    notes = []
    if sequence.alphabet == "ambiguous":
        notes.append("the letters are also amino-acid codes; they were read as nucleotides")
    return letters.replace("U", "T"), notes


def reverse_complement(letters: str) -> str:
    """Return the reverse complement as DNA; IUPAC codes map to their complements."""
    return letters.translate(COMPLEMENT)[::-1]


@dataclass(frozen=True)
class CodonTable:
    """One NCBI translation table: codon to amino acid, stops as `*`; `dual` are codons read either way."""

    number: int
    codons: dict[str, str]
    dual: tuple[str, ...]

    def translate(self, letters: str) -> str:
        """Return the protein of frame 1: `*` for stops; B, Z, J or X for codons that do not decide."""
        return "".join(self.read(letters[i : i + 3]) for i in range(0, len(letters) - 2, 3))

    def read(self, codon: str) -> str:
        return self.codons.get(codon) or _read_ambiguous(self.number, codon)

    def stops(self, letters: str) -> list[str]:
        """Return the codons that are stops for certain, ambiguous ones only where `letters` has any."""
        plain = [codon for codon, residue in self.codons.items() if residue == "*"]
        if set(letters) <= set("ACGT"):
            return plain
        return plain + [codon for codon in _ambiguous_codons() if self.read(codon) == "*"]


@functools.cache
def codon_table(number: int) -> CodonTable:
    """Return an NCBI translation table. Raises InvalidInput (`unknown_genetic_code`)."""
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    table = unambiguous_dna_by_id.get(number)
    if table is None:
        known = ", ".join(str(n) for n in sorted(unambiguous_dna_by_id))
        raise InvalidInput(
            "unknown_genetic_code", f"there is no NCBI genetic code {number}", hint=f"known: {known}"
        )
    codons = dict.fromkeys(table.stop_codons, "*") | table.forward_table
    dual = tuple(sorted(set(table.stop_codons) & set(table.forward_table)))
    return CodonTable(number, codons, dual)


@functools.cache
def _read_ambiguous(number: int, codon: str) -> str:
    codons = codon_table(number).codons
    residues = {codons["".join(bases)] for bases in itertools.product(*(NUCLEOTIDE_CODES[b] for b in codon))}
    if len(residues) == 1:
        return residues.pop()
    either = {frozenset("DN"): "B", frozenset("EQ"): "Z", frozenset("IL"): "J"}
    return either.get(frozenset(residues), "X")


@functools.cache
def _ambiguous_codons() -> tuple[str, ...]:
    letters = [letter for letter in NUCLEOTIDE_CODES if letter != "U"]
    codons = ("".join(c) for c in itertools.product(letters, repeat=3))
    return tuple(codon for codon in codons if not set(codon) <= set("ACGT"))


def find_orfs(
    letters: str, code: CodonTable, *, min_length: int, circular: bool, both_strands: bool
) -> tuple[list[OpenReadingFrame], list[str]]:
    """Return the reading frames from ATG to stop, longest first, and where a frame begins but never stops.

    For each stop codon it is the longest frame that ends there. On a circle a frame may cross the origin
    and is at most one round long.
    """
    found: list[OpenReadingFrame] = []
    endless: list[str] = []
    size = len(letters)
    orientations: tuple[Literal["+", "-"], ...] = ("+", "-") if both_strands else ("+",)
    for strand in orientations:
        read = letters if strand == "+" else reverse_complement(letters)
        spans, open_starts = _spans(read, code, min_length=min_length, circular=circular)
        for begin, end in spans:  # 0-based, half open, on the strand that is read
            unrolled = read + read if end > size else read
            protein = code.translate(unrolled[begin : end - 3])
            last = (end - 1) % size
            first, final = (begin, last) if strand == "+" else (size - 1 - last, size - 1 - begin)
            found.append(OpenReadingFrame(first + 1, final + 1, strand, begin % 3 + 1, protein))
        endless += [
            f"ATG at {begin + 1 if strand == '+' else size - begin} on strand {strand}"
            for begin in open_starts
        ]
    found.sort(key=lambda orf: (-len(orf.protein), orf.strand, orf.start))
    return found, endless


def _spans(
    read: str, code: CodonTable, *, min_length: int, circular: bool
) -> tuple[list[tuple[int, int]], list[int]]:
    """Return (begin, end) of the frames on one strand, and the begins of frames that never stop."""
    size = len(read)
    text = read + read + read[:2] if circular else read
    starts = _positions(text, ["ATG"])
    stops = _positions(text, code.stops(read))
    spans: list[tuple[int, int]] = []
    open_starts: list[int] = []
    for frame in range(3):
        before = -1
        for stop in stops[frame]:
            earliest = max(before + 1, stop + 3 - size) if circular else before + 1
            at = bisect.bisect_left(starts[frame], earliest)
            before = stop
            if circular and not size <= stop < 2 * size:
                continue  # this stop is looked at in the second round, with a whole round before it
            if at < len(starts[frame]) and starts[frame][at] < stop:
                begin = starts[frame][at]
                if (stop - begin) // 3 >= min_length:
                    spans.append((begin % size, begin % size + stop + 3 - begin))
        after = [start for start in starts[frame] if start > before and start < size]
        if after and (len(text) - after[0]) // 3 >= min_length and not (circular and stops[frame]):
            open_starts.append(after[0])
    return sorted(set(spans)), sorted(set(open_starts))


def _positions(text: str, codons: Iterable[str]) -> tuple[list[int], list[int], list[int]]:
    """Return where the codons are, by reading frame."""
    frames: tuple[list[int], list[int], list[int]] = ([], [], [])
    pattern = "|".join(codons)
    if pattern:
        for match in re.finditer(f"(?={pattern})", text):
            frames[match.start() % 3].append(match.start())
    return frames


def _gc_content(letters: str) -> tuple[Quantity | None, list[str]]:
    strong = sum(letters.count(letter) for letter in "GCS")
    known = strong + sum(letters.count(letter) for letter in "ATW")
    open_letters = len(letters) - known
    if not known:
        return None, ["GC content is unknown: no base is determined"]
    note = []
    conditions = None
    if open_letters:
        note.append(
            f"GC content counts {known} determined bases and leaves out {open_letters} ambiguous ones"
        )
        conditions = {"ambiguous bases": f"{open_letters} left out"}
    return Quantity(
        value=100 * strong / known,
        unit="percent",
        property="gc_content",
        method="(G + C + S) / (A + C + G + T + U + S + W)",
        conditions=conditions,
    ), note


def _masses(
    counts: dict[str, int], *, strands: str, circular: bool, rna: bool
) -> tuple[dict[str, Quantity], list[str]]:
    """Return average masses from the counts of the given strand; none if a base is undetermined."""
    from Bio.Data.IUPACData import unambiguous_dna_weights, unambiguous_rna_weights

    weights = unambiguous_rna_weights if rna else unambiguous_dna_weights
    unknown = sum(count for letter, count in counts.items() if letter not in weights)
    if unknown:
        return {}, [f"the mass is not given: {unknown} bases are undetermined"]
    size = sum(counts.values())
    bonds = size if circular else size - 1
    mass = sum(count * weights[letter] for letter, count in counts.items()) - bonds * WATER
    if strands == "double":
        partner = dict(zip("ACGU" if rna else "ACGT", "UGCA" if rna else "TGCA", strict=True))
        mass += sum(count * weights[partner[letter]] for letter, count in counts.items()) - bonds * WATER
    ends = 0 if circular else 2 if strands == "double" else 1
    conditions = {"strands": strands, "topology": "circular" if circular else "linear"}
    method = "average nucleotide masses, phosphates protonated"
    result = {
        "mass": Quantity(
            value=mass, unit="Da", property="mass", method=method,
            conditions=conditions | {"5' end": "none (closed circle)" if circular else "phosphate"},
        )
    }  # fmt: skip
    if ends:
        result["mass_without_phosphate"] = Quantity(
            value=mass - ends * HPO3, unit="Da", property="mass_without_phosphate", method=method,
            conditions=conditions | {"5' end": "hydroxyl"},
        )  # fmt: skip
    return result, []


def _counts(counts: dict[str, int], *, rna: bool) -> dict[str, Quantity]:
    result = {}
    for letter in "ACGU" if rna else "ACGT":
        name = f"{_BASES[letter]}_count"
        result[name] = Quantity(value=counts.get(letter, 0), property=name, method="in the given strand")
    undetermined = sum(count for letter, count in counts.items() if letter not in "ACGTU")
    if undetermined:
        result["undetermined_count"] = Quantity(
            value=undetermined,
            property="undetermined_count",
            method="IUPAC ambiguity codes in the given strand",
        )
    return result
