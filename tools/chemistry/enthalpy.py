"""Reaction enthalpies: from tabulated heats of formation, by GFN2-xTB where bonds are kept, with estimated heats, else not at all."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from benchmate.runtime.canonical import digest
from benchmate.runtime.errors import BenchmateError, InvalidInput
from benchmate.runtime.evidence import Entity, Source
from benchmate.runtime.quantity import Quantity, convert
from benchmate.tools.arguments import Unit
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.compounds import resolve_compound
from benchmate.tools.chemistry.formation_enthalpies import (
    COARSE,
    PHASES,
    TABLES,
    Formation,
    find_formation,
    formation_record,
    used_value,
)
from benchmate.tools.chemistry.named_equations import NamedEquation, parse_named_equation
from benchmate.tools.chemistry.reaction_schemes import by_schemes
from benchmate.tools.chemistry.tight_binding import REFERENCES, Surface, check_electrons, embed, tblite_name
from benchmate.tools.extras import require

if TYPE_CHECKING:
    from rdkit.Chem import Mol

MAX_SPECIES, MAX_COEFFICIENT = 12, 1000
# RMS deviation of GFN2-xTB from the CRC Handbook over 890 pairs of CHNOFSCl isomers with the same bonds (up to 9 heavy
# atoms, lowest of 10 conformers): median 4, 90 % within 12, largest 50 kJ/mol.
ISOMER_ERROR = 8.4
CONVERSION = "GFN2-xTB electronic energies of optimized molecules, without zero-point and thermal parts"


@tool(
    domain="chemistry",
    cost="slow",
    timeout=300,
    properties={
        "reaction_enthalpy": "reaction enthalpy, enthalpy of reaction, heat of reaction, delta H, ΔH, enthalpy change, standard enthalpy, "
        "enthalpy of combustion, heat of combustion, enthalpy",
        "formation_enthalpy": "enthalpy of formation, heat of formation, formation enthalpy of a species",
        "table_spread": "spread between tables, disagreement of the tables",
    },
    examples=(
        "Estimate the standard enthalpy of C2H4(g) + H2(g) -> C2H6(g) at 298 K from tabulated heats of formation.",
        "ΔH of N2 + 3 H2 -> 2 NH3",
        "Heat of combustion of methane: CH4 + 2 O2 -> CO2 + 2 H2O(l)",
        "Is acetic acid + ethanol -> ethyl acetate + water exothermic?",
        "Reaction enthalpy of CaCO3 -> CaO + CO2",
        "Enthalpy of butane -> isobutane",
        "What is the enthalpy of C=C.[H][H]>>CC?",
    ),
    example={"equation": "C2H4 + H2 -> C2H6"},
)
def estimate_reaction_enthalpy(
    equation: str,
    method: Literal["auto", "tabulated", "GFN2-xTB"] = "auto",
    seed: Annotated[int, Unit("", "seed"), Field(ge=0, le=2**31 - 1)] = 61453,
) -> ToolResult:
    """Estimate the standard reaction enthalpy at 298.15 K, with a class that says how far to trust it.

    `tabulated`: from heats of formation, of one table where one has all species. `same bond types`: GFN2-xTB, where the
    bonds of each type and the rings are as many before as after; its error is given. `homodesmotic`: from tabulated heats and, for
    gases that no table has, those that `estimate_formation_enthalpy` gets from a homodesmotic reaction. `unreliable`: GFN2-xTB for
    anything else, where errors reach 280 kJ/mol; the number then stands in `data` only. Species without a state label are gases,
    elements in their standard state, and compounds of metals what they are at 298 K.

    Raises InvalidInput: `ambiguous_formula` (with candidates), `not_tabulated_in_water`, `not_tabulated`, `no_structure`,
    `too_large`, and what reading and balancing an equation and GFN2-xTB raise. Raises Unavailable: `missing_extra`.

    Args:
        equation: The equation with formulas, names or SMILES, as in `C2H4 + H2 -> C2H6`, `H2O(l)` for a liquid; or a reaction SMILES.
        method: Tables first and then GFN2-xTB (auto), only tables, or GFN2-xTB whatever the tables hold.
        seed: The random seed of the starting geometries.
    """
    parsed = parse_named_equation(equation)
    if len(parsed.substances) > MAX_SPECIES:
        raise InvalidInput("too_large", f"the equation has more than {MAX_SPECIES} species")
    numbers = parsed.coefficients()
    if max(numbers) > MAX_COEFFICIENT:
        raise InvalidInput(
            "too_large", f"a coefficient is above {MAX_COEFFICIENT}", hint="give the equation per mole"
        )
    text = parsed.text(numbers)
    split = len(parsed.equation.reactants)
    signed = [number * (1 if i >= split else -1) for i, number in enumerate(numbers)]
    formations = [find_formation(substance) for substance in parsed.substances]
    warnings = [n for s in parsed.substances for n in s.species.warnings] + [
        n for f in formations for n in f.notes
    ]
    if any(w is not None for w in parsed.equation.written) and _replaced(parsed, numbers):
        warnings.append(f"the coefficients written do not balance the equation; it was balanced as {text}")
    lacking = [f.species.text for f in formations if not f.values]
    if lacking and method == "tabulated":
        raise InvalidInput(
            "not_tabulated", "; ".join(f"no heat of formation is tabulated of {f.lacking}" for f in formations if not f.values),
            hint="method='auto' tries GFN2-xTB", details={"species": lacking},
        )  # fmt: skip
    entities = (Entity(
        kind="equation", given=equation, key=digest("equation", text, length=32), label=text, argument="equation",
        details={"species": [f"{f.name} ({PHASES[f.phase]})" for f in formations]},
    ), *parsed.compounds("equation"))  # fmt: skip
    if method != "GFN2-xTB" and not lacking:
        return _tabulated(text, signed, formations, entities, warnings)
    if lacking:
        warnings.append(
            "; ".join(f"no heat of formation is tabulated of {f.lacking}" for f in formations if not f.values)
        )
    if method == "GFN2-xTB" or any(f.phase != "g" for f in formations if not f.values):
        return _computed(parsed, text, signed, formations, seed, entities, warnings)
    direct = None
    if all(f.phase == "g" for f in formations):
        direct = _computed(parsed, text, signed, formations, seed, entities, list(warnings))
        if direct.quantities:
            return direct
    by_scheme = by_schemes(parsed, text, signed, formations, seed, entities, list(warnings))
    return by_scheme or direct or _computed(parsed, text, signed, formations, seed, entities, warnings)


def _replaced(parsed: NamedEquation, numbers: tuple[Fraction, ...]) -> bool:
    return tuple(Fraction(1) if w is None else w for w in parsed.equation.written) != numbers


def _tabulated(
    text: str,
    signed: list[Fraction],
    formations: list[Formation],
    entities: tuple[Entity, ...],
    warnings: list[str],
) -> ToolResult:
    import chemicals

    by_table: dict[str, float] = {}
    for table in dict.fromkeys(TABLES.values()):
        values = [_from_table(f, table) for f in formations]
        if None not in values and not all(f.defined for f in formations):
            total = sum(float(n) * v for n, v in zip(signed, values, strict=True) if v is not None)
            by_table[table] = round(total, 4)
    chosen = next(iter(by_table), None)
    used = [(f, *used_value(f, chosen)) for f in formations]
    value = sum(float(n) * v for n, (_, _, v) in zip(signed, used, strict=True))
    if chosen is None and not all(f.defined for f in formations):
        warnings.append("no one table has every species: values of different evaluations were combined")
    source = chosen or "several tables"
    conditions = {
        "equation": text,
        "temperature": "298.15 K",
        "per": "mole of reaction as written",
        "table": source,
        "reliability": "tabulated",
    }
    quantities = {
        "reaction_enthalpy": Quantity(
            value=value, unit="kJ/mol", property="reaction_enthalpy", conditions=conditions,
            method="Hess's law from tabulated standard enthalpies of formation",
        )
    }  # fmt: skip
    for i, (formation, table, one) in enumerate(used):
        quantities[f"formation_enthalpy_{i}"] = Quantity(
            value=one, unit="kJ/mol", property="formation_enthalpy", method=f"tabulated: {table}",
            conditions={"species": formation.species.text, "taken as": formation.name, "phase": PHASES[formation.phase], "temperature": "298.15 K"},
        )  # fmt: skip
    if coarse := sorted({table for _, table, _ in used} & set(COARSE)):
        warnings.append(
            f"{' and '.join(coarse)} was used, where estimates and gross errors stand among measured values; "
            "estimate_formation_enthalpy checks a gas"
        )
    if len(by_table) > 1:
        spread = max(by_table.values()) - min(by_table.values())
        quantities["table_spread"] = Quantity(
            value=spread, unit="kJ/mol", property="table_spread", method="largest less smallest over the tables that have every species",
            conditions={"tables": ", ".join(by_table)},
        )  # fmt: skip
        if spread > max(4.0, 0.02 * abs(value)):
            warnings.append(
                "the tables disagree: " + ", ".join(f"{t} {v:.1f} kJ/mol" for t, v in by_table.items())
            )
    return ToolResult(
        data={"equation": text, "reliability": "tabulated", "by_table": by_table, "species": [formation_record(f, n) for f, n in zip(formations, signed, strict=True)]},
        quantities=quantities, entities=entities,
        source=Source(kind="table", name=f"chemicals {chemicals.__version__}", reference=f"{source}; chemicals doi:10.5281/zenodo.10058866"),
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip


def _from_table(formation: Formation, table: str) -> float | None:
    if formation.defined:
        return 0.0
    return next((v for key, v in formation.values.items() if TABLES[key] == table), None)


def _computed(
    parsed: NamedEquation,
    text: str,
    signed: list[Fraction],
    formations: list[Formation],
    seed: int,
    entities: tuple[Entity, ...],
    warnings: list[str],
) -> ToolResult:
    require("qm", "estimate_reaction_enthalpy beyond the tables")
    condensed = [f"{f.name} ({PHASES[f.phase]})" for f in formations if f.phase != "g"]
    if condensed:
        raise InvalidInput(
            "not_tabulated", f"GFN2-xTB is for gases, and the equation has {', '.join(condensed)}; {warnings[-1]}",
            hint="only tables give enthalpies of liquids and solids",
        )  # fmt: skip
    energies, structures = [], []
    for formation, substance in zip(formations, parsed.substances, strict=True):
        energy, mol = _energy(formation, substance.compound.smiles if substance.compound else None, seed)
        energies.append(energy)
        structures.append(mol)
    raw = convert(
        sum(float(n) * e for n, e in zip(signed, energies, strict=True)),
        "hartree*avogadro_constant",
        "kJ/mol",
    )
    changed = _changes(signed, structures)
    radicals = [f.species.text for f, m in zip(formations, structures, strict=True) if _unpaired(m)]
    reliable = not changed and not radicals
    reliability = "same bond types" if reliable else "unreliable"
    quantities = {}
    if reliable:
        error = ISOMER_ERROR * math.sqrt(sum(float(n) ** 2 for n in signed) / 2)
        quantities["reaction_enthalpy"] = Quantity(
            value=raw, unit="kJ/mol", property="reaction_enthalpy", method=CONVERSION, relation="~", uncertainty=round(error, 1),
            conditions={"equation": text, "phase": "gas", "per": "mole of reaction as written", "reliability": reliability},
        )  # fmt: skip
    else:
        why = [f"{float(n):+g} {name}" for name, n in changed.items()]
        why += [f"{name} is a radical" for name in radicals]
        warnings.append(
            f"no enthalpy is given, since the bonds change ({', '.join(why[:6])}): there GFN2-xTB is off by 60 to 280 kJ/mol"
        )
    return ToolResult(
        data={
            "equation": text, "reliability": reliability, "raw_gfn2_kj_per_mol": raw,
            "changed_bonds": {name: float(n) for name, n in changed.items()},
            "species": [{"species": f.species.text, "taken_as": f.name, "coefficient": str(n), "energy_hartree": e} for f, n, e in zip(formations, signed, energies, strict=True)],
        },
        quantities=quantities, entities=entities,
        source=Source(kind="computed", name=tblite_name(), reference=REFERENCES["GFN2-xTB"]),
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip


def _energy(formation: Formation, smiles: str | None, seed: int) -> tuple[float, Mol]:
    """Return the GFN2-xTB energy of the optimized molecule in hartree, with its structure."""
    structure = (
        smiles
        or formation.smiles
        or {"H2": "[H][H]", "N2": "N#N", "O2": "O=O", "F2": "FF", "Cl2": "ClCl"}.get(
            formation.species.hill, ""
        )
    )
    if not structure:
        raise InvalidInput(
            "no_structure",
            f"nothing says the structure of {formation.species.text}",
            hint="write its name or SMILES in the equation",
        )
    try:
        geometry, mol = embed(resolve_compound(structure), seed, 10)
        spins = check_electrons(geometry, 0, _unpaired(mol))
        return Surface(geometry, "GFN2-xTB", 0, spins).optimize().energy, mol
    except BenchmateError as error:
        raise InvalidInput(
            error.code, f"{formation.species.text}: {error.info.message}", hint=error.hint
        ) from error


def _unpaired(mol: Mol) -> int:
    from rdkit import Chem

    if Chem.MolToSmiles(mol) == "O=O":
        return 2
    return sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())


def _changes(signed: list[Fraction], structures: list[Mol]) -> dict[str, Fraction]:
    """Return by how much the number of each kind of bond and of rings changes; empty where all are kept."""
    total: Counter[str] = Counter()
    for number, mol in zip(signed, structures, strict=True):
        for bond in mol.GetBonds():
            ends = sorted((bond.GetBeginAtom().GetSymbol(), bond.GetEndAtom().GetSymbol()))
            total[f"{'-'.join(ends)} {bond.GetBondType().name.lower()} bond"] += number  # type: ignore[assignment]
        for ring in mol.GetRingInfo().AtomRings():
            total["ring"] += number  # type: ignore[assignment]
            total["strained ring"] += number if len(ring) <= 4 else 0  # type: ignore[assignment]
    return {name: Fraction(n) for name, n in total.items() if n}
