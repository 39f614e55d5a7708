"""A specialist with a small model: a router shortlists tools, the text supplies the arguments, a JSON Schema leaves only legal calls."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from benchmate.agents import analyst
from benchmate.agents.arguments import legal_calls
from benchmate.agents.claims import asked_properties
from benchmate.agents.contracts import Claim, Task, TaskResult
from benchmate.agents.intake import Candidate, Intake, read_question
from benchmate.agents.router import route
from benchmate.agents.specialists import Specialist
from benchmate.agents.tasks import Setting, collect_calls
from benchmate.model.engine import Constraint, Message, Sampling, ToolSpec, for_role
from benchmate.model.renderer import renderer
from benchmate.runtime.context import RunContext, TaskScope
from benchmate.runtime.errors import ErrorInfo, InvalidInput, NotFound
from benchmate.runtime.expressions import fill
from benchmate.tools.base import Tool
from benchmate.tools.calls import call_batch
from benchmate.tools.chemistry.parsing import looks_like_smiles

AMBIGUOUS = ("ambiguous_name", "ambiguous_formula")
ELSEWHERE = 10**6  # taken from the places of subjects that stand outside a goal
# a goal that compares what it names with what was named before it: 'how similar is it to aspirin'
_COMPARES_BACK = re.compile(
    r"\b(?:it|its|they|them|these|that)\b.*\b(?:to|with|than|versus|vs)\b|\b(?:than|to|with|like) (?:it|them|these|that)\b",
    re.I,
)
HIGH_WORDS = r"\b(?:highest|largest|biggest|most|greatest|heaviest|more|higher|larger|heavier|bigger|greater|longest|longer|rank|order|top|best)\b"
LOW_WORDS = r"\b(?:lowest|smallest|least|lightest|less|lower|smaller|lighter|fewer|fewest|shortest|shorter)\b"


async def run_constrained(
    context: RunContext, scope: TaskScope, task: Task, agent: Specialist, setting: Setting
) -> TaskResult:
    """Answer one question with one tool: on one subject, or on each of several the question names.

    Raises NotFound (`no_tool`) when no tool fits the question, and what the tool raises.
    """
    goal = str(fill(task.arguments.get("goal", ""), setting.names()))
    intake = await intake_for(context, setting.intake, goal)
    tried = tools_tried(context, task)
    tools = {n: t for n, t in agent.tools.items() if n not in tried}
    try:
        shortlist = await route(context, scope, goal, intake.candidates, tools)
    except NotFound as error:
        raise _why_before(context, task) or error from None
    if not shortlist:
        raise _why_before(context, task) or no_tool(goal, intake.candidates, task.feedback)
    alone = len(setting.plan.tasks) == 1 and setting.plan.question is not None
    around = str(setting.plan.question).replace(goal, " ") if alone else ""
    calls = {name: list(legal_calls(tools[name], goal, intake.candidates, around)) for name in shortlist}
    engine = for_role(setting.engine, "specialist")
    name, arguments = await choose(engine, context, goal, {n: tools[n] for n in shortlist}, calls)
    batch = _each_subject(tools[name], arguments, calls[name])
    batch = [_with_structures(tools[name], a, setting.intake) for a in batch]
    outcomes = await call_batch(context, scope, name, batch)
    wanted = asked_properties(tools[name], goal) or None
    items = [(i, _subject_text(tools[name], a)) for i, a in enumerate(batch)]
    result = collect_calls(task, items, outcomes, total=len(batch), wanted=wanted)
    return _with_ranking(context, task, result, goal, wanted)


async def intake_for(context: RunContext, intake: Intake, goal: str) -> Intake:
    """Return the part of the run's intake that lies in this goal, or read the goal when it is no part of the question."""
    start = intake.question.find(goal)
    if start < 0 or not goal:
        return await read_question(context, goal)
    inside = [c for c in intake.candidates if start <= c.start and c.end <= start + len(goal)]
    if not has_subject(inside) or compares_back(goal):
        # what the goal is about stands elsewhere in the question, or in one before it: before its own text, as the negative
        # places say. What this question names counts, where it names something.
        here = [
            c
            for c in intake.candidates
            if c.start >= 0 and c not in inside and _may_be_meant(c, start, intake)
        ]
        before = [c for c in intake.candidates if c.start < 0]
        meant = here if has_subject([*here, *inside]) and has_subject(here) else [*here, *before]
        moved = [
            c.model_copy(update={"start": c.start - ELSEWHERE, "end": c.end - ELSEWHERE})
            if c.start >= 0
            else c
            for c in meant
        ]
        inside = [*moved, *inside]
    return intake.model_copy(update={"candidates": tuple(inside)})


