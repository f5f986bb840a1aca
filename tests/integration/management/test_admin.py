"""The nine endpoints against the page's own examples: what a client of that page would decode."""

import time

import pytest

from tests.integration.management import page
from tests.integration.management.conftest import GRAPH, Api, CompilerStandIn
from tests.integration.management.page import shape

FLOWS = "/api/admin/flows"


async def test_a_created_flow_is_answered_as_on_the_page(api: Api) -> None:
    before = int(time.time())
    reply = await api.call("POST", FLOWS, page.CREATE)
    assert reply.status == 201
    assert shape(reply.body) == shape(page.CREATED)
    assert {**reply.body, "created_at": 1706140800} == page.CREATED
    assert before <= reply.body["created_at"] <= time.time()


async def test_the_details_of_a_compiled_active_flow_are_those_of_the_page(
    api: Api, compiler: CompilerStandIn
) -> None:
    created = {name: page.DETAILS[name] for name in ("name", "display_name", "description", "type")}
    id = await api.create(**created, graph=page.MFA_LOGIN_GRAPH)
    await api.call("POST", f"{FLOWS}/{id}/compile")
    await api.call("POST", f"{FLOWS}/{id}/activate")
    reply = await api.call("GET", f"{FLOWS}/{id}")
    assert reply.status == 200
    assert shape(reply.body) == shape(page.DETAILS)
    times = dict.fromkeys(("created_at", "updated_at", "compiled_at"), 1705968000)
    assert {**reply.body, **times} == {**page.DETAILS, "id": "flow_mfa_login"}


async def test_a_flow_that_is_neither_described_nor_compiled_lacks_those_fields(api: Api) -> None:
    reply = await api.call("GET", f"{FLOWS}/{await api.create()}")
    expected = [name for name in page.DETAILS if name not in {"description", "compiled_at"}]
    assert list(reply.body) == expected
    assert reply.body["compiled"] is False


async def test_a_list_is_answered_as_on_the_page(api: Api) -> None:
    await api.create(name="default-login")
    await api.create(name="mfa-login")
    reply = await api.call("GET", f"{FLOWS}?type=login")
    assert reply.status == 200
    assert shape(reply.body) == shape(page.LIST)
    assert [item["name"] for item in reply.body["items"]] == ["default-login", "mfa-login"]
    assert reply.body["total"] == 2


async def test_an_update_answers_the_details_of_the_next_version(api: Api) -> None:
    id = (await api.call("POST", FLOWS, page.CREATE)).body["id"]
    reply = await api.call("PUT", f"{FLOWS}/{id}", page.UPDATE)
    assert reply.status == 200
    assert reply.body == (await api.call("GET", f"{FLOWS}/{id}")).body
    assert reply.body["version"] == 2
    assert reply.body["display_name"] == page.UPDATE["display_name"]
    assert reply.body["graph"] == page.UPDATE["graph"]
    assert reply.body["description"] == page.CREATE["description"]


async def test_a_deleted_flow_is_gone_and_its_answer_is_empty(api: Api) -> None:
    id = await api.create()
    reply = await api.call("DELETE", f"{FLOWS}/{id}")
    assert (reply.status, reply.text) == (204, "")
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/validate")):
        assert (await api.call(method, f"{FLOWS}/{id}{path}")).status == 404


async def test_a_valid_flow_is_told_with_its_warnings(api: Api) -> None:
    fallback = {"id": "fallback", "type": "password_input"}
    graph = {
        "nodes": [*GRAPH["nodes"], fallback],
        "edges": [*GRAPH["edges"], {"source": "fallback", "target": "success"}],
    }
    reply = await api.call("POST", f"{FLOWS}/{await api.create(graph=graph)}/validate")
    assert reply.status == 200
    assert reply.body == page.VALID


async def test_a_valid_flow_without_warnings_says_that_there_are_none(api: Api) -> None:
    reply = await api.call("POST", f"{FLOWS}/{await api.create()}/validate")
    assert reply.body == {"valid": True, "warnings": []}


async def test_an_invalid_flow_is_told_with_the_errors_of_the_page(api: Api) -> None:
    graph = {
        "nodes": [
            {"id": "identifier", "type": "identifier_input"},
            {"id": "password", "type": "password_input"},
        ],
        "edges": [
            {"source": "identifier", "target": "password"},
            {"source": "password", "target": "mfa"},
        ],
    }
    reply = await api.call("POST", f"{FLOWS}/{await api.create(graph=graph)}/validate")
    assert reply.status == 200
    assert list(reply.body)[:2] == ["valid", "errors"]
    assert reply.body["valid"] is False
    for error in page.INVALID["errors"]:
        assert error in reply.body["errors"]


async def test_a_compiled_flow_is_answered_as_on_the_page(
    api: Api, compiler: CompilerStandIn
) -> None:
    id = await api.create()
    reply = await api.call("POST", f"{FLOWS}/{id}/compile")
    assert reply.status == 200
    assert shape(reply.body) == shape(page.COMPILED)
    assert reply.body == {"id": id, "compiled": True, "compiled_at": 1_800_000_000, "version": 1}


async def test_an_activated_and_a_deactivated_flow_are_answered_as_on_the_page(api: Api) -> None:
    id = await api.create()
    for verb, example in (("activate", page.ACTIVATED), ("deactivate", page.DEACTIVATED)):
        reply = await api.call("POST", f"{FLOWS}/{id}/{verb}")
        assert reply.status == 200
        assert shape(reply.body) == shape(example)
        assert reply.body["status"] == example["status"]


@pytest.mark.parametrize("verb", ["GET", "PUT"])
async def test_a_flow_of_another_tenant_is_none_of_ours(api: Api, verb: str) -> None:
    id = await api.create("/t/acme/api/admin/flows")
    assert (await api.call("GET", f"/t/acme{FLOWS}/{id}")).status == 200
    assert (await api.call(verb, f"{FLOWS}/{id}", {} if verb == "PUT" else None)).status == 404


async def test_a_graph_is_given_back_as_it_was_written(api: Api) -> None:
    graph = {
        "nodes": [
            {"id": "b", "type": "no_such_type", "config": {"z": 1.0, "a": [True, None, 10**30]}},
            {"id": "a", "type": "start", "label": "Ä \u2028"},
        ],
        "edges": [{"source": "b", "target": "nowhere", "condition": "x"}],
    }
    id = await api.create(graph=graph)
    body = (await api.call("GET", f"{FLOWS}/{id}")).body
    assert body["graph"] == graph
    assert [list(node) for node in body["graph"]["nodes"]] == [
        ["id", "type", "config"],
        ["id", "type", "label"],
    ]
    assert list(body["graph"]["nodes"][0]["config"]) == ["z", "a"]
