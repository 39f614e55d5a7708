"""Names and structures: what a name stands for, whether a structure is sound, and how it is drawn."""

from __future__ import annotations

import re
from typing import Annotated, Any

from benchmate.runtime.canonical import digest
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.evidence import Entity, Source
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import ToolContext, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound, compound_by_name, resolve_compound
from benchmate.tools.chemistry.molecules import build_compound, rdkit_source
from benchmate.tools.chemistry.names import table_release
from benchmate.tools.chemistry.parsing import (
    INCHIKEY,
    looks_like_smiles,
    parse_inchi,
    parse_smiles,
    quiet_rdkit,
    smiles_problem,
)


@tool(
    domain="chemistry",
    properties={
        "smiles": "SMILES, structure",
        "inchikey": "InChIKey",
        "formula": "molecular formula, formula",
        "possible_compounds": "possible compounds, isomers, which compounds",
        "candidate_count": "number of compounds the name may mean, how many compounds, ambiguous",
    },
    examples=(
        "What is the SMILES of aspirin?",
        "Which compound is acetylsalicylic acid?",
        "Which isomers can xylenol mean?",
        "What is the InChIKey of caffeine?",
        "Which compound has the CAS number 50-78-2?",
    ),
    example={"name": "xylenol"},
)
def resolve_name(name: str) -> ToolResult:
    """Look up which compounds a name, CAS number or InChIKey stands for, offline.

    An ambiguous name or a formula gives all candidates, none chosen.

    Args:
        name: A trivial, systematic or trade name, a CAS number, or an InChIKey.
    """
    code = None
    try:
        if INCHIKEY.fullmatch(name.strip()) or re.fullmatch(r"\d{2,7}-\d\d-\d", name.strip()):
            found = [resolve_compound(name)]
        else:
            found = [compound_by_name(name)]
    except InvalidInput as error:
        if error.code not in ("ambiguous_name", "ambiguous_formula") or not error.info.details["candidates"]:
            raise
        code = error.code
        listed = error.info.details["candidates"]
        found = [resolve_compound({"name": c["name"], "smiles": c["smiles"]}) for c in listed if c["smiles"]]
    single: tuple[Entity, ...] = () if code else (found[0].entity("name"),)
    warnings = found[0].warnings if not code else (f"{name!r} may mean any of {len(found)} compounds",)
    candidates = [_candidate(compound) for compound in found]
    data: dict[str, Any] = {"candidates": candidates, "ambiguous": code is not None}
    if code:
        data["possible_compounds"] = "; ".join(f"{c['name']} ({c['smiles']})" for c in candidates)
    else:
        data |= {key: candidates[0][key] for key in ("smiles", "inchikey", "formula")}
    return ToolResult(
        data=data,
        quantities={
            "candidate_count": Quantity(value=len(found), property="candidate_count", method="name lookup")
        },
        entities=single,
        source=Source(kind="table", name=table_release()),
        warnings=warnings,
    )


@tool(
    domain="chemistry",
    properties={
        "valid": "valid structure, validity, valid, sound, well formed, parse, correct",
        "problem": "problem, what is wrong, wrong with",
        "formal_charge": "net charge, formal charge, charge",
        "unspecified_stereo": "stereo centres and double bonds left open, open stereocentres, unspecified stereocentres, "
        "undefined stereocentres, stereocentres, stereo centres, stereochemistry, double bond geometry",
        "fragment_count": "number of fragments, components, fragments",
        "canonical_smiles": "canonical SMILES, canonical form, canonicalize, canonicalise",
        "inchikey": "InChIKey",
        "formula": "molecular formula, formula",
    },
    examples=(
        "Is c1ccc(C(. a valid SMILES?",
        "Check the structure C1CC1(C)(C)(C)",
        "Does CC(O)C(N)C(=O)O leave stereocentres open?",
        "Is InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3 valid?",
    ),
    example={"structure": "CC(=O)Oc1ccccc1C(=O)O"},
)
def validate_structure(structure: str) -> ToolResult:
    """Check whether a SMILES or InChI is a sound structure, and say what is wrong or unusual in it.

    Args:
        structure: A SMILES or InChI.
    """
    text = structure.strip()
    problems: list[str] = []
    try:
        mol = parse_inchi(text) if text.startswith("InChI=") else parse_smiles(text)
    except InvalidInput as error:
        if error.code not in ("invalid_smiles", "invalid_inchi", "empty_compound"):
            raise
        problems = _problems(text) or [error.info.message]
    if problems:
        shown = Entity(
            kind="text",
            given=structure,
            key=digest("text", structure, length=32),
            label=structure,
            argument="structure",
        )
        data = {"valid": False, "structure": structure, "problems": problems, "problem": "; ".join(problems)}
        return ToolResult(data=data, entities=(shown,), source=rdkit_source())
    compound = build_compound(
        mol, given=structure, resolved_by="InChI" if text.startswith("InChI=") else "SMILES"
    )
    counts = {
        "formal_charge": compound.charge,
        "unspecified_stereo": compound.unspecified_stereo,
        "fragment_count": len(compound.components),
    }
    return ToolResult(
        data={
            "valid": True,
            "structure": structure,
            "problems": [],
            "canonical_smiles": compound.smiles,
            "inchikey": compound.inchikey,
            "formula": compound.formula,
            "charge": compound.charge,
        },
        quantities={
            name: Quantity(value=value, property=name, method="RDKit") for name, value in counts.items()
        },
        entities=(compound.entity("structure"),),
        source=rdkit_source(),
        warnings=(*compound.warnings, *_oddities(compound)),
    )


