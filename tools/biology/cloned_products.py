"""Products of cloning: their parts with positions on both sides, and the files they are kept in."""

from __future__ import annotations

import io
from typing import Any, Literal, NamedTuple

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.evidence import Artifact
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import Source, ToolContext, ToolResult
from benchmate.tools.biology.dna import nucleotides, reverse_complement
from benchmate.tools.biology.sequences import Sequence

LONGEST_FRAGMENT = 100_000  # bases
MOST_FRAGMENTS = 20
LONGEST_SHOWN = 20_000  # bases; a longer product stands in its file alone


class Part(NamedTuple):
    """Bases `start` to `end` of a product, 1-based, and where they lie on their source: there, too, on the top strand."""

    name: str
    start: int
    end: int
    strand: Literal["+", "-"]
    source_start: int
    source_end: int


class Product(NamedTuple):
    """A molecule that was made: its top strand, whether it is a circle, and its parts in order."""

    name: str
    sequence: str
    circular: bool
    parts: tuple[Part, ...]


def bases(sequence: Sequence, what: str, longest: int) -> tuple[str, list[str]]:
    """Return the letters, A, C, G and T alone, and what has to be said about reading them so.

    Raises InvalidInput: `not_nucleotides`, `ambiguous_bases` (with the position), `too_large`.
    """
    letters, notes = nucleotides(sequence)
    if len(letters) > longest:
        raise InvalidInput("too_large", f"{what} has {len(letters)} bases; the limit is {longest}")
    wrong = next((i for i, letter in enumerate(letters) if letter not in "ACGT"), None)
    if wrong is not None:
        raise InvalidInput(
            "ambiguous_bases", f"{letters[wrong]!r} at position {wrong + 1} of {what} is no single base",
            hint="give the sequence that is there", details={"position": wrong + 1, "letter": letters[wrong]},
        )  # fmt: skip
    return letters, notes


def fragments_of(
    given: list[Sequence], *, least: int, linear: bool = False
) -> tuple[list[str], list[str], list[str]]:
    """Return the fragments' names, each once, their letters, and what has to be said; with `linear`, circles are refused.

    Raises InvalidInput: `wrong_number`, `circular_fragment`, and as `bases` does.
    """
    if not least <= len(given) <= MOST_FRAGMENTS:
        raise InvalidInput("wrong_number", f"{len(given)} sequences were given; {least} to {MOST_FRAGMENTS} are assembled")  # fmt: skip
    names: list[str] = []
    letters, notes = [], []
    for number, one in enumerate(given, 1):
        name = one.name or f"fragment {number}"
        names.append(f"{name} ({number})" if name in names else name)
        text, said = bases(one, names[-1], LONGEST_FRAGMENT)
        if linear and one.topology == "circular":
            raise InvalidInput("circular_fragment", f"{names[-1]} is a circle and has no ends", hint="cut it, or give the PCR product of it")  # fmt: skip
        letters.append(text)
        notes += [*one.warnings, *said]
    return names, letters, notes


def turned(text: str, strand: Literal["+", "-"]) -> str:
    """Return the letters, or their reverse complement for the strand -."""
    return text if strand == "+" else reverse_complement(text)


def assembly_result(
    product: Product, junctions: list[dict[str, Any]], quantities: dict[str, Quantity], notes: list[str], method: str,
    context: ToolContext,
) -> ToolResult:  # fmt: skip
    """Return the result of an assembly with one product."""
    artifacts, shown = save_products([product], context)
    first = {
        "assembled_length": Quantity(value=len(product.sequence), unit="bp", property="assembled_length", method=method, conditions={"topology": shown[0]["topology"]}),
        "junction_count": Quantity(value=len(junctions), property="junction_count", method="each fragment used once"),
    }  # fmt: skip
    return ToolResult(
        data={"product": shown[0], "junctions": junctions}, quantities=first | quantities, artifacts=artifacts, source=source(), warnings=tuple(notes),
    )  # fmt: skip


def source() -> Source:
    """Return what cloning is simulated with."""
    from importlib.metadata import version

    return Source(kind="computed", name=f"pydna {version('pydna')}, Biopython Restriction (REBASE)", reference="doi:10.1186/s12859-015-0544-x")  # fmt: skip


def save_products(
    products: list[Product], context: ToolContext
) -> tuple[tuple[Artifact, ...], list[dict[str, Any]]]:
    """Keep each product as a GenBank file, and return the files and what is told of each product."""
    files, rows = [], []
    for product in products:
        files.append(context.save(f"{product.name}.gb", "chemical/x-genbank", _genbank(product)))
        long = len(product.sequence) > LONGEST_SHOWN
        rows.append(
            {
                "name": product.name, "length": len(product.sequence), "topology": "circular" if product.circular else "linear",
                "sequence": None if long else product.sequence, "file": files[-1].name, "seguid": checksum(product),
                "parts": [part._asdict() for part in product.parts],
            }
        )  # fmt: skip
    return tuple(files), rows


def checksum(product: Product) -> str:
    """Return the SEGUID v2 of the double strand: the same for either strand and any rotation of a circle (doi:10.1101/2024.02.28.582384)."""
    from pydna.dseq import Dseq

    return str(Dseq(product.sequence, circular=product.circular).seguid())


def _genbank(product: Product) -> bytes:
    from Bio import SeqIO
    from Bio.Seq import Seq
    from Bio.SeqFeature import SeqFeature, SimpleLocation
    from Bio.SeqRecord import SeqRecord

    record = SeqRecord(
        Seq(product.sequence), id=product.name, name=product.name[:16], description="simulated"
    )
    record.annotations["molecule_type"] = "DNA"
    record.annotations["topology"] = "circular" if product.circular else "linear"
    for part in product.parts:
        place = SimpleLocation(part.start - 1, part.end, strand=1 if part.strand == "+" else -1)
        record.features.append(SeqFeature(place, type="misc_feature", qualifiers={"label": [part.name]}))
    text = io.StringIO()
    SeqIO.write(record, text, "genbank")
    return text.getvalue().encode()
