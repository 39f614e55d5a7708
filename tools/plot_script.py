"""Draws a plot from its CSV. Users get this file beside each figure, with the description of theirs: it needs Matplotlib alone."""

from __future__ import annotations

import csv
import io
import itertools
from typing import Any

COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)  # Okabe and Ito (2008)
SETTINGS: Any = {
    "svg.hashsalt": "benchmate",  # the same picture has the same bytes
    "svg.fonttype": "path",  # a viewer without the font, or with another, shows the same picture
    "text.parse_math": False,  # a `$` in a name is a `$`
    "font.family": ["DejaVu Sans"],  # comes with Matplotlib
    "font.size": 11,
    "axes.unicode_minus": True,
}


def draw(spec: dict[str, Any], table: str) -> bytes:
    """Return the picture as SVG, always the same bytes for the same input.

    `spec` holds `title` and `panels`; each panel has `x_label`, `y_label` and `series` (`label`, `style`), and may have
    `x_log`, `y_log`, `x_reversed`, `y_reversed`, `equal` (one scale for both axes), `x_names` (of x = 1, 2, …) and `marks` (`x`, `label`). `table` is
    CSV with the columns panel, series, x, y, error.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    rows = list(csv.DictReader(io.StringIO(table)))
    with rc_context(SETTINGS):
        panels = spec["panels"]
        figure = Figure(figsize=(7.2, max(3.6, 0.9 + 2.4 * len(panels))), layout="constrained")
        FigureCanvasSVG(figure)
        for number, panel in enumerate(panels):
            axes = figure.add_subplot(len(panels), 1, number + 1)
            for place, series in enumerate(panel["series"]):
                own = [r for r in rows if r["panel"] == str(number) and r["series"] == str(place)]
                draw_series(axes, series, own, COLOURS[place % len(COLOURS)])
            finish(axes, panel)
        figure.suptitle(spec["title"], x=0.01, ha="left", fontsize=12)
        drawn = io.BytesIO()
        metadata = {"Date": None, "Creator": None, "Title": spec["title"]}
        figure.savefig(drawn, format="svg", facecolor="white", metadata=metadata)
    return drawn.getvalue()


def draw_series(axes: Any, series: dict[str, Any], rows: list[dict[str, str]], colour: str) -> None:
    """Draw one series: a `line`, `points`, `steps`, `sticks` from zero, or `bars`; a gap where y is empty."""
    x = [float(r["x"]) for r in rows]
    y = [float(r["y"]) if r["y"] else float("nan") for r in rows]
    errors = (
        [float(r["error"]) if r["error"] else 0.0 for r in rows] if any(r["error"] for r in rows) else None
    )
    style, label = series["style"], series["label"] or None
    if style == "sticks":
        axes.vlines(x, 0, y, color=colour, linewidth=1.2, label=label)
    elif style == "bars":
        steps = [b - a for a, b in itertools.pairwise(x) if b > a]
        axes.bar(x, y, width=0.9 * min(steps, default=1.0), color=colour, label=label, yerr=errors)
    elif style == "points":
        axes.errorbar(x, y, yerr=errors, fmt="o", markersize=4, capsize=2, color=colour, label=label)
    else:
        axes.plot(
            x,
            y,
            color=colour,
            linewidth=1.3,
            label=label,
            drawstyle="steps-mid" if style == "steps" else "default",
        )


def _plain(value: float, _: Any = None) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def finish(axes: Any, panel: dict[str, Any]) -> None:
    """Label the axes, draw the marks and the legend."""
    axes.set_xlabel(panel["x_label"])
    axes.set_ylabel(panel["y_label"])
    axes.set_xscale("log" if panel.get("x_log") else "linear")
    axes.set_yscale("log" if panel.get("y_log") else "linear")
    for axis in [a for a, log in ((axes.xaxis, "x_log"), (axes.yaxis, "y_log")) if panel.get(log)]:
        low, high = sorted(axis.get_view_interval())
        axis.set_major_formatter(_plain)  # Matplotlib's own writes formulas, which are not drawn here
        axis.set_minor_formatter(_plain if high < 10 * low else "")
    if names := panel.get("x_names"):
        axes.set_xticks(range(1, len(names) + 1), names)
    axes.xaxis.set_inverted(bool(panel.get("x_reversed")))
    axes.yaxis.set_inverted(bool(panel.get("y_reversed")))
    if panel.get("equal"):
        axes.set_aspect("equal", adjustable="datalim")
    for mark in panel.get("marks", ()):
        axes.axvline(mark["x"], color="#666666", linewidth=1, linestyle="--")
        axes.annotate(
            mark["label"], (mark["x"], 0.98), xycoords=("data", "axes fraction"), xytext=(3, 0),
            textcoords="offset points", va="top", fontsize=9, color="#444444",
        )  # fmt: skip
    axes.grid(color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if any(series["label"] for series in panel["series"]) and len(panel["series"]) > 1:
        axes.legend(frameon=False, fontsize=9)
