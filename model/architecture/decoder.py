"""One decoder layer: attention, then a dense MLP or a mixture of experts, each after a norm and added to its input."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from benchmate.model.architecture.attention import Attention
from benchmate.model.architecture.config import TextConfig
from benchmate.model.architecture.experts import Experts, GatedMLP
from benchmate.model.architecture.norm import RMSNorm
from benchmate.model.architecture.router import Router, Routing


class MixtureOfExperts(nn.Module):
    """A router and its experts."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.gate = Router(config)
        self.experts = Experts(config.num_experts, config.hidden_size, config.moe_intermediate_size)

    def forward(self, x: Tensor, routed_experts: Tensor | None = None) -> tuple[Tensor, Routing]:
        """Return the output [batch, tokens, hidden] and the choice; `routed_experts` as in `Router`."""
        rows = x.reshape(-1, x.shape[-1])
        if routed_experts is not None:
            routed_experts = routed_experts.reshape(len(rows), -1)
        routing: Routing = self.gate(rows, routed_experts)
        mixed: Tensor = self.experts(rows, routing.ids, routing.weights)
        return mixed.view_as(x), routing


class DecoderLayer(nn.Module):
    """h = x + attention(norm(x)); y = h + mlp(norm(h))."""

    def __init__(self, config: TextConfig, layer_idx: int) -> None:
        super().__init__()
        self.self_attn = Attention(config, layer_idx)
        self.mlp = (
            MixtureOfExperts(config)
            if config.has_experts(layer_idx)
            else GatedMLP(config.hidden_size, config.intermediate_size)
        )
        wide = config.float32_norm_weight
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps, float32_weight=wide)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps, float32_weight=wide)

    def forward(
        self,
        x: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        routed_experts: Tensor | None = None,
        **attention: Any,
    ) -> tuple[Tensor, Routing | None]:
        """Return [batch, tokens, hidden], and the routing where the layer has experts.

        `attention` is what `Attention` takes: mask, cache, function.
        """
        attended, _ = self.self_attn(self.input_layernorm(x), position_embeddings, **attention)
        x = x + attended
        normed = self.post_attention_layernorm(x)
        if isinstance(self.mlp, MixtureOfExperts):
            mixed, routing = self.mlp(normed, routed_experts)
            return x + mixed, routing
        return x + self.mlp(normed), None
