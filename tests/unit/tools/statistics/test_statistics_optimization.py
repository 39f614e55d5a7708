"""The next experiment: a quadratic's optimum, categories, batches, duplicates, noise, refusals."""

from collections.abc import Callable
from typing import Any

import pytest

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolResult
from benchmate.tools.statistics.optimization import suggest_next_experiment

Call = Callable[..., ToolResult]
PLANE: list[dict[str, Any]] = [
    {"name": "a", "low": -2, "high": 3},
    {"name": "b", "low": 0, "high": 1, "unit": "mM"},
]


def test_the_optimum_of_a_quadratic_within_twenty_runs(call: Call) -> None:
    runs: list[dict[str, float]] = []
    responses: list[float] = []
    for _ in range(20):
        result = call(suggest_next_experiment, factors=PLANE, runs=runs, responses=responses, goal="minimize")
        setting = result.data["suggestions"][0]["settings"]
        runs.append(setting)
        responses.append((setting["a"] - 0.7) ** 2 + 25 * (setting["b"] - 0.3) ** 2)
    best = runs[responses.index(min(responses))]
    assert best["a"] == pytest.approx(0.7, abs=0.04)
    assert best["b"] == pytest.approx(0.3, abs=0.04)


def test_the_better_category_is_taken(call: Call) -> None:
    factors = [{"name": "t", "low": 0, "high": 10}, {"name": "solvent", "levels": ["x", "y"]}]
    runs = [{"t": t, "solvent": s} for t in (1, 4, 6, 9) for s in ("x", "y")]
    responses = [-((r["t"] - 5) ** 2) + (20 if r["solvent"] == "y" else 0) for r in runs]  # type: ignore[operator]
    result = call(suggest_next_experiment, factors=factors, runs=runs, responses=responses)
    setting = result.data["suggestions"][0]["settings"]
    assert setting["solvent"] == "y" and setting["t"] == pytest.approx(5, abs=1)
    assert result.quantities["setting_1_t"].property == "suggested_setting"


def test_a_batch_holds_different_settings_none_of_them_done(call: Call) -> None:
    runs = [{"a": 0.0, "b": 0.2}, {"a": 1.0, "b": 0.4}, {"a": 2.0, "b": 0.9}]
    result = call(suggest_next_experiment, factors=PLANE, runs=runs, responses=[1.0, 3.0, 2.0], batch=4)
    settings = [tuple(s["settings"].values()) for s in result.data["suggestions"]]
    assert len(set(settings)) == 4
    assert not set(settings) & {tuple(r.values()) for r in runs}


def test_the_same_seed_suggests_the_same(call: Call) -> None:
    arguments = {"factors": PLANE, "runs": [{"a": 0, "b": 0.2}, {"a": 1, "b": 0.4}], "responses": [1.0, 3.0]}
    first, second = (call(suggest_next_experiment, **arguments).data["suggestions"] for _ in range(2))
    assert first == second


def test_without_runs_the_settings_are_spread(call: Call) -> None:
    result = call(suggest_next_experiment, factors=PLANE, batch=5)
    assert any("nothing to learn" in w for w in result.warnings)
    assert result.quantities["setting_1_b"].unit == "mM"
    assert len({s["settings"]["a"] for s in result.data["suggestions"]}) == 5


def test_runs_from_a_table(call: Call, saved: Callable[[str, str], str]) -> None:
    path = saved("t.csv", "a,b (mM),yield (%)\n0,0.2,10\n1,0.4,30\n2,0.9,NA\n-1,0.5,20\n")
    result = call(suggest_next_experiment, factors=PLANE, file=path, response="yield")
    assert result.quantities["best_response"].value == 30 and result.quantities["best_response"].unit == "%"
    assert result.quantities["runs"].value == 3


def test_noise_that_is_given_is_used(call: Call) -> None:
    runs = [{"a": a, "b": 0.5} for a in (-2, -1, 0, 1, 2, 3)]
    result = call(suggest_next_experiment, factors=PLANE, runs=runs, responses=[1, 3, 2, 5, 4, 6], noise=1.0)
    assert result.quantities["noise"].value == 1.0
    assert result.quantities["predicted_1"].uncertainty > 0  # type: ignore[operator]


def test_all_settings_tried(refusal: Callable[..., BenchmateError]) -> None:
    factors = [{"name": "s", "levels": ["x", "y"]}]
    runs = [{"s": "x"}, {"s": "y"}]
    assert (
        refusal(suggest_next_experiment, factors=factors, runs=runs, responses=[1.0, 2.0]).code == "exhausted"
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"runs": [{"a": 1}], "responses": [1.0]}, "missing_factor"),
        ({"runs": [{"a": 1, "b": 0.5}], "responses": []}, "length_mismatch"),
        ({"runs": [{"a": 500, "b": 0.5}], "responses": [1.0]}, "outside_bounds"),
        ({"runs": [{"a": "hot", "b": 0.5}], "responses": [1.0]}, "not_finite"),
        ({"file": "sample:iris"}, "which_column"),
        ({"file": "sample:iris", "response": "petal length"}, "unknown_column"),
        ({"factors": [{"name": "s", "levels": ["x", "y"]}], "runs": [{"s": "z"}], "responses": [1.0]}, "unknown_level"),
    ],
)  # fmt: skip
def test_what_is_refused(
    refusal: Callable[..., BenchmateError], arguments: dict[str, Any], code: str
) -> None:
    assert refusal(suggest_next_experiment, **{"factors": PLANE, **arguments}).code == code


def test_a_run_beside_the_bounds_counts_and_is_told(call: Call) -> None:
    runs = [{"a": 3.4, "b": 0.5}, {"a": 0, "b": 0.5}]
    assert any(
        "outside the bounds" in w
        for w in call(suggest_next_experiment, factors=PLANE, runs=runs, responses=[1, 2]).warnings
    )
