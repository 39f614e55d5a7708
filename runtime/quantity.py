"""Quantities: a number never travels without its unit, its property and how it was obtained."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from benchmate.runtime.canonical import canonical_float
from benchmate.runtime.errors import InvalidInput, did_you_mean, nearest

if TYPE_CHECKING:
    import pint

Relation = Literal["=", "<", ">", "~"]

_MAX_UNIT_LENGTH = 100
# pint computes exponents, and 'm**9**9**9' would take for ever: a power is one small number.
_WILD_POWER = re.compile(r"(\*\*|\^)[-+]?(\d{3}|[\d.]+e[-+]?\d|[\d.]*(\*\*|\^))")


@functools.cache
def unit_registry() -> pint.UnitRegistry[Any]:
    """Return the project's one unit registry (pint; built on first use)."""
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    for counted in ("base_pair = 1 = bp", "nucleotide = 1 = nt", "residue = 1 = aa"):  # sequence lengths
        registry.define(counted)
    for body in (  # IAU 2015 Resolution B3 nominal values; masses by G of CODATA 2018
        "solar_mass = 1.988409870698051e30 * kilogram = M_sun = Msun",
        "solar_radius = 6.957e8 * meter = R_sun = Rsun",
        "solar_luminosity = 3.828e26 * watt = L_sun = Lsun",
        "earth_mass = 5.972167867791379e24 * kilogram = M_earth = Mearth",
        "earth_radius = 6.3781e6 * meter = R_earth = Rearth",
        "jupiter_mass = 1.8981245973360505e27 * kilogram = M_jupiter = Mjup",
        "jupiter_radius = 7.1492e7 * meter = R_jupiter = Rjup",
    ):
        registry.define(body)
    registry.define("jansky = 1e-26 * watt / meter**2 / hertz = Jy")
    registry.define(
        "microarcsecond = 1e-6 * arcsecond = uas"
    )  # otherwise the plural of 'ua', the astronomical unit
    registry.define("parts_per_billion = 1e-9 = ppb")
    pint.set_application_registry(registry)
    return registry


@functools.cache
def _unit_names() -> tuple[str, ...]:
    return tuple(dir(unit_registry()))


@functools.lru_cache(maxsize=4096)
def parse_unit(unit: str) -> pint.Unit:
    """Return the pint unit written as `unit` ('' is dimensionless).

    Raises InvalidInput (`unknown_unit`) with the nearest known unit.
    """
    import pint

    if len(unit) > _MAX_UNIT_LENGTH or _WILD_POWER.search(re.sub(r"[\s()]", "", unit)):
        raise InvalidInput("unknown_unit", f"{unit[:80]!r} is not a unit", hint="write units as in 'g/mol'")
    try:
        return unit_registry().parse_units(unit)
    except pint.UndefinedUnitError as error:
        names: Any = error.unit_names  # a name or several
        unknown = names if isinstance(names, str) else " ".join(names)
        close = nearest(unknown, _unit_names())
        hint = (
            did_you_mean(unknown, [close])
            if close
            else "write units as in 'g/mol', 'kJ/mol', 'degC', 'angstrom**2'"
        )
        raise InvalidInput("unknown_unit", f"{unit!r} is not a known unit", hint=hint) from None
    except (
        pint.PintError,
        ValueError,
        TypeError,
        SyntaxError,
        AttributeError,
        AssertionError,
        KeyError,  # 'M0': an exponent of zero
        RecursionError,
        ArithmeticError,
    ) as error:
        raise InvalidInput(
            "unknown_unit",
            f"{unit!r} is not a unit: {error}",
            hint="write units as in 'g/mol' or 'angstrom**2'",
        ) from None
    except Exception as error:  # pint's tokenizer raises its own unexported types
        if type(error).__module__.startswith(("pint", "tokenize")):
            raise InvalidInput("unknown_unit", f"{unit!r} is not a unit: {error}") from None
        raise


