"""`/api/admin/tenants/{tenant}`: what holds for all flows of a tenant."""

from __future__ import annotations

from typing import Annotated

from aiohttp import hdrs, web
from msgspec import Meta

from libs.common.chassis.app import json_answer
from libs.common.flow.model import Invariant
from services.management.auth import Tokens
from services.management.invariants import MOST, Invariants
from services.management.routes.decode import decode
from services.management.routes.face import Door

InvariantsBody = Annotated[tuple[Invariant, ...], Meta(max_length=MOST)]


def tenant_routes(invariants: Invariants, tokens: Tokens) -> tuple[web.RouteDef, ...]:
    """Return the routes of tenants, each of which names its tenant by itself."""
    face = _Face(invariants, Door(tokens))
    path = "/api/admin/tenants/{tenant}/invariants"
    return (
        web.route(hdrs.METH_GET, path, face.get),
        web.route(hdrs.METH_PUT, path, face.put),
    )


class _Face:
    def __init__(self, invariants: Invariants, door: Door) -> None:
        self._invariants = invariants
        self._door = door

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "read:tenants")
        return json_answer(await self._invariants.get(tenant))

    async def put(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "update:tenants")
        wanted = await decode(request, InvariantsBody)
        return json_answer(await self._invariants.replace(tenant, wanted, author))
