"""Melting temperatures of oligonucleotides."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.dna import nucleotides
from benchmate.tools.biology.sequences import Sequence

LONGEST_NEAREST_NEIGHBOUR = 60  # bases; beyond, melting is not two-state
LONGEST_WALLACE = 13
TABLES = {"santalucia": "DNA_NN4", "allawi": "DNA_NN3", "sugimoto": "DNA_NN2", "breslauer": "DNA_NN1"}
PAPERS = {
    "santalucia": "SantaLucia and Hicks 2004", "allawi": "Allawi and SantaLucia 1997", "sugimoto": "Sugimoto et al. 1996",
    "breslauer": "Breslauer et al. 1986",
}  # fmt: skip


@tool(
    domain="biology",
    properties={
        "melting_temperature": "melting temperature, Tm, annealing temperature, melting point of the oligo",
        "melting_temperature_wallace": "Wallace melting temperature, Wallace rule, 2+4 rule",
        "melting_temperature_gc": "melting temperature by GC content, GC formula",
        "gc_content": "GC content of the oligo",
    },
    examples=(
        "Melting temperature of the oligo ACGTTGCATGTCAG by the Wallace rule",
        "Tm of CGTTCCAAAGATGTGGGCATGAGCTTAC",
        "What is the nearest-neighbour Tm of GTAAAACGACGGCCAGT in 50 mM Na and 1.5 mM Mg?",
        "annealing temperature for the primer CAGGAAACAGCTATGAC",
        "melting temperature of ACGTTGCATGTCAGTT at 250 nM oligo",
    ),
    example={"sequence": "CGTTCCAAAGATGTGGGCATGAGCTTAC"},
)
def compute_tm(
    sequence: Sequence,
    method: Annotated[
        Literal["nearest_neighbour", "wallace", "gc"] | None,
        Said(
            {
                "wallace": "Wallace, 2+4 rule, 4+2 rule, 2 + 4, 4 + 2",
                "nearest_neighbour": "nearest neighbor, nearest-neighbor, NN model",
                "gc": "GC formula, GC method, GC content formula",
            }
        ),
    ] = None,
    table: Literal["santalucia", "allawi", "sugimoto", "breslauer"] = "allawi",
    sodium: Annotated[float, Unit("mmol/L", "Na, Na+, sodium, NaCl, salt"), Field(ge=0, le=5000)] = 50.0,
    magnesium: Annotated[float, Unit("mmol/L", "Mg, Mg2+, magnesium, MgCl2"), Field(ge=0, le=200)] = 0.0,
    dntps: Annotated[float, Unit("mmol/L", "dNTPs, dNTP"), Field(ge=0, le=100)] = 0.0,
    oligo: Annotated[
        float, Unit("nmol/L", "oligo, primer concentration, primer, oligo concentration"), Field(gt=0, le=1e6)
    ] = 25.0,
    template: Annotated[float, Unit("nmol/L", "template, target strand"), Field(ge=0, le=1e6)] = 25.0,
) -> ToolResult:
    """Compute the melting temperature of a DNA or RNA oligonucleotide with its perfect complement.

    Nearest neighbours by default, with salt by SantaLucia 1998 (Biopython's saltcorr 5) and Mg2+ after von Ahsen 2001; Wallace's
    2 °C per A·T and 4 °C per G·C holds for up to 13 bases and high salt alone. Models differ by some degrees: the conditions stand
    with the number. Annealing is usually done 3 to 5 °C below the lower Tm of a pair.

    Raises InvalidInput: `not_nucleotides`, `ambiguous_bases`, `too_short`, `too_long`, `too_little_salt`.

    Args:
        sequence: The oligonucleotide, 5' to 3'.
        method: nearest_neighbour unless said otherwise.
        table: The nearest-neighbour parameters for DNA.
        sodium: Monovalent cations.
        magnesium: Magnesium.
        dntps: dNTPs, which bind magnesium.
        oligo: Concentration of the oligo.
        template: Concentration of the other strand, the scarcer one.
    """
    from Bio.SeqUtils import MeltingTemp as melting

    letters, notes = nucleotides(sequence)
    wrong = next((i for i, letter in enumerate(letters) if letter not in "ACGT"), None)
    if wrong is not None:
        raise InvalidInput(
            "ambiguous_bases",
            f"{letters[wrong]!r} at position {wrong + 1} is no single base",
            hint="give the Tm of each variant",
        )
    if len(letters) < 4:
        raise InvalidInput(
            "too_short", f"{len(letters)} bases have no melting temperature", hint="4 are the least"
        )
    rna = sequence.alphabet == "rna"
    quantities: dict[str, Quantity] = {}
    salts = {"Na": sodium, "Mg": magnesium, "dNTPs": dntps}
    conditions = {
        "Na+": f"{sodium:g} mM",
        "Mg2+": f"{magnesium:g} mM",
        "dNTPs": f"{dntps:g} mM",
        "oligo": f"{oligo:g} nM",
        "template": f"{template:g} nM",
    }
    wanted = method or "nearest_neighbour"
    if wanted == "nearest_neighbour":
        quantities["melting_temperature"] = _nearest(
            melting, letters, rna, table, salts, oligo, template, conditions
        )
    if wanted == "wallace" or len(letters) <= LONGEST_WALLACE + 1:
        if wanted == "wallace" and len(letters) > LONGEST_WALLACE:
            notes.append(
                f"the Wallace rule is for up to {LONGEST_WALLACE} bases; this oligo has {len(letters)}"
            )
        quantities["melting_temperature_wallace" if wanted != "wallace" else "melting_temperature"] = Quantity(
            value=float(melting.Tm_Wallace(letters, strict=False)), unit="degC",
            property="melting_temperature_wallace" if wanted != "wallace" else "melting_temperature",
            method="2 °C per A·T, 4 °C per G·C (Wallace et al. 1979)", conditions={"salt": "0.9 M Na+, as in hybridization"},
        )  # fmt: skip
    if wanted == "gc":
        quantities["melting_temperature"] = Quantity(
            value=float(melting.Tm_GC(letters, valueset=7, **salts, saltcorr=0)), unit="degC", property="melting_temperature",
            method="81.5 + 0.41 (%GC) - 600/N + 16.6 log Na (Primer3's long formula)", conditions=conditions,
        )  # fmt: skip
    quantities["gc_content"] = Quantity(
        value=100 * sum(letters.count(c) for c in "GC") / len(letters),
        unit="percent",
        property="gc_content",
        method="(G + C) / length",
    )
    from benchmate.tools.biology.dna import reverse_complement

    if reverse_complement(letters) == letters:
        notes.append(
            "the oligo is its own complement: it pairs with itself, for which the temperature is given"
        )
    return ToolResult(
        data={"method": wanted, "length": len(letters)},
        quantities=quantities,
        source=_source(),
        warnings=tuple([*sequence.warnings, *notes]),
    )


def _nearest(
    melting: Any,
    letters: str,
    rna: bool,
    table: str,
    salts: dict[str, float],
    oligo: float,
    template: float,
    conditions: dict[str, str],
) -> Quantity:
    from benchmate.tools.biology.dna import reverse_complement

    if len(letters) > LONGEST_NEAREST_NEIGHBOUR:
        raise InvalidInput(
            "too_long", f"{len(letters)} bases do not melt in one step; nearest neighbours hold up to {LONGEST_NEAREST_NEIGHBOUR}",
            hint="method gc is for long duplexes",
        )  # fmt: skip
    if salts["Na"] == 0 and salts["Mg"] == 0:
        raise InvalidInput(
            "too_little_salt", "without any salt there is no duplex to melt", hint="sodium is usually 50 mM"
        )
    parameters = melting.RNA_NN3 if rna else getattr(melting, TABLES[table])
    paper = "Chen et al. 2012, RNA" if rna else PAPERS[table]
    own = reverse_complement(letters) == letters
    value = melting.Tm_NN(
        letters.replace("T", "U") if rna else letters, nn_table=parameters, dnac1=max(oligo, template), dnac2=min(oligo, template),
        selfcomp=own, saltcorr=5, **salts,
    )  # fmt: skip
    return Quantity(
        value=float(value), unit="degC", property="melting_temperature", relation="~",
        method=f"nearest neighbours ({paper}), salt by SantaLucia 1998", conditions=conditions,
    )  # fmt: skip


def _source() -> Source:
    import Bio

    return Source(
        kind="computed", name=f"Biopython {Bio.__version__}", reference="doi:10.1093/bioinformatics/btp163"
    )
