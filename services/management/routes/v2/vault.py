"""The vault connections of Auth0's flows, of which there are none.

Auth0's deploy tool asks for them before it looks at any flow, and gives up where nobody answers.
Secrets that flows use are with `/api/admin/providers` and `/api/admin/actions`.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from libs.common.chassis.app import json_answer
from services.management.routes.decode import decode_query
from services.management.routes.operation import Operation


class Listing(msgspec.Struct, frozen=True):
    """The query of a list."""

    page: Annotated[int, Meta(ge=0, le=2**31 - 1, description="which page, from 0")] = 0
    per_page: Annotated[int, Meta(ge=1, le=100, description="connections on a page")] = 50


class ListAnswer(msgspec.Struct, frozen=True):
    """A page of no connections."""

    connections: Annotated[tuple[str, ...], Meta(max_length=0)]
    total: int
    start: int
    limit: int


class Endpoints:
    """One method an endpoint."""

    async def list(self, request: web.Request) -> web.Response:
        query = decode_query(request, Listing)
        return json_answer(ListAnswer((), 0, query.page * query.per_page, query.per_page))


OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path="/api/v2/flows/vault/connections",
        handler=Endpoints.list,
        summary="List vault connections, of which there are none",
        scope="read:flows",
        query=Listing,
        answers={200: ListAnswer},
    ),
)
