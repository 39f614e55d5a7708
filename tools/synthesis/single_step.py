"""One step back: disconnections of a molecule by the templates of its nearest precedents, and by named reactions."""

from __future__ import annotations

import functools
from typing import NamedTuple

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.chemistry.parsing import quiet_rdkit
from benchmate.tools.synthesis.named import NamedReaction, named_reactions
from benchmate.tools.synthesis.precedents import Precedent, Precedents, fingerprint, tanimoto
from benchmate.tools.synthesis.transform import prepared, run_template

REFERENCE = "Coley, Rogers, Green, Jensen, ACS Cent. Sci. 2017, 3, 1237, doi:10.1021/acscentsci.7b00355"
METHOD = "similarity of the product to a precedent's x similarity of the precursors to that precedent's"
NEAREST = 100  # precedents whose templates are applied, as in the paper


class Disconnection(NamedTuple):
    """Precursors of a molecule. `score` is the similarity score of the best precedent, None without one."""

    precursors: tuple[str, ...]
    score: float | None = None
    precedent: Precedent | None = None
    product_similarity: float | None = None
    others: tuple[str, ...] = ()
    rule: NamedReaction | None = None
    template: str = ""

    @property
    def key(self) -> str:
        """The precursors as one SMILES."""
        return ".".join(self.precursors)


def by_precedent(smiles: str, precedents: Precedents, nearest: int = NEAREST) -> list[Disconnection]:
    """Return the disconnections that the templates of the nearest precedents allow, best score first.

    A set of precursors that several precedents lead to has the best of their scores; the ids of up to five others stand beside it.
    """
    from rdchiral.main import rdchiralReactants
    from rdkit.Chem import MolFromSmiles

    best: dict[str, Disconnection] = {}
    ids: dict[str, list[str]] = {}
    outcomes: dict[str, list[str]] = {}
    with quiet_rdkit():
        target = rdchiralReactants(smiles)
        for row, similarity in precedents.nearest(fingerprint(MolFromSmiles(smiles)), nearest):
            precedent = precedents[row]
            if precedent.template not in outcomes:
                outcomes[precedent.template] = _apply(precedent.template, target)
            for key in outcomes[precedent.template]:
                left = _bits(key)
                if left is None or key == smiles:
                    continue
                score = similarity * tanimoto(left, precedents.reactant_bits[row])
                ids.setdefault(key, []).append(precedent.id)
                if key not in best or score > (best[key].score or 0.0):
                    best[key] = Disconnection(
                        tuple(key.split(".")), score, precedent, similarity, template=precedent.template
                    )
    found = [
        d._replace(
            others=tuple(dict.fromkeys(i for i in ids[key] if d.precedent and i != d.precedent.id))[:5]
        )
        for key, d in best.items()
    ]
    return sorted(found, key=lambda d: (-(d.score or 0.0), d.key))


def by_rule(smiles: str) -> list[Disconnection]:
    """Return the disconnections of the named reactions, the most usual first."""
    found: dict[str, Disconnection] = {}
    for reaction in named_reactions().values():
        for template in reaction.reverse:
            try:
                outcomes = run_template(template, [smiles])
            except (
                InvalidInput
            ):  # a template that rdchiral cannot run on this molecule gives no disconnection
                continue
            for outcome in outcomes:
                precursors = tuple(sorted(outcome.products))
                found.setdefault(
                    ".".join(precursors), Disconnection(precursors, rule=reaction, template=template)
                )
    return sorted(found.values(), key=lambda d: (d.rule.prior if d.rule else 0.0, d.key))


def _apply(template: str, target: object) -> list[str]:
    """Return what a retro-template of the data set makes of the target; it was extracted, so it may fail on others."""
    from rdchiral.main import rdchiralRun
    from rdkit.Chem import MolFromSmiles, MolToSmiles

    try:
        outcomes = rdchiralRun(prepared(template), target)
    except (ValueError, KeyError, RuntimeError, AttributeError, IndexError):
        return []
    found = []
    for outcome in outcomes:
        mol = MolFromSmiles(outcome)
        if mol is not None:
            found.append(MolToSmiles(mol))
    return found


@functools.lru_cache(maxsize=20_000)
def _bits(smiles: str) -> object:
    from rdkit.Chem import MolFromSmiles

    mol = MolFromSmiles(smiles)
    return None if mol is None else fingerprint(mol)
