"""A server on loopback that replays what LMDeploy's real one was recorded to do, and breaks as servers break."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from lmdeploy_behaviours import recorded

HALF = 0.5  # of a streamed answer, when the server is killed in it
FAULTS = ("killed mid-stream", "reset", "garbage", "garbage mid-stream", "hang", "hang mid-stream", "500", "node dead",
          "node dead mid-stream", "wrong key")  # fmt: skip


class FakeLMDeploy:
    """Answers request after request with `plan`, recorded behaviours or FAULTS by name; the last one for ever."""

    def __init__(self, plan: list[str]) -> None:
        self.plan = plan
        self.requests: list[dict[str, Any]] = []
        self.left = 0  # requests whose client went away before the answer
        self._answers = recorded()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.splitlines()
                if line.lower().startswith(b"content-length")
            )
            self.requests.append(json.loads(await reader.readexactly(length)))
            step = self.plan[min(len(self.requests), len(self.plan)) - 1]
            await (self._fault(step, reader, writer) if step in FAULTS else self._replay(step, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _replay(self, name: str, writer: asyncio.StreamWriter) -> None:
        answer = self._answers[name]
        await _send(writer, answer["status"], answer["type"], answer["text"].encode())

    async def _fault(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = self._answers["direct: text, streamed"]["text"].encode()
        begun = stream[: int(len(stream) * 0.85)]  # the text has begun
        if name == "500":
            await _send(writer, 500, "text/plain", b"Internal Server Error")
        elif name == "wrong key":
            await _send(writer, 401, "application/json", b'{"error": "Unauthorized"}')
        elif name == "garbage":
            await _send(writer, 200, "application/json", b"\xff\xfe\x00\x80{]")
        elif name == "node dead":
            await _send(writer, 200, "application/json", json.dumps(NODE_DEAD).encode())
        elif name == "hang":
            await reader.read()
            self.left += 1
        elif name == "reset":
            writer.transport.abort()
        else:
            writer.write(_head(200, "text/event-stream", None) + begun)
            await writer.drain()
            if name == "garbage mid-stream":
                writer.write(b"\n\ndata: \xff\x00{[\n\n")
                await writer.drain()
            elif name == "node dead mid-stream":
                writer.write(b"\n\n" + json.dumps(NODE_DEAD).encode() + b"\n\n")
                await writer.drain()
            elif name == "hang mid-stream":
                await reader.read()
                self.left += 1
            else:
                await asyncio.sleep(0.02)
                writer.transport.abort()


NODE_DEAD = {"error_code": 10402, "text": "{'text': 'service unavailable, please retry later'}"}


def _head(status: int, media: str, length: int | None) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-type: {media}", "connection: close"]
    lines += [f"content-length: {length}"] if length is not None else []
    return "\r\n".join([*lines, "", ""]).encode()


async def _send(writer: asyncio.StreamWriter, status: int, media: str, body: bytes) -> None:
    writer.write(_head(status, media, len(body)) + body)
    await writer.drain()


@asynccontextmanager
async def fake_lmdeploy(*plan: str) -> AsyncIterator[FakeLMDeploy]:
    """Run a fake server."""
    server = FakeLMDeploy(list(plan))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
