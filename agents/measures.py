"""Which number of a question belongs to which argument: by the argument's words beside it, by its unit, and by order."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmate.agents.intake import Candidate
from benchmate.runtime.canonical import canonical_float
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import convert, parse_unit, same_dimension
from benchmate.tools.mentions import numbers_in

CLOSE = 5  # characters between two numbers that share a unit: ' and ', ' to ', '-'
NEAR = 48  # characters before or after a number that may name its argument
_JOIN = r"(?:\s*(?:=|:|≈|~|(?:is|of|are|was|were|equals?|being|at|about|around|to|a|an|the|from|between|with|than|by)\b))*\s*"
WORDS_BEFORE, WORDS_AFTER, SAME_UNIT, PLAIN = 8, 6, 3, 1  # how much each sign counts


class Measure(NamedTuple):
    """A number of a text, its unit where one follows, and where both stand."""

    value: float
    unit: str | None
    start: int
    end: int

    def into(self, unit: str) -> float | None:
        """Return the value in `unit`: a plain number is taken to be in it; None where the dimensions differ."""
        if self.unit is None:
            return self.value
        try:
            own = _pint_unit(self.unit)
            if _is_angle(own) != _is_angle(unit):  # to pint, an angle is a plain number
                return None
            return canonical_float(convert(self.value, own, unit))
        except InvalidInput:
            return None


def measures(candidates: Sequence[Candidate]) -> list[Measure]:
    """Return the numbers of a text in order, each with the unit that follows it, or that of its neighbour in '23 and 19 Msun'."""
    units = {c.start: c for c in candidates if c.kind == "unit"}
    found = []
    for number in sorted((c for c in candidates if c.kind == "number"), key=lambda c: c.start):
        unit = units.get(number.end) or units.get(number.end + 1)
        found.append(
            Measure(
                float(number.text),
                unit.text if unit else None,
                number.start,
                unit.end if unit else number.end,
            )
        )
    for place in range(len(found) - 2, -1, -1):
        one, following = found[place], found[place + 1]
        if one.unit is None and following.unit is not None and following.start - one.end <= CLOSE:
            found[place] = one._replace(unit=following.unit)
    return found


@functools.lru_cache(maxsize=1024)
def _is_angle(unit: str) -> bool:
    return bool(
        re.search(
            r"degree(?!_[CF])|radian|arc(?:minute|second)|milliarcsecond|\bmas\b", str(parse_unit(unit))
        )
    )


@functools.lru_cache(maxsize=1024)
def _pint_unit(written: str) -> str:
    from benchmate.tools.units import read_unit

    return read_unit(written).unit


@functools.lru_cache(maxsize=4096)
def _patterns(name: str, words: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what names an argument just before a number, and just after one."""
    spoken = {name.replace("_", " "), *(w.strip() for w in words.split(",") if w.strip())}
    # a single letter is meant as written ('T', 'd', 'z'); words are meant in any case and number
    single = sorted(w for w in spoken if len(w) == 1)
    longer = sorted((w for w in spoken if len(w) > 1), key=len, reverse=True)
    parts = [rf"(?-i:{re.escape(w)})" for w in single] + [rf"{re.escape(w)}(?:e?s)?" for w in longer]
    named = "|".join(parts)
    before = re.compile(rf"(?<![A-Za-z])(?:{named}){_JOIN}[(\[]?$", re.I)
    after = re.compile(rf"^\s*[-–]?\s*(?:of\s+|in\s+)?(?:the\s+)?(?:\w+\s+)?(?:{named})(?![A-Za-z])", re.I)
    return before, after


def assign(
    question: str,
    parameters: Mapping[str, Mapping[str, Any]],
    candidates: Sequence[Candidate],
    required: set[str],
) -> dict[str, float | int | list[float]]:
    """Return the numbers that a question gives to the measured parameters of a tool (those whose schema names a unit).

    A number goes where its words or its unit point, the clearest first, and is used once. An optional parameter needs
    words, or a unit that only it has; the required ones that are left take the numbers that are left, in order.
    """
    own = [c for c in candidates if c.start >= 0]
    offset = _offset(question, own)
    found = [m for m in measures(own)]
    scores: list[tuple[float, int, str]] = []
    dimensions = [s["unit"] for s in parameters.values()]
    for place, measure in enumerate(found):
        start, end = measure.start - offset, measure.end - offset
        for name, schema in parameters.items():
            if measure.into(schema["unit"]) is None:
                continue
            before, after = _patterns(name, schema.get("words", ""))
            score = 0.0
            if match := before.search(question, max(0, start - NEAR), start):
                score += WORDS_BEFORE + min(3.0, (match.end() - match.start()) / 10)
            elif after.match(question[end : end + NEAR]):
                score += WORDS_AFTER
            if measure.unit is not None and schema["unit"]:
                alone = sum(same_dimension(schema["unit"], other) for other in dimensions) == 1
                score += SAME_UNIT if alone or name in required else (1 if score else 0)
            elif name in required:
                score += PLAIN if measure.unit is None else 0
            if score:
                scores.append((score, place, name))
    order = list(parameters)
    scores.sort(key=lambda s: (-s[0], s[1], order.index(s[2])))
    taken: dict[str, float | int | list[float]] = {}
    used: set[int] = set()
    for _, place, name in scores:
        if name in taken or place in used:
            continue
        value = found[place].into(parameters[name]["unit"])
        if value is None or (_is_whole(parameters[name]) and not value.is_integer()):
            continue
        taken[name] = int(value) if _is_whole(parameters[name]) else value
        used.add(place)
    for place, measure in enumerate(
        found
    ):  # a number with a unit that nothing claimed goes to the first argument it fits
        if place in used or measure.unit is None:
            continue
        for name, schema in parameters.items():
            value = measure.into(schema["unit"]) if schema["unit"] and name not in taken else None
            if value is not None and not _is_whole(schema):
                taken[name] = value
                break
    return taken


def _is_whole(schema: Mapping[str, Any]) -> bool:
    return "integer" in {schema.get("type"), *(part.get("type") for part in schema.get("anyOf", []))}


def _offset(question: str, candidates: Sequence[Candidate]) -> int:
    from benchmate.agents.router import question_offset

    return question_offset(question, candidates)


def assign_lists(
    question: str, parameters: Mapping[str, Mapping[str, Any]], candidates: Sequence[Candidate]
) -> dict[str, list[float]]:
    """Return the lists of numbers that a question gives: each to the parameter that is named before it, else in order."""
    own = [c for c in candidates if c.start >= 0 and c.kind == "numbers"]
    offset = _offset(question, [c for c in candidates if c.start >= 0])
    lists = sorted(own, key=lambda c: c.start)
    taken: dict[str, list[float]] = {}
    left = []
    for one in lists:
        head = question[max(0, one.start - offset - NEAR) : one.start - offset]
        named = [
            n for n, s in parameters.items()
            if n not in taken and _patterns(n, s.get("words", ""))[0].search(head)
        ]  # fmt: skip
        if named:
            taken[named[0]] = numbers_in(one.text)
        else:
            left.append(one)
    for name in parameters:
        if name not in taken and left:
            taken[name] = numbers_in(left.pop(0).text)
    return taken


def groups(question: str, candidates: Sequence[Candidate]) -> dict[str, list[float]]:
    """Return the lists of numbers of a question by the word before each, or by their order."""
    own = sorted((c for c in candidates if c.start >= 0 and c.kind == "numbers"), key=lambda c: c.start)
    offset = _offset(question, [c for c in candidates if c.start >= 0])
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
