"""Answering a run's questions at a terminal."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmate.app import output

if TYPE_CHECKING:
    from benchmate.agents.approval import ApprovalAnswer, ApprovalRequest
    from benchmate.agents.contracts import Plan

LONGEST = 110  # characters of one detail


def approver(
    yes: bool, pause: Callable[[], AbstractContextManager[Any]] = nullcontext
) -> Callable[[ApprovalRequest], ApprovalAnswer | None] | None:
    """Return who answers: nobody refuses with --yes, a person at a terminal, or None, and the run waits.

    `pause` stops what else draws on the terminal while a person is asked.
    """
    if yes:
        return approve
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(request: ApprovalRequest) -> ApprovalAnswer | None:
        with pause():
            return ask_person(request)

    return ask


def approve(request: ApprovalRequest) -> ApprovalAnswer | None:
    """Say yes, and what to."""
    from benchmate.agents.approval import ApprovalAnswer

    output.note(f"approved by --yes: {request.message}", *details(request))
    return ApprovalAnswer(approved=True, note="--yes")


def ask_person(request: ApprovalRequest) -> ApprovalAnswer | None:
    """Ask at the terminal until there is an answer; what follows a `n` is the reason. A plan may be edited.

    None when the person leaves it open: the run then waits.
    """
    from benchmate.agents.approval import ApprovalAnswer

    output.note("", request.message, *details(request))
    editable = request.subject == "plan" and "plan" in request.details
    choices = f"[y]es, [n]o and why, {'[e]dit, ' if editable else ''}[q]uit and decide later"
    while True:
        print(f"Approve? {choices}: ", end="", file=sys.stderr, flush=True)
        with interruptible():
            line = sys.stdin.readline()
        word, _, reason = line.strip().partition(" ")
        match word.lower():
            case "y" | "yes":
                return ApprovalAnswer(approved=True, note=reason)
            case "n" | "no":
                return ApprovalAnswer(approved=False, note=reason)
            case "e" | "edit" if editable:
                plan = edit_plan(request.details["plan"])
                if plan is not None:
                    return ApprovalAnswer(approved=True, note="edited", plan=plan)
            case "q" | "quit":
                return None
            case "" if not line:
                return None


def edit_plan(plan: dict[str, Any]) -> Plan | None:
    """Return the plan as the person edits it in $VISUAL or $EDITOR, or None, having said why it is no plan."""
    from pydantic import ValidationError
    from ruamel.yaml import YAML

    from benchmate.agents.contracts import Plan
    from benchmate.app.cli_options import read_mapping
    from benchmate.runtime.errors import BenchmateError

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.yaml"
        with file.open("w", encoding="utf-8") as stream:
            YAML().dump(plan, stream)
        try:
            subprocess.run([*shlex.split(editor), str(file)], check=True)
            return Plan.model_validate(read_mapping(file)).check()
        except (OSError, subprocess.CalledProcessError) as error:
            output.note(f"the editor {editor!r} did not work: {error}")
        except ValidationError as error:
            first = error.errors()[0]
            output.note(f"not a plan: {'.'.join(map(str, first['loc']))}: {first['msg']}")
        except BenchmateError as error:
            output.note(f"not a plan: {error}")
    return None


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end a blocking read inside a running event loop, which otherwise only takes note of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)


def details(request: ApprovalRequest) -> list[str]:
    """Return the details of a request as indented lines, the long ones cut; a plan as its steps."""
    lines: list[str] = []
    for key, value in request.details.items():
        if key == "plan" and isinstance(value, dict):
            for task in value.get("tasks", []):
                action = task.get("tool") or task.get("agent") or task["kind"]
                lines.append(
                    _short(f"  {task['id']}: {action} {_text(task.get('arguments') or '')}".rstrip())
                )
        elif isinstance(value, list):
            lines += [f"  {key}:", *(f"    - {_short(_text(item))}" for item in value)]
        else:
            lines.append(f"  {key}: {_short(_text(value))}")
    return lines


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
