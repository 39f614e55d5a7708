"""A dynamic tokenizer as one Hugging Face `tokenizer.json`.

A span's characters are moved, one for one, to U+10F000 and above in private use, a range for each segment. Merges of text
and of spans so never meet, and one BPE model holds both. The file decodes by itself; what is encoded with it must have
its spans moved first (`moved`), which `hugging_face.DynamicTokenizerFast` does. Plain text keeps the ids of the
base, but for characters of U+10F000 to U+10FFFF in it.
"""

from __future__ import annotations

import copy
import json
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmate.model.tokenizer import detection
from benchmate.model.tokenizer.base import SPECIAL_TOKENS
from benchmate.model.tokenizer.dynamic import CONTROLS, JOINTS, SEGMENTS, DynamicTokenizer, SegmentName
from benchmate.model.tokenizer.spans import parts_of
from benchmate.model.tokenizer.vocabulary import ASCII, Merge, Vocabulary
from benchmate.runtime.errors import InvalidInput

MOVED = {name: 0x10F000 + 0x80 * number for number, name in enumerate(SEGMENTS)}
CONFIG = "tokenizer_config.json"
KEY = "benchmate_dynamic_tokenizer"
FORM = 1
_REMOTE_CODE = "tokenization_benchmate.py"


def moved(text: str, detect: bool = True) -> str:
    """Return a text with the characters of its spans moved to private use."""
    return "".join(move(p.text, p.kind) if p.kind in SEGMENTS else p.text for p in parts_of(text, detect))


def move(text: str, kind: SegmentName | str) -> str:
    """Return ASCII text in the characters of a segment."""
    first = MOVED[kind]  # type: ignore[index]
    return "".join(chr(first + ord(character)) for character in text)


def merged(tokenizer: DynamicTokenizer) -> dict[str, Any]:
    """Return the whole as the data of one `tokenizer.json`."""
    data = copy.deepcopy(tokenizer.base)
    model = data["model"]
    vocab: dict[str, int] = model["vocab"]
    vocab |= tokenizer.controls
    data["added_tokens"] += [
        {"id": number, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
        for token, number in tokenizer.controls.items()
    ]  # fmt: skip
    ours: dict[Merge, None] = {}
    joint = tokenizer.base_size + CONTROLS - JOINTS
    for name in SEGMENTS:
        for character in ASCII:  # first of all, the bytes of each moved character are joined
            first, *rest = list(_bytes(move(character, name)))
            for number, byte in enumerate(rest):
                ours[first, byte] = None
                first += byte
                if number < len(rest) - 1 and first not in vocab:
                    vocab[first] = joint
                    joint += 1
    assert joint <= tokenizer.base_size + CONTROLS
    for name, segment in tokenizer.segments.items():
        vocab |= {_bytes(move(piece, name)): segment.first_id + n for n, piece in enumerate(segment.pieces)}
        ours |= {
            (_bytes(move(a, name)), _bytes(move(b, name))): None for a, b in segment.vocabulary.all_merges
        }
    as_text = bool(model["merges"]) and isinstance(model["merges"][0], str)
    model["merges"] = [f"{a} {b}" if as_text else [a, b] for a, b in ours] + model["merges"]
    data["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [*_splits(tokenizer), data["pre_tokenizer"]],
    }
    data["decoder"] = {"type": "Sequence", "decoders": [data["decoder"], *_back()]}
    return data


def save(tokenizer: DynamicTokenizer, folder: Path) -> None:
    """Write `tokenizer.json`, its configuration, and the class for `AutoTokenizer` into a folder."""
    if any(s.atom_level or s.dropout for s in tokenizer.segments.values()):
        raise InvalidInput(
            "not_saved",
            "a tokenizer with atom_level or dropout is not saved",
            hint="they are options of loading",
        )
    folder.mkdir(parents=True, exist_ok=True)
    data = merged(tokenizer)
    (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False), "utf-8")
    details = Details(
        FORM, tokenizer.base_size, len(tokenizer.base["model"]["merges"]), len(tokenizer.base["added_tokens"]),
        {name: segment.vocabulary.atoms for name, segment in tokenizer.segments.items()}, tokenizer.fingerprint,
        tokenizer.detect, detection.VERSION,
    )  # fmt: skip
    config = {
        "tokenizer_class": "DynamicTokenizerFast",
        "auto_map": {"AutoTokenizer": [None, f"{_REMOTE_CODE.removesuffix('.py')}.DynamicTokenizerFast"]},
        "clean_up_tokenization_spaces": False,
        **tokenizer.special_tokens,
        KEY: details._asdict(),
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1, ensure_ascii=False), "utf-8")
    code = "from benchmate.model.tokenizer.hugging_face import DynamicTokenizerFast\n\n__all__ = ['DynamicTokenizerFast']\n"
    (folder / _REMOTE_CODE).write_text(code, "utf-8")


