"""Templates run on molecules: products with stereochemistry and atom maps, by rdchiral."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.chemistry.parsing import quiet_rdkit
from benchmate.tools.synthesis.named import NamedReaction, component_count

REFERENCE = "rdchiral: Coley, Green, Jensen, J. Chem. Inf. Model. 2019, 59, 2529"
_NEW_ATOM = 900  # rdchiral numbers atoms that the template adds from here on
_MOST_OUTCOMES = 200


class Outcome(NamedTuple):
    """What one application of a template gives: canonical SMILES of the products, largest first, and the mapped reaction."""

    products: tuple[str, ...]
    reactants: tuple[str, ...]
    mapped: str
    site: str
    kept_centre: bool

    @property
    def key(self) -> str:
        """The products as one SMILES."""
        return ".".join(self.products)


def check_template(smarts: str) -> None:
    """Raise InvalidInput (`invalid_smarts`) unless RDKit reads the reaction SMARTS and it joins both sides by atom maps."""
    from rdkit.Chem import rdChemReactions

    problem = None
    if smarts.count(">>") != 1 or len(smarts) > 2000:
        problem = "it needs exactly one '>>', reactants left, products right, and at most 2000 characters"
    else:
        with quiet_rdkit():
            try:
                reaction = rdChemReactions.ReactionFromSmarts(smarts)
                _, errors = reaction.Validate(silent=True)
            except ValueError as error:
                problem = str(error).strip().splitlines()[0]
            else:
                left, right = (
                    {a.GetAtomMapNum() for mol in side for a in mol.GetAtoms()} - {0}
                    for side in (reaction.GetReactants(), reaction.GetProducts())
                )
                if errors or not reaction.GetNumReactantTemplates():
                    problem = "RDKit finds it inconsistent"
                elif not right or not right <= left:
                    problem = "each map number on the right must stand on the left, and at least one must"
    if problem:
        raise InvalidInput(
            "invalid_smarts",
            f"{smarts[:120]!r} is not a usable reaction SMARTS: {problem}",
            hint="write it as in '[C:1](=[O:2])[OH].[N;H2:3]>>[C:1](=[O:2])[N:3]', or give a name such as 'amide coupling'",
        )


def run_template(smarts: str, reactants: Sequence[str], *, inverts: bool = False) -> list[Outcome]:
    """Return each different outcome of one application to molecules that all take part, sorted by their products.

    Order of the reactants does not matter. One molecule for a template of two gives the intramolecular outcomes and those
    with a second molecule of the same. `inverts` inverts sp3 centres at which a group is replaced.

    Raises InvalidInput (`template_failed`) where rdchiral cannot run the template.
    """
    slots = component_count(smarts.split(">>")[0])
    pools: list[tuple[str, ...]] = []
    if len(reactants) == slots:
        pools = [tuple(reactants)]
    elif len(reactants) == 1:
        pools = [tuple(reactants), tuple(reactants) * slots]
    found: dict[str, Outcome] = {}
    for pool in pools:
        for outcome in _run(smarts, pool, inverts):
            found.setdefault(outcome.key, outcome)
    return sorted(found.values(), key=lambda o: o.key)[:_MOST_OUTCOMES]


def run_named(reaction: NamedReaction, reactants: Sequence[str]) -> list[Outcome]:
    """Return the outcomes of every template of a named reaction."""
    found: dict[str, Outcome] = {}
    for smarts in reaction.smarts:
        for outcome in run_template(smarts, reactants, inverts=reaction.inverts):
            found.setdefault(outcome.key, outcome)
    return sorted(found.values(), key=lambda o: o.key)


def subsets(reactants: Sequence[str], slots: int) -> Iterable[tuple[str, ...]]:
    """Yield which of the reactants may take the slots: all of them, or each choice of as many as there are slots."""
    if len(reactants) <= slots:
        yield tuple(reactants)
    else:
        yield from itertools.combinations(reactants, slots)


@functools.lru_cache(maxsize=4096)
def prepared(smarts: str) -> Any:
    """Return the template as rdchiral wants it: all components of a side in one group. Raises ValueError."""
    from rdchiral.main import rdchiralReaction

    left, right = smarts.split(">>")
    return rdchiralReaction(f"({left})>>({right})")


def _run(smarts: str, pool: tuple[str, ...], inverts: bool) -> list[Outcome]:
    from rdchiral.main import rdchiralReactants, rdchiralRun
    from rdkit import Chem

    smiles = ".".join(pool)
    with quiet_rdkit():
        try:
            _, mapped = rdchiralRun(prepared(smarts), rdchiralReactants(smiles), return_mapped=True) or (
                [],
                {},
            )
        except (ValueError, KeyError, RuntimeError, AttributeError, IndexError) as error:
            raise InvalidInput(
                "template_failed",
                f"the template {smarts[:120]!r} cannot be run on {smiles}: {error}",
                hint="give hydrogen counts and charges of the reacting atoms on both sides",
            ) from None
        numbered = Chem.MolFromSmiles(smiles)
        for atom in numbered.GetAtoms():
            atom.SetAtomMapNum(atom.GetIdx() + 1)
        outcomes = [_outcome(numbered, text, pool, inverts) for text, _ in mapped.values()]
    return [o for o in outcomes if o is not None]


def _outcome(numbered: Any, mapped: str, pool: tuple[str, ...], inverts: bool) -> Outcome | None:
    """Return the outcome, or None where the product is no sound molecule or a molecule of the pool takes no part."""
    from rdkit import Chem

    product: Any = Chem.MolFromSmiles(mapped)
    if product is None or not _all_take_part(numbered, product):
        return None
    _keep_double_bonds(numbered, product)
    replaced = _replaced_centres(numbered, product)
    if inverts:
        for atom in replaced:
            atom.InvertChirality()
    for atom in product.GetAtoms():
        if atom.GetAtomMapNum() >= _NEW_ATOM:
            atom.SetAtomMapNum(0)
    plain = Chem.Mol(product)
    for atom in plain.GetAtoms():
        atom.SetAtomMapNum(0)
    parsed: Any = Chem.MolFromSmiles(Chem.MolToSmiles(plain))
    if parsed is None:
        return None
    parts = Chem.MolToSmiles(parsed).split(".")
    parts.sort(key=lambda s: (-Chem.MolFromSmiles(s).GetNumHeavyAtoms(), s))
    copies = len(pool) > 1 and len(set(pool)) == 1
    pieces = len(Chem.GetMolFrags(numbered))
    site = (
        "with a second molecule of the same"
        if copies
        else "within one molecule"
        if pieces == 1
        else "between molecules"
    )
    return Outcome(
        products=tuple(parts),
        reactants=pool,
        mapped=f"{Chem.MolToSmiles(numbered)}>>{Chem.MolToSmiles(product)}",
        site=site,
        kept_centre=bool(replaced) and not inverts,
    )  # fmt: skip


def _all_take_part(numbered: Any, product: Any) -> bool:
    from rdkit import Chem

    pieces = [{i + 1 for i in piece} for piece in Chem.GetMolFrags(numbered)]
    if len(pieces) == 1:
        return True
    kept = [{product.GetAtomWithIdx(i).GetAtomMapNum() for i in piece} for piece in Chem.GetMolFrags(product)]
    return any(all(piece & there for piece in pieces) for there in kept)


def _replaced_centres(numbered: Any, product: Any) -> list[Any]:
    """Return the product's sp3 stereocentres at which one neighbour left and another came, specified on both sides."""
    from rdkit.Chem import ChiralType

    found = []
    for atom in product.GetAtoms():
        number = atom.GetAtomMapNum()
        if not 0 < number < _NEW_ATOM or atom.GetChiralTag() == ChiralType.CHI_UNSPECIFIED:
            continue
        before = numbered.GetAtomWithIdx(number - 1)
        if before.GetChiralTag() == ChiralType.CHI_UNSPECIFIED:
            continue
        was = {n.GetAtomMapNum() for n in before.GetNeighbors()}
        now = {n.GetAtomMapNum() for n in atom.GetNeighbors()}
        if was - now and now - was:
            found.append(atom)
    return found


