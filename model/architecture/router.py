"""The choice of experts: top-k in each group (Intern-S1-Pro) or over all (Intern-S1), with its gradient.

Groups are contiguous blocks of experts. With one group on each device every token sends the same number of
assignments to every device, so devices are balanced whatever the router does.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmate.model.architecture.config import TextConfig


class Routing(NamedTuple):
    """One layer's choice for each token. Within a token, ids go group by group, and by probability in a group."""

    logits: Tensor  # [tokens, experts]
    weights: Tensor  # [tokens, experts per token]
    ids: Tensor  # [tokens, experts per token], int64


def choose_experts(probabilities: Tensor, per_token: int, groups: int = 1) -> Tensor:
    """Return the ids [tokens, per_token] of the `per_token / groups` likeliest experts of each group.

    Of equal probabilities the lowest id wins, on every device.
    """
    grouped = probabilities.unflatten(-1, (groups, -1))  # [tokens, groups, experts of a group]
    each, size = per_token // groups, grouped.shape[-1]
    if each == 1:
        local = grouped.argmax(-1, keepdim=True)
    else:
        local = grouped.sort(dim=-1, descending=True, stable=True).indices[..., :each]
    offsets = torch.arange(groups, device=probabilities.device)[:, None] * size
    return (local + offsets).flatten(-2)


def straight_through(weights: Tensor, logits: Tensor, ids: Tensor, temperature: float) -> Tensor:
    """Return `weights` with the gradient of softmax(logits / temperature) at `ids`.

    That softmax is over all experts, so each logit gets a gradient in every step, chosen or not:
    ∂L/∂z_j = p_j (g_j [j chosen] − Σ_chosen g_i p_i) / τ. (Intern-S1-Pro, arXiv 2603.25040.)
    """
    soft = (logits.float() / temperature).softmax(-1).gather(-1, ids)
    return weights.detach() + (soft - soft.detach())


class Router(nn.Module):
    """A linear layer, one softmax over all experts, and the choice."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(config.num_experts, config.hidden_size))
        self.per_token = config.num_experts_per_tok
        self.groups = config.router_n_groups
        self.normalise = config.norm_topk_prob
        self.float32 = config.router_dtype == "float32"
        self.straight_through = config.router_straight_through
        self.temperature = config.router_temperature

    def forward(self, x: Tensor, routed_experts: Tensor | None = None) -> Routing:
        """Route tokens `x` [tokens, hidden].

        `routed_experts` [tokens, experts per token] are choices of another engine to replay (R3, arXiv
        2510.11370): the ids are taken over, the weights computed anew, so that the gradient flows. A token whose
        ids are negative has none recorded and is routed here.
        """
        if self.float32:
            logits = F.linear(x.float(), self.weight.float())
        else:
            logits = F.linear(x, self.weight)
        probabilities = logits.softmax(-1, dtype=torch.float32)
        ids = choose_experts(probabilities.detach(), self.per_token, self.groups)
        if routed_experts is not None:
            replayed = routed_experts.to(device=ids.device, dtype=torch.int64)
            ids = torch.where((replayed >= 0).all(-1, keepdim=True), replayed, ids)
        weights = probabilities.gather(-1, ids)
        if self.normalise:
            weights = weights / (weights.sum(-1, keepdim=True) + 1e-20)
        if self.straight_through and self.training:
            weights = straight_through(weights, logits, ids, self.temperature)
        return Routing(logits, weights.to(logits.dtype), ids)
