"""What is refused before a GPU is touched, with what to change; and LMDeploy's own word on the commands."""

import itertools
import os
from typing import Any

import pytest

from benchmate.model.serving import flags
from benchmate.model.serving.check import check, refuse
from benchmate.model.serving.plan import plan_of
from benchmate.model.serving.presets import PRESETS, deployment_of
from benchmate.model.serving.topology import Layout, block_split, layout
from benchmate.runtime.errors import InvalidInput, Unavailable

WITH_LMDEPLOY = os.environ.get("LMDEPLOY_PYTHON")

# deployment, the code of the refusal, words of its advice, and changes that follow the advice
BROKEN: dict[str, tuple[str, dict[str, Any], str, str, dict[str, Any]]] = {
    "dp4 with tp1": ("intern-s1-fp8", {"dp": 4, "tp": 1}, "dp_without_tp_or_ep", "set ep=4",
                     {"ep": 4, "dp": 4, "gpus": {"kind": "H200", "memory_gb": 141}}),
    "tp3 with ep2": ("intern-s1-fp8", {"tp": 3, "ep": 2, "gpus.per_node": 4}, "tp_does_not_divide", "set tp=1 and dp=2",
                     {"tp": 1, "dp": 2, "gpus": {"kind": "B300", "memory_gb": 288}}),
    "dp not divisible by nodes": ("intern-s1-pro", {"nodes": ["a", "b", "c"]}, "dp_not_divisible_by_nodes",
                                  "a number of nodes that divides 16", {"nodes": ["a", "b"]}),
    "unknown tool parser": ("intern-s1-pro", {"tool_call_parser": "qwen-3"}, "unknown_parser", "set tool_call_parser=qwen3",
                            {"tool_call_parser": "qwen3"}),
    "unknown reasoning parser": ("intern-s1-fp8", {"reasoning_parser": "nope"}, "unknown_parser", "deepseek-v3",
                                 {"reasoning_parser": "default"}),
    "port clash": ("intern-s1-pro", {"proxy.port": 23340}, "port_clash", "change server_port, proxy.port",
                   {"proxy.port": 23341}),
    "master port among the servers": ("intern-s1-pro", {"master_port": 23333}, "port_clash", "master_port",
                                      {"master_port": 29555}),
    "weights larger than memory": ("intern-s1-pro", {"nodes": ["a"], "dp": 8, "ep": 8, "gpus.memory_gb": 80},
                                   "weights_do_not_fit", "more than 8 GPUs", {"dp": 16, "ep": 16, "nodes": ["a", "b"], "gpus.memory_gb": 141}),
    "empty expert shards": ("intern-s1-pro-tp16", {}, "empty_expert_shards", "set tp=1, dp=16, ep=16",
                            {"tp": 1, "dp": 16, "ep": 16}),
    "ports beyond the last": ("intern-s1-pro", {"server_port": 65530}, "ports_run_out", "65528 or less", {"server_port": 65528}),
    "more GPUs than there are": ("intern-s1-fp8", {"gpus.per_node": 2}, "too_few_gpus", "name 2 nodes", {"nodes": ["a", "b"]}),
    "idle node": ("intern-s1-fp8", {"nodes": ["a", "b"]}, "idle_nodes", "name 1 nodes", {"nodes": ["a"]}),
    "heads that do not split": ("intern-s1-mini-fp8", {"tp": 3, "gpus.per_node": 3}, "heads_do_not_split", "divisors of 32", {"tp": 2}),
    "experts that do not divide": ("intern-s1-pro", {"dp": 12, "ep": 12}, "experts_do_not_divide", "divisors of 512",
                                   {"dp": 16, "ep": 16}),
    "integer cache": ("intern-s1-pro", {"kv.quant_policy": "int8"}, "integer_kv_cache", "kv.quant_policy=none", {"kv.quant_policy": "none"}),
    "context too long": ("intern-s1-fp8", {"context_tokens": 65536}, "context_too_long", "40960 or less", {"context_tokens": 40960}),
    "no room for one context": ("intern-s1-fp8", {"gpus.memory_gb": 69}, "no_room_for_one_context", "set context_tokens to",
                                {"gpus.memory_gb": 80}),
    "FP8 on A100": ("intern-s1-mini-fp8", {"gpus.kind": "A100"}, "gpu_without_fp8", "bf16 or awq", {"gpus.kind": "H100"}),
    "a secret in env": ("intern-s1-fp8", {"env": {"HF_TOKEN": "hf_x"}}, "secret_in_env", "pass_env=[HF_TOKEN]",
                        {"env": {}, "pass_env": ["HF_TOKEN"]}),
    "offline with an id": ("intern-s1-fp8", {"offline": True}, "offline_without_folder", "the folder that holds the weights",
                           {"model": "/models/s1"}),
    "proxied nodes": ("intern-s1-fp8", {"env": {"HTTPS_PROXY": "http://p:3128"}}, "no_proxy_lacks_nodes",
                      "add localhost,127.0.0.1 to env.NO_PROXY", {"env.NO_PROXY": "localhost,127.0.0.1"}),
    "open weight updates": ("intern-s1-fp8", {"training.weight_updates": True, "api_key_env": []}, "open_weight_updates",
                            "set api_key_env", {"api_key_env": ["K"]}),
    "a node twice": ("intern-s1-pro", {"nodes": ["a", "a"]}, "node_twice", "each host once", {"nodes": ["a", "b"]}),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_deployment_is_refused_with_what_to_change(case: str) -> None:
    target, changes, code, advice, better = BROKEN[case]
    plan = plan_of(deployment_of(target, changes))
    found = {problem.code: problem for problem in plan.refused}
    assert code in found
    assert advice in found[code].fix
    with pytest.raises(InvalidInput) as refusal:
        refuse(plan.refused, "not started")
    assert code in refusal.value.info.details["codes"]
    assert plan_of(deployment_of(target, {**_apart(changes, better), **better})).refused == ()


def _apart(changes: dict[str, Any], better: dict[str, Any]) -> dict[str, Any]:
    """The changes that the advice does not replace as a whole."""
    return {k: v for k, v in changes.items() if k.partition(".")[0] not in better}


def test_what_rests_on_arithmetic_can_be_accepted() -> None:
    plan = plan_of(deployment_of("intern-s1-pro-tp16", {"accept": ["empty_expert_shards"]}))
    assert plan.refused == ()
    assert "empty_expert_shards" in {problem.code for problem in plan.problems}


def test_what_lmdeploy_itself_refuses_cannot_be_accepted() -> None:
    plan = plan_of(deployment_of("intern-s1-fp8", {"dp": 4, "tp": 1, "accept": ["dp_without_tp_or_ep"]}))
    assert {"dp_without_tp_or_ep", "cannot_accept"} <= {problem.code for problem in plan.refused}


def test_every_small_layout_agrees_with_lmdeploy() -> None:
    """The snapshot holds what DistConfig of the real LMDeploy said of each."""
    said = {tuple(row[:3]): tuple(row[3:]) for row in flags.snapshot()["layouts"]}
    for sizes in itertools.product((1, 2, 3, 4, 8, 16), repeat=3):
        found = layout(*sizes)
        ours = (found.world, found.attn_tp, found.moe_tp) if isinstance(found, Layout) else None
        assert ours == said.get(sizes), sizes


@pytest.mark.parametrize(
    ("ranks", "blocks"),
    # 1536 columns in blocks of 128; lmdeploy/pytorch/nn/utils.py: the first ranks get what is left over
    [(4, [3, 3, 3, 3]), (8, [2, 2, 2, 2, 1, 1, 1, 1]), (16, [1] * 12 + [0] * 4)],
)
def test_how_fp8_experts_are_split(ranks: int, blocks: list[int]) -> None:
    assert block_split(1536, ranks) == [128 * n for n in blocks]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_passes_the_snapshot_parser(preset: str) -> None:
    plan = plan_of(PRESETS[preset])
    for node in plan.nodes:
        for process in node.processes:
            if process.name != "ray":
                assert flags.problems_of(process.command(("a-key",))[1:]) == []


def test_every_optional_flag_passes_the_snapshot_parser() -> None:
    d = deployment_of(
        "intern-s1-mini-fp8",
        {
            "quantize": "fp8", "checkpoint": "bf16", "kv": {"quant_policy": "fp8", "prefix_caching": True},
            "training": {"logprobs_mode": "raw_logprobs", "routed_experts": True, "abort": True, "weight_updates": True},
            "media_domains": ["a.org", "b.org"], "tls": True, "served_name": "mini", "proxy": {"routing": "random"},
        },
    )  # fmt: skip
    report = check(plan_of(d), None)
    assert report.refused == () and report.commands == 2


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["api_server", "m", "--tq", "4"], "unrecognized arguments"),
        (["api_server", "m", "--tp", "x"], "invalid int value"),
        (["api_server", "m", "--model-format", "fp4x"], "invalid choice"),
        (["api_server", "m", "--quant-policy", "5"], "invalid"),
        (["api_server"], "required: model_path"),
        (["api_server", "m", "--tool-call-parser", "nope"], "tool parser 'nope'"),
        (["proxy", "--routing-strategy", "cache_aware"], "invalid choice"),
    ],
)
def test_the_snapshot_parser_refuses_what_lmdeploy_refuses(argv: list[str], message: str) -> None:
    assert message in flags.problems_of(["serve", *argv])[0]["message"]


