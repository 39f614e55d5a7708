"""What a question says of the arguments that are no subjects and no measured numbers: options, columns, items, units of lists."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmate.agents.intake import Candidate
from benchmate.agents.measures import question_offset
from benchmate.agents.number_lists import NumberList
from benchmate.tools.arguments import Schema, is_list, parts_of, types_of

_ARTICLES = r"(?:\s+(?:the|a|an|of|each|every|column|columns|in|is|are))*\s*[:=]?\s*[\"'“]?$"
_LINK = re.compile(r"^[\"'”]?\s*(?:,|and|or|,\s*and|\+|&)\s*(?:the\s+)?[\"'“]?$", re.I)


@functools.lru_cache(maxsize=4096)
def phrase_pattern(words: str) -> re.Pattern[str]:
    """Return what matches any of the comma-separated phrases: `...` is any few words, spaces and hyphens are alike.

    A phrase of up to three capitals is meant as written ('BH', 'AR'); others are meant in any case.
    """
    alternatives = []
    for phrase in (w.strip() for w in words.split(",")):
        if not phrase:
            continue
        pattern = re.escape(phrase).replace(r"\.\.\.", r".{0,60}?")
        pattern = re.sub(r"(?:\\ |\\-|_)+", r"[\\s_-]*", pattern)
        exact = phrase.isupper() and len(phrase) <= 3
        alternatives.append(rf"(?-i:{pattern})" if exact else rf"{pattern}(?:e?s)?")
    return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})(?!\w)" if alternatives else r"(?!)", re.I)


def said_option(schema: Schema, question: str) -> Any:
    """Return the option of an argument that a question says, the longest wording first; None where it says none."""
    said = _said(schema)
    options = [str(o) for part in parts_of(schema) for o in part.get("enum", []) if o is not None]
    found = list[tuple[int, int, str]]()
    for option in dict.fromkeys([*options, *said]):
        own = option.replace("_", " ") if option in options else ""
        if match := phrase_pattern(f"{own},{said.get(option, '')}").search(question):
            found.append((-len(match[0]), len(found), option))
    if not found:
        return None
    option = min(found)[2]
    if "boolean" in types_of(schema):
        return option == "true"
    return int(option) if option not in options and "integer" in types_of(schema) else option


def _said(schema: Schema) -> dict[str, str]:
    """Return how each option of an argument is said, wherever its schema tells it."""
    return {option: words for part in parts_of(schema) for option, words in part.get("said", {}).items()}


def listed_options(schema: Schema, question: str) -> list[Any]:
    """Return what a question says of a list: its options in the order of the text, or words of the known spelling."""
    if "spelled" in schema:
        return list(dict.fromkeys(m[0] for m in re.finditer(schema["spelled"], question)))
    items: Schema = next((part["items"] for part in parts_of(schema) if "items" in part), {})
    said = _said(schema)
    places = {
        o: match.start()
        for o in items.get("enum", [])
        if (match := phrase_pattern(f"{str(o).replace('_', ' ')},{said.get(o, '')}").search(question))
    }
    return sorted(places, key=lambda o: places[o])


def said_columns(
    question: str, parameters: Mapping[str, Schema], candidates: Sequence[Candidate]
) -> dict[str, str | list[str]]:
    """Return the columns of a table that a question gives to a tool's arguments: by the words before them, then in order."""
    own = sorted((c for c in candidates if c.start >= 0), key=lambda c: c.start)
    columns = [c for c in own if c.kind == "column"]
    takers = {n: s for n, s in parameters.items() if "column" in s}
    if not columns or not takers:
        return {}
    offset = question_offset(question, own)
    given: dict[str, list[str]] = {}
    left = []
    last, end = "", 0
    for column in columns:
        start, called = column.start - offset, column.key or column.text
        between = question[end:start]
        name = _named_by(question[:start], takers) or _named_after(question[column.end - offset :], takers)
        if name is None and last and _LINK.match(between):
            name = last
        if name is not None and (is_list(takers[name]) or name not in given):
            given.setdefault(name, []).append(called)
            last = name
        else:
            left.append(called)
            last = ""
        end = column.end - offset
    for name, schema in takers.items():
        if not left or name in given or schema["column"]["named_only"]:
            continue
        given[name] = left if is_list(schema) else [left.pop(0)]
        left = [] if is_list(schema) else left
    return {n: list(dict.fromkeys(found)) if is_list(takers[n]) else found[0] for n, found in given.items()}


def _named_by(before: str, takers: Mapping[str, Schema]) -> str | None:
    """Return the argument whose words stand at the end of a text, the longest words first."""
    best: tuple[int, str] | None = None
    for name, schema in takers.items():
        words = schema["column"]["words"]
        if not words:
            continue
        pattern = phrase_pattern(words).pattern
        if match := re.search(rf"{pattern}{_ARTICLES}", before[-60:], re.I):
            size = len(match[0])
            if best is None or size > best[0]:
                best = (size, name)
    return best[1] if best else None


def _named_after(after: str, takers: Mapping[str, Schema]) -> str | None:
    """Return the argument whose words stand right behind a column: 'YEAR is the time axis'."""
    for name, schema in takers.items():
        words = schema["column"]["words"]
        if words and re.match(
            rf"[\"'”]?\s*(?:(?:is|are|as|being|=)\s+)?(?:the\s+|as\s+)+{phrase_pattern(words).pattern}",
            after,
            re.I,
        ):
            return name
    return None


def list_units(arguments: Mapping[str, Schema], lists: Mapping[str, NumberList]) -> dict[str, str]:
    """Return the units that stand beside lists of numbers, for the arguments that take them: `x_unit` is that of `x`."""
    found = {}
    for name, numbers in lists.items():
        takers = (f"{name}_unit", f"{name.removesuffix('s')}_unit")
        taker = next((t for t in takers if t in arguments), None)
        if taker is not None and numbers.unit is not None:
            found[taker] = numbers.unit
    return found
