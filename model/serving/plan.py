"""What runs where: for each node the processes with environment, arguments and ports."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from benchmate.model.serving.deployment import Deployment, Problem, url
from benchmate.model.serving.memory import Memory, memory_of
from benchmate.model.serving.topology import layout


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Process(_Part):
    """One command of a node. The keys of `key_env` follow its arguments, from the environment."""

    name: Literal["api_server", "proxy", "ray"]
    argv: tuple[str, ...]
    env: dict[str, str] = Field(default_factory=dict)
    key_env: tuple[str, ...] = Field((), description="Variables whose values are passed as --api-keys.")
    needs_env: tuple[str, ...] = Field((), description="Variables that must be set where it starts.")
    ports: tuple[int, ...] = ()
    daemon: bool = Field(False, description="Ends by itself and leaves its work to a background process.")

    def command(self, keys: tuple[str, ...] = ()) -> list[str]:
        """Return the whole command with these values for `key_env`."""
        return [*self.argv, *(["--api-keys", *keys] if keys else [])]


class NodePlan(_Part):
    """The processes of one node, in the order in which they start."""

    rank: int
    host: str
    processes: tuple[Process, ...]


class Plan(_Part):
    """Everything `deploy plan` shows."""

    deployment: Deployment
    nodes: tuple[NodePlan, ...]
    memory: Memory | None
    problems: tuple[Problem, ...]
    client_url: str

    @property
    def refused(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "refused")


def plan_of(d: Deployment) -> Plan:
    """Return the plan of a deployment, with what our own rules have against it."""
    from benchmate.model.serving.check import own_rules

    found = layout(d.dp, d.tp, d.ep)
    memory = None if isinstance(found, Problem) else memory_of(d, found)
    nodes = tuple(node_plan(d, rank) for rank in range(len(d.nodes)))
    return Plan(
        deployment=d,
        nodes=nodes,
        memory=memory,
        problems=tuple(own_rules(d, nodes, memory)),
        client_url=d.client_url,
    )


def node_plan(d: Deployment, rank: int) -> NodePlan:
    """Return what runs on the node of that rank."""
    processes: list[Process] = []
    if d.proxy is not None and rank == 0:
        processes.append(_proxy(d))
    if spans_nodes_by_ray(d):
        processes.append(_ray(d, rank))
    if rank == 0 or d.dp > 1:
        processes.append(_api_server(d, rank))
    return NodePlan(rank=rank, host=d.nodes[rank], processes=tuple(processes))


def spans_nodes_by_ray(d: Deployment) -> bool:
    """Whether one engine spans the nodes: then ray carries it, and only the first node starts a server."""
    return d.dp == 1 and len(d.nodes) > 1


def _environment(d: Deployment) -> dict[str, str]:
    found = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"} if d.offline else {}
    if d.ca_bundle:
        found |= {"SSL_CERT_FILE": d.ca_bundle, "REQUESTS_CA_BUNDLE": d.ca_bundle}
    return found | d.env


def _needs(d: Deployment) -> tuple[str, ...]:
    return (*d.secrets, *(("SSL_KEYFILE", "SSL_CERTFILE") if d.tls else ()))


def _proxy(d: Deployment) -> Process:
    assert d.proxy is not None
    argv = [
        d.lmdeploy, "serve", "proxy", "--server-name", "0.0.0.0", "--server-port", str(d.proxy.port),
        "--serving-strategy", "Hybrid", "--routing-strategy", d.proxy.routing, "--disable-cache-status",
    ]  # fmt: skip
    if d.tls:
        argv.append("--ssl")
    # It forwards with aiohttp, which waits for ever unless told.
    env = {"AIOHTTP_TIMEOUT": str(d.proxy.timeout_seconds)} | _environment(d)
    return Process(
        name="proxy",
        argv=tuple(argv),
        env=env,
        key_env=d.api_key_env,
        needs_env=_needs(d),
        ports=(d.proxy.port,),
    )


def _ray(d: Deployment, rank: int) -> Process:
    lead = f"[{d.nodes[0]}]" if ":" in d.nodes[0] else d.nodes[0]
    where = ("--head", f"--port={d.ray_port}") if rank == 0 else (f"--address={lead}:{d.ray_port}", "--block")
    return Process(
        name="ray", argv=("ray", "start", *where, f"--num-gpus={d.gpus.per_node}"), env=_environment(d),
        needs_env=d.pass_env, ports=(d.ray_port,) if rank == 0 else (), daemon=rank == 0,
    )  # fmt: skip


def _api_server(d: Deployment, rank: int) -> Process:
    argv = [
        d.lmdeploy, "serve", "api_server", d.model, "--backend", "pytorch", "--server-name", "0.0.0.0",
        "--server-port", str(d.server_port), "--tp", str(d.tp),
    ]  # fmt: skip
    env = _environment(d)
    if d.dp > 1 or d.ep > 1:
        argv += ["--dp", str(d.dp), "--ep", str(d.ep)]
    if d.dp > 1:
        argv += ["--nnodes", str(len(d.nodes)), "--node-rank", str(rank)]
        env = {
            "LMDEPLOY_DP_MASTER_ADDR": d.nodes[0], "LMDEPLOY_DP_MASTER_PORT": str(d.master_port),
            "LMDEPLOY_EXECUTOR_BACKEND": "ray",
        } | env  # fmt: skip
    if d.proxy is not None:
        scheme = "https" if d.tls else "http"
        argv += ["--proxy-url", url(scheme, d.nodes[0], d.proxy.port)]
    argv += [
        "--session-len", str(d.context_tokens), "--max-batch-size", str(d.max_batch_size),
        "--max-prefill-token-num", str(d.max_prefill_tokens),
        "--cache-max-entry-count", f"{d.kv.cache_max_entry_count:g}",
    ]  # fmt: skip
    given = {
        "--model-name": d.served_name,
        "--model-format": d.quantize or (d.checkpoint if d.checkpoint not in ("bf16", "fp8") else None),
        "--quant-policy": d.kv.quant_policy if d.kv.quant_policy != "none" else None,
        "--reasoning-parser": d.reasoning_parser,
        "--tool-call-parser": d.tool_call_parser,
        "--logprobs-mode": d.training.logprobs_mode,
        "--distributed-executor-backend": "ray" if d.training.weight_updates else None,
    }
    argv += [word for flag, value in given.items() if value is not None for word in (flag, value)]
    switches = {
        "--enable-prefix-caching": d.kv.prefix_caching,
        "--enable-return-routed-experts": d.training.routed_experts,
        "--enable-abort-handling": d.training.abort,
        "--trust-remote-code": d.trust_remote_code,
        "--ssl": d.tls,
    }
    argv += [flag for flag, wanted in switches.items() if wanted]
    if d.media_domains:
        argv += ["--allowed-media-domains", *d.media_domains]
    first = d.server_port
    ports = tuple(range(first, first + d.servers_per_node))
    return Process(
        name="api_server", argv=tuple(argv), env=env, key_env=d.api_key_env, needs_env=_needs(d), ports=ports
    )
