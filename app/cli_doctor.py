"""`benchmate doctor`: whether this machine has what benchmate needs."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from benchmate.app import cli_options as options
from benchmate.app import output
from benchmate.app.cli_options import Json, ModeOption, Out, Profile


def doctor(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            show_default=False,
            help="The run whose journal is verified. Default: the last one.",
        ),
    ] = None,
    out: Out = None,
    profile: Profile = None,
    mode: ModeOption = None,
    as_json: Json = False,
) -> int:
    """Check Python, packages, settings, model, library, workers and a run's journal."""
    from rich.console import Group
    from rich.text import Text

    from benchmate.app.doctor import checks

    done = []
    for check in checks(options.settings_of(out, profile, mode), run):
        done.append(check)
        if not as_json:
            mark = Text("ok       ", style="green") if check.ok else Text("problem  ", style="bold red")
            line = Text.assemble(mark, (check.name, "bold"), f": {check.detail}")
            hint = [Text(f"         hint: {check.hint}", style="yellow")] if check.hint else []
            output.show(Group(line, *hint))
    wrong = [check for check in done if not check.ok]
    code = output.FAILED if wrong else output.COMPLETE
    if as_json:
        document = {"ok": not wrong, "checks": [dataclasses.asdict(check) for check in done]}
        return output.emit_document(document, code)
    return code
