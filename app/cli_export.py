"""`benchmate export`: a run as one file that travels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmate.app import output
from benchmate.app.cli_options import Json, Out
from benchmate.app.cli_runs import RunName


def export(
    name: RunName,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FILE",
            help="Where to: a .zip, or a .eln for electronic lab notebooks. Default: the run's id, here.",
        ),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Export private data too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    out: Out = None,
    as_json: Json = False,
) -> int:
    """Export a run as one file: an RO-Crate with the report, figures, evidence as tables, compounds and references."""
    from benchmate.app import cli_options as options
    from benchmate.app.export import export_run
    from benchmate.app.runs import find_run

    settings = options.settings_of(out)
    folder = find_run(name, settings.runs_dir)
    file = to or Path(f"{folder.name}.zip")
    names = export_run(folder, file, private=private, replace=force, person=settings.person)
    return output.emit(
        as_json, {"file": str(file), "contents": names}, output.paragraph(f"{len(names)} files in {file}")
    )
