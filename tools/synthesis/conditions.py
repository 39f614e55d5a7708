"""Conditions: what patents used for the reactions most like the one asked for, beside what textbooks give for its kind."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from pydantic import Field

from benchmate.runtime.evidence import Source
from benchmate.runtime.quantity import Quantity
from benchmate.tools import datasets
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Making, ToolContext, ToolResult, tool
from benchmate.tools.synthesis import condition_records
from benchmate.tools.synthesis.classify import gives, matching
from benchmate.tools.synthesis.condition_records import ConditionRecord, ConditionRecords
from benchmate.tools.synthesis.named import NamedReaction
from benchmate.tools.synthesis.reaction_smiles import ParsedReaction, parse_reaction
from benchmate.tools.synthesis.stock import common_name

NEAR = 0.5  # a precedent less like the reaction than this is not called near
METHOD = "cosine of reaction difference fingerprints, Morgan radius 2"
_BASES = "[OH-],O=C([O-])[O-],O=C([O-])O,[H-],CCN(CC)CC,c1ccncc1,C[O-],CC[O-],CC(C)(C)[O-],[NH2-],CC(=O)[O-],CCN(C(C)C)C(C)C,[Li]CCCC,N".split(
    ","
)
_METALS = (
    "[Pd",
    "[Ni",
    "[Pt",
    "[Cu",
    "[Rh",
    "[Ru",
    "[Fe",
    "[Al",
    "[Zn",
    "[Sn",
    "[Ti",
    "[Hg",
    "[Ag",
    "O=[Pt]",
)


@tool(
    domain="chemistry",
    makes=Making(),
    properties={
        "similarity": "similarity of the precedent to the reaction, reaction similarity, precedent similarity",
        "precedent_yield": "yield of the precedent, yield",
        "precedent_count": "number of precedents near the reaction, near precedents",
    },
    examples=(
        "Which conditions for CC(C)(C)OC(=O)NCc1ccccc1>>NCc1ccccc1?",
        "Suggest solvent and base for CC(=O)Cl.Nc1ccccc1>>CC(=O)Nc1ccccc1",
        "How was a nitro group reduced as in O=[N+]([O-])c1ccccc1>>Nc1ccccc1?",
        "conditions for the Suzuki coupling OB(O)c1ccccc1.Brc1ccncc1>>c1ccc(-c2ccncc2)cc1",
        "What catalyst and solvent would you use for C=Cc1ccccc1>>CCc1ccccc1?",
        "nearest patent precedents with solvents for O=Cc1ccccc1.NCc1ccccc1>>C(NCc1ccccc1)c1ccccc1",
    ),
    extra="retro",
    dataset="uspto-conditions",
    example={"reaction": "O=[N+]([O-])c1ccccc1>>Nc1ccccc1"},
)
def suggest_conditions(
    reaction: str,
    context: ToolContext,
    count: Annotated[int, Unit("", "precedents, examples"), Field(ge=1, le=25)] = 5,
) -> ToolResult:
    """Give solvents, bases, catalysts and other agents that patents used for the most similar reactions.

    The usual conditions of the named reaction, where it is one, stand beside them. Precedents are not a procedure: amounts,
    temperatures and times are not in the data, and yields mostly are not.

    Args:
        reaction: A reaction SMILES, `reactants>>products`.
        count: How many precedents to give.
    """
    parsed = parse_reaction(reaction)
    records = condition_records.load(context.cache_dir)
    matches = matching(parsed)
    if records is None and not matches:
        raise datasets.not_fetched(condition_records.DATASET, "suggest_conditions")
    warnings, quantities, near = [], {}, list[dict[str, Any]]()
    if records is None:
        warnings.append(
            f"precedents were not searched: the data set {condition_records.DATASET} is not fetched"
            f" (`{datasets.command(condition_records.DATASET)}`)"
        )
    else:
        kind = matches[0].reaction if matches else None
        found = _nearest(parsed, records, count, kind)
        for i, (similarity, record, same) in enumerate(found):
            conditions = {"precedent": record.id}
            quantities[f"similarity_{i}"] = Quantity(
                value=similarity, property="similarity", method=METHOD, conditions=conditions
            )
            if record.yield_percent is not None:
                quantities[f"yield_{i}"] = Quantity(
                    value=record.yield_percent, unit="percent", property="precedent_yield", method="as stated in the patent",
                    conditions=conditions,
                )  # fmt: skip
            near.append(_told(record, similarity, same))
        close = [n for n in near if n["similarity"] >= NEAR]
        quantities["precedent_count"] = Quantity(
            value=len(close),
            property="precedent_count",
            method=f"similarity of {NEAR} or more, of the {count} shown",
        )
        if not close:
            warnings.append("no precedent is near: what the nearest ones used may not carry over")
        warnings.append(
            f"{records.with_yield} of the 10,000 records state a yield, none a temperature; the patents are old, and palladium "
            "cross-couplings are all but absent"
        )
    if not matches:
        warnings.append("the reaction is none of the named ones, so no usual conditions are given")
    return ToolResult(
        data={
            "named_reaction": matches[0].reaction.name if matches else None,
            "usual_conditions": matches[0].reaction.conditions if matches else None,
            "usual_conditions_source": "textbook conditions of the named reaction, not a procedure" if matches else None,
            "precedents": near,
            "used_by_near_precedents": _summary([n for n in near if n["similarity"] >= NEAR]),
        },
        quantities=quantities,
        entities=(parsed.entity(reaction),),
        source=Source(kind="table" if records is not None else "computed", name=condition_records.SOURCE if records is not None else "named reactions",
                      reference="Open Reaction Database: Kearnes et al., J. Am. Chem. Soc. 2021, 143, 18820"),
        warnings=tuple(warnings),
    )  # fmt: skip


def _nearest(
    parsed: ParsedReaction, records: ConditionRecords, count: int, kind: NamedReaction | None
) -> list[tuple[float, ConditionRecord, bool]]:
    """Return the most similar records, those of the same named reaction before the others."""
    import numpy as np
    from rdkit.Chem import MolFromSmiles

    product = max(parsed.products, key=lambda smiles: MolFromSmiles(smiles).GetNumHeavyAtoms())
    scores = records.similarities(parsed.reactants, product)
    order = np.lexsort((np.arange(len(scores)), -scores))[: 12 * count]
    rows = []
    for index in order:
        record = records[int(index)]
        same = kind is not None and gives(kind, record.reactants, record.agents, record.product)
        rows.append((float(scores[index]), record, same))
    rows.sort(key=lambda row: (not row[2], -row[0]))
    return rows[:count]


def _told(record: ConditionRecord, similarity: float, same: bool) -> dict[str, Any]:
    solvents = list(record.solvents)
    agents = [a for a in record.agents if a not in solvents]
    return {
        "id": record.id,
        "similarity": round(similarity, 4),
        "same_named_reaction": same,
        "reaction": f"{'.'.join(record.reactants)}>>{record.product}",
        "solvents": [_name(s) for s in solvents],
        "bases": [_name(a) for a in agents if a in _BASES],
        "metals": [_name(a) for a in agents if a.startswith(_METALS)],
        "other_agents": [_name(a) for a in agents if a not in _BASES and not a.startswith(_METALS)],
        "yield_percent": record.yield_percent,
    }


def _summary(near: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    kinds = ("solvents", "bases", "metals", "other_agents")
    return {kind: dict(Counter(name for row in near for name in row[kind]).most_common(8)) for kind in kinds}


def _name(smiles: str) -> str:
    from rdkit.Chem import MolFromSmiles

    return (common_name(smiles) if MolFromSmiles(smiles) is not None else None) or smiles
