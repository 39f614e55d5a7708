"""Numbers out of a picture of a plot."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy, Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import PICTURES
from benchmate.tools.files import DataFile
from benchmate.tools.images.overlay import png
from benchmate.tools.images.pictures import read_picture
from benchmate.tools.units import read_unit

Array = NDArray[np.float64]
_SHOWN = 500
_NAMED = {
    "black": "#000000", "red": "#ff0000", "green": "#008000", "blue": "#0000ff", "orange": "#ffa500", "purple": "#800080",
    "grey": "#808080", "gray": "#808080", "brown": "#a52a2a", "cyan": "#00ffff", "magenta": "#ff00ff",
}  # fmt: skip
_LEAST_APART = 10  # pixels between two calibration points of an axis


@dataclass(frozen=True)
class _Axis:
    """The way from pixels to values along one axis: linear in the value or in its logarithm."""

    pixels: tuple[float, float]
    values: tuple[float, float]
    log: bool

    def value(self, pixel: Array) -> Array:
        low, high = (math.log10(v) for v in self.values) if self.log else self.values
        scaled = low + (np.asarray(pixel, float) - self.pixels[0]) * (high - low) / (
            self.pixels[1] - self.pixels[0]
        )
        return 10**scaled if self.log else scaled

    def step(self) -> float:
        """Return what half a pixel is worth: of the value, or as a share of it on a logarithmic axis."""
        if self.log:
            decades = abs(math.log10(self.values[1] / self.values[0]) / (self.pixels[1] - self.pixels[0]))
            return 10 ** (decades / 2) - 1
        return abs((self.values[1] - self.values[0]) / (self.pixels[1] - self.pixels[0])) / 2


@tool(
    domain="images",
    files=PICTURES,
    extra="images",
    properties={
        "point_count": "number of points, points found, data points",
        "x_resolution": "resolution in x, half a pixel in x, reading error in x",
        "y_resolution": "resolution in y, half a pixel in y, reading error in y",
        "x_minimum": "lowest x, start of the curve",
        "x_maximum": "highest x, end of the curve",
        "y_minimum": "lowest y, minimum of the curve",
        "y_maximum": "highest y, maximum of the curve",
    },
    examples=(
        "Digitize the blue curve in figure2.png",
        "get the data points out of this plot image",
        "extract x and y of the red markers in fig.png, x axis 0 to 10 at pixels 80 and 560",
        "turn the scanned graph scan.png with a logarithmic y axis into numbers",
        "read the values off the black line in the old figure",
    ),
    example={
        "file": "sample:coins", "colour": "#f0f0f0", "tolerance": 20, "marks": "points",
        "x_pixels": [0, 383], "x_values": [0, 46], "y_pixels": [302, 0], "y_values": [0, 36.4],
    },
)  # fmt: skip
def digitize_plot(
    context: ToolContext,
    file: DataFile,
    x_pixels: Annotated[list[float], Unit("", "x pixels, pixel columns"), Field(min_length=2, max_length=2)],
    x_values: Annotated[list[float], Unit("", "x values, x axis"), Field(min_length=2, max_length=2)],
    y_pixels: Annotated[list[float], Unit("", "y pixels, pixel rows"), Field(min_length=2, max_length=2)],
    y_values: Annotated[list[float], Unit("", "y values, y axis"), Field(min_length=2, max_length=2)],
    colour: Annotated[str, ReadBy(_colours_in)],
    marks: Annotated[
        Literal["points", "curve"], Said({"points": "markers, spots, dots, data points, symbols, scatter"})
    ] = "curve",
    tolerance: Annotated[float, Unit("", "colour tolerance, tolerance"), Field(gt=0, le=100)] = 20,
    x_log: Annotated[
        bool,
        Said(
            {
                "true": "log x, logarithmic x, x axis is logarithmic, x is logarithmic, x logarithmic, x is log, log-log"
            }
        ),
    ] = False,
    y_log: Annotated[
        bool,
        Said(
            {
                "true": "log y, logarithmic y, y axis is logarithmic, y is logarithmic, y logarithmic, y is log, log-log, semi-log"
            }
        ),
    ] = False,
    x_unit: str | None = None,
    y_unit: str | None = None,
) -> ToolResult:
    """Read the points or the curve of one colour off a picture of a plot whose axes the caller has calibrated.

    Each axis is given by two pixels and their values; nothing is guessed. Pixels count from the top left corner, rows
    downwards. The axes must run along the edges of the picture. A curve gives the middle of the colour in each column of
    pixels; points give the centre of each spot.

    Raises InvalidInput: `bad_file`, `bad_axis`, `bad_colour`, `nothing_found`, `too_large`, `unknown_unit`.

    Args:
        file: The picture.
        x_pixels: The columns of two points of the x axis.
        x_values: The values at those columns.
        y_pixels: The rows of two points of the y axis.
        y_values: The values at those rows.
        colour: The colour of the curve or the points: '#1f77b4', or a name such as red.
        marks: curve, or points for separate spots.
        tolerance: How far a pixel's colour may be off: the distance in CIE L*a*b* (1976); 2 is just visible.
        x_log: Whether the x axis is logarithmic (base 10).
        y_log: Whether the y axis is logarithmic (base 10).
        x_unit: The unit of x.
        y_unit: The unit of y.
    """
    picture = read_picture(file)
    x_axis = _axis("x", x_pixels, x_values, x_log, picture.width)
    y_axis = _axis("y", y_pixels, y_values, y_log, picture.height)
    rgb = _rgb(picture.pixels)
    mask = _like(rgb, _colour(colour), tolerance)
    left, right = sorted(x_axis.pixels)
    top, bottom = sorted(y_axis.pixels)
    inside = np.zeros_like(mask)
    # within the calibrated frame, a little beyond for half markers at its edge
    margin = 2
    inside[
        max(0, round(top) - margin) : round(bottom) + margin + 1,
        max(0, round(left) - margin) : round(right) + margin + 1,
    ] = True
    mask &= inside
    if not mask.any():
        raise InvalidInput(
            "nothing_found", f"no pixel between the calibrated points has the colour {colour}",
            hint="take the colour from the picture itself, or raise the tolerance",
        )  # fmt: skip
    columns, rows, warnings = _spots(mask) if marks == "points" else _curve(mask)
    x, y = x_axis.value(columns), y_axis.value(rows)
    order = np.argsort(x)
    x, y, columns, rows = x[order], y[order], columns[order], rows[order]
    units = [read_unit(u).unit if u else "" for u in (x_unit, y_unit)]
    if mask.mean() > 0.2:
        warnings.append(f"{mask.mean():.0%} of the picture has this colour: lower the tolerance")
    quantities = {"point_count": Quantity(value=len(x), property="point_count", method=marks)}
    for name, values, axis, unit in (("x", x, x_axis, units[0]), ("y", y, y_axis, units[1])):
        quantities[f"{name}_minimum"] = Quantity(
            value=float(values.min()), unit=unit, property=f"{name}_minimum"
        )
        quantities[f"{name}_maximum"] = Quantity(
            value=float(values.max()), unit=unit, property=f"{name}_maximum"
        )
        quantities[f"{name}_resolution"] = Quantity(
            value=axis.step(), unit="" if axis.log else unit, property=f"{name}_resolution",
            method="half a pixel, as a share of the value" if axis.log else "half a pixel",
        )  # fmt: skip
    points = [{"x": float(a), "y": float(b)} for a, b in zip(x, y, strict=True)]
    return ToolResult(
        quantities=quantities,
        data={
            "picture": picture.name,
            "colour": colour,
            "tolerance": tolerance,
            "marks": marks,
            "points": points[:_SHOWN],
        },
        artifacts=(
            context.save("points.csv", "text/csv", _csv(x, y, x_unit, y_unit)),
            context.save("overlay.png", "image/png", _overlay(rgb, columns, rows)),
        ),
        source=Source(
            kind="computed",
            name=f"scikit-image {version('scikit-image')}",
            reference="colour distance: CIE 1976 L*a*b*",
        ),
        warnings=(*picture.warnings, *warnings),
    )


def _axis(name: str, pixels: list[float], values: list[float], log: bool, size: int) -> _Axis:
    if abs(pixels[0] - pixels[1]) < _LEAST_APART:
        raise InvalidInput(
            "bad_axis",
            f"the two points of the {name} axis are {abs(pixels[0] - pixels[1]):g} pixels apart",
            hint="take points far apart",
        )
    if not all(-0.5 <= p <= size for p in pixels):
        raise InvalidInput(
            "bad_axis",
            f"a point of the {name} axis lies outside the picture",
            hint=f"its pixels are 0 to {size - 1}",
        )
    if values[0] == values[1] or not all(map(math.isfinite, values)):
        raise InvalidInput("bad_axis", f"the two points of the {name} axis have the same value")
    if log and min(values) <= 0:
        raise InvalidInput("bad_axis", f"a logarithmic {name} axis has no value {min(values):g}")
    return _Axis((pixels[0], pixels[1]), (values[0], values[1]), log)


def _colour(text: str) -> tuple[int, int, int]:
    found = re.fullmatch(r"#?([0-9a-f]{6})", _NAMED.get(text.strip().casefold(), text.strip().casefold()))
    if found is None:
        raise InvalidInput(
            "bad_colour",
            f"{text!r} is no colour",
            hint=f"write #rrggbb, or one of {', '.join(sorted(_NAMED))}",
        )
    return int(found[1][:2], 16), int(found[1][2:4], 16), int(found[1][4:], 16)


def _rgb(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the picture as 8-bit RGB, transparent pixels white."""
    values = pixels.astype(float) * (
        255.0 / (np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1.0)
    )
    if values.ndim == 2:
        values = np.dstack([values] * 3)
    if values.shape[2] in (2, 4):
        opacity = values[..., -1:] / 255
        colours = np.repeat(values[..., :1], 3, axis=2) if values.shape[2] == 2 else values[..., :3]
        values = opacity * colours + (1 - opacity) * 255
    return values[..., :3].round().clip(0, 255).astype(np.uint8)


