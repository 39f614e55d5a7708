"""x and y as the fits take them: two lists, or two columns of a table."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.files import DataFile
from benchmate.tools.statistics.tables import Column, read_table
from benchmate.tools.units import read_unit

MOST_POINTS = 100_000


@dataclass(frozen=True)
class Pairs:
    """Measured pairs, what each is called and in which unit (as pint writes it)."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    x_name: str = "x"
    y_name: str = "y"
    x_unit: str = ""
    y_unit: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return len(self.x)

    def named(self, x: str, y: str) -> Pairs:
        """Return the pairs with these names where none came with the data."""
        return replace(
            self,
            x_name=x if self.x_name == "x" else self.x_name,
            y_name=y if self.y_name == "y" else self.y_name,
        )

    def columns(self) -> dict[str, NDArray[np.float64]]:
        return {"x": self.x, "y": self.y}


def read_pairs(
    x: list[float] | None,
    y: list[float] | None,
    file: DataFile | None,
    x_column: str | None,
    y_column: str | None,
    *,
    least: int,
    x_unit: str | None = None,
    y_unit: str | None = None,
) -> Pairs:
    """Return x and y from two lists or from two columns of a file; a unit that is said stands in for the header's.

    Raises InvalidInput: `no_data`, `two_sources`, `length_mismatch`, `not_finite`, `too_few`, `too_large`, `which_column`,
    `unknown_unit`, and what reading the table raises.
    """
    pairs = _of_table(file, x_column, y_column) if file is not None and x is None and y is None else None
    if pairs is None:
        if file is not None:
            raise InvalidInput("two_sources", "there are lists and a file", hint="give one of them")
        if not x or not y:
            raise InvalidInput("no_data", "there are no x and y", hint="give the lists x and y, or a file")
        if len(x) != len(y):
            raise InvalidInput(
                "length_mismatch", f"there are {len(x)} x and {len(y)} y", hint="give one y for each x"
            )
        pairs = Pairs(np.asarray(x, float), np.asarray(y, float))
    for name, values in (("x", pairs.x), ("y", pairs.y)):
        if not np.isfinite(values).all():
            where = int(np.flatnonzero(~np.isfinite(values))[0]) + 1
            raise InvalidInput(
                "not_finite", f"value {where} of {name} is no finite number", hint="leave the pair out"
            )
    if pairs.size < least:
        raise InvalidInput("too_few", f"{pairs.size} pairs are too few", hint=f"this takes at least {least}")
    if pairs.size > MOST_POINTS:
        raise InvalidInput("too_large", f"{pairs.size} pairs are too many", hint=f"at most {MOST_POINTS:,}")
    return replace(
        pairs,
        x_unit=pairs.x_unit if x_unit is None else read_unit(x_unit).unit,
        y_unit=pairs.y_unit if y_unit is None else read_unit(y_unit).unit,
    )


def _of_table(file: DataFile, x_column: str | None, y_column: str | None) -> Pairs:
    table = read_table(file)
    numeric = [c.header for c in table.numeric]
    chosen = [x_column, y_column]
    if None in chosen:
        rest = [h for h in numeric if h not in chosen]
        if len(rest) != chosen.count(None):
            raise InvalidInput(
                "which_column", f"{file.name} has {len(numeric)} columns of numbers",
                hint=f"say x_column and y_column; there are {', '.join(numeric) or 'none'}",
            )  # fmt: skip
        chosen = [c if c is not None else rest.pop(0) for c in chosen]
    names = [table.number_column(str(c)).header for c in chosen]
    (first, second), notes = table.complete(names)
    return Pairs(
        _numbers(first), _numbers(second), first.name, second.name, first.unit, second.unit,
        (*table.warnings, *notes),
    )  # fmt: skip


def _numbers(column: Column) -> NDArray[np.float64]:
    assert column.numbers is not None
    return column.numbers
