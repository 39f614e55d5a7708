"""The next experiment: Bayesian optimisation over factors with bounds and categories."""

from __future__ import annotations

import itertools
import math
import warnings as python_warnings
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ColumnName, ReadBy, Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import TABLES
from benchmate.tools.files import DataFile
from benchmate.tools.statistics.factors import Factor, factors_in, read_factors
from benchmate.tools.statistics.tables import read_table, slug

Array = NDArray[np.float64]
MOST_RUNS = 1_000
_CANDIDATES = 2_048  # quasi-random settings, half of them near the best ones known
_SAME = 1e-3  # of the range: closer settings are the same experiment
_EXPLORE = 0.01  # of the SD of the responses: what an improvement must exceed (Lizotte 2008)


@tool(
    domain="statistics",
    files=TABLES,
    extra="data",
    cost="slow",
    timeout=120,
    properties={
        "suggested_setting": "suggested setting, next setting, next experiment, recommended value",
        "predicted_response": "predicted response, expected response, predicted value",
        "expected_improvement": "expected improvement, acquisition value",
        "best_response": "best response so far, best result, best value",
        "runs": "number of runs, experiments so far, runs done",
        "noise": "noise, standard deviation of a repeated run",
    },
    examples=(
        "Which experiment should I run next, given these five yields?",
        "Suggest the next 3 reaction conditions to maximise yield from runs.csv",
        "Bayesian optimisation of temperature 20 to 100 degC and pH 4 to 9",
        "next point to try, minimise the impurity",
        "I have results for four settings of flow and temperature: what next?",
    ),
    example={
        "factors": [{"name": "temperature", "low": 20, "high": 100, "unit": "degC"}, {"name": "solvent", "levels": ["MeCN", "DMF"]}],
        "runs": [
            {"temperature": 30, "solvent": "MeCN"}, {"temperature": 60, "solvent": "DMF"},
            {"temperature": 90, "solvent": "MeCN"}, {"temperature": 75, "solvent": "DMF"},
        ],
        "responses": [31.0, 62.0, 48.0, 66.0],
    },
)  # fmt: skip
def suggest_next_experiment(
    context: ToolContext,
    factors: Annotated[list[Factor], ReadBy(factors_in)],
    runs: list[dict[str, float | str]] | None = None,
    responses: Annotated[list[float] | None, Unit("", "responses, yields, results, measured values")] = None,
    file: DataFile | None = None,
    response: Annotated[
        str | None,
        ColumnName(
            "raise, maximise, maximize, minimise, minimize, lower, increase, improve, reduce, optimise, optimize, response, best"
        ),
    ] = None,
    goal: Annotated[
        Literal["minimize", "maximize"],
        Said(
            {
                "minimize": "minimise, lower, lowest, reduce, smallest, as low as possible",
                "maximize": "maximise, raise, highest, increase, improve, best, as high as possible",
            }
        ),
    ] = "maximize",
    batch: Annotated[
        int,
        Unit("", "experiments at once, suggestions, next, conditions, experiments, runs, points"),
        Field(ge=1, le=20),
    ] = 1,
    noise: Annotated[
        float | None, Unit("", "noise, standard deviation of a repeat, repeatability"), Field(gt=0)
    ] = None,
    seed: Annotated[int, Unit("", "seed, random seed"), Field(ge=0, le=2**31)] = 1,
) -> ToolResult:
    """Suggest the settings of the next experiments by a Gaussian process and expected improvement.

    The Gaussian process has a Matérn 5/2 kernel with a length for each factor; its parameters and the noise are fitted to
    the runs. Suggestions lie within the bounds and repeat no run; a batch takes each suggestion as done with its predicted
    response before the next. Before there are two runs the settings are spread over the space.

    Raises InvalidInput: `no_data`, `two_sources`, `length_mismatch`, `not_finite`, `missing_factor`, `outside_bounds`,
    `unknown_level`, `too_large`, `exhausted`, `which_column`, `no_factors`, `same_name`, `unknown_unit`.

    Args:
        factors: The factors: name, low and high (or levels), unit.
        runs: The settings of the runs done, each by factor name.
        responses: The response of each run.
        file: A table of the runs done, with a column for each factor, in place of the lists.
        response: The column of the response in the table.
        goal: maximize or minimize the response.
        batch: How many experiments to suggest.
        noise: The standard deviation of a repeated run; fitted where it is not given.
        seed: The seed of the search.
    """
    named, _ = read_factors(factors, None)
    settings, values, warnings, unit = _runs(named, runs, responses, file, response)
    space = _Space(named)
    x = space.encode(settings, warnings)
    sign = 1.0 if goal == "maximize" else -1.0
    suggestions, facts = _suggest(space, x, sign * values, batch, noise, seed, warnings)
    quantities: dict[str, Quantity] = {"runs": Quantity(value=len(values), property="runs")}
    if len(values):
        best = int((sign * values).argmax())
        quantities["best_response"] = Quantity(
            value=float(values[best]),
            unit=unit,
            property="best_response",
            conditions={"goal": goal, "run": str(best + 1)},
        )
    if "noise" in facts:
        method = "given" if noise is not None else "maximum likelihood"
        quantities["noise"] = Quantity(value=facts["noise"], property="noise", method=method)
    shown = []
    for number, (point, expected) in enumerate(suggestions, 1):
        setting = space.decode(point)
        row: dict[str, Any] = {"settings": {f.name: v for f, v in zip(named, setting, strict=True)}}
        for factor, value in zip(named, setting, strict=True):
            if not isinstance(value, str):
                quantities[f"setting_{number}_{slug(factor.name)}"] = Quantity(
                    value=value, unit=_unit(factor), property="suggested_setting",
                    conditions={"factor": factor.name, "suggestion": str(number)},
                )  # fmt: skip
        if expected is not None:
            mean, deviation, improvement = expected
            quantities[f"predicted_{number}"] = Quantity(
                value=sign * mean, unit=unit, property="predicted_response", uncertainty=deviation, relation="~",
                method="Gaussian process", conditions={"suggestion": str(number)},
            )  # fmt: skip
            quantities[f"expected_improvement_{number}"] = Quantity(
                value=improvement, property="expected_improvement", conditions={"suggestion": str(number)}
            )
            row |= {
                "predicted": sign * mean,
                "standard_deviation": deviation,
                "expected_improvement": improvement,
            }
        shown.append(row)
    import sklearn

    return ToolResult(
        quantities=quantities,
        data={"goal": goal, "seed": seed, "suggestions": shown, **{k: v for k, v in facts.items() if k != "noise"}},
        source=Source(
            kind="computed", name=f"scikit-learn {sklearn.__version__}",
            reference="D. R. Jones, M. Schonlau and W. J. Welch, J. Global Optim. 13, 455 (1998)",
        ),
        warnings=tuple(warnings),
    )  # fmt: skip


