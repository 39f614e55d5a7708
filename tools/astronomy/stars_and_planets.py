"""A planet from its transit, and a star from what is measured of it: parallax, magnitude, temperature, luminosity."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity, convert
from benchmate.tools.arguments import Unit
from benchmate.tools.astronomy.orbits import GM_SUN, SOLAR_TEMPERATURE
from benchmate.tools.base import Source, ToolResult, tool

GRAVITY = 6.6743e-11  # m3 kg-1 s-2, CODATA 2018
NOISY_PARALLAX = 0.2  # relative error above which 1/parallax is biased (Bailer-Jones 2015)
WINN = "Winn 2010 in Exoplanets, arXiv:1001.2010"


@tool(
    domain="astronomy",
    properties={
        "radius_ratio": "planet/star radius ratio, radius ratio, Rp/Rs, Rp/R*, k, planet to star radius ratio",
        "planet_radius": "planet radius, radius of the planet, planet size, how large is the planet",
        "transit_depth": "transit depth, depth",
        "transit_duration": "transit duration, T14, duration of the transit, how long does the transit last",
        "full_transit_duration": "duration of full transit, T23, flat bottom",
        "semi_major_axis": "semi-major axis, a, orbital distance",
        "scaled_axis": "a/R*, scaled semi-major axis, a over R",
        "transit_probability": "transit probability, geometric probability",
        "inclination": "inclination, i",
        "stellar_density": "stellar density, mean density of the star",
        "star_luminosity": "luminosity, stellar luminosity, L",
        "star_radius": "stellar radius, radius of the star",
        "star_temperature": "effective temperature, stellar temperature, Teff",
        "distance": "distance, distance from the parallax, how far",
        "distance_modulus": "distance modulus, m − M",
        "absolute_magnitude": "absolute magnitude, M",
    },
    examples=(
        "Transit depth is 1.0%. planet/star radius ratio?",
        "planet radius for a depth of 0.0105 and a stellar radius of 1.2 Rsun",
        "transit duration for P = 3.52 d, M = 1.1 Msun, R = 1.15 Rsun, b = 0.5",
        "How far away is a star with a parallax of 7.76 mas?",
        "luminosity of a star with Teff 5000 K and radius 10 Rsun",
        "absolute magnitude of a star with m = 0.03 and parallax 130.23 mas",
        "radius of a star with luminosity 25 Lsun and temperature 9900 K",
    ),
    extra="astro",
    example={"transit_depth": 0.01, "star_radius": 1.0},
)
def estimate_star_planet(
    transit_depth: Annotated[float | None, Unit("", "transit depth, depth"), Field(gt=0, lt=1)] = None,
    radius_ratio: Annotated[float | None, Unit("", "radius ratio, Rp/Rs, Rp/R*"), Field(gt=0, lt=1)] = None,
    star_radius: Annotated[float | None, Unit("solar_radius", "star radius, stellar radius, R, R*, radius"), Field(gt=0)] = None,
    star_mass: Annotated[float | None, Unit("solar_mass", "star mass, stellar mass, M, mass"), Field(gt=0)] = None,
    star_temperature: Annotated[float | None, Unit("K", "Teff, effective temperature, temperature, T"), Field(gt=0, le=1e6)] = None,
    star_luminosity: Annotated[float | None, Unit("solar_luminosity", "L, luminosity"), Field(gt=0)] = None,
    period: Annotated[float | None, Unit("d", "P, period, orbital period"), Field(gt=0)] = None,
    impact_parameter: Annotated[float, Unit("", "b, impact parameter"), Field(ge=0, lt=2)] = 0.0,
    limb_darkening_linear: Annotated[float, Unit("", "u1, linear limb darkening"), Field(ge=-1, le=1.5)] = 0.0,
    limb_darkening_quadratic: Annotated[float, Unit("", "u2, quadratic limb darkening"), Field(ge=-1, le=1.5)] = 0.0,
    parallax: Annotated[float | None, Unit("mas", "parallax, plx")] = None,
    parallax_error: Annotated[float | None, Unit("mas", "parallax error, parallax uncertainty, plus or minus"), Field(ge=0)] = None,
    apparent_magnitude: Annotated[float | None, Unit("", "m, apparent magnitude, magnitude, V, G"), Field(ge=-30, le=40)] = None,
    distance: Annotated[float | None, Unit("pc", "distance, d"), Field(gt=0)] = None,
    extinction: Annotated[float, Unit("", "extinction, A_V, AV"), Field(ge=0, le=50)] = 0.0,
) -> ToolResult:  # fmt: skip
    """Estimate a planet's size and transit from its depth, and a star's distance, luminosity, radius or temperature.

    Gives whatever follows from what is known: the radius ratio from the transit depth, the planet's radius with the star's,
    the transit's duration on a circular orbit with period and the star's mass and radius, the third of luminosity, radius
    and temperature, the distance from a parallax, and the absolute magnitude.

    Raises InvalidInput: `incomplete`, `bad_arguments`, `no_transit`, `inside_the_star`, `bad_parallax`.

    Args:
        transit_depth: The depth of the transit, as a fraction (0.01), or in percent or ppm with that unit.
        radius_ratio: Planet radius over star radius, instead of the depth.
        star_radius: The star's radius.
        star_mass: The star's mass.
        star_temperature: The star's effective temperature.
        star_luminosity: The star's bolometric luminosity.
        period: The orbital period.
        impact_parameter: The impact parameter b, in stellar radii.
        limb_darkening_linear: u1 of the quadratic limb-darkening law; 0 is a uniform disc.
        limb_darkening_quadratic: u2 of the quadratic limb-darkening law.
        parallax: The parallax.
        parallax_error: Its standard uncertainty.
        apparent_magnitude: The star's apparent magnitude.
        distance: The distance, instead of the parallax.
        extinction: Extinction in magnitudes in the band of the magnitude.
    """
    notes: list[str] = []
    quantities: dict[str, Quantity] = {}
    darkening = (limb_darkening_linear, limb_darkening_quadratic)
    quantities |= _star(star_luminosity, star_radius, star_temperature)
    if "star_radius" in quantities:
        star_radius = quantities["star_radius"].value
    if transit_depth is not None or radius_ratio is not None:
        if transit_depth is not None and radius_ratio is not None:
            raise InvalidInput(
                "bad_arguments", "transit_depth and radius_ratio were both given", hint="each follows from the other"
            )  # fmt: skip
        quantities |= _sizes(transit_depth, radius_ratio, star_radius, impact_parameter, darkening, notes)
    if period is not None:
        ratio = quantities["radius_ratio"].value if "radius_ratio" in quantities else radius_ratio or 0.0
        quantities |= _transit(period, star_mass, star_radius, impact_parameter, ratio, notes)
    quantities |= _distance(parallax, parallax_error, distance, apparent_magnitude, extinction, notes)
    if not quantities:
        raise InvalidInput(
            "incomplete", "nothing follows from what was given",
            hint="give a transit depth, a parallax, two of luminosity, radius and temperature, or a period with mass and radius of the star",
        )  # fmt: skip
    data: dict[str, Any] = {"limb_darkening": list(darkening), "impact_parameter": impact_parameter}
    return ToolResult(
        data=data,
        quantities=quantities,
        source=Source(kind="computed", name="closed formulas", reference=f"{WINN}; IAU 2015 Resolutions B2, B3"),
        warnings=tuple(notes),
    )  # fmt: skip


def _sizes(
    depth: float | None,
    ratio: float | None,
    star_radius: float | None,
    b: float,
    darkening: tuple[float, float],
    notes: list[str],
) -> dict[str, Quantity]:
    """Return ratio and depth: depth = k² I(b)/⟨I⟩ for a planet that is small and wholly on the disc."""
    brightness = _brightness(b, darkening) if b < 1 else 1.0
    known: Literal["depth", "ratio"] = "ratio" if depth is None else "depth"
    if depth is not None:
        ratio = math.sqrt(depth / brightness)
    assert ratio is not None
    if ratio >= 1:
        raise InvalidInput(
            "bad_arguments", f"the depth would need a body {ratio:.2f} times the star's size",
            hint="a fraction such as 0.01, or a text such as '1 %'",
        )  # fmt: skip
    if b >= 1 + ratio:
        raise InvalidInput(
            "no_transit", f"at impact parameter {b:g} the planet misses the star", hint="b < 1 + Rp/R*"
        )
    if darkening == (0.0, 0.0):
        notes.append(
            "a uniform stellar disc was taken: limb darkening makes a central transit deeper than (Rp/R*)² and a grazing one shallower"
        )
    if b > 1 - ratio:
        notes.append(
            "the transit is grazing (b > 1 − Rp/R*): depth and radius ratio are no longer tied by the square root; the planet may be larger"
        )
    light = (
        f"limb darkening u1 = {darkening[0]:g}, u2 = {darkening[1]:g}, b = {b:g}"
        if any(darkening)
        else "uniform disc"
    )
    found = {
        "radius_ratio": Quantity(
            value=ratio, property="radius_ratio" if known == "depth" else "input_radius_ratio", method=f"√depth, {light}" if known == "depth" else "given",
            relation=">" if known == "depth" and b > 1 - ratio else "=",
        )
    }  # fmt: skip
    if known == "ratio" and b <= 1 - ratio:
        found["transit_depth"] = Quantity(value=ratio**2 * brightness, property="transit_depth", method=light)
    if star_radius is not None:
        meters = ratio * convert(star_radius, "solar_radius", "m")
        for name, unit in (("planet_radius", "earth_radius"), ("planet_radius_jupiter", "jupiter_radius")):
            found[name] = Quantity(
                value=convert(meters, "m", unit), unit=unit, property="planet_radius", method=light,
                conditions={"star radius": f"{star_radius:g} solar radii"},
            )  # fmt: skip
    return found


def _brightness(b: float, darkening: tuple[float, float]) -> float:
    """Return I(b) over the disc's mean for I = 1 − u1(1−μ) − u2(1−μ)² (Mandel & Agol 2002)."""
    u1, u2 = darkening
    dark = 1 - math.sqrt(1 - b**2)
    local = 1 - u1 * dark - u2 * dark**2
    if local <= 0 or u1 + u2 > 1:
        raise InvalidInput(
            "bad_arguments", f"limb darkening u1 = {u1:g}, u2 = {u2:g} makes the limb darker than black", hint="u1 + u2 ≤ 1"
        )  # fmt: skip
    return local / (1 - u1 / 3 - u2 / 6)


