"""`benchmate runs`: list what is kept, remove runs, clear away what nothing needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from benchmate.app import output
from benchmate.app.cli_options import Json, Out

if TYPE_CHECKING:
    from pathlib import Path

    from benchmate.app.upkeep import KeptRun

Force = Annotated[bool, typer.Option("--force", help="Also where a session or a mark needs it.")]


@contextmanager
def _kept(out: Path | None) -> Iterator[list[KeptRun]]:
    from benchmate.app import cli_options as options
    from benchmate.app.upkeep import kept_runs
    from benchmate.runtime.database import Database

    settings = options.settings_of(out)
    database = Database(settings.database_place)
    try:
        yield kept_runs(settings.runs_dir, database)
    finally:
        database.close()


def list_runs(out: Out = None, as_json: Json = False) -> int:
    """List the runs that are kept, oldest first: when, how they stand, their size, and what needs them."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from benchmate.app.report.text import one_line, shortened

    with _kept(out) as kept:
        rows = [
            (r.run, f"{datetime.fromtimestamp(r.at, UTC):%Y-%m-%d %H:%M}", r.status, f"{r.size / 1e6:.1f} MB",
             shortened(one_line(r.title), 50), ", ".join(r.needed_by))
            for r in kept
        ]  # fmt: skip
        document = [{**asdict(r), "folder": str(r.folder)} for r in kept]
    return output.emit(as_json, document, output.grid(rows) if rows else "no runs are kept")


def remove_runs(
    names: Annotated[
        list[str], typer.Argument(metavar="RUN…", show_default=False, help="Runs, as for `benchmate show`.")
    ],
    force: Force = False,
    out: Out = None,
) -> int:
    """Remove runs."""
    from benchmate.app import cli_options as options
    from benchmate.app.runs import find_run
    from benchmate.app.upkeep import remove

    runs = options.settings_of(out).runs_dir
    folders = [find_run(name, runs).absolute() for name in names]
    with _kept(out) as kept:
        chosen = [run for run in kept if run.folder.absolute() in folders]
    for run in chosen:
        remove(run, force=force)
        output.note(f"removed {run.run}")
    return output.COMPLETE


def clear_runs(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="AGE", help="Only runs older than this: 90d, 12w.")
    ] = "30d",
    keep_last: Annotated[
        int, typer.Option("--keep-last", metavar="N", min=0, help="The last so many stay.")
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")
    ] = False,
    out: Out = None,
) -> int:
    """Remove the runs that nothing needs: those of no session, without a mark, ended, and old enough."""
    from benchmate.app.upkeep import read_age, remove, unneeded

    age = read_age(older_than)
    with _kept(out) as kept:
        chosen = list(unneeded(kept, older_than=age, keep_last=keep_last))
        needed = sum(bool(run.needed_by) for run in kept)
    for run in chosen:
        if not dry_run:
            remove(run)
        output.note(f"{'would remove' if dry_run else 'removed'} {run.run}")
    freed = sum(run.size for run in chosen) / 1e6
    output.note(
        f"{len(chosen)} of {len(kept)} runs, {freed:.1f} MB; {needed} are needed by sessions or marks"
    )
    return output.COMPLETE
