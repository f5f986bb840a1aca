"""Every way in which `/api/admin/flows` says no: the status and the shape."""

import msgspec
import pytest

from deploy.local.server import Server
from libs.common.errors import Problem
from libs.common.flow.model import Json
from libs.common.wire.events import Failed, Missing, Refused
from services.management.auth import Scope
from tests.integration.management.conftest import (
    EVERYTHING,
    FLOW,
    GRAPH,
    INVALID,
    Api,
    CompilerStandIn,
    Start,
    refused,
    token,
)

FLOWS = "/api/admin/flows"


SHARES: Json = {"versions": [{"version": 1, "weight": 1}]}
NOBODYS = "00000000-0000-4000-8000-000000000000"
COPY: Json = {"name": "copy", "display_name": "Copy"}
ENDPOINTS: list[tuple[str, str, Scope, Json]] = [
    ("GET", "", "read:flows", None),
    ("POST", "", "create:flows", FLOW),
    ("GET", "/flow_x", "read:flows", None),
    ("PUT", "/flow_x", "update:flows", {}),
    ("DELETE", "/flow_x", "delete:flows", None),
    ("POST", "/flow_x/validate", "read:flows", None),
    ("POST", "/flow_x/compile", "update:flows", None),
    ("POST", "/flow_x/activate", "update:flows", None),
    ("POST", "/flow_x/deactivate", "update:flows", None),
    ("GET", "/flow_x/versions", "read:flows", None),
    ("GET", "/flow_x/versions/1", "read:flows", None),
    ("GET", "/flow_x/diff", "read:flows", None),
    ("POST", "/flow_x/rollback", "update:flows", None),
    ("GET", "/flow_x/rollout", "read:flows", None),
    ("PUT", "/flow_x/rollout", "update:flows", SHARES),
    ("POST", "/flow_x/simulate", "read:flows", {}),
    ("GET", "/flow_x/golden", "read:flows", None),
    ("PUT", "/flow_x/golden", "update:flows", {"tests": []}),
    ("DELETE", "/flow_x/golden", "update:flows", None),
    ("POST", "/flow_x/golden/run", "read:flows", None),
    ("GET", "/flow_x/golden/a", "read:flows", None),
    ("PUT", "/flow_x/golden/a", "update:flows", {"expect": {"path": []}}),
    ("DELETE", "/flow_x/golden/a", "update:flows", None),
    ("POST", "/flow_x/copy", "create:flows", COPY),
    ("GET", "/flow_x/export", "read:flows", None),
    ("POST", "/import", "create:flows", None),
    ("POST", "/import?replace=true", "update:flows", None),
    ("POST", "/import?replace=true", "create:flows", None),
    ("GET", "/../candidates/login", "read:flows", None),
    ("PUT", "/../candidates/login", "update:flows", {"flows": []}),
    ("GET", "/../tenants/default/invariants", "read:tenants", None),
    ("PUT", "/../tenants/default/invariants", "update:tenants", []),
    ("GET", "/../audit", "read:audit", None),
    ("GET", f"/../sessions/{NOBODYS}", "read:sessions", None),
    ("GET", f"/../sessions/{NOBODYS}/replay", "read:sessions", None),
]
ALL = frozenset(EVERYTHING)


async def test_no_endpoint_answers_without_a_token(api: Api) -> None:
    for method, path, _, _ in ENDPOINTS:
        reply = await api.call(method, FLOWS + path, bearer="")
        refused(reply, 401, "unauthenticated")
        assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_each_endpoint_asks_for_its_own_scope(api: Api) -> None:
    for method, path, scope, _ in ENDPOINTS:
        reply = await api.call(method, FLOWS + path, bearer=token(*(ALL - {scope})))
        refused(reply, 403, "denied")
        assert scope in reply.body["message"]
        others = {each for at, to, each, _ in ENDPOINTS if (at, to) == (method, path)}
        reply = await api.call(method, FLOWS + path, bearer=token(*others))
        assert reply.status not in {401, 403}


async def test_a_token_that_is_over_is_no_token(api: Api) -> None:
    refused(await api.call("GET", FLOWS, bearer=token(minutes=-1)), 401, "unauthenticated")


async def test_a_token_of_one_tenant_opens_no_other(api: Api) -> None:
    acme = token(tenant="acme")
    assert (await api.call("GET", f"/t/acme{FLOWS}", bearer=acme)).status == 200
    for path in (FLOWS, f"/t/default{FLOWS}", f"/t/none{FLOWS}"):
        refused(await api.call("GET", path, bearer=acme), 403, "denied")


@pytest.mark.parametrize("tenant", ["none", "%00", "a%7Db", "x" * 64])
async def test_a_tenant_that_is_none_is_not_found(api: Api, tenant: str) -> None:
    refused(await api.call("GET", f"/t/{tenant}{FLOWS}"), 404, "not_found")
    refused(await api.call("POST", f"/t/{tenant}{FLOWS}", FLOW), 404, "not_found")
    for path in ("audit", "candidates/login"):
        refused(await api.call("GET", f"/t/{tenant}/api/admin/{path}"), 404, "not_found")
    path = f"/api/admin/tenants/{tenant}/invariants"
    refused(await api.call("GET", path), 404, "not_found")
    refused(await api.call("PUT", path, []), 404, "not_found")
    flow = f"/t/{tenant}{FLOWS}/flow_x"
    for path in ("activate", "deactivate", "rollback"):
        refused(await api.call("POST", f"{flow}/{path}"), 404, "not_found")
    refused(await api.call("PUT", f"{flow}/rollout", SHARES), 404, "not_found")


@pytest.mark.parametrize("id", ["flow_none", "none", "%00", "flow_%00", "flow_" + "x" * 300])
async def test_a_flow_that_is_none_is_not_found(api: Api, id: str) -> None:
    for method, path, _, body in ENDPOINTS:
        if "flow_x" in path:
            reply = await api.call(method, FLOWS + path.replace("flow_x", id), body)
            refused(reply, 404, "not_found")


async def test_what_nobody_serves_is_refused_in_the_same_shape(api: Api) -> None:
    refused(await api.call("GET", "/api/admin/nothing"), 404, "not_found")
    reply = await api.call("PATCH", f"{FLOWS}/flow_x")
    refused(reply, 405, "method_not_allowed")
    assert {"DELETE", "GET", "PUT"} <= set(reply.headers["Allow"].split(","))


async def test_everything_wrong_with_a_body_is_told_at_once(api: Api) -> None:
    body: Json = {
        "name": "not a slug",
        "display_name": "",
        "description": 1,
        "status": "active",
        "graph": {
            "nodes": [{"id": 3}, {"id": "a", "type": "b", "colour": "red"}, 7],
            "edges": [{"source": "a", "target": None}],
        },
    }
    reply = await api.call("POST", FLOWS, body)
    refused(reply, 400, "invalid")
    assert {(problem["code"], problem["path"]) for problem in reply.body["problems"]} == {
        ("invalid", "name"),
        ("invalid", "display_name"),
        ("invalid", "description"),
        ("unknown_field", "status"),
        ("missing_field", "type"),
        ("invalid", "graph.nodes[0].id"),
        ("missing_field", "graph.nodes[0].type"),
        ("unknown_field", "graph.nodes[1].colour"),
        ("invalid", "graph.nodes[2]"),
        ("invalid", "graph.edges[0].target"),
    }
    assert (await api.call("GET", FLOWS)).body["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"name": 1, "graph"',
        b"\xff",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"name":"\\ud800"}',
    ],
)
async def test_a_body_that_is_no_flow_is_refused(api: Api, body: bytes) -> None:
    for method, path in (("POST", ""), ("PUT", f"/{await api.create()}")):
        reply = await api.call(
            method, FLOWS + path, data=body, headers={"Content-Type": "application/json"}
        )
        refused(reply, 400, "invalid")
        assert reply.body["problems"]


async def test_a_config_that_is_nested_without_end_is_refused(api: Api) -> None:
    deep: Json = 1
    for _ in range(100):
        deep = [deep]
    graph = {"nodes": [{"id": "a", "type": "b", "config": {"deep": deep}}], "edges": []}
    refused(await api.call("POST", FLOWS, {**FLOW, "graph": graph}), 400, "invalid")


@pytest.mark.parametrize("field", ["display_name", "description"])
async def test_a_text_that_postgresql_cannot_hold_is_refused(api: Api, field: str) -> None:
    reply = await api.call("POST", FLOWS, {**FLOW, field: "a\x00b"})
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [field]


