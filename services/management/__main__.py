"""Starts management: `python -m services.management`. Wires, and decides nothing."""

from __future__ import annotations

import sys

from aiohttp import web

from libs.common.chassis.bus import Bus
from libs.common.chassis.events import EVENT_STREAM
from libs.common.chassis.health import Health
from libs.common.chassis.postgres import expecting_tables, open_pool
from libs.common.chassis.serve import Ground, run
from libs.common.nodes.catalogue import NODE_TYPES
from services.management.app import management_app
from services.management.audit import Audit
from services.management.auth import Tokens
from services.management.candidates import Candidates
from services.management.compiler import CompilerLink
from services.management.config import Settings
from services.management.failures import rollout_failures
from services.management.flows import Flows
from services.management.goldens import Goldens, gate
from services.management.invariants import Invariants
from services.management.operations import UseCases
from services.management.outbox import OutboxMetrics, Relay
from services.management.plans import plan_notes
from services.management.rollouts import Rollouts
from services.management.running import Running
from services.management.simulations import Simulations
from services.management.store import Store
from services.management.transfer import Transfer
from services.management.versions import Versions


async def build(settings: Settings, ground: Ground) -> web.Application:
    """Connect and wire; PostgreSQL has to be there, NATS may come later."""
    tokens = Tokens(
        settings.admin_signing_key,
        issuer=settings.admin_issuer,
        audience=settings.admin_audience,
    )
    pool = await open_pool(
        settings.postgres_dsn,
        most=settings.postgres_connections,
        seconds=settings.postgres_seconds,
    )
    ground.closers.push_async_callback(pool.close)
    store = Store(pool)
    with expecting_tables():
        await store.add_tenants(settings.tenants)

    bus = Bus(settings.nats_url, name="gatehouse-management", replicas=settings.nats_replicas)
    bus.open()
    ground.closers.push_async_callback(bus.close)
    notes = plan_notes(bus, store, ground.metrics)
    notes.start()
    ground.closers.push_async_callback(notes.stop)

    async def publish(subject: str, payload: bytes, *, message_id: str) -> None:
        await bus.publish(EVENT_STREAM, subject, payload, message_id=message_id)

    relay = Relay(
        settings.postgres_dsn,
        publish,
        OutboxMetrics(ground.metrics.registry),
        seconds=settings.postgres_seconds,
    )
    relay.start()
    ground.closers.push_async_callback(relay.stop)

    link = CompilerLink(
        bus,
        compile_seconds=settings.compile_seconds,
        publish_seconds=settings.publish_seconds,
    )
    health = Health({"postgres": store.check}, spared={"nats": bus.check})
    running = Running(link, NODE_TYPES, gate(NODE_TYPES))
    flows = Flows(store, link, running)
    rollouts = Rollouts(store, running)
    failures = rollout_failures(bus, rollouts, ground.metrics)
    failures.start()
    ground.closers.push_async_callback(failures.stop)
    use = UseCases(
        flows=flows,
        versions=Versions(store, running, NODE_TYPES),
        rollouts=rollouts,
        candidates=Candidates(store, running),
        invariants=Invariants(store, running),
        transfer=Transfer(store, flows),
        simulations=Simulations(store, NODE_TYPES),
        goldens=Goldens(store, NODE_TYPES),
        audit=Audit(store),
    )
    return management_app(use, tokens, health, ground, body_limit=settings.body_limit)


if __name__ == "__main__":
    sys.exit(run("management", Settings, build))
