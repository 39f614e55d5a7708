"""Times: definitions of epochs and scales, leap seconds, GWOSC's GPS time, and what is refused or assumed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.astronomy.times import convert_time
from benchmate.tools.base import ToolContext, ToolResult

NOWHERE = Path("unused")


def convert(time: str) -> ToolResult:
    return convert_time.run(convert_time.validate({"time": time}), ToolContext(NOWHERE, NOWHERE, NOWHERE))


def values(time: str) -> dict[str, float]:
    return {name: quantity.value for name, quantity in convert(time).quantities.items()}


def refused(time: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        convert(time)
    return caught.value


def test_noon_of_the_first_day_of_2000_is_jd_2451545() -> None:
    assert values("2000-01-01 12:00 UTC")["julian_date"] == 2451545.0  # by definition of the Julian date
    assert values("2000-01-01 12:00 UTC")["modified_julian_date"] == 51544.5


def test_the_epoch_j2000_is_in_terrestrial_time() -> None:
    assert convert("J2000.0").data["tt"] == "2000-01-01T12:00:00.000"
    assert convert("J2000.0").data["utc"] == "2000-01-01T11:58:55.816"  # IAU: 64.184 s before in UTC


@pytest.mark.parametrize(
    ("utc", "gps"),
    [
        ("2015-09-14 09:50:45.4 UTC", 1126259462.4),  # GWOSC, GW150914
        ("2017-08-17 12:41:04.4 UTC", 1187008882.4),  # GWOSC, GW170817
        ("1980-01-06 00:00:00 UTC", 0.0),  # IS-GPS-200, the GPS epoch
    ],
)
def test_gps_time_and_back(utc: str, gps: float) -> None:
    assert values(utc)["gps_time"] == pytest.approx(gps, abs=1e-3)
    back = convert(f"GPS {gps}")
    assert back.data["utc"].startswith(utc[:10])
    assert back.quantities["unix_time"].value == pytest.approx(values(utc)["unix_time"], abs=1e-3)


@pytest.mark.parametrize(
    ("date", "leap"),  # IERS Bulletin C
    [("1972-01-01", 10), ("1999-01-01", 32), ("2016-12-31", 36), ("2017-01-01", 37), ("2024-06-01", 37)],
)
def test_leap_seconds(date: str, leap: int) -> None:
    found = values(f"{date} 00:00 UTC")
    assert found["leap_seconds"] == leap
    assert found["tt_minus_utc"] == pytest.approx(leap + 32.184)
    assert found["tdb_minus_utc"] == pytest.approx(leap + 32.184, abs=0.002)  # TDB − TT is below 2 ms


def test_the_leap_second_itself_is_a_time() -> None:
    inside = convert("2016-12-31 23:59:60.5 UTC")
    assert inside.data["utc"] == "2016-12-31T23:59:60.500"
    assert inside.quantities["leap_seconds"].value == 36
    after, before = values("2017-01-01 00:00:00 UTC"), values("2016-12-31 23:59:59 UTC")
    assert after["gps_time"] - before["gps_time"] == pytest.approx(2)
    assert after["unix_time"] - before["unix_time"] == 1


def test_unix_time_is_posix_on_a_day_with_a_leap_second() -> None:
    """astropy stretches its `unix` over such a day; POSIX (IEEE 1003.1, 4.19) does not."""
    assert values("2016-12-31 12:00:00 UTC")["unix_time"] == 1483185600
    assert convert("unix 1483185600").data["utc"] == "2016-12-31T12:00:00.000"
    assert convert("unix -0.5").data["utc"] == "1969-12-31T23:59:59.500"


@pytest.mark.parametrize(
    "time", ["2015-12-31 23:59:60 UTC", "2016-12-31 23:58:60 UTC", "2016-12-31 23:59:60 TDB", "2015-02-30", "2015-01-01 25:00"]
)  # fmt: skip
def test_times_that_do_not_exist(time: str) -> None:
    assert refused(time).code == "no_such_time"


def test_a_scale_that_is_not_said_is_assumed_and_named() -> None:
    assert "UTC is assumed" in convert("2015-09-14 09:50:45").warnings[0]
    assert "UTC is assumed" in convert("JD 2451545.0").warnings[0]
    assert convert("2015-09-14 09:50:45 UTC").warnings == ()


def test_a_date_without_a_clock_is_midnight_and_says_so() -> None:
    result = convert("2015-09-14 TT")
    assert result.data["tt"] == "2015-09-14T00:00:00.000"
    assert "00:00 is assumed" in result.warnings[0]


def test_offsets_from_utc() -> None:
    assert convert("2015-09-14T01:50:45-08:00").data["utc"] == "2015-09-14T09:50:45.000"
    assert convert("2015-12-31T23:30:00-0100").data["utc"] == "2016-01-01T00:30:00.000"


def test_tdb_and_utc_differ_by_69_seconds() -> None:
    result = convert("JD 2458000.0 TDB")
    assert result.quantities["julian_date_tdb"].value == pytest.approx(2458000.0, abs=1e-5)
    assert (2458000.0 - float(result.data["julian_date"])) * 86400 == pytest.approx(69.184, abs=0.003)


def test_mission_dates_are_barycentric_tdb() -> None:
    tess = convert("BTJD 1325.5")  # TESS data products: BJD − 2457000
    assert tess.quantities["julian_date_tdb"].value == pytest.approx(2458325.5, abs=1e-5)
    assert any("light-travel" in warning for warning in tess.warnings)
    assert values("BKJD 120.5")["julian_date_tdb"] == pytest.approx(
        2454953.5, abs=1e-5
    )  # Kepler: BJD − 2454833


def test_before_1960_there_is_no_utc_to_convert_to() -> None:
    kepler = convert("1604-10-09 12:00 UTC")
    assert kepler.quantities["julian_date"].value == 2307191.0  # Meeus, Astronomical Algorithms: day count
    assert "gps_time" not in kepler.quantities
    assert any("1960" in warning for warning in kepler.warnings)


def test_the_old_calendar_is_named() -> None:
    assert any("proleptic" in warning for warning in convert("1066-10-14 12:00 UTC").warnings)


def test_beyond_the_tables_ut1_is_left_out_and_leap_seconds_are_open() -> None:
    far = convert("2090-01-01 00:00 UTC")
    assert "ut1" not in far.data
    assert any("UT1" in warning for warning in far.warnings)
    assert any("leap second" in warning for warning in far.warnings)


def test_ut1_is_within_a_second_of_utc() -> None:
    assert abs(values("2017-01-01 00:00 UTC")["ut1_minus_utc"] - 0.591) < 0.002  # IERS Bulletin B 348


def test_a_bare_number_is_ambiguous() -> None:
    error = refused("2451545")
    assert error.code == "ambiguous_time"
    assert "JD 2451545" in (error.hint or "")


@pytest.mark.parametrize("time", ["", "yesterday", "14/09/2015", "foo 12", "2015-9-14", "J12"])
def test_what_is_no_time(time: str) -> None:
    assert refused(time).code == "unknown_time"


@pytest.mark.parametrize("time", ["MJD 99999999", "JD -5e9", "GPS 1e30"])
def test_times_out_of_range(time: str) -> None:
    assert refused(time).code in ("no_such_time", "unknown_time")


def test_gps_time_has_no_other_scale() -> None:
    assert refused("GPS 1126259462.4 TDB").code == "ambiguous_time"


@given(st.integers(0, 2_000_000_000).map(lambda tenths: tenths / 10 * 7))
def test_gps_seconds_survive_the_calendar(gps: float) -> None:
    utc = convert(f"GPS {gps:.1f}").data["utc"]
    assert values(f"{utc} UTC")["gps_time"] == pytest.approx(gps, abs=2e-3)
