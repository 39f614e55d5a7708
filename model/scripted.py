"""An engine that says what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

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
from benchmate.runtime.errors import BenchmateError, InternalError

Answer = str | ToolCall | Sequence[ToolCall] | Message | ChatReply  # a text, calls, a message, a whole reply
Line = Answer | BenchmateError  # an error is raised


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of the engine. `messages` is empty for `generate`, `prompt_ids` for `chat`."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    sampling: Sampling
    constraint: Constraint | None
    tool_choice: ToolChoice | None
    prompt_ids: tuple[int, ...] = ()


Script = Sequence[Line] | Callable[[Asked], Line | Awaitable[Line]]


class ScriptedEngine:
    """An Engine that answers from a script: line by line, or by a function of what is asked.

    Its tokens are the bytes of UTF-8. Raises InternalError (`script_ended`) after the last line.
    """

    def __init__(self, script: Script, *, name: str = "scripted", version: str = "1") -> None:
        self.name, self.version = name, version
        self.asked: list[Asked] = []
        self.closed = False
        self._script = script

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec] = (),
        sampling: Sampling,
        constraint: Constraint | None = None,
        tool_choice: ToolChoice | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> ChatReply:
        """Return the next line as a reply. `on_text` is told it line by line."""
        line = await self._next(Asked(tuple(messages), tuple(tools), sampling, constraint, tool_choice))
        prompt = sum(len(message.text.split()) for message in messages)
        reply = line if isinstance(line, ChatReply) else self._reply(line, prompt)
        if on_text is not None:
            for part in reply.message.text.splitlines(keepends=True):
                on_text(part)
        return reply

    async def generate(
        self, prompt: str | Sequence[int], *, sampling: Sampling, constraint: Constraint | None = None
    ) -> list[Completion]:
        """Return the next `sampling.n` lines as completions."""
        prompt_ids = await self.tokenize(prompt) if isinstance(prompt, str) else list(prompt)
        found = []
        for _ in range(sampling.n):
            line = await self._next(Asked((), (), sampling, constraint, None, tuple(prompt_ids)))
            if not isinstance(line, str):
                raise InternalError("bad_script", f"generate answers with text, the script has {line!r}")
            ids = await self.tokenize(line)
            found.append(
                Completion(
                    text=line,
                    ids=ids,
                    logprobs=[0.0] * len(ids) if sampling.logprobs else None,
                    prompt_ids=prompt_ids,
                    finish_reason="stop",
                    usage=Usage.of(len(prompt_ids), len(ids)),
                    model=self.name,
                    version=self.version,
                )
            )
        return found

    async def tokenize(self, text: str, special: bool = True) -> list[int]:
        """Return the bytes of `text`."""
        return list(text.encode())

    async def detokenize(self, ids: Sequence[int]) -> str:
        """Return the text of bytes."""
        return bytes(ids).decode()

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    async def _next(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if callable(self._script):
            line = self._script(asked)
            line = await line if inspect.isawaitable(line) else line
        elif len(self.asked) <= len(self._script):
            line = self._script[len(self.asked) - 1]
        else:
            raise InternalError(
                "script_ended", f"the script has {len(self._script)} lines, and one more was asked for",
                details={"messages": [message.text for message in asked.messages]},
            )  # fmt: skip
        if isinstance(line, BenchmateError):
            raise line
        return line

    def _reply(self, line: str | ToolCall | Sequence[ToolCall] | Message, prompt: int) -> ChatReply:
        if isinstance(line, str):
            line = Message(role="assistant", content=line)
        elif not isinstance(line, Message):
            calls = (line,) if isinstance(line, ToolCall) else tuple(line)
            line = Message(role="assistant", tool_calls=calls)
        return ChatReply(
            message=line,
            finish_reason="tool_calls" if line.tool_calls else "stop",
            usage=Usage.of(prompt, len(line.text.split())),
            model=self.name,
            version=self.version,
        )
