"""What is in an image file."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import PICTURES
from benchmate.tools.files import DataFile
from benchmate.tools.images.pictures import read_picture
from benchmate.tools.plots import Panel, Series, save_plot


@tool(
    domain="images",
    files=PICTURES,
    extra="images",
    properties={
        "width": "width, image width, columns, size",
        "height": "height, image height, rows, size",
        "channels": "number of channels, channels, colours",
        "bit_depth": "bit depth, bits per channel, bits",
        "pages": "number of pages, frames, slices, planes",
        "pixel_size": "pixel size, scale, resolution, size of a pixel",
        "mean_intensity": "mean intensity, average grey value, mean brightness",
        "intensity_deviation": "standard deviation of the intensity, contrast",
        "minimum_intensity": "minimum intensity, darkest value",
        "maximum_intensity": "maximum intensity, brightest value",
        "saturated_fraction": "saturated pixels, share of saturated pixels, overexposed",
    },
    examples=(
        "What is the size and bit depth of cells.tif?",
        "pixel size of the microscopy image stack.ome.tif",
        "How many channels does image.png have?",
        "mean grey value of sample:camera",
        "is this picture saturated? gel.tif",
        "histogram of the intensities in blot.png",
    ),
    example={"file": "sample:coins"},
)
def read_image(
    context: ToolContext,
    file: DataFile,
    page: Annotated[int, Unit("", "page, frame, slice, plane"), Field(ge=1, le=1_000_000)] = 1,
) -> ToolResult:
    """Format, size, channels, bit depth, pixel size and intensities of an image, with the histogram of each channel.

    The pixel size comes from OME, ImageJ or TIFF metadata and is never guessed; resolutions meant for printing are not taken
    for one.

    Raises InvalidInput: `bad_file`, `too_large`, `no_such_page`.

    Args:
        file: A TIFF (also OME and ImageJ), PNG, JPEG, BMP, GIF or WebP file.
        page: The page of a file with several, from 1.
    """
    picture = read_picture(file, page)
    found: dict[str, Quantity] = {
        "width": Quantity(value=picture.width, unit="pixel", property="width"),
        "height": Quantity(value=picture.height, unit="pixel", property="height"),
        "channels": Quantity(value=picture.channel_count, property="channels"),
        "bit_depth": Quantity(
            value=picture.bit_depth, unit="bit", property="bit_depth", method="of each channel, as stored"
        ),
        "pages": Quantity(value=picture.facts["pages"], property="pages"),
    }
    warnings = list(picture.warnings)
    if picture.pixel_size is not None:
        for axis, size in zip("xy", picture.pixel_size, strict=True):
            found[f"pixel_size_{axis}"] = Quantity(
                value=size,
                unit="um",
                property="pixel_size",
                method=picture.pixel_size_source,
                conditions={"axis": axis},
            )
    else:
        warnings.append("the file does not say how large a pixel is")
    integer = picture.pixels.dtype.kind in "ub"
    top = int(np.iinfo(picture.pixels.dtype).max) if picture.pixels.dtype.kind == "u" else None
    series = []
    for place, name in enumerate(picture.channels, 1):
        values, _ = picture.plane(place)
        key = "" if picture.channel_count == 1 else f"_{name.replace(' ', '_')}"
        conditions = {"channel": name}
        numbers = {
            "mean_intensity": values.mean(dtype=float), "intensity_deviation": values.std(dtype=float),
            "minimum_intensity": values.min(), "maximum_intensity": values.max(),
        }  # fmt: skip
        for property, value in numbers.items():
            found[property + key] = Quantity(value=float(value), property=property, conditions=conditions)
        if top is not None:
            share = float((values == top).mean())
            found[f"saturated_fraction{key}"] = Quantity(
                value=share, property="saturated_fraction", conditions=conditions
            )
            if share > 0.001 and name != "transparency":
                warnings.append(
                    f"{share:.1%} of the pixels of {name} stand at the highest value, {top}: saturated"
                )
        counts, edges = np.histogram(values.astype(float), bins=_bins(picture.pixels.dtype.kind, values))
        middle = (edges[:-1] + edges[1:]) / 2 - (
            0.5 if integer and len(counts) == 256 and top == 255 else 0.0
        )
        series.append(Series(label=name, x=middle.tolist(), y=counts.astype(float).tolist(), style="steps"))
    highest = int(picture.pixels.max())
    if picture.pixels.dtype == np.uint16 and highest < 4096:
        warnings.append(f"the highest value is {highest}: the 16 bits may hold those of a 12-bit camera")
    panel = Panel(x_label="intensity", y_label="pixels", series=series)
    data: dict[str, Any] = {
        "name": picture.name, "format": picture.format, "mode": picture.mode, "channels": list(picture.channels),
        "type": str(picture.pixels.dtype), "page": page, **picture.facts,
        "pixel_size_source": picture.pixel_size_source,
    }  # fmt: skip
    return ToolResult(
        quantities=found,
        data=data,
        artifacts=save_plot(context, f"Intensities of {picture.name}", [panel], name="histogram"),
        source=Source(
            kind="computed", name=f"Pillow and tifffile, with scikit-image {version('scikit-image')}"
        ),
        warnings=tuple(warnings),
    )


def _bins(kind: str, values: Any) -> Any:
    if kind == "u" and values.dtype.itemsize == 1:
        return np.arange(257)
    low, high = float(values.min()), float(values.max())
    return np.linspace(low, high if high > low else low + 1, 257)
