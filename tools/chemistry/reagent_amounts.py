"""Amounts of the species of an equation, read from text: '10 g C3H8, 25 mL of 0.5 M HCl, 2 mL aniline (d = 1.02 g/mL)'."""

from __future__ import annotations

import re
from dataclasses import dataclass

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import convert, same_dimension
from benchmate.tools.chemistry.formulas import Species
from benchmate.tools.chemistry.named_equations import NamedEquation
from benchmate.tools.units import read_unit

MAX_TEXT = 4000
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_MASS = r"[kmµμu]?g|(?:milli|kilo|micro)?grams?"
_MOLES = r"[kmµμun]?mol|(?:milli|micro)?moles?"
_VOLUME = r"[mµμu]?[lL]|(?:milli|micro)?lit(?:er|re)s?|cm3|cm³"
_SIZE = rf"{_MASS}|{_MOLES}|{_VOLUME}"
_AMOUNT = re.compile(
    rf"(?<![\w.])(?P<sign>[-−–]\s*)?(?P<value>{_NUMBER})\s*(?P<unit>{_SIZE})(?![\w/])(?:\s+of\b)?\s*"
)
_STRENGTH = re.compile(
    rf"(?:an?\s+)?(?P<value>{_NUMBER})\s*[- ]?(?P<unit>[mµμun]?M|[mµμ]?mol/[mµμ]?[lL]|[mµμ]?g/[mdµμ]?[lL])(?!\w)"
    r"(?:\s+(?:solution\s+)?of\b)?\s*"
)
_DENSITY = re.compile(
    rf"(?:density|\bd|ρ|rho)\s*[=:]?\s*(?:of\s+)?(?P<value>{_NUMBER})\s*(?P<unit>g/m[lL]|g/cm3|g/cm³|kg/m3|kg/[lL])?"
)
_PURITY = re.compile(rf"(?P<value>{_NUMBER})\s*%")


@dataclass(frozen=True)
class Amount:
    """An amount of one species of an equation, in mol, and how it was given."""

    index: int
    moles: float
    how: str


def read_amounts(text: str, equation: NamedEquation) -> list[Amount]:
    """Return the amounts that `text` gives of species of the equation; words around them are passed over.

    Raises InvalidInput: `too_large`, `no_amounts`, `bad_amount`, `unknown_species`, `given_twice`, `density_needed`.
    """
    if len(text) > MAX_TEXT:
        raise InvalidInput(
            "too_large", f"the amounts are {len(text)} characters long; the limit is {MAX_TEXT}"
        )
    found = [m for m in _AMOUNT.finditer(text) if not _inside_brackets(text, m.start())]
    if not found:
        raise InvalidInput(
            "no_amounts", f"{text[:80]!r} holds no amount", hint="write amounts as in '10 g C3H8, 30 g O2'"
        )
    read: list[Amount] = []
    for match, after in zip(found, [*found[1:], None], strict=True):
        amount = _amount(match, text[match.end() : after.start() if after else len(text)], equation)
        if any(a.index == amount.index for a in read):
            name = equation.substances[amount.index].text
            raise InvalidInput(
                "given_twice", f"two amounts of {name} are given", hint="give each species once"
            )
        read.append(amount)
    if any(a.moles == 0 for a in read):
        raise InvalidInput(
            "bad_amount", "an amount is zero", hint="give amounts above zero, or leave the species out"
        )
    return read


def find_species(equation: NamedEquation, text: str, *, whole: bool = False) -> int | None:
    """Return the place of the species that `text` begins with (or is, with `whole`): as written, by formula or by name."""
    best = (0, -1)
    for i, substance in enumerate(equation.substances):
        names = {substance.text, substance.text.replace("·", "."), substance.species.hill}
        if substance.compound is not None:
            names |= {
                substance.compound.name or "",
                substance.compound.known_as or "",
                substance.compound.formula,
            }
        for name in filter(None, names):
            any_case = re.I if substance.compound is not None and re.search(r"[a-z]{2}", name) else 0
            if re.match(re.escape(name) + (r"$" if whole else r"(?![\w(\[·])"), text, any_case):
                best = max(best, (len(name), i))
    return best[1] if best[0] else None


def _inside_brackets(text: str, place: int) -> bool:
    return text.count("(", 0, place) > text.count(")", 0, place)


def _amount(match: re.Match[str], rest: str, equation: NamedEquation) -> Amount:
    shown = match[0].strip()
    if match["sign"]:
        raise InvalidInput("bad_amount", f"{shown!r} is negative", hint="amounts are above zero")
    strength = _STRENGTH.match(rest)
    body = rest[strength.end() :] if strength else rest
    index = find_species(equation, body)
    if index is None:
        names = ", ".join(s.text for s in equation.substances)
        of = re.split(r"[,;?]", body)[0].strip()[:40] or "nothing"
        raise InvalidInput(
            "unknown_species", f"{shown!r} is of {of!r}, which the equation does not have",
            hint=f"write the species after the amount, as in the equation: {names}",
        )  # fmt: skip
    species = equation.substances[index].species
    density, purity = _DENSITY.search(body), _PURITY.search(body)
    fraction = float(purity["value"]) / 100 if purity else 1.0
    if not 0 < fraction <= 1:
        raise InvalidInput("bad_amount", f"a purity of {fraction:.0%} is not between 0 and 100 %")
    how = [f"{match['value']} {match['unit']}"]
    how += [f"of {strength[0].strip().removesuffix(' of')}"] if strength else []
    how += [f"density {density['value']} {density['unit'] or 'g/mL'}"] if density else []
    how += [f"{fraction:.4g} pure"] if purity else []
    moles = _moles(float(match["value"]), match["unit"], species, strength, density, shown)
    return Amount(index, moles * fraction, ", ".join(how).replace(", of", " of"))


def _moles(
    value: float,
    written: str,
    species: Species,
    strength: re.Match[str] | None,
    density: re.Match[str] | None,
    shown: str,
) -> float:
    """Return the amount in mol of `value` in the unit written, of a pure substance or of a solution."""
    unit = read_unit(written).unit
    if not same_dimension(unit, "L"):
        if strength:
            raise InvalidInput(
                "bad_amount",
                f"{shown!r} is followed by a concentration",
                hint="give the volume of a solution",
            )
        if same_dimension(unit, "mol"):
            return convert(value, unit, "mol")
        return convert(value, unit, "g") / _molar_mass(species)
    litres = convert(value, unit, "L")
    if strength:
        held, per = float(strength["value"]), read_unit(strength["unit"]).unit
        if same_dimension(per, "mol/L"):
            return convert(held, per, "mol/L") * litres
        return convert(held, per, "g/L") * litres / _molar_mass(species)
    if density:
        per = read_unit(density["unit"]).unit if density["unit"] else "g/mL"
        return convert(float(density["value"]), per, "g/L") * litres / _molar_mass(species)
    hint = f"write '{shown} of 0.5 M {species.text}', or add '(density 1.02 g/mL)'"
    if species.state == "g":
        hint = "of a gas give moles: the volume depends on pressure and temperature"
    raise InvalidInput(
        "density_needed", f"{shown} of {species.text} needs a concentration or a density", hint=hint
    )


def _molar_mass(species: Species) -> float:
    if not species.atoms:
        raise InvalidInput("bad_amount", f"{species.text} cannot be weighed", hint="give it in mol")
    return species.molar_mass
