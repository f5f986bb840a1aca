"""`/api/admin/expressions/reference`: the language of conditions as data, for editors."""

from __future__ import annotations

from aiohttp import hdrs, web

from libs.common.chassis.app import json_answer
from libs.common.flow.expression import reference
from services.management.auth import Tokens
from services.management.routes.face import Door, of_tenants


def expression_routes(tokens: Tokens) -> tuple[web.RouteDef, ...]:
    """Return the route of the reference; it is the same for each tenant."""
    door = Door(tokens)

    async def show(request: web.Request) -> web.Response:
        door.admit(request, "read:flows")
        return json_answer(reference())

    return of_tenants(((hdrs.METH_GET, "/api/admin/expressions/reference", show),))
