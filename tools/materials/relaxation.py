"""Relaxing metals with the EMT potential of ASE, a toy for seven metals and their alloys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.chemistry.formulas import parse_species
from benchmate.tools.file_kinds import CRYSTALS
from benchmate.tools.files import DataFile
from benchmate.tools.materials.equation_of_state import fit_points
from benchmate.tools.materials.structures import Prototype, notes_of_pymatgen, read_crystal
from benchmate.tools.plots import Panel, Series, save_plot

if TYPE_CHECKING:
    from ase import Atoms

# Experiment at room temperature: a of the fcc cell in angstrom and bulk modulus in GPa (Kittel, Introduction to Solid State
# Physics, 8th ed., tables 1.3 and 3.3).
EXPERIMENT: dict[str, tuple[float, float]] = {
    "Al": (4.05, 72.2), "Cu": (3.61, 137.0), "Ag": (4.09, 100.7), "Au": (4.08, 173.2), "Ni": (3.52, 186.0), "Pd": (3.89, 180.8), "Pt": (3.92, 278.3),
}  # fmt: skip
TOY = "EMT is a toy potential: trends of fcc metals, not properties to rely on; use DFT or a fitted potential for those"
MAX_ATOMS = 300
STRAINS = (-0.04, -0.03, -0.02, -0.01, 0.0, 0.01, 0.02, 0.03, 0.04)  # of the volume
REFERENCE = "Jacobsen, Stoltze & Nørskov 1996, doi:10.1016/0039-6028(96)00816-3; ASE: Larsen et al. 2017, doi:10.1088/1361-648X/aa680e"


@tool(
    domain="materials",
    files=CRYSTALS,
    extra="materials",
    cost="slow",
    timeout=180,
    properties={
        "lattice_parameter": "relaxed lattice parameter, lattice constant, lattice parameter, equilibrium lattice constant",
        "bulk_modulus": "bulk modulus, B0, incompressibility",
        "energy_per_atom": "energy per atom, potential energy, EMT energy, energy",
        "volume_per_atom": "volume per atom, equilibrium volume, atomic volume",
        "largest_force": "largest force, residual force",
        "input_experiment": "experimental value",
    },
    examples=(
        "Relax fcc Cu with EMT",
        "What is the EMT lattice constant of gold?",
        "Relax the structure in POSCAR with the EMT potential",
        "Bulk modulus of Al by EMT",
        "Optimize the cell of Cu3Au.cif with ase",
        "relaxed lattice parameter of Ni",
    ),
    example={"formula": "Cu"},
)
def relax_structure(
    context: ToolContext,
    file: DataFile | None = None,
    formula: str | None = None,
    prototype: Prototype | None = None,
    a: Annotated[
        float | None,
        Unit("angstrom", "a, lattice parameter, starting lattice parameter"),
        Field(gt=0, le=100),
    ] = None,
    force_tolerance: Annotated[
        float, Unit("eV/angstrom", "force tolerance, fmax"), Field(ge=1e-4, le=0.5)
    ] = 0.005,
) -> ToolResult:
    """Relax cell and atoms of a metal with ASE's EMT potential, and fit its bulk modulus: a toy calculation, labelled so.

    Only Al, Cu, Ag, Au, Ni, Pd, Pt and their alloys. The bulk modulus comes from a Birch-Murnaghan fit over ±4 % of volume.

    Raises InvalidInput: `not_covered` (other elements), `disordered`, `too_large`, `not_converged`, and what reading a
    structure and fitting raise.

    Args:
        file: The structure, CIF, POSCAR or JSON.
        formula: A formula in place of a file; fcc for the elements.
        prototype: The structure type of the formula.
        a: Lattice parameter to start from; that of experiment by default, of an alloy the mean.
        force_tolerance: Largest force at which the relaxation ends.
    """
    import ase

    start = a
    if formula is not None:
        atoms_of = parse_species(formula).atoms
        _check_elements(list(atoms_of))
        if start is None:  # the mean of the elements (Vegard), all of them fcc
            start = sum(n * EXPERIMENT[s][0] for s, n in atoms_of.items()) / sum(atoms_of.values())
    crystal = read_crystal(file, formula, prototype, start, None)
    structure = crystal.structure
    if not structure.is_ordered:
        raise InvalidInput(
            "disordered", f"{crystal.label} has partly occupied sites", hint="give an ordered structure"
        )
    _check_elements([str(element) for element in structure.composition.elements])
    if len(structure) > MAX_ATOMS:
        raise InvalidInput(
            "too_large", f"{crystal.label} has {len(structure)} atoms; the limit is {MAX_ATOMS}"
        )
    atoms, steps = _relax(structure, force_tolerance, crystal.label)
    fit = _scan(atoms)
    elements = sorted(set(atoms.get_chemical_symbols()))
    conditions = {"structure": crystal.label, "potential": "EMT (toy potential)", "temperature": "0 K"}

    def quantity(name: str, value: float, unit: str, **more: str) -> Quantity:
        return Quantity(
            value=value, unit=unit, property=name, method="EMT, ASE", conditions={**conditions, **more}
        )

    lengths = dict(zip("abc", (float(x) for x in atoms.cell.lengths()), strict=True))
    quantities = {
        name: quantity("lattice_parameter", length, "angstrom", axis=name) for name, length in lengths.items()
    }
    quantities |= {
        "bulk_modulus": quantity("bulk_modulus", fit["b0"], "GPa", fit="Birch-Murnaghan"),
        "energy_per_atom": quantity(
            "energy_per_atom",
            float(atoms.get_potential_energy()) / len(atoms),
            "eV",
            zero="the fcc metals of EMT",
        ),
        "volume_per_atom": quantity("volume_per_atom", float(atoms.get_volume()) / len(atoms), "angstrom**3"),
        "largest_force": quantity(
            "largest_force", float((atoms.get_forces() ** 2).sum(axis=1).max() ** 0.5), "eV/angstrom"
        ),
    }
    warnings = [TOY, *crystal.notes]
    if len(elements) == 1 and len(atoms) == 4 and "fcc" in crystal.label:
        length, modulus = EXPERIMENT[elements[0]]
        told = {"of": f"fcc {elements[0]}, room temperature"}
        quantities["experiment_a"] = Quantity(
            value=length,
            unit="angstrom",
            property="input_experiment",
            method="Kittel, 8th ed.",
            conditions=told,
        )
        quantities["experiment_b"] = Quantity(
            value=modulus, unit="GPa", property="input_experiment", method="Kittel, 8th ed.", conditions=told
        )
        warnings.append(
            f"experiment: a = {length:.2f} angstrom, B = {modulus:.0f} GPa (Kittel); EMT: {lengths['a']:.3f} and {fit['b0']:.0f}"
        )
    return ToolResult(
        data={"formula": structure.composition.reduced_formula, "steps": steps, "origin": crystal.origin, "angles": [float(x) for x in atoms.cell.angles()]},
        quantities=quantities,
        artifacts=(
            context.save("relaxed.cif", "chemical/x-cif", _cif(atoms).encode()),
            *save_plot(context, f"EMT energy of {crystal.label}: B = {fit['b0']:.0f} GPa", [_panel(fit, len(atoms))], name="energy_volume"),
        ),
        source=Source(kind="computed", name=f"ASE {ase.__version__}", reference=REFERENCE),
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip


def _check_elements(symbols: list[str]) -> None:
    """Raise InvalidInput (`not_covered`) for elements without EMT parameters fitted to a metal."""
    lacking = sorted({s for s in symbols if s not in EXPERIMENT})
    if lacking:
        raise InvalidInput(
            "not_covered",
            f"the EMT potential does not cover {', '.join(lacking)}",
            hint=f"it has {', '.join(EXPERIMENT)}",
            details={"elements": lacking},
        )


def _relax(structure: Any, tolerance: float, label: str) -> tuple[Atoms, int]:
    from ase.calculators.emt import EMT
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS
    from pymatgen.io.ase import AseAtomsAdaptor

    with notes_of_pymatgen():
        atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
        atoms.calc = EMT()
        search = BFGS(FrechetCellFilter(atoms), logfile=None)  # type: ignore[arg-type]
        done = search.run(fmax=tolerance, steps=500)
    if not done:
        raise InvalidInput(
            "not_converged",
            f"{label} did not relax in 500 steps",
            hint="start from a better structure, or raise force_tolerance",
        )
    return atoms, int(search.nsteps)


def _scan(atoms: Atoms) -> dict[str, Any]:
    from ase.calculators.emt import EMT

    volumes, energies = [], []
    for strain in STRAINS:
        scaled = atoms.copy()
        scaled.set_cell(atoms.cell * (1 + strain) ** (1 / 3), scale_atoms=True)
        scaled.calc = EMT()
        volumes.append(float(scaled.get_volume()))
        energies.append(float(scaled.get_potential_energy()))
    return {**fit_points(volumes, energies), "volumes": volumes, "energies": energies}


def _cif(atoms: Atoms) -> str:
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.io.cif import CifWriter

    with notes_of_pymatgen():
        return str(CifWriter(AseAtomsAdaptor.get_structure(atoms)))


def _panel(fit: dict[str, Any], count: int) -> Panel:
    import numpy as np

    grid = np.linspace(min(fit["volumes"]), max(fit["volumes"]), 200)
    return Panel(
        x_label="volume per atom", x_unit="angstrom**3", y_label="energy per atom", y_unit="eV",
        series=[
            Series(label="EMT", x=[v / count for v in fit["volumes"]], y=[e / count for e in fit["energies"]], style="points"),
            Series(label="Birch-Murnaghan fit", x=[float(v) / count for v in grid], y=[float(e) / count for e in fit["curve"](grid)]),
        ],
    )  # fmt: skip
