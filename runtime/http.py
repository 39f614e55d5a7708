"""The way to the network: polite, retried, recorded, and answered from the record when the mode says so."""

from __future__ import annotations

import asyncio
import json as json_text
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
from aiolimiter import AsyncLimiter
from pydantic import BaseModel, ValidationError
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, Refused, Transient, Unavailable
from benchmate.runtime.http_record import HttpRecord, without_secrets
from benchmate.runtime.settings import Mode

# Requests per second that operators ask for: https://pubchem.ncbi.nlm.nih.gov/docs/programmatic-access and
# https://www.ncbi.nlm.nih.gov/books/NBK25497/ (without an API key).
DEFAULT_RATES: dict[str, float] = {"pubchem.ncbi.nlm.nih.gov": 5.0, "eutils.ncbi.nlm.nih.gov": 3.0}
DEFAULT_RATE = 10.0
DEADLINE_SECONDS = 60.0  # for one request with all its retries
ATTEMPTS = 5
_BUSY = frozenset({429, 502, 503, 504})
_REFUSED_UNDONE = frozenset({429, 503})  # answers that say nothing was done, so that a POST may be sent again
_NOT_KEPT = frozenset({206, 401, 403, 407, 408, 425, 429})  # answers about this moment or this caller
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
_backoff = wait_random_exponential(multiplier=0.5, max=20)


class RecordingTransport(httpx.AsyncBaseTransport):
    """Answers from the record or from the network, as the mode says, and keeps what the network answered.

    Busy servers and lost connections are tried again, with jitter and as late as `Retry-After` says, up to
    the deadline. What cannot be answered raises this project's errors.
    """

    def __init__(
        self,
        mode: Mode,
        record_dir: Path,
        *,
        rates: Mapping[str, float] | None = None,
        deadline: float = DEADLINE_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`rates` are requests per second by host, beside DEFAULT_RATES; `transport` replaces the network."""
        self.mode = mode
        self.record = HttpRecord(record_dir)
        self.deadline = deadline
        self._rates = DEFAULT_RATES | dict(rates or {})
        self._limiters: dict[str, AsyncLimiter] = {}
        self._network = transport or _Network()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the complete answer.

        Raises Refused (`replay_network`), Unavailable (`network_unavailable`, `unreadable_answer`), Transient
        (`timed_out`, `connection_lost`), InvalidInput (`bad_url`) and StorageError.
        """
        shown = without_secrets(str(request.url))
        if self.mode is Mode.REPLAY:
            raise Refused("replay_network", f"a replay asks nobody, and {shown} was asked")
        await request.aread()
        if self.mode is not Mode.LIVE:
            recorded = self.record.find(request)
            if recorded is not None:
                return recorded
        if not self.mode.network:
            raise Unavailable(
                "network_unavailable",
                f"mode {self.mode.value} does not ask the network, and the record has no answer for {shown}",
                hint="use mode `recorded` or `live` to ask for it",
            )
        response = await self._ask(request, shown)
        if response.status_code >= 500 or response.status_code in _NOT_KEPT:
            return response
        return await asyncio.to_thread(self.record.keep, request, response)

    async def aclose(self) -> None:
        await self._network.aclose()

    async def _ask(self, request: httpx.Request, shown: str) -> httpx.Response:
        retrying = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(self.deadline),
            wait=_wait,
            retry=retry_if_exception_type(_TryAgain),
            reraise=True,
        )
        try:
            async with asyncio.timeout(self.deadline):
                answer: httpx.Response = await retrying(self._once, request)
                return answer
        except _TryAgain as again:
            if again.response is not None:
                return again.response
            raise network_error(again.error, shown) from again.error
        except httpx.RequestError as error:
            raise network_error(error, shown) from error
        except TimeoutError:
            raise Transient(
                "timed_out", f"{shown} did not answer within {self.deadline:g} s", hint="try again later"
            ) from None

    async def _once(self, request: httpx.Request) -> httpx.Response:
        repeatable = request.method in _REPEATABLE
        async with self._limiter(request.url.host):
            try:
                response = await self._network.handle_async_request(request)
                response.request = request
                try:
                    await response.aread()
                finally:
                    await response.aclose()
            except (httpx.UnsupportedProtocol, httpx.LocalProtocolError):
                raise
            except httpx.TransportError as error:
                if repeatable or isinstance(
                    error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
                ):
                    raise _TryAgain(error=error) from error
                raise
        if response.status_code in (_BUSY if repeatable else _REFUSED_UNDONE):
            raise _TryAgain(response=response)
        return response

    def _limiter(self, host: str) -> AsyncLimiter:
        if host not in self._limiters:
            rate = self._rates.get(host, DEFAULT_RATE)
            self._limiters[host] = AsyncLimiter(1, 1 / rate)  # evenly spaced: no bursts
        return self._limiters[host]


