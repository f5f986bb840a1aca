"""Starts the compiler: `python -m services.compiler`. Wires, and decides nothing."""

from __future__ import annotations

import sys

from aiohttp import web

from libs.common.chassis.bus import Bus
from libs.common.chassis.config import variable
from libs.common.chassis.events import EVENT_STREAM
from libs.common.chassis.health import Health
from libs.common.chassis.postgres import expecting_tables, open_pool
from libs.common.chassis.redis_line.open import open_line
from libs.common.chassis.serve import Ground, run
from libs.common.chassis.startup import StartupFailure
from libs.common.wire.events import PLAN_COMPILED, PlanCompiled, encode
from services.compiler.app import compiler_app
from services.compiler.compiling import Compiler
from services.compiler.config import Settings
from services.compiler.listen import Reconciler, answer_requests, hear_events
from services.compiler.metrics import CompilerMetrics
from services.compiler.publish import Shelf
from services.compiler.store import Store


async def build(settings: Settings, ground: Ground) -> web.Application:
    """Connect and wire; PostgreSQL has to be there, Redis and NATS may come later."""
    pool = await open_pool(
        settings.postgres_dsn,
        most=settings.postgres_connections,
        seconds=settings.postgres_seconds,
    )
    ground.closers.push_async_callback(pool.close)
    store = Store(pool)
    with expecting_tables():
        await store.check()
    try:
        line = open_line(settings.redis_url.reveal())
    except ValueError as error:
        raise StartupFailure(f"{variable('redis_url')}: {error}") from error
    ground.closers.push_async_callback(line.aclose)
    bus = Bus(settings.nats_url, name="gatehouse-compiler", replicas=settings.nats_replicas)
    bus.open()
    ground.closers.push_async_callback(bus.close)

    async def announce(event: PlanCompiled) -> None:
        # Named by what it says, so that replicas that find the same say it once.
        name = f"{event.tenant}.{event.flow}.{event.version}.{event.plan}"
        await bus.publish(EVENT_STREAM, PLAN_COMPILED, encode(event), message_id=name)

    metrics = CompilerMetrics(ground.metrics.registry)
    shelf = Shelf(line, keep=3600 * settings.plan_hours)
    compiler = Compiler(store, shelf, announce, metrics)
    reconciler = Reconciler(compiler, every=settings.reconcile_seconds)
    reconciler.start()
    ground.closers.push_async_callback(reconciler.stop)
    await answer_requests(bus, compiler)
    events = hear_events(bus, compiler, metrics, ground.metrics)
    events.start()
    ground.closers.push_async_callback(events.stop)

    health = Health(
        {
            "postgres": store.check,
            "redis": shelf.check,
            "nats": bus.check,
            "first look": reconciler.check,
        }
    )
    return compiler_app(health, ground, body_limit=settings.body_limit)


if __name__ == "__main__":
    sys.exit(run("compiler", Settings, build))
