"""Tests between groups: t tests, rank tests, analysis of variance and the comparisons that follow it."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.statistics.estimates import difference_unit, estimate
from benchmate.tools.statistics.tables import distinct_slugs

Array = NDArray[np.float64]
Quantities = dict[str, Quantity]


def number(
    property: str, value: float, unit: str = "", method: str | None = None, **conditions: str
) -> Quantity:
    return Quantity(
        value=float(value), unit=unit, property=property, method=method, conditions=conditions or None
    )


def t_test(
    a: Array, b: Array, kind: str, alternative: str, confidence: float, unit: str
) -> tuple[Quantities, str]:
    """Return t, degrees of freedom, p, the mean difference and the effect sizes of Welch's, Student's or the paired t test.

    Cohen's d of two samples uses the pooled SD, Hedges' g its exact small-sample factor, the interval the large-sample
    variance (Hedges and Olkin 1985, eqs. 5.7 and 6.8); d of pairs is the mean difference over the SD of the differences.
    """
    from scipy import stats
    from scipy.special import gammaln

    if kind == "paired_t":
        names = {"paired_t": "paired t test"}
        difference = a - b
        if not np.ptp(difference) > 0:
            raise InvalidInput("no_variance", "all differences of the pairs are equal: t has no value")
        result = stats.ttest_rel(a, b, alternative=alternative)
        d = float(difference.mean() / difference.std(ddof=1))
        n = len(a)
        dof, variance = n - 1, 1 / n + d**2 / (2 * n)
    else:
        names = {"welch": "Welch's t test", "student": "Student's t test with equal variances"}
        if not (np.ptp(a) > 0 or np.ptp(b) > 0):
            raise InvalidInput("no_variance", "the values of each group are all equal: t has no value")
        result = stats.ttest_ind(a, b, equal_var=kind == "student", alternative=alternative)
        n1, n2 = len(a), len(b)
        dof = n1 + n2 - 2
        pooled = math.sqrt(((n1 - 1) * a.var(ddof=1) + (n2 - 1) * b.var(ddof=1)) / dof)
        d = float(a.mean() - b.mean()) / pooled
        variance = (n1 + n2) / (n1 * n2) + d**2 / (2 * (n1 + n2))
    z = float(stats.norm.ppf((1 + confidence) / 2))
    small = math.exp(gammaln(dof / 2) - gammaln((dof - 1) / 2)) / math.sqrt(dof / 2) if dof > 1 else 1.0
    half = z * math.sqrt(variance)
    method = names[kind]
    # the interval of the difference is two-sided whatever the test asks
    shown = result if alternative == "two-sided" else _two_sided(a, b, kind)
    interval = shown.confidence_interval(confidence)
    spread = difference_unit(unit)
    found = {
        "t": number("t_statistic", result.statistic, method=method),
        "degrees_of_freedom": number("degrees_of_freedom", result.df, method=method),
        "p_value": number("p_value", result.pvalue, method=f"{method}, {alternative}"),
    }
    found |= estimate(
        "mean_difference", float(a.mean() - b.mean()), (float(interval.low), float(interval.high)),
        unit=spread, confidence=confidence, method="first group minus second",
    )  # fmt: skip
    of = "SD of the differences" if kind == "paired_t" else "pooled SD"
    found |= estimate("cohen_d", d, (d - half, d + half), confidence=confidence, method=of)
    g = d * small
    found |= estimate(
        "hedges_g",
        g,
        (g - half * small, g + half * small),
        confidence=confidence,
        method=f"{of}, small-sample factor",
    )
    return found, method


def _two_sided(a: Array, b: Array, kind: str) -> Any:
    from scipy import stats

    return stats.ttest_rel(a, b) if kind == "paired_t" else stats.ttest_ind(a, b, equal_var=kind == "student")


_MOST_PERMUTATIONS = 10_000
_P_METHODS = {
    "exact": "exact p",
    "permutation": "exact p over all permutations, with ties",
    "asymptotic": "normal approximation with tie and continuity correction",
}


def p_method(a: Array, b: Array, kind: str) -> str:
    """Return how p of a rank test is found: `exact`, by `permutation` (all of them), or `asymptotic`."""
    if kind == "wilcoxon":
        moved = (a - b)[a != b]
        tied = len(np.unique(np.abs(moved))) < len(a)
        permutations = 2 ** min(len(a), 64)
    else:
        tied = len(np.unique(np.concatenate([a, b]))) < len(a) + len(b)
        permutations = math.comb(len(a) + len(b), len(a))
    if not tied and max(len(a), len(b)) <= 50:
        return "exact"
    return "permutation" if permutations <= _MOST_PERMUTATIONS else "asymptotic"


def _scipy_method(chosen: str) -> Any:
    from scipy.stats import PermutationMethod

    return PermutationMethod(n_resamples=_MOST_PERMUTATIONS) if chosen == "permutation" else chosen


def rank_test(
    a: Array, b: Array, kind: str, alternative: str, unit: str
) -> tuple[Quantities, str, list[str]]:
    """Return the statistic, p and the effect sizes of the Mann-Whitney U or the Wilcoxon signed-rank test.

    p is exact without ties up to 50 values and with ties in small samples, else by the normal approximation.
    """
    from scipy import stats

    spread = difference_unit(unit)
    notes: list[str] = []
    if kind == "wilcoxon":
        difference = a - b
        moved = difference[difference != 0]
        if not moved.size:
            raise InvalidInput("no_variance", "all pairs are equal: there is nothing to rank")
        chosen = p_method(a, b, kind)
        method = f"Wilcoxon signed-rank test, {_P_METHODS[chosen]}"
        result = stats.wilcoxon(
            a, b, alternative=alternative, method=_scipy_method(chosen), correction=chosen == "asymptotic"
        )
        ranks = stats.rankdata(np.abs(moved))
        up = float(ranks[moved > 0].sum())
        total = float(ranks.sum())
        walsh = (
            (difference[:, None] + difference[None, :])[np.triu_indices(len(difference))] / 2
            if len(a) <= 2000
            else None
        )
        if moved.size < difference.size:
            notes.append(
                f"{difference.size - moved.size} pairs without a difference were left out, as Wilcoxon did"
            )
        found = {
            "w": number("w_statistic", result.statistic, method=method),
            "p_value": number("p_value", result.pvalue, method=f"{method}, {alternative}"),
            "rank_biserial": number(
                "rank_biserial", (2 * up - total) / total, method="matched pairs (Kerby 2014)"
            ),
        }
        shift = None if walsh is None else float(np.median(walsh))
    else:
        n1, n2 = len(a), len(b)
        chosen = p_method(a, b, kind)
        result = stats.mannwhitneyu(a, b, alternative=alternative, method=_scipy_method(chosen))
        share = float(result.statistic) / (n1 * n2)
        method = f"Mann-Whitney U test (Wilcoxon rank sum), {_P_METHODS[chosen]}"
        found = {
            "u": number("u_statistic", result.statistic, method=f"{method}; U of the first group"),
            "p_value": number("p_value", result.pvalue, method=f"{method}, {alternative}"),
            "probability_of_superiority": number(
                "probability_of_superiority", share, method="U/(n1 n2): the first is greater, ties count half"
            ),
            "rank_biserial": number("rank_biserial", 2 * share - 1, method="2U/(n1 n2) - 1"),
        }
        shift = float(np.median(a[:, None] - b[None, :])) if n1 * n2 <= 4_000_000 else None
    if shift is not None:
        found["shift"] = number("shift", shift, spread, method="Hodges-Lehmann, first group minus second")
    return found, method, notes


def variance_test(groups: dict[str, Array], kind: str, confidence: float) -> tuple[Quantities, str]:
    """Return F or H, p and the effect size of a one-way ANOVA, Welch's ANOVA or the Kruskal-Wallis test.

    The interval of eta squared inverts the noncentral F distribution (Steiger 2004, Psychol. Methods 9, 164).
    """
    from scipy import stats
    from statsmodels.stats.oneway import anova_oneway

    samples = list(groups.values())
    everything = np.concatenate(samples)
    n, k = len(everything), len(samples)
    if not np.ptp(everything) > 0:
        raise InvalidInput("no_variance", "all values are equal: there is nothing to compare")
    if kind == "kruskal":
        result = stats.kruskal(*samples)
        method = "Kruskal-Wallis test, chi-square approximation with tie correction"
        return {
            "h": number("h_statistic", result.statistic, method=method),
            "degrees_of_freedom": number("degrees_of_freedom", k - 1, method=method),
            "p_value": number("p_value", result.pvalue, method=method),
            "epsilon_squared": number("epsilon_squared", result.statistic / (n - 1), method="H/(n - 1)"),
        }, method
    flat = [name for name, values in groups.items() if not np.ptp(values) > 0]
    if flat and (kind == "welch_anova" or len(flat) == k):
        raise InvalidInput(
            "no_variance", f"the values of {flat[0]!r} are all equal", hint="take test='kruskal'"
        )
    between = sum(len(s) * (s.mean() - everything.mean()) ** 2 for s in samples)
    total = float(((everything - everything.mean()) ** 2).sum())
    eta = float(between) / total
    if kind == "anova":
        result = stats.f_oneway(*samples)
        statistic, p, df = float(result.statistic), float(result.pvalue), (k - 1.0, float(n - k))
        method = "one-way ANOVA"
        limits = _eta_limits(statistic, df, n, confidence)
    else:
        welch = anova_oneway(samples, use_var="unequal", welch_correction=True)
        statistic, p, df = (
            float(welch.statistic),
            float(welch.pvalue),
            (float(welch.df_num), float(welch.df_denom)),
        )
        method = "Welch's ANOVA (1951)"
        limits = None
    found = {
        "f": number("f_statistic", statistic, method=method),
        "df_between": number("degrees_of_freedom", df[0], method=method, of="between groups"),
        "df_within": number("degrees_of_freedom", df[1], method=method, of="within groups"),
        "p_value": number("p_value", p, method=method),
    }
    return found | estimate(
        "eta_squared", eta, limits, confidence=confidence, method="SS between / SS total"
    ), method


def _eta_limits(f: float, df: tuple[float, float], n: int, confidence: float) -> tuple[float, float]:
    from scipy.optimize import brentq
    from scipy.stats import f as central
    from scipy.stats import ncf

    def limit(tail: float) -> float:
        if central.cdf(f, *df) < tail:
            return 0.0
        top = max(10.0, f * df[0] * 4 + 100)
        noncentrality = brentq(lambda nc: float(ncf.cdf(f, *df, nc)) - tail, 1e-9, top)
        return noncentrality / (noncentrality + n)

    return limit((1 + confidence) / 2), limit((1 - confidence) / 2)


def pairwise(
    groups: dict[str, Array], kind: str, confidence: float, unit: str
) -> tuple[Quantities, list[dict[str, Any]], str]:
    """Return the comparisons of all pairs: Tukey's HSD after ANOVA, else Welch t or Mann-Whitney tests with Holm's correction."""
    from scipy import stats
    from statsmodels.stats.multitest import multipletests

    names = list(groups)
    pairs = list(itertools.combinations(range(len(names)), 2))
    spread = difference_unit(unit)
    rows: list[dict[str, Any]] = []
    least = 1e-10 if kind == "anova" else 0.0  # below it the studentised range is numerical noise
    if kind == "anova":
        method = "Tukey-Kramer HSD"
        result = stats.tukey_hsd(*groups.values())
        interval = result.confidence_interval(confidence)
        adjusted = [float(result.pvalue[i, j]) for i, j in pairs]
        limits = [(float(interval.low[i, j]), float(interval.high[i, j])) for i, j in pairs]
        raw: list[float | None] = [None] * len(pairs)
    else:
        method = (
            "Welch t tests, Holm's correction"
            if kind == "welch_anova"
            else "Mann-Whitney tests, Holm's correction"
        )
        tests = [
            stats.ttest_ind(groups[names[i]], groups[names[j]], equal_var=False)
            if kind == "welch_anova"
            else stats.mannwhitneyu(groups[names[i]], groups[names[j]])
            for i, j in pairs
        ]
        raw = [float(test.pvalue) for test in tests]
        adjusted = [float(p) for p in multipletests(raw, method="holm")[1]]
        limits = []
    found: Quantities = {}
    keys = pair_keys(names)
    for place, (i, j) in enumerate(pairs):
        a, b, key = names[i], names[j], keys[i, j]
        compared = {"groups": f"{a} and {b}"}
        p = number("adjusted_p_value", max(adjusted[place], least), method=method, **compared)
        found[f"p_{key}"] = p if adjusted[place] >= least else p.model_copy(update={"relation": "<"})
        if kind == "kruskal":
            difference = float(np.median(groups[a]) - np.median(groups[b]))
            found[f"difference_{key}"] = number(
                "median_difference", difference, spread, method="first minus second", **compared
            )
        else:
            difference = float(groups[a].mean() - groups[b].mean())
            found |= estimate(
                f"difference_{key}", difference, limits[place] if limits else None, property="mean_difference",
                unit=spread, confidence=confidence, method=f"first minus second, {method}", conditions=compared,
            )  # fmt: skip
        rows.append(
            {"groups": [a, b], "difference": difference, "p": raw[place], "adjusted_p": adjusted[place]}
        )
    return found, rows, method


def pair_keys(names: list[str]) -> dict[tuple[int, int], str]:
    """Return the key of each pair of groups."""
    keys = list(distinct_slugs(names).values())
    return {(i, j): f"{keys[i]}_vs_{keys[j]}" for i, j in itertools.combinations(range(len(names)), 2)}


def assumptions(groups: dict[str, Array]) -> tuple[Quantities, list[str]]:
    """Return Shapiro-Wilk's p of each group, Brown-Forsythe's and Levene's p, and the groups that look far from normal."""
    from scipy import stats

    found: Quantities = {}
    far = []
    for (name, values), key in zip(groups.items(), distinct_slugs(groups).values(), strict=True):
        if not (3 <= len(values) <= 5000 and np.ptp(values) > 0):
            continue
        p = float(stats.shapiro(values).pvalue)
        found[f"shapiro_p_{key}"] = number("normality_p_value", p, method="Shapiro-Wilk", group=name)
        if p < 0.05:
            far.append(name)
    if any(np.ptp(values) > 0 for values in groups.values()) and all(len(v) >= 3 for v in groups.values()):
        for key, center, method in (
            ("brown_forsythe_p", "median", "Brown-Forsythe (Levene about the median)"),
            ("levene_p", "mean", "Levene about the mean"),
        ):
            p = float(stats.levene(*groups.values(), center=center).pvalue)
            if math.isfinite(p):
                found[key] = number("equal_variance_p_value", p, method=method)
    return found, far
