"""Calling tools inside a run: validation, policy, journal, workers. The innermost wrapper: nothing reaches a tool but through here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from benchmate.runtime.calls import Call, crash_error, evidence_of, record_batch
from benchmate.runtime.canonical import canonical_value
from benchmate.runtime.context import RunContext, TaskScope, body_of
from benchmate.runtime.errors import BenchmateError, BudgetExceeded, Crashed, ErrorInfo, Refused, error_from
from benchmate.runtime.evidence import Evidence
from benchmate.runtime.policy import Decision
from benchmate.tools.base import Tool, ToolContext
from benchmate.tools.registry import load_registry

__all__ = ["ApprovalNeeded", "call_batch", "call_tool", "tool_context"]

LARGEST_CHUNK = 64  # items that travel to a worker, and into the journal, together
DEFAULT_PARALLEL = 4


class ApprovalNeeded(Exception):
    """A person must allow this call first. Raised before anything has started; the graph turns it into an interrupt."""

    def __init__(self, subject: str, message: str, details: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.subject, self.message, self.details = subject, message, dict(details)


async def call_tool(
    context: RunContext, scope: TaskScope, name: str, arguments: Mapping[str, Any]
) -> Evidence:
    """Call one tool and return the evidence. Raises the tool's typed error, `Refused`, or `ApprovalNeeded`."""
    (outcome,) = await call_batch(context, scope, name, [arguments])
    if isinstance(outcome, ErrorInfo):
        raise error_from(outcome)
    return outcome


