"""The forms of a compound: as given, without counter-ions, neutral, canonical tautomer; and how two structures relate."""

from __future__ import annotations

import functools
from collections import Counter
from typing import TYPE_CHECKING, Any

from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.molecules import count_open_stereo, rdkit_source
from benchmate.tools.chemistry.parsing import inchikey, quiet_rdkit

if TYPE_CHECKING:
    from rdkit.Chem import Mol

TAUTOMERS = "Sitzmann, Ihlenfeldt and Nicklaus 2010, doi:10.1007/s10822-010-9346-4, as scored by RDKit"
_MOST_TAUTOMERS = 500
_NONMETALS = frozenset(
    (1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32, 33, 34, 35, 36, 51, 52, 53, 54, 85, 86)
)


@tool(
    domain="chemistry",
    properties={
        "parent_molecular_weight": "molecular weight of the parent, MW of the free base, molar mass of the free acid, free base, "
        "free acid, parent, desalted, without the salt",
        "parent_formula": "formula of the parent, formula of the free base, formula of the free acid",
        "molecular_weight": "molecular weight as given, MW of the salt, molar mass of the salt",
        "main_fragment_molecular_weight": "molecular weight of the main fragment, mass of the ion without counter-ions",
        "fragment_count": "number of fragments, fragments, components, counter-ions",
        "tautomer_count": "number of tautomers, tautomers",
        "tautomer_smiles": "canonical tautomer, tautomer",
        "parent_smiles": "parent structure, SMILES of the parent, standardized SMILES, neutral form, desalted SMILES",
        "parent_inchikey": "InChIKey of the parent",
    },
    examples=(
        "Strip the salt from CCN(CC)CC(=O)Nc1c(C)cccc1C.Cl",
        "Formula and molecular weight of the free base of diphenhydramine hydrochloride",
        "Standardize sodium benzoate: parent, neutral form and canonical tautomer",
        "What is the canonical tautomer of CC(O)=CC(C)=O?",
        "Give me the InChIKeys of the salt and of the free acid of [Na+].CC(=O)[O-]",
        "Desalt and neutralise CC[NH3+].[Cl-]",
    ),
    example={"compound": "CCN(CC)CC(=O)Nc1c(C)cccc1C.Cl"},
)
def standardize_structure(compound: Compound) -> ToolResult:
    """Give the forms of a compound side by side: as given, main fragment, neutral parent, canonical tautomer, without stereo.

    The structure as given is kept, and each form has its own InChIKey, so that a salt, its parent and a tautomer are
    never taken for one another. The canonical tautomer is a label for all tautomers and not the most stable one.

    Args:
        compound: The compound.
    """
    given, parent = compound.mol(), compound.parent_mol()
    canonical, tautomers, complete = canonical_tautomer(parent)
    fragment = _main_fragment(given) if len(compound.components) > 1 else given
    flat = _without_stereo(canonical)
    forms = {
        "as_given": _form(given),
        "main_fragment": _form(fragment),
        "parent": _form(parent),
        "tautomer": _form(canonical),
        "without_stereo": _form(flat),
    }
    removed = Counter(compound.components) - Counter([forms["main_fragment"]["smiles"]])
    if forms["main_fragment"]["smiles"] not in compound.components:  # an inorganic salt is its own parent
        removed = Counter()
    steps = _steps(forms, removed)
    warnings = [*compound.warnings, *_about_metals(given), *_about_mixtures(compound, parent)]
    if forms["tautomer"]["smiles"] != forms["parent"]["smiles"]:
        warnings.append("the canonical tautomer names all tautomers alike; it is not the most stable one")
    lost = count_open_stereo(canonical) - count_open_stereo(parent)
    if lost > 0:
        warnings.append(
            f"the canonical tautomer leaves {lost} stereo centres or double bonds open that the parent has"
        )
    if not complete:
        warnings.append(
            f"there are more than {_MOST_TAUTOMERS} tautomers; the canonical one is of those seen"
        )
    quantities = {
        name: Quantity(
            value=_molecular_weight(mol), unit="g/mol", property=name, method="average atomic masses",
            conditions={"form": form},
        )
        for name, form, mol in (
            ("molecular_weight", "as given", given),
            ("main_fragment_molecular_weight", "main fragment", fragment),
            ("parent_molecular_weight", "parent", parent),
        )
    }  # fmt: skip
    quantities["fragment_count"] = Quantity(
        value=len(compound.components), property="fragment_count", method="as given"
    )
    quantities["tautomer_count"] = Quantity(
        value=tautomers, property="tautomer_count", method="RDKit TautomerEnumerator on the parent",
        relation="=" if complete else ">",
    )  # fmt: skip
    return ToolResult(
        quantities=quantities,
        data={
            "given": compound.given,
            "forms": forms,
            "parent_smiles": forms["parent"]["smiles"],
            "parent_inchikey": forms["parent"]["inchikey"],
            "parent_formula": forms["parent"]["formula"],
            "tautomer_smiles": forms["tautomer"]["smiles"],
            "removed_fragments": [{"smiles": s, "count": n} for s, n in sorted(removed.items())],
            "steps": steps,
            "is_salt": compound.is_salt,
        },
        source=rdkit_source(TAUTOMERS),
        warnings=tuple(warnings),
    )


