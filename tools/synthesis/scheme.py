"""Schemes: a route drawn as one SVG, a row for each step, reactants to product, with what is known of the step on the arrow."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

BOX, CAPTION, ARROW, PLUS, MARGIN = 190, 34, 250, 26, 18
_FONT = "font-family='sans-serif'"
_WIDEST_CAPTION = 30


class DrawnMolecule(NamedTuple):
    """A structure with its caption; a starting material is marked."""

    smiles: str
    caption: str
    start: bool = False


class DrawnStep(NamedTuple):
    """A row: the reactants, the product, and lines above and below the arrow."""

    reactants: tuple[DrawnMolecule, ...]
    product: DrawnMolecule
    above: tuple[str, ...]
    below: tuple[str, ...]


def draw_scheme(title: str, steps: list[DrawnStep]) -> bytes:
    """Return the scheme as SVG."""
    row = BOX + CAPTION + MARGIN
    most = max(len(step.reactants) for step in steps)
    width = 2 * MARGIN + 34 + most * BOX + (most - 1) * PLUS + ARROW + BOX
    height = 46 + len(steps) * row + MARGIN
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' viewBox='0 0 {width} {height}'>",
        f"<rect width='{width}' height='{height}' fill='white'/>",
        "<defs><marker id='head' markerWidth='9' markerHeight='8' refX='8' refY='4' orient='auto'><path d='M0,0 L9,4 L0,8 z'/></marker></defs>",
        f"<text x='{MARGIN}' y='30' {_FONT} font-size='17' font-weight='bold'>{escape(title)}</text>",
    ]
    for number, step in enumerate(steps, 1):
        top = 46 + (number - 1) * row
        middle = top + BOX // 2
        parts.append(
            f"<text x='{MARGIN}' y='{middle + 6}' {_FONT} font-size='16' fill='#555'>{number}.</text>"
        )
        x = MARGIN + 34 + (most - len(step.reactants)) * (BOX + PLUS)  # arrows stand below each other
        for place, molecule in enumerate(step.reactants):
            if place:
                parts.append(
                    f"<text x='{x + PLUS / 2}' y='{middle + 8}' {_FONT} font-size='22' text-anchor='middle'>+</text>"
                )
                x += PLUS
            parts += _molecule(molecule, x, top)
            x += BOX
        parts.append(
            f"<line x1='{x + 14}' y1='{middle}' x2='{x + ARROW - 14}' y2='{middle}' stroke='black' stroke-width='1.6' marker-end='url(#head)'/>"
        )
        for i, line in enumerate(reversed(step.above)):
            parts.append(_label(line, x + ARROW / 2, middle - 10 - 15 * i, "#111"))
        for i, line in enumerate(step.below):
            parts.append(_label(line, x + ARROW / 2, middle + 20 + 15 * i, "#666"))
        parts += _molecule(step.product, x + ARROW, top)
    return "\n".join([*parts, "</svg>"]).encode()


def _molecule(molecule: DrawnMolecule, x: float, top: float) -> list[str]:
    colour = "#1a7f37" if molecule.start else "#111"
    caption = molecule.caption
    if len(caption) > _WIDEST_CAPTION:
        caption = caption[: _WIDEST_CAPTION - 1] + "…"
    return [
        f"<svg x='{x}' y='{top}' width='{BOX}' height='{BOX}' viewBox='0 0 {BOX} {BOX}'>{_structure(molecule.smiles)}</svg>",
        f"<text x='{x + BOX / 2}' y='{top + BOX + 14}' {_FONT} font-size='12' text-anchor='middle' fill='{colour}'>{escape(caption)}</text>",
    ]


def _label(line: str, x: float, y: float, colour: str) -> str:
    return f"<text x='{x}' y='{y}' {_FONT} font-size='12' text-anchor='middle' fill='{colour}'>{escape(line)}</text>"


def _structure(smiles: str) -> str:
    """Return the drawing of a molecule without its frame."""
    from rdkit import Chem
    from rdkit.Chem.Draw import rdMolDraw2D

    drawer = rdMolDraw2D.MolDraw2DSVG(BOX, BOX)
    options: Any = drawer.drawOptions()
    options.clearBackground = False
    options.fixedBondLength = 24
    options.padding = 0.06
    drawer.DrawMolecule(rdMolDraw2D.PrepareMolForDrawing(Chem.MolFromSmiles(smiles)))
    drawer.FinishDrawing()
    text = re.sub(r"<\?xml.*?\?>|<!--.*?-->", "", drawer.GetDrawingText(), flags=re.DOTALL)
    return re.sub(r"^\s*<svg[^>]*>|</svg>\s*$", "", text, flags=re.DOTALL)
