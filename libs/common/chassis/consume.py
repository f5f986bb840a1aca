"""Durable work from JetStream: each message until it is done, or set aside as dead.

    handler returns            acknowledged
    handler raises             again after a delay that grows with each delivery
    handler raises Unavailable again here, and no delivery is spent: what it needs is away for
                               every message alike, and giving up would lose good ones
    handler raises Hopeless    dead at once: no other delivery would do better
    the last delivery fails    published to the stream of the dead, with the reason, then ended
    the process has to stop    given back at once, if it does not end in the time that it has
    the process dies of it     delivered again, and dead without a try once it has come so often
                               that nothing else explains it

A message may be handled twice, so handlers are idempotent. Handling never depends on order between
processes. The stream and the consumer are made again if somebody deletes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import (
    DEFAULT_PREFIX,
    AckPolicy,
    ConsumerConfig,
    ConsumerInfo,
    Header,
    StatusCode,
)
from nats.js.errors import NotFoundError
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.bus import MESSAGE_ID, Bus, Stream
from libs.common.chassis.logging import Context, describe_exception
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.tasks import end
from libs.common.errors import Unavailable

DEAD: Final = Stream(
    name="GATEHOUSE_DEAD", subjects=("gatehouse.dead.>",), max_age_seconds=30 * 24 * 3600.0
)
"""What could not be handled, for a person to look at."""
DEAD_SUBJECT: Final = "gatehouse.dead.{durable}"

_FETCH_SECONDS = 1.0
"""How long the server may wait for a message before it says that there is none."""
_WORD_SECONDS = 1.0
"""How much longer it may take to say so."""
_NEXT: Final = f"{DEFAULT_PREFIX}.CONSUMER.MSG.NEXT.{{stream}}.{{durable}}"
_AWAY_SECONDS = 1.0
_LEAST_WAIT_SECONDS = 0.05
_LOOK_SECONDS = 5.0
"""How often it is looked at how much is not done."""
_CONTROL = "nats-"
_HOPELESS = 4

log: FilteringBoundLogger = structlog.get_logger()


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """What to consume, and how patiently. Processes with the same `durable` share the messages."""

    stream: Stream
    durable: str
    subjects: tuple[str, ...]
    deliveries: int = 5
    """Tries before a message is dead."""
    delays: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0)
    """Seconds before the second delivery, the third and so on; the last stands for all later."""
    ack_seconds: float = 30.0
    """After this without a sign of life the server gives a message to somebody else."""
    workers: int = 1
    """Messages handled at once by this process; without any it only shows how much is not done."""


class Hopeless(Exception):
    """A message that cannot be handled, now or ever; the text is kept with it for weeks."""


class Message(msgspec.Struct, frozen=True):
    """A message in hand."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    delivery: int
    """1 for the first."""
    sequence: int
    """Its place in the stream."""


Handle = Callable[[Message], Awaitable[None]]


