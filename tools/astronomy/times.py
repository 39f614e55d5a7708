"""Times of astronomy: calendar dates, Julian dates, GPS and Unix time, on the scales UTC, TAI, TT, TDB and UT1."""

from __future__ import annotations

import datetime
import re
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, NamedTuple

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.astronomy.earth_rotation import bundled_tables, covers_ut1, limits_of
from benchmate.tools.base import Source, ToolResult, tool

if TYPE_CHECKING:
    from astropy.time import Time

_SCALE = r"(?:\s*(?P<scale>Z|UTC|TAI|TT|TDB|UT1))?"
_CALENDAR = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)(?:[T ]\s*(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d(?:\.\d+)?))?)?"
    rf"(?:\s*(?P<zone>[+-]\d\d:?\d\d)|{_SCALE})",
    re.I,
)
_COUNTED = re.compile(
    rf"(?P<form>[A-Za-z]+(?:\s[A-Za-z]+)*)\s*[=:]?\s*(?P<number>[-+]?\d+(?:\.\d+)?){_SCALE}", re.I
)
_EPOCH = re.compile(r"(?P<kind>[JB])(?P<year>\d{4}(?:\.\d+)?)")


class Form(NamedTuple):
    """A way to count time: astropy's format, the scale it has by definition or by default, what is added to the number."""

    format: str
    scale: str | None
    offset: int = 0
    barycentric: bool = False


FORMS: dict[str, Form] = {
    "jd": Form("jd", None),
    "mjd": Form("mjd", None),
    "bjd": Form("jd", "tdb", barycentric=True),
    "btjd": Form("jd", "tdb", 2_457_000, barycentric=True),  # TESS
    "bkjd": Form("jd", "tdb", 2_454_833, barycentric=True),  # Kepler
    "gps": Form("gps", "tai"),
    "unix": Form("unix", "utc"),
    "decimal year": Form("decimalyear", None),
}
_SAID = {
    "julian date": "jd", "julian day": "jd", "modified julian date": "mjd", "gps time": "gps", "gps seconds": "gps",
    "unix time": "unix", "posix": "unix", "decimalyear": "decimal year", "year": "decimal year",
    "barycentric julian date": "bjd",
}  # fmt: skip
FIRST_UTC_YEAR = 1960
TT_MINUS_TAI = 32.184  # s, by definition (IAU 1991)
_GPS_EPOCH = "1980-01-06"


class ReadTime(NamedTuple):
    """A time as it was read, in words, and what had to be assumed."""

    time: Time
    read_as: str
    notes: list[str]


@tool(
    domain="astronomy",
    properties={
        "julian_date": "Julian date, JD, Julian day",
        "modified_julian_date": "modified Julian date, MJD",
        "julian_date_tdb": "Julian date in TDB, JD TDB, TDB",
        "gps_time": "GPS time, GPS seconds, GPS",
        "unix_time": "Unix time, POSIX time, epoch seconds",
        "decimal_year": "decimal year, fractional year",
        "leap_seconds": "TAI − UTC, leap seconds, TAI minus UTC",
        "tt_minus_utc": "TT − UTC, TT minus UTC",
        "tdb_minus_utc": "TDB − UTC, TDB minus UTC",
        "ut1_minus_utc": "UT1 − UTC, DUT1, UT1",
    },
    examples=(
        "Julian Date of 2000-01-01 12:00 UTC?",
        "GPS time of 2015-09-14 09:50:45.4 UTC?",
        "What UTC is GPS 1126259462.4?",
        "convert MJD 58849.5 to a calendar date",
        "how many leap seconds were there on 2017-01-01?",
        "JD 2451545.0 as a date",
        "What is 2024-03-20 03:06:00 UTC in TDB?",
    ),
    extra="astro",
    example={"time": "2015-09-14 09:50:45.4 UTC"},
)
def convert_time(time: str) -> ToolResult:
    """Convert a time between calendar date, Julian date, GPS and Unix time, and between UTC, TAI, TT, TDB and UT1.

    Leap seconds come from the bundled table. No light-travel correction is made: TDB here is a clock, not BJD.

    Raises InvalidInput: `unknown_time`, `ambiguous_time` (a bare number), `no_such_time`.

    Args:
        time: A date and time with its scale, as in '2015-09-14 09:50:45.4 UTC' or '2000-01-01T12:00:00 TDB', or a count with
            its name, as in 'JD 2451545.0 TDB', 'MJD 58849.5', 'GPS 1126259462.4', 'unix 1442224228', 'BTJD 1325.3',
            'decimal year 2015.7', 'J2000.0'. UTC is assumed where no scale is said.
    """
    import astropy

    with bundled_tables():
        read = read_time(time)
        own = read.time.scale
        notes = [*read.notes, *limits_of(read.time)]
        scales = ("utc", "tai", "tt", "tdb") if read.time.utc.ymdhms["year"] >= FIRST_UTC_YEAR else (own,)
        if len(scales) == 1:
            notes.append(
                f"UTC begins in {FIRST_UTC_YEAR}: the date is counted in {own.upper()} alone, without other scales"
            )
        known = {scale: getattr(read.time, scale) for scale in scales}
        if len(scales) > 1 and covers_ut1(read.time):
            known["ut1"] = read.time.ut1
        shown = known.get("utc", read.time)
        quantities = _counts(shown, known)
        data = {
            "read_as": read.read_as,
            **{scale: moment.to_value("isot", subfmt="date_hms") for scale, moment in known.items()},
            "julian_date": shown.to_value("jd", subfmt="str"),
        }
        if "tai" in known:
            data["gps_time"] = f"{Decimal(known['tai'].to_value('gps', subfmt='str')):.6f}"
        if shown.ymdhms["year"] < 1583:
            notes.append(
                "the date is in the proleptic Gregorian calendar, not in the Julian one that was in use"
            )
    return ToolResult(
        data=data,
        quantities=quantities,
        source=Source(
            kind="computed",
            name=f"astropy {astropy.__version__}",
            reference="ERFA (IAU SOFA); leap seconds of IERS Bulletin C",
        ),
        warnings=tuple(notes),
    )


