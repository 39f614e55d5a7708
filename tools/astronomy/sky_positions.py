"""Reading positions on the sky: degrees, or sexagesimal text in which hours and degrees are told apart, never guessed."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from benchmate.runtime.errors import InvalidInput

_NUMBER = r"\d+(?:\.\d+)?"
_SECONDS = rf"(?:(?P<s>{_NUMBER})\s*(?:s|\"|″|'')?)?"
_DECIMAL = re.compile(rf"(?P<sign>[-+]?)(?P<d>{_NUMBER})\s*(?P<unit>h|hours?|d|deg|degrees?|°)?")
_MARKED = re.compile(
    rf"(?P<sign>[-+]?)(?P<d>\d+)\s*(?P<unit>h|d|°)\s*(?:(?P<m>{_NUMBER})\s*(?:m|'|′)\s*{_SECONDS})?", re.I
)
_PLAIN = re.compile(rf"(?P<sign>[-+]?)(?P<d>\d+)[:\s](?P<m>{_NUMBER})(?:[:\s](?P<s>{_NUMBER}))?")
_HINT = "write '10.68458 +41.269' in degrees, '00h42m44.3s +41d16m09s', or '00:42:44.3 +41:16:09'"


class Position(NamedTuple):
    """A direction in degrees, how its text was read, and what had to be assumed."""

    longitude: float
    latitude: float
    notes: tuple[str, ...] = ()


class _Angle(NamedTuple):
    degrees: float
    form: str  # 'decimal', 'marked', or 'plain' where no unit was written beside sexagesimal digits
    hours: bool


def read_position(given: list[float] | str, *, equatorial: bool = True) -> Position:
    """Return the position: two numbers are degrees; a text may have hours of right ascension, if the frame is equatorial.

    Sexagesimal digits without marks ('00:42:44.3 +41:16:09') are hours of right ascension, as is the custom, and a note
    says so; in other frames they are degrees.

    Raises InvalidInput: `bad_position`, `ambiguous_angle`, `wrong_unit` (hours in a frame without right ascension),
    `out_of_range`.
    """
    if not isinstance(given, str):
        if len(given) != 2:
            raise InvalidInput("bad_position", f"a position has two numbers, not {len(given)}", hint=_HINT)
        return checked(given[0], given[1])
    first, second = _split(given)
    longitude, latitude = _angle(first), _angle(second)
    notes = []
    degrees = longitude.degrees
    if latitude.hours:
        raise InvalidInput(
            "wrong_unit", f"{second!r} is in hours, and the second angle is in degrees", hint=_HINT
        )
    if longitude.hours and not equatorial:
        raise InvalidInput(
            "wrong_unit", f"{first!r} is in hours, but only right ascension is counted in hours", hint=_HINT
        )
    if longitude.form == "plain" and equatorial:
        if degrees >= 24:
            raise InvalidInput(
                "ambiguous_angle", f"{first!r} has no unit: it is more than 24 hours, so it cannot be hours of right ascension",
                hint=f"write {_marked(first)} if it is in degrees",
            )  # fmt: skip
        degrees *= 15
        notes.append(
            f"{first} was read as hours of right ascension; write {_marked(first)} if degrees are meant"
        )
    elif longitude.hours:
        if degrees >= 24:
            raise InvalidInput(
                "out_of_range", f"{first!r} is no right ascension: hours run from 0 to 24", hint=_HINT
            )
        degrees *= 15
    return checked(degrees, latitude.degrees, tuple(notes))


def checked(longitude: float, latitude: float, notes: tuple[str, ...] = ()) -> Position:
    """Return the position in degrees. Raises InvalidInput (`out_of_range`)."""
    if not (math.isfinite(longitude) and -360 <= longitude <= 360):
        raise InvalidInput(
            "out_of_range", f"{longitude} deg is no longitude or right ascension", hint="0 to 360 deg"
        )
    if not (math.isfinite(latitude) and -90 <= latitude <= 90):
        raise InvalidInput(
            "out_of_range", f"{latitude} deg is no latitude or declination", hint="it runs from −90 to 90 deg"
        )
    return Position(longitude % 360, latitude, notes)


def sexagesimal(longitude: float, latitude: float) -> str:
    """Return a position in hours and degrees, to 0.001 s and 0.01 arcsec."""
    hours = round(longitude / 15 * 3_600_000) % 86_400_000
    arc = round(abs(latitude) * 360_000)
    h, rest = divmod(hours, 3_600_000)
    d, left = divmod(arc, 360_000)
    return (
        f"{h:02d}h{rest // 60_000:02d}m{rest % 60_000 / 1000:06.3f}s "
        f"{'-' if latitude < 0 else '+'}{d:02d}d{left // 6000:02d}m{left % 6000 / 100:05.2f}s"
    )


def _split(text: str) -> tuple[str, str]:
    plain = " ".join(text.replace("−", "-").replace("–", "-").split()).strip(" ()[]")
    named = re.sub(
        r"\b(?:RA|R\.A\.|dec|decl|right ascension|declination|lon|lat|[lb])\b\s*[=:]?\s*",
        " ",
        plain,
        flags=re.I,
    )
    parts = [p for p in re.split(r"\s*,\s*", named.strip(" ,")) if p]
    if len(parts) == 1:
        parts = [p for p in re.split(r"\s+(?=[-+])", parts[0], maxsplit=1) if p]
    if len(parts) == 1:
        words = parts[0].split()
        if len(words) in (2, 4, 6):
            half = len(words) // 2
            parts = [" ".join(words[:half]), " ".join(words[half:])]
    if len(parts) != 2:
        raise InvalidInput("bad_position", f"{text!r} is not two angles", hint=_HINT)
    return parts[0].strip(), parts[1].strip()


def _angle(text: str) -> _Angle:
    if match := _DECIMAL.fullmatch(text):
        value = float(match["d"]) * (-1 if match["sign"] == "-" else 1)
        return _Angle(value, "decimal", (match["unit"] or "").startswith("h"))
    match, form = _MARKED.fullmatch(text), "marked"
    if match is None:
        match, form = _PLAIN.fullmatch(text), "plain"
    if match is None:
        raise InvalidInput("bad_position", f"{text!r} is no angle", hint=_HINT)
    minutes, seconds = float(match["m"] or 0), float(match["s"] or 0)
    if minutes >= 60 or seconds >= 60:
        raise InvalidInput(
            "out_of_range",
            f"{text!r} has {'minutes' if minutes >= 60 else 'seconds'} of 60 or more",
            hint=_HINT,
        )
    value = float(match["d"]) + minutes / 60 + seconds / 3600
    hours = form == "marked" and match["unit"].lower() == "h"
    return _Angle(-value if match["sign"] == "-" else value, form, hours)


def _marked(text: str) -> str:
    parts = re.split(r"[:\s]", text)
    return "".join(f"{part}{mark}" for part, mark in zip(parts, "dms", strict=False))
