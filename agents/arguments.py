"""From a question to the arguments a tool could take: every string argument is an enum of what the text holds."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from benchmate.agents.intake import Candidate
from benchmate.tools.base import Tool

# which kinds of candidate a plain string argument takes, by its name
ARGUMENT_KINDS: dict[str, tuple[str, ...]] = {
    "equation": ("equation",),
    "name": ("compound", "unknown"),
    "structure": ("structure", "compound", "unknown"),
    "from_unit": ("unit",),
    "to_unit": ("unit",),
}
ENTITY_KINDS: dict[str, tuple[str, ...]] = {
    "compound": ("compound", "structure", "unknown"),
    "sequence": ("dna", "protein", "rna"),
}
MOST_CALLS = 24  # legal calls of one tool that are put before the model


def of_kinds(candidates: Sequence[Candidate], kinds: tuple[str, ...]) -> list[str]:
    """Return the texts of the candidates of these kinds in order of appearance, each once."""
    return list(dict.fromkeys(c.text for c in sorted(candidates, key=lambda c: c.start) if c.kind in kinds))


def fits(tool: Tool, candidates: Sequence[Candidate]) -> bool:
    """Return whether the text holds something for each argument that the tool must have."""
    return next(legal_calls(tool, "", candidates), None) is not None


def legal_calls(tool: Tool, question: str, candidates: Sequence[Candidate]) -> Iterator[dict[str, Any]]:
    """Yield the arguments the tool could be called with, the likeliest first.

    A tool that takes one compound and finds several in the text yields one call each; so does every other choice.
    """
    required = set(tool.schema.get("required", []))
    optional = optional_values(tool, question, candidates)
    choices: dict[str, list[Any]] = {}
    for name in tool.schema.get("properties", {}):
        if name in required:
            values = _required_values(tool, name, question, candidates)
            if not values:
                return
            choices[name] = values
    lists = [n for n in choices if tool.schema["properties"][n].get("type") == "array"]
    scalars = [n for n in choices if n not in lists]
    for combination in itertools.islice(itertools.product(*(choices[n] for n in scalars)), MOST_CALLS):
        arguments = dict(zip(scalars, combination, strict=True))
        if {"from_unit", "to_unit"} <= arguments.keys() and arguments["from_unit"] == arguments["to_unit"]:
            continue
        for name in lists:
            rest = [v for v in choices[name] if v not in arguments.values()]
            if not rest:
                break
            arguments[name] = rest
        else:
            ordered = {n: arguments[n] for n in tool.schema["properties"] if n in arguments}
            yield {**ordered, **optional}


def _required_values(tool: Tool, name: str, question: str, candidates: Sequence[Candidate]) -> list[Any]:
    schema = tool.schema["properties"][name]
    entity = tool.entity_arguments.get(name)
    if entity:
        found = of_kinds(candidates, ENTITY_KINDS[entity])
        return _query_first(question, found) if "targets" in tool.schema["properties"] else found
    if schema.get("type") in ("number", "integer"):
        return [
            float(t) if schema["type"] == "number" else int(float(t))
            for t in of_kinds(candidates, ("number",))
        ]
    if "enum" in schema:
        return list(schema["enum"])
    if name in ARGUMENT_KINDS:
        found = of_kinds(candidates, ARGUMENT_KINDS[name])
        return _unit_order(name, question, found) if name in ("from_unit", "to_unit") else found
    return [subject_words(question)] if question else ["text"]


def optional_values(tool: Tool, question: str, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Return the optional arguments that the text settles: a named choice, or the one whole number it holds."""
    required = set(tool.schema.get("required", []))
    numbers = [t for t in of_kinds(candidates, ("number",)) if re.fullmatch(r"\d+", t)]
    settled: dict[str, Any] = {}
    for name, schema in tool.schema.get("properties", {}).items():
        if name in required or name in tool.entity_arguments:
            continue
        options = schema.get("enum") or [o for part in schema.get("anyOf", []) for o in part.get("enum", [])]
        named = [
            o
            for o in options
            if isinstance(o, str) and re.search(rf"\b{re.escape(o.replace('_', ' '))}\b", question, re.I)
        ]
        if named and named[0] != schema.get("default"):
            settled[name] = named[0]
        elif schema.get("type") == "integer" and name in ("count", "number", "n") and len(numbers) == 1:
            settled[name] = int(numbers[0])
    return settled


def _query_first(question: str, compounds: list[str]) -> list[str]:
    """Return the compounds with the one compared against first: the last one after 'to', 'with' or 'against' when several stand before it."""
    if len(compounds) > 2:
        last = compounds[-1]
        if re.search(
            rf"\b(?:to|with|against|versus|vs\.?)\s+(?:the\s+)?{re.escape(last)}", question, re.IGNORECASE
        ):
            return [last, *compounds[:-1]]
    return compounds


def _unit_order(name: str, question: str, units: list[str]) -> list[str]:
    """Return the units likeliest first: what follows a number is converted from, what follows 'to', 'in' or 'into' is converted to."""

    def score(unit: str) -> int:
        spelled = re.escape(unit)
        after_number = bool(re.search(rf"\d\s*{spelled}(?!\w)", question))
        after_to = bool(
            re.search(
                rf"\b(?:to|in|into|as|of|how many|how much)\s+(?:an?\s+)?{spelled}(?!\w)", question, re.I
            )
        )
        return (after_number - after_to) if name == "from_unit" else (after_to - after_number)

    return sorted(units, key=score, reverse=True)


def subject_words(question: str) -> str:
    """Return a question without its courtesy: what a search is about."""
    text = re.sub(
        r"^\s*(?:please|can you|could you|search|look up|find|check)?\s*(?:(?:in|through)\s+)?(?:(?:my|our|the)\s+)?"
        r"(?:library|documents|notes|papers|files)?\s*(?:for|about|on|:)?\s*",
        "", question.strip(), count=1, flags=re.IGNORECASE,
    )  # fmt: skip
    return text.rstrip("?. ") or question.strip()
