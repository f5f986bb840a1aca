"""The audit log: who changed what, for good."""

from itertools import pairwise

import pytest

from libs.common.flow.model import Json
from tests.integration.management.conftest import FLOW, GRAPH, Api, Start, refused, token
from tests.integration.management.graphs import EDITED, FLOWS, active, edit

AUDIT = "/api/admin/audit"


async def entries(api: Api, query: str = "limit=100") -> list[Json]:
    """Return what was written, the oldest first, without ids, times, and where it came from."""
    body = await api.done("GET", f"{AUDIT}?{query}")
    ids = [item.pop("id") for item in body["items"]]
    times = [item.pop("at") for item in body["items"]]
    assert (ids, times) == (sorted(ids, reverse=True), sorted(times, reverse=True))
    for item in body["items"]:
        assert item.pop("address") == "127.0.0.1"
        assert item.pop("request_id")
    return list(reversed(body["items"]))


async def lines(api: Api, query: str = "limit=100") -> list[Json]:
    """Return the same, without how things were and are."""
    return [
        {name: value for name, value in entry.items() if name not in {"before", "after"}}
        for entry in await entries(api, query)
    ]


async def test_every_change_of_a_flow_is_written_down_with_who_made_it(api: Api) -> None:
    id = await api.create()
    await api.done("PUT", f"{FLOWS}/{id}", {"graph": EDITED, "display_name": "Other"})
    await api.done("POST", f"{FLOWS}/{id}/activate")
    await edit(api, id, GRAPH)
    shares = [{"version": 2, "weight": 3}, {"version": 3, "weight": 1}]
    await api.done("PUT", f"{FLOWS}/{id}/rollout", {"versions": shares, "abort": None})
    await api.done("POST", f"{FLOWS}/{id}/rollback", {"version": 1})
    await api.done("POST", f"{FLOWS}/{id}/deactivate")
    await api.done("DELETE", f"{FLOWS}/{id}")
    changed = ["graph", "display_name"]
    assert await lines(api) == [
        {"actor": "tester", "action": action, "flow": id, "details": details}
        for action, details in (
            ("create", {"name": "sign-in", "version": 1}),
            ("update", {"version": 2, "changed": changed}),
            ("activate", {"version": 2, "was": None}),
            ("update", {"version": 3, "changed": ["graph"]}),
            ("rollout", {"version": 2, "was": 2, "versions": shares, "abort": None}),
            ("rollback", {"version": 4, "copied": 1, "was": 2}),
            ("deactivate", {"was": 4}),
            ("delete", {"name": "sign-in", "was": None}),
        )
    ]


async def test_what_is_about_no_flow_names_none(api: Api) -> None:
    invariant = {"name": "a", "type": "login", "require": "identified"}
    await api.done("PUT", "/api/admin/tenants/default/invariants", [invariant])
    assert await entries(api) == [
        {
            "actor": "tester",
            "action": "invariants",
            "resource": "invariants",
            "before": [],
            "after": [invariant],
            "details": {},
        }
    ]


async def test_a_flow_is_written_down_as_it_was_and_is(api: Api) -> None:
    id = await api.create()
    await api.done("PUT", f"{FLOWS}/{id}", {"graph": EDITED, "display_name": "Other"})
    await api.done("POST", f"{FLOWS}/{id}/activate")
    await edit(api, id, GRAPH)
    shares = [{"version": 2, "weight": 3}, {"version": 3, "weight": 1}]
    await api.done("PUT", f"{FLOWS}/{id}/rollout", {"versions": shares, "abort": None})
    await api.done("POST", f"{FLOWS}/{id}/rollback", {"version": 1})
    await api.done("DELETE", f"{FLOWS}/{id}")
    drawn = {"name": "sign-in", "display_name": "Sign in", "status": "draft", "version": 1}
    drawn |= {"description": None, "title": None, "look": {}}
    drawn |= {"active_version": None, "rollout": None}
    edited = {**drawn, "display_name": "Other", "version": 2}
    running = {**edited, "status": "active", "active_version": 2}
    newer = {**running, "version": 3}
    shared = {**newer, "rollout": shares}
    back = {**newer, "version": 4, "active_version": 4}
    states = [None, drawn, edited, running, newer, shared, back, None]
    found = [(each.get("before"), each.get("after")) for each in await entries(api)]
    assert found == list(pairwise(states))


async def test_how_a_flow_looks_is_written_down_as_it_was_and_is(api: Api) -> None:
    await api.create(description="Before")
    path = "/api/v3/flows/instances/sign-in/"
    await api.done("PATCH", path, {"title": "Welcome", "layout": "sidebar_left"})
    *_, entry = await entries(api)
    assert (entry["before"]["title"], entry["after"]["title"]) == (None, "Welcome")
    assert (entry["before"]["look"], entry["after"]["look"]) == ({}, {"layout": "sidebar_left"})
    assert entry["after"]["description"] == "Before"


