"""Sizes and choices of the language model, under the names of the released `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from benchmate.runtime.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class FopeConfig:
    """Fourier position embedding; the keys stand in `rope_scaling`."""

    init_factor: float = 0.5
    sep_head: bool = True  # one pair of coefficient tables for each key-value head
    num_inv_freq: int | None = None  # None: frequencies whose period is shorter than the context


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """One decoder of the Intern-S1 family. Dense where `num_experts` is 0.

    The last block of fields is not in released configurations; its defaults compute what the released code computes.
    """

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    vocab_size: int
    max_position_embeddings: int
    rope_theta: float
    intermediate_size: int = 0  # of dense layers
    num_experts: int = 0
    num_experts_per_tok: int = 0
    moe_intermediate_size: int = 0
    router_n_groups: int = 1  # the expert choice is made in each of so many contiguous groups
    norm_topk_prob: bool = True
    decoder_sparse_step: int = 1
    mlp_only_layers: tuple[int, ...] = ()
    rms_norm_eps: float = 1e-6
    attention_bias: bool = False
    attention_dropout: float = 0.0
    initializer_range: float = 0.02
    router_aux_loss_coef: float = 0.001
    fope: FopeConfig | None = None

    router_dtype: Literal["model", "float32"] = "model"  # of logits and weights; XTuner trains with float32
    router_straight_through: bool = (
        False  # dense router gradient in training (Intern-S1-Pro, arXiv 2603.25040)
    )
    router_temperature: float = 1.0  # of the softmax that the straight-through gradient goes through
    float32_norm_weight: bool = False  # see RMSNorm
    float32_head: bool = False  # logits from a product in float32

    def __post_init__(self) -> None:
        if self.num_attention_heads % self.num_key_value_heads:
            raise _wrong("num_attention_heads", "must be a multiple of num_key_value_heads")
        if self.head_dim % 2:
            raise _wrong("head_dim", "must be even: positions turn pairs of dimensions")
        if self.num_experts:
            if not 0 < self.num_experts_per_tok <= self.num_experts:
                raise _wrong("num_experts_per_tok", f"must be 1 to {self.num_experts}")
            if self.num_experts % self.router_n_groups or self.num_experts_per_tok % self.router_n_groups:
                raise _wrong("router_n_groups", "must divide num_experts and num_experts_per_tok")
        if self.router_temperature <= 0:
            raise _wrong("router_temperature", "must be above 0")

    def has_experts(self, layer: int) -> bool:
        """Whether a layer's MLP is a mixture of experts."""
        return (
            self.num_experts > 0
            and layer not in self.mlp_only_layers
            and (layer + 1) % self.decoder_sparse_step == 0
        )

    @property
    def parameters(self) -> int:
        """Trained parameters; FoPE's coefficients are buffers and do not count."""
        return self._parameters(self.num_experts)

    @property
    def active_parameters(self) -> int:
        """Parameters that one token meets, embedding table and head included."""
        return self._parameters(self.num_experts_per_tok)

    def _parameters(self, experts: int) -> int:
        """Count, with `experts` of each layer's experts."""
        queries, keys = self.num_attention_heads * self.head_dim, self.num_key_value_heads * self.head_dim
        attention = 2 * self.hidden_size * (queries + keys) + 2 * self.head_dim
        if self.attention_bias:
            attention += queries + 2 * keys + self.hidden_size
        total = self.hidden_size + 2 * self.vocab_size * self.hidden_size
        for layer in range(self.num_hidden_layers):
            total += attention + 2 * self.hidden_size
            if self.has_experts(layer):
                total += self.num_experts * self.hidden_size
                total += experts * 3 * self.hidden_size * self.moe_intermediate_size
            else:
                total += 3 * self.hidden_size * self.intermediate_size
        return total

    @classmethod
    def from_huggingface(cls, released: Mapping[str, Any]) -> TextConfig:
        """Read a released `config.json`, or its `text_config`.

        `rope_theta` and the FoPE keys are read from `rope_scaling` (transformers 4) or `rope_parameters` (5).
        Raises InvalidInput for a missing key, and for what no release has: other rope types than `default`, a tied head,
        another activation than SiLU.
        """
        text = dict(released.get("text_config") or released)
        rope = {**(text.get("rope_scaling") or {}), **(text.get("rope_parameters") or {})}
        if (kind := rope.get("rope_type", rope.get("type", "default"))) != "default":
            raise _wrong("rope_type", f"is {kind!r}; only 'default' is known")
        if released.get("tie_word_embeddings") or text.get("tie_word_embeddings"):
            raise _wrong("tie_word_embeddings", "is true; this family's head has weights of its own")
        text["rope_theta"] = rope.get("rope_theta", text.get("rope_theta"))
        if text.get("hidden_act", "silu") != "silu":
            raise _wrong("hidden_act", f"is {text['hidden_act']!r}; only 'silu' is known")
        text["mlp_only_layers"] = tuple(text.get("mlp_only_layers") or ())
        text["router_n_groups"] = text.get("router_n_groups") or 1
        if not text.get("head_dim") and text.get("hidden_size") and text.get("num_attention_heads"):
            text["head_dim"] = text["hidden_size"] // text["num_attention_heads"]
        text["fope"] = None
        given = {name: rope.get(f"fope_{name}") for name in ("init_factor", "sep_head")}
        given["num_inv_freq"] = rope.get("num_inv_freq")
        if any(value is not None for value in given.values()):
            text["fope"] = FopeConfig(**{name: value for name, value in given.items() if value is not None})
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in text.items() if name in known and value is not None}
        try:
            return cls(**values)
        except TypeError as error:
            raise _wrong("config.json", str(error).partition(": ")[2] or str(error)) from error

    def to_huggingface(self) -> dict[str, Any]:
        """Return a `text_config` that `from_huggingface` reads back."""
        text = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "fope"}
        text["mlp_only_layers"] = list(self.mlp_only_layers)
        text["rope_scaling"] = None
        if self.fope is not None:
            text["rope_scaling"] = {
                "rope_type": "default",
                "fope_init_factor": self.fope.init_factor,
                "fope_sep_head": self.fope.sep_head,
                "num_inv_freq": self.fope.num_inv_freq,
            }
        return text


def _wrong(key: str, why: str) -> InvalidInput:
    return InvalidInput("bad_model_config", f"{key} {why}")


INTERN_S1_PRO = TextConfig(
    hidden_size=4096, num_hidden_layers=94, num_attention_heads=64, num_key_value_heads=4, head_dim=128,
    vocab_size=155008, max_position_embeddings=262144, rope_theta=5e6, intermediate_size=12288, num_experts=512,
    num_experts_per_tok=8, moe_intermediate_size=1536, router_n_groups=8, fope=FopeConfig(),
)  # fmt: skip
INTERN_S1 = TextConfig(
    hidden_size=4096, num_hidden_layers=94, num_attention_heads=64, num_key_value_heads=4, head_dim=128,
    vocab_size=153216, max_position_embeddings=40960, rope_theta=1e6, intermediate_size=12288, num_experts=128,
    num_experts_per_tok=8, moe_intermediate_size=1536,
)  # fmt: skip
INTERN_S1_MINI = TextConfig(
    hidden_size=4096, num_hidden_layers=36, num_attention_heads=32, num_key_value_heads=8, head_dim=128,
    vocab_size=153216, max_position_embeddings=40960, rope_theta=1e6, intermediate_size=12288,
)  # fmt: skip
