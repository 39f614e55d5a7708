"""Tasks: batches whose items keep their own results and errors, conditions, retries, and what a step's failure means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from benchmate.agents.approval import ApprovalAnswer, ApprovalRequest
from benchmate.agents.contracts import Plan, Retry, Task, TaskResult
from benchmate.app.runs import RunOutcome, execute
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.journal import Journal

Execute = Callable[..., Awaitable[RunOutcome]]
pytestmark = pytest.mark.usefixtures("inline_tools")


def doubles(name: str = "double", **fields: Any) -> Task:
    return Task(id=name, kind="tool", tool="double_number", **fields)


def batch(numbers: Any, name: str = "double", **fields: Any) -> Task:
    return doubles(name, foreach=numbers, item_name="n", arguments={"number": "${n}"}, **fields)


@pytest.fixture
def perform(tmp_path: Path, own_tools: Path) -> Execute:
    async def run(*tasks: Task, **options: Any) -> RunOutcome:
        plan = Plan(title="a plan", tasks=tasks, inputs=options.pop("inputs", {})).check()
        return await execute(plan=plan, out=tmp_path / "runs", **options)

    return run


def results_of(outcome: RunOutcome) -> dict[str, TaskResult]:
    """Return how the tasks ended, from the journal."""
    store = ArtifactStore(outcome.folder / "artifacts")
    journal = Journal(outcome.folder / "journal.sqlite", read_only=True)
    ended = {
        r.task: TaskResult.model_validate(store.get_json(r.body["ref"])) for r in journal.records("outcome")
    }
    journal.close()
    return ended


def calls_of(outcome: RunOutcome, task: str) -> list[str]:
    journal = Journal(outcome.folder / "journal.sqlite", read_only=True)
    found = [r.call_key for r in journal.records("call.started") if r.task == task]
    journal.close()
    return found


async def test_one_bad_item_of_twenty_fails_alone(perform: Execute) -> None:
    outcome = await perform(batch([*range(10), -1, *range(10, 19)]))
    result = results_of(outcome)["double"]
    assert outcome.status == result.status == "partial"
    assert [i.index for i in result.items] == list(range(20))
    assert [i.given for i in result.items if i.status == "failed"] == ["-1"]
    assert [o["quantities"]["double"]["value"] for o in result.output] == [2 * n for n in range(19)]
    assert outcome.report is not None
    assert [(f.given, f.error.code) for f in outcome.report.failures] == [("-1", "negative")]
    assert "-1 is negative" in outcome.answer


async def test_an_item_whose_arguments_are_wrong_fails_alone(perform: Execute) -> None:
    result = results_of(await perform(batch([1, "two", None, 3])))["double"]
    assert [i.status for i in result.items] == ["ok", "failed", "failed", "ok"]
    assert {i.error.code for i in result.items if i.error} == {"bad_arguments"}


async def test_identical_items_are_each_there(perform: Execute) -> None:
    result = results_of(await perform(batch([2, 2, 2])))["double"]
    assert [i.index for i in result.items if i.status == "ok"] == [0, 1, 2]
    assert len(result.claims) == 1


async def test_an_empty_list_is_done_at_once(perform: Execute) -> None:
    outcome = await perform(batch([]), batch("${steps.double.output}", "again", needs=("double",)))
    results = results_of(outcome)
    assert [(r.status, r.output, r.items) for r in results.values()] == [("ok", [], ())] * 2
    assert outcome.status == "failed", "nothing came out"


async def test_what_is_no_list_is_a_typed_error(perform: Execute) -> None:
    outcome = await perform(batch("${inputs.numbers}"), inputs={"numbers": "1, 2"})
    error = results_of(outcome)["double"].error
    assert error is not None
    assert error.code == "not_a_list"
    assert outcome.status == "failed"


async def test_a_condition_leaves_out_items_and_keeps_the_others_places(perform: Execute) -> None:
    result = results_of(await perform(batch([1, 8, 2, 9], when="n < 5")))["double"]
    assert [i.index for i in result.items] == [0, 2]
    assert result.notes == ("2 of 4 items left out by the condition",)


async def test_a_step_whose_condition_is_false_is_left_out(perform: Execute) -> None:
    outcome = await perform(
        doubles(arguments={"number": 1}, when="inputs.wanted"),
        batch("${steps.double.output}", "each", needs=("double",)),
        inputs={"wanted": False},
    )  # fmt: skip
    results = results_of(outcome)
    assert (results["double"].status, results["double"].notes) == (
        "skipped", ("its condition is false: inputs.wanted",),
    )  # fmt: skip
    assert (results["each"].status, results["each"].notes) == ("skipped", ("double was left out",))
    assert calls_of(outcome, "double") == []
    assert outcome.status == "failed", "nothing came out"


async def test_a_step_may_go_by_another_ones_status(perform: Execute) -> None:
    outcome = await perform(
        doubles("first", arguments={"number": 1}, when="inputs.wanted"),
        doubles("instead", arguments={"number": 2}, when="steps.first.status == 'skipped'", needs=("first",)),
        inputs={"wanted": False},
    )  # fmt: skip
    assert results_of(outcome)["instead"].status == "ok"


@pytest.mark.parametrize(
    ("on_error", "status", "after", "unrelated"),
    [
        ("keep", "partial", "ok", "ok"),
        ("fail", "failed", "skipped", "ok"),
        ("skip_rest", "failed", None, None),
    ],
)
async def test_what_a_failed_item_means_is_for_the_step_to_say(
    perform: Execute, on_error: Any, status: str, after: str | None, unrelated: str | None
) -> None:
    outcome = await perform(
        batch([1, -1], on_error=on_error),
        batch("${steps.double.output}", "after", needs=("double",)).model_copy(
            update={"arguments": {"number": "${n.quantities.double.value}"}}
        ),
        doubles("first", arguments={"number": 5}),
        doubles("unrelated", arguments={"number": 6}, needs=("first",)),
    )
    results = results_of(outcome)
    assert results["double"].status == status
    assert (results["after"].status if "after" in results else None) == after
    assert (results["unrelated"].status if "unrelated" in results else None) == unrelated
    assert outcome.status == "partial"
    if on_error == "fail":
        assert results["after"].notes == ("double did not succeed: -1 is negative",)


async def test_failure_goes_down_the_line_without_calls(perform: Execute) -> None:
    outcome = await perform(
        doubles("a", arguments={"number": -1}),
        doubles("b", arguments={"number": "${steps.a.output.quantities.double.value}"}, needs=("a",)),
        doubles("c", arguments={"number": "${steps.b.output.quantities.double.value}"}, needs=("b",)),
    )
    assert [results_of(outcome)[name].status for name in "abc"] == ["failed", "skipped", "skipped"]
    assert calls_of(outcome, "b") == []
    assert outcome.status == "failed"


@pytest.mark.parametrize(
    ("retry", "failures", "status", "tries"),
    [
        (Retry(max=2), 2, "ok", 3),
        (Retry(max=1), 2, "failed", 2),
        (Retry(max=0), 1, "failed", 1),
        (Retry(max=2, errors=("crashed",)), 1, "failed", 1),
        (Retry(max=2, errors=("busy",)), 1, "ok", 2),
    ],
)
async def test_a_failure_is_tried_again_as_often_and_for_what_the_step_says(
    perform: Execute, retry: Retry, failures: int, status: str, tries: int
) -> None:
    task = Task(
        id="later", kind="tool", tool="succeed_later", arguments={"name": "it", "failures": failures}, retry=retry
    )  # fmt: skip
    outcome = await perform(task)
    assert results_of(outcome)["later"].status == status
    assert len(calls_of(outcome, "later")) == tries


async def test_only_the_failed_items_are_tried_again(perform: Execute, own_tools: Path) -> None:
    task = Task(
        id="later", kind="tool", tool="succeed_later", foreach=[0, 1, 0, 2], item_name="n",
        arguments={"name": "it-${n}", "failures": "${n}"}, retry=Retry(max=3),
    )  # fmt: skip
    result = results_of(await perform(task))["later"]
    assert [i.status for i in result.items] == ["ok"] * 4
    tries = (own_tools / "tries").read_text().split()
    assert [tries.count(f"it-{n}") for n in range(3)] == [2, 2, 3]


async def test_a_fault_in_a_tool_is_reported_as_one(perform: Execute) -> None:
    task = Task(id="fault", kind="tool", tool="misbehave", arguments={"how": "fault"})
    error = results_of(await perform(task))["fault"].error
    assert error is not None
    assert (error.kind, error.code) == ("internal", "tool_fault")
    assert "ZeroDivisionError: a fault" in error.message


async def test_a_tool_that_does_not_exist_is_a_failed_step(perform: Execute) -> None:
    task = Task(id="ghost", kind="tool", tool="double_numbr", arguments={})
    error = results_of(await perform(task))["ghost"].error
    assert error is not None
    assert error.code == "unknown_tool"
    assert error.hint == "did you mean 'double_number'?"


async def test_a_reading_tool_that_never_answers_is_left_behind(perform: Execute) -> None:
    task = Task(
        id="wait", kind="tool", tool="read_forever", foreach=["a", "b"], arguments={"place": "${item}"}
    )
    result = results_of(await perform(task))["wait"]
    assert [i.error.code for i in result.items if i.error] == ["tool_timeout", "tool_timeout"]


def approve_step(**fields: Any) -> Task:
    return Task(id="ask", kind="approve", needs=("double",), arguments={"message": "Go on?"}, **fields)


@pytest.mark.parametrize(("approved", "after"), [(True, "ok"), (False, "skipped")])
async def test_a_step_can_ask_a_person(perform: Execute, approved: bool, after: str) -> None:
    asked: list[ApprovalRequest] = []

    def person(request: ApprovalRequest) -> ApprovalAnswer:
        asked.append(request)
        return ApprovalAnswer(approved=approved, note="because")

    outcome = await perform(
        doubles(arguments={"number": 1}), approve_step(),
        doubles("after", arguments={"number": 2}, needs=("ask",)), approver=person,
    )  # fmt: skip
    results = results_of(outcome)
    assert [request.subject for request in asked] == ["step:ask"]
    assert results["after"].status == after
    assert results["ask"].status == ("ok" if approved else "refused")
    assert outcome.status == ("complete" if approved else "partial")


async def test_a_check_can_decide_whether_a_step_runs(perform: Execute) -> None:
    check = Task(id="check", kind="verify", needs=("double",))
    good = doubles(
        "good", arguments={"number": 2}, when="steps.check.output.contradicted == 0", needs=("check",)
    )
    bad = doubles(
        "bad", arguments={"number": 3}, when="steps.check.output.contradicted > 0", needs=("check",)
    )
    results = results_of(await perform(doubles(arguments={"number": 1}), check, good, bad))
    assert results["check"].output == {
        "supported": 1, "contradicted": 0, "insufficient": 0, "unchecked": 0, "claims": 1,
    }  # fmt: skip
    assert (results["good"].status, results["bad"].status) == ("ok", "skipped")


async def test_steps_that_need_nothing_of_each_other_see_only_what_they_need(perform: Execute) -> None:
    task = doubles("b", arguments={"number": "${steps.a.output.quantities.double.value}"})
    error = results_of(await perform(doubles("a", arguments={"number": 1}), task))["b"].error
    assert error is not None
    assert error.kind == "invalid"
