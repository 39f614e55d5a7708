"""Budget: nothing is spent beyond a limit, and what is said about it is right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.budget import Budget, BudgetLimits
from benchmate.runtime.canonical import canonical_json
from benchmate.runtime.errors import BudgetExceeded, InternalError
from benchmate.runtime.journal import Record


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60), st.booleans()), max_size=30))
def test_reserved_and_used_stay_within_the_limit_but_for_overruns(steps):
    budget = Budget(BudgetLimits(tokens=200))
    open_reservations, overrun = [], 0
    for asked, used, settle_one in steps:
        try:
            open_reservations.append((budget.reserve(tokens=asked), asked, used))
        except BudgetExceeded:
            assert budget.tokens.used + budget.tokens.reserved + asked > 200
        if settle_one and open_reservations:
            reservation, asked, used = open_reservations.pop(0)
            overrun += max(0, used - asked)
            budget.settle(reservation, tokens=used)
        assert budget.tokens.used + budget.tokens.reserved <= 200 + overrun
    for reservation, _, used in open_reservations:
        budget.settle(reservation, tokens=used)
    assert budget.tokens.reserved == 0


def test_the_message_says_which_limit_and_how_far():
    budget = Budget(BudgetLimits(tokens=100))
    budget.settle(budget.reserve(tokens=10), tokens=30)
    budget.reserve(tokens=60)
    with pytest.raises(BudgetExceeded) as caught:
        budget.reserve(tokens=20)
    assert caught.value.code == "budget_exceeded"
    assert (
        caught.value.info.message == "the limit of 100 tokens would be passed: 30 used, 60 reserved, 20 asked"
    )
    assert caught.value.info.details["limit"] == "tokens"


def test_a_refused_reservation_holds_nothing():
    budget = Budget(BudgetLimits(calls=10, tokens=5))
    with pytest.raises(BudgetExceeded):
        budget.reserve(calls=1, tokens=6)
    assert (budget.calls.reserved, budget.tokens.reserved) == (0, 0)
    assert budget.remaining == BudgetLimits(calls=10, tokens=5)


def test_no_limit_and_a_limit_of_nothing_are_different():
    free, closed = Budget(BudgetLimits()), Budget(BudgetLimits(calls=0))
    free.reserve(calls=10**9, tokens=10**12, usd=1e6)
    assert free.remaining == BudgetLimits() and not free.running_out()
    with pytest.raises(BudgetExceeded):
        closed.reserve(calls=1)


def test_ten_dimes_are_a_dollar():
    budget = Budget(BudgetLimits(usd=1.0))
    for _ in range(10):
        budget.settle(budget.reserve(usd=0.1), usd=0.1)
    with pytest.raises(BudgetExceeded):
        budget.reserve(usd=0.1)


def test_a_reservation_is_settled_once():
    budget = Budget()
    reservation = budget.reserve(calls=1)
    budget.settle(reservation, calls=1)
    with pytest.raises(InternalError) as caught:
        budget.settle(reservation, calls=1)
    assert caught.value.code == "settled_twice"
    assert budget.used.calls == 1


def test_the_soft_mark_is_at_eighty_percent():
    budget = Budget(BudgetLimits(calls=10))
    budget.settle(budget.reserve(calls=7), calls=7)
    assert not budget.running_out()
    budget.settle(budget.reserve(calls=1), calls=1)
    assert budget.running_out() == ["8 of 10 calls are used"]
    assert not budget.running_out(), "it is said once"


def test_time_counts_from_before_a_resume():
    now = [100.0]
    budget = Budget(BudgetLimits(seconds=60), spent_seconds=50, clock=lambda: now[0])
    budget.check_time()
    assert budget.running_out() == ["50 of 60 seconds are used"]
    assert budget.remaining.seconds == 10
    now[0] += 10.5
    with pytest.raises(BudgetExceeded, match="60 seconds"):
        budget.check_time()
    with pytest.raises(BudgetExceeded):
        budget.reserve(calls=1)
    assert budget.used.seconds == 60.5


def test_past_records_count_as_used():
    budget = Budget(BudgetLimits(calls=3))
    bodies = [
        {"result": {"usage": {"total_tokens": 40, "usd": 0.5}}},
        {"result": {"data": {}}},
        {"error": {"code": "bad", "kind": "invalid", "message": "no"}},
    ]
    for seq, body in enumerate(bodies, 1):
        budget.settle_past(Record(seq, "call.finished", "T1", 1, "k", 0.0, canonical_json(body), ""))
    used = budget.used
    assert (used.calls, used.tokens, used.usd) == (3, 40, 0.5)
    with pytest.raises(BudgetExceeded):
        budget.reserve(calls=1)
