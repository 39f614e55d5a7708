"""Earthquake catalogues: completeness, b-value, rates."""

from __future__ import annotations

import csv
import io
import math
from typing import Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput, did_you_mean
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import CATALOGUES
from benchmate.tools.files import DataFile
from benchmate.tools.plots import Mark, Panel, Series, save_plot

LEAST_EVENTS = 30  # above completeness; fewer give no useful b-value
MOST_EVENTS = 1_000_000
CORRECTION = 0.2  # added to the maximum-curvature Mc (Woessner and Wiemer 2005)
_MAGNITUDE_COLUMNS = ("mag", "magnitude", "mw", "ml", "mb", "ms", "m")


@tool(
    domain="earth",
    files=CATALOGUES,
    extra="earth",
    properties={
        "b_value": "b-value, b value, Gutenberg-Richter slope",
        "a_value": "a-value, Gutenberg-Richter productivity",
        "completeness_magnitude": "magnitude of completeness, completeness, Mc",
        "event_count": "number of events, events, earthquakes in the catalogue",
        "largest_magnitude": "largest magnitude, strongest earthquake",
        "mean_magnitude": "mean magnitude above completeness, mean magnitude",
    },
    examples=(
        "What is the b-value of catalog.xml?",
        "Gutenberg-Richter fit of events.csv",
        "magnitude of completeness of my catalogue quakes.csv",
        "b value for magnitudes [2.1, 2.0, 2.3, 3.1, 2.2]",
        "How complete is the catalogue events.qml?",
    ),
    example={
        "magnitudes": [round(2.0 + 0.1 * (n % 7) * (n % 3) + 0.1 * (n % 2), 1) for n in range(120)],
        "completeness": 2.0,
    },
)
def analyze_catalog(
    context: ToolContext,
    magnitudes: Annotated[
        list[float] | None, Unit("", "magnitudes, magnitude list"), Field(max_length=MOST_EVENTS)
    ] = None,
    file: DataFile | None = None,
    bin_width: Annotated[float, Unit("", "bin width, binning, magnitude step"), Field(ge=0, le=1)] = 0.1,
    completeness: Annotated[float | None, Unit("", "Mc, completeness magnitude, above magnitude")] = None,
) -> ToolResult:
    """Estimate completeness and the Gutenberg-Richter b-value of an earthquake catalogue, by maximum likelihood.

    b = log10(e) / (mean M - (Mc - ΔM/2)) (Aki 1965 with the binning correction of Utsu 1966), its standard error after Shi
    and Bolt (1982). Mc by maximum curvature + 0.2 (Woessner and Wiemer 2005) unless given.

    Raises InvalidInput: `missing_argument`, `bad_file`, `too_few_events`, `not_finite`.

    Args:
        magnitudes: The magnitudes.
        file: A catalogue instead: QuakeML, or CSV with a magnitude column.
        bin_width: The step in which magnitudes were rounded; 0 for exact ones.
        completeness: The magnitude from which on the catalogue is complete, if known.
    """
    if (magnitudes is None) == (file is None):
        raise InvalidInput("missing_argument", "give magnitudes or a file", hint="one of the two")
    values = magnitudes if magnitudes is not None else _magnitudes(file)
    if not all(map(math.isfinite, values)):
        raise InvalidInput("not_finite", "a magnitude is no number")
    notes: list[str] = []
    if completeness is None:
        completeness = _maximum_curvature(values, bin_width or 0.1)
        notes.append("completeness by maximum curvature tends to be low; look at the figure")
        how = "maximum curvature + 0.2"
    else:
        how = "given"
    above = [m for m in values if m >= completeness - 1e-9]
    if len(above) < LEAST_EVENTS:
        raise InvalidInput(
            "too_few_events",
            f"only {len(above)} of {len(values)} events reach Mc {completeness:g}",
            hint=f"{LEAST_EVENTS} are the least",
        )
    mean = sum(above) / len(above)
    excess = mean - (completeness - bin_width / 2)
    if excess <= 0:
        raise InvalidInput("too_few_events", "all events above completeness have the same magnitude")
    b = math.log10(math.e) / excess
    variance = sum((m - mean) ** 2 for m in above) / (len(above) * (len(above) - 1))
    error = math.log(10) * b**2 * math.sqrt(variance)
    a = math.log10(len(above)) + b * completeness
    if bin_width == 0 and len({round(m, 1) for m in above}) == len(set(above)):
        notes.append("the magnitudes look rounded to 0.1; bin_width 0 biases b")
    if not 0.5 <= b <= 1.6:
        notes.append(f"b = {b:.2f} is unusual: check completeness, magnitude types and the bin width")
    method = "maximum likelihood (Aki 1965, Utsu 1966), error by Shi and Bolt 1982"
    conditions = {"Mc": f"{completeness:g}", "bin width": f"{bin_width:g}", "events": str(len(above))}
    quantities = {
        "b_value": Quantity(
            value=b, uncertainty=error, property="b_value", method=method, conditions=conditions
        ),
        "a_value": Quantity(
            value=a,
            property="a_value",
            method="log10 N + b Mc, over the catalogue's time",
            conditions=conditions,
        ),
        "completeness_magnitude": Quantity(value=completeness, property="completeness_magnitude", method=how),
        "event_count": Quantity(value=len(values), property="event_count", method="events with a magnitude"),
        "largest_magnitude": Quantity(
            value=max(values), property="largest_magnitude", method="largest in the catalogue"
        ),
        "mean_magnitude": Quantity(value=mean, property="mean_magnitude", conditions=conditions),
    }
    return ToolResult(
        data={"events_above_completeness": len(above)},
        quantities=quantities,
        artifacts=_figure(context, values, completeness, a, b, bin_width or 0.1),
        source=Source(kind="computed", name="benchmate", reference="doi:10.1785/BSSA0720051677"),
        warnings=tuple(notes),
    )


