"""The numbers of a question with their units: '23 and 19 solar masses', '23.41 ± 0.05 mas', 'GPS 1262879936.1'."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from benchmate.agents.intake import Candidate
from benchmate.runtime.canonical import canonical_float
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import convert, parse_unit, same_dimension

# between two numbers that share a unit: '23 and 19 Msun', '0.2-1.1 days', '1.5 + 1.3 Msun'
_SHARED = re.compile(r"\s*(?:,|;|/|&|\+|x|×|-|–|—|\.\.\.?|…|and|or|to|±|\+/-|,\s*and|,\s*or)\s*", re.I)


class Measure(NamedTuple):
    """A number of a text, its unit where one follows, and where both stand."""

    value: float
    unit: str | None
    start: int
    end: int

    @property
    def exact(self) -> str:
        """The unit in full, '' for a plain number."""
        return _pint_unit(self.unit) if self.unit else ""

    def into(self, unit: str) -> float | None:
        """Return the value in `unit`: a plain number is taken to be in it; None where the dimensions differ."""
        if self.unit is None:
            return self.value
        try:
            own = _pint_unit(self.unit)
            if self.unit in ("C", "F") and same_dimension(
                unit, "kelvin"
            ):  # beside a temperature, no coulomb and no farad
                own = f"deg{self.unit}"
            if own == "pixel" and not unit:  # what is counted in pixels
                return self.value
            if is_angle(own) != is_angle(unit):  # to pint, an angle is a plain number
                return None
            return canonical_float(convert(self.value, own, unit))
        except InvalidInput:
            return None


def measures(text: str, candidates: Sequence[Candidate]) -> list[Measure]:
    """Return the numbers of a text in order, each with the unit that follows it, or that of its neighbour in '23 and 19 Msun'."""
    units = {c.start: c for c in candidates if c.kind == "unit"}
    found = [
        Measure(float(c.text.split()[-1]), None, c.end - len(c.text.split()[-1]), c.end)
        for c in candidates
        if c.kind == "time" and re.fullmatch(r"GPS\s[\d.]+", c.text)
    ]
    for number in sorted((c for c in candidates if c.kind == "number"), key=lambda c: c.start):
        unit = units.get(number.end) or units.get(number.end + 1)
        found.append(
            Measure(
                float(number.text),
                unit.text if unit else None,
                number.start,
                unit.end if unit else number.end,
            )
        )
    found.sort(key=lambda m: m.start)
    for place in range(len(found) - 2, -1, -1):
        one, following = found[place], found[place + 1]
        if (
            one.unit is None
            and following.unit is not None
            and _SHARED.fullmatch(text[one.end : following.start])
        ):
            found[place] = one._replace(unit=following.unit)
    return found


@functools.lru_cache(maxsize=1024)
def is_angle(unit: str) -> bool:
    return bool(
        re.search(
            r"degree(?!_[CF])|radian|arc(?:minute|second)|milliarcsecond|\bmas\b", str(parse_unit(unit))
        )
    )


_PER_PIXEL = re.compile(
    r"(?<=\w)\s*(?:/|per)\s*(?:pixel|px)s?$", re.I
)  # the scale of a picture is the size of a pixel


@functools.lru_cache(maxsize=1024)
def _pint_unit(written: str) -> str:
    from benchmate.tools.units import read_unit

    if written == "AU":
        return "astronomical_unit"
    return read_unit(_PER_PIXEL.sub("", written)).unit


def question_offset(question: str, candidates: Sequence[Candidate]) -> int:
    """Return where `question` starts in the text its candidates were found in."""
    for candidate in candidates:
        local = question.lower().find(candidate.text.lower())
        if local >= 0:
            return candidate.start - local
    return 0
