"""The search tool: exact passages with their place, or an honest nothing."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.library.search import FLOOR, search_library
from benchmate.tools.library.store import Library

TEXT = "# Glovebox\n\nThe glovebox is kept below 0.1 ppm of oxygen.\n\n# Safety\n\nHF needs calcium gluconate gel.\n"


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path / "cache", tmp_path / "artifacts", tmp_path / "library")


def search(context: ToolContext, **arguments: Any) -> ToolResult:
    return search_library.run(search_library.validate(arguments), context)


def test_gives_exact_text_place_and_score(context: ToolContext, tmp_path: Path) -> None:
    (tmp_path / "lab.md").write_text(TEXT)
    with Library(context.library_folder) as library:
        library.ingest(tmp_path / "lab.md")
    result = search(context, query="oxygen level in the dry box", count=1)
    (passage,) = result.data["passages"]
    assert passage["text"] in TEXT and "0.1 ppm" in passage["text"]
    assert (passage["source"], passage["heading"], passage["lines"]) == ("lab.md", "Glovebox", [1, 3])
    assert result.quantities["score_0"].value == passage["score"] > FLOOR
    assert result.quantities["score_0"].property in search_library.properties
    assert result.labels == {"untrusted"} and result.source.kind == "library"


def test_an_empty_library_is_said(context: ToolContext) -> None:
    result = search(context, query="anything")
    assert result.data == {"passages": []} and not result.quantities
    assert result.warnings == ("the library is empty: nothing was searched",)


def test_nothing_near_is_said(context: ToolContext, tmp_path: Path) -> None:
    (tmp_path / "lab.md").write_text(TEXT)
    with Library(context.library_folder) as library:
        library.ingest(tmp_path / "lab.md")
    result = search(context, query="the winner of the football world cup")
    assert result.data == {"passages": []} and not result.quantities
    assert "nothing in the library relates" in result.warnings[0]


def test_searches_at_the_same_time_do_not_disturb_each_other(context: ToolContext, tmp_path: Path) -> None:
    (tmp_path / "lab.md").write_text(TEXT)
    with Library(context.library_folder) as library:
        library.ingest(tmp_path / "lab.md")
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: search(context, query="oxygen", count=1), range(32)))
    assert all(result == results[0] for result in results) and results[0].data["passages"]


@pytest.mark.parametrize(
    "arguments", [{"query": " "}, {"query": "x", "count": 0}, {"query": "x", "count": 51}]
)
def test_refusals(context: ToolContext, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        search(context, **arguments)
    assert refusal.value.code == "bad_arguments"


def test_the_tool_reads_and_writes_nothing(context: ToolContext) -> None:
    search(context, query="anything")
    assert search_library.effects == {"read"} and not context.library_folder.exists()
