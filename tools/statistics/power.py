"""How many samples a study needs, or what a study of a given size can find."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Artifact, Source, ToolContext, ToolResult, tool
from benchmate.tools.statistics.analysis_script import save_script

Test = Literal["paired_t", "one_sample_t", "anova", "proportions", "correlation", "t_test"]
MOST = 10_000_000  # values in all
_EFFECTS = {
    "t_test": "Cohen's d", "paired_t": "Cohen's d of the differences", "one_sample_t": "Cohen's d",
    "anova": "Cohen's f", "proportions": "Cohen's h", "correlation": "Pearson's r",
}  # fmt: skip
_METHODS = {
    "t_test": "noncentral t, independent groups", "paired_t": "noncentral t of the differences",
    "one_sample_t": "noncentral t", "anova": "noncentral F, one-way ANOVA of equal groups",
    "proportions": "normal approximation of the arcsine difference h (Cohen 1988)",
    "correlation": "normal approximation of Fisher's z",
}  # fmt: skip


@tool(
    domain="statistics",
    extra="data",
    properties={
        "sample_size_per_group": "sample size per group, per group, n per group, samples in each group, animals per group",
        "sample_size_total": "total sample size, total number of samples, total n, in total, altogether",
        "sample_size_exact": "sample size before rounding up, exact sample size",
        "power": "power, probability of finding the effect",
        "effect_size": "effect size, detectable effect, minimum detectable effect, Cohen's d, Cohen's h, Cohen's f",
    },
    examples=(
        "Sample size per group for a two-sided t test, d = 0.5, alpha 0.05, power 0.8?",
        "How many patients do I need to see response rates of 50 % against 30 %?",
        "Power of a t test with 20 per group and an effect size of 0.8",
        "What effect can I detect with 12 animals per group at 90 % power?",
        "sample size for a correlation of r = 0.3 with power 0.8",
        "how many mice per group for an ANOVA with 4 groups and f = 0.25",
    ),
    example={"effect_size": 0.5},
)
def power_analysis(
    context: ToolContext,
    test: Test = "t_test",
    effect_size: Annotated[
        float | None, Unit("", "effect size, d, f, r, Cohen's d, Cohen's f, effect, correlation of")
    ] = None,
    proportion_1: Annotated[
        float | None,
        Unit("", "first proportion, p1, response rate, rates of, proportion of"),
        Field(gt=0, lt=1),
    ] = None,
    proportion_2: Annotated[
        float | None, Unit("", "second proportion, p2, against, versus, vs"), Field(gt=0, lt=1)
    ] = None,
    sample_size: Annotated[
        int | None,
        Unit("", "n, per group, sample size, animals per group, subjects per group"),
        Field(ge=2, le=MOST),
    ] = None,
    power: Annotated[float | None, Unit("", "power"), Field(gt=0, lt=1)] = None,
    alpha: Annotated[
        float,
        Unit("", "alpha, significance level, significance, α, two-sided, two sided, one-sided, level"),
        Field(gt=0, lt=1),
    ] = 0.05,
    groups: Annotated[int | None, Unit("", "groups, number of groups, arms"), Field(ge=2, le=100)] = None,
    alternative: Annotated[
        Literal["one-sided", "two-sided"],
        Said(
            {
                "one-sided": "one-tailed, one tailed, one sided, directional",
                "two-sided": "two-tailed, two tailed, two sided",
            }
        ),
    ] = "two-sided",
) -> ToolResult:
    """Sample size, power or detectable effect of a t test, paired t test, one-way ANOVA, two proportions or a correlation.

    Whichever of effect, sample size and power is left out is computed; without power and sample size, the size for a power
    of 0.8. Sizes are rounded up and given per group (or pairs) and in total.

    Raises InvalidInput: `missing_effect`, `bad_effect`, `too_many_given`, `wrong_test`, `too_large`, `out_of_reach`.

    Args:
        test: The test of the study.
        effect_size: Cohen's d of a t test (of the differences for pairs), f of ANOVA, h of proportions, r of a correlation.
        proportion_1: The proportion in one group, in place of an effect size; fractions or percent.
        proportion_2: The proportion in the other group.
        sample_size: Values in each group; pairs, or values in all, where there is one group.
        power: The probability of finding the effect.
        alpha: The significance level.
        groups: How many groups an ANOVA compares.
        alternative: one-sided or two-sided.
    """
    test, effect = _effect(test, effect_size, proportion_1, proportion_2, groups)
    if test == "anova" and alternative == "one-sided":
        raise InvalidInput(
            "wrong_test", "an analysis of variance has no sides", hint="leave alternative two-sided"
        )
    if effect is not None and sample_size is not None and power is not None:
        raise InvalidInput(
            "too_many_given",
            "effect, sample size and power are all given",
            hint="leave out the one to compute",
        )
    if effect is None and sample_size is None:
        raise InvalidInput(
            "missing_effect", "the size of a study depends on the effect to be found",
            hint=f"give effect_size ({_EFFECTS[test]}) or two proportions; 0.2, 0.5 and 0.8 are Cohen's small, medium, large d",
        )  # fmt: skip
    count = groups or 3 if test == "anova" else 2 if test in ("t_test", "proportions") else 1
    conditions = {"test": test, "alpha": f"{alpha:g}", "alternative": alternative}
    if test == "anova":
        conditions["groups"] = str(count)
    found: dict[str, Quantity] = {}

    def make(property: str, value: float, **more: str) -> None:
        found[property] = Quantity(
            value=value, property=property, method=_METHODS[test], conditions={**conditions, **more}
        )

    if sample_size is None:
        assert effect is not None
        wanted = 0.8 if power is None else power
        exact = _size(test, effect, wanted, alpha, alternative, count)
        size = math.ceil(exact - 1e-9)
        make("sample_size_per_group", size, power=f"{wanted:g}", effect=f"{effect:g}")
        make("sample_size_exact", exact, power=f"{wanted:g}", effect=f"{effect:g}")
        make("power", _power(test, effect, size, alpha, alternative, count), effect=f"{effect:g}")
    else:
        size = sample_size
        if effect is not None:
            make("power", _power(test, effect, size, alpha, alternative, count), effect=f"{effect:g}")
        else:
            wanted = 0.8 if power is None else power
            effect = _detectable(test, size, wanted, alpha, alternative, count)
            make("effect_size", effect, power=f"{wanted:g}")
            make("power", wanted)
        make("sample_size_per_group", size)
    make("sample_size_total", size * count)
    if "effect_size" not in found:
        make("effect_size", effect)
    warnings = []
    if test == "anova" and groups is None:
        warnings.append("the number of groups was taken as 3; say groups")
    if found["power"].value < 0.5:
        warnings.append("with this power the study would more likely miss the effect than find it")
    import statsmodels

    return ToolResult(
        quantities=found,
        data={
            "test": test, "effect_measure": _EFFECTS[test], "groups": count, "rounded": "up to whole samples per group",
            "counted_in": "pairs" if test == "paired_t" else "values", "power_is": "at the rounded sample size",
        },
        artifacts=_script(context, test, effect, size, alpha, alternative, count, "sample_size_exact" in found, power),
        source=Source(
            kind="computed", name=f"statsmodels {statsmodels.__version__}",
            reference="J. Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd ed., 1988",
        ),
        warnings=tuple(warnings),
    )  # fmt: skip


def _effect(
    test: Test, effect: float | None, p1: float | None, p2: float | None, groups: int | None
) -> tuple[Test, float | None]:
    if p1 is not None or p2 is not None:
        if effect is not None:
            raise InvalidInput(
                "too_many_given", "there are proportions and an effect size", hint="give one of them"
            )
        if p1 is None or p2 is None:
            raise InvalidInput(
                "missing_effect", "there is one proportion", hint="give proportion_1 and proportion_2"
            )
        if test not in ("t_test", "proportions"):
            raise InvalidInput(
                "wrong_test", f"{test} does not compare proportions", hint="take test='proportions'"
            )
        if p1 == p2:
            raise InvalidInput("bad_effect", "the two proportions are equal: no study finds a difference")
        return "proportions", abs(2 * math.asin(math.sqrt(p1)) - 2 * math.asin(math.sqrt(p2)))
    if groups is not None and test == "t_test" and groups != 2:
        test = "anova"
    if groups is not None and test != "anova" and groups != 2:
        raise InvalidInput("wrong_test", f"{test} does not compare {groups} groups", hint="take test='anova'")
    if effect is None:
        return test, None
    if effect == 0 or not math.isfinite(effect) or abs(effect) > 20:
        raise InvalidInput(
            "bad_effect",
            f"an effect of {effect:g} has no sample size",
            hint=f"give {_EFFECTS[test]}, such as 0.5",
        )
    if test == "correlation" and abs(effect) >= 1:
        raise InvalidInput("bad_effect", f"a correlation of {effect:g} is not below 1")
    return test, abs(effect)


def _power(test: str, effect: float, size: float, alpha: float, alternative: str, count: int) -> float:
    from scipy.stats import norm
    from statsmodels.stats import power as solve

    side = "two-sided" if alternative == "two-sided" else "larger"
    if effect * math.sqrt(size * count) > 30:
        return 1.0  # to all digits; the noncentral t distribution has no number there
    if test == "t_test":
        return float(solve.TTestIndPower().power(effect, size, alpha, ratio=1, alternative=side))
    if test in ("paired_t", "one_sample_t"):
        return float(solve.TTestPower().power(effect, size, alpha, alternative=side))
    if test == "anova":
        return float(solve.FTestAnovaPower().power(effect, size * count, alpha, k_groups=count))
    if test == "proportions":
        return float(solve.NormalIndPower().power(effect, size, alpha, ratio=1, alternative=side))
    if size <= 3:
        return alpha
    shift = math.atanh(effect) * math.sqrt(size - 3)
    if side == "larger":
        return float(norm.sf(norm.isf(alpha) - shift))
    cut = norm.isf(alpha / 2)
    return float(norm.sf(cut - shift) + norm.cdf(-cut - shift))


def _root(function: Any, low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=1e-10, rtol=1e-12))


def _size(test: str, effect: float, power: float, alpha: float, alternative: str, count: int) -> float:
    """Return the size per group, before rounding, that gives the power; at least the least size the test has."""
    least = 4.0 if test == "correlation" else 2.0

    def short(size: float) -> float:
        return _power(test, effect, size, alpha, alternative, count) - power

    if power <= alpha:
        raise InvalidInput(
            "out_of_reach", f"a power of {power:g} is not above alpha", hint="give a power such as 0.8"
        )
    if short(least) >= 0:
        return least
    top = least
    while short(top) < 0:
        top *= 2
        if top * count > MOST:
            raise InvalidInput("too_large", f"an effect of {effect:g} takes more than {MOST:,} values")
    return _root(short, max(least, top / 2), top)


def _detectable(test: str, size: int, power: float, alpha: float, alternative: str, count: int) -> float:
    top = 1 - 1e-9 if test == "correlation" else math.pi if test == "proportions" else 20.0

    def short(effect: float) -> float:
        return _power(test, effect, size, alpha, alternative, count) - power

    if power <= alpha or (test == "correlation" and size <= 3):
        raise InvalidInput(
            "out_of_reach", f"{size} values cannot reach a power of {power:g}", hint="give more values"
        )
    high = 0.01  # from below: far beyond the answer the noncentral distributions have no number
    while short(high) < 0:
        if high == top:
            raise InvalidInput(
                "out_of_reach", f"{size} values cannot reach a power of {power:g}", hint="give more values"
            )
        high = min(2 * high, top)
    return _root(short, 1e-9, high)


_SOLVERS = {
    "t_test": "TTestIndPower", "paired_t": "TTestPower", "one_sample_t": "TTestPower", "anova": "FTestAnovaPower",
    "proportions": "NormalIndPower",
}  # fmt: skip


def _script(
    context: ToolContext, test: str, effect: float, size: int, alpha: float, alternative: str, count: int, sized: bool,
    power: float | None,
) -> tuple[Artifact, ...]:  # fmt: skip
    side = "two-sided" if alternative == "two-sided" else "larger"
    if test == "correlation":
        tails = 2 if side == "two-sided" else 1
        body = f"""
import math
from scipy.stats import norm
cut, shift = norm.isf({alpha} / {tails}), math.atanh({effect!r}) * math.sqrt({size} - 3)
results = {{"power": norm.sf(cut - shift){" + norm.cdf(-cut - shift)" if tails == 2 else ""}}}
"""
    else:
        options = f", k_groups={count}" if test == "anova" else f", alternative={side!r}"
        n = "nobs1" if test in ("t_test", "proportions") else "nobs"
        total = size * count if test == "anova" else size
        body = f"""
from statsmodels.stats.power import {_SOLVERS[test]}
solver = {_SOLVERS[test]}()
results = {{"power": solver.power({effect!r}, {total}, {alpha}{options})}}
"""
        if sized:
            share = f" / {count}" if test == "anova" else ""
            body += f"""size = solver.solve_power(effect_size={effect!r}, {n}=None, alpha={alpha}, power={power or 0.8}{options})
results["sample_size_exact"] = size{share}
"""
    return save_script(context, f"Power of {test}", {}, body, ("scipy", "statsmodels"))
