"""Pictures of results for a report. They draw values that other calls gave, and say which."""

from __future__ import annotations

import csv
import io
import textwrap
import warnings

from benchmate.runtime.canonical import canonical_float
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import display_unit, format_number
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.plot_script import COLOURS, SETTINGS

MOST_BARS = 60  # more cannot be read on one page
LONGEST_LABEL = 32  # characters in the drawing; the CSV holds all of it
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@tool(domain="internal")
def draw_comparison(
    title: str,
    quantity: str,
    unit: str,
    labels: list[str],
    values: list[float],
    sources: list[str],
    context: ToolContext,
) -> ToolResult:
    """Draw one quantity of several things as horizontal bars, with a CSV of the values and their sources.

    Raises InvalidInput: `length_mismatch`, `not_finite`, `nothing_to_draw`, `too_many_bars`, `unknown_unit`.

    Args:
        title: What the picture shows.
        quantity: The property on the axis, in snake_case.
        unit: The unit of every value; empty for a plain number.
        labels: What each bar is called, from top to bottom.
        values: The value of each bar.
        sources: The citation behind each value, E-…#/quantities/….
    """
    values = _checked(quantity, labels, values, sources)
    shown_unit = display_unit(unit)
    svg, notes = _bars(
        _drawable(title), _axis_label(quantity, shown_unit), [_drawable(x) for x in labels], values
    )
    picture = context.save("comparison.svg", "image/svg+xml", svg)
    table = context.save("comparison.csv", "text/csv", _csv(quantity, unit, labels, values, sources))
    import matplotlib

    return ToolResult(
        data={"bars": len(values), "quantity": quantity, "unit": unit, "sources": list(sources)},
        artifacts=(picture, table),
        source=Source(kind="computed", name=f"Matplotlib {matplotlib.__version__}"),
        warnings=notes,
    )


def _checked(quantity: str, labels: list[str], values: list[float], sources: list[str]) -> list[float]:
    if not len(labels) == len(values) == len(sources):
        raise InvalidInput(
            "length_mismatch",
            f"{len(labels)} labels, {len(values)} values and {len(sources)} sources do not match",
            hint="give one label and one source for each value",
        )
    if not values:
        raise InvalidInput("nothing_to_draw", f"there are no values of {quantity} to draw")
    if len(values) > MOST_BARS:
        raise InvalidInput(
            "too_many_bars",
            f"{len(values)} bars cannot be read in one picture",
            hint=f"draw at most {MOST_BARS}, such as the highest and the lowest",
        )
    checked = []
    for label, value in zip(labels, values, strict=True):
        try:
            checked.append(canonical_float(value))
        except InvalidInput as error:
            raise InvalidInput(
                "not_finite",
                f"the {quantity} of {label!r} is {value}",
                hint=error.hint,
                details={"label": label},
            ) from None
    return checked


def _bars(
    title: str, axis_label: str, labels: list[str], values: list[float]
) -> tuple[bytes, tuple[str, ...]]:
    """Return the drawing as SVG, always the same bytes, and warnings about letters that have no picture."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(SETTINGS), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure = Figure(figsize=(6.4, 1.4 + 0.36 * len(values)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        places = range(len(values))
        bars = axes.barh(places, values, height=0.62, color=COLOURS[0])
        axes.bar_label(bars, [format_number(v).replace("-", "−") for v in values], padding=4)
        axes.set_yticks(
            places, [x if len(x) <= LONGEST_LABEL else f"{x[: LONGEST_LABEL - 1]}…" for x in labels]
        )
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.axvline(0, color="#444444", linewidth=1)
        axes.margins(x=0.16)
        axes.grid(axis="x", color="#dddddd", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.set_xlabel(axis_label)
        figure.suptitle("\n".join(textwrap.wrap(title, 60, max_lines=3)), x=0.01, ha="left", fontsize=12)
        drawn = io.BytesIO()
        figure.savefig(
            drawn, format="svg", facecolor="white", metadata={"Date": None, "Creator": None, "Title": title}
        )
    unseen = any("missing from" in str(w.message) for w in caught)
    note = "some letters of the title or the labels have no picture in the font; the CSV holds them"
    return drawn.getvalue(), (note,) if unseen else ()


def _axis_label(quantity: str, unit: str) -> str:
    name = _drawable(quantity.replace("_", " "))
    return f"{name} ({unit})" if unit else name


def _drawable(text: str) -> str:
    """Return `text` on one line without characters that SVG, which is XML, cannot hold."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


def _csv(quantity: str, unit: str, labels: list[str], values: list[float], sources: list[str]) -> bytes:
    """Return the values as CSV. A text that a spreadsheet would run as a formula gets an apostrophe first."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(("label", "quantity", "value", "unit", "source"))
    for label, value, source in zip(labels, values, sources, strict=True):
        texts = [f"'{x}" if x.startswith(_FORMULA_STARTS) else x for x in (label, quantity, unit, source)]
        writer.writerow((texts[0], texts[1], repr(value), *texts[2:]))
    return lines.getvalue().encode()
