"""Descriptions of tables: Fisher's iris, groups, missing values, temperatures, and the script that repeats them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolResult
from benchmate.tools.statistics.describe import _of_list, _summary, describe_table

Call = Callable[..., ToolResult]


def test_iris_by_species(call: Call) -> None:  # Fisher 1936, table I
    result = call(describe_table, file="sample:iris")
    setosa = result.quantities["petal_length_setosa_mean"]
    assert (setosa.value, setosa.unit) == (pytest.approx(1.462), "cm")
    assert setosa.conditions == {"column": "petal length", "group": "setosa"}
    assert result.quantities["sepal_width_virginica_mean"].value == pytest.approx(2.974)
    assert result.quantities["petal_length_mean"].value == pytest.approx(3.758)
    assert result.data["group_by"] == "species"


def test_the_script_prints_the_same(
    call: Call, script_numbers: Callable[[ToolResult], dict[str, float]]
) -> None:
    result = call(describe_table, file="sample:iris", columns=["petal width"], group_by="species")
    printed = script_numbers(result)
    assert len(printed) > 30
    for name, value in printed.items():
        assert value == pytest.approx(result.quantities[name].value, rel=1e-8), name


def test_the_script_of_few_values_needs_no_file(
    call: Call, script_numbers: Callable[[ToolResult], dict[str, float]]
) -> None:
    result = call(describe_table, values=[4.1, 4.5, 3.9, 4.7])
    assert [a.name for a in result.artifacts] == ["analysis.py"]
    assert script_numbers(result)["values_mean"] == pytest.approx(4.3)


def test_missing_values_are_counted_and_left_out(call: Call, saved: Callable[[str, str], str]) -> None:
    result = call(describe_table, file=saved("t.csv", "x (mg),g\n1,a\nNA,a\n3,b\n"))
    assert result.quantities["x_missing"].value == 1
    assert result.quantities["x_mean"].value == 2
    assert result.quantities["x_mean"].unit == "mg"


def test_the_spread_of_temperatures_is_a_difference(call: Call, saved: Callable[[str, str], str]) -> None:
    result = call(describe_table, file=saved("t.csv", "T (°C)\n20\n22\n24\n"))
    assert result.quantities["t_mean"].unit == "degC"
    assert result.quantities["t_standard_deviation"].to("K").value == pytest.approx(2.0)


def test_columns_that_differ_by_unit_keep_apart(call: Call, saved: Callable[[str, str], str]) -> None:
    result = call(describe_table, file=saved("t.csv", "mass (mg),mass (g)\n1,5\n2,6\n"))
    assert result.quantities["mass_mg_mean"].value == 1.5
    assert result.quantities["mass_g_mean"].value == 5.5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "no_data"),
        ({"file": "sample:iris", "values": [1.0]}, "two_sources"),
        ({"values": []}, "no_data"),
        ({"file": "sample:iris", "columns": ["petal"]}, "unknown_column"),
        ({"file": "sample:iris", "columns": ["species"]}, "not_numeric"),
        ({"file": "sample:iris", "group_by": "color"}, "unknown_column"),
        ({"file": "sample:longley", "group_by": "GNP", "columns": ["POP"]}, None),
        ({"file": "sample:sunspots", "group_by": "YEAR"}, "too_many_groups"),
    ],
)
def test_what_is_refused(
    refusal: Callable[..., BenchmateError], call: Call, arguments: dict[str, object], code: str | None
) -> None:
    if code is None:
        assert call(describe_table, **arguments).quantities
    else:
        assert refusal(describe_table, **arguments).code == code


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.floats(-1e3, 1e3))
def test_a_shift_moves_the_mean_and_not_the_spread(values: list[float], shift: float) -> None:
    plain, moved = (_of_list(list(np.array(values) + s)).columns[0] for s in (0.0, shift))
    assert plain.numbers is not None and moved.numbers is not None
    a, b = _summary(plain, plain.numbers, None), _summary(moved, moved.numbers, None)
    assert b["mean"].value == pytest.approx(a["mean"].value + shift, abs=1e-4)
    assert b["standard_deviation"].value == pytest.approx(a["standard_deviation"].value, abs=1e-4)
    assert a["minimum"].value <= a["median"].value <= a["maximum"].value
