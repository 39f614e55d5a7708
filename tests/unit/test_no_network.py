"""Tests cannot reach the network. Addresses are of RFC 5737, RFC 3849 and RFC 6761: nobody answers there."""

import asyncio
import os
import socket
import threading
from _socket import socket as c_socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from socket import getaddrinfo as imported_before
from typing import Any

import httpx
import pytest

ELSEWHERE = ("192.0.2.1", 9)


def by_socket(
    use: Callable[[Any], object],
    family: int = socket.AF_INET,
    kind: int = socket.SOCK_STREAM,
    make: Any = socket.socket,
) -> Callable[[], None]:
    def reach() -> None:
        with closing(make(family, kind)) as opened:
            use(opened)

    return reach


def over_httpx() -> None:
    with httpx.Client(trust_env=False) as client:
        client.get("http://benchmate.invalid/")


async def over_httpx_async() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get("http://benchmate.invalid/")


REACHES: dict[str, Callable[[], object]] = {
    "create_connection": lambda: socket.create_connection(ELSEWHERE, timeout=1),
    "connect": by_socket(lambda s: s.connect(ELSEWHERE)),
    "connect_ex": by_socket(lambda s: s.connect_ex(ELSEWHERE)),
    "connect, IPv6": by_socket(lambda s: s.connect(("2001:db8::1", 9)), socket.AF_INET6),
    "connect, mapped address": by_socket(lambda s: s.connect(("::ffff:192.0.2.1", 9)), socket.AF_INET6),
    "connect, C class": by_socket(lambda s: s.connect(ELSEWHERE), make=c_socket),
    "sendto": by_socket(lambda s: s.sendto(b"?", ELSEWHERE), kind=socket.SOCK_DGRAM),
    "sendmsg": by_socket(lambda s: s.sendmsg([b"?"], [], 0, ELSEWHERE), kind=socket.SOCK_DGRAM),
    "getaddrinfo": lambda: socket.getaddrinfo("benchmate.invalid", 80),
    "getaddrinfo, bytes": lambda: socket.getaddrinfo(b"benchmate.invalid", 80),
    "getaddrinfo, imported before": lambda: imported_before("benchmate.invalid", 80),
    "gethostbyname": lambda: socket.gethostbyname("benchmate.invalid"),
    "gethostbyaddr": lambda: socket.gethostbyaddr("192.0.2.1"),
    "getnameinfo": lambda: socket.getnameinfo(ELSEWHERE, 0),
    "httpx": over_httpx,
    "httpx, async": lambda: asyncio.run(over_httpx_async()),
    "asyncio": lambda: asyncio.run(asyncio.open_connection("benchmate.invalid", 80)),
}


@pytest.mark.parametrize("reach", REACHES.values(), ids=REACHES.keys())
def test_every_way_out_is_refused(reach: Callable[[], object]) -> None:
    with pytest.raises(RuntimeError, match="a test tried to reach the network at"):
        reach()


@pytest.fixture(scope="module")
def refusal_seen_by_a_module_fixture() -> str:
    with pytest.raises(RuntimeError) as refusal:
        socket.getaddrinfo("benchmate.invalid", 80)
    return str(refusal.value)


def test_fixtures_of_a_wider_scope_are_refused_too(refusal_seen_by_a_module_fixture: str) -> None:
    assert "benchmate.invalid" in refusal_seen_by_a_module_fixture


def echo_once(server: socket.socket) -> threading.Thread:
    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(connection.recv(16))

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_is_open(host: str) -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        thread = echo_once(server)
        with socket.create_connection((host, server.getsockname()[1]), timeout=5) as client:
            client.sendall(b"here")
            assert client.recv(16) == b"here"
        thread.join()


def test_unix_sockets_are_open(tmp_path: Path) -> None:
    path = os.path.relpath(tmp_path / "s")  # such a path holds about 100 bytes
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        thread = echo_once(server)
        client.connect(path)
        client.sendall(b"here")
        assert client.recv(16) == b"here"
        thread.join()


def test_folders_are_the_tests_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("CACHE_DIR", "DATA_DIR", "RUNS_DIR"):
        assert Path(os.environ[f"BENCHMATE_{name}"]).is_relative_to(tmp_path_factory.getbasetemp())
