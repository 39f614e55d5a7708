"""Whether the names in a workflow's expressions mean something: inputs, needed steps, items and their parts."""

from __future__ import annotations

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

STEP_NAMES = ("output", "status", "items")  # what an expression may read of a step
RECORD_NAMES = ("evidence", "given", "data", "quantities", "artifacts", "compound", "registry_id")
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

    @property
    def steps(self) -> dict[str, Step]:
        return {step.id: step for step in self.workflow.steps or ()}

    def tool_of(self, step: str) -> Tool | None:
        """Return the tool that a step calls, if it calls one that exists."""
        return self.tools.get(self.steps[step].tool or "") if step in self.steps else None

    def source(self, step: Step) -> tuple[str, str] | None:
        """Return ('inputs', name) or ('steps', name) where `foreach` is exactly that list, else None."""
        if not isinstance(step.foreach, str):
            return None
        found = re.fullmatch(r"\$\{\s*(?:(inputs)\.(\w+)|(steps)\.(\w+)\.output)\s*\}", step.foreach)
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

    def expression(self, text: str, path: Path, step: Step) -> Problems:
        """Check an expression that stands without ${}."""
        if "${" in text:
            message = f"{path[-1]} is an expression as it is: write it without ${{}}"
            yield self.document.error("bad_expression", path, message, "when: inputs.ph < 7")
            return
        try:
            names = Expression.parse(text).names
        except InvalidInput as error:
            yield self.unreadable(error, path)
            return
        for name in sorted(names):
            yield from self.name(name, path, step, item=True)

    def unreadable(self, error: InvalidInput, path: Path) -> InvalidInput:
        hint = error.hint or "expressions compare and compute with names and values; they call nothing"
        return self.document.error("bad_expression", path, error.info.message, hint)

    def name(self, name: str, path: Path, step: Step | None, *, item: bool) -> Problems:
        """Check one dotted name: what it begins with exists, and a step that it reads is needed."""
        root, *rest = name.split(".")
        own = step.item_name if item and step is not None and step.foreach is not None else None
        if root == "inputs":
            if not rest or rest[0] not in self.workflow.inputs:
                hint = did_you_mean(rest[0] if rest else "", self.workflow.inputs)
                yield self.document.error("unknown_input", path, f"there is no input {name!r}", hint)
        elif root == "steps":
            yield from self._step_name(name, rest, path, step)
        elif own is not None and root == own and step is not None:
            source = self.source(step)
            tool = self.tool_of(source[1]) if source and source[0] == "steps" else None
            if tool is not None:
                yield from self._record_name(name, rest, tool, path)
        else:
            known = ["inputs", *CONSTANTS, *(["steps"] if step else []), *([own] if own else [])]
            hint = did_you_mean(root, known)
            if root in self.workflow.inputs:
                hint = f"did you mean 'inputs.{root}'?"
            elif step and root in self.steps:
                hint = f"did you mean 'steps.{root}.output'?"
            yield self.document.error("unknown_name", path, f"there is no {name!r}", hint)

    def _step_name(self, name: str, rest: list[str], path: Path, step: Step | None) -> Problems:
        if step is None:
            message, hint = f"{name!r}: here only inputs are known", did_you_mean("", self.workflow.inputs)
            yield self.document.error("unknown_name", path, message, hint)
            return
        others = set(self.steps) - {step.id}
        asked, part = (*rest, "", "")[:2]
        if asked not in others:
            hint = did_you_mean(asked, others)
            yield self.document.error("unknown_step", path, f"there is no step {name!r}", hint)
        elif asked not in step.needs:
            message = f"{name!r} is used, but {asked!r} is not in needs"
            yield self.document.error("not_needed", path, message, self.with_need(step, asked))
        elif part not in STEP_NAMES:
            hint = did_you_mean(part, STEP_NAMES)
            yield self.document.error("unknown_name", path, f"there is no {name!r}", hint)
        elif part == "output" and len(rest) > 2 and (tool := self.tool_of(asked)) is not None:
            if self.steps[asked].foreach is None:
                yield from self._record_name(name, rest[2:], tool, path)
                return
            message = f"{name!r}: the output of {asked!r} is a list with a record for each item"
            yield self.document.error("unknown_name", path, message, f"foreach: ${{steps.{asked}.output}}")

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
