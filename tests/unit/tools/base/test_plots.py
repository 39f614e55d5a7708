"""Plots: labelled axes, data and script beside the picture, the same bytes every time."""

import csv
import math
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import Artifact, ToolContext
from benchmate.tools.plots import MOST_POINTS, Mark, Panel, Series, _thin, save_plot

WAVE = Series(label="wave", x=[i / 10 for i in range(200)], y=[math.sin(i / 10) for i in range(200)])
DOTS = Series(label="dots", x=[1, 2, 3], y=[0.5, None, 0.7], error=[0.1, None, 0.2], style="points")
PANEL = Panel(
    x_label="time",
    x_unit="s",
    y_label="velocity",
    y_unit="m/s",
    series=[WAVE, DOTS],
    marks=[Mark(x=4, label="P")],
)
SPECTRUM = Panel(
    x_label="m/z", y_label="relative intensity", y_unit="percent",
    series=[Series(x=[100, 101], y=[100, 12], style="sticks")],
)  # fmt: skip


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(cache_dir=tmp_path, artifact_dir=tmp_path / "artifacts", library_folder=tmp_path)


def content(context: ToolContext, artifact: Artifact) -> bytes:
    return (context.artifact_dir / artifact.sha).read_bytes()


def test_the_script_draws_the_same_picture_again(context: ToolContext, tmp_path: Path) -> None:
    picture, data, script = save_plot(context, "A 'quoted' $title$ — µ", [PANEL, SPECTRUM], name="wave")
    for artifact in (data, script):
        (tmp_path / artifact.name).write_bytes(content(context, artifact))
    command = [sys.executable, str(tmp_path / "wave.py"), "wave.csv", "again.svg"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (tmp_path / "again.svg").read_bytes() == content(context, picture)


def test_the_axes_carry_their_units(context: ToolContext) -> None:
    script = content(context, save_plot(context, "A", [PANEL])[2]).decode()
    assert "time (s)" in script
    assert "velocity (m/s)" in script


def test_the_data_are_complete_and_exact(context: ToolContext) -> None:
    rows = list(csv.DictReader(content(context, save_plot(context, "A", [PANEL])[1]).decode().splitlines()))
    wave = [(float(r["x"]), float(r["y"])) for r in rows if r["series"] == "0"]
    assert wave == list(zip(WAVE.x, WAVE.y, strict=True))
    assert [r["y"] for r in rows if r["series"] == "1"] == ["0.5", "", "0.7"]


@pytest.mark.parametrize(
    ("series", "code"),
    [
        (Series(x=[1, 2], y=[1]), "length_mismatch"),
        (Series(x=[], y=[]), "nothing_to_draw"),
        (Series(x=[1.0], y=[None]), "nothing_to_draw"),
        (Series(x=[math.inf], y=[1.0]), "not_finite"),
    ],
)
def test_what_cannot_be_drawn(series: Series, code: str, context: ToolContext) -> None:
    with pytest.raises(InvalidInput) as caught:
        save_plot(context, "A", [Panel(x_label="x", y_label="y", series=[series])])
    assert caught.value.code == code


@settings(max_examples=10)
@given(st.integers(0, 2**32), st.integers(1, 5000))
def test_thinning_keeps_the_extremes(seed: int, more: int) -> None:
    rng = random.Random(seed)
    values = [rng.uniform(-1, 1) for _ in range(MOST_POINTS + more)]
    thin = _thin(Series(x=[float(i) for i in range(len(values))], y=list(values)))
    assert len(thin.x) <= MOST_POINTS
    assert {min(values), max(values)} <= set(thin.y)
    assert thin.x == sorted(thin.x)
