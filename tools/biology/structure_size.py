"""Size of a structure: radius of gyration, extent, and the surface that solvent can reach, whole and by residue."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.biology.structure_files import (
    Residue,
    conformer,
    conformer_notes,
    polymers,
    read_structure_file,
    source,
)
from benchmate.tools.biology.structure_questions import chain_list
from benchmate.tools.file_kinds import STRUCTURES
from benchmate.tools.files import DataFile

MOST_ATOMS = 30_000  # of a surface
POINTS = 200  # of the sphere around an atom
SHOWN = 1000


@tool(
    domain="biology",
    files=STRUCTURES,
    properties={
        "radius_of_gyration": "radius of gyration, Rg, gyration radius, compactness",
        "largest_extent": "largest distance of two atoms, largest extent, maximum dimension, Dmax, diameter, how large",
        "solvent_accessible_area": "solvent accessible surface area, SASA, accessible surface, surface area, ASA",
        "buried_area": "area buried between chains, buried surface area, buried area, BSA, interface area",
    },
    examples=(
        "Radius of gyration of 1ubq.pdb",
        "SASA of chain A in complex.cif",
        "Solvent accessible surface area of protein.pdb",
        "Buried surface area between chains A and B of dimer.pdb",
        "How large is the protein in model.cif?",
        "Rg and Dmax of lysozyme.pdb",
        "interface area of chains H and L in fab.pdb",
        "radius of gyration of chain A in sample:hemoglobin",
    ),
    example={"file": "sample:hemoglobin", "chains": ["A"]},
    extra="bio",
    cost="slow",
    timeout=600,
)
def compute_structure_size(
    file: DataFile,
    context: ToolContext,
    chains: Annotated[list[str] | None, ReadBy(chain_list)] = None,
    probe: Annotated[float, Unit("angstrom", "probe, probe radius"), Field(gt=0, le=5)] = 1.4,
    model: Annotated[int | None, Unit("", "model"), Field(ge=0)] = None,
) -> ToolResult:
    """Compute the radius of gyration, the largest extent and the solvent accessible surface area of the polymers of a structure.

    Of the polymer chains named (by default all), taken out of the structure together: hydrogens, waters and ligands are left out. The
    radius of gyration is weighted by mass, Rg² = sum m r² / sum m about the centre of mass. The surface is that of Shrake and Rupley with
    200 points an atom and Biopython's radii (C 1.70, N 1.55, O 1.52, S 1.80 Å), some 1 % from a fine one; other programs' radii give other areas. With
    two chains or more the area they bury is also given: the sum of the areas of the chains alone less that of all together (PISA's interface area
    of two is half of it). The conformer is that of the highest mean occupancy.

    Raises InvalidInput: `bad_file`, `too_large` and what reading raises; NotFound: `unknown_model`, `unknown_chain`, `no_polymer`.

    Args:
        file: A .pdb, .ent or .cif file, or one of them as .gz.
        chains: The author's names of chains; by default all polymers.
        probe: The radius of the solvent probe.
        model: The model's number in the file; by default the first.
    """
    read = read_structure_file(file)
    everything = conformer(read, model)
    wanted = list(dict.fromkeys(chains)) if chains else [None]
    residues = [r for name in wanted for r in polymers(everything, name, "polymer")]
    heavy = sum(len(r.heavy) for r in residues)
    if heavy > MOST_ATOMS:
        raise InvalidInput(
            "too_large", f"{heavy} atoms are more than {MOST_ATOMS}", hint="name some of the chains"
        )
    by_chain: dict[str, list[Residue]] = {}
    for residue in residues:
        by_chain.setdefault(residue.chain, []).append(residue)
    about = {
        "chains": ", ".join(by_chain),
        "model": str(read.number(model)),
        "atoms": f"{heavy} of polymers, without hydrogens",
    }
    radius, extent = _radius_and_extent(residues)
    areas = _areas(residues, probe)
    surface = {"probe": f"{probe:g} Å", "points": str(POINTS)}
    total = sum(areas)
    quantities = {
        "radius_of_gyration": Quantity(value=radius, unit="angstrom", property="radius_of_gyration", method="weighted by mass, about the centre of mass", conditions=about),
        "largest_extent": Quantity(value=extent, unit="angstrom", property="largest_extent", method="between the centres of two atoms", conditions=about),
        "solvent_accessible_area": Quantity(value=total, unit="angstrom**2", property="solvent_accessible_area", method="Shrake and Rupley, Biopython's radii", conditions=about | surface),
    }  # fmt: skip
    if len(by_chain) > 1:
        alone = sum(sum(_areas(group, probe)) for group in by_chain.values())
        quantities["buried_area"] = Quantity(
            value=alone - total, unit="angstrom**2", property="buried_area", method="areas of the chains alone less that of all together, both sides counted",
            conditions=about | surface,
        )  # fmt: skip
    rows = [
        {"residue": r.where, "name": r.name, "area": round(area, 2)}
        for r, area in zip(residues, areas, strict=True)
    ]
    notes = conformer_notes(residues, None)
    if len(read.structure) > 1:
        notes.append(f"the file holds {len(read.structure)} models; these are of model {read.number(model)}")
    if trace := sum(len(r.heavy) == 1 for r in residues):
        notes.append(
            f"{trace} residues have one atom only: areas and radii of a trace are not those of the molecule"
        )
    if len(rows) > SHOWN:
        notes.append(
            f"the areas of the first {SHOWN} of {len(rows)} residues are listed; areas.csv holds all"
        )
    return ToolResult(
        data={"residues": rows[:SHOWN], "chains": {name: len(group) for name, group in by_chain.items()}},
        quantities=quantities, source=_source(), warnings=tuple(notes), artifacts=(context.save("areas.csv", "text/csv", _table(rows)),),
    )  # fmt: skip


def _radius_and_extent(residues: list[Residue]) -> tuple[float, float]:
    import numpy as np

    atoms = [atom for r in residues for atom in r.heavy.values()]
    places = np.array([a.pos.tolist() for a in atoms])
    masses = np.array([a.element.weight for a in atoms])
    centre = masses @ places / masses.sum()
    square = ((places - centre) ** 2).sum(axis=1)
    farthest = 0.0
    for start in range(0, len(places), 500):  # in pieces, so that memory stays small
        block = places[start : start + 500, None, :] - places[None, :, :]
        farthest = max(farthest, float((block**2).sum(axis=2).max()))
    return float(np.sqrt(masses @ square / masses.sum())), farthest**0.5


def _areas(residues: list[Residue], probe: float) -> list[float]:
    """Return the solvent accessible area of each residue, all taken together, in Å²."""
    import numpy as np
    from Bio.PDB.Atom import Atom
    from Bio.PDB.Chain import Chain
    from Bio.PDB.Residue import Residue as BioResidue
    from Bio.PDB.SASA import ShrakeRupley

    chain = Chain("all")
    built = []
    for place, residue in enumerate(residues):
        made = BioResidue((" ", place, " "), residue.name, "")
        for name, atom in residue.heavy.items():
            made.add(
                Atom(name, np.array(atom.pos.tolist()), atom.b_iso, atom.occ, " ", name, atom.serial, "C")
            )
            made[name].element = atom.element.name.upper()
        chain.add(made)
        built.append(made)
    if not any(len(made) for made in built):
        return [0.0] * len(residues)
    ShrakeRupley(probe_radius=probe, n_points=POINTS).compute(chain, level="A")
    return [sum(float(atom.sasa) for atom in made) for made in built]


def _table(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _source() -> Source:
    import Bio

    base = source()
    return base.model_copy(
        update={
            "name": f"{base.name}, Biopython {Bio.__version__} (surface)",
            "reference": f"{base.reference}; Shrake and Rupley 1973, J Mol Biol 79:351",
        }
    )
