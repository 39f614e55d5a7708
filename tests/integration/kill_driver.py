"""Kills a run after each of its journal transitions in turn, resumes it, and compares what came out. Run as a program.

Prints one JSON line per transition; number 0 is before the first. Every run is a forked child of one process that has
made a whole run, so that everything is imported and cached, and tools run in that child instead of in workers: what is
tried here is the journal, not the pool.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

COMPOUNDS = ["aspirin", "ibuprofen", "paracetamol", "caffeine", "lidocaine", "nonsensol"]


LOOPS = """\
schema: benchmate.workflow/v1
name: loops
steps:
  - id: root
    tool: calculate
    loop: {until: result.quantities.result.value < 0.2, max: 6}
    with: {calculation: "${loop.last.quantities.result.value if loop.round > 1 else 8} / 4"}
  - id: series
    tool: calculate
    foreach: [2, 20, 3]
    as: n
    loop: {until: result.quantities.result.value > 10, max: 5}
    with: {calculation: "${n} * ${loop.round}"}
  - id: grow
    needs: [root]
    loop: {until: steps.second.output.quantities.result.value > 10, max: 4}
    steps:
      - id: first
        tool: calculate
        with: {calculation: "${loop.round} * 2"}
      - id: still
        tool: calculate
        with: {calculation: 2 + 2}
      - id: second
        needs: [first, still]
        tool: calculate
        with: {calculation: "${steps.first.output.quantities.result.value} * ${steps.still.output.quantities.result.value}"}
  - id: verify
    needs: [root, series, grow]
    verify: {}
"""
WORKFLOW, INPUTS = "lead_triage", {"compounds": COMPOUNDS}


def main() -> None:
    """Run as: kill_driver.py FOLDER FIRST STEP [loops]."""
    global WORKFLOW, INPUTS
    folder, first, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if "loops" in sys.argv[4:]:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "loops.yaml").write_text(LOOPS)
        WORKFLOW, INPUTS = str(folder / "loops.yaml"), {}
    prepare()
    transitions = run(folder / "reference")
    expected = summary(folder / "reference")
    for number in range(first, transitions + 1, step):
        out = folder / f"killed-{number}"
        killed = in_child(functools.partial(run, out, kill_after=number))
        before = calls(out)
        resumed = in_child(functools.partial(resume, out))
        after = summary(out)
        repeated = [
            key for key, count in (after["started"] - before["started"]).items()
            if key in before["finished"] and after["finished"][key] > expected["finished"][key]
        ]  # fmt: skip
        print(json.dumps({
            "transition": number, "of": transitions, "signal": -killed if killed < 0 else 0, "resumed": resumed,
            "same_claims": after["claims"] == expected["claims"], "same_finished": after["finished"] == expected["finished"],
            "started_again": sum((after["started"] - expected["started"]).values()), "in_flight": before["open"],
            "repeated": repeated, "calls": sum(after["finished"].values()),
        }), flush=True)  # fmt: skip
        shutil.rmtree(out)


def prepare() -> None:
    """Make tools run where they are called, and in all runs together only once, but for those that make files."""
    from benchmate.runtime.workers import WorkerPool
    from benchmate.tools.chemistry.names import NameTable

    known: dict[str, Any] = {}

    async def inline(self: Any, function: Any, *args: Any, timeout: float | None = None) -> Any:
        key = repr(args[:2])  # the tool and its arguments
        if key in known:
            return copy.deepcopy(known[key])
        results = function(*args)
        if not args[0].startswith("draw_"):
            known[key] = copy.deepcopy(results)
        return results

    WorkerPool.run = inline  # type: ignore[method-assign]
    WorkerPool.warm = lambda self: None  # type: ignore[method-assign]
    NameTable.nearest = functools.cache(NameTable.nearest)  # type: ignore[method-assign, assignment]


def run(out: Path, kill_after: int | None = None) -> int:
    """Run the workflow and return its number of transitions; die by SIGKILL right after the given one is on disk."""
    from benchmate.app.runs import execute
    from benchmate.runtime.journal import Journal

    original, count = Journal.append_many, 0

    def die() -> None:
        if count == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(self: Journal, entries: Any) -> Any:
        nonlocal count
        die()
        records = original(self, entries)
        count += 1
        die()
        return records

    Journal.append_many = counted  # type: ignore[method-assign]
    try:
        asyncio.run(execute(workflow=WORKFLOW, inputs=INPUTS, out=out))
    finally:
        Journal.append_many = original  # type: ignore[method-assign]
    return count


def resume(out: Path) -> None:
    """Go on with the run. Exits with 9 when there is nothing to go on with."""
    from benchmate.app.runs import resume_run
    from benchmate.runtime.errors import NotFound

    (folder,) = (p.parent for p in out.glob("*/journal.sqlite"))
    try:
        asyncio.run(resume_run(folder))
    except NotFound as error:
        print(error, file=sys.stderr)
        sys.exit(9)


def in_child(work: Callable[[], object]) -> int:
    """Return the exit code of the work done in a forked child; a signal is negative."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except SystemExit as error:
            code = int(error.code or 0)
        except (
            BaseException
        ) as error:  # told to whoever reads the output; the parent's own code must not go on here
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def calls(out: Path) -> dict[str, Any]:
    """Return how often each call was started and finished, and how many were open."""
    from benchmate.runtime.journal import Journal

    (path,) = out.glob("*/journal.sqlite")
    journal = Journal(path, read_only=True)
    started = Counter(f"{r.task}/{r.attempt}/{r.call_key}" for r in journal.records("call.started"))
    finished = Counter(f"{r.task}/{r.attempt}/{r.call_key}" for r in journal.records("call.finished"))
    journal.close()
    return {"started": started, "finished": finished, "open": sum((started - finished).values())}


def summary(out: Path) -> dict[str, Any]:
    """Return the calls and the claims with their verdicts."""
    from benchmate.app.runs import load_outcome

    (path,) = out.glob("*/journal.sqlite")
    report = load_outcome(path.parent).report
    claims = (
        [[c.model_dump(mode="json"), report.verdicts[c.id].model_dump(mode="json")] for c in report.claims]
        if report
        else None
    )
    return {**calls(out), "claims": claims}


if __name__ == "__main__":
    main()