def test_the_report_says_who_checked() -> None:
    assert check(plan_of(PRESETS["intern-s1-fp8"])).checked_with.startswith("the snapshot of lmdeploy 0.18.0")


def test_a_python_without_lmdeploy_is_an_error_where_it_was_asked_for() -> None:
    with pytest.raises(Unavailable, match="could not be asked"):
        check(plan_of(PRESETS["intern-s1-fp8"]), "/no/such/python")


@pytest.mark.skipif(WITH_LMDEPLOY is None, reason="LMDEPLOY_PYTHON names no Python that has lmdeploy")
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_passes_lmdeploy_itself(preset: str) -> None:
    plan = plan_of(PRESETS[preset])
    report = check(plan, WITH_LMDEPLOY)
    assert report.checked_with.startswith("lmdeploy ")
    assert report.problems == plan.problems


@pytest.mark.skipif(WITH_LMDEPLOY is None, reason="LMDEPLOY_PYTHON names no Python that has lmdeploy")
def test_lmdeploy_itself_refuses_the_layouts_that_we_refuse() -> None:
    from benchmate.model.serving.check import ask_lmdeploy

    base = ["serve", "api_server", "m", "--backend", "pytorch"]
    asked = ask_lmdeploy(
        [[*base, "--dp", "4"], [*base, "--tp", "3", "--ep", "2"], [*base, "--tool-call-parser", "x"], base],
        WITH_LMDEPLOY,
    )
    assert asked is not None
    assert [[p["stage"] for p in answer] for answer in asked[1]] == [
        ["engine"],
        ["engine"],
        ["parser names"],
        [],
    ]