async def test_a_wish_to_have_all_plans_made_again_is_written_down(api: Api) -> None:
    id = await api.create()
    await api.done("POST", f"{FLOWS}/{id}/activate")
    await api.done("POST", "/api/v3/flows/instances/cache_clear/")
    [entry] = await entries(api, "action=publish")
    assert (entry["resource"], entry["after"]) == ("plans", {"types": ["login"]})


async def test_one_change_that_does_two_things_is_written_down_step_by_step(api: Api) -> None:
    flow = {"name": "A", "trigger": {"id": "post-login", "version": "v2"}, "steps": []}
    created = await api.done("POST", "/api/v2/flows", flow)
    await api.done("PATCH", f"/api/v2/flows/{created['id']}", {"name": "B", "status": "active"})
    _, first, second = await entries(api)
    assert (first["action"], second["action"]) == ("update", "activate")
    assert first["before"]["display_name"] == "A"
    assert first["after"] == second["before"]
    assert second["after"]["status"] == "active"


async def test_an_entry_tells_where_a_change_came_from_and_in_which_request(start: Start) -> None:
    api = await start(trusted_proxies=("127.0.0.0/8",))
    headers = {"X-Forwarded-For": "6.6.6.6, 192.0.2.7", "X-Request-Id": "ticket-7"}
    await api.call("POST", FLOWS, FLOW, headers=headers)
    [item] = (await api.done("GET", AUDIT))["items"]
    assert (item["address"], item["request_id"]) == ("192.0.2.7", "ticket-7")


async def test_who_is_no_proxy_is_not_believed_about_addresses(api: Api) -> None:
    await api.call("POST", FLOWS, FLOW, headers={"X-Forwarded-For": "192.0.2.7"})
    [item] = (await api.done("GET", AUDIT))["items"]
    assert item["address"] == "127.0.0.1"


async def test_the_order_of_candidates_is_written_down_as_it_was_and_is(api: Api) -> None:
    one, two = await active(api, "a"), await active(api, "b")
    await api.done("PUT", "/api/admin/candidates/login", {"flows": [one, two]})
    [entry] = await entries(api, "action=candidates")
    assert entry["resource"] == "candidates/login"
    assert (entry["before"], entry["after"]) == ([two, one], [one, two])
    assert await entries(api, "resource=candidates/login") == [entry]


async def test_what_changes_nothing_and_what_is_refused_is_not_written_down(api: Api) -> None:
    id = await active(api, "a")
    before = await lines(api)
    for method, path, body in (
        ("PUT", f"/{id}", {"graph": GRAPH}),
        ("POST", f"/{id}/activate", None),
        ("POST", f"/{id}/rollback", {"version": 9}),
        ("POST", f"/{id}/validate", None),
        ("PUT", f"/{id}/rollout", {"versions": [{"version": 1, "weight": 5}]}),
        ("GET", f"/{id}/export", None),
    ):
        await api.call(method, FLOWS + path, body)
    assert await lines(api) == before


async def test_lines_are_chosen_by_flow_and_action(api: Api) -> None:
    one, two = await active(api, "a"), await active(api, "b")
    assert {line["action"] for line in await lines(api, f"flow={one}")} == {"create", "activate"}
    assert {line["flow"] for line in await lines(api, "action=activate")} == {one, two}
    [line] = await lines(api, f"action=activate&flow={two}")
    assert (line["flow"], line["action"]) == (two, "activate")
    assert await lines(api, "flow=flow_none") == []


async def test_pages_of_the_log_hold_each_line_once_whatever_comes(api: Api) -> None:
    for number in range(5):
        await api.create(name=f"{number}")
    first = await api.done("GET", f"{AUDIT}?limit=2")
    await api.create(name="later")
    second = await api.done("GET", f"{AUDIT}?limit=2&cursor={first['cursor']}")
    third = await api.done("GET", f"{AUDIT}?limit=2&cursor={second['cursor']}")
    pages = [[item["flow"] for item in page["items"]] for page in (first, second, third)]
    assert pages == [["flow_4", "flow_3"], ["flow_2", "flow_1"], ["flow_0"]]
    assert third["cursor"] is None


async def test_a_tenant_reads_only_its_own_lines(api: Api) -> None:
    await api.create()
    acme = token("read:audit", tenant="acme")
    reply = await api.call("GET", f"/t/acme{AUDIT}", bearer=acme)
    assert (reply.status, reply.body) == (200, {"items": [], "cursor": None})
    refused(await api.call("GET", AUDIT, bearer=acme), 403, "denied")


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("action=nothing", "action"),
        ("cursor=x", "cursor"),
        ("flow=%00", "flow"),
        ("resource=%00", "resource"),
    ],
)
async def test_a_query_of_the_log_that_makes_no_sense_is_refused(
    api: Api, query: str, path: str
) -> None:
    reply = await api.call("GET", f"{AUDIT}?{query}")
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [path]
