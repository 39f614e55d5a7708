"""Loops: what a round left unfulfilled, and the plan with another round of just that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmate.agents.contracts import Plan, Task, TaskResult
from benchmate.agents.state import Outcome
from benchmate.runtime.errors import BenchmateError, ErrorInfo, NotFound
from benchmate.runtime.expressions import Expression, references

DONE_WITH = ("policy", "budget")  # kinds of failure that another round does not mend
REPEATED = ("ok", "partial", "failed")  # how a task may have ended that is repeated
MOST_NAMED = 5


def next_round(plan: Plan, outcomes: Mapping[str, Outcome], load: Callable[[str], TaskResult]) -> Plan | None:
    """Return the plan with another round of every loop that ended short of its condition; None where there is none.

    A step repeats the items that failed or did not fulfil the condition. A group repeats the steps that failed, those that read
    `loop`, and what builds on them; where that is nothing, all its steps. Each round is an attempt of its own.
    """
    if any(outcome["status"] == "budget" for outcome in outcomes.values()):
        return None
    changed: dict[str, Task] = {}
    for task in plan.tasks:
        outcome = outcomes.get(task.id)
        if task.loop is None or task.round >= task.loop.max or outcome is None:
            continue
        if outcome["attempt"] < task.attempt or outcome["status"] not in REPEATED:
            continue
        result = load(outcome["ref"])
        if not result.unfulfilled and result.status != "failed":
            continue
        if task.kind == "group":
            changed |= _group_again(plan, task, outcomes)
        else:
            changed[task.id] = _again(task, task.round + 1, {task.id: outcome["ref"]}, task.loop.until)
    if not changed:
        return None
    return plan.model_copy(update={"tasks": tuple(changed.get(t.id, t) for t in plan.tasks)})


def _group_again(plan: Plan, group: Task, outcomes: Mapping[str, Outcome]) -> dict[str, Task]:
    members = [plan.by_id[name] for name in group.members]
    steps = [m for m in members if m.kind != "group"]
    if group.loop is None or any(outcomes[m.id]["status"] in ("refused", "budget") for m in steps):
        return {}  # what was not allowed is not tried again
    failed = {m.id for m in steps if outcomes[m.id]["status"] in ("failed", "partial")}
    varying = {m.id for m in steps if reads_loop(m)}
    affected = failed | varying or {m.id for m in steps}
    for _ in members:  # a need may come later in the plan
        affected |= {m.id for m in members if set(m.needs) & affected}
    last = {m.id: outcomes[m.id]["ref"] for m in steps}
    number = group.round + 1
    again = {
        m.id: _again(m, number, last, group.loop.until, carries=m.id in failed - varying and not set(m.needs) & affected)
        for m in members
        if m.id in affected
    }  # fmt: skip
    return again | {group.id: _again(group, number, {}, None, carries=False)}


def _again(task: Task, number: int, last: dict[str, str], until: str | None, *, carries: bool = True) -> Task:
    told = f"its condition does not hold yet: {until}" if task.kind == "agent" and until else None
    return task.model_copy(
        update={"attempt": task.attempt + 1, "round": number, "last": last, "carries": carries, "feedback": told}
    )  # fmt: skip


def reads_loop(task: Task) -> bool:
    """Return whether what a task does depends on the round."""
    names = set(references([task.arguments, task.foreach]))
    if task.when is not None:
        names |= Expression.parse(task.when).names
    return any(name.partition(".")[0] == "loop" for name in names)


def loop_names(plan: Plan, task: Task, last: Mapping[str, TaskResult]) -> dict[str, Any] | None:
    """Return what `loop` is to a task: the round, and what the round before gave. None outside of loops."""
    if task.loop is not None and task.kind != "group":
        before = last.get(task.id)
        return {"round": task.round, "last": before.output if before else None}
    if task.loop is None and not any(group.loop for group in plan.groups.get(task.id, ())):
        return None
    steps = {name: step_names(result) for name, result in last.items()}
    return {"round": task.round, "last": steps or None}


def step_names(result: TaskResult) -> dict[str, Any]:
    """Return what expressions read of a step's result."""
    records = result.output if isinstance(result.output, list) else [result.output]
    compounds = [r["compound"] for r in records if isinstance(r, Mapping) and "compound" in r]
    return {
        "output": result.output, "status": result.status, "items": len(result.items), "compounds": compounds,
    }  # fmt: skip


