"""Restriction cloning: vector and insert cut, joined by what their ends allow, with what else forms."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import Making, ToolContext, ToolResult, tool
from benchmate.tools.biology.cloned_products import Part, Product, bases, checksum, save_products, source
from benchmate.tools.biology.codon_search import both_strands
from benchmate.tools.biology.digests import Piece, cuts_of, cutter_named, digest
from benchmate.tools.biology.restriction import methylation_notes
from benchmate.tools.biology.sequences import Sequence

LONGEST = 500_000
FEWEST_BESIDE = 3  # bases beside a site at the end of a PCR product; many enzymes cut poorly with fewer
SHORTEST_REMOVED = 15  # bp between two sites of a vector, below which one cut can hinder the other


@tool(
    domain="biology",
    makes=Making(),
    properties={
        "recombinant_length": "length of the recombinant plasmid, recombinant plasmid, size of the construct, plasmid with the insert",
        "recombinant_count": "number of recombinant products, recombinant products, orientations of the insert, ways to insert",
        "backbone_length": "length of the cut vector, cut vector, backbone, vector fragment",
        "insert_length": "length of the cut insert, cut insert, insert fragment",
    },
    examples=(
        "Clone this insert into the plasmid with EcoRI and BamHI",
        "Which plasmid results when I ligate the insert into the vector cut with EcoRI?",
        "Simulate the restriction cloning of a PCR product into my vector with NdeI and XhoI",
        "Are the ends of a BamHI vector and a BglII insert compatible?",
        "Can the insert go in both ways when I cut with HindIII alone?",
        "blunt-end ligation of this fragment into the vector cut with SmaI",
    ),
    example={
        "vector": {"name": "vector", "topology": "circular", "sequence": "TTGACCATGCAATCGGTACCGAATTCAGATTGCACGTATCCGGATCCACATGCCTAGGATCAACTGTGGCATTCCGAAGTACTTGCAG"},
        "insert": "ACCGAATTCATGAAACCCGTTTTAATGTGCTAAGGATCCTTC",
        "enzymes": ["EcoRI", "BamHI"],
    },
    extra="bio",
)  # fmt: skip
def simulate_restriction_cloning(
    vector: Sequence,
    insert: Sequence,
    enzymes: Annotated[list[str], Field(min_length=1, max_length=2)],
    context: ToolContext,
    insert_enzymes: Annotated[list[str] | None, Field(max_length=2)] = None,
) -> ToolResult:
    """Cut a plasmid and an insert with restriction enzymes and ligate them: every circle of one backbone and one insert, both orientations.

    The vector is read as a circle; each enzyme must cut it once, and with two the longer piece is the backbone. Of the insert the middle
    piece is taken, of a circular donor the shorter one; with an empty insert_enzymes the insert is taken whole, its ends blunt. Only ends that
    match exactly are joined. Whether the empty vector can close is told; concatemers are not looked at. Products are written along the
    vector, from its base 1 where the backbone holds it; in recombinant_forward the insert reads in the same direction.

    Raises InvalidInput: `not_nucleotides`, `ambiguous_bases`, `too_large`, `unknown_enzyme`, `unsupported_enzyme`, `no_site`, `several_sites`,
    `sites_overlap`, `incompatible_ends`.

    Args:
        vector: The plasmid.
        insert: The fragment or the donor plasmid; {"sequence": …, "topology": "circular"} for a plasmid.
        enzymes: One or two enzymes that cut the vector, and the insert unless others are given for it.
        insert_enzymes: The enzymes for the insert; an empty list for an insert with blunt ends that is not cut.
    """
    plasmid, notes = bases(vector, "the vector", LONGEST)
    donor, said = bases(insert, "the insert", LONGEST)
    notes += said
    for_vector = [cutter_named(name) for name in dict.fromkeys(enzymes)]
    for_insert = (
        for_vector
        if insert_enzymes is None
        else [cutter_named(name) for name in dict.fromkeys(insert_enzymes)]
    )
    if vector.topology == "linear":
        notes.append("the vector was read as a circle")
    backbone, removed, told = _backbone(plasmid, for_vector)
    notes += told
    piece, told = _insert(donor, insert.topology == "circular", for_insert)
    notes += told
    names = (vector.name or "vector", insert.name or "insert")
    if names[0] == names[1]:
        names = ("vector", "insert")
    products = _recombinants(backbone, piece, names, len(plasmid))
    if not products:
        raise InvalidInput(
            "incompatible_ends",
            f"the ends do not fit: the backbone has {backbone.left} on its left and {backbone.right} on its right, the insert {piece.left} and {piece.right}",
            hint="overhangs must be of one kind and complementary, as of BamHI and BglII; blunt ends fit any blunt end",
            details={"backbone": backbone.as_data(), "insert": piece.as_data()},
        )  # fmt: skip
    closes = _closes(backbone.double_strand)
    if closes:
        notes.append(
            "the empty vector can close on itself: take off its 5' phosphates, or cut with two enzymes whose ends differ"
        )
    if len(products) > 1:
        notes.append("the insert can go in both ways: check the orientation of each clone")
    if removed is not None:
        notes.append(
            f"the piece of {len(removed.top)} bp that is cut out of the vector fits again: take it away, as by a gel"
        )
    notes += methylation_notes([{"enzyme": str(e), "positions": [1]} for e in for_vector], plasmid)
    artifacts, shown = save_products(products, context)
    for row, product in zip(shown, products, strict=True):
        row["junctions"] = _junctions(product, names, [*for_vector, *for_insert])
    method = f"cut by {' and '.join(dict.fromkeys(map(str, [*for_vector, *for_insert])))}, ligation of ends that match"
    quantities = {
        "recombinant_count": Quantity(value=len(products), property="recombinant_count", method="circles of one backbone and one insert"),
        **{
            f"{product.name}_length": Quantity(value=len(product.sequence), unit="bp", property="recombinant_length", method=method)
            for product in products
        },
        "backbone_length": Quantity(value=len(backbone.top), unit="bp", property="backbone_length", method="top strand"),
        "insert_length": Quantity(value=len(piece.top), unit="bp", property="insert_length", method="top strand"),
    }  # fmt: skip
    return ToolResult(
        data={
            "products": shown, "backbone": backbone.as_data(), "removed": removed.as_data() if removed else None, "insert": piece.as_data(),
            "empty_vector_closes": closes,
        },
        quantities=quantities,
        artifacts=artifacts,
        source=source(),
        warnings=tuple([*vector.warnings, *insert.warnings, *notes]),
    )  # fmt: skip


def _backbone(letters: str, enzymes: list[Any]) -> tuple[Piece, Piece | None, list[str]]:
    """Return the backbone, the piece cut out of the vector or None, and what has to be said."""
    for enzyme, cuts in cuts_of(letters, True, enzymes).items():
        _at_least_one(enzyme, cuts, "the vector")
        if len(cuts) > 1:
            raise _several(enzyme, cuts, "the vector", "an enzyme must cut the vector once; find_restriction_sites lists those that do")  # fmt: skip
    pieces = digest(letters, True, enzymes, "the vector")
    if len(pieces) == 1:
        return pieces[0], None, []
    short, long = sorted(pieces, key=lambda piece: len(piece.top))
    notes = [f"the longer piece of the vector, {len(long.top)} bp, was taken as the backbone"]
    if len(short.top) < SHORTEST_REMOVED:
        notes.append(f"the two sites of the vector lie {len(short.top)} bp apart: the second cut can be poor")
    return long, short, notes


def _insert(letters: str, circular: bool, enzymes: list[Any]) -> tuple[Piece, list[str]]:
    cuts = cuts_of(letters, circular, enzymes)
    for enzyme, places in cuts.items():
        _at_least_one(enzyme, places, "the insert")
    if sum(map(len, cuts.values())) > 2:
        most = max(cuts, key=lambda enzyme: len(cuts[enzyme]))
        raise _several(most, cuts[most], "the insert", "the insert must be cut twice, at its ends: choose enzymes that do not cut inside")  # fmt: skip
    pieces = digest(letters, circular, enzymes, "the insert")
    if not pieces:
        raise InvalidInput("no_site", "the donor is a circle and no enzyme for it was given", hint="name insert_enzymes")  # fmt: skip
    if circular:
        piece = min(pieces, key=lambda piece: len(piece.top))
        whole = "cut once and taken whole" if len(pieces) == 1 else f"the shorter piece, {len(piece.top)} bp, was taken as the insert"  # fmt: skip
        return piece, [f"the donor is a circle: {whole}"]
    notes = _beside(letters, enzymes)
    if len(pieces) == 3:
        return pieces[1], notes
    if len(pieces) == 2:
        notes.append("the insert is cut once: the longer piece was taken, its other end blunt as given")
    else:
        notes.append("the insert was taken whole, its ends blunt; Taq polymerase leaves A overhangs, which fit no blunt end, and plain primers leave no 5' phosphates")  # fmt: skip
    return max(pieces, key=lambda piece: len(piece.top)), notes


def _beside(letters: str, enzymes: list[Any]) -> list[str]:
    """Return a note for each enzyme whose site lies too near an end of a linear molecule to be cut well."""
    notes = []
    for enzyme in enzymes:
        spans = [match.span() for match in re.finditer(both_strands(str(enzyme.site)), letters)]
        room = min(min(first, len(letters) - end) for first, end in spans)
        if room < FEWEST_BESIDE:
            notes.append(f"the {enzyme} site at an end of the insert has {room} bases beside it: many enzymes need 3 to 6")  # fmt: skip
    return notes


def _recombinants(backbone: Piece, insert: Piece, names: tuple[str, str], size: int) -> list[Product]:
    """Return the circles of backbone and insert, one for each orientation that the ends allow.

    Ligation joins nick to nick, so the top strands follow each other. A palindromic insert gives one product.
    """
    found: dict[str, Product] = {}
    for strand, way in (("+", "forward"), ("-", "reverse")):
        piece = insert.double_strand if strand == "+" else insert.double_strand.reverse_complement()
        if not _closes(backbone.double_strand, piece):
            continue
        top = insert.top if strand == "+" else insert.bottom
        span = insert.top_span if strand == "+" else insert.bottom_span
        product = _from_base_one(f"recombinant_{way}", backbone, top, strand, span, names, size)
        found.setdefault(checksum(product), product)
    return list(found.values())


def _closes(*pieces: Any) -> bool:
    """Return whether the pieces join to a circle in this order."""
    try:
        sum(pieces[1:], pieces[0]).looped()
    except TypeError:  # pydna: ends that are not compatible
        return False
    return True


def _from_base_one(
    name: str,
    backbone: Piece,
    insert: str,
    strand: Any,
    span: tuple[int, int],
    names: tuple[str, str],
    size: int,
) -> Product:
    """Return the circle, written from base 1 of the vector if the backbone holds that base, else from the backbone's first."""
    (start, end), top = backbone.top_span, backbone.top
    before = (1 - start) % size  # bases of the backbone ahead of the vector's base 1
    if not 0 < before < len(top):
        parts = (Part(names[0], 1, len(top), "+", start, end), Part(names[1], len(top) + 1, len(top) + len(insert), strand, *span))  # fmt: skip
        return Product(name, top + insert, True, parts)
    first, rest = top[before:], top[:before]
    middle = len(first) + len(insert)
    pieces = (
        Part(names[0], 1, len(first), "+", 1, end),
        Part(names[1], len(first) + 1, middle, strand, *span),
        Part(names[0], middle + 1, middle + len(rest), "+", start, size),
    )
    return Product(name, first + insert + rest, True, pieces)