@tool(
    domain="chemistry",
    examples=(
        "Draw aspirin",
        "Show me the structure of caffeine",
        "Draw CC(=O)Nc1ccc(O)cc1 with atoms 0 and 1 highlighted",
    ),
    example={"compound": "caffeine"},
)
def draw_structure(
    compound: Compound,
    context: ToolContext,
    highlight: Annotated[
        list[int] | None, Unit("", "highlight atoms, highlighted atoms, highlight, atoms, atom")
    ] = None,
) -> ToolResult:
    """Draw the structural formula of a compound as an SVG picture.

    Args:
        compound: The compound.
        highlight: Atoms to highlight, as indices from 0 in the compound's canonical SMILES.
    """
    from rdkit.Chem.Draw import rdMolDraw2D

    mol = compound.mol()
    atoms = sorted(set(highlight or ()))
    wrong = [atom for atom in atoms if not 0 <= atom < mol.GetNumAtoms()]
    if wrong:
        raise InvalidInput(
            "no_such_atom",
            f"{compound.label!r} has no atom {wrong[0]}",
            hint=f"atoms are numbered 0 to {mol.GetNumAtoms() - 1} in {compound.smiles}",
        )
    inside = [
        b.GetIdx() for b in mol.GetBonds() if b.GetBeginAtomIdx() in atoms and b.GetEndAtomIdx() in atoms
    ]
    side = min(300 + 8 * mol.GetNumAtoms(), 900)
    drawer = rdMolDraw2D.MolDraw2DSVG(side + 60, side)
    options: Any = drawer.drawOptions()
    options.padding = 0.08
    options.bondLineWidth = 2
    options.legendFontSize = 18
    options.setHighlightColour((1.0, 0.82, 0.45))
    drawn = rdMolDraw2D.PrepareMolForDrawing(mol)
    drawer.DrawMolecule(drawn, legend=compound.name or "", highlightAtoms=atoms, highlightBonds=inside)
    drawer.FinishDrawing()
    svg = drawer.GetDrawingText()
    name = re.sub(r"[^\w-]+", "-", compound.name or compound.inchikey or "structure").strip("-").lower()
    return ToolResult(
        data={"smiles": compound.smiles, "highlighted": atoms},
        artifacts=(context.save(f"{name}.svg", "image/svg+xml", svg.encode()),),
        source=rdkit_source(),
        warnings=compound.warnings,
    )


def _candidate(compound: Compound) -> dict[str, Any]:
    return {
        "name": compound.known_as or compound.label,
        "smiles": compound.smiles,
        "inchikey": compound.inchikey,
        "formula": compound.formula,
        "parent_smiles": compound.parent_smiles,
        "is_salt": compound.is_salt,
        "registry_id": compound.registry_id,
        "source": compound.resolved_by,
    }


def _problems(text: str) -> list[str]:
    """Return why a SMILES is wrong: every valence and aromaticity problem, or the syntax error; [] for other texts."""
    from rdkit import Chem

    if text.startswith("InChI=") or not text:
        return []
    if not looks_like_smiles(text):
        return ["this is written neither as SMILES nor as InChI; resolve_name looks up names"]
    with quiet_rdkit():
        mol = Chem.MolFromSmiles(text, sanitize=False)
        found = Chem.DetectChemistryProblems(mol) if mol is not None else ()
        messages = [problem.Message() for problem in found]
    return [message[0].lower() + message[1:] for message in messages] or (
        [smiles_problem(text)] if mol is None else []
    )


def _oddities(compound: Compound) -> list[str]:
    """Return what a chemist would want to know of a valid structure before using it."""
    mol = compound.mol()
    notes = []
    if compound.unspecified_stereo:
        count = compound.unspecified_stereo
        what = "stereo centre or double bond has" if count == 1 else "stereo centres or double bonds have"
        notes.append(f"{count} {what} no configuration")
    if len(compound.components) > 1:
        notes.append(f"{len(compound.components)} fragments: {', '.join(compound.components)}")
    if compound.charge:
        notes.append(f"the net charge is {compound.charge:+d}")
    isotopes = [f"{a.GetIsotope()}{a.GetSymbol()}" for a in mol.GetAtoms() if a.GetIsotope()]
    if isotopes:
        notes.append(f"isotopes are marked: {', '.join(isotopes)}")
    radicals = sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())
    if radicals:
        notes.append(f"{radicals} unpaired electrons: is a hydrogen or charge missing?")
    organic = {1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53}
    bound = sorted(
        {a.GetSymbol() for a in mol.GetAtoms() if a.GetAtomicNum() not in organic and a.GetDegree()}
    )
    if bound:
        notes.append(f"unusual: {', '.join(bound)} drawn with covalent bonds")
    return notes
