"""Worker processes: a call may die in any way, and only that call is lost."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import worker_functions as functions

from benchmate.runtime.errors import (
    BenchmateError,
    Crashed,
    InternalError,
    InvalidInput,
    NotFound,
    Unavailable,
)
from benchmate.runtime.settings import WorkerLimits
from benchmate.runtime.workers import WorkerPool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="memory limits and signals of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def pool():
    pool = WorkerPool(WorkerLimits(processes=2, seconds=30, memory_mb=1024, result_mb=1))
    yield pool
    pool.close()


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def until(happened: Callable[[], object], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not happened() and time.monotonic() < end:  # noqa: ASYNC110  # nothing tells us
        await asyncio.sleep(0.02)
    return bool(happened())


async def gone(process: int) -> bool:
    return await until(lambda: not alive(process))


async def test_results_come_back(pool):
    assert await pool.run(functions.add, 1, 2) == 3
    assert await asyncio.gather(*[pool.run(functions.add, n, n) for n in range(50)]) == [
        2 * n for n in range(50)
    ]


async def test_workers_stay_warm_and_are_not_this_process(pool):
    seen = {await pool.run(functions.process_id) for _ in range(10)}
    assert len(seen) <= 2 and os.getpid() not in seen


@pytest.mark.parametrize(
    ("function", "arguments", "code", "detail"),
    [
        (functions.segfault, (), "worker_crashed", {"signal": "SIGSEGV"}),
        (functions.kill_itself, (), "worker_crashed", {"signal": "SIGKILL"}),
        (functions.leave, (3,), "worker_crashed", {"exit_code": 3}),
        (functions.leave, (0,), "worker_crashed", {"exit_code": 0}),
        (functions.call_exit, (), "worker_crashed", {}),
        (functions.interrupt, (), "worker_crashed", {}),
        (functions.eat_memory, (2000,), "worker_memory", {}),
        (functions.make_bytes, (2_000_000,), "result_too_large", {"limit": 1024 * 1024}),
    ],
)
async def test_a_crash_costs_only_its_own_call(pool, function, arguments, code, detail):
    other = asyncio.create_task(pool.run(functions.sleep, 0.3))
    await asyncio.sleep(0.05)
    with pytest.raises(Crashed) as caught:
        await pool.run(function, *arguments)
    assert caught.value.code == code
    assert caught.value.info.details.items() >= detail.items()
    assert function.__name__ in caught.value.info.message
    assert await other == 0.3
    assert await pool.run(functions.add, 1, 2) == 3


@pytest.mark.parametrize("function", [functions.sleep, functions.sleep_in_c])
async def test_a_call_over_its_time_is_killed(pool, function):
    other = asyncio.create_task(pool.run(functions.sleep, 0.5))
    begun = time.monotonic()
    with pytest.raises(Crashed) as caught:
        await pool.run(function, 60, timeout=0.2)
    assert caught.value.code == "worker_timeout"
    assert time.monotonic() - begun < 30
    assert await other == 0.5


async def test_waiting_for_a_worker_does_not_count_as_time(pool):
    calls = [pool.run(functions.sleep, 0.3, timeout=0.9) for _ in range(8)]  # 1.2 s on two workers
    assert await asyncio.gather(*calls) == [0.3] * 8


@linux
async def test_cancelling_kills_the_call(pool, tmp_path):
    said = tmp_path / "pid"
    task = asyncio.create_task(pool.run(functions.say_and_sleep, str(said), 60))
    await until(lambda: said.exists() and said.read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(int(said.read_text()))
    assert await pool.run(functions.add, 1, 2) == 3


@linux
async def test_idle_workers_that_are_killed_are_replaced(pool):
    for process in {await pool.run(functions.process_id) for _ in range(10)}:
        os.kill(process, signal.SIGKILL)
    assert await pool.run(functions.add, 1, 2) == 3


async def test_typed_errors_arrive_as_they_are(pool):
    with pytest.raises(NotFound) as caught:
        await pool.run(functions.fail_typed)
    assert caught.value.info.model_dump() == {
        "code": "no_such_thing",
        "kind": "not_found",
        "message": "it is not there",
        "hint": "look elsewhere",
        "details": {"n": 1},
    }


@pytest.mark.parametrize(
    ("function", "said"), [(functions.fail, "ZeroDivisionError: bang"), (functions.return_function, "pickle")]
)
async def test_other_errors_are_the_tools_fault(pool, function, said):
    with pytest.raises(InternalError) as caught:
        await pool.run(function)
    assert caught.value.code == "tool_fault"
    assert said in caught.value.info.message and function.__name__ in caught.value.info.message


@pytest.mark.parametrize(("function", "arguments"), [(lambda: 1, ()), (functions.add, (1, lambda: 1))])
async def test_what_cannot_be_sent_is_refused(pool, function, arguments):
    with pytest.raises(InvalidInput) as caught:
        await pool.run(function, *arguments)
    assert caught.value.code == "not_importable"


@linux
async def test_numpy_gets_one_thread(pool):
    openmp, openblas, threads = await pool.run(functions.threads_and_settings)
    assert (openmp, openblas) == ("1", "1")
    assert threads <= 2  # its own, and the one that watches the parent


async def test_the_memory_limit_holds_for_what_a_tool_starts(pool):
    assert await pool.run(functions.memory_of_a_child) == 1024 * 1024 * 1024


async def test_modules_are_imported_before_the_first_call():
    pool = WorkerPool(WorkerLimits(processes=1), preload=("colorsys",))
    try:
        assert await pool.run(functions.imported, "colorsys")
    finally:
        pool.close()


async def test_a_module_that_cannot_be_imported_is_named():
    pool = WorkerPool(WorkerLimits(processes=1), preload=("no_such_module_anywhere",))
    try:
        with pytest.raises(Unavailable) as caught:
            await pool.run(functions.add, 1, 2)
        assert (
            caught.value.code == "preload_failed" and "no_such_module_anywhere" in caught.value.info.message
        )
    finally:
        pool.close()


@linux
async def test_warm_starts_and_close_leaves_no_worker():
    pool = WorkerPool(WorkerLimits(processes=2))
    pool.warm()
    seen = {await pool.run(functions.process_id) for _ in range(5)}
    running = asyncio.create_task(pool.run(functions.sleep, 60))
    await asyncio.sleep(0.1)
    pool.close()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError, BenchmateError):
        await running
    assert all([await gone(process) for process in seen])
    with pytest.raises(Unavailable) as caught:
        await pool.run(functions.add, 1, 2)
    assert caught.value.code == "workers_closed"
    pool.close()  # twice does no harm


def test_a_pool_that_was_never_used_starts_nothing():
    before = set(multiprocessing.active_children())
    pool = WorkerPool(WorkerLimits())
    pool.close()
    assert set(multiprocessing.active_children()) == before


@linux
@pytest.mark.parametrize("work", ["sleep", "sleep_in_c"])
async def test_workers_die_with_a_killed_parent(tmp_path, work):
    program = f"""
