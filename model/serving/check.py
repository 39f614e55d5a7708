"""Whether a deployment can work, before a GPU is touched: our own rules, and LMDeploy's word on the commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from benchmate.model.serving import flags, topology
from benchmate.model.serving.deployment import Deployment, Problem
from benchmate.model.serving.memory import GB, Memory
from benchmate.model.serving.plan import NodePlan, Plan
from benchmate.runtime.errors import InvalidInput, Unavailable, did_you_mean, nearest

# What a person may let through, because it rests on arithmetic or on reading the source, not on a refusal by
# LMDeploy.
ACCEPTABLE = {"empty_expert_shards", "weights_do_not_fit", "no_room_for_one_context", "context_too_long",
              "gpu_without_fp8", "integer_kv_cache"}  # fmt: skip
WITHOUT_FP8 = {"V100", "T4", "A10", "A30", "A40", "A100", "A800", "RTX3090"}  # before compute capability 8.9
SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?$", re.IGNORECASE)
PROBE = Path(__file__).parent / "lmdeploy_probe.py"
PROBE_SECONDS = 180


class CheckReport(BaseModel):
    """What `deploy check` found, and who said so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checked_with: str = Field(description="`lmdeploy VERSION (python)`, or the snapshot.")
    commands: int
    problems: tuple[Problem, ...]

    @property
    def refused(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "refused")


def check(plan: Plan, lmdeploy_python: str | None = None) -> CheckReport:
    """Return all that is wrong with a plan: our rules, and what LMDeploy's parser and config classes say.

    LMDeploy is asked under `lmdeploy_python`, or under this Python where it is installed; otherwise the snapshot
    of its flags answers. Raises Unavailable (`no_lmdeploy`) when a Python is named that has no LMDeploy.
    """
    commands = [list(p.argv[1:]) for node in plan.nodes for p in node.processes if p.name != "ray"]
    found = ask_lmdeploy(commands, lmdeploy_python)
    if found is None:
        version = flags.snapshot()["lmdeploy"]
        said = f"the snapshot of lmdeploy {version}'s flags (lmdeploy is not installed here)"
        answers = [flags.problems_of(argv) for argv in commands]
    else:
        said, answers = found
    heard = {(p["stage"], p["message"]) for answer in answers for p in answer}
    problems = list(plan.problems)
    ours = {problem.code for problem in plan.refused}
    for stage, message in sorted(heard):
        if stage == "parser names" and "unknown_parser" in ours:
            continue
        if stage == "engine" and not isinstance(
            topology.layout(plan.deployment.dp, plan.deployment.tp, plan.deployment.ep), topology.Layout
        ):
            continue  # said already, with what to change
        problems.append(
            Problem(
                code="lmdeploy_refuses",
                message=f"LMDeploy refuses the command ({stage}): {message}",
                fix="change the field that gives this argument",
            )
        )
    return CheckReport(checked_with=said, commands=len(commands), problems=tuple(problems))


