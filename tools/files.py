"""Files as tool arguments: a path or a sample becomes content known by its SHA-256, kept with the run."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.runtime.evidence import Entity
from benchmate.tools.samples import SAMPLES, sample

SAMPLE = "sample:"
MAX_BYTES = 200_000_000


class FileRecord(BaseModel):
    """A file that is kept with the run: what it was called, and what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="The file's name, without its folder.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    def open(self, folder: Path) -> DataFile:
        """Return the file for a tool. Raises NotFound (`no_such_artifact`)."""
        path = ArtifactStore(folder).path(self.sha256)
        return DataFile(name=self.name, sha256=self.sha256, size=path.stat().st_size, path=path)


class DataFile(BaseModel):
    """A file as a tool gets it. `path` is where the content lies, under its hash; `name` is what the user called it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    size: int
    path: Path

    @property
    def suffix(self) -> str:
        """The name's last suffix in lower case, with its dot."""
        return Path(self.name).suffix.lower()

    def content(self) -> bytes:
        """Return the bytes. Raises NotFound, StorageError (`artifact_damaged`)."""
        return ArtifactStore(self.path.parent).get(self.sha256)

    def text(self) -> str:
        """Return the content as text. Raises InvalidInput (`bad_file`) where it is not UTF-8."""
        try:
            return self.content().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.bad(f"is no text in UTF-8 (byte {error.start + 1})") from None

    def bad(self, what: str, hint: str | None = None) -> InvalidInput:
        """Return the error (`bad_file`) that says what is wrong with this file: raise it."""
        return InvalidInput("bad_file", f"{self.name} {what}", hint=hint, details={"file": self.name})

    def entity(self, argument: str) -> Entity:
        """Return the record that echoes what the argument was taken for."""
        kind = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return Entity(
            kind="file", given=self.name, key=f"sha256:{self.sha256}", label=self.name, argument=argument,
            details={"size": self.size, "media_type": kind},
        )  # fmt: skip


def keep_file(given: str | FileRecord | dict[str, str], folder: Path) -> FileRecord:
    """Return the record of a file, its content stored in `folder` under its hash; a record is returned as it is.

    Raises NotFound (`no_such_file`, `no_such_sample`), InvalidInput (`too_large`, `bad_file`), Unavailable
    (`missing_extra`) for a sample whose package is not installed, StorageError.
    """
    if not isinstance(given, str):
        return FileRecord.model_validate(given)
    if given.startswith(SAMPLE):
        name, content = sample(given.removeprefix(SAMPLE))
    else:
        name, content = _read(Path(given).expanduser())
    stored = ArtifactStore(folder).put(content, name=name, media_type="application/octet-stream")
    return FileRecord(name=name, sha256=stored.sha)


def _read(path: Path) -> tuple[str, bytes]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(
                "too_large", f"{path} is larger than {MAX_BYTES // 1_000_000} MB", hint="give a part of it"
            )
        return path.name, path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        near = f"; samples are written {SAMPLE}{next(iter(SAMPLES))}" if path.name in SAMPLES else ""
        raise NotFound(
            "no_such_file", f"there is no file {path}{near}", details={"file": str(path)}
        ) from None
    except OSError as error:
        raise InvalidInput("bad_file", f"{path} cannot be read: {error.strerror}") from None
