"""From a plan, whoever made it, back to a workflow file that gives the same plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from benchmate.agents.attachments import KINDS
from benchmate.agents.contracts import Plan, Task
from benchmate.runtime.errors import InvalidInput
from benchmate.workflows.loader import to_yaml
from benchmate.workflows.schema import SCHEMA, Workflow

LONGEST_NAME = 64
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def plan_to_workflow(plan: Plan, name: str | None = None) -> str:
    """Return a plan as a workflow file: loading it gives the same plan, as it is before a run.

    `name` is the workflow's; left out, that of the workflow the plan was made by, or the title in small letters. The plan's inputs
    become inputs with these values as defaults; pictures and signals have to be given anew. Raises InvalidInput (`not_a_file`)
    for what a workflow cannot spell.
    """
    plan = plan.unstarted()
    if "${" in plan.title or ("${" in (plan.question or "") and not plan.tasks):
        raise InvalidInput(
            "not_a_file",
            "a title or question with '${' in it cannot be written to a workflow",
            hint="ask without it",
        )
    document: dict[str, Any] = {"schema": SCHEMA, "name": name or _name_of(plan), "title": plan.title}
    if plan.inputs:
        kinds = plan.input_kinds
        document["inputs"] = {n: _input(value, kinds.get(n)) for n, value in plan.inputs.items()}
    if plan.approve:
        document["approve"] = True
    if plan.tasks:
        document |= {"question": plan.question} if plan.question else {}
        document["steps"] = list(_steps(plan, None))
    else:
        document["plan"] = plan.question
    return to_yaml(Workflow.model_validate(document))


def _name_of(plan: Plan) -> str:
    made_by = plan.made_by.removeprefix("workflow ")
    text = made_by if made_by != plan.made_by else plan.title
    slug = re.sub(r"[^a-z0-9_-]+", "_", text.lower()).strip("_-")[:LONGEST_NAME].rstrip("_-")
    return slug if re.match(r"[a-z]", slug) else f"plan_{slug}"[:LONGEST_NAME].rstrip("_-")


def _input(value: Any, kind: str | None) -> dict[str, Any]:
    if kind in KINDS:
        return {"type": kind}
    if kind == "compound" and isinstance(value, list):
        kind = "compounds"
    spec: dict[str, Any] = {"type": kind or _TYPES.get(type(value), "string")}
    if value is None:
        spec["required"] = False
    return spec | {"default": value}


def _steps(plan: Plan, inside: str | None) -> Iterator[dict[str, Any]]:
    """Yield the steps of a group, or those that are in none."""
    groups = plan.groups
    for task in plan.tasks:
        around = min(groups.get(task.id, ()), key=lambda group: len(group.members), default=None)
        if (around.id if around else None) == inside:
            yield _step(plan, task, _own_needs(around) if around else [])


def _own_needs(task: Task) -> list[str]:
    return [need for need in task.needs if need not in task.members]


def _step(plan: Plan, task: Task, around: list[str]) -> dict[str, Any]:
    """Return a task as a step in a group that needs `around`, which is not said again."""
    step: dict[str, Any] = {"id": task.id, "title": task.title}
    needs = _own_needs(task)
    said = (needs[:count] for count in range(len(needs)))
    step["needs"] = next((own for own in said if list(dict.fromkeys([*own, *around])) == needs), needs)
    step["when"], step["tool"], step["agent"] = task.when, task.tool, task.agent
    if task.kind in ("verify", "report"):
        step[task.kind] = dict(task.arguments)
    elif task.kind == "approve":
        step["approve"] = {"message": f"Go on after {', '.join(task.needs)}?", **task.arguments}
    elif task.kind == "group":
        step["steps"] = list(_steps(plan, task.id))
    else:
        step["with"] = task.arguments
    if task.foreach is not None:
        step |= {"foreach": task.foreach, "as": task.item_name, "max_parallel": task.max_parallel}
    step["retry"] = task.retry.model_dump(mode="json", exclude_defaults=True)
    step["on_error"] = task.on_error
    step["loop"] = task.loop.model_dump(mode="json") if task.loop else None
    defaults = {
        "title": "",
        "needs": [],
        "with": {},
        "as": "item",
        "max_parallel": 4,
        "retry": {},
        "on_error": "keep",
    }
    kept = {key: value for key, value in step.items() if value is not None and value != defaults.get(key)}
    return kept if task.claims is None else kept | {"claims": list(task.claims)}
