"""The versions of a flow: listed, looked at, compared."""

import asyncpg
import pytest

from libs.common.flow.model import Json
from tests.integration.management.conftest import GRAPH, Api, CompilerStandIn, refused
from tests.integration.management.graphs import ASIDE, EDITED, FLOWS, active, edit


async def pages(api: Api, id: str, query: str) -> list[list[int]]:
    """Return the numbers on each page, to the end."""
    found: list[list[int]] = []
    cursor: str | None = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        body = await api.done("GET", f"{FLOWS}/{id}/versions?{query}{more}")
        found.append([item["version"] for item in body["items"]])
        cursor = body["cursor"]
    return found


async def test_versions_are_listed_with_who_saved_them_and_why_the_newest_first(
    api: Api, compiler: CompilerStandIn
) -> None:
    id = await active(api, "a", note="the first")
    await api.done("POST", f"{FLOWS}/{id}/compile")
    await api.done("PUT", f"{FLOWS}/{id}", {"graph": EDITED, "note": "with a failure"})
    await edit(api, id, GRAPH)
    body = await api.done("GET", f"{FLOWS}/{id}/versions")
    assert (body["total"], body["cursor"]) == (3, None)
    times = [item.pop("created_at") for item in body["items"]]
    assert times == sorted(times, reverse=True)
    line = {"author": "tester", "note": None, "compiled": False, "active": False}
    assert body["items"] == [
        {**line, "version": 3},
        {**line, "version": 2, "note": "with a failure"},
        {
            **line,
            "version": 1,
            "note": "the first",
            "compiled": True,
            "compiled_at": 1_800_000_000,
            "active": True,
            "weight": 100,
        },
    ]


async def test_pages_of_versions_hold_each_once(api: Api) -> None:
    id = await api.create()
    await edit(api, id, EDITED, GRAPH, EDITED, GRAPH)
    assert await pages(api, id, "limit=2") == [[5, 4], [3, 2], [1]]
    assert await pages(api, id, "limit=5") == [[5, 4, 3, 2, 1]]


async def test_a_version_is_shown_with_its_definition(api: Api) -> None:
    id = await api.create()
    await edit(api, id, EDITED)
    old, new = [await api.done("GET", f"{FLOWS}/{id}/versions/{n}") for n in (1, 2)]
    assert (old["version"], old["graph"]) == (1, GRAPH)
    assert (new["version"], new["graph"]) == (2, EDITED)


@pytest.mark.parametrize("number", ["0", "2", "-1", "x", "01", "99999999999", "%00"])
async def test_a_version_that_is_none_is_not_found(api: Api, number: str) -> None:
    id = await api.create()
    refused(await api.call("GET", f"{FLOWS}/{id}/versions/{number}"), 404, "not_found")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=x", "cursor=kQA", "cursor=kf8"])
async def test_a_query_of_versions_that_makes_no_sense_is_refused(api: Api, query: str) -> None:
    id = await api.create()
    refused(await api.call("GET", f"{FLOWS}/{id}/versions?{query}"), 400, "invalid")


async def test_a_name_is_no_part_of_a_version_and_its_note_is_kept_with_none(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await api.create()
    await api.done("PUT", f"{FLOWS}/{id}", {"display_name": "Other", "note": "renamed"})
    assert await rows.fetchval("SELECT note FROM flow_versions") is None


async def test_two_versions_are_compared_by_what_they_mean(api: Api) -> None:
    id = await api.create(graph=ASIDE)
    moved = {"id": "start", "type": "start", "position": {"x": 1, "y": 2}}
    changed: Json = {
        "nodes": [
            moved,
            {"id": "note", "type": "set_attribute", "config": {"attribute": "a", "value": "2"}},
            {"id": "end", "type": "success"},
        ],
        "edges": [
            {"source": "start", "target": "note", "condition": "success"},
            {"source": "note", "target": "end"},
        ],
    }
    await api.done("PUT", f"{FLOWS}/{id}", {"graph": changed, "denied_action": "message"})
    assert await api.done("GET", f"{FLOWS}/{id}/diff?from=1&to=2") == {
        "from": 1,
        "to": 2,
        "layout_only": False,
        "nodes": {
            "added": [{"id": "end", "type": "success"}],
            "removed": [{"id": "success", "type": "success"}],
            "changed": [
                {
                    "id": "start",
                    "changes": [
                        {
                            "path": "position",
                            "kind": "layout",
                            "before": None,
                            "after": {"x": 1, "y": 2},
                        }
                    ],
                },
                {
                    "id": "note",
                    "changes": [
                        {
                            "path": "config.value",
                            "kind": "expression",
                            "before": "1",
                            "after": "2",
                        }
                    ],
                },
            ],
            "renamed": [{"before": "success", "after": "end"}],
        },
        "edges": {
            "added": [],
            "removed": [],
            "rewired": [{"source": "note", "before": "success", "after": "end"}],
        },
        "settings": [
            {
                "path": "denied_action",
                "kind": "config",
                "before": "message_continue",
                "after": "message",
            }
        ],
    }


async def test_a_move_on_the_canvas_is_told_apart(api: Api) -> None:
    id = await api.create(graph=ASIDE)
    nodes = [{**node, "position": {"x": 1, "y": 1}} for node in ASIDE["nodes"]]
    await edit(api, id, {**ASIDE, "nodes": nodes})
    assert (await api.done("GET", f"{FLOWS}/{id}/diff"))["layout_only"] is True


async def test_unless_named_the_active_version_is_compared_with_the_newest(api: Api) -> None:
    async def ends(query: str = "") -> tuple[int, int]:
        body = await api.done("GET", f"{FLOWS}/{id}/diff{query}")
        return body["from"], body["to"]

    id = await api.create()
    assert await ends() == (1, 1)
    await edit(api, id, EDITED, GRAPH)
    assert await ends() == (2, 3)
    assert await ends("?to=2") == (1, 2)
    await api.done("POST", f"{FLOWS}/{id}/activate")
    await edit(api, id, EDITED, GRAPH)
    assert await ends() == (3, 5)
    assert await ends("?from=5&to=1") == (5, 1)


@pytest.mark.parametrize(("query", "status"), [("from=9", 404), ("to=9", 404), ("from=x", 400)])
async def test_what_cannot_be_compared_is_refused(api: Api, query: str, status: int) -> None:
    id = await api.create()
    assert (await api.call("GET", f"{FLOWS}/{id}/diff?{query}")).status == status
