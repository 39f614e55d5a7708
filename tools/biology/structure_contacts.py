"""Contacts in a structure: which residues lie within a distance of a ligand, a residue or a chain."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from pydantic import Field

from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy, Said, Unit
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.biology.structure_files import (
    Residue,
    conformer,
    conformer_notes,
    read_structure_file,
    source,
)
from benchmate.tools.biology.structure_questions import first_part, second_part
from benchmate.tools.file_kinds import STRUCTURES
from benchmate.tools.files import DataFile

SHOWN = 300
MOST_CONTACTS = 300_000
POLAR = frozenset({"N", "O", "S", "Se", "F"})


class _Contact(NamedTuple):
    distance: float
    first: tuple[Residue, str]
    second: tuple[Residue, str]


@tool(
    domain="biology",
    files=STRUCTURES,
    properties={
        "contact_count": "number of atomic contacts, atomic contacts, contacts, how many contacts",
        "contact_residue_count": "number of residues in contact, residues in contact, contacting residues, binding site residues, interface residues, which residues, residues within",
        "shortest_contact": "shortest contact, closest approach, shortest distance, closest contact",
    },
    examples=(
        "Which residues are within 4 Å of HEM in 4hhb.pdb?",
        "Contacts between chains A and B of complex.cif",
        "Binding site residues around the ligand STI in 1iep.pdb",
        "Interface residues of chain H with chain L in fab.pdb, cutoff 5 angstrom",
        "What does the ligand ATP touch in kinase.cif?",
        "contacts of A/142 in sample:hemoglobin",
        "closest approach of chains A and D in sample:hemoglobin",
        "residues in contact with the inhibitor MK1 in protease.pdb",
    ),
    example={"file": "sample:hemoglobin", "of": "A/142", "cutoff": 4.0},
    extra="bio",
    timeout=180,
)
def find_contacts(
    file: DataFile,
    of: Annotated[str, ReadBy(first_part)],
    between: Annotated[str | None, ReadBy(second_part)] = None,
    cutoff: Annotated[
        float, Unit("angstrom", "cutoff, within, distance, closer than"), Field(gt=0, le=20)
    ] = 4.0,
    waters: Annotated[bool, Said({"true": "with waters, including waters, and waters"})] = False,
    model: Annotated[int | None, Unit("", "model"), Field(ge=0)] = None,
) -> ToolResult:
    """Find the residues that come within a distance of a ligand, a residue or a chain, or of one part to another, with the shortest distances.

    A part is a chain (A), a residue (A/142, A/52A; author numbering) or the name of a ligand (HEM: every copy). Only atoms other than hydrogen
    count. Without a second part the contacts are with all other residues of the model; water is left out unless asked for. Two chains are
    their polymers alone. Bonded neighbours of a residue within a chain count, as they are within reach. Distances are to 0.01 Å those of the
    file; copies by crystal symmetry are not made, and the conformer is that of the highest mean occupancy. N, O, S, Se or F of both parts
    within 3.5 Å are marked polar: a hydrogen bond is possible there, no more.

    Raises InvalidInput: `bad_file`, `ambiguous_part`, `same_part`, `too_large` and what reading raises; NotFound: `unknown_model`, `unknown_part`.

    Args:
        file: A .pdb, .ent or .cif file, or one of them as .gz.
        of: The chain, residue or ligand whose contacts are wanted.
        between: The other chain, residue or ligand; by default everything else.
        cutoff: The longest distance of two atoms.
        waters: Whether waters count.
        model: The model's number in the file; by default the first.
    """
    read = read_structure_file(file)
    residues = conformer(read, model)
    first = _part(residues, of)
    second = _part(residues, between) if between is not None else _rest(residues, first, waters)
    if between is not None and {id(r) for r in first} & {id(r) for r in second}:
        raise InvalidInput(
            "same_part", f"{of} and {between} share residues", hint="give two parts that do not overlap"
        )
    contacts = _contacts(first, second, cutoff)
    about = {
        "of": of,
        "with": between or "everything else" + ("" if waters else " but water"),
        "cutoff": f"{cutoff:g} Å",
        "model": str(read.number(model)),
    }
    rows = _rows(contacts)
    partners = list(dict.fromkeys((c.second[0].where, c.second[0].name) for c in contacts))
    quantities = {
        "contact_count": Quantity(value=len(contacts), property="contact_count", method="pairs of atoms other than hydrogen", conditions=about),
        "contact_residue_count": Quantity(value=len(partners), property="contact_residue_count", method=f"residues of the {'second part' if between else 'rest'}", conditions=about),
    }  # fmt: skip
    if contacts:
        nearest = contacts[0]
        quantities["shortest_contact"] = Quantity(
            value=nearest.distance, unit="angstrom", property="shortest_contact", method="between the positions of the file",
            conditions=about | {"atoms": f"{_atom(nearest.first)}, {_atom(nearest.second)}"}, decimals=2,
        )  # fmt: skip
    notes = conformer_notes(
        list({id(r): r for c in contacts for r in (c.first[0], c.second[0])}.values()), None
    )
    if not contacts:
        notes.append(f"no atoms come within {cutoff:g} Å; a longer cutoff may find some")
    if len(first) > 1 and all(r.kind in ("ligand", "sugar") for r in first):
        notes.append(
            f"{of} occurs {len(first)} times ({', '.join(r.where for r in first[:8])}): contacts are of all; name one as {first[0].where}"
        )
    if any(len(g.operators) > 1 for assembly in read.structure.assemblies for g in assembly.generators):
        notes.append(
            "the biological assembly has copies by symmetry that the file does not hold: contacts with them are not found"
        )
    if len(rows) > SHOWN:
        notes.append(f"the {SHOWN} closest of {len(rows)} pairs of residues are listed")
    data = {
        "pairs": rows[:SHOWN], "residues_of_first": list(dict.fromkeys(c.first[0].where for c in contacts))[:SHOWN],
        "residues_of_second": [f"{where} {name}" for where, name in partners][:SHOWN],
    }  # fmt: skip
    return ToolResult(data=data, quantities=quantities, source=source(), warnings=tuple(notes))


def _part(residues: list[Residue], written: str) -> list[Residue]:
    """Return the residues of a part: a chain's polymer, a residue by number, or ligands by name. Raises NotFound, InvalidInput."""
    name = written.strip().removeprefix("chain ").strip()
    chains = [r for r in residues if r.chain == name and r.kind == "polymer"]
    ligands = [r for r in residues if r.name == name.upper() and (r.kind != "polymer")]
    if chains and ligands and len(name) > 1:
        raise InvalidInput(
            "ambiguous_part",
            f"{name} is a chain and a ligand",
            hint=f"write the ligand as {ligands[0].where}",
        )
    places = [r for r in residues if name in (r.where, f"{r.where}({r.name})")]
    found = chains or places or ligands
    if not found:
        named = dict.fromkeys(r.name for r in residues if r.kind in ("ligand", "sugar"))
        known = dict.fromkeys(r.chain for r in residues)
        raise NotFound(
            "unknown_part", f"there is no chain, residue or ligand {written!r}",
            hint=did_you_mean(name, [r.where for r in residues]) if "/" in name else f"chains {', '.join(known)}; ligands {', '.join(named) or 'none'}",
        )  # fmt: skip
    if len(places) > 1 and found is places and len({r.name for r in places}) > 1:
        raise InvalidInput(
            "ambiguous_part", f"{name} stands for {' and '.join(r.name for r in places)}",
            hint=f"write {places[0].where}({places[0].name})",
        )  # fmt: skip
    return found


