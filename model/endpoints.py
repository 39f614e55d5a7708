"""Where a model's servers listen, and which of them to ask: one that fails is left alone for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmate.runtime.errors import BenchmateError, Transient

COOL_DOWN_SECONDS = 5.0  # after a first failure; each further one doubles it
LONGEST_COOL_DOWN_SECONDS = 60.0
CIRCUIT_OPEN = "model_circuit_open"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens, and its key. `url` ends before `/v1`."""

    url: str
    api_key: str | None = None

    @property
    def local(self) -> bool:
        return urlsplit(self.url).hostname in ("127.0.0.1", "::1", "localhost")


@dataclass(slots=True)
class _State:
    """How one endpoint does: failures in a row, until when it is left alone, and calls under way."""

    failures: int = 0
    shut_until: float = 0.0
    under_way: int = 0


class EndpointPool:
    """The endpoints of one model, with a circuit breaker each.

    A call goes to the endpoint with the fewest calls under way. Where there are several, one that fails is left
    alone for a while and the others take its calls. After `open_after` failures in a row its circuit is open: one
    call at a time tries it, and when all circuits are open, calls fail at once instead of waiting.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        open_after: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._states = {endpoint: _State() for endpoint in endpoints}
        self._open_after, self._clock = open_after, clock

    def choose(self) -> Endpoint:
        """Return the endpoint to ask. Raises Transient (`model_circuit_open`)."""
        now = self._clock()
        ready = [(e, s) for e, s in self._states.items() if s.shut_until <= now]
        ready = ready or [(e, s) for e, s in self._states.items() if s.failures < self._open_after]
        if not ready:
            wait = min(s.shut_until for s in self._states.values()) - now
            raise Transient(
                CIRCUIT_OPEN,
                f"{', '.join(e.url for e in self._states)}: failed {self._open_after} times in a row, not asked "
                f"again for {wait:.0f} s",
                hint="look at the server's log",
            )
        endpoint, state = min(ready, key=lambda pair: pair[1].under_way)
        if state.failures >= self._open_after:  # one call tries it; the others do not wait for the outcome
            state.shut_until = now + self._cool_down(state)
        return endpoint

    @contextmanager
    def using(self, endpoint: Endpoint) -> Iterator[None]:
        """Count a call to an endpoint, and note how it ends. One that nobody waited for has failed."""
        state = self._states.get(endpoint, _State())
        state.under_way += 1
        try:
            yield
        except BenchmateError as error:
            if isinstance(error, Transient):
                self._failed(state, counts=error.code != "model_busy")
            else:
                state.failures = 0
            raise
        except asyncio.CancelledError:
            self._failed(state, counts=True)
            raise
        else:
            state.failures, state.shut_until = 0, 0.0
        finally:
            state.under_way -= 1

    def _failed(self, state: _State, *, counts: bool) -> None:
        state.failures += counts
        if len(self._states) > 1 or state.failures >= self._open_after:
            state.shut_until = self._clock() + self._cool_down(state)

    def _cool_down(self, state: _State) -> float:
        doubled = COOL_DOWN_SECONDS * 2.0 ** max(state.failures - 1, 0)
        return float(min(doubled, LONGEST_COOL_DOWN_SECONDS))
