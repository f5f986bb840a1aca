"""Seed 003's flows go out as blueprints and come in again, and run as soon as they can."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import aiohttp
import msgspec
import pytest

from libs.common.flow.model import Json
from libs.common.wire.events import PUBLISH
from tests.integration.management.conftest import GRAPH, Api, CompilerStandIn, Reply, token
from tests.integration.management.test_v3 import BINDINGS, FLOWS, SIGN_IN

CASES = Path(__file__).parents[2] / "fixtures" / "blueprints"


async def load(api: Api, data: bytes | None, field: str = "file", **call: Json) -> Reply:
    form = aiohttp.FormData({"clear": "True"}, default_to_multipart=True)
    if data is not None:
        form.add_field(field, data, filename="flow.yaml")
    writer = form()
    headers = {"Content-Type": writer.headers["Content-Type"]}
    sent = await writer.as_bytes()
    return await api.call("POST", f"{FLOWS}import/", data=sent, headers=headers, **call)


def levels(reply: Reply) -> set[str]:
    return {line["log_level"] for line in reply.body["logs"]}


async def status(api: Api, slug: str) -> tuple[str, int]:
    flow = await api.done("GET", f"/api/admin/flows/flow_{slug.replace('-', '_')}")
    return flow["status"], flow["version"]


async def export(api: Api, slug: str) -> bytes:
    path = (await api.done("GET", f"{FLOWS}{slug}/"))["export_url"]
    return (await api.call("GET", path)).text.encode()


async def test_an_export_is_a_file_of_yaml_that_the_import_reads(api: Api) -> None:
    made = await api.done("POST", FLOWS, {**SIGN_IN, "layout": "sidebar_left", "background": "/a"})
    reply = await api.call("GET", made["export_url"])
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/yaml"
    assert reply.headers["Content-Disposition"] == 'attachment; filename="sign_in.yaml"'
    await api.done("DELETE", f"{FLOWS}sign_in/")
    loaded = await load(api, reply.text.encode())
    assert (loaded.status, loaded.body["success"]) == (200, True)
    again = await api.done("GET", f"{FLOWS}sign_in/")
    differs = {name for name, value in made.items() if again[name] != value}
    assert differs == {"pk", "policybindingmodel_ptr_id"}


async def test_what_no_stage_can_say_comes_back_too(api: Api) -> None:
    nodes = [*GRAPH["nodes"], {"id": "no", "type": "failure", "position": {"x": 1, "y": 2}}]
    edges = [*GRAPH["edges"], {"source": "password", "target": "no", "condition": "failure"}]
    id = await api.create(graph={"nodes": nodes, "edges": edges})
    was = (await api.done("GET", f"/api/admin/flows/{id}"))["graph"]
    data = await export(api, "sign-in")
    assert (await load(api, data)).body["success"]
    assert await status(api, "sign-in") == ("draft", 1)
    await api.done("DELETE", f"{FLOWS}sign-in/")
    assert (await load(api, data)).body["success"]
    found = await api.done("GET", f"{FLOWS}sign-in/")
    listed = (await api.done("GET", "/api/admin/flows"))["items"]
    (again,) = [each["id"] for each in listed if each["name"] == "sign-in"]
    assert (await api.done("GET", f"/api/admin/flows/{again}"))["graph"] == was
    assert "problems" not in found


def blueprint(**graphs: Json) -> bytes:
    """A blueprint of flows that only we can read."""
    entries = [
        {
            "model": "authentik_flows.flow",
            "identifiers": {"slug": slug},
            "attrs": {
                "designation": "authentication",
                "gatehouse": {"version": 1, "type": "login", "graph": graph},
            },
        }
        for slug, graph in graphs.items()
    ]
    return msgspec.json.encode({"version": 1, "entries": entries})


def running(slug: str) -> Json:
    """A graph that does no more than to run that flow inside."""
    node = {"id": "inside", "type": "subflow", "config": {"flow": slug}}
    edges = [{"source": "start", "target": "inside"}, {"source": "inside", "target": "success"}]
    return {"nodes": [GRAPH["nodes"][0], node, GRAPH["nodes"][-1]], "edges": edges}


async def test_what_comes_in_runs_if_it_can_and_what_it_runs_inside_first(api: Api) -> None:
    reply = await load(api, blueprint(a_outer=running("z_inner"), lost=running("x"), z_inner=GRAPH))
    assert reply.body["success"], reply.text
    wrong = [line for line in reply.body["logs"] if line["log_level"] == "error"]
    assert [line["attributes"]["slug"] for line in wrong] == ["lost"]
    found = {slug: await status(api, slug) for slug in ("a_outer", "lost", "z_inner")}
    assert found == {"a_outer": ("active", 1), "lost": ("draft", 1), "z_inner": ("active", 1)}
    assert (await api.done("GET", f"{FLOWS}lost/"))["problems"][0]["code"] == "unknown_subflow"


async def test_the_next_version_of_what_runs_runs_if_it_can(api: Api) -> None:
    id = await api.create()
    await api.done("POST", f"/api/admin/flows/{id}/activate")
    data = await export(api, "sign-in")
    renamed = data.replace(b"id: password", b"id: secret").replace(b": password\n", b": secret\n")
    assert renamed != data
    reply = await load(api, renamed)
    assert reply.body["success"], reply.text
    (active,) = [
        line["version"]
        for line in (await api.done("GET", f"/api/admin/flows/{id}/versions"))["items"]
        if line["active"]
    ]
    assert (active, (await status(api, "sign-in"))[0]) == (2, "active")


async def test_the_logs_tell_what_could_not_be_carried_and_what_keeps_a_flow_from_running(
    api: Api,
) -> None:
    reply = await load(api, (CASES / "sign-in.yaml").read_bytes())
    assert (reply.status, reply.body["success"]) == (200, True)
    first, *others = reply.body["logs"]
    assert (first["log_level"], first["event"], first["attributes"]) == (
        "info",
        "the flow orchard-sign-in was created",
        {"slug": "orchard-sign-in"},
    )
    assert datetime.fromisoformat(first["timestamp"]).tzinfo is not None
    assert {line["attributes"]["entry"] for line in others if "entry" in line["attributes"]} == {
        1,
        3,
        4,
    }


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "send a blueprint"),
        (b"", "send a blueprint"),
        (b"version: 1\nentries: [{id: a}]\n", "model"),
        (b"[", ""),
        (b"version: 1\nentries: [{model: authentik_flows.flow, identifiers: {slug: a b}}]", "slug"),
    ],
)
async def test_what_cannot_be_imported_is_told_as_logs_and_writes_nothing(
    api: Api, data: bytes | None, said: str
) -> None:
    reply = await load(api, data)
    assert (reply.status, reply.body["success"], levels(reply)) == (400, False, {"error"})
    assert said in reply.text
    assert (await api.done("GET", FLOWS))["results"] == []


async def test_a_flow_that_has_to_be_new_and_is_not_is_told_the_same_way(api: Api) -> None:
    await api.done("POST", FLOWS, SIGN_IN)
    data = (await export(api, "sign_in")).replace(
        b"  id: flow\n", b"  id: flow\n  state: must_created\n"
    )
    reply = await load(api, data)
    assert (reply.status, reply.body["success"], levels(reply)) == (400, False, {"error"})
    assert "a new one is wanted" in reply.body["logs"][0]["event"]


async def test_who_may_only_create_cannot_import_over_what_is_there(api: Api) -> None:
    data = b"version: 1\nentries: []"
    assert (await load(api, data, bearer=token("create:flows"))).status == 403
    assert (await load(api, data, bearer=token("update:flows"))).status == 403
    assert (await load(api, data, bearer=token("create:flows", "update:flows"))).status == 200


async def test_what_is_no_form_is_of_another_kind(api: Api) -> None:
    reply = await api.call("POST", f"{FLOWS}import/", {"file": ""})
    assert (reply.status, reply.body["code"]) == (415, "unsupported_media_type")


async def test_an_import_that_is_named_is_done_once(api: Api) -> None:
    data = b"version: 1\nentries: [{model: authentik_flows.flow, identifiers: {slug: a}}]"
    body = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + data + b"\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Idempotency-Key": "once"}
    replies = [
        await api.call("POST", f"{FLOWS}import/", data=body, headers=headers) for _ in range(2)
    ]
    assert replies[0].body["success"]
    assert replies[1].text == replies[0].text


async def test_a_diagram_shows_what_was_saved_last(api: Api) -> None:
    label = 'Name"]; click n0 "javascript:1'
    nodes = [{**each, "label": label} for each in GRAPH["nodes"]]
    await api.create(graph={**GRAPH, "nodes": nodes})
    drawn = (await api.done("GET", f"{FLOWS}sign-in/diagram/"))["diagram"]
    assert drawn.startswith(
        'graph TD\n  n0(["Name#34;#93;#59; click n0 #34;javascript:1 (start)"])'
    )
    assert drawn.endswith("\n  n2 --> n3")


async def test_a_link_leads_to_the_executors(api: Api) -> None:
    await api.create()
    assert await api.done("GET", f"{FLOWS}sign-in/execute/") == {"link": "/flow/execute"}
    await api.create(path="/t/acme/api/admin/flows")
    shown = await api.done("GET", f"/t/acme{FLOWS}sign-in/execute/")
    assert shown == {"link": "/t/acme/flow/execute"}


async def test_a_flow_is_used_by_the_active_ones_that_run_it_inside(api: Api) -> None:
    id = await api.create()
    await api.done("POST", f"/api/admin/flows/{id}/activate")
    outer = await api.create(name="outer", graph=running("sign-in"))
    assert await api.done("GET", f"{FLOWS}sign-in/used_by/") == []
    await api.done("POST", f"/api/admin/flows/{outer}/activate")
    assert await api.done("GET", f"{FLOWS}sign-in/used_by/") == [
        {
            "app": "authentik_flows",
            "model_name": "flow",
            "pk": (await api.done("GET", f"{FLOWS}outer/"))["pk"],
            "name": "outer",
            "action": "cascade",
        }
    ]
    assert (await api.call("DELETE", f"{FLOWS}sign-in/")).status == 409


async def test_a_binding_is_used_by_nothing(api: Api) -> None:
    await api.create()
    (first, _) = (await api.done("GET", BINDINGS))["results"]
    assert await api.done("GET", f"{BINDINGS}{first['pk']}/used_by/") == []


async def test_what_is_ready_is_counted_in_ones_own_tenant(
    compiler: CompilerStandIn, api: Api
) -> None:
    id = await api.create()
    assert await api.done("GET", f"{FLOWS}cache_info/") == {"count": 0}
    await api.done("POST", f"/api/admin/flows/{id}/compile")
    assert await api.done("GET", f"{FLOWS}cache_info/") == {"count": 1}
    assert await api.done("GET", f"/t/acme{FLOWS}cache_info/") == {"count": 0}
    for method, path in (("GET", "cache_info"), ("POST", "cache_clear")):
        assert (await api.call(method, f"/t/nobody-s{FLOWS}{path}/")).status == 404


async def test_clearing_has_all_that_is_active_published_again(
    compiler: CompilerStandIn, api: Api
) -> None:
    assert (await api.call("POST", f"{FLOWS}cache_clear/")).status == 204
    assert compiler.asked == []
    id = await api.create()
    await api.done("POST", f"/api/admin/flows/{id}/activate")
    compiler.asked.clear()
    assert (await api.call("POST", f"{FLOWS}cache_clear/")).status == 204
    assert compiler.asked == [(PUBLISH, {"tenant": "default", "type": "login"})]
