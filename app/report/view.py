"""What a reader sees of a report, whatever the format: marks, links and words worked out, as plain text.

Mappings are shown in an order of their own: one read back from canonical JSON has lost the order it had.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from benchmate.agents.contracts import (
    Claim,
    EvidenceLine,
    Figure,
    Report,
    RunStatus,
    Table,
    VerdictMethod,
    VerdictStatus,
)
from benchmate.app.report.text import (
    Block,
    Run,
    blocks_of,
    one_line,
    plain_text,
    runs_of,
    shortened,
    words_of,
)
from benchmate.runtime.canonical import canonical_float
from benchmate.runtime.errors import InvalidInput, NotFound, StorageError
from benchmate.runtime.evidence import split_citation
from benchmate.runtime.quantity import Quantity, display_unit

if TYPE_CHECKING:
    from benchmate.runtime.artifacts import ArtifactStore

LONGEST_ARGUMENTS = 2000  # characters; a genome is an argument too
PICTURES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
_SAFE_ID = re.compile(r"[CE]-[0-9a-f]{6,64}")
_NUMBER = re.compile(r"[<>~≈±]?\s*[-−+]?\d")


@dataclass(frozen=True, slots=True)
class Mark:
    """A state as a glyph and a word, so that it never depends on colour."""

    glyph: str
    word: str


VERDICT_MARKS: dict[VerdictStatus, Mark] = {
    "supported": Mark("✓", "supported"),
    "contradicted": Mark("✗", "contradicted"),
    "insufficient": Mark("?", "insufficient"),
    "unchecked": Mark("–", "unchecked"),
}
DOUBT = ("contradicted", "insufficient", "unchecked", "supported")
STATUS_MARKS: dict[RunStatus, tuple[Mark, str]] = {
    "complete": (Mark("✓", "complete"), "Every step ended, and no check found a claim wrong."),
    "partial": (Mark("!", "partial"), "Part of what was asked for is missing."),
    "failed": (Mark("✗", "failed"), "Nothing that was asked for could be delivered."),
    "refused": (Mark("✗", "refused"), "Policy, or a person, did not allow what was asked for."),
    "budget": (Mark("!", "budget"), "The run reached its budget; this is what it had by then."),
}
METHODS: dict[VerdictMethod, str] = {
    "matched": "the value stands in the cited evidence",
    "derived": "recomputed from the cited values",
    "repeated": "the same call gave the same result again",
    "independent": "made again with the arguments that were read from your own words",
    "quoted": "the words stand in the cited text",
    "model-judged": "a model read the claim and the evidence",
    "none": "no check could be made",
}
LABELS = {
    "untrusted": "came from a paper, a page or another server",
    "private": "a person's unpublished data",
}


@dataclass(frozen=True, slots=True)
class CitationView:
    """`E-…#/quantities/logp`, where it leads (None: not in this report) and the value found there."""

    text: str
    anchor: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class ClaimView:
    anchor: str
    id: str
    text: tuple[Run, ...]
    mark: Mark
    method: str
    reason: str
    citations: tuple[CitationView, ...]
    derivation: str | None
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CellView:
    text: str
    anchor: str | None
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class ColumnView:
    title: str
    unit: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class TableView:
    title: str
    columns: tuple[ColumnView, ...]
    rows: tuple[tuple[CellView, ...], ...]


@dataclass(frozen=True, slots=True)
class FigureView:
    """`uri` is the picture as a data URI; without one, `problem` says why there is none."""

    title: str
    caption: tuple[Run, ...]
    alt: str
    uri: str | None
    problem: str
    file: str
    data_file: str | None
    script_file: str | None
    shows: tuple[CitationView, ...]


@dataclass(frozen=True, slots=True)
class QuantityView:
    anchor: str
    name: str
    value: str
    method: str
    conditions: str


@dataclass(frozen=True, slots=True)
class EvidenceView:
    anchor: str
    id: str
    tool: str
    version: str
    source: str
    reference: str | None
    link: str | None
    arguments: str
    quantities: tuple[QuantityView, ...]
    warnings: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FailureView:
    task: str
    given: str | None
    message: str
    hint: str | None
    code: str


class ReportView:
    """A report and its artifacts, ready to be laid out. It depends on those two alone."""

    def __init__(self, report: Report, artifacts: ArtifactStore) -> None:
        self.report = report
        self._artifacts = artifacts
        self._claim_anchors = _anchors((claim.id for claim in report.claims), "claim")
        self._evidence_anchors = _anchors((line.id for line in report.evidence), "evidence")
        self._claims = {claim.id: claim for claim in reversed(report.claims)}
        self._evidence = {line.id: line for line in reversed(report.evidence)}
        self._places = self._evidence_anchors | self._claim_anchors

    @property
    def title(self) -> str:
        return one_line(self.report.title) or "Report"

    @property
    def question(self) -> str | None:
        return one_line(self.report.question) if self.report.question else None

    @property
    def status(self) -> tuple[Mark, str]:
        return STATUS_MARKS[self.report.status]

    @property
    def run(self) -> str:
        return one_line(self.report.run)

    @property
    def started(self) -> str:
        """When the run began, in UTC."""
        return datetime.fromtimestamp(canonical_float(self.report.started_at), UTC).strftime(
            "%Y-%m-%d %H:%M UTC"
        )

    @property
    def counts(self) -> tuple[tuple[Mark, int], ...]:
        """How many claims have each verdict, those that occur, the best first."""
        counts = Counter(self._mark(identity).word for identity in self._claims)
        return tuple((mark, counts[mark.word]) for mark in VERDICT_MARKS.values() if counts[mark.word])

    @property
    def answer(self) -> tuple[Block, ...]:
        return blocks_of(self.report.answer, self._places, self.report.unbacked_digits)

    @property
    def unbacked(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, map(one_line, self.report.unbacked_digits))))

    @property
    def failures(self) -> tuple[FailureView, ...]:
        return tuple(
            FailureView(
                one_line(failure.task),
                shortened(one_line(failure.given), 200) if failure.given is not None else None,
                one_line(failure.error.message),
                one_line(failure.error.hint) if failure.error.hint else None,
                one_line(failure.error.code),
            )
            for failure in self.report.failures
        )

    @property
    def tables(self) -> tuple[TableView, ...]:
        return tuple(self._table(table) for table in self.report.tables)

    @cached_property
    def figures(self) -> tuple[FigureView, ...]:
        return tuple(self._figure(figure) for figure in self.report.figures)

    @cached_property
    def claims(self) -> tuple[ClaimView, ...]:
        """The claims, those in doubt first."""
        found = [self._claim(self._claims[identity]) for identity in self._claim_anchors]
        return tuple(sorted(found, key=lambda claim: DOUBT.index(claim.mark.word)))

    @property
    def methods(self) -> tuple[tuple[str, str], ...]:
        """The ways of checking that this report's verdicts name, and what each means."""
        used = {self._method(identity) for identity in self._claims}
        return tuple((name, meaning) for name, meaning in METHODS.items() if name in used - {"none"})

    @property
    def would_change(self) -> tuple[tuple[Run, ...], ...]:
        return tuple(self._line(text) for text in self.report.would_change)

    @cached_property
    def evidence(self) -> tuple[EvidenceView, ...]:
        return tuple(self._evidence_view(self._evidence[identity]) for identity in self._evidence_anchors)

    @property
    def versions(self) -> tuple[tuple[str, str], ...]:
        return tuple((one_line(k), one_line(v)) for k, v in sorted(self.report.versions.items()))

    @property
    def repeat(self) -> tuple[str, ...]:
        return tuple(plain_text(command).strip("\n") for command in self.report.repeat)

    @property
    def plan(self) -> tuple[tuple[str, str], ...]:
        """The tasks of the plan: what each was for, and what did it."""
        tasks = self.report.plan.tasks if self.report.plan else ()
        return tuple(
            (one_line(t.title) or words_of(t.id), one_line(t.tool or t.agent or t.kind)) for t in tasks
        )

    def _mark(self, claim_id: str) -> Mark:
        verdict = self.report.verdicts.get(claim_id)
        return VERDICT_MARKS[verdict.status if verdict else "unchecked"]

    def _method(self, claim_id: str) -> VerdictMethod:
        verdict = self.report.verdicts.get(claim_id)
        return verdict.method if verdict else "none"

    def _line(self, text: str) -> tuple[Run, ...]:
        return runs_of(text, self._places, self.report.unbacked_digits)

    def _table(self, table: Table) -> TableView:
        rows = tuple(
            tuple(
                CellView(
                    one_line(cell.text) or "—",
                    self._claim_anchors.get(cell.claim_id) if cell.claim_id else None,
                    self._mark(cell.claim_id) if cell.claim_id else None,
                )
                for cell in row
            )
            for row in table.rows
        )
        columns = []
        for index, column in enumerate(table.columns):
            filled = [r[index].text for r in rows if index < len(r) and r[index].text not in ("—", "–", "-")]
            numeric = bool(filled) and all(_NUMBER.match(text) for text in filled)
            columns.append(ColumnView(one_line(column.title), _unit(column.unit), numeric))
        return TableView(one_line(table.title), tuple(columns), rows)

    def _claim(self, claim: Claim) -> ClaimView:
        verdict = self.report.verdicts.get(claim.id)
        return ClaimView(
            self._claim_anchors[claim.id],
            one_line(claim.id),
            self._line(claim.text),
            self._mark(claim.id),
            "not checked" if self._method(claim.id) == "none" else self._method(claim.id),
            one_line(verdict.reason) if verdict else "the verifier did not look at it",
            tuple(self._citation(cite) for cite in claim.cites),
            one_line(claim.derivation) if claim.derivation else None,
            tuple(sorted(claim.labels)),
        )

    def _citation(self, cite: str) -> CitationView:
        identity, pointer = split_citation(cite)
        text = one_line(cite)
        if identity in self._claim_anchors:
            return CitationView(text, self._claim_anchors[identity], None)
        line = self._evidence.get(identity)
        if line is None:
            return CitationView(text, None, None)
        anchor = self._evidence_anchors[identity]
        key = pointer.removeprefix("/quantities/").replace("~1", "/").replace("~0", "~")
        if not pointer.startswith("/quantities/") or key not in line.quantities:
            return CitationView(text, anchor, None)
        position = sorted(line.quantities).index(key)
        return CitationView(text, f"{anchor}-{position}", line.quantities[key].format())

    def _figure(self, figure: Figure) -> FigureView:
        artifact, uri, problem = figure.artifact, None, ""
        if artifact.media_type not in PICTURES:
            problem = f"This file is no picture ({one_line(artifact.media_type)})."
        else:
            try:
                content = self._artifacts.get(artifact.sha)
            except (NotFound, StorageError) as error:
                problem = f"The picture cannot be shown: {one_line(error.info.message)}."
            else:
                uri = f"data:{artifact.media_type};base64,{base64.b64encode(content).decode()}"
        title, caption = one_line(figure.title), one_line(figure.caption)
        return FigureView(
            title,
            self._line(caption),
            ". ".join(part.rstrip(".") for part in (title, caption) if part) or one_line(artifact.name),
            uri,
            problem,
            f"artifacts/{one_line(artifact.sha)}",
            f"artifacts/{one_line(figure.data.sha)}" if figure.data else None,
            f"artifacts/{one_line(figure.script.sha)}" if figure.script else None,
            tuple(self._citation(shown) for shown in figure.shows),
        )

    def _evidence_view(self, line: EvidenceLine) -> EvidenceView:
        anchor = self._evidence_anchors[line.id]
        reference = one_line(line.reference) if line.reference else None
        return EvidenceView(
            anchor,
            one_line(line.id),
            one_line(line.tool),
            one_line(line.tool_version),
            one_line(line.source),
            reference,
            _link(reference),
            shortened(one_line(line.arguments), LONGEST_ARGUMENTS),
            tuple(
                _quantity(f"{anchor}-{index}", key, quantity)
                for index, (key, quantity) in enumerate(sorted(line.quantities.items()))
            ),
            tuple(one_line(warning) for warning in line.warnings),
            tuple(sorted(line.labels)),
        )