class Details(NamedTuple):
    """What a saved folder says of its `tokenizer.json`, so that base and segments can be told apart again."""

    form: int
    base_size: int
    base_merges: int
    base_added: int
    atoms: dict[SegmentName, list[str]]
    fingerprint: str
    detect: bool
    detector: int


def is_saved(folder: Path) -> bool:
    """Return whether a dynamic tokenizer was saved in a folder."""
    config = folder / CONFIG
    return config.is_file() and f'"{KEY}"' in config.read_text("utf-8")


def load(folder: Path, **options: Any) -> DynamicTokenizer:
    """Return the tokenizer that was saved in a folder. `options` are those of `DynamicTokenizer`.

    Raises InvalidInput (`wrong_tokenizer_folder`), also where this version would not give the ids that it gave then.
    """
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        data = json.loads((folder / "tokenizer.json").read_text("utf-8"))
        details = Details(**config[KEY])
        if details.form != FORM:
            raise ValueError(f"form {details.form}, and this version reads form {FORM}")
        base, ours = _base_of(data, details)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            "wrong_tokenizer_folder", f"{folder} holds no dynamic tokenizer: {error!r}"
        ) from error
    vocabularies: dict[SegmentName, Vocabulary] = {}
    for name in SEGMENTS:
        atoms = Vocabulary(details.atoms[name], [])
        chains = set(atoms.all_merges)
        merges = [m for m in ours[name] if m not in chains]
        vocabularies[name] = Vocabulary(details.atoms[name], merges)
    options["detect"] = details.detect and options.get("detect", True)
    special = {name: config[name] for name in SPECIAL_TOKENS if name in config}
    tokenizer = DynamicTokenizer(base, vocabularies, special_tokens=special, **options)
    if tokenizer.fingerprint != details.fingerprint:
        raise InvalidInput(
            "wrong_tokenizer_folder",
            f"{folder} was saved with other ids or another detector than this version has",
            details={"saved": details.fingerprint, "now": tokenizer.fingerprint},
        )
    return tokenizer


def _base_of(data: dict[str, Any], details: Details) -> tuple[dict[str, Any], dict[SegmentName, list[Merge]]]:
    model = data["model"]
    count = len(model["merges"]) - details.base_merges
    pairs = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in model["merges"][:count]]
    text_of = {_bytes(chr(first + n)): (name, ASCII[n]) for name, first in MOVED.items() for n in range(128)}
    ours: dict[SegmentName, list[Merge]] = {name: [] for name in SEGMENTS}
    width = len(next(iter(text_of)))
    for left, right in pairs:
        if len(left) % width or len(right) % width:
            continue  # joins the bytes of one character
        found = [text_of[part[i : i + width]] for part in (left, right) for i in range(0, len(part), width)]
        cut = len(left) // width
        letters = "".join(letter for _, letter in found)
        ours[found[0][0]].append((letters[:cut], letters[cut:]))
    model["merges"] = model["merges"][count:]
    data["added_tokens"] = data["added_tokens"][: details.base_added]
    model["vocab"] = {piece: number for piece, number in model["vocab"].items() if number < details.base_size}
    data["pre_tokenizer"] = data["pre_tokenizer"]["pretokenizers"][-1]
    data["decoder"] = data["decoder"]["decoders"][0]
    return data, ours


def _splits(tokenizer: DynamicTokenizer) -> list[dict[str, Any]]:
    runs = "|".join(f"[{chr(first)}-{chr(first + 127)}]+" for first in MOVED.values())
    patterns = [
        runs,
        *(s.vocabulary.rare_atom(partial(move, kind=name)) for name, s in tokenizer.segments.items()),
    ]
    return [
        {"type": "Split", "pattern": {"Regex": p}, "behavior": "Isolated", "invert": False} for p in patterns
    ]


def _back() -> list[dict[str, Any]]:
    return [
        {"type": "Replace", "pattern": {"String": chr(first + n)}, "content": ASCII[n]}
        for first in MOVED.values()
        for n in range(128)
    ]


_PRINTED = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTED]
_LETTER_OF = {byte: chr(byte) for byte in _PRINTED} | {byte: chr(256 + n) for n, byte in enumerate(_OTHERS)}


def _bytes(text: str) -> str:
    """Return the UTF-8 bytes of a text in the letters of byte-level BPE (Radford et al. 2019)."""
    return "".join(_LETTER_OF[byte] for byte in text.encode())
