"""`/api/admin/tenants`: operators make tenants, and choose what each pays for."""

from __future__ import annotations

import asyncpg
import pytest

from libs.common.flow.model import Json
from tests.integration.management.conftest import Api, refused, token

TENANTS = "/api/admin/tenants"
GLOBEX = f"{TENANTS}/globex"
TEXT = "branding.colors.text"
BRANDING = {
    "name": "Globex",
    "logo_url": "https://cdn.example/logo.svg",
    "colors": {"primary": "#00563f"},
    "support_email": "help@globex.example",
}


async def made(api: Api, name: str = "globex", **fields: Json) -> Json:
    reply = await api.call("POST", TENANTS, {"name": name, **fields})
    assert reply.status == 201, reply.text
    return reply.body


async def test_a_tenant_is_made_shown_and_changed(api: Api) -> None:
    tenant = await made(api, display_name="Globex Corporation")
    created = tenant["created_at"]
    assert tenant == {
        "name": "globex",
        "display_name": "Globex Corporation",
        "tier": "default",
        "origins": [],
        "branding": {},
        "created_at": created,
        "updated_at": created,
    }
    assert await api.done("GET", GLOBEX) == tenant
    edited = await api.done("PUT", GLOBEX, {"tier": "enterprise"})
    assert (edited["display_name"], edited["tier"]) == ("Globex Corporation", "enterprise")
    edited = await api.done("PUT", GLOBEX, {"display_name": "Globex"})
    assert (edited["display_name"], edited["tier"]) == ("Globex", "enterprise")


async def test_a_tenant_says_whose_pages_may_call_and_what_users_see(api: Api) -> None:
    origins = ["https://app.globex.example", "http://localhost:3000"]
    tenant = await made(api, origins=origins, branding=BRANDING)
    assert (tenant["origins"], tenant["branding"]) == (origins, BRANDING)
    mine = token(tenant="globex")
    named = {"display_name": "Globex"}
    after = (await api.call("PUT", GLOBEX, named, bearer=mine)).body
    assert (after["origins"], after["branding"]) == (origins, BRANDING)
    # What is given replaces all that was.
    edit = {"origins": ["https://globex.example"], "branding": {"name": "G"}}
    after = (await api.call("PUT", GLOBEX, edit, bearer=mine)).body
    assert (after["origins"], after["branding"]) == (edit["origins"], edit["branding"])
    listed = (await api.done("GET", TENANTS))["items"]
    assert after in listed
    assert await api.done("GET", GLOBEX) == after
    other = token(tenant="acme")
    refused(await api.call("PUT", GLOBEX, {"origins": []}, bearer=other), 403, "denied")


async def test_colors_that_many_cannot_read_are_refused_with_what_to_do(api: Api) -> None:
    await made(api, branding=BRANDING)
    reply = await api.call("PUT", GLOBEX, {"branding": {"colors": {"primary": "#8fd3ff"}}})
    refused(reply, 400, "invalid")
    assert [(each["code"], each["path"]) for each in reply.body["problems"]] == [
        ("low_contrast", "branding.colors.primary"),
        ("low_contrast", "branding.colors.on_primary"),
    ]
    assert "make it darker" in reply.body["problems"][0]["message"]
    assert (await api.done("GET", GLOBEX))["branding"] == BRANDING


async def test_what_is_made_has_flows_of_its_own(api: Api) -> None:
    refused(await api.call("GET", "/t/globex/api/admin/flows"), 404, "not_found")
    await made(api)
    await api.create("/t/globex/api/admin/flows")
    listed = await api.call("GET", "/t/globex/api/admin/flows", bearer=token(tenant="globex"))
    assert listed.body["total"] == 1


async def test_a_tenant_without_a_display_name_goes_by_its_name(api: Api) -> None:
    assert (await made(api))["display_name"] == "globex"
    assert (await api.done("GET", f"{TENANTS}/default"))["display_name"] == "default"


async def test_a_name_is_given_once(api: Api, rows: asyncpg.Connection) -> None:
    await made(api)
    refused(
        await api.call("POST", TENANTS, {"name": "globex", "tier": "enterprise"}), 409, "conflict"
    )
    assert await rows.fetchval("SELECT tier FROM tenants WHERE name = 'globex'") == "default"
    assert len((await api.done("GET", "/t/globex/api/admin/audit"))["items"]) == 1


async def test_pages_hold_each_tenant_once_whatever_comes_between(api: Api) -> None:
    for name in ("t1", "t3", "t5"):
        await made(api, name)
    before = [each["name"] for each in (await api.done("GET", TENANTS))["items"]]
    first = await api.done("GET", f"{TENANTS}?limit=3")
    await made(api, "a0")
    await made(api, "t4")
    second = await api.done("GET", f"{TENANTS}?limit=100&cursor={first['cursor']}")
    seen = [each["name"] for page in (first, second) for each in page["items"]]
    assert seen == sorted({*before, "t4"})
    assert second["cursor"] is None


