"""The sizes of a model, as far as its memory depends on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from benchmate.runtime.errors import InvalidInput

Format = Literal["bf16", "fp8", "awq", "gptq", "compressed-tensors", "mxfp4"]
FP8_BLOCK = 128  # block-FP8 checkpoints have one scale for 128 x 128 weights, and are split in whole blocks

# Bytes of one quantised weight with its share of the scales: block FP8 has a 4-byte scale for 128 x 128; the
# 4-bit formats have a 16-bit scale and zero for 128, MXFP4 an 8-bit scale for 32.
WEIGHT_BYTES: dict[Format, float] = {
    "bf16": 2.0,
    "fp8": 1 + 4 / FP8_BLOCK**2,
    "awq": 0.5 + 2.5 / 128,
    "gptq": 0.5 + 2.5 / 128,
    "compressed-tensors": 0.5 + 2.5 / 128,
    "mxfp4": 0.5 + 1 / 32,
}


class ModelShape(BaseModel):
    """A decoder's sizes in Hugging Face terms, and what stands beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden: int = Field(ge=1)
    layers: int = Field(ge=1)
    heads: int = Field(ge=1)
    kv_heads: int = Field(ge=1)
    head_dim: int = Field(ge=1)
    vocab: int = Field(ge=1)
    ffn: int = Field(0, ge=0, description="Width of the dense MLP; 0 where every layer has experts.")
    experts: int = Field(0, ge=0)
    expert_ffn: int = Field(0, ge=0)
    tied_embeddings: bool = False
    attention_layers: int | None = Field(None, description="Layers that keep keys and values; default: all.")
    kv_latent: int = Field(
        0, ge=0, description="Width of a latent cache (MLA), which stands for keys and values."
    )
    text_parameters: int | None = Field(
        None, description="Stated size, where the formula below does not hold."
    )
    other_parameters: int = Field(0, ge=0, description="Encoders and projectors, kept in bf16.")
    disk_bytes: int | None = Field(None, description="Weights in the folder, where they are there.")
    max_context: int | None = None
    integer_kv: bool = Field(True, description="Whether LMDeploy can keep its cache as int4 or int8.")
    tool_call_parser: str | None = Field(
        None, description="The parser that fits what it was trained to write."
    )
    source: str = ""

    @property
    def expert_parameters(self) -> int:
        return self.layers * self.experts * 3 * self.hidden * self.expert_ffn

    @property
    def embedding_parameters(self) -> int:
        """One table of [vocab, hidden]."""
        return self.vocab * self.hidden

    @property
    def head_parameters(self) -> int:
        return 0 if self.tied_embeddings else self.embedding_parameters

    @property
    def router_parameters(self) -> int:
        return self.layers * self.experts * self.hidden

    @property
    def parameters(self) -> int:
        """Of the language model: grouped-query attention with q and k norms, two RMS norms, gated MLPs."""
        if self.text_parameters is not None:
            return self.text_parameters
        attention = 2 * self.hidden * self.head_dim * (self.heads + self.kv_heads) + 2 * self.head_dim
        dense = 3 * self.hidden * self.ffn
        layers = self.layers * (attention + dense + 2 * self.hidden)
        tables = self.embedding_parameters + self.head_parameters + self.hidden
        return layers + self.router_parameters + self.expert_parameters + tables

    @property
    def kv_values_per_token(self) -> int:
        """Numbers that the cache keeps of one token, in the whole model."""
        layers = self.attention_layers if self.attention_layers is not None else self.layers
        return layers * (self.kv_latent or 2 * self.kv_heads * self.head_dim)


def shape_of_folder(folder: Path, known: ModelShape | None = None) -> ModelShape | None:
    """Return the sizes that the folder's config.json gives, or `known` where there is none.

    What a config does not say (encoders, the fitting parser) is taken from `known`. Raises InvalidInput
    (`bad_model_config`).
    """
    file = folder / "config.json"
    if not file.is_file():
        return known
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        text = next(
            (config[k] for k in ("text_config", "llm_config") if isinstance(config.get(k), dict)), config
        )
        return _shape(text, folder, known)
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            "bad_model_config", f"{file} does not describe a decoder: {type(error).__name__} {error}"
        ) from None


def _shape(text: dict[str, Any], folder: Path, known: ModelShape | None) -> ModelShape:
    experts = int(
        text.get("num_experts") or text.get("n_routed_experts") or text.get("num_local_experts") or 0
    )
    heads = int(text["num_attention_heads"])
    hidden, layers = int(text["hidden_size"]), int(text["num_hidden_layers"])
    every = int(text.get("full_attention_interval") or 1)
    kinds = text.get("layer_types")
    attention = sum(kind != "linear_attention" for kind in kinds) if kinds else layers // every
    latent = int(text.get("kv_lora_rank") or 0)
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    taken = known.model_dump(include={"other_parameters", "integer_kv", "tool_call_parser"}) if known else {}
    return ModelShape(
        hidden=hidden, layers=layers, heads=heads, vocab=int(text["vocab_size"]),
        kv_heads=int(text.get("num_key_value_heads") or heads),
        head_dim=int(text.get("head_dim") or hidden // heads),
        ffn=0 if experts else int(text.get("intermediate_size") or 0),
        experts=experts, expert_ffn=int(text.get("moe_intermediate_size") or text.get("intermediate_size") or 0) if experts else 0,
        tied_embeddings=bool(text.get("tie_word_embeddings", False)),
        attention_layers=attention,
        kv_latent=latent + int(text.get("qk_rope_head_dim") or 0) if latent else 0,
        text_parameters=known.text_parameters if known and attention != layers else None,
        disk_bytes=weights or None,
        max_context=text.get("max_position_embeddings"),
        source=str(folder / "config.json"),
        **taken,
    )  # fmt: skip


def format_of_folder(folder: Path) -> Format | None:
    """Return how the folder's weights are stored, or None where its config.json does not say."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        inner = config.get("quantization_config") or config.get("text_config", {}).get("quantization_config")
    except (OSError, ValueError, AttributeError):
        return None
    method = inner.get("quant_method") if isinstance(inner, dict) else None
    return method if method in WEIGHT_BYTES else None
