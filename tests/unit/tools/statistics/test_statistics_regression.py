"""Regression against NIST's certified values, the warnings of its diagnostics, categories, logistic, and refusals."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolResult
from benchmate.tools.statistics.regression import fit_regression

Call = Callable[..., ToolResult]
LONGLEY = {
    "file": "sample:longley", "response": "TOTEMP",
    "predictors": ["GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR"],
}  # fmt: skip
# NIST StRD, Longley: certified estimates and standard deviations
CERTIFIED = {
    "intercept": (-3482258.63459582, 890420.383607373),
    "coefficient_gnpdefl": (15.0618722713733, 84.9149257747669),
    "coefficient_gnp": (-0.358191792925910e-01, 0.334910077722432e-01),
    "coefficient_unemp": (-2.02022980381683, 0.488399681651699),
    "coefficient_armed": (-1.03322686717359, 0.214274163161675),
    "coefficient_pop": (-0.511041056535807e-01, 0.226073200069370),
    "coefficient_year": (1829.15146461355, 455.478499142212),
}
# NIST StRD, Norris: y on x
NORRIS_Y = [0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3, 0.1, 778.1, 668.8, 339.3, 448.9, 10.8, 557.7, 228.3, 998.0, 888.8, 119.6, 0.3, 0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6, 228.9, 668.4, 449.2, 0.2]  # fmt: skip
NORRIS_X = [0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4, 0.6, 775.5, 666.9, 338.0, 447.5, 11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3, 0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3, 229.2, 669.1, 448.9, 0.5]  # fmt: skip


def test_longley_against_nist(call: Call) -> None:
    result = call(fit_regression, **LONGLEY)
    assert result.quantities["r_squared"].value == pytest.approx(0.995479004577296, rel=1e-9)
    assert result.quantities["residual_deviation"].value == pytest.approx(304.854073561965, rel=1e-7)
    assert result.quantities["f"].value == pytest.approx(330.285339234588, rel=1e-6)
    for key, (value, deviation) in CERTIFIED.items():
        assert result.quantities[key].value == pytest.approx(value, rel=1e-6), key
        assert result.quantities[key].uncertainty == pytest.approx(deviation, rel=1e-6), key


def test_longley_is_collinear_and_said_to_be(
    call: Call,
) -> None:  # VIF 1788.5 of GNP: Longley 1967 as R's car::vif has it
    result = call(fit_regression, **LONGLEY)
    assert result.quantities["vif_gnp"].value == pytest.approx(1788.51, rel=1e-4)
    assert any("GNP" in w and "VIF" in w for w in result.warnings)


def test_norris_against_nist(call: Call) -> None:
    result = call(fit_regression, x=NORRIS_X, y=NORRIS_Y)
    assert result.quantities["slope"].value == pytest.approx(1.00211681802045, rel=1e-9)
    assert result.quantities["intercept"].value == pytest.approx(-0.262323073774029, rel=1e-9)
    assert result.quantities["slope"].uncertainty == pytest.approx(0.429796848199937e-03, rel=1e-8)
    assert result.quantities["r_squared"].value == pytest.approx(0.999993745883712, rel=1e-10)


def test_wampler1_against_nist(call: Call) -> None:  # a polynomial of degree 5 whose coefficients are all 1
    x = list(range(21))
    result = call(fit_regression, x=x, y=[sum(v**k for k in range(6)) for v in x], degree=5)
    for key in ("intercept", "coefficient_x", *(f"coefficient_x_{k}" for k in range(2, 6))):
        assert result.quantities[key].value == pytest.approx(1.0, abs=1e-6), key
    assert any("exactly" in w for w in result.warnings)


def test_units_of_the_coefficients(call: Call, saved: Callable[[str, str], str]) -> None:
    path = saved("t.csv", "t (s),T (°C),d (mm)\n0,20,1\n1,21,3.1\n2,25,4.9\n3,24,7.2\n4,28,9.1\n")
    line = call(fit_regression, file=path, response="d", predictors=["t"])
    assert line.quantities["slope"].unit == "millimeter / second"
    warm = call(fit_regression, file=path, response="d", predictors=["T"])
    assert warm.quantities["slope"].unit == "millimeter / delta_degree_Celsius"


def test_weights_pull_the_line(call: Call, saved: Callable[[str, str], str]) -> None:
    # by hand: weights 1, 1, 0.0001 leave nearly the line through the first points (1, 1), (2, 2), (3, 3.1)
    path = saved("t.csv", "x,y,w\n1,1,1\n2,2,1\n3,3.1,1\n4,40,0.000001\n")
    result = call(fit_regression, file=path, response="y", predictors=["x"], weights="w")
    assert result.quantities["slope"].value == pytest.approx(1.05, abs=0.01)


def test_categories_are_against_the_first(call: Call) -> None:
    result = call(fit_regression, file="sample:iris", response="petal length", predictors=["species"])
    assert result.quantities["intercept"].value == pytest.approx(1.462)  # the mean of setosa
    assert result.quantities["coefficient_species_virginica"].value == pytest.approx(5.552 - 1.462)


def test_products_and_powers(call: Call, saved: Callable[[str, str], str]) -> None:
    rows = "".join(f"{a},{b},{1 + 2 * a - b + 3 * a * b + 0.5 * a * a}\n" for a in range(4) for b in range(3))
    path = saved("t.csv", "a,b,y\n" + rows)
    result = call(fit_regression, file=path, response="y", predictors=["a", "b", "a:b", "a^2"])
    assert result.quantities["coefficient_a_b"].value == pytest.approx(3)
    assert result.quantities["coefficient_a_2"].value == pytest.approx(0.5)


def test_a_spread_that_grows_is_warned_of(call: Call) -> None:
    generator = np.random.default_rng(3)
    x = np.linspace(1, 10, 200)
    y = 2 * x + generator.normal(0, x / 2)
    assert any("Breusch-Pagan" in w for w in call(fit_regression, x=x.tolist(), y=y.tolist()).warnings)
    robust = call(fit_regression, file=None, x=x.tolist(), y=y.tolist(), errors="robust")
    assert not any("Breusch-Pagan" in w for w in robust.warnings)


def test_one_point_that_moves_the_line_is_named(call: Call) -> None:
    result = call(fit_regression, x=[1, 2, 3, 4, 5, 30], y=[1, 2.1, 2.9, 4.2, 5, 2])
    assert any("row 6" in w and "Cook" in w for w in result.warnings)


def test_logistic_regression(call: Call, saved: Callable[[str, str], str]) -> None:
    # hours of study and passing: the worked example of the English Wikipedia, intercept -4.0777 and slope 1.5046
    hours = [
        0.5,
        0.75,
        1,
        1.25,
        1.5,
        1.75,
        1.75,
        2,
        2.25,
        2.5,
        2.75,
        3,
        3.25,
        3.5,
        4,
        4.25,
        4.5,
        4.75,
        5,
        5.5,
    ]
    passed = [0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1]
    path = saved(
        "t.csv", "hours (h),passed\n" + "".join(f"{h},{p}\n" for h, p in zip(hours, passed, strict=True))
    )
    result = call(fit_regression, file=path, response="passed", predictors=["hours"], model="logistic")
    assert result.quantities["intercept"].value == pytest.approx(-4.0777, abs=1e-4)
    assert result.quantities["coefficient_hours"].value == pytest.approx(1.5046, abs=1e-4)
    assert result.quantities["odds_ratio_hours"].value == pytest.approx(np.exp(1.5046), rel=1e-3)


@pytest.mark.parametrize(
    "arguments",
    [
        LONGLEY,
        {"x": NORRIS_X, "y": NORRIS_Y},
        {"x": NORRIS_X, "y": NORRIS_Y, "errors": "robust"},
        {"file": "sample:iris", "response": "petal width", "predictors": ["petal length", "species"]},
    ],
)
def test_the_script_prints_the_same(
    call: Call, script_numbers: Callable[[ToolResult], dict[str, float]], arguments: dict[str, Any]
) -> None:
    result = call(fit_regression, **arguments)
    printed = script_numbers(result)
    assert "r_squared" in printed
    for name, value in printed.items():
        assert value == pytest.approx(result.quantities[name].value, rel=1e-6), name


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "no_data"),
        ({"x": [1, 2, 3], "y": [1, 2]}, "length_mismatch"),
        ({"x": [1, 2], "y": [1, 2]}, "too_few"),
        ({"x": [1, 1, 1], "y": [1, 2, 3]}, "constant_column"),
        ({"x": [1, 2, 3], "y": [2, 2, 2]}, "constant_column"),
        ({"x": [1, 2, 3], "y": [1, 2, 3], "file": "sample:iris"}, "two_sources"),
        ({"file": "sample:longley"}, "which_column"),
        ({"file": "sample:longley", "response": "TOTEMP", "predictors": ["GPN"]}, "unknown_column"),
        ({"file": "sample:longley", "response": "TOTEMP", "predictors": ["TOTEMP"]}, "bad_term"),
        ({"file": "sample:iris", "response": "species", "predictors": ["petal length"]}, "not_numeric"),
        ({"file": "sample:iris", "response": "petal width", "predictors": ["species^2"]}, "bad_term"),
        ({"file": "sample:longley", "response": "TOTEMP", "predictors": ["GNP"], "model": "logistic"}, "not_binary"),
        ({"x": [1, 2, 3, 4], "y": [0, 0, 1, 1], "model": "logistic"}, "separated"),
    ],
)  # fmt: skip
def test_what_is_refused(
    refusal: Callable[..., BenchmateError], arguments: dict[str, Any], code: str
) -> None:
    assert refusal(fit_regression, **arguments).code == code


def test_predictors_that_determine_each_other(
    refusal: Callable[..., BenchmateError], saved: Callable[[str, str], str]
) -> None:
    path = saved("t.csv", "a,b,y\n1,2,1\n2,4,3\n3,6,2\n4,8,5\n5,10,4\n")
    assert refusal(fit_regression, file=path, response="y", predictors=["a", "b"]).code == "collinear"


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Call:
    from benchmate.tools.base import ToolContext

    folder = tmp_path_factory.mktemp("regression")
    context = ToolContext(folder, folder, folder)
    return lambda **arguments: fit_regression.run(fit_regression.validate(arguments), context)


@given(
    st.lists(st.integers(-100, 100), min_size=4, max_size=8, unique=True),
    st.integers(-20, 20),
    st.integers(-20, 20),
)
@settings(max_examples=4)
def test_a_line_is_found_whatever_its_slope(quick: Call, x: list[int], slope: int, intercept: int) -> None:
    assume(slope != 0)
    noise = [0.01 * (-1) ** i for i in range(len(x))]
    result = quick(x=x, y=[slope * v + intercept + e for v, e in zip(x, noise, strict=True)])
    assert result.quantities["slope"].value == pytest.approx(slope, abs=0.05)
