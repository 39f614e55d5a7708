"""Runs: opening a run's folder, driving the graph to its end or to a question, resuming, replaying, and writing the report."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from benchmate.agents.approval import ApprovalAnswer, ApprovalRequest
from benchmate.agents.attachments import (
    Source,
    check_accepted,
    keep_inputs,
    read_attachment,
    sources_in,
)
from benchmate.agents.contracts import Plan, Report
from benchmate.agents.earlier import read_earlier
from benchmate.app.open_run import (
    Listener,
    OpenRun,
    checkpoint_errors,
    new_run_id,
    open_run,
    record_opening,
    start_of,
)
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.calls import ends_run, usage_of
from benchmate.runtime.context import TaskScope, body_of
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, StorageError, did_you_mean
from benchmate.runtime.files import write_atomically
from benchmate.runtime.journal import Entry, Journal, Record, open_existing
from benchmate.runtime.policy import Policy
from benchmate.runtime.settings import Role, Settings, load_settings

if TYPE_CHECKING:
    from benchmate.runtime.evidence import Evidence

__all__ = [
    "OpenRun", "RunOutcome", "call_once", "execute", "find_run", "load_outcome", "new_run_id", "open_run", "replay_run",
    "resume_run", "run_sync", "write_report",
]  # fmt: skip

Approver = Callable[[ApprovalRequest], ApprovalAnswer | Awaitable[ApprovalAnswer | None] | None]
T = TypeVar("T")


@dataclass(frozen=True)
class RunOutcome:
    """How a run stands: ended with a report, or waiting for a person."""

    run_id: str
    folder: Path
    status: str
    answer: str
    report: Report | None = field(default=None, repr=False)  # asyncio writes out what a task returned
    waiting: ApprovalRequest | None = None
    usage: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as one JSON document: run, dir, status, answer, claims, evidence, usage."""
        report = self.report
        return {
            "run": self.run_id,
            "dir": str(self.folder),
            "status": self.status,
            "answer": self.answer,
            "claims": [_claim_json(report, c) for c in report.claims] if report else [],
            "evidence": [
                {
                    "id": e.id,
                    "tool": e.tool,
                    "quantities": {k: q.model_dump(mode="json") for k, q in e.quantities.items()},
                    "source": e.source,
                }
                for e in (report.evidence if report else ())
            ],
            "usage": dict(self.usage),
        }


def _claim_json(report: Report, claim: Any) -> dict[str, Any]:
    verdict = report.verdicts.get(claim.id)
    whole = claim.model_dump(mode="json")
    shown = {k: whole[k] for k in ("id", "text", "kind", "value", "unit", "property", "subject", "cites")}
    return {
        **shown,
        "verdict": {"status": verdict.status, "method": verdict.method}
        if verdict
        else {"status": "unchecked", "method": "none"},
    }