def _transit(
    period: float, mass: float | None, radius: float | None, b: float, ratio: float, notes: list[str]
) -> dict[str, Quantity]:
    """Return the durations on a circular orbit (Winn 2010, equations 14 and 15), and the density (equation 30)."""
    if mass is None or radius is None:
        raise InvalidInput(
            "incomplete", "the transit's duration needs the star's mass and radius", hint="give star_mass and star_radius"
        )  # fmt: skip
    axis = (GM_SUN * mass * (period * 86_400 / (2 * math.pi)) ** 2) ** (1 / 3)
    scaled = axis / convert(radius, "solar_radius", "m")
    if scaled <= 1 + ratio:
        raise InvalidInput(
            "inside_the_star", f"a period of {period:g} d is an orbit of {scaled:.2f} stellar radii",
            hint="check the units of the period, the mass and the radius",
        )  # fmt: skip
    if b >= 1 + ratio:
        raise InvalidInput(
            "no_transit", f"at impact parameter {b:g} the planet misses the star", hint="b < 1 + Rp/R*"
        )
    sine = math.sqrt(1 - (b / scaled) ** 2)

    def lasts(reach: float) -> float:
        return period * 24 / math.pi * math.asin(math.sqrt(reach**2 - b**2) / (scaled * sine))

    orbit = {
        "orbit": "circular, planet mass neglected",
        "impact parameter": f"{b:g}",
        "radius ratio": f"{ratio:.4g}",
    }
    density = 3 * math.pi / (GRAVITY * (period * 86_400) ** 2) * scaled**3 / 1000
    found = {
        "transit_duration": Quantity(
            value=lasts(1 + ratio), unit="hour", property="transit_duration", method="first to last contact, T14", conditions=orbit
        ),
        "semi_major_axis": Quantity(value=convert(axis, "m", "au"), unit="au", property="semi_major_axis", method="Kepler's third law"),
        "scaled_axis": Quantity(value=scaled, property="scaled_axis", method="a/R*"),
        "inclination": Quantity(value=math.degrees(math.acos(b / scaled)), unit="deg", property="inclination", method="cos i = b R*/a"),
        "transit_probability": Quantity(value=1 / scaled, property="transit_probability", method="R*/a, of b < 1"),
        "stellar_density": Quantity(value=density, unit="g/cm**3", property="stellar_density", method="3π (a/R*)³ / G P²"),
    }  # fmt: skip
    if ratio and b < 1 - ratio:
        found["full_transit_duration"] = Quantity(
            value=lasts(1 - ratio), unit="hour", property="full_transit_duration", method="second to third contact, T23", conditions=orbit
        )  # fmt: skip
    elif not ratio:
        notes.append(
            "without a depth the planet was taken as a point: the duration is of its centre crossing the disc"
        )
    return found


