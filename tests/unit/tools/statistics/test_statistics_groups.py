"""Tests between groups: published examples, R's answers, exact p values, assumptions, pairs and refusals."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolResult
from benchmate.tools.statistics import groups as module
from benchmate.tools.statistics.group_tests import p_method, rank_test, t_test

Call = Callable[..., ToolResult]
TOOL = module.test_groups
A, B = [5.1, 4.9, 6.2, 5.7, 6.0], [7.1, 6.8, 7.9, 7.4, 6.9]
# Student's sleep data (Biometrika 6, 1908): R's t.test(extra ~ group) and its paired form are in R's documentation
SLEEP = {
    "drug 1": [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    "drug 2": [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
}
# Dobson 1990, p. 9, plant weights: R's PlantGrowth, whose anova gives F = 4.8461, p = 0.01591
PLANTS = {
    "ctrl": [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14],
    "trt1": [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
    "trt2": [6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26],
}


def values(result: ToolResult, *keys: str) -> list[float]:
    return [result.quantities[key].value for key in keys]


def test_welch_is_the_default_for_two(call: Call) -> None:
    result = call(TOOL, groups={"A": A, "B": B})
    assert values(result, "t", "p_value") == pytest.approx([-5.115, 0.001076], rel=1e-3)
    # the same by hand: difference over the root of the summed squared standard errors
    mean_a, mean_b = sum(A) / 5, sum(B) / 5
    error = math.sqrt(sum(sum((x - m) ** 2 for x in v) / 4 / 5 for v, m in ((A, mean_a), (B, mean_b))))
    assert result.quantities["t"].value == pytest.approx((mean_a - mean_b) / error)
    assert result.data["pairing"] == "independent groups"


def test_student_of_the_sleep_data(call: Call) -> None:  # R: t = -1.8608, df = 18, p = 0.07919
    result = call(TOOL, groups=SLEEP, test="student")
    assert values(result, "t", "degrees_of_freedom", "p_value") == pytest.approx(
        [-1.8608, 18, 0.07919], rel=1e-4
    )


def test_welch_of_the_sleep_data(
    call: Call,
) -> None:  # R: df = 17.776, p = 0.07939, limits -3.3654832 and 0.2054832
    result = call(TOOL, groups=SLEEP)
    assert values(result, "degrees_of_freedom", "p_value") == pytest.approx([17.776, 0.07939], rel=1e-4)
    assert values(result, "mean_difference_lower", "mean_difference_upper") == pytest.approx(
        [-3.3654832, 0.2054832]
    )


def test_pairs_of_the_sleep_data(call: Call) -> None:  # R: t = -4.0621, df = 9, p = 0.002833
    result = call(TOOL, groups=SLEEP, test="paired_t")
    assert values(result, "t", "degrees_of_freedom", "p_value") == pytest.approx(
        [-4.0621, 9, 0.002833], rel=1e-4
    )
    assert result.data["pairing"] == "pairs"


def test_effect_sizes(
    call: Call,
) -> None:  # d = (m1 - m2)/pooled SD; g = d (1 - 3/(4 df - 1)) nearly (Hedges 1981)
    result = call(TOOL, groups=SLEEP, test="student")
    d, g = values(result, "cohen_d", "hedges_g")
    assert d == pytest.approx(-1.8608 * math.sqrt(2 / 10), rel=1e-4)
    assert g == pytest.approx(d * (1 - 3 / (4 * 18 - 1)), rel=1e-3)
    assert result.quantities["cohen_d_lower"].value < d < result.quantities["cohen_d_upper"].value


def test_anova_with_tukey_of_the_plants(call: Call) -> None:  # R: TukeyHSD(aov(weight ~ group, PlantGrowth))
    result = call(TOOL, groups=PLANTS, test="anova")
    assert values(result, "f", "p_value") == pytest.approx([4.8461, 0.01591], rel=1e-4)
    tukey = values(result, "p_ctrl_vs_trt1", "p_ctrl_vs_trt2", "p_trt1_vs_trt2")
    assert tukey == pytest.approx([0.3908711, 0.1979960, 0.0120064], rel=1e-4)
    assert values(result, "difference_trt1_vs_trt2_lower") == pytest.approx([-1.5562544], rel=1e-3)
    assert result.quantities["eta_squared"].value == pytest.approx(3.76634 / 14.25843, rel=1e-5)


def test_the_interval_of_eta_squared_holds_it(call: Call) -> None:
    result = call(TOOL, groups=PLANTS, test="anova")
    low, eta, high = values(result, "eta_squared_lower", "eta_squared", "eta_squared_upper")
    assert 0 < low < eta < high < 1


def test_welch_anova_is_the_default_for_more(
    call: Call,
) -> None:  # R: oneway.test: F = 5.181, df 2 and 17.128, p = 0.01739
    result = call(TOOL, groups=PLANTS)
    assert values(result, "f", "df_within", "p_value") == pytest.approx([5.181, 17.128, 0.01739], rel=1e-3)
    assert result.data["comparison_method"] == "Welch t tests, Holm's correction"


def test_kruskal_of_the_plants(call: Call) -> None:  # R: kruskal.test: chi-squared = 7.9882, p = 0.01842
    result = call(TOOL, groups=PLANTS, test="kruskal")
    assert values(result, "h", "p_value") == pytest.approx([7.9882, 0.01842], rel=1e-3)


def test_exact_p_of_complete_separation(call: Call) -> None:  # 2 of the C(8, 4) = 70 orders are as extreme
    result = call(TOOL, groups={"a": [1, 2, 3, 4], "b": [5, 6, 7, 8]}, test="mann_whitney")
    assert result.quantities["p_value"].value == pytest.approx(2 / 70)
    assert values(result, "u", "rank_biserial", "shift") == [0, -1, -4]


def test_p_with_ties_counts_all_permutations(call: Call) -> None:
    # 1 1 1 against 2 2 2: only the two complete separations of 20 are as extreme
    result = call(TOOL, groups={"a": [1, 1, 1], "b": [2, 2, 2]}, test="rank_sum")
    assert result.quantities["p_value"].value == pytest.approx(0.1)
    assert "permutations" in str(result.quantities["p_value"].method)


def test_signed_ranks_all_of_one_sign(call: Call) -> None:  # 2 of the 2^5 signs
    result = call(TOOL, groups={"a": [1, 2, 3, 4, 5], "b": [2, 4, 6, 8, 10]}, test="wilcoxon")
    assert result.quantities["p_value"].value == pytest.approx(2 / 32)


def test_one_side_is_half_of_two(call: Call) -> None:
    both = call(TOOL, groups={"A": A, "B": B}).quantities["p_value"].value
    less = call(TOOL, groups={"A": A, "B": B}, alternative="less").quantities["p_value"].value
    assert less == pytest.approx(both / 2)


def test_unequal_variances_are_warned_of_where_assumed_equal(call: Call) -> None:
    data = {"a": [1.0, 1.1, 0.9, 1.05, 0.95, 1.02], "b": [5.0, 9.0, 1.0, 12.0, -3.0, 7.0]}
    assert any("variances differ" in w for w in call(TOOL, groups=data, test="student").warnings)
    assert not any("variances differ" in w for w in call(TOOL, groups=data).warnings)


def test_a_skewed_group_is_named(call: Call) -> None:
    data = {"skewed": [1, 1, 1, 1, 1, 1, 1, 30], "plain": [2, 3, 4, 5, 6, 7, 8, 9]}
    assert any("skewed" in w and "Shapiro" in w for w in call(TOOL, groups=data).warnings)


def test_iris_from_the_table(call: Call) -> None:  # scikit-learn's f_classif of petal length: F = 1180.16
    result = call(TOOL, file="sample:iris", value="petal length", test="anova")
    assert result.quantities["f"].value == pytest.approx(1180.161182, rel=1e-8)
    assert result.quantities["mean_setosa"].unit == "cm"
    assert result.quantities["p_setosa_vs_virginica"].relation == "<"


def test_subjects_make_the_pairs(call: Call, saved: Callable[[str, str], str]) -> None:
    rows = "".join(f"s{i},{g},{v}\n" for g, column in SLEEP.items() for i, v in enumerate(column))
    head, *lines = ("subject,drug,extra\n" + rows).splitlines()
    shuffled = "\n".join([head, *sorted(lines, key=lambda line: line[::-1])])
    result = call(
        TOOL, file=saved("t.csv", shuffled), value="extra", group="drug", subject="subject", test="paired_t"
    )
    assert abs(result.quantities["t"].value) == pytest.approx(4.0621, rel=1e-4)


@pytest.mark.parametrize(
    "kind", ["welch", "student", "paired_t", "mann_whitney", "wilcoxon", "anova", "welch_anova", "kruskal"]
)
def test_the_script_prints_the_same(
    call: Call, script_numbers: Callable[[ToolResult], dict[str, float]], kind: str
) -> None:
    data = PLANTS if kind in ("anova", "welch_anova", "kruskal") else SLEEP
    result = call(TOOL, groups=data, test=kind)
    printed = script_numbers(result)
    assert "p_value" in printed
    for name, value in printed.items():
        assert value == pytest.approx(result.quantities[name].value, rel=1e-6), name


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "no_data"),
        ({"groups": {"a": [1, 2]}, "file": "sample:iris"}, "two_sources"),
        ({"groups": {"a": [1, 2, 3]}}, "too_few_groups"),
        ({"groups": {"a": [1, 2, 3], "b": [1]}}, "too_few"),
        ({"groups": {str(i): [1, 2] for i in range(30)}}, "too_many_groups"),
        ({"groups": {"a": [1, 2], "b": [1, 2], "c": [2, 3]}, "test": "welch"}, "wrong_number_of_groups"),
        ({"groups": {"a": [1, 2, 3], "b": [1, 2]}, "test": "paired_t"}, "length_mismatch"),
        ({"groups": {"a": [1, 1], "b": [1, 1]}}, "no_variance"),
        ({"groups": {"a": [1, 2], "b": [2, 3]}, "test": "paired_t"}, "no_variance"),
        ({"groups": {"a": [1, 2], "b": [1, 2]}, "test": "wilcoxon"}, "no_variance"),
        ({"groups": {"a": [1, 2], "b": [1, 2], "c": [2, 3]}, "alternative": "less"}, "one_sided"),
        ({"groups": {"a": [1, 1], "b": [1, 2], "c": [2, 3]}}, "no_variance"),
        ({"file": "sample:iris"}, "which_column"),
        ({"file": "sample:iris", "value": "petal lenght"}, "unknown_column"),
        ({"file": "sample:iris", "value": "petal length", "group": "petal width"}, "too_many_groups"),
    ],
)  # fmt: skip
def test_what_is_refused(
    refusal: Callable[..., BenchmateError], arguments: dict[str, Any], code: str
) -> None:
    assert refusal(TOOL, **arguments).code == code


def test_pairs_of_a_table_must_be_said(
    refusal: Callable[..., BenchmateError], saved: Callable[[str, str], str]
) -> None:
    path = saved("t.csv", "v,g\n1,a\n2,a\n2,b\n4,b\n")
    assert refusal(TOOL, file=path, test="paired_t").code == "pairing_unknown"


samples = st.lists(st.integers(-1000, 1000), min_size=3, max_size=12, unique=True)


@given(samples, samples)
def test_the_order_of_the_groups_turns_the_sign_only(a: list[int], b: list[int]) -> None:
    import numpy as np

    first, second = np.array(a, float), np.array(b, float)
    there, _ = t_test(first, second, "welch", "two-sided", 0.95, "")
    back, _ = t_test(second, first, "welch", "two-sided", 0.95, "")
    assert back["t"].value == pytest.approx(-there["t"].value, abs=1e-9)
    assert back["p_value"].value == pytest.approx(there["p_value"].value)
    if p_method(first, second, "mann_whitney") == "exact":
        ranks, _, _ = rank_test(first, second, "mann_whitney", "two-sided", "")
        turned, _, _ = rank_test(second, first, "mann_whitney", "two-sided", "")
        assert ranks["u"].value + turned["u"].value == len(a) * len(b)
