"""A whole session at a real terminal: questions, approval, Ctrl-C, resume, fork, a kill, and what the screen shows."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmate.runtime.journal import Journal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

SLOW = """\
schema: benchmate.workflow/v1
name: slow
title: Slow steps
approve: true
inputs:
  compounds:
    type: compounds
    default: [aspirin, ibuprofen, caffeine, naproxen, ketoprofen, paracetamol, phenacetin, menthol, camphor, thymol, vanillin, warfarin]
steps:
  - id: energies
    tool: compute_xtb_energy
    foreach: ${inputs.compounds}
    with: {compound: "${item}"}
"""


class Terminal:
    """A tmux window with one program in it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.socket = ""
        self.windows = 0
        self.folder, self.environment = folder, environment

    def tmux(self, *words: str) -> str:
        made = subprocess.run(
            ["tmux", "-S", self.socket, *words], capture_output=True, text=True, check=False,
            env=os.environ | self.environment,
        )  # fmt: skip
        return made.stdout

    def start(self, *words: str) -> None:
        """Run `benchmate` with these words in a window of 80 columns."""
        self.windows += 1
        self.socket = str(self.folder / f"tmux-{self.windows}")
        program = " ".join([f"'{sys.executable}'", "-m", "benchmate.app.cli", *words])
        self.tmux("new-session", "-d", "-x", "80", "-y", "50", "-c", str(self.folder), f"{program}; sleep 60")

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-S", "-200")

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)
        self.keys("Enter")

    def until(self, pattern: str, seconds: float = 60) -> str:
        """Wait until the screen shows a pattern, and return the screen."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            shown = self.screen()
            if re.search(pattern, shown):
                return shown
            time.sleep(0.1)
        raise AssertionError(f"{pattern!r} never came:\n{self.screen()}")

    def kill(self) -> None:
        """Kill the program, not the window, as a crash would."""
        (pid,) = self.tmux("list-panes", "-F", "#{pane_pid}").split()
        children = subprocess.run(["pgrep", "-P", pid], capture_output=True, text=True, check=False).stdout
        os.kill(int(children.split()[0]), signal.SIGKILL)

    def stop(self) -> None:
        self.tmux("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "slow.yaml").write_text(SLOW, encoding="utf-8")
    environment = {
        "BENCHMATE_DATA_DIR": str(tmp_path / "data"), "BENCHMATE_RUNS_DIR": str(tmp_path / "runs"), "BENCHMATE_FETCH_MODEL": "false", "TERM": "xterm-256color", "LANG": "C.UTF-8",
    }  # fmt: skip
    opened = Terminal(tmp_path, environment)
    yield opened
    opened.stop()


def calls(folder: Path) -> list[str]:
    """Return the keys of the energies that were computed, one for each time."""
    found = []
    for journal in sorted(folder.glob("runs/*/journal.sqlite")):
        opened = Journal(journal, read_only=True)
        found += [
            r.call_key for r in opened.records("call.finished") if r.body["name"] == "compute_xtb_energy"
        ]
        opened.close()
    return found


def until_called(terminal: Terminal, times: int) -> None:
    deadline = time.monotonic() + 60
    while len(calls(terminal.folder)) < times and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_whole_session_at_a_terminal(terminal: Terminal) -> None:
    terminal.start("chat")
    terminal.until("Ask, or type /help")
    terminal.type("What is the TPSA of ibuprofen?")
    shown = terminal.until("turn 1 complete")
    assert "✓ The topological polar surface area of ibuprofen is 37.3 Å²." in shown

    # a plan that a person must approve; Ctrl-C once: what has begun is finished, the rest waits for /resume
    terminal.type("/run slow.yaml")
    terminal.until(r"Approve\?")
    assert calls(terminal.folder) == []
    terminal.type("y")
    until_called(terminal, 2)
    terminal.keys("C-c")
    terminal.until("stopped; what was done is kept")
    done = calls(terminal.folder)
    assert 0 < len(done) < 12
    terminal.type("/resume")
    terminal.until("turn 2 complete", 120)
    assert len(calls(terminal.folder)) == len(set(calls(terminal.folder))) == 12  # none was made twice

    # a fork goes its own way
    terminal.type("/fork 1")
    terminal.until("forked after turn 1")
    terminal.type("and its logP?")
    terminal.until("✓ The logP of ibuprofen is 3.0732.")

    # what is typed and not sent survives a kill
    terminal.tmux("send-keys", "-l", "and the number of")
    time.sleep(1)
    terminal.kill()
    time.sleep(0.5)
    terminal.stop()
    terminal.start("chat", "last")
    shown = terminal.until("and the number of")
    assert "1. What is the TPSA of ibuprofen?" in shown
    terminal.type(" hydrogen bond donors?")
    terminal.until("ibuprofen has 1 hydrogen-bond donor")
    terminal.keys("C-d")
    terminal.until("goes on with this session")
    assert all(len(line) <= 80 for line in terminal.screen().splitlines())


def test_a_run_that_was_killed_goes_on_in_the_chat(terminal: Terminal) -> None:
    terminal.start("chat", "--plain")
    terminal.until("Ask, or type /help")
    terminal.type("/run slow.yaml")
    terminal.until(r"Approve\?")
    terminal.type("y")
    until_called(terminal, 2)
    terminal.kill()
    time.sleep(0.5)
    done = calls(terminal.folder)
    terminal.stop()
    terminal.start("chat", "last", "--plain")
    terminal.until("turn 1 has not ended; /resume goes on with it")
    terminal.type("/resume")
    shown = terminal.until("turn 1 complete", 120)
    assert "waiting for you" not in shown  # the approval was not lost
    assert len(calls(terminal.folder)) == len(set(calls(terminal.folder))) == 12
    assert set(done) <= set(calls(terminal.folder))
    assert not re.search(r"[✓▸›│─]", shown)  # plain: nothing that a screen reader would stumble over
