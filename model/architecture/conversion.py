"""Checkpoints as released: safetensors with one tensor for each expert's projection, in bfloat16 or block FP8.

The network keeps the experts of a layer in two tensors. `released_tensors` names views into them as the release names
its tensors; reading copies into these views and writing copies out of them, so the model is in memory only once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmate.model.architecture.experts import Experts
from benchmate.model.architecture.fope import FourierPositionEmbedding
from benchmate.runtime.errors import InvalidInput, NotFound

INDEX = "model.safetensors.index.json"
SCALE = "_scale_inv"  # of X.weight is X.weight_scale_inv; despite its name it multiplies
FP8_BLOCK = (128, 128)
NAMED = 5  # names in an error message


@dataclass
class Loaded:
    """What a checkpoint gave: how many tensors went into the model, and which were left."""

    tensors: int = 0
    unused: list[str] = field(default_factory=list)


def released_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the released name of each weight and saved buffer of `model`, with a view of it."""
    experts = {f"{name}." for name, part in model.named_modules() if isinstance(part, Experts)}
    for name, tensor in model.state_dict().items():
        prefix, _, last = name.rpartition(".")
        if f"{prefix}." not in experts:
            yield name, tensor
        elif last == "gate_up_proj":
            for expert, fused in enumerate(tensor):
                gate, up = fused.chunk(2)
                yield f"{prefix}.{expert}.gate_proj.weight", gate
                yield f"{prefix}.{expert}.up_proj.weight", up
        else:
            for expert, down in enumerate(tensor):
                yield f"{prefix}.{expert}.down_proj.weight", down


def dequantise(weight: Tensor, scale: Tensor, block: tuple[int, int] = FP8_BLOCK) -> Tensor:
    """Return float32 W[i, j] = weight[i, j] · scale[⌊i / block⌋, ⌊j / block⌋]; edge blocks may be ragged."""
    rows, columns = weight.shape
    wide = scale.float().repeat_interleave(block[0], 0)[:rows].repeat_interleave(block[1], 1)[:, :columns]
    return weight.float() * wide


class Checkpoint:
    """The tensors of a folder of safetensors files, read one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, Path] = {}
        if (index := folder / INDEX).is_file():
            for name, file in json.loads(index.read_text())["weight_map"].items():
                self.files[name] = folder / file
        else:
            for path in sorted(folder.glob("*.safetensors")):
                with safe_open(path, framework="pt") as opened:
                    self.files.update(dict.fromkeys(opened.keys(), path))
        if not self.files:
            raise NotFound("no_weights", f"{folder} holds no safetensors files")
        config = folder / "config.json"
        quantised = json.loads(config.read_text()).get("quantization_config") if config.is_file() else None
        rows, columns = (quantised or {}).get("weight_block_size") or FP8_BLOCK
        self.block = (int(rows), int(columns))

    def read(self, name: str, opened: safe_open) -> Tensor:
        """Return a tensor from its `opened` file, dequantised where it has scales."""
        tensor: Tensor = opened.get_tensor(name)
        if (scale := f"{name}{SCALE}") not in self.files:
            return tensor
        with safe_open(self.files[scale], framework="pt") as beside:
            return dequantise(tensor, beside.get_tensor(scale), self.block)


@torch.no_grad()
def load_released(
    model: nn.Module, folder: Path, *, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
) -> Loaded:
    """Fill `model`, which may be on the meta device, from a released checkpoint; return what was used.

    Weights are allocated once, on `device` in `dtype` (default: the model's own), and filled in place; beside them
    there is never more than one tensor of the checkpoint in memory. FoPE's coefficients stay float32.
    Raises NotFound where the checkpoint lacks a weight, InvalidInput where a shape differs.
    """
    checkpoint = Checkpoint(folder)
    materialise(model, device, dtype)
    wanted = dict(released_tensors(model))
    if missing := [name for name in wanted if name not in checkpoint.files]:
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise NotFound("weights_missing", f"{folder} lacks {', '.join(missing[:NAMED])}{more}")
    by_file: dict[Path, list[str]] = {}
    loaded = Loaded()
    for name, file in checkpoint.files.items():
        if name in wanted:
            by_file.setdefault(file, []).append(name)
        elif name.removesuffix(SCALE) not in wanted:
            loaded.unused.append(name)
    for file, names in by_file.items():
        with safe_open(file, framework="pt") as opened:
            for name in names:
                tensor, place = checkpoint.read(name, opened), wanted[name]
                if tensor.shape != place.shape:
                    raise InvalidInput(
                        "weight_shape", f"{name} is {list(tensor.shape)}, the model has {list(place.shape)}"
                    )
                place.copy_(tensor)
                loaded.tensors += 1
    return loaded


def materialise(model: nn.Module, device: torch.device | str, dtype: torch.dtype | None = None) -> None:
    """Allocate the weights of a model on the meta device, uninitialised; move one that has weights."""
    if dtype is not None:
        model.to(dtype)
    if any(tensor.is_meta for tensor in model.state_dict().values()):
        model.to_empty(device=torch.device(device))
    else:
        model.to(device)
    for part in model.modules():
        if isinstance(part, FourierPositionEmbedding):
            part.float()


def write_released(model: nn.Module, folder: Path, *, shard_bytes: int = 5_000_000_000) -> list[Path]:
    """Write `model` under released names to safetensors files of about `shard_bytes`, with their index.

    One file's tensors are copied at a time. Returns the files.
    """
    shards: list[dict[str, Tensor]] = [{}]
    size = total = 0
    for name, tensor in released_tensors(model):
        bytes_ = tensor.numel() * tensor.element_size()
        if shards[-1] and size + bytes_ > shard_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = tensor
        size += bytes_
        total += bytes_
    folder.mkdir(parents=True, exist_ok=True)
    weight_map: dict[str, str] = {}
    files = []
    for number, shard in enumerate(shards, 1):
        file = folder / f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        copies = {name: tensor.detach().cpu().clone() for name, tensor in shard.items()}
        save_file(copies, file, metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(shard, file.name))
        files.append(file)
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n")
    return files
