"""What becomes of sessions, and what can be read of them."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from libs.common.chassis.seal import Keys, Unsealable
from libs.common.flow.model import FlowType
from libs.common.secret import Secret
from services.executor.sessions import FORMAT, MOVED, Sessions, Submit
from tests.integration.executor.conftest import PASSWORD, Executor, House, sealing_keys
from tests.integration.executor.graphs import LOGIN

EMAIL = "sasha@example.com"
ANY = Submit(digests=[b"digest"], step="", named=False, shape="shape")


def sessions_of(house: House, keys: str | None = None) -> Sessions:
    secret = house.settings.session_keys if keys is None else Secret(keys)
    return Sessions(house.line, Keys.parse(secret), claim=3, replay=10, forget=60, explain=60)


async def expire(house: House, flow: str) -> None:
    await house.line.execute(b"HSET", f"gh:session:{{default:{flow}}}", "x", "1")


async def everything_in_redis(house: House) -> bytes:
    """Every key and value there is."""
    client = house.line.client
    found = []
    async for key in client.scan_iter(count=1000):
        found.append(key)
        kind = await client.type(key)
        if kind == b"hash":
            found += [part for pair in (await client.hgetall(key)).items() for part in pair]
        elif kind == b"string":
            found.append(await client.get(key) or b"")
        elif kind == b"zset":
            found += await client.zrange(key, 0, -1)
        elif kind == b"list":
            found += await client.lrange(key, 0, -1)
        elif kind != b"none":  # expired since it was seen
            pytest.fail(f"nobody looked into {kind!r}")
    return b"\n".join(found)


async def test_an_expired_session_says_so_and_how_to_start_again(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    await expire(house, step.body["flowId"])
    late = await executor.answer(step, identifier=EMAIL)
    assert (late.status, late.body["code"], late.body["flowType"]) == (410, "FE-41001", "LOGIN")


async def test_an_unknown_session_is_not_found(executor: Executor) -> None:
    for flow in ("5f31ce20-872d-4334-8f9f-3572710dbc57", "anything", "../../etc"):
        reply = await executor.answer(flow, identifier=EMAIL)
        assert (reply.status, reply.body["code"]) == (404, "FE-40401")


async def test_a_session_is_another_tenants_nothing(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    reply = await executor.post(
        "/t/acme/flow/execute", flowId=step.body["flowId"], inputs={"identifier": EMAIL}
    )
    assert reply.status == 404


async def test_a_session_goes_on_with_the_plan_that_it_began_with(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    await house.publish(LOGIN, version=2)
    fresh = await house.executor()
    done = await fresh.answer(step, password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"


async def test_idleness_ends_a_session_before_its_lifetime_does(house: House) -> None:
    executor = await house.executor(idle_minutes=1, login_minutes=60)
    await house.publish(LOGIN)
    step = await executor.start()
    key = f"gh:session:{{default:{step.body['flowId']}}}"
    told, ends = await asyncio.gather(*(house.line.execute(b"HGET", key, f) for f in "tx"))
    assert isinstance(told, bytes)
    assert isinstance(ends, bytes)
    assert int(ends) - int(told) == 60_000


async def test_what_is_stored_opens_for_nobody_else(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    flow = step.body["flowId"]
    sessions = sessions_of(house)
    mine = sessions.handle("default", flow)
    reply = await sessions.ask(mine, ANY)
    for tenant, session in (("acme", flow), ("default", "another")):
        with pytest.raises(Unsealable):
            sessions.read(sessions.handle(tenant, session), reply)
    strangers = sessions_of(house, sealing_keys("a"))
    with pytest.raises(Unsealable):
        strangers.read(strangers.handle("default", flow), reply)
    found = sessions.read(mine, reply)
    assert found.standing == "claimed"
    assert found.session is not None
    assert found.session.type is FlowType.LOGIN


async def test_a_session_of_a_newer_type_is_left_to_a_newer_release(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    key = f"gh:session:{{default:{step.body['flowId']}}}"
    await house.line.execute(b"HSET", key, "f", "SOMETHING_NEW")
    refused = await executor.answer(step, identifier=EMAIL)
    assert (refused.status, refused.body["code"]) == (503, "FE-50301")
    await house.line.execute(b"HSET", key, "f", FlowType.LOGIN.value)
    assert (await executor.answer(step, identifier=EMAIL)).status == 200


@pytest.mark.parametrize(
    "stored", [bytes((MOVED + 1,)), bytes((FORMAT,)) + msgspec.msgpack.encode(["something else"])]
)
async def test_a_session_in_another_shape_is_left_to_a_newer_release(
    house: House, executor: Executor, stored: bytes
) -> None:
    await house.publish(LOGIN)
    flow = (await executor.start()).body["flowId"]
    box = Keys.parse(house.settings.session_keys).box("default", flow)
    key = f"gh:session:{{default:{flow}}}"
    await house.line.execute(b"HSET", key, "b", box.seal(b"session", stored))
    refused = await executor.answer(flow, identifier=EMAIL)
    assert (refused.status, refused.body["code"]) == (503, "FE-50301")


async def test_a_key_is_rotated_while_sessions_run(house: House) -> None:
    old, new = sealing_keys("old"), sealing_keys("new")
    await house.publish(LOGIN)
    await house.person(EMAIL)
    before = await house.executor(session_keys=Secret(old))
    during = await house.executor(session_keys=Secret(f"{old},{new}"))
    after = await house.executor(session_keys=Secret(f"{new},{old}"))
    at_password = await before.at_password(EMAIL)
    wrong = await after.answer(at_password, password="wrong")
    assert wrong.data["messages"]
    # A repeat is known as one, whichever key its digest was made with.
    assert (await during.answer(at_password, password="wrong")).body == wrong.body
    done = await during.answer(at_password, password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"


async def test_no_secret_and_nothing_of_the_users_is_in_redis_or_the_log(house: House) -> None:
    executor = await house.executor()
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    await executor.answer(step, password="a wrong one")
    done = await executor.answer(step, password=PASSWORD)
    stored = await everything_in_redis(house)
    assert step.body["flowId"].encode() in stored
    log = executor.logged()
    assert log.count(b'"event":"request"') >= 4
    for secret in (PASSWORD, "a wrong one", EMAIL, done.data["userAssertion"]):
        assert secret.encode() not in stored
        assert secret.encode() not in log
    assert step.body["flowId"].encode() not in log
