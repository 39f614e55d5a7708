"""The pH of acids, bases and buffers in water, from the exact proton balance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolResult, tool

PH_RANGE = (-3.0, 18.0)  # beyond what a concentration of at most 20 mol/L gives
REFERENCE = "Butler, Ionic Equilibrium (1998), ch. 3-5"
DILUTE = 0.1  # mol/L of ionic strength, above which activities matter by more than about 0.1 pH

PK = Annotated[float | None, Field(ge=-15, le=50)]


@tool(
    domain="chemistry",
    properties={
        "ph": "pH, acidity",
        "poh": "pOH",
        "hydronium": "hydronium concentration, H+ concentration, proton concentration, [H+]",
        "dissociation_degree": "degree of dissociation, percent dissociated, percent ionized, fraction ionized",
        "henderson_hasselbalch_ph": "Henderson-Hasselbalch pH, approximate pH of the buffer",
        "buffer_capacity": "buffer capacity, buffer strength",
        "species_concentration": "concentration of a species, species distribution, conjugate base concentration",
    },
    examples=(
        "pH of 0.10 M acetic acid, pKa 4.76?",
        "What is the pH of 0.05 M HCl?",
        "pH of 0.1 M ammonia, pKb 4.75",
        "pH of a buffer of 0.1 M acetic acid and 0.2 M sodium acetate, pKa 4.76",
        "What is the pH of 0.1 M phosphoric acid with pKa 2.15, pKa2 7.20 and pKa3 12.35?",
        "pH of 1e-8 M strong acid",
        "pH of 0.1 M NaHCO3 (step 1) with pKa 6.35 and pKa2 10.33",
    ),
    example={"concentration": 0.1, "pka": 4.76},
)
def compute_ph(
    concentration: Annotated[
        float | None, Unit("mol/L", "acid, acid concentration, weak acid, concentration"), Field(ge=0, le=20)
    ] = None,
    base_concentration: Annotated[
        float | None,
        Unit(
            "mol/L",
            "base, conjugate base, weak base, base concentration, salt, acetate, ammonia, amine, pyridine, carbonate, bicarbonate",
        ),
        Field(ge=0, le=20),
    ] = None,
    pka: Annotated[PK, Unit("", "pKa, pKa1, pK1, pK")] = None,
    pka2: Annotated[PK, Unit("", "pKa2, pK2")] = None,
    pka3: Annotated[PK, Unit("", "pKa3, pK3")] = None,
    pka4: Annotated[PK, Unit("", "pKa4, pK4")] = None,
    pkb: Annotated[PK, Unit("", "pKb")] = None,
    step: Annotated[int | None, Unit("", "step, dissociation step"), Field(ge=1, le=4)] = None,
    strong_acid: Annotated[
        float, Unit("mol/L", "strong acid, HCl, hydrochloric acid, HNO3, HClO4"), Field(ge=0, le=20)
    ] = 0.0,
    strong_base: Annotated[
        float, Unit("mol/L", "strong base, NaOH, KOH, sodium hydroxide"), Field(ge=0, le=20)
    ] = 0.0,
    pkw: Annotated[float, Unit("", "pKw"), Field(ge=11, le=16)] = 14.0,
) -> ToolResult:
    """Compute the pH of an aqueous acid, base, buffer or mixture by the exact proton balance, autoprotolysis included.

    The weak acid HnA has up to four pKa values. Without `step`, `concentration` is of the acid with all its protons. A base
    or buffer of a polyprotic acid names the step between acid and base form (NaHCO3: step 1; phosphate at pH 7: step 2). Concentrations stand for activities, so that the result is exact only in dilute solution.

    Raises InvalidInput: `underspecified`, `pka_order`, `step_needed`, `bad_step`, `overspecified`.

    Args:
        concentration: Concentration of the weak acid; of its acid form in a buffer.
        base_concentration: Concentration of the weak base; of the conjugate base in a buffer.
        pka: The (first) pKa of the weak acid, or of the acid conjugate to the weak base.
        pka2: The second pKa.
        pka3: The third pKa.
        pka4: The fourth pKa.
        pkb: The pKb of a base with one proton to take, in place of `pka`.
        step: Which dissociation the two concentrations belong to: the acid form has lost step - 1 protons.
        strong_acid: Concentration of a strong monoprotic acid, in the same solution.
        strong_base: Concentration of a strong base (of hydroxide), in the same solution.
        pkw: The ionic product of water; 14.00 at 25 °C.
    """
    import scipy

    warnings: list[str] = []
    pks = _constants(pka, pka2, pka3, pka4, pkb, pkw)
    acid, base = concentration or 0.0, base_concentration or 0.0
    if not pks and acid + base > 0:
        raise InvalidInput(
            "underspecified", "a weak acid or base needs its pKa or pKb",
            hint="a strong acid or base is given as strong_acid or strong_base",
        )  # fmt: skip
    if acid + base + strong_acid + strong_base == 0:
        raise InvalidInput(
            "underspecified", "no concentration is given", hint="give a concentration above zero"
        )
    lost_acid, lost_base = _forms(len(pks), step, acid, base)
    total = acid + base
    supplied = strong_acid - strong_base - lost_acid * acid - lost_base * base

    def excess(ph: float) -> float:
        """Return protons bound and free less those supplied, relative to HnA and water, in mol/L."""
        return 10**-ph - 10 ** (ph - pkw) - total * mean_loss(pks, ph) - supplied

    ph = float(scipy.optimize.brentq(excess, *PH_RANGE, xtol=1e-10))
    h, oh = 10**-ph, 10 ** (ph - pkw)
    conditions = {"pKw": f"{pkw:g}", "activity": "not included"}
    if pks:
        conditions["pKa"] = ", ".join(f"{pk:g}" for pk in pks)
    method = "exact proton balance with autoprotolysis"

    def quantity(name: str, value: float, unit: str = "", **more: str) -> Quantity:
        return Quantity(
            value=value, unit=unit, property=name, method=method, conditions={**conditions, **more}
        )

    quantities = {
        "ph": quantity("ph", ph),
        "poh": quantity("poh", pkw - ph),
        "hydronium": quantity("hydronium", h, "mol/L"),
    }
    fractions = distribution(pks, ph)
    charged = 2 * (strong_acid + strong_base)
    if pks and total:
        for lost, fraction in enumerate(fractions):
            name = _form_name(len(pks), lost)
            quantities[f"species_{lost}"] = quantity(
                "species_concentration", total * fraction, "mol/L", species=name
            )
        changed = abs(mean_loss(pks, ph) - (lost_acid * acid + lost_base * base) / total)
        if not (acid and base) and len(pks) == 1 and not strong_acid and not strong_base:
            quantities["dissociation_degree"] = quantity("dissociation_degree", 100 * changed, "percent")
        free_base = pkb is not None and not acid
        charged += 2 * total * changed + (0.0 if free_base else 2 * (lost_acid * acid + lost_base * base))
    if acid and base:
        pk = pks[lost_acid]
        approximate = pk + math.log10(base / acid)
        quantities["henderson_hasselbalch_ph"] = Quantity(
            value=approximate, property="henderson_hasselbalch_ph", method="pKa + log10([base]/[acid])",
            conditions={"pKa": f"{pk:g}"},
        )  # fmt: skip
        if abs(approximate - ph) > 0.02 and not strong_acid and not strong_base:
            warnings.append(
                f"the Henderson-Hasselbalch equation gives {approximate:.2f}; the exact balance gives {ph:.2f}"
            )
    quantities["buffer_capacity"] = quantity(
        "buffer_capacity", math.log(10) * (h + oh + total * _spread(fractions)), "mol/L"
    )
    strength = charged / 2
    if strength > DILUTE:
        warnings.append(
            f"the ionic strength is of the order of {strength:.1g} mol/L: without activities the pH may be off by 0.1 or more"
        )
    if 0 < strong_acid < 1e-6 and not total:
        warnings.append("at this dilution water itself gives most of the ions")
    return ToolResult(
        data={
            "pka": pks,
            "species": [
                {"species": _form_name(len(pks), lost), "fraction": fraction, "concentration_mol_per_l": total * fraction}
                for lost, fraction in enumerate(fractions)
            ] if total else [],
            "assumptions": ["concentrations for activities", "no ion pairs, no precipitation, no dissolved CO2"],
        },
        quantities=quantities,
        source=Source(kind="computed", name=f"SciPy {scipy.__version__}", reference=REFERENCE),
        warnings=tuple(warnings),
    )  # fmt: skip


def distribution(pks: Sequence[float], ph: float) -> list[float]:
    """Return the fractions of HnA, Hn-1A, …, A at a pH, for stepwise pKa values."""
    exponents = [0.0]
    for pk in pks:
        exponents.append(exponents[-1] + ph - pk)
    top = max(exponents)  # keeps the powers of ten finite
    weights = [10 ** (e - top) for e in exponents]
    whole = sum(weights)
    return [w / whole for w in weights]


def mean_loss(pks: Sequence[float], ph: float) -> float:
    """Return how many protons an acid has lost on average at a pH."""
    return sum(lost * fraction for lost, fraction in enumerate(distribution(pks, ph)))


def _spread(fractions: Sequence[float]) -> float:
    """Return the variance of the number of protons lost, which is the buffer capacity per concentration and ln 10."""
    mean = sum(i * f for i, f in enumerate(fractions))
    return sum((i - mean) ** 2 * f for i, f in enumerate(fractions))


def _constants(
    pka: float | None,
    pka2: float | None,
    pka3: float | None,
    pka4: float | None,
    pkb: float | None,
    pkw: float,
) -> list[float]:
    given = [pka, pka2, pka3, pka4]
    pks = [pk for pk in given if pk is not None]
    if given[: len(pks)] != pks:
        raise InvalidInput(
            "pka_order", "a pKa is missing before a later one", hint="give pka, pka2, … in order"
        )
    if pkb is not None:
        if pks:
            raise InvalidInput("overspecified", "pKa and pKb are given", hint="give one: pKa = pKw - pKb")
        return [pkw - pkb]
    if any(later < earlier for earlier, later in itertools.pairwise(pks)):
        raise InvalidInput(
            "pka_order", f"the pKa values {', '.join(f'{pk:g}' for pk in pks)} fall; the first proton is the most acidic",
            hint="give them from the lowest to the highest",
        )  # fmt: skip
    return pks


def _forms(steps: int, step: int | None, acid: float, base: float) -> tuple[int, int]:
    """Return how many protons the acid form and the base form have lost as they are dissolved."""
    if step is not None:
        if step > steps:
            raise InvalidInput(
                "bad_step", f"step {step} needs {step} pKa values; {steps} are given", hint="give them all"
            )
        return step - 1, step
    if base and steps > 1:
        which = "buffers" if acid else "salts"
        raise InvalidInput(
            "step_needed", f"an acid with {steps} pKa values has several {which}",
            hint=f"give step: 1 for the form that has lost one proton (NaHCO3), {steps} for the one that has lost all (Na2CO3)",
        )  # fmt: skip
    return 0, steps


def _form_name(steps: int, lost: int) -> str:
    """Return the form's name without its charge, which depends on what A is: H3A, H2A, HA, A."""
    left = steps - lost
    return ("H" if left == 1 else f"H{left}" if left else "") + "A"
