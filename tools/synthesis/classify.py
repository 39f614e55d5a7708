"""What kind of reaction it is: named reactions are run on the reactants, and their products compared with those given."""

from __future__ import annotations

import functools
import itertools
from typing import Any, NamedTuple

from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.synthesis.apply import source
from benchmate.tools.synthesis.named import NamedReaction, named_reactions
from benchmate.tools.synthesis.reaction_smiles import (
    ParsedReaction,
    balance_of,
    changed_bonds,
    parse_reaction,
)
from benchmate.tools.synthesis.stock import common_name, flat
from benchmate.tools.synthesis.transform import Outcome, run_named

METHOD = "named reactions run forward on the reactants, products compared with those given"
_SMALL = {  # what leaves, by its formula
    "H2O": "water", "HCl": "hydrogen chloride", "HBr": "hydrogen bromide", "HI": "hydrogen iodide", "HF": "hydrogen fluoride",
    "ClH": "hydrogen chloride", "BrH": "hydrogen bromide", "FH": "hydrogen fluoride",
    "N2": "nitrogen", "CO2": "carbon dioxide", "H3N": "ammonia", "C2H4O2": "acetic acid", "CH4O": "methanol", "C2H6O": "ethanol",
    "C5H8O2": "isobutene and carbon dioxide", "C2H4": "ethene",
}  # fmt: skip


class Match(NamedTuple):
    """A named reaction that gives the product: the outcome, and whether the stereochemistry agrees too."""

    reaction: NamedReaction
    outcome: Outcome
    same_stereo: bool
    unused: tuple[str, ...]


@tool(
    domain="chemistry",
    properties={
        "match_count": "number of named reactions that fit, matches",
        "bonds_formed": "number of bonds formed, bonds formed",
        "bonds_broken": "number of bonds broken, bonds broken",
    },
    examples=(
        "What kind of reaction is OB(O)c1ccccc1.Brc1ccncc1>>c1ccc(-c2ccncc2)cc1?",
        "Classify the reaction CC(=O)O.CCO>>CCOC(C)=O",
        "Name this reaction: O=Cc1ccccc1.C1COCCN1>>C(c1ccccc1)N1CCOCC1",
        "Which named reaction turns CC(C)(C)OC(=O)NCc1ccccc1 into NCc1ccccc1?",
        "What leaves in CC(=O)Cl.Nc1ccccc1>>CC(=O)Nc1ccccc1?",
        "reaction type and atom mapping of C#Cc1ccccc1.Ic1ccccc1>>C(#Cc1ccccc1)c1ccccc1",
    ),
    extra="retro",
    example={"reaction": "OB(O)c1ccccc1.Brc1ccncc1>>c1ccc(-c2ccncc2)cc1"},
)
def classify_reaction(reaction: str) -> ToolResult:
    """Name a reaction and its class, with the mapped reaction and what leaves, by running named reactions forward.

    Works with and without atom maps. A reaction that none of the named ones reproduces is reported as unclassified.

    Args:
        reaction: A reaction SMILES, `reactants>>products` or `reactants>agents>products`.
    """
    parsed = parse_reaction(reaction)
    matches = matching(parsed)
    warnings = []
    best = matches[0] if matches else None
    mapped = best.outcome.mapped if best else parsed.mapped
    bonds = changed_bonds(mapped) if mapped else None
    quantities = {"match_count": Quantity(value=len(matches), property="match_count", method=METHOD)}
    if bonds is not None:
        for kind in ("formed", "broken"):
            quantities[f"bonds_{kind}"] = Quantity(
                value=len(bonds[kind]), property=f"bonds_{kind}", method="bonds between mapped heavy atoms",
                conditions={"mapping": "named reaction" if best else "as given"},
            )  # fmt: skip
    if best is None:
        warnings.append(
            f"unclassified: none of the {len(named_reactions())} named reactions gives this product from these reactants"
        )
    else:
        if len({m.reaction.name for m in matches}) > 1:
            warnings.append(f"also fits: {', '.join(dict.fromkeys(m.reaction.name for m in matches[1:]))}")
        if not best.same_stereo:
            warnings.append("the product's stereochemistry differs from what the named reaction gives")
        if best.unused:
            warnings.append(f"took no part: {', '.join(best.unused)}")
    lost, gained = balance_of(best.outcome.reactants if best else parsed.reactants, parsed.products)
    return ToolResult(
        data={
            "name": best.reaction.name if best else None,
            "class": best.reaction.kind if best else None,
            "classified": best is not None,
            "mapped_reaction": mapped,
            "mapping": ("named reaction" if best else "as given") if mapped else None,
            "bonds": bonds,
            "reactants_used": list(best.outcome.reactants) if best else None,
            "atoms_leaving": {"formula": lost, "name": _SMALL.get(lost)} if lost else None,
            "atoms_from_reagents": gained or None,
            "byproducts": [common_name(b) or b if _is_smiles(b) else b for b in best.reaction.byproducts] if best else None,
            "usual_conditions": best.reaction.conditions if best else None,
            "alternatives": [{"name": m.reaction.name, "class": m.reaction.kind} for m in matches[1:]],
        },
        quantities=quantities,
        entities=(parsed.entity(reaction),),
        source=source(),
        warnings=tuple(warnings),
    )  # fmt: skip


