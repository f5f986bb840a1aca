"""A bus, consumers on it, and what became of each message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import get_args

import nats

from libs.common.chassis.bus import Bus, Stream
from libs.common.chassis.consume import DEAD, Consumer, Consumption, Handle, Message
from libs.common.chassis.metrics import Metrics, Outcome
from libs.common.secret import Secret
from tests.patience import PATIENCE_SECONDS, until_so

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
            await self.bus.publish(
                EVENTS, SUBJECT, payload, message_id=id, headers=headers, within=PATIENCE_SECONDS
            )

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
        await until_so(lambda: sum(self.counted.values()) >= sum(expected.values()))
        assert self.counted == expected


@asynccontextmanager
async def a_world(nats_url: str) -> AsyncIterator[World]:
    """Have a bus on this server, and stop all that consumes at the end."""
    bus = Bus(Secret(nats_url), name="test")
    bus.open()
    await until_so(lambda: bus.connected)
    await bus.ensure(EVENTS)
    world = World(bus, nats_url)
    try:
        yield world
    finally:
        await asyncio.gather(*(consumption.stop() for consumption in world.consumptions))
        await bus.close()
