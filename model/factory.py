"""The engine of the profile in force."""

from __future__ import annotations

import os

import httpx

from benchmate.model.embedded import EmbeddedEngine, embedded_version
from benchmate.model.engine import RecordedEngine
from benchmate.model.http_engine import HttpEngine
from benchmate.model.pull import MODEL
from benchmate.model.renderer import renderer
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.settings import Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def make_engine(settings: Settings, *, version: str | None = None) -> RecordedEngine:
    """Return the engine of `settings.model`. Nothing is started or read before its first real call.

    `version` is the one that a recording names, for a resume or a replay; None takes the profile's own.
    Raises InvalidInput (`unknown_profile`, `unknown_template`, `unknown_model`, `no_base_url`).
    """
    profile = settings.model
    renderer(profile.template)
    if profile.engine == "embedded":
        if profile.model != MODEL:
            raise InvalidInput(
                "unknown_model",
                f"the embedded model is {MODEL}, not {profile.model}",
                hint="another model needs a server: a profile with engine = 'http' and its base_url",
            )
        return RecordedEngine(
            lambda: EmbeddedEngine(settings),
            name=MODEL,
            version=version or embedded_version(),
            max_tokens=profile.max_completion_tokens,
        )
    if profile.base_url is None:
        raise InvalidInput(
            "no_base_url", f"the profile {settings.profile!r} names no server", hint="set its base_url"
        )
    base_url = profile.base_url

    def connect() -> HttpEngine:
        return HttpEngine(
            base_url,
            profile.model,
            api_key=os.environ.get(profile.api_key_env) if profile.api_key_env else None,
            max_tokens=profile.max_completion_tokens,
            timeout_seconds=profile.timeout_seconds,
        )

    return RecordedEngine(
        connect,
        name=profile.model,
        version=version or profile.model,
        max_tokens=profile.max_completion_tokens,
        remote=httpx.URL(base_url).host not in LOOPBACK,
    )