async def test_only_an_operator_lists_tenants_or_makes_one(api: Api) -> None:
    for tenant in ("default", "acme"):
        bearer = token(tenant=tenant)
        refused(await api.call("GET", TENANTS, bearer=bearer), 403, "denied")
        refused(await api.call("POST", TENANTS, {"name": "globex"}, bearer=bearer), 403, "denied")
    refused(await api.call("GET", GLOBEX), 404, "not_found")


async def test_a_tenant_renames_itself_but_does_not_choose_what_it_pays_for(api: Api) -> None:
    path, bearer = f"{TENANTS}/acme", token(tenant="acme")
    reply = await api.call("PUT", path, {"display_name": "Acme"}, bearer=bearer)
    assert (reply.status, reply.body["display_name"]) == (200, "Acme")
    for tier in ("default", "enterprise"):
        refused(await api.call("PUT", path, {"tier": tier}, bearer=bearer), 403, "denied")
    refused(await api.call("GET", f"{TENANTS}/default", bearer=bearer), 403, "denied")


async def test_each_change_is_in_the_tenants_log_as_it_was_and_is(api: Api) -> None:
    await made(api)
    await api.done("PUT", GLOBEX, {"tier": "enterprise"})
    await api.done("PUT", GLOBEX, {"tier": "enterprise"})
    first = {"display_name": "globex", "tier": "default", "origins": [], "branding": {}}
    second = {**first, "tier": "enterprise"}
    reply = await api.call("GET", "/t/globex/api/admin/audit", bearer=token(tenant="globex"))
    assert [
        (item["action"], item["resource"], item.get("before"), item["after"])
        for item in reversed(reply.body["items"])
    ] == [
        ("create", "tenants/globex", None, first),
        ("update", "tenants/globex", first, second),
    ]


async def test_a_condition_on_a_tenant_is_kept(api: Api) -> None:
    await made(api)
    tag = (await api.call("GET", GLOBEX)).headers["ETag"]
    edited = await api.call("PUT", GLOBEX, {"display_name": "A"}, headers={"If-Match": tag})
    assert edited.status == 200
    stale = await api.call("PUT", GLOBEX, {"display_name": "B"}, headers={"If-Match": tag})
    refused(stale, 412, "stale")
    assert (await api.call("GET", GLOBEX)).headers["ETag"] == edited.headers["ETag"]


async def test_a_create_with_a_name_of_its_own_is_done_once(api: Api) -> None:
    key = {"Idempotency-Key": "globex"}
    replies = [await api.call("POST", TENANTS, {"name": "globex"}, headers=key) for _ in range(2)]
    assert [reply.status for reply in replies] == [201, 201]
    assert replies[0].text == replies[1].text


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "-a"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"name": "a" * 64}, "name"),
        ({"display_name": ""}, "display_name"),
        ({"display_name": "a\x00"}, "display_name"),
        ({"tier": "gold"}, "tier"),
        ({"settings": {}}, "settings"),
        ({"origins": ["https://app.example/"]}, "origins[0]"),
        ({"origins": ["https://app.example", "*"]}, "origins[1]"),
        ({"origins": 51 * ["https://app.example"]}, "origins"),
        ({"branding": {"logo": "https://cdn.example/logo.png"}}, "branding.logo"),
        ({"branding": {"logo_url": "data:image/png;base64,AAAA"}}, "branding.logo_url"),
        ({"branding": {"colors": {"primary": "blue"}}}, "branding.colors.primary"),
        ({"branding": {"colors": {"accent": "#0000ff"}}}, "branding.colors.accent"),
        ({"branding": {"colors": {"text": "#ffffff", "background": "#000000"}}}, TEXT),
    ],
)
async def test_a_tenant_that_makes_no_sense_is_refused_with_its_path(
    api: Api, fields: dict[str, Json], path: str
) -> None:
    reply = await api.call("POST", TENANTS, {"name": "globex", **fields})
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [path]


async def test_what_no_tenant_is_called_is_not_found(api: Api) -> None:
    for name in ("nobody", "%00", "a" * 64):
        refused(await api.call("GET", f"{TENANTS}/{name}"), 404, "not_found")
        refused(await api.call("PUT", f"{TENANTS}/{name}", {}), 404, "not_found")


async def test_a_cursor_of_ours_is_asked_for(api: Api) -> None:
    refused(await api.call("GET", f"{TENANTS}?cursor=mine"), 400, "invalid")
