"""The planner: a question becomes tasks. A small model does not plan; its question is split at its own seams."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import Field, ValidationError

from benchmate.agents.attachments import INPUT, Attachment, check_accepted
from benchmate.agents.constrained_calls import has_subject, intake_for
from benchmate.agents.contracts import Contract, Plan, Task
from benchmate.agents.earlier import Earlier
from benchmate.agents.intake import Candidate, Intake
from benchmate.agents.router import route
from benchmate.agents.specialists import agent_for, load_specialists
from benchmate.model.engine import Constraint, Message, Sampling
from benchmate.runtime.calls import ends_run
from benchmate.runtime.context import RunContext, TaskScope, entered
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound
from benchmate.runtime.labels import NO_LABELS
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


async def make_plan(
    context: RunContext,
    question: str,
    intake: Intake,
    engine: Any,
    attachments: Sequence[Attachment] = (),
    earlier: Earlier | None = None,
) -> Plan:
    """Return a checked plan, whose agents all see the attachments. `earlier` is the conversation up to the question.

    Raises InvalidInput (`empty_question`, or `bad_plan` after one repair; what `check_accepted` raises).
    """
    if not question.strip():
        raise InvalidInput(
            "empty_question", "there is no question", hint='benchmate ask "What is the logP of aspirin?"'
        )
    check_accepted(context.settings, attachments)
    scope = TaskScope(SCOPE, labels=earlier.labels if earlier else NO_LABELS)
    with entered(context, scope):
        if context.settings.role("planner").plans and engine is not None:
            tasks = await _plan_freely(context, question, engine, attachments, earlier)
        else:
            tasks = await _one_task_each(context, scope, question, intake)
    inputs = {INPUT: [a.model_dump(mode="json") for a in attachments]} if attachments else {}
    return Plan(
        title=_title(question), question=question, inputs=inputs, tasks=tuple(tasks), made_by="planner"
    ).check()


_SENTENCE = re.compile(r"(?<=[?!])\s+|(?:(?<=[a-z\d)\]])|(?<=[A-Z]{3}))\.\s+(?=[A-Z])|\n+|;\s+")
_VERB = (
    r"(?:what(?:['’]?s)?|which|how|is|are|does|do|draw|balance|convert|calculate|compute|find|translate|generate|compare|check|"
    r"rank|search|list|determine|estimate|validate|give me|show me|tell me)"
)
_CLAUSE = re.compile(rf",?\s+(?:and|then|and then|and also)\s+(?={_VERB}\b)", re.I)
_LEAD = r"(?:(?:please|and|also|so|then|now|hi|hello|hey|well|ok|okay|thanks|finally|first|second(?:ly)?)\b[\s,:!]*)*"
_ASKS = re.compile(
    rf"{_LEAD}(?:{_VERB}|when|who|why|where|can|could|would|will|should|was|were|did|has|have|show|give|tell|make|run|look up|"
    r"identify|resolve|predict|count|sketch|plot|depict|render|analy[sz]e|summari[sz]e|express|sort|order|canonicali[sz]e|"
    r"(?:(?:I|we)(?:['’]d| would)? (?:also )?)?(?:need|want|require|like to know|wonder))\b(?!-)",
    re.I,
)
# a context, then what is asked: 'I am about to run a gel, need the GC content of …'
_LATE_QUESTION = re.compile(
    r",\s+(?:(?:so|and|but|please)\s+)*(?=(?:what(?:['’]?s)?|which|how|is|are|does|do|can you|could you|give me|tell me|"
    r"(?:(?:I|we) )?(?:need|want))\b)",
    re.I,
)
_FINITE = re.compile(
    r"\b(?:am|is|are|was|were|be|been|have|has|had|do|does|did|will|would|can|could|may|might|should|must|I|we|my|our|he|she|"
    r"they|you|wrote|said|got|made|ran|run|thanks?|\w+ing)\b|['’](?:m|re|ve|ll)\b",
    re.I,
)


def sub_questions(question: str) -> list[str]:
    """Return the parts of a question that stand on their own: sentences, and clauses that have their own verb."""
    parts = []
    for sentence in (s.strip() for s in _SENTENCE.split(question)):
        clauses = _CLAUSE.split(sentence)
        parts += clauses if all(len(c.split()) > 1 for c in clauses) else [sentence]  # 'search and find'
    kept = [p.strip() for p in parts if len(p.split()) > 1 or p.strip().endswith("?")]
    return kept or [question.strip()]


async def _one_task_each(context: RunContext, scope: TaskScope, question: str, intake: Intake) -> list[Task]:
    """Return one task per sub-question, for the specialist whose tool the router thinks of first."""
    registry = load_registry()
    goals = goals_of(question, intake)
    if len(goals) > MOST_TASKS:
        raise InvalidInput(
            "too_many_questions",
            f"this asks {len(goals)} questions at once; {MOST_TASKS} is the most",
            hint="ask in several runs, or write a workflow",
        )
    asked = list[tuple[str, str]]()  # a goal and the tool that the router thinks of first, "" for none
    for part in goals:
        own = await intake_for(context, intake, part)
        try:
            shortlist = await route(context, scope, part, own.candidates, registry.offered)
        except NotFound as error:
            if ends_run(error):
                raise
            shortlist = []
        best = shortlist[0] if shortlist else ""
        if (
            asked
            and best in ("", asked[-1][1])
            and (both := _one_clause(question, intake, asked[-1][0], part))
        ):
            asked[-1] = both, asked[-1][1]
        else:
            asked.append((part, best))
    return [
        Task(
            id=f"task-{number}",
            kind="agent",
            agent=agent_for(registry[best]) if best else "analyst",
            title=part,
            arguments={"goal": part},
        )
        for number, (part, best) in enumerate(asked, 1)
    ]


def _one_clause(question: str, intake: Intake, before: str, part: str) -> str | None:
    """Return two goals as one, where the second goes on with the first: in one sentence, and without a subject of its own."""
    start = question.find(before)
    at = question.find(part, start + len(before))
    if (
        at < 0
        or has_subject(_inside(intake, part))
        or not _GOES_ON.fullmatch(question[start + len(before) : at])
    ):
        return None
    return question[start : at + len(part)]


_GOES_ON = re.compile(r",?\s+(?:and|then|and then|and also)\s+", re.I)


def goals_of(question: str, intake: Intake) -> list[str]:
    """Return the parts of a question that ask something. Context is none of them, but lends them its subjects.

    A part that says 'it' of what stands before it keeps its subject, because `intake_for` looks there. What is said
    after a part, and asks nothing, says how it is meant ('… Use the Welch test.') and belongs to it.
    """
    whole = question.strip()
    parts = sub_questions(whole)
    asking = [p for p in parts if _asks(p, _inside(intake, p))]
    alone = len(asking) == 1 or not any(has_subject(_inside(intake, p)) for p in asking)
    if not asking or (alone and _lends_numbers(intake, parts, asking)):
        return [whole]
    return [_without_context(p, intake) for p in _with_amendments(whole, parts, asking)]


def _with_amendments(whole: str, parts: Sequence[str], asking: Sequence[str]) -> list[str]:
    """Return the asking parts, each with the statements that follow it, as they stand in the question."""
    goals = list[str]()
    position = start = 0
    for part in parts:
        at = whole.find(part, position)
        position = at + len(part)
        if part in asking:
            start = at
            goals.append(part)
        elif goals and not _COURTESY.match(part):
            goals[-1] = whole[start:position]
    return goals


_COURTESY = re.compile(
    r"(?:thank(?:s| you)|cheers|regards|best|sincerely|have a|that(?:['’]s| is| will be) all|bye|much appreciated|sorry)\b",
    re.I,
)


def _lends_numbers(intake: Intake, parts: Sequence[str], asking: Sequence[str]) -> bool:
    """Return whether what stands beside the question gives it measured numbers or data: then it is part of the question."""
    lent = [c.kind for p in parts if p not in asking for c in _inside(intake, p)]
    return "number" in lent or bool(
        {"numbers", "file", "time", "reaction", "expression", "equation"} & set(lent)
    )


def _without_context(part: str, intake: Intake) -> str:
    """Return what a sentence asks without the circumstances before it, where those hold no subject."""
    for match in _LATE_QUESTION.finditer(part):
        head, tail = part[: match.start()], part[match.end() :]
        if not _ASKS.match(head) and not _inside(intake, head) and has_subject(_inside(intake, tail)):
            return tail
    return part


def _inside(intake: Intake, part: str) -> list[Candidate]:
    start = intake.question.find(part)
    return [c for c in intake.candidates if start <= c.start and c.end <= start + len(part)]


_DATA = frozenset(
    {"number", "numbers", "unit", "equation", "time", "position"}
)  # what a statement may hold that asks nothing


def _asks(part: str, held: Sequence[Candidate]) -> bool:
    """Return whether a part asks: by its mark, its first word, a late question word, or as 'logP of aspirin' does."""
    has_own_subject = has_subject(held)
    if part.endswith("?") or _ASKS.match(part) or (_LATE_QUESTION.search(part) and has_own_subject):
        return True
    named = {c.kind for c in held} - _DATA
    return bool(named) and has_own_subject and len(part.split()) <= 12 and not _FINITE.search(part)


async def _plan_freely(
    context: RunContext,
    question: str,
    engine: Any,
    attachments: Sequence[Attachment],
    earlier: Earlier | None,
) -> list[Task]:
    agents = "\n".join(
        f"- {a.name}: {a.summary}. Tools: {', '.join(a.tools)}" for a in load_specialists().values()
    )
    system = (
        "Split the question into the fewest tasks that answer it. Each task names one agent and a goal that can be understood "
        f"alone. A task that uses another's result names its number in `needs`.\nAgents:\n{agents}"
    )
    before = [f"Earlier in this conversation:\n{earlier.told()}\nNow:"] if earlier and earlier.turns else []
    asked = "\n".join([*before, question, *(f"Attached, for every agent to see: {a}" for a in attachments)])
    messages = [Message(role="system", content=system), Message(role="user", content=asked)]
    constraint = Constraint(json_schema=PlannedTasks.model_json_schema())
    problem = ""
    for _ in range(2):  # one try to repair
        reply = await engine.chat(messages, sampling=Sampling(), constraint=constraint)
        try:
            return _seeing(
                _tasks_of(PlannedTasks.model_validate(json.loads(reply.message.text))), attachments
            )
        except (json.JSONDecodeError, ValidationError, BenchmateError) as error:
            problem = str(error)
            messages += [
                reply.message,
                Message(role="user", content=f"This plan cannot be used: {problem}. Write it again."),
            ]
    raise InvalidInput(
        "bad_plan", f"the model made no usable plan: {problem}", hint="ask more simply, or write a workflow"
    )


def _seeing(tasks: list[Task], attachments: Sequence[Attachment]) -> list[Task]:
    if not attachments:
        return tasks
    attach = {"attach": f"${{inputs.{INPUT}}}"}
    return [t.model_copy(update={"arguments": {**t.arguments, **attach}}) for t in tasks]


def _tasks_of(planned: PlannedTasks) -> list[Task]:
    tasks = []
    for number, task in enumerate(planned.tasks, 1):
        if task.agent not in load_specialists():
            raise InvalidInput(
                "unknown_agent",
                f"task {number} names the agent {task.agent!r}; there are {', '.join(load_specialists())}",
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
