"""Servers that break: the right answer after recovery, or a typed failure; never a hang, never two answers mixed."""

import asyncio
from typing import Any

import pytest
import tenacity
from lmdeploy_replay import fake_lmdeploy

from benchmate.model import http_engine
from benchmate.model.engine import Message, Sampling, ToolSpec
from benchmate.model.http_engine import HttpEngine
from benchmate.model.lmdeploy_api import LMDeploy
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, Transient, Unavailable

ASK = [Message(role="user", content="What is the logP of aspirin?")]
LOGP = ToolSpec(name="logp")
TEXT, STREAMED, CALL = "direct: text", "direct: text, streamed", "direct: call"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_engine, "_backoff", tenacity.wait_none())


def engine(*urls: str, **options: Any) -> HttpEngine:
    return HttpEngine(urls[0], "tiny", dialect=LMDeploy(), more_urls=urls[1:], **options)


async def outcome(of: HttpEngine, **options: Any) -> Any:
    """Return the reply or the typed error; nothing here may take long."""
    async with asyncio.timeout(20):
        try:
            return await of.chat(ASK, sampling=Sampling(), **options)
        except BenchmateError as error:
            return error


@pytest.mark.parametrize(
    "fault", ["reset", "garbage", "500", "node dead", "direct: engine out of memory", "proxy: engine crash"]
)
async def test_after_a_fault_the_answer_is_right(fault: str) -> None:
    async with fake_lmdeploy(fault, fault, TEXT) as server:
        reply = await outcome(engine(server.url))
        assert reply.message.text == "about 1.2" and reply.reasoning == "let me see"
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "fault",
    [
        "killed mid-stream", "garbage mid-stream", "node dead mid-stream", "reset", "garbage", "500", "node dead",
        "direct: engine out of memory",
    ],
)  # fmt: skip
async def test_a_stream_that_breaks_goes_on_as_if_nothing_had_been(fault: str) -> None:
    told: list[str] = []
    async with fake_lmdeploy(fault, STREAMED) as server:
        reply = await outcome(engine(server.url), on_text=told.append)
    assert reply.message.text == "about 1.2" == "".join(told) and len(server.requests) == 2


async def test_a_stream_that_goes_on_otherwise_is_a_typed_failure() -> None:
    told: list[str] = []
    async with fake_lmdeploy("direct: engine out of memory, streamed", STREAMED) as server:
        error = await outcome(engine(server.url), on_text=told.append)
    assert isinstance(error, Transient) and error.code == "model_stream_broken" and "".join(told) == "half"


@pytest.mark.parametrize(
    "fault", ["reset", "garbage", "500", "node dead", "killed mid-stream", "garbage mid-stream"]
)
async def test_a_fault_that_lasts_is_a_typed_failure(fault: str) -> None:
    on_text = (lambda text: None) if "stream" in fault else None
    async with fake_lmdeploy(fault) as server:
        error = await outcome(engine(server.url), on_text=on_text)
    assert isinstance(error, Transient) and len(server.requests) == LMDeploy.attempts


@pytest.mark.parametrize("fault", ["hang", "hang mid-stream"])
async def test_past_its_deadline_a_call_ends_and_gives_its_place_back(fault: str) -> None:
    on_text = (lambda text: None) if "stream" in fault else None
    async with fake_lmdeploy(fault) as server:
        error = await outcome(engine(server.url, timeout_seconds=0.2), on_text=on_text)
        assert isinstance(error, Transient) and error.code == "model_timeout"
        await asyncio.sleep(0.05)
        assert server.left == 1  # the server saw the client go: it frees the slot


@pytest.mark.parametrize(
    ("behaviour", "kind", "code"),
    [
        ("wrong key", Unavailable, "model_denied"),
        ("direct: wrong model", NotFound, "no_such_model"),
        ("direct: prompt over the context", InvalidInput, "context_overflow"),
        ("proxy: prompt over the context", InvalidInput, "context_overflow"),
        ("direct: bad field", InvalidInput, "model_refused_request"),
        ("proxy: bad field", InvalidInput, "model_refused_request"),
    ],
)
async def test_what_will_not_pass_is_asked_once(
    behaviour: str, kind: type[BenchmateError], code: str
) -> None:
    async with fake_lmdeploy(behaviour) as server:
        error = await outcome(engine(server.url))
    assert isinstance(error, kind) and error.code == code and len(server.requests) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        "thinking without end", "call cut off by the stop token", "call with malformed arguments",
        "call of a tool that does not exist",
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["direct", "proxy"])
async def test_a_useless_turn_is_taken_again(behaviour: str, way: str) -> None:
    async with fake_lmdeploy(f"{way}: {behaviour}", f"{way}: call") as server:
        reply = await outcome(engine(server.url), tools=[LOGP])
    assert [call.arguments for call in reply.message.tool_calls] == [{"compound": "aspirin"}]
    async with fake_lmdeploy(f"{way}: {behaviour}") as server:
        error = await outcome(engine(server.url), tools=[LOGP])
    assert error.code == "bad_model_output" and len(server.requests) == 2


@pytest.mark.parametrize(
    ("behaviour", "count"), [("call", 1), ("two calls", 2), ("call without arguments", 1)]
)
async def test_calls_come_whole_and_once(behaviour: str, count: int) -> None:
    async with fake_lmdeploy(f"proxy: {behaviour}") as server:
        reply = await outcome(engine(server.url), tools=[LOGP])
    assert len(reply.message.tool_calls) == count and len(server.requests) == 1


async def test_a_streamed_call_that_breaks_off_comes_whole_and_once() -> None:
    async with fake_lmdeploy("killed mid-stream", "direct: call, streamed") as server:
        reply = await outcome(engine(server.url), tools=[LOGP], on_text=lambda text: None)
    assert isinstance(reply, Transient) and reply.code == "model_stream_broken"  # text had been told before
    async with fake_lmdeploy("reset", "direct: call, streamed") as server:
        reply = await outcome(engine(server.url), tools=[LOGP], on_text=lambda text: None)
    assert [call.arguments for call in reply.message.tool_calls] == [{"compound": "aspirin"}]


async def test_where_a_server_dies_in_a_stream_another_finishes_it() -> None:
    told: list[str] = []
    async with fake_lmdeploy("killed mid-stream") as dying, fake_lmdeploy(STREAMED) as living:
        reply = await outcome(engine(dying.url, living.url), on_text=told.append)
        assert reply.message.text == "about 1.2" == "".join(told)
        assert (len(dying.requests), len(living.requests)) == (1, 1)


async def test_many_at_once_over_a_server_that_fails_now_and_then_all_end_well() -> None:
    async with fake_lmdeploy(*["500", TEXT, "reset", TEXT, TEXT, "garbage", TEXT] * 3, TEXT) as server:
        one = engine(server.url, concurrency=4)
        replies = await asyncio.gather(*(outcome(one) for _ in range(24)))
    assert {reply.message.text for reply in replies} == {"about 1.2"}
