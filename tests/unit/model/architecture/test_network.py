"""The language model against the released code's golden arrays."""

from typing import Any

import numpy as np
import pytest
from golden_network import drawn, golden, tiny_network, token_ids

torch = pytest.importorskip("torch")

from benchmate.model.architecture.attention import KeyValueCache  # noqa: E402
from benchmate.model.architecture.config import INTERN_S1_PRO  # noqa: E402
from benchmate.model.architecture.model import CausalLM  # noqa: E402
from benchmate.model.architecture.router_losses import router_loss  # noqa: E402


@pytest.fixture(scope="module")
def network() -> Any:
    return tiny_network()


@pytest.fixture(scope="module")
def ids() -> torch.Tensor:
    return torch.from_numpy(token_ids())


@pytest.mark.parametrize(("key", "layer"), [("layer", 0), ("dense_layer", 1)])
@torch.no_grad()
def test_a_layer_is_the_released_one(network: Any, key: str, layer: int) -> None:
    x = torch.from_numpy(drawn("layer.x", (2, 7, 64))) * 12
    text = network.model.language_model
    out, _ = text.layers[layer](x, text.rotary_emb(torch.arange(7)[None], x.dtype))
    np.testing.assert_allclose(out.numpy(), golden("model")[key], atol=2e-5)


@torch.no_grad()
def test_logits_are_the_released_ones(network: Any, ids: torch.Tensor) -> None:
    np.testing.assert_allclose(network(ids).states.numpy(), golden("model")["logits"], atol=2e-5)


@torch.no_grad()
def test_left_padding_is_counted_as_the_released_code_counts_it(network: Any, ids: torch.Tensor) -> None:
    padding = torch.ones_like(ids)
    padding[1, :4] = 0
    logits = network(ids, padding=padding).states[1, 4:]
    np.testing.assert_allclose(logits.numpy(), golden("model")["padded_logits"], atol=2e-5)


def test_cached_decoding_writes_the_released_tokens(network: Any, ids: torch.Tensor) -> None:
    np.testing.assert_array_equal(network.decode(ids, 8).numpy(), golden("model")["greedy"])


@torch.no_grad()
def test_bfloat16_stays_as_close_as_the_released_code_does(ids: torch.Tensor) -> None:
    """Against the released code's own bfloat16 logits: far nearer than those are to float32."""
    arrays = golden("model")
    rounded = tiny_network().bfloat16()
    rounded.model.language_model.rotary_emb.float()
    difference = np.abs(rounded(ids).states.float().numpy() - arrays["bf16_logits"])
    assert np.median(difference) < np.median(np.abs(arrays["bf16_logits"] - arrays["logits"]))
    assert difference.max() < 0.12


@torch.no_grad()
def test_both_norm_conventions_agree_in_float32(network: Any, ids: torch.Tensor) -> None:
    other = tiny_network(float32_norm_weight=True, router_dtype="float32", float32_head=True)
    torch.testing.assert_close(other(ids).states, network(ids).states, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_cache_filled_in_pieces_gives_the_same_logits(network: Any, ids: torch.Tensor) -> None:
    whole, cache = network(ids).states, KeyValueCache()
    pieces = [network(ids[:, start:stop], cache=cache).states for start, stop in [(0, 4), (4, 5), (5, 11)]]
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(network(ids, last=2).states, whole[:, -2:])


@torch.no_grad()
def test_embeddings_stand_for_tokens(network: Any, ids: torch.Tensor) -> None:
    embedded = network.model.language_model.embed_tokens(ids)
    assert torch.equal(network(inputs_embeds=embedded).states, network(ids).states)
    with pytest.raises(ValueError, match="either"):
        network(ids, inputs_embeds=embedded)


@torch.no_grad()
def test_a_recorded_choice_is_replayed_layer_by_layer(network: Any, ids: torch.Tensor) -> None:
    states, routings = network(ids)
    assert len(routings) == 2  # the second of three layers is dense
    recorded = torch.stack([routing.ids.view(2, 11, 8) for routing in routings], dim=2)
    assert torch.equal(network(ids, routed_experts=recorded).states, states)
    turned = (recorded + 1) % 64
    replay = network(ids, routed_experts=turned)
    assert all(torch.equal(r.ids.view(2, 11, 8), turned[:, :, i]) for i, r in enumerate(replay.routings))
    assert (replay.states - states).abs().max() > 0.1


def test_checkpointed_gradients_are_the_same(ids: torch.Tensor) -> None:
    def gradients(checkpointed: bool) -> list[torch.Tensor]:
        network = tiny_network(router_straight_through=True).train()
        network.model.language_model.gradient_checkpointing = checkpointed
        states, routings = network(ids)
        loss = torch.nn.functional.cross_entropy(states[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        (loss + router_loss(routings)).backward()
        return [parameter.grad for parameter in network.parameters()]

    plain, checkpointed = gradients(False), gradients(True)
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in plain)
    for one, other in zip(plain, checkpointed, strict=True):
        torch.testing.assert_close(one, other)


def test_the_whole_network_stands_on_the_meta_device() -> None:
    """All tensors of Intern-S1-Pro without their memory; the sum is that of the released shapes."""
    with torch.device("meta"):
        network = CausalLM(INTERN_S1_PRO)
    assert sum(parameter.numel() for parameter in network.parameters()) == 916_555_836_928
    assert network.model.language_model.rotary_emb.sin_coef.shape == (4, 45, 45)
    assert network.model.language_model.layers[0].mlp.experts.gate_up_proj.shape == (512, 3072, 4096)
