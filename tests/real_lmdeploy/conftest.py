"""LMDeploy's real server on this machine, alone and behind its real proxy. `make test-lmdeploy` runs these tests."""

import time
from collections.abc import Iterator

import httpx
import pytest
from lmdeploy_servers import KEY, Servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    running = Servers(tmp_path_factory.mktemp("lmdeploy"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def proxy(servers: Servers) -> str:
    """LMDeploy's proxy."""
    return servers.start(
        "proxy", "-m", "lmdeploy", "serve", "proxy", "--server-name", "127.0.0.1", "--server-port", "{port}",
        "--disable-cache-status", path="/nodes/status",
    )  # fmt: skip


@pytest.fixture(scope="session")
def direct(servers: Servers, proxy: str) -> str:
    """A server that the proxy knows too."""
    url = servers.server("tiny", "--tool-call-parser", "qwen3", "--proxy-url", proxy)
    give_up = time.monotonic() + 60
    while "tiny" not in httpx.get(f"{proxy}/v1/models", trust_env=False).text:
        assert time.monotonic() < give_up, servers.log("proxy")
        time.sleep(0.3)
    return url


@pytest.fixture(params=["direct", "proxy"])
def url(request: pytest.FixtureRequest, direct: str, proxy: str) -> str:
    """The server, spoken to directly and through the proxy."""
    return {"direct": direct, "proxy": proxy}[request.param]


@pytest.fixture(scope="session")
def mortal(servers: Servers, proxy: str) -> str:
    """A second server, with a key and another tool parser, known to the proxy too. One test kills it."""
    return servers.server(
        "mortal", "--tool-call-parser", "intern-s1", "--proxy-url", proxy, "--api-keys", KEY
    )
