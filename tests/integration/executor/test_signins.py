"""Sign-ins: what stands, who may ask, and what ends them (RFC 7662, decision 0031)."""

from __future__ import annotations

import asyncio
import uuid
from itertools import pairwise
from typing import Any

import jwt
import pytest

from libs.common.flow.model import FlowType
from libs.common.secret import Secret
from tests.integration.executor.candidates import lead_to, shown
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House, Reply, signing_key
from tests.integration.executor.graphs import IDENTIFIER, START, SUCCESS, graph
from tests.integration.executor.graphs import PASSWORD as ASKS_PASSWORD
from tests.integration.executor.signing_in import (
    EMAIL,
    INACTIVE,
    backend,
    basic,
    bearing,
    claims_of,
    sign_in,
)
from tests.patience import until

ANOTHER = "another battery, another staple"

LOGOUT = graph(
    [START, {"id": "out", "type": "user_logout"}, SUCCESS], [("start", "out"), ("out", "success")]
)
LEAVE = graph(
    [START, {"id": "gone", "type": "user_delete"}, SUCCESS],
    [("start", "gone"), ("gone", "success")],
)
CHANGE = graph(
    [
        START,
        {"id": "new", "type": "password_setup"},
        {"id": "write", "type": "user_write"},
        SUCCESS,
    ],
    [("start", "new"), ("new", "write"), ("write", "success")],
)


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    """On one Redis: nothing here depends on which."""
    return await build_house(redis_url)


async def test_a_server_is_told_what_an_assertion_is_worth(house: House) -> None:
    executor = await house.executor()
    account, _ = await house.person(EMAIL)
    token = await sign_in(house, executor)
    claims = claims_of(token)
    server = await backend(house, executor)
    status, told = await server.asks(token)
    assert (status, told) == (200, {"active": True, **claims})
    assert (claims["sub"], claims["amr"], claims["acr"]) == (account, ["pwd"], "aal1")
    status, told = await server.asks(claims["sid"], "sid")
    ends = told.pop("exp")
    assert ends > claims["auth_time"] + 11 * 3600
    kept = {name: claims[name] for name in ("sub", "sid", "iss", "auth_time", "amr", "acr")}
    assert (status, told) == (200, {"active": True, **kept})


async def test_of_what_is_not_right_nothing_else_is_told(house: House) -> None:
    executor = await house.executor()
    await house.person(EMAIL)
    token = await sign_in(house, executor)
    sid = claims_of(token)["sid"]
    server = await backend(house, executor)
    for asked in (
        server.asks("nonsense"),
        server.asks("\0"),
        server.asks(token[:-4] + "AAAA"),
        # A `sid` is no secret, so it is a token for nobody who does not say that it is one.
        server.asks(sid),
        server.asks(sid, "access_token"),
        server.asks(token, "sid"),
        server.asks("0" * 32, "sid"),
        server.asks("\0", "sid"),
        # Another tenant's.
        server.asks(token, path="/t/acme/introspect"),
        server.asks(sid, "sid", path="/t/acme/introspect"),
    ):
        assert await asked == INACTIVE
    assert (await server.asks(token, "whatever"))[1]["active"] is True


async def test_only_a_client_that_may_is_told_anything(house: House) -> None:
    executor = await house.executor()
    await house.person(EMAIL)
    token = await sign_in(house, executor)
    server = await backend(house, executor, tenant="default")
    stranger = await backend(house, executor, tenant="acme")
    reader = await backend(house, executor, "read:users")
    form = {"token": token}
    known = {**form, "client_id": server.id, "client_secret": server.secret}
    assert (await server.posts(known)).status == 200
    refusals = [
        await server.posts(form, basic(server.id, "wrong")),
        await server.posts(form, basic("0" * 32, server.secret)),
        await server.posts(form, basic("\0", server.secret)),
        await stranger.posts(form, basic(stranger.id, stranger.secret)),
        await server.posts(form, basic(server.id, server.secret), "/t/acme/introspect"),
    ]
    assert {each.status for each in refusals} == {401}
    assert all(each.body == refusals[0].body for each in refusals)
    assert refusals[0].body["error"] == "invalid_client"
    assert refusals[0].headers["WWW-Authenticate"].startswith("Basic")
    mine = basic(server.id, server.secret)
    assert (await server.posts(form)).status == 401
    assert (await reader.asks(token))[0] == 403
    assert (await server.posts({}, mine)).status == 400
    assert (await server.posts(known, mine)).status == 400
    assert (await server.posts(b"{}", mine)).status == 415
    assert token.encode() not in executor.logged()


async def test_who_asks_without_end_is_told_to_wait(house: House) -> None:
    executor = await house.executor(introspect_burst=1, introspect_rate=0.001)
    server = await backend(house, executor)
    assert await server.asks("nonsense") == INACTIVE
    refused = await server.posts({"token": "x"}, basic(server.id, server.secret))
    assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (429, True)


