"""Plots that tools make: a picture with labelled axes, its data as CSV, and the script that draws it again."""

from __future__ import annotations

import csv
import io
import math
import pprint
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import display_unit
from benchmate.tools.base import Artifact, ToolContext

# what is added to the drawing script for one plot
_RUN = """

PLOT = {plot}

if __name__ == "__main__":
    import sys
    from pathlib import Path

    data, picture = sys.argv[1:3] or ("{name}.csv", "{name}.svg")
    Path(picture).write_bytes(draw(PLOT, Path(data).read_text("utf-8")))
"""
MOST_POINTS = 20_000  # of one series in a picture; longer series are thinned by minimum and maximum

Style = Literal["line", "points", "steps", "sticks", "bars"]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Series(_Spec):
    """One series of a panel: y over x, with errors of y where they are known. None in y is a gap."""

    label: str = ""
    x: list[float]
    y: list[float | None]
    error: list[float | None] | None = None
    style: Style = "line"


class Mark(_Spec):
    """A vertical line with a word, such as a pick or a peak."""

    x: float
    label: str


class Panel(_Spec):
    """One pair of axes. `x_label` and `y_label` name the quantity; the units go into brackets after it."""

    x_label: str
    y_label: str
    x_unit: str = ""
    y_unit: str = ""
    series: list[Series] = Field(min_length=1)
    marks: list[Mark] = []
    x_names: list[str] = Field([], description="What stands at x = 1, 2, …, in place of numbers: categories.")
    x_log: bool = False
    y_log: bool = False
    x_reversed: bool = False
    y_reversed: bool = False
    equal: bool = False


def save_plot(
    context: ToolContext, title: str, panels: Sequence[Panel], name: str = "plot"
) -> tuple[Artifact, ...]:
    """Draw the panels one above another and return the artifacts NAME.svg, NAME.csv and NAME.py.

    `python NAME.py NAME.csv AGAIN.svg` draws the same picture, byte for byte. A series of more than 20,000 points is
    thinned to the least and the greatest value of each stretch.

    Raises InvalidInput: `nothing_to_draw`, `length_mismatch`, `not_finite` (an x that is no number).
    """
    from benchmate.tools import plot_script

    thinned = [p.model_copy(update={"series": [_thin(_checked(s)) for s in p.series]}) for p in panels]
    table = _csv(thinned)
    spec: dict[str, object] = {"title": " ".join(title.split()), "panels": [_described(p) for p in thinned]}
    script = Path(plot_script.__file__).read_text("utf-8") + _RUN.format(plot=_python(spec), name=name)
    return (
        context.save(f"{name}.svg", "image/svg+xml", plot_script.draw(spec, table)),
        context.save(f"{name}.csv", "text/csv", table.encode()),
        context.save(f"{name}.py", "text/x-python", script.encode()),
    )


def _python(spec: dict[str, object]) -> str:
    return pprint.pformat(spec, width=110, sort_dicts=False)


def _checked(series: Series) -> Series:
    if not len(series.x) == len(series.y) == len(series.error or series.x):
        raise InvalidInput(
            "length_mismatch", f"{series.label or 'the series'} has {len(series.x)} x and {len(series.y)} y"
        )
    if not any(y is not None and math.isfinite(y) for y in series.y):
        raise InvalidInput("nothing_to_draw", f"{series.label or 'the series'} holds no number to draw")
    if not all(map(math.isfinite, series.x)):
        raise InvalidInput("not_finite", f"an x of {series.label or 'the series'} is no finite number")
    return series


def _thin(series: Series) -> Series:
    size = len(series.x)
    if size <= MOST_POINTS:
        return series
    stretch = math.ceil(2 * size / MOST_POINTS)
    kept: set[int] = set()
    for start in range(0, size, stretch):
        known = [i for i in range(start, min(start + stretch, size)) if series.y[i] is not None]
        if not known:
            kept.add(start)
            continue
        kept |= {min(known, key=lambda i: series.y[i] or 0.0), max(known, key=lambda i: series.y[i] or 0.0)}
    order = sorted(kept)
    return series.model_copy(
        update={
            "x": [series.x[i] for i in order],
            "y": [series.y[i] for i in order],
            "error": [series.error[i] for i in order] if series.error else None,
        }
    )


def _described(panel: Panel) -> dict[str, object]:
    unit = {axis: display_unit(u) for axis, u in (("x", panel.x_unit), ("y", panel.y_unit))}
    plain = panel.model_dump(exclude={"series", "x_unit", "y_unit"})
    return {
        **plain,
        "x_label": f"{panel.x_label} ({unit['x']})" if unit["x"] else panel.x_label,
        "y_label": f"{panel.y_label} ({unit['y']})" if unit["y"] else panel.y_label,
        "series": [{"label": s.label, "style": s.style} for s in panel.series],
    }


def _csv(panels: Sequence[Panel]) -> str:
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(("panel", "series", "x", "y", "error"))
    for number, panel in enumerate(panels):
        for place, series in enumerate(panel.series):
            errors = series.error or [None] * len(series.x)
            for x, y, error in zip(series.x, series.y, errors, strict=True):
                shown = y if y is not None and math.isfinite(y) else None
                writer.writerow(
                    (number, place, repr(x), *("" if v is None else repr(v) for v in (shown, error)))
                )
    return lines.getvalue()
