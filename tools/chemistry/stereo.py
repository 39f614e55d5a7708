"""Stereochemistry: which stereoisomers there are, and the CIP descriptors of centres and double bonds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.molecules import rdkit_source
from benchmate.tools.chemistry.parsing import quiet_rdkit

if TYPE_CHECKING:
    from rdkit.Chem import Mol

CIP = "Hanson et al. 2018, doi:10.1021/acs.jcim.8b00324 (the new CIP code of RDKit)"
_MOST_ELEMENTS = 12  # 4096 combinations
_SHOWN = 256
_TRIED = 128  # isomers whose geometry is tried


@tool(
    domain="chemistry",
    properties={
        "stereoisomer_count": "number of stereoisomers, stereoisomers, stereo isomers, how many isomers, optical isomers",
        "meso_count": "number of meso forms, meso forms, meso",
        "enantiomer_pair_count": "number of enantiomer pairs, pairs of enantiomers, enantiomers, racemates",
        "stereo_element_count": "number of stereo centres and double bonds, stereocentres, stereogenic elements",
        "open_stereo_count": "stereo elements left open, unspecified stereocentres, undefined stereocentres",
        "consistent_count": "stereoisomers that fit the structure as given, possible stereoisomers as drawn",
    },
    examples=(
        "How many stereoisomers does tartaric acid have?",
        "Enumerate the stereoisomers of CC(Cl)C(C)Cl",
        "Which stereoisomers of 1,2-dimethylcyclohexane are meso?",
        "List all R/S forms of CC(O)C(N)C(=O)O",
        "How many stereoisomers does menthol have, and how many enantiomer pairs?",
        "cis and trans isomers of CC=CC",
    ),
    example={"compound": "tartaric acid"},
)
def enumerate_stereo(
    compound: Compound,
    centres: Annotated[
        Literal["all", "open"],
        Said(
            {
                "all": "every stereocentre, every stereocenter, also the defined, even the defined",
                "open": "undefined, unspecified, unassigned, open centres",
            }
        ),
    ] = "all",
    limit: Annotated[int, Unit("", "limit, at most, maximum"), Field(ge=1, le=4096)] = 256,
) -> ToolResult:
    """List the stereoisomers of a compound, each once, with CIP descriptors, meso forms and pairs of enantiomers.

    Stereoisomers are told apart by canonical SMILES, so a meso form counts once. In bridged ring systems those that
    no geometry can have are left out. A meso form is an achiral member of a set that has chiral members (IUPAC,
    doi:10.1351/goldbook.M03839). Stereo axes (allenes, atropisomers) are not enumerated.

    Args:
        compound: The compound.
        centres: `all` also varies the configurations that are given; `open` only those left open.
        limit: The most stereoisomers to compute.
    """
    mol = compound.mol()
    elements = _stereo_elements(mol)
    varied = elements if centres == "all" else [e for e in elements if not e["specified"]]
    if len(varied) > _MOST_ELEMENTS:
        raise InvalidInput(
            "too_many_stereoisomers",
            f"{compound.label!r} has {len(varied)} stereo centres and double bonds to vary: up to {2 ** len(varied)} forms",
            hint=f"give configurations so that at most {_MOST_ELEMENTS} are open, with centres='open'",
            details={"elements": len(varied)},
        )
    found = _isomers(mol, only_open=centres == "open")
    found, impossible = _possible(found)
    if len(found) > limit:
        raise InvalidInput(
            "too_many_stereoisomers", f"there are {len(found)} stereoisomers, more than the limit of {limit}",
            hint="raise limit, or use centres='open'",
        )  # fmt: skip
    isomers = _described(found, compound.smiles)
    has_chiral = any(isomer["kind"] == "chiral" for isomer in isomers)
    for isomer in isomers:
        if isomer["kind"] == "achiral" and has_chiral:
            isomer["kind"] = "meso"
    pairs = sum(isomer["kind"] == "chiral" and bool(isomer["enantiomer"]) for isomer in isomers) // 2
    open_count = sum(not e["specified"] for e in elements)
    warnings = [*compound.warnings]
    if impossible:
        warnings.append(
            f"{len(impossible)} forms were left out because no geometry of the bridged rings has them"
        )
    if len(compound.components) > 1:
        warnings.append("the structure has several fragments; forms of all of them were combined")
    if len(isomers) > _SHOWN:
        warnings.append(f"the first {_SHOWN} of {len(isomers)} stereoisomers are listed")
    rule = f"{centres} stereo elements varied, distinct canonical SMILES"
    counts = {
        "stereoisomer_count": len(isomers),
        "meso_count": sum(isomer["kind"] == "meso" for isomer in isomers),
        "enantiomer_pair_count": pairs,
        "stereo_element_count": len(elements),
        "open_stereo_count": open_count,
    }
    if centres == "all" and 0 < open_count < len(elements):
        counts["consistent_count"] = len(_possible(_isomers(mol, only_open=True))[0])
    return ToolResult(
        quantities={
            name: Quantity(value=value, property=name, method=rule, conditions={"varied": centres})
            for name, value in counts.items()
        },
        data={"isomers": isomers[:_SHOWN], "elements": elements, "left_out": impossible},
        source=rdkit_source(CIP),
        warnings=tuple(warnings),
    )


@tool(
    domain="chemistry",
    properties={
        "descriptors": "CIP descriptors, R or S, R/S, E or Z, absolute configuration, configuration, stereodescriptor",
        "centre_count": "number of assigned stereocentres, stereocentres",
        "double_bond_count": "number of assigned double bonds, E/Z double bonds",
        "open_stereo_count": "stereo elements left open, unspecified stereocentres, undefined stereocentres",
    },
    examples=(
        "Is the stereocentre in C[C@H](N)C(=O)O R or S?",
        "Assign the CIP descriptors of COc1ccc2cc(ccc2c1)[C@H](C)C(=O)O",
        "E or Z: C/C=C/C(=O)O?",
        "What is the absolute configuration of O[C@H](C)C(=O)O?",
        "R/S labels of all stereocentres of morphine",
        "configuration of the double bond in CC/C=C\\Cl",
    ),
    example={"compound": "C[C@H](N)C(=O)O"},
)
def assign_cip(compound: Compound) -> ToolResult:
    """Assign the CIP descriptors R, S, r, s of stereocentres and E, Z of double bonds.

    Lower-case r and s are pseudo-asymmetric centres. Atoms are numbered from 0 in the canonical SMILES of the
    result; where a SMILES was given, `atom_as_given` numbers them in that one.

    Args:
        compound: The compound, with its stereochemistry written.
    """
    mol = compound.mol()
    as_given = given_order(compound)
    centres, bonds = _labels(mol)
    elements = _stereo_elements(mol)
    left = [e for e in elements if not e["specified"]]
    warnings = [*compound.warnings]
    if left:
        where = ", ".join(f"{e['kind']} {e['atoms']}" for e in left)
        warnings.append(f"no configuration is given for: {where}")
    if not elements:
        warnings.append("the structure has no stereocentre and no stereo double bond")
    shown_centres = [
        {
            "atom": index,
            "element": mol.GetAtomWithIdx(index).GetSymbol(),
            "descriptor": label,
            **({"atom_as_given": as_given[index]} if as_given else {}),
        }
        for index, label in centres
    ]
    shown_bonds = [
        {"atoms": list(pair), "descriptor": label, **({"atoms_as_given": [as_given[i] for i in pair]} if as_given else {})}
        for pair, label in bonds
    ]  # fmt: skip
    counts = {
        "centre_count": len(centres),
        "double_bond_count": len(bonds),
        "open_stereo_count": len(left),
    }
    return ToolResult(
        quantities={
            name: Quantity(value=value, property=name, method="RDKit CIPLabeler")
            for name, value in counts.items()
        },
        data={
            "descriptors": _descriptor_text(mol, centres, bonds),
            "smiles": compound.smiles,
            "centres": shown_centres,
            "double_bonds": shown_bonds,
            "unassigned": left,
        },
        source=rdkit_source(CIP),
        warnings=tuple(warnings),
    )


def given_order(compound: Compound) -> list[int] | None:
    """Return, for each atom of the canonical SMILES, its number in the SMILES that was given; None where none was."""
    from rdkit import Chem

    with quiet_rdkit():
        given = Chem.MolFromSmiles(compound.given.strip()) if compound.given.isascii() else None
        if given is None or Chem.MolToSmiles(given) != compound.smiles:
            return None
    order = given.GetProp("_smilesAtomOutputOrder").strip("[],").split(",")
    return [int(i) for i in order]


def _labels(mol: Mol) -> tuple[list[tuple[int, str]], list[tuple[tuple[int, int], str]]]:
    """Return the descriptors of atoms and of double bonds, by the new CIP code."""
    from rdkit.Chem import Mol as Copy
    from rdkit.Chem import rdCIPLabeler

    labelled = Copy(mol)
    for atom in labelled.GetAtoms():
        atom.ClearProp("_CIPCode")  # what the legacy code may have left
    for bond in labelled.GetBonds():
        bond.ClearProp("_CIPCode")
    try:
        rdCIPLabeler.AssignCIPLabels(labelled, maxRecursiveIterations=2_000_000)
    except RuntimeError as error:
        raise InvalidInput(
            "too_large", "the CIP rules need too many steps for this structure", hint=str(error)
        ) from None
    centres = [(a.GetIdx(), a.GetProp("_CIPCode")) for a in labelled.GetAtoms() if a.HasProp("_CIPCode")]
    bonds = [
        ((b.GetBeginAtomIdx(), b.GetEndAtomIdx()), b.GetProp("_CIPCode"))
        for b in labelled.GetBonds()
        if b.HasProp("_CIPCode")
    ]
    return centres, bonds


def _descriptor_text(
    mol: Mol, centres: list[tuple[int, str]], bonds: list[tuple[tuple[int, int], str]]
) -> str:
    if len(centres) + len(bonds) == 1:
        return (centres[0] if centres else bonds[0])[1]
    parts = [f"{mol.GetAtomWithIdx(i).GetSymbol()}{i} {label}" for i, label in centres]
    parts += [f"bond {a}={b} {label}" for (a, b), label in bonds]
    return ", ".join(parts) or "none"


def _stereo_elements(mol: Mol) -> list[dict[str, Any]]:
    """Return the stereocentres and stereo double bonds: atoms, and whether a configuration is given."""
    from rdkit import Chem

    found = []
    for info in Chem.FindPotentialStereo(mol):
        if info.type == Chem.StereoType.Atom_Tetrahedral:
            kind, atoms = "centre", [info.centeredOn]
        elif info.type == Chem.StereoType.Bond_Double:
            bond = mol.GetBondWithIdx(info.centeredOn)
            kind, atoms = "double bond", [bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()]
        else:
            continue
        found.append(
            {"kind": kind, "atoms": atoms, "specified": info.specified == Chem.StereoSpecified.Specified}
        )
    return found


def _isomers(mol: Mol, *, only_open: bool) -> list[str]:
    """Return the distinct canonical SMILES of the stereoisomers, each read once more before it is compared."""
    from rdkit import Chem
    from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions

    options = StereoEnumerationOptions(onlyUnassigned=only_open, unique=True, maxIsomers=0)
    with quiet_rdkit():
        made = (Chem.MolFromSmiles(Chem.MolToSmiles(m)) for m in EnumerateStereoisomers(mol, options=options))
        return sorted({Chem.MolToSmiles(m) for m in made if m is not None})


def _possible(isomers: list[str]) -> tuple[list[str], list[str]]:
    """Return the isomers that bridged rings allow, and those that they do not."""
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom
    from rdkit.Chem.rdMolDescriptors import CalcNumBridgeheadAtoms

    if not isomers or len(isomers) > _TRIED or not CalcNumBridgeheadAtoms(Chem.MolFromSmiles(isomers[0])):
        return isomers, []
    kept: list[str] = []
    left_out: list[str] = []
    for smiles in isomers:
        with quiet_rdkit():
            placed = rdDistGeom.EmbedMolecule(
                Chem.AddHs(Chem.MolFromSmiles(smiles)), maxAttempts=15, randomSeed=7
            )
        (kept if placed == 0 else left_out).append(smiles)
    return (kept, left_out) if kept else (isomers, [])


def _described(isomers: list[str], given: str) -> list[dict[str, Any]]:
    from rdkit import Chem

    described: list[dict[str, Any]] = []
    for smiles in isomers:
        mol = Chem.MolFromSmiles(smiles)
        mirrored = Chem.Mol(mol)
        for atom in mirrored.GetAtoms():
            atom.InvertChirality()
        mirror = Chem.MolToSmiles(Chem.MolFromSmiles(Chem.MolToSmiles(mirrored)))
        centres, bonds = _labels(mol)
        tetrahedral = any(e["kind"] == "centre" for e in _stereo_elements(mol))
        kind = "chiral" if mirror != smiles else "achiral" if tetrahedral else "no stereocentre"
        described.append(
            {
                "smiles": smiles,
                "descriptors": _descriptor_text(mol, centres, bonds),
                "kind": kind,
                "enantiomer": mirror if mirror != smiles and mirror in isomers else None,
                "as_given": smiles == given,
            }
        )
    return described
