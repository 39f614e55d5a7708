"""Worker processes: tool code that may crash, hang or eat memory runs there, and the program goes on."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from pebble import ProcessExpired, ProcessPool

from benchmate.runtime.calls import crash_error
from benchmate.runtime.errors import BenchmateError, Crashed, InvalidInput, Unavailable
from benchmate.runtime.settings import WorkerLimits

# One thread each: there are as many processes as cores, and a fork server with BLAS threads must not fork.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_MEGABYTE = 1024 * 1024
_EXITED = 86  # what `os._exit(0)` in a tool becomes: a worker that ends without an answer has crashed
_ATTEMPTS = 3  # to hand a call to a pool whose idle workers were killed


class WorkerPool:
    """Warm worker processes for importable functions, started at the first call or by `warm`.

    Processes come from a fork server, so a worker starts in milliseconds with `preload` imported and never
    inherits this process's threads. The fork server is one idle process and ends with the program.
    """

    def __init__(
        self,
        limits: WorkerLimits,
        *,
        preload: tuple[str, ...] = (),
        prepare: Callable[[], None] | None = None,
    ) -> None:
        """`preload` names modules that every worker imports before its first call; `prepare`, importable, is called in each."""
        self.limits = limits
        self.preload = preload
        self.prepare = prepare
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._warming: threading.Thread | None = None
        self._closed = False

    def warm(self) -> None:
        """Start the processes in the background."""
        if self._warming is None:
            self._warming = threading.Thread(target=self._started, name="warm-workers", daemon=True)
            self._warming.start()

    async def run(self, function: Callable[..., Any], *args: Any, timeout: float | None = None) -> Any:
        """Return `function(*args)`, run in a worker and stopped `timeout` seconds after it began there.

        Typed errors that the function raises arrive as they are; others become InternalError (`tool_fault`).
        Cancelling the caller kills the call. Raises Crashed (`worker_timeout`, `worker_crashed`,
        `worker_memory`, `result_too_large`), InvalidInput (`not_importable`), Unavailable (`preload_failed`,
        `workers_closed`).
        """
        what = f"{function.__module__}.{getattr(function, '__qualname__', function)}"
        try:
            payload = pickle.dumps((function, args))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise InvalidInput(
                "not_importable",
                f"{what} and its arguments cannot be sent to a worker: {error}",
                hint="use a function at the top level of a module, and plain arguments",
            ) from None
        seconds = self.limits.seconds if timeout is None else timeout
        answer = await self._answer(what, payload, seconds)
        status, value = pickle.loads(answer)
        if status == "error":
            raise value
        return value

    async def _answer(self, what: str, payload: bytes, seconds: float) -> bytes:
        for _ in range(_ATTEMPTS):
            pool = self._pool if self._usable() else await asyncio.to_thread(self._started)
            assert pool is not None
            try:
                future = pool.schedule(
                    _call, args=(payload, what, int(self.limits.result_mb * _MEGABYTE)), timeout=seconds
                )
                answer: bytes = await asyncio.wrap_future(future)
                return answer
            except TimeoutError:
                raise Crashed(
                    "worker_timeout",
                    f"{what} did not finish within {seconds:g} s and was stopped",
                    hint="give it a smaller input, or more time",
                    details={"seconds": seconds},
                ) from None
            except ProcessExpired as error:
                raise _crash(what, error.exitcode) from None
            except (
                BrokenProcessPool,
                RuntimeError,
            ):  # raised when an idle worker died and no call was running
                self._discard(pool)
        raise Crashed("worker_crashed", f"the worker processes for {what} die as soon as they start")

    def close(self) -> None:
        """Stop every worker, and the calls they run. The pool cannot be used again."""
        self._closed = True
        if self._warming is not None:
            self._warming.join()
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()
            pool.join()

    def _usable(self) -> bool:
        return not self._closed and self._pool is not None and self._pool.active

    def _started(self) -> ProcessPool:
        with self._lock:
            if self._closed:
                raise Unavailable("workers_closed", "the worker processes were stopped")
            if self._pool is None:
                context = _Context()
                context.set_forkserver_preload([__name__, *self.preload])
                with _environment(dict.fromkeys(THREAD_VARIABLES, "1")):
                    pool = ProcessPool(
                        max_workers=self.limits.processes,
                        initializer=_initialize,
                        initargs=(self.limits.memory_mb * _MEGABYTE, self.preload, self.prepare),
                        context=context,
                    )
                    assert pool.active  # reading it starts the processes
                self._pool = pool
            return self._pool

    def _discard(self, pool: ProcessPool) -> None:
        with self._lock:
            if self._pool is pool:
                self._pool = None
        pool.stop()


if sys.platform != "win32":  # which has no fork server, and so no workers
    from multiprocessing import popen_forkserver, spawn
    from multiprocessing.context import ForkServerContext, ForkServerProcess

    _starting = threading.local()
    _preparation = spawn.get_preparation_data

    def _without_main(name: str) -> Any:
        """Leave out the program's main file where the process being started is one of ours."""
        data = _preparation(name)
        if getattr(_starting, "worker", False):
            for key in ("init_main_from_name", "init_main_from_path"):
                data.pop(key, None)
        return data

    spawn.get_preparation_data = _without_main

    class _Process(ForkServerProcess):
        """A worker. It does not run the main file again, as multiprocessing would have it do.

        A script that calls benchmate at its top level would otherwise call it once more in every worker.
        """

        @staticmethod
        def _Popen(process_obj: Any) -> popen_forkserver.Popen:
            _starting.worker = True
            try:
                return popen_forkserver.Popen(process_obj)
            finally:
                _starting.worker = False

    class _Context(ForkServerContext):
        Process = _Process


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Any:
    """Set environment variables while a process starts that is to inherit them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _crash(what: str, exitcode: int) -> Crashed:
    if exitcode < 0:
        name = signal.Signals(-exitcode).name if -exitcode in list(signal.Signals) else f"signal {-exitcode}"
        details: dict[str, Any] = {"signal": name}
        how = f"was killed by {name}"
    else:
        code = 0 if exitcode == _EXITED else exitcode
        details = {"exit_code": code}
        how = f"ended its process with exit code {code}"
    return Crashed("worker_crashed", f"{what} {how}", details=details)


# What follows runs in the worker.

_startup_error: BenchmateError | None = None


def _initialize(memory: int, preload: tuple[str, ...], prepare: Callable[[], None] | None) -> None:
    """Prepare a fresh worker: it dies with its parent, at once when told to, and within its memory."""
    global _startup_error
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # pebble's handler waits for C code to return
    _die_with_parent()
    _count_exits()
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        if prepare is not None:
            prepare()
    except BenchmateError as error:  # kept for the first call, like the next
        _startup_error = error
    for module in preload:
        try:
            importlib.import_module(module)
        except ImportError as error:  # kept for the first call, which can report it
            _startup_error = Unavailable(
                "preload_failed", f"a worker cannot import {module}: {error}", hint="install what it needs"
            )
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _die_with_parent() -> None:
    """End this process when the program ends, even by SIGKILL."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)

    if sys.platform == "linux":
        # The parent holds the other end of a pipe. While C code keeps the interpreter lock the thread below
        # cannot act; the signal that the kernel sends when the pipe closes ends the process all the same.
        import fcntl

        sentinel = parent.sentinel
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(sentinel, fcntl.F_SETFL, fcntl.fcntl(sentinel, fcntl.F_GETFL) | os.O_ASYNC)
    threading.Thread(target=wait, name="die-with-parent", daemon=True).start()


