"""`/oauth/token`: a token for a secret, and every way to ask for it that is not right."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt
import pytest

from libs.common.flow.model import Json
from libs.common.secret import Secret
from tests.integration.management.conftest import KEY, Api, Reply, Start, token
from tests.integration.management.test_clients import made

FORM = "application/x-www-form-urlencoded"


class Client:
    """A client of the API, which asks for tokens."""

    def __init__(self, api: Api, client: Json) -> None:
        self._api = api
        self.id: str = client["client_id"]
        self.secret: str = client["client_secret"]
        self.fields: Json = {
            "grant_type": "client_credentials",
            "client_id": self.id,
            "client_secret": self.secret,
        }

    async def json(self, *, at: str = "", **fields: Json) -> Reply:
        return await self._api.call("POST", f"{at}/oauth/token", self._with(fields), bearer="")

    async def form(self, *, at: str = "", **fields: Json) -> Reply:
        return await self.raw(urlencode(self._with(fields)), at=at)

    async def basic(self, id: str | None = None, secret: str | None = None) -> Reply:
        pair = f"{quote_plus(id or self.id)}:{quote_plus(secret or self.secret)}"
        encoded = base64.b64encode(pair.encode()).decode()
        return await self.raw("grant_type=client_credentials", Authorization=f"Basic {encoded}")

    async def raw(self, body: str, *, at: str = "", **headers: str) -> Reply:
        return await self._api.call(
            "POST",
            f"{at}/oauth/token",
            data=body.encode(),
            headers={"Content-Type": FORM, **headers},
            bearer="",
        )

    def _with(self, fields: dict[str, Json]) -> Json:
        chosen = {**self.fields, **fields}
        return {name: value for name, value in chosen.items() if value is not None}


@pytest.fixture
async def client(api: Api) -> Client:
    return Client(api, await made(api))


def claims(reply: Reply) -> Json:
    assert reply.status == 200, reply.text
    options: Any = {"verify_aud": False}
    return jwt.decode(reply.body["access_token"], KEY.reveal(), ["HS256"], options=options)


def refused(reply: Reply, status: int, error: str) -> None:
    """Assert the refusal, in the shape of RFC 6749."""
    assert (reply.status, reply.body["error"]) == (status, error), reply.text
    assert set(reply.body) == {"error", "error_description"}
    assert reply.headers["Cache-Control"] == "no-store"
    if status == 401:
        assert reply.headers["WWW-Authenticate"] == 'Basic realm="gatehouse"'


async def test_a_client_gets_a_token_that_does_what_the_client_may(
    api: Api, client: Client
) -> None:
    reply = await client.json()
    assert reply.headers["Cache-Control"] == "no-store"
    body = reply.body
    bearer = body.pop("access_token")
    assert body == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "create:flows read:flows",
    }
    assert (await api.call("GET", "/api/admin/flows", bearer=bearer)).status == 200
    assert (await api.call("GET", "/api/admin/audit", bearer=bearer)).status == 403
    said = claims(reply)
    assert (said["sub"], said["tenant"]) == (f"{client.id}@clients", "default")
    assert said["exp"] - said["iat"] == 3600


async def test_forms_json_and_the_header_are_all_understood(client: Client) -> None:
    # As Auth0's SDKs send it, with an audience.
    audience = {"audience": "https://tenant.example/api/v2/"}
    for reply in (await client.json(**audience), await client.form(**audience)):
        assert claims(reply)["sub"] == f"{client.id}@clients"
    assert (await client.basic()).status == 200
    # With fields that are empty, and some that nobody knows (RFC 6749, 3.2).
    assert (await client.form(scope="", resource="x")).status == 200
    assert (await client.json(scope=None, extra=[1])).status == 200


async def test_a_scope_narrows_and_never_widens(client: Client) -> None:
    reply = await client.form(scope="read:flows")
    assert (reply.body["scope"], claims(reply)["scope"]) == ("read:flows", "read:flows")
    refused(await client.form(scope="read:flows read:audit"), 400, "invalid_scope")
    refused(await client.form(scope="everything"), 400, "invalid_scope")


async def test_the_life_of_a_token_is_configured(start: Start) -> None:
    api = await start(client_token_seconds=60)
    reply = await Client(api, await made(api)).json()
    said = claims(reply)
    assert (reply.body["expires_in"], said["exp"] - said["iat"]) == (60, 60)


async def test_a_token_is_for_the_tenant_of_its_client_or_of_the_path(api: Api) -> None:
    acme = Client(api, await made(api, "/t/acme/api/admin/clients"))
    assert claims(await acme.json(at="/t/acme"))["tenant"] == "acme"
    for at in ("", "/t/default", "/t/nobody"):
        refused(await acme.json(at=at), 401, "invalid_client")
    everywhere = Client(api, await made(api, every_tenant=True))
    assert "tenant" not in claims(await everywhere.json())
    assert claims(await everywhere.json(at="/t/acme"))["tenant"] == "acme"
    assert claims(await everywhere.json(at="/t/default"))["tenant"] == "default"


async def test_a_token_of_a_tenants_host_is_for_that_tenant(start: Start) -> None:
    api = await start(tenant_hosts=("acme.example=acme",))
    own = Client(api, await made(api, "/t/acme/api/admin/clients"))
    everywhere = Client(api, await made(api, every_tenant=True))
    for client in (own, everywhere):
        sent = urlencode(client.fields)
        assert claims(await client.raw(sent, Host="acme.example"))["tenant"] == "acme"
    refused(await own.raw(urlencode(own.fields), Host="other.example"), 401, "invalid_client")


async def test_who_there_is_cannot_be_told_from_a_refusal(api: Api, client: Client) -> None:
    other = Client(api, await made(api, "/t/acme/api/admin/clients"))
    replies = [
        await client.json(client_secret="wrong"),
        await client.json(client_secret=""),
        await client.json(client_secret=other.secret),
        await client.json(client_id="0" * 32),
        await client.json(client_id="a\x00"),
        await client.form(client_secret="\x00"),
        await client.json(client_id=other.id, client_secret=other.secret),
        await client.form(client_secret="wrong"),
        await client.basic(secret="wrong"),
        await client.basic(id="0" * 32),
    ]
    for reply in replies:
        refused(reply, 401, "invalid_client")
    assert len({reply.text for reply in replies}) == 1


@pytest.mark.parametrize("fields", [{"client_id": None}, {"client_secret": None}])
async def test_who_does_not_say_who_they_are_is_refused(
    client: Client, fields: dict[str, Json]
) -> None:
    refused(await client.json(**fields), 401, "invalid_client")
    refused(await client.form(**fields), 401, "invalid_client")


@pytest.mark.parametrize(
    "header", ["Bearer abc", "Basic", "Basic !", "Basic YWJj", "Basic gA==", "nonsense"]
)
async def test_a_header_that_is_no_basic_one_is_refused(client: Client, header: str) -> None:
    reply = await client.raw("grant_type=client_credentials", Authorization=header)
    refused(reply, 401, "invalid_client")


async def test_a_secret_is_sent_once(client: Client) -> None:
    encoded = base64.b64encode(f"{client.id}:{client.secret}".encode()).decode()
    header = {"Authorization": f"Basic {encoded}"}
    twice = urlencode(client.fields)
    refused(await client.raw(twice, **header), 400, "invalid_request")
    other = f"grant_type=client_credentials&client_id={'0' * 32}"
    refused(await client.raw(other, **header), 400, "invalid_request")
    same = f"grant_type=client_credentials&client_id={client.id}"
    assert (await client.raw(same, **header)).status == 200


async def test_other_grants_are_not_given(client: Client) -> None:
    refused(await client.form(grant_type="password"), 400, "unsupported_grant_type")
    refused(await client.json(grant_type=None), 400, "invalid_request")


@pytest.mark.parametrize(
    ("body", "media"),
    [
        ("grant_type=client_credentials&grant_type=client_credentials", FORM),
        ("&".join(f"a{number}=1" for number in range(60)), FORM),
        ("nonsense", FORM),
        ("a=%ff", FORM),
        ("{", "application/json"),
        ("[]", "application/json"),
        ('{"client_secret": 7}', "application/json"),
        ("grant_type=client_credentials", "text/plain"),
        ('{"client_secret": "\\ud800"}', "application/json"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused(client: Client, body: str, media: str) -> None:
    reply = await client.raw(body, **{"Content-Type": media})
    assert reply.body["error"] in {"invalid_request", "invalid_client"}
    assert reply.status in {400, 401, 413, 415}
    assert set(reply.body) == {"error", "error_description"}


async def test_a_body_that_is_too_large_is_refused(start: Start) -> None:
    api = await start(body_limit=2048)
    reply = await Client(api, await made(api)).form(scope="a" * 2048)
    refused(reply, 413, "invalid_request")


async def test_how_often_a_client_and_an_address_may_ask_is_limited(
    start: Start, redis_url: str
) -> None:
    settings = {"redis_url": Secret(redis_url), "trusted_proxies": ("127.0.0.0/8",)}
    api = await start(tokens_per_minute=3, **settings)
    one, two = Client(api, await made(api)), Client(api, await made(api))

    async def ask(client: Client, address: str, **fields: Json) -> Reply:
        body = urlencode({**client.fields, **fields})
        return await client.raw(body, **{"X-Forwarded-For": address})

    first = [await ask(one, f"192.0.2.{number}") for number in range(4)]
    assert [reply.status for reply in first] == [200, 200, 200, 429]
    refused(first[3], 429, "temporarily_unavailable")
    assert int(first[3].headers["Retry-After"]) > 0
    assert (first[0].headers["X-RateLimit-Limit"], first[3].headers["X-RateLimit-Remaining"]) == (
        "3",
        "0",
    )
    # An address of IPv6 is its /64, which one client has all of.
    second = [await ask(two, f"2001:db8::{number}") for number in range(4)]
    assert [reply.status for reply in second] == [200, 200, 200, 429]


async def test_nobody_uses_up_what_a_client_has_without_its_secret(
    start: Start, redis_url: str
) -> None:
    settings = {"redis_url": Secret(redis_url), "trusted_proxies": ("127.0.0.0/8",)}
    api = await start(tokens_per_minute=3, **settings)
    client = Client(api, await made(api))
    wrong = urlencode({**client.fields, "client_secret": "wrong"})
    for number in range(9):
        reply = await client.raw(wrong, **{"X-Forwarded-For": f"192.0.2.{number}"})
        assert reply.status == 401
    assert (await client.json()).status == 200


async def test_a_token_may_make_clients_within_its_reach(api: Api) -> None:
    scopes = ["create:clients", "read:flows"]
    parent = Client(api, await made(api, scopes=scopes))
    bearer = (await parent.json()).body["access_token"]
    child = {"name": "child", "scopes": ["read:flows"]}
    path = "/api/admin/clients"
    assert (await api.call("POST", path, child, bearer=bearer)).status == 201
    wider = {**child, "scopes": ["read:audit"]}
    assert (await api.call("POST", path, wider, bearer=bearer)).status == 403
    assert (
        await api.call("POST", path, {**child, "every_tenant": True}, bearer=bearer)
    ).status == 403


async def test_a_bearer_of_ours_is_no_client(api: Api, client: Client) -> None:
    reply = await client.raw("grant_type=client_credentials", Authorization=f"Bearer {token()}")
    refused(reply, 401, "invalid_client")
