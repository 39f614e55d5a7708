"""The log: JSON lines in a file, through Python's logging, without secrets."""

from __future__ import annotations

import contextvars
import datetime
import functools
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmate.runtime.context import current
from benchmate.runtime.errors import BenchmateError
from benchmate.runtime.files import storage_error
from benchmate.runtime.redaction import secrets_of, without_secrets

if TYPE_CHECKING:
    from benchmate.runtime.events import Event
    from benchmate.runtime.settings import LogProfile, Settings

RUN: contextvars.ContextVar[str] = contextvars.ContextVar("benchmate_run", default="")
QUIET = ("call.started", "progress", "token", "task.ended", "hazard.decided", "file.kept")  # at level debug

_log = logging.getLogger("benchmate.run")


class LogFile(logging.FileHandler):
    """The handler of one log file. Lines of several processes do not mix: each is one write at the end of the file."""

    def __init__(self, profile: LogProfile, known: tuple[str, ...]) -> None:
        assert profile.file is not None
        super().__init__(profile.file, encoding="utf-8")
        self.level_before = logging.getLogger().level
        self.setLevel(profile.level.upper())
        self.setFormatter(JsonLines(known))


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, run, task, message, and exception where there is one.

    Message and exception have no secrets in them: `known` ones, and those that `without_secrets` finds itself.
    """

    def __init__(self, known: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.known = known

    def format(self, record: logging.LogRecord) -> str:
        here = current()
        when = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "run": here[0].run_id if here else RUN.get(),
            "task": getattr(record, "task", None) or (here[1].task if here else ""),
            "message": without_secrets(_message(record), self.known),
        }
        trace = self.formatException(record.exc_info) if record.exc_info else record.exc_text
        if told := "\n".join(filter(None, (trace, record.stack_info))):
            line["exception"] = without_secrets(told, self.known)
        return json.dumps(line, ensure_ascii=False)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (
        TypeError,
        ValueError,
    ):  # arguments that do not fit their format: logging would print all of it, unread
        return f"{record.msg} {record.args}"


def start_log(settings: Settings) -> None:
    """Begin the log that the settings name, once in a process; warnings of libraries then go there too.

    Raises StorageError (`storage_denied` …) where the file cannot be written.
    """
    if settings.log.file is not None:
        _start(settings.log, secrets_of(settings))


def log_wanted(settings: Settings) -> bool:
    """Return whether anybody reads what happens in runs: the settings' own log, or the logging of the program around us."""
    return settings.log.file is not None or _log.isEnabledFor(logging.INFO)


def worker_log(settings: Settings, run_id: str) -> Callable[[], None] | None:
    """Return what a fresh worker process does so that its part of the run is in the log; None without a log."""
    if settings.log.file is None:
        return None
    return functools.partial(_start_in_worker, settings.log, secrets_of(settings), run_id)


def _start_in_worker(profile: LogProfile, known: tuple[str, ...], run_id: str) -> None:
    RUN.set(run_id)
    _start(profile, known)


def _start(profile: LogProfile, known: tuple[str, ...]) -> None:
    assert profile.file is not None
    root, path = logging.getLogger(), str(profile.file.absolute())
    if any(isinstance(handler, LogFile) and handler.baseFilename == path for handler in root.handlers):
        return
    try:
        profile.file.parent.mkdir(parents=True, exist_ok=True)
        handler = LogFile(profile, known)
    except OSError as error:
        raise storage_error(f"the log {profile.file} cannot be written", error) from error
    root.addHandler(handler)
    root.setLevel(min(root.level or logging.WARNING, handler.level))
    logging.captureWarnings(True)


def stop_log(file: Path | None = None) -> None:
    """End the log to a file, or every log of this process."""
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, LogFile)]:
        if file is None or handler.baseFilename == str(file.absolute()):
            root.removeHandler(handler)
            root.setLevel(handler.level_before)
            handler.close()
    if not any(isinstance(h, LogFile) for h in root.handlers):
        logging.captureWarnings(False)


def log_error(error: BaseException) -> None:
    """Log what ended a command, where there is a log; what is no typed error with where it came from."""
    if any(isinstance(handler, LogFile) for handler in logging.getLogger().handlers):
        log = logging.getLogger("benchmate")
        if isinstance(error, BenchmateError):
            log.error("%s: %s", error.info.code, error.info.message)
        else:
            log.error("%r", error, exc_info=error)


def log_event(event: Event) -> None:
    """Log what happens in a run: calls, tasks, notices, and what failed; no arguments, results or messages of a model."""
    data = event.data
    error = data.get("error") if isinstance(data.get("error"), dict) else None
    level = logging.DEBUG if event.kind in QUIET else logging.INFO
    if error is not None or event.kind in ("notice", "call.refused"):
        level = logging.WARNING
    if not _log.isEnabledFor(level):
        return
    said = [event.kind]
    said += [str(data[key]) for key in ("name", "tool", "agent", "status", "verdict") if data.get(key)]
    said += [str(data.get("text"))] if event.kind == "notice" else []
    if "elapsed" in data:
        said.append(f"{data['elapsed']:g} s")
    if error is not None:
        said.append(f"{error.get('code')}: {error.get('message')}")
    _log.log(level, "%s", " ".join(said), extra={"task": event.task})
