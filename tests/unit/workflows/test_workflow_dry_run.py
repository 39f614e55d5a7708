"""A dry run: what a plan would do, counted before anything is called."""

from typing import Any

import pytest

from benchmate.agents.contracts import Plan, Retry, Task
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.policy import Policy, Rule
from benchmate.tools.base import Tool
from benchmate.workflows.dry_run import DryRun, Range, dry_run
from benchmate.workflows.loader import load_workflow, to_plan

AGENTS = ("chemist", "biologist", "analyst")


def call(name: str, **fields: Any) -> Task:
    return Task(id=name, kind="tool", tool="compute_descriptors", **fields)


def dry(tools: dict[str, Tool], *tasks: Task, policy: Policy | None = None, **plan: Any) -> DryRun:
    return dry_run(Plan(title="t", tasks=tasks, **plan), policy, tools=tools)


def exactly(number: int) -> Range:
    return Range(low=number, high=number)


def up_to(number: int | None) -> Range:
    return Range(low=0, high=number)


def test_lead_triage_is_counted(tools: dict[str, Tool]) -> None:
    flow = load_workflow("lead_triage", tools=tools, agents=AGENTS)
    found = dry_run(to_plan(flow, {"compounds": ["a", "b", "c"]}, tools=tools, agents=AGENTS), tools=tools)
    assert found.calls == {
        "check_druglikeness": up_to(3),
        "compare_similarity": up_to(3),
        "compute_descriptors": exactly(3),
        "draw_structure": up_to(3),
    }
    assert [(step.id, step.wave) for step in found.steps] == [
        ("properties", 1), ("alerts", 2), ("similarity", 2), ("picture", 2), ("rank", 3), ("verify", 4), ("report", 5),
    ]  # fmt: skip
    assert found.intake == exactly(4)
    assert (found.model_calls, found.tokens) == (exactly(0), exactly(0))
    assert (found.approvals, found.denied, found.approves_plan) == ((), (), False)
    assert (
        found.steps[-2].calls == found.verification == up_to(9)
    )  # not the pictures, of which nothing is claimed
    assert found.total_calls == Range(low=3 + 4, high=4 * 3 + 4 + 9)
    assert [(e.input, e.given) for e in found.entities] == [
        ("compounds", "a"), ("compounds", "b"), ("compounds", "c"), ("reference", "aspirin"),
    ]  # fmt: skip


def test_ask_is_planned_later(tools: dict[str, Tool]) -> None:
    flow = load_workflow("ask", tools=tools, agents=AGENTS)
    found = dry_run(to_plan(flow, {}, tools=tools, agents=AGENTS), tools=tools)
    assert found.planned_later and found.steps == ()
    assert found.tokens.low > 0 and found.total_calls.high is not None


def test_known_lists_are_counted_exactly(tools: dict[str, Tool]) -> None:
    found = dry(
        tools,
        call("a", foreach="${inputs.x}"),
        call("b", foreach=["p", "q"]),
        call("c"),
        inputs={"x": ["u", "v", "w"]},
    )
    assert [(step.items, step.calls) for step in found.steps] == [
        (exactly(3), exactly(3)), (exactly(2), exactly(2)), (None, exactly(1)),
    ]  # fmt: skip
    assert found.calls == {"compute_descriptors": exactly(6)}


def test_conditions_and_earlier_steps_make_ranges(tools: dict[str, Tool]) -> None:
    found = dry(
        tools,
        call("a", foreach=["p", "q"]),
        call("b", foreach="${steps.a.output}", needs=("a",)),
        call("c", foreach="${steps.b.output}", needs=("b",)),
        call("d", foreach="${steps.a.output[0].data.parts}", needs=("a",)),
        call("e", foreach=["p"], when="item != 'p'"),
        call("f", when="inputs.x > 1"),
        inputs={"x": 1},
    )
    assert {step.id: step.calls for step in found.steps} == {
        "a": exactly(2), "b": up_to(2), "c": up_to(2), "d": up_to(None), "e": up_to(1), "f": up_to(1),
    }  # fmt: skip
    assert found.calls["compute_descriptors"] == Range(low=2, high=None)
    assert str(found.total_calls) == "2 or more"
    assert found.duration == "unknown"


def test_retries_are_counted_apart(tools: dict[str, Tool]) -> None:
    (step,) = dry(tools, call("a", foreach=["p", "q"], retry=Retry(max=3))).steps
    assert (step.calls, step.retries) == (exactly(2), up_to(6))


def test_steps_come_in_an_order_in_which_they_can_run(tools: dict[str, Tool]) -> None:
    found = dry(tools, call("c", needs=("a", "b")), call("b", needs=("a",)), call("a"))
    assert [(step.id, step.wave, step.needs) for step in found.steps] == [
        ("a", 1, ()), ("b", 2, ("a",)), ("c", 3, ("a", "b")),
    ]  # fmt: skip


def test_a_plan_that_cannot_run_is_refused(tools: dict[str, Tool]) -> None:
    with pytest.raises(InvalidInput, match="need each other"):
        dry(tools, call("a", needs=("b",)), call("b", needs=("a",)))


def test_the_policy_says_who_is_asked_and_what_is_denied(tools: dict[str, Tool]) -> None:
    policy = Policy(
        rules=(
            Rule(tool="compute_*", decision="ask", reason="costly"),
            Rule(tool="draw_*", decision="deny", reason="no pictures"),
        )
    )
    found = dry(
        tools,
        call("a"),
        Task(id="b", kind="tool", tool="draw_structure"),
        Task(id="c", kind="approve", arguments={"message": "Go on?"}),
        policy=policy,
        approve=True,
    )
    assert found.approvals == ("plan", "a", "c")
    assert found.denied == ("b",)
    assert [step.reason for step in found.steps] == ["costly", "no pictures", ""]
    assert found.calls["draw_structure"] == exactly(0)


def test_agents_cost_tokens_and_rankings_do_not(tools: dict[str, Tool]) -> None:
    asks = Task(id="a", kind="agent", agent="chemist", arguments={"goal": "g"})
    ranks = Task(
        id="b", kind="agent", agent="analyst", needs=("a",), arguments={"goal": "g", "rank": {"by": "qed"}}
    )
    first, second = dry(tools, asks, ranks).steps
    assert first.tokens.low > 0 and first.model_calls.high
    assert (second.tokens, second.model_calls, second.calls) == (exactly(0), exactly(0), exactly(0))


def test_ten_thousand_slow_calls_take_hours(tools: dict[str, Tool]) -> None:
    slow = {
        "slow": tools["compute_descriptors"].__class__(
            **{**vars_of(tools["compute_descriptors"]), "name": "slow", "cost": "slow"}
        )
    }
    many = Task(id="a", kind="tool", tool="slow", foreach=[str(i) for i in range(10_000)])
    assert dry(slow, many).duration == "hours"
    assert dry(slow, Task(id="a", kind="tool", tool="slow", foreach=["x"] * 10)).duration == "minutes"
    assert dry(tools, call("a")).duration == "seconds"


def vars_of(tool: Tool) -> dict[str, Any]:
    from dataclasses import fields

    return {field.name: getattr(tool, field.name) for field in fields(tool)}


def test_a_dry_run_is_data(tools: dict[str, Tool]) -> None:
    found = dry(
        tools,
        call("a", foreach=["p"]),
        inputs={"x": {"smiles": "C", "registry_id": "A-1"}},
        input_kinds={"x": "compound"},
    )
    assert DryRun.model_validate_json(found.model_dump_json()) == found
    assert (found.entities[0].given, found.entities[0].registry_id) == ("C", "A-1")
