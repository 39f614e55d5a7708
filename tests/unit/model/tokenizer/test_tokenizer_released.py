"""The published scheme: where its ids lie, what it detects, and that its id space is not that of ours.

Ids were compared with the released code of Intern-S1-Pro on 7,001 texts when this was written; its files are not ours to ship, so
that the models here are small ones of our own, of the released sizes.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import pre_tokenizers

from benchmate.model.tokenizer import load_tokenizer
from benchmate.model.tokenizer.dynamic import DynamicTokenizer
from benchmate.model.tokenizer.released import ReleasedTokenizer
from benchmate.model.tokenizer.released_detection import nucleic_acid, protein, smiles
from benchmate.runtime.errors import InvalidInput, Unavailable

sentencepiece: Any = pytest.importorskip("sentencepiece")
BENZALDEHYDE, TOLUALDEHYDE = "C1=CC=C(C=C1)C=O", "CC1=CC=CC=C1C=O"
QWEN = 151_643
PRO_TAGS = ["<SMILES>", "</SMILES>", "<protein>", "</protein>", "<dna>", "</dna>", "<rna>", "</rna>"]


def model_of(lines: list[str], size: int) -> bytes:
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=made, vocab_size=size, model_type="bpe", bos_id=-1, eos_id=-1,
        add_dummy_prefix=False, hard_vocab_limit=False, minloglevel=2, split_digits=True,
    )  # fmt: skip
    return made.getvalue()


def write_base(folder: Path, config: dict[str, Any]) -> None:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {letter: n for n, letter in enumerate(letters)} | {"an": 256, "and": 257}
    vocab |= {f"unused{n}": n for n in range(len(vocab), QWEN)}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    (folder / "merges.txt").write_text("#version: 0.2\na n\nan d\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


@pytest.fixture(scope="module")
def smiles_model(held_out: list[Any]) -> bytes:
    return model_of([m.written for m in held_out] * 3, 256)


@pytest.fixture(scope="module")
def pro(tmp_path_factory: pytest.TempPathFactory, smiles_model: bytes) -> ReleasedTokenizer:
    folder = tmp_path_factory.mktemp("pro")
    added = {str(151_686 + n): {"content": tag} for n, tag in enumerate(PRO_TAGS)} | {
        "151645": {"content": "<|im_end|>"}
    }
    offsets = {"offset_SMILES": 151_694, "offset_PROT": 152_718, "offset_XNA": 153_742}
    write_base(folder, {"added_tokens_decoder": added, **offsets})
    (folder / "tokenizer_SMILES.model").write_bytes(smiles_model)
    (folder / "tokenizer_PROT.model").write_bytes(model_of(["ACDEFGHIKLMNPQRSTVWY", "MVLSPADK"] * 50, 40))
    (folder / "tokenizer_XNA.model").write_bytes(model_of(["ACGTACGT", "ACGUUU"] * 50, 16))
    loaded = load_tokenizer(folder)
    assert isinstance(loaded, ReleasedTokenizer)
    return loaded


@pytest.fixture(scope="module")
def s1(tmp_path_factory: pytest.TempPathFactory, smiles_model: bytes) -> ReleasedTokenizer:
    folder = tmp_path_factory.mktemp("s1")
    write_base(folder, {"added_tokens_decoder": {"151645": {"content": "<|im_end|>"}}})
    (folder / "tokenizer_SMILES.model").write_bytes(smiles_model)
    for name in ("IUPAC", "FASTA"):
        (folder / f"tokenizer_{name}.model").write_bytes(
            model_of(["ABCDEFGHIKLMNPQRSTVWXYZ", "MVLSPADK"] * 50, 64)
        )
    return ReleasedTokenizer(folder)


def kinds(tokenizer: ReleasedTokenizer, text: str) -> list[str]:
    return list(dict.fromkeys(tokenizer.kind_of(number) for number in tokenizer.encode(text)))


def test_tagged_and_detected_molecules_share_ids_and_only_tags_have_some(pro: ReleasedTokenizer) -> None:
    tagged = pro.encode(f"<SMILES>{TOLUALDEHYDE}</SMILES>")
    assert (tagged[0], tagged[-1]) == (151_686, 151_687)
    assert tagged[1:-1] == pro.encode(TOLUALDEHYDE)
    assert all(151_694 <= number < 151_694 + 256 for number in tagged[1:-1])


def test_the_ids_are_those_of_the_model_moved(pro: ReleasedTokenizer, smiles_model: bytes) -> None:
    own = sentencepiece.SentencePieceProcessor(model_proto=smiles_model)
    assert pro.encode(f"<SMILES>{BENZALDEHYDE}</SMILES>")[1:-1] == [
        151_694 + n for n in own.encode(BENZALDEHYDE)
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"Describe <SMILES>{BENZALDEHYDE}</SMILES> and {TOLUALDEHYDE}", "<protein>MVLSPADK</protein> <dna>ACGT</dna> <rna>ACGU</rna>",
        "<SMILES>é漢 [Zz]</SMILES>", "<MOLFORMULA>C6H15O6</MOLFORMULA>", "</SMILES> <SMILES><protein>CC</SMILES>MV", "hand <|im_end|>\n",
    ],
)  # fmt: skip
def test_texts_come_back(pro: ReleasedTokenizer, text: str) -> None:
    assert pro.decode(pro.encode(text)) == text


def test_what_a_segment_does_not_know_is_text(pro: ReleasedTokenizer) -> None:
    assert kinds(pro, "<protein>é</protein>") == ["tag", "text"]


def test_text_is_normalised_as_published(pro: ReleasedTokenizer) -> None:
    assert pro.decode(pro.encode("e\u0301▁x")) == "é x"


def test_a_formula_is_not_searched(pro: ReleasedTokenizer) -> None:
    assert kinds(pro, f"<MOLFORMULA>{TOLUALDEHYDE}</MOLFORMULA>") == ["text"]
    assert kinds(pro, f"{TOLUALDEHYDE} and") == ["SMILES", "text"]


def test_capitals_are_protein_or_nucleic_acid(pro: ReleasedTokenizer, s1: ReleasedTokenizer) -> None:
    assert kinds(pro, "M" * 27) == ["PROT"]
    assert kinds(pro, "ACGU" * 7) == ["XNA"]
    assert kinds(pro, "M" * 26) == ["text"]
    assert kinds(s1, "ACGT" * 7) == ["FASTA"]


def test_intern_s1_has_its_tags_after_each_segment(s1: ReleasedTokenizer) -> None:
    """Public test vectors of Intern-S1: with 256 pieces, the first SMILES piece has 151669 and <SMILES> 151925."""
    assert [s1.encode(tag) for tag in ("<SMILES>", "</SMILES>", "<SELFIES>", "</SELFIES>")] == [
        [151_925],
        [151_926],
        [151_927],
        [151_928],
    ]
    ids = s1.encode(f"<SELFIES>{BENZALDEHYDE}</SELFIES>")[1:-1]
    assert all(151_669 <= number < 151_925 for number in ids)
    assert s1.kind_of(151_929) == "IUPAC"
    text = f"<IUPAC>ethanol</IUPAC> {TOLUALDEHYDE} {'M' * 27}"
    assert s1.decode(s1.encode(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"see {BENZALDEHYDE}.", BENZALDEHYDE), ("CC(=O)OC=C", "CC(=O)OC=C"), ("CC(=O)OCC", None), (f"x{BENZALDEHYDE}", None), (f"{BENZALDEHYDE}x", None),
        ("C1=CC=C(C=C1", None), ("1234567890CC", None), (f"é{BENZALDEHYDE}", BENZALDEHYDE),
    ],
)  # fmt: skip
def test_published_rule_for_smiles(text: str, expected: str | None) -> None:
    assert [text[a:b] for a, b in smiles(text)] == ([expected] if expected else [])


def test_published_rules_for_sequences() -> None:
    both = "M" * 27 + " " + "ACGTU" * 6
    assert [both[a:b] for a, b in protein(both)] == ["M" * 27]
    assert [both[a:b] for a, b in nucleic_acid(both)] == ["ACGTU" * 6]


def test_ids_of_one_scheme_are_never_read_by_the_other(
    pro: ReleasedTokenizer, tokenizer: DynamicTokenizer
) -> None:
    assert pro.scheme != tokenizer.scheme
    assert pro.fingerprint != tokenizer.fingerprint
    with pytest.raises(InvalidInput):
        pro.decode([pro.vocab_size])


def test_options_of_ours_are_refused(pro: ReleasedTokenizer, tmp_path: Path, smiles_model: bytes) -> None:
    write_base(tmp_path, {"added_tokens_decoder": {}})
    (tmp_path / "tokenizer_SMILES.model").write_bytes(smiles_model)
    with pytest.raises(InvalidInput) as caught:
        load_tokenizer(tmp_path, atom_level=True)
    assert caught.value.code == "wrong_tokenizer_option"
    with pytest.raises(InvalidInput) as caught:
        load_tokenizer(tmp_path)  # its other two models are missing
    assert caught.value.code == "wrong_tokenizer_folder"


def test_without_sentencepiece_the_way_to_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_base(tmp_path, {"added_tokens_decoder": {}})
    (tmp_path / "tokenizer_SMILES.model").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "sentencepiece", None)
    with pytest.raises(Unavailable) as caught:
        load_tokenizer(tmp_path)
    assert caught.value.code == "sentencepiece_missing"
