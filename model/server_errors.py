"""What a model server's refusal means: statuses and bodies of the servers we know, as typed errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, Transient, Unavailable

PROXY_NODE_DEAD = 10402  # LMDeploy's proxy, inside an answer with status 200

# How servers say that a prompt is too long; the groups are its tokens and the context's, in either order.
_OVERFLOWS = (
    re.compile(
        r"request \((?P<prompt>\d+) tokens\) exceeds the available context size \((?P<context>\d+)"
    ),  # llama.cpp
    re.compile(
        r"Input length \((?P<prompt>\d+)\) must be smaller than .*context length \((?P<context>\d+)"
    ),  # LMDeploy
    re.compile(
        r"maximum context length is (?P<context>\d+) tokens.*?(?P<prompt>\d+) (?:input )?tokens"
    ),  # OpenAI, vLLM
)


def answer_error(status: int, body: Any, headers: Mapping[str, str]) -> BenchmateError | None:
    """Return the error that an answer is, or None. `body` is parsed JSON, or the text where it was none."""
    inner = body.get("error", body) if isinstance(body, dict) else {}
    if isinstance(inner, str):
        inner = {"message": inner}
    if status < 400 and isinstance(body, (dict, list)):
        if not isinstance(body, dict) or not (
            "error" in body or "error_code" in body or body.get("object") == "error"
        ):
            return None
        status = _number(inner.get("code") or inner.get("error_code")) or 500
    message = str(inner.get("message") or inner.get("text") or inner.get("detail") or body)[:500]
    details = {"status": status, "message": message}
    if (overflow := _overflow(inner, message)) is not None:
        return overflow
    if status < 400:
        return Transient(
            "bad_server_answer", f"the model server answered with no JSON: {message}", details=details
        )
    if status in (401, 403):
        return Unavailable(
            "model_denied", f"the model server refuses the key: {message}",
            hint="the profile's api_key_env names the variable that holds the key", details=details,
        )  # fmt: skip
    if status == 404:
        return NotFound(
            "no_such_model", f"the model server knows no such model or path: {message}",
            hint="compare the profile's model and base_url with the server's /v1/models", details=details,
        )  # fmt: skip
    if status in (408, 429, 503):
        return Transient(
            "model_busy", f"the model server is busy: {message}", details=details | _retry_after(headers)
        )
    if "not supported" in message:  # llama.cpp says so with status 500
        return InvalidInput(
            "unsupported_input", f"the model server cannot take this: {message}", details=details
        )
    if status >= 500:
        return Transient("model_server_error", f"the model server failed: {message}", details=details)
    return InvalidInput(
        "model_refused_request", f"the model server refuses the request: {message}", details=details
    )


def _overflow(inner: Mapping[str, Any], message: str) -> InvalidInput | None:
    sizes = {"prompt": inner.get("n_prompt_tokens"), "context": inner.get("n_ctx")}
    if None in sizes.values():
        found = next(filter(None, (pattern.search(message) for pattern in _OVERFLOWS)), None)
        if found is None:
            return None
        sizes = {name: int(size) for name, size in found.groupdict().items()}
    return InvalidInput(
        "context_overflow",
        f"the prompt has {sizes['prompt']} tokens, the model's context {sizes['context']}",
        hint="ask for less at once, or raise the profile's context_tokens",
        details=sizes,
    )


def _number(code: Any) -> int | None:
    number = int(code) if str(code).isdigit() else None
    return 502 if number == PROXY_NODE_DEAD else number


def _retry_after(headers: Mapping[str, str]) -> dict[str, float]:
    seconds = headers.get("retry-after", "")
    return {"retry_after": float(seconds)} if seconds.replace(".", "", 1).isdigit() else {}
