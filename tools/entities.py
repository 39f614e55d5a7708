"""Entities as tool arguments: callers give a name or a structure, the tool gets it resolved, the result echoes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from benchmate.runtime.errors import BenchmateError, error_from
from benchmate.runtime.evidence import Entity
from benchmate.tools.biology.sequences import Sequence, parse_sequence
from benchmate.tools.chemistry.compounds import Compound, CompoundRecord, resolve_compound
from benchmate.tools.files import DataFile, FileRecord, keep_file

if TYPE_CHECKING:
    from benchmate.tools.base import Tool


class _Kind(str):
    """Marks a field of an arguments model as an entity of this kind."""


class SequenceRecord(BaseModel):
    """A sequence with what a file said of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: str
    name: str | None = None
    topology: str | None = Field(None, description="linear or circular")


CompoundArgument = Annotated[
    Annotated[str, Field(description="A compound's name, SMILES, InChI or InChIKey.", min_length=1)]
    | CompoundRecord,
    _Kind("compound"),
]
SequenceArgument = Annotated[
    Annotated[str, Field(description="A sequence in one-letter codes, or FASTA text.", min_length=1)]
    | SequenceRecord,
    _Kind("sequence"),
]
FileArgument = Annotated[
    Annotated[str, Field(description="A file's path, or sample:NAME for one that ships.", min_length=1)]
    | FileRecord,
    _Kind("file"),
]
# What callers may pass for a parameter with such a hint.
_ACCEPTED: tuple[tuple[Any, Any], ...] = (
    (Compound, CompoundArgument),
    (list[Compound], Annotated[list[CompoundArgument], _Kind("compound")]),
    (Compound | None, Annotated[CompoundArgument | None, _Kind("compound")]),
    (Sequence, SequenceArgument),
    (list[Sequence], Annotated[list[SequenceArgument], _Kind("sequence")]),
    (Sequence | None, Annotated[SequenceArgument | None, _Kind("sequence")]),
    (DataFile, FileArgument),
    (list[DataFile], Annotated[list[FileArgument], _Kind("file")]),
    (DataFile | None, Annotated[FileArgument | None, _Kind("file")]),
)


def accepted_type(hint: Any) -> Any:
    """Return the type callers may pass for a parameter annotated `hint`.

    Entities, lists of entities and entities that may be left out have one; any other hint is its own.
    """
    return next((accepted for known, accepted in _ACCEPTED if known == hint), hint)


def entity_kind(metadata: Any) -> str | None:
    """Return the entity kind a field's metadata carries, or None."""
    return next((str(m) for m in metadata if isinstance(m, _Kind)), None)


def with_files(
    tool: Tool, arguments: dict[str, Any], keep: Callable[[str | dict[str, str]], FileRecord]
) -> dict[str, Any]:
    """Return the arguments with every file replaced by the record that `keep` gives, so that a call is known by what it read.

    Raises what `keep` raises, with the argument's name in `details`.
    """
    kept = dict(arguments)
    for name, kind in tool.entity_arguments.items():
        given = arguments.get(name)
        if kind != "file" or given is None:
            continue
        with naming_argument(name):
            records = [
                keep(one).model_dump(mode="json") for one in (given if isinstance(given, list) else [given])
            ]
        kept[name] = records if isinstance(given, list) else records[0]
    return kept


def resolve_arguments(
    tool: Tool, arguments: dict[str, Any], folder: Path
) -> tuple[dict[str, Any], list[Entity]]:
    """Return the arguments with every entity resolved, and the entities to echo. Files lie in `folder`.

    Raises what the resolution raises, with the argument's name in `details`.
    """
    entities: list[Entity] = []
    resolved = dict(arguments)
    for name, kind in tool.entity_arguments.items():
        given = arguments.get(name)
        if given is None:
            continue
        if isinstance(given, list):
            pairs = [_resolve(kind, item, f"{name}[{i}]", folder) for i, item in enumerate(given)]
            resolved[name] = [value for value, _ in pairs]
            entities += [entity for _, entity in pairs]
        else:
            resolved[name], entity = _resolve(kind, given, name, folder)
            entities.append(entity)
    return resolved, entities


def _resolve(kind: str, given: Any, argument: str, folder: Path) -> tuple[Any, Entity]:
    value: Compound | Sequence | DataFile
    with naming_argument(argument):
        if kind == "compound":
            value = resolve_compound(given)
        elif kind == "sequence":
            value = parse_sequence(given)
        else:
            value = keep_file(given, folder).open(folder)
    return value, value.entity(argument)


@contextlib.contextmanager
def naming_argument(argument: str) -> Iterator[None]:
    """Add the argument's name to the details of an error that is raised inside."""
    try:
        yield
    except BenchmateError as error:
        named = error.info.model_copy(update={"details": {**error.info.details, "argument": argument}})
        raise error_from(named) from error
