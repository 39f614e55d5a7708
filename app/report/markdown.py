"""The report as Markdown that reads well as plain text too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from benchmate.agents.contracts import Report
from benchmate.app.report.text import Block, Run
from benchmate.app.report.view import (
    LABELS,
    VERDICT_MARKS,
    CellView,
    CitationView,
    ClaimView,
    EvidenceView,
    FailureView,
    FigureView,
    Mark,
    ReportView,
    TableView,
)

if TYPE_CHECKING:
    from benchmate.runtime.artifacts import ArtifactStore

_COMMANDS = re.compile(r"[\\`*\[\]|~$]|(?<!\w)_|_(?!\w)|(?<!\S)#")
_TAG = re.compile(r"<(?=\S)")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_LINE_START = re.compile(r"^(?:([+=:>-])|(\d{1,9})([.)]))")
_NOT_BACKED, _NOT_HERE = r"\[not backed\]", r"\[not in this report\]"


def render_markdown(report: Report, artifacts: ArtifactStore) -> str:
    """Return the report as CommonMark with tables. The same report and artifacts give the same text.

    Pictures are data URIs at the end, so that the text above stays readable. Everything from outside is
    escaped: it shows as it was written and commands nothing.
    """
    view = ReportView(report, artifacts)
    return "\n".join(_lines(view)) + "\n"


def _lines(view: ReportView) -> Iterator[str]:
    yield from _head(view)
    yield from _answer(view)
    if view.failures:
        yield from _section("What failed, and why", map(_failure, view.failures))
    if view.tables:
        legend = " · ".join(map(_sign, VERDICT_MARKS.values()))
        yield from ("", "## Tables", "", f"Each value leads to its claim. {legend}")
        for table in view.tables:
            yield from _table(table)
    if view.figures:
        yield from ("", "## Figures")
        for number, figure in enumerate(view.figures, start=1):
            yield from _figure(figure, number)
    if view.claims:
        yield from _section("Claims", map(_claim, view.claims))
        yield ""
        for name, meaning in view.methods:
            yield f"* *{name}*: {escape(meaning)}"
    if view.would_change:
        yield from _section("What would change the conclusion", (f"* {_runs(r)}" for r in view.would_change))
    yield from ("", "## Evidence")
    for line in view.evidence:
        yield from _evidence(line)
    if not view.evidence:
        yield from ("", "No tool gave a result.")
    for heading, pairs in (("Versions", view.versions),):
        if pairs:
            yield from _section(heading, (f"* {escape(name)}: {escape(value)}" for name, value in pairs))
    yield from _repeat(view)
    for number, figure in enumerate(view.figures, start=1):
        if figure.uri:
            yield from ("", f"[figure-{number}]: {figure.uri}")


def _head(view: ReportView) -> Iterator[str]:
    mark, meaning = view.status
    yield f"# {escape(view.title)}"
    if view.question and view.question != view.title:
        yield from ("", f"> {escape(view.question, at_start=True)}")
    yield from ("", f"**{mark.glyph} {mark.word.capitalize()}.** {meaning}", "")
    if view.counts:
        yield f"* claims: {', '.join(f'{m.glyph} {n} {m.word}' for m, n in view.counts)}"
    if view.failures:
        yield f"* not delivered: {len(view.failures)}"
    yield f"* run: {code(view.run)}"
    yield f"* started: {view.started}"


def _answer(view: ReportView) -> Iterator[str]:
    yield from ("", "## Answer")
    for block in view.answer:
        yield ""
        yield from _block(block)
    if not view.answer:
        yield from ("", "There is no answer.")
    if view.unbacked:
        numbers = ", ".join(f"**{escape(number)}**" for number in view.unbacked)
        one = len(view.unbacked) == 1
        yield ""
        yield (
            f"> ⚠ No evidence, name or input holds {'this number' if one else 'these numbers'}; "
            f"do not rely on {'it' if one else 'them'}: {numbers}."
        )


def _block(block: Block) -> Iterator[str]:
    if block.bullets:
        yield from (f"* {_runs(item)}" for item in block.items)
    else:
        yield _runs(block.items[0])


def _failure(failure: FailureView) -> str:
    subject = failure.given if failure.given is not None else failure.task
    hint = f" {_sentence(failure.hint)}" if failure.hint else ""
    where = f"(step {escape(failure.task)}, error {code(failure.code)})"
    return f"* ✗ **{escape(subject)}**: {_sentence(failure.message)}{hint} {where}"


def _table(table: TableView) -> Iterator[str]:
    yield from ("", f"### {escape(table.title)}", "")
    titles = (f"{escape(c.title)} ({escape(c.unit)})" if c.unit else escape(c.title) for c in table.columns)
    yield _row(titles)
    yield _row("---:" if c.numeric else "---" for c in table.columns)
    yield from (_row(map(_cell, row)) for row in table.rows)


def _cell(cell: CellView) -> str:
    text = f"[{escape(cell.text)}](#{cell.anchor})" if cell.anchor else escape(cell.text)
    return f"{text} {cell.mark.glyph}" if cell.mark else text


def _figure(figure: FigureView, number: int) -> Iterator[str]:
    yield ""
    if figure.uri:
        yield f"![{escape(figure.alt)}][figure-{number}]"
    else:
        yield escape(figure.problem, at_start=True)
    yield ""
    caption = f" {_runs(figure.caption, at_start=False)}" if figure.caption else ""
    shows = f" Shows {', '.join(map(_citation, figure.shows))}." if figure.shows else ""
    behind = f", data: {code(figure.data_file)}" if figure.data_file else ""
    behind += f", script: {code(figure.script_file)}" if figure.script_file else ""
    yield f"**{escape(figure.title)}**{caption}{shows} File: {code(figure.file)}{behind}"


def _claim(claim: ClaimView) -> str:
    derivation = f"{code(claim.derivation)} of " if claim.derivation else ""
    cites = ", ".join(map(_citation, claim.citations)) or "cites no evidence"
    reason = f": {_sentence(claim.reason)}" if claim.reason else "."
    statement = _runs(claim.text, at_start=False) + _labels(claim.labels)
    return (
        f'* <a id="{claim.anchor}"></a>{_sign(claim.mark)}: {statement}\n'
        f"  *{claim.method}*{reason} {derivation}{cites} ({code(claim.id)})"
    )


def _evidence(line: EvidenceView) -> Iterator[str]:
    tool = f"{escape(line.tool)} version {escape(line.version)}"
    yield ""
    yield f'### <a id="{line.anchor}"></a>{escape(line.id)} {tool}{_labels(line.labels)}'
    yield from ("", f"* Arguments: {code(line.arguments)}")
    reference = ""
    if line.link:
        reference = f" · [{escape(line.reference or '')}](<{line.link}>)"
    elif line.reference:
        reference = f" · {escape(line.reference)}"
    yield f"* Source: {escape(line.source)}{reference}"
    yield from (f"* ⚠ Warning: {escape(warning)}" for warning in line.warnings)
    if line.quantities:
        yield from (
            "",
            _row(("Quantity", "Value", "Method", "Conditions")),
            _row(("---", "---:", "---", "---")),
        )
        for q in line.quantities:
            name = f'<a id="{q.anchor}"></a>{escape(q.name)}'
            yield _row((name, escape(q.value), escape(q.method), escape(q.conditions)))


def _repeat(view: ReportView) -> Iterator[str]:
    if not view.repeat and not view.plan:
        return
    yield from ("", "## How to repeat it")
    if view.repeat:
        fence = _fence("\n".join(view.repeat), 3)
        yield from ("", f"{fence}sh", *view.repeat, fence)
    if view.plan:
        yield from ("", f"The plan had {len(view.plan)} {'step' if len(view.plan) == 1 else 'steps'}:", "")
        for number, (title, doer) in enumerate(view.plan, start=1):
            yield f"{number}. {escape(title, at_start=True)} ({code(doer)})"


def _section(heading: str, lines: Iterable[str]) -> Iterator[str]:
    yield from ("", f"## {heading}", "", *lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _sign(mark: Mark) -> str:
    return f"{mark.glyph} {mark.word}"


def _labels(names: Sequence[str]) -> str:
    return "".join(rf" **\[{name}: {LABELS[name]}\]**" for name in names)


def _citation(citation: CitationView) -> str:
    value = f" ({escape(citation.value)})" if citation.value else ""
    if citation.anchor is None:
        return f"{code(citation.text)} {_NOT_HERE}"
    return f"[{escape(citation.text)}](#{citation.anchor}){value}"


def _runs(runs: Sequence[Run], *, at_start: bool = True) -> str:
    """Return a line of prose. `at_start`: it begins a block, where `#`, `-` and `1.` would mean something."""
    parts = []
    for position, run in enumerate(runs):
        text = escape(run.text, at_start=at_start and position == 0)
        if run.kind == "link":
            text = f"[{text}](#{run.target})"
        elif run.kind == "unbacked":
            text = f"**{escape(run.text)}** {_NOT_BACKED}"
        elif run.kind == "dangling":
            text = f"{text} {_NOT_HERE}"
        parts.append(text)
    return "".join(parts)


def _sentence(text: str) -> str:
    return escape(text if text.endswith((".", "!", "?")) else f"{text}.")


def escape(text: str, *, at_start: bool = False) -> str:
    """Return `text`, one line, so that Markdown shows it as it is."""
    text = _ENTITY.sub("&amp;", text)
    text = _COMMANDS.sub(lambda m: f"\\{m[0]}", text)
    text = _TAG.sub("&lt;", text)
    if at_start:
        text = _LINE_START.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", text)
    return text


def code(text: str) -> str:
    """Return `text`, one line, as a code span that it cannot leave."""
    if not text:
        return "(empty)"
    fence = _fence(text, 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _fence(text: str, shortest: int) -> str:
    """Return more backticks than `text` has in a row, so that it cannot end the code it stands in."""
    return "`" * max(shortest, 1 + max(map(len, re.findall("`+", text)), default=0))
