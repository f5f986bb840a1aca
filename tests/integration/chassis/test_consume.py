"""Consuming against a real NATS: what is done, what is tried again, what is set aside."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import nats
import pytest
from nats.js.api import ConsumerConfig

from deploy.local.server import Server
from libs.common.chassis.bus import Bus
from libs.common.chassis.consume import Hopeless, Message
from libs.common.chassis.metrics import ConsumerMeter
from libs.common.errors import Unavailable
from libs.common.secret import Secret
from tests.integration.chassis.consuming import CONSUMER, EVENTS, SUBJECT, World, a_world
from tests.patience import until_so


@pytest.fixture
async def world(nats_url: str) -> AsyncIterator[World]:
    async with a_world(nats_url) as world:
        yield world


async def test_messages_are_handled_in_order_and_once(world: World) -> None:
    handled: list[bytes] = []

    async def handle(message: Message) -> None:
        handled.append(message.data)

    await world.publish(b"1", b"2", b"3")
    world.consume(handle)
    await world.counts(done=3)
    assert handled == [b"1", b"2", b"3"]


async def test_processes_share_the_messages(world: World) -> None:
    handled: list[bytes] = []

    async def handle(message: Message) -> None:
        handled.append(message.data)

    world.consume(handle)
    world.consume(handle)
    await world.publish(*(str(n).encode() for n in range(20)))
    await world.counts(done=20)
    assert sorted(handled, key=int) == [str(n).encode() for n in range(20)]


async def test_a_message_without_hope_is_set_aside_at_once(world: World) -> None:
    deliveries: list[int] = []

    async def handle(message: Message) -> None:
        deliveries.append(message.delivery)
        raise Hopeless("nobody can do this")

    await world.publish(b"1")
    world.consume(handle)
    await world.counts(dead=1)
    assert deliveries == [1]


async def test_a_message_that_fails_comes_again(world: World) -> None:
    deliveries: list[int] = []

    async def handle(message: Message) -> None:
        deliveries.append(message.delivery)
        if message.delivery < 3:
            raise RuntimeError

    await world.publish(b"1")
    world.consume(handle)
    await world.counts(retried=2, done=1)
    assert deliveries == [1, 2, 3]


async def test_a_message_that_always_fails_is_set_aside_and_the_rest_flows_on(world: World) -> None:
    async def handle(message: Message) -> None:
        if message.data == b"poison":
            raise ValueError("cannot read 'hunter2', é")

    await world.publish(b"poison", b"fine", headers={"Tenant": "acme"})
    world.consume(handle)
    await world.counts(retried=2, dead=1, done=1)
    dead = await world.dead()
    assert (dead.subject, dead.data) == ("gatehouse.dead.compiler", b"poison")
    told = {k: dead.headers[k] for k in dead.headers if k.startswith(("Gatehouse-", "Tenant"))}
    assert told == {
        "Tenant": "acme",
        "Gatehouse-Message-Id": "poison",
        "Gatehouse-Subject": SUBJECT,
        "Gatehouse-Stream": EVENTS.name,
        "Gatehouse-Sequence": "1",
        "Gatehouse-Deliveries": "3",
        "Gatehouse-Reason": "ValueError: cannot read ***, \\xe9",
    }


async def test_a_message_that_processes_die_of_is_set_aside_without_another_try(
    world: World,
) -> None:
    handled: list[bytes] = []

    async def handle(message: Message) -> None:
        handled.append(message.data)

    await world.publish(b"deadly")
    connection = await nats.connect(world.url)
    jetstream = connection.jetstream()
    await jetstream.add_consumer(
        EVENTS.name, ConsumerConfig(durable_name=CONSUMER.durable, ack_wait=CONSUMER.ack_seconds)
    )
    subscription = await jetstream.pull_subscribe_bind(durable=CONSUMER.durable, stream=EVENTS.name)
    for _ in range(4 * CONSUMER.deliveries):
        (taken,) = await subscription.fetch(1, timeout=10)
        # As a process that dies: the server hands the message on without a word from it.
        await taken.nak()
    await connection.close()
    world.consume(handle)
    await world.counts(dead=1)
    assert handled == []


async def test_what_is_away_is_waited_for_and_spends_no_delivery(world: World) -> None:
    deliveries: list[int] = []

    async def handle(message: Message) -> None:
        deliveries.append(message.delivery)
        if len(deliveries) <= 2 * CONSUMER.deliveries:
            raise Unavailable("redis", 0)

    await world.publish(b"1")
    world.consume(handle)
    await world.counts(waited=2 * CONSUMER.deliveries, done=1)
    assert set(deliveries) == {1}


async def test_a_long_task_is_not_given_to_somebody_else(world: World) -> None:
    deliveries: list[int] = []

    async def handle(message: Message) -> None:
        deliveries.append(message.delivery)
        await asyncio.sleep(8)

    await world.publish(b"1")
    # It says every two seconds that it is alive, so a busy machine may keep it waiting for four.
    world.consume(handle, msgspec.structs.replace(CONSUMER, ack_seconds=6, workers=2))
    await world.counts(done=1)
    assert deliveries == [1]


async def test_consuming_survives_a_restart_of_the_server(
    world: World, nats_server: Server
) -> None:
    handled: list[bytes] = []

    async def handle(message: Message) -> None:
        handled.append(message.data)

    world.consume(handle)
    await world.publish(b"1")
    await world.counts(done=1)
    await nats_server.process.kill()
    await until_so(lambda: not world.bus.connected)
    await nats_server.process.start()
    await until_so(lambda: world.bus.connected)
    await world.publish(b"2")
    # The first may come again: what is acknowledged is not on disk at once.
    await until_so(lambda: b"2" in handled)


async def test_consuming_begins_when_the_server_is_there(world: World, nats_server: Server) -> None:
    handled: list[bytes] = []

    async def handle(message: Message) -> None:
        handled.append(message.data)

    await world.publish(b"1")
    await nats_server.process.stop()
    bus = Bus(Secret(world.url), name="late")
    bus.open()
    consumption = world.consume(handle, bus=bus)
    await nats_server.process.start()
    await world.counts(done=1)
    await consumption.stop()
    await bus.close()
    assert handled == [b"1"]


async def test_consuming_survives_that_somebody_deletes_the_stream(world: World) -> None:
    async def handle(_message: Message) -> None:
        return

    world.consume(handle)
    await world.publish(b"1")
    await world.counts(done=1)
    connection = await nats.connect(world.url)
    await connection.jetstream().delete_stream(EVENTS.name)
    await connection.close()
    await world.publish(b"2")
    await world.counts(done=2)


async def test_a_fault_of_ours_does_not_end_the_consuming(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []

    def count(_meter: ConsumerMeter, outcome: str) -> None:
        counted.append(outcome)
        if len(counted) == 1:
            raise RuntimeError("a fault in the counting")

    async def handle(_message: Message) -> None:
        return

    monkeypatch.setattr(ConsumerMeter, "delivered", count)
    await world.publish(b"1", b"2")
    world.consume(handle)
    await until_so(lambda: len(counted) == 2)


async def test_what_is_not_done_is_shown_though_its_handler_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.common.chassis.consume._LOOK_SECONDS", 0.01)
    away = True

    async def handle(message: Message) -> None:
        if away:
            raise Unavailable("redis", 0)
        if message.data == b"poison" and message.delivery == 1:
            raise ValueError

    await world.publish(b"poison", b"2")
    world.consume(handle)
    await until_so(lambda: world.lag == 2)
    await world.publish(b"3")
    await until_so(lambda: world.lag == 3)
    away = False
    await until_so(lambda: world.lag == 0)
    assert {**world.counted, "waited": 0} == {"retried": 1, "done": 3, "waited": 0}


async def test_who_takes_no_message_shows_how_many_wait_though_nobody_ever_took_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.common.chassis.consume._LOOK_SECONDS", 0.01)

    async def handle(message: Message) -> None:
        raise AssertionError(message.sequence)

    await world.publish(b"1", b"2")
    world.consume(handle, msgspec.structs.replace(CONSUMER, workers=0))
    await until_so(lambda: world.lag == 2)
    await world.publish(b"3")
    await until_so(lambda: world.lag == 3)
    assert world.counted == {}
