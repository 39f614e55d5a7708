"""Linear, polynomial and logistic regression with what tells whether to believe them."""

from __future__ import annotations

import math
import warnings as python_warnings
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ColumnName, Said, Unit
from benchmate.tools.base import Artifact, Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import TABLES
from benchmate.tools.files import DataFile
from benchmate.tools.plots import Panel, Series, save_plot
from benchmate.tools.statistics.analysis_script import save_script
from benchmate.tools.statistics.estimates import difference_unit, estimate, with_limits
from benchmate.tools.statistics.fit_plots import plot_fit
from benchmate.tools.statistics.pairs import MOST_POINTS, Pairs, read_pairs
from benchmate.tools.statistics.regression_terms import Term, make_terms, used_columns
from benchmate.tools.statistics.tables import distinct_slugs, read_table

Array = NDArray[np.float64]
_ILL_CONDITIONED = 30.0  # of the scaled design matrix: Belsley, Kuh and Welsch (1980)
_COLLINEAR = 10.0  # of a variance inflation factor


@dataclass(frozen=True)
class _Problem:
    terms: list[Term]
    y: Array
    response: str
    unit: str
    weights: Array | None
    pairs: Pairs | None
    warnings: tuple[str, ...]


@tool(
    domain="statistics",
    files=TABLES,
    extra="data",
    properties=with_limits(
        {
            "r_squared": "R squared, R², coefficient of determination, R-squared, R2",
            "adjusted_r_squared": "adjusted R squared, adjusted R²",
            "slope": "slope, gradient, regression slope",
            "intercept": "intercept, constant, y intercept",
            "coefficient": "regression coefficient, coefficient, effect of the predictor",
            "odds_ratio": "odds ratio, OR",
            "coefficient_p_value": "p value of the coefficient, p",
            "residual_deviation": "residual standard deviation, residual standard error, standard error of the regression",
            "f_statistic": "F statistic of the regression, F",
            "regression_p_value": "p value of the regression, overall p",
            "durbin_watson": "Durbin-Watson statistic",
            "breusch_pagan_p_value": "Breusch-Pagan p value, heteroscedasticity",
            "condition_number": "condition number, collinearity",
            "variance_inflation": "variance inflation factor, VIF",
            "cook_distance": "Cook's distance, influence",
            "aic": "AIC, Akaike information criterion",
            "bic": "BIC, Bayesian information criterion",
            "pseudo_r_squared": "McFadden's pseudo R squared, pseudo R²",
            "count": "number of observations, n",
        },
        "r_squared", "adjusted_r_squared", "coefficient_p_value", "residual_deviation", "f_statistic",
        "regression_p_value", "durbin_watson", "breusch_pagan_p_value", "condition_number", "variance_inflation",
        "cook_distance", "aic", "bic", "pseudo_r_squared", "count",
    ),
    examples=(
        "Fit a straight line to x [1, 2, 3, 4, 5] and y [2.1, 3.9, 6.2, 7.8, 10.1]",
        "R-squared of the regression of TOTEMP on all other columns in sample:longley",
        "quadratic regression of yield on temperature in runs.csv",
        "slope and intercept with confidence limits for these points",
        "Multiple linear regression with VIF and residual diagnostics",
        "logistic regression of survived on dose in animals.csv",
    ),
    example={
        "file": "sample:longley", "response": "TOTEMP",
        "predictors": ["GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR"],
    },
)  # fmt: skip
def fit_regression(
    context: ToolContext,
    x: Annotated[list[float] | None, Unit("", "x, predictor, independent variable")] = None,
    y: Annotated[list[float] | None, Unit("", "y, response, dependent variable")] = None,
    file: DataFile | None = None,
    response: Annotated[
        str | None, ColumnName("regress, predict, explain, response, dependent variable, outcome, model, fit")
    ] = None,
    predictors: Annotated[
        list[str] | None,
        ColumnName(
            "on, from, with, against, versus, vs, using, predictors, predictor, independent variables, covariates"
        ),
    ] = None,
    model: Annotated[
        Literal["logistic", "linear"],
        Said({"logistic": "logistic regression, logit, log odds, binary outcome"}),
    ] = "linear",
    degree: Annotated[int, Unit("", "degree, order, polynomial of degree"), Field(ge=1, le=6)] = 1,
    weights: Annotated[str | None, ColumnName("weighted by, weights, weights in", named_only=True)] = None,
    errors: Annotated[
        Literal["classical", "robust"],
        Said({"robust": "HC3, heteroscedasticity-consistent, sandwich, White errors"}),
    ] = "classical",
    confidence: Annotated[float, Unit("", "confidence level, confidence"), Field(gt=0.5, lt=1)] = 0.95,
) -> ToolResult:
    """Regression by ordinary or weighted least squares, or logistic, with intervals, diagnostics and residual plot.

    Raises InvalidInput: `no_data`, `two_sources`, `length_mismatch`, `too_few`, `too_large`, `which_column`, `bad_term`,
    `constant_column`, `collinear`, `bad_weights`, `not_binary`, `separated`, `not_finite`, `not_numeric`; NotFound
    (`unknown_column`).

    Args:
        x: The predictor, in place of a table.
        y: The response, in place of a table.
        file: A table.
        response: The column of the response.
        predictors: The columns of the predictors; 'a^2' is a power, 'a:b' a product; words become categories. All other
            columns of numbers are never taken unasked.
        model: linear, or logistic for a response of two values.
        degree: The degree of the polynomial in one predictor.
        weights: The column of weights (inverse variances).
        errors: classical, or robust to unequal variances (HC3).
        confidence: The confidence of the intervals.
    """
    problem = _problem(x, y, file, response, predictors, weights, degree)
    if model == "logistic":
        return _logistic(context, problem, confidence)
    return _linear(context, problem, errors, confidence)


