"""The doors to runs: bad input, folders that cannot be written, a full disk, two processes on one run, a notebook's loop."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import benchmate
from benchmate.agents.approval import ApprovalAnswer
from benchmate.agents.contracts import Plan, Task
from benchmate.app import runs
from benchmate.app.runs import call_once, execute, find_run, load_outcome, open_run, replay_run, resume_run
from benchmate.model.scripted import ScriptedEngine
from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, StorageError
from benchmate.runtime.journal import Journal
from benchmate.runtime.policy import Policy, Rule
from benchmate.runtime.workers import WorkerPool

COMPOUNDS = {"compounds": ["aspirin", "caffeine", "nonsensol"]}


pytestmark = pytest.mark.usefixtures("inline_tools")


def only_run(out: Path) -> Path:
    (path,) = out.glob("*/journal.sqlite")
    return path.parent


def ends(folder: Path) -> Counter[tuple[str, int, str]]:
    journal = Journal(folder / "journal.sqlite", read_only=True)
    found = Counter((r.task, r.attempt, r.call_key) for r in journal.records("call.finished"))
    journal.close()
    return found


PLAN = Plan(
    title="one weight",
    tasks=(Task(id="weigh", kind="tool", tool="compute_descriptors", arguments={"compound": "aspirin"}),),
)


@pytest.mark.parametrize("question", ["", "  ", "\n\t"])
async def test_an_empty_question_makes_no_run(tmp_path: Path, question: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await execute(question=question, out=tmp_path / "runs")
    assert caught.value.code == "empty_question"
    assert not (tmp_path / "runs").exists()


async def test_a_folder_that_cannot_be_made_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError) as caught:
        await execute(plan=PLAN, out=tmp_path / "file" / "runs")
    assert caught.value.code == "storage_denied"
    assert str(tmp_path / "file") in str(caught.value)


async def test_an_unknown_workflow_makes_no_run(tmp_path: Path) -> None:
    with pytest.raises(BenchmateError):
        await execute(workflow="led_triage", out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


# --- a full disk ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.45, 0.6, 0.75, 0.9])
async def test_a_disk_that_fills_up_loses_nothing_and_a_resume_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    whole = await execute(workflow="lead_triage", inputs=COMPOUNDS, out=tmp_path / "whole")
    pages = int(share * (whole.folder / "journal.sqlite").stat().st_size / 4096)
    original = Journal.__init__

    def small(self: Journal, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        if not self.read_only:
            self._db.execute(f"PRAGMA max_page_count = {pages}")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "__init__", small)
        with pytest.raises(StorageError) as caught:
            await execute(workflow="lead_triage", inputs=COMPOUNDS, out=tmp_path / "full")
    assert caught.value.code == "storage_full"
    assert "free some space" in str(caught.value)
    folder = only_run(tmp_path / "full")
    before = ends(folder)
    assert before < ends(whole.folder)
    outcome = await resume_run(folder)
    assert (outcome.status, outcome.answer) == (whole.status, whole.answer)
    assert ends(folder) == ends(whole.folder)


async def test_a_disk_that_fills_up_under_the_checkpoints_is_told_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import aiosqlite

    original = aiosqlite.connect

    def small(path: Any, *args: Any, **options: Any) -> Any:
        connection = original(path, *args, **options)
        make = connection._connector

        def limited() -> Any:
            database = make()
            database.execute("PRAGMA max_page_count = 6")
            return database

        connection._connector = limited
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(aiosqlite, "connect", small)
        with pytest.raises(StorageError) as caught:
            await execute(workflow="lead_triage", inputs=COMPOUNDS, out=tmp_path)
    assert caught.value.code == "storage_full"
    assert (await resume_run(only_run(tmp_path))).status == "partial"


async def test_a_report_that_cannot_be_written_leaves_a_run_that_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise StorageError("storage_full", "report.md cannot be written: no space left")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "write_report", full)
        with pytest.raises(StorageError):
            await execute(plan=PLAN, out=tmp_path)
    folder = only_run(tmp_path)
    assert (await resume_run(folder)).status == "complete"
    assert (folder / "report.html").is_file()


# --- one run at a time ----------------------------------------------------------------------------------------------

HOLD = """
import asyncio, sys
from benchmate.app.runs import open_run

async def hold():
    async with open_run(sys.argv[1], run_id=sys.argv[2]):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(hold())
