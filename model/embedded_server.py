"""The child process that serves the embedded model: `python -m benchmate.model.embedded_server`.

A line of JSON on standard input says what to serve. A line of JSON on standard output answers with the
address, or with an error. The process ends when its standard input closes, or when its parent is gone.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
from typing import Any

WATCH_SECONDS = 1.0
PROMPT_CACHE_MIB = 128  # llama.cpp's own default is 8192


def main() -> None:
    """Serve until nobody needs it any more."""
    parent = os.getppid()
    wanted = json.loads(sys.stdin.readline())
    try:
        import xllamacpp
    except ImportError as error:
        _say(error={"code": "runtime_missing", "message": f"xllamacpp cannot be loaded here: {error}"})
        return
    if not _free(wanted["port"]):
        _say(error={"code": "port_in_use", "message": f"port {wanted['port']} on 127.0.0.1 is in use"})
        return
    try:
        server = xllamacpp.Server(_parameters(xllamacpp, wanted))
    except RuntimeError as error:
        _say(error={"code": "model_start_failed", "message": f"llama.cpp does not start: {error}"})
        return
    _say(url=server.listening_address, runtime=f"xllamacpp {xllamacpp.__version__}")
    while os.getppid() == parent:
        readable, _, _ = select.select([sys.stdin], [], [], WATCH_SECONDS)
        if readable and not sys.stdin.readline():
            break
    os._exit(0)  # the server's threads wait for clients that will not come


def _parameters(xllamacpp: Any, wanted: dict[str, Any]) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = wanted["model_path"]
    parameters.model_alias = {wanted["model"]}
    parameters.chat_template = wanted["chat_template"]
    parameters.api_keys = [wanted["api_key"]]
    parameters.port = wanted["port"]
    parameters.n_parallel = wanted["slots"]
    parameters.n_ctx = wanted["context_tokens"] * wanted["slots"]
    for part in (parameters.cpuparams, parameters.cpuparams_batch):
        part.n_threads = wanted["threads"]
        part.poll = 0  # a thread that waits does not spin
    parameters.n_threads_http = wanted["slots"] + 1
    parameters.n_gpu_layers = 0
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.fit_params = False
    parameters.warmup = False
    parameters.verbosity = 1  # errors
    parameters.ui = False
    parameters.offline = True
    return parameters


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    main()
