"""Root-mean-square normalisation (Zhang and Sennrich 2019, arXiv 1910.07467)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """`weight · x / sqrt(mean(x²) + eps)` over the last axis; the statistics are float32.

    The released code rounds to the input's dtype before it multiplies by the weight; LMDeploy's default kernels
    multiply in float32 and round once (`float32_weight=True`). In bfloat16 they differ by up to one unit in the
    last place, which is enough to route a token elsewhere.
    """

    def __init__(self, width: int, eps: float = 1e-6, *, float32_weight: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps
        self.float32_weight = float32_weight

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        if self.float32_weight:
            return (self.weight.float() * normed).to(x.dtype)
        return self.weight * normed.to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, eps={self.eps}"
