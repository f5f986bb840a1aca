"""What fails around an executor, and what then becomes of flows (DESIGN section 11)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from deploy.local.server import Server
from libs.common.chassis.bus import Bus
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.seal import Keys
from libs.common.flow.model import FlowType
from libs.common.flow.questions import SignedIn
from libs.common.flow.turn import Session
from libs.common.wire.events import (
    PUBLISH,
    Answer,
    Done,
    Missing,
    PublishWanted,
    decode,
    encode,
)
from services.executor.effects import LIST, Effects
from services.executor.metrics import ExecutorMetrics
from services.executor.sessions import Sessions, Stored
from services.executor.told import Told
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House, Reply
from tests.integration.executor.graphs import LOGIN
from tests.patience import until, until_so
from tests.sentinels import watched

EMAIL = "sasha@example.com"


async def compiler(house: House, executor: Executor, graphs: dict[str, bool]) -> Bus:
    """Answer as a compiler that has `LOGIN` active in the tenants of `graphs` that say so.

    Return once `executor` can ask it.
    """
    bus = Bus(house.settings.nats_url, name="compiler")

    async def publish(data: bytes) -> bytes:
        wanted = decode(data, PublishWanted)
        answer: Answer = Missing()
        if wanted.type is FlowType.LOGIN and graphs.get(wanted.tenant):
            await house.publish(LOGIN, tenant=wanted.tenant)
            answer = Done()
        return encode(answer)

    await bus.respond(PUBLISH, "compilers", publish)
    bus.open()
    await until_so(lambda: bus.connected)
    await bus.check()

    async def asks() -> bool:
        async with executor.http.get(f"{executor.url}/readyz") as answer:
            return bool((await answer.json())["checks"]["nats"] == "ok")

    await until(asks)
    return bus


async def served(ask: Callable[[], Awaitable[Reply]]) -> Reply:
    """Return the first answer that is no 503.

    A machine that is busy with something else is a Redis that is away to an executor that waits a
    second for it.
    """

    async def answered() -> Reply | None:
        reply = await ask()
        return None if reply.status == 503 else reply

    return await until(answered)


async def test_a_flow_comes_back_when_redis_was_emptied(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    bus = await compiler(house, executor, {"default": True})
    await house.line.client.flushall()
    try:
        lost = await executor.answer(step, identifier=EMAIL)
        assert (lost.status, lost.body["code"]) == (404, "FE-40401")
        replies = await asyncio.gather(*(executor.start() for _ in range(5)))
        assert [reply.status for reply in replies] == [200] * 5
    finally:
        await bus.close()


async def test_what_the_compiler_does_not_know_is_not_found(
    house: House, executor: Executor
) -> None:
    bus = await compiler(house, executor, {})
    try:
        reply = await executor.start()
        assert (reply.status, reply.body["code"]) == (404, "FE-40401")
    finally:
        await bus.close()


async def test_without_a_compiler_nobody_can_say_so(executor: Executor) -> None:
    reply = await executor.start()
    assert (reply.status, reply.body["code"]) == (503, "FE-50301")
    assert int(reply.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("how", ["stopped", "hung"])
async def test_without_redis_an_executor_says_when_to_come_back(
    build_house: Build, redis_url: str, redis_server: Server, how: str
) -> None:
    house = await build_house(redis_url)
    executor = await house.executor(redis_seconds=1.0)
    await house.publish(LOGIN)
    step = await served(executor.start)
    if how == "hung":
        os.kill(redis_server.process.pid, signal.SIGSTOP)
    else:
        await redis_server.process.stop()
    try:
        for reply in (await executor.start(), await executor.answer(step, identifier=EMAIL)):
            assert (reply.status, reply.body["code"]) == (503, "FE-50301")
            assert int(reply.headers["Retry-After"]) >= 1
        async with executor.http.get(f"{executor.url}/readyz") as answer:
            assert answer.status == 503
    finally:
        if how == "hung":
            os.kill(redis_server.process.pid, signal.SIGCONT)
        else:
            await redis_server.process.start()
            await house.publish(LOGIN)
    assert (await served(executor.start)).status == 200


async def test_a_session_goes_on_where_its_redis_failed_over(
    build_house: Build, servers_password: str, tmp_path: Path
) -> None:
    async with watched(tmp_path, servers_password) as stack:
        house = await build_house(stack.url)
        executor = await house.executor(redis_seconds=1.0)
        await house.publish(LOGIN)
        await house.person(EMAIL)
        step = await served(executor.start)
        step = await served(lambda: executor.answer(step, identifier=EMAIL))
        await stack.replicated()
        await stack.master.process.kill()
        reply = await executor.answer(step, password=PASSWORD)
        assert (reply.status, reply.body["code"]) == (503, "FE-50301")
        assert int(reply.headers["Retry-After"]) >= 1
        await stack.is_lost()
        reply = await served(lambda: executor.answer(step, password=PASSWORD))
        assert (reply.status, reply.body["flowStatus"]) == (200, "COMPLETE")
        await executor.stop()


async def test_without_postgres_only_what_must_look_up_waits(
    build_house: Build, redis_url: str, postgres_server: Server
) -> None:
    house = await build_house(redis_url)
    executor = await house.executor()
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.start()
    await postgres_server.process.stop()
    try:
        assert (await executor.start()).status == 200
        reply = await executor.answer(step, identifier=EMAIL)
        assert (reply.status, reply.body["code"]) == (503, "FE-50301")
        async with executor.http.get(f"{executor.url}/readyz") as answer:
            assert (answer.status, (await answer.json())["checks"]["postgres"]) == (200, "failed")
    finally:
        await postgres_server.process.start()
    assert (await served(lambda: executor.answer(step, identifier=EMAIL))).status == 200


async def logins(house: House, account: str) -> int:
    user = await house.directory.load("default", account)
    assert user is not None
    count: int = user["logins_count"]
    return count


async def test_a_login_is_counted_once(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    account, _ = await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    for _ in range(3):
        await executor.answer(step, password=PASSWORD)

    async def counted() -> bool:
        return await logins(house, account) == 1

    async def unlisted() -> bool:
        return not await house.line.execute(b"ZCARD", LIST)

    await until(counted)
    await until(unlisted)
    key = f"gh:session:{{default:{step.body['flowId']}}}"
    assert await house.line.execute(b"HGET", key, "e") is None
    assert await logins(house, account) == 1


async def test_signing_in_works_without_nats_and_is_counted_when_it_is_back(
    build_house: Build, redis_url: str, nats_server: Server
) -> None:
    house = await build_house(redis_url)
    executor = await house.executor()
    await house.publish(LOGIN)
    account, _ = await house.person(EMAIL)
    await nats_server.process.stop()
    try:
        done = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
        assert done.body["flowStatus"] == "COMPLETE"
    finally:
        await nats_server.process.start()

    async def counted() -> bool:
        return await logins(house, account) == 1

    await until(counted)


SIGNED_IN = Session(
    id="5f31ce20-872d-4334-8f9f-3572710dbc57",
    tenant="acme",
    plan="p",
    type=FlowType.LOGIN,
    node=0,
    started_at=0,
    expires_at=60,
    idle_until=60,
    revision=3,
    over=True,
)


class Heard:
    """A stream that remembers what it was told."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def publish(self, told: Told) -> None:
        self.ids.append(told.id)


