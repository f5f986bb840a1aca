"""`/api/admin/bootstrap`: the first client of a deployment, once."""

import asyncio

import pytest

from libs.common.chassis.startup import StartupFailure
from libs.common.secret import Secret
from tests.integration.management.conftest import EVERYTHING, Api, Reply, Start, refused, token
from tests.integration.management.test_clients import token_of

TOKEN = "a token of this test, of random bytes"
PATH = "/api/admin/bootstrap"


async def bootstrap(api: Api, bearer: str = TOKEN) -> Reply:
    return await api.call("POST", PATH, bearer=bearer)


async def test_the_token_makes_a_client_that_may_do_everything_everywhere(start: Start) -> None:
    api = await start(bootstrap_token=Secret(TOKEN))
    reply = await api.call("POST", PATH, {"name": "first"}, bearer=TOKEN)
    assert (reply.status, reply.headers["Cache-Control"]) == (201, "no-store")
    client = reply.body
    assert (client["name"], client["every_tenant"]) == ("first", True)
    assert client["scopes"] == sorted(EVERYTHING)
    bearer = (await token_of(api, client)).body["access_token"]
    assert (await api.call("GET", "/t/acme/api/admin/flows", bearer=bearer)).status == 200
    [entry] = (await api.done("GET", "/api/admin/audit"))["items"]
    assert (entry["actor"], entry["action"]) == ("bootstrap", "create")
    assert entry["resource"] == f"clients/{client['client_id']}"
    assert entry["address"] == "127.0.0.1"
    confined = token("read:audit", tenant="default")
    assert (await api.call("GET", "/api/admin/audit", bearer=confined)).body["items"] == []


async def test_it_works_once_and_says_so_to_who_has_it(start: Start) -> None:
    api = await start(bootstrap_token=Secret(TOKEN))
    assert (await bootstrap(api)).status == 201
    refused(await bootstrap(api), 410, "expired")
    # Nor after a restart, nor after the client is gone.
    [client] = (await api.done("GET", "/api/admin/clients"))["items"]
    await api.done("DELETE", f"/api/admin/clients/{client['client_id']}")
    refused(await bootstrap(await start(bootstrap_token=Secret(TOKEN))), 410, "expired")


async def test_of_many_at_once_one_gets_it(start: Start) -> None:
    replicas = [await start(bootstrap_token=Secret(TOKEN)) for _ in range(2)]
    replies = await asyncio.gather(*(bootstrap(api) for api in replicas for _ in range(6)))
    assert sorted(reply.status for reply in replies) == [201, *([410] * 11)]
    assert len((await replicas[0].done("GET", "/api/admin/clients"))["items"]) == 1


async def test_another_token_makes_nothing(start: Start) -> None:
    api = await start(bootstrap_token=Secret(TOKEN))
    for bearer in ("", TOKEN[:-1], f"{TOKEN}.", token(), "ä"):
        refused(await bootstrap(api, bearer), 401, "unauthenticated")
    assert (await bootstrap(api)).status == 201


async def test_without_the_setting_nobody_gets_in_this_way(api: Api) -> None:
    for bearer in ("", TOKEN, token()):
        refused(await bootstrap(api, bearer), 401, "unauthenticated")


async def test_a_refused_body_does_not_use_the_token_up(start: Start) -> None:
    api = await start(bootstrap_token=Secret(TOKEN))
    refused(await api.call("POST", PATH, {"name": ""}, bearer=TOKEN), 400, "invalid")
    assert (await bootstrap(api)).status == 201


async def test_it_is_of_no_tenant(start: Start) -> None:
    api = await start(bootstrap_token=Secret(TOKEN))
    refused(await api.call("POST", f"/t/acme{PATH}", bearer=TOKEN), 404, "not_found")


async def test_a_token_that_could_be_guessed_keeps_the_service_from_starting(
    start: Start,
) -> None:
    with pytest.raises(StartupFailure, match="GATEHOUSE_BOOTSTRAP_TOKEN") as failure:
        await start(bootstrap_token=Secret("s" * 31))
    assert "s" * 31 not in str(failure.value)
