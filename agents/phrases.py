"""Phrases whose digits may stand in prose, found fast in a text however many there are."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RUN = re.compile(r"[!-~]+")
_LONGEST_KEY = 8
# Letters that match an ASCII letter when case is ignored.
_FOLD = {**{ord(c): c.lower() for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, 0x130: "i", 0x131: "i", 0x17F: "s", 0x212A: "k"}  # fmt: skip


class Phrases:
    """Texts with digits, each under a piece of it, so that a text's own pieces lead to all that it may hold."""

    def __init__(self, phrases: Iterable[str] = (), *, base: Phrases | None = None) -> None:
        """`base` holds more phrases, which are shared and not copied."""
        self._base = base
        self._phrases: dict[str, None] = {}
        self._by_key: dict[
            str, list[tuple[str, str]]
        ] = {}  # the phrase, and its longest piece without blanks
        self._lengths: set[int] = set()
        self._anywhere: list[str] = []  # without a piece in ASCII
        self.update(phrases)

    def update(self, phrases: Iterable[str]) -> None:
        """Add phrases. Those without a digit excuse nothing and are left out."""
        for phrase in phrases:
            if phrase in self._phrases or not any(map(str.isdigit, phrase)):
                continue
            self._phrases[phrase] = None
            runs = _RUN.findall(phrase)
            if not runs:
                self._anywhere.append(phrase)
                continue
            run = _folded(max(runs, key=len))
            key = run[:_LONGEST_KEY]
            self._by_key.setdefault(key, []).append((phrase, run))
            self._lengths.add(len(key))

    def possible_in(self, text: str) -> list[str]:
        """Return the phrases that may stand in `text`: every one that does, and few others."""
        folded = _folded(text)
        pieces = {folded[i : i + n] for n in self._all_lengths() for i in range(len(folded) - n + 1)}
        found: list[str] = []
        level: Phrases | None = self
        while level is not None:
            found += level._anywhere
            for key in pieces & level._by_key.keys():
                found += [phrase for phrase, run in level._by_key[key] if run in folded]
            level = level._base
        return found

    def _all_lengths(self) -> set[int]:
        return self._lengths | self._base._all_lengths() if self._base else self._lengths


def without(text: str, phrase: str, *, whole_numbers: bool = False) -> str:
    """Return `text` with a blank for each place where it has `phrase`, in any case.

    With `whole_numbers`, not where the phrase would cut a number in two.
    """
    if not phrase:
        return text
    if not phrase.isascii():
        pattern = re.escape(phrase)
        if whole_numbers:
            pattern = rf"(?<![0-9.]){pattern}(?![0-9])"
        return re.sub(pattern, " ", text, flags=re.IGNORECASE)
    folded, wanted = _folded(text), _folded(phrase)
    kept, end, at = [], 0, folded.find(wanted)
    while at >= 0:
        after = at + len(wanted)
        if whole_numbers and (
            text[max(0, at - 1) : at] in _NUMBER_GOES_ON or text[after : after + 1] in _DIGITS
        ):
            at = folded.find(wanted, at + 1)
            continue
        kept.append(text[end:at])
        end = after
        at = folded.find(wanted, after)
    return " ".join([*kept, text[end:]])


_DIGITS = frozenset("0123456789")
_NUMBER_GOES_ON = _DIGITS | {"."}


def _folded(text: str) -> str:
    """Return `text` with its letters in lower case, character for character."""
    return text.lower() if text.isascii() else text.translate(_FOLD)
