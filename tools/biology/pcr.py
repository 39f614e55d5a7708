"""PCR as it would run: where primers anneal on a template, and the product they give."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.biology.cloned_products import Part, Product, bases, save_products
from benchmate.tools.biology.dna import reverse_complement
from benchmate.tools.biology.sequences import Sequence

LONGEST_TEMPLATE = 500_000
LONGEST_PRIMER = 200
LONGEST_MELTING = 60  # bases; a longer duplex does not melt in one step
SALTS = {"Na": 50.0, "Mg": 1.5, "dNTPs": 0.6}  # mM, as design_primers takes them
OLIGO = 50.0  # nM
_SHOWN_SITES = 20


@dataclass(frozen=True)
class Site:
    """Where a primer anneals: `start` and `end` on the template's top strand, 0-based and half open; `end` may pass the origin."""

    start: int
    end: int
    strand: Literal["+", "-"]

    def places(self, size: int) -> tuple[int, int]:
        """Return the first and the last base on the top strand, 1-based; the first is larger where the site runs across the origin."""
        return self.start % size + 1, (self.end - 1) % size + 1


@tool(
    domain="biology",
    properties={
        "amplicon_length": "length of the PCR product, PCR product, amplicon, amplified length, band of the PCR",
        "annealing_bases": "annealing bases of the primer, annealed bases, bases that anneal",
        "annealing_tm": "Tm of the annealing part, annealing part's Tm",
    },
    examples=(
        "What does PCR with GCTTGACCATGCAATCGGTA and TGAGTCAGCTTACCGATCAGG give on this template?",
        "Simulate the PCR of this plasmid with these two primers",
        "How long is the product of these primers on the circular template?",
        "Where do my primers anneal, and which tails do they add?",
        "in silico PCR with primers that carry an EcoRI and a BamHI tail",
        "Do these primers amplify anything from this sequence?",
    ),
    example={
        "template": "CGTAGCTTGACCATGCAATCGGTACCTGAAGTCTCAGATTGCACGTATCCGAGTTACATGCCTAGGATCAACTGTGGCAT"
        "TCCGAAGTACTTGCAGACCGTATGCTAACGGTCATTCAGCGATAGTCCATGACGTTCAACCTGATCGGTAAGCTGACTCA",
        "forward": "AAGAATTCGCTTGACCATGCAATCGGTA",
        "reverse": "TTGGATCCTGAGTCAGCTTACCGATCAGG",
    },
    extra="bio",
)
def simulate_pcr(
    template: Sequence,
    forward: Sequence,
    reverse: Sequence,
    context: ToolContext,
    topology: Literal["linear", "circular"] | None = None,
    annealing: Annotated[int, Unit("", "annealing bases, 3' match, minimum match"), Field(ge=8, le=40)] = 15,
) -> ToolResult:
    """Find where two primers anneal on a template and give the PCR product with the primers' tails.

    A primer anneals where its last bases, 15 unless said otherwise, match exactly on either strand; the match is then followed towards
    the 5' end up to the first mismatch, and what is left is the tail. The product holds both primers whole, tails and mismatches
    included. On a circle it may run across the origin. Mispriming with mismatches at the 3' end is not looked for. Positions are 1-based
    on the template's top strand.

    Raises InvalidInput: `not_nucleotides`, `ambiguous_bases`, `too_large`, `primer_too_short`, `primer_not_annealing`,
    `primer_anneals_twice`, `same_strand`, `no_product`.

    Args:
        template: The DNA, its top strand.
        forward: One primer, 5' to 3'.
        reverse: The other primer, 5' to 3', as it is ordered.
        topology: linear or circular; by default what the template's record says.
        annealing: How many bases at the 3' end must match.
    """
    letters, notes = bases(template, "the template", LONGEST_TEMPLATE)
    primers = {"forward": bases(forward, "the forward primer", LONGEST_PRIMER), "reverse": bases(reverse, "the reverse primer", LONGEST_PRIMER)}  # fmt: skip
    circular = (topology or template.topology) == "circular"
    found: dict[str, Site] = {}
    for name, (primer, said) in primers.items():
        notes += said
        found[name] = _only_site(name, primer, letters, circular, annealing)
    if found["forward"].strand == found["reverse"].strand:
        raise InvalidInput(
            "same_strand", f"both primers anneal to the same strand ({found['forward'].strand}) and point the same way: no product",
            hint="write the reverse primer as it is ordered: the reverse complement of the top strand",
        )  # fmt: skip
    left, right = ("forward", "reverse") if found["forward"].strand == "+" else ("reverse", "forward")
    if left == "reverse":
        notes.append("the primers were given in the opposite order: the forward one anneals as reverse primer; the product is written along the template's top strand")  # fmt: skip
    plus, minus, size = found[left], found[right], len(letters)
    inner = minus.start - plus.end
    if circular:
        inner %= size
        twice = (plus.end - plus.start) + inner + (minus.end - minus.start) - size
        if twice > 0:
            notes.append(f"the product covers more than the whole circle: its two ends share {twice} bases")
    elif inner < 0:
        apart = plus.start >= minus.end
        why = "point away from each other" if apart else "overlap on the template"
        raise InvalidInput(
            "no_product", f"the primers {why}: the forward one ends at base {plus.end}, the reverse one at base {minus.start + 1}",
            hint="on a plasmid, say topology: circular" if apart else None,
        )  # fmt: skip
    between = (letters + letters)[plus.end % size : plus.end % size + inner]
    sequence = primers[left][0] + between + reverse_complement(primers[right][0])
    first, last = plus.places(size)[0], minus.places(size)[1]
    tails = {n: primers[n][0][: len(primers[n][0]) - (s.end - s.start)] for n, s in found.items()}
    part = Part(
        template.name or "template", len(tails[left]) + 1, len(sequence) - len(tails[right]), "+", first, last
    )
    artifacts, shown = save_products([Product("pcr_product", sequence, False, (part,))], context)
    quantities = {
        "amplicon_length": Quantity(
            value=len(sequence), unit="bp", property="amplicon_length", method="both primers whole, tails included",
            conditions={"annealing": f"the last {annealing} bases match"},
        )
    }  # fmt: skip
    for name in found:
        quantities |= _annealed(name, primers[name][0][len(tails[name]) :])
    rows = {
        name: {
            "sequence": primers[name][0], "strand": site.strand, "start": site.places(size)[0], "end": site.places(size)[1],
            "annealing_bases": site.end - site.start, "tail": tails[name],
        }
        for name, site in found.items()
    }  # fmt: skip
    return ToolResult(
        data={"product": shown[0], "primers": rows, "template": {"length": size, "topology": "circular" if circular else "linear"}},
        quantities=quantities,
        artifacts=artifacts,
        source=Source(kind="computed", name="benchmate, exact matches at the 3' ends of primers"),
        warnings=tuple([*template.warnings, *forward.warnings, *reverse.warnings, *notes]),
    )  # fmt: skip


