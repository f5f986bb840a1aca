"""The line where a key's hash slot says who answers: one `NodeLine` a node, slots from redis-py."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    RedisClusterException,
    RedisError,
    TryAgainError,
)

from libs.common.chassis.redis_line.backoff import Backoff
from libs.common.chassis.redis_line.base import BaseLine
from libs.common.chassis.redis_line.command import Command
from libs.common.chassis.redis_line.node import NodeLine
from libs.common.chassis.redis_line.port import Limits, pack
from libs.common.chassis.redis_line.reason import reason

_log: Final = structlog.get_logger(__name__)

_REDIRECTS: Final = 8
"""How often a command follows the cluster's word before its caller is told `Unavailable`."""
_PAUSE: Final = 0.01
"""Seconds before a command is tried again whose slot is half moved; longer each time."""


class ClusterLine(BaseLine):
    """A `RedisLine` to a cluster."""

    def __init__(self, client: RedisCluster, limits: Limits) -> None:
        """Share the settings and the map of `client`, not its connections. Needs a running loop."""
        super().__init__(self._route)
        self.client = client
        self._nodes = client.nodes_manager
        self._limits = limits
        self._backoff = Backoff()
        self._lines: dict[str, NodeLine] = {}
        self._stranded: list[Command] = []
        self._moves: list[MovedError] = []
        self._failed: str | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._closed = False

    async def aclose(self) -> None:
        """See `RedisLine.aclose`."""
        self._closed = True
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
        self._settle_stranded()
        await asyncio.gather(*(line.aclose() for line in self._lines.values()))
        await self.client.aclose()
        # The client closes only what it opened itself, and it may never have been used.
        await self._nodes.aclose()
        await self._nodes.aclose("startup_nodes")

    def _route(self, command: Command) -> None:
        key = command.key
        slot = key_slot(key if isinstance(key, bytes) else key.encode())
        owners = self._nodes.slots_cache.get(slot)
        if owners:
            self._line(owners[0]).send(command)
        else:
            self._strand(command)

    def _line(self, node: ClusterNode) -> NodeLine:
        line = self._lines.get(node.name)
        if line is None:
            name = node.name
            line = self._lines[name] = NodeLine(
                lambda: node.connection_class(**node.connection_kwargs),
                self._limits,
                redirect=self._redirect,
                lost=lambda: self._node_lost(name),
            )
        return line

    def _redirect(self, command: Command, error: RedisError) -> bool:
        """Follow the cluster's word; true if there was one."""
        if isinstance(error, ClusterDownError):
            self._refresh_soon()
            return False
        if not isinstance(error, AskError | TryAgainError):
            return False
        if isinstance(error, MovedError):
            self._moves.append(error)
            self._strand(command)
        elif isinstance(error, AskError):
            self._ask(command, error)
        elif self._try_again(command):
            self._loop.call_later(_PAUSE * command.redirects, self._route, command)
        return True

    def _try_again(self, command: Command) -> bool:
        """Whether `command` may be sent once more; if not, it is failed."""
        if command.redirects >= _REDIRECTS:
            command.unavailable()
            return False
        command.redirects += 1
        return True

    def _ask(self, command: Command, error: AskError) -> None:
        node = self._nodes.nodes_cache.get(f"{error.host}:{error.port}")
        if node is None:
            self._strand(command)
            return
        if not self._try_again(command):
            return
        line = self._line(node)
        # ASKING holds for the next command of the connection: both go out side by side.
        line.send(Command(self._loop.create_future(), command.key, (pack((b"ASKING",)),)))
        line.send(command)

    def _strand(self, command: Command) -> None:
        """Keep `command` until the map is read again."""
        if self._closed or len(self._stranded) >= self._limits.waiting:
            command.unavailable()
        elif self._try_again(command):
            self._stranded.append(command)
            self._refresh_soon()

    def _node_lost(self, name: str) -> None:
        self._failed = name
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        if self._refreshing is not None or self._closed:
            return
        if self._backoff.left(self._loop.time()) > 0:
            self._settle_stranded()
        else:
            self._refreshing = self._loop.create_task(self._refresh())

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(self._limits.deadline):
                await self._read_map()
        except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
            self._backoff.failed(self._loop.time())
            _log.warning("redis_cluster_unknown", error=type(error).__name__, reason=reason(error))
        else:
            self._backoff.succeeded()
            await self._close_vanished()
        finally:
            self._refreshing = None
            # In `finally`, so that not even a fault of our own leaves somebody waiting.
            self._settle_stranded()

    async def _read_map(self) -> None:
        moves, self._moves = self._moves, []
        # The node just lost is asked last.
        await self._nodes.initialize(last_failed_node_name=self._failed)
        # What a node says of its own slots is newer than what the others have heard.
        for move in moves:
            if move.slot_id in self._nodes.slots_cache:
                await self._nodes.move_slot(move)

    def _settle_stranded(self) -> None:
        commands, self._stranded = self._stranded, []
        left = self._backoff.left(self._loop.time())
        for command in commands:
            if self._closed or left > 0:
                command.unavailable(max(left, 1.0))
            else:
                self._route(command)

    async def _close_vanished(self) -> None:
        gone = [
            name
            for name, line in self._lines.items()
            if name not in self._nodes.nodes_cache and line.idle
        ]
        for line in [self._lines.pop(name) for name in gone]:
            await line.aclose()
