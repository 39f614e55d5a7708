"""Starting one node's part of a deployment, watching it, and stopping it.

Processes outlive the command that started them. A state file names each by process id *and* start time, so a
reused id is never signalled; their descendants are known by a token in their environment.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from benchmate.model.serving.deployment import url
from benchmate.model.serving.plan import Plan, Process
from benchmate.runtime.errors import Crashed, InvalidInput, NotFound, StorageError, Unavailable

if TYPE_CHECKING:
    import httpx

TOKEN = "BENCHMATE_DEPLOYMENT_TOKEN"
GAUGES = ("num_requests_running", "num_requests_waiting", "gpu_cache_usage_perc")
LOADED = re.compile(r"(\d{1,3})%\|")  # tqdm, as in `Loading weights from safetensors:  45%|████`
State = Literal["starting", "ready", "unhealthy", "stopped"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Started(_Part):
    """A process that was started. `started` tells it from a later one with the same id."""

    name: str
    pid: int
    started: str
    log: Path
    urls: tuple[str, ...] = Field((), description="Servers it runs; empty for what serves no HTTP.")
    lasts: bool = True


class NodeState(_Part):
    """What runs on this machine: the state file."""

    name: str
    rank: int
    token: str
    model: str
    client_url: str
    key_env: tuple[str, ...] = ()
    processes: tuple[Started, ...] = ()


class Seen(_Part):
    """One server as it looks now."""

    name: str
    url: str
    state: State
    models: tuple[str, ...] = ()
    metrics: dict[str, float] = Field(default_factory=dict)
    loaded: int | None = Field(None, description="Per cent of the weights, by its log.")
    said: str = Field("", description="The last line of its log.")


# --- the state file -----------------------------------------------------------------------------------------


def folder_of(data_dir: Path) -> Path:
    return data_dir / "deployments"


def _file(folder: Path, name: str, rank: int) -> Path:
    return folder / f"{name}-node{rank}.json"


def read_states(folder: Path, name: str | None = None) -> list[NodeState]:
    """Return what was started on this machine, all or that of one name. Raises NotFound, StorageError."""
    states = []
    for file in sorted(folder.glob("*.json")):
        try:
            states.append(NodeState.model_validate_json(file.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise StorageError("bad_state", f"{file} cannot be read: {error}", hint="delete it") from None
    found = [state for state in states if name in (None, state.name)]
    if name is not None and not found:
        known = ", ".join(sorted({state.name for state in states})) or "nothing"
        raise NotFound("not_deployed", f"{name!r} was not started on this machine", hint=f"started: {known}")
    return found


def _save(folder: Path, state: NodeState) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = _file(folder, state.name, state.rank)
        half = file.with_suffix(".tmp")
        half.write_text(state.model_dump_json(indent=1), encoding="utf-8")
        half.replace(file)
    except OSError as error:
        raise StorageError("cannot_write", f"{error.filename or folder}: {error.strerror}") from None


# --- processes ----------------------------------------------------------------------------------------------


def start_time(pid: int) -> str | None:
    """Return when the process with this id started (this boot), or None when none runs."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return None if fields[0] in "ZX" else f"{boot}/{fields[19]}"
    if Path("/proc/self/stat").exists():
        return None
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, env={"LC_ALL": "C", "PATH": os.defpath}
    )  # fmt: skip
    return done.stdout.strip() or None


def alive(process: Started) -> bool:
    """Return whether it still runs, and is not another one with its id."""
    return start_time(process.pid) == process.started


def _with_token(token: str) -> list[int]:
    """Return the ids of all processes of a deployment, by their environment (Linux; elsewhere none)."""
    mark, found = f"{TOKEN}={token}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0") and start_time(int(folder.name)):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


# --- up -----------------------------------------------------------------------------------------------------


