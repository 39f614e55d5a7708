"""Pictures as arrays: what a file holds, and nothing guessed of scale."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import convert
from benchmate.tools.files import DataFile

MOST_PIXELS = 50_000_000
LUMINANCE = (0.2125, 0.7154, 0.0721)  # of linear sRGB (CIE 1931), as scikit-image's rgb2gray
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PLANE_AXES = {"Y", "X"}


@dataclass(frozen=True)
class Picture:
    """One plane of an image file. `pixels` is [rows, columns] or [rows, columns, channels] as stored."""

    name: str
    format: str
    pixels: NDArray[Any]
    mode: str
    pixel_size: tuple[float, float] | None = None  # µm along x and y, from the metadata
    pixel_size_source: str | None = None
    channels: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def channel_count(self) -> int:
        return 1 if self.pixels.ndim == 2 else int(self.pixels.shape[2])

    @property
    def bit_depth(self) -> int:
        return 1 if self.pixels.dtype == bool else int(self.pixels.dtype.itemsize * 8)

    def plane(self, channel: int | None = None) -> tuple[NDArray[Any], str]:
        """Return one channel [rows, columns] in the units of the file, and how it was got; colour becomes luminance.

        Raises InvalidInput (`no_such_channel`).
        """
        count = self.channel_count
        if channel is not None:
            if not 1 <= channel <= count:
                raise InvalidInput(
                    "no_such_channel", f"{self.name} has no channel {channel}", hint=f"1 to {count}"
                )
            return (
                self.pixels if count == 1 else self.pixels[..., channel - 1]
            ), f"channel {channel} of {count}"
        if count == 1:
            return self.pixels, "the grey values"
        if self.channels[:3] == ("red", "green", "blue"):
            grey = self.pixels[..., :3].astype(float) @ np.array(LUMINANCE)
            return grey, "luminance 0.2125 R + 0.7154 G + 0.0721 B"
        if self.channels[:1] == ("grey",):
            return self.pixels[..., 0], "the grey values, without the transparency"
        raise InvalidInput(
            "which_channel",
            f"{self.name} has {count} channels that are no colours",
            hint=f"say channel, 1 to {count}",
        )


def read_picture(file: DataFile, page: int = 1) -> Picture:
    """Return one page of a TIFF (also OME and ImageJ), PNG, JPEG, BMP, GIF or WebP file.

    Raises InvalidInput: `bad_file`, `too_large`, `no_such_page`.
    """
    content = file.content()
    return _tiff(file, content, page) if content[:4] in _TIFF else _other(file, content, page)


def _too_large(file: DataFile, pixels: int) -> InvalidInput:
    return InvalidInput(
        "too_large",
        f"{file.name} has {pixels:,} pixels",
        hint=f"at most {MOST_PIXELS:,}; crop it or bin its pixels",
    )


def _other(file: DataFile, content: bytes, page: int) -> Picture:
    import PIL.Image

    try:
        with PIL.Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise _too_large(file, image.width * image.height)
            frames = getattr(image, "n_frames", 1)
            _check_page(file, page, frames)
            image.seek(page - 1)
            kind, mode = image.format or "", image.mode
            shown = image.convert("RGBA" if "transparency" in image.info else "RGB") if mode == "P" else image
            pixels = np.asarray(shown)
            mode = shown.mode
            warnings = ["the JPEG compression changes intensities and edges"] if kind == "JPEG" else []
            if mode == "CMYK":
                pixels, mode = np.asarray(image.convert("RGB")), "RGB"
                warnings.append("the CMYK colours were turned into RGB")
    except PIL.UnidentifiedImageError:
        raise file.bad("is no picture that can be read", "give TIFF, PNG, JPEG, BMP, GIF or WebP") from None
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise file.bad(f"cannot be read as a picture: {error}") from None
    names = {
        "RGB": ("red", "green", "blue"), "RGBA": ("red", "green", "blue", "transparency"), "LA": ("grey", "transparency"),
    }.get(mode, ("grey",))  # fmt: skip
    if frames > 1:
        warnings.append(f"read page {page} of {frames}")
    return Picture(
        file.name, kind, pixels, mode, channels=names, facts={"pages": frames}, warnings=tuple(warnings)
    )


def _check_page(file: DataFile, page: int, pages: int) -> None:
    if not 1 <= page <= pages:
        raise InvalidInput("no_such_page", f"{file.name} has no page {page}", hint=f"1 to {pages}")


def _tiff(file: DataFile, content: bytes, page: int) -> Picture:
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            series = tiff.series[0]
            axes, shape = series.axes, series.shape
            if int(np.prod(shape)) > MOST_PIXELS:
                raise _too_large(file, int(np.prod(shape)))
            stack = series.asarray()
            size, source = _tiff_pixel_size(tiff)
            photometric = getattr(getattr(tiff.pages[0], "photometric", None), "name", "")
            kind = "OME-TIFF" if tiff.is_ome else "ImageJ TIFF" if tiff.is_imagej else "TIFF"
    except (tifffile.TiffFileError, ValueError, IndexError, KeyError, OSError) as error:
        raise file.bad(f"cannot be read as a TIFF: {error}") from None
    if not set(axes) >= _PLANE_AXES or stack.dtype.kind not in "uifb":
        raise file.bad(f"holds no picture (axes {axes}, {stack.dtype})")
    # channels last, whatever their place in the file; every other axis is a page
    sample = "S" if "S" in axes else "C" if "C" in axes and shape[axes.index("C")] <= 16 else None
    order = [a for a in axes if a not in (*_PLANE_AXES, sample)]
    places = [axes.index(a) for a in (*order, "Y", "X", *([sample] if sample else []))]
    stack = np.transpose(stack, places)
    pages = int(np.prod(stack.shape[: len(order)])) if order else 1
    _check_page(file, page, pages)
    pixels = stack.reshape((pages, *stack.shape[len(order) :]))[page - 1]
    warnings = [f"read page {page} of {pages} (axes {axes})"] if pages > 1 else []
    names: tuple[str, ...] = ("grey",)
    if pixels.ndim == 3:
        coloured = sample == "S" and photometric in ("RGB", "YCBCR")
        plain = tuple(f"channel {i}" for i in range(1, pixels.shape[2] + 1))
        names = ("red", "green", "blue", "transparency")[: pixels.shape[2]] if coloured else plain
        if pixels.shape[2] == 1:
            pixels, names = pixels[..., 0], ("grey",)
    if photometric == "MINISWHITE":
        warnings.append("the file counts zero as white; values are given as stored")
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise file.bad("holds pixels that are no finite numbers")
    return Picture(
        file.name,
        kind,
        pixels,
        photometric or "",
        size,
        source,
        names,
        {"pages": pages, "axes": axes},
        tuple(warnings),
    )


_LENGTHS = {"micron": "um", "microns": "um", "µm": "um", "μm": "um", "\\u00b5m": "um", "um": "um", "nm": "nm", "mm": "mm",
            "cm": "cm", "m": "m", "inch": "inch", "å": "angstrom"}  # fmt: skip


def _tiff_pixel_size(tiff: Any) -> tuple[tuple[float, float] | None, str | None]:
    """Return the size of a pixel in µm along x and y, and what said so; a printing resolution says nothing."""
    if tiff.is_ome and tiff.ome_metadata:
        found = _ome_pixel_size(tiff.ome_metadata)
        if found is not None:
            return found, "OME metadata"
    unit = (tiff.imagej_metadata or {}).get("unit") if tiff.is_imagej else None
    tags = tiff.pages[0].tags
    sizes = []
    for name in ("XResolution", "YResolution"):
        if name not in tags:
            return None, None
        over, under = tags[name].value
        if not over:
            return None, None
        sizes.append(under / over)  # resolution is pixels per unit
    if unit is not None:
        length = _LENGTHS.get(str(unit).casefold())
        return (_in_um(sizes, length), "ImageJ metadata") if length else (None, None)
    kind = {2: "inch", 3: "cm"}.get(int(tags["ResolutionUnit"].value) if "ResolutionUnit" in tags else 1)
    if kind is None:
        return None, None
    size = _in_um(sizes, kind)
    # 72 to 1200 dots per inch are how a picture is printed
    return (size, "TIFF resolution tags") if size[0] < 20 else (None, None)


def _in_um(sizes: list[float], unit: str) -> tuple[float, float]:
    return convert(sizes[0], unit, "um"), convert(sizes[1], unit, "um")


def _ome_pixel_size(xml: str) -> tuple[float, float] | None:
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        return None
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return None
    pixels = next((node for node in root.iter() if re.fullmatch(r"(\{.*\})?Pixels", node.tag)), None)
    if pixels is None or "PhysicalSizeX" not in pixels.attrib:
        return None
    sizes = []
    for axis in "XY":
        given = pixels.attrib.get(f"PhysicalSize{axis}", pixels.attrib["PhysicalSizeX"])
        unit = _LENGTHS.get(pixels.attrib.get(f"PhysicalSize{axis}Unit", "µm").casefold())
        if unit is None:
            return None
        sizes.append(convert(float(given), unit, "um"))
    return sizes[0], sizes[1]
