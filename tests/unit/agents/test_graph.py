"""The one graph: embedding it, plans that a person approves or edits, what its state holds, and going on after any stop."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scientist import Scientist, planned

import benchmate
from benchmate.agents.approval import ApprovalAnswer, ApprovalRequest
from benchmate.agents.contracts import Plan, Task
from benchmate.agents.graph import Nodes
from benchmate.agents.state import Outcome, State, merge_outcomes
from benchmate.app import runs
from benchmate.app.runs import RunOutcome, execute, load_outcome, resume_run
from benchmate.runtime.errors import InternalError, InvalidInput, StorageError
from benchmate.runtime.journal import Journal
from benchmate.runtime.policy import Policy, Rule

pytestmark = pytest.mark.usefixtures("inline_tools")


def weigh(name: str, compound: str = "aspirin", **fields: Any) -> Task:
    return Task(id=name, kind="tool", tool="compute_descriptors", arguments={"compound": compound}, **fields)


def only_run(runs: Path) -> Path:
    (path,) = runs.glob("*/journal.sqlite")
    return path.parent


def calls(folder: Path, kind: Any = "call.started") -> Counter[tuple[str, int, str]]:
    journal = Journal(folder / "journal.sqlite", read_only=True)
    found = Counter((r.task, r.attempt, r.call_key) for r in journal.records(kind))
    journal.close()
    return found


async def test_the_graph_is_embedded_in_a_few_lines(tmp_path: Path) -> None:
    async with benchmate.open_run(tmp_path) as run:
        graph = benchmate.build_graph(run.context, run.engine, run.checkpointer)
        state = await graph.ainvoke({"question": "What is the molecular weight of aspirin?"}, run.config)
        report = run.report(state)
    assert state["status"] == "complete"
    assert "180.16 g/mol" in state["answer"] == report.answer


async def test_an_embedded_graph_asks_by_interrupt_and_takes_a_dict_as_the_answer(tmp_path: Path) -> None:
    from langgraph.types import Command

    async with benchmate.open_run(tmp_path) as run:
        plan = Plan(title="x", tasks=(weigh("a"),), approve=True)
        graph = benchmate.build_graph(run.context, run.engine, run.checkpointer)
        ref = run.context.artifacts.put_json(plan.model_dump(mode="json"))
        state = await graph.ainvoke({"plan": ref}, run.config)
        request = ApprovalRequest.model_validate(state["__interrupt__"][0].value)
        assert request.subject == "plan"
        state = await graph.ainvoke(Command(resume={"approved": True}), run.config)
    assert state["status"] == "complete"


@pytest.mark.parametrize("question", ["", "   \n"])
async def test_an_empty_question_is_refused_by_the_graph_too(tmp_path: Path, question: str) -> None:
    async with benchmate.open_run(tmp_path) as run:
        graph = benchmate.build_graph(run.context, run.engine, run.checkpointer)
        with pytest.raises(InvalidInput) as caught:
            await graph.ainvoke({"question": question}, run.config)
    assert caught.value.code == "empty_question"


# --- a plan that a person sees first --------------------------------------------------------------------------------


def plan_of(*tasks: Task) -> Plan:
    return Plan(title="weights", tasks=tasks, approve=True)


async def propose(tmp_path: Path, answer: ApprovalAnswer | None) -> RunOutcome:
    return await execute(plan=plan_of(weigh("a")), out=tmp_path, approver=lambda request: answer)  # type: ignore[arg-type, return-value]


async def test_an_approved_plan_is_run(tmp_path: Path) -> None:
    outcome = await propose(tmp_path, ApprovalAnswer(approved=True))
    assert outcome.status == "complete"


async def test_a_rejected_plan_runs_nothing_and_says_so(tmp_path: Path) -> None:
    outcome = await propose(tmp_path, ApprovalAnswer(approved=False, note="too dear"))
    assert outcome.status == "refused"
    assert outcome.answer == "The plan was not approved, so nothing was run."
    assert calls(outcome.folder) == Counter()


async def test_an_edited_plan_is_run_instead_as_the_persons(tmp_path: Path) -> None:
    edited = plan_of(weigh("b", "caffeine"))
    outcome = await propose(tmp_path, ApprovalAnswer(approved=True, plan=edited))
    assert outcome.status == "complete"
    assert outcome.report is not None
    assert outcome.report.plan is not None
    assert outcome.report.plan.made_by == "person"
    assert "caffeine" in outcome.answer
    replayed = await runs.replay_run(outcome.folder, out=tmp_path / "again")
    assert replayed.answer == outcome.answer


async def test_an_edited_plan_that_cannot_work_leaves_the_question_open(tmp_path: Path) -> None:
    bad = plan_of(weigh("a", needs=("b",)), weigh("b", needs=("a",)))
    with pytest.raises(InvalidInput) as caught:
        await propose(tmp_path, ApprovalAnswer(approved=True, plan=bad))
    assert caught.value.code == "cyclic_needs"
    folder = only_run(tmp_path)
    assert load_outcome(folder).status == "waiting"
    outcome = await resume_run(folder, answer=ApprovalAnswer(approved=True))
    assert outcome.status == "complete"


async def test_a_plan_that_waits_is_answered_later(tmp_path: Path) -> None:
    outcome = await propose(tmp_path, None)
    assert (outcome.status, outcome.waiting is not None) == ("waiting", True)
    outcome = await resume_run(outcome.folder, answer=ApprovalAnswer(approved=False))
    assert outcome.status == "refused"


# --- questions in parallel ------------------------------------------------------------------------------------------

ASKING = Policy(rules=(Rule(tool="compute_descriptors", decision="ask"),))


async def ask_twice(tmp_path: Path, **options: Any) -> RunOutcome:
    plan = Plan(title="two", tasks=(weigh("a"), weigh("b", "caffeine")))
    return await execute(plan=plan, out=tmp_path, policy=ASKING, **options)


async def test_two_questions_at_once_are_answered_one_after_the_other(tmp_path: Path) -> None:
    """The first answer was once dropped while the second was missing, so that neither ever counted."""
    outcome = await ask_twice(tmp_path)
    subjects = []
    for approved in (True, False):
        assert outcome.waiting is not None
        subjects.append(outcome.waiting.subject)
        assert load_outcome(outcome.folder).waiting == outcome.waiting
        outcome = await resume_run(outcome.folder, answer=ApprovalAnswer(approved=approved))
    assert [subject.split(":")[1] for subject in subjects] == ["a", "b"]
    assert outcome.status == "partial"
    assert "aspirin is 180.16 g/mol" in outcome.answer
    assert {task for task, _, _ in calls(outcome.folder, "call.finished")} >= {"a"}


async def test_an_approver_may_leave_one_question_open(tmp_path: Path) -> None:
    def person(request: ApprovalRequest) -> Any:
        return ApprovalAnswer(approved=True) if ":b:" in request.subject else None

    outcome = await ask_twice(tmp_path, approver=person)
    assert outcome.waiting is not None
    assert ":a:" in outcome.waiting.subject
    outcome = await resume_run(outcome.folder, answer=ApprovalAnswer(approved=True))
    assert outcome.status == "complete"


async def test_the_verifier_asks_nobody(tmp_path: Path) -> None:
    outcome = await ask_twice(tmp_path, approver=lambda request: ApprovalAnswer(approved=True))
    assert outcome.report is not None
    assert {v.method for v in outcome.report.verdicts.values()} == {"matched"}
    replayed = await runs.replay_run(outcome.folder, out=tmp_path / "again")
    assert replayed.report is not None
    assert replayed.report.verdicts == outcome.report.verdicts


# --- the state ------------------------------------------------------------------------------------------------------


async def test_nodes_write_fields_of_the_state_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: Any
) -> None:
    written: dict[str, set[str]] = {}

    def watched(name: str, node: Callable[..., Any]) -> Callable[..., Any]:
        async def run(self: Nodes, state: Any) -> Any:
            found = await node(self, state)
            written.setdefault(name, set()).update(found)
            assert json.loads(json.dumps(found)) == found, "the state is plain data"
            return found

        return run

    for name in ("intake", "planner", "approve", "run_task", "collect", "verify", "report"):
        monkeypatch.setattr(Nodes, name, watched(name, getattr(Nodes, name)))
    await execute(workflow="lead_triage", inputs={"compounds": ["aspirin", "nonsensol"]}, out=tmp_path)
    engine = Scientist(plan=[planned(("analyst", "Comment."))]).engine
    await execute(question="Is aspirin small?", out=tmp_path, settings=free, engine=engine)
    assert set(written) == {"intake", "planner", "approve", "run_task", "collect", "verify", "report"}
    assert set().union(*written.values()) <= set(State.__annotations__)
    assert written["run_task"] == {"outcomes"}, "parallel branches share one field, which has a reducer"


async def test_checkpoints_stay_small_and_hold_no_payload(tmp_path: Path) -> None:
    compounds = ["aspirin", "ibuprofen", "paracetamol", "caffeine", "lidocaine", "nonsensol"]
    outcome = await execute(workflow="lead_triage", inputs={"compounds": compounds}, out=tmp_path)
    with sqlite3.connect(outcome.folder / "checkpoints.sqlite") as database:
        blobs = [
            b
            for (b,) in database.execute(
                "SELECT checkpoint FROM checkpoints UNION ALL SELECT value FROM writes"
            )
        ]
    database.close()
    held = b"".join(blob if isinstance(blob, bytes) else str(blob).encode() for blob in blobs)
    size = sum(path.stat().st_size for path in outcome.folder.glob("checkpoints.sqlite*"))
    assert size < 300_000
    assert len(held) < 150_000
    for payload in (b"ibuprofen", b"CC(=O)Oc1ccccc1C(=O)O", b"180.1", b"molecular_weight"):
        assert payload not in held


def outcome_of(task: str, attempt: int = 1, status: str = "ok") -> Outcome:
    return {"task": task, "attempt": attempt, "status": status, "ref": "r", "done": 1, "failed": 0}


def test_outcomes_merge_the_same_in_any_order() -> None:
    import itertools

    parts = [
        {"a": outcome_of("a")},
        {"b": outcome_of("b")},
        {"a": outcome_of("a", 2)},
        {"a": outcome_of("a")},
    ]
    merged = []
    for order in itertools.permutations(parts):
        state: dict[str, Outcome] = {}
        for part in order:
            state = merge_outcomes(state, part)
        merged.append(state)
    assert all(state == {"a": outcome_of("a", 2), "b": outcome_of("b")} for state in merged)


def test_a_task_that_ended_in_two_ways_is_a_fault() -> None:
    with pytest.raises(InternalError, match="ended in two ways"):
        merge_outcomes({"a": outcome_of("a")}, {"a": outcome_of("a", status="failed")})


# --- going on -------------------------------------------------------------------------------------------------------


class Stop(BaseException):
    """Stands for a process that ends here."""


async def test_a_run_that_stopped_after_its_graph_had_ended_makes_no_call_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It once went through the graph anew with another intake, and checked its claims with other calls."""

    def stop(*_: Any) -> None:
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(runs, "write_report", stop)
        with pytest.raises(Stop):
            await execute(question="Which is heavier, aspirin or caffeine?", out=tmp_path)
    folder = only_run(tmp_path)
    before = calls(folder)
    outcome = await resume_run(folder)
    assert outcome.status == "complete"
    assert calls(folder) == before
    assert (folder / "report.md").is_file()
    assert outcome.report is not None
    assert {v.method for v in outcome.report.verdicts.values()} <= {"independent", "derived"}