def _count_exits() -> None:
    """Let no exit look like success: pebble would wait for the answer of a worker that ended with code 0."""
    leave = os._exit
    os._exit = lambda status: leave(status or _EXITED)


def _call(payload: bytes, what: str, limit: int) -> bytes:
    """Run one call and return its pickled (status, value); nothing but bytes crosses the pipe."""
    try:
        if _startup_error is not None:
            raise _startup_error
        function, args = pickle.loads(payload)
        answer = pickle.dumps(("result", function(*args)))
    except BenchmateError as error:
        return pickle.dumps(("error", error))
    except MemoryError:
        return pickle.dumps(("error", Crashed(
            "worker_memory",
            f"{what} needed more memory than a worker may use",
            hint="give it a smaller input, or raise workers.memory_mb",
        )))  # fmt: skip
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        return pickle.dumps(("error", Crashed("worker_crashed", f"{what} ended itself with {error!r}")))
    except Exception as error:
        return pickle.dumps(("error", crash_error(error, what)))
    if len(answer) > limit:
        return pickle.dumps(("error", Crashed(
            "result_too_large",
            f"{what} returned {len(answer) / _MEGABYTE:.1f} MB, more than {limit / _MEGABYTE:g} MB",
            hint="return less, or store it as an artifact",
            details={"bytes": len(answer), "limit": limit},
        )))  # fmt: skip
    return answer
