"""What can be read off a crystal structure: formula, density, symmetry at several tolerances, distances, disorder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity, convert
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.chemistry.formulas import parse_species
from benchmate.tools.file_kinds import CRYSTALS
from benchmate.tools.files import DataFile
from benchmate.tools.materials.structures import (
    USUAL,
    Prototype,
    notes_of_pymatgen,
    pymatgen_name,
    read_crystal,
    read_formula,
)

if TYPE_CHECKING:
    from pymatgen.core import Structure

TOLERANCES = (0.001, 0.01, 0.1)  # angstrom
SHOWN_SITES = 200
NEAR = 3.5  # angstrom, within which the shortest distances of each pair are looked for
TOO_CLOSE = 0.7  # angstrom
SYMMETRY = "spglib: Togo et al. 2024, doi:10.1080/27660400.2024.2384822; pymatgen: Ong et al. 2013, doi:10.1016/j.commatsci.2012.10.028"


@tool(
    domain="materials",
    files=CRYSTALS,
    extra="materials",
    properties={
        "density": "theoretical density, density, X-ray density, crystal density, mass density",
        "cell_volume": "volume of the unit cell, cell volume, unit cell volume, volume",
        "formula_units": "formula units in the cell, Z, number of formula units",
        "lattice_parameter": "lattice parameter, lattice constant, cell parameter, cell length",
        "lattice_angle": "lattice angle, cell angle",
        "space_group": "space group number, space group, symmetry, international number",
        "site_count": "number of sites, atoms in the cell, number of atoms per cell",
        "shortest_distance": "shortest interatomic distance, shortest distance, nearest neighbour distance, bond length, nearest neighbor",
        "volume_per_atom": "volume per atom, atomic volume",
        "molar_mass": "molar mass of the formula unit, molar mass, formula weight",
    },
    examples=(
        "Theoretical density of NaCl with a = 5.6402 A, Z = 4?",
        "What is the space group of LiFePO4.cif?",
        "Analyze the crystal structure in POSCAR",
        "X-ray density of silicon, a = 5.431 angstrom",
        "Unit cell volume and nearest neighbour distance of fcc Cu, a = 3.615",
        "How many formula units are in the cell of structure.cif?",
        "Density of wurtzite ZnO with a 3.25 and c 5.207",
    ),
    example={"formula": "NaCl", "a": 5.6402},
)
def analyze_crystal(
    file: DataFile | None = None,
    formula: str | None = None,
    prototype: Prototype | None = None,
    a: Annotated[
        float | None,
        Unit("angstrom", "a, lattice parameter, lattice constant, cell parameter"),
        Field(gt=0, le=1000),
    ] = None,
    b: Annotated[float | None, Unit("angstrom", "b"), Field(gt=0, le=1000)] = None,
    c: Annotated[float | None, Unit("angstrom", "c"), Field(gt=0, le=1000)] = None,
    alpha: Annotated[float | None, Unit("degree", "alpha, α"), Field(gt=0, lt=180)] = None,
    beta: Annotated[float | None, Unit("degree", "beta, β"), Field(gt=0, lt=180)] = None,
    gamma: Annotated[float | None, Unit("degree", "gamma, γ"), Field(gt=0, lt=180)] = None,
    z: Annotated[int | None, Unit("", "Z, formula units"), Field(ge=1, le=10_000)] = None,
) -> ToolResult:
    """Analyze a crystal: formula, density, cell volume, space group at several tolerances, sites, shortest distances.

    Give a CIF, POSCAR or pymatgen JSON file; or a formula with its structure type and lattice parameters; or a formula with
    cell parameters and Z, which gives the density alone. Disordered sites count by their occupancy.

    Raises InvalidInput: `underspecified`, `overspecified`, `bad_file`, `too_large`, `no_prototype`, `wrong_prototype`,
    `lattice_needed`, `wrong_z`, `impossible_cell`, `not_neutral`, and what reading a formula raises.

    Args:
        file: The structure.
        formula: The formula, cation first, in place of a file.
        prototype: The structure type of the formula; known for common elements and binaries.
        a: Lattice parameter a.
        b: Lattice parameter b, where only Z is known; a by default.
        c: Lattice parameter c; a by default for cubic cells.
        alpha: Cell angle alpha, where only Z is known; 90 degrees by default.
        beta: Cell angle beta.
        gamma: Cell angle gamma.
        z: Formula units in the cell, in place of the structure type.
    """
    angles = (alpha, beta, gamma)
    if formula is not None and file is None and (b is not None or any(x is not None for x in angles)):
        if prototype is not None:
            raise InvalidInput(
                "overspecified",
                f"the structure type {prototype} says the cell; b and angles were given too",
                hint="leave them out",
            )
        return _by_formula_units(formula, a, b, c, angles, z)
    if formula is not None and file is None and prototype is None and z is not None and not _usual(formula):
        return _by_formula_units(formula, a, b, c, angles, z)
    crystal = read_crystal(file, formula, prototype, a, c)
    structure = crystal.structure
    warnings = list(crystal.notes)
    reduced, units = structure.composition.get_reduced_formula_and_factor()
    if z is not None and abs(units - z) > 0.01:
        raise InvalidInput(
            "wrong_z",
            f"{crystal.label} has {units:g} formula units of {reduced} in the cell, not {z}",
            hint="leave z out, or check the structure type",
        )
    groups, told = _symmetry(structure)
    warnings += told
    conditions = {"structure": crystal.label, "cell": "as given"}
    quantities = _cell_quantities(structure, reduced, float(units), conditions)
    for group in groups:
        quantities[f"space_group_{group['symprec']:g}"] = Quantity(
            value=group["number"], property="space_group", method="spglib",
            conditions={"symbol": group["symbol"], "tolerance": f"{group['symprec']:g} angstrom", "crystal system": group["system"]},
        )  # fmt: skip
    if len({group["number"] for group in groups}) > 1:
        listed = ", ".join(f"{g['symbol']} ({g['number']}) at {g['symprec']:g}" for g in groups)
        warnings.append(f"the space group depends on the tolerance in angstrom: {listed}")
    conventional = _conventional(structure)
    if conventional and abs(conventional["volume"] / structure.volume - 1) > 0.01:
        warnings.append(
            f"the cell given is not the conventional one, which has {conventional['formula_units']:g} formula units and "
            f"a, b, c = {', '.join(f'{x:.4f}' for x in conventional['abc'])} angstrom"
        )
    disorder = _disorder(structure)
    if disorder:
        warnings.append(
            f"partial occupancy: {', '.join(disorder[:6])}; symmetry treats each mixture as a species of its own"
        )
    distances = _shortest(structure)
    for name, value in distances.items():
        quantities[f"distance_{name}"] = Quantity(
            value=value,
            unit="angstrom",
            property="shortest_distance",
            method="minimum over periodic images",
            conditions={"between": name},
        )
    if distances and min(distances.values()) < TOO_CLOSE:
        warnings.append(
            f"two sites are {min(distances.values()):.2f} angstrom apart: a split site, or an error of the file"
        )
    shown = structure.sites[:SHOWN_SITES]
    if len(structure) > SHOWN_SITES:
        warnings.append(f"the first {SHOWN_SITES} of {len(structure)} sites are listed")
    return ToolResult(
        data={
            "formula": reduced, "cell_formula": structure.composition.formula, "origin": crystal.origin, "symmetry": groups, "conventional_cell": conventional,
            "ordered": structure.is_ordered, "partial_occupancy": disorder,
            "sites": [{"species": s.species_string, "fractional": [round(float(x), 6) for x in s.frac_coords]} for s in shown],
        },
        quantities=quantities,
        source=Source(kind="computed", name=pymatgen_name(), reference=SYMMETRY),
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip


def _usual(formula: str) -> bool:
    atoms, _ = read_formula(formula)
    return any(parse_species(known).atoms == atoms for known in USUAL)


def _by_formula_units(
    formula: str,
    a: float | None,
    b: float | None,
    c: float | None,
    angles: tuple[float | None, ...],
    z: int | None,
) -> ToolResult:
    """Return density and volume from cell parameters and the number of formula units: ρ = Z·M / (N_A·V)."""
    from pymatgen.core import Lattice

    species = parse_species(formula)  # as written: Z counts C60, not C
    notes = list(species.warnings)
    if species.charge:
        raise InvalidInput(
            "not_neutral",
            f"{formula} is an ion; a crystal is neutral",
            hint="write the formula of the compound",
        )
    if a is None or z is None:
        raise InvalidInput(
            "underspecified",
            "a density needs the lattice parameters and Z",
            hint="give a (b, c, angles) and z",
        )
    degrees = [90.0 if x is None else x for x in angles]
    cell = Lattice.from_parameters(a, b or a, c or a, *degrees)
    volume = float(cell.volume)
    if not volume > 1:  # NaN as well: angles that do not close
        raise InvalidInput(
            "impossible_cell",
            f"the cell has no volume: angles {', '.join(f'{x:g}' for x in degrees)}",
            hint="check lengths and angles",
        )
    mass = species.molar_mass
    grams = convert(mass * z, "dalton", "g") / convert(volume, "angstrom**3", "cm**3")
    conditions = {"formula": formula, "Z": str(z), "cell": f"{a:g} × {b or a:g} × {c or a:g} angstrom"}
    if (b is None or c is None) and all(x is None for x in angles):
        notes.append(
            "the cell was taken as cubic"
            if b is None and c is None
            else "a lattice parameter that is not given was taken as a"
        )
    return ToolResult(
        data={"formula": formula, "origin": "cell parameters and Z"},
        quantities={
            "density": Quantity(value=grams, unit="g/cm**3", property="density", method="Z·M / (N_A·V)", conditions=conditions),
            "volume": Quantity(value=volume, unit="angstrom**3", property="cell_volume", method="from the cell parameters", conditions=conditions),
            "formula_units": Quantity(value=z, property="formula_units", method="as given", conditions={"formula": formula}),
            "molar_mass": Quantity(value=mass, unit="g/mol", property="molar_mass", method="average atomic weights", conditions={"formula": formula}),
        },
        source=Source(kind="computed", name=pymatgen_name()),
        warnings=tuple(notes),
    )  # fmt: skip


def _cell_quantities(
    structure: Structure, reduced: str, units: float, conditions: dict[str, str]
) -> dict[str, Quantity]:
    def quantity(
        name: str, value: float, unit: str = "", method: str = "of the cell as given", **more: str
    ) -> Quantity:
        return Quantity(
            value=value, unit=unit, property=name, method=method, conditions={**conditions, **more}
        )

    found = {
        "density": quantity("density", float(structure.density), "g/cm**3", "mass over volume of the cell"),
        "volume": quantity("cell_volume", float(structure.volume), "angstrom**3"),
        "formula_units": quantity("formula_units", units, formula=reduced),
        "site_count": quantity("site_count", len(structure)),
        "volume_per_atom": quantity(
            "volume_per_atom", float(structure.volume / structure.composition.num_atoms), "angstrom**3"
        ),
        "molar_mass": quantity(
            "molar_mass",
            float(structure.composition.weight / units),
            "g/mol",
            "average atomic weights",
            formula=reduced,
        ),
    }
    for name, length in zip("abc", structure.lattice.abc, strict=True):
        found[name] = quantity("lattice_parameter", float(length), "angstrom", axis=name)
    for name, angle in zip(("alpha", "beta", "gamma"), structure.lattice.angles, strict=True):
        found[name] = quantity("lattice_angle", float(angle), "degree", angle=name)
    return found


def _symmetry(structure: Structure) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the space group at each tolerance, and a warning where none is found."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    groups, told = [], []
    for tolerance in TOLERANCES:
        try:
            with notes_of_pymatgen():
                found = SpacegroupAnalyzer(structure, symprec=tolerance)
                groups.append({
                    "symprec": tolerance, "symbol": found.get_space_group_symbol(), "number": found.get_space_group_number(),
                    "system": found.get_crystal_system(), "point_group": found.get_point_group_symbol(),
                })  # fmt: skip
        except SymmetryUndeterminedError:
            told.append(f"no space group was found at a tolerance of {tolerance:g} angstrom")
    return groups, told


def _conventional(structure: Structure) -> dict[str, Any] | None:
    """Return the conventional cell (hexagonal axes for rhombohedral lattices), or None where no symmetry is found."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    try:
        with notes_of_pymatgen():
            cell = SpacegroupAnalyzer(structure, symprec=TOLERANCES[1]).get_conventional_standard_structure()
    except SymmetryUndeterminedError:
        return None
    return {
        "abc": [float(x) for x in cell.lattice.abc], "angles": [float(x) for x in cell.lattice.angles],
        "volume": float(cell.volume), "formula_units": float(cell.composition.get_reduced_formula_and_factor()[1]),
    }  # fmt: skip


def _disorder(structure: Structure) -> list[str]:
    return list(dict.fromkeys(site.species_string for site in structure if not site.is_ordered))


def _shortest(structure: Structure) -> dict[str, float]:
    """Return the shortest distance of each pair of species within reach, or the shortest of all."""
    for reach in (NEAR, 3 * NEAR):
        centres, others, _, lengths = structure.get_neighbor_list(reach)
        if len(lengths):
            break
    found: dict[str, float] = {}
    names = ["/".join(str(e) for e in site.species.elements) for site in structure]
    for i, j, length in zip(centres, others, lengths, strict=True):
        pair = "-".join(sorted((names[i], names[j])))
        found[pair] = min(found.get(pair, float("inf")), float(length))
    return dict(sorted(found.items(), key=lambda item: item[1]))
