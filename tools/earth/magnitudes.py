"""Earthquake magnitudes and moments."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolResult, tool

KANAMORI = 9.1  # log10(M0 / N m) at Mw 0 (IASPEI 2013 standard form; 16.1 for dyne cm)
LARGEST_MOMENT = 1e25  # N m; the largest known earthquake (Chile 1960) had about 2e23


@tool(
    domain="earth",
    properties={
        "moment_magnitude": "moment magnitude, Mw, magnitude of the earthquake, magnitude",
        "seismic_moment": "seismic moment, scalar moment, M0",
        "local_magnitude": "local magnitude, Richter magnitude, ML",
        "radiated_energy": "radiated seismic energy, energy released, energy of the earthquake",
    },
    examples=(
        "Moment magnitude for M0 = 3.98e22 N m?",
        "What is Mw of an earthquake with a seismic moment of 1e20 N m",
        "Which seismic moment has a magnitude 7.5 earthquake?",
        "ML from a Wood-Anderson amplitude of 12 mm at 80 km",
        "How much energy does a Mw 6.2 earthquake release?",
        "Mw for M0 = 2.5e26 dyn cm",
    ),
    example={"moment": 3.98e22},
)
def estimate_magnitude(
    moment: Annotated[
        float | None, Unit("N*m", "M0, seismic moment, scalar moment, moment"), Field(gt=0)
    ] = None,
    magnitude: Annotated[
        float | None, Unit("", "Mw, magnitude, moment magnitude"), Field(ge=-4, le=10)
    ] = None,
    amplitude: Annotated[float | None, Unit("mm", "Wood-Anderson amplitude, amplitude"), Field(gt=0)] = None,
    distance: Annotated[
        float | None, Unit("km", "at, distance, hypocentral distance"), Field(gt=0, le=700)
    ] = None,
) -> ToolResult:
    """Compute Mw from the seismic moment, the moment from Mw, or the local magnitude from a Wood-Anderson amplitude.

    Mw = (2/3)(log10 M0 - 9.1), M0 in N m (Hanks and Kanamori 1979, IASPEI form): in dyn cm the constant is 16.1, so a unit
    matters. ML = log10 A + 1.110 log10(R/100) + 0.00189 (R - 100) + 3.0 (Hutton and Boore 1987, southern California), A the
    zero-to-peak amplitude on a Wood-Anderson seismograph, R the hypocentral distance of 10 to 700 km.

    Raises InvalidInput: `missing_argument`, `conflicting_arguments`, `implausible_moment`.

    Args:
        moment: The seismic moment, in N m; '2.5e26 dyn*cm' is converted.
        magnitude: Mw, to have the moment.
        amplitude: The largest zero-to-peak amplitude on a Wood-Anderson seismograph.
        distance: The hypocentral distance, with the amplitude.
    """
    given = [moment is not None, magnitude is not None, amplitude is not None]
    if sum(given) != 1:
        raise InvalidInput(
            "conflicting_arguments" if any(given) else "missing_argument",
            "give moment, or magnitude, or amplitude and distance",
        )
    notes: list[str] = []
    if amplitude is not None:
        if distance is None:
            raise InvalidInput(
                "missing_argument",
                "a local magnitude needs the hypocentral distance",
                hint="give distance in km",
            )
        if distance < 10:
            notes.append("the attenuation was calibrated from 10 km on")
        local = math.log10(amplitude) + 1.110 * math.log10(distance / 100) + 0.00189 * (distance - 100) + 3.0
        notes.append("calibrated for southern California; other regions attenuate otherwise")
        found = {
            "local_magnitude": Quantity(
                value=local, property="local_magnitude", method="Hutton and Boore 1987",
                conditions={"amplitude": f"{amplitude:g} mm", "distance": f"{distance:g} km"},
            )
        }  # fmt: skip
        return ToolResult(
            quantities=found, source=_source("doi:10.1785/BSSA0770062074"), warnings=tuple(notes)
        )
    if moment is not None:
        if moment > LARGEST_MOMENT:
            raise InvalidInput(
                "implausible_moment", f"{moment:g} N m is larger than any earthquake's moment",
                hint=f"if it is in dyn cm, write '{moment:g} dyn*cm'",
            )  # fmt: skip
        magnitude = 2 / 3 * (math.log10(moment) - KANAMORI)
    else:
        assert magnitude is not None
        moment = 10 ** (1.5 * magnitude + KANAMORI)
    if magnitude > 9.6:
        notes.append("no earthquake above Mw 9.6 has been recorded: is the unit of the moment right?")
    energy = 10 ** (1.5 * magnitude + 4.8)
    form = "Mw = 2/3 (log10 M0 - 9.1), M0 in N m"
    return ToolResult(
        quantities={
            "moment_magnitude": Quantity(value=magnitude, property="moment_magnitude", method=form),
            "seismic_moment": Quantity(value=moment, unit="N*m", property="seismic_moment", method=form),
            "radiated_energy": Quantity(
                value=energy, unit="J", property="radiated_energy", relation="~", method="log10 E = 1.5 M + 4.8 (Gutenberg and Richter 1956)"
            ),
        },
        source=_source("doi:10.1029/JB084iB05p02348"),
        warnings=tuple(notes),
    )  # fmt: skip


def _source(reference: str) -> Source:
    return Source(kind="computed", name="benchmate", reference=reference)
