"""Position embeddings against the released code and their properties."""

import dataclasses
import math

import numpy as np
import pytest
from golden_network import TEXT, drawn, golden

torch = pytest.importorskip("torch")

from benchmate.model.architecture.config import INTERN_S1_PRO, FopeConfig, TextConfig  # noqa: E402
from benchmate.model.architecture.fope import (  # noqa: E402
    FourierPositionEmbedding,
    inverse_frequencies,
    position_embedding,
    rotate,
)

TINY = TextConfig.from_huggingface(TEXT)


def filled(config: TextConfig) -> FourierPositionEmbedding:
    embedding = FourierPositionEmbedding(config)
    for name in ("sin_coef", "cos_coef"):
        coefficients = getattr(embedding, name)
        coefficients.copy_(torch.from_numpy(drawn(name, tuple(coefficients.shape))))
    return embedding


@pytest.mark.parametrize(
    ("key", "config", "positions"),
    [
        ("released", INTERN_S1_PRO, [0, 1, 4095, 262143]),
        ("three", dataclasses.replace(TINY, fope=FopeConfig(num_inv_freq=3)), [0, 5, 63]),
        ("shared", dataclasses.replace(TINY, fope=FopeConfig(sep_head=False)), [0, 5, 63]),
    ],
)
def test_fope_tables_are_the_released_ones(key: str, config: TextConfig, positions: list[int]) -> None:
    arrays = golden("fope")
    embedding = filled(config)
    np.testing.assert_array_equal(embedding.inv_freq.numpy(), arrays[f"{key}_inv_freq"])
    for table, name in zip(embedding(torch.tensor([positions]), torch.float32), ("cos", "sin"), strict=True):
        first, second = table[0].chunk(2, dim=-1)
        expected = arrays[f"{key}_{name}"]
        np.testing.assert_allclose(first.numpy().reshape(expected.shape), expected, atol=2e-6)
        assert torch.equal(first, second)


def test_rope_tables_are_the_released_ones() -> None:
    arrays = golden("fope")
    cos, sin = position_embedding(dataclasses.replace(TINY, fope=None))(
        torch.tensor([[0, 5, 63]]), torch.float32
    )
    np.testing.assert_allclose(cos[0, 0, :, :8].numpy(), arrays["rope_cos"], atol=1e-6)
    np.testing.assert_allclose(sin[0, 0, :, :8].numpy(), arrays["rope_sin"], atol=1e-6)


@pytest.mark.parametrize(("context", "kept"), [(262144, 45), (131072, 42), (40960, 37), (32768, 36)])
def test_frequencies_with_a_period_beyond_the_context_are_dropped(context: int, kept: int) -> None:
    config = dataclasses.replace(INTERN_S1_PRO, max_position_embeddings=context)
    periods = [2 * math.pi * 5e6 ** (2 * i / 128) for i in range(64)]
    assert len(inverse_frequencies(config)) == kept == sum(period < context for period in periods)


def test_the_first_coefficients_are_the_identity_and_noise() -> None:
    embedding = FourierPositionEmbedding(INTERN_S1_PRO)
    assert embedding.sin_coef.shape == (4, 45, 45)
    noise = embedding.sin_coef - torch.eye(45)
    assert noise.std().item() == pytest.approx(0.5 * math.sqrt(2 / (45 * 45 + 4 * 45)), rel=0.03)
    assert not torch.equal(embedding.sin_coef, embedding.cos_coef)
    torch.manual_seed(1)
    assert torch.equal(FourierPositionEmbedding(INTERN_S1_PRO).sin_coef, embedding.sin_coef)


def test_dropped_dimensions_count_twice_at_every_distance() -> None:
    """Factors of 1 turn both vectors by 45° and stretch them by √2."""
    embedding = filled(INTERN_S1_PRO)
    dropped = [i for i in range(128) if i % 64 >= 45]
    query, key = torch.zeros(2, 1, 4, 1, 128)
    query[..., dropped], key[..., dropped] = torch.randn(2, 1, 4, 1, len(dropped))
    plain = (query * key).sum(-1)
    for here, there in [(0, 0), (5, 90_000), (262_143, 0)]:
        turned = rotate(query, *embedding(torch.tensor([[here]]), torch.float32))
        other = rotate(key, *embedding(torch.tensor([[there]]), torch.float32))
        torch.testing.assert_close((turned * other).sum(-1), 2 * plain)


def test_query_heads_use_the_table_of_their_key_head() -> None:
    embedding = filled(TINY)
    cos, sin = embedding(torch.tensor([[3, 9]]), torch.float32)
    query = torch.randn(1, 8, 2, 16)
    turned = rotate(query, cos, sin)
    for head in range(8):
        table = slice(head // 4, head // 4 + 1)
        alone = rotate(query[:, head : head + 1], cos[:, table], sin[:, table])
        assert torch.equal(turned[:, head : head + 1], alone)
    assert not torch.equal(cos[:, 0], cos[:, 1])


def test_identity_coefficients_are_rope_without_the_slow_frequencies() -> None:
    embedding = FourierPositionEmbedding(TINY)
    for coefficients in (embedding.sin_coef, embedding.cos_coef):
        coefficients.copy_(torch.eye(coefficients.shape[-1]).expand_as(coefficients))
    kept = len(embedding.inv_freq)
    rope = position_embedding(dataclasses.replace(TINY, fope=None))
    positions = torch.tensor([[0, 7, 31]])
    for ours, plain in zip(embedding(positions, torch.float32), rope(positions, torch.float32), strict=True):
        torch.testing.assert_close(ours[:, 0, :, :kept], plain[:, 0, :, :kept])


def test_rope_products_depend_on_the_distance_alone() -> None:
    rope = position_embedding(dataclasses.replace(TINY, fope=None))
    query, key = torch.randn(2, 1, 1, 1, 16)

    def product(here: int, there: int) -> torch.Tensor:
        turned = rotate(query, *rope(torch.tensor([[here]]), torch.float32))
        return (turned * rotate(key, *rope(torch.tensor([[there]]), torch.float32))).sum()

    torch.testing.assert_close(product(3, 10), product(43, 50), atol=1e-4, rtol=1e-4)


def test_rounding_the_network_leaves_the_frequencies_alone() -> None:
    embedding = FourierPositionEmbedding(INTERN_S1_PRO).to(torch.bfloat16)
    assert embedding.inv_freq.dtype == torch.float32
    cos, _ = embedding(torch.tensor([[262_143]]), torch.bfloat16)
    assert cos.dtype == torch.bfloat16
