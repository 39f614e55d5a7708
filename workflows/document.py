"""A YAML 1.2 file as plain data that remembers where each key stands."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from benchmate.runtime.errors import InvalidInput

Path = tuple[str | int, ...]

MAX_NODES = 200_000  # aliases of aliases grow without bound
# YAML 1.2.2, section 10.3.2, the core schema. By itself ruamel.yaml also reads 1_000, 0b11 and 2020-01-01.
_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE, _FALSE = re.compile(r"true|True|TRUE"), re.compile(r"false|False|FALSE")
_INTEGER, _OCTAL, _HEX = re.compile(r"[-+]?[0-9]+"), re.compile(r"0o[0-7]+"), re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TEXT = "tag:yaml.org,2002:str"
_STANDARD = tuple(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)


@dataclass(frozen=True)
class Document:
    """A file's content, and the line and column (from 1) of every key and list item, by path."""

    file: str
    data: Any = None
    places: Mapping[Path, tuple[int, int]] = field(default_factory=dict)

    def place(self, path: Sequence[str | int]) -> tuple[int, int] | None:
        """Return the line and column of `path`, or of the nearest part of the file that encloses it."""
        for end in range(len(path), -1, -1):
            if tuple(path[:end]) in self.places:
                return self.places[tuple(path[:end])]
        return None

    def step(self, path: Sequence[str | int]) -> str | None:
        """Return the id of the innermost step that `path` is in: 'screen', or '#3' for a third step without one."""
        node, found = self.data, None
        for part, following in itertools.pairwise((*path, None)):
            node = _child(node, part)
            if part == "steps" and isinstance(following, int):
                step = _child(node, following)
                named = step.get("id") if isinstance(step, dict) else None
                found = named if isinstance(named, str) else f"#{following + 1}"
            elif not isinstance(part, int) and part != "steps":
                break
        return found

    def error(
        self, problem: str, path: Sequence[str | int], message: str, hint: str | None = None,
        place: tuple[int, int] | None = None,
    ) -> InvalidInput:  # fmt: skip
        """Return the error `bad_workflow` for what is wrong at `path`, naming file, line and step."""
        line, column = place or self.place(path) or (None, None)
        step = self.step(path)
        where = self.file if line is None else f"{self.file}:{line}"
        return InvalidInput(
            "bad_workflow",
            f"{where}: step {step!r}: {message}" if step else f"{where}: {message}",
            hint=hint,
            details={
                "problem": problem, "file": self.file, "line": line, "column": column, "step": step,
                "path": ".".join(str(part) for part in path),
            },
        )  # fmt: skip


def read_document(text: str, file: str) -> Document:
    """Return the one YAML document in `text`: dicts with text keys, lists, text, numbers, booleans and None.

    Raises InvalidInput (`bad_workflow`): `not_yaml`, `duplicate_key`, `bad_key`, `bad_tag`, `not_finite`,
    `too_large`, `recursive_alias`.
    """
    blank = Document(file)
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else None
        said = " ".join(filter(None, (error.context, error.problem)))
        raise blank.error("not_yaml", (), f"not YAML: {said}", _syntax_hint(text, place), place) from None
    except (
        YAMLError,
        RecursionError,
        ValueError,
    ) as error:  # ValueError: ruamel.yaml on odd %YAML directives
        reason = str(error).partition("\n")[0] or "it is nested too deeply"
        raise blank.error("not_yaml", (), f"not YAML: {reason}") from None
    places: dict[Path, tuple[int, int]] = {(): (1, 1)}
    try:
        data = None if root is None else _Reader(blank, places).read(root, ())
    except RecursionError:
        raise blank.error("too_large", (), "the file is nested too deeply") from None
    return Document(file, data, places)


class _Reader:
    """Turns YAML nodes into plain data and notes where each part stands."""

    def __init__(self, document: Document, places: dict[Path, tuple[int, int]]) -> None:
        self.document, self.places = document, places
        self.nodes = 0
        self.open: list[int] = []

    def read(self, node: Node, path: Path) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.fault(node, "too_large", path, f"the file holds more than {MAX_NODES} values")
        if isinstance(node, ScalarNode):
            return self.scalar(node, path)
        if id(node) in self.open:
            raise self.fault(node, "recursive_alias", path, "an alias stands inside what it stands for")
        self.open.append(id(node))
        try:
            if isinstance(node, MappingNode):
                return self.mapping(node, path)
            assert isinstance(node, SequenceNode)
            return self.sequence(node, path)
        finally:
            self.open.pop()

    def mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        if node.tag != "tag:yaml.org,2002:map":
            raise self.fault(node, "bad_tag", path, f"the tag {node.tag} is not allowed")
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.scalar(key_node, path) if isinstance(key_node, ScalarNode) else None
            if not isinstance(key, str):
                shown = (
                    getattr(key_node, "value", "")
                    if isinstance(key_node, ScalarNode)
                    else "a list or a mapping"
                )
                raise self.fault(
                    key_node, "bad_key", path, f"a key is a text, not {shown}", "put it in quotes"
                )
            here = (*path, key)
            if key in data:
                first = self.places[here][0]
                raise self.fault(
                    key_node, "duplicate_key", here, f"the key {key!r} stands here and in line {first}"
                )
            self.places[here] = _place(key_node)
            data[key] = self.read(value_node, here)
        return data

    def sequence(self, node: SequenceNode, path: Path) -> list[Any]:
        if node.tag != "tag:yaml.org,2002:seq":
            raise self.fault(node, "bad_tag", path, f"the tag {node.tag} is not allowed")
        data = []
        for index, item in enumerate(node.value):
            here = (*path, index)
            self.places[here] = _place(item)
            data.append(self.read(item, here))
        return data

    def scalar(self, node: ScalarNode, path: Path) -> Any:
        if node.tag not in _STANDARD:
            raise self.fault(node, "bad_tag", path, f"the tag {node.tag} is not allowed")
        if node.tag == _TEXT:
            return node.value
        value = plain_value(node.value)
        if value is None and not _NULL.fullmatch(node.value):
            raise self.fault(
                node,
                "not_finite",
                path,
                f"{node.value} is not a finite number",
                "put it in quotes if it is a text",
            )
        return value

    def fault(
        self, node: Node, problem: str, path: Path, message: str, hint: str | None = None
    ) -> InvalidInput:
        return self.document.error(problem, path, message, hint, _place(node))


def plain_value(text: str) -> str | int | float | bool | None:
    """Return what an unquoted scalar means in YAML 1.2's core schema; None also for an infinity or NaN."""
    if _NULL.fullmatch(text) or _NOT_FINITE.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return _TRUE.fullmatch(text) is not None
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) < 4000 else None  # Python refuses to read longer ones
    if _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        value = float(text)
        return value if abs(value) != float("inf") else None
    return text


def _child(node: Any, part: str | int | None) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    return node[part] if isinstance(node, list) and isinstance(part, int) and part < len(node) else None


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _syntax_hint(text: str, place: tuple[int, int] | None) -> str | None:
    """Return what most often is behind a syntax error in the line at fault, such as SMILES without quotes."""
    lines = text.splitlines()
    if place is None or place[0] > len(lines):
        return None
    line = lines[place[0] - 1]
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "indent with spaces, not with tabs"
    if re.search(r"[:-]\s*[\[{@%`]", line):
        return "put SMILES and other texts that begin with a bracket or a sign in quotes"
    return None
