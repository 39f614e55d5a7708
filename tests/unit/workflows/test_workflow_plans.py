"""From a workflow to a Plan: names, round trips, and the workflows that ship."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.agents.contracts import Plan, Retry, Task
from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.runtime.expressions import Expression, fill
from benchmate.runtime.settings import Mode
from benchmate.tools.base import Tool
from benchmate.workflows.loader import load_workflow, parse_workflow, shipped_workflows, to_plan, to_yaml
from benchmate.workflows.schema import Workflow

AGENTS = ("chemist", "biologist", "analyst")
DOCS = Path(__file__).parents[3] / "docs" / "workflows.md"

WHOLE = """\
schema: benchmate.workflow/v1
name: whole
title: Screen of ${inputs.reference}
description: Uses every key.
inputs:
  compounds: {type: compounds, minItems: 1}
  reference: {type: compound, default: aspirin}
  max_logp: {type: number, default: 5}
budget: {usd: 2.0, tokens: 200000, calls: 60, seconds: 900}
policy:
  rules: [{effect: write, decision: deny, reason: read only}]
  allow_tools: ["compute_*", "compare_*"]
approve: true
steps:
  - id: props
    title: Properties
    tool: compute_descriptors
    foreach: ${inputs.compounds}
    as: given
    max_parallel: 8
    with: {compound: "${given}"}
    retry: {max: 2, errors: [transient]}
    on_error: keep
    claims: [logp]
  - id: similar
    needs: [props]
    tool: compare_similarity
    foreach: ${steps.props.output}
    as: mol
    when: mol.quantities.logp.value <= inputs.max_logp
    with: {query: "${inputs.reference}", targets: ["${mol.compound}"]}
  - id: ok
    needs: [similar]
    approve: {message: "${steps.similar.items} compounds compared. Go on?"}
  - id: describe
    needs: [ok]
    when: inputs.max_logp > 1
    agent: chemist
    with: {goal: "What is ${inputs.reference}?"}
    on_error: skip_rest
  - id: check
    needs: [props, similar, describe]
    verify: {}
  - id: write
    needs: [check]
    report: {title: "Screen with ${inputs.max_logp}"}
"""


@pytest.fixture
def whole(tools: dict[str, Tool]) -> Workflow:
    return parse_workflow(WHOLE, "whole.yaml", tools=tools, agents=AGENTS)


def plan_of(workflow: Workflow, tools: dict[str, Tool], **inputs: Any) -> Plan:
    return to_plan(workflow, inputs, tools=tools, agents=AGENTS)


def test_a_plan_holds_everything_the_workflow_says(whole: Workflow, tools: dict[str, Tool]) -> None:
    plan = plan_of(whole, tools, compounds=["caffeine", {"smiles": "C"}])
    assert plan == Plan(
        title="Screen of aspirin",
        inputs={"compounds": ["caffeine", {"smiles": "C"}], "reference": "aspirin", "max_logp": 5},
        input_kinds={"compounds": "compound", "reference": "compound"},
        made_by="workflow whole",
        approve=True,
        tasks=(
            Task(
                id="props", kind="tool", title="Properties", tool="compute_descriptors", foreach="${inputs.compounds}",
                item_name="given", max_parallel=8, arguments={"compound": "${given}"},
                retry=Retry(max=2, errors=("transient",)), claims=("logp",),
            ),
            Task(
                id="similar", kind="tool", tool="compare_similarity", needs=("props",), foreach="${steps.props.output}",
                item_name="mol", when="mol.quantities.logp.value <= inputs.max_logp",
                arguments={"query": "${inputs.reference}", "targets": ["${mol.compound}"]},
            ),
            Task(
                id="ok", kind="approve", needs=("similar",),
                arguments={"message": "${steps.similar.items} compounds compared. Go on?"},
            ),
            Task(
                id="describe", kind="agent", agent="chemist", needs=("ok",), when="inputs.max_logp > 1",
                arguments={"goal": "What is ${inputs.reference}?"}, on_error="skip_rest",
            ),
            Task(id="check", kind="verify", needs=("props", "similar", "describe")),
            Task(id="write", kind="report", needs=("check",), arguments={"title": "Screen with ${inputs.max_logp}"}),
        ),
    )  # fmt: skip


def test_a_plan_reads_back_from_json(whole: Workflow, tools: dict[str, Tool]) -> None:
    plan = plan_of(whole, tools, compounds=["caffeine"])
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_a_workflow_without_a_title_is_named(tools: dict[str, Tool]) -> None:
    flow = parse_workflow(
        "schema: benchmate.workflow/v1\nname: my_first-flow\nplan: Why?\n", tools=tools, agents=AGENTS
    )
    assert plan_of(flow, tools).title == "My first flow"


def test_an_input_that_spoils_an_argument_is_found_before_the_run(tools: dict[str, Tool]) -> None:
    text = """\
