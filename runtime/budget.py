"""Budget: hard limits of a run, reserved before a call starts and settled by what it really used."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from benchmate.runtime.errors import BudgetExceeded, InternalError

if TYPE_CHECKING:
    from benchmate.runtime.journal import Record

SOFT_MARK = 0.8  # of a limit: time to say so
_ROUNDING = 1e-9  # ten times 0.1 USD is within a limit of 1 USD


class BudgetLimits(BaseModel):
    """Limits of one run; None means no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: int | None = Field(None, ge=0, description="Tool and model calls together.")
    tokens: int | None = Field(None, ge=0, description="Prompt and completion tokens of all model calls.")
    usd: float | None = Field(None, ge=0, description="Cost that the model servers report.")
    seconds: float | None = Field(None, ge=0, description="Wall-clock time, over all resumes.")


class Usage(BaseModel):
    """What was used so far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0


@dataclass(slots=True)
class Meter:
    """One limit, what was used of it and what is held for calls in flight."""

    name: str
    limit: float | None
    used: float = 0
    reserved: float = 0

    @property
    def remaining(self) -> float | None:
        """What may still be reserved; None without a limit."""
        return None if self.limit is None else max(0, self.limit - self.used - self.reserved)

    @property
    def soft(self) -> bool:
        """Whether 80 % of the limit is used."""
        return self.limit is not None and self.used >= SOFT_MARK * self.limit

    def check(self, asked: float) -> None:
        """Raise BudgetExceeded (`budget_exceeded`) when `asked` more would pass the limit."""
        if self.limit is None or self.used + self.reserved + asked <= self.limit + _ROUNDING:
            return
        raise BudgetExceeded(
            "budget_exceeded",
            f"the limit of {self.limit:g} {self.name} would be passed: "
            f"{self.used:g} used, {self.reserved:g} reserved, {asked:g} asked",
            hint=f"raise the limit of {self.name} and resume the run",
            details={
                "limit": self.name,
                "allowed": self.limit,
                "used": self.used,
                "reserved": self.reserved,
                "asked": asked,
            },
        )


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """What is held for one call or batch until `Budget.settle`."""

    calls: int
    tokens: int
    usd: float


@dataclass(slots=True)
class Budget:
    """The limits of one run and what stands against them.

    Branches in parallel each reserve before they start, so a limit can be overrun at most by what the calls
    in flight use beyond their reservations. `spent_seconds` is time used before a resume.
    """

    limits: BudgetLimits = field(default_factory=BudgetLimits)
    spent_seconds: float = 0.0
    clock: Callable[[], float] = time.monotonic
    calls: Meter = field(init=False)
    tokens: Meter = field(init=False)
    usd: Meter = field(init=False)
    _begun: float = field(init=False)
    _told: set[str] = field(init=False, default_factory=set)
    _open: set[Reservation] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.calls = Meter("calls", self.limits.calls)
        self.tokens = Meter("tokens", self.limits.tokens)
        self.usd = Meter("usd", self.limits.usd)
        self._begun = self.clock()

    def reserve(self, calls: int = 0, tokens: int = 0, usd: float = 0.0) -> Reservation:
        """Hold what is about to be used, or nothing of it.

        Raises BudgetExceeded (`budget_exceeded`) naming the limit, what is used, reserved and asked.
        """
        self.check_time()
        self.calls.check(calls)
        self.tokens.check(tokens)
        self.usd.check(usd)
        reservation = Reservation(calls, tokens, usd)
        self._open.add(reservation)
        self._hold()
        return reservation

    def settle(self, reservation: Reservation, calls: int = 0, tokens: int = 0, usd: float = 0.0) -> None:
        """Replace a reservation by what was really used. Raises InternalError (`settled_twice`)."""
        if reservation not in self._open:
            raise InternalError("settled_twice", "this reservation is not open in this budget")
        self._open.remove(reservation)
        self._hold()
        self._use(calls, tokens, usd)

    def settle_past(self, record: Record) -> None:
        """Count a finished call of a resumed run or a recording as used."""
        usage = (record.body.get("result") or {}).get("usage") or {}
        self._use(1, int(usage.get("total_tokens") or 0), float(usage.get("usd") or 0.0))

    def check_time(self) -> None:
        """Raise BudgetExceeded (`budget_exceeded`) when the time is up."""
        self._time().check(0)

    @property
    def seconds(self) -> float:
        """Time used, before a resume and since."""
        return self.spent_seconds + self.clock() - self._begun

    @property
    def used(self) -> Usage:
        """What was used, without what is reserved."""
        return Usage(
            calls=int(self.calls.used), tokens=int(self.tokens.used), usd=self.usd.used, seconds=self.seconds
        )

    @property
    def remaining(self) -> BudgetLimits:
        """What may still be reserved; None where there is no limit."""
        calls, tokens = self.calls.remaining, self.tokens.remaining
        return BudgetLimits(
            calls=None if calls is None else int(calls),
            tokens=None if tokens is None else int(tokens),
            usd=self.usd.remaining,
            seconds=self._time().remaining,
        )

    def running_out(self) -> list[str]:
        """Say of each limit of which 80 % is used how it stands, once."""
        meters = [
            m
            for m in (self.calls, self.tokens, self.usd, self._time())
            if m.soft and m.name not in self._told
        ]
        self._told |= {meter.name for meter in meters}
        return [f"{meter.used:.4g} of {meter.limit:g} {meter.name} are used" for meter in meters]

    def _time(self) -> Meter:
        return Meter("seconds", self.limits.seconds, used=self.seconds)

    def _use(self, calls: int, tokens: int, usd: float) -> None:
        self.calls.used += calls
        self.tokens.used += tokens
        self.usd.used += usd

    def _hold(self) -> None:
        self.calls.reserved = sum(r.calls for r in self._open)
        self.tokens.reserved = sum(r.tokens for r in self._open)
        self.usd.reserved = sum(r.usd for r in self._open)
