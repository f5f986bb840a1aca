"""Tells committed events to JetStream, in the order of their ids, however long that takes.

An event is deleted after JetStream has it. Whatever fails in between leaves it where it is, so it
is told again, under the same message id, which JetStream drops. Of several replicas one tells at
a time: two at once could tell a flow's events in the wrong order.

Never decides whether something is told: that was decided by the transaction that wrote it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, Protocol

import asyncpg
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.metrics import PREFIX
from libs.common.chassis.postgres import asking_postgres
from libs.common.errors import Unavailable
from libs.common.secret import Secret
from services.management.queries import QUERIES

CHANNEL: Final = "gatehouse_outbox"
"""Notified at each commit that adds an event (see `schema.sql`)."""
TURN: Final = 0x6F7574626F78
"""The advisory lock of whoever relays: `outbox`, in ASCII."""
BATCH: Final = 100
POLL_SECONDS: Final = 1.0
"""How long an event can wait when its notification is lost, or NATS comes back."""

# A replica that hangs in the middle of its turn loses it, and another goes on.
_LET_GO = {"idle_in_transaction_session_timeout": "30s"}

log: FilteringBoundLogger = structlog.get_logger()


class Publish(Protocol):
    """Hands an event to JetStream."""

    async def __call__(self, subject: str, payload: bytes, *, message_id: str) -> None:
        """Return once JetStream has stored it, or raise `Unavailable`."""


class OutboxMetrics:
    """What an operator may know of the outbox."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.depth = Gauge(
            f"{PREFIX}outbox_depth", "Events that wait to be told.", registry=registry
        )
        self.age = Gauge(
            f"{PREFIX}outbox_oldest_age_seconds",
            "Age of the event that waits longest; 0 if none does.",
            registry=registry,
        )
        self.told = Counter(
            f"{PREFIX}outbox_told", "Events that JetStream has taken.", registry=registry
        )


class Relay:
    """One replica's share of telling what is in the outbox; `start` it, and `stop` it."""

    def __init__(
        self, dsn: Secret, publish: Publish, metrics: OutboxMetrics, *, seconds: float
    ) -> None:
        """A statement may take `seconds`."""
        self._dsn = dsn
        self._publish = publish
        self._metrics = metrics
        self._seconds = seconds
        self._waits_for: str | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Tell events from now on, through whatever outage."""
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish the batch in hand, and tell no more."""
        # Not by cancelling: before Python 3.12 `wait_for`, which the drivers use, may lose that.
        self._stopping = True
        self._wake.set()
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        while not self._stopping:
            try:
                async with asking_postgres(seconds=None):
                    await self._listen_and_tell()
            except Unavailable as error:
                self._note(error.what)
            except Exception:
                # Whatever it is, the events are still there, and somebody has to tell them.
                log.exception("outbox_relay_failed")
            self._wake.clear()
            await self._pause()

    async def _listen_and_tell(self) -> None:
        # A connection of its own: LISTEN holds it for good.
        connection = await asyncpg.connect(
            self._dsn.reveal(),
            timeout=self._seconds,
            command_timeout=self._seconds,
            server_settings=_LET_GO,
        )
        try:
            await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
            while not self._stopping:
                # Cleared first: what is added from here on is told in the next round at the latest.
                self._wake.clear()
                await self._tell_all(connection)
                await self._measure(connection)
                await self._pause()
        finally:
            connection.terminate()

    async def _pause(self) -> None:
        """Wait for an event, for the next poll, or for the end."""
        if self._stopping:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()

    async def _tell_all(self, connection: asyncpg.Connection) -> None:
        try:
            while await self._tell_some(connection) == BATCH and not self._stopping:
                pass
        except Unavailable as error:
            self._note(error.what)
        else:
            self._note(None)

    async def _tell_some(self, connection: asyncpg.Connection) -> int:
        """Tell up to `BATCH` events and return how many; raise `Unavailable` if one is refused."""
        told = 0
        refused: Unavailable | None = None
        async with connection.transaction():
            if not await QUERIES.take_relay_turn(connection, turn=TURN):
                # Another replica tells, and hears of each new event as this one does.
                return 0
            for event in [row async for row in QUERIES.read_outbox(connection, most=BATCH)]:
                try:
                    # One by one: with several on their way, a later one could arrive alone.
                    await self._publish(
                        event["subject"], event["payload"], message_id=str(event["id"])
                    )
                except Unavailable as error:
                    refused = error
                    break
                # Each by itself: a statement also shows the server that this turn does not hang.
                await QUERIES.delete_event(connection, id=event["id"])
                told += 1
        self._metrics.told.inc(told)
        if refused is not None:
            raise refused
        return told

    async def _measure(self, connection: asyncpg.Connection) -> None:
        measured = await QUERIES.measure_outbox(connection)
        self._metrics.depth.set(measured["depth"])
        self._metrics.age.set(measured["age"])

    def _note(self, waits_for: str | None) -> None:
        """Log when an outage begins and ends, not once a second."""
        if waits_for != self._waits_for:
            self._waits_for = waits_for
            log.warning("outbox_waits" if waits_for else "outbox_goes_on", dependency=waits_for)
