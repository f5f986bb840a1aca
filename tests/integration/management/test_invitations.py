"""`/api/admin/invitations`: a token is shown once, and good once, until it expires."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from libs.common.chassis.tokens import digest
from libs.common.flow.accounts import Invited
from libs.common.flow.model import Json
from libs.common.flow.questions import Taken, Uninvited, Written
from libs.common.secret import Secret
from services.executor.directory.postgres import PostgresDirectory
from tests.integration.management.conftest import Api, Start, refused, token

INVITATIONS = "/api/admin/invitations"
NEW: Json = {"email": "Ada@Example.com", "attributes": {"role": "editor"}, "expires_in": 3600}
STAGED: Json = {"email": "ada@example.com", "role": "editor"}


async def made(api: Api, path: str = INVITATIONS, **fields: Json) -> Json:
    reply = await api.call("POST", path, {**NEW, **fields})
    assert reply.status == 201, reply.text
    assert reply.headers["Cache-Control"] == "no-store"
    return reply.body


async def test_an_invitation_is_made_shown_and_revoked(api: Api) -> None:
    invitation = await made(api)
    secret, link = invitation.pop("token"), invitation.pop("link")
    assert (len(secret), link) == (43, None)
    assert invitation == {
        "id": invitation["id"],
        "flow": None,
        "attributes": STAGED,
        "created_at": invitation["created_at"],
        "expires_at": invitation["created_at"] + 3600,
        "used_at": None,
    }
    one = f"{INVITATIONS}/{invitation['id']}"
    assert await api.done("GET", one) == invitation
    assert await api.done("GET", INVITATIONS) == {"items": [invitation], "cursor": None}
    assert (await api.call("DELETE", one)).status == 204
    for method in ("GET", "DELETE"):
        refused(await api.call(method, one), 404, "not_found")


async def test_a_token_is_stored_and_shown_nowhere_else(api: Api, rows: asyncpg.Connection) -> None:
    secret = (await made(api))["token"]
    stored = [dict(row) for row in await rows.fetch("SELECT * FROM invitations")]
    assert [row["token_hash"] for row in stored] == [digest(Secret(secret))]
    paths = (INVITATIONS, f"{INVITATIONS}/{stored[0]['id']}", "/api/admin/audit")
    for text in [str(stored), *[(await api.call("GET", path)).text for path in paths]]:
        assert secret not in text


async def test_a_body_is_optional_and_an_invitation_lasts_a_week(api: Api) -> None:
    reply = await api.call("POST", INVITATIONS)
    assert reply.status == 201, reply.text
    lasting = reply.body["expires_at"] - reply.body["created_at"]
    assert (reply.body["attributes"], lasting) == ({}, 7 * 86_400)


async def test_a_link_leads_to_where_the_operator_says(start: Start) -> None:
    url = "https://app.example.com/join/{flow}?invitation={token}"
    api = await start(invitation_url=url)
    await api.create(name="join-us")
    invitation = await made(api, flow="join-us")
    link = f"https://app.example.com/join/join-us?invitation={invitation['token']}"
    assert (invitation["flow"], invitation["link"]) == ("join-us", link)


async def test_the_audit_log_tells_of_it_and_no_value(api: Api) -> None:
    invitation = await made(api)
    await api.call("DELETE", f"{INVITATIONS}/{invitation['id']}")
    said: Json = {
        "flow": None,
        "attributes": ["email", "role"],
        "expires_at": invitation["expires_at"],
        "used": False,
    }
    reply = await api.call("GET", "/api/admin/audit")
    items = reply.body["items"]
    assert [(each["action"], each.get("before"), each.get("after")) for each in items] == [
        ("delete", said, None),
        ("create", None, said),
    ]
    assert "ada@" not in reply.text
    assert "editor" not in reply.text


async def test_a_token_is_good_once_even_for_two_at_once(
    api: Api, database: str, rows: asyncpg.Connection
) -> None:
    invitation = await made(api)
    async with asyncpg.create_pool(database) as pool:
        directory = PostgresDirectory(pool)

        async def found(secret: str, tenant: str = "default") -> Invited | None:
            return await directory.find_invitation(tenant, digest(Secret(secret)))

        known = Invited(invitation["id"], STAGED)
        assert await found(invitation["token"]) == known
        assert await found(invitation["token"], "acme") is None
        assert await found("another") is None

        async def write(name: str, key: str) -> Written | Taken | Uninvited:
            return await directory.write(
                "default", key, None, {"username": name}, None, invitation=invitation["id"]
            )

        # A name that is taken uses nothing up.
        await api.done("POST", "/api/admin/users", {"username": "taken"})
        assert await write("taken", str(uuid4())) == Taken("username")
        assert await found(invitation["token"]) == known
        keys = [str(uuid4()) for _ in range(5)]
        written = await asyncio.gather(*(write(f"u{key}", key) for key in keys))
        winners = [key for key, each in zip(keys, written, strict=True) if each != Uninvited()]
        assert len(winners) == 1
        assert await rows.fetchval("SELECT count(*) FROM users") == 2
        # A repeat of the submit that was first is the same, and nothing else is.
        assert isinstance(await write(f"u{winners[0]}", winners[0]), Written)
        assert await rows.fetchval("SELECT count(*) FROM users") == 2
        assert await found(invitation["token"]) is None
    shown = await api.done("GET", f"{INVITATIONS}/{invitation['id']}")
    assert shown["used_at"] >= shown["created_at"]


async def test_one_that_has_expired_or_was_revoked_is_good_for_nothing(
    api: Api, database: str, rows: asyncpg.Connection
) -> None:
    late, revoked = await made(api), await made(api)
    await rows.execute(
        "UPDATE invitations SET expires_at = now() - interval '1 second' WHERE id = $1",
        late["id"],
    )
    await api.call("DELETE", f"{INVITATIONS}/{revoked['id']}")
    async with asyncpg.create_pool(database) as pool:
        directory = PostgresDirectory(pool)
        for invitation in (late, revoked):
            hashed = digest(Secret(invitation["token"]))
            assert await directory.find_invitation("default", hashed) is None
            written = await directory.write(
                "default",
                str(uuid4()),
                None,
                {"username": "ada"},
                None,
                invitation=invitation["id"],
            )
            assert written == Uninvited()
    assert await rows.fetchval("SELECT count(*) FROM users") == 0


async def test_pages_hold_each_invitation_once_whatever_comes_and_goes(api: Api) -> None:
    ids = [(await made(api))["id"] for _ in range(5)]
    first = await api.done("GET", f"{INVITATIONS}?limit=2")
    await api.call("DELETE", f"{INVITATIONS}/{ids[1]}")
    second = await api.done("GET", f"{INVITATIONS}?limit=2&cursor={first['cursor']}")
    third = await api.done("GET", f"{INVITATIONS}?limit=2&cursor={second['cursor']}")
    pages = [[item["id"] for item in page["items"]] for page in (first, second, third)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]


async def test_each_tenant_sees_its_own(api: Api) -> None:
    invitation = await made(api)
    bearer, own = token(tenant="acme"), f"/t/acme{INVITATIONS}"
    assert (await api.call("GET", own, bearer=bearer)).body["items"] == []
    for method in ("GET", "DELETE"):
        reply = await api.call(method, f"{own}/{invitation['id']}", bearer=bearer)
        refused(reply, 404, "not_found")
    refused(await api.call("POST", f"/t/nobody{INVITATIONS}", NEW), 404, "not_found")
    refused(await api.call("GET", f"{INVITATIONS}/%00"), 404, "not_found")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"email": "nobody"}, "email"),
        ({"attributes": {"email": "ada@example.com"}}, "attributes.email"),
        ({"flow": "nowhere"}, "flow"),
        ({"flow": "no where"}, "flow"),
        ({"expires_in": 59}, "expires_in"),
        ({"expires_in": 91 * 86_400}, "expires_in"),
        ({"token": "mine"}, "token"),
    ],
)
async def test_an_invitation_that_makes_no_sense_is_refused_with_the_path(
    api: Api, fields: dict[str, Json], path: str
) -> None:
    reply = await api.call("POST", INVITATIONS, {**NEW, **fields})
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [path]
