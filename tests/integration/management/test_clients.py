"""`/api/admin/clients`: who may make which clients, and what becomes of their secrets."""

from __future__ import annotations

import asyncpg
import pytest

from libs.common.flow.model import Json
from tests.integration.management.conftest import EVERYTHING, Api, Reply, Start, refused, token

CLIENTS = "/api/admin/clients"
CI: Json = {"name": "ci", "scopes": ["read:flows", "create:flows"]}


async def made(api: Api, path: str = CLIENTS, **fields: Json) -> Json:
    reply = await api.call("POST", path, {**CI, **fields})
    assert reply.status == 201, reply.text
    return reply.body


async def token_of(api: Api, client: Json, tenant: str = "") -> Reply:
    body = {
        "grant_type": "client_credentials",
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
    }
    return await api.call("POST", f"{tenant}/oauth/token", body, bearer="")


async def test_a_client_is_made_shown_changed_and_deleted(api: Api) -> None:
    client = await made(api)
    secret, id = client.pop("client_secret"), client["client_id"]
    assert len(secret) >= 43
    created = client["created_at"]
    assert client == {
        "client_id": id,
        "name": "ci",
        "scopes": ["create:flows", "read:flows"],
        "every_tenant": False,
        "created_at": created,
        "updated_at": created,
        "rotated_at": None,
    }
    assert await api.done("GET", f"{CLIENTS}/{id}") == client
    assert await api.done("GET", CLIENTS) == {"items": [client], "cursor": None}
    edited = await api.done("PUT", f"{CLIENTS}/{id}", {"name": "cd", "scopes": ["read:audit"]})
    assert (edited["name"], edited["scopes"]) == ("cd", ["read:audit"])
    reply = await api.call("DELETE", f"{CLIENTS}/{id}")
    assert (reply.status, reply.text) == (204, "")
    refused(await api.call("GET", f"{CLIENTS}/{id}"), 404, "not_found")
    refused(await api.call("DELETE", f"{CLIENTS}/{id}"), 404, "not_found")


async def test_a_secret_is_shown_once_and_kept_nowhere(api: Api, rows: asyncpg.Connection) -> None:
    client = await made(api)
    reply = await api.call("POST", f"{CLIENTS}/{client['client_id']}/rotate-secret")
    assert (reply.status, reply.headers["Cache-Control"]) == (200, "no-store")
    secrets = (client["client_secret"], reply.body["client_secret"])
    assert secrets[0] != secrets[1]
    listed = (await api.call("GET", CLIENTS)).text
    log = (await api.call("GET", "/api/admin/audit")).text
    stored = str([dict(row) for row in await rows.fetch("SELECT * FROM api_clients")])
    for secret in secrets:
        assert all(secret not in text for text in (listed, log, stored))


async def test_another_secret_makes_the_one_before_good_for_nothing(api: Api) -> None:
    client = await made(api)
    rotated = await api.done("POST", f"{CLIENTS}/{client['client_id']}/rotate-secret")
    assert rotated["rotated_at"] is not None
    assert (await token_of(api, client)).status == 401
    assert (await token_of(api, rotated)).status == 200
    await api.done("DELETE", f"{CLIENTS}/{client['client_id']}")
    assert (await token_of(api, rotated)).status == 401


async def test_the_tokens_of_a_client_end_with_its_secret_and_with_itself(start: Start) -> None:
    api, replica = await start(), await start()
    client = await made(api)
    before = (await token_of(api, client)).body["access_token"]
    one = f"{CLIENTS}/{client['client_id']}"
    # Of replicas that have not seen it of late, so that nothing has to pass.
    rotated = await api.done("POST", f"{one}/rotate-secret")
    assert (await replica.call("GET", "/api/admin/flows", bearer=before)).status == 401
    after = (await token_of(api, rotated)).body["access_token"]
    assert (await replica.call("GET", "/api/admin/flows", bearer=after)).status == 200
    await api.done("DELETE", one)
    assert (await api.call("GET", "/api/admin/flows", bearer=after)).status == 401


