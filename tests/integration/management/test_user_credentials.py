"""`/api/admin/users`: what users prove themselves by, and where they are signed in."""

from __future__ import annotations

import asyncpg
import pytest

from tests.integration.management.conftest import Api, Start, refused
from tests.integration.management.people import CHEAP, OTHER, USERS, entries, made, with_totp


@pytest.fixture
async def api(start: Start) -> Api:
    return await start(**CHEAP)


async def test_credentials_show_their_kind_and_can_be_taken_away(
    api: Api, rows: asyncpg.Connection
) -> None:
    user = await made(api)
    credentials = f"{USERS}/{user['id']}/credentials"
    await with_totp(rows, user["id"])
    reply = await api.call("GET", credentials)
    password, totp = reply.body["items"]
    assert password == {"id": "password", "kind": "password", "created_at": None}
    assert totp == {"id": "totp", "kind": "totp", "created_at": totp["created_at"]}
    assert "swordfish" not in reply.text
    for credential in ("totp", "password"):
        assert (await api.call("DELETE", f"{credentials}/{credential}")).status == 204
        refused(await api.call("DELETE", f"{credentials}/{credential}"), 404, "not_found")
    assert await api.done("GET", credentials) == {"items": []}
    assert await rows.fetchval("SELECT password_hash FROM users") is None
    assert (await entries(api))[1:] == [
        ("delete", f"users/{user['id']}/credentials/{kind}", {"kind": kind}, None)
        for kind in ("totp", "password")
    ]


async def test_passkeys_and_recovery_codes_are_credentials_too(
    api: Api, rows: asyncpg.Connection
) -> None:
    user = await made(api, password=None)
    for number in range(2):
        await rows.execute(
            """
            INSERT INTO passkeys
                (tenant, credential_id, user_id, site, public_key, sign_count, bound, transports)
            VALUES ('default', $1, $2, 'example.com', 'swordfish', 0, true, '{}')
            """,
            bytes([number]),
            user["id"],
        )
        await rows.execute(
            "INSERT INTO recovery_codes (user_id, digest) VALUES ($1, $2)",
            user["id"],
            bytes([number]),
        )
    credentials = f"{USERS}/{user['id']}/credentials"
    reply = await api.call("GET", credentials)
    assert "swordfish" not in reply.text
    codes, one, other = reply.body["items"]
    assert (codes["id"], codes["kind"]) == ("recovery_codes", "recovery_codes")
    assert one["kind"] == other["kind"] == "webauthn"
    assert (await api.call("DELETE", f"{credentials}/{one['id']}")).status == 204
    assert await api.done("GET", credentials) == {"items": [codes, other]}
    assert (await api.call("DELETE", f"{credentials}/recovery_codes")).status == 204
    assert await api.done("GET", credentials) == {"items": [other]}


async def test_what_providers_say_of_a_user_are_credentials_of_which_each_can_be_taken_away(
    api: Api, rows: asyncpg.Connection
) -> None:
    user = await made(api, password=None)
    for issuer in ("https://one.example", "https://two.example"):
        await rows.execute(
            """
            INSERT INTO external_identities (tenant, issuer, subject, user_id)
            VALUES ('default', $1, 'swordfish', $2)
            """,
            issuer,
            user["id"],
        )
    credentials = f"{USERS}/{user['id']}/credentials"
    reply = await api.call("GET", credentials)
    assert "swordfish" not in reply.text
    one, other = reply.body["items"]
    assert one["kind"] == other["kind"] == "openid"
    assert (await api.call("DELETE", f"{credentials}/{one['id']}")).status == 204
    assert await api.done("GET", credentials) == {"items": [other]}


async def test_what_goes_with_a_user_are_all_credentials(
    api: Api, rows: asyncpg.Connection
) -> None:
    user = await made(api)
    await with_totp(rows, user["id"])
    await api.call("DELETE", f"{USERS}/{user['id']}")
    assert await rows.fetchval("SELECT count(*) FROM totp_credentials") == 0
    refused(await api.call("GET", f"{USERS}/{user['id']}/credentials"), 404, "not_found")
    refused(await api.call("DELETE", f"{USERS}/{user['id']}/credentials/totp"), 404, "not_found")


