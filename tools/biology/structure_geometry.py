"""Measures within a structure: distances, angles and dihedrals of atoms, and the torsions of a protein's backbone."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy, Spelled, Unit
from benchmate.tools.base import ToolContext, ToolResult, tool
from benchmate.tools.biology.structure_files import (
    ATOM_WORD,
    NUMBERING,
    Residue,
    conformer,
    conformer_notes,
    find_atom,
    polymers,
    read_structure_file,
    source,
)
from benchmate.tools.biology.structure_questions import first_chain
from benchmate.tools.file_kinds import STRUCTURES
from benchmate.tools.files import DataFile
from benchmate.tools.plots import Panel, Series, save_plot

if TYPE_CHECKING:
    import gemmi

BOND = 2.0  # angstrom: C and N of consecutive residues farther apart than this are not bonded
SHOWN = 1000
_REGIONS = {
    "alpha": "-160 <= phi < -20 and -120 <= psi < 50",
    "beta": "phi < -20 or phi >= 160, psi >= 50 or psi < -120",
    "left": "20 <= phi < 125 and -60 <= psi < 100",
    "other": "elsewhere",
}
_MEASURED = {2: "distance", 3: "angle", 4: "dihedral"}


@tool(
    domain="biology",
    files=STRUCTURES,
    properties={
        "distance": "distance between two atoms, distance, how far, bond length, separation",
        "angle": "angle of three atoms, angle, bond angle",
        "dihedral": "dihedral of four atoms, dihedral, torsion, dihedral angle, torsion angle, chi",
    },
    examples=(
        "Distance between A/87/NE2 and A/142/FE in 4hhb.pdb",
        "How far is A/45/CA from B/102/CA in complex.cif?",
        "Angle A/10/N A/10/CA A/10/C in model.pdb",
        "Dihedral of A/5/N, A/5/CA, A/5/CB and A/5/CG in protein.pdb",
        "bond length A/6/SG to A/127/SG in lysozyme.pdb",
        "measure the distance H/52A/CA to L/91/CA in fab.pdb",
        "chi1 from A/45/N A/45/CA A/45/CB A/45/OG in x.cif",
        "In sample:hemoglobin, how far apart are A/142/FE and B/148/FE?",
    ),
    example={"file": "sample:hemoglobin", "atoms": ["A/87/NE2", "A/142/FE"]},
    extra="bio",
    timeout=180,
)
def measure_structure(
    file: DataFile,
    atoms: Annotated[list[str], Field(min_length=2, max_length=4), Spelled(ATOM_WORD)],
    model: Annotated[int | None, Unit("", "model"), Field(ge=0)] = None,
    altloc: Annotated[str | None, Field(pattern=r"^\w$")] = None,
) -> ToolResult:
    """Measure the distance of two atoms, the angle of three (at the second), or the dihedral of four, in a PDB or mmCIF file.

    An atom is CHAIN/NUMBER/ATOM in author numbering: A/45/CA; with an insertion code A/52A/CA; with a residue name where two share the number
    A/142(HEM)/FE; with an alternate location A/45/CA:B. Without one the conformer of the highest mean occupancy in its residue is taken. A
    dihedral is from -180 to 180 degrees by the IUPAC sign (clockwise is positive, looking along the middle bond). Coordinates are those of the
    file: copies by crystal symmetry are not made.

    Raises InvalidInput: `bad_file`, `bad_atom`, `ambiguous_atom`, `same_atom`, `undefined_angle` and what reading raises; NotFound:
    `unknown_model`, `unknown_chain`, `unknown_residue`, `unknown_atom`.

    Args:
        file: A .pdb, .ent or .cif file, or one of them as .gz.
        atoms: Two, three or four atoms.
        model: The model's number in the file; by default the first.
        altloc: The alternate location to take where a residue has it.
    """
    read = read_structure_file(file)
    residues = conformer(read, model, altloc)
    found = [find_atom(residues, written, read, model) for written in atoms]
    for i, one in enumerate(found):
        for other in found[:i]:
            if one.atom.pos.dist(other.atom.pos) < 1e-6:
                raise InvalidInput("same_atom", f"{atoms[i]} is at the place of {atoms[found.index(other)]}")
    positions = [one.atom.pos for one in found]
    kind = _MEASURED[len(found)]
    value, unit, how = _measure(positions)
    rows = [one.row() for one in found]
    notes = conformer_notes(list({one.residue.where: one.residue for one in found}.values()), altloc)
    letters = {row["altloc"] for row in rows if row["altloc"]}
    if len(letters) > 1:
        notes.append(
            "the atoms are of different alternate locations, which need not be there at the same time"
        )
    if len(read.structure) > 1:
        notes.append(f"the file holds {len(read.structure)} models; measured is model {read.number(model)}")
    conditions = {
        "atoms": ", ".join(f"{row['residue']} {row['atom']}" for row in rows), "model": str(read.number(model)), "numbering": NUMBERING,
    }  # fmt: skip
    quantity = Quantity(
        value=value,
        unit=unit,
        property=kind,
        method=how,
        conditions=conditions,
        decimals=3 if kind == "distance" else 2,
    )
    return ToolResult(
        data={"atoms": rows, "model": read.number(model)},
        quantities={kind: quantity},
        source=source(),
        warnings=tuple(notes),
    )


def _measure(positions: list[gemmi.Position]) -> tuple[float, str, str]:
    import gemmi

    if len(positions) == 2:
        return positions[0].dist(positions[1]), "angstrom", "between the positions of the file"
    if len(positions) == 3:
        return math.degrees(gemmi.calculate_angle(*positions)), "degree", "at the second atom"
    for three in (positions[:3], positions[1:]):
        angle = math.degrees(gemmi.calculate_angle(*three))
        if min(angle, 180 - angle) < 1e-3:
            raise InvalidInput(
                "undefined_angle", "three of the four atoms lie on a line, so the dihedral is not defined"
            )
    return (
        math.degrees(gemmi.calculate_dihedral(*positions)),
        "degree",
        "IUPAC sign, about the bond of the second and third atom",
    )


@tool(
    domain="biology",
    files=STRUCTURES,
    properties={
        "phi": "phi of a residue, phi, phi angle",
        "psi": "psi of a residue, psi, psi angle",
        "omega": "omega of a residue, omega, peptide bond torsion",
        "alpha_percentage": "share of residues in the alpha region, alpha region, helical residues, alpha helix content",
        "beta_percentage": "share of residues in the beta region, beta region, extended residues, beta content",
        "positive_phi_count": "number of non-glycine residues with positive phi, positive phi, left-handed residues",
        "cis_peptide_count": "number of cis peptides, cis peptides, cis prolines, cis bonds",
    },
    examples=(
        "Ramachandran plot of 1ubq.pdb",
        "phi and psi angles of chain A in model.cif",
        "Backbone torsions of residues in protein.pdb",
        "Are there cis peptides in structure.pdb?",
        "Which residues of refined.cif have positive phi?",
        "phi/psi table for chain B of complex.pdb",
        "what share of sample:hemoglobin is in the alpha region of the Ramachandran plot?",
        "omega angles of peptide.pdb",
    ),
    example={"file": "sample:hemoglobin", "chain": "A"},
    extra="bio",
    timeout=180,
)
def compute_backbone_torsions(
    file: DataFile,
    context: ToolContext,
    chain: Annotated[str | None, ReadBy(first_chain)] = None,
    residue: str | None = None,
    model: Annotated[int | None, Unit("", "model"), Field(ge=0)] = None,
    altloc: Annotated[str | None, Field(pattern=r"^\w$")] = None,
) -> ToolResult:
    """Compute phi, psi and omega of each residue of a protein, with a coarse Ramachandran class, cis peptides, and the plot.

    phi is C(i-1)-N-CA-C, psi N-CA-C-N(i+1), omega CA(i-1)-C(i-1)-N-CA: omega belongs to the bond before the residue. Residues whose C and N are
    more than 2.0 Å apart are not bonded, and an angle across such a gap is not given. Classes are coarse regions (their bounds stand in the
    data), not a validation: outliers are told by the distributions of each residue type, as in MolProbity. A peptide is cis where |omega| < 30
    degrees. Numbers are the author's, with insertion codes; the conformer is that of the highest mean occupancy.

    Raises InvalidInput: `bad_file`, `bad_residue` and what reading raises; NotFound: `unknown_model`, `unknown_chain`, `no_polymer`,
    `unknown_residue`.

    Args:
        file: A .pdb, .ent or .cif file, or one of them as .gz.
        chain: The author's name of one chain; by default all.
        residue: One residue whose angles are wanted as CHAIN/NUMBER: A/45 or A/52A.
        model: The model's number in the file; by default the first.
        altloc: The alternate location to take where a residue has it.
    """
    read = read_structure_file(file)
    residues = [
        r
        for r in polymers(conformer(read, model, altloc), chain, "protein")
        if {"N", "CA", "C"} <= r.atoms.keys()
    ]
    if not residues:
        raise NotFound(
            "no_polymer",
            "there is no protein with N, CA and C atoms here",
            hint="a CA trace has no phi and psi",
        )
    rows = _torsions(residues)
    chosen = [row for row in rows if residue is None or row["residue"] == residue.strip()]
    if not chosen:
        raise NotFound(
            "unknown_residue", f"there is no protein residue {residue!r}", hint=f"write it as {rows[0]['residue']}",
        )  # fmt: skip
    classes = Counter(row["region"] for row in rows if row["region"])
    placed = sum(classes.values())
    cis = [row for row in rows if row["omega"] is not None and abs(row["omega"]) < 30]
    positive = [row for row in rows if row["phi"] is not None and row["phi"] > 0 and row["name"] != "GLY"]
    about = {"chain": chain or "all", "model": str(read.number(model))}
    quantities = {
        "cis_peptide_count": Quantity(value=len(cis), property="cis_peptide_count", method="|omega| < 30 degrees", conditions=about),
        "positive_phi_count": Quantity(value=len(positive), property="positive_phi_count", method="phi > 0, glycine left out", conditions=about),
    }  # fmt: skip
    if placed:
        for region in ("alpha", "beta"):
            quantities[f"{region}_percentage"] = Quantity(
                value=100 * classes[region] / placed, unit="percent", property=f"{region}_percentage",
                method=f"of {placed} residues with phi and psi; {_REGIONS[region]}", conditions=about,
            )  # fmt: skip
    if residue is not None:
        for name in ("phi", "psi", "omega"):
            if chosen[0][name] is not None:
                quantities[name] = Quantity(
                    value=chosen[0][name], unit="degree", property=name, method="IUPAC sign",
                    conditions={"residue": f"{chosen[0]['name']} {chosen[0]['residue']}", "model": str(read.number(model))}, decimals=2,
                )  # fmt: skip
    notes = conformer_notes(residues, altloc)
    if len(read.structure) > 1:
        notes.append(
            f"the file holds {len(read.structure)} models; these are angles of model {read.number(model)}"
        )
    if len(rows) > SHOWN and residue is None:
        notes.append(f"the first {SHOWN} of {len(rows)} residues are listed; torsions.csv holds all")
    artifacts = [context.save("torsions.csv", "text/csv", _table(rows))]
    if placed:
        artifacts += _plot(context, rows, file.name)
    data = {
        "residues": chosen[:SHOWN], "regions": _REGIONS, "region_counts": dict(classes),
        "cis_peptides": [row["residue"] for row in cis], "positive_phi": [row["residue"] for row in positive][:SHOWN],
    }  # fmt: skip
    return ToolResult(
        data=data, quantities=quantities, source=source(), warnings=tuple(notes), artifacts=tuple(artifacts)
    )


def _torsions(residues: list[Residue]) -> list[dict[str, Any]]:
    rows = []
    for place, here in enumerate(residues):
        before = residues[place - 1] if place and _bonded(residues[place - 1], here) else None
        after = (
            residues[place + 1] if place + 1 < len(residues) and _bonded(here, residues[place + 1]) else None
        )
        n, ca, c = (here.atoms[name] for name in ("N", "CA", "C"))
        phi = _dihedral(before.atoms["C"], n, ca, c) if before else None
        psi = _dihedral(n, ca, c, after.atoms["N"]) if after else None
        omega = _dihedral(before.atoms["CA"], before.atoms["C"], n, ca) if before else None
        rows.append(
            {
                "residue": here.where, "name": here.name, "label_number": here.label_number, "phi": phi, "psi": psi, "omega": omega,
                "region": None if phi is None or psi is None else ramachandran_region(phi, psi),
            }
        )  # fmt: skip
    return rows


def _bonded(before: Residue, after: Residue) -> bool:
    return before.chain == after.chain and before.atoms["C"].pos.dist(after.atoms["N"].pos) <= BOND


def _dihedral(*atoms: gemmi.Atom) -> float:
    import gemmi

    return round(math.degrees(gemmi.calculate_dihedral(*(a.pos for a in atoms))), 3)


def ramachandran_region(phi: float, psi: float) -> str:
    """Return the coarse region of a pair of angles in degrees: alpha, beta, left or other. The bounds of the alpha region are those
    of Best, Buchete and Hummer 2008, Biophys J 95:L07; the others tile around it."""
    if -160 <= phi < -20 and -120 <= psi < 50:
        return "alpha"
    if (phi < -20 or phi >= 160) and (psi >= 50 or psi < -120):
        return "beta"
    if 20 <= phi < 125 and -60 <= psi < 100:
        return "left"
    return "other"


def _table(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _plot(context: ToolContext, rows: list[dict[str, Any]], name: str) -> list[Any]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["region"]:
            kind = row["name"] if row["name"] in ("GLY", "PRO") else "others"
            groups.setdefault({"GLY": "glycine", "PRO": "proline"}.get(kind, kind), []).append(row)
    series = [
        Series(label=kind, x=[r["phi"] for r in group], y=[r["psi"] for r in group], style="points")
        for kind, group in sorted(groups.items())
    ]
    panel = Panel(x_label="phi", y_label="psi", x_unit="degree", y_unit="degree", series=series)
    return list(save_plot(context, f"Ramachandran plot of {name}", [panel], name="ramachandran"))
