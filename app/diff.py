"""What differs between two runs: settings, steps, evidence, and the claims that change with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmate.agents.contracts import Plan, Report
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.calls import evidence_in
from benchmate.runtime.errors import BenchmateError, InvalidInput
from benchmate.runtime.evidence import Evidence
from benchmate.runtime.journal import open_existing
from benchmate.runtime.quantity import Quantity, convert

Kind = Literal["changed", "only in A", "only in B"]
EQUAL = 1e-9  # relative: what floating point alone may differ by


@dataclass(frozen=True)
class Change:
    """One thing that differs: where, and what it was and is."""

    what: str
    kind: Kind
    a: str = ""
    b: str = ""
    relative: float | None = None  # (b - a) / |a| of a number, where a is not zero


@dataclass(frozen=True)
class Difference:
    """All that differs between two runs."""

    settings: list[Change] = field(default_factory=list)
    steps: list[Change] = field(default_factory=list)
    evidence: list[Change] = field(default_factory=list)
    claims: list[Change] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether the runs found and stated the same. Settings may differ."""
        return not (self.steps or self.evidence or self.claims)

    def as_json(self) -> dict[str, Any]:
        """Return the difference as plain data."""
        return {"same": self.same, **asdict(self)}


@dataclass(frozen=True)
class _Run:
    opened: Mapping[str, Any]
    plan: Plan | None
    evidence: dict[tuple[str, str, int], Evidence]
    report: Report | None


def compare_runs(a: Path, b: Path) -> Difference:
    """Return what differs between the runs in two folders.

    Evidence is matched by step, tool and order within the step, so that runs of one workflow on other inputs can be compared
    too. Raises NotFound (`no_such_run`), InvalidInput (`run_not_ended`), and what `Journal.verify` raises.
    """
    one, two = _read(a), _read(b)
    return Difference(
        settings=list(_settings(one, two)),
        steps=list(_steps(one, two)),
        evidence=list(_evidence(one, two)),
        claims=list(_claims(one, two)),
    )


def _read(folder: Path) -> _Run:
    journal = open_existing(folder)
    store = ArtifactStore(folder / "artifacts")
    try:
        journal.verify()
        opened, plan, written = (
            journal.first("run.opened"),
            journal.last("plan.set"),
            journal.last("report.written"),
        )
        found: dict[tuple[str, str, int], Evidence] = {}
        for evidence in evidence_in(journal):
            number = sum(task == evidence.task and tool == evidence.tool for task, tool, _ in found)
            found[evidence.task, evidence.tool, number] = evidence
    finally:
        journal.close()
    if written is None and not found:
        raise InvalidInput(
            "run_not_ended", f"{folder.name} has found nothing yet", hint=f"`benchmate resume {folder}` first"
        )
    return _Run(
        opened.body if opened else {},
        Plan.model_validate(store.get_json(plan.body["ref"])) if plan else None,
        found,
        Report.model_validate(store.get_json(written.body["ref"])) if written else None,
    )


def _settings(one: _Run, two: _Run) -> Iterator[Change]:
    versions = [run.opened.get("versions", {}) for run in (one, two)]
    for name in sorted({*versions[0], *versions[1]}):
        yield from value_change(f"version of {name}", versions[0].get(name), versions[1].get(name))
    for key in ("question", "title", "profile", "mode", "model", "model_version"):
        yield from value_change(key.replace("_", " "), one.opened.get(key), two.opened.get(key))
    inputs = [run.plan.inputs if run.plan else {} for run in (one, two)]
    for name in sorted({*inputs[0], *inputs[1]}):
        yield from value_change(f"input {name}", inputs[0].get(name), inputs[1].get(name))


def _steps(one: _Run, two: _Run) -> Iterator[Change]:
    steps = [{t.id: t for t in run.plan.tasks} if run.plan else {} for run in (one, two)]
    for name in dict.fromkeys([*steps[0], *steps[1]]):
        a, b = (
            s[name].model_dump(mode="json", exclude={"attempt", "feedback", "title"}) if name in s else None
            for s in steps
        )
        yield from value_change(f"step {name}", a, b)


def _evidence(one: _Run, two: _Run) -> Iterator[Change]:
    for key in dict.fromkeys([*one.evidence, *two.evidence]):
        a, b = one.evidence.get(key), two.evidence.get(key)
        task, tool, number = key
        where = f"{task}: {tool}{f' {number + 1}' if number else ''}"
        if a is None or b is None:
            yield from value_change(where, a and _called(a), b and _called(b))
            continue
        if a.id == b.id:
            continue
        yield from value_change(f"{where}, arguments", _called(a), _called(b))
        yield from value_change(f"{where}, version", a.tool_version, b.tool_version)
        for name in dict.fromkeys([*a.result.quantities, *b.result.quantities]):
            yield from quantity_change(
                f"{where}, {name}", a.result.quantities.get(name), b.result.quantities.get(name)
            )
        yield from value_change(f"{where}, data", a.result.data, b.result.data)


def quantity_change(where: str, a: Quantity | None, b: Quantity | None) -> Iterator[Change]:
    """Yield how a quantity differs, with the relative difference in the unit that it had."""
    if a is None or b is None:
        yield from value_change(where, a and a.format(), b and b.format())
        return
    try:
        value = convert(float(b.value), b.unit or "", a.unit or "")
    except BenchmateError:
        yield Change(where, "changed", a.format(), b.format())
        return
    before = float(a.value)
    if abs(value - before) > EQUAL * max(abs(value), abs(before)):
        relative = (value - before) / abs(before) if before else None
        yield Change(where, "changed", a.format(), b.format(), relative)


def _claims(one: _Run, two: _Run) -> Iterator[Change]:
    told = []
    for run in (one, two):
        verdicts = run.report.verdicts if run.report else {}
        claims = run.report.claims if run.report else ()
        told.append(
            {c.id: f"{c.text} [{verdicts[c.id].status if c.id in verdicts else 'unchecked'}]" for c in claims}
        )
    for identity in dict.fromkeys([*told[0], *told[1]]):
        yield from value_change(identity, told[0].get(identity), told[1].get(identity))


def _called(evidence: Evidence) -> str:
    return json.dumps(evidence.arguments, ensure_ascii=False, sort_keys=True)


def value_change(what: str, a: Any, b: Any) -> Iterator[Change]:
    """Yield how plain values differ; None is nothing."""
    if a == b:
        return
    kind: Kind = "only in B" if a is None else "only in A" if b is None else "changed"
    yield Change(what, kind, _text(a), _text(b))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
