"""What is in a structure: scaffold, functional groups by name, rings by class, atoms and electrons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.functional_groups import ASKED_FOR, GROUPS, SOURCE, find_groups
from benchmate.tools.chemistry.molecules import rdkit_source

if TYPE_CHECKING:
    from rdkit.Chem import Mol

_ALIPHATIC = "a ring with at least one bond that is not aromatic (RDKit)"
_SATURATED = "a ring of single bonds only (RDKit)"
_AROMATIC = "RDKit aromaticity model"

# property: (function of rdkit.Chem.rdMolDescriptors, what is counted, words)
RINGS: dict[str, tuple[str, str, str]] = {
    "ring_count": ("CalcNumRings", "smallest set of smallest rings: bonds - atoms + fragments", "number of rings, rings, SSSR, ring count, cycles"),
    "aromatic_ring_count": ("CalcNumAromaticRings", _AROMATIC, "aromatic rings, number of aromatic rings"),
    "aliphatic_ring_count": ("CalcNumAliphaticRings", _ALIPHATIC, "aliphatic rings, non-aromatic rings"),
    "saturated_ring_count": ("CalcNumSaturatedRings", _SATURATED, "saturated rings"),
    "heterocycle_count": ("CalcNumHeterocycles", "rings with an atom other than carbon", "heterocycles, heterocyclic rings"),
    "aromatic_carbocycle_count": ("CalcNumAromaticCarbocycles", _AROMATIC, "aromatic carbocycles, benzene rings, benzenoid rings"),
    "aromatic_heterocycle_count": ("CalcNumAromaticHeterocycles", _AROMATIC, "aromatic heterocycles, heteroaromatic rings"),
    "aliphatic_carbocycle_count": ("CalcNumAliphaticCarbocycles", _ALIPHATIC, "aliphatic carbocycles, number of aliphatic carbocycles"),
    "aliphatic_heterocycle_count": ("CalcNumAliphaticHeterocycles", _ALIPHATIC, "aliphatic heterocycles"),
    "saturated_carbocycle_count": ("CalcNumSaturatedCarbocycles", _SATURATED, "saturated carbocycles, cycloalkane rings"),
    "saturated_heterocycle_count": ("CalcNumSaturatedHeterocycles", _SATURATED, "saturated heterocycles"),
    "spiro_atom_count": ("CalcNumSpiroAtoms", "atoms shared by two rings that share nothing else", "spiro atoms, spiro centres"),
    "bridgehead_atom_count": ("CalcNumBridgeheadAtoms", "atoms shared by rings that share two or more bonds", "bridgehead atoms, bridgeheads"),
}  # fmt: skip


@tool(
    domain="chemistry",
    properties={
        "scaffold": "Bemis-Murcko scaffold, Murcko scaffold, scaffold, molecular framework",
        "generic_scaffold": "generic scaffold, generic framework, cyclic skeleton",
        "groups": "functional groups, which functional groups",
        "amide_bond_count": "number of amide bonds, amide bonds, amide bond count",
        **{name: words for name, (_, _, words) in RINGS.items()},
        **{f"{name}_count": f"number of {group.words}" for name, group in GROUPS.items()},
        "heavy_atom_count": "number of heavy atoms, heavy atoms, non-hydrogen atoms",
        "atom_count": "number of atoms, atoms with hydrogens",
        "heteroatom_count": "number of heteroatoms, heteroatoms",
        "electron_count": "number of electrons, electrons, total electron count",
        "stereocentre_count": "number of stereocentres, stereocentres, chiral centres",
    },
    examples=(
        "What is the Bemis-Murcko scaffold of lidocaine?",
        "How many amide bonds are in CC(=O)NCCC(=O)O?",
        "Number of aliphatic carbocycles in CC(C)C1=CC=C(C=C1)C(C)C(=O)O",
        "Which functional groups does aspirin have?",
        "How many rings and spiro atoms does griseofulvin contain?",
        "Count the alcohols and phenols in morphine",
        "Is there an ester or a lactone in coumarin?",
    ),
    example={"compound": "lidocaine"},
)
def analyze_structure(compound: Compound) -> ToolResult:
    """Take a structure apart: Bemis-Murcko scaffold, functional groups by name, rings by class, atoms and electrons.

    A carbon or oxygen belongs to the group that names it best: an ester is no ether, a carboxylic acid no alcohol. An
    acetal is also two ethers and a lactone also an ester. Amide bonds are counted as RDKit does, those of ureas and
    carbamates included; the amide count leaves these out.

    Args:
        compound: The compound.
    """
    from rdkit.Chem import rdMolDescriptors as rd

    mol = compound.mol()
    groups = find_groups(mol)
    counts = {name: (int(getattr(rd, function)(mol)), how) for name, (function, how, _) in RINGS.items()}
    counts["ring_count"] = (  # RDKit's own count adds rings that are equal by symmetry
        mol.GetNumBonds() - mol.GetNumAtoms() + len(compound.components),
        RINGS["ring_count"][1],
    )
    counts["amide_bond_count"] = (
        rd.CalcNumAmideBonds(mol),
        "C(=O)-N bonds, outside aromatic rings, ureas and carbamates included (RDKit)",
    )
    for name, group in GROUPS.items():
        if name in groups or name in ASKED_FOR:
            counts[f"{name}_count"] = (len(groups.get(name, [])), f"SMARTS {group.smarts}")
    hydrogens = sum(atom.GetTotalNumHs() for atom in mol.GetAtoms())
    electrons = sum(a.GetAtomicNum() + a.GetTotalNumHs() for a in mol.GetAtoms()) - compound.charge
    counts |= {
        "heavy_atom_count": (mol.GetNumHeavyAtoms(), "atoms other than hydrogen"),
        "atom_count": (mol.GetNumAtoms() + hydrogens, "all atoms, hydrogens included"),
        "heteroatom_count": (rd.CalcNumHeteroatoms(mol), "atoms other than carbon and hydrogen"),
        "electron_count": (electrons, "sum of atomic numbers less the charge"),
        "stereocentre_count": (_stereocentres(mol), "tetrahedral centres, given or open"),
    }
    scaffold, generic = _scaffolds(mol)
    warnings = list(compound.warnings)
    if len(compound.components) > 1:
        warnings.append(f"counts are for all {len(compound.components)} fragments together")
    sizes = sorted(len(ring) for ring in mol.GetRingInfo().AtomRings())
    if len(sizes) > counts["ring_count"][0]:
        warnings.append(
            f"the smallest set of rings has {counts['ring_count'][0]}; by symmetry there are {len(sizes)} equal ones"
        )
    if not scaffold:
        warnings.append("there is no scaffold: the structure has no ring")
    return ToolResult(
        quantities={
            name: Quantity(value=value, property=name, method=how) for name, (value, how) in counts.items()
        },
        data={
            "smiles": compound.smiles,
            "formula": compound.formula,
            "scaffold": scaffold,
            "generic_scaffold": generic,
            "groups": {name.replace("_", " "): atoms for name, atoms in groups.items()},
            "ring_sizes": sizes,
            "group_atoms": "numbered from 0 in smiles",
        },
        source=rdkit_source(f"Bemis and Murcko 1996, doi:10.1021/jm9602928; {SOURCE}"),
        warnings=tuple(warnings),
    )


def _scaffolds(mol: Mol) -> tuple[str, str]:
    """Return the Bemis-Murcko scaffold and its generic framework (all carbon, single bonds, no exocyclic atoms)."""
    from rdkit import Chem
    from rdkit.Chem.Scaffolds import MurckoScaffold

    flat = Chem.Mol(mol)
    Chem.RemoveStereochemistry(flat)
    core: Any = MurckoScaffold.GetScaffoldForMol(flat)
    if core is None or not core.GetNumAtoms():
        return "", ""
    bare = Chem.RWMol(core)
    for bond in bare.GetBonds():  # a framework has no valence to keep: halve what RDKit could refuse
        bond.SetBondType(Chem.BondType.SINGLE)
        bond.SetIsAromatic(False)
    for atom in bare.GetAtoms():
        atom.SetAtomicNum(6)
        atom.SetFormalCharge(0)
        atom.SetIsAromatic(False)
        atom.SetNoImplicit(False)
        atom.SetNumExplicitHs(0)
        atom.SetNumRadicalElectrons(0)
        atom.SetIsotope(0)
    generic = bare.GetMol()
    if Chem.SanitizeMol(generic, catchErrors=True):  # a hypervalent atom makes no carbon
        return Chem.MolToSmiles(core), ""
    return Chem.MolToSmiles(core), Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(generic))


def _stereocentres(mol: Mol) -> int:
    from rdkit import Chem

    return sum(i.type == Chem.StereoType.Atom_Tetrahedral for i in Chem.FindPotentialStereo(mol))
