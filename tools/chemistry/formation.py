"""The heat of formation of one compound: tabulated, or as a gas from a homodesmotic reaction."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.runtime.evidence import Source
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.formation_enthalpies import COARSE, PHASES, TABLES, Phase, tabulated_values
from benchmate.tools.chemistry.homodesmotic import METHOD, VALIDATED, Estimate, estimate
from benchmate.tools.chemistry.names import name_table
from benchmate.tools.chemistry.tight_binding import REFERENCES, tblite_name
from benchmate.tools.extras import missing_parts, require

_LETTERS: dict[str, Phase] = {"gas": "g", "liquid": "l", "solid": "s"}
_BEST_FIRST = ("ATCT_G", "ATCT_L", "CRC", "WEBBOOK", "JANAF", "YAWS", "API_TDB_G")
_APART = 10.0  # kJ/mol, from where coarse tables that differ give no value


@tool(
    domain="chemistry",
    cost="slow",
    timeout=300,
    properties={
        "gas_formation_enthalpy": "standard heat of formation, heat of formation, enthalpy of formation, formation enthalpy, ΔHf, delta Hf, dHf",
        "formation_enthalpy_spread": "spread between tables of the heat of formation",
        "scheme_energy": "homodesmotic reaction energy, bond separation energy, isodesmic reaction energy",
    },
    examples=(
        "Heat of formation of 2-methylhexane",
        "What is the standard enthalpy of formation of gaseous ethanol?",
        "Estimate the gas-phase heat of formation of CCCSC(C)CC",
        "ΔHf of benzaldehyde",
        "enthalpy of formation of liquid water",
        "Heat of formation of 3-ethylpyridine by an isodesmic scheme",
    ),
    example={"compound": "ethanol"},
)
def estimate_formation_enthalpy(
    compound: Compound,
    phase: Literal["gas", "liquid", "solid"] = "gas",
    method: Literal["auto", "tabulated", "homodesmotic"] = "auto",
    seed: Annotated[int, Unit("", "seed"), Field(ge=0, le=2**31 - 1)] = 61453,
) -> ToolResult:
    """Give the standard enthalpy of formation of a compound at 298.15 K: from tables, else as a gas from a homodesmotic reaction.

    Tables: Active Thermochemical Tables, CRC Handbook, NIST WebBook, JANAF; Yaws and API, which have gross errors, where no reaction can be made.

    The reaction takes the molecule apart into small ones of tabulated heat (Active Thermochemical Tables, then CRC Handbook) that keep
    the neighbours of every atom, whole rings, nitro and sulfonyl groups; its energy is GFN2-xTB's, without zero-point and
    thermal parts, which nearly cancel. Its uncertainty is the root mean square deviation from 541 tabulated heats: 4.1 kJ/mol for
    hydrocarbons, 4.8 with one atom of N, O, S, Cl, Br or I, 10 with two, 16 with three or four; 1 more for each heavy atom beyond
    ten. Where only a bond separation can be made (geminal halogens, acetals, cumulenes), with fluorine, other elements, more such
    atoms or more than 20 heavy ones, no value is given and the number stands in `data`: there errors reach hundreds of kJ/mol. Ions
    and radicals are refused. `homodesmotic` checks a table, too.

    Raises InvalidInput: `not_a_molecule`, `no_scheme`, and what geometries and GFN2-xTB raise. Raises NotFound: `not_tabulated`.
    Raises Unavailable: `missing_extra` (the reaction needs `qm`).

    Args:
        compound: The compound.
        phase: Its phase; liquids and solids come from tables only.
        method: Tables first and then the reaction (auto), only tables, or the reaction whatever the tables hold.
        seed: The random seed of the starting geometries.
    """
    letter = _LETTERS[phase]
    tables = {p: _tabulated(compound, p) for p in PHASES}
    fine = [table for table in tables[letter] if table not in COARSE]
    if fine and method != "homodesmotic":
        return _from_tables(compound, phase, tables)
    if method == "tabulated" or phase != "gas":
        if tables[letter]:
            return _from_tables(compound, phase, tables)
        others = ", ".join(PHASES[p] for p in PHASES if tables[p] and p != letter)
        raise NotFound(
            "not_tabulated", f"no heat of formation of {compound.label} as a {phase} is tabulated",
            hint=f"it is tabulated as a {others}" if others else "as a gas, method='homodesmotic' estimates one",
            details={"tabulated_as": others},
        )  # fmt: skip
    if method == "auto" and tables[letter]:
        found = None if missing_parts("qm") else _tried(compound, seed)
        if found is None or found.doubts:
            return _from_tables(compound, phase, tables)
        return _from_reaction(compound, found, tables)
    require("qm", "estimate_formation_enthalpy beyond the tables")
    return _from_reaction(compound, estimate(compound, seed), tables)


def _tried(compound: Compound, seed: int) -> Estimate | None:
    try:
        return estimate(compound, seed)
    except InvalidInput:
        return None


def _tabulated(compound: Compound, phase: Phase) -> dict[str, float]:
    """Return the heats of formation by table in kJ/mol, of the row that most tables have."""
    if not compound.inchikey:
        return {}
    rows = name_table().by_inchikey(compound.inchikey)
    named = [row for row in rows if compound.registry_id == f"CAS {row.cas}"]
    found = [tabulated_values(row.cas, phase) for row in named or rows if row.cas]
    best = max(found, key=len, default={})
    return {TABLES[key]: best[key] for key in _BEST_FIRST if key in best}


def _from_tables(compound: Compound, phase: str, tables: dict[Phase, dict[str, float]]) -> ToolResult:
    import chemicals

    values = tables[_LETTERS[phase]]
    table = next(iter(values))
    spread = max(values.values()) - min(values.values())
    conditions = {"temperature": "298.15 K", "phase": phase, "reliability": "tabulated"}
    quantities = {}
    if table not in COARSE or spread < _APART:
        quantities["formation_enthalpy"] = Quantity(
            value=values[table], unit="kJ/mol", property="gas_formation_enthalpy", method=f"tabulated: {table}", conditions=conditions,
        )  # fmt: skip
    warnings = list(compound.warnings)
    if len(values) > 1:
        quantities["spread"] = Quantity(
            value=spread, unit="kJ/mol", property="formation_enthalpy_spread", method="largest less smallest over the tables",
            conditions={"tables": ", ".join(values)},
        )  # fmt: skip
    if spread > max(4.0, 0.02 * abs(values[table])):
        warnings.append("the tables disagree: " + ", ".join(f"{t} {v:.1f} kJ/mol" for t, v in values.items()))
    if table in COARSE:
        warnings.append(
            "no value is given: only tables have it in which estimates and gross errors stand among measured values, and they disagree"
            if spread >= _APART
            else f"only {' and '.join(values)} has it, where estimates and gross errors stand among measured values"
        )
    return ToolResult(
        data={"reliability": "tabulated", "by_phase_kj_per_mol": _by_phase(tables)}, quantities=quantities,
        source=Source(kind="table", name=f"chemicals {chemicals.__version__}", reference=f"{table}; chemicals doi:10.5281/zenodo.10058866"),
        warnings=tuple(warnings),
    )  # fmt: skip


def _from_reaction(compound: Compound, found: Estimate, tables: dict[Phase, dict[str, float]]) -> ToolResult:
    conditions = {
        "temperature": "298.15 K", "phase": "gas", "reaction": found.equation, "M": compound.label,
        "reliability": "unreliable" if found.doubts else "homodesmotic",
    }  # fmt: skip
    quantities: dict[str, Quantity] = {}
    warnings = list(compound.warnings)
    if found.doubts:
        warnings += [f"no heat of formation is given: {doubt}" for doubt in found.doubts]
    else:
        quantities["formation_enthalpy"] = Quantity(
            value=found.value, unit="kJ/mol", property="gas_formation_enthalpy", method=METHOD, relation="~", uncertainty=found.error,
            conditions=conditions,
        )  # fmt: skip
        quantities["scheme_energy"] = Quantity(
            value=found.reaction_energy, unit="kJ/mol", property="scheme_energy", method="GFN2-xTB electronic energies of optimized molecules",
            conditions={"reaction": found.equation},
        )  # fmt: skip
        warnings += _beyond(compound, found)
    for table, value in tables["g"].items():
        apart = abs(value - found.value)
        if not found.doubts and apart > 3 * found.error:
            warnings.append(
                f"{table} has {value:.1f} kJ/mol, {apart:.0f} away: more than three times the uncertainty"
            )
    return ToolResult(
        data={**found.told(), "reliability": conditions["reliability"], "by_phase_kj_per_mol": _by_phase(tables)}, quantities=quantities,
        source=Source(kind="computed", name=f"{tblite_name()}, {' and '.join(dict.fromkeys(t for t, _ in found.references.values()))}", reference=f"{REFERENCES['GFN2-xTB']}; homodesmotic reactions: Wheeler et al. 2009, doi:10.1021/ja805843n"),
        warnings=tuple(warnings),
    )  # fmt: skip


def _beyond(compound: Compound, found: Estimate) -> list[str]:
    """Return what the validation says nothing of."""
    notes = []
    if compound.mol().GetNumHeavyAtoms() > VALIDATED:
        notes.append(
            f"more than {VALIDATED} heavy atoms: long chains come out high, by some 1 kJ/mol for each atom more"
        )
    if found.separation.apart:
        notes.append(f"substituents of a ring were taken one by one ({', '.join(found.separation.apart)})")
    return notes


def _by_phase(tables: dict[Phase, dict[str, float]]) -> dict[str, Any]:
    return {PHASES[phase]: values for phase, values in tables.items() if values}