def _junctions(product: Product, names: tuple[str, str], enzymes: list[Any]) -> list[dict[str, Any]]:
    """Return the two places where vector and insert meet: the base before, the bases around, and which enzymes cut there again."""
    cuts = cuts_of(product.sequence, True, list(dict.fromkeys(enzymes)))
    size = len(product.sequence)
    at = next(i for i, part in enumerate(product.parts) if part.name == names[1])
    insert = product.parts[at]
    rows = []
    ends = ((insert.start - 1, names[0], names[1]), (insert.end, names[1], names[0]))
    for after, left, right in ends:
        place = (after - 1) % size + 1
        text = "".join(product.sequence[i % size] for i in range(place - 10, place + 10))
        rows.append(
            {"left": left, "right": right, "after": place, "around": text, "cut_again_by": [e for e, places in cuts.items() if place in places]}
        )  # fmt: skip
    return rows


def _at_least_one(enzyme: str, cuts: list[int], what: str) -> None:
    if not cuts:
        raise InvalidInput("no_site", f"{enzyme} does not cut {what}", hint="find_restriction_sites without enzymes lists those that cut once", details={"enzyme": enzyme})  # fmt: skip


def _several(enzyme: str, cuts: list[int], what: str, hint: str) -> InvalidInput:
    named = ", ".join(map(str, cuts[:20]))
    return InvalidInput("several_sites", f"{enzyme} cuts {what} {len(cuts)} times, after bases {named}", hint=hint, details={"enzyme": enzyme, "cuts": cuts[:100]})  # fmt: skip
