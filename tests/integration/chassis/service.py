"""A service as small as one can be, run as a process by `test_serve`."""

from __future__ import annotations

import asyncio
import sys
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


async def build(settings: Settings, ground: Ground) -> web.Application:
    if settings.crash:
        raise RuntimeError("a fault in the wiring")
    if settings.needed_port:
        with depends_on("The needed", "GATEHOUSE_NEEDED_PORT"):
            await asyncio.open_connection("127.0.0.1", settings.needed_port)
    released = asyncio.Event()

    async def wait(_request: web.Request) -> web.Response:
        # Says that it is being served, and waits until it is told to go on.
        sys.stderr.write("waiting\n")
        sys.stderr.flush()
        await released.wait()
        return json_answer({"waited": True})

    async def closed(name: str) -> None:
        sys.stderr.write(f"closed {name}\n")

    asyncio.get_running_loop().add_reader(sys.stdin, released.set)
    ground.closers.push_async_callback(closed, "first")
    ground.closers.push_async_callback(closed, "second")
    return make_app(
        [web.get("/wait", wait)],
        face=face,
        health=Health({}),
        out=ground.out,
        metrics=ground.metrics,
        body_limit=settings.body_limit,
    )


def face(_request: web.Request, refusal: Refusal) -> web.Response:
    return json_answer({"code": refusal.code}, status=refusal.status)


if __name__ == "__main__":
    sys.exit(run("small", Settings, build))
