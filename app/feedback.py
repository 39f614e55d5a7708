"""Feedback: runs that a person called good or bad, and why; exported as trajectories that training reads."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.calls import evidence_id_of
from benchmate.runtime.database import Database
from benchmate.runtime.errors import BenchmateError
from benchmate.runtime.journal import open_existing

Judgement = Literal["good", "bad"]
SCHEMA = "benchmate.trajectory/v1"


@dataclass(frozen=True)
class Mark:
    """What a person said of a run."""

    id: str
    run: str
    folder: Path
    person: str
    verdict: Judgement
    reason: str
    at: float


class Feedback:
    """The marks of one person, in the machine's database."""

    def __init__(self, database: Database, person: str) -> None:
        self._database, self._person = database, person

    def add(self, folder: Path, verdict: Judgement, reason: str = "") -> Mark:
        """Mark a run; a later mark of the same run takes the place of an earlier one.

        Raises NotFound (`no_such_run`), and StorageError where the journal was changed.
        """
        journal = open_existing(folder)
        try:
            journal.verify()
        finally:
            journal.close()
        mark = Mark(
            secrets.token_hex(8), folder.name, folder.absolute(), self._person, verdict, reason, time.time()
        )
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM feedback WHERE run = ? AND person = ?", (mark.run, self._person)
            )
            self._database.execute(
                "INSERT INTO feedback VALUES (?, ?, ?, ?, ?, ?, ?)",
                (mark.id, mark.run, str(mark.folder), mark.person, verdict, reason, mark.at),
            )
        return mark

    def all(self) -> list[Mark]:
        """Return the marks, oldest first."""
        rows = self._database.execute(
            "SELECT id, run, folder, person, verdict, reason, at FROM feedback WHERE person = ? ORDER BY at, id",
            (self._person,),
        )
        return [
            Mark(r["id"], r["run"], Path(r["folder"]), r["person"], r["verdict"], r["reason"], r["at"])
            for r in rows
        ]

    def trajectories(self, *, private: bool = False) -> Iterator[dict[str, Any]]:
        """Yield each marked run as `trajectory` gives it; private ones only where asked for, runs that are gone never."""
        for mark in self.all():
            try:
                found = trajectory(mark.folder)
            except BenchmateError:
                continue
            if private or not found["private"]:
                yield found | {"feedback": {"verdict": mark.verdict, "reason": mark.reason, "at": mark.at}}


def trajectory(folder: Path) -> dict[str, Any]:
    """Return a run as data: what was asked, the plan, every call in order, the claims with their verdicts.

    Keys: `schema`, `run`, `question`, `private`, `model`, `plan`, `calls` (each with `type`, `name`, `task`, `attempt`, `arguments`,
    and `result` or `error`; tool calls that succeeded with their `evidence` id; model calls hold the messages and, where the
    server gave them, token ids), `claims`, `verdicts`, `status`. Raises NotFound (`no_such_run`).
    """
    journal = open_existing(folder)
    store = ArtifactStore(folder / "artifacts")
    try:
        opened, plan = journal.first("run.opened"), journal.last("plan.set")
        written = journal.last("report.written")
        report = store.get_json(written.body["ref"]) if written else {}
        calls = []
        started = {
            (r.call_key, r.task, r.attempt): r.body.get("arguments", {})
            for r in journal.records("call.started")
        }
        for record in journal.records("call.finished"):
            kept = ("type", "name", "result", "error", "cites")
            body: dict[str, Any] = {key: value for key, value in record.body.items() if key in kept}
            body |= {"task": record.task, "attempt": record.attempt}
            body["arguments"] = started.get((record.call_key, record.task, record.attempt), {})
            if body["type"] == "tool" and "result" in body:
                body["evidence"] = evidence_id_of(record)
            calls.append(body)
    finally:
        journal.close()
    told = opened.body if opened else {}
    return {
        "schema": SCHEMA,
        "run": folder.name,
        "question": told.get("question") or told.get("title"),
        "private": bool(told.get("private")),
        "model": {"name": told.get("model"), "version": told.get("model_version")},
        "plan": store.get_json(plan.body["ref"]) if plan else None,
        "calls": calls,
        "claims": report.get("claims", []),
        "verdicts": report.get("verdicts", {}),
        "status": report.get("status"),
    }


def export(feedback: Feedback, file: Path, *, private: bool = False) -> int:
    """Write the marked runs as JSON Lines and return how many there are. Raises StorageError as `write_atomically`."""
    from benchmate.runtime.files import write_atomically

    lines = [
        json.dumps(t, ensure_ascii=False, sort_keys=True) for t in feedback.trajectories(private=private)
    ]
    write_atomically(file, "".join(f"{line}\n" for line in lines).encode())
    return len(lines)
