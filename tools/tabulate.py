"""One tool over many items as a table: a row for each item, units and methods once for a column, one record for all.

For thousands of items this costs little more than the bare library, since nothing is kept of an item but its row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from benchmate.runtime.errors import BenchmateError, InvalidInput
from benchmate.runtime.quantity import Quantity, display_unit
from benchmate.tools.base import Source, Tool, ToolContext, ToolResult, tool

MOST_ROWS = 1000  # of one call; longer tables are made in several
_LAST = ("warnings", "error")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Row = dict[str, Any]


@tool(domain="internal")
def tabulate(tool: str, items: list[dict[str, Any]], context: ToolContext) -> ToolResult:
    """Call one tool on many items and return a table, one row for each: its values, or why there are none.

    Raises NotFound (`unknown_tool`), InvalidInput: `not_tabulated` for a tool that does more than compute, `too_large`.

    Args:
        tool: The tool's name.
        items: The arguments of each call.
    """
    from benchmate.tools.registry import load_registry

    inner = load_registry()[tool]
    if inner.effects != {"compute"} or inner.domain == "internal":
        raise InvalidInput(
            "not_tabulated", f"{tool} does more than compute, so each of its calls is recorded"
        )
    if len(items) > MOST_ROWS:
        raise InvalidInput(
            "too_large", f"{len(items)} rows are more than {MOST_ROWS}", hint="make several tables"
        )
    columns: dict[str, dict[str, str]] = {}
    rows = [row_of(inner, item, context, columns) for item in items]
    failed = sum("error" in row for row in rows)
    done = len(rows) - failed
    table = context.save(f"{tool}.csv", "text/csv", csv_of(rows, columns).encode())
    return ToolResult(
        data={"tool": tool, "version": inner.version, "columns": columns},
        quantities={
            "row_count": Quantity(value=done, property="row_count", method="rows with values"),
            "failed_count": Quantity(value=failed, property="failed_count", method="rows with an error"),
        },
        artifacts=(table,),
        source=Source(kind="computed", name="benchmate"),
        warnings=(f"{failed} of {len(rows)} rows have no values; the table says why",) if failed else (),
    )


def row_of(
    tool: Tool, item: Mapping[str, Any], context: ToolContext, columns: dict[str, dict[str, str]]
) -> Row:
    """Return one row: what the item was taken for, its quantities and plain data; or its error.

    `columns` learns the unit, property and method of each column. A value whose unit differs from its column's is
    converted to it.
    """
    try:
        result = tool.run(tool.validate(item), context)
    except BenchmateError as error:
        return {"item": _item_name(item), "error": f"{error.code}: {error}"}
    entity = next(iter(result.entities), None)
    row: Row = {"item": entity.label if entity else _item_name(item), "key": entity.key if entity else ""}
    if entity is not None and (registry := entity.details.get("registry_id")):
        row["registry_id"] = registry
    for name, quantity in result.quantities.items():
        column = columns.get(name)
        if column is None:
            column = columns[name] = {
                "unit": quantity.unit, "property": quantity.property, "method": quantity.method or "",
            }  # fmt: skip
        row[name] = quantity.value if quantity.unit == column["unit"] else quantity.to(column["unit"]).value
    for name, value in result.data.items():
        if isinstance(value, (str, int, float, bool)) and name not in row:
            columns.setdefault(name, {"unit": "", "property": name, "method": ""})
            row[name] = value
    if result.warnings:
        row["warnings"] = "; ".join(result.warnings)
    return row


def _item_name(item: Mapping[str, Any]) -> str:
    first = next(iter(item.values()), "")
    if isinstance(first, Mapping):
        first = first.get("name") or first.get("registry_id") or first.get("smiles") or ""
    return str(first)


def csv_of(rows: Sequence[Row], columns: Mapping[str, Mapping[str, str]]) -> str:
    """Return the rows as CSV, the unit of each column in its head. A text that a spreadsheet would run is quoted with '."""
    names = ["item", "registry_id", "key", *columns, *_LAST]
    names = [n for n in names if n in columns or any(n in row for row in rows)]
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow([_head(name, columns.get(name)) for name in names])
    writer.writerows([_cell(row.get(name, "")) for name in names] for row in rows)
    return lines.getvalue()


def join(tables: Sequence[str]) -> str:
    """Return several tables as one, with every column that any of them has; the notes and errors stay last."""
    read = [list(csv.DictReader(io.StringIO(table))) for table in tables]
    heads = list(dict.fromkeys(head for rows in read for row in rows[:1] for head in row))
    heads = [h for h in heads if h not in _LAST] + [h for h in _LAST if h in heads]
    lines = io.StringIO(newline="")
    writer = csv.DictWriter(lines, heads, restval="", lineterminator="\n")
    writer.writeheader()
    for rows in read:
        writer.writerows(rows)
    return lines.getvalue()


def _head(name: str, column: Mapping[str, str] | None) -> str:
    unit = display_unit(column["unit"]) if column else ""
    return f"{name} ({unit})" if unit else name


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