class Consumption:
    """The consumption of one process; `start` it, and `stop` it before the bus closes."""

    def __init__(self, bus: Bus, consumer: Consumer, handle: Handle, metrics: Metrics) -> None:
        """Count what becomes of each delivery."""
        self._bus = bus
        self._consumer = consumer
        self._handle = handle
        self._meter = metrics.consumer(consumer.durable)
        self._stopping = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._handling: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, or wait for the server to be there."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._consumer.workers)]
        self._looking = asyncio.create_task(self._look())

    async def stop(self, within: float | None = None) -> None:
        """Finish the messages in hand, and take no more.

        What is not finished `within` so many seconds is given back, for another process to do: its
        handler is cancelled.
        """
        self._stopping.set()
        if within is not None and self._workers:
            await asyncio.wait(self._workers, timeout=within)
            for handling in self._handling:
                handling.cancel()
        await asyncio.gather(*self._workers)
        if self._looking is not None:
            await end(self._looking)

    async def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                async with self._bus.asking() as client:
                    await self._make(client)
                    await self._take_from(client)
            except Unavailable as error:
                # Without a connection the bus has said so already.
                if self._bus.connected:
                    log.warning("consumer_waits", consumer=self._consumer.durable, exc_info=error)
            except Exception:
                # A fault of ours; without this worker nothing would be consumed until a restart.
                log.exception("consumer_failed", consumer=self._consumer.durable)
            await self._pause(_AWAY_SECONDS)

    async def _look(self) -> None:
        """Show how much is not done: what a delivery tells of it is old where a handler waits."""
        # No longer than until it stops: a pause is none from then on, and nothing else may wait.
        while not self._stopping.is_set():
            try:
                async with self._bus.asking() as client:
                    info = await self._find(client)
            except Unavailable:
                await self._pause(_AWAY_SECONDS)
                continue
            self._meter.lags((info.num_pending or 0) + (info.num_ack_pending or 0))
            await self._pause(_LOOK_SECONDS)

    async def _find(self, client: Client) -> ConsumerInfo:
        stream, durable = self._consumer.stream.name, self._consumer.durable
        try:
            found: ConsumerInfo = await client.jetstream().consumer_info(stream, durable)
        except NotFoundError:
            # Where nobody has ever consumed, what waits is to be seen all the same.
            return await self._make(client)
        return found

    async def _make(self, client: Client) -> ConsumerInfo:
        """Make the streams and the consumer, unless they are there."""
        consumer = self._consumer
        await self._bus.ensure(consumer.stream)
        await self._bus.ensure(DEAD)
        return await client.jetstream().add_consumer(
            consumer.stream.name,
            ConsumerConfig(
                durable_name=consumer.durable,
                filter_subjects=list(consumer.subjects),
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=consumer.ack_seconds,
                # We count: the server would drop the message where we set it aside.
                max_deliver=-1,
            ),
        )

    async def _take_from(self, client: Client) -> None:
        while not self._stopping.is_set():
            message = await self._next(client)
            if message is None:
                continue
            if self._stopping.is_set():
                # It was on its way, or another worker here gave it back. Later, when none of them
                # asks any more: each of their deliveries would be one less for who comes next.
                await message.nak(delay=_FETCH_SECONDS)
            else:
                await self._take(message)

    async def _next(self, client: Client) -> Msg | None:
        """Return the next message, or None if the server says that there is none."""
        # One answer ends it, and nobody gives up before the server does: what it sends to somebody
        # who does not listen any more is lost until the acknowledgement is overdue. A subscription
        # of nats-py gives up first.
        consumer = self._consumer
        answer = await client.request(
            _NEXT.format(stream=consumer.stream.name, durable=consumer.durable),
            msgspec.json.encode({"batch": 1, "expires": int(_FETCH_SECONDS * 1e9)}),
            timeout=_FETCH_SECONDS + _WORD_SECONDS,
            # By an inbox of its own: a message comes under the subject that it was published to,
            # where nats-py finds no request of the newer style.
            old_style=True,
        )
        status = (answer.headers or {}).get(Header.STATUS)
        if status is None:
            return answer
        if status == StatusCode.REQUEST_TIMEOUT:
            return None
        raise Unavailable("nats")

    async def _take(self, raw: Msg) -> None:
        message = Message(
            raw.subject,
            raw.data,
            raw.headers or {},
            raw.metadata.num_delivered,
            raw.metadata.sequence.stream,
        )
        with Context(consumer=self._consumer.durable, message=str(message.sequence)):
            # A delivery that nobody took in, as when a connection stalled, counts with the server
            # like one that a process died of; so a message gets a try well past its last one.
            if message.delivery > _HOPELESS * self._consumer.deliveries:
                await self._bury(raw, message, "more deliveries than it may have")
                return
            alive = asyncio.create_task(self._stay_alive(raw))
            # In a task of its own, so that it can be given up, and the worker still give it back.
            handling = asyncio.create_task(self._until_available(message))
            self._handling.add(handling)
            try:
                await asyncio.wait({handling})
                await self._settle(raw, message, handling)
            finally:
                self._handling.discard(handling)
                handling.cancel()
                alive.cancel()

    async def _settle(self, raw: Msg, message: Message, handling: asyncio.Task[None]) -> None:
        """Say what became of a message whose handler is done."""
        error = asyncio.CancelledError() if handling.cancelled() else handling.exception()
        if error is None:
            await raw.ack()
            self._meter.delivered("done")
            return
        if isinstance(error, _Stopped | asyncio.CancelledError):
            await raw.nak()
            log.info("message_given_back", delivery=message.delivery)
            return
        # Any error of a handler is the message's, and the next one must not wait for it.
        log.warning("message_failed", delivery=message.delivery, exc_info=error)
        if isinstance(error, Hopeless) or message.delivery >= self._consumer.deliveries:
            await self._bury(raw, message, _reason(error))
        else:
            await raw.nak(delay=self._delay(message.delivery))
            self._meter.delivered("retried")

    async def _until_available(self, message: Message) -> None:
        waited = 0
        while True:
            try:
                return await self._handle(message)
            except Unavailable as error:
                if not waited:
                    log.warning("message_waits", what=error.what, exc_info=error)
                waited += 1
                self._meter.delivered("waited")
                await self._pause(max(error.retry_after, _LEAST_WAIT_SECONDS))
                if self._stopping.is_set():
                    raise _Stopped from error

    async def _stay_alive(self, raw: Msg) -> None:
        while True:
            await asyncio.sleep(self._consumer.ack_seconds / 3)
            # Away: the server gives the message to somebody else, who will do the same again.
            with suppress(NatsError, OSError):
                await raw.in_progress()

    async def _bury(self, raw: Msg, message: Message, reason: str) -> None:
        consumer = self._consumer
        # The server's own headers would be taken for instructions about this copy.
        kept = {k: v for k, v in message.headers.items() if not k.lower().startswith(_CONTROL)}
        await self._bus.publish(
            DEAD,
            DEAD_SUBJECT.format(durable=consumer.durable),
            message.data,
            message_id=f"{consumer.stream.name}.{message.sequence}.{consumer.durable}",
            headers={
                **kept,
                "Gatehouse-Message-Id": message.headers.get(MESSAGE_ID, ""),
                "Gatehouse-Subject": message.subject,
                "Gatehouse-Stream": consumer.stream.name,
                "Gatehouse-Sequence": str(message.sequence),
                "Gatehouse-Deliveries": str(message.delivery),
                "Gatehouse-Reason": _printable(reason),
            },
        )
        await raw.term()
        self._meter.delivered("dead")
        log.error("message_dead", reason=reason, delivery=message.delivery)

    def _delay(self, delivery: int) -> float:
        return self._consumer.delays[min(delivery, len(self._consumer.delays)) - 1]

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


class _Stopped(Exception):
    """The process stops while a message waits for what its handler needs."""


def _reason(error: BaseException) -> str:
    """Return one line without values: a dead letter is kept for weeks."""
    described = describe_exception(error)
    return f"{described['type']}: {described['message']}"


def _printable(text: str) -> str:
    """Return `text` as a header may hold it: on one line, and in ASCII for every client."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode("ascii")
