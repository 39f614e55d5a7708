"""One structure in other notations: SMILES, InChI, InChIKey, molfile, and peptides from their sequence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import ToolContext, ToolResult, tool
from benchmate.tools.chemistry.compound_files import relative_stereo, why_unreadable
from benchmate.tools.chemistry.compounds import Compound, resolve_compound
from benchmate.tools.chemistry.molecules import build_compound, rdkit_source
from benchmate.tools.chemistry.parsing import MAX_HEAVY_ATOMS, quiet_rdkit

if TYPE_CHECKING:
    from rdkit.Chem import Mol

Notation = Literal["auto", "smiles", "inchi", "molblock", "peptide", "helm"]
_MOST_RESIDUES = 100
_LONGEST_BLOCK = 1_000_000
_RESIDUES = "ACDEFGHIKLMNPQRSTVWY"


@tool(
    domain="chemistry",
    properties={
        "smiles": "SMILES, canonical SMILES, isomeric SMILES",
        "inchi": "InChI, InChI string, standard InChI",
        "inchikey": "InChIKey",
        "molblock": "molfile, mol block, MDL molfile, V2000, V3000",
        "formula": "molecular formula, formula",
        "molecular_weight": "molecular weight, molar mass, MW",
    },
    examples=(
        "Convert InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3 to SMILES",
        "Give me the InChI and InChIKey of CC(=O)Oc1ccccc1C(=O)O",
        "InChIKey of ethanol",
        "Write caffeine as a molfile",
        "SMILES of the peptide GASP",
        "Convert the HELM PEPTIDE1{A.G.S}$$$$ to SMILES",
    ),
    example={"structure": "CCO"},
)
def convert_structure(structure: str, context: ToolContext, notation: Notation = "auto") -> ToolResult:
    """Write a structure as SMILES, InChI, InChIKey and molfile, and say what a notation leaves out.

    A peptide sequence gives the neutral linear peptide of L residues with free ends; no modification is assumed.

    Args:
        structure: A SMILES, InChI, molfile text, name, peptide sequence in one-letter codes, FASTA or HELM.
        notation: What the text is. With `auto` a text that begins with `>` is FASTA of a peptide, one with `M  END` a
            molfile; a bare row of letters is a peptide only where `peptide` is said.
    """
    text = structure if "M  END" in structure else structure.strip()
    if not text.strip():
        raise InvalidInput(
            "empty_compound", "the structure is empty", hint="give a SMILES, InChI, molfile or sequence"
        )
    read_as = _recognize(text) if notation == "auto" else notation
    notes: list[str] = []
    if read_as == "peptide":
        compound, notes = _peptide(text)
    elif read_as == "helm":
        compound = _helm(text)
    elif read_as == "molblock":
        compound, notes = _molfile(text)
    elif read_as == "inchi" and not text.startswith("InChI="):
        raise InvalidInput(
            "invalid_inchi", f"{text[:60]!r} is not an InChI", hint="an InChI starts with InChI=1S/"
        )
    elif read_as in ("smiles", "inchi"):
        compound = resolve_compound({read_as: text})
    else:
        compound = _resolve(text)
    mol = compound.mol()
    inchi, warnings = _inchi(mol, compound)
    block = _molblock(mol)
    stem = re.sub(r"[^\w-]+", "-", compound.name or compound.inchikey or "structure").strip("-").lower()[:60]
    return ToolResult(
        quantities={
            "molecular_weight": Quantity(
                value=_weight(mol), unit="g/mol", property="molecular_weight", method="average atomic masses"
            )
        },
        data={
            "read_as": read_as,
            "smiles": compound.smiles,
            "inchi": inchi,
            "inchikey": compound.inchikey,
            "formula": compound.formula,
            "molblock": block,
            "left_out": _left_out(inchi),
        },
        artifacts=(context.save(f"{stem or 'structure'}.mol", "chemical/x-mdl-molfile", block.encode()),),
        entities=(compound.entity("structure"),),
        source=rdkit_source("InChI 1, IUPAC and InChI Trust; CTfile formats of BIOVIA"),
        warnings=(*compound.warnings, *notes, *warnings),
    )


def _recognize(text: str) -> str:
    if "M  END" in text or "V2000" in text or "V3000" in text:
        return "molblock"
    if text.startswith(">"):
        return "peptide"
    if re.match(r"(PEPTIDE|RNA|CHEM)\d+\{", text):
        return "helm"
    if text.startswith("InChI="):
        return "inchi"
    return "name or SMILES"


def _resolve(text: str) -> Compound:
    try:
        return resolve_compound(text)
    except NotFound as error:
        if re.fullmatch(f"[{_RESIDUES}]{{3,}}", text):
            raise NotFound(
                error.code, error.info.message, hint="for a peptide of these residues give notation='peptide'",
                details=error.info.details,
            ) from None  # fmt: skip
        raise


def _peptide(text: str) -> tuple[Compound, list[str]]:
    from rdkit import Chem

    lines = text.splitlines()
    if sum(line.startswith(">") for line in lines) > 1:
        raise InvalidInput(
            "several_sequences", "the FASTA text holds several sequences", hint="give one of them"
        )
    name = lines[0][1:].strip() or None if lines[0].startswith(">") else None
    letters = re.sub(r"[\s*-]", "", "".join(line for line in lines if not line.startswith(">"))).upper()
    wrong = next((c for c in letters if c not in _RESIDUES), None)
    if wrong or not letters:
        raise InvalidInput(
            "not_a_peptide", f"{wrong!r} is none of the 20 residues" if wrong else "the sequence is empty",
            hint=f"one-letter codes: {_RESIDUES}; write other residues as HELM or SMILES",
        )  # fmt: skip
    if len(letters) > _MOST_RESIDUES:
        raise InvalidInput(
            "too_large", f"the peptide has {len(letters)} residues; the limit is {_MOST_RESIDUES}",
            hint="compute_protein_properties takes proteins",
        )  # fmt: skip
    mol = Chem.MolFromSequence(letters)
    notes = ["all residues were taken as L, both ends as free and uncharged, cysteines as reduced"]
    if set(letters) & set("IT"):
        notes.append("isoleucine is (2S,3S) and threonine (2S,3R)")
    return _built(mol, name or letters, "sequence"), notes


def _helm(text: str) -> Compound:
    from rdkit import Chem

    with quiet_rdkit():
        mol = Chem.MolFromHELM(text)
    if mol is None or not mol.GetNumAtoms():
        raise InvalidInput(
            "invalid_helm", f"{text[:80]!r} is not HELM that RDKit reads",
            hint="peptides of natural residues, e.g. PEPTIDE1{A.G.S}$$$$",
        )  # fmt: skip
    return _built(mol, text, "HELM")


def _molfile(text: str) -> tuple[Compound, list[str]]:
    from rdkit import Chem

    if len(text) > _LONGEST_BLOCK:
        raise InvalidInput("too_large", "the molfile is longer than 1 MB", hint="give one structure")
    if "$$$$" in text.strip().rstrip("$") and text.count("M  END") > 1:
        raise InvalidInput(
            "several_structures", "the text holds several molfiles", hint="read_compounds reads SDF files"
        )
    with quiet_rdkit():
        mol = Chem.MolFromMolBlock(text.split("$$$$")[0])
    if mol is None or not mol.GetNumAtoms():
        raise InvalidInput(
            "invalid_molfile", f"the molfile cannot be read: {why_unreadable(text)}",
            hint="three header lines, then the counts line, come first",
        )  # fmt: skip
    notes = []
    if any(conformer.Is3D() for conformer in mol.GetConformers()):
        notes.append("the 3D coordinates are not kept: the molfile written here has a new 2D layout")
    if relative_stereo(mol):
        raise InvalidInput(
            "stereo_groups", "the molfile has stereo groups (AND, OR); SMILES and InChI would name one enantiomer",
            hint="draw one stereoisomer, or leave the centres open",
        )  # fmt: skip
    title = text.splitlines()[0].strip()
    return _built(mol, title or "molfile", "molfile"), notes


def _built(mol: Mol, label: str, by: str) -> Compound:
    from rdkit import Chem

    if mol.GetNumHeavyAtoms() > MAX_HEAVY_ATOMS:
        raise InvalidInput(
            "too_large",
            f"the structure has {mol.GetNumHeavyAtoms()} heavy atoms; the limit is {MAX_HEAVY_ATOMS}",
        )
    plain = Chem.MolFromSmiles(Chem.MolToSmiles(mol))
    return build_compound(plain, given=label, name=label, resolved_by=by)


def _inchi(mol: Mol, compound: Compound) -> tuple[str, list[str]]:
    """Return the standard InChI, and a warning where it reads back as another form of this structure."""
    from rdkit import Chem

    with quiet_rdkit():
        inchi = str(Chem.MolToInchi(mol))
        back = Chem.MolFromInchi(inchi) if inchi else None
    again = Chem.MolToSmiles(back) if back is not None else ""
    if not inchi or again == compound.smiles:
        return inchi, []
    if back is not None and len(Chem.GetMolFrags(back)) == len(compound.components) and "(H" in inchi:
        return inchi, [
            "read back, the standard InChI gives another tautomer: it leaves mobile hydrogens open"
        ]
    return inchi, [f"the standard InChI does not keep this form; read back it is {again or 'no structure'}"]


def _left_out(inchi: str) -> dict[str, str]:
    lost = {
        "smiles": "coordinates",
        "inchi": "coordinates, the place of mobile hydrogens, bonds to metals",
        "inchikey": "the structure: a key cannot be turned back",
        "molblock": "nothing but the 2D layout is new",
    }
    return lost if inchi else lost | {"inchi": "this structure: InChI cannot describe it"}


def _molblock(mol: Mol) -> str:
    from rdkit import Chem
    from rdkit.Chem import rdDepictor

    drawn = Chem.Mol(mol)
    rdDepictor.Compute2DCoords(drawn)
    return Chem.MolToMolBlock(drawn, forceV3000=drawn.GetNumAtoms() > 999)


def _weight(mol: Mol) -> float:
    from rdkit.Chem import Descriptors

    return float(Descriptors.MolWt(mol))  # type: ignore[attr-defined]
