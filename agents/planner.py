"""The planner: a question becomes tasks. A small model does not plan; its question is split at its own seams."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import Field, ValidationError

from benchmate.agents.constrained_calls import intake_for
from benchmate.agents.contracts import Contract, Plan, Task
from benchmate.agents.intake import Intake
from benchmate.agents.router import route
from benchmate.agents.specialists import AGENTS, agent_for
from benchmate.model.engine import Constraint, Message, Sampling
from benchmate.runtime.calls import ends_run
from benchmate.runtime.context import RunContext, TaskScope, entered
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound
from benchmate.tools.registry import load_registry

SCOPE = "planner"
MOST_TASKS = 8


class PlannedTask(Contract):
    """What a model says of one task. Ids come from code."""

    agent: str
    goal: str
    needs: tuple[int, ...] = Field((), description="Numbers of earlier tasks, from 1.")


class PlannedTasks(Contract):
    """What a model answers."""

    tasks: tuple[PlannedTask, ...] = Field(min_length=1, max_length=MOST_TASKS)


async def make_plan(context: RunContext, question: str, intake: Intake, engine: Any) -> Plan:
    """Return a checked plan. Raises InvalidInput (`empty_question`, or `bad_plan` after one repair)."""
    if not question.strip():
        raise InvalidInput(
            "empty_question", "there is no question", hint='benchmate ask "What is the logP of aspirin?"'
        )
    scope = TaskScope(SCOPE)
    with entered(context, scope):
        if context.settings.role("planner").plans and engine is not None:
            tasks = await _plan_freely(context, question, engine)
        else:
            tasks = await _one_task_each(context, scope, question, intake)
    return Plan(title=_title(question), question=question, tasks=tuple(tasks), made_by="planner").check()


def sub_questions(question: str) -> list[str]:
    """Return the parts of a question that stand on their own: sentences, and clauses that begin with a question word."""
    sentences = [
        s.strip() for s in re.split(r"(?<=[?!])\s+|(?<=[a-z)])\.\s+(?=[A-Z])|\n+|;\s+", question) if s.strip()
    ]
    parts = []
    for sentence in sentences:
        parts += re.split(
            r",?\s+and\s+(?=(?:what|which|how|is|are|does|draw|balance|convert|calculate|compute|find|translate)\b)",
            sentence,
            flags=re.I,
        )
    kept = [p.strip() for p in parts if len(p.split()) > 1]
    return kept[:MOST_TASKS] if kept else [question.strip()]


async def _one_task_each(context: RunContext, scope: TaskScope, question: str, intake: Intake) -> list[Task]:
    """Return one task per sub-question, for the specialist whose tool the router thinks of first."""
    registry = load_registry()
    parts = sub_questions(question)
    if (
        len(parts) > 1
    ):  # context that asks nothing is not a task of its own, but its subjects belong to the question
        parts = [p for p in parts if _asks(p)] or [question.strip()]
        if len(parts) == 1 or any(not intake_part(intake, p) for p in parts):
            parts = [question.strip()]
    tasks = []
    for number, part in enumerate(parts, 1):
        own = await intake_for(context, intake, part)
        try:
            shortlist = await route(context, scope, part, own.candidates, registry.offered)
        except NotFound as error:
            if ends_run(error):
                raise
            shortlist = []
        agent = agent_for(registry[shortlist[0]]) if shortlist else "analyst"
        tasks.append(
            Task(id=f"task-{number}", kind="agent", agent=agent, title=part, arguments={"goal": part})
        )
    return tasks


def intake_part(intake: Intake, part: str) -> bool:
    """Return whether a part of the question has a subject of its own."""
    start = intake.question.find(part)
    return any(start <= c.start and c.end <= start + len(part) for c in intake.candidates)


def _asks(part: str) -> bool:
    return part.endswith("?") or bool(
        re.match(r"(?:please\s+)?(?:what|which|how|is|are|does|do|can|could|draw|show|balance|convert|calculate|compute|find|"
                 r"translate|give|tell|generate|compare|check|rank|search|list|determine|estimate)\b", part, re.I)
    )  # fmt: skip


async def _plan_freely(context: RunContext, question: str, engine: Any) -> list[Task]:
    agents = "\n".join(f"- {a.name}: {a.summary}. Tools: {', '.join(a.tools)}" for a in AGENTS.values())
    system = (
        "Split the question into the fewest tasks that answer it. Each task names one agent and a goal that can be understood "
        f"alone. A task that uses another's result names its number in `needs`.\nAgents:\n{agents}"
    )
    messages = [Message(role="system", content=system), Message(role="user", content=question)]
    constraint = Constraint(json_schema=PlannedTasks.model_json_schema())
    problem = ""
    for _ in range(2):  # one try to repair
        reply = await engine.chat(messages, sampling=Sampling(), constraint=constraint)
        try:
            return _tasks_of(PlannedTasks.model_validate(json.loads(reply.message.text)))
        except (json.JSONDecodeError, ValidationError, BenchmateError) as error:
            problem = str(error)
            messages += [
                reply.message,
                Message(role="user", content=f"This plan cannot be used: {problem}. Write it again."),
            ]
    raise InvalidInput(
        "bad_plan", f"the model made no usable plan: {problem}", hint="ask more simply, or write a workflow"
    )


def _tasks_of(planned: PlannedTasks) -> list[Task]:
    tasks = []
    for number, task in enumerate(planned.tasks, 1):
        if task.agent not in AGENTS:
            raise InvalidInput(
                "unknown_agent",
                f"task {number} names the agent {task.agent!r}; there are {', '.join(AGENTS)}",
            )
        if any(not 1 <= need < number for need in task.needs):
            raise InvalidInput("unknown_need", f"task {number} needs a task that does not come before it")
        needs = tuple(f"task-{need}" for need in task.needs)
        tasks.append(
            Task(
                id=f"task-{number}",
                kind="agent",
                agent=task.agent,
                title=task.goal,
                arguments={"goal": task.goal},
                needs=needs,
            )
        )
    return tasks


def _title(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= 90 else f"{line[:87]}…"
