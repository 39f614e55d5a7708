"""What the tokenizers of Intern-S1 and Intern-S1-Pro take for SMILES, protein and nucleic acid in plain text.

Written after their published behaviour, which must be kept as it is for the ids to be those that a checkpoint was trained on:
ten SMILES units and five letters that RDKit reads, or 27 capitals. RDKit is always used, as it is installed with benchmate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from benchmate.model.tokenizer.units import ELEMENTS

Detector = Callable[[str], Iterator[tuple[int, int]]]

_TWO_LETTERS = "|".join(sorted(element for element in ELEMENTS if len(element) == 2))
_SMILES = re.compile(
    rf"(?![:.=])(?>\[[^\]]+\]|{_TWO_LETTERS}|[BCFHIKNOPSUVWYbcnops]|[()\.=\-#@\d$%*:+/\\]){{10,}}(?<![:.=])"
)
FEWEST_LETTERS = 5
_CAPITALS = re.compile("[A-Z]{27,}")
_NUCLEOTIDES = re.compile("[ATCGU]{27,}")


def smiles(text: str) -> Iterator[tuple[int, int]]:
    """Yield where SMILES begin and end; a candidate that touches a letter is none."""
    for found in _SMILES.finditer(text):
        before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
        if not (_is_letter(before) or _is_letter(after)) and _reads(found[0]):
            yield found.span()


def capitals(text: str) -> Iterator[tuple[int, int]]:
    """Yield where 27 capitals or more stand (Intern-S1)."""
    for found in _CAPITALS.finditer(text):
        yield found.span()


def protein(text: str) -> Iterator[tuple[int, int]]:
    """Yield where 27 capitals or more stand that are not all nucleotides (Intern-S1-Pro)."""
    for found in _CAPITALS.finditer(text):
        if not _NUCLEOTIDES.fullmatch(found[0]):
            yield found.span()


def nucleic_acid(text: str) -> Iterator[tuple[int, int]]:
    """Yield where 27 nucleotides or more stand (Intern-S1-Pro)."""
    for found in _NUCLEOTIDES.finditer(text):
        yield found.span()


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


@lru_cache(maxsize=65_536)
def _reads(candidate: str) -> bool:
    if sum(map(_is_letter, candidate)) < FEWEST_LETTERS:
        return False
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(candidate) is not None
