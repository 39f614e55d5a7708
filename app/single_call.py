"""A single tool call as a report, so that it can be shown and exported like any other run."""

from __future__ import annotations

from benchmate.agents.claims import claims_from
from benchmate.agents.contracts import Failure, Report, RunStatus, TaskResult
from benchmate.agents.ledger import EvidenceIndex
from benchmate.agents.reporter import evidence_figures, evidence_lines
from benchmate.runtime.errors import ErrorInfo, InvalidInput
from benchmate.runtime.journal import Journal
from benchmate.tools.registry import load_registry

TASK = "call"


def report_of_call(run: str, journal: Journal) -> Report:
    """Return what a run of one tool call gave as a Report: its values in sentences, evidence and figures, and no claims.

    Raises InvalidInput (`run_not_ended`) where the call has not ended.
    """
    opened, closed = journal.first("run.opened"), journal.last("run.closed")
    if opened is None or closed is None:
        raise InvalidInput("run_not_ended", f"{run} has not ended", hint="make the call again")
    index = EvidenceIndex(journal)
    index.update()
    evidence = [several[0] for several in index.values()]
    artifacts = tuple(a for e in evidence for a in e.result.artifacts)
    result = TaskResult(task=TASK, attempt=1, status="ok", evidence=tuple(index), artifacts=artifacts)
    tools = load_registry()
    sentences = [c.text for e in evidence if e.tool in tools for c in claims_from(tools[e.tool], e, TASK)]
    errors = [r.body["error"] for r in journal.records("call.finished") if "error" in r.body]
    status: RunStatus = closed.body["status"]
    return Report(
        run=run,
        title=str(opened.body.get("title", run)),
        question=None,
        started_at=opened.at,
        status=status,
        answer="\n".join(f"- {text}" for text in sentences),
        figures=tuple(evidence_figures([result], index)),
        failures=tuple(
            Failure(task=TASK, given=None, error=ErrorInfo.model_validate(e))
            for e in errors[-1:]
            if not evidence
        ),
        evidence=tuple(evidence_lines([result], index)),
        versions=dict(opened.body.get("versions", {})),
        repeat=(f"benchmate show {run} --events",),
    )