def _like(rgb: NDArray[np.uint8], colour: tuple[int, int, int], tolerance: float) -> NDArray[np.bool_]:
    from skimage.color import rgb2lab

    target = rgb2lab(np.array([[colour]], np.uint8))[0, 0]
    return np.asarray(np.linalg.norm(rgb2lab(rgb) - target, axis=2) <= tolerance)


def _curve(mask: NDArray[np.bool_]) -> tuple[Array, Array, list[str]]:
    """Return the middle of the largest run of the colour in each column, and what is doubtful."""
    columns, rows, several = [], [], 0
    for column in np.flatnonzero(mask.any(axis=0)):
        found = np.flatnonzero(mask[:, column])
        runs = np.split(found, np.flatnonzero(np.diff(found) > 1) + 1)
        runs.sort(key=len)
        several += len(runs) > 1 and len(runs[-2]) > 0.5 * len(runs[-1])
        columns.append(float(column))
        rows.append(float(runs[-1].mean()))
    warnings = []
    if several > 0.05 * len(columns):
        warnings.append(
            f"in {several} of {len(columns)} columns the colour stands in several places: the curve is not a function there, or two curves share the colour"
        )
    gaps = np.diff(columns)
    if gaps.size and gaps.max() > 5:
        warnings.append(f"the curve has a gap of {gaps.max():.0f} pixels, which was not bridged")
    return np.array(columns), np.array(rows), warnings


