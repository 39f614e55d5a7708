"""Released checkpoints: names, reading, writing, FP8."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_network import TEXT, golden, tiny_network, token_ids

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

from benchmate.model.architecture.config import TextConfig  # noqa: E402
from benchmate.model.architecture.conversion import (  # noqa: E402
    dequantise,
    load_released,
    released_tensors,
    write_released,
)
from benchmate.model.architecture.model import CausalLM  # noqa: E402
from benchmate.runtime.errors import InvalidInput, NotFound  # noqa: E402


def meta_network() -> Any:
    with torch.device("meta"):
        return CausalLM(TextConfig.from_huggingface(TEXT))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("released")
    assert len(write_released(tiny_network(), folder, shard_bytes=500_000)) > 3
    return folder


def test_names_and_shapes_are_the_released_ones() -> None:
    arrays = golden("model")
    ours = {name: "x".join(map(str, tensor.shape)) for name, tensor in released_tensors(meta_network())}
    assert ours == dict(zip(arrays["names"].tolist(), arrays["shapes"].tolist(), strict=True))


@torch.no_grad()
def test_a_checkpoint_fills_a_network_that_had_no_memory(checkpoint: Path) -> None:
    network = meta_network()
    loaded = load_released(network, checkpoint)
    assert loaded.tensors == len(golden("model")["names"]) and loaded.unused == []
    logits = network.eval()(torch.from_numpy(token_ids())).states
    np.testing.assert_allclose(logits.numpy(), golden("model")["logits"], atol=2e-5)


def test_the_index_names_every_tensor_and_its_file(checkpoint: Path) -> None:
    index = json.loads((checkpoint / "model.safetensors.index.json").read_text())
    held = {}
    for file in sorted(checkpoint.glob("*.safetensors")):
        held.update(dict.fromkeys(safetensors.load_file(file), file.name))
    assert index["weight_map"] == held
    assert index["metadata"]["total_size"] == sum(t.numel() * 4 for _, t in released_tensors(meta_network()))


def test_coefficients_stay_float32_in_a_rounded_network(checkpoint: Path) -> None:
    network = meta_network()
    load_released(network, checkpoint, dtype=torch.bfloat16)
    assert network.lm_head.weight.dtype == torch.bfloat16
    assert network.model.language_model.rotary_emb.sin_coef.dtype == torch.float32


def test_what_is_missing_is_named(checkpoint: Path, tmp_path: Path) -> None:
    tensors = safetensors.load_file(min(checkpoint.glob("*.safetensors")))
    safetensors.save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(NotFound, match=r"lacks .*weight.* and \d+ more"):
        load_released(meta_network(), tmp_path)
    with pytest.raises(NotFound, match="no safetensors"):
        load_released(meta_network(), tmp_path / "nothing")


def test_other_shapes_are_refused_and_other_tensors_left(checkpoint: Path, tmp_path: Path) -> None:
    tensors = {name: tensor.clone() for name, tensor in released_tensors(tiny_network())}
    tensors["model.visual.pos_embed.weight"] = torch.zeros(3)
    safetensors.save_file(tensors, tmp_path / "model.safetensors")
    assert load_released(meta_network(), tmp_path).unused == ["model.visual.pos_embed.weight"]
    tensors["lm_head.weight"] = torch.zeros(96, 64)
    safetensors.save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(InvalidInput, match=r"lm_head.weight is \[96, 64\]"):
        load_released(meta_network(), tmp_path)


def test_block_fp8_is_multiplied_by_its_scales(tmp_path: Path) -> None:
    """Each 4 x 8 block has a power of two; ragged edges are cropped."""
    weight = torch.randn(10, 20, generator=torch.Generator().manual_seed(0)).to(torch.float8_e4m3fn)
    scale = 2.0 ** torch.arange(9).view(3, 3)
    ours = dequantise(weight, scale, (4, 8))
    for row in range(10):
        for column in range(20):
            assert ours[row, column] == weight[row, column].float() * scale[row // 4, column // 8]


@torch.no_grad()
def test_an_fp8_checkpoint_is_read(tmp_path: Path) -> None:
    reference, tensors = tiny_network(), {}
    for name, tensor in released_tensors(reference):
        tensors[name] = tensor.clone()
        if "proj" in name:
            scale = torch.full((-(-tensor.shape[0] // 128), -(-tensor.shape[1] // 128)), 2.0**-8)
            tensors[name] = (tensor / 2.0**-8).to(torch.float8_e4m3fn)
            tensors[f"{name}_scale_inv"] = scale
            tensor.copy_(tensors[name].float() * 2.0**-8)
    safetensors.save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(
        json.dumps({"quantization_config": {"weight_block_size": [128, 128]}})
    )
    network = meta_network()
    assert load_released(network, tmp_path).unused == []
    ids = torch.from_numpy(token_ids())
    torch.testing.assert_close(network.eval()(ids).states, reference(ids).states)