def _unit(factor: Factor) -> str:
    from benchmate.tools.units import read_unit

    return read_unit(factor.unit).unit if factor.unit else ""


def _runs(
    factors: list[Factor], runs: list[dict[str, float | str]] | None, responses: list[float] | None, file: DataFile | None,
    response: str | None,
) -> tuple[list[list[float | str]], Array, list[str], str]:  # fmt: skip
    warnings: list[str] = []
    unit = ""
    if file is not None:
        if runs or responses:
            raise InvalidInput("two_sources", "there are runs and a file", hint="give one of them")
        if response is None:
            raise InvalidInput("which_column", "say which column of the file is the response")
        table = read_table(file)
        target = table.number_column(response).header
        columns, notes = table.complete([*(table.column(f.name).header for f in factors), target])
        warnings += [*table.warnings, *notes]
        values = columns[-1].numbers
        assert values is not None
        unit = columns[-1].unit
        parts = [c.labels() if c.numbers is None else c.numbers.tolist() for c in columns[:-1]]
        settings = [list(row) for row in zip(*parts, strict=True)]
    else:
        runs, responses = runs or [], responses or []
        if len(runs) != len(responses):
            raise InvalidInput(
                "length_mismatch", f"there are {len(runs)} runs and {len(responses)} responses"
            )
        for number, run in enumerate(runs, 1):
            for factor in factors:
                if factor.name not in run:
                    raise InvalidInput(
                        "missing_factor",
                        f"run {number} has no {factor.name!r}",
                        hint=f"it has {', '.join(run) or 'nothing'}",
                    )
        settings = [[run[f.name] for f in factors] for run in runs]
        values = np.asarray(responses, float)
    if len(values) > MOST_RUNS:
        raise InvalidInput("too_large", f"there are {len(values)} runs", hint=f"at most {MOST_RUNS}")
    if not np.isfinite(values).all():
        raise InvalidInput("not_finite", "a response is no finite number", hint="leave that run out")
    return settings, values, warnings, unit


