"""A service as small as one can be, run as a process by `test_serve`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from libs.common.chassis.app import json_answer, make_app
from libs.common.chassis.config import ServiceSettings
from libs.common.chassis.health import Health
from libs.common.chassis.problems import Refusal
from libs.common.chassis.serve import Ground, run
from libs.common.chassis.startup import depends_on


class Settings(ServiceSettings, frozen=True, kw_only=True):
    needed_port: Annotated[int, Meta(description="port that has to answer at the start")] = 0
    crash: bool = False
    never_starts: bool = False
    never_closes: bool = False


async def build(settings: Settings, ground: Ground) -> web.Application:
    if settings.crash:
        raise RuntimeError("a fault in the wiring")
    if settings.needed_port:
        with depends_on("The needed", "GATEHOUSE_NEEDED_PORT"):
            await asyncio.open_connection("127.0.0.1", settings.needed_port)
    if settings.never_starts:
        ground.closers.push_async_callback(closed, "what had started")
        say("starting")
        # Loses its first cancellation, as `wait_for` may before Python 3.12.
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()
    released = asyncio.Event()

    async def wait(_request: web.Request) -> web.Response:
        # Says that it is being served, and waits until it is told to go on.
        say("waiting")
        await released.wait()
        return json_answer({"waited": True})

    asyncio.get_running_loop().add_reader(sys.stdin, released.set)
    ground.closers.push_async_callback(closed, "first")
    ground.closers.push_async_callback(closed, "second")
    if settings.never_closes:
        ground.closers.push_async_callback(never_close)
    return make_app(
        [web.get("/wait", wait)],
        face=face,
        health=Health({}),
        out=ground.out,
        metrics=ground.metrics,
        body_limit=settings.body_limit,
    )


async def closed(name: str) -> None:
    say(f"closed {name}")


async def never_close() -> None:
    say("closing")
    await asyncio.Event().wait()


def say(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


def face(_request: web.Request, refusal: Refusal) -> web.Response:
    return json_answer({"code": refusal.code}, status=refusal.status)


if __name__ == "__main__":
    sys.exit(run("small", Settings, build))
