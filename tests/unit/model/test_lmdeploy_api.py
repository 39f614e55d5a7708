"""What is sent to LMDeploy and what is made of its answers. Its traps are those seen at the real server."""

import json
from typing import Any

import httpx
import pytest
import respx
import tenacity

from benchmate.model import http_engine
from benchmate.model.engine import Constraint, Message, Sampling, ToolCall, ToolSpec
from benchmate.model.http_engine import HttpEngine
from benchmate.model.lmdeploy_api import LMDeploy
from benchmate.model.parts import image_part, time_series_part
from benchmate.runtime.errors import BenchmateError, InvalidInput, Transient, Unavailable

BASE = "http://127.0.0.1:9"
CHAT = f"{BASE}/v1/chat/completions"
ASK = [Message(role="user", content="What is the logP of aspirin?")]
LOGP, MASS = (
    ToolSpec(name=name, parameters={"type": "object", "properties": {}}) for name in ("logp", "mass")
)
COLOUR = {"type": "object", "properties": {"colour": {"enum": ["red", "green"]}}, "required": ["colour"]}
USAGE = {"prompt_tokens": 7, "completion_tokens": 3}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_engine, "_backoff", tenacity.wait_none())


def engine(**options: Any) -> HttpEngine:
    return HttpEngine(BASE, "intern", dialect=LMDeploy(**options), max_tokens=33)


def turn(content: str | None, finish_reason: str = "stop", **message: Any) -> httpx.Response:
    choice = {"message": {"role": "assistant", "content": content, **message}, "finish_reason": finish_reason}
    return httpx.Response(200, json={"model": "intern", "choices": [choice], "usage": USAGE})


def call(name: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": "chatcmpl-tool-1", "type": "function", "function": {"name": name, "arguments": arguments}}


class Exchange:
    """A chat with a server that answers with `responses` in turn: its reply or error, and the bodies sent."""

    def __init__(self, *responses: Any, dialect: dict[str, Any] | None = None) -> None:
        self.responses, self.dialect = responses, dialect or {}
        self.sent: list[dict[str, Any]] = []

    async def chat(self, messages: list[Message] = ASK, **options: Any) -> Any:
        with respx.mock:
            route = respx.post(CHAT).mock(side_effect=list(self.responses))
            try:
                return await engine(**self.dialect).chat(messages, **{"sampling": Sampling(), **options})
            except BenchmateError as error:
                return error
            finally:
                self.sent = [json.loads(c.request.content) for c in route.calls]


async def test_sampling_is_sent_in_full_with_a_limit_in_lmdeploys_word() -> None:
    exchange = Exchange(turn("1.2"))
    await exchange.chat()
    assert exchange.sent == [
        {
            "model": "intern", "messages": [{"role": "user", "content": ASK[0].content}],
            "temperature": 0.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0,
            "max_completion_tokens": 33,
        }
    ]  # fmt: skip


@pytest.mark.parametrize("thinking", [True, False])
async def test_thinking_is_asked_for_as_the_profile_wants(thinking: bool) -> None:
    exchange = Exchange(turn("1.2", reasoning_content="hm"), dialect={"thinking": thinking})
    reply = await exchange.chat()
    assert exchange.sent[0]["chat_template_kwargs"] == {"enable_thinking": thinking}
    assert (reply.message.text, reply.reasoning) == ("1.2", "hm")


@pytest.mark.parametrize(
    "answer", [turn('{"colour": "red"}'), turn(None, reasoning_content='{"colour": "red"}')]
)
async def test_a_constrained_turn_does_not_think_and_is_read_wherever_it_lands(
    answer: httpx.Response,
) -> None:
    exchange = Exchange(answer, dialect={"thinking": True})
    reply = await exchange.chat(
        constraint=Constraint(json_schema=COLOUR), tools=[LOGP], tool_choice="required"
    )
    assert reply.message.text == '{"colour": "red"}' and reply.reasoning is None
    assert exchange.sent[0]["chat_template_kwargs"] == {"enable_thinking": False}
    assert "tool_choice" not in exchange.sent[0]  # `required` would replace the constraint


async def test_a_named_tool_is_enforced_by_offering_it_alone() -> None:
    exchange = Exchange(turn(None, "tool_calls", tool_calls=[call("mass")]))
    reply = await exchange.chat(tools=[LOGP, MASS], tool_choice="mass")
    assert reply.message.tool_calls == (ToolCall(id="chatcmpl-tool-1", name="mass"),)
    (body,) = exchange.sent
    assert [tool["function"]["name"] for tool in body["tools"]] == ["mass"]
    assert body["tool_choice"] == "required" and body["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("useless", "why"),
    [
        (turn(None), "it is empty"),  # what a call of a tool that does not exist becomes
        (turn(None, "tool_calls", tool_calls=[call("logp", '{"compound": "asp')]), "not JSON"),
        (turn(None, "tool_calls", tool_calls=[call("logp", "{oops}")]), "not JSON"),
        (turn(None, "tool_calls", tool_calls=[call("logP2")]), "not offered"),
        (turn(None, reasoning_content="never closed"), "it is empty"),
    ],
)
async def test_a_useless_turn_is_asked_for_once_more_saying_why(useless: httpx.Response, why: str) -> None:
    exchange = Exchange(useless, turn(None, "tool_calls", tool_calls=[call("logp")]))
    reply = await exchange.chat(tools=[LOGP])
    assert [c.name for c in reply.message.tool_calls] == ["logp"]
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (14, 6)
    *before, complaint = exchange.sent[1]["messages"]
    assert before == exchange.sent[0]["messages"] and complaint["role"] == "user"
    assert why in complaint["content"] and "The tools are logp" in complaint["content"]
    assert (await Exchange(useless, useless).chat(tools=[LOGP])).code == "bad_model_output"


async def test_a_turn_cut_off_by_the_limit_is_not_asked_for_again() -> None:
    exchange = Exchange(turn(None, "length", tool_calls=[call("logp", '{"comp')]))
    error = await exchange.chat(tools=[LOGP])
    assert error.code == "bad_model_output" and error.hint == "raise max_tokens" and len(exchange.sent) == 1


async def test_stop_strings_that_the_server_ignores_stop_here() -> None:
    reply = await Exchange(turn("one END two", "length")).chat(sampling=Sampling(stop=("END", "two")))
    assert (reply.message.text, reply.finish_reason) == ("one ", "stop")


async def test_a_server_that_fell_asleep_is_asked_again() -> None:
    asleep = httpx.Response(503, json={"message": "sleeping", "object": "error", "code": 503})
    exchange = Exchange(turn("half", "abort"), asleep, turn("whole"))
    assert (await exchange.chat()).message.text == "whole"


async def test_pictures_and_signals_go_as_they_are() -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        image_part(b"\x89PNG\r\n\x1a\n"),
        time_series_part([[0.0, 1.0], [2.0, 3.0]], 100.0),
    ]
    exchange = Exchange(turn("a wave"))
    await exchange.chat([Message(role="user", content=parts)])
    assert exchange.sent[0]["messages"][0]["content"] == parts
    assert parts[2]["time_series_url"]["sampling_rate"] == 100.0