def matching(parsed: ParsedReaction) -> list[Match]:
    """Return the named reactions that give the main product, the best first: all reactants used, stereochemistry alike."""
    return list(_matching(parsed.reactants, parsed.agents, parsed.products))


@functools.lru_cache(maxsize=512)
def _matching(
    reactants: tuple[str, ...], agents: tuple[str, ...], products: tuple[str, ...]
) -> tuple[Match, ...]:
    from rdkit.Chem import MolFromSmiles

    given = {*reactants, *agents}
    new = [p for p in products if p not in given] or list(products)
    main = max(new, key=lambda s: MolFromSmiles(s).GetNumHeavyAtoms())
    found: dict[str, tuple[tuple[Any, ...], Match]] = {}
    for place, reaction in enumerate(named_reactions().values()):
        for pool in _pools(reactants, agents, reaction.slots):
            for outcome in run_named(reaction, pool):
                exact = main in outcome.products
                if not exact and flat(main) not in map(flat, outcome.products):
                    continue
                unused = tuple(
                    s
                    for s in reactants
                    if s not in outcome.reactants and not reaction.takes_as_reagent(s) and s != main
                )
                known = sum(map(reaction.takes_as_reagent, given))
                rank = (
                    sum(MolFromSmiles(s).GetNumHeavyAtoms() for s in unused),
                    not exact,
                    -known,
                    -len(pool),
                    place,
                )
                match = Match(reaction, outcome, exact, unused)
                if reaction.name not in found or rank < found[reaction.name][0]:
                    found[reaction.name] = (rank, match)
    return tuple(match for _, match in sorted(found.values(), key=lambda pair: pair[0]))


def gives(reaction: NamedReaction, reactants: tuple[str, ...], agents: tuple[str, ...], product: str) -> bool:
    """Return whether a named reaction makes this product of these molecules, stereochemistry aside."""
    return any(
        flat(product) in map(flat, outcome.products)
        for pool in _pools(reactants, agents, reaction.slots)
        for outcome in run_named(reaction, pool)
    )


def _pools(reactants: tuple[str, ...], agents: tuple[str, ...], slots: int) -> list[tuple[str, ...]]:
    """Return which molecules may take the slots: of the reactants, and one of the agents where there are more slots."""
    distinct = list(dict.fromkeys(reactants))
    pools: list[tuple[str, ...]] = [(s,) for s in distinct]
    if slots > 1:
        pools += itertools.combinations(distinct, slots)
        pools += [(*rest, a) for rest in itertools.combinations(distinct, slots - 1) for a in agents]
    return pools


def _is_smiles(text: str) -> bool:
    return " " not in text and text not in ("HX", "halide")
