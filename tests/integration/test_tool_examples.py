"""Each tool has an example that runs, and says of each quantity it gives which property it is."""

from pathlib import Path

import pytest

from benchmate.tools.base import Tool, ToolContext
from benchmate.tools.registry import load_registry

EMPTY_LIBRARY = {"search_library"}  # its example needs documents; tests of the library run it
LEFT_OUT = {"admet"}  # extras that dev does not bring; tests of their tools run where they are


@pytest.mark.parametrize("tool", load_registry().offered.values(), ids=lambda tool: tool.name)
def test_the_example_of_a_tool_runs(tool: Tool, tmp_path: Path) -> None:
    assert tool.example is not None, "a tool shows how it is called"
    assert tool.examples, "a tool says what it answers"
    if tool.name in EMPTY_LIBRARY or (tool.missing and tool.extra in LEFT_OUT):
        tool.validate(tool.example)
        return
    folders = {name: tmp_path / name for name in ("cache_dir", "artifact_dir", "library_folder")}
    result = tool.run(tool.validate(tool.example), ToolContext(**folders))
    assert result.quantities or result.data or result.artifacts
    properties = {quantity.property for quantity in result.quantities.values()}
    told = {p for p in properties if p and not p.startswith("input_")}
    assert told <= tool.properties.keys(), "every property has words that a reader uses for it"


@pytest.mark.parametrize("tool", load_registry().offered.values(), ids=lambda tool: tool.name)
def test_checked_arguments_stay_as_they_are(tool: Tool) -> None:
    assert tool.example is not None
    once = tool.validate(tool.example)
    assert tool.validate(once) == once
