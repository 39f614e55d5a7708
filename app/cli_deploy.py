"""`benchmate deploy …`: plan, check, write out, start, watch and stop a model server."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmate.app import cli_options as options
from benchmate.app import output
from benchmate.app.cli_options import Json, Quiet

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

    from benchmate.model.serving.check import CheckReport
    from benchmate.model.serving.deployment import Problem
    from benchmate.model.serving.lifecycle import Seen
    from benchmate.model.serving.plan import Plan

Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET", show_default=False,
        help="A preset (`benchmate deploy presets`), a YAML file, a folder with weights, or a Hugging Face id.",
    ),
]  # fmt: skip
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", "-s", metavar="KEY=VALUE", help="Change a field, as in gpus.per_node=4. Repeatable."
    ),
]
Nodes = Annotated[
    list[str] | None,
    typer.Option("--node", metavar="HOST", help="A node; the first one leads. Repeatable."),
]
Rank = Annotated[int, typer.Option("--rank", min=0, help="Which of the nodes this machine is.")]
Python = Annotated[
    str | None,
    typer.Option(
        "--lmdeploy-python",
        metavar="PYTHON",
        help="The Python that has lmdeploy. Default: this one, or the snapshot.",
    ),
]
Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", show_default=False, help="A deployment. Default: every one here."),
]
NONE_HERE = "nothing was started on this machine"


def presets(as_json: Json = False) -> int:
    """List the deployments that ship."""
    from benchmate.model.serving.presets import PRESETS

    rows = [
        (name, d.model, f"{len(d.nodes)} × {d.gpus.per_node} × {d.gpus.kind}", f"{d.tp}/{d.dp}/{d.ep}")
        for name, d in PRESETS.items()
    ]
    document = {name: d.model_dump(mode="json") for name, d in PRESETS.items()}
    return output.emit(as_json, document, output.grid(rows, "preset", "model", "GPUs", "tp/dp/ep"))


def plan(target: Target, changes: Set = None, node: Nodes = None, as_json: Json = False) -> int:
    """Show what would run where, whether it fits, and what speaks against it; 2 if it is refused."""
    made = _plan(target, changes, node)
    code = output.USAGE if made.refused else output.COMPLETE
    return output.emit(as_json, made.model_dump(mode="json"), _plan_view(made), code)


def check(
    target: Target,
    changes: Set = None,
    node: Nodes = None,
    lmdeploy_python: Python = None,
    as_json: Json = False,
) -> int:
    """Ask LMDeploy's own parser and config classes, or a snapshot of its flags, and apply our rules."""
    from benchmate.model.serving.check import check as check_plan

    report = check_plan(_plan(target, changes, node), lmdeploy_python)
    code = output.USAGE if report.refused else output.COMPLETE
    return output.emit(as_json, report.model_dump(mode="json"), _check_view(report), code)


def render(
    target: Target,
    folder: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the files go.")],
    changes: Set = None,
    node: Nodes = None,
    as_json: Json = False,
) -> int:
    """Write shell scripts, systemd units, Docker Compose, Kubernetes and SLURM files. Keys are never in them."""
    from benchmate.model.serving.check import refuse
    from benchmate.model.serving.render import needed_env, write

    made = _plan(target, changes, node)
    refuse(made.refused, "not written")
    files = [str(path) for path in write(made, folder)]
    document = {"files": files, "needs_env": needed_env(made)}
    return output.emit(as_json, document, "".join(f"{file}\n" for file in files))


def up(
    target: Target,
    changes: Set = None,
    node: Nodes = None,
    rank: Rank = 0,
    lmdeploy_python: Python = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, help="Seconds until it must be ready.")
    ] = 3600,
    quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Check, start this node's part, and wait until it serves; on failure or Ctrl-C all is stopped."""
    from benchmate.model.serving import lifecycle
    from benchmate.model.serving.check import check as check_plan
    from benchmate.model.serving.check import refuse

    made = _plan(target, changes, node)
    report = check_plan(made, lmdeploy_python)
    refuse(report.refused, "not started")
    if not quiet:
        output.note(*(f"warning: {problem}" for problem in report.problems))
    folder = lifecycle.folder_of(options.settings_of().data_dir)
    with _signals_as_ctrl_c():
        state = lifecycle.start(made, rank, folder, os.environ)
        seen = _wait(state, folder, timeout, quiet)
    document = {
        "client_url": state.client_url,
        "servers": [server.model_dump(mode="json") for server in seen],
    }
    return output.emit(as_json, document, _seen_view(seen, state.client_url))


def status(name: Name = None, as_json: Json = False) -> int:
    """Say how the servers started here are: 3 if only some are ready, 4 if none is."""
    from benchmate.model.serving import lifecycle

    states = lifecycle.read_states(lifecycle.folder_of(options.settings_of().data_dir), name)
    found = {f"{s.name} node {s.rank}": lifecycle.look(s, os.environ) for s in states}
    ready = [server.state == "ready" for seen in found.values() for server in seen]
    code = output.COMPLETE if all(ready) and ready else output.PARTIAL if any(ready) else output.FAILED
    if not states and not as_json:
        output.note(NONE_HERE)
        return code
    from rich.console import Group

    document = {key: [server.model_dump(mode="json") for server in seen] for key, seen in found.items()}
    return output.emit(
        as_json, document, Group(*(_seen_view(seen, key) for key, seen in found.items())), code
    )


def down(
    name: Name = None,
    grace: Annotated[float, typer.Option("--grace", min=0, help="Seconds before processes are killed.")] = 60,
    as_json: Json = False,
) -> int:
    """Stop what was started here."""
    from benchmate.model.serving import lifecycle

    folder = lifecycle.folder_of(options.settings_of().data_dir)
    states = lifecycle.read_states(folder, name)
    stopped = {f"{s.name} node {s.rank}": lifecycle.stop(s, folder, grace) for s in states}
    rows = [(key, f"{count} processes stopped") for key, count in stopped.items()] or [(NONE_HERE, "")]
    return output.emit(as_json, stopped, output.grid(rows))


