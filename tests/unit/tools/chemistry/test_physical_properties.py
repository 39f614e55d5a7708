"""Tabulated properties against handbooks: CRC Handbook of Chemistry and Physics (97th ed.), NIST WebBook, ATcT."""

from pathlib import Path

import pytest

from benchmate.runtime.errors import NotFound
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.physical_properties import ESTIMATES, PROPERTIES, lookup_physical_properties

WHERE = ToolContext(cache_dir=Path(), artifact_dir=Path(), library_folder=Path())


def look_up(compound: str) -> ToolResult:
    return lookup_physical_properties.run({"compound": compound}, WHERE)


@pytest.mark.parametrize(
    ("compound", "name", "value", "unit", "within"),
    [
        ("acetone", "boiling_point", 56.08, "degC", 0.3),  # CRC 56.08, WebBook 329.3 K
        ("benzene", "melting_point", 5.5, "degC", 0.1),  # CRC 5.49
        ("water", "critical_temperature", 647.1, "K", 0.1),  # IAPWS 647.096
        ("methane", "enthalpy_of_formation_gas", -74.5, "kJ/mol", 0.2),  # ATcT -74.52, CRC -74.6
        ("benzene", "enthalpy_of_formation_gas", 83.0, "kJ/mol", 0.3),  # ATcT 83.2, CRC 82.9
        ("toluene", "flash_point", 4, "degC", 2.1),  # CRC 4
        ("chloroform", "dipole_moment", 1.04, "debye", 0.04),  # CRC 1.04
        ("methane", "lower_flammability_limit", 4.4, "percent", 0.7),  # IEC 4.4, NFPA 5.0
        ("benzene", "enthalpy_of_fusion", 9.87, "kJ/mol", 0.02),  # CRC 9.87
    ],
)
def test_handbook_values(compound: str, name: str, value: float, unit: str, within: float) -> None:
    quantity = look_up(compound).quantities[name]
    assert quantity.unit == unit
    assert quantity.value == pytest.approx(value, abs=within)
    assert quantity.method is not None
    assert quantity.method.startswith("tabulated: ")


@pytest.mark.parametrize("compound", ["acetone", "naphthalene", "ethanol", "carbon dioxide"])
def test_no_value_is_an_estimate(compound: str) -> None:
    tables = look_up(compound).data["tables"]
    assert tables
    assert not {source for values in tables.values() for source in values} & ESTIMATES


@pytest.mark.parametrize("compound", ["toluene", "methanol", "naphthalene", "propane"])
def test_the_phases_follow_one_another(compound: str) -> None:
    quantities = look_up(compound).quantities
    kelvin = [quantities[n].to("K").value for n in ("melting_point", "boiling_point", "critical_temperature")]
    assert kelvin == sorted(kelvin)


def test_tables_that_disagree_are_named() -> None:
    warnings = look_up("acetone").warnings  # IEC 60079-20-1: 539 °C, NFPA 497: 465 °C
    assert any("autoignition" in w and "IEC" in w and "NFPA" in w for w in warnings)


def test_enthalpies_at_zero_kelvin_are_left_out() -> None:
    assert "TRC" not in look_up("acetone").data["tables"]["enthalpy_of_formation_gas"]


def test_a_structure_that_no_table_knows() -> None:
    with pytest.raises(NotFound) as caught:
        look_up("CCCCCCC(F)(Br)CCNCCCCS")
    assert caught.value.code == "no_cas_number"


def test_every_property_has_words() -> None:
    assert all(known.words for known in PROPERTIES.values())
