"""`/api/admin/providers`: what is known of a provider is shown, but for its secret."""

from __future__ import annotations

import asyncpg
import pytest

from libs.common.chassis.seal import Keys
from libs.common.flow.model import Json
from tests.integration.management.conftest import KEYS, Api, Start, refused, token

PROVIDERS = "/api/admin/providers"
GOOGLE = f"{PROVIDERS}/google"
CONFIG: Json = {"kind": "oidc", "issuer": "https://accounts.example.com", "client_id": "gatehouse"}
NEW: Json = {"id": "google", "display_name": "Google", "config": CONFIG, "secret": "swordfish"}
CAPTCHA: Json = {
    "kind": "captcha",
    "site_key": "1x00000000000000000000AA",
    "verify_url": "https://challenges.example.com/siteverify",
}
SHOWN: Json = {**CONFIG, "scopes": ["openid"]}


@pytest.fixture
async def api(start: Start) -> Api:
    return await start(credential_keys=KEYS)


async def made(api: Api, path: str = PROVIDERS, **fields: Json) -> Json:
    reply = await api.call("POST", path, {**NEW, **fields})
    assert reply.status == 201, reply.text
    return reply.body


async def opened(rows: asyncpg.Connection, tenant: str = "default") -> bytes | None:
    sealed = await rows.fetchval("SELECT sealed FROM providers WHERE tenant = $1", tenant)
    if sealed is None:
        return None
    return Keys.parse(KEYS).box(tenant, "google").open(b"provider", sealed)


async def test_a_provider_is_made_shown_changed_and_deleted(api: Api) -> None:
    provider = await made(api)
    created = provider["created_at"]
    assert provider == {
        "id": "google",
        "display_name": "Google",
        "config": SHOWN,
        "has_secret": True,
        "created_at": created,
        "updated_at": created,
    }
    assert await api.done("GET", GOOGLE) == provider
    assert await api.done("GET", PROVIDERS) == {"items": [provider], "cursor": None}
    config = {**CONFIG, "scopes": ["openid", "email"]}
    edited = await api.done("PUT", GOOGLE, {"display_name": "G", "config": config})
    assert (edited["display_name"], edited["config"]) == ("G", config)
    reply = await api.call("DELETE", GOOGLE)
    assert (reply.status, reply.text) == (204, "")
    refused(await api.call("GET", GOOGLE), 404, "not_found")
    refused(await api.call("DELETE", GOOGLE), 404, "not_found")


async def test_a_service_of_captchas_is_a_provider_too(api: Api) -> None:
    provider = await made(api, id="captcha", config=CAPTCHA)
    assert provider["config"] == {
        **CAPTCHA,
        "variant": "TURNSTILE",
        "hostnames": [],
        "min_score": None,
    }
    assert await api.done("GET", f"{PROVIDERS}/captcha") == provider
    scored = {**CAPTCHA, "variant": "RECAPTCHA_V3", "min_score": 0.5, "hostnames": ["example.com"]}
    changed = await api.done("PUT", f"{PROVIDERS}/captcha", {"config": scored})
    assert changed["config"] == scored


async def test_a_secret_is_sealed_and_shown_nowhere(api: Api, rows: asyncpg.Connection) -> None:
    answers = [await api.call("POST", PROVIDERS, NEW)]
    assert await opened(rows) == b"swordfish"
    answers.append(await api.call("PUT", GOOGLE, {"secret": "catfish"}))
    assert await opened(rows) == b"catfish"
    answers += [await api.call("GET", path) for path in (GOOGLE, PROVIDERS, "/api/admin/audit")]
    stored = str([dict(row) for row in await rows.fetch("SELECT * FROM providers")])
    for text in (*(answer.text for answer in answers), stored):
        assert "swordfish" not in text
        assert "catfish" not in text


async def test_a_secret_stays_unless_another_is_sent_and_goes_with_null(
    api: Api, rows: asyncpg.Connection
) -> None:
    await made(api)
    assert (await api.done("PUT", GOOGLE, {"display_name": "G"}))["has_secret"] is True
    assert await opened(rows) == b"swordfish"
    assert (await api.done("PUT", GOOGLE, {"secret": None}))["has_secret"] is False
    assert await opened(rows) is None


async def test_what_was_sealed_for_a_tenant_opens_for_no_other(
    api: Api, rows: asyncpg.Connection
) -> None:
    await made(api)
    await made(api, f"/t/acme{PROVIDERS}", secret="catfish")
    await rows.execute(
        "UPDATE providers SET sealed = (SELECT sealed FROM providers WHERE tenant = 'default')"
    )
    with pytest.raises(Exception, match="sealed for another use"):
        await opened(rows, "acme")


async def test_without_keys_no_secret_is_taken(start: Start) -> None:
    api = await start()
    reply = await api.call("POST", PROVIDERS, NEW)
    refused(reply, 409, "conflict")
    assert "GATEHOUSE_CREDENTIAL_KEYS" in reply.body["message"]
    assert (await made(api, secret=None))["has_secret"] is False
    refused(await api.call("PUT", GOOGLE, {"secret": "swordfish"}), 409, "conflict")


async def test_an_id_is_given_once_in_a_tenant(api: Api, rows: asyncpg.Connection) -> None:
    await made(api)
    refused(await api.call("POST", PROVIDERS, {**NEW, "secret": "catfish"}), 409, "conflict")
    assert await opened(rows) == b"swordfish"
    await made(api, f"/t/acme{PROVIDERS}")


async def test_each_tenant_sees_its_own(api: Api) -> None:
    await made(api)
    bearer = token(tenant="acme")
    own = f"/t/acme{PROVIDERS}"
    assert (await api.call("GET", own, bearer=bearer)).body["items"] == []
    for method, body in (("GET", None), ("PUT", {"display_name": "G"}), ("DELETE", None)):
        refused(await api.call(method, f"{own}/google", body, bearer=bearer), 404, "not_found")
    assert (await api.done("GET", GOOGLE))["display_name"] == "Google"


