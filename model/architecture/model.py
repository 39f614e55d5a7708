"""The language model: embedding, decoder layers, head; and decoding with a cache.

Modules have the names of the released checkpoint (`model.language_model.layers.0.self_attn.q_proj`, `lm_head`), so
that all but the fused experts load by name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from benchmate.model.architecture.attention import Cache, KeyValueCache, causal_mask
from benchmate.model.architecture.config import TextConfig
from benchmate.model.architecture.decoder import DecoderLayer
from benchmate.model.architecture.experts import Experts
from benchmate.model.architecture.fope import FourierPositionEmbedding, position_embedding
from benchmate.model.architecture.norm import RMSNorm
from benchmate.model.architecture.router import Router, Routing


class Decoded(NamedTuple):
    """What a forward pass gives: `states` are hidden states or logits; `routings` are those of layers with experts."""

    states: Tensor
    routings: tuple[Routing, ...]


class TextModel(nn.Module):
    """Tokens or embeddings to normalised hidden states."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.text_config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.rotary_emb = position_embedding(config)
        self.layers = nn.ModuleList(DecoderLayer(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = RMSNorm(
            config.hidden_size, config.rms_norm_eps, float32_weight=config.float32_norm_weight
        )
        self.gradient_checkpointing = False

    def forward(
        self,
        input_ids: Tensor | None = None,
        *,
        inputs_embeds: Tensor | None = None,
        position_ids: Tensor | None = None,
        padding: Tensor | None = None,
        cache: Cache | None = None,
        routed_experts: Tensor | None = None,
        **attention: Any,
    ) -> Decoded:
        """Return hidden states [batch, tokens, hidden].

        Positions count from the cache's length, padding included, unless given. `padding` [batch, cached + tokens] is
        1 for real tokens. `routed_experts` [batch, tokens, layers with experts, experts per token] replays a
        recorded choice. With `attention_function` in `attention` goes the `attention_mask` that it takes.
        Raises ValueError unless one of `input_ids` and `inputs_embeds` is given.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give either input_ids or inputs_embeds")
        x = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        batch, tokens, _ = x.shape
        past = 0 if cache is None else cache.get_seq_length()
        if position_ids is None:
            position_ids = torch.arange(past, past + tokens, device=x.device)[None]
        if "attention_function" not in attention and attention.get("attention_mask") is None:
            attention["attention_mask"] = causal_mask(padding, batch, tokens, past, x.device)
        attention["cache"] = cache
        tables = self.rotary_emb(position_ids, x.dtype)
        routings: list[Routing] = []
        for index, layer in enumerate(self.layers):
            replayed = None
            if routed_experts is not None and self.text_config.has_experts(index):
                replayed = routed_experts[:, :, len(routings)]
            if self.gradient_checkpointing and self.training:
                x, routing = checkpoint(layer, x, tables, replayed, use_reentrant=False, **attention)
            else:
                x, routing = layer(x, tables, replayed, **attention)
            if routing is not None:
                routings.append(routing)
        return Decoded(self.norm(x), tuple(routings))


class Backbone(nn.Module):
    """The language model and, beside it, the encoders that a release has."""

    def __init__(self, config: TextConfig, **encoders: nn.Module) -> None:
        super().__init__()
        self.language_model = TextModel(config)
        for name, encoder in encoders.items():
            self.add_module(name, encoder)


class CausalLM(nn.Module):
    """The network in plain PyTorch, without Hugging Face's library."""

    def __init__(self, config: TextConfig, **encoders: nn.Module) -> None:
        super().__init__()
        self.text_config = config
        self.model = Backbone(config, **encoders)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        initialise(self, config.initializer_range)

    def forward(self, input_ids: Tensor | None = None, *, last: int | None = None, **inputs: Any) -> Decoded:
        """Return logits [batch, tokens, vocabulary], of only the `last` so many tokens where that is given.

        Further inputs are `TextModel`'s.
        """
        states, routings = self.model.language_model(input_ids, **inputs)
        if last is not None:
            states = states[:, -last:]
        return Decoded(head_logits(self.lm_head, states, float32=self.text_config.float32_head), routings)

    @torch.no_grad()
    def decode(self, input_ids: Tensor, new_tokens: int) -> Tensor:
        """Return `input_ids` [batch, tokens] with `new_tokens` of the highest logits appended, by way of a cache."""
        cache = KeyValueCache()
        step = input_ids
        for _ in range(new_tokens):
            step = self(step, cache=cache, last=1).states[:, -1].argmax(-1, keepdim=True)
            input_ids = torch.cat((input_ids, step), dim=1)
        return input_ids


def head_logits(head: nn.Linear, states: Tensor, *, float32: bool) -> Tensor:
    """Return logits, from a product in float32 where training and serving must agree closely."""
    if float32:
        return F.linear(states.float(), head.weight.float())
    logits: Tensor = head(states)
    return logits


@torch.no_grad()
def initialise(module: nn.Module, std: float) -> None:
    """Draw all weights under `module` anew: normal of deviation `std`, norms 1, biases 0, FoPE by its own rule."""
    for part in module.modules():
        initialise_part(part, std)
        if isinstance(part, FourierPositionEmbedding):
            part.reset_parameters()


def initialise_part(part: nn.Module, std: float) -> None:
    """Draw the weights that `part` itself holds."""
    if isinstance(part, (nn.Linear, nn.Embedding, Router)):
        nn.init.normal_(part.weight, std=std)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
    elif isinstance(part, Experts):
        nn.init.normal_(part.gate_up_proj, std=std)
        nn.init.normal_(part.down_proj, std=std)
    elif isinstance(part, RMSNorm):
        nn.init.ones_(part.weight)
