"""Whether the names in a workflow's expressions mean something: inputs, needed steps, items and their parts."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmate.runtime.errors import InvalidInput, did_you_mean
from benchmate.runtime.expressions import Expression, references
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import Tool
from benchmate.workflows.document import Document, Path
from benchmate.workflows.schema import Step, Workflow

STEP_NAMES = ("output", "status", "items", "compounds")  # what an expression may read of a step
RECORD_NAMES = ("evidence", "given", "data", "quantities", "artifacts", "compound", "registry_id")
LOOP_NAMES = ("round", "last")
CONSTANTS = ("True", "False", "None")

Problems = Iterator[InvalidInput]


@dataclass(frozen=True)
class NameChecker:
    """Checks expressions. `inputs` are the values known so far: those of defaults, or all inputs of a run."""

    workflow: Workflow
    document: Document
    tools: Mapping[str, Tool]
    agents: Collection[str]
    inputs: Mapping[str, Any]

    @functools.cached_property
    def steps(self) -> dict[str, Step]:
        return {step.id: step for _, step, _ in self.workflow.walk()}

    @functools.cached_property
    def groups(self) -> dict[str, tuple[Step, ...]]:
        """The groups that each step is in, outermost first."""
        return {step.id: groups for _, step, groups in self.workflow.walk()}

    def resolve(self, parts: Sequence[str]) -> tuple[Step | None, Workflow, list[str]]:
        """Follow `a.b` from a step into the workflow that it does: return the innermost step, its workflow, and the parts left.

        The step is None where that workflow has none of the first part left.
        """
        flow, rest = self.workflow, list(parts)
        while True:
            step = next((s for _, s, _ in flow.walk() if s.id == rest[0]), None)
            if step is None:
                return None, flow, rest
            rest = rest[1:]
            if step.id not in flow.parts or not rest or rest[0] in STEP_NAMES:
                return step, flow, rest
            flow = flow.parts[step.id]

    def tool_of(self, name: str) -> Tool | None:
        """Return the tool that a step, or `a.b` the step of a workflow, calls, if it calls one that exists."""
        step, _, left = self.resolve(name.split("."))
        return self.tools.get(step.tool or "") if step is not None and not left else None

    def inside(self, step: Step, flow: Workflow | None = None) -> list[Step]:
        """Return the steps that a step stands for: itself, or those of its group or workflow, all the way in."""
        flow = flow or self.workflow
        if step.steps is not None:
            return [inner for s in step.steps for inner in self.inside(s, flow)]
        if step.workflow is not None:
            part = flow.parts.get(step.id)
            steps = part.steps or () if part else ()
            return [inner for s in steps if s.report is None for inner in self.inside(s, part)]
        return [step]

    def reach(self, step: Step, *, after: bool = False) -> set[str]:
        """Return the steps whose results a step may read; `after` its own end those of its group too."""
        found = {*step.needs, *(need for group in self.groups.get(step.id, ()) for need in group.needs)}
        entered = [*found, *([step.id] if after else [])]
        found |= {name for name, groups in self.groups.items() if any(g.id in entered for g in groups)}
        return found | {step.id} if after and step.workflow is not None else found

    def looped(self, step: Step) -> Step | None:
        """Return the step, itself or a group that it is in, whose loop repeats it."""
        return next((s for s in (step, *self.groups.get(step.id, ())) if s.loop is not None), None)

    def source(self, step: Step) -> tuple[str, str] | None:
        """Return ('inputs', name) or ('steps', name) where `foreach` is exactly that list, else None."""
        if not isinstance(step.foreach, str):
            return None
        found = re.fullmatch(r"\$\{\s*(?:(inputs)\.(\w+)|(steps)\.([\w.]+)\.output)\s*\}", step.foreach)
        return (found[1] or found[3], found[2] or found[4]) if found else None

    def filled(self, value: Any, path: Path, step: Step | None, *, item: bool = True) -> Problems:
        """Check every ${…} in a value, each at its own line."""
        if isinstance(value, Mapping):
            for key, inner in value.items():
                yield from self.filled(inner, (*path, key), step, item=item)
        elif isinstance(value, (list, tuple)):
            for k, inner in enumerate(value):
                yield from self.filled(inner, (*path, k), step, item=item)
        elif isinstance(value, str):
            try:
                names = references(value)
            except InvalidInput as error:
                yield self.unreadable(error, path)
                return
            for name in sorted(names):
                yield from self.name(name, path, step, item=item)

    def expression(self, text: str, path: Path, step: Step, *, after: bool = False) -> Problems:
        """Check an expression that stands without ${}; one that is looked at `after` the step may read its result."""
        if "${" in text:
            message = f"{path[-1]} is an expression as it is: write it without ${{}}"
            yield self.document.error("bad_expression", path, message, f"{path[-1]}: inputs.ph < 7")
            return
        try:
            names = Expression.parse(text).names
        except InvalidInput as error:
            yield self.unreadable(error, path)
            return
        for name in sorted(names):
            yield from self.name(name, path, step, item=True, after=after)

    def unreadable(self, error: InvalidInput, path: Path) -> InvalidInput:
        hint = error.hint or "expressions compare and compute with names and values; they call nothing"
        return self.document.error("bad_expression", path, error.info.message, hint)

    def name(self, name: str, path: Path, step: Step | None, *, item: bool, after: bool = False) -> Problems:
        """Check one dotted name: what it begins with exists, and a step that it reads is needed."""
        root, *rest = name.split(".")
        result = after and step is not None and step.kind in ("tool", "agent")
        own = step.item_name if item and step is not None and step.foreach is not None else None
        if root == "inputs":
            if not rest or rest[0] not in self.workflow.inputs:
                hint = did_you_mean(rest[0] if rest else "", self.workflow.inputs)
                yield self.document.error("unknown_input", path, f"there is no input {name!r}", hint)
        elif root == "steps":
            yield from self._step_name(name, rest, path, step, after)
        elif root == "loop" and step is not None:
            yield from self._loop_name(name, rest, path, step)
        elif root == "result" and result and step is not None:
            if (tool := self.tools.get(step.tool or "")) is not None:
                yield from self._record_name(name, rest, tool, path)
        elif own is not None and root == own and step is not None:
            source = self.source(step)
            tool = self.tool_of(source[1]) if source and source[0] == "steps" else None
            if tool is not None:
                yield from self._record_name(name, rest, tool, path)
        else:
            known = [
                "inputs",
                *CONSTANTS,
                *(["steps"] if step else []),
                *([own] if own else []),
                *(["result"] if result else []),
            ]
            hint = did_you_mean(root, known)
            if root in self.workflow.inputs:
                hint = f"did you mean 'inputs.{root}'?"
            elif step and root in self.steps:
                hint = f"did you mean 'steps.{root}.output'?"
            yield self.document.error("unknown_name", path, f"there is no {name!r}", hint)

    def _step_name(self, name: str, rest: list[str], path: Path, step: Step | None, after: bool) -> Problems:
        if step is None:
            message, hint = f"{name!r}: here only inputs are known", did_you_mean("", self.workflow.inputs)
            yield self.document.error("unknown_name", path, message, hint)
            return
        others = set(self.steps) - (set() if after else {step.id})
        asked = rest[0] if rest else ""
        if asked not in others:
            hint = did_you_mean(asked, others)
            yield self.document.error("unknown_step", path, f"there is no step {name!r}", hint)
            return
        if asked not in self.reach(step, after=after):
            message = f"{name!r} is used, but {asked!r} is not in needs"
            yield self.document.error("not_needed", path, message, self.with_need(step, asked))
            return
        found, flow, left = self.resolve(rest)
        if found is None or found.report is not None:
            known = [s.id for _, s, _ in flow.walk() if s.report is None]
            hint = did_you_mean(left[0] if left else "", [*known, *STEP_NAMES])
            yield self.document.error("unknown_step", path, f"there is no step {name!r}", hint)
            return
        part, *left = left or [""]
        if part not in STEP_NAMES:
            hint = did_you_mean(part, STEP_NAMES)
            yield self.document.error("unknown_name", path, f"there is no {name!r}", hint)
        elif part == "output" and left and (tool := self.tools.get(found.tool or "")) is not None:
            if found.foreach is None:
                yield from self._record_name(name, left, tool, path)
                return
            message = f"{name!r}: the output of {found.id!r} is a list with a record for each item"
            whole = ".".join(rest[: len(rest) - len(left)])
            yield self.document.error("unknown_name", path, message, f"foreach: ${{steps.{whole}}}")

    def _loop_name(self, name: str, rest: list[str], path: Path, step: Step) -> Problems:
        """Check `loop.round`, and `loop.last`: of a step its record, of a group its steps by name."""
        looped = self.looped(step)
        part, *left = rest or [""]
        if looped is None:
            message = f"{name!r}: neither this step nor a group that it is in has a loop"
            yield self.document.error("unknown_name", path, message, "loop: {max: 5, until: …}")
        elif part not in LOOP_NAMES:
            hint = did_you_mean(part, LOOP_NAMES)
            yield self.document.error("unknown_name", path, f"there is no {name!r}", hint)
        elif part == "last" and left and looped.tool is not None:
            if looped.tool in self.tools:
                yield from self._record_name(name, left, self.tools[looped.tool], path)
        elif part == "last" and left and looped.agent is None:
            part_of = self.workflow.parts.get(looped.id)
            inner = part_of.walk() if part_of else self.workflow.walk()
            known = [s.id for _, s, groups in inner if part_of or looped in groups]
            if left[0] not in known:
                message, hint = f"there is no step {left[0]!r} in the loop", did_you_mean(left[0], known)
                yield self.document.error("unknown_step", path, message, hint)
            elif len(left) > 1 and left[1] not in STEP_NAMES:
                hint = did_you_mean(left[1], STEP_NAMES)
                yield self.document.error("unknown_name", path, f"there is no {name!r}", hint)

    def _record_name(self, name: str, rest: Sequence[str], tool: Tool, path: Path) -> Problems:
        """Check what is read of the record of a tool call: its parts, and a quantity's property."""
        part, key, field = (*rest, "", "", "")[:3]
        if not part:
            return
        if part not in RECORD_NAMES:
            hint = did_you_mean(part, RECORD_NAMES)
            yield self.document.error("unknown_name", path, f"there is no {name!r}", hint)
        elif part == "compound" and "compound" not in tool.entity_arguments.values():
            message = f"{name!r}: {tool.name} is not about a compound"
            yield self.document.error("unknown_name", path, message)
        elif part == "quantities" and key and tool.properties:
            own = re.sub(r"_\d+$", "", key)  # similarity_0, similarity_1 …: one for each target
            if not {key, own} & set(tool.properties):
                message, hint = f"{tool.name} does not measure {key!r}", did_you_mean(own, tool.properties)
                yield self.document.error("unknown_property", path, message, hint)
            elif field and field not in Quantity.model_fields:
                hint = did_you_mean(field, Quantity.model_fields)
                yield self.document.error("unknown_name", path, f"there is no {name!r}", hint)

    @staticmethod
    def with_need(step: Step, name: str) -> str:
        """Return the `needs` line that a step lacks."""
        return f"needs: [{', '.join((*step.needs, name))}]"
