"""Do groups differ? One tool for two groups and for more."""
# ruff: noqa: PT028  (test_groups is a tool, no test)

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ColumnName, Said, Unit
from benchmate.tools.base import Artifact, Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import TABLES
from benchmate.tools.files import DataFile
from benchmate.tools.statistics.analysis_script import save_script
from benchmate.tools.statistics.estimates import difference_unit, with_limits
from benchmate.tools.statistics.group_tests import (
    assumptions,
    number,
    p_method,
    pair_keys,
    pairwise,
    rank_test,
    t_test,
    variance_test,
)
from benchmate.tools.statistics.samples_by_group import Samples, read_samples
from benchmate.tools.statistics.tables import distinct_slugs

Test = Literal[
    "welch_anova", "anova", "kruskal", "mann_whitney", "rank_sum", "wilcoxon", "paired_t", "student", "welch"
]
_TWO = {"welch", "student", "paired_t", "mann_whitney", "wilcoxon"}
_PAIRED = {"paired_t", "wilcoxon"}


@tool(
    domain="statistics",
    files=TABLES,
    extra="data",
    properties=with_limits(
        {
            "p_value": "p value, p, significance, significant",
            "t_statistic": "t statistic, t value, t",
            "degrees_of_freedom": "degrees of freedom, df",
            "mean_difference": "mean difference, difference of the means, difference",
            "cohen_d": "Cohen's d, effect size, standardised mean difference",
            "hedges_g": "Hedges' g, effect size corrected for small samples",
            "u_statistic": "Mann-Whitney U, U statistic, U",
            "w_statistic": "Wilcoxon W, signed-rank statistic, W",
            "rank_biserial": "rank-biserial correlation, rank effect size",
            "probability_of_superiority": "probability of superiority, common-language effect size",
            "shift": "Hodges-Lehmann shift, median of the differences",
            "f_statistic": "F statistic, F value, F",
            "h_statistic": "Kruskal-Wallis H, H statistic",
            "eta_squared": "eta squared, share of variance explained",
            "epsilon_squared": "epsilon squared, rank effect size of more than two groups",
            "adjusted_p_value": "adjusted p value, corrected p value, post hoc p, pairwise p",
            "median_difference": "difference of the medians",
            "normality_p_value": "normality p value, Shapiro-Wilk p",
            "equal_variance_p_value": "equal variance p value, Levene p, Brown-Forsythe p",
            "group_mean": "mean of the group, group mean, mean",
            "group_deviation": "standard deviation of the group, group SD, SD",
            "group_median": "median of the group, group median, median",
            "group_size": "group size, number of values, n",
        },
        "p_value", "t_statistic", "degrees_of_freedom", "u_statistic", "w_statistic", "rank_biserial",
        "probability_of_superiority", "shift", "f_statistic", "h_statistic", "epsilon_squared", "adjusted_p_value",
        "median_difference", "normality_p_value", "equal_variance_p_value", "group_mean", "group_deviation",
        "group_median", "group_size",
    ),
    examples=(
        "Welch t test for [5.1, 4.9, 6.2, 5.7, 6.0] versus [7.1, 6.8, 7.9, 7.4, 6.9]: t and p?",
        "Is control [12, 14, 11, 15] different from treated [18, 17, 21, 16]?",
        "paired t test before [140, 152, 138] after [132, 147, 135]",
        "one-way ANOVA of A [1.1, 1.3, 1.2], B [1.8, 1.9, 2.1], C [1.2, 1.4, 1.1] with post hoc tests",
        "Mann-Whitney test between [3, 5, 8, 12] and [9, 14, 21, 30]",
        "Do the species in sample:iris differ in petal length?",
    ),
    example={"groups": {"A": [5.1, 4.9, 6.2, 5.7, 6.0], "B": [7.1, 6.8, 7.9, 7.4, 6.9]}},
)  # fmt: skip
def test_groups(
    context: ToolContext,
    groups: dict[str, list[float]] | None = None,
    file: DataFile | None = None,
    test: Annotated[
        Test | None,
        Said(
            {
                "mann_whitney": "Mann-Whitney, U test, Wilcoxon-Mann-Whitney",
                "rank_sum": "rank sum, rank-sum",
                "wilcoxon": "signed rank, signed-rank, Wilcoxon",
                "paired_t": "paired t, paired t-test, paired t test, paired",
                "student": "Student t, Student's t, Student's t-test, equal variance, pooled t-test",
                "welch": "Welch t, Welch's t, unequal variances",
                "welch_anova": "Welch ANOVA, Welch's ANOVA",
                "anova": "one-way ANOVA, analysis of variance",
                "kruskal": "Kruskal-Wallis",
            }
        ),
    ] = None,
    alternative: Annotated[
        Literal["two-sided", "less", "greater"],
        Said(
            {
                "less": "lower than, smaller than, less than",
                "greater": "larger than, higher than, greater than, more than",
            }
        ),
    ] = "two-sided",
    value: Annotated[
        str | None,
        ColumnName("compare, difference in, differ in, differences in, effect on, of, in, does, mean"),
    ] = None,
    group: Annotated[
        str | None,
        ColumnName("between, across, by, per, among, for each, groups, differ by", named_only=True),
    ] = None,
    columns: Annotated[list[str] | None, ColumnName("columns", named_only=True)] = None,
    subject: Annotated[
        str | None, ColumnName("paired by, subject, subjects, matched by, within", named_only=True)
    ] = None,
    sheet: str | None = None,
    confidence: Annotated[float, Unit("", "confidence level, confidence"), Field(gt=0.5, lt=1)] = 0.95,
) -> ToolResult:
    """Test whether groups differ: t tests, Mann-Whitney, Wilcoxon, ANOVA, Welch's ANOVA, Kruskal-Wallis, with effect sizes.

    Without a choice, two groups get Welch's t test and more get Welch's ANOVA: neither assumes equal variances. Pairs are
    never assumed: a paired test must be named. More than two groups are also compared pair by pair (Tukey after `anova`,
    else Holm's correction). Normality and equal variances are reported and do not change the test.

    Raises InvalidInput: `no_data`, `two_sources`, `too_few`, `too_few_groups`, `too_many_groups`, `wrong_number_of_groups`,
    `length_mismatch`, `pairing_unknown`, `no_variance`, `not_finite`, `which_column`, `one_sided`; NotFound
    (`unknown_column`).

    Args:
        groups: The values of each group by its name; for a paired test the values stand in the order of the subjects.
        file: A table in place of lists.
        test: The test; rank_sum is mann_whitney; paired_t and wilcoxon (signed rank) are for pairs.
        alternative: two-sided, or what the first group is against the second; for two groups.
        value: The column of the table with the values.
        group: The column of the table that says the group.
        columns: Columns side by side, each a group, in place of value and group.
        subject: The column that says which values belong together, for a paired test of a table with value and group.
        sheet: The sheet of an Excel workbook.
        confidence: The confidence of the intervals.
    """
    samples = read_samples(groups, file, value, group, columns, subject, sheet)
    kind = _kind(test, samples, alternative)
    values = list(samples.values.values())
    checked, far = assumptions(samples.values)
    warnings = [*samples.warnings, *_cautions(kind, samples, checked, far)]
    comparisons: list[dict[str, Any]] = []
    after = None
    if kind in ("welch", "student", "paired_t"):
        found, method = t_test(values[0], values[1], kind, alternative, confidence, samples.unit)
    elif kind in ("mann_whitney", "wilcoxon"):
        found, method, notes = rank_test(values[0], values[1], kind, alternative, samples.unit)
        warnings += notes
    else:
        found, method = variance_test(samples.values, kind, confidence)
        compared, comparisons, after = pairwise(samples.values, kind, confidence, samples.unit)
        found |= compared
    data = {
        "test": kind,
        "method": method,
        "alternative": alternative,
        "pairing": "pairs" if kind in _PAIRED else "independent groups",
        "groups": list(samples.values),
        "comparisons": comparisons,
        "comparison_method": after,
    }
    import scipy
    import statsmodels

    return ToolResult(
        quantities={**found, **checked, **_described(samples)},
        data=data,
        artifacts=_script(context, samples, kind, alternative, confidence),
        source=Source(
            kind="computed", name=f"SciPy {scipy.__version__}, statsmodels {statsmodels.__version__}"
        ),
        warnings=tuple(warnings),
    )


