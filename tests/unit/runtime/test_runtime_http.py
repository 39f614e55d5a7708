"""HTTP: what the modes answer, what is recorded, and what a bad network turns into."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from benchmate.runtime import http as http_module
from benchmate.runtime.errors import (
    BenchmateError,
    InvalidInput,
    NotFound,
    Refused,
    StorageError,
    Transient,
    Unavailable,
)
from benchmate.runtime.http import HttpClient, retry_after
from benchmate.runtime.http_record import canonical_url, without_secrets
from benchmate.runtime.settings import Mode

URL = "https://example.org/compound"
FAST = {"example.org": 1000.0, "127.0.0.1": 1000.0}


class Server:
    """Answers from a list, the last one for ever, and remembers what it was asked."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return httpx.Response(200, json=answer)


@pytest.fixture
async def client(tmp_path) -> AsyncIterator[Callable[..., HttpClient]]:
    clients = []

    def make(server=None, mode=Mode.LIVE, **options) -> HttpClient:
        transport = httpx.MockTransport(server) if server is not None else None
        clients.append(HttpClient(mode, tmp_path / "record", rates=FAST, transport=transport, **options))
        return clients[-1]

    yield make
    for one in clients:
        await one.aclose()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(http_module, "_backoff", lambda state: 0.0)


