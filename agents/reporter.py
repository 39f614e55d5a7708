"""The reporter: one Report from plan, results and verdicts. It states nothing of its own; answers are put together from claims."""

from __future__ import annotations

import itertools
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from benchmate.agents import checks
from benchmate.agents.attachments import attachments_of
from benchmate.agents.contracts import (
    Claim,
    EvidenceLine,
    Failure,
    Figure,
    Plan,
    Report,
    RunStatus,
    Table,
    TableCell,
    TableColumn,
    TaskResult,
    Verdict,
    value_text,
)
from benchmate.agents.intake import Intake
from benchmate.agents.ledger import EvidenceIndex
from benchmate.agents.phrases import Phrases
from benchmate.agents.verifier import allowed_phrases
from benchmate.agents.wording import FLAG, RANK, words_for
from benchmate.runtime.calls import ends_run
from benchmate.runtime.canonical import canonical_json
from benchmate.runtime.context import RunContext, TaskScope
from benchmate.runtime.errors import BenchmateError
from benchmate.runtime.evidence import Evidence, split_citation
from benchmate.runtime.quantity import Quantity, display_unit
from benchmate.tools.calls import call_tool
from benchmate.tools.registry import load_registry

SCOPE = "report"
MOST_ROWS = 200
MOST_CLAIMS = 1000
_KNOWN_ID = re.compile(r"CAS \d{2,7}-\d\d-\d|CID \d+")  # ids as the tables of names give them
EMPTY_LIBRARY = "the library is empty"  # as search_library says it
VERSIONED = ("benchmate", "rdkit", "chemicals", "biopython", "pint", "chromadb", "langgraph")


async def make_report(
    context: RunContext, plan: Plan, intake: Intake, results: Sequence[TaskResult], verdicts: Sequence[Verdict],
    refused: bool = False,
) -> Report:  # fmt: skip
    """Return the run's report. A figure is drawn where a ranked or tabulated number compares across subjects."""
    by_claim = {v.claim_id: v for v in verdicts}
    claims = [c for r in results for c in r.claims]
    index = EvidenceIndex.of(context)
    opened = context.journal.first("run.opened")
    failures = failures_of(plan, results)
    answer = answer_of(plan, results, by_claim, failures, refused, index)
    written = [r.output for r in results if plan.by_id[r.task].kind == "report" and r.output]
    options: dict[str, Any] = written[-1] if written else {}
    known = compounds_of(results, index)
    tables = comparison_tables(claims, known)
    return Report(
        run=context.run_id,
        title=str(options.get("title") or plan.title),
        question=plan.question,
        started_at=opened.at if opened else 0.0,
        status=run_status(results, by_claim, refused, asked=plan.question is not None),
        answer=answer,
        tables=tuple(tables),
        figures=tuple(
            [
                *given_figures(plan),
                *evidence_figures(results, index),
                *await comparison_figures(context, claims, index),
            ]
        ),
        claims=tuple(claims[:MOST_CLAIMS]),
        verdicts={c.id: by_claim[c.id] for c in claims[:MOST_CLAIMS] if c.id in by_claim},
        unbacked_digits=tuple(_unbacked(answer, plan, results, index, intake)),
        failures=tuple(failures),
        would_change=tuple(would_change(claims, by_claim, index, failures, known)),
        evidence=tuple(evidence_lines(results, index)),
        versions=dict(opened.body.get("versions", {})) if opened else {},
        repeat=(f"benchmate replay {context.run_id}", f"benchmate show {context.run_id} --events"),
        plan=plan,
    )


def package_versions() -> dict[str, str]:
    """Return the versions of what results depend on; recorded when a run opens."""
    found = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def run_status(
    results: Sequence[TaskResult], verdicts: Mapping[str, Verdict], refused: bool, asked: bool = True
) -> RunStatus:
    """Return the status of the whole run: complete only when something came out, nothing failed, nothing was contradicted.

    Evidence alone answers no question; where nobody asked one, it is part of what a workflow can give.
    """
    states = {r.status for r in results}
    if refused or (states and states <= {"refused", "skipped"} and "refused" in states):
        return "refused"
    if "budget" in states:
        return "budget"
    if not any(map(_says_something, results)):
        return "failed" if asked or not any(r.evidence for r in results) else "partial"
    wrong = any(v.status in ("contradicted", "insufficient") for v in verdicts.values())
    short = any(i.status == "failed" for r in results for i in r.items)
    return "partial" if wrong or short or states & {"failed", "partial", "refused"} else "complete"


