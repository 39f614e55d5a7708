"""What a tool labels private reaches no model on another machine, whoever would show it to the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scientist import Scientist, call, conclusion, planned, seen

from benchmate.agents.contracts import Claim, Verdict
from benchmate.agents.judge import judge_open
from benchmate.app.runs import OpenRun, execute
from benchmate.model.engine import RecordedEngine
from benchmate.runtime.context import TaskScope
from benchmate.runtime.policy import Policy, Rule
from benchmate.runtime.settings import Settings
from benchmate.tools.calls import call_tool

pytestmark = pytest.mark.usefixtures("own_tools")
TASK = planned(("chemist", "Read our draft."))
DRAFT = call("read_draft", topic="salts")
ALLOWED = Policy(rules=(Rule(tool="model:scientist", label="private", decision="allow"),), mode_network=True)
JUDGED = '{"reason": "it says so", "status": "supported"}'


def remote(scientist: Scientist) -> RecordedEngine:
    return RecordedEngine(scientist.engine, name="scientist", version="1", remote=True)


@pytest.mark.usefixtures("inline_tools")
async def test_a_remote_model_is_not_shown_what_a_tool_called_private(tmp_path: Path, free: Settings) -> None:
    scientist = Scientist(plan=[TASK], turns=[DRAFT, "Done."])
    outcome = await execute(question="What melts?", out=tmp_path, settings=free, engine=remote(scientist))
    assert outcome.status == "refused"
    assert [seen(asked) for asked in scientist.asked["turns"]] == [[]]
    assert not scientist.asked["final"]
    assert outcome.report is not None
    assert {f.error.code for f in outcome.report.failures} == {"private_data"}


@pytest.mark.usefixtures("inline_tools")
async def test_a_rule_by_name_lets_the_model_see_it_and_identical_calls_stay_apart(
    tmp_path: Path, free: Settings
) -> None:
    scientist = Scientist(plan=[TASK], turns=[DRAFT, DRAFT, "Done."], final=[conclusion("Read.")])
    outcome = await execute(
        question="What melts?", out=tmp_path, settings=free, engine=remote(scientist), policy=ALLOWED
    )
    assert outcome.status == "complete"
    assert len(scientist.asked["turns"]) == 3
    assert len(scientist.asked["final"]) == 1


@pytest.mark.parametrize("where", ["evidence", "claim"])
async def test_a_remote_judge_is_not_shown_private_evidence_or_claims(run: OpenRun, where: str) -> None:
    context, scientist = run.context, Scientist(judge=[JUDGED])
    tool = (
        ("read_draft", {"topic": "salts"})
        if where == "evidence"
        else ("balance_reaction", {"equation": "H2 + O2 -> H2O"})
    )
    evidence = await call_tool(context, TaskScope("read"), *tool)
    claim = Claim(
        id="C-1", text="the salt melts early.", kind="interpretation", cites=(f"{evidence.id}#/data",), task="read",
        labels=frozenset({"private"}) if where == "claim" else frozenset(),
    )  # fmt: skip
    open_ = [Verdict(claim_id="C-1", status="unchecked", method="none", reason="")]

    async def judged() -> Any:
        return (await judge_open(context, remote(scientist), [claim], open_, 1))[0]

    assert (await judged()).status == "unchecked"
    assert "private" in (await judged()).reason
    assert not scientist.asked["judge"]
    context.policy = ALLOWED
    assert (await judged()).status == "supported"