async def execute(
    *,
    question: str | None = None,
    plan: Plan | None = None,
    workflow: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    out: Path | str | None = None,
    settings: Settings | None = None,
    engine: Any = None,
    listeners: Sequence[Listener] = (),
    approver: Approver | None = None,
    budget: BudgetLimits | None = None,
    policy: Policy | None = None,
    private: bool = False,
    attach: Sequence[Source] = (),
    run_id: str | None = None,
    follows: Sequence[Path] = (),
    stop: threading.Event | None = None,
) -> RunOutcome:
    """Answer a question, or run a plan or a workflow, in a new run.

    `follows` are folders of earlier runs of the same conversation, oldest first: the question may speak of what they were
    about, and what they found is cited, not computed again. Once `stop` is set no further call begins: what was begun is
    recorded, and the run ends in Refused (`stopped`), to be resumed.

    `policy` is the machine's, in place of the one that the settings name; a workflow's own can only be stricter.
    `attach` are pictures and signals that the question is about: paths, 'PATH@RATE', or {"file": …, "sampling_rate": …}.
    Raises InvalidInput for a bad question, workflow or attachment (`bad_attachment`, `not_accepted`), StorageError
    when the folder cannot be written. What fails inside the run is in its report; a question that nobody is there to answer leaves the run `waiting`.
    """
    settings = settings or load_settings()
    stricter: Policy | None = None
    if workflow is not None:
        from benchmate.workflows.loader import load_workflow, to_plan

        loaded = load_workflow(workflow)
        plan = to_plan(loaded, dict(inputs or {}))
        budget = budget or loaded.budget_limits
        stricter = loaded.policy_for(settings.mode)
    if plan is not None and plan.question is not None and not plan.tasks:
        question, attach, plan = plan.question, [*attach, *sources_in(plan).values()], None
    if question is not None and not question.strip():
        raise InvalidInput(
            "empty_question", "there is no question", hint='benchmate ask "What is the logP of aspirin?"'
        )
    read = [read_attachment(source) for source in attach]
    inputs_read = {n: read_attachment(s) for n, s in sources_in(plan).items()} if plan is not None else {}
    check_accepted(settings, [*read, *inputs_read.values()])
    async with open_run(
        out,
        settings=settings,
        engine=engine,
        listeners=listeners,
        budget=budget,
        policy=policy,
        workflow_policy=stricter,
        private=private,
        run_id=run_id,
        follows=follows,
        stop=stop,
    ) as run:
        store = run.context.artifacts
        plan = keep_inputs(plan, inputs_read, store) if plan is not None else None
        attachments = [one.keep(store) for one in read]
        earlier = read_earlier(run.context.earlier[::-1]) if question is not None else None
        start = record_opening(
            run, question=question, plan=plan, attachments=attachments, budget=budget, private=private,
            earlier=earlier if earlier and earlier.turns else None,
        )  # fmt: skip
        return await _drive(run, start, approver)


async def resume_run(
    folder: Path | str,
    *,
    settings: Settings | None = None,
    engine: Any = None,
    listeners: Sequence[Listener] = (),
    approver: Approver | None = None,
    answer: ApprovalAnswer | None = None,
    budget: BudgetLimits | None = None,
    policy_file: Path | None = None,
    stop: threading.Event | None = None,
) -> RunOutcome:
    """Go on with a run that stopped anywhere: finished calls are returned from its journal, never made again.

    `answer` answers the question it waits for; `budget` replaces its limits, also of a run that ended at one;
    `policy_file` is the machine's policy from here on. Raises
    NotFound (`no_such_run`), InvalidInput (`nothing_to_go_on` for a tool call, `answer_to_nothing`).
    """
    folder = Path(folder)
    opened, closed = _how_it_stands(folder)
    if closed is not None and not (closed.body["status"] == "budget" and budget is not None):
        return load_outcome(folder)
    settings = settings or load_settings(
        profile=opened.body["profile"], mode=opened.body["mode"], policy=policy_file
    )
    async with open_run(
        folder.parent,
        settings=settings,
        run_id=folder.name,
        engine=engine,
        listeners=listeners,
        budget=budget,
        stop=stop,
    ) as run:
        run.context.journal.append(
            "run.resumed", {"budget": budget.model_dump(exclude_none=True)} if budget else {}
        )
        return await _drive(run, start_of(opened.body), approver, answer, resumed=True)


async def replay_run(
    folder: Path | str, *, out: Path | str | None = None, listeners: Sequence[Listener] = ()
) -> RunOutcome:
    """Make a finished run's report again from its journal alone, in `out` (default: beside it, in `replays/`).

    No model and no tool is called; the report's bytes are equal. Raises InvalidInput (`run_not_ended`), and NotFound
    (`not_recorded`) when the journal lacks a call.
    """
    folder = Path(folder)
    opened, closed = _how_it_stands(folder)
    if closed is None:
        raise InvalidInput(
            "run_not_ended", f"the run {folder.name} has not ended, so it cannot be replayed yet",
            hint=f"`benchmate resume {folder}` first",
        )  # fmt: skip
    target = Path(out) if out is not None else folder.parent / "replays"
    if (target / folder.name / "journal.sqlite").exists():
        raise StorageError(
            "not_empty", f"{target / folder.name} holds a run already", hint="give another folder with --out"
        )
    name, told = opened.body["profile"], opened.body.get("model_profile")
    roles: dict[str, Any] = opened.body.get("roles", {})
    if told and roles:
        told = told | {
            "roles": {role: f"{name} {role}" if role in roles else name for role in get_args(Role)}
        }
    profiles = {name: told} | {f"{name} {role}": model["profile"] for role, model in roles.items()}
    settings = load_settings(profile=name, profiles=profiles if told else None)
    async with open_run(
        target, settings=settings, run_id=folder.name, listeners=listeners, recording=folder
    ) as run:
        run.context.journal.append_many([Entry("run.opened", opened.body, at=opened.at)])
        return await _drive(run, start_of(opened.body), None)


