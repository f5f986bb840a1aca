"""What makes the next version of a flow and what does not, and ids that mean one flow for ever."""

import asyncio
import re

import asyncpg

from tests.integration.management.conftest import FLOW, GRAPH, INVALID, Api, Start

FLOWS = "/api/admin/flows"
OTHER = {**GRAPH, "nodes": [*GRAPH["nodes"], {"id": "failure", "type": "failure"}]}


async def versions(rows: asyncpg.Connection, id: str) -> list[int]:
    found = await rows.fetch(
        "SELECT number FROM flow_versions WHERE flow_id = $1 ORDER BY number", id
    )
    return [row["number"] for row in found]


async def test_a_changed_definition_is_the_next_version_and_the_old_one_stays(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await api.create()
    assert (await api.call("PUT", f"{FLOWS}/{id}", {"graph": OTHER})).body["version"] == 2
    assert (await api.call("PUT", f"{FLOWS}/{id}", {"graph": GRAPH})).body["version"] == 3
    assert await versions(rows, id) == [1, 2, 3]


async def test_another_name_or_description_is_no_version(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await api.create(description="old")
    edit = {"name": "renamed", "display_name": "Renamed", "description": None}
    body = (await api.call("PUT", f"{FLOWS}/{id}", edit)).body
    assert (body["id"], body["version"]) == (id, 1)
    assert (body["name"], body["display_name"]) == ("renamed", "Renamed")
    assert "description" not in body
    assert await versions(rows, id) == [1]


async def test_the_same_graph_again_is_no_version_and_no_event(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await api.create()
    before = (await api.call("GET", f"{FLOWS}/{id}")).body
    stamped = await rows.fetchval("SELECT nextval('outbox_id_seq')")
    for edit in ({"graph": GRAPH}, {"display_name": FLOW["display_name"]}, {}):
        assert (await api.call("PUT", f"{FLOWS}/{id}", edit)).body == before
    assert await rows.fetchval("SELECT nextval('outbox_id_seq')") == stamped + 1


async def test_true_and_one_are_two_definitions(api: Api) -> None:
    def graph(value: object) -> dict[str, object]:
        return {"nodes": [{"id": "a", "type": "b", "config": {"x": value}}], "edges": []}

    id = await api.create(graph=graph(1))
    assert (await api.call("PUT", f"{FLOWS}/{id}", {"graph": graph(True)})).body["version"] == 2


async def test_a_draft_may_be_as_wrong_as_it_likes(api: Api) -> None:
    id = await api.create(graph={"nodes": [], "edges": []})
    assert (await api.call("PUT", f"{FLOWS}/{id}", {"graph": INVALID})).body["version"] == 2


async def test_twenty_updates_at_once_over_two_replicas_make_twenty_versions_without_a_gap(
    start: Start, rows: asyncpg.Connection
) -> None:
    replicas = [await start(), await start()]
    id = await replicas[0].create()

    async def update(number: int) -> int:
        graph = {"nodes": [{"id": f"n{number}", "type": "start"}], "edges": []}
        path = f"{FLOWS}/{id}"
        version: int = (await replicas[number % 2].call("PUT", path, {"graph": graph})).body[
            "version"
        ]
        return version

    answered = await asyncio.gather(*(update(number) for number in range(20)))
    assert sorted(answered) == list(range(2, 22))
    assert await versions(rows, id) == list(range(1, 22))


async def test_a_version_says_who_saved_it(api: Api, rows: asyncpg.Connection) -> None:
    id = await api.create()
    author = await rows.fetchval("SELECT author FROM flow_versions WHERE flow_id = $1", id)
    assert author == "tester"


async def test_an_id_is_the_name_with_underscores(api: Api) -> None:
    assert await api.create(name="Sign-in-2") == "flow_Sign_in_2"


async def test_an_id_is_never_given_again(api: Api) -> None:
    first = await api.create(name="a-b")
    await api.call("DELETE", f"{FLOWS}/{first}")
    second = await api.create(name="a-b")
    await api.call("PUT", f"{FLOWS}/{second}", {"name": "renamed"})
    third = await api.create(name="a-b")
    assert first == "flow_a_b"
    assert len({first, second, third}) == 3
    assert all(re.fullmatch(r"flow_a_b_[0-9a-f]{6}", id) for id in (second, third))
    assert (await api.call("GET", f"{FLOWS}/{first}")).status == 404


async def test_an_id_does_not_tell_what_other_tenants_have(api: Api) -> None:
    assert await api.create() == await api.create("/t/acme/api/admin/flows")


async def test_of_two_creates_with_one_name_at_once_one_is_made(start: Start) -> None:
    replicas = [await start(), await start()]
    replies = await asyncio.gather(*(each.call("POST", FLOWS, FLOW) for each in replicas))
    assert sorted(reply.status for reply in replies) == [201, 409]
    assert (await replicas[0].call("GET", FLOWS)).body["total"] == 1
