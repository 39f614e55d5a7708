"""Which endpoint is asked: the least busy, not one that failed a moment ago, and none when all circuits are open."""

import pytest

from benchmate.model.endpoints import COOL_DOWN_SECONDS, Endpoint, EndpointPool
from benchmate.runtime.errors import InvalidInput, Transient

A, B = Endpoint("http://a"), Endpoint("http://b")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def pool(*endpoints: Endpoint, clock: Clock | None = None) -> EndpointPool:
    return EndpointPool(endpoints, open_after=3, clock=clock or Clock())


def fail(of: EndpointPool, endpoint: Endpoint, code: str = "model_unreachable") -> None:
    with pytest.raises(Transient), of.using(endpoint):
        raise Transient(code, "no")


def test_calls_are_spread_over_endpoints() -> None:
    both = pool(A, B)
    with both.using(both.choose()):
        assert both.choose() == B
        with both.using(B):
            assert both.choose() == A
    assert both.choose() == A


def test_one_that_fails_is_left_alone_for_a_while_and_longer_each_time() -> None:
    clock = Clock()
    both = pool(A, B, clock=clock)
    fail(both, A)
    assert both.choose() == B
    clock.now = COOL_DOWN_SECONDS
    assert both.choose() == A
    fail(both, A)
    clock.now += COOL_DOWN_SECONDS
    assert both.choose() == B
    clock.now += COOL_DOWN_SECONDS
    with both.using(both.choose()):
        pass
    assert both.choose() == A


def test_an_only_endpoint_is_asked_until_its_circuit_opens_and_then_by_one_call_at_a_time() -> None:
    clock = Clock()
    only = pool(A, clock=clock)
    for _ in range(3):
        assert only.choose() == A
        fail(only, A)
    with pytest.raises(Transient, match="failed 3 times in a row, not asked again for 20 s") as caught:
        only.choose()
    assert caught.value.code == "model_circuit_open"
    clock.now = 20.0
    assert only.choose() == A
    with pytest.raises(Transient, match="not asked again"):
        only.choose()
    with only.using(A):
        pass
    assert only.choose() == A == only.choose()


def test_a_busy_server_and_a_refused_request_open_no_circuit() -> None:
    only = pool(A)
    for _ in range(9):
        fail(only, A, "model_busy")
        with pytest.raises(InvalidInput), only.using(A):
            raise InvalidInput("model_refused_request", "no")
    assert only.choose() == A


def test_when_all_failed_a_moment_ago_one_is_asked_all_the_same() -> None:
    both = pool(A, B)
    fail(both, A)
    fail(both, B)
    assert both.choose() in (A, B)
