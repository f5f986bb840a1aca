"""`ETag`, `If-Match` and `If-None-Match`: nobody overwrites what they have not seen."""

import asyncio

import asyncpg
import pytest

from libs.common.flow.model import Json
from tests.integration.management.conftest import GRAPH, Api, CompilerStandIn, Reply, refused
from tests.integration.management.graphs import EDITED

FLOWS = "/api/admin/flows"
INVARIANTS = "/api/admin/tenants/default/invariants"
INVARIANT: Json = {"name": "two factors", "type": "login", "require": "size(factors) >= 2"}


async def on(
    api: Api, tag: str, method: str, path: str, json: Json = None, *, header: str = "If-Match"
) -> Reply:
    return await api.call(method, path, json, headers={header: tag})


async def tag_of(api: Api, path: str) -> str:
    tag: str = (await api.call("GET", path)).headers["ETag"]
    return tag


async def test_who_knows_a_flow_as_it_is_is_not_sent_it_again(api: Api) -> None:
    path = f"{FLOWS}/{await api.create()}"
    tag = await tag_of(api, path)
    reply = await on(api, tag, "GET", path, header="If-None-Match")
    assert (reply.status, reply.text, reply.headers["ETag"]) == (304, "", tag)
    reply = await on(api, '"other"', "GET", path, header="If-None-Match")
    assert (reply.status, reply.headers["ETag"]) == (200, tag)
    refused(await on(api, '"other"', "GET", path), 412, "stale")


async def test_every_change_that_can_be_seen_makes_another_tag(
    api: Api, compiler: CompilerStandIn
) -> None:
    path = f"{FLOWS}/{await api.create()}"
    seen = [await tag_of(api, path)]
    for method, below, json in (
        ("PUT", "", {"display_name": "Other"}),
        ("PUT", "", {"graph": EDITED}),
        ("POST", "/activate", None),
        ("POST", "/compile", None),
        ("PUT", "/rollout", {"versions": [{"version": n, "weight": 1} for n in (1, 2)]}),
        ("POST", "/deactivate", None),
    ):
        await api.done(method, path + below, json)
        seen.append(await tag_of(api, path))
    assert len(set(seen)) == len(seen)


async def test_an_update_answers_the_tag_of_what_it_made(api: Api) -> None:
    path = f"{FLOWS}/{await api.create()}"
    reply = await api.call("PUT", path, {"graph": EDITED})
    assert reply.headers["ETag"] == await tag_of(api, path)
    again = await api.call("PUT", path, {"graph": EDITED})
    assert again.headers["ETag"] == reply.headers["ETag"]


async def test_a_new_flow_is_answered_with_its_tag(api: Api) -> None:
    flow = {"name": "a", "display_name": "A", "type": "login", "graph": GRAPH}
    reply = await api.call("POST", FLOWS, flow)
    assert reply.headers["ETag"] == await tag_of(api, f"{FLOWS}/{reply.body['id']}")


@pytest.mark.parametrize(
    ("method", "below", "json"),
    [
        ("PUT", "", {"display_name": "Mine"}),
        ("DELETE", "", None),
        ("POST", "/activate", None),
        ("POST", "/deactivate", None),
        ("POST", "/rollback", {"version": 1}),
        ("PUT", "/rollout", {"versions": [{"version": 1, "weight": 1}]}),
    ],
)
async def test_a_flow_that_was_changed_since_is_left_as_it_is(
    api: Api, rows: asyncpg.Connection, method: str, below: str, json: Json
) -> None:
    path = f"{FLOWS}/{await api.create()}"
    await api.done("POST", f"{path}/activate")
    seen = await tag_of(api, path)
    await api.done("PUT", path, {"display_name": "Theirs"})
    before = await api.done("GET", path)
    refused(await on(api, seen, method, path + below, json), 412, "stale")
    assert await api.done("GET", path) == before
    reply = await on(api, await tag_of(api, path), method, path + below, json)
    assert reply.status in {200, 204}


async def test_of_two_who_saw_the_same_one_changes_it(api: Api) -> None:
    path = f"{FLOWS}/{await api.create()}"
    tag = await tag_of(api, path)
    replies = await asyncio.gather(
        *(on(api, tag, "PUT", path, {"display_name": str(n)}) for n in range(8))
    )
    assert sorted(reply.status for reply in replies) == [200] + 7 * [412]


async def test_a_version_has_a_tag_of_its_own(api: Api) -> None:
    path = f"{FLOWS}/{await api.create()}"
    await api.done("PUT", path, {"graph": EDITED})
    first = await tag_of(api, f"{path}/versions/1")
    assert first != await tag_of(api, f"{path}/versions/2")
    await api.done("POST", f"{path}/activate")
    assert first != await tag_of(api, f"{path}/versions/1")


async def test_golden_tests_are_changed_by_who_saw_them(api: Api) -> None:
    path = f"{FLOWS}/{await api.create()}/golden"
    test: Json = {"expect": {"path": ["start"]}}
    made = await on(api, "*", "PUT", f"{path}/a", test, header="If-None-Match")
    assert made.status == 201
    refused(await on(api, "*", "PUT", f"{path}/a", test, header="If-None-Match"), 412, "stale")
    refused(await on(api, "*", "PUT", f"{path}/b", test), 412, "stale")
    one, all_of_them = await tag_of(api, f"{path}/a"), await tag_of(api, path)
    assert made.headers["ETag"] == one
    await api.done("PUT", f"{path}/a", {"expect": {"path": ["success"]}})
    refused(await on(api, one, "DELETE", f"{path}/a"), 412, "stale")
    refused(await on(api, all_of_them, "PUT", path, {"tests": []}), 412, "stale")
    refused(await on(api, all_of_them, "DELETE", path), 412, "stale")
    assert (await on(api, await tag_of(api, path), "DELETE", path)).status == 204


async def test_the_order_of_candidates_is_changed_by_who_saw_it(api: Api) -> None:
    path = "/api/admin/candidates/login"
    ids = [await api.create(name=name) for name in ("a", "b")]
    for id in ids:
        await api.done("POST", f"{FLOWS}/{id}/activate")
    seen = await tag_of(api, path)
    reply = await on(api, seen, "PUT", path, {"flows": ids})
    assert reply.headers["ETag"] == await tag_of(api, path)
    refused(await on(api, seen, "PUT", path, {"flows": ids}), 412, "stale")


async def test_invariants_are_changed_by_who_saw_them_and_what_breaks_them(api: Api) -> None:
    seen = await tag_of(api, INVARIANTS)
    reply = await on(api, seen, "PUT", INVARIANTS, [INVARIANT])
    assert (reply.status, reply.headers["ETag"]) == (200, await tag_of(api, INVARIANTS))
    refused(await on(api, seen, "PUT", INVARIANTS, []), 412, "stale")


async def test_what_holds_no_tags_is_refused(api: Api) -> None:
    reply = await on(api, "0a1b", "PUT", f"{FLOWS}/{await api.create()}", {})
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == ["If-Match"]
