"""The script that repeats an analysis with plain SciPy or statsmodels: it carries its data and prints the same numbers."""

from __future__ import annotations

import csv
import importlib.metadata
import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmate.tools.base import Artifact, ToolContext

INLINE = 200  # values; more lie in a CSV beside the script


def save_script(
    context: ToolContext,
    title: str,
    columns: Mapping[str, Sequence[Any] | NDArray[np.float64]],
    body: str,
    needs: Sequence[str] = ("scipy",),
) -> tuple[Artifact, ...]:
    """Save analysis.py, and analysis.csv where the data are many, and return both.

    `body` is Python that finds the columns in `data`, a dict of lists of numbers or words, and leaves its numbers in the
    dict `results` under the keys of the call's quantities, which the script prints.
    """
    plain = {
        name: [v if isinstance(v, str) else float(v) for v in values] for name, values in columns.items()
    }
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in needs)
    body = textwrap.dedent(body).strip()
    artifacts: list[Artifact] = []
    imports = []
    if sum(map(len, plain.values())) <= INLINE:
        held = ",\n".join(f"    {name!r}: {values!r}" for name, values in plain.items())
        data = f"data = {{\n{held},\n}}" if plain else ""
    else:
        artifacts.append(context.save("analysis.csv", "text/csv", _csv(plain)))
        imports = ["import csv", "from pathlib import Path"]
        words = [name for name, values in plain.items() if any(isinstance(v, str) for v in values)]
        data = textwrap.dedent(f"""\
            with open(Path(__file__).with_name("analysis.csv"), encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            words = {words!r}
            data = {{
                name: [row[name] if name in words else float(row[name]) for row in rows if row[name] != ""]
                for name in rows[0]
            }}""")
    doc = f'"""{_plain(title)}\n\nMade with {versions}. `python analysis.py` prints the numbers of the analysis.\n"""'
    lines = body.splitlines()
    own = [line for line in lines if line.startswith(("import ", "from "))]
    rest = "\n".join(line for line in lines if line not in own).strip()
    ending = 'for name, value in results.items():\n    print(f"{name} = {float(value):.10g}")'
    parts = [doc, "\n".join([*imports, *own]), data, rest, ending]
    script = "\n\n".join(part for part in parts if part) + "\n"
    artifacts.append(context.save("analysis.py", "text/x-python", script.encode()))
    return tuple(artifacts)


def _plain(title: str) -> str:
    return " ".join(title.split()).replace("\\", "/").replace('"', "'")


def _csv(columns: Mapping[str, Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    longest = max(map(len, columns.values()))
    for i in range(longest):
        writer.writerow(
            [("" if i >= len(v) else v[i] if isinstance(v[i], str) else repr(v[i])) for v in columns.values()]
        )
    return text.getvalue().encode()
