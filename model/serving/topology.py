"""How LMDeploy's PyTorch engine lays tensor, data and expert parallelism over GPUs, and what it cannot lay out.

The rules are those of `lmdeploy.pytorch.config.DistConfig` and `lmdeploy.serve.openai.launch_server` (0.18.0).
The snapshot of LMDeploy's flags holds what DistConfig says of every small layout, and a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmate.model.serving.deployment import Deployment, Problem
from benchmate.model.serving.shape import FP8_BLOCK


@dataclass(frozen=True)
class Layout:
    """`world` GPUs; `attn_tp` of them hold one copy of the attention, `moe_tp` of them split one expert."""

    world: int
    attn_tp: int
    moe_tp: int


def layout(dp: int, tp: int, ep: int) -> Layout | Problem:
    """Return the layout, or why there is none."""
    world = ep if ep > 1 else tp
    name = f"dp {dp}, tp {tp}, ep {ep}"
    if dp > 1 and tp == 1 and ep == 1:
        return Problem(
            code="dp_without_tp_or_ep",
            message=f"{name}: data parallelism has no GPUs of its own, it shares those of tp or ep",
            fix=f"set ep={dp} for a mixture of experts or tp={dp} for a dense model, or start {dp} deployments "
            "behind one proxy",
        )
    if world % dp:
        return Problem(
            code="dp_does_not_divide",
            message=f"{name}: {world} GPUs cannot hold {dp} equal copies of the attention",
            fix=f"set dp to a divisor of {world}" + (f", or ep={dp}" if ep > 1 else f", or tp={dp}"),
        )
    if world % tp:
        return Problem(
            code="tp_does_not_divide",
            message=f"{name}: tp {tp} does not divide the {world} GPUs that ep gives",
            fix=f"set tp=1 and dp={ep} (experts spread, attention copied), or tp to a divisor of {ep}",
        )
    attn_tp = world // dp
    moe_tp = 1 if ep > 1 else tp
    if tp > 1 and tp % attn_tp:
        return Problem(
            code="tp_smaller_than_attention",
            message=f"{name}: each attention copy spans {attn_tp} GPUs, which tp {tp} is no multiple of",
            fix=f"set tp={attn_tp}, or dp={world // tp}",
        )
    return Layout(world, attn_tp, moe_tp)


def block_split(width: int, ranks: int, block: int = FP8_BLOCK) -> list[int]:
    """Return the columns each rank gets of `width` (`lmdeploy.pytorch.nn.utils.get_distribute_size`)."""
    blocks, rest = divmod(width // block, ranks)
    return [(blocks + (rank < rest)) * block for rank in range(ranks)]


def problems(d: Deployment) -> Iterator[Problem]:
    """Yield what is wrong with the layout over GPUs and nodes."""
    found = layout(d.dp, d.tp, d.ep)
    if isinstance(found, Problem):
        yield found
        return
    yield from _node_problems(d)
    yield from _split_problems(d, found)


def _node_problems(d: Deployment) -> Iterator[Problem]:
    nodes, needed = len(d.nodes), d.gpus_needed
    if len(set(d.nodes)) < nodes:
        yield Problem(
            code="node_twice",
            message=f"a node is named twice: {', '.join(d.nodes)}",
            fix="name each host once",
        )
    if d.dp > 1 and d.dp % nodes:
        yield Problem(
            code="dp_not_divisible_by_nodes",
            message=f"dp {d.dp} over {nodes} nodes: LMDeploy starts dp // nodes = {d.dp // nodes} servers on each, "
            f"so {d.dp - d.dp // nodes * nodes} ranks would be missing and all would wait for them",
            fix=f"use a number of nodes that divides {d.dp}, or a dp that {nodes} divides",
        )
    elif needed > nodes * d.gpus.per_node:
        yield Problem(
            code="too_few_gpus",
            message=f"the layout needs {needed} GPUs, and {nodes} × {d.gpus.per_node} are there",
            fix=f"name {-(-needed // d.gpus.per_node)} nodes, or lower dp, tp and ep",
        )
    elif needed < nodes or (d.dp == 1 and nodes > 1 and needed <= (nodes - 1) * d.gpus.per_node):
        yield Problem(
            code="idle_nodes",
            message=f"the layout needs {needed} GPUs and leaves at least one of the {nodes} nodes idle",
            fix=f"name {max(1, -(-needed // d.gpus.per_node))} nodes",
        )


def _split_problems(d: Deployment, found: Layout) -> Iterator[Problem]:
    shape = d.shape
    if shape is None:
        return
    if shape.heads % found.attn_tp:
        yield Problem(
            code="heads_do_not_split",
            message=f"{shape.heads} attention heads cannot be split over {found.attn_tp} GPUs",
            fix=f"choose tp among the divisors of {shape.heads}",
        )
    elif shape.kv_heads % found.attn_tp and found.attn_tp % shape.kv_heads:
        yield Problem(
            code="kv_heads_do_not_split",
            message=f"{shape.kv_heads} key-value heads can neither be split nor copied evenly over {found.attn_tp} GPUs",
            fix=f"choose a tp that divides {shape.kv_heads} or is a multiple of it",
        )
    if d.ep > 1 and not shape.experts:
        yield Problem(
            code="no_experts", message=f"ep {d.ep}: the model has no experts", fix="set ep=1 and use tp"
        )
    elif d.ep > 1 and shape.experts % d.ep:
        yield Problem(
            code="experts_do_not_divide",
            message=f"{shape.experts} experts cannot be shared out evenly over ep {d.ep}",
            fix=f"choose ep among the divisors of {shape.experts}",
        )
    if found.moe_tp > 1 and shape.experts and d.loaded_as == "fp8":
        parts = block_split(shape.expert_ffn, found.moe_tp)
        blocks = [part // FP8_BLOCK for part in parts]
        ways = f"set tp=1, dp={found.world}, ep={found.world}: whole experts on each GPU"
        if min(parts) == 0:
            yield Problem(
                code="empty_expert_shards",
                message=f"tp {found.moe_tp} splits an expert's {shape.expert_ffn} columns in whole FP8 blocks of "
                f"{FP8_BLOCK}, and {parts.count(0)} of {found.moe_tp} GPUs get none: they hold no experts, the "
                "others more than their share",
                fix=ways,
            )
        elif len(set(parts)) > 1:
            yield Problem(
                code="uneven_expert_shards",
                message=f"tp {found.moe_tp} splits an expert's {sum(blocks)} FP8 blocks unevenly "
                f"({', '.join(map(str, blocks))}); the fullest GPU decides what fits",
                fix=ways,
                severity="warning",
            )
