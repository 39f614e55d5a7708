"""LMDeploy's interface: OpenAI's chat with its extensions and its traps, and token ids in and out.

Verified against the server of LMDeploy 0.18; `tests/real_lmdeploy` does it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from benchmate.model.engine import (
    ChatReply,
    Completion,
    Constraint,
    Message,
    Sampling,
    ToolChoice,
    ToolSpec,
    Usage,
)
from benchmate.model.openai_api import (
    BROKEN_TURNS,
    CHAT,
    OpenAI,
    Server,
    Told,
    check_choice,
    check_constraint,
    read_chat,
)
from benchmate.model.parts import check_parts
from benchmate.runtime.errors import InvalidInput, NotFound, Transient, Unavailable

REPAIRS = 1  # times that a model is asked again for a turn that could not be used


class LMDeploy(OpenAI):
    """The dialect of LMDeploy's api_server and, but for `generate` and `tokenize`, of its proxy.

    `thinking` None leaves it to the model's template whether it thinks. `routed_experts` asks for them with token
    ids; the server needs `--enable-return-routed-experts` for that, and `--logprobs-mode` for log probabilities.
    """

    name = "lmdeploy"
    attempts = 8  # over about half a minute, in which a server is started again

    def __init__(self, *, thinking: bool | None = None, routed_experts: bool = False) -> None:
        self.thinking, self.routed_experts = thinking, routed_experts

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
        """Return the next turn.

        The server drops a call of a tool that does not exist and answers with an empty turn, and passes on
        arguments that are no JSON. So a turn that cannot be used is asked for once more, saying why.
        """
        check_choice(tool_choice, tools)
        check_constraint(constraint)
        check_parts(messages)
        if constraint is not None:
            tool_choice = None  # `required` would replace the constraint
        asked, told, spent = list(messages), Told(on_text) if on_text else None, Usage()
        for repairs_left in range(REPAIRS, -1, -1):
            body = self.chat_body(server, asked, tools, sampling, constraint, tool_choice)
            answer = _normal(await self.ask(server, body, told), sampling, constraint)
            spent = _sum(spent, answer)
            try:
                reply = read_chat(answer, server, tools, constraint, tool_choice)
            except InvalidInput as error:
                cut_off = answer["choices"][0].get("finish_reason") == "length"
                if not repairs_left or cut_off or (told is not None and told.text):
                    raise
                asked = [*messages, Message(role="user", content=_complaint(error, tools))]
            else:
                return reply.model_copy(update={"usage": spent})
        raise AssertionError("unreachable")

    def chat_body(
        self,
        server: Server,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        sampling: Sampling,
        constraint: Constraint | None,
        tool_choice: ToolChoice | None,
    ) -> dict[str, Any]:
        """Return the request of a chat.

        A named tool is required by offering no other: LMDeploy's own form of it enforces nothing. A constraint
        binds from the first token on, so the model must not think before it.
        """
        named = [tool for tool in tools if tool.name == tool_choice]
        if named:
            tools, tool_choice = named, "required"
        body = super().chat_body(server, messages, tools, sampling, constraint, tool_choice)
        if named:
            body["parallel_tool_calls"] = False
        thinking = False if constraint is not None else self.thinking
        return body if thinking is None else body | {"chat_template_kwargs": {"enable_thinking": thinking}}

    async def generate(
        self, server: Server, ids: list[int], sampling: Sampling, constraint: Constraint | None
    ) -> list[Completion]:
        """Return `sampling.n` continuations, with the routed experts of the prompt and of what was drawn.

        LMDeploy's own interface for token ids has neither seed nor constraint; with one of them the ids go
        through its chat. Raises Unavailable (`no_token_ids`) from a proxy, which has no such interface.
        """
        check_constraint(constraint)
        seeded = sampling.seed is not None and sampling.temperature > 0

        async def sample(number: int) -> Completion:
            fields = self._drawing(sampling, number)
            if not seeded and constraint is None:
                body = {"input_ids": ids, **fields, "max_tokens": sampling.max_tokens}
                gathered = await server.stream(
                    "/generate", body | {"stream": True}, lambda: _Drawn(server.name)
                )
            else:
                body = {
                    "model": server.name,
                    "messages": [],
                    "input_ids": ids,
                    "return_token_ids": True,
                    **fields,
                }
                body |= {"max_completion_tokens": sampling.max_tokens, "stream": True}
                body |= {"chat_template_kwargs": {"enable_thinking": False}}
                body |= {"stream_options": {"include_usage": True}}
                if constraint is not None:
                    body["response_format"] = self.response_format(constraint)
                gathered = await server.stream(CHAT, body, lambda: _DrawnByChat(server.name))
            return _completion(gathered, ids, sampling, server)

        try:
            return list(await asyncio.gather(*(sample(number) for number in range(sampling.n))))
        except NotFound as error:
            raise _no_route(server, error) from error

    async def tokenize(self, server: Server, text: str, special: bool) -> list[int]:
        """Return the token ids of `text`. Raises Unavailable (`no_token_ids`) where special tokens must stay text."""
        if not special and "<" in text:
            raise Unavailable(
                "no_token_ids", f"{server.name}: LMDeploy cannot read special tokens as plain text"
            )
        try:
            answer = await server.post("/v1/encode", {"input": text, "add_bos": False})
        except NotFound as error:
            raise _no_route(server, error) from error
        ids: list[int] = answer["input_ids"]
        return ids

    async def detokenize(self, server: Server, ids: list[int]) -> str:
        """Raise Unavailable (`no_token_ids`): LMDeploy turns no ids into text."""
        raise Unavailable(
            "no_token_ids",
            f"{server.name}: LMDeploy turns no token ids into text",
            hint="use the model's tokenizer",
        )

    def sampling_fields(self, sampling: Sampling) -> dict[str, Any]:
        """Return the sampling in the server's words, in full: what is left out comes from the model's own defaults."""
        fields = super().sampling_fields(sampling)
        fields["max_completion_tokens"] = fields.pop("max_tokens")
        return fields | {"top_k": sampling.top_k, "min_p": sampling.min_p, "repetition_penalty": 1.0}

    def _drawing(self, sampling: Sampling, number: int) -> dict[str, Any]:
        fields = self.sampling_fields(sampling)
        del fields["max_completion_tokens"]
        if sampling.seed is not None:
            fields["seed"] = sampling.seed + number
        fields |= {"include_stop_str_in_output": True, "skip_special_tokens": False}
        fields |= {"return_logprob": True} if sampling.logprobs else {}
        return fields | ({"return_routed_experts": True} if self.routed_experts else {})


class _Drawn:
    """A stream of `/generate`, put together. The stop token comes last, in an event of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text, self.ids = "", list[int]()
        self.logprobs: list[list[float]] = []  # [log probability, id] each
        self.routed_experts: Any = None
        self.finish_reason: str | None = None
        self.prompt_tokens = self.completion_tokens = 0
        self.stop_text: str | None = None

    def add(self, event: dict[str, Any]) -> None:
        """Take the next event. Raises Transient (`bad_server_answer`) for one of another shape."""
        try:
            self.take(event)
        except (AttributeError, KeyError, TypeError) as error:
            raise Transient(
                "bad_server_answer", f"{self.name}: the server streamed nonsense: {error}"
            ) from error

    def take(self, event: dict[str, Any]) -> None:
        """Take the next event as LMDeploy writes it."""
        meta = event["meta_info"]
        self.prompt_tokens = meta.get("prompt_tokens") or self.prompt_tokens
        self.completion_tokens = meta.get("completion_tokens") or self.completion_tokens
        ended = (meta.get("finish_reason") or {}).get("type")
        self.step(
            event["text"],
            event["output_ids"],
            meta.get("output_token_logprobs"),
            meta.get("routed_experts"),
            ended,
        )

    def step(
        self, text: str, ids: list[int] | None, logprobs: Any, routed_experts: Any, ended: str | None
    ) -> None:
        """Take one step of the model."""
        self.ids += ids or []
        self.logprobs += logprobs or []
        self.routed_experts = routed_experts if routed_experts is not None else self.routed_experts
        self.finish_reason = ended or self.finish_reason
        if ended == "stop":
            self.stop_text = text
        else:
            self.text += text

    def answer(self) -> _Drawn:
        """Return this. Raises Transient when the stream had no end."""
        if self.finish_reason is None:
            raise Transient("bad_server_answer", f"{self.name}: the server broke off its stream")
        if self.finish_reason in BROKEN_TURNS:
            raise Transient("model_aborted", f"{self.name}: the server broke off: {self.finish_reason}")
        return self


