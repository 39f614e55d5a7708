"""Auxiliary losses that keep a router even and its logits small. They count the choice that was made, grouped or replayed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmate.model.architecture.router import Routing


def load_balancing_loss(routing: Routing, mask: Tensor | None = None) -> Tensor:
    """Return E / assignments · Σ_e assignments_e · mean probability_e of one layer: 1 where all is even.

    (Switch Transformer, arXiv 2101.03961, equation 4, for k experts per token.) Tokens where `mask` [tokens] is false,
    such as padding, do not count.
    """
    probabilities, ids = routing.logits.softmax(-1, dtype=torch.float32), routing.ids
    experts = probabilities.shape[-1]
    kept = torch.ones(len(ids), device=ids.device) if mask is None else mask.to(ids.device).flatten().float()
    tokens = kept.sum().clamp(min=1.0)
    assigned = torch.zeros(experts, device=ids.device).index_add(
        0, ids.flatten(), kept[:, None].expand(ids.shape).flatten()
    )
    mean = (probabilities * kept[:, None]).sum(0) / tokens
    return experts / (tokens * ids.shape[-1]) * (assigned * mean).sum()


def router_z_loss(routing: Routing, mask: Tensor | None = None) -> Tensor:
    """Return the mean over tokens of logsumexp(logits)² of one layer (ST-MoE, arXiv 2202.08906, equation 5)."""
    squares = routing.logits.float().logsumexp(-1).square()
    if mask is None:
        return squares.mean()
    kept = mask.to(squares.device).flatten().float()
    return (squares * kept).sum() / kept.sum().clamp(min=1.0)


def router_loss(
    routings: Sequence[Routing], *, balance: float = 0.001, z: float = 0.0, mask: Tensor | None = None
) -> Tensor:
    """Return both losses, summed over layers and weighted; XTuner's weights are 0.001 each.

    Raises ValueError without routings: a dense model has no router.
    """
    if not routings:
        raise ValueError("no routings: ask the model for them with output_routings=True")
    terms = []
    for routing in routings:
        term = balance * load_balancing_loss(routing, mask)
        terms.append(term + z * router_z_loss(routing, mask) if z else term)
    return torch.stack(terms).sum()
