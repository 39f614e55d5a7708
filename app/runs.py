"""Runs: opening a run's folder, driving the graph to its end or to a question, resuming, replaying, and writing the report."""

from __future__ import annotations

import asyncio
import datetime
import inspect
import secrets
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from benchmate.agents.approval import ApprovalAnswer, ApprovalRequest
from benchmate.agents.contracts import Plan, Report
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.budget import Budget, BudgetLimits
from benchmate.runtime.calls import ends_run, usage_of
from benchmate.runtime.context import RunContext, TaskScope, body_of
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, StorageError, did_you_mean
from benchmate.runtime.events import Event
from benchmate.runtime.files import storage_error, write_atomically
from benchmate.runtime.http import HttpClient
from benchmate.runtime.journal import Journal, Record, open_existing
from benchmate.runtime.labels import NO_LABELS
from benchmate.runtime.policy import Policy
from benchmate.runtime.settings import Mode, ModelProfile, Role, Settings, load_settings
from benchmate.runtime.workers import WorkerPool

if TYPE_CHECKING:
    from benchmate.runtime.evidence import Evidence

Approver = Callable[[ApprovalRequest], ApprovalAnswer | Awaitable[ApprovalAnswer | None] | None]
Listener = Callable[[Event], None]
T = TypeVar("T")
MOST_STEPS = 1000  # supersteps of the graph; a plan that needs more is a fault
PROFILE_OF_A_RUN = (
    "template",
    "max_completion_tokens",
    "judges",
    "plans",
)  # what a replay must know of its model
PRELOADED = ("rdkit.Chem", "benchmate.tools.registry")


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
            "usage": dict(report.usage if report else self.usage),
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


class OpenRun:
    """A run that is open: its context, and what the graph needs to run in it."""

    def __init__(self, context: RunContext, engine: Any, checkpointer: Any) -> None:
        self.context, self.engine, self.checkpointer = context, engine, checkpointer

    @property
    def config(self) -> dict[str, Any]:
        """The LangGraph config of this run: its thread, and a bound on steps.

        A run that had ended and is taken up again with a larger budget goes through the graph once more, on a new thread.
        """
        ended = sum(1 for _ in self.context.journal.records("run.closed"))
        thread = f"{self.context.run_id}-{ended}" if ended else self.context.run_id
        return {"configurable": {"thread_id": thread}, "recursion_limit": MOST_STEPS}

    def report(self, state: Mapping[str, Any]) -> Report:
        """Return the Report that a finished graph state names."""
        return Report.model_validate(self.context.artifacts.get_json(state["report"]))


def new_run_id() -> str:
    """Return a new run id: sorts by time, unique on this machine."""
    now = datetime.datetime.now(datetime.UTC)
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


@asynccontextmanager
async def open_run(
    out: Path | str | None = None,
    *,
    settings: Settings | None = None,
    run_id: str | None = None,
    engine: Any = None,
    listeners: Sequence[Listener] = (),
    budget: BudgetLimits | None = None,
    policy: Policy | None = None,
    private: bool = False,
    recording: Path | None = None,
) -> AsyncIterator[OpenRun]:
    """Open a new run in `out`, or go on with the one named `run_id`, and close it in the end.

    `engine` is a model to use instead of the profile's. With `recording`, a finished run's folder, nothing is called: its
    journal answers. Raises StorageError (`storage_denied`, `run_locked` …) before anything is started.
    """
    from filelock import FileLock, Timeout

    settings = settings or load_settings()
    mode = Mode.REPLAY if recording is not None else settings.mode
    folder = Path(out if out is not None else settings.runs_dir) / (run_id or new_run_id())
    try:
        (folder / "artifacts").mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise StorageError(
            "run_locked", f"another process is working on {folder.name}", hint="wait for it to end"
        ) from None
    except OSError as error:
        raise storage_error(f"the run folder {folder} cannot be made", error) from error
    resources = _Resources()
    try:
        journal = resources.add_sync(Journal(folder / "journal.sqlite"), "close")
        limits = budget or _recorded_budget(journal)
        source = resources.add_sync(open_existing(recording), "close") if recording is not None else None
        told = source or journal  # the journal that knows how the run was opened
        context = RunContext(
            run_id=folder.name,
            folder=folder,
            settings=settings,
            journal=journal,
            artifacts=ArtifactStore(folder / "artifacts"),
            budget=Budget(limits, spent_seconds=_spent_seconds(journal)),
            policy=policy or _recorded_policy(told, mode),
            mode=mode,
            http=resources.add(HttpClient(mode, settings.cache_dir / "http"), "aclose"),
            workers=resources.add_sync(WorkerPool(settings.workers, preload=PRELOADED), "close"),
            recording=source,
            labels=frozenset({"private"}) if private or _was_private(told) else NO_LABELS,
            listeners=list(listeners),
        )
        for record in journal.records("call.finished"):
            context.budget.settle_past(record)
        if source is not None:
            engine = _recorded_engine(source, settings)
        elif engine is None:
            from benchmate.model.factory import make_engine

            versions = {role: told["version"] for role, told in _role_models(journal).items()}
            engine = make_engine(settings, version=_model_version(journal), role_versions=versions)
            resources.add(engine, "aclose")
        else:
            engine = _recording_engine(engine, settings)
        if recording is not None:
            _copy_artifacts(recording, context.artifacts)
        else:
            context.workers.warm()
        yield OpenRun(
            context,
            engine,
            await resources.checkpointer(None if recording is not None else folder / "checkpoints.sqlite"),
        )
    finally:
        try:
            await resources.close()
        finally:
            lock.release()


