"""The front door, `import benchmate`: each function as a plain one for scripts and notebooks, and with an `a` before its name to await."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from benchmate.agents.approval import ApprovalAnswer
from benchmate.app import runs
from benchmate.app.open_run import Listener
from benchmate.app.runs import Approver, RunOutcome
from benchmate.app.streaming import RunStream
from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.policy import Policy
from benchmate.runtime.settings import Settings

if TYPE_CHECKING:
    from benchmate.agents.attachments import Source
    from benchmate.app.sessions import Session
    from benchmate.runtime.evidence import Evidence


class CallOptions(TypedDict, total=False):
    """What every call, question and workflow may be given."""

    out: str | Path | None  # the folder that the run's own folder is made in; default: the setting `runs_dir`
    settings: Settings | None  # default: those in force, of benchmate.toml and the environment
    listeners: Sequence[Listener]  # functions that are told each Event as it happens
    approver: (
        Approver | None
    )  # who answers what a person is asked; without one the run waits, and a call is refused
    policy: Policy | None  # the machine's, in place of the one that the settings name
    private: bool  # what is put in is unpublished: it goes to no outside service


class RunOptions(CallOptions, total=False):
    """What a question and a workflow may be given."""

    engine: Any  # a `benchmate.Engine` in place of the model of the profile
    budget: BudgetLimits | None
    attach: Sequence[Source]  # pictures and signals that the question is about
    run_id: str | None
    follows: Sequence[Path]  # folders of earlier runs of the same conversation, oldest first
    stop: threading.Event | None  # once set, no further call begins


class ResumeOptions(TypedDict, total=False):
    """What a run may be given that goes on."""

    settings: Settings | None  # default: the profile and mode it was begun with
    engine: Any
    listeners: Sequence[Listener]
    approver: Approver | None
    answer: ApprovalAnswer | None  # to the question it waits for
    budget: BudgetLimits | None  # in place of its limits
    policy_file: Path | None
    stop: threading.Event | None


async def aask(question: str, **options: Unpack[RunOptions]) -> RunOutcome:
    """Answer a question. Options: `RunOptions`. Raises what `benchmate.app.runs.execute` raises; what fails inside is in the report.

    >>> outcome = await benchmate.aask("What is the logP of aspirin?")
    """
    return await runs.execute(question=question, **options)


async def arun(
    workflow: str | Path, inputs: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]
) -> RunOutcome:
    """Run a workflow: a YAML file, or the name of a shipped one. Options: `RunOptions`."""
    return await runs.execute(workflow=str(workflow), inputs=inputs, **options)


async def aresume(folder: str | Path, **options: Unpack[ResumeOptions]) -> RunOutcome:
    """Go on with a run that stopped or waits; what had finished is not done again. Options: `ResumeOptions`."""
    return await runs.resume_run(folder, **options)


async def areplay(
    folder: str | Path, *, out: str | Path | None = None, listeners: Sequence[Listener] = ()
) -> RunOutcome:
    """Make a run's report again from its journal alone: no model, tool or network. Its bytes are equal."""
    return await runs.replay_run(folder, out=out, listeners=listeners)


async def acall(tool: str, arguments: Mapping[str, Any], **options: Unpack[CallOptions]) -> Evidence:
    """Make one call of a tool, in a run of its own. Options: `CallOptions`. Raises the tool's typed error.

    >>> (await benchmate.acall("compute_descriptors", {"compound": "aspirin"})).result.quantities["logp"]
    """
    return await runs.call_once(tool, arguments, **options)


def ask(question: str, **options: Unpack[RunOptions]) -> RunOutcome:
    """Answer a question, as `aask` does, for scripts and notebooks.

    >>> benchmate.ask("What is the logP of aspirin?").answer
    """
    return runs.run_sync(aask(question, **options))


def run(
    workflow: str | Path, inputs: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]
) -> RunOutcome:
    """Run a workflow, as `arun` does, for scripts and notebooks."""
    return runs.run_sync(arun(workflow, inputs, **options))


def resume(folder: str | Path, **options: Unpack[ResumeOptions]) -> RunOutcome:
    """Go on with a run, as `aresume` does, for scripts and notebooks."""
    return runs.run_sync(aresume(folder, **options))


def replay(
    folder: str | Path, *, out: str | Path | None = None, listeners: Sequence[Listener] = ()
) -> RunOutcome:
    """Make a run's report again, as `areplay` does, for scripts and notebooks."""
    return runs.run_sync(areplay(folder, out=out, listeners=listeners))


def call(tool: str, arguments: Mapping[str, Any], **options: Unpack[CallOptions]) -> Evidence:
    """Make one call of a tool, as `acall` does, for scripts and notebooks.

    >>> benchmate.call("compute_descriptors", {"compound": "aspirin"}).result.quantities["logp"]
    """
    return runs.run_sync(acall(tool, arguments, **options))


def stream(
    question: str | None = None,
    *,
    workflow: str | Path | None = None,
    inputs: Mapping[str, Any] | None = None,
    **options: Unpack[RunOptions],
) -> RunStream:
    """Return the events of a new run as it happens, for `async for` or `for`; afterwards `outcome` is how it ended.

    Options: `RunOptions`. What the run raises, the loop raises.
    """
    return RunStream(
        lambda given: runs.execute(
            question=question, workflow=None if workflow is None else str(workflow), inputs=inputs, **given
        ),
        options,
    )


@contextmanager
def open_session(
    name: str | None = None, *, settings: Settings | None = None, private: bool = False
) -> Iterator[Session]:
    """Open a conversation, a new one without a name, and close it in the end: `await session.ask(…)` are its turns.

    Raises NotFound (`no_such_session`), StorageError (`session_locked`, and what the database raises).
    """
    from benchmate.app.sessions import Sessions

    with Sessions(settings) as sessions, sessions.open(name, private=private) as session:
        yield session
