"""One canonical form for everything that is hashed: RFC 8785 JSON, floats at twelve significant digits."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import rfc8785
from pydantic import BaseModel

from benchmate.runtime.errors import InvalidInput

SIGNIFICANT_DIGITS = 12  # beyond any measurement, short of the last bits where platforms differ


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
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else _large(value)
    if isinstance(value, float):
        return canonical_float(value)
    if isinstance(value, BaseModel):
        return canonical_value(value.model_dump(mode="json"))
    if isinstance(value, dict):
        plain = {str(key): canonical_value(item) for key, item in value.items()}
        if len(plain) < len(value):
            raise InvalidInput("not_json", "two keys of a dict are the same text", hint="use text for keys")
        return plain
    if isinstance(value, (list, tuple)):
        return [canonical_value(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((canonical_value(item) for item in value), key=canonical_json)
    raise InvalidInput(
        "not_json",
        f"a {type(value).__name__} cannot be recorded",
        hint="return plain numbers, strings, lists and dicts",
    )


def _large(value: int) -> float | str:
    """Return an integer beyond 2**53 as a float when that loses nothing, as it is read back, or as text."""
    try:
        text = str(value)
    except ValueError:
        raise InvalidInput("not_json", "an integer has too many digits", hint="return it as text") from None
    exact = len(text.strip("-0")) <= SIGNIFICANT_DIGITS and len(text) < 300
    return canonical_float(float(value)) if exact else text


def canonical_json(value: Any) -> str:
    """Return the one canonical JSON text of `value` (RFC 8785: sorted keys, shortest floats, no spaces).

    What is read back from it has the same canonical text. Raises InvalidInput (`not_json`, `not_finite`).
    """
    plain = canonical_value(value)
    try:
        return rfc8785.dumps(plain).decode()
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
