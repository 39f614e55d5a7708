"""`benchmate ask`, `run`, `resume`, `replay` and `show`: runs, from the question to the report."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmate.app import cli_options as options
from benchmate.app import output
from benchmate.app.cli_approvals import approver
from benchmate.app.cli_memory import opened
from benchmate.app.cli_model import fetch_on_first_use
from benchmate.app.cli_options import (
    Budget,
    Input,
    Inputs,
    Json,
    ModeOption,
    Out,
    PolicyFile,
    Private,
    Profile,
    Quiet,
    WorkflowName,
    Yes,
)

if TYPE_CHECKING:
    from benchmate.app.progress import LiveProgress
    from benchmate.app.runs import RunOutcome

    Start = Callable[[LiveProgress], Coroutine[Any, Any, RunOutcome]]

RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        show_default=False,
        help="A run's id or the beginning of one, its folder, or `last`: the last run of a question or a workflow. Tool calls "
        "are kept as runs too, and `last` passes over them.",
    ),
]


def ask(
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", show_default=False, help="The question, in quotes.")
    ],
    attach: Annotated[
        list[str] | None,
        typer.Option(
            "--attach",
            metavar="FILE[@RATE]",
            help="A picture, or a signal with its sampling rate ('trace.npy@100 Hz'), for a model that takes them. Repeatable.",
        ),
    ] = None,
    out: Out = None,
    profile: Profile = None,
    mode: ModeOption = None,
    policy: PolicyFile = None,
    private: Private = False,
    yes: Yes = False,
    budget: Budget = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Answer a question with checked evidence."""
    from benchmate.app.runs import execute

    settings = options.settings_of(out, profile, mode, policy)
    fetch_on_first_use(settings, quiet)
    limits = options.read_budget(budget)
    understood = _understood(question, quiet)
    outcome = drive(
        lambda progress: execute(
            question=understood,
            attach=attach or (),
            settings=settings,
            listeners=[progress.listen],
            approver=approver(yes, progress.paused),
            budget=limits,
            private=private,
        ),
        settings.runs_dir,
        quiet,
    )
    return emit_outcome(outcome, as_json)


def _understood(question: str, quiet: bool) -> str:
    """Return the question with remembered names read; where memory cannot be read, that is said, and the question stands."""
    from benchmate.runtime.errors import StorageError

    try:
        with opened() as memory:
            understood, used = memory.understood(question)
    except StorageError as error:
        output.note(f"what you had remembered cannot be read: {error}")
        return question
    if used and not quiet:
        output.note(*(one.told for one in used))
    return understood


