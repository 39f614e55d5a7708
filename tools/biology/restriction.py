"""Restriction sites: where enzymes cut, and which fragments result."""

from __future__ import annotations

import itertools
import re
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput, did_you_mean, nearest
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Spelled
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.dna import nucleotides
from benchmate.tools.biology.sequences import Sequence

MOST_LETTERS = 2_000_000
MOST_ENZYMES = 60
ENZYME_WORD = (
    r"\b[A-Z][a-z]{2}[A-Z]?[a-z]?\d{0,4}(?:I{1,3}|IV|VI{0,3}|IX|XI{0,3}|XIV)\b"  # BamHI, HindIII, BsmBI
)
_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV", "5": "V"}
# Enzymes whose cut is blocked by Dam (GATC) or Dcm (CCWGG) methylation where the sites overlap; source: NEB, "Dam and Dcm methylases of
# E. coli", and the enzymes' own pages (2025). Others may be impaired, too.
_BLOCKED_BY_DAM = frozenset("BclI XbaI ClaI MboI TaqI NruI HphI BspDI BspHI BsaBI AlwI BcgI".split())
_BLOCKED_BY_DCM = frozenset("StuI EcoRII Sau96I ApaI ScrFI AvaII PspGI Acc65I SexAI SfoI".split())


@tool(
    domain="biology",
    properties={
        "site_count": "number of sites, restriction sites, sites, cuts, how often does it cut",
        "fragment_count": "number of fragments, fragments",
        "fragment_length": "fragment length, fragment sizes, band sizes",
    },
    examples=(
        "How many EcoRI sites are in the linear sequence TTGAATTCAAAGGATCCTTTGAATTCCC, and how many fragments result?",
        "Where does BamHI cut TTGAATTCAAAGGATCCTTTGAATTCCC?",
        "Digest TTGAATTCAAAGGATCCTTTGAATTCCC with EcoRI and BamHI",
        "Which enzymes cut TTGAATTCAAAGGATCCTTTGCATGCCC just once?",
        "restriction map of TTGAATTCAAAGGATCCTTTGAATTCCC",
        "fragment sizes of the circular plasmid TTGAATTCAAAGGATCCTTTGAATTCCC cut by EcoRI",
    ),
    example={"sequence": "TTGAATTCAAAGGATCCTTTGAATTCCC", "enzymes": ["EcoRI", "BamHI"]},
)
def find_restriction_sites(
    sequence: Sequence,
    enzymes: Annotated[
        list[str] | None,
        Field(max_length=MOST_ENZYMES),
        Spelled(ENZYME_WORD),
    ] = None,
    topology: Annotated[
        Literal["linear", "circular"] | None,
        Said({"circular": "plasmid", "linear": "linear fragment, linearised, linearized, amplicon"}),
    ] = None,
) -> ToolResult:
    """Find where restriction enzymes cut DNA, with the fragments of a digest with all of them together.

    Positions are 1-based: the top strand is cut after that base. n cuts make n + 1 fragments of a linear molecule and n of a circle, on
    which sites across the origin count. Without enzymes, all commercial ones that cut just once are listed.

    Raises InvalidInput: `not_nucleotides`, `unknown_enzyme` with the nearest name, `too_large`, `ambiguous_bases`.

    Args:
        sequence: The DNA.
        enzymes: Enzymes' names, such as EcoRI, HindIII, BsaI.
        topology: linear or circular; by default what the sequence record says.
    """
    from Bio.Restriction import CommOnly, RestrictionBatch  # type: ignore[attr-defined]
    from Bio.Seq import Seq

    letters, notes = nucleotides(sequence)
    if sequence.alphabet == "rna":
        notes.append("the RNA was read as its DNA")
    if len(letters) > MOST_LETTERS:
        raise InvalidInput("too_large", f"{len(letters)} bases are more than {MOST_LETTERS}")
    if open_letters := sum(letter not in "ACGT" for letter in letters):
        notes.append(f"{open_letters} bases are undetermined: sites there are not found")
    circular = (topology or sequence.topology) == "circular"
    chosen = [enzyme_named(name) for name in dict.fromkeys(enzymes)] if enzymes else None
    batch = RestrictionBatch(chosen) if chosen is not None else CommOnly
    found: dict[Any, list[int]] = batch.search(Seq(letters), linear=not circular)
    if chosen is None:
        found = {enzyme: cuts for enzyme, cuts in found.items() if len(cuts) == 1}
        notes.append("without enzymes, the commercial ones that cut just once are listed, each for itself")
    rows = [_row(enzyme, [_wrapped(p - 1, len(letters)) for p in cuts]) for enzyme, cuts in found.items()]
    rows.sort(key=lambda row: (row["positions"][:1] or [len(letters) + 1], row["enzyme"]))
    quantities: dict[str, Quantity] = {}
    data: dict[str, Any] = {
        "length": len(letters),
        "topology": "circular" if circular else "linear",
        "enzymes": rows,
    }
    if chosen is not None:
        for row in rows:
            quantities[f"site_count_{row['enzyme']}"] = Quantity(
                value=len(row["positions"]),
                property="site_count",
                method="Biopython Restriction (REBASE)",
                conditions={"enzyme": row["enzyme"]},
            )
        cuts = sorted({p for row in rows for p in row["positions"]})
        fragments = _fragments(cuts, len(letters), circular)
        data |= {"cuts": cuts, "fragments": fragments}
        quantities["fragment_count"] = Quantity(
            value=len(fragments),
            property="fragment_count",
            method="complete digest with all enzymes together, top strand",
        )
        for number, length in enumerate(sorted((f["length"] for f in fragments), reverse=True)[:30], 1):
            quantities[f"fragment_length_{number}"] = Quantity(
                value=length, unit="bp", property="fragment_length", method="top strand, largest first",
                conditions={"fragment": str(number)},
            )  # fmt: skip
        notes += methylation_notes(rows, letters)
        if circular and not cuts:
            notes.append("nothing cuts: the circle stays whole, and runs apart from its linear form in a gel")
    else:
        quantities["site_count"] = Quantity(
            value=len(rows), property="site_count", method="commercial enzymes that cut once"
        )
    return ToolResult(
        data=data, quantities=quantities, source=_source(), warnings=tuple([*sequence.warnings, *notes])
    )  # fmt: skip