def _problem(
    x: list[float] | None, y: list[float] | None, file: DataFile | None, response: str | None,
    predictors: list[str] | None, weights: str | None, degree: int,
) -> _Problem:  # fmt: skip
    if file is None or x is not None or y is not None:
        if response or predictors or weights:
            raise InvalidInput(
                "no_data", "response, predictors and weights are columns of a file", hint="give the file"
            )
        points = read_pairs(x, y, file, None, None, least=degree + 2)
        terms = [_power(points.x, "x", "", k) for k in range(1, degree + 1)]
        if not np.ptp(points.x) > 0:
            raise InvalidInput("constant_column", "all x are equal")
        return _Problem(terms, points.y, "y", "", None, points, ())
    table = read_table(file)
    if response is None or not predictors:
        raise InvalidInput(
            "which_column", f"say which column of {file.name} is the response and which are predictors",
            hint=f"there are {', '.join(c.header for c in table.columns)}",
        )  # fmt: skip
    if degree > 1 and len(predictors) > 1:
        raise InvalidInput(
            "bad_term", "a degree is for one predictor", hint="write powers as predictors, such as 'a^2'"
        )
    if degree > 1:
        predictors = [predictors[0]] + [f"{predictors[0]}^{k}" for k in range(2, degree + 1)]
    target = table.column(response)
    headers = [
        target.header,
        *used_columns(table, predictors),
        *([table.number_column(weights).header] if weights else []),
    ]
    if target.header in headers[1:]:
        raise InvalidInput("bad_term", f"{target.header!r} is the response and cannot be a predictor")
    columns, notes = table.complete(headers)
    found = {c.header: c for c in columns}
    terms = make_terms(table, predictors, found)
    answer = found[target.header]
    warnings = [*table.warnings, *notes]
    if answer.numbers is None:
        levels = sorted({str(w) for w in answer.words or ()})
        if len(levels) != 2:
            raise InvalidInput(
                "not_numeric",
                f"{target.header!r} holds words",
                hint="a response is a number, or has two values",
            )
        values = np.array([float(w == levels[1]) for w in answer.words or ()])
        warnings.append(f"{target.header!r}: {levels[1]!r} was counted as 1 and {levels[0]!r} as 0")
    else:
        values = answer.numbers
    if len(values) > MOST_POINTS:
        raise InvalidInput("too_large", f"{len(values)} rows are too many", hint=f"at most {MOST_POINTS:,}")
    weight = found[table.column(weights).header].numbers if weights else None
    if weight is not None and not (weight > 0).all():
        raise InvalidInput("bad_weights", "a weight is not positive", hint="weights are inverse variances")
    single = (
        len({t.name.split("^")[0] for t in terms}) == 1
        and ":" not in terms[0].name
        and "[" not in terms[0].name
    )
    pairs = (
        Pairs(terms[0].values, values, terms[0].name, answer.name, terms[0].unit, answer.unit)
        if single
        else None
    )
    return _Problem(terms, values, answer.name, answer.unit, weight, pairs, tuple(warnings))