def outputs_by_item(result: TaskResult, *, single: bool) -> dict[int, Any]:
    """Return the record of each item of a tool step that succeeded, by the item's index."""
    done = [item.index for item in result.items if item.status == "ok"]
    outputs: Sequence[Any] = ([result.output] if done else []) if single else result.output or []
    return dict(zip(done, outputs, strict=True))


def judged(task: Task, result: TaskResult, names: Callable[[int, Any], Mapping[str, Any]]) -> TaskResult:
    """Return the result of a round of a step, with the items that the next round has to repeat.

    `names` gives what the condition may use, for an item's index and its record. Raises as `Expression.evaluate`.
    """
    if task.loop is None or result.status not in REPEATED:
        return result
    condition = Expression.parse(task.loop.until)
    if task.kind == "agent":
        failing = set[int]()
        short = [] if result.status == "failed" or condition.evaluate(names(0, result.output)) else [0]
    else:
        failing = {i.index for i in result.items if i.error is not None and i.error.kind not in DONE_WITH}
        records = outputs_by_item(result, single=task.foreach is None)
        short = [index for index, record in records.items() if not condition.evaluate(names(index, record))]
    open_ = tuple(sorted({*failing, *short}))
    if not short:
        return result.model_copy(update={"unfulfilled": open_})
    given = {item.index: item.given for item in result.items}
    return result.model_copy(
        update={
            "unfulfilled": open_, "status": "partial" if task.on_error == "keep" else "failed",
            "error": result.error or _not_fulfilled(task, [given.get(i, "") for i in short]),
        }
    )  # fmt: skip


def _not_fulfilled(task: Task, short: Iterable[str]) -> ErrorInfo:
    assert task.loop is not None
    named = [name for name in short if name]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    whom = f" for {', '.join(named[:MOST_NAMED])}{more}" if named else ""
    rounds = f"{task.round} round{'s' if task.round > 1 else ''}"
    return NotFound(
        "not_fulfilled",
        f"after {rounds} the condition {task.loop.until!r} does not hold{whom}",
        details={"until": task.loop.until, "rounds": task.round},
    ).info


def end_of_group(
    plan: Plan, group: Task, results: Mapping[str, TaskResult], names: Mapping[str, Any]
) -> TaskResult:
    """Return how a group's round ended: whether its condition holds, or, without a loop, how its steps ended.

    Raises what the condition raises, where none of the steps failed.
    """
    own = [results[name] for name in group.members if plan.by_id[name].kind != "group"]
    common: dict[str, Any] = {"task": group.id, "attempt": group.attempt}
    if all(r.status == "skipped" for r in own):
        return TaskResult(**common, status="skipped", notes=("all its steps were left out",))
    if any(r.status == "budget" for r in own):
        return TaskResult(**common, status="budget")
    short = [r for r in own if r.status in ("failed", "refused")]
    if group.loop is None:
        kept = group.on_error == "keep" and len(short) < len(own)
        status = "ok" if not short else "partial" if kept else "failed"
        return TaskResult(**common, status=status, output={})
    try:
        holds = bool(Expression.parse(group.loop.until).evaluate(names))
    except BenchmateError:
        if not short and all(r.status != "skipped" for r in own):
            raise
        holds = False  # what it speaks of is not there
    output = {"rounds": group.round, "fulfilled": holds}
    if holds:
        return TaskResult(**common, status="ok", output=output)
    return TaskResult(
        **common,
        status="partial" if group.on_error == "keep" else "failed",
        output=output,
        unfulfilled=(0,),
        error=_not_fulfilled(group, ()),
    )
