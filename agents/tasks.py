"""Running one task: a tool call or a batch, an agent, a check, a question to a person. A failed task is a result, not an exception."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from langgraph.types import interrupt

from benchmate.agents.approval import ApprovalAnswer, ApprovalRequest
from benchmate.agents.claims import claims_from, quote_claims
from benchmate.agents.contracts import Claim, ItemResult, Plan, Task, TaskResult, TaskStatus, claim_id
from benchmate.agents.intake import Intake
from benchmate.agents.ledger import EvidenceIndex
from benchmate.agents.rounds import end_of_group, judged, outputs_by_item, step_names
from benchmate.runtime.calls import ends_run, evidence_in
from benchmate.runtime.canonical import call_key
from benchmate.runtime.context import RunContext, TaskScope, body_of, entered
from benchmate.runtime.errors import (
    BenchmateError,
    BudgetExceeded,
    ErrorInfo,
    InvalidInput,
    Refused,
)
from benchmate.runtime.evidence import Artifact, Evidence
from benchmate.runtime.expressions import Expression, fill
from benchmate.runtime.labels import NO_LABELS, Labels, merge_labels
from benchmate.tools.calls import ApprovalNeeded, call_batch
from benchmate.tools.registry import load_registry


class Setting(NamedTuple):
    """What a task sees: the plan, the intake, the results of the tasks it needs, and the engine for agents.

    In a loop also `loop`, what expressions may read of it, and `last`, the task's result in the round before.
    """

    plan: Plan
    intake: Intake
    results: Mapping[str, TaskResult]
    engine: Any = None
    loop: Mapping[str, Any] | None = None
    last: TaskResult | None = None

    def names(self) -> dict[str, Any]:
        """The names expressions may use: `inputs`, `steps` and in a loop `loop`."""
        names = {"inputs": self.plan.inputs, "steps": {k: step_names(r) for k, r in self.results.items()}}
        return names if self.loop is None else names | {"loop": self.loop}


async def run_task(context: RunContext, task: Task, setting: Setting) -> TaskResult:
    """Run a task and return how it ended. Raises only what ends the whole run, as `ends_run` says."""
    labels = inherited_labels(context, task, setting)
    try:
        return await _run(context, labels, task, setting)
    except BenchmateError as error:
        if ends_run(error):
            raise
        return TaskResult(task=task.id, attempt=task.attempt, status=_status_of(error), error=error.info)


def inherited_labels(context: RunContext, task: Task, setting: Setting) -> Labels:
    """Return the labels of what the task builds on: the results it needs and, at a new attempt, what earlier ones saw."""
    found = [r.labels for r in setting.results.values()]
    found += [c.labels for r in setting.results.values() for c in r.claims]
    if task.feedback is not None or task.round > 1:
        found += [
            e.result.labels
            for e in evidence_in(context.journal)
            if e.task == task.id and e.attempt < task.attempt
        ]
    return merge_labels(*found) if found else NO_LABELS


async def _run(context: RunContext, labels: Labels, task: Task, setting: Setting) -> TaskResult:
    blocked = [n for n in task.needs if setting.results[n].status in ("failed", "refused", "budget")]
    if blocked and task.kind in ("tool", "agent"):
        why = setting.results[blocked[0]].error
        return _skipped(task, f"{blocked[0]} did not succeed" + (f": {why.message}" if why else ""))
    gone = [
        n for n in task.needs if setting.results[n].status == "skipped" and setting.results[n].output is None
    ]
    if gone and task.kind == "tool" and task.when is None:
        return _skipped(task, f"{gone[0]} was left out")
    if (
        task.when is not None
        and task.foreach is None
        and not Expression.parse(task.when).evaluate(setting.names())
    ):
        return _skipped(task, f"its condition is false: {task.when}")
    for group in setting.plan.groups.get(task.id, ()):
        if group.when is not None and not Expression.parse(group.when).evaluate(setting.names()):
            return _skipped(task, f"the condition of {group.id} is false: {group.when}")
    if task.kind == "group":
        return end_of_group(setting.plan, task, setting.results, setting.names())
    if task.kind == "tool":
        return await _asking(context, labels, task, run_tool_task, setting)
    if task.kind == "agent":
        from benchmate.agents.specialists import run_agent_task

        result = await _asking(context, labels, task, run_agent_task, setting)
        return judged(task, result, lambda _, record: {**setting.names(), "result": record})
    if task.kind == "verify":
        from benchmate.agents.verifier import verify_step

        return await verify_step(context, task, setting)
    if task.kind == "approve":
        message = str(
            fill(task.arguments.get("message", f"Go on after {', '.join(task.needs)}?"), setting.names())
        )
        answer = ask_person(context, ApprovalRequest(subject=f"step:{task.id}", message=message), task.id)
        if not answer.approved:
            raise Refused(
                "not_approved", f"a person did not approve step {task.id!r}", hint=answer.note or None
            )
        return TaskResult(task=task.id, attempt=task.attempt, status="ok", output={"note": answer.note})
    return TaskResult(
        task=task.id, attempt=task.attempt, status="ok", output=fill(task.arguments, setting.names())
    )


async def _asking(
    context: RunContext,
    labels: Labels,
    task: Task,
    run: Callable[..., Awaitable[TaskResult]],
    setting: Setting,
) -> TaskResult:
    """Run something that may need a person's word; once that is in the journal, it goes through."""
    while True:
        scope = TaskScope(task.id, task.attempt, labels)  # counts identical calls from the start each time
        try:
            with entered(context, scope):
                return await run(context, scope, task, setting)
        except ApprovalNeeded as need:
            request = ApprovalRequest(subject=need.subject, message=need.message, details=need.details)
        ask_person(context, request, task.id)


