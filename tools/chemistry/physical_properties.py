"""Tabulated physical properties of compounds, from the tables that the `chemicals` package brings. Nothing is estimated."""

from __future__ import annotations

from typing import Any, NamedTuple

from benchmate.runtime.errors import NotFound
from benchmate.runtime.quantity import Quantity, convert
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.names import name_table, table_release

# Methods of `chemicals` that calculate a value instead of reading it in a table, and TRC, whose enthalpies are those at 0 K.
ESTIMATES = frozenset(
    {
        "JOBACK",
        "TRC",
        "WILSON_JASPERSON",
        "FEDORS",
        "Suzuki (1994)",
        "Crowl and Louvar (2001)",
        "DEFINITION",
        "MELTING",
        "LK",
    }
)
# Gross errors stand among its values (CCl2F2 +491.6 instead of -495.8 kJ/mol): any other table goes before.
LAST = "API_TDB_G"
DISAGREEMENT = (
    0.02  # relative; for temperatures of the absolute value. Sources further apart than this are named
)


class Tabulated(NamedTuple):
    """A property: the function of `chemicals`, its unit there, the unit shown, where it holds, and a reader's words."""

    function: str
    unit: str
    shown: str
    conditions: dict[str, str]
    words: str


PROPERTIES: dict[str, Tabulated] = {
    "boiling_point": Tabulated("Tb", "K", "degC", {"pressure": "101.325 kPa"}, "boiling point, boils, boiling temperature, bp, b.p."),
    "melting_point": Tabulated("Tm", "K", "degC", {}, "melting point, melts, melting temperature, freezing point, mp, m.p."),
    "critical_temperature": Tabulated("Tc", "K", "K", {}, "critical temperature, critical point, Tc"),
    "critical_pressure": Tabulated("Pc", "Pa", "kPa", {}, "critical pressure, Pc"),
    "triple_point_temperature": Tabulated("Tt", "K", "K", {}, "triple point temperature, triple point"),
    "enthalpy_of_formation_gas": Tabulated(
        "Hfg", "J/mol", "kJ/mol", {"phase": "ideal gas", "temperature": "298.15 K"},
        "tabulated enthalpy of formation of the gas, tabulated heat of formation, gas-phase Hf",
    ),
    "enthalpy_of_formation_liquid": Tabulated(
        "Hfl", "J/mol", "kJ/mol", {"phase": "liquid", "temperature": "298.15 K"},
        "enthalpy of formation of the liquid, liquid heat of formation",
    ),
    "enthalpy_of_formation_solid": Tabulated(
        "Hfs", "J/mol", "kJ/mol", {"phase": "solid", "temperature": "298.15 K"},
        "enthalpy of formation of the solid, solid heat of formation",
    ),
    "entropy_gas": Tabulated(
        "S0g", "J/(mol*K)", "J/(mol*K)", {"phase": "ideal gas", "temperature": "298.15 K", "pressure": "100 kPa"},
        "standard entropy of the gas, standard molar entropy, absolute entropy, entropy",
    ),
    "enthalpy_of_fusion": Tabulated("Hfus", "J/mol", "kJ/mol", {}, "enthalpy of fusion, heat of fusion, latent heat of melting"),
    "flash_point": Tabulated("T_flash", "K", "degC", {}, "flash point, flashpoint, flammable, flammability"),
    "autoignition_temperature": Tabulated("T_autoignition", "K", "degC", {}, "autoignition temperature, self-ignition temperature"),
    "lower_flammability_limit": Tabulated(
        "LFL", "", "percent", {"of": "volume in air"}, "lower flammability limit, lower explosive limit, LEL, LFL"
    ),
    "upper_flammability_limit": Tabulated(
        "UFL", "", "percent", {"of": "volume in air"}, "upper flammability limit, upper explosive limit, UEL, UFL"
    ),
    "dipole_moment": Tabulated("dipole_moment", "debye", "debye", {}, "dipole moment, polarity, dipole"),
    "logp_tabulated": Tabulated("logP", "", "", {}, "tabulated logP, measured logP, experimental logP, experimental partition coefficient"),
    "global_warming_potential": Tabulated(
        "GWP", "", "", {"relative to": "CO2 over 100 years"}, "global warming potential, GWP, greenhouse gas"
    ),
    "ozone_depletion_potential": Tabulated(
        "ODP", "", "", {"relative to": "CFC-11"}, "ozone depletion potential, ODP, ozone depletion"
    ),
}  # fmt: skip


