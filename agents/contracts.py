"""The contracts between planner, specialists, verifier and reporter. Frozen data; ids come from code."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from benchmate.runtime.canonical import digest
from benchmate.runtime.errors import ErrorInfo, InvalidInput, did_you_mean
from benchmate.runtime.evidence import Artifact
from benchmate.runtime.labels import NO_LABELS, Labels
from benchmate.runtime.quantity import Quantity, format_number


class Contract(BaseModel):
    """Base of the contracts: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- the plan -----------------------------------------------------------------------------------------------------

TaskKind = Literal["tool", "agent", "verify", "approve", "report", "group"]
OnError = Literal["keep", "fail", "skip_rest"]


class Retry(Contract):
    """How often a failed call is tried again, and for which kinds of error."""

    max: int = Field(0, ge=0, le=10, examples=[2])
    errors: tuple[str, ...] = Field(
        ("transient", "crashed"), description="Error kinds or codes.", examples=[["transient"]]
    )


MOST_LOOPS = 20


class Loop(Contract):
    """How often a step, or a group of steps, is repeated: until its condition holds, and at most `max` times."""

    until: str = Field(
        min_length=1,
        description="An expression, without ${}, over what came out. A step reads it as `result`, a group as "
        "`steps.…`; `loop.round` is the number of the round.",
        examples=["result.quantities.logp.value < 3"],
    )
    max: int = Field(ge=1, le=MOST_LOOPS, description="The most rounds, the first counted in.", examples=[5])


