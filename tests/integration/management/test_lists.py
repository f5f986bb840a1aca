"""Lists: pages that neither skip nor repeat a flow, and queries that make no sense."""

import base64
from datetime import UTC, datetime
from itertools import chain

import msgspec
import pytest

from services.management.operations import OPERATIONS
from tests.integration.management.conftest import Api, Start

FLOWS = "/api/admin/flows"
LISTS = [
    operation
    for operation in OPERATIONS
    if "cursor" in getattr(operation.query, "__struct_fields__", ()) and not operation.parameters
]
"""All that have cursors, but for those of one flow's."""


async def pages(api: Api, query: str) -> list[list[str]]:
    """Return the names on each page, to the end."""
    found: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        body = (await api.call("GET", f"{FLOWS}?{query}{more}")).body
        found.append([item["name"] for item in body["items"]])
        cursor = body["cursor"]
    return found


async def test_pages_hold_every_flow_once_the_oldest_first(api: Api) -> None:
    for number in range(5):
        await api.create(name=f"flow-{number}")
    assert await pages(api, "limit=2") == [["flow-0", "flow-1"], ["flow-2", "flow-3"], ["flow-4"]]
    assert await pages(api, "limit=5") == [[f"flow-{number}" for number in range(5)]]


async def test_a_page_goes_on_where_the_last_one_ended_whoever_came_or_went(api: Api) -> None:
    ids = [await api.create(name=f"flow-{number}") for number in range(4)]
    first = (await api.call("GET", f"{FLOWS}?limit=2")).body
    for id in (ids[0], ids[1]):
        await api.call("DELETE", f"{FLOWS}/{id}")
    await api.create(name="later")
    second = (await api.call("GET", f"{FLOWS}?cursor={first['cursor']}")).body
    assert [item["name"] for item in second["items"]] == ["flow-2", "flow-3", "later"]
    assert second["cursor"] is None
    assert second["total"] == 3


async def test_a_page_has_twenty_flows_unless_asked_for_more(api: Api) -> None:
    for number in range(21):
        await api.create(name=f"flow-{number}")
    assert [len(page) for page in await pages(api, "")] == [20, 1]
    assert [len(page) for page in await pages(api, "limit=100")] == [21]


async def test_filters_choose_by_type_and_status_and_total_counts_what_they_chose(
    api: Api,
) -> None:
    active = await api.create(name="a")
    await api.create(name="b")
    await api.create(name="c", type="registration")
    await api.call("POST", f"{FLOWS}/{active}/activate")
    for query, names in {
        "type=login": ["a", "b"],
        "type=registration": ["c"],
        "status=active": ["a"],
        "status=draft": ["b", "c"],
        "type=login&status=draft": ["b"],
        "type=logout": [],
    }.items():
        body = (await api.call("GET", f"{FLOWS}?{query}&limit=1")).body
        assert body["total"] == len(names), query
        assert list(chain(*await pages(api, query))) == names


async def test_a_tenant_lists_only_its_own_flows(api: Api) -> None:
    await api.create(name="ours")
    await api.create("/t/acme/api/admin/flows", name="theirs")
    assert await pages(api, "") == [["ours"]]
    body = (await api.call("GET", "/t/acme/api/admin/flows")).body
    assert ([item["name"] for item in body["items"]], body["total"]) == (["theirs"], 1)


async def test_a_tenant_without_flows_has_an_empty_list(api: Api) -> None:
    assert (await api.call("GET", FLOWS)).body == {"items": [], "total": 0, "cursor": None}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("limit=1.5", "limit"),
        ("limit=", "limit"),
        ("status=paused", "status"),
        ("type=Login", "type"),
        ("cursor=", "cursor"),
        ("cursor=nonsense", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=%C3%A4", "cursor"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused_with_the_parameter(
    api: Api, query: str, path: str
) -> None:
    reply = await api.call("GET", f"{FLOWS}?{query}")
    assert reply.status == 400
    assert reply.body["error"] == "invalid"
    assert [problem["path"] for problem in reply.body["problems"]] == [path]


@pytest.mark.parametrize(
    "forged",
    [
        [datetime(2026, 1, 1, tzinfo=UTC), "flow_\x00"],
        ["2026-01-01T00:00:00", "flow_a"],
        [datetime(2026, 1, 1, tzinfo=UTC)],
        [datetime(2026, 1, 1, tzinfo=UTC), "flow_a", 1],
        {"created_at": 1},
        [datetime(1, 1, 1, tzinfo=UTC), "flow_a"],
        None,
    ],
)
async def test_a_forged_cursor_is_refused_by_every_list(api: Api, forged: object) -> None:
    cursor = base64.urlsafe_b64encode(msgspec.msgpack.encode(forged)).decode()
    for operation in LISTS:
        reply = await api.call("GET", f"{operation.path}?cursor={cursor.replace('=', '%3D')}")
        assert (reply.status, reply.body["error"]) == (400, "invalid"), operation.name


async def test_a_cursor_of_another_list_is_no_fault(api: Api) -> None:
    place = [datetime(2026, 1, 1, tzinfo=UTC), "flow_a"]
    cursor = base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")
    replies = {each.path: await api.call("GET", f"{each.path}?cursor={cursor}") for each in LISTS}
    assert {reply.status for reply in replies.values()} == {200, 400}
    assert replies["/api/admin/users"].status == 400


async def test_a_cursor_of_thousands_of_nested_lists_is_refused(api: Api) -> None:
    cursor = base64.urlsafe_b64encode(b"\x91" * 4500).decode()
    assert (await api.call("GET", f"{FLOWS}?cursor={cursor}")).status == 400


async def test_all_that_is_wrong_with_a_query_is_told_at_once(api: Api) -> None:
    reply = await api.call("GET", f"{FLOWS}?limit=0&type=x&status=y")
    assert [problem["path"] for problem in reply.body["problems"]] == ["limit", "type", "status"]


async def test_a_cursor_of_one_replica_is_good_at_another(start: Start) -> None:
    one, other = await start(), await start()
    for name in ("a", "b"):
        await one.create(name=name)
    cursor = (await one.call("GET", f"{FLOWS}?limit=1")).body["cursor"]
    body = (await other.call("GET", f"{FLOWS}?cursor={cursor}")).body
    assert [item["name"] for item in body["items"]] == ["b"]