def _anchors(ids: Iterable[str], name: str) -> dict[str, str]:
    """Return a fragment for each id: the id itself where it is safe in a link."""
    return {
        identity: identity if _SAFE_ID.fullmatch(identity) else f"{name}-{position}"
        for position, identity in enumerate(dict.fromkeys(ids))
    }


def _quantity(anchor: str, key: str, quantity: Quantity) -> QuantityView:
    conditions = quantity.conditions or {}
    name = words_of(quantity.property)
    return QuantityView(
        anchor,
        name if key == quantity.property else f"{name} [{one_line(key)}]",
        quantity.format(),
        one_line(quantity.method or "") or "—",
        "; ".join(f"{words_of(k)}: {one_line(v)}" for k, v in sorted(conditions.items())) or "—",
    )


def _unit(unit: str) -> str:
    try:
        return display_unit(unit)
    except InvalidInput:  # a column may be headed by words
        return one_line(unit)


def _link(reference: str | None) -> str | None:
    """Return where a reference leads: a web address or a DOI, or None."""
    if reference is None:
        return None
    if re.fullmatch(r"https?://[^\s<>\"'`\\]+", reference):
        return reference
    doi = re.fullmatch(r"(?:doi:\s*)?(10\.\d{4,9}/[^\s<>\"'`\\]+)", reference, re.IGNORECASE)
    return f"https://doi.org/{doi[1]}" if doi else None