class Task(Contract):
    """One step of a plan. Arguments may hold `${…}` expressions over inputs, earlier steps and the item."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    kind: TaskKind
    title: str = ""
    tool: str | None = None
    agent: str | None = None
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="A tool's arguments, or an agent's `goal` and options."
    )
    needs: tuple[str, ...] = ()
    when: str | None = Field(
        None, description="An expression; the task, or the item, is left out when it is false."
    )
    foreach: str | list[Any] | None = None
    item_name: str = "item"
    max_parallel: int = Field(4, ge=1, le=64)
    retry: Retry = Retry()
    on_error: OnError = "keep"
    claims: tuple[str, ...] | None = Field(
        None, description="Properties to state in the report; None: those the tool puts first."
    )
    members: tuple[str, ...] = Field((), description="The tasks of a group, which ends when they have.")
    loop: Loop | None = None
    attempt: int = Field(1, ge=1)
    feedback: str | None = Field(None, description="What was wrong with the last attempt.")
    round: int = Field(1, ge=1, description="Of the loop that the task is in.")
    last: dict[str, str] = Field(
        default_factory=dict, description="The results of the round before, by task: artifact hashes."
    )
    carries: bool = Field(False, description="Only what the last attempt did not fulfil is done again.")

    @model_validator(mode="after")
    def _names_its_action(self) -> Task:
        if (self.tool is not None) != (self.kind == "tool") or (self.agent is not None) != (
            self.kind == "agent"
        ):
            raise ValueError(
                f"a {self.kind} task names {'its tool' if self.kind == 'tool' else 'its agent' if self.kind == 'agent' else 'neither tool nor agent'}"
            )
        if bool(self.members) != (self.kind == "group"):
            raise ValueError("a group, and nothing else, has members")
        if self.loop is not None and self.kind not in ("tool", "agent", "group"):
            raise ValueError(f"a {self.kind} task is not repeated")
        return self


class Plan(Contract):
    """What will be done, whoever made it: a YAML file, the planner, or a person's edit."""

    title: str
    question: str | None = None
    inputs: dict[str, Any] = Field(default_factory=dict)
    input_kinds: dict[str, str] = Field(
        default_factory=dict, description="Which inputs are entities: {'compounds': 'compound'}."
    )
    tasks: tuple[Task, ...]
    made_by: str = Field("planner", description="'workflow lead-triage', 'planner', 'person'.")
    approve: bool = Field(False, description="Ask a person before anything runs.")

    @property
    def by_id(self) -> dict[str, Task]:
        return {task.id: task for task in self.tasks}

    @property
    def groups(self) -> dict[str, tuple[Task, ...]]:
        """The groups that each task is in, by the task's id."""
        found: dict[str, tuple[Task, ...]] = {}
        for group in self.tasks:
            for member in group.members:
                found[member] = (*found.get(member, ()), group)
        return found

    def ready(self, ended: Collection[str]) -> list[str]:
        """Return the tasks that may begin: not ended, and all they need has. Outside its group a task has ended when the group has."""
        groups = {name: {group.id for group in found} for name, found in self.groups.items()}

        def over(need: str, task: str) -> bool:
            outer = groups.get(need, set()) - groups.get(task, set()) - {task}
            return need in ended and outer <= set(ended)

        return [t.id for t in self.tasks if t.id not in ended and all(over(n, t.id) for n in t.needs)]

    def unstarted(self) -> Plan:
        """Return the plan as it is before a run: every task in its first attempt."""
        own = ("attempt", "feedback", "round", "last", "carries")
        fresh = {name: Task.model_fields[name].get_default(call_default_factory=True) for name in own}
        return self.model_copy(update={"tasks": tuple(t.model_copy(update=fresh) for t in self.tasks)})

    def _check_groups(self) -> None:
        known = self.by_id
        for group in self.tasks:
            for member in group.members:
                if member not in known or member not in group.needs:
                    raise InvalidInput(
                        "bad_group", f"the group {group.id!r} has to need its member {member!r}"
                    )
        for name, groups in self.groups.items():
            if sum(g.loop is not None for g in groups) + (known[name].loop is not None) > 1:
                raise InvalidInput("nested_loop", f"task {name!r} is in two loops; a loop holds no other")

    def check(self) -> Plan:
        """Return the plan if its tasks form a DAG.

        Raises InvalidInput: `duplicate_task`, `unknown_need`, `cyclic_needs`, `empty_plan`, `bad_group`, `nested_loop`.
        """
        ids = [task.id for task in self.tasks]
        if not ids:
            raise InvalidInput("empty_plan", "the plan has no tasks")
        for name in ids:
            if ids.count(name) > 1:
                raise InvalidInput("duplicate_task", f"two tasks are named {name!r}")
        for task in self.tasks:
            for need in task.needs:
                if need not in ids:
                    raise InvalidInput(
                        "unknown_need",
                        f"task {task.id!r} needs {need!r}, which is not in the plan",
                        hint=did_you_mean(need, ids),
                    )
        self._check_groups()
        done: set[str] = set()
        while len(done) < len(ids):
            ready = self.ready(done)
            if not ready:
                stuck = [name for name in ids if name not in done]
                raise InvalidInput(
                    "cyclic_needs",
                    f"these tasks need each other: {', '.join(stuck)}",
                    details={"tasks": stuck},
                )
            done.update(ready)
        return self


# --- what tasks give back -----------------------------------------------------------------------------------------

TaskStatus = Literal["ok", "partial", "failed", "refused", "budget", "skipped"]
ClaimKind = Literal["numeric", "categorical", "relation", "quote", "interpretation"]


class Subject(Contract):
    """What a claim is about: `key` is the identity (InChIKey, sequence digest), `label` what a reader calls it."""

    key: str
    label: str


class Claim(Contract):
    """A statement, the evidence paths it rests on, and for a derived value the expression over them.

    In `derivation`, c0, c1 … stand for the cited values in order.
    """

    id: str
    text: str
    kind: ClaimKind
    property: str | None = None
    value: float | str | bool | None = None
    unit: str | None = None
    subject: Subject | None = None
    cites: tuple[str, ...] = Field(description="`E-…#/quantities/logp`: evidence id and a path in it.")
    derivation: str | None = None
    task: str = ""
    labels: Labels = NO_LABELS


