"""A LangChain chat model over an Engine, so that LangGraph's calls are recorded like any other."""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from benchmate.model.engine import (
    ChatReply,
    Constraint,
    Engine,
    Message,
    Sampling,
    ToolCall,
    ToolChoice,
    ToolSpec,
)

_Result = TypeVar("_Result")


class EngineChatModel(BaseChatModel):
    """Any Engine as a LangChain chat model: tools, tool choice, structured output, streaming and usage."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    engine: SkipValidation[Engine] = Field(description="The engine that answers, usually a RecordedEngine.")
    sampling: Sampling = Sampling()

    @property
    def _llm_type(self) -> str:
        return "benchmate"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {
            "model": self.engine.name,
            "version": self.engine.version,
            "sampling": self.sampling.model_dump(),
        }

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return this model with tools. `tool_choice` is in any of LangChain's forms; "any" is "required"."""
        return self.bind(
            tools=[tool_spec(tool) for tool in tools], tool_choice=_choice(tool_choice), **kwargs
        )

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        method: str = "json_schema",
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Return this model constrained to `schema`: a pydantic class gives its instances, a schema dicts.

        The answer is always constrained by JSON Schema, whatever `method` and `strict` ask for.
        """
        constraint = Constraint(json_schema=convert_to_json_schema(schema))
        raw = self.bind(constraint=constraint, **kwargs)

        def parse(message: AIMessage) -> Any:
            value = json.loads(str(message.content))
            is_model = isinstance(schema, type) and issubclass(schema, BaseModel)
            return schema.model_validate(value) if is_model else value  # type: ignore[union-attr]

        def parse_raw(message: AIMessage) -> dict[str, Any]:
            try:
                return {"raw": message, "parsed": parse(message), "parsing_error": None}
            except ValueError as error:
                return {"raw": message, "parsed": None, "parsing_error": error}

        return raw | RunnableLambda(parse_raw if include_raw else parse)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _wait_for(self._agenerate(messages, stop, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = await self._ask(messages, stop, None, **kwargs)
        message = AIMessage(
            content=reply.message.text,
            tool_calls=[_tool_call(call) for call in reply.message.tool_calls],
            usage_metadata=_usage(reply),
            response_metadata=_metadata(reply),
            additional_kwargs={"reasoning_content": reply.reasoning} if reply.reasoning else {},
        )
        return ChatResult(generations=[ChatGeneration(message=message)], llm_output=_metadata(reply))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        texts: asyncio.Queue[str | None] = asyncio.Queue()
        asking = asyncio.ensure_future(self._ask(messages, stop, texts.put_nowait, **kwargs))
        asking.add_done_callback(lambda _: texts.put_nowait(None))
        try:
            while (text := await texts.get()) is not None:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=text))
                if run_manager is not None:
                    await run_manager.on_llm_new_token(text, chunk=chunk)
                yield chunk
            reply = await asking
        finally:
            asking.cancel()
        calls = [
            tool_call_chunk(name=call.name, args=json.dumps(call.arguments), id=call.id, index=index)
            for index, call in enumerate(reply.message.tool_calls)
        ]
        last = AIMessageChunk(
            content="",
            tool_call_chunks=calls,
            usage_metadata=_usage(reply),
            response_metadata=_metadata(reply),
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    async def _ask(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        on_text: Callable[[str], None] | None,
        *,
        tools: Sequence[ToolSpec] = (),
        tool_choice: ToolChoice | None = None,
        constraint: Constraint | None = None,
        sampling: Sampling | None = None,
        **unused: Any,
    ) -> ChatReply:
        if unused:
            raise TypeError(
                f"EngineChatModel does not know {', '.join(sorted(unused))}; see Sampling and Constraint"
            )
        sampling = sampling or self.sampling
        if stop:
            sampling = sampling.model_copy(update={"stop": (*sampling.stop, *stop)})
        return await self.engine.chat(
            [message_of(message) for message in messages],
            tools=tools,
            sampling=sampling,
            constraint=constraint,
            tool_choice=tool_choice,
            on_text=on_text,
        )


def message_of(message: BaseMessage) -> Message:
    """Return a LangChain message as ours."""
    plain = convert_to_openai_messages([message])[0]
    calls = tuple(
        ToolCall(id=call["id"], name=call["name"], arguments=call["args"])
        for call in getattr(message, "tool_calls", [])
    )
    return Message(
        role=plain["role"],
        content=plain["content"] or "",
        tool_calls=calls,
        tool_call_id=plain.get("tool_call_id"),
    )


def tool_spec(tool: Any) -> ToolSpec:
    """Return anything that LangChain takes for a tool as ours."""
    if isinstance(tool, ToolSpec):
        return tool
    function = convert_to_openai_tool(tool)["function"]
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    return ToolSpec(name=function["name"], description=function.get("description", ""), parameters=parameters)


def _choice(choice: str | bool | dict[str, Any] | None) -> ToolChoice | None:
    if isinstance(choice, dict):
        return str(choice["function"]["name"])
    if isinstance(choice, bool):
        return "required" if choice else None
    return "required" if choice == "any" else choice


def _tool_call(call: ToolCall) -> Any:
    return {"name": call.name, "args": call.arguments, "id": call.id, "type": "tool_call"}


def _usage(reply: ChatReply) -> UsageMetadata:
    used = reply.usage
    return UsageMetadata(
        input_tokens=used.prompt_tokens, output_tokens=used.completion_tokens, total_tokens=used.total_tokens
    )


def _metadata(reply: ChatReply) -> dict[str, Any]:
    return {"model_name": reply.model, "model_version": reply.version, "finish_reason": reply.finish_reason}


def _wait_for(asked: Coroutine[Any, Any, _Result]) -> _Result:
    """Return a coroutine's result, from a thread of its own where an event loop runs in this one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(asked)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(contextvars.copy_context().run, asyncio.run, asked).result()
