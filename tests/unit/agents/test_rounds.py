"""Loops in the graph: what a round repeats, what it carries over, and when it ends."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from benchmate.agents.contracts import Loop, Plan, Task, TaskResult
from benchmate.app.runs import RunOutcome, execute, replay_run, resume_run
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.journal import Journal
from benchmate.runtime.policy import Policy, Rule

pytestmark = pytest.mark.usefixtures("inline_tools")
Execute = Callable[..., Awaitable[RunOutcome]]


class NoModel:
    name = version = "none"


@pytest.fixture
def perform(tmp_path: Path, own_tools: Path) -> Execute:
    async def run(*tasks: Task, **options: Any) -> RunOutcome:
        plan = Plan(title="x", tasks=tasks, inputs=options.pop("inputs", {})).check()
        return await execute(plan=plan, out=tmp_path / "runs", engine=NoModel(), **options)

    return run


def calls(folder: Path) -> Counter[tuple[str, int]]:
    """Return how many calls each task's attempts made."""
    journal = Journal(folder / "journal.sqlite", read_only=True)
    found = Counter(
        (r.task, r.attempt) for r in journal.records("call.finished") if r.task not in ("verify", "intake")
    )
    journal.close()
    return found


def result_of(folder: Path, task: str) -> TaskResult:
    """Return how a task's last attempt ended."""
    journal = Journal(folder / "journal.sqlite", read_only=True)
    last = [r for r in journal.records("outcome") if r.task == task][-1]
    journal.close()
    return TaskResult.model_validate(ArtifactStore(folder / "artifacts").get_json(last.body["ref"]))


def until(condition: str, most: int = 5) -> Loop:
    return Loop(until=condition, max=most)


NEWTON = Task(  # Heron's rule for the root of two, x → (x + 2/x)/2
    id="root", kind="tool", tool="calculate", loop=until("result.quantities.result.value * result.quantities.result.value < 2.000001", 8),
    arguments={"calculation": "(${loop.last.quantities.result.value if loop.round > 1 else inputs.start} + "
               "2 / ${loop.last.quantities.result.value if loop.round > 1 else inputs.start}) / 2"},
)  # fmt: skip


async def test_a_step_goes_on_from_the_round_before_until_its_condition_holds(perform: Execute) -> None:
    outcome = await perform(NEWTON, inputs={"start": 2})
    assert outcome.status == "complete"
    # by hand: 1.5, 1.41666…, 1.414215…, whose square is 2.0000060 and after that 2.0000000000045
    assert calls(outcome.folder) == {("root", 1): 1, ("root", 2): 1, ("root", 3): 1, ("root", 4): 1}
    value = result_of(outcome.folder, "root").output["quantities"]["result"]["value"]
    assert value == pytest.approx(math.sqrt(2), abs=1e-9)
    assert outcome.report is not None
    assert len(outcome.report.claims) == 1  # of the last round alone


async def test_only_items_that_failed_or_fall_short_are_repeated(perform: Execute) -> None:
    """`succeed_later` fails as often as it is told, so that the round in which an item succeeds is known."""
    items = [{"name": "a", "failures": 0}, {"name": "b", "failures": 2}, {"name": "c", "failures": 1}]
    step = Task(
        id="tries", kind="tool", tool="succeed_later", foreach=items, item_name="x", claims=(),
        arguments={"name": "${x.name}", "failures": "${x.failures}"}, loop=until("result.data.tries > 0"),
    )  # fmt: skip
    outcome = await perform(step)
    assert calls(outcome.folder) == {("tries", 1): 3, ("tries", 2): 2, ("tries", 3): 1}
    found = result_of(outcome.folder, "tries")
    assert [o["data"]["tries"] for o in found.output] == [1, 3, 2]  # in the order of the items
    assert (found.status, found.unfulfilled, found.attempt) == ("ok", (), 3)
    assert [i.index for i in found.items] == [0, 1, 2]


