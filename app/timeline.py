"""When a run did what: its calls on a line of time, from the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmate.runtime.errors import NotFound
from benchmate.runtime.journal import Record, open_existing

if TYPE_CHECKING:
    from rich.console import RenderableType

BAR = 28  # columns of the line of time


@dataclass(frozen=True)
class Span:
    """A call: whose, of what, when it began after the run did, how long it took in seconds, and how it ended."""

    task: str
    type: str
    name: str
    start: float
    seconds: float
    ended: str  # ok, failed, cited, unfinished


def timeline(folder: Path) -> list[Span]:
    """Return the calls of a run in the order they began. Raises NotFound (`no_such_run`)."""
    journal = open_existing(folder)
    try:
        opened = journal.first("run.opened")
        if opened is None:
            raise NotFound("no_such_run", f"{folder} was opened but nothing was asked of it")
        ends: dict[tuple[str, int, str], list[Record]] = {}
        for record in journal.records("call.finished"):
            ends.setdefault((record.task, record.attempt, record.call_key), []).append(record)
        spans = []
        for record in journal.records("call.started"):
            waiting = ends.get((record.task, record.attempt, record.call_key), [])
            end = waiting.pop(0) if waiting else None
            cited = end is not None and "cites" in end.body
            ended = (
                "unfinished"
                if end is None
                else "cited"
                if cited
                else "failed"
                if "error" in end.body
                else "ok"
            )
            seconds = 0.0 if end is None or cited else float(end.body.get("elapsed", end.at - record.at))
            start = 0.0 if cited else max(0.0, record.at - opened.at)
            spans.append(
                Span(record.task, record.body["type"], record.body["name"], round(start, 3), seconds, ended)
            )
    finally:
        journal.close()
    return spans


def document(spans: Sequence[Span]) -> list[dict[str, Any]]:
    """Return the spans as plain data."""
    return [asdict(span) for span in spans]


def view(spans: Sequence[Span]) -> RenderableType:
    """Return the spans as lines for 80 columns: task, call, seconds, and a bar where on the line of time they lie."""
    from rich.console import Group

    return Group(*_lines(spans))


def _lines(spans: Sequence[Span]) -> Iterator[RenderableType]:
    from rich.text import Text

    from benchmate.app.report.text import one_line, shortened

    whole = max((s.start + s.seconds for s in spans), default=0.0) or 1.0
    styles = {"ok": "green", "failed": "red", "cited": "dim", "unfinished": "yellow"}
    for span in spans:
        begin = min(BAR - 1, int(span.start / whole * BAR))
        length = max(1, round(span.seconds / whole * BAR))
        bar = (" " * begin + "█" * length)[:BAR].ljust(BAR)
        took = (
            "cited"
            if span.ended == "cited"
            else f"{span.seconds:.2f} s"
            if span.ended != "unfinished"
            else "?"
        )
        line = Text(
            f"{shortened(one_line(span.task), 12):<13}{shortened(one_line(span.name), 25):<26}{took:>9}  "
        )
        line.append(bar, style=styles[span.ended])
        yield line
    if not spans:
        yield Text("no calls were made")
