"""The comparison drawing: what is on it, that it is the same each time, and what it refuses."""

import csv
import io
import logging
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.figures import draw_comparison

LABELS, VALUES = ["aspirin", "caffeine"], [1.2, -0.1]
CITES = ["E-aaaaaaaaaaaa#/quantities/logp", "E-bbbbbbbbbbbb#/quantities/logp"]
GIVEN = {
    "title": "Lipophilicity",
    "quantity": "logp",
    "unit": "",
    "labels": LABELS,
    "values": VALUES,
    "sources": CITES,
}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(cache_dir=tmp_path, artifact_dir=tmp_path / "artifacts", library_folder=tmp_path)


def draw(context: ToolContext, **changed: object) -> ToolResult:
    return draw_comparison.run(draw_comparison.validate({**GIVEN, **changed}), context)


def content(context: ToolContext, result: ToolResult, name: str) -> bytes:
    (artifact,) = (a for a in result.artifacts if a.name == name)
    return ArtifactStore(context.artifact_dir).get(artifact.sha)


def bar_widths(svg: bytes) -> list[float]:
    """Return the widths of the blue bars, left of the axis negative, in points."""
    widths = []
    for path in ElementTree.fromstring(svg).iter(f"{SVG}path"):
        if "fill: #0072b2" in path.get("style", ""):
            xs = [float(part.split()[0]) for part in path.get("d", "").replace("z", "").split("L")[0:2]
                  for part in [part.strip().removeprefix("M ")]]  # fmt: skip
            widths.append(xs[1] - xs[0])
    return widths


def test_bars_are_as_long_as_their_values(context: ToolContext) -> None:
    widths = bar_widths(content(context, draw(context), "comparison.svg"))
    assert len(widths) == 2
    assert widths[0] / widths[1] == pytest.approx(1.2 / -0.1, rel=1e-3)


def test_the_csv_says_where_each_value_comes_from(context: ToolContext) -> None:
    rows = list(csv.reader(io.StringIO(content(context, draw(context), "comparison.csv").decode())))
    assert rows == [
        ["label", "quantity", "value", "unit", "source"],
        ["aspirin", "logp", "1.2", "", CITES[0]],
        ["caffeine", "logp", "-0.1", "", CITES[1]],
    ]


def test_the_same_input_gives_the_same_bytes(context: ToolContext) -> None:
    first, second = draw(context), draw(context)
    assert first.artifacts == second.artifacts
    svg = content(context, first, "comparison.svg")
    assert b"<dc:date>" not in svg and b"<text" not in svg  # no clock, and no font that a viewer may lack


def test_markup_and_dollars_in_names_are_only_letters(context: ToolContext) -> None:
    result = draw(
        context, title="$x$ </svg><script>alert(1)</script>\x1b[31m", labels=["$\\frac{1}{2", "<b>"]
    )
    root = ElementTree.fromstring(content(context, result, "comparison.svg"))
    assert not list(root.iter(f"{SVG}script"))
    assert root.find(f"{SVG}title").text == "$x$ </svg><script>alert(1)</script> [31m"  # type: ignore[union-attr]


def test_a_spreadsheet_runs_no_name_as_a_formula(context: ToolContext) -> None:
    result = draw(context, labels=["=HYPERLINK(1)", "caffeine"])
    assert b"\n'=HYPERLINK(1),logp,1.2," in content(context, result, "comparison.csv")


def test_letters_without_a_picture_are_warned_of_not_printed(
    context: ToolContext, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        result = draw(context, labels=["咖啡因 $x$", "caffeine"])
    assert len(result.warnings) == 1 and "no picture" in result.warnings[0]
    assert not caplog.records
    assert draw(context).warnings == ()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"labels": ["aspirin"]}, "length_mismatch"),
        ({"sources": [*CITES, CITES[0]]}, "length_mismatch"),
        ({"labels": [], "values": [], "sources": []}, "nothing_to_draw"),
        ({"labels": ["x"] * 61, "values": [1.0] * 61, "sources": ["y"] * 61}, "too_many_bars"),
        ({"unit": "furlongs per jiffy per"}, "unknown_unit"),
    ],
)
def test_what_cannot_be_drawn_is_refused(context: ToolContext, changed: dict[str, object], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        draw(context, **changed)
    assert caught.value.code == code


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_no_number_is_named(context: ToolContext, value: float) -> None:
    with pytest.raises(InvalidInput, match="caffeine") as caught:
        draw_comparison.run({**GIVEN, "values": [1.2, value]}, context)
    assert caught.value.code == "not_finite"


@settings(max_examples=12)
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=4))
def test_any_finite_values_can_be_drawn(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    context = ToolContext(cache_dir=folder, artifact_dir=folder / "artifacts", library_folder=folder)
    result = draw(context, labels=["x"] * len(values), values=values, sources=["E-1"] * len(values))
    assert len(bar_widths(content(context, result, "comparison.svg"))) == len(values)


def test_models_are_not_offered_it() -> None:
    assert draw_comparison.domain == "internal"
