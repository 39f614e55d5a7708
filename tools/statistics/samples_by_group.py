"""Samples by group, as the tests take them: lists by name, a column split by another, or columns side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.files import DataFile
from benchmate.tools.statistics.tables import Table, read_table

MOST_GROUPS = 20
MOST_VALUES = 200_000


@dataclass(frozen=True)
class Samples:
    """The values of each group in order; `unit` as pint writes it; `in_pairs` where place i of each group is one subject."""

    values: dict[str, NDArray[np.float64]]
    unit: str = ""
    name: str = "value"
    in_pairs: bool = False
    warnings: tuple[str, ...] = ()


def read_samples(
    groups: dict[str, list[float]] | None,
    file: DataFile | None,
    value: str | None,
    group: str | None,
    columns: list[str] | None,
    subject: str | None,
    sheet: str | None = None,
) -> Samples:
    """Return the samples of a test.

    Raises InvalidInput: `no_data`, `two_sources`, `which_column`, `not_finite`, `too_few`, `too_few_groups`,
    `too_many_groups`, `too_large`, `unit_mismatch`, `pairing_unknown`, and what reading the table raises.
    """
    if (groups is None) == (file is None):
        code = "no_data" if file is None else "two_sources"
        raise InvalidInput(
            code, "give the groups as lists, or a file with columns", hint="one of groups and file"
        )
    if groups is not None:
        found = Samples({name: np.asarray(values, float) for name, values in groups.items()}, in_pairs=True)
    else:
        assert file is not None
        table = read_table(file, sheet)
        found = _side_by_side(table, columns) if columns else _split(table, value, group, subject)
    if len(found.values) < 2:
        raise InvalidInput(
            "too_few_groups", f"there is {len(found.values)} group", hint="a comparison takes two or more"
        )
    if len(found.values) > MOST_GROUPS:
        raise InvalidInput(
            "too_many_groups", f"there are {len(found.values)} groups", hint=f"at most {MOST_GROUPS}"
        )
    if sum(map(len, found.values.values())) > MOST_VALUES:
        raise InvalidInput(
            "too_large", f"there are more than {MOST_VALUES:,} values", hint="describe the groups instead"
        )
    for name, values in found.values.items():
        if not np.isfinite(values).all():
            raise InvalidInput("not_finite", f"a value of {name!r} is no finite number", hint="leave it out")
        if len(values) < 2:
            raise InvalidInput("too_few", f"the group {name!r} has {len(values)} values", hint="at least 2")
    return found


def _side_by_side(table: Table, columns: list[str]) -> Samples:
    chosen = [table.number_column(name) for name in columns]
    units = {c.unit for c in chosen}
    if len(units) > 1:
        raise InvalidInput("unit_mismatch", f"the columns are in different units: {', '.join(sorted(units))}")
    numbers = [c.numbers for c in chosen if c.numbers is not None]
    complete = ~np.isnan(numbers).any(axis=0)
    in_pairs = bool(complete.all())
    return Samples(
        {c.name: v[~np.isnan(v)] for c, v in zip(chosen, numbers, strict=True)}, units.pop(), "value", in_pairs,
        table.warnings if in_pairs else (*table.warnings, "missing values were left out"),
    )  # fmt: skip


def _split(table: Table, value: str | None, group: str | None, subject: str | None) -> Samples:
    words = [c for c in table.columns if c.numbers is None]
    if group is None and len(words) == 1:
        group = words[0].header
    rest = [c.header for c in table.numeric if c.header not in (group, subject)]
    if value is None and len(rest) == 1:
        value = rest[0]
    if value is None or group is None:
        raise InvalidInput(
            "which_column", f"{table.name} leaves open which column holds the {'values' if value is None else 'groups'}",
            hint=f"say value and group, or columns side by side; there are {', '.join(c.header for c in table.columns)}",
        )  # fmt: skip
    measured = table.number_column(value).header
    (numbers, labels, *by), notes = table.complete([measured, group, *([subject] if subject else [])])
    assert numbers.numbers is not None
    split: dict[str, list[tuple[str, float]]] = {}
    subjects = by[0].labels() if by else [""] * numbers.size
    for label, who, number in zip(labels.labels(), subjects, numbers.numbers, strict=True):
        split.setdefault(str(label), []).append((str(who), float(number)))
    if subject:
        people = {name: [who for who, _ in rows] for name, rows in split.items()}
        first = sorted(next(iter(people.values())))
        if any(sorted(who) != first or len(set(who)) < len(who) for who in people.values()):
            raise InvalidInput(
                "pairing_unknown", f"not every {subject!r} has one value in each group",
                hint="a paired test takes one value of each subject in each group",
            )  # fmt: skip
        split = {name: sorted(rows) for name, rows in split.items()}
    return Samples(
        {name: np.array([v for _, v in rows]) for name, rows in split.items()}, numbers.unit, numbers.name,
        subject is not None, (*table.warnings, *notes),
    )  # fmt: skip
