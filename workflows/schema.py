"""The contract of a YAML workflow, version 1: every key with a description and an example, no others allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from benchmate.agents.contracts import Loop, OnError, Retry
from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.policy import Policy, Rule
from benchmate.runtime.settings import Mode
from benchmate.workflows.document import Document
from benchmate.workflows.document import Path as Place

SCHEMA = "benchmate.workflow/v1"
SCHEMA_FILE = Path(__file__).parent / "workflow.schema.json"

InputType = Literal[
    "string", "number", "integer", "boolean", "array", "object", "compound", "compounds", "sequence", "file", "image", "signal",
]  # fmt: skip
PlainType = Literal["string", "number", "integer", "boolean", "object"]
Action = Literal["tool", "agent", "verify", "approve", "report", "workflow", "steps"]
ACTIONS: tuple[Action, ...] = get_args(Action)

# Which types each constraint of an input belongs to.
CONSTRAINTS: dict[str, tuple[str, ...]] = {
    "enum": ("string", "number", "integer", "compound"),
    "minimum": ("number", "integer"),
    "maximum": ("number", "integer"),
    "minLength": ("string",),
    "maxLength": ("string",),
    "pattern": ("string",),
    "minItems": ("array", "compounds"),
    "maxItems": ("array", "compounds"),
    "items": ("array",),
    "columns": ("compounds",),
}


class Part(BaseModel):
    """Base of the contract: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


# --- inputs -------------------------------------------------------------------------------------------------


class Values(Part):
    """What values an input, or an item of an array, may have."""

    enum: tuple[JsonValue, ...] | None = Field(
        None, min_length=1, description="The only values allowed.", examples=[["linear", "circular"]]
    )
    minimum: float | None = Field(None, description="The smallest number allowed.", examples=[0])
    maximum: float | None = Field(None, description="The largest number allowed.", examples=[100])
    min_length: int | None = Field(
        None, alias="minLength", ge=0, description="The fewest characters of a text.", examples=[1]
    )
    max_length: int | None = Field(
        None, alias="maxLength", ge=0, description="The most characters of a text.", examples=[200]
    )
    pattern: str | None = Field(
        None, description="A regular expression that the whole text matches.", examples=["[A-Z]{2}[0-9]+"]
    )


class Items(Values):
    """What the items of an array are."""

    type: PlainType = Field(description="The type of every item.", examples=["string"])


class Columns(Part):
    """Which columns of a table, or data fields of an SDF, hold what. Those left out are found by their names."""

    smiles: str | None = Field(None, description="The column with SMILES.", examples=["Structure"])
    name: str | None = Field(None, description="The column with names.", examples=["Compound"])
    id: str | None = Field(None, description="The column with registry ids.", examples=["Batch"])


class Input(Values):
    """One input of a workflow."""

    type: InputType = Field(
        description="The type. `compound` is a name, a SMILES or a record; `compounds` a list of them, or the "
        "path of an SDF, CSV, TSV or SMILES file; `sequence` letters, FASTA text, a record, or the path of a "
        "FASTA or GenBank file; `file` the path of any file; `image` that of a picture, and `signal` that of numbers in an "
        "NPY or CSV file with their sampling rate ('trace.npy@100 Hz'), for an agent step to `attach`.",
        examples=["compounds"],
    )
    title: str = Field("", description="A short name for a form.", examples=["Compounds"])
    description: str = Field(
        "", description="What to give, for whom fills it in.", examples=["The compounds to rank."]
    )
    default: JsonValue = Field(
        None,
        description="The value when none is given. A path is read from the workflow's folder.",
        examples=["aspirin"],
    )
    required: bool | None = Field(
        None,
        description="Whether a value must be given. Left out: it must where there is no default. false: null is "
        "allowed too.",
        examples=[False],
    )
    items: Items | None = Field(None, description="What an array's items are.", examples=[{"type": "string"}])
    min_items: int | None = Field(
        None, alias="minItems", ge=0, description="The fewest items of a list.", examples=[1]
    )
    max_items: int | None = Field(
        None, alias="maxItems", ge=0, description="The most items of a list.", examples=[1000]
    )
    columns: Columns | None = Field(
        None, description="Which columns of a compound file hold what.", examples=[{"smiles": "Structure"}]
    )

    @property
    def has_default(self) -> bool:
        return "default" in self.model_fields_set

    @property
    def must_be_given(self) -> bool:
        return not self.has_default and self.required is not False

    @model_validator(mode="after")
    def _constraints_belong_to_the_type(self) -> Input:
        aliases = {
            info.alias or name
            for name, info in type(self).model_fields.items()
            if name in self.model_fields_set
        }
        for key, types in CONSTRAINTS.items():
            if key in aliases and self.type not in types:
                raise PydanticCustomError(
                    "constraint", "`{key}` is for {types}, not for {type}",
                    {"key": key, "types": " and ".join(types), "type": self.type},
                )  # fmt: skip
        if self.required and self.has_default:
            raise PydanticCustomError(
                "constraint", "an input with a default is never required: drop one of the two"
            )
        return self


