"""Patterns of sequences: PROSITE syntax and IUPAC consensus are read into elements, and matched without regular expressions."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.biology.dna import COMPLEMENT
from benchmate.tools.biology.sequences import AMINO_ACIDS, NUCLEOTIDE_CODES

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["protein", "nucleotide"]

LONGEST_PATTERN = 500  # characters
LONGEST_MATCH = 300  # letters
_RESIDUES = frozenset(AMINO_ACIDS + "UO")
_EITHER = {"B": frozenset("DN"), "Z": frozenset("EQ"), "J": frozenset("IL")}
_BASES = frozenset("ACGT")
_ELEMENT = re.compile(
    r"(?P<what>\[[^\[\]{}]*\]|\{[^\[\]{}]*\}|[A-Za-z])(?P<repeat>\((?P<least>\d{1,4})(?:,(?P<most>\d{1,4}))?\))?"
)
_OTHER_SYNTAX = {
    "/": "write alternatives as [ST]", "|": "write alternatives as [ST]", ".": "write x for any letter", "*": "give a range, as in x(0,5)",
    "+": "give a range, as in x(1,5)", "^": "write {P} for anything but P", "?": "give a range, as in x(0,1)", "(": "a repeat stands behind its letter: A(3)",
    "<": "< stands at the beginning alone", ">": "> stands at the end, or last in the brackets of the last element: [G>]",
}  # fmt: skip


@dataclass(frozen=True)
class Element:
    """One element: the letters it stands for, and how often. `anything` is x; `or_end` also matches the end, as [G>] does."""

    text: str
    letters: frozenset[str]
    least: int = 1
    most: int = 1
    anything: bool = False
    or_end: bool = False


@dataclass(frozen=True)
class Pattern:
    """A pattern of a protein or of nucleic acid, with its anchors."""

    text: str
    kind: Kind
    elements: tuple[Element, ...]
    at_start: bool = False
    at_end: bool = False

    @property
    def shortest(self) -> int:
        return sum(e.least for e in self.elements) - self.elements[-1].or_end

    @property
    def longest(self) -> int:
        return sum(e.most for e in self.elements)

    @property
    def variable(self) -> bool:
        return any(e.most > e.least for e in self.elements)

    @functools.cached_property
    def palindromic(self) -> bool:
        """Whether the pattern reads the same on the opposite strand, so that one search finds the hits of both."""
        if self.kind == "protein" or self.at_start or self.at_end or self.elements[-1].or_end:
            return False
        one = [e for e in self.elements for _ in range(e.least if e.least == e.most else 1)]
        there = [(e.letters, e.most - e.least, e.least if e.most > e.least else 1) for e in one]
        back = [
            (frozenset("".join(ls).translate(COMPLEMENT)), gap, least) for ls, gap, least in reversed(there)
        ]
        return there == back


class Span(NamedTuple):
    """A match, 0-based and half open on the strand that was searched; `end` may lie beyond the origin of a circle."""

    start: int
    end: int


def parse_pattern(given: str, kind: Kind) -> Pattern:
    """Return a pattern in PROSITE syntax, `C-x(2,4)-C`, or a consensus without hyphens, `TATAWAAR`, `RGD`.

    Elements are a letter, x for any, [ST] for one of these, {P} for any but these, each with a count, A(3), and x with a range,
    x(2,4); < and > tie the pattern to the ends. For nucleic acid letters are IUPAC codes and U is T. After the PROSITE user manual,
    section IV.E.

    Raises InvalidInput: `bad_pattern` naming the element, `pattern_too_long`.
    """
    if len(given) > LONGEST_PATTERN:
        raise InvalidInput(
            "pattern_too_long", f"the pattern has {len(given)} characters, more than {LONGEST_PATTERN}"
        )
    text = "".join(given.split()).removesuffix(".")
    at_start, at_end = text.startswith("<"), text.endswith(">")
    body = text[1:] if at_start else text
    body = body[:-1] if at_end else body
    body = body.removeprefix("-") if at_start else body
    body = body.removesuffix("-") if at_end else body
    if not body:
        raise _bad(given, "it has no element")
    elements: list[Element] = []
    position = 0
    while position < len(body):
        found = _ELEMENT.match(body, position)
        number = len(elements) + 1
        if found is None:
            sign = body[position]
            if sign in "[{":
                raise _bad(
                    given,
                    f"the bracket of element {number}, {body[position : position + 12]!r}, is not closed",
                )
            raise _bad(given, f"{sign!r} cannot begin element {number}", _OTHER_SYNTAX.get(sign))
        position = found.end()
        elements.append(_element(given, found, number, kind, last=position == len(body)))
        if position < len(body) and body[position] == "-":
            position += 1
            if position == len(body):
                raise _bad(given, "it ends with a hyphen")
    if all(e.anything for e in elements):
        raise _bad(given, "x alone matches everything")
    pattern = Pattern(text, kind, tuple(elements), at_start, at_end)
    if pattern.longest > LONGEST_MATCH:
        raise InvalidInput(
            "pattern_too_long", f"the pattern can match {pattern.longest} letters, more than {LONGEST_MATCH}"
        )
    return pattern


def _element(given: str, found: re.Match[str], number: int, kind: Kind, *, last: bool) -> Element:
    what, text = found["what"], found[0]
    called = f"element {number}, {text!r}"
    or_end = what.startswith("[") and what.endswith(">]")
    if or_end and not last:
        raise _bad(given, f"{called}: the end stands in the last element alone")
    inside = what.strip("[]{}").removesuffix(">") if or_end else what.strip("[]{}")
    if not inside:
        raise _bad(given, f"{called} is empty")
    anything = len(what) == 1 and what in ("x", "X", *(("N", "n") if kind == "nucleotide" else ()))
    letters = frozenset() if anything else _letters(given, inside.upper(), called, kind)
    every = _BASES if kind == "nucleotide" else _RESIDUES
    if anything:
        letters = every
    elif what.startswith("{"):
        letters = every - letters
        if not letters:
            raise _bad(given, f"{called} leaves no letter")
    least = int(found["least"]) if found["repeat"] else 1
    most = int(found["most"]) if found["most"] else least
    if found["most"] and not anything:
        raise _bad(given, f"{called}: a range stands with x alone", "give one number, as in A(3)")
    if most < least or most == 0:
        raise _bad(given, f"{called}: the range is empty")
    if or_end and most > 1:
        raise _bad(given, f"{called}: an element with the end stands once")
    return Element(text, letters, least, most, anything, or_end)


def _letters(given: str, inside: str, called: str, kind: Kind) -> frozenset[str]:
    found: set[str] = set()
    for letter in inside:
        if kind == "nucleotide" and letter in NUCLEOTIDE_CODES:
            found |= set(NUCLEOTIDE_CODES[letter])
        elif kind == "protein" and letter in _EITHER:
            found |= _EITHER[letter]
        elif kind == "protein" and letter in _RESIDUES:
            found.add(letter)
        else:
            what = "base code" if kind == "nucleotide" else "amino-acid code"
            raise _bad(given, f"{called}: {letter!r} is no {what}", _OTHER_SYNTAX.get(letter))
    return frozenset(found)


def _bad(given: str, why: str, hint: str | None = None) -> InvalidInput:
    return InvalidInput(
        "bad_pattern", f"{given.strip()[:80]!r} is no pattern: {why}", hint=hint or "as in N-{P}-[ST]-{P}, C-x(2,4)-C or TATAWAAR",
        details={"pattern": given[:LONGEST_PATTERN]},
    )  # fmt: skip


def find_matches(pattern: Pattern, letters: str, *, circular: bool = False) -> list[Span]:
    """Return the matches, the longest one at each start, overlapping ones too.

    From the last element to the first, `ends[p]` is the furthest end of a match that begins at p, or -1. The work is the length of
    the sequence times that of the pattern, whatever the pattern. A letter that is not determined matches where all that it stands for
    does.
    """
    import numpy as np

    size = len(letters)
    if pattern.shortest > size:
        return []
    text = letters + letters[: pattern.longest - 1] if circular else letters
    codes = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    ends = np.arange(len(codes) + 1, dtype=np.int32)
    if pattern.at_end:
        ends[:-1] = -1
    for element in reversed(pattern.elements):
        matches = _table(element, pattern.kind)[codes]
        after = ends
        for _ in range(element.least):
            after = _step(after, matches)
        best = after
        for _ in range(element.most - element.least):
            after = _step(after, matches)
            best = np.maximum(best, after)
        if element.or_end:
            best[-1] = ends[-1]
        ends = best
    starts = np.flatnonzero(ends[:size] >= 0)
    if pattern.at_start:
        starts = starts[starts == 0]
    return [Span(int(s), int(ends[s])) for s in starts]


def _step(ends: NDArray[Any], matches: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    before = np.full_like(ends, -1)
    np.copyto(before[:-1], ends[1:], where=matches)
    return before


def _table(element: Element, kind: Kind) -> NDArray[Any]:
    """Return for each character code whether the element matches it."""
    import numpy as np

    table = np.zeros(128, dtype=bool)
    for letter in matched_letters(element, kind):
        table[ord(letter)] = True
    return table


def matched_letters(element: Element, kind: Kind) -> frozenset[str]:
    """Return the letters of a sequence that an element matches, codes for several letters among them."""
    if kind == "nucleotide":
        return frozenset(code for code, bases in NUCLEOTIDE_CODES.items() if set(bases) <= element.letters)
    either = {code for code, both in _EITHER.items() if both <= element.letters}
    return element.letters | either | ({"X"} if element.anything else set())


def expected_matches(pattern: Pattern, letters: str, *, circular: bool = False) -> float:
    """Return how many matches are expected if the letters stood in random order, each place for itself.

    The product of the shares of matching letters, times the places where a match can begin; with ranges, the sum over all lengths,
    which counts a start with two lengths twice and so is an upper bound.
    """
    size = len(letters)
    shares = {letter: letters.count(letter) / size for letter in set(letters)}
    odds = [math.fsum(shares.get(x, 0.0) for x in matched_letters(e, pattern.kind)) for e in pattern.elements]
    counts = {0: 1.0}  # probability by length
    for element, share in zip(pattern.elements, odds, strict=True):
        grown: dict[int, float] = {}
        for length, chance in counts.items():
            for repeat in range(element.least, element.most + 1):
                grown[length + repeat] = grown.get(length + repeat, 0.0) + chance * share**repeat
        counts = grown
    total = math.fsum(chance * _places(pattern, length, size, circular) for length, chance in counts.items())
    if pattern.elements[-1].or_end:
        rest = replace(pattern, elements=pattern.elements[:-1], at_end=True)
        total += expected_matches(rest, letters, circular=False) if rest.elements else 0.0
    return total


def _places(pattern: Pattern, length: int, size: int, circular: bool) -> int:
    if length > size:
        return 0
    if pattern.at_start and pattern.at_end:
        return int(length == size)
    if pattern.at_start or pattern.at_end:
        return 1
    return size if circular else size - length + 1
