from __future__ import annotations

import pytest

from services.executor.breaker import FAILURES, OPEN_SECONDS, Breaker

HOST = "hooks.example.com"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker, tenant: str = "acme", times: int = FAILURES) -> None:
    for _ in range(times):
        breaker.failed(tenant, HOST)


def test_who_fails_now_and_then_is_called(breaker: Breaker) -> None:
    for _ in range(3):
        fail(breaker, times=FAILURES - 1)
        assert breaker.may_call("acme", HOST)
        breaker.answered("acme", HOST)


def test_who_fails_time_after_time_is_spared_for_a_while(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += OPEN_SECONDS - 1
    assert not breaker.may_call("acme", HOST)


def test_then_one_call_finds_out_for_all(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += OPEN_SECONDS
    assert breaker.may_call("acme", HOST)
    assert not breaker.may_call("acme", HOST)
    breaker.answered("acme", HOST)
    assert breaker.may_call("acme", HOST)


def test_one_that_fails_then_is_spared_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += OPEN_SECONDS
    assert breaker.may_call("acme", HOST)
    breaker.failed("acme", HOST)
    clock.now += OPEN_SECONDS - 1
    assert not breaker.may_call("acme", HOST)


def test_one_whose_result_nobody_told_is_followed_by_another(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker)
    clock.now += OPEN_SECONDS
    assert breaker.may_call("acme", HOST)
    clock.now += OPEN_SECONDS
    assert breaker.may_call("acme", HOST)


def test_what_fails_for_one_tenant_is_called_for_another(breaker: Breaker) -> None:
    fail(breaker, "acme")
    assert breaker.may_call("globex", HOST)


def test_those_who_failed_longest_ago_are_forgotten_where_there_are_very_many(
    breaker: Breaker,
) -> None:
    fail(breaker)
    for number in range(1_000):
        breaker.failed("acme", f"{number}.example.com")
    assert breaker.may_call("acme", HOST)
