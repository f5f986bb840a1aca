"""The connections of a service: plain requests are served here, all others by aiohttp.

A connection begins here, and stays for as long as `direct` can read what comes. With the first
thing that it cannot, it becomes aiohttp's for good, and so does whatever is not answered yet. So
nothing here knows what is wrong with a request: what is too large, too slow or no HTTP at all, is
for aiohttp alone to say.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, cast

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.direct import DIRECT, Answer, Handler, Unread, Whole, read, write

_REST_SECONDS: Final = 1.0
"""How long the rest of a request may take: many clients send head and body one by one."""
_IDLE_SECONDS: Final = 3630.0
"""After so long without a request, or at most twice, a connection is closed. As aiohttp has it:
longer than any proxy keeps one that it does not use."""

log: FilteringBoundLogger = structlog.get_logger()


class Lane:
    """The connections of one port, which it makes, and closes in the end."""

    def __init__(self, runner: web.AppRunner) -> None:
        """Serve the application of `runner`, which is set up."""
        assert runner.server is not None  # noqa: S101 - it is set up
        self.direct = runner.app[DIRECT]
        self.aiohttp: Callable[[], asyncio.Protocol] = runner.server
        self.loop = asyncio.get_running_loop()
        self.connections: set[Connection] = set()

    def __call__(self) -> Connection:
        """Make the protocol of a connection, as `loop.create_server` wants it."""
        return Connection(self)

    async def close(self, seconds: float) -> None:
        """Close every connection; what is being served has `seconds` to end."""
        tasks = {task for each in list(self.connections) if (task := each.finish()) is not None}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()


class Connection(asyncio.Protocol):
    """One client, who asks one thing at a time."""

    def __init__(self, lane: Lane) -> None:
        """Belong to `lane`."""
        self._lane = lane
        self._transport: asyncio.Transport
        self._remote = ""
        self._task: asyncio.Task[None] | None = None
        self._held = b""
        """What has come and is not served: part of a request, or more while one is served."""
        self._rest: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle
        self._used = self._full = self._finishing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._remote = str(peer[0] if isinstance(peer, tuple) else peer)
        # So that a client that has vanished without a word is found out.
        connected: socket.socket = transport.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._idle = self._lane.loop.call_later(_IDLE_SECONDS, self._look)
        self._lane.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget the client; what is being served is done all the same."""
        self._leave()

    def data_received(self, data: bytes) -> None:
        """Serve a request, or have aiohttp serve it."""
        if self._task is not None:
            self._held += data
            self._transport.pause_reading()
            return
        rest = self._rest
        if rest is not None:
            rest.cancel()
            self._rest = None
            data, self._held = self._held + data, b""
        lane = self._lane
        request = read(data, lane.direct, self._remote)
        if isinstance(request, Whole):
            self._used = True
            handler = lane.direct.handlers[request.raw_path]
            # Not by `create_task`, which gives each a name of its own: that takes longer than to
            # make it.
            self._task = asyncio.Task(self._serve(handler, request), loop=lane.loop, name="request")
            return
        self._held = data
        if request is Unread.SHORT and rest is None:
            self._rest = lane.loop.call_later(_REST_SECONDS, self._hand_over)
        else:
            self._hand_over()

    def pause_writing(self) -> None:
        """Take nothing more from a client that does not take its answers."""
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._full = False
        if not self._held:
            self._transport.resume_reading()

    def finish(self) -> asyncio.Task[None] | None:
        """Close as soon as nothing is being served; return what is."""
        self._finishing = True
        if self._task is None:
            self._transport.close()
        return self._task

    async def _serve(self, handler: Handler, request: Whole) -> None:
        try:
            # A handler of what is direct has no other answer.
            answer: Answer = await handler(request)  # type: ignore[assignment]
            last = self._finishing or not answer.keep_alive
            if not self._transport.is_closing():
                self._transport.write(write(answer, last=last))
        except asyncio.CancelledError:
            self._transport.abort()
            raise
        except Exception:
            # A handler answers its errors itself, so this is one of the chassis's own.
            log.exception("unexpected")
            last = True
        finally:
            self._task = None
        if last:
            self._transport.close()
        elif self._held:
            self._hand_over()

    def _look(self) -> None:
        if self._used or self._task is not None:
            self._used = False
            self._idle = self._lane.loop.call_later(_IDLE_SECONDS, self._look)
        else:
            self._transport.close()

    def _hand_over(self) -> None:
        """Give the connection to aiohttp, with all that is not served."""
        self._leave()
        other = self._lane.aiohttp()
        self._transport.set_protocol(other)
        other.connection_made(self._transport)
        if self._full:
            other.pause_writing()
        self._transport.resume_reading()
        other.data_received(self._held)

    def _leave(self) -> None:
        self._lane.connections.discard(self)
        self._idle.cancel()
        if self._rest is not None:
            self._rest.cancel()