def _power(x: Array, name: str, unit: str, power: int) -> Term:
    return Term(name if power == 1 else f"{name}^{power}", x**power, unit)


def _design(problem: _Problem) -> Array:
    matrix = np.column_stack([np.ones(len(problem.y)), *(t.values for t in problem.terms)])
    n, k = matrix.shape
    if n <= k:
        raise InvalidInput(
            "too_few",
            f"{n} rows cannot determine {k} coefficients with errors",
            hint=f"give at least {k + 1}",
        )
    scaled = matrix / np.linalg.norm(matrix, axis=0)
    if np.linalg.matrix_rank(scaled, tol=1e-10) < k:
        raise InvalidInput(
            "collinear", "the predictors determine each other exactly", hint="leave out one of them",
            details={"terms": [t.name for t in problem.terms]},
        )  # fmt: skip
    return matrix


def _linear(context: ToolContext, problem: _Problem, errors: str, confidence: float) -> ToolResult:
    import statsmodels
    import statsmodels.api as sm
    from statsmodels.stats.diagnostic import het_breuschpagan
    from statsmodels.stats.outliers_influence import variance_inflation_factor
    from statsmodels.stats.stattools import durbin_watson

    matrix = _design(problem)
    y, weights = problem.y, problem.weights
    if not np.ptp(y) > 0:
        raise InvalidInput("constant_column", f"every value of {problem.response!r} is the same")
    plain = (sm.OLS(y, matrix) if weights is None else sm.WLS(y, matrix, weights=weights)).fit(method="qr")
    shown = plain.get_robustcov_results("HC3") if errors == "robust" else plain
    method = f"{'ordinary' if weights is None else 'weighted'} least squares{', HC3 errors' if errors == 'robust' else ''}"
    limits = shown.conf_int(1 - confidence)
    warnings = list(problem.warnings)
    found = {
        "r_squared": Quantity(value=float(plain.rsquared), property="r_squared", method=method),
        "adjusted_r_squared": Quantity(
            value=float(plain.rsquared_adj), property="adjusted_r_squared", method=method
        ),
        "residual_deviation": Quantity(
            value=math.sqrt(plain.scale),
            unit=difference_unit(problem.unit),
            property="residual_deviation",
            method=method,
        ),
        "count": Quantity(value=len(y), property="count"),
    }
    single = len(problem.terms) == 1
    keys = distinct_slugs(t.name for t in problem.terms)
    names = ["intercept", *("slope" if single else f"coefficient_{keys[t.name]}" for t in problem.terms)]
    for place, key in enumerate(names):
        term = problem.terms[place - 1] if place else None
        property = key if key in ("intercept", "slope") else "coefficient"
        unit = term.coefficient_unit(problem.unit) if term else problem.unit
        conditions = {"term": term.name} if term else None
        found |= estimate(
            key, float(shown.params[place]), (float(limits[place][0]), float(limits[place][1])), property=property,
            unit=unit, error=float(shown.bse[place]) if unit not in ("degC", "degF") else None, confidence=confidence,
            method=method, conditions=conditions,
        )  # fmt: skip
        p = float(shown.pvalues[place])
        if math.isfinite(p):
            found[f"p_{key}"] = Quantity(
                value=p,
                property="coefficient_p_value",
                method=method,
                conditions=conditions or {"term": "intercept"},
            )
    for key, property, value in (
        ("f", "f_statistic", shown.fvalue),
        ("regression_p", "regression_p_value", shown.f_pvalue),
    ):
        if math.isfinite(float(np.squeeze(value))):
            found[key] = Quantity(value=float(np.squeeze(value)), property=property, method=method)
    exact = float(plain.ssr) < 1e-20 * float(np.sum((y - y.mean()) ** 2))
    if exact:
        warnings.append("the points lie exactly on the fit: its errors say nothing about those of other data")
    else:
        residuals = np.asarray(plain.wresid)
        breusch = float(het_breuschpagan(residuals, matrix)[1])
        found["breusch_pagan_p"] = Quantity(
            value=breusch, property="breusch_pagan_p_value", method="Koenker's form"
        )
        watson = float(durbin_watson(residuals))
        found["durbin_watson"] = Quantity(
            value=watson, property="durbin_watson", method="in the order of the rows"
        )
        cook, row = _cook(plain)
        found["cook_distance"] = Quantity(
            value=cook, property="cook_distance", method="largest", conditions={"row": str(row)}
        )
        found["aic"] = Quantity(
            value=float(plain.aic), property="aic", method="normal likelihood, 2k without the variance"
        )
        found["bic"] = Quantity(value=float(plain.bic), property="bic", method="normal likelihood")
        if breusch < 0.05 and errors == "classical":
            warnings.append(
                "the spread of the residuals changes (Breusch-Pagan p < 0.05): errors='robust' or weights allow that"
            )
        if cook > 1:
            warnings.append(f"row {row} alone moves the fit strongly (Cook's distance {cook:.2g})")
    number = float(np.linalg.cond(matrix / np.linalg.norm(matrix, axis=0)))
    found["condition_number"] = Quantity(
        value=number, property="condition_number", method="columns scaled to length 1, with intercept"
    )
    if len(problem.terms) > 1:
        inflations = {
            t.name: float(variance_inflation_factor(matrix, i)) for i, t in enumerate(problem.terms, 1)
        }
        for name, value in inflations.items():
            found[f"vif_{keys[name]}"] = Quantity(
                value=value, property="variance_inflation", conditions={"term": name}
            )
        high = [name for name, value in inflations.items() if value > _COLLINEAR]
        if high and problem.pairs is None:
            warnings.append(
                f"{', '.join(high)} nearly determine each other (VIF > 10): their coefficients are not to be read alone"
            )
    elif number > _ILL_CONDITIONED:
        warnings.append(
            f"the condition number is {number:.0f}: the predictors lie far from zero beside their spread"
        )
    fitted = np.asarray(plain.fittedvalues)
    return ToolResult(
        quantities=found,
        data={
            "model": method, "response": problem.response, "terms": [t.name for t in problem.terms],
            "degrees_of_freedom": int(plain.df_resid),
        },
        artifacts=(
            *_plot(context, problem, np.asarray(plain.params), fitted),
            *_linear_script(context, problem, names, errors),
        ),
        source=Source(kind="computed", name=f"statsmodels {statsmodels.__version__}"),
        warnings=tuple(warnings),
    )  # fmt: skip


