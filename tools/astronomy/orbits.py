"""Two-body orbits: Kepler's third law, radial-velocity amplitude, equilibrium temperature."""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity, convert
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolResult, tool

GM_SUN = 1.3271244e20  # m3 s-2, nominal (IAU 2015 Resolution B3)
SOLAR_TEMPERATURE = 5772.0  # K, nominal (IAU 2015 Resolution B3)
AGREEMENT = 0.01  # how far period, axis and mass that are all given may be from Kepler's third law


class Orbit(NamedTuple):
    """A relative orbit in SI: period, semi-major axis, and G times the total mass."""

    period: float
    axis: float
    gm: float

    @property
    def total_mass(self) -> float:
        """The mass of both bodies in solar masses."""
        return self.gm / GM_SUN


@tool(
    domain="astronomy",
    properties={
        "period": "orbital period, period, P, year of the planet",
        "semi_major_axis": "semi-major axis, semimajor axis, orbital distance, a, orbital radius, distance from the star",
        "total_mass": "total mass, mass of the system, sum of the masses, mass of the star",
        "periastron": "periastron distance, periapsis, perihelion distance, closest approach",
        "apoastron": "apoastron distance, apoapsis, aphelion distance, farthest distance",
        "mean_orbital_speed": "mean orbital speed, orbital velocity, orbital speed",
        "velocity_amplitude": "radial-velocity semi-amplitude, K, RV semi-amplitude, radial velocity amplitude, velocity semi-amplitude",
        "minimum_mass": "minimum mass, m sin i, msini, M sin i",
        "equilibrium_temperature": "equilibrium temperature, Teq, planet temperature",
        "insolation": "insolation, incident flux relative to Earth, instellation",
    },
    examples=(
        "Orbital period of a planet at 5.2 au around a star of 1 solar mass?",
        "What is the semi-major axis of a planet with a 3.5 d period around a 1.1 Msun star?",
        "total mass of a binary with period 79.9 years and semi-major axis 23.4 au",
        "RV semi-amplitude of a 1 Mjup planet at 1 au around the Sun",
        "K = 55.6 m/s, P = 4.23 d, stellar mass 1.11 Msun: m sin i?",
        "equilibrium temperature of a planet at 0.05 au around a star of 6000 K and 1.2 solar radii",
        "semimajor axis for a 365.25 day orbit around the Sun",
    ),
    extra="astro",
    example={"period": 365.25, "star_mass": 1.0},
)
def compute_orbit(
    period: Annotated[float | None, Unit("d", "P, period, orbital period, orbit"), Field(gt=0, le=1e12)] = None,
    semi_major_axis: Annotated[float | None, Unit("au", "a, semi-major axis, semimajor axis, orbital distance, at, distance"), Field(gt=0, le=1e7)] = None,
    star_mass: Annotated[float | None, Unit("solar_mass", "M, star mass, stellar mass, mass of the star, star, primary mass"), Field(gt=0, le=1e11)] = None,
    planet_mass: Annotated[float | None, Unit("jupiter_mass", "m, planet mass, companion mass, secondary mass, planet"), Field(ge=0)] = None,
    eccentricity: Annotated[float, Unit("", "e, eccentricity"), Field(ge=0, lt=1)] = 0.0,
    inclination: Annotated[float, Unit("deg", "i, inclination"), Field(gt=0, le=90)] = 90.0,
    velocity_amplitude: Annotated[float | None, Unit("m/s", "K, semi-amplitude, RV semi-amplitude, velocity amplitude"), Field(gt=0)] = None,
    star_temperature: Annotated[float | None, Unit("K", "Teff, effective temperature, star temperature, stellar temperature"), Field(gt=0, le=1e6)] = None,
    star_radius: Annotated[float | None, Unit("solar_radius", "R, star radius, stellar radius, radius of the star"), Field(gt=0)] = None,
    star_luminosity: Annotated[float | None, Unit("solar_luminosity", "L, luminosity, stellar luminosity"), Field(gt=0)] = None,
    albedo: Annotated[float, Unit("", "albedo, Bond albedo"), Field(ge=0, lt=1)] = 0.0,
) -> ToolResult:  # fmt: skip
    """Compute an orbit by Kepler's third law from any two of period, semi-major axis and mass, and what follows from it.

    With a planet's mass it gives the star's radial-velocity semi-amplitude; with that amplitude, the planet's m sin i; with
    the star's luminosity, or temperature and radius, the planet's equilibrium temperature (full redistribution).

    Raises InvalidInput: `incomplete`, `inconsistent` (all three given and they disagree), `inside_the_star`,
    `bad_arguments`.

    Args:
        period: The orbital period.
        semi_major_axis: The semi-major axis of the relative orbit.
        star_mass: The mass of the star, or of the primary.
        planet_mass: The mass of the planet or companion, in Jupiter masses.
        eccentricity: The eccentricity.
        inclination: The inclination; 90 deg is edge-on.
        velocity_amplitude: The measured radial-velocity semi-amplitude of the star.
        star_temperature: The star's effective temperature.
        star_radius: The star's radius.
        star_luminosity: The star's luminosity.
        albedo: The planet's Bond albedo.
    """
    companion = convert(planet_mass or 0.0, "jupiter_mass", "solar_mass")
    orbit, derived = _kepler(period, semi_major_axis, star_mass, companion)
    law = "Kepler's third law"
    conditions = {"eccentricity": f"{eccentricity:g}"}
    quantities = {
        name: Quantity(
            value=value, unit=unit, property=name if derived == name else f"input_{name}",
            method=law if derived == name else "given",
        )
        for name, value, unit in (
            ("period", orbit.period / 86_400, "d"),
            ("semi_major_axis", convert(orbit.axis, "m", "au"), "au"),
            ("total_mass", orbit.total_mass, "solar_mass"),
        )
    } | {
        "mean_orbital_speed": Quantity(
            value=2 * math.pi * orbit.axis / orbit.period / 1000, unit="km/s", property="mean_orbital_speed",
            method="2πa/P, the speed on a circle of that radius",
        ),
    }  # fmt: skip
    notes: list[str] = []
    if eccentricity:
        for name, factor in (("periastron", 1 - eccentricity), ("apoastron", 1 + eccentricity)):
            quantities[name] = Quantity(
                value=convert(orbit.axis * factor, "m", "au"), unit="au", property=name, conditions=conditions
            )
    star = orbit.total_mass - companion
    if star <= 0:
        raise InvalidInput(
            "inconsistent",
            f"period and axis give a total mass of {orbit.total_mass:.4g} solar masses, less than the companion's",
            hint="check the units of the period and the axis",
        )
    if planet_mass:
        quantities["velocity_amplitude"] = _amplitude(orbit, star, companion, eccentricity, inclination)
    if velocity_amplitude is not None:
        if planet_mass is not None:
            raise InvalidInput(
                "bad_arguments", "planet_mass and velocity_amplitude were both given", hint="each follows from the other"
            )  # fmt: skip
        if star_mass is None:
            raise InvalidInput("incomplete", "m sin i needs the star's mass", hint="give star_mass")
        quantities["minimum_mass"] = _minimum_mass(orbit.period, star_mass, velocity_amplitude, eccentricity)
    if star_temperature or star_luminosity or star_radius:
        quantities |= _heating(
            orbit, star_temperature, star_radius, star_luminosity, albedo, eccentricity, notes
        )
    data: dict[str, Any] = {
        "derived": derived or "nothing: all three agree",
        "companion_mass_solar": companion,
    }  # fmt: skip
    return ToolResult(
        data=data,
        quantities=quantities,
        source=Source(
            kind="computed", name="two-body formulas",
            reference="Murray & Correia 2010 in Exoplanets (arXiv:1009.1738); constants of IAU 2015 Resolution B3",
        ),
        warnings=tuple(notes),
    )  # fmt: skip


