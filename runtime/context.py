"""What one run runs on: its journal, budget, policy, mode, artifacts, HTTP, workers and listeners."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmate.runtime.events import Event, event_of
from benchmate.runtime.labels import NO_LABELS, Labels

if TYPE_CHECKING:
    from benchmate.runtime.artifacts import ArtifactStore
    from benchmate.runtime.budget import Budget
    from benchmate.runtime.http import HttpClient
    from benchmate.runtime.journal import Journal, Record
    from benchmate.runtime.policy import Policy
    from benchmate.runtime.settings import Mode, Settings
    from benchmate.runtime.workers import WorkerPool

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """An earlier run of the same session."""

    run_id: str
    journal: Journal
    artifacts: ArtifactStore


@dataclass(slots=True)
class RunContext:
    """Everything a call needs, in one place. Made by `benchmate.app.runs.open_run`; tests make their own."""

    run_id: str
    folder: Path
    settings: Settings
    journal: Journal
    artifacts: ArtifactStore
    budget: Budget
    policy: Policy
    mode: Mode
    http: HttpClient
    workers: WorkerPool
    recording: Journal | None = None  # a finished run whose calls answer ours: replay
    labels: Labels = NO_LABELS  # of the person's own input
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    earlier: tuple[EarlierRun, ...] = ()  # of the same session: their results are cited, not computed again
    stop: threading.Event = field(default_factory=threading.Event)  # set: no further call begins
    projections: dict[str, Any] = field(default_factory=dict)  # what is made of the journal, to go on from

    def __post_init__(self) -> None:
        self.journal.listeners.append(self._on_record)

    def _on_record(self, record: Record) -> None:
        if self.listeners:
            self.emit(event_of(record))

    def emit(self, event: Event) -> None:
        """Tell every listener. One that raises is dropped, which the others and the log are told; the run goes on."""
        for listener in list(self.listeners):
            try:
                listener(event)
            except Exception as error:  # whatever is wrong with who watches, it is nothing to the run
                self.listeners.remove(listener)
                _log.warning("a listener of run %s raised and was dropped", self.run_id, exc_info=True)
                self.emit_notice(f"a listener was dropped: {type(error).__name__}: {error}")

    def emit_notice(self, text: str) -> None:
        """Tell listeners something worth knowing that is no record."""
        self.emit(Event(kind="notice", data={"text": text}))

    def progress(self, task: str, done: int, total: int, note: str = "") -> None:
        """Tell listeners how far a batch or a download is. Not recorded."""
        self.emit(Event(kind="progress", task=task, data={"done": done, "total": total, "note": note}))


@dataclass(frozen=True, slots=True)
class TaskScope:
    """Whose call this is: calls are looked up and counted per task and attempt."""

    task: str
    attempt: int = 1
    labels: Labels = NO_LABELS
    occurrences: dict[str, int] = field(default_factory=dict, compare=False)

    def next_occurrence(self, key: str) -> int:
        """Return how often this key was asked for before in this scope, and count it."""
        seen = self.occurrences.get(key, 0)
        self.occurrences[key] = seen + 1
        return seen


_scope: contextvars.ContextVar[tuple[RunContext, TaskScope] | None] = contextvars.ContextVar(
    "benchmate_scope", default=None
)


@contextmanager
def entered(context: RunContext, scope: TaskScope) -> Iterator[TaskScope]:
    """Make `scope` the current one, so that an engine deep inside LangChain knows whose call it makes."""
    token = _scope.set((context, scope))
    try:
        yield scope
    finally:
        _scope.reset(token)


def current() -> tuple[RunContext, TaskScope] | None:
    """Return the run and task that the running code belongs to, or None outside a run."""
    return _scope.get()


def body_of(**fields: Any) -> dict[str, Any]:
    """Return the fields that are set: what goes into a record's body."""
    return {key: value for key, value in fields.items() if value is not None}