def _maximum_curvature(values: list[float], width: float) -> float:
    counts: dict[int, int] = {}
    for m in values:
        place = round(m / width)
        counts[place] = counts.get(place, 0) + 1
    if not counts:
        raise InvalidInput("too_few_events", "there are no magnitudes")
    fullest = max(counts, key=lambda place: (counts[place], place))
    return round(fullest * width + CORRECTION, 6)


def _magnitudes(file: DataFile | None) -> list[float]:
    assert file is not None
    if file.suffix == ".csv":
        return _from_csv(file)
    import obspy

    try:
        events: Any = obspy.read_events(io.BytesIO(file.content()))
    except (TypeError, ValueError, OSError) as error:
        raise file.bad(f"is no catalogue: {str(error)[:100]}", "QuakeML, or CSV with a column mag") from None
    found = []
    for event in events:
        chosen = event.preferred_magnitude() or (event.magnitudes[0] if event.magnitudes else None)
        if chosen is not None and chosen.mag is not None:
            found.append(float(chosen.mag))
    return found


def _from_csv(file: DataFile) -> list[float]:
    rows = list(csv.DictReader(io.StringIO(file.text())))
    heads = {head.strip().lower(): head for head in rows[0]} if rows else {}
    column = next((heads[name] for name in _MAGNITUDE_COLUMNS if name in heads), None)
    if column is None:
        raise file.bad("has no magnitude column", did_you_mean("mag", heads))
    try:
        return [float(row[column]) for row in rows if (row[column] or "").strip()]
    except ValueError as error:
        raise file.bad(f"column {column}: {error}") from None


def _figure(
    context: ToolContext, values: list[float], mc: float, a: float, b: float, width: float
) -> tuple[Any, ...]:
    low, high = math.floor(min(values) / width), math.ceil(max(values) / width)
    steps = [round(n * width, 6) for n in range(low, min(high, low + 2000) + 1)]
    cumulative = [float(sum(m >= s - width / 2 for m in values)) for s in steps]
    line = [s for s in steps if s >= mc]
    panel = Panel(
        x_label="magnitude", y_label="number of events at or above", y_log=True,
        series=[
            Series(label="observed", x=steps, y=[c or None for c in cumulative], style="points"),
            Series(label=f"b = {b:.2f}", x=line, y=[10 ** (a - b * s) for s in line]),
        ],
        marks=[Mark(x=mc, label="Mc")],
    )  # fmt: skip
    return save_plot(context, "Frequency-magnitude distribution", [panel], name="frequency_magnitude")