def compares_back(goal: str) -> bool:
    """Return whether a goal speaks of what was named before it, beside what it names."""
    return _COMPARES_BACK.search(goal) is not None


def has_subject(candidates: Sequence[Candidate]) -> bool:
    """Return whether these are enough to ask about: anything but a lone number, unit or column."""
    kinds = [c.kind for c in candidates]
    return bool(set(kinds) - {"number", "unit", "column"}) or ("number" in kinds and kinds.count("unit") > 1)


def _may_be_meant(candidate: Candidate, start: int, intake: Intake) -> bool:
    """Return whether a candidate outside a goal may be its subject: what stands before it, if anything does."""
    if candidate.start < start:
        return True
    return not has_subject([c for c in intake.candidates if c.start < start])


def tools_tried(context: RunContext, task: Task) -> set[str]:
    """Return the tools that earlier attempts at this task called: a new attempt must do something else."""
    return {
        r.body["name"] for r in context.journal.records("call.started")
        if r.task == task.id and r.attempt < task.attempt and r.body["type"] == "tool"
    }  # fmt: skip


def _why_before(context: RunContext, task: Task) -> InvalidInput | None:
    """Return that an earlier attempt failed because a name means several compounds: that is the answer then."""
    for record in context.journal.records("call.finished"):
        error = record.body.get("error") or {}
        if record.task == task.id and record.attempt < task.attempt and error.get("code") in AMBIGUOUS:
            return which_is_meant(ErrorInfo.model_validate(error))
    return None


def which_is_meant(error: ErrorInfo) -> InvalidInput:
    """Return an ambiguity as the question back: 'which glucose do you mean: D-glucose, L-glucose?'."""
    written = re.match(r"'(.+?)' ", error.message)
    names = [c["name"] for c in error.details.get("candidates", []) if c.get("name")]
    if not written or not names:
        return InvalidInput(error.code, error.message, hint=error.hint, details=error.details)
    listed = ", ".join(names[:6]) + (", …" if names[6:] else "")
    return InvalidInput(
        error.code, f"which {written[1]} do you mean: {listed}?", hint="give one of these names, or a SMILES",
        details=error.details,
    )  # fmt: skip


def no_tool(goal: str, candidates: Sequence[Candidate], feedback: str | None = None) -> NotFound:
    """Return the honest answer when nothing here fits, or nothing else than what was tried and not confirmed."""
    if feedback:
        return NotFound(
            "no_other_tool", f"the answer found was not confirmed, and no other tool here fits: {feedback}"
        )
    held = list(dict.fromkeys(c.text for c in candidates if c.kind not in ("number", "unit", "document")))
    listed = ", ".join(t if len(t) <= 40 else f"{t[:39]}…" for t in held[:6]) + (", …" if held[6:] else "")
    seen = f"understood was {listed}; " if held else ""
    return NotFound(
        "no_tool",
        "no tool here answers this question",
        hint=f"{seen}`benchmate tool list` shows what there is",
    )


async def choose(
    engine: Any,
    context: RunContext,
    goal: str,
    tools: dict[str, Tool],
    calls: dict[str, list[dict[str, Any]]],
) -> tuple[str, dict[str, Any]]:
    """Return the call to make. The model is asked only where more than one call is legal."""
    legal = [(name, arguments) for name, options in calls.items() for arguments in options]
    several_subjects = len(calls) == 1 and _differ_in_subject_alone(
        next(iter(tools.values())), [a for _, a in legal]
    )
    if len(legal) == 1 or several_subjects:
        return legal[0]
    if engine is None:
        raise InvalidInput("no_model", "choosing between calls needs a model", hint="benchmate model pull")
    specs = [ToolSpec(name=t.name, description=t.summary, parameters=t.told_schema) for t in tools.values()]
    schema = {"oneOf": [call_schema(name, options) for name, options in calls.items()]}
    text = await _constrained_text(
        engine, context.settings.role("specialist").template, goal, specs, Constraint(json_schema=schema)
    )
    try:
        said = json.loads(text)
        return str(said["name"]), dict(said["arguments"])
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidInput("bad_model_output", f"the model did not write a call: {text[:200]!r}") from error