async def test_each_change_is_in_the_audit_log_as_it_was_and_is(api: Api) -> None:
    await made(api, secret=None)
    await api.done("PUT", GOOGLE, {"display_name": "G"})
    await api.done("PUT", GOOGLE, {"display_name": "G"})
    await api.done("PUT", GOOGLE, {"secret": "swordfish"})
    await api.call("DELETE", GOOGLE)
    first = {"display_name": "Google", "config": SHOWN, "has_secret": False}
    second = {**first, "display_name": "G"}
    third = {**second, "has_secret": True}
    items = (await api.done("GET", "/api/admin/audit"))["items"]
    assert [
        (item["action"], item.get("before"), item.get("after")) for item in reversed(items)
    ] == [
        ("create", None, first),
        ("update", first, second),
        ("update", second, third),
        ("delete", third, None),
    ]
    assert {item["resource"] for item in items} == {"providers/google"}


async def test_pages_hold_each_provider_once_whatever_comes_and_goes(api: Api) -> None:
    ids = [(await made(api, id=f"p{number}"))["id"] for number in range(5)]
    first = await api.done("GET", f"{PROVIDERS}?limit=2")
    await api.call("DELETE", f"{PROVIDERS}/{ids[1]}")
    second = await api.done("GET", f"{PROVIDERS}?limit=2&cursor={first['cursor']}")
    third = await api.done("GET", f"{PROVIDERS}?limit=2&cursor={second['cursor']}")
    pages = [[item["id"] for item in page["items"]] for page in (first, second, third)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert third["cursor"] is None


async def test_a_provider_that_an_active_flow_names_is_kept(api: Api) -> None:
    await made(api, id="captcha", config=CAPTCHA)
    flow: Json = {
        "name": "human",
        "display_name": "Human",
        "type": "registration",
        "graph": {
            "nodes": [
                {"id": "start", "type": "start"},
                {"id": "human", "type": "captcha"},
                {"id": "done", "type": "success"},
            ],
            "edges": [
                {"source": "start", "target": "human"},
                {"source": "human", "target": "done"},
            ],
        },
    }
    id = (await api.done("POST", "/api/admin/flows", flow))["id"]
    await api.done("POST", f"/api/admin/flows/{id}/activate")
    reply = await api.call("DELETE", f"{PROVIDERS}/captcha")
    refused(reply, 409, "conflict")
    assert "human" in reply.body["message"]
    await api.done("POST", f"/api/admin/flows/{id}/deactivate")
    assert (await api.call("DELETE", f"{PROVIDERS}/captcha")).status == 204


async def test_a_condition_on_a_provider_is_kept(api: Api) -> None:
    await made(api)
    tag = (await api.call("GET", GOOGLE)).headers["ETag"]
    await api.done("PUT", GOOGLE, {"secret": "catfish"})
    stale = {"If-Match": tag}
    refused(await api.call("PUT", GOOGLE, {"display_name": "G"}, headers=stale), 412, "stale")
    refused(await api.call("DELETE", GOOGLE, headers=stale), 412, "stale")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"id": "a/b"}, "id"),
        ({"id": ""}, "id"),
        ({"display_name": ""}, "display_name"),
        ({"display_name": "a\x00"}, "display_name"),
        ({"config": {**CONFIG, "issuer": "http://accounts.example.com"}}, "config.issuer"),
        ({"config": {**CONFIG, "issuer": "https://me@example.com"}}, "config.issuer"),
        ({"config": {**CONFIG, "issuer": "https://example.com/?a"}}, "config.issuer"),
        ({"config": {**CONFIG, "issuer": "https://example.com\n"}}, "config.issuer"),
        ({"config": {**CONFIG, "client_id": ""}}, "config.client_id"),
        ({"config": {**CONFIG, "scopes": []}}, "config.scopes"),
        ({"config": {**CONFIG, "scopes": ["a b"]}}, "config.scopes[0]"),
        ({"config": {**CONFIG, "client_secret": "swordfish"}}, "config.client_secret"),
        ({"config": {**CONFIG, "kind": "saml"}}, "config.kind"),
        ({"config": {**CAPTCHA, "site_key": "a b"}}, "config.site_key"),
        ({"config": {**CAPTCHA, "verify_url": "ftp://example.com"}}, "config.verify_url"),
        ({"config": {**CAPTCHA, "min_score": 2}}, "config.min_score"),
        ({"config": {**CAPTCHA, "hostnames": ["a/b"]}}, "config.hostnames[0]"),
        ({"config": {**CAPTCHA, "variant": "OTHER"}}, "config.variant"),
        ({"client_secret": "swordfish"}, "client_secret"),
        ({"secret": ""}, "secret"),
        ({"secret": "swordfish" * 200}, "secret"),
        ({"secret": 1}, "secret"),
    ],
)
async def test_a_provider_that_makes_no_sense_is_refused_with_its_path(
    api: Api, fields: dict[str, Json], path: str
) -> None:
    reply = await api.call("POST", PROVIDERS, {**NEW, **fields})
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [path]
    assert "swordfish" not in reply.text


async def test_what_no_provider_is_called_is_not_found(api: Api) -> None:
    for id in ("a", "%00", "-a", "a" * 64):
        refused(await api.call("GET", f"{PROVIDERS}/{id}"), 404, "not_found")
    refused(await api.call("GET", f"/t/nobody{PROVIDERS}"), 404, "not_found")
    refused(await api.call("POST", f"/t/nobody{PROVIDERS}", NEW), 404, "not_found")