def start(plan: Plan, rank: int, folder: Path, environment: Mapping[str, str]) -> NodeState:
    """Start the processes of this node and return them; nothing is left running if one cannot start.

    Raises InvalidInput (`no_such_rank`, `missing_variable`, `already_up`, `port_taken`), Unavailable
    (`no_executable`), Crashed.
    """
    d = plan.deployment
    if not 0 <= rank < len(plan.nodes):
        raise InvalidInput("no_such_rank", f"the nodes have the ranks 0 to {len(plan.nodes) - 1}, not {rank}")
    processes = plan.nodes[rank].processes
    missing = dict.fromkeys(n for p in processes for n in p.needs_env if not environment.get(n))
    if missing:
        raise InvalidInput(
            "missing_variable",
            f"not set: {', '.join(missing)}",
            hint="export them; keys are never read from a file",
        )
    for state in read_states(folder):
        if (state.name, state.rank) == (d.name, rank) and any(map(alive, state.processes)):
            raise InvalidInput("already_up", f"{d.name} runs here", hint=f"benchmate deploy down {d.name}")
    for process in processes:
        for port in process.ports:
            if not _port_free(port):
                raise InvalidInput(
                    "port_taken", f"{process.name} needs port {port}, which something else uses",
                    hint="change server_port, proxy.port or ray_port, or stop what uses it",
                )  # fmt: skip
    scheme = "https" if d.tls else "http"
    host = _outward_address() if d.dp > 1 else "127.0.0.1"
    state = NodeState(
        name=d.name,
        rank=rank,
        token=uuid.uuid4().hex,
        model=d.model,
        client_url=plan.client_url,
        key_env=d.api_key_env,
    )
    try:
        for process in processes:
            serves = {"api_server": host, "proxy": "127.0.0.1"}.get(process.name)
            urls = tuple(url(scheme, serves, port) for port in process.ports) if serves else ()
            started = _spawn(process, state, folder, environment, urls)
            state = state.model_copy(update={"processes": (*state.processes, started)})
            _save(folder, state)
    except BaseException:
        stop(state, folder, grace=5)
        raise
    return state