def ask_lmdeploy(
    commands: Sequence[Sequence[str]], python: str | None
) -> tuple[str, list[list[dict[str, str]]]] | None:
    """Return LMDeploy's version and what it has against each command, or None where it is not installed."""
    from importlib.util import find_spec

    if python is None and find_spec("lmdeploy") is None:
        return None
    chosen = python or sys.executable
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        done = subprocess.run(
            [chosen, str(PROBE)], input=json.dumps({"check": [list(c) for c in commands]}), capture_output=True,
            text=True, timeout=PROBE_SECONDS, check=False, env={**env, "HF_HUB_OFFLINE": "1"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable("no_lmdeploy", f"{chosen} could not be asked: {error}") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise Unavailable(
            "no_lmdeploy", f"LMDeploy could not be asked with {chosen}: {last[0]}",
            hint="name a Python that has lmdeploy, or none to use the snapshot of its flags",
        )  # fmt: skip
    answer = json.loads(done.stdout)
    return f"lmdeploy {answer['lmdeploy']} ({chosen})", answer["problems"]


def refuse(problems: Sequence[Problem], doing: str) -> None:
    """Raise InvalidInput (`deployment_refused`) with all of these problems, if there are any."""
    if not problems:
        return
    first = problems[0]
    raise InvalidInput(
        "deployment_refused",
        f"{doing}: {first.message}",
        hint=first.fix,
        details={
            "problems": [str(problem) for problem in problems],
            "codes": [problem.code for problem in problems],
        },
    )


def own_rules(d: Deployment, nodes: Sequence[NodePlan], memory: Memory | None) -> Iterator[Problem]:
    """Yield every problem that our rules find, refusals that were accepted as warnings."""
    for problem in _all_rules(d, nodes, memory):
        accepted = problem.code in d.accept and problem.code in ACCEPTABLE
        yield problem.model_copy(update={"severity": "warning"}) if accepted else problem
    for code in d.accept:
        if code not in ACCEPTABLE:
            yield Problem(
                code="cannot_accept",
                message=f"{code!r} cannot be accepted",
                fix=f"take it out of `accept`; {did_you_mean(code, ACCEPTABLE)}",
            )


def _all_rules(d: Deployment, nodes: Sequence[NodePlan], memory: Memory | None) -> Iterator[Problem]:
    yield from topology.problems(d)
    yield from _parsers(d)
    yield from _ports(d, nodes)
    yield from _memory(d, memory)
    yield from _weights(d)
    yield from _network(d)
    yield from _training(d)


def _warning(code: str, message: str, fix: str) -> Problem:
    return Problem(code=code, message=message, fix=fix, severity="warning")


def _parsers(d: Deployment) -> Iterator[Problem]:
    known = flags.snapshot()
    legacy = known["legacy_reasoning_parsers"]
    for field, name, options in (
        ("reasoning_parser", d.reasoning_parser, known["reasoning_parsers"]),
        ("tool_call_parser", d.tool_call_parser, known["tool_parsers"]),
    ):
        if name is None or name in options:
            continue
        if field == "reasoning_parser" and name in legacy:
            yield _warning(
                "old_parser_name",
                f"the reasoning parser {name!r} is an old name",
                "say `default`, which it means",
            )
            continue
        close = nearest(name, options)
        yield Problem(
            code="unknown_parser",
            message=f"LMDeploy {known['lmdeploy']} has no {field.replace('_', ' ')} {name!r}",
            fix=f"set {field}={close}" if close else f"set {field} to one of {', '.join(options)}",
        )
    fitting = d.shape.tool_call_parser if d.shape else None
    if fitting and d.tool_call_parser != fitting:
        yield _warning(
            "other_tool_parser",
            f"this model writes tool calls that the parser {fitting!r} reads, not {d.tool_call_parser!r}",
            f"set tool_call_parser={fitting}",
        )
    if d.tool_call_parser is None and not fitting:
        yield _warning(
            "no_tool_parser", "without a tool parser every request with tools fails", "set tool_call_parser"
        )


def _ports(d: Deployment, nodes: Sequence[NodePlan]) -> Iterator[Problem]:
    last = d.server_port + d.servers_per_node - 1
    if last > 65535:
        yield Problem(
            code="ports_run_out",
            message=f"{d.servers_per_node} servers on a node take the ports {d.server_port} to {last}",
            fix=f"set server_port to {65536 - d.servers_per_node} or less",
        )
    for node in nodes:
        taken: dict[int, str] = {}
        users: list[tuple[int, str]] = [
            (port, process.name) for process in node.processes for port in process.ports
        ]
        if d.dp > 1 and node.rank == 0:
            users.append((d.master_port, "the meeting point of data-parallel ranks"))
        for port, user in users:
            if port in taken:
                yield Problem(
                    code="port_clash",
                    message=f"on {node.host}, {taken[port]} and {user} both want port {port}",
                    fix="change server_port, proxy.port, master_port or ray_port "
                    f"(servers take {d.server_port}-{last})",
                )
                break
            taken[port] = user
    if min(d.server_port, d.proxy.port if d.proxy else 65535) < 1024:
        yield _warning("privileged_port", "ports below 1024 need root", "choose ports from 1024 up")


def _memory(d: Deployment, memory: Memory | None) -> Iterator[Problem]:
    if memory is None:
        yield _warning(
            "unknown_size", f"the sizes of {d.model} are not known, so memory was not checked",
            "give a local folder with config.json, or `shape`",
        )  # fmt: skip
        return
    fixed = memory.weights + memory.reserve + memory.runtime
    if memory.free <= 0:
        more = f"use more than {d.gpus_needed} GPUs, or GPUs of at least {fixed / GB + 5:.0f} GB"
        yield Problem(
            code="weights_do_not_fit",
            message=f"the fullest GPU needs {memory.weights / GB:.1f} GB for weights, {memory.runtime / GB:.1f} GB for "
            f"buffers and {memory.reserve / GB:.1f} GB of reserve, {fixed / GB:.1f} GB in all, and has "
            f"{memory.gpu / GB:.0f} GB",
            fix=more + ("" if d.loaded_as != "bf16" else ", or set quantize=fp8"),
        )
    elif memory.tokens_per_copy < d.context_tokens:
        yield Problem(
            code="no_room_for_one_context",
            message=f"{memory.kv_cache / GB:.1f} GB of cache keep {memory.tokens_per_copy} tokens, and one context "
            f"has {d.context_tokens}",
            fix=f"set context_tokens to {max(512, memory.tokens_per_copy)} or less, or use more GPUs",
        )
    elif memory.contexts_per_copy < 4:
        yield _warning(
            "few_contexts",
            f"only {memory.contexts_per_copy} full contexts fit into each copy's cache; more requests wait",
            "lower context_tokens if your runs are shorter",
        )


def _weights(d: Deployment) -> Iterator[Problem]:
    if d.loaded_as == "fp8" and d.gpus.kind.upper().replace(" ", "") in WITHOUT_FP8:
        yield Problem(
            code="gpu_without_fp8",
            message=f"{d.gpus.kind} has no FP8 arithmetic (compute capability 8.9 and up)",
            fix="use H100, H200, B200 or 40-series GPUs, or a checkpoint in bf16 or awq",
        )
    if d.quantize and d.checkpoint != "bf16":
        yield Problem(
            code="quantized_twice",
            message=f"the checkpoint is {d.checkpoint} already and is loaded as it is",
            fix="leave `quantize` out",
        )
    shape = d.shape
    if shape and not shape.integer_kv and d.kv.quant_policy in ("int4", "int8"):
        yield Problem(
            code="integer_kv_cache",
            message=f"LMDeploy's table of supported models has no {d.kv.quant_policy} cache for this one",
            fix="set kv.quant_policy=none, or try fp8 and compare answers",
        )
    if d.kv.quant_policy.startswith("fp8"):
        yield _warning(
            "fp8_kv_cache",
            "an fp8 cache is not verified for these models",
            "compare answers with kv.quant_policy=none",
        )
    if shape and shape.max_context and d.context_tokens > shape.max_context:
        yield Problem(
            code="context_too_long",
            message=f"context_tokens is {d.context_tokens}, and the model was made for {shape.max_context}",
            fix=f"set context_tokens to {shape.max_context} or less",
        )
    if d.ep > 1:
        yield _warning(
            "needs_deep_ep", "expert parallelism needs the packages deep_ep and deep_gemm, which pip does not bring",
            "install them on every node from source, or use an image that has them",
        )  # fmt: skip
    if shape and shape.source.startswith("assumed"):
        yield _warning("assumed_sizes", f"the sizes are {shape.source}", "give the local folder as `model`")


def _network(d: Deployment) -> Iterator[Problem]:
    for name in d.env:
        if SECRET_NAME.search(name) and name not in ("SSL_KEYFILE",):
            yield Problem(
                code="secret_in_env",
                message=f"`env` would write the value of {name} into files",
                fix=f"name it in pass_env: pass_env=[{name}], and set it where the server starts",
            )
    if d.offline and not d.model.startswith(("/", "./", "../", "~")):
        yield Problem(
            code="offline_without_folder",
            message=f"offline, and {d.model!r} is no path",
            fix="set model to the folder that holds the weights on every node",
        )
    if not d.api_key_env:
        yield _warning(
            "no_api_key", "anyone who reaches the port can use the server, and its weight routes run code",
            "set api_key_env, and keep the ports on a private network",
        )  # fmt: skip
    if d.dp > 1:
        yield _warning(
            "outward_address",
            "with dp > 1 LMDeploy binds the address of the route to 8.8.8.8 and ignores --server-name; without a "
            "default route it does not start",
            "see that `ip route get 8.8.8.8` names an address that the other nodes reach",
        )
        if d.proxy is None:
            yield _warning(
                "dp_without_proxy", f"{d.dp} servers with an address each, and nothing in front", "set proxy"
            )
    if spread := [n for n in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy") if n in d.env]:
        direct = d.env.get("NO_PROXY", d.env.get("no_proxy", "")).split(",")
        missing = [host for host in (*d.nodes, "localhost", "127.0.0.1") if host not in direct]
        if missing:
            yield Problem(
                code="no_proxy_lacks_nodes",
                message=f"with {spread[0]} set, the nodes' calls of each other would go through it",
                fix=f"add {','.join(dict.fromkeys(missing))} to env.NO_PROXY",
            )
    if not d.media_domains:
        yield _warning(
            "any_media_host", "the server fetches image and signal URLs from any host",
            "set media_domains to the hosts you trust",
        )  # fmt: skip


def _training(d: Deployment) -> Iterator[Problem]:
    t = d.training
    if t.weight_updates and d.kv.prefix_caching:
        yield _warning(
            "stale_prefix_cache", "cached prefixes outlive a weight update", "set kv.prefix_caching=false"
        )
    if t.weight_updates and not d.api_key_env:
        yield Problem(
            code="open_weight_updates",
            message="weight updates are pickles: whoever reaches the port runs code on the server",
            fix="set api_key_env",
        )
    if d.proxy is not None and any((t.logprobs_mode, t.routed_experts, t.abort, t.weight_updates)):
        yield _warning(
            "proxy_routes",
            "the proxy has no /generate, /abort_request or weight routes",
            "let the trainer call each server directly; the proxy's /nodes/status lists them",
        )
