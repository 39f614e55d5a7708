"""Substances and equations as chemists write them: formulas, names or SMILES, with coefficients and state labels."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.evidence import Entity
from benchmate.tools.chemistry.compounds import Compound, compound_by_name, resolve_compound
from benchmate.tools.chemistry.formulas import Species, is_formula_of, parse_species
from benchmate.tools.chemistry.molecules import build_compound
from benchmate.tools.chemistry.names import fold, name_table
from benchmate.tools.chemistry.parsing import looks_like_smiles, parse_smiles
from benchmate.tools.chemistry.reactions import MAX_SPECIES, Equation, balance

MAX_CHARACTERS = 2000
_ARROW = re.compile(r"\s*(?:<?[-—–=]+>|<=+>|[→⟶⇌⇋⇄↔⟷➔➝])\s*")
_EQUALS = re.compile(r"\s+={1,2}\s+")
_COMPACT_EQUALS = re.compile(r"\s*=\s*")
_COEFFICIENT = re.compile(r"(\d+(?:\.\d+)?(?:\s*/\s*\d+)?)(?:\s*[*·]\s*|\s+|(?=[A-Z(\[{])(?!\d*-))(?=\S)")
_STATE = re.compile(r"\s*\((aq|s|l|g|cr)\)$")
# condensed formulas that say more than the composition
CONDENSED = {
    "CH3OH": "CO", "C2H5OH": "CCO", "CH3CH2OH": "CCO", "CH3OCH3": "COC", "HCHO": "C=O", "CH3CHO": "CC=O", "CH3COCH3": "CC(C)=O",
    "HCOOH": "OC=O", "CH3COOH": "CC(O)=O", "CH3COOCH3": "COC(C)=O", "CH3COOC2H5": "CCOC(C)=O", "CH3COOCH2CH3": "CCOC(C)=O",
    "CH3CN": "CC#N", "CH3NH2": "CN", "CH3CH3": "CC", "CH2CH2": "C=C", "CH3CH2CH3": "CCC", "C6H5CH3": "Cc1ccccc1",
    "C6H5OH": "Oc1ccccc1", "C6H5NH2": "Nc1ccccc1", "C2H5NH2": "CCN", "CH3Cl": "CCl", "HCN": "C#N",
}  # fmt: skip
# what a name says about the form that is weighed, and the elements that form must then have
_FORMS: tuple[tuple[str, str], ...] = (
    (r"sodium|\bna\d?\b", "Na"), (r"potassium", "K"), (r"lithium", "Li"), (r"calcium", "Ca"), (r"magnesium", "Mg"),
    (r"hydrochloride|\bhcl\b|chloride", "Cl"), (r"hydrobromide|bromide", "Br"), (r"ha?emisulfate|sulfate|sulphate", "S"),
)  # fmt: skip


@dataclass(frozen=True)
class Substance:
    """A substance of an equation or a flask: its composition, and its structure where a name or SMILES gave one."""

    species: Species
    compound: Compound | None = None

    @property
    def text(self) -> str:
        return self.species.text


@dataclass(frozen=True)
class NamedEquation:
    """An equation whose species may be named; `equation` is its composition, `substances` are in the same order."""

    equation: Equation
    substances: tuple[Substance, ...]

    def coefficients(self) -> tuple[Fraction, ...]:
        """Return the coefficients: those written, where they balance; else the smallest whole ones.

        A coefficient that is not written is 1. Raises InvalidInput as `balance` does.
        """
        written = tuple(Fraction(1) if w is None else w for w in self.equation.written)
        if _conserves(self.equation, written):
            return written
        return tuple(Fraction(n) for n in balance(self.equation))

    def compounds(self, argument: str) -> tuple[Entity, ...]:
        """Return the echo of every compound that a name or SMILES of the equation was taken for."""
        return tuple(s.compound.entity(argument) for s in self.substances if s.compound is not None)

    def text(self, coefficients: tuple[Fraction, ...]) -> str:
        """Return the equation with these coefficients, as '1/2 N2 + 3/2 H2 -> NH3'."""
        split = len(self.equation.reactants)
        terms = []
        for substance, number in zip(self.substances, coefficients, strict=True):
            label = substance.text + (f"({substance.species.state})" if substance.species.state else "")
            terms.append(label if number == 1 else f"{number} {label}")
        return f"{' + '.join(terms[:split])} -> {' + '.join(terms[split:])}"


def read_substance(text: str) -> Substance:
    """Return the substance written as `text`: a formula ('CuSO4·5H2O', 'H2O(l)'), a name or a SMILES.

    A word that is a formula and the name of something else ('NBS') is the name.

    Raises InvalidInput: `empty_compound`, `unknown_element`, `ambiguous_name`, `salt_form_lost`, `invalid_smiles`.
    Raises NotFound: `unknown_compound`.
    """
    text = text.strip()
    label = _STATE.search(text)
    body = text[: label.start()] if label else text
    if not body:
        raise InvalidInput(
            "empty_compound", "the substance is empty", hint="give a formula, a name or a SMILES"
        )
    if body.lower() in ("graphite", "c(graphite)"):
        return Substance(Species("C", {"C": 1}, 0, "s"))
    if body in CONDENSED:
        compound = _from_smiles(CONDENSED[body])
        return Substance(_species_of(compound, body, label[1] if label else None), compound)
    if not _is_chain(body):
        try:
            species = parse_species(body)
        except InvalidInput as error:
            if error.code == "unknown_element" and not name_table().by_name(body):
                raise
        else:
            if not _names_another(body):
                state = label[1] if label else species.state
                return Substance(
                    Species(species.text, species.atoms, species.charge, state, species.warnings)
                )
    smiles = looks_like_smiles(body) and not name_table().by_name(body)
    try:
        compound = resolve_compound(body) if smiles else compound_by_name(body)
    except InvalidInput as error:
        if error.code == "ambiguous_name" and (same := _same_composition(body, error)):
            return same
        raise
    return Substance(_species_of(compound, body, label[1] if label else None), compound)


def _same_composition(name: str, error: InvalidInput) -> Substance | None:
    """Return the substance of an ambiguous name whose candidates are isomers, by composition alone ('glucose')."""
    found = [resolve_compound(candidate["smiles"]) for candidate in error.info.details["candidates"]]
    if len({compound.formula for compound in found}) != 1:
        return None
    read = _species_of(found[0], name, None)
    note = f"{name!r} may be several isomers, all {found[0].formula}"
    return Substance(Species(name, read.atoms, read.charge, None, (note,)))


def parse_named_equation(text: str) -> NamedEquation:
    """Return the equation written as `text`: 'C2H4 + H2 -> C2H6', 'aniline + acetic anhydride -> …', 'C=C.[H][H]>>CC'.

    Raises InvalidInput: `not_an_equation`, `too_large`, and what `read_substance` raises.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(
            "too_large", f"the equation is {len(text)} characters long; the limit is {MAX_CHARACTERS}"
        )
    if ">>" in text:
        return _reaction_smiles(text.strip())
    for arrow in (_ARROW, _EQUALS, _COMPACT_EQUALS):
        sides = arrow.split(text.strip())
        if len(sides) == 2:
            break
    if len(sides) != 2 or not all(side.strip() for side in sides):
        raise InvalidInput(
            "not_an_equation", f"{text!r} is not one equation with two sides",
            hint="write it as in 'C2H4 + H2 -> C2H6'", details={"equation": text},
        )  # fmt: skip
    read = [[_term(term, text) for term in _terms(side)] for side in sides]
    if len(read[0]) + len(read[1]) > MAX_SPECIES:
        raise InvalidInput("too_large", f"the equation has more than {MAX_SPECIES} species")
    for side in read:
        counts = Counter((substance.text, substance.species.state) for _, substance in side)
        twice = [name for (name, _), count in counts.items() if count > 1]
        if twice:
            raise InvalidInput(
                "not_an_equation", f"{twice[0]!r} stands twice on one side", hint="write it once"
            )
    equation = Equation(
        tuple(s.species for _, s in read[0]), tuple(s.species for _, s in read[1]),
        tuple(number for side in read for number, _ in side),
    )  # fmt: skip
    return NamedEquation(equation, tuple(s for side in read for _, s in side))