def _says_something(result: TaskResult) -> bool:
    answered = result.answer and result.status != "failed"  # a model that gives up says so in words
    return bool(result.claims or answered or result.artifacts)


def failures_of(plan: Plan, results: Sequence[TaskResult]) -> list[Failure]:
    """Return everything asked for and not delivered: per item where a batch failed in part."""
    failures = []
    for result in results:
        items = [i for i in result.items if i.error is not None]
        failures += [
            Failure(task=result.task, given=i.given or None, error=i.error) for i in items if i.error
        ]
        if result.error is not None and not items:
            failures.append(Failure(task=result.task, given=None, error=result.error))
    return failures


def answer_of(
    plan: Plan,
    results: Sequence[TaskResult],
    verdicts: Mapping[str, Verdict],
    failures: Sequence[Failure],
    refused: bool,
    index: Mapping[str, Sequence[Evidence]],
) -> str:
    """Return the answer: the supported claims of the last tasks that state any, and plainly what could not be done."""
    if refused:
        return "The plan was not approved, so nothing was run."
    parts: list[str] = []
    for result in results:
        if result.answer:
            parts.append(result.answer)
    if plan.question is not None and not parts:
        for result in results:
            good = [c for c in result.claims if _supported(c, verdicts)]
            if any(
                c.kind == "quote" for c in good
            ):  # the passages answer, not how near they are to the query
                good = [c for c in good if c.kind == "quote"]
            parts += [c.text for c in good if not (c.derivation and c.value is False)]
            parts += [f"Made {a.name}; it is in the report." for a in result.artifacts if not result.claims]
    elif plan.question is None:
        parts += _summary(results, verdicts)
    if not parts and not any(map(_says_something, results)):
        parts += _nothing_came_out(results, index)
    parts += [
        f"Not done: {plan.by_id[r.task].title or r.task}: {n}." for r in _left_out(results) for n in r.notes
    ]
    parts += [f"Cannot answer{f' for {f.given}' if f.given else ''}: {f.error}." for f in failures[:10]]
    if len(failures) > 10:
        parts.append("More failures are listed below.")
    lines = list(dict.fromkeys(p.replace("..", ".") for p in parts))
    if len(lines) > 1:
        lines = [f"- {line}" for line in lines]
    return "\n".join(lines) or "No claim came out of this run."


def _left_out(results: Sequence[TaskResult]) -> list[TaskResult]:
    return [r for r in results if r.status == "skipped"][:10]


def _nothing_came_out(
    results: Sequence[TaskResult], index: Mapping[str, Sequence[Evidence]]
) -> Iterator[str]:
    """Yield why calls that went well let nothing be said, and what to do about it."""
    for identity in itertools.islice(dict.fromkeys(e for r in results for e in r.evidence), 10):
        evidence = index[identity][-1]
        for warning in evidence.result.warnings:
            yield f"{warning[:1].upper()}{warning[1:]}."
        if any(EMPTY_LIBRARY in warning for warning in evidence.result.warnings):
            yield "`benchmate ingest PATH` puts papers and notes into the library."
        elif "passages" not in evidence.result.data:
            yield (
                f"{evidence.tool} gave no value for what was asked; "
                f"`benchmate tool show {evidence.tool}` lists what it gives."
            )


def _summary(results: Sequence[TaskResult], verdicts: Mapping[str, Verdict]) -> list[str]:
    lines = []
    for result in results:
        ranked = [c for c in result.claims if (c.property or "").startswith(RANK) and _supported(c, verdicts)]
        lines += [c.text for c in ranked[:1]]
        raised: dict[str, list[str]] = {}
        for claim in result.claims:
            if (
                (claim.property or "").startswith(FLAG)
                and claim.value is True
                and _supported(claim, verdicts)
                and claim.subject
            ):
                raised.setdefault((claim.property or "").removeprefix(FLAG), []).append(claim.subject.label)
        lines += [f"Flag “{name}”: {', '.join(labels)}." for name, labels in raised.items()]
    if not lines:
        claims = [c for r in results for c in r.claims if _supported(c, verdicts)]
        lines = [c.text for c in claims[:12]]
    return lines


def _supported(claim: Claim, verdicts: Mapping[str, Verdict]) -> bool:
    return claim.id in verdicts and verdicts[claim.id].status == "supported"


class Given(NamedTuple):
    """One way in which a compound was given: what it was called, the person's own id, and the id that a table knows."""

    label: str
    own_id: str | None
    known_id: str | None

    def __str__(self) -> str:
        return f"{self.label} ({self.own_id})" if self.own_id and self.own_id != self.label else self.label


