"""A replay needs nothing but the journal: no network, no model, none of the libraries behind the tools."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmate.app.runs import RunOutcome, execute, replay_run, resume_run
from benchmate.model.engine import RecordedEngine, ToolCall
from benchmate.model.scripted import Asked, ScriptedEngine
from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.errors import BenchmateError, StorageError
from benchmate.runtime.settings import ModelProfile, load_settings

FILES = ("report.md", "report.html", "workflow.yaml", "ro-crate-metadata.json")
MISSING = ("rdkit", "chromadb", "onnxruntime", "xllamacpp", "Bio", "matplotlib", "chemicals", "pubchempy")
BLOCKER = f"""
    import sys

    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {MISSING!r}:
                raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

    sys.meta_path.insert(0, Missing())
"""


def cut_off() -> tuple[str, ...] | None:
    """Return the command that runs another without any network, or None where the system does not let us."""
    for command in (("unshare", "-rn"), ("unshare", "-n")):
        if (
            shutil.which("unshare")
            and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
        ):
            return command
    return None


@pytest.fixture
def without_libraries(tmp_path: Path) -> dict[str, str]:
    """An environment in which the libraries behind tools and models cannot be imported."""
    folder = tmp_path / "blocker"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(textwrap.dedent(BLOCKER))
    return {**os.environ, "PYTHONPATH": str(folder)}


def assert_same(original: Path, replayed: Path) -> None:
    for name in FILES:
        assert (replayed / name).read_bytes() == (original / name).read_bytes(), name


def replay_alone(
    benchmate: Callable[..., Any], outcome: RunOutcome, tmp_path: Path, environment: dict[str, str]
) -> None:
    """Replay a run in a process without network and libraries, and compare the bytes."""
    command = cut_off()
    if command is None:
        pytest.skip("this system does not let a test make a network namespace")
    blocked = subprocess.run(
        [sys.executable, "-c", "import rdkit"], env=environment, capture_output=True, text=True, check=False
    )
    assert "No module named 'rdkit'" in blocked.stderr, "the blocker must work for this test to say anything"
    done = benchmate(
        "replay", outcome.folder, "--out", tmp_path / "again", "--quiet", before=command, env=environment
    )
    assert done.returncode in (0, 3), done.stderr
    assert_same(outcome.folder, tmp_path / "again" / outcome.run_id)


@pytest.mark.usefixtures("inline_tools")
async def test_a_workflow_replays_to_the_same_bytes(
    tmp_path: Path, benchmate: Callable[..., Any], without_libraries: dict[str, str]
) -> None:
    compounds = ["aspirin", "ibuprofen", "caffeine", "nonsensol"]
    outcome = await execute(workflow="lead_triage", inputs={"compounds": compounds}, out=tmp_path / "runs")
    assert outcome.report is not None
    assert outcome.report.figures
    assert outcome.report.failures
    replay_alone(benchmate, outcome, tmp_path, without_libraries)


@pytest.mark.usefixtures("inline_tools")
async def test_a_question_replays_to_the_same_bytes(
    tmp_path: Path, benchmate: Callable[..., Any], without_libraries: dict[str, str]
) -> None:
    outcome = await execute(
        question="What is the molecular weight of aspirin, ibuprofen and caffeine?", out=tmp_path / "runs"
    )
    assert outcome.status == "complete", outcome.answer
    replay_alone(benchmate, outcome, tmp_path, without_libraries)


def plan_call_conclude(asked: Asked) -> Any:
    """A model that plans one task, calls one tool and states what it gave."""
    if asked.constraint is None:
        if any(message.role == "tool" for message in asked.messages):
            return "Done."
        return ToolCall(id="a", name="compute_descriptors", arguments={"compound": "aspirin"})
    if "tasks" in (asked.constraint.json_schema or {}).get("properties", {}):
        return '{"tasks": [{"agent": "chemist", "goal": "Find the logP of aspirin."}]}'
    return '{"answer": "It was computed.", "claims": []}'


@pytest.mark.usefixtures("inline_tools")
async def test_a_run_of_a_free_model_replays_without_the_model_and_its_profile(
    tmp_path: Path, benchmate: Callable[..., Any], without_libraries: dict[str, str]
) -> None:
    settings = load_settings(profile="own", profiles={"own": ModelProfile(plans=True, judges=True)})
    engine = ScriptedEngine(plan_call_conclude)
    outcome = await execute(
        question="What is the logP of aspirin?", out=tmp_path / "runs", settings=settings, engine=engine
    )
    assert outcome.status == "complete"
    assert engine.asked
    replay_alone(benchmate, outcome, tmp_path, without_libraries)


@pytest.mark.usefixtures("inline_tools")
async def test_a_run_with_a_model_for_each_role_replays_and_names_them(tmp_path: Path) -> None:
    own = {"planner": "p", "verifier": "v", "writer": "own"}
    settings = load_settings(
        profile="own",
        profiles={
            "own": ModelProfile(roles=own),
            "p": ModelProfile(plans=True),
            "v": ModelProfile(judges=True, family="other"),
        },
    )
    engines = {name: ScriptedEngine(plan_call_conclude, name=name) for name in ("own", "p", "v")}
    recorded = {name: RecordedEngine(e, name=e.name, version=e.version) for name, e in engines.items()}
    main = RecordedEngine(
        engines["own"], name="own", version="1", roles={"planner": recorded["p"], "verifier": recorded["v"]}
    )
    outcome = await execute(
        question="What is the logP of aspirin?", out=tmp_path / "runs", settings=settings, engine=main
    )
    assert outcome.status == "complete" and len(engines["p"].asked) == 1
    with sqlite3.connect(outcome.folder / "journal.sqlite") as journal:
        (opened,) = journal.execute("SELECT body FROM records WHERE kind = 'run.opened'").fetchone()
    journal.close()
    roles = json.loads(opened)["roles"]
    assert {role: told["model"] for role, told in roles.items()} == {"planner": "p", "verifier": "v"}
    await replay_run(outcome.folder, out=tmp_path / "again")
    assert_same(outcome.folder, tmp_path / "again" / outcome.run_id)


@pytest.mark.usefixtures("inline_tools")
async def test_a_run_that_its_budget_ended_replays_to_the_same_bytes(tmp_path: Path) -> None:
    compounds = ["aspirin", "ibuprofen", "caffeine", "lidocaine", "benzene", "toluene"]
    outcome = await execute(
        workflow="lead_triage", inputs={"compounds": compounds}, out=tmp_path / "runs", budget=BudgetLimits(calls=9)
    )  # fmt: skip
    assert outcome.status == "budget"
    await replay_run(outcome.folder, out=tmp_path / "again")
    assert_same(outcome.folder, tmp_path / "again" / outcome.run_id)


@pytest.mark.usefixtures("inline_tools")
async def test_a_run_taken_up_with_a_larger_budget_replays_to_the_same_bytes(tmp_path: Path) -> None:
    compounds = ["aspirin", "ibuprofen", "caffeine", "lidocaine", "benzene", "toluene"]
    ended = await execute(
        workflow="lead_triage", inputs={"compounds": compounds}, out=tmp_path / "runs", budget=BudgetLimits(calls=14)
    )  # fmt: skip
    assert ended.status == "budget"
    outcome = await resume_run(ended.folder, budget=BudgetLimits(calls=500))
    assert outcome.status in ("complete", "partial")
    replayed = await replay_run(outcome.folder, out=tmp_path / "again")
    assert_same(outcome.folder, replayed.folder)
    assert outcome.usage["tool_calls"] >= replayed.usage["tool_calls"] > 0
    assert outcome.as_json()["usage"] == outcome.usage


@pytest.fixture
async def finished(tmp_path: Path, inline_tools: None) -> Path:
    outcome = await execute(
        workflow="lead_triage", inputs={"compounds": ["aspirin", "caffeine"]}, out=tmp_path / "runs"
    )
    return outcome.folder


def change(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "journal.sqlite") as journal:
        assert journal.execute(statement).rowcount == 1
    journal.close()


async def test_a_changed_byte_in_the_journal_is_found(finished: Path, tmp_path: Path) -> None:
    change(
        finished,
        "UPDATE records SET body = replace(body, '180.15', '181.15') WHERE seq = "
        "(SELECT max(seq) FROM records WHERE kind = 'call.finished' AND instr(body, '180.15'))",
    )
    with pytest.raises(StorageError) as caught:
        await replay_run(finished, out=tmp_path / "again")
    assert caught.value.code == "journal_tampered"
    assert not (tmp_path / "again").exists()


def remove_call(folder: Path, where: str) -> None:
    """Take one call out of a journal and chain the rest anew, as an older or newer program would have written it."""
    from benchmate.runtime.journal import Entry, Journal

    journal = Journal(folder / "journal.sqlite")
    entries = [Entry(r.kind, r.body, r.task, r.attempt, r.call_key, r.at) for r in journal.records()]
    gone = next(e.call_key for e in entries if e.kind == "call.finished" and e.body["name"] == where)
    journal.close()
    for path in folder.glob("journal.sqlite*"):
        path.unlink()
    journal = Journal(folder / "journal.sqlite")
    journal.append_many([e for e in entries if e.call_key != gone])
    journal.close()


@pytest.mark.parametrize("name", ["identify_compound", "compute_descriptors", "compare_similarity"])
async def test_a_call_that_the_journal_lacks_ends_the_replay(
    finished: Path, tmp_path: Path, name: str
) -> None:
    remove_call(finished, name)
    with pytest.raises(BenchmateError) as caught:
        await replay_run(finished, out=tmp_path / "again")
    assert caught.value.code == "not_recorded"
    assert not list((tmp_path / "again").glob("*/report.md"))


@pytest.mark.usefixtures("inline_tools")
async def test_a_figure_that_the_journal_lacks_ends_the_replay(tmp_path: Path) -> None:
    compounds = ["aspirin", "caffeine", "ibuprofen"]
    outcome = await execute(workflow="lead_triage", inputs={"compounds": compounds}, out=tmp_path / "runs")
    remove_call(outcome.folder, "draw_comparison")
    with pytest.raises(BenchmateError, match="draw_comparison") as caught:
        await replay_run(outcome.folder, out=tmp_path / "again")
    assert caught.value.code == "not_recorded"


async def test_a_replay_does_not_write_over_a_run(finished: Path) -> None:
    with pytest.raises(StorageError, match="holds a run already"):
        await replay_run(finished, out=finished.parent)
