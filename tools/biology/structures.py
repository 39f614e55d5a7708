"""What a structure file of a macromolecule holds: chains, sequences, ligands, what is missing, and how sure it is."""

from __future__ import annotations

from collections import Counter
from typing import Any

from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.biology.structure_confidence import BColumn, b_column
from benchmate.tools.biology.structure_files import (
    NAMELESS,
    NUMBERING,
    Residue,
    StructureFile,
    conformer,
    conformer_notes,
    read_structure_file,
    source,
)
from benchmate.tools.biology.structure_sequences import PolymerChain, polymer_chains
from benchmate.tools.file_kinds import STRUCTURES
from benchmate.tools.files import DataFile

SHOWN = 200
SHOWN_CHAINS = 60  # whose quantities are given one by one


@tool(
    domain="biology",
    files=STRUCTURES,
    properties={
        "resolution": "resolution of the structure, resolution",
        "model_count": "number of models, how many models, NMR models, conformers in the ensemble",
        "chain_count": "number of chains, how many chains, polymer chains, subunits",
        "residue_count": "number of modelled residues, how many residues, modelled residues, chain length",
        "atom_count": "number of atoms in the file, atoms, how many atoms",
        "missing_residue_count": "number of missing residues, missing residues, residues are missing, is missing, unmodelled residues, disordered residues, gaps",
        "ligand_count": "number of ligands, ligands, how many ligands, heteroatoms, cofactors, bound ligands",
        "water_count": "number of waters, waters, water molecules, how many waters",
        "mean_b_factor": "mean B factor, B factor, B factors, temperature factor, average B",
        "mean_plddt": "mean pLDDT, pLDDT, AlphaFold confidence, model confidence",
        "plddt_above_70": "share of residues with pLDDT over 70, pLDDT over 70, pLDDT above 70, confident residues",
        "plddt_above_90": "share of residues with pLDDT over 90, pLDDT over 90, pLDDT above 90, very confident residues",
    },
    examples=(
        "What is in 4hhb.pdb?",
        "How many chains and ligands does 1abc.cif have?",
        "Resolution and method of the structure in entry.cif",
        "Which residues are missing in model.pdb?",
        "Mean pLDDT of AF-P69905-F1-model_v4.cif",
        "Sequence of each chain in complex.pdb",
        "Summarize the structure sample:hemoglobin",
        "Mean B factor per chain of refined.pdb",
    ),
    example={"file": "sample:hemoglobin"},
    extra="bio",
    timeout=180,
)
def parse_structure(file: DataFile) -> ToolResult:
    """Read a PDB or mmCIF file: method, resolution, models, chains with sequences, ligands, waters, missing residues, assemblies, B or pLDDT.

    Author numbering (what papers and viewers use) and label numbering (mmCIF; of a PDB file by aligning SEQRES with what is modelled) are
    both given. A residue is missing where the sequence of the polymer has it and the first model does not. Counts are of the first model, one
    conformer a residue. In a predicted model the B column holds pLDDT, from 0 to 100, higher being surer: it is then reported as such (mean
    over residues), and not as B factors. Assemblies are listed, not built: coordinates are those of the file.

    Raises InvalidInput: `bad_file`, `empty_file`, `too_large`, `no_atoms`, `bad_coordinates`.

    Args:
        file: A .pdb, .ent or .cif file, or one of them as .gz.
    """
    read = read_structure_file(file)
    first = read.structure[0].num
    residues = conformer(read, first)
    chains = polymer_chains(read, residues)
    column = b_column(read, residues)
    notes = _notes(read, residues, chains, column)
    waters = [r for r in residues if r.kind == "water"]
    others = [r for r in residues if r.kind in ("ligand", "sugar")]
    info = dict(read.structure.info)
    data: dict[str, Any] = {
        "entry": info.get("_entry.id", read.structure.name),
        "title": info.get("_struct.title"),
        "format": read.format,
        "method": info.get("_exptl.method"),
        "deposited": info.get("_pdbx_database_status.recvd_initial_deposition_date"),
        "space_group": read.structure.spacegroup_hm or None,
        "numbering": f"`author`: {NUMBERING}; `label`: label_asym_id and label_seq_id of mmCIF"
        + ("" if read.format == "mmCIF" else ", here derived by aligning SEQRES with the model"),
        "b_column": {"holds": column.holds, "told_by": column.told_by},
        "chains": [chain.row() for chain in chains[:SHOWN]],
        "ligands": _ligands(others),
        "assemblies": _assemblies(read),
        "alternate_locations": [f"{r.where} {'/'.join(r.altlocs)}" for r in residues if r.altlocs][:SHOWN],
        "insertion_codes": [r.where for r in residues if r.insertion][:SHOWN],
    }
    quantities = _counts(read, residues, chains, len(others), len(waters))
    quantities |= _confidence(chains, column)
    if column.holds == "plddt" and (stated := _stated_plddt(read)) is not None:
        data["stated_global_plddt"] = stated
    return ToolResult(data=data, quantities=quantities, source=source(), warnings=tuple(notes))


