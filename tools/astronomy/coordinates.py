"""Positions on the sky: equatorial, galactic, ecliptic and horizontal coordinates, and the angle between two positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.astronomy.earth_rotation import bundled_tables, limits_of
from benchmate.tools.astronomy.sky_positions import Position, checked, read_position, sexagesimal
from benchmate.tools.astronomy.times import read_time
from benchmate.tools.base import Source, ToolResult, tool

if TYPE_CHECKING:
    from astropy.coordinates import SkyCoord

REFERENCE = "ERFA (IAU SOFA); Hipparcos galactic frame, IAU 2006 precession"
LOW = 10.0  # deg of altitude below which refraction exceeds 5 arcmin (Bennett 1982)


class Frame(NamedTuple):
    """A frame that is reported: names of its two angles, and how it is defined."""

    longitude: str
    latitude: str
    definition: str


FRAMES: dict[str, Frame] = {
    "icrs": Frame("right_ascension", "declination", "ICRS"),
    "fk5": Frame("right_ascension_j2000", "declination_j2000", "FK5, equinox J2000"),
    "fk4": Frame("right_ascension_b1950", "declination_b1950", "FK4 with E-terms, equinox and epoch B1950"),
    "galactic": Frame("galactic_longitude", "galactic_latitude", "IAU 1958 galactic system"),
    "ecliptic": Frame("ecliptic_longitude", "ecliptic_latitude", "barycentric mean ecliptic, equinox J2000"),
}
Conversion = Annotated[Literal["from_icrs", "from_j2000", "from_b1950", "from_galactic", "from_ecliptic"], Said({
    "from_j2000": "from FK5, FK5 position, FK5 coordinates", "from_galactic": "galactic position, given in galactic, l=...b=, l =...b =",
    "from_b1950": "from FK4, B1950 position, B1950 coordinates, B1950 RA, equinox 1950, equinox B1950, FK4 position, FK4 coordinates",
    "from_ecliptic": "ecliptic position, given in ecliptic",
})]  # fmt: skip
_GIVEN = {"from_icrs": "icrs", "from_j2000": "fk5", "from_b1950": "fk4", "from_galactic": "galactic", "from_ecliptic": "ecliptic"}  # fmt: skip


@tool(
    domain="astronomy",
    properties={
        "right_ascension": "right ascension (ICRS), RA, right ascension, equatorial coordinates, alpha",
        "declination": "declination (ICRS), Dec, declination, equatorial coordinates, delta",
        "right_ascension_j2000": "right ascension (FK5 J2000), FK5, J2000",
        "declination_j2000": "declination (FK5 J2000), FK5, J2000",
        "right_ascension_b1950": "right ascension (FK4 B1950), B1950, FK4, 1950 coordinates",
        "declination_b1950": "declination (FK4 B1950), B1950, FK4, 1950 coordinates",
        "galactic_longitude": "galactic longitude, l, galactic coordinates",
        "galactic_latitude": "galactic latitude, b, galactic coordinates",
        "ecliptic_longitude": "ecliptic longitude, ecliptic coordinates, lambda",
        "ecliptic_latitude": "ecliptic latitude, ecliptic coordinates, beta",
        "altitude": "altitude, elevation, above the horizon, alt, AltAz, horizontal coordinates",
        "azimuth": "azimuth, az, AltAz, horizontal coordinates",
        "airmass": "airmass, air mass, sec z",
    },
    examples=(
        "Galactic coordinates of M31 at RA 10.68458 Dec 41.269",
        "convert (10.68458, 41.269) to galactic l and b",
        "What is RA 83.633 deg, dec 22.0145 deg in B1950?",
        "equatorial coordinates from galactic (121.17, -21.57)",
        "ecliptic longitude and latitude of (266.417, -29.008)",
        "altitude and azimuth of (279.2347, 38.7837) at latitude 28.76, longitude -17.89 on 2024-07-01 23:00 UTC",
        "precess (187.706, 12.391) from B1950 to J2000",
    ),
    extra="astro",
    example={"position": "00h42m44.3s +41d16m09s"},
)
def convert_coordinates(
    position: list[float] | str | None = None,
    longitude: Annotated[
        float | None, Unit("deg", "RA, right ascension, alpha, galactic longitude, ecliptic longitude, l")
    ] = None,
    latitude: Annotated[
        float | None, Unit("deg", "Dec, declination, delta, galactic latitude, ecliptic latitude, b")
    ] = None,
    conversion: Conversion = "from_icrs",
    proper_motion_ra: Annotated[float | None, Unit("mas/yr", "pmRA, proper motion in RA, mu alpha")] = None,
    proper_motion_dec: Annotated[float | None, Unit("mas/yr", "pmDec, proper motion in Dec, mu delta")] = None,
    epoch: Annotated[float | None, Unit("", "epoch of the position, from epoch, epoch"), Field(ge=1800, le=2200)] = None,
    to_epoch: Annotated[float | None, Unit("", "to epoch, at epoch, new epoch"), Field(ge=1800, le=2200)] = None,
    site_latitude: Annotated[float | None, Unit("deg", "site latitude, observatory latitude, at latitude, latitude"), Field(ge=-90, le=90)] = None,
    site_longitude: Annotated[float | None, Unit("deg", "site longitude, observatory longitude, longitude"), Field(ge=-360, le=360)] = None,
    site_height: Annotated[float, Unit("m", "height, site height, elevation of the site"), Field(ge=-500, le=10_000)] = 0.0,
    observed_at: str | None = None,
) -> ToolResult:  # fmt: skip
    """Convert a position between ICRS, FK5 J2000, FK4 B1950, galactic, ecliptic and, for a site and time, horizontal coordinates.

    Every frame is reported. Proper motion moves an ICRS or J2000 position from one epoch (Julian year) to another.
    Horizontal coordinates are without refraction.

    Raises InvalidInput: `bad_position`, `ambiguous_angle`, `wrong_unit`, `out_of_range`, `incomplete`, and what reading the
    time raises.

    Args:
        position: Two numbers in degrees, [longitude, latitude], or text such as '00h42m44.3s +41d16m09s'.
        longitude: The longitude or right ascension in degrees, instead of `position`.
        latitude: The latitude or declination in degrees, instead of `position`.
        conversion: The frame the position is given in: ICRS, FK5 J2000, FK4 B1950, galactic or ecliptic J2000.
        proper_motion_ra: Proper motion in right ascension, with the factor cos(declination), as catalogues give it.
        proper_motion_dec: Proper motion in declination.
        epoch: The epoch of the position, a Julian year such as 2016.0.
        to_epoch: The epoch that is wanted.
        site_latitude: Geodetic latitude of the observer, for altitude and azimuth.
        site_longitude: Longitude of the observer, positive to the east.
        site_height: Height of the observer above the ellipsoid.
        observed_at: When it is observed, as in '2024-07-01 23:00 UTC'.
    """
    import astropy

    given = _GIVEN[conversion]
    read = _given_position(position, longitude, latitude, equatorial=given in ("icrs", "fk5", "fk4"))
    notes = list(read.notes)
    with bundled_tables():
        coord = _sky(read, given)
        data: dict[str, Any] = {
            "given_in": FRAMES[given].definition, "given_deg": [read.longitude, read.latitude],
        }  # fmt: skip
        motion = (proper_motion_ra, proper_motion_dec, epoch, to_epoch)
        if any(value is not None for value in motion):
            coord = _moved(coord, given, motion)
            data["epoch"] = f"J{to_epoch}"
            notes.append(
                f"moved from epoch {epoch} to {to_epoch} by proper motion alone; parallax and radial velocity are left out"
            )
        quantities = _all_frames(coord, data)
        site = (site_latitude, site_longitude, observed_at)
        if any(value is not None for value in site):
            if any(value is None for value in site):
                raise InvalidInput(
                    "incomplete", "altitude and azimuth need the site's latitude and longitude and a time",
                    hint="give site_latitude, site_longitude (positive to the east) and observed_at",
                )  # fmt: skip
            above, said = _horizontal(coord, site_latitude, site_longitude, site_height, observed_at, data)
            quantities |= above
            notes += said
    return ToolResult(
        data=data,
        quantities=quantities,
        source=Source(kind="computed", name=f"astropy {astropy.__version__}", reference=REFERENCE),
        warnings=tuple(notes),
    )


def _given_position(
    position: list[float] | str | None, longitude: float | None, latitude: float | None, *, equatorial: bool
) -> Position:
    numbers = (longitude, latitude)
    if position is not None and numbers == (None, None):
        return read_position(position, equatorial=equatorial)
    if position is None and longitude is not None and latitude is not None:
        return checked(longitude, latitude)
    raise InvalidInput(
        "incomplete", "a position is two angles, given once",
        hint="give `position`, or `longitude` and `latitude` in degrees",
    )  # fmt: skip


def _frame(name: str) -> Any:
    from astropy import coordinates

    makers = {
        "icrs": coordinates.ICRS, "fk5": coordinates.FK5, "fk4": coordinates.FK4, "galactic": coordinates.Galactic,
        "ecliptic": coordinates.BarycentricMeanEcliptic,
    }  # fmt: skip
    return makers[name]()


def _sky(position: Position, frame: str) -> SkyCoord:
    from astropy.coordinates import SkyCoord

    return SkyCoord(position.longitude, position.latitude, unit="deg", frame=_frame(frame))


def _moved(coord: SkyCoord, given: str, motion: tuple[float | None, ...]) -> SkyCoord:
    """Return the position at the new epoch, along a great circle at constant angular speed."""
    import warnings

    from astropy import units as u
    from astropy.coordinates import SkyCoord
    from astropy.time import Time
    from erfa import ErfaWarning

    if given not in ("icrs", "fk5"):
        raise InvalidInput(
            "bad_arguments", "proper motion is taken in ICRS or J2000 only", hint="convert the position first"
        )
    ra, dec, start, end = motion
    if ra is None or dec is None or start is None or end is None:
        raise InvalidInput(
            "incomplete", "moving a position needs both proper motions and both epochs",
            hint="give proper_motion_ra, proper_motion_dec, epoch and to_epoch",
        )  # fmt: skip
    moving = SkyCoord(
        coord.spherical.lon, coord.spherical.lat, frame=_frame(given), obstime=Time(start, format="jyear"),
        pm_ra_cosdec=ra * u.mas / u.yr, pm_dec=dec * u.mas / u.yr,
    )  # fmt: skip
    with (
        warnings.catch_warnings()
    ):  # without a distance ERFA assumes a very large one, which is what is meant
        warnings.filterwarnings("ignore", category=ErfaWarning, message=".*distance overridden")
        moved = moving.apply_space_motion(new_obstime=Time(end, format="jyear"))
    return SkyCoord(moved.spherical.lon, moved.spherical.lat, frame=_frame(given))


def _all_frames(coord: SkyCoord, data: dict[str, Any]) -> dict[str, Quantity]:
    quantities = {}
    for name, frame in FRAMES.items():
        there = coord.transform_to(_frame(name)).spherical
        longitude, latitude = float(there.lon.wrap_at("360d").deg), float(there.lat.deg)
        for key, value in ((frame.longitude, longitude), (frame.latitude, latitude)):
            quantities[key] = Quantity(value=value, unit="deg", property=key, method=frame.definition)
        if name in ("icrs", "fk5", "fk4"):
            data[f"{name}_sexagesimal"] = sexagesimal(longitude, latitude)
    return quantities


def _horizontal(
    coord: SkyCoord,
    latitude: float | None,
    longitude: float | None,
    height: float,
    observed_at: str | None,
    data: dict[str, Any],
) -> tuple[dict[str, Quantity], list[str]]:
    from astropy import units as u
    from astropy.coordinates import AltAz, EarthLocation

    read = read_time(observed_at or "")
    site = EarthLocation.from_geodetic(lon=longitude * u.deg, lat=latitude * u.deg, height=height * u.m)
    there = coord.transform_to(AltAz(obstime=read.time, location=site))
    altitude, azimuth = float(there.alt.deg), float(there.az.deg)
    method = "topocentric, no refraction, azimuth from north through east"
    conditions = {
        "time": read.read_as,
        "site": f"latitude {latitude} deg, longitude {longitude} deg E, {height:g} m",
    }
    data["observed_at"] = read.time.utc.isot + " UTC"
    quantities = {
        "altitude": Quantity(value=altitude, unit="deg", property="altitude", method=method, conditions=conditions),
        "azimuth": Quantity(value=azimuth, unit="deg", property="azimuth", method=method, conditions=conditions),
    }  # fmt: skip
    notes = [*read.notes, *limits_of(read.time)]
    if altitude <= 0:
        notes.append(f"the position is below the horizon (altitude {altitude:.1f} deg)")
    else:
        quantities["airmass"] = Quantity(
            value=float(there.secz), property="airmass", method="sec z, plane-parallel", conditions=conditions
        )
        if altitude < LOW:
            notes.append(
                f"altitude {altitude:.1f} deg: refraction raises it by more than 5 arcmin, and sec z is too large"
            )
    return quantities, notes


@tool(
    domain="astronomy",
    properties={
        "separation": "angular separation, angular distance, separation, angle between, how far apart, distance on the sky, apart",
        "position_angle": "position angle, PA, direction from the first to the second",
    },
    examples=(
        "Angular separation between M31 (10.68458, 41.269) and M33 (23.4621, 30.6599), degrees ICRS?",
        "how far apart on the sky are (201.298, -43.019) and (201.365, -43.0)?",
        "position angle from (83.82, -5.39) to (83.86, -5.41)",
        "angle between the positions (10.68, 41.27) and (10.67, 40.87)",
        "separation of (165.46, 71.9) and (178.5, 53.7) in degrees",
    ),
    extra="astro",
    example={"first": [10.68458, 41.269], "second": [23.4621, 30.6599]},
)
def measure_separation(first: list[float] | str, second: list[float] | str) -> ToolResult:
    """Measure the great-circle angle between two positions on the sky, and the position angle from the first to the second.

    Both positions are in one frame, such as ICRS. The angle is the same in every frame (within 0.7 arcsec in FK4); the
    position angle counts from that frame's north through east.

    Raises InvalidInput: `bad_position`, `ambiguous_angle`, `out_of_range`.

    Args:
        first: [longitude, latitude] in degrees, or text such as '00h42m44.3s +41d16m09s'.
        second: The other position, in the same frame.
    """
    import astropy

    one, two = read_position(first), read_position(second)
    start, end = _sky(one, "icrs"), _sky(two, "icrs")
    apart = float(start.separation(end).deg)
    given = f"({one.longitude:g}, {one.latitude:g}) and ({two.longitude:g}, {two.latitude:g}) deg"
    quantities = {
        "separation": Quantity(
            value=apart, unit="deg", property="separation", method="Vincenty formula on the sphere", conditions={"between": given}
        )
    }  # fmt: skip
    notes = [*one.notes, *two.notes]
    if 1e-9 < apart < 180 - 1e-9:
        quantities["position_angle"] = Quantity(
            value=float(start.position_angle(end).wrap_at("360d").deg), unit="deg", property="position_angle",
            method="from north through east, at the first position",
        )  # fmt: skip
    else:
        notes.append("the positions coincide or are opposite: there is no position angle")
    return ToolResult(
        data={
            "separation_arcmin": apart * 60, "separation_arcsec": apart * 3600,
            "first_deg": [one.longitude, one.latitude], "second_deg": [two.longitude, two.latitude],
        },
        quantities=quantities,
        source=Source(kind="computed", name=f"astropy {astropy.__version__}", reference="doi:10.1179/sre.1975.23.176.88"),
        warnings=tuple(notes),
    )  # fmt: skip
