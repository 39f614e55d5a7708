"""The one seam to every model: messages or token ids in, a recorded reply out."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from benchmate.runtime.calls import Call, record_call
from benchmate.runtime.canonical import canonical_json
from benchmate.runtime.context import RunContext, TaskScope, current
from benchmate.runtime.errors import Refused, Unavailable

Role = Literal["system", "user", "assistant", "tool"]
Part = dict[str, Any]  # of a message, in OpenAI's form: {"type": "text", "text": …}, {"type": "image_url", …}
ToolChoice = str  # "auto", "none", "required", or the name of the one tool to call
CHARACTERS_PER_TOKEN = 3  # low for English, so that a prompt's estimate is rather too high


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolCall(_Frozen):
    """A call that a model asks for."""

    id: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Message(_Frozen):
    """One turn. An assistant's turn may hold text and tool calls; a tool's turn answers `tool_call_id`."""

    role: Role
    content: str | list[Part] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The text of the message: its text parts are lines, its other parts are left out."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part["text"] for part in self.content if part["type"] == "text")


class ToolSpec(_Frozen):
    """What a model is told about a tool. `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})


class Sampling(_Frozen):
    """How tokens are drawn. The default is greedy; nothing is truncated unless asked for."""

    temperature: float = Field(0.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0, description="0 keeps all tokens.")
    min_p: float = Field(0.0, ge=0, le=1)
    max_tokens: int | None = Field(
        None, ge=1, description="None is the profile's `max_completion_tokens`; never no limit."
    )
    stop: tuple[str, ...] = ()
    seed: int | None = None
    n: int = Field(1, ge=1, description="Samples of one prompt, for `generate`.")
    logprobs: bool = False


class Constraint(_Frozen):
    """What the text must be: an instance of a JSON Schema, or a sentence of a grammar in llama.cpp's GBNF."""

    json_schema: dict[str, Any] | None = None
    grammar: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.json_schema is None) == (self.grammar is None):
            raise ValueError("give either json_schema or grammar")
        return self


class Usage(_Frozen):
    """Tokens of one call, and its price where it has one."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    usd: float | None = None

    @classmethod
    def of(cls, prompt_tokens: int, completion_tokens: int, usd: float | None = None) -> Usage:
        return cls(
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            total_tokens=prompt_tokens + completion_tokens,
            usd=usd,
        )


class Completion(_Frozen):
    """One sample of `generate`, token by token."""

    text: str
    ids: list[int] = Field(
        description="The tokens drawn, the end-of-turn token included; those of a stop string are not."
    )
    logprobs: list[float] | None = Field(
        None, description="Of each of `ids`, by the model without a constraint."
    )
    prompt_ids: list[int]
    routed_experts: list[list[list[int]]] | str | None = Field(
        None,
        description="[prompt + drawn - 1, layers, experts per token] of a mixture of experts, or the key under "
        "which LMDeploy's shared store holds them.",
    )
    finish_reason: str = Field(description="`stop`, `length`, or the server's own word.")
    usage: Usage
    model: str
    version: str


class ChatReply(_Frozen):
    """The answer of `chat`: an assistant's turn."""

    message: Message
    reasoning: str | None = None
    finish_reason: str
    usage: Usage
    model: str
    version: str


class Engine(Protocol):
    """A model that answers.

    Its methods raise InvalidInput (`context_overflow`, `bad_model_output`), Transient and Unavailable.
    """

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def version(self) -> str:
        """What tells two models of one name apart; part of every call's key, so known before any."""

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
        """Return the next turn, whole.

        `on_text` is told the text as it comes, by an engine that can stream.
        """

    async def generate(
        self, prompt: str | Sequence[int], *, sampling: Sampling, constraint: Constraint | None = None
    ) -> list[Completion]:
        """Return `sampling.n` continuations. Special tokens that a `str` prompt spells are parsed."""

    async def tokenize(self, text: str, special: bool = True) -> list[int]:
        """Return the token ids of `text`. With `special`, `<|im_end|>` and its like become one token each."""

    async def detokenize(self, ids: Sequence[int]) -> str:
        """Return the text of token ids."""

    async def aclose(self) -> None:
        """Close connections, and stop what was started."""


class RecordedEngine:
    """An Engine whose calls go into the run's journal, and come back from there on resume and replay.

    `inner` is an engine, or a function that makes one, called when the first call must really be made. In a
    replay that never happens; `version` is then the one that the recording names. `roles` are the engines of
    roles that another model fills.
    """

    def __init__(
        self,
        inner: Engine | Callable[[], Engine] | None,
        *,
        name: str,
        version: str,
        max_tokens: int = 512,
        remote: bool = False,
        roles: Mapping[str, RecordedEngine] | None = None,
    ) -> None:
        self.name, self.version, self.max_tokens, self.remote = name, version, max_tokens, remote
        self.roles = dict(roles or {})
        self._make = inner if callable(inner) else None
        self._engine = None if callable(inner) else inner

    @property
    def inner(self) -> Engine:
        """The engine behind. Raises Unavailable (`no_model`) when there is none."""
        if self._engine is None and self._make is not None:
            self._engine = self._make()
        if self._engine is None:
            raise Unavailable(
                "no_model", "no model can be called here", hint="a replay answers from its recording alone"
            )
        return self._engine

    def role(self, name: str) -> RecordedEngine:
        """Return the engine of a role: this one, unless the profile gives the role to another."""
        return self.roles.get(name, self)

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec] = (),
        sampling: Sampling,
        constraint: Constraint | None = None,
        tool_choice: ToolChoice | None = None,
        on_text: Callable[[str], None] | None = None,
        at: tuple[RunContext, TaskScope] | None = None,
    ) -> ChatReply:
        """Return the next turn, recorded under `at` or else in the run and task of the running code."""
        sampling = self._limited(sampling)
        arguments = _arguments(
            messages=_without_payloads(_anonymous(messages)),
            tools=list(tools),
            tool_choice=tool_choice,
            sampling=sampling,
            constraint=constraint,
        )
        told: list[str] = []

        def tell(text: str) -> None:
            told.append(text)
            if on_text is not None:
                on_text(text)

        async def run() -> dict[str, Any]:
            reply = await self.inner.chat(
                messages, tools=tools, sampling=sampling, constraint=constraint, tool_choice=tool_choice,
                on_text=tell if on_text else None,
            )  # fmt: skip
            return reply.model_dump(mode="json", exclude_none=True)

        asked = len(canonical_json([arguments["messages"], arguments["tools"]])) // CHARACTERS_PER_TOKEN
        result = await self._recorded("chat", arguments, asked + self._reserve(sampling), run, at)
        reply = ChatReply.model_validate(result)
        if not told and reply.message.text:  # it came from the journal, or the engine cannot stream
            tell(reply.message.text)
        return reply

    async def generate(
        self,
        prompt: str | Sequence[int],
        *,
        sampling: Sampling,
        constraint: Constraint | None = None,
        at: tuple[RunContext, TaskScope] | None = None,
    ) -> list[Completion]:
        """Return continuations, recorded as `chat` is. In a run give text: in a replay nothing makes ids."""
        sampling = self._limited(sampling)
        prompt = prompt if isinstance(prompt, str) else list(prompt)
        arguments = _arguments(prompt=prompt, sampling=sampling, constraint=constraint)

        async def run() -> dict[str, Any]:
            found = await self.inner.generate(prompt, sampling=sampling, constraint=constraint)
            drawn = sum(completion.usage.completion_tokens for completion in found)
            usage = Usage.of(found[0].usage.prompt_tokens, drawn)
            return {
                "completions": [one.model_dump(mode="json", exclude_none=True) for one in found],
                "usage": usage.model_dump(exclude_none=True),
            }

        asked = len(prompt) // CHARACTERS_PER_TOKEN if isinstance(prompt, str) else len(prompt)
        result = await self._recorded("generate", arguments, asked + self._reserve(sampling), run, at)
        return [Completion.model_validate(completion) for completion in result["completions"]]

    async def tokenize(self, text: str, special: bool = True) -> list[int]:
        """Return the token ids of `text`. Not recorded."""
        return await self.inner.tokenize(text, special)

    async def detokenize(self, ids: Sequence[int]) -> str:
        """Return the text of token ids. Not recorded."""
        return await self.inner.detokenize(ids)

    async def aclose(self) -> None:
        """Close the engine behind, if it was ever made."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.aclose()
        for other in {id(other): other for other in self.roles.values()}.values():
            await other.aclose()

    def _limited(self, sampling: Sampling) -> Sampling:
        return sampling.model_copy(update={"max_tokens": sampling.max_tokens or self.max_tokens})

    def _reserve(self, sampling: Sampling) -> int:
        return (sampling.max_tokens or self.max_tokens) * sampling.n

    def _check_private(self, context: RunContext, scope: TaskScope) -> None:
        """Raise Refused (`private_data`) for private data on its way to another machine, unless a rule allows this model."""
        if not self.remote or context.recording is not None:
            return
        labels = context.labels | scope.labels
        decision = context.policy.decide(f"model:{self.name}", "model", {"network"}, labels & {"private"})
        if decision.verdict != "allow":
            raise Refused(
                decision.code,
                f"{self.name} runs on another machine: {decision.reason}",
                hint=f"a policy rule may allow it by name: {{tool: 'model:{self.name}', label: private, decision: allow}}",
            )

    async def _recorded(
        self,
        name: str,
        arguments: dict[str, Any],
        tokens: int,
        run: Callable[[], Awaitable[dict[str, Any]]],
        at: tuple[RunContext, TaskScope] | None,
    ) -> dict[str, Any]:
        where = at or current()
        if where is None:
            return await run()
        self._check_private(*where)
        call = Call("model", name, self.version, arguments, tokens=tokens)
        return (await record_call(*where, call, run)).result


def for_role(engine: Any, name: str) -> Any:
    """Return the engine that fills a role: the engine itself where it knows of no roles."""
    role = getattr(engine, "role", None)
    return engine if role is None else role(name)


def _arguments(**fields: Any) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json", exclude_none=True)
        return [plain(item) for item in value] if isinstance(value, list) else value

    return {key: plain(value) for key, value in fields.items() if value is not None}


def _without_payloads(messages: Sequence[Message]) -> list[Message]:
    """Return the messages with the content of data URLs replaced by its SHA-256, as the journal names it."""

    def named(part: Part) -> Part:
        value = part.get(part["type"])
        if not isinstance(value, dict):
            return part
        head, comma, payload = str(value.get("url", "")).partition(";base64,")
        if not comma or not head.startswith("data:"):
            return part
        try:
            sha = hashlib.sha256(base64.b64decode(payload)).hexdigest()
        except binascii.Error:  # the engine says what is wrong with the part
            return part
        return {**part, part["type"]: {**value, "url": f"{head};sha256,{sha}"}}

    return [
        m if isinstance(m.content, str) else m.model_copy(update={"content": [named(p) for p in m.content]})
        for m in messages
    ]


def _anonymous(messages: Sequence[Message]) -> list[Message]:
    """Return the messages with tool call ids, which servers draw at random, replaced by their order."""
    order: dict[str, str] = {}

    def known(identifier: str) -> str:
        return order.setdefault(identifier, f"call_{len(order)}")

    renamed = []
    for message in messages:
        calls = tuple(call.model_copy(update={"id": known(call.id)}) for call in message.tool_calls)
        answered = known(message.tool_call_id) if message.tool_call_id is not None else None
        renamed.append(message.model_copy(update={"tool_calls": calls, "tool_call_id": answered}))
    return renamed
