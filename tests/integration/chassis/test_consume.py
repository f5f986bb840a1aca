"""Consuming against a real NATS: what is done, what is tried again, what is set aside."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import get_args

import msgspec
import nats
import pytest
from nats.js.api import ConsumerConfig

from deploy.local.server import Server
from libs.common.chassis.bus import Bus, Stream
from libs.common.chassis.consume import DEAD, Consumer, Consumption, Handle, Hopeless, Message
from libs.common.chassis.metrics import ConsumerMeter, Metrics, Outcome
from libs.common.errors import Unavailable
from libs.common.secret import Secret

EVENTS = Stream(name="CONSUME_TEST", subjects=("consumetest.>",))
SUBJECT = "consumetest.flow"
CONSUMER = Consumer(
    stream=EVENTS,
    durable="compiler",
    subjects=("consumetest.>",),
    deliveries=3,
    delays=(0.01,),
    ack_seconds=600,
)


class World:
    """A bus, and what consumers on it did."""

    def __init__(self, bus: Bus, url: str) -> None:
        self.bus = bus
        self.url = url
        self.metrics = Metrics("any", "test")
        self.consumptions: list[Consumption] = []

    def consume(
        self, handle: Handle, consumer: Consumer = CONSUMER, bus: Bus | None = None
    ) -> Consumption:
        consumption = Consumption(bus or self.bus, consumer, handle, self.metrics)
        self.consumptions.append(consumption)
        consumption.start()
        return consumption

    async def publish(self, *payloads: bytes, headers: dict[str, str] | None = None) -> None:
        for payload in payloads:
            id = payload.decode()
            await self.bus.publish(EVENTS, SUBJECT, payload, message_id=id, headers=headers)

    async def dead(self) -> Message:
        """The only message of the dead."""
        connection = await nats.connect(self.url)
        stored = await connection.jetstream().get_msg(DEAD.name, 1)
        await connection.close()
        assert stored.subject is not None
        return Message(stored.subject, stored.data or b"", stored.headers or {}, 1, 1)

    @property
    def counted(self) -> dict[str, float]:
        """Deliveries by what became of them."""
        name = "gatehouse_consumer_deliveries_total"
        values = {
            outcome: self.metrics.registry.get_sample_value(
                name, {"consumer": CONSUMER.durable, "outcome": outcome}
            )
            for outcome in get_args(Outcome)
        }
        return {outcome: value for outcome, value in values.items() if value}

    @property
    def lag(self) -> float | None:
        return self.metrics.registry.get_sample_value(
            "gatehouse_consumer_lag", {"consumer": CONSUMER.durable}
        )

    async def counts(self, **expected: int) -> None:
        await until(lambda: sum(self.counted.values()) >= sum(expected.values()))
        assert self.counted == expected


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def world(nats_url: str) -> AsyncIterator[World]:
    bus = Bus(Secret(nats_url), name="test")
    bus.open()
    await until(lambda: bus.connected)
    await bus.ensure(EVENTS)
    world = World(bus, nats_url)
    yield world
    await asyncio.gather(*(consumption.stop() for consumption in world.consumptions))
    await bus.close()


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


async def test_a_long_task_is_not_given_to_somebody_else(world: World) -> None:
    deliveries: list[int] = []

    async def handle(message: Message) -> None:
        deliveries.append(message.delivery)
        await asyncio.sleep(3)

    await world.publish(b"1")
    world.consume(handle, msgspec.structs.replace(CONSUMER, ack_seconds=1, workers=2))
    await world.counts(done=1)
    assert deliveries == [1]


async def test_consuming_survives_a_restart_of_the_server(
    world: World, nats_server: Server
) -> None:
    async def handle(_message: Message) -> None:
        return

    world.consume(handle)
    await world.publish(b"1")
    await world.counts(done=1)
    await nats_server.process.kill()
    await until(lambda: not world.bus.connected)
    await nats_server.process.start()
    await until(lambda: world.bus.connected)
    await world.publish(b"2")
    await world.counts(done=2)


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
    await until(lambda: len(counted) == 2)


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
    await until(lambda: world.lag == 2)
    await world.publish(b"3")
    await until(lambda: world.lag == 3)
    away = False
    await until(lambda: world.lag == 0)
    assert {**world.counted, "waited": 0} == {"retried": 1, "done": 3, "waited": 0}


async def test_who_takes_no_message_shows_how_many_wait_though_nobody_ever_took_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.common.chassis.consume._LOOK_SECONDS", 0.01)

    async def handle(message: Message) -> None:
        raise AssertionError(message.sequence)

    await world.publish(b"1", b"2")
    world.consume(handle, msgspec.structs.replace(CONSUMER, workers=0))
    await until(lambda: world.lag == 2)
    await world.publish(b"3")
    await until(lambda: world.lag == 3)
    assert world.counted == {}
