"""`benchmate run`, `resume`, `replay` and `show` on small workflows that need no model."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import benchmate
from benchmate.agents.approval import ApprovalRequest
from benchmate.app.cli import app
from benchmate.app.runs import RunOutcome
from benchmate.runtime.budget import BudgetLimits

SOURCE = str(Path(benchmate.__path__[0]).parent)
HEAD = """\
schema: benchmate.workflow/v1
name: small
title: Small
inputs:
  compounds: {type: compounds, default: [aspirin]}
steps:
"""
MASSES = """\
  - id: masses
    tool: compute_descriptors
    foreach: ${inputs.compounds}
    as: mol
    with: {compound: "${mol}"}
    claims: [molecular_weight]
"""
APPROVE = """\
  - id: go
    approve: {message: Go on?}
    needs: [masses]
"""
CONVERT = """\
  - id: units
    needs: [go]
    tool: convert_units
    with: {value: 1, from_unit: eV, to_unit: kJ/mol}
    claims: [converted_value]
"""


@pytest.fixture(autouse=True)
def own_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHMATE_RUNS_DIR", "runs")


def write(*parts: str) -> str:
    Path("small.yaml").write_text("".join((HEAD, *parts)))
    return "small.yaml"


def invoke(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A run that is complete: its folder, and what was shown."""
    base = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        shown = invoke("run", write(MASSES), "--out", str(base / "runs"))
    (folder,) = (base / "runs").iterdir()
    return folder, shown


def test_a_complete_run_prints_the_answer_the_claims_and_where_the_report_is(
    finished: tuple[Path, Result],
) -> None:
    folder, shown = finished
    assert shown.exit_code == 0
    assert "✓  The molecular weight of aspirin is 180.16 g/mol." in shown.stdout
    assert shown.stdout.endswith(f"complete; report: {folder / 'report.html'}\n")
    assert "compute_descriptors" in shown.stderr  # the progress


def test_json_is_one_document_with_what_the_run_found() -> None:
    shown = invoke("run", write(MASSES), "--json", "--quiet")
    assert shown.stderr == ""
    document = json.loads(shown.stdout)
    assert set(document) == {"run", "dir", "status", "answer", "claims", "evidence", "usage"}
    (claim,) = document["claims"]
    assert claim["verdict"]["status"] == "supported" and claim["value"] == pytest.approx(180.159)
    cited = claim["cites"][0].partition("#")[0]
    assert cited in {evidence["id"] for evidence in document["evidence"]}
    assert document["dir"] == str(Path("runs") / document["run"])


def test_a_run_of_which_a_part_failed_exits_3_and_says_what_failed() -> None:
    shown = invoke("run", write(MASSES), "-q", "--input", 'compounds=["aspirin", "nonsensol"]')
    assert shown.exit_code == 3
    assert "failed: masses (nonsensol): 'nonsensol' is not a known name" in shown.stdout


def test_a_run_of_which_all_failed_exits_4() -> None:
    shown = invoke("run", write(MASSES), "-q", "--input", "compounds=nonsensol")
    assert shown.exit_code == 4 and "failed; report:" in shown.stdout


def test_a_run_that_policy_refuses_exits_5() -> None:
    shown = invoke("run", write(MASSES, "policy: {rules: [{tool: 'compute_*', decision: deny}]}\n"), "-q")
    assert shown.exit_code == 5 and "refused; report:" in shown.stdout


def test_a_run_over_its_budget_exits_6() -> None:
    shown = invoke("run", write(MASSES), "-q", "--budget", "calls=1")
    assert shown.exit_code == 6 and "budget; report:" in shown.stdout


def test_where_nobody_can_be_asked_the_run_waits_and_is_approved_later() -> None:
    waiting = invoke("run", write(MASSES, APPROVE, CONVERT), "-q")
    assert waiting.exit_code == 5
    assert "waiting for approval: Go on?" in waiting.stdout
    (folder,) = Path("runs").iterdir()
    assert f"`benchmate resume {folder} --approve`" in waiting.stdout
    shown = invoke("show", "last", "--json")
    assert (shown.exit_code, json.loads(shown.stdout)["status"]) == (0, "waiting")
    approved = invoke("resume", str(folder), "--approve", "--note", "looks right", "-q")
    assert approved.exit_code == 0 and "96.485 kJ/mol" in approved.stdout
    events = json.loads(invoke("show", "last", "--events", "--json").stdout)
    (given,) = [event["body"] for event in events if event["kind"] == "approval.given"]
    assert given["approved"] is True and given["note"] == "looks right"


def test_what_is_rejected_does_not_run() -> None:
    invoke("run", write(MASSES, APPROVE, CONVERT), "-q")
    shown = invoke("resume", "last", "--reject", "--note", "not now", "-q")
    assert shown.exit_code == 3
    assert "96.485" not in shown.stdout and "not now" in shown.stdout


def test_yes_approves_and_says_what() -> None:
    shown = invoke("run", write(MASSES, APPROVE, CONVERT), "-q", "--yes")
    assert shown.exit_code == 0
    assert shown.stderr == "approved by --yes: Go on?\n"


def test_two_answers_are_one_too_many() -> None:
    shown = invoke("resume", "last", "--approve", "--reject")
    assert shown.exit_code == 2 and "two answers" in shown.stderr


def test_a_replay_makes_the_same_report(finished: tuple[Path, Result]) -> None:
    folder, _ = finished
    shown = invoke("replay", str(folder), "--out", "again", "-q")
    assert shown.exit_code == 0
    for name in ("report.md", "report.html"):
        assert (Path("again") / folder.name / name).read_bytes() == (folder / name).read_bytes()


