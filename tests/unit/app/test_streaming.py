"""`benchmate.stream`: events in order, then the outcome; a loop that is left stops the run where it can be taken up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import benchmate
from benchmate.app.streaming import RunStream

QUESTION = "What is the logP of aspirin?"

pytestmark = pytest.mark.usefixtures("inline_tools")


def failing(code: str) -> RunStream:
    """Return the stream of a run that tells of one event, and fails when it is told to stop."""

    async def run(options: dict[str, Any]) -> Any:
        for listener in options["listeners"]:
            listener(benchmate.Event(kind="notice"))
        await asyncio.to_thread(options["stop"].wait)
        raise benchmate.Refused(code, "the run ended")

    return RunStream(run, {})


def leave(stream: RunStream) -> None:
    with stream:
        for _ in stream:
            break


async def aleave(stream: RunStream, error: Exception | None = None) -> None:
    async with stream:
        async for _ in stream:
            if error is not None:
                raise error
            break


def folder_in(runs: Path) -> Path:
    (journal,) = runs.glob("*/journal.sqlite")
    return journal.parent


async def test_events_come_in_order_and_then_the_outcome(tmp_path: Path) -> None:
    stream = benchmate.stream(QUESTION, out=tmp_path)
    with pytest.raises(benchmate.InvalidInput, match="has not ended"):
        _ = stream.outcome
    records = [event.seq async for event in stream if event.seq is not None]
    assert records == sorted(records)
    assert stream.outcome.answer == "The logP of aspirin is 1.3101."
    with pytest.raises(benchmate.InvalidInput, match="come once"):
        _ = [event async for event in stream]


def test_a_plain_loop_does_the_same(tmp_path: Path) -> None:
    stream = benchmate.stream(QUESTION, out=tmp_path)
    assert "run.closed" in [event.kind for event in stream]
    assert stream.outcome.status == "complete"


async def test_a_run_whose_loop_is_left_can_be_resumed(tmp_path: Path) -> None:
    async with benchmate.stream(QUESTION, out=tmp_path) as stream:
        async for event in stream:
            if event.kind == "run.opened":
                break
    with pytest.raises(benchmate.InvalidInput, match="has not ended"):
        _ = stream.outcome
    assert (await benchmate.aresume(folder_in(tmp_path))).answer == "The logP of aspirin is 1.3101."


async def test_a_run_that_was_stopped_is_no_error_and_one_that_failed_is() -> None:
    await aleave(failing("stopped"))
    leave(failing("stopped"))
    with pytest.raises(benchmate.Refused, match="the run ended"):
        await aleave(failing("broken"))
    with pytest.raises(benchmate.Refused, match="the run ended"):
        leave(failing("broken"))


async def test_an_error_of_the_loop_comes_first_and_says_that_the_run_failed_too() -> None:
    with pytest.raises(KeyError) as caught:
        await aleave(failing("broken"), KeyError("mine"))
    assert "the run failed too: the run ended" in caught.value.__notes__
