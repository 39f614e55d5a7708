"""Numbers with units as arguments, files as arguments, extras."""

from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, Unavailable
from benchmate.runtime.quantity import Quantity
from benchmate.tools import extras
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.extras import Extra
from benchmate.tools.files import DataFile


@tool(domain="testing")
def travel(
    speed: Annotated[float, Unit("km/s", "Vp, P velocity"), Field(gt=0)],
    times: Annotated[list[float], Unit("s")],
    depth: Annotated[float | None, Unit("km"), Field(ge=0)] = None,
) -> ToolResult:
    """Say how far a wave travels.

    Args:
        speed: The speed.
        times: The times.
        depth: The depth.
    """
    far = Quantity(value=speed * sum(times), unit="km", property="distance")
    return ToolResult(quantities={"distance": far}, source=Source(kind="computed", name="test"))


@tool(domain="testing")
def count_bytes(file: DataFile, others: list[DataFile] | None = None) -> ToolResult:
    """Count the bytes of a file.

    Args:
        file: The file.
        others: More files.
    """
    size = Quantity(value=len(file.content()), unit="byte", property="size")
    return ToolResult(quantities={"size": size}, source=Source(kind="computed", name="test"))


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(
        cache_dir=tmp_path / "cache", artifact_dir=tmp_path / "artifacts", library_folder=tmp_path
    )


def test_a_number_is_in_the_unit_of_the_parameter() -> None:
    assert travel.validate({"speed": 6, "times": [8.0]}) == {"speed": 6.0, "times": [8.0], "depth": None}


def test_a_text_with_a_unit_is_converted() -> None:
    checked = travel.validate({"speed": "6000 m/s", "times": ["1 min", 2, "500 ms"], "depth": "250 m"})
    assert checked == {"speed": 6.0, "times": [60.0, 2.0, 0.5], "depth": 0.25}


@given(st.floats(1e-6, 1e6))
def test_a_text_without_a_unit_is_a_plain_number(value: float) -> None:
    assert travel.validate({"speed": repr(value), "times": []})["speed"] == pytest.approx(value, rel=1e-11)


@pytest.mark.parametrize("speed", ["6 kg", "fast", "6 furlongz", "", "nan"])
def test_a_wrong_unit_or_no_number_is_refused(speed: str) -> None:
    with pytest.raises(InvalidInput, match="speed") as caught:
        travel.validate({"speed": speed, "times": []})
    assert caught.value.code == "bad_arguments"


def test_the_limits_hold_for_a_converted_value() -> None:
    with pytest.raises(InvalidInput, match="greater than 0"):
        travel.validate({"speed": "-1 m/s", "times": []})


def test_checked_arguments_can_be_checked_again() -> None:
    once = travel.validate({"speed": "6000 m/s", "times": [1]})
    assert travel.validate(once) == once  # what was left out is None
    with pytest.raises(InvalidInput, match="depth"):
        travel.validate({"speed": 6, "times": [1], "depth": "-5 km"})


def test_the_schema_tells_unit_and_words() -> None:
    assert travel.schema["properties"]["speed"]["unit"] == "km/s"
    assert travel.schema["properties"]["speed"]["words"] == "Vp, P velocity"


def test_a_file_is_known_by_its_content(tmp_path: Path, context: ToolContext) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"five!")
    result = count_bytes.run({"file": str(path)}, context)
    assert result.quantities["size"].value == 5
    (entity,) = result.entities
    assert (entity.kind, entity.label) == ("file", "notes.txt")
    kept = {"name": "notes.txt", "sha256": entity.key.removeprefix("sha256:")}
    path.unlink()  # the run holds it now
    assert count_bytes.run({"file": kept}, context).quantities["size"].value == 5


@pytest.mark.parametrize(
    ("given_file", "code"), [("nowhere.csv", "no_such_file"), ("sample:irsi", "no_such_sample")]
)
def test_a_file_that_is_not_there(given_file: str, code: str, context: ToolContext) -> None:
    with pytest.raises(NotFound) as caught:
        count_bytes.run({"file": given_file}, context)
    assert caught.value.code == code
    assert caught.value.info.details["argument"] == "file"


def test_a_folder_is_no_file(tmp_path: Path, context: ToolContext) -> None:
    with pytest.raises(BenchmateError, match="cannot be read"):
        count_bytes.run({"file": str(tmp_path)}, context)


def test_a_tool_without_its_extra_names_the_command(
    monkeypatch: pytest.MonkeyPatch, context: ToolContext
) -> None:
    monkeypatch.setitem(extras.EXTRAS, "nowhere", Extra(("no_such_module",), "things that are not there"))

    @tool(domain="testing", extra="nowhere")
    def needy(number: int) -> ToolResult:
        """Need something.

        Args:
            number: A number.
        """
        raise AssertionError("never called")

    assert needy.missing == ("no_such_module",)
    with pytest.raises(Unavailable) as caught:
        needy.run({"number": 1}, context)
    assert caught.value.code == "missing_extra"
    assert caught.value.hint == "pip install 'benchmate[nowhere]'"


def test_an_extra_that_nobody_declared_is_a_fault_of_the_tool() -> None:
    with pytest.raises(TypeError, match="no extra"):
        tool(domain="testing", extra="unheard-of")
