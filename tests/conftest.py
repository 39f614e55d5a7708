"""What every test runs under: no network, folders of its own, and hypothesis without a clock."""

import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

NAMES_A_HOST = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
SENDS_TO_AN_ADDRESS = {"socket.connect", "socket.sendto", "socket.sendmsg"}

# Some tests need another environment, which these commands make and name: `make test-lmdeploy`, `make validate-crates`.
OTHER_ENVIRONMENTS = {"real_lmdeploy": "LMDEPLOY_PYTHON", "validated_crates": "CRATE_VALIDATOR_PYTHON"}
collect_ignore = [folder for folder, name in OTHER_ENVIRONMENTS.items() if not os.environ.get(name)]

_guarded = False


class NetworkUsed(RuntimeError):
    """A test reached for the network. Not an OSError, lest the code under test take it for being offline."""

    def __init__(self, host: object) -> None:
        super().__init__(
            f"a test tried to reach the network at {host!r}: record the answer or serve it on loopback"
        )


def is_here(host: str | bytes | None, *, listening: bool = False) -> bool:
    """Whether `host` is this machine: loopback by name or address, or, to listen on, the wildcard address."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or (listening and address.is_unspecified)


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise NetworkUsed for whatever Python's sockets do beyond loopback and Unix sockets.

    As an audit hook it also sees functions that were imported before the tests began. It does not see sockets
    opened by C libraries, nor by processes that a test starts.
    """
    if not _guarded or not event.startswith("socket."):
        return
    if event in NAMES_A_HOST:
        if not is_here(arguments[0], listening=True):
            raise NetworkUsed(arguments[0])
    elif event == "socket.getnameinfo":
        if not is_here(arguments[0][0]):
            raise NetworkUsed(arguments[0])
    elif event in SENDS_TO_AN_ADDRESS:
        sender, address = arguments
        if address is None or sender.family == getattr(socket, "AF_UNIX", None):
            return
        internet = sender.family in (socket.AF_INET, socket.AF_INET6)
        if not (internet and is_here(address[0])):
            raise NetworkUsed(address)


sys.addaudithook(guard)


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Keep every test, and every fixture of any scope, off the network."""
    global _guarded
    _guarded = True
    yield
    _guarded = False


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the caches, data and runs of the person who runs the tests out of them."""
    base = tmp_path_factory.mktemp("benchmate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHMATE_FETCH_MODEL", "false")
        for name in ("CACHE_DIR", "DATA_DIR", "RUNS_DIR"):
            patch.setenv(f"BENCHMATE_{name}", str(base / name.lower()))
        yield


@pytest.fixture
def inline_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools run where they are called: for tests that are not about processes."""
    from benchmate.runtime.workers import WorkerPool

    async def inline(
        self: Any, function: Callable[..., Any], *args: Any, timeout: float | None = None
    ) -> Any:
        return function(*args)

    monkeypatch.setattr(WorkerPool, "run", inline)
    monkeypatch.setattr(WorkerPool, "warm", lambda self: None)