class _Space:
    """Settings as points of the unit cube: numeric factors scaled, each level of the others an axis of its own."""

    def __init__(self, factors: list[Factor]) -> None:
        self.factors = factors
        self.widths = [1 if f.numeric else len(f.levels or []) for f in factors]
        self.numeric = [i for i, f in enumerate(factors) if f.numeric]
        self.levels = [range(len(f.levels or [])) for f in factors if not f.numeric]

    def encode(self, settings: list[list[float | str]], warnings: list[str]) -> Array:
        """Return [runs, axes]. Raises InvalidInput: `unknown_level`, `outside_bounds` far beyond; warns nearby."""
        rows = []
        for number, setting in enumerate(settings, 1):
            row: list[float] = []
            for factor, value in zip(self.factors, setting, strict=True):
                row += self._axes(factor, value, number, warnings)
            rows.append(row)
        return np.array(rows).reshape(len(settings), sum(self.widths))

    @staticmethod
    def _axes(factor: Factor, value: float | str, number: int, warnings: list[str]) -> list[float]:
        if factor.levels is not None:
            known = [str(level) if isinstance(level, str) else f"{level:g}" for level in factor.levels]
            text = value if isinstance(value, str) else f"{value:g}"
            if text not in known:
                raise InvalidInput(
                    "unknown_level",
                    f"run {number}: {text!r} is no level of {factor.name}",
                    hint=", ".join(known),
                )
            return [float(text == level) for level in known]
        if isinstance(value, str) or not math.isfinite(value):
            raise InvalidInput("not_finite", f"run {number}: {factor.name} is {value!r}, which is no number")
        assert factor.low is not None and factor.high is not None
        scaled = (value - factor.low) / (factor.high - factor.low)
        if not -1 <= scaled <= 2:
            raise InvalidInput(
                "outside_bounds", f"run {number}: {factor.name} = {value:g} lies far outside {factor.low:g} to {factor.high:g}",
                hint="check the unit, or widen the bounds",
            )  # fmt: skip
        if not -1e-9 <= scaled <= 1 + 1e-9:
            warnings.append(
                f"run {number}: {factor.name} = {value:g} is outside the bounds; it counts, and none like it is suggested"
            )
        return [scaled]

    def points(self, unit: Array, choice: NDArray[np.int64]) -> Array:
        """Return points from numeric coordinates [n, numeric] and level numbers [n, others]."""
        columns: list[Array] = []
        number = level = 0
        for factor, width in zip(self.factors, self.widths, strict=True):
            if factor.numeric:
                columns.append(unit[:, [number]])
                number += 1
            else:
                columns.append(np.eye(width)[choice[:, level]])
                level += 1
        return np.hstack(columns)

    def decode(self, point: Array) -> list[float | str]:
        setting: list[float | str] = []
        at = 0
        for factor, width in zip(self.factors, self.widths, strict=True):
            part = point[at : at + width]
            at += width
            setting.append(
                (factor.levels or [])[int(part.argmax())]
                if factor.levels
                else factor.setting(2 * float(part[0]) - 1)
            )
        return setting

    def candidates(self, count: int, near: Array, seed: int) -> Array:
        """Return quasi-random points of the space, and as many around the points `near`."""
        from scipy.stats import qmc

        generator = np.random.default_rng(seed)
        size = len(self.numeric)
        combinations = list(itertools.islice(itertools.product(*self.levels), 4096))
        if not size:
            return self.points(
                np.zeros((len(combinations), 0)),
                np.array(combinations, np.int64).reshape(len(combinations), -1),
            )
        unit = qmc.Sobol(size, seed=seed).random(count)
        picks = generator.integers(len(combinations), size=count)
        choice = np.array([combinations[i] for i in picks], np.int64).reshape(count, len(self.levels))
        spread = self.points(unit, choice)
        if not len(near):
            return spread
        around = near[generator.integers(len(near), size=count)].copy()
        columns = [i for i, numeric in enumerate(self._numeric_axes()) if numeric]
        scale = 10 ** generator.uniform(-2.5, -0.7, (count, 1))
        around[:, columns] = np.clip(around[:, columns] + scale * generator.normal(size=(count, size)), 0, 1)
        return np.vstack([spread, around])

    def _numeric_axes(self) -> list[bool]:
        return [f.numeric for f, width in zip(self.factors, self.widths, strict=True) for _ in range(width)]


