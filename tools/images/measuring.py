"""Finding, counting and measuring the objects of a picture."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Artifact, Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import PICTURES
from benchmate.tools.files import DataFile
from benchmate.tools.images.objects import Segmented, segment
from benchmate.tools.images.overlay import save_labels, save_overlay
from benchmate.tools.images.pictures import Picture, read_picture

Method = Literal["adaptive", "triangle", "li", "otsu"]
Objects = Literal["bright", "dark"]
PixelSize = Annotated[float | None, Unit("um", "pixel size, scale, per pixel, size of a pixel"), Field(gt=0)]
Level = Annotated[float | None, Unit("", "threshold of, grey level, cutoff")]
Radius = Annotated[
    float | None, Unit("", "background radius, rolling ball radius, top-hat radius"), Field(ge=0, le=1000)
]
Sigma = Annotated[float, Unit("", "smoothing, Gaussian sigma, blur"), Field(ge=0, le=50)]
Area = Annotated[float | None, Unit("", "pixels, minimum area in pixels, smallest area"), Field(ge=1)]
LargestArea = Annotated[float | None, Unit("", "largest area, maximum area in pixels"), Field(ge=1)]
Diameter = Annotated[float | None, Unit("um", "minimum diameter, smallest diameter"), Field(gt=0)]
LargestDiameter = Annotated[float | None, Unit("um", "maximum diameter, largest diameter"), Field(gt=0)]
Channel = Annotated[int | None, Unit("", "channel"), Field(ge=1, le=16)]
Page = Annotated[int, Unit("", "page, frame, slice, plane"), Field(ge=1, le=1_000_000)]
_SHOWN = 200
_COUNTED = {
    "object_count": "number of objects, how many objects, count, cells, coins, particles, number of cells",
    "threshold": "threshold, grey level of the threshold, Otsu threshold",
    "covered_fraction": "area fraction, covered area, confluence, coverage",
    "density": "density, objects per area, cells per mm²",
}
_COLUMNS = (
    "object", "row", "column", "area_px", "diameter_px", "circularity", "elongation", "mean_intensity",
    "integrated_intensity", "at_edge",
)  # fmt: skip


@dataclass(frozen=True)
class _Found:
    picture: Picture
    segmented: Segmented
    pixel: tuple[float, float] | None  # µm
    pixel_source: str | None
    channel: str
    warnings: list[str]

    @property
    def unit_area(self) -> float | None:
        return None if self.pixel is None else self.pixel[0] * self.pixel[1]


def _find(
    file: DataFile, channel: int | None, page: int, pixel_size: float | None, objects: Objects | None, method: Method,
    level: float | None, background: float | None, smoothing: float, areas: tuple[float | None, float | None],
    diameters: tuple[float | None, float | None], split: bool, split_distance: float | None, drop_edge: bool,
) -> _Found:  # fmt: skip
    picture = read_picture(file, page)
    plane, told = picture.plane(channel)
    pixel = (pixel_size, pixel_size) if pixel_size is not None else picture.pixel_size
    source = "given" if pixel_size is not None else picture.pixel_size_source
    warnings = list(picture.warnings)
    if pixel_size is not None and picture.pixel_size and abs(picture.pixel_size[0] / pixel_size - 1) > 0.01:
        warnings.append(
            f"the file says {picture.pixel_size[0]:.4g} µm a pixel; the given {pixel_size:.4g} µm was used"
        )
    if pixel is None and any(d is not None for d in diameters):
        raise InvalidInput(
            "no_pixel_size",
            f"{picture.name} does not say how large a pixel is",
            hint="give pixel_size, such as '0.65 um'",
        )
    if pixel is not None and abs(pixel[0] / pixel[1] - 1) > 0.01:
        warnings.append(f"pixels are {pixel[0]:.4g} by {pixel[1]:.4g} µm: shapes are those of the pixel grid")
    limits = list(areas)
    for place, diameter in enumerate(diameters):
        if diameter is not None and pixel is not None:
            if limits[place] is not None:
                raise InvalidInput(
                    "two_limits", "an area and a diameter limit the same side", hint="give one of them"
                )
            limits[place] = math.pi / 4 * diameter**2 / (pixel[0] * pixel[1])
    if limits[0] is not None and limits[1] is not None and limits[0] > limits[1]:
        raise InvalidInput("bad_limits", "the smallest size is above the largest")
    segmented = segment(
        plane, threshold=level if level is not None else method, dark=None if objects is None else objects == "dark",
        background=background, smoothing=smoothing, min_area=limits[0], max_area=limits[1], split=split,
        split_distance=split_distance, fill=True, drop_edge=drop_edge,
    )  # fmt: skip
    return _Found(picture, segmented, pixel, source, told, [*warnings, *segmented.warnings])


def _measure(found: _Found) -> list[dict[str, Any]]:
    """Return one row for each object; intensities are of the picture as stored."""
    from skimage import measure

    height, width = found.segmented.labels.shape
    rows = []
    for region in measure.regionprops(found.segmented.labels, intensity_image=found.segmented.intensity):
        top, left, bottom, right = region.bbox
        perimeter = float(region.perimeter_crofton)
        area = float(region.area)
        rows.append(
            {
                "object": int(region.label), "row": float(region.centroid[0]), "column": float(region.centroid[1]),
                "area_px": area, "diameter_px": float(region.equivalent_diameter_area),
                "circularity": min(4 * math.pi * area / perimeter**2, 1.0) if perimeter > 0 else None,
                "elongation": float(region.axis_major_length / region.axis_minor_length) if region.axis_minor_length > 0 else None,
                "mean_intensity": float(region.intensity_mean), "integrated_intensity": float(region.intensity_mean) * area,
                "at_edge": top == 0 or left == 0 or bottom == height or right == width,
            }
        )  # fmt: skip
    return rows


def _counted(found: _Found) -> dict[str, Quantity]:
    method = f"{found.segmented.facts['threshold_method']} threshold" + (
        ", touching objects split by watershed" if found.segmented.facts["split_touching"] else ""
    )
    labels = found.segmented.labels
    quantities = {
        "object_count": Quantity(value=found.segmented.count, property="object_count", method=method),
        "covered_fraction": Quantity(
            value=float((labels > 0).mean()), property="covered_fraction", method=method
        ),
    }
    if found.segmented.threshold is not None:
        corrected = found.segmented.facts["background_radius"] or found.segmented.facts["smoothing"]
        quantities["threshold"] = Quantity(
            value=found.segmented.threshold, property="threshold", method=found.segmented.facts["threshold_method"],
            conditions={"of": "the picture after smoothing and background" if corrected else "the picture as stored"},
        )  # fmt: skip
    if found.unit_area is not None:
        area = labels.size * found.unit_area / 1e6
        quantities["density"] = Quantity(
            value=found.segmented.count / area,
            unit="1/mm**2",
            property="density",
            method="objects over the area of the picture",
        )
    return quantities


def _result(
    context: ToolContext,
    found: _Found,
    quantities: dict[str, Quantity],
    rows: list[dict[str, Any]],
    more: tuple[Artifact, ...] = (),
) -> ToolResult:
    centres = [(row["row"], row["column"]) for row in rows]
    edge = sum(row["at_edge"] for row in rows)
    warnings = list(found.warnings)
    if edge and not found.segmented.facts["at_edge_dropped"]:
        warnings.append(
            f"{edge} objects touch the edge of the picture: they are counted, and their sizes are too small"
        )
    data = {
        "picture": found.picture.name, "channel": found.channel, **found.segmented.facts,
        "pixel_size_um": list(found.pixel) if found.pixel else None, "pixel_size_source": found.pixel_source,
        "objects": rows[:_SHOWN],
    }  # fmt: skip
    return ToolResult(
        quantities=quantities,
        data=data,
        artifacts=(save_overlay(context, found.segmented.intensity, found.segmented.labels, centres), *more),
        source=Source(kind="computed", name=f"scikit-image {version('scikit-image')}", reference="S. van der Walt et al., PeerJ 2, e453 (2014)"),
        warnings=tuple(warnings),
    )  # fmt: skip


@tool(
    domain="images",
    files=PICTURES,
    extra="images",
    properties=_COUNTED,
    examples=(
        "Roughly how many coins are in sample:coins?",
        "How many cells are in field3.tif?",
        "count the nuclei in dapi.png, they touch each other",
        "number of colonies on plate.jpg",
        "cells per mm² in the image, pixel size 0.65 um",
        "how many particles are in this micrograph?",
    ),
    example={"file": "sample:coins"},
)
def count_cells(
    context: ToolContext,
    file: DataFile,
    objects: Objects | None = None,
    pixel_size: PixelSize = None,
    min_diameter: Diameter = None,
    max_diameter: LargestDiameter = None,
    min_area: Area = None,
    channel: Channel = None,
    background: Radius = None,
    split: Annotated[
        bool, Said({"false": "without splitting, do not split, no watershed, keep touching"})
    ] = True,
    page: Page = 1,
) -> ToolResult:
    """Count cells, nuclei, colonies or particles in a picture; those that touch are split.

    The picture is smoothed (sigma 1 pixel), an uneven background is taken away, Otsu's threshold separates objects, holes are
    filled, specks are dropped and touching objects are split by a watershed of the distance to the background. Look at the
    overlay before trusting the count.

    Raises InvalidInput: `bad_file`, `too_large`, `flat_image`, `nothing_found`, `too_many_objects`, `no_such_channel`,
    `which_channel`, `no_such_page`, `no_pixel_size`, `two_limits`, `bad_limits`.

    Args:
        file: The picture.
        objects: Whether the objects are bright or dark; by default the opposite of the picture's border.
        pixel_size: The size of a pixel; by default what the file's metadata say.
        min_diameter: The smallest diameter that counts.
        max_diameter: The largest diameter that counts.
        min_area: The smallest area that counts, in pixels; by default 0.02 % of the picture.
        channel: The channel of a picture with several, from 1.
        background: The radius in pixels beyond which variation is background; 0 for none; by default where it is uneven.
        split: Whether touching objects are split.
        page: The page of a file with several.
    """
    found = _find(
        file, channel, page, pixel_size, objects, "otsu", None, background, 1.0, (min_area, None),
        (min_diameter, max_diameter), split, None, False,
    )  # fmt: skip
    return _result(context, found, _counted(found), _measure(found))


@tool(
    domain="images",
    files=PICTURES,
    extra="images",
    properties=_COUNTED,
    examples=(
        "Otsu threshold of sample:camera",
        "segment the bright spots in spots.tif",
        "what share of the picture is covered by cells? confluence of well.png",
        "separate touching grains in micrograph.tif with a watershed",
        "mask of the dark objects in slide.jpg with an adaptive threshold",
    ),
    example={"file": "sample:coins", "objects": "bright", "smoothing": 0, "background": 0, "split": False},
)
def segment_image(
    context: ToolContext,
    file: DataFile,
    threshold: Method = "otsu",
    level: Level = None,
    objects: Objects | None = None,
    background: Radius = None,
    smoothing: Sigma = 1.0,
    min_area: Area = None,
    max_area: LargestArea = None,
    split: Annotated[
        bool, Said({"false": "without splitting, do not split, no watershed, keep touching"})
    ] = True,
    split_distance: Annotated[
        float | None, Unit("", "distance between objects, split distance"), Field(ge=1)
    ] = None,
    channel: Channel = None,
    pixel_size: PixelSize = None,
    page: Page = 1,
) -> ToolResult:
    """Separate objects from the background: threshold, covered share, and a picture with the number of each object.

    Raises InvalidInput: those of count_cells.

    Args:
        file: The picture.
        threshold: otsu, li, triangle, or adaptive (the mean of the surroundings).
        level: A grey level in place of a method.
        objects: Whether the objects are bright or dark; by default the opposite of the picture's border.
        background: The radius in pixels beyond which variation is background; 0 for none; by default where it is uneven.
        smoothing: The sigma of a Gaussian in pixels, 0 for none.
        min_area: The smallest area in pixels; by default 0.02 % of the picture.
        max_area: The largest area in pixels.
        split: Whether touching objects are split by a watershed.
        split_distance: How far apart in pixels the middles of split objects are at least; by default their median radius.
        channel: The channel of a picture with several, from 1.
        pixel_size: The size of a pixel; by default what the file's metadata say.
        page: The page of a file with several.
    """
    found = _find(
        file, channel, page, pixel_size, objects, threshold, level, background, smoothing, (min_area, max_area),
        (None, None), split, split_distance, False,
    )  # fmt: skip
    return _result(
        context, found, _counted(found), _measure(found), (save_labels(context, found.segmented.labels),)
    )


@tool(
    domain="images",
    files=PICTURES,
    extra="images",
    properties={
        **_COUNTED,
        "mean_area": "mean area, average size, average area of the objects",
        "median_area": "median area, typical size",
        "area_deviation": "standard deviation of the areas",
        "mean_diameter": "mean diameter, average diameter, equivalent diameter, size of the objects",
        "median_diameter": "median diameter",
        "diameter_deviation": "standard deviation of the diameters",
        "mean_circularity": "circularity, roundness",
        "mean_intensity": "mean intensity of the objects, brightness of the objects",
    },
    examples=(
        "Measure the areas and diameters of the coins in sample:coins",
        "size distribution of the particles in sem.tif, 4.2 nm per pixel",
        "mean fluorescence intensity of each nucleus in dapi.tif",
        "average cell diameter in cells.png with 0.65 um pixels",
        "area of every grain in the micrograph, without those at the edge",
    ),
    example={"file": "sample:coins", "pixel_size": "120 um"},
)
def measure_objects(
    context: ToolContext,
    file: DataFile,
    pixel_size: PixelSize = None,
    objects: Objects | None = None,
    threshold: Method = "otsu",
    level: Level = None,
    background: Radius = None,
    smoothing: Sigma = 1.0,
    min_area: Area = None,
    max_area: LargestArea = None,
    min_diameter: Diameter = None,
    max_diameter: LargestDiameter = None,
    split: Annotated[
        bool, Said({"false": "without splitting, do not split, no watershed, keep touching"})
    ] = True,
    drop_edge: Annotated[
        bool,
        Said(
            {
                "true": "touching the border, touching the edge, touch the border, touch the edge, edge objects, border objects, on the border, on the edge, cut off"
            }
        ),
    ] = False,
    channel: Channel = None,
    page: Page = 1,
) -> ToolResult:
    """Areas, diameters, shapes and intensities of the objects in a picture, one row each in a CSV, and their statistics.

    Intensities are those of the file, without smoothing or background correction. Diameters are of the circle of equal area.

    Raises InvalidInput: those of count_cells.

    Args:
        file: The picture.
        pixel_size: The size of a pixel; by default what the file's metadata say, else sizes are in pixels.
        objects: Whether the objects are bright or dark; by default the opposite of the picture's border.
        threshold: otsu, li, triangle, or adaptive (the mean of the surroundings).
        level: A grey level in place of a method.
        background: The radius in pixels beyond which variation is background; 0 for none; by default where it is uneven.
        smoothing: The sigma of a Gaussian in pixels, 0 for none.
        min_area: The smallest area in pixels; by default 0.02 % of the picture.
        max_area: The largest area in pixels.
        min_diameter: The smallest diameter.
        max_diameter: The largest diameter.
        split: Whether touching objects are split by a watershed.
        drop_edge: Whether objects at the edge of the picture are left out.
        channel: The channel of a picture with several, from 1.
        page: The page of a file with several.
    """
    found = _find(
        file, channel, page, pixel_size, objects, threshold, level, background, smoothing, (min_area, max_area),
        (min_diameter, max_diameter), split, None, drop_edge,
    )  # fmt: skip
    rows = _measure(found)
    quantities = _counted(found)
    unit_area = found.unit_area
    unit, factor = ("pixel", 1.0) if unit_area is None else ("um", unit_area)
    for row in rows:
        if unit_area is not None:
            row |= {
                "area_um2": row["area_px"] * factor,
                "diameter_um": row["diameter_px"] * math.sqrt(factor),
            }
    areas = factor * np.array([row["area_px"] for row in rows])
    diameters = math.sqrt(factor) * np.array([row["diameter_px"] for row in rows])
    for name, values, of in (("area", areas, f"{unit}**2"), ("diameter", diameters, unit)):
        numbers = {f"mean_{name}": values.mean(), f"median_{name}": np.median(values)}
        if len(values) > 1:
            numbers[f"{name}_deviation"] = values.std(ddof=1)
        for property, value in numbers.items():
            quantities[property] = Quantity(value=float(value), unit=of, property=property)
    round_ones = [row["circularity"] for row in rows if row["circularity"] is not None]
    if round_ones:
        quantities["mean_circularity"] = Quantity(
            value=float(np.mean(round_ones)),
            property="mean_circularity",
            method="4π area/perimeter², perimeter after Crofton, at most 1",
        )
    quantities["mean_intensity"] = Quantity(
        value=float(np.mean([row["mean_intensity"] for row in rows])),
        property="mean_intensity",
        method="mean over objects, as stored",
    )
    table = context.save("objects.csv", "text/csv", _csv(rows))
    return _result(context, found, quantities, rows, (table,))


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    names = [*_COLUMNS, *(n for n in ("area_um2", "diameter_um") if n in rows[0])]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
