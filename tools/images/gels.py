"""Densitometry of gels and blots."""

from __future__ import annotations

import csv
import io
import itertools
from importlib.metadata import version
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import PICTURES
from benchmate.tools.files import DataFile
from benchmate.tools.images.pictures import read_picture
from benchmate.tools.plots import Mark, Panel, Series, save_plot

Array = NDArray[np.float64]
MOST_LANES = 60
_MIDDLE = 0.6  # of a lane's width: its edges smile


@tool(
    domain="images",
    files=PICTURES,
    extra="images",
    properties={
        "band_volume": "band volume, band intensity, integrated density, density of the band",
        "band_share": "share of the lane, relative intensity, percent of the lane",
        "band_position": "position of the band, migration, distance in pixels",
        "relative_front": "relative front, Rf, relative migration",
        "band_count": "number of bands, bands",
    },
    examples=(
        "Quantify the bands of gel.tif with 8 lanes",
        "band densitometry of the western blot blot.png, dark bands",
        "relative intensity of the two bands in each lane",
        "how strong is the band in lane 3 of the gel?",
        "densitometry of agarose.jpg: 10 lanes, bright bands",
    ),
    example={"file": "sample:coins", "lanes": 3, "bands": "bright", "sensitivity": 0.3},
)
def measure_gel(
    context: ToolContext,
    file: DataFile,
    lanes: Annotated[int | None, Unit("", "lanes, number of lanes"), Field(ge=1, le=MOST_LANES)] = None,
    lane_edges: Annotated[list[float] | None, Unit("", "lane edges, edges of the lanes")] = None,
    bands: Annotated[
        Literal["dark", "bright"],
        Said({"bright": "bright bands, fluorescent, white bands, bands are bright, ethidium, SYBR"}),
    ] = "dark",
    sensitivity: Annotated[float, Unit("", "sensitivity, smallest band"), Field(gt=0, lt=1)] = 0.1,
    channel: Annotated[int | None, Unit("", "channel"), Field(ge=1, le=16)] = None,
) -> ToolResult:
    """Volumes of the bands in the lanes of a gel or blot, above a rolling baseline, and their shares of the lane.

    Lanes run from top to bottom and are of equal width unless their edges are given. A volume is the sum of the lane's mean
    profile above its baseline from foot to foot of the band, times the width that was read, in grey values of the file.

    Raises InvalidInput: `no_lanes`, `bad_lanes`, `nothing_found`, `bad_file`, `too_large`, `no_such_channel`, `which_channel`.

    Args:
        file: The picture.
        lanes: How many lanes of equal width span the picture.
        lane_edges: The columns (pixels) where lanes begin and end, one more than there are lanes.
        bands: dark (stained, blots) or bright (fluorescence).
        sensitivity: The height of the smallest band as a share of the highest one in the picture.
        channel: The channel of a picture with several, from 1.
    """
    picture = read_picture(file)
    plane, told = picture.plane(channel)
    values = plane.astype(float)
    edges = _edges(lanes, lane_edges, picture.width)
    signal = values.max() - values if bands == "dark" else values
    warnings = list(picture.warnings)
    if picture.pixels.dtype.kind == "u":
        full = float(np.iinfo(picture.pixels.dtype).max)
        saturated = float((values <= 0).mean() if bands == "dark" else (values >= full).mean())
        if saturated > 0.0005:
            warnings.append(
                f"{saturated:.2%} of the pixels are saturated: the strongest bands are stronger than measured"
            )
    profiles, widths = [], []
    for left, right in itertools.pairwise(edges):
        trim = (right - left) * (1 - _MIDDLE) / 2
        first, last = round(left + trim), max(round(right - trim), round(left + trim) + 1)
        profiles.append(signal[:, first:last].mean(axis=1))
        widths.append(last - first)
    baselines = [_baseline(profile) for profile in profiles]
    highest = max(float((p - b).max()) for p, b in zip(profiles, baselines, strict=True))
    rows: list[dict[str, Any]] = []
    for lane, (profile, baseline, width) in enumerate(zip(profiles, baselines, widths, strict=True), 1):
        rows += _bands(lane, profile - baseline, width, sensitivity * highest)
    if not rows:
        raise InvalidInput(
            "nothing_found",
            "no band stands out from the baseline",
            hint="try the other kind of bands, or a smaller sensitivity",
        )
    found = {"band_count": Quantity(value=len(rows), property="band_count")}
    for row in rows:
        key = f"lane_{row['lane']}_band_{row['band']}"
        conditions = {"lane": str(row["lane"]), "band": str(row["band"])}
        for property, value, unit in (
            ("band_volume", row["volume"], ""), ("band_share", 100 * row["share"], "percent"),
            ("band_position", row["position_px"], "pixel"), ("relative_front", row["position_px"] / (picture.height - 1), ""),
        ):  # fmt: skip
            method = "position over the height of the picture" if property == "relative_front" else None
            found[f"{key}_{property.removeprefix('band_')}"] = Quantity(
                value=value, unit=unit, property=property, method=method, conditions=conditions
            )
    distance = list(map(float, range(picture.height)))
    panels = [
        Panel(
            x_label=f"lane {lane}: distance", x_unit="pixel", y_label="intensity",
            series=[Series(label="profile", x=distance, y=p.tolist()), Series(label="baseline", x=distance, y=b.tolist())],
            marks=[Mark(x=row["position_px"], label=str(row["band"])) for row in rows if row["lane"] == lane],
        )
        for lane, (p, b) in enumerate(zip(profiles, baselines, strict=True), 1)
    ][:12]  # fmt: skip
    return ToolResult(
        quantities=found,
        data={
            "picture": picture.name,
            "channel": told,
            "bands_are": bands,
            "lane_edges": edges,
            "bands": rows,
        },
        artifacts=(
            context.save("bands.csv", "text/csv", _csv(rows)),
            *save_plot(context, f"Lanes of {picture.name}", panels, "lanes"),
        ),
        source=Source(kind="computed", name=f"SciPy and scikit-image {version('scikit-image')}"),
        warnings=tuple(warnings),
    )


