"""llama.cpp's own interface: token ids in and out, and answers that a grammar really constrains."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

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
from benchmate.model.openai_api import (
    OpenAI,
    Server,
    check_choice,
    check_constraint,
    check_text,
    message_json,
    tool_json,
)
from benchmate.runtime.errors import Transient

# Without this any white space may stand between JSON's tokens: a small model fills its limit with new lines.
COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_FINISH = {"eos": "stop", "word": "stop", "limit": "length"}


class LlamaCpp(OpenAI):
    """The dialect of llama.cpp's server. `slots` is how many samples it draws from one prompt at once."""

    name = "llama.cpp"

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots

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

        A constrained answer, or a call that must come, goes through /completion: the server's chat ignores
        `tool_choice`, and its grammar for `response_format` lets white space run on.
        """
        check_choice(tool_choice, tools)
        forced = constraint is None and tool_choice not in (None, "auto", "none")
        if forced:
            constraint = Constraint(
                json_schema=call_schema([t for t in tools if tool_choice in ("required", t.name)])
            )
        if constraint is None:
            return await super().chat(server, messages, tools, sampling, constraint, tool_choice, on_text)
        check_constraint(constraint)
        rendered = {
            "messages": [message_json(m) for m in messages],
            "tools": [tool_json(tool) for tool in tools],
        }
        prompt = (await server.post("/apply-template", rendered))["prompt"]
        answer = await server.post("/completion", {"prompt": prompt, **self._fields(sampling, constraint)})
        text, finish_reason = answer["content"], _finish(answer)
        check_text(text, finish_reason, constraint)
        message = Message(role="assistant", content=text)
        if forced:
            found = json.loads(text)
            order = sum(len(earlier.tool_calls) for earlier in messages)
            call = ToolCall(id=f"call_{order}", name=found["name"], arguments=found["arguments"])
            message = Message(role="assistant", tool_calls=(call,))
        elif on_text is not None:
            on_text(text)
        return ChatReply(
            message=message,
            finish_reason="tool_calls" if forced else finish_reason,
            usage=_usage(answer),
            model=server.name,
            version=server.version,
        )

    async def generate(
        self, server: Server, ids: list[int], sampling: Sampling, constraint: Constraint | None
    ) -> list[Completion]:
        """Return `sampling.n` continuations. One that the limit cut off says `length`, constrained or not."""
        check_constraint(constraint)
        fields = {"prompt": ids, "n_probs": 1, **self._fields(sampling, constraint)}
        batches = [min(self.slots, sampling.n - first) for first in range(0, sampling.n, self.slots)]
        seeds = [
            {} if sampling.seed is None else {"seed": sampling.seed + i * self.slots}
            for i in range(len(batches))
        ]
        answers = await asyncio.gather(
            *(
                server.post("/completion", fields | seed | ({"n_cmpl": size} if size > 1 else {}))
                for size, seed in zip(batches, seeds, strict=True)
            )
        )
        flat = [one for answer in answers for one in (answer if isinstance(answer, list) else [answer])]
        if len(flat) != sampling.n:
            raise Transient(
                "bad_server_answer", f"{server.name}: {sampling.n} samples were asked for, {len(flat)} came"
            )
        return [_completion(one, ids, sampling.logprobs, server) for one in flat]

    async def tokenize(self, server: Server, text: str, special: bool) -> list[int]:
        """Return the token ids of `text`."""
        answer = await server.post(
            "/tokenize", {"content": text, "add_special": False, "parse_special": special}
        )
        ids: list[int] = answer["tokens"]
        return ids

    async def detokenize(self, server: Server, ids: list[int]) -> str:
        """Return the text of token ids."""
        text: str = (await server.post("/detokenize", {"tokens": ids}))["content"]
        return text

    def sampling_fields(self, sampling: Sampling) -> dict[str, Any]:
        """Return the sampling in the server's words, in full: its own defaults truncate."""
        return super().sampling_fields(sampling) | {
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "cache_prompt": True,
        }

    def _fields(self, sampling: Sampling, constraint: Constraint | None) -> dict[str, Any]:
        fields = self.sampling_fields(sampling)
        fields["n_predict"] = fields.pop("max_tokens")
        if constraint is None:
            return fields
        if constraint.grammar is not None:
            return fields | {"grammar": constraint.grammar}
        return fields | {"json_schema": {**(constraint.json_schema or {}), "x-guidance": COMPACT}}


def call_schema(tools: Sequence[ToolSpec]) -> dict[str, Any]:
    """Return the JSON Schema of one call of one of the tools: `{"name": …, "arguments": {…}}`."""
    definitions: dict[str, Any] = {}
    calls = []
    for tool in tools:
        parameters = _own(tool.parameters, tool.name)
        definitions |= {f"{tool.name}.{name}": schema for name, schema in parameters.pop("$defs", {}).items()}
        parameters.setdefault("additionalProperties", False)
        calls.append(
            {
                "type": "object",
                "properties": {"name": {"const": tool.name}, "arguments": parameters},
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
        )
    return {"anyOf": calls, "$defs": definitions} if definitions else {"anyOf": calls}


def _own(schema: Any, name: str) -> Any:
    """Return the schema with its references under the tool's name: they count from a document's root."""
    if isinstance(schema, dict):
        return {
            key: value.replace("#/$defs/", f"#/$defs/{name}.", 1)
            if key == "$ref" and isinstance(value, str)
            else _own(value, name)
            for key, value in schema.items()
        }
    return [_own(item, name) for item in schema] if isinstance(schema, list) else schema


def _completion(answer: dict[str, Any], ids: list[int], logprobs: bool, server: Server) -> Completion:
    drawn = answer.get("completion_probabilities") or []
    return Completion(
        text=answer["content"],
        ids=[token["id"] for token in drawn],
        logprobs=[token["logprob"] for token in drawn] if logprobs else None,
        prompt_ids=ids,
        finish_reason=_finish(answer),
        usage=_usage(answer),
        model=server.name,
        version=server.version,
    )


def _finish(answer: dict[str, Any]) -> str:
    return _FINISH.get(answer["stop_type"], answer["stop_type"])


def _usage(answer: dict[str, Any]) -> Usage:
    return Usage.of(answer["tokens_evaluated"], answer["tokens_predicted"])
