"""The one client of every model server: any OpenAI-compatible one, LMDeploy's, and llama.cpp's."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import ssl
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

import httpx
import tenacity

from benchmate.model.endpoints import CIRCUIT_OPEN, Endpoint, EndpointPool
from benchmate.model.engine import (
    ChatReply,
    Completion,
    Constraint,
    Message,
    Sampling,
    ToolChoice,
    ToolSpec,
)
from benchmate.model.openai_api import STREAM_BROKEN, Dialect, Gatherer, OpenAI
from benchmate.model.server_errors import answer_error
from benchmate.runtime.errors import InvalidInput, Transient

CONNECT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 20.0
NOT_REPEATED = (CIRCUIT_OPEN, STREAM_BROKEN)

_Answer = TypeVar("_Answer")


class HttpEngine:
    """An Engine behind HTTP. Its dialect says what the server understands beyond OpenAI's chat.

    Each request has its own connection, so one engine serves any number of event loops, and a server that
    closes idle connections breaks nothing. `timeout_seconds` is for one call with all its repetitions, once
    it has its turn; `concurrency` calls have it at a time. `more_urls` are further servers of the same model,
    which take over where one fails.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        version: str | None = None,
        dialect: Dialect | None = None,
        max_tokens: int = 512,
        timeout_seconds: float = 120.0,
        concurrency: int = 8,
        more_urls: Sequence[str] = (),
        attempts: int | None = None,
    ) -> None:
        self.name = model
        self.version = version or model
        self.dialect = dialect or OpenAI()
        self.max_tokens = max_tokens
        self.timeout_seconds = timeout_seconds
        self.concurrency = concurrency
        self.attempts = attempts or self.dialect.attempts
        urls = [url.rstrip("/").removesuffix("/v1") for url in (base_url, *more_urls)]
        self._pool = EndpointPool([Endpoint(url, api_key) for url in urls], open_after=2 * self.attempts)
        self._turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            weakref.WeakKeyDictionary()
        )

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
        """Return the next turn. Raises as Engine says."""
        return await self.dialect.chat(
            self, messages, tools, self._limited(sampling), constraint, tool_choice, on_text
        )

    async def generate(
        self, prompt: str | Sequence[int], *, sampling: Sampling, constraint: Constraint | None = None
    ) -> list[Completion]:
        """Return continuations. Raises Unavailable (`no_token_ids`) where the dialect has none."""
        ids = await self.tokenize(prompt) if isinstance(prompt, str) else list(prompt)
        return await self.dialect.generate(self, ids, self._limited(sampling), constraint)

    async def tokenize(self, text: str, special: bool = True) -> list[int]:
        """Return the token ids of `text`."""
        return await self.dialect.tokenize(self, text, special)

    async def detokenize(self, ids: Sequence[int]) -> str:
        """Return the text of token ids."""
        return await self.dialect.detokenize(self, list(ids))

    async def aclose(self) -> None:
        """Nothing stays open between calls."""

    async def endpoint(self) -> Endpoint:
        """Return where to ask now. An engine that starts its own server does so here."""
        return self._pool.choose()

    def answered(self) -> None:
        """Called after each good answer."""

    async def post(
        self, path: str, body: dict[str, Any], check: Callable[[Any], None] = lambda answer: None
    ) -> Any:
        """Return the JSON answer to a POST, repeated while that may help; `check` may find it to be none.

        Raises Transient, InvalidInput, NotFound or Unavailable for what the server answers instead.
        """

        async def once() -> Any:
            async with self._request(path, body) as response:
                await response.aread()
                answer: Any = _json(response)
                if (error := answer_error(response.status_code, answer, response.headers)) is not None:
                    raise error
                check(answer)
                return answer

        return await self._patiently(once)

    async def stream(self, path: str, body: dict[str, Any], gatherer: Callable[[], Gatherer]) -> Any:
        """POST, and return what a gatherer makes of the server-sent events. Each attempt has its own gatherer."""

        async def once() -> Any:
            gathered = gatherer()
            async with self._request(path, body) as response:
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    await response.aread()
                    raise answer_error(response.status_code, _json(response), response.headers) or Transient(
                        "bad_server_answer", f"{self.name}: the server did not stream"
                    )
                async for line in response.aiter_lines():
                    if (event := _event(line)) is None:
                        continue
                    if (error := answer_error(200, event, response.headers)) is not None:
                        raise error
                    gathered.add(event)
                return gathered.answer()

        return await self._patiently(once)

    def _limited(self, sampling: Sampling) -> Sampling:
        return sampling.model_copy(update={"max_tokens": sampling.max_tokens or self.max_tokens})

    @contextlib.asynccontextmanager
    async def _request(self, path: str, body: dict[str, Any]) -> AsyncIterator[httpx.Response]:
        where = await self.endpoint()
        headers = {"Authorization": f"Bearer {where.api_key}"} if where.api_key else {}
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        with self._pool.using(where), _typed_errors(where):
            async with (
                httpx.AsyncClient(timeout=timeout, verify=_tls(), trust_env=not where.local) as client,
                client.stream("POST", where.url + path, json=body, headers=headers) as response,
            ):
                yield response

    async def _patiently(self, once: Callable[[], Awaitable[_Answer]]) -> _Answer:
        repeated = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=_wait,
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, Transient) and error.code not in NOT_REPEATED
            ),
            reraise=True,
        )
        async with self._turn():
            try:
                async with asyncio.timeout(self.timeout_seconds):
                    answer: _Answer = await repeated(once)
            except TimeoutError as error:
                raise Transient(
                    "model_timeout",
                    f"{self.name} did not answer within {self.timeout_seconds:g} s",
                    hint="ask for fewer tokens, or raise the profile's timeout_seconds",
                ) from error
        self.answered()
        return answer

    def _turn(self) -> asyncio.Semaphore:
        return self._turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self.concurrency))


_backoff = tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT_SECONDS)


def _wait(state: tenacity.RetryCallState) -> float:
    """Return the seconds to wait: as long as the server asks, else a random time that doubles."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.info.details.get("retry_after", 0.0) if isinstance(error, Transient) else 0.0
    return max(min(asked, LONGEST_WAIT_SECONDS), _backoff(state))


@contextlib.contextmanager
def _typed_errors(where: Endpoint) -> Iterator[None]:
    """Raise what goes wrong on the way to a server as Transient or InvalidInput."""
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise InvalidInput(
            "bad_base_url", f"{where.url!r} is not the address of a server: {error}"
        ) from error
    except httpx.TransportError as error:
        raise Transient(
            "model_unreachable",
            f"the model server at {where.url} does not answer: {error or type(error).__name__}",
            hint="start it, or name another with a profile's base_url",
        ) from error
    except (httpx.DecodingError, json.JSONDecodeError) as error:
        raise Transient(
            "bad_server_answer", f"the model server at {where.url} broke off its answer: {error}"
        ) from error


@functools.cache
def _tls() -> ssl.SSLContext:
    """Return what connections are verified with. It reads all certificates, which takes longer than a request."""
    return httpx.create_ssl_context()


def _event(line: str) -> dict[str, Any] | None:
    """Return the event that a line of a stream holds, if any.

    LMDeploy's proxy says that a node died in a bare line of JSON, without `data:`.
    """
    data = line.removeprefix("data:").strip()
    if data == "[DONE]" or not (line.startswith("data:") or data.startswith("{")):
        return None
    event = json.loads(data)
    if not isinstance(event, dict):
        raise Transient("bad_server_answer", f"the model server streamed what is no event: {data[:200]}")
    return event


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:  # no JSON, or no text at all
        return response.text