def _keep_double_bonds(numbered: Any, product: Any) -> None:
    """Give double bonds that stay double their configuration back; a group that comes takes the place of the one that left.

    rdchiral alone turns the bond around where a template holds only one of its atoms.
    """
    from rdkit.Chem import BondStereo, BondType, SetDoubleBondNeighborDirections

    places = {a.GetAtomMapNum(): a for a in product.GetAtoms() if a.GetAtomMapNum()}
    for bond in numbered.GetBonds():
        ends = (bond.GetBeginAtom(), bond.GetEndAtom())
        if bond.GetStereo() not in (
            BondStereo.STEREOE,
            BondStereo.STEREOZ,
            BondStereo.STEREOCIS,
            BondStereo.STEREOTRANS,
        ):
            continue
        there = [places.get(end.GetAtomMapNum()) for end in ends]
        if there[0] is None or there[1] is None:
            continue
        now = product.GetBondBetweenAtoms(there[0].GetIdx(), there[1].GetIdx())
        if now is None or now.GetBondType() != BondType.DOUBLE or now.IsInRing():
            continue
        marks = [
            _in_place_of(numbered.GetAtomWithIdx(mark), end, other, atom)
            for mark, end, other, atom in zip(bond.GetStereoAtoms(), ends, reversed(ends), there, strict=True)
        ]
        if marks[0] is None or marks[1] is None:
            continue
        cis = bond.GetStereo() in (BondStereo.STEREOZ, BondStereo.STEREOCIS)
        now.SetStereoAtoms(
            *((marks[0], marks[1]) if now.GetBeginAtomIdx() == there[0].GetIdx() else (marks[1], marks[0]))
        )
        now.SetStereo(BondStereo.STEREOCIS if cis else BondStereo.STEREOTRANS)
    SetDoubleBondNeighborDirections(product)


def _in_place_of(mark: Any, end: Any, other: Any, atom: Any) -> int | None:
    """Return the neighbour of `atom` that stands where `mark` stood at `end`, or None where that is not clear."""
    number = mark.GetAtomMapNum()
    for neighbour in atom.GetNeighbors():
        if neighbour.GetAtomMapNum() == number:
            return int(neighbour.GetIdx())
    before = {n.GetAtomMapNum() for n in end.GetNeighbors()} | {other.GetAtomMapNum()}
    came = [n.GetIdx() for n in atom.GetNeighbors() if n.GetAtomMapNum() not in before]
    return int(came[0]) if len(came) == 1 else None