class HttpClient:
    """What tools ask the network with: JSON or whole responses, and typed errors instead of status codes."""

    def __init__(
        self,
        mode: Mode,
        record_dir: Path,
        *,
        rates: Mapping[str, float] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        self.transport = RecordingTransport(
            mode, record_dir, rates=rates, deadline=deadline, transport=transport
        )
        self._client = httpx.AsyncClient(
            transport=self.transport,
            follow_redirects=True,
            timeout=httpx.Timeout(30.0, connect=10.0),
            headers={"user-agent": "benchmate"},
        )

    @property
    def mode(self) -> Mode:
        return self.transport.mode

    async def get_json(
        self, url: str, params: Mapping[str, Any] | None = None, *, check: type[BaseModel] | None = None
    ) -> Any:
        """Return the JSON answer, as an instance of `check` when that is given.

        Raises as `request`, and Unavailable (`not_json_answer`, `unexpected_answer`) when the answer is of
        another kind; such an answer leaves the record.
        """
        response = await self.request("GET", url, params=params, headers={"accept": "application/json"})
        try:
            data = json_text.loads(response.content)
            return data if check is None else check.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            failure = Unavailable(
                "unexpected_answer",
                f"{_shown(response)} answered with other fields than expected: {where}: {first['msg']}",
                hint="the service may have changed its format",
            )
        except ValueError:
            failure = Unavailable(
                "not_json_answer", f"{_shown(response)} did not answer in JSON: {_short(response)}"
            )
        self.transport.record.forget(response.request)
        raise failure

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Return the answer; its `extensions` say when it was retrieved. `params` add to the URL's own query.

        Raises NotFound (`not_found_there`) for 404 and 410, InvalidInput (`rejected_there`) for other 4xx,
        Transient (`rate_limited`, `server_error`), and as `RecordingTransport.handle_async_request`.
        """
        try:
            address = httpx.URL(url)
            if params:
                address = address.copy_merge_params({k: v for k, v in params.items() if v is not None})
            response = await self._client.request(
                method, address, headers=headers, json=json, data=data, content=content
            )
        except httpx.InvalidURL as error:
            raise InvalidInput("bad_url", f"{without_secrets(url)!r} is not a URL: {error}") from None
        except httpx.RequestError as error:  # what the transport does not see: redirects that never end
            raise network_error(error, without_secrets(url)) from error
        if response.is_error:
            raise _status_error(response)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class _TryAgain(Exception):
    """A failure after which the same request may succeed."""

    def __init__(
        self, *, response: httpx.Response | None = None, error: httpx.RequestError | None = None
    ) -> None:
        super().__init__()
        self.response = response
        self.error = error


class _Network(httpx.AsyncBaseTransport):
    """The network as httpx reaches it by itself, with the proxies that the environment names."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None  # reading the certificates takes a while

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._client is None:
            self._client = httpx.AsyncClient()
        return await self._client.send(request, stream=True, follow_redirects=False)

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()


def _wait(state: RetryCallState) -> float:
    pause = float(_backoff(state))
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, _TryAgain) and failure.response is not None:
        pause = max(pause, retry_after(failure.response))
    return pause


def retry_after(response: httpx.Response) -> float:
    """Return the seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3), 0 when there is none."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def network_error(error: httpx.RequestError | None, shown: str) -> BenchmateError:
    """Return a failure below HTTP as a typed error."""
    why = str(error) or type(error).__name__
    match error:
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return InvalidInput("bad_url", f"{shown!r} cannot be asked: {why}")
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.ProxyError():
            return Unavailable(
                "network_unavailable",
                f"{shown} cannot be reached: {why}",
                hint="check the connection, or use mode `recorded` or `offline`",
            )
        case httpx.TimeoutException():
            return Transient("timed_out", f"{shown} did not answer in time: {why}", hint="try again later")
        case httpx.TransportError():
            return Transient("connection_lost", f"{shown} broke off: {why}", hint="try again later")
        case _:
            return Unavailable("unreadable_answer", f"{shown} answered in a way that cannot be read: {why}")


def _status_error(response: httpx.Response) -> BenchmateError:
    status, shown = response.status_code, _shown(response)
    said = f"{shown} answered {status}: {_short(response)}"
    details = {"status": status}
    if status in (404, 410):
        return NotFound("not_found_there", said, details=details)
    if status == 429:
        return Transient("rate_limited", said, hint="try again later, or lower the rate", details=details)
    if status >= 500:
        return Transient("server_error", said, hint="try again later", details=details)
    hint = "the service wants a key, or another one" if status in (401, 403) else None
    return InvalidInput("rejected_there", said, hint=hint, details=details)


def _shown(response: httpx.Response) -> str:
    return without_secrets(str(response.request.url))


def _short(response: httpx.Response) -> str:
    text = " ".join(without_secrets(response.text).split())
    return text if len(text) <= 200 else text[:197] + "..."
