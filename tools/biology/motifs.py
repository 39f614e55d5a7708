"""Motifs in proteins and nucleic acids: named ones, PROSITE patterns and consensus sequences, with what chance would give."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.dna import nucleotides, reverse_complement
from benchmate.tools.biology.motif_library import MOTIFS, MotifName
from benchmate.tools.biology.motif_patterns import (
    Kind,
    Pattern,
    expected_matches,
    find_matches,
    parse_pattern,
)
from benchmate.tools.biology.sequences import AMINO_ACID_CODES, NUCLEOTIDE_CODES, Sequence

MOST_LETTERS = 2_000_000
MOST_HITS = 200_000
SHOWN_HITS = 2_000


class _Sought(NamedTuple):
    name: str
    pattern: Pattern
    title: str
    source: str
    limit: str


@tool(
    domain="biology",
    properties={
        "motif_count": "number of motif hits, motif hits, motif sites, how many motifs, occurrences, how often does it occur",
        "expected_count": "number of hits expected by chance, expected by chance, random hits, chance hits",
    },
    examples=(
        "Find N-glycosylation sites in MKNLSTPNGTWVNPTAARGDLLNESK",
        "Does MTEYKLVVVGAGGVGKSALTIQLIQ have a P-loop?",
        "Search the pattern C-x(2,4)-C-x(3)-[LIVMFYWC]-x(8)-H-x(3,5)-H in YKCPECGKSFSQKSNLQKHQRTHTGEKP",
        "Where is TATAWAAR in GCGCTATAAAAGGCGCATGCGC?",
        "E-boxes on both strands of GGCACGTGTTCAGCTGAACATATGCC",
        "Which motifs occur in the protein MGAAASLRGDKTWRPNESTKDEL?",
        "polyA signals in AATAAAGCTTGCATTAAAGC",
    ),
    example={"sequence": "MTEYKLVVVGAGGVGKSALTIQLIQNHFVDEYDPTIEDSYRKQVVIDGETCLLDILDTAG", "motif": "p_loop"},
    timeout=120,
)
def find_motifs(
    sequence: Sequence,
    motif: MotifName | None = None,
    pattern: str | None = None,
    molecule: Literal["protein", "dna", "rna"] | None = None,
    strands: Literal["both", "forward"] | None = None,
    topology: Literal["linear", "circular"] | None = None,
) -> ToolResult:
    """Find a named motif, a PROSITE pattern or an IUPAC consensus in a protein or nucleic acid; without either, all named motifs.

    Every start is reported once, with the longest match there; hits may overlap. Positions are 1-based on the strand as given, both
    ends included; a hit across the origin of a circle ends at a lower number than it starts. A hit on the other strand is written 5' to 3'
    as read there. A pattern that is its own reverse complement is searched once. Letters that are not determined (N, R, X, B) match
    where all that they stand for does, and X matches x alone. The expected number takes the letters of the sequence in random order:
    short patterns are frequent by chance, and a hit is no proof of function. Patterns after the PROSITE user manual.

    Raises InvalidInput: `bad_pattern` naming the element, `pattern_too_long`, `ambiguous_molecule`, `not_protein`, `not_nucleotides`,
    `too_large`, `bad_arguments`.

    Args:
        sequence: A protein, DNA or RNA.
        motif: A motif by name.
        pattern: A pattern such as N-{P}-[ST]-{P}, C-x(2,4)-C, <M-x(3)-K, or a consensus such as TATAWAAR.
        molecule: What the sequence is, where its letters do not decide.
        strands: both or forward; by default both for DNA and forward for RNA.
        topology: linear or circular, for DNA; by default what the sequence record says.
    """
    if motif is not None and pattern is not None:
        raise InvalidInput("bad_arguments", "motif and pattern are both given", hint="give one of them")
    kind, notes = _kind(sequence, motif, molecule)
    letters = sequence.sequence
    rna = kind == "nucleotide" and (molecule == "rna" or sequence.alphabet == "rna")
    if kind == "nucleotide":
        read = sequence if molecule is None else sequence.model_copy(update={"alphabet": molecule})
        letters, said = nucleotides(read)
        notes += said
    if len(letters) > MOST_LETTERS:
        raise InvalidInput(
            "too_large", f"{len(letters)} letters are more than {MOST_LETTERS}", hint="give a part"
        )
    circular = (topology or sequence.topology) == "circular"
    if kind == "protein" and (topology == "circular" or strands is not None):
        raise InvalidInput("bad_arguments", "strands and topology are those of nucleic acids")
    both = kind == "nucleotide" and (strands == "both" or (strands is None and not rna))
    hits: list[dict[str, Any]] = []
    quantities: dict[str, Quantity] = {}
    told = []
    sought = _sought(motif, pattern, kind)
    for one in sought:
        found = _search(one.pattern, letters, both=both, circular=circular)
        if len(hits) + len(found) > MOST_HITS:
            raise InvalidInput(
                "too_large", f"more than {MOST_HITS} hits", hint="a longer pattern, or a part of the sequence"
            )
        expected = _expected(one.pattern, letters, both=both, circular=circular)
        for hit in found:
            text = _cut(letters, hit, kind)
            hits.append({"motif": one.name, **hit, "match": text.replace("T", "U") if rna else text})
        quantities |= _quantities(one, found, expected, both=both, alone=len(sought) == 1)
        told.append({
            "motif": one.name, "title": one.title, "pattern": one.pattern.text, "source": one.source, "limit": one.limit,
            "count": len(found), "expected_by_chance": expected,
        })  # fmt: skip
        if found and one.limit:
            notes.append(f"{one.name}: {one.limit}")
    notes += _remarks(told, hits, kind, letters, both=both)
    return ToolResult(
        data={
            "molecule": "protein" if kind == "protein" else "rna" if rna else "dna", "length": len(letters),
            **({"strands": "both" if both else "forward", "topology": "circular" if circular else "linear"} if kind == "nucleotide" else {}),
            "coordinates": "1-based, both ends included", "motifs": told, "hits": hits[:SHOWN_HITS],
        },
        quantities=quantities,
        source=Source(
            kind="computed", name="benchmate pattern search",
            reference="PROSITE user manual (Sigrist et al. 2013, Nucleic Acids Res. 41:D344); IUPAC codes (Cornish-Bowden 1985)",
        ),
        warnings=tuple([*sequence.warnings, *notes]),
    )  # fmt: skip


def _kind(sequence: Sequence, motif: str | None, molecule: str | None) -> tuple[Kind, list[str]]:
    """Return what the sequence is read as, and what has to be said of that. Raises InvalidInput."""
    named: Kind | None = MOTIFS[motif].kind if motif is not None else None
    told: Kind | None = None
    if molecule is not None:
        told = "protein" if molecule == "protein" else "nucleotide"
    elif sequence.alphabet != "ambiguous":
        told = "protein" if sequence.alphabet == "protein" else "nucleotide"
    if named is not None and told is not None and named != told:
        code, what = (
            ("not_protein", "proteins") if named == "protein" else ("not_nucleotides", "nucleic acids")
        )
        raise InvalidInput(
            code,
            f"{motif} is a motif of {what}, and {sequence.label} is {molecule or sequence.alphabet}",
            hint="if it is a peptide, say molecule=protein; else translate it first" if named == "protein" else f"known: {', '.join(n for n, m in MOTIFS.items() if m.kind == told)}",
        )  # fmt: skip
    kind = told or named
    if kind is None:
        raise InvalidInput(
            "ambiguous_molecule", f"the letters of {sequence.label} are both bases and residues", hint="say which with molecule=protein or molecule=dna"
        )  # fmt: skip
    if kind == "protein":
        allowed = AMINO_ACID_CODES + "*"
        at = next((i for i, x in enumerate(sequence.sequence) if x not in allowed), None)
        if at is not None:
            raise InvalidInput("not_protein", f"{sequence.sequence[at]!r} at position {at + 1} is no residue")
        if told is None or (molecule == "protein" and sequence.alphabet in ("dna", "rna")):
            return kind, ["the letters are also nucleotide codes; they were read as a protein"]
    elif any(letter not in NUCLEOTIDE_CODES for letter in sequence.sequence):
        nucleotides(sequence)
    return kind, []


def _sought(motif: str | None, pattern: str | None, kind: Kind) -> list[_Sought]:
    if pattern is not None:
        return [_Sought("pattern", parse_pattern(pattern, kind), "the pattern", "given", "")]
    names = [motif] if motif is not None else [n for n in get_args(MotifName) if MOTIFS[n].kind == kind]
    return [
        _Sought(n, parse_pattern(MOTIFS[n].pattern, kind), MOTIFS[n].title, MOTIFS[n].source, MOTIFS[n].limit)
        for n in names
    ]


def _search(pattern: Pattern, letters: str, *, both: bool, circular: bool) -> list[dict[str, Any]]:
    """Return the hits as {start, end, strand, length} on the strand as given, in order of their starts."""
    size = len(letters)
    if circular and (pattern.at_start or pattern.at_end or pattern.elements[-1].or_end):
        raise InvalidInput(
            "bad_pattern", "a pattern with < or > has no place on a circle", hint="topology=linear"
        )
    if circular and pattern.longest > size:
        raise InvalidInput(
            "pattern_too_long",
            f"the pattern can match {pattern.longest} letters, more than the circle of {size}",
        )
    rows = [
        (span.start, span.end - span.start, "+") for span in find_matches(pattern, letters, circular=circular)
    ]
    if both and not pattern.palindromic:
        there = find_matches(pattern, reverse_complement(letters), circular=circular)
        rows += [((size - span.end) % size, span.end - span.start, "-") for span in there]
    if both and pattern.palindromic:
        rows = [(start, length, "both") for start, length, _ in rows]
    return [
        {"start": start + 1, "end": (start + length - 1) % size + 1, "strand": strand, "length": length}
        for start, length, strand in sorted(rows)
    ]


def _cut(letters: str, hit: dict[str, Any], kind: Kind) -> str:
    start = hit["start"] - 1
    text = (letters[start:] + letters[:start] if start + hit["length"] > len(letters) else letters[start:])[
        : hit["length"]
    ]
    if kind == "protein":
        del hit["strand"]
        return text
    return reverse_complement(text) if hit["strand"] == "-" else text


def _expected(pattern: Pattern, letters: str, *, both: bool, circular: bool) -> float:
    expected = expected_matches(pattern, letters, circular=circular)
    if both and not pattern.palindromic:
        expected += expected_matches(pattern, reverse_complement(letters), circular=circular)
    return expected


def _quantities(
    one: _Sought, found: list[dict[str, Any]], expected: float, *, both: bool, alone: bool
) -> dict[str, Quantity]:
    suffix = "" if alone else f"_{one.name}"
    where = {"motif": one.title, "pattern": one.pattern.text}
    if one.pattern.kind == "nucleotide":
        where["strands"] = "both" if both else "forward"
    return {
        f"motif_count{suffix}": Quantity(
            value=len(found), property="motif_count", method="each start once, with the longest match; overlapping hits counted", conditions=where,
        ),
        f"expected_count{suffix}": Quantity(
            value=expected, property="expected_count", relation="<" if one.pattern.variable and expected else "~",
            method="letters of the sequence in random order, each place for itself", conditions=where,
        ),
    }  # fmt: skip


def _remarks(
    told: list[dict[str, Any]], hits: list[dict[str, Any]], kind: Kind, letters: str, *, both: bool
) -> list[str]:
    notes = []
    common = [row["motif"] for row in told if row["count"] and row["expected_by_chance"] > 0.05]
    if common:
        notes.append(
            f"short patterns are frequent by chance ({', '.join(common)}): compare the counts with those expected; a hit is no proof of function"
        )
    last: dict[tuple[str, str], int] = {}
    overlapping = 0
    for hit in sorted(hits, key=lambda h: h["start"]):
        key = (hit["motif"], hit.get("strand", ""))
        overlapping += hit["start"] <= last.get(key, 0)
        last[key] = max(last.get(key, 0), hit["start"] + hit["length"] - 1)
    if overlapping:
        notes.append(
            f"{overlapping} hits overlap the one before: a search without overlaps would count fewer"
        )
    if len(hits) > SHOWN_HITS:
        notes.append(f"the first {SHOWN_HITS} of {len(hits)} hits are listed; the counts are of all")
    open_letters = sum(
        letters.count(x) for x in (set("RYSWKMBDHVN") if kind == "nucleotide" else set("BZJX"))
    )
    if open_letters:
        notes.append(f"{open_letters} letters are undetermined: motifs there are missed")
    if both and any(row["pattern"] for row in told) and any(hit.get("strand") == "both" for hit in hits):
        notes.append("a palindromic pattern lies on both strands at once, and is counted once")
    return notes
