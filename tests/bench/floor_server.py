"""The least that a step could cost: aiohttp, the messages of `/flow/execute`, two trips to Redis.

Run as `python -m tests.bench.floor_server CORE PORT WAY` with the URL of Redis in `REDIS_URL`; WAY
is a key of WAYS. It holds no session and knows no flow: what the executor costs above it is the
executor's own.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

import msgspec
import uvloop
from aiohttp import web
from redis.asyncio import Redis

from deploy.local.ports import LOOPBACK
from libs.common.chassis.redis_line.open import open_line
from tests.bench.messages import ANSWER, Answer, Continue

SESSION = os.urandom(750)
KEY = b"gh:session:{bench}"

Trips = Callable[[], Awaitable[None]]
"""Loads a session, then stores it."""


def no_trips(_url: str) -> Trips:
    async def trips() -> None:
        return

    return trips


def line(url: str) -> Trips:
    """Over the line that the executor uses."""
    redis = open_line(url)

    async def trips() -> None:
        await redis.execute(b"GET", KEY)
        await redis.execute(b"SET", KEY, SESSION)

    return trips


def pool(url: str) -> Trips:
    """As redis-py's documentation shows."""
    client = Redis.from_url(url)

    async def trips() -> None:
        await client.get(KEY)
        await client.set(KEY, SESSION)

    return trips


def batched(url: str) -> Trips:
    """redis-py's pipelines, one for all commands of a tick."""
    client = Redis.from_url(url)
    waiting: list[tuple[tuple[bytes, ...], asyncio.Future[object]]] = []
    running: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()

    async def flush() -> None:
        batch = waiting.copy()
        waiting.clear()
        pipeline = client.pipeline(transaction=False)
        for command, _ in batch:
            pipeline.execute_command(*command)
        for (_, answer), value in zip(batch, await pipeline.execute(), strict=True):
            answer.set_result(value)

    def begin() -> None:
        task = loop.create_task(flush())
        running.add(task)
        task.add_done_callback(running.discard)

    def execute(*command: bytes) -> asyncio.Future[object]:
        answer: asyncio.Future[object] = loop.create_future()
        if not waiting:
            loop.call_soon(begin)
        waiting.append((command, answer))
        return answer

    async def trips() -> None:
        await execute(b"GET", KEY)
        await execute(b"SET", KEY, SESSION)

    return trips


WAYS = {"none": no_trips, "line": line, "pool": pool, "batched": batched}


async def serve(port: int, way: str) -> None:
    trips = WAYS[way](os.environ["REDIS_URL"])
    decode = msgspec.json.Decoder(Continue).decode
    encode = msgspec.json.Encoder().encode

    async def execute(request: web.BaseRequest) -> web.Response:
        said = decode(await request.read())
        await trips()
        answer = Answer(said.flowId, ANSWER.flowType, ANSWER.flowStatus, ANSWER.type, ANSWER.data)
        return web.Response(body=encode(answer), content_type="application/json")

    # Without an Application: routes and middlewares are costs of the executor's, not of the floor.
    server = web.Server(execute, access_log=None)
    await asyncio.get_running_loop().create_server(server, LOOPBACK, port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    uvloop.run(serve(int(sys.argv[2]), sys.argv[3]))
