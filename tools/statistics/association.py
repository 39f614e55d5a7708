"""Correlations, and p values of many tests."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ColumnName, Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import TABLES
from benchmate.tools.files import DataFile
from benchmate.tools.statistics.analysis_script import save_script
from benchmate.tools.statistics.curves import check_domain
from benchmate.tools.statistics.estimates import estimate, with_limits
from benchmate.tools.statistics.pairs import read_pairs

MOST_TESTS = 100_000
_SHOWN = 200
_NAMES = {"pearson": "Pearson's r", "spearman": "Spearman's ρ", "kendall": "Kendall's τ-b"}
_CALLS = {"pearson": "pearsonr", "spearman": "spearmanr", "kendall": "kendalltau"}


@tool(
    domain="statistics",
    files=TABLES,
    extra="data",
    properties=with_limits(
        {
            "correlation": "correlation, correlation coefficient, r, Pearson's r, rank correlation, rho, tau",
            "p_value": "p value of the correlation, p, significance",
            "r_squared": "shared variance, r squared",
            "count": "number of pairs, n",
        },
        "p_value", "r_squared", "count",
    ),
    examples=(
        "Correlation between x [1, 2, 3, 4, 5] and y [2, 1, 4, 3, 5]",
        "Spearman rank correlation of dose and response in table.csv",
        "is petal length correlated with petal width in sample:iris?",
        "Pearson's r with confidence interval and p value",
        "Kendall tau for these two rankings",
    ),
    example={"file": "sample:iris", "x_column": "petal length", "y_column": "petal width"},
)  # fmt: skip
def correlate(
    context: ToolContext,
    x: Annotated[list[float] | None, Unit("", "x, first list")] = None,
    y: Annotated[list[float] | None, Unit("", "y, second list")] = None,
    file: DataFile | None = None,
    x_column: Annotated[str | None, ColumnName("")] = None,
    y_column: Annotated[str | None, ColumnName("")] = None,
    method: Annotated[
        Literal["spearman", "kendall", "pearson"],
        Said(
            {
                "spearman": "rank-based, rank correlation, rho",
                "kendall": "tau",
                "pearson": "linear correlation",
            }
        ),
    ] = "pearson",
    confidence: Annotated[float, Unit("", "confidence level, confidence"), Field(gt=0.5, lt=1)] = 0.95,
) -> ToolResult:
    """Correlation of two variables after Pearson, Spearman or Kendall, with p value and confidence interval.

    Intervals are those of Fisher's z, with the variances of Bonett and Wright (2000) for ranks.

    Raises InvalidInput: `no_data`, `two_sources`, `length_mismatch`, `not_finite`, `too_few`, `too_large`, `constant`,
    `which_column`; NotFound (`unknown_column`).

    Args:
        x: The first variable.
        y: The second variable.
        file: A table, in place of the lists.
        x_column: The column of the first variable.
        y_column: The column of the second variable.
        method: pearson (linear), spearman or kendall (monotonic, by ranks).
        confidence: The confidence of the interval.
    """
    from scipy import stats

    pairs = read_pairs(x, y, file, x_column, y_column, least=3)
    check_domain(pairs)
    result = getattr(stats, _CALLS[method])(pairs.x, pairs.y)
    r, p, n = float(result.statistic), float(result.pvalue), pairs.size
    limits = _limits(r, n, method, confidence)
    named = {"x": pairs.x_name, "y": pairs.y_name}
    found = estimate("correlation", r, limits, confidence=confidence, method=_NAMES[method], conditions=named)
    found["p_value"] = Quantity(
        value=p, property="p_value", method=f"{_NAMES[method]}, two-sided", conditions=named
    )
    found["count"] = Quantity(value=n, property="count")
    if method == "pearson":
        found["r_squared"] = Quantity(value=r * r, property="r_squared")
    warnings = [*pairs.warnings]
    if method == "pearson" and n >= 5:
        rank = float(stats.spearmanr(pairs.x, pairs.y).statistic)
        if abs(rank - r) > 0.2:
            warnings.append(
                f"Spearman's ρ is {rank:.2f}: outliers or a bent relation move Pearson's r; look at the plot"
            )
    if limits is None:
        warnings.append(f"{n} pairs are too few for an interval")
    import scipy

    body = f"""
