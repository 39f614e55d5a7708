"""Tools as a third party brings them, found by an entry point when this folder is on the path; some misbehave.

What they keep lies in the folder that the variable OWN_TOOLS names.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

from benchmate.runtime.errors import InvalidInput, Transient
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import Source, ToolResult, tool

HERE = Source(kind="computed", name="own tools")


def kept() -> Path:
    return Path(os.environ["OWN_TOOLS"])


def remember(file: str, text: str) -> int:
    """Add a line to a file and return how many lines like it there are."""
    path = kept() / file
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"{text}\n")
    return path.read_text(encoding="utf-8").splitlines().count(text)


@tool(domain="library", effects={"write"})
def save_note(text: str) -> ToolResult:
    """Save a note outside the run.

    Args:
        text: What to save.
    """
    remember("saved", text)
    if (kept() / "kill").exists():
        (kept() / "kill").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return ToolResult(data={"saved": True}, source=HERE)


@tool(domain="library", effects={"read"}, labels={"untrusted"})
def read_page(topic: str) -> ToolResult:
    """Read what somebody else wrote on a topic.

    Args:
        topic: What to read about.
    """
    text = (kept() / "page").read_text(encoding="utf-8")
    return ToolResult(data={"text": text, "topic": topic}, source=HERE)


@tool(domain="library", effects={"read"}, labels={"private"})
def read_draft(topic: str) -> ToolResult:
    """Read what we have not published yet on a topic.

    Args:
        topic: What to read about.
    """
    return ToolResult(data={"text": "Our new salt melts early.", "topic": topic}, source=HERE)


@tool(domain="library", effects={"read"}, labels={"untrusted"})
def quote_page(topic: str) -> ToolResult:
    """Quote what somebody else wrote on a topic.

    Args:
        topic: What to read about.
    """
    text = (kept() / "page").read_text(encoding="utf-8")
    return ToolResult(data={"passages": [{"text": text, "source": topic}]}, source=HERE)


@tool(domain="general", properties={"double": "double, twice the number"})
def double_number(number: float) -> ToolResult:
    """Double a number that is not negative.

    Args:
        number: The number.
    """
    if number < 0:
        raise InvalidInput("negative", f"{number:g} is negative")
    return ToolResult(
        data={"even": number % 1 == 0},
        quantities={"double": Quantity(value=2 * number, property="double")},
        source=HERE,
    )


@tool(domain="general")
def succeed_later(name: str, failures: int) -> ToolResult:
    """Fail a number of times, then succeed.

    Args:
        name: Whose failures are counted.
        failures: How often to fail first.
    """
    times = remember("tries", name)
    if times <= failures:
        raise Transient("busy", f"{name} is busy")
    return ToolResult(data={"tries": times}, source=HERE)


@tool(domain="general", timeout=1)
def misbehave(how: str) -> ToolResult:
    """Do as told, mostly wrong.

    Args:
        how: hang, exit, segfault, memory, fault or fine.
    """
    match how:
        case "hang":
            time.sleep(600)
        case "exit":
            os._exit(3)
        case "segfault":
            ctypes.string_at(0)
        case "memory":
            bytearray(1 << 40)
        case "fault":
            raise ZeroDivisionError("a fault")
    return ToolResult(data={"how": how}, source=HERE)


@tool(domain="general", effects={"read"}, timeout=0.2)
def read_forever(place: str) -> ToolResult:
    """Wait for an answer that never comes.

    Args:
        place: Where to read.
    """
    time.sleep(3600)
    return ToolResult(data={"place": place}, source=HERE)
