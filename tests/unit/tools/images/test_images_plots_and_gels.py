"""Digitized plots give back what was drawn, on linear and logarithmic axes; bands give back their volumes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolResult
from benchmate.tools.images.digitizing import _axis, digitize_plot
from benchmate.tools.images.gels import measure_gel

Call = Callable[..., ToolResult]
Draw = Callable[..., str]
FRAME: dict[str, Any] = {
    "x_pixels": [50, 450],
    "x_values": [0, 10],
    "y_pixels": [350, 50],
    "y_values": [0, 100],
}


def white() -> np.ndarray[Any, np.dtype[np.uint8]]:
    picture = np.full((400, 500, 3), 255, np.uint8)
    picture[350, 50:451] = 0
    picture[50:351, 50] = 0
    return picture


def curve_picture(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    picture = white()
    for column, row in zip(range(50, 451), rows, strict=True):
        picture[round(row) - 1 : round(row) + 2, column] = (31, 119, 180)
    return picture


def test_a_curve_comes_back(call: Call, drawn: Draw) -> None:
    x = np.linspace(0, 10, 401)
    y = 40 + 30 * np.sin(x)
    result = call(digitize_plot, file=drawn(curve_picture(350 - 3 * y)), colour="#1f77b4", **FRAME)
    points = result.data["points"]
    assert len(points) == 401
    assert max(abs(p["y"] - (40 + 30 * np.sin(p["x"]))) for p in points) < 0.4
    assert result.quantities["y_resolution"].value == pytest.approx(100 / 300 / 2)


def test_a_logarithmic_axis(call: Call, drawn: Draw) -> None:
    x = np.linspace(0, 10, 401)
    y = 10 ** (0.3 * x)  # 1 to 1000: three decades of 100 pixels each
    picture = curve_picture(350 - 100 * np.log10(y))
    result = call(
        digitize_plot, file=drawn(picture), colour="#1f77b4", y_log=True, **{**FRAME, "y_values": [1, 1000]}
    )
    assert all(p["y"] == pytest.approx(10 ** (0.3 * p["x"]), rel=0.02) for p in result.data["points"])
    assert result.quantities["y_resolution"].value == pytest.approx(10**0.005 - 1)


def test_points_come_back(call: Call, drawn: Draw) -> None:
    picture = white()
    truth = [(1.0, 10.0), (3.0, 40.0), (5.5, 80.0), (9.0, 62.0)]
    for x, y in truth:
        row, column = round(350 - 3 * y), round(50 + 40 * x)
        picture[row - 4 : row + 5, column - 4 : column + 5] = (255, 0, 0)
    result = call(
        digitize_plot, file=drawn(picture), colour="red", marks="points", x_unit="s", y_unit="mV", **FRAME
    )
    found = [(p["x"], p["y"]) for p in result.data["points"]]
    assert found == [(pytest.approx(x, abs=0.02), pytest.approx(y, abs=0.2)) for x, y in truth]
    assert result.quantities["y_maximum"].unit == "mV"


def test_other_colours_are_left(call: Call, drawn: Draw) -> None:
    picture = curve_picture(np.full(401, 200.0))
    picture[100:103, 60:440] = (214, 39, 40)
    points = call(digitize_plot, file=drawn(picture), colour="#1f77b4", **FRAME).data["points"]
    assert {round(p["y"]) for p in points} == {50}


def test_two_curves_of_one_colour_are_told(call: Call, drawn: Draw) -> None:
    picture = curve_picture(np.full(401, 200.0))
    picture[100:103, 60:440] = (31, 119, 180)
    assert any(
        "several places" in w
        for w in call(digitize_plot, file=drawn(picture), colour="#1f77b4", **FRAME).warnings
    )


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"x_pixels": [50, 55]}, "bad_axis"), ({"x_pixels": [50, 900]}, "bad_axis"), ({"y_values": [3, 3]}, "bad_axis"),
        ({"y_log": True}, "bad_axis"), ({"colour": "bluish"}, "bad_colour"), ({"colour": "#00ff00"}, "nothing_found"),
        ({"x_pixels": [50]}, "bad_arguments"), ({"x_unit": "sss"}, "unknown_unit"),
    ],
)  # fmt: skip
def test_what_is_refused(
    refusal: Callable[..., BenchmateError], drawn: Draw, changed: dict[str, Any], code: str
) -> None:
    path = drawn(curve_picture(np.full(401, 200.0)))
    assert refusal(digitize_plot, file=path, **{**FRAME, "colour": "#1f77b4", **changed}).code == code


@given(st.floats(-1e3, 1e3), st.floats(1, 1e3), st.floats(0, 500))
def test_an_axis_is_a_line(low: float, span: float, pixel: float) -> None:
    axis = _axis("x", [50, 450], [low, low + span], False, 500)
    assert float(axis.value(np.array([50.0]))[0]) == pytest.approx(low)
    there = float(axis.value(np.array([pixel]))[0])
    assert (there - low) / span == pytest.approx((pixel - 50) / 400, abs=1e-6)


def gel(
    volumes: list[list[tuple[int, float]]], background: float = 30.0
) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Lanes of 40 pixels with Gaussian bands (sigma 5) at (row, height)."""
    rows = np.arange(300)
    picture = np.full((300, 40 * len(volumes)), background) + np.linspace(0, 20, 300)[:, None]
    for lane, bands in enumerate(volumes):
        for row, height in bands:
            picture[:, 40 * lane : 40 * lane + 40] += (height * np.exp(-((rows - row) ** 2) / 50))[:, None]
    return picture.astype(np.uint16)


