"""Quantities: conversion is exact arithmetic with units, and formatting never changes what is meant."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import (
    Quantity,
    convert,
    display_unit,
    format_number,
    parse_unit,
    same_dimension,
)

SAME_KIND = [
    ("g/mol", "kg/mol"),
    ("kJ/mol", "kcal/mol"),
    ("angstrom**2", "nm**2"),
    ("degC", "kelvin"),
    ("degC", "degF"),
    ("percent", ""),
    ("nM", "mol/L"),
    ("eV", "J"),
    ("km", "m"),
]
VALUES = st.floats(-1e6, 1e6).map(lambda x: round(x, 6))


@given(VALUES, st.sampled_from(SAME_KIND))
def test_there_and_back_is_the_same(value, pair):
    unit, other = pair
    back = Quantity(value=value, unit=unit, property="p").to(other).to(unit)
    assert back.value == pytest.approx(value, rel=1e-9, abs=1e-6)
    assert back.unit == unit


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (0, "degC", "kelvin", 273.15),  # definition of the Celsius scale
        (212, "degF", "degC", 100),
        (1, "kcal", "J", 4184),  # thermochemical calorie
        (50, "percent", "", 0.5),
        (1, "angstrom", "pm", 100),
    ],
)
def test_known_conversions(value, unit, to, expected):
    assert convert(value, unit, to) == pytest.approx(expected, rel=1e-12)


def test_uncertainty_converts_as_a_difference():
    cold = Quantity(value=25.0, unit="degC", property="temperature", uncertainty=0.5)
    assert cold.to("kelvin").uncertainty == 0.5
    assert cold.to("degF").uncertainty == 0.9


@pytest.mark.parametrize(("unit", "to"), [("g", "m"), ("", "m"), ("g/mol", "g"), ("kelvin", "J")])
def test_another_dimension_is_refused(unit, to):
    with pytest.raises(InvalidInput) as caught:
        convert(1.0, unit, to)
    assert caught.value.code == "unit_mismatch"
    assert not same_dimension(unit, to)


@pytest.mark.parametrize(
    "unit",
    [
        "bogus",
        "m**9**9**9",
        "m^(9)^9",
        "m**1e9",
        "m**9999",
        "2*m",
        "m/0",
        "m +",
        "__import__('os')",
        "m" * 200,
        "m**x",
    ],
)
def test_what_is_no_unit_is_refused_at_once(unit):
    with pytest.raises(InvalidInput) as caught:
        parse_unit(unit)
    assert caught.value.code == "unknown_unit"


@given(st.text(max_size=30))
def test_any_text_is_a_unit_or_refused(text):
    with contextlib.suppress(InvalidInput):  # and nothing else
        parse_unit(text)


def test_an_unknown_unit_names_the_nearest():
    with pytest.raises(InvalidInput) as caught:
        parse_unit("metre_")
    assert "metre" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "unit", ["kg*m**2/s**2", "m**0.5", "m**(1/2)", "1/s**2", "kg**2 eV", "m**-12", "µm", "Å"]
)
def test_powers_that_science_writes_are_units(unit):
    assert parse_unit(unit)


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity(value=180.159, unit="g/mol", property="mw"), "180.16 g/mol"),
        (Quantity(value=5, unit="nM", property="ic50", relation="<"), "< 5 nM"),
        (Quantity(value=12.1, unit="angstrom**2", property="tpsa", uncertainty=0.3), "12.1 ± 0.3 Å²"),
        (Quantity(value=3, property="count"), "3"),
        (Quantity(value=0.0012345, property="p_value"), "0.001234"),
        (Quantity(value=45.5, unit="percent", property="gc"), "45.5 %"),
    ],
)
def test_formatting(quantity, text):
    assert quantity.format() == text


@given(st.floats(-1e9, 1e9))
def test_formatted_numbers_keep_four_digits(value):
    assert float(format_number(value)) == pytest.approx(value, rel=6e-4)


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_digits_are_decimals(value, digits):
    text = format_number(value, digits)
    assert len(text.partition(".")[2]) == digits
    assert float(text) == pytest.approx(value, abs=0.51 * 10**-digits)


def test_values_are_canonical_and_finite():
    assert Quantity(value=0.1 + 0.2, property="p") == Quantity(value=0.3, property="p")
    with pytest.raises(InvalidInput) as caught:
        Quantity(value=float("nan"), property="p")
    assert caught.value.code == "not_finite"


def test_display_of_no_unit_is_nothing():
    assert display_unit("") == ""


def test_units_are_written_as_chemists_write_them():
    written = {"l/mol/cm": "L/(mol·cm)", "1/cm": "cm⁻¹", "ml": "mL", "lb": "lb", "g/mol": "g/mol"}
    assert {unit: display_unit(unit) for unit in written} == written