def _counts(
    read: StructureFile, residues: list[Residue], chains: list[PolymerChain], ligands: int, waters: int
) -> dict[str, Quantity]:
    def counted(value: float, name: str, how: str, **conditions: str) -> Quantity:
        return Quantity(value=value, property=name, method=how, conditions=conditions or None)

    result: dict[str, Quantity] = {}
    if read.structure.resolution > 0:
        result["resolution"] = Quantity(
            value=read.structure.resolution, unit="angstrom", property="resolution", method="as the file states it"
        )  # fmt: skip
    result |= {
        "model_count": counted(len(read.structure), "model_count", "models of the file"),
        "chain_count": counted(len(chains), "chain_count", "polymer chains of the asymmetric unit, by the author's name"),
        "residue_count": counted(
            sum(len(c.residues) for c in chains), "residue_count", "polymer residues with atoms in the first model"
        ),
        "atom_count": counted(
            sum(len(r.atoms) for r in residues), "atom_count", "first model, one conformer a residue, hydrogens included"
        ),
        "ligand_count": counted(ligands, "ligand_count", "molecules and ions that are neither polymer nor water"),
        "water_count": counted(waters, "water_count", "water molecules"),
    }  # fmt: skip
    if all(c.missing is not None for c in chains) and chains:
        how = "of the polymer's sequence, without atoms in the first model"
        result["missing_residue_count"] = counted(
            sum(len(c.missing or ()) for c in chains), "missing_residue_count", how
        )
    for chain in chains[:SHOWN_CHAINS] if len(chains) > 1 else ():
        result[f"chain_{chain.name}_residue_count"] = counted(
            len(chain.residues), "residue_count", "polymer residues with atoms", chain=chain.name
        )
    return result


def _confidence(chains: list[PolymerChain], column: BColumn) -> dict[str, Quantity]:
    result: dict[str, Quantity] = {}
    groups: list[tuple[str | None, list[Residue]]] = [(None, [r for c in chains for r in c.residues])]
    groups += [(c.name, c.residues) for c in chains[:SHOWN_CHAINS]] if len(chains) > 1 else []
    if column.holds == "b_factor":
        for name, group in groups:
            values = [a.b_iso for r in group for a in r.atoms.values()]
            if values:
                result["mean_b_factor" if name is None else f"chain_{name}_mean_b_factor"] = Quantity(
                    value=sum(values) / len(values), unit="angstrom**2", property="mean_b_factor", method="mean over the atoms of polymers",
                    conditions={"chain": name} if name else None,
                )  # fmt: skip
        return result
    if column.holds == "unknown":
        return result
    for name, group in groups:
        scores = [column.factor * sum(a.b_iso for a in r.atoms.values()) / len(r.atoms) for r in group]
        about = {"chain": name} if name else None
        before = f"chain_{name}_" if name else ""
        if not scores:
            continue
        result[f"{before}mean_plddt"] = Quantity(
            value=sum(scores) / len(scores), property="mean_plddt", method="mean over polymer residues, on the scale of 0 to 100", conditions=about,
        )  # fmt: skip
        for limit in (70, 90):
            result[f"{before}plddt_above_{limit}"] = Quantity(
                value=100 * sum(s > limit for s in scores) / len(scores), unit="percent", property=f"plddt_above_{limit}",
                method=f"polymer residues with pLDDT > {limit}", conditions=about,
            )  # fmt: skip
    return result


