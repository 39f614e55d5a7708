"""Secondary structure of RNA and single-stranded DNA by least free energy."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.dna import nucleotides
from benchmate.tools.biology.sequences import Sequence

SHORTEST = 5  # two bases that pair around a loop of three
LONGEST = 400  # bases; time grows steeply
_PARAMETERS = {"rna": "Turner and Mathews 2009 (NNDB)", "dna": "SantaLucia and Hicks 2004"}


@tool(
    domain="biology",
    properties={
        "minimum_free_energy": "minimum free energy, MFE, folding energy, folding free energy, stability",
        "pair_count": "number of base pairs, base pairs",
        "paired_fraction": "fraction of paired bases, paired bases",
    },
    examples=(
        "Fold the RNA GGGGAAAACCCC",
        "What is the secondary structure and MFE of GGGAAACGCUUCGGCGUUUCCC?",
        "dot-bracket of GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA",
        "minimum free energy of GGGGAAAACCCC at 25 degC",
        "Does the primer GGGGTTTTCCCC form a hairpin?",
    ),
    extra="bio",
    example={"sequence": "GGGGAAAACCCC"},
    timeout=120.0,
)
def fold_rna(
    sequence: Sequence,
    molecule: Annotated[
        Literal["rna", "dna"], Said({"dna": "single-stranded DNA, ssDNA, DNA oligo, primer, aptamer DNA"})
    ] = "rna",
    temperature: Annotated[float, Unit("degC", "temperature, at"), Field(ge=0, le=100)] = 37.0,
) -> ToolResult:
    """Fold a single strand of RNA or DNA into its secondary structure of least free energy, in dot-bracket notation.

    Zuker's algorithm without pseudoknots in 1 M NaCl, one structure of many that may lie close. Programs with other parameters,
    such as ViennaRNA, can differ by a kcal/mol or in the structure. A fold that is no better than the open chain is given as open.

    Raises InvalidInput: `not_nucleotides`, `ambiguous_bases`, `too_short`, `too_long`, `no_thymine`.

    Args:
        sequence: The strand, 5' to 3'.
        molecule: rna, which reads T as U, or dna.
        temperature: Where it folds.
    """
    from importlib.metadata import version

    import seqfold

    letters, notes = nucleotides(sequence)
    wrong = next((i for i, letter in enumerate(letters) if letter not in "ACGT"), None)
    if wrong is not None:
        raise InvalidInput(
            "ambiguous_bases", f"{letters[wrong]!r} at position {wrong + 1} is no single base", hint="give A, C, G, U"
        )  # fmt: skip
    if len(letters) < SHORTEST:
        raise InvalidInput("too_short", f"{len(letters)} bases cannot fold", hint=f"{SHORTEST} are the least")
    if len(letters) > LONGEST:
        raise InvalidInput(
            "too_long", f"{len(letters)} bases are more than {LONGEST}", hint="fold a part of it"
        )
    if molecule == "rna":
        if "T" in sequence.sequence:
            notes.append("T was read as U; molecule='dna' folds DNA")
        letters = letters.replace("T", "U")
    elif "T" not in letters:
        # seqfold tells DNA by its T and would use RNA energies without a word
        raise InvalidInput(
            "no_thymine",
            "a strand without T cannot be folded as DNA: the library would take it for RNA",
            hint="add a flanking base T, or fold it as RNA",
        )
    if sequence.topology == "circular":
        notes.append("the circle was folded as a linear strand")
    parts = seqfold.fold(letters, temperature)
    energy = sum(part.e for part in parts)
    if not math.isfinite(energy) or energy >= 0:
        notes.append("no fold is more stable than the open chain")
        structure, energy, parts = "." * len(letters), 0.0, []
    else:
        structure = seqfold.dot_bracket(letters, parts).ljust(len(letters), ".")
    pairs = _pairs(structure)
    conditions = {"temperature": f"{temperature:g} °C", "salt": "1 M NaCl", "molecule": molecule.upper()}
    method = f"Zuker's algorithm, parameters of {_PARAMETERS[molecule]}"
    quantities = {
        "minimum_free_energy": Quantity(
            value=round(energy, 1), unit="kcal/mol", property="minimum_free_energy", method=method, conditions=conditions
        ),
        "pair_count": Quantity(value=len(pairs), property="pair_count", method=method, conditions=conditions),
        "paired_fraction": Quantity(
            value=2 * len(pairs) / len(letters), property="paired_fraction", method=method, conditions=conditions
        ),
    }  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"i": i, "j": j, "pair": f"{letters[i - 1]}-{letters[j - 1]}"} for i, j in pairs
    ]
    data = {"sequence": letters, "structure": structure, "pairs": rows,
            "loops": [{"what": part.desc, "energy_kcal_per_mol": part.e} for part in parts]}  # fmt: skip
    return ToolResult(
        data=data, quantities=quantities, warnings=tuple([*sequence.warnings, *notes]),
        source=Source(kind="computed", name=f"seqfold {version('seqfold')}", reference="doi:10.1093/nar/9.1.133"),
    )  # fmt: skip


def _pairs(structure: str) -> list[tuple[int, int]]:
    """Return the pairs of a dot-bracket text, 1-based, by their first base."""
    open_at: list[int] = []
    found = []
    for place, sign in enumerate(structure, 1):
        if sign == "(":
            open_at.append(place)
        elif sign == ")":
            found.append((open_at.pop(), place))
    return sorted(found)
