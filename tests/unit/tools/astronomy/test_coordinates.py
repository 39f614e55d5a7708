"""Positions: SIMBAD and Gaia values, the poles that define frames, sexagesimal text, and angles between positions."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.astronomy.coordinates import convert_coordinates, measure_separation
from benchmate.tools.astronomy.sky_positions import read_position, sexagesimal
from benchmate.tools.base import Tool, ToolContext, ToolResult

NOWHERE = Path("unused")


def call(tool: Tool, **arguments: Any) -> ToolResult:
    return tool.run(tool.validate(arguments), ToolContext(NOWHERE, NOWHERE, NOWHERE))


def values(**arguments: Any) -> dict[str, float]:
    return {k: q.value for k, q in call(convert_coordinates, **arguments).quantities.items()}


def refused(**arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        call(convert_coordinates, **arguments)
    return caught.value


@pytest.mark.parametrize(
    ("name", "position", "galactic"),  # SIMBAD
    [
        ("M31", [10.684708, 41.26875], (121.1743, -21.5733)),
        ("Sgr A*", [266.41683, -29.00781], (359.9442, -0.0462)),
        ("Crab pulsar", [83.63308, 22.0145], (184.5575, -5.7843)),
    ],
)
def test_galactic_coordinates(name: str, position: list[float], galactic: tuple[float, float]) -> None:
    found = values(position=position)
    assert (found["galactic_longitude"], found["galactic_latitude"]) == pytest.approx(galactic, abs=2e-4)


def test_the_galactic_pole_defines_the_galactic_system_in_b1950() -> None:
    pole = values(position=[0, 90], conversion="from_galactic")  # Blaauw et al. 1960: 12h49m +27.4 deg, B1950
    assert pole["right_ascension_b1950"] == pytest.approx(192.25, abs=3e-4)  # E-terms are below 0.35 arcsec
    assert pole["declination_b1950"] == pytest.approx(27.4, abs=3e-4)


def test_the_ecliptic_pole_is_tilted_by_the_obliquity() -> None:
    pole = values(position=[0, 90], conversion="from_ecliptic")  # IAU 2006: obliquity 84381.406 arcsec
    assert pole["declination"] == pytest.approx(90 - 84381.406 / 3600, abs=2e-5)
    assert pole["right_ascension"] == pytest.approx(270, abs=5e-5)


def test_b1950_and_j2000_differ_by_precession() -> None:
    found = values(position="12h49m00s +27d24m00s", conversion="from_b1950")
    assert found["right_ascension_j2000"] == pytest.approx(192.85948, abs=3e-4)  # ESA 1997, Hipparcos vol. 1
    assert found["declination_j2000"] == pytest.approx(27.12825, abs=3e-4)


def test_proper_motion_carries_barnards_star_from_2000_to_2016() -> None:
    found = values(  # SIMBAD at J2000; Gaia DR3 4472832130942575872 at J2016
        position="17h57m48.49847s +04d41m36.1139s", proper_motion_ra=-801.551, proper_motion_dec=10362.394,
        epoch=2000.0, to_epoch=2016.0,
    )  # fmt: skip
    assert found["right_ascension"] == pytest.approx(269.4485025, abs=5e-6)
    assert found["declination"] == pytest.approx(4.7394201, abs=5e-6)


def test_proper_motion_needs_both_epochs() -> None:
    error = refused(position=[10, 20], proper_motion_ra=10, proper_motion_dec=5, epoch=2016)
    assert error.code == "incomplete"
    assert "to_epoch" in (error.hint or "")


def test_proper_motion_is_refused_in_other_frames() -> None:
    motion = {"proper_motion_ra": 1, "proper_motion_dec": 1, "epoch": 2000, "to_epoch": 2016}
    assert refused(position=[10, 20], conversion="from_b1950", **motion).code == "bad_arguments"


def test_altitude_and_azimuth_follow_from_sidereal_time() -> None:
    """The USNO's approximate sidereal time and the spherical triangle; precession since 2000 is 0.35 deg at most."""
    ra, dec, lat, lon = 279.2347, 38.7837, 28.76, -17.89
    found = values(
        position=[ra, dec], site_latitude=lat, site_longitude=lon, observed_at="2024-07-01 23:00 UTC"
    )
    days = 2460493.458333 - 2451545.0
    sidereal = (18.697374558 + 24.06570982441908 * days) % 24 * 15 + lon
    h, d, p = (math.radians(x) for x in (sidereal - ra, dec, lat))
    altitude = math.degrees(math.asin(math.sin(p) * math.sin(d) + math.cos(p) * math.cos(d) * math.cos(h)))
    azimuth = math.degrees(math.atan2(-math.sin(h), math.tan(d) * math.cos(p) - math.sin(p) * math.cos(h)))
    assert found["altitude"] == pytest.approx(altitude, abs=0.35)
    assert found["azimuth"] == pytest.approx(azimuth % 360, abs=0.7)
    assert found["airmass"] == pytest.approx(1 / math.sin(math.radians(found["altitude"])), rel=1e-9)


def test_below_the_horizon_there_is_no_airmass() -> None:
    result = call(
        convert_coordinates, position=[0, -80], site_latitude=50, site_longitude=0, observed_at="2024-07-01 23:00 UTC"
    )  # fmt: skip
    assert "airmass" not in result.quantities
    assert "below the horizon" in result.warnings[-1]


def test_a_naive_time_and_the_end_of_the_tables_are_named() -> None:
    result = call(
        convert_coordinates, position=[0, 20], site_latitude=50, site_longitude=0, observed_at="2090-07-01 23:00"
    )  # fmt: skip
    assert "UTC is assumed" in result.warnings[0]
    assert "UT1" in result.warnings[1]


