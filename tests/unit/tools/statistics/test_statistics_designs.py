"""Designs against textbooks: runs, resolution, aliases, orthogonality, blocks, real settings, order, refusals."""

import csv
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.statistics import fractions
from benchmate.tools.statistics.designs import design_experiment

Call = Callable[..., ToolResult]


def matrix(result: ToolResult) -> np.ndarray[Any, np.dtype[np.float64]]:
    rows = sorted(result.data["run_sheet"], key=lambda row: row["standard_order"])
    fixed = {"run", "standard_order", "kind", "block", "replicate"}
    return np.array([[v for k, v in row.items() if k not in fixed] for row in rows], float)


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ({"design": "box_behnken", "number_of_factors": 3, "centre_points": 3}, 15),  # Box and Behnken 1960
        ({"design": "box_behnken", "number_of_factors": 4, "centre_points": 3}, 27),
        ({"design": "box_behnken", "number_of_factors": 5, "centre_points": 6}, 46),
        ({"design": "box_behnken", "number_of_factors": 6, "centre_points": 6}, 54),
        ({"design": "box_behnken", "number_of_factors": 7, "centre_points": 6}, 62),
        ({"design": "plackett_burman", "number_of_factors": 7}, 8),  # Plackett and Burman 1946
        ({"design": "plackett_burman", "number_of_factors": 11}, 12),
        ({"design": "central_composite", "number_of_factors": 2}, 13),  # Montgomery, table 11.11
        ({"design": "central_composite", "number_of_factors": 3}, 20),
        ({"design": "central_composite", "number_of_factors": 5, "centre_points": 6}, 32),
        ({"design": "full_factorial", "number_of_factors": 4, "replicates": 2}, 32),
        ({"design": "full_factorial", "number_of_factors": 2, "centre_points": 3}, 7),
        ({"design": "fractional_factorial", "number_of_factors": 7, "fraction": 4}, 8),
        ({"design": "latin_hypercube", "number_of_factors": 3, "samples": 12}, 12),
        ({"design": "taguchi", "number_of_factors": 7}, 8),
    ],
)  # fmt: skip
def test_numbers_of_runs(call: Call, arguments: dict[str, Any], runs: int) -> None:
    result = call(design_experiment, **arguments)
    assert result.quantities["runs"].value == runs == len(result.data["run_sheet"])


def test_a_quarter_of_five_factors(call: Call) -> None:  # Box, Hunter and Hunter: I = ABD = ACE = BCDE
    result = call(design_experiment, design="fractional_factorial", number_of_factors=5, fraction=2)
    assert result.data["resolution_roman"] == "III"
    assert result.data["defining_relation"] == "I = ABD = ACE = BCDE"
    assert {"effect": "A", "aliases": ["BD", "CE"]} in result.data["aliases"]
    assert any("resolution III" in w for w in result.warnings)


@pytest.mark.parametrize(
    ("factors", "fraction", "expected"),
    [(3, 1, 3), (4, 1, 4), (5, 1, 5), (6, 1, 6), (6, 2, 4), (6, 3, 3), (7, 2, 4), (7, 3, 4), (7, 4, 3), (8, 2, 5), (8, 3, 4),
     (8, 4, 4), (9, 3, 4), (9, 4, 4), (9, 5, 3), (10, 5, 4), (10, 6, 3), (11, 6, 4), (11, 7, 3)],
)  # fmt: skip
def test_resolutions_of_the_standard_fractions(factors: int, fraction: int, expected: int) -> None:
    # Box, Hunter and Hunter 2005, table 6.22
    parsed = fractions.parse_generators(fractions.STANDARD[factors, fraction], factors)
    assert fractions.resolution(fractions.defining_relation(parsed)) == expected


def test_own_generators_with_a_sign(call: Call) -> None:
    result = call(
        design_experiment, design="fractional_factorial", number_of_factors=4, generators=["D=-ABC"]
    )
    assert result.data["defining_relation"] == "I = -ABCD"
    assert np.prod(matrix(result), axis=1).tolist() == [-1.0] * 8


@pytest.mark.parametrize("design", ["plackett_burman", "full_factorial", "fractional_factorial", "taguchi"])
def test_two_level_designs_are_balanced_and_orthogonal(call: Call, design: str) -> None:
    runs = matrix(call(design_experiment, design=design, number_of_factors=7))
    assert np.array_equal(runs.T @ runs, len(runs) * np.eye(7))
    assert not runs.sum(axis=0).any()


def test_box_behnken_of_seven_has_no_corner_and_is_balanced(call: Call) -> None:
    runs = matrix(call(design_experiment, design="box_behnken", number_of_factors=7))
    edges = runs[:56]
    assert set(np.abs(edges).sum(axis=1)) == {3.0}
    assert np.array_equal(edges.T @ edges, 24 * np.eye(7))


def test_rotatable_axial_points(call: Call) -> None:  # alpha = F^(1/4)
    result = call(design_experiment, design="central_composite", number_of_factors=3)
    assert result.quantities["axial_distance"].value == pytest.approx(8**0.25)
    assert (result.quantities["axial_runs"].value, result.quantities["centre_runs"].value) == (6, 6)
    assert any("outside" in w for w in result.warnings)


@pytest.mark.parametrize("axial", ["face_centred", "inscribed"])
def test_axial_points_within_the_bounds(call: Call, axial: str) -> None:
    runs = matrix(call(design_experiment, design="central_composite", number_of_factors=3, axial=axial))
    assert np.abs(runs).max() == pytest.approx(1.0)


