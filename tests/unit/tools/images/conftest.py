"""Calls of tools on pictures that a test draws, and what they saved."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import Tool, ToolContext, ToolResult


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path / "cache", tmp_path / "artifacts", tmp_path / "library")


@pytest.fixture
def call(context: ToolContext) -> Callable[..., ToolResult]:
    def run(tool: Tool, **arguments: Any) -> ToolResult:
        return tool.run(tool.validate(arguments), context)

    return run


@pytest.fixture
def refusal(call: Callable[..., ToolResult]) -> Callable[..., BenchmateError]:
    def refused(tool: Tool, **arguments: Any) -> BenchmateError:
        with pytest.raises(BenchmateError) as caught:
            call(tool, **arguments)
        return caught.value

    return refused


@pytest.fixture
def drawn(tmp_path: Path) -> Callable[..., str]:
    """Save an array as a picture and return its path."""

    def save(pixels: NDArray[Any], name: str = "picture.png", **options: Any) -> str:
        path = tmp_path / name
        if path.suffix == ".tif":
            import tifffile

            tifffile.imwrite(path, pixels, **options)
        else:
            Image.fromarray(pixels).save(path, **options)
        return str(path)

    return save


@pytest.fixture
def saved(context: ToolContext) -> Callable[[ToolResult, str], bytes]:
    def content(result: ToolResult, name: str) -> bytes:
        artifact = next(a for a in result.artifacts if a.name == name)
        return ArtifactStore(context.artifact_dir).get(artifact.sha)

    return content


def opened(content: bytes) -> NDArray[Any]:
    return np.asarray(Image.open(io.BytesIO(content)))
