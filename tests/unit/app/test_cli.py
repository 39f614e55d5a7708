"""The command line as a whole: help, usage errors, exit codes, and the one JSON document."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import benchmate
from benchmate.app import output
from benchmate.app.cli import Commands, app
from benchmate.runtime.errors import (
    BenchmateError,
    BudgetExceeded,
    Crashed,
    InternalError,
    InvalidInput,
    NotFound,
    Refused,
    StorageError,
    Transient,
    Unavailable,
)

SOURCE = str(Path(benchmate.__path__[0]).parent)
COMMANDS = (
    "ask", "run", "resume", "replay", "show", "validate", "plan", "schema", "tool", "ingest", "search",
    "model", "deploy", "doctor",
)  # fmt: skip
HEAVY = ("pydantic", "langgraph", "langchain_core", "rdkit", "chromadb", "numpy", "pint", "httpx", "asyncio")


def invoke(*words: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, list(words), env=env)


def process(*words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env=environment, timeout=60, check=False
    )


def raising(error: BaseException, *words: str, env: dict[str, str] | None = None) -> Result:
    """What the command line makes of a command that raises."""
    broken = typer.Typer(cls=Commands)

    @broken.callback()
    def root() -> None: ...

    @broken.command()
    def work(as_json: bool = typer.Option(False, "--json")) -> int:
        print("on the way")
        raise error

    return CliRunner().invoke(broken, ["work", *words], env=env)


def test_help_names_every_command_and_the_exit_codes() -> None:
    shown = invoke("--help")
    assert shown.exit_code == 0
    for command in COMMANDS:
        assert f"│ {command} " in shown.stdout
    assert "Exit codes" in shown.stdout


def test_no_words_at_all_show_the_help() -> None:
    assert "Usage: benchmate" in invoke().stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    shown = invoke(command, "--help")
    assert shown.exit_code == 0 and f"Usage: benchmate {command}" in shown.stdout


def test_the_command_line_loads_nothing_heavy() -> None:
    code = f"import sys, benchmate.app.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert process("-c", code).stdout.strip() == "[]"


def test_version_is_one_line() -> None:
    shown = invoke("--version")
    assert shown.exit_code == 0 and shown.stdout.startswith("benchmate ") and shown.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["rnu"], "did you mean 'run'?"),
        (["tool", "lst"], "did you mean 'list'?"),
        (["run", "--jsn"], "did you mean --json"),
        (["run"], "`benchmate run --help` shows how"),
        (["ask", "why?", "--mode", "online"], "`benchmate ask --help` shows how"),
    ],
)
def test_wrong_usage_exits_2_with_a_hint(words: list[str], hint: str) -> None:
    shown = invoke(*words)
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert shown.stderr.startswith("error: ") and f"hint: {hint}" in shown.stderr


def test_wrong_usage_with_json_prints_a_document() -> None:
    shown = invoke("run", "--json", "--wrong")
    document = json.loads(shown.stdout)
    assert shown.exit_code == 2
    assert document["error"]["code"] == "usage" and "--wrong" in document["error"]["message"]


def test_json_after_a_double_dash_is_not_an_option() -> None:
    assert output.wants_document(["run", "x", "--json"])
    assert not output.wants_document(["ask", "--", "--json"])


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (InvalidInput, 2),
        (NotFound, 2),
        (Transient, 4),
        (Unavailable, 4),
        (Crashed, 4),
        (StorageError, 4),
        (InternalError, 4),
        (Refused, 5),
        (BudgetExceeded, 6),
    ],
)
def test_a_typed_error_is_an_error_and_a_hint_line(kind: type[BenchmateError], code: int) -> None:
    shown = raising(kind("some_code", "it went wrong", hint="do it right"))
    assert shown.exit_code == code
    assert shown.stderr == "error: it went wrong\nhint: do it right\n"


def test_a_typed_error_with_json_is_one_document_alone() -> None:
    shown = raising(InvalidInput("some_code", "no", details={"argument": "x"}), "--json")
    assert json.loads(shown.stdout) == {
        "error": {
            "code": "some_code", "kind": "invalid", "message": "no", "hint": None,
            "details": {"argument": "x"},
        }
    }  # fmt: skip
    assert "on the way" in shown.stderr


def test_an_error_from_parallel_tasks_is_the_first_of_them() -> None:
    group = ExceptionGroup("tasks", [ExceptionGroup("more", [BudgetExceeded("b", "the limit is reached")])])
    shown = raising(group)
    assert (shown.exit_code, shown.stderr) == (6, "error: the limit is reached\n")


def test_a_folder_that_may_not_be_written_is_no_internal_error() -> None:
    shown = raising(PermissionError(13, "Permission denied", "/root/runs"))
    assert shown.exit_code == 4
    assert shown.stderr.startswith("error: /root/runs cannot be used: Permission denied")


def test_a_fault_is_one_line_without_a_traceback() -> None:
    shown = raising(KeyError("gone"), env={"BENCHMATE_DEBUG": ""})
    assert shown.exit_code == 4
    assert shown.stderr.startswith("error: internal error: KeyError: 'gone'\nhint: ")
    assert "Traceback" not in shown.output


def test_what_was_noted_on_an_error_is_said_last() -> None:
    error = InvalidInput("x", "no", hint="yes")
    error.add_note("During task with name 'planner' and id '2d3edd3c-c8cf'")  # LangGraph's
    error.add_note("the run is kept in runs/1")
    assert raising(error).stderr == "error: no\nhint: yes\nnote: the run is kept in runs/1\n"


def test_debug_shows_the_traceback_of_a_fault_but_not_of_a_typed_error() -> None:
    debug = {"BENCHMATE_DEBUG": "1"}
    assert "Traceback" in raising(KeyError("gone"), env=debug).stderr
    assert "Traceback" not in raising(InvalidInput("x", "no"), env=debug).stderr


def test_an_error_message_cannot_command_the_terminal() -> None:
    assert "\x1b" not in raising(InvalidInput("x", "no \x1b[31mred")).stderr


NOISY = """
import ctypes, os, subprocess, sys, typer
from benchmate.app import output
from benchmate.app.cli import Commands
app = typer.Typer(cls=Commands)
@app.callback()
def root() -> None: ...
@app.command()
def work(as_json: bool = typer.Option(False, "--json")) -> int:
    print("from Python")
    os.write(1, b"from the file descriptor\\n")
    subprocess.run(["echo", "from a child"])
    return output.emit(as_json, {"answer": "Å"}, "for a reader", 3)
