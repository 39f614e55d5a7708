"""What the orchestration costs over plain LangGraph: CPU per step, memory per run that is under way, bytes kept of a run.

Run: `python benchmarks/orchestration.py [--steps 20] [--runs 5] [--together 100]`. Both sides take the same steps one after the other, each the same
unit conversion, both with a SQLite checkpointer and an fsync a step. Ours also validates, polices, journals and verifies each call, and writes the
report. The tools run in this process on both sides (no worker processes), so that only orchestration differs. Everything is measured
in one process, in turns; what is printed is the better of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

from benchmate.agents.contracts import Plan, Task
from benchmate.app.runs import execute
from benchmate.runtime.workers import WorkerPool
from benchmate.tools.registry import load_registry

ARGUMENTS = {"value": 1.5, "from_unit": "kcal/mol", "to_unit": "kJ/mol"}


class NoModel:
    """The model of a plan of tool calls is never asked."""

    name = version = "none"

    async def aclose(self) -> None:
        """Nothing to close."""


def merge(old: dict[str, float], new: dict[str, float]) -> dict[str, float]:
    """Merge the values of steps."""
    return {**old, **new}


class State(TypedDict, total=False):
    values: Annotated[dict[str, float], merge]


async def plain(steps: int, folder: Path) -> None:
    """Take the steps in a LangGraph graph of one node each."""
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    from langgraph.graph import END, START, StateGraph

    tool = load_registry()["convert_units"]

    def node(name: str) -> Callable[[State], State]:
        return lambda state: {
            "values": {name: float(tool.function(**ARGUMENTS).quantities["converted"].value)}
        }

    graph = StateGraph(State)
    names = [f"step_{number}" for number in range(steps)]
    for name in names:
        graph.add_node(name, node(name))
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    connection = await aiosqlite.connect(folder / "checkpoints.sqlite")
    try:
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=FULL")
        compiled = graph.compile(checkpointer=AsyncSqliteSaver(connection))
        config = {"configurable": {"thread_id": "one"}, "recursion_limit": 1000}
        await compiled.ainvoke({"values": {}}, config, durability="sync")
    finally:
        await connection.close()


async def ours(steps: int, folder: Path) -> None:
    """Take the steps as a plan."""
    tasks = []
    for number in range(steps):
        needs = (f"step_{number - 1}",) if number else ()
        tasks.append(
            Task(id=f"step_{number}", kind="tool", tool="convert_units", arguments=ARGUMENTS, needs=needs)
        )
    await execute(plan=Plan(title="steps", tasks=tuple(tasks)), out=folder, engine=NoModel())


def in_this_process() -> None:
    """Let tools run where they are called."""

    async def inline(
        self: Any, function: Callable[..., Any], *args: Any, timeout: float | None = None
    ) -> Any:
        return function(*args)

    WorkerPool.run = inline  # type: ignore[method-assign, assignment]
    WorkerPool.warm = lambda self: None  # type: ignore[method-assign]


def resident() -> float:
    """Return the memory this process holds now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def kept(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def together(side: Callable[[int, Path], Any], count: int, folder: Path) -> float:
    """Return how much more memory is held, in MB a run, at the most while many runs are under way."""
    before, most = resident(), 0.0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, resident())
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(side(3, folder / str(number)) for number in range(count)))
    done.set()
    await watching
    return max(0.0, most - before) / count


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--steps", type=int, default=20)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--together", type=int, default=100)
    given = options.parse_args()
    in_this_process()
    sides: dict[str, Callable[[int, Path], Any]] = {"LangGraph": plain, "benchmate": ours}
    cpu: dict[str, list[float]] = {name: [] for name in sides}
    size: dict[str, int] = {}
    memory: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(given.runs + 1):  # the first of each is not counted
            for name, side in sides.items():
                folder = Path(scratch) / name / str(number)
                begun = time.process_time()
                asyncio.run(side(given.steps, folder))
                if number:
                    cpu[name].append((time.process_time() - begun) / given.steps * 1000)
                size[name] = kept(folder)
        for name, side in sides.items():
            memory[name] = asyncio.run(together(side, given.together, Path(scratch) / f"{name} together"))
    base = "LangGraph"
    print(f"{given.steps} steps one after the other; {given.together} runs of 3 steps together")
    for name in sides:
        step = min(cpu[name])
        print(
            f"  {name:10} CPU a step {step:7.2f} ms (ratio {step / min(cpu[base]):5.2f})   "
            f"memory a run {memory[name]:6.2f} MB (ratio {memory[name] / max(memory[base], 1e-9):5.2f})   "
            f"kept of a run {size[name] / 1000:8.1f} kB (ratio {size[name] / size[base]:5.2f})"
        )


if __name__ == "__main__":
    main()
