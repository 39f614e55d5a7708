"""A run's limits: what is done when one is reached stays done, is checked and reported, and may be gone on from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from benchmate.agents.contracts import Plan, Task
from benchmate.app.runs import RunOutcome, execute, replay_run, resume_run
from benchmate.runtime import budget as budget_module
from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.journal import Journal

pytestmark = pytest.mark.usefixtures("inline_tools")
Execute = Callable[..., Awaitable[RunOutcome]]


def batch(name: str, count: int, start: int = 0) -> Task:
    return Task(
        id=name, kind="tool", tool="double_number", foreach=[start + n for n in range(count)],
        arguments={"number": "${item}"},
    )  # fmt: skip


@pytest.fixture
def perform(tmp_path: Path, own_tools: Path) -> Execute:
    async def run(*tasks: Task, **options: Any) -> RunOutcome:
        return await execute(plan=Plan(title="x", tasks=tasks), out=tmp_path / "runs", **options)

    return run


def count(folder: Path, kind: Any, task: str | None = None) -> int:
    journal = Journal(folder / "journal.sqlite", read_only=True)
    found = sum(task is None or r.task == task for r in journal.records(kind))
    journal.close()
    return found


async def test_a_limit_reached_in_a_batch_keeps_what_is_done_and_reports_it(perform: Execute) -> None:
    outcome = await perform(batch("all", 20), budget=BudgetLimits(calls=8))
    assert outcome.status == "budget"
    assert outcome.report is not None
    assert (outcome.folder / "report.md").is_file()
    assert count(outcome.folder, "call.finished", "all") == 8
    assert len(outcome.report.claims) == 8
    assert {f.error.code for f in outcome.report.failures} == {"budget_exceeded"}
    assert len(outcome.report.failures) == 12
    # there is nothing left to make the calls again with, which is no reason to doubt the claims
    assert {(v.status, v.method) for v in outcome.report.verdicts.values()} == {("supported", "matched")}


async def test_tasks_that_have_not_begun_do_not_begin(perform: Execute) -> None:
    after = batch("after", 3, 100).model_copy(update={"needs": ("all",)})
    outcome = await perform(batch("all", 20), after, budget=BudgetLimits(calls=8))
    assert outcome.status == "budget"
    assert count(outcome.folder, "call.started", "after") == 0


async def test_ten_parallel_branches_cannot_overspend(perform: Execute) -> None:
    tasks = [batch(f"branch-{n}", 10, 10 * n) for n in range(10)]
    outcome = await perform(*tasks, budget=BudgetLimits(calls=37))
    assert outcome.status == "budget"
    assert count(outcome.folder, "call.started") <= 37
    assert count(outcome.folder, "call.finished") == count(outcome.folder, "call.started")


async def test_no_calls_at_all_is_a_limit_too(perform: Execute) -> None:
    outcome = await perform(batch("all", 3), budget=BudgetLimits(calls=0))
    assert outcome.status == "budget"
    assert count(outcome.folder, "call.started") == 0


async def test_time_is_a_limit(perform: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1.0
        return now

    original = budget_module.Budget.__post_init__

    def with_clock(self: budget_module.Budget) -> None:
        self.clock = clock
        original(self)

    monkeypatch.setattr(budget_module.Budget, "__post_init__", with_clock)
    outcome = await perform(batch("all", 40), budget=BudgetLimits(seconds=12))
    assert outcome.status == "budget"
    assert outcome.report is not None
    assert 0 < len(outcome.report.claims) < 40
    assert "12 seconds" in outcome.report.failures[0].error.message


async def test_a_larger_budget_goes_on_and_repeats_nothing(perform: Execute, tmp_path: Path) -> None:
    outcome = await perform(batch("all", 20), budget=BudgetLimits(calls=8))
    assert (await resume_run(outcome.folder)).status == "budget", "nothing has changed"
    outcome = await resume_run(outcome.folder, budget=BudgetLimits(calls=100))
    assert outcome.status == "complete"
    assert outcome.report is not None
    assert len(outcome.report.claims) == 20
    assert count(outcome.folder, "call.started", "all") == 20
    replayed = await replay_run(outcome.folder, out=tmp_path / "again")
    assert (replayed.folder / "report.md").read_bytes() == (outcome.folder / "report.md").read_bytes()


async def test_a_run_that_was_taken_up_again_and_stopped_can_be_taken_up_once_more(
    perform: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmate.app import runs

    class Stop(BaseException):
        pass

    def stop(*_: Any) -> None:
        raise Stop

    outcome = await perform(batch("all", 20), budget=BudgetLimits(calls=8))
    with monkeypatch.context() as patch:
        patch.setattr(runs, "write_report", stop)
        with pytest.raises(Stop):
            await resume_run(outcome.folder, budget=BudgetLimits(calls=100))
    outcome = await resume_run(outcome.folder)
    assert outcome.status == "complete"
    assert count(outcome.folder, "call.started", "all") == 20


async def test_the_time_between_a_stop_and_a_resume_does_not_count(perform: Execute, tmp_path: Path) -> None:
    from benchmate.app.open_run import _spent_seconds

    journal = Journal(tmp_path / "journal.sqlite")
    from benchmate.runtime.journal import Entry

    journal.append_many([
        Entry("run.opened", {}, at=100.0), Entry("call.finished", {}, at=110.0),
        Entry("run.resumed", {}, at=5000.0), Entry("call.finished", {}, at=5007.0),
        Entry("run.resumed", {}, at=9000.0), Entry("call.finished", {}, at=9001.0),
    ])  # fmt: skip
    assert _spent_seconds(journal) == pytest.approx(18.0)
    journal.close()
