"""Exact words that proteins share: a protein, or the six frames of a nucleic acid, against reference proteins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from benchmate.tools.biology.dna import codon_table, reverse_complement
from benchmate.tools.biology.sequence_records import Entry

_FEWEST_KINDS = 3  # a word with fewer kinds of residues, such as a run of Q, says nothing of its origin
_UNREAD = frozenset("*XBZJ")


class Frame(NamedTuple):
    """A reading of a record. `frame` is 0 for a protein, else +1 to +3, -1 to -3; `letters` is how many letters were read."""

    frame: int
    residues: str
    letters: int


class Shared(NamedTuple):
    """A stretch of residues that stands in a reading and in a reference alike; 0-based, half open, in residues."""

    frame: Frame
    start: int
    end: int
    reference: int
    reference_start: int


class Index:
    """The words of reference proteins, by where they stand."""

    def __init__(self, references: list[str], size: int) -> None:
        self.size = size
        self.words: dict[str, list[tuple[int, int]]] = {}
        for number, residues in enumerate(references):
            for at, word in _words(residues, size):
                self.words.setdefault(word, []).append((number, at))

    def search(self, frames: Iterable[Frame], most: int) -> list[Shared]:
        """Return the stretches shared with the references, each as long as it goes; no more than `most`."""
        found: list[Shared] = []
        for frame in frames:
            open_at: dict[tuple[int, int], tuple[int, int]] = {}  # (reference, diagonal): first and last word
            for at in range(len(frame.residues) - self.size + 1):
                for number, place in self.words.get(frame.residues[at : at + self.size], ()):
                    key = (number, place - at)
                    first, last = open_at.get(key, (at, at))
                    if at > last + 1:  # a gap: the stretch before is done
                        found.append(self._stretch(frame, key, first, last))
                        first = at
                        if len(found) >= most:
                            return found
                    open_at[key] = (first, at)
            found += [self._stretch(frame, key, *span) for key, span in open_at.items()]
            if len(found) >= most:
                return found[:most]
        return found

    def _stretch(self, frame: Frame, key: tuple[int, int], first: int, last: int) -> Shared:
        number, diagonal = key
        return Shared(frame, first, last + self.size, number, first + diagonal)


def _words(residues: str, size: int) -> Iterator[tuple[int, str]]:
    for at in range(len(residues) - size + 1):
        word = residues[at : at + size]
        kinds = set(word)
        if len(kinds) >= _FEWEST_KINDS and not kinds & _UNREAD:
            yield at, word


def frames_of(entry: Entry, size: int) -> list[Frame]:
    """Return a protein as it is, or the six frames of a nucleic acid by the standard code; a circle is read past its origin."""
    letters = entry.letters or ""
    if not entry.nucleic:
        return [Frame(0, letters, len(letters))]
    letters = letters.replace("U", "T")
    if entry.circular:
        letters += letters[: 3 * size - 1]
    code = codon_table(1)
    readings = ((1, letters), (-1, reverse_complement(letters)))
    return [
        Frame(sign * (shift + 1), code.translate(text[shift:]), len(text))
        for sign, text in readings
        for shift in range(3)
    ]


def place_in(entry: Entry, shared: Shared) -> tuple[int, int]:
    """Return where a stretch lies on the record, 1-based on the strand as given, both ends included."""
    frame, size = shared.frame, len(entry.letters or "")
    if not frame.frame:
        return shared.start + 1, shared.end
    shift = abs(frame.frame) - 1
    begin, end = 3 * shared.start + shift, 3 * shared.end + shift
    if frame.frame < 0:  # counted from the end of what was read
        begin, end = frame.letters - end, frame.letters - begin
    return begin % size + 1, (end - 1) % size + 1
