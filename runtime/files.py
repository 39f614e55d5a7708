"""Files that are either whole or not there, and what the operating system says about them as typed errors."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from benchmate.runtime.errors import StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENOENT}


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` at `path`: after a crash the file has its old content or the new, never a part.

    Makes a missing folder. Raises StorageError (`storage_full`, `storage_denied`, `storage_failed`).
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        temporary = None
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise storage_error(f"{path} cannot be written", error) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def storage_error(message: str, error: OSError) -> StorageError:
    """Return what the operating system reported as a typed error that says what to do about it."""
    text = error.strerror or str(error)
    if error.errno in _FULL:
        return StorageError("storage_full", f"{message}: {text}", hint="free some space, then resume the run")
    if error.errno in _DENIED:
        return StorageError("storage_denied", f"{message}: {text}", hint="choose a folder you may write")
    return StorageError("storage_failed", f"{message}: {text}")
