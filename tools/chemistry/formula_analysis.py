"""What a formula says without a structure: masses, electrons, composition, degree of unsaturation."""

from __future__ import annotations

import re

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.formulas import ELECTRON_MASS, Species, parse_species
from benchmate.tools.chemistry.molecules import rdkit_source

_LONGEST = 300
_MOST_ATOMS = 1_000_000
_HEAVY_HYDROGEN = {"D": 2.01410177812, "T": 3.0160492779}  # Da, AME2020
_VALENCE = {
    **dict.fromkeys(("H", "D", "T", "F", "Cl", "Br", "I"), 1),
    **dict.fromkeys(("O", "S", "Se"), 2),
    **dict.fromkeys(("N", "P", "B"), 3),
    **dict.fromkeys(("C", "Si"), 4),
}


@tool(
    domain="chemistry",
    properties={
        "electron_count": "total electron count, number of electrons, electrons, electron count",
        "molar_mass": "molar mass, molecular weight, formula weight, MW, average mass, molecular mass",
        "monoisotopic_mass": "monoisotopic mass, exact mass, accurate mass",
        "nominal_mass": "nominal mass, integer mass",
        "atom_count": "number of atoms, atoms",
        "mass_fraction": "mass percent, percent by mass, composition, elemental analysis, elemental composition, weight percent",
        "unsaturation": "degree of unsaturation, double bond equivalents, DBE, index of hydrogen deficiency, IHD, rings plus double bonds",
        "formula": "Hill formula, empirical formula, formula",
    },
    examples=(
        r"What is the total electron count of \ce{S2O3^{2-}}?",
        "How many electrons are in NO2^-?",
        "Molar mass of CuSO4·5H2O",
        "Elemental analysis (C, H, N in percent) of C8H10N4O2",
        "Degree of unsaturation of C6H6",
        "Monoisotopic mass of the formula C9H8O4",
        "mass percent of nitrogen in NH4NO3",
    ),
    example={"formula": r"\ce{S2O3^{2-}}"},
)
def analyze_formula(formula: str) -> ToolResult:
    """Read a chemical formula: molar mass, monoisotopic mass, electrons, composition by mass, degree of unsaturation.

    Reads plain text (`Fe2(SO4)3`, `SO4 2-`), LaTeX (`\\ce{NO2^{1-}}`, `H_2O`) and Unicode (`SO₄²⁻`), with hydrates and groups.
    The degree of unsaturation takes the valences C, Si 4; N, P, B 3; O, S, Se 2; H and halogens 1, and is given for neutral
    formulas of these elements only.

    Args:
        formula: The chemical formula, with its charge where it is an ion.
    """
    species = read_formula(formula)
    total = sum(species.atoms.values())
    if total > _MOST_ATOMS:
        raise InvalidInput("too_large", f"{formula!r} has {total} atoms", hint=f"the limit is {_MOST_ATOMS}")
    molar = species.molar_mass
    charge = {"charge": f"{species.charge:+d}"} if species.charge else None
    quantities = {
        "electron_count": Quantity(
            value=_electrons(species), property="electron_count", method="sum of atomic numbers less the charge",
            conditions=charge,
        ),
        "molar_mass": Quantity(
            value=molar, unit="g/mol", property="molar_mass", conditions=charge,
            method="average atomic weights, mass of the electrons of the charge accounted for",
        ),
        "monoisotopic_mass": Quantity(
            value=_mass(species), unit="Da", property="monoisotopic_mass", conditions=charge,
            method="most abundant isotope of each element, mass of the electrons of the charge accounted for",
        ),
        "nominal_mass": Quantity(
            value=_nominal(species), unit="Da", property="nominal_mass",
            method="mass numbers of the most abundant isotopes",
        ),
        "atom_count": Quantity(value=total, property="atom_count", method="all atoms of the formula"),
    }  # fmt: skip
    neutral = molar + species.charge * ELECTRON_MASS
    for symbol, count in species.atoms.items():
        share = 100 * count * _weight(symbol) / neutral
        quantities[f"mass_fraction_{symbol}"] = Quantity(
            value=share, unit="percent", property="mass_fraction", method="average atomic weights",
            conditions={"element": symbol},
        )  # fmt: skip
    warnings = list(species.warnings)
    unsaturation, why = _unsaturation(species)
    if unsaturation is not None:
        quantities["unsaturation"] = Quantity(
            value=unsaturation,
            property="unsaturation",
            method="1 + sum of n (valence - 2) / 2; usual valences",
        )
        if unsaturation < 0 or unsaturation % 1:
            warnings.append(
                f"a degree of unsaturation of {unsaturation:g} fits no single closed-shell molecule of usual valences"
            )
    return ToolResult(
        quantities=quantities,
        data={
            "formula": species.hill,
            "read_as": species.text,
            "charge": species.charge,
            "atoms": dict(species.atoms),
            **({"no_unsaturation_because": why} if why else {}),
        },
        source=rdkit_source(
            "atomic weights and isotopes of RDKit's periodic table; electron mass of CODATA 2022"
        ),
        warnings=tuple(warnings),
    )


