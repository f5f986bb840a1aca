"""What goes over NATS: asking the compiler, the streams of effects, telling of rollouts, and being
asked about sessions.
"""

from __future__ import annotations

from typing import Final

import msgspec

from libs.common.chassis.bus import Bus, Stream
from libs.common.chassis.consume import Consumer
from libs.common.chassis.events import EVENT_STREAM
from libs.common.chassis.seal import Keys
from libs.common.errors import Unavailable
from libs.common.flow.model import FlowType
from libs.common.wire.events import (
    PUBLISH,
    ROLLOUT_FAILED,
    Done,
    Failed,
    PublishWanted,
    RolloutFailed,
    decode_answer,
    encode,
)
from libs.common.wire.inspect import INSPECT, decode_wanted
from libs.common.wire.inspect import encode as encode_inspected
from services.executor.inspect import Inspector
from services.executor.told import AnyMessage, Told, seal
from services.executor.told import encode as encode_told

EFFECTS_SUBJECT: Final = "gatehouse.effects"
EFFECTS: Final = Stream(name="GATEHOUSE_EFFECTS", subjects=(EFFECTS_SUBJECT,), work_queue=True)
PERFORMERS: Final = Consumer(
    stream=EFFECTS, durable="executors", subjects=(EFFECTS_SUBJECT,), workers=2
)
MESSAGES_SUBJECT: Final = "gatehouse.messages"
MESSAGES: Final = Stream(name="GATEHOUSE_MESSAGES", subjects=(MESSAGES_SUBJECT,), work_queue=True)
"""Apart from other effects, so that a slow server of somebody else holds up nothing but these."""
MESSENGERS: Final = Consumer(
    stream=MESSAGES,
    durable="messengers",
    subjects=(MESSAGES_SUBJECT,),
    deliveries=6,
    # Servers that put strangers off take them after some minutes (RFC 6647, greylisting).
    delays=(5.0, 60.0, 300.0, 900.0),
    ack_seconds=60.0,
)
REMEMBER_DAYS: Final = 8
"""An effect lies in the stream for a week at most; so long it could come again."""

_QUEUE: Final = "executor"
"""Of requests, each of which one executor answers."""
_COMPILER: Final = "the compiler"
_PUBLISH_SECONDS: Final = 2.0


class BusPublisher:
    """The compiler, wherever one listens: a `plans.Publisher`."""

    def __init__(self, bus: Bus) -> None:
        """Ask over `bus`."""
        self._bus = bus

    async def publish(self, tenant: str, kind: FlowType) -> bool:
        """See `plans.Publisher.publish`."""
        wanted = encode(PublishWanted(tenant, kind))
        data = await self._bus.request(PUBLISH, wanted, within=_PUBLISH_SECONDS, what=_COMPILER)
        try:
            answer = decode_answer(data)
        except msgspec.MsgspecError as error:
            # A compiler of another release: while services are upgraded it passes.
            raise Unavailable(_COMPILER) from error
        if isinstance(answer, Failed):
            raise Unavailable(_COMPILER)
        return isinstance(answer, Done)


class BusStream:
    """The streams of effects: an `effects.Stream`."""

    def __init__(self, bus: Bus, keys: Keys) -> None:
        """Publish over `bus`, messages sealed with `keys`."""
        self._bus = bus
        self._keys = keys

    async def publish(self, told: Told) -> None:
        """See `effects.Stream.publish`."""
        if isinstance(told.effect, AnyMessage):
            data = seal(self._keys, told)
            await self._bus.publish(MESSAGES, MESSAGES_SUBJECT, data, message_id=told.id)
        else:
            await self._bus.publish(EFFECTS, EFFECTS_SUBJECT, encode_told(told), message_id=told.id)


class BusBoard:
    """The stream of events, of which management hears: a `rollouts.Board`."""

    def __init__(self, bus: Bus) -> None:
        """Publish over `bus`."""
        self._bus = bus

    async def post(self, failed: RolloutFailed) -> None:
        """See `rollouts.Board.post`."""
        # With the figures in it: what is told again with others is no repeat.
        id = f"rollout:{failed.tenant}:{failed.flow}:{failed.rollout}:{failed.version}"
        id = f"{id}:{failed.ended}:{failed.baseline_ended}"
        await self._bus.publish(EVENT_STREAM, ROLLOUT_FAILED, encode(failed), message_id=id)


async def answer_inspections(bus: Bus, inspector: Inspector) -> None:
    """Answer whoever asks about a session, until the bus closes."""

    async def answer(payload: bytes) -> bytes:
        return encode_inspected(await inspector.answer(decode_wanted(payload)))

    await bus.respond(INSPECT, _QUEUE, answer)
