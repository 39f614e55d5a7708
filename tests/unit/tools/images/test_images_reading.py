"""Reading pictures: bit depth, channel order, pages, pixel sizes from metadata only, saturation, and what is refused."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolResult
from benchmate.tools.images.pictures import LUMINANCE, Picture
from benchmate.tools.images.reading import read_image

Call = Callable[..., ToolResult]
Draw = Callable[..., str]
GREY = np.arange(12 * 16, dtype=np.uint8).reshape(12, 16)


def test_the_coins(call: Call) -> None:  # skimage.data.coins: 303 rows, 384 columns, uint8, mean 96.86
    q = call(read_image, file="sample:coins").quantities
    assert [q[k].value for k in ("width", "height", "channels", "bit_depth")] == [384, 303, 1, 8]
    assert q["mean_intensity"].value == pytest.approx(96.8555, abs=1e-3)


def test_sixteen_bits_stay_sixteen(call: Call, drawn: Draw) -> None:
    result = call(read_image, file=drawn(GREY.astype(np.uint16) * 20, "t.tif"))
    assert result.quantities["bit_depth"].value == 16
    assert result.quantities["maximum_intensity"].value == 191 * 20
    assert any("12-bit" in w for w in result.warnings)


def test_the_channels_keep_their_order(call: Call, drawn: Draw) -> None:
    rgb = np.zeros((8, 8, 3), np.uint8)
    rgb[..., 0], rgb[..., 1], rgb[..., 2] = 10, 20, 30
    for path in (drawn(rgb), drawn(rgb, "t.tif", photometric="rgb")):
        q = call(read_image, file=path).quantities
        assert [q[f"mean_intensity_{c}"].value for c in ("red", "green", "blue")] == [10, 20, 30]


def test_channels_first_are_channels(call: Call, drawn: Draw) -> None:
    stack = np.stack([GREY, GREY // 2]).astype(np.uint16)
    path = drawn(stack, "t.tif", imagej=True, metadata={"axes": "CYX"})
    q = call(read_image, file=path).quantities
    assert (q["channels"].value, q["width"].value) == (2, 16)
    assert q["maximum_intensity_channel_2"].value == 95


def test_pages_are_pages(call: Call, drawn: Draw, refusal: Callable[..., BenchmateError]) -> None:
    path = drawn(
        np.stack([GREY, GREY + 1, GREY + 2]), "t.tif", photometric="minisblack", metadata={"axes": "ZYX"}
    )
    result = call(read_image, file=path, page=3)
    assert result.quantities["minimum_intensity"].value == 2 and result.quantities["pages"].value == 3
    assert refusal(read_image, file=path, page=4).code == "no_such_page"


def test_the_pixel_size_of_ome(call: Call, drawn: Draw) -> None:
    metadata = {
        "axes": "YX",
        "PhysicalSizeX": 325,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.65,
        "PhysicalSizeYUnit": "µm",
    }
    result = call(read_image, file=drawn(GREY, "t.ome.tif", ome=True, metadata=metadata))
    size = [result.quantities[f"pixel_size_{axis}"] for axis in "xy"]
    assert [s.value for s in size] == pytest.approx([0.325, 0.65])
    assert size[0].method == "OME metadata"


def test_the_pixel_size_of_imagej(call: Call, drawn: Draw) -> None:
    path = drawn(
        GREY, "t.tif", imagej=True, resolution=(1 / 0.5, 1 / 0.5), metadata={"unit": "um", "axes": "YX"}
    )
    assert call(read_image, file=path).quantities["pixel_size_x"].value == pytest.approx(0.5)


def test_a_printing_resolution_is_no_pixel_size(call: Call, drawn: Draw) -> None:
    for path in (
        drawn(GREY, "t.tif", resolution=(300, 300), resolutionunit="inch"),
        drawn(GREY, "u.png", dpi=(300, 300)),
    ):
        result = call(read_image, file=path)
        assert "pixel_size_x" not in result.quantities
        assert any("how large a pixel" in w for w in result.warnings)


def test_resolution_tags_of_a_microscope_are_one(call: Call, drawn: Draw) -> None:
    path = drawn(GREY, "t.tif", resolution=(10_000, 10_000), resolutionunit="centimeter")
    assert call(read_image, file=path).quantities["pixel_size_x"].value == pytest.approx(1.0)


def test_saturation_is_told(call: Call, drawn: Draw) -> None:
    pixels = GREY.copy()
    pixels[:3] = 255
    result = call(read_image, file=drawn(pixels))
    assert result.quantities["saturated_fraction"].value == pytest.approx(0.25)
    assert any("saturated" in w for w in result.warnings)


def test_jpeg_is_told(call: Call, drawn: Draw) -> None:
    assert any("JPEG" in w for w in call(read_image, file=drawn(GREY, "t.jpg")).warnings)


@pytest.mark.parametrize(
    ("name", "content"),
    [("t.png", b"no picture"), ("t.tif", b"II*\0rest"), ("t.png", b"\x89PNG\r\n\x1a\n1234")],
)
def test_what_is_no_picture(
    refusal: Callable[..., BenchmateError], tmp_path: object, name: str, content: bytes
) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / name
    path.write_bytes(content)
    assert refusal(read_image, file=str(path)).code == "bad_file"


@given(st.tuples(*[st.integers(0, 255)] * 3))
@settings(max_examples=30)
def test_luminance_is_the_weighted_sum(colour: tuple[int, int, int]) -> None:
    pixels = np.full((2, 2, 3), colour, np.uint8)
    plane, _ = Picture("t", "PNG", pixels, "RGB", channels=("red", "green", "blue")).plane()
    assert plane[0, 0] == pytest.approx(sum(w * c for w, c in zip(LUMINANCE, colour, strict=True)))
