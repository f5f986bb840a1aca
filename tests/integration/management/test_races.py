"""What callers do at the same moment, at several replicas, leaves rows that agree, and no fault."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence

import asyncpg
import msgspec
import pytest

from libs.common.flow.model import Json
from services.management.store import Store
from tests.integration.management.conftest import GRAPH, Api, Reply, Start, refused
from tests.integration.management.people import USERS, made
from tests.patience import until

FLOWS = "/api/admin/flows"
BINDINGS = "/api/v3/flows/bindings/"
YAML = "application/yaml"
OURS: Json = {
    "gatehouse": 1,
    "flow": {"name": "sign-in", "display_name": "Sign in", "type": "login", "graph": GRAPH},
}


@pytest.fixture
async def replicas(start: Start) -> Sequence[Api]:
    return [await start() for _ in range(2)]


async def at_once(calls: Sequence[Awaitable[Reply]]) -> Counter[int]:
    """Make all of these calls, and count what they answer."""
    return Counter(reply.status for reply in await asyncio.gather(*calls))


def blueprint(*slugs: str) -> bytes:
    """Write one of a sign-in by each of these slugs."""
    entry = """
  - model: authentik_flows.flow
    identifiers: {{slug: {slug}}}
    attrs: {{name: {slug}, designation: authentication}}"""
    return f"version: 1\nentries:{''.join(entry.format(slug=slug) for slug in slugs)}\n".encode()


async def load(api: Api, data: bytes, query: str = "") -> Reply:
    return await api.call(
        "POST", f"{FLOWS}/import{query}", data=data, headers={"Content-Type": YAML}
    )


async def test_of_one_file_that_is_imported_twice_at_once_the_second_replaces_the_first(
    replicas: Sequence[Api], rows: asyncpg.Connection
) -> None:
    one, other = replicas
    files = [blueprint("one", "two"), blueprint("two", "one")]
    assert await at_once([load(api, file) for api in replicas for file in 2 * files]) == {200: 8}
    document = msgspec.json.encode(OURS)
    assert await at_once([load(api, document, "?replace=true") for api in 4 * [one, other]]) == {
        201: 1,
        200: 7,
    }
    made = await rows.fetch("SELECT name, version FROM flows ORDER BY name")
    assert [tuple(row) for row in made] == [("one", 1), ("sign-in", 1), ("two", 1)]


async def test_who_renames_a_flow_and_who_imports_it_do_not_wait_for_each_other(
    replicas: Sequence[Api], rows: asyncpg.Connection
) -> None:
    one, other = replicas
    between, last = [await one.create(name=slug) for slug in ("between", "last")]
    async with rows.transaction():
        # So that the import has taken a name when somebody else wants it, and has yet to come to
        # the flow that they have.
        await rows.execute("SELECT FROM flows WHERE id = $1 FOR UPDATE", between)
        importing = asyncio.create_task(load(one, blueprint("a", "between", "last")))
        await are_waiting(rows, 1)
        renaming = asyncio.create_task(other.call("PUT", f"{FLOWS}/{last}", {"name": "a"}))
        await are_waiting(rows, 2)
    assert [(await each).status for each in (importing, renaming)] == [200, 409]


async def test_of_two_who_say_at_once_what_a_binding_holds_the_later_is_heard(
    replicas: Sequence[Api], rows: asyncpg.Connection
) -> None:
    one, other = replicas
    flow = await one.create()
    listed = await one.done("GET", BINDINGS)
    first, second = sorted(listed["results"], key=lambda each: each["order"])
    path = f"{BINDINGS}{first['pk']}/"
    async with rows.transaction():
        # So that both have read how it was when the first writes.
        await rows.execute("SELECT FROM flows WHERE id = $1 FOR UPDATE", flow)
        away = asyncio.create_task(one.call("PATCH", path, {"stage": second["stage"]}))
        await are_waiting(rows, 1)
        back = asyncio.create_task(other.call("PATCH", path, {"stage": first["stage"]}))
        await are_waiting(rows, 2)
    assert (await away).body["stage"] == second["stage"]
    assert (await back).body["stage"] == first["stage"]


async def test_of_two_who_change_how_a_flow_looks_at_once_both_are_heard(
    replicas: Sequence[Api], rows: asyncpg.Connection
) -> None:
    flow = await replicas[0].create()
    path = "/api/v3/flows/instances/sign-in/"
    changes: list[Json] = [{"background": "/sea.png"}, {"layout": "sidebar_left"}]
    calls = []
    async with rows.transaction():
        # So that both have read how it was when the first writes.
        await rows.execute("SELECT FROM flows WHERE id = $1 FOR UPDATE", flow)
        for api, change in zip(replicas, changes, strict=True):
            calls.append(asyncio.create_task(api.call("PATCH", path, change)))
            await are_waiting(rows, len(calls))
    assert [(await call).status for call in calls] == [200, 200]
    shown = await replicas[0].done("GET", path)
    assert (shown["background"], shown["layout"]) == ("/sea.png", "sidebar_left")


async def test_users_who_swap_names_at_once_are_refused_and_keep_theirs(
    start: Start, rows: asyncpg.Connection
) -> None:
    await rows.execute(
        f"ALTER DATABASE {await rows.fetchval('SELECT current_database()')}"
        " SET deadlock_timeout = '20ms'"
    )
    api = await start()
    ada, ben = [await made(api, email=None, phone=None, username=each) for each in ("ada", "ben")]
    async with rows.transaction():
        # So that Ada has been called otherwise, and not yet Ben's name, when Ben wants hers.
        await rows.execute(
            "INSERT INTO users (id, tenant, creation_key, email)"
            " VALUES (gen_random_uuid(), 'default', gen_random_uuid(), 'a@example.com')"
        )
        calls = []
        for user, wanted in (
            (ada, {"username": "ben", "email": "a@example.com"}),
            (ben, {"username": "ada"}),
        ):
            changing = api.call("PATCH", f"{USERS}/{user['id']}", wanted)
            calls.append(asyncio.create_task(changing))
            await are_waiting(rows, len(calls))
        await rows.execute("DELETE FROM users WHERE email = 'a@example.com'")
    for call in calls:
        refused(await call, 409, "conflict")
    assert {row["username"] for row in await rows.fetch("SELECT username FROM users")} == {
        "ada",
        "ben",
    }


async def test_replicas_that_make_the_same_tenants_do_not_wait_for_each_other(
    database: str, rows: asyncpg.Connection
) -> None:
    async with asyncpg.create_pool(database, min_size=2, max_size=2) as pool:
        store = Store(pool)
        async with rows.transaction():
            await rows.execute("INSERT INTO tenants (name) VALUES ('m')")
            made = [
                asyncio.create_task(store.add_tenants(names))
                for names in (("a", "m", "z"), ("z", "m", "a"))
            ]
            await are_waiting(rows, len(made))
        await asyncio.gather(*made)
    assert await rows.fetchval("SELECT count(*) FROM tenants") == 3


async def are_waiting(rows: asyncpg.Connection, many: int) -> None:
    """Return once so many wait for what somebody else holds."""

    async def counted() -> bool:
        # The view would show the same again within a transaction.
        await rows.execute("SELECT pg_stat_clear_snapshot()")
        waiting: int = await rows.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return waiting >= many

    await until(counted)
