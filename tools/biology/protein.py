"""What can be computed from a protein's sequence alone: mass, charge, absorbance, composition."""

from __future__ import annotations

from typing import Any

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.sequences import AMINO_ACIDS, THREE_LETTER_CODES, Sequence

TRYPTOPHAN, TYROSINE, CYSTINE = 5500, 1490, 125  # L/mol/cm at 280 nm (Pace et al. 1995, Protein Sci. 4:2411)
_UNDETERMINED = {
    "X": "any residue",
    "B": "Asp or Asn",
    "Z": "Glu or Gln",
    "J": "Leu or Ile",
}
_RARE = {"U": "selenocysteine", "O": "pyrrolysine"}
_NAMES = {letter: code.capitalize() for code, letter in THREE_LETTER_CODES.items()}


@tool(
    domain="biology",
    properties={
        "length": "length, number of residues, length of the protein, how long, longer, longest, residues, amino acids",
        "mass": "molecular mass, molecular weight of the protein, molecular weight, molar mass, MW, mass, weight, weigh, heavy, "
        "heavier, kDa, size",
        "monoisotopic_mass": "monoisotopic mass of the protein or peptide, monoisotopic mass, monoisotopic, exact mass",
        "isoelectric_point": "isoelectric point, pI, isoelectric pH, isoelectric, acidic, basic",
        "net_charge": "net charge at pH 7, net charge, charge, charged, acidic, basic",
        "extinction_coefficient_reduced": "extinction coefficient at 280 nm with all cysteines reduced, cysteines reduced, "
        "reduced, extinction coefficient, molar absorptivity, absorbance, absorb, A280",
        "extinction_coefficient_cystine": "extinction coefficient at 280 nm with all cysteines in disulfides, disulfides, "
        "cystines, extinction coefficient, molar absorptivity, absorbance, absorb, A280",
        "gravy": "GRAVY, grand average of hydropathy, hydropathy, hydrophobicity, hydrophobic, hydrophilic, greasy",
        "instability_index": "instability index, instability, stability, stable, unstable",
        "aromaticity": "aromaticity, fraction of Phe, Trp and Tyr, aromatic residues",
        "amino_acid_percentage": "percentage of an amino acid, amino-acid composition, composition, percentage",
    },
    examples=(
        "What is the isoelectric point of MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQ?",
        "Molecular weight of the peptide GIGKFLHSAKKFGKAFVGEIMNS",
        "Extinction coefficient at 280 nm of KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNR",
        "Is the protein MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLGEENF hydrophobic (GRAVY)?",
        "Monoisotopic mass of the peptide YGGFL",
    ),
    example={"sequence": "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"},
)
def compute_protein_properties(sequence: Sequence) -> ToolResult:
    """Mass, isoelectric point, extinction coefficients, hydropathy, stability and composition of a protein.

    Computed for the chain as given: unmodified, with free ends.

    Args:
        sequence: A protein in one-letter codes, or FASTA text.
    """
    import Bio

    letters, warnings = residues(sequence)
    rare = sorted(set(letters) & set(_RARE))
    if rare:
        named = ", ".join(f"{letter} ({_RARE[letter]})" for letter in rare)
        warnings.append(
            f"isoelectric point, charge, GRAVY and instability index are not given: their scales lack {named}"
        )
    if letters.count("C") > 1:
        warnings.append("the masses are those of the reduced chain; each disulfide bond takes 2.016 Da off")
    warnings.append(
        "initiator methionine, signal peptide, disulfide bonds and modifications are not considered: "
        "the chain is taken as given"
    )
    quantities = _masses(letters) | _absorbance(letters) | ({} if rare else _charge(letters))
    if not rare:
        quantities |= _scales(letters)
    quantities["aromaticity"] = Quantity(
        value=sum(letters.count(letter) for letter in "FWY") / len(letters),
        property="aromaticity",
        method="fraction of Phe, Trp and Tyr (Lobry and Gautier 1994)",
    )
    composition: dict[str, dict[str, Any]] = {}
    for letter in [*AMINO_ACIDS, *rare]:
        count = letters.count(letter)
        composition[letter] = {"count": count, "percent": 100 * count / len(letters)}
        if count:
            quantities[f"percent_{letter}"] = Quantity(
                value=100 * count / len(letters),
                unit="percent",
                property="amino_acid_percentage",
                method="share of the residues",
                conditions={"residue": f"{_NAMES[letter]} ({letter})"},
            )
    return ToolResult(
        data={"composition": composition},
        quantities=quantities,
        source=Source(
            kind="computed",
            name=f"Biopython {Bio.__version__}",
            reference="the methods of ProtParam (Gasteiger et al. 2005, Proteomics Protocols Handbook, 571)",
        ),
        warnings=tuple([*sequence.warnings, *warnings]),
    )


