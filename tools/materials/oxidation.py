"""Oxidation states of a formula: the charge-balanced assignments, mixed valence taken apart."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.chemistry.formulas import parse_species
from benchmate.tools.materials.structures import notes_of_pymatgen, pymatgen_name

MAX_ATOMS, MAX_ELEMENTS, MAX_DENOMINATOR = 60, 8, 100
SHOWN = 5
# states that are the rule with other elements about; an element by itself is left alone
_FIXED: dict[str, list[int]] = {
    "Li": [1], "Na": [1], "K": [1], "Rb": [1], "Cs": [1], "Mg": [2], "Ca": [2], "Sr": [2], "Ba": [2], "F": [-1], "Al": [3],
}  # fmt: skip
_NONMETALS = {"C", "N", "O", "F", "P", "S", "Cl", "Se", "Br", "I"}
_REDOX = ("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu")
_ORDER = ("Mn", "Co", "Ni")  # of layered oxides: the earlier is oxidized first (Mn4+ beside Co3+ and Ni2+)
_FRACTIONAL = re.compile(r"([A-Z][a-z]?)(\d*\.\d+|\d+/\d+|\d+)?")


@tool(
    domain="materials",
    extra="materials",
    properties={
        "oxidation_state": "oxidation state, oxidation number, valence, valence state, oxidation states, valences",
        "mixed_valence_share": "share of a valence in mixed valence, fraction of Mn4+, mixed valence",
    },
    examples=(
        "Oxidation state of Fe in LiFePO4?",
        "What are the oxidation states in LiMn2O4?",
        "Is Fe3O4 mixed valent?",
        "Oxidation number of Mn in MnO4-",
        "guess the valences of YBa2Cu3O7",
        "oxidation states of Li0.5CoO2",
    ),
    example={"formula": "LiMn2O4"},
)
def guess_oxidation(
    formula: str,
    charge: Annotated[int | None, Unit("", "charge"), Field(ge=-10, le=10)] = None,
) -> ToolResult:
    """Guess oxidation states from a formula: every charge-balanced assignment of common states, the likeliest first.

    The rank is by how often the states occur in the Inorganic Crystal Structure Database, with states that 3d metals do not
    have beside each other (Mn7+ beside Ni2+) last. An average that is no whole number
    is taken apart into the two neighbouring states. A formula does not show how one element's atoms differ (S2O3, NH4NO3,
    peroxides): such cases are pointed out.

    Raises InvalidInput: `too_large`, `no_assignment`, and what reading a formula raises.

    Args:
        formula: The formula, with a charge if it is an ion (`MnO4-`); fractions are allowed (`Li0.5CoO2`).
        charge: The total charge, where the formula does not say it.
    """
    from pymatgen.core import Composition

    atoms, written = _read(formula)
    total = written if charge is None else charge
    warnings: list[str] = []
    if charge is not None and written and charge != written:
        warnings.append(f"the charge {charge:+d} was used in place of the {written:+d} of the formula")
    scale = math.lcm(*(n.denominator for n in atoms.values()))
    counts = {symbol: int(n * scale) for symbol, n in atoms.items()}
    if not total:
        divisor = math.gcd(*counts.values())
        counts = {symbol: n // divisor for symbol, n in counts.items()}
    if sum(counts.values()) > MAX_ATOMS or len(counts) > MAX_ELEMENTS:
        raise InvalidInput(
            "too_large", f"{formula} has {sum(counts.values())} atoms of {len(counts)} elements in whole numbers; the limits are {MAX_ATOMS} and {MAX_ELEMENTS}",
            hint="round the fractions, or give a simpler formula",
        )  # fmt: skip
    composition = Composition(counts)
    rules = _rules(counts)
    with notes_of_pymatgen():
        found = list(composition.oxi_state_guesses(oxi_states_override=rules, target_charge=total * scale))
        if not found:
            found = list(
                composition.oxi_state_guesses(
                    oxi_states_override=rules, target_charge=total * scale, all_oxi_states=True
                )
            )
            if found:
                warnings.append(
                    "only uncommon states balance the charge: a peroxide, a superoxide, a subvalent or a covalent compound?"
                )
    found.sort(key=_strangeness)
    if not found:
        raise InvalidInput(
            "no_assignment", f"no assignment of known oxidation states gives {formula} a charge of {total:+d}",
            hint="is the charge right? an element in its own compound with metals or bonds to itself has none",
        )  # fmt: skip
    solutions = [_solution(states, counts) for states in found[:SHOWN]]
    warnings += _doubts(counts, solutions, len(found))
    quantities: dict[str, Quantity] = {}
    for rank, solution in enumerate(solutions, 1):
        for symbol, state in solution["average"].items():
            name = f"{symbol}_{rank}" if rank > 1 else symbol
            conditions = {"element": symbol, "formula": formula, "solution": f"{rank} of {len(solutions)}"}
            quantities[name] = Quantity(
                value=state,
                property="oxidation_state",
                method="charge balance, ranked by frequency in the ICSD",
                conditions=conditions,
            )
            for part in solution["mixed"].get(symbol, []) if rank == 1 else []:
                quantities[f"{symbol}_{part['state']:+d}"] = Quantity(
                    value=100 * part["share"], unit="percent", property="mixed_valence_share", method="the two whole states next to the average",
                    conditions={**conditions, "state": f"{symbol}{part['state']:+d}"},
                )  # fmt: skip
    return ToolResult(
        data={"formula": formula, "charge": total, "solutions": solutions, "solution_count": len(found)},
        quantities=quantities,
        source=Source(
            kind="computed",
            name=pymatgen_name(),
            reference="Ong et al. 2013, doi:10.1016/j.commatsci.2012.10.028; states of the ICSD",
        ),
        warnings=tuple(warnings),
    )


def _read(formula: str) -> tuple[dict[str, Fraction], int]:
    """Return exact counts of atoms, fractions among them, and the charge."""
    plain = formula.strip()
    if not re.search(r"\d\.\d|/", plain):
        species = parse_species(plain)
        return {symbol: Fraction(n) for symbol, n in species.atoms.items()}, species.charge
    counts: dict[str, Fraction] = {}
    at = 0
    for found in _FRACTIONAL.finditer(plain):
        if found.start() != at:
            break
        at = found.end()
        parse_species(found[1])  # refuses what is no element
        number = Fraction(found[2] or 1).limit_denominator(MAX_DENOMINATOR)
        counts[found[1]] = counts.get(found[1], Fraction(0)) + number
    if at != len(plain) or not all(counts.values()):
        raise InvalidInput(
            "not_a_formula",
            f"{formula!r} is no formula with fractions",
            hint="write it without brackets: Li0.5CoO2, La2/3Sr1/3MnO3",
        )
    return counts, 0


def _rules(counts: dict[str, int]) -> dict[str, list[int]]:
    """Return the states that are the rule: of alkali and alkaline earth metals, fluorine, hydrogen, organic oxygen."""
    if len(counts) == 1:
        return {}
    rules = {symbol: states for symbol, states in _FIXED.items() if symbol in counts}
    if "H" in counts:
        rules["H"] = (
            [1] if set(counts) & _NONMETALS else [-1]
        )  # beside metals and boron alone it is a hydride
    if "C" in counts and "H" in counts:
        rules["C"] = list(range(-4, 5))
        rules |= {"O": [-2]} if "O" in counts else {}
    return rules


def _strangeness(states: Any) -> tuple[int, int, int]:
    """Return how much an assignment goes against the redox order of 3d metals beside each other; the frequency decides ties."""
    metals = {symbol: state for symbol, state in states.items() if symbol in _REDOX}
    if len(metals) < 2:
        return 0, 0, 0
    ordered = [metals[symbol] for symbol in _ORDER if symbol in metals]
    inverted = sum(later > earlier for earlier, later in itertools.combinations(ordered, 2))
    rare = sum(metals.get(symbol, 0) > 3.01 for symbol in ("Co", "Ni", "Cu"))
    return sum(state > 4 for state in metals.values()), inverted, rare


def _solution(states: Any, counts: dict[str, int]) -> dict[str, Any]:
    mixed: dict[str, list[dict[str, Any]]] = {}
    for symbol, average in states.items():
        low = math.floor(average + 1e-9)
        share = average - low
        if symbol not in _NONMETALS | {"H"} and share > 1e-6 and 1 - share > 1e-6:
            whole = Fraction(share).limit_denominator(counts[symbol])
            mixed[symbol] = [
                {"state": low, "share": float(1 - whole), "atoms": float((1 - whole) * counts[symbol])},
                {"state": low + 1, "share": float(whole), "atoms": float(whole * counts[symbol])},
            ]
    return {"average": {symbol: float(value) for symbol, value in states.items()}, "mixed": mixed}


def _doubts(counts: dict[str, int], solutions: list[dict[str, Any]], total: int) -> list[str]:
    notes = []
    for symbol, parts in solutions[0]["mixed"].items():
        said = " and ".join(f"{p['atoms']:g} {symbol}{p['state']:+d}" for p in parts)
        notes.append(
            f"mixed valence: {symbol} is {solutions[0]['average'][symbol]:+.4g} on average, as {said}"
        )
    if total > 1:
        second = ", ".join(f"{s}{v:+.3g}" for s, v in solutions[1]["average"].items())
        notes.append(f"{total} assignments balance the charge; the next is {second}")
    redox = [symbol for symbol in counts if symbol in _REDOX]
    if total > 1 and len(redox) > 1:
        notes.append(
            f"which of {', '.join(redox)} is oxidized does not follow from the formula: the assignments differ in that"
        )
    if len(counts) == 1 and not any(solutions[0]["average"].values()):
        notes.append("an element by itself has the oxidation state zero")
    if counts.get("N", 0) > 1 and counts.get("H", 0) >= 4:
        notes.append(
            "N may have several states at once (ammonium -3, nitrate +5): only the average follows from the formula"
        )
    if counts.get("C") and counts.get("H"):
        notes.append(
            "carbon atoms of an organic compound differ: only their average follows from the formula"
        )
    if counts.get("S", 0) > 1 and counts.get("O"):
        notes.append(
            "S atoms may differ (thiosulfate: +5 and -1 or +6 and -2): only the average follows from the formula"
        )
    return notes