def _how_it_stands(folder: Path) -> tuple[Record, Record | None]:
    """Return how a run of a question or a plan was opened and how it ended, from a journal that nobody has changed.

    Raises NotFound (`no_such_run`), InvalidInput (`nothing_to_go_on`) for a tool call, and what `Journal.verify` raises.
    """
    journal = open_existing(folder)
    try:
        journal.verify()
        opened, closed = journal.first("run.opened"), _closed(journal)
    finally:
        journal.close()
    if opened is None:
        raise NotFound(
            "no_such_run", f"{folder} was opened but nothing was asked of it", hint="start a new run"
        )
    if not start_of(opened.body):
        raise InvalidInput(
            "nothing_to_go_on", f"{folder.name} is a {opened.body.get('title', 'single call')}: it has no question and no plan",
            hint="only runs of a question or a workflow are resumed and replayed; `benchmate show` shows its record",
        )  # fmt: skip
    return opened, closed


async def _drive(
    run: OpenRun,
    start: dict[str, Any],
    approver: Approver | None,
    answer: ApprovalAnswer | None = None,
    *,
    resumed: bool = False,
) -> RunOutcome:
    """Run the graph until it ends, or until it asks a person who is not there."""
    from langgraph.types import Command
    from langsmith.run_helpers import tracing_context

    from benchmate.agents.graph import build_graph

    context = run.context
    graph = build_graph(context, run.engine, run.checkpointer)
    config, state = run.config, dict[str, Any]()
    given: Any = start
    checkpoints = context.folder / "checkpoints.sqlite"
    if resumed:
        with checkpoint_errors(checkpoints):
            snapshot = await graph.aget_state(config)
        given = {} if snapshot.next else start
        state = {} if snapshot.next else snapshot.values  # those of a graph that had ended, if there are any
    while not state.get("report"):
        try:
            with tracing_context(enabled=False), checkpoint_errors(checkpoints):
                # no run is sent anywhere, whatever the environment says
                state = await graph.ainvoke(given or None, config, durability="sync")
                pending = (await graph.aget_state(config)).interrupts
        except BenchmateError as error:
            if ends_run(error):
                raise
            context.journal.append(
                "run.closed", {"status": _status_of(error), "error": error.info.model_dump(mode="json")}
            )
            raise
        if not pending:
            break
        requests = [(i.id, ApprovalRequest.model_validate(i.value)) for i in pending]
        if answer is not None and answer.subject and answer.subject not in {r.subject for _, r in requests}:
            raise _misdirected(answer, [r for _, r in requests])
        answers = {}
        for identity, request in sorted(requests, key=lambda asked: _asked_at(context.journal, asked[1])):
            if answer is not None and answer.subject in ("", request.subject):
                said: ApprovalAnswer | None = answer
                answer = None
            else:
                said = await _ask(approver, request)
            if said is not None:
                answers[identity] = _addressed(said, request).model_dump(mode="json")
        if not answers:
            return load_outcome(context.folder)
        given = Command(resume=answers)
    report = run.report(state)
    # What was used is no part of the files: a run taken up with a larger budget has made calls that no replay asks for.
    write_report(context.folder, report, context.artifacts, files_given(context.recording or context.journal))
    context.journal.append("run.closed", {"status": report.status, "report": state["report"]})
    return RunOutcome(
        context.run_id,
        context.folder,
        report.status,
        report.answer,
        report,
        usage=usage_of(context.journal),
    )


def _asked_at(journal: Journal, request: ApprovalRequest) -> int:
    """Return when a person was first asked this, as a record's number."""
    asked = journal.records("approval.asked")
    return next((r.seq for r in asked if r.body["subject"] == request.subject), len(journal))


