"""Opening a run: its folder, lock, journal, budget, policy, model and workers; what it remembers of these; and closing it."""

from __future__ import annotations

import datetime
import secrets
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from benchmate.agents.attachments import Attachment
from benchmate.agents.contracts import Plan, Report
from benchmate.agents.earlier import Earlier
from benchmate.app.machine_policy import machine_policy
from benchmate.app.telemetry import spans_of
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.budget import Budget, BudgetLimits
from benchmate.runtime.context import EarlierRun, RunContext, body_of
from benchmate.runtime.database import Database
from benchmate.runtime.errors import StorageError
from benchmate.runtime.events import Event
from benchmate.runtime.files import storage_error
from benchmate.runtime.http import HttpClient
from benchmate.runtime.journal import Journal, open_existing
from benchmate.runtime.labels import NO_LABELS
from benchmate.runtime.logs import RUN, log_event, log_wanted, start_log, worker_log
from benchmate.runtime.policy import Policy
from benchmate.runtime.settings import Mode, ModelProfile, Settings, load_settings
from benchmate.runtime.workers import WorkerPool

Listener = Callable[[Event], None]
MOST_STEPS = 1000  # supersteps of the graph; a plan that needs more is a fault
PROFILE_OF_A_RUN = (
    "template",
    "max_completion_tokens",
    "judges",
    "plans",
    "accepts",
)  # what a replay must know of its model
PRELOADED = ("benchmate.tools.preload",)


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
    workflow_policy: Policy | None = None,
    private: bool = False,
    recording: Path | None = None,
    follows: Sequence[Path] = (),
    stop: threading.Event | None = None,
) -> AsyncIterator[OpenRun]:
    """Open a new run in `out`, or go on with the one named `run_id`, and close it in the end.

    `engine` is a model to use instead of the profile's. With `recording`, a finished run's folder, nothing is called: its
    journal answers. `follows` are runs of the same session, oldest first, whose results are cited where the same is asked;
    a run that is taken up again finds those it was opened with beside it. `policy` is the machine's: by default the one that the
    settings name, else, for a run that is taken up again, the one it had; a `workflow_policy` can only be stricter. Raises StorageError (`storage_denied`, `run_locked` …) before anything is started.
    """
    from filelock import FileLock, Timeout

    settings = settings or load_settings()
    start_log(settings)
    mode = Mode.REPLAY if recording is not None else settings.mode
    folder = Path(out if out is not None else settings.runs_dir) / (run_id or new_run_id())
    async with (
        AsyncExitStack() as stack
    ):  # closes all of it again, last opened first, also where one closing fails
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
        stack.callback(lock.release)
        stack.callback(RUN.set, RUN.get())
        RUN.set(folder.name)
        journal = Journal(folder / "journal.sqlite")
        stack.callback(journal.close)
        source = open_existing(recording) if recording is not None else None
        if source is not None:
            stack.callback(source.close)
        told = source or journal  # the journal that knows how the run was opened
        earlier = _earlier_runs(
            [] if source is not None else follows or _followed(journal, folder.parent), stack
        )
        http = HttpClient(mode, settings.cache_dir / "http")
        stack.push_async_callback(http.aclose)
        workers = WorkerPool(settings.workers, preload=PRELOADED, prepare=worker_log(settings, folder.name))
        stack.callback(workers.close)
        context = RunContext(
            run_id=folder.name,
            folder=folder,
            settings=settings,
            journal=journal,
            artifacts=ArtifactStore(folder / "artifacts"),
            budget=Budget(budget or _recorded_budget(journal), spent_seconds=_spent_seconds(journal)),
            policy=_policy_in_force(policy, workflow_policy, told, settings, mode),
            mode=mode,
            http=http,
            workers=workers,
            recording=source,
            labels=frozenset({"private"}) if private or _was_private(told) else NO_LABELS,
            listeners=[*([log_event] if log_wanted(settings) else []), *listeners],
            earlier=tuple(earlier),
            stop=stop or threading.Event(),
        )
        await stack.enter_async_context(spans_of(context))
        for record in journal.records("call.finished"):
            context.budget.settle_past(record)
        if source is not None:
            engine = _recorded_engine(source, settings)
        elif engine is None:
            from benchmate.model.factory import make_engine

            versions = {role: told["version"] for role, told in _role_models(journal).items()}
            engine = make_engine(settings, version=_model_version(journal), role_versions=versions)
            stack.push_async_callback(engine.aclose)
        else:
            engine = _recording_engine(engine, settings)
        if recording is not None:
            _copy_artifacts(recording, context.artifacts)
        else:
            workers.warm()
        checkpoints = (settings.database or folder / "checkpoints.sqlite") if recording is None else None
        yield OpenRun(context, engine, await _checkpointer(checkpoints, stack))


