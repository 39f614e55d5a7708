"""The files of a run's report: Markdown, HTML, and the plan it followed as a workflow file."""

from __future__ import annotations

from benchmate.agents.contracts import Report
from benchmate.app.report.crate_workflow import WORKFLOW, workflow_text
from benchmate.app.report.html import render_html
from benchmate.app.report.markdown import render_markdown
from benchmate.runtime.artifacts import ArtifactStore


def report_documents(report: Report, artifacts: ArtifactStore) -> dict[str, bytes]:
    """Return the report's files by name; `workflow.yaml` is one where the run followed a plan. The same report gives the same bytes."""
    made = {
        "report.md": render_markdown(report, artifacts).encode(),
        "report.html": render_html(report, artifacts).encode(),
    }
    workflow = workflow_text(report)
    return made | ({WORKFLOW: workflow.encode()} if workflow is not None else {})