def ask_person(context: RunContext, request: ApprovalRequest, task: str) -> ApprovalAnswer:
    """Return a person's answer: from the journal if it is there, else the graph stops here until it is.

    Both the question and the answer are journaled before the graph goes on.
    """
    source = context.recording or context.journal
    for record in source.records("approval.given"):
        if record.body["subject"] == request.subject:
            answer = ApprovalAnswer(
                approved=record.body["approved"],
                note=record.body.get("note", ""),
                plan=record.body.get("plan"),
            )
            if context.recording is not None:
                context.journal.append("approval.given", record.body, task=task)
            return answer
    asked = any(r.body["subject"] == request.subject for r in context.journal.records("approval.asked"))
    if not asked:
        context.journal.append("approval.asked", request.model_dump(mode="json"), task=task)
    answered = any(r.task == task for r in context.journal.records("approval.given"))
    while True:  # when a node runs again, LangGraph hands it the answers to its earlier questions first
        answer = ApprovalAnswer.model_validate(interrupt(request.model_dump(mode="json")))
        if answer.subject == request.subject or not (answer.subject or answered):
            break
    body = body_of(subject=request.subject, approved=answer.approved, note=answer.note or None,
                   plan=answer.plan.model_dump(mode="json") if answer.plan else None)  # fmt: skip
    context.journal.append("approval.given", body, task=task)
    return answer


async def run_tool_task(context: RunContext, scope: TaskScope, task: Task, setting: Setting) -> TaskResult:
    """Run a tool task: one call, or one per item in a bounded pool, each item keeping its own result or error."""
    assert task.tool is not None
    names = setting.names()
    if task.foreach is None:
        items: list[Any] = [None]
    else:
        items = fill(task.foreach, names) if isinstance(task.foreach, str) else task.foreach
        if not isinstance(items, list):
            raise InvalidInput(
                "not_a_list",
                f"foreach of step {task.id!r} gives a {type(items).__name__}, not a list",
                hint=str(task.foreach),
            )
    condition = Expression.parse(task.when) if task.when and task.foreach is not None else None
    chosen = [
        (i, item) for i, item in enumerate(items)
        if condition is None or condition.evaluate({**names, task.item_name: item})
    ]  # fmt: skip
    before = outputs_by_item(setting.last, single=task.foreach is None) if setting.last is not None else {}

    def names_of(index: int) -> dict[str, Any]:
        own = {**names, task.item_name: items[index]}
        return own if task.loop is None else own | {"loop": {"round": task.round, "last": before.get(index)}}

    outcomes: dict[int, Evidence | ErrorInfo] = dict(_carried(context, task, setting.last))
    filled = {index: fill(task.arguments, names_of(index)) for index, _ in chosen if index not in outcomes}
    outcomes |= _computed(context, task, setting.last, filled)
    todo = [index for index in filled if index not in outcomes]
    arguments = [filled[index] for index in todo]
    outcomes |= zip(todo, await _call_with_retries(context, scope, task, arguments), strict=True)
    result = collect_calls(task, chosen, [outcomes[index] for index, _ in chosen], total=len(items))
    return judged(task, result, lambda index, record: {**names_of(index), "result": record})


def _carried(context: RunContext, task: Task, last: TaskResult | None) -> dict[int, Evidence]:
    """Return what the round before has done for good, by item: it is taken over, not done again."""
    if last is None or not task.carries:
        return {}
    done = [i for i in last.items if i.evidence is not None and i.index not in last.unfulfilled]
    return {item.index: _evidence_of(context, task, item) for item in done}


def _computed(
    context: RunContext, task: Task, last: TaskResult | None, arguments: Mapping[int, dict[str, Any]]
) -> dict[int, Evidence]:
    """Return what the round before gave for the very same arguments, by item, where the tool only computes."""
    tool = load_registry()[task.tool or ""]
    if last is None or not tool.effects <= {"compute"}:
        return {}
    before = [_evidence_of(context, task, item) for item in last.items if item.evidence is not None]
    by_key = {evidence.call_key: evidence for evidence in before}
    found = dict[int, Evidence]()
    for index, given in arguments.items():
        with contextlib.suppress(BenchmateError):  # a call with such arguments fails, which is its result
            key = call_key(tool.name, tool.version, tool.validate(given))
            found |= {index: by_key[key]} if key in by_key else {}
    return found


def _evidence_of(context: RunContext, task: Task, item: ItemResult) -> Evidence:
    index = EvidenceIndex.of(context)
    return next(evidence for evidence in index[str(item.evidence)] if evidence.task == task.id)


