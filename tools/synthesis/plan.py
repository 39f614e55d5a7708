"""Retrosynthesis: routes from a stock to a target, every step with the precedents it rests on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.evidence import Source
from benchmate.tools import datasets
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Making, ToolContext, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.files import DataFile
from benchmate.tools.synthesis import precedents as corpus
from benchmate.tools.synthesis import single_step
from benchmate.tools.synthesis.aizynthfinder import find_trees
from benchmate.tools.synthesis.aizynthfinder_routes import from_trees, refuse_limits
from benchmate.tools.synthesis.precedents import Precedents
from benchmate.tools.synthesis.route_records import (
    LIMITS,
    drawn,
    in_words,
    listed_materials,
    named_reaction,
    route_quantities,
    sentence,
)
from benchmate.tools.synthesis.routes import (
    METHOD,
    Limits,
    Search,
    Step,
    best_partial,
    leaves_of,
    search,
    steps_of,
)
from benchmate.tools.synthesis.single_step import Disconnection, by_precedent, by_rule
from benchmate.tools.synthesis.stock import commodity_stock, common_name, file_stock

MOST_HEAVY_ATOMS = 100


@tool(
    domain="chemistry",
    properties={
        "best_route": "best route, route, synthesis, preparation, starting materials, reactants, made from",
        "route_count": "number of routes found",
        "step_count": "number of steps of a route, steps, length of the route",
        "step_score": "score of a step by its precedent, step score, precedent similarity score",
        "route_cost": "cost of a route, route cost",
    },
    examples=(
        "How can I make paracetamol?",
        "Suggest a one-step preparation of aspirin: which two reactants would you combine?",
        "Plan a synthesis of ibuprofen from commodity chemicals",
        "Retrosynthesis of lidocaine",
        "synthetic route to CC(NC(C)(C)C)C(=O)c1cccc(Cl)c1 in at most 3 steps",
        "From what starting materials can sulfamethoxazole be prepared?",
        "disconnect procainamide and show the precedents",
        "Find a route to propranolol starting only from the compounds in my stock file",
    ),
    extra="retro",
    dataset="uspto50k",
    cost="slow",
    timeout=300,
    hazard="routes to compounds; the hazard gate looks at the target, `check_safety` at reagents",
    makes=Making(),
    example={"target": "paracetamol", "max_depth": 1},
)
def plan_retrosynthesis(
    target: Compound,
    context: ToolContext,
    max_depth: Annotated[int, Unit("", "steps, depth, at most steps"), Field(ge=1, le=8)] = 5,
    count: Annotated[int, Unit("", "routes, ways"), Field(ge=1, le=10)] = 3,
    stock: DataFile | None = None,
    max_expansions: Annotated[int, Unit("", "expansions"), Field(ge=1, le=2000)] = 200,
    max_time: Annotated[float, Unit("s", "seconds, time limit, search time"), Field(ge=1, le=180)] = 30.0,
    engine: Literal["own", "aizynthfinder"] = "own",
) -> ToolResult:
    """Plan synthetic routes to a target from starting materials, with the patent precedents behind each step.

    Disconnections come from the templates of the 100 most similar reactions of USPTO-50k, ranked by similarity, and from
    named reactions. A best-first search joins them into routes that end in the stock: a list of named commodity compounds,
    or a file of yours. Routes differ in their last step. A compound is never made from itself, nor from its own ester, salt
    or protected form. Where no route is found, the one that comes nearest is shown as partial. No route is planned to listed
    weapons, explosives and drugs (`docs/policy.md`). AiZynthFinder, where the settings say where it is, plans with its own model, templates, stock and limits.

    Raises InvalidInput: `several_molecules`, `too_large`, `not_organic`, `set_in_its_config`.
    Raises Unavailable: `dataset_not_fetched`, `aizynthfinder_not_set`, `aizynthfinder_missing`. Raises Crashed:
    `aizynthfinder_failed`, `aizynthfinder_output`.

    Args:
        target: The compound to make.
        max_depth: The most steps in a row.
        count: How many routes to look for.
        stock: Starting materials of yours: a file with one SMILES at the start of each line.
        max_expansions: How many compounds the search takes apart at most.
        max_time: How long it searches at most.
        engine: The search of this program, or AiZynthFinder in an environment of its own.
    """
    smiles, warnings = _wanted(target)
    if engine == "aizynthfinder":
        refuse_limits(max_depth=max_depth, stock=stock, max_expansions=max_expansions, max_time=max_time)
        trees = find_trees(smiles, context.aizynthfinder)
        return from_trees(target, smiles, trees, count, context, warnings)
    index = corpus.load(context.cache_dir)
    supply = commodity_stock() if stock is None else file_stock(stock)
    if index is None:
        if not by_rule(smiles):
            raise datasets.not_fetched(corpus.DATASET, "plan_retrosynthesis")
        warnings.append(
            f"only named reactions were used: the data set of precedents is not fetched (`{datasets.command(corpus.DATASET)}`)"
        )
    label = target.name or common_name(smiles) or smiles
    limits = Limits(max_depth, max_expansions, max_time, count)
    found = search(smiles, lambda s: _disconnections(s, index), supply, limits)
    routes = [_route(step, label, solved=True) for step in found.solved]
    nearest = None if routes else best_partial(found.root)
    partial = _route(nearest, label, solved=False) if nearest is not None else None
    if not routes:
        warnings.append(
            f"no route to the stock was found ({found.stopped_by}); "
            + (
                "the one that comes nearest is shown, and what it lacks"
                if partial
                else "the target could not be taken apart"
            )
        )
    if supply.holds(smiles):
        warnings.append(f"{target.label} itself is in the {supply.label}; routes make it all the same")
    warnings += listed_materials(routes)
    artifacts = [drawn(context, label, route, f"route_{i}") for i, route in enumerate(routes, 1)] or (
        [drawn(context, label, partial, "partial_route")] if partial else []
    )
    return ToolResult(
        quantities=route_quantities(routes, METHOD),
        data={
            "target": smiles,
            "solved": bool(routes),
            **({"best_route": in_words(routes[0])} if routes else {}),
            "routes": routes,
            "partial_route": partial,
            "stock": {"name": supply.label, "note": supply.note},
            "not_used_as_starting_material": [{"smiles": s, "why": why} for s, why in found.refused.items()],
            "search": _told_search(found, index),
            "limits": LIMITS,
        },
        artifacts=tuple(artifacts),
        source=_source(index),
        warnings=tuple(warnings),
    )  # fmt: skip


def _wanted(target: Compound) -> tuple[str, list[str]]:
    from rdkit.Chem import MolFromSmiles

    warnings = []
    smiles = target.smiles
    if target.is_salt:
        smiles = target.parent_smiles
        warnings.append(f"{target.label} is a salt; its parent {smiles} was planned")
    elif "." in smiles:
        raise InvalidInput(
            "several_molecules",
            f"{target.label} is {len(target.components)} molecules",
            hint="plan one of them",
        )
    mol = MolFromSmiles(smiles)
    if mol.GetNumHeavyAtoms() > MOST_HEAVY_ATOMS:
        raise InvalidInput(
            "too_large", f"{target.label} has {mol.GetNumHeavyAtoms()} heavy atoms; the limit is {MOST_HEAVY_ATOMS}",
            hint="plan a part of it",
        )  # fmt: skip
    if not any(atom.GetSymbol() == "C" for atom in mol.GetAtoms()) or mol.GetNumHeavyAtoms() < 3:
        raise InvalidInput(
            "not_organic",
            f"{target.label} is no organic molecule of some size",
            hint="the templates are organic chemistry",
        )
    return smiles, warnings


def _disconnections(smiles: str, index: Precedents | None) -> list[Disconnection]:
    merged = {d.key: d for d in (by_precedent(smiles, index) if index is not None else ())}
    for found in by_rule(smiles):
        known = merged.get(found.key)
        merged[found.key] = found if known is None else known._replace(rule=found.rule)
    return list(merged.values())


def _route(last: Step, label: str, solved: bool) -> dict[str, Any]:
    steps = [_told(number, step) for number, step in enumerate(steps_of(last), 1)]
    steps[-1]["product_name"] = label
    leaves = leaves_of(last)
    return {
        "steps": steps,
        "step_count": len(steps),
        "summary": [sentence(step) for step in steps],
        "starting_materials": [
            {"smiles": m.smiles, "name": common_name(m.smiles), "in_stock": m.in_stock} for m in leaves
        ],
        "in_stock": solved,
        "missing": [m.smiles for m in leaves if not m.in_stock],
        "cost": round(last.total, 4) if solved else None,
        "precedent_found": all(step["precedent_found"] for step in steps),
    }


def _told(number: int, step: Step) -> dict[str, Any]:
    found, product = step.disconnection, step.product.smiles
    reaction = found.rule or named_reaction(found.precursors, product)
    exact = found.precedent is not None and found.score is not None and found.score > 0.9999
    told = {
        "step": number,
        "product": product,
        "product_name": common_name(product),
        "reactants": list(found.precursors),
        "reactant_names": [common_name(s) for s in found.precursors],
        "reaction": f"{found.key}>>{product}",
        "named_reaction": reaction.name if reaction else None,
        "class": reaction.kind if reaction else None,
        "usual_conditions": reaction.conditions if reaction else None,
        "score": None if found.score is None else round(found.score, 4),
        "product_similarity": None if found.product_similarity is None else round(found.product_similarity, 4),
        "template": found.template,
        "precedent_found": exact,
        "basis": _basis(found, exact),
        "precedents": [],
    }  # fmt: skip
    if found.precedent is not None:
        p = found.precedent
        told["precedents"] = [
            {"id": p.id.partition(";")[0], "row": p.id, "reaction": f"{p.reactants}>>{p.product}"},
            *({"id": other.partition(";")[0], "row": other} for other in found.others),
        ]
    return told


def _basis(found: Disconnection, exact: bool) -> str:
    if exact:
        return "precedent found: this very reaction is in the patents"
    named = "a named reaction" if found.rule else ""
    if found.precedent is None:
        return f"{named}, without a precedent"
    return f"{named} and like a precedent" if named else "like a precedent"


def _told_search(found: Search, index: Precedents | None) -> dict[str, Any]:
    return {
        "stopped_by": found.stopped_by,
        "expansions": found.expansions,
        "seconds": round(found.seconds, 2),
        "precedents": corpus.SOURCE if index is not None else None,
        "method": METHOD,
    }


def _source(index: Precedents | None) -> Source:
    from importlib.metadata import version

    name = f"rdchiral {version('rdchiral')}, named reactions"
    if index is not None:
        name += f", {corpus.SOURCE.partition(' (')[0]}"
    return Source(kind="computed", name=name, reference=single_step.REFERENCE)
