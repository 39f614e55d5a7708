"""Calling tools inside a run: validation, policy, journal, workers. The innermost wrapper: nothing reaches a tool but through here."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmate.runtime.calls import (
    REPEATABLE,
    Call,
    Result,
    crash_error,
    ends_run,
    evidence_of,
    record_batch,
    unfinished_start,
)
from benchmate.runtime.canonical import Canonical, canonical_json, canonical_value, digest
from benchmate.runtime.context import RunContext, TaskScope, body_of
from benchmate.runtime.errors import (
    BenchmateError,
    BudgetExceeded,
    Crashed,
    ErrorInfo,
    NotFound,
    Refused,
    error_from,
)
from benchmate.runtime.evidence import Evidence, HazardNotice
from benchmate.runtime.journal import Entry
from benchmate.runtime.policy import STRICTNESS, Decision
from benchmate.tools import hazards
from benchmate.tools.base import Tool, ToolContext
from benchmate.tools.entities import resolve_arguments, with_files
from benchmate.tools.files import FileRecord, keep_file
from benchmate.tools.registry import load_registry

__all__ = ["ApprovalNeeded", "call_batch", "call_table", "call_tool", "policy_on", "tool_context"]

LARGEST_CHUNK = 256  # items that travel to a worker, and into the journal, together
DEFAULT_PARALLEL = 4
OFFLINE_REASON = ", and PubChem was not asked because"  # what the offline table's error goes on with


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
            arguments = with_files(tool, arguments, lambda given: _kept(context, given))
        except BenchmateError as error:
            invalid[index] = error
            arguments = canonical_value(dict(item))
        calls.append(Call("tool", tool.name, tool.version, arguments, frozenset(tool.effects)))
    if not calls:
        return []
    asked = _occurrences(scope, calls)
    listed = await _listed(context, scope, tool, calls, invalid)
    decision = _decide(context, scope, tool, calls, asked, listed)
    approved = frozenset(n.key for n in listed) if decision.verdict == "allow" else frozenset()
    _ask_about_unfinished(context, scope, calls, asked)

    together = tool.cost == "cheap" and tool.effects <= REPEATABLE
    size = max(1, min(LARGEST_CHUNK, len(calls) // (4 * max_parallel))) if together else 1
    chunks = [list(range(start, min(start + size, len(calls)))) for start in range(0, len(calls), size)]
    ended: list[BenchmateError] = []
    gate, done, outcomes = asyncio.Semaphore(max_parallel), 0, dict[int, Evidence | ErrorInfo]()

    async def one(chunk: list[int]) -> None:
        nonlocal done
        async with gate:

            async def run(todo: list[int]) -> list[Result | BenchmateError]:
                return await _execute(context, scope, tool, [calls[chunk[i]].arguments for i in todo],
                                      [invalid.get(chunk[i]) for i in todo], decision, approved)  # fmt: skip

            try:
                finished = await record_batch(context, scope, [calls[i] for i in chunk], run)
                for index, call in zip(chunk, finished, strict=True):
                    outcomes[index] = call.error or evidence_of(
                        context.journal, call.record, arguments=calls[index].arguments, identity=call.evidence
                    )
                _note_hazards(context, scope, tool, [(calls[i], outcomes[i]) for i in chunk])
            except (BudgetExceeded, Refused) as error:  # what is done stays done; the rest says why it is not
                if ends_run(error):
                    ended.append(error)  # raised below: what else has begun may end first
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
    if ended:
        raise ended[0]
    return [outcomes[index] for index in range(len(calls))]


async def call_table(
    context: RunContext, scope: TaskScope, name: str, items: Sequence[Mapping[str, Any]]
) -> list[Evidence]:
    """Call one tool on many items and return the evidence of their tables, each of up to MOST_ROWS rows, in order.

    An item that fails is a row with its error. Nothing else is kept of an item than its row, so this costs little more
    than the bare library; `call_batch` keeps each call. Raises `Refused` where policy does not plainly allow the tool,
    NotFound (`unknown_tool`), InvalidInput (`not_tabulated`).
    """
    from benchmate.tools.tabulate import MOST_ROWS

    tool = load_registry()[name]
    decision = policy_on(context, scope, tool)
    if decision.verdict != "allow":
        raise Refused(decision.code, f"policy does not allow {name} in a table: {decision.reason}")
    plain = [with_files(tool, dict(item), lambda given: _kept(context, given)) for item in items]
    parts = [
        {"tool": name, "items": plain[start : start + MOST_ROWS]} for start in range(0, len(plain), MOST_ROWS)
    ]
    outcomes = await call_batch(context, scope, "tabulate", parts)
    for outcome in outcomes:
        if isinstance(outcome, ErrorInfo):
            raise error_from(outcome)
    return [outcome for outcome in outcomes if isinstance(outcome, Evidence)]


def _kept(context: RunContext, given: str | dict[str, str]) -> FileRecord:
    """Return the file that a path stands for in this run: what it held when it was first read, in a replay too.

    Raises as `keep_file`; in a replay NotFound (`not_recorded`).
    """
    if not isinstance(given, str):
        return FileRecord.model_validate(given)
    for record in (context.recording or context.journal).records("file.kept"):
        if record.body["given"] == given:
            return FileRecord(name=record.body["name"], sha256=record.body["sha256"])
    if context.recording is not None:
        raise NotFound("not_recorded", f"the recording holds no file {given!r}")
    kept = keep_file(given, context.artifacts.folder)
    context.journal.append("file.kept", {"given": given, **kept.model_dump(mode="json")})
    return kept


def _first(failures: BaseExceptionGroup[BenchmateError]) -> BenchmateError:
    error: BaseException = failures
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, BenchmateError)
    return error


def _occurrences(scope: TaskScope, calls: Sequence[Call]) -> list[int]:
    """Return how often each call was asked for before in this scope, identical ones of this batch counted in."""
    seen = Counter(scope.occurrences)
    found = []
    for call in calls:
        found.append(seen[call.key])
        seen[call.key] += 1
    return found


def policy_on(context: RunContext, scope: TaskScope, tool: Tool) -> Decision:
    """Return policy's word on calls of a tool. The graph's own tools, which only compute, are no matter of policy."""
    if tool.domain == "internal" and tool.effects <= {"compute"}:
        return Decision(verdict="allow", code="allowed", reason=f"{tool.name} is part of the graph")
    return context.policy.decide(tool.name, tool.domain, tool.effects, context.labels | scope.labels)


async def _listed(
    context: RunContext,
    scope: TaskScope,
    tool: Tool,
    calls: Sequence[Call],
    invalid: Mapping[int, BenchmateError],
) -> list[HazardNotice]:
    """Return what the hazard gate would ask a person about in calls that make something, before any of them begins.

    What it denies, it denies where the call is made; a call that fails for another reason fails there, too.
    """
    if context.recording is not None or not hazards.is_making(tool):
        return []
    arguments = [call.arguments for index, call in enumerate(calls) if index not in invalid]
    setting = tool_context(context, scope)
    try:
        if tool.name in load_registry().added:
            found = await asyncio.to_thread(_foreseen, tool.name, arguments, setting)
        else:
            limit = tool.timeout or context.settings.workers.seconds
            found = await context.workers.run(_foreseen, tool.name, arguments, setting, timeout=limit)
    except Crashed as error:  # what cannot be looked at is not allowed unseen
        raise Refused(
            "hazard_unknown", f"the hazard gate could not look at the calls of {tool.name}: {error.info.message}",
            hint="give smaller inputs",
        ) from None  # fmt: skip
    return [HazardNotice.model_validate(one) for one in found]


def _foreseen(name: str, items: list[dict[str, Any]], setting: ToolContext) -> list[dict[str, Any]]:
    """Return what a person would be asked about in calls that are about to be made: nothing of those that are denied anyway."""
    tool = load_registry()[name]
    asked: list[HazardNotice] = []
    for arguments in items:
        found = _foreseen_in(tool, arguments, setting)
        if not any(notice.verdict == "deny" for notice in found):
            asked += [notice for notice in found if notice.verdict == "ask"]
    return [notice.model_dump(mode="json") for notice in dict.fromkeys(asked)]


def _foreseen_in(tool: Tool, arguments: dict[str, Any], setting: ToolContext) -> list[HazardNotice]:
    """Return the gate's notices for one call. Where only the result tells what is made, it is computed to know it."""
    plain = {k: v for k, v in arguments.items() if tool.entity_arguments.get(k) != "file"}
    try:
        resolved, _ = resolve_arguments(tool, plain, setting.artifact_dir)
        own = hazards.judge(tool, hazards.findings_in(tool, resolved), setting.hazard_rules)
    except BenchmateError:
        return []  # the call itself will say so
    computed = tool.makes is not None and tool.makes.products is not None and tool.effects <= {"compute"}
    if not computed or any(notice.verdict == "deny" for notice in own):
        return own
    asked = frozenset(notice.key for notice in own if notice.verdict == "ask")
    try:
        tool.run(arguments, dataclasses.replace(setting, hazards_approved=asked))
    except BenchmateError as error:
        own += [HazardNotice.model_validate(n) for n in error.info.details.get("hazards", ())]
    return own


