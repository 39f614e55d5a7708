"""Stoichiometry: textbook limiting reagents and yields, every way of giving an amount, conservation of mass."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.stoichiometry import compute_stoichiometry

ACETYLATION = "aniline + acetic anhydride -> acetanilide + acetic acid"


def run(equation: str, amounts: str, **more: Any) -> ToolResult:
    nowhere = Path("unused")
    arguments = compute_stoichiometry.validate({"equation": equation, "amounts": amounts, **more})
    return compute_stoichiometry.run(arguments, ToolContext(nowhere, nowhere, nowhere))


def value(result: ToolResult, prop: str, species: str) -> float:
    return next(
        q.value
        for q in result.quantities.values()
        if q.property == prop and (q.conditions or {}).get("species") == species
    )


def test_propane_burns_with_too_little_oxygen() -> None:
    """30.0 g O2 = 0.9376 mol, 3/5 of it as CO2: 24.76 g. By hand; Petrucci has the same exercise."""
    result = run("C3H8 + O2 -> CO2 + H2O", "10 g C3H8, 30 g O2")
    assert result.data["limiting_reagent"] == "O2"
    assert value(result, "theoretical_yield", "CO2") == pytest.approx(24.76, abs=0.01)
    assert value(result, "excess_mass", "C3H8") == pytest.approx(1.731, abs=0.005)
    assert result.data["equation"] == "C3H8 + 5 O2 -> 3 CO2 + 4 H2O"


def test_acetanilide_from_two_grams_of_aniline() -> None:
    """2.00 g / 93.13 × 135.17 = 2.90 g (Pavia, Introduction to Organic Laboratory Techniques)."""
    result = run(ACETYLATION, "2 g aniline, 2.1 g acetanilide")
    assert result.quantities["theoretical_yield"].value == pytest.approx(2.903, abs=0.002)
    assert result.quantities["percent_yield"].value == pytest.approx(72.3, abs=0.1)
    assert result.quantities["atom_economy"].value == pytest.approx(
        69.2, abs=0.1
    )  # 135.17 / (93.13 + 102.09)
    assert any("acetic anhydride: taken to be in excess" in w for w in result.warnings)


def test_the_product_that_was_isolated_is_the_main_one() -> None:
    result = run("C3H8 + O2 -> CO2 + H2O", "10 g H2O came from 10 g C3H8")
    assert result.data["main_product"] == "H2O"
    assert result.quantities["percent_yield"].value == pytest.approx(100 * 10 / 16.341, abs=0.05)


def test_names_and_formulas_give_the_same() -> None:
    named = run(ACETYLATION, "2 g aniline")
    plain = run("C6H7N + C4H6O3 -> C8H9NO + C2H4O2", "2 g C6H7N")
    assert named.quantities["theoretical_yield"].value == pytest.approx(
        plain.quantities["theoretical_yield"].value
    )


def test_a_titration_by_volume_and_molarity() -> None:
    result = run("H2SO4 + NaOH -> Na2SO4 + H2O", "25 mL of 0.1 M H2SO4")
    assert value(result, "consumed_amount", "NaOH") == pytest.approx(0.005)
    assert value(result, "consumed_mass", "NaOH") == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize(
    ("amount", "moles"),
    [
        ("9.313 g aniline", 0.1),
        ("9313 mg of aniline", 0.1),
        ("100 mmol aniline", 0.1),
        ("0.1 moles of aniline", 0.1),
        ("9.13 mL aniline (density 1.02 g/mL)", 0.1),
        ("9.13 mL aniline, d = 1.02", 0.1),
        ("10.35 g aniline (90 %)", 0.1),
        ("50 mL of 2 M aniline", 0.1),
        ("50 mL of a 2 mol/L solution of aniline", 0.1),
        ("100 mL of 93.13 g/L aniline", 0.1),
        ("100 µL aniline (density 1020 kg/m3)", 0.001095),
    ],
)
def test_every_way_of_giving_an_amount(amount: str, moles: float) -> None:
    assert value(run(ACETYLATION, amount), "amount", "aniline") == pytest.approx(moles, rel=2e-3)


def test_amounts_are_found_in_a_sentence() -> None:
    result = run("Fe + S -> FeS", "Which is limiting when 5 g Fe and 5 g S react?")
    assert result.data["limiting_reagent"] == "Fe"


def test_a_hydrate_counts_with_its_water() -> None:
    result = run("CuSO4·5H2O -> CuSO4 + H2O", "1.50 g CuSO4·5H2O")
    assert value(result, "theoretical_yield", "H2O") == pytest.approx(0.541, abs=0.001)


def test_the_reagents_that_a_product_needs() -> None:
    result = run("N2 + 3 H2 -> 2 NH3", "17.03 g NH3")
    assert value(result, "consumed_mass", "H2") == pytest.approx(3.024, abs=0.002)
    assert result.data["limiting_reagent"] is None


def test_equivalents_are_relative_to_the_limiting_reagent() -> None:
    result = run("C3H8 + O2 -> CO2 + H2O", "1 mol C3H8, 10 mol O2")
    assert value(result, "equivalents", "O2") == pytest.approx(10)
    assert value(result, "excess_amount", "O2") == pytest.approx(5)


def test_equivalent_amounts_leave_nothing() -> None:
    result = run("2 H2 + O2 -> 2 H2O", "2 mol H2, 1 mol O2")
    assert any("run out together" in w for w in result.warnings)
    assert value(result, "excess_amount", "O2") == 0


def test_the_product_asked_for_is_the_main_one() -> None:
    result = run("C3H8 + O2 -> CO2 + H2O", "10 g C3H8", product="H2O")
    assert (result.quantities["theoretical_yield"].conditions or {})["species"] == "H2O"


def test_coefficients_that_do_not_balance_are_replaced_and_said() -> None:
    result = run("C3H8 + 2 O2 -> CO2 + H2O", "10 g C3H8")
    assert any("balanced as C3H8 + 5 O2" in w for w in result.warnings)


@pytest.mark.parametrize(
    ("equation", "amounts", "more", "code"),
    [
        ("N2 + 3 H2 -> 2 NH3", "", {}, "no_amounts"),
        ("N2 + 3 H2 -> 2 NH3", "3 g O2", {}, "unknown_species"),
        ("N2 + 3 H2 -> 2 NH3", "3 g N2, 4 g N2", {}, "given_twice"),
        ("N2 + 3 H2 -> 2 NH3", "-3 g N2", {}, "bad_amount"),
        ("N2 + 3 H2 -> 2 NH3", "0 g N2", {}, "bad_amount"),
        ("N2 + 3 H2 -> 2 NH3", "3 g of 2 M N2", {}, "bad_amount"),
        ("N2 + 3 H2 -> 2 NH3", "3 g N2 (120 %)", {}, "bad_amount"),
        ("N2(g) + 3 H2 -> 2 NH3", "3 L N2", {}, "density_needed"),
        (ACETYLATION, "3 mL aniline", {}, "density_needed"),
        (ACETYLATION, "3 g aniline", {"product": "aniline"}, "unknown_species"),
        (ACETYLATION, "9 g acetanilide from 3 g aniline", {}, "more_than_theory"),
        ("N2 + H2", "3 g N2", {}, "not_an_equation"),
        ("N2 + H2 -> CH4", "3 g N2", {}, "cannot_balance"),
        ("aniline + unobtainium -> acetanilide", "3 g aniline", {}, "unknown_compound"),
        ("H2 + O2 -> H2O", "1 g H2" * 1000, {}, "too_large"),
    ],
)
def test_bad_input_is_typed(equation: str, amounts: str, more: dict[str, Any], code: str) -> None:
    with pytest.raises(BenchmateError) as caught:
        run(equation, amounts, **more)
    assert caught.value.code == code


@given(st.floats(0.01, 1000), st.floats(0.01, 1000))
def test_mass_is_conserved(propane: float, oxygen: float) -> None:
    result = run("C3H8 + O2 -> CO2 + H2O", f"{propane:.6f} g C3H8, {oxygen:.6f} g O2")
    masses = {kind: 0.0 for kind in ("consumed_mass", "theoretical_yield")}
    for quantity in result.quantities.values():
        if quantity.property in masses:
            masses[quantity.property] += quantity.value
    assert masses["consumed_mass"] == pytest.approx(masses["theoretical_yield"], rel=1e-4)
