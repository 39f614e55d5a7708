"""The command line as its own process, and runs whose tools work in this one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmate.runtime.workers import WorkerPool

COMMAND = [sys.executable, "-c", "from benchmate.app.cli import main; main()"]


@pytest.fixture
def inline_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools run where they are called: for tests that are not about processes."""

    async def inline(
        self: Any, function: Callable[..., Any], *args: Any, timeout: float | None = None
    ) -> Any:
        return function(*args)

    monkeypatch.setattr(WorkerPool, "run", inline)
    monkeypatch.setattr(WorkerPool, "warm", lambda self: None)


@pytest.fixture
def command() -> list[str]:
    """The program, as what to start a process with."""
    return COMMAND


@pytest.fixture
def benchmate(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the program with arguments, in a folder of its own."""

    def run(*arguments: object, before: tuple[str, ...] = (), **options: Any) -> Any:
        command = [*before, *COMMAND, *map(str, arguments)]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False, **options
        )

    return run