app()
"""


def test_the_document_is_alone_on_standard_output_whoever_prints() -> None:
    shown = process("-c", NOISY, "work", "--json")
    assert json.loads(shown.stdout) == {"answer": "Å"}
    assert shown.returncode == 3
    for noise in ("from Python", "from the file descriptor", "from a child"):
        assert noise in shown.stderr


@pytest.mark.parametrize("words", ["schema", "--help", "tool --help"])
def test_a_broken_pipe_is_quiet(words: str) -> None:
    command = f"{sys.executable} -m benchmate.app.cli {words}"
    shown = subprocess.run(
        ["bash", "-c", f"{command} | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": SOURCE}, timeout=60, check=False,
    )  # fmt: skip
    assert shown.stderr == ""
    assert shown.returncode in (0, output.READER_GONE)


def test_a_pipe_gets_long_text_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    text = "CC(=O)Oc1ccccc1C(=O)O " * 40
    output.emit(False, None, output.paragraph(text))
    assert capsys.readouterr().out == f"{text.rstrip()}\n"


def test_brackets_are_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit(False, None, output.grid([("[Na+].[Cl-]", "[bold]x")]))
    assert capsys.readouterr().out.split() == ["[Na+].[Cl-]", "[bold]x"]


@pytest.mark.parametrize(
    "make", [lambda: output.grid([("a\x1b[2Jb",)]), lambda: output.paragraph("a\x1b[2Jb")]
)
def test_text_from_outside_cannot_command_the_terminal(
    make: Callable[[], object], capsys: pytest.CaptureFixture[str]
) -> None:
    output.emit(False, None, make())  # type: ignore[arg-type]
    assert "\x1b" not in capsys.readouterr().out