async def test_a_logout_at_one_executor_is_known_at_the_other(house: House) -> None:
    one, other = await house.executor(), await house.executor()
    await house.person(EMAIL)
    token, left = await sign_in(house, one), await sign_in(house, one)
    await house.publish(LOGOUT, FlowType.LOGOUT)
    server = await backend(house, one)
    done = await other.post(headers=bearing(token), flowType="LOGOUT")
    assert done.body["flowStatus"] == "COMPLETE"
    assert await server.asks(token) == INACTIVE
    assert await server.asks(claims_of(token)["sid"], "sid") == INACTIVE
    # It was one sign-in of theirs, not all.
    assert (await server.asks(left))[1]["active"] is True
    # Nor does the assertion open anything any more.
    await lead_to(house, "guarded", authentication="require_authenticated")
    assert (await start(one, token)).status == 401
    assert shown(await start(one, left)) == "guarded"


async def start(executor: Executor, token: str, kind: str = "MFA_SETUP") -> Reply:
    return await executor.post(headers=bearing(token), flowType=kind)


async def test_a_late_assertion_ends_its_sign_in_and_does_nothing_else(house: House) -> None:
    # Its assertions are late at once: they last less than clocks may be apart.
    executor = await house.executor(assertion_seconds=-10)
    account, _ = await house.person(EMAIL)
    token = await sign_in(house, executor)
    server = await backend(house, executor)
    sid = claims_of(token)["sid"]
    assert await server.asks(token) == INACTIVE
    assert (await server.asks(sid, "sid"))[1]["active"] is True
    await lead_to(house, "open")
    assert (await start(executor, token)).status == 401
    # Whatever else a logout does, it is not done for who may have stolen it.
    await house.publish(LEAVE, FlowType.LOGOUT)
    assert (await start(executor, token, "LOGOUT")).body["flowStatus"] == "ERROR"
    assert await house.directory.load("default", account) is not None
    await house.publish(LOGOUT, FlowType.LOGOUT, version=2)
    assert (await start(executor, token, "LOGOUT")).body["flowStatus"] == "COMPLETE"
    assert await server.asks(sid, "sid") == INACTIVE
    assert (await start(executor, token, "LOGOUT")).status == 401


async def test_another_password_signs_out_whoever_else_is_signed_in(house: House) -> None:
    executor = await house.executor()
    await house.person(EMAIL)
    mine, other = await sign_in(house, executor), await sign_in(house, executor)
    await house.publish(CHANGE, FlowType.PASSWORD_RESET)
    step = await start(executor, mine, "PASSWORD_RECOVERY")
    done = await executor.answer(step, password=ANOTHER, confirmation=ANOTHER)
    assert done.body["flowStatus"] == "COMPLETE"
    server = await backend(house, executor)
    assert (await server.asks(mine))[1]["active"] is True
    assert await server.asks(other) == INACTIVE


async def test_a_deleted_account_is_signed_in_nowhere(house: House) -> None:
    executor = await house.executor()
    await house.person(EMAIL)
    mine, other = await sign_in(house, executor), await sign_in(house, executor)
    await house.publish(LEAVE, FlowType.UNENROLLMENT)
    assert (await start(executor, mine, "UNENROLLMENT")).body["flowStatus"] == "COMPLETE"
    server = await backend(house, executor)
    for token in (mine, other):
        assert await server.asks(token) == INACTIVE
    left = "SELECT count(*) FROM sign_ins WHERE ended_at IS NULL"
    assert await house.pool.fetchval(left) == 0


async def block(house: House, account: str, *, blocked: bool) -> None:
    await house.pool.execute("UPDATE users SET blocked = $2 WHERE id = $1", account, blocked)


async def test_nobody_is_signed_in_as_who_is_blocked(house: House) -> None:
    executor = await house.executor()
    await house.person(EMAIL)
    token = await sign_in(house, executor)
    server = await backend(house, executor)
    field = {"name": "nick", "type": "text", "label": "Nick"}
    prompt = {"id": "more", "type": "prompt", "config": {"fields": [field]}}
    row: list[dict[str, Any]] = [START, IDENTIFIER, ASKS_PASSWORD, prompt, SUCCESS]
    await house.publish(graph(row, list(pairwise(each["id"] for each in row))), version=2)
    step = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    await house.pool.execute("UPDATE users SET blocked = true")
    assert await server.asks(token) == INACTIVE
    # Nor is who has proved all by then.
    done = await executor.answer(step, nick="Sasha")
    assert (done.body["flowStatus"], "userAssertion" in done.data) == ("ERROR", False)
    assert await house.pool.fetchval("SELECT count(*) FROM sign_ins") == 1