def _kind(test: Test | None, samples: Samples, alternative: str) -> str:
    count = len(samples.values)
    kind = "mann_whitney" if test == "rank_sum" else test or ("welch" if count == 2 else "welch_anova")
    if kind in _TWO and count != 2:
        raise InvalidInput(
            "wrong_number_of_groups", f"{kind} compares two groups, and there are {count}",
            hint="take welch_anova, anova or kruskal, or give two groups", details={"groups": list(samples.values)},
        )  # fmt: skip
    if kind not in _TWO and alternative != "two-sided":
        raise InvalidInput(
            "one_sided", f"{kind} has no one-sided alternative", hint="leave alternative two-sided"
        )
    if kind in _PAIRED:
        sizes = [len(v) for v in samples.values.values()]
        if sizes[0] != sizes[1]:
            raise InvalidInput(
                "length_mismatch", f"a paired test takes as many values in both groups, not {sizes[0]} and {sizes[1]}",
                hint="take welch or mann_whitney for independent groups",
            )  # fmt: skip
        if not samples.in_pairs:
            raise InvalidInput(
                "pairing_unknown", "the table does not say which values are pairs",
                hint="name the column of the subjects, or give two complete columns side by side",
            )  # fmt: skip
    return kind


def _cautions(kind: str, samples: Samples, checked: dict[str, Quantity], far: list[str]) -> list[str]:
    said = []
    if far and kind in ("welch", "student", "anova", "welch_anova"):
        said.append(
            f"Shapiro-Wilk speaks against a normal distribution in {', '.join(far)} (p < 0.05); a rank test does not need it"
        )
    unequal = checked.get("brown_forsythe_p")
    if unequal is not None and unequal.value < 0.05 and kind in ("student", "anova"):
        better = "welch" if kind == "student" else "welch_anova"
        said.append(
            f"the variances differ (Brown-Forsythe p < 0.05), which {kind} assumes they do not; {better} allows it"
        )
    small = [name for name, values in samples.values.items() if len(values) < 3]
    if small:
        said.append(f"{', '.join(small)}: two values cannot show whether the assumptions hold")
    return said


