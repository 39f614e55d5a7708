"""A file of compounds as a table: what each row holds, what cannot be read, and which rows are the same compound."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, Any

from benchmate.runtime.errors import BenchmateError, InvalidInput, without_hints
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ColumnName
from benchmate.tools.base import ToolContext, ToolResult, tool
from benchmate.tools.chemistry.compound_files import read_compound_rows
from benchmate.tools.chemistry.compounds import resolve_compound
from benchmate.tools.chemistry.molecules import rdkit_source
from benchmate.tools.file_kinds import COMPOUNDS
from benchmate.tools.files import DataFile

_MOST_ROWS = 20_000
_SHOWN = 500
_COLUMNS = (
    "row",
    "registry_id",
    "name",
    "smiles",
    "inchikey",
    "parent_inchikey",
    "formula",
    "is_salt",
    "problem",
)


@tool(
    domain="chemistry",
    files=COMPOUNDS,
    cost="slow",
    timeout=600,
    properties={
        "row_count": "number of rows, rows, entries, records",
        "compound_count": "number of readable compounds, compounds, readable rows, valid structures",
        "problem_count": "number of unreadable rows, unreadable, problems, errors, invalid structures, failed rows",
        "distinct_count": "number of distinct compounds, distinct structures, unique compounds, unique InChIKeys",
        "duplicate_count": "number of rows that repeat a compound, duplicates, duplicate rows",
        "distinct_parent_count": "number of distinct parents, unique parents, distinct compounds without salts",
    },
    examples=(
        "Read the compounds in library.sdf",
        "How many valid structures are in screening_hits.csv?",
        "Find duplicates by InChIKey in compounds.xlsx",
        "Which rows of vendor.smi cannot be read?",
        "List registry ids, SMILES and formulas of plate7.csv",
        "How many distinct compounds does batch.tsv hold?",
    ),
    example={"file": "sample:cdk2"},
)
def read_compounds(
    file: DataFile,
    context: ToolContext,
    smiles_column: Annotated[str | None, ColumnName("SMILES, structures, structure")] = None,
    name_column: Annotated[str | None, ColumnName("name, names", named_only=True)] = None,
    id_column: Annotated[str | None, ColumnName("id, ids, registry, identifier", named_only=True)] = None,
) -> ToolResult:
    """Read a file of compounds into a table with registry id, SMILES, InChIKey and formula, and find duplicates.

    Reads SDF, MOL (V2000 and V3000), SMILES, CSV, TSV and Excel (.xlsx) files. Every row is in the table; one that cannot be
    read has its problem there. Rows are duplicates when their InChIKeys are equal, so a salt, its parent and stereoisomers
    stay apart; rows of one parent are listed besides.

    Args:
        file: The file of compounds.
        smiles_column: The column, or SDF field, with SMILES; by default found by its name.
        name_column: The column with names.
        id_column: The column with registry ids.
    """
    told = {"smiles": smiles_column, "name": name_column, "id": id_column}
    records = read_compound_rows(file.name, file.content(), told)
    if len(records) > _MOST_ROWS:
        raise InvalidInput(
            "too_large", f"{file.name} holds {len(records)} rows; the limit of this table is {_MOST_ROWS}",
            hint="split the file, or use `benchmate tool table`",
        )  # fmt: skip
    rows = [_row(number, record) for number, record in enumerate(records, start=1)]
    readable = [row for row in rows if not row["problem"]]
    duplicates = _groups(readable, "inchikey")
    forms = [
        group for group in _groups(readable, "parent_inchikey") if len({rows[n - 1]["inchikey"] for n in group["rows"]}) > 1
    ]  # fmt: skip
    keys = {row["inchikey"] or row["smiles"] for row in readable}
    counts = {
        "row_count": (len(rows), "all rows"),
        "compound_count": (len(readable), "rows with a structure or a known name"),
        "problem_count": (len(rows) - len(readable), "rows without"),
        "distinct_count": (len(keys), "distinct InChIKeys of the forms as given"),
        "duplicate_count": (len(readable) - len(keys), "rows after the first with an InChIKey"),
        "distinct_parent_count": (
            len({row["parent_inchikey"] or row["smiles"] for row in readable}), "distinct InChIKeys of neutral parents",
        ),
    }  # fmt: skip
    warnings = []
    problems = [row for row in rows if row["problem"]]
    if problems:
        warnings.append(
            f"{len(problems)} of {len(rows)} rows cannot be read; the first: {problems[0]['problem']}"
        )
    if duplicates:
        warnings.append(f"{len(duplicates)} compounds stand in several rows")
    if forms:
        warnings.append(f"{len(forms)} parents stand in several forms (salt, charge), which were kept apart")
    if len(rows) > _SHOWN:
        warnings.append(f"the first {_SHOWN} of {len(rows)} rows are listed; the table has all")
    return ToolResult(
        quantities={
            name: Quantity(value=value, property=name, method=how) for name, (value, how) in counts.items()
        },
        data={
            "rows": rows[:_SHOWN],
            "problems": [{"row": r["row"], "registry_id": r["registry_id"], "problem": r["problem"]} for r in problems][:_SHOWN],
            "duplicates": duplicates[:_SHOWN],
            "forms_of_one_parent": forms[:_SHOWN],
        },
        artifacts=(context.save("compounds.csv", "text/csv", _csv(rows).encode()),),
        source=rdkit_source("standard InChI"),
        warnings=tuple(warnings),
    )  # fmt: skip


def _row(number: int, record: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(_COLUMNS)
    row |= {"row": number, "registry_id": record.get("registry_id"), "name": record.get("name")}
    try:
        with without_hints():  # the search for near names takes longer than reading the row
            compound = resolve_compound(record)
    except BenchmateError as error:
        return row | {"problem": error.info.message}
    return row | {
        "smiles": compound.smiles,
        "inchikey": compound.inchikey or None,
        "parent_inchikey": compound.parent_inchikey or None,
        "formula": compound.formula,
        "is_salt": compound.is_salt,
    }


def _groups(rows: Iterable[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Return the keys that several rows have, with the numbers and ids of the rows."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row[key]:
            found[row[key]].append(row)
    return [
        {key: value, "rows": [r["row"] for r in same], "registry_ids": [r["registry_id"] for r in same]}
        for value, same in found.items()
        if len(same) > 1
    ]


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
