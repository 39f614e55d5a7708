"""Load a tokenizer: the one that ships, one that was saved, or that of a released checkpoint."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Literal, overload

from benchmate.model.tokenizer.base import packaged_base, read_base, special_tokens_beside
from benchmate.model.tokenizer.dynamic import SEGMENTS, DynamicTokenizer
from benchmate.model.tokenizer.merged import is_saved, load
from benchmate.model.tokenizer.released import ReleasedTokenizer, is_released
from benchmate.model.tokenizer.vocabulary import read
from benchmate.runtime.errors import InvalidInput

Size = Literal["4k", "16k"]
Folder = str | PathLike[str]
MERGES: dict[str, int] = {"4k": 4_096, "16k": 16_384}


@overload
def load_tokenizer(
    checkpoint: None = None,
    *,
    size: Size = "4k",
    base: Folder | None = None,
    detect: bool = True,
    atom_level: bool = False,
    dropout: float | None = None,
) -> DynamicTokenizer: ...


@overload
def load_tokenizer(
    checkpoint: Folder, *, detect: bool = True, atom_level: bool = False, dropout: float | None = None
) -> DynamicTokenizer | ReleasedTokenizer: ...


def load_tokenizer(
    checkpoint: Folder | None = None,
    *,
    size: Size = "4k",
    base: Folder | None = None,
    detect: bool = True,
    atom_level: bool = False,
    dropout: float | None = None,
) -> DynamicTokenizer | ReleasedTokenizer:
    """Return the tokenizer that a checkpoint's folder says it was trained with, or without one the dynamic tokenizer.

    `size` is how many merges the SMILES and the FASTA segment have each. `base` is another `tokenizer.json` for plain text,
    a byte-level BPE. Without `detect` only tagged spans are spans. `atom_level` gives one token an atom and a residue;
    `dropout` leaves that share of merges out at random.

    Raises InvalidInput (`wrong_tokenizer_folder`, `wrong_base_tokenizer`, `wrong_tokenizer_option`) and Unavailable
    (`base_tokenizer_missing`, `sentencepiece_missing`).
    """
    if dropout is not None and not 0 <= dropout <= 1:
        raise InvalidInput("wrong_tokenizer_option", f"dropout is a share from 0 to 1, not {dropout}")
    if checkpoint is not None:
        folder = Path(checkpoint)
        if is_saved(folder):
            return load(folder, detect=detect, atom_level=atom_level, dropout=dropout)
        if is_released(folder):
            if atom_level or dropout:
                raise InvalidInput(
                    "wrong_tokenizer_option", "a released checkpoint has no atom_level and no dropout"
                )
            return ReleasedTokenizer(folder, detect=detect)
        raise InvalidInput(
            "wrong_tokenizer_folder",
            f"{folder} holds neither a saved dynamic tokenizer nor that of a released Intern-S1 checkpoint",
            hint="the first has tokenizer.json and tokenizer_config.json, the second tokenizer_SMILES.model and vocab.json",
        )
    if size not in MERGES:
        raise InvalidInput("wrong_tokenizer_option", f"there is no size {size!r}", hint="4k and 16k are")
    path = packaged_base() if base is None else Path(base)
    vocabularies = {name: read(name.lower()).first(MERGES[size]) for name in SEGMENTS}
    return DynamicTokenizer(
        read_base(path), vocabularies, detect=detect, atom_level=atom_level, dropout=dropout,
        special_tokens=special_tokens_beside(path),
    )  # fmt: skip
