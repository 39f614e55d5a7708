"""Correlations and adjusted p values against R, and plots of tables."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.statistics.association import adjust_p_values, correlate
from benchmate.tools.statistics.table_plots import plot_table

Call = Callable[..., ToolResult]
# Hollander and Wolfe 1973, p. 187: tuna; R's cor.test: tau 0.4444444 (p 0.1194), r 0.5711816 (-0.1497426 to 0.8955795)
LIGHTNESS = [44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1]
PANEL = [2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8]


def test_pearson_of_the_tuna(call: Call) -> None:
    q = call(correlate, x=LIGHTNESS, y=PANEL).quantities
    found = [q[k].value for k in ("correlation", "correlation_lower", "correlation_upper", "p_value")]
    assert found == pytest.approx([0.5711816, -0.1497426, 0.8955795, 0.1082], rel=1e-3)


def test_kendall_of_the_tuna(call: Call) -> None:
    q = call(correlate, x=LIGHTNESS, y=PANEL, method="kendall").quantities
    assert (q["correlation"].value, q["p_value"].value) == (
        pytest.approx(0.4444444),
        pytest.approx(0.1194, rel=1e-3),
    )


def test_spearman_is_pearson_of_the_ranks(call: Call) -> None:
    from scipy.stats import rankdata

    rank = call(correlate, x=LIGHTNESS, y=PANEL, method="spearman").quantities["correlation"].value
    assert rank == pytest.approx(
        call(correlate, x=rankdata(LIGHTNESS).tolist(), y=rankdata(PANEL).tolist())
        .quantities["correlation"]
        .value
    )


def test_an_outlier_is_warned_of(call: Call) -> None:
    result = call(correlate, x=[1, 2, 3, 4, 5, 6, 50], y=[3, 1, 4, 1, 5, 2, 60])
    assert any("outliers" in w for w in result.warnings)


def test_the_script_prints_the_same(
    call: Call, script_numbers: Callable[[ToolResult], dict[str, float]]
) -> None:
    result = call(correlate, file="sample:iris", x_column="petal length", y_column="petal width")
    printed = script_numbers(result)
    assert printed["correlation"] == pytest.approx(0.9628654314)  # scikit-learn's table, np.corrcoef
    assert printed["p_value"] == pytest.approx(result.quantities["p_value"].value)


def test_adjusted_as_in_r(call: Call) -> None:  # R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), method)
    given_values = [0.01, 0.02, 0.03, 0.04, 0.05]
    expected = {
        "bonferroni": [0.05, 0.10, 0.15, 0.20, 0.25], "holm": [0.05, 0.08, 0.09, 0.09, 0.09],
        "benjamini_hochberg": [0.05] * 5,
    }  # fmt: skip
    for method, values in expected.items():
        result = call(adjust_p_values, p_values=given_values, method=method)
        assert result.data["adjusted"] == pytest.approx(values), method
    assert call(adjust_p_values, p_values=given_values, method="fdr").data["adjusted"] == pytest.approx(
        [0.05] * 5
    )


def test_benjamini_and_hochberg_1995(
    call: Call,
) -> None:  # their table of 15 p values: four are rejected, Bonferroni three
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    assert (
        call(adjust_p_values, p_values=p, method="benjamini_hochberg").quantities["significant_count"].value
        == 4
    )
    assert call(adjust_p_values, p_values=p, method="bonferroni").quantities["significant_count"].value == 3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(max_examples=15)
def test_adjusted_p_values_only_grow_and_keep_their_order(p: list[float]) -> None:
    holm = adjust_p_values.function(p, "holm").data["adjusted"]
    hochberg = adjust_p_values.function(p, "benjamini_hochberg").data["adjusted"]
    for raw, strict, loose in zip(p, holm, hochberg, strict=True):
        assert raw - 1e-12 <= loose <= strict + 1e-12 <= 1 + 1e-9
    order = sorted(range(len(p)), key=p.__getitem__)
    assert [holm[i] for i in order] == sorted(holm)


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        (adjust_p_values, {"p_values": [0.1, 1.2]}, "not_a_probability"),
        (adjust_p_values, {"p_values": []}, "bad_arguments"),
        (correlate, {"x": [1, 1, 1], "y": [1, 2, 3]}, "constant"),
        (correlate, {"x": [1, 2], "y": [1, 2]}, "too_few"),
        (correlate, {"file": "sample:iris"}, "which_column"),
        (correlate, {"file": "sample:iris", "x_column": "species", "y_column": "petal width"}, "not_numeric"),
        (plot_table, {"file": "sample:iris"}, "which_column"),
        (plot_table, {"file": "sample:iris", "y": ["petal width"], "kind": "box"}, "which_column"),
        (plot_table, {"file": "sample:iris", "y": ["petal width"], "x": "species"}, "not_numeric"),
        (plot_table, {"file": "sample:iris", "y": ["petal widht"]}, "unknown_column"),
        (plot_table, {"file": "sample:iris", "y": ["petal width"], "group_by": "petal length"}, "too_many_series"),
        (plot_table, {"file": "sample:sunspots", "y": ["SUNACTIVITY"], "x": "YEAR", "kind": "line", "y_log": True}, "not_positive"),
    ],
)  # fmt: skip
def test_what_is_refused(
    refusal: Callable[..., BenchmateError], tool: Any, arguments: dict[str, Any], code: str
) -> None:
    assert refusal(tool, **arguments).code == code


def drawn(result: ToolResult, context: ToolContext, name: str = "plot.csv") -> str:
    artifact = next(a for a in result.artifacts if a.name == name)
    return ArtifactStore(context.artifact_dir).get(artifact.sha).decode()


def test_points_by_group_with_units(call: Call, context: ToolContext) -> None:
    result = call(plot_table, file="sample:iris", x="petal length", y=["petal width"], group_by="species")
    assert result.data["series"] == ["setosa", "versicolor", "virginica"]
    assert "petal width (cm)" in drawn(result, context, "plot.svg")
    assert len(drawn(result, context).splitlines()) == 151


def test_a_histogram_counts_every_value(call: Call, context: ToolContext) -> None:
    result = call(plot_table, file="sample:iris", y=["petal length"], kind="histogram", bins=8)
    counts = [float(line.split(",")[3]) for line in drawn(result, context).splitlines()[1:]]
    assert len(counts) == 8 and sum(counts) == 150


def test_bars_are_means_with_their_spread(call: Call, context: ToolContext) -> None:
    result = call(plot_table, file="sample:iris", y=["petal length"], kind="bars", x="species")
    first = drawn(result, context).splitlines()[1].split(",")
    assert float(first[3]) == pytest.approx(1.462) and float(first[4]) == pytest.approx(0.17366, rel=1e-4)
    assert result.data["categories"] == ["setosa", "versicolor", "virginica"]


def test_boxes_show_the_quartiles(call: Call, context: ToolContext) -> None:
    table = drawn(
        call(plot_table, file="sample:iris", y=["sepal width"], kind="box", group_by="species"), context
    )
    heights = {float(line.split(",")[3]) for line in table.splitlines()[1:] if line.split(",")[3]}
    # setosa: quartiles, median, and the two values beyond the whiskers
    assert {3.2, 3.4, 3.675, 2.3, 4.4} <= {round(h, 9) for h in heights}


def test_gaps_of_a_line_are_told(call: Call, saved: Callable[[str, str], str]) -> None:
    result = call(plot_table, file=saved("t.csv", "t (s),v\n1,2\n2,NA\n3,4\n"), x="t", y=["v"], kind="line")
    assert any("1 missing" in w for w in result.warnings)