def _reaction_smiles(text: str) -> NamedEquation:
    """Return the equation of a reaction SMILES, 'C=C.[H][H]>>CC'; a molecule written n times has coefficient n."""
    sides = [[part for part in side.split(".") if part] for side in text.split(">>")]
    if len(sides) != 2 or not all(sides):
        raise InvalidInput(
            "not_an_equation",
            f"{text!r} is not one reaction with two sides",
            hint="write it as in 'C=C.[H][H]>>CC'",
        )
    counts = [Counter(_from_smiles(part).smiles for part in side) for side in sides]
    read = [
        [
            (n, Substance(_species_of(c, smiles, None), c))
            for smiles, n in count.items()
            for c in [_from_smiles(smiles)]
        ]
        for count in counts
    ]
    equation = Equation(
        tuple(s.species for _, s in read[0]), tuple(s.species for _, s in read[1]),
        tuple(Fraction(n) if n > 1 else None for side in read for n, _ in side),
    )  # fmt: skip
    return NamedEquation(equation, tuple(s for side in read for _, s in side))


def _from_smiles(smiles: str) -> Compound:
    return build_compound(parse_smiles(smiles), given=smiles, resolved_by="SMILES")


def _terms(side: str) -> list[str]:
    if re.search(r"\s\+\s", side):
        return re.split(r"\s+\+\s+", side.strip())
    return re.split(r"(?<=[\w)\]}])\s*\+\s*(?=\d*\s*[A-Z(\[{])", side.strip())  # 'C2H4+H2'


