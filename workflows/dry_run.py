"""What a plan would do: its steps in order, their calls and cost, and where a person is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from benchmate.agents.contracts import Contract, Plan, Task, TaskKind
from benchmate.runtime.expressions import fill, references
from benchmate.runtime.policy import Policy, Verdict
from benchmate.tools.base import Tool
from benchmate.tools.registry import load_registry

Duration = Literal["seconds", "minutes", "hours", "unknown"]

CHEAP_SECONDS, SLOW_SECONDS, AGENT_SECONDS = 0.03, 20.0, 30.0  # rough: two cores and the embedded model
AGENT_MODEL_CALLS, AGENT_TOOL_CALLS = 12, 24  # at most, in one task


class Range(Contract):
    """From `low` to `high`; `high` is None where nothing bounds it before the run."""

    low: int = 0
    high: int | None = 0

    def __add__(self, other: Range) -> Range:
        high = None if self.high is None or other.high is None else self.high + other.high
        return Range(low=self.low + other.low, high=high)

    def times(self, low: int, high: int) -> Range:
        return Range(low=self.low * low, high=None if self.high is None else self.high * high)

    def __str__(self) -> str:
        if self.high is None:
            return f"{self.low} or more"
        return str(self.low) if self.low == self.high else f"{self.low} to {self.high}"


NONE = Range()
AGENT_TOKENS = Range(
    low=500, high=60_000
)  # one constrained call of a small model; a conversation with a large one
PLANNER_TOKENS = Range(low=0, high=8_000)


class StepEstimate(Contract):
    """One step as it would run."""

    id: str
    title: str
    kind: TaskKind
    action: str = Field(description="The tool or the agent, else the kind.")
    needs: tuple[str, ...]
    wave: int = Field(description="Steps of one wave can run at the same time; the first is 1.")
    items: Range | None = Field(None, description="How many items `foreach` goes over; None without it.")
    calls: Range = Field(description="Tool calls, without those tried again.")
    retries: Range = Field(NONE, description="Calls that may be tried again.")
    checked: Range = Field(NONE, description="Cheap calls that the verifier may make again.")
    model_calls: Range = NONE
    tokens: Range = NONE
    when: str | None = None
    rounds: int = Field(
        1,
        description="How often it may be done, by itself or with its group; the calls are those of all rounds.",
    )
    until: str | None = Field(None, description="The condition of its own loop.")
    members: tuple[str, ...] = Field((), description="The steps of a group.")
    on_error: str = "keep"
    effects: tuple[str, ...] = ()
    cost: str | None = Field(None, description="`cheap` or `slow`, of a tool.")
    verdict: Verdict = Field("allow", description="What the policy says of the step's calls.")
    reason: str = ""

    @property
    def asks(self) -> bool:
        """Whether a person will be asked."""
        return self.kind == "approve" or self.verdict == "ask"


class InputEntity(Contract):
    """Something the inputs name that will be resolved before the first step."""

    input: str
    kind: str
    given: str
    registry_id: str | None = None


class DryRun(Contract):
    """A plan before it runs. Nothing was called to make this."""

    title: str
    made_by: str
    question: str | None = None
    planned_later: bool = Field(False, description="The planner makes the steps when the run starts.")
    approves_plan: bool = False
    steps: tuple[StepEstimate, ...]
    calls: dict[str, Range] = Field(description="Tool calls of the steps, by tool.")
    intake: Range = Field(description="Calls that resolve the inputs.")
    verification: Range = Field(description="Cheap calls that the verifier may make again.")
    total_calls: Range = Field(description="All of these and the model's calls: what the budget counts.")
    model_calls: Range
    tokens: Range
    duration: Duration
    approvals: tuple[str, ...] = Field(
        description="Steps at which a person is asked; `plan` is the plan itself."
    )
    denied: tuple[str, ...] = Field(description="Steps that the policy will not let run.")
    entities: tuple[InputEntity, ...]


def dry_run(plan: Plan, policy: Policy | None = None, *, tools: Mapping[str, Tool] | None = None) -> DryRun:
    """Return what a plan would do under a policy (default: that of a run without network).

    A `foreach` over inputs is counted exactly, one over another step's output as a range, since items that fail
    there do not go on. A `verify` step and the verification at the end share their calls. Pictures that the report
    draws are not counted. Raises NotFound (`unknown_tool`) and InvalidInput of `Plan.check` for a plan that cannot run.
    """
    policy, tools = policy or Policy(), tools if tools is not None else load_registry()
    ordered = _in_waves(plan)
    items: dict[str, Range] = {}
    steps: list[StepEstimate] = []
    for task, wave in ordered:
        items[task.id] = _items(task, plan, items)
        rounds = max((own.loop.max for own in (task, *plan.groups.get(task.id, ())) if own.loop), default=1)
        steps.append(_estimate(task, wave, items[task.id], rounds, policy, tools, steps))
    calls: dict[str, Range] = {}
    for step in steps:
        if step.kind == "tool":
            calls[step.action] = calls.get(step.action, NONE) + step.calls
    entities = _entities(plan)
    compounds = sum(entity.kind == "compound" for entity in entities)
    later = not plan.tasks and plan.question is not None
    asked = 1 if plan.question else 0
    intake = Range(low=compounds + asked, high=compounds + asked)
    again = Range(high=_sum(step.checked for step in steps).high)
    model_calls = _sum(step.model_calls for step in steps) + (
        Range(high=AGENT_MODEL_CALLS) if later else NONE
    )
    tokens = _sum(step.tokens for step in steps)
    if later:
        tokens += PLANNER_TOKENS + AGENT_TOKENS.times(1, 2)
    made = _sum(step.calls + step.retries for step in steps if step.kind != "verify") + (
        Range(low=1, high=AGENT_TOOL_CALLS) if later else NONE
    )
    return DryRun(
        title=plan.title,
        made_by=plan.made_by,
        question=plan.question,
        planned_later=later,
        approves_plan=plan.approve,
        steps=tuple(steps),
        calls=dict(sorted(calls.items())),
        intake=intake,
        verification=again,
        total_calls=made + model_calls + intake + again,
        model_calls=model_calls,
        tokens=tokens,
        duration=_duration(steps, later),
        approvals=(*(("plan",) if plan.approve else ()), *(step.id for step in steps if step.asks)),
        denied=tuple(step.id for step in steps if step.verdict == "deny"),
        entities=entities,
    )


def _in_waves(plan: Plan) -> list[tuple[Task, int]]:
    """Return the tasks in an order in which they can run, with the wave each belongs to."""
    if not plan.tasks:
        return []
    plan.check()
    waves: dict[str, int] = {}
    number = 1
    while len(waves) < len(plan.tasks):
        waves |= dict.fromkeys(plan.ready(waves), number)
        number += 1
    position = {task.id: i for i, task in enumerate(plan.tasks)}
    return [
        (plan.by_id[name], waves[name])
        for name in sorted(waves, key=lambda name: (waves[name], position[name]))
    ]


def _items(task: Task, plan: Plan, known: Mapping[str, Range]) -> Range:
    """Return how many items a task goes over: 1 without `foreach`. A condition may leave out any of them."""
    if task.foreach is None:
        count = Range(low=1, high=1)
    elif isinstance(task.foreach, list):
        count = Range(low=len(task.foreach), high=len(task.foreach))
    elif all(name.partition(".")[0] == "inputs" for name in references(task.foreach)):
        given = fill(task.foreach, {"inputs": plan.inputs})
        size = len(given) if isinstance(given, list) else 0
        count = Range(low=size, high=size)
    else:
        source = re.fullmatch(r"\$\{\s*\(?steps\.(\w+)\.(?:output|compounds)\)?\s*\}", task.foreach)
        listed = source is not None and source[1] in known and plan.by_id[source[1]].foreach is not None
        count = Range(low=0, high=known[source[1]].high if source and listed else None)
    return Range(low=0, high=count.high) if task.when is not None else count


def _estimate(
    task: Task, wave: int, items: Range, rounds: int, policy: Policy, tools: Mapping[str, Tool], before: list[StepEstimate]
) -> StepEstimate:  # fmt: skip
    common: dict[str, Any] = {
        "id": task.id, "title": task.title, "kind": task.kind, "needs": task.needs, "wave": wave,
        "when": task.when, "on_error": task.on_error, "rounds": rounds, "until": task.loop.until if task.loop else None,
        "members": task.members, "items": items if task.foreach is not None else None,
    }  # fmt: skip
    if task.tool is not None:
        tool = tools[task.tool]
        decision = policy.decide(tool.name, tool.domain, tool.effects)
        calls = NONE if decision.verdict == "deny" else items.times(1, rounds)
        repeatable = tool.cost == "cheap" and tool.effects <= {"compute"} and task.claims != ()
        return StepEstimate(
            **common, action=tool.name, calls=calls, retries=Range(high=calls.times(0, task.retry.max).high) if task.retry.max else NONE,
            checked=items if repeatable and calls.high != 0 else NONE, effects=tuple(sorted(tool.effects)), cost=tool.cost, verdict=decision.verdict,
            reason="" if decision.verdict == "allow" else decision.reason,
        )  # fmt: skip
    if task.agent is not None and not {"rank", "flags"} & task.arguments.keys():
        least = 0 if task.when is not None else 1
        return StepEstimate(
            **common, action=task.agent, calls=Range(high=AGENT_TOOL_CALLS).times(1, rounds), checked=Range(high=AGENT_TOOL_CALLS),
            model_calls=Range(low=0, high=AGENT_MODEL_CALLS).times(1, rounds), tokens=AGENT_TOKENS.times(least, 2 * rounds),
        )  # fmt: skip
    if task.kind == "verify":
        checked = _sum(step.checked for step in before if step.id in task.needs)
        return StepEstimate(**common, action=task.kind, calls=Range(high=checked.high))
    action = "a group" if task.kind == "group" else task.agent or task.kind
    return StepEstimate(**common, action=action, calls=NONE)


def _sum(ranges: Iterable[Range]) -> Range:
    return sum(ranges, NONE)


def _duration(steps: Iterable[StepEstimate], later: bool) -> Duration:
    """Return the class of the time it takes at most, without waiting for a person."""
    seconds = AGENT_SECONDS * 2 if later else 0.0
    for step in steps:
        if step.model_calls.high:
            seconds += AGENT_SECONDS
        elif step.calls.high is None:
            return "unknown"
        else:
            seconds += step.calls.high * (SLOW_SECONDS if step.cost == "slow" else CHEAP_SECONDS)
    return "seconds" if seconds <= 60 else "minutes" if seconds <= 3600 else "hours"


def _entities(plan: Plan) -> tuple[InputEntity, ...]:
    found = []
    for name, kind in plan.input_kinds.items():
        value = plan.inputs.get(name)
        for given in [] if value is None else value if isinstance(value, list) else [value]:
            record = given if isinstance(given, Mapping) else {}
            text = next(
                (
                    str(record[key])
                    for key in ("name", "smiles", "sequence", "inchi", "source")
                    if record.get(key)
                ),
                str(given),
            )
            found.append(
                InputEntity(input=name, kind=kind, given=text[:200], registry_id=record.get("registry_id"))
            )
    return tuple(found)