async def test_without_its_checkpoints_a_run_goes_on_from_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Nodes.verify

    async def stop(self: Nodes, state: State) -> State:
        await original(self, state)
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(Nodes, "verify", stop)
        with pytest.raises(BaseException):  # noqa: B017, PT011 (wrapped or not)
            await execute(workflow="lead_triage", inputs={"compounds": ["aspirin", "caffeine"]}, out=tmp_path)
    folder = only_run(tmp_path)
    before = calls(folder)
    for path in folder.glob("checkpoints.sqlite*"):
        path.unlink()
    outcome = await resume_run(folder)
    assert outcome.status == "complete"
    assert calls(folder) - before <= Counter({k: 1 for k in calls(folder) if k[0] == "report"})


async def test_damaged_checkpoints_are_named_with_the_way_out(tmp_path: Path) -> None:
    outcome = await propose(tmp_path, None)
    for path in outcome.folder.glob("checkpoints.sqlite*"):
        path.unlink()
    (outcome.folder / "checkpoints.sqlite").write_bytes(
        b"no database at all, but long enough to be read as one" * 99
    )
    with pytest.raises(StorageError) as caught:
        await resume_run(outcome.folder)
    assert caught.value.code == "checkpoints_unreadable"
    assert "delete it" in str(caught.value)
    (outcome.folder / "checkpoints.sqlite").unlink()
    outcome = await resume_run(outcome.folder, answer=ApprovalAnswer(approved=True))
    assert outcome.status == "complete"


async def test_a_cancelled_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Nodes.verify
    reached = asyncio.Event()

    async def wait(self: Nodes, state: State) -> State:
        reached.set()
        await asyncio.Event().wait()
        return await original(self, state)

    with monkeypatch.context() as patch:
        patch.setattr(Nodes, "verify", wait)
        running = asyncio.create_task(execute(plan=Plan(title="x", tasks=(weigh("a"),)), out=tmp_path))
        await reached.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    folder = only_run(tmp_path)
    before = calls(folder)
    outcome = await resume_run(folder)
    assert outcome.status == "complete"
    assert before <= calls(folder)
    assert max(calls(folder).values()) == 1
