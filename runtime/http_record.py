"""Recorded web answers: one JSON file per request, without anything secret."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmate.runtime.canonical import digest
from benchmate.runtime.errors import StorageError
from benchmate.runtime.files import storage_error, write_atomically

KEPT_HEADERS = ("content-type", "etag", "last-modified", "link", "location")
SECRET_PARAMETERS = frozenset(
    {"api_key", "apikey", "api-key", "token", "access_token", "auth", "authorization", "password", "secret"}
)
_SECRET_IN_TEXT = re.compile(rf"(?i)\b({'|'.join(sorted(map(re.escape, SECRET_PARAMETERS)))})=[^&\s>;,\"']*")
_USER_IN_TEXT = re.compile(r"//[^/?#\s@]*@")


class RecordedAnswer(BaseModel):
    """One answer as it stands in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    method: str
    url: str = Field(description="Canonical, without secrets.")
    request_sha256: str = Field(description="Of the request's body.")
    status: int
    headers: dict[str, str]
    encoding: Literal["utf-8", "base64"]
    body: str
    body_sha256: str
    retrieved_at: str = Field(description="UTC, ISO 8601.")

    def content(self) -> bytes:
        """Return the answer's body as bytes."""
        return self.body.encode() if self.encoding == "utf-8" else base64.b64decode(self.body)


class HttpRecord:
    """A folder of recorded answers, by method, canonical URL, accepted media type and the request's body."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, request: httpx.Request) -> Path:
        """Return where the answer to this request is, or would be, kept."""
        url, accept = canonical_url(request.url), request.headers.get("accept", "*/*")
        key = digest("http", request.method, url, accept, _sha256(request.content), length=40)
        return self.folder / f"{key}.json"

    def find(self, request: httpx.Request) -> httpx.Response | None:
        """Return the recorded answer, or None.

        Its `extensions` hold `retrieved_at` and `recorded`. Raises StorageError (`record_damaged`).
        """
        path = self.path(request)
        try:
            answer = RecordedAnswer.model_validate_json(path.read_bytes())
            content = answer.content()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_error(f"the recorded answer {path} cannot be read", error) from error
        except (ValidationError, ValueError) as error:
            raise _damaged(path) from error
        if _sha256(content) != answer.body_sha256:
            raise _damaged(path)
        return _response(request, answer, recorded=True)

    def keep(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """Write a complete answer to the record and return it as it will come back from there.

        Raises StorageError (`storage_full`, `storage_denied`, `storage_failed`).
        """
        content = response.content
        try:
            body, encoding = content.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            body, encoding = base64.b64encode(content).decode(), "base64"
        answer = RecordedAnswer(
            method=request.method,
            url=canonical_url(request.url),
            request_sha256=_sha256(request.content),
            status=response.status_code,
            headers={
                name: without_secrets(response.headers[name])
                for name in KEPT_HEADERS
                if name in response.headers
            },
            encoding=encoding,
            body=body,
            body_sha256=_sha256(content),
            retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        text = json.dumps(answer.model_dump(), ensure_ascii=False, indent=1, sort_keys=True)
        write_atomically(self.path(request), text.encode())
        return _response(request, answer, recorded=False)

    def forget(self, request: httpx.Request) -> None:
        """Remove an answer that turned out not to be one. Raises StorageError."""
        try:
            self.path(request).unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(f"{self.path(request)} cannot be removed", error) from error


def canonical_url(url: httpx.URL) -> str:
    """Return a URL with its query sorted and without secrets, user names and fragment."""
    query = sorted(
        (key, value) for key, value in url.params.multi_items() if key.lower() not in SECRET_PARAMETERS
    )
    plain = url.copy_with(username=None, password=None, fragment=None, query=None)
    return str(plain.copy_with(params=query) if query else plain)


def without_secrets(text: str) -> str:
    """Return text with the values of secret parameters blanked, and without user names in URLs."""
    return _USER_IN_TEXT.sub("//", _SECRET_IN_TEXT.sub(r"\1=", text))


def _response(request: httpx.Request, answer: RecordedAnswer, *, recorded: bool) -> httpx.Response:
    return httpx.Response(
        answer.status,
        headers=[(name.encode(), value.encode()) for name, value in answer.headers.items()],
        content=answer.content(),
        request=request,
        extensions={"retrieved_at": answer.retrieved_at, "recorded": recorded},
    )


def _damaged(path: Path) -> StorageError:
    return StorageError(
        "record_damaged", f"the recorded answer {path} was changed", hint="remove the file to ask again"
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