def _cook(fit: Any) -> tuple[float, int]:
    """Return the largest Cook's distance and its row, counted from 1; rows with leverage 1 have none."""
    import statsmodels.api as sm

    weighted = sm.OLS(fit.model.wendog, fit.model.wexog).fit(method="qr")
    with np.errstate(all="ignore"), python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore", RuntimeWarning)
        distances = np.asarray(weighted.get_influence().cooks_distance[0])
    distances = np.where(np.isfinite(distances), distances, 0.0)
    return float(distances.max()), int(distances.argmax()) + 1


def _plot(context: ToolContext, problem: _Problem, beta: Array, fitted: Array) -> tuple[Artifact, ...]:
    residuals = problem.y - fitted
    title = f"Regression of {problem.response}"
    if problem.pairs is not None:
        powers = range(len(beta))
        curve = [("fit", lambda line: sum(beta[k] * line**k for k in powers))]
        return plot_fit(context, title, problem.pairs, curve, residuals)
    points, zero = fitted.tolist(), [float(fitted.min()), float(fitted.max())]
    unit = {"x_unit": problem.unit, "y_unit": problem.unit}
    equal = Series(label="equal", x=zero, y=zero)
    return save_plot(
        context,
        title,
        [
            Panel(
                x_label=f"fitted {problem.response}", y_label=f"observed {problem.response}",
                series=[Series(label="rows", x=points, y=problem.y.tolist(), style="points"), equal], **unit,
            ),
            Panel(
                x_label=f"fitted {problem.response}", y_label="residual",
                series=[
                    Series(x=points, y=residuals.tolist(), style="points"), Series(x=zero, y=[0.0, 0.0]),
                ], **unit,
            ),
        ],
    )  # fmt: skip


def _columns(problem: _Problem) -> dict[str, Any]:
    columns = {t.name: list(t.values) for t in problem.terms} | {"response": list(problem.y)}
    return columns | ({"weight": list(problem.weights)} if problem.weights is not None else {})


def _linear_script(
    context: ToolContext, problem: _Problem, names: list[str], errors: str
) -> tuple[Artifact, ...]:
    call = (
        'sm.WLS(data["response"], matrix, weights=data["weight"])'
        if problem.weights is not None
        else 'sm.OLS(data["response"], matrix)'
    )
    kind = ', cov_type="HC3", use_t=True' if errors == "robust" else ""
    body = f"""
import numpy as np
import statsmodels.api as sm
terms = {[t.name for t in problem.terms]!r}
matrix = np.column_stack([np.ones(len(data["response"])), *(data[term] for term in terms)])
fit = {call}.fit(method="qr"{kind})

results = dict(zip({names!r}, fit.params)) | {{
    "r_squared": fit.rsquared, "adjusted_r_squared": fit.rsquared_adj, "residual_deviation": fit.scale**0.5,
}}
results |= {{"p_" + name: p for name, p in zip({names!r}, fit.pvalues)}}
"""
    return save_script(
        context, f"Regression of {problem.response}", _columns(problem), body, ("statsmodels",)
    )