def _suggest(
    space: _Space, x: Array, y: Array, batch: int, noise: float | None, seed: int, warnings: list[str]
) -> tuple[list[tuple[Array, tuple[float, float, float] | None]], dict[str, Any]]:
    """Return the suggested points, each with predicted mean, SD and expected improvement (None before two runs)."""
    if len(y) < 2:
        chosen = _spread(space, x, batch, seed)
        warnings.append(
            "with fewer than two runs there is nothing to learn from: the settings are spread over the space"
        )
        return [(point, None) for point in chosen], {"method": "space filling"}
    if len(y) < 2 * len(space.factors):
        warnings.append(
            f"{len(y)} runs for {len(space.factors)} factors: the suggestions explore more than they exploit"
        )
    mean, spread = float(y.mean()), float(y.std()) or 1.0
    scaled = (y - mean) / spread
    model = _model(x, scaled, None if noise is None else (noise / spread) ** 2, seed)
    level = noise if noise is not None else spread * math.sqrt(model.kernel_.k2.noise_level)
    found: list[tuple[Array, tuple[float, float, float] | None]] = []
    inside = np.all((x >= 0) & (x <= 1), axis=1)
    for place in range(batch):
        best = float(model.predict(x).max())  # of the model, so that one lucky noisy run is no target
        near = x[inside][np.argsort(-scaled[inside])[:3]]
        options = space.candidates(_CANDIDATES, near, seed + place)
        far = np.min(np.linalg.norm(options[:, None, :] - x[None, :, :], axis=2), axis=1) > _SAME
        if not far.any():
            raise InvalidInput(
                "exhausted", "every setting has been tried", hint="widen the bounds or repeat the best run"
            )
        options = options[far]
        expected, deviation = model.predict(options, return_std=True)
        improvement = _expected_improvement(expected, deviation, best)
        top = int(improvement.argmax())
        point = options[top]
        told = (
            mean + spread * float(expected[top]),
            spread * float(deviation[top]),
            spread * float(improvement[top]),
        )
        found.append((point, told))
        x, scaled = np.vstack([x, point]), np.append(scaled, expected[top])
        inside = np.append(inside, True)
        if place + 1 < batch:
            model = _refit(model, x, scaled)
    if found[0][1] is not None and found[0][1][2] < 1e-3 * spread:
        warnings.append("the expected improvement is small: more runs may bring little")
    return found, {
        "method": "expected improvement", "kernel": str(model.kernel_), "noise": float(level),
    }  # fmt: skip


def _spread(space: _Space, x: Array, batch: int, seed: int) -> list[Array]:
    """Return points far from each other and from the runs (greedy maximin)."""
    options = space.candidates(512, np.empty((0, x.shape[1])), seed)
    known = x
    chosen = []
    for _ in range(batch):
        if len(known):
            distance = np.min(np.linalg.norm(options[:, None, :] - known[None, :, :], axis=2), axis=1)
        else:
            distance = -np.linalg.norm(options - 0.5, axis=1)  # the first lies at the centre
        if len(known) and distance.max() <= _SAME:
            raise InvalidInput("exhausted", "every setting has been tried", hint="give fewer suggestions")
        point = options[int(distance.argmax())]
        chosen.append(point)
        known = np.vstack([known, point])
    return chosen


def _model(x: Array, y: Array, noise: float | None, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    level = WhiteKernel(0.01, (1e-6, 1.0)) if noise is None else WhiteKernel(max(noise, 1e-6), "fixed")
    kernel = ConstantKernel(1.0, (0.05, 20.0)) * Matern([0.3] * x.shape[1], (0.05, 5.0), nu=2.5) + level
    model = GaussianProcessRegressor(kernel, n_restarts_optimizer=2, random_state=seed, alpha=1e-8)
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore", ConvergenceWarning)  # a parameter at its bound
        return model.fit(x, y)


def _refit(model: Any, x: Array, y: Array) -> Any:
    """Return the model with more runs and the same kernel."""
    from sklearn.gaussian_process import GaussianProcessRegressor

    return GaussianProcessRegressor(model.kernel_, optimizer=None, alpha=1e-8).fit(x, y)


def _expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    from scipy.stats import norm

    gain = mean - best - _EXPLORE
    z = gain / np.maximum(deviation, 1e-12)
    return np.asarray(np.maximum(gain * norm.cdf(z) + deviation * norm.pdf(z), 0.0))