@tool(
    domain="chemistry",
    properties={name: known.words for name, known in PROPERTIES.items()},
    examples=(
        "What is the boiling point of acetone?",
        "melting point of naphthalene",
        "At what temperature does benzene boil?",
        "tabulated heat of formation of methane",
        "Flash point of toluene?",
        "What is the experimental dipole moment of chloroform?",
        "critical temperature of carbon dioxide",
    ),
    example={"compound": "acetone"},
)
def lookup_physical_properties(compound: Compound) -> ToolResult:
    """Look up tabulated physical properties: boiling and melting point, formation enthalpy, flash point, dipole moment.

    Only values that a table holds are given, each with its table; nothing is estimated. Other tables' values stand in
    `data`, and a warning says where they disagree by more than 2 %.

    Raises NotFound: `no_cas_number` for a structure that the tables do not know, `nothing_tabulated`.

    Args:
        compound: The compound.
    """
    cas = _cas_number(compound)
    quantities: dict[str, Quantity] = {}
    others: dict[str, dict[str, float]] = {}
    warnings = list(compound.warnings)
    for name, known in PROPERTIES.items():
        values = tabulated(known.function, cas)
        if not values:
            continue
        table = next(iter(values))
        quantities[name] = Quantity(
            value=convert(values[table], known.unit, known.shown), unit=known.shown, property=name,
            method=f"tabulated: {table}", conditions=known.conditions or None,
        )  # fmt: skip
        others[name] = {source: convert(value, known.unit, known.shown) for source, value in values.items()}
        spread = max(values.values()) - min(values.values())
        if spread > DISAGREEMENT * abs(values[table]):
            said = ", ".join(f"{source} {value:.5g}" for source, value in others[name].items())
            warnings.append(f"the tables disagree on the {name.replace('_', ' ')} ({known.shown}): {said}")
    if not quantities:
        raise NotFound(
            "nothing_tabulated", f"the tables hold no physical property of {compound.label} (CAS {cas})",
            hint="compute_descriptors gives what follows from the structure",
        )  # fmt: skip
    import chemicals

    return ToolResult(
        data={"cas": cas, "tables": others},
        quantities=quantities,
        source=Source(
            kind="table", name=f"chemicals {chemicals.__version__}", reference="doi:10.5281/zenodo.10058866"
        ),
        warnings=tuple(warnings),
    )


def tabulated(function: str, cas: str) -> dict[str, float]:
    """Return what the tables say of one property, by table, the one that `chemicals` trusts most first.

    `function` is the name of the property in `chemicals` ('Tb', 'Hfg'); the unit is that library's.
    """
    import chemicals

    look_up: Any = getattr(chemicals, function)
    methods = sorted(getattr(chemicals, f"{function}_methods")(CASRN=cas), key=LAST.__eq__)
    found = {}
    for method in methods:
        value = None if method in ESTIMATES else look_up(CASRN=cas, method=method)
        if isinstance(value, (int, float)):
            found[str(method)] = float(value)
    return found


def _cas_number(compound: Compound) -> str:
    rows = [row for row in name_table().by_inchikey(compound.inchikey) if row.cas]
    if not rows:
        raise NotFound(
            "no_cas_number",
            f"the offline tables ({table_release()}) do not know {compound.label}, {compound.inchikey}",
            hint="compute_descriptors gives what follows from the structure",
        )
    return str(rows[0].cas)
