"""The runs of each kind of design, in coded settings or level numbers."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.statistics import fractions
from benchmate.tools.statistics.factors import Factor

Array = NDArray[np.float64]
MOST_RUNS = 10_000
# centre points of uniform precision: Montgomery, Design and Analysis of Experiments, 8th ed., table 11.11
_CCD_CENTRES = {2: 5, 3: 6, 4: 7, 5: 10}
# Box and Behnken, Technometrics 2, 455 (1960): which factors move together; pyDOE3 takes all pairs beyond five factors
_BBD_BLOCKS = {
    6: ((0, 1, 3), (1, 2, 4), (2, 3, 5), (0, 3, 4), (1, 4, 5), (0, 2, 5)),
    7: ((3, 4, 5), (0, 5, 6), (1, 4, 6), (0, 1, 3), (2, 3, 6), (0, 2, 4), (1, 2, 5)),
}


@dataclass
class Plan:
    """Runs in coded units (or level numbers), and what is to be said of them."""

    runs: Array
    kinds: list[str]
    coded: bool = True
    relation: dict[fractions.Word, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    blocks: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Options:
    centre_points: int | None
    fraction: int | None
    generators: list[str] | None
    axial: str
    samples: int | None
    blocks: int
    seed: int


def _two_levels(factors: list[Factor], design: str) -> None:
    for factor in factors:
        if not factor.numeric and len(factor.levels or []) != 2:
            raise InvalidInput(
                "needs_levels",
                f"{factor.name} has {len(factor.levels or [])} levels, and {design} takes two of each",
            )


def _numeric(factors: list[Factor], design: str) -> None:
    for factor in factors:
        if not factor.numeric:
            raise InvalidInput(
                "needs_levels", f"{factor.name} has levels, and {design} takes factors from low to high"
            )


def _full(factors: list[Factor], options: Options) -> Plan:
    sizes = [len(f.levels) if f.levels else 2 for f in factors]
    if math.prod(sizes) > MOST_RUNS:
        raise InvalidInput(
            "too_many_runs", f"a full factorial of these factors has {math.prod(sizes):,} runs",
            hint="take fractional_factorial or plackett_burman",
        )  # fmt: skip
    if all(size == 2 for size in sizes):
        plan = Plan(fractions.two_level_design(len(factors), []), [])
    else:
        grid = np.array(list(itertools.product(*(range(size) for size in reversed(sizes)))), float)[:, ::-1]
        plan = Plan(grid, [], coded=False)
        if options.centre_points:
            raise InvalidInput("no_centre", "a design with more than two levels has no centre points here")
    plan.kinds = ["factorial"] * len(plan.runs)
    plan.counts = {"factorial_runs": len(plan.runs)}
    return plan


def _fractional(factors: list[Factor], options: Options) -> Plan:
    _two_levels(factors, "fractional_factorial")
    k = len(factors)
    if options.generators:
        words = options.generators
    elif options.fraction is not None:
        found = fractions.STANDARD.get((k, options.fraction))
        if found is None:
            known = sorted({p for n, p in fractions.STANDARD if n == k})
            raise InvalidInput(
                "no_such_design", f"there is no standard 2^({k}-{options.fraction}) design",
                hint=f"of {k} factors: fraction {', '.join(map(str, known)) or 'none'}; or give generators",
            )  # fmt: skip
        words = list(found)
    else:
        options_of = sorted(p for n, p in fractions.STANDARD if n == k)
        good = [p for p in options_of if (_resolution(k, p) or 0) >= 4] or options_of
        if not good:
            raise InvalidInput(
                "no_such_design",
                f"there is no standard fraction of {k} factors",
                hint="give generators such as D=AB",
            )
        words = list(fractions.STANDARD[k, good[-1]])
    if len(words) >= k - 1:
        raise InvalidInput(
            "bad_generator", f"{len(words)} generators for {k} factors leave too few base factors"
        )
    parsed = fractions.parse_generators(words, k)
    relation = fractions.defining_relation(parsed)
    runs = fractions.two_level_design(k, parsed)
    plan = Plan(runs, ["factorial"] * len(runs), relation=relation, counts={"factorial_runs": len(runs)})
    shortest = fractions.resolution(relation)
    signed = sorted(relation, key=lambda w: (len(w), fractions.spell(w)))
    plan.facts = {
        "notation": f"2^({k}-{len(words)})", "resolution": shortest,
        "resolution_roman": {3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII"}.get(shortest or 0),
        "generators": list(words),
        "defining_relation": "I = " + " = ".join(("-" if relation[w] < 0 else "") + fractions.spell(w) for w in signed),
        "aliases": fractions.aliases(relation, k),
    }  # fmt: skip
    if shortest == 3:
        plan.warnings.append(
            "resolution III: main effects are mixed with two-factor interactions (see the aliases)"
        )
    elif shortest == 2:
        plan.warnings.append("resolution II: main effects are mixed with each other; choose other generators")
    return plan


def _resolution(k: int, p: int) -> int | None:
    return fractions.resolution(
        fractions.defining_relation(fractions.parse_generators(fractions.STANDARD[k, p], k))
    )


def _plackett(factors: list[Factor], options: Options) -> Plan:
    import pyDOE3

    _two_levels(factors, "plackett_burman")
    runs = np.asarray(pyDOE3.pbdesign(len(factors)), float)
    plan = Plan(runs, ["factorial"] * len(runs), counts={"factorial_runs": len(runs)})
    plan.facts = {"resolution": 3, "resolution_roman": "III"}
    plan.warnings.append(
        "a screening design: main effects are partly mixed with two-factor interactions (resolution III)"
    )
    return plan


def _behnken(factors: list[Factor], options: Options) -> Plan:
    import pyDOE3

    _numeric(factors, "box_behnken")
    k = len(factors)
    centres = 3 if options.centre_points is None else options.centre_points
    if not 3 <= k <= 7:
        raise InvalidInput(
            "no_such_design", f"there is no Box-Behnken design of {k} factors here", hint="3 to 7 factors"
        )
    if k in _BBD_BLOCKS:
        edges = []
        for moved in _BBD_BLOCKS[k]:
            for signs in itertools.product((-1.0, 1.0), repeat=3):
                run = np.zeros(k)
                run[list(moved)] = signs
                edges.append(run)
        runs = np.array(edges)
    else:
        runs = np.asarray(pyDOE3.bbdesign(k, center=1), float)
        runs = runs[np.any(runs != 0, axis=1)]
    plan = Plan(np.vstack([runs, np.zeros((centres, k))]), ["edge"] * len(runs) + ["centre"] * centres)
    plan.counts = {"factorial_runs": len(runs), "centre_runs": centres}
    if not centres:
        plan.warnings.append("without centre points the quadratic model cannot be fitted")
    return plan


def _composite(factors: list[Factor], options: Options) -> Plan:
    _numeric(factors, "central_composite")
    k = len(factors)
    if not 2 <= k <= 8:
        raise InvalidInput(
            "no_such_design",
            f"there is no central composite design of {k} factors here",
            hint="2 to 8 factors",
        )
    # a half fraction of resolution V or more serves the quadratic model from five factors on
    half = [(k - 1, frozenset(range(k - 1)), 1)] if k >= 5 else []
    cube = fractions.two_level_design(k, half)
    centres = _CCD_CENTRES.get(k, 10) if options.centre_points is None else options.centre_points
    alpha = 1.0 if options.axial == "face_centred" else len(cube) ** 0.25
    star = np.vstack([sign * alpha * np.eye(k)[i] for i in range(k) for sign in (-1, 1)])
    runs = np.vstack([cube, star, np.zeros((centres, k))])
    if options.axial == "inscribed":
        runs = runs / alpha
    kinds = ["factorial"] * len(cube) + ["axial"] * len(star) + ["centre"] * centres
    plan = Plan(runs, kinds)
    plan.counts = {"factorial_runs": len(cube), "axial_runs": len(star), "centre_runs": centres}
    plan.facts = {
        "axial_distance": float(alpha),
        "axial": options.axial,
        "cube_fraction": "half" if half else "full",
    }
    if options.axial == "rotatable":
        plan.warnings.append(
            f"axial points lie at ±{alpha:.4g}, outside low and high: axial='inscribed' or 'face_centred' keeps them inside"
        )
    if options.blocks == 2:
        middle = centres // 2 + centres % 2
        blocks = [1] * len(cube) + [2] * len(star) + [1] * middle + [2] * (centres - middle)
        plan.blocks = np.array(blocks)
        plan.facts["blocking"] = (
            "block 1 holds the factorial points, block 2 the axial points; centre points are shared"
        )
    return plan


def _hypercube(factors: list[Factor], options: Options) -> Plan:
    from scipy.stats import qmc

    _numeric(factors, "latin_hypercube")
    n = options.samples or 10 * len(factors)
    if options.centre_points:
        raise InvalidInput(
            "no_centre", "a Latin hypercube has no centre points", hint="leave out centre_points"
        )
    unit = qmc.LatinHypercube(
        d=len(factors), optimization="random-cd" if n <= 500 else None, seed=options.seed
    ).random(n)
    plan = Plan(2 * unit - 1, ["sample"] * n)
    plan.facts = {"samples": n, "discrepancy": float(qmc.discrepancy(unit)) if n <= 2000 else None}
    if options.samples is None:
        plan.warnings.append(f"the number of samples was taken as {n}, ten for each factor; say samples")
    return plan


def _taguchi(factors: list[Factor], options: Options) -> Plan:
    import pyDOE3

    sizes = [len(f.levels) if f.levels else 2 for f in factors]
    if len(set(sizes)) > 1:
        raise InvalidInput(
            "needs_levels", "a Taguchi array here takes factors with the same number of levels"
        )
    arrays = {"L4(2^3)": (2, 3), "L8(2^7)": (2, 7), "L9(3^4)": (3, 4), "L12(2^11)": (2, 11), "L16(2^15)": (2, 15),
              "L16(4^5)": (4, 5), "L25(5^6)": (5, 6), "L32(2^31)": (2, 31), "L81(3^40)": (3, 40)}  # fmt: skip
    name = next(
        (n for n, (levels, most) in arrays.items() if levels == sizes[0] and len(factors) <= most), None
    )
    if name is None:
        raise InvalidInput(
            "no_such_design", f"there is no Taguchi array of {len(factors)} factors with {sizes[0]} levels"
        )
    levels = np.asarray(pyDOE3.get_orthogonal_array(name), float)[:, : len(factors)]
    levels = levels - levels.min()
    plan = Plan(2 * levels - 1 if sizes[0] == 2 else levels, ["factorial"] * len(levels), coded=sizes[0] == 2)
    plan.facts = {"array": name}
    plan.counts = {"factorial_runs": len(levels)}
    plan.warnings.append("main effects only: an orthogonal array mixes them with interactions")
    return plan


PLANS: dict[str, Any] = {
    "full_factorial": _full, "fractional_factorial": _fractional, "plackett_burman": _plackett, "box_behnken": _behnken,
    "central_composite": _composite, "latin_hypercube": _hypercube, "taguchi": _taguchi,
}  # fmt: skip