async def _constrained_text(
    engine: Any, template: str, goal: str, specs: Sequence[ToolSpec], constraint: Constraint
) -> str:
    """Return what the model writes under the constraint: rendered here where its template is known, else by the server."""
    messages = [Message(role="user", content=goal)]
    own = renderer(template)
    if own is None:
        reply = await engine.chat(
            messages, tools=specs, sampling=Sampling(max_tokens=320), constraint=constraint
        )
        return str(reply.message.text)
    prompt = own.render(messages, specs)
    (completion,) = await engine.generate(
        prompt, sampling=Sampling(max_tokens=320, stop=own.stop), constraint=constraint
    )
    return str(completion.text)


def call_schema(name: str, options: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the JSON Schema of the legal calls of one tool: each argument an enum of what the options hold."""
    fields = list(options[0])
    properties = {}
    for field in fields:
        values = list({json.dumps(o[field]): o[field] for o in options}.values())
        properties[field] = {"const": values[0]} if len(values) == 1 else {"enum": values}
    return {
        "type": "object",
        "properties": {
            "name": {"const": name},
            "arguments": {
                "type": "object",
                "properties": properties,
                "required": fields,
                "additionalProperties": False,
            },
        },
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _single_subject(tool: Tool) -> str | None:
    """Return the tool's one entity argument when it takes exactly one entity, and not a list."""
    entities = [n for n in tool.entity_arguments if n in tool.schema.get("required", [])]
    if len(entities) == 1 and tool.schema["properties"][entities[0]].get("type") != "array":
        return entities[0]
    return None


def _differ_in_subject_alone(tool: Tool, options: list[dict[str, Any]]) -> bool:
    subject = _single_subject(tool)
    rest = {json.dumps({k: v for k, v in o.items() if k != subject}, sort_keys=True) for o in options}
    return subject is not None and len(rest) == 1


def _each_subject(tool: Tool, chosen: dict[str, Any], options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one call per subject the question names, in the order it names them."""
    subject = _single_subject(tool)
    if subject is None:
        return [chosen]
    subjects = list(dict.fromkeys(o[subject] for o in options))
    return [{**chosen, subject: s} for s in subjects]


def _with_structures(tool: Tool, arguments: dict[str, Any], intake: Intake) -> dict[str, Any]:
    """Return the arguments with the structure that intake knows for a name, where the tool reads structures alone."""
    given = arguments.get("structure")
    if "structure" not in tool.schema["properties"] or "structure" in tool.entity_arguments or given is None:
        return arguments
    key = intake.key_of(given)
    known = next((e for e in intake.entities if e.key == key), None) if key else None
    named = (
        known is not None and known.given.strip().lower() == given.lower() and not looks_like_smiles(given)
    )
    smiles = known.details.get("smiles") if known is not None and named else None
    return {**arguments, "structure": str(smiles)} if smiles and not given.startswith("InChI=") else arguments


def _subject_text(tool: Tool, arguments: dict[str, Any]) -> str:
    subject = _single_subject(tool)
    return str(arguments[subject]) if subject else ""


def _with_ranking(
    context: RunContext, task: Task, result: TaskResult, goal: str, wanted: list[str] | None
) -> TaskResult:
    """Return the result with a ranking where the question compares several subjects by one property."""
    order = (
        "descending"
        if re.search(HIGH_WORDS, goal, re.I)
        else "ascending"
        if re.search(LOW_WORDS, goal, re.I)
        else None
    )
    if order is None or len(result.items) < 2 or not wanted:
        return result
    table = analyst.observe(context, {task.id: result})
    by = next((p for p in wanted if sum(p in row for row in table.values()) > 1), None)
    if by is None:
        return result
    ranked: list[Claim] = analyst.rank(task.id, table, analyst.Ranking(by=by, order=order))
    return result.model_copy(update={"claims": (*ranked, *result.claims)})
