"""Unit conversion: CODATA and handbook values, the readings of ambiguous names, and round trips."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import parse_unit
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.units import convert_units, read_unit


def convert(value: float, from_unit: str, to_unit: str, **more: Any) -> ToolResult:
    nowhere = Path("unused")
    arguments = {"value": value, "from_unit": from_unit, "to_unit": to_unit, **more}
    return convert_units.run(convert_units.validate(arguments), ToolContext(nowhere, nowhere, nowhere))


def converted(value: float, from_unit: str, to_unit: str, **more: Any) -> float:
    return convert(value, from_unit, to_unit, **more).quantities["converted"].value


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "expected"),
    [
        (1, "kcal/mol", "kJ/mol", 4.184),  # thermochemical calorie, by definition
        (25, "°C", "K", 298.15),
        (-40, "degrees Celsius", "fahrenheit", -40),
        (98.6, "°F", "deg C", 37),
        (10, "delta degC", "delta degF", 18),
        (10, "Δ°C", "delta K", 10),
        (300, "K", "delta degC", 300),
        (760, "mmHg", "kPa", 101.325),  # conventional mmHg, NIST SP 811
        (1, "atm", "Torr", 760),
        (1, "hartree", "kcal/mol", 627.509474),  # CODATA 2018: 4.3597447222e-18 J
        (1, "eV", "kJ/mol", 96.4853321),  # CODATA 2018: the Faraday constant in kC/mol
        (1, "eV", "nm", 1239.841984),  # CODATA 2018: h c / e
        (1, "eV", "cm-1", 8065.543937),  # CODATA 2018
        (1000, "cm⁻¹", "kJ mol-1", 11.96265658),  # h c N_A
        (532, "nm", "THz", 563.5196),  # c / wavelength
        (10, "wavenumbers", "mm", 1),
        (1, "Å", "nm", 0.1),
        (1, "astronomical_unit", "km", 149597870.7),  # IAU 2012
        (1, "pc", "light years", 3.261563777),  # IAU 2015
        (60, "rpm", "Hz", 1),
        (1, "u", "g/mol", 0.99999999965),  # CODATA 2018: the molar mass constant
        (5, "µM", "nM", 5000),
        (5000, "ppm", "percent", 0.5),
        (2, "Cal", "J", 8368),
        (1, "tonne", "US_ton", 1.102311311),  # NIST SP 811: short ton 907.18474 kg
        (8.314462618, "J/(mol K)", "cal/(mol K)", 1.987204259),  # CODATA 2018: gas constant
    ],
)
def test_reference_values(value: float, from_unit: str, to_unit: str, expected: float) -> None:
    assert converted(value, from_unit, to_unit) == pytest.approx(expected, rel=1e-6)


def test_mass_to_amount_uses_the_molar_mass_of_the_substance() -> None:
    result = convert(5, "mg/mL", "mM", substance="caffeine")  # PubChem CID 2519: 194.19 g/mol
    assert result.quantities["converted"].value == pytest.approx(1000 * 5 / 194.19, rel=1e-4)
    assert result.quantities["molar_mass"].value == pytest.approx(194.19, abs=0.01)
    assert result.quantities["molar_mass"].unit == "g/mol"
    assert "caffeine" in (result.quantities["converted"].method or "")
    assert [(entity.argument, entity.label) for entity in result.entities] == [("substance", "caffeine")]
    assert converted(1, "mmol", "mg", substance="CN1C=NC2=C1C(=O)N(C(=O)N2C)C") == pytest.approx(
        194.19, rel=1e-4
    )


def test_the_input_is_echoed_as_read() -> None:
    result = convert(5, "kJ mol-1", "kcal/mol")
    assert (result.quantities["input"].value, result.quantities["input"].unit) == (5, "kJ*mol**-1")
    assert result.quantities["converted"].property == "converted_value"
    assert set(convert_units.properties) | {"input_value"} >= {q.property for q in result.quantities.values()}


def test_bare_letters_are_read_in_the_light_of_the_other_unit() -> None:
    result = convert(25, "C", "F")
    assert result.quantities["converted"].value == pytest.approx(77)
    assert result.warnings == ("'C' was read as degrees Celsius", "'F' was read as degrees Fahrenheit")
    assert converted(1, "C", "mC") == 1000  # a charge
    assert converted(1, "AU", "km") == pytest.approx(149597870.7)


def test_light_and_mole_bridges_are_said() -> None:
    assert "vacuum" in (convert(2, "eV", "nm").quantities["converted"].method or "")
    assert "Avogadro" in (convert(2, "eV", "kJ/mol").quantities["converted"].method or "")
    assert convert(2, "eV", "J").quantities["converted"].method == "definition of the units"


def test_a_substance_that_changes_nothing_is_said() -> None:
    (warning,) = convert(5, "µM", "nM", substance="caffeine").warnings
    assert "caffeine was not needed" in warning


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "code", "named"),
    [
        (5, "mg/mL", "mM", "substance_needed", "substance="),
        (1, "kg", "m", "unit_mismatch", "[mass] and [length]"),
        (1, "blorg", "m", "unknown_unit", "'blorg'"),
        (1, "kilogrm", "g", "unknown_unit", "did you mean 'kilogram'?"),
        (1, "m", "kJ/mlo", "unknown_unit", "'mlo' in 'kJ/mlo'"),
        (7, "pH", "mol/L", "unknown_unit", "logarithm"),
        (1, "ton", "kg", "ambiguous_unit", "tonne"),
        (1, "AU", "AU", "ambiguous_unit", "astronomical_unit"),
        (1, "J/mol K", "cal/(mol K)", "ambiguous_unit", "J/(mol K)"),
        (10, "delta degC", "degF", "unit_mismatch", "delta"),
        (10, "degC", "delta degF", "unit_mismatch", "delta"),
        (-300, "degC", "K", "below_absolute_zero", "-300"),
        (-5, "nm", "eV", "out_of_range", "-5"),
        (0, "eV", "nm", "out_of_range", "positive"),
        (1e308, "km", "pm", "not_finite", "inf"),
        (1, "m**9**9**9", "m", "unknown_unit", "m"),
        (1, "__import__('os')", "m", "unknown_unit", "import"),
        (1, "*/", "m", "unknown_unit", "*/"),
    ],
)
def test_refusals(value: float, from_unit: str, to_unit: str, code: str, named: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        convert(value, from_unit, to_unit)
    assert refusal.value.code == code and named in str(refusal.value)


@pytest.mark.parametrize(
    ("written", "pint_name"),
    [
        ("°C", "degC"), ("deg C", "degC"), ("degrees celsius", "degC"), ("℃", "degC"), ("Kelvin", "K"), ("Å", "angstrom"),
        ("\u212b", "angstrom"), ("µM", "micromolar"), ("\u03bcM", "micromolar"), ("uM", "micromolar"), ("kJ mol⁻¹", "kJ/mol"),
        ("kJ·mol-1", "kJ/mol"), ("M-1 cm-1", "1/(M*cm)"), ("mm Hg", "mmHg"), ("RPM", "rpm"), ("m²", "m**2"), ("Å2", "angstrom**2"),
        ("square meters", "m**2"), ("cubic feet", "ft**3"), ("meters per second", "m/s"), ("g/cm3", "g/cm**3"),
        ("light-years", "light_year"), ("electron volts", "eV"), ("W/(m °C)", "W/m/delta_degC"), ("%", "percent"), ("", ""),
    ],
)  # fmt: skip
def test_names_as_people_write_them(written: str, pint_name: str) -> None:
    assert parse_unit(read_unit(written).unit) == parse_unit(pint_name)


SAME_KIND = [
    ("m", "Å", "ft", "pc"), ("g", "kDa", "lb"), ("J", "kcal", "eV", "hartree"), ("K", "°C", "°F"), ("Pa", "bar", "mmHg", "psi"),
    ("M", "µM", "mol/m3"), ("nm", "eV", "cm-1", "THz", "kJ/mol"), ("Hz", "rpm"), ("s", "h", "year"),
]  # fmt: skip
PAIRS = [(a, b) for kind in SAME_KIND for a in kind for b in kind]


@given(st.floats(1e-3, 1e6), st.sampled_from(PAIRS))
def test_there_and_back_again(value: float, units: tuple[str, str]) -> None:
    there, back = units
    assert converted(converted(value, there, back), back, there) == pytest.approx(value, rel=1e-6, abs=1e-6)


@given(st.floats(1e-3, 1e3), st.sampled_from([kind for kind in SAME_KIND if len(kind) > 2]))
def test_a_detour_changes_nothing(value: float, kind: tuple[str, ...]) -> None:
    a, b, c = kind[:3]
    assert converted(converted(value, a, b), b, c) == pytest.approx(
        converted(value, a, c), rel=1e-6, abs=1e-6
    )


@given(st.text(max_size=12) | st.text("mkgsKCJlo µÅ°²⁻*/^()-12 ", max_size=8))
def test_any_text_is_a_unit_or_a_typed_error(text: str) -> None:
    try:
        unit = read_unit(text).unit
    except InvalidInput as error:
        code: str | None = error.code
    else:
        code = None
        parse_unit(unit)
    assert code in (None, "unknown_unit", "ambiguous_unit")
