"""What each part's death costs, and that nobody has to do anything once it is back."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
import redis.asyncio

from deploy.local.process import Process
from deploy.local.stack import Stack
from tests.e2e.conftest import LOGIN, PASSWORD, register
from tests.e2e.outages.conftest import bring_back
from tests.e2e.walker import Admin, Json, Reply, Walker, ask, claims_of
from tests.patience import until

TWO_PROMPTS: Json = {
    "nodes": [
        {"id": "start", "type": "start"},
        {
            "id": "first",
            "type": "prompt",
            "config": {"fields": [{"name": "nickname", "type": "text", "label": "Nickname"}]},
        },
        {
            "id": "second",
            "type": "prompt",
            "config": {
                "fields": [
                    {"name": "email", "type": "email", "label": "Email"},
                    {"name": "password", "type": "password", "label": "Password"},
                ]
            },
        },
        {"id": "write", "type": "user_write"},
        {"id": "success", "type": "success"},
    ],
    "edges": [
        {"source": "start", "target": "first"},
        {"source": "first", "target": "second"},
        {"source": "second", "target": "write"},
        {"source": "write", "target": "success"},
    ],
}
"""Needs no account until it writes one."""

Empty = Callable[[Stack], Awaitable[None]]
Fail = Callable[[Process], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def kill(part: Process) -> AsyncIterator[None]:
    """Have a part dead for a while."""
    await part.kill()
    yield
    await part.start()


@asynccontextmanager
async def hang(part: Process) -> AsyncIterator[None]:
    """Have a part take what it is sent, and say nothing, for a while."""
    os.kill(part.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(part.pid, signal.SIGCONT)


@pytest_asyncio.fixture
async def olga(flows: None, walker: Walker) -> str:
    """The address of somebody who has an account."""
    email = "olga@example.com"
    await register(walker, email)
    return email


def name() -> str:
    """Name a flow that no Redis and no executor has ever heard of."""
    return f"flow-{uuid.uuid4().hex[:8]}"


def must_wait(reply: Reply) -> None:
    """Check that a client is told to come back, and when."""
    assert reply.status == 503, reply.content
    assert int(reply.headers["Retry-After"]) >= 1


async def runnable(walker: Walker, flow: str) -> Reply:
    """Wait until a session of `flow` can begin at either executor."""

    async def begins() -> Reply | None:
        steps = [await walker.start(flow) for _ in range(2)]
        return steps[0] if all(step.status == 200 for step in steps) else None

    step = await until(begins)
    assert step is not None
    return step


async def flush(stack: Stack) -> None:
    async with redis.asyncio.Redis.from_url(stack.facts.redis_url) as client:
        await client.flushall()


async def replace(stack: Stack) -> None:
    """Have Redis forget its scripts as well, as an empty one in its place would not know them."""
    async with redis.asyncio.Redis.from_url(stack.facts.redis_url) as client:
        await client.flushall()
        await client.script_flush()


async def test_a_flow_saved_while_the_compiler_was_dead_runs_when_it_is_back(
    stack: Stack, admin: Admin, walker: Walker
) -> None:
    await stack.parts["compiler"].kill()
    flow = name()
    id = await admin.create(flow, LOGIN)
    must_wait(await admin.ask("POST", f"/{id}/compile"))
    await admin.done("POST", f"/{id}/activate")
    assert (await admin.done("GET", f"/{id}"))["status"] == "active"
    await stack.parts["compiler"].start()
    assert (await runnable(walker, flow)).asks == ["identifier"]

    async def compiled() -> bool:
        return bool((await admin.done("GET", f"/{id}"))["compiled"])

    assert await until(compiled)


async def test_a_flow_saved_while_nats_was_dead_runs_when_it_is_back(
    stack: Stack, admin: Admin, walker: Walker
) -> None:
    await stack.parts["nats"].kill()
    flow = name()
    id = await admin.create(flow, LOGIN)
    must_wait(await admin.ask("POST", f"/{id}/compile"))
    await admin.done("POST", f"/{id}/activate")
    await stack.parts["nats"].start()
    assert (await runnable(walker, flow)).asks == ["identifier"]


@pytest.mark.parametrize("fail", [kill, hang])
async def test_management_works_without_nats_and_running_flows_are_untouched(
    stack: Stack, admin: Admin, walker: Walker, olga: str, fail: Fail
) -> None:
    async with fail(stack.parts["nats"]):
        await management_works(admin)
        done = await walker.sign_in("login", olga, PASSWORD)
        assert done.body["flowStatus"] == "COMPLETE"


async def management_works(admin: Admin) -> None:
    flow = name()
    id = await admin.create(flow, LOGIN)
    assert (await admin.done("POST", f"/{id}/validate"))["valid"] is True
    assert (await admin.done("PUT", f"/{id}", {"display_name": "Later"}))["version"] == 1
    for switched in ("activate", "deactivate"):
        await admin.done("POST", f"/{id}/{switched}")
    assert flow in {item["name"] for item in (await admin.done("GET"))["items"]}
    await admin.done("DELETE", f"/{id}")


async def test_a_login_told_while_nats_was_dead_is_counted_when_it_is_back(
    stack: Stack, walker: Walker, database: asyncpg.Connection, olga: str
) -> None:
    await stack.parts["nats"].kill()
    done = await walker.sign_in("login", olga, PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"
    await stack.parts["nats"].start()

    async def counted() -> bool:
        count = await database.fetchval("SELECT logins_count FROM users WHERE email = $1", olga)
        return bool(count == 1)

    assert await until(counted)


@pytest.mark.parametrize("empty", [flush, replace])
async def test_flows_come_back_by_themselves_into_an_emptied_redis(
    stack: Stack, walker: Walker, empty: Empty, olga: str
) -> None:
    await empty(stack)
    await runnable(walker, "login")
    done = await walker.sign_in("login", olga, PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"


@pytest.mark.usefixtures("flows")
async def test_the_very_next_start_after_a_flush_works(stack: Stack, walker: Walker) -> None:
    await flush(stack)
    assert (await walker.start("login")).asks == ["identifier"]


async def test_a_flow_saved_while_the_compiler_was_dead_and_redis_was_emptied_runs_too(
    stack: Stack, admin: Admin, walker: Walker
) -> None:
    before, meanwhile = name(), name()
    await admin.publish(before, LOGIN)
    await stack.parts["compiler"].kill()
    await flush(stack)
    await admin.publish(meanwhile, LOGIN)
    must_wait(await walker.start(before))
    await stack.parts["compiler"].start()
    for flow in (before, meanwhile):
        await runnable(walker, flow)


async def test_a_session_lost_with_redis_is_unknown_and_told_how_to_start_again(
    stack: Stack, walker: Walker, olga: str
) -> None:
    step = await walker.at_password("login", olga)
    await flush(stack)
    lost = await walker.submit(step, password=PASSWORD)
    assert (lost.status, lost.body["code"]) == (404, "FE-40401")
    assert "flowType" in lost.body["description"]
    assert (await walker.start("login")).asks == ["identifier"]


async def test_while_redis_is_dead_clients_are_told_to_wait_and_management_works(
    stack: Stack, admin: Admin, walker: Walker, olga: str
) -> None:
    step = await walker.at_password("login", olga)
    await stack.parts["redis"].kill()
    must_wait(await walker.start("login"))
    must_wait(await walker.submit(step, password=PASSWORD))
    flow = name()
    await admin.publish(flow, LOGIN)
    assert flow in {item["name"] for item in (await admin.done("GET"))["items"]}
    await stack.parts["redis"].start()
    for started in (flow, "login"):
        await runnable(walker, started)


async def test_a_redis_that_hangs_is_not_waited_for_and_no_session_is_lost(
    stack: Stack, walker: Walker, olga: str
) -> None:
    step = await walker.at_password("login", olga)
    async with hang(stack.parts["redis"]):
        replies = await asyncio.gather(
            walker.start("login"), walker.submit(step, password=PASSWORD)
        )
    for reply in replies:
        must_wait(reply)

    async def goes_on() -> Reply | None:
        reply = await walker.submit(step, password=PASSWORD)
        return None if reply.status == 503 else reply

    done = await until(goes_on)
    assert done is not None
    assert done.body["flowStatus"] == "COMPLETE"


async def test_without_postgres_a_session_that_needs_no_account_goes_on_and_others_wait(
    http: aiohttp.ClientSession, stack: Stack, admin: Admin, walker: Walker, olga: str
) -> None:
    await admin.publish("two-prompts", TWO_PROMPTS, "registration")
    prompted = await walker.start("two-prompts", "REGISTRATION")
    named = await walker.start("login")
    asked = await walker.at_password("login", olga)
    await stack.parts["postgres"].kill()

    prompted = await walker.submit(prompted, nickname="Ollie")
    assert prompted.asks == ["email", "password"]
    must_wait(await walker.submit(prompted, email="new@example.com", password=PASSWORD))
    must_wait(await walker.submit(named, identifier=olga))
    must_wait(await walker.submit(asked, password=PASSWORD))
    assert (await walker.start("login")).asks == ["identifier"]
    must_wait(await admin.ask("GET"))

    # Each step is as it was: the very same submit is answered once there is somebody to ask.
    await stack.parts["postgres"].start()
    await bring_back(stack, http)
    done = await walker.submit(prompted, email="new@example.com", password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"
    assert (await walker.submit(named, identifier=olga)).asks == ["password"]
    done = await walker.submit(asked, password=PASSWORD)
    assert (await claims_of(http, stack.facts, done))["amr"] == ["pwd"]


async def test_an_executor_is_always_alive_and_ready_without_what_it_can_spare(
    http: aiohttp.ClientSession, stack: Stack
) -> None:
    async def answered(path: str) -> int:
        return (await ask(http, "GET", f"{stack.facts.executor_url}{path}")).status

    for server, ready in (("postgres", 200), ("nats", 200), ("redis", 503)):
        async with kill(stack.parts[server]):
            assert (await answered("/healthz"), await answered("/readyz")) == (200, ready)


async def test_everything_works_after_every_server_has_died_at_once(
    http: aiohttp.ClientSession, stack: Stack, admin: Admin, walker: Walker, olga: str
) -> None:
    for server in ("postgres", "redis", "nats"):
        await stack.parts[server].kill()
    must_wait(await walker.start("login"))
    must_wait(await admin.ask("GET"))
    await bring_back(stack, http)
    await runnable(walker, "login")
    done = await walker.sign_in("login", olga, PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"
    flow = name()
    await admin.publish(flow, LOGIN)
    await runnable(walker, flow)