class _Resources:
    """What must be closed again, last opened first."""

    def __init__(self) -> None:
        self._closers: list[Callable[[], Any]] = []

    def add(self, thing: Any, close: str) -> Any:
        self._closers.append(getattr(thing, close))
        return thing

    add_sync = add

    async def checkpointer(self, path: Path | None) -> Any:
        """Return a checkpointer in a file, or in memory for a replay. Only plain data is read back from it."""
        from langgraph.checkpoint.memory import InMemorySaver
        from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

        serde = JsonPlusSerializer(allowed_msgpack_modules=None)
        if path is None:
            return InMemorySaver(serde=serde)
        import aiosqlite
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        with _checkpoint_errors(path):
            connection = await aiosqlite.connect(path)
            self._closers.append(connection.close)
            await connection.execute("PRAGMA journal_mode=WAL")
            await connection.execute("PRAGMA synchronous=FULL")
        return AsyncSqliteSaver(connection, serde=serde)

    async def close(self) -> None:
        while self._closers:
            result = self._closers.pop()()
            if inspect.isawaitable(result):
                await result


@contextmanager
def _checkpoint_errors(path: Path) -> Iterator[None]:
    """Say of a failing checkpoint file what to do about it."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if "full" in str(error):
            raise StorageError(
                "storage_full",
                f"{path} cannot be written: no space left",
                hint="free some space, then resume the run",
            ) from error
        raise StorageError(
            "checkpoints_unreadable", f"{path} cannot be used: {error}",
            hint="delete it and resume: the journal holds everything that was done",
        ) from error  # fmt: skip


def _recording_engine(engine: Any, settings: Settings) -> Any:
    """Return an engine of the caller's own so that its calls are recorded. It stays the caller's to close."""
    from benchmate.model.engine import RecordedEngine

    if isinstance(engine, RecordedEngine):
        return engine
    limit = settings.model.max_completion_tokens
    return RecordedEngine(engine, name=engine.name, version=engine.version, max_tokens=limit)


def _recorded_engine(source: Journal, settings: Settings) -> Any:
    """Return the engine of a replay: there is no model behind it, only the recording."""
    from benchmate.model.engine import RecordedEngine

    opened = source.first("run.opened")
    told = opened.body if opened else {}
    return RecordedEngine(
        None,
        name=told.get("model", "none"),
        version=told.get("model_version", "none"),
        max_tokens=settings.model.max_completion_tokens,
        roles={
            role: RecordedEngine(
                None, name=model["model"], version=model["version"],
                max_tokens=model["profile"]["max_completion_tokens"],
            )
            for role, model in _role_models(source).items()
        },
    )  # fmt: skip


def _spent_seconds(journal: Journal) -> float:
    """Return the time a run had used before: from each opening to the last record before the next one."""
    total, begun, last = 0.0, None, 0.0
    for record in journal.records():
        if record.kind in ("run.opened", "run.resumed") or begun is None:
            total += last - begun if begun is not None else 0.0
            begun = record.at
        last = record.at
    return total + (last - begun if begun is not None else 0.0)


def _recorded_budget(journal: Journal) -> BudgetLimits:
    told = [r.body["budget"] for r in journal.records("run.opened", "run.resumed") if r.body.get("budget")]
    return BudgetLimits.model_validate(told[-1]) if told else BudgetLimits()


def _recorded_policy(journal: Journal, mode: Mode) -> Policy:
    opened = journal.first("run.opened")
    return Policy.load(opened.body.get("policy", {}) if opened else {}, mode_network=mode is not Mode.REPLAY)


def _policy_data(policy: Policy) -> dict[str, Any]:
    rules = [rule.model_dump(mode="json", exclude_none=True) for rule in policy.rules]
    return body_of(
        rules=rules or None,
        allow_tools=list(policy.allow_tools) if policy.allow_tools is not None else None,
    )


def _was_private(journal: Journal) -> bool:
    opened = journal.first("run.opened")
    return bool(opened and opened.body.get("private"))


def _model_version(journal: Journal) -> str | None:
    opened = journal.first("run.opened")
    return opened.body.get("model_version") if opened else None


def _role_models(journal: Journal) -> dict[str, dict[str, Any]]:
    """Return the model, its version and its profile of each role that another model fills, as a run was opened."""
    opened = journal.first("run.opened")
    roles: dict[str, dict[str, Any]] = opened.body.get("roles", {}) if opened else {}
    return roles


def _roles_data(engine: Any, settings: Settings) -> dict[str, dict[str, Any]]:
    """Return what `_role_models` finds again."""
    from benchmate.model.engine import for_role

    filled = {
        role: for_role(engine, role) for role, name in settings.roles.items() if name != settings.profile
    }
    return {
        role: {"model": other.name, "version": other.version, "profile": _profile_data(settings.role(role))}
        for role, other in filled.items()
    }


def _profile_data(profile: ModelProfile) -> dict[str, Any]:
    return profile.model_dump(mode="json", include=set(PROFILE_OF_A_RUN))


def _copy_artifacts(recording: Path, target: ArtifactStore) -> None:
    source = ArtifactStore(recording / "artifacts")
    for path in sorted((recording / "artifacts").iterdir()):
        if path.is_file() and not path.name.startswith("."):
            target.copy_from(source, path.name)


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
) -> RunOutcome:
    """Answer a question, or run a plan or a workflow, in a new run.

    Raises InvalidInput for a bad question or workflow, StorageError when the folder cannot be written. What fails inside the
    run is in its report; a question that nobody is there to answer leaves the run `waiting`.
    """
    settings = settings or load_settings()
    if workflow is not None:
        from benchmate.workflows.loader import load_workflow, to_plan

        loaded = load_workflow(workflow)
        plan = to_plan(loaded, dict(inputs or {}))
        budget = budget or loaded.budget_limits
        own = loaded.policy_for(settings.mode)
        policy = policy or replace(
            own, mode_network=settings.mode is not Mode.REPLAY
        )  # offline, records may answer
    if plan is not None and plan.question is not None and not plan.tasks:
        question, plan = plan.question, None
    if question is not None and not question.strip():
        raise InvalidInput(
            "empty_question", "there is no question", hint='benchmate ask "What is the logP of aspirin?"'
        )
    async with open_run(
        out,
        settings=settings,
        engine=engine,
        listeners=listeners,
        budget=budget,
        policy=policy,
        private=private,
    ) as run:
        start = _open_record(run, question, plan, budget, private)
        return await _drive(run, start, approver)


def _open_record(
    run: OpenRun, question: str | None, plan: Plan | None, budget: BudgetLimits | None, private: bool
) -> dict[str, Any]:
    from benchmate.agents.reporter import package_versions

    context = run.context
    start = body_of(
        question=question, plan=context.artifacts.put_json(plan.model_dump(mode="json")) if plan else None
    )
    context.journal.append(
        "run.opened",
        body_of(
            **start, title=plan.title if plan else question, profile=context.settings.profile, mode=str(context.mode),
            versions=package_versions(), budget=budget.model_dump(exclude_none=True) if budget else None,
            policy=_policy_data(context.policy) or None,
            model_profile=_profile_data(context.settings.model), roles=_roles_data(run.engine, context.settings) or None,
            private=private or None, model=getattr(run.engine, "name", None), model_version=getattr(run.engine, "version", None),
        ),
    )  # fmt: skip
    return start


async def resume_run(
    folder: Path | str,
    *,
    settings: Settings | None = None,
    engine: Any = None,
    listeners: Sequence[Listener] = (),
    approver: Approver | None = None,
    answer: ApprovalAnswer | None = None,
    budget: BudgetLimits | None = None,
) -> RunOutcome:
    """Go on with a run that stopped anywhere: finished calls are returned from its journal, never made again.

    `answer` answers the question it waits for; `budget` replaces its limits, also of a run that ended at one. Raises
    NotFound (`no_such_run`).
    """
    folder = Path(folder)
    with_journal = open_existing(folder)
    try:
        with_journal.verify()
        opened = with_journal.first("run.opened")
        closed = _closed(with_journal)
    finally:
        with_journal.close()
    if opened is None:
        raise NotFound(
            "no_such_run", f"{folder} was opened but nothing was asked of it", hint="start a new run"
        )
    if closed is not None and not (closed.body["status"] == "budget" and budget is not None):
        return load_outcome(folder)
    settings = settings or load_settings(profile=opened.body["profile"], mode=opened.body["mode"])
    async with open_run(
        folder.parent,
        settings=settings,
        run_id=folder.name,
        engine=engine,
        listeners=listeners,
        budget=budget,
    ) as run:
        run.context.journal.append(
            "run.resumed", {"budget": budget.model_dump(exclude_none=True)} if budget else {}
        )
        start = body_of(question=opened.body.get("question"), plan=opened.body.get("plan"))
        return await _drive(run, start, approver, answer, resumed=True)


async def replay_run(
    folder: Path | str, *, out: Path | str | None = None, listeners: Sequence[Listener] = ()
) -> RunOutcome:
    """Make a finished run's report again from its journal alone, in `out` (default: beside it, in `replays/`).

    No model and no tool is called; the report's bytes are equal. Raises NotFound (`not_recorded`) when the journal lacks a call.
    """
    folder = Path(folder)
    source = open_existing(folder)
    try:
        source.verify()
        opened = source.first("run.opened")
    finally:
        source.close()
    if opened is None:
        raise NotFound("no_such_run", f"{folder} was opened but nothing was asked of it")
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
        from benchmate.runtime.journal import Entry

        run.context.journal.append_many([Entry("run.opened", opened.body, at=opened.at)])
        start = body_of(question=opened.body.get("question"), plan=opened.body.get("plan"))
        return await _drive(run, start, None)


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
        with _checkpoint_errors(checkpoints):
            snapshot = await graph.aget_state(config)
        given = {} if snapshot.next else start
        state = {} if snapshot.next else snapshot.values  # those of a graph that had ended, if there are any
    while not state.get("report"):
        try:
            with tracing_context(enabled=False), _checkpoint_errors(checkpoints):
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
        answers = {}
        for identity, request in sorted(requests, key=lambda asked: _asked_at(context.journal, asked[1])):
            said = answer if answer is not None else await _ask(approver, request)
            answer = None
            if said is not None:
                answers[identity] = _addressed(said, request).model_dump(mode="json")
        if not answers:
            return load_outcome(context.folder)
        given = Command(resume=answers)
    report = run.report(state)
    write_report(context.folder, report, context.artifacts)
    context.journal.append("run.closed", {"status": report.status, "report": state["report"]})
    return RunOutcome(context.run_id, context.folder, report.status, report.answer, report)


def _asked_at(journal: Journal, request: ApprovalRequest) -> int:
    """Return when a person was first asked this, as a record's number."""
    asked = journal.records("approval.asked")
    return next((r.seq for r in asked if r.body["subject"] == request.subject), len(journal))


