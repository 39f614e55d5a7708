"""A conversation saved as a workflow says the same when it is run: without the conversation and without a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmate.app.runs import execute
from benchmate.app.saving import save, workflow_of
from benchmate.app.sessions import Sessions
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.settings import load_settings
from benchmate.workflows.loader import load_workflow

pytestmark = pytest.mark.usefixtures("inline_tools")


class NoModel:
    name = version = "none"


async def test_a_saved_conversation_states_the_same_claims(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data", runs_dir=tmp_path / "runs", person="ada")
    stated: list[str] = []
    with Sessions(settings) as sessions, sessions.open() as session:
        for question in (
            "What is the TPSA of ibuprofen?",
            "how similar is it to naproxen?",
            "mean per species for sample:iris",
        ):
            outcome = await session.ask(question, engine=NoModel())
            assert outcome.report is not None
            stated += [c.text for c in outcome.report.claims]
        save([t.folder for t in session.turns], tmp_path / "my_checks.yaml")
    again = await execute(workflow=str(tmp_path / "my_checks.yaml"), out=tmp_path / "again", engine=NoModel())
    assert again.report is not None and again.status == "complete"
    assert {c.text for c in again.report.claims} == set(stated)
    steps = load_workflow(str(tmp_path / "my_checks.yaml")).steps or ()
    assert [s.tool for s in steps] == ["compute_descriptors", "compare_similarity", "describe_table"]
    assert steps[2].arguments["file"] == "sample:iris"


async def test_what_cannot_be_saved_is_said(tmp_path: Path) -> None:
    outcome = await execute(question="TPSA of ibuprofen", out=tmp_path / "runs", engine=NoModel())
    for file, code in (("My Checks!.yaml", "bad_name"), ("checks.txt", "bad_name")):
        with pytest.raises(InvalidInput) as refused:
            save([outcome.folder], tmp_path / file)
        assert refused.value.code == code
    (tmp_path / "there.yaml").write_text("precious")
    with pytest.raises(InvalidInput) as refused:
        save([outcome.folder], tmp_path / "there.yaml")
    assert refused.value.code == "exists"
    assert (tmp_path / "there.yaml").read_text() == "precious"
    failed = await execute(question="smell of foozlamine?", out=tmp_path / "runs", engine=NoModel())
    with pytest.raises(InvalidInput) as refused:
        workflow_of([failed.folder], "empty")
    assert refused.value.code == "nothing_to_save"