# --- steps --------------------------------------------------------------------------------------------------


class AgentArguments(Part):
    """What an agent step takes in `with`."""

    goal: str = Field(
        min_length=1,
        description="What to find out, in a sentence.",
        examples=["Describe the shape of ${inputs.compound}"],
    )
    attach: tuple[JsonValue, ...] = Field(
        (),
        description="What it looks at: inputs of the types image and signal, for a model that takes them.",
        examples=[["${inputs.gel}"]],
    )


class Ranking(Part):
    """By what the analyst orders the subjects."""

    by: str = Field(min_length=1, description="A property that a needed step measures.", examples=["qed"])
    order: Literal["ascending", "descending"] = Field(
        "descending", description="Which end comes first.", examples=["descending"]
    )


class Flag(Part):
    """A mark on every subject for which a condition holds."""

    name: str = Field(min_length=1, description="What the reader sees.", examples=["breaks the rule of five"])
    when: str = Field(
        min_length=1,
        description="An expression over the properties of one subject.",
        examples=["lipinski_violations > 0"],
    )


class AnalystArguments(AgentArguments):
    """What a step of the analyst takes in `with`: it ranks and flags what earlier steps measured."""

    rank: Ranking | None = Field(
        None, description="By what the subjects are ordered.", examples=[{"by": "qed", "order": "descending"}]
    )
    flags: tuple[Flag, ...] = Field(
        (), description="Conditions to mark.", examples=[[{"name": "high logP", "when": "logp > 5"}]]
    )


AGENT_ARGUMENTS: dict[str, type[AgentArguments]] = {"analyst": AnalystArguments}


class VerifyOptions(Part):
    """A `verify` step: all claims of the steps it needs are checked. It has no options."""


class ApproveOptions(Part):
    """An `approve` step: the run waits for a person."""

    message: str = Field(
        min_length=1,
        description="What the person is asked; may hold ${…}.",
        examples=["Go on with ${inputs.compound}?"],
    )


class ReportOptions(Part):
    """A `report` step: what is known is written up."""

    title: str = Field(
        "",
        description="The report's title; may hold ${…}. Left out: the workflow's.",
        examples=["${inputs.title}"],
    )


