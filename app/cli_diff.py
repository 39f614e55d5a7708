"""`benchmate diff`: what differs between two runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from benchmate.app import output
from benchmate.app.cli_options import Json, Out

if TYPE_CHECKING:
    from rich.console import RenderableType

    from benchmate.app.diff import Change, Difference

LONGEST = 160  # characters of one side
MOST = 60  # lines of one kind; --json has all

First = Annotated[
    str, typer.Argument(metavar="A", show_default=False, help="A run, as for `benchmate show`.")
]
Second = Annotated[str, typer.Argument(metavar="B", show_default=False, help="The run to compare it with.")]


def diff(a: First, b: Second, out: Out = None, as_json: Json = False) -> int:
    """Show what differs between two runs. Exit code 0: they found and stated the same; 3: they did not."""
    from rich.console import Group

    from benchmate.app import cli_options as options
    from benchmate.app.diff import compare_runs
    from benchmate.app.runs import find_run

    runs = options.settings_of(out).runs_dir
    found = compare_runs(find_run(a, runs), find_run(b, runs))
    code = output.COMPLETE if found.same else output.PARTIAL
    return output.emit(as_json, found.as_json(), Group(*_view(found)), code)


def _view(found: Difference) -> Iterator[RenderableType]:
    for title, changes in (
        ("settings", found.settings), ("steps", found.steps), ("evidence", found.evidence), ("claims", found.claims),
    ):  # fmt: skip
        if not changes:
            continue
        yield output.paragraph(title, "bold")
        for change in changes[:MOST]:
            yield output.paragraph(f"  {change_line(change)}")
        if len(changes) > MOST:
            yield output.paragraph(f"  … and {len(changes) - MOST} more; --json has all", "dim")
    yield output.paragraph(
        "the same evidence and the same claims" if found.same else "the runs differ",
        "green" if found.same else "yellow",
    )


def change_line(change: Change) -> str:
    """Return one change as a line of text."""
    from benchmate.app.report.text import one_line, shortened

    a, b = (shortened(one_line(side), LONGEST) for side in (change.a, change.b))
    if change.kind != "changed":
        return f"{change.what}: {change.kind}: {a or b}"
    relative = f" ({change.relative:+.3g} relative)" if change.relative is not None else ""
    return f"{change.what}: {a} → {b}{relative}"
