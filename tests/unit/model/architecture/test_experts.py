"""The experts' products: grouped, looped, and token by token."""

import pytest

torch = pytest.importorskip("torch")

from benchmate.model.architecture.experts import Experts, grouped_linear, grouped_linear_runs  # noqa: E402


def one_by_one(experts: Experts, x: torch.Tensor, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The definition: each token, each of its experts."""
    rows = []
    for token, chosen, shares in zip(x, ids.tolist(), weights, strict=True):
        total = torch.zeros_like(token)
        for expert, share in zip(chosen, shares, strict=True):
            gate, up = (experts.gate_up_proj[expert] @ token).chunk(2)
            total = total + share * (experts.down_proj[expert] @ (torch.nn.functional.silu(gate) * up))
        rows.append(total)
    return torch.stack(rows)


@pytest.fixture
def layer() -> Experts:
    generator = torch.Generator().manual_seed(0)
    made = Experts(6, 8, 4)
    with torch.no_grad():
        for weight in made.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.3)
    return made


@pytest.mark.parametrize("unused", [None, 0, 5])
def test_experts_sum_what_each_token_chose(layer: Experts, unused: int | None) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(10, 8, generator=generator, requires_grad=True)
    scores = torch.rand(10, 6, generator=generator)
    if unused is not None:
        scores[:, unused] = -1
    ids = scores.topk(2).indices
    weights = torch.rand(10, 2, generator=generator, requires_grad=True)
    upstream = torch.randn(10, 8, generator=generator)
    inputs = (x, weights, layer.gate_up_proj, layer.down_proj)
    ours, expected = layer(x, ids, weights), one_by_one(layer, x, ids, weights)
    torch.testing.assert_close(ours, expected)
    for got, want in zip(
        torch.autograd.grad(ours, inputs, upstream),
        torch.autograd.grad(expected, inputs, upstream),
        strict=True,
    ):
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("counts", [[3, 0, 5, 2], [0, 0, 0, 10], [10, 0, 0, 0]])
def test_the_grouped_product_is_the_loop(dtype: torch.dtype, counts: list[int]) -> None:
    generator = torch.Generator().manual_seed(2)
    rows = torch.randn(10, 16, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(4, 8, 16, generator=generator).to(dtype).requires_grad_()
    upstream = torch.randn(10, 8, generator=generator).to(dtype)
    assert grouped_linear_runs(rows, weight)
    both = [grouped_linear(rows, weight, torch.tensor(counts), grouped=grouped) for grouped in (True, False)]
    torch.testing.assert_close(*both)
    gradients = [torch.autograd.grad(product, (rows, weight), upstream) for product in both]
    for grouped, looped in zip(*gradients, strict=True):
        torch.testing.assert_close(grouped, looped, atol=0.05 if dtype == torch.bfloat16 else 1e-5, rtol=0.02)


def test_odd_widths_take_the_loop() -> None:
    rows, weight = torch.randn(4, 5), torch.randn(2, 3, 5)
    assert not grouped_linear_runs(rows, weight)
    product = grouped_linear(rows, weight, torch.tensor([1, 3]))
    torch.testing.assert_close(product, torch.cat((rows[:1] @ weight[0].T, rows[1:] @ weight[1].T)))


def test_no_tokens_give_no_rows(layer: Experts) -> None:
    out = layer(torch.zeros(0, 8), torch.zeros(0, 2, dtype=torch.int64), torch.zeros(0, 2))
    assert out.shape == (0, 8)
