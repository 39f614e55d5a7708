"""Reading workflows, and turning one with its inputs into a Plan."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from benchmate.agents.contracts import Plan
from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean
from benchmate.runtime.expressions import fill
from benchmate.tools.base import Tool
from benchmate.tools.registry import load_registry
from benchmate.workflows.checks import check_arguments, check_workflow
from benchmate.workflows.document import read_document
from benchmate.workflows.expansion import expand
from benchmate.workflows.inputs import complete_inputs
from benchmate.workflows.parts import read_parts, shipped_workflows
from benchmate.workflows.schema import Workflow
from benchmate.workflows.shape import in_order, shape_problems

__all__ = ["load_workflow", "parse_workflow", "shipped_workflows", "to_plan", "to_yaml"]


def load_workflow(
    source: str | Path, *, tools: Mapping[str, Tool] | None = None, agents: Collection[str] | None = None
) -> Workflow:
    """Return the workflow in a file, or the one that ships under a name, checked as far as its text allows.

    Raises NotFound (`unknown_workflow`, `no_such_file`), and InvalidInput (`bad_workflow`) as `parse_workflow`
    does.
    """
    return _load(_path_of(source), (), tools, agents)


def _load(
    path: Path,
    within: tuple[Path, ...],
    tools: Mapping[str, Tool] | None,
    agents: Collection[str] | None,
) -> Workflow:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "bad_workflow", f"{path}: not UTF-8 text (byte {error.start})", hint="save it as UTF-8"
        ) from None
    except OSError as error:
        raise NotFound(
            "no_such_file", f"{path} cannot be read: {error.strerror}", details={"file": str(path)}
        ) from None
    return parse_workflow(text, str(path), tools=tools, agents=agents, within=within)


def parse_workflow(
    text: str,
    file: str = "workflow",
    *,
    tools: Mapping[str, Tool] | None = None,
    agents: Collection[str] | None = None,
    within: tuple[Path, ...] = (),
) -> Workflow:
    """Return the workflow that a YAML 1.2 text spells.

    Raises InvalidInput (`bad_workflow`): the message names file, line and step, the hint the nearest valid
    name, `details["problem"]` the kind of fault, and `details["problems"]` lists everything that is wrong.
    `within` are the files of the workflows that do this one, outermost first, its own the last.
    """
    document = read_document(text, file)
    if not isinstance(document.data, dict):
        raise document.error(
            "bad_value", (), "a workflow is a mapping with the keys `schema`, `name` and `steps`"
        )
    try:
        workflow = Workflow.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        raise _first(shape_problems(error, document, Workflow.model_json_schema())) from None
    workflow._document = document
    chain = within or (Path(file).resolve(),)
    problems = read_parts(workflow, chain, lambda path, deeper: _load(path, deeper, tools, agents))
    problems += check_workflow(workflow, *_surroundings(tools, agents))
    if problems:
        raise _first(in_order(problems))
    return workflow


def to_plan(
    workflow: Workflow, inputs: Mapping[str, Any] | None = None, *, tools: Mapping[str, Tool] | None = None,
    agents: Collection[str] | None = None,
) -> Plan:  # fmt: skip
    """Return the plan of a workflow with its inputs: completed with defaults, checked, files read.

    A workflow with `plan:` gives a Plan with a question and no tasks: the planner makes them.
    Raises what `complete_inputs` raises, and InvalidInput (`bad_workflow`) for an argument that an input spoils.
    """
    values = complete_inputs(workflow, inputs or {})
    problems = check_arguments(workflow, values, *_surroundings(tools, agents))
    if problems:
        raise _first(problems)
    names = {"inputs": values}
    made = expand(workflow, values)
    plan = Plan(
        title=str(fill(workflow.title, names))
        or workflow.name.replace("_", " ").replace("-", " ").capitalize(),
        question=workflow.question if workflow.plan is None else str(fill(workflow.plan, names)),
        inputs=made.inputs,
        input_kinds=made.kinds,
        tasks=tuple(made.tasks),
        made_by=f"workflow {workflow.name}",
        approve=made.approve,
    )
    return plan if workflow.plan is not None else plan.check()


def to_yaml(workflow: Workflow) -> str:
    """Return a workflow as a YAML file that reads back as the same workflow."""
    buffer = io.StringIO()
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output, yaml.width = False, False, 120
    yaml.dump(workflow.model_dump(mode="json", by_alias=True, exclude_unset=True), buffer)
    return buffer.getvalue()


def _path_of(source: str | Path) -> Path:
    """Return the file meant. The name of a shipped workflow means that one; ./name is a file."""
    shipped = shipped_workflows()
    if isinstance(source, str):
        name = source.replace("-", "_")
        if name in shipped:
            return shipped[name]
        if not source.endswith((".yaml", ".yml")) and "/" not in source and not Path(source).is_file():
            raise NotFound(
                "unknown_workflow",
                f"no workflow {source!r} ships, and there is no such file",
                hint=did_you_mean(name, shipped),
            )
    path = Path(source).expanduser()
    if not path.is_file():
        near = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise NotFound(
            "no_such_file",
            f"there is no file {path}",
            hint=did_you_mean(path.name, [*near, *shipped]),
            details={"file": str(path)},
        )
    return path


def _surroundings(
    tools: Mapping[str, Tool] | None, agents: Collection[str] | None
) -> tuple[Mapping[str, Tool], Collection[str]]:
    """Return the tools and agents that steps may name: those given, else all that are offered."""
    if tools is None:
        tools = load_registry().offered
    if agents is None:
        from benchmate.agents.specialists import load_specialists

        agents = load_specialists().keys()
    return tools, agents


def _first(problems: list[InvalidInput]) -> InvalidInput:
    """Return the first problem, with the number of the others in its message and all in its details."""
    info = problems[0].info
    more = len(problems) - 1
    suffix = f" (and {more} more problem{'s' if more > 1 else ''})" if more else ""
    listed = [str(problem) for problem in problems]
    return InvalidInput(
        info.code, info.message + suffix, hint=info.hint, details={**info.details, "problems": listed}
    )