def _counts(shown: Time, known: dict[str, Time]) -> dict[str, Quantity]:
    on = {"scale": shown.scale.upper()}
    counts = {
        "julian_date": Quantity(value=shown.jd, unit="d", property="julian_date", conditions=on, decimals=5),
        "modified_julian_date": Quantity(
            value=shown.mjd, unit="d", property="modified_julian_date", conditions=on, method="JD − 2400000.5", decimals=6
        ),
        "decimal_year": Quantity(
            value=shown.decimalyear, unit="year", property="decimal_year", conditions=on, decimals=6,
            method="fraction of the calendar year",
        ),
    }  # fmt: skip
    if len(known) == 1:
        return counts
    counts |= {
        "julian_date_tdb": Quantity(
            value=known["tdb"].jd, unit="d", property="julian_date_tdb", conditions={"scale": "TDB"}, decimals=5
        ),
        "gps_time": Quantity(
            value=shown.gps, unit="s", property="gps_time", decimals=2,
            method=f"seconds of TAI since {_GPS_EPOCH} 00:00 UTC, leap seconds counted",
        ),
        "unix_time": Quantity(
            value=_unix(shown), unit="s", property="unix_time", decimals=2,
            method="POSIX: seconds since 1970-01-01 UTC with every day of 86400 s",
        ),
    }  # fmt: skip
    import erfa

    day = shown.ymdhms
    ahead = float(erfa.dat(day["year"], day["month"], day["day"], (shown.jd1 % 1.0 + shown.jd2 + 0.5) % 1.0))
    tt = ahead + TT_MINUS_TAI
    tdb_ahead = (known["tdb"].jd1 - known["tt"].jd1) + (known["tdb"].jd2 - known["tt"].jd2)
    offsets = {
        "leap_seconds": ahead,
        "tt_minus_utc": tt,
        "tdb_minus_utc": tt + tdb_ahead * 86_400,
    }
    if "ut1" in known:
        offsets["ut1_minus_utc"] = float(shown.delta_ut1_utc)
    for name, seconds in offsets.items():
        counts[name] = Quantity(value=round(seconds, 6), unit="s", property=name)
    return counts


def _unix(utc: Time) -> float:
    """Return POSIX time from the calendar: astropy's `unix` stretches it over a day that has a leap second."""
    at = utc.ymdhms
    midnight = datetime.datetime(at["year"], at["month"], at["day"], tzinfo=datetime.UTC).timestamp()
    return float(midnight + at["hour"] * 3600 + at["minute"] * 60 + at["second"])


def read_time(text: str) -> ReadTime:
    """Return the time that a text says. Call within `bundled_tables`.

    Raises InvalidInput: `unknown_time`, `ambiguous_time` (a bare number), `no_such_time` (30 February, second 61).
    """
    plain = " ".join(text.replace("−", "-").split())
    if match := _CALENDAR.fullmatch(plain):
        return _calendar(match)
    if match := _EPOCH.fullmatch(plain):
        from astropy.time import Time

        form = "jyear_str" if match["kind"].upper() == "J" else "byear_str"
        return ReadTime(Time(plain.upper(), format=form, scale="tt"), f"epoch {plain.upper()} (TT)", [])
    if match := _COUNTED.fullmatch(plain):
        name = match["form"].lower().removesuffix(" is")
        name = _SAID.get(name, name)
        if name in FORMS:
            return _counted(name, match["number"], match["scale"])
    if re.fullmatch(r"[-+]?\d+(?:\.\d+)?", plain):
        raise InvalidInput(
            "ambiguous_time", f"{text!r} is a number without a name",
            hint=f"write one of {', '.join(f'{n.upper()} {plain}' for n in ('jd', 'mjd', 'gps', 'unix'))}, or 'decimal year {plain}'",
        )  # fmt: skip
    raise InvalidInput(
        "unknown_time", f"{text!r} is no time that can be read",
        hint="write '2015-09-14 09:50:45.4 UTC', 'JD 2451545.0 TDB' or 'GPS 1126259462.4'",
    )  # fmt: skip


