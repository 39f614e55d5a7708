"""Feedback: marks that are kept, and trajectories that hold what happened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmate.app.feedback import SCHEMA, Feedback, export, trajectory
from benchmate.app.runs import execute
from benchmate.runtime.database import Database
from benchmate.runtime.errors import NotFound

pytestmark = pytest.mark.usefixtures("inline_tools")


class NoModel:
    name = version = "none"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "b.sqlite")
    yield opened
    opened.close()


async def test_a_marked_run_is_exported_with_all_that_happened(tmp_path: Path, database: Database) -> None:
    outcome = await execute(
        question="What is the TPSA of ibuprofen?", out=tmp_path / "runs", engine=NoModel()
    )
    hidden = await execute(question="logP of aspirin", out=tmp_path / "runs", engine=NoModel(), private=True)
    feedback = Feedback(database, "ada")
    feedback.add(outcome.folder, "bad", "wrong at first sight")
    feedback.add(outcome.folder, "good", "right after all")
    feedback.add(hidden.folder, "good")
    assert [(m.run, m.verdict, m.reason) for m in feedback.all()] == [
        (outcome.run_id, "good", "right after all"), (hidden.run_id, "good", ""),
    ]  # fmt: skip
    assert Feedback(database, "bob").all() == []
    assert export(feedback, tmp_path / "f.jsonl") == 1  # the private one stays
    assert export(feedback, tmp_path / "all.jsonl", private=True) == 2
    (line,) = (tmp_path / "f.jsonl").read_text(encoding="utf-8").splitlines()
    found = json.loads(line)
    assert found["schema"] == SCHEMA
    assert found["question"] == "What is the TPSA of ibuprofen?"
    assert found["feedback"]["verdict"] == "good"
    assert outcome.report is not None
    cited = {c.partition("#")[0] for claim in outcome.report.claims for c in claim.cites}
    made = {c["evidence"]: c for c in found["calls"] if "evidence" in c}
    assert cited <= made.keys()
    (identity,) = cited
    assert made[identity]["arguments"]["compound"] == "ibuprofen"
    assert made[identity]["result"]["quantities"]["tpsa"]["value"] == 37.3
    assert [v["status"] for v in found["verdicts"].values()] == ["supported"]


def test_a_run_that_is_none_cannot_be_marked(tmp_path: Path, database: Database) -> None:
    with pytest.raises(NotFound):
        Feedback(database, "ada").add(tmp_path / "none", "good")
    with pytest.raises(NotFound):
        trajectory(tmp_path / "none")