@contextlib.asynccontextmanager
async def listening(*answers: bytes | float) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A real server on loopback that sends bytes as they are, then hangs up; a number is seconds to wait first."""
    seen: list[bytes] = []
    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        try:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            answer = answers[min(len(seen), len(answers)) - 1]
            if isinstance(answer, float):
                await asyncio.sleep(answer)
            else:
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"http://127.0.0.1:{port}/data", seen
        for task in serving:
            if task is not None:
                task.cancel()
        await asyncio.gather(*[task for task in serving if task is not None], return_exceptions=True)


GOOD = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n{"a": 1}'
HALF = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 800\r\n\r\n{"a": 1'
BUSY = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"


async def refused(awaitable, kind: type[BenchmateError], code: str) -> BenchmateError:
    with pytest.raises(kind) as caught:
        await awaitable
    assert caught.value.code == code
    return caught.value


# modes


async def test_live_asks_each_time_and_records(client, tmp_path):
    server = Server({"n": 1}, {"n": 2})
    live = client(server)
    assert [await live.get_json(URL) for _ in range(2)] == [{"n": 1}, {"n": 2}]
    offline = client(Server(RuntimeError("asked")), Mode.OFFLINE)
    assert await offline.get_json(URL) == {"n": 2}
    (file,) = (tmp_path / "record").iterdir()
    assert json.loads(file.read_text())["status"] == 200


async def test_recorded_asks_only_for_what_it_lacks(client):
    server = Server({"n": 1})
    recorded = client(server, Mode.RECORDED)
    responses = [await recorded.request("GET", URL) for _ in range(2)]
    assert [r.extensions["recorded"] for r in responses] == [False, True]
    assert responses[0].extensions["retrieved_at"] == responses[1].extensions["retrieved_at"]
    assert responses[0].content == responses[1].content and responses[0].headers == responses[1].headers
    assert len(server.requests) == 1


async def test_offline_says_what_it_lacks_and_never_asks(client):
    server = Server({"n": 1})
    error = await refused(client(server, Mode.OFFLINE).get_json(URL), Unavailable, "network_unavailable")
    assert URL in error.info.message and "recorded" in (error.hint or "")
    assert server.requests == []


async def test_replay_answers_nothing(client):
    server = Server({"n": 1})
    await client(server).get_json(URL)
    await refused(client(server, Mode.REPLAY).get_json(URL), Refused, "replay_network")
    assert len(server.requests) == 1


# the record


async def test_requests_that_mean_the_same_share_a_record(client):
    await client(Server({"n": 1})).get_json(f"{URL}?b=2", {"a": 1})
    offline = client(mode=Mode.OFFLINE)
    assert await offline.get_json(URL, {"a": 1, "b": 2, "c": None}) == {"n": 1}
    assert await offline.get_json(f"{URL}?a=1&b=2#part") == {"n": 1}


@pytest.mark.parametrize(
    "other",
    [
        ("GET", f"{URL}?a=2", {}),
        ("POST", f"{URL}?a=1", {}),
        ("POST", f"{URL}?a=1", {"json": {"x": 1}}),
        ("GET", f"{URL}?a=1", {"headers": {"accept": "text/csv"}}),
        ("GET", f"{URL}/?a=1", {}),
    ],
)
async def test_requests_that_differ_do_not(client, other):
    await client(Server({"n": 1})).request("GET", f"{URL}?a=1")
    method, url, options = other
    await refused(
        client(mode=Mode.OFFLINE).request(method, url, **options), Unavailable, "network_unavailable"
    )


async def test_secrets_are_sent_and_never_stored(client, tmp_path):
    server = Server(
        httpx.Response(
            302,
            headers={"location": f"{URL}/next?token=SECRET4&page=2", "set-cookie": "id=SECRET5"},
        ),
        {"n": 1},
    )
    await client(server).request(
        "GET",
        URL,
        params={"api_key": "SECRET2", "name": "aspirin"},
        headers={"authorization": "Bearer SECRET3", "x-api-key": "SECRET6"},
    )
    assert server.requests[0].url.params["api_key"] == "SECRET2"
    assert server.requests[0].headers["authorization"] == "Bearer SECRET3"
    await client(server).request("GET", "https://me:SECRET1@example.org/compound")
    stored = "".join(file.name + file.read_text() for file in (tmp_path / "record").iterdir())
    assert "SECRET" not in stored and "aspirin" in stored
    offline = client(mode=Mode.OFFLINE)
    assert (await offline.request("GET", URL, params={"name": "aspirin", "api_key": "other"})).json() == {
        "n": 1
    }


async def test_secrets_are_not_in_messages(client):
    server = Server(httpx.Response(400, text="bad api_key=SECRET&x=1"))
    url = "https://me:SECRET@example.org/compound?token=SECRET"
    for mode in (Mode.LIVE, Mode.OFFLINE, Mode.REPLAY):
        with pytest.raises(BenchmateError) as caught:
            await client(server, mode).get_json(url, {"API_KEY": "SECRET"})
        assert "SECRET" not in str(caught.value) and "example.org" in str(caught.value)


@pytest.mark.parametrize("content", [b"\x00\xff\xfe binary", "Größe µ".encode(), b""])
async def test_bodies_are_kept_to_the_byte(client, content):
    await client(Server(httpx.Response(200, content=content))).request("GET", URL)
    assert (await client(mode=Mode.OFFLINE).request("GET", URL)).content == content


async def test_a_compressed_answer_is_kept_as_what_it_says(client):
    import gzip

    server = Server()
    server.answers = [None]
    packed = gzip.compress(b'{"n": 1}')

    def answer(request):
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(packed))

    assert await client(answer).get_json(URL) == {"n": 1}
    assert await client(mode=Mode.OFFLINE).get_json(URL) == {"n": 1}


@pytest.mark.parametrize(
    "damage", [lambda t: t[:-20], lambda t: t.replace("aspirin", "ibuprofen"), lambda t: "{}"]
)
async def test_a_changed_record_is_told(client, tmp_path, damage):
    await client(Server({"name": "aspirin"})).get_json(URL)
    (file,) = (tmp_path / "record").iterdir()
    file.write_text(damage(file.read_text()))
    await refused(client(mode=Mode.OFFLINE).get_json(URL), StorageError, "record_damaged")


async def test_a_record_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    client = HttpClient(
        Mode.LIVE, tmp_path / "file" / "record", rates=FAST, transport=httpx.MockTransport(Server({}))
    )
    await refused(client.get_json(URL), StorageError, "storage_denied")
    await client.aclose()


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.text("xyz &=", max_size=3)), max_size=5), st.randoms(),
    st.text("st&= ", max_size=5),
)  # fmt: skip
def test_canonical_urls_keep_the_query_whatever_its_order(items, random, secret):
    shuffled = [*items, ("token", secret)]
    random.shuffle(shuffled)
    canonical = canonical_url(httpx.URL(URL, params=shuffled))
    assert canonical == canonical_url(httpx.URL(URL, params=items))
    assert sorted(httpx.URL(canonical).params.multi_items()) == sorted(items)


def test_secrets_are_blanked_in_text():
    assert without_secrets("x?API_KEY=abc&n=1; token=def") == "x?API_KEY=&n=1; token="
    assert without_secrets("http://me:abc@host/a@b") == "http://host/a@b"


# answers


class Answer(BaseModel):
    n: int


async def test_an_answer_is_checked(client):
    assert await client(Server({"n": 1, "more": 2})).get_json(URL, check=Answer) == Answer(n=1)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.Response(200, text="<html>maintenance</html>"), "not_json_answer"),
        ({"m": 1}, "unexpected_answer"),
    ],
)
async def test_an_answer_of_another_kind_is_told_and_not_kept(client, tmp_path, answer, code):
    error = await refused(client(Server(answer)).get_json(URL, check=Answer), Unavailable, code)
    assert URL in error.info.message
    assert list((tmp_path / "record").iterdir()) == []


@pytest.mark.parametrize(
    ("status", "kind", "code", "kept"),
    [
        (404, NotFound, "not_found_there", True),
        (410, NotFound, "not_found_there", True),
        (400, InvalidInput, "rejected_there", True),
        (403, InvalidInput, "rejected_there", False),
        (500, Transient, "server_error", False),
    ],
)
async def test_statuses_are_typed_errors(client, tmp_path, status, kind, code, kept):
    server = Server(httpx.Response(status, text="no   such\ncompound" + "!" * 500))
    error = await refused(client(server).get_json(URL), kind, code)
    assert "no such compound!" in error.info.message and len(error.info.message) < 300
    assert error.info.details == {"status": status}
    assert len(server.requests) == 1
    assert (tmp_path / "record").exists() is kept
    if kept:  # offline, the answer is the same
        await refused(client(mode=Mode.OFFLINE).get_json(URL), kind, code)


@pytest.mark.parametrize("url", ["ftp://example.org/x", "no url", "http://", "http://[::1"])
async def test_what_is_no_url_is_refused(client, url):
    await refused(client().get_json(url), InvalidInput, "bad_url")


async def test_redirects_are_followed_but_not_for_ever(client):
    server = Server(httpx.Response(302, headers={"location": URL}))
    await refused(client(server).get_json(URL), Unavailable, "unreadable_answer")


async def test_respx_works_underneath(client):
    with respx.mock:
        route = respx.get(URL, params={"a": "1"}).respond(json={"n": 1})
        assert await client().get_json(URL, {"a": 1}) == {"n": 1}
        assert route.call_count == 1


# trying again


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(429),
        httpx.Response(502),
        httpx.Response(503),
        httpx.Response(504),
    ],
)
async def test_trouble_that_passes_is_tried_again(client, trouble):
    server = Server(trouble, trouble, {"n": 1})
    assert await client(server).get_json(URL) == {"n": 1}
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("trouble", "kind", "code"),
    [
        (httpx.ConnectError("refused"), Unavailable, "network_unavailable"),
        (httpx.ConnectTimeout("no route"), Unavailable, "network_unavailable"),
        (httpx.ReadTimeout("slow"), Transient, "timed_out"),
        (httpx.ReadError("reset"), Transient, "connection_lost"),
        (httpx.Response(429), Transient, "rate_limited"),
        (httpx.Response(503), Transient, "server_error"),
    ],
)
async def test_trouble_that_stays_is_a_typed_error_and_not_recorded(client, tmp_path, trouble, kind, code):
    server = Server(trouble)
    await refused(client(server).get_json(URL), kind, code)
    assert len(server.requests) == http_module.ATTEMPTS
    assert not (tmp_path / "record").exists()


@pytest.mark.parametrize(
    ("trouble", "asked"),
    [
        (httpx.ReadError("reset"), 1),
        (httpx.Response(502), 1),
        (httpx.ConnectError("refused"), 2),
        (httpx.Response(503), 2),
    ],
)
async def test_a_post_is_sent_again_only_when_nothing_was_done(client, trouble, asked):
    server = Server(trouble, {"n": 1})
    with contextlib.suppress(BenchmateError):
        await client(server).request("POST", URL, json={"x": 1})
    assert len(server.requests) == asked
    assert {request.content for request in server.requests} == {b'{"x":1}'}


def test_retry_after_is_seconds_or_a_date():
    def header(text):
        return retry_after(httpx.Response(429, headers={"retry-after": text}))

    assert header("7") == 7
    assert header(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)) == pytest.approx(
        90, abs=3
    )
    assert header("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert header("soon") == header("") == 0


async def test_retry_after_beyond_the_deadline_is_not_waited_for(client):
    server = Server(httpx.Response(429, headers={"retry-after": "3600"}))
    await refused(client(server).get_json(URL), Transient, "rate_limited")
    assert len(server.requests) == 1


async def test_the_rate_is_kept(tmp_path):
    moments = []

    def answer(request):
        moments.append(time.monotonic())
        return httpx.Response(200, json={})

    client = HttpClient(
        Mode.LIVE, tmp_path, rates={"example.org": 50.0}, transport=httpx.MockTransport(answer)
    )
    await asyncio.gather(*[client.get_json(URL, {"n": n}) for n in range(6)])
    await client.aclose()
    assert moments[-1] - moments[0] >= 5 * 0.02 * 0.9  # never faster; how much slower is the machine's affair


# over a real socket


async def test_an_answer_over_loopback(client):
    async with listening(GOOD) as (url, seen):
        assert await client().get_json(url) == {"a": 1}
    assert b"user-agent: benchmate" in seen[0].lower()


async def test_half_an_answer_is_asked_for_again(client):
    async with listening(HALF, b"", GOOD) as (url, seen):
        assert await client().get_json(url) == {"a": 1}
        assert len(seen) == 3


async def test_half_an_answer_is_never_taken_for_a_whole(client, tmp_path):
    async with listening(HALF) as (url, _):
        await refused(client().get_json(url), Transient, "connection_lost")
    assert not (tmp_path / "record").exists()


async def test_a_busy_server_is_given_its_time(client):
    async with listening(BUSY, GOOD) as (url, seen):
        begun = time.monotonic()
        assert await client().get_json(url) == {"a": 1}
        assert time.monotonic() - begun >= 1.0
        assert len(seen) == 2


async def test_a_slow_answer_ends_at_the_deadline(client):
    async with listening(60.0) as (url, _):
        await refused(client(deadline=0.3).get_json(url), Transient, "timed_out")


async def test_nobody_listening_is_no_network(client):
    async with listening(GOOD) as (url, _):
        pass
    error = await refused(client().get_json(url), Unavailable, "network_unavailable")
    assert "offline" in (error.hint or "")


async def test_proxies_of_the_environment_are_used(client, monkeypatch):
    async with listening(GOOD) as (url, seen):
        monkeypatch.setenv("HTTP_PROXY", url.removesuffix("/data"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert await client().get_json("http://example.org/compound") == {"a": 1}
    assert seen[0].startswith(b"GET http://example.org/compound ")
    assert os.environ["HTTP_PROXY"]
