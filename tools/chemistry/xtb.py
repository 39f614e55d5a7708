"""Energies of molecules by semi-empirical quantum chemistry: GFN2-xTB and GFN1-xTB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity, convert
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.tight_binding import (
    FLAT,
    REFERENCES,
    Calculation,
    Geometry,
    Method,
    Surface,
    check_electrons,
    embed,
    read_xyz,
    tblite_name,
)
from benchmate.tools.files import DataFile

if TYPE_CHECKING:
    from rdkit.Chem import Mol

SHOWN_CHARGES = 60
DIGITS = 8  # decimals that the self-consistent charges are converged to
STRETCHED = 1.3  # a bond longer than this times the sum of covalent radii is taken as broken


@tool(
    domain="chemistry",
    extra="qm",
    cost="slow",
    timeout=600,
    properties={
        "energy": "total energy, xTB energy, electronic energy, GFN2 energy, energy in hartree, energy",
        "gradient_norm": "gradient norm, norm of the gradient, force on the atoms",
        "dipole": "dipole moment by xTB, computed dipole moment, dipole moment, dipole, polarity",
        "homo": "HOMO energy, highest occupied orbital, HOMO",
        "lumo": "LUMO energy, lowest unoccupied orbital, LUMO",
        "homo_lumo_gap": "HOMO-LUMO gap, orbital gap, gap",
        "partial_charge": "partial charges, atomic charges, Mulliken charges, partial charge, charges",
    },
    examples=(
        "GFN2-xTB energy of water",
        "Optimize the geometry of caffeine with xtb",
        "What is the HOMO-LUMO gap of benzene at the xTB level?",
        "Compute the dipole moment of formaldehyde with GFN2",
        "Partial charges of acetamide by xTB",
        "xtb single point of the methyl radical, one unpaired electron",
        "GFN1 total energy of H2 in hartree",
    ),
    example={"compound": "water"},
)
def compute_xtb_energy(
    context: ToolContext,
    compound: Compound | None = None,
    structure: DataFile | None = None,
    xyz: str | None = None,
    method: Method = "GFN2-xTB",
    task: Annotated[
        Literal["optimize", "single_point"] | None,
        Said(
            {
                "optimize": "optimise, optimised, optimized, relax, relaxed geometry, geometry optimisation, geometry optimization",
                "single_point": "single point, no optimisation, as given, without optimising",
            }
        ),
    ] = None,
    charge: Annotated[int | None, Unit("", "charge"), Field(ge=-20, le=20)] = None,
    unpaired: Annotated[int | None, Unit("", "unpaired electrons, unpaired, uhf"), Field(ge=0, le=20)] = None,
    seed: Annotated[int, Unit("", "seed"), Field(ge=0, le=2**31 - 1)] = 61453,
    conformers: Annotated[int, Unit("", "starting conformers"), Field(ge=1, le=50)] = 10,
) -> ToolResult:
    """Compute the energy of a molecule by GFN2-xTB or GFN1-xTB in vacuum, with dipole, charges and orbital gap.

    A compound starts from the lowest of several ETKDG conformers and is optimized; an XYZ structure is computed as it
    is unless `task` says optimize. The energy is electronic, without zero-point and thermal parts, and only differences
    between species with the same kinds of bonds mean much. A radical needs `unpaired`.

    Raises InvalidInput: `underspecified`, `overspecified`, `too_large`, `several_fragments`, `embedding_failed`,
    `bad_xyz`, `atoms_overlap`, `open_shell`, `unpaired_mismatch`, `unsupported_element`, `scf_not_converged`,
    `geometry_not_converged`.

    Args:
        compound: The molecule.
        structure: An XYZ file, in place of the compound.
        xyz: The text of an XYZ structure, in place of the compound.
        method: The parametrization.
        task: Optimize the geometry, or compute it as it is.
        charge: The total charge; by default the formal charge of the compound, and 0 for an XYZ structure.
        unpaired: Number of unpaired electrons; 0 by default.
        seed: The random seed of the starting geometry.
        conformers: How many starting geometries to choose from.
    """
    given = [
        name
        for name, value in (("compound", compound), ("structure", structure), ("xyz", xyz))
        if value is not None
    ]
    if len(given) != 1:
        raise InvalidInput(
            "overspecified" if given else "underspecified",
            f"give one of compound, structure and xyz; given: {', '.join(given) or 'none'}",
        )
    mol: Mol | None = None
    warnings: list[str] = []
    if compound is not None:
        geometry, mol = embed(compound, seed, conformers)
        label, total, chosen = (
            compound.label,
            compound.charge if charge is None else charge,
            task or "optimize",
        )
        warnings += compound.warnings
        if charge is not None and charge != compound.charge:
            warnings.append(
                f"the charge {charge:+d} was used; the structure {compound.smiles} has {compound.charge:+d}"
            )
    else:
        geometry = read_xyz(structure.text() if structure is not None else xyz or "")
        label = structure.name if structure is not None else "the XYZ structure"
        total, chosen = charge or 0, task or "single_point"
    spins = check_electrons(geometry, total, unpaired)
    surface = Surface(geometry, method, total, spins)
    result = surface.optimize() if chosen == "optimize" else surface.single_point()
    warnings += _doubts(result, mol, total, spins, unpaired)
    conditions = {
        "phase": "vacuum",
        "charge": f"{total:+d}" if total else "0",
        "unpaired electrons": str(spins),
        "geometry": "optimized" if chosen == "optimize" else "as given",
    }
    if compound is not None:
        conditions["starting geometry"] = f"lowest of {conformers} ETKDGv3 conformers, seed {seed}"
    name = "optimized.xyz" if chosen == "optimize" else "geometry.xyz"
    text = result.geometry.xyz(
        f"{label}: {method} energy {result.energy:.8f} Eh, charge {total}, {spins} unpaired electrons"
    )
    return ToolResult(
        data={
            "method": method,
            "task": chosen,
            "atoms": list(result.geometry.symbols),
            "charges": [round(float(q), 5) for q in result.charges],
            "steps": result.steps,
            "convergence": f"largest gradient component below {FLAT:g} hartree/bohr"
            if chosen == "optimize"
            else None,
            "minimum_checked": False,
        },
        quantities=_quantities(result, method, conditions, total),
        artifacts=(context.save(name, "chemical/x-xyz", text.encode()),),
        source=Source(kind="computed", name=tblite_name(), reference=REFERENCES[method]),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _quantities(
    result: Calculation, method: Method, conditions: dict[str, str], charge: int
) -> dict[str, Quantity]:
    import numpy as np

    def quantity(name: str, value: float, unit: str, **more: str) -> Quantity:
        return Quantity(
            value=round(value, DIGITS),
            unit=unit,
            property=name,
            method=method,
            conditions={**conditions, **more},
        )

    homo, lumo = (None if e is None else convert(e, "hartree", "eV") for e in result.frontier)
    found = {
        "energy": quantity("energy", result.energy, "hartree"),
        "gradient_norm": quantity("gradient_norm", float(np.linalg.norm(result.gradient)), "hartree/bohr"),
        "homo": quantity("homo", homo or 0.0, "eV"),
    }
    if lumo is not None and homo is not None:
        found["lumo"] = quantity("lumo", lumo, "eV")
        found["homo_lumo_gap"] = quantity(
            "homo_lumo_gap", lumo - homo, "eV", note="of orbital energies, no excitation"
        )
    if charge == 0:
        length = float(np.linalg.norm(result.dipole))
        found["dipole"] = quantity("dipole", convert(length, "elementary_charge*bohr", "debye"), "debye")
    if len(result.charges) <= SHOWN_CHARGES:
        for i, (symbol, value) in enumerate(zip(result.geometry.symbols, result.charges, strict=True)):
            found[f"charge_{i}"] = quantity(
                "partial_charge", float(value), "elementary_charge", atom=f"{symbol}{i + 1}"
            )
    return found


def _doubts(result: Calculation, mol: Mol | None, charge: int, spins: int, said: int | None) -> list[str]:
    """Return what a reader has to know: broken bonds, an ion's dipole, a ground state that may be another."""
    notes = []
    if mol is not None and (broken := _broken_bonds(result.geometry, mol)):
        notes.append(f"the optimized structure is another: {', '.join(broken)} came apart")
    if charge:
        notes.append("the dipole moment of an ion depends on the origin and is not given")
    if said is None and sorted(result.geometry.symbols) == ["O", "O"]:
        notes.append("the ground state of O2 is a triplet: give unpaired=2")
    if spins:
        notes.append(
            "both spins share their orbitals here: energies of different spin states cannot be compared"
        )
    homo, lumo = result.frontier
    if not spins and lumo is not None and convert(lumo - homo, "hartree", "eV") < 0.5:
        notes.append(
            "the gap is below 0.5 eV: another charge or more unpaired electrons may be lower in energy"
        )
    return notes


def _broken_bonds(geometry: Geometry, mol: Mol) -> list[str]:
    import numpy as np
    from rdkit.Chem import GetPeriodicTable

    table, broken = GetPeriodicTable(), []
    for bond in mol.GetBonds():
        a, b = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        length = float(np.linalg.norm(geometry.positions[a] - geometry.positions[b]))
        reach = sum(table.GetRcovalent(geometry.symbols[i]) for i in (a, b))
        if length > STRETCHED * reach:
            broken.append(f"{geometry.symbols[a]}{a + 1}-{geometry.symbols[b]}{b + 1}")
    return broken
