"""Loops, groups, and workflows as steps of others: the tasks they become, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.agents.contracts import Loop, Plan, Retry, Task
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.expressions import Expression, renamed
from benchmate.workflows.dry_run import dry_run
from benchmate.workflows.from_plan import plan_to_workflow
from benchmate.workflows.loader import load_workflow, parse_workflow, shipped_workflows, to_plan

HEAD = """\
schema: benchmate.workflow/v1
name: example
inputs:
  compounds: {type: compounds, default: [aspirin]}
  start: {type: number, default: 2}
steps:
"""
ROOT = """\
  - id: root
    tool: calculate
    loop: {until: result.quantities.result.value < 1, max: 4}
    with: {calculation: "${inputs.start} / ${loop.round}"}
"""
GROUP = """\
  - id: grow
    loop:
      until: steps.second.output.quantities.result.value > 10
      max: 3
    steps:
      - id: first
        tool: calculate
        with: {calculation: "${loop.round} * 2"}
      - id: second
        needs: [first]
        tool: calculate
        with: {calculation: "${steps.first.output.quantities.result.value} * 2"}
"""
PART = """\
schema: benchmate.workflow/v1
name: part
title: Part
inputs:
  mols: {type: compounds, minItems: 1}
  reference: {type: compound, default: aspirin}
  limit: {type: number, default: 5, maximum: 9}
steps:
  - id: props
    title: Properties
    tool: compute_descriptors
    foreach: ${inputs.mols}
    as: mol
    with: {compound: "${mol}"}
    claims: [logp]
  - id: near
    needs: [props]
    tool: compare_similarity
    foreach: ${steps.props.output}
    as: mol
    when: mol.quantities.logp.value < inputs.limit
    with: {query: "${inputs.reference}", targets: ["${mol.compound}"]}
  - id: rank
    needs: [props]
    agent: analyst
    with: {goal: Rank., rank: {by: logp}, flags: [{name: far, when: "logp > ${inputs.limit}"}]}
  - id: check
    needs: [props, near, rank]
    verify: {}
  - id: report
    needs: [check]
    report: {}
"""
USES = (
    HEAD
    + """\
  - id: a
    workflow: part.yaml
    with: {mols: "${inputs.compounds}", limit: "${inputs.start + 1}"}
  - id: best
    needs: [a]
    tool: compute_descriptors
    foreach: ${steps.a.props.output}
    with: {compound: "${item.compound}"}
  - id: check
    needs: [a, best]
    verify: {}
