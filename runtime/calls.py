"""One way to make a call: look it up, reserve budget, journal its start, run it, journal its end."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from benchmate.runtime.canonical import Canonical, call_key, canonical_json, evidence_id
from benchmate.runtime.context import RunContext, TaskScope, body_of
from benchmate.runtime.errors import (
    BenchmateError,
    BudgetExceeded,
    ErrorInfo,
    InternalError,
    InvalidInput,
    NotFound,
    Refused,
    error_from,
)
from benchmate.runtime.evidence import Evidence, ToolResult
from benchmate.runtime.journal import Entry, Journal, Record

CallType = Literal["tool", "model"]
Result = dict[str, Any] | Canonical  # what a call gives: plain data, or its text where that is made already
STOPPED = "stopped"
REPEATABLE = frozenset({"read", "compute", "network"})  # effects after which a call may simply be run again


def ends_run(error: BenchmateError) -> bool:
    """Return whether no task may go on after this error: nothing can be recorded, a replay lacks a call, or a person said stop."""
    return error.info.kind == "storage" or error.code in ("not_recorded", STOPPED)


@dataclass(frozen=True, slots=True)
class Call:
    """A call about to be made. `arguments` are validated, plain and canonical."""

    type: CallType
    name: str
    version: str
    arguments: dict[str, Any]
    effects: frozenset[str] = frozenset({"compute"})
    tokens: int = 0  # reserved before a model call, settled by what it used
    usd: float = 0.0
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", call_key(self.name, self.version, self.arguments))


@dataclass(frozen=True, slots=True)
class Finished:
    """A call that ended, now or earlier: its result or its error, as the journal holds it."""

    record: Record
    reused: bool
    evidence: str | None = None  # the evidence id, where making it cost nothing

    @property
    def error(self) -> ErrorInfo | None:
        return ErrorInfo.model_validate(self.record.body["error"]) if "error" in self.record.body else None

    @property
    def result(self) -> dict[str, Any]:
        """The result. Raises the recorded error when there is one."""
        if self.error is not None:
            raise error_from(self.error)
        result: dict[str, Any] = self.record.body["result"]
        return result


async def record_call(
    context: RunContext, scope: TaskScope, call: Call, run: Callable[[], Awaitable[dict[str, Any]]]
) -> Finished:
    """Make one call, or return it from the journal. See `record_batch`."""
    (finished,) = await record_batch(context, scope, [call], lambda todo: _one(run))
    return finished


async def _one(run: Callable[[], Awaitable[dict[str, Any]]]) -> Sequence[Result | BenchmateError]:
    try:
        return [await run()]
    except BenchmateError as error:
        return [error]


async def record_batch(
    context: RunContext,
    scope: TaskScope,
    calls: Sequence[Call],
    run: Callable[[list[int]], Awaitable[Sequence[Result | BenchmateError]]],
) -> list[Finished]:
    """Make several calls as one transaction each way, and return them in order.

    A call that finished before in this task and attempt is returned as it was; one that is in
    `context.recording` is copied from there. `run` gets the indices of the rest and returns a result or an
    error for each. Errors are results too: they are recorded, and raised by `Finished.result`.

    Raises Refused (`stopped`) when the run was asked to stop, NotFound (`not_recorded`) in replay mode, Refused (`unfinished_effect`) when a write or exec call
    had started before and nobody knows how it ended, BudgetExceeded before anything starts. The last two are
    recorded, so that a replay is refused the same calls.
    """
    found: dict[int, Finished] = {}
    todo: list[int] = []
    occurrences = [scope.next_occurrence(call.key) for call in calls]
    for index, call in enumerate(calls):
        earlier = context.journal.find_call(
            call.key, scope.task, scope.attempt, occurrence=occurrences[index]
        )
        if earlier is not None:
            found[index] = Finished(earlier, reused=True)
        elif context.recording is not None:
            found[index] = Finished(_copy(context, scope, call, occurrences[index]), reused=True)
        elif (cited := _cite_earlier(context, scope, call)) is not None:
            found[index] = Finished(cited, reused=True)
        else:
            _check_unfinished(context, scope, call, occurrences[index])
            todo.append(index)
    if todo:
        found.update(await _run_and_record(context, scope, calls, todo, run))
    return [found[index] for index in range(len(calls))]


async def _run_and_record(
    context: RunContext,
    scope: TaskScope,
    calls: Sequence[Call],
    todo: list[int],
    run: Callable[[list[int]], Awaitable[Sequence[Result | BenchmateError]]],
) -> dict[int, Finished]:
    todo_calls = [calls[i] for i in todo]
    if context.stop.is_set():  # a safe point: what was begun has been recorded, nothing new begins
        raise Refused(STOPPED, "the run was asked to stop here", hint="resume it to go on")
    try:
        reservation = context.budget.reserve(
            calls=len(todo), tokens=sum(c.tokens for c in todo_calls), usd=sum(c.usd for c in todo_calls)
        )
    except BudgetExceeded as error:
        _record_refusal(context.journal, scope, todo_calls, error.info)
        raise
    used_tokens, used_usd = 0, 0.0
    try:
        context.journal.append_many([
            Entry("call.started", body_of(type=c.type, name=c.name, version=c.version, arguments=c.arguments),
                  scope.task, scope.attempt, c.key)
            for c in todo_calls
        ])  # fmt: skip
        begun = time.monotonic()
        results = await run(todo)
        elapsed = round(time.monotonic() - begun, 4)
        entries = []
        for call, result in zip(todo_calls, results, strict=True):
            body = body_of(type=call.type, name=call.name, version=call.version, elapsed=elapsed)
            if isinstance(result, BenchmateError):
                body["error"] = result.info.model_dump(mode="json")
            else:
                usage = (result.get("usage") or {}) if isinstance(result, dict) else {}
                used_tokens += int(usage.get("total_tokens", 0))
                used_usd += float(usage.get("usd", 0.0))
                body["result"] = result
            entries.append(Entry("call.finished", body, scope.task, scope.attempt, call.key))
        records = _append_results(context.journal, entries)
        ids = [
            evidence_id(c.key, r) if isinstance(r, Canonical) else None
            for c, r in zip(todo_calls, results, strict=True)
        ]
    finally:
        context.budget.settle(reservation, calls=len(todo), tokens=used_tokens, usd=used_usd)
        for said in context.budget.running_out():
            context.emit_notice(f"the budget is running out: {said}")
    return {
        index: Finished(record, reused=False, evidence=identity)
        for index, record, identity in zip(todo, records, ids, strict=True)
    }


def _append_results(journal: Journal, entries: list[Entry]) -> list[Record]:
    """Write the ends of calls. A result that cannot be recorded is that call's own error, not the batch's."""
    try:
        return journal.append_many(entries)
    except InvalidInput:
        return journal.append_many([_recordable(entry) for entry in entries])


def _recordable(entry: Entry) -> Entry:
    try:
        canonical_json(entry.body)
    except InvalidInput as error:
        body = {key: value for key, value in entry.body.items() if key not in ("result", "error")}
        fault = crash_error(error, f"recording what {entry.body['name']} returned")
        return replace(entry, body=body | {"error": fault.info.model_dump(mode="json")})
    return entry


def _copy(context: RunContext, scope: TaskScope, call: Call, occurrence: int) -> Record:
    assert context.recording is not None
    source = context.recording.find_call(call.key, scope.task, scope.attempt, occurrence=occurrence)
    refused = context.recording.find_calls(call.key, scope.task, scope.attempt, "call.refused")
    if source is None and refused:
        error = ErrorInfo.model_validate(refused[-1].body["error"])
        _record_refusal(context.journal, scope, [call], error, at=refused[-1].at)
        raise error_from(error)
    if source is None:
        raise NotFound(
            "not_recorded",
            f"the recording holds no call of {call.name} with these arguments in task {scope.task!r}",
            hint="replay needs the program version that made the run; `benchmate run` makes a new one",
            details={"name": call.name, "arguments": call.arguments},
        )
    context.budget.settle_past(source)
    started = body_of(type=call.type, name=call.name, version=call.version, arguments=call.arguments)
    return context.journal.append_many([
        Entry("call.started", started, scope.task, scope.attempt, call.key, source.at),
        Entry("call.finished", source.body, scope.task, scope.attempt, call.key, source.at),
    ])[1]  # fmt: skip


def _cite_earlier(context: RunContext, scope: TaskScope, call: Call) -> Record | None:
    """Return the result that an earlier run of the session has of this very call of a tool, as a record here that cites it.

    The evidence has the same id and the time of the earlier call; what it made is copied, so that the run stays whole alone.
    """
    if call.type != "tool" or not call.effects <= REPEATABLE:
        return None
    for run in context.earlier:
        if (source := run.journal.newest_result(call.key)) is None:
            continue
        for artifact in source.body["result"].get("artifacts", ()):
            context.artifacts.copy_from(run.artifacts, artifact["sha"])
        started = body_of(type=call.type, name=call.name, version=call.version, arguments=call.arguments)
        cites = source.body.get("cites", {"run": run.run_id, "seq": source.seq})
        return context.journal.append_many([
            Entry("call.started", started, scope.task, scope.attempt, call.key, source.at),
            Entry("call.finished", source.body | {"cites": cites}, scope.task, scope.attempt, call.key, source.at),
        ])[1]  # fmt: skip
    return None


def _record_refusal(
    journal: Journal, scope: TaskScope, calls: Sequence[Call], error: ErrorInfo, at: float | None = None
) -> None:
    when = {} if at is None else {"at": at}
    journal.append_many([
        Entry("call.refused", body_of(type=c.type, name=c.name, version=c.version, error=error.model_dump(mode="json")),
              scope.task, scope.attempt, c.key, **when)
        for c in calls
    ])  # fmt: skip


def unfinished_start(journal: Journal, scope: TaskScope, call: Call, occurrence: int) -> Record | None:
    """Return the start of a write or exec call that nobody knows the end of, and no person has cleared."""
    if call.effects <= REPEATABLE or journal.find_call(
        call.key, scope.task, scope.attempt, occurrence=occurrence
    ):
        return None
    # Every start that is not cleared has its end in the journal, up to the occurrence asked for now.
    cleared = {r.body.get("subject") for r in journal.records("approval.given") if r.body.get("approved")}
    starts = journal.find_calls(call.key, scope.task, scope.attempt, "call.started")
    open_starts = [start for start in starts if f"unfinished:{start.seq}" not in cleared]
    return open_starts[occurrence] if len(open_starts) > occurrence else None


def _check_unfinished(context: RunContext, scope: TaskScope, call: Call, occurrence: int) -> None:
    started = unfinished_start(context.journal, scope, call, occurrence)
    if started is None:
        return
    refusal = Refused(
        "unfinished_effect",
        f"{call.name} had started before the run stopped, and may have taken effect",
        hint="look at what it did, then approve running it again or skip it",
        details={"name": call.name, "arguments": call.arguments, "started": started.seq},
    )
    _record_refusal(context.journal, scope, [call], refusal.info)
    raise refusal


def evidence_of(
    journal: Journal, record: Record, *, arguments: dict[str, Any] | None = None, identity: str | None = None
) -> Evidence:
    """Return the evidence that a finished tool call's record is. Raises the error of a failed call.

    The call's `arguments` and the evidence's `identity` are found out unless the caller has them at hand.
    """
    finished = Finished(record, reused=True)
    result = ToolResult.model_validate(finished.result)
    if arguments is None:
        started = journal.find_call(record.call_key, record.task, record.attempt, "call.started")
        arguments = started.body["arguments"] if started else {}
    return Evidence(
        id=identity or evidence_id_of(record),
        call_key=record.call_key,
        tool=record.body["name"],
        tool_version=record.body["version"],
        arguments=arguments,
        result=result,
        task=record.task,
        attempt=record.attempt,
        seq=record.seq,
        at=record.at,
    )


def evidence_id_of(record: Record) -> str:
    """Return the id of the evidence that a finished call's record is."""
    return evidence_id(record.call_key, Canonical.reread(record.body["result"]))


