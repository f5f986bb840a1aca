"""The search for what people typed finds it, wherever it may have been left."""

from __future__ import annotations

import uuid

import asyncpg
import nats
import pytest
import redis.asyncio
import structlog

from deploy.local.server import Server
from tests.conftest import new_database
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House
from tests.integration.executor.graphs import LOGIN
from tests.kept import in_redis, in_streams
from tests.typed import TYPED, Found, Typed

log = structlog.get_logger()
"""Of this module, and kept from test to test, as those of the services are."""


@pytest.fixture
def typed() -> Typed:
    """A search of this test's own: what it finds is left here on purpose."""
    return Typed()


@pytest.fixture
def secret(typed: Typed) -> str:
    made = f"swordfish {uuid.uuid4().hex}"
    typed.request({"inputs": {"password": made}})
    return made


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    return await build_house(redis_url)


async def test_it_is_found_in_redis_in_whatever_holds_it(
    redis_url: str, typed: Typed, secret: str
) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.set("text", f"see {secret} there")
        await client.hset("map", mapping={"field": secret})
        await client.rpush("list", secret)
        await client.zadd("ranked", {secret: 1})
        await client.set(secret, "its key")
    with pytest.raises(Found) as found:
        typed.expose(0, await in_redis(redis_url), "Redis")
    assert str(found.value).count(" in Redis: ") == 5


async def leave(server: Server, secret: str) -> None:
    """Leave what was typed in a database."""
    async with new_database(server) as url:
        TYPED.note(secret)
        connection = await asyncpg.connect(url)
        await connection.execute(
            "INSERT INTO users (id, tenant, creation_key, email, attributes, password_hash) "
            "VALUES ($1, 'default', $1, 'a@example.com', '{}', $2)",
            uuid.uuid4(),
            secret,
        )
        await connection.close()


async def test_it_is_found_in_postgresql(postgres_server: Server) -> None:
    with pytest.raises(Found, match="PostgreSQL: users"):
        await leave(postgres_server, f"swordfish {uuid.uuid4().hex}")


async def test_it_is_found_in_a_stream(nats_url: str, typed: Typed, secret: str) -> None:
    connection = await nats.connect(nats_url)
    jetstream = connection.jetstream()
    await jetstream.add_stream(name="SOME", subjects=["some"])
    await jetstream.publish("some", b"", headers={"Reason": secret})
    await connection.close()
    with pytest.raises(Found, match="NATS: SOME"):
        typed.expose(0, await in_streams(nats_url), "NATS")


@pytest.mark.parametrize("number", [1, 2])
async def test_what_a_module_logs_is_heard_in_each_test(house: House, number: int) -> None:
    executor = await house.executor()
    said = f"heard_{number}_{uuid.uuid4().hex}"
    log.info(said)
    assert said.encode() in executor.logged()


async def test_what_is_typed_and_shown_in_a_flow_is_looked_for(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    await house.person("sasha@example.com")
    mark = TYPED.mark()
    step = await executor.at_password("sasha@example.com")
    assert TYPED.since(mark) == []
    done = await executor.answer(step, password=PASSWORD)
    assert TYPED.since(mark) == [PASSWORD.encode(), done.data["userAssertion"].encode()]
