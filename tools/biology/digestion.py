"""Digests of proteins: which peptides a protease or cyanogen bromide leaves, and their masses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.protein import residues
from benchmate.tools.biology.sequences import Sequence

MOST_RESIDUES = 50_000
MOST_PEPTIDES = 20_000
PROTON = 1.007276466621  # Da (CODATA 2018)
CARBAMIDOMETHYL = (57.021464, 57.0513)  # Da, monoisotopic and average (Unimod 4)
HOMOSERINE_LACTONE = (-48.003371, -48.1075)  # Da, what CNBr makes of a C-terminal Met (Unimod 10)
SHOWN = 40  # peptides whose masses are quantities; the others stand in data

# Whether the bond between two residues is cut; after Expasy PeptideCutter, without its rarer exceptions.
_CUTS: dict[str, Callable[[str, str], bool]] = {
    "trypsin": lambda left, right: left in "KR" and right != "P",
    "trypsin_p": lambda left, right: left in "KR",
    "lys_c": lambda left, right: left == "K",
    "arg_c": lambda left, right: left == "R",
    "glu_c": lambda left, right: left == "E",
    "asp_n": lambda left, right: right == "D",
    "chymotrypsin": lambda left, right: (
        (left in "FY" and right != "P") or (left == "W" and right not in "MP")
    ),
    "cnbr": lambda left, right: left == "M",
}
_RULES = {
    "trypsin": "after K or R, not before P", "trypsin_p": "after K or R, before P too", "lys_c": "after K", "arg_c": "after R",
    "glu_c": "after E", "asp_n": "before D", "chymotrypsin": "after F or Y, not before P; after W, not before M or P (high specificity)",
    "cnbr": "after M, which becomes homoserine lactone",
}  # fmt: skip


@tool(
    domain="biology",
    properties={
        "peptide_count": "number of peptides, peptides, how many peptides, fragments",
        "site_count": "number of cleavage sites, cleavage sites, cuts",
        "peptide_monoisotopic_mass": "monoisotopic mass of a peptide, peptide masses",
        "peptide_average_mass": "average mass of a peptide",
        "peptide_mz": "m/z of a peptide, mass-to-charge ratio, MH+, peptide mass fingerprint",
    },
    examples=(
        "Which tryptic peptides does MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLGEENF give?",
        "Digest MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQ with trypsin, one missed cleavage",
        "peptide mass fingerprint of KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNR",
        "How many peptides does LysC make of MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQ?",
        "CNBr fragments of KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAK",
        "m/z of the AspN peptides of MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEG",
    ),
    example={"sequence": "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLGEENF"},
)
def digest_protein(
    sequence: Sequence,
    enzyme: Annotated[
        Literal["trypsin", "trypsin_p", "lys_c", "arg_c", "glu_c", "asp_n", "chymotrypsin", "cnbr"],
        Said(
            {
                "lys_c": "LysC, Lys-C",
                "arg_c": "ArgC, Arg-C",
                "glu_c": "GluC, Glu-C, V8",
                "asp_n": "AspN, Asp-N",
                "trypsin": "tryptic",
                "chymotrypsin": "chymotryptic",
                "cnbr": "CNBr, cyanogen bromide",
                "trypsin_p": "trypsin/P",
            }
        ),
    ] = "trypsin",
    missed_cleavages: Annotated[int, Unit("", "missed cleavages, missed"), Field(ge=0, le=5)] = 0,
    cysteine: Annotated[
        Literal["free", "carbamidomethyl"],
        Said({"carbamidomethyl": "carbamidomethylated, carbamidomethylation, alkylated, iodoacetamide, IAA"}),
    ] = "free",
    shortest: Annotated[int, Unit("", "shortest peptide, minimum length"), Field(ge=1, le=100)] = 1,
) -> ToolResult:
    """Digest a protein and give its peptides with masses and m/z at charges 1 to 3.

    Rules after Expasy PeptideCutter, without its rarer exceptions (such as trypsin at W-K-P or C-K-D); trypsin_p cuts before proline
    too. Positions are 1-based in the chain as given. m/z are monoisotopic.

    Raises InvalidInput: `not_protein`, `internal_stop`, `undetermined_residues`, `too_large`, `no_peptides`.

    Args:
        sequence: The protein.
        enzyme: The protease, or cnbr for cyanogen bromide.
        missed_cleavages: The most sites that a peptide may keep inside.
        cysteine: free, or carbamidomethyl after iodoacetamide.
        shortest: Peptides with fewer residues are left out.
    """
    letters, notes = residues(sequence)
    if len(letters) > MOST_RESIDUES:
        raise InvalidInput("too_large", f"{len(letters)} residues are more than {MOST_RESIDUES}")
    cut = _CUTS[enzyme]
    sites = [i for i in range(1, len(letters)) if cut(letters[i - 1], letters[i])]
    spans = _spans([0, *sites, len(letters)], missed_cleavages)
    kept = [span for span in spans if span[1] - span[0] >= shortest]
    if not kept:
        raise InvalidInput("no_peptides", f"no peptide has {shortest} residues", hint="lower `shortest`")
    if len(kept) > MOST_PEPTIDES:
        raise InvalidInput(
            "too_large",
            f"{len(kept)} peptides are more than {MOST_PEPTIDES}",
            hint="fewer missed cleavages, or a part of the chain",
        )
    if len(kept) < len(spans):
        notes.append(f"{len(spans) - len(kept)} peptides shorter than {shortest} residues are left out")
    if not sites:
        notes.append(f"{enzyme} does not cut this chain")
    if "C" in letters and cysteine == "free":
        notes.append("cysteines are taken as free thiols; disulfide bonds would hold peptides together")
    if enzyme == "glu_c":
        notes.append("in phosphate buffer Glu-C cuts after Asp, too; here after Glu alone")
    rows = [_peptide(letters, span, enzyme, cysteine) for span in kept]
    conditions = {"enzyme": enzyme, "missed cleavages": f"up to {missed_cleavages}", "cysteine": cysteine}
    quantities = {
        "peptide_count": Quantity(
            value=len(rows), property="peptide_count", method=_RULES[enzyme], conditions=conditions
        ),
        "site_count": Quantity(
            value=len(sites), property="site_count", method=_RULES[enzyme], conditions={"enzyme": enzyme}
        ),
    }
    for number, row in enumerate(rows[:SHOWN], 1):
        about = {"peptide": row["peptide"][:60], "positions": f"{row['start']}-{row['end']}"}
        for kind in ("monoisotopic", "average"):
            quantities[f"peptide_{number}_{kind}_mass"] = Quantity(
                value=row[f"{kind}_mass"], unit="Da", property=f"peptide_{kind}_mass", method=f"{kind} residue masses, neutral",
                conditions=about, decimals=4 if kind == "monoisotopic" else 2,
            )  # fmt: skip
        for charge in (1, 2, 3):
            quantities[f"peptide_{number}_mz_{charge}"] = Quantity(
                value=row["mz"][str(charge)], property="peptide_mz", method="(monoisotopic mass + z protons)/z",
                conditions=about | {"charge": f"{charge}+"}, decimals=4,
            )  # fmt: skip
    if len(rows) > SHOWN:
        notes.append(f"the masses of the peptides after the first {SHOWN} stand in data/peptides")
    return ToolResult(
        data={"enzyme": enzyme, "rule": _RULES[enzyme], "length": len(letters), "cuts_after": sites, "peptides": rows},
        quantities=quantities,
        source=_source(),
        warnings=tuple([*sequence.warnings, *notes]),
    )  # fmt: skip


def _spans(edges: list[int], missed: int) -> list[tuple[int, int, int]]:
    """Return (start, end, sites inside) of every peptide, 0-based and half open, in order of the chain."""
    return [
        (edges[i], edges[i + 1 + inside], inside)
        for i in range(len(edges) - 1)
        for inside in range(missed + 1)
        if i + 1 + inside < len(edges)
    ]


def _peptide(letters: str, span: tuple[int, int, int], enzyme: str, cysteine: str) -> dict[str, Any]:
    from Bio.SeqUtils import molecular_weight

    start, end, inside = span
    peptide = letters[start:end]
    masses = [molecular_weight(peptide, "protein", monoisotopic=exact) for exact in (True, False)]
    if cysteine == "carbamidomethyl":
        masses = [m + peptide.count("C") * d for m, d in zip(masses, CARBAMIDOMETHYL, strict=True)]
    if enzyme == "cnbr" and end < len(letters):
        masses = [m + d for m, d in zip(masses, HOMOSERINE_LACTONE, strict=True)]
    return {
        "peptide": peptide, "start": start + 1, "end": end, "length": end - start, "missed_cleavages": inside,
        "monoisotopic_mass": masses[0], "average_mass": masses[1],
        "mz": {str(z): (masses[0] + z * PROTON) / z for z in (1, 2, 3)},
    }  # fmt: skip


def _source() -> Source:
    import Bio

    return Source(
        kind="computed",
        name=f"Biopython {Bio.__version__} (masses), rules of Expasy PeptideCutter",
        reference="Gasteiger et al. 2005, Proteomics Protocols Handbook, 571",
    )
