"""Starts the executor: `python -m services.executor`. Wires, and decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Mapping

import msgspec
import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.bucket import Bucket
from libs.common.chassis.bus import Bus
from libs.common.chassis.config import read
from libs.common.chassis.consume import Consumption, Message
from libs.common.chassis.hasher import make_hasher
from libs.common.chassis.health import Health
from libs.common.chassis.hosts import parse_hosts
from libs.common.chassis.networks import Networks
from libs.common.chassis.outgoing import Outgoing
from libs.common.chassis.postgres import expecting_tables, open_pool
from libs.common.chassis.proxies import Proxies
from libs.common.chassis.redis_line.open import open_line
from libs.common.chassis.redis_line.port import Limits, RedisLine
from libs.common.chassis.seal import Keys
from libs.common.chassis.serve import Ground, run
from libs.common.errors import Unavailable
from libs.common.flow.messaging import SendMail, SendSms
from libs.common.flow.questions import SignedIn
from libs.common.flow.turn import Effect
from libs.common.nodes.catalogue import NODE_TYPES
from services.executor.adapters import open_accounts, open_gateway, open_mailer
from services.executor.app import executor_app, open_portal
from services.executor.asking import Asking
from services.executor.assertions import Assertions, KeySet
from services.executor.breaches import Breaches, check_list
from services.executor.breaker import Breaker
from services.executor.callers import Callers
from services.executor.calling import Caller
from services.executor.config import Settings
from services.executor.denials import Denials
from services.executor.directory import Directory
from services.executor.directory.postgres import PostgresDirectory
from services.executor.directory.signins import PostgresSignIns, SignIns
from services.executor.effects import Effects
from services.executor.handlers.authenticator import Authenticator
from services.executor.handlers.recovery import Recovery
from services.executor.handlers.world import World
from services.executor.inspect import Inspector
from services.executor.introspection import Clients, Introspection
from services.executor.limits import Addresses, Guesses, Requests
from services.executor.links import Links
from services.executor.messages.flows import LONGEST_SECONDS, SenderFlows
from services.executor.messages.letters import Sender
from services.executor.messages.mailer import longest
from services.executor.messages.perform import Desk, Outbox, Post, Texting
from services.executor.metrics import ExecutorMetrics
from services.executor.minter import Minter
from services.executor.nats import (
    MESSENGERS,
    PERFORMERS,
    REMEMBER_DAYS,
    BusBoard,
    BusPublisher,
    BusStream,
    answer_inspections,
)
from services.executor.openid import CALLBACK_PATH, OpenId
from services.executor.origins import parse_origins, parse_sites_origins
from services.executor.pages import Pages
from services.executor.performer import Perform, Performer, counting
from services.executor.plans import Plans
from services.executor.registered import Registered
from services.executor.rollouts import Rollouts
from services.executor.routes import Face
from services.executor.selection import Selection
from services.executor.sessions import Sessions
from services.executor.shared import parse_shared
from services.executor.sites import parse_sites
from services.executor.starts import Lifetimes, Starts
from services.executor.steplog import StepLog
from services.executor.tenants import Tenants, stored_in
from services.executor.texts.catalogue import read_texts
from services.executor.told import decode, unseal
from services.executor.turns import Turns

log: FilteringBoundLogger = structlog.get_logger()

_CONNECTIONS = 10
_STATEMENT_SECONDS = 2.0
_FORGET_EVERY_SECONDS = 3600.0


async def build(settings: Settings, ground: Ground) -> web.Application:
    """Connect and wire; raise `StartupFailure` for what an operator can change."""
    closers = ground.closers
    keys = read("session_keys", Keys.parse, settings.session_keys)
    credential_keys = read("credential_keys", Keys.parse, settings.credential_keys)
    key_set = read("assertion_keys", KeySet.parse, settings.assertion_keys)
    proxies = read("trusted_proxies", Proxies, settings.trusted_proxies)
    tenants = read("tenant_hosts", parse_hosts, settings.tenant_hosts)
    origins = read("allowed_origins", parse_origins, settings.allowed_origins)
    redirect_origins = read("redirect_origins", parse_sites_origins, settings.redirect_origins)
    allowed = read("outgoing_allowed", Networks, settings.outgoing_allowed)
    sites = parse_sites(settings.issuer, settings.passkey_sites, settings.passkey_origins)
    texts = read("texts_folder", read_texts, settings.texts_folder)
    outposts = read("outpost_tokens", parse_shared, settings.outpost_tokens)

    patience = Limits(deadline=settings.redis_seconds)
    line = read("redis_url", lambda url: open_line(url.reveal(), patience), settings.redis_url)
    closers.push_async_callback(line.aclose)
    pool = await open_pool(settings.postgres_dsn, most=_CONNECTIONS, seconds=_STATEMENT_SECONDS)
    closers.push_async_callback(pool.close)
    bus = Bus(settings.nats_url, name="gatehouse-executor", replicas=settings.nats_replicas)
    bus.open()
    closers.push_async_callback(bus.close)

    url = settings.breached_url
    breached = None if url is None else read("breached_url", check_list, url)
    outgoing = Outgoing(allowed)
    closers.push_async_callback(outgoing.close)

    metrics = ExecutorMetrics(ground.metrics)
    sign_ins = PostgresSignIns(
        pool, hours=settings.sign_in_hours, idle_minutes=settings.sign_in_idle_minutes
    )
    with expecting_tables():
        await PostgresDirectory(pool).reach()
        await sign_ins.reach()
    tenant_settings = Tenants(
        stored_in(pool), time.monotonic, seconds=settings.tenant_settings_seconds
    )
    closers.push_async_callback(tenant_settings.stop)
    pages = Pages(redirect_origins, tenant_settings.settings)
    hasher = make_hasher(settings)
    closers.callback(hasher.close)
    accounts = open_accounts(settings, pool, hasher, metrics, closers)
    directory = accounts.directory
    sessions = Sessions(
        line,
        keys,
        claim=settings.claim_seconds,
        replay=settings.replay_seconds,
        forget=60 * settings.forget_minutes,
        explain=settings.step_log_seconds,
    )
    effects = Effects(sessions, line, BusStream(bus, keys), metrics, time.time)
    hidden = keys.derive(b"buckets")
    wrong_passwords = Bucket("secret", settings.secret_burst, settings.secret_rate)
    wrong_codes = Bucket("code", settings.code_burst, settings.code_rate)
    wrong_sent_codes = Bucket("sent_code", settings.code_burst, settings.code_rate)
    minter = Minter(keys)
    asked = Bucket("introspect", settings.introspect_burst, settings.introspect_rate)
    searched = Bucket("search", settings.search_burst, settings.search_rate)
    world = World(
        directory=directory,
        password_check=accounts.passwords,
        sign_ins=sign_ins,
        hasher=hasher,
        authenticator=Authenticator(credential_keys, line, time.time),
        recovery=Recovery(credential_keys),
        passwords=Guesses(line, hidden, wrong_passwords),
        codes=Guesses(line, hidden, wrong_codes),
        passkeys=accounts.passkeys,
        externals=accounts.externals,
        openid=OpenId(outgoing, time.time, settings.issuer.rstrip("/") + CALLBACK_PATH),
        sites=sites,
        sent_codes=Guesses(line, hidden, wrong_sent_codes),
        minter=minter,
        pages=pages,
        outgoing=outgoing,
        breaches=Breaches(outgoing, breached),
        registered=Registered(pool, credential_keys),
        caller=Caller(outgoing, Breaker(time.monotonic), metrics.calls, clock=time.time),
    )
    assertions = Assertions(
        key_set,
        time.time,
        issuer=settings.issuer,
        audience=settings.audience,
        lifetime=settings.assertion_seconds,
    )
    plans = Plans(line, BusPublisher(bus), NODE_TYPES, metrics, most=settings.plans_kept)
    lifetimes = Lifetimes(of=settings.lifetime, idle=settings.idle, claim=settings.claim_seconds)
    starts = Starts(
        plans=plans,
        searches=Addresses(line, hidden, searched, metrics.rejected),
        callers=Callers(assertions, outposts, world),
        selection=Selection(plans, world),
        denials=Denials(pages, settings.default_redirect),
        metrics=metrics,
        lifetimes=lifetimes,
    )
    rollouts = Rollouts(line, BusBoard(bus), metrics, time.time)
    closers.push_async_callback(rollouts.stop)
    turns = Turns(
        sessions=sessions,
        plans=plans,
        starts=starts,
        rollouts=rollouts,
        world=world,
        assertions=assertions,
        effects=effects,
        texts=texts,
        steps=StepLog(on=settings.step_log == "on"),
        metrics=metrics,
        keys=keys,
        lifetimes=lifetimes,
        clock=time.time,
    )
    await answer_inspections(bus, Inspector(sessions, plans, rollouts))
    face = Face(
        turns=turns,
        links=Links(turns, minter),
        requests=Requests(
            line,
            hidden,
            Bucket("tenant", settings.tenant_burst, settings.tenant_rate),
            Bucket("address", settings.address_burst, settings.address_rate),
            metrics.rejected,
        ),
        proxies=proxies,
        tenants=tenants,
        origins=origins,
        settings=tenant_settings,
        keys=key_set.jwks,
        asking=Asking(
            Clients(pool),
            Introspection(assertions, sign_ins, directory),
            Addresses(line, hidden, asked, metrics.rejected),
        ),
    )

    desk = Desk(
        directory=directory,
        outbox=Outbox(
            line,
            hidden,
            codes=Bucket("code_message", settings.code_message_burst, settings.code_message_rate),
            others=Bucket("message", settings.message_burst, settings.message_rate),
            claim=max(longest(settings.smtp_seconds), settings.sms_seconds + LONGEST_SECONDS),
        ),
        minter=minter,
        issuer=settings.issuer.rstrip("/"),
        clock=time.time,
    )
    post = Post(
        desk=desk,
        mailer=open_mailer(settings, closers),
        sender=read("mail_from", Sender.parse, settings.mail_from),
        texts=texts,
    )
    texting = Texting(
        desk=desk,
        gateway=open_gateway(settings, closers),
        flows=SenderFlows(pool=pool, plans=plans, world=world, clock=time.time),
        texts=texts,
    )
    table: Mapping[type[Effect], Perform] = {
        SignedIn: counting(directory),
        SendMail: post.send,
        SendSms: texting.send,
    }
    performer = Performer(table, metrics)

    async def perform(message: Message) -> None:
        await performer.perform(decode(message.data))

    async def perform_message(message: Message) -> None:
        await performer.perform(unseal(keys, message.data))

    messengers = msgspec.structs.replace(MESSENGERS, workers=settings.messengers)
    for consumer, handle in ((PERFORMERS, perform), (messengers, perform_message)):
        consumption = Consumption(bus, consumer, handle, ground.metrics)
        consumption.start()
        closers.push_async_callback(consumption.stop, settings.drain_seconds)
    effects.start()
    closers.push_async_callback(effects.stop)
    closers.push_async_callback(stop, asyncio.create_task(forget(directory, sign_ins)))

    health = Health(
        {"redis": lambda: reach(line)},
        # Sessions that need no look-up go on without the one, and all go on without the other.
        spared={"postgres": directory.reach, "nats": bus.check},
    )
    portal = open_portal(settings, face, texts, pages)
    return executor_app(face, portal, health, ground, body_limit=settings.body_limit)


async def reach(line: RedisLine) -> None:
    """Return if Redis answers."""
    await line.execute(b"EXISTS", "gh:reach")


async def forget(directory: Directory, sign_ins: SignIns) -> None:
    """Forget what is of no use any more, for as long as the process runs."""
    while True:
        with contextlib.suppress(Unavailable):
            await directory.forget_effects(REMEMBER_DAYS)
            await sign_ins.forget()
        await asyncio.sleep(_FORGET_EVERY_SECONDS)


async def stop(task: asyncio.Task[None]) -> None:
    """End work that never ends by itself."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    sys.exit(run("executor", Settings, build))
