"""Cutting documents into passages: about 200 words, whole sentences, under one heading, located exactly."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass

WORDS = 200  # the longest passage
OVERLAP = 40  # at most so many words, in whole sentences, are repeated from the passage before
_LONGEST_WORD = 4000  # characters; data in one "word" is cut there
_BREAK = re.compile(r"\r\n|\r|\n")
_BLANK = re.compile(r"(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)\s*")
_SENTENCE = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')\]]))\s+(?=[\"'(\[]?[A-Z0-9])")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NO_SETEXT = re.compile(
    r"\s*(?:[-*+>|#]|\d+[.)]|$)"
)  # a list, a quotation or a table above a rule is no heading


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage: `document[start:end] == text`, on lines `first_line` to `last_line` (1-based, inclusive)."""

    text: str
    start: int
    end: int
    first_line: int
    last_line: int
    heading: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, or a part of a very long one: what passages are made of."""

    start: int
    end: int
    words: int
    ends_paragraph: bool


@dataclass(frozen=True, slots=True)
class _Heading:
    start: int
    body: int  # where the text under it begins
    level: int
    title: str


def cut(document: str, *, markdown: bool) -> list[Piece]:
    """Return the passages of a document in order; those of one section may overlap by some sentences."""
    breaks = [match.end() for match in _BREAK.finditer(document)]
    pieces = []
    for heading, start, end in _sections(document, markdown=markdown):
        for first, last in _passages(list(_units(document, start, end))):
            lines = [bisect.bisect_right(breaks, at) + 1 for at in (first, last - 1)]
            pieces.append(Piece(document[first:last], first, last, lines[0], lines[1], heading))
    return pieces


def _sections(document: str, *, markdown: bool) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Yield (heading path, start, end) of each section, its heading line included.

    A heading with nothing under it is left out unless the document has nothing else.
    """
    headings = list(_headings(document)) if markdown else []
    ends = [heading.start for heading in headings] + [len(document)]
    sections: list[tuple[tuple[str, ...], int, int]] = []
    if document[: ends[0]].strip():
        sections.append(((), 0, ends[0]))
    path: list[_Heading] = []
    for heading, end in zip(headings, ends[1:], strict=True):
        path = [*(upper for upper in path if upper.level < heading.level), heading]
        if document[heading.body : end].strip():
            sections.append((tuple(part.title for part in path), heading.start, end))
    if not sections and document.strip():
        sections.append(((), 0, len(document)))
    yield from sections


def _headings(document: str) -> Iterator[_Heading]:
    """Yield the Markdown headings outside code blocks, `# Title` and underlined ones."""
    fence = ""
    above: list[tuple[int, str]] = [(0, ""), (0, "")]  # the two lines before, with where they start
    for start, end in _spans_between(document, 0, len(document), _BREAK):
        line = document[start:end]
        mark = _FENCE.match(line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and (atx := _ATX.match(line)):
            yield _Heading(start, end, len(atx[1]), atx[2])
            line = ""  # a line of dashes below it is a rule
        elif not fence and (under := _SETEXT.match(line)) and not above[0][1].strip():
            if not _NO_SETEXT.match(above[1][1]):
                yield _Heading(above[1][0], end, 1 if under[1][0] == "=" else 2, above[1][1].strip())
            line = ""
        above = [above[1], (start, "`" if fence else line)]


def _units(document: str, start: int, end: int) -> Iterator[_Unit]:
    for paragraph in _texts_between(document, start, end, _BLANK):
        parts = [
            part
            for sentence in _texts_between(document, *paragraph, _SENTENCE)
            for part in _parts(document, *sentence)
        ]
        for first, last in parts:
            yield _Unit(first, last, len(document[first:last].split()), last == parts[-1][1])


def _parts(document: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of a sentence in parts of at most `WORDS` words, and of no endless words."""
    words = [match.span() for match in re.finditer(rf"\S{{1,{_LONGEST_WORD}}}", document[start:end])]
    group: list[tuple[int, int]] = []
    for word in words:
        if group and (len(group) == WORDS or word[1] - group[0][0] > 4 * _LONGEST_WORD):
            yield start + group[0][0], start + group[-1][1]
            group = []
        group.append(word)
    if group:
        yield start + group[0][0], start + group[-1][1]


def _spans_between(
    document: str, start: int, end: int, separator: re.Pattern[str]
) -> Iterator[tuple[int, int]]:
    at = start
    for match in separator.finditer(document, start, end):
        yield at, match.start()
        at = match.end()
    yield at, end


def _texts_between(
    document: str, start: int, end: int, separator: re.Pattern[str]
) -> Iterator[tuple[int, int]]:
    """Yield the spans between separators that hold text, without the white space around it."""
    for first, last in _spans_between(document, start, end, separator):
        text = document[first:last]
        if text.strip():
            yield first + len(text) - len(text.lstrip()), first + len(text.rstrip())


def _passages(units: list[_Unit]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the passages that the units of one section make.

    A passage takes as many units as fit, and rather ends with a paragraph if it stays half as long at least.
    """
    begin = 0
    while begin < len(units):
        end, words, paragraph_end = begin, 0, None
        while end < len(units) and (end == begin or words + units[end].words <= WORDS):
            words += units[end].words
            end += 1
            if units[end - 1].ends_paragraph and 2 * words >= WORDS:
                paragraph_end = end
        if end < len(units) and paragraph_end:
            end = paragraph_end
        yield units[begin].start, units[end - 1].end
        if end == len(units):
            return
        room = min(OVERLAP, WORDS - units[end].words)
        next_begin = end
        while next_begin - 1 > begin and units[next_begin - 1].words <= room:
            next_begin -= 1
            room -= units[next_begin].words
        begin = next_begin
