"""Plots of the columns of a table."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.arguments import ColumnName, Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import TABLES
from benchmate.tools.files import DataFile
from benchmate.tools.plots import Panel, Series, Style, save_plot
from benchmate.tools.statistics.tables import Column, Table, read_table

Array = NDArray[np.float64]
MOST_SERIES = 12
MOST_CATEGORIES = 40
_OUTLIER = 1.5  # interquartile ranges beyond the box (Tukey 1977)


@tool(
    domain="statistics",
    files=TABLES,
    extra="data",
    examples=(
        "Plot absorbance against time from run1.csv",
        "scatter plot of petal length and petal width in sample:iris by species",
        "histogram of the masses in weights.xlsx",
        "box plot of yield per catalyst from screening.csv",
        "line chart of yearly sunspots",
        "bar chart of mean activity per group",
    ),
    example={
        "file": "sample:iris",
        "x": "petal length",
        "y": ["petal width"],
        "group_by": "species",
        "kind": "points",
    },
)
def plot_table(
    context: ToolContext,
    file: DataFile,
    y: Annotated[
        list[str] | None,
        ColumnName("plot, draw, histogram of, distribution of, box plot of, show, graph, y ="),
    ] = None,
    x: Annotated[
        str | None, ColumnName("against, versus, vs, over, as a function of, x =", named_only=True)
    ] = None,
    kind: Annotated[
        Literal["histogram", "box", "bars", "points", "line"],
        Said(
            {
                "histogram": "histogram, distribution, hist",
                "box": "box plot, boxplot, box and whisker",
                "bars": "bar chart, bar plot, barplot, bar graph, columns chart",
                "line": "line plot, line chart, curve, time series",
                "points": "scatter, scatter plot, scatterplot",
            }
        ),
    ] = "points",
    group_by: Annotated[
        str | None,
        ColumnName("by, per, for each, coloured by, colored by, grouped by, split by", named_only=True),
    ] = None,
    title: str | None = None,
    bins: Annotated[int | None, Unit("", "bins, classes"), Field(ge=1, le=500)] = None,
    x_log: Annotated[bool, Said({"true": "log x, logarithmic x, x logarithmic, log-log"})] = False,
    y_log: Annotated[
        bool, Said({"true": "log y, logarithmic y, y logarithmic, log scale, log-log, semi-log"})
    ] = False,
    sheet: str | None = None,
) -> ToolResult:
    """Draw columns of a table as points, line, bars, histogram or box plot, with units from the headers.

    Raises InvalidInput: `which_column`, `not_numeric`, `unit_mismatch`, `too_many_series`, `not_positive`, `no_rows`,
    `bad_file`; NotFound (`unknown_column`).

    Args:
        file: The table.
        y: The columns on the y axis (or whose values are counted), all in one unit; by default the only one besides x.
        x: The column on the x axis; words for bars; by default the row number.
        kind: The kind of plot. Boxes and bars are by group_by or by x; bars of several rows show the mean and its SD.
        group_by: The column that splits the rows into series.
        title: The title of the plot.
        bins: The bins of a histogram; by default NumPy's choice (Sturges or Freedman and Diaconis), at least 5.
        x_log: Whether the x axis is logarithmic.
        y_log: Whether the y axis is logarithmic.
        sheet: The sheet of an Excel workbook.
    """
    table = read_table(file, sheet)
    columns = _columns(table, y, x, group_by)
    unit = columns[0].unit
    label = columns[0].name if len(columns) == 1 else "value"
    warnings = list(table.warnings)
    options: dict[str, Any] = {"x_log": x_log, "y_log": y_log}
    if kind == "histogram":
        panel = _histogram(table, columns, group_by, bins, label, unit, options)
    elif kind in ("box", "bars"):
        by = group_by or x
        if by is None:
            raise InvalidInput("which_column", f"say by which column the {kind} are", hint=_names(table))
        draw = _boxes if kind == "box" else _bars
        panel = draw(table, columns, by, label, unit, options)
    else:
        panel = _points(table, columns, x, group_by, kind, label, unit, options, warnings)
    _check_log(panel)
    told = title or f"{', '.join(c.name for c in columns)} of {table.name}"
    import pandas

    return ToolResult(
        data={
            "kind": kind, "rows": table.rows, "x": x, "y": [c.header for c in columns], "group_by": group_by,
            "series": [s.label for s in panel.series if s.label], "categories": panel.x_names,
        },
        artifacts=save_plot(context, told, [panel]),
        source=Source(kind="computed", name=f"Matplotlib, pandas {pandas.__version__}"),
        warnings=tuple(warnings),
    )  # fmt: skip


def _names(table: Table) -> str:
    return f"there are {', '.join(c.header for c in table.columns)}"


def _columns(table: Table, y: list[str] | None, x: str | None, group_by: str | None) -> list[Column]:
    taken = {table.column(name).header for name in (x, group_by) if name is not None}
    if y is None:
        rest = [c for c in table.numeric if c.header not in taken]
        if len(rest) != 1:
            raise InvalidInput(
                "which_column", f"{table.name} has {len(rest)} columns of numbers to draw", hint=_names(table)
            )
        return rest
    if not 1 <= len(y) <= MOST_SERIES:
        raise InvalidInput(
            "too_many_series", f"{len(y)} columns cannot be drawn in one plot", hint=f"1 to {MOST_SERIES}"
        )
    columns = [table.number_column(name) for name in y]
    units = {c.unit for c in columns}
    if len(units) > 1:
        raise InvalidInput(
            "unit_mismatch", f"the columns are in {', '.join(sorted(u or 'no unit' for u in units))}",
            hint="draw columns of one unit in one plot",
        )  # fmt: skip
    return columns


def _split(table: Table, by: str | None) -> dict[str, NDArray[np.bool_]]:
    """Return the rows of each group by its label; one group without a label where nothing splits them."""
    if by is None:
        return {"": np.ones(table.rows, bool)}
    column = table.column(by)
    labels = column.labels()
    found = {
        level: np.array([w == level for w in labels]) for level in dict.fromkeys(labels) if level is not None
    }
    if not 1 <= len(found) <= MOST_CATEGORIES:
        raise InvalidInput(
            "too_many_series", f"{column.header!r} has {len(found)} values", hint=f"1 to {MOST_CATEGORIES}"
        )
    return found


def _values(column: Column) -> Array:
    assert column.numbers is not None
    return column.numbers


def _points(
    table: Table, columns: list[Column], x: str | None, group_by: str | None, kind: str, label: str, unit: str,
    options: dict[str, Any], warnings: list[str],
) -> Panel:  # fmt: skip
    across = table.number_column(x) if x is not None else None
    places = _values(across) if across is not None else np.arange(1, table.rows + 1, dtype=float)
    series = []
    groups = _split(table, group_by)
    if len(groups) * len(columns) > MOST_SERIES:
        raise InvalidInput(
            "too_many_series",
            f"{len(groups) * len(columns)} series cannot be told apart",
            hint=f"at most {MOST_SERIES}",
        )
    style: Style = "line" if kind == "line" else "points"
    for column in columns:
        for name, rows in groups.items():
            own = rows & ~np.isnan(places) & (~np.isnan(_values(column)) | (kind == "line"))
            if not own.any() or np.isnan(_values(column)[own]).all():
                continue
            order = np.argsort(places[own], kind="stable") if kind == "line" else np.arange(own.sum())
            drawn = [None if np.isnan(v) else float(v) for v in _values(column)[own][order]]
            told = ", ".join(part for part in (column.name if len(columns) > 1 else "", name) if part)
            series.append(Series(label=told, x=places[own][order].tolist(), y=drawn, style=style))
    if not series:
        raise InvalidInput("no_rows", f"no row of {table.name} has all that is to be drawn")
    left_out = int(np.isnan(places).sum() + sum(int(np.isnan(_values(c)).sum()) for c in columns))
    if left_out:
        warnings.append(f"{left_out} missing values are not drawn")
    return Panel(
        x_label=across.name if across else "row", x_unit=across.unit if across else "", y_label=label, y_unit=unit,
        series=series, **options,
    )  # fmt: skip


def _histogram(
    table: Table,
    columns: list[Column],
    group_by: str | None,
    bins: int | None,
    label: str,
    unit: str,
    options: dict[str, Any],
) -> Panel:
    samples = {
        ", ".join(p for p in (c.name if len(columns) > 1 else "", name) if p): _values(c)[
            rows & ~np.isnan(_values(c))
        ]
        for c in columns
        for name, rows in _split(table, group_by).items()
    }
    samples = {name: values for name, values in samples.items() if values.size}
    if not samples:
        raise InvalidInput("no_rows", f"{table.name} holds no number to count")
    if len(samples) > MOST_SERIES:
        raise InvalidInput(
            "too_many_series",
            f"{len(samples)} histograms cannot be told apart",
            hint=f"at most {MOST_SERIES}",
        )
    together = np.concatenate(list(samples.values()))
    count = bins or int(np.clip(len(np.histogram_bin_edges(together, "auto")) - 1, 5, 100))
    edges = np.histogram_bin_edges(together, count)
    middle = (edges[:-1] + edges[1:]) / 2
    width = float(edges[1] - edges[0])
    series = []
    for name, values in samples.items():
        counts = np.histogram(values, edges)[0].astype(float)
        if len(samples) == 1:
            series.append(Series(label=name, x=middle.tolist(), y=counts.tolist(), style="bars"))
        else:  # steps begin and end at zero
            x = [float(middle[0]) - width, *middle.tolist(), float(middle[-1]) + width]
            series.append(Series(label=name, x=x, y=[0.0, *counts.tolist(), 0.0], style="steps"))
    return Panel(x_label=label, x_unit=unit, y_label="count", series=series, **options)


def _bars(
    table: Table, columns: list[Column], by: str, label: str, unit: str, options: dict[str, Any]
) -> Panel:
    groups = _split(table, by)
    if len(columns) > 1:
        raise InvalidInput("too_many_series", "bars show one column", hint="take points, or one column in y")
    means, spreads = [], []
    for rows in groups.values():
        own = _values(columns[0])[rows]
        own = own[~np.isnan(own)]
        means.append(float(own.mean()) if own.size else None)
        spreads.append(float(own.std(ddof=1)) if own.size > 1 else None)
    if all(m is None for m in means):
        raise InvalidInput("no_rows", f"{table.name} holds no number to draw")
    several = any(s is not None for s in spreads)
    series = Series(
        x=[float(i) for i in range(1, len(groups) + 1)],
        y=means,
        error=spreads if several else None,
        style="bars",
    )
    return Panel(
        x_label=table.column(by).name, y_label=f"{label}, mean ± SD" if several else label, y_unit=unit, series=[series],
        x_names=list(groups), **options,
    )  # fmt: skip


def _boxes(
    table: Table, columns: list[Column], by: str, label: str, unit: str, options: dict[str, Any]
) -> Panel:
    """Draw boxes from the quartiles with the median, whiskers to the last value within 1.5 ranges, and points beyond."""
    if len(columns) > 1:
        raise InvalidInput("too_many_series", "boxes show one column", hint="draw one plot for each column")
    x: list[float] = []
    y: list[float | None] = []
    outside: list[tuple[float, float]] = []
    groups = _split(table, by)
    for place, rows in enumerate(groups.values(), 1):
        own = _values(columns[0])[rows]
        own = own[~np.isnan(own)]
        if not own.size:
            continue
        low, middle, high = (float(v) for v in np.quantile(own, [0.25, 0.5, 0.75]))
        reach = _OUTLIER * (high - low)
        inside = own[(own >= low - reach) & (own <= high + reach)]
        outside += [(float(place), float(v)) for v in own[(own < low - reach) | (own > high + reach)]]
        bottom, top = float(inside.min()), float(inside.max())
        left, right = place - 0.3, place + 0.3
        strokes = (
            ([left, right, right, left, left], [low, low, high, high, low]), ([left, right], [middle, middle]),
            ([place, place], [bottom, low]), ([place, place], [high, top]),
            ([place - 0.12, place + 0.12], [bottom, bottom]), ([place - 0.12, place + 0.12], [top, top]),
        )  # fmt: skip
        for across, up in strokes:
            x += [*map(float, across), float(place)]
            y += [*up, None]
    if not x:
        raise InvalidInput("no_rows", f"{table.name} holds no number to draw")
    series = [Series(label="quartiles, median, 1.5 IQR" if outside else "", x=x, y=y)]
    if outside:
        series.append(
            Series(label="beyond", x=[p for p, _ in outside], y=[v for _, v in outside], style="points")
        )
    return Panel(
        x_label=table.column(by).name,
        y_label=label,
        y_unit=unit,
        series=series,
        x_names=list(groups),
        **options,
    )


def _check_log(panel: Panel) -> None:
    for axis, log in (("x", panel.x_log), ("y", panel.y_log)):
        values = [v for s in panel.series for v in getattr(s, axis) if v is not None]
        if log and min(values) <= 0:
            raise InvalidInput(
                "not_positive", f"a value of {min(values):g} has no place on a logarithmic {axis} axis"
            )
