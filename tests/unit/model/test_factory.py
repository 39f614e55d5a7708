"""A profile becomes an engine, and nothing is started, read or asked for before its first real call."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from benchmate.model.embedded import embedded_version
from benchmate.model.engine import Message, Sampling
from benchmate.model.factory import make_engine
from benchmate.runtime.errors import InvalidInput, Unavailable
from benchmate.runtime.settings import ModelProfile, Settings

ASK = [Message(role="user", content="hello")]


def http(**fields: Any) -> Settings:
    profile = ModelProfile(**{"engine": "http", "model": "m", "template": "server", **fields})
    return Settings(profile="mine", profiles={"mine": profile})


async def test_the_embedded_model_is_missed_only_when_it_is_called(tmp_path: Path) -> None:
    engine = make_engine(Settings(cache_dir=tmp_path))
    assert (engine.name, engine.version) == ("SmolLM2-135M-Instruct", embedded_version())
    with pytest.raises(Unavailable, match="is not fetched yet.*benchmate model pull") as caught:
        await engine.chat(ASK, sampling=Sampling())
    assert caught.value.code == "model_not_fetched"
    await engine.aclose()


async def test_an_http_profile_reaches_its_server_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "k")
    engine = make_engine(
        http(base_url="http://10.0.0.7:23333/v1", api_key_env="MY_KEY", max_completion_tokens=77)
    )
    reply = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    with respx.mock:
        route = respx.post("http://10.0.0.7:23333/v1/chat/completions")
        route.mock(return_value=httpx.Response(200, json=reply))
        assert (await engine.chat(ASK, sampling=Sampling())).message.text == "hi"
        request = route.calls.last.request
    assert request.headers["authorization"] == "Bearer k" and b'"max_tokens":77' in request.content


def test_a_recordings_version_wins() -> None:
    assert make_engine(Settings(), version="from-the-recording").version == "from-the-recording"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (http(), "names no server"),
        (http(base_url="http://x", template="chatlm"), "no template 'chatlm'"),
        (
            Settings(profile="mine", profiles={"mine": ModelProfile(model="Llama")}),
            "the embedded model is SmolLM2-135M-Instruct",
        ),
        (Settings(profile="embeded"), "did you mean 'embedded'"),
    ],
)
def test_a_profile_that_cannot_work_is_refused_at_once(settings: Settings, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        make_engine(settings)


def test_only_a_server_elsewhere_is_remote() -> None:
    assert make_engine(http(base_url="http://10.0.0.7:23333/v1")).remote
    assert not make_engine(http(base_url="http://127.0.0.1:23333/v1")).remote
    assert not make_engine(Settings()).remote
