"""One canonical form for everything that is hashed: RFC 8785 JSON, floats at twelve significant digits."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import rfc8785
from pydantic import BaseModel

from benchmate.runtime.errors import InvalidInput

SIGNIFICANT_DIGITS = 12  # beyond any measurement, short of the last bits where platforms differ
LONG = 100  # items; longer lists are rendered item by item, in little memory
_EXPONENT = re.compile(r"\de[-+]\d")
_HIGH = re.compile("[\ud800-\U0010ffff]")
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Canonical:
    """A value as its canonical JSON text, made once: inside another value it is taken over as it stands."""

    text: str

    @classmethod
    def reread(cls, value: Any) -> Canonical:
        """Return a value that was read from canonical JSON: nothing in it needs to be made canonical again."""
        text = _sure_text(value)
        return cls(canonical_json(value) if text is None else text)

    @property
    def value(self) -> Any:
        return json.loads(self.text)


def canonical_float(value: float) -> float:
    """Return `value` at twelve significant digits, with no negative zero.

    Raises InvalidInput (`not_finite`) for NaN and infinities, which JSON cannot hold.
    """
    if not math.isfinite(value):
        raise InvalidInput(
            "not_finite",
            f"{value} is not a finite number",
            hint="leave the field out or say why it is unknown",
        )
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0


def canonical_value(value: Any) -> Any:
    """Return `value` as plain JSON data in canonical form (dicts, lists, str, int, float, bool, None).

    Sets are sorted; pydantic models are dumped. Raises InvalidInput (`not_json`) for anything else.
    """
    return _plain(value, canonical_float)


def _plain(value: Any, number: Callable[[float], Any]) -> Any:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is float:
        return number(value)
    if kind is int and -(2**53) < value < 2**53:
        return value
    if kind is dict:
        plain = {key if type(key) is str else str(key): _plain(item, number) for key, item in value.items()}
        if len(plain) < len(value):
            raise InvalidInput("not_json", "two keys of a dict are the same text", hint="use text for keys")
        return plain
    if kind is list or kind is tuple:
        return [_plain(item, number) for item in value]
    return _plain_of_other(value, number)


def _plain_of_other(value: Any, number: Callable[[float], Any]) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else _large(value, number)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"), number)
    if isinstance(value, Canonical):
        return _plain(value.value, number)
    if isinstance(value, dict):
        return _plain(dict(value), number)
    if isinstance(value, (list, tuple)):
        return [_plain(item, number) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item, number) for item in value), key=canonical_json)
    raise InvalidInput(
        "not_json",
        f"a {type(value).__name__} cannot be recorded",
        hint="return plain numbers, strings, lists and dicts",
    )


def _json_number(value: float) -> float | int:
    """Return a canonical float as what `json` writes in canonical form; beyond 1e16 that is not sure."""
    rounded = canonical_float(value)
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e16 else rounded


def _large(value: int, number: Callable[[float], Any]) -> Any:
    """Return an integer beyond 2**53 as a float when that loses nothing, as it is read back, or as text."""
    try:
        text = str(value)
    except ValueError:
        raise InvalidInput("not_json", "an integer has too many digits", hint="return it as text") from None
    exact = len(text.strip("-0")) <= SIGNIFICANT_DIGITS and len(text) < 300
    return number(float(value)) if exact else text


def canonical_json(value: Any) -> str:
    """Return the one canonical JSON text of `value` (RFC 8785: sorted keys, shortest floats, no spaces).

    What is read back from it has the same canonical text. Raises InvalidInput (`not_json`, `not_finite`).
    """
    if isinstance(value, Canonical):
        return value.text
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, dict) and any(map(_apart, value.values())):
        return _joined(value)
    if isinstance(value, (list, tuple)) and (
        len(value) > LONG or any(isinstance(v, Canonical) for v in value)
    ):
        return f"[{','.join(map(canonical_json, value))}]"
    text = _sure_text(_plain(value, _json_number))
    return _exact_text(value) if text is None else text


def _sure_text(plain: Any) -> str | None:
    """Return the canonical text by the fast way, or None where `json` and RFC 8785 may part.

    They part in how an exponent is written, in the order of keys beyond U+D7FF, and over lone surrogates.
    """
    text = _ENCODER.encode(plain)
    if not text.isascii() and _HIGH.search(text):
        return None
    if ("e-" in text or "e+" in text) and _EXPONENT.search(text):
        return None
    return text


def _apart(value: Any) -> bool:
    """Return whether a value is rendered on its own: a text made before, or a list of which no copy should be made."""
    return isinstance(value, Canonical) or (isinstance(value, (list, tuple)) and len(value) > LONG)


def _joined(value: dict[Any, Any]) -> str:
    """Return the text of a dict, each value rendered on its own. RFC 8785 sorts keys by their UTF-16 units."""
    texts = _plain({key: None for key in value}, _json_number)
    items = dict(zip(texts, value.values(), strict=True))
    keys = sorted(items, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return f"{{{','.join(f'{canonical_json(key)}:{canonical_json(items[key])}' for key in keys)}}}"


def _exact_text(value: Any) -> str:
    try:
        return rfc8785.dumps(canonical_value(value)).decode()
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise InvalidInput(
            "not_json", f"a text is not Unicode: {error}", hint="replace what is broken"
        ) from None


def digest(*parts: Any, length: int = 64) -> str:
    """Return the first `length` hex digits of the SHA-256 of the parts' canonical JSON."""
    return hashlib.sha256(canonical_json(list(parts)).encode()).hexdigest()[:length]


def call_key(tool: str, version: str, arguments: Any) -> str:
    """Return the key under which a call is known in every run: H(tool, tool version, canonical arguments)."""
    return digest("call", tool, version, arguments, length=32)


def evidence_id(key: str, result: Any) -> str:
    """Return the id of a call's result: the same call with the same result has the same id everywhere."""
    return "E-" + digest("evidence", key, result, length=12)