def test_a_signal_is_numpys_own_format() -> None:
    import base64
    import io

    import numpy as np

    url = time_series_part([1, 2, 3], 40)["time_series_url"]["url"]
    assert np.load(io.BytesIO(base64.b64decode(url.partition(",")[2]))).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"type": "picture"}, "did you mean|known"),
        ({"type": "image_url"}, "needs"),
        ({"type": "image_url", "image_url": {"url": "/etc/passwd"}}, "a file on the server's disk"),
        ({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}, "a file on the server's disk"),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,%%%"}}, "is not base64"),
        ({"type": "image_url", "image_url": {"url": "data:image/png,abc"}}, "is not base64"),
        ({"type": "time_series_url", "time_series_url": {"url": "http://x/a.npy"}}, "sampling_rate"),
    ],
)
async def test_a_part_that_cannot_be_taken_is_never_sent(part: dict[str, Any], why: str) -> None:
    exchange = Exchange()
    error = await exchange.chat([Message(role="user", content=[part])])
    assert isinstance(error, InvalidInput) and error.code == "bad_part" and not exchange.sent
    with pytest.raises(InvalidInput, match=why):
        raise error


@pytest.mark.parametrize(
    "make",
    [
        lambda: image_part(b"BM"),
        lambda: time_series_part([1.0], 0),
        lambda: time_series_part([float("nan")], 1),
        lambda: time_series_part(["a"], 1),
        lambda: time_series_part([[[1.0]]], 1),
        lambda: time_series_part([], 1),
    ],
)
def test_what_is_no_picture_and_no_signal_is_refused(make: Any) -> None:
    with pytest.raises(InvalidInput):
        make()


def drawn(*steps: dict[str, Any]) -> httpx.Response:
    lines = [f"data: {json.dumps(step)}\n\n" for step in steps]
    text = "".join([*lines, "data: [DONE]\n\n"])
    return httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})


