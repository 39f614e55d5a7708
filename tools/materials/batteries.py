"""Battery electrodes: the theoretical capacity of a formula."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity, convert
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.chemistry.formulas import Species, parse_species

Ion = Literal["Li", "Na", "K", "Mg", "Ca", "Zn", "Al"]
CHARGES: dict[Ion, int] = {"Li": 1, "Na": 1, "K": 1, "Mg": 2, "Ca": 2, "Zn": 2, "Al": 3}


@tool(
    domain="materials",
    properties={
        "capacity": "theoretical gravimetric capacity, theoretical capacity, specific capacity, gravimetric capacity, capacity, mAh/g",
        "capacity_with_ion": "capacity per mass with the working ion, capacity of the lithiated formula",
        "capacity_without_ion": "capacity per mass without the working ion, capacity of the host, capacity of the delithiated formula",
        "volumetric_capacity": "volumetric capacity, capacity per volume, mAh/cm3",
        "specific_energy": "specific energy, energy density, gravimetric energy, Wh/kg",
        "molar_mass": "molar mass of the formula, molar mass, formula weight",
        "electrons": "electrons per formula unit, number of electrons, ions exchanged",
    },
    examples=(
        "Theoretical gravimetric capacity of LiFePO4 (1 Li)?",
        "What is the theoretical capacity of graphite, LiC6?",
        "mAh/g of LiCoO2 if 0.5 Li is extracted",
        "Specific capacity of Li15Si4",
        "Theoretical capacity of NaFePO4 as a sodium cathode",
        "Specific energy of LiFePO4 at 3.4 V",
    ),
    example={"formula": "LiFePO4"},
)
def compute_capacity(
    formula: str,
    working_ion: Ion | None = None,
    ions: Annotated[
        float | None, Unit("", "Li, Na, ions, lithium, sodium, ions exchanged, x"), Field(gt=0, le=100)
    ] = None,
    electrons: Annotated[
        float | None, Unit("", "electrons, electron, n, number of electrons"), Field(gt=0, le=100)
    ] = None,
    basis: Annotated[
        Literal["with_ion", "without_ion"] | None,
        Said(
            {
                "without_ion": "delithiated, charged host, per mass of the empty host, without the lithium",
                "with_ion": "lithiated, discharged, with the lithium",
            }
        ),
    ] = None,
    voltage: Annotated[float | None, Unit("V", "voltage, potential, at"), Field(gt=0, le=10)] = None,
    density: Annotated[float | None, Unit("g/cm**3", "density"), Field(gt=0, le=30)] = None,
) -> ToolResult:
    """Compute the theoretical capacity of an electrode material, n·F / (3.6·M), per mass with and without the working ion.

    The main value is per mass of the formula as written; of a host that is one element, such as graphite (LiC6) or
    silicon (Li15Si4), it is per mass of the host, as usual for anodes. Both are given.

    Raises InvalidInput: `no_ion` (nothing says how many electrons), `overspecified`, `more_than_held`, `not_neutral`,
    `no_host`, and what reading a formula raises.

    Args:
        formula: The formula unit, as in `LiFePO4` or `LiC6`.
        working_ion: The ion that moves; by default the alkali metal of the formula.
        ions: How many ions are exchanged per formula unit; by default all that the formula has.
        electrons: How many electrons are exchanged per formula unit, in place of `ions`.
        basis: Which mass the main value is per: of the formula with the ion, or of the host without it.
        voltage: Average voltage, for the specific energy.
        density: Density of the material on the same basis, for the capacity per volume.
    """
    species = parse_species(formula)
    if species.charge:
        raise InvalidInput(
            "not_neutral", f"{formula} is an ion", hint="write the formula of the electrode material"
        )
    if ions is not None and electrons is not None:
        raise InvalidInput("overspecified", "ions and electrons are both given", hint="give one")
    alkali: list[Ion] = [i for i in CHARGES if CHARGES[i] == 1 and i in species.atoms]
    ion: Ion = working_ion or (alkali[0] if alkali else "Li")
    held = float(species.atoms.get(ion, 0))
    moved = ions if ions is not None else electrons / CHARGES[ion] if electrons is not None else held
    if not moved:
        raise InvalidInput(
            "no_ion",
            f"{formula} has no {ion}: how many are exchanged is open",
            hint="give ions or electrons per formula unit, as 1 for FePO4 or C6",
        )
    if held and moved > held + 1e-9:
        raise InvalidInput(
            "more_than_held", f"{formula} holds {held:g} {ion}, and {moved:g} are to be exchanged", hint="write the formula with all its ions",
        )  # fmt: skip
    n = moved * CHARGES[ion]
    warnings = list(species.warnings)
    ion_mass = Species(ion, {ion: 1}).molar_mass
    # what is exchanged is inside the formula as written, or comes on top of a host written without it
    with_ion = species.molar_mass + (0.0 if held else moved * ion_mass)
    without = with_ion - moved * ion_mass
    host = {symbol: count for symbol, count in species.atoms.items() if symbol != ion}
    if not host and basis == "without_ion":
        raise InvalidInput(
            "no_host", f"{formula} is the working ion alone: there is no host", hint="leave basis out"
        )
    usual: Literal["with_ion", "without_ion"] = "without_ion" if len(host) == 1 or not held else "with_ion"
    chosen = basis or usual
    conditions = {
        "working ion": f"{ion}{CHARGES[ion] if CHARGES[ion] > 1 else ''}+",
        "ions per formula unit": f"{moved:g}",
        "formula": formula,
    }
    charge = convert(n, "faraday_constant*mol", "mAh")
    per = {"with_ion": charge / with_ion}
    if host:
        per["without_ion"] = charge / without
    words = {"with_ion": f"per mass with {moved:g} {ion}", "without_ion": f"per mass without {moved:g} {ion}"}
    quantities = {
        "capacity": Quantity(
            value=per[chosen],
            unit="mAh/g",
            property="capacity",
            method="n·F / (3.6·M)",
            conditions={**conditions, "basis": words[chosen]},
        )
    }
    for name, value in per.items():
        quantities[f"capacity_{name}"] = Quantity(
            value=value,
            unit="mAh/g",
            property=f"capacity_{name}",
            method="n·F / (3.6·M)",
            conditions={**conditions, "basis": words[name]},
        )
    quantities["molar_mass"] = Quantity(
        value=with_ion if chosen == "with_ion" else without, unit="g/mol", property="molar_mass", method="average atomic weights",
        conditions={"basis": words[chosen]},
    )  # fmt: skip
    quantities["electrons"] = Quantity(
        value=n, property="electrons", method="ions exchanged × charge", conditions=conditions
    )
    if voltage is not None:
        quantities["specific_energy"] = Quantity(
            value=per[chosen] * voltage, unit="Wh/kg", property="specific_energy", method="capacity × voltage, of this electrode alone",
            conditions={**conditions, "basis": words[chosen], "voltage": f"{voltage:g} V"},
        )  # fmt: skip
    if density is not None:
        quantities["volumetric_capacity"] = Quantity(
            value=per[chosen] * density, unit="mAh/cm**3", property="volumetric_capacity", method="capacity × density",
            conditions={**conditions, "basis": words[chosen], "density": f"{density:g} g/cm3"},
        )  # fmt: skip
    if held and ions is None and electrons is None:
        warnings.append(
            f"all {held:g} {ion} of {formula} were taken as exchanged; in practice it can be fewer"
        )
    if len(per) > 1 and basis is None:
        other = "without_ion" if chosen == "with_ion" else "with_ion"
        warnings.append(
            f"{per[chosen]:.1f} mAh/g is {words[chosen]}; {words[other]} it is {per[other]:.1f} mAh/g"
        )
    return ToolResult(
        data={"formula": formula, "working_ion": ion, "ions": moved, "electrons": n, "basis": chosen},
        quantities=quantities,
        source=Source(
            kind="computed",
            name="benchmate",
            reference="Faraday constant of CODATA, atomic weights of RDKit (IUPAC)",
        ),
        warnings=tuple(warnings),
    )
