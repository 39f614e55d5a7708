"""The embedded model: llama.cpp's own server in a child process on loopback, started when first needed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from benchmate.model.http_engine import Endpoint, HttpEngine
from benchmate.model.llama_cpp import LlamaCpp
from benchmate.model.pull import GGUF_SHA256, MODEL, require_model
from benchmate.model.renderer import ChatML
from benchmate.runtime.canonical import digest
from benchmate.runtime.errors import Crashed, Unavailable
from benchmate.runtime.settings import Settings

START_SECONDS = 120.0
STOP_SECONDS = 5.0

_NO_WORD = {"code": "model_start_failed", "message": "the process ended without a word"}


class EmbeddedServer:
    """One child process with the model. Any thread may ask for its address; it dies with this process."""

    def __init__(
        self,
        model_path: Path,
        *,
        model: str = MODEL,
        chat_template: str = ChatML.jinja,
        threads: int = 1,
        context_tokens: int = 4096,
        slots: int = 1,
        port: int = 0,
    ) -> None:
        """Start nothing yet. `port` 0 lets the system choose a free one."""
        self.model_path = model_path
        self._wanted = {
            "model_path": str(model_path),
            "model": model,
            "chat_template": chat_template,
            "threads": threads,
            "context_tokens": context_tokens,
            "slots": slots,
            "port": port,
        }
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._endpoint: Endpoint | None = None
        self._crashes = 0  # since it last answered
        self._stop: Callable[[], Any] = lambda: None

    @property
    def pid(self) -> int | None:
        """The process id of the child, or None when none runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def endpoint(self) -> Endpoint:
        """Return the server's address, starting it if need be.

        Raises Unavailable (`model_start_failed`, `runtime_missing`), Crashed (`model_crashed`).
        """
        if self._endpoint is not None and self.pid is not None:
            return self._endpoint
        return await asyncio.to_thread(self._ensure)

    def answered(self) -> None:
        """Note that the child works: should it die, it is started once more."""
        self._crashes = 0

    async def aclose(self) -> None:
        """Stop the child, if it runs."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._lock:
            self._stop()
            self._process = self._endpoint = None

    def _ensure(self) -> Endpoint:
        with self._lock:
            if self._endpoint is not None and self.pid is not None:
                return self._endpoint
            if self._process is not None:
                status, log = self._process.poll(), self._log_tail()
                self._stop()
                self._process, self._crashes = None, self._crashes + 1
                if self._crashes > 1:
                    self._crashes = 0
                    raise Crashed(
                        "model_crashed",
                        f"the embedded model died twice without an answer (exit status {status})",
                        hint="it may lack memory; `benchmate doctor` shows what there is",
                        details={"log": log},
                    )
            self._endpoint = self._start()
            return self._endpoint

    def _start(self) -> Endpoint:
        key = secrets.token_urlsafe(24)
        environment = os.environ | {"OMP_WAIT_POLICY": "passive"}
        self._log: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 (it lives as long as the child)
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmate.model.embedded_server"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, env=environment,
            start_new_session=True,  # Ctrl-C is for this process, not for the server
        )  # fmt: skip
        self._stop = weakref.finalize(self, _end, process, self._log)
        self._process = process
        assert process.stdin is not None and process.stdout is not None
        late = threading.Timer(START_SECONDS, process.kill)
        late.start()
        try:
            process.stdin.write(json.dumps(self._wanted | {"api_key": key}) + "\n")
            process.stdin.flush()
            said = process.stdout.readline()
        except BrokenPipeError:
            said = ""
        finally:
            late.cancel()
        answer: dict[str, Any] = json.loads(said) if said else {"error": _NO_WORD}
        if "error" in answer:
            log = self._log_tail()
            self._stop()
            self._process = None
            first = log.splitlines()[:1]
            raise Unavailable(
                answer["error"]["code"],
                ": ".join(["the embedded model cannot start", answer["error"]["message"], *first]),
                hint="`benchmate model pull` fetches the model; `benchmate doctor` checks this machine",
                details={"log": log},
            )
        return Endpoint(answer["url"], key)

    def _log_tail(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:]


def _end(process: subprocess.Popen[str], log: IO[str]) -> None:
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
    log.close()


class EmbeddedEngine(HttpEngine):
    """The Engine over an EmbeddedServer."""

    def __init__(self, settings: Settings, *, slots: int = 1) -> None:
        """Start nothing yet. `slots` is how many samples of one prompt are drawn at once."""
        profile = settings.model
        self._settings = settings
        self._server: EmbeddedServer | None = None
        self.slots = slots
        super().__init__(
            "http://127.0.0.1",
            MODEL,
            version=embedded_version(),
            dialect=LlamaCpp(slots),
            max_tokens=profile.max_completion_tokens,
            timeout_seconds=profile.timeout_seconds,
            concurrency=slots,
        )

    async def endpoint(self) -> Endpoint:
        """Return where the server is, starting it if need be. Raises Unavailable (`model_not_fetched`)."""
        if self._server is None:
            profile = self._settings.model
            self._server = EmbeddedServer(
                require_model(self._settings),
                threads=profile.threads,
                context_tokens=profile.context_tokens,
                slots=self.slots,
            )
        return await self._server.endpoint()

    def answered(self) -> None:
        """Called after each good answer."""
        if self._server is not None:
            self._server.answered()

    async def aclose(self) -> None:
        """Stop the server, if it runs."""
        if self._server is not None:
            await self._server.aclose()


def embedded_version() -> str:
    """Return what the embedded model's answers depend on: a hash of its weights and its template."""
    return digest("embedded", GGUF_SHA256, ChatML.jinja, length=16)
