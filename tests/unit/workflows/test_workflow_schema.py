"""The contract: what its keys say of themselves, and its JSON Schema."""

import inspect
import json
from typing import Any

import pytest
from pydantic import BaseModel, create_model

from benchmate.agents import analyst
from benchmate.agents.contracts import Task
from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.settings import Mode
from benchmate.workflows import schema
from benchmate.workflows.schema import SCHEMA_FILE, Part, Step, Workflow, export_schema

PARTS = [c for _, c in inspect.getmembers(schema, inspect.isclass) if issubclass(c, Part) and c is not Part]


def test_the_committed_json_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text() == export_schema()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_key_has_a_description_and_an_example(part: type[BaseModel]) -> None:
    assert part.model_config.get("extra") == "forbid"
    for name, info in part.model_fields.items():
        assert info.description, f"{part.__name__}.{name} has no description"
        assert info.examples, f"{part.__name__}.{name} has no example"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_example_is_valid(part: type[BaseModel]) -> None:
    for name, info in part.model_fields.items():
        alone = create_model("alone", **{name: (info.annotation, info)})
        for example in info.examples or []:
            alone.model_validate_json(json.dumps({info.alias or name: example}), strict=True)


def test_the_schema_knows_that_a_step_has_one_action() -> None:
    step = json.loads(export_schema())["$defs"]["Step"]
    assert step["oneOf"] == [{"required": [a]} for a in schema.ACTIONS]
    assert {"as", "with", "needs", "when", "foreach"} <= set(step["properties"])


@pytest.mark.parametrize(("ours", "theirs"), [(schema.Ranking, analyst.Ranking), (schema.Flag, analyst.Flag)])
def test_the_analyst_takes_what_the_contract_allows(ours: type[BaseModel], theirs: type[BaseModel]) -> None:
    assert set(ours.model_fields) == set(theirs.model_fields)
    assert {n: f.annotation for n, f in ours.model_fields.items()} == {
        n: f.annotation for n, f in theirs.model_fields.items()
    }


def test_defaults_of_a_step_are_those_of_a_task() -> None:
    shared = set(Step.model_fields) & set(Task.model_fields) - {"id", "tool", "agent", "retry", "arguments"}
    assert {n: Step.model_fields[n].default for n in shared} == {
        n: Task.model_fields[n].default for n in shared
    }


def workflow(**extra: Any) -> Workflow:
    return Workflow.model_validate({"schema": "benchmate.workflow/v1", "name": "w", "plan": "Why?", **extra})


def test_a_workflow_without_limits_has_none() -> None:
    assert workflow().budget_limits is None
    assert workflow(budget={"usd": 2.0}).budget_limits == BudgetLimits(usd=2.0)


def test_the_policy_follows_the_mode() -> None:
    rule = {"effect": "write", "decision": "deny", "reason": "read only"}
    flow = workflow(policy={"rules": [rule], "allow_tools": ["compute_*"]})
    assert flow.policy_for(Mode.OFFLINE).decide("compute_x", "chemistry", {"network"}).code == "no_network"
    assert flow.policy_for(Mode.LIVE).decide("compute_x", "chemistry", {"network"}).verdict == "allow"
    assert flow.policy_for(Mode.LIVE).decide("compute_x", "chemistry", {"write"}).reason == "read only"
    assert flow.policy_for(Mode.LIVE).decide("draw", "chemistry", {"compute"}).code == "tool_not_allowed"
    assert workflow().policy_for(Mode.OFFLINE).allow_tools is None
