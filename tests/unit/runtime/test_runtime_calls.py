"""Calls: made once, found again, replayed, paid for before they start, and never lost."""

import math

import pytest

from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.calls import Call, evidence_in, evidence_of, record_batch, record_call, usage_of
from benchmate.runtime.context import TaskScope
from benchmate.runtime.errors import (
    BenchmateError,
    BudgetExceeded,
    InternalError,
    InvalidInput,
    NotFound,
    Refused,
)

RESULT = {"data": {"answer": 42}, "quantities": {}, "source": {"kind": "computed", "name": "test"}}


class Tool:
    """A function that counts how often it ran and gives what it is told to."""

    def __init__(self, *answers):
        self.answers = list(answers) or [RESULT]
        self.runs = 0

    async def __call__(self):
        self.runs += 1
        answer = self.answers[min(self.runs, len(self.answers)) - 1]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def call(name="answer", effects=("compute",), type="tool", **arguments):
    return Call(type, name, "1", arguments, frozenset(effects))


async def test_a_finished_call_is_returned_and_not_run_again(open_run):
    run, tool = open_run(), Tool()
    first = await record_call(run, TaskScope("T1"), call(x=1), tool)
    again = await record_call(run, TaskScope("T1"), call(x=1.0), tool)  # a resumed task counts from the start
    assert tool.runs == 1
    assert (first.reused, again.reused) == (False, True)
    assert first.result == again.result == RESULT
    assert [r.kind for r in run.journal.records()] == ["call.started", "call.finished"]


@pytest.mark.parametrize("scope", [TaskScope("T2"), TaskScope("T1", attempt=2)])
async def test_another_task_or_attempt_calls_for_itself(open_run, scope):
    run, tool = open_run(), Tool()
    await record_call(run, TaskScope("T1"), call(), tool)
    await record_call(run, scope, call(), tool)
    assert tool.runs == 2


async def test_a_failed_call_is_recorded_and_raised_each_time(open_run):
    run, tool = open_run(), Tool(InvalidInput("invalid_smiles", "no", hint="try CCO"))
    for _ in range(2):
        finished = await record_call(run, TaskScope("T1"), call(), tool)
        with pytest.raises(InvalidInput) as caught:
            _ = finished.result
        assert (caught.value.code, caught.value.hint) == ("invalid_smiles", "try CCO")
    assert tool.runs == 1
    assert usage_of(run.journal)["failed_calls"] == 1


async def test_a_call_cut_short_is_made_again(open_run):
    run = open_run()
    with pytest.raises(RuntimeError):
        await record_call(run, TaskScope("T1"), call(), Tool(RuntimeError("power cut")))
    finished = await record_call(run, TaskScope("T1"), call(), Tool())
    assert not finished.reused and finished.result == RESULT


async def test_identical_samples_are_different_calls(open_run):
    run = open_run()
    tool = Tool({"text": "a"}, {"text": "b"})
    scope = TaskScope("T1")
    texts = [(await record_call(run, scope, call(type="model"), tool)).result["text"] for _ in range(2)]
    assert texts == ["a", "b"] and tool.runs == 2
    scope = TaskScope("T1")
    again = [(await record_call(run, scope, call(type="model"), tool)).result["text"] for _ in range(2)]
    assert again == ["a", "b"] and tool.runs == 2


async def test_a_batch_runs_only_what_is_missing_and_keeps_the_order(open_run):
    run, asked = open_run(), []
    calls = [call(n=n) for n in range(5)]

    async def work(todo):
        asked.append(todo)
        return [InvalidInput("odd", "odd") if n % 2 else RESULT | {"data": {"n": n}} for n in todo]

    await record_batch(run, TaskScope("T1"), calls[1:3], lambda todo: work([i + 1 for i in todo]))
    finished = await record_batch(run, TaskScope("T1"), calls, work)
    assert asked == [[1, 2], [0, 3, 4]]
    assert [f.reused for f in finished] == [False, True, True, False, False]
    assert [f.error.code if f.error else f.result["data"]["n"] for f in finished] == [0, "odd", 2, "odd", 4]


async def test_a_result_that_cannot_be_recorded_costs_only_itself(open_run):
    run = open_run()

    async def work(todo):
        return [RESULT, RESULT | {"data": {"x": math.nan}}, RESULT]

    finished = await record_batch(run, TaskScope("T1"), [call(n=n) for n in range(3)], work)
    assert finished[0].result == finished[2].result == RESULT
    with pytest.raises(InternalError) as caught:
        _ = finished[1].result
    assert caught.value.code == "tool_fault" and "nan" in caught.value.info.message
    assert run.journal.verify() == 6


async def test_budget_is_reserved_before_anything_starts(open_run):
    run, tool = open_run(limits=BudgetLimits(calls=2)), Tool()
    await record_call(run, TaskScope("T1"), call(n=0), tool)
    with pytest.raises(BudgetExceeded):
        await record_batch(run, TaskScope("T1"), [call(n=1), call(n=2)], lambda todo: pytest.fail("started"))
    assert [r.kind for r in run.journal.records()] == [
        "call.started",
        "call.finished",
        "call.refused",
        "call.refused",
    ]
    assert (run.budget.used.calls, run.budget.calls.reserved) == (1, 0)
    await record_call(run, TaskScope("T1"), call(n=0), tool)  # what is recorded costs nothing
    assert tool.runs == 1 and run.budget.used.calls == 1


