"""The picture of a fit: the data with the curve, and the residuals below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmate.tools.base import Artifact, ToolContext
from benchmate.tools.plots import Panel, Series, save_plot
from benchmate.tools.statistics.pairs import Pairs

Array = NDArray[np.float64]
_CURVE_POINTS = 300


def plot_fit(
    context: ToolContext,
    title: str,
    pairs: Pairs,
    curves: Sequence[tuple[str, Callable[[Array], Array]]],
    residuals: Array,
    *,
    x_log: bool = False,
    groups: Sequence[tuple[str, NDArray[np.bool_]]] = (),
) -> tuple[Artifact, ...]:
    """Save a plot of pairs with fitted curves over their range, and of the residuals over x.

    `groups` splits the points into series with names. On a logarithmic axis, points at zero are left out.
    """
    shown = pairs.x > 0 if x_log else np.ones(pairs.size, bool)
    low, high = float(pairs.x[shown].min()), float(pairs.x[shown].max())
    if x_log:
        line = np.geomspace(low / 2, high * 2, _CURVE_POINTS)
    else:
        margin = 0.03 * (high - low)
        # not below zero where the data are not: many curves have no value there
        first = low - margin if low < 0 else max(low - margin, low / 2)
        line = np.linspace(first, high + margin, _CURVE_POINTS)
    series = [
        Series(label=label, x=_list(pairs.x[rows & shown]), y=_list(pairs.y[rows & shown]), style="points")
        for label, rows in (groups or [("data", np.ones(pairs.size, bool))])
        if (rows & shown).any()
    ]
    series += [Series(label=label, x=_list(line), y=_list(curve(line))) for label, curve in curves]
    labels: dict[str, Any] = {
        "x_label": pairs.x_name,
        "x_unit": pairs.x_unit,
        "y_unit": pairs.y_unit,
        "x_log": x_log,
    }
    zero = Series(label="", x=[float(line[0]), float(line[-1])], y=[0.0, 0.0])
    left = Series(label="", x=_list(pairs.x[shown]), y=_list(residuals[shown]), style="points")
    return save_plot(
        context,
        title,
        [
            Panel(y_label=pairs.y_name, series=series, **labels),
            Panel(y_label="residual", series=[left, zero], **labels),
        ],
    )


def _list(values: Array) -> list[float]:
    return [float(v) for v in values]
