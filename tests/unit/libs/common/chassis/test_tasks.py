import asyncio
from contextlib import suppress

import pytest

from libs.common.chassis.tasks import end, unless
from tests.patience import PATIENCE_SECONDS


async def never() -> None:
    await asyncio.Event().wait()


async def lose_two_cancellations() -> str:
    for _ in range(2):
        with suppress(asyncio.CancelledError):
            await never()
    await never()
    return "never"


async def test_a_task_that_loses_its_cancellation_is_cancelled_again() -> None:
    task = asyncio.create_task(lose_two_cancellations())
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await end(task)
    assert task.cancelled()


async def test_what_is_done_in_time_is_returned() -> None:
    assert await unless(never(), asyncio.sleep(0, "done")) == "done"


async def test_what_is_not_done_in_time_has_ended() -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await unless(asyncio.sleep(0), lose_two_cancellations()) is None
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_event_counts_though_the_work_is_done_in_the_same_moment() -> None:
    assert await unless(asyncio.sleep(0), asyncio.sleep(0, "done")) is None


async def test_work_that_somebody_else_cancels_returns_nothing() -> None:
    async def cancelled() -> str:
        raise asyncio.CancelledError

    assert await unless(never(), cancelled()) is None


async def test_what_fails_is_raised() -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await unless(never(), fail())


async def test_whoever_is_cancelled_while_waiting_leaves_nothing_behind() -> None:
    waiting = asyncio.create_task(unless(never(), never()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == {asyncio.current_task()}