def test_show_prints_the_report_that_was_written(finished: tuple[Path, Result]) -> None:
    folder, _ = finished
    assert (
        invoke("show", folder.name[:18], "--out", str(folder.parent)).stdout
        == (folder / "report.md").read_text()
    )
    assert json.loads(invoke("show", str(folder), "--json").stdout)["run"] == folder.name


def test_show_events_prints_the_journal_one_record_a_line(finished: tuple[Path, Result]) -> None:
    folder, _ = finished
    lines = invoke("show", str(folder), "--events").stdout.splitlines()
    records = json.loads(invoke("show", str(folder), "--events", "--json").stdout)
    assert [record["seq"] for record in records] == list(range(1, len(lines) + 1))
    assert "run.opened" in lines[0] and "run.closed" in lines[-1]


@pytest.mark.parametrize("command", ["resume", "replay", "show"])
def test_a_run_that_is_not_there_exits_2(command: str) -> None:
    shown = invoke(command, "20990101")
    assert shown.exit_code == 2 and "there is no run '20990101'" in shown.stderr


def test_ask_hands_everything_on(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    async def execute(**options: Any) -> RunOutcome:
        given.update(options)
        return RunOutcome("r", Path("runs/r"), "complete", "42.")

    monkeypatch.setattr("benchmate.app.runs.execute", execute)
    options = [
        "--private",
        "--mode",
        "recorded",
        "--profile",
        "lmdeploy",
        "--budget",
        "calls=7",
        "--out",
        "here",
    ]
    shown = invoke("ask", "What is the answer?", *options, "--yes")
    assert shown.exit_code == 0 and shown.stdout.startswith("42.\n")
    settings = given["settings"]
    assert (given["question"], given["private"], given["budget"]) == (
        "What is the answer?",
        True,
        BudgetLimits(calls=7),
    )
    assert (settings.mode, settings.profile, settings.runs_dir) == ("recorded", "lmdeploy", Path("here"))
    assert given["approver"](ApprovalRequest(subject="plan", message="Run it?")).approved


def test_a_fault_in_a_run_says_where_the_run_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def begin() -> None:
        Path("runs/r").mkdir(parents=True)
        Path("runs/r/journal.sqlite").touch()

    async def execute(**options: Any) -> RunOutcome:
        begin()
        raise RuntimeError("out of luck")

    monkeypatch.setattr("benchmate.app.runs.execute", execute)
    shown = invoke("ask", "What is the answer?", "-q")
    assert shown.exit_code == 4
    assert "error: internal error: RuntimeError: out of luck" in shown.stderr
    assert shown.stderr.endswith("note: the run is kept in runs/r; `benchmate resume runs/r` goes on\n")


def test_an_empty_question_begins_no_run() -> None:
    shown = invoke("ask", "  ", "-q")
    assert shown.exit_code == 2 and "there is no question" in shown.stderr
    assert "note:" not in shown.stderr and not Path("runs").exists()


def test_a_tool_call_is_recorded_like_any_other() -> None:
    call = [
        "tool",
        "call",
        "convert_units",
        "--arg",
        "value=1",
        "--arg",
        "from_unit=eV",
        "--arg",
        "to_unit=kJ/mol",
    ]
    shown = invoke(*call)
    assert shown.exit_code == 0 and "96.485 kJ/mol" in shown.stdout
    document = json.loads(invoke(*call, "--json").stdout)
    assert document["id"] in shown.stdout  # the same call, the same evidence
    assert document["result"]["quantities"]["converted"]["value"] == pytest.approx(
        96.4853321233
    )  # CODATA 2018: e·N_A
    (run, *_) = sorted(path.parent for path in Path("runs").glob("*/journal.sqlite"))
    assert "convert_units" in invoke("show", run.name).stdout
    assert invoke("show", "last").exit_code == 2, "`last` is the last question or workflow"


def test_a_tool_that_fails_says_why() -> None:
    shown = invoke("tool", "call", "compute_descriptors", "--arg", "compound=nonsensol", "--json")
    assert shown.exit_code == 2
    assert json.loads(shown.stdout)["error"]["code"] == "unknown_compound"


def test_ctrl_c_keeps_the_run_and_says_how_to_go_on() -> None:
    write(MASSES, APPROVE, CONVERT)
    command = [sys.executable, "-m", "benchmate.app.cli", "run", "small.yaml", "--json"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCE},
    ) as process:
        assert process.stderr is not None and process.stdout is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "started: " in line:
                process.send_signal(signal.SIGINT)
                break
        rest, out = process.stderr.read(), process.stdout.read()
    assert process.returncode == 130, "".join(said) + rest
    (folder,) = Path("runs").iterdir()
    assert f"interrupted; the run is kept in {folder}; `benchmate resume {folder}` goes on" in rest
    assert out == ""
    assert invoke("resume", "last", "--yes", "-q").exit_code == 0


def test_a_run_that_ended_at_its_budget_goes_on_with_a_larger_one(tmp_path: Path) -> None:
    assert invoke("run", "lead_triage", "--out", str(tmp_path), "--budget", "calls=20").exit_code == 6
    resumed = invoke("resume", "last", "--out", str(tmp_path), "--budget", "calls=500", "--json")
    assert resumed.exit_code == 0, resumed.stderr
    assert json.loads(resumed.stdout)["usage"]["tool_calls"] < 60, "what was done before was not done again"