@tool(
    domain="chemistry",
    properties={
        "relation": "relation of two structures, isomers, enantiomers, tautomers",
        "identical": "identical, the same compound, the same molecule",
    },
    examples=(
        "Are CC(C)(C)OC(=O)NC1=NC=CC(F)=C1 and N(C=1C=C(F)C=CN=1)C(=O)OC(C)(C)C the same compound?",
        "Is OC=C a tautomer of CC=O?",
        "Are C[C@H](N)C(=O)O and C[C@@H](N)C(=O)O enantiomers?",
        "Same molecule or different: c1ccccc1O and Oc1ccccc1",
        "How are fumaric acid and maleic acid related?",
        "Is paracetamol the same as acetaminophen?",
    ),
    example={"first": "CC(C)(C)OC(=O)NC1=NC=CC(F)=C1", "second": "N(C=1C=C(F)C=CN=1)C(=O)OC(C)(C)C"},
)
def compare_structures(first: Compound, second: Compound) -> ToolResult:
    """Say whether two structures are the same compound, and else how they are related.

    The relation is the closest that holds: identical, enantiomers, diastereomers, one with stereo left open,
    isotopologues, tautomers, forms of one parent (salt, charge), constitutional isomers, different compounds.
    Stereo axes of single bonds (atropisomers) are not in a SMILES and are not compared.

    Args:
        first: One structure.
        second: The other structure.
    """
    relation, why = relate(first, second)
    return ToolResult(
        data={
            "relation": relation,
            "identical": relation == "identical",
            "why": why,
            "first": _identity(first),
            "second": _identity(second),
        },
        source=rdkit_source("canonical SMILES and standard InChI"),
        warnings=(*first.warnings, *second.warnings),
    )


def relate(first: Compound, second: Compound) -> tuple[str, str]:
    """Return the closest relation of two compounds and the reason for it."""
    if first.smiles == second.smiles:
        return "identical", f"both have the canonical SMILES {first.smiles}"
    one, two = first.mol(), second.mol()
    if (fixed := _fixed_inchi(one)) and fixed == _fixed_inchi(two):
        return "identical", f"both have the InChI with fixed hydrogens {fixed}"
    if _smiles(_without_stereo(one)) == _smiles(_without_stereo(two)):
        return _relate_stereo(first, second)
    if _smiles(_without_isotopes(one)) == _smiles(_without_isotopes(two)):
        return "isotopologues", "they are equal when isotopes are left out"
    if first.formula == second.formula and len(first.components) == len(second.components):
        tautomers = [_smiles(_without_stereo(canonical_tautomer(m)[0])) for m in (one, two)]
        if tautomers[0] == tautomers[1]:
            return "tautomers", f"both have the canonical tautomer {tautomers[0]}"
    if first.parent_smiles == second.parent_smiles:
        return "forms of one parent", f"salt or charge forms of {first.parent_smiles}"
    if _smiles(_without_stereo(first.parent_mol())) == _smiles(_without_stereo(second.parent_mol())):
        return (
            "forms of one parent, different stereo",
            "without counter-ions, charges and stereo they are equal",
        )
    if first.formula == second.formula:
        return "constitutional isomers", f"both are {first.formula}, bonded differently"
    return "different compounds", f"{first.formula} and {second.formula}"


@functools.cache
def _enumerator() -> Any:
    from rdkit.Chem.MolStandardize import rdMolStandardize

    enumerator = rdMolStandardize.TautomerEnumerator()
    enumerator.SetMaxTautomers(_MOST_TAUTOMERS)
    enumerator.SetMaxTransforms(_MOST_TAUTOMERS)
    return enumerator


def canonical_tautomer(mol: Mol) -> tuple[Mol, int, bool]:
    """Return RDKit's canonical tautomer, the number of tautomers seen, and whether these are all."""
    from rdkit.Chem.MolStandardize import rdMolStandardize

    with quiet_rdkit():
        found = _enumerator().Enumerate(mol)
        complete = found.status == rdMolStandardize.TautomerEnumeratorStatus.Completed
        return _enumerator().PickCanonical(found), len(found), complete


