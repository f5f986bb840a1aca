"""Accounts of a tenant, made over HTTP, and what is told of them."""

from __future__ import annotations

import asyncpg

from libs.common.flow.model import Json
from tests.integration.management.conftest import Api

USERS = "/api/admin/users"
NEW: Json = {
    "email": "Ada@Example.com",
    "username": "ada",
    "phone": "+1 202 555 0100",
    "attributes": {"name": "Ada"},
    "password": "correct horse",
}
OTHER: Json = {"username": "grace", "phone": None}
CHEAP: Json = {"argon2_memory_kib": 8, "argon2_passes": 1}
"""Settings with argon2 as cheap as it gets, where what it costs is not what tests are about."""


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
