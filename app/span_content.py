"""Messages, arguments and results as the conventions for generative AI write them, for spans that may hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def call_content(started: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that hold what a call was given, as data; `started` is the body of its `call.started`."""
    arguments = started["arguments"]
    if started["type"] == "tool":
        return {"gen_ai.tool.call.arguments": arguments}
    if "messages" in arguments:
        return {"gen_ai.input.messages": [_message(message) for message in arguments["messages"]]}
    prompt = arguments.get("prompt")
    parts = [_text(prompt)] if isinstance(prompt, str) else [{"type": "tokens", "content": prompt}]
    return {"gen_ai.input.messages": [{"role": "user", "parts": parts}]}


def reply_content(finished: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that hold what a call gave, as data; none for one that failed."""
    result = finished.get("result")
    if result is None:
        return {}
    if finished["type"] == "tool":
        return {"gen_ai.tool.call.result": result}
    if "completions" in result:
        replies = [
            {"role": "assistant", "parts": [_text(one["text"])], "finish_reason": one["finish_reason"]}
            for one in result["completions"]
        ]
        return {"gen_ai.output.messages": replies}
    message = _message(result["message"])
    if result.get("reasoning"):
        message["parts"] = [{"type": "reasoning", "content": result["reasoning"]}, *message["parts"]]
    return {"gen_ai.output.messages": [{**message, "finish_reason": result["finish_reason"]}]}


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content") or []
    pieces = [{"type": "text", "text": content}] if isinstance(content, str) else content
    # Of pictures and signals the journal has only the hash; a span says that they were there.
    parts = [_text(p["text"]) if p["type"] == "text" else {"type": p["type"]} for p in pieces]
    if message["role"] == "tool":
        told = "\n".join(part["content"] for part in parts if part["type"] == "text")
        parts = [{"type": "tool_call_response", "id": message.get("tool_call_id"), "response": told}]
    for call in message.get("tool_calls", ()):
        parts.append(
            {
                "type": "tool_call",
                "id": call["id"],
                "name": call["name"],
                "arguments": call.get("arguments", {}),
            }
        )
    return {"role": message["role"], "parts": parts}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "content": text}