def _spots(mask: NDArray[np.bool_]) -> tuple[Array, Array, list[str]]:
    from skimage import measure

    regions = measure.regionprops(measure.label(mask))
    typical = float(np.median([r.area for r in regions]))
    large = [
        r
        for r in regions
        if r.area >= max(2.0, 0.25 * max(typical, float(np.mean([r.area for r in regions]))))
    ]
    regions = large or regions
    typical = float(np.median([r.area for r in regions]))
    warnings = []
    merged = sum(r.area > 1.7 * typical for r in regions)
    if merged:
        warnings.append(f"{merged} spots are much larger than the others: points that overlap count as one")
    return np.array([r.centroid[1] for r in regions]), np.array([r.centroid[0] for r in regions]), warnings


def _csv(x: Array, y: Array, x_unit: str | None, y_unit: str | None) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([f"x ({x_unit})" if x_unit else "x", f"y ({y_unit})" if y_unit else "y"])
    writer.writerows([(f"{a:.8g}", f"{b:.8g}") for a, b in zip(x, y, strict=True)])
    return text.getvalue().encode()


def _overlay(rgb: NDArray[np.uint8], columns: Array, rows: Array) -> bytes:
    """Return the picture, paled, with a cross at each point that was read."""
    from PIL import Image, ImageDraw

    shown = Image.fromarray((255 - (255 - rgb.astype(int)) // 3).astype(np.uint8))
    pen = ImageDraw.Draw(shown)
    for column, row in zip(columns, rows, strict=True):
        pen.line([(column - 2, row), (column + 2, row)], fill=(220, 0, 0))
        pen.line([(column, row - 2), (column, row + 2)], fill=(220, 0, 0))
    return png(shown)


_COLOURS = re.compile(
    r"#[0-9a-f]{6}\b|\b(?:(?:dark|light)\s?)?(?:red|green|blue|black|orange|purple|violet|magenta|cyan|yellow|brown|pink|grey|gray)\b",
    re.I,
)


def _colours_in(question: str) -> list[str]:
    """Return the colours that a question names, in its order."""
    return [re.sub(r"\s", "", m[0]).lower() for m in _COLOURS.finditer(question)]