async def test_a_token_allows_no_more_than_its_client_may_do_by_now(api: Api) -> None:
    client = await made(api)
    bearer = (await token_of(api, client)).body["access_token"]
    edit: Json = {"scopes": ["read:clients"]}
    await api.done("PUT", f"{CLIENTS}/{client['client_id']}", edit)
    assert (await api.call("GET", CLIENTS, bearer=bearer)).status == 403
    assert (await api.call("GET", "/api/admin/flows", bearer=bearer)).status == 403


async def test_nobody_gives_a_client_more_than_they_may_do(api: Api) -> None:
    bearer = token("create:clients", "update:clients", "read:flows")
    reply = await api.call("POST", CLIENTS, CI, bearer=bearer)
    refused(reply, 403, "denied")
    assert "create:flows" in reply.body["message"]
    lesser = {**CI, "scopes": ["read:flows"]}
    reply = await api.call("POST", CLIENTS, lesser, bearer=bearer)
    assert reply.status == 201
    path = f"{CLIENTS}/{reply.body['client_id']}"
    refused(await api.call("PUT", path, {"scopes": ["read:audit"]}, bearer=bearer), 403, "denied")
    assert (await api.call("PUT", path, {"name": "b"}, bearer=bearer)).status == 200


async def test_nobody_gets_hold_of_a_client_that_may_do_more_than_they(api: Api) -> None:
    path = f"{CLIENTS}/{(await made(api))['client_id']}"
    bearer = token("read:clients", "update:clients", "read:flows")
    refused(await api.call("POST", f"{path}/rotate-secret", bearer=bearer), 403, "denied")
    for body in ({"scopes": ["read:flows"]}, {"name": "b"}):
        refused(await api.call("PUT", path, body, bearer=bearer), 403, "denied")


async def test_who_is_confined_to_a_tenant_makes_and_sees_clients_of_it_alone(api: Api) -> None:
    bearer = token(tenant="acme")
    everywhere = await made(api, every_tenant=True)
    elsewhere = await made(api)
    own = f"/t/acme{CLIENTS}"
    refused(await api.call("POST", own, {**CI, "every_tenant": True}, bearer=bearer), 403, "denied")
    mine = (await api.call("POST", own, CI, bearer=bearer)).body
    listed = (await api.call("GET", own, bearer=bearer)).body["items"]
    assert [each["client_id"] for each in listed] == [mine["client_id"]]
    for other in (everywhere, elsewhere):
        path = f"{own}/{other['client_id']}"
        for method, at, body in (
            ("GET", "", None),
            ("PUT", "", {"name": "b"}),
            ("POST", "/rotate-secret", None),
            ("DELETE", "", None),
        ):
            refused(await api.call(method, path + at, body, bearer=bearer), 404, "not_found")
    refused(await api.call("GET", CLIENTS, bearer=bearer), 403, "denied")


async def test_who_is_confined_to_none_sees_the_clients_of_every_tenant_beside(api: Api) -> None:
    everywhere = await made(api, every_tenant=True)
    own = await made(api, f"/t/acme{CLIENTS}")
    listed = await api.done("GET", f"/t/acme{CLIENTS}")
    assert [each["client_id"] for each in listed["items"]] == [
        everywhere["client_id"],
        own["client_id"],
    ]
    listed = await api.done("GET", CLIENTS)
    assert [each["client_id"] for each in listed["items"]] == [everywhere["client_id"]]


