"""The terms of a regression: columns of a table, their powers and products, and categories against a reference."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.statistics.estimates import ratio_unit
from benchmate.tools.statistics.tables import Column, Table

MOST_TERMS = 100
_POWER = re.compile(r"(?P<name>.+?)\s*(?:\^|\*\*)\s*(?P<power>[2-5])")


@dataclass(frozen=True)
class Term:
    """One column of the design matrix; `unit` is that of the term itself, as pint writes it."""

    name: str
    values: NDArray[np.float64]
    unit: str = ""

    def coefficient_unit(self, response_unit: str) -> str:
        return ratio_unit(response_unit, self.unit)


def used_columns(table: Table, predictors: list[str]) -> list[str]:
    """Return the headers of the columns that predictors such as 'a', 'a^2' and 'a:b' name, each once.

    Raises NotFound (`unknown_column`).
    """
    return list(
        dict.fromkeys(table.column(name).header for term in predictors for name, _ in _factors(table, term))
    )


def make_terms(table: Table, predictors: list[str], columns: dict[str, Column]) -> list[Term]:
    """Return the terms of the predictors from complete columns by header; words become 0/1 against the first category.

    Raises InvalidInput: `bad_term`, `constant_column`, `too_many_terms`.
    """
    terms: list[Term] = []
    for written in predictors:
        made = [Term("", np.array(1.0))]
        for name, power in _factors(table, written):
            parts = _of_column(columns[table.column(name).header], power)
            made = [
                Term(
                    f"{a.name}:{b.name}" if a.name else b.name, a.values * b.values, _product(a.unit, b.unit)
                )
                for a in made
                for b in parts
            ]
        terms += made
    if len(terms) > MOST_TERMS:
        raise InvalidInput(
            "too_many_terms", f"the predictors make {len(terms)} terms", hint=f"at most {MOST_TERMS}"
        )
    for term in terms:
        if not np.ptp(term.values) > 0:
            raise InvalidInput("constant_column", f"{term.name!r} has the same value in every row")
    return terms


def _product(a: str, b: str) -> str:
    if not (a and b):
        return a or b
    return f"({a})*({b})"


def _factors(table: Table, term: str) -> list[tuple[str, int]]:
    """Return (column, power) of each factor of a term; a column whose own name holds ':' or '^' goes first."""
    headers = {key.casefold() for c in table.columns for key in (c.header, c.name)}
    if term.strip().casefold() in headers:
        return [(term.strip(), 1)]
    factors = []
    for part in term.split(":"):
        found = _POWER.fullmatch(part.strip())
        factors.append((found["name"], int(found["power"])) if found else (part.strip(), 1))
    return factors


def _of_column(column: Column, power: int) -> list[Term]:
    if column.numbers is not None:
        name = column.name if power == 1 else f"{column.name}^{power}"
        unit = column.unit if power == 1 or not column.unit else f"({column.unit})**{power}"
        return [Term(name, column.numbers**power, unit)]
    if power > 1:
        raise InvalidInput("bad_term", f"{column.header!r} holds words, which have no powers")
    labels = np.array(column.labels())
    levels = sorted(set(labels.tolist()))
    if len(levels) < 2:
        raise InvalidInput("constant_column", f"{column.header!r} has the same value in every row")
    return [Term(f"{column.name}[{level}]", (labels == level).astype(float)) for level in levels[1:]]