def _plan(target: str, changes: list[str] | None, nodes: list[str] | None) -> Plan:
    from benchmate.model.serving.plan import plan_of
    from benchmate.model.serving.presets import deployment_of

    values: dict[str, Any] = {}
    file = Path(target)
    if file.suffix.lower() in (".yaml", ".yml", ".json"):
        values = dict(options.read_mapping(file))
        target = str(values.pop("preset", values.get("model", "")))
    values |= options.read_pairs("--set", changes)
    if nodes:
        values["nodes"] = nodes
    return plan_of(deployment_of(target, values))


@contextlib.contextmanager
def _signals_as_ctrl_c() -> Iterator[None]:
    """Let a request to end, and a terminal that goes away, stop what was started, as Ctrl-C does."""

    def interrupt(number: int, _: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(state: Any, folder: Path, timeout: float, quiet: bool) -> list[Seen]:
    from rich.progress import BarColumn, Progress, TimeElapsedColumn

    from benchmate.model.serving.lifecycle import wait_until_ready

    errors = output.console(stderr=True)
    with Progress(
        "{task.description}", BarColumn(), TimeElapsedColumn(), console=errors, transient=True,
        disable=quiet or not errors.is_terminal,
    ) as bar:  # fmt: skip
        rows: dict[tuple[str, str], Any] = {}
        told: set[str] = set()

        def show(seen: list[Seen]) -> None:
            for server in seen:
                key = (server.name, server.url)
                if key not in rows:
                    rows[key] = bar.add_task("", total=100)
                bar.update(
                    rows[key], completed=server.loaded or 0,
                    description=str(output.paragraph(f"{server.name} {server.url} {server.state}: {server.said[:60]}")),
                )  # fmt: skip
                if not quiet and not errors.is_terminal and f"{key}{server.state}" not in told:
                    told.add(f"{key}{server.state}")
                    output.note(f"{server.name} {server.url}: {server.state}")

        return wait_until_ready(state, folder, os.environ, seconds=timeout, on_progress=show)


# --- what a person sees -------------------------------------------------------------------------------------


def _plan_view(made: Plan) -> Group:
    import shlex

    from rich.console import Group

    parts: list[RenderableType] = []
    for node in made.nodes:
        parts.append(output.paragraph(f"node {node.rank} ({node.host})", "bold"))
        for process in node.processes:
            keys = [f'"${name}"' for name in process.key_env]
            words = [*map(shlex.quote, process.argv), *(["--api-keys", *keys] if keys else [])]
            ports = (
                f"{process.ports[0]}-{process.ports[-1]}"
                if len(process.ports) > 1
                else "".join(map(str, process.ports))
            )
            rows = [("  " + process.name, f"port {ports}" if ports else "")]
            rows += [("  environment", f"{key}={shlex.quote(value)}") for key, value in process.env.items()]
            parts.append(output.grid([*rows, ("  command", " ".join(words))]))
    parts += [output.paragraph("memory of the fullest GPU", "bold"), output.grid(_memory_rows(made))]
    parts.append(output.grid([("clients connect to", made.client_url)]))
    return Group(*parts, *_problem_lines(made.problems))


def _memory_rows(made: Plan) -> list[tuple[str, str]]:
    memory = made.memory
    if memory is None:
        return [("  not known", "give a local folder with config.json, or `shape`")]
    d = made.deployment

    def gb(size: int) -> str:
        return f"{size / 1e9:.1f} GB"

    whole = f"of {gb(memory.weights_total)}; experts {gb(memory.experts)}"
    return [
        ("  weights", f"{gb(memory.weights)} ({whole})"),
        ("  buffers and reserve", f"{gb(memory.runtime)} + {gb(memory.reserve)}"),
        ("  free", f"{gb(memory.free)} of {gb(memory.gpu)}"),
        ("  cache", f"{gb(memory.kv_cache)} ({d.kv.cache_max_entry_count:g} of what is free)"),
        ("  cache of a token", f"{memory.kv_per_token / 1024:.1f} KiB here, {memory.kv_per_token_model / 1024:.1f} KiB in the model"),
        ("  tokens", f"{memory.tokens_per_copy} in each of {d.dp} copies"),
        ("  contexts at once", f"{memory.contexts} of {d.context_tokens} tokens"),
        ("  sizes from", memory.source or "the deployment"),
    ]  # fmt: skip


def _problem_lines(problems: tuple[Problem, ...]) -> list[RenderableType]:
    styles = {"refused": "bold red", "warning": "yellow"}
    ordered = sorted(problems, key=lambda problem: problem.severity)
    return [
        output.paragraph(f"{p.severity}: {p.message}\n  {p.fix} [{p.code}]", styles[p.severity])
        for p in ordered
    ]


def _check_view(report: CheckReport) -> Group:
    from rich.console import Group

    verdict = "refused" if report.refused else "accepted"
    head = output.grid(
        [("checked with", report.checked_with), ("commands", str(report.commands)), ("verdict", verdict)]
    )
    return Group(head, *_problem_lines(report.problems))


def _seen_view(seen: list[Seen], title: str) -> Group:
    from rich.console import Group

    rows = [
        (s.name, s.url, s.state, ", ".join(s.models) or (s.said if s.state != "ready" else ""),
         " ".join(f"{key}={value:g}" for key, value in s.metrics.items()))
        for s in seen
    ]  # fmt: skip
    return Group(output.paragraph(title, "bold"), output.grid(rows or [("no servers", "", "", "", "")]))
