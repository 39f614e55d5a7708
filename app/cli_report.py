"""A run's outcome and its journal as a terminal shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from benchmate.app import output
from benchmate.app.report.text import one_line, shortened
from benchmate.app.report.view import LABELS, VERDICT_MARKS
from benchmate.runtime.errors import ErrorInfo
from benchmate.runtime.quantity import Quantity

if TYPE_CHECKING:
    from benchmate.agents.contracts import Report
    from benchmate.app.runs import RunOutcome
    from benchmate.runtime.journal import Record

MOST_CLAIMS = 30  # in a terminal; the report has all
LONGEST = 200  # characters of a claim or an event
_STYLES = {"supported": "green", "contradicted": "bold red", "insufficient": "yellow", "unchecked": "dim"}


def outcome_view(outcome: RunOutcome) -> RenderableType:
    """Return the answer, the claims with their marks, what failed, and where the report is."""
    parts: list[RenderableType] = []
    if outcome.answer and outcome.waiting is None:
        parts.append(output.paragraph(outcome.answer))
    report = outcome.report
    if report is not None:
        parts += [*_claims(report), *_cautions(report), *_failures(report)]
    if outcome.waiting is not None:
        parts.append(output.paragraph(f"waiting for approval: {outcome.waiting.message}", "yellow"))
    parts += ["", _ending(outcome)]
    return Group(*parts)


def _claims(report: Report) -> Iterator[RenderableType]:
    if not report.claims:
        return
    rows = []
    for claim in report.claims[:MOST_CLAIMS]:
        verdict = report.verdicts.get(claim.id)
        status = verdict.status if verdict else "unchecked"
        how = verdict.method if verdict and verdict.method != "none" else VERDICT_MARKS[status].word
        if verdict and status != "supported":
            how = f"{VERDICT_MARKS[status].word}: {one_line(verdict.reason)}"
        rows.append(
            (
                Text(VERDICT_MARKS[status].glyph, style=_STYLES[status]),
                Text(shortened(one_line(claim.text), LONGEST) + _labels(claim.labels)),
                Text(how, style="dim" if status == "supported" else _STYLES[status]),
            )
        )
    yield ""
    yield output.grid(rows)
    if len(report.claims) > MOST_CLAIMS:
        yield Text(f"… and {len(report.claims) - MOST_CLAIMS} more in the report", style="dim")


def _labels(labels: Iterable[str]) -> str:
    return "".join(f" [{label}: {LABELS[label]}]" for label in sorted(labels))


def _cautions(report: Report) -> Iterator[RenderableType]:
    if report.unbacked_digits:
        digits = ", ".join(one_line(digit) for digit in report.unbacked_digits)
        yield ""
        yield output.paragraph(f"no evidence holds these numbers of the answer: {digits}", "yellow")


def _failures(report: Report) -> Iterator[RenderableType]:
    if report.failures:
        yield ""
    for failure in report.failures:
        given = f" ({shortened(one_line(failure.given), 60)})" if failure.given else ""
        yield output.paragraph(f"failed: {failure.task}{given}: {one_line(failure.error.message)}", "red")
        if failure.error.hint:
            yield output.paragraph(f"        {one_line(failure.error.hint)}", "yellow")


def _ending(outcome: RunOutcome) -> RenderableType:
    if outcome.status == "waiting":
        return output.paragraph(
            f"`benchmate resume {outcome.folder} --approve`, or --reject, answers it", "dim"
        )
    page = outcome.folder / "report.html"
    where = f"report: {page}" if page.is_file() else f"kept in {outcome.folder}"
    return output.paragraph(f"{outcome.status}; {where}", "dim")


def report_view(outcome: RunOutcome) -> RenderableType:
    """Return the whole report of a run on disk, as Markdown itself when it goes into a pipe.

    A run without a report shows its calls and how it stands.
    """
    from rich.markdown import Markdown

    from benchmate.app.report.markdown import render_markdown
    from benchmate.runtime.artifacts import ArtifactStore

    if outcome.report is None:
        return Group(*_calls(outcome), outcome_view(outcome))
    text = render_markdown(outcome.report, ArtifactStore(outcome.folder / "artifacts"))
    if not output.console().is_terminal:
        return text
    text = text.partition("\n[figure-1]: ")[0]  # the pictures, which no terminal shows
    return Group(Markdown(text, hyperlinks=False), "", _ending(outcome))


def _calls(outcome: RunOutcome) -> Iterator[RenderableType]:
    from benchmate.app.cli_tools import evidence_view
    from benchmate.runtime.calls import evidence_in
    from benchmate.runtime.journal import open_existing

    journal = open_existing(outcome.folder)
    try:
        for evidence in evidence_in(journal):
            yield Text(evidence.tool, style="bold cyan")
            yield evidence_view(evidence)
    finally:
        journal.close()


# --- the journal --------------------------------------------------------------------------------------------


def journal_view(records: Sequence[Record]) -> RenderableType:
    """Return journal records as lines: when, what, of which task, and the gist."""
    return Group(*map(_line, records))


def record_document(record: Record) -> dict[str, Any]:
    """Return a journal record as JSON data."""
    fields = ("seq", "kind", "task", "attempt", "call_key", "at", "body", "hash")
    return {name: getattr(record, name) for name in fields}


def _line(record: Record) -> Text:
    at = datetime.fromtimestamp(record.at).strftime("%H:%M:%S.%f")[:-3]
    task = record.task if record.attempt <= 1 else f"{record.task} ({record.attempt})"
    return Text.assemble(
        (at, "dim"),
        f"  {record.kind:<15}",
        (f" {task:<12} ", "cyan"),
        shortened(one_line(_gist(record)), LONGEST),
    )


def _gist(record: Record) -> str:
    body = record.body
    if record.kind == "call.started":
        return f"{body['name']} {_compact(body.get('arguments', {}))}"
    if record.kind == "call.finished":
        if "error" in body:
            return f"{body['name']} failed: {ErrorInfo.model_validate(body['error'])}"
        result = body.get("result") or {}
        numbers = [
            f"{key} {Quantity.model_validate(value).format()}"
            for key, value in (result.get("quantities") or {}).items()
        ]
        return f"{body['name']} {', '.join(numbers)}".rstrip()
    return _compact(body)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
