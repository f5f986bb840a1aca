"""Sharing new sessions among versions, and taking that back."""

import asyncio

import asyncpg
import pytest

from libs.common.flow.model import Json
from libs.common.wire.events import PUBLISH
from libs.common.wire.inspect import Count, Counted, CountWanted, Failed
from tests.integration.management.conftest import (
    GRAPH,
    INVALID,
    Api,
    CompilerStandIn,
    Start,
    refused,
)
from tests.integration.management.graphs import ASIDE, EDITED, FLOWS, active, calling, edit
from tests.integration.management.rolling import (
    entries,
    fail,
    handled,
    roll_out,
    shares,
    stored,
    two_versions,
)
from tests.integration.management.test_activation import candidates, generation
from tests.integration.management.test_outbox import emptied, told
from tests.integration.management.test_sessions import standing_in
from tests.patience import until

DEFAULT_ABORT = {"margin": 0.1, "sessions": 100}


async def test_sessions_are_shared_by_weight_and_measured_by_the_active_version(
    api: Api, compiler: CompilerStandIn, rows: asyncpg.Connection
) -> None:
    id = await two_versions(api)
    compiler.asked.clear()
    body = await roll_out(api, id, v2=10, v1=90)
    [(entry, actor, details)] = await entries(rows, "rollout")
    assert body == {
        "id": id,
        "status": "active",
        "rollout": entry,
        "baseline": 1,
        "versions": shares(v2=10, v1=90),
        "abort": DEFAULT_ABORT,
    }
    assert await api.done("GET", f"{FLOWS}/{id}/rollout") == {**body, "figures": None}
    assert await stored(rows) == {
        name: body[name] for name in ("versions", "baseline", "abort")
    } | {"id": entry}
    assert (actor, details["versions"], details["was"]) == ("tester", shares(v2=10, v1=90), 1)
    assert await candidates(rows) == [(id, 1)]
    assert await generation(rows) == 2
    assert compiler.asked == [(PUBLISH, {"tenant": "default", "type": "login"})]


async def test_a_rollout_is_shown_with_how_its_sessions_end(api: Api, nats_url: str) -> None:
    id = await two_versions(api)
    rollout = (await roll_out(api, id, v1=90, v2=10))["rollout"]
    async with standing_in(nats_url) as executor:
        executor.counted = Counted(5, (Count(1, 90, 81),))
        body = await api.done("GET", f"{FLOWS}/{id}/rollout")
        assert executor.asked == [CountWanted("default", id, rollout)]
        assert body["figures"] == {
            "under_way": 5,
            "versions": [
                {"version": 1, "ended": 90, "succeeded": 81},
                {"version": 2, "ended": 0, "succeeded": 0},
            ],
        }
        executor.counted = Failed("redis")
        assert (await api.done("GET", f"{FLOWS}/{id}/rollout"))["figures"] is None
        await roll_out(api, id, v2=1)
        executor.asked.clear()
        assert (await api.done("GET", f"{FLOWS}/{id}/rollout"))["figures"] is None
        # One version has all sessions, so there is nothing to ask for.
        assert executor.asked == []


async def test_versions_show_their_shares(api: Api) -> None:
    id = await two_versions(api)
    await edit(api, id, GRAPH)
    await roll_out(api, id, v1=3, v2=1)
    items = (await api.done("GET", f"{FLOWS}/{id}/versions"))["items"]
    assert [(item["active"], item.get("weight")) for item in items] == [
        (False, None),
        (True, 1),
        (True, 3),
    ]


async def test_without_the_active_version_the_first_that_is_listed_is_the_measure(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await two_versions(api)
    await edit(api, id, GRAPH)
    assert (await roll_out(api, id, v3=1, v2=1))["baseline"] == 3
    assert await candidates(rows) == [(id, 3)]


async def test_a_draft_is_active_once_it_is_rolled_out(api: Api, rows: asyncpg.Connection) -> None:
    id = await api.create()
    await edit(api, id, EDITED)
    body = await roll_out(api, id, v2=1, v1=1)
    assert (body["status"], body["baseline"]) == ("active", 2)
    assert await candidates(rows) == [(id, 2)]


async def test_one_version_has_all_sessions_and_there_is_nothing_to_take_back(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await two_versions(api)
    await roll_out(api, id, v1=90, v2=10)
    body = await roll_out(api, id, v2=7)
    alone = {"baseline": 2, "versions": shares(v2=100), "rollout": None, "abort": None}
    assert body == {"id": id, "status": "active", **alone}
    assert await stored(rows) is None
    assert await candidates(rows) == [(id, 2)]


async def test_the_same_rollout_again_goes_on_and_another_begins_anew(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await two_versions(api)
    first = await roll_out(api, id, v1=90, v2=10)
    assert await roll_out(api, id, v1=90, v2=10) == first
    assert await generation(rows) == 2
    second = await roll_out(api, id, v1=80, v2=20)
    assert second["rollout"] > first["rollout"]
    await roll_out(api, id, v1=1)
    before = await generation(rows)
    await roll_out(api, id, v1=5)
    assert await generation(rows) == before


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({}, DEFAULT_ABORT),
        ({"abort": None}, None),
        ({"abort": {}}, DEFAULT_ABORT),
        ({"abort": {"margin": 1, "sessions": 5}}, {"margin": 1.0, "sessions": 5}),
    ],
)
async def test_when_it_is_taken_back_can_be_said(
    api: Api, rows: asyncpg.Connection, sent: Json, kept: Json
) -> None:
    id = await two_versions(api)
    body = {"versions": shares(v1=1, v2=1), **sent}
    assert (await api.done("PUT", f"{FLOWS}/{id}/rollout", body))["abort"] == kept
    assert (await stored(rows))["abort"] == kept


async def test_no_demand_that_is_newer_keeps_a_rollout_from_being_taken_back(api: Api) -> None:
    id = await two_versions(api)
    await edit(api, id, GRAPH)
    await roll_out(api, id, v1=90, v2=10)
    demand = {"name": "two", "type": "login", "require": "size(factors) >= 2"}
    await api.done("PUT", "/api/admin/tenants/default/invariants", [demand])
    # What runs may run on; what does not is held to it.
    fresh = await api.call("PUT", f"{FLOWS}/{id}/rollout", {"versions": shares(v1=1, v3=1)})
    refused(fresh, 400, "invalid")
    assert {each["code"] for each in fresh.body["problems"]} == {"policy_violation"}
    assert (await roll_out(api, id, v1=80, v2=20))["baseline"] == 1
    alone = await roll_out(api, id, v1=1)
    assert (alone["rollout"], alone["versions"]) == (None, shares(v1=100))


async def test_a_flow_that_is_not_active_has_no_sessions_to_share(api: Api) -> None:
    id = await api.create()
    assert await api.done("GET", f"{FLOWS}/{id}/rollout") == {
        "id": id,
        "status": "draft",
        "rollout": None,
        "baseline": None,
        "versions": [],
        "abort": None,
        "figures": None,
    }


@pytest.mark.parametrize("verb", ["activate", "deactivate"])
async def test_a_rollout_ends_with_what_takes_its_place(
    api: Api, rows: asyncpg.Connection, verb: str
) -> None:
    id = await two_versions(api)
    await roll_out(api, id, v2=1, v1=1)
    await api.done("POST", f"{FLOWS}/{id}/{verb}")
    assert await stored(rows) is None


async def test_activating_the_baseline_of_a_rollout_ends_it(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await api.create()
    await edit(api, id, EDITED)
    await roll_out(api, id, v2=1, v1=1)
    await api.done("POST", f"{FLOWS}/{id}/activate")
    assert (await stored(rows), await candidates(rows)) == (None, [(id, 2)])


async def test_a_rollout_that_an_older_release_left_behind_says_nothing(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await two_versions(api)
    await roll_out(api, id, v1=1, v2=1)
    await rows.execute("UPDATE flows SET active_version = 2")
    body = await api.done("GET", f"{FLOWS}/{id}/rollout")
    assert (body["rollout"], body["versions"]) == (None, shares(v2=100))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"versions": []}, "versions"),
        ({"versions": shares(v1=1) * 11}, "versions"),
        ({"versions": shares(v1=0)}, "versions[0].weight"),
        ({"versions": [{"version": 1, "weight": 1.5}]}, "versions[0].weight"),
        ({"versions": [{"version": 0, "weight": 1}]}, "versions[0].version"),
        ({"versions": [*shares(v1=1), *shares(v1=2)]}, "versions[1].version"),
        ({"versions": shares(v1=1, v9=1)}, "versions[1].version"),
        ({"versions": shares(v1=1), "abort": {"margin": 0}}, "abort.margin"),
        ({"versions": shares(v1=1), "abort": {"margin": 1.1}}, "abort.margin"),
        ({"versions": shares(v1=1), "abort": {"sessions": 0}}, "abort.sessions"),
        ({"versions": shares(v1=1), "override_reason": ""}, "override_reason"),
        ({}, "versions"),
    ],
)
async def test_a_rollout_that_makes_no_sense_is_refused_with_its_path(
    api: Api, body: Json, path: str
) -> None:
    id = await two_versions(api)
    reply = await api.call("PUT", f"{FLOWS}/{id}/rollout", body)
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [path]


async def test_every_version_of_a_rollout_has_to_be_valid(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await active(api, "a")
    await edit(api, id, INVALID)
    reply = await api.call("PUT", f"{FLOWS}/{id}/rollout", {"versions": shares(v1=99, v2=1)})
    refused(reply, 400, "invalid")
    assert reply.body["problems"]
    assert (await stored(rows), await entries(rows, "rollout")) == (None, [])


async def test_a_rollout_that_fails_is_taken_back_once_however_often_that_is_told(
    start: Start, compiler: CompilerStandIn, nats_url: str, rows: asyncpg.Connection
) -> None:
    replicas = [await start(), await start()]
    id = await two_versions(replicas[0])
    rollout = (await roll_out(replicas[0], id, v1=90, v2=10))["rollout"]
    compiler.asked.clear()
    before = await generation(rows) or 0
    await fail(nats_url, id, rollout, times=5)
    await handled(*replicas, times=5)
    assert await stored(rows) is None
    assert await candidates(rows) == [(id, 1)]
    assert await generation(rows) == before + 1
    assert compiler.asked == [(PUBLISH, {"tenant": "default", "type": "login"})]
    [(_, actor, details)] = await entries(rows, "rollout.aborted")
    assert actor == "gatehouse"
    assert details == {
        "rollout": rollout,
        "version": 2,
        "succeeded": 10,
        "ended": 100,
        "baseline_succeeded": 95,
        "baseline_ended": 100,
    }


async def test_what_failed_before_says_nothing_of_what_runs_now(
    api: Api, nats_url: str, rows: asyncpg.Connection
) -> None:
    id = await two_versions(api)
    old = (await roll_out(api, id, v1=90, v2=10))["rollout"]
    new = (await roll_out(api, id, v1=80, v2=20))["rollout"]
    await fail(nats_url, id, old)
    await fail(nats_url, "flow_gone", new)
    await handled(api, times=2)
    assert (await stored(rows))["id"] == new
    await api.done("POST", f"{FLOWS}/{id}/deactivate")
    await fail(nats_url, id, new)
    await handled(api, times=3)
    assert await entries(rows, "rollout.aborted") == []


async def test_going_back_after_a_rollout_was_taken_back_is_to_what_ran_before_it(
    api: Api, nats_url: str
) -> None:
    id = await two_versions(api)
    await api.done("POST", f"{FLOWS}/{id}/activate")
    await edit(api, id, GRAPH)
    rollout = (await roll_out(api, id, v2=90, v3=10))["rollout"]
    await fail(nats_url, id, rollout)
    await handled(api, times=1)
    assert (await api.done("POST", f"{FLOWS}/{id}/rollback"))["copied"] == 1


async def test_changes_of_a_rollout_are_told_with_the_types_to_publish(
    api: Api, nats_url: str, rows: asyncpg.Connection
) -> None:
    id = await two_versions(api)
    rollout = (await roll_out(api, id, v1=90, v2=10))["rollout"]
    await fail(nats_url, id, rollout)
    await handled(api, times=1)
    await until(emptied(rows))
    events = [event for event in await told(nats_url) if event.action == "activated"]
    assert [event.types for event in events] == [("login",)] * 3


async def test_what_a_new_version_runs_inside_stays_and_is_published_with_it(
    api: Api, rows: asyncpg.Connection
) -> None:
    login = await two_versions(api)
    inside = await active(api, "inside", type="mfa_setup", graph=ASIDE)
    await edit(api, login, calling("inside"))
    await roll_out(api, login, v1=90, v3=10)
    before = await generation(rows)
    assert before is not None
    note = {**ASIDE["nodes"][1], "config": {"attribute": "a", "value": "2"}}
    nodes = [ASIDE["nodes"][0], note, ASIDE["nodes"][2]]
    await edit(api, inside, {**ASIDE, "nodes": nodes})
    await api.done("POST", f"{FLOWS}/{inside}/activate")
    assert await generation(rows) == before + 1
    uses = await api.done("GET", "/api/v3/flows/instances/inside/used_by/")
    assert len(uses) == 1
    for method, path in (("POST", "/deactivate"), ("DELETE", "")):
        refused(await api.call(method, f"{FLOWS}/{inside}{path}"), 409, "conflict")
    await roll_out(api, login, v1=100)
    await api.done("POST", f"{FLOWS}/{inside}/deactivate")


async def test_two_rollouts_at_once_leave_one_of_them_whole(
    start: Start, rows: asyncpg.Connection
) -> None:
    replicas = [await start(), await start()]
    id = await two_versions(replicas[0])
    bodies = await asyncio.gather(
        *(roll_out(replicas[n % 2], id, v1=100 - n, v2=n) for n in range(1, 9))
    )
    left = await stored(rows)
    assert left["id"] == max(body["rollout"] for body in bodies)
    assert left["versions"] in [body["versions"] for body in bodies]
    assert len({body["rollout"] for body in bodies}) == 8
