"""A plan as files: shell scripts, systemd units, Docker Compose, Kubernetes and SLURM. Keys never enter a file."""

from __future__ import annotations

import io
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmate.model.serving.deployment import Deployment
from benchmate.model.serving.plan import NodePlan, Plan, Process, node_plan, spans_nodes_by_ray
from benchmate.runtime.errors import StorageError

TEMPLATES = Path(__file__).parent / "templates"
START_SECONDS = 3600  # a terabyte of weights loads in this time, or something is wrong
LEADER, RANK = "LWS_LEADER_ADDRESS", "LWS_WORKER_INDEX"  # what LeaderWorkerSet sets in each pod


def render(plan: Plan) -> dict[str, str]:
    """Return the files by name."""
    d = plan.deployment
    files = {f"node{node.rank}.sh": _shell(node, d) for node in plan.nodes}
    for node in plan.nodes:
        for process in node.processes:
            files[f"systemd/{_unit(d, node, process)}.service"] = _systemd(node, process, d)
    files["compose.yaml"] = _yaml([_compose(plan)])
    files["kubernetes.yaml"] = _yaml(_kubernetes(plan))
    files["slurm.sbatch"] = _slurm(d)
    files["secrets.env.example"] = "".join(
        [
            "# Copy to secrets.env, readable by its owner alone, and fill in.\n",
            *(f"{n}=\n" for n in needed_env(plan)),
        ]
    )
    return files


def write(plan: Plan, folder: Path) -> list[Path]:
    """Write the files into a folder and return their paths. Raises StorageError (`cannot_write`)."""
    written = []
    try:
        for name, text in render(plan).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if name.endswith((".sh", ".sbatch")):
                path.chmod(0o755)
            written.append(path)
    except OSError as error:
        raise StorageError("cannot_write", f"{error.filename or folder}: {error.strerror}") from None
    return written


def needed_env(plan: Plan) -> list[str]:
    """Return the variables that must be set where the deployment starts."""
    used = {n for node in plan.nodes for p in node.processes for n in p.needs_env}
    return [n for n in dict.fromkeys((*plan.deployment.secrets, "SSL_KEYFILE", "SSL_CERTFILE")) if n in used]


# --- shell --------------------------------------------------------------------------------------------------


def shell_command(process: Process, instead: Mapping[str, str] | None = None) -> str:
    """Return the command as shell words; keys are `"$NAME"`. `instead` maps an argument to raw shell text."""
    words = [(instead or {}).get(word) or shlex.quote(word) for word in process.argv]
    keys = [f'"${{{name}:?set {name}}}"' for name in process.key_env]
    return " ".join([*words, *(["--api-keys", *keys] if keys else [])])


def _shell(node: NodePlan, d: Deployment) -> str:
    return _template("node.sh.jinja", node=node, d=d, body=_body(node))


def _body(node: NodePlan) -> str:
    unset = dict.fromkeys(n for p in node.processes for n in p.needs_env if n not in p.key_env)
    return _template("body.sh.jinja", node=node, unset=list(unset))


def _slurm(d: Deployment) -> str:
    """One script: the hosts that SLURM gives stand where the planned ones would."""
    stand_ins = {f"host-{rank}.slurm.invalid": f"${{HOST{rank}}}" for rank in range(len(d.nodes))}
    there = d.model_copy(update={"nodes": tuple(stand_ins)})
    nodes = [node_plan(there, rank) for rank in range(len(d.nodes))]
    text = _template("slurm.sbatch.jinja", d=there, nodes=nodes, bodies=[_body(node) for node in nodes])
    for stand_in, variable in stand_ins.items():
        text = text.replace(stand_in, variable)
    return text


def _exports(process: Process, instead: Mapping[str, str] | None = None) -> list[str]:
    return [
        f"export {key}={(instead or {}).get(key) or shlex.quote(value)}" for key, value in process.env.items()
    ]


def _template(template: str, **values: Any) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    environment.filters |= {
        "quote": shlex.quote, "command": shell_command, "exports": _exports, "systemd": _systemd_word,
    }  # fmt: skip
    return environment.get_template(template).render(**values)


# --- systemd ------------------------------------------------------------------------------------------------


def _unit(d: Deployment, node: NodePlan, process: Process) -> str:
    return f"{d.name}-node{node.rank}-{process.name.replace('_', '-')}"