class _DrawnByChat(_Drawn):
    """The same, from a streamed chat over token ids."""

    def take(self, event: dict[str, Any]) -> None:
        """Take the next chunk."""
        used = event.get("usage") or {}
        self.prompt_tokens = used.get("prompt_tokens") or self.prompt_tokens
        self.completion_tokens = used.get("completion_tokens") or self.completion_tokens
        for choice in event.get("choices") or []:
            delta = choice.get("delta") or {}
            text = (delta.get("reasoning_content") or "") + (delta.get("content") or "")
            self.step(
                text, choice.get("output_ids"), choice.get("output_token_logprobs"), choice.get("routed_experts"),
                choice.get("finish_reason"),
            )  # fmt: skip


def _completion(drawn: _Drawn, prompt: list[int], sampling: Sampling, server: Server) -> Completion:
    ids, logprobs = list(drawn.ids), [pair[0] for pair in drawn.logprobs]
    if drawn.stop_text in sampling.stop:  # a stop string of the caller's is none of the model's tokens
        ids, logprobs = ids[:-1], logprobs[:-1]
    if sampling.logprobs and len(logprobs) != len(ids):
        raise Transient(
            "bad_server_answer",
            f"{server.name}: {len(logprobs)} log probabilities came for {len(ids)} tokens",
        )
    text, _ = _until(drawn.text, sampling)
    return Completion(
        text=text,
        ids=ids,
        logprobs=logprobs if sampling.logprobs else None,
        prompt_ids=prompt,
        routed_experts=drawn.routed_experts,
        finish_reason=drawn.finish_reason or "unknown",
        usage=Usage.of(drawn.prompt_tokens or len(prompt), drawn.completion_tokens or len(ids)),
        model=server.name,
        version=server.version,
    )