def evidence_records(journal: Journal, after: int = 0) -> Iterator[Record]:
    """Yield the records of the tool calls that succeeded, in order, after record number `after`."""
    for record in journal.records("call.finished", after=after):
        if record.body["type"] == "tool" and "result" in record.body:
            yield record


def evidence_in(journal: Journal) -> Iterator[Evidence]:
    """Yield the evidence of every tool call that succeeded, in order."""
    for record in evidence_records(journal):
        yield evidence_of(journal, record)


def usage_of(journal: Journal) -> dict[str, float]:
    """Return what the run used: calls of tools and of models, failed calls, tokens and cost."""
    usage = {
        "tool_calls": 0,
        "model_calls": 0,
        "failed_calls": 0,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "usd": 0.0,
    }
    for record in journal.records("call.finished"):
        if "cites" in record.body:
            continue  # another run paid for it
        usage[f"{record.body['type']}_calls"] += 1
        usage["failed_calls"] += "error" in record.body
        spent = (record.body.get("result") or {}).get("usage") or {}
        for key in ("prompt_tokens", "completion_tokens", "usd"):
            usage[key] += spent.get(key, 0)
    return usage


def crash_error(error: BaseException, what: str) -> InternalError:
    """Return a fault in a tool's code as a typed error that names it."""
    return InternalError(
        "tool_fault",
        f"{what} failed: {type(error).__name__}: {error}",
        hint="this is a fault in the tool, please report it",
    )
