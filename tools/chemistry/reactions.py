"""Reaction equations: read from text and balanced exactly, for atoms and charge."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from benchmate.runtime.canonical import digest
from benchmate.runtime.errors import BenchmateError, InvalidInput
from benchmate.runtime.evidence import Entity, Source
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.formulas import Species, parse_species

MAX_SPECIES = 30
_ARROW = re.compile(r"\s*(?:<?[-=—–]+>|<[-=]+|[→⟶⇌⇋⇄↔⟷➔➝]|={1,2})\s*")
_PLUS = re.compile(r"\s+\+\s*|\+\s+(?=[\dA-Z(\[{e])")
_COMPACT_PLUS = re.compile(r"(?<=[\w)\]}])\+(?=\d*[A-Z(\[{]|e-)")
_COEFFICIENT = re.compile(r"(\d+\s*/\s*\d+|\d+\.\d+|\d+)\s*[*·]?\s*(?=[A-Z(\[{e])")


@dataclass(frozen=True)
class Equation:
    """A reaction equation as written: species and their coefficients (None where none was written)."""

    reactants: tuple[Species, ...]
    products: tuple[Species, ...]
    written: tuple[Fraction | None, ...]

    @property
    def species(self) -> tuple[Species, ...]:
        """Reactants, then products."""
        return self.reactants + self.products

    def text(self, coefficients: tuple[int, ...]) -> str:
        """Return the equation with these coefficients, as '2 H2 + O2 -> 2 H2O'; a zero leaves its species out."""
        sides: list[list[str]] = [[], []]
        for i, (species, number) in enumerate(zip(self.species, coefficients, strict=True)):
            if number:
                label = f"{species.text}({species.state})" if species.state else species.text
                side = (i >= len(self.reactants)) != (number < 0)
                sides[side].append(label if abs(number) == 1 else f"{abs(number)} {label}")
        return " -> ".join(" + ".join(side) or "nothing" for side in sides)


def parse_equation(text: str) -> Equation:
    """Return the equation written as `text`.

    Raises InvalidInput: `not_an_equation`, `too_large`, and what `parse_species` raises.
    """
    sides = _ARROW.split(text.strip())
    if len(sides) != 2 or not all(sides):
        raise InvalidInput(
            "not_an_equation", f"{text!r} is not one equation with two sides",
            hint="write it as in 'H2 + O2 -> H2O'", details={"equation": text},
        )  # fmt: skip
    parsed = [[_term(term, text) for term in _terms(side)] for side in sides]
    if len(parsed[0]) + len(parsed[1]) > MAX_SPECIES:
        raise InvalidInput("too_large", f"the equation has more than {MAX_SPECIES} species")
    for side in parsed:
        names = [species.text for _, species in side]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise InvalidInput("not_an_equation", f"{twice!r} stands twice on one side", hint="write it once")
    written = tuple(number for side in parsed for number, _ in side)
    return Equation(tuple(s for _, s in parsed[0]), tuple(s for _, s in parsed[1]), written)


def balance(equation: Equation) -> tuple[int, ...]:
    """Return the smallest positive integer coefficients that conserve every element and the charge.

    Raises InvalidInput: `cannot_balance` (naming what is not conserved) and `underdetermined` (several independent
    reactions, listed in `basis`).
    """
    _check_sides(equation)
    basis = _nullspace(equation)
    if not basis:
        raise InvalidInput(
            "cannot_balance", "no coefficients conserve all elements and the charge",
            hint=f"is a species missing? conserved are: {', '.join(_conserved(equation))}",
        )  # fmt: skip
    if len(basis) > 1:
        raise InvalidInput(
            "underdetermined", f"the equation mixes {len(basis)} independent reactions: many balanced forms exist",
            hint="balance the parts: " + "; ".join(equation.text(vector) for vector in basis),
            details={"basis": [list(v) for v in basis], "reactions": [equation.text(v) for v in basis]},
        )  # fmt: skip
    numbers = basis[0]
    wrong = [s.text for s, number in zip(equation.species, numbers, strict=True) if number <= 0]
    if wrong:
        raise InvalidInput(
            "cannot_balance", f"no balanced equation has {', '.join(wrong)} on this side",
            hint=f"what balances is {equation.text(numbers)}",
        )  # fmt: skip
    return numbers


@tool(
    domain="chemistry",
    properties={
        "equation": "balanced equation, balance, balanced",
        "stoichiometric_coefficient": "stoichiometric coefficient, number in the balanced equation, coefficients, stoichiometry, mole ratio",
        "molar_mass": "molar mass of a species, formula weight, molar mass, molecular weight",
    },
    examples=(
        "Balance KMnO4 + HCl -> KCl + MnCl2 + H2O + Cl2",
        "Balance the combustion of octane: C8H18 + O2 -> CO2 + H2O",
        "What are the coefficients in Fe^2+ + MnO4^- + H+ -> Fe^3+ + Mn^2+ + H2O?",
        "Balance MnO4- + 8 H+ + e- -> Mn^2+ + H2O",
        "Balance CuSO4·5H2O -> CuSO4 + H2O",
    ),
    example={"equation": "KMnO4 + HCl -> KCl + MnCl2 + H2O + Cl2"},
)
def balance_reaction(equation: str) -> ToolResult:
    """Balance a reaction equation exactly, for every element and the charge.

    Formulas may have brackets, hydrates, charges (`Fe^3+`, `SO4^2-`, `e-`) and state labels. Coefficients already
    written are replaced.

    Args:
        equation: The equation with formulas, as in `KMnO4 + HCl -> KCl + MnCl2 + H2O + Cl2`.
    """
    import sympy

    parsed = parse_equation(equation)
    numbers = balance(parsed)
    text = parsed.text(numbers)
    warnings = [note for species in parsed.species for note in species.warnings]
    if any(parsed.written) and not _proportional(parsed.written, numbers):
        warnings.append("the coefficients written in the equation do not balance it; they were replaced")
    quantities = {}
    for i, (species, number) in enumerate(zip(parsed.species, numbers, strict=True)):
        side = "reactant" if i < len(parsed.reactants) else "product"
        conditions = {"species": species.text, "side": side, "equation": text}
        quantities[f"coefficient_{i}"] = Quantity(
            value=number,
            property="stoichiometric_coefficient",
            method="exact integer null space",
            conditions=conditions,
        )
        if species.atoms:
            quantities[f"molar_mass_{i}"] = Quantity(
                value=species.molar_mass,
                unit="g/mol",
                property="molar_mass",
                method="average atomic masses",
                conditions={"species": species.text},
            )
    entity = Entity(
        kind="equation",
        given=equation,
        key=digest("equation", text, length=32),
        label=text,
        argument="equation",
        details={"species": [species.text for species in parsed.species]},
    )
    return ToolResult(
        data={
            "equation": text,
            "species": [
                {
                    "formula": s.text,
                    "coefficient": n,
                    "side": "reactant" if i < len(parsed.reactants) else "product",
                }
                for i, (s, n) in enumerate(zip(parsed.species, numbers, strict=True))
            ],
        },
        quantities=quantities,
        entities=(entity,),
        source=Source(kind="computed", name=f"SymPy {sympy.__version__}"),
        warnings=tuple(warnings),
    )


def _terms(side: str) -> list[str]:
    terms = [term.strip() for term in _PLUS.split(side.strip())]
    if len(terms) == 1 and not re.search(r"\s\+|\+\s", side):
        terms = _COMPACT_PLUS.split(terms[0])
    return terms


def _term(term: str, equation: str) -> tuple[Fraction | None, Species]:
    if not term:
        raise InvalidInput("not_an_equation", f"{equation!r} has an empty term", hint="write 'A + B -> C'")
    found = _COEFFICIENT.match(term)
    number = Fraction(found[1].replace(" ", "")) if found else None
    try:
        return number, parse_species(term[found.end() if found else 0 :])
    except InvalidInput as error:
        if error.code != "not_a_formula":
            raise
        raise InvalidInput(
            "not_a_formula", error.info.message, hint=_formula_hint(term), details={"term": term}
        ) from None


def _formula_hint(term: str) -> str:
    """Return a hint for a term that is no formula: the formula, when the term is a compound's name."""
    from benchmate.tools.chemistry.compounds import compound_by_name

    words = re.sub(r"^[\d./ ]+", "", term).strip()
    try:
        return f"equations are written in formulas; {words} is {compound_by_name(words).formula}"
    except BenchmateError:
        return "equations are written in formulas, with ' + ' between species: H2 + O2 -> H2O"


