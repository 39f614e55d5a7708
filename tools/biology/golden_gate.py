"""Golden Gate assembly: parts and vector cut by a type IIS enzyme and ligated by their overhangs."""

from __future__ import annotations

import itertools
import re
from typing import Annotated, Any

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy
from benchmate.tools.base import Making, ToolContext, ToolResult, tool
from benchmate.tools.biology.cloned_products import Part, Product, assembly_result, fragments_of
from benchmate.tools.biology.codon_search import both_strands
from benchmate.tools.biology.digests import Piece, cuts_of, cutter_named, digest
from benchmate.tools.biology.dna import reverse_complement
from benchmate.tools.biology.joining import End, arrange, neighbours
from benchmate.tools.biology.restriction import enzymes_in
from benchmate.tools.biology.sequences import Sequence


@tool(
    domain="biology",
    makes=Making(),
    properties={
        "assembled_length": "length of the Golden Gate product, Golden Gate product, length of the assembly",
        "junction_count": "number of overhangs, Golden Gate junctions",
        "part_length": "length of a part, part length, released part",
    },
    examples=(
        "Golden Gate assembly of these parts into the vector with BsaI",
        "Simulate a Golden Gate reaction with BsmBI",
        "Do the BsaI overhangs of my parts fit together?",
        "MoClo assembly of promoter, gene and terminator with BsaI",
        "Which plasmid does Golden Gate cloning of these two parts give?",
        "type IIS assembly with BbsI of these fragments",
    ),
    example={
        "parts": [
            {"name": "vector", "topology": "circular", "sequence": "GGAGTGAGACCTTTTAAAAGGTCTCAGCTTACGTACCTGATTCAGGACCATT"},
            {"name": "gene", "sequence": "TTGGTCTCAGGAGATGAAACCCGTTTTAATGTGAGACCTT"},
            {"name": "terminator", "sequence": "TTGGTCTCAAATGCCTGACCATCAGATTGCTTTGAGACCTT"},
        ]
    },
    extra="bio",
)  # fmt: skip
def simulate_golden_gate(
    parts: list[Sequence],
    context: ToolContext,
    enzyme: Annotated[str, ReadBy(enzymes_in)] = "BsaI",
) -> ToolResult:
    """Cut parts and vector with a type IIS enzyme and ligate what no longer carries its site into the one circle that fits.

    Each part must be cut twice. Overhangs are written as on the top strand. The product begins with the first part's overhang. The
    fidelity of the overhangs beyond their being different is not computed.

    Raises InvalidInput: `not_nucleotides`, `ambiguous_bases`, `too_large`, `wrong_number`, `unknown_enzyme`,
    `unsupported_enzyme`, `not_type_iis`, `no_site`, `several_sites`, `wrong_orientation`, `incompatible_ends`, `ambiguous_assembly`, `left_out`.

    Args:
        parts: The parts with the vector among them, such as {"name": …, "sequence": …, "topology": "circular"} for a plasmid.
        enzyme: The type IIS enzyme, such as BsaI, BsmBI, BbsI or SapI.
    """
    cutter = cutter_named(enzyme)
    if cutter.is_palindromic() or not cutter.is_5overhang() or cutter.fst5 < cutter.size:
        raise InvalidInput("not_type_iis", f"{cutter} does not cut beside its site with a 5' overhang", hint="as in BsaI, BsmBI, BbsI, SapI")  # fmt: skip
    names, letters, notes = fragments_of(parts, least=2)
    pieces = [
        _released(name, text, part.topology == "circular", cutter)
        for name, text, part in zip(names, letters, parts, strict=True)
    ]

    def fits(one: End, other: End) -> bool:
        return _outward(pieces, one) == reverse_complement(_outward(pieces, other))

    order = arrange(names, fits, True, "overhangs")
    strands = [pieces[p.fragment].top if p.strand == "+" else pieces[p.fragment].bottom for p in order]
    placed, at = [], 1
    for p, text in zip(order, strands, strict=True):
        piece = pieces[p.fragment]
        span = piece.top_span if p.strand == "+" else piece.bottom_span
        placed.append(Part(names[p.fragment], at, at + len(text) - 1, p.strand, *span))
        at += len(text)
    sequence = "".join(strands)
    wide = abs(cutter.ovhg)
    rows = [
        {"left": names[a.fragment], "right": names[b.fragment], "overhang": text[:wide]}
        for (a, b), text in zip(neighbours(order, circular=True), [*strands[1:], strands[0]], strict=True)
    ]
    notes += _alike([row["overhang"] for row in rows])
    if re.search(both_strands(str(cutter.site)), sequence + sequence[: len(cutter.site) - 1]):
        notes.append(f"the product carries a {cutter} site: it is cut again")
    quantities = {
        f"part_{number}_length": Quantity(value=len(piece.top), unit="bp", property="part_length", method="one strand, one overhang included", conditions={"part": name})
        for number, (name, piece) in enumerate(zip(names, pieces, strict=True), 1)
    }  # fmt: skip
    product = Product("golden_gate_product", sequence, True, tuple(placed))
    return assembly_result(
        product, rows, quantities, notes, f"cut by {cutter}, ligation of overhangs", context
    )


def _released(name: str, letters: str, circular: bool, cutter: Any) -> Piece:
    """Return the piece of a part that carries no site. Raises InvalidInput: `no_site`, `several_sites`, `wrong_orientation`."""
    cuts = len(cuts_of(letters, circular, [cutter])[str(cutter)])
    site = re.compile(both_strands(str(cutter.site)))
    outward = InvalidInput("wrong_orientation", f"the {cutter} sites of {name} do not leave one piece without a site", hint="each site must cut towards what is to be kept")  # fmt: skip
    if cuts < 2 <= len(site.findall(letters)):
        raise outward
    if cuts != 2:
        raise InvalidInput(
            "several_sites" if cuts > 2 else "no_site", f"{cutter} cuts {name} {cuts} times; a part is cut twice",
            hint="remove the inner sites (domestication)" if cuts > 2 else "each of two sites must cut towards what is to be kept",
            details={"part": name, "cuts": cuts},
        )  # fmt: skip
    pieces = digest(letters, circular, [cutter], name)
    inner = pieces if circular else pieces[1:2]
    free = [piece for piece in inner if not site.search(piece.top)]
    if len(free) != 1:
        raise outward
    return free[0]


def _outward(pieces: list[Piece], end: End) -> str:
    """Return the overhang of an end, read out of the fragment."""
    piece = pieces[end.fragment]
    return piece.right.overhang if end.side == "right" else reverse_complement(piece.left.overhang)


def _alike(overhangs: list[str]) -> list[str]:
    notes = []
    for one, other in itertools.combinations(overhangs, 2):
        for form in dict.fromkeys((other, reverse_complement(other))):
            if sum(a != b for a, b in zip(one, form, strict=True)) == 1:
                notes.append(f"the overhangs {one} and {other} differ in one base: they can be ligated to each other now and then")  # fmt: skip
                break
    return notes
