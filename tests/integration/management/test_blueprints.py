"""Blueprints of authentik's come in whole or not at all, and say what they could not bring."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from libs.common.flow.model import Graph, Json
from tests.integration.management.conftest import FLOW, Api, Reply, Start, refused, token
from tests.integration.management.graphs import FLOWS, active

CASES = Path(__file__).parents[2] / "fixtures" / "blueprints"
SIGN_IN = (CASES / "sign-in.yaml").read_bytes()
TWO = b"""
version: 1
entries:
  - model: authentik_flows.flow
    identifiers: {slug: one}
    attrs: {name: One, designation: invalidation}
  - model: authentik_flows.flow
    state: STATE
    identifiers: {slug: sign-in}
    attrs: {name: Two, designation: DESIGNATION}
"""


def two(state: str = "present", designation: str = "authentication") -> bytes:
    return TWO.replace(b"STATE", state.encode()).replace(b"DESIGNATION", designation.encode())


async def load(api: Api, data: bytes, query: str = "", **call: Json) -> Reply:
    kind = "application/json" if data[:1] == b"{" else "application/yaml"
    headers = {"Content-Type": kind}
    return await api.call("POST", f"{FLOWS}/import{query}", data=data, headers=headers, **call)


async def names(api: Api) -> list[str]:
    return [flow["name"] for flow in (await api.done("GET", FLOWS))["items"]]


async def test_the_flows_of_a_blueprint_are_drafts_with_its_report_beside_them(api: Api) -> None:
    reply = await load(api, SIGN_IN)
    assert reply.status == 200
    (flow,) = reply.body["flows"]
    assert (flow["name"], flow["type"], flow["fate"], flow["version"]) == (
        "orchard-sign-in",
        "login",
        "created",
        1,
    )
    assert {each["entry"] for each in reply.body["report"]["remarks"]} == {1, 3, 4}
    found = await api.done("GET", f"{FLOWS}/{flow['id']}")
    assert (found["status"], found["display_name"]) == ("draft", "Sign in to Orchard")
    assert [node["id"] for node in found["graph"]["nodes"]][:3] == [
        "start",
        "orchard-who",
        "orchard-password",
    ]
    checked = await api.done("POST", f"{FLOWS}/{flow['id']}/validate")
    assert (checked["valid"], checked.get("errors", [])) == (flow["valid"], flow["errors"])


async def test_the_older_json_is_told_by_its_shape_as_well(api: Api) -> None:
    reply = await load(api, (CASES / "legacy.json").read_bytes())
    assert [flow["name"] for flow in reply.body["flows"]] == ["orchard-legacy"]


async def test_validating_says_the_same_and_writes_nothing(api: Api) -> None:
    said = (await load(api, SIGN_IN, "?validate_only=true")).body
    assert await names(api) == []
    done = (await load(api, SIGN_IN)).body
    assert (said.pop("validate_only"), done.pop("validate_only")) == (True, False)
    for flow in done["flows"]:
        del flow["id"], flow["version"]
    assert said == done


async def test_a_document_of_ours_can_be_validated_too(api: Api) -> None:
    data = msgspec.json.encode({"gatehouse": 1, "flow": FLOW})
    reply = await load(api, data, "?validate_only=true")
    assert reply.status == 200
    assert [(flow["name"], flow["fate"]) for flow in reply.body["flows"]] == [
        ("sign-in", "created")
    ]
    assert await names(api) == []
    await api.create()
    refused(await load(api, data, "?validate_only=true"), 409, "conflict")
    again = (await load(api, data, "?validate_only=true&replace=true")).body
    assert [flow["fate"] for flow in again["flows"]] == ["updated"]


async def test_a_flow_that_is_there_gets_its_next_version_and_goes_on_running_the_old(
    api: Api,
) -> None:
    id = await active(api, "sign-in")
    reply = await load(api, two())
    assert [(flow["name"], flow["fate"]) for flow in reply.body["flows"]] == [
        ("one", "created"),
        ("sign-in", "updated"),
    ]
    found = await api.done("GET", f"{FLOWS}/{id}")
    assert (found["version"], found["display_name"], found["status"]) == (2, "Two", "active")
    versions = (await api.done("GET", f"{FLOWS}/{id}/versions"))["items"]
    assert [line["version"] for line in versions if line["active"]] == [1]


async def test_a_flow_that_is_only_to_be_made_where_there_is_none_is_kept(api: Api) -> None:
    id = await active(api, "sign-in")
    for query in ("?validate_only=true", ""):
        reply = await load(api, two("created", "recovery"), query)
        assert [flow["fate"] for flow in reply.body["flows"]] == ["created", "kept"]
        assert reply.body["flows"][1]["type"] == "login"
    assert (await api.done("GET", f"{FLOWS}/{id}"))["version"] == 1


@pytest.mark.parametrize("query", ["", "?validate_only=true"])
async def test_one_flow_that_cannot_be_saved_keeps_out_all(api: Api, query: str) -> None:
    await api.create()
    refused(await load(api, two("must_created"), query), 409, "conflict")
    reply = await load(api, two("present", "recovery"), query)
    refused(reply, 400, "invalid")
    assert reply.body["problems"][0]["path"] == "entries[1].attrs.designation"
    assert await names(api) == ["sign-in"]


async def test_a_file_that_is_no_blueprint_says_where(api: Api) -> None:
    reply = await load(api, b"version: 1\nentries: [{id: a}]\n")
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == ["entries[0].model"]
    refused(await load(api, b"entries: !!python/name:os.system\n"), 400, "invalid")


async def test_a_blueprint_finds_the_flows_of_its_tenant_alone(api: Api) -> None:
    leaving = SIGN_IN.replace(
        b"authentik_stages_user_login.userloginstage", b"authentik_stages_redirect.redirectstage"
    ).replace(
        b"session_duration: !Env [ORCHARD_SESSION, hours=10]",
        b"target_flow: !Find [authentik_flows.flow, [slug, sign-in]]",
    )

    async def last(path: str) -> str:
        reply = await api.call("POST", path, data=leaving, headers={"Content-Type": "text/yaml"})
        id = reply.body["flows"][0]["id"]
        found = await api.done("GET", f"{path.removesuffix('/import')}/{id}")
        graph = msgspec.convert(found["graph"], Graph)
        return graph.nodes[-3].type

    await api.create()
    assert await last(f"{FLOWS}/import") == "subflow"
    assert await last(f"/t/acme{FLOWS}/import") == "dummy"


async def test_who_may_not_change_flows_may_only_look(api: Api) -> None:
    bearer = token("create:flows")
    refused(await load(api, SIGN_IN, bearer=bearer), 403, "denied")
    assert (await load(api, SIGN_IN, "?validate_only=true", bearer=bearer)).status == 200
    assert await names(api) == []


async def test_what_the_operator_names_is_read_and_nothing_else(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHARD_SESSION", "hours=1")
    monkeypatch.setenv("ORCHARD_SECRET", "hunter2")
    (tmp_path / "name").write_text("Orchard & Sons\n")
    (tmp_path / "key").write_text("hunter2")
    api = await start(
        blueprint_env=("ORCHARD_SESSION",), blueprint_files=(str(tmp_path / "name"), "/nowhere")
    )
    text = SIGN_IN.replace(b"!Context brand", f"!File {tmp_path}/name".encode())
    reply = await load(api, text)
    found = await api.done("GET", f"{FLOWS}/{reply.body['flows'][0]['id']}")
    assert found["display_name"] == "Sign in to Orchard & Sons"
    assert "ORCHARD_SESSION" not in reply.text
    for tag in (f"!File {tmp_path}/key", "!File /nowhere", "!Env ORCHARD_SECRET"):
        reply = await load(api, SIGN_IN.replace(b"!Context brand", tag.encode()))
        assert "lets no blueprint read" in reply.text
        assert "hunter2" not in reply.text