def _addressed(said: ApprovalAnswer, request: ApprovalRequest) -> ApprovalAnswer:
    """Return the answer as one to this request. Raises what is wrong with an edited plan, before anything is recorded."""
    if said.plan is not None:
        said.plan.check()
    return said.model_copy(update={"subject": request.subject})


async def _ask(approver: Approver | None, request: ApprovalRequest) -> ApprovalAnswer | None:
    if approver is None:
        return None
    said = approver(request)
    return await said if inspect.isawaitable(said) else said


def _status_of(error: BenchmateError) -> str:
    return {"policy": "refused", "budget": "budget"}.get(error.info.kind, "failed")


def write_report(folder: Path, report: Report, artifacts: ArtifactStore) -> None:
    """Write report.md, report.html and the RO-Crate of a run."""
    from benchmate.app.report.crate import write_crate
    from benchmate.app.report.html import render_html
    from benchmate.app.report.markdown import render_markdown

    write_atomically(folder / "report.md", render_markdown(report, artifacts).encode())
    write_atomically(folder / "report.html", render_html(report, artifacts).encode())
    write_crate(report, folder)


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
        return RunOutcome(folder.name, folder, report.status, report.answer, report)
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
    """Return the folder of a run named by folder, id, unique prefix, or `last`. Raises NotFound (`no_such_run`)."""
    given = Path(text)
    if (given / "journal.sqlite").is_file():
        return given
    runs = sorted(p.parent for p in out.glob("*/journal.sqlite")) if out.is_dir() else []
    if text == "last" and runs:
        return runs[-1]
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
        context.journal.append(
            "run.opened",
            body_of(title=f"tool call {name}", profile=context.settings.profile, mode=str(context.mode)),
        )
        while True:
            try:
                evidence = await call_tool(context, TaskScope("call"), name, arguments)
            except ApprovalNeeded as need:
                request = ApprovalRequest(subject=need.subject, message=need.message, details=need.details)
                said = await _ask(approver, request) or ApprovalAnswer(
                    approved=False, note="nobody was there to ask"
                )
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
    import threading

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
