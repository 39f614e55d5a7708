"""The child process: it starts when needed, dies with its parent, and says why it cannot start."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from benchmate.model.embedded import EmbeddedServer
from benchmate.runtime.errors import Crashed, Unavailable

# A stand-in for the compiled runtime: it starts at once and needs no weights.
RUNTIME = """
import http.server, threading
__version__ = "0"
class Part: pass
class CommonParams:
    def __init__(self):
        self.model, self.cpuparams, self.cpuparams_batch = Part(), Part(), Part()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.headers.get("authorization") == f"Bearer {self.server.key}"
        self.send_response(200 if known else 401); self.end_headers()
    def log_message(self, *_): pass
class Server:
    def __init__(self, parameters):
        server = http.server.HTTPServer(("127.0.0.1", parameters.port), Handler)
        server.key = parameters.api_keys[0]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{server.server_port}"
"""


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose `xllamacpp` the child imports instead of the real one."""
    (tmp_path / "xllamacpp.py").write_text(RUNTIME)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    return tmp_path


def runs(pid: int) -> bool:
    """Whether a process is there and no mere zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def ends(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    for _ in range(100):
        if not runs(pid):
            return True
        time.sleep(0.1)
    return False


async def test_it_starts_once_for_all_who_ask(runtime: Path) -> None:
    server = EmbeddedServer(runtime / "any.gguf")
    assert server.pid is None
    first, second = await asyncio.gather(server.endpoint(), server.endpoint())
    assert first == second and first.local
    await server.aclose()
    assert server.pid is None


async def test_only_who_knows_the_key_may_ask(runtime: Path) -> None:
    server = EmbeddedServer(runtime / "any.gguf")
    where = await server.endpoint()
    async with httpx.AsyncClient(trust_env=False) as client:
        key = {"authorization": f"Bearer {where.api_key}"}
        answers = [await client.get(where.url, headers=headers) for headers in (key, {})]
    assert [answer.status_code for answer in answers] == [200, 401]
    visible = Path(f"/proc/{server.pid}/cmdline"), Path(f"/proc/{server.pid}/environ")
    assert where.api_key is not None
    assert not any(where.api_key.encode() in path.read_bytes() for path in visible if path.exists())
    await server.aclose()


async def test_it_is_started_again_once_after_a_crash(runtime: Path) -> None:
    server = EmbeddedServer(runtime / "any.gguf")

    async def crash() -> None:
        await server.endpoint()
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        for _ in range(100):  # as a zombie it has not ended while its threads still do
            if server.pid is None:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the server outlived SIGKILL")

    await crash()
    await crash()
    with pytest.raises(Crashed, match="died twice without an answer.*-9") as caught:
        await server.endpoint()
    assert caught.value.code == "model_crashed"
    await crash()  # a later call may try again
    await server.endpoint()
    server.answered()
    await crash()
    await server.endpoint()
    await server.aclose()


@pytest.mark.parametrize("sibling", ["0", "os.fork()"], ids=["alone", "a forked sibling holds the pipe open"])
def test_it_dies_with_a_parent_that_is_killed(sibling: str, runtime: Path) -> None:
    program = textwrap.dedent(f"""
        import asyncio, os, pathlib, time
        from benchmate.model.embedded import EmbeddedServer
        server = EmbeddedServer(pathlib.Path("any.gguf"))
        asyncio.run(server.endpoint())
        parent, pid = os.getpid(), server.pid
        sibling = {sibling}
        if os.getpid() == parent:
            print(pid, sibling, flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, forked = map(int, parent.stdout.readline().split())
        assert runs(pid)
        parent.kill()
    assert ends(pid)
    if forked:
        os.kill(forked, signal.SIGKILL)


async def test_a_missing_runtime_is_named(runtime: Path) -> None:
    (runtime / "xllamacpp.py").write_text("raise ImportError('no wheel for this platform')")
    with pytest.raises(Unavailable, match="no wheel for this platform") as caught:
        await EmbeddedServer(runtime / "any.gguf").endpoint()
    assert caught.value.code == "runtime_missing"


async def test_a_port_in_use_is_named(runtime: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"port {port} on 127.0.0.1 is in use") as caught:
            await EmbeddedServer(runtime / "any.gguf", port=port).endpoint()
    assert caught.value.code == "port_in_use"


async def test_a_start_that_dies_without_a_word_is_an_error(runtime: Path) -> None:
    (runtime / "xllamacpp.py").write_text("import os; os._exit(3)")
    with pytest.raises(Unavailable, match="the process ended without a word") as caught:
        await EmbeddedServer(runtime / "any.gguf").endpoint()
    assert caught.value.code == "model_start_failed"


async def test_weights_that_are_none_are_named_by_the_real_runtime(tmp_path: Path) -> None:
    if find_spec("xllamacpp") is None:  # looked for, not imported: it runs in a process of its own
        pytest.skip("no xllamacpp for this platform")
    weights = tmp_path / "weights.gguf"
    weights.write_bytes(b"GGUF" + bytes(1000))
    with pytest.raises(Unavailable, match="llama.cpp does not start") as caught:
        await EmbeddedServer(weights).endpoint()
    assert caught.value.code == "model_start_failed" and "GGUF" in caught.value.info.details["log"]