def enzymes_in(question: str) -> list[Any]:
    """Return the words of a question that are written as names of enzymes."""
    return list(dict.fromkeys(re.findall(ENZYME_WORD, question)))


def enzyme_named(name: str) -> Any:
    """Return Biopython's enzyme of a name, in any case. Raises InvalidInput (`unknown_enzyme`) with the nearest name."""
    from Bio.Restriction import AllEnzymes  # type: ignore[attr-defined]

    known = {str(enzyme): enzyme for enzyme in AllEnzymes}
    wanted = name.strip().replace(" ", "")
    if wanted in known:
        return known[wanted]
    folded = {key.lower(): key for key in known}
    if wanted.lower() in folded:
        return known[folded[wanted.lower()]]
    roman = re.sub(r"\d+$", lambda m: _ROMAN.get(m[0], m[0]), wanted)  # EcoR1 is written EcoRI
    close = folded.get(roman.lower()) or nearest(wanted, known)
    raise InvalidInput(
        "unknown_enzyme",
        f"there is no restriction enzyme {name!r}",
        hint=did_you_mean(wanted, [close]) if close else "as in EcoRI, HindIII",
    )


def _wrapped(position: int, size: int) -> int:
    """Return a cut's place on the molecule: after base 1 to size; on a circle a cut may lie beyond the origin."""
    return (position - 1) % size + 1


def _row(enzyme: Any, positions: list[int]) -> dict[str, Any]:
    overhang = (
        "blunt"
        if enzyme.is_blunt()
        else "5'"
        if enzyme.is_5overhang()
        else "3'"
        if enzyme.is_3overhang()
        else "unknown"
    )
    return {
        "enzyme": str(enzyme), "site": str(enzyme.site), "cut": str(enzyme.elucidate()), "overhang": overhang,
        "overhang_length": abs(int(enzyme.ovhg)) if enzyme.ovhg is not None else None, "positions": sorted(positions),
    }  # fmt: skip


def _fragments(cuts: list[int], size: int, circular: bool) -> list[dict[str, int]]:
    """Return the fragments on the top strand: first and last base, 1-based, and the length; one may run across the origin."""
    inner = [c for c in cuts if circular or c < size]
    if circular:
        if not inner:
            return [{"start": 1, "end": size, "length": size}]
        pairs = zip(inner, [*inner[1:], inner[0] + size], strict=True)
        return [{"start": a % size + 1, "end": (b - 1) % size + 1, "length": b - a} for a, b in pairs]
    edges = [0, *inner, size]
    return [{"start": a + 1, "end": b, "length": b - a} for a, b in itertools.pairwise(edges)]


def methylation_notes(rows: list[dict[str, Any]], letters: str) -> list[str]:
    """Return what Dam and Dcm methylation can block, for rows with an `enzyme` and its `positions`."""
    notes = []
    for names, site, what in ((_BLOCKED_BY_DAM, "GATC", "Dam"), (_BLOCKED_BY_DCM, ("CCAGG", "CCTGG"), "Dcm")):
        sites = (site,) if isinstance(site, str) else site
        present = any(s in letters for s in sites)
        hit = [row["enzyme"] for row in rows if row["enzyme"] in names and row["positions"]]
        if hit and present:
            notes.append(
                f"{', '.join(hit)} can be blocked by {what} methylation where its site overlaps {' or '.join(sites)}; use {what.lower()}⁻ DNA"
            )
    return notes


def _source() -> Source:
    import Bio

    return Source(
        kind="table", name=f"Biopython {Bio.__version__}, REBASE", reference="doi:10.1093/nar/gkac975"
    )
