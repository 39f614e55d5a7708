"""Expert expansion: a larger mixture from a trained one, as Intern-S1-Pro's 512 experts from Intern-S1's 128.

Intern-S1-Pro (arXiv 2603.25040) gives every group of the new router well-trained experts, ones that were often first or
second choice; spreading each token's former choices over groups lost accuracy. The release does not say how the copies
are dealt, so the deal here is our own: experts are ranked by how often they came first or second, and of every few
experts next to each other in rank each group gets one. So all groups have the same cross-section of ranks, and no group
holds an expert twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from benchmate.model.architecture.config import TextConfig
from benchmate.model.architecture.decoder import MixtureOfExperts
from benchmate.model.architecture.model import CausalLM
from benchmate.model.architecture.router import Routing
from benchmate.runtime.errors import InvalidInput


def count_first_choices(routings: Sequence[Routing], first: int = 2) -> Tensor:
    """Return how many tokens had each expert among their `first` choices, [layers with experts, experts]."""
    counts = []
    for routing in routings:
        best = routing.weights.topk(first, dim=-1).indices
        chosen = routing.ids.gather(-1, best).flatten()
        counts.append(chosen.bincount(minlength=routing.logits.shape[-1]))
    return torch.stack(counts)


def deal_experts(usage: Tensor, copies: int, groups: int, *, seed: int = 0) -> Tensor:
    """Return which old expert each new one copies, [experts · copies], in contiguous groups.

    `usage` [experts] ranks the old ones. Raises InvalidInput unless `copies` divides `groups` and the experts go
    round evenly.
    """
    experts = len(usage)
    if groups % copies or experts % (groups // copies):
        raise InvalidInput(
            "expert_expansion",
            f"{copies} copies of {experts} experts do not go evenly into {groups} groups",
            hint="copies must divide groups, and groups / copies the number of experts",
        )
    block = groups // copies  # experts next to each other in rank that fill all groups once
    ranked = usage.argsort(descending=True, stable=True).view(-1, block)
    generator = torch.Generator().manual_seed(seed)
    dealt: list[list[int]] = [[] for _ in range(groups)]
    for peers in ranked.tolist():
        order = torch.randperm(groups, generator=generator).view(block, copies).tolist()
        for expert, targets in zip(peers, order, strict=True):
            for group in targets:
                dealt[group].append(expert)
    return torch.tensor(dealt).flatten()


@torch.no_grad()
def expand_experts(
    network: CausalLM,
    copies: int,
    groups: int,
    *,
    usage: Tensor | None = None,
    router_noise: float = 0.0,
    seed: int = 0,
) -> TextConfig:
    """Give each mixture of `network` `copies` times its experts, in `groups` groups, in place; return its new sizes.

    Experts and router rows are copied, the rows with normal noise of `router_noise` times their own deviation where
    copies shall differ from the start. `usage` is `count_first_choices`'. One layer at a time is in memory twice.
    The outputs change, since a token now meets the best of each group; with one group and `copies` times the choices
    they would not.
    """
    old = network.text_config
    new = replace(old, num_experts=old.num_experts * copies, router_n_groups=groups)
    generator = torch.Generator().manual_seed(seed)
    mixtures = [part for part in network.modules() if isinstance(part, MixtureOfExperts)]
    for layer, mixture in enumerate(mixtures):
        counts = torch.zeros(old.num_experts) if usage is None else usage[layer].cpu()
        source = deal_experts(counts, copies, groups, seed=seed + layer)
        for name in ("gate_up_proj", "down_proj"):
            weight = getattr(mixture.experts, name)
            setattr(mixture.experts, name, nn.Parameter(weight[source.to(weight.device)]))
        rows = mixture.gate.weight
        copied = rows[source.to(rows.device)]
        if router_noise:
            drawn = torch.randn(copied.shape, generator=generator, dtype=torch.float32)
            copied = copied + (router_noise * rows.float().std() * drawn.to(rows.device)).to(rows.dtype)
        mixture.gate.weight = nn.Parameter(copied)
        mixture.gate.groups = groups
    network.text_config = network.model.language_model.text_config = new
    return new
