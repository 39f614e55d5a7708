"""Reaction SMILES: read into reactants, agents and products, with what is gained and lost between them."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.evidence import Entity
from benchmate.tools.chemistry.formulas import hill_formula
from benchmate.tools.chemistry.parsing import parse_smiles

MOST_MOLECULES = 20
MOST_CHARACTERS = 4000


class ParsedReaction(NamedTuple):
    """A reaction: canonical SMILES of its molecules without atom maps, and the text with maps where it had them on both sides."""

    reactants: tuple[str, ...]
    agents: tuple[str, ...]
    products: tuple[str, ...]
    mapped: str | None

    @property
    def text(self) -> str:
        """The reaction without atom maps."""
        return ">".join(".".join(side) for side in (self.reactants, self.agents, self.products))

    def entity(self, given: str) -> Entity:
        """Return the echo of what the reaction was taken for."""
        return Entity(kind="text", given=given, key=f"RXN={self.text}", label=self.text, argument="reaction")


def parse_reaction(text: str) -> ParsedReaction:
    """Return the reaction written as SMILES, `reactants>agents>products`.

    Raises InvalidInput: `not_a_reaction`, `too_large`, `invalid_smiles` naming the molecule.
    """
    given = text.strip().split()[0] if text.strip() else ""
    if len(given) > MOST_CHARACTERS:
        raise InvalidInput(
            "too_large", f"the reaction is {len(given)} characters long; the limit is {MOST_CHARACTERS}"
        )
    sides = given.split(">")
    if len(sides) != 3 or not sides[0] or not sides[2]:
        raise InvalidInput(
            "not_a_reaction",
            f"{text[:120]!r} is not a reaction SMILES with reactants and products",
            hint="write it as in 'CC(=O)O.CCO>>CC(=O)OCC' or 'reactants>agents>products'",
        )
    parts = [[part for part in side.split(".") if part] for side in sides]
    if sum(map(len, parts)) > MOST_MOLECULES:
        raise InvalidInput("too_large", f"the reaction has more than {MOST_MOLECULES} molecules")
    reactants, agents, products = (tuple(_plain(part) for part in side) for side in parts)
    has_maps = all(":" in side for side in (sides[0], sides[2]))
    return ParsedReaction(reactants, agents, products, f"{sides[0]}>>{sides[2]}" if has_maps else None)


def balance_of(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, str]:
    """Return the atoms (as formulas) that stand only on the left, and only on the right; '' where none do."""
    before, after = _atoms(left), _atoms(right)
    lost, gained = Counter(before), Counter(after)
    lost.subtract(after)
    gained.subtract(before)
    return tuple(hill_formula({e: n for e, n in side.items() if n > 0}) for side in (lost, gained))  # type: ignore[return-value]


def changed_bonds(mapped: str) -> dict[str, list[str]]:
    """Return the bonds between mapped atoms that are formed, broken or changed in order, each as 'C1-N7'.

    Bonds within what leaves are not counted: the mapped reaction does not say what becomes of them.
    """
    before, after = (_bonds(side) for side in mapped.split(">>"))
    names, kept = _names(mapped), set(_names(mapped.split(">>")[1]))
    changes: dict[str, list[str]] = {"formed": [], "broken": [], "changed": []}
    for pair in sorted(before.keys() | after.keys()):
        was, now = before.get(pair), after.get(pair)
        if was == now or kept.isdisjoint(pair):
            continue
        kind = "formed" if was is None else "broken" if now is None else "changed"
        changes[kind].append(f"{names[pair[0]]}{pair[0]}-{names[pair[1]]}{pair[1]}")
    return changes


def _plain(smiles: str) -> str:
    from rdkit import Chem

    mol = parse_smiles(smiles)
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
    return str(Chem.MolToSmiles(Chem.MolFromSmiles(Chem.MolToSmiles(mol))))


def _atoms(side: tuple[str, ...]) -> Counter[str]:
    from rdkit import Chem

    count: Counter[str] = Counter()
    for smiles in side:
        for atom in Chem.AddHs(Chem.MolFromSmiles(smiles)).GetAtoms():
            count[atom.GetSymbol()] += 1
    return count


def _bonds(side: str) -> dict[tuple[int, int], Any]:
    mol = _mapped_mol(side)
    found = {}
    for bond in mol.GetBonds():
        a, b = sorted((bond.GetBeginAtom().GetAtomMapNum(), bond.GetEndAtom().GetAtomMapNum()))
        if a and b:
            found[a, b] = bond.GetBondType()
    return found


def _names(mapped: str) -> dict[int, str]:
    return {
        atom.GetAtomMapNum(): atom.GetSymbol()
        for side in mapped.split(">>")
        for atom in _mapped_mol(side).GetAtoms()
    }


def _mapped_mol(side: str) -> Any:
    from rdkit import Chem

    return Chem.MolFromSmiles(side)
