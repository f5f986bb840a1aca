"""The audit log: who changed what, for good."""

import pytest

from libs.common.flow.model import Json
from tests.integration.management.conftest import GRAPH, Api, token
from tests.integration.management.graphs import EDITED, FLOWS, active, edit
from tests.integration.management.test_refusals import refused

AUDIT = "/api/admin/audit"


async def lines(api: Api, query: str = "limit=100") -> list[Json]:
    """Return what was written, the oldest first, without ids and times."""
    body = await api.done("GET", f"{AUDIT}?{query}")
    ids = [item.pop("id") for item in body["items"]]
    times = [item.pop("at") for item in body["items"]]
    assert (ids, times) == (sorted(ids, reverse=True), sorted(times, reverse=True))
    return list(reversed(body["items"]))


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
    assert await lines(api) == [
        {
            "actor": "tester",
            "action": "invariants",
            "details": {"invariants": [invariant], "was": []},
        }
    ]


async def test_the_order_of_candidates_is_written_down_as_it_was_and_is(api: Api) -> None:
    one, two = await active(api, "a"), await active(api, "b")
    await api.done("PUT", "/api/admin/candidates/login", {"flows": [one, two]})
    [line] = await lines(api, "action=candidates")
    assert line["details"] == {"type": "login", "flows": [one, two], "was": [two, one]}


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
    ],
)
async def test_a_query_of_the_log_that_makes_no_sense_is_refused(
    api: Api, query: str, path: str
) -> None:
    reply = await api.call("GET", f"{AUDIT}?{query}")
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [path]
