"""The sync doors for scripts and notebooks: `benchmate.ask`, `benchmate.run`, `benchmate.resume`, `benchmate.replay`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmate.app import runs
from benchmate.app.runs import RunOutcome


def ask(question: str, **options: Any) -> RunOutcome:
    """Answer a question; options as for `benchmate.app.runs.execute` (`out`, `settings`, `approver`, `budget` …).

    >>> benchmate.ask("What is the logP of aspirin?").answer
    """
    return runs.run_sync(runs.execute(question=question, **options))


def run(workflow: str | Path, inputs: Mapping[str, Any] | None = None, **options: Any) -> RunOutcome:
    """Run a workflow: a YAML file, or the name of a shipped one."""
    return runs.run_sync(runs.execute(workflow=str(workflow), inputs=inputs, **options))


def resume(folder: str | Path, **options: Any) -> RunOutcome:
    """Go on with a run that stopped."""
    return runs.run_sync(runs.resume_run(folder, **options))


def replay(folder: str | Path, *, out: str | Path | None = None) -> RunOutcome:
    """Make a run's report again from its journal alone."""
    return runs.run_sync(runs.replay_run(folder, out=out))
