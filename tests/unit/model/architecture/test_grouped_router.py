"""The choice of experts: the released code's, its gradient, replay, and the losses."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from golden_network import TEXT, drawn, golden

torch = pytest.importorskip("torch")

from benchmate.model.architecture.config import TextConfig  # noqa: E402
from benchmate.model.architecture.router import Router, Routing, choose_experts  # noqa: E402
from benchmate.model.architecture.router_losses import (  # noqa: E402
    load_balancing_loss,
    router_loss,
    router_z_loss,
)

TINY = TextConfig.from_huggingface(TEXT)
TOKENS = torch.from_numpy(drawn("router.x", (32, 64))) * 12


def router(**changes: Any) -> Router:
    made = Router(dataclasses.replace(TINY, **changes))
    with torch.no_grad():
        made.weight.copy_(torch.from_numpy(drawn("gate.weight", (64, 64))))
    return made


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("grouped", {}),
        ("two", {"num_experts_per_tok": 16}),
        ("plain", {"router_n_groups": 1}),
        ("raw", {"norm_topk_prob": False}),
    ],
)
def test_ids_and_weights_are_the_released_ones(key: str, changes: dict[str, Any]) -> None:
    arrays = golden("router")
    routing = router(**changes)(TOKENS)
    np.testing.assert_array_equal(routing.ids.numpy(), arrays[f"{key}_ids"])
    np.testing.assert_allclose(routing.weights.detach().numpy(), arrays[f"{key}_weights"], rtol=1e-5)


def test_bfloat16_rounds_where_the_released_code_rounds() -> None:
    arrays = golden("router")
    routing = router().bfloat16()(TOKENS.bfloat16())
    np.testing.assert_array_equal(routing.ids.numpy(), arrays["bf16_ids"])
    np.testing.assert_array_equal(routing.weights.detach().float().numpy(), arrays["bf16_weights"])


def test_a_float32_router_keeps_float32_in_a_bfloat16_network() -> None:
    routing = router(router_dtype="float32").bfloat16()(TOKENS.bfloat16())
    assert routing.logits.dtype == routing.weights.dtype == torch.float32


def test_of_equal_experts_the_first_wins() -> None:
    equal = torch.full((1, 64), 1 / 64)
    assert choose_experts(equal, 8, 8).tolist() == [[0, 8, 16, 24, 32, 40, 48, 56]]
    assert choose_experts(equal, 16, 8)[0, :4].tolist() == [0, 1, 8, 9]
    assert choose_experts(equal, 3).tolist() == [[0, 1, 2]]


def test_every_group_gets_the_same_number_of_assignments() -> None:
    skewed = torch.randn(500, 64, generator=torch.Generator().manual_seed(3)) + torch.linspace(0, 9, 64)
    per_group = (choose_experts(skewed.softmax(-1), 16, 8) // 8).flatten().bincount()
    assert per_group.tolist() == [500 * 2] * 8
    assert (choose_experts(skewed.softmax(-1), 16) // 8).flatten().bincount()[-1] > 500 * 4


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
def test_the_straight_through_gradient_is_the_closed_form(temperature: float) -> None:
    """∂L/∂z_j = p_j (g_j [j chosen] − Σ_chosen g_i p_i) / τ, by hand in float64."""
    training = router(router_straight_through=True, router_temperature=temperature).train()
    plain = router().train()
    routing, without = training(TOKENS), plain(TOKENS)
    assert torch.equal(routing.weights, without.weights) and torch.equal(routing.ids, without.ids)

    upstream = torch.randn(32, 8, generator=torch.Generator().manual_seed(5))
    (gradient,) = torch.autograd.grad((routing.weights * upstream).sum(), routing.logits)
    z = routing.logits.detach().numpy().astype(np.float64) / temperature
    p = np.exp(z - z.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    g = np.zeros_like(p)
    np.put_along_axis(g, routing.ids.numpy(), upstream.numpy().astype(np.float64), -1)
    np.testing.assert_allclose(
        gradient.numpy(), p * (g - (g * p).sum(-1, keepdims=True)) / temperature, atol=1e-6
    )

    assert (gradient != 0).all()
    (sparse,) = torch.autograd.grad((without.weights * upstream).sum(), without.logits)
    assert ((sparse.abs() > 1e-7).sum(-1) <= 8).all()


def test_evaluation_goes_without_the_estimator() -> None:
    training, evaluated, plain = (
        torch.autograd.grad(made(TOKENS).weights[:, 0].sum(), made.weight)[0]
        for made in (
            router(router_straight_through=True).train(),
            router(router_straight_through=True).eval(),
            router().train(),
        )
    )
    assert torch.equal(evaluated, plain) and not torch.allclose(training, plain)


def test_a_replayed_choice_is_taken_over_with_live_weights() -> None:
    made = router()
    own = made(TOKENS)
    recorded = (own.ids + 1) % 64
    routing = made(TOKENS, recorded.to(torch.uint16))
    assert torch.equal(routing.ids, recorded)
    chosen = own.logits.detach().softmax(-1).gather(-1, recorded)
    torch.testing.assert_close(routing.weights, chosen / chosen.sum(-1, keepdim=True))
    (gradient,) = torch.autograd.grad(routing.weights[:, 0].sum(), made.weight)
    assert gradient.abs().sum() > 0


def test_a_token_without_a_record_is_routed_here() -> None:
    made = router()
    own = made(TOKENS)
    recorded = (own.ids + 1) % 64
    recorded[5] = -1
    ids = made(TOKENS, recorded).ids
    assert torch.equal(ids[5], own.ids[5]) and torch.equal(ids[6], recorded[6])


def test_the_balance_loss_counts_the_choice_that_was_made() -> None:
    """Against the definition in NumPy, with the grouped ids; plain top-k would give another value."""
    routing = router()(TOKENS)
    p = routing.logits.detach().softmax(-1).numpy().astype(np.float64)
    counts = np.bincount(routing.ids.numpy().ravel(), minlength=64)
    expected = 64 / (32 * 8) * (counts * p.mean(0)).sum()
    assert load_balancing_loss(routing).item() == pytest.approx(expected, rel=1e-5)
    plain = np.bincount(np.argsort(-p, -1)[:, :8].ravel(), minlength=64)
    assert abs(64 / (32 * 8) * (plain * p.mean(0)).sum() - expected) > 1e-3


def test_even_routing_costs_one_and_collapse_costs_more() -> None:
    even = Routing(torch.zeros(8, 8), torch.ones(8, 1), torch.arange(8)[:, None])
    assert load_balancing_loss(even).item() == pytest.approx(1.0)
    logits = torch.zeros(8, 8)
    logits[:, 0] = 20.0
    collapsed = Routing(logits, torch.ones(8, 1), torch.zeros(8, 1, dtype=torch.int64))
    assert load_balancing_loss(collapsed).item() == pytest.approx(8.0, rel=1e-4)


def test_masked_tokens_count_nothing() -> None:
    routing = router()(TOKENS)
    mask = torch.arange(32) < 20
    first = Routing(*(tensor[:20] for tensor in routing))
    torch.testing.assert_close(load_balancing_loss(routing, mask), load_balancing_loss(first))
    torch.testing.assert_close(router_z_loss(routing, mask), router_z_loss(first))


def test_the_z_loss_is_the_squared_logsumexp() -> None:
    logits = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    routing = Routing(logits, torch.ones(2, 1), torch.zeros(2, 1, dtype=torch.int64))
    expected = (np.log(2) ** 2 + (1 + np.log(2)) ** 2) / 2
    assert router_z_loss(routing).item() == pytest.approx(expected)
    both = router_loss([routing, routing], balance=0.0, z=0.5)
    assert both.item() == pytest.approx(expected)
    with pytest.raises(ValueError, match="no routings"):
        router_loss([])