from scipy import stats
result = stats.{_CALLS[method]}(data["x"], data["y"])
results = {{"correlation": result.statistic, "p_value": result.pvalue}}
"""
    return ToolResult(
        quantities=found,
        data={"method": _NAMES[method], "note": "a correlation is no proof of a cause"},
        artifacts=save_script(context, f"Correlation of {pairs.x_name} and {pairs.y_name}", pairs.columns(), body),
        source=Source(
            kind="computed", name=f"SciPy {scipy.__version__}",
            reference="intervals: D. G. Bonett and T. A. Wright, Psychometrika 65, 23 (2000)",
        ),
        warnings=tuple(warnings),
    )  # fmt: skip


def _limits(r: float, n: int, method: str, confidence: float) -> tuple[float, float] | None:
    """Return Fisher's interval, or None where it has none."""
    from scipy.stats import norm

    if n < 5 or abs(r) >= 1:
        return None
    variance = {"pearson": 1 / (n - 3), "spearman": (1 + r * r / 2) / (n - 3), "kendall": 0.437 / (n - 4)}[
        method
    ]
    half = float(norm.ppf((1 + confidence) / 2)) * math.sqrt(variance)
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


@tool(
    domain="statistics",
    extra="data",
    properties={
        "adjusted_p_value": "adjusted p value, corrected p value, q value, FDR",
        "input_p_value": "p value as given",
        "significant_count": "number of significant tests, how many are significant, discoveries, rejected",
        "test_count": "number of tests, tests",
    },
    examples=(
        "Adjust the p values [0.01, 0.04, 0.03, 0.005] with Benjamini-Hochberg",
        "Holm correction of [0.02, 0.001, 0.2]",
        "Bonferroni corrected p values for 0.01, 0.02 and 0.03",
        "FDR of these p values, which remain significant at 0.05?",
        "multiple testing correction for [0.001, 0.008, 0.039, 0.041, 0.042]",
    ),
    example={"p_values": [0.001, 0.008, 0.039, 0.041, 0.042, 0.06], "method": "benjamini_hochberg"},
)
def adjust_p_values(
    p_values: Annotated[list[float], Unit("", "p values, p, p-values"), Field(min_length=1)],
    method: Annotated[
        Literal["bonferroni", "holm", "fdr", "benjamini_hochberg"],
        Said(
            {
                "benjamini_hochberg": "BH, Benjamini, B-H",
                "fdr": "FDR, false discovery rate",
                "holm": "Holm-Bonferroni, step-down",
            }
        ),
    ] = "holm",
    alpha: Annotated[float, Unit("", "alpha, significance level, level, FDR of"), Field(gt=0, lt=1)] = 0.05,
) -> ToolResult:
    """Adjust p values of several tests: Bonferroni, Holm (family-wise error) or Benjamini-Hochberg (false discovery rate).

    Raises InvalidInput: `not_a_probability`, `too_large`.

    Args:
        p_values: The p values.
        method: bonferroni or holm hold the chance of any false positive below alpha; benjamini_hochberg (fdr) holds the
            expected share of false ones among the significant.
        alpha: The level for counting the significant ones.
    """
    import statsmodels
    from statsmodels.stats.multitest import multipletests

    if len(p_values) > MOST_TESTS:
        raise InvalidInput(
            "too_large", f"there are {len(p_values):,} p values", hint=f"at most {MOST_TESTS:,}"
        )
    wrong = next((p for p in p_values if not (math.isfinite(p) and 0 <= p <= 1)), None)
    if wrong is not None:
        raise InvalidInput("not_a_probability", f"{wrong} is no p value", hint="p values lie between 0 and 1")
    name = {"fdr": "fdr_bh", "benjamini_hochberg": "fdr_bh"}.get(method, method)
    rejected, adjusted, *_ = multipletests(p_values, alpha=alpha, method=name)
    label = {"fdr_bh": "Benjamini-Hochberg", "holm": "Holm", "bonferroni": "Bonferroni"}[name]
    found = {
        "test_count": Quantity(value=len(p_values), property="test_count"),
        "significant_count": Quantity(
            value=int(np.sum(rejected)),
            property="significant_count",
            method=label,
            conditions={"alpha": f"{alpha:g}"},
        ),
    }
    for place, (raw, p) in enumerate(zip(p_values[:_SHOWN], adjusted[:_SHOWN], strict=True), 1):
        found[f"adjusted_{place}"] = Quantity(
            value=float(p),
            property="adjusted_p_value",
            method=label,
            conditions={"p": f"{raw:g}", "place": str(place)},
        )
    return ToolResult(
        quantities=found,
        data={
            "method": label, "alpha": alpha, "adjusted": [float(p) for p in adjusted],
            "significant": [bool(r) for r in rejected],
        },
        source=Source(
            kind="computed", name=f"statsmodels {statsmodels.__version__}",
            reference="S. Holm, Scand. J. Stat. 6, 65 (1979); Y. Benjamini and Y. Hochberg, J. R. Stat. Soc. B 57, 289 (1995)",
        ),
    )  # fmt: skip