def _logistic(context: ToolContext, problem: _Problem, confidence: float) -> ToolResult:
    import statsmodels
    import statsmodels.api as sm
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning

    if set(np.unique(problem.y).tolist()) != {0.0, 1.0}:
        raise InvalidInput(
            "not_binary", f"{problem.response!r} has other values than 0 and 1, or only one of them"
        )
    if problem.weights is not None:
        raise InvalidInput(
            "bad_weights", "logistic regression takes no weights here", hint="leave out weights"
        )
    matrix = _design(problem)
    separated = InvalidInput(
        "separated", "the predictors separate the two outcomes completely: the coefficients are without bound",
        hint="leave out the predictor that separates them, or get more data",
    )  # fmt: skip
    with python_warnings.catch_warnings():
        for kind in (ConvergenceWarning, PerfectSeparationWarning, RuntimeWarning):
            python_warnings.simplefilter("ignore", kind)
        try:
            fit = sm.Logit(problem.y, matrix).fit(disp=0, maxiter=200)
        except np.linalg.LinAlgError:
            raise separated from None
    odd = np.abs(fit.predict() - problem.y).max() < 1e-3
    if odd or not fit.mle_retvals["converged"] or not np.isfinite(fit.bse).all():
        raise separated
    limits = fit.conf_int(1 - confidence)
    keys = distinct_slugs(t.name for t in problem.terms)
    names = ["intercept", *(f"coefficient_{keys[t.name]}" for t in problem.terms)]
    method = "logistic regression, maximum likelihood, Wald limits"
    found = {
        "pseudo_r_squared": Quantity(
            value=float(fit.prsquared), property="pseudo_r_squared", method="McFadden"
        ),
        "regression_p": Quantity(
            value=float(fit.llr_pvalue), property="regression_p_value", method="likelihood ratio"
        ),
        "aic": Quantity(value=float(fit.aic), property="aic"),
        "bic": Quantity(value=float(fit.bic), property="bic"),
        "count": Quantity(value=len(problem.y), property="count"),
    }
    for place, key in enumerate(names):
        term = problem.terms[place - 1] if place else None
        unit = term.coefficient_unit("") if term else ""
        conditions = {"term": term.name} if term else None
        low, high = (float(v) for v in limits[place])
        found |= estimate(
            key, float(fit.params[place]), (low, high), property="coefficient" if term else "intercept", unit=unit,
            error=float(fit.bse[place]), confidence=confidence, method=f"{method}, log odds", conditions=conditions,
        )  # fmt: skip
        found[f"p_{key}"] = Quantity(
            value=float(fit.pvalues[place]),
            property="coefficient_p_value",
            method="Wald test",
            conditions=conditions or {"term": "intercept"},
        )
        if term and max(abs(low), abs(high)) < 300:
            per = {"term": term.name, "step": "1 " + (term.unit or "unit of the predictor")}
            found |= estimate(
                f"odds_ratio_{keys[term.name]}", math.exp(fit.params[place]), (math.exp(low), math.exp(high)),
                property="odds_ratio", confidence=confidence, method=method, conditions=per,
            )  # fmt: skip
    body = f"""
import numpy as np
import statsmodels.api as sm
terms = {[t.name for t in problem.terms]!r}
matrix = np.column_stack([np.ones(len(data["response"])), *(data[term] for term in terms)])
fit = sm.Logit(data["response"], matrix).fit(disp=0, maxiter=200)
results = dict(zip({names!r}, fit.params)) | {{"pseudo_r_squared": fit.prsquared, "aic": fit.aic}}
"""
    return ToolResult(
        quantities=found,
        data={"model": method, "response": problem.response, "terms": [t.name for t in problem.terms]},
        artifacts=save_script(
            context, f"Logistic regression of {problem.response}", _columns(problem), body, ("statsmodels",)
        ),
        source=Source(kind="computed", name=f"statsmodels {statsmodels.__version__}"),
        warnings=problem.warnings,
    )
