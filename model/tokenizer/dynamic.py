"""The dynamic tokenizer: plain text in the ids of its base, SMILES and FASTA spans each in ids of their own.

Ids, in order: those of the base, `CONTROLS` tags and reserved ids, the SMILES segment, the FASTA segment; the size is
rounded up to a multiple of 128 for the embedding matrix. Method: the dynamic tokenizer of Intern-S1 (arXiv 2508.15763,
section 2.2), with a vocabulary and a detector of our own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any, Literal

from tokenizers import Tokenizer

from benchmate.model.tokenizer import detection
from benchmate.model.tokenizer.base import size_of
from benchmate.model.tokenizer.spans import TAGS, Kind, Part, Span, contents_of, parts_of, spans_of
from benchmate.model.tokenizer.vocabulary import Segment, Vocabulary
from benchmate.runtime.errors import InvalidInput

CONTROLS = 64  # ids between the base's and the segments': tags, reserved ones, and those that `merged` needs
JOINTS = 5  # the last of them
MULTIPLE = 128
SegmentName = Literal["SMILES", "FASTA"]
SEGMENTS: tuple[SegmentName, ...] = ("SMILES", "FASTA")


def control_tokens() -> list[str]:
    """Return the tags and what is reserved after them, in the order of their ids."""
    return [*TAGS, *(f"<|science_{number}|>" for number in range(CONTROLS - JOINTS - len(TAGS)))]


class DynamicTokenizer:
    """Encodes texts to ids and back without loss.

    `base` is a `tokenizer.json` as data; `vocabularies` are those of SMILES and FASTA. Without `detect`, only what is
    tagged is a span. `atom_level` gives one token an atom and a residue, in the same ids; `dropout` leaves that share
    of merges out at random, for training. `special_tokens` are the base's `bos_token`, `eos_token` and `pad_token`.
    """

    scheme = "dynamic"

    def __init__(
        self,
        base: dict[str, Any],
        vocabularies: dict[SegmentName, Vocabulary],
        *,
        detect: bool = True,
        atom_level: bool = False,
        dropout: float | None = None,
        special_tokens: dict[str, str] | None = None,
    ) -> None:
        self.base, self.detect, self.special_tokens = base, detect, special_tokens or {}
        self.base_size = size_of(base)
        self.controls = {t: self.base_size + n for n, t in enumerate(control_tokens())}
        self.segments: dict[SegmentName, Segment] = {}
        end = self.base_size + CONTROLS
        for name in SEGMENTS:
            self.segments[name] = Segment(vocabularies[name], end, atom_level=atom_level, dropout=dropout)
            end = self.segments[name].end_id
        self.vocab_size = end
        self.padded_size = -(-end // MULTIPLE) * MULTIPLE
        self._control_of = {number: token for token, number in self.controls.items()}

    @cached_property
    def _text(self) -> Tokenizer:
        return Tokenizer.from_str(json.dumps(self.base))

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits: equal where the same text gives the same ids, and ids mean the same."""
        segments = {name: s.vocabulary for name, s in self.segments.items()}
        whole = json.dumps([self.base, segments, TAGS, detection.VERSION], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text. Much faster than one by one."""
        return self._encode([parts_of(text, self.detect) for text in texts])

    def encode_strings(self, kind: SegmentName, strings: Sequence[str]) -> list[list[int]]:
        """Return the ids of strings that are SMILES or FASTA as a whole, without tags: a column of a table."""
        return self._encode([list(contents_of(kind, string)) for string in strings])

    def _encode(self, texts: list[list[Part]]) -> list[list[int]]:
        found = {name: iter(s.encode_batch([p.text for parts in texts for p in parts if p.kind == name]))
                 for name, s in self.segments.items()}  # fmt: skip
        plain = [p.text for parts in texts for p in parts if p.kind == "text"]
        in_base = iter(self._text.encode_batch_fast(plain, add_special_tokens=False) if plain else ())
        result = []
        for parts in texts:
            ids: list[int] = []
            for kind, text in parts:
                if kind == "tag":
                    ids.append(self.controls[text])
                elif kind == "text":
                    ids += next(in_base).ids
                else:
                    ids += next(found[kind])
            result.append(ids)
        return result

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids. Raises InvalidInput (`unknown_token_id`) for an id that nothing has."""
        texts = []
        for kind, group in groupby(ids, self.kind_of):
            if kind == "text":
                texts.append(self._text.decode(list(group), skip_special_tokens=False))
            elif kind == "tag":
                texts += [self._control_of[number] for number in group]
            else:
                segment = self.segments[kind]
                texts += [segment.pieces[number - segment.first_id] for number in group]
        return "".join(texts)

    def decode_batch(self, batch: Iterable[Iterable[int]]) -> list[str]:
        """Return the text of each sequence of ids."""
        return [self.decode(ids) for ids in batch]

    def tokenize(self, text: str) -> list[tuple[str, Kind]]:
        """Return the piece of text of each token, and what it belongs to. A piece of a cut character reads '�'."""
        return [(self.decode([number]), self.kind_of(number)) for number in self.encode(text)]

    def spans(self, text: str) -> list[Span]:
        """Return the SMILES and FASTA spans of a text, tagged and detected."""
        return list(spans_of(text, self.detect))

    def kind_of(self, number: int) -> Kind:
        """Return what an id belongs to. Raises InvalidInput (`unknown_token_id`)."""
        if 0 <= number < self.base_size:
            return "text"
        if number in self._control_of:
            return "tag"
        for name, segment in self.segments.items():
            if segment.first_id <= number < segment.end_id:
                return name
        raise InvalidInput(
            "unknown_token_id",
            f"no token has the id {number}",
            hint=f"the ids of this tokenizer end at {self.vocab_size - 1}; fingerprint {self.fingerprint}",
        )
