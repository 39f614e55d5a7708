"""Solutions: textbook masses and dilutions, hydrates and salt forms, liquids by density, typed errors."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.solutions import prepare_solution


def run(**arguments: Any) -> ToolResult:
    nowhere = Path("unused")
    return prepare_solution.run(prepare_solution.validate(arguments), ToolContext(nowhere, nowhere, nowhere))


def refusal(**arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(**arguments)
    return caught.value


@pytest.mark.parametrize(
    ("arguments", "grams"),
    [  # concentration × volume × IUPAC molar mass by hand
        ({"solute": "NaCl", "concentration": "0.150 M", "volume": "250 mL"}, 2.192),
        ({"solute": "CuSO4·5H2O", "concentration": 0.1, "volume": 500}, 12.484),
        ({"solute": "CuSO4", "hydrate": 5, "concentration": 0.1, "volume": 500}, 12.484),
        ({"solute": "copper sulfate pentahydrate", "concentration": 0.1, "volume": 500}, 12.484),
        ({"solute": "Tris", "concentration": "50 mM", "volume": "1 L"}, 6.057),
        ({"solute": "KMnO4", "concentration": "20 mM", "volume": "1 L"}, 3.161),
        ({"solute": "SDS", "mass_concentration": "100 g/L", "volume": "50 mL"}, 5.0),
        ({"solute": "glucose", "concentration": "5 mM", "volume": "1 L"}, 0.9008),
    ],
)
def test_the_mass_to_weigh(arguments: dict[str, Any], grams: float) -> None:
    assert run(**arguments).quantities["mass"].value == pytest.approx(grams, rel=5e-4)


def test_an_impure_solid_is_weighed_in_excess() -> None:
    pure, impure = (
        run(solute="NaCl", concentration=1, volume=100, purity=p).quantities["mass"].value for p in (100, 95)
    )
    assert impure == pytest.approx(pure / 0.95)


def test_concentrated_hydrochloric_acid_is_12_molar() -> None:
    """37 % by mass and 1.19 g/mL is the 12.1 M of the bottle (Merck); 1 L of 1 M takes 83 mL."""
    result = run(solute="HCl", concentration=1, volume="1 L", stock_mass_percent=37, stock_density=1.19)
    assert result.quantities["stock_concentration"].value == pytest.approx(12.08, abs=0.01)
    assert result.quantities["stock_volume"].value == pytest.approx(82.8, abs=0.1)
    assert any("add the acid to the water" in w for w in result.warnings)


def test_glacial_acetic_acid_is_17_molar() -> None:
    """Merck: 99.8 %, 1.05 g/mL, 17.4 mol/L."""
    result = run(solute="acetic acid", concentration=1, volume=100, stock_density="1.049 g/mL")
    assert result.quantities["stock_concentration"].value == pytest.approx(17.47, abs=0.02)
    assert any("pure" in w for w in result.warnings)


def test_a_stock_is_diluted_without_naming_the_solute() -> None:
    result = run(concentration="50 uM", stock_concentration="10 mM", volume="2 mL")
    assert result.quantities["stock_volume"].to("uL").value == pytest.approx(10)
    assert result.quantities["diluent_volume"].to("mL").value == pytest.approx(1.99)


def test_mixing_volumes_warns_that_they_do_not_add_up() -> None:
    """70 % from 96 % ethanol: C1·V1 = C2·V2 gives 145.8 mL for 200 mL."""
    result = run(solute="ethanol", volume_percent=70, stock_volume_percent=96, volume=200)
    assert result.quantities["stock_volume"].value == pytest.approx(145.83, abs=0.01)
    assert any("do not add up" in w for w in result.warnings)
    pure = run(solute="ethanol", volume_percent=70, volume=200)
    assert any("do not add up" in w for w in pure.warnings)


def test_the_molarity_of_what_was_weighed() -> None:
    result = run(solute="NaCl", mass="5.844 g", volume="500 mL")
    assert result.quantities["concentration"].value == pytest.approx(0.2, rel=1e-3)
    assert result.quantities["mass_concentration"].value == pytest.approx(11.688)


def test_what_a_volume_of_stock_becomes() -> None:
    result = run(stock_volume=5, stock_concentration=2, volume=50)
    assert result.quantities["concentration"].value == pytest.approx(0.2)


def test_a_molar_mass_of_another_hydrate_is_noticed() -> None:
    result = run(solute="CuSO4·5H2O", concentration=0.1, volume=500, molar_mass=159.61)
    assert any("5 H2O fewer" in w for w in result.warnings)


def test_a_salt_that_is_often_hydrated_is_pointed_out() -> None:
    assert any("bottle" in w for w in run(solute="MgCl2", concentration=1, volume=100).warnings)
    assert not run(solute="MgCl2·6H2O", concentration=1, volume=100).warnings


def test_a_name_whose_salt_the_tables_lose_is_refused() -> None:
    """The table lists disodium EDTA among the names of the free acid: the mass would be 20 % too small."""
    assert refusal(solute="disodium EDTA", concentration=0.5, volume=100).code == "salt_form_lost"


def test_a_word_that_is_also_a_formula_is_the_name() -> None:
    """SDS reads as sulfur-deuterium-sulfur."""
    assert run(solute="SDS", concentration=0.1, volume=100).quantities["molar_mass"].value == pytest.approx(
        288.4, abs=0.1
    )


def test_a_smiles_names_the_solute() -> None:
    assert run(solute="CCO", concentration=1, volume=1000).quantities["mass"].value == pytest.approx(
        46.07, abs=0.01
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"solute": "NaCl", "volume": 100}, "underspecified"),
        ({"solute": "NaCl", "volume": 100, "concentration": 1, "mass": 2}, "overspecified"),
        ({"concentration": 1, "volume": 100}, "solute_needed"),
        ({"mass": 1, "volume": 100}, "solute_needed"),
        ({"hydrate": 2, "concentration": 1, "volume": 100}, "solute_needed"),
        ({"stock_volume": 1, "volume": 100}, "underspecified"),
        ({"solute": "HCl", "concentration": 1, "volume": 100, "stock_mass_percent": 37}, "underspecified"),
        (
            {"solute": "NaCl", "concentration": 1, "volume": 100, "stock_concentration": 0.5},
            "stock_too_dilute",
        ),
        ({"stock_volume": 200, "stock_concentration": 1, "volume": 100}, "stock_too_dilute"),
        (
            {"concentration": 1, "volume": 9, "stock_concentration": 5, "stock_volume_percent": 96},
            "overspecified",
        ),
        ({"concentration": 1, "volume": 9, "stock_concentration": 5, "stock_density": 1.2}, "overspecified"),
        ({"concentration": 1, "volume": 9, "stock_mass_concentration": 50}, "solute_needed"),
        ({"solute": "Na+", "concentration": 1, "volume": 100}, "not_neutral"),
        ({"solute": "unobtainium", "concentration": 1, "volume": 100}, "unknown_compound"),
        ({"solute": "NaXl", "concentration": 1, "volume": 100}, "unknown_element"),
        ({"solute": "NaCl", "concentration": -1, "volume": 100}, "bad_arguments"),
        ({"solute": "NaCl", "concentration": "1 kg", "volume": 100}, "bad_arguments"),
    ],
)
def test_a_request_that_cannot_be_met_says_why(arguments: dict[str, Any], code: str) -> None:
    assert refusal(**arguments).code == code


@given(st.floats(1e-3, 5), st.floats(1, 5000), st.sampled_from(["NaCl", "CuSO4·5H2O", "Na2HPO4"]))
def test_weighing_and_dissolving_are_inverse(concentration: float, volume: float, solute: str) -> None:
    mass = run(solute=solute, concentration=concentration, volume=volume).quantities["mass"].value
    back = run(solute=solute, mass=mass, volume=volume).quantities["concentration"].value
    assert back == pytest.approx(concentration, rel=1e-9)
