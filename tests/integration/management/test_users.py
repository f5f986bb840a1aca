"""`/api/admin/users`: who runs a tenant keeps its accounts, and sees no secret of theirs."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from argon2 import PasswordHasher

from libs.common.flow.model import Json
from libs.common.flow.questions import Taken
from services.executor.directory.postgres import PostgresDirectory
from tests.integration.management.conftest import Api, Start, token
from tests.integration.management.test_refusals import refused

USERS = "/api/admin/users"
NEW: Json = {
    "email": "Ada@Example.com",
    "username": "ada",
    "phone": "+1 202 555 0100",
    "attributes": {"name": "Ada"},
    "password": "correct horse",
}


OTHER: Json = {"username": "grace", "phone": None}


@pytest.fixture
async def api(start: Start) -> Api:
    # As cheap as argon2 gets: what it costs is not what these tests are about.
    return await start(argon2_memory_kib=8, argon2_passes=1)


async def made(api: Api, path: str = USERS, **fields: Json) -> Json:
    reply = await api.call("POST", path, {**NEW, **fields})
    assert reply.status == 201, reply.text
    return reply.body


async def entries(api: Api) -> list[tuple[str, str, Json, Json]]:
    items = (await api.done("GET", "/api/admin/audit"))["items"]
    return [
        (item["action"], item["resource"], item.get("before"), item.get("after"))
        for item in reversed(items)
    ]


async def with_totp(rows: asyncpg.Connection, user: str) -> None:
    await rows.execute(
        "INSERT INTO totp_credentials (user_id, sealed, confirmed) VALUES ($1, $2, true)",
        user,
        b"swordfish",
    )


async def test_a_user_is_made_shown_changed_and_deleted(api: Api) -> None:
    user = await made(api)
    one = f"{USERS}/{user['id']}"
    assert user == {
        "id": user["id"],
        "email": "ada@example.com",
        "username": "ada",
        "phone": "+12025550100",
        "email_verified": False,
        "blocked": False,
        "attributes": {"name": "Ada"},
        "logins_count": 0,
        "last_login_at": None,
        "created_at": user["created_at"],
        "updated_at": user["created_at"],
    }
    assert await api.done("GET", one) == user
    assert await api.done("GET", USERS) == {"items": [user], "cursor": None}
    edited = await api.done(
        "PATCH", one, {"username": None, "attributes": {"name": None, "role": "admin"}}
    )
    assert (edited["username"], edited["attributes"]) == (None, {"role": "admin"})
    assert (edited["email"], edited["phone"]) == (user["email"], user["phone"])
    reply = await api.call("DELETE", one)
    assert (reply.status, reply.text) == (204, "")
    for method in ("GET", "DELETE"):
        refused(await api.call(method, one), 404, "not_found")
    refused(await api.call("PATCH", one, {}), 404, "not_found")


async def test_a_password_is_hashed_and_shown_nowhere(api: Api, rows: asyncpg.Connection) -> None:
    answers = [await api.call("POST", USERS, NEW)]
    one = f"{USERS}/{answers[0].body['id']}"
    stored = await rows.fetchval("SELECT password_hash FROM users")
    assert PasswordHasher().verify(stored, "correct horse")
    assert stored.startswith("$argon2id$")
    answers += [
        await api.call("GET", path) for path in (one, f"{one}/credentials", "/api/admin/audit")
    ]
    for answer in answers:
        assert "correct horse" not in answer.text
        assert "argon2" not in answer.text


async def test_nobody_is_found_by_less_than_a_whole_identifier(api: Api) -> None:
    user = await made(api)
    await made(api, email="grace@example.com", username=None, phone=None)

    async def found(text: str) -> list[Json]:
        page = await api.done("GET", f"{USERS}?identifier={quote(text)}")
        return [item["id"] for item in page["items"]]

    for identifier in ("ADA@example.com", "Ada", "+1-202-555-0100"):
        assert await found(identifier) == [user["id"]]
    for identifier in ("ada@example", "ad", "+120255501", "no body", ""):
        assert await found(identifier) == []
    assert len((await api.done("GET", USERS))["items"]) == 2


async def test_pages_hold_each_user_once_whatever_comes_and_goes(api: Api) -> None:
    ids = [
        (await made(api, email=None, username=f"u{number}", phone=None))["id"]
        for number in range(5)
    ]
    first = await api.done("GET", f"{USERS}?limit=2")
    await api.call("DELETE", f"{USERS}/{ids[1]}")
    second = await api.done("GET", f"{USERS}?limit=2&cursor={first['cursor']}")
    third = await api.done("GET", f"{USERS}?limit=2&cursor={second['cursor']}")
    pages = [[item["id"] for item in page["items"]] for page in (first, second, third)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert third["cursor"] is None


@pytest.mark.parametrize("kind", ["email", "username", "phone"])
async def test_what_somebody_is_called_nobody_else_can_be(api: Api, kind: str) -> None:
    await made(api)
    other = await made(api, email="grace@example.com", username="grace", phone=None)
    taken = {"email": None, "username": None, "phone": None, kind: NEW[kind]}
    reply = await api.call("POST", USERS, {**NEW, **taken})
    refused(reply, 409, "conflict")
    assert str(NEW[kind]) not in reply.text
    reply = await api.call("PATCH", f"{USERS}/{other['id']}", {kind: NEW[kind]})
    refused(reply, 409, "conflict")
    await made(api, f"/t/acme{USERS}")


async def test_another_address_has_yet_to_be_verified(api: Api) -> None:
    user = await made(api, email_verified=True)
    one = f"{USERS}/{user['id']}"
    assert (await api.done("PATCH", one, {"email": "ADA@example.com"}))["email_verified"] is True
    other = {"email": "ada@example.org"}
    assert (await api.done("PATCH", one, other))["email_verified"] is False
    known = {"email": "ada@example.net", "email_verified": True}
    assert (await api.done("PATCH", one, known))["email_verified"] is True


async def test_who_is_blocked_is_to_executors_as_if_there_were_nobody(
    api: Api, database: str, rows: asyncpg.Connection
) -> None:
    user = await made(api)
    id, one = user["id"], f"{USERS}/{user['id']}"
    await with_totp(rows, id)
    async with asyncpg.create_pool(database) as pool:
        directory = PostgresDirectory(pool)

        async def known() -> list[Any]:
            return [
                *[
                    await directory.find("default", (kind,), user[kind])
                    for kind in ("email", "username", "phone")
                ],
                await directory.password_hash("default", id),
                await directory.totp_secret("default", id),
                await directory.load("default", id),
            ]

        assert all(each is not None for each in await known())
        assert (await api.done("PATCH", one, {"blocked": True}))["blocked"] is True
        assert await known() == 6 * [None]
        # Their name is nobody else's all the same.
        key = "0f8b2f4e-7c1d-4f7e-9f52-5d6f0c8d1a11"
        written = await directory.write("default", key, None, {"email": user["email"]}, None)
        assert written == Taken("email")
        await api.done("PATCH", one, {"blocked": False})
        assert all(each is not None for each in await known())


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


async def test_the_audit_log_tells_what_changed_and_no_value_of_it(api: Api) -> None:
    user = await made(api, phone=None)
    one, name = f"{USERS}/{user['id']}", f"users/{user['id']}"
    await api.done("PATCH", one, {"blocked": True, "attributes": {"name": "Countess"}})
    await api.call("DELETE", one)
    first = {
        "identifiers": ["email", "username"],
        "email_verified": False,
        "blocked": False,
        "attributes": ["name"],
    }
    second = {**first, "blocked": True}
    assert await entries(api) == [
        ("create", name, None, first),
        ("update", name, first, {**second, "changed": ["blocked", "attributes"]}),
        ("delete", name, second, None),
    ]
    log = (await api.call("GET", "/api/admin/audit")).text
    assert not [text for text in ("ada@", "Ada", "Countess", "argon2") if text in log]


async def test_a_condition_on_a_user_is_kept(api: Api) -> None:
    user = await made(api)
    one = f"{USERS}/{user['id']}"
    stale = {"If-Match": (await api.call("GET", one)).headers["ETag"]}
    await api.done("PATCH", one, {"blocked": True})
    refused(await api.call("PATCH", one, {"blocked": False}, headers=stale), 412, "stale")
    refused(await api.call("DELETE", one, headers=stale), 412, "stale")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"email": "nobody"}, "email"),
        ({"username": "a b"}, "username"),
        ({"phone": "0100"}, "phone"),
        ({"email": "a\x00@example.com"}, "email"),
        ({"email": None, "username": None, "phone": None}, "email"),
        ({"attributes": {"email": "ada@example.com"}}, "attributes.email"),
        ({"attributes": {"mfa_enabled": True}}, "attributes.mfa_enabled"),
        ({"attributes": {"blocked": True}}, "attributes.blocked"),
        ({"attributes": {"a": 33_000 * "a"}}, "attributes"),
        ({"attributes": {f"a{n}": n for n in range(101)}}, "attributes"),
        ({"password": "short"}, "password"),
        ({"password": 257 * "a"}, "password"),
        ({"password_hash": "swordfish"}, "password_hash"),
    ],
)
async def test_a_user_who_makes_no_sense_is_refused_with_the_path(
    api: Api, fields: dict[str, Json], path: str
) -> None:
    reply = await api.call("POST", USERS, {**NEW, **fields})
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [path]


async def test_nobody_is_left_without_an_identifier(api: Api) -> None:
    user = await made(api, email=None, phone=None)
    reply = await api.call("PATCH", f"{USERS}/{user['id']}", {"username": None})
    refused(reply, 400, "invalid")


async def test_each_tenant_sees_its_own(api: Api) -> None:
    user = await made(api)
    bearer, own = token(tenant="acme"), f"/t/acme{USERS}"
    assert (await api.call("GET", own, bearer=bearer)).body["items"] == []
    ada = await api.call("GET", f"{own}?identifier=ada", bearer=bearer)
    assert ada.body["items"] == []
    one = f"{own}/{user['id']}"
    for method, body in (("GET", None), ("PATCH", {"blocked": True}), ("DELETE", None)):
        refused(await api.call(method, one, body, bearer=bearer), 404, "not_found")
    assert await api.done("GET", f"{USERS}/{user['id']}") == user


async def test_what_no_user_is_called_is_not_found(api: Api) -> None:
    for id in ("a", "%00", "00000000-0000-4000-8000-00000000000g"):
        refused(await api.call("GET", f"{USERS}/{id}"), 404, "not_found")
    refused(await api.call("GET", f"/t/nobody{USERS}"), 404, "not_found")
    refused(await api.call("POST", f"/t/nobody{USERS}", NEW), 404, "not_found")


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
