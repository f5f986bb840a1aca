from libs.common.chassis.redis_line.backoff import FIRST, LONGEST, Backoff


def test_the_first_try_need_not_wait() -> None:
    assert Backoff().left(0.0) <= 0


def test_each_failure_waits_longer_than_the_one_before_up_to_a_bound() -> None:
    backoff, waits = Backoff(), []
    for _ in range(100):
        backoff.failed(1000.0)
        waits.append(backoff.left(1000.0))
    assert FIRST / 2 - 1e-9 <= waits[0] <= FIRST
    assert waits[0] <= waits[2] <= waits[4]
    assert LONGEST / 2 - 1e-9 <= min(waits[10:]) <= max(waits[10:]) <= LONGEST


def test_a_wait_passes() -> None:
    backoff = Backoff()
    backoff.failed(1000.0)
    assert backoff.left(1000.0 + FIRST) <= 0


def test_a_success_is_forgiving() -> None:
    backoff = Backoff()
    for _ in range(10):
        backoff.failed(1000.0)
    backoff.succeeded()
    assert backoff.left(1000.0) <= 0
    backoff.failed(1000.0)
    assert backoff.left(1000.0) <= FIRST
