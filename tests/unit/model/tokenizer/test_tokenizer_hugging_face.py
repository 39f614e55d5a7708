"""The tokenizer through transformers' AutoTokenizer, where that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmate.model.tokenizer.corpus import Molecule
from benchmate.model.tokenizer.dynamic import DynamicTokenizer
from benchmate.model.tokenizer.merged import save

transformers: Any = pytest.importorskip("transformers")


def test_auto_tokenizer_gives_the_same_ids(
    tokenizer: DynamicTokenizer, held_out: list[Molecule], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tokenizer, tmp_path)
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path, trust_remote_code=True)
    texts = [f"<SMILES>{m.random}</SMILES> or {m.canonical}." for m in held_out] + ["<FASTA>MKV</FASTA> é"]
    ids = loaded(texts, add_special_tokens=False)["input_ids"]
    assert ids == tokenizer.encode_batch(texts)
    assert [loaded.decode(some) for some in ids] == texts
    assert loaded.eos_token == tokenizer.special_tokens["eos_token"]
