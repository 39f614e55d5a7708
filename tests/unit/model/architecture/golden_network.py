"""The tiny network of the golden files: weights drawn by key, so that the files need not hold them."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parents[3] / "data" / "intern_s1_pro"

# In the released configuration's terms; the second layer is dense.
TEXT: dict[str, Any] = {
    "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 16,
    "vocab_size": 97, "max_position_embeddings": 64, "rope_theta": 10_000.0, "intermediate_size": 48,
    "num_experts": 64, "num_experts_per_tok": 8, "moe_intermediate_size": 16, "router_n_groups": 8,
    "norm_topk_prob": True, "mlp_only_layers": [1], "rms_norm_eps": 1e-6, "hidden_act": "silu",
    "rope_scaling": {
        "rope_type": "default", "fope_init_factor": 0.5, "fope_sep_head": True, "num_inv_freq": None,
    },
}  # fmt: skip


def drawn(name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return the weight of a released name: NumPy's legacy generator, whose stream is frozen, seeded by the name."""
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    if name.endswith("_coef"):
        return np.float32(0.2) * noise + np.eye(shape[-1], dtype=np.float32)
    if name.endswith(("norm.weight", "layernorm.weight")):
        return 1 + np.float32(0.1) * noise
    if name.endswith("gate.weight"):
        return np.float32(0.3) * noise
    return np.float32(0.08) * noise


def golden(name: str) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of `tests/data/intern_s1_pro/<name>.npz`."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return {key: arrays[key] for key in arrays.files}


def token_ids() -> npt.NDArray[np.int64]:
    """Return the golden files' tokens [2, 11]."""
    return np.random.RandomState(7).randint(0, 97, (2, 11))


def tiny_network(**changes: Any) -> Any:
    """Return the golden network in evaluation mode: a `CausalLM` of TEXT, with `changes` to its TextConfig."""
    from dataclasses import replace

    import torch

    from benchmate.model.architecture.config import TextConfig
    from benchmate.model.architecture.conversion import released_tensors
    from benchmate.model.architecture.model import CausalLM

    torch.set_num_threads(1)
    network = CausalLM(replace(TextConfig.from_huggingface(TEXT), **changes))
    with torch.no_grad():
        for name, tensor in released_tensors(network):
            tensor.copy_(torch.from_numpy(drawn(name, tuple(tensor.shape))))
        network.lm_head.weight.mul_(4)
    return network.eval()
