"""Grouped-query attention (arXiv 2305.13245) with normalised queries and keys, and its cache.

The function that does the attention itself has the signature of Hugging Face's `AttentionInterface`, so that any
function of theirs (flash, flex, paged) stands in for `sdpa_attention`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmate.model.architecture.config import TextConfig
from benchmate.model.architecture.fope import rotate
from benchmate.model.architecture.norm import RMSNorm

# (module, query, key, value, mask, *, scaling, dropout, **more) → ([batch, tokens, heads, head_dim], weights or None)
AttentionFunction = Callable[..., tuple[Tensor, Tensor | None]]


class Cache(Protocol):
    """What attention needs of a cache; Hugging Face's `Cache` classes have it too."""

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, /
    ) -> tuple[Tensor, Tensor]: ...

    def get_seq_length(self) -> int: ...


class KeyValueCache:
    """Rotated keys and values of the tokens so far, [batch, key-value heads, tokens, head_dim] for each layer."""

    def __init__(self) -> None:
        self.layers: dict[int, tuple[Tensor, Tensor]] = {}

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, /) -> tuple[Tensor, Tensor]:
        """Append to a layer's keys and values, and return all of them."""
        if (before := self.layers.get(layer_idx)) is not None:
            key_states = torch.cat((before[0], key_states), dim=2)
            value_states = torch.cat((before[1], value_states), dim=2)
        self.layers[layer_idx] = key_states, value_states
        return key_states, value_states

    def get_seq_length(self) -> int:
        """Return how many tokens the cache holds."""
        return self.layers[0][0].shape[2] if self.layers else 0


def causal_mask(
    padding: Tensor | None, batch: int, tokens: int, past: int, device: torch.device
) -> Tensor | None:
    """Return which keys each query sees, bool [batch or 1, 1, tokens, past + tokens]; None where `sdpa` knows itself.

    `padding` [batch, past + tokens] is true (or 1) for real tokens. A query that would see nothing, since it and all
    before it are padding, sees itself, so that its softmax is defined.
    """
    if padding is None and (past == 0 or tokens == 1):
        return None
    queries = torch.arange(past, past + tokens, device=device)[:, None]
    keys = torch.arange(past + tokens, device=device)
    mask = (keys <= queries)[None, None]
    if padding is not None:
        mask = mask & padding.bool().view(batch, 1, 1, past + tokens) | (keys == queries)
    return mask


def sdpa_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attend by PyTorch's fused kernels; without a mask, causally unless there is one query."""
    attended = F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=attention_mask,
        dropout_p=dropout,
        scale=scaling,
        is_causal=attention_mask is None and query.shape[2] > 1,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return attended.transpose(1, 2).contiguous(), None


def eager_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, Tensor]:
    """Attend step by step, softmax in float32, and return the weights [batch, heads, tokens, keys] too.

    `attention_mask` is added to the scores: 0 where a query sees a key, very negative elsewhere.
    """
    repeats = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(repeats, dim=1), value.repeat_interleave(repeats, dim=1)
    scores = query @ key.transpose(-2, -1) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = F.dropout(scores.softmax(-1, dtype=torch.float32).to(query.dtype), dropout, module.training)
    return (weights @ value).transpose(1, 2).contiguous(), weights


class Attention(nn.Module):
    """Project, normalise each head of q and k, rotate, attend, project back."""

    is_causal = True
    config: Any = None  # of Hugging Face's library, for its attention functions

    def __init__(self, config: TextConfig, layer_idx: int) -> None:
        super().__init__()
        self.layer_idx = layer_idx
        self.head_dim = config.head_dim
        self.num_key_value_groups = config.num_attention_heads // config.num_key_value_heads
        self.scaling = config.head_dim**-0.5
        self.attention_dropout = config.attention_dropout
        queries = config.num_attention_heads * config.head_dim
        keys = config.num_key_value_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, queries, bias=config.attention_bias)
        self.k_proj = nn.Linear(config.hidden_size, keys, bias=config.attention_bias)
        self.v_proj = nn.Linear(config.hidden_size, keys, bias=config.attention_bias)
        self.o_proj = nn.Linear(queries, config.hidden_size, bias=config.attention_bias)
        self.q_norm = RMSNorm(config.head_dim, config.rms_norm_eps, float32_weight=config.float32_norm_weight)
        self.k_norm = RMSNorm(config.head_dim, config.rms_norm_eps, float32_weight=config.float32_norm_weight)

    def forward(
        self,
        x: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Any = None,
        cache: Cache | None = None,
        attention_function: AttentionFunction = sdpa_attention,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Return [batch, tokens, hidden], and the attention weights where the function gives them.

        `attention_mask` is what `attention_function` takes; further keywords go to it unread.
        """
        heads = (*x.shape[:-1], -1, self.head_dim)
        query = self.q_norm(self.q_proj(x).view(heads)).transpose(1, 2)
        key = self.k_norm(self.k_proj(x).view(heads)).transpose(1, 2)
        value = self.v_proj(x).view(heads).transpose(1, 2)
        query, key = rotate(query, *position_embeddings), rotate(key, *position_embeddings)
        if cache is not None:
            key, value = cache.update(key, value, self.layer_idx)
        dropout = self.attention_dropout if self.training else 0.0
        attended, weights = attention_function(
            self, query, key, value, attention_mask, dropout=dropout, scaling=self.scaling, **kwargs
        )
        return self.o_proj(attended.reshape(*x.shape[:-1], -1)), weights
