"""Making a larger mixture of a trained one."""

import dataclasses

import pytest
from golden_network import tiny_network, token_ids

torch = pytest.importorskip("torch")

from benchmate.model.architecture.expansion import count_first_choices, deal_experts, expand_experts  # noqa: E402
from benchmate.model.architecture.router import Routing  # noqa: E402
from benchmate.runtime.errors import InvalidInput  # noqa: E402


def test_every_group_of_512_gets_a_cross_section_of_128() -> None:
    usage = torch.rand(128, generator=torch.Generator().manual_seed(1))
    source = deal_experts(usage, 4, 8)
    assert source.bincount().tolist() == [4] * 128
    rank = usage.argsort(descending=True).argsort()
    for group in source.view(8, 64):
        assert len(set(group.tolist())) == 64
        pairs = (rank[group] // 2).sort().values  # one of ranks 0 and 1, one of 2 and 3, …
        assert pairs.tolist() == list(range(64))
    assert len({tuple(group.tolist()) for group in source.view(8, 64)}) == 8


@pytest.mark.parametrize(("copies", "groups"), [(3, 8), (4, 6), (1, 3)])
def test_an_uneven_deal_is_refused(copies: int, groups: int) -> None:
    with pytest.raises(InvalidInput, match="do not go evenly"):
        deal_experts(torch.zeros(128), copies, groups)


def test_first_choices_are_counted() -> None:
    ids = torch.tensor([[3, 0, 1], [2, 3, 0]])
    weights = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2]])
    counts = count_first_choices([Routing(torch.zeros(2, 4), weights, ids)])
    assert counts.tolist() == [[2, 0, 0, 2]]
    assert count_first_choices([Routing(torch.zeros(2, 4), weights, ids)], first=1).tolist() == [[0, 0, 0, 2]]


@torch.no_grad()
def test_all_copies_together_are_the_old_mixture() -> None:
    """With one group and four times the choices a token meets its old experts, four times each."""
    plain = tiny_network(router_n_groups=1)
    ids = torch.from_numpy(token_ids())
    before = plain(ids)
    config = expand_experts(plain, 4, 8, usage=count_first_choices(before.routings))
    assert (config.num_experts, config.router_n_groups) == (256, 8)
    assert plain.text_config == config
    assert sum(p.numel() for p in plain.parameters()) == config.parameters
    for layer in plain.model.language_model.layers:
        if hasattr(layer.mlp, "gate"):
            layer.mlp.gate.groups, layer.mlp.gate.per_token = 1, 32
    after = plain(ids)
    torch.testing.assert_close(after.states, before.states, atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_an_expanded_network_routes_by_groups_and_noise_parts_the_copies() -> None:
    network = tiny_network(router_n_groups=1)
    expand_experts(network, 2, 8, router_noise=0.01)
    routing = network(torch.from_numpy(token_ids())).routings[0]
    assert (routing.ids // 16).tolist() == [list(range(8))] * 22
    rows = network.model.language_model.layers[0].mlp.gate.weight
    assert len(torch.unique(rows, dim=0)) == 128
    dense = dataclasses.replace(network.text_config, num_experts=0)
    assert network.text_config.parameters > dense.parameters
