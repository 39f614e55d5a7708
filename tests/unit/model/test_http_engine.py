"""What the client sends, what it repeats, and what it does not believe."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import respx
import tenacity

from benchmate.model import http_engine
from benchmate.model.engine import ChatReply, Constraint, Message, Sampling, ToolCall, ToolSpec
from benchmate.model.http_engine import HttpEngine
from benchmate.model.openai_api import OpenAI
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, Transient, Unavailable

BASE = "http://127.0.0.1:9"
CHAT = f"{BASE}/v1/chat/completions"
ASK = [Message(role="user", content="What is the logP of aspirin?")]
LOGP = ToolSpec(name="logp", parameters={"type": "object", "properties": {"compound": {"type": "string"}}})
COLOUR = {"type": "object", "properties": {"colour": {"enum": ["red", "green"]}}, "required": ["colour"]}
BUSY = httpx.Response(503, json={"error": {"message": "Loading model"}})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_engine, "_backoff", tenacity.wait_none())


def engine(**options: Any) -> HttpEngine:
    return HttpEngine(f"{BASE}/v1", "m", **options)


def answer(content: str | None = "about 1.2", finish_reason: str = "stop", **message: Any) -> httpx.Response:
    choice = {"message": {"role": "assistant", "content": content, **message}, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return httpx.Response(200, json={"model": "m-2", "choices": [choice], "usage": usage})


def call(arguments: str, name: str = "logp") -> dict[str, Any]:
    return {"id": "abc", "type": "function", "function": {"name": name, "arguments": arguments}}


async def ask(responses: Any, **options: Any) -> ChatReply:
    """Return the reply of an engine whose server answers with `responses` in turn."""
    of_engine = {key: options.pop(key) for key in ("api_key", "timeout_seconds") if key in options}
    with respx.mock:
        respx.post(CHAT).mock(side_effect=responses)
        return await engine(**of_engine).chat(ASK, **{"sampling": Sampling(), **options})


async def sent(**options: Any) -> dict[str, Any]:
    """Return the body of the request that a chat makes."""
    with respx.mock:
        calls = [call("{}")] if "tools" in options else []
        route = respx.post(CHAT).mock(return_value=answer('{"colour": "red"}', tool_calls=calls))
        await engine(max_tokens=33).chat(ASK, **{"sampling": Sampling(), **options})
        body: dict[str, Any] = json.loads(route.calls.last.request.content)
        return body


async def test_the_reply() -> None:
    reply = await ask([answer(reasoning_content="let me think")])
    assert reply.message == Message(role="assistant", content="about 1.2")
    assert (reply.reasoning, reply.finish_reason, reply.model) == ("let me think", "stop", "m-2")
    assert reply.usage.total_tokens == 10


async def test_a_limit_is_always_sent_and_extensions_only_when_asked_for() -> None:
    assert await sent() == {
        "model": "m",
        "messages": [{"role": "user", "content": "What is the logP of aspirin?"}],
        "temperature": 0.0,
        "top_p": 1.0,
        "max_tokens": 33,
    }
    body = await sent(sampling=Sampling(max_tokens=5, top_k=3, min_p=0.1, stop=("END",), seed=0))
    assert {key: body[key] for key in ("max_tokens", "top_k", "min_p", "stop", "seed")} == {
        "max_tokens": 5, "top_k": 3, "min_p": 0.1, "stop": ["END"], "seed": 0,
    }  # fmt: skip


async def test_tools_and_their_choice_in_openais_form() -> None:
    body = await sent(tools=[LOGP], tool_choice="logp")
    assert body["tools"] == [{"type": "function", "function": LOGP.model_dump()}]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "logp"}}
    assert (await sent(tools=[LOGP], tool_choice="required"))["tool_choice"] == "required"


async def test_a_schema_becomes_a_response_format() -> None:
    body = await sent(constraint=Constraint(json_schema=COLOUR), tools=[LOGP])
    assert body["response_format"]["json_schema"]["schema"] == COLOUR


async def test_calls_and_their_answers_go_back_as_they_came() -> None:
    found = ToolCall(id="abc", name="logp", arguments={"compound": "β-carotene"})
    messages = [
        Message(role="assistant", tool_calls=(found,)),
        Message(role="tool", content="17", tool_call_id="abc"),
    ]
    with respx.mock:
        route = respx.post(CHAT).mock(return_value=answer())
        await engine().chat(messages, sampling=Sampling())
        first, second = json.loads(route.calls.last.request.content)["messages"]
    assert first["tool_calls"] == [call('{"compound": "β-carotene"}')]
    assert second == {"role": "tool", "content": "17", "tool_call_id": "abc"}


async def test_the_key_is_sent() -> None:
    with respx.mock:
        route = respx.post(CHAT).mock(return_value=answer())
        await engine(api_key="k").chat(ASK, sampling=Sampling())
        assert route.calls.last.request.headers["authorization"] == "Bearer k"


async def test_tool_calls_are_read() -> None:
    reply = await ask(
        [answer(None, "tool_calls", tool_calls=[call('{"compound": "aspirin"}')])], tools=[LOGP]
    )
    assert reply.message.tool_calls == (ToolCall(id="abc", name="logp", arguments={"compound": "aspirin"}),)


@pytest.mark.parametrize(
    "failure",
    [
        BUSY,
        httpx.Response(429, json={"error": {"message": "slow down"}}, headers={"retry-after": "0"}),
        httpx.Response(500, text="Internal Server Error"),
        httpx.Response(200, json={"error_code": 10402, "text": "node is dead"}),
        httpx.Response(200, json={"object": "error", "code": 500, "message": "engine failed"}),
        httpx.Response(200, text="<html>"),
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed"),
    ],
)
async def test_what_may_pass_is_asked_again(failure: Any) -> None:
    assert (await ask([failure, answer()])).message.text == "about 1.2"


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        (BUSY, Transient, "model_busy"),
        (httpx.ConnectError("refused"), Transient, "model_unreachable"),
        (httpx.Response(502, text="bad gateway"), Transient, "model_server_error"),
    ],
)
async def test_after_four_attempts_it_says_why(failure: Any, kind: type[BenchmateError], code: str) -> None:
    with respx.mock:
        route = respx.post(CHAT).mock(side_effect=[failure] * OpenAI.attempts)
        with pytest.raises(kind) as caught:
            await engine().chat(ASK, sampling=Sampling())
        assert caught.value.code == code and route.call_count == OpenAI.attempts


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        (httpx.Response(401, json={"error": {"message": "Invalid API Key"}}), Unavailable, "model_denied"),
        (httpx.Response(404, json={"message": "no model x", "object": "error"}), NotFound, "no_such_model"),
        (
            httpx.Response(400, json={"error": {"message": "bad field"}}),
            InvalidInput,
            "model_refused_request",
        ),
        (httpx.Response(200, json={"code": 400, "object": "error"}), InvalidInput, "model_refused_request"),
        (httpx.Response(422, json={"detail": [{"msg": "missing"}]}), InvalidInput, "model_refused_request"),
        (
            httpx.Response(500, json={"error": {"message": "image input is not supported", "code": 500}}),
            InvalidInput,
            "unsupported_input",
        ),
    ],
)
async def test_what_will_not_pass_is_asked_once(failure: Any, kind: type[BenchmateError], code: str) -> None:
    with pytest.raises(kind) as caught:
        await ask([failure])
    assert caught.value.code == code


@pytest.mark.parametrize(
    "body",
    [
        {
            "error": {
                "code": 400,
                "message": "request (6600 tokens) exceeds …",
                "n_prompt_tokens": 6600,
                "n_ctx": 4096,
            }
        },
        {
            "error": {
                "message": "request (6600 tokens) exceeds the available context size (4096 tokens), try …"
            }
        },
        {
            "object": "error",
            "message": "Input length (6600) must be smaller than the model context length (4096).",
        },
        {
            "error": {
                "message": "This model's maximum context length is 4096 tokens, you requested 6600 tokens"
            }
        },
        {
            "error": {
                "message": "maximum context length is 4096 tokens. … 9 output tokens and 6600 input tokens"
            }
        },
    ],
)
async def test_a_prompt_over_the_context_says_both_sizes(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="the prompt has 6600 tokens, the model's context 4096") as caught:
        await ask([httpx.Response(400, json=body)])
    assert caught.value.code == "context_overflow"


@pytest.mark.parametrize(
    ("response", "options", "why"),
    [
        (answer(None, "tool_calls", tool_calls=[call('{"compound": "asp')]), {"tools": [LOGP]}, "not JSON"),
        (answer(None, "tool_calls", tool_calls=[call("[1]")]), {"tools": [LOGP]}, "not an object"),
        (
            answer(None, "length", tool_calls=[call('{"a": 1}')]),
            {"tools": [LOGP]},
            "cut off by the token limit",
        ),
        (
            answer(None, "tool_calls", tool_calls=[call("{}", "logP2")]),
            {"tools": [LOGP]},
            "logP2.*not offered",
        ),
        (answer(""), {}, "it is empty"),
        (answer(None, reasoning_content="for ever and ever"), {}, "it is empty"),
        (answer(), {"tools": [LOGP], "tool_choice": "required"}, "none came"),
        (answer(), {"tools": [LOGP], "tool_choice": "logp"}, "a call of logp was required"),
        (answer('{"colour": "re', "length"), {"constraint": Constraint(json_schema=COLOUR)}, "cut off"),
        (answer("red"), {"constraint": Constraint(json_schema=COLOUR)}, "not JSON"),
        (answer('{"colour": "blue"}'), {"constraint": Constraint(json_schema=COLOUR)}, r"\$\.colour: 'blue'"),
    ],
)
async def test_unusable_output_is_an_error(
    response: httpx.Response, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        await ask([response], **options)
    assert caught.value.code == "bad_model_output"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"constraint": Constraint(json_schema={"type": "nonsense"})}, "not valid at"),
        ({"tools": [LOGP], "tool_choice": "lgp"}, "did you mean 'logp'"),
        ({"tool_choice": "required"}, "fits none of the tools"),
        ({"constraint": Constraint(grammar="root ::= [a]")}, "not a grammar"),
    ],
)
async def test_what_cannot_be_asked_is_never_sent(options: dict[str, Any], error: str) -> None:
    with respx.mock, pytest.raises(BenchmateError, match=error):
        await engine().chat(ASK, sampling=Sampling(), **options)


async def test_openais_interface_has_no_token_ids() -> None:
    for attempt in (
        engine().generate([1, 2], sampling=Sampling()),
        engine().tokenize("x"),
        engine().detokenize([1]),
    ):
        with pytest.raises(Unavailable) as caught:
            await attempt
        assert caught.value.code == "no_token_ids"


async def test_the_deadline_covers_all_attempts() -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.05)
        return BUSY

    with pytest.raises(Transient, match="did not answer within 0.1 s"):
        await ask(slow, timeout_seconds=0.1)


async def test_no_more_calls_at_a_time_than_allowed() -> None:
    now, most = 0, 0

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return answer()

    with respx.mock:
        respx.post(CHAT).mock(side_effect=slow)
        limited = engine(concurrency=2)
        await asyncio.gather(*(limited.chat(ASK, sampling=Sampling()) for _ in range(6)))
    assert most == 2


def test_one_engine_serves_one_event_loop_after_another() -> None:
    limited = engine(concurrency=1)

    async def both() -> None:
        await asyncio.gather(*(limited.chat(ASK, sampling=Sampling()) for _ in range(2)))

    with respx.mock:
        respx.post(CHAT).mock(return_value=answer())
        asyncio.run(both())
        asyncio.run(both())


async def test_an_address_that_is_none_is_the_persons_mistake() -> None:
    with pytest.raises(InvalidInput, match="is not the address of a server"):
        await HttpEngine("localhost", "m").chat(ASK, sampling=Sampling())


def events(*deltas: dict[str, Any], finish_reason: str | None = "stop") -> httpx.Response:
    """Return a streamed answer, ended by its usage."""
    chunks: list[dict[str, Any]] = [
        {"choices": [{"delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    if finish_reason:
        chunks.append({"choices": [{"delta": {}, "finish_reason": finish_reason}]})
        chunks.append({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})
    return stream(*map(json.dumps, chunks), "[DONE]")


def stream(*data: str) -> httpx.Response:
    text = "".join(f"data: {line}\n\n" for line in data)
    return httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})


async def told(responses: list[Any], **options: Any) -> tuple[ChatReply | BenchmateError, list[str]]:
    """Return a streamed reply, or its error, and what was told on the way."""
    texts: list[str] = []
    on_text: Callable[[str], None] = texts.append
    try:
        return await ask(responses, on_text=on_text, **options), texts
    except BenchmateError as error:
        return error, texts


async def test_a_stream_is_told_and_put_together() -> None:
    reply, texts = await told(
        [events({"reasoning_content": "hm"}, {"content": "about"}, {"content": " 1.2"})]
    )
    assert isinstance(reply, ChatReply)
    assert texts == ["about", " 1.2"]
    assert (reply.message.text, reply.reasoning, reply.usage.total_tokens) == ("about 1.2", "hm", 10)


async def test_a_streamed_call_is_put_together() -> None:
    first = {"index": 0, "id": "abc", "function": {"name": "logp", "arguments": ""}}
    rest = [
        {"index": 0, "id": None, "function": {"arguments": part}} for part in ('{"compound"', ': "aspirin"}')
    ]
    deltas = [{"tool_calls": [piece]} for piece in (first, *rest)]
    reply, texts = await told([events(*deltas, finish_reason="tool_calls")], tools=[LOGP])
    assert isinstance(reply, ChatReply)
    assert texts == []
    assert reply.message.tool_calls == (ToolCall(id="abc", name="logp", arguments={"compound": "aspirin"}),)


BREAKS = '{"error": {"message": "out of memory"}}'


def chunk(text: str) -> str:
    return json.dumps({"choices": [{"delta": {"content": text}}]})


async def test_a_broken_stream_goes_on_where_it_broke_off() -> None:
    reply, texts = await told([BUSY, stream(chunk("1."), BREAKS), events({"content": "1.2"})])
    assert isinstance(reply, ChatReply) and reply.message.text == "1.2" and texts == ["1.", "2"]


async def test_a_second_try_that_says_something_else_is_not_mixed_with_the_first() -> None:
    for second in ("3.2", "1"):
        reply, texts = await told([stream(chunk("1."), BREAKS), events({"content": second})])
        assert isinstance(reply, Transient) and reply.code == "model_stream_broken" and texts == ["1."]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (events({"content": "1."}, finish_reason=None), "broke off its stream"),
        (stream(chunk("1."), "{not json"), "broke off its answer"),
        (stream(chunk("1."), "[1]"), "no event"),
        (stream(chunk("1."), '{"choices": 3}'), "nonsense"),
        (stream(chunk("1."), '{"choices": [{"delta": {"content": 3}}]}'), "nonsense"),
        (stream(chunk("1."), json.dumps({"choices": [{"finish_reason": "abort"}]})), "broke off the turn"),
    ],
)
async def test_a_stream_that_never_ends_well_is_an_error(broken: httpx.Response, why: str) -> None:
    reply, texts = await told([broken] * OpenAI.attempts)
    assert isinstance(reply, Transient) and why in reply.info.message and texts == ["1."]


async def test_a_dead_node_behind_a_proxy_ends_a_stream_in_a_bare_line() -> None:
    dead = stream(chunk("1."), "")
    dead = httpx.Response(
        200, text=dead.text + '{"error_code": 10402, "text": "node"}\n', headers=dead.headers
    )
    reply, texts = await told([dead, events({"content": "1.2"})])
    assert isinstance(reply, ChatReply) and texts == ["1.", "2"]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"choices": None},
        {"choices": [3]},
        {"choices": [{"finish_reason": "stop"}]},
        {"choices": [{"message": {"content": 3}}]},
        {"choices": [{"message": {"tool_calls": [{"id": "a"}]}}]},
        {"choices": [{"message": {"content": "half"}, "finish_reason": "abort"}]},
        [1],
        "x",
        None,
    ],
)
async def test_an_answer_without_a_turn_is_asked_for_again(nonsense: Any) -> None:
    assert (await ask([httpx.Response(200, json=nonsense), answer()])).message.text == "about 1.2"


async def test_bytes_that_are_no_text_are_asked_for_again() -> None:
    garbage = httpx.Response(200, content=b"\xff\xfe\x00garbage\x80")
    assert (await ask([garbage, answer()])).message.text == "about 1.2"


async def test_where_one_server_fails_the_next_takes_over() -> None:
    several = engine(more_urls=["http://127.0.0.1:8/v1", "http://127.0.0.1:7"])
    with respx.mock:
        dead = respx.post(CHAT).mock(side_effect=httpx.ConnectError("refused"))
        sick = respx.post("http://127.0.0.1:8/v1/chat/completions").mock(return_value=httpx.Response(500))
        well = respx.post("http://127.0.0.1:7/v1/chat/completions").mock(return_value=answer())
        for _ in range(3):
            assert (await several.chat(ASK, sampling=Sampling())).message.text == "about 1.2"
    assert (dead.call_count, sick.call_count, well.call_count) == (1, 1, 3)


async def test_a_server_that_fails_all_the_time_is_left_alone() -> None:
    failing = engine()
    with respx.mock:
        route = respx.post(CHAT).mock(side_effect=httpx.ConnectError("refused"))
        codes = []
        for _ in range(4):
            with pytest.raises(Transient) as caught:
                await failing.chat(ASK, sampling=Sampling())
            codes.append(caught.value.code)
    assert codes == ["model_unreachable"] * 2 + ["model_circuit_open"] * 2
    assert route.call_count == 2 * OpenAI.attempts


async def test_a_server_that_hangs_is_left_for_another() -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    several = engine(more_urls=["http://127.0.0.1:8"], timeout_seconds=0.05)
    with respx.mock:
        respx.post(CHAT).mock(side_effect=hang)
        respx.post("http://127.0.0.1:8/v1/chat/completions").mock(return_value=answer())
        with pytest.raises(Transient, match="did not answer within"):
            await several.chat(ASK, sampling=Sampling())
        assert (await several.chat(ASK, sampling=Sampling())).message.text == "about 1.2"
