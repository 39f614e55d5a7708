"""Making a run's tool calls again today, and saying what changed since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmate.app.diff import Change, quantity_change, value_change
from benchmate.app.open_run import Listener
from benchmate.app.runs import RunOutcome, execute
from benchmate.app.saving import reported_evidence, workflow_of
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.evidence import Evidence
from benchmate.runtime.settings import Settings
from benchmate.workflows.loader import to_plan


@dataclass(frozen=True)
class Relived:
    """A run made again: how many calls gave the same, what changed, and the new run."""

    same: int
    changes: list[Change]
    outcome: RunOutcome

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        from dataclasses import asdict

        return {
            "same": self.same, "changes": [asdict(c) for c in self.changes], "run": self.outcome.run_id, "dir": str(self.outcome.folder),
        }  # fmt: skip


async def relive(
    folder: Path, *, settings: Settings | None = None, engine: Any = None, listeners: Sequence[Listener] = ()
) -> Relived:
    """Make the tool calls that a run reported again, in a run of its own, and return what changed.

    Models are not asked: the calls are those on record. The first run is not touched. Raises InvalidInput
    (`nothing_to_save`), NotFound (`no_such_run`), and what `execute` raises.
    """
    before = {_call(e): e for e in reported_evidence(folder)}
    plan = to_plan(workflow_of([folder], "again", title=f"Calls of {folder.name} again"))
    outcome = await execute(
        plan=plan, settings=settings, engine=engine, listeners=listeners, out=folder.parent
    )
    after = {_call(e): e for e in reported_evidence(outcome.folder)}
    if not before:
        raise InvalidInput("nothing_to_save", f"{folder.name} reported no tool's result")
    changes: list[Change] = []
    same = 0
    for call, old in before.items():
        new = after.get(call)
        found = list(_changes(old, new))
        same += not found
        changes += found
    return Relived(same, changes, outcome)


def _call(evidence: Evidence) -> tuple[str, str]:
    """Return what a call is known by, whatever version of the tool made it."""
    import json

    return evidence.tool, json.dumps(evidence.arguments, sort_keys=True)


def _changes(old: Evidence, new: Evidence | None) -> Iterator[Change]:
    where = old.tool
    if new is None:
        yield Change(where, "only in A", old.id)
        return
    if old.id == new.id:
        return
    yield from value_change(f"{where}, version", old.tool_version, new.tool_version)
    yield from value_change(f"{where}, source", old.result.source.name, new.result.source.name)
    for name in dict.fromkeys([*old.result.quantities, *new.result.quantities]):
        yield from quantity_change(
            f"{where}, {name}", old.result.quantities.get(name), new.result.quantities.get(name)
        )
    yield from value_change(f"{where}, data", old.result.data, new.result.data)
