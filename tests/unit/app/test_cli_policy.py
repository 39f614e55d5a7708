"""`benchmate policy` and `--policy`: what is shown is what happens, and what is wrong is named with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmate.app.cli import app
from benchmate.app.open_run import open_run
from benchmate.app.runs import call_once, execute, run_sync
from benchmate.runtime.errors import InvalidInput, Refused
from benchmate.runtime.journal import open_existing
from benchmate.runtime.settings import load_settings
from benchmate.tools.registry import load_registry

POLICY = """\
# what this laboratory allows
rules:
  - {tool: [draw_*, compute_descriptors], decision: deny, reason: not here}
  - effect: read
    domain: library
    decision: ask
hazards:
  - {list: explosives, decision: ask, reason: licensed site}
"""


def command(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        app([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(str(end.value.code)), out, err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def test_show_tells_for_every_tool_what_happens_and_which_rule_says_so(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = command(capsys, "policy", "show", "--policy", file, "--json")
    document = json.loads(out)
    rows = {row["tool"]: row for row in document["tools"]}
    assert code == 0
    assert rows.keys() == load_registry().offered.keys()
    assert rows["compute_descriptors"]["plain"] == {
        "verdict": "deny", "code": "rule",
        "why": "rule 1, line 3 (tool: draw_*, compute_descriptors → deny): not here",
    }  # fmt: skip
    assert rows["search_library"]["plain"]["verdict"] == "ask"
    assert "line 4" in rows["search_library"]["plain"]["why"]
    assert rows["balance_reaction"]["plain"]["why"].startswith("default")
    lists = {one["list"]: one for one in document["hazards"]}
    assert (lists["explosives"]["making"], lists["explosives"]["why"]) == (
        "ask",
        "hazards 1, line 8: licensed site",
    )
    assert (lists["cwc-schedule-1"]["making"], lists["cwc-schedule-1"]["lookup"]) == ("deny", "allow")


def test_show_for_a_reader_has_the_defaults_where_no_file_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = command(capsys, "policy", "show")
    assert code == 0
    assert "the defaults hold" in out and "plan_retrosynthesis" in out and "cwc-schedule-1" in out


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (("decision: ask\nhazards", "decision: aks\nhazards"), 6, "'allow', 'ask' or 'deny'"),
        (("effect: read", "effect: reed"), 4, "did you mean 'read'"),
        (("rules:", "ruels:"), 2, "did you mean 'rules'"),
        (("list: explosives", "list: explosive"), 8, "did you mean 'explosives'"),
        (("domain: library", "domian: library"), 5, "did you mean 'domain'"),
        (("hazards:", "hazards: ["), 8, "not YAML"),
        (("list: explosives", "list: '*'"), 8, "no list of hazards"),
    ],
)
def test_check_names_the_line_of_what_is_wrong(
    file: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], line: int, says: str
) -> None:
    file.write_text(POLICY.replace(*change))
    code, _, err = command(capsys, "policy", "check", file)
    assert code == 2
    assert f"policy.yaml:{line}" in err, err
    assert says in err


def test_check_points_out_rules_that_decide_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("rules:\n  - {decision: ask}\n  - {tool: drw_*, decision: deny}\n")
    code, out, _ = command(capsys, "policy", "check", file)
    assert code == 0
    assert "line 3: no installed tool is called 'drw_*'" in out
    assert "line 3: never reached, as rule 1 (line 2) decides first" in out
    assert command(capsys, "policy", "check", file.with_name("none.yaml"))[0] == 2


def test_the_command_line_and_the_settings_name_the_machines_policy(
    file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    inline_tools: None,
) -> None:
    call = ("tool", "call", "compute_descriptors", "--arg", "compound=aspirin", "--out", tmp_path / "runs")
    assert command(capsys, *call)[0] == 0
    code, _, err = command(capsys, *call, "--policy", file)
    assert (code, "not here" in err) == (5, True)
    monkeypatch.setenv("BENCHMATE_POLICY", str(file))
    assert command(capsys, *call)[0] == 5


WORKFLOW = """\
schema: benchmate.workflow/v1
name: own_rules
title: Own rules
policy:
  rules: [{tool: "*", decision: allow, reason: the workflow says so}]
steps:
  - {id: weigh, tool: compute_descriptors, with: {compound: aspirin}, claims: [molecular_weight]}
"""


CALL = ("compute_descriptors", {"compound": "aspirin"})


class NoModel:
    name = version = "none"


async def test_a_workflow_cannot_allow_what_the_machine_denies(
    file: Path, tmp_path: Path, inline_tools: None
) -> None:
    flow = tmp_path / "flow.yaml"
    flow.write_text(WORKFLOW)
    runs: dict[str, Any] = {}
    for name, policy in (("open", None), ("closed", file)):
        settings = load_settings(policy=policy)
        runs[name] = await execute(
            workflow=str(flow), settings=settings, out=tmp_path / name, engine=NoModel()
        )
    assert (runs["open"].status, runs["closed"].status) == ("complete", "refused")
    journal = open_existing(runs["closed"].folder)
    (decided,) = journal.records("policy.decided")
    assert (decided.body["verdict"], decided.body["reason"]) == ("deny", "not here")
    opened = journal.first("run.opened")
    assert opened is not None
    assert opened.body["policy"]["rules"][0]["decision"] == "deny"
    assert opened.body["workflow_policy"]["rules"][0]["decision"] == "allow"
    journal.close()
    # taken up again without the file, the run keeps both
    async with open_run(tmp_path / "closed", run_id=runs["closed"].folder.name, engine=NoModel()) as run:
        assert run.context.policy.decide("compute_descriptors", "chemistry", ["compute"]).verdict == "deny"


async def test_a_workflow_cannot_speak_of_hazards(tmp_path: Path) -> None:
    flow = tmp_path / "flow.yaml"
    text = WORKFLOW.replace("policy:\n", "policy:\n  hazards: [{list: cwc-schedule-1, decision: allow}]\n")
    flow.write_text(text)
    with pytest.raises(InvalidInput) as wrong:
        await execute(workflow=str(flow), out=tmp_path, engine=NoModel())
    assert "hazards" in str(wrong.value) and ":5" in str(wrong.value)


def test_a_wrong_policy_file_stops_everything_before_it_begins(
    file: Path, tmp_path: Path, inline_tools: None
) -> None:
    file.write_text("rules: 3\n")
    with pytest.raises(InvalidInput) as wrong:
        run_sync(call_once(*CALL, out=tmp_path / "x", settings=load_settings(policy=file)))
    assert wrong.value.code == "bad_policy"
    file.write_text("allow_tools: []\n")
    with pytest.raises(Refused):
        run_sync(call_once(*CALL, out=tmp_path / "y", settings=load_settings(policy=file)))