def annealing_sites(primer: str, template: str, circular: bool, least: int) -> list[Site]:
    """Return every place where the last `least` bases of a primer match, with how far the match goes on, on both strands.

    Overlapping places all count, as in repeats.
    """
    size = len(template)
    sites = []
    strands: tuple[Literal["+", "-"], ...] = ("+", "-")
    for strand in strands:
        read = template if strand == "+" else reverse_complement(template)
        text = read + read[: least - 1] if circular and size >= least else read
        for match in re.finditer(f"(?={primer[-least:]})", text):
            end = match.start() + least
            matched = least
            limit = min(len(primer), size) if circular else min(len(primer), end)
            while matched < limit and primer[-matched - 1] == read[(end - matched - 1) % size]:
                matched += 1
            start = end - matched
            sites.append(Site(start, end, "+") if strand == "+" else Site(size - end, size - start, "-"))
    return sorted(sites, key=lambda site: (site.strand, site.start))


def _only_site(name: str, primer: str, template: str, circular: bool, least: int) -> Site:
    if len(primer) < least:
        raise InvalidInput("primer_too_short", f"the {name} primer has {len(primer)} bases; {least} must anneal", hint="lower `annealing`")  # fmt: skip
    sites = annealing_sites(primer, template, circular, least)
    if not sites:
        raise _not_annealing(name, primer, template, circular, least)
    if len(sites) > 1:
        places = [{"strand": s.strand, "start": s.places(len(template))[0], "end": s.places(len(template))[1]} for s in sites]  # fmt: skip
        named = ", ".join(f"{p['start']}-{p['end']} ({p['strand']})" for p in places[:_SHOWN_SITES])
        raise InvalidInput(
            "primer_anneals_twice", f"the {name} primer anneals at {len(sites)} places: {named}",
            hint="raise `annealing`, or take a primer that ends in a stretch that occurs once", details={"primer": name, "places": places[:_SHOWN_SITES]},
        )  # fmt: skip
    return sites[0]


def _not_annealing(name: str, primer: str, template: str, circular: bool, least: int) -> InvalidInput:
    hint = "give the primer 5' to 3', and the template that it was made for"
    if annealing_sites(primer[::-1], template, circular, least):
        hint = "it anneals when it is read backwards: primers are written 5' to 3'"
    matching = next((n for n in range(least - 1, 5, -1) if annealing_sites(primer, template, circular, n)), 0)
    longest = f"the longest match of its 3' end has {matching} bases" if matching else "not even its last 6 bases match"  # fmt: skip
    return InvalidInput(
        "primer_not_annealing", f"the {name} primer anneals nowhere: {primer[-least:]}, its last {least} bases, is not on the template; {longest}",
        hint=hint, details={"primer": name, "longest_match": matching},
    )  # fmt: skip


def _annealed(name: str, part: str) -> dict[str, Quantity]:
    from Bio.SeqUtils import MeltingTemp as melting

    found = {f"{name}_annealing_bases": Quantity(value=len(part), unit="nt", property="annealing_bases", method="match from the 3' end to the first mismatch")}  # fmt: skip
    if len(part) <= LONGEST_MELTING:
        own = reverse_complement(part) == part
        tm: Any = melting.Tm_NN(part, nn_table=melting.DNA_NN3, dnac1=OLIGO / 2, dnac2=OLIGO / 2, selfcomp=own, saltcorr=5, **SALTS)  # fmt: skip
        found[f"{name}_annealing_tm"] = Quantity(
            value=float(tm), unit="degC", property="annealing_tm", relation="~",
            method="nearest neighbours (Allawi and SantaLucia 1997), salt by SantaLucia 1998, of the bases that anneal",
            conditions={"Na+": "50 mM", "Mg2+": "1.5 mM", "dNTPs": "0.6 mM", "oligo": "50 nM"},
        )  # fmt: skip
    return found
