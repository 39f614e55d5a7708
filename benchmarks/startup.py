"""How soon the command line answers: `--help`, the first line that `ask` and `run` show, and what importing the graph costs.

Run: `python benchmarks/startup.py [REPEATS]`. Prints the median and the best, wall-clock, and for what ends by itself the CPU seconds.
The runs are stopped after their first line; the files of this program are in the disk cache after the first, discarded round.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

BENCHMATE = (sys.executable, "-m", "benchmate.app.cli")
QUESTION = "What is the logP of aspirin?"
ENDING: dict[str, tuple[str, ...]] = {
    "benchmate --help": (*BENCHMATE, "--help"),
    "import benchmate": (sys.executable, "-c", "import benchmate"),
    "import benchmate.agents.graph": (sys.executable, "-c", "import benchmate.agents.graph"),
    "import langgraph.graph alone": (sys.executable, "-c", "import langgraph.graph"),
}
SHOWING: dict[str, tuple[str, ...]] = {
    "first line of `benchmate ask`": (*BENCHMATE, "ask", QUESTION),
    "first line of `benchmate run`": (*BENCHMATE, "run", "lead_triage"),
}


def time_to_end(command: tuple[str, ...]) -> tuple[float, float]:
    """Return the wall-clock and the CPU seconds of a command."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    seconds = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def time_to_first_line(command: tuple[str, ...], folder: Path) -> float:
    """Return the seconds until a command writes to standard error, and stop it there."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    seconds = time.perf_counter() - begun
    process.send_signal(signal.SIGINT)
    process.stderr.read()
    process.wait()
    if not first:
        raise SystemExit(f"{' '.join(command)} said nothing")
    return seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("repeats", nargs="?", type=int, default=7)
    repeats = options.parse_args().repeats
    print(f"{'':<34}{'median s':>10}{'best s':>9}{'CPU s':>8}")
    for name, command in ENDING.items():
        found = [time_to_end(command) for _ in range(repeats + 1)][1:]
        walls, cpus = [wall for wall, _ in found], [cpu for _, cpu in found]
        print(f"{name:<34}{median(walls):>10.2f}{min(walls):>9.2f}{median(cpus):>8.2f}")
    with tempfile.TemporaryDirectory() as scratch:
        for name, command in SHOWING.items():
            walls = [time_to_first_line(command, Path(scratch)) for _ in range(repeats + 1)][1:]
            print(f"{name:<34}{median(walls):>10.2f}{min(walls):>9.2f}")


if __name__ == "__main__":
    main()
