"""Writes that are sent again: done once, whoever dies or waits in between."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from libs.common.errors import Conflict
from libs.common.flow.model import Json
from services.management.author import Author
from services.management.idempotency import Answer, Repeats, Sweep, Turn
from services.management.store import Store
from tests.integration.management.conftest import (
    FLOW,
    GRAPH,
    KEY,
    TOKENS,
    Api,
    Reply,
    refused,
    token,
)
from tests.integration.management.graphs import EDITED
from tests.patience import until

FLOWS = "/api/admin/flows"
NAMED = {"Idempotency-Key": "once"}
ONE = ("default", "tester", "once")


async def named(
    api: Api,
    method: str,
    path: str,
    json: Json = None,
    *,
    key: str = "once",
    bearer: str | None = None,
) -> Reply:
    return await api.call(method, path, json, headers={"Idempotency-Key": key}, bearer=bearer)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database) as opened:
        yield opened


@pytest.fixture
def repeats(pool: asyncpg.Pool) -> Repeats:
    return Repeats(pool, KEY)


async def begun(repeats: Repeats, *parts: bytes) -> Turn:
    turn = await repeats.begin(*ONE, repeats.digest(*parts))
    assert isinstance(turn, Turn)
    return turn


async def end_turns(rows: asyncpg.Connection) -> None:
    """Let a minute pass."""
    await rows.execute("UPDATE idempotency_keys SET runs_until = now() - interval '1 second'")


async def versions(rows: asyncpg.Connection) -> int:
    count: int = await rows.fetchval("SELECT count(*) FROM flow_versions")
    return count


async def test_the_same_write_is_answered_as_before_and_not_done_again(
    api: Api, rows: asyncpg.Connection
) -> None:
    first = await named(api, "POST", FLOWS, FLOW)
    again = await named(api, "POST", FLOWS, FLOW)
    assert (first.status, "Idempotent-Replayed" in first.headers) == (201, False)
    assert (again.status, again.text) == (first.status, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert await versions(rows) == 1


async def test_an_answer_without_a_body_is_answered_again(api: Api) -> None:
    id = await api.create()
    for _ in range(2):
        reply = await named(api, "DELETE", f"{FLOWS}/{id}")
        assert (reply.status, reply.text) == (204, "")


async def test_without_a_key_the_same_is_done_twice(api: Api, rows: asyncpg.Connection) -> None:
    id = await api.create()
    for _ in range(2):
        await api.done("POST", f"{FLOWS}/{id}/rollback", {"version": 1})
    assert await versions(rows) == 3


@pytest.mark.parametrize(
    ("method", "path", "json"),
    [
        ("POST", FLOWS, {**FLOW, "display_name": "Other"}),
        ("POST", f"{FLOWS}?other", FLOW),
        ("PUT", FLOWS + "/flow_sign_in", FLOW),
    ],
)
async def test_a_key_is_of_one_request(api: Api, method: str, path: str, json: Json) -> None:
    await named(api, "POST", FLOWS, FLOW)
    reply = await named(api, method, path, json)
    refused(reply, 409, "conflict")
    assert "another request" in reply.body["message"]
    assert "Retry-After" not in reply.headers


async def test_a_key_is_of_one_caller_in_one_tenant(api: Api) -> None:
    somebody = TOKENS.mint("somebody", ["create:flows"], tenant=None, lifetime=timedelta(minutes=5))
    assert (await named(api, "POST", FLOWS, FLOW)).status == 201
    # Their own try is done, and fails by itself.
    reply = await named(api, "POST", FLOWS, FLOW, bearer=somebody)
    assert "another flow" in reply.body["message"]
    assert (await named(api, "POST", f"/t/acme{FLOWS}", FLOW)).status == 201


async def test_a_repeat_is_let_in_like_any_other_request(api: Api) -> None:
    await named(api, "POST", FLOWS, FLOW)
    refused(await named(api, "POST", FLOWS, FLOW, bearer=""), 401, "unauthenticated")
    refused(await named(api, "POST", FLOWS, FLOW, bearer=token("read:flows")), 403, "denied")


async def test_a_refusal_is_not_kept(api: Api, rows: asyncpg.Connection) -> None:
    id = await api.create()
    refused(await named(api, "POST", f"{FLOWS}/{id}/deactivate"), 409, "conflict")
    await api.done("POST", f"{FLOWS}/{id}/activate")
    assert (await named(api, "POST", f"{FLOWS}/{id}/deactivate")).status == 200


async def test_of_equals_at_the_same_time_one_is_done(api: Api, rows: asyncpg.Connection) -> None:
    id = await api.create()
    replies = await asyncio.gather(
        *(named(api, "POST", f"{FLOWS}/{id}/rollback", {"version": 1}) for _ in range(12))
    )
    assert await versions(rows) == 2
    done = [reply for reply in replies if reply.status == 200]
    assert len({reply.text for reply in done}) == 1
    assert sum("Idempotent-Replayed" not in reply.headers for reply in done) == 1
    for reply in replies:
        if reply.status != 200:
            refused(reply, 409, "conflict")
            assert reply.headers["Retry-After"] == "1"


async def test_while_the_first_runs_the_second_hears_so(api: Api, rows: asyncpg.Connection) -> None:
    id = await api.create()
    async with rows.transaction():
        await rows.execute("SELECT FROM flows WHERE id = $1 FOR UPDATE", id)
        first = asyncio.create_task(named(api, "PUT", f"{FLOWS}/{id}", {"graph": EDITED}))
        await until(lambda: rows.fetchval("SELECT count(*) FROM idempotency_keys"))
        second = await named(api, "PUT", f"{FLOWS}/{id}", {"graph": EDITED})
        refused(second, 409, "conflict")
        assert "still runs" in second.body["message"]
        assert second.headers["Retry-After"] == "1"
    assert (await first).status == 200
    assert await versions(rows) == 2


async def test_who_dies_before_the_change_leaves_a_key_that_can_be_used_again(
    api: Api, repeats: Repeats, rows: asyncpg.Connection
) -> None:
    parts = (b"DELETE", f"{FLOWS}/{await api.create()}".encode(), b"")
    await begun(repeats, *parts)
    reply = await named(api, parts[0].decode(), parts[1].decode())
    assert "still runs" in reply.body["message"]
    await end_turns(rows)
    assert (await named(api, parts[0].decode(), parts[1].decode())).status == 204


async def test_who_was_only_slow_changes_nothing_after_another_took_over(
    api: Api, repeats: Repeats, pool: asyncpg.Pool, rows: asyncpg.Connection
) -> None:
    slow = await begun(repeats, b"same")
    await end_turns(rows)
    fast = await begun(repeats, b"same")
    store = Store(pool)
    with pytest.raises(Conflict, match="faster"):
        async with store.changing("default", Author("tester", turn=slow)) as change:
            await change.note("update", "flow_x")
    async with store.changing("default", Author("tester", turn=fast)) as change:
        await change.note("update", "flow_x")
    assert await rows.fetchval("SELECT count(*) FROM audit_log WHERE flow_id = 'flow_x'") == 1


async def test_who_dies_after_the_change_leaves_word_that_it_is_done(
    api: Api, repeats: Repeats, pool: asyncpg.Pool, rows: asyncpg.Connection
) -> None:
    turn = await begun(repeats, b"same")
    async with Store(pool).changing("default", Author("tester", turn=turn)) as change:
        await change.note("update", "flow_x")
    with pytest.raises(Conflict, match="still runs"):
        await begun(repeats, b"same")
    await end_turns(rows)
    with pytest.raises(Conflict, match="done already"):
        await begun(repeats, b"same")
    # Nor does a refusal that came after the change give the key back.
    await repeats.release(turn)
    with pytest.raises(Conflict, match="done already"):
        await begun(repeats, b"same")


async def test_a_change_that_is_taken_back_leaves_no_word(
    api: Api, repeats: Repeats, pool: asyncpg.Pool
) -> None:
    turn = await begun(repeats, b"same")
    with pytest.raises(Conflict, match="not now"):
        async with Store(pool).changing("default", Author("tester", turn=turn)):
            raise Conflict("not now")
    await repeats.release(turn)
    await begun(repeats, b"same")


async def test_an_answer_that_holds_a_secret_is_not_kept(
    api: Api, repeats: Repeats, rows: asyncpg.Connection
) -> None:
    await repeats.keep(await begun(repeats, b"same"), None)
    kept = await rows.fetchrow("SELECT status, headers, body FROM idempotency_keys")
    assert kept is not None
    assert tuple(kept) == (None, None, None)
    with pytest.raises(Conflict, match="done already"):
        await begun(repeats, b"same")


async def test_of_a_request_nothing_is_kept_that_tells_what_it_was(
    api: Api, rows: asyncpg.Connection
) -> None:
    await named(api, "POST", FLOWS, {**FLOW, "note": "swordfish"})
    kept = await rows.fetchrow("SELECT digest, headers, body FROM idempotency_keys")
    assert kept is not None
    assert b"swordfish" not in b"".join([kept["digest"], kept["headers"].encode(), kept["body"]])
    assert len(kept["digest"]) == 32


def test_a_digest_needs_the_key_and_knows_where_parts_end() -> None:
    unused: asyncpg.Pool = None  # type: ignore[assignment]  # a digest needs no database
    ours = Repeats(unused, KEY)
    assert ours.digest(b"a", b"b") == Repeats(unused, KEY).digest(b"a", b"b")
    assert ours.digest(b"a", b"b") != ours.digest(b"ab", b"")
    assert ours.digest(b"a") != Repeats(unused, type(KEY)("another key")).digest(b"a")


async def test_after_a_day_a_key_is_free_and_swept(
    api: Api, repeats: Repeats, rows: asyncpg.Connection
) -> None:
    await repeats.keep(await begun(repeats, b"same"), Answer(200, {}, b"{}"))
    old = "UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 second'"
    await rows.execute(old)
    turn = await begun(repeats, b"other")
    await repeats.keep(turn, Answer(200, {}, b"{}"))
    await repeats.forget()
    assert await repeats.begin(*ONE, repeats.digest(b"other")) == Answer(200, {}, b"{}")
    await rows.execute(old)
    sweep = Sweep(repeats)
    sweep.start()
    await until(lambda: rows.fetchval("SELECT count(*) = 0 FROM idempotency_keys"))
    await sweep.stop()


async def test_a_sweep_waits_for_nobody_who_is_about_to_use_an_old_key(
    repeats: Repeats, rows: asyncpg.Connection
) -> None:
    for key in ("used", "unused"):
        await repeats.begin("default", "tester", key, repeats.digest(b"any"))
    await rows.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    async with rows.transaction():
        await rows.execute("SELECT FROM idempotency_keys WHERE key = 'used' FOR UPDATE")
        await repeats.forget()
    assert await rows.fetchval("SELECT string_agg(key, ' ') FROM idempotency_keys") == "used"


@pytest.mark.parametrize("key", ["", "x" * 256, "ä"])
async def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    reply = await named(api, "POST", FLOWS, FLOW, key=key)
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == ["Idempotency-Key"]


async def test_what_changes_nothing_needs_no_key_and_takes_none(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await api.create(graph=GRAPH)
    for _ in range(2):
        reply = await named(api, "POST", f"{FLOWS}/{id}/validate")
        assert (reply.status, "Idempotent-Replayed" in reply.headers) == (200, False)
    assert await rows.fetchval("SELECT count(*) FROM idempotency_keys") == 0
