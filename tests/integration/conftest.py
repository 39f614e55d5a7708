"""The command line as its own process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-c", "from benchmate.app.cli import main; main()"]


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