def step(
    text: str, ids: list[int], logprobs: list[float] | None, ended: str | None = None, **meta: Any
) -> Any:
    pairs = [[lp, token] for lp, token in zip(logprobs, ids, strict=True)] if logprobs is not None else None
    finish = {"type": ended} if ended else None
    meta |= {
        "prompt_tokens": 2,
        "completion_tokens": 9,
        "output_token_logprobs": pairs,
        "finish_reason": finish,
    }
    return {"text": text, "output_ids": ids, "meta_info": meta}


async def test_token_ids_go_out_and_come_back_with_their_logprobs_and_experts() -> None:
    experts = [[[0, 1]], [[2, 3]]]
    stream = drawn(
        step("so", [5], [-0.5]),
        step("", [], None),
        step("<|im_end|>", [7], [-0.1], "stop", routed_experts=experts),
    )
    with respx.mock:
        route = respx.post(f"{BASE}/generate").mock(return_value=stream)
        found = await engine(routed_experts=True).generate(
            [1, 2], sampling=Sampling(n=2, logprobs=True, stop=("END",))
        )
        body = json.loads(route.calls.last.request.content)
    for one in found:
        assert (one.text, one.ids, one.logprobs, one.prompt_ids) == ("so", [5, 7], [-0.5, -0.1], [1, 2])
        assert (one.finish_reason, one.routed_experts) == ("stop", experts)
    assert len(found) == 2 and body["input_ids"] == [1, 2] and body["max_tokens"] == 33
    assert body["return_logprob"] and body["return_routed_experts"] and body["include_stop_str_in_output"]


async def test_a_stop_strings_own_token_is_no_token_of_the_model() -> None:
    with respx.mock:
        respx.post(f"{BASE}/generate").mock(
            return_value=drawn(step("so", [5], None), step("END", [7], None, "stop"))
        )
        (one,) = await engine().generate([1], sampling=Sampling(stop=("END",)))
    assert (one.text, one.ids, one.logprobs) == ("so", [5], None)


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"sampling": Sampling(seed=3, temperature=1.0)}, {"seed": 3}),
        (
            {"sampling": Sampling(), "constraint": Constraint(json_schema=COLOUR)},
            {"chat_template_kwargs": {"enable_thinking": False}},
        ),
    ],
)
async def test_a_seed_or_a_constraint_takes_token_ids_through_the_chat(
    options: Any, sent: dict[str, Any]
) -> None:
    first = {"choices": [{"delta": {"content": "so"}, "output_ids": [5]}]}
    last = {"choices": [{"delta": {"content": "<|im_end|>"}, "output_ids": [7], "finish_reason": "stop"}]}
    with respx.mock:
        route = respx.post(CHAT).mock(return_value=drawn(first, last, {"choices": [], "usage": USAGE}))
        (one,) = await engine().generate([1, 2], **options)
        body = json.loads(route.calls.last.request.content)
    assert (one.text, one.ids, one.usage.prompt_tokens) == ("so", [5, 7], 7)
    assert body["messages"] == [] and body["input_ids"] == [1, 2] and sent.items() <= body.items()


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (drawn(step("so", [5], None)), "broke off"),
        (drawn(step("so", [5], None, "abort")), "broke off: abort"),
        (drawn({"text": "so"}), "nonsense"),
        (drawn(step("so", [5], None, "length")), "0 log probabilities came for 1 tokens"),
    ],
)
async def test_a_drawing_that_is_not_whole_is_an_error(stream: httpx.Response, why: str) -> None:
    with respx.mock:
        respx.post(f"{BASE}/generate").mock(return_value=stream)
        with pytest.raises(Transient, match=why):
            await engine().generate([1], sampling=Sampling(logprobs=True))


async def test_a_proxy_has_no_token_ids_and_says_what_to_do() -> None:
    with respx.mock:
        respx.post(url__regex=".*").mock(return_value=httpx.Response(404, json={"detail": "Not Found"}))
        for attempt in (engine().generate([1], sampling=Sampling()), engine().tokenize("x")):
            with pytest.raises(Unavailable, match="proxy") as caught:
                await attempt
            assert caught.value.code == "no_token_ids" and "endpoints" in str(caught.value.hint)


async def test_text_becomes_ids_and_no_ids_become_text() -> None:
    with respx.mock:
        route = respx.post(f"{BASE}/v1/encode").mock(
            return_value=httpx.Response(200, json={"input_ids": [4, 2], "length": 2})
        )
        assert (
            await engine().tokenize("hi<|im_end|>") == [4, 2] == await engine().tokenize("hi", special=False)
        )
        assert json.loads(route.calls.last.request.content) == {"input": "hi", "add_bos": False}
    with pytest.raises(Unavailable):
        await engine().tokenize("<|im_end|>", special=False)
    with pytest.raises(Unavailable):
        await engine().detokenize([1])
