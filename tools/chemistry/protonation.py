"""Protonation states at a pH, and what the pKa of the groups is like: ranges of their classes, no prediction."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.parsing import inchikey, quiet_rdkit
from benchmate.tools.chemistry.pka_classes import SOURCE, find_sites

_MOST_SITES = 12
_MOST_STATES = 128


@tool(
    domain="chemistry",
    extra="chem",
    properties={
        "pka_low": "lower end of the pKa class range, pKa, pKa range, acidity constant, how acidic, how basic",
        "pka_high": "upper end of the pKa class range",
        "state_count": "number of protonation states, protonation states, ionization states",
        "net_charge": "net charge at this pH, charge at pH, charge state, ionized",
        "site_count": "number of ionizable groups, ionizable groups, acidic groups, basic groups",
    },
    examples=(
        "What is the pKa of acetic acid?",
        "Protonation state of beta-alanine at pH 7.4",
        "Is ibuprofen ionized at pH 7?",
        "What charge does ethylamine have at pH 7.4?",
        "pKa range of the phenol in paracetamol",
        "Which groups of ciprofloxacin are ionizable?",
    ),
    example={"compound": "acetic acid"},
)
def predict_pka(
    compound: Compound, ph: Annotated[float, Unit("", "pH, at pH"), Field(ge=0, le=14)] = 7.4
) -> ToolResult:
    """Give the protonation states of a compound at a pH, and the pKa range that each ionizable group's class has.

    A range says what compounds of the class have in water at 25 °C. It is no number for this compound: substituents, ring
    strain and neighbouring charges move a pKa, also out of the range. Bases are given by the pKa of their conjugate acid. States
    are enumerated by Dimorphite-DL within one standard deviation of its rules' pKa.

    Args:
        compound: The compound; salts are taken by their neutral parent.
        ph: The pH of the protonation states.
    """
    from importlib.metadata import version

    from rdkit import Chem

    mol = compound.parent_mol()
    sites = find_sites(mol)
    if len(sites) > _MOST_SITES:
        raise InvalidInput(
            "too_many_sites", f"{compound.label!r} has {len(sites)} ionizable groups; the limit is {_MOST_SITES}",
            hint="give a part of the molecule; compute_protein_properties takes peptides",
        )  # fmt: skip
    states = _states(compound.parent_smiles, ph)
    quantities: dict[str, Quantity] = {
        "site_count": Quantity(value=len(sites), property="site_count", method="class patterns"),
        "state_count": Quantity(
            value=len(states), property="state_count", method="Dimorphite-DL, 1 standard deviation", conditions={"pH": f"{ph:g}"}
        ),
    }  # fmt: skip
    listed = []
    for number, site in enumerate(sites, start=1):
        element = mol.GetAtomWithIdx(site.atom).GetSymbol()
        where = {"group": site.group.name, "atom": f"{element}{site.atom}", "kind": site.group.kind}
        for end, value in (("low", site.group.low), ("high", site.group.high)):
            quantities[f"pka_{end}_{number}"] = Quantity(
                value=value, property=f"pka_{end}", relation="~", method="range of the class, not of this compound",
                conditions={**where, "solvent": "water", "temperature": "25 degC"},
            )  # fmt: skip
        listed.append(
            {**where, "range": [site.group.low, site.group.high], "range_is_spanned_by": site.group.spanned_by,
             "pka_of": "the group" if site.group.kind == "acid" else "the conjugate acid"}
        )  # fmt: skip
    charges = {state["charge"] for state in states}
    if len(charges) == 1:
        quantities["net_charge"] = Quantity(
            value=charges.pop(), property="net_charge", method="Dimorphite-DL", conditions={"pH": f"{ph:g}"}, relation="~"
        )  # fmt: skip
    warnings = [*compound.warnings]
    if compound.parent_smiles != compound.smiles:
        warnings.append(f"the neutral parent {compound.parent_smiles} was taken")
    if sites:
        warnings.append("pKa values are ranges of classes of compounds, not a prediction for this compound")
    else:
        warnings.append(
            "no group of the class table was found; that does not say that the compound is not ionizable"
        )
    if len(sites) > 1:
        warnings.append("with several groups, a charge on one moves the pKa of the others")
    if len(charges) > 1:
        warnings.append(f"states of different net charge are close in energy at pH {ph:g}")
    return ToolResult(
        quantities=quantities,
        data={"parent_smiles": Chem.MolToSmiles(mol), "ph": ph, "states": states, "sites": listed},
        source=Source(
            kind="computed",
            name=f"Dimorphite-DL {version('dimorphite_dl')}",
            reference=f"Ropp et al. 2019, doi:10.1186/s13321-019-0336-9; {SOURCE}",
        ),
        warnings=tuple(warnings),
    )


def _states(smiles: str, ph: float) -> list[dict[str, Any]]:
    import dimorphite_dl
    from rdkit import Chem
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    with quiet_rdkit():
        found = dimorphite_dl.protonate_smiles(
            smiles, ph_min=ph, ph_max=ph, precision=1.0, max_variants=_MOST_STATES
        )
        mols = [Chem.MolFromSmiles(state) for state in found]
        unique = {Chem.MolToSmiles(mol): mol for mol in mols if mol is not None}
    return [
        {"smiles": state, "charge": Chem.GetFormalCharge(mol), "formula": CalcMolFormula(mol), "inchikey": inchikey(mol)}
        for state, mol in sorted(unique.items())
    ]  # fmt: skip