def _addressed(said: ApprovalAnswer, request: ApprovalRequest) -> ApprovalAnswer:
    """Return the answer as one to this request. Raises what is wrong with it or its plan, before anything is recorded."""
    if said.subject and said.subject != request.subject:
        raise _misdirected(said, [request])
    if said.plan is not None:
        said.plan.check()
    return said.model_copy(update={"subject": request.subject})


def _misdirected(said: ApprovalAnswer, asked: Sequence[ApprovalRequest]) -> InvalidInput:
    return InvalidInput(
        "answer_to_nothing", f"the answer is about {said.subject!r}, which is not what is asked",
        hint=f"asked now: {', '.join(repr(request.subject) for request in asked)}",
    )  # fmt: skip


async def _ask(approver: Approver | None, request: ApprovalRequest) -> ApprovalAnswer | None:
    if approver is None:
        return None
    said = approver(request)
    return await said if inspect.isawaitable(said) else said


def _status_of(error: BenchmateError) -> str:
    return {"policy": "refused", "budget": "budget"}.get(error.info.kind, "failed")


def write_report(
    folder: Path, report: Report, artifacts: ArtifactStore, given: Mapping[str, str] | None = None
) -> None:
    """Write report.md, report.html, workflow.yaml where a plan was followed, and the RO-Crate of a run.

    `given` are the hashes of the files that calls read, by the paths they were given by.
    """
    from benchmate.app.report.crate import write_crate
    from benchmate.app.report.crate_workflow import WORKFLOW
    from benchmate.app.report.documents import report_documents

    made = report_documents(report, artifacts)
    for name, content in made.items():
        write_atomically(folder / name, content)
    if WORKFLOW not in made:
        (folder / WORKFLOW).unlink(missing_ok=True)  # of an earlier end of this run
    write_crate(report, folder, given)


def files_given(journal: Journal) -> dict[str, str]:
    """Return the hashes of the files that calls read, by the paths they were given by."""
    return {str(r.body["given"]): str(r.body["sha256"]) for r in journal.records("file.kept")}


def _closed(journal: Journal) -> Record | None:
    """Return how the run ended; None while it has not, or was taken up again since."""
    closed, resumed = journal.last("run.closed"), journal.last("run.resumed")
    return None if closed is None or (resumed is not None and resumed.seq > closed.seq) else closed


def load_outcome(folder: Path | str) -> RunOutcome:
    """Return how a run on disk stands. Raises NotFound (`no_such_run`)."""
    folder = Path(folder)
    journal = open_existing(folder)
    try:
        written, closed = journal.last("report.written"), _closed(journal)
        given = {r.body["subject"] for r in journal.records("approval.given")}
        asked = next((r for r in journal.records("approval.asked") if r.body["subject"] not in given), None)
        usage = usage_of(journal)
    finally:
        journal.close()
    if written is not None and (closed is not None or asked is None):
        report = Report.model_validate(ArtifactStore(folder / "artifacts").get_json(written.body["ref"]))
        return RunOutcome(folder.name, folder, report.status, report.answer, report, usage=usage)
    if asked is not None and closed is None:
        request = ApprovalRequest.model_validate(asked.body)
        return RunOutcome(
            folder.name,
            folder,
            "waiting",
            f"Waiting for a person: {request.message}",
            waiting=request,
            usage=usage,
        )
    status = closed.body["status"] if closed else "unfinished"
    message = (
        closed.body.get("error", {}).get("message", "")
        if closed
        else "The run stopped before its report; `benchmate resume` goes on."
    )
    return RunOutcome(folder.name, folder, status, message, usage=usage)


