"""Cosmological distances and times at a redshift, and the redshift at a distance or a look-back time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolResult, tool

if TYPE_CHECKING:
    from astropy.cosmology import FLRW

Model = Literal["Planck18", "Planck15", "Planck13", "WMAP9", "WMAP7"]
REFERENCES: dict[str, str] = {
    "Planck18": "Planck Collaboration 2020, A&A 641, A6, table 2 (TT,TE,EE+lowE+lensing+BAO)",
    "Planck15": "Planck Collaboration 2016, A&A 594, A13, table 4 (TT,TE,EE+lowP+lensing+ext)",
    "Planck13": "Planck Collaboration 2014, A&A 571, A16, table 5 (Planck+WP+highL+BAO)",
    "WMAP9": "Hinshaw et al. 2013, ApJS 208, 19, table 4",
    "WMAP7": "Komatsu et al. 2011, ApJS 192, 18, table 1",
}
HIGHEST = 10_000.0
LOCAL = 0.01  # redshift below which peculiar velocities of 300 km/s are more than a tenth of it


@tool(
    domain="astronomy",
    properties={
        "luminosity_distance": "luminosity distance, D_L, DL, dL",
        "comoving_distance": "comoving distance, line-of-sight comoving distance, D_C, comoving radial distance",
        "transverse_comoving_distance": "transverse comoving distance, D_M, proper motion distance",
        "angular_diameter_distance": "angular diameter distance, D_A, angular-diameter distance",
        "distance_modulus": "distance modulus, m − M, mu",
        "lookback_time": "look-back time, lookback time, light travel time, how long ago",
        "age": "age of the universe at the redshift, age at z, how old was the universe",
        "age_today": "age of the universe, age of the universe today, how old is the universe",
        "scale": "scale, kpc per arcsec, projected size per arcsecond, plate scale",
        "hubble_parameter": "Hubble parameter at the redshift, H(z), expansion rate",
        "comoving_volume": "comoving volume, volume out to the redshift",
        "redshift": "redshift, z, redshift at the distance",
    },
    examples=(
        "Luminosity distance at z = 1 in Planck18 cosmology?",
        "How old was the universe at redshift 6?",
        "angular diameter distance and kpc per arcsec at z=0.5 for H0=70 km/s/Mpc, Om0=0.3",
        "What is the lookback time at z = 2 with WMAP9?",
        "age of the universe in Planck 2018",
        "at which redshift is the luminosity distance 410 Mpc?",
        "comoving distance to z = 1100",
        "distance modulus at redshift 0.1",
    ),
    extra="astro",
    example={"redshift": 1.0},
)
def compute_cosmology(
    redshift: Annotated[float | None, Unit("", "z, redshift"), Field(ge=0, le=HIGHEST)] = None,
    luminosity_distance: Annotated[float | None, Unit("Mpc", "luminosity distance, D_L, DL, distance"), Field(gt=0)] = None,
    comoving_distance: Annotated[float | None, Unit("Mpc", "comoving distance, D_C"), Field(gt=0)] = None,
    lookback_time: Annotated[float | None, Unit("Gyr", "lookback time, look-back time, light travel time, ago"), Field(gt=0)] = None,
    model: Annotated[Model, Said({"Planck15": "Planck 2015, Planck15", "Planck13": "Planck 2013, Planck13", "Planck18": "Planck 2018, Planck18", "WMAP9": "WMAP 9, nine-year WMAP", "WMAP7": "WMAP 7, seven-year WMAP"})] = "Planck18",
    hubble_constant: Annotated[float | None, Unit("km/s/Mpc", "H0, Hubble constant"), Field(ge=10, le=200)] = None,
    omega_m: Annotated[float | None, Unit("", "Om0, Omega_m, Omega m, OmegaM, matter density"), Field(gt=0, le=2)] = None,
    omega_lambda: Annotated[float | None, Unit("", "Ode0, Omega_Lambda, OmegaLambda, dark energy density"), Field(ge=0, le=2)] = None,
) -> ToolResult:  # fmt: skip
    """Compute distances, times and the scale at a redshift in a standard cosmology, or the redshift at a distance or look-back time.

    Without any of them it gives the age of the universe. With a Hubble constant and a matter density the model is ΛCDM of
    matter and a cosmological constant without radiation; it is flat unless omega_lambda is given.

    Raises InvalidInput: `bad_arguments` (several of redshift and distances, or half a model), `no_such_redshift`,
    `no_such_universe` (a model without a big bang).

    Args:
        redshift: The redshift.
        luminosity_distance: Find the redshift at this luminosity distance.
        comoving_distance: Find the redshift at this line-of-sight comoving distance.
        lookback_time: Find the redshift of light that left so long ago.
        model: The cosmology, by its parameters' source.
        hubble_constant: H0 of a model of your own; needs omega_m.
        omega_m: Present matter density of a model of your own, of the critical density.
        omega_lambda: Present dark-energy density of a model of your own; by default 1 − omega_m (flat).
    """
    import astropy

    cosmology, named, reference = _cosmology(model, hubble_constant, omega_m, omega_lambda)
    asked: dict[str, float | None] = {
        "luminosity_distance": luminosity_distance, "comoving_distance": comoving_distance,
        "lookback_time": lookback_time,
    }  # fmt: skip
    given = {name: value for name, value in asked.items() if value is not None}
    if len(given) + (redshift is not None) > 1:
        raise InvalidInput(
            "bad_arguments", "only one of redshift, luminosity_distance, comoving_distance and lookback_time can be given"
        )  # fmt: skip
    conditions = {"cosmology": named}
    quantities: dict[str, Quantity] = {}
    notes = []
    for name, value in given.items():
        redshift = _redshift_at(cosmology, name, value)
        unit = "Gyr" if name == "lookback_time" else "Mpc"
        quantities["redshift"] = Quantity(
            value=redshift, property="redshift", conditions={**conditions, name.replace("_", " "): f"{value:g} {unit}"}
        )  # fmt: skip
    if redshift is not None:
        at = {"redshift": f"{redshift:.6g}", **conditions}
        for name, unit, value in _values(cosmology, redshift):
            quantities[name] = Quantity(value=value, unit=unit, property=name, conditions=at)
        if 0 < redshift < LOCAL:
            notes.append(
                "at so small a redshift peculiar velocities (some 300 km/s) change the distance by more than a tenth"
            )
        if redshift == 0:
            notes.append("at redshift 0 every distance is zero, and there is no distance modulus")
    quantities["age_today"] = Quantity(
        value=float(cosmology.age(0).to_value("Gyr")), unit="Gyr", property="age_today", conditions=conditions
    )
    return ToolResult(
        data={"model": named, "parameters": _parameters(cosmology)},
        quantities=quantities,
        source=Source(kind="computed", name=f"astropy {astropy.__version__}", reference=reference),
        warnings=tuple(notes),
    )


def _cosmology(model: str, h0: float | None, om0: float | None, ode0: float | None) -> tuple[FLRW, str, str]:
    from astropy import cosmology

    if h0 is None and om0 is None and ode0 is None:
        return getattr(cosmology, model), model, REFERENCES[model]
    if h0 is None or om0 is None:
        raise InvalidInput(
            "bad_arguments", "a model of your own needs the Hubble constant and the matter density",
            hint="give hubble_constant and omega_m, and omega_lambda unless it is flat",
        )  # fmt: skip
    if ode0 is None or math.isclose(om0 + ode0, 1, abs_tol=1e-9):
        if om0 > 1:
            raise InvalidInput(
                "bad_arguments", f"a flat model with omega_m = {om0} has a negative dark-energy density",
                hint="give omega_lambda, as 0, for a closed model",
            )  # fmt: skip
        return (
            cosmology.FlatLambdaCDM(H0=h0, Om0=om0),
            f"flat ΛCDM, H0 = {h0:g} km/s/Mpc, Ωm = {om0:g}, no radiation",
            "Hogg 1999, arXiv:astro-ph/9905116",
        )
    _has_a_big_bang(om0, ode0)
    return (
        cosmology.LambdaCDM(H0=h0, Om0=om0, Ode0=ode0),
        f"ΛCDM, H0 = {h0:g} km/s/Mpc, Ωm = {om0:g}, ΩΛ = {ode0:g}, no radiation",
        "Hogg 1999, arXiv:astro-ph/9905116",
    )


def _has_a_big_bang(om0: float, ode0: float) -> None:
    """Raise InvalidInput (`no_such_universe`) where the expansion rate squared vanishes in the past, so that time has no start."""
    import numpy as np

    growth = 1 + np.logspace(-4, 4, 4000)
    if np.any(om0 * growth**3 + (1 - om0 - ode0) * growth**2 + ode0 <= 0):
        raise InvalidInput(
            "no_such_universe", f"a universe with omega_m = {om0} and omega_lambda = {ode0} has no big bang: it bounced",
            hint="reduce omega_lambda",
        )  # fmt: skip


def _redshift_at(cosmology: FLRW, name: str, value: float) -> float:
    """Return the redshift at which a distance (Mpc) or look-back time (Gyr) has a value; all of them grow with redshift."""
    from scipy.optimize import brentq

    def short(redshift: float) -> float:
        return float(getattr(cosmology, name)(redshift).value) - value

    if name == "luminosity_distance" and cosmology.Ok0 < 0:
        raise InvalidInput(
            "no_such_redshift", "in a closed model several redshifts can have one luminosity distance",
            hint="give the comoving distance",
        )  # fmt: skip
    if short(HIGHEST) < 0:
        most = short(HIGHEST) + value
        raise InvalidInput(
            "no_such_redshift", f"the {name.replace('_', ' ')} is at most {most:.5g} up to redshift {HIGHEST:.0f}",
            hint=f"{value:g} is beyond that",
        )  # fmt: skip
    return float(brentq(short, 0.0, HIGHEST, xtol=1e-12, rtol=1e-12))


def _values(cosmology: FLRW, z: float) -> list[tuple[str, str, float]]:
    angular = cosmology.angular_diameter_distance(z)
    found = [
        ("luminosity_distance", "Mpc", cosmology.luminosity_distance(z).to_value("Mpc")),
        ("comoving_distance", "Mpc", cosmology.comoving_distance(z).to_value("Mpc")),
        ("angular_diameter_distance", "Mpc", angular.to_value("Mpc")),
        ("lookback_time", "Gyr", cosmology.lookback_time(z).to_value("Gyr")),
        ("age", "Gyr", cosmology.age(z).to_value("Gyr")),
        ("scale", "kpc/arcsec", angular.to_value("kpc") * math.radians(1 / 3600)),
        ("hubble_parameter", "km/s/Mpc", cosmology.H(z).to_value("km/(s Mpc)")),
        ("comoving_volume", "Gpc**3", cosmology.comoving_volume(z).to_value("Gpc3")),
    ]
    if abs(cosmology.Ok0) > 1e-9:
        transverse = cosmology.comoving_transverse_distance(z).to_value("Mpc")
        found.insert(2, ("transverse_comoving_distance", "Mpc", transverse))
    if z > 0:
        found.insert(3, ("distance_modulus", "", cosmology.distmod(z).value))
    return [(name, unit, float(value)) for name, unit, value in found]


def _parameters(cosmology: FLRW) -> dict[str, Any]:
    return {
        "H0_km_s_Mpc": float(cosmology.H0.value), "Om0": float(cosmology.Om0), "Ode0": float(cosmology.Ode0),
        "Ok0": float(cosmology.Ok0), "Tcmb0_K": float(cosmology.Tcmb0.value),
    }  # fmt: skip