def _note_hazards(
    context: RunContext, scope: TaskScope, tool: Tool, ended: Sequence[tuple[Call, Evidence | ErrorInfo]]
) -> None:
    """Journal what the hazard gate decided of calls that have ended, once for each call in its task."""
    known = context.projections.get("hazards")
    if known is None:
        records = context.journal.records("hazard.decided")
        known = {(r.task, r.attempt, r.call_key, r.body["list"], r.body["entry"]) for r in records}
        context.projections["hazards"] = known
    entries = []
    for call, outcome in ended:
        if isinstance(outcome, Evidence):
            notices = outcome.result.hazards
        else:
            notices = tuple(HazardNotice.model_validate(n) for n in outcome.details.get("hazards", ()))
        for notice in notices:
            key = (scope.task, scope.attempt, call.key, notice.list, notice.entry)
            if key not in known:
                known.add(key)
                body = {"tool": tool.name, **notice.model_dump(mode="json")}
                entries.append(Entry("hazard.decided", body, scope.task, scope.attempt, call.key))
    if entries:
        context.journal.append_many(entries)


def _decide(
    context: RunContext,
    scope: TaskScope,
    tool: Tool,
    calls: Sequence[Call],
    occurrences: Sequence[int],
    listed: Sequence[HazardNotice] = (),
) -> Decision:
    """Return policy's word on these calls, and the hazard gate's; log anything but a plain allow. Raises ApprovalNeeded for an open question.

    A person's yes is for the calls that were shown: others by the same tool in the same task are asked about anew.
    """
    decision = policy_on(context, scope, tool)
    if listed and STRICTNESS[decision.verdict] <= STRICTNESS["ask"]:
        why = [decision.reason] if decision.verdict == "ask" else []
        reason = "; ".join([*why, *dict.fromkeys(notice.reason for notice in listed)])
        decision = Decision(verdict="ask", code="hazard_ask", reason=reason)
    if decision.verdict == "allow" or context.recording is not None:
        return decision
    these = [[call.key, occurrence] for call, occurrence in zip(calls, occurrences, strict=True)]
    subject = f"call:{scope.task}:{tool.name}:{digest(scope.attempt, these, length=12)}"
    answers = _answers(context, subject)
    if decision.verdict == "ask" and answers:
        said = answers[-1]
        reason = "a person decided" + (f": {said['note']}" if said.get("note") else "")
        return decision.model_copy(
            update={"verdict": "allow" if said.get("approved") else "deny", "reason": reason}
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


def _answers(context: RunContext, subject: str) -> list[dict[str, Any]]:
    return [r.body for r in context.journal.records("approval.given") if r.body.get("subject") == subject]


def _ask_about_unfinished(
    context: RunContext, scope: TaskScope, calls: Sequence[Call], occurrences: Sequence[int]
) -> None:
    """Raise ApprovalNeeded for a call that may have taken effect before the run stopped, unless a person has answered."""
    if context.recording is not None:
        return
    for call, occurrence in zip(calls, occurrences, strict=True):
        start = unfinished_start(context.journal, scope, call, occurrence)
        if start is not None and not _answers(context, f"unfinished:{start.seq}"):
            raise ApprovalNeeded(
                f"unfinished:{start.seq}",
                f"{call.name} had started before the run stopped and may have taken effect; run it again?",
                {"tool": call.name, "arguments": [call.arguments], "calls": 1},
            )


async def _execute(
    context: RunContext, scope: TaskScope, tool: Tool, arguments: list[dict[str, Any]],
    invalid: list[BenchmateError | None], decision: Decision, approved: frozenset[str],
) -> list[Result | BenchmateError]:  # fmt: skip
    if decision.verdict == "deny":
        refusal = Refused(decision.code, f"policy does not allow {tool.name}: {decision.reason}")
        return [error or refusal for error in invalid]
    setting = dataclasses.replace(tool_context(context, scope), hazards_approved=approved)
    good = [a for a, error in zip(arguments, invalid, strict=True) if error is None]
    held_here = tool.effects & {"read", "network", "write"}  # stores and services
    if held_here or tool.name in load_registry().added:
        results = [await _in_thread(context, tool, a, setting) for a in good]
    else:
        results = await _in_worker(context, tool, good, setting)
    results = [await _online(context, scope, tool, a, r, setting) for a, r in zip(good, results, strict=True)]
    remaining = iter(results)
    return [error or _as_outcome(next(remaining)) for error in invalid]


async def _in_thread(
    context: RunContext, tool: Tool, arguments: dict[str, Any], setting: ToolContext
) -> Result:
    """Run one call in a thread of its own. One that does not come back in time is left behind, and reported."""
    loop, seconds = asyncio.get_running_loop(), tool.timeout or context.settings.workers.seconds
    future: asyncio.Future[Result] = loop.create_future()

    def deliver(result: Result) -> None:
        if not future.done():
            future.set_result(result)

    def work() -> None:
        try:
            result = _run_one(tool.name, arguments, setting)
        except BaseException as error:  # whatever ends a tool is its result: somebody waits for it
            result = {"error": crash_error(error, tool.name).info.model_dump(mode="json")}
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(deliver, result)

    threading.Thread(target=work, name=tool.name, daemon=True).start()
    try:
        return await asyncio.wait_for(future, seconds)
    except TimeoutError:
        late = Crashed(
            "tool_timeout", f"{tool.name} did not finish within {seconds:g} s",
            hint="give it a smaller input, or more time", details={"seconds": seconds},
        )  # fmt: skip
        return {"error": late.info.model_dump(mode="json")}


async def _in_worker(
    context: RunContext, tool: Tool, arguments: list[dict[str, Any]], setting: ToolContext
) -> list[Result]:
    """Run the items in a worker as one message; after a crash or a time-out, one by one, so that only the culprit fails."""
    if not arguments:
        return []
    each = tool.timeout or context.settings.workers.seconds
    try:
        limit = each if len(arguments) == 1 else min(10 * each, each + len(arguments))
        results: list[Result] = await context.workers.run(
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
    result: Result,
    setting: ToolContext,
) -> Result:
    """Return the result, or the result of trying again with a name that PubChem knows, where mode and policy allow to ask."""
    from benchmate.tools.chemistry.compounds import resolve_online

    if isinstance(result, Canonical):
        return result
    error = result["error"]
    path = error.get("details", {}).get("argument")
    place = _argument_at(tool, arguments, path) if error["code"] == "unknown_compound" else None
    if place is None:
        return result
    name, replaced_by = place
    ask = context.policy.decide("pubchem", "chemistry", frozenset({"network"}), context.labels | scope.labels)
    if ask.verdict != "allow":
        known = error["message"].partition(OFFLINE_REASON)[0]  # here it is another
        return {"error": {**error, "message": f"{known}, and PubChem was not asked: {ask.reason}"}}
    try:
        record = await resolve_online(name, context.http)
    except BenchmateError as online:
        if online.code == "network_unavailable" and not context.mode.network:
            return result  # not asked, as the first error says
        return {"error": online.info.model_dump(mode="json")}
    replaced = replaced_by(record.model_dump(mode="json", exclude_none=True))
    (again,) = await _in_worker(context, tool, [replaced], setting)
    return await _online(context, scope, tool, replaced, again, setting)


def _argument_at(
    tool: Tool, arguments: dict[str, Any], path: Any
) -> tuple[str, Callable[[Any], dict[str, Any]]] | None:
    """Return the name at 'compound' or 'targets[2]', and a function that returns the arguments with it replaced.

    None where no name of a compound stands there: a tool of somebody else's may say anything of its arguments.
    """
    name, _, index = str(path or "").rstrip("]").partition("[")
    if tool.entity_arguments.get(name) != "compound" or name not in arguments:
        return None
    if index and not isinstance(arguments[name], list):
        return None
    try:
        given = arguments[name][int(index)] if index else arguments[name]
    except (LookupError, ValueError):
        return None
    if isinstance(given, dict):  # one that has a structure needs none from PubChem
        given = None if given.get("smiles") else given.get("name")
    if not isinstance(given, str):
        return None

    def replaced(value: Any) -> dict[str, Any]:
        new = value
        if index:
            new = list(arguments[name])
            new[int(index)] = value
        return {**arguments, name: new}

    return given, replaced


def tool_context(context: RunContext, scope: TaskScope) -> ToolContext:
    """Return what tools of this run may use."""
    settings = context.settings
    return ToolContext(
        cache_dir=settings.cache_dir,
        artifact_dir=context.artifacts.folder,
        library_folder=settings.library_folder,
        library_server=settings.library.server,
        library_collection=settings.library.collection,
        aizynthfinder=settings.aizynthfinder,
        labels=context.labels | scope.labels,
        hazard_rules=context.policy.hazard_rules,
    )


def _run_many(name: str, items: list[dict[str, Any]], setting: ToolContext) -> list[Result]:
    return [_run_one(name, arguments, setting) for arguments in items]


def _run_one(name: str, arguments: dict[str, Any], setting: ToolContext) -> Result:
    """Run a tool here and now. A result comes as canonical text, made here beside the work; a failure as `{"error": …}`."""
    try:
        result = load_registry()[name].run(arguments, setting)
        labels = result.labels | setting.labels
        return Canonical(canonical_json({**result.model_dump(mode="json"), "labels": labels}))
    except BenchmateError as error:
        return {"error": error.info.model_dump(mode="json")}
    except MemoryError:
        raise
    except Exception as error:  # a fault in a tool must not end the batch, and is reported as a fault
        return {"error": crash_error(error, name).info.model_dump(mode="json")}


def _as_outcome(result: Result) -> Result | BenchmateError:
    return result if isinstance(result, Canonical) else error_from(result["error"])
