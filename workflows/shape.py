"""What pydantic finds wrong with the shape of a workflow, said with line, step and the nearest valid key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from benchmate.runtime.errors import InvalidInput, did_you_mean
from benchmate.workflows.document import Document, Path

_EXPECTED = "Input should be "
OWN_TYPES = ("two_actions", "no_action", "steps_or_plan", "constraint")  # errors that schema.py words itself


def shape_problems(
    error: ValidationError, document: Document, schema: Mapping[str, Any], base: Path = ()
) -> list[InvalidInput]:
    """Return one problem for each place that does not fit. `schema` is that of the value at `base`."""
    found: dict[tuple[Path, str], tuple[list[str], str | None]] = {}
    given: dict[Path, str] = {}
    for item in error.errors():
        path: Path = (*base, *item["loc"])
        kind, message, hint = item["type"], item["msg"], None
        if kind == "extra_forbidden":
            kind, message = "unknown_key", f"unknown key {path[-1]!r}"
            hint = did_you_mean(str(path[-1]), _keys_at(schema, item["loc"][:-1]))
        elif kind == "missing":
            kind, message = "missing_key", f"the key {path[-1]!r} is missing"
        else:
            while path and path not in document.places:  # the branches of a union are not in the file
                path = path[:-1]
            if kind not in OWN_TYPES:
                kind, message = "bad_value", message.removeprefix("Value error, ")
                given[path] = shown(item["input"])
                options = re.findall(r"'([^']*)'", str(item.get("ctx", {}).get("expected", "")))
                hint = did_you_mean(str(item["input"]), options) if options else None
        found.setdefault((path, kind), ([], hint))[0].append(message)
    problems = []
    for (path, kind), (messages, hint) in found.items():
        said = " or ".join(dict.fromkeys(messages))
        if kind == "bad_value":
            said = f"{_dotted(path)}: {said[:1].lower()}{said[1:]}".replace(f"or {_EXPECTED}", "or ")
            said += "" if given[path] in said else f", not {given[path]}"
        problems.append(document.error(kind, path, said, hint))
    return in_order(problems)


def in_order(problems: Iterable[InvalidInput]) -> list[InvalidInput]:
    """Return problems in the order of the file."""
    return sorted(
        problems, key=lambda p: (p.info.details.get("line") or 0, p.info.details.get("column") or 0)
    )


def shown(value: Any) -> str:
    """Return a value as a message quotes it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _keys_at(schema: Mapping[str, Any], path: Sequence[str | int]) -> set[str]:
    """Return the keys that a JSON Schema allows at a path."""
    node: Mapping[str, Any] = schema
    for part in (*path, None):
        while "$ref" in node or "anyOf" in node:
            name = str(node.get("$ref", "")).rpartition("/")[2]
            node = schema["$defs"][name] if name else node["anyOf"][0]
        if part is None:
            break
        inner = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
        inner = inner or node.get("additionalProperties")
        inner = inner or next(iter(node.get("patternProperties", {}).values()), {})
        node = inner if isinstance(inner, Mapping) else {}
    return set(node.get("properties", {}))


def _dotted(path: Path) -> str:
    """Return the part of a path that a reader needs beside the line and the step."""
    inner = path
    while len(inner) > 1 and inner[0] == "steps" and isinstance(inner[1], int):
        inner = inner[2:]
    return ".".join(str(part) for part in inner) or "the file"
