"""The line to one Redis server: one connection, one write a tick, answers matched in order.

redis-py makes the connection and its handshake (TLS, ACL, HELLO, Sentinel's lookup, its retries).
Then this module reads the transport itself, because awaiting redis-py for each answer costs three
times as much (docs/performance.md). It never sends a command twice that may have been carried out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

import hiredis
import structlog
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
)

from libs.common.chassis.redis_line.backoff import Backoff
from libs.common.chassis.redis_line.command import Command, NoReplicasError, refusal
from libs.common.chassis.redis_line.port import Limits
from libs.common.chassis.redis_line.reason import reason

_log: Final = structlog.get_logger(__name__)

_INCOMPLETE: Final = object()

Redirect = Callable[[Command, RedisError], bool]
"""Takes over a command that was refused because it belongs elsewhere; false if it does not."""


class Connection(Protocol):
    """What is used of `redis.asyncio.Connection`.

    `_writer` is not public; there is no public way to its transport, and the integration tests fail
    if it goes away.
    """

    _writer: asyncio.StreamWriter

    async def connect(self) -> None: ...
    async def disconnect(self, nowait: bool = False) -> None: ...
    async def can_read(self) -> bool: ...


class Link(asyncio.Protocol):
    """One open connection, and in order, who waits for what was written on it."""

    def __init__(self, connection: Connection, line: NodeLine) -> None:
        """Take the transport of a `connection` whose handshake is over."""
        self.waiting: deque[Command] = deque()
        self.connection = connection
        self._line = line
        self._reader = hiredis.Reader(replyError=refusal, notEnoughData=_INCOMPLETE)
        writer = connection._writer  # noqa: SLF001 - see Connection
        self.transport = cast("asyncio.Transport", writer.transport)
        self.transport.set_protocol(self)

    def write(self, commands: list[Command]) -> None:
        """Write `commands` at once."""
        self.waiting.extend(commands)
        parts: list[bytes] = []
        for command in commands:
            parts += command.parts
        self.transport.write(b"".join(parts))

    def data_received(self, data: bytes) -> None:
        """Settle the commands whose answers are complete."""
        gets, waiting = self._reader.gets, self.waiting
        try:
            self._reader.feed(data)
            while (reply := gets()) is not _INCOMPLETE:
                kind = type(reply)
                if kind is not list and kind is not int:
                    if kind is hiredis.PushNotification:
                        continue
                    if isinstance(reply, RedisError):
                        self._line.refused(waiting.popleft(), reply)
                        continue
                try:  # noqa: SIM105 - a `with` costs each answer
                    waiting.popleft().answer.set_result(reply)
                except asyncio.InvalidStateError:
                    # Nobody waits for it any more.
                    pass
        except (hiredis.ProtocolError, IndexError) as error:
            # An answer that cannot be read, or that nobody asked for: from here on, any answer
            # could go to the wrong caller.
            self._line.drop(self, error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the line."""
        self._line.drop(self, exc)


class NodeLine:
    """Commands to one server. Connects when there is something to send."""

    def __init__(
        self,
        make_connection: Callable[[], Any],
        limits: Limits,
        *,
        redirect: Redirect = lambda _command, _error: False,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        """`lost` is called each time the server is found to be away."""
        self._make_connection = cast("Callable[[], Connection]", make_connection)
        self._limits = limits
        self._redirect = redirect
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._backoff = Backoff()
        self._unsent: list[Command] = []
        self._flushing = False
        self._until = 0.0
        """When what was called in this tick is overdue."""
        self._link: Link | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._farewells: set[asyncio.Task[None]] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def idle(self) -> bool:
        """Whether nobody waits for anything here."""
        return not self._unsent and not (self._link and self._link.waiting)

    def send(self, command: Command) -> None:
        """Send `command` with all others of this tick, or fail it."""
        if not self._flushing:
            self._flushing = True
            self._until = self._loop.time() + self._limits.deadline
            self._loop.call_soon(self._flush)
        command.until = self._until
        self._unsent.append(command)

    def refused(self, command: Command, error: RedisError) -> None:
        """Do what an error reply asks for, or hand it to whoever waits."""
        if command.answer.done():
            return
        if isinstance(error, NoScriptError) and command.script is not None:
            command.spell_out(command.script)
            self.send(command)
        elif self._redirect(command, error):
            return
        elif isinstance(error, BusyLoadingError | ClusterDownError | NoReplicasError):
            _log.warning("redis_refused", error=type(error).__name__)
            command.unavailable()
        elif isinstance(error, ReadOnlyError):
            # Sentinel has made another server the master; connecting again asks it which.
            command.unavailable()
            if self._link is not None:
                self.drop(self._link, error)
        else:
            command.fail(error)

    def drop(self, link: Link, error: Exception | None) -> None:
        """Give up `link`: everybody who waits for an answer on it is told so."""
        if link is not self._link:
            return
        self._link = None
        if not self._closed:
            _log.warning("redis_connection_lost", error=type(error).__name__)
            self._lost()
        for command in link.waiting:
            command.unavailable()
        link.transport.abort()
        farewell = self._loop.create_task(link.connection.disconnect(nowait=True))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    async def aclose(self) -> None:
        """Close the connection; who still waits is told `Unavailable`."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._link is not None:
            self.drop(self._link, None)
        self._fail_unsent()
        await asyncio.gather(*self._farewells)

    def _flush(self) -> None:
        self._flushing = False
        self._refuse(0 if self._closed else self._limits.waiting)
        if self._link is not None:
            commands, self._unsent = self._unsent, []
            self._link.write(commands)
            if self._watch is None and commands:
                self._watch = self._loop.call_at(commands[0].until, self._check)
        elif self._connecting is None and self._unsent:
            if (left := self._backoff.left(self._loop.time())) > 0:
                self._fail_unsent(left)
            else:
                self._connecting = self._loop.create_task(self._connect())

    def _check(self) -> None:
        """Look whether the oldest command is overdue. One timer a line, not one a command."""
        self._watch = None
        link = self._link
        if link is None or not link.waiting:
            return
        oldest, now = link.waiting[0], self._loop.time()
        if oldest.until > now:
            self._watch = self._loop.call_at(oldest.until, self._check)
        else:
            self.drop(link, TimeoutError())

    async def _connect(self) -> None:
        connection = self._make_connection()
        try:
            async with asyncio.timeout(self._limits.deadline):
                await connection.connect()
                if await connection.can_read():
                    raise ConnectionError("bytes are left over from the handshake")
            self._link = Link(connection, self)
            self._backoff.succeeded()
        except (RedisError, OSError, TimeoutError) as error:
            self._backoff.failed(self._loop.time())
            _log.warning("redis_not_connected", error=type(error).__name__, reason=reason(error))
            self._lost()
        finally:
            self._connecting = None
            if self._link is None:
                # In `finally`, so that not even a fault of our own leaves somebody waiting.
                self._fail_unsent()
                await connection.disconnect(nowait=True)
        self._flush()

    def _refuse(self, most: int) -> None:
        """Fail what was called last, where more than `most` would wait."""
        room = most - (len(self._link.waiting) if self._link else 0)
        if len(self._unsent) > room:
            room = max(room, 0)
            for command in self._unsent[room:]:
                command.unavailable()
            del self._unsent[room:]

    def _fail_unsent(self, retry_after: float = 1.0) -> None:
        commands, self._unsent = self._unsent, []
        for command in commands:
            command.unavailable(retry_after)
