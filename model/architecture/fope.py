"""Positions: Fourier position embedding (FoPE, arXiv 2412.17739) and the rotary embedding it builds on.

Both return tables of cosine and sine factors, [batch, heads, tokens, head_dim], that `rotate` applies to queries and
keys. `heads` is 1 where all heads share them, else the number of key-value heads.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmate.model.architecture.config import TextConfig

FOPE_SEED = 123  # XTuner's: every rank draws the same coefficients


def inverse_frequencies(config: TextConfig) -> Tensor:
    """Return the angular frequencies in radians per token, highest first, float32 on the CPU.

    RoPE has head_dim / 2 of them, theta^(-2i / head_dim). FoPE keeps the first `num_inv_freq`, or, where that is
    None, those whose period is shorter than the context: the others never saw a whole turn in training.
    They are computed on the CPU whatever the device: at position 262,143 one unit in the last place is 0.02 rad.
    """
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.int64, device="cpu").float() / config.head_dim
    frequencies = 1.0 / (config.rope_theta**exponents)
    if config.fope is None:
        return frequencies
    if config.fope.num_inv_freq is not None:
        return frequencies[: config.fope.num_inv_freq]
    return frequencies[frequencies > 2.0 * math.pi / config.max_position_embeddings]


class RotaryEmbedding(nn.Module):
    """RoPE (arXiv 2104.09864): one frequency for each pair of dimensions."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        # Not a buffer: `to(bfloat16)` must not round it, nor `to_empty` lose it.
        self.inv_freq = inverse_frequencies(config)

    @torch.no_grad()
    def forward(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return cosines and sines of `positions` [batch, tokens] as [batch, heads, tokens, head_dim]."""
        with torch.autocast(positions.device.type, enabled=False):
            angles = positions[..., None].float() * self.inv_freq.to(positions.device)
            cos, sin = self.series(angles.cos()[:, None], angles.sin()[:, None])
            cos, sin = torch.cat((cos, cos), dim=-1), torch.cat((sin, sin), dim=-1)
        return cos.to(dtype), sin.to(dtype)

    def series(self, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
        """Return the factors of the head_dim / 2 pairs from [batch, 1, tokens, frequencies]."""
        return cos, sin


class FourierPositionEmbedding(RotaryEmbedding):
    """FoPE: each pair of dimensions has a Fourier series over the kept frequencies instead of one of them.

    The series' coefficients, [key-value heads, frequencies, frequencies], are shared by all layers and are not
    trained by gradient. Dimensions of dropped frequencies get the factors cos = sin = 1, as trainer and release
    have it: queries and keys turn there by the same 45 degrees and grow by √2, so their product is twice the
    unrotated one at every distance. (Zero frequency; a sine of 0 is not what the weights were trained with.)
    """

    sin_coef: Tensor
    cos_coef: Tensor

    def __init__(self, config: TextConfig) -> None:
        super().__init__(config)
        assert config.fope is not None
        kept = len(self.inv_freq)
        self.init_factor = config.fope.init_factor
        shape = (config.num_key_value_heads, kept, kept) if config.fope.sep_head else (kept, kept)
        self.register_buffer("sin_coef", torch.empty(shape, dtype=torch.float32))
        self.register_buffer("cos_coef", torch.empty(shape, dtype=torch.float32))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the coefficients to their first values, unless they have no memory."""
        if not self.sin_coef.is_meta:
            for coefficients, first in zip(self.coefficients(), self.first_coefficients(), strict=True):
                coefficients.copy_(first)

    def coefficients(self) -> tuple[Tensor, Tensor]:
        """Return those of the sines and those of the cosines."""
        return self.sin_coef, self.cos_coef

    def first_coefficients(self) -> tuple[Tensor, Tensor]:
        """Draw both: the identity, which is RoPE, plus Xavier-normal noise of gain `init_factor`."""
        generator = torch.Generator().manual_seed(FOPE_SEED)

        def draw() -> Tensor:
            drawn = torch.empty(self.sin_coef.shape, dtype=torch.float32, device="cpu")
            nn.init.xavier_normal_(drawn, gain=self.init_factor, generator=generator)
            return drawn + torch.eye(drawn.shape[-1], device="cpu")

        return draw(), draw()

    def series(self, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
        missing = self.head_dim // 2 - cos.shape[-1]
        cos, sin = cos @ self.cos_coef.float(), sin @ self.sin_coef.float()
        return F.pad(cos, (0, missing), value=1.0), F.pad(sin, (0, missing), value=1.0)


def position_embedding(config: TextConfig) -> RotaryEmbedding:
    """Return FoPE where the configuration has it, else RoPE."""
    return RotaryEmbedding(config) if config.fope is None else FourierPositionEmbedding(config)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return `x` [batch, heads, tokens, head_dim] at its positions: x · cos + (−second half, first half) · sin.

    Of tables with fewer heads than `x`, each serves as many heads in a row.
    """
    if 1 < cos.shape[1] < x.shape[1]:
        repeats = x.shape[1] // cos.shape[1]
        cos, sin = cos.repeat_interleave(repeats, dim=1), sin.repeat_interleave(repeats, dim=1)
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin
