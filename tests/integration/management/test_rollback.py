"""Going back: a new version like an old one, which runs at once."""

import asyncpg
import pytest

from libs.common.flow.model import Json
from libs.common.wire.events import PUBLISH
from tests.integration.management.conftest import GRAPH, INVALID, Api, CompilerStandIn, refused
from tests.integration.management.graphs import ASIDE, EDITED, FLOWS, active, edit
from tests.integration.management.test_activation import candidates, generation


async def activate(api: Api, id: str, graph: Json) -> None:
    await edit(api, id, graph)
    await api.done("POST", f"{FLOWS}/{id}/activate")


async def test_going_back_runs_the_version_that_was_active_before_as_a_new_one(
    api: Api, compiler: CompilerStandIn, rows: asyncpg.Connection
) -> None:
    id = await active(api, "a", authentication="require_superuser")
    await activate(api, id, EDITED)
    compiler.asked.clear()
    body = await api.done("POST", f"{FLOWS}/{id}/rollback")
    at = body.pop("activated_at")
    assert body == {"id": id, "status": "active", "version": 3, "copied": 1}
    assert await candidates(rows) == [(id, 3)]
    assert await generation(rows) == 3
    assert compiler.asked == [(PUBLISH, {"tenant": "default", "type": "login"})]
    shown = await api.done("GET", f"{FLOWS}/{id}/versions/3")
    assert (shown["graph"], shown["authentication"]) == (GRAPH, "require_superuser")
    assert (shown["note"], shown["author"]) == ("Rolled back to version 1", "tester")
    assert shown["created_at"] == at


async def test_a_version_to_go_back_to_can_be_named_and_a_reason_given(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await api.create()
    await edit(api, id, EDITED, GRAPH)
    await api.done("POST", f"{FLOWS}/{id}/activate")
    body = {"version": 2, "note": "3 loses people"}
    assert (await api.done("POST", f"{FLOWS}/{id}/rollback", body))["copied"] == 2
    shown = await api.done("GET", f"{FLOWS}/{id}/versions/4")
    assert (shown["note"], shown["graph"]) == ("3 loses people", EDITED)
    assert await candidates(rows) == [(id, 4)]


async def test_going_back_twice_is_going_forth_again(api: Api) -> None:
    id = await active(api, "a")
    await activate(api, id, EDITED)
    copied = [(await api.done("POST", f"{FLOWS}/{id}/rollback"))["copied"] for _ in range(3)]
    assert copied == [1, 2, 3]


async def test_going_back_after_a_pause_finds_what_ran_before_it(api: Api) -> None:
    id = await active(api, "a")
    await api.done("POST", f"{FLOWS}/{id}/deactivate")
    await activate(api, id, EDITED)
    assert (await api.done("POST", f"{FLOWS}/{id}/rollback"))["copied"] == 1


async def test_going_back_during_a_rollout_is_to_its_baseline_and_ends_it(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await active(api, "a")
    await activate(api, id, EDITED)
    await edit(api, id, GRAPH)
    shares = {"versions": [{"version": 3, "weight": 1}, {"version": 2, "weight": 9}]}
    await api.done("PUT", f"{FLOWS}/{id}/rollout", shares)
    assert (await api.done("POST", f"{FLOWS}/{id}/rollback"))["copied"] == 2
    assert await candidates(rows) == [(id, 4)]
    assert await rows.fetchval("SELECT rollout FROM flows") is None


async def test_a_flow_that_is_not_active_stays_so(api: Api, rows: asyncpg.Connection) -> None:
    id = await api.create()
    await edit(api, id, EDITED)
    body = await api.done("POST", f"{FLOWS}/{id}/rollback", {"version": 1})
    assert body == {"id": id, "status": "draft", "version": 3, "copied": 1}
    assert await candidates(rows) == []
    assert await generation(rows) is None


async def test_what_there_is_no_way_back_to_has_to_be_named(api: Api) -> None:
    id = await api.create()
    reply = await api.call("POST", f"{FLOWS}/{id}/rollback")
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == ["version"]
    await api.done("POST", f"{FLOWS}/{id}/activate")
    refused(await api.call("POST", f"{FLOWS}/{id}/rollback"), 409, "conflict")


async def test_no_version_is_made_of_one_that_cannot_run(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await api.create(graph=INVALID)
    await activate(api, id, GRAPH)
    reply = await api.call("POST", f"{FLOWS}/{id}/rollback", {"version": 1})
    refused(reply, 400, "invalid")
    assert {"missing_start_node"} <= {problem["code"] for problem in reply.body["problems"]}
    assert await rows.fetchval("SELECT max(number) FROM flow_versions") == 2
    assert await candidates(rows) == [(id, 2)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"version": 9}, 404),
        ({"version": 0}, 400),
        ({"version": "1"}, 400),
        ({"to": 1}, 400),
        ({"note": "x" * 501}, 400),
    ],
)
async def test_a_rollback_that_makes_no_sense_is_refused(api: Api, body: Json, status: int) -> None:
    id = await active(api, "a", graph=GRAPH)
    assert (await api.call("POST", f"{FLOWS}/{id}/rollback", body)).status == status


async def test_an_unauthenticated_version_cannot_be_gone_back_to(api: Api) -> None:
    id = await api.create(graph=ASIDE)
    await activate(api, id, GRAPH)
    reply = await api.call("POST", f"{FLOWS}/{id}/rollback", {"version": 1})
    refused(reply, 400, "invalid")
