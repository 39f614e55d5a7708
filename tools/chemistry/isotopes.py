"""Isotope patterns and the m/z of adducts, with the mass of the electron accounted for."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.formula_analysis import read_formula
from benchmate.tools.chemistry.formulas import ELECTRON_MASS
from benchmate.tools.plots import Mark, Panel, Series, save_plot

_MOST_ATOMS = 20_000
_SHOWN_PEAKS = 12  # as quantities; data has all


class Adduct(NamedTuple):
    """How an ion is made of M: molecules, the formula added, the formula taken away, and the charge."""

    molecules: int
    added: str
    taken: str
    charge: int


ADDUCTS: dict[str, Adduct] = {
    "[M+H]+": Adduct(1, "H", "", 1),
    "[M+Na]+": Adduct(1, "Na", "", 1),
    "[M+K]+": Adduct(1, "K", "", 1),
    "[M+NH4]+": Adduct(1, "NH4", "", 1),
    "[M+Li]+": Adduct(1, "Li", "", 1),
    "[M+CH3CN+H]+": Adduct(1, "C2H4N", "", 1),
    "[M-H2O+H]+": Adduct(1, "H", "H2O", 1),
    "[M+2H]2+": Adduct(1, "H2", "", 2),
    "[M+3H]3+": Adduct(1, "H3", "", 3),
    "[2M+H]+": Adduct(2, "H", "", 1),
    "[2M+Na]+": Adduct(2, "Na", "", 1),
    "[M]+": Adduct(1, "", "", 1),
    "[M-H]-": Adduct(1, "", "H", -1),
    "[M+Cl]-": Adduct(1, "Cl", "", -1),
    "[M+HCOO]-": Adduct(1, "CHO2", "", -1),
    "[M+CH3COO]-": Adduct(1, "C2H3O2", "", -1),
    "[M-2H]2-": Adduct(1, "", "H2", -2),
    "[2M-H]-": Adduct(2, "", "H", -1),
    "[M]-": Adduct(1, "", "", -1),
}
AdductName = Annotated[Literal[
    "[M+H]+", "[M+Na]+", "[M+K]+", "[M+NH4]+", "[M+Li]+", "[M+CH3CN+H]+", "[M-H2O+H]+", "[M+2H]2+", "[M+3H]3+",
    "[2M+H]+", "[2M+Na]+", "[M]+", "[M-H]-", "[M+Cl]-", "[M+HCOO]-", "[M+CH3COO]-", "[M-2H]2-", "[2M-H]-", "[M]-",
], Said({
    "[M+H]+": "M+H, protonated", "[M+Na]+": "M+Na, sodium adduct, sodiated", "[M+K]+": "M+K, potassium adduct",
    "[M+NH4]+": "M+NH4, ammonium adduct", "[M+Li]+": "M+Li, lithium adduct", "[M+2H]2+": "M+2H, doubly protonated",
    "[M+3H]3+": "M+3H, triply protonated", "[2M+H]+": "2M+H, protonated dimer", "[2M+Na]+": "2M+Na", "[M-H]-": "M-H, deprotonated",
    "[M+Cl]-": "M+Cl, chloride adduct", "[M+HCOO]-": "M+HCOO, formate adduct", "[M+CH3COO]-": "M+CH3COO, acetate adduct",
    "[M-2H]2-": "M-2H, doubly deprotonated", "[2M-H]-": "2M-H", "[M]+": "radical cation", "[M]-": "radical anion",
})]  # fmt: skip


@tool(
    domain="chemistry",
    extra="chem",
    properties={
        "mz": "m/z, mass-to-charge ratio, m/z of the peak, peak position",
        "mass": "isotopologue mass, exact mass of the peak",
        "monoisotopic_mass": "monoisotopic mass of M, exact mass, monoisotopic mass",
        "relative_abundance": "relative abundance, relative intensity, isotope ratio, isotope pattern, M+1, M+2",
        "adduct_mz": "m/z of adducts, adduct masses, protonated molecule, sodium adduct, deprotonated molecule",
        "peak_count": "number of isotope peaks, peaks",
    },
    examples=(
        "Isotope pattern of CH2Cl2",
        "What is m/z of [M+H]+ of caffeine?",
        "Simulate the isotope pattern of bromobenzene",
        "M+2 intensity of C6H5Br",
        "m/z of the sodium adduct of glucose",
        "List the adduct m/z values for C9H8O4 in negative mode",
        "Isotope distribution of [M-H]- of diclofenac",
    ),
    example={"formula": "CH2Cl2"},
)
def simulate_isotope_pattern(
    context: ToolContext,
    compound: Compound | None = None,
    formula: str | None = None,
    adduct: AdductName | None = None,
    minimum: Annotated[
        float, Unit("percent", "minimum, threshold, cut-off, above"), Field(ge=1e-4, le=50)
    ] = 0.1,
) -> ToolResult:
    """Simulate the isotope pattern of a compound or formula, as neutral molecule or as ion, and list its adducts.

    Isotopologues of one mass number are one peak, at their mean mass weighted by abundance (unit resolution).
    Abundances are relative to the largest peak. M is the peak of the most abundant isotopes. A neutral M without an
    adduct gives masses; an ion gives m/z, less or plus the mass of the electrons.

    Args:
        compound: The compound; give this or `formula`.
        formula: A chemical formula with its charge, such as CH2Cl2 or Fe(CN)6^3-.
        adduct: The ion to make of a neutral M.
        minimum: The least relative abundance to list.
    """
    import molmass

    text, charge, label, warnings = _subject(compound, formula)
    base = _formula(text)
    if charge and adduct:
        raise InvalidInput(
            "already_charged", f"{label} has a charge of {charge:+d}; adducts are made of neutral molecules",
            hint="leave the adduct out, or give the neutral form",
        )  # fmt: skip
    name = adduct or (
        "M" if not charge else f"[M]{abs(charge) if abs(charge) > 1 else ''}{'+' if charge > 0 else '-'}"
    )
    ion, charge = (_ion(base, adduct, label), ADDUCTS[adduct].charge) if adduct else (base, charge)
    peaks = _pattern(ion, charge, minimum)
    position = "mz" if charge else "mass"
    table = "isotope masses and abundances of molmass (NIST, 2016)"
    how = f"molmass {molmass.__version__}, unit resolution" + (
        ", electron mass accounted for" if charge else ""
    )
    conditions = {"ion": name, "charge": f"{charge:+d}"} if charge else {"ion": "neutral M"}
    quantities = {
        "monoisotopic_mass": Quantity(
            value=base.monoisotopic_mass if not (charge and not adduct) else base.monoisotopic_mass - charge * ELECTRON_MASS,
            unit="Da", property="monoisotopic_mass", method="most abundant isotopes",
            conditions={"form": "M" if not (charge and not adduct) else "M as the ion given"},
        ),
        "peak_count": Quantity(
            value=len(peaks), property="peak_count", method=how, conditions={"minimum": f"{minimum:g} %"}
        ),
    }  # fmt: skip
    largest = sorted(peaks, key=lambda p: -p["relative_abundance"])[:_SHOWN_PEAKS]
    for peak in sorted(largest, key=lambda p: p["position"]):
        where = {**conditions, "peak": peak["label"]}
        quantities[f"{position}_{peak['label']}"] = Quantity(
            value=peak["position"],
            unit="" if charge else "Da",
            property=position,
            method=how,
            conditions=where,
        )
        quantities[f"abundance_{peak['label']}"] = Quantity(
            value=peak["relative_abundance"], unit="percent", property="relative_abundance", method=how, conditions=where
        )  # fmt: skip
    adducts = [] if charge and not adduct else _adducts(base)
    for row in adducts:
        quantities[f"adduct_{row['adduct']}"] = Quantity(
            value=row["mz"], property="adduct_mz", method="monoisotopic, electron mass accounted for",
            conditions={"ion": row["adduct"]},
        )  # fmt: skip
    main = max(peaks, key=lambda p: p["relative_abundance"])
    if main["label"] != "M":
        warnings.append(f"the largest peak is {main['label']}, not M")
    if charge and abs(charge) > 1:
        warnings.append(f"peaks are 1/{abs(charge)} apart in m/z, since the charge is {charge:+d}")
    xs = [peak["position"] for peak in peaks]
    panel = Panel(
        x_label="m/z" if charge else "mass", x_unit="" if charge else "Da",
        y_label="relative abundance", y_unit="percent",
        series=[Series(x=xs, y=[peak["relative_abundance"] for peak in peaks], style="sticks")],
        marks=[Mark(x=main["position"], label=f"{main['position']:.4f}")],
    )  # fmt: skip
    return ToolResult(
        quantities=quantities,
        data={"formula": text, "ion": name, "charge": charge, "ion_formula": ion.formula, "peaks": peaks, "adducts": adducts},
        artifacts=save_plot(context, f"Isotope pattern of {label}, {name}", [panel], name="isotope_pattern"),
        source=Source(kind="computed", name=f"molmass {molmass.__version__}", reference=table),
        warnings=tuple(warnings),
    )  # fmt: skip


def _subject(compound: Compound | None, formula: str | None) -> tuple[str, int, str, list[str]]:
    """Return the formula of M without its charge, the charge, a label, and what must be said."""
    if (compound is None) == (formula is None):
        raise InvalidInput("bad_arguments", "give a compound or a formula", hint="one of the two, not both")
    if formula is not None:
        species = read_formula(formula)
        if not species.atoms:
            raise InvalidInput(
                "not_a_formula", f"{formula!r} has no atoms", hint="give a formula such as CH2Cl2"
            )
        return species.hill, species.charge, species.text, list(species.warnings)
    assert compound is not None
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    warnings = list(compound.warnings)
    mol, charge = compound.mol(), compound.charge
    if len(compound.components) > 1:
        if compound.parent_smiles == compound.smiles:
            raise InvalidInput(
                "several_components", f"{compound.label!r} has {len(compound.components)} components",
                hint="give the ion or the molecule that is measured",
            )  # fmt: skip
        from rdkit.Chem import GetFormalCharge

        mol = compound.parent_mol()
        charge = GetFormalCharge(mol)
        warnings.append(f"M is the parent {compound.parent_smiles}, without counter-ions")
    text = CalcMolFormula(mol, separateIsotopes=True, abbreviateHIsotopes=True)
    return _without_charge(text), charge, compound.label, warnings


def _without_charge(text: str) -> str:
    """Return a formula of RDKit without the charge at its end: 'C4H12N+', 'SO4-2'."""
    return re.sub(r"[+-]\d*$", "", text)


def _formula(text: str) -> Any:
    import molmass

    formula = molmass.Formula(text)
    if formula.atoms > _MOST_ATOMS:
        raise InvalidInput("too_large", f"{text} has {formula.atoms} atoms; the limit is {_MOST_ATOMS}")
    return formula


def _ion(base: Any, adduct: str, label: str) -> Any:
    import molmass

    rule = ADDUCTS[adduct]
    ion = base * rule.molecules
    if rule.added:
        ion = ion + molmass.Formula(rule.added)
    if rule.taken:
        try:
            ion = ion - molmass.Formula(rule.taken)
        except ValueError:
            raise InvalidInput(
                "no_such_adduct",
                f"{label} has no {rule.taken} to lose for {adduct}",
                hint="choose another adduct",
            ) from None
    return ion


def _pattern(ion: Any, charge: int, minimum: float) -> list[dict[str, Any]]:
    spectrum = ion.spectrum(min_intensity=minimum)
    peaks = []
    for entry in spectrum.values():
        offset = round(entry.mass - ion.monoisotopic_mass)  # of neighbours 1.003 apart: right up to 150
        mass = entry.mass - charge * ELECTRON_MASS
        peaks.append(
            {
                "label": "M" if not offset else f"M{offset:+d}",
                "position": mass / abs(charge) if charge else mass,
                "relative_abundance": entry.intensity,
                "fraction": entry.fraction,
            }
        )
    return peaks


def _adducts(base: Any) -> list[dict[str, Any]]:
    rows = []
    for name, rule in ADDUCTS.items():
        try:
            ion = _ion(base, name, "M")
        except InvalidInput:
            continue  # a molecule without hydrogen loses none
        mz = (ion.monoisotopic_mass - rule.charge * ELECTRON_MASS) / abs(rule.charge)
        rows.append({"adduct": name, "mz": mz, "charge": rule.charge})
    return rows
