"""What the client costs beside the plain `openai` client on LMDeploy's real server, and what many chats at once do to memory.

Run: `python benchmarks/lmdeploy_client.py [CALLS] [--rounds N]` in an environment with `openai` installed beside this project, and
LMDEPLOY_PYTHON naming the interpreter of `make lmdeploy`. Both clients ask the same server for the same scripted answer in turns,
so that whatever else the machine does falls on both. The wall-clock seconds hold the server's work; the CPU seconds are the client's alone.
Then 64 chats with a tool call each, `--rounds` times, against the server's batch of four: how many came back with their own
call, and the resident memory of client and server after each round.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "real_lmdeploy"))
from lmdeploy_servers import Servers

from benchmate.model.engine import Message, Sampling, ToolSpec
from benchmate.model.http_engine import HttpEngine
from benchmate.model.lmdeploy_api import LMDeploy

WORDS = "The partition coefficient of aspirin between octanol and water is near 1.2, which is moderately lipophilic. "
ASKED = f"⟦say:</think>{WORDS * 2}⟧"  # a byte is a token
TOKENS = len((WORDS * 2).encode())
LOGP = ToolSpec(name="logp", parameters={"type": "object", "properties": {"compound": {"type": "string"}}})
AT_ONCE = 64

Ask = Callable[[], Awaitable[str]]


async def timed(ask: Ask) -> tuple[float, float]:
    """Return the wall-clock and this process's CPU seconds of one call."""
    begun, cpu = time.perf_counter(), time.process_time()
    text = await ask()
    spent = time.perf_counter() - begun, time.process_time() - cpu
    assert text.strip() == (WORDS * 2).strip(), text
    return spent


async def overhead(url: str, calls: int) -> None:
    """Print what a call of each client takes, whole and streamed, asked in turns."""
    from openai import AsyncOpenAI

    engine = HttpEngine(url, "tiny", dialect=LMDeploy(), max_tokens=500, timeout_seconds=120)
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=2, timeout=120)
    body: dict[str, Any] = {
        "model": "tiny", "messages": [{"role": "user", "content": ASKED}], "max_completion_tokens": 500, "temperature": 0,
    }  # fmt: skip

    async def plain() -> str:
        return (await client.chat.completions.create(**body)).choices[0].message.content or ""

    async def plain_streamed() -> str:
        text = ""
        async for chunk in await client.chat.completions.create(
            **body, stream=True, stream_options={"include_usage": True}
        ):
            if chunk.choices:
                text += chunk.choices[0].delta.content or ""
        return text

    async def ours() -> str:
        return (await engine.chat([Message(role="user", content=ASKED)], sampling=Sampling())).message.text

    async def ours_streamed() -> str:
        told: list[str] = []
        await engine.chat([Message(role="user", content=ASKED)], sampling=Sampling(), on_text=told.append)
        return "".join(told)

    print(f"{calls} calls of {TOKENS} tokens each, medians; ratios are of the medians")
    print(
        f"{'':10}{'openai ms':>12}{'ours ms':>10}{'ratio':>8}{'openai CPU ms':>16}{'ours CPU ms':>13}{'ratio':>8}"
    )
    for name, theirs, own in (("whole", plain, ours), ("streamed", plain_streamed, ours_streamed)):
        spent: dict[Ask, list[tuple[float, float]]] = {theirs: [], own: []}
        for number in range(calls + 3):
            for ask in (theirs, own) if number % 2 else (own, theirs):
                took = await timed(ask)
                if number >= 3:  # connections are open, modules are loaded
                    spent[ask].append(took)
        wall, cpu = ([median(t[k] for t in spent[ask]) * 1000 for ask in (theirs, own)] for k in (0, 1))
        print(
            f"{name:10}{wall[0]:12.1f}{wall[1]:10.1f}{wall[1] / wall[0]:8.3f}{cpu[0]:16.2f}{cpu[1]:13.2f}{cpu[1] / cpu[0]:8.3f}"
        )
        if name == "streamed":
            print(
                f"a streamed token: {(wall[1] - wall[0]) / TOKENS * 1000:+.1f} µs wall-clock, "
                f"{cpu[0] / TOKENS * 1000:.1f} → {cpu[1] / TOKENS * 1000:.1f} µs CPU"
            )
    await engine.aclose()
    await client.close()


async def load(url: str, process: int, rounds: int) -> None:
    """Print how many of 64 chats at once came back with their own call, and memory, round by round."""
    engine = HttpEngine(
        url, "tiny", dialect=LMDeploy(), max_tokens=500, timeout_seconds=600, concurrency=AT_ONCE
    )

    async def chat(number: int) -> bool:
        call = (
            f'<tool_call>\n{{"name": "logp", "arguments": {{"compound": "compound {number}"}}}}\n</tool_call>'
        )
        asked = [Message(role="user", content=f"⟦say:</think>{call}⟧")]
        reply = await engine.chat(asked, tools=[LOGP], sampling=Sampling())
        return [c.arguments for c in reply.message.tool_calls] == [{"compound": f"compound {number}"}]

    print(f"{AT_ONCE} chats at once with a tool call each, server batch 4")
    print(f"{'round':>5}{'right':>7}{'seconds':>9}{'client MB':>11}{'server MB':>11}")
    for number in range(1, rounds + 1):
        begun = time.perf_counter()
        right = sum(await asyncio.gather(*(chat(k) for k in range(AT_ONCE))))
        seconds = time.perf_counter() - begun
        print(f"{number:5}{right:7}{seconds:9.1f}{resident(os.getpid()):11.1f}{resident(process):11.1f}")
    await engine.aclose()


def resident(process: int) -> float:
    """Return the resident memory of a process in MB, as Linux tells it."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("calls", nargs="?", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        servers = Servers(Path(folder))
        try:
            url = servers.server("tiny", "--tool-call-parser", "qwen3")
            asyncio.run(overhead(url, options.calls))
            asyncio.run(load(url, servers.process("tiny"), options.rounds))
        finally:
            servers.stop()


if __name__ == "__main__":
    main()
