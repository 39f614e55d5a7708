"""Forward reactions: what a template or a named reaction makes of the given compounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.evidence import Source
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy
from benchmate.tools.base import Making, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.molecules import count_open_stereo
from benchmate.tools.mentions import find_mentions
from benchmate.tools.synthesis.named import NamedReaction, component_count, named_reaction, named_reactions
from benchmate.tools.synthesis.transform import (
    REFERENCE,
    Outcome,
    check_template,
    run_named,
    run_template,
    subsets,
)

MOST_REACTANTS = 6
MOST_HEAVY_ATOMS = 150
_LISTED = 20  # products of one reaction
_REACTIONS = 12  # named reactions, where none was named
_ONE = "one application at one site is shown for each product; a template says what forms, not how readily"


def _made(data: Mapping[str, Any]) -> list[str]:
    """Return the SMILES of all products that a result shows."""
    told = [product for row in data["reactions"] for product in row["products"]]
    return [smiles for product in told for smiles in (product["smiles"], *product["also_forms"])]


@tool(
    domain="chemistry",
    makes=Making(inputs=frozenset({"reactants"}), products=_made),
    properties={
        "product_count": "number of different products, products, outcomes, regioisomers",
        "molecular_weight": "molecular weight of a product, product weight, molecular mass",
    },
    examples=(
        "Predict the product of benzoic acid and methanol by Fischer esterification",
        "What does a Suzuki coupling of phenylboronic acid with 4-bromoanisole give?",
        "React aniline with acetic anhydride: what forms?",
        "Boc protection of piperazine",
        "Apply [C:1](=[O:2])[OH].[N;H2:3]>>[C:1](=[O:2])[N:3] to acetic acid and aniline",
        "What is the product of reductive amination of benzaldehyde with morpholine?",
        "Which products does the nitration of toluene give?",
        "Main organic product when salicylic acid is treated with acetic anhydride",
    ),
    extra="retro",
    example={"reactants": ["benzoic acid", "methanol"], "reaction": "Fischer esterification"},
)
def apply_reaction(
    reactants: list[Compound],
    reaction: Annotated[str | None, Field(max_length=2000), ReadBy(_reactions_in)] = None,
) -> ToolResult:
    """Give the products that a named reaction or a reaction SMARTS makes of the reactants.

    Products are sanitised, without duplicates, with stereochemistry and atom maps by rdchiral. Several reacting sites
    give several products; which of them prevails is not predicted. The order of the reactants does not matter. Without a
    reaction, the named reactions that fit the reactants are listed. Reagents that a named reaction knows (acids, bases,
    catalysts) may stand among the reactants.

    Args:
        reactants: The compounds that react, with reagents if they matter.
        reaction: A named reaction ('Suzuki coupling', 'Boc deprotection'), or a reaction SMARTS with atom maps.
    """
    if not 0 < len(reactants) <= MOST_REACTANTS:
        raise InvalidInput(
            "wrong_count", f"{len(reactants)} reactants were given", hint=f"give 1 to {MOST_REACTANTS}"
        )
    for compound in reactants:
        if compound.mol().GetNumHeavyAtoms() > MOST_HEAVY_ATOMS:
            raise InvalidInput(
                "too_large", f"{compound.label} has more than {MOST_HEAVY_ATOMS} heavy atoms",
                hint="give the part of the molecule that reacts",
            )  # fmt: skip
    smiles = _distinct(reactants)
    if reaction is None:
        found = _fitting(smiles)
    elif ">>" in reaction:
        found = [_by_smarts(reaction.strip(), smiles)]
    else:
        found = [_by_name(named_reaction(reaction), smiles)]
    rows = [(row, outcome) for row, outcomes in found for outcome in outcomes]
    quantities = {
        "product_count": Quantity(
            value=len({o.key for _, o in rows}), property="product_count", method="distinct outcomes of one application"
        )
    }  # fmt: skip
    for i, (row, outcome) in enumerate(rows[:_LISTED]):
        quantities[f"molecular_weight_{i}"] = _weight(outcome.products[0], row["name"])
    warnings = [note for row, _ in found for note in row.pop("warnings")]
    new_open = any(_more_open(outcome) for _, outcome in rows)
    if new_open:
        warnings.append(
            "a product has a new stereocentre or double bond whose configuration the template leaves open"
        )
    if any(outcome.kept_centre for _, outcome in rows):
        warnings.append(
            "a group is replaced at a stereocentre; the template says nothing of it, and retention was taken"
        )
    if len(rows) > 1:
        warnings.append("several products are possible; which prevails is not predicted")
    return ToolResult(
        data={
            "product": rows[0][1].products[0] if rows else None,
            "reactions": [
                row | {"products": [_told(outcome) for outcome in outcomes[:_LISTED]], "shown_of": len(outcomes)}
                for row, outcomes in found
            ],
            "note": _ONE,
        },
        quantities=quantities,
        source=source(),
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip


def source() -> Source:
    """Return the source of what templates give."""
    from importlib.metadata import version

    return Source(kind="computed", name=f"rdchiral {version('rdchiral')}", reference=REFERENCE)


def _distinct(reactants: list[Compound]) -> list[str]:
    """Return canonical SMILES, a salt of which only one part is organic as that part, neutral."""
    return list(
        dict.fromkeys(
            c.parent_smiles if c.is_salt and "C" in c.parent_smiles else c.smiles for c in reactants
        )
    )


def _by_smarts(smarts: str, reactants: list[str]) -> tuple[dict[str, Any], list[Outcome]]:
    check_template(smarts)
    slots = component_count(smarts.split(">>")[0])
    outcomes: dict[str, Outcome] = {}
    for chosen in subsets(reactants, slots):
        outcomes |= {o.key: o for o in run_template(smarts, chosen)}
    if not outcomes:
        raise _nothing(
            f"the template of {slots} reactant{'s' if slots > 1 else ''}",
            reactants,
            "check that each part of the SMARTS matches one reactant",
        )
    row: dict[str, Any] = {
        "name": "reaction SMARTS",
        "class": None,
        "smarts": smarts,
        "byproducts": None,
        "conditions": None,
        "reagents_given": [],
    }
    return row | {"warnings": _left_out(outcomes.values(), reactants, [])}, list(outcomes.values())


def _by_name(reaction: NamedReaction, reactants: list[str]) -> tuple[dict[str, Any], list[Outcome]]:
    row, outcomes = _try(reaction, reactants)
    if not outcomes:
        raise _nothing(reaction.name, reactants, _needs(reaction))
    return row, outcomes


def _try(reaction: NamedReaction, reactants: list[str]) -> tuple[dict[str, Any], list[Outcome]]:
    given = [s for s in reactants if reaction.takes_as_reagent(s)]
    reacting = [s for s in reactants if s not in given]
    outcomes: dict[str, Outcome] = {}
    for pool in [reacting, reactants] if given else [reacting]:
        for chosen in subsets(pool, reaction.slots) if pool else ():
            outcomes |= {o.key: o for o in run_named(reaction, chosen) if o.products[0] not in reactants}
        if outcomes:
            break
    row = {
        "name": reaction.name, "class": reaction.kind, "smarts": list(reaction.smarts), "byproducts": list(reaction.byproducts),
        "conditions": reaction.conditions, "reagents_given": given,
    }  # fmt: skip
    return row | {"warnings": _left_out(outcomes.values(), reactants, given)}, list(outcomes.values())


def _fitting(reactants: list[str]) -> list[tuple[dict[str, Any], list[Outcome]]]:
    """Return the named reactions that fit, those first that leave out the fewest reactants and know the reagents given."""
    ranked = []
    for place, reaction in enumerate(named_reactions().values()):
        row, outcomes = _try(reaction, reactants)
        between = [o for o in outcomes if o.site == "between molecules" or reaction.slots == 1]
        if between:
            left_out = min(
                len(set(reactants) - set(o.reactants) - set(row["reagents_given"])) for o in between
            )
            ranked.append(((left_out, -len(row["reagents_given"]), -reaction.slots, place), (row, between)))
    if not ranked:
        raise _nothing(
            "any of the named reactions", reactants, "name the reaction, or give a reaction SMARTS"
        )
    ranked.sort(key=lambda pair: pair[0])
    fewest = ranked[0][0][0]
    return [found for (left_out, *_), found in ranked if left_out == fewest][:_REACTIONS]


def _left_out(outcomes: Any, reactants: list[str], given: list[str]) -> list[str]:
    used = {s for outcome in outcomes for s in outcome.reactants} | set(given)
    idle = [s for s in reactants if s not in used]
    return [f"{', '.join(idle)} took no part"] if idle and used else []


def _nothing(what: str, reactants: list[str], hint: str) -> InvalidInput:
    return InvalidInput(
        "no_reaction", f"{what} does not fit {' and '.join(reactants)}", hint=hint, details={"reactants": reactants}
    )  # fmt: skip


def _needs(reaction: NamedReaction) -> str:
    left = " | ".join(s.split(">>")[0] for s in reaction.smarts)
    count = f"{reaction.slots} reactant{'s' if reaction.slots > 1 else ''}"
    return f"{reaction.name} takes {count} that match {left[:300]}"


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "smiles": outcome.products[0], "also_forms": list(outcome.products[1:]), "from": list(outcome.reactants),
        "site": outcome.site, "mapped_reaction": outcome.mapped,
    }  # fmt: skip


def _weight(smiles: str, reaction: str) -> Quantity:
    from rdkit.Chem import Descriptors, MolFromSmiles

    weight = Descriptors.MolWt(MolFromSmiles(smiles))  # type: ignore[attr-defined]
    return Quantity(
        value=weight, unit="g/mol", property="molecular_weight", method="average atomic masses",
        conditions={"product": smiles, "reaction": reaction},
    )  # fmt: skip


def _more_open(outcome: Outcome) -> bool:
    from rdkit.Chem import MolFromSmiles

    def count(parts: tuple[str, ...]) -> int:
        return sum(count_open_stereo(MolFromSmiles(s)) for s in parts)

    return count(outcome.products) > count(outcome.reactants)


def _reactions_in(question: str) -> list[str]:
    """Return what a question calls a reaction: the named one it speaks of, the longest name first, else a reaction SMILES."""
    names = {said: r.name for r in named_reactions().values() for said in (r.name, *r.aliases)}
    said = [n for n in names if re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", question, re.I)]
    if said:
        return [names[max(said, key=len)]]
    return [m.text for m in find_mentions(question) if m.kind == "reaction"]
