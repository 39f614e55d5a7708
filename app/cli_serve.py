"""`benchmate serve-local`: a small model behind LMDeploy's real server on a CPU, for development."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmate.app import output

ENVIRONMENT = Path(".venv-lmdeploy")  # of `make lmdeploy`


def serve_local(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="A folder with a small Hugging Face causal model.")],
    port: Annotated[int, typer.Option(help="Where to listen, on 127.0.0.1.")] = 23333,
    python: Annotated[
        Path | None,
        typer.Option(help="The interpreter with LMDeploy. Default: this one, or .venv-lmdeploy's."),
    ] = None,
) -> int:
    """Serve a small model with LMDeploy's real server and an engine on the CPU. For development: it is slow.

    Further options go to `lmdeploy serve api_server`, e.g. --tool-call-parser qwen3.
    """
    words = serve_command(model, port, python, context.args)
    output.note(
        "for development only: one token at a time, on the CPU; `benchmate deploy` plans a real deployment"
    )
    return subprocess.run(words, env=os.environ | {"HF_HUB_OFFLINE": "1"}, check=False).returncode


def serve_command(model: Path, port: int, python: Path | None, further: list[str]) -> list[str]:
    """Return the command that serves a model. Raises NotFound (`no_such_folder`), Unavailable (`no_lmdeploy`)."""
    from benchmate.runtime.errors import NotFound

    if not (model / "config.json").is_file():
        raise NotFound(
            "no_such_folder",
            f"{model} is no folder with a Hugging Face model",
            hint="`python -m benchmate.model.serving.tiny_model FOLDER` makes a tiny one, in LMDeploy's environment",
        )
    interpreter = python or _interpreter()
    module = "benchmate.model.serving.cpu_engine"
    return [str(interpreter), "-m", module, str(model), "--server-port", str(port), *further]


def _interpreter() -> Path:
    from importlib.util import find_spec

    from benchmate.runtime.errors import Unavailable

    if find_spec("lmdeploy") is not None and find_spec("torch") is not None:
        return Path(sys.executable)
    if (found := ENVIRONMENT / "bin" / "python").exists():
        return found
    raise Unavailable(
        "no_lmdeploy",
        "LMDeploy is not installed here",
        hint="`make lmdeploy` makes its environment; --python names one",
    )