def _edges(lanes: int | None, lane_edges: list[float] | None, width: int) -> list[float]:
    if (lanes is None) == (lane_edges is None):
        raise InvalidInput(
            "no_lanes",
            "say how many lanes there are, or where they begin and end",
            hint="lanes, or lane_edges",
        )
    if lane_edges is None:
        assert lanes is not None
        if width / lanes < 4:
            raise InvalidInput(
                "bad_lanes", f"{lanes} lanes are narrower than 4 pixels in a picture of {width}"
            )
        return [width * i / lanes for i in range(lanes + 1)]
    steps = np.diff(lane_edges)
    if (
        not 2 <= len(lane_edges) <= MOST_LANES + 1
        or (steps < 4).any()
        or lane_edges[0] < 0
        or lane_edges[-1] > width
    ):
        raise InvalidInput(
            "bad_lanes", "lane edges rise from left to right within the picture, at least 4 pixels apart"
        )
    return [float(e) for e in lane_edges]


def _baseline(profile: Array) -> Array:
    """Return the baseline: a rolling minimum and maximum over a quarter of the lane, smoothed."""
    from scipy import ndimage

    size = max(9, len(profile) // 4) | 1
    opened = ndimage.grey_opening(profile, size)
    return np.minimum(ndimage.uniform_filter1d(opened, size), profile)


def _bands(lane: int, height: Array, width: int, least: float) -> list[dict[str, Any]]:
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    smooth = gaussian_filter1d(height, max(1.0, len(height) / 300))
    peaks, _ = find_peaks(smooth, height=least, prominence=least / 2)
    rows: list[dict[str, Any]] = []
    for number, peak in enumerate(peaks, 1):
        before = int(peaks[number - 2]) if number > 1 else 0
        after = int(peaks[number]) if number < len(peaks) else len(height) - 1
        foot = 0.02 * smooth[peak]
        start = int(before + np.argmin(smooth[before:peak])) if number > 1 else before
        end = int(peak + np.argmin(smooth[peak : after + 1])) if number < len(peaks) else after
        low = np.flatnonzero(smooth[start : peak + 1] <= foot)
        high = np.flatnonzero(smooth[peak : end + 1] <= foot)
        start, end = (
            (start + int(low[-1]) if low.size else start),
            (int(peak) + int(high[0]) if high.size else end),
        )
        rows.append(
            {"lane": lane, "band": number, "position_px": float(peak), "start_px": start, "end_px": end,
             "volume": float(height[start : end + 1].sum()) * width}
        )  # fmt: skip
    total = sum(row["volume"] for row in rows)
    return [{**row, "share": row["volume"] / total if total else 0.0} for row in rows]


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
