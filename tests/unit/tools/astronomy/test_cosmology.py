"""Distances and times: published calculators, closed forms, numerical integration, and what is refused."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.astronomy.cosmology import compute_cosmology
from benchmate.tools.base import ToolContext, ToolResult

NOWHERE = Path("unused")
C = 299_792.458  # km/s


def call(**arguments: Any) -> ToolResult:
    return compute_cosmology.run(
        compute_cosmology.validate(arguments), ToolContext(NOWHERE, NOWHERE, NOWHERE)
    )


def values(**arguments: Any) -> dict[str, float]:
    return {k: q.value for k, q in call(**arguments).quantities.items()}


def refused(**arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        call(**arguments)
    return caught.value


def test_planck18_at_redshift_1() -> None:
    found = values(redshift=1)
    assert found["luminosity_distance"] == pytest.approx(6791, abs=1)
    assert found["age_today"] == pytest.approx(13.787, abs=0.001)  # Planck 2018, table 2, last column
    assert found["luminosity_distance"] == pytest.approx(found["comoving_distance"] * 2)
    assert found["angular_diameter_distance"] == pytest.approx(found["luminosity_distance"] / 4)


def test_the_age_of_wmap9() -> None:
    assert values(model="WMAP9")["age_today"] == pytest.approx(13.772, abs=0.06)  # Hinshaw et al. 2013


def test_wrights_cosmology_calculator() -> None:
    """Wright 2006, PASP 118, 1711, defaults of the calculator: H0 = 71, Ωm = 0.27, flat, z = 3."""
    found = values(redshift=3, hubble_constant=71, omega_m=0.27)
    assert found["age_today"] == pytest.approx(13.665, abs=0.02)
    assert found["lookback_time"] == pytest.approx(11.476, abs=0.02)
    assert found["comoving_distance"] == pytest.approx(6460.6, rel=0.002)
    assert found["scale"] == pytest.approx(7.83, abs=0.02)


def test_an_einstein_de_sitter_universe_has_closed_forms() -> None:
    found = values(redshift=3, hubble_constant=70, omega_m=1)
    assert found["luminosity_distance"] == pytest.approx(2 * C / 70 * (4 - math.sqrt(4)), rel=1e-6)
    hubble_time = 977.792221 / 70  # Gyr
    assert found["age_today"] == pytest.approx(2 / 3 * hubble_time, rel=1e-5)
    assert found["age"] == pytest.approx(2 / 3 * hubble_time / 8, rel=1e-5)


def test_an_empty_universe_is_open() -> None:
    found = values(redshift=1, hubble_constant=70, omega_m=1e-9, omega_lambda=0)  # Milne: c/H0 (z + z²/2)
    assert found["luminosity_distance"] == pytest.approx(C / 70 * 1.5, rel=1e-6)
    assert found["transverse_comoving_distance"] == pytest.approx(C / 70 * 0.75, rel=1e-6)


@given(st.floats(0.05, 5), st.floats(0.1, 0.9))
@settings(max_examples=20)
def test_the_comoving_distance_is_an_integral(z: float, om: float) -> None:
    steps = np.linspace(0, z, 20001)
    integral = np.trapezoid(1 / np.sqrt(om * (1 + steps) ** 3 + 1 - om), steps)
    found = values(redshift=z, hubble_constant=70, omega_m=om)
    assert found["comoving_distance"] == pytest.approx(C / 70 * integral, rel=1e-6)
    assert found["age"] + found["lookback_time"] == pytest.approx(found["age_today"])
    assert found["distance_modulus"] == pytest.approx(5 * math.log10(found["luminosity_distance"]) + 25)


@given(st.floats(0.001, 20), st.sampled_from(["luminosity_distance", "comoving_distance", "lookback_time"]))
@settings(max_examples=20)
def test_the_redshift_at_a_distance_comes_back(z: float, name: str) -> None:
    there = values(redshift=z)[name]
    assert values(**{name: there})["redshift"] == pytest.approx(z, rel=1e-6)


def test_gw150914_was_at_a_redshift_of_0_09() -> None:
    found = call(luminosity_distance="410 Mpc", model="Planck15").quantities["redshift"]
    assert found.value == pytest.approx(0.09, abs=0.005)  # LVC, PRL 116, 061102
    assert found.conditions == {"cosmology": "Planck15", "luminosity distance": "410 Mpc"}


def test_distances_may_have_other_units() -> None:
    assert values(luminosity_distance="1.337 Gly")["redshift"] == pytest.approx(
        values(luminosity_distance=409.92)["redshift"], rel=1e-3
    )


def test_the_model_and_its_parameters_are_named() -> None:
    result = call(redshift=0.5, hubble_constant=70, omega_m=0.3)
    assert result.data["parameters"]["Ode0"] == pytest.approx(0.7)
    assert "no radiation" in result.data["model"]
    assert result.quantities["luminosity_distance"].conditions == {
        "redshift": "0.5", "cosmology": "flat ΛCDM, H0 = 70 km/s/Mpc, Ωm = 0.3, no radiation"
    }  # fmt: skip


def test_redshift_zero_has_no_distance_modulus() -> None:
    result = call(redshift=0)
    assert result.quantities["luminosity_distance"].value == 0
    assert "distance_modulus" not in result.quantities and result.warnings


def test_small_redshifts_are_not_distances() -> None:
    assert "peculiar" in call(redshift=0.003).warnings[0]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"redshift": 1, "luminosity_distance": 100}, "bad_arguments"),
        ({"redshift": -0.1}, "bad_arguments"),
        ({"redshift": 1, "hubble_constant": 70}, "bad_arguments"),
        ({"redshift": 1, "omega_m": 0.3}, "bad_arguments"),
        ({"redshift": 1, "hubble_constant": 70, "omega_m": 1.5}, "bad_arguments"),
        ({"redshift": 1, "hubble_constant": 70, "omega_m": 0.1, "omega_lambda": 1.9}, "no_such_universe"),
        ({"lookback_time": 14.5}, "no_such_redshift"),
        ({"luminosity_distance": 1e9}, "no_such_redshift"),
        ({"luminosity_distance": 1e3, "hubble_constant": 70, "omega_m": 1.2, "omega_lambda": 0}, "no_such_redshift"),
        ({"luminosity_distance": "5 kg"}, "bad_arguments"),
    ],
)  # fmt: skip
def test_what_is_refused(arguments: dict[str, Any], code: str) -> None:
    assert refused(**arguments).code == code
