"""What AiZynthFinder found, as the result of a retrosynthesis: routes recorded and drawn like those of this program's own search."""

from __future__ import annotations

from typing import Any

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.evidence import Source
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.synthesis.aizynthfinder import METHOD, REFERENCE, Tree
from benchmate.tools.synthesis.route_records import (
    LIMITS,
    drawn,
    in_words,
    listed_materials,
    named_reaction,
    route_quantities,
    sentence,
)
from benchmate.tools.synthesis.stock import common_name


def refuse_limits(**given: Any) -> None:
    """Raise InvalidInput (`set_in_its_config`) for arguments that AiZynthFinder takes from its own configuration."""
    defaults = {"max_depth": 5, "stock": None, "max_expansions": 200, "max_time": 30.0}
    if changed := [name for name, value in given.items() if value != defaults[name]]:
        raise InvalidInput(
            "set_in_its_config", f"AiZynthFinder takes {', '.join(changed)} from its config.yml",
            hint="set max_transforms, iteration_limit and time_limit under search, and stock, there", details={"arguments": changed},
        )  # fmt: skip


def from_trees(
    target: Compound,
    smiles: str,
    trees: list[Tree],
    count: int,
    context: ToolContext,
    warnings: list[str],
) -> ToolResult:
    """Return the result of a retrosynthesis by AiZynthFinder."""
    label = target.name or common_name(smiles) or smiles
    routes = [_tree_route(tree, label) for tree in trees if tree.solved][:count]
    unsolved = [tree for tree in trees if tree.steps and not tree.solved]
    partial = _tree_route(unsolved[0], label) if unsolved and not routes else None
    if not routes:
        warnings.append(
            "AiZynthFinder found no route to its stock; "
            + ("its best is shown, and what it lacks" if partial else "the target could not be taken apart")
        )
    warnings.append(
        "AiZynthFinder's scores are of its search and its model's confidence; no precedents are behind them"
    )
    warnings += listed_materials(routes)
    shown = routes or ([partial] if partial else [])
    names = [f"route_{i}" for i in range(1, len(routes) + 1)] or ["partial_route"]
    return ToolResult(
        quantities=route_quantities(routes, METHOD),
        data={
            "target": smiles, "solved": bool(routes), **({"best_route": in_words(routes[0])} if routes else {}), "routes": routes,
            "partial_route": partial, "stock": {"name": "AiZynthFinder's stock", "note": "as its config.yml has it"},
            "search": {"method": METHOD, "routes_given": len(trees)}, "limits": LIMITS,
        },
        artifacts=tuple(drawn(context, label, route, name) for route, name in zip(shown, names, strict=False)),
        source=Source(kind="computed", name="AiZynthFinder", reference=REFERENCE),
        warnings=tuple(warnings),
    )  # fmt: skip


def _tree_route(tree: Tree, label: str) -> dict[str, Any]:
    steps = []
    for step in tree.steps:
        reaction = named_reaction(tuple(step["reactants"]), step["product"])
        named = {
            "named_reaction": reaction and reaction.name,
            "usual_conditions": reaction and reaction.conditions,
        }
        told = {**step, **named, "class": step["class"] or (reaction and reaction.kind)}
        steps.append(
            told
            | {"score": None, "precedent_found": False, "precedents": [], "basis": "AiZynthFinder's model"}
        )
    steps[-1]["product_name"] = label
    return {
        "steps": steps,
        "step_count": len(steps),
        "summary": [sentence(step) for step in steps],
        "starting_materials": [{"smiles": s, "name": common_name(s), "in_stock": have} for s, have in tree.leaves.items()],
        "in_stock": tree.solved,
        "missing": [s for s, have in tree.leaves.items() if not have],
        "cost": None,
        "scores": tree.scores,
        "precedent_found": False,
    }  # fmt: skip
