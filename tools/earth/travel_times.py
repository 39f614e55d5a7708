"""When waves arrive: travel times through models of the Earth, and the distance that an S-P time means."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Spelled, Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.earth.waveforms import source

EARTH_RADIUS = 6371.0  # km, of the models; 1° on the surface is 111.19 km
KM_PER_DEGREE = 111.19492664455873

Model = Literal["iasp91", "ak135", "prem", "jb", "sp6", "pwdk", "1066a", "1066b", "herrin"]


@tool(
    domain="earth",
    extra="earth",
    properties={
        "travel_time": "travel time, arrival time, seconds after the earthquake, how long does the wave take, P time, S time",
        "slowness": "slowness, ray parameter",
        "incidence_angle": "angle of incidence, incidence angle",
        "epicentral_distance": "epicentral distance, distance in degrees",
    },
    examples=(
        "What is the P travel time at 30 degrees for a surface source in iasp91?",
        "When do P and S arrive at 60 degrees from a 100 km deep earthquake?",
        "ak135 arrival time of PKIKP at 150 degrees",
        "How long does a P wave take over 2000 km?",
        "S wave travel time, depth 35 km, distance 45 degrees",
        "Which phases arrive at 120 degrees?",
    ),
    example={"distance": 30, "depth": 0, "phases": ["P", "S"], "model": "iasp91"},
)
def compute_travel_times(
    distance: Annotated[
        float | None, Unit("degree", "distance, at, epicentral distance, delta"), Field(ge=0, le=180)
    ] = None,
    depth: Annotated[float, Unit("km", "depth, deep, source depth, focal depth"), Field(ge=0, le=800)] = 0.0,
    phases: Annotated[
        list[str],
        Field(min_length=1, max_length=40),
        Spelled(
            r"\b(?:P|S|Pn|Pg|Sn|Sg|PP|SS|PPP|SSS|PcP|ScS|PcS|ScP|PKP|PKIKP|PKiKP|SKS|SKKS|SKIKS|Pdiff|Sdiff|pP|sP|sS|pS)\b"
        ),
    ] = ["P", "S"],  # noqa: B006 (pydantic copies it)
    model: Model = "iasp91",
    distance_km: Annotated[float | None, Unit("km", "over, away, distance"), Field(ge=0, le=20020)] = None,
) -> ToolResult:
    """Compute when seismic phases arrive, through a spherical model of the Earth (TauP).

    A phase may arrive several times, or not at all: P ends in the core's shadow near 98° (beyond it is Pdiff, and PKP from
    about 114°). Distances are geocentric; a distance in km is along a sphere of 6371 km.

    Raises InvalidInput: `missing_argument`, `conflicting_arguments`, `unknown_phase`. NotFound: `no_arrival`, which names the
    phases that do arrive.

    Args:
        distance: The epicentral distance in degrees.
        depth: The depth of the source.
        phases: Phase names, such as P, S, PcP, PKIKP, ScS; ttbasic stands for all common ones.
        model: The Earth model: iasp91 (Kennett and Engdahl 1991), ak135 (Kennett et al. 1995), PREM, Jeffreys-Bullen, …
        distance_km: The epicentral distance along the surface, in place of degrees.
    """
    if (distance is None) == (distance_km is None):
        code = "missing_argument" if distance is None else "conflicting_arguments"
        raise InvalidInput(code, "give the distance once", hint="distance in degrees, or distance_km")
    degrees = distance if distance is not None else (distance_km or 0.0) / KM_PER_DEGREE
    arrivals = _arrivals(model, depth, degrees, phases)
    if not arrivals:
        known = sorted({str(a.name) for a in _arrivals(model, depth, degrees, ["ttbasic"])})
        raise NotFound(
            "no_arrival", f"in {model}, {', '.join(phases)} does not arrive at {degrees:g}° from {depth:g} km depth",
            hint=f"what arrives there: {', '.join(known) or 'nothing'}",
        )  # fmt: skip
    rows: list[dict[str, Any]] = [
        {
            "phase": str(a.name), "time_s": float(a.time), "slowness_s_per_deg": float(a.ray_param_sec_degree),
            "incidence_deg": float(a.incident_angle), "takeoff_deg": float(a.takeoff_angle),
        }
        for a in arrivals
    ]  # fmt: skip
    quantities: dict[str, Quantity] = {
        "epicentral_distance": Quantity(
            value=degrees, unit="degree", property="epicentral_distance", method="geocentric"
        )
    }
    seen: dict[str, int] = {}
    for row in rows:
        seen[row["phase"]] = number = seen.get(row["phase"], 0) + 1
        name = row["phase"] if number == 1 else f"{row['phase']}_{number}"
        conditions = {"phase": row["phase"], "depth": f"{depth:g} km", "distance": f"{degrees:g} degrees"}
        for key, column, unit in (
            ("travel_time", "time_s", "s"), ("slowness", "slowness_s_per_deg", "s/degree"), ("incidence_angle", "incidence_deg", "degree"),
        ):  # fmt: skip
            quantities[f"{key}_{name}"] = Quantity(
                value=row[column], unit=unit, property=key, method=f"TauP, {model}", conditions=conditions
            )
    notes = [f"{name} arrives {count} times" for name, count in seen.items() if count > 1]
    missing = [p for p in phases if not p.startswith("tt") and p not in seen]
    notes += [f"{p} does not arrive at this distance" for p in missing]
    notes.append("times are for a spherical Earth: no ellipticity or station corrections")
    return ToolResult(
        data={"arrivals": rows, "model": model}, quantities=quantities, source=source(), warnings=tuple(notes)
    )


def _arrivals(model: str, depth: float, degrees: float, phases: list[str]) -> Any:
    from obspy.taup import TauPyModel

    try:
        return TauPyModel(model).get_travel_times(depth, degrees, phases)
    except (ValueError, IndexError, KeyError) as error:
        raise InvalidInput(
            "unknown_phase", f"{', '.join(phases)}: {error}", hint="phase names as in P, PcP, PKIKP, SKS, sP"
        ) from None


@tool(
    domain="earth",
    properties={
        "epicentral_distance": "epicentral distance, distance to the earthquake, distance to the epicentre, how far away",
        "origin_lead": "time between origin and P, seconds before P",
    },
    examples=(
        "S-P time is 8.0 s, Vp 6.0 and Vs 3.46 km/s: how far is the earthquake?",
        "Distance from an S minus P of 12.5 s",
        "The S wave came 4 s after P, how far away was the quake?",
        "epicentral distance for ts-tp = 20 s with Vp = 5.8 km/s",
    ),
    example={"s_minus_p": 8.0, "p_speed": 6.0, "s_speed": 3.46},
)
def estimate_epicentral_distance(
    s_minus_p: Annotated[
        float,
        Unit("s", "S-P time, S minus P, ts-tp, S-P, S-P interval, S-P delay, came"),
        Field(gt=0, le=200),
    ],
    p_speed: Annotated[
        float, Unit("km/s", "Vp, P velocity, P speed, P-wave velocity"), Field(gt=0, le=15)
    ] = 6.0,
    s_speed: Annotated[
        float | None, Unit("km/s", "Vs, S velocity, S speed, S-wave velocity"), Field(gt=0, le=10)
    ] = None,
    ratio: Annotated[float, Unit("", "Vp/Vs, velocity ratio"), Field(gt=1, le=3)] = 1.732,
) -> ToolResult:
    """Estimate the distance of a near, shallow earthquake from its S-P time: d = Δt / (1/Vs - 1/Vp).

    Straight rays at constant speeds: good to about 10 % within 200 km for shallow sources; for farther ones use
    compute_travel_times. Without Vs, Vp/Vs is taken as √3, a Poisson solid.

    Raises InvalidInput: `speeds_crossed` where S is not slower than P.

    Args:
        s_minus_p: The time between the P and the S onset.
        p_speed: The P-wave speed; 6 km/s is usual for the upper crust.
        s_speed: The S-wave speed.
        ratio: Vp/Vs, where the S-wave speed is not given.
    """
    slow = s_speed if s_speed is not None else p_speed / ratio
    if slow >= p_speed:
        raise InvalidInput(
            "speeds_crossed", f"Vs {slow:g} km/s is not below Vp {p_speed:g} km/s", hint="Vp/Vs is about 1.73"
        )
    distance = s_minus_p / (1 / slow - 1 / p_speed)
    notes = ["straight rays at constant speed, from the source itself: the depth is part of this distance"]
    if distance > 200:
        notes.append(
            f"{distance:.0f} km is beyond straight crustal rays; compute_travel_times has curved ones"
        )
    if s_speed is None:
        notes.append(f"Vs was taken as Vp/{ratio:g}")
    conditions = {"Vp": f"{p_speed:g} km/s", "Vs": f"{slow:.4g} km/s"}
    return ToolResult(
        quantities={
            "epicentral_distance": Quantity(
                value=distance, unit="km", property="epicentral_distance", relation="~",
                method="Δt / (1/Vs - 1/Vp), straight ray", conditions=conditions,
            ),
            "origin_lead": Quantity(
                value=distance / p_speed, unit="s", property="origin_lead", method="distance / Vp", conditions=conditions
            ),
        },
        source=Source(kind="computed", name="benchmate", reference="Stein and Wysession 2003, An Introduction to Seismology, 7.2"),
        warnings=tuple(notes),
    )  # fmt: skip
