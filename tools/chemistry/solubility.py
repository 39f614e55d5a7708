"""Solubility in water from published equations, side by side, with what speaks against each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity, convert
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.names import name_table
from benchmate.tools.chemistry.physical_properties import tabulated
from benchmate.tools.chemistry.pka_classes import find_sites

if TYPE_CHECKING:
    from rdkit.Chem import Mol

ESOL = "ESOL, Delaney 2004, doi:10.1021/ci034243x"
GSE = "general solubility equation, Ran and Yalkowsky 2001, doi:10.1021/ci000338c"
_FAR_APART = 1.0  # log units between the methods


@tool(
    domain="chemistry",
    properties={
        "log_s": "logS, log solubility, intrinsic solubility, aqueous solubility, log S",
        "molar_solubility": "molar solubility, solubility in mol/L",
        "mass_solubility": "solubility, solubility in water, mg/mL, g/L, how soluble, soluble",
        "spread": "spread between the methods, disagreement",
    },
    examples=(
        "How soluble is aspirin in water?",
        "Predict logS of caffeine",
        "Estimate the aqueous solubility of benzene",
        "ESOL logS for CC(C)Cc1ccc(cc1)C(C)C(=O)O",
        "Solubility of naphthalene in water, melting point 80 °C",
        "Is paracetamol or ibuprofen more soluble?",
    ),
    example={"compound": "aspirin"},
)
def predict_solubility(
    compound: Compound,
    melting_point: Annotated[
        float | None, Unit("degC", "melting point, mp, melts at"), Field(gt=-273.15, le=2000)
    ] = None,
) -> ToolResult:
    """Estimate the solubility of a compound in water at 25 °C by two published equations, and say how far they agree.

    ESOL: logS = 0.16 - 0.63 logP - 0.0062 MW + 0.066 RB - 0.74 AP (rotatable bonds, aromatic proportion of heavy atoms); its
    authors name a factor of 5 to 8 on validation sets. General solubility equation: logS = 0.5 - 0.01 (mp - 25) - logP, with a
    melting point that is given or tabulated, mp = 25 °C for liquids, and the measured logP where it is tabulated. Else logP is
    Crippen's, in place of the ClogP of the papers. Both are for the neutral form (intrinsic solubility); ionized forms dissolve better.

    Args:
        compound: The compound; salts are taken by their neutral parent.
        melting_point: The melting point, where the tables have none or another.
    """
    mol = compound.parent_mol()
    _refuse(mol, compound)
    inputs = _inputs(mol)
    melting, origin = _melting_point(compound, melting_point)
    logp, logp_origin = _logp(compound, inputs["logp"])
    esol = (
        0.16
        - 0.63 * inputs["logp"]
        - 0.0062 * inputs["weight"]
        + 0.066 * inputs["rotatable"]
        - 0.74 * inputs["aromatic"]
    )
    estimates = {"esol": (esol, ESOL)}
    if melting is not None:
        estimates["gse"] = (0.5 - 0.01 * (max(melting, 25.0) - 25.0) - logp, GSE)
    quantities: dict[str, Quantity] = {}
    for name, (log_s, reference) in estimates.items():
        called = {"esol": "ESOL", "gse": "general solubility equation"}[name]
        conditions = {
            "equation": called,
            "temperature": "25 degC",
            "form": "neutral",
            "logP": f"Crippen {inputs['logp']:.2f}",
        }
        if name == "gse":
            conditions |= {
                "melting point": f"{melting:g} degC, {origin}",
                "logP": f"{logp:.2f}, {logp_origin}",
            }
        common: dict[str, Any] = {"method": reference, "conditions": conditions, "relation": "~"}
        quantities[f"log_s_{name}"] = Quantity(value=log_s, property="log_s", **common)
        quantities[f"molar_solubility_{name}"] = Quantity(
            value=10**log_s, unit="mol/L", property="molar_solubility", **common
        )
        quantities[f"mass_solubility_{name}"] = Quantity(
            value=10**log_s * inputs["weight"], unit="g/L", property="mass_solubility", **common
        )
    flags = _domain(mol, compound, inputs)
    warnings = [*compound.warnings]
    if len(estimates) == 2:
        spread = abs(estimates["esol"][0] - estimates["gse"][0])
        quantities["spread"] = Quantity(value=spread, property="spread", method="|logS(ESOL) - logS(GSE)|")
        if spread > _FAR_APART:
            warnings.append(f"the methods are {spread:.1f} log units apart: a factor of {10**spread:.0f}")
    else:
        warnings.append(
            "only ESOL: the general solubility equation needs a melting point, and none is given or tabulated"
        )
    warnings += flags
    if compound.parent_smiles != compound.smiles:
        warnings.append(f"the neutral parent {compound.parent_smiles} was taken")
    return ToolResult(
        quantities=quantities,
        data={
            "log_s_is": "log10 of mol/L",
            "in_domain": not flags,
            "flags": flags,
            "inputs": {
                "crippen_logp": inputs["logp"], "molecular_weight": inputs["weight"],
                "rotatable_bonds": inputs["rotatable"], "aromatic_proportion": inputs["aromatic"],
                "melting_point_degC": melting, "melting_point_from": origin, "logp_of_gse": logp, "logp_of_gse_from": logp_origin,
            },
        },
        source=Source(kind="computed", name="published regressions, RDKit descriptors", reference=f"{ESOL}; {GSE}"),
        warnings=tuple(warnings),
    )  # fmt: skip


def _refuse(mol: Mol, compound: Compound) -> None:
    from rdkit.Chem import GetFormalCharge

    why = None
    if not any(atom.GetAtomicNum() == 6 for atom in mol.GetAtoms()):
        why = "it is inorganic"
    elif any(
        atom.GetAtomicNum() not in (1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53) for atom in mol.GetAtoms()
    ):
        why = "it has a metal or an unusual element"
    elif GetFormalCharge(mol):
        why = "its parent is an ion"
    if why:
        raise InvalidInput(
            "outside_domain", f"the equations do not hold for {compound.label!r}: {why}",
            hint="they were made for neutral organic molecules",
        )  # fmt: skip


def _inputs(mol: Mol) -> dict[str, float]:
    from rdkit.Chem import Descriptors
    from rdkit.Chem import rdMolDescriptors as rd

    aromatic = sum(atom.GetIsAromatic() for atom in mol.GetAtoms())
    return {
        "logp": float(rd.CalcCrippenDescriptors(mol)[0]),
        "weight": float(Descriptors.MolWt(mol)),  # type: ignore[attr-defined]
        "rotatable": float(rd.CalcNumRotatableBonds(mol)),
        "aromatic": aromatic / mol.GetNumHeavyAtoms(),
    }


def _logp(compound: Compound, crippen: float) -> tuple[float, str]:
    """Return the measured logP where a table has one, else Crippen's, and where it is from."""
    for row in name_table().by_inchikey(compound.parent_inchikey) if compound.parent_inchikey else ():
        values = tabulated("logP", row.cas) if row.cas else {}
        if values:
            table = next(iter(values))
            return values[table], f"tabulated: {table}"
    return crippen, "Crippen"