def read_formula(text: str) -> Species:
    """Return the species of a formula in plain text, LaTeX or Unicode.

    Raises InvalidInput: `empty_formula`, `too_large`, `not_a_formula`, `unknown_element`, `ambiguous_charge`.
    """
    plain = text.strip()
    if not plain:
        raise InvalidInput(
            "empty_formula", "the formula is empty", hint="write formulas such as Fe2(SO4)3 or NO2^-"
        )
    if len(plain) > _LONGEST:
        raise InvalidInput(
            "too_large", f"the formula is {len(plain)} characters long; the limit is {_LONGEST}"
        )
    plain = plain.strip("$").strip()
    plain = re.sub(r"^\\\((.*)\\\)$", r"\1", plain)
    for command in ("ce", "mathrm", "text", "mathsf", "rm"):
        plain = re.sub(rf"\\{command}\s*\{{(.*?)\}}(?=$|[_^\s]|\\)", r"\1", plain)
    plain = plain.replace(r"\cdot", "·").replace(r"\,", "").replace("~", "")
    plain = re.sub(r"_\{?(\d+)\}?", r"\1", plain)
    plain = re.sub(r"\^\{\s*(\d*)\s*([+\-−–])\s*\}", r"^\1\2", plain)
    if re.search(r"\^\{?\d+\}?[A-Z]|\[\d+[A-Z]", plain):
        raise InvalidInput(
            "not_a_formula", f"{text!r} names an isotope, which is not read in formulas",
            hint="D and T are read; give labelled compounds as SMILES to compute_descriptors",
        )  # fmt: skip
    return parse_species(plain)


def _electrons(species: Species) -> int:
    from rdkit.Chem import GetPeriodicTable

    table = GetPeriodicTable()
    return (
        sum(table.GetAtomicNumber("H" if s in "DT" else s) * n for s, n in species.atoms.items())
        - species.charge
    )


def _mass(species: Species) -> float:
    from rdkit.Chem import GetPeriodicTable

    table = GetPeriodicTable()
    masses = (
        (_HEAVY_HYDROGEN.get(s) or float(table.GetMostCommonIsotopeMass(s))) * n
        for s, n in species.atoms.items()
    )
    return sum(masses) - species.charge * ELECTRON_MASS


def _nominal(species: Species) -> int:
    from rdkit.Chem import GetPeriodicTable

    table = GetPeriodicTable()
    numbers = {"D": 2, "T": 3}
    return sum((numbers.get(s) or int(table.GetMostCommonIsotope(s))) * n for s, n in species.atoms.items())


def _weight(symbol: str) -> float:
    return Species(symbol, {symbol: 1}).molar_mass


def _unsaturation(species: Species) -> tuple[float | None, str]:
    if not species.atoms:
        return None, "there are no atoms"
    if species.charge:
        return None, "the formula is an ion"
    odd = sorted(s for s in species.atoms if s not in _VALENCE)
    if odd:
        return None, f"{', '.join(odd)} has no usual valence"
    if "C" not in species.atoms:
        return None, "the formula has no carbon"
    return 1 + sum(n * (_VALENCE[s] - 2) for s, n in species.atoms.items()) / 2, ""
