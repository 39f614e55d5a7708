"""Stoichiometry: from amounts in grams, moles or millilitres to limiting reagent, theoretical yield and excess."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated

from benchmate.runtime.canonical import digest
from benchmate.runtime.errors import InvalidInput, did_you_mean
from benchmate.runtime.evidence import Entity, Source
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.named_equations import NamedEquation, Substance, parse_named_equation
from benchmate.tools.chemistry.reagent_amounts import Amount, find_species, read_amounts

BALANCED = 1e-9  # relative difference below which two reagents run out together


@tool(
    domain="chemistry",
    properties={
        "theoretical_yield": "theoretical yield, mass of product, grams of product, how much product, theoretical mass, forms, produced",
        "theoretical_amount": "theoretical amount of product, moles of product, how many moles form",
        "percent_yield": "percent yield, % yield, percentage yield, yield",
        "atom_economy": "atom economy",
        "extent": "extent of reaction, reaction extent",
        "equivalents": "equivalents, equiv, eq, molar ratio to the limiting reagent",
        "amount": "amount of substance, moles, moles of reagent",
        "mass": "mass of reagent given, mass of reagent",
        "consumed_amount": "amount consumed, moles consumed, moles needed",
        "consumed_mass": "mass consumed, mass needed, how much reagent is needed, grams needed",
        "excess_amount": "amount left over, moles in excess, unreacted moles",
        "excess_mass": "mass left over, excess, excess reagent, mass of excess reagent, leftover",
    },
    examples=(
        "10 g C3H8 burn with 30 g O2: C3H8 + O2 -> CO2 + H2O. Which is limiting and how much CO2 forms?",
        "Theoretical yield of acetanilide from 2 g aniline: aniline + acetic anhydride -> acetanilide + acetic acid",
        "Percent yield if 2.1 g acetanilide came from 2.0 g aniline in C6H7N + C4H6O3 -> C8H9NO + C2H4O2",
        "How much NaOH neutralizes 25 mL of 0.1 M H2SO4? H2SO4 + NaOH -> Na2SO4 + H2O",
        "Limiting reagent for 5 g Fe and 5 g S, Fe + S -> FeS",
        "Atom economy of C2H5OH + CH3COOH -> CH3COOC2H5 + H2O with 1 mol ethanol",
    ),
    example={"equation": "C3H8 + O2 -> CO2 + H2O", "amounts": "10 g C3H8, 30 g O2", "product": "CO2"},
)
def compute_stoichiometry(
    equation: str,
    amounts: Annotated[str, ReadBy(_amounts_in)],
    product: str | None = None,
) -> ToolResult:
    """Work out limiting reagent, theoretical yield, percent yield, excess and atom economy of a reaction.

    The equation may have formulas, names or SMILES and is balanced first. A reagent without an amount is taken to be in
    excess; an amount of a product beside amounts of reagents is what was isolated. Hydrates count with their water; a liquid needs its density, a solution its concentration.

    Raises InvalidInput: `no_amounts`, `bad_amount`, `unknown_species`, `given_twice`, `density_needed`,
    `more_than_theory`, and what reading and balancing an equation raise.

    Args:
        equation: The equation, as in `C3H8 + O2 -> CO2 + H2O`; it is balanced if it is not.
        amounts: Amounts with their species, as in `10 g C3H8, 30 g O2, 25 mL of 0.5 M HCl, 2 mL aniline (density 1.02 g/mL, 98 %)`.
        product: The product asked for; by default every product is given, and the main one is that of which an amount is given, or the first.
    """
    import sympy

    parsed = parse_named_equation(equation)
    numbers = parsed.coefficients()
    text = parsed.text(numbers)
    split = len(parsed.equation.reactants)
    warnings = [note for s in parsed.substances for note in s.species.warnings]
    given = read_amounts(amounts, parsed)
    isolated = [a for a in given if a.index >= split]
    main = _main_product(parsed, product, isolated)
    of_reactants = [a for a in given if a.index < split]
    if of_reactants:
        extents = {a.index: a.moles / float(numbers[a.index]) for a in of_reactants}
        limiting = min(extents, key=lambda i: extents[i])
        extent = extents[limiting]
        used = [a for a in given if a.index < split]
        together = [i for i, e in extents.items() if i != limiting and abs(e - extent) <= BALANCED * extent]
        if together:
            names = " and ".join(parsed.substances[i].text for i in (limiting, *together))
            warnings.append(f"{names} run out together: none is in excess")
    else:  # how much reagent a wanted amount of product needs
        extents = {a.index: a.moles / float(numbers[a.index]) for a in given}
        if len(extents) > 1:
            raise InvalidInput(
                "given_twice",
                "amounts of several products are given",
                hint="give one product, or the reagents",
            )
        limiting, extent, used = -1, next(iter(extents.values())), given
    method = f"amounts over the coefficients of {text}"
    quantities: dict[str, Quantity] = {
        "extent": Quantity(value=extent, unit="mol", property="extent", method=method)
    }
    known = {a.index: a for a in used}
    for i, substance in enumerate(parsed.substances):
        said = {"species": substance.text}
        turned = extent * float(numbers[i])
        values: list[tuple[str, float, dict[str, str]]] = []
        if i < split:
            values += [("consumed", turned, said)]
            if i in known and limiting >= 0:
                moles = known[i].moles
                left = moles - turned if i != limiting and moles - turned > BALANCED * moles else 0.0
                values += [("", moles, said | {"from": known[i].how})]
                values += [("excess", left, said)] if i != limiting else []
                quantities[f"equivalents_{i}"] = Quantity(
                    value=moles / known[limiting].moles if moles else 0.0, property="equivalents", method="amount over the amount of the limiting reagent",
                    conditions=said | {"relative to": parsed.substances[limiting].text},
                )  # fmt: skip
        elif product is None or i == main:
            values += [("theoretical", turned, said)]
        for what, moles, conditions in values:
            quantities |= _mass_and_amount(what, i, main, moles, substance, method, conditions)
    quantities["atom_economy"] = _atom_economy(parsed, numbers, main, text)
    for made in isolated if of_reactants else []:
        name = "percent_yield" if made.index == main else f"percent_yield_{made.index}"
        substance = parsed.substances[made.index]
        quantities[name] = _percent_yield(made, extent * float(numbers[made.index]), substance)
    unsaid = [parsed.substances[i].text for i in range(split) if i not in known]
    if unsaid and limiting >= 0:
        warnings.append(f"no amount is given of {', '.join(unsaid)}: taken to be in excess")
    if (
        any(parsed.equation.written)
        and tuple(Fraction(1) if w is None else w for w in parsed.equation.written) != numbers
    ):
        warnings.append(f"the equation was balanced as {text}")
    entity = Entity(
        kind="equation", given=equation, key=digest("equation", text, length=32), label=text, argument="equation",
        details={"species": [s.text for s in parsed.substances]},
    )  # fmt: skip
    return ToolResult(
        data={
            "equation": text,
            "limiting_reagent": parsed.substances[limiting].text if limiting >= 0 else None,
            "main_product": parsed.substances[main].text,
            "species": [
                {
                    "species": s.text,
                    "side": "reactant" if i < split else "product",
                    "coefficient": str(numbers[i]),
                    "given": known[i].how if i in known else None,
                }
                for i, s in enumerate(parsed.substances)
            ],
        },
        quantities=quantities,
        entities=(entity, *parsed.compounds("equation")),
        source=Source(
            kind="computed",
            name=f"SymPy {sympy.__version__}",
            reference="average atomic weights of RDKit (IUPAC)",
        ),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _mass_and_amount(
    what: str,
    index: int,
    main: int,
    moles: float,
    substance: Substance,
    method: str,
    conditions: dict[str, str],
) -> dict[str, Quantity]:
    """Return the amount and the mass of one species: what was given, is consumed, is left over or forms at most."""
    names = {"": ("amount", "mass"), "theoretical": ("theoretical_amount", "theoretical_yield")}
    amount, mass = names.get(what, (f"{what}_amount", f"{what}_mass"))
    place = "" if index == main else f"_{index}"
    found = {
        f"{amount}{place}": Quantity(
            value=moles, unit="mol", property=amount, method=method, conditions=conditions
        )
    }
    if substance.species.atoms:
        found[f"{mass}{place}"] = Quantity(
            value=moles * substance.species.molar_mass,
            unit="g",
            property=mass,
            method=method,
            conditions=conditions,
        )
    return found


def _main_product(parsed: NamedEquation, product: str | None, isolated: list[Amount]) -> int:
    split = len(parsed.equation.reactants)
    if product is None:
        return isolated[0].index if isolated else split
    found = find_species(parsed, product.strip(), whole=True)
    if found is None or found < split:
        names = [s.text for s in parsed.substances[split:]]
        raise InvalidInput(
            "unknown_species", f"{product!r} is no product of the equation", hint=did_you_mean(product, names)
        )
    return found


def _atom_economy(parsed: NamedEquation, numbers: tuple[Fraction, ...], main: int, text: str) -> Quantity:
    """Return the mass of the main product over that of all reagents (Trost 1991, doi:10.1126/science.1962206)."""
    split = len(parsed.equation.reactants)
    masses = [float(n) * s.species.molar_mass for n, s in zip(numbers, parsed.substances, strict=True)]
    return Quantity(
        value=100 * masses[main] / sum(masses[:split]), unit="percent", property="atom_economy",
        method="mass of the main product over the mass of the reagents, by the equation (Trost 1991)",
        conditions={"product": parsed.substances[main].text, "equation": text},
    )  # fmt: skip


def _percent_yield(made: Amount, most: float, substance: Substance) -> Quantity:
    percent = 100 * made.moles / most
    if percent > 100.5:
        raise InvalidInput(
            "more_than_theory", f"{made.how} of {substance.text} is {percent:.1f} % of the theoretical {most * substance.species.molar_mass:.4g} g",
            hint="more than 100 %: wet or impure product, a wrong limiting reagent, or other units",
        )  # fmt: skip
    return Quantity(
        value=percent, unit="percent", property="percent_yield", method="isolated amount over theoretical amount",
        conditions={"species": substance.text, "isolated": made.how},
    )  # fmt: skip


def _amounts_in(question: str) -> list[str]:
    """Return the amounts that a question names with their substances, as one text: '10 g C3H8, 30 g O2'."""
    found = re.findall(
        r"\d[\d.,]*\s?(?:[mµukn]?(?:g|mol|L|l)|mmol|kg)\b(?:\s+(?:of\s+)?\d[\d.]*\s?m?M\b)?\s+(?:of\s+)?[A-Za-z][\w()·\-]*(?:\s(?:acid|anhydride|alcohol|chloride|"
        r"oxide|acetate|sulfate|hydroxide|bromide|carbonate))?", question,
    )  # fmt: skip
    return [", ".join(found)] if found else []