class Step(Part):
    """One step: exactly one of `tool`, `agent`, `verify`, `approve`, `report`, `workflow` and `steps`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [action]} for action in ACTIONS]})

    id: str = Field(
        pattern=r"^[a-z][a-z0-9_-]{0,63}$",
        description="The step's name in `needs` and in expressions: lower-case letters, digits and _; one with a - has no "
        "name in expressions.",
        examples=["properties"],
    )
    title: str = Field(
        "", description="The step as a reader sees it.", examples=["Physicochemical properties"]
    )
    tool: str | None = Field(None, description="Call this tool.", examples=["compute_descriptors"])
    agent: str | None = Field(None, description="Give a goal to this agent.", examples=["analyst"])
    verify: VerifyOptions | None = Field(
        None, description="Check the claims of the needed steps.", examples=[{}]
    )
    approve: ApproveOptions | None = Field(
        None, description="Wait for a person's word.", examples=[{"message": "Go on?"}]
    )
    report: ReportOptions | None = Field(None, description="Write the report.", examples=[{}])
    workflow: str | None = Field(
        None,
        min_length=1,
        description="Do the steps of another workflow: its file, from this one's folder, or the name of one that ships.",
        examples=["lead_triage"],
    )
    steps: tuple[Step, ...] | None = Field(
        None,
        min_length=1,
        description="A group of steps, which ends when they have. With `loop` they are repeated together.",
        examples=[[{"id": "logp", "tool": "compute_descriptors", "with": {"compound": "aspirin"}}]],
    )
    loop: Loop | None = Field(
        None,
        description="Repeat the step, or the steps of the group or the workflow, until a condition holds. Only what "
        "failed or does not fulfil it yet is done again.",
        examples=[{"until": "result.quantities.logp.value < 3", "max": 5}],
    )
    needs: tuple[str, ...] = Field(
        (),
        description="Steps that end before this one starts. An expression may use only these.",
        examples=[["properties"]],
    )
    when: str | None = Field(
        None,
        min_length=1,
        description="An expression, without ${}. Where it is false the step, or with `foreach` the item, "
        "is left out.",
        examples=["mol.quantities.logp.value <= inputs.max_logp"],
    )
    foreach: str | list[JsonValue] | None = Field(
        None,
        description="Call the tool for each item of this list, in parallel. Every item keeps its own result or "
        "error.",
        examples=["${inputs.compounds}"],
    )
    item_name: str = Field(
        "item",
        alias="as",
        pattern=r"^[a-z][a-z0-9_]{0,63}$",
        description="What expressions call the item of `foreach`.",
        examples=["mol"],
    )
    max_parallel: int = Field(
        4, ge=1, le=64, description="How many items of `foreach` run at the same time.", examples=[8]
    )
    arguments: dict[str, JsonValue] = Field(
        default_factory=dict,
        alias="with",
        description="The tool's arguments, the agent's goal and options, or the workflow's inputs. Values may hold ${…}.",
        examples=[{"compound": "${mol.compound}"}],
    )
    retry: Retry = Field(
        Retry(),
        description="How often a failed call is tried again, and for which kinds of error.",
        examples=[{"max": 2, "errors": ["transient"]}],
    )
    on_error: OnError = Field(
        "keep",
        description="When an item fails: `keep` the others and go on, `fail` the step, or `skip_rest` of the "
        "workflow.",
        examples=["keep"],
    )
    claims: tuple[str, ...] | None = Field(
        None,
        description="The properties to state in the report. Left out: those the tool puts first. []: none.",
        examples=[["molecular_weight", "logp"]],
    )

    @property
    def kind(self) -> Action:
        return next(action for action in ACTIONS if getattr(self, action) is not None)

    @model_validator(mode="after")
    def _has_one_action(self) -> Step:
        actions = [action for action in ACTIONS if getattr(self, action) is not None]
        if len(actions) == 1:
            return self
        if actions:
            raise PydanticCustomError(
                "two_actions", "a step does one thing, this one has {found}", {"found": " and ".join(actions)}
            )
        empty = [action for action in ACTIONS if action in self.model_fields_set]
        meant = f"; write `{empty[0]}: {{}}`" if empty and empty[0] in ("verify", "report") else ""
        raise PydanticCustomError(
            "no_action",
            "a step needs one of {actions}{meant}",
            {"actions": ", ".join(ACTIONS), "meant": meant},
        )


# --- the workflow -------------------------------------------------------------------------------------------


class PolicyRules(Part):
    """What calls may happen. By default reading and computing may; writing and running code is asked for."""

    rules: tuple[Rule, ...] = Field(
        (),
        description="Rules in order; the first that matches decides.",
        examples=[[{"effect": "write", "decision": "deny"}]],
    )
    allow_tools: tuple[str, ...] | None = Field(
        None,
        description="The only tools allowed, as globs. Left out: no such list. []: none.",
        examples=[["compute_*"]],
    )


class Workflow(Part):
    """A workflow: typed inputs, and the steps that are done with them."""

    model_config = ConfigDict(
        title="benchmate workflow",
        json_schema_extra={
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "oneOf": [{"required": ["steps"]}, {"required": ["plan"]}],
        },
    )

    schema_version: Literal["benchmate.workflow/v1"] = Field(
        alias="schema", description="The version of this contract.", examples=[SCHEMA]
    )
    name: str = Field(
        pattern=r"^[a-z][a-z0-9_-]{0,63}$",
        description="The workflow's name, as its file's.",
        examples=["lead_triage"],
    )
    title: str = Field("", description="The report's title; may hold ${inputs.…}.", examples=["Lead triage"])
    description: str = Field(
        "", description="What the workflow does, for whom chooses one.", examples=["Rank compounds."]
    )
    inputs: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")], Input] = Field(
        default_factory=dict,
        description="What a run is given, by name.",
        examples=[{"compounds": {"type": "compounds", "default": ["aspirin"]}}],
    )
    budget: BudgetLimits = Field(
        BudgetLimits(),
        description="Hard limits of a run.",
        examples=[{"calls": 200, "tokens": 20000, "seconds": 600}],
    )
    policy: PolicyRules = Field(
        PolicyRules(), description="What calls may happen.", examples=[{"allow_tools": ["compute_*"]}]
    )
    approve: bool = Field(
        False, description="Show the plan to a person before anything runs.", examples=[True]
    )
    steps: tuple[Step, ...] | None = Field(
        None,
        description="What is done. Steps without a need between them run in parallel.",
        examples=[[{"id": "logp", "tool": "compute_descriptors", "with": {"compound": "aspirin"}}]],
    )
    question: str | None = Field(
        None,
        min_length=1,
        description="The question that the steps answer: the report puts its answer together for it.",
        examples=["Which is more lipophilic, aspirin or ibuprofen?"],
    )
    plan: str | None = Field(
        None,
        min_length=1,
        description="Instead of steps: a question for which the planner makes them.",
        examples=["${inputs.question}"],
    )

    _document: Document | None = PrivateAttr(None)
    _parts: dict[str, Workflow] = PrivateAttr(default_factory=dict)

    @property
    def parts(self) -> dict[str, Workflow]:
        """The workflows that its steps do, by the step's id."""
        return self._parts

    def walk(self) -> Iterator[tuple[Place, Step, tuple[Step, ...]]]:
        """Yield every step, those of groups too, with its place in the file and the groups that it is in, outermost first."""
        yield from _walk(self.steps or (), ("steps",), ())

    @property
    def document(self) -> Document:
        """The file the workflow was read from, which knows the line of every key; else an empty one."""
        return self._document or Document(file=f"workflow {self.name}")

    @property
    def budget_limits(self) -> BudgetLimits | None:
        """The limits of a run; None where the workflow sets none."""
        return None if self.budget == BudgetLimits() else self.budget

    def policy_for(self, mode: Mode) -> Policy:
        """Return the policy of a run in a mode."""
        return Policy(rules=self.policy.rules, mode_network=mode.network, allow_tools=self.policy.allow_tools)

    @model_validator(mode="after")
    def _has_steps_or_a_question(self) -> Workflow:
        if (not self.steps) == (self.plan is None):
            raise PydanticCustomError(
                "steps_or_plan", "a workflow has either `steps` or, for the planner, `plan`"
            )
        if self.question is not None and self.plan is not None:
            raise PydanticCustomError(
                "steps_or_plan", "`question` goes with `steps`; `plan` is a question itself"
            )
        return self


def _walk(
    steps: tuple[Step, ...], place: Place, groups: tuple[Step, ...]
) -> Iterator[tuple[Place, Step, tuple[Step, ...]]]:
    for i, step in enumerate(steps):
        yield (*place, i), step, groups
        yield from _walk(step.steps or (), (*place, i, "steps"), (*groups, step))


def export_schema() -> str:
    """Return the JSON Schema of a workflow file, for editors: the content of workflow.schema.json."""
    return json.dumps(Workflow.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