async def test_a_condition_is_one_of_each_item(perform: Execute) -> None:
    step = Task(
        id="twice", kind="tool", tool="double_number", foreach=[8, 1, 3], item_name="n",
        arguments={"number": "${loop.last.quantities.double.value if loop.round > 1 else n}"},
        loop=until("result.quantities.double.value >= 16"),
    )  # fmt: skip
    outcome = await perform(step)
    values = [o["quantities"]["double"]["value"] for o in result_of(outcome.folder, "twice").output]
    assert values == [16, 16, 24]  # 8→16; 1→2→4→8→16; 3→6→12→24
    # the last, of 8, is the call that the first item was made with: a tool that only computes is not called again for it
    assert calls(outcome.folder) == {("twice", 1): 3, ("twice", 2): 2, ("twice", 3): 2}


async def test_a_call_that_would_be_the_same_is_not_made_again(perform: Execute) -> None:
    """A window that widens from round to round: what was in it is taken over."""
    window = Task(
        id="window", kind="tool", tool="double_number", foreach=[1, 2, 3, 4], item_name="n", when="n <= loop.round",
        arguments={"number": "${n}"},
    )  # fmt: skip
    group = Task(
        id="widen",
        kind="group",
        members=("window",),
        needs=("window",),
        loop=until("steps.window.items >= 3"),
    )
    outcome = await perform(window, group)
    assert [o["quantities"]["double"]["value"] for o in result_of(outcome.folder, "window").output] == [
        2,
        4,
        6,
    ]
    assert calls(outcome.folder) == {("window", n): 1 for n in (1, 2, 3)}


async def test_what_never_holds_ends_at_max_and_is_said(perform: Execute) -> None:
    outcome = await perform(
        NEWTON.model_copy(update={"loop": until("result.quantities.result.value < 1", 3)}),
        inputs={"start": 2},
    )
    assert outcome.status == "partial"
    assert sum(calls(outcome.folder).values()) == 3
    assert "after 3 rounds the condition 'result.quantities.result.value < 1' does not hold" in outcome.answer
    assert result_of(outcome.folder, "root").output is not None  # the last round's, to go on with


async def test_on_error_fail_makes_a_step_fail_that_falls_short(perform: Execute) -> None:
    short = NEWTON.model_copy(
        update={"loop": until("result.quantities.result.value < 1", 2), "on_error": "fail"}
    )
    after = Task(id="after", kind="tool", tool="double_number", needs=("root",), arguments={"number": 1})
    outcome = await perform(short, after, inputs={"start": 2})
    assert result_of(outcome.folder, "root").status == "failed"
    assert result_of(outcome.folder, "after").status == "skipped"


async def test_a_failure_before_the_last_round_does_not_skip_the_rest(perform: Execute) -> None:
    step = Task(
        id="tries", kind="tool", tool="succeed_later", arguments={"name": "d", "failures": 1}, on_error="skip_rest",
        loop=until("True"), claims=(),
    )  # fmt: skip
    after = Task(id="after", kind="tool", tool="double_number", needs=("tries",), arguments={"number": 1})
    outcome = await perform(step, after)
    assert result_of(outcome.folder, "after").status == "ok"


def growing(limit: float, **changes: Any) -> tuple[Task, ...]:
    """A group that doubles a number of the round, and doubles that again."""
    first = Task(
        id="first",
        kind="tool",
        tool="double_number",
        arguments={"number": "${loop.round}"},
        needs=("before",),
    )
    second = Task(
        id="second", kind="tool", tool="double_number", needs=("first",),
        arguments={"number": "${steps.first.output.quantities.double.value}"},
    )  # fmt: skip
    still = Task(id="still", kind="tool", tool="double_number", arguments={"number": 100}, needs=("before",))
    group = Task(
        id="grow", kind="group", members=("first", "second", "still"), needs=("before", "first", "second", "still"),
        loop=until(f"steps.second.output.quantities.double.value >= {limit}"), **changes,
    )  # fmt: skip
    before = Task(id="before", kind="tool", tool="double_number", arguments={"number": 0})
    return before, first, second, still, group


async def test_a_group_repeats_what_reads_the_round_and_what_builds_on_it(perform: Execute) -> None:
    after = Task(
        id="after", kind="tool", tool="double_number", needs=("second",),
        arguments={"number": "${steps.second.output.quantities.double.value}"},
    )  # fmt: skip
    outcome = await perform(*growing(12), after)
    assert outcome.status == "complete"
    assert calls(outcome.folder) == {
        ("before", 1): 1, ("still", 1): 1, ("after", 1): 1, **{(t, n): 1 for t in ("first", "second") for n in (1, 2, 3)},
    }  # fmt: skip
    assert result_of(outcome.folder, "grow").output == {"rounds": 3, "fulfilled": True}
    # 'after' began when the group had ended, not when 'second' first had
    assert result_of(outcome.folder, "after").output["quantities"]["double"]["value"] == 24