@functools.lru_cache(maxsize=1024)
def display_unit(unit: str) -> str:
    """Return `unit` as a reader expects it: 'g/mol', 'Å²', '%', '' for a plain number."""
    if not unit:
        return ""
    shown = re.sub(r"(?<![^\W\d_])([munpµ]?)l(?![^\W\d_])", r"\1L", f"{parse_unit(unit):~P}")
    shown = re.sub(r"\bm·N\b", "N·m", shown)
    shown = re.sub(r"(?<![^\W\d_])a(?![^\W\d])", "yr", shown)
    over, *under = shown.split("/")
    if over == "1" and len(under) == 1 and under[0].isalpha():
        return f"{under[0]}⁻¹"
    return f"{over}/({'·'.join(sorted(under, key='mol'.__ne__))})" if len(under) > 1 else shown


def convert(value: float, unit: str, to: str) -> float:
    """Return `value` in `unit` expressed in `to`.

    Raises InvalidInput: `unknown_unit`, or `unit_mismatch` when the dimensions differ.
    """
    import pint

    source, target = parse_unit(unit), parse_unit(to)
    if source == target:
        return value
    try:
        return float(unit_registry().Quantity(value, source).to(target).magnitude)
    except pint.DimensionalityError as error:
        raise InvalidInput(
            "unit_mismatch",
            f"{unit or 'a plain number'} cannot be expressed in {to or 'a plain number'}",
            hint=str(error),
        ) from None


def same_dimension(a: str, b: str) -> bool:
    """Return whether two units measure the same kind of thing."""
    return bool(parse_unit(a).dimensionality == parse_unit(b).dimensionality)


class Quantity(BaseModel):
    """A value with unit, property, method and conditions.

    `relation` says how the value is meant: `=` equal, `<` and `>` bounds, `~` an estimate.
    `uncertainty` is one standard uncertainty in the same unit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    unit: str = Field("", description="A pint unit; empty for a plain number.")
    property: str = Field(description="What is measured, in snake_case: `molecular_weight`, `logp`.")
    method: str | None = Field(None, description="How it was obtained: 'Crippen', 'average atomic masses'.")
    conditions: dict[str, str] | None = None
    relation: Relation = "="
    uncertainty: float | None = Field(None, ge=0)
    decimals: int | None = Field(
        None,
        ge=0,
        le=9,
        description="Decimals to show, where five significant digits are too few: a Julian date.",
    )

    @field_validator("value", "uncertainty")
    @classmethod
    def _canonical(cls, value: float | None) -> float | None:
        return None if value is None else canonical_float(value)

    @field_validator("unit")
    @classmethod
    def _known_unit(cls, unit: str) -> str:
        parse_unit(unit)
        return unit

    def to(self, unit: str) -> Quantity:
        """Return the same quantity in another unit. Raises InvalidInput (`unit_mismatch`, `unknown_unit`)."""
        value = convert(self.value, self.unit, unit)
        spread = None
        if self.uncertainty is not None:
            spread = canonical_float(abs(convert(self.value + self.uncertainty, self.unit, unit) - value))
        converted = {"value": canonical_float(value), "unit": unit, "uncertainty": spread, "decimals": None}
        return self.model_copy(
            update=converted if unit != self.unit else converted | {"decimals": self.decimals}
        )

    def format(self, digits: int | None = None) -> str:
        """Return the quantity as text: '180.16 g/mol', '< 5 nM', '12.1 ± 0.3 Å²'."""
        if digits is None and self.decimals is not None:
            number = f"{self.value:.{self.decimals}f}"
            number = number.rstrip("0").rstrip(".") if "." in number else number
        else:
            number = format_number(self.value, digits)
        spread = f" ± {format_number(self.uncertainty, digits)}" if self.uncertainty is not None else ""
        sign = "" if self.relation == "=" else f"{self.relation} "
        shown = display_unit(self.unit)
        return f"{sign}{number}{spread}{' ' if shown else ''}{shown}"

    def pint(self) -> Any:
        """Return the value as a pint Quantity, for unit-checked arithmetic."""
        return unit_registry().Quantity(self.value, parse_unit(self.unit))


def format_number(value: float, digits: int | None = None) -> str:
    """Return a number for reading: whole, at `digits` decimals, or at four or five significant digits."""
    if value == int(value) and abs(value) < 1e15 and digits is None:
        return str(int(value))
    if digits is not None:
        return f"{value:.{digits}f}"
    if 1 <= abs(value) < 1e7:
        decimals = max(0, 5 - len(str(int(abs(value)))))
        return f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{value:.0f}"
    return f"{value:.4g}"
