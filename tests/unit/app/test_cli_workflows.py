"""`benchmate validate`, `plan` and `schema`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from benchmate.app.cli import app
from benchmate.app.cli_options import read_budget, workflow_inputs
from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.errors import InvalidInput
from benchmate.workflows.loader import load_workflow, shipped_workflows
from benchmate.workflows.schema import export_schema

WORKFLOW = """\
schema: benchmate.workflow/v1
name: masses
inputs:
  compounds: {type: compounds}
  limit: {type: number, default: 500}
  note: {type: string, default: ""}
budget: {calls: 10, seconds: 60}
steps:
  - id: masses
    tool: compute_descriptors
    foreach: ${inputs.compounds}
    as: mol
    with: {compound: "${mol}"}
  - id: go
    approve: {message: Go on?}
    needs: [masses]
"""


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    (tmp_path / "masses.yaml").write_text(WORKFLOW)
    return tmp_path / "masses.yaml"


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize("name", sorted(shipped_workflows()))
def test_the_workflows_that_ship_are_valid(name: str) -> None:
    shown = invoke("validate", name, "--json")
    assert shown.exit_code == 0 and json.loads(shown.stdout)["name"] == name


def test_validation_says_what_a_workflow_has_and_needs(workflow: Path) -> None:
    shown = invoke("validate", workflow)
    assert shown.stdout == f"{workflow} is valid: 2 steps; needs compounds\n"


def test_every_fault_of_a_workflow_is_named(workflow: Path) -> None:
    workflow.write_text(
        WORKFLOW.replace("compute_descriptors", "compute_descriptor").replace("[masses]", "[mases]")
    )
    shown = invoke("validate", workflow)
    assert shown.exit_code == 2
    assert "did you mean 'compute_descriptors'?" in shown.stderr and "did you mean 'masses'?" in shown.stderr
    assert f"{workflow}:10" in shown.stderr and shown.stdout == ""


def test_a_misspelt_workflow_names_the_nearest() -> None:
    for command in ("validate", "plan", "run"):
        shown = invoke(command, "lead_triag")
        assert shown.exit_code == 2 and "did you mean 'lead_triage'?" in shown.stderr


def test_the_plan_shows_steps_calls_and_approvals(workflow: Path) -> None:
    shown = invoke("plan", workflow, "--input", 'compounds=["aspirin", "CCO"]')
    assert shown.exit_code == 0
    assert "compute_descriptors  2" in shown.stdout and "asks a person   go" in shown.stdout
    assert "aspirin, CCO" in shown.stdout


def test_the_plan_as_json_is_the_dry_run(workflow: Path) -> None:
    document = json.loads(invoke("plan", workflow, "-i", "compounds=aspirin", "--json").stdout)
    assert document["calls"] == {"compute_descriptors": {"low": 1, "high": 1}}
    assert document["approvals"] == ["go"]


def test_the_plan_heeds_the_policy_of_the_workflow(workflow: Path) -> None:
    workflow.write_text(
        WORKFLOW + "policy: {rules: [{tool: 'compute_*', decision: deny, reason: not today}]}\n"
    )
    shown = invoke("plan", workflow, "-i", "compounds=aspirin")
    assert "policy denies   masses" in shown.stdout and "deny: not today" in shown.stdout


def test_a_missing_or_misspelt_input_is_named(workflow: Path) -> None:
    assert "needs compounds" in invoke("plan", workflow).stderr
    shown = invoke("plan", workflow, "--input", "compound=aspirin")
    assert shown.exit_code == 2 and "did you mean 'compounds'?" in shown.stderr


def test_inputs_are_read_by_their_type(workflow: Path, tmp_path: Path) -> None:
    loaded = load_workflow(workflow)
    typed = ["compounds=[Na+].[Cl-]", "limit=2.5", "note=42"]
    assert workflow_inputs(loaded, None, typed) == {"compounds": "[Na+].[Cl-]", "limit": 2.5, "note": "42"}
    written_out = ['compounds=[{"name": "x", "smiles": "C"}, "CCO"]', 'note="a b"']
    assert workflow_inputs(loaded, None, written_out) == {
        "compounds": [{"name": "x", "smiles": "C"}, "CCO"],
        "note": "a b",
    }
    (tmp_path / "in.yaml").write_text("compounds: [aspirin]\nlimit: 1\n")
    assert workflow_inputs(loaded, tmp_path / "in.yaml", ["limit=3"]) == {
        "compounds": ["aspirin"],
        "limit": 3,
    }


def test_limits_on_the_command_line_change_those_of_the_workflow(workflow: Path) -> None:
    limits = load_workflow(workflow).budget
    assert read_budget(["calls=3"], limits) == BudgetLimits(calls=3, seconds=60)
    assert read_budget(None, limits) == limits
    with pytest.raises(InvalidInput, match="did you mean 'calls'"):
        read_budget(["call=3"], limits)


def test_the_schema_is_printed_as_it_is() -> None:
    assert invoke("schema").stdout == export_schema()
