"""A small data set in the place of the full one: real rows, indexed by the real code."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmate.tools import datasets
from benchmate.tools.base import Tool, ToolContext, ToolResult

DATA = Path(__file__).parent / "data"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder with a dozen precedents and seven records of conditions."""
    folder = tmp_path / "cache"
    for name, source, file in (
        ("uspto50k", "uspto50k_rows.tsv", "train.tsv"),
        ("uspto-conditions", "condition_rows.json", "reactions.json"),
    ):
        place = datasets.folder(name, folder)
        place.mkdir(parents=True)
        shutil.copy(DATA / source, place / file)
        small = datasets.DATASETS[name]._replace(sizes={file: (DATA / source).stat().st_size})
        monkeypatch.setitem(datasets.DATASETS, name, small)
    return folder


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., ToolResult]:
    """Run a tool as the program does, arguments checked and resolved; `cache_dir` is empty unless given."""

    def run(tool: Tool, cache_dir: Path = tmp_path / "nothing", **arguments: Any) -> ToolResult:
        result = tool.run(
            tool.validate(arguments), ToolContext(cache_dir, tmp_path / "artifacts", tmp_path / "library")
        )
        json.dumps(result.data, allow_nan=False)
        told = {q.property for q in result.quantities.values()}
        assert told <= tool.properties.keys()
        return result

    return run