async def call_batch(
    context: RunContext,
    scope: TaskScope,
    name: str,
    items: Sequence[Mapping[str, Any]],
    max_parallel: int = DEFAULT_PARALLEL,
) -> list[Evidence | ErrorInfo]:
    """Call one tool on many items in a bounded pool; return evidence or a typed error for each, in order.

    Items are journaled in groups, so a killed batch repeats at most the groups in flight.
    """
    tool = load_registry()[name]
    calls: list[Call] = []
    invalid: dict[int, BenchmateError] = {}
    for index, item in enumerate(items):
        try:
            arguments = tool.validate(item)
        except BenchmateError as error:
            invalid[index] = error
            arguments = canonical_value(dict(item))
        calls.append(Call("tool", tool.name, tool.version, arguments, frozenset(tool.effects)))
    decision = _decide(context, scope, tool, calls)

    size = max(1, min(LARGEST_CHUNK, len(calls) // (4 * max_parallel))) if tool.cost == "cheap" else 1
    chunks = [list(range(start, min(start + size, len(calls)))) for start in range(0, len(calls), size)]
    gate, done, outcomes = asyncio.Semaphore(max_parallel), 0, dict[int, Evidence | ErrorInfo]()

    async def one(chunk: list[int]) -> None:
        nonlocal done
        async with gate:

            async def run(todo: list[int]) -> list[dict[str, Any] | BenchmateError]:
                return await _execute(context, scope, tool, [calls[chunk[i]].arguments for i in todo],
                                      [invalid.get(chunk[i]) for i in todo], decision)  # fmt: skip

            try:
                finished = await record_batch(context, scope, [calls[i] for i in chunk], run)
                for index, call in zip(chunk, finished, strict=True):
                    outcomes[index] = call.error or evidence_of(context.journal, call.record)
            except BudgetExceeded as error:  # what is done stays done; the rest is reported as not afforded
                outcomes.update(dict.fromkeys(chunk, error.info))
        done += len(chunk)
        if len(calls) > 1:
            context.progress(scope.task, done, len(calls), tool.name)

    try:
        async with asyncio.TaskGroup() as group:
            for chunk in chunks:
                group.create_task(one(chunk))
    except* BenchmateError as failures:
        raise _first(failures) from None
    return [outcomes[index] for index in range(len(calls))]


def _first(failures: BaseExceptionGroup[BenchmateError]) -> BenchmateError:
    error: BaseException = failures
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, BenchmateError)
    return error


def _decide(context: RunContext, scope: TaskScope, tool: Tool, calls: Sequence[Call]) -> Decision:
    """Return policy's word on these calls; log anything but a plain allow. Raises ApprovalNeeded for an open question."""
    decision = context.policy.decide(tool.name, tool.domain, tool.effects, context.labels | scope.labels)
    if decision.verdict == "allow" or context.recording is not None:
        return decision
    subject = f"call:{scope.task}:{tool.name}"
    answers = [r.body for r in context.journal.records("approval.given") if r.body.get("subject") == subject]
    if decision.verdict == "ask" and answers:
        allowed = bool(answers[-1].get("approved"))
        return decision.model_copy(
            update={"verdict": "allow" if allowed else "deny", "reason": "a person decided"}
        )
    context.journal.append(
        "policy.decided",
        body_of(tool=tool.name, verdict=decision.verdict, code=decision.code, reason=decision.reason, calls=len(calls)),
        task=scope.task, attempt=scope.attempt,
    )  # fmt: skip
    if decision.verdict == "ask":
        raise ApprovalNeeded(
            subject, f"{tool.name} wants to run: {decision.reason}",
            {"tool": tool.name, "arguments": [c.arguments for c in calls[:10]], "calls": len(calls)},
        )  # fmt: skip
    return decision


async def _execute(
    context: RunContext, scope: TaskScope, tool: Tool, arguments: list[dict[str, Any]],
    invalid: list[BenchmateError | None], decision: Decision,
) -> list[dict[str, Any] | BenchmateError]:  # fmt: skip
    if decision.verdict == "deny":
        refusal = Refused(decision.code, f"policy does not allow {tool.name}: {decision.reason}")
        return [error or refusal for error in invalid]
    setting = tool_context(context, scope)
    good = [a for a, error in zip(arguments, invalid, strict=True) if error is None]
    if tool.effects & {"read", "network", "write"}:  # stores and services are held by this process
        results = [await asyncio.to_thread(_run_one, tool.name, a, setting) for a in good]
    else:
        results = await _in_worker(context, tool, good, setting)
    results = [await _online(context, scope, tool, a, r, setting) for a, r in zip(good, results, strict=True)]
    remaining = iter(results)
    return [error or _as_outcome(next(remaining)) for error in invalid]


async def _in_worker(
    context: RunContext, tool: Tool, arguments: list[dict[str, Any]], setting: ToolContext
) -> list[dict[str, Any]]:
    """Run the items in a worker as one message; after a crash or a time-out, one by one, so that only the culprit fails."""
    if not arguments:
        return []
    each = tool.timeout or context.settings.workers.seconds
    try:
        limit = each if len(arguments) == 1 else min(10 * each, each + len(arguments))
        results: list[dict[str, Any]] = await context.workers.run(
            _run_many, tool.name, arguments, setting, timeout=limit
        )
        return results
    except Crashed as error:
        if len(arguments) == 1:
            return [{"error": error.info.model_dump(mode="json")}]
    return [(await _in_worker(context, tool, [a], setting))[0] for a in arguments]


async def _online(
    context: RunContext,
    scope: TaskScope,
    tool: Tool,
    arguments: dict[str, Any],
    result: dict[str, Any],
    setting: ToolContext,
) -> dict[str, Any]:
    """Return the result, or the result of trying again with a name that PubChem knows, where mode and policy allow to ask."""
    from benchmate.tools.chemistry.compounds import resolve_online

    error = result.get("error")
    argument = (error or {}).get("details", {}).get("argument")
    if not error or error["code"] != "unknown_compound" or not argument:
        return result
    ask = context.policy.decide("pubchem", "chemistry", frozenset({"network"}), context.labels | scope.labels)
    if ask.verdict != "allow":
        note = {"hint": f"PubChem was not asked: {ask.reason}"}
        return {"error": {**error, **note}}
    try:
        name, position = _argument_at(arguments, argument)
        record = await resolve_online(name, context.http)
    except BenchmateError as online:
        if online.code == "network_unavailable" and not context.mode.network:
            return result  # not asked, as the first error says
        return {"error": online.info.model_dump(mode="json")}
    replaced = position(record.model_dump(mode="json", exclude_none=True))
    (again,) = await _in_worker(context, tool, [replaced], setting)
    return await _online(context, scope, tool, replaced, again, setting)


def _argument_at(arguments: dict[str, Any], path: str) -> tuple[str, Any]:
    """Return the text at 'compound' or 'targets[2]', and a function that returns the arguments with it replaced."""
    name, _, index = path.rstrip("]").partition("[")
    given = arguments[name][int(index)] if index else arguments[name]

    def replaced(value: Any) -> dict[str, Any]:
        new = value
        if index:
            new = list(arguments[name])
            new[int(index)] = value
        return {**arguments, name: new}

    return (given if isinstance(given, str) else given["name"]), replaced


def tool_context(context: RunContext, scope: TaskScope) -> ToolContext:
    """Return what tools of this run may use."""
    settings = context.settings
    return ToolContext(
        cache_dir=settings.cache_dir,
        artifact_dir=context.artifacts.folder,
        library_folder=settings.library_folder,
        library_server=settings.library.server,
        library_collection=settings.library.collection,
        labels=context.labels | scope.labels,
    )


def _run_many(name: str, items: list[dict[str, Any]], setting: ToolContext) -> list[dict[str, Any]]:
    return [_run_one(name, arguments, setting) for arguments in items]


def _run_one(name: str, arguments: dict[str, Any], setting: ToolContext) -> dict[str, Any]:
    """Run a tool here and now; every failure comes back as data."""
    try:
        result = load_registry()[name].run(arguments, setting)
        labelled = result.model_copy(update={"labels": result.labels | setting.labels})
        plain: dict[str, Any] = canonical_value(labelled)
        return plain
    except BenchmateError as error:
        return {"error": error.info.model_dump(mode="json")}
    except MemoryError:
        raise
    except Exception as error:  # a fault in a tool must not end the batch, and is reported as a fault
        return {"error": crash_error(error, name).info.model_dump(mode="json")}


def _as_outcome(result: dict[str, Any]) -> dict[str, Any] | BenchmateError:
    return error_from(result["error"]) if set(result) == {"error"} else result
