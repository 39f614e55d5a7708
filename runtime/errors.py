"""Typed errors: every failure a person can meet has a code, says what was wrong and what is right."""

from __future__ import annotations

import contextlib
import contextvars
import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

ErrorKind = Literal[
    "invalid", "not_found", "transient", "policy", "budget", "unavailable", "crashed", "storage", "internal"
]


class ErrorInfo(BaseModel):
    """An error as data: what the journal stores and a report shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(description="Machine-readable code, e.g. `invalid_smiles`.")
    kind: ErrorKind
    message: str
    hint: str | None = None
    details: dict[str, Any] = Field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class BenchmateError(Exception):
    """Base of all errors raised on purpose. `kind` decides retries and exit codes, `code` names the cause."""

    kind: ClassVar[ErrorKind] = "internal"

    def __init__(
        self, code: str, message: str, *, hint: str | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.info = ErrorInfo(
            code=code, kind=self.kind, message=message, hint=hint, details=dict(details or {})
        )

    @property
    def code(self) -> str:
        return self.info.code

    @property
    def hint(self) -> str | None:
        return self.info.hint

    def __str__(self) -> str:
        return str(self.info)

    def __reduce__(self) -> tuple[Any, ...]:
        return (error_from, (self.info.model_dump(),))


class InvalidInput(BenchmateError):
    """The input is wrong; trying again will not help."""

    kind = "invalid"


class NotFound(BenchmateError):
    """The thing asked for does not exist where it was looked for."""

    kind = "not_found"


class Transient(BenchmateError):
    """A failure that may pass: time-outs, busy servers, broken connections."""

    kind = "transient"


class Refused(BenchmateError):
    """Policy, or a person, said no."""

    kind = "policy"


class BudgetExceeded(BenchmateError):
    """A hard limit of the run would be passed."""

    kind = "budget"


class Unavailable(BenchmateError):
    """Something needed is not there: network in offline mode, a model file, an optional package."""

    kind = "unavailable"


class Crashed(BenchmateError):
    """A worker process died or was killed over its time, memory or size limit."""

    kind = "crashed"


class StorageError(BenchmateError):
    """The run's folder cannot be read or written: no space, no permission, a damaged journal."""

    kind = "storage"


class InternalError(BenchmateError):
    """A fault of this program or of a tool's code, reported as such."""


_BY_KIND: dict[str, type[BenchmateError]] = {
    c.kind: c
    for c in (
        InvalidInput, NotFound, Transient, Refused, BudgetExceeded, Unavailable, Crashed, StorageError,
        InternalError,
    )
}  # fmt: skip


def error_from(info: ErrorInfo | Mapping[str, Any]) -> BenchmateError:
    """Return the exception that `info` describes (the inverse of `.info`)."""
    info = info if isinstance(info, ErrorInfo) else ErrorInfo.model_validate(info)
    return _BY_KIND[info.kind](info.code, info.message, hint=info.hint, details=info.details)


_HINTS = contextvars.ContextVar("hints", default=True)


@contextlib.contextmanager
def without_hints() -> Iterator[None]:
    """Leave the search for the nearest name out of errors raised inside: for code that tries many texts and reads no hint."""
    token = _HINTS.set(False)
    try:
        yield
    finally:
        _HINTS.reset(token)


def hints_wanted() -> bool:
    """Return whether errors should look for the nearest name: false inside `without_hints`."""
    return _HINTS.get()


def nearest(name: str, options: Iterable[str]) -> str | None:
    """Return the option most like `name`, or None when none is close."""
    if not _HINTS.get():
        return None
    found = difflib.get_close_matches(name, list(options), n=1, cutoff=0.5)
    return found[0] if found else None


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return a hint naming the nearest option, or listing them all."""
    if not _HINTS.get():
        return ""
    options = sorted(options)
    close = nearest(name, options)
    return f"did you mean {close!r}?" if close else f"known: {', '.join(options) or 'none'}"