"""


async def test_a_run_that_another_process_works_on_is_locked(tmp_path: Path) -> None:
    folder = (await execute(plan=PLAN.model_copy(update={"approve": True}), out=tmp_path)).folder
    holder = subprocess.Popen(  # noqa: ASYNC220 (it only has to be there)
        [sys.executable, "-c", HOLD, str(folder.parent), folder.name],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StorageError) as caught:
            await resume_run(folder)
        assert caught.value.code == "run_locked"
        assert load_outcome(folder).status == "waiting", "reading is allowed"
    finally:
        holder.communicate("\n", timeout=60)
    assert (await resume_run(folder)).status == "waiting"


async def test_a_run_is_free_again_when_closing_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Journal) -> None:
        self._db.close()
        raise StorageError("storage_full", "the journal could not be folded")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "close", fail)
        with pytest.raises(StorageError):
            async with open_run(tmp_path, run_id="one"):
                pass
    async with open_run(tmp_path, run_id="one") as run:
        assert run.context.run_id == "one"


# --- what there is to resume ----------------------------------------------------------------------------------------


async def test_a_finished_run_gives_its_outcome_again_and_nothing_is_written(tmp_path: Path) -> None:
    outcome = await execute(workflow="lead_triage", inputs=COMPOUNDS, out=tmp_path)
    before = (outcome.folder / "journal.sqlite").read_bytes()
    again = await resume_run(outcome.folder)
    assert (again.status, again.answer, again.report) == (outcome.status, outcome.answer, outcome.report)
    assert (outcome.folder / "journal.sqlite").read_bytes() == before


async def test_a_failed_run_says_again_why(tmp_path: Path) -> None:
    from benchmate.runtime.settings import ModelProfile, load_settings

    settings = load_settings(profile="free", profiles={"free": ModelProfile(plans=True)})
    with pytest.raises(InvalidInput):
        await execute(question="Why?", out=tmp_path, settings=settings, engine=ScriptedEngine(["no", "no"]))
    again = await resume_run(only_run(tmp_path))
    assert again.status == "failed"
    assert "no usable plan" in again.answer


@pytest.mark.parametrize(
    "content", [None, b"", b"garbage that is no database", b"SQLite format 3\0" + b"\0" * 200]
)
async def test_what_is_no_run_is_refused(tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    if content is not None:
        (folder / "journal.sqlite").write_bytes(content)
    with pytest.raises((NotFound, StorageError)) as caught:
        await resume_run(folder)
    assert caught.value.code in ("no_such_run", "journal_unreadable", "journal_damaged")
    assert not (folder / "checkpoints.sqlite").exists()


async def test_a_run_of_which_nothing_was_asked_is_refused(tmp_path: Path) -> None:
    async with open_run(tmp_path, run_id="empty"):
        pass
    with pytest.raises(NotFound, match="nothing was asked of it"):
        await resume_run(tmp_path / "empty")


async def test_a_tampered_journal_is_not_gone_on_from(tmp_path: Path) -> None:
    import sqlite3

    outcome = await execute(plan=PLAN.model_copy(update={"approve": True}), out=tmp_path)
    with sqlite3.connect(outcome.folder / "journal.sqlite") as journal:
        journal.execute(
            "UPDATE records SET body = replace(body, 'aspirin', 'heroin') WHERE kind = 'approval.asked'"
        )
    journal.close()
    with pytest.raises(StorageError) as caught:
        await resume_run(outcome.folder)
    assert caught.value.code == "journal_tampered"


async def test_runs_are_found_by_id_prefix_folder_and_last(tmp_path: Path) -> None:
    for name in ("20260101-000000-aaaaaa", "20260102-000000-bbbbbb"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "journal.sqlite").touch()
    assert find_run("last", tmp_path).name.endswith("bbbbbb")
    assert find_run("20260101", tmp_path).name.endswith("aaaaaa")
    assert find_run(str(tmp_path / "20260101-000000-aaaaaa"), tmp_path / "elsewhere").name.endswith("aaaaaa")
    for wrong in ("2026", "30", "20260102-000000-bbbbbc"):
        with pytest.raises(NotFound):
            find_run(wrong, tmp_path)
    with pytest.raises(NotFound):
        find_run("last", tmp_path / "empty")


async def test_a_tool_call_is_kept_but_no_run_to_go_on_with(tmp_path: Path) -> None:
    await call_once("balance_reaction", {"equation": "H2 + O2 -> H2O"}, out=tmp_path)
    called = only_run(tmp_path)
    asked = await execute(plan=PLAN, out=tmp_path)
    called = called.rename(called.with_name("29990101-000000-aaaaaa"))  # the newest
    assert find_run("last", tmp_path) == asked.folder
    assert find_run(called.name, tmp_path) == called
    for go_on in (resume_run, replay_run):
        with pytest.raises(InvalidInput, match="is a tool call balance_reaction") as caught:
            await go_on(called)
        assert caught.value.code == "nothing_to_go_on"
    assert not (tmp_path / "replays").exists()


async def test_where_there_are_only_tool_calls_there_is_no_last_run(tmp_path: Path) -> None:
    await call_once("balance_reaction", {"equation": "H2 + O2 -> H2O"}, out=tmp_path)
    with pytest.raises(NotFound, match="no run of a question or a workflow"):
        find_run("last", tmp_path)


async def test_a_run_that_has_not_ended_is_to_be_resumed_before_a_replay(tmp_path: Path) -> None:
    outcome = await execute(plan=PLAN.model_copy(update={"approve": True}), out=tmp_path)
    with pytest.raises(InvalidInput, match="has not ended") as caught:
        await replay_run(outcome.folder)
    assert caught.value.code == "run_not_ended"
    assert "benchmate resume" in str(caught.value)


# --- answers --------------------------------------------------------------------------------------------------------


async def test_a_yes_to_another_question_approves_nothing(tmp_path: Path) -> None:
    asked = PLAN.model_copy(update={"approve": True})
    other = ApprovalAnswer(approved=True, subject="step:publish")
    with pytest.raises(InvalidInput, match="'step:publish'") as caught:
        await execute(plan=asked, out=tmp_path, approver=lambda request: other)
    assert caught.value.code == "answer_to_nothing"
    folder = only_run(tmp_path)
    with pytest.raises(InvalidInput, match="asked now: 'plan'"):
        await resume_run(folder, answer=other)
    assert load_outcome(folder).status == "waiting"
    outcome = await resume_run(folder, answer=ApprovalAnswer(approved=True, subject="plan"))
    assert outcome.status == "complete"


async def test_an_answer_goes_to_the_question_it_names(tmp_path: Path) -> None:
    tasks = tuple(Task(id=name, kind="approve", arguments={"message": f"{name}?"}) for name in ("one", "two"))
    waiting = await execute(plan=Plan(title="two questions", tasks=tasks), out=tmp_path)
    assert waiting.waiting is not None
    (other,) = {"step:one", "step:two"} - {waiting.waiting.subject}
    after = await resume_run(waiting.folder, answer=ApprovalAnswer(approved=True, subject=other))
    assert after.waiting == waiting.waiting


# --- closing --------------------------------------------------------------------------------------------------------


async def test_all_is_closed_where_one_closing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: Any) -> None:
        raise RuntimeError("the workers do not end")

    with monkeypatch.context() as patch:
        patch.setattr(WorkerPool, "close", failing)
        with pytest.raises(RuntimeError, match="do not end"):
            async with open_run(tmp_path, run_id="one"):
                pass
    async with open_run(tmp_path, run_id="one") as run:  # the lock is free
        assert run.context.run_id == "one"
    assert not (tmp_path / "one" / "journal.sqlite-wal").exists(), "the journal was closed"


# --- what a run remembers -------------------------------------------------------------------------------------------


async def test_a_run_opens_with_all_that_a_resume_must_know(tmp_path: Path) -> None:
    engine = ScriptedEngine([], name="own", version="7")
    outcome = await execute(
        plan=PLAN, out=tmp_path, engine=engine, budget=BudgetLimits(calls=50), private=True
    )
    async with open_run(tmp_path, run_id=outcome.run_id) as run:
        assert run.context.budget.limits == BudgetLimits(calls=50)
        assert run.context.labels == {"private"}
        opened = run.context.journal.first("run.opened")
    assert opened is not None
    assert (opened.body["model"], opened.body["model_version"]) == ("own", "7")
    assert "base_url" not in opened.body["model_profile"], "an address may hold a password"
    assert not engine.closed, "an engine that the caller brought is the caller's to close"


async def test_a_single_tool_call_opens_with_its_policy_and_privacy(tmp_path: Path) -> None:
    own = Policy(rules=(Rule(tool="pubchem", decision="deny"),), allow_tools=("balance_*",))
    await call_once(
        "balance_reaction", {"equation": "H2 + O2 -> H2O"}, out=tmp_path, private=True, policy=own
    )
    async with open_run(tmp_path, run_id=only_run(tmp_path).name) as run:
        assert run.context.labels == {"private"}
        assert run.context.policy.rules == own.rules
        assert run.context.policy.allow_tools == own.allow_tools


# --- the sync doors -------------------------------------------------------------------------------------------------


def test_a_script_asks_and_reads_the_answer(tmp_path: Path) -> None:
    outcome = benchmate.ask("What is the molecular weight of aspirin?", out=tmp_path)
    assert "180.16 g/mol" in outcome.answer
    assert benchmate.resume(outcome.folder).answer == outcome.answer
    assert benchmate.replay(outcome.folder, out=tmp_path / "again").answer == outcome.answer


async def test_a_notebook_asks_inside_its_own_event_loop(tmp_path: Path) -> None:
    outcome = benchmate.run("lead_triage", {"compounds": ["aspirin"]}, out=tmp_path)
    assert outcome.status == "complete"


async def test_an_error_reaches_a_notebook_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no question"):
        benchmate.ask(" ", out=tmp_path)
