"""Orbits: the solar system, 51 Peg b, α Centauri, and the relations among period, axis and mass."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.astronomy.orbits import compute_orbit
from benchmate.tools.base import ToolContext, ToolResult

NOWHERE = Path("unused")


def call(**arguments: Any) -> ToolResult:
    return compute_orbit.run(compute_orbit.validate(arguments), ToolContext(NOWHERE, NOWHERE, NOWHERE))


def values(**arguments: Any) -> dict[str, float]:
    return {k: q.value for k, q in call(**arguments).quantities.items()}


def refused(**arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        call(**arguments)
    return caught.value


def test_the_earth_is_at_one_astronomical_unit() -> None:
    found = values(period="365.25 d", star_mass="1 Msun")
    assert found["semi_major_axis"] == pytest.approx(1, abs=2e-5)  # the Gaussian year is 365.2569 d
    assert found["mean_orbital_speed"] == pytest.approx(29.78, abs=0.01)  # NASA Earth fact sheet


def test_jupiter_takes_twelve_years() -> None:
    found = values(semi_major_axis="5.2038 au", star_mass=1)  # NASA Jupiter fact sheet: 4332.6 d
    assert found["period"] == pytest.approx(4332.6, rel=0.002)
    assert values(semi_major_axis=5.2038, star_mass=1, planet_mass=1)["period"] < found["period"]


def test_the_mass_of_alpha_centauri() -> None:
    # Akeson et al. 2021, AJ 162, 14: P = 79.762 yr, a = 23.3 au, 1.0788 + 0.9092 solar masses
    assert values(period="79.762 year", semi_major_axis=23.3)["total_mass"] == pytest.approx(1.988, rel=0.01)


def test_jupiter_moves_the_sun_by_12_5_meters_a_second() -> None:
    found = values(semi_major_axis=5.2044, star_mass=1, planet_mass=1, eccentricity=0.0489)
    assert found["velocity_amplitude"] == pytest.approx(
        12.5, abs=0.05
    )  # Perryman 2018, The Exoplanet Handbook


def test_the_minimum_mass_of_51_pegasi_b() -> None:
    # Butler et al. 2006, ApJ 646, 505: K 55.94 m/s, P 4.230785 d, e 0.013, M* 1.09; m sin i 0.472, a 0.0527
    found = values(velocity_amplitude=55.94, period=4.230785, star_mass=1.09, eccentricity=0.013)
    assert found["minimum_mass"] == pytest.approx(0.472, abs=0.005)
    assert found["semi_major_axis"] == pytest.approx(0.0527, abs=0.0003)


def test_the_equilibrium_temperature_of_the_earth() -> None:
    found = values(semi_major_axis=1, star_mass=1, star_luminosity=1, albedo=0.294)
    assert found["equilibrium_temperature"] == pytest.approx(
        255, abs=1
    )  # NASA Earth fact sheet: 254.0 K at albedo 0.294
    assert found["insolation"] == pytest.approx(1)


def test_temperature_and_radius_stand_for_the_luminosity() -> None:
    by_star = values(period=3.52, star_mass=1.1, star_temperature=5772, star_radius=1)
    by_light = values(period=3.52, star_mass=1.1, star_luminosity=1)
    assert by_star["equilibrium_temperature"] == pytest.approx(by_light["equilibrium_temperature"])


def test_an_eccentric_orbit_has_two_distances() -> None:
    found = values(period=365.25, star_mass=1, eccentricity=0.0167)
    assert found["periastron"] == pytest.approx(0.9833, abs=1e-4)
    assert found["apoastron"] == pytest.approx(1.0167, abs=1e-4)


def test_all_three_may_be_given_if_they_agree() -> None:
    assert call(period=365.25, semi_major_axis=1, star_mass=1).data["derived"] == "nothing: all three agree"
    error = refused(period=365.25, semi_major_axis=1, star_mass=2)
    assert error.code == "inconsistent"
    assert "need 1 solar masses" in str(error)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"period": 10}, "incomplete"),
        ({}, "incomplete"),
        ({"period": -1, "star_mass": 1}, "bad_arguments"),
        ({"period": "5 km", "star_mass": 1}, "bad_arguments"),
        ({"period": 10, "star_mass": 1, "eccentricity": 1}, "bad_arguments"),
        ({"period": 10, "star_mass": 1, "star_temperature": 5800}, "incomplete"),
        ({"period": 0.01, "star_mass": 1, "star_temperature": 5800, "star_radius": 1}, "inside_the_star"),
        ({"period": 10, "star_mass": 1, "planet_mass": 1, "velocity_amplitude": 10}, "bad_arguments"),
        ({"period": 10, "semi_major_axis": 0.1, "velocity_amplitude": 10}, "incomplete"),
        ({"period": 3650, "semi_major_axis": 0.01, "planet_mass": 10}, "inconsistent"),
        ({"period": 10, "star_mass": 1, "star_temperature": 5800, "star_radius": 1, "star_luminosity": 1}, "bad_arguments"),
    ],
)  # fmt: skip
def test_what_is_refused(arguments: dict[str, Any], code: str) -> None:
    assert refused(**arguments).code == code


@given(st.floats(0.5, 1e5), st.floats(0.08, 50))
def test_keplers_law_goes_both_ways(period: float, mass: float) -> None:
    axis = values(period=period, star_mass=mass)["semi_major_axis"]
    assert values(semi_major_axis=axis, star_mass=mass)["period"] == pytest.approx(period, rel=1e-9)
    assert values(semi_major_axis=axis, period=period)["total_mass"] == pytest.approx(mass, rel=1e-9)


@given(st.floats(0.01, 500), st.floats(1, 5000), st.floats(0.1, 5), st.floats(0, 0.9))
def test_mass_and_amplitude_go_both_ways(mass: float, period: float, star: float, e: float) -> None:
    k = values(period=period, star_mass=star, planet_mass=mass, eccentricity=e)["velocity_amplitude"]
    back = values(period=period, star_mass=star, velocity_amplitude=k, eccentricity=e)["minimum_mass"]
    assert back == pytest.approx(mass, rel=1e-6)
