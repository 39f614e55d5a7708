"""`benchmate memory`: names of one's own that questions may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from benchmate.app import output
from benchmate.app.cli_options import Json

if TYPE_CHECKING:
    from benchmate.app.memory import Memory


@contextmanager
def opened() -> Iterator[Memory]:
    """Open the person's memory."""
    from benchmate.app import cli_options as options
    from benchmate.app.memory import Memory
    from benchmate.runtime.database import Database

    settings = options.settings_of()
    database = Database(settings.database_place)
    try:
        yield Memory(database, settings.person)
    finally:
        database.close()


def list_memory(as_json: Json = False) -> int:
    """List what is remembered."""
    from dataclasses import asdict

    with opened() as memory:
        known = memory.all()
    rows = [(r.name, r.value) for r in known]
    return output.emit(
        as_json, [asdict(r) for r in known], output.grid(rows) if rows else "nothing is remembered"
    )


def set_memory(
    name: Annotated[str, typer.Argument(show_default=False, help="The name, as in BM-12.")],
    value: Annotated[
        str, typer.Argument(show_default=False, help="What it means: a SMILES, a known name, or a sequence.")
    ],
) -> int:
    """Remember what a name of yours means."""
    with opened() as memory:
        made = memory.set(name, value)
    output.note(made.told)
    return output.COMPLETE


def forget_memory(name: Annotated[str, typer.Argument(show_default=False, help="The name.")]) -> int:
    """Forget a name."""
    with opened() as memory:
        memory.forget(name)
    output.note(f"{name} is forgotten")
    return output.COMPLETE
