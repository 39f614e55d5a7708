"""The workflows that steps of a workflow do: found, read, and no circle among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmate.runtime.errors import BenchmateError, InvalidInput, did_you_mean
from benchmate.workflows.schema import Workflow

SHIPPED = Path(__file__).parent
MOST_DEEP = 5  # workflows in one another, the first counted in

Load = Callable[[Path, tuple[Path, ...]], Workflow]


def shipped_workflows() -> dict[str, Path]:
    """Return the workflows that ship, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


def read_parts(workflow: Workflow, within: tuple[Path, ...], load: Load) -> list[InvalidInput]:
    """Read the workflow of every step that does one into `workflow.parts`; return what is wrong with them.

    `within` are the files of the workflows around this one, outermost first, this one's the last; `load` reads a file.
    """
    problems = []
    for place, step, _ in workflow.walk():
        if step.workflow is None:
            continue
        at = (*place, "workflow")
        try:
            path = _file_of(step.workflow, Path(workflow.document.file).parent)
        except InvalidInput as error:
            problems.append(workflow.document.error(error.code, at, error.info.message, error.hint))
            continue
        chain = (*within, path.resolve())
        if chain[-1] in within:
            circle = " → ".join(p.name for p in chain[within.index(chain[-1]) :])
            message = f"these workflows do each other: {circle}"
            problems.append(workflow.document.error("cyclic_workflows", at, message))
            continue
        if len(chain) > MOST_DEEP:
            message = f"workflows are in one another more than {MOST_DEEP} deep: {' → '.join(p.name for p in chain)}"
            problems.append(workflow.document.error("too_deep", at, message))
            continue
        try:
            part = load(path, chain)
        except BenchmateError as error:
            problems.append(workflow.document.error("bad_part", at, error.info.message, error.hint))
            continue
        if part.plan is not None:
            message = (
                f"{part.name} leaves its steps to the planner, so they cannot be done as steps of another"
            )
            hint = "give the goal to an agent: agent, with: {goal: …}"
            problems.append(workflow.document.error("planned_part", at, message, hint))
            continue
        workflow.parts[step.id] = part
    return problems


def _file_of(named: str, folder: Path) -> Path:
    """Return the file that a step names, from its workflow's folder, or of the workflow that ships under the name."""
    shipped = shipped_workflows()
    if not named.endswith((".yaml", ".yml")) and "/" not in named:
        if (name := named.replace("-", "_")) in shipped:
            return shipped[name]
        raise InvalidInput(
            "unknown_workflow",
            f"no workflow {named!r} ships; a file is named with its ending",
            hint=did_you_mean(name, shipped),
        )
    path = folder / Path(named).expanduser()
    if not path.is_file():
        near = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise InvalidInput(
            "no_such_file", f"there is no file {path}", hint=did_you_mean(path.name, [*near, *shipped])
        )
    return path
