"""What a tenant says is looked up once in a while, by one for all, and never waited for in vain."""

from __future__ import annotations

import asyncio

import pytest

from libs.common.errors import Unavailable
from libs.common.wire.tenants import TenantSettings
from services.executor.tenants import AGAIN_SECONDS, NOTHING, Tenants

SECONDS = 30.0
ONE = TenantSettings(("https://one.example",))
OTHER = TenantSettings(("https://other.example",))


class Store:
    """Has what tenants say, and a clock."""

    def __init__(self, **settings: TenantSettings) -> None:
        self.stored = settings
        self.asked: list[str] = []
        self.now = 0.0
        self.away = False
        self.answers = asyncio.Event()
        self.answers.set()
        self.tenants = Tenants(self.find, lambda: self.now, seconds=SECONDS)

    async def find(self, tenant: str) -> TenantSettings | None:
        self.asked.append(tenant)
        await self.answers.wait()
        if self.away:
            raise Unavailable("postgres")
        return self.stored.get(tenant)


async def test_what_is_known_is_asked_for_again_only_after_its_time() -> None:
    store = Store(acme=ONE)
    assert [await store.tenants.settings("acme") for _ in range(3)] == [ONE] * 3
    assert store.asked == ["acme"]
    store.stored["acme"] = OTHER
    store.now = SECONDS - 0.1
    assert await store.tenants.settings("acme") == ONE
    store.now = SECONDS
    assert await store.tenants.settings("acme") == OTHER
    assert store.asked == ["acme", "acme"]


async def test_many_who_want_to_know_at_once_look_once() -> None:
    store = Store(acme=ONE)
    store.answers.clear()
    asking = asyncio.gather(*(store.tenants.settings("acme") for _ in range(20)))
    await asyncio.sleep(0)
    store.answers.set()
    assert await asking == [ONE] * 20
    assert store.asked == ["acme"]


async def test_who_goes_away_takes_the_look_from_nobody_else() -> None:
    store = Store(acme=ONE)
    store.answers.clear()
    gone, stays = (asyncio.create_task(store.tenants.settings("acme")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait({gone})
    store.answers.set()
    assert await stays == ONE
    assert store.asked == ["acme"]


async def test_two_look_at_a_time_however_many_tenants_are_named() -> None:
    store = Store()
    store.answers.clear()
    asking = asyncio.gather(*(store.tenants.settings(f"made-up-{each}") for each in range(20)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(store.asked) == 2
    store.answers.set()
    assert await asking == [NOTHING] * 20


async def test_a_tenant_that_is_none_says_nothing_and_takes_no_room() -> None:
    store = Store()
    assert await store.tenants.settings("nobody") == NOTHING
    assert not store.tenants._known
    assert not store.tenants._looks


async def test_while_nobody_can_be_asked_what_was_known_holds() -> None:
    store = Store(acme=ONE)
    await store.tenants.settings("acme")
    store.away, store.now = True, SECONDS
    assert [await store.tenants.settings("acme") for _ in range(3)] == [ONE] * 3
    # One look found that out for all of them, and for those about whom nothing is known.
    with pytest.raises(Unavailable):
        await store.tenants.settings("other")
    assert store.asked == ["acme", "acme"]
    store.now += AGAIN_SECONDS
    with pytest.raises(Unavailable):
        await store.tenants.settings("other")
    store.away, store.stored["acme"] = False, OTHER
    store.now += AGAIN_SECONDS
    assert await store.tenants.settings("acme") == OTHER


async def test_what_is_known_is_not_waited_for_while_the_look_hangs() -> None:
    store = Store(acme=ONE)
    await store.tenants.settings("acme")
    store.now = SECONDS
    store.stored["acme"] = OTHER
    store.answers.clear()
    assert await store.tenants.settings("acme") == ONE
    store.answers.set()
    assert await store.tenants.settings("acme") == OTHER
    assert store.asked == ["acme", "acme"]


async def test_what_still_looks_is_ended() -> None:
    store = Store(acme=ONE)
    store.answers.clear()
    asking = asyncio.create_task(store.tenants.settings("acme"))
    await asyncio.sleep(0)
    await store.tenants.stop()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not store.tenants._looks