async def test_a_group_whose_step_failed_repeats_that_and_what_builds_on_it(perform: Execute) -> None:
    steady = Task(id="steady", kind="tool", tool="double_number", arguments={"number": 4})
    tries = Task(
        id="tries", kind="tool", tool="succeed_later", arguments={"name": "e", "failures": 2}, claims=()
    )
    builds = Task(
        id="builds",
        kind="tool",
        tool="double_number",
        needs=("tries", "steady"),
        arguments={"number": "${steps.tries.output.data.tries}"},
    )
    group = Task(
        id="both", kind="group", members=("steady", "tries", "builds"), needs=("steady", "tries", "builds"),
        loop=until("steps.builds.output.quantities.double.value > 0"),
    )  # fmt: skip
    outcome = await perform(steady, tries, builds, group)
    assert calls(outcome.folder) == {
        ("steady", 1): 1, ("tries", 1): 1, ("tries", 2): 1, ("tries", 3): 1, ("builds", 3): 1,
    }  # fmt: skip
    assert result_of(outcome.folder, "both").output == {"rounds": 3, "fulfilled": True}


async def test_a_group_in_which_nothing_failed_or_reads_the_round_is_repeated_whole(perform: Execute) -> None:
    reads = Task(id="reads", kind="tool", tool="read_draft", arguments={"topic": "x"}, claims=())
    group = Task(id="poll", kind="group", members=("reads",), needs=("reads",), loop=until("loop.round == 2"))
    outcome = await perform(reads, group)
    assert calls(outcome.folder) == {("reads", 1): 1, ("reads", 2): 1}


async def test_steps_read_what_the_group_gave_in_the_round_before(perform: Execute) -> None:
    first = Task(
        id="first", kind="tool", tool="double_number",
        arguments={"number": "${loop.last.second.output.quantities.double.value if loop.round > 1 else 1}"},
    )  # fmt: skip
    second = Task(
        id="second", kind="tool", tool="double_number", needs=("first",),
        arguments={"number": "${steps.first.output.quantities.double.value}"},
    )  # fmt: skip
    group = Task(
        id="g", kind="group", members=("first", "second"), needs=("first", "second"),
        loop=until("steps.second.output.quantities.double.value > 100", 9),
    )  # fmt: skip
    outcome = await perform(first, second, group)
    assert (
        result_of(outcome.folder, "second").output["quantities"]["double"]["value"] == 256
    )  # 4, 16, 64, 256
    assert result_of(outcome.folder, "g").output == {"rounds": 4, "fulfilled": True}


async def test_a_group_left_out_leaves_out_its_steps(perform: Execute) -> None:
    outcome = await perform(*growing(12, when="steps.before.output.quantities.double.value > 1"))
    assert calls(outcome.folder) == {("before", 1): 1}
    assert {result_of(outcome.folder, name).status for name in ("first", "second", "grow")} == {"skipped"}


async def test_what_policy_denies_is_not_tried_again(perform: Execute) -> None:
    step = Task(
        id="tries",
        kind="tool",
        tool="double_number",
        arguments={"number": "${loop.round}"},
        loop=until("False"),
    )
    outcome = await perform(step, policy=Policy(rules=(Rule(tool="double_number", decision="deny"),)))
    assert outcome.status == "refused"
    assert {attempt for _, attempt in calls(outcome.folder)} == {1}


async def test_the_budget_ends_a_loop_and_a_larger_one_goes_on_with_it(
    perform: Execute, tmp_path: Path
) -> None:
    step = NEWTON.model_copy(update={"loop": until("loop.round == 5", 8)})
    ended = await perform(step, inputs={"start": 2}, budget=BudgetLimits(calls=3))
    assert ended.status == "budget"
    again = await resume_run(ended.folder, engine=NoModel(), budget=BudgetLimits(calls=50))
    assert again.status == "complete"
    assert calls(again.folder) == {("root", n): 1 for n in range(1, 6)}
    replayed = await replay_run(again.folder, out=tmp_path / "again")
    assert (replayed.folder / "report.md").read_bytes() == (again.folder / "report.md").read_bytes()


