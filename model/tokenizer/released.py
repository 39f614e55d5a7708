"""The tokenizers of the released Intern-S1 and Intern-S1-Pro checkpoints: Qwen's BPE and three SentencePiece models.

Their ids are other than those of `DynamicTokenizer`, even where both cut a molecule alike: a checkpoint works with the ids it was
trained on only. They are not lossless: text is put into Unicode's NFC, and '▁' becomes a space.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from benchmate.model.tokenizer import released_detection as detection
from benchmate.runtime.errors import InvalidInput, Unavailable

_WORDS = (  # Qwen2's
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_PROTECTED = ("<MOLFORMULA>", "</MOLFORMULA>")  # have no ids: nothing is detected between them
_S1_GAP = 26  # ids of added tokens between the vocabulary of Intern-S1 and its segments


class Layout(NamedTuple):
    """The segments of a release by name, the names of the tags of each, and what is detected as which, in order."""

    tags: dict[str, tuple[str, ...]]
    detectors: tuple[tuple[detection.Detector, str], ...]


S1_PRO = Layout(
    {"SMILES": ("SMILES",), "PROT": ("protein",), "XNA": ("dna", "rna")},
    ((detection.smiles, "SMILES"), (detection.protein, "PROT"), (detection.nucleic_acid, "XNA")),
)
S1 = Layout(
    {"SMILES": ("SMILES", "SELFIES"), "IUPAC": ("IUPAC",), "FASTA": ()},
    ((detection.smiles, "SMILES"), (detection.capitals, "FASTA")),
)


class _Model(NamedTuple):
    name: str
    processor: Any  # a SentencePieceProcessor
    first_id: int


def is_released(folder: Path) -> bool:
    """Return whether a folder holds a checkpoint of the published scheme."""
    return (folder / "tokenizer_SMILES.model").is_file() and (folder / "vocab.json").is_file()


class ReleasedTokenizer:
    """The tokenizer in a checkpoint's folder.

    Raises Unavailable (`sentencepiece_missing`) and InvalidInput (`wrong_tokenizer_folder`).
    """

    scheme = "released"

    def __init__(self, folder: Path, *, detect: bool = True) -> None:
        self.detect = detect
        try:
            config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
            self._vocab: dict[str, int] = json.loads((folder / "vocab.json").read_text("utf-8"))
            merges = (folder / "merges.txt").read_text("utf-8").split("\n")
            self.layout = S1_PRO if "offset_SMILES" in config else S1
            self._models, self._added = _segments(folder, config, self.layout, len(self._vocab))
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise InvalidInput(
                "wrong_tokenizer_folder", f"{folder} holds no released tokenizer: {error}"
            ) from error
        self._merges = [(m[0], m[1]) for m in map(str.split, merges) if len(m) == 2 and m[0] != "#version:"]
        self._in_text = frozenset(self._vocab.values())
        self._text_of = {number: token for token, number in self._added.items()}
        self._opens = {f"<{tag}>": name for name, tags in self.layout.tags.items() for tag in tags}
        self._closes = {f"</{tag}>" for tags in self.layout.tags.values() for tag in tags}
        marks = sorted({*self._added, *_PROTECTED}, key=len, reverse=True)
        self._marks = re.compile(f"({'|'.join(map(re.escape, marks))})")
        ends = [m.first_id + m.processor.get_piece_size() for m in self._models.values()]
        self.vocab_size = max(*ends, *(number + 1 for number in self._added.values()))

    @cached_property
    def _bpe(self) -> Tokenizer:
        bpe = Tokenizer(models.BPE(vocab=self._vocab, merges=self._merges))
        words = pre_tokenizers.Split(Regex(_WORDS), "isolated")
        in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        bpe.pre_tokenizer = pre_tokenizers.Sequence([words, in_bytes])
        bpe.decoder = decoders.ByteLevel()
        return bpe

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits: equal where ids mean the same."""
        pieces = {
            m.name: [m.first_id, m.processor.serialized_model_proto().hex()] for m in self._models.values()
        }
        whole = json.dumps([self._vocab, self._merges, self._added, pieces], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        ids: list[int] = []
        stack: list[_Model] = []
        tagged = 0
        for piece in filter(None, self._marks.split(unicodedata.normalize("NFC", text))):
            if piece in _PROTECTED:
                tagged = tagged + 1 if piece[1] != "/" else max(0, tagged - 1)
                ids += self._ids(self._cut(piece), stack)
            elif piece in self._added:
                ids.append(self._added[piece])
                if piece in self._opens:
                    tagged += 1
                    stack.append(self._models[self._opens[piece]])
                elif piece in self._closes:
                    tagged = max(0, tagged - 1)
                    if stack:
                        stack.pop()
            elif tagged or not self.detect:
                ids += self._span(piece, stack)
            else:
                for kind, part in self._detected(piece):
                    ids += self._span(part, [*stack, self._models[kind]] if kind else stack)
        return ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids. Raises InvalidInput (`unknown_token_id`) for an id that nothing has."""
        texts = []
        for kind, group in groupby(ids, self.kind_of):
            if kind == "text":
                texts.append(self._bpe.decode(list(group), skip_special_tokens=False))
            elif kind == "tag":
                texts += [self._text_of[number] for number in group]
            else:
                model = self._models[kind]
                pieces = [model.processor.id_to_piece(number - model.first_id) for number in group]
                texts.append("".join(pieces).replace("▁", " "))
        return "".join(texts)

    def decode_batch(self, batch: Iterable[Iterable[int]]) -> list[str]:
        """Return the text of each sequence of ids."""
        return [self.decode(ids) for ids in batch]

    def kind_of(self, number: int) -> str:
        """Return what an id belongs to: 'text', 'tag', or a segment's name. Raises InvalidInput (`unknown_token_id`)."""
        if number in self._text_of:
            return "tag"
        for model in self._models.values():  # first: a vocab.json that was saved again names their ids, too
            if 0 <= number - model.first_id < model.processor.get_piece_size():
                return model.name
        if number in self._in_text:
            return "text"
        raise InvalidInput(
            "unknown_token_id",
            f"no token has the id {number}",
            hint=f"the ids of this tokenizer end at {self.vocab_size - 1}; fingerprint {self.fingerprint}",
        )

    def _cut(self, text: str) -> list[str]:
        """Return the BPE pieces of plain text, in the letters of byte-level BPE."""
        return self._bpe.encode(text.replace("▁", " "), add_special_tokens=False).tokens

    def _span(self, text: str, stack: list[_Model]) -> list[int]:
        if not stack:
            return self._bpe.encode(text.replace("▁", " "), add_special_tokens=False).ids
        processor = stack[-1].processor
        tokens: list[str] = []
        for piece, number in zip(processor.encode(text, out_type=str), processor.encode(text), strict=True):
            tokens += self._cut(piece) if number == processor.unk_id() else [piece]
        return self._ids(tokens, stack)

    def _ids(self, tokens: list[str], stack: list[_Model]) -> list[int]:
        """Return the ids of pieces: in the segment on top of the stack where it knows the piece, else in the text's."""
        if not stack:
            return [self._vocab[token] for token in tokens]
        top = stack[-1]
        numbers = [top.processor.piece_to_id(token) for token in tokens]
        unknown = top.processor.unk_id()
        return [
            self._vocab[token] if number == unknown else top.first_id + number
            for token, number in zip(tokens, numbers, strict=True)
        ]

    def _detected(self, text: str) -> Iterator[tuple[str | None, str]]:
        parts: list[tuple[str | None, str]] = [(None, text)]
        for detector, name in self.layout.detectors:
            parts = [
                found
                for kind, part in parts
                for found in ([(kind, part)] if kind else _cut_out(part, detector, name))
            ]
        yield from parts


def _cut_out(text: str, detector: detection.Detector, name: str) -> list[tuple[str | None, str]]:
    parts: list[tuple[str | None, str]] = []
    at = 0
    for start, stop in detector(text):
        parts += [(None, text[at:start]), (name, text[start:stop])]
        at = stop
    return [(kind, part) for kind, part in (*parts, (None, text[at:])) if part]


def _segments(
    folder: Path, config: dict[str, Any], layout: Layout, base_size: int
) -> tuple[dict[str, _Model], dict[str, int]]:
    try:
        from sentencepiece import SentencePieceProcessor
    except ImportError as error:
        raise Unavailable(
            "sentencepiece_missing",
            "the tokenizer of a released checkpoint needs sentencepiece",
            hint="run `pip install 'benchmate[tokenizer]'`",
        ) from error
    added = {token["content"]: int(number) for number, token in config["added_tokens_decoder"].items()}
    found: dict[str, _Model] = {}
    end = base_size + _S1_GAP
    for name, tags in layout.tags.items():
        processor = SentencePieceProcessor(model_proto=(folder / f"tokenizer_{name}.model").read_bytes())
        first = config[f"offset_{name}"] if layout is S1_PRO else end
        found[name] = _Model(name, processor, first)
        end = first + processor.get_piece_size()
        if layout is S1:  # its tags come after the pieces of their segment
            for tag in tags:
                added |= {f"<{tag}>": end, f"</{tag}>": end + 1}
                end += 2
    return found, added