def _followed(journal: Journal, runs: Path) -> list[Path]:
    """Return the folders of the runs that this one was opened after, those that are still there."""
    opened = journal.first("run.opened")
    folders = [runs / run for run in (opened.body.get("follows", ()) if opened else ())]
    return [folder for folder in folders if (folder / "journal.sqlite").is_file()]


def _earlier_runs(folders: Sequence[Path], stack: AsyncExitStack) -> list[EarlierRun]:
    """Return the runs in these folders, newest first; they are closed with the stack."""
    runs = []
    for folder in reversed(folders):
        journal = open_existing(folder)
        stack.callback(journal.close)
        runs.append(EarlierRun(folder.name, journal, ArtifactStore(folder / "artifacts")))
    return runs


async def _checkpointer(path: Path | str | None, stack: AsyncExitStack) -> Any:
    """Return a checkpointer in a file, in PostgreSQL by its address, or in memory for a replay.

    Only plain data is read back from it.
    """
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    serde = JsonPlusSerializer(allowed_msgpack_modules=None)
    if path is None:
        return InMemorySaver(serde=serde)
    if isinstance(path, str):
        return await _postgres_checkpointer(path, serde, stack)
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    with checkpoint_errors(path):
        connection = await aiosqlite.connect(path)
        stack.push_async_callback(connection.close)
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=FULL")
    return AsyncSqliteSaver(connection, serde=serde)


async def _postgres_checkpointer(address: str, serde: Any, stack: AsyncExitStack) -> Any:
    Database(address).close()  # says in plain words when it cannot be reached, or the extra is not there
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg import AsyncConnection
    from psycopg.rows import dict_row

    connection = await AsyncConnection.connect(
        address, autocommit=True, prepare_threshold=0, row_factory=dict_row
    )
    stack.push_async_callback(connection.close)
    saver = AsyncPostgresSaver(connection, serde=serde)
    await saver.setup()
    return saver


@contextmanager
def checkpoint_errors(path: Path) -> Iterator[None]:
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


def _policy_in_force(
    machine: Policy | None, workflow: Policy | None, told: Journal, settings: Settings, mode: Mode
) -> Policy:
    """Return the machine's policy, with a workflow's under it. A replay has those of the recording."""
    opened = told.first("run.opened")
    body = opened.body if opened else {}
    network = mode is not Mode.REPLAY
    if machine is None and mode is not Mode.REPLAY:
        machine = machine_policy(settings)
    if machine is None:
        machine = Policy.load(body.get("policy", {}), mode_network=network)
    if workflow is None and "workflow_policy" in body:
        workflow = Policy.load(body["workflow_policy"], mode_network=network)
    return machine if workflow is None else workflow.under(machine)


def _policy_data(policy: Policy | None) -> dict[str, Any]:
    if policy is None:
        return {}
    rules = [rule.model_dump(mode="json", exclude_none=True) for rule in policy.rules]
    hazards = [rule.model_dump(mode="json") for rule in policy.hazards]
    return body_of(
        rules=rules or None,
        allow_tools=list(policy.allow_tools) if policy.allow_tools is not None else None,
        hazards=hazards or None,
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


def record_opening(
    run: OpenRun,
    *,
    question: str | None = None,
    plan: Plan | None = None,
    attachments: Sequence[Attachment] = (),
    earlier: Earlier | None = None,
    title: str | None = None,
    budget: BudgetLimits | None = None,
    private: bool = False,
) -> dict[str, Any]:
    """Journal what is asked of the run, and all that a resume or a replay must know; return what the graph starts from."""
    from benchmate.agents.reporter import package_versions

    context = run.context
    given = [a.model_dump(mode="json") for a in attachments]
    start = body_of(
        question=question,
        attachments=context.artifacts.put_json(given) if given else None,
        earlier=context.artifacts.put_json(earlier.model_dump(mode="json")) if earlier else None,
        plan=context.artifacts.put_json(plan.model_dump(mode="json")) if plan else None,
    )
    context.journal.append(
        "run.opened",
        body_of(
            **start,
            follows=[run.run_id for run in context.earlier] or None, title=title or (plan.title if plan else question), profile=context.settings.profile,
            mode=str(context.mode), versions=package_versions(),
            budget=budget.model_dump(exclude_none=True) if budget else None,
            policy=_policy_data(context.policy.machine or context.policy) or None,
            workflow_policy=_policy_data(context.policy if context.policy.machine else None) or None,
            model_profile=_profile_data(context.settings.model),
            roles=_roles_data(run.engine, context.settings) or None,
            private=private or None, model=getattr(run.engine, "name", None), model_version=getattr(run.engine, "version", None),
        ),
    )  # fmt: skip
    return start


def start_of(opened: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the graph starts from, as `run.opened` holds it: nothing for a tool call."""
    return body_of(**{key: opened.get(key) for key in ("question", "attachments", "earlier", "plan")})