def _term(term: str, equation: str) -> tuple[Fraction | None, Substance]:
    term = term.strip()
    if not term:
        raise InvalidInput("not_an_equation", f"{equation!r} has an empty term", hint="write 'A + B -> C'")
    found = _COEFFICIENT.match(term)
    if found is None:
        return None, read_substance(term)
    over, _, under = found[1].replace(" ", "").partition("/")
    if Fraction(over) == 0 or (under and int(under) == 0):
        raise InvalidInput("not_an_equation", f"{term!r} has a coefficient of zero or over zero")
    return Fraction(over) / (int(under) if under else 1), read_substance(term[found.end() :])


def _conserves(equation: Equation, numbers: tuple[Fraction, ...]) -> bool:
    split = len(equation.reactants)
    totals: Counter[str] = Counter()
    for i, (species, number) in enumerate(zip(equation.species, numbers, strict=True)):
        sign = 1 if i < split else -1
        for what, count in (*species.atoms.items(), ("charge", species.charge)):
            totals[what] += sign * number * count  # type: ignore[assignment]
    return not any(totals.values())


def _is_chain(text: str) -> bool:
    """Return whether letters alone repeat an element without hydrogen: 'CCO' is a SMILES and no formula."""
    symbols = re.findall(r"[A-Z][a-z]?", text)
    return (
        text.isalpha()
        and "".join(symbols) == text
        and "H" not in symbols
        and len(set(symbols)) < len(symbols)
    )


def _names_another(text: str) -> bool:
    """Return whether a formula in letters alone is the name of something else: 'NBS', 'SDS'."""
    return text.isalpha() and any(not is_formula_of(text, k.formula) for k in name_table().by_name(text))


def _species_of(compound: Compound, text: str, state: str | None) -> Species:
    atoms: Counter[str] = Counter()
    for atom in compound.mol().GetAtoms():
        atoms[_symbol(atom.GetSymbol(), atom.GetIsotope())] += 1
        atoms["H"] += atom.GetTotalNumHs()
    counts = {symbol: count for symbol, count in atoms.items() if count}
    if compound.name:
        _check_form(compound, counts)
    return Species(text, counts, compound.charge, state, compound.warnings)


def _symbol(symbol: str, isotope: int) -> str:
    return {2: "D", 3: "T"}.get(isotope, symbol) if symbol == "H" else symbol


def _check_form(compound: Compound, atoms: dict[str, int]) -> None:
    """Raise `salt_form_lost` where a name says a salt or hydrate and the table gives the substance without it."""
    name = fold(compound.name or "")
    lost = [element for words, element in _FORMS if element not in atoms and re.search(words, name)]
    if re.search(r"hydrate\b", name) and not re.search(r"carbohydrate|chloral hydrate", name):
        lost += [] if any(c == "O" for c in compound.components) else ["H2O of crystallization"]
    if lost:
        raise InvalidInput(
            "salt_form_lost",
            f"the tables give {compound.formula} for {compound.name!r}, which has no {', '.join(lost)}",
            hint="write the formula of what is weighed, with its water, as in Na2C10H14N2O8·2H2O",
            details={"formula": compound.formula},
        )


def label_of(substance: Substance) -> str:
    """Return how to name a substance to a reader, with its formula where a name was given."""
    if substance.compound is None:
        return substance.text
    return f"{substance.text} ({substance.compound.formula})"
