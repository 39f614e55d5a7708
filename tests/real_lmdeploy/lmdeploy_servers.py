"""Processes of LMDeploy's own environment, whose interpreter LMDEPLOY_PYTHON names."""

import os
import socket
import subprocess
import time
from pathlib import Path

import httpx

PYTHON = os.environ.get("LMDEPLOY_PYTHON", "")
HERE = Path(__file__).parent
KEY = "a-key"
START_SECONDS = 240.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Servers:
    """Processes of LMDeploy, each with a log, stopped together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = folder / "tiny"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = os.environ | {
            "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false",
        }  # fmt: skip
        self.python("-m", "benchmate.model.serving.tiny_model", str(self.model))

    def python(self, *arguments: str) -> None:
        """Run LMDeploy's Python to its end. What it starts may outlive it, so its output goes to a file."""
        log = self.folder / "python.log"
        with log.open("wb") as file:
            done = subprocess.run(
                [PYTHON, *arguments], env=self._environment, stdout=file, stderr=file, timeout=START_SECONDS
            )
        assert done.returncode == 0, log.read_text(errors="replace")[-3000:]

    def start(self, name: str, *arguments: str, path: str, **variables: str) -> str:
        """Start a process that listens on a free port, and return its address. `{port}` in its arguments is that port."""
        port = free_port()
        words = [word.format(port=port) for word in arguments]
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [PYTHON, *words], env=self._environment | variables, stdout=log, stderr=log, cwd=self.folder
            )
        url = f"http://127.0.0.1:{port}"
        self.wait(name, url + path)
        return url

    def wait(self, name: str, url: str) -> None:
        """Wait until a process answers at `url`."""
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up:
            assert self._processes[name].poll() is None, self.log(name)
            try:
                if httpx.get(url, timeout=5, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.3)
        raise AssertionError(f"{name} did not start: {self.log(name)}")

    def log(self, name: str) -> str:
        """Return the end of a process's log."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def server(self, name: str, *arguments: str, model: Path | None = None, **variables: str) -> str:
        """Start LMDeploy's api_server with the scripted engine, and return its address."""
        return self.start(
            name, str(HERE / "scripted_server.py"), str(model or self.model), "--model-name", name, "--server-port", "{port}",
            "--reasoning-parser", "default", *arguments, path="/health", **variables,
        )  # fmt: skip

    def process(self, name: str) -> int:
        """Return the id of a process."""
        return self._processes[name].pid

    def kill(self, name: str) -> None:
        """End a process at once."""
        self._processes[name].kill()
        self._processes[name].wait()

    def stop(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