def _stated_plddt(read: StructureFile) -> float | None:
    """Return the pLDDT of the whole model that ModelCIF states; it can differ a little from the mean over residues."""
    if read.block is None:
        return None
    ids = {
        row[0] for row in read.block.find("_ma_qa_metric.", ["id", "mode", "name"]) if row[1] == "global" and "plddt" in row[2].lower()
    }  # fmt: skip
    for row in read.block.find("_ma_qa_metric_global.", ["metric_id", "metric_value"]):
        if row[0] in ids:
            return float(row[1])
    return None


def _ligands(others: list[Residue]) -> list[dict[str, Any]]:
    by_name: dict[str, list[Residue]] = {}
    for residue in others:
        by_name.setdefault(residue.name, []).append(residue)
    return [
        {
            "name": name, "kind": "sugar" if found[0].kind == "sugar" else "ion or single atom" if len(found[0].atoms) == 1 else "ligand",
            "count": len(found), "heavy_atoms": len(found[0].heavy), "author": [r.where for r in found[:SHOWN]],
            "label_chains": [r.label_chain for r in found[:SHOWN]],
        }
        for name, found in sorted(by_name.items())
    ]  # fmt: skip


def _assemblies(read: StructureFile) -> list[dict[str, Any]]:
    owner = {s.subchain_id(): chain.name for chain in read.structure[0] for s in chain.subchains()}
    rows = []
    for assembly in read.structure.assemblies:
        chains, operators = list[str](), 0
        copies: Counter[str] = Counter()
        for generator in assembly.generators:
            named = list(generator.chains) or list(
                dict.fromkeys(owner[s] for s in generator.subchains if s in owner)
            )
            operators = max(operators, len(generator.operators))
            chains += [name for name in named if name not in chains]
            for name in named:
                copies[name] = max(copies[name], len(generator.operators))
        told = [
            w
            for w, yes in (("author", assembly.author_determined), ("software", assembly.software_determined))
            if yes
        ]
        rows.append(
            {
                "name": assembly.name, "oligomeric_state": assembly.oligomeric_details.lower() or None,
                "determined_by": told, "chains": chains, "copies_of_each_chain": dict(copies), "operators": operators,
            }
        )  # fmt: skip
    return rows[:SHOWN]


def _notes(
    read: StructureFile, residues: list[Residue], chains: list[PolymerChain], column: BColumn
) -> list[str]:
    notes = conformer_notes(residues, None)
    if column.note:
        notes.append(column.note)
    if column.holds == "plddt":
        notes.append(
            f"a predicted model ({column.told_by}): the B column is read as pLDDT, and is no B factor"
        )
    if len(read.structure) > 1:
        notes.append(f"the file holds {len(read.structure)} models; counts and sequences are of the first")
    if inserted := [r.where for r in residues if r.insertion]:
        notes.append(
            f"residues with insertion codes: {len(inserted)} ({', '.join(inserted[:5])}{', …' if len(inserted) > 5 else ''}); "
            "their numbers alone do not tell them apart"
        )
    if any(r.chain == NAMELESS for r in residues):
        notes.append(f"a chain without a name is called {NAMELESS}: its atoms are written {NAMELESS}/45/CA")
    without = [c.name for c in chains if c.missing is None]
    if without:
        notes.append(
            f"the file gives no sequence (SEQRES or entity_poly) for {', '.join(without[:10])}: what is missing there is not known, "
            "and sequences are of what is modelled"
        )
    shifted = [c.name for c in chains if c.shifted]
    if shifted:
        notes.append(f"author and label numbers differ in {', '.join(shifted[:10])}: say which one you mean")
    notes += [note for c in chains for note in c.notes]
    larger = [a for a in _assemblies(read) if a["operators"] > 1]
    if larger:
        notes.append(
            f"the biological assembly {larger[0]['name']} ({larger[0]['oligomeric_state'] or 'state not given'}) has copies by symmetry that the file "
            "does not hold"
        )
    return notes
