"""What a deployment puts on one GPU: weights, buffers, and how much cache is left for contexts.

Sizes are in bytes. It is arithmetic on the model's sizes and on LMDeploy's own rules, not a measurement.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from benchmate.model.serving.deployment import Deployment
from benchmate.model.serving.shape import WEIGHT_BYTES, ModelShape
from benchmate.model.serving.topology import Layout, block_split

GB = 10**9
# Bytes of a cached number, and of the scale and zero that int4 and int8 keep for each head, in the model's
# 16-bit type (lmdeploy/pytorch/engine/cache_engine/schema.py, 0.18.0).
KV_BYTES = {"none": 2.0, "fp8": 1.0, "fp8_e5m2": 1.0, "int8": 1.0, "int4": 0.5}
KV_SCALE_BYTES = {"int8": 4, "int4": 4}
CACHE_BLOCK = 64  # tokens; LMDeploy's --cache-block-seq-len


class Memory(BaseModel):
    """Of the fullest GPU, and what it means for contexts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights_total: int = Field(description="Of one copy of the whole model.")
    weights: int = Field(description="On the fullest GPU.")
    experts: int = Field(description="Of these, experts.")
    reserve: int = Field(
        description="CUDA context, NCCL, DeepEP, CUDA graphs: the deployment's `reserve_gb`."
    )
    runtime: int = Field(description="LMDeploy's buffers for prefill and logits.")
    gpu: int
    free: int = Field(description="After weights, reserve and runtime; negative where they do not fit.")
    kv_per_token_model: int = Field(description="Of the whole model.")
    kv_per_token: int = Field(description="On one GPU.")
    kv_cache: int = Field(description="`cache_max_entry_count` of what is free.")
    tokens_per_copy: int = Field(description="That one copy of the attention can keep.")
    contexts_per_copy: int = Field(description="Of `context_tokens`, at once; at most `max_batch_size`.")
    contexts: int = Field(description="In all copies.")
    source: str


def memory_of(d: Deployment, layout: Layout) -> Memory | None:
    """Return the arithmetic, or None where the model's sizes are not known."""
    shape = d.shape
    if shape is None:
        return None
    experts, rest, embedding = _weights(d, shape)
    expert_share = 1 / layout.world if d.ep > 1 else _largest_share(d, shape, layout)
    experts_here = int(experts * expert_share)
    weights = experts_here + rest // layout.attn_tp + embedding

    # lmdeploy/pytorch/engine/executor/base.py: (prefill tokens + 2 × batch) × vocabulary × 2 bytes
    runtime = (d.max_prefill_tokens + 2 * d.max_batch_size) * shape.vocab * 2
    gpu, reserve = int(d.gpus.memory_gb * GB), int(d.reserve_gb * GB)
    free = gpu - weights - reserve - runtime

    heads_here = max(1, shape.kv_heads // layout.attn_tp)
    whole = kv_bytes_per_token(shape, d.kv.quant_policy)
    here = whole if shape.kv_latent else whole * heads_here // shape.kv_heads
    cache = max(0, int(free * d.kv.cache_max_entry_count))
    tokens = cache // here // CACHE_BLOCK * CACHE_BLOCK if here else 0
    contexts = min(tokens // d.context_tokens, d.max_batch_size)
    return Memory(
        weights_total=experts + rest + embedding, weights=weights, experts=experts_here, reserve=reserve,
        runtime=runtime, gpu=gpu, free=free, kv_per_token_model=whole, kv_per_token=here, kv_cache=cache,
        tokens_per_copy=tokens, contexts_per_copy=contexts, contexts=contexts * d.dp, source=shape.source,
    )  # fmt: skip


def kv_bytes_per_token(shape: ModelShape, policy: str) -> int:
    """Return the cache of one token in the whole model."""
    layers = shape.attention_layers if shape.attention_layers is not None else shape.layers
    scales = layers * 2 * shape.kv_heads * KV_SCALE_BYTES.get(policy, 0)
    return int(shape.kv_values_per_token * KV_BYTES[policy]) + scales


def _weights(d: Deployment, shape: ModelShape) -> tuple[int, int, int]:
    """Return the bytes of experts, of what tensor parallelism splits, and of the embedding, which it copies.

    Embedding, head, router and encoders stay in bf16, as `modules_to_not_convert` of the FP8 releases says.
    """
    each = WEIGHT_BYTES[d.loaded_as]
    experts = int(shape.expert_parameters * each)
    embedding = 2 * shape.embedding_parameters
    sixteen_bit = shape.head_parameters + shape.router_parameters
    quantised = shape.parameters - shape.expert_parameters - shape.embedding_parameters - sixteen_bit
    rest = int(quantised * each) + 2 * (sixteen_bit + shape.other_parameters)
    if shape.disk_bytes is not None and d.quantize is None:
        rest = max(0, shape.disk_bytes - experts - embedding)
    return experts, rest, embedding


def _largest_share(d: Deployment, shape: ModelShape, layout: Layout) -> float:
    if not shape.experts or d.loaded_as != "fp8":
        return 1 / layout.moe_tp
    parts = block_split(shape.expert_ffn, layout.moe_tp)
    return max(parts) / sum(parts) if sum(parts) else 1 / layout.moe_tp