def claim_id(task: str, subject: str, statement: str, position: int = 0) -> str:
    """Return a claim's id. It does not depend on values, so that the same claim can be compared between runs."""
    return "C-" + digest("claim", task, subject, statement, position, length=8)


def value_text(value: float | str | bool | None, unit: str | None) -> str:
    """Return a claim's value for a reader."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "—"}[value]
    if isinstance(value, str):
        return value
    return Quantity(value=value, unit=unit or "", property="value").format() if unit else format_number(value)


class ItemResult(Contract):
    """One item of a batch: what was given, and its evidence or its error."""

    index: int
    given: str
    status: Literal["ok", "failed", "skipped"]
    evidence: str | None = None
    error: ErrorInfo | None = None


class TaskResult(Contract):
    """How a task ended. A failed task is data that the reader sees."""

    task: str
    attempt: int
    status: TaskStatus
    output: Any = Field(None, description="What later steps refer to as `steps.<id>.output`.")
    items: tuple[ItemResult, ...] = ()
    claims: tuple[Claim, ...] = ()
    evidence: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    answer: str | None = None
    error: ErrorInfo | None = None
    unfulfilled: tuple[int, ...] = Field(
        (), description="Of a step with a loop: the items to repeat, 0 for a step that goes over none."
    )
    notes: tuple[str, ...] = ()
    labels: Labels = Field(NO_LABELS, description="Of what it saw; whoever builds on it carries them too.")


# --- verification -------------------------------------------------------------------------------------------------

VerdictStatus = Literal["supported", "contradicted", "insufficient", "unchecked"]
VerdictMethod = Literal["matched", "derived", "repeated", "independent", "quoted", "model-judged", "none"]


class Verdict(Contract):
    """What the verifier says of a claim, how it knows, and why."""

    claim_id: str
    status: VerdictStatus
    method: VerdictMethod
    reason: str


# --- the report ---------------------------------------------------------------------------------------------------

RunStatus = Literal["complete", "partial", "failed", "refused", "budget"]


class Failure(Contract):
    """Something that was asked for and not delivered."""

    task: str
    given: str | None
    error: ErrorInfo


class TableColumn(Contract):
    property: str
    title: str
    unit: str = ""


class TableCell(Contract):
    """A cell and the claim behind it (None: an identity or a flag column, not a number)."""

    text: str
    claim_id: str | None = None


class Table(Contract):
    title: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[TableCell, ...], ...]


class Figure(Contract):
    """A picture in the report: an artifact, its caption and the claims or evidence it shows."""

    title: str
    artifact: Artifact
    data: Artifact | None = Field(None, description="The numbers behind a chart.")
    script: Artifact | None = Field(None, description="The script that draws it again from the data.")
    caption: str = ""
    shows: tuple[str, ...] = ()


class EvidenceLine(Contract):
    """One piece of evidence as the report lists it."""

    id: str
    tool: str
    tool_version: str
    source: str
    reference: str | None
    arguments: str
    quantities: dict[str, Quantity]
    warnings: tuple[str, ...]
    artifacts: tuple[Artifact, ...] = ()
    at: float = Field(0.0, description="When the call was first made, in seconds since 1970.")
    labels: Labels = NO_LABELS


class Report(Contract):
    """Everything a report shows, as data. `app/` renders it; the same data gives the same bytes."""

    run: str
    title: str
    question: str | None
    started_at: float
    status: RunStatus
    answer: str
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    claims: tuple[Claim, ...] = ()
    verdicts: dict[str, Verdict] = Field(default_factory=dict)
    unbacked_digits: tuple[str, ...] = Field(
        (), description="Digits in prose that no evidence, name or input holds."
    )
    failures: tuple[Failure, ...] = ()
    would_change: tuple[str, ...] = Field((), description="What would change the conclusion.")
    evidence: tuple[EvidenceLine, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    repeat: tuple[str, ...] = Field((), description="How to repeat the run.")
    plan: Plan | None = None