def _rest(residues: list[Residue], first: list[Residue], waters: bool) -> list[Residue]:
    own = {id(r) for r in first}
    return [r for r in residues if id(r) not in own and (waters or r.kind != "water")]


def _contacts(first: list[Residue], second: list[Residue], cutoff: float) -> list[_Contact]:
    """Return the pairs of heavy atoms within the cutoff, the closest first."""
    import numpy as np
    from Bio.PDB.kdtrees import KDTree  # type: ignore[import-not-found]

    one, two = ([(r, n) for r in part for n in r.heavy] for part in (first, second))
    if not one or not two:
        return []
    a, b = (np.array([r.atoms[n].pos.tolist() for r, n in side], dtype=np.float64) for side in (one, two))
    tree = KDTree(b, 10)
    found = list[_Contact]()
    for i, place in enumerate(a):
        found += [
            _Contact(float(np.linalg.norm(place - b[h.index])), one[i], two[h.index])
            for h in tree.search(place, cutoff)
        ]
        if len(found) > MOST_CONTACTS:
            raise InvalidInput(
                "too_large",
                f"there are more than {MOST_CONTACTS} contacts",
                hint="a shorter cutoff, or smaller parts",
            )
    return sorted(found, key=lambda c: c.distance)


def _rows(contacts: list[_Contact]) -> list[dict[str, Any]]:
    """Return one row for each pair of residues, the closest first."""
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for contact in contacts:
        (one, a), (two, b) = contact.first, contact.second
        row = rows.setdefault(
            (id(one), id(two)),
            {
                "first": f"{one.where} {one.name}", "second": f"{two.where} {two.name}", "shortest": round(contact.distance, 2), "atoms": f"{a}, {b}",
                "contacts": 0, "polar": [],
            },
        )  # fmt: skip
        row["contacts"] += 1
        if contact.distance <= 3.5 and {one.atoms[a].element.name, two.atoms[b].element.name} <= POLAR:
            row["polar"].append(f"{a}, {b} {contact.distance:.2f}")
    return list(rows.values())


def _atom(place: tuple[Residue, str]) -> str:
    return f"{place[0].name} {place[0].where}/{place[1]}"