def _star(luminosity: float | None, radius: float | None, temperature: float | None) -> dict[str, Quantity]:
    """Return the third of L, R and Teff: L = R² (T/5772 K)⁴ in solar units."""
    given = {"star_luminosity": luminosity, "star_radius": radius, "star_temperature": temperature}
    missing = [name for name, value in given.items() if value is None]
    if not missing:
        raise InvalidInput(
            "bad_arguments", "luminosity, radius and temperature were all given", hint="leave one out: it follows from the others"
        )  # fmt: skip
    if len(missing) > 1:
        return {}
    method = "Stefan–Boltzmann law, the Sun at 5772 K"
    if luminosity is None and radius is not None and temperature is not None:
        value, unit = radius**2 * (temperature / SOLAR_TEMPERATURE) ** 4, "solar_luminosity"
    elif radius is None and luminosity is not None and temperature is not None:
        value, unit = math.sqrt(luminosity) * (SOLAR_TEMPERATURE / temperature) ** 2, "solar_radius"
    else:
        assert luminosity is not None and radius is not None
        value, unit = SOLAR_TEMPERATURE * (luminosity / radius**2) ** 0.25, "K"
    return {missing[0]: Quantity(value=value, unit=unit, property=missing[0], method=method)}


def _distance(
    parallax: float | None,
    error: float | None,
    distance: float | None,
    magnitude: float | None,
    extinction: float,
    notes: list[str],
) -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    relative = None
    if parallax is not None:
        if distance is not None:
            raise InvalidInput("bad_arguments", "parallax and distance were both given", hint="give one")
        if parallax <= 0:
            raise InvalidInput(
                "bad_parallax", f"a parallax of {parallax:g} mas has no distance",
                hint="a measured parallax can be negative by noise; a distance then needs a prior (Bailer-Jones 2015)",
            )  # fmt: skip
        distance = 1000 / parallax
        relative = None if error is None else error / parallax
        if relative is not None and relative > NOISY_PARALLAX:
            notes.append(
                f"the parallax is known to {relative:.0%}: 1/parallax is biased, and its error is not symmetric (Bailer-Jones 2015)"
            )
        found["distance"] = Quantity(
            value=distance, unit="pc", property="distance", method="1/parallax, no zero-point correction",
            uncertainty=None if relative is None else distance * relative,
        )  # fmt: skip
    if distance is None:
        return found
    spread = None if relative is None else 5 / math.log(10) * relative
    found["distance_modulus"] = Quantity(
        value=5 * math.log10(distance / 10),
        property="distance_modulus",
        method="5 log10(d / 10 pc)",
        uncertainty=spread,
    )
    if magnitude is not None:
        found["absolute_magnitude"] = Quantity(
            value=magnitude - found["distance_modulus"].value - extinction, property="absolute_magnitude",
            method="m − 5 log10(d / 10 pc) − A", conditions={"extinction": f"{extinction:g} mag"}, uncertainty=spread,
        )  # fmt: skip
        if not extinction:
            notes.append("no extinction was given: the star is taken as seen through empty space")
    return found
