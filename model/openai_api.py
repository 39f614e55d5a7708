"""OpenAI's chat interface: the requests, the answers, and what is not trusted in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from benchmate.model.engine import (
    ChatReply,
    Completion,
    Constraint,
    Message,
    Sampling,
    ToolCall,
    ToolChoice,
    ToolSpec,
    Usage,
)
from benchmate.runtime.errors import InvalidInput, Transient, Unavailable, did_you_mean

CHAT = "/v1/chat/completions"
CHOICES = ("auto", "none", "required")
STREAM_BROKEN = "model_stream_broken"
BROKEN_TURNS = ("abort", "error")  # finish reasons of LMDeploy: it was put to sleep, or told to stop


class Server(Protocol):
    """What a dialect needs of the client: see HttpEngine."""

    name: str
    version: str

    async def post(
        self, path: str, body: dict[str, Any], check: Callable[[Any], None] = lambda answer: None
    ) -> Any:
        """Return the JSON answer to a POST."""

    async def stream(self, path: str, body: dict[str, Any], gatherer: Callable[[], Gatherer]) -> Any:
        """POST, and return what a gatherer makes of the events."""


class Gatherer(Protocol):
    """Puts a streamed answer together."""

    def add(self, event: dict[str, Any]) -> None:
        """Take the next event."""

    def answer(self) -> Any:
        """Return the whole answer. Raises Transient when the stream had no end."""


class OpenAI:
    """What every OpenAI-compatible server understands. A server that understands more is a subclass."""

    name = "openai"
    attempts = 4  # at one call, while the server fails

    async def chat(
        self,
        server: Server,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        sampling: Sampling,
        constraint: Constraint | None,
        tool_choice: ToolChoice | None,
        on_text: Callable[[str], None] | None,
    ) -> ChatReply:
        """Return the next turn. See Engine."""
        check_choice(tool_choice, tools)
        check_constraint(constraint)
        body = self.chat_body(server, messages, tools, sampling, constraint, tool_choice)
        answer = await self.ask(server, body, Told(on_text) if on_text else None)
        return read_chat(answer, server, tools, constraint, tool_choice)

    def chat_body(
        self,
        server: Server,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        sampling: Sampling,
        constraint: Constraint | None,
        tool_choice: ToolChoice | None,
    ) -> dict[str, Any]:
        """Return the request of a chat."""
        body = {
            "model": server.name,
            "messages": [message_json(m) for m in messages],
            **self.sampling_fields(sampling),
        }
        if tools:
            body["tools"] = [tool_json(tool) for tool in tools]
            if tool_choice is not None:
                body["tool_choice"] = choice_json(tool_choice)
        if constraint is not None:
            body["response_format"] = self.response_format(constraint)
        return body

    async def ask(self, server: Server, body: dict[str, Any], told: Told | None) -> dict[str, Any]:
        """Return the server's answer to a chat, streamed where somebody is told. It holds one whole turn."""

        def check(answer: Any) -> None:
            check_turn(answer, server.name)

        if told is None:
            answer: dict[str, Any] = await server.post(CHAT, body, check)
            return answer
        streamed = body | {"stream": True, "stream_options": {"include_usage": True}}
        answer = await server.stream(CHAT, streamed, lambda: GatheredChat(told, check))
        return answer

    async def generate(
        self, server: Server, ids: list[int], sampling: Sampling, constraint: Constraint | None
    ) -> list[Completion]:
        """Return continuations. Raises Unavailable (`no_token_ids`): OpenAI's interface has no token ids."""
        raise self._lacks("continue token ids", server)

    async def tokenize(self, server: Server, text: str, special: bool) -> list[int]:
        """Return the token ids of `text`. Raises Unavailable (`no_token_ids`)."""
        raise self._lacks("tokenize", server)

    async def detokenize(self, server: Server, ids: list[int]) -> str:
        """Return the text of token ids. Raises Unavailable (`no_token_ids`)."""
        raise self._lacks("detokenize", server)

    def sampling_fields(self, sampling: Sampling) -> dict[str, Any]:
        """Return the sampling in the server's words. What OpenAI does not know is sent only if asked for."""
        fields: dict[str, Any] = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
        }
        optional = {"top_k": sampling.top_k, "min_p": sampling.min_p, "stop": list(sampling.stop)}
        fields |= {name: value for name, value in optional.items() if value}
        return fields if sampling.seed is None else fields | {"seed": sampling.seed}

    def response_format(self, constraint: Constraint) -> dict[str, Any]:
        """Return the constraint in the server's words. Raises Unavailable (`no_grammar`)."""
        if constraint.json_schema is None:
            raise Unavailable("no_grammar", f"a {self.name} server takes a JSON Schema, not a grammar")
        return {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": constraint.json_schema, "strict": True},
        }

    def _lacks(self, what: str, server: Server) -> Unavailable:
        return Unavailable(
            "no_token_ids",
            f"{server.name} is reached through OpenAI's interface, which cannot {what}",
            hint="use a profile whose server speaks token ids, e.g. embedded",
        )


