"""The log of the program as a person asks for it, over a whole command, its workers and its failures."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Benchmate = Callable[..., subprocess.CompletedProcess[str]]
CALL = (
    "tool",
    "call",
    "convert_units",
    '{"value": 1, "from_unit": "kcal/mol", "to_unit": "kJ/mol"}',
    "--out",
    "runs",
)
SECRET = "s3cr3t-of-the-lab"


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_a_command_writes_its_run_to_the_log_and_nothing_to_the_screen(
    benchmate: Benchmate, tmp_path: Path
) -> None:
    plain, logged = benchmate(*CALL), benchmate("--log-file", "logs/log.jsonl", *CALL)
    assert (logged.returncode, logged.stdout, logged.stderr) == (0, plain.stdout, plain.stderr)
    told = [line for line in lines(tmp_path / "logs" / "log.jsonl") if line["logger"] == "benchmate.run"]
    assert [line["message"].split()[0] for line in told] == ["run.opened", "call.finished", "run.closed"]
    (run,) = {line["run"] for line in told}
    assert (tmp_path / "runs" / run / "journal.sqlite").is_file()


def test_the_log_may_be_a_setting_and_is_appended_to(benchmate: Benchmate, tmp_path: Path) -> None:
    (tmp_path / "benchmate.toml").write_text('[log]\nfile = "log.jsonl"\nlevel = "debug"\n')
    assert benchmate(*CALL).returncode == 0
    first = lines(tmp_path / "log.jsonl")
    assert any(line["message"].startswith("call.started") for line in first)
    assert benchmate(*CALL).returncode == 0
    both = lines(tmp_path / "log.jsonl")
    assert both[: len(first)] == first and len({line["run"] for line in both} - {""}) == 2


def test_a_log_that_cannot_be_written_ends_the_command_before_anything_begins(
    benchmate: Benchmate, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    done = benchmate("--log-file", "file/log.jsonl", *CALL)
    assert done.returncode != 0 and "the log" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_what_ends_a_command_is_in_the_log(benchmate: Benchmate, tmp_path: Path) -> None:
    done = benchmate("--log-file", "log.jsonl", "show", "nothing-like-it", "--out", "runs")
    assert done.returncode == 2
    (line,) = lines(tmp_path / "log.jsonl")
    assert line["level"] == "error" and line["message"].startswith("no_such_run: ")


@pytest.fixture
def leaky(tmp_path: Path) -> Path:
    """A plug-in whose tool warns, logs and fails with what it should keep to itself; it runs in a worker."""
    folder = tmp_path / "plug_in"
    (folder / "leaky-1.0.dist-info").mkdir(parents=True)
    (folder / "leaky-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: leaky\nVersion: 1.0\n"
    )
    (folder / "leaky-1.0.dist-info" / "entry_points.txt").write_text("[benchmate.tools]\nleaky = leaky\n")
    (folder / "leaky.py").write_text(
        "import logging, os, warnings\n"
        "from benchmate.tools.base import ToolResult, tool\n"
        "@tool(domain='mathematics', effects={'compute'})\n"
        "def leak(number: float) -> ToolResult:\n"
        "    '''Say too much.\n\n    Args:\n        number: Any number.\n    '''\n"
        "    warnings.warn('used ' + os.environ['LAB_TOKEN'])\n"
        "    logging.getLogger('leaky').error('sent Authorization: Bearer abcdef0123456789')\n"
        "    raise RuntimeError('refused ' + os.environ['LAB_TOKEN'])\n"
    )
    return folder


def test_what_a_tool_warns_of_in_its_worker_is_in_the_log_without_secrets(
    benchmate: Benchmate, tmp_path: Path, leaky: Path
) -> None:
    env = {**os.environ, "PYTHONPATH": str(leaky), "LAB_TOKEN": SECRET}
    done = benchmate("--log-file", "log.jsonl", "tool", "call", "leak", '{"number": 1}', env=env)
    assert done.returncode == 4, done.stderr
    told = lines(tmp_path / "log.jsonl")
    by_logger = {line["logger"]: line for line in told if line["level"] != "info"}
    assert "UserWarning: used [removed]" in by_logger["py.warnings"]["message"]
    assert by_logger["leaky"]["message"] == "sent Authorization: [removed]"
    assert "RuntimeError: refused [removed]" in by_logger["benchmate.run"]["message"]
    assert len({by_logger[name]["run"] for name in ("py.warnings", "leaky", "benchmate.run")}) == 1
    written = (tmp_path / "log.jsonl").read_text("utf-8")
    assert SECRET not in written and "abcdef0123456789" not in written
