"""Compact binaries: chirp mass, frames, frequencies, time to merger, and what is left after it."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.gravitational_waves.inspiral import (
    SOLAR_TIME,
    chirp_mass,
    cycles_to_merger,
    isco_frequency,
    symmetric_ratio,
    time_to_merger,
)

NEUTRON_STAR = (
    3.0  # solar masses below which a body may be a neutron star, and the black-hole formulas do not hold
)
YEAR = 31_557_600.0


@tool(
    domain="gravitational_waves",
    properties={
        "chirp_mass": "chirp mass (source frame), chirp mass, Mc",
        "chirp_mass_detector": "chirp mass in the detector frame, redshifted chirp mass",
        "total_mass": "total mass (source frame), total mass",
        "total_mass_detector": "total mass in the detector frame, redshifted total mass",
        "symmetric_mass_ratio": "symmetric mass ratio, eta",
        "mass_ratio": "mass ratio, q",
        "isco_frequency": "frequency at the ISCO, ISCO frequency, f_isco, innermost stable circular orbit, end of inspiral",
        "time_to_merger": "time to merger, time to coalescence, duration in band, how long until merger, chirp time",
        "cycles": "number of cycles, cycles in band",
        "ringdown_frequency": "ringdown frequency, quasinormal mode frequency, QNM",
        "ringdown_damping_time": "ringdown damping time, damping time",
        "final_mass": "final mass, remnant mass",
        "final_spin": "final spin, remnant spin, spin of the remnant",
        "radiated_energy": "radiated energy, energy in gravitational waves, radiated mass",
    },
    examples=(
        "Chirp mass of a 36 + 29 solar-mass binary?",
        "chirp mass of two neutron stars of 1.46 and 1.27 Msun",
        "f_isco for m1 = 30 and m2 = 30 solar masses at redshift 0.1",
        "time to merger from 20 Hz for 1.4 + 1.4 Msun",
        "ringdown frequency of a 36 and 29 solar mass black hole merger",
        "how many cycles does a 10 + 10 Msun binary spend above 10 Hz?",
        "final spin and mass after merging 36 and 29 Msun black holes",
    ),
    extra="gw",
    example={"mass1": 36, "mass2": 29},
)
def compute_binary(
    mass1: Annotated[float, Unit("solar_mass", "m1, mass 1, primary mass, primary"), Field(gt=0, le=1e12)],
    mass2: Annotated[float, Unit("solar_mass", "m2, mass 2, secondary mass, secondary"), Field(gt=0, le=1e12)],
    redshift: Annotated[float, Unit("", "z, redshift"), Field(ge=0, le=100)] = 0.0,
    start_frequency: Annotated[float, Unit("Hz", "f_low, start frequency, from, above, starting at, frequency"), Field(gt=0)] = 20.0,
    masses: Annotated[Literal["source_frame", "detector_frame"], Said({"detector_frame": "detector frame, redshifted masses, detector-frame masses", "source_frame": "source frame, source-frame masses"})] = "source_frame",
) -> ToolResult:  # fmt: skip
    """Compute chirp mass, mass ratio, ISCO frequency, time to merger and remnant of a compact binary without spin.

    What a detector measures follows the redshifted masses m(1 + z): frequencies and times are in the detector's frame.
    Time to merger and cycles are of leading order, from a gravitational-wave frequency (twice the orbital one). Remnant and
    ringdown are for black holes, from fits to numerical relativity.

    Raises InvalidInput: `bad_arguments`, `beyond_isco`.

    Args:
        mass1: The mass of one body.
        mass2: The mass of the other.
        redshift: The redshift.
        start_frequency: The gravitational-wave frequency at the detector from which time and cycles are counted.
        masses: Whether the masses are given in the source's frame or as the detector sees them.
    """
    stretch = 1 + redshift
    given = "source frame" if masses == "source_frame" else "detector frame"
    source1, source2 = (mass1, mass2) if masses == "source_frame" else (mass1 / stretch, mass2 / stretch)
    heavier, lighter = max(source1, source2), min(source1, source2)
    total, eta = heavier + lighter, symmetric_ratio(heavier, lighter)
    chirp = chirp_mass(heavier, lighter)
    isco = isco_frequency(total * stretch)
    at_detector = {"frame": "detector", "redshift": f"{redshift:g}"}
    in_source = {"frame": "source", "redshift": f"{redshift:g}"}
    if start_frequency >= isco:
        raise InvalidInput(
            "beyond_isco", f"{start_frequency:g} Hz is above the end of the inspiral at {isco:.4g} Hz",
            hint="give a lower start_frequency",
        )  # fmt: skip
    seconds = time_to_merger(chirp * stretch, start_frequency)
    unit, size = ("s", 1.0) if seconds < YEAR / 12 else ("year", YEAR)
    counted = at_detector | {"from": f"{start_frequency:g} Hz"}
    quantities = {
        "chirp_mass": Quantity(value=chirp, unit="solar_mass", property="chirp_mass", conditions=in_source),
        "chirp_mass_detector": Quantity(value=chirp * stretch, unit="solar_mass", property="chirp_mass_detector", conditions=at_detector),
        "total_mass": Quantity(value=total, unit="solar_mass", property="total_mass", conditions=in_source),
        "total_mass_detector": Quantity(value=total * stretch, unit="solar_mass", property="total_mass_detector", conditions=at_detector),
        "symmetric_mass_ratio": Quantity(value=eta, property="symmetric_mass_ratio", method="m1 m2 / (m1 + m2)²"),
        "mass_ratio": Quantity(value=lighter / heavier, property="mass_ratio", method="the lighter over the heavier"),
        "isco_frequency": Quantity(
            value=isco, unit="Hz", property="isco_frequency", method="test mass about a Schwarzschild hole of the total mass, gravitational wave",
            conditions=at_detector,
        ),
        "time_to_merger": Quantity(
            value=seconds / size, unit=unit, property="time_to_merger", method="leading order, circular (Peters 1964)", conditions=counted
        ),
        "cycles": Quantity(
            value=cycles_to_merger(chirp * stretch, start_frequency), property="cycles", method="gravitational-wave cycles, leading order",
            conditions=counted,
        ),
    }  # fmt: skip
    notes = []
    if lighter > NEUTRON_STAR:
        quantities |= _remnant(total, eta, stretch, at_detector, in_source)
    else:
        notes.append(
            f"a body below {NEUTRON_STAR:g} solar masses may be a neutron star: tides and disruption change the end of the inspiral, and no remnant is given"
        )
    if start_frequency > 0.5 * isco:
        notes.append("so close to the end of the inspiral the leading order is wrong by tens of percent")
    data: dict[str, Any] = {"masses_given_in": given, "mass1_source": heavier, "mass2_source": lighter}
    return ToolResult(
        data=data,
        quantities=quantities,
        source=Source(
            kind="computed", name="closed formulas",
            reference="Peters 1964, doi:10.1103/PhysRev.136.B1224; Buonanno et al. 2009, arXiv:0902.0790; Berti, Cardoso & Will 2006, arXiv:gr-qc/0512160",
        ),
        warnings=tuple(notes),
    )  # fmt: skip


def _remnant(
    total: float, eta: float, stretch: float, at_detector: dict[str, str], in_source: dict[str, str]
) -> dict[str, Quantity]:
    """Return mass, spin and (2,2,0) mode of the remnant of two holes without spin.

    Mass and spin: Buonanno et al. 2009, equation 29; mode: Berti, Cardoso & Will 2006, table VIII.
    """
    spin = math.sqrt(12) * eta - 3.871 * eta**2 + 4.028 * eta**3
    kept = 1 + (math.sqrt(8 / 9) - 1) * eta - 0.4333 * eta**2 - 0.4392 * eta**3
    seconds = total * kept * stretch * SOLAR_TIME
    frequency = (1.5251 - 1.1568 * (1 - spin) ** 0.1292) / (2 * math.pi * seconds)
    quality = 0.7 + 1.4187 * (1 - spin) ** -0.4990
    fit = "fit to numerical relativity, no spins"
    return {
        "final_mass": Quantity(value=total * kept, unit="solar_mass", property="final_mass", method=fit, conditions=in_source),
        "final_spin": Quantity(value=spin, property="final_spin", method=fit),
        "radiated_energy": Quantity(
            value=total * (1 - kept), unit="solar_mass", property="radiated_energy", method=f"{fit}, times c²", conditions=in_source
        ),
        "ringdown_frequency": Quantity(
            value=frequency, unit="Hz", property="ringdown_frequency", method="(2,2,0) quasinormal mode", conditions=at_detector
        ),
        "ringdown_damping_time": Quantity(
            value=quality / (math.pi * frequency) * 1000, unit="ms", property="ringdown_damping_time", method="(2,2,0) quasinormal mode",
            conditions=at_detector,
        ),
    }  # fmt: skip
