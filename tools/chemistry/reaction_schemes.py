"""Reaction enthalpies with heats of formation from homodesmotic reactions, for gases that no table has."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from benchmate.runtime.errors import BenchmateError
from benchmate.runtime.evidence import Entity, Source
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import ToolResult
from benchmate.tools.chemistry.compounds import resolve_compound
from benchmate.tools.chemistry.formation_enthalpies import PHASES, Formation, formation_record, used_value
from benchmate.tools.chemistry.homodesmotic import METHOD, estimate
from benchmate.tools.chemistry.named_equations import NamedEquation
from benchmate.tools.chemistry.tight_binding import REFERENCES, tblite_name
from benchmate.tools.extras import require


def by_schemes(
    parsed: NamedEquation,
    text: str,
    signed: list[Fraction],
    formations: list[Formation],
    seed: int,
    entities: tuple[Entity, ...],
    warnings: list[str],
) -> ToolResult | None:
    """Return the enthalpy with heats from homodesmotic reactions where none is tabulated; None where one of these is doubtful."""
    require("qm", "estimate_reaction_enthalpy beyond the tables")
    total, variance, species, quantities = 0.0, 0.0, list[dict[str, Any]](), dict[str, Quantity]()
    for i, (number, formation, substance) in enumerate(
        zip(signed, formations, parsed.substances, strict=True)
    ):
        shown = formation_record(formation, number)
        about = {
            "species": formation.species.text,
            "phase": PHASES[formation.phase],
            "temperature": "298.15 K",
        }
        if formation.values:
            table, one = used_value(formation, None)
            how, error = f"tabulated: {table}", None
        else:
            try:
                structure = substance.compound or resolve_compound(formation.smiles)
                found = estimate(structure, seed)
            except BenchmateError:
                return None
            if found.doubts:
                return None
            one, how, error = found.value, METHOD, found.error
            about["reaction"] = found.equation
            shown["scheme"] = found.told()
            variance += (float(number) * error) ** 2
        total += float(number) * one
        species.append(shown)
        quantities[f"formation_enthalpy_{i}"] = Quantity(
            value=one, unit="kJ/mol", property="formation_enthalpy", method=how, conditions=about, uncertainty=error,
            relation="=" if error is None else "~",
        )  # fmt: skip
    conditions = {
        "equation": text,
        "temperature": "298.15 K",
        "per": "mole of reaction as written",
        "reliability": "homodesmotic",
    }
    enthalpy = Quantity(
        value=total, unit="kJ/mol", property="reaction_enthalpy", relation="~", uncertainty=round(math.sqrt(variance), 1), conditions=conditions,
        method="Hess's law from tabulated heats of formation and estimated ones",
    )  # fmt: skip
    return ToolResult(
        data={"equation": text, "reliability": "homodesmotic", "species": species}, quantities={"reaction_enthalpy": enthalpy, **quantities},
        entities=entities,
        source=Source(kind="computed", name=f"{tblite_name()}, tables of chemicals", reference=REFERENCES["GFN2-xTB"]),
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip
