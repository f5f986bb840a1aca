"""The line where one server answers for every key: a plain Redis, or the master Sentinel names."""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

from libs.common.chassis.redis_line.base import BaseLine
from libs.common.chassis.redis_line.node import NodeLine
from libs.common.chassis.redis_line.port import Limits


class SingleLine(BaseLine):
    """A `RedisLine` to one server at a time."""

    def __init__(self, client: Redis, limits: Limits, *, also_closes: Sequence[Redis] = ()) -> None:
        """Share the settings of `client`, not its connections. Needs a running loop."""
        self.client = client
        self._clients = (client, *also_closes)
        self._node = NodeLine(client.connection_pool.make_connection, limits)
        super().__init__(self._node.send)

    async def aclose(self) -> None:
        """See `RedisLine.aclose`."""
        await self._node.aclose()
        for client in self._clients:
            await client.aclose()