def residues(sequence: Sequence) -> tuple[str, list[str]]:
    """Return the letters as residues and what has to be said about reading them so.

    Raises InvalidInput: `not_protein` for DNA and RNA, `internal_stop`, `undetermined_residues`.
    """
    letters = sequence.sequence
    if sequence.alphabet in ("dna", "rna"):
        kind = sequence.alphabet.upper()
        raise InvalidInput(
            "not_protein",
            f"{sequence.label} is {kind}: all of its letters are bases",
            hint="analyze_dna translates it; write a peptide of such letters in three-letter codes",
        )
    if "*" in letters:
        at = letters.index("*") + 1
        raise InvalidInput(
            "internal_stop",
            f"{sequence.label} has a stop at position {at} of {len(letters)}",
            hint="give one chain without stops",
            details={"position": at},
        )
    wrong = next((i for i, letter in enumerate(letters) if letter in _UNDETERMINED), None)
    if wrong is not None:
        letter = letters[wrong]
        raise InvalidInput(
            "undetermined_residues",
            f"{letter!r} at position {wrong + 1} stands for {_UNDETERMINED[letter]}; no mass follows",
            hint="give the residues that are there",
            details={"position": wrong + 1, "letter": letter},
        )
    if sequence.alphabet == "ambiguous":
        return letters, ["the letters are also nucleotide codes; they were read as amino acids"]
    return letters, []


def _masses(letters: str) -> dict[str, Quantity]:
    from Bio.SeqUtils import molecular_weight

    return {
        "length": Quantity(value=len(letters), unit="aa", property="length"),
        "mass": Quantity(
            value=molecular_weight(letters, "protein"), unit="Da", property="mass",
            method="average residue masses", conditions={"state": "reduced, unmodified, uncharged"},
        ),
        "monoisotopic_mass": Quantity(
            value=molecular_weight(letters, "protein", monoisotopic=True), unit="Da",
            property="monoisotopic_mass", method="monoisotopic residue masses",
            conditions={"state": "reduced, unmodified, uncharged"},
        ),
    }  # fmt: skip


def _absorbance(letters: str) -> dict[str, Quantity]:
    reduced = TRYPTOPHAN * letters.count("W") + TYROSINE * letters.count("Y")
    cystine = reduced + CYSTINE * (letters.count("C") // 2)
    method = "5500 Trp + 1490 Tyr + 125 cystine (Pace et al. 1995)"
    states = {"reduced": (reduced, "all reduced"), "cystine": (cystine, "all in disulfides")}
    return {
        f"extinction_coefficient_{state}": Quantity(
            value=value,
            unit="L/mol/cm",
            property=f"extinction_coefficient_{state}",
            method=method,
            conditions={"wavelength": "280 nm", "solvent": "water", "cysteines": words},
        )
        for state, (value, words) in states.items()
    }


def _charge(letters: str) -> dict[str, Quantity]:
    from Bio.SeqUtils.IsoelectricPoint import IsoelectricPoint

    charge_at = IsoelectricPoint(letters).charge_at_pH
    low, high = -2.0, 16.0  # Biopython's own search ends at 4.05 and 12; poly-Asp and poly-Arg lie beyond
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if charge_at(middle) > 0 else (low, middle)
    method = "pK values of Bjellqvist et al. 1993, 1994"
    return {
        "isoelectric_point": Quantity(
            value=round((low + high) / 2, 4), property="isoelectric_point", method=method
        ),
        "net_charge": Quantity(
            value=round(charge_at(7.0), 4), property="net_charge", method=method, conditions={"pH": "7"}
        ),
    }


def _scales(letters: str) -> dict[str, Quantity]:
    from Bio.SeqUtils.ProtParam import ProteinAnalysis

    protein = ProteinAnalysis(letters)
    result = {
        "gravy": Quantity(
            value=protein.gravy(), property="gravy", method="mean hydropathy (Kyte and Doolittle 1982)"
        )
    }
    if len(letters) > 1:
        result["instability_index"] = Quantity(
            value=protein.instability_index(), property="instability_index",
            method="dipeptide weights (Guruprasad et al. 1990); above 40 counts as unstable",
        )  # fmt: skip
    return result
