"""Artifacts: files that calls made, stored once under the SHA-256 of their content."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from benchmate.runtime.canonical import canonical_json
from benchmate.runtime.errors import NotFound, StorageError
from benchmate.runtime.evidence import Artifact
from benchmate.runtime.files import storage_error, write_atomically

_SHA = re.compile(r"[0-9a-f]{64}")


class ArtifactStore:
    """A folder of files named by their hash. Writing the same content again changes nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes, *, name: str, media_type: str) -> Artifact:
        """Store `content` durably and return its record; `name` is what a reader calls it.

        Raises StorageError (`storage_full`, `storage_denied`, `storage_failed`).
        """
        sha = hashlib.sha256(content).hexdigest()
        path = self.folder / sha
        try:
            present = path.read_bytes() == content  # a damaged copy is written anew
        except FileNotFoundError:
            present = False
        except OSError as error:
            raise storage_error(f"artifact {name!r} cannot be stored at {path}", error) from error
        if not present:
            write_atomically(path, content)
        return Artifact(sha=sha, name=name, media_type=media_type, size=len(content))

    def get(self, sha: str) -> bytes:
        """Return the content with this hash.

        Raises NotFound (`no_such_artifact`), StorageError (`artifact_damaged`: the content has changed).
        """
        path = self.path(sha)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise storage_error(f"artifact {path} cannot be read", error) from error
        if hashlib.sha256(content).hexdigest() != sha:
            raise StorageError("artifact_damaged", f"the content of {path} is not what was stored")
        return content

    def path(self, sha: str) -> Path:
        """Return where the content with this hash lies. Raises NotFound (`no_such_artifact`)."""
        path = self.folder / sha
        if not _SHA.fullmatch(sha) or not path.is_file():
            raise NotFound("no_such_artifact", f"{self.folder} holds no artifact {sha[:80]!r}")
        return path

    def put_json(self, value: Any) -> str:
        """Store `value` as canonical JSON and return its hash. Raises as `put`, and InvalidInput."""
        return self.put(canonical_json(value).encode(), name="value.json", media_type="application/json").sha

    def get_json(self, sha: str) -> Any:
        """Return what `put_json` stored. Raises as `get`, and StorageError (`artifact_not_json`)."""
        try:
            return json.loads(self.get(sha))
        except ValueError as error:
            raise StorageError("artifact_not_json", f"artifact {sha} is not JSON: {error}") from None

    def copy_from(self, other: ArtifactStore, sha: str) -> None:
        """Store here what another run's store holds under this hash. Raises as `get` and `put`."""
        self.put(other.get(sha), name=sha, media_type="application/octet-stream")
