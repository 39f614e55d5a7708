"""The search for the coding sequence with the best score that keeps out motifs, runs and extremes of GC."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence as Row
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.biology.dna import reverse_complement
from benchmate.tools.biology.sequences import NUCLEOTIDE_CODES

MOST_STATES = 500  # partial sequences that are followed at once


class Choice(NamedTuple):
    """A codon that may stand at a place, and what it scores there."""

    codon: str
    score: float


@dataclass(frozen=True)
class Limits:
    """What must not occur: motifs by what they are called, on either strand; longer runs of a base; windows outside `gc`."""

    motifs: dict[str, str]
    longest_run: int
    gc: tuple[float, float] | None  # fractions
    window: int
    _patterns: dict[str, re.Pattern[str]] = field(init=False, default_factory=dict)
    _any: list[re.Pattern[str]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        run = "|".join(f"{base}{{{self.longest_run + 1}}}" for base in "ACGT")
        forms = {name: both_strands(motif) for name, motif in self.motifs.items()}
        forms[f"runs longer than {self.longest_run}"] = run
        self._patterns.update((name, re.compile(form)) for name, form in forms.items())
        self._any.append(re.compile("|".join(forms.values())))

    @property
    def span(self) -> int:
        """How many bases before a new one can make a motif with it, at least one."""
        return max([1, *(len(motif) - 1 for motif in self.motifs.values())])

    @property
    def reach(self) -> int:
        """How many bases before a new one can make a motif or a run with it."""
        return max(self.longest_run, self.span)

    def ending(self, text: str) -> tuple[str, int, int]:
        """Return all that matters of a text for what may follow it: its last bases, the run at its end, the GC of its last window."""
        window = text[-self.window :] if self.gc else ""
        run = len(text) - len(text.rstrip(text[-1]))
        return text[-self.span :], run, window.count("G") + window.count("C")

    def broken(self, text: str) -> list[str]:
        """Return what of the motifs and runs occurs in `text`."""
        return [name for name, pattern in self._patterns.items() if pattern.search(text)]

    def allows(self, text: str) -> bool:
        return self._any[0].search(text) is None

    def balanced(self, text: str) -> bool:
        """Return whether the GC content of a window lies within the limits."""
        if self.gc is None:
            return True
        share = (text.count("G") + text.count("C")) / len(text)
        return self.gc[0] - 1e-9 <= share <= self.gc[1] + 1e-9


class _Path(NamedTuple):
    score: float
    tail: str  # the last bases, as many as any limit looks back
    codons: tuple[_Path | None, str]  # the path before, and the codon that was added


class Found(NamedTuple):
    """The sequence, and whether no better one can exist: no path that was dropped could have come to its score."""

    dna: str
    exhaustive: bool


def both_strands(motif: str) -> str:
    """Return a regular expression for a motif of IUPAC codes on either strand."""
    forms = dict.fromkeys((motif, reverse_complement(motif)))
    return "|".join("".join(f"[{NUCLEOTIDE_CODES[letter]}]" for letter in form) for form in forms)


def search(places: Row[Row[Choice]], limits: Limits) -> Found:
    """Return the sequence of the highest total score that the limits allow, one choice for each place.

    Codon after codon, the best path to every ending is kept (Viterbi). Beyond 500 endings the best are followed.

    Raises InvalidInput (`no_solution`) that names the first place without a codon, and what stands against it.
    """
    reach = limits.reach
    back = max(reach, limits.window + 2 if limits.gc else 0)
    paths = [_Path(0.0, "", (None, ""))]
    to_come = sum(max((choice.score for choice in choices), default=0.0) for choices in places)  # at most
    lost = -math.inf  # what a path that was dropped could have scored at most
    length = 0
    for number, choices in enumerate(places, 1):
        best: dict[tuple[str, int, int], _Path] = {}
        for path in paths:
            near = path.tail[-reach:]
            for codon, score in choices:
                if not limits.allows(near + codon):
                    continue
                text = path.tail + codon
                if not _windows_balanced(text, length + 3, limits):
                    continue
                ending = limits.ending(text)
                total = path.score + score
                if ending not in best or total > best[ending].score:
                    best[ending] = _Path(total, text[-back:], (path, codon))
        if not best:
            raise _blocked(number, paths, choices, limits)
        length += 3
        to_come -= max(choice.score for choice in choices)
        paths = sorted(best.values(), key=lambda path: (-path.score, path.tail))
        if len(paths) > MOST_STATES:
            lost = max(lost, paths[MOST_STATES].score + to_come)
            paths = paths[:MOST_STATES]
    whole = [path for path in paths if length >= limits.window or limits.balanced(path.tail)]
    if not whole:
        raise _blocked(len(places), paths, places[-1], limits)
    return Found(_written(whole[0]), limits.gc is None and whole[0].score >= lost - 1e-9)


def _windows_balanced(text: str, length: int, limits: Limits) -> bool:
    if limits.gc is None or length < limits.window:
        return True
    ends = range(len(text) - min(3, length - limits.window + 1) + 1, len(text) + 1)
    return all(limits.balanced(text[end - limits.window : end]) for end in ends)


def _blocked(number: int, paths: list[_Path], choices: Row[Choice], limits: Limits) -> InvalidInput:
    against = {
        name
        for path in paths
        for codon, _ in choices
        for name in limits.broken(path.tail[-limits.reach :] + codon)
    }
    if limits.gc is not None:
        against.add(f"GC of {100 * limits.gc[0]:g} to {100 * limits.gc[1]:g} % in {limits.window} bases")
    named = ", ".join(sorted(against))
    return InvalidInput(
        "no_solution", f"no codon fits at residue {number}; in the way: {named}", hint="allow one of these, or widen the limits",
        details={"residue": number, "against": sorted(against)},
    )  # fmt: skip


def _written(path: _Path | None) -> str:
    codons = []
    while path is not None:
        path, codon = path.codons
        codons.append(codon)
    return "".join(reversed(codons))
