"""Three-dimensional conformers by distance geometry and a force field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import ToolContext, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.molecules import rdkit_source
from benchmate.tools.chemistry.parsing import quiet_rdkit

if TYPE_CHECKING:
    from rdkit.Chem import Mol

ForceField = Literal["MMFF94", "UFF"]
MAX_HEAVY_ATOMS = 150
MAX_ITERATIONS = 2000
REFERENCE = "ETKDGv3: Wang et al. 2020, doi:10.1021/acs.jcim.0c00025"
METHODS = {"MMFF94": "MMFF94 (Halgren 1996), RDKit", "UFF": "UFF (Rappé 1992), RDKit"}


@tool(
    domain="chemistry",
    cost="slow",
    timeout=120,
    properties={
        "conformer_count": "number of different conformers, how many conformers, how many conformations, number of conformers, "
        "conformer count",
        "lowest_energy": "energy of the most stable conformer, lowest energy, minimum energy",
        "energy_span": "energy range of the conformers, highest above lowest, energy range, energy span, energy spread, energy gap, "
        "energy difference, energy differences",
        "relative_energy": "conformer energy relative to the most stable one, relative energy, relative energies, conformer energies",
    },
    examples=(
        "How many conformers does butane have?",
        "What is the energy difference between the conformers of butane?",
        "Generate 20 conformers of ibuprofen",
        "Make a 3D structure of caffeine with UFF",
    ),
    example={"compound": "butane", "count": 20},
)
def generate_conformers(
    compound: Compound,
    context: ToolContext,
    count: Annotated[
        int,
        Field(ge=1, le=200),
        Unit(
            "",
            "conformers, conformations, geometries, rotamers, structures, shapes, starts, starting geometries, count, top",
        ),
    ] = 10,
    force_field: ForceField = "MMFF94",
    seed: Annotated[int, Field(ge=0, le=2**31 - 1), Unit("", "seed, random seed")] = 61453,
    rmsd: Annotated[
        float, Field(gt=0, le=5), Unit("angstrom", "rmsd, RMSD, RMSD threshold, pruned at, closer than")
    ] = 0.25,
) -> ToolResult:
    """Generate 3D conformers (ETKDGv3, then force-field minimization) and rank them by energy, in vacuum.

    A conformer closer than `rmsd` to a more stable one, hydrogens left out, is dropped.

    Args:
        compound: The compound; of several fragments the parent is used.
        count: How many starting geometries to make.
        force_field: The force field that minimizes them.
        seed: The random seed; the same seed gives the same conformers.
        rmsd: Smallest heavy-atom RMSD between two conformers kept, in angstrom.
    """
    from rdkit import Chem

    whole = len(compound.components) == 1
    mol = Chem.AddHs(compound.mol() if whole else compound.parent_mol())
    if mol.GetNumHeavyAtoms() > MAX_HEAVY_ATOMS:
        raise InvalidInput(
            "too_large",
            f"{compound.label!r} has {mol.GetNumHeavyAtoms()} heavy atoms; the limit is {MAX_HEAVY_ATOMS}",
            hint="conformers of larger molecules need molecular dynamics",
        )  # fmt: skip
    _check_parameters(mol, force_field, compound.label)
    _embed(mol, count, seed, compound.label)
    energies, unconverged = _minimize(mol, force_field)
    kept = _distinct(mol, energies, rmsd)
    lowest = energies[kept[0]]
    warnings = list(compound.warnings)
    if not whole:
        warnings.append(f"the conformers are those of the parent {compound.parent_smiles}")
    if unconverged:
        warnings.append(f"{unconverged} of {len(energies)} minimizations stopped before they converged")
    if compound.unspecified_stereo:
        warnings.append(
            "open stereo centres took any configuration: conformers may be different stereoisomers"
        )
    conditions = {
        "force_field": force_field,
        "embedding": "ETKDGv3",
        "seed": str(seed),
        "starting_geometries": str(len(energies)),
        "rmsd_threshold": f"{rmsd:g} angstrom",
        "phase": "vacuum",
    }

    def energy(name: str, value: float) -> Quantity:
        return Quantity(
            value=value, unit="kcal/mol", property=name, method=METHODS[force_field], conditions=conditions
        )

    relative = [energies[i] - lowest for i in kept]
    quantities = {
        "conformer_count": Quantity(
            value=len(kept), property="conformer_count", method=METHODS[force_field], conditions=conditions
        ),
        "lowest_energy": energy("lowest_energy", lowest),
        "energy_span": energy("energy_span", relative[-1]),
    }
    quantities |= {
        f"relative_energy_{n}": energy("relative_energy", value) for n, value in enumerate(relative)
    }
    sdf = _sdf(mol, kept, relative, compound.label, force_field)
    return ToolResult(
        data={"smiles": compound.smiles if whole else compound.parent_smiles, "seed": seed},
        quantities=quantities,
        artifacts=(context.save("conformers.sdf", "chemical/x-mdl-sdfile", sdf.encode()),),
        source=rdkit_source(REFERENCE),
        warnings=tuple(warnings),
    )


def _check_parameters(mol: Mol, force_field: ForceField, label: str) -> None:
    from rdkit.Chem import rdForceFieldHelpers as helpers

    with quiet_rdkit():
        has = helpers.MMFFHasAllMoleculeParams if force_field == "MMFF94" else helpers.UFFHasAllMoleculeParams
        known = has(mol)
    if not known:
        elements = ", ".join(sorted({atom.GetSymbol() for atom in mol.GetAtoms()}))
        raise InvalidInput(
            "no_parameters", f"{force_field} has no parameters for {label!r}, which contains {elements}",
            hint="use force_field='UFF'" if force_field == "MMFF94" else "this needs quantum chemistry",
        )  # fmt: skip


def _embed(mol: Mol, count: int, seed: int, label: str) -> None:
    """Give `mol` up to `count` conformers. Raises InvalidInput (`embedding_failed`)."""
    from rdkit.Chem import rdDistGeom

    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed
    parameters.numThreads = 1
    parameters.maxIterations = 50
    with quiet_rdkit():
        made = list(rdDistGeom.EmbedMultipleConfs(mol, count, parameters))
        if not made:
            parameters.useRandomCoords = True
            made = list(rdDistGeom.EmbedMultipleConfs(mol, count, parameters))
    if not made:
        raise InvalidInput(
            "embedding_failed", f"no 3D geometry could be made for {label!r}",
            hint="check ring strain and stereochemistry: the configuration given may be impossible",
        )  # fmt: skip


def _minimize(mol: Mol, force_field: ForceField) -> tuple[list[float], int]:
    """Minimize every conformer; return their energies in kcal/mol and how many did not converge."""
    from rdkit.Chem import rdForceFieldHelpers as helpers

    with quiet_rdkit():
        if force_field == "MMFF94":
            results = helpers.MMFFOptimizeMoleculeConfs(mol, numThreads=1, maxIters=MAX_ITERATIONS)
        else:
            results = helpers.UFFOptimizeMoleculeConfs(mol, numThreads=1, maxIters=MAX_ITERATIONS)
    return [energy for _, energy in results], sum(state != 0 for state, _ in results)


def _distinct(mol: Mol, energies: list[float], threshold: float) -> list[int]:
    """Return the conformers to keep, most stable first: none within `threshold` angstrom of one before it."""
    from rdkit.Chem import RemoveHs, rdMolAlign

    heavy = RemoveHs(mol)
    ids = [conformer.GetId() for conformer in mol.GetConformers()]
    kept: list[int] = []
    for i in sorted(range(len(ids)), key=lambda i: energies[i]):
        if all(rdMolAlign.GetBestRMS(heavy, heavy, ids[i], ids[k]) >= threshold for k in kept):
            kept.append(i)
    return kept


def _sdf(mol: Mol, kept: list[int], relative: list[float], label: str, force_field: ForceField) -> str:
    from rdkit import Chem

    ids = [conformer.GetId() for conformer in mol.GetConformers()]
    text: list[Any] = []
    for number, (i, energy) in enumerate(zip(kept, relative, strict=True)):
        mol.SetProp("_Name", f"{label} conformer {number}")
        text += [Chem.MolToMolBlock(mol, confId=ids[i])]
        text += [f">  <relative_energy_kcal_mol>\n{energy:.4f}\n\n>  <force_field>\n{force_field}\n\n$$$$\n"]
    return "".join(text)
