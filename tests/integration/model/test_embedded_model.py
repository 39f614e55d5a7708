"""The real model on its real server: what the interface promises holds there, whatever the model knows."""

import asyncio
import json
import math
import os
import signal
from typing import Literal

import pytest
from langchain_core.tools import tool
from pydantic import BaseModel

from benchmate.model.chat import EngineChatModel
from benchmate.model.embedded import EmbeddedEngine, EmbeddedServer
from benchmate.model.engine import Constraint, Message, Sampling, ToolCall, ToolSpec
from benchmate.model.factory import make_engine
from benchmate.model.http_engine import HttpEngine
from benchmate.model.openai_api import message_json, tool_json
from benchmate.model.pull import require_model
from benchmate.model.renderer import ChatML
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.settings import Settings

pytestmark = pytest.mark.needs_model

ASK = [Message(role="user", content="What is the logP of aspirin?")]
GREEDY = Sampling(max_tokens=48)
HOT = Sampling(max_tokens=48, temperature=2.0, seed=7)
TOOLS = [
    ToolSpec(
        name="logp",
        description="octanol-water partition coefficient\nlog10 of a ratio",
        parameters={
            "type": "object",
            "properties": {"compound": {"enum": ["aspirin", "ibuprofen"]}, "digits": {"const": 2}},
            "required": ["compound", "digits"],
        },
    ),
    ToolSpec(name="gc_content", description="share of G and C in DNA"),
]
# Neither alphabetical nor what the model would write by itself.
SHAPE = {
    "type": "object",
    "properties": {
        "zeta": {"const": "K"},
        "alpha": {"enum": ["red", "green"]},
        "count": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["zeta", "alpha", "count"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("sampling", [GREEDY, HOT], ids=["greedy", "hot"])
async def test_a_schema_binds_values_and_the_order_of_keys(
    engine: EmbeddedEngine, sampling: Sampling
) -> None:
    reply = await engine.chat(ASK, sampling=sampling, constraint=Constraint(json_schema=SHAPE))
    found = json.loads(reply.message.text)
    assert list(found) == ["zeta", "alpha", "count"]
    assert found["zeta"] == "K" and found["alpha"] in ("red", "green") and 0 <= found["count"] <= 99
    assert reply.message.text == json.dumps(found), "no white space beyond one blank after , and :"


async def test_a_schema_binds_samples_of_token_ids(engine: EmbeddedEngine) -> None:
    prompt = ChatML().render(ASK)
    found = await engine.generate(
        prompt,
        sampling=HOT.model_copy(update={"n": 3, "logprobs": True}),
        constraint=Constraint(json_schema=SHAPE),
    )
    assert len(found) == 3
    for one in found:
        assert json.loads(one.text)["zeta"] == "K" and one.finish_reason == "stop"
        assert one.logprobs is not None and len(one.logprobs) == len(one.ids) == one.usage.completion_tokens
        assert all(math.isfinite(value) and value <= 0 for value in one.logprobs)
        assert (await engine.detokenize(one.ids)).startswith(one.text)


async def test_a_grammar_binds(engine: EmbeddedEngine) -> None:
    grammar = Constraint(grammar='root ::= "yes" | "no"')
    assert (await engine.chat(ASK, sampling=GREEDY, constraint=grammar)).message.text in ("yes", "no")


@pytest.mark.parametrize("choice", ["required", "logp", "gc_content"])
async def test_a_call_that_must_come_comes(engine: EmbeddedEngine, choice: str) -> None:
    reply = await engine.chat(ASK, tools=TOOLS, tool_choice=choice, sampling=GREEDY)
    (call,) = reply.message.tool_calls
    assert choice in ("required", call.name) and reply.finish_reason == "tool_calls"
    if call.name == "logp":
        assert call.arguments["digits"] == 2 and call.arguments["compound"] in ("aspirin", "ibuprofen")


async def test_the_template_here_is_the_template_there(engine: EmbeddedEngine) -> None:
    call = ToolCall(id="c1", name="logp", arguments={"b": 'é"\n<|im_end|>', "a": [1.5, None, True, {}]})
    parts = [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    messages = [
        Message(role="system", content="Be brief."),
        Message(role="user", content="hé <|im_start|>system"),
        Message(role="assistant", content="Let me see.", tool_calls=(call, call)),
        Message(role="tool", content="1.2", tool_call_id="c1"),
        Message(role="user", content=parts),
        Message(role="system", content="Be exact."),
    ]
    for some in (messages, messages[1:2]):
        for tools in ([], TOOLS):
            asked = {"messages": [message_json(m) for m in some], "tools": [tool_json(t) for t in tools]}
            there = (await engine.post("/apply-template", asked))["prompt"]
            assert there == ChatML().render(some, tools)


async def test_control_tokens_are_one_token_each_and_come_back(engine: EmbeddedEngine) -> None:
    text = "<|im_start|>user\nβ-carotene<|im_end|>\n"
    ids = await engine.tokenize(text)
    assert await engine.detokenize(ids) == text
    assert len(await engine.tokenize("<|im_end|>")) == 1
    assert len(await engine.tokenize("<|im_end|>", special=False)) > 1
    assert await engine.tokenize("< |im_end|>") == await engine.tokenize("< |im_end|>", special=False)


async def test_greedy_answers_repeat_and_streams_say_the_same(engine: EmbeddedEngine) -> None:
    first = await engine.chat(ASK, sampling=GREEDY)
    texts: list[str] = []
    second = await engine.chat(ASK, sampling=GREEDY, on_text=texts.append)
    assert first.message == second.message and "".join(texts) == first.message.text and len(texts) > 1
    assert first.usage == second.usage and first.usage.prompt_tokens > 5


async def test_seeds_repeat_samples_and_tell_them_apart(engine: EmbeddedEngine) -> None:
    ids = await engine.tokenize("<|im_start|>user\nName a colour.<|im_end|>\n<|im_start|>assistant\n")
    sampling = Sampling(max_tokens=8, temperature=1.0, seed=3, n=2)
    first, again = [await engine.generate(ids, sampling=sampling) for _ in range(2)]
    assert [one.ids for one in first] == [one.ids for one in again]
    assert first[0].ids != first[1].ids and first[0].prompt_ids == ids


async def test_a_prompt_over_the_context_says_both_sizes(engine: EmbeddedEngine) -> None:
    with pytest.raises(InvalidInput) as caught:
        await engine.chat([Message(role="user", content="atom " * 2000)], sampling=GREEDY)
    assert caught.value.code == "context_overflow"
    assert caught.value.info.details["context"] == 1024 < caught.value.info.details["prompt"]


async def test_a_bad_grammar_and_a_picture_are_the_callers_mistake(engine: EmbeddedEngine) -> None:
    with pytest.raises(InvalidInput, match="failed to parse grammar"):
        await engine.chat(ASK, sampling=GREEDY, constraint=Constraint(grammar="root ::= nothing"))
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.raises(InvalidInput) as caught:
        await engine.chat([Message(role="user", content=[picture])], sampling=GREEDY)
    assert caught.value.code == "unsupported_input"


async def test_a_crash_between_two_calls_is_not_noticed(fetched: Settings) -> None:
    server = EmbeddedServer(require_model(fetched), context_tokens=512)

    engine = EmbeddedEngine(fetched)
    engine._server = server
    before = await engine.chat(ASK, sampling=GREEDY)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert (await engine.chat(ASK, sampling=GREEDY)).message == before.message
    await engine.aclose()


async def test_without_its_key_the_server_answers_nobody(fetched: Settings) -> None:
    server = EmbeddedServer(require_model(fetched), context_tokens=512)
    where = await server.endpoint()
    with pytest.raises(Exception, match="Invalid API Key"):
        await HttpEngine(where.url, "SmolLM2-135M-Instruct").chat(ASK, sampling=GREEDY)
    await server.aclose()


class Verdict(BaseModel):
    """A judgement."""

    verdict: Literal["supported", "contradicted"]
    certain: bool


@tool
def logp(compound: Literal["aspirin", "ibuprofen"]) -> float:
    """Return the octanol-water partition coefficient."""
    return 1.2


async def test_langchain_calls_tools_streams_and_gets_structures(engine: EmbeddedEngine) -> None:
    chat = EngineChatModel(engine=engine, sampling=GREEDY)
    called = await chat.bind_tools([logp], tool_choice="any").ainvoke("What is the logP of aspirin?")
    (call,) = called.tool_calls
    assert call["name"] == "logp" and call["args"]["compound"] in ("aspirin", "ibuprofen")
    assert called.usage_metadata is not None and called.response_metadata["model_name"] == engine.name
    assert isinstance(await chat.with_structured_output(Verdict).ainvoke("Is water wet?"), Verdict)
    chunks = [chunk async for chunk in chat.astream("Say hello.")]
    assert len([chunk for chunk in chunks if chunk.content]) > 1
    assert chunks[-1].usage_metadata is not None


def test_the_sync_door_reaches_the_same_server_from_any_loop(fetched: Settings) -> None:
    engine = make_engine(fetched)
    chat = EngineChatModel(engine=engine, sampling=Sampling(max_tokens=4))

    async def inside() -> str:
        return str(chat.invoke("Say hello.").content)

    assert chat.invoke("Say hello.").content == asyncio.run(inside())
    asyncio.run(engine.aclose())
