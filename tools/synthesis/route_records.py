"""Routes as records: their steps in words, their quantities, their drawings, whatever engine found them."""

from __future__ import annotations

from typing import Any

from benchmate.runtime.evidence import Artifact
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import ToolContext
from benchmate.tools.chemistry.parsing import inchikey
from benchmate.tools.synthesis.classify import matching
from benchmate.tools.synthesis.named import NamedReaction
from benchmate.tools.synthesis.reaction_smiles import ParsedReaction
from benchmate.tools.synthesis.safety import list_matches
from benchmate.tools.synthesis.scheme import DrawnMolecule, DrawnStep, draw_scheme
from benchmate.tools.synthesis.stock import common_name

SCORE = "RetroSim: product similarity x precursor similarity (Morgan radius 2, Tanimoto)"
LIMITS = "a route says which bonds may be made from what; conditions, selectivity, protecting groups and yields are not promised"


def sentence(step: dict[str, Any]) -> str:
    """Return a step as a chemist would say it in one line."""
    left = " + ".join(
        name or smiles for name, smiles in zip(step["reactant_names"], step["reactants"], strict=True)
    )
    what = step["named_reaction"] or "no named reaction"
    like = (
        f"; precedent {step['precedents'][0]['id']}, score {step['score']:.2f}" if step["precedents"] else ""
    )
    return f"{step['step']}. {left} -> {step['product_name'] or step['product']} ({what}{like})"


def named_reaction(precursors: tuple[str, ...], product: str) -> NamedReaction | None:
    """Return the named reaction that makes the product of the precursors, or None."""
    matches = matching(ParsedReaction(precursors, (), (product,), None))
    return matches[0].reaction if matches else None


def in_words(route: dict[str, Any]) -> str:
    """Return a route as its steps in the order they are made: 'A + B → C; C + D → E'."""
    return "; ".join(f"{' + '.join(step['reactants'])} → {step['product']}" for step in route["steps"])


def route_quantities(routes: list[dict[str, Any]], method: str) -> dict[str, Quantity]:
    """Return the numbers of the routes: how many, and of each its steps, cost and scores where it has them."""
    quantities = {"route_count": Quantity(value=len(routes), property="route_count", method=method)}
    for i, route in enumerate(routes, 1):
        ends = ", ".join(m["name"] or m["smiles"] for m in route["starting_materials"])
        quantities[f"step_count_{i}"] = Quantity(
            value=route["step_count"],
            property="step_count",
            method=method,
            conditions={"route": str(i), "from": ends},
        )
        if route["cost"] is not None:
            quantities[f"route_cost_{i}"] = Quantity(
                value=route["cost"], property="route_cost", method="sum over steps of -ln(score) or the named reaction's prior",
                conditions={"route": str(i)},
            )  # fmt: skip
        for step in route["steps"]:
            if step["score"] is not None:
                quantities[f"score_{i}_{step['step']}"] = Quantity(
                    value=step["score"], property="step_score", method=SCORE,
                    conditions={"route": str(i), "step": str(step["step"]), "precedent": step["precedents"][0]["id"]},
                )  # fmt: skip
    return quantities


def listed_materials(routes: list[dict[str, Any]]) -> list[str]:
    """Return a warning for each starting material that is on a list of regulated compounds."""
    from rdkit.Chem import MolFromSmiles

    notes = {}
    for material in (m for route in routes for m in route["starting_materials"]):
        mol = MolFromSmiles(material["smiles"])
        for match in list_matches(mol, {inchikey(mol)}):
            name = material["name"] or material["smiles"]
            notes[name, match["list"]] = f"{name} is on a list of regulated compounds: {match['list']}"
    return list(notes.values())


def drawn(context: ToolContext, label: str, route: dict[str, Any], name: str) -> Artifact:
    """Return the route as a drawing, stored."""
    stocked = {m["smiles"]: m["in_stock"] for m in route["starting_materials"]}
    rows = []
    for told in route["steps"]:
        reactants = tuple(
            DrawnMolecule(s, _caption(s, stocked.get(s)), bool(stocked.get(s))) for s in told["reactants"]
        )
        above = (told["named_reaction"],) if told["named_reaction"] else ()
        below = []
        if told["precedents"]:
            exact = "precedent found" if told["precedent_found"] else f"score {told['score']:.2f}"
            below.append(f"{exact}: {told['precedents'][0]['id']}")
        else:
            below.append("no precedent looked up" if told["named_reaction"] else "")
        product = told["product"]
        caption = label if told is route["steps"][-1] else _caption(product, None)
        rows.append(DrawnStep(reactants, DrawnMolecule(product, caption), above, tuple(below)))
    title = f"{label}: {'route' if route['in_stock'] else 'partial route, not from stock'} in {len(rows)} step{'s' if len(rows) > 1 else ''} (green: in stock)"
    return context.save(f"{name}.svg", "image/svg+xml", draw_scheme(title, rows))


def _caption(smiles: str, in_stock: bool | None) -> str:
    name = common_name(smiles) or ""
    if in_stock is None:
        return name
    return name if in_stock else f"{name} (not in stock)".strip()