class Died(BaseException):
    """What no code catches: the end of the process, played."""


def dying_after(number: int) -> Callable[..., Any]:
    """Return what writes to a journal until that many records are on disk."""
    append = Journal.append_many

    def dying(journal: Journal, entries: Any) -> Any:
        done = append(journal, entries)
        if len(journal) >= number:
            raise Died
        return done

    return dying


@pytest.mark.parametrize("tasks", [(NEWTON,), growing(12)], ids=["a step", "a group"])
async def test_a_run_with_a_loop_stopped_after_any_record_goes_on_to_the_same(
    perform: Execute, tmp_path: Path, tasks: tuple[Task, ...]
) -> None:
    """The process is not killed here, which tests/integration does, but every record is tried, without checkpoints too."""
    plan = Plan(title="x", tasks=tasks, inputs={"start": 2}).check()
    whole = await execute(plan=plan, out=tmp_path / "whole", engine=NoModel())
    assert whole.report is not None
    expected = calls(whole.folder)

    records = len(Journal(whole.folder / "journal.sqlite", read_only=True))
    for number in range(2, records, 3):
        out = tmp_path / str(number)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, "append_many", dying_after(number))
            with pytest.raises((Died, BaseExceptionGroup)):
                await execute(plan=plan, out=out, engine=NoModel())
        (folder,) = (p.parent for p in out.glob("*/journal.sqlite"))
        if number % 2:
            for path in folder.glob("checkpoints.sqlite*"):
                path.unlink()
        resumed = await resume_run(folder, engine=NoModel())
        assert calls(folder) == expected, number
        assert resumed.report is not None
        assert resumed.report.claims == whole.report.claims


async def test_a_replay_of_loops_is_byte_equal(perform: Execute, tmp_path: Path) -> None:
    outcome = await perform(NEWTON, *growing(12), inputs={"start": 2})
    replayed = await replay_run(outcome.folder, out=tmp_path / "again")
    for name in ("report.md", "report.html", "ro-crate-metadata.json"):
        assert (replayed.folder / name).read_bytes() == (outcome.folder / name).read_bytes(), name


async def test_each_round_is_an_attempt_in_the_journal(perform: Execute) -> None:
    outcome = await perform(NEWTON, inputs={"start": 2})
    journal = Journal(outcome.folder / "journal.sqlite", read_only=True)
    told = [(r.task, r.attempt, r.body["status"]) for r in journal.records("outcome")]
    journal.close()
    assert told == [("root", 1, "partial"), ("root", 2, "partial"), ("root", 3, "partial"), ("root", 4, "ok")]


@pytest.mark.parametrize("most", [0, 21, -1])
def test_a_loop_is_bounded(most: int) -> None:
    with pytest.raises(ValidationError):
        Loop(until="True", max=most)


def test_a_loop_has_a_bound() -> None:
    with pytest.raises(ValidationError, match="max"):
        Loop.model_validate({"until": "True"})


@pytest.mark.parametrize(
    ("tasks", "code"),
    [
        ([Task(id="g", kind="group", members=("a",), needs=("a",))], "unknown_need"),
        ([Task(id="a", kind="verify"), Task(id="g", kind="group", members=("a",))], "bad_group"),
        ([NEWTON, Task(id="g", kind="group", members=("root",), needs=("root",), loop=Loop(until="True", max=2))], "nested_loop"),
        ([Task(id="a", kind="verify", needs=("c",)), Task(id="b", kind="verify"), Task(id="g", kind="group", members=("a", "b"), needs=("a", "b")),
          Task(id="c", kind="verify", needs=("b",))], "cyclic_needs"),
    ],
    ids=["a member that is no task", "a member that the group does not need", "two loops", "a member waits for what waits for the group"],
)  # fmt: skip
def test_what_cannot_run_is_refused(tasks: list[Task], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Plan(title="x", tasks=tuple(tasks)).check()
    assert caught.value.code == code