def run(
    workflow: WorkflowName,
    inputs: Input = None,
    inputs_file: Inputs = None,
    out: Out = None,
    profile: Profile = None,
    mode: ModeOption = None,
    policy: PolicyFile = None,
    private: Private = False,
    yes: Yes = False,
    budget: Budget = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run a workflow."""
    from benchmate.app.runs import execute
    from benchmate.workflows.loader import load_workflow

    settings = options.settings_of(out, profile, mode, policy)
    loaded = load_workflow(workflow)
    given = options.workflow_inputs(loaded, inputs_file, inputs)
    limits = options.read_budget(budget, loaded.budget)
    outcome = drive(
        lambda progress: execute(
            workflow=workflow,
            inputs=given,
            settings=settings,
            listeners=[progress.listen],
            approver=approver(yes, progress.paused),
            budget=limits,
            private=private,
        ),
        settings.runs_dir,
        quiet,
    )
    return emit_outcome(outcome, as_json)


def resume(
    name: RunName,
    approve: Annotated[bool, typer.Option("--approve", help="Answer the open question with yes.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Answer the open question with no.")] = False,
    because: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; goes on record.")] = "",
    out: Out = None,
    policy: PolicyFile = None,
    yes: Yes = False,
    budget: Budget = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Go on with a run that stopped or waits for approval. Nothing finished is done again."""
    from benchmate.agents.approval import ApprovalAnswer
    from benchmate.app.runs import find_run, resume_run
    from benchmate.runtime.errors import InvalidInput

    if approve and reject:
        raise InvalidInput("two_answers", "--approve and --reject are two answers", hint="give one of them")
    folder = find_run(name, options.settings_of(out, policy=policy).runs_dir)
    limits = options.read_budget(budget)
    answer = ApprovalAnswer(approved=approve, note=because) if approve or reject else None
    outcome = drive(
        lambda progress: resume_run(
            folder,
            listeners=[progress.listen],
            approver=approver(yes, progress.paused),
            answer=answer,
            budget=limits,
            policy_file=policy,
        ),
        folder.parent,
        quiet,
        folder,
    )
    return emit_outcome(outcome, as_json)


def replay(
    name: RunName,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where the replayed run goes. Default: replays/ beside it."
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Make the run's tool calls again today, in a new run, and say what changed."
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make a run's report again from its journal alone, with no model, tool or network.

    With --live the tools are called again: exit code 0 when nothing changed, 3 when something did.
    """
    from benchmate.app.runs import find_run, replay_run

    folder = find_run(name, options.settings_of().runs_dir)
    if live:
        return _relive(folder, as_json, quiet)
    target = out or folder.parent / "replays"
    outcome = drive(
        lambda progress: replay_run(folder, out=target, listeners=[progress.listen]), target, quiet
    )
    return emit_outcome(outcome, as_json)


def _relive(folder: Path, as_json: bool, quiet: bool) -> int:
    import asyncio

    from rich.console import Group

    from benchmate.app.cli_diff import change_line
    from benchmate.app.progress import LiveProgress
    from benchmate.app.relive import relive

    with LiveProgress(quiet=quiet) as progress:
        found = asyncio.run(relive(folder, settings=options.settings_of(), listeners=[progress.listen]))
    lines = [output.paragraph(f"  {change_line(change)}") for change in found.changes]
    changed = f"{len(found.changes)} changes" if found.changes else "nothing changed"
    ending = output.paragraph(
        f"{found.same} calls gave the same; {changed}; the new run is {found.outcome.run_id}"
    )
    code = output.PARTIAL if found.changes else output.COMPLETE
    return output.emit(as_json, found.as_json(), Group(*lines, ending), code)


def show(
    name: RunName,
    events: Annotated[bool, typer.Option("--events", help="Show the journal, one record a line.")] = False,
    times: Annotated[
        bool, typer.Option("--timeline", help="Show when each call began and how long it took.")
    ] = False,
    workflow: Annotated[
        bool,
        typer.Option("--workflow", help="Print the run's plan as a workflow file, to change and run again."),
    ] = False,
    out: Out = None,
    as_json: Json = False,
) -> int:
    """Show a run's report, its journal, its calls on a line of time, or its plan as a workflow."""
    from benchmate.app import cli_report
    from benchmate.app.runs import find_run, load_outcome
    from benchmate.runtime.journal import open_existing

    folder = find_run(name, options.settings_of(out).runs_dir)
    if workflow:
        from benchmate.app.saving import plan_of
        from benchmate.workflows.from_plan import plan_to_workflow

        text = plan_to_workflow(plan_of(folder))
        if as_json:
            return output.emit_document({"workflow": text})
        print(text, end="")
        return output.COMPLETE
    if times:
        from benchmate.app import timeline

        spans = timeline.timeline(folder)
        return output.emit(as_json, timeline.document(spans), timeline.view(spans))
    if events:
        journal = open_existing(folder)
        try:
            records = list(journal.records())
        finally:
            journal.close()
        document = [cli_report.record_document(record) for record in records]
        return output.emit(as_json, document, cli_report.journal_view(records))
    outcome = load_outcome(folder)
    if as_json:
        return output.emit_document(outcome.as_json())
    return output.emit(False, None, cli_report.report_view(outcome))


def drive(start: Start, runs: Path, quiet: bool, folder: Path | None = None) -> RunOutcome:
    """Return the outcome of what `start` makes in `runs`, its progress shown on standard error.

    Ctrl-C, and any error, says where the run is kept and how to go on. `folder` is a run known before.
    """
    import asyncio

    from benchmate.app.progress import LiveProgress

    before = _runs_in(runs)

    def kept() -> str | None:
        new = sorted(_runs_in(runs) - before)
        place = folder or (new[-1] if new else None)
        return f"the run is kept in {place}; `benchmate resume {place}` goes on" if place else None

    try:
        with LiveProgress(quiet=quiet) as progress:
            return asyncio.run(start(progress))
    except KeyboardInterrupt:
        output.note(f"interrupted; {kept() or 'no run had begun'}")
        raise typer.Exit(output.INTERRUPTED) from None
    except Exception as error:
        if said := kept():
            error.add_note(said)
        raise


def _runs_in(runs: Path) -> set[Path]:
    return {path.parent for path in runs.glob("*/journal.sqlite")}


def emit_outcome(outcome: RunOutcome, as_json: bool) -> int:
    """Print a run's outcome and return the exit code that its status stands for."""
    from benchmate.app.cli_report import outcome_view

    code = output.CODE_OF_STATUS[outcome.status]
    return output.emit(as_json, outcome.as_json(), outcome_view(outcome), code)
