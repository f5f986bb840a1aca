"""Copies, and flows as documents: what goes out comes back in, and nothing else does."""

import asyncpg
import msgspec
import pytest
import yaml

from libs.common.documents import write_yaml
from libs.common.flow.compile import compile_flow
from libs.common.flow.model import Flow, FlowType, Graph, Json, Settings
from libs.common.flow.plan import encode, name_of
from libs.common.nodes.catalogue import NODE_TYPES
from tests.integration.management.conftest import FLOW, GRAPH, Api, Reply, Start, refused
from tests.integration.management.graphs import EDITED, FLOWS, active, edit
from tests.integration.management.page import MFA_LOGIN_GRAPH
from tests.integration.management.test_settings import SETTINGS

YAML, JSON = "application/yaml", "application/json"
TESTS: Json = [
    {
        "name": "signs in",
        "inputs": [{"identifier": "a@example.com"}, {"password": "anything"}],
        "expect": {"result": "success"},
    },
    {"name": "waits", "expect": {"result": "waiting"}},
]


def document(**fields: Json) -> Json:
    return {"gatehouse": 1, "flow": {**FLOW, **fields}}


async def load(
    api: Api, sent: Json, *, to: str = FLOWS, query: str = "", kind: str = JSON
) -> Reply:
    """Import `sent`: a document, or the bytes of one."""
    data = sent if isinstance(sent, bytes) else msgspec.json.encode(sent)
    return await api.call("POST", f"{to}/import{query}", data=data, headers={"Content-Type": kind})


async def plan(rows: asyncpg.Connection, tenant: str, id: str) -> str:
    """Compile the newest version, and name its plan."""
    row = await rows.fetchrow(
        "SELECT f.name, f.type, v.number, v.graph, v.settings FROM flows AS f"
        " JOIN flow_versions AS v"
        " ON (v.tenant, v.flow_id, v.number) = (f.tenant, f.id, f.version)"
        " WHERE f.tenant = $1 AND f.id = $2",
        tenant,
        id,
    )
    assert row is not None
    flow = Flow(
        id,
        row["number"],
        FlowType(row["type"]),
        msgspec.json.decode(row["graph"], type=Graph),
        msgspec.json.decode(row["settings"], type=Settings),
        name=row["name"],
    )
    return name_of(encode(compile_flow(flow, NODE_TYPES)))


async def test_an_export_is_yaml_unless_json_is_asked_for(api: Api) -> None:
    id = await api.create(description="of all sorts", **SETTINGS)
    path = f"{FLOWS}/{id}/export"
    expected = document(description="of all sorts", **SETTINGS)
    for query, headers, kind in (
        ("", {}, YAML),
        ("", {"Accept": "*/*"}, YAML),
        ("", {"Accept": "application/json"}, JSON),
        ("?format=json", {}, JSON),
        ("?format=yaml", {"Accept": "application/json"}, YAML),
    ):
        reply = await api.call("GET", path + query, headers=headers)
        assert (reply.status, reply.headers["Content-Type"]) == (200, kind)
        assert yaml.safe_load(reply.text) == expected
    assert list(expected["flow"]) == sorted(expected["flow"], key=list(expected["flow"]).index)


async def test_a_flow_without_settings_and_tests_is_exported_without_them(api: Api) -> None:
    id = await api.create()
    reply = await api.call("GET", f"{FLOWS}/{id}/export?format=json")
    assert reply.body == document()


async def test_an_older_version_can_be_exported(api: Api) -> None:
    id = await api.create()
    await edit(api, id, EDITED)
    for number, graph in (("1", GRAPH), ("2", EDITED)):
        reply = await api.call("GET", f"{FLOWS}/{id}/export?format=json&version={number}")
        assert reply.body == document(graph=graph)
    refused(await api.call("GET", f"{FLOWS}/{id}/export?version=3"), 404, "not_found")


@pytest.mark.parametrize("query", ["format=xml", "version=0", "version=x"])
async def test_an_export_that_makes_no_sense_is_refused(api: Api, query: str) -> None:
    id = await api.create()
    refused(await api.call("GET", f"{FLOWS}/{id}/export?{query}"), 400, "invalid")


@pytest.mark.parametrize("format_", ["yaml", "json"])
async def test_what_is_exported_and_imported_elsewhere_is_the_same_plan(
    api: Api, rows: asyncpg.Connection, format_: str
) -> None:
    settings = {**SETTINGS, "policies": [{"expression": "user.a === 'no'"}]}
    id = await api.create(graph=MFA_LOGIN_GRAPH, description="no", **settings)
    out = await api.call("GET", f"{FLOWS}/{id}/export?format={format_}")
    reply = await load(api, out.text.encode(), to=f"/t/acme{FLOWS}", kind=f"application/{format_}")
    assert (reply.status, reply.body["id"], reply.body["version"]) == (201, id, 1)
    assert await plan(rows, "acme", id) == await plan(rows, "default", id)
    again = await api.call("GET", f"/t/acme{FLOWS}/{id}/export?format={format_}")
    assert again.text == out.text


