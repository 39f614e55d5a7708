"""The configuration that the network is built from."""

import dataclasses
from typing import Any

import pytest
from golden_network import TEXT

from benchmate.model.architecture.config import (
    INTERN_S1,
    INTERN_S1_MINI,
    INTERN_S1_PRO,
    FopeConfig,
    TextConfig,
)
from benchmate.runtime.errors import InvalidInput

RELEASED: dict[str, Any] = {
    "model_type": "interns1_pro",
    "tie_word_embeddings": False,
    "text_config": {
        "attention_bias": False, "decoder_sparse_step": 1, "head_dim": 128, "hidden_act": "silu", "hidden_size": 4096,
        "intermediate_size": 12288, "max_position_embeddings": 262144, "mlp_only_layers": [],
        "moe_intermediate_size": 1536, "norm_topk_prob": True, "num_attention_heads": 64, "num_experts": 512,
        "num_experts_per_tok": 8, "num_hidden_layers": 94, "num_key_value_heads": 4, "rms_norm_eps": 1e-6,
        "rope_scaling": {
            "rope_type": "default", "fope_init_factor": 0.5, "fope_sep_head": True, "num_inv_freq": None,
        },
        "rope_theta": 5000000, "router_n_groups": 8, "vocab_size": 155008,
    },
}  # fmt: skip


def test_the_released_configuration_is_the_preset() -> None:
    assert TextConfig.from_huggingface(RELEASED) == INTERN_S1_PRO


@pytest.mark.parametrize(
    ("config", "parameters", "active"),
    [
        (INTERN_S1_PRO, 916_555_836_928, 22_363_778_560),
        (INTERN_S1, 235_104_120_320, 22_201_249_280),
        (INTERN_S1_MINI, 8_201_221_120, 8_201_221_120),
    ],
)
def test_parameters_are_counted(config: TextConfig, parameters: int, active: int) -> None:
    """Sums of the tensor sizes that the released checkpoints list."""
    assert (config.parameters, config.active_parameters) == (parameters, active)


@pytest.mark.parametrize("config", [INTERN_S1_PRO, INTERN_S1, INTERN_S1_MINI])
def test_a_configuration_comes_back_as_it_was_written(config: TextConfig) -> None:
    assert TextConfig.from_huggingface(config.to_huggingface()) == config


def test_positions_are_read_as_transformers_5_writes_them() -> None:
    text = {key: value for key, value in RELEASED["text_config"].items() if not key.startswith("rope")}
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 1e4, "num_inv_freq": 12}
    config = TextConfig.from_huggingface(text)
    assert config.rope_theta == 1e4 and config.fope == FopeConfig(num_inv_freq=12)


def test_rope_without_fope_keys_is_rope() -> None:
    text = {**RELEASED["text_config"], "rope_scaling": {"rope_type": "default", "num_inv_freq": None}}
    assert TextConfig.from_huggingface(text).fope is None


def test_layers_have_experts_as_the_configuration_says() -> None:
    tiny = TextConfig.from_huggingface(TEXT)
    assert [tiny.has_experts(layer) for layer in range(3)] == [True, False, True]
    every_second = dataclasses.replace(tiny, mlp_only_layers=(), decoder_sparse_step=2)
    assert [every_second.has_experts(layer) for layer in range(4)] == [False, True, False, True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"router_n_groups": 7}, "router_n_groups must divide"),
        ({"num_experts_per_tok": 12}, "router_n_groups must divide"),
        ({"num_experts_per_tok": 1000}, "must be 1 to 512"),
        ({"num_key_value_heads": 5}, "num_attention_heads must be a multiple"),
        ({"head_dim": 127}, "head_dim must be even"),
        ({"rope_scaling": {"rope_type": "yarn"}}, "'yarn'"),
        ({"hidden_act": "gelu"}, "'gelu'"),
        ({"tie_word_embeddings": True}, "tie_word_embeddings"),
        ({"vocab_size": None}, "vocab_size"),
        ({"router_temperature": 0.0}, "router_temperature"),
    ],
)
def test_what_no_network_can_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        TextConfig.from_huggingface({**RELEASED["text_config"], **change})