def _relate_stereo(first: Compound, second: Compound) -> tuple[str, str]:
    one, two = first.mol(), second.mol()
    if first.unspecified_stereo or second.unspecified_stereo:
        which = [c.label for c in (first, second) if c.unspecified_stereo]
        return "same connectivity, stereo open", f"{' and '.join(which)} leaves stereo centres or bonds open"
    for atom in one.GetAtoms():
        atom.InvertChirality()
    if _smiles(one) == _smiles(two):
        return "enantiomers", "one is the mirror image of the other"
    return "diastereomers", "the same bonds, other configurations, and no mirror images"


def _form(mol: Mol) -> dict[str, Any]:
    from rdkit.Chem import GetFormalCharge
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    return {
        "smiles": _smiles(mol),
        "inchikey": inchikey(mol) or None,
        "formula": CalcMolFormula(mol),
        "charge": GetFormalCharge(mol),
    }


def _molecular_weight(mol: Mol) -> float:
    from rdkit.Chem import Descriptors

    return float(Descriptors.MolWt(mol))  # type: ignore[attr-defined]


def _identity(compound: Compound) -> dict[str, Any]:
    return {
        "smiles": compound.smiles,
        "inchikey": compound.inchikey,
        "formula": compound.formula,
        "parent_inchikey": compound.parent_inchikey,
    }


def _main_fragment(mol: Mol) -> Mol:
    from rdkit.Chem.MolStandardize import rdMolStandardize

    if not any(atom.GetAtomicNum() == 6 for atom in mol.GetAtoms()):
        return mol
    with quiet_rdkit():
        return rdMolStandardize.LargestFragmentChooser(preferOrganic=True).choose(mol)


def _smiles(mol: Mol) -> str:
    """Return the canonical SMILES, after one reading of it, which settles dependent stereo centres."""
    from rdkit import Chem

    text = Chem.MolToSmiles(mol)
    again = Chem.MolFromSmiles(text)
    return Chem.MolToSmiles(again) if again is not None else text


def _without_stereo(mol: Mol) -> Mol:
    from rdkit import Chem

    flat = Chem.Mol(mol)
    Chem.RemoveStereochemistry(flat)
    return flat


def _without_isotopes(mol: Mol) -> Mol:
    from rdkit import Chem

    plain = Chem.Mol(mol)
    for atom in plain.GetAtoms():
        atom.SetIsotope(0)
    return Chem.RemoveHs(plain)


def _fixed_inchi(mol: Mol) -> str:
    """Return the InChI in which mobile hydrogens stay where they are drawn, so that tautomers differ."""
    from rdkit import Chem

    with quiet_rdkit():
        return str(Chem.MolToInchi(mol, options="/FixedH"))


def _steps(forms: dict[str, Any], removed: Counter[str]) -> list[str]:
    steps = []
    if removed:
        steps.append("removed " + ", ".join(f"{n} x {s}" for s, n in sorted(removed.items())))
    if forms["parent"]["smiles"] != forms["main_fragment"]["smiles"]:
        steps.append("neutralized by adding or taking protons")
    if forms["tautomer"]["smiles"] != forms["parent"]["smiles"]:
        steps.append("canonical tautomer chosen")
    return steps or ["nothing to change"]


def _about_metals(mol: Mol) -> list[str]:
    atoms = [a for a in mol.GetAtoms() if a.GetAtomicNum() not in _NONMETALS]
    bound = sorted({a.GetSymbol() for a in atoms if a.GetDegree()})
    free = sorted({a.GetSymbol() for a in atoms if not a.GetDegree()})
    notes = []
    if bound:
        notes.append(
            f"{', '.join(bound)} is drawn with covalent bonds; they were kept, and InChI cuts them"
            if len(bound) == 1
            else f"{', '.join(bound)} are drawn with covalent bonds; they were kept, and InChI cuts them"
        )
    if free:
        notes.append(f"metal ions among the fragments: {', '.join(free)}")
    return notes


def _about_mixtures(compound: Compound, parent: Mol) -> list[str]:
    """Return what must be said where more than one organic fragment could be the parent."""
    from rdkit import Chem

    organic = {
        c for c in compound.components if any(a.GetAtomicNum() == 6 for a in Chem.MolFromSmiles(c).GetAtoms())
    }
    notes = []
    if len(organic) > 1:
        notes.append(
            f"there are {len(organic)} different organic fragments ({', '.join(sorted(organic))}); the parent is the largest"
        )
    if Chem.GetFormalCharge(parent):
        notes.append(
            f"the parent keeps a charge of {Chem.GetFormalCharge(parent):+d} that no proton can take away"
        )
    return notes
