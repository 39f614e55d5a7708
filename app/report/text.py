"""Text from outside made fit to show: no control characters, in blocks, ids and unbacked numbers found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

# Control characters, lone surrogates, and what reorders or hides the text around it: the embeddings and isolates of
# UAX #9, and U+FEFF.
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
_ID = r"\b[CE]-[0-9a-f]{6,64}\b"
_BULLET = re.compile(r"\s*[-*•]\s+(?=\S)")

RunKind = Literal["plain", "unbacked", "link", "dangling"]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of prose. A `link` leads to `target`; a `dangling` id is in no part of the report."""

    text: str
    kind: RunKind = "plain"
    target: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph (one item) or a list of bullets, each item a row of runs."""

    bullets: bool
    items: tuple[tuple[Run, ...], ...]


def plain_text(text: str) -> str:
    """Return `text` with U+FFFD for each character that commands a screen or reorders a document."""
    return _UNFIT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Return `text` on one line, as `plain_text` has it."""
    return " ".join(plain_text(text).split())


def shortened(text: str, length: int) -> str:
    """Return at most `length` characters of `text`, saying how many were left out."""
    left = len(text) - length
    return text if left <= 0 else f"{text[:length]}… ({left} more characters)"


def words_of(name: str) -> str:
    """Return a snake_case name as words: 'molecular weight'."""
    return one_line(name.replace("_", " "))


def blocks_of(text: str, anchors: Mapping[str, str], unbacked: Sequence[str]) -> tuple[Block, ...]:
    """Return prose as paragraphs and bullet lists. `anchors` says where the ids in it lead."""
    blocks: list[Block] = []
    for paragraph in re.split(r"\n\s*\n", plain_text(text).strip()):
        lines = [line for line in paragraph.split("\n") if line.strip()]
        prose: list[str] = []
        bullets: list[str] = []
        for line in lines:
            if _BULLET.match(line):
                bullets.append(_BULLET.sub("", line, count=1))
            elif bullets:
                bullets[-1] += f" {line.strip()}"
            else:
                prose.append(line.strip())
        if prose:
            blocks.append(Block(False, (runs_of(" ".join(prose), anchors, unbacked),)))
        if bullets:
            blocks.append(Block(True, tuple(runs_of(item, anchors, unbacked) for item in bullets)))
    return tuple(blocks)


def runs_of(text: str, anchors: Mapping[str, str], unbacked: Sequence[str]) -> tuple[Run, ...]:
    """Return one line of prose cut into plain stretches, ids and numbers that nothing backs."""
    return tuple(_runs(one_line(text), anchors, unbacked))


def _runs(text: str, anchors: Mapping[str, str], unbacked: Sequence[str]) -> Iterator[Run]:
    pattern = re.compile("|".join([_ID, *_number_patterns(text, unbacked)]))
    end = 0
    for found in pattern.finditer(text):
        if found.start() > end:
            yield Run(text[end : found.start()])
        word, end = found[0], found.end()
        if not re.fullmatch(_ID, word):
            yield Run(word, "unbacked")
        elif word in anchors:
            yield Run(word, "link", anchors[word])
        else:
            yield Run(word, "dangling")
    if end < len(text):
        yield Run(text[end:])


def _number_patterns(text: str, unbacked: Sequence[str]) -> Iterator[str]:
    """Yield a pattern for each unbacked number: a word of its own, or in a word where it is nowhere else."""
    numbers = {n for n in map(one_line, unbacked) if n}
    for number in sorted(numbers, key=lambda n: (-len(n), n)):
        literal = re.escape(number)
        alone = rf"(?<!\w)(?<!\d[.,]){literal}(?!\w)(?![.,]\d)"
        inside = rf"(?<!\d)(?<!\d[.,]){literal}(?!\d)(?![.,]\d)"
        yield alone if re.search(alone, text) else inside
