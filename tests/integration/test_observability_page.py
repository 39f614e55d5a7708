"""The page on spans and logs: its commands run as they are written, and its settings are settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from test_telemetry_export import Collector, collector

from benchmate.runtime.settings import load_settings

__all__ = ["collector"]

PAGE = (Path(__file__).parents[2] / "docs" / "observability.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_commands_run_as_written(tmp_path: Path, collector: Collector) -> None:
    commands = [
        line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")
    ]
    assert len(commands) >= 4
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "benchmate").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m benchmate.app.cli "$@"\n'
    )
    (tmp_path / "bin" / "benchmate").chmod(0o755)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    env = clean | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    for command in commands:
        sent, log = len(collector.requests), tmp_path / "log.jsonl"
        written = log.stat().st_size if log.exists() else 0
        done = subprocess.run(
            command.replace("http://127.0.0.1:4318", collector.address), shell=True, cwd=tmp_path, env=env,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode in (0, 3), (
            command,
            done.stderr,
        )  # without the model, an agent's step may be left out
        if "4318" in command:
            assert len(collector.requests) > sent, command
        else:
            assert log.stat().st_size > written, command


@pytest.mark.parametrize("text", blocks("toml"))
def test_the_settings_are_read(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "benchmate.toml").write_text(text)
    ((group, given),) = tomllib.loads(text).items()
    found = getattr(load_settings(), group).model_dump(mode="json")
    assert {name: found[name] for name in given} == given


def test_every_attribute_named_here_is_one_that_spans_have() -> None:
    made = "".join(
        (Path(__file__).parents[2] / "app" / name).read_text("utf-8")
        for name in ("spans.py", "span_content.py")
    )
    named = set(re.findall(r"`((?:gen_ai|server|benchmate|error)\.[a-z_.]+)`", PAGE)) - {"benchmate.toml"}
    assert len(named) > 20
    assert not [name for name in named if name not in made]
