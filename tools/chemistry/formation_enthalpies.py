"""Tabulated standard enthalpies of formation at 298.15 K, by phase, for species of an equation.

The tables are those of the `chemicals` package. Two of its methods are left out: TRC, whose values are for 0 K (ethene
61.0 kJ/mol), and JOBACK, which is an estimate from groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.chemistry.formulas import Species
from benchmate.tools.chemistry.named_equations import Substance
from benchmate.tools.chemistry.names import KnownCompound, name_table
from benchmate.tools.chemistry.parsing import looks_like_smiles

Phase = Literal["g", "l", "s"]
PHASES: dict[Phase, str] = {"g": "gas", "l": "liquid", "s": "solid"}
FUNCTIONS: dict[Phase, str] = {"g": "Hfg", "l": "Hfl", "s": "Hfs"}
# The CRC Handbook first: it alone has all three phases, so that most reactions come from one evaluation.
TABLES: dict[str, str] = {
    "CRC": "CRC Handbook of Chemistry and Physics",
    "ATCT_G": "Active Thermochemical Tables 1.112",
    "ATCT_L": "Active Thermochemical Tables 1.112",
    "WEBBOOK": "NIST Chemistry WebBook",
    "JANAF": "JANAF Thermochemical Tables",
    "YAWS": "Yaws' Thermophysical Properties",
    "API_TDB_G": "API Technical Data Book",
}
# In these, estimates and gross errors stand among measured values: of 291 that API shares with the Active Thermochemical Tables or the
# CRC Handbook 22 are more than 10 kJ/mol away, some with the wrong sign (CCl2F2 +491.6 instead of -495.8), of Yaws' 7 of 287.
COARSE = (TABLES["YAWS"], TABLES["API_TDB_G"])
DEFINED = "element in its standard state"
_DIATOMIC = {"H", "N", "O", "F", "Cl"}
_LIQUID = {"Br": 2, "Hg": 1}
_NOBLE = {"He", "Ne", "Ar", "Kr", "Xe", "Rn"}
_MOLECULAR = {
    "H",
    "C",
    "N",
    "O",
    "F",
    "Cl",
    "Br",
    "I",
    "P",
    "S",
    "D",
    "T",
} | _NOBLE  # compounds of these alone are molecules
ROOM = 298.15
_MOLECULES = {"I": 2, "S": 8, "P": 4}  # solids whose formula may be written as their molecule
_CONDENSED: dict[str, Phase] = {"H2O": "l", "Br2": "l", "I2": "s"}
AGREE = 2.0  # kJ/mol
MANY = 1000


@dataclass(frozen=True)
class Formation:
    """The enthalpy of formation of a species in a phase, by table, in kJ/mol; empty where no table has it."""

    species: Species
    phase: Phase
    name: str
    smiles: str
    values: dict[str, float]
    notes: tuple[str, ...] = field(default=())
    elsewhere: tuple[Phase, ...] = field(default=())

    @property
    def defined(self) -> bool:
        """Whether the value is zero by definition."""
        return DEFINED in self.values

    @property
    def lacking(self) -> str:
        """What to say where no table has the species in this phase, with the label for a phase that has one."""
        label = f"{self.species.text}({self.elsewhere[0]})" if self.elsewhere else ""
        other = f" (of the {PHASES[self.elsewhere[0]]} there is: write {label})" if label else ""
        return f"{self.species.text} as a {PHASES[self.phase]}{other}"


def find_formation(substance: Substance) -> Formation:
    """Return what the tables say of a substance; without a state label it is a gas, a metal's compound what it is at 298 K.

    Raises InvalidInput: `not_tabulated_in_water` (aqueous species and ions), `ambiguous_formula` (with candidates).
    """
    species = substance.species
    if species.state == "aq" or species.charge or not species.atoms:
        raise InvalidInput(
            "not_tabulated_in_water", f"{species.text} is dissolved or an ion: the tables hold neutral gases, liquids and solids",
            hint="write the equation with neutral species, as in HCl(g) + NH3(g) -> NH4Cl(s)",
        )  # fmt: skip
    label: Phase | None = "s" if species.state == "cr" else species.state  # type: ignore[assignment]
    if (element := _element(species, label)) is not None:
        return element
    rows = _rows(substance)
    phase = label or ("g" if set(species.atoms) <= _MOLECULAR else _standard_phase(rows))
    by_cas = {row.cas: (row, tabulated_values(row.cas, phase)) for row in rows if row.cas}
    found = [(row, values) for row, values in by_cas.values() if values]
    named = [
        pair
        for pair in found
        if substance.compound and substance.compound.registry_id == f"CAS {pair[0].cas}"
    ]
    found = (
        named or found
    )  # a name says which of several forms of one structure it is: quartz, not cristobalite
    if len(found) > 1 and not _same_substance(found):
        raise _ambiguous(species, [row for row, _ in found])
    if found:
        row, values = max(found, key=lambda pair: len(pair[1]))
        return Formation(
            species, phase, row.name, row.smiles, values, _assumed(species, row.name, label, phase)
        )
    if substance.compound is None and len({row.inchikey for row in rows}) > 1:
        raise _ambiguous(species, rows)
    smiles = substance.compound.smiles if substance.compound else rows[0].smiles if rows else ""
    elsewhere = tuple(
        p for p in PHASES if p != phase and any(tabulated_values(row.cas, p) for row in rows if row.cas)
    )
    return Formation(species, phase, species.text, smiles, {}, elsewhere=elsewhere)


def used_value(formation: Formation, table: str | None) -> tuple[str, float]:
    """Return the table and the value in kJ/mol that is used: of `table` where it has the species, else of the first that has it."""
    if formation.defined:
        return DEFINED, 0.0
    key = next((k for k in formation.values if TABLES[k] == table), next(iter(formation.values)))
    return TABLES[key], formation.values[key]


def formation_record(formation: Formation, number: Fraction) -> dict[str, Any]:
    """Return a species of a reaction, with its signed coefficient and all tabulated values, as data."""
    return {
        "species": formation.species.text, "taken_as": formation.name, "phase": PHASES[formation.phase], "coefficient": str(number),
        "formation_enthalpy_kj_per_mol": {TABLES.get(k, k): v for k, v in formation.values.items()},
    }  # fmt: skip


def _standard_phase(rows: list[KnownCompound]) -> Phase:
    """Return what the compound is at 298.15 K by its tabulated melting and boiling points; a solid where none is known."""
    from benchmate.tools.chemistry.physical_properties import tabulated

    for row in rows:
        for function, phase in (("Tb", "g"), ("Tm", "l")):
            points = tabulated(function, row.cas or "")
            if points and next(iter(points.values())) < ROOM:
                return phase  # type: ignore[return-value]
    return "s"


def _element(species: Species, label: Phase | None) -> Formation | None:
    """Return the formation of an element in its standard state, which is zero, or None for anything else."""
    if len(species.atoms) != 1:
        return None
    symbol, count = next(iter(species.atoms.items()))
    standard: Phase
    if symbol in _DIATOMIC or symbol in _NOBLE:
        standard, sizes = "g", {2 if symbol in _DIATOMIC else 1}
    elif symbol in _LIQUID:
        standard, sizes = "l", {_LIQUID[symbol]}
    elif symbol == "I":
        standard, sizes = "s", {2}
    else:
        standard, sizes = "s", {1, _MOLECULES.get(symbol, 1)}
    if count not in sizes or label not in (None, standard):
        return None
    if label is None and standard != "g" and count > 1:
        return (
            None  # Br2, I2, S8 and P4 exist as gases too: without a label they are gases like other molecules
        )
    words = {"C": "graphite", "P": "white phosphorus", "S": "rhombic sulfur"}.get(symbol)
    note = (f"{species.text} was taken as {words}",) if words and not label else ()
    return Formation(species, standard, species.text, "", {DEFINED: 0.0}, note)


def _rows(substance: Substance) -> list[KnownCompound]:
    table = name_table()
    if substance.compound is not None:
        return table.by_inchikey(substance.compound.inchikey)
    return [
        row for row in table.by_formula(substance.species.hill, limit=MANY) if looks_like_smiles(row.smiles)
    ]


def tabulated_values(cas: str | None, phase: Phase) -> dict[str, float]:
    from benchmate.tools.chemistry.physical_properties import tabulated

    found = tabulated(FUNCTIONS[phase], cas or "")
    return {table: found[table] / 1000 for table in TABLES if table in found}


def _same_substance(found: list[tuple[KnownCompound, dict[str, float]]]) -> bool:
    """Return whether rows of several CAS numbers are one substance: of one structure, with values that agree."""
    values = [next(iter(v.values())) for _, v in found]
    return len({row.inchikey for row, _ in found}) == 1 and max(values) - min(values) < AGREE


def _assumed(species: Species, name: str, label: Phase | None, phase: Phase) -> tuple[str, ...]:
    """Return what has to be said of the phase that was taken where none was written."""
    if label:
        return ()
    if phase != "g":
        return (f"{name} was taken as a {PHASES[phase]}",)
    if species.hill in _CONDENSED:
        condensed: Phase = _CONDENSED[species.hill]
        return (f"{name} was taken as a gas; for the {PHASES[condensed]} write {species.hill}({condensed})",)
    return ()


def _ambiguous(species: Species, rows: list[KnownCompound]) -> InvalidInput:
    candidates = [{"name": row.name, "smiles": row.smiles, "cas": row.cas} for row in rows[:10]]
    return InvalidInput(
        "ambiguous_formula", f"{species.text} may be {', '.join(row.name for row in rows[:6])}{' …' if len(rows) > 6 else ''}",
        hint="write its name or SMILES in the equation", details={"species": species.text, "candidates": candidates},
    )  # fmt: skip
