"""The report as one HTML file that needs nothing else: no scripts, nothing remote, pictures inside."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from benchmate.agents.contracts import Report
from benchmate.app.report.view import LABELS, VERDICT_MARKS, ReportView

if TYPE_CHECKING:
    from benchmate.runtime.artifacts import ArtifactStore

_HERE = Path(__file__).parent


def render_html(report: Report, artifacts: ArtifactStore) -> str:
    """Return the report as a self-contained page. The same report and artifacts give the same text.

    Pictures become data-URI images, in which a browser runs no scripts and fetches nothing; everything else
    that came from outside is escaped. A picture that is missing or damaged is named, and the rest rendered.
    """
    return _template().render(view=ReportView(report, artifacts), verdicts=VERDICT_MARKS, labels=LABELS)


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["style"] = Markup((_HERE / "report.css").read_text("utf-8"))  # our own file
    return environment.get_template("report.html.jinja")
