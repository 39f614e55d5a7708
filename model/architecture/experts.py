"""Gated MLPs (SwiGLU, arXiv 2002.05202): one dense, and all experts of a layer at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GROUPED_ALIGNMENT = 16  # bytes: rows of grouped_mm's operands start at multiples of it


class GatedMLP(nn.Module):
    """down(silu(gate(x)) · up(x))."""

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(hidden, width, bias=False)
        self.up_proj = nn.Linear(hidden, width, bias=False)
        self.down_proj = nn.Linear(width, hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        down: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return down


def grouped_linear_runs(rows: Tensor, weight: Tensor) -> bool:
    """Whether PyTorch's grouped matrix product takes these operands, forward and backward."""
    if not hasattr(F, "grouped_mm") or rows.dtype != weight.dtype or not len(rows):
        return False
    if any(size * rows.element_size() % GROUPED_ALIGNMENT for size in weight.shape[1:]):
        return False
    if rows.is_cuda:
        return rows.dtype == torch.bfloat16 and torch.cuda.get_device_capability(rows.device) >= (8, 0)
    return rows.device.type == "cpu" and rows.dtype in (torch.bfloat16, torch.float32)


def grouped_linear(rows: Tensor, weight: Tensor, counts: Tensor, *, grouped: bool | None = None) -> Tensor:
    """Multiply consecutive `counts[e]` rows by `weight[e]`ᵀ: [rows, in] and [experts, out, in] to [rows, out].

    One grouped product where that runs, else one product for each expert that has rows.
    """
    if grouped if grouped is not None else grouped_linear_runs(rows, weight):
        ends = counts.cumsum(0).to(torch.int32)
        product: Tensor = F.grouped_mm(rows, weight.transpose(-2, -1), offs=ends)
        return product
    parts, start = [], 0
    for expert, count in enumerate(counts.tolist()):
        if count:
            parts.append(F.linear(rows[start : start + count], weight[expert]))
            start += count
    return torch.cat(parts) if parts else rows.new_zeros(0, weight.shape[1])


class Experts(nn.Module):
    """All experts of a layer, with gate and up projections fused: rows of each expert are gate's, then up's.

    `gate_up_proj` is [experts, 2 · width, hidden], `down_proj` [experts, hidden, width].
    """

    def __init__(self, experts: int, hidden: int, width: int) -> None:
        super().__init__()
        self.gate_up_proj = nn.Parameter(torch.empty(experts, 2 * width, hidden))
        self.down_proj = nn.Parameter(torch.empty(experts, hidden, width))

    def forward(self, x: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
        """Return Σ weight · expert(x) for tokens `x` [tokens, hidden] and the routing [tokens, per token].

        Tokens are sorted by expert and back, and a token's terms are added in the order of `ids`, so the result
        does not depend on the device's scheduling.
        """
        tokens, per_token = ids.shape
        order = ids.flatten().argsort(stable=True)
        counts = torch.bincount(ids.flatten(), minlength=len(self.gate_up_proj))
        rows = x[order // per_token]  # [tokens · per token, hidden], by expert
        gate, up = grouped_linear(rows, self.gate_up_proj, counts).chunk(2, dim=-1)
        out = grouped_linear(F.silu(gate) * up, self.down_proj, counts)
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order), device=order.device)
        terms = out[back].view(tokens, per_token, x.shape[-1]) * weights[..., None]
        return terms.sum(1).to(x.dtype)
