"""Signing somebody in, and the server that asks whether they still are."""

from __future__ import annotations

import uuid
from base64 import b64encode
from typing import Any

import jwt

from libs.common.chassis.tokens import digest, make_token
from libs.common.flow.model import Json
from libs.common.secret import Secret
from libs.common.wire.clients import INTROSPECT
from tests.integration.executor.conftest import PASSWORD, Executor, House, Reply
from tests.integration.executor.graphs import LOGIN

EMAIL = "sasha@example.com"
INACTIVE = (200, {"active": False})


def basic(id: str, secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{id}:{secret}'.encode()).decode()}"}


class Backend:
    """A server of the deployment's, which asks an executor."""

    def __init__(self, executor: Executor, id: str, secret: Secret) -> None:
        self.executor = executor
        self.id, self.secret = id, secret.reveal()

    async def asks(
        self, token: str, hint: str | None = None, path: str = "/introspect"
    ) -> tuple[int, Json]:
        form = {"token": token} if hint is None else {"token": token, "token_type_hint": hint}
        reply = await self.posts(form, basic(self.id, self.secret), path)
        return reply.status, reply.body

    async def posts(
        self, form: Json, headers: dict[str, str] | None = None, path: str = "/introspect"
    ) -> Reply:
        url = f"{self.executor.url}{path}"
        async with self.executor.http.post(url, data=form, headers=headers) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            return Reply(answer.status, await answer.json(), dict(answer.headers))


async def backend(
    house: House, executor: Executor, *scopes: str, tenant: str | None = None
) -> Backend:
    """Register a client, as management does."""
    id, secret = uuid.uuid4().hex, make_token()
    if tenant is not None:
        await house.pool.execute(
            "INSERT INTO tenants (name) VALUES ($1) ON CONFLICT DO NOTHING", tenant
        )
    await house.pool.execute(
        "INSERT INTO api_clients (client_id, tenant, name, secret_hash, scopes)"
        " VALUES ($1, $2, 'backend', $3, $4)",
        id,
        tenant,
        digest(secret),
        scopes or (INTROSPECT,),
    )
    return Backend(executor, id, secret)


async def sign_in(house: House, executor: Executor) -> str:
    await house.publish(LOGIN)
    done = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    token: str = done.data["userAssertion"]
    return token


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
