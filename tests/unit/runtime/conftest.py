"""A run to make calls in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.budget import Budget, BudgetLimits
from benchmate.runtime.context import RunContext
from benchmate.runtime.http import HttpClient
from benchmate.runtime.journal import Journal
from benchmate.runtime.policy import Policy
from benchmate.runtime.settings import Mode, Settings, WorkerLimits
from benchmate.runtime.workers import WorkerPool


@pytest.fixture
def open_run(tmp_path: Path) -> Iterator[Callable[..., RunContext]]:
    """Return a function that opens the run `name`, again if it was open before."""
    journals: list[Journal] = []

    def open_it(name: str = "run", *, limits: BudgetLimits | None = None, **fields: Any) -> RunContext:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        journal = Journal(folder / "journal.sqlite")
        journals.append(journal)
        return RunContext(
            run_id=name,
            folder=folder,
            settings=Settings(),
            journal=journal,
            artifacts=ArtifactStore(folder / "artifacts"),
            budget=Budget(limits or BudgetLimits()),
            policy=Policy(),
            mode=Mode.OFFLINE,
            http=HttpClient(Mode.OFFLINE, folder / "http"),
            workers=WorkerPool(WorkerLimits()),
            **fields,
        )

    yield open_it
    for journal in journals:
        journal.close()