def test_a_site_without_a_time_is_incomplete() -> None:
    assert refused(position=[10, 20], site_latitude=28, site_longitude=-17).code == "incomplete"


def test_marked_hours_are_hours_and_need_no_note() -> None:
    position = read_position("00h42m44.3s +41d16m09s")
    assert position[:2] == pytest.approx((10.684583, 41.269167), abs=1e-6)
    assert position.notes == ()


@pytest.mark.parametrize(
    "text", ["00:42:44.3 +41:16:09", "00 42 44.3 +41 16 09", "RA 00:42:44.3, Dec 41:16:09"]
)
def test_digits_without_marks_are_hours_and_say_so(text: str) -> None:
    position = read_position(text)
    assert position.longitude == pytest.approx(10.684583, abs=1e-6)
    assert "read as hours" in position.notes[0]


def test_decimal_numbers_are_degrees() -> None:
    assert read_position("10.68458, 41.269") == read_position([10.68458, 41.269])
    assert read_position("10.68458d +41.269d").longitude == 10.68458
    assert read_position("5.5h +22.0").longitude == 82.5


def test_marked_degrees_of_right_ascension_stay_degrees() -> None:
    assert read_position("12d30m00s +12d00m00s").longitude == 12.5


def test_the_sign_of_a_zero_degree_declination_counts() -> None:
    assert read_position("12:30:00 -00:30:00").latitude == -0.5
    assert read_position("12h30m00s −0°30′00″").latitude == -0.5


@pytest.mark.parametrize(
    ("position", "code"),
    [
        ("25:00:00 +10:00:00", "ambiguous_angle"),
        ("25h00m00s +10d00m00s", "out_of_range"),
        ("12h30m00s 2h00m00s", "wrong_unit"),
        ("12:61:00 +10:00:00", "out_of_range"),
        ([10.0, 95.0], "out_of_range"),
        ([400.0, 5.0], "out_of_range"),
        ([10.0], "bad_position"),
        ("M31", "bad_position"),
        ("", "bad_position"),
        ("10.5", "bad_position"),
        (None, "incomplete"),
    ],
)
def test_what_is_no_position(position: Any, code: str) -> None:
    assert refused(position=position).code == code


def test_hours_are_refused_in_galactic_longitude() -> None:
    assert refused(position="12h30m00s +10d00m00s", conversion="from_galactic").code == "wrong_unit"


def test_a_position_is_given_once() -> None:
    assert refused(position=[10, 20], longitude=10, latitude=20).code == "incomplete"
    assert values(longitude="10.68458 deg", latitude=41.269) == values(position=[10.68458, 41.269])


@given(st.floats(0, 359.999), st.floats(-89.9, 89.9))
@settings(max_examples=20)
def test_galactic_coordinates_come_back(longitude: float, latitude: float) -> None:
    there = values(position=[longitude, latitude])
    back = values(
        position=[there["galactic_longitude"], there["galactic_latitude"]], conversion="from_galactic"
    )
    apart = call(
        measure_separation, first=[longitude, latitude], second=[back["right_ascension"], back["declination"]]
    )
    assert apart.quantities["separation"].value < 1e-8


@given(st.floats(0, 359.999), st.floats(-89.9, 89.9))
def test_sexagesimal_text_is_read_back(longitude: float, latitude: float) -> None:
    read = read_position(sexagesimal(longitude, latitude))
    assert read.latitude == pytest.approx(latitude, abs=2e-6)
    assert min(abs(read.longitude - longitude), 360 - abs(read.longitude - longitude)) < 5e-6


def test_m31_to_m33() -> None:
    result = call(measure_separation, first=[10.68458, 41.269], second=[23.4621, 30.6599])
    a, b, c, d = (math.radians(x) for x in (10.68458, 41.269, 23.4621, 30.6599))
    cosines = math.sin(b) * math.sin(d) + math.cos(b) * math.cos(d) * math.cos(c - a)
    assert result.quantities["separation"].value == pytest.approx(math.degrees(math.acos(cosines)), abs=1e-9)
    assert result.quantities["separation"].value == pytest.approx(14.78, abs=0.005)


def test_the_position_angle_counts_from_north_through_east() -> None:
    east = call(measure_separation, first=[10, 0], second=[11, 0])
    south = call(measure_separation, first=[10, 0], second=[10, -1])
    assert east.quantities["position_angle"].value == pytest.approx(90)
    assert south.quantities["position_angle"].value == pytest.approx(180)


def test_small_angles_keep_their_digits() -> None:
    tiny = call(measure_separation, first=[10, 60], second=[10, 60 + 1e-7])
    assert tiny.quantities["separation"].value == pytest.approx(1e-7, rel=1e-6)


def test_one_position_has_no_direction() -> None:
    same = call(measure_separation, first=[10, 20], second=[10, 20])
    assert same.quantities["separation"].value == 0
    assert "position_angle" not in same.quantities and same.warnings


ANGLES = st.tuples(st.floats(0, 359.999), st.floats(-89.9, 89.9)).map(list)


@given(ANGLES, ANGLES)
@settings(max_examples=30)
def test_the_separation_is_symmetric(first: list[float], second: list[float]) -> None:
    one = call(measure_separation, first=first, second=second).quantities["separation"].value
    other = call(measure_separation, first=second, second=first).quantities["separation"].value
    assert one == pytest.approx(other, abs=1e-9)
    assert 0 <= one <= 180