"""
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "part.yaml").write_text(PART)
    return tmp_path


def plan_from(folder: Path, text: str, **inputs: Any) -> Plan:
    (folder / "main.yaml").write_text(text)
    return to_plan(load_workflow(folder / "main.yaml"), inputs)


def problem(folder: Path, text: str) -> InvalidInput:
    (folder / "main.yaml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load_workflow(folder / "main.yaml")
    return caught.value


# --- what they become


def test_a_loop_is_one_of_its_task(files: Path) -> None:
    (task,) = plan_from(files, HEAD + ROOT).tasks
    assert task.loop == Loop(until="result.quantities.result.value < 1", max=4)
    assert (task.round, task.attempt, task.last, task.carries) == (1, 1, {}, False)


def test_a_group_becomes_its_steps_and_a_task_that_ends_with_them(files: Path) -> None:
    first, second, group = plan_from(files, HEAD + GROUP).tasks
    assert (first.id, second.id, second.needs) == ("first", "second", ("first",))
    assert (group.kind, group.members, group.needs) == ("group", ("first", "second"), ("first", "second"))
    assert group.loop is not None
    assert group.loop.max == 3


def test_a_workflow_as_a_step_becomes_its_steps_under_names_of_their_own(files: Path) -> None:
    plan = plan_from(files, USES, compounds=["caffeine", "ibuprofen"], start=4)
    assert [t.id for t in plan.tasks] == ["a__props", "a__near", "a__rank", "a__check", "a", "best", "check"]
    tasks = plan.by_id
    # its inputs are the plan's: those given as they are keep their name, the others get one of their own
    assert plan.inputs == {
        "compounds": ["caffeine", "ibuprofen"],
        "start": 4,
        "a__reference": "aspirin",
        "a__limit": 5,
    }
    assert plan.input_kinds == {"compounds": "compound", "a__reference": "compound"}
    assert tasks["a__props"].foreach == "${inputs.compounds}"
    assert tasks["a__near"].foreach == "${steps.a__props.output}"
    assert tasks["a__near"].when == "mol.quantities.logp.value < inputs.a__limit"
    assert tasks["a__near"].arguments == {"query": "${inputs.a__reference}", "targets": ["${mol.compound}"]}
    assert tasks["a__rank"].arguments["flags"] == [{"name": "far", "when": "logp > ${inputs.a__limit}"}]
    assert tasks["a"].members == (
        "a__props",
        "a__near",
        "a__rank",
        "a__check",
    )  # the report is the outer one's
    # what comes after reads the inner steps, and begins when all of them have ended
    assert tasks["best"].foreach == "${steps.a__props.output}"
    assert tasks["best"].needs == ("a", "a__props")
    assert set(tasks["check"].needs) >= {"a__props", "a__near", "a__rank", "best"}
    assert "best" not in plan.ready({"a__props", "a__near", "a__rank", "a__check"})
    assert "best" in plan.ready({"a__props", "a__near", "a__rank", "a__check", "a"})


def test_what_steps_give_goes_into_a_workflow_where_its_input_stands(files: Path) -> None:
    text = HEAD + (
        "  - id: props\n    tool: compute_descriptors\n    foreach: ${inputs.compounds}\n    with: {compound: '${item}'}\n"
        "  - id: a\n    needs: [props]\n    workflow: part.yaml\n    with: {mols: '${steps.props.output}', reference: '${steps.props.output[0].compound}'}\n"
    )
    tasks = plan_from(files, text).by_id
    assert tasks["a__props"].foreach == "${(steps.props.output)}"
    assert tasks["a__props"].needs == ("props",)
    assert tasks["a__near"].arguments["query"] == "${(steps.props.output[0].compound)}"


def test_workflows_in_workflows_and_twice(files: Path) -> None:
    (files / "middle.yaml").write_text(
        PART.partition("steps:")[0].replace("name: part", "name: middle")
        + "steps:\n  - id: in\n    workflow: ./part.yaml\n    with: {mols: '${inputs.mols}', reference: caffeine}\n"
    )
    text = HEAD + "".join(
        f"  - id: {name}\n    workflow: middle.yaml\n    with: {{mols: '${{inputs.compounds}}'}}\n"
        for name in "xy"
    )
    plan = plan_from(files, text)
    assert {t.id for t in plan.tasks if t.kind == "group"} == {"x", "x__in", "y", "y__in"}
    assert plan.by_id["y__in__near"].arguments["query"] == "${inputs.y__in__reference}"
    assert plan.inputs["y__in__reference"] == "caffeine"
    assert set(plan.by_id["x"].members) == {
        "x__in",
        *(f"x__in__{n}" for n in ("props", "near", "rank", "check")),
    }


def test_a_workflow_that_ships_is_a_step_by_its_name(files: Path) -> None:
    plan = plan_from(
        files, HEAD + "  - id: t\n    workflow: lead_triage\n    with: {compounds: '${inputs.compounds}'}\n"
    )
    assert plan.by_id["t__alerts"].tool == "check_druglikeness"
    assert plan.by_id["t"].title == "lead triage"


def test_a_path_in_with_is_taken_from_the_workflows_folder(files: Path) -> None:
    (files / "two.smi").write_text("CCO ethanol\nCCC propane\n")
    plan = plan_from(files, HEAD + "  - id: a\n    workflow: part.yaml\n    with: {mols: two.smi}\n")
    assert [m["smiles"] for m in plan.inputs["a__mols"]] == ["CCO", "CCC"]


def test_an_approval_that_a_part_wants_is_asked_for_the_whole(files: Path) -> None:
    (files / "part.yaml").write_text(PART.replace("steps:", "approve: true\nsteps:"))
    assert plan_from(files, USES).approve


def test_the_budget_and_the_policy_are_those_of_the_whole(files: Path) -> None:
    (files / "part.yaml").write_text(
        PART.replace("steps:", "budget: {calls: 1}\npolicy: {allow_tools: []}\nsteps:")
    )
    (files / "main.yaml").write_text(USES)
    flow = load_workflow(files / "main.yaml")
    assert flow.budget_limits is None
    assert flow.policy.allow_tools is None


def test_inputs_of_a_run_are_checked_for_the_parts_too(files: Path) -> None:
    with pytest.raises(InvalidInput, match="more than 9") as caught:
        plan_from(files, USES, start=20)
    assert caught.value.info.details["step"] == "a"


# --- a dry run


def test_a_dry_run_counts_rounds_and_shows_groups(files: Path) -> None:
    estimate = dry_run(plan_from(files, HEAD + ROOT + GROUP))
    steps = {step.id: step for step in estimate.steps}
    assert (steps["root"].calls.low, steps["root"].calls.high, steps["root"].rounds) == (1, 4, 4)
    assert steps["root"].until == "result.quantities.result.value < 1"
    assert (steps["second"].calls.high, steps["second"].rounds, steps["second"].until) == (3, 3, None)
    assert steps["grow"].members == ("first", "second")
    assert (estimate.calls["calculate"].low, estimate.calls["calculate"].high) == (3, 10)
    assert steps["grow"].wave == 3


def test_a_dry_run_shows_the_steps_of_a_part(files: Path) -> None:
    estimate = dry_run(plan_from(files, USES, compounds=["aspirin", "caffeine"]))
    steps = {step.id: step for step in estimate.steps}
    assert str(steps["a__props"].items) == "2"
    assert str(steps["best"].items) == "0 to 2"
    assert steps["best"].wave == steps["a"].wave + 1
    assert [e.given for e in estimate.entities] == ["aspirin", "caffeine", "aspirin"]


# --- what is wrong, at the line with the mark

PART_STEP = "  - id: a\n    workflow: part.yaml\n    with: {mols: [aspirin]}\n"
CASES: dict[str, tuple[str, str, str | None, str, str | None]] = {
    "a loop without a bound": (ROOT.replace(", max: 4}", "} #!"), "missing_key", "root", "'max'", None),
    "too many rounds": (ROOT.replace("max: 4}", "max: 21} #!"), "bad_value", "root", "less than or equal to 20", None),
    "no round at all": (ROOT.replace("max: 4}", "max: 0} #!"), "bad_value", "root", "greater than or equal to 1", None),
    "a bound that is a text": (ROOT.replace("max: 4}", "max: many} #!"), "bad_value", "root", "loop.max", None),
    "a loop without a condition": (ROOT.replace("until: result.quantities.result.value < 1, ", "").replace("max: 4}", "max: 4} #!"), "missing_key", "root", "'until'", None),
    "an unknown key of a loop": (ROOT.replace("max: 4}", "max: 4, untill: x} #!"), "unknown_key", "root", "'untill'", "'until'"),
    "an unknown key in a group": (GROUP.replace("      - id: first\n", "      - id: first\n        nedes: [] #!\n"), "unknown_key", "first", "'nedes'", "'needs'"),
    "an unknown tool in a group": (GROUP.replace("tool: calculate", "tool: calculat #!", 1), "unknown_tool", "first", "'calculat'", "'calculate'"),
    "braces in a condition": (ROOT.replace("result.quantities.result.value < 1, max: 4}", '"${result} < 1", max: 4} #!'), "bad_expression", "root", "without ${}", "until: "),
    "a condition that calls": (ROOT.replace("result.quantities.result.value < 1, max: 4}", "'len(result) < 1', max: 4} #!"), "bad_expression", "root", "not allowed", None),
    "a property that is not measured": (ROOT.replace("max: 4}", "max: 4} #!").replace("quantities.result", "quantities.resalt"), "unknown_property", "root", "'resalt'", "'result'"),
    "a part of a record that is none": (ROOT.replace("max: 4}", "max: 4} #!").replace("result.quantities", "result.quantites"), "unknown_name", "root", "quantites", "'quantities'"),
    "the result before there is one": (ROOT.replace("${inputs.start} / ${loop.round}\"}", "${result.data} ${loop.round}\"} #!"), "unknown_name", "root", "'result.data'", None),
    "a name that is none of the loop's": (ROOT.replace("${loop.round}\"}", "${loop.roud}\"} #!"), "unknown_name", "root", "'loop.roud'", "'round'"),
    "the round where there is no loop": ('  - id: x\n    tool: calculate\n    with: {calculation: "${loop.round}"} #!\n', "unknown_name", "x", "'loop.round'", None),
    "a step of the last round that is none": (GROUP.replace("${loop.round} * 2\"}", "${loop.last.third.output} ${loop.round}\"} #!"), "unknown_step", "first", "'third'", None),
    "a loop of an approval": ("  - id: x\n    approve: {message: Go on?}\n    loop: {until: 'True', max: 2} #!\n", "key_not_here", "x", "'loop'", None),
    "an approval in a loop": (GROUP.replace("    loop:\n", "    loop: #!\n") + "      - id: ask\n        approve: {message: Go on?}\n", "not_repeatable", "grow", "'ask'", None),
    "a loop in a loop": (GROUP + "      - id: third\n        tool: calculate\n        with: {calculation: '${loop.round}'}\n        loop: {until: 'True', max: 2} #!\n", "nested_loop", "third", "'grow'", None),
    "rounds that are all the same": (ROOT.replace("${loop.round}", "3").replace("    loop:", "    #!\n    loop:").replace("    #!\n    loop: {until: result.quantities.result.value < 1, max: 4}", "    loop: {until: result.quantities.result.value < 1, max: 4} #!"), "nothing_changes", "root", "every round would be the same", "loop.round"),
    "a condition over what is not in the group": (GROUP.replace("steps.second.output.quantities.result.value > 10", "steps.root.items > 10 #!") + ROOT, "not_needed", "grow", "'root'", None),
    "a group without steps": ("  - id: x\n    steps: [] #!\n", "bad_value", "x", "at least 1", None),
    "a group and a tool": ("  - id: x #!\n    tool: calculate\n    steps: [{id: y, verify: {}}]\n", "two_actions", "x", "tool and steps", None),
    "a name twice, in a group": (GROUP + ROOT.replace("id: root", "id: first #!"), "duplicate_step", "first", "'first'", None),
    "steps of a group that wait for it": (GROUP.replace("needs: [first]", "needs: [first, grow] #!"), "cyclic_needs", None, "each other", None),
    "a part that is not there": ("  - id: a\n    workflow: prat.yaml #!\n", "no_such_file", "a", "prat.yaml", "'part.yaml'"),
    "a part that does not ship": ("  - id: a\n    workflow: lead_triag #!\n", "unknown_workflow", "a", "'lead_triag'", "'lead_triage'"),
    "a part that the planner plans": ("  - id: a\n    workflow: ask #!\n", "planned_part", "a", "planner", "agent"),
    "an input that the part lacks": (PART_STEP.replace("mols: [aspirin]}", "mols: [aspirin], molls: 1} #!"), "unknown_argument", "a", "'molls'", "'mols'"),
    "an input that the part needs": (PART_STEP.replace("    with: {mols: [aspirin]}", "    with: {} #!"), "missing_argument", "a", "'mols'", None),
    "a value that the part does not allow": (PART_STEP.replace("]}", "], limit: 12} #!"), "bad_argument", "a", "more than 9", None),
    "a value of another type": (PART_STEP.replace("]}", "], limit: high} #!"), "bad_argument", "a", "not a number", None),
    "a step's value inside a text": (ROOT + PART_STEP.replace("    workflow", "    needs: [root]\n    workflow").replace("]}", "], reference: 'x ${steps.root.output}'} #!"), "bad_argument", "a", "nothing else", None),
    "a step that the part lacks": (PART_STEP + "  - id: b\n    needs: [a]\n    tool: calculate\n    with: {calculation: '${steps.a.prosp.items}'} #!\n", "unknown_step", "b", "'steps.a.prosp.items'", "'props'"),
    "the report of a part": (PART_STEP + "  - id: b\n    needs: [a]\n    tool: calculate\n    with: {calculation: '${steps.a.report.items}'} #!\n", "unknown_step", "b", "report", None),
    "a part's property that is not measured": (PART_STEP + "  - id: b\n    needs: [a]\n    tool: calculate\n    foreach: ${steps.a.props.output}\n    with: {calculation: '${item.quantities.lopg.value}'} #!\n", "unknown_property", "b", "'lopg'", "'logp'"),
    "a part without its need": (PART_STEP + "  - id: b\n    tool: calculate\n    with: {calculation: '${steps.a.props.items}'} #!\n", "not_needed", "b", "'a'", "needs: [a]"),
    "a retry of a part": (PART_STEP + "    retry: {max: 1} #!\n", "key_not_here", "a", "'retry'", None),
}  # fmt: skip


@pytest.mark.parametrize(("steps", "kind", "step", "said", "hinted"), CASES.values(), ids=CASES.keys())
def test_every_fault_is_named_with_line_step_and_the_nearest_name(
    files: Path, steps: str, kind: str, step: str | None, said: str, hinted: str | None
) -> None:
    error = problem(files, HEAD + steps)
    line = next(n for n, content in enumerate((HEAD + steps).splitlines(), 1) if "#!" in content)
    details = error.info.details
    assert (details["problem"], details["line"]) == (kind, line), error
    if step is not None:
        assert details["step"] == step
    assert said in error.info.message
    assert hinted is None or hinted in (error.hint or "")


def test_a_fault_in_a_part_is_named_at_both_places(files: Path) -> None:
    (files / "part.yaml").write_text(PART.replace("tool: compute_descriptors", "tool: compute_descriptor"))
    error = problem(files, HEAD + PART_STEP)
    assert error.info.details["problem"] == "bad_part"
    assert "main.yaml:8: step 'a': " in error.info.message
    assert "part.yaml:11: step 'props': there is no tool 'compute_descriptor'" in error.info.message
    assert error.hint == "did you mean 'compute_descriptors'?"


def test_workflows_that_do_each_other_are_refused_with_their_path(files: Path) -> None:
    one = HEAD + "  - id: a\n    workflow: two.yaml\n"
    (files / "two.yaml").write_text(HEAD + "  - id: b\n    workflow: main.yaml\n")
    error = problem(files, one)
    assert "main.yaml → two.yaml → main.yaml" in error.info.message


def test_a_workflow_that_does_itself_is_refused(files: Path) -> None:
    error = problem(files, HEAD + "  - id: a\n    workflow: ./main.yaml\n")
    assert error.info.details["problem"] == "cyclic_workflows"
    assert "main.yaml → main.yaml" in error.info.message


def test_workflows_are_not_in_one_another_without_end(files: Path) -> None:
    for number in range(9):
        (files / f"w{number}.yaml").write_text(HEAD + f"  - id: a\n    workflow: w{number + 1}.yaml\n")
    (files / "w9.yaml").write_text(HEAD + ROOT)
    with pytest.raises(InvalidInput, match="more than 5 deep: w0.yaml → w1.yaml"):
        load_workflow(files / "w0.yaml")
    load_workflow(files / "w6.yaml")


def test_a_loop_around_a_part_with_a_loop_is_refused(files: Path) -> None:
    (files / "part.yaml").write_text(HEAD + ROOT)
    error = problem(
        files,
        HEAD + "  - id: a\n    workflow: part.yaml\n    loop: {until: steps.a.root.items > 0, max: 2}\n",
    )
    assert error.info.details["problem"] == "nested_loop"


def test_names_that_become_the_same_are_refused(files: Path) -> None:
    text = HEAD + PART_STEP + ROOT.replace("id: root", "id: a__props")
    with pytest.raises(InvalidInput, match="two steps 'a__props'"):
        plan_from(files, text)


def test_names_that_become_too_long_are_refused(files: Path) -> None:
    with pytest.raises(InvalidInput, match="longer than 64"):
        plan_from(files, HEAD + PART_STEP.replace("id: a", f"id: {'a' * 60}"))


# --- back to a file


@pytest.mark.parametrize(
    "text",
    [
        HEAD + ROOT + GROUP,
        USES,
        HEAD + ROOT + GROUP + "  - id: z\n    needs: [grow, root]\n    agent: analyst\n    with: {goal: g}\n",
    ],
)
def test_a_plan_becomes_a_file_that_gives_the_same_plan(files: Path, text: str) -> None:
    plan = plan_from(files, text)
    assert to_plan(parse_workflow(plan_to_workflow(plan))) == plan


@pytest.mark.parametrize("name", [n for n in shipped_workflows() if n != "ask"])
def test_every_shipped_workflow_becomes_a_file_that_gives_the_same_plan(name: str) -> None:
    plan = to_plan(load_workflow(name))
    assert to_plan(parse_workflow(plan_to_workflow(plan))) == plan


def test_a_plan_of_the_planner_keeps_its_question_and_its_names() -> None:
    plan = Plan(
        title="What is the logP of aspirin?", question="What is the logP of aspirin?",
        tasks=(
            Task(id="task-1", kind="agent", agent="chemist", title="logP", arguments={"goal": "the logP of aspirin"}),
            Task(id="task-2", kind="agent", agent="analyst", arguments={"goal": "say it"}, needs=("task-1",)),
        ),
    )  # fmt: skip
    again = to_plan(parse_workflow(plan_to_workflow(plan)))
    assert again.made_by == "workflow what_is_the_logp_of_aspirin"
    assert again.model_copy(update={"made_by": "planner"}) == plan


def test_a_plan_in_its_second_attempt_is_written_as_it_was_at_first() -> None:
    task = Task(id="a", kind="agent", agent="chemist", arguments={"goal": "g"})
    plan = Plan(title="t", tasks=(task,), made_by="workflow t")
    later = plan.model_copy(
        update={
            "tasks": (
                task.model_copy(
                    update={"attempt": 3, "feedback": "no", "round": 2, "last": {"a": "x"}, "carries": True}
                ),
            )
        }
    )
    assert to_plan(parse_workflow(plan_to_workflow(later))) == plan


def test_a_plan_for_the_planner_stays_a_question() -> None:
    plan = to_plan(load_workflow("ask"), {"question": "Why is the sky blue?"})
    again = to_plan(parse_workflow(plan_to_workflow(plan)))
    assert (again.question, again.tasks) == ("Why is the sky blue?", ())


def test_a_title_that_is_an_expression_cannot_be_written() -> None:
    with pytest.raises(InvalidInput) as caught:
        plan_to_workflow(Plan(title="${x}", tasks=(Task(id="a", kind="verify"),)))
    assert caught.value.code == "not_a_file"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["NO", "1e-3", "[Na+].[Cl-]", "C#N", " a ", "null", "é", "0x1F", "${x}", "a\nb"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "on"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(
    inputs=st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), VALUES, max_size=4),
    retry=st.integers(0, 10), on_error=st.sampled_from(["keep", "fail", "skip_rest"]), most=st.integers(1, 20),
    parallel=st.integers(1, 64), title=st.sampled_from(["", "A title", "yes", "1"]), foreach=st.booleans(),
)  # fmt: skip
def test_any_plan_survives_the_way_through_a_file(
    inputs: dict[str, Any], retry: int, on_error: Any, most: int, parallel: int, title: str, foreach: bool
) -> None:
    own: dict[str, Any] = (
        {"foreach": [1, "x", None], "max_parallel": parallel, "item_name": "it"} if foreach else {}
    )
    tasks = (
        Task(id="one", kind="tool", tool="calculate", arguments={"calculation": "${loop.round} + 1"}, retry=Retry(max=retry),
             on_error=on_error, title=title, claims=("result",), loop=Loop(until="True", max=most), **own),
        Task(id="two-a", kind="agent", agent="chemist", arguments={"goal": "on"}, needs=("one",), when="inputs != None" if "inputs" in inputs else None),
        Task(id="g", kind="group", members=("two-a",), needs=("one", "two-a"), loop=Loop(until="loop.round > 1", max=most)),
        Task(id="ask", kind="approve", arguments={"message": "Go on?"}, needs=("g",)),
    )  # fmt: skip
    inputs = {n: v for n, v in inputs.items() if n not in ("inputs",)}
    plan = Plan(title="T", inputs=inputs, tasks=tasks, made_by="workflow t", approve=foreach)
    assert to_plan(parse_workflow(plan_to_workflow(plan))) == plan


# --- names in expressions


@given(
    st.sampled_from(
        [
            "inputs.a",
            "(inputs.a).b",
            "inputs.a.b[0].c + 1",
            "'inputs.a' == inputs.a",
            "é if inputs.a else [inputs.a, 2]",
            "not inputs.a",
            "steps.inputs.a",
        ]
    )
)
def test_renaming_changes_names_and_nothing_else(text: str) -> None:
    def back(parts: tuple[str, ...]) -> tuple[int, str] | None:
        return (2, "inputs.a") if parts[:2] == ("inputs", "longer_name") else None

    def there(parts: tuple[str, ...]) -> tuple[int, str] | None:
        return (2, "inputs.longer_name") if parts[:2] == ("inputs", "a") else None

    changed = renamed(text, there)
    assert renamed(changed, back) == text
    assert not any(n.startswith("inputs.a") for n in Expression.parse(changed).names)