def _normal(answer: dict[str, Any], sampling: Sampling, constraint: Constraint | None) -> dict[str, Any]:
    """Return the answer with its text where it belongs, and ended where the caller wanted it to.

    A model that thinks although it was told not to writes what the constraint admits into its reasoning. Of the
    stop strings LMDeploy knows those that are one token each, and ignores the others.
    """
    choice = dict(answer["choices"][0])
    turn = dict(choice["message"])
    if constraint is not None and not turn.get("content") and turn.get("reasoning_content"):
        turn["content"] = turn.pop("reasoning_content")
    text, stopped = _until(turn.get("content") or "", sampling)
    if stopped:
        turn["content"], choice["finish_reason"] = text, "stop"
    return answer | {"choices": [choice | {"message": turn}]}


def _until(text: str, sampling: Sampling) -> tuple[str, bool]:
    """Return the text up to the first stop string in it, and whether there was one."""
    places = [place for stop in sampling.stop if (place := text.find(stop)) >= 0]
    return (text[: min(places)], True) if places else (text, False)


def _sum(spent: Usage, answer: dict[str, Any]) -> Usage:
    used = answer.get("usage") or {}
    return Usage.of(
        spent.prompt_tokens + (used.get("prompt_tokens") or 0),
        spent.completion_tokens + (used.get("completion_tokens") or 0),
    )


def _complaint(error: InvalidInput, tools: Sequence[ToolSpec]) -> str:
    said = [f"Your last turn was not usable: {error.info.message}."]
    if error.info.hint and "max_tokens" not in error.info.hint:
        said.append(f"({error.info.hint})")
    if tools:
        said.append(f"The tools are {', '.join(tool.name for tool in tools)}; arguments are one JSON object.")
    return " ".join([*said, "Take the turn again."])


def _no_route(server: Server, error: NotFound) -> Unavailable:
    return Unavailable(
        "no_token_ids",
        f"{server.name}: LMDeploy's proxy passes no token ids on: {error.info.message}",
        hint="name the api_servers behind it in the profile's base_url and endpoints",
    )