Dialect = OpenAI


def message_json(message: Message) -> dict[str, Any]:
    """Return a message in OpenAI's form."""
    plain: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        plain["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
            }
            for call in message.tool_calls
        ]
    return plain if message.tool_call_id is None else plain | {"tool_call_id": message.tool_call_id}


def tool_json(tool: ToolSpec) -> dict[str, Any]:
    """Return a tool in OpenAI's form."""
    return {"type": "function", "function": tool.model_dump()}


def choice_json(choice: ToolChoice) -> str | dict[str, Any]:
    """Return a tool choice in OpenAI's form."""
    return choice if choice in CHOICES else {"type": "function", "function": {"name": choice}}


def check_choice(choice: ToolChoice | None, tools: Sequence[ToolSpec]) -> None:
    """Raise InvalidInput (`unknown_tool_choice`) for a choice that the tools do not offer."""
    names = [tool.name for tool in tools]
    if choice in (None, "auto", "none") or choice in names or (choice == "required" and names):
        return
    raise InvalidInput(
        "unknown_tool_choice",
        f"tool choice {choice!r} fits none of the tools",
        hint=did_you_mean(str(choice), names),
    )


def check_constraint(constraint: Constraint | None) -> None:
    """Raise InvalidInput (`bad_schema`): a server may silently ignore a schema it does not understand."""
    if constraint is None or constraint.json_schema is None:
        return
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(constraint.json_schema)
    except SchemaError as error:
        raise InvalidInput(
            "bad_schema", f"the JSON Schema is not valid at {error.json_path}: {error.message}"
        ) from None


def check_text(text: str, finish_reason: str, constraint: Constraint) -> None:
    """Raise InvalidInput (`bad_model_output`) for an answer that is cut off or breaks its constraint."""
    if finish_reason == "length":
        raise bad_output("the answer was cut off by the token limit", text, hint="raise max_tokens")
    if constraint.json_schema is None:
        return
    from jsonschema import Draft202012Validator

    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise bad_output(f"the answer is not JSON: {error}", text) from None
    for fault in Draft202012Validator(constraint.json_schema).iter_errors(value):
        raise bad_output(f"the answer breaks its schema at {fault.json_path}: {fault.message}", text)


def bad_output(what: str, text: str, *, hint: str | None = None) -> InvalidInput:
    """Return the error for an answer that cannot be used, with the answer's text."""
    return InvalidInput(
        "bad_model_output",
        f"the model's output cannot be used: {what}",
        hint=hint,
        details={"text": text[:2000]},
    )


def read_chat(
    answer: dict[str, Any],
    server: Server,
    tools: Sequence[ToolSpec],
    constraint: Constraint | None,
    tool_choice: ToolChoice | None,
) -> ChatReply:
    """Return the turn that an answer holds, as `check_turn` let it pass. Raises InvalidInput (`bad_model_output`)."""
    choice = answer["choices"][0]
    turn, finish_reason = choice["message"], choice.get("finish_reason") or "unknown"
    text, reasoning = turn.get("content") or "", turn.get("reasoning_content") or turn.get("reasoning")
    calls = tuple(
        _read_call(call, index, finish_reason, tools)
        for index, call in enumerate(turn.get("tool_calls") or [])
    )
    if not text and not calls:
        raise bad_output(
            f"it is empty, and ended with {finish_reason!r}", reasoning or "", hint="raise max_tokens"
        )
    if constraint is not None:
        check_text(text, finish_reason, constraint)
    if tool_choice == "required" and not calls:
        raise bad_output("a tool call was required, and none came", text)
    if tool_choice not in (None, *CHOICES) and [call.name for call in calls] != [tool_choice]:
        raise bad_output(f"a call of {tool_choice} was required, and did not come", text)
    used = answer.get("usage") or {}
    return ChatReply(
        message=Message(role="assistant", content=text, tool_calls=calls),
        reasoning=reasoning,
        finish_reason=finish_reason,
        usage=Usage.of(used.get("prompt_tokens") or 0, used.get("completion_tokens") or 0),
        model=answer.get("model") or server.name,
        version=server.version,
    )