def _spawn(
    process: Process, state: NodeState, folder: Path, environment: Mapping[str, str], urls: tuple[str, ...]
) -> Started:
    command = process.command(tuple(environment[name] for name in process.key_env))
    log = folder / f"{state.name}-node{state.rank}-{process.name}.log"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env={**environment, **process.env, TOKEN: state.token, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
    except FileNotFoundError:
        raise Unavailable(
            "no_executable", f"there is no {command[0]!r} on this machine",
            hint="install lmdeploy, or set `lmdeploy` to its executable",
        ) from None  # fmt: skip
    except OSError as error:
        raise Unavailable("no_executable", f"{command[0]!r} cannot be started: {error.strerror}") from None
    if process.daemon:
        if child.wait(timeout=120):
            raise Crashed("start_failed", f"{process.name} ended with {child.returncode}: {_last_line(log)}")
        return Started(name=process.name, pid=child.pid, started="", log=log, lasts=False)
    _children[child.pid] = child
    return Started(
        name=process.name, pid=child.pid, started=start_time(child.pid) or "ended", log=log, urls=urls
    )


_children: dict[int, subprocess.Popen[bytes]] = {}  # so that those that end are reaped


def wait_until_ready(
    state: NodeState, folder: Path, environment: Mapping[str, str], *, seconds: float,
    on_progress: Callable[[list[Seen]], None] = lambda seen: None, every: float = 2.0,
) -> list[Seen]:  # fmt: skip
    """Return the servers once all are healthy and serve a model.

    On failure, and on Ctrl-C, everything is stopped first. Raises Crashed (`server_ended`, `not_ready`).
    """
    until = time.monotonic() + seconds
    try:
        while True:
            for process in state.processes:
                if process.lasts and not _lives(process):
                    raise Crashed(
                        "server_ended",
                        f"{process.name} ended before it was ready: {_without(_last_line(process.log), state, environment)}",
                        hint=f"its log is {process.log}",
                    )
            seen = look(state, environment)
            on_progress(seen)
            if all(server.state == "ready" for server in seen):
                return seen
            if time.monotonic() > until:
                waiting = ", ".join(f"{s.name} ({s.state})" for s in seen if s.state != "ready")
                raise Crashed(
                    "not_ready",
                    f"not ready after {seconds:g} seconds: {waiting}",
                    hint="raise --timeout, or read the logs with `benchmate deploy status`",
                )
            time.sleep(every)
    except BaseException:
        stop(state, folder)
        raise


def _lives(process: Started) -> bool:
    child = _children.get(process.pid)
    return child.poll() is None if child else alive(process)


def _without(text: str, state: NodeState, environment: Mapping[str, str]) -> str:
    for name in state.key_env:
        if value := environment.get(name):
            text = text.replace(value, f"${name}")
    return text


# --- status -------------------------------------------------------------------------------------------------


def look(state: NodeState, environment: Mapping[str, str]) -> list[Seen]:
    """Return how each server looks now: health, models and metrics."""
    import httpx

    key = next((environment[name] for name in state.key_env if environment.get(name)), None)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    found = []
    # They are on this machine; their certificate names the host that clients use.
    with httpx.Client(timeout=5, headers=headers, verify=False, trust_env=False) as client:
        for process in state.processes:
            said = _without(_last_line(process.log), state, environment)
            for address in process.urls or ("",) * process.lasts:
                if not _lives(process):
                    found.append(Seen(name=process.name, url=address, state="stopped", said=said))
                elif not address:
                    found.append(Seen(name=process.name, url="", state="ready", said=said))
                else:
                    found.append(_ask(client, process, address, said))
    return found


def _ask(client: httpx.Client, process: Started, address: str, said: str) -> Seen:
    import httpx

    seen = Seen(name=process.name, url=address, state="starting", loaded=_loaded(process.log), said=said)
    try:
        if process.name == "api_server":  # the proxy has neither /health nor /metrics
            health = client.get(f"{address}/health")
            if health.status_code != 200:
                return seen.model_copy(update={"state": "unhealthy"})
        models = client.get(f"{address}/v1/models")
        if models.status_code != 200:
            why = f"/v1/models says {models.status_code}; is the key set?"
            return seen.model_copy(update={"state": "unhealthy", "said": why})
        names = tuple(str(model["id"]) for model in models.json()["data"])
        metrics = _metrics(client.get(f"{address}/metrics").text) if process.name == "api_server" else {}
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return seen
    ready: State = "ready" if names or process.name == "proxy" else "starting"
    return seen.model_copy(
        update={"state": ready, "models": names, "metrics": metrics, "loaded": 100 if names else None}
    )


def _metrics(text: str) -> dict[str, float]:
    """Return the gauges of LMDeploy's /metrics that say how busy it is, summed over their labels."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        if match := re.match(r"lmdeploy:(\w+)(?:\{[^}]*\})?\s+([-+.\deE]+)$", line):
            name, value = match.groups()
            if name in GAUGES:
                found[name] = found.get(name, 0.0) + float(value)
    return found


def _tail(log: Path, size: int = 8192) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - size))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in re.split(r"[\r\n]+", _tail(log)) if line.strip()]
    return lines[-1][-300:] if lines else "it said nothing"


def _loaded(log: Path) -> int | None:
    found = LOADED.findall(_tail(log))
    return min(100, int(found[-1])) if found else None


# --- down ---------------------------------------------------------------------------------------------------


def stop(state: NodeState, folder: Path, grace: float = 60.0) -> int:
    """Stop what this state names, politely and then for good; return how many processes were there.

    A process that has an id of ours and another start time is left alone.
    """
    leaders = [process for process in state.processes if process.lasts and alive(process)]
    others = _with_token(state.token)
    for process in reversed(leaders):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)  # LMDeploy's launcher passes it on to its own groups
    until = time.monotonic() + grace
    while time.monotonic() < until and any(map(_lives, leaders)):
        time.sleep(0.05)
    rest = {process.pid for process in leaders if alive(process)} | set(_with_token(state.token))
    for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 10.0)):
        for pid in rest:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        until = time.monotonic() + patience
        while rest and time.monotonic() < until:
            for process in leaders:
                _lives(process)
            rest = {pid for pid in rest if start_time(pid)}
            time.sleep(0.05)
    for process in leaders:
        _children.pop(process.pid, None)
    _file(folder, state.name, state.rank).unlink(missing_ok=True)
    return len({process.pid for process in leaders} | set(others))


def _port_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except PermissionError:
            return True  # what starts may have rights that this does not
        except OSError:
            return False
    return True


def _outward_address() -> str:
    """Return the address of the route to the outside, which LMDeploy binds when dp > 1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("8.8.8.8", 1))  # a datagram socket sends nothing here
        except OSError:
            raise Unavailable(
                "no_route", "with dp > 1 LMDeploy needs a default route to find its own address, and there is none",
                hint="add a default route on the network that joins the nodes",
            ) from None  # fmt: skip
        return str(probe.getsockname()[0])
