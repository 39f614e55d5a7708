"""pH: textbook values, limits of dilution, conservation of protons, and typed errors."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.acid_base import compute_ph, distribution

PHOSPHORIC = {"pka": 2.15, "pka2": 7.20, "pka3": 12.35}


def run(**arguments: Any) -> ToolResult:
    nowhere = Path("unused")
    return compute_ph.run(compute_ph.validate(arguments), ToolContext(nowhere, nowhere, nowhere))


def ph(**arguments: Any) -> float:
    return run(**arguments).quantities["ph"].value


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"concentration": 0.10, "pka": 4.76}, 2.88),  # exact quadratic
        ({"concentration": 1e-5, "pka": 4.76}, 5.15),  # x² + Ka·x - Ka·c = 0: x = 7.13e-6
        ({"strong_acid": 0.05}, 1.30),
        ({"strong_base": 0.1}, 13.00),
        ({"strong_acid": 1e-8}, 6.98),  # Harris, Quantitative Chemical Analysis: water's own protons count
        ({"base_concentration": 0.1, "pkb": 4.75}, 11.12),  # ammonia; Petrucci
        ({"base_concentration": 0.1, "pka": 4.76}, 8.88),  # sodium acetate
        ({"concentration": 0.1, "base_concentration": 0.2, "pka": 4.76}, 5.06),
        ({"concentration": 0.1, **PHOSPHORIC}, 1.63),  # Zumdahl: first dissociation alone gives 1.63
        ({"concentration": 0.05, "base_concentration": 0.05, "step": 2, **PHOSPHORIC}, 7.20),
        ({"base_concentration": 0.1, "pka": 6.35, "pka2": 10.33, "step": 1}, 8.34),  # (pKa1 + pKa2) / 2
        ({"base_concentration": 0.1, "pka": 6.35, "pka2": 10.33, "step": 2}, 11.65),  # sodium carbonate
        ({"concentration": 0.1, "strong_base": 0.05, "pka": 4.76}, 4.76),  # half-way to the end point
        ({"concentration": 0.05, "strong_base": 0.05, "pka": 4.76}, 8.73),  # the end point: 0.05 M acetate
    ],
)
def test_textbook_values(arguments: dict[str, Any], expected: float) -> None:
    assert ph(**arguments) == pytest.approx(expected, abs=0.01)


def test_a_dilute_buffer_leaves_the_henderson_hasselbalch_value() -> None:
    result = run(concentration=1e-4, base_concentration=1e-4, pka=3.0)
    assert result.quantities["henderson_hasselbalch_ph"].value == pytest.approx(3.0)
    assert result.quantities["ph"].value > 4
    assert any("Henderson" in w for w in result.warnings)


def test_the_degree_of_dissociation_rises_on_dilution() -> None:
    strong, weak = (
        run(concentration=c, pka=4.76).quantities["dissociation_degree"].value for c in (0.1, 1e-4)
    )
    assert strong == pytest.approx(1.31, abs=0.01)  # Ostwald: sqrt(Ka/c)
    assert weak > 30


def test_the_buffer_capacity_is_van_slykes() -> None:
    """ln 10 · C · Ka·h / (Ka + h)², at its most C·ln 10 / 4 (Van Slyke 1922)."""
    result = run(concentration=0.05, base_concentration=0.05, pka=7.0)
    assert result.quantities["buffer_capacity"].value == pytest.approx(0.1 * math.log(10) / 4, rel=1e-3)


def test_the_species_are_named_and_add_up() -> None:
    result = run(concentration=0.1, **PHOSPHORIC)
    assert [row["species"] for row in result.data["species"]] == ["H3A", "H2A", "HA", "A"]
    assert sum(row["concentration_mol_per_l"] for row in result.data["species"]) == pytest.approx(0.1)


def test_activities_are_said_to_be_left_out() -> None:
    assert (run(concentration=0.1, pka=4.76).quantities["ph"].conditions or {})["activity"] == "not included"
    assert any("activities" in w for w in run(strong_acid=0.5).warnings)
    assert not run(strong_acid=0.001).warnings


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"concentration": 0.1}, "underspecified"),
        ({"pka": 4.76}, "underspecified"),
        ({"concentration": 0.1, "pka2": 7.2}, "pka_order"),
        ({"concentration": 0.1, "pka": 7.2, "pka2": 2.15}, "pka_order"),
        ({"concentration": 0.1, "pka": 4.76, "pkb": 9.24}, "overspecified"),
        ({"concentration": 0.1, "base_concentration": 0.1, **PHOSPHORIC}, "step_needed"),
        ({"base_concentration": 0.1, "pka": 6.35, "pka2": 10.33}, "step_needed"),  # NaHCO3 or Na2CO3?
        ({"concentration": 0.1, "pka": 4.76, "step": 2}, "bad_step"),
        ({"concentration": -0.1, "pka": 4.76}, "bad_arguments"),
    ],
)
def test_bad_input_is_typed(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(BenchmateError) as caught:
        run(**arguments)
    assert caught.value.code == code


@given(st.floats(-1, 14), st.floats(1e-7, 1), st.floats(0, 1))
def test_charge_and_protons_are_conserved(pka: float, total: float, neutralized: float) -> None:
    """[Na+] + [H+] = [OH-] + [A-], for an acid with part of its equivalent of NaOH."""
    sodium = neutralized * total
    result = run(concentration=total, pka=pka, strong_base=sodium)
    h = 10 ** -result.quantities["ph"].value
    salt = total * distribution([pka], result.quantities["ph"].value)[1]
    assert sodium + h == pytest.approx(1e-14 / h + salt, rel=1e-6)


@given(st.floats(-2, 16), st.lists(st.floats(0, 14), min_size=1, max_size=4))
def test_the_fractions_sum_to_one(acidity: float, pks: list[float]) -> None:
    fractions = distribution(sorted(pks), acidity)
    assert sum(fractions) == pytest.approx(1) and all(0 <= f <= 1 for f in fractions)
