"""Planets and stars: HD 209458 b, the Earth's transit, Sirius, Vega, and what the formulas cannot give."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.astronomy.stars_and_planets import estimate_star_planet
from benchmate.tools.base import ToolContext, ToolResult

NOWHERE = Path("unused")


def call(**arguments: Any) -> ToolResult:
    tool = estimate_star_planet
    return tool.run(tool.validate(arguments), ToolContext(NOWHERE, NOWHERE, NOWHERE))


def values(**arguments: Any) -> dict[str, float]:
    return {k: q.value for k, q in call(**arguments).quantities.items()}


def refused(**arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        call(**arguments)
    return caught.value


@pytest.mark.parametrize("depth", ["1.0 %", "1%", 0.01, "10000 ppm"])
def test_a_depth_of_one_percent_is_a_tenth_of_the_star(depth: Any) -> None:
    assert values(transit_depth=depth)["radius_ratio"] == pytest.approx(0.1)


def test_the_earth_before_the_sun() -> None:
    found = values(radius_ratio=0.0091577, star_radius=1, star_mass=1, period=365.256)
    assert found["transit_depth"] == pytest.approx(83.9e-6, abs=0.1e-6)  # 84 ppm, Winn 2010
    assert found["planet_radius"] == pytest.approx(0.9989, abs=0.001)
    assert found["transit_duration"] == pytest.approx(13.1, abs=0.1)  # Kepler mission: 13 h
    assert found["transit_probability"] == pytest.approx(0.00465, abs=1e-5)
    assert found["stellar_density"] == pytest.approx(1.41, abs=0.01)


def test_the_transit_of_hd_209458_b() -> None:
    # Southworth 2010, MNRAS 408, 1689: k 0.1206, R* 1.162, M* 1.148, i 86.59, P 3.5247; T14 is 3.07 h
    found = values(radius_ratio=0.12086, star_radius=1.162, star_mass=1.148, period=3.5247486, impact_parameter=0.5215)  # fmt: skip
    assert found["transit_duration"] == pytest.approx(3.07, abs=0.04)
    assert found["full_transit_duration"] < found["transit_duration"]
    assert found["planet_radius_jupiter"] == pytest.approx(1.38, abs=0.02)
    assert found["inclination"] == pytest.approx(86.59, abs=0.1)
    assert found["stellar_density"] == pytest.approx(1.031, abs=0.02)


def test_a_uniform_disc_is_an_assumption_that_is_said() -> None:
    assert "uniform stellar disc" in call(transit_depth=0.01).warnings[0]
    assert call(transit_depth=0.01, limb_darkening_linear=0.4, limb_darkening_quadratic=0.2).warnings == ()


def test_limb_darkening_follows_from_integrating_over_the_disc() -> None:
    """A small spot at the centre hides I(0) of the mean; the mean by numerical integration over the disc."""
    u1, u2 = 0.4, 0.3
    r = np.linspace(0, 1, 200_001)
    mu = np.sqrt(1 - r**2)
    mean = np.trapezoid((1 - u1 * (1 - mu) - u2 * (1 - mu) ** 2) * 2 * r, r)
    found = values(radius_ratio=0.01, limb_darkening_linear=u1, limb_darkening_quadratic=u2)
    assert found["transit_depth"] == pytest.approx(1e-4 / mean, rel=1e-6)
    assert found["transit_depth"] > 1e-4


def test_a_grazing_transit_gives_a_lower_bound() -> None:
    result = call(transit_depth=0.01, impact_parameter=0.95)
    assert result.quantities["radius_ratio"].relation == ">"
    assert any("grazing" in warning for warning in result.warnings)


def test_a_point_planet_is_said_to_be_one() -> None:
    result = call(period=10, star_mass=1, star_radius=1)
    assert "full_transit_duration" not in result.quantities
    assert "point" in result.warnings[0]


def test_sirius_from_its_parallax() -> None:
    found = call(parallax=379.21, parallax_error=1.58, apparent_magnitude=-1.46)  # van Leeuwen 2007
    assert found.quantities["distance"].value == pytest.approx(2.637, abs=0.001)
    assert found.quantities["distance"].uncertainty == pytest.approx(0.011, abs=0.001)
    assert found.quantities["absolute_magnitude"].value == pytest.approx(1.43, abs=0.01)
    assert "extinction" in found.warnings[0]


def test_ten_parsecs_is_the_zero_of_the_modulus() -> None:
    assert values(distance="10 pc")["distance_modulus"] == pytest.approx(0, abs=1e-12)
    assert values(distance="1 kpc")["distance_modulus"] == pytest.approx(10)
    assert values(distance=100, apparent_magnitude=8, extinction=0.5)["absolute_magnitude"] == pytest.approx(
        2.5
    )


def test_a_noisy_parallax_is_biased() -> None:
    assert "biased" in call(parallax=1.0, parallax_error=0.3).warnings[0]
    assert call(parallax=1.0, parallax_error=0.1).warnings == ()


def test_vega_by_the_stefan_boltzmann_law() -> None:
    # Yoon et al. 2010, ApJ 708, 71: L 40.12 Lsun; mean R 2.511 Rsun; T from L and R
    found = values(star_luminosity=40.12, star_radius=2.511)
    assert found["star_temperature"] == pytest.approx(9166, abs=10)
    assert values(star_temperature=5772, star_radius=1)["star_luminosity"] == pytest.approx(1)


def test_a_radius_from_luminosity_and_temperature_sizes_the_planet() -> None:
    found = values(star_luminosity=1, star_temperature=5772, transit_depth=0.01)
    assert found["planet_radius_jupiter"] == pytest.approx(0.1 * 6.957e8 / 7.1492e7, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "incomplete"),
        ({"star_radius": 1}, "incomplete"),
        ({"transit_depth": 1.0}, "bad_arguments"),
        ({"transit_depth": "1 km"}, "bad_arguments"),
        ({"transit_depth": 0.01, "radius_ratio": 0.1}, "bad_arguments"),
        ({"radius_ratio": 0.1, "impact_parameter": 1.2}, "no_transit"),
        ({"period": 3, "star_mass": 1}, "incomplete"),
        ({"period": 3, "star_mass": 1, "star_radius": 1, "impact_parameter": 1.1}, "no_transit"),
        ({"period": 0.05, "star_mass": 1, "star_radius": 1}, "inside_the_star"),
        ({"parallax": -0.3}, "bad_parallax"),
        ({"parallax": 10, "distance": 100}, "bad_arguments"),
        ({"star_radius": 1, "star_temperature": 5772, "star_luminosity": 1}, "bad_arguments"),
        ({"transit_depth": 0.01, "limb_darkening_linear": 1.2}, "bad_arguments"),
    ],
)  # fmt: skip
def test_what_is_refused(arguments: dict[str, Any], code: str) -> None:
    assert refused(**arguments).code == code


@given(st.floats(0.001, 0.3), st.floats(0, 0.6), st.floats(0, 0.5), st.floats(0, 0.4))
def test_depth_and_ratio_go_both_ways(ratio: float, b: float, u1: float, u2: float) -> None:
    rest = {"impact_parameter": b, "limb_darkening_linear": u1, "limb_darkening_quadratic": u2}
    depth = values(radius_ratio=ratio, **rest)["transit_depth"]
    assert values(transit_depth=depth, **rest)["radius_ratio"] == pytest.approx(ratio, rel=1e-9)