def _conserved(equation: Equation) -> list[str]:
    elements = list(dict.fromkeys(symbol for species in equation.species for symbol in species.atoms))
    return elements + (["charge"] if any(species.charge for species in equation.species) else [])


def _check_sides(equation: Equation) -> None:
    sides = [
        {symbol for species in side for symbol in species.atoms}
        for side in (equation.reactants, equation.products)
    ]
    for here, there, name in ((sides[0], sides[1], "left"), (sides[1], sides[0], "right")):
        lost = [symbol for symbol in _conserved(equation) if symbol in here - there]
        if lost:
            raise InvalidInput(
                "cannot_balance", f"{', '.join(lost)} {'is' if len(lost) == 1 else 'are'} only on the {name} side",
                hint="every element must be on both sides", details={"elements": lost, "side": name},
            )  # fmt: skip


def _nullspace(equation: Equation) -> list[tuple[int, ...]]:
    """Return a basis of integer coefficient vectors, each in lowest terms."""
    import sympy

    split = len(equation.reactants)
    rows = [
        [_amount(species, what) * (1 if i < split else -1) for i, species in enumerate(equation.species)]
        for what in _conserved(equation)
    ]
    return [_lowest_terms(vector) for vector in sympy.Matrix(rows).nullspace()]


def _amount(species: Species, what: str) -> int:
    return species.charge if what == "charge" else species.atoms.get(what, 0)


def _lowest_terms(vector: Any) -> tuple[int, ...]:
    scale = functools.reduce(math.lcm, (int(x.q) for x in vector), 1)
    numbers = [int(x * scale) for x in vector]
    divisor = functools.reduce(math.gcd, numbers) or 1
    positive = sum(number > 0 for number in numbers) >= sum(number < 0 for number in numbers)
    return tuple(number // divisor * (1 if positive else -1) for number in numbers)


def _proportional(written: tuple[Fraction | None, ...], numbers: tuple[int, ...]) -> bool:
    ratios = {(Fraction(1) if w is None else w) / n for w, n in zip(written, numbers, strict=True)}
    return len(ratios) == 1
