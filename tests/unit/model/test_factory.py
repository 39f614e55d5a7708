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


def cast(**roles: str) -> Settings:
    """Return settings of a deployment whose roles are filled by the profiles `big`, `qwen` and `small`."""
    here = {"engine": "http", "template": "server", "base_url": "http://127.0.0.1:1"}
    return Settings(
        profile="lab",
        profiles={
            "lab": ModelProfile(**here, model="internlm/Intern-S1-Pro", judges=True, plans=True, roles=roles),
            "big": ModelProfile(**here, model="internlm/Intern-S1", judges=True, max_completion_tokens=99),
            "qwen": ModelProfile(**here, model="Qwen/Qwen3-235B-A22B", judges=True, thinking=False),
            "small": ModelProfile(**here, model="Llama-3-8B"),
        },
    )


def test_a_role_without_a_profile_of_its_own_is_the_profiles_model() -> None:
    engine = make_engine(cast(planner="big"))
    assert engine.role("planner").name == "internlm/Intern-S1" and engine.role("planner").max_tokens == 99
    assert engine.role("specialist") is engine is engine.role("writer")


@pytest.mark.parametrize(
    ("roles", "verifier"),
    [
        ({}, "internlm/Intern-S1-Pro"),
        ({"planner": "big"}, "internlm/Intern-S1-Pro"),  # of the same family
        ({"planner": "small"}, "internlm/Intern-S1-Pro"),  # not trusted to judge
        ({"planner": "small", "writer": "qwen"}, "Qwen/Qwen3-235B-A22B"),
        ({"specialist": "qwen", "planner": "big"}, "internlm/Intern-S1"),
        ({"planner": "qwen", "verifier": "big"}, "internlm/Intern-S1"),  # as the profile says
    ],
)
def test_the_verifier_prefers_a_model_of_another_family(roles: dict[str, str], verifier: str) -> None:
    assert make_engine(cast(**roles)).role("verifier").name == verifier


def test_a_profile_in_two_roles_is_one_engine_with_its_own_version() -> None:
    engine = make_engine(cast(planner="qwen", writer="qwen"), role_versions={})
    assert engine.role("planner") is engine.role("writer") is engine.role("verifier")
    assert engine.role("planner").version == "Qwen/Qwen3-235B-A22B (not thinking)"
    recorded = make_engine(cast(planner="qwen"), role_versions={"planner": "old"})
    assert recorded.role("planner").version == "old"


def test_a_role_of_an_unknown_profile_is_refused_at_once() -> None:
    with pytest.raises(InvalidInput, match="there is no profile 'qwn'.*did you mean 'qwen'"):
        make_engine(cast(planner="qwn"))


async def test_an_lmdeploy_profile_speaks_its_dialect_to_all_its_endpoints() -> None:
    settings = http(
        base_url="http://127.0.0.1:1", endpoints=("http://127.0.0.1:2",), dialect="lmdeploy", thinking=True
    )
    reply = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    with respx.mock:
        respx.post("http://127.0.0.1:1/v1/chat/completions").mock(side_effect=httpx.ConnectError("refused"))
        route = respx.post("http://127.0.0.1:2/v1/chat/completions")
        route.mock(return_value=httpx.Response(200, json=reply))
        assert (await make_engine(settings).chat(ASK, sampling=Sampling())).message.text == "hi"
    assert b'"enable_thinking":true' in route.calls.last.request.content
    assert make_engine(http(base_url="http://127.0.0.1:1", endpoints=("http://10.0.0.7",))).remote


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("internlm/Intern-S1-Pro", "intern"),
        ("Qwen/Qwen3-235B", "qwen"),
        ("gpt-4o", "gpt"),
        ("7b-chat", "7b-chat"),
    ],
)
def test_a_models_family_is_read_off_its_name(model: str, family: str) -> None:
    assert ModelProfile(model=model).kin == family
    assert ModelProfile(model=model, family="other").kin == "other"
