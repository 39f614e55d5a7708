"""A run as it happens: its events one by one, then its outcome."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from types import TracebackType
from typing import Any

from benchmate.app.runs import RunOutcome
from benchmate.runtime.calls import STOPPED
from benchmate.runtime.errors import InvalidInput, Refused
from benchmate.runtime.events import Event

Start = Callable[[dict[str, Any]], Coroutine[Any, Any, RunOutcome]]


class RunStream:
    """The events of one run, in the order they happened. Loop over it once; then `outcome` is how the run stands.

    A loop that is left early lets the run go on. With `async with` (or `with`) around it the run is stopped there, at a safe point, and can be
    resumed:

    >>> async with benchmate.stream("What is the logP of aspirin?") as events:
    ...     async for event in events: ...
    """

    def __init__(self, start: Start, options: Mapping[str, Any]) -> None:
        self._start, self._options = start, dict(options)
        self._stop: threading.Event = self._options.get("stop") or threading.Event()
        self._options["stop"] = self._stop
        self._outcome: RunOutcome | None = None
        self._ended: RunOutcome | BaseException | None = None
        self._begun = False
        self._task: asyncio.Task[RunOutcome] | None = None
        self._thread: threading.Thread | None = None

    @property
    def outcome(self) -> RunOutcome:
        """How the run stands. Raises InvalidInput (`not_ended`) before the last event has come."""
        if self._outcome is None:
            raise InvalidInput(
                "not_ended", "the run has not ended", hint="go through its events first, to the last"
            )
        return self._outcome

    def _begin(self, listener: Callable[[Event], None]) -> Coroutine[Any, Any, RunOutcome]:
        if self._begun:
            raise InvalidInput(
                "begun_already", "the events of a run come once", hint="`benchmate.stream` begins another run"
            )
        self._begun = True
        return self._start(self._options | {"listeners": [*self._options.get("listeners", ()), listener]})

    async def __aiter__(self) -> AsyncIterator[Event]:
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event | None] = asyncio.Queue()

        def listen(event: Event) -> None:  # also from another thread
            loop.call_soon_threadsafe(events.put_nowait, event)

        self._task = asyncio.create_task(self._begin(listen))
        self._task.add_done_callback(lambda _: loop.call_soon_threadsafe(events.put_nowait, None))
        while (event := await events.get()) is not None:
            yield event
        self._outcome = await self._task

    def __iter__(self) -> Iterator[Event]:
        events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        run = self._begin(events.put)

        def work() -> None:
            try:
                self._ended = asyncio.run(run)
            except BaseException as error:  # carried to the caller's thread, whatever it is
                self._ended = error
            events.put(None)

        self._thread = threading.Thread(target=work, name="benchmate")
        self._thread.start()
        while (event := events.get()) is not None:
            yield event
        self._thread.join()
        if isinstance(self._ended, BaseException):
            raise self._ended
        self._outcome = self._ended

    async def __aenter__(self) -> RunStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._task is None:
            return
        if isinstance(error, asyncio.CancelledError):
            self._task.cancel()
        (self._ended,) = await asyncio.gather(self._task, return_exceptions=True)
        self._settle(error)

    def __enter__(self) -> RunStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._settle(error)

    def _settle(self, error: BaseException | None) -> None:
        """Keep how the run ended that was stopped as its loop was left, by an `error` or without one.

        A run that failed meanwhile is raised, or noted on the error that is on its way already.
        """
        ended = self._ended
        if not isinstance(ended, BaseException):
            self._outcome = ended
        elif (isinstance(ended, Refused) and ended.code == STOPPED) or ended is error:
            return
        elif error is None:
            raise ended
        elif not isinstance(ended, asyncio.CancelledError):
            error.add_note(f"the run failed too: {ended}")
