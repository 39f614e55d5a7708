"""Secrets: which there are, and texts without them, for what leaves the program as a log line or a span."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from benchmate.runtime.settings import Settings

REMOVED = "[removed]"
SHORT = 6  # characters; a shorter secret is removed where it stands as a word, not out of the middle of one
NO_SECRETS = frozenset({"", "0", "1", "true", "false", "yes", "no", "on", "off", "none", "null"})

_SECRET_NAME = re.compile(
    r"^(?!.*_ENV$).*?(?:(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?|_PASS|_PWD)(?:_|$)",
    re.IGNORECASE,
)  # but not ours that say which variable holds a key
_HEADERS_NAME = re.compile(r"HEADERS$", re.IGNORECASE)  # as OTEL_EXPORTER_OTLP_HEADERS: name=value,name=value
_WORD = "(?:api[-_ ]?key|access[-_ ]?key|auth[-_ ]?token|access[-_ ]?token|token|secret|client[-_ ]?secret|password|passwd)"
# What looks like a secret wherever it comes from. The first group stays.
_PATTERNS = (
    # An Authorization header, whatever its scheme, as a line, as JSON and as the repr of a dict or a pair of bytes.
    re.compile(r"(?i)((?:proxy-)?authorization['\"]?\s*[:=,]\s*(?:b?['\"])?)[^\s'\",;)\]}]+(?:[ \t]+[^\s'\",;)\]}]+)?"),
    re.compile(r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}"),
    re.compile(rf"(?i)((?:\bx-)?{_WORD}['\"]?\s*[:=]\s*(?:b?['\"])?)(?!\[removed\])[^\s'\",;&)\]}}]+"),
    re.compile(rf"(?i)(['\"](?:x-)?{_WORD}['\"],\s*(?:b?['\"]))[^'\"]+"),  # b'x-api-key', b'…'
    re.compile(r"(?i)((?:set-)?cookie['\"]?\s*[:=,]\s*(?:b?['\"])?)[^\r\n'\"]+"),
    re.compile(r"(?i)([?&](?:key|sig|signature|auth)=)[^&\s'\"]+"),
    re.compile(r"([a-z][a-z0-9+.-]*://[^\s/:@'\"]*:)[^\s/@'\"]+(?=@)", re.IGNORECASE),  # scheme://user:password@host
    re.compile(r"(?<![A-Za-z0-9])()(?:sk|pk|rk|hf|gh[pousr]|glpat|xox[abprs])[-_][A-Za-z0-9_-]{16,}"),  # well-known forms
)  # fmt: skip


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return the secrets that settings hold or name: SecretStr values, the variables of API keys, passwords in addresses."""
    found = [value for value in _secret_values(settings) if value not in NO_SECRETS]
    for profile in (settings.named(name) for name in {settings.profile, *settings.profiles}):
        if profile.api_key_env:
            found.append(os.environ.get(profile.api_key_env, ""))
        for address in (profile.base_url, *profile.endpoints):
            found += _passwords_in(address)
    for address in (settings.database, settings.telemetry.endpoint, settings.library.server):
        found += _passwords_in(address)
    return tuple(dict.fromkeys(value for value in found if value))


def without_secrets(text: str, known: Iterable[str] = ()) -> str:
    """Return the text with `[removed]` in the place of every secret.

    These are the `known` ones, the values of environment variables whose name says so (`…_KEY`, `…_TOKEN`, `…_SECRET`,
    `…_PASSWORD`), also as they stand in a URL, in JSON and in a repr, and whatever stands as a credential: authorization
    headers, bearer tokens, `password=…`, passwords in addresses.
    """
    values = {form for value in (*known, *_from_environment(os.environ)) for form in _forms(value)}
    for value in sorted(values, key=len, reverse=True):  # a secret that holds another one goes first
        if len(value) >= SHORT:
            text = text.replace(value, REMOVED)
        elif value in text:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", REMOVED, text)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{REMOVED}", text)
    return text


def _from_environment(variables: Mapping[str, str]) -> Iterator[str]:
    for name, value in variables.items():
        if _SECRET_NAME.search(name) and value.strip().lower() not in NO_SECRETS:
            yield value
        elif _HEADERS_NAME.search(name):
            for pair in value.split(","):
                header, _, said = pair.partition("=")
                if header.strip() and said.strip():
                    yield said.strip()
                    yield unquote(said).split()[-1]  # without the scheme before it


def _forms(value: str) -> Iterator[str]:
    """Yield a secret as it is, in the forms that texts give it, and, of one with several lines, each long line."""
    for one in {value, value.strip(), *(line for line in value.splitlines() if len(line) >= 16)}:
        if one:
            yield from {
                one,
                quote(one),
                quote(one, safe=""),
                unquote(one),
                json.dumps(one)[1:-1],
                repr(one)[1:-1],
            }


def _secret_values(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secret_values(getattr(value, name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _secret_values(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _secret_values(one)


def _passwords_in(address: str | None) -> list[str]:
    try:
        password = urlsplit(address or "").password
    except ValueError:
        return []
    return [unquote(password), password] if password else []
