"""The tool base: a tool is a typed, documented function; its schema, help and command line come from it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

import docstring_parser
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from benchmate.runtime.canonical import canonical_value
from benchmate.runtime.errors import InvalidInput, did_you_mean
from benchmate.runtime.evidence import Artifact, Entity, Source, ToolResult
from benchmate.runtime.labels import NO_LABELS, Label, Labels
from benchmate.runtime.policy import HazardRule
from benchmate.tools.datasets import DATASETS
from benchmate.tools.extras import EXTRAS, missing_parts, require

if TYPE_CHECKING:
    from benchmate.runtime.settings import AizynthfinderProfile

__all__ = ["Artifact", "Entity", "Making", "Source", "Tool", "ToolContext", "ToolResult", "tool"]

Effect = Literal["read", "compute", "network", "write", "exec"]
CostClass = Literal["cheap", "slow"]


@dataclass(frozen=True)
class Making:
    """Marks a tool that makes something, on paper or outside, for the hazard gate (`benchmate.tools.hazards`).

    Its arguments are what is made, but for the `inputs`, which go into it. `products` returns the SMILES of what a result
    gives as made.
    """

    inputs: frozenset[str] = frozenset()
    products: Callable[[Mapping[str, Any]], list[str]] | None = None


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may use besides its arguments. Picklable, so that it reaches worker processes."""

    cache_dir: Path
    artifact_dir: Path
    library_folder: Path
    library_server: str | None = None
    library_collection: str = "library"
    aizynthfinder: AizynthfinderProfile | None = None
    labels: Labels = NO_LABELS
    hazard_rules: tuple[HazardRule, ...] = ()  # of the machine's policy
    hazards_approved: frozenset[str] = frozenset()  # listed entries that a person allowed for this call

    def save(self, name: str, media_type: str, content: bytes) -> Artifact:
        """Store a file the tool made and return its record."""
        from benchmate.runtime.artifacts import ArtifactStore

        return ArtifactStore(self.artifact_dir).put(content, name=name, media_type=media_type)