def _kepler(
    period: float | None, axis: float | None, star: float | None, companion: float
) -> tuple[Orbit, str | None]:
    """Return the orbit and which property was derived, if any: P² = 4π² a³ / G(M + m)."""
    known = sum(value is not None for value in (period, axis, star))
    if known < 2:
        raise InvalidInput(
            "incomplete", "Kepler's third law needs two of period, semi-major axis and mass",
            hint="give two of period, semi_major_axis and star_mass",
        )  # fmt: skip
    seconds = None if period is None else period * 86_400
    meters = None if axis is None else convert(axis, "au", "m")
    gm = None if star is None else GM_SUN * (star + companion)
    if seconds is None:
        assert meters is not None and gm is not None
        return Orbit(2 * math.pi * math.sqrt(meters**3 / gm), meters, gm), "period"
    if meters is None:
        assert gm is not None
        return Orbit(seconds, (gm * (seconds / (2 * math.pi)) ** 2) ** (1 / 3), gm), "semi_major_axis"
    needed = meters**3 * (2 * math.pi / seconds) ** 2
    if gm is None:
        return Orbit(seconds, meters, needed), "total_mass"
    if abs(needed / gm - 1) > 3 * AGREEMENT:
        raise InvalidInput(
            "inconsistent",
            f"period {period:g} d and semi-major axis {axis:g} au need {needed / GM_SUN:.4g} solar masses, not {gm / GM_SUN:.4g}",
            hint="leave out the one that is not measured",
        )
    return Orbit(seconds, meters, gm), None