schema: benchmate.workflow/v1
name: w
inputs:
  form: {type: string}
steps:
  - id: a
    tool: compute_descriptors
    with:
      compound: aspirin
      form: ${inputs.form}
"""
    flow = parse_workflow(text, "w.yaml", tools=tools, agents=AGENTS)
    plan_of(flow, tools, form="parent")
    with pytest.raises(InvalidInput, match=re.escape("w.yaml:10: step 'a': compute_descriptors: form")):
        plan_of(flow, tools, form="salt")


def test_arguments_of_a_step_that_the_inputs_leave_out_do_not_matter(tools: dict[str, Tool]) -> None:
    text = """\
schema: benchmate.workflow/v1
name: w
inputs:
  compound: {type: compound, required: false}
steps:
  - id: a
    when: inputs.compound != None
    tool: compute_descriptors
    with: {compound: "${inputs.compound}"}
"""
    flow = parse_workflow(text, "w.yaml", tools=tools, agents=AGENTS)
    assert plan_of(flow, tools).inputs == {"compound": None}
    assert plan_of(flow, tools, compound="aspirin").inputs == {"compound": "aspirin"}
    always = parse_workflow(
        text.replace("    when: inputs.compound != None\n", ""), "w.yaml", tools=tools, agents=AGENTS
    )
    with pytest.raises(InvalidInput, match="not None"):
        plan_of(always, tools)


def test_an_input_may_choose_the_property_to_rank_by(tools: dict[str, Tool]) -> None:
    text = WHOLE.replace(
        "max_logp: {type: number, default: 5}", "max_logp: {type: number, default: 5}\n  by: {type: string}"
    )
    text += "  - {id: rank, needs: [props], agent: analyst, with: {goal: g, rank: {by: '${inputs.by}'}}}\n"
    flow = parse_workflow(text, "w.yaml", tools=tools, agents=AGENTS)
    plan_of(flow, tools, compounds=["caffeine"], by="tpsa")
    with pytest.raises(InvalidInput) as caught:
        plan_of(flow, tools, compounds=["caffeine"], by="tspa")
    assert caught.value.info.details["problem"] == "unknown_property"
    assert caught.value.hint == "did you mean 'tpsa'?"


def test_a_workflow_reads_back_from_its_yaml(whole: Workflow, tools: dict[str, Tool]) -> None:
    again = parse_workflow(to_yaml(whole), tools=tools, agents=AGENTS)
    assert again.model_dump() == whole.model_dump()
    assert list(yaml_keys(to_yaml(whole)))[:4] == ["schema", "name", "title", "description"]


def yaml_keys(text: str) -> list[str]:
    return re.findall(r"^(\w+):", text, re.MULTILINE)


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    ["NO", "on", "1e-3", "12:30:45", "2020-01-01", "[Na+].[Cl-]", "C#N", "# x", " a ", "a: b", "null", "~", "=", "<<", "é", "0x1F", "1_000", "-"]
)  # fmt: skip


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), SCALARS, max_size=5))
def test_any_default_survives_the_way_through_yaml(values: dict[str, Any]) -> None:
    inputs = {
        name: {"type": "object", "default": {name: value, "list": [value]}} for name, value in values.items()
    }
    flow = Workflow.model_validate(
        {"schema": "benchmate.workflow/v1", "name": "w", "plan": "Why?", "inputs": inputs}
    )
    again = parse_workflow(to_yaml(flow), tools={}, agents=())
    assert again.model_dump() == flow.model_dump()


# --- finding workflows


def test_what_ships() -> None:
    assert list(shipped_workflows()) == ["ask", "construct_check", "lead_triage", "matched_controls"]


@pytest.mark.parametrize("name", ["lead_triage", "lead-triage"])
def test_a_shipped_workflow_is_found_by_name(tools: dict[str, Tool], name: str) -> None:
    assert load_workflow(name, tools=tools, agents=AGENTS).name == "lead_triage"


def test_a_wrong_name_hints_at_the_nearest() -> None:
    with pytest.raises(NotFound) as caught:
        load_workflow("lead_trige")
    assert (caught.value.code, caught.value.hint) == ("unknown_workflow", "did you mean 'lead_triage'?")


def test_a_wrong_file_hints_at_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "screen.yaml").write_text(WHOLE)
    with pytest.raises(NotFound) as caught:
        load_workflow(tmp_path / "scren.yaml")
    assert (caught.value.code, caught.value.hint) == ("no_such_file", "did you mean 'screen.yaml'?")


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_bytes(WHOLE.encode("utf-16"))
    with pytest.raises(InvalidInput, match="UTF-8"):
        load_workflow(tmp_path / "w.yaml")


# --- the workflows that ship


@pytest.mark.parametrize("name", ["ask", "construct_check", "lead_triage", "matched_controls"])
def test_every_shipped_workflow_makes_a_plan_from_its_own_inputs(tools: dict[str, Tool], name: str) -> None:
    flow = load_workflow(name, tools=tools, agents=AGENTS)
    plan = plan_of(flow, tools)
    assert flow.name == name == Path(flow.document.file).stem
    assert plan.made_by == f"workflow {name}"
    assert all(spec.title and spec.description for spec in flow.inputs.values())
    assert flow.policy_for(Mode.OFFLINE).rules == ()
    again = parse_workflow(to_yaml(flow), tools=tools, agents=AGENTS)
    assert again.model_dump() == flow.model_dump()


@pytest.mark.parametrize("name", ["ask", "construct_check", "lead_triage", "matched_controls"])
def test_every_shipped_workflow_fits_the_tools_and_agents_that_are_installed(name: str) -> None:
    assert to_plan(load_workflow(name)).made_by == f"workflow {name}"


def test_ask_leaves_the_tasks_to_the_planner(tools: dict[str, Tool]) -> None:
    plan = plan_of(
        load_workflow("ask", tools=tools, agents=AGENTS), tools, question="What is the pI of ubiquitin?"
    )
    assert (plan.question, plan.tasks, plan.title) == (
        "What is the pI of ubiquitin?",
        (),
        "What is the pI of ubiquitin?",
    )


def test_lead_triage(tools: dict[str, Tool]) -> None:
    plan = plan_of(load_workflow("lead_triage", tools=tools, agents=AGENTS), tools, reference="ibuprofen")
    assert plan.inputs == {
        "compounds": ["aspirin", "ibuprofen", "paracetamol", "caffeine", "lidocaine"],
        "reference": "ibuprofen",
        "max_logp": 5,
    }
    assert [(t.id, t.tool or t.agent or t.kind, t.needs, t.foreach) for t in plan.tasks] == [
        ("properties", "compute_descriptors", (), "${inputs.compounds}"),
        ("alerts", "check_druglikeness", ("properties",), "${steps.properties.output}"),
        ("similarity", "compare_similarity", ("properties",), "${steps.properties.output}"),
        ("picture", "draw_structure", ("properties",), "${steps.properties.output}"),
        ("rank", "analyst", ("properties", "alerts"), None),
        ("verify", "verify", ("properties", "alerts", "similarity", "rank"), None),
        ("report", "report", ("verify", "picture"), None),
    ]
    assert {task.on_error for task in plan.tasks} == {"keep"}
    rank = fill(plan.by_id["rank"].arguments, {"inputs": plan.inputs})
    assert rank["rank"] == {"by": "qed", "order": "descending"}
    assert [flag["when"] for flag in rank["flags"]] == [
        "lipinski_violations > 0",
        "alert_count > 0",
        "logp > 5",
    ]
    record = {"mol": {"compound": {"name": "x", "smiles": "C"}}, "inputs": plan.inputs}
    assert fill(plan.by_id["similarity"].arguments, record) == {
        "query": "ibuprofen",
        "targets": [{"name": "x", "smiles": "C"}],
    }


def test_the_construct_that_ships_codes_for_the_protein_that_ships(tools: dict[str, Tool]) -> None:
    """EGFP (UniProt C5MKY7) has 239 residues; its coding sequence is that of pEGFP vectors."""
    from Bio.Seq import Seq

    plan = plan_of(load_workflow("construct_check", tools=tools, agents=AGENTS), tools)
    construct = "".join(plan.inputs["construct"].splitlines()[1:])
    protein = "".join(plan.inputs["expected_protein"].splitlines()[1:])
    assert len(construct) == 720 and len(protein) == 239
    assert protein.startswith("MVSKGEEL") and protein.endswith("LYK")
    assert str(Seq(construct).translate()) == protein + "*"


def test_a_construct_may_make_no_protein(tools: dict[str, Tool]) -> None:
    plan = plan_of(load_workflow("construct_check", tools=tools, agents=AGENTS), tools, expected_protein=None)
    names = {"inputs": plan.inputs}
    assert Expression.parse(plan.by_id["expected"].when or "").evaluate(names) is False
    assert Expression.parse(plan.by_id["product"].when or "").evaluate(names) is False


def test_the_example_in_the_documentation_is_valid(tools: dict[str, Tool], tmp_path: Path) -> None:
    text = DOCS.read_text()
    examples = [e for e in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if e.startswith("schema:")]
    assert examples
    for example in examples:
        flow = parse_workflow(example, tools=tools, agents=AGENTS)
        plan_of(flow, tools)


def test_the_documentation_names_every_key() -> None:
    from benchmate.workflows import schema

    text = DOCS.read_text()
    for part in (
        schema.Workflow,
        schema.Input,
        schema.Step,
        schema.AnalystArguments,
        schema.Columns,
        schema.Items,
    ):
        for name, info in part.model_fields.items():
            assert re.search(rf"`{info.alias or name}`", text), f"{part.__name__}: {info.alias or name}"
