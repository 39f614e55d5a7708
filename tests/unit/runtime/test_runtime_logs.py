"""The log: JSON lines with who, where and what, from Python's logging, its exceptions and the warnings of libraries, without secrets."""

from __future__ import annotations

import contextvars
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmate.runtime.context import TaskScope, entered
from benchmate.runtime.errors import StorageError
from benchmate.runtime.events import Event
from benchmate.runtime.logs import RUN, JsonLines, log_event, start_log, stop_log
from benchmate.runtime.settings import LogProfile, Settings, load_settings

SECRET = "s3cr3t/of+the=lab"
Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return lambda: [json.loads(line) for line in (tmp_path / "log.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings with a log, which is ended afterwards."""
    monkeypatch.setenv("LAB_API_KEY", SECRET)
    yield load_settings(log=LogProfile(file=tmp_path / "log.jsonl"))
    stop_log()


def test_a_line_says_when_how_bad_who_and_what(settings: Settings, read: Read) -> None:
    start_log(settings)
    logging.getLogger("lab.robot").warning("arm %d is at %s", 2, "30 °C")
    (line,) = read()
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "lab.robot",
        "run": "",
        "task": "",
        "message": "arm 2 is at 30 °C",
    }


def test_the_level_is_a_setting(tmp_path: Path, read: Read) -> None:
    try:
        start_log(load_settings(log=LogProfile(file=tmp_path / "log.jsonl", level="error")))
        logging.getLogger("lab").warning("not this")
        logging.getLogger("lab").error("this")
    finally:
        stop_log()
    assert [line["message"] for line in read()] == ["this"]


def test_a_log_that_was_begun_is_not_begun_again(settings: Settings, read: Read) -> None:
    start_log(settings)
    start_log(settings)
    logging.getLogger("lab").info("once")
    assert [line["message"] for line in read()] == ["once"]


def test_ending_the_log_leaves_logging_as_it_was(settings: Settings, read: Read) -> None:
    before = logging.getLogger().level, list(logging.getLogger().handlers), warnings.showwarning
    start_log(settings)
    assert logging.getLogger().level == logging.INFO
    stop_log()
    assert (logging.getLogger().level, list(logging.getLogger().handlers), warnings.showwarning) == before


def test_a_log_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="the log") as caught:
        start_log(load_settings(log=LogProfile(file=tmp_path / "file" / "log.jsonl")))
    assert caught.value.code in ("storage_denied", "storage_failed")


def test_a_line_names_the_run_and_the_task_it_was_written_in(
    settings: Settings, read: Read, open_run: Any
) -> None:
    start_log(settings)
    context = open_run("run-2")

    def inside() -> None:
        RUN.set("run-1")
        logging.getLogger("lab").info("in a run")
        with entered(context, TaskScope("weigh")):
            logging.getLogger("lab").info("in a task")

    contextvars.copy_context().run(inside)
    logging.getLogger("lab").info("outside")
    assert [(line["run"], line["task"]) for line in read()] == [
        ("run-1", ""),
        ("run-2", "weigh"),
        ("", ""),
    ]


def failing(secret: str) -> None:
    raise ValueError(f"401 for {secret}")


@pytest.mark.parametrize(
    "write",
    [
        lambda: logging.getLogger("lab").info(f"key {SECRET}"),
        lambda: logging.getLogger("lab").info("key %s", SECRET),
        lambda: logging.getLogger("lab").info({"key": SECRET}),
        lambda: logging.getLogger("lab").info("here", stack_info=True, extra={"x": SECRET}),
        lambda: warnings.warn(f"old key {SECRET}", UserWarning, stacklevel=1),
        lambda: logging.getLogger("lab").info("Authorization: Bearer " + SECRET[::-1]),
    ],
    ids=["text", "argument", "object", "stack", "warning", "bearer"],
)
def test_no_secret_gets_into_the_log(
    settings: Settings, tmp_path: Path, read: Read, write: Callable[[], None]
) -> None:
    start_log(settings)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        write()
        logging.captureWarnings(False)
    written = (tmp_path / "log.jsonl").read_text("utf-8")
    assert read()
    assert SECRET not in written and SECRET[::-1] not in written


def test_no_secret_gets_in_by_arguments_that_do_not_fit_their_format(settings: Settings) -> None:
    record = logging.LogRecord("lab", logging.INFO, __file__, 1, "heated to %d K", (SECRET,), None)
    assert json.loads(JsonLines().format(record))["message"] == "heated to %d K ('[removed]',)"


def test_no_secret_gets_in_by_an_exception_nor_by_one_behind_it(
    settings: Settings, tmp_path: Path, read: Read
) -> None:
    start_log(settings)
    try:
        try:
            failing(SECRET)
        except ValueError as error:
            error.add_note(f"sent with {SECRET}")
            raise RuntimeError(f"gave up on {SECRET}") from error
    except RuntimeError:
        logging.getLogger("lab").exception("failed")
    (line,) = read()
    assert "ValueError: 401 for [removed]" in line["exception"] and "RuntimeError" in line["exception"]
    assert SECRET not in (tmp_path / "log.jsonl").read_text("utf-8")


def test_a_secret_that_is_set_later_is_removed_too(
    settings: Settings, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_log(settings)
    monkeypatch.setenv("NEW_TOKEN", "set-after-the-start")
    logging.getLogger("lab").info("set-after-the-start")
    assert read()[0]["message"] == "[removed]"


def test_events_are_logged_without_what_a_person_or_a_model_said(settings: Settings, read: Read) -> None:
    start_log(settings)
    log_event(Event(kind="run.opened", data={"question": "unpublished", "title": "unpublished"}))
    log_event(
        Event(kind="call.started", task="t1", data={"name": "logp", "arguments": {"smiles": "unpublished"}})
    )
    log_event(Event(kind="token", task="t1", data={"text": "unpublished"}))
    log_event(
        Event(
            kind="call.finished",
            task="t1",
            data={"name": "logp", "elapsed": 0.25, "quantities": {"unpublished": 1}},
        )
    )
    log_event(
        Event(
            kind="call.finished", task="t1", data={"name": "logp", "error": {"code": "bad", "message": "no"}}
        )
    )
    lines = read()
    assert [(line["level"], line["task"], line["message"]) for line in lines] == [
        ("info", "", "run.opened"),
        ("info", "t1", "call.finished logp 0.25 s"),
        ("warning", "t1", "call.finished logp bad: no"),
    ]
