"""Calls of tools as callers make them, and the script of a call run as a person would."""

from __future__ import annotations

import contextlib
import io
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import Tool, ToolContext, ToolResult

Call = Callable[..., ToolResult]


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path / "cache", tmp_path / "artifacts", tmp_path / "library")


@pytest.fixture
def call(context: ToolContext) -> Call:
    def run(tool: Tool, **arguments: Any) -> ToolResult:
        return tool.run(tool.validate(arguments), context)

    return run


@pytest.fixture
def refusal(call: Call) -> Callable[..., BenchmateError]:
    def refused(tool: Tool, **arguments: Any) -> BenchmateError:
        with pytest.raises(BenchmateError) as caught:
            call(tool, **arguments)
        return caught.value

    return refused


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str, str | bytes], str]:
    """Write a file and return its path."""

    def write(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.fixture
def script_numbers(context: ToolContext, tmp_path: Path) -> Callable[[ToolResult], dict[str, float]]:
    """Run the analysis.py of a result in a folder of its own and return the numbers that it prints."""

    def run(result: ToolResult) -> dict[str, float]:
        folder = tmp_path / "script"
        folder.mkdir(exist_ok=True)
        for artifact in result.artifacts:
            (folder / artifact.name).write_bytes(ArtifactStore(context.artifact_dir).get(artifact.sha))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            runpy.run_path(str(folder / "analysis.py"), run_name="__main__")
        lines = (line.partition(" = ") for line in printed.getvalue().splitlines())
        return {name: float(value) for name, _, value in lines}

    return run
