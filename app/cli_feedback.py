"""`benchmate feedback`: mark runs as good or bad, list the marks, and export the marked runs for training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from benchmate.app import output
from benchmate.app.cli_options import Json, Out
from benchmate.app.cli_runs import RunName


def add_feedback(
    name: RunName,
    verdict: Annotated[
        Literal["good", "bad"], typer.Argument(show_default=False, help="What you say of it.")
    ],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why.")] = "",
    out: Out = None,
) -> int:
    """Mark a run as good or bad."""
    from benchmate.app import cli_options as options
    from benchmate.app.feedback import Feedback
    from benchmate.app.runs import find_run
    from benchmate.runtime.database import Database

    settings = options.settings_of(out)
    folder = find_run(name, settings.runs_dir)
    database = Database(settings.database_place)
    try:
        mark = Feedback(database, settings.person).add(folder, verdict, because)
    finally:
        database.close()
    output.note(f"marked {mark.run} as {mark.verdict}")
    return output.COMPLETE


def list_feedback(as_json: Json = False) -> int:
    """List the runs you marked."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from benchmate.app import cli_options as options
    from benchmate.app.feedback import Feedback
    from benchmate.app.report.text import one_line
    from benchmate.runtime.database import Database

    settings = options.settings_of()
    database = Database(settings.database_place)
    try:
        marks = Feedback(database, settings.person).all()
    finally:
        database.close()
    rows = [
        (m.run, m.verdict, f"{datetime.fromtimestamp(m.at, UTC):%Y-%m-%d %H:%M}", one_line(m.reason))
        for m in marks
    ]
    document = [{**asdict(m), "folder": str(m.folder)} for m in marks]
    return output.emit(as_json, document, output.grid(rows) if rows else "no run is marked")


def export_feedback(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", show_default=False, help="Where to write.")],
    private: Annotated[bool, typer.Option("--private", help="Private runs too.")] = False,
) -> int:
    """Write the marked runs as trajectories, one JSON document a line."""
    from benchmate.app import cli_options as options
    from benchmate.app.feedback import Feedback, export
    from benchmate.runtime.database import Database

    settings = options.settings_of()
    database = Database(settings.database_place)
    try:
        count = export(Feedback(database, settings.person), file, private=private)
    finally:
        database.close()
    output.note(f"{count} runs written to {file}")
    return output.COMPLETE
