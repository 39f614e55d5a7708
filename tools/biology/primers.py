"""PCR primers for a template."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import Crashed, InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.dna import nucleotides
from benchmate.tools.biology.primer_search import SEED, Limits, Pair, Primer, paired_end, search, seeds
from benchmate.tools.biology.sequences import Sequence
from benchmate.tools.extras import require

LONGEST_TEMPLATE = 50_000
LONGEST_SEARCH = 3_000  # bases, without a target
SECONDS = 60
_PENALTY = "sum over both primers of |Tm - middle of the range| + |length - 20| + 10 per off-target site, plus the Tm difference"


@tool(
    domain="biology",
    properties={
        "melting_temperature": "primer melting temperature, primer Tm, Tm of the primers, annealing temperature",
        "gc_content": "GC content of the primer",
        "product_length": "product length, product size, amplicon size, amplicon length",
        "tm_difference": "Tm difference of the pair",
        "hairpin_energy": "hairpin energy, hairpin dG, self-folding energy",
        "off_target_sites": "off-target sites, mispriming sites",
        "penalty": "pair penalty, primer penalty",
    },
    examples=(
        "Design PCR primers for this template",
        "primers to amplify bases 200 to 400 of this sequence",
        "design a primer pair with a Tm of about 60 °C",
        "PCR primer pairs for a product of 150 to 300 bp",
        "forward and reverse primers for this gene with primer3",
    ),
    example={
        "template": "CGTAGCTTGACCATGCAATCGGTACCTGAAGTCTCAGATTGCACGTATCCGAGTTACATGCCTAGGATCAACTGTGGCAT"
        "TCCGAAGTACTTGCAGACCGTATGCTAACGGTCATTCAGCGATAGTCCATGACGTTCAACCTGATCGGTAAGCTGACTCA",
        "product_minimum": 80,
    },
    extra="bio",
    timeout=120,
)
def design_primers(
    template: Sequence,
    target_start: Annotated[int | None, Unit("", "target start, from base"), Field(ge=1)] = None,
    target_end: Annotated[int | None, Unit("", "target end, to base"), Field(ge=1)] = None,
    tm_minimum: Annotated[float, Unit("degC", "minimum Tm, lowest Tm"), Field(ge=30, le=90)] = 57.0,
    tm_maximum: Annotated[float, Unit("degC", "maximum Tm, highest Tm"), Field(ge=30, le=90)] = 63.0,
    product_minimum: Annotated[
        int, Unit("bp", "minimum product, product from"), Field(ge=40, le=20000)
    ] = 100,
    product_maximum: Annotated[
        int, Unit("bp", "maximum product, product up to"), Field(ge=40, le=20000)
    ] = 1000,
    sodium: Annotated[float, Unit("mmol/L", "Na, Na+, K+, salt, monovalent"), Field(gt=0, le=1000)] = 50.0,
    magnesium: Annotated[float, Unit("mmol/L", "Mg, Mg2+, MgCl2"), Field(ge=0, le=50)] = 1.5,
    dntps: Annotated[float, Unit("mmol/L", "dNTPs, dNTP"), Field(ge=0, le=50)] = 0.6,
    oligo: Annotated[float, Unit("nmol/L", "oligo, primer concentration"), Field(gt=0, le=1e5)] = 50.0,
    engine: Annotated[
        Literal["nearest_neighbour", "primer3"], Said({"primer3": "Primer3"})
    ] = "nearest_neighbour",
) -> ToolResult:
    """Design up to five PCR primer pairs on a DNA template, around a target or anywhere on it, ranked by a stated penalty.

    Primers have 18 to 27 bases, 40 to 60 % GC, end in G or C with at most three of these in the last five, and no run above four.
    Hairpins below -3 kcal/mol (seqfold, 37 °C) and 3' ends of which more than four bases pair are ruled out. Off-target sites are
    further matches of the last 12 bases on the template alone, not on a genome. Primer3 runs as a process of its own.

    Raises InvalidInput: `not_nucleotides`, `too_short`, `too_large`, `no_target`, `bad_target`, `bad_range`, `no_primers`. Raises
    Unavailable (`missing_extra`) for Primer3, Crashed (`primer3_failed`).

    Args:
        template: The DNA, its top strand 5' to 3'.
        target_start: First base that must lie between the primers, 1-based.
        target_end: Last base that must lie between the primers.
        tm_minimum: Lowest melting temperature.
        tm_maximum: Highest melting temperature.
        product_minimum: Shortest product, primers included.
        product_maximum: Longest product.
        sodium: Monovalent cations.
        magnesium: Magnesium.
        dntps: dNTPs, which bind magnesium.
        oligo: Concentration of a primer; a quarter counts, as in Primer3.
        engine: primer3 for Primer3's own search.
    """
    letters, notes = nucleotides(template)
    _check_ranges(tm_minimum, tm_maximum, product_minimum, product_maximum)
    target = _target(letters, target_start, target_end, product_minimum)
    if template.topology == "circular":
        notes.append("the circle was read as linear: no product runs across its origin")
    limits = Limits(
        target, 18, 27, (tm_minimum, tm_maximum), (40.0, 60.0), (product_minimum, min(product_maximum, len(letters))),
        3.0, sodium, magnesium, dntps, oligo,
    )  # fmt: skip
    conditions = {"Na+": f"{sodium:g} mM", "Mg2+": f"{magnesium:g} mM", "dNTPs": f"{dntps:g} mM", "oligo": f"{oligo:g} nM"}  # fmt: skip
    if engine == "primer3":
        require("primer3", "design_primers with engine primer3")
        pairs, why, source, method = _by_primer3(letters, limits)
    else:
        pairs, rejected = search(letters, limits)
        why = ", ".join(f"{name}: {count}" for name, count in rejected.most_common(6))
        source, method = _source(), "nearest neighbours (Allawi and SantaLucia 1997), salt by SantaLucia 1998"
    if not pairs:
        raise InvalidInput(
            "no_primers", f"no pair meets the limits; ruled out: {why or 'everything by the size of the product'}",
            hint="widen the range of Tm or of the product",
        )  # fmt: skip
    quantities: dict[str, Quantity] = {}
    for number, pair in enumerate(pairs, 1):
        quantities |= _quantities(f"pair_{number}", pair, method, conditions, engine)
    notes.append("specificity was looked at on the template alone: compare the primers with the genome")
    data = {
        "engine": engine, "conditions": conditions, "pairs": [_row(pair) for pair in pairs], "ruled_out": why,
        "penalty": "Primer3's pair penalty" if engine == "primer3" else _PENALTY,
    }  # fmt: skip
    return ToolResult(data=data, quantities=quantities, source=source, warnings=(*template.warnings, *notes))


def _check_ranges(tm_minimum: float, tm_maximum: float, shortest: int, longest: int) -> None:
    for low, high, what in ((tm_minimum, tm_maximum, "Tm"), (shortest, longest, "product")):
        if low > high:
            raise InvalidInput("bad_range", f"the lowest {what}, {low:g}, is above the highest, {high:g}")


def _target(letters: str, start: int | None, end: int | None, shortest: int) -> tuple[int, int] | None:
    if len(letters) < shortest:
        raise InvalidInput(
            "too_short",
            f"a template of {len(letters)} bases gives no product of {shortest} bp",
            hint="lower product_minimum",
        )
    if len(letters) > LONGEST_TEMPLATE:
        raise InvalidInput("too_large", f"{len(letters)} bases are more than {LONGEST_TEMPLATE}")
    if start is None and end is None:
        if len(letters) > LONGEST_SEARCH:
            raise InvalidInput(
                "no_target",
                f"{len(letters)} bases are too many to search whole",
                hint="give target_start and target_end",
            )
        return None
    first, last = start or end or 1, end or start or 1
    if first > last or last > len(letters):
        raise InvalidInput(
            "bad_target", f"bases {first} to {last} are no stretch of a template of {len(letters)} bases"
        )
    return first - 1, last


def _by_primer3(letters: str, limits: Limits) -> tuple[list[Pair], str, Source, str]:
    settings = {
        "PRIMER_NUM_RETURN": 5, "PRIMER_MIN_SIZE": limits.shortest, "PRIMER_OPT_SIZE": 20, "PRIMER_MAX_SIZE": limits.longest,
        "PRIMER_MIN_TM": limits.tm[0], "PRIMER_OPT_TM": sum(limits.tm) / 2, "PRIMER_MAX_TM": limits.tm[1],
        "PRIMER_MIN_GC": limits.gc[0], "PRIMER_MAX_GC": limits.gc[1], "PRIMER_GC_CLAMP": 1, "PRIMER_MAX_POLY_X": 4,
        "PRIMER_PAIR_MAX_DIFF_TM": limits.tm_difference, "PRIMER_PRODUCT_SIZE_RANGE": [list(limits.product)],
        "PRIMER_SALT_MONOVALENT": limits.sodium, "PRIMER_SALT_DIVALENT": limits.magnesium, "PRIMER_DNTP_CONC": limits.dntps,
        "PRIMER_DNA_CONC": limits.oligo, "PRIMER_TM_FORMULA": 1, "PRIMER_SALT_CORRECTIONS": 1,
    }  # fmt: skip
    where = [limits.target[0], limits.target[1] - limits.target[0]] if limits.target else None
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmate.tools.biology.primer3_process"], capture_output=True, text=True, timeout=SECONDS,
            input=json.dumps({"template": letters, "target": where, "settings": settings}), check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Crashed("primer3_failed", f"Primer3 gave no answer within {SECONDS} s") from None
    if done.returncode != 0:
        raise Crashed("primer3_failed", "Primer3 stopped with an error", details={"log": done.stderr[-500:]})
    answer: dict[str, Any] = json.loads(done.stdout)
    known = seeds(letters)
    pairs = [
        Pair(
            _primer(pair["LEFT"], known, reverse=False),
            _primer(pair["RIGHT"], known, reverse=True),
            pair["penalty"],
        )
        for pair in answer["pairs"]
    ]
    why = "; ".join(f"{side.lower()}: {text}" for side, text in answer["explain"].items())
    source = Source(
        kind="computed", name=f"primer3-py {answer['version']}", reference="doi:10.1093/nar/gks596"
    )
    return pairs, why, source, "Primer3: nearest neighbours and salt by SantaLucia 1998"


def _primer(found: dict[str, Any], known: Any, *, reverse: bool) -> Primer:
    letters, (position, length) = found["sequence"], found["position"]
    start = position - length + 1 if reverse else position  # Primer3 gives the 5' end of each primer
    gc = 100 * sum(c in "GC" for c in letters) / length
    energy = min(found["hairpin"] / 1000, 0.0)  # Primer3 gives cal/mol
    return Primer(letters, start, start + length, found["tm"], gc, known[letters[-SEED:]] - 1, energy)


def _quantities(
    key: str, pair: Pair, method: str, conditions: dict[str, str], engine: str
) -> dict[str, Quantity]:
    fold = "Primer3 thermodynamics" if engine == "primer3" else "seqfold (SantaLucia and Hicks 2004)"
    number = {"pair": key.removeprefix("pair_")}
    found: dict[str, Quantity] = {}
    for side, primer in (("forward", pair.forward), ("reverse", pair.reverse)):
        name, which = f"{key}_{side}", number | {"primer": side}
        found[f"{name}_tm"] = Quantity(value=primer.tm, unit="degC", property="melting_temperature", relation="~", method=method, conditions=which | conditions)  # fmt: skip
        found[f"{name}_gc"] = Quantity(
            value=primer.gc,
            unit="percent",
            property="gc_content",
            method="(G + C) / length",
            conditions=which,
        )
        found[f"{name}_hairpin"] = Quantity(value=primer.hairpin or 0.0, unit="kcal/mol", property="hairpin_energy", relation="~", method=fold, conditions=which | {"temperature": "37 degC"})  # fmt: skip
        found[f"{name}_off_targets"] = Quantity(
            value=primer.off_targets,
            property="off_target_sites",
            method=f"further matches of the last {SEED} bases on the template",
            conditions=which,
        )
    found[f"{key}_product"] = Quantity(
        value=pair.product, unit="bp", property="product_length", method="primers included", conditions=number
    )
    found[f"{key}_tm_difference"] = Quantity(value=abs(pair.forward.tm - pair.reverse.tm), unit="delta_degC", property="tm_difference", method=method, conditions=number)  # fmt: skip
    found[f"{key}_penalty"] = Quantity(
        value=pair.penalty,
        property="penalty",
        method="Primer3's pair penalty" if engine == "primer3" else _PENALTY,
        conditions=number,
    )
    return found


def _row(pair: Pair) -> dict[str, Any]:
    def side(primer: Primer) -> dict[str, Any]:
        return {"sequence": primer.sequence, "start": primer.start + 1, "end": primer.end, "length": len(primer.sequence)}  # fmt: skip

    ends = max(
        paired_end(pair.forward.sequence, pair.reverse.sequence),
        paired_end(pair.reverse.sequence, pair.forward.sequence),
    )
    return {"forward": side(pair.forward), "reverse": side(pair.reverse), "product": pair.product, "paired_bases_of_3_prime_ends": ends}  # fmt: skip


def _source() -> Source:
    import Bio

    return Source(
        kind="computed", name=f"Biopython {Bio.__version__}, seqfold", reference="doi:10.1093/bioinformatics/btp163"
    )  # fmt: skip
