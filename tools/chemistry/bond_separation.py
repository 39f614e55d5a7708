"""Reactions that take a molecule apart into small ones of known heat of formation and keep what surrounds its bonds.

Every heavy atom becomes the molecule of itself and its neighbours, each bond counted twice by this is taken off once as the
molecule of its two atoms, and hydrogen saturates the rest: a hypohomodesmotic reaction (Wheeler et al. 2009,
doi:10.1021/ja805843n), the second rung of the hierarchy of Ramabhadran and Raghavachari 2011 (doi:10.1021/ct200279q). Where such a
molecule is not tabulated, its bonds are separated in its place (Hehre, Ditchfield, Radom and Pople 1970,
doi:10.1021/ja00719a006). Ring systems and groups such as nitro and sulfonyl stay whole, so that strain and aromaticity cancel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmate.tools.chemistry.parsing import quiet_rdkit

if TYPE_CHECKING:
    from rdkit.Chem import Mol

Known = Callable[[str], bool]


@dataclass(frozen=True)
class Separation:
    """A balanced reaction: one target and `reactants` become `products`, all by SMILES with their numbers."""

    reactants: dict[str, int]
    products: dict[str, int]
    separated: tuple[
        str, ...
    ] = ()  # surroundings of atoms that are not tabulated, whose bonds were separated
    apart: tuple[
        str, ...
    ] = ()  # rings whose neighbours were taken one by one, as if they did not see each other

    @property
    def signed(self) -> dict[str, int]:
        """Numbers of the small molecules, reactants negative."""
        return self.products | {smiles: -n for smiles, n in self.reactants.items()}


@dataclass(frozen=True)
class Stuck(Exception):
    """The molecule cannot be taken apart into known ones: what is lacking, by SMILES, and why it may not be taken apart further."""

    lacking: str
    why: str


def separate(mol: Mol, known: Known) -> Separation:
    """Return the reaction for a molecule without explicit hydrogens. `known` says whether a small molecule has a tabulated value.

    The target itself is never one of the small molecules. Raises Stuck.
    """
    return _Separator(mol, known).run()


class _Separator:
    def __init__(self, mol: Mol, known: Known) -> None:
        from rdkit import Chem

        self.mol, self.total = mol, Counter[str]()
        self.separated, self.apart = list[str](), list[str]()
        self.target = Chem.MolToSmiles(mol, isomericSmiles=False)
        self.known = lambda smiles: bool(smiles) and smiles != self.target and known(smiles)
        self.units = _units(mol)
        self.unit_of = {atom: unit for unit in self.units for atom in unit}

    def run(self) -> Separation:
        between = [bond for bond in _bonds(self.mol) if self.unit_of[bond[0]] is not self.unit_of[bond[1]]]
        for unit in self.units:
            own = [bond for bond in between if bond[0] in unit or bond[1] in unit]
            if not between:
                raise Stuck(self.target, "it is one whole: a ring system, a group or a hydride")
            self._add_environment(unit, own)
        for bond in between:
            self._add_bond(bond, -1)
        counts = {smiles: n for smiles, n in self.total.items() if n}
        return Separation(
            {s: -n for s, n in sorted(counts.items()) if n < 0},
            {s: n for s, n in sorted(counts.items()) if n > 0},
            tuple(dict.fromkeys(self.separated)),
            tuple(dict.fromkeys(self.apart)),
        )

    def _add_environment(self, unit: frozenset[int], bonds: list[tuple[int, int]]) -> None:
        """Add a unit with its neighbours, or, where that is not known, its bonds one by one."""
        whole = self._smiles(unit, bonds)
        if self.known(whole):
            self.total[whole] += 1
            return
        if len(bonds) > 1:
            (self.apart if self._is_ring(unit) else self.separated).append(whole)
        for bond in bonds:
            self._add_arm(unit, bond)
        if len(bonds) > 1:
            self._add(self._smiles(unit, []), 1 - len(bonds))

    def _add_arm(self, unit: frozenset[int], bond: tuple[int, int]) -> None:
        """Add a unit with one neighbour; a ring where that is not known as the ring, changed as benzene or an open chain is."""
        arm, end = self._smiles(unit, [bond]), next(atom for atom in bond if atom in unit)
        if self.known(arm) or not self._is_ring(unit):
            self._add(arm, 1)
            return
        if self.mol.GetAtomWithIdx(end).GetIsAromatic():
            with_arm, without = self._on_benzene(bond, end), "c1ccccc1"
        else:
            around = [b for b in _bonds(self.mol) if end in b and {*b} <= unit]
            with_arm, without = self._smiles({end}, [bond, *around]), self._smiles({end}, around)
        if not (self.known(with_arm) and self.known(without)):
            self.separated.append(arm)
            with_arm, without = self._smiles((), [bond]), self._smiles({end}, [])
        self._add(self._smiles(unit, []), 1)
        self._add(with_arm, 1)
        self._add(without, -1)

    def _on_benzene(self, bond: tuple[int, int], end: int) -> str:
        """Return benzene with the neighbour of a carbon of another aromatic ring; nothing for another atom, or a double bond."""
        from rdkit import Chem

        single = self.mol.GetBondBetweenAtoms(*bond).GetBondType() == Chem.BondType.SINGLE
        if not single or self.mol.GetAtomWithIdx(end).GetSymbol() != "C":
            return ""
        other = bond[0] if bond[1] == end else bond[1]
        unit = self.unit_of[other]
        atoms = {other} if self._is_ring(unit) else unit
        chosen = {end, *atoms}
        kept = [bond, *((a, b) for a, b in _bonds(self.mol) if {a, b} <= set(atoms))]
        with quiet_rdkit():
            chain = Chem.MolFromSmiles(_capped(self.mol, chosen, kept, mark=end))
            marked = next(atom for atom in chain.GetAtoms() if atom.GetAtomMapNum())
            editable = Chem.RWMol(Chem.CombineMols(chain, Chem.MolFromSmiles("c1ccccc1")))
            next_to = marked.GetNeighbors()[0].GetIdx()
            editable.AddBond(next_to, chain.GetNumAtoms(), Chem.BondType.SINGLE)
            editable.RemoveAtom(marked.GetIdx())
            made = editable.GetMol()
            Chem.SanitizeMol(made)
            return Chem.MolToSmiles(made)

    def _add_bond(self, bond: tuple[int, int], number: int) -> None:
        self._add(self._smiles((), [bond]), number)

    def _add(self, smiles: str, number: int) -> None:
        if not self.known(smiles):
            raise Stuck(smiles, "no heat of formation of it is tabulated")
        self.total[smiles] += number

    def _is_ring(self, unit: frozenset[int]) -> bool:
        return any(self.mol.GetAtomWithIdx(atom).IsInRing() for atom in unit)

    def _smiles(self, atoms: Iterable[int], bonds: list[tuple[int, int]]) -> str:
        """Return the molecule of some atoms and bonds, saturated with hydrogen. Groups at the end of a bond stay whole, rings do not."""
        chosen, kept = set(atoms), list(bonds)
        for atom in [a for bond in bonds for a in bond if a not in chosen]:
            unit = self.unit_of[atom]
            chosen |= {atom} if self._is_ring(unit) else unit
        inside = [
            (a, b) for a, b in _bonds(self.mol) if self.unit_of[a] is self.unit_of[b] and {a, b} <= chosen
        ]
        return _capped(self.mol, chosen, [*kept, *inside])


def _bonds(mol: Mol) -> list[tuple[int, int]]:
    return [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]


def _units(mol: Mol) -> list[frozenset[int]]:
    """Return what stays whole: ring systems, charge-separated groups, oxides of sulfur and phosphorus; else single atoms."""
    joined: list[set[int]] = [set(ring) for ring in mol.GetRingInfo().AtomRings()]
    for atom in mol.GetAtoms():
        hypervalent = atom.GetSymbol() in "SP" and atom.GetTotalValence() > {"S": 2, "P": 3}[atom.GetSymbol()]
        if atom.IsInRing() and not (atom.GetFormalCharge() or hypervalent):
            continue
        if atom.GetFormalCharge() or hypervalent:
            close = [
                other.GetIdx() for other in atom.GetNeighbors()
                if other.GetFormalCharge() or mol.GetBondBetweenAtoms(atom.GetIdx(), other.GetIdx()).GetBondTypeAsDouble() > 1
            ]  # fmt: skip
            joined.append({atom.GetIdx(), *close})
    units: list[set[int]] = []
    for one in [*joined, *({atom.GetIdx()} for atom in mol.GetAtoms())]:
        touching = [unit for unit in units if unit & one]
        units = [unit for unit in units if not unit & one] + [one.union(*touching)]
    return [frozenset(unit) for unit in units]


def _capped(mol: Mol, atoms: set[int], bonds: list[tuple[int, int]], mark: int | None = None) -> str:
    from rdkit import Chem

    kept = {frozenset(bond) for bond in bonds}
    with quiet_rdkit():
        editable = Chem.RWMol()
        place = {}
        for index in sorted(atoms):
            old = mol.GetAtomWithIdx(index)
            lost = [
                b for b in old.GetBonds() if frozenset((b.GetBeginAtomIdx(), b.GetEndAtomIdx())) not in kept
            ]
            hydrogens = old.GetTotalNumHs() + round(sum(b.GetBondTypeAsDouble() for b in lost))
            if any(
                b.GetIsAromatic() for b in lost
            ):  # of an aromatic ring that is not kept: as in a saturated chain
                gone = {b.GetIdx() for b in lost}
                staying = sum(b.GetBondTypeAsDouble() for b in old.GetBonds() if b.GetIdx() not in gone)
                hydrogens = Chem.GetPeriodicTable().GetDefaultValence(old.GetAtomicNum()) - round(staying)
            new = Chem.Atom(old.GetAtomicNum())
            new.SetFormalCharge(old.GetFormalCharge())
            new.SetNumExplicitHs(hydrogens)
            new.SetNoImplicit(True)
            new.SetAtomMapNum(int(index == mark))
            place[index] = editable.AddAtom(new)
        for a, b in dict.fromkeys(tuple(sorted(bond)) for bond in kept):
            editable.AddBond(place[a], place[b], mol.GetBondBetweenAtoms(a, b).GetBondType())
        made = editable.GetMol()
        for bond in made.GetBonds():
            if bond.GetBondType() == Chem.BondType.AROMATIC:
                bond.SetIsAromatic(True)
                bond.GetBeginAtom().SetIsAromatic(True)
                bond.GetEndAtom().SetIsAromatic(True)
        Chem.SanitizeMol(made)
        return Chem.MolToSmiles(Chem.MolFromSmiles(Chem.MolToSmiles(made)))