async def test_a_budget_that_runs_out_is_noticed_once(open_run):
    run, heard = open_run(limits=BudgetLimits(calls=5)), []
    run.listeners.append(heard.append)
    for n in range(5):
        await record_call(run, TaskScope("T1"), call(n=n), Tool())
    assert [e.data["text"] for e in heard if e.kind == "notice"] == [
        "the budget is running out: 4 of 5 calls are used"
    ]


async def test_what_a_model_used_is_settled(open_run):
    run = open_run(limits=BudgetLimits(tokens=100, usd=1.0))
    usage = {"prompt_tokens": 30, "completion_tokens": 10, "total_tokens": 40, "usd": 0.25}
    asked = Call("model", "chat", "1", {"p": 1}, tokens=90)
    await record_call(run, TaskScope("T1"), asked, Tool({"text": "x", "usage": usage}))
    assert (run.budget.used.tokens, run.budget.used.usd, run.budget.tokens.reserved) == (40, 0.25, 0)
    total = usage_of(run.journal)
    assert (total["model_calls"], total["prompt_tokens"], total["completion_tokens"]) == (1, 30, 10)


async def test_a_failing_function_gives_its_reservation_back(open_run):
    run = open_run(limits=BudgetLimits(calls=5, tokens=100))
    with pytest.raises(RuntimeError):
        await record_call(
            run, TaskScope("T1"), Call("model", "chat", "1", {}, tokens=90), Tool(RuntimeError())
        )
    assert (run.budget.used.calls, run.budget.tokens.reserved) == (1, 0)


async def test_replay_copies_from_the_recording_and_runs_nothing(open_run):
    recorded = open_run("recorded")
    await record_call(recorded, TaskScope("T1"), call(x=1e16), Tool())
    await record_call(recorded, TaskScope("T1"), call(x=2), Tool(InvalidInput("bad", "bad")))
    replay, tool = open_run("replay", recording=recorded.journal), Tool()
    scope = TaskScope("T1")
    first = await record_call(replay, scope, call(x=1e16), tool)
    second = await record_call(replay, scope, call(x=2), tool)
    assert first.reused and first.result == RESULT and tool.runs == 0
    assert second.error is not None and second.error.code == "bad"
    assert replay.budget.used.calls == 2
    assert [r.body for r in replay.journal.records("call.finished")] == [
        r.body for r in recorded.journal.records("call.finished")
    ]
    assert [e.id for e in evidence_in(replay.journal)] == [e.id for e in evidence_in(recorded.journal)]
    with pytest.raises(NotFound) as caught:
        await record_call(replay, TaskScope("T1"), call(x=3), tool)
    assert caught.value.code == "not_recorded" and tool.runs == 0


@pytest.mark.parametrize("effect", ["write", "exec"])
async def test_an_unfinished_effect_waits_for_a_person(open_run, effect):
    run, writing = open_run(), call("save", effects=[effect], path="a")
    with pytest.raises(RuntimeError):
        await record_call(run, TaskScope("T1"), writing, Tool(RuntimeError("power cut")))
    tool = Tool()
    with pytest.raises(Refused) as caught:
        await record_call(run, TaskScope("T1"), writing, tool)
    assert caught.value.code == "unfinished_effect" and tool.runs == 0
    started = caught.value.info.details["started"]
    run.journal.append("approval.given", {"subject": f"unfinished:{started}", "approved": True})
    scope = TaskScope("T1")
    await record_call(run, scope, writing, tool)
    assert tool.runs == 1
    await record_call(run, scope, writing, tool)  # the same once more, on purpose: nothing is unfinished now
    assert tool.runs == 2


async def test_saying_no_to_an_unfinished_effect_keeps_it_refused(open_run):
    run, writing = open_run(), call("save", effects=["write"])
    with pytest.raises(RuntimeError):
        await record_call(run, TaskScope("T1"), writing, Tool(RuntimeError()))
    run.journal.append("approval.given", {"subject": "unfinished:1", "approved": False})
    with pytest.raises(Refused):
        await record_call(run, TaskScope("T1"), writing, Tool())


async def test_a_write_that_failed_in_the_open_is_finished(open_run):
    run, writing = open_run(), call("save", effects=["write"])
    await record_call(run, TaskScope("T1"), writing, Tool(InvalidInput("bad", "bad")))
    again = await record_call(run, TaskScope("T1"), writing, Tool())
    assert again.reused and again.error is not None


async def test_evidence_is_what_the_journal_holds(open_run):
    run = open_run()
    finished = await record_call(run, TaskScope("T1"), call(x=1), Tool())
    failed = await record_call(run, TaskScope("T1"), call(x=2), Tool(InvalidInput("bad", "bad")))
    await record_call(run, TaskScope("T1"), call(type="model"), Tool({"text": "x"}))
    (evidence,) = evidence_in(run.journal)
    assert evidence == evidence_of(run.journal, finished.record)
    assert evidence.arguments == {"x": 1} and evidence.result.data == {"answer": 42}
    assert evidence.id.startswith("E-") and evidence.task == "T1"
    with pytest.raises(BenchmateError):
        evidence_of(run.journal, failed.record)