async def test_how_a_flow_looks_travels_with_it(api: Api) -> None:
    id = await api.create()
    looks = {"title": "Welcome", "background": "/sea.png", "layout": "sidebar_left"}
    await api.done("PATCH", "/api/v3/flows/instances/sign-in/", looks)
    out = await api.call("GET", f"{FLOWS}/{id}/export")
    copied = await api.call("POST", f"{FLOWS}/{id}/copy", {"name": "b", "display_name": "B"})
    loaded = await load(api, out.text.encode(), to=f"/t/acme{FLOWS}", kind=YAML)
    assert (copied.status, loaded.status) == (201, 201)
    for path in ("/api/v3/flows/instances/b/", "/t/acme/api/v3/flows/instances/sign-in/"):
        shown = await api.done("GET", path)
        assert {name: shown[name] for name in looks} == looks
    other = out.text.replace("Welcome", "Hello").encode()
    replaced = await load(api, other, to=f"/t/acme{FLOWS}", query="?replace=true", kind=YAML)
    assert replaced.status == 200
    shown = await api.done("GET", "/t/acme/api/v3/flows/instances/sign-in/")
    assert (shown["title"], shown["background"]) == ("Hello", "/sea.png")


async def test_an_action_is_exported_by_its_id_and_named_where_it_is_not(api: Api) -> None:
    action: Json = {"id": "risk", "display_name": "Risk", "url": "https://example.com/risk"}
    await api.done("POST", "/api/admin/actions", action)
    nodes = [*GRAPH["nodes"], {"id": "ask", "type": "action", "config": {"action": "risk"}}]
    edges = [
        *GRAPH["edges"][:-1],
        {"source": "password", "target": "ask"},
        {"source": "ask", "target": "success"},
    ]
    id = await api.create(graph={"nodes": nodes, "edges": edges})
    out = (await api.call("GET", f"{FLOWS}/{id}/export")).text
    assert "action: risk" in out
    assert "example.com" not in out
    query = "?validate_only=true&replace=true"
    there = await load(api, out.encode(), query=query, kind=YAML)
    assert there.body["flows"][0]["warnings"] == []
    elsewhere = await load(api, out.encode(), to=f"/t/acme{FLOWS}", query=query, kind=YAML)
    [warning] = elsewhere.body["flows"][0]["warnings"]
    assert (warning["code"], warning["node_id"]) == ("not_registered", "ask")
    assert "'risk'" in warning["message"]


async def test_an_imported_flow_is_a_draft_that_says_where_it_is_from(api: Api) -> None:
    reply = await load(api, document())
    assert reply.status == 201
    id = reply.body["id"]
    assert (reply.body["status"], reply.body["compiled"]) == ("draft", False)
    shown = await api.done("GET", f"{FLOWS}/{id}/versions/1")
    assert (shown["note"], shown["author"]) == ("Imported", "tester")


async def test_a_name_that_is_taken_is_a_conflict_unless_it_is_to_be_replaced(api: Api) -> None:
    id = await active(api, "sign-in", **SETTINGS)
    refused(await load(api, document()), 409, "conflict")
    new = document(graph=EDITED, display_name="Anew", description="as sent")
    reply = await load(api, new, query="?replace=true")
    assert reply.status == 200
    body = await api.done("GET", f"{FLOWS}/{id}")
    assert reply.body == body
    assert (body["version"], body["graph"], body["status"]) == (2, EDITED, "active")
    assert (body["display_name"], body["description"]) == ("Anew", "as sent")
    assert not set(SETTINGS) & set(body)
    versions = (await api.done("GET", f"{FLOWS}/{id}/versions"))["items"]
    assert [(line["version"], line["active"]) for line in versions] == [(2, False), (1, True)]
    assert (await load(api, new, query="?replace=true")).body["version"] == 2


async def test_what_is_to_be_replaced_is_made_where_there_is_none(api: Api) -> None:
    assert (await load(api, document(), query="?replace=true")).status == 201


async def test_a_flow_is_not_replaced_by_one_of_another_type(api: Api) -> None:
    await api.create()
    reply = await load(api, document(type="logout"), query="?replace=true")
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == ["type"]


