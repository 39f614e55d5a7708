"""Reading a run: its evidence by id, the results of its tasks, its plan. All of it comes from the journal and the artifacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchmate.agents.contracts import Plan, TaskResult
from benchmate.agents.state import Outcome
from benchmate.runtime.calls import evidence_in
from benchmate.runtime.canonical import canonical_value
from benchmate.runtime.context import RunContext
from benchmate.runtime.evidence import Evidence

__all__ = ["EvidenceIndex", "load_plan", "load_result", "load_results", "store", "unfinished"]


class EvidenceIndex(Mapping[str, list[Evidence]]):
    """All evidence of a run by id. The same call in two tasks is two observations of one id."""

    def __init__(self, evidence: Iterable[Evidence]) -> None:
        self._by_id: dict[str, list[Evidence]] = {}
        self._latest: dict[str, Evidence] = {}
        for item in evidence:
            self._by_id.setdefault(item.id, []).append(item)
            self._latest[item.call_key] = item

    @classmethod
    def of(cls, context: RunContext) -> EvidenceIndex:
        return cls(evidence_in(context.journal))

    def __getitem__(self, identity: str) -> list[Evidence]:
        return self._by_id[identity]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def latest(self, call_key: str) -> Evidence:
        """Return the newest observation of a call: what an older one must agree with not to be stale."""
        return self._latest[call_key]


def store(context: RunContext, value: Plan | TaskResult | object) -> str:
    """Keep a payload in the run's folder and return its hash, which is what the state holds."""
    return context.artifacts.put_json(canonical_value(value))


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
    return [t.id for t in plan.tasks if t.id not in ended and set(t.needs) <= ended]
