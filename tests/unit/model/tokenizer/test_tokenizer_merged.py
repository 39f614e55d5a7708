"""The tokenizer as one tokenizer.json: the same ids, text by itself, and the same tokenizer when it is loaded again."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from benchmate.model.tokenizer import detection, load_tokenizer
from benchmate.model.tokenizer.corpus import Molecule
from benchmate.model.tokenizer.dynamic import DynamicTokenizer
from benchmate.model.tokenizer.merged import moved, save
from benchmate.runtime.errors import InvalidInput

PIECES = [
    *"CNOcn1()=#[]@H+-.%0 \n\t<>|SMILESFASTA", "é", "漢", "😀", "\u0301", "\x00", "<SMILES>", "</SMILES>", "<FASTA>", "</FASTA>", "<DNA>", "hello world",
    "CC(=O)Oc1ccccc1C(=O)O", "[99Tc]", "[13cH]", "MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSH", "\n>sp|", "<｜end▁of▁sentence｜>", "\U000f0001",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tokenizer: DynamicTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    save(tokenizer, folder)
    return folder


def test_one_file_gives_the_same_ids_and_the_text_back(
    tokenizer: DynamicTokenizer, folder: Path, held_out: list[Molecule]
) -> None:
    whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
    chosen = random.Random(5)
    texts = ["".join(chosen.choices(PIECES, k=chosen.randrange(40))) for _ in range(2000)]
    texts += [f"<SMILES>{m.random}</SMILES> or {m.canonical}." for m in held_out]
    ids = [whole.encode(moved(text), add_special_tokens=False).ids for text in texts]
    assert ids == tokenizer.encode_batch(texts)
    assert [whole.decode(some, skip_special_tokens=False) for some in ids] == texts


def test_added_tokens_keep_their_ids(tokenizer: DynamicTokenizer, folder: Path) -> None:
    whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for token in tokenizer.base["added_tokens"]:
        assert whole.token_to_id(token["content"]) == token["id"]
    for tag, number in tokenizer.controls.items():
        assert whole.token_to_id(tag) == number
    assert whole.get_vocab_size() <= tokenizer.vocab_size


def test_a_saved_tokenizer_is_loaded_again(tokenizer: DynamicTokenizer, folder: Path) -> None:
    again = load_tokenizer(folder)
    assert isinstance(again, DynamicTokenizer)
    assert again.fingerprint == tokenizer.fingerprint
    assert again.special_tokens == tokenizer.special_tokens != {}
    text = "<SMILES>C[C@@H](N)C(=O)O</SMILES> <FASTA>MKV</FASTA> CC(=O)Oc1ccccc1C(=O)O"
    assert again.encode(text) == tokenizer.encode(text)
    assert again.padded_size == tokenizer.padded_size


def test_a_tokenizer_of_another_detector_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "VERSION", 999)
    with pytest.raises(InvalidInput) as caught:
        load_tokenizer(folder)
    assert caught.value.code == "wrong_tokenizer_folder"


@pytest.mark.parametrize("content", [None, "{", '{"benchmate_dynamic_tokenizer": {}}'])
def test_what_is_no_saved_tokenizer_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "tokenizer_config.json").write_text(content)
    with pytest.raises(InvalidInput) as caught:
        load_tokenizer(tmp_path)
    assert caught.value.code == "wrong_tokenizer_folder"


def test_another_base(tmp_path: Path) -> None:
    """A base of bytes alone: its plain text has one id a byte, and the file beside it names its end token."""
    from tokenizers import decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    small = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(letters)}, merges=[]))
    small.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    small.decoder = decoders.ByteLevel()
    small.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": {"content": "<end>"}}))
    tokenizer = load_tokenizer(base=tmp_path / "tokenizer.json")
    text = "Grüße <SMILES>CCO</SMILES>"
    assert len(tokenizer.encode("Grüße")) == len("Grüße".encode())
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.special_tokens == {"eos_token": "<end>"}
    save(tokenizer, tmp_path / "saved")
    assert load_tokenizer(tmp_path / "saved").encode(text) == tokenizer.encode(text)


def test_a_base_that_loses_text_is_refused(tmp_path: Path) -> None:
    from tokenizers import models

    Tokenizer(models.WordPiece(vocab={"[UNK]": 0}, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InvalidInput) as caught:
        load_tokenizer(base=tmp_path / "tokenizer.json")
    assert caught.value.code == "wrong_base_tokenizer"


def test_options_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        save(load_tokenizer(atom_level=True), tmp_path)
