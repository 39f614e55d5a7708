"""What a table holds, column by column, and by group."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ColumnName
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import TABLES
from benchmate.tools.files import DataFile
from benchmate.tools.statistics.analysis_script import save_script
from benchmate.tools.statistics.estimates import difference_unit
from benchmate.tools.statistics.tables import Column, Table, distinct_slugs, read_header, read_table

MOST_COLUMNS = 40
MOST_GROUPS = 30
MOST_NUMBERS = 1_500  # quantities of one result
_GROUPS_UNASKED = 12  # a text column with more values is no group
QUARTILES = "linear interpolation (Hyndman and Fan type 7)"


@tool(
    domain="statistics",
    version="2",
    files=TABLES,
    extra="data",
    properties={
        "mean": "mean, average, arithmetic mean",
        "standard_deviation": "standard deviation, SD, spread, stdev, std",
        "standard_error": "standard error of the mean, SEM, standard error",
        "median": "median, 50th percentile, middle value",
        "minimum": "minimum, lowest value, smallest, min",
        "maximum": "maximum, highest value, largest, max",
        "lower_quartile": "lower quartile, first quartile, 25th percentile, Q1",
        "upper_quartile": "upper quartile, third quartile, 75th percentile, Q3",
        "count": "number of values, n, count, how many values",
        "missing": "number of missing values, missing, NAs, blanks",
        "rows": "number of rows, rows, records, size of the table",
    },
    examples=(
        "Summary statistics of every column in measurements.csv",
        "What is the mean petal length of each species in sample:iris?",
        "Mean, SD and n of the values [4.1, 4.5, 3.9, 4.7]",
        "How many values are missing in results.xlsx?",
        "median and quartiles per treatment in data.tsv",
        "Mean petal length of Iris setosa in Fisher's iris table?",
    ),
    example={"file": "sample:iris", "columns": ["petal length"], "group_by": "species"},
)
def describe_table(
    context: ToolContext,
    file: DataFile | None = None,
    values: list[float] | None = None,
    columns: Annotated[
        list[str] | None,
        ColumnName("describe, summarise, summarize, statistics of, statistics for, mean of, sd of, column"),
    ] = None,
    group_by: Annotated[
        str | None,
        ColumnName(
            "by, per, for each, for every, grouped by, within each, split by, across", named_only=True
        ),
    ] = None,
    sheet: str | None = None,
) -> ToolResult:
    """Number of values, missing values, mean, SD, median, quartiles and range of each column of a table, also by group.

    Raises InvalidInput: `no_data`, `two_sources`, `too_many_columns`, `too_many_groups`, `bad_file`, `not_numeric`,
    `too_large`; NotFound: `unknown_column`, `no_such_sheet`.

    Args:
        file: A table: CSV, TSV, Excel, Parquet or JSON records; units are read from headers such as 'mass (mg)'.
        values: A list of numbers in place of a table.
        columns: The columns to describe, all by default.
        group_by: The column whose values are the groups; by default the only column of words, where it has 2 to 12 values and some occur again.
        sheet: The sheet of an Excel workbook, the first by default.
    """
    if (file is None) == (values is None):
        code = "no_data" if file is None else "two_sources"
        raise InvalidInput(code, "describe_table takes a file or a list of values", hint="give one of them")
    table = read_table(file, sheet) if file is not None else _of_list(values or [])
    group = _group(table, group_by)
    chosen = [table.number_column(name) for name in columns] if columns else table.numeric
    warnings = list(table.warnings)
    if not columns and len(chosen) > MOST_COLUMNS:
        raise InvalidInput(
            "too_many_columns", f"{table.name} has {len(chosen)} columns of numbers",
            hint=f"name at most {MOST_COLUMNS} in columns",
        )  # fmt: skip
    members = _members(group)
    if len(chosen) * (1 + len(members)) * 10 > MOST_NUMBERS and group_by is None:
        members = {}
    keys = _keys(chosen)
    levels = distinct_slugs(label for label in members if label is not None)
    quantities = {"rows": Quantity(value=table.rows, property="rows")}
    described: list[dict[str, Any]] = []
    for column in chosen:
        assert column.numbers is not None
        for label, rows in {None: np.ones(table.rows, bool), **members}.items():
            found = _summary(column, column.numbers[rows], label)
            key = keys[column.header] + (f"_{levels[label]}" if label is not None else "")
            quantities |= {f"{key}_{name}": q for name, q in found.items()}
            described.append(
                {"column": column.header, "group": label, **{name: q.value for name, q in found.items()}}
            )
    words = [
        _word_column(c) for c in table.columns if c.numbers is None and (not columns or c.header in columns)
    ]
    data: dict[str, Any] = {
        "table": table.name,
        "columns": [
            {
                "header": c.header,
                "name": c.name,
                "unit": c.unit,
                "kind": "numbers" if c.numbers is not None else "words",
            }
            for c in table.columns
        ],
        "summary": described,
        "words": words,
        "group_by": group.header if members and group is not None else None,
    }
    import pandas

    return ToolResult(
        quantities=quantities,
        data=data,
        artifacts=_script(context, table, chosen, group if members else None),
        source=Source(kind="computed", name=f"NumPy {np.__version__}, pandas {pandas.__version__}"),
        warnings=tuple(warnings),
    )


def _of_list(values: list[float]) -> Table:
    if not values:
        raise InvalidInput("no_data", "the list of values is empty", hint="give the values, or a file")
    numbers = np.asarray(values, float)
    if not np.isfinite(numbers).all():
        raise InvalidInput("not_finite", "a value is no finite number", hint="leave it out")
    name, unit = read_header("values")
    return Table("the list", (Column("values", name, unit, numbers, None),))


def _group(table: Table, group_by: str | None) -> Column | None:
    if group_by is not None:
        group = table.column(group_by)
        levels = {label for label in group.labels() if label is not None}
        if len(levels) > MOST_GROUPS:
            raise InvalidInput(
                "too_many_groups",
                f"{group.header!r} has {len(levels)} different values",
                hint=f"at most {MOST_GROUPS}",
            )
        return group
    words = [c for c in table.columns if c.numbers is None]
    if len(words) != 1:
        return None
    values = [w for w in words[0].words or () if w is not None]
    different = len(set(values))
    groups = 2 <= different <= _GROUPS_UNASKED and different < len(values)  # names of rows are no groups
    return words[0] if groups else None


def _members(group: Column | None) -> dict[str | None, NDArray[np.bool_]]:
    if group is None:
        return {}
    labels = group.labels()
    return {
        level: np.array([x == level for x in labels]) for level in dict.fromkeys(labels) if level is not None
    }


def _summary(column: Column, numbers: NDArray[np.float64], group: str | None) -> dict[str, Quantity]:
    known = numbers[~np.isnan(numbers)]
    conditions = {"column": column.name} | ({"group": group} if group is not None else {})

    def make(property: str, value: float, unit: str = column.unit, method: str | None = None) -> Quantity:
        return Quantity(
            value=float(value), unit=unit, property=property, method=method, conditions=conditions
        )

    found = {"count": make("count", known.size, "")}
    if known.size < numbers.size or group is None:
        found["missing"] = make("missing", numbers.size - known.size, "")
    if not known.size:
        return found
    spread = difference_unit(column.unit)
    found["mean"] = make("mean", known.mean())
    if known.size > 1:
        deviation = float(known.std(ddof=1))
        found["standard_deviation"] = make(
            "standard_deviation", deviation, spread, "n - 1 in the denominator"
        )
        found["standard_error"] = make("standard_error", deviation / known.size**0.5, spread)
    lower, middle, upper = np.quantile(known, [0.25, 0.5, 0.75])
    found["minimum"] = make("minimum", known.min())
    found["lower_quartile"] = make("lower_quartile", lower, method=QUARTILES)
    found["median"] = make("median", middle)
    found["upper_quartile"] = make("upper_quartile", upper, method=QUARTILES)
    found["maximum"] = make("maximum", known.max())
    return found


def _keys(chosen: list[Column]) -> dict[str, str]:
    """Return the key of each header: of the name alone where no other column has that name."""
    names = [c.name for c in chosen]
    told = [c.header if names.count(c.name) > 1 else c.name for c in chosen]
    return dict(zip((c.header for c in chosen), distinct_slugs(told).values(), strict=True))


def _word_column(column: Column) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for word in column.words or ():
        if word is not None:
            counts[word] = counts.get(word, 0) + 1
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:20]
    return {
        "column": column.header,
        "missing": int(column.missing.sum()),
        "different": len(counts),
        "most_frequent": [{"value": value, "count": count} for value, count in top],
    }


def _script(context: ToolContext, table: Table, chosen: list[Column], group: Column | None) -> Any:
    """Return the script; missing values are blank cells of its CSV, so it always has one."""
    keys = {key: header for header, key in _keys(chosen).items()}
    labels = group.labels() if group is not None else None
    columns: dict[str, list[Any]] = {}
    for column in chosen:
        assert column.numbers is not None
        known = ~np.isnan(column.numbers)
        columns[column.header] = list(column.numbers[known])
        if labels is not None:
            columns[f"groups of {column.header}"] = [
                label if label is not None else "-" for label, k in zip(labels, known, strict=True) if k
            ]
    names = distinct_slugs(label for label in dict.fromkeys(labels or []) if label is not None)
    body = f"""
        import pandas as pd
        results = {{}}
        for key, name in {keys!r}.items():
            column = pd.Series(data[name])
            parts = {{key: column}}
            for label, short in {names!r}.items():
                own = [group == label for group in data["groups of " + name]]
                parts[key + "_" + short] = column[own]
            for part, values in parts.items():
                results[part + "_count"] = values.count()
                if values.count():
                    results[part + "_mean"] = values.mean()
                    results[part + "_minimum"] = values.min()
                    results[part + "_lower_quartile"] = values.quantile(0.25)
                    results[part + "_median"] = values.median()
                    results[part + "_upper_quartile"] = values.quantile(0.75)
                    results[part + "_maximum"] = values.max()
                if values.count() > 1:
                    results[part + "_standard_deviation"] = values.std()
                    results[part + "_standard_error"] = values.sem()
    """
    return save_script(context, f"Describes {table.name}", columns, body, ("pandas",))
