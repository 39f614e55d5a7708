"""The line of time of a run: every call once, in order, within the run."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from benchmate.app.runs import execute
from benchmate.app.timeline import document, timeline, view
from benchmate.runtime.errors import NotFound
from benchmate.runtime.journal import open_existing

pytestmark = pytest.mark.usefixtures("inline_tools")


class NoModel:
    name = version = "none"


async def test_every_call_is_on_the_line_of_time(tmp_path: Path) -> None:
    runs: list[Path] = []
    for question in ("What is the TPSA of ibuprofen?", "and its logP?"):
        runs.append((await execute(question=question, out=tmp_path, engine=NoModel(), follows=runs)).folder)
    for folder in runs:
        spans = timeline(folder)
        journal = open_existing(folder)
        last = max(r.at for r in journal.records()) - next(iter(journal.records())).at
        names = [r.body["name"] for r in journal.records("call.started")]
        journal.close()
        assert [s.name for s in spans] == names
        assert all(s.start >= 0 and s.start + s.seconds <= last + 0.05 for s in spans)
    assert {s.ended for s in spans} == {"ok", "cited"}
    assert document(spans)[0]["name"] == "find_entities"
    console = Console(width=80, record=True)
    console.print(view(spans))
    assert all(len(line) <= 80 for line in console.export_text().splitlines())


def test_no_run_no_line(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        timeline(tmp_path)