def _read_call(call: dict[str, Any], index: int, finish_reason: str, tools: Sequence[ToolSpec]) -> ToolCall:
    name, written = call["function"]["name"], call["function"].get("arguments") or "{}"
    known = [tool.name for tool in tools]
    if finish_reason == "length":
        raise bad_output(
            f"the call of {name} was cut off by the token limit", written, hint="raise max_tokens"
        )
    if name not in known:
        raise bad_output(f"it calls {name}, which is not offered", written, hint=did_you_mean(name, known))
    try:
        arguments = json.loads(written) if isinstance(written, str) else written
    except json.JSONDecodeError as error:
        raise bad_output(f"the arguments of {name} are not JSON: {error}", written) from None
    if not isinstance(arguments, dict):
        raise bad_output(f"the arguments of {name} are not an object", str(written))
    return ToolCall(id=call.get("id") or f"call_{index}", name=name, arguments=arguments)


def check_turn(answer: Any, name: str) -> None:
    """Raise Transient (`bad_server_answer`, `model_aborted`) for an answer that holds no turn, or a broken one."""
    choices = answer.get("choices") if isinstance(answer, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    turn = first.get("message") if isinstance(first, dict) else None
    calls = turn.get("tool_calls") or [] if isinstance(turn, dict) else None
    if (
        not isinstance(first, dict)
        or not isinstance(turn, dict)
        or not isinstance(turn.get("content") or "", str)
        or not isinstance(calls, list)
        or not all(isinstance(call, dict) and isinstance(call.get("function"), dict) for call in calls)
        or not all(isinstance(call["function"].get("name"), str) for call in calls)
    ):
        raise Transient(
            "bad_server_answer",
            f"{name}: the server's answer holds no turn",
            details={"keys": sorted(answer) if isinstance(answer, dict) else type(answer).__name__},
        )
    if first.get("finish_reason") in BROKEN_TURNS:
        raise Transient("model_aborted", f"{name}: the server broke off the turn: {first['finish_reason']}")


class Told:
    """What the caller has been told of a streamed text. A second attempt goes on where the first broke off."""

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self.text = ""
        self._on_text = on_text

    def tell(self, text: str, *, ended: bool = False) -> None:
        """Tell what is new in `text`, all that there is so far.

        Raises Transient (`model_stream_broken`) where it is another text than was told.
        """
        if text.startswith(self.text):
            if new := text[len(self.text) :]:
                self.text = text
                self._on_text(new)
        elif ended or not self.text.startswith(text):
            raise Transient(
                STREAM_BROKEN,
                "the model server broke off an answer that was being shown, and gave another at the second try",
                hint="ask again",
            )


class GatheredChat:
    """A streamed chat, put together as if it had come whole."""

    def __init__(self, told: Told, check: Callable[[Any], None]) -> None:
        self._told, self._check = told, check
        self._text: dict[str, str] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._finish_reason: str | None = None
        self._rest: dict[str, Any] = {}

    def add(self, event: dict[str, Any]) -> None:
        """Take the next chunk. Raises Transient (`bad_server_answer`) for one of another shape."""
        try:
            self._add(event)
        except (AttributeError, KeyError, TypeError) as error:
            raise Transient("bad_server_answer", f"the model server streamed nonsense: {error}") from error

    def _add(self, event: dict[str, Any]) -> None:
        self._rest |= {key: event[key] for key in ("model", "usage") if event.get(key)}
        for choice in event.get("choices") or []:
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
            delta = choice.get("delta") or {}
            for key in ("content", "reasoning_content", "reasoning"):
                if delta.get(key):
                    self._text[key] = self._text.get(key, "") + delta[key]
            if delta.get("content"):
                self._told.tell(self._text["content"])
            for part in delta.get("tool_calls") or []:
                call = self._calls.setdefault(
                    part.get("index", 0), {"function": {"name": "", "arguments": ""}}
                )
                call["id"] = call.get("id") or part.get("id")
                for key, piece in (part.get("function") or {}).items():
                    call["function"][key] += piece or ""

    def answer(self) -> dict[str, Any]:
        """Return the answer. Raises Transient when the stream had no end, or the turn is broken."""
        if self._finish_reason is None:
            raise Transient("bad_server_answer", "the model server broke off its stream")
        message = {**self._text, "tool_calls": [self._calls[index] for index in sorted(self._calls)]}
        answer = {**self._rest, "choices": [{"message": message, "finish_reason": self._finish_reason}]}
        self._check(answer)
        self._told.tell(self._text.get("content", ""), ended=True)
        return answer