def _described(samples: Samples) -> dict[str, Quantity]:
    import numpy as np

    found: dict[str, Quantity] = {}
    spread = difference_unit(samples.unit)
    for (name, values), key in zip(
        samples.values.items(), distinct_slugs(samples.values).values(), strict=True
    ):
        found[f"mean_{key}"] = number("group_mean", values.mean(), samples.unit, group=name)
        found[f"sd_{key}"] = number("group_deviation", values.std(ddof=1), spread, group=name)
        found[f"median_{key}"] = number("group_median", np.median(values), samples.unit, group=name)
        found[f"n_{key}"] = number("group_size", len(values), group=name)
    return found


_TWO_SAMPLES = """
from scipy import stats
a, b = data.values()
"""
_T_TEST = """
result = {call}(a, b{options}, alternative={alternative!r})
interval = {call}(a, b{options}).confidence_interval({confidence})
results = {{
    "t": result.statistic, "degrees_of_freedom": result.df, "p_value": result.pvalue,
    "mean_difference_lower": interval.low, "mean_difference_upper": interval.high,
}}
"""
_CALLS = {
    "welch": ("stats.ttest_ind", ", equal_var=False"),
    "student": ("stats.ttest_ind", ""),
    "paired_t": ("stats.ttest_rel", ""),
}
_RANK_TEST = """
result = stats.{call}(a, b, alternative={alternative!r}, {options})
results = {{{statistic!r}: result.statistic, "p_value": result.pvalue}}
"""
_ANOVA = """
from scipy import stats
result = stats.f_oneway(*data.values())
results = {"f": result.statistic, "p_value": result.pvalue}
after = stats.tukey_hsd(*data.values())
for key, (i, j) in PAIRS.items():
    results[key] = after.pvalue[i, j]
"""
_WELCH_ANOVA = """
from statsmodels.stats.oneway import anova_oneway
result = anova_oneway(list(data.values()), use_var="unequal", welch_correction=True)
results = {
    "f": result.statistic, "df_between": result.df_num, "df_within": result.df_denom, "p_value": result.pvalue
}
"""
_KRUSKAL = """
from scipy import stats
result = stats.kruskal(*data.values())
results = {"h": result.statistic, "p_value": result.pvalue}
"""


def _script(
    context: ToolContext, samples: Samples, kind: str, alternative: str, confidence: float
) -> tuple[Artifact, ...]:
    names = list(samples.values)
    if kind in _CALLS:
        call, options = _CALLS[kind]
        body = _TWO_SAMPLES + _T_TEST.format(
            call=call, options=options, alternative=alternative, confidence=confidence
        )
    elif kind in ("mann_whitney", "wilcoxon"):
        first, second = samples.values.values()
        chosen = p_method(first, second, kind)
        method = "stats.PermutationMethod(n_resamples=10_000)" if chosen == "permutation" else repr(chosen)
        options = f"method={method}" + (
            f", correction={chosen == 'asymptotic'}" if kind == "wilcoxon" else ""
        )
        call, statistic = ("wilcoxon", "w") if kind == "wilcoxon" else ("mannwhitneyu", "u")
        body = _TWO_SAMPLES + _RANK_TEST.format(
            call=call, alternative=alternative, options=options, statistic=statistic
        )
    elif kind == "anova":
        pairs = {f"p_{key}": pair for pair, key in pair_keys(names).items()}
        body = _ANOVA.replace("PAIRS", repr(pairs))
    else:
        body = _WELCH_ANOVA if kind == "welch_anova" else _KRUSKAL
    columns = {name: list(values) for name, values in samples.values.items()}
    return save_script(
        context, f"Compares {', '.join(names)}: {kind}", columns, body, ("scipy", "statsmodels")
    )
