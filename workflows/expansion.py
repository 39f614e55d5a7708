"""From the steps of a workflow, of its groups and of the workflows that they do, to the tasks of one plan.

A group becomes its steps and a task that ends when they have. So does a step that does another workflow: that one's steps are
named `step__inner`, its inputs `step__input`, and the expressions in them say so; its report is left to the one around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmate.agents.contracts import Loop, Task
from benchmate.runtime.errors import BenchmateError
from benchmate.runtime.expressions import Expression, fill, references, renamed, renamed_slots, whole_slot
from benchmate.workflows.document import Path as Place
from benchmate.workflows.inputs import INPUT_KINDS, complete_inputs
from benchmate.workflows.schema import Step, Workflow

BETWEEN = "__"  # a step and what it holds, in the ids of tasks and the names of inputs
LONGEST_ID = 64
MOST_TASKS = 1000


@dataclass
class Expansion:
    """The tasks and the inputs of a plan, as they come together."""

    tasks: list[Task] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    approve: bool = False


Problems = Iterator[BenchmateError]


def expand(workflow: Workflow, values: Mapping[str, Any]) -> Expansion:
    """Return the tasks and inputs of a workflow whose inputs have these values.

    Raises InvalidInput (`bad_workflow`: `too_long`, `duplicate_step`, `too_large`) and what `complete_inputs` raises for the inputs of a part.
    """
    made = Expansion(inputs=dict(values), kinds=_kinds(workflow), approve=workflow.approve)
    _Scope(workflow, made).add(workflow.steps or (), ("steps",), Around())
    return made


def _kinds(workflow: Workflow) -> dict[str, str]:
    return {n: INPUT_KINDS[spec.type] for n, spec in workflow.inputs.items() if spec.type in INPUT_KINDS}


@dataclass(frozen=True)
class Around:
    """What is around a step: what its groups need, and the step whose loop repeats it."""

    needs: tuple[str, ...] = ()
    loop: Step | None = None


@dataclass(frozen=True)
class _Scope:
    """One workflow within the plan: its prefix, and what its inputs are called there."""

    workflow: Workflow
    made: Expansion
    prefix: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)  # the expression that stands for each input

    def add(self, steps: tuple[Step, ...], place: Place, around: Around) -> list[str]:
        """Add the tasks of steps and return their ids, with those of all that is in them."""
        return [name for i, step in enumerate(steps) for name in self._step(step, (*place, i), around)]

    def _step(self, step: Step, place: Place, around: Around) -> list[str]:
        if step.report is not None and self.prefix:
            return []
        name = self._short(f"{self.prefix}{step.id}", (*place, "id"))
        looped = step if step.loop is not None else around.loop
        rename = self._renaming(looped)
        part = self.workflow.parts.get(step.id)
        loop = step.loop and Loop(until=renamed(step.loop.until, rename), max=step.loop.max)
        common: dict[str, Any] = {
            "id": name, "title": step.title or (part.name.replace("_", " ") if part else ""), "when": renamed(step.when, rename) if step.when else step.when,
            "on_error": step.on_error, "loop": loop,
        }  # fmt: skip
        if step.steps is None and step.workflow is None:
            task = self._task(step, common, rename)
            self._put(self._with_needs(task, self._needs(step), around.needs), place)
            return [name]
        read = _names_read(common["when"])
        needs = _distinct([*self._needs(step), *read, *around.needs])
        inner = Around(needs, looped)
        if step.steps is not None:
            members = self.add(step.steps, (*place, "steps"), inner)
        else:
            members = self._part(step, place, rename).add(
                self.workflow.parts[step.id].steps or (), ("steps",), inner
            )
        group = Task(**common, kind="group", needs=_distinct([*needs, *members]), members=tuple(members))
        self._put(group, place)
        return [*members, name]

    def _task(self, step: Step, common: Mapping[str, Any], rename: Callable[[Any], Any]) -> Task:
        own = step.kind in ("tool", "agent")
        options = step.arguments if own else getattr(step, step.kind).model_dump(exclude_unset=True)
        return Task(
            **common,
            kind=step.kind,
            tool=step.tool,
            agent=step.agent,
            arguments=renamed_slots(dict(options), rename),
            foreach=renamed_slots(step.foreach, rename),
            item_name=step.item_name,
            max_parallel=step.max_parallel,
            retry=step.retry,
            claims=step.claims,
        )

    def _with_needs(self, task: Task, needs: list[str], around: tuple[str, ...]) -> Task:
        """Return the task with what it needs: by itself, in its expressions, and with what is around it."""
        read = _names_read(task.when, task.arguments, task.foreach, task.loop.until if task.loop else None)
        return task.model_copy(
            update={"needs": _distinct([*needs, *(n for n in read if n != task.id), *around])}
        )

    def _needs(self, step: Step) -> list[str]:
        """Return the tasks that a step needs. What looks at all claims and values needs also what is in a group or a workflow."""
        known = {s.id: s for _, s, _ in self.workflow.walk()}
        found = list[str]()
        for need in step.needs:
            if known[need].report is not None and self.prefix:  # it is not there: what it needs is
                found += self._needs(known[need])
                continue
            found.append(f"{self.prefix}{need}")
            if step.kind in ("agent", "verify"):
                found += _inside(known[need], self.workflow, self.prefix)
        return found

    def _renaming(self, looped: Step | None) -> Callable[[tuple[str, ...]], tuple[int, str] | None]:
        within = f"{looped.id}{BETWEEN}" if looped is not None and looped.workflow is not None else ""

        def rename(parts: tuple[str, ...]) -> tuple[int, str] | None:
            if parts[0] == "inputs" and len(parts) > 1 and parts[1] in self.inputs:
                return 2, self.inputs[parts[1]]
            if parts[0] == "steps" and len(parts) > 1:
                ids, flow = [parts[1]], self.workflow
                while ids[-1] in flow.parts:
                    flow = flow.parts[ids[-1]]
                    following = parts[len(ids) + 1] if len(parts) > len(ids) + 1 else ""
                    if following not in {s.id for _, s, _ in flow.walk()}:
                        break
                    ids.append(following)
                new = f"steps.{self.prefix}{BETWEEN.join(ids)}"
                return None if new == f"steps.{parts[1]}" and len(ids) == 1 else (len(ids) + 1, new)
            if (
                parts[:2] == ("loop", "last")
                and len(parts) > 2
                and looped is not None
                and looped.kind in ("steps", "workflow")
            ):
                new = f"{self.prefix}{within}{parts[2]}"
                return None if new == parts[2] else (3, f"loop.last.{new}")
            return None

        return rename

    def _part(self, step: Step, place: Place, rename: Callable[[Any], Any]) -> _Scope:
        """Return the scope of the workflow that a step does, its inputs among the plan's."""
        part, within = self.workflow.parts[step.id], f"{self.prefix}{step.id}{BETWEEN}"
        given = {name: renamed_slots(value, rename) for name, value in step.arguments.items()}
        known = {
            n: v for n, v in given.items() if all(r.partition(".")[0] == "inputs" for r in references(v))
        }
        later = {n: f"({whole_slot(v)})" for n, v in given.items() if n not in known}
        filled = {name: fill(value, {"inputs": self.made.inputs}) for name, value in known.items()}
        here = [name for name, value in known.items() if not references(value)]
        folder = Path(self.workflow.document.file).parent
        values = complete_inputs(part, filled, later=later, folders=dict.fromkeys(here, folder))
        kinds, stands_for = _kinds(part), dict(later)
        for name, value in values.items():
            whole = whole_slot(known.get(name))
            path = (whole or "").split(".")
            if (
                path[0] == "inputs"
                and len(path) == 2
                and self.made.inputs.get(path[1]) == value
                and self.made.kinds.get(path[1]) == kinds.get(name)
            ):
                stands_for[name] = f"inputs.{path[1]}"  # the same value under the name that it has
                continue
            own = self._short(f"{within}{name}", (*place, "id"))
            if own in self.made.inputs:
                raise self.workflow.document.error(
                    "duplicate_step", (*place, "id"), f"there are two inputs {own!r}"
                )
            self.made.inputs[own] = value
            self.made.kinds |= {own: kinds[name]} if name in kinds else {}
            stands_for[name] = f"inputs.{own}"
        self.made.approve |= part.approve
        return _Scope(part, self.made, within, stands_for)

    def _short(self, name: str, place: Place) -> str:
        if len(name) > LONGEST_ID:
            message = (
                f"{name!r} is longer than {LONGEST_ID} characters; shorten the ids of the steps around it"
            )
            raise self.workflow.document.error("too_long", place, message)
        return name

    def _put(self, task: Task, place: Place) -> None:
        if any(task.id == other.id for other in self.made.tasks):
            raise self.workflow.document.error("duplicate_step", place, f"there are two steps {task.id!r}")
        if len(self.made.tasks) == MOST_TASKS:
            message = f"the steps of all workflows together are more than {MOST_TASKS}"
            raise self.workflow.document.error("too_large", place, message)
        self.made.tasks.append(task)


def _inside(step: Step, flow: Workflow, prefix: str) -> list[str]:
    """Return the ids of the tasks in a group or in the workflow of a step."""
    found = list[str]()
    for inner in step.steps or ():
        found += [f"{prefix}{inner.id}", *_inside(inner, flow, prefix)]
    if step.workflow is not None:
        part, within = flow.parts[step.id], f"{prefix}{step.id}{BETWEEN}"
        for inner in part.steps or ():
            if inner.report is None:
                found += [f"{within}{inner.id}", *_inside(inner, part, within)]
    return found


def _names_read(*values: Any) -> list[str]:
    """Return the tasks whose results expressions read: texts without ${}, and data with it."""
    names = set[str]()
    for value in values:
        names |= references(value)
        if isinstance(value, str) and "${" not in value:
            names |= Expression.parse(value).names
    return sorted({name.split(".")[1] for name in names if name.startswith("steps.")})


def _distinct(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