async def _call_with_retries(
    context: RunContext, scope: TaskScope, task: Task, arguments: list[dict[str, Any]]
) -> list[Evidence | ErrorInfo]:
    assert task.tool is not None
    outcomes = await call_batch(context, scope, task.tool, arguments, task.max_parallel)
    for _ in range(task.retry.max):
        failed = [
            i
            for i, o in enumerate(outcomes)
            if isinstance(o, ErrorInfo) and {o.kind, o.code} & set(task.retry.errors)
        ]
        if not failed:
            break
        again = await call_batch(context, scope, task.tool, [arguments[i] for i in failed], task.max_parallel)
        for index, outcome in zip(failed, again, strict=True):
            outcomes[index] = outcome
    return outcomes


def collect_calls(
    task: Task, items: list[tuple[int, Any]], outcomes: list[Evidence | ErrorInfo], *, total: int,
    wanted: list[str] | None = None,
) -> TaskResult:  # fmt: skip
    """Return the TaskResult of the calls of one task: successes, failures, claims, and the output later steps see."""
    results, output, claims, evidence, artifacts = [], [], list[Claim](), [], list[Artifact]()
    labels: Labels = NO_LABELS
    names = wanted if wanted is not None else (list(task.claims) if task.claims is not None else None)
    for (index, item), outcome in zip(items, outcomes, strict=True):
        given = describe(item) if item is not None else ""
        if isinstance(outcome, ErrorInfo):
            results.append(ItemResult(index=index, given=given, status="failed", error=outcome))
            continue
        tool = load_registry()[outcome.tool]
        results.append(ItemResult(index=index, given=given, status="ok", evidence=outcome.id))
        output.append(item_output(outcome, given))
        claims += quote_claims(outcome, task.id)
        claims += claims_from(tool, outcome, task.id, names)
        evidence.append(outcome.id)
        artifacts += outcome.result.artifacts
        labels |= outcome.result.labels
    failed = [r for r in results if r.status == "failed"]
    status: TaskStatus = "ok" if not failed else "partial" if output and task.on_error == "keep" else "failed"
    if any(r.error and r.error.kind == "budget" for r in failed):
        status = "budget"
    elif status == "failed" and all(r.error and r.error.kind == "policy" for r in failed):
        status = "refused"
    single = task.foreach is None and len(items) == 1
    return TaskResult(
        task=task.id,
        attempt=task.attempt,
        status=status,
        output=(output[0] if output else None) if single else output,
        items=tuple(results),
        claims=tuple(_distinct(claims)),
        evidence=tuple(dict.fromkeys(evidence)),
        artifacts=tuple({a.sha: a for a in artifacts}.values()),
        error=failed[0].error if failed and status != "partial" else None,
        labels=labels,
        notes=(f"{total - len(items)} of {total} items left out by the condition",)
        if total > len(items)
        else (),
    )


def item_output(evidence: Evidence, given: str) -> dict[str, Any]:
    """Return what later steps see of one call: its data, its quantities, and its compound as a record to pass on."""
    entity = next((e for e in evidence.result.entities if e.kind == "compound"), None)
    output: dict[str, Any] = {
        "evidence": evidence.id,
        "given": given or (evidence.result.entities[0].given if evidence.result.entities else ""),
        "data": evidence.result.data,
        "quantities": {
            k: q.model_dump(mode="json", exclude_none=True) for k, q in evidence.result.quantities.items()
        },
        "artifacts": [a.model_dump(mode="json") for a in evidence.result.artifacts],
    }
    if entity is not None:
        output["compound"] = body_of(
            name=entity.label,
            smiles=entity.details.get("smiles"),
            registry_id=entity.details.get("registry_id"),
        )
        output["registry_id"] = entity.details.get("registry_id")
    return output


def describe(item: Any) -> str:
    """Return how an item is named to a reader: what was given."""
    if isinstance(item, str):
        return item if len(item) <= 80 else f"{item[:60]}… ({len(item)} characters)"
    if isinstance(item, Mapping):
        given = (
            item.get("given")
            or item.get("registry_id")
            or item.get("name")
            or item.get("smiles")
            or item.get("source")
        )
        if given:
            return str(given)
    return str(item)[:80]


def _distinct(claims: list[Claim]) -> list[Claim]:
    """Return the claims with one id each. The same statement from two items is one claim.

    One on the same structure under another name is a claim of its own.
    """
    found: dict[str, Claim] = {}
    for claim in claims:
        own, position = claim, 0
        while own.id in found and found[own.id].text != own.text:
            position += 1
            key = claim.subject.key if claim.subject else ""
            own = claim.model_copy(update={"id": claim_id(claim.task, key, claim.id, position)})
        found.setdefault(own.id, own)
    return list(found.values())


def _skipped(task: Task, why: str) -> TaskResult:
    return TaskResult(
        task=task.id,
        attempt=task.attempt,
        status="skipped",
        notes=(why,),
        output=[] if task.foreach else None,
    )


def _status_of(error: BenchmateError) -> TaskStatus:
    if isinstance(error, BudgetExceeded):
        return "budget"
    return "refused" if isinstance(error, Refused) else "failed"
