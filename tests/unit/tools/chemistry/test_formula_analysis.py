"""Formulas as people write them: masses, electrons, composition."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.formula_analysis import analyze_formula


def analyze(formula: str) -> ToolResult:
    nowhere = Path("unused")
    return analyze_formula.run(
        analyze_formula.validate({"formula": formula}), ToolContext(nowhere, nowhere, nowhere)
    )


def value(formula: str, name: str) -> float:
    return analyze(formula).quantities[name].value


@pytest.mark.parametrize(
    ("formula", "electrons"),
    [
        (r"\ce{S2O3^{2-}}", 58),  # 2 x 16 + 3 x 8 + 2
        (r"\ce{NO2^{1-}}", 24),  # 7 + 16 + 1
        ("NO2^-", 24),
        (r"$\ce{SO4^{2-}}$", 50),
        ("SO₄²⁻", 50),
        ("SO4 2-", 50),
        (r"\ce{NH4^+}", 10),
        (r"\mathrm{H_2O}", 10),
        (r"\ce{[Fe(CN)6]^{4-}}", 108),
        ("Fe^3+", 23),
        ("D2O", 10),
        ("e-", 1),
    ],
)
def test_electrons(formula: str, electrons: int) -> None:
    assert value(formula, "electron_count") == electrons


@pytest.mark.parametrize(
    ("formula", "molar_mass"),  # CRC Handbook
    [
        ("CuSO4·5H2O", 249.685),
        (r"CuSO_4 \cdot 5H_2O", 249.685),
        ("C8H10N4O2", 194.19),
        ("H_{2}SO_{4}", 98.08),
    ],
)
def test_molar_masses(formula: str, molar_mass: float) -> None:
    assert value(formula, "molar_mass") == pytest.approx(molar_mass, abs=0.006)


def test_monoisotopic_masses_leave_out_the_lost_electrons() -> None:
    assert value("C8H10N4O2", "monoisotopic_mass") == pytest.approx(194.0804, abs=1e-4)  # PubChem 2519
    proton = value("H^+", "monoisotopic_mass")
    assert proton == pytest.approx(1.007276467, abs=5e-8)  # CODATA 2018, proton mass in u
    assert value("C8H10N4O2", "nominal_mass") == 194


def test_composition_of_caffeine() -> None:
    # C 49.48, H 5.19, N 28.85, O 16.48 %: Merck Index
    found = {q.conditions["element"]: q.value for q in analyze("C8H10N4O2").quantities.values()
             if q.property == "mass_fraction" and q.conditions}  # fmt: skip
    assert {k: round(v, 2) for k, v in found.items()} == {"C": 49.48, "H": 5.19, "N": 28.85, "O": 16.48}


@pytest.mark.parametrize(
    ("formula", "expected"), [("C6H6", 4), ("C8H10N4O2", 6), ("CHCl3", 0), ("C2H5NO2", 1)]
)
def test_degree_of_unsaturation(formula: str, expected: int) -> None:
    assert value(formula, "unsaturation") == expected


def test_a_radical_formula_is_flagged_and_ions_get_no_degree_of_unsaturation() -> None:
    assert any("4.5 fits no single" in warning for warning in analyze("C6H5").warnings)
    assert "unsaturation" not in analyze("NO2^-").quantities
    assert "ion" in analyze("NO2^-").data["no_unsaturation_because"]


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        ("", "empty_formula"),
        ("water", "not_a_formula"),
        ("Xx2O", "unknown_element"),
        ("^{13}CO2", "not_a_formula"),
        ("C" * 400, "too_large"),
        ("C9999999", "too_large"),
        ("O2-", "ambiguous_charge"),
    ],
)
def test_refusals(formula: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        analyze(formula)
    assert refusal.value.code == code


@given(
    st.dictionaries(st.sampled_from(["C", "H", "N", "O", "S", "Cl", "Fe"]), st.integers(1, 40), min_size=1)
)
def test_fractions_add_up_and_masses_are_sums(atoms: dict[str, int]) -> None:
    text = "".join(f"{symbol}{count}" for symbol, count in atoms.items())
    result = analyze(text)
    fractions = [q.value for q in result.quantities.values() if q.property == "mass_fraction"]
    assert sum(fractions) == pytest.approx(100)
    parts = sum(value(symbol, "molar_mass") * count for symbol, count in atoms.items())
    assert result.quantities["molar_mass"].value == pytest.approx(parts)
    assert result.data["atoms"] == atoms
