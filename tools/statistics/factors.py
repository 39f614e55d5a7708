"""Factors of an experiment: names, units and levels, and the way from coded settings to real ones."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import display_unit
from benchmate.tools.units import is_unit, read_unit

MOST_FACTORS = 50


class Factor(BaseModel):
    """A factor: numeric from low to high, or with levels (numbers or words)."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    low: float | None = Field(None, description="The low setting of a numeric factor.")
    high: float | None = Field(None, description="The high setting of a numeric factor.")
    levels: list[float | str] | None = Field(
        None,
        min_length=2,
        max_length=30,
        description="The settings of a factor with levels, in place of low and high.",
    )
    unit: str | None = Field(None, description="The unit of the settings, such as degC or mM.")

    @model_validator(mode="after")
    def _settings(self) -> Factor:
        numeric = self.low is not None and self.high is not None
        if numeric == (self.levels is not None):
            raise ValueError(f"the factor {self.name} takes either low and high or levels")
        low, high = self.low or 0.0, self.high or 0.0
        if numeric and not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"the low setting of {self.name} is not below its high setting")
        if self.levels is not None and len(set(map(str, self.levels))) < len(self.levels):
            raise ValueError(f"a level of {self.name} stands twice")
        return self

    @property
    def numeric(self) -> bool:
        return self.levels is None

    @property
    def header(self) -> str:
        """The name with its unit, as a column of a table has it."""
        if self.unit is None:
            return self.name
        return f"{self.name} ({display_unit(read_unit(self.unit).unit)})"

    def setting(self, coded: float) -> float:
        """Return the real setting of a coded one: -1 is low, +1 is high."""
        assert self.low is not None and self.high is not None
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        return float(f"{middle + coded * half:.10g}")


def read_factors(
    factors: Sequence[Factor | dict[str, Any]] | None, count: int | None
) -> tuple[list[Factor], bool]:
    """Return the factors, and whether they stand in coded units because only their number was given.

    Raises InvalidInput: `no_factors`, `too_many_factors`, `two_sources`, `same_name`, `unknown_unit`.
    """
    if factors is None and count is None:
        raise InvalidInput(
            "no_factors",
            "a design needs factors",
            hint="give factors with name, low and high, or number_of_factors",
        )
    if factors is not None and count is not None and count != len(factors):
        raise InvalidInput(
            "two_sources", f"{len(factors)} factors are given and {count} are said", hint="leave one out"
        )
    if factors is None:
        assert count is not None
        if count > 25:
            raise InvalidInput(
                "too_many_factors", f"{count} factors are too many without names", hint="name the factors"
            )
        letters = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # without I, which is the identity
        return [Factor(name=letters[i], low=-1.0, high=1.0) for i in range(count)], True
    if not 1 <= len(factors) <= MOST_FACTORS:
        raise InvalidInput(
            "too_many_factors", f"there are {len(factors)} factors", hint=f"1 to {MOST_FACTORS}"
        )
    made = [Factor.model_validate(f) for f in factors]
    names = [f.name.casefold() for f in made]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput("same_name", f"two factors are called {name!r}")
    for factor in made:
        if factor.unit is not None:
            read_unit(factor.unit)
    return made, False


_RANGE = re.compile(
    r"(?P<name>[A-Za-z][\w-]*(?: (?!between|from|and|with|of|in|for|at)[a-z][\w-]*)?)\s*(?:\(|:|=|is|between|from|of|in the range(?: of)?)*\s*"
    r"(?P<low>-?\d+(?:\.\d+)?)\s*(?:(?P<unit1>[^\s\d,;.()-]{1,8})\s*)?(?:-|–|to|and|…|\.\.)\s*(?P<high>-?\d+(?:\.\d+)?)"
    r"(?:\s*(?P<unit2>°?[A-Za-zµ%][\w/%]{0,8}))?",
)
_NO_NAMES = re.compile(r"^(?:and|for|with|the|of|a|an|vary|varying|factors?|between|from|say|try)\s+", re.I)


def factors_in(question: str) -> list[list[dict[str, Any]]]:
    """Return the factors that a question gives by name and range ('temp between 20 and 90 °C, pH 5-8'); one reading, or none."""
    factors: list[dict[str, Any]] = []
    for match in _RANGE.finditer(question):
        name = _NO_NAMES.sub("", match["name"]).strip()
        low, high = float(match["low"]), float(match["high"])
        if not name or not low < high or any(f["name"] == name for f in factors):
            continue
        factor: dict[str, Any] = {"name": name, "low": low, "high": high}
        for unit in (match["unit2"], match["unit1"]):
            if unit and is_unit(unit):
                factor["unit"] = unit
                break
        factors.append(factor)
    return [factors] if factors else []