def _systemd(node: NodePlan, process: Process, d: Deployment) -> str:
    others = [p for p in node.processes if p.name != "api_server"] if process.name == "api_server" else []
    words = [_systemd_word(word) for word in process.argv]
    keys = [f"${{{name}}}" for name in process.key_env]
    return _template(
        "unit.service.jinja",
        d=d, node=node, process=process, after=[f"{_unit(d, node, other)}.service" for other in others],
        command=" ".join(["/usr/bin/env", *words, *(["--api-keys", *keys] if keys else [])]), seconds=START_SECONDS,
    )  # fmt: skip


def _systemd_word(word: str) -> str:
    """Quote for a unit file: `%` and `$` are its own signs."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if not word or set(text) - _PLAIN else text


_PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%$")


# --- Docker Compose -----------------------------------------------------------------------------------------


def _compose(plan: Plan) -> dict[str, Any]:
    d = plan.deployment
    services: dict[str, Any] = {}
    for node in plan.nodes:
        before: list[str] = []
        for process in node.processes:
            name = f"{process.name.replace('_', '-')}-{node.rank}"
            service: dict[str, Any] = {
                "image": d.image, "profiles": [f"node{node.rank}"], "network_mode": "host", "ipc": "host",
                "restart": "unless-stopped", "ulimits": {"memlock": -1, "stack": 67108864},
                "entrypoint": ["bash", "-c"],
                "command": [_dollars(f"exec {shell_command(_in_foreground(process))}")],
                "environment": {k: _dollars(v) for k, v in process.env.items()}
                | {n: f"${{{n}:?set {n}}}" for n in process.needs_env},
                "volumes": _binds(d),
            }  # fmt: skip
            if process.name != "proxy":
                gpu = {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
                service["deploy"] = {"resources": {"reservations": {"devices": [gpu]}}}
            if before:
                service["depends_on"] = list(before)
            services[name] = service
            before.append(name)
    return {"name": d.name, "services": services}


def _in_foreground(process: Process) -> Process:
    if not process.daemon:
        return process
    return process.model_copy(update={"argv": (*process.argv, "--block"), "daemon": False})


def _dollars(text: str) -> str:
    return text.replace("$", "$$")


def _binds(d: Deployment) -> list[dict[str, Any]]:
    cache = "${HF_HOME:-/var/cache/huggingface}"
    found: list[dict[str, Any]] = [{"type": "bind", "source": cache, "target": "/root/.cache/huggingface"}]
    for path in (d.model if d.model.startswith("/") else None, d.ca_bundle):
        if path:
            found.append(
                {"type": "bind", "source": _dollars(path), "target": _dollars(path), "read_only": True}
            )
    if d.tls:
        for name in ("SSL_KEYFILE", "SSL_CERTFILE"):
            word = f"${{{name}:?set {name}}}"
            found.append({"type": "bind", "source": word, "target": word, "read_only": True})
    return found


# --- Kubernetes ---------------------------------------------------------------------------------------------


def _kubernetes(plan: Plan) -> list[dict[str, Any]]:
    d = plan.deployment
    port = d.proxy.port if d.proxy else d.server_port
    labels = {"app.kubernetes.io/name": d.name}
    many = len(plan.nodes) > 1
    leads = {"leaderworkerset.sigs.k8s.io/worker-index": "0"} if many else {}
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": d.name, "labels": labels},
        "spec": {"selector": labels | leads, "ports": [{"name": "http", "port": port, "targetPort": port}]},
    }  # fmt: skip
    if not many:
        workload = {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": d.name, "labels": labels},
            "spec": {
                "replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": labels},
                "progressDeadlineSeconds": START_SECONDS, "template": _pod(plan.nodes[0], d, labels),
            },
        }  # fmt: skip
        return [service, workload]
    group = {
        "size": len(plan.nodes), "restartPolicy": "RecreateGroupOnPodRestart",
        "leaderTemplate": _pod(plan.nodes[0], d, labels), "workerTemplate": _pod(plan.nodes[1], d, labels),
    }  # fmt: skip
    workload = {
        "apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet",
        "metadata": {"name": d.name, "labels": labels}, "spec": {"replicas": 1, "leaderWorkerTemplate": group},
    }  # fmt: skip
    return [service, workload]


def _pod(node: NodePlan, d: Deployment, labels: dict[str, str]) -> dict[str, Any]:
    volumes: list[dict[str, Any]] = [
        {"name": "shm", "emptyDir": {"medium": "Memory"}},
        {"name": "models", "persistentVolumeClaim": {"claimName": f"{d.name}-models"}},
    ]
    mounts: list[dict[str, Any]] = [
        {"name": "shm", "mountPath": "/dev/shm"},
        {"name": "models", "mountPath": d.model if d.model.startswith("/") else "/root/.cache/huggingface"},
    ]
    for name, kind, path in (
        ("ca", "configMap", d.ca_bundle),
        ("tls", "secret", "/etc/tls" if d.tls else None),
    ):
        if path:
            where = {"name": f"{d.name}-ca"} if kind == "configMap" else {"secretName": f"{d.name}-tls"}
            volumes.append({"name": name, kind: where})
            mount: dict[str, Any] = {"name": name, "mountPath": path, "readOnly": True}
            mounts.append(mount | ({"subPath": "ca.crt"} if name == "ca" else {}))
    processes = [p for p in node.processes if p.name != "ray" or len(node.processes) == 1]
    containers = [_container(node, process, d, mounts) for process in processes]
    return {"metadata": {"labels": labels}, "spec": {"containers": containers, "volumes": volumes}}


def _container(
    node: NodePlan, process: Process, d: Deployment, mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    many = len(d.nodes) > 1
    leader = f'"${LEADER}"' if many else "localhost"
    exports, instead = {}, {}
    if d.dp > 1:
        exports["LMDEPLOY_DP_MASTER_ADDR"] = leader
    if d.proxy is not None and process.name == "api_server":
        url = process.argv[process.argv.index("--proxy-url") + 1]
        instead[url] = f"{url.partition('//')[0]}//{leader}:{d.proxy.port}"
    lines = ["set -euo pipefail", *_exports(process, exports)]
    if spans_nodes_by_ray(d):
        ray = next(p for p in node.processes if p.name == "ray")
        if process.name == "ray":
            instead |= {
                word: f"--address={leader}:{d.ray_port}" for word in ray.argv if word.startswith("--address=")
            }
        else:
            lines.append(shell_command(ray))  # LMDeploy itself waits until all nodes' GPUs have joined
    command = shell_command(process, instead)
    if many and process.name == "api_server" and d.dp > 1:  # one template serves every worker
        before, _, after = command.partition(f" --node-rank {node.rank}")
        command = f'{before} --node-rank "${RANK}"{after}'
    lines.append(f"exec {command}")
    paths = {"SSL_KEYFILE": "/etc/tls/tls.key", "SSL_CERTFILE": "/etc/tls/tls.crt"} if d.tls else {}
    container: dict[str, Any] = {
        "name": process.name.replace("_", "-"), "image": d.image, "command": ["bash", "-c", "\n".join(lines) + "\n"],
        "env": [
            {"name": n, "value": paths[n]} if n in paths
            else {"name": n, "valueFrom": {"secretKeyRef": {"name": f"{d.name}-keys", "key": n}}}
            for n in process.needs_env
        ],
        "volumeMounts": mounts,
    }  # fmt: skip
    if process.ports:
        container["ports"] = [{"containerPort": port} for port in process.ports]
    if process.name == "api_server":
        probe = {"path": "/health", "port": process.ports[0], "scheme": "HTTPS" if d.tls else "HTTP"}
        container["startupProbe"] = {
            "httpGet": probe,
            "periodSeconds": 10,
            "failureThreshold": START_SECONDS // 10,
        }
        container["livenessProbe"] = {
            "httpGet": probe,
            "periodSeconds": 30,
            "timeoutSeconds": 10,
            "failureThreshold": 4,
        }
    if process.name != "proxy":
        container["resources"] = {"limits": {"nvidia.com/gpu": d.gpus.per_node if many else d.gpus_needed}}
    return container


def _yaml(documents: list[dict[str, Any]]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import walk_tree

    writer = YAML()
    writer.width = 10_000
    writer.representer.ignore_aliases = lambda *_: True
    writer.indent(mapping=2, sequence=4, offset=2)
    for document in documents:
        walk_tree(document)  # scripts of several lines as blocks
    text = io.StringIO()
    writer.dump_all(documents, text)
    return text.getvalue()
