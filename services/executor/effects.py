"""Tells effects, once their session is stored, so that what they ask for happens at least once.

    turn with effects     the session is put on the list of those with something to tell
    STORE                 effects are stored, sealed, with the session
    tell                  each goes to JetStream under its id; then they are cleared
    sweep                 tells what a dead executor left, of every session on the list
    perform               any executor takes an effect from JetStream and does it: see `performer`

An effect's id is made of its session, revision and number, so JetStream drops a repeat that is
told soon after, and the directory one that is told late. A turn without effects does none of this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol, cast

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.redis_line.port import RedisLine, Script
from libs.common.chassis.seal import Unsealable
from libs.common.errors import Unavailable
from libs.common.flow.turn import Effect, Session
from services.executor.metrics import ExecutorMetrics
from services.executor.sessions import Handle, Sessions
from services.executor.told import AnyEffect, Told

log: Final[FilteringBoundLogger] = structlog.get_logger()

LIST: Final = "gh:effects"
"""The sessions that may have effects to tell, by the second in which they were listed."""
SWEEP_SECONDS: Final = 5.0
_LEFT_SECONDS: Final = 5.0
"""After so long the executor that listed a session has told its effects, or never will."""
_NEVER_SECONDS: Final = 600.0
"""After so long a listed session without effects was never stored; far beyond any claim, and any
difference between clocks."""
_SWEPT_MOST: Final = 200
_QUEUE_MOST: Final = 10_000


class Telling(msgspec.Struct, frozen=True):
    """The effects of one session that are to be told."""

    tenant: str
    session: str
    handle: Handle
    sealed: bytes
    """As the session stores them."""
    told: tuple[Told, ...]
    listed: float
    """The second in which the session was listed; listed otherwise since, it stays on the list."""


class Stream(Protocol):
    """The JetStream streams of effects."""

    async def publish(self, told: Told) -> None:
        """Hand over one effect for good; raise `Unavailable` where that cannot be known."""


# Gone from the list, unless it was listed again since: maybe by one whose clock is behind.
_UNLIST: Final = Script(
    """
    local session, listed = unpack(cmsgpack.unpack(ARGV[1]))
    if tonumber(redis.call('ZSCORE', KEYS[1], session) or -1) == listed then
      redis.call('ZREM', KEYS[1], session)
    end
    return 1
    """
)
_ENCODER: Final = msgspec.msgpack.Encoder()
_ALL_TOLD: Final = msgspec.msgpack.Decoder(tuple[Told, ...])


class Effects:
    """Tells what turns cause."""

    def __init__(
        self,
        sessions: Sessions,
        line: RedisLine,
        stream: Stream,
        metrics: ExecutorMetrics,
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives Unix seconds."""
        self._sessions = sessions
        self._line = line
        self._stream = stream
        self._metrics = metrics
        self._clock = clock
        self._queue: asyncio.Queue[Telling | None] = asyncio.Queue(_QUEUE_MOST)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def prepare(
        self, handle: Handle, session: Session, before: bytes | None, effects: tuple[Effect, ...]
    ) -> Telling:
        """List `session`, which is about to be stored with `effects`.

        `before` are those that it has not told yet, as it stores them.
        """
        told = () if before is None else _ALL_TOLD.decode(handle.open_effects(before))
        told += tuple(
            Told(f"{session.id}:{session.revision}:{n}", session.tenant, cast("AnyEffect", effect))
            for n, effect in enumerate(effects)
        )
        # Listed first: a session stored and not listed would keep its effects to itself.
        listed = self._clock()
        member = _member(session.tenant, session.id)
        await self._line.execute(b"ZADD", LIST, repr(listed), member)
        sealed = handle.seal_effects(_ENCODER.encode(told))
        return Telling(session.tenant, session.id, handle, sealed, told, listed)

    def tell(self, telling: Telling) -> None:
        """Have `telling` told soon; it is stored, so nothing is lost if it is not."""
        try:
            self._queue.put_nowait(telling)
        except asyncio.QueueFull:
            log.warning("effects_left_to_the_sweep")

    def start(self) -> None:
        """Begin to tell, and to sweep."""
        self._tasks = [asyncio.create_task(work()) for work in (self._tell_all, self._sweep_all)]

    async def stop(self) -> None:
        """Tell what is in hand, and no more. Stop before the stream closes."""
        # Not by cancelling: the client of the stream may take that for its own time limit.
        self._stopping.set()
        await self._queue.put(None)
        await asyncio.gather(*self._tasks)

    async def _tell_all(self) -> None:
        while (telling := await self._queue.get()) is not None:
            try:
                await self._tell(telling)
            except Unavailable as error:
                log.warning("effects_not_told", what=error.what)
            except Exception:
                # Whatever it is, the next one must not wait for it; the sweep tries again.
                log.exception("effects_not_told")

    async def _tell(self, telling: Telling) -> None:
        for told in telling.told:
            await self._stream.publish(told)
            self._metrics.effects.add(type(told.effect).__name__, "told")
        await self._sessions.clear(telling.handle, telling.sealed)
        await self._unlist(_member(telling.tenant, telling.session), telling.listed)

    async def _sweep_all(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._stopping.wait()
            try:
                await self.sweep()
            except Unavailable as error:
                log.warning("effects_not_swept", what=error.what)
            except Exception:
                # Whatever it is, a process that sweeps no more would leave effects untold.
                log.exception("effects_not_swept")

    async def sweep(self) -> None:
        """Tell what dead executors left."""
        now = self._clock()
        most = ("BYSCORE", "LIMIT", 0, _SWEPT_MOST)
        left = await self._line.execute(b"ZRANGE", LIST, "-inf", repr(now - _LEFT_SECONDS), *most)
        for member in map(bytes.decode, cast("list[bytes]", left)):
            score = await self._line.execute(b"ZSCORE", LIST, member)
            if score is None:
                continue
            listed = float(cast("bytes | float", score))
            tenant, _, id = member.rpartition(":")
            handle = self._sessions.handle(tenant, id)
            sealed = await self._sessions.effects(handle)
            if sealed is None:
                if listed <= now - _NEVER_SECONDS:
                    await self._unlist(member, listed)
                continue
            try:
                told = _ALL_TOLD.decode(handle.open_effects(sealed))
            except (Unsealable, msgspec.DecodeError) as error:
                # It will be no better the next time; the session ends by itself.
                log.error("effects_unreadable", reason=str(error))  # noqa: TRY400 - says it all
                await self._unlist(member, listed)
                continue
            await self._tell(Telling(tenant, id, handle, sealed, told, listed))

    async def _unlist(self, member: str, listed: float) -> None:
        await self._line.run(_UNLIST, (LIST.encode(),), (member, listed))


def _member(tenant: str, session: str) -> str:
    return f"{tenant}:{session}"