def test_real_settings_with_units(call: Call, context: ToolContext) -> None:
    factors = [
        {"name": "T", "low": 20, "high": 80, "unit": "°C"},
        {"name": "solvent", "levels": ["MeCN", "DMF"]},
    ]
    result = call(design_experiment, design="full_factorial", factors=factors)
    (artifact,) = result.artifacts
    rows = list(csv.DictReader(io.StringIO(ArtifactStore(context.artifact_dir).get(artifact.sha).decode())))
    assert {(r["T (°C)"], r["solvent"]) for r in rows} == {
        (t, s) for t in ("20.0", "80.0") for s in ("MeCN", "DMF")
    }
    assert rows[0]["response"] == ""


def test_more_than_two_levels(call: Call) -> None:
    factors = [{"name": "pH", "levels": [4, 7, 9]}, {"name": "salt", "levels": ["a", "b"]}]
    rows = call(design_experiment, design="full_factorial", factors=factors).data["run_sheet"]
    assert len({(r["pH"], r["salt"]) for r in rows}) == 6


def test_the_order_is_random_by_the_seed(call: Call) -> None:
    one, again, other = (
        [
            r["standard_order"]
            for r in call(design_experiment, design="full_factorial", number_of_factors=4, seed=s).data[
                "run_sheet"
            ]
        ]
        for s in (1, 1, 2)
    )
    assert one == again != other
    assert sorted(one) == list(range(1, 17)) != one


def test_blocks_confound_the_longest_interactions(call: Call) -> None:
    two = call(design_experiment, design="full_factorial", number_of_factors=3, blocks=2)
    assert two.data["confounded_with_blocks"] == ["ABC"]
    four = call(design_experiment, design="full_factorial", number_of_factors=4, blocks=4)
    lengths = sorted(map(len, four.data["confounded_with_blocks"]))
    assert lengths == [2, 3, 3]  # Box, Hunter and Hunter 2005, table 5A.1
    sizes = [sum(r["block"] == b for r in four.data["run_sheet"]) for b in (1, 2, 3, 4)]
    assert sizes == [4, 4, 4, 4]


def test_replicates_are_blocks_where_they_are_as_many(call: Call) -> None:
    result = call(design_experiment, design="plackett_burman", number_of_factors=7, replicates=2, blocks=2)
    assert all(r["block"] == r["replicate"] for r in result.data["run_sheet"])


@given(st.integers(2, 6), st.integers(2, 30), st.integers(0, 1000))
@settings(max_examples=12)
def test_a_latin_hypercube_has_one_sample_in_each_stratum(factors: int, samples: int, seed: int) -> None:
    from benchmate.tools.statistics.design_plans import PLANS, Options
    from benchmate.tools.statistics.factors import read_factors

    named, _ = read_factors(None, factors)
    plan = PLANS["latin_hypercube"](named, Options(None, None, None, "rotatable", samples, 1, seed))
    strata = np.floor((plan.runs + 1) / 2 * samples).astype(int)
    assert all(sorted(column) == list(range(samples)) for column in strata.T)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"design": "full_factorial"}, "no_factors"),
        ({"design": "full_factorial", "number_of_factors": 20}, "too_many_runs"),
        ({"design": "box_behnken", "number_of_factors": 2}, "no_such_design"),
        ({"design": "central_composite", "number_of_factors": 1}, "no_such_design"),
        ({"design": "fractional_factorial", "number_of_factors": 5, "fraction": 4}, "no_such_design"),
        ({"design": "fractional_factorial", "number_of_factors": 5, "generators": ["E=AA"]}, "bad_generator"),
        ({"design": "fractional_factorial", "number_of_factors": 5, "generators": ["D=AB"]}, "bad_generator"),
        ({"design": "full_factorial", "factors": [{"name": "a", "low": 2, "high": 1}]}, "bad_arguments"),
        ({"design": "full_factorial", "factors": [{"name": "a"}]}, "bad_arguments"),
        ({"design": "full_factorial", "factors": [{"name": "a", "low": 1, "high": 2}] * 2}, "same_name"),
        ({"design": "full_factorial", "factors": [{"name": "a", "low": 1, "high": 2, "unit": "mMM"}]}, "unknown_unit"),
        ({"design": "full_factorial", "factors": [{"name": "a", "low": 1, "high": 2}], "number_of_factors": 3}, "two_sources"),
        ({"design": "box_behnken", "factors": [{"name": str(i), "levels": ["a", "b"]} for i in range(3)]}, "needs_levels"),
        ({"design": "plackett_burman", "factors": [{"name": "a", "levels": [1, 2, 3]}]}, "needs_levels"),
        ({"design": "full_factorial", "factors": [{"name": "a", "levels": ["x", "y"]}], "centre_points": 2}, "no_centre"),
        ({"design": "full_factorial", "number_of_factors": 3, "blocks": 3}, "bad_blocks"),
        ({"design": "taguchi", "factors": [{"name": "a", "levels": [1, 2]}, {"name": "b", "levels": [1, 2, 3]}]}, "needs_levels"),
        ({"design": "latin_hypercube", "number_of_factors": 2, "centre_points": 2}, "no_centre"),
    ],
)  # fmt: skip
def test_what_is_refused(
    refusal: Callable[..., BenchmateError], arguments: dict[str, Any], code: str
) -> None:
    assert refusal(design_experiment, **arguments).code == code
