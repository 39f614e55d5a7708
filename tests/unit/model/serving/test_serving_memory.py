"""Sizes and memory against published and separately computed numbers."""

import json
from pathlib import Path

import pytest

from benchmate.model.serving.deployment import Deployment
from benchmate.model.serving.memory import GB, Memory, memory_of
from benchmate.model.serving.presets import PRESETS, S1, S1_MINI, S1_PRO, S2_PREVIEW, deployment_of
from benchmate.model.serving.shape import ModelShape, format_of_folder, shape_of_folder
from benchmate.model.serving.topology import Layout, layout
from benchmate.runtime.errors import InvalidInput


def memory(d: Deployment) -> Memory:
    found = layout(d.dp, d.tp, d.ep)
    assert isinstance(found, Layout)
    seen = memory_of(d, found)
    assert seen is not None
    return seen


@pytest.mark.parametrize(
    ("shape", "parameters", "experts"),
    [
        # Counted from the state dicts of the released model code, built on the meta device with the released
        # configs (transformers 4.57): Intern-S1-Pro; Intern-S1 and -mini with XTuner's configs.
        (S1_PRO, 916_555_836_928, 908_385_583_104),
        (S1, 235_104_120_320, 227_096_395_776),
        (S1_MINI, 8_201_221_120, 0),
    ],
)
def test_parameters_are_those_of_the_model_code(shape: ModelShape, parameters: int, experts: int) -> None:
    assert shape.parameters == parameters
    assert shape.expert_parameters == experts


@pytest.mark.parametrize(
    ("shape", "kib"),
    [
        (S1_PRO, 188),
        (S1, 188),
        (S1_MINI, 144),
        (S2_PREVIEW, 20),
    ],  # 2 · layers · kv heads · head_dim · 2 bytes
)
def test_cache_of_a_token(shape: ModelShape, kib: int) -> None:
    assert shape.kv_values_per_token * 2 == kib * 1024


@pytest.mark.parametrize(
    ("preset", "low", "high"),
    [
        # The model cards: S1-Pro on two nodes of 8 × H200 ("1T"), S1-FP8 on 4 × H100 or 2 × H200, mini on one GPU.
        ("intern-s1-pro", 915, 1000),
        ("intern-s1-fp8", 241, 250),
        ("intern-s1-mini-fp8", 9, 10.5),
        ("intern-s2-preview-fp8", 35, 38),
    ],
)
def test_weights_of_the_fp8_releases(preset: str, low: float, high: float) -> None:
    assert low * GB < memory(PRESETS[preset]).weights_total < high * GB


def test_expert_parallelism_puts_whole_experts_on_each_gpu() -> None:
    seen = memory(PRESETS["intern-s1-pro"])
    assert seen.experts == pytest.approx(908.385583104e9 / 16, rel=1e-3)  # 32 of 512 experts
    assert 65 * GB < seen.weights < 80 * GB
    assert 190_000 < seen.tokens_per_copy < 260_000
    assert seen.contexts == 16 * seen.contexts_per_copy


def test_the_fullest_rank_of_an_uneven_split_decides() -> None:
    """12 blocks of 128 over 8 ranks: four hold 2 of 12, about 151 GB of S1-Pro's experts, more than an H200."""
    d = deployment_of("intern-s1-pro-tp16", {"tp": 8, "nodes": ["a"]})
    assert memory(d).experts == pytest.approx(908.4e9 * 2 / 12, rel=1e-3)
    assert memory(d).free < 0


def test_four_h100_hold_intern_s1() -> None:
    seen = memory(PRESETS["intern-s1-fp8"])
    assert seen.weights == pytest.approx(61.5e9, rel=0.03)  # 245 GB / 4
    assert seen.kv_per_token == 47 * 1024  # one of four key-value heads
    assert 180_000 < seen.tokens_per_copy < 260_000


def test_two_h200_hold_intern_s1_barely() -> None:
    d = deployment_of("intern-s1-fp8", {"tp": 2, "gpus": {"kind": "H200", "per_node": 2, "memory_gb": 141}})
    assert memory(d).weights == pytest.approx(123e9, rel=0.02)


@pytest.mark.parametrize(
    ("policy", "per_layer"),
    # A layer of mini: 8 key-value heads of 128, keys and values. int8 and int4 keep a 16-bit scale and zero for
    # each head (lmdeploy/pytorch/engine/cache_engine/schema.py).
    [("none", 4096), ("fp8", 2048), ("int8", 2048 + 64), ("int4", 1024 + 64)],
)
def test_a_quantised_cache(policy: str, per_layer: int) -> None:
    d = deployment_of("intern-s1-mini-fp8", {"kv.quant_policy": policy})
    assert memory(d).kv_per_token == 36 * per_layer


def test_more_heads_than_ranks_are_copied() -> None:
    d = deployment_of("intern-s1-fp8", {"tp": 8, "gpus.per_node": 8})
    assert memory(d).kv_per_token == 188 * 1024 // 4


def test_sizes_of_a_folder_win(tmp_path: Path) -> None:
    text = {
        "hidden_size": 64, "num_hidden_layers": 8, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100,
        "num_experts": 8, "moe_intermediate_size": 128, "max_position_embeddings": 4096,
        "layer_types": ["linear_attention", "linear_attention", "linear_attention", "full_attention"] * 2,
    }  # fmt: skip
    config = {"text_config": text, "quantization_config": {"quant_method": "fp8"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes(b"0" * 5000)
    shape = shape_of_folder(tmp_path, S1_PRO)
    assert shape is not None
    assert (shape.head_dim, shape.attention_layers, shape.disk_bytes, shape.experts) == (16, 2, 5000, 8)
    assert shape.tool_call_parser == "qwen3" and shape.other_parameters == S1_PRO.other_parameters
    assert format_of_folder(tmp_path) == "fp8"
    made = deployment_of(str(tmp_path))
    assert made.shape is not None and made.shape.layers == 8 and made.checkpoint == "fp8"


def test_a_latent_cache_has_one_row_a_layer(tmp_path: Path) -> None:
    """DeepSeek-V3: 512 + 64 numbers a layer and token (its paper, section 4.2)."""
    config = {
        "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128, "vocab_size": 129280,
        "kv_lora_rank": 512, "qk_rope_head_dim": 64, "n_routed_experts": 256, "moe_intermediate_size": 2048,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    shape = shape_of_folder(tmp_path)
    assert shape is not None and shape.kv_values_per_token == 61 * 576


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InvalidInput, match=r"config\.json does not describe a decoder"):
        deployment_of(str(tmp_path))