async def test_who_is_blocked_at_the_same_moment_is_signed_in_nowhere(house: House) -> None:
    account, _ = await house.person(EMAIL)
    async with house.pool.acquire() as other, other.transaction():
        # As who manages users does.
        await other.execute("UPDATE users SET blocked = true")
        await other.execute("UPDATE sign_ins SET ended_at = now()")
        keeping = asyncio.create_task(keep(house, 32 * "a", account=account))

        async def is_waiting() -> bool:
            blocked: int = await house.pool.fetchval(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return blocked > 0 or keeping.done()

        await until(is_waiting)
    assert not await keeping
    assert await house.sign_ins.find("default", 32 * "a") is None


async def keep(house: House, sid: str, *amr: str, account: str = str(uuid.UUID(int=0))) -> bool:
    return await house.sign_ins.keep(
        "default", sid, account, auth_time=7, amr=amr or ("pwd",), acr="aal1"
    )


async def test_a_sign_in_ends_by_itself_and_is_then_forgotten(house: House) -> None:
    sid = uuid.uuid4().hex
    assert await keep(house, sid)
    # More than one statement forgets.
    await house.pool.execute(
        "INSERT INTO sign_ins (tenant, sid, account, auth_time, amr, acr, ends_at)"
        " SELECT tenant, n, account, auth_time, amr, acr, ends_at"
        " FROM sign_ins, generate_series(1, 2000) AS n"
    )
    await house.pool.execute("UPDATE sign_ins SET ends_at = now() - interval '1 s'")
    assert await house.sign_ins.find("default", sid) is None
    stands = uuid.uuid4().hex
    assert await keep(house, stands)
    await house.sign_ins.forget()
    assert await house.pool.fetchval("SELECT array_agg(sid) FROM sign_ins") == [stands]


async def minutes_left(house: House) -> int | None:
    """Return for how long the one sign-in may be idle."""
    sql = "SELECT (extract(epoch FROM idle_until - now()) / 60)::int FROM sign_ins"
    left: int | None = await house.pool.fetchval(sql)
    return left


async def test_a_sign_in_that_no_server_asks_about_ends_where_that_is_wanted(house: House) -> None:
    executor = await house.executor(sign_in_idle_minutes=30)
    await house.person(EMAIL)
    token = await sign_in(house, executor)
    sid = claims_of(token)["sid"]
    server = await backend(house, executor)
    assert await minutes_left(house) == 30
    for asks in ((sid, "sid"), (token, None)):
        await house.pool.execute("UPDATE sign_ins SET idle_until = now() + interval '20 min'")
        assert (await server.asks(*asks))[1]["active"] is True
        assert await minutes_left(house) == 30
    # No write for each that asks.
    await house.pool.execute("UPDATE sign_ins SET idle_until = now() + interval '28 min'")
    told = (await server.asks(sid, "sid"))[1]
    assert await minutes_left(house) == 28
    assert told["exp"] < claims_of(token)["iat"] + 30 * 60
    await house.pool.execute("UPDATE sign_ins SET idle_until = now() - interval '1 s'")
    for asks in ((sid, "sid"), (token, None)):
        assert (await server.asks(*asks))[1] == {"active": False}
    assert await house.sign_ins.find("default", sid) is None


async def test_a_sign_in_may_be_idle_for_as_long_as_it_stands_unless_somebody_says_so(
    house: House,
) -> None:
    executor = await house.executor()
    await house.person(EMAIL)
    token = await sign_in(house, executor)
    server = await backend(house, executor)
    assert (await server.asks(token))[1]["active"] is True
    assert await minutes_left(house) is None


async def test_a_turn_that_is_run_again_begins_nothing_that_was_ended(house: House) -> None:
    sid = uuid.uuid4().hex
    assert await keep(house, sid)
    assert await keep(house, sid, "pwd", "otp")
    found = await house.sign_ins.find("default", sid)
    assert found is not None
    assert found.amr == ("pwd", "otp")
    await house.sign_ins.end("default", sid)
    assert not await keep(house, sid)
    assert await house.sign_ins.find("default", sid) is None


async def test_sign_ins_outlive_redis(house: House) -> None:
    executor = await house.executor()
    await house.person(EMAIL)
    token = await sign_in(house, executor)
    server = await backend(house, executor)
    await house.line.client.flushall()
    assert (await server.asks(token))[1]["active"] is True


async def test_a_key_is_rotated_while_people_are_signed_in(house: House) -> None:
    """First the new key is published, then it signs, and at last the old one is taken out."""
    old, new = signing_key(), signing_key()
    await house.person(EMAIL)
    before = await house.executor(assertion_keys=Secret(old + new))
    during = await house.executor(assertion_keys=Secret(new + old))
    after = await house.executor(assertion_keys=Secret(new))
    first, second = await sign_in(house, before), await sign_in(house, during)
    assert len({jwt.get_unverified_header(token)["kid"] for token in (first, second)}) == 2
    # As they are replaced one by one, each believes what the others sign.
    for executor, believed in ((before, True), (during, True), (after, False)):
        server = await backend(house, executor)
        published = jwt.PyJWKSet.from_dict(await get_keys(executor))
        for token, known in ((first, believed), (second, True)):
            assert (await server.asks(token))[1]["active"] is known
            kids = {key.key_id for key in published.keys}
            assert (jwt.get_unverified_header(token)["kid"] in kids) is known


async def get_keys(executor: Executor) -> dict[str, Any]:
    async with executor.http.get(f"{executor.url}/.well-known/jwks.json") as answer:
        keys: dict[str, Any] = await answer.json()
        return keys