def _melting_point(compound: Compound, given: float | None) -> tuple[float | None, str]:
    """Return the melting point in °C and where it is from; None where it is not known."""
    if given is not None:
        return given, "given"
    for row in name_table().by_inchikey(compound.parent_inchikey) if compound.parent_inchikey else ():
        values = tabulated("Tm", row.cas) if row.cas else {}
        if values:
            table = next(iter(values))
            return round(convert(values[table], "K", "degC"), 2), f"tabulated: {table}"
    return None, "not known"


def _domain(mol: Mol, compound: Compound, inputs: dict[str, float]) -> list[str]:
    """Return what puts the compound outside of what the equations were made from."""
    flags = []
    if inputs["weight"] > 500:
        flags.append("molecules above 500 g/mol are few among those that the equations were fitted to")
    if inputs["logp"] < -2 or inputs["logp"] > 7:
        flags.append(f"logP {inputs['logp']:.1f} is at the edge of the fitted range")
    if mol.GetNumHeavyAtoms() < 4:
        flags.append("very small molecules mix with water or are gases; the equations do not know")
    strong = sorted({s.group.name for s in find_sites(mol) if (s.group.kind == "acid" and s.group.high < 7)
                     or (s.group.kind == "base" and s.group.low > 7)})  # fmt: skip
    if strong:
        flags.append(
            f"ionizable in neutral water ({', '.join(strong)}): the solubility at pH 7 is higher than this"
        )
    if {"carboxyl of an alpha-amino acid"} & set(strong):
        flags.append("amino acids are zwitterions, for which neither equation holds")
    if compound.is_salt:
        flags.append("a salt dissolves differently from its parent")
    return flags
