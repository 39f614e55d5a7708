"""The engine of the profile in force."""

from __future__ import annotations

import os
from collections.abc import Mapping

import httpx

from benchmate.model.embedded import EmbeddedEngine, embedded_version
from benchmate.model.engine import RecordedEngine
from benchmate.model.http_engine import HttpEngine
from benchmate.model.llama_cpp import LlamaCpp
from benchmate.model.lmdeploy_api import LMDeploy
from benchmate.model.openai_api import Dialect, OpenAI
from benchmate.model.pull import MODEL
from benchmate.model.renderer import renderer
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.settings import ModelProfile, Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def make_engine(
    settings: Settings, *, version: str | None = None, role_versions: Mapping[str, str] | None = None
) -> RecordedEngine:
    """Return the engine of `settings.model`, with those of its roles. Nothing is started or read before a first real call.

    `version` and `role_versions` are those that a recording names, for a resume or a replay; None takes the profiles'
    own. Raises InvalidInput (`unknown_profile`, `unknown_template`, `unknown_model`, `no_base_url`).
    """
    known = role_versions or {}
    engines: dict[tuple[str, str | None], RecordedEngine] = {}
    roles: dict[str, RecordedEngine] = {}
    for role, name in settings.roles.items():
        if name != settings.profile:  # a profile that fills two roles is one engine
            key = (name, known.get(role))
            engines[key] = engines.get(key) or _engine(settings, name, known.get(role), {})
            roles[role] = engines[key]
    return _engine(settings, settings.profile, version, roles)


def _engine(
    settings: Settings, name: str, version: str | None, roles: Mapping[str, RecordedEngine]
) -> RecordedEngine:
    profile = settings.named(name)
    renderer(profile.template)
    if profile.engine == "embedded":
        if profile.model != MODEL:
            raise InvalidInput(
                "unknown_model",
                f"the embedded model is {MODEL}, not {profile.model}",
                hint="another model needs a server: a profile with engine = 'http' and its base_url",
            )
        own = settings.model_copy(update={"profile": name})
        return RecordedEngine(
            lambda: EmbeddedEngine(own),
            name=MODEL,
            version=version or embedded_version(),
            max_tokens=profile.max_completion_tokens,
            roles=roles,
        )
    if profile.base_url is None:
        raise InvalidInput("no_base_url", f"the profile {name!r} names no server", hint="set its base_url")
    base_url = profile.base_url

    def connect() -> HttpEngine:
        return HttpEngine(
            base_url,
            profile.model,
            api_key=os.environ.get(profile.api_key_env) if profile.api_key_env else None,
            dialect=_dialect(profile),
            max_tokens=profile.max_completion_tokens,
            timeout_seconds=profile.timeout_seconds,
            concurrency=profile.concurrency,
            more_urls=profile.endpoints,
        )

    return RecordedEngine(
        connect,
        name=profile.model,
        version=version or _version(profile),
        max_tokens=profile.max_completion_tokens,
        remote=any(httpx.URL(url).host not in LOOPBACK for url in (base_url, *profile.endpoints)),
        roles=roles,
    )


def _dialect(profile: ModelProfile) -> Dialect:
    if profile.dialect == "lmdeploy":
        return LMDeploy(thinking=profile.thinking)
    return LlamaCpp() if profile.dialect == "llama.cpp" else OpenAI()


def _version(profile: ModelProfile) -> str:
    """Return what tells the profile's answers from those of the same model asked otherwise."""
    if profile.thinking is None:
        return profile.model
    return f"{profile.model} ({'' if profile.thinking else 'not '}thinking)"
