"""Experimental designs with real settings, in random order."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy, Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.statistics import fractions
from benchmate.tools.statistics.design_plans import MOST_RUNS, PLANS, Options, Plan
from benchmate.tools.statistics.factors import Factor, factors_in, read_factors

Design = Literal[
    "fractional_factorial", "full_factorial", "plackett_burman", "box_behnken", "central_composite", "latin_hypercube",
    "taguchi",
]  # fmt: skip
_SHOWN = 200


@tool(
    domain="statistics",
    extra="data",
    properties={
        "runs": "number of runs, runs, experiments, how many runs, trials",
        "factorial_runs": "factorial points, cube points, corner runs",
        "axial_runs": "axial points, star points",
        "centre_runs": "centre points, center points, centre runs",
        "resolution": "resolution, design resolution",
        "axial_distance": "axial distance, alpha of the star points",
        "blocks": "number of blocks, blocks",
    },
    examples=(
        "How many runs does a Box-Behnken design with 3 factors and 3 centre points need?",
        "Make a full factorial design for temperature 20-80 degC and pH 5-8 with 3 centre points",
        "2^(5-2) fractional factorial: which effects are aliased?",
        "Plackett-Burman screening design for 7 factors",
        "central composite design with two factors, face centred",
        "Latin hypercube of 20 samples over 4 variables",
    ),
    example={
        "design": "box_behnken", "centre_points": 3,
        "factors": [
            {"name": "temperature", "low": 40, "high": 80, "unit": "degC"}, {"name": "pH", "low": 5, "high": 8},
            {"name": "time", "low": 10, "high": 60, "unit": "min"},
        ],
    },
)  # fmt: skip
def design_experiment(
    context: ToolContext,
    design: Design,
    factors: Annotated[list[Factor] | None, ReadBy(factors_in)] = None,
    number_of_factors: Annotated[
        int | None, Unit("", "factors, variables, number of factors"), Field(ge=1, le=25)
    ] = None,
    centre_points: Annotated[
        int | None, Unit("", "centre points, center points, centre runs, centrepoints"), Field(ge=0, le=100)
    ] = None,
    fraction: Annotated[int | None, Unit("", "generators, fraction exponent"), Field(ge=1, le=15)] = None,
    generators: list[str] | None = None,
    axial: Annotated[
        Literal["face_centred", "inscribed", "rotatable"],
        Said(
            {
                "face_centred": "face-centred, face-centered, face centred, CCF, FCC design",
                "inscribed": "inscribed, CCI",
                "rotatable": "circumscribed, CCC",
            }
        ),
    ] = "rotatable",
    samples: Annotated[int | None, Unit("", "samples, runs, points"), Field(ge=2, le=MOST_RUNS)] = None,
    replicates: Annotated[int, Unit("", "replicates, repeats, times each"), Field(ge=1, le=100)] = 1,
    blocks: Annotated[int, Unit("", "blocks, days, batches"), Field(ge=1, le=64)] = 1,
    seed: Annotated[int, Unit("", "seed, random seed"), Field(ge=0, le=2**31)] = 1,
) -> ToolResult:
    """Plan an experiment: factorial, fractional factorial, Plackett-Burman, Box-Behnken, central composite, Latin hypercube.

    The runs carry real settings, stand in random order (by the seed; within blocks), and come as a CSV to be filled in.

    Raises InvalidInput: `no_factors`, `too_many_factors`, `two_sources`, `same_name`, `needs_levels`, `bad_generator`,
    `no_such_design`, `bad_blocks`, `too_many_runs`, `no_centre`, `unknown_unit`.

    Args:
        design: The kind of design.
        factors: The factors: name, low and high (or levels), unit.
        number_of_factors: How many factors, in place of named ones: coded -1 to +1.
        centre_points: Runs at the centre; by default 3 for box_behnken, 5 to 10 for central_composite, else none.
        fraction: p of a 2^(k-p) fractional factorial.
        generators: The generators of a fractional factorial, such as D=AB; by default those of least aberration.
        axial: The axial points of central_composite: rotatable lie outside low and high, inscribed and face_centred do not.
        samples: The samples of latin_hypercube.
        replicates: How often each run is done.
        blocks: Blocks, such as days; of two-level designs by confounding, of central_composite 2, else one for each replicate.
        seed: The seed of the order and of the hypercube.
    """
    named, coded_only = read_factors(factors, number_of_factors)
    plan = PLANS[design](named, Options(centre_points, fraction, generators, axial, samples, blocks, seed))
    centres = plan.counts.get("centre_runs")
    if centres is None:
        centres = centre_points or 0
        if centres and not (plan.coded and all(f.numeric for f in named)):
            raise InvalidInput(
                "no_centre",
                f"a {design} design of such factors has no centre",
                hint="leave out centre_points",
            )
    total = len(plan.runs) * replicates
    if total > MOST_RUNS:
        raise InvalidInput(
            "too_many_runs", f"the design has {total:,} runs", hint=f"at most {MOST_RUNS:,}; take a fraction"
        )
    block = _blocks(plan, blocks, replicates)
    if design not in ("box_behnken", "central_composite") and centres:
        plan.runs = np.vstack([plan.runs, np.zeros((centres, len(named)))])
        plan.kinds += ["centre"] * centres
        block = np.concatenate([block, 1 + np.arange(centres) % blocks])
        plan.counts["centre_runs"] = centres
    rows = _rows(plan, named, block, replicates, blocks, seed)
    numbers = {"runs": len(rows), **plan.counts, **({"blocks": blocks} if blocks > 1 else {})}
    conditions = {"design": design, "factors": str(len(named))}
    quantities = {
        name: Quantity(value=value, property=name, conditions=conditions) for name, value in numbers.items()
    }
    for name in ("resolution", "axial_distance"):
        if plan.facts.get(name) is not None:
            quantities[name] = Quantity(value=plan.facts[name], property=name, conditions=conditions)
    if design == "latin_hypercube" and len(rows) < 2 * len(named):
        plan.warnings.append(f"{len(rows)} samples of {len(named)} factors fill the space thinly")
    import pyDOE3

    return ToolResult(
        quantities=quantities,
        data={
            "design": design,
            "factors": [
                {"letter": fractions.LETTERS[i] if i < 25 else None, **f.model_dump(mode="json", exclude_none=True)}
                for i, f in enumerate(named)
            ],
            **plan.facts,
            "coded_only": coded_only,
            "seed": seed,
            "run_sheet": rows[:_SHOWN],
        },
        artifacts=(context.save("design.csv", "text/csv", _csv(rows)),),
        source=Source(
            kind="computed", name=f"pyDOE3 {getattr(pyDOE3, '__version__', '1.6')}, NumPy {np.__version__}",
            reference="Box, Hunter and Hunter, Statistics for Experimenters, 2nd ed., 2005; Box and Behnken, Technometrics 2, 455 (1960)",
        ),
        warnings=tuple(plan.warnings),
    )  # fmt: skip


def _blocks(plan: Plan, blocks: int, replicates: int) -> NDArray[np.int64]:
    """Return the block of each run of one replicate, or zeros where a block is a replicate."""
    if plan.blocks is not None:
        return plan.blocks
    if blocks == 1:
        return np.ones(len(plan.runs), np.int64)
    if blocks == replicates:
        plan.facts["blocking"] = "each block is one replicate"
        return np.zeros(len(plan.runs), np.int64)
    two_level = (
        plan.coded and set(np.unique(plan.runs).tolist()) <= {-1.0, 1.0} and set(plan.kinds) == {"factorial"}
    )
    if not (two_level and len(plan.runs) & (len(plan.runs) - 1) == 0 and "array" not in plan.facts):
        raise InvalidInput(
            "bad_blocks",
            f"such a design is not split into {blocks} blocks",
            hint="take as many replicates as blocks",
        )
    block, lost = fractions.split_into_blocks(plan.runs, plan.relation, blocks)
    plan.facts["confounded_with_blocks"] = [fractions.spell(word) for word in lost]
    return block


def _rows(
    plan: Plan, factors: list[Factor], block: NDArray[np.int64], replicates: int, blocks: int, seed: int
) -> list[dict[str, Any]]:
    """Return the runs in random order within blocks; centre points of a response-surface design are not replicated."""
    generator = np.random.default_rng(seed)
    planned: list[tuple[int, int, int]] = []  # block, replicate, place in the standard order
    for replicate in range(1, replicates + 1):
        for place, own in enumerate(block):
            if replicate > 1 and plan.kinds[place] == "centre":
                continue
            planned.append((int(own) or replicate, replicate, place))
    order = generator.permutation(len(planned))
    shuffled = sorted((planned[i] for i in order), key=lambda run: run[0])
    rows = []
    for number, (own, replicate, place) in enumerate(shuffled, 1):
        row: dict[str, Any] = {"run": number, "standard_order": place + 1, "kind": plan.kinds[place]}
        if blocks > 1:
            row["block"] = own
        if replicates > 1:
            row["replicate"] = replicate
        for factor, value in zip(factors, plan.runs[place], strict=True):
            row[factor.header] = _setting(factor, float(value), plan.coded)
        rows.append(row)
    return rows


def _setting(factor: Factor, value: float, coded: bool) -> float | str:
    if not coded:
        if factor.levels:
            return factor.levels[int(value)]
        return factor.setting(2 * value - 1)
    if factor.levels:
        return factor.levels[int(value > 0)]
    return factor.setting(value)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*rows[0], "response"], lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
