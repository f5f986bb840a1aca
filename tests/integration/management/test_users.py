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
from tests.integration.management.conftest import Api, Start, refused, token
from tests.integration.management.people import CHEAP, NEW, USERS, entries, made, with_totp


@pytest.fixture
async def api(start: Start) -> Api:
    return await start(**CHEAP)


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
