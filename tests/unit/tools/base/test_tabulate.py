"""Tables: one tool over many items, the same values as single calls, failures as rows."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.registry import load_registry
from benchmate.tools.tabulate import MOST_ROWS, csv_of, join


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(cache_dir=tmp_path, artifact_dir=tmp_path / "artifacts", library_folder=tmp_path)


def table(
    context: ToolContext, name: str, items: list[dict[str, Any]]
) -> tuple[ToolResult, list[dict[str, str]]]:
    result = load_registry()["tabulate"].run({"tool": name, "items": items}, context)
    text = (context.artifact_dir / result.artifacts[0].sha).read_text()
    return result, list(csv.DictReader(io.StringIO(text)))


def test_the_values_are_those_of_single_calls(context: ToolContext) -> None:
    _, rows = table(context, "compute_descriptors", [{"compound": c} for c in ("aspirin", "CCO")])
    tool = load_registry()["compute_descriptors"]
    for row, compound in zip(rows, ("aspirin", "CCO"), strict=True):
        single = tool.run({"compound": compound, "form": "as_given"}, context)
        assert float(row["molecular_weight (g/mol)"]) == single.quantities["molecular_weight"].value
        assert float(row["tpsa (Å²)"]) == single.quantities["tpsa"].value
        assert row["key"] == single.entities[0].key
        assert row["formula"] == single.data["formula"]


def test_an_item_that_fails_is_a_row_with_its_error(context: ToolContext) -> None:
    result, rows = table(context, "compute_descriptors", [{"compound": "c1ccc(C(."}, {"compound": "CCO"}])
    assert rows[0]["error"].startswith("invalid_smiles")
    assert rows[0]["molecular_weight (g/mol)"] == ""
    assert rows[1]["error"] == ""
    assert (result.quantities["row_count"].value, result.quantities["failed_count"].value) == (1, 1)
    assert result.warnings


def test_the_registry_id_goes_with_its_row(context: ToolContext) -> None:
    items = [{"compound": {"smiles": "CCO", "registry_id": f"R-{n}"}} for n in range(3)]
    _, rows = table(context, "compute_descriptors", items)
    assert [row["registry_id"] for row in rows] == ["R-0", "R-1", "R-2"]


def test_a_tool_that_does_more_than_compute_is_not_tabulated(context: ToolContext) -> None:
    with pytest.raises(InvalidInput) as caught:
        table(context, "search_library", [{"query": "x"}])
    assert caught.value.code == "not_tabulated"


def test_a_table_has_a_limit(context: ToolContext) -> None:
    with pytest.raises(InvalidInput) as caught:
        table(context, "compute_descriptors", [{"compound": "C"}] * (MOST_ROWS + 1))
    assert caught.value.code == "too_large"


def test_tables_are_joined_by_their_columns() -> None:
    one = csv_of([{"item": "a", "x": 1.0}], {"x": {"unit": "m"}})
    two = csv_of(
        [{"item": "=b", "x": 2.5, "y": 3.0}, {"item": "c", "error": "no"}],
        {"x": {"unit": "m"}, "y": {"unit": ""}},
    )
    rows = list(csv.DictReader(io.StringIO(join([one, two]))))
    assert [r["item"] for r in rows] == ["a", "'=b", "c"]
    assert list(rows[0]) == ["item", "x (m)", "y", "error"]
    assert [r["x (m)"] for r in rows] == ["1", "2.5", ""]
