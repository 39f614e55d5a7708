"""Which list of numbers of a question belongs to which argument, with the unit beside it, and lists by name for groups."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmate.agents.assigning import NEAR, name_patterns
from benchmate.agents.intake import Candidate
from benchmate.agents.measures import Measure, question_offset
from benchmate.tools.arguments import Schema, parts_of
from benchmate.tools.mentions import numbers_in


class NumberList(NamedTuple):
    """A list of numbers of a text, and the unit beside it."""

    values: list[float] | list[int]
    unit: str | None


def assign_lists(
    question: str, parameters: Mapping[str, Schema], candidates: Sequence[Candidate]
) -> dict[str, NumberList]:
    """Return the lists of numbers that a question gives: each to the parameter that is named before it, else in order.

    A list without a name may be one or two plain numbers after a parameter's words: 'highlight atoms 3 and 5'.
    """
    within = [c for c in candidates if c.start >= 0]
    offset = question_offset(question, within)
    lists = sorted((c for c in within if c.kind == "numbers"), key=lambda c: c.start)
    taken: dict[str, NumberList] = {}
    left = []
    for one in lists:
        head = question[max(0, one.start - offset - NEAR) : one.start - offset]
        named = [
            n for n, s in parameters.items()
            if n not in taken and name_patterns(n, s.get("words", ""))[0].search(head)
        ]  # fmt: skip
        if named:
            taken[named[0]] = _list_for(parameters[named[0]], one, within)
        else:
            left.append(one)
    for name, schema in parameters.items():
        if name not in taken and (few := _few_numbers(question, name, schema, within, offset)):
            taken[name] = few
    for name, schema in parameters.items():
        if name not in taken and left:
            taken[name] = _list_for(schema, left.pop(0), within)
    return taken


def _list_for(schema: Schema, one: Candidate, candidates: Sequence[Candidate]) -> NumberList:
    """Return a list as an argument takes it: in the argument's unit where it has one and another stands beside the list."""
    units = [c for c in candidates if c.kind == "unit"]
    beside = [u for u in units if u.start - one.end in (0, 1)] or [
        u for u in units if 0 <= one.start - u.end <= 3
    ]
    unit = beside[0].text if beside else None
    values = numbers_in(one.text)
    if unit and schema.get("unit"):
        converted = [Measure(v, unit, 0, 0).into(schema["unit"]) for v in values]
        values = [v for v in converted if v is not None] if None not in converted else values
    whole = any(part.get("items", {}).get("type") == "integer" for part in parts_of(schema))
    return NumberList([int(v) for v in values] if whole else values, unit)


def _few_numbers(
    question: str, name: str, schema: Schema, candidates: Sequence[Candidate], offset: int
) -> NumberList | None:
    """Return the one or two numbers that stand after a list's own words."""
    plain = sorted((c for c in candidates if c.kind == "number"), key=lambda c: c.start)
    before = name_patterns(name, schema.get("words", ""))[0]
    for place, number in enumerate(plain):
        start = number.start - offset
        if not before.search(question, max(0, start - NEAR), start):
            continue
        run = [number]
        for other in plain[place + 1 :]:
            if not re.fullmatch(
                r"\s*(?:,|and|,\s*and|&)\s*", question[run[-1].end - offset : other.start - offset]
            ):
                break
            run.append(other)
        joined = Candidate(
            text=" ".join(c.text for c in run), kind="numbers", start=run[0].start, end=run[-1].end
        )
        return _list_for(schema, joined, candidates)
    return None


def groups(question: str, candidates: Sequence[Candidate]) -> dict[str, list[float]]:
    """Return the lists of numbers of a question by the word before each, or by their order."""
    own = sorted((c for c in candidates if c.start >= 0 and c.kind == "numbers"), key=lambda c: c.start)
    offset = question_offset(question, [c for c in candidates if c.start >= 0])
    named: dict[str, list[float]] = {}
    for number, one in enumerate(own, 1):
        head = question[max(0, one.start - offset - NEAR) : one.start - offset]
        word = re.search(r"([A-Za-z][\w-]*)\s*[=:]?\s*$", head)
        skip = word is None or word[1].lower() in _NO_LABELS
        label = f"group {number}" if skip or word is None else word[1]
        named[label if label not in named else f"{label} {number}"] = numbers_in(one.text)
    return named


_NO_LABELS = frozenset(
    "versus vs and or with against for of to from are is between in compare test values group groups data".split()
)
