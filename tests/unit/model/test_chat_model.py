"""LangChain's way to an engine: tools, choices, structured output, streams, and the sync door."""

import asyncio
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, field_validator

from benchmate.model.chat import EngineChatModel
from benchmate.model.engine import Message, Sampling, ToolCall, ToolSpec
from benchmate.model.scripted import Line, ScriptedEngine
from benchmate.runtime.context import RunContext, TaskScope, current, entered


@tool
def logp(compound: str) -> float:
    """Return the octanol-water partition coefficient."""
    return 1.2


class Colour(BaseModel):
    """A colour."""

    name: Literal["red", "green"]

    @field_validator("name")
    @classmethod
    def _not_green(cls, name: str) -> str:
        if name == "green":
            raise ValueError("not green")
        return name


def model(*lines: Line, **options: Any) -> tuple[EngineChatModel, ScriptedEngine]:
    engine = ScriptedEngine(list(lines))
    return EngineChatModel(engine=engine, **options), engine


async def test_a_message_with_its_usage_and_metadata() -> None:
    chat, _ = model("about 1.2")
    reply = await chat.ainvoke("What is the logP of aspirin?")
    assert reply.content == "about 1.2"
    assert reply.usage_metadata == {"input_tokens": 6, "output_tokens": 2, "total_tokens": 8}
    assert reply.response_metadata["model_name"] == "scripted"
    assert reply.response_metadata["finish_reason"] == "stop"


async def test_every_kind_of_message_arrives() -> None:
    chat, engine = model("fine")
    await chat.ainvoke(
        [
            SystemMessage("Be brief."),
            HumanMessage([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
            AIMessage("", tool_calls=[{"name": "logp", "args": {"compound": "x"}, "id": "c1"}]),
            ToolMessage("1.2", tool_call_id="c1"),
        ]
    )
    system, human, called, answered = engine.asked[0].messages
    assert system == Message(role="system", content="Be brief.")
    assert (human.role, human.text) == ("user", "a\nb")
    assert called.tool_calls == (ToolCall(id="c1", name="logp", arguments={"compound": "x"}),)
    assert answered == Message(role="tool", content="1.2", tool_call_id="c1")


async def test_tools_are_bound_and_called() -> None:
    chat, engine = model(ToolCall(id="c1", name="logp", arguments={"compound": "aspirin"}))
    reply = await chat.bind_tools([logp]).ainvoke("logP of aspirin?")
    (spec,) = engine.asked[0].tools
    assert spec.name == "logp" and spec.parameters["required"] == ["compound"]
    assert reply.tool_calls == [
        {"name": "logp", "args": {"compound": "aspirin"}, "id": "c1", "type": "tool_call"}
    ]


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("any", "required"),
        ("required", "required"),
        (True, "required"),
        (False, None),
        (None, None),
        ("auto", "auto"),
        ("none", "none"),
        ("logp", "logp"),
        ({"type": "function", "function": {"name": "logp"}}, "logp"),
    ],
)
async def test_tool_choice_in_all_its_forms(given: Any, asked: str | None) -> None:
    chat, engine = model("x")
    await chat.bind_tools([logp], tool_choice=given).ainvoke("hello")
    assert engine.asked[0].tool_choice == asked


async def test_our_own_tool_specs_pass_through() -> None:
    chat, engine = model("x")
    spec = ToolSpec(name="mass", description="molar mass")
    await chat.bind_tools([cast(Any, spec)]).ainvoke("hello")
    assert engine.asked[0].tools == (spec,)


async def test_structured_output_is_constrained_and_parsed() -> None:
    chat, engine = model('{"name": "red"}', '{"name": "red"}')
    assert await chat.with_structured_output(Colour).ainvoke("a colour") == Colour(name="red")
    constraint = engine.asked[0].constraint
    assert constraint is not None and constraint.json_schema is not None
    assert constraint.json_schema["properties"]["name"]["enum"] == ["red", "green"]
    assert await chat.with_structured_output(Colour.model_json_schema()).ainvoke("x") == {"name": "red"}


async def test_structured_output_with_the_raw_message_keeps_the_error() -> None:
    chat, _ = model('{"name": "green"}')
    found = await chat.with_structured_output(Colour, include_raw=True).ainvoke("a colour")
    assert found["raw"].content == '{"name": "green"}' and found["parsed"] is None
    assert "not green" in str(found["parsing_error"])


async def test_a_stream_ends_with_its_calls_and_usage() -> None:
    call = ToolCall(id="c1", name="logp", arguments={"compound": "aspirin"})
    chat, _ = model(Message(role="assistant", content="Let me\nsee.", tool_calls=(call,)))
    chunks = [chunk async for chunk in chat.astream("hello")]
    assert [chunk.content for chunk in chunks if chunk.content] == ["Let me\n", "see."]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert isinstance(whole, AIMessageChunk)
    assert whole.tool_calls[0]["args"] == {"compound": "aspirin"}
    assert whole.usage_metadata is not None and whole.usage_metadata["output_tokens"] == 3


async def test_a_stream_that_nobody_reads_to_its_end_stops_the_call() -> None:
    stopped = asyncio.Event()

    class Endless(ScriptedEngine):
        async def chat(self, messages: Any, **options: Any) -> Any:
            options["on_text"]("first")
            try:
                await asyncio.sleep(60)
            finally:
                stopped.set()

    stream = EngineChatModel(engine=Endless([])).astream("hello")
    assert (await anext(stream)).content == "first"
    await stream.aclose()  # type: ignore[attr-defined]
    await asyncio.wait_for(stopped.wait(), 5)


async def test_stops_are_added_to_the_samplings_own() -> None:
    chat, engine = model("x", sampling=Sampling(max_tokens=5, stop=("A",)))
    await chat.ainvoke("hello", stop=["B"])
    assert engine.asked[0].sampling == Sampling(max_tokens=5, stop=("A", "B"))


async def test_an_unknown_option_is_named() -> None:
    chat, _ = model("x")
    with pytest.raises(TypeError, match="does not know temprature"):
        await chat.ainvoke("hello", temprature=1)


def test_the_sync_door() -> None:
    chat, _ = model("x")
    assert chat.invoke("hello").content == "x"


async def test_the_sync_door_inside_a_running_loop_keeps_the_run() -> None:
    seen = []

    def note(_: object) -> str:
        seen.append(current())
        return "x"

    here = (cast(RunContext, object()), TaskScope("t1"))
    with entered(*here):
        assert EngineChatModel(engine=ScriptedEngine(note)).invoke("hello").content == "x"
    assert seen == [here]


def test_only_this_folder_needs_langchain() -> None:
    folder = Path(__file__).parents[3] / "model"
    users = [path for path in folder.glob("*.py") if "langchain" in path.read_text()]
    assert users == []
