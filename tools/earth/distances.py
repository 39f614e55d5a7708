"""Distances on the Earth: geodesics on the WGS84 ellipsoid."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolResult, tool

MEAN_RADIUS = 6371.0088  # km, mean radius of the Earth (IUGG; Moritz 2000)

Latitude = Annotated[float, Unit("degree", "latitude, lat"), Field(ge=-90, le=90)]
Longitude = Annotated[float, Unit("degree", "longitude, lon"), Field(ge=-180, le=360)]


@tool(
    domain="earth",
    extra="earth",
    properties={
        "geodesic_distance": "distance along the ellipsoid, geodesic distance, distance, how far apart",
        "azimuth": "azimuth, bearing, direction",
        "back_azimuth": "back azimuth, backazimuth",
        "spherical_distance": "great-circle distance on a sphere, haversine distance",
        "angular_distance": "angular distance, distance in degrees",
    },
    examples=(
        "How far is it from 48.137, 11.575 to 52.52, 13.405?",
        "Distance between latitude 35.0 longitude 139.0 and latitude 37.8 longitude -122.4",
        "azimuth from 0, 0 to 0, 90",
        "great circle distance from 40.7, -74.0 to 51.5, -0.1 in km",
        "What is the back azimuth from station 48.1 11.6 to the epicentre 38.3 142.4?",
    ),
    example={"latitude_1": 0, "longitude_1": 0, "latitude_2": 0, "longitude_2": 90},
)
def compute_geodesic(
    latitude_1: Latitude, longitude_1: Longitude, latitude_2: Latitude, longitude_2: Longitude
) -> ToolResult:
    """Compute the shortest way between two points on the WGS84 ellipsoid, with azimuths, and on a sphere for comparison.

    Args:
        latitude_1: Geodetic latitude of the first point, north positive.
        longitude_1: Its longitude, east positive.
        latitude_2: Geodetic latitude of the second point.
        longitude_2: Its longitude.
    """
    from geographiclib.geodesic import Geodesic

    line = Geodesic.WGS84.Inverse(latitude_1, longitude_1, latitude_2, longitude_2)
    angle = _central_angle(latitude_1, longitude_1, latitude_2, longitude_2)
    notes = []
    if line["s12"] < 1e-6:
        notes.append("the points are the same: azimuths mean nothing")
    if line["a12"] > 179.3:
        notes.append(
            "the points are nearly antipodal: many ways are almost as short, so azimuths mean little"
        )
    method = "geodesic on WGS84 (Karney 2013)"
    return ToolResult(
        quantities={
            "geodesic_distance": Quantity(value=line["s12"] / 1000, unit="km", property="geodesic_distance", method=method),
            "azimuth": Quantity(value=line["azi1"] % 360, unit="degree", property="azimuth", method=f"{method}, clockwise from north"),
            "back_azimuth": Quantity(
                value=(line["azi2"] + 180) % 360, unit="degree", property="back_azimuth", method=f"{method}, at the second point, to the first"
            ),
            "spherical_distance": Quantity(
                value=MEAN_RADIUS * angle, unit="km", property="spherical_distance", method="haversine, radius 6371.0088 km; up to 0.6 % off"
            ),
            "angular_distance": Quantity(value=math.degrees(angle), unit="degree", property="angular_distance", method="angle at the centre of a sphere"),
        },
        source=Source(kind="computed", name="GeographicLib", reference="doi:10.1007/s00190-012-0578-z"),
        warnings=tuple(notes),
    )  # fmt: skip


def _central_angle(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Return the angle between two points seen from the centre of a sphere, in radians (haversine)."""
    a, b = math.radians(lat1), math.radians(lat2)
    half = (
        math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    )
    return 2 * math.asin(math.sqrt(min(1.0, half)))