async def sign_in(rows: asyncpg.Connection, user: str, sid: str, tenant: str = "default") -> None:
    """Do what an executor does when somebody signs in."""
    await rows.execute(
        "INSERT INTO sign_ins (tenant, sid, account, auth_time, amr, acr, ends_at)"
        " VALUES ($1, $2, $3, to_timestamp(7), '{pwd,otp}', 'aal2', now() + interval '1 h')",
        tenant,
        sid,
        user,
    )


async def test_where_a_user_is_signed_in_is_shown_and_ended(
    api: Api, rows: asyncpg.Connection
) -> None:
    user, other = (await made(api))["id"], (await made(api, email="b@c.d", **OTHER))["id"]
    for sid, whose in (("aa", user), ("bb", user), ("cc", user), ("dd", other)):
        await sign_in(rows, whose, sid)
    await sign_in(rows, user, "ee", "acme")
    path = f"{USERS}/{user}/sign-ins"
    listed = (await api.done("GET", path))["items"]
    assert [each["sid"] for each in listed] == ["cc", "bb", "aa"]
    shown = listed[0]
    assert (shown["auth_time"], shown["amr"], shown["acr"]) == (7, ["pwd", "otp"], "aal2")
    assert shown["ends_at"] == shown["created_at"] + 3600
    await api.done("DELETE", f"{path}/bb")
    assert [each["sid"] for each in (await api.done("GET", path))["items"]] == ["cc", "aa"]
    for gone in ("bb", "dd", "ee", "nobody-s"):
        refused(await api.call("DELETE", f"{path}/{gone}"), 404, "not_found")
    for _ in range(2):
        await api.done("DELETE", path)
    assert (await api.done("GET", path))["items"] == []
    standing = "SELECT array_agg(sid ORDER BY sid) FROM sign_ins WHERE ended_at IS NULL"
    assert await rows.fetchval(standing) == ["dd", "ee"]
    assert (await entries(api))[-2:] == [
        ("delete", f"users/{user}/sign-ins/bb", {"stands": True}, None),
        ("delete", f"users/{user}/sign-ins", {"stand": 2}, {"stand": 0}),
    ]


async def test_where_a_user_was_idle_for_too_long_they_are_not_signed_in(
    api: Api, rows: asyncpg.Connection
) -> None:
    user = (await made(api))["id"]
    for sid in ("aa", "bb"):
        await sign_in(rows, user, sid)
    await rows.execute("UPDATE sign_ins SET idle_until = now() - interval '1 s' WHERE sid = 'aa'")
    await rows.execute(
        "UPDATE sign_ins SET idle_until = created_at + interval '9 min' WHERE sid = 'bb'"
    )
    path = f"{USERS}/{user}/sign-ins"
    [shown] = (await api.done("GET", path))["items"]
    assert (shown["sid"], shown["ends_at"]) == ("bb", shown["created_at"] + 540)
    refused(await api.call("DELETE", f"{path}/aa"), 404, "not_found")
    await api.done("DELETE", path)
    assert (await entries(api))[-1][2] == {"stand": 1}


async def test_nobody_has_sign_ins_that_is_not_there(api: Api) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", "/aa")):
        unknown = f"{USERS}/00000000-0000-4000-8000-000000000000/sign-ins{path}"
        refused(await api.call(method, unknown), 404, "not_found")


async def test_who_is_blocked_or_deleted_is_signed_in_nowhere_even_when_unblocked(
    api: Api, rows: asyncpg.Connection
) -> None:
    standing = "SELECT count(*) FROM sign_ins WHERE ended_at IS NULL"
    user = (await made(api))["id"]
    await sign_in(rows, user, "aa")
    await api.done("PATCH", f"{USERS}/{user}", {"attributes": {"name": "Grace"}})
    assert await rows.fetchval(standing) == 1
    for blocked in (True, False):
        await api.done("PATCH", f"{USERS}/{user}", {"blocked": blocked})
        assert await rows.fetchval(standing) == 0
    await sign_in(rows, user, "bb")
    await api.done("DELETE", f"{USERS}/{user}")
    assert await rows.fetchval(standing) == 0
