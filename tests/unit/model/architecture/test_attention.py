"""Attention against its definition, its masks, and the interface of Hugging Face's functions."""

import pytest
from golden_network import TEXT

torch = pytest.importorskip("torch")

from benchmate.model.architecture.attention import Attention, KeyValueCache, causal_mask, sdpa_attention  # noqa: E402
from benchmate.model.architecture.config import TextConfig  # noqa: E402
from benchmate.model.architecture.fope import position_embedding  # noqa: E402

TINY = TextConfig.from_huggingface(TEXT)


def defined(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, visible: torch.Tensor
) -> torch.Tensor:
    """softmax(q·k / √d)·v of each query head with its key head, [batch, tokens, heads, head_dim]."""
    heads = []
    for head in range(query.shape[1]):
        shared = head * key.shape[1] // query.shape[1]
        scores = query[:, head] @ key[:, shared].transpose(-2, -1) / query.shape[-1] ** 0.5
        heads.append(scores.masked_fill(~visible, -torch.inf).softmax(-1) @ value[:, shared])
    return torch.stack(heads, dim=2)


def test_grouped_queries_attend_causally() -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(2, 8, 5, 16), torch.randn(2, 2, 5, 16), torch.randn(2, 2, 5, 16)
    out, _ = sdpa_attention(torch.nn.Module(), query, key, value, None, scaling=0.25)
    torch.testing.assert_close(out, defined(query, key, value, torch.ones(5, 5, dtype=torch.bool).tril()))


def test_a_query_sees_real_tokens_up_to_itself() -> None:
    padding = torch.tensor([[1, 1, 1, 1], [0, 0, 1, 1]])
    mask = causal_mask(padding, 2, 3, 1, torch.device("cpu"))
    assert mask is not None
    assert mask[0, 0].int().tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert mask[1, 0].int().tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]


def test_no_mask_is_made_where_none_is_needed() -> None:
    assert causal_mask(None, 2, 5, 0, torch.device("cpu")) is None
    assert causal_mask(None, 2, 1, 7, torch.device("cpu")) is None
    chunk = causal_mask(None, 2, 2, 1, torch.device("cpu"))
    assert chunk is not None and chunk[0, 0].int().tolist() == [[1, 1, 0], [1, 1, 1]]


@pytest.mark.parametrize("masked", [False, True])
def test_functions_of_hugging_face_stand_in(masked: bool) -> None:
    utils = pytest.importorskip("transformers.modeling_utils")
    qwen = pytest.importorskip("transformers.models.qwen3_moe.modeling_qwen3_moe")
    torch.manual_seed(0)
    layer = Attention(TINY, 0).eval()
    x, tables = torch.randn(2, 6, 64), position_embedding(TINY)(torch.arange(6)[None], torch.float32)
    padding = torch.ones(2, 6)
    padding[1, :2] = 0
    mask = causal_mask(padding, 2, 6, 0, x.device) if masked else None
    ours, _ = layer(x, tables, mask)
    theirs, _ = layer(x, tables, mask, attention_function=utils.ALL_ATTENTION_FUNCTIONS["sdpa"])
    torch.testing.assert_close(ours, theirs)
    visible = torch.ones(6, 6, dtype=torch.bool).tril() if mask is None else mask
    added = torch.zeros(visible.shape).masked_fill(~visible, -1e30).expand(2, 1, 6, 6)
    eager, weights = layer(x, tables, added, attention_function=qwen.eager_attention_forward)
    torch.testing.assert_close(ours, eager)
    assert weights is not None and weights.shape == (2, 8, 6, 6)


def test_a_cache_gives_what_one_pass_gives() -> None:
    torch.manual_seed(0)
    layer, embedding = Attention(TINY, 0).eval(), position_embedding(TINY)
    x = torch.randn(2, 6, 64)
    whole, _ = layer(x, embedding(torch.arange(6)[None], torch.float32))
    cache, parts = KeyValueCache(), []
    for start, stop in [(0, 3), (3, 4), (4, 6)]:
        tables = embedding(torch.arange(start, stop)[None], torch.float32)
        mask = causal_mask(None, 2, stop - start, start, x.device)
        parts.append(layer(x[:, start:stop], tables, mask, cache)[0])
    torch.testing.assert_close(torch.cat(parts, dim=1), whole)
    assert cache.get_seq_length() == 6
