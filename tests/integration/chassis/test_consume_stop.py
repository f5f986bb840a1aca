"""A process that stops gives back what it has not done."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from libs.common.chassis.bus import Bus
from libs.common.chassis.consume import Message
from libs.common.errors import Unavailable
from libs.common.secret import Secret
from tests.integration.chassis.consuming import CONSUMER, EVENTS, SUBJECT, World, a_world
from tests.patience import until, until_so

WORKERS = 100


@pytest.fixture
async def world(nats_url: str) -> AsyncIterator[World]:
    async with a_world(nats_url) as world:
        yield world


async def test_a_stop_gives_back_what_waits(world: World) -> None:
    async def wait(_message: Message) -> None:
        raise Unavailable("redis", 600)

    async def handle(_message: Message) -> None:
        return

    await world.publish(b"1")
    waiting = world.consume(wait)
    await world.counts(waited=1)
    await waiting.stop()
    world.consume(handle)
    await world.counts(waited=1, done=1)


async def test_a_stop_finishes_the_message_in_hand(world: World) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def handle(_message: Message) -> None:
        begun.set()
        await release.wait()

    await world.publish(b"1", b"2")
    consumption = world.consume(handle)
    await begun.wait()
    stopping = asyncio.create_task(consumption.stop())
    await asyncio.sleep(0)
    release.set()
    await stopping
    assert world.counted == {"done": 1}


async def test_a_stop_gives_back_what_does_not_end_in_time(world: World) -> None:
    begun, deliveries, ended = asyncio.Event(), list[int](), list[str]()

    async def hang(_message: Message) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("handler")

    async def handle(message: Message) -> None:
        deliveries.append(message.delivery)

    await world.publish(b"1")
    # With a second worker, which waits for a message, and must not hang of the same one.
    hanging = world.consume(hang, msgspec.structs.replace(CONSUMER, workers=2))
    await begun.wait()
    await hanging.stop(within=0.01)
    assert ended == ["handler"]
    world.consume(handle)
    # Given back: nobody else would have it before the acknowledgement is overdue.
    await world.counts(done=1)
    assert len(deliveries) == 1


async def test_a_stop_finishes_what_ends_in_time(world: World) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def handle(_message: Message) -> None:
        begun.set()
        await release.wait()

    await world.publish(b"1")
    consumption = world.consume(handle)
    await begun.wait()
    stopping = asyncio.create_task(consumption.stop(within=600))
    await asyncio.sleep(0)
    release.set()
    await stopping
    assert world.counted == {"done": 1}


async def test_what_is_sent_as_a_stop_ends_the_asking_is_given_back(world: World) -> None:
    handled: set[int] = set()

    async def handle(message: Message) -> None:
        handled.add(message.sequence)

    async def all_ask() -> bool:
        async with world.bus.asking() as client:
            found = await client.jetstream().consumer_info(EVENTS.name, CONSUMER.durable)
        return (found.num_waiting or 0) >= WORKERS

    many = msgspec.structs.replace(CONSUMER, workers=WORKERS)
    asking = world.consume(handle, many)
    await until_so(lambda: world.lag == 0)
    await until(all_ask)
    stopping = asyncio.create_task(asking.stop())
    # Fewer than there are who ask, so that some come just as nobody asks any more.
    for _ in range(WORKERS // 2):
        async with world.bus.asking() as client:
            await client.publish(SUBJECT, b"")
        await asyncio.sleep(0.005)
    await stopping
    world.consume(handle, many)
    # What is lost on its way comes again only when its acknowledgement is overdue.
    await until_so(lambda: len(handled) == WORKERS // 2)


async def test_a_stop_ends_though_the_server_was_never_there(world: World) -> None:
    async def handle(_message: Message) -> None:
        raise AssertionError

    bus = Bus(Secret("nats://127.0.0.1:1"), name="test")
    bus.open()
    consumption = world.consume(handle, bus=bus)
    # Long enough for all of its tasks to have asked once, and to wait before they ask again.
    await asyncio.sleep(0.1)
    await consumption.stop()
    await bus.close()
