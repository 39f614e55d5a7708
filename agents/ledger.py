"""Reading a run: its evidence by id, the results of its tasks, its plan. All of it comes from the journal and the artifacts."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from benchmate.agents.contracts import Plan, TaskResult
from benchmate.agents.phrases import Phrases
from benchmate.agents.state import Outcome
from benchmate.runtime.calls import evidence_id_of, evidence_of, evidence_records
from benchmate.runtime.context import RunContext
from benchmate.runtime.evidence import Evidence
from benchmate.runtime.journal import Journal

__all__ = ["EvidenceIndex", "load_plan", "load_result", "load_results", "store", "unfinished"]


HELD = 1000  # pieces of evidence kept in memory; the others are read again from the journal


class Observed(NamedTuple):
    """A compound as a call was given it: its identity, what it was called, and its registry id."""

    key: str
    label: str
    registry_id: str | None


class EvidenceIndex(Mapping[str, list[Evidence]]):
    """All evidence of a run by id. The same call in two tasks is two observations of one id.

    Evidence stays in the journal and is read where it is asked for; what has to be known of all of it is kept here.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen = 0  # the last record that was taken in
        self._records: dict[str, list[int]] = {}
        self._load = functools.lru_cache(maxsize=HELD)(self._read)
        self.names: dict[str, set[str]] = {}  # of each identity, lower case
        self.parents: dict[str, str] = {}
        self.compounds: dict[str, tuple[Observed, ...]] = {}  # by evidence id
        self.warnings: dict[str, list[str]] = {}  # by evidence id, each with what it is about
        self.estimates: dict[str, list[str]] = {}  # by evidence id, the methods that estimate
        self.phrases = Phrases()  # names, structures, methods and conditions

    @classmethod
    def of(cls, context: RunContext) -> EvidenceIndex:
        """Return the run's one index, brought up to date."""
        index: EvidenceIndex = context.projections.setdefault("evidence", cls(context.journal))
        index.update()
        return index

    def update(self) -> None:
        """Take in what the journal has got since the last time."""
        for record in evidence_records(self._journal, after=self._seen):
            self._seen = record.seq
            identity = evidence_id_of(record)
            self._records.setdefault(identity, []).append(record.seq)
            self._learn(identity, record.body)

    def _learn(self, identity: str, body: Mapping[str, Any]) -> None:
        result = body["result"]
        about = next((entity["label"] for entity in result.get("entities", ())), body["name"])
        listed = {notice["summary"] for notice in result.get("hazards", ())}  # no doubt about the result
        if warnings := [w for w in result.get("warnings", ()) if w not in listed]:
            self.warnings[identity] = [f"{about}: {warning}" for warning in warnings]
        for entity in result.get("entities", ()):
            key, details = entity["key"], entity.get("details", {})
            self.names.setdefault(key, set()).update((entity["label"].lower(), entity["given"].lower()))
            if details.get("parent_inchikey"):
                self.parents[key] = details["parent_inchikey"]
            self.phrases.update((entity["given"], entity["label"]))
            self.phrases.update(value for value in details.values() if isinstance(value, str))
        self.compounds[identity] = tuple(
            Observed(e["key"], e["label"], e.get("details", {}).get("registry_id"))
            for e in result.get("entities", ())
            if e["kind"] == "compound" and e["argument"] != "context"
        )
        for quantity in result.get("quantities", {}).values():
            self.phrases.update((quantity.get("method") or "", *(quantity.get("conditions") or {}).values()))
        estimates = [
            q["method"]
            for q in result.get("quantities", {}).values()
            if q.get("relation") == "~" and q.get("method")
        ]
        if estimates:
            self.estimates[identity] = estimates

    def _read(self, identity: str, seq: int) -> Evidence:
        return evidence_of(self._journal, self._journal.at(seq), identity=identity)

    def __getitem__(self, identity: str) -> list[Evidence]:
        return [self._load(identity, seq) for seq in self._records[identity]]

    def __contains__(self, identity: object) -> bool:
        return identity in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


def store(context: RunContext, value: Plan | TaskResult | object) -> str:
    """Keep a payload in the run's folder and return its hash, which is what the state holds."""
    return context.artifacts.put_json(value)


def load_plan(context: RunContext, ref: str) -> Plan:
    return Plan.model_validate(context.artifacts.get_json(ref))


def load_result(context: RunContext, ref: str) -> TaskResult:
    return TaskResult.model_validate(context.artifacts.get_json(ref))


def load_results(context: RunContext, plan: Plan, outcomes: Mapping[str, Outcome]) -> list[TaskResult]:
    """Return the results of the plan's tasks that have ended, in the plan's order."""
    return [load_result(context, outcomes[t.id]["ref"]) for t in plan.tasks if t.id in outcomes]


def unfinished(plan: Plan, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return the tasks that are ready to run: not ended in their present attempt, and all they need has ended."""
    ended = {t.id for t in plan.tasks if t.id in outcomes and outcomes[t.id]["attempt"] >= t.attempt}
    return plan.ready(ended)
