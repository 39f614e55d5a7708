"""Sample sizes against Cohen's tables, G*Power and simulation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolResult
from benchmate.tools.statistics.power import _power, _size, power_analysis

Call = Callable[..., ToolResult]


@pytest.mark.parametrize(
    ("arguments", "per_group", "total"),
    [
        ({"effect_size": 0.5}, 64, 128),  # Cohen 1988, table 2.4.1
        ({"effect_size": 0.2}, 394, 788),  # G*Power 3.1 (Cohen's table: 393)
        ({"effect_size": 0.8}, 26, 52),  # Cohen 1988, table 2.4.1
        ({"effect_size": 0.5, "alternative": "one-sided"}, 51, 102),  # G*Power 3.1
        ({"effect_size": 0.5, "power": 0.95}, 105, 210),  # G*Power 3.1
        ({"effect_size": 0.5, "test": "paired_t"}, 34, 34),  # G*Power 3.1
        ({"effect_size": 0.25, "test": "anova", "groups": 4}, 45, 180),  # G*Power 3.1
        ({"effect_size": 0.25, "groups": 3}, 53, 159),  # G*Power 3.1
        ({"effect_size": 0.3, "test": "correlation"}, 85, 85),  # Fisher's z: ((1.960 + 0.8416)/atanh 0.3)^2 + 3 = 84.9
        ({"proportion_1": 0.5, "proportion_2": "30 %"}, 93, 186),  # R: pwr.2p.test(h = 0.4115) n = 92.7
    ],
)  # fmt: skip
def test_sample_sizes(call: Call, arguments: dict[str, Any], per_group: int, total: int) -> None:
    result = call(power_analysis, **arguments)
    assert result.quantities["sample_size_per_group"].value == per_group
    assert result.quantities["sample_size_total"].value == total
    assert (
        result.quantities["sample_size_exact"].value
        <= per_group
        < result.quantities["sample_size_exact"].value + 1
    )


def test_the_power_of_a_given_size(call: Call) -> None:  # Cohen 1988, table 2.3.5: n = 20, d = 0.8 has 0.69
    assert call(power_analysis, effect_size=0.8, sample_size=20).quantities["power"].value == pytest.approx(
        0.693, abs=1e-3
    )


def test_the_effect_that_can_be_found_has_that_power(call: Call) -> None:
    effect = call(power_analysis, sample_size=12, power=0.9).quantities["effect_size"].value
    assert call(power_analysis, sample_size=12, effect_size=effect).quantities[
        "power"
    ].value == pytest.approx(0.9)


def test_power_against_simulation(call: Call) -> None:
    power = call(power_analysis, effect_size=0.6, sample_size=25).quantities["power"].value
    from scipy.stats import ttest_ind

    generator = np.random.default_rng(1)
    found = (
        ttest_ind(generator.normal(0.6, 1, (4000, 25)), generator.normal(0, 1, (4000, 25)), axis=1).pvalue
        < 0.05
    )
    assert power == pytest.approx(found.mean(), abs=0.025)


def test_three_groups_are_a_guess_that_is_said(call: Call) -> None:
    assert any("taken as 3" in w for w in call(power_analysis, test="anova", effect_size=0.4).warnings)


@pytest.mark.parametrize("test", ["t_test", "paired_t", "one_sample_t", "anova", "correlation"])
def test_the_script_prints_the_same(
    call: Call, script_numbers: Callable[[ToolResult], dict[str, float]], test: str
) -> None:
    result = call(power_analysis, test=test, effect_size=0.4, power=0.9)
    for name, value in script_numbers(result).items():
        assert value == pytest.approx(result.quantities[name].value, rel=1e-5), name


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "missing_effect"),
        ({"effect_size": 0}, "bad_effect"),
        ({"effect_size": 1.5, "test": "correlation"}, "bad_effect"),
        ({"proportion_1": 0.5}, "missing_effect"),
        ({"proportion_1": 0.5, "proportion_2": 0.5}, "bad_effect"),
        ({"proportion_1": 0.5, "proportion_2": 0.3, "effect_size": 0.2}, "too_many_given"),
        ({"effect_size": 0.5, "sample_size": 10, "power": 0.8}, "too_many_given"),
        ({"effect_size": 1e-5}, "too_large"),
        ({"effect_size": 0.5, "power": 0.01}, "out_of_reach"),
        ({"effect_size": 0.5, "test": "paired_t", "groups": 3}, "wrong_test"),
        ({"effect_size": 0.5, "test": "anova", "alternative": "one-sided"}, "wrong_test"),
        ({"effect_size": 0.5, "power": 1.2}, "bad_arguments"),
    ],
)  # fmt: skip
def test_what_is_refused(
    refusal: Callable[..., BenchmateError], arguments: dict[str, Any], code: str
) -> None:
    assert refusal(power_analysis, **arguments).code == code


@given(
    st.sampled_from(["t_test", "paired_t", "proportions", "correlation"]),
    st.floats(0.1, 0.9),
    st.floats(0.5, 0.99),
)
@settings(max_examples=40)
def test_the_size_has_the_power_and_one_less_has_not(test: str, effect: float, power: float) -> None:
    size = int(np.ceil(_size(test, effect, power, 0.05, "two-sided", 2) - 1e-9))
    assert _power(test, effect, size, 0.05, "two-sided", 2) >= power - 1e-9
    if size > 4:
        assert _power(test, effect, size - 1, 0.05, "two-sided", 2) < power
