"""A run that is killed anywhere goes on where it was: nothing finished is done again, and the claims are the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmate.runtime.errors import StorageError
from benchmate.runtime.journal import Journal

DRIVER = Path(__file__).with_name("kill_driver.py")
PATIENCE = 60  # seconds until a condition that is waited for must hold


@pytest.fixture(scope="module", params=["triage", "loops"])
def lines(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """What the driver says of every transition; the odd and the even ones are tried by two processes at once.

    `loops` is a workflow whose steps, one of them a batch and some of them a group, are repeated.

    A killed process leaves behind what the kernel holds for it, so the runs may lie in memory.
    """
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=memory) as base:
        drivers = [
            subprocess.Popen(
                [sys.executable, DRIVER, Path(base) / str(first), str(first), "2", request.param],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for first in (0, 1)
        ]  # fmt: skip
        told = [driver.communicate(timeout=600) for driver in drivers]
        for driver, (out, err) in zip(drivers, told, strict=True):
            assert driver.returncode == 0, err
            found += [json.loads(line) for line in out.splitlines()]
    return sorted(found, key=lambda line: int(line["transition"]))


def test_every_transition_is_tried(lines: list[dict[str, Any]], request: pytest.FixtureRequest) -> None:
    (of,) = {line["of"] for line in lines}
    assert [line["transition"] for line in lines] == list(range(of + 1))
    triage = request.node.callspec.params["lines"] == "triage"
    assert of > (
        80 if triage else 60
    )  # of the triage 44 calls start and end, seven tasks, and the run itself
    assert {line["signal"] for line in lines} == {signal.SIGKILL}


def test_a_run_that_was_killed_before_it_was_opened_is_refused(lines: list[dict[str, Any]]) -> None:
    assert lines[0]["resumed"] == 9
    assert lines[0]["calls"] == 0


def test_after_a_kill_anywhere_no_finished_call_is_repeated(lines: list[dict[str, Any]]) -> None:
    for line in lines[1:]:
        assert line["resumed"] == 0, line
        assert line["repeated"] == [], line
        assert line["same_finished"], line
        assert line["started_again"] <= line["in_flight"], line  # what was under way, and nothing else


def test_after_a_kill_anywhere_the_claims_and_verdicts_are_the_same(lines: list[dict[str, Any]]) -> None:
    assert all(line["same_claims"] for line in lines[1:])


def descendants(pid: int) -> set[int]:
    """Return the processes that a process started, and those that they started."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it ended meanwhile
                continue
    found, frontier = set[int](), {pid}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return found


def alive(pid: int) -> bool:
    """Return whether a process still runs; one that has ended and that nobody asked about has not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def wait_for(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)


def finished(runs: Path, task: str) -> int:
    """Return how many calls of a task have ended in the one run in a folder."""
    for path in runs.glob("*/journal.sqlite"):
        try:
            journal = Journal(path, read_only=True)
        except StorageError:  # it is being made
            return 0
        try:
            return sum(r.task == task for r in journal.records("call.finished"))
        finally:
            journal.close()
    return 0


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_the_program_killed_in_a_batch_leaves_no_worker_and_goes_on(
    tmp_path: Path, benchmate: Callable[..., Any], command: list[str]
) -> None:
    chains = ["C" * n + end for n in range(4, 22) for end in ("O", "N", "C(=O)O", "Cl", "F")]
    (tmp_path / "chains.smi").write_text("\n".join(chains))
    runs = tmp_path / "runs"
    program = subprocess.Popen(
        [*command, "run", "lead_triage", "--input", f"compounds={tmp_path / 'chains.smi'}", "--out", str(runs), "--quiet"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        wait_for(lambda: program.poll() is not None or finished(runs, "properties") > 0, "the batch to begin")
        workers = descendants(program.pid)
    finally:
        program.kill()
        program.communicate()
    done = finished(runs, "properties")
    assert 0 < done < len(chains), "the run was to be killed in the middle of the batch"
    assert workers
    wait_for(lambda: not any(alive(pid) for pid in workers), "the dead run's workers to end")

    resumed = benchmate("resume", "last", "--out", runs, "--json", "--quiet", env={**os.environ})
    assert resumed.returncode == 0, resumed.stderr
    outcome = json.loads(resumed.stdout)
    assert outcome["status"] == "complete"
    assert finished(runs, "properties") == len(chains)
    journal = Journal(Path(outcome["dir"]) / "journal.sqlite", read_only=True)
    ends = [(r.task, r.attempt, r.call_key) for r in journal.records("call.finished")]
    journal.close()
    assert len(ends) == len(set(ends)), "a finished call was made again"