def _amplitude(orbit: Orbit, star: float, companion: float, e: float, inclination: float) -> Quantity:
    """Return K = (2πG/P)^⅓ m sin i (M + m)^(−⅔) (1 − e²)^(−½)."""
    speed = (2 * math.pi * GM_SUN / orbit.period) ** (1 / 3)
    k = speed * companion * math.sin(math.radians(inclination)) * (star + companion) ** (-2 / 3)
    return Quantity(
        value=k / math.sqrt(1 - e**2), unit="m/s", property="velocity_amplitude",
        method="two-body, of the star about the centre of mass",
        conditions={"inclination": f"{inclination:g} deg", "eccentricity": f"{e:g}"},
    )  # fmt: skip


def _minimum_mass(period: float, star: float, k: float, e: float) -> Quantity:
    """Return m sin i for an edge-on orbit, where m enters the total mass: solved, not approximated."""
    from scipy.optimize import brentq

    right = k * math.sqrt(1 - e**2) * (period / (2 * math.pi * GM_SUN)) ** (1 / 3)
    upper = 10 * (right**3 + right * star ** (2 / 3) + star)
    mass = brentq(lambda m: m - right * (star + m) ** (2 / 3), 0.0, upper, xtol=1e-18, rtol=1e-13)
    return Quantity(
        value=convert(mass, "solar_mass", "jupiter_mass"), unit="jupiter_mass", property="minimum_mass", relation="=",
        method="m sin i from K at inclination 90 deg", conditions={"eccentricity": f"{e:g}", "star mass": f"{star:g} solar masses"},
    )  # fmt: skip


def _heating(
    orbit: Orbit,
    temperature: float | None,
    radius: float | None,
    luminosity: float | None,
    albedo: float,
    e: float,
    notes: list[str],
) -> dict[str, Quantity]:
    """Return Teq = T* √(R*/2a) (1 − A)^¼ and the insolation L/a², averaged over the orbit."""
    if luminosity is None:
        if temperature is None or radius is None:
            raise InvalidInput(
                "incomplete", "the equilibrium temperature needs the star's luminosity, or its temperature and radius",
                hint="give star_luminosity, or star_temperature and star_radius",
            )  # fmt: skip
        luminosity = radius**2 * (temperature / SOLAR_TEMPERATURE) ** 4
    elif temperature is not None and radius is not None:
        raise InvalidInput(
            "bad_arguments", "luminosity, temperature and radius were all given", hint="leave one out"
        )
    axis = convert(orbit.axis, "m", "au")
    if radius is not None and convert(radius, "solar_radius", "m") > orbit.axis * (1 - e):
        raise InvalidInput(
            "inside_the_star", "the orbit comes closer to the star's centre than the star's radius",
            hint="check the units of the axis, the radius and the eccentricity",
        )  # fmt: skip
    insolation = luminosity / axis**2 / math.sqrt(1 - e**2)
    sun_at_1_au = SOLAR_TEMPERATURE * math.sqrt(convert(1, "solar_radius", "m") / (2 * convert(1, "au", "m")))
    notes.append(
        "the equilibrium temperature is of a body that re-radiates from its whole surface; an atmosphere's greenhouse adds to it"
    )
    return {
        "insolation": Quantity(
            value=insolation, property="insolation", method="flux relative to the Earth's, averaged over the orbit"
        ),
        "equilibrium_temperature": Quantity(
            value=sun_at_1_au * (insolation * (1 - albedo)) ** 0.25, unit="K", property="equilibrium_temperature",
            method="full redistribution, no greenhouse", conditions={"Bond albedo": f"{albedo:g}"},
        ),
    }  # fmt: skip
