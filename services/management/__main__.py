"""Starts management: `python -m services.management`. Wires, and decides nothing."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Final

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.bus import Bus
from libs.common.chassis.config import read, variable
from libs.common.chassis.events import EVENT_STREAM
from libs.common.chassis.hasher import make_hasher
from libs.common.chassis.health import Health
from libs.common.chassis.hosts import parse_hosts
from libs.common.chassis.postgres import expecting_tables, open_pool
from libs.common.chassis.proxies import Proxies
from libs.common.chassis.redis_line.open import open_line
from libs.common.chassis.redis_line.port import Limits as Patience
from libs.common.chassis.seal import Keys
from libs.common.chassis.serve import Ground, run
from libs.common.chassis.startup import StartupFailure
from libs.common.nodes.catalogue import NODE_TYPES
from services.management.actions import Actions
from services.management.app import management_app
from services.management.audit import Audit
from services.management.auth import Callers, Tokens
from services.management.bootstrap import Bootstrap
from services.management.candidates import Candidates
from services.management.clients import Clients
from services.management.compiler import CompilerLink
from services.management.config import Settings
from services.management.executors import ExecutorLink
from services.management.failures import rollout_failures
from services.management.flows import Flows
from services.management.goldens import Goldens
from services.management.grants import Grants
from services.management.idempotency import Repeats, Sweep
from services.management.importing import Importing, allowed_by
from services.management.instances import FlowInstances
from services.management.invariants import Invariants
from services.management.invitations import Invitations, check_link
from services.management.issuers import Issuers, Lifetimes, Web, parse_issuers, web_session
from services.management.judging import Judge
from services.management.limits import LimitMetrics, Limits
from services.management.operations import UseCases
from services.management.outbox import OutboxMetrics, Relay
from services.management.plans import plan_notes
from services.management.providers import Providers
from services.management.rollouts import Rollouts
from services.management.routes.counting import Counting
from services.management.routes.serving import Door, Serving
from services.management.routes.writes import Writes
from services.management.running import Running
from services.management.sessions import Sessions
from services.management.signins import SignIns
from services.management.simulations import Simulations
from services.management.standing import Standings
from services.management.store import Store
from services.management.tenants import Tenants
from services.management.tiers import Tier, Tiers
from services.management.transfer import Transfer
from services.management.users import Users
from services.management.versions import Versions

LIMIT_SECONDS: Final = 0.25
"""How long a request may wait to be counted."""

log: FilteringBoundLogger = structlog.get_logger()


async def build(settings: Settings, ground: Ground) -> web.Application:
    """Connect and wire; PostgreSQL has to be there, NATS may come later."""
    tokens = Tokens(
        settings.admin_signing_key,
        issuer=settings.admin_issuer,
        audience=settings.admin_audience,
    )
    url = settings.invitation_url
    invites = None if url is None else read("invitation_url", check_link, url)
    proxies = read("trusted_proxies", Proxies, settings.trusted_proxies)
    issuers = await open_issuers(settings, ground)
    pool = await open_pool(
        settings.postgres_dsn,
        most=settings.postgres_connections,
        seconds=settings.postgres_seconds,
    )
    ground.closers.push_async_callback(pool.close)
    store = Store(pool)
    with expecting_tables():
        await store.add_tenants(settings.tenants)
    repeats = Repeats(pool, settings.admin_signing_key)
    sweep = Sweep(repeats)
    sweep.start()
    ground.closers.push_async_callback(sweep.stop)

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
    judge = Judge()
    running = Running(store, link, NODE_TYPES, judge)
    flows = Flows(store, link, running)
    executors = ExecutorLink(bus)
    rollouts = Rollouts(store, running, executors)
    failures = rollout_failures(bus, rollouts, ground.metrics)
    failures.start()
    ground.closers.push_async_callback(failures.stop)
    hasher = make_hasher(settings)
    ground.closers.callback(hasher.close)
    credential_keys = open_keys(settings)
    use = UseCases(
        flows=flows,
        versions=Versions(store, running, NODE_TYPES),
        rollouts=rollouts,
        candidates=Candidates(store, running),
        invariants=Invariants(store, running),
        transfer=Transfer(
            store,
            flows,
            Importing(
                store,
                flows,
                running,
                NODE_TYPES,
                allowed_by(settings.blueprint_env, settings.blueprint_files),
            ),
        ),
        simulations=Simulations(store, NODE_TYPES),
        goldens=Goldens(store, NODE_TYPES, judge),
        audit=Audit(store),
        clients=Clients(store),
        tenants=Tenants(store),
        providers=Providers(store, credential_keys, NODE_TYPES),
        users=Users(store, hasher),
        sign_ins=SignIns(store),
        actions=Actions(store, credential_keys, NODE_TYPES),
        invitations=Invitations(store, invites),
        bootstrap=Bootstrap(store, settings.bootstrap_token),
        grants=Grants(store, tokens, seconds=settings.client_token_seconds),
        sessions=Sessions(executors, link),
        instances=FlowInstances(store, flows, running),
    )
    callers = Callers(
        tokens,
        Standings(use.clients.find_standing, time.monotonic),
        issuers,
        audience=settings.admin_audience,
        tenant_claim=settings.admin_tenant_claim,
    )
    counting = Counting(open_limits(settings, store, ground), time.time)
    hosts = read("tenant_hosts", parse_hosts, settings.tenant_hosts)
    door = Door(callers, proxies, counting, hosts)
    serving = Serving(door, Writes(repeats), counting)
    return management_app(use, serving, counting, health, ground, body_limit=settings.body_limit)


def open_keys(settings: Settings) -> Keys | None:
    """Return what seals secrets; None where there is nothing to seal them with."""
    written = settings.credential_keys
    return None if written is None else read("credential_keys", Keys.parse, written)


def open_limits(settings: Settings, store: Store, ground: Ground) -> Limits | None:
    """Return the limits of all callers; None where there is no Redis to count them."""
    if settings.redis_url is None:
        log.warning("no_limits", reason=f"{variable('redis_url')} is not set")
        return None
    patience = Patience(deadline=LIMIT_SECONDS)
    line = read("redis_url", lambda url: open_line(url.reveal(), patience), settings.redis_url)
    ground.closers.push_async_callback(line.aclose)

    async def find_tier(tenant: str) -> Tier | None:
        async with store.reading(tenant) as rows:
            return await rows.find_tier()

    return Limits(
        line,
        settings.admin_signing_key,
        Tiers(find_tier, time.monotonic).of,
        LimitMetrics(ground.metrics.registry),
        per_minute=settings.admin_per_minute,
        v2_per_minute={
            "default": settings.v2_per_minute,
            "enterprise": settings.v2_enterprise_per_minute,
        },
        tokens_per_minute=settings.tokens_per_minute,
    )


async def open_issuers(settings: Settings, ground: Ground) -> Issuers:
    """Return the issuers whose tokens are taken beside ours; none is asked for anything yet."""
    loopback = settings.admin_issuers_on_loopback
    urls = read("admin_issuers", partial(parse_issuers, loopback=loopback), settings.admin_issuers)
    if settings.admin_issuer in urls:
        raise StartupFailure(f"{variable('admin_issuers')} names this deployment itself")
    session = web_session()
    ground.closers.push_async_callback(session.close)
    lifetimes = Lifetimes(settings.admin_keys_seconds, settings.admin_keys_stale_seconds)
    return Issuers(urls, Web(session, loopback=loopback), lifetimes, time.monotonic)


if __name__ == "__main__":
    sys.exit(run("management", Settings, build))