async def test_what_a_dead_executor_left_is_told_by_a_sweep(house: House) -> None:
    keys = Keys.parse(house.settings.session_keys)
    sessions = Sessions(house.line, keys, claim=3, replay=10, forget=60, explain=60)
    heard, metrics = Heard(), ExecutorMetrics(Metrics("executor", "test"))
    now = 1_000_000.0
    dying = Effects(sessions, house.line, heard, metrics, lambda: now)
    handle = sessions.handle("acme", SIGNED_IN.id)
    telling = await dying.prepare(handle, SIGNED_IN, None, (SignedIn("account", 7),))
    stored = Stored(SIGNED_IN, b"{}", "", again=False, lasts=60, effects=telling.sealed)
    await sessions.store(handle, stored, None, None)

    def sweeper(at: float) -> Effects:
        return Effects(sessions, house.line, heard, metrics, lambda: at)

    await sweeper(now + 1).sweep()
    assert heard.ids == []  # its executor may yet tell
    await sweeper(now + 60).sweep()
    await sweeper(now + 120).sweep()
    assert heard.ids == [f"{SIGNED_IN.id}:3:0"]


async def test_what_was_listed_since_stays_listed_though_that_clock_is_behind(house: House) -> None:
    keys = Keys.parse(house.settings.session_keys)
    sessions = Sessions(house.line, keys, claim=3, replay=10, forget=60, explain=60)
    heard, metrics = Heard(), ExecutorMetrics(Metrics("executor", "test"))
    now = 1_000_000.0

    def at(second: float) -> Effects:
        return Effects(sessions, house.line, heard, metrics, lambda: second)

    living, dying = at(now + 1), at(now)
    handle = sessions.handle("acme", SIGNED_IN.id)
    first = await living.prepare(handle, SIGNED_IN, None, (SignedIn("account", 7),))
    later = replace(SIGNED_IN, revision=4)
    second = await dying.prepare(handle, later, first.sealed, (SignedIn("account", 8),))
    stored = Stored(later, b"{}", "", again=False, lasts=60, effects=second.sealed)
    await sessions.store(handle, stored, None, None)
    living.start()
    living.tell(first)
    await living.stop()
    assert heard.ids == [f"{SIGNED_IN.id}:3:0"]
    await at(now + 60).sweep()
    assert f"{SIGNED_IN.id}:4:0" in heard.ids


async def test_a_listed_session_that_was_never_stored_is_forgotten_in_the_end(
    house: House,
) -> None:
    keys = Keys.parse(house.settings.session_keys)
    sessions = Sessions(house.line, keys, claim=3, replay=10, forget=60, explain=60)
    metrics = ExecutorMetrics(Metrics("executor", "test"))
    await house.line.execute(b"ZADD", LIST, "1000", "acme:never")
    for at, left in ((1060.0, 1), (9000.0, 0)):
        await Effects(sessions, house.line, Heard(), metrics, lambda at=at: at).sweep()  # type: ignore[misc]  # mypy does not infer a default's type
        assert await house.line.execute(b"ZCARD", LIST) == left
