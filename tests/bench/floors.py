"""The cases that the others are divided by, and the ways to Redis that were not taken."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

import msgspec

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.process import Process, Program
from tests.bench.case import Bench, Case, Target
from tests.bench.load import request
from tests.bench.messages import ANSWER, CONTINUE


class SameStep:
    """The same continue over and over."""

    _request = request("/flow/execute", msgspec.json.encode(CONTINUE))
    _answer = msgspec.json.encode(ANSWER)

    def request(self) -> bytes:
        """See `Traffic.request`."""
        return self._request

    def answered(self, status: int, body: bytes) -> None:
        """See `Traffic.answered`."""
        if status != HTTPStatus.OK or body != self._answer:
            raise ValueError(f"answered {status}: {body[:200]!r}")


def _started(way: str) -> Callable[[Bench], AbstractAsyncContextManager[Target]]:
    @asynccontextmanager
    async def start(bench: Bench) -> AsyncIterator[Target]:
        port = free_port()
        program = Program(
            name=f"floor-{way}",
            command=[
                *(sys.executable, "-m", "tests.bench.floor_server"),
                *(str(bench.server_core), str(port), way),
            ],
            log=bench.folder / f"floor-{way}.log",
            lock=bench.folder / f"floor-{way}.lock",
            environment={"REDIS_URL": bench.redis.url},
        )
        process = Process(program, lambda: _listens(port))
        await process.start()
        try:
            yield Target(port, process.pid)
        finally:
            await process.stop()

    return start


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


FLOOR_0 = Case("floor 0: aiohttp, uvloop, msgspec", _started("none"), SameStep)
FLOOR_2 = Case("floor 2: and two trips over the line", _started("line"), SameStep)
OTHERS = (
    Case("two trips, redis-py pipelines per tick", _started("batched"), SameStep),
    Case("two trips, redis-py pool", _started("pool"), SameStep),
)
