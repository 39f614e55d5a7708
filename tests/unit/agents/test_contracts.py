"""Plans and the state's reducer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.agents.contracts import Plan, Task
from benchmate.agents.ledger import unfinished
from benchmate.agents.state import Outcome, merge_outcomes
from benchmate.runtime.errors import BenchmateError


def task(name: str, *needs: str) -> Task:
    return Task(id=name, kind="tool", tool="convert_units", needs=needs)


def outcome(name: str, attempt: int = 1, status: str = "ok") -> Outcome:
    return {
        "task": name,
        "attempt": attempt,
        "status": status,
        "ref": f"{name}-{attempt}-{status}",
        "done": 1,
        "failed": 0,
    }


@pytest.mark.parametrize(
    ("tasks", "code", "says"),
    [
        ([], "empty_plan", "no tasks"),
        ([task("a"), task("a")], "duplicate_task", "'a'"),
        ([task("mass", "propertys"), task("properties")], "unknown_need", "did you mean 'properties'"),
        ([task("a", "b"), task("b", "a"), task("c")], "cyclic_needs", "a, b"),
        ([task("a", "a")], "cyclic_needs", "a"),
    ],
)
def test_a_plan_that_is_no_dag_is_refused(tasks: list[Task], code: str, says: str) -> None:
    with pytest.raises(BenchmateError) as caught:
        Plan(title="x", tasks=tuple(tasks)).check()
    assert caught.value.code == code
    assert says in str(caught.value)


def test_a_task_names_the_action_of_its_kind() -> None:
    with pytest.raises(ValueError, match="names its tool"):
        Task(id="a", kind="tool", agent="chemist")
    with pytest.raises(ValueError, match="neither"):
        Task(id="a", kind="verify", tool="convert_units")


outcomes = st.lists(
    st.builds(outcome, st.sampled_from("abcd"), st.integers(1, 3)), min_size=0, max_size=8, unique_by=lambda o: (o["task"], o["attempt"])
)  # fmt: skip


@given(outcomes, st.randoms(use_true_random=False))
def test_merging_outcomes_does_not_depend_on_order(found: list[Outcome], rng: object) -> None:
    shuffled = list(found)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]

    def merged(items: list[Outcome]) -> dict[str, Outcome]:
        state: dict[str, Outcome] = {}
        for item in items:
            state = merge_outcomes(state, {item["task"]: item})
        return state

    assert merged(found) == merged(shuffled)
    assert all(
        o["attempt"] == max(f["attempt"] for f in found if f["task"] == o["task"])
        for o in merged(found).values()
    )


def test_two_ends_of_one_attempt_are_a_fault() -> None:
    with pytest.raises(BenchmateError, match="ended in two ways"):
        merge_outcomes({"a": outcome("a")}, {"a": outcome("a", status="failed")})


def test_ready_tasks_are_those_whose_needs_have_ended_in_their_attempt() -> None:
    plan = Plan(title="x", tasks=(task("a"), task("b", "a"), task("c", "b")))
    assert unfinished(plan, {}) == ["a"]
    assert unfinished(plan, {"a": outcome("a")}) == ["b"]
    again = plan.model_copy(update={"tasks": tuple(t.model_copy(update={"attempt": 2}) for t in plan.tasks)})
    assert unfinished(again, {n: outcome(n) for n in "abc"}) == ["a"]
