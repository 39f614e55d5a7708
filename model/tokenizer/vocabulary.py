"""The learnt vocabularies of SMILES and FASTA spans, as files in this package and as tokenizers."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple

from tokenizers import Regex, Tokenizer, models, pre_tokenizers

ASCII = [chr(code) for code in range(128)]  # all of it, so that whatever stands between two tags has an id
Merge = tuple[str, str]


class Vocabulary(NamedTuple):
    """Symbols of several characters that are made first (atoms), then the learnt merges, most frequent first."""

    atoms: list[str]
    merges: list[Merge]

    def first(self, merges: int) -> Vocabulary:
        """Return the vocabulary with no more than the first `merges` merges: what training for fewer would have given."""
        return Vocabulary(self.atoms, self.merges[:merges])

    @property
    def chains(self) -> list[Merge]:
        """The merges that build each atom from the left, one character at a time.

        'Cl' and 'Br' come first, as the longer symbols begin with their letters.
        """
        made: dict[Merge, None] = {}
        for atom in sorted(self.atoms, key=lambda a: (a not in ("Cl", "Br"), len(a), a)):
            left, *rest = [atom[0], *atom[1:]] if atom in ("Cl", "Br") else _pieces(atom)
            for piece in rest:
                made[left, piece] = None
                left += piece
        return list(made)

    @property
    def all_merges(self) -> list[Merge]:
        """The merges by their rank: chains first."""
        return list(dict.fromkeys([*self.chains, *self.merges]))

    def rare_atom(self, written: Callable[[str], str] = str) -> str:
        """Return a regular expression of atoms in brackets that are no symbol: merges do not reach across their brackets.

        `written` gives how a string stands in the text that is searched, one character for one.
        """
        known = "|".join(re.escape(written(atom)) for atom in self.atoms if atom[0] == "[")
        opened, closed = re.escape(written("[")), re.escape(written("]"))
        return (
            rf"(?!{known}){opened}[^{opened}{closed}]*{closed}"
            if known
            else rf"{opened}[^{opened}{closed}]*{closed}"
        )

    @property
    def pieces(self) -> list[str]:
        """Every piece once, by its id within the segment: ASCII, partial and whole atoms, merged pieces."""
        return list(dict.fromkeys([*ASCII, *(a + b for a, b in self.all_merges)]))


def _pieces(atom: str) -> list[str]:
    parts, at = [], 0
    while at < len(atom):
        size = 2 if atom[at : at + 2] in ("Cl", "Br") else 1
        parts.append(atom[at : at + size])
        at += size
    return parts


def read(name: str) -> Vocabulary:
    """Return the vocabulary that ships under a name ('smiles', 'fasta')."""
    return parse(files(__package__).joinpath("vocabularies", f"{name}.txt").read_text("utf-8"))


def parse(text: str) -> Vocabulary:
    """Read the file's form: one atom a line, then one merge a line, its two parts with a space between them."""
    rows = [line.split(" ") for line in text.splitlines()]
    atoms = [row[0] for row in rows if len(row) == 1]
    return Vocabulary(atoms, [(row[0], row[1]) for row in rows if len(row) == 2])


def write(vocabulary: Vocabulary) -> str:
    """Return the vocabulary in the form that `parse` reads."""
    lines = [*vocabulary.atoms, *(f"{left} {right}" for left, right in vocabulary.merges)]
    return "".join(f"{line}\n" for line in lines)


class Segment:
    """The ids from `first_id` on, of one kind of span: encodes ASCII text into them, and knows the text of each.

    `atom_level` leaves the learnt merges away: one token an atom (a residue), in the same ids. `dropout` is the share of
    merges that is left out at random (BPE-dropout, Provilkov et al. 2020), for training.
    """

    def __init__(
        self, vocabulary: Vocabulary, first_id: int, *, atom_level: bool = False, dropout: float | None = None
    ) -> None:
        self.vocabulary, self.first_id = vocabulary, first_id
        self.pieces = vocabulary.pieces
        self.atom_level, self.dropout = atom_level, dropout

    @property
    def end_id(self) -> int:
        return self.first_id + len(self.pieces)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        merges = self.vocabulary.first(0).all_merges if self.atom_level else self.vocabulary.all_merges
        vocab = {piece: number for number, piece in enumerate(self.pieces)}
        tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, dropout=self.dropout))
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(self.vocabulary.rare_atom()), "isolated")
        return tokenizer

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        """Return the ids of each text. The texts are ASCII."""
        first = self.first_id
        return [[first + n for n in found.ids] for found in self._tokenizer.encode_batch_fast(texts)]