async def test_a_body_past_the_limit_is_too_large(start: Start) -> None:
    api = await start(body_limit=2048)
    reply = await api.call("POST", FLOWS, {**FLOW, "description": "x" * 2048})
    refused(reply, 413, "too_large")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_of_another_kind_is_unsupported(api: Api, kind: str) -> None:
    data = msgspec.json.encode(FLOW)
    reply = await api.call("POST", FLOWS, data=data, headers={"Content-Type": kind})
    refused(reply, 415, "unsupported")


async def test_a_name_is_taken_once_in_a_tenant(api: Api) -> None:
    await api.create()
    other = await api.create(name="other")
    refused(await api.call("POST", FLOWS, FLOW), 409, "conflict")
    refused(await api.call("PUT", f"{FLOWS}/{other}", {"name": FLOW["name"]}), 409, "conflict")
    await api.create("/t/acme/api/admin/flows")


async def test_a_flow_keeps_its_type(api: Api) -> None:
    id = await api.create()
    reply = await api.call("PUT", f"{FLOWS}/{id}", {"type": "logout"})
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == ["type"]
    assert (await api.call("PUT", f"{FLOWS}/{id}", {"type": "login"})).status == 200


async def test_a_flow_that_is_not_active_cannot_be_deactivated(api: Api) -> None:
    id = await api.create()
    refused(await api.call("POST", f"{FLOWS}/{id}/deactivate"), 409, "conflict")


async def test_an_invalid_flow_is_not_activated_and_all_its_problems_are_told(api: Api) -> None:
    id = await api.create(graph=INVALID)
    report = (await api.call("POST", f"{FLOWS}/{id}/validate")).body
    reply = await api.call("POST", f"{FLOWS}/{id}/activate")
    refused(reply, 400, "invalid")
    assert reply.body["problems"] == report["errors"]
    assert (await api.call("GET", f"{FLOWS}/{id}")).body["status"] == "draft"


async def test_an_invalid_flow_is_not_compiled_and_its_problems_are_told(
    api: Api, compiler: CompilerStandIn
) -> None:
    compiler.answer = Refused((Problem("dead_end", "mend it", node_id="a"),))
    reply = await api.call("POST", f"{FLOWS}/{await api.create()}/compile")
    refused(reply, 400, "invalid")
    assert reply.body["problems"] == [{"code": "dead_end", "message": "mend it", "node_id": "a"}]


async def test_without_a_compiler_compiling_is_for_later(api: Api) -> None:
    id = await api.create()
    reply = await api.call("POST", f"{FLOWS}/{id}/compile")
    refused(reply, 503, "unavailable")
    assert int(reply.headers["Retry-After"]) > 0


async def test_what_the_compiler_lacks_makes_compiling_be_for_later(
    api: Api, compiler: CompilerStandIn
) -> None:
    compiler.answer = Failed("redis")
    reply = await api.call("POST", f"{FLOWS}/{await api.create()}/compile")
    refused(reply, 503, "unavailable")
    assert "redis" in reply.body["message"]
    assert int(reply.headers["Retry-After"]) > 0


async def test_a_flow_that_is_deleted_while_it_compiles_is_not_found(
    api: Api, compiler: CompilerStandIn
) -> None:
    compiler.answer = Missing()
    refused(await api.call("POST", f"{FLOWS}/{await api.create()}/compile"), 404, "not_found")


async def test_without_postgresql_all_is_for_later_and_readiness_says_so(
    api: Api, postgres_server: Server
) -> None:
    id = await api.create()
    await postgres_server.process.stop()
    for method, path, body in (
        ("GET", "", None),
        ("GET", f"/{id}", None),
        ("POST", "", FLOW),
        ("PUT", f"/{id}", {"graph": GRAPH}),
    ):
        reply = await api.call(method, FLOWS + path, body)
        refused(reply, 503, "unavailable")
        assert int(reply.headers["Retry-After"]) > 0
    ready = await api.call("GET", "/readyz")
    assert (ready.status, ready.body["checks"]) == (503, {"postgres": "failed", "nats": "ok"})
    await postgres_server.process.start()
    assert (await api.call("GET", f"{FLOWS}/{id}")).status == 200
    assert (await api.call("GET", "/readyz")).status == 200


async def test_a_request_id_comes_back_as_it_was_sent(api: Api) -> None:
    reply = await api.call("GET", FLOWS, headers={"X-Request-Id": "mine-1"})
    assert reply.headers["X-Request-Id"] == "mine-1"