def test_bands_give_back_their_shares(call: Call, drawn: Draw) -> None:
    path = drawn(gel([[(60, 1000), (180, 3000)], [(120, 2000)]]), "gel.tif")
    q = call(measure_gel, file=path, lanes=2, bands="bright").quantities
    assert q["band_count"].value == 3
    assert q["lane_1_band_1_share"].value == pytest.approx(25, abs=0.7)
    assert q["lane_1_band_2_share"].value == pytest.approx(75, abs=0.7)
    assert q["lane_2_band_1_share"].value == pytest.approx(100)
    assert q["lane_2_band_1_position"].value == pytest.approx(120, abs=1)
    # height sqrt(2 pi) sigma times the width that was read: 24 of 40 pixels
    assert q["lane_2_band_1_volume"].value == pytest.approx(2000 * 2.50663 * 5 * 24, rel=0.02)


def test_dark_bands_are_the_same_turned_over(call: Call, drawn: Draw) -> None:
    bright = gel([[(60, 1000), (180, 3000)]])
    dark = (4000 - bright).astype(np.uint16)
    first, second = (
        call(measure_gel, file=drawn(p, f"{k}.tif"), lanes=1, bands=k)
        .quantities["lane_1_band_1_volume"]
        .value
        for p, k in ((bright, "bright"), (dark, "dark"))
    )
    assert second == pytest.approx(first, rel=1e-6)


def test_saturated_bands_are_told(call: Call, drawn: Draw) -> None:
    path = drawn(gel([[(60, 1000)]]).clip(0, 255).astype(np.uint8), "gel.png")
    assert any("saturated" in w for w in call(measure_gel, file=path, lanes=1, bands="bright").warnings)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "no_lanes"), ({"lanes": 2, "lane_edges": [0, 40]}, "no_lanes"), ({"lanes": 50}, "bad_lanes"),
        ({"lane_edges": [40, 0]}, "bad_lanes"), ({"lane_edges": [0, 4000]}, "bad_lanes"),
    ],
)  # fmt: skip
def test_gels_that_are_refused(
    refusal: Callable[..., BenchmateError], drawn: Draw, arguments: dict[str, Any], code: str
) -> None:
    assert (
        refusal(measure_gel, file=drawn(gel([[(60, 100)], [(90, 100)]]), "gel.tif"), **arguments).code == code
    )


@given(st.floats(0.2, 5.0))
@settings(max_examples=8)
def test_shares_follow_the_heights(ratio: float) -> None:
    from benchmate.tools.images.gels import _bands, _baseline

    profile = gel([[(80, 2000), (200, 2000 * ratio)]])[:, 20].astype(float)
    first, second = _bands(1, profile - _baseline(profile), 24, 100.0)
    assert second["volume"] / first["volume"] == pytest.approx(ratio, rel=0.03)
