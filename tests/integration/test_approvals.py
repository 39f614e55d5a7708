"""A question to a person outlives the process that asked it: the answer comes later, from another one."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmate.app.output import CODE_OF_STATUS
from benchmate.runtime.journal import Journal

OWN_TOOLS = Path(__file__).parents[1] / "own_tools"

TWO_QUESTIONS = """
schema: benchmate.workflow/v1
name: two_questions
title: Two questions at once
policy:
  rules:
    - {tool: compute_descriptors, decision: ask, reason: it has to be seen}
    - {tool: draw_structure, decision: ask, reason: pictures are dear}
steps:
  - {id: weigh, tool: compute_descriptors, with: {compound: aspirin}, claims: [molecular_weight]}
  - {id: draw, tool: draw_structure, with: {compound: aspirin}, claims: []}
"""

ONE_WRITE = """
schema: benchmate.workflow/v1
name: one_write
title: One write
steps:
  - {id: save, tool: save_note, with: {text: once}}
  - {id: weigh, needs: [save], tool: compute_descriptors, with: {compound: aspirin}, claims: [molecular_weight]}
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Own tools on the path, and checkpoints that may hold nothing but plain data."""
    (tmp_path / "kept").mkdir()
    policy = tmp_path / "policy.yaml"
    policy.write_text("rules: [{tool: save_note, effect: write, decision: allow}]\n")
    return {
        **os.environ, "BENCHMATE_POLICY": str(policy), "PYTHONPATH": str(OWN_TOOLS), "OWN_TOOLS": str(tmp_path / "kept"), "LANGGRAPH_STRICT_MSGPACK": "true",
    }  # fmt: skip


@pytest.fixture
def run(benchmate: Callable[..., Any], tmp_path: Path, environment: dict[str, str]) -> Callable[..., Any]:
    """Return a function that runs a command in a process of its own and returns (exit code, its document)."""

    def command(*arguments: object) -> tuple[int, Any]:
        done = benchmate(*arguments, "--out", tmp_path / "runs", "--json", "--quiet", env=environment)
        assert done.stdout or done.returncode < 0, done.stderr
        return done.returncode, json.loads(done.stdout) if done.stdout else None

    return command


def workflow(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    return path


def journal_of(tmp_path: Path) -> Journal:
    (path,) = (tmp_path / "runs").glob("*/journal.sqlite")
    return Journal(path, read_only=True)


def test_two_questions_are_asked_once_and_answered_by_other_processes(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    waiting = CODE_OF_STATUS["waiting"]
    code, document = run("run", workflow(tmp_path, TWO_QUESTIONS))
    assert (code, document["status"]) == (waiting, "waiting")
    assert run("resume", "last")[0] == waiting, "without an answer it waits on"
    assert run("resume", "last", "--approve")[0] == waiting, "for the second one"
    code, document = run("resume", "last", "--approve")
    assert (code, document["status"]) == (0, "complete")
    assert [claim["value"] for claim in document["claims"]] == [pytest.approx(180.159, abs=0.01)]
    journal = journal_of(tmp_path)
    asked = [r.body["subject"] for r in journal.records("approval.asked")]
    given = [r.body["subject"] for r in journal.records("approval.given")]
    calls = Counter((r.task, r.call_key) for r in journal.records("call.finished"))
    journal.close()
    assert sorted(asked) == sorted(given)
    assert len(set(asked)) == len(asked) == 2
    assert set(calls.values()) == {1}


@pytest.mark.parametrize(
    ("answer", "status", "saved"), [("--approve", "complete", 2), ("--reject", "refused", 1)]
)
def test_a_write_under_way_at_a_kill_is_made_again_only_when_a_person_says_so(
    run: Callable[..., Any], benchmate: Callable[..., Any], environment: dict[str, str],
    tmp_path: Path, answer: str, status: str, saved: int,
) -> None:  # fmt: skip
    kept = tmp_path / "kept"
    (kept / "kill").touch()
    assert run("run", workflow(tmp_path, ONE_WRITE)) == (-signal.SIGKILL, None)
    assert (kept / "saved").read_text() == "once\n"
    code, document = run("resume", "last")
    assert (code, document["status"]) == (CODE_OF_STATUS["waiting"], "waiting")
    assert (kept / "saved").read_text() == "once\n"
    code, document = run("resume", "last", answer)
    assert (code, document["status"]) == (CODE_OF_STATUS[status], status)
    assert (kept / "saved").read_text() == "once\n" * saved
    if answer == "--reject":
        assert "may have taken effect" in document["answer"]
    folder = Path(document["dir"])
    replayed = benchmate("replay", folder, "--out", tmp_path / "again", "--quiet", env=environment)
    assert replayed.returncode == code, replayed.stderr
    assert (tmp_path / "again" / folder.name / "report.md").read_bytes() == (
        folder / "report.md"
    ).read_bytes()
    assert (kept / "saved").read_text() == "once\n" * saved
