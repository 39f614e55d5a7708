"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from benchmate.runtime.budget import BudgetLimits
    from benchmate.runtime.settings import Settings
    from benchmate.workflows.schema import Workflow

VALUES = "A value that reads as JSON is that value; anything else is text. Quotes force text: KEY='\"42\"'."

ModeName = Literal["live", "recorded", "offline"]

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Where runs go and are looked for. Default: runs/."),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile", metavar="NAME", help="Which model answers: embedded, lmdeploy, openai-compatible."
    ),
]
ModeOption = Annotated[
    ModeName | None,
    typer.Option(
        "--mode",
        help="live asks the network and records; recorded asks only for what the record lacks; "
        "offline never asks. Default: offline.",
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="The machine's policy: what may be called. Default: the setting `policy`, else the defaults.",
    ),
]
Private = Annotated[
    bool, typer.Option("--private", help="What you give is private: no outside service gets to see it.")
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Approve whatever is asked, and say what was approved.")
]
Budget = Annotated[
    list[str] | None,
    typer.Option("--budget", metavar="KEY=VALUE", help="A limit: calls, tokens, usd or seconds. Repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no notes.")]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        "-i",
        metavar="KEY=JSON",
        help="One input of the workflow. Repeatable. JSON lists, objects and quoted texts are taken as such; "
        "other values are read by the input's type: a number where one is declared, else text as it stands.",
    ),
]
Inputs = Annotated[
    Path | None,
    typer.Option("--inputs", metavar="FILE", help="Inputs in a JSON or YAML file; --input wins over it."),
]

WorkflowName = Annotated[
    str,
    typer.Argument(
        metavar="WORKFLOW", show_default=False, help="A YAML file, or the name of a shipped workflow."
    ),
]


def settings_of(
    out: Path | None = None,
    profile: str | None = None,
    mode: ModeName | None = None,
    policy: Path | None = None,
) -> Settings:
    """Return the settings in force under these options.

    Raises InvalidInput (`bad_settings`, `unknown_profile`), and what `start_log` and, for a policy file, `read_policy` raise.
    """
    from benchmate.runtime.logs import start_log
    from benchmate.runtime.settings import load_settings

    settings = load_settings(runs_dir=out, profile=profile, mode=mode, policy=policy)
    start_log(settings)
    if settings.policy is not None:  # what is wrong with it is said before anything begins
        from benchmate.app.machine_policy import machine_policy

        machine_policy(settings)
    settings.model  # noqa: B018  names the profile that does not exist before anything begins
    return settings


def read_value(text: str) -> Any:
    """Return the JSON value that `text` is, or the text itself if it is none (NaN and Infinity are not)."""

    def no_number(name: str) -> Any:
        raise ValueError(name)

    try:
        return json.loads(text, parse_constant=no_number)
    except (ValueError, RecursionError):
        return text


def read_pairs(option: str, pairs: list[str] | None) -> dict[str, Any]:
    """Return the values of KEY=VALUE options. Raises what `split_pairs` raises."""
    return {key: read_value(text) for key, text in split_pairs(option, pairs).items()}


def split_pairs(option: str, pairs: list[str] | None) -> dict[str, str]:
    """Return KEY=VALUE options as they were typed.

    Raises InvalidInput: `not_a_pair` without a `=` or a key, `given_twice`.
    """
    from benchmate.runtime.errors import InvalidInput

    values: dict[str, str] = {}
    for pair in pairs or []:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise InvalidInput("not_a_pair", f"{option} takes KEY=VALUE, not {pair!r}")
        if key in values:
            raise InvalidInput("given_twice", f"{option} {key} is given twice")
        values[key] = text
    return values


def workflow_inputs(workflow: Workflow, file: Path | None, pairs: list[str] | None) -> dict[str, Any]:
    """Return a workflow's inputs from a file and from options, which win.

    A JSON list, object or quoted text is that; other text is read by the input's declared type.
    Raises what `read_mapping` and `split_pairs` raise, and InvalidInput (`bad_input`).
    """
    from benchmate.workflows.inputs import inputs_from_text

    typed = split_pairs("--input", pairs)
    written_out = {
        name: value
        for name, value in ((name, read_value(text)) for name, text in typed.items())
        if isinstance(value, (list, dict)) or (isinstance(value, str) and value != typed[name])
    }
    rest = {name: text for name, text in typed.items() if name not in written_out}
    return {**(read_mapping(file) if file else {}), **written_out, **inputs_from_text(workflow, rest)}


def read_mapping(file: Path) -> dict[str, Any]:
    """Return the mapping that a JSON or YAML file holds.

    Raises NotFound (`no_such_file`), InvalidInput (`bad_inputs`, `bad_workflow`) with the line that is wrong.
    """
    from benchmate.runtime.errors import InvalidInput, NotFound
    from benchmate.workflows.document import read_document

    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound("no_such_file", f"there is no file {file}") from None
    except UnicodeDecodeError:
        raise InvalidInput("bad_inputs", f"{file} is not a text file in UTF-8") from None
    if file.suffix.lower() == ".json":
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInput("bad_inputs", f"{file} is not JSON: {error}") from None
    else:
        content = read_document(text, str(file)).data
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise InvalidInput(
            "bad_inputs", f"{file} does not map names to values", hint="write one `name: value` a line"
        )
    return content


def read_budget(pairs: list[str] | None, limits: BudgetLimits | None = None) -> BudgetLimits | None:
    """Return `limits` with what --budget options set. Raises InvalidInput (`bad_budget`)."""
    if not pairs:
        return limits
    from pydantic import ValidationError

    from benchmate.runtime.budget import BudgetLimits
    from benchmate.runtime.errors import InvalidInput, did_you_mean

    values = read_pairs("--budget", pairs)
    known = BudgetLimits.model_fields
    for key in values:
        if key not in known:
            raise InvalidInput("bad_budget", f"there is no limit of {key!r}", hint=did_you_mean(key, known))
    try:
        return BudgetLimits.model_validate({**(limits.model_dump() if limits else {}), **values})
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput("bad_budget", f"--budget {first['loc'][0]}: {first['msg']}") from None
