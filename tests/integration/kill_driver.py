"""Kills a run after each of its journal transitions in turn, resumes it, and compares what came out. Run as a program.

Prints one JSON line per transition. Every run is a forked child of one process that has imported everything, and tools run
in that child instead of in workers: what is tried here is the journal, not the pool.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

COMPOUNDS = ["aspirin", "ibuprofen", "paracetamol", "caffeine", "lidocaine", "nonsensol"]


def main() -> None:
    """Run as: kill_driver.py FOLDER [FIRST STEP]."""
    folder, first, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    prepare()
    reference = folder / "reference"
    if in_child(lambda: run(reference, kill_after=None)) != 0:
        sys.exit("the reference run failed")
    expected = summary(reference)
    transitions = in_child_count(folder / "count")
    for number in range(first, transitions + 1, step):
        out = folder / f"killed-{number}"
        killed = in_child(lambda out=out, number=number: run(out, kill_after=number))
        before = calls(out)
        resumed = in_child(lambda out=out: resume(out))
        after = summary(out)
        repeated = [k for k, n in (after["started"] - before["started"]).items() if k in before["finished"] and after["finished"][k] > expected["finished"][k]]
        print(json.dumps({
            "transition": number, "of": transitions, "signal": -killed if killed < 0 else killed, "resumed": resumed,
            "same_claims": after["claims"] == expected["claims"], "same_finished": after["finished"] == expected["finished"],
            "started_again": sum((after["started"] - expected["started"]).values()), "in_flight": before["open"],
            "repeated": repeated,
        }), flush=True)  # fmt: skip


def prepare() -> None:
    """Import what runs need, and make tools run where they are called."""
    import matplotlib.backends.backend_svg  # noqa: F401
    import rdkit.Chem  # noqa: F401

    import benchmate.agents.graph
    import benchmate.app.report.crate
    import benchmate.app.report.html
    import benchmate.app.report.markdown
    from benchmate.runtime.workers import WorkerPool
    from benchmate.tools.chemistry.names import name_table
    from benchmate.tools.registry import load_registry

    async def inline(self: Any, function: Any, *args: Any, timeout: float | None = None) -> Any:
        return function(*args)

    WorkerPool.run = inline  # type: ignore[method-assign]
    WorkerPool.warm = lambda self: None  # type: ignore[method-assign]
    load_registry()
    name_table()


def run(out: Path, kill_after: int | None) -> None:
    """Run the workflow; die by SIGKILL right after the given journal transition is on disk."""
    from benchmate.app.runs import execute
    from benchmate.runtime.journal import Journal

    original, count = Journal.append_many, 0

    def counted(self: Journal, entries: Any) -> Any:
        nonlocal count
        records = original(self, entries)
        count += 1
        if count == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return records

    Journal.append_many = counted  # type: ignore[method-assign]
    asyncio.run(execute(workflow="lead_triage", inputs={"compounds": COMPOUNDS}, out=out))
    (out / "transitions").write_text(str(count))


def resume(out: Path) -> None:
    """Go on with the run; one that was killed before it was asked anything starts anew."""
    from benchmate.app.runs import resume_run
    from benchmate.runtime.errors import NotFound

    (folder,) = (p.parent for p in out.glob("*/journal.sqlite"))
    try:
        asyncio.run(resume_run(folder))
    except NotFound:
        sys.exit(9)


def in_child(work: Any) -> int:
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
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def in_child_count(out: Path) -> int:
    """Return how many transitions the run has."""
    in_child(lambda: run(out, kill_after=None))
    return int((out / "transitions").read_text())


def journal_of(out: Path) -> Any:
    """Return the one run's journal in `out`."""
    from benchmate.runtime.journal import Journal

    (path,) = out.glob("*/journal.sqlite")
    return Journal(path, read_only=True)


def calls(out: Path) -> dict[str, Any]:
    """Return how often each call was started and finished, and how many were open."""
    journal = journal_of(out)
    started = Counter(f"{r.task}/{r.attempt}/{r.call_key}" for r in journal.records("call.started"))
    finished = Counter(f"{r.task}/{r.attempt}/{r.call_key}" for r in journal.records("call.finished"))
    journal.close()
    return {"started": started, "finished": finished, "open": sum((started - finished).values())}


def summary(out: Path) -> dict[str, Any]:
    """Return the calls and the claims with their verdicts."""
    from benchmate.app.runs import load_outcome

    (path,) = out.glob("*/journal.sqlite")
    report = load_outcome(path.parent).report
    claims = [[c.model_dump(mode="json"), report.verdicts[c.id].model_dump(mode="json")] for c in report.claims] if report else None
    return {**calls(out), "claims": claims}


if __name__ == "__main__":
    main()
