"""What unit tests of agents and runs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from benchmate.runtime.workers import WorkerPool


@pytest.fixture
def inline_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools run where they are called: for tests that are not about processes."""

    async def inline(
        self: Any, function: Callable[..., Any], *args: Any, timeout: float | None = None
    ) -> Any:
        return function(*args)

    monkeypatch.setattr(WorkerPool, "run", inline)
    monkeypatch.setattr(WorkerPool, "warm", lambda self: None)
