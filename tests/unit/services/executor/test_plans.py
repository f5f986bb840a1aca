from __future__ import annotations

import asyncio

from libs.common.errors import Unavailable
from services.executor.plans import Flights


async def test_work_is_done_once_for_all_who_want_it_at_the_time() -> None:
    flights: Flights[str, int] = Flights()
    done = 0

    async def work() -> int:
        nonlocal done
        await asyncio.sleep(0)
        done += 1
        return done

    assert await asyncio.gather(*(flights.join("a", work) for _ in range(3))) == [1, 1, 1]
    assert await flights.join("a", work) == 2
    assert len(flights) == 0


async def test_who_gives_up_does_not_take_the_others_work_with_them() -> None:
    flights: Flights[str, int] = Flights()
    go = asyncio.Event()

    async def work() -> int:
        await go.wait()
        return 1

    impatient, patient = (asyncio.create_task(flights.join("a", work)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    go.set()
    assert await patient == 1


async def test_a_failure_is_everybodys_and_is_not_kept() -> None:
    flights: Flights[str, int] = Flights()

    async def fail() -> int:
        raise Unavailable("redis")

    async def work() -> int:
        return 1

    both = (flights.join("a", fail) for _ in range(2))
    failed = await asyncio.gather(*both, return_exceptions=True)
    assert [type(one) for one in failed] == [Unavailable, Unavailable]
    assert await flights.join("a", work) == 1
