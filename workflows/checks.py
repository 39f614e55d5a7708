"""What is wrong with a workflow before anything runs: inputs, needs, tools, agents and their arguments."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError, create_model

from benchmate.runtime.errors import BenchmateError, InvalidInput, did_you_mean
from benchmate.runtime.expressions import Expression, fill, references, whole_slot
from benchmate.tools.base import Tool
from benchmate.workflows.document import Path
from benchmate.workflows.inputs import check_value, file_of
from benchmate.workflows.names import NameChecker, Problems
from benchmate.workflows.schema import (
    AGENT_ARGUMENTS,
    AgentArguments,
    AnalystArguments,
    Input,
    Step,
    Values,
    Workflow,
)
from benchmate.workflows.shape import in_order, shape_problems, shown

RESERVED = (
    "inputs", "steps", "true", "false", "null", "none", "and", "or", "not", "in", "is", "if", "else", "for", "lambda",
)  # fmt: skip
FOR_ACTIONS = {
    "foreach": ("tool",), "as": ("tool",), "max_parallel": ("tool",), "retry": ("tool",), "claims": ("tool",),
    "with": ("tool", "agent", "workflow"), "on_error": ("tool", "agent", "workflow", "steps"),
    "loop": ("tool", "agent", "workflow", "steps"),
}  # fmt: skip
BOUNDS = (("minimum", "maximum"), ("min_length", "max_length"), ("min_items", "max_items"))
_SLOT = re.compile(r"\$\{[^{}]*\}")


def check_workflow(
    workflow: Workflow, tools: Mapping[str, Tool], agents: Collection[str]
) -> list[InvalidInput]:
    """Return everything that is wrong with a workflow of the right shape, in the order of the file."""
    known = {
        name: spec.default
        for name, spec in workflow.inputs.items()
        if spec.has_default and not file_of(spec, spec.default)
    }
    return in_order(Checker(workflow, workflow.document, tools, agents, known).check())


def check_arguments(
    workflow: Workflow, inputs: Mapping[str, Any], tools: Mapping[str, Tool], agents: Collection[str]
) -> list[InvalidInput]:
    """Return what is wrong with the arguments of the steps once the inputs are known."""
    checker = Checker(workflow, workflow.document, tools, agents, inputs)
    return [
        found
        for path, step, groups in workflow.walk()
        if not any(checker.left_out(group) for group in groups)
        for found in checker.arguments(path, step)
    ]


class Checker(NameChecker):
    """Goes through a workflow and yields what is wrong."""

    def check(self) -> Problems:
        for name, spec in self.workflow.inputs.items():
            yield from self.declaration(name, spec)
        for key in ("title", "plan"):
            yield from self.filled(getattr(self.workflow, key), (key,), None)
        twice = list(self.duplicates())
        yield from twice
        for path, step, _ in () if twice else self.workflow.walk():
            yield from self.needs(path, step)
            yield from self.action(path, step)
            if step.foreach is not None:
                yield from self.item(path, step)
            if step.when is not None:
                yield from self.expression(step.when, (*path, "when"), step)
            yield from self.arguments(path, step)
            yield from self.claims(path, step)
            if step.loop is not None:
                yield from self.loop(path, step)
        yield from self.cycles()

    def duplicates(self) -> Problems:
        seen: set[str] = set()
        for path, step, _ in self.workflow.walk():
            if step.id in seen:
                yield self.document.error("duplicate_step", (*path, "id"), f"there are two steps {step.id!r}")
            seen.add(step.id)

    def declaration(self, name: str, spec: Input) -> Problems:
        """The pattern can be compiled, bounds are in order, and the default is what it is declared to be."""
        path: Path = ("inputs", name)
        faults = [*self._limits(path, spec)]
        if spec.items is not None:
            faults += self._limits((*path, "items"), spec.items)
        yield from faults
        if faults or not spec.has_default:
            return
        try:
            check_value(name, spec, spec.default)
        except InvalidInput as error:
            message = f"the default of {error.info.message}"
            yield self.document.error("bad_default", (*path, "default"), message, error.hint)
            return
        found = file_of(spec, spec.default)
        if found is not None and not (FilePath(self.document.file).parent / found[0]).is_file():
            message = f"the default of input {name!r}: there is no file {found[0]}"
            yield self.document.error("bad_default", (*path, "default"), message)

    def _limits(self, path: Path, values: Values) -> Problems:
        try:
            re.compile(values.pattern or "")
        except re.error as error:
            message = f"pattern: not a regular expression: {error}"
            yield self.document.error("bad_value", (*path, "pattern"), message)
        for low, high in BOUNDS:
            least, most = getattr(values, low, None), getattr(values, high, None)
            if least is not None and most is not None and least > most:
                message = f"no value is both at least {least:g} and at most {most:g}"
                yield self.document.error("bad_value", path, message)

    # --- steps --------------------------------------------------------------------------------------------

    def needs(self, path: Path, step: Step) -> Problems:
        for k, need in enumerate(step.needs):
            if need not in self.steps:
                hint = did_you_mean(need, set(self.steps) - {step.id})
                yield self.document.error(
                    "unknown_step", (*path, "needs", k), f"needs {need!r}, which is no step", hint
                )
        if not step.needs and step.kind in ("verify", "report"):
            message = f"a {step.kind} step works on the steps it needs, and this one needs none"
            hint = f"needs: [{', '.join(name for name in self.steps if name != step.id)}]"
            yield self.document.error("nothing_needed", path, message, hint)

    def cycles(self) -> Problems:
        graph = {name: self._before(step) for name, step in self.steps.items()}
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1][::-1][:-1]  # each needs the next, the last needs the first
            start = min(range(len(circle)), key=lambda i: list(graph).index(circle[i]))
            turned = [*circle[start:], *circle[:start], circle[start]]
            says = next((a for a, b in itertools.pairwise(turned) if b in self.steps[a].needs), turned[0])
            at = next(path for path, step, _ in self.workflow.walk() if step.id == says)
            message = f"these steps need each other: {' → '.join(turned)}"
            yield self.document.error("cyclic_needs", (*at, "needs"), message)

    def _before(self, step: Step) -> list[str]:
        """Return the steps that end before a step does: a group's own, and groups that hold what it needs."""
        own = [group.id for group in self.groups[step.id]]
        needs = [need for s in (step, *self.groups[step.id]) for need in s.needs if need in self.steps]
        around = [g.id for need in needs for g in self.groups[need] if g.id not in (*own, step.id)]
        return [*needs, *around, *(inner.id for inner in step.steps or ())]

    def action(self, path: Path, step: Step) -> Problems:
        """The tool or agent exists, and every key of the step is one for this kind of step."""
        if step.tool is not None and step.tool not in self.tools:
            hint = did_you_mean(step.tool, self.tools)
            yield self.document.error(
                "unknown_tool", (*path, "tool"), f"there is no tool {step.tool!r}", hint
            )
        if step.agent is not None and step.agent not in self.agents:
            message, hint = f"there is no agent {step.agent!r}", did_you_mean(step.agent, self.agents)
            yield self.document.error("unknown_agent", (*path, "agent"), message, hint)
        for key, kinds in FOR_ACTIONS.items():
            if (*path, key) in self.document.places and step.kind not in kinds:
                message = f"{key!r} is for {' and '.join(kinds)} steps, and this is a step with {step.kind!r}"
                yield self.document.error("key_not_here", (*path, key), message)
        for key in ("as", "max_parallel"):
            if (*path, key) in self.document.places and step.kind == "tool" and step.foreach is None:
                message = f"{key!r} goes with 'foreach', which this step lacks"
                yield self.document.error("key_not_here", (*path, key), message)

    def item(self, path: Path, step: Step) -> Problems:
        """`foreach` is a list or one expression for a list, and its variable hides nothing."""
        name, at = step.item_name, (*path, "as")
        if name in RESERVED:
            message = f"the item cannot be called {name!r}, which has another meaning in expressions"
            yield self.document.error("shadowing", at, message)
        elif name in self.workflow.inputs or name in self.steps:
            what = "an input" if name in self.workflow.inputs else "a step"
            message = f"the item has the name of {what}, {name!r}; choose another"
            yield self.document.error("shadowing", at, message)
        at = (*path, "foreach")
        if isinstance(step.foreach, str) and not _SLOT.fullmatch(step.foreach):
            message = "foreach is a list, or one expression in ${…} that gives a list"
            yield self.document.error("not_a_list", at, message, "foreach: ${inputs.compounds}")
            return
        yield from self.filled(step.foreach, at, step, item=False)
        kind, source = self.source(step) or ("", "")
        if kind == "inputs" and source in self.workflow.inputs:
            given = self.workflow.inputs[source].type
            if given not in ("array", "compounds"):
                message = f"the input {source!r} is of type {given}, not a list"
                yield self.document.error("not_a_list", at, message)
        elif (
            kind == "steps"
            and (listed := self.resolve(source.split("."))[0]) is not None
            and listed.tool
            and listed.foreach is None
        ):
            message = f"step {source!r} has no foreach: its output is one record, not a list"
            yield self.document.error("not_a_list", at, message)

    def claims(self, path: Path, step: Step) -> Problems:
        tool = self.tools.get(step.tool or "")
        for k, name in enumerate(step.claims or ()):
            if tool is not None and name not in tool.properties:
                message, hint = f"{tool.name} does not measure {name!r}", did_you_mean(name, tool.properties)
                yield self.document.error("unknown_property", (*path, "claims", k), message, hint)

    def loop(self, path: Path, step: Step) -> Problems:
        """A loop holds what can be repeated and may come out otherwise, and no other loop."""
        assert step.loop is not None
        at = (*path, "loop")
        outer = [group.id for group in self.groups[step.id] if group.loop is not None]
        inner = self.inside(step)
        if outer or any(s.loop is not None for s in inner if s is not step and step.workflow is not None):
            message = (
                f"a loop holds no other: this one is in the loop of {outer[0]!r}"
                if outer
                else "a loop holds no other"
            )
            yield self.document.error("nested_loop", at, message)
        for kind in ("report", "approve"):
            if (bad := next((s for s in inner if s.kind == kind), None)) is not None:
                message = f"step {bad.id!r} cannot be repeated: it is a step with {kind!r}"
                yield self.document.error("not_repeatable", at, message)
        yield from self.expression(step.loop.until, (*at, "until"), step, after=True)
        if step.foreach is not None and step.item_name in ("loop", "result"):
            message = f"the item cannot be called {step.item_name!r}, which has another meaning in a loop"
            yield self.document.error("shadowing", (*path, "as"), message)
        if not any(map(self._varies, (step, *inner))):
            message = "every round would be the same: its steps only compute, and none of them reads `loop`"
            yield self.document.error(
                "nothing_changes", at, message, "${loop.round} is the number of the round"
            )

    def _varies(self, step: Step) -> bool:
        """Return whether a step may give something else when it is repeated."""
        if step.agent is not None and not {"rank", "flags"} & step.arguments.keys():
            return True
        tool = self.tools.get(step.tool or "")
        if step.tool is not None and (tool is None or not tool.effects <= {"compute"}):
            return True
        try:
            names = references([step.arguments, step.foreach])
            names |= Expression.parse(step.when).names if step.when else frozenset()
        except InvalidInput:
            return True  # reported where expressions are checked
        return any(name.partition(".")[0] == "loop" for name in names)

    def left_out(self, step: Step) -> bool:
        """Return whether the inputs known so far leave a step out."""
        return step.when is not None and self._settled(f"${{{step.when}}}") == (True, False)

    # --- arguments ----------------------------------------------------------------------------------------

    def arguments(self, path: Path, step: Step) -> Problems:
        """Check `with`, and the options of `approve` and `report`."""
        if step.kind in ("verify", "approve", "report"):
            yield from self.filled(getattr(step, step.kind).model_dump(), (*path, step.kind), step)
            return
        at = (*path, "with")
        yield from self.filled(step.arguments, at, step)
        if self.left_out(step):
            return
        if step.workflow is not None:
            yield from self._part_arguments(at, step)
        if step.tool in self.tools:
            yield from self._tool_arguments(at, step, self.tools[step.tool or ""])
        elif step.agent in self.agents:
            yield from self._agent_arguments(at, step)

    def _tool_arguments(self, path: Path, step: Step, tool: Tool) -> Problems:
        known = tool.arguments_model.model_fields
        for name, given in step.arguments.items():
            if name not in known:
                message, hint = f"{tool.name} has no argument {name!r}", did_you_mean(name, known)
                yield self.document.error("unknown_argument", (*path, name), message, hint)
                continue
            settled, value = self._settled(given)
            misfit = _misfit(tool, name, value) if settled else None
            if misfit:
                message = f"{tool.name}: {name}: {misfit}, not {shown(value)}"
                yield self.document.error("bad_argument", (*path, name), message)
        missing = [name for name, info in known.items() if info.is_required() and name not in step.arguments]
        if missing:
            message = f"{tool.name} needs the argument {', '.join(map(repr, missing))}"
            yield self.document.error("missing_argument", path, message)

    def _part_arguments(self, path: Path, step: Step) -> Problems:
        """What a workflow is given are its inputs, of their types; what steps give is a whole value."""
        part = self.workflow.parts.get(step.id)
        if part is None:
            return  # it could not be read, which has been said
        for name, given in step.arguments.items():
            if name not in part.inputs:
                message, hint = f"{part.name} has no input {name!r}", did_you_mean(name, part.inputs)
                yield self.document.error("unknown_argument", (*path, name), message, hint)
                continue
            settled, value = self._settled(given)
            try:
                if settled:
                    check_value(name, part.inputs[name], value)
                    continue
                names = references(given)
            except InvalidInput as error:
                yield self.document.error("bad_argument", (*path, name), error.info.message, error.hint)
                continue
            if any(n.partition(".")[0] != "inputs" for n in names) and whole_slot(given) is None:
                message = f"{name!r}: what a workflow is given from steps is one ${{…}} and nothing else"
                yield self.document.error("bad_argument", (*path, name), message)
        missing = [n for n, spec in part.inputs.items() if spec.must_be_given and n not in step.arguments]
        if missing:
            message = f"{part.name} needs the input {', '.join(map(repr, missing))}"
            yield self.document.error("missing_argument", path, message)

    def _agent_arguments(self, path: Path, step: Step) -> Problems:
        model = AGENT_ARGUMENTS.get(step.agent or "", AgentArguments)
        try:
            options = model.model_validate(step.arguments)
        except ValidationError as error:
            yield from shape_problems(error, self.document, model.model_json_schema(), path)
            return
        if not isinstance(options, AnalystArguments):
            return
        if options.rank is not None:
            settled, by = self._settled(options.rank.by)
            if settled:
                yield from self._property(str(by), (*path, "rank", "by"), step)
        for k, flag in enumerate(options.flags):
            yield from self._flag(flag.when, (*path, "flags", k, "when"), step)

    def _flag(self, text: str, path: Path, step: Step) -> Problems:
        """A flag's condition speaks of measured properties; the ${…} in it are filled in before."""
        try:
            names = Expression.parse(_SLOT.sub("0", text)).names
        except InvalidInput as error:
            yield self.unreadable(error, path)
            return
        if not names:
            hint = did_you_mean("", self._measured(step))
            yield self.document.error("unknown_property", path, f"{text!r} speaks of no property", hint)
        for name in sorted(names):
            if name.partition(".")[0] in ("inputs", "steps"):
                message = f"{name!r} is no property; put it in ${{}}"
                yield self.document.error("unknown_property", path, message, f"${{{name}}}")
            else:
                yield from self._property(name, path, step)

    def _property(self, name: str, path: Path, step: Step) -> Problems:
        measured = self._measured(step)
        if name in measured:
            return
        elsewhere = [
            other
            for other in self.steps
            if other != step.id and (tool := self.tool_of(other)) is not None and name in tool.properties
        ]
        hint = self.with_need(step, elsewhere[0]) if elsewhere else did_you_mean(name, measured)
        yield self.document.error("unknown_property", path, f"no needed step measures {name!r}", hint)

    def _measured(self, step: Step) -> set[str]:
        """Return the properties that the needed steps can measure; an agent can measure those of every tool."""
        needed = [s for name in step.needs if name in self.steps for s in self.inside(self.steps[name])]
        if any(s.agent for s in needed):
            return {name for tool in self.tools.values() for name in tool.properties}
        tools = (self.tools.get(s.tool or "") for s in needed)
        return {name for tool in tools if tool is not None for name in tool.properties}

    def _settled(self, value: Any) -> tuple[bool, Any]:
        """Return (True, the value filled in) when it rests on known inputs alone, else (False, the value)."""
        try:
            names = [name.split(".") for name in references(value)]
            if all(root == "inputs" and rest and rest[0] in self.inputs for root, *rest in names):
                return True, fill(value, {"inputs": self.inputs})
        except BenchmateError:
            pass  # reported where expressions are checked, or when the step runs
        return False, value


def _misfit(tool: Tool, name: str, value: Any) -> str | None:
    """Return why `value` is not a valid argument, or None."""
    info = tool.arguments_model.model_fields[name]
    try:
        create_model("argument", **{name: (info.annotation, info)}).model_validate({name: value})  # type: ignore[call-overload]
    except ValidationError as error:
        messages = (item["msg"][:1].lower() + item["msg"][1:] for item in error.errors())
        return " or ".join(dict.fromkeys(messages))
    return None