def _calendar(match: re.Match[str]) -> ReadTime:
    from astropy.time import Time

    notes = []
    scale = (match["scale"] or "utc").lower().replace("z", "utc")
    if not match["scale"] and not match["zone"]:
        notes.append("no time scale was said: UTC is assumed")
    if match["hour"] is None:
        notes.append("no time of day was said: 00:00 is assumed")
    hour, minute, second = int(match["hour"] or 0), int(match["minute"] or 0), match["second"] or "00"
    try:
        day = datetime.datetime.fromisoformat(match["date"]).replace(hour=hour, minute=minute)
        if match["zone"]:
            sign = -1 if match["zone"][0] == "-" else 1
            day -= sign * datetime.timedelta(hours=int(match["zone"][1:3]), minutes=int(match["zone"][-2:]))
    except (ValueError, OverflowError) as error:
        raise InvalidInput("no_such_time", f"{match[0]!r} is no date: {error}") from None
    if float(second) >= 60 and not (scale == "utc" and float(second) < 61 and _ends_with_leap_second(day)):
        raise InvalidInput(
            "no_such_time", f"{match[0]!r} has second {second}, and that minute has no leap second",
            hint="seconds run from 0 to 59.999… in all other minutes",
        )  # fmt: skip
    written = f"{day:%Y-%m-%dT%H:%M}:{second}"
    if day.year < 1000:  # strftime does not pad
        written = f"{day.year:04d}{written[written.index('-') :]}"
    return ReadTime(Time(written, format="isot", scale=scale), f"{written} {scale.upper()}", notes)


def _ends_with_leap_second(day: datetime.datetime) -> bool:
    import erfa

    if (day.hour, day.minute) != (23, 59) or day.year < FIRST_UTC_YEAR:
        return False
    after = day + datetime.timedelta(days=1)
    before_midnight, after_midnight = (erfa.dat(d.year, d.month, d.day, 0.0) for d in (day, after))
    return bool(after_midnight - before_midnight > 0.5)


def _counted(name: str, number: str, scale: str | None) -> ReadTime:
    from astropy.time import Time

    form = FORMS[name]
    notes = []
    given = scale.lower().replace("z", "utc") if scale else None
    counted = form.format in ("gps", "unix")
    if counted and given not in (None, form.scale, "utc"):
        raise InvalidInput(
            "ambiguous_time", f"{name.upper()} time is a count of its own and has no scale {scale}",
            hint=f"leave {scale} out",
        )  # fmt: skip
    if name == "unix":
        return _from_unix(number)
    own = given or form.scale or "utc"
    if given is None and form.scale is None:
        notes.append("no time scale was said: UTC is assumed")
    if form.barycentric:
        notes.append(
            f"{name.upper()} is a time at the solar-system barycentre; no light-travel correction (up to 8.3 min) was made"
        )
        if given is None:
            notes.append("no time scale was said: TDB is assumed")
    whole = Decimal(number).to_integral_value()
    if name == "unix":
        return _from_unix(number)
    count = (float(whole) + form.offset, float(Decimal(number) - whole))
    try:
        moment = Time(*count, format=form.format, scale=None if counted else own)
        year = int(moment.ymdhms["year"])
    except ValueError:
        year = -10_000
    if not 0 < year < 10_000:
        raise InvalidInput(
            "no_such_time", f"{name.upper()} {number} is not within the years 1 to 9999",
            hint="JD 2451545, MJD 51544 and GPS 630763213 are about the year 2000",
        )  # fmt: skip
    if form.format == "gps" and whole < 0:
        notes.append(f"the time is before the GPS epoch {_GPS_EPOCH}")
    return ReadTime(moment, f"{name.upper()} {number}{'' if counted else f' {own.upper()}'}", notes)


def _from_unix(number: str) -> ReadTime:
    from astropy.time import Time

    whole = Decimal(number).to_integral_value(ROUND_FLOOR)
    try:
        day = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=int(whole))
    except OverflowError:
        raise InvalidInput(
            "no_such_time", f"UNIX {number} is not within the years 1 to 9999", hint="is it in milliseconds?"
        ) from None
    written = f"{day.isoformat()}.{f'{Decimal(number) - whole:.9f}'[2:]}"
    return ReadTime(Time(written, format="isot", scale="utc"), f"UNIX {number}", [])
