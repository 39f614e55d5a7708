"""Counting and measuring: the coins, drawn disks of known size, touching ones, backgrounds, units, and refusals."""

import csv
import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolResult
from benchmate.tools.images.measuring import count_cells, measure_objects, segment_image
from benchmate.tools.images.objects import segment, threshold_value

Call = Callable[..., ToolResult]
Draw = Callable[..., str]


def disks(
    places: list[tuple[float, float, float]], shape: tuple[int, int] = (200, 260), level: int = 200
) -> NDArray[np.uint8]:
    rows, columns = np.indices(shape)
    picture = np.full(shape, 20, np.uint8)
    for row, column, radius in places:
        picture[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = level
    return picture


FOUR = disks([(50, 50, 15), (50, 150, 20), (140, 60, 10), (140, 200, 25)])


def test_the_coins_are_twenty_four(
    call: Call,
) -> None:  # scikit-image's own segmentation tutorial counts 24 coins
    result = call(count_cells, file="sample:coins")
    assert result.quantities["object_count"].value == 24
    assert any("uneven" in w for w in result.warnings)


@pytest.mark.parametrize(
    ("name", "level"), [("coins", 107), ("camera", 102)]
)  # skimage.filters.threshold_otsu, as published
def test_otsu_of_the_samples(call: Call, name: str, level: int) -> None:
    result = call(segment_image, file=f"sample:{name}", smoothing=0, background=0, split=False)
    assert result.quantities["threshold"].value == level


def test_otsu_by_hand() -> None:
    """The threshold with the greatest variance between the classes, by the definition (Otsu 1979)."""
    generator = np.random.default_rng(2)
    values = (
        np.concatenate([generator.normal(60, 10, 3000), generator.normal(150, 20, 1000)])
        .clip(0, 255)
        .astype(np.uint8)
    )
    best = max(
        range(int(values.min()), int(values.max())),
        key=lambda t: (
            (values <= t).mean()
            * (values > t).mean()
            * (values[values <= t].mean() - values[values > t].mean()) ** 2
        ),
    )
    assert threshold_value(values, "otsu") == best


def test_disks_have_their_areas_and_diameters(
    call: Call, drawn: Draw, saved: Callable[[ToolResult, str], bytes]
) -> None:
    result = call(measure_objects, file=drawn(FOUR), objects="bright", pixel_size="0.5 um", smoothing=0)
    rows = list(csv.DictReader(io.StringIO(saved(result, "objects.csv").decode())))
    diameters = sorted(float(r["diameter_um"]) for r in rows)
    assert diameters == pytest.approx([10, 15, 20, 25], rel=0.03)
    areas = sorted(float(r["area_um2"]) for r in rows)
    assert areas == pytest.approx([math.pi * r**2 * 0.25 for r in (10, 15, 20, 25)], rel=0.03)
    assert all(float(r["mean_intensity"]) == 200 for r in rows)
    assert result.quantities["mean_circularity"].value > 0.95
    assert result.quantities["mean_area"].unit == "um**2"


def test_without_a_pixel_size_sizes_are_in_pixels(call: Call, drawn: Draw) -> None:
    q = call(measure_objects, file=drawn(FOUR), objects="bright").quantities
    assert q["mean_diameter"].unit == "pixel" and "density" not in q


def test_the_pixel_size_of_the_file_is_used(call: Call, drawn: Draw) -> None:
    path = drawn(FOUR, "t.tif", imagej=True, resolution=(2.0, 2.0), metadata={"unit": "um", "axes": "YX"})
    result = call(measure_objects, file=path, objects="bright")
    assert result.quantities["median_diameter"].value == pytest.approx(17.5, rel=0.03)
    assert result.data["pixel_size_source"] == "ImageJ metadata"
    assert any(
        "the file says" in w
        for w in call(measure_objects, file=path, objects="bright", pixel_size=1).warnings
    )


def test_touching_disks_are_split(call: Call, drawn: Draw) -> None:
    path = drawn(disks([(60, 60, 20), (60, 92, 20), (130, 150, 20), (150, 176, 20), (60, 200, 20)]))
    assert call(count_cells, file=path, split=False).quantities["object_count"].value == 3
    assert call(count_cells, file=path).quantities["object_count"].value == 5


def test_dark_objects_are_found_and_said(call: Call, drawn: Draw) -> None:
    result = call(count_cells, file=drawn(255 - FOUR))
    assert result.quantities["object_count"].value == 4
    assert any("darker" in w for w in result.warnings)
    assert not call(count_cells, file=drawn(255 - FOUR), objects="dark").warnings


def test_sixteen_bits_give_the_same_objects(call: Call, drawn: Draw) -> None:
    eight = call(measure_objects, file=drawn(FOUR), objects="bright")
    sixteen = call(measure_objects, file=drawn(FOUR.astype(np.uint16) * 100, "t.tif"), objects="bright")
    assert sixteen.quantities["mean_area"].value == eight.quantities["mean_area"].value
    assert sixteen.quantities["mean_intensity"].value == pytest.approx(
        100 * eight.quantities["mean_intensity"].value
    )


def test_an_uneven_background_is_taken_away(call: Call, drawn: Draw) -> None:
    slope = np.linspace(0, 110, 260)[None, :]
    places = [(r, c, 9.0) for r in (40, 100, 160) for c in (30, 80, 130, 180, 230)]
    path = drawn((disks(places, level=80) + slope).astype(np.uint8))
    result = call(count_cells, file=path, objects="bright")
    assert result.quantities["object_count"].value == 15
    assert result.data["background_radius"] == 25


def test_dark_objects_on_an_uneven_background(call: Call, drawn: Draw) -> None:
    slope = np.linspace(0, 110, 260)[None, :]
    places = [(r, c, 9.0) for r in (40, 100, 160) for c in (30, 80, 130, 180, 230)]
    path = drawn((255 - disks(places, level=80) - slope).astype(np.uint8))
    assert call(count_cells, file=path).quantities["object_count"].value == 15


def test_an_even_background_is_left(call: Call, drawn: Draw) -> None:
    assert call(count_cells, file=drawn(FOUR), objects="bright").data["background_radius"] == 0


def test_sizes_limit_what_counts(call: Call, drawn: Draw) -> None:
    path = drawn(FOUR)
    assert call(count_cells, file=path, pixel_size=1, min_diameter=25).quantities["object_count"].value == 3
    assert call(count_cells, file=path, pixel_size=1, max_diameter=25).quantities["object_count"].value == 1
    assert call(count_cells, file=path, min_area=1000).quantities["object_count"].value == 2


def test_objects_at_the_edge(call: Call, drawn: Draw) -> None:
    path = drawn(disks([(0, 60, 20), (100, 100, 20)]))
    result = call(measure_objects, file=path, objects="bright")
    assert result.quantities["object_count"].value == 2 and any("edge" in w for w in result.warnings)
    assert (
        call(measure_objects, file=path, objects="bright", drop_edge=True).quantities["object_count"].value
        == 1
    )


def test_a_channel_of_a_colour_picture(call: Call, drawn: Draw) -> None:
    rgb = np.dstack([np.full_like(FOUR, 20), FOUR, np.full_like(FOUR, 20)])
    path = drawn(rgb)
    assert call(count_cells, file=path, channel=2).quantities["object_count"].value == 4
    assert call(count_cells, file=path).data["channel"].startswith("luminance")


def test_density_is_per_area(call: Call, drawn: Draw) -> None:
    density = call(count_cells, file=drawn(FOUR), pixel_size="10 um").quantities["density"]
    assert density.to("1/mm**2").value == pytest.approx(4 / (2.6 * 2.0))


def test_the_overlay_and_the_labels(
    call: Call, drawn: Draw, saved: Callable[[ToolResult, str], bytes]
) -> None:
    result = call(segment_image, file=drawn(FOUR), objects="bright", smoothing=0)
    labels = np.asarray(Image.open(io.BytesIO(saved(result, "labels.png"))))
    assert sorted(np.unique(labels)) == [0, 1, 2, 3, 4]
    assert labels[50, 50] and labels[140, 200] and not labels[0, 0]
    overlay = np.asarray(Image.open(io.BytesIO(saved(result, "overlay.png"))))
    assert overlay.shape == (200, 260, 3)


@pytest.mark.parametrize("method", ["otsu", "li", "triangle", "adaptive"])
def test_every_threshold_finds_the_disks(call: Call, drawn: Draw, method: str) -> None:
    generator = np.random.default_rng(1)
    noisy = (FOUR + generator.normal(0, 5, FOUR.shape)).clip(0, 255).astype(np.uint8)
    result = call(segment_image, file=drawn(noisy), objects="bright", threshold=method, min_area=150)
    assert result.quantities["object_count"].value == 4


@pytest.mark.parametrize(
    ("pixels", "arguments", "code"),
    [
        (np.full((50, 50), 7, np.uint8), {}, "flat_image"),
        (FOUR, {"min_area": 50_000}, "nothing_found"),
        (FOUR, {"min_diameter": 10}, "no_pixel_size"),
        (FOUR, {"channel": 2}, "no_such_channel"),
        (FOUR, {"pixel_size": 1, "min_diameter": 10, "min_area": 100}, "two_limits"),
        (FOUR, {"pixel_size": 1, "min_diameter": 30, "max_diameter": 10}, "bad_limits"),
        (FOUR, {"pixel_size": "3 s"}, "bad_arguments"),
        (FOUR, {"page": 2}, "no_such_page"),
    ],
)  # fmt: skip
def test_what_is_refused(
    refusal: Callable[..., BenchmateError],
    drawn: Draw,
    pixels: NDArray[Any],
    arguments: dict[str, Any],
    code: str,
) -> None:
    assert refusal(count_cells, file=drawn(pixels), **arguments).code == code


OPTIONS: dict[str, Any] = {
    "threshold": "otsu", "dark": False, "background": 0.0, "smoothing": 0.0, "min_area": 20, "max_area": None,
    "split": False, "split_distance": None, "fill": True, "drop_edge": False,
}  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=12, unique=True),
    st.integers(5, 16),
)
@settings(max_examples=25)
def test_disks_apart_are_counted_one_by_one(cells: list[tuple[int, int]], radius: int) -> None:
    picture = disks([(20 + 40 * r, 20 + 42 * c, radius) for r, c in cells], shape=(210, 260))
    found = segment(picture, **OPTIONS)
    assert found.count == len(cells)
    turned = segment(np.rot90(picture), **OPTIONS)
    assert sorted(np.bincount(found.labels.ravel())[1:]) == sorted(np.bincount(turned.labels.ravel())[1:])
    assert segment(picture, **{**OPTIONS, "split": True}).count == len(cells)