def find_run(text: str, out: Path) -> Path:
    """Return the folder of a run named by folder, id, unique prefix, or `last`. Raises NotFound (`no_such_run`).

    `last` is the last run of a question or a workflow: single tool calls are kept, and passed over here.
    """
    given = Path(text)
    if (given / "journal.sqlite").is_file():
        return given
    runs = sorted(p.parent for p in out.glob("*/journal.sqlite")) if out.is_dir() else []
    if text == "last":
        found = next((run for run in reversed(runs) if not _is_single_call(run)), None)
        if found is None:
            raise NotFound(
                "no_such_run", f"there is no run of a question or a workflow in {out}", hint="`benchmate ask` makes one"
            )  # fmt: skip
        return found
    matches = [r for r in runs if r.name == text] or [r for r in runs if r.name.startswith(text)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise NotFound(
            "no_such_run",
            f"{len(matches)} runs in {out} begin with {text!r}",
            hint=", ".join(m.name for m in matches[:5]),
        )
    raise NotFound(
        "no_such_run", f"there is no run {text!r} in {out}", hint=did_you_mean(text, [r.name for r in runs])
    )


def _is_single_call(folder: Path) -> bool:
    """Return whether a run is known to have neither question nor plan. One that cannot be read is not passed over."""
    try:
        journal = open_existing(folder)
    except BenchmateError:
        return False
    try:
        opened = journal.first("run.opened")
        return (
            opened is not None
            and str(opened.body.get("title", "")).startswith("tool call ")
            and not start_of(opened.body)
        )
    except BenchmateError:
        return False
    finally:
        journal.close()


async def table_once(
    name: str,
    items: Sequence[Mapping[str, Any]],
    *,
    out: Path | str | None = None,
    settings: Settings | None = None,
    private: bool = False,
) -> tuple[Path, list[Evidence], str]:
    """Call one tool on many items in a run of its own; return the run's folder, the evidence of the tables, and all rows as CSV.

    Raises what `call_table` raises.
    """
    from benchmate.tools.calls import call_table
    from benchmate.tools.tabulate import join

    async with open_run(out, settings=settings, private=private) as run:
        context = run.context
        record_opening(run, title=f"tool call {name} as a table", private=private)
        try:
            evidence = await call_table(context, TaskScope("call"), name, items)
        except BenchmateError as error:
            context.journal.append("run.closed", {"status": _status_of(error)})
            raise
        parts = [context.artifacts.get(e.result.artifacts[0].sha).decode() for e in evidence]
        context.journal.append("run.closed", {"status": "complete"})
        return context.artifacts.folder.parent, evidence, join(parts)


async def call_once(
    name: str,
    arguments: Mapping[str, Any],
    *,
    out: Path | str | None = None,
    settings: Settings | None = None,
    listeners: Sequence[Listener] = (),
    approver: Approver | None = None,
    policy: Policy | None = None,
    private: bool = False,
) -> Evidence:
    """Make one tool call in a run of its own: validated, policed and journaled like any other. Raises the tool's typed error."""
    from benchmate.tools.calls import ApprovalNeeded, call_tool
    from benchmate.tools.registry import load_registry

    tool = load_registry()[name]
    tool.validate(arguments)
    async with open_run(out, settings=settings, listeners=listeners, policy=policy, private=private) as run:
        context = run.context
        record_opening(run, title=f"tool call {name}", private=private)
        while True:
            try:
                evidence = await call_tool(context, TaskScope("call"), name, arguments)
            except ApprovalNeeded as need:
                request = ApprovalRequest(subject=need.subject, message=need.message, details=need.details)
                said = await _ask(approver, request) or ApprovalAnswer(
                    approved=False, note="nobody was there to ask"
                )
                said = _addressed(said, request)
                context.journal.append(
                    "approval.given",
                    body_of(subject=need.subject, approved=said.approved, note=said.note or None),
                )
                continue
            except BenchmateError as error:
                context.journal.append("run.closed", {"status": _status_of(error)})
                raise
            context.journal.append("run.closed", {"status": "complete"})
            return evidence


def run_sync(coroutine: Awaitable[T]) -> T:
    """Run a coroutine to its end, also where an event loop is running already, as in a notebook."""

    async def whole() -> T:
        return await coroutine

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(whole())
    box: list[Any] = []

    def work() -> None:
        try:
            box.append((True, asyncio.run(whole())))
        except BaseException as error:  # carried to the caller's thread, whatever it is
            box.append((False, error))

    thread = threading.Thread(target=work, name="benchmate")
    thread.start()
    thread.join()
    succeeded, value = box[0]
    if succeeded:
        result: T = value
        return result
    raise value