async def test_each_change_is_in_the_audit_log_as_it_was_and_is(api: Api) -> None:
    client = await made(api)
    path = f"{CLIENTS}/{client['client_id']}"
    await api.done("PUT", path, {"scopes": ["read:flows"]})
    await api.done("PUT", path, {"scopes": ["read:flows"]})
    await api.done("POST", f"{path}/rotate-secret")
    await api.done("DELETE", path)
    first = {"name": "ci", "scopes": ["create:flows", "read:flows"], "every_tenant": False}
    second = {**first, "scopes": ["read:flows"]}
    items = (await api.done("GET", "/api/admin/audit"))["items"]
    assert [
        (item["action"], item.get("before"), item.get("after")) for item in reversed(items)
    ] == [
        ("create", None, first),
        ("update", first, second),
        ("rotate_secret", second, second),
        ("delete", second, None),
    ]
    assert {item["resource"] for item in items} == {f"clients/{client['client_id']}"}


async def test_what_is_of_every_tenant_is_not_in_the_log_of_who_is_confined_to_one(
    api: Api,
) -> None:
    await made(api, f"/t/acme{CLIENTS}", every_tenant=True)
    own = await made(api, f"/t/acme{CLIENTS}")
    path = "/t/acme/api/admin/audit"
    seen = (await api.call("GET", path, bearer=token(tenant="acme"))).body["items"]
    assert [item["resource"] for item in seen] == [f"clients/{own['client_id']}"]
    assert len((await api.done("GET", path))["items"]) == 2


async def test_pages_hold_each_client_once_whatever_comes_and_goes(api: Api) -> None:
    ids = [(await made(api, name=str(number)))["client_id"] for number in range(5)]
    first = await api.done("GET", f"{CLIENTS}?limit=2")
    await api.done("DELETE", f"{CLIENTS}/{ids[1]}")
    second = await api.done("GET", f"{CLIENTS}?limit=2&cursor={first['cursor']}")
    third = await api.done("GET", f"{CLIENTS}?limit=2&cursor={second['cursor']}")
    pages = [[item["client_id"] for item in page["items"]] for page in (first, second, third)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert third["cursor"] is None


async def test_a_condition_on_a_client_is_kept(api: Api) -> None:
    path = f"{CLIENTS}/{(await made(api))['client_id']}"
    tag = (await api.call("GET", path)).headers["ETag"]
    await api.done("PUT", path, {"name": "b"})
    stale = {"If-Match": tag}
    for method, at, body in (
        ("PUT", "", {"name": "c"}),
        ("POST", "/rotate-secret", None),
        ("DELETE", "", None),
    ):
        refused(await api.call(method, path + at, body, headers=stale), 412, "stale")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read:everything"]}, "scopes[0]"),
        ({"every_tenant": "yes"}, "every_tenant"),
        ({"client_secret": "mine"}, "client_secret"),
    ],
)
async def test_a_client_that_makes_no_sense_is_refused_with_its_path(
    api: Api, fields: dict[str, Json], path: str
) -> None:
    reply = await api.call("POST", CLIENTS, {**CI, **fields})
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [path]


async def test_what_no_client_is_called_is_not_found(api: Api) -> None:
    for id in ("a", "%00", "0" * 32, "A" * 32):
        refused(await api.call("GET", f"{CLIENTS}/{id}"), 404, "not_found")
    refused(await api.call("GET", f"/t/nobody{CLIENTS}"), 404, "not_found")
    refused(await api.call("POST", f"/t/nobody{CLIENTS}", CI), 404, "not_found")


async def test_the_scopes_of_clients_are_asked_for(start: Start) -> None:
    api = await start()
    path = f"{CLIENTS}/{(await made(api))['client_id']}"
    for method, at, body, scope in (
        ("GET", CLIENTS, None, "read:clients"),
        ("POST", CLIENTS, CI, "create:clients"),
        ("GET", path, None, "read:clients"),
        ("PUT", path, {}, "update:clients"),
        ("POST", f"{path}/rotate-secret", None, "update:clients"),
        ("DELETE", path, None, "delete:clients"),
    ):
        bearer = token(*(each for each in EVERYTHING if each != scope))
        refused(await api.call(method, at, body, bearer=bearer), 403, "denied")
