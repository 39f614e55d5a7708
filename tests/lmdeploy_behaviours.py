"""What LMDeploy's server does: requests, and the answers recorded from the real one, in `data/lmdeploy/behaviours.json`.

The fake server of the unit tests replays them. `tests/real_lmdeploy` makes the same requests of the real server and
compares; with LMDEPLOY_RECORD=1 it writes the file anew.
"""

import json
import re
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "data" / "lmdeploy" / "behaviours.json"
LOGP = {"type": "function", "function": {"name": "logp", "parameters": {"type": "object", "properties": {}}}}


def chat(say: str, *, stream: bool = False, limit: int = 200, **fields: Any) -> dict[str, Any]:
    """Return a chat that the scripted server answers with `say`."""
    body: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": say}], "temperature": 0}
    body |= {"max_completion_tokens": limit} | fields
    return body | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def calls(*texts: str, after: str = "") -> str:
    """Return the marker of a turn that calls tools."""
    return f"⟦say:{after}</think>" + "".join(f"<tool_call>\n{text}\n</tool_call>" for text in texts) + "⟧"


GOOD = '{"name": "logp", "arguments": {"compound": "aspirin"}}'
SAID = "⟦say:let me see</think>about 1.2⟧"
CHATS: dict[str, dict[str, Any]] = {
    "text": chat(SAID),
    "text, streamed": chat(SAID, stream=True),
    "thinking without end": chat("⟦say:and on and on⟧"),
    "cut off": chat(SAID, limit=18),
    "call": chat(calls(GOOD), tools=[LOGP]),
    "call, streamed": chat(calls(GOOD), stream=True, tools=[LOGP]),
    "two calls": chat(calls(GOOD, GOOD), tools=[LOGP]),
    "call cut off by the stop token": chat(
        "⟦say:</think><tool_call>\n{\"name\": \"logp\", \"arguments\": {\"comp⟧", tools=[LOGP]
    ),
    "call cut off by the limit": chat(calls(GOOD), limit=50, tools=[LOGP]),
    "call with malformed arguments": chat(calls('{"name": "logp", "arguments": {oops}}'), tools=[LOGP]),
    "call of a tool that does not exist": chat(calls('{"name": "logP2", "arguments": {}}'), tools=[LOGP]),
    "call without arguments": chat(calls('{"name": "logp"}'), tools=[LOGP]),
    "engine out of memory": chat("⟦say:</think>half⟧⟦fail:OUT_OF_MEMORY⟧"),
    "engine out of memory, streamed": chat("⟦say:</think>half⟧⟦fail:OUT_OF_MEMORY⟧", stream=True),
    "engine crash": chat("⟦say:</think>half⟧⟦crash⟧"),
    "wrong model": chat("hi") | {"model": "huge"},
    "prompt over the context": chat("x" * 5000),
    "bad field": chat("hi") | {"temperature": "hot"},
}  # fmt: skip
DIRECT: dict[str, tuple[str, dict[str, Any]]] = {
    "encode": ("/v1/encode", {"input": "hi<|im_end|>", "add_bos": False}),
    "generate": (
        "/generate",
        {"prompt": "⟦say:so⟧", "max_tokens": 9, "temperature": 0, "stream": True, "include_stop_str_in_output": True,
         "skip_special_tokens": False},
    ),
}  # fmt: skip
REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    f"{way}: {name}": (way, "/v1/chat/completions", body) for way in ("direct", "proxy") for name, body in CHATS.items()
} | {f"direct: {name}": ("direct", path, body) for name, (path, body) in DIRECT.items()}  # fmt: skip


def normal(text: str) -> str:
    """Return an answer without what differs each time: ids and clocks."""
    text = re.sub(r"(chatcmpl-(?:tool-)?)\w+", r"\1ID", text)
    return re.sub(r'("created": ?)\d+', r"\g<1>0", text)


def recorded() -> dict[str, dict[str, Any]]:
    """Return the recorded answers by name: `status`, `type` and `text`."""
    answers: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    return answers
