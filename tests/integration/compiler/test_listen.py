"""The compiler at work: woken by events, asked by requests, looking by itself."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Literal

import asyncpg
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from libs.common.chassis.bus import Bus
from libs.common.chassis.events import EVENT_STREAM
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.redis_line.port import RedisLine
from libs.common.errors import Unavailable
from libs.common.flow.model import FlowType
from libs.common.secret import Secret
from libs.common.wire.events import (
    COMPILE,
    FLOW_CHANGED,
    PUBLISH,
    TENANT_CHANGED,
    Answer,
    CompileWanted,
    Done,
    Failed,
    FlowChanged,
    Missing,
    PlanCompiled,
    PublishWanted,
    Refused,
    TenantChanged,
    decode_answer,
    encode,
)
from libs.common.wire.plans import decode_pointer, pointer_key
from services.compiler.compiling import Compiler
from services.compiler.listen import Reconciler, answer_requests, hear_events
from services.compiler.metrics import CompilerMetrics
from services.compiler.publish import Shelf
from services.compiler.store import Store
from tests.integration.compiler.conftest import KEEP, LOGIN, Management
from tests.patience import PATIENCE_SECONDS, until, until_so

Action = Literal["created", "updated", "activated", "deactivated", "deleted"]


async def published(line: RedisLine) -> int | None:
    data = await line.execute(b"GET", pointer_key("default", FlowType.LOGIN))
    return decode_pointer(data).generation if isinstance(data, bytes) else None


@pytest_asyncio.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    opened = Bus(Secret(nats_url), name="test")
    opened.open()

    async def connected() -> bool:
        return opened.connected

    await until(connected)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def registry(bus: Bus, compiler: Compiler) -> AsyncIterator[CollectorRegistry]:
    """The metrics of a compiler that hears events."""
    metrics = Metrics("compiler", "test")
    events = hear_events(bus, compiler, CompilerMetrics(metrics.registry), metrics)
    events.start()
    yield metrics.registry
    await events.stop()


def deliveries(registry: CollectorRegistry, outcome: str) -> float | None:
    labels = {"consumer": "compiler", "outcome": outcome}
    return registry.get_sample_value("gatehouse_consumer_deliveries_total", labels)


def changed(number: int, action: Action) -> bytes:
    event = FlowChanged(number, "default", "flow_login", FlowType.LOGIN, action, 1, time.time())
    return encode(event)


async def say(bus: Bus, number: int, action: Action = "activated") -> None:
    await bus.publish(EVENT_STREAM, FLOW_CHANGED, changed(number, action), message_id=str(number))


async def ask(bus: Bus, subject: str, wanted: CompileWanted | PublishWanted) -> Answer:
    payload = encode(wanted)
    return decode_answer(
        await bus.request(subject, payload, within=PATIENCE_SECONDS, what="compiler")
    )


async def test_a_flow_can_run_once_its_activation_is_heard(
    registry: CollectorRegistry, bus: Bus, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=1)
    await say(bus, 1)

    async def runs() -> bool:
        return await published(line) == 1

    await until(runs)
    counted = "gatehouse_saved_to_runnable_seconds_count"
    assert await until_so(lambda: registry.get_sample_value(counted)) == 1


async def test_what_flows_are_compiled_with_changes_all_pointers_that_the_event_names(
    registry: CollectorRegistry, bus: Bus, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=3)
    kinds = (FlowType.REGISTRATION, FlowType.LOGIN)
    event = TenantChanged(1, "default", kinds, time.time())
    await bus.publish(EVENT_STREAM, TENANT_CHANGED, encode(event), message_id="1")

    async def runs() -> bool:
        return await published(line) == 3

    await until(runs)


async def test_a_change_of_a_flow_that_runs_inside_others_changes_their_pointers(
    registry: CollectorRegistry, bus: Bus, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=4)
    event = FlowChanged(
        *(1, "default", "flow_code", FlowType.MFA_SETUP, "activated", 2, time.time()),
        types=(FlowType.MFA_SETUP, FlowType.LOGIN),
    )
    await bus.publish(EVENT_STREAM, FLOW_CHANGED, encode(event), message_id="1")

    async def runs() -> bool:
        return await published(line) == 4

    await until(runs)


async def test_an_event_that_comes_late_finds_the_newest_state(
    registry: CollectorRegistry, bus: Bus, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=5)
    await say(bus, 2, "deactivated")
    await say(bus, 1, "activated")

    async def both_heard() -> bool:
        done = deliveries(registry, "done")
        return done == 2

    await until(both_heard)
    assert await published(line) == 5


async def test_a_draft_that_was_made_changes_nothing_that_runs(
    registry: CollectorRegistry, bus: Bus, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=1)
    await say(bus, 1, "created")

    async def heard() -> bool:
        done = deliveries(registry, "done")
        return done == 1

    await until(heard)
    assert await published(line) is None


async def test_an_event_that_nobody_can_read_waits_its_turn_while_the_next_is_heard(
    registry: CollectorRegistry, bus: Bus, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=1)
    await bus.publish(EVENT_STREAM, FLOW_CHANGED, b"not an event", message_id="poison")
    await say(bus, 1)

    async def runs() -> bool:
        return await published(line) == 1

    await until(runs)
    await until_so(lambda: deliveries(registry, "retried"))


async def test_whoever_asks_is_answered_in_every_case(
    bus: Bus, compiler: Compiler, management: Management
) -> None:
    await answer_requests(bus, compiler)
    flow = await management.save("login", LOGIN)
    bad = await management.save("bad", '{"nodes": [], "edges": []}')
    assert isinstance(await ask(bus, COMPILE, CompileWanted("default", flow, 1)), Done)
    assert isinstance(await ask(bus, COMPILE, CompileWanted("default", bad, 1)), Refused)
    assert await ask(bus, COMPILE, CompileWanted("default", flow, 9)) == Missing()
    assert await ask(bus, PUBLISH, PublishWanted("default", FlowType.LOGIN)) == Missing()
    await management.activate((flow, 1), generation=1)
    assert isinstance(await ask(bus, PUBLISH, PublishWanted("default", FlowType.LOGIN)), Done)
    with pytest.raises(Unavailable):
        await bus.request(COMPILE, b"gibberish", within=PATIENCE_SECONDS, what="compiler")


async def test_who_asks_while_redis_is_away_is_told_what_is(
    bus: Bus, compiler: Compiler, management: Management, line: RedisLine
) -> None:
    await answer_requests(bus, compiler)
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=1)
    await line.aclose()
    wanted = PublishWanted("default", FlowType.LOGIN)
    assert await ask(bus, PUBLISH, wanted) == Failed("redis")
    assert await ask(bus, COMPILE, CompileWanted("default", flow, 1)) == Failed("redis")


async def test_what_no_event_told_is_found_by_looking(
    compiler: Compiler, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=1)
    reconciler = Reconciler(compiler, every=0.05)
    with pytest.raises(Unavailable):
        await reconciler.check()
    reconciler.start()
    try:

        async def runs() -> bool:
            return await published(line) is not None

        async def has_looked() -> bool:
            with suppress(Unavailable):
                await reconciler.check()
                return True
            return False

        await until(runs)
        await until(has_looked)
        await line.execute(b"DEL", pointer_key("default", FlowType.LOGIN))
        await until(runs)
    finally:
        await reconciler.stop()


async def test_what_cannot_be_told_is_published_all_the_same(
    pool: asyncpg.Pool, management: Management, line: RedisLine
) -> None:
    for tenant in ("default", "acme"):
        flow = await management.save("login", LOGIN, tenant=tenant)
        await management.activate((flow, 1), tenant=tenant, generation=1)

    async def refuse(_event: PlanCompiled) -> None:
        raise Unavailable("nats")

    shelf = Shelf(line, keep=KEEP)
    mute = Compiler(Store(pool), shelf, refuse, CompilerMetrics(CollectorRegistry()))
    assert await mute.reconcile(everything=True) == 2
    assert [await shelf.generation(name, FlowType.LOGIN) for name in ("default", "acme")] == [1, 1]
    assert isinstance(await mute.compile("default", "flow_login", 1), Done)