async def test_golden_tests_travel_with_their_flow(api: Api, rows: asyncpg.Connection) -> None:
    id = (await load(api, document(golden_tests=TESTS[::-1]))).body["id"]
    out = (await api.call("GET", f"{FLOWS}/{id}/export?format=json")).body
    assert out["flow"]["golden_tests"] == TESTS
    await load(api, document(golden_tests=TESTS[:1]), query="?replace=true")
    assert await rows.fetchval("SELECT count(*) FROM golden_tests") == 1
    copied = await api.done("POST", f"{FLOWS}/{id}/copy", {"name": "b", "display_name": "B"})
    found = await rows.fetch("SELECT flow_id, name FROM golden_tests ORDER BY flow_id")
    assert [tuple(row) for row in found] == [(copied["id"], "signs in"), (id, "signs in")]
    await load(api, document(), query="?replace=true")
    assert await rows.fetchval("SELECT count(*) FROM golden_tests") == 1


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ({**document(), "gatehouse": 2}, "gatehouse"),
        ({"flow": FLOW}, "gatehouse"),
        ({"gatehouse": 1}, "flow"),
        (document(status="active"), "flow.status"),
        (document(name="a b"), "flow.name"),
        (document(policies=[{"expression": 1}]), "flow.policies[0].expression"),
        (document(golden_tests=[{"name": "a"}]), "flow.golden_tests[0].expect"),
        (document(golden_tests=[{"name": "a", "expect": {}}]), "flow.golden_tests[0].expect"),
        (document(golden_tests=[TESTS[0], TESTS[0]]), "flow.golden_tests[1].name"),
        (document(golden_tests=[{**TESTS[0], "name": "a\x00"}]), "flow.golden_tests[0].name"),
    ],
)
async def test_a_document_that_is_none_is_refused_with_its_path(
    api: Api, sent: Json, path: str
) -> None:
    for data, kind in ((sent, JSON), (write_yaml(sent), YAML)):
        reply = await load(api, data, kind=kind)
        refused(reply, 400, "invalid")
        assert [problem["path"] for problem in reply.body["problems"]] == [path]


@pytest.mark.parametrize(
    "data",
    [b"", b"a: [", b"gatehouse: &a 1\nflow: *a", b"[" * 100_000, b"a: !!set {b}", b"\xff"],
)
async def test_yaml_that_is_none_or_too_clever_is_refused(api: Api, data: bytes) -> None:
    reply = await load(api, data, kind=YAML)
    refused(reply, 400, "invalid")
    assert [problem["code"] for problem in reply.body["problems"]] == ["malformed_yaml"]


@pytest.mark.parametrize("kind", ["application/yaml", "text/yaml; charset=utf-8"])
async def test_yaml_goes_by_several_names(api: Api, kind: str) -> None:
    assert (await load(api, write_yaml(document()), kind=kind)).status == 201


@pytest.mark.parametrize("kind", ["text/plain", ""])
async def test_a_document_of_another_kind_is_unsupported(api: Api, kind: str) -> None:
    reply = await load(api, write_yaml(document()), kind=kind)
    refused(reply, 415, "unsupported")
    assert {"application/json", YAML} <= set(reply.body["message"].split())


async def test_a_document_past_the_limit_is_too_large(start: Start) -> None:
    api = await start(body_limit=2048)
    for kind in (JSON, YAML):
        reply = await load(api, document(description="x" * 2048), kind=kind)
        refused(reply, 413, "too_large")


async def test_a_copy_is_a_draft_of_the_newest_version_under_another_name(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await active(api, "a", description="original", **SETTINGS)
    await edit(api, id, EDITED)
    names = {"name": "b", "display_name": "B"}
    made = await api.done("POST", f"{FLOWS}/{id}/copy", names)
    assert (made["id"], made["status"], made["version"]) == ("flow_b", "draft", 1)
    body = await api.done("GET", f"{FLOWS}/flow_b")
    original = await api.done("GET", f"{FLOWS}/{id}")
    for name in ("description", "type", "graph", *SETTINGS):
        assert body[name] == original[name]
    assert (body["name"], body["display_name"]) == ("b", "B")
    note = await rows.fetchval("SELECT note FROM flow_versions WHERE flow_id = 'flow_b'")
    assert note == f"Copy of {id}, version 2"
    refused(await api.call("POST", f"{FLOWS}/{id}/copy", names), 409, "conflict")


@pytest.mark.parametrize("body", [{}, {"name": "b"}, {"name": "b c", "display_name": "B"}])
async def test_a_copy_needs_a_name_of_its_own(api: Api, body: Json) -> None:
    id = await api.create()
    refused(await api.call("POST", f"{FLOWS}/{id}/copy", body), 400, "invalid")