@dataclass(frozen=True)
class Tool:
    """A tool and what is known of it. Made by the `tool` decorator."""

    name: str
    function: Callable[..., ToolResult]
    domain: str
    version: str
    effects: frozenset[Effect]
    cost: CostClass
    timeout: float | None
    labels: Labels
    hazard: str | None
    summary: str
    description: str
    argument_words: Mapping[str, str]
    examples: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    extra: str | None = None
    example: Mapping[str, Any] | None = None
    dataset: str | None = None
    reader: Callable[[str], dict[str, Any] | None] | None = None
    files: frozenset[str] = frozenset()  # ends of names of the files it reads; empty: any
    makes: Making | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """What the tool needs and this installation lacks: packages and data sets; empty when it can run."""
        return missing_parts(self.extra) if self.extra else ()

    @functools.cached_property
    def arguments_model(self) -> type[BaseModel]:
        """The pydantic model of the arguments, made when it is first asked for."""
        return _arguments_model(self.function, self.argument_words)

    @functools.cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        schema = self.arguments_model.model_json_schema()
        schema.pop("title", None)
        schema.pop("description", None)
        for prop in schema.get("properties", {}).values():
            prop.pop("title", None)
        return schema

    @functools.cached_property
    def told_schema(self) -> dict[str, Any]:
        """The schema as a model is told it: without the words by which questions name arguments."""
        from benchmate.tools.arguments import told

        properties = {name: told(prop) for name, prop in self.schema.get("properties", {}).items()}
        return self.schema | {"properties": properties}

    @functools.cached_property
    def entity_arguments(self) -> dict[str, str]:
        """Which arguments are entities, and of what kind: {'compound': 'compound', 'targets': 'compound'}."""
        from benchmate.tools.entities import entity_kind

        hints = self.arguments_model.model_fields
        kinds = {name: entity_kind(info.metadata) for name, info in hints.items()}
        return {name: kind for name, kind in kinds.items() if kind}

    @functools.cached_property
    def readers(self) -> dict[str, Callable[[str], list[Any]]]:
        """The arguments that a question writes in a way of their own, with what reads them."""
        from benchmate.tools.arguments import ReadBy

        hints = self.arguments_model.model_fields
        return {
            n: note.reader for n, info in hints.items() for note in info.metadata if isinstance(note, ReadBy)
        }

    @functools.cached_property
    def _takes_context(self) -> bool:
        return "context" in inspect.signature(self.function).parameters

    def validate(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments checked, completed with defaults, in canonical form.

        Raises InvalidInput (`bad_arguments`) that names the argument and the nearest right name.
        """
        known = self.arguments_model.model_fields
        for name in arguments:
            if name not in known:
                raise InvalidInput(
                    "bad_arguments", f"{self.name} has no argument {name!r}", hint=did_you_mean(name, known),
                    details={"argument": name},
                )  # fmt: skip
        try:
            checked = self.arguments_model.model_validate(dict(arguments))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InvalidInput(
                "bad_arguments", f"{self.name}: {where}: {first['msg']}",
                hint=f"`benchmate tool show {self.name}` lists the arguments", details={"argument": where},
            ) from None  # fmt: skip
        plain: dict[str, Any] = canonical_value(checked.model_dump(mode="json"))
        return plain

    def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        """Run the tool on validated arguments: entities are resolved first, pass the hazard gate, and are echoed in the result.

        Raises Refused (`hazard_denied`, `hazard_unasked`) where the gate stops it, typed errors of the tool or of the resolution (`unknown_compound`, `invalid_smiles`, …), and Unavailable
        (`missing_extra`) where a package or data set that it needs is not installed.
        """
        from benchmate.tools import hazards
        from benchmate.tools.entities import resolve_arguments

        if self.extra:
            require(self.extra, self.name)
        resolved, entities = resolve_arguments(self, dict(arguments), context.artifact_dir)
        rules, approved = context.hazard_rules, context.hazards_approved
        noted = hazards.enforce(hazards.judge(self, hazards.findings_in(self, resolved), rules, approved))
        if self._takes_context:
            resolved["context"] = context
        result = self.function(**resolved)
        noted += hazards.enforce(hazards.judge(self, hazards.findings_made(self, result), rules, approved))
        changed: dict[str, Any] = {
            "entities": (*entities, *result.entities), "labels": result.labels | self.labels,
        }  # fmt: skip
        if noted:
            changed["hazards"] = (*result.hazards, *noted)
            changed["warnings"] = (*result.warnings, *dict.fromkeys(n.summary for n in noted))
        return result.model_copy(update=changed)


def tool(
    *,
    domain: str,
    effects: set[Effect] | frozenset[Effect] = frozenset({"compute"}),
    version: str = "1",
    cost: CostClass = "cheap",
    timeout: float | None = None,
    labels: set[Label] | frozenset[Label] = frozenset(),
    hazard: str | None = None,
    properties: Mapping[str, str] | None = None,
    examples: tuple[str, ...] = (),
    extra: str | None = None,
    example: Mapping[str, Any] | None = None,
    dataset: str | None = None,
    reader: Callable[[str], dict[str, Any] | None] | None = None,
    files: frozenset[str] = frozenset(),
    makes: Making | None = None,
) -> Callable[[Callable[..., ToolResult]], Tool]:
    """Make a tool of a function with type hints and a docstring (Google style: summary, Args).

    A parameter named `context` receives the ToolContext and is no argument. Parameters annotated `Compound`,
    `Sequence` or `DataFile` accept names, structures, paths or records from callers; the function gets them resolved.
    `properties` maps the properties the result's quantities can have to words a reader uses for them; `extra` names
    what must be installed besides the base (`tools/extras.py`); `example` are arguments of a call that shows the tool;
    `dataset` names what it reads where that was fetched (`tools/datasets.py`), which the tool itself asks for; `reader`
    returns the arguments that a question holds, for a tool whose arguments are a language of their own; `files` are the ends
    of the names of files that it reads (`tools/file_kinds.py`): a question about another file is not for it; `makes` marks one that
    plans, makes or designs something, which the hazard gate is strict with.

    Raises TypeError at import when a parameter lacks a type or a description, or the extra or data set is unknown.
    """
    if dataset is not None and dataset not in DATASETS:
        raise TypeError(f"there is no data set {dataset!r}")
    if extra is not None and extra not in EXTRAS:
        raise TypeError(f"there is no extra {extra!r}")

    def make(function: Callable[..., ToolResult]) -> Tool:
        doc = docstring_parser.parse(inspect.getdoc(function) or "")
        if not doc.short_description:
            raise TypeError(f"tool {function.__name__} has no docstring")
        words = {p.arg_name: p.description or "" for p in doc.params}
        for name, parameter in inspect.signature(function).parameters.items():
            if name != "context" and (parameter.annotation is inspect.Parameter.empty or not words.get(name)):
                raise TypeError(
                    f"tool {function.__name__}: parameter {name!r} needs a type and a description"
                )
        return Tool(
            name=function.__name__,
            function=function,
            domain=domain,
            version=version,
            effects=frozenset(effects),
            cost=cost,
            timeout=timeout,
            labels=frozenset(labels),
            hazard=hazard,
            summary=doc.short_description,
            description=doc.long_description or "",
            argument_words=words,
            examples=examples,
            properties=dict(properties or {}),
            extra=extra,
            example=example,
            dataset=dataset,
            reader=reader,
            files=files,
            makes=makes,
        )

    return make


def _arguments_model(function: Callable[..., Any], descriptions: Mapping[str, str]) -> type[BaseModel]:
    from benchmate.tools.arguments import units_last
    from benchmate.tools.entities import accepted_type

    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "context":
            continue
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[name] = (
            units_last(accepted_type(hints[name])),
            Field(default, description=" ".join(descriptions[name].split())),
        )
    return create_model(f"{function.__name__}_arguments", __config__=ConfigDict(extra="forbid"), **fields)