import asyncio
import worker_functions as functions
from benchmate.runtime.settings import WorkerLimits
from benchmate.runtime.workers import WorkerPool

async def main():
    pool = WorkerPool(WorkerLimits(processes=2))
    first, second = await asyncio.gather(*[pool.run(functions.own_and_parents_id, 0.5) for _ in range(2)])
    busy = asyncio.create_task(pool.run(functions.{work}, 60))
    await asyncio.sleep(0.2)
    print(*first, *second, flush=True)
    await busy

if __name__ == "__main__":
    asyncio.run(main())
"""
    script = tmp_path / "parent.py"
    script.write_text(program)
    here = str(Path(__file__).parent)
    parent = subprocess.Popen(  # noqa: ASYNC220  # it only starts
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([here, *sys.path])},
    )
    assert parent.stdout is not None
    try:
        processes = {int(word) for word in parent.stdout.readline().split()}
        assert len(processes) == 3  # two workers and the fork server
        assert all(alive(process) for process in processes)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    for process in processes:
        assert await gone(process), f"{process} outlived its parent"


def test_a_script_that_calls_at_its_top_level_is_not_run_again_by_its_workers(tmp_path):
    """multiprocessing runs the main file again in each worker; `benchmate.ask(…)` in a script then ran without end."""
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio, worker_functions\n"
        "from benchmate.runtime.settings import WorkerLimits\n"
        "from benchmate.runtime.workers import WorkerPool\n"
        "print('run')\n"
        "print(asyncio.run(WorkerPool(WorkerLimits(processes=2)).run(worker_functions.add, 1, 2)))\n"
    )
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([here, *sys.path])},
    )
    assert done.stdout.split() == ["run", "3"], done.stderr
