"""The named reactions: common laboratory transformations as templates, with what textbooks say of each."""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import Any, NamedTuple

from benchmate.runtime.errors import NotFound, nearest
from benchmate.tools.chemistry.parsing import quiet_rdkit

REFERENCE = "Carey et al., Org. Biomol. Chem. 2006, 4, 2337 (classes); Clayden, Greeves, Warren, Organic Chemistry, 2nd ed. 2012"
_USUAL_PRIOR = 1.0


class NamedReaction(NamedTuple):
    """One transformation. `smarts` run forward, `reverse` are disconnections; `prior` is the cost of a disconnection in planning."""

    name: str
    kind: str
    aliases: tuple[str, ...]
    smarts: tuple[str, ...]
    reverse: tuple[str, ...]
    reagents: tuple[str, ...]
    byproducts: tuple[str, ...]
    conditions: str
    inverts: bool
    prior: float

    def takes_as_reagent(self, smiles: str) -> bool:
        """Return whether a compound, or an ion of it, is a known reagent of this reaction."""
        same = {"[HH]": "[H][H]"}  # hydrogen as InChI writes it
        return any(same.get(part, part) in self.reagents for part in smiles.split("."))

    @property
    def slots(self) -> int:
        """How many reactants it takes."""
        return component_count(self.smarts[0].split(">>")[0])


@functools.cache
def named_reactions() -> dict[str, NamedReaction]:
    """Return the table, in its own order, by name."""
    from ruamel.yaml import YAML

    table = YAML(typ="safe").load((resources.files(__package__) / "named_reactions.yaml").read_text("utf-8"))
    fragments: dict[str, str] = table["fragments"]

    def filled(patterns: list[str]) -> tuple[str, ...]:
        return tuple(re.sub(r"\{(\w+)\}", lambda m: fragments[m[1]], p) for p in patterns)

    with quiet_rdkit():
        return {row["name"]: _read(row, filled) for row in table["reactions"]}


def _read(row: dict[str, Any], filled: Any) -> NamedReaction:
    from rdkit.Chem import MolFromSmiles, MolToSmiles

    return NamedReaction(
        name=row["name"],
        kind=row["class"],
        aliases=tuple(row.get("aliases", ())),
        smarts=filled(row["smarts"]),
        reverse=filled(row.get("reverse", ())),
        reagents=tuple(MolToSmiles(MolFromSmiles(smiles)) for smiles in row.get("reagents", ())),
        byproducts=tuple(row["byproducts"]),
        conditions=row["conditions"],
        inverts=row.get("inverts", False),
        prior=row.get("prior", _USUAL_PRIOR),
    )


def named_reaction(name: str) -> NamedReaction:
    """Return the reaction of that name or alias. Raises NotFound (`unknown_reaction`) with the nearest name."""
    wanted = _folded(name)
    for reaction in named_reactions().values():
        if wanted in map(_folded, (reaction.name, *reaction.aliases)):
            return reaction
    words = set(wanted.split())
    partly = [
        r
        for r in named_reactions().values()
        if words and words <= set(_folded(" ".join((r.name, *r.aliases))).split())
    ]
    if len(partly) == 1:  # 'Buchwald-Hartwig', 'Fischer indole'
        return partly[0]
    known = [n for r in named_reactions().values() for n in (r.name, *r.aliases)]
    by_fold = {_folded(n): n for n in known}
    close = by_fold.get(nearest(wanted, by_fold) or "")
    raise NotFound(
        "unknown_reaction",
        f"there is no named reaction {name!r}",
        hint=f"did you mean {close!r}? A reaction SMARTS (reactants>>products) works too"
        if close
        else "give a reaction SMARTS (reactants>>products), or a name such as 'Suzuki coupling'",
        details={"nearest": close},
    )


def component_count(side: str) -> int:
    """Return how many molecules stand on one side of a template: dots outside brackets and parentheses."""
    depth, count = 0, 1
    for sign in side:
        depth += (sign in "([") - (sign in ")]")
        count += sign == "." and depth == 0
    return count


def _folded(name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", " ", name.lower().replace("–", "-")).split()
    return " ".join(w for w in words if w not in ("the", "a", "an", "of", "reaction"))