def compounds_of(results: Sequence[TaskResult], index: EvidenceIndex) -> dict[str, list[Given]]:
    """Return every way in which each identity was given, in the order of the tasks and their items."""
    found: dict[str, dict[tuple[str, str | None], Given]] = {}
    for identity in dict.fromkeys(e for r in results for e in r.evidence):
        for compound in index.compounds.get(identity, ()):
            number = compound.registry_id
            known = number if number and _KNOWN_ID.fullmatch(number) else None
            given = Given(compound.label, None if known else number, known)
            found.setdefault(compound.key, {}).setdefault((given.label, given.own_id), given)
    ways: dict[str, list[Given]] = {}
    for key, several in found.items():
        with_id = {g.label for g in several.values() if g.own_id}
        ways[key] = [g for g in several.values() if g.own_id or g.label not in with_id]
    return ways


def duplicates(known: Mapping[str, Sequence[Given]]) -> list[str]:
    """Return a line for each entry whose structure came with an earlier one: by another name, or with another id."""
    lines = []
    for ways in known.values():
        first = ways[0]
        for other in ways[1:]:
            if other.label.lower() != first.label.lower() or other.own_id != first.own_id:
                lines.append(f"{other} has the same structure as {first}; in tables they share a row.")
    return lines


def _id_column(known: Mapping[str, Sequence[Given]], keys: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Return the title of the column of ids and its cells: the person's own ids if there are any, else those of a table."""
    ways = {key: known.get(key, ()) for key in keys}
    own = {k: dict.fromkeys(g.own_id for g in several if g.own_id) for k, several in ways.items()}
    if any(own.values()):
        return "Registry id", {key: ", ".join(ids) for key, ids in own.items()}
    listed = {k: dict.fromkeys(g.known_id for g in several if g.known_id) for k, several in ways.items()}
    if all(i.startswith("CAS ") for ids in listed.values() for i in ids):
        return "CAS", {k: ", ".join(i.removeprefix("CAS ") for i in ids) for k, ids in listed.items()}
    return "Identifier", {key: ", ".join(ids) for key, ids in listed.items()}


def comparison_tables(claims: Sequence[Claim], known: Mapping[str, Sequence[Given]]) -> list[Table]:
    """Return one table of subjects by properties, in ranked order where there is a ranking; flags stand as a column.

    What came with the same structure shares a row, called by the first.
    """
    rows: dict[str, dict[str, Claim]] = {}
    labels: dict[str, str] = {}
    columns: dict[str, TableColumn] = {}
    for claim in claims:
        if claim.subject is None or claim.property is None or claim.kind == "quote":
            continue
        if claim.property.startswith(FLAG):
            continue
        labels.setdefault(claim.subject.key, claim.subject.label)
        rows.setdefault(claim.subject.key, {}).setdefault(claim.property, claim)
        base = claim.property.removeprefix(RANK)
        title = f"{'rank by ' if base != claim.property else ''}{property_words(base)}"
        columns.setdefault(
            claim.property,
            TableColumn(property=claim.property, title=title, unit=display_unit(claim.unit or "")),
        )
    if len(rows) < 2 or not columns:
        return []
    ranks = [c for c in columns if c.startswith(RANK)]
    keys = (
        sorted(rows, key=lambda k: float(rows[k][ranks[0]].value or 0) if ranks[0] in rows[k] else 1e9)
        if ranks
        else list(rows)
    )
    flags: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.subject and (claim.property or "").startswith(FLAG) and claim.value is True:
            flags.setdefault(claim.subject.key, []).append(claim)
    id_title, registry = _id_column(known, rows)
    shows_ids = any(registry.values())
    head = [TableColumn(property="subject", title="Subject")]
    head += [TableColumn(property="registry_id", title=id_title)] if shows_ids else []
    body = []
    rest = [name for name in columns if name not in ranks]
    head += [columns[name] for name in ranks]
    head += [TableColumn(property="flags", title="Flags")] if flags else []
    head += [columns[name] for name in rest]
    for key in keys[:MOST_ROWS]:
        row = [TableCell(text=labels[key])]
        row += [TableCell(text=registry[key])] if shows_ids else []
        row += [_cell(rows[key].get(name)) for name in ranks]
        if flags:
            own = flags.get(key, [])
            text = ", ".join((c.property or "").removeprefix(FLAG) for c in own) or "none"
            row.append(TableCell(text=text, claim_id=own[0].id if own else None))
        row += [_cell(rows[key].get(name)) for name in rest]
        body.append(tuple(row))
    return [Table(title="Comparison", columns=tuple(head), rows=tuple(body))]


def _cell(claim: Claim | None) -> TableCell:
    return TableCell(text=value_text(claim.value, None), claim_id=claim.id) if claim else TableCell(text="—")


def given_figures(plan: Plan) -> list[Figure]:
    """Return the pictures that were given."""
    return [
        Figure(title=a.name, artifact=a.artifact, caption="As it was given.")
        for a in attachments_of(plan)
        if a.kind == "image"
    ]


def evidence_figures(results: Sequence[TaskResult], index: EvidenceIndex) -> list[Figure]:
    """Return the pictures that the run's own tasks made, each with its data and its script where it has them."""
    figures = []
    for result in results:
        pictures = any(a.media_type.startswith("image/") for a in result.artifacts)
        for identity in result.evidence if pictures else ():
            evidence = index[identity][-1]
            files = {a.name: a for a in evidence.result.artifacts}
            entity = next(iter(evidence.result.entities), None)
            for artifact in evidence.result.artifacts:
                if not artifact.media_type.startswith("image/"):
                    continue
                stem = artifact.name.rpartition(".")[0]
                data = files.get(f"{stem}.csv")
                label = entity.label if entity else load_registry()[evidence.tool].summary.rstrip(".")
                what = stem.replace("_", " ").replace("-", " ")
                title = f"{what[:1].upper()}{what[1:]}: {label}" if data and what != "plot" else label
                figures.append(
                    Figure(
                        title=title,
                        artifact=artifact,
                        data=data,
                        script=files.get(f"{stem}.py"),
                        caption=str(entity.details.get("smiles", "")) if entity else "",
                        shows=(identity,),
                    )
                )
    return figures[:MOST_ROWS]


async def comparison_figures(
    context: RunContext, claims: Sequence[Claim], index: EvidenceIndex
) -> list[Figure]:
    """Return a plot of the ranked property, or of the first property that at least three subjects share."""
    groups: dict[str, dict[str, Claim]] = {}
    for claim in claims:
        if claim.kind == "numeric" and claim.subject and claim.property:
            groups.setdefault(claim.property, {}).setdefault(claim.subject.key, claim)
    ranked = [(c.property or "").removeprefix(RANK) for c in claims if (c.property or "").startswith(RANK)]
    candidates = [*ranked, *groups]
    chosen = next((n for n in candidates if 3 <= len(groups.get(n, {})) <= 40 and _varies(groups[n])), None)
    if chosen is None:
        return []
    group = sorted(groups[chosen].values(), key=lambda c: -float(c.value or 0))
    what = property_words(chosen)
    arguments: dict[str, Any] = {
        "title": f"{what[:1].upper()}{what[1:]} compared", "quantity": what, "unit": display_unit(group[0].unit or ""),
        "labels": [c.subject.label for c in group if c.subject], "values": [float(c.value or 0) for c in group],
        "sources": [c.cites[0] for c in group],
    }  # fmt: skip
    try:
        evidence = await call_tool(context, TaskScope(SCOPE), "draw_comparison", arguments)
    except BenchmateError as error:
        if ends_run(error):
            raise
        context.emit_notice(f"no figure: {error}")
        return []
    picture = next(a for a in evidence.result.artifacts if a.media_type.startswith("image/"))
    data = next((a for a in evidence.result.artifacts if a.media_type == "text/csv"), None)
    caption = "Values as in the table."
    return [
        Figure(
            title=arguments["title"],
            artifact=picture,
            data=data,
            caption=caption,
            shows=tuple(c.id for c in group),
        )
    ]


def property_words(name: str) -> str:
    """Return how a reader calls a property, in the words of the first tool that measures it."""
    for tool in load_registry().values():
        if name in tool.properties:
            return words_for(tool, name)
    return name.replace("_", " ")


def _varies(group: Mapping[str, Claim]) -> bool:
    return len({c.value for c in group.values()}) > 1


def _quantities(claim: Claim, index: EvidenceIndex) -> list[Quantity]:
    found = []
    for citation in claim.cites:
        identity, pointer = split_citation(citation)
        if identity in index:
            try:
                value = index[identity][-1].resolve(pointer)
            except BenchmateError:
                continue
            found += [value] if isinstance(value, Quantity) else []
    return found


def _unbacked(
    answer: str, plan: Plan, results: Sequence[TaskResult], index: EvidenceIndex, intake: Intake
) -> list[str]:
    """Return the numbers in the answer that no claim, no cited value, no name and no input holds."""
    claims = [c for r in results for c in r.claims]
    numbers = [
        (float(c.value), "")
        for c in claims
        if isinstance(c.value, (int, float)) and not isinstance(c.value, bool)
    ]
    if plan.question is None:
        numbers += [(float(n), "") for n in range(len(claims) + len(results) + 1)]
    phrases = _phrases(plan, results, index, intake)
    loose = checks.unbacked_digits(answer, phrases, numbers)
    if loose:  # reading all evidence again takes long, and is seldom needed
        numbers += checks.numbers_of(q for c in claims for q in _quantities(c, index))
        loose = checks.unbacked_digits(answer, phrases, numbers)
    return loose


def _phrases(plan: Plan, results: Sequence[TaskResult], index: EvidenceIndex, intake: Intake) -> Phrases:
    """Return the texts whose digits the answer may repeat: names, the user's words, quotes, and the program's own errors."""
    quoted = [str(c.value) for r in results for c in r.claims if isinstance(c.value, str)]
    errors = [str(f.error) for f in failures_of(plan, results)]
    places = [c.text for r in results for c in r.claims if c.kind == "quote"]
    flags = [
        (c.property or "").removeprefix(FLAG)
        for r in results
        for c in r.claims
        if (c.property or "").startswith(FLAG)
    ]
    files = [a.name for r in results for a in r.artifacts]
    given = [i.given for r in results for i in r.items]
    notes = [n for r in _left_out(results) for n in r.notes] + [t.title for t in plan.tasks]
    notes += [w for r in results if not r.claims for e in r.evidence for w in index[e][-1].result.warnings]
    return Phrases(
        [*quoted, *errors, *places, *flags, *files, *given, *notes], base=allowed_phrases(index, intake)
    )


def would_change(
    claims: Sequence[Claim],
    verdicts: Mapping[str, Verdict],
    index: EvidenceIndex,
    failures: Sequence[Failure],
    known: Mapping[str, Sequence[Given]],
) -> list[str]:
    """Return what the conclusion hangs on: duplicates, bounds and estimates, warnings, narrow rankings, missing items, unchecked claims."""
    lines: list[str] = []
    if failures:
        names = ", ".join(dict.fromkeys(f.given or f.task for f in failures[:5]))
        lines.append(f"Results for what failed ({names}) could change rankings and comparisons.")
    lines += duplicates(known)[:20]
    cited = {split_citation(c)[0] for claim in claims for c in claim.cites}
    warned: dict[str, None] = {}
    methods: dict[str, None] = {}
    for identity in sorted(cited & set(index)):
        warned.update(dict.fromkeys(index.warnings.get(identity, ())))
        methods.update(dict.fromkeys(index.estimates.get(identity, ())))
    lines += [f"An estimate made by {m} may differ from a measurement." for m in methods]
    lines += list(warned)[:8]
    lines += _close_calls(claims)
    open_claims = [c for c in claims if c.id in verdicts and verdicts[c.id].status != "supported"]
    if open_claims:
        lines.append(
            f"{len(open_claims)} of {len(claims)} claims are not supported; conclusions that use them are open."
        )
    return list(dict.fromkeys(lines))


def _close_calls(claims: Sequence[Claim]) -> list[str]:
    """Return neighbours in a ranking that lie within two percent of each other."""
    lines = []
    for name in dict.fromkeys(c.property for c in claims if (c.property or "").startswith(RANK)):
        base = (name or "").removeprefix(RANK)
        rows = [
            (float(c.value or 0), c.subject.label)
            for c in claims
            if c.property == base and c.kind == "numeric" and c.subject
        ]
        rows = sorted(dict.fromkeys(rows), reverse=True)
        for (high, first), (low, second) in itertools.pairwise(rows):
            if high and abs(high - low) <= 0.02 * abs(high):
                lines.append(
                    f"{first} and {second} lie within two percent in {base.replace('_', ' ')}; their order is not firm."
                )
    return lines


def evidence_lines(results: Sequence[TaskResult], index: EvidenceIndex) -> list[EvidenceLine]:
    """Return the evidence of the plan's tasks, once each, in the order of the tasks."""
    lines = []
    identities = dict.fromkeys(e for r in results for e in r.evidence)
    for identity in itertools.islice(identities, MOST_CLAIMS):
        evidence: Evidence = index[identity][0]
        source = evidence.result.source
        lines.append(
            EvidenceLine(
                id=identity,
                tool=evidence.tool,
                tool_version=evidence.tool_version,
                source=source.name,
                reference=source.reference,
                arguments=canonical_json(evidence.arguments)[:400],
                quantities=evidence.result.quantities,
                warnings=evidence.result.warnings,
                artifacts=evidence.result.artifacts,
                at=evidence.at,
                labels=evidence.result.labels,
            )
        )
    return lines
