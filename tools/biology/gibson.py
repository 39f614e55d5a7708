"""Assembly of fragments by the overlaps of their ends: Gibson, NEBuilder, overlap extension."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Making, ToolContext, ToolResult, tool
from benchmate.tools.biology.cloned_products import Part, Product, assembly_result, fragments_of, turned
from benchmate.tools.biology.dna import reverse_complement
from benchmate.tools.biology.joining import End, Placed, arrange, neighbours
from benchmate.tools.biology.sequences import Sequence

SHORTEST = 200  # bp, below which a fragment can be chewed back whole
LOWEST_TM = 48.0  # °C by the 2+4 rule, which NEB asks of overlaps for Gibson assembly
LONGEST_TM = 30  # bases; the rule says nothing of longer duplexes, which all melt above 48 °C
_REGISTERS = 5  # overlaps of two ends that are told where repeats allow several
_NEAR_MISS = 6  # bases: shorter overlaps are not worth telling


@tool(
    domain="biology",
    makes=Making(),
    properties={
        "assembled_length": "length of the assembled product, assembled length, size of the assembly, length of the construct",
        "overlap_length": "length of the overlap, overlap length, homology length, overlaps",
        "overlap_tm": "Tm of the overlap, overlap Tm",
        "junction_count": "number of junctions, junctions",
    },
    examples=(
        "Gibson assembly of these three fragments",
        "Do these fragments assemble by Gibson with 20 bp overlaps?",
        "Simulate a Gibson assembly of the linearized vector and the insert",
        "NEBuilder assembly of the vector and two PCR products: which plasmid results?",
        "How long are the overlaps between my fragments, and do they close to a circle?",
        "join these two PCR products by overlap extension into a linear product",
    ),
    example={
        "fragments": [
            "GGCATTCCGAAGTACTTGCAGACCGTATGCTAACGGTCATTCAGCGATAGTCCATGACGT",
            "CAGCGATAGTCCATGACGTTCAACCTGATCGGTAAGCTGACTCACGTAGCTTGACCATGC",
            "ACTCACGTAGCTTGACCATGCAATCGGTACCTGAAGGCATTCCGAAGTACTTGCAG",
        ],
        "overlap": 18,
    },
    extra="bio",
)
def simulate_gibson_assembly(
    fragments: list[Sequence],
    context: ToolContext,
    overlap: Annotated[int, Unit("bp", "overlap, minimum overlap, homology"), Field(ge=10, le=200)] = 20,
    topology: Literal["circular", "linear"] = "circular",
) -> ToolResult:
    """Join linear fragments by the overlaps of their ends, as Gibson, NEBuilder or overlap-extension PCR does, in the one order that fits.

    An overlap is an exact match at the very ends, of at least `overlap` bases; fragments may be given in any order and turned round. The
    first fragment keeps its orientation, and a circle begins with it. Tm of overlaps up to 30 bases is by the 2+4 rule. Hairpins in the overlaps and matches inside fragments are not looked at.

    Raises InvalidInput: `not_nucleotides`, `ambiguous_bases`, `too_large`, `wrong_number`, `circular_fragment`, `too_short`,
    `incompatible_ends`, `ambiguous_assembly`, `left_out`, `closes_to_circle`.

    Args:
        fragments: The fragments, linear, as PCR products or a cut vector.
        overlap: The shortest overlap that joins.
        topology: What is to be made: a circle (plasmid) or a linear product.
    """
    names, letters, notes = fragments_of(fragments, least=1, linear=True)
    for name, text in zip(names, letters, strict=True):
        if len(text) <= overlap:
            raise InvalidInput("too_short", f"{name} has {len(text)} bases and cannot carry an overlap of {overlap}", hint="lower `overlap`")  # fmt: skip
    if short := [name for name, text in zip(names, letters, strict=True) if len(text) < SHORTEST]:
        notes.append(
            f"{', '.join(short)}: fragments below 200 bp can be chewed back whole in a Gibson reaction"
        )
    read = {
        End(i, side): text if side == "right" else reverse_complement(text)
        for i, text in enumerate(letters)
        for side in ("left", "right")
    }  # each fragment read towards that end

    def shared(one: End, other: End) -> list[int]:
        return overlaps(read[one], reverse_complement(read[other]), overlap)

    def fits(one: End, other: End) -> bool:
        found = shared(one, other)
        if len(found) > 1:
            where = " and ".join(f"the {end.side} end of {names[end.fragment]}" for end in (one, other))
            raise InvalidInput("ambiguous_assembly", f"{where} overlap in several registers: {', '.join(map(str, found))} bases", hint="the ends are repeats; choose other overlaps")  # fmt: skip
        return bool(found)

    try:
        order = arrange(names, fits, topology == "circular", f"overlap of {overlap} bases or more")
    except InvalidInput as error:
        if error.code != "incompatible_ends":
            raise
        near = max((n for a, b in itertools.combinations(read, 2) for n in overlaps(read[a], reverse_complement(read[b]), _NEAR_MISS) if n < overlap), default=0)  # fmt: skip
        said = f"the longest shorter overlap has {near} bases" if near else f"no ends share even {_NEAR_MISS} bases"  # fmt: skip
        raise InvalidInput(error.code, f"{error.info.message}; {said}", hint=error.hint, details=error.info.details) from None  # fmt: skip
    joins = [_join(a, b, shared) for a, b in neighbours(order, circular=topology == "circular")]
    sequence, parts = _assembled(order, joins, names, letters, topology)
    rows = []
    quantities: dict[str, Quantity] = {}
    for number, ((a, b), size) in enumerate(
        zip(neighbours(order, circular=topology == "circular"), joins, strict=True), 1
    ):
        text = turned(letters[b.fragment], b.strand)[:size]
        tm = 2.0 * sum(c in "AT" for c in text) + 4.0 * sum(c in "GC" for c in text)
        rows.append({"left": names[a.fragment], "right": names[b.fragment], "overlap": text, "length": size})
        about = {"junction": f"{names[a.fragment]} to {names[b.fragment]}"}
        quantities[f"overlap_{number}_length"] = Quantity(value=size, unit="bp", property="overlap_length", method="exact match of the ends", conditions=about)  # fmt: skip
        if size <= LONGEST_TM:
            quantities[f"overlap_{number}_tm"] = Quantity(value=tm, unit="degC", property="overlap_tm", relation="~", method="2 °C per A·T, 4 °C per G·C, the rule NEB gives for overlaps", conditions=about)  # fmt: skip
        if tm < LOWEST_TM:
            notes.append(f"the overlap of {about['junction']} melts at {tm:g} °C by the 2+4 rule; NEB asks for 48 °C or more")  # fmt: skip
    return assembly_result(
        Product("gibson_product", sequence, topology == "circular", parts), rows, quantities, notes, "exact overlaps of ends", context
    )  # fmt: skip


def overlaps(left: str, right: str, least: int) -> list[int]:
    """Return the lengths, of `least` or more, in which the end of `left` is the beginning of `right`, neither of them whole: the five longest."""
    found: list[int] = []
    seed = right[:least]
    at = left.find(seed, 1)
    while at >= 0 and len(found) < _REGISTERS:
        size = len(left) - at
        if least <= size < len(right) and right.startswith(left[at:]):
            found.append(size)
        at = left.find(seed, at + 1)
    return found


def _join(a: Placed, b: Placed, shared: Callable[[End, End], list[int]]) -> int:
    out = End(a.fragment, "right" if a.strand == "+" else "left")
    into = End(b.fragment, "left" if b.strand == "+" else "right")
    return shared(out, into)[0]


def _assembled(
    order: list[Placed], joins: list[int], names: list[str], letters: list[str], topology: str
) -> tuple[str, tuple[Part, ...]]:
    """Return the top strand and its parts; an overlap belongs to the fragment before it, and parts reach to the end of both."""
    before = [joins[-1] if topology == "circular" else 0, *joins]
    sequence = ""
    parts: list[Part] = []
    for placed, overlap, after in zip(order, before, [*joins, 0], strict=False):
        text = letters[placed.fragment]
        if overlap + after > len(text):
            raise InvalidInput("too_short", f"the overlaps at both ends of {names[placed.fragment]}, {overlap} and {after} bases, run into each other")  # fmt: skip
        skipped = overlap if parts else 0
        first = len(sequence) + 1
        sequence += turned(text, placed.strand)[skipped:]
        span = (skipped + 1, len(text)) if placed.strand == "+" else (1, len(text) - skipped)
        parts.append(Part(names[placed.fragment], first, len(sequence), placed.strand, *span))
    if topology == "circular":
        sequence = sequence[: -joins[-1]]
        last = parts[-1]
        cut = last.end - len(sequence)
        span = (last.source_start, last.source_end - cut) if last.strand == "+" else (last.source_start + cut, last.source_end)  # fmt: skip
        parts[-1] = Part(last.name, last.start, len(sequence), last.strand, *span)
    return sequence, tuple(parts)
