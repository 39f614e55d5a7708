"""Fractional factorial designs: generators, defining relation, resolution, aliases, and blocks by confounding.

A word is a set of factors (by their place); words multiply by symmetric difference. Formulas: Box, Hunter and Hunter,
Statistics for Experimenters, 2nd ed. (2005), chapter 6.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmate.runtime.errors import InvalidInput

Word = frozenset[int]
LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
# Designs of least aberration: Box, Hunter and Hunter (2005), table 6.22; (factors, generators): words of the added factors
STANDARD: dict[tuple[int, int], tuple[str, ...]] = {
    (3, 1): ("C=AB",), (4, 1): ("D=ABC",), (5, 1): ("E=ABCD",), (5, 2): ("D=AB", "E=AC"), (6, 1): ("F=ABCDE",),
    (6, 2): ("E=ABC", "F=BCD"), (6, 3): ("D=AB", "E=AC", "F=BC"), (7, 1): ("G=ABCDEF",), (7, 2): ("F=ABCD", "G=ABDE"),
    (7, 3): ("E=ABC", "F=BCD", "G=ACD"), (7, 4): ("D=AB", "E=AC", "F=BC", "G=ABC"),
    (8, 2): ("G=ABCD", "H=ABEF"), (8, 3): ("F=ABC", "G=ABD", "H=BCDE"), (8, 4): ("E=BCD", "F=ACD", "G=ABC", "H=ABD"),
    (9, 3): ("G=ABCD", "H=ACEF", "J=CDEF"), (9, 4): ("F=BCDE", "G=ACDE", "H=ABDE", "J=ABCE"),
    (9, 5): ("E=ABC", "F=BCD", "G=ACD", "H=ABD", "J=ABCD"),
    (10, 5): ("F=ABCD", "G=ABCE", "H=ABDE", "J=ACDE", "K=BCDE"),
    (10, 6): ("E=ABC", "F=BCD", "G=ACD", "H=ABD", "J=ABCD", "K=AB"),
    (11, 6): ("F=ABC", "G=BCD", "H=CDE", "J=ACD", "K=ADE", "L=BDE"),
    (11, 7): ("E=ABC", "F=BCD", "G=ACD", "H=ABD", "J=ABCD", "K=AB", "L=AC"),
}  # fmt: skip


def parse_generators(generators: Sequence[str], factors: int) -> list[tuple[int, Word, int]]:
    """Return (added factor, word of base factors, sign) of generators such as 'D=AB' or 'E=-ABC'.

    Raises InvalidInput (`bad_generator`).
    """
    base = factors - len(generators)
    parsed = []
    for place, text in enumerate(generators):
        left, _, right = text.replace(" ", "").upper().partition("=")
        sign = -1 if right.startswith("-") else 1
        letters = right.lstrip("+-")
        expected = LETTERS[base + place] if base + place < len(LETTERS) else "?"
        word = frozenset(LETTERS.find(letter) for letter in letters)
        if (
            left != expected
            or len(word) != len(letters)
            or len(word) < 2
            or not all(0 <= i < base for i in word)
        ):
            raise InvalidInput(
                "bad_generator", f"{text!r} is no generator of the factor {expected}",
                hint=f"write {expected} = a product of two or more of {', '.join(LETTERS[: max(base, 0)])}, as in '{expected}=AB'",
            )  # fmt: skip
        parsed.append((base + place, word, sign))
    return parsed


def defining_relation(generators: Iterable[tuple[int, Word, int]]) -> dict[Word, int]:
    """Return every word that equals the identity, with its sign."""
    words: dict[Word, int] = {frozenset(): 1}
    for factor, word, sign in generators:
        generator = word | {factor}
        words |= {w ^ generator: s * sign for w, s in words.items()}
    words.pop(frozenset())
    return words


def resolution(relation: Iterable[Word]) -> int | None:
    """Return the length of the shortest word, or None for a full factorial."""
    return min(map(len, relation), default=None)


def aliases(relation: dict[Word, int], factors: int, longest: int = 2) -> list[dict[str, Any]]:
    """Return the main effects and two-factor interactions, each with what of at most `longest` factors it is mixed with."""
    effects = [frozenset(c) for size in (1, 2) for c in itertools.combinations(range(factors), size)]
    seen: set[Word] = set()
    rows: list[dict[str, Any]] = []
    for effect in effects:
        if effect in seen:
            continue
        mixed = {effect ^ word: sign for word, sign in relation.items()}
        short = sorted((w for w in mixed if 0 < len(w) <= longest), key=lambda w: (len(w), spell(w)))
        seen |= {w for w in short if len(w) > 1 or len(effect) > 1}
        if short:
            rows.append(
                {
                    "effect": spell(effect),
                    "aliases": [("-" if mixed[w] < 0 else "") + spell(w) for w in short],
                }
            )
    return rows


def spell(word: Word) -> str:
    """Return a word in letters: {0, 1} is AB."""
    return "".join(LETTERS[i] for i in sorted(word))


def two_level_design(factors: int, generators: Sequence[tuple[int, Word, int]]) -> NDArray[np.float64]:
    """Return the runs in standard order, the first factor changing fastest. [runs, factors], coded -1 and +1."""
    base = factors - len(generators)
    runs = np.array(list(itertools.product((-1.0, 1.0), repeat=base)))[:, ::-1]
    added = [sign * np.prod(runs[:, sorted(word)], axis=1) for _, word, sign in generators]
    return np.column_stack([runs, *added])


def split_into_blocks(
    design: NDArray[np.float64], relation: dict[Word, int], blocks: int
) -> tuple[NDArray[np.int64], list[Word]]:
    """Return the block of each run (from 1), and the effects that are lost between blocks, the longest possible ones.

    Raises InvalidInput (`bad_blocks`).
    """
    runs, factors = design.shape
    needed = blocks.bit_length() - 1
    if 2**needed != blocks or blocks > runs // 2:
        raise InvalidInput(
            "bad_blocks",
            f"{runs} runs do not split into {blocks} blocks",
            hint="blocks of a 2-level design: 2, 4, 8 …",
        )
    words = [
        frozenset(c) for size in range(2, factors + 1) for c in itertools.combinations(range(factors), size)
    ]
    words = [w for w in words if w not in relation][:400]

    def shortest(word: Word) -> int:
        return min([len(word), *(len(word ^ other) for other in relation)])

    best: tuple[list[int], tuple[Word, ...], list[Word]] | None = None
    long_first = sorted(words, key=lambda w: -shortest(w))[:40]
    for chosen in itertools.combinations(long_first, needed):
        lost: set[Word] = {frozenset()}
        for word in chosen:
            lost |= {w ^ word for w in lost}
        lost.discard(frozenset())
        if len(lost) < blocks - 1 or any(w in relation for w in lost):
            continue
        score = sorted(map(shortest, lost))  # the shortest word counts first
        if best is None or score > best[0]:
            best = (score, chosen, sorted(lost, key=lambda w: (len(w), spell(w))))
    if best is None:
        raise InvalidInput("bad_blocks", f"the design does not split into {blocks} blocks")
    signs = [np.prod(design[:, sorted(word)], axis=1) > 0 for word in best[1]]
    number = sum(sign.astype(np.int64) * 2**place for place, sign in enumerate(signs))
    return np.asarray(number) + 1, best[2]
