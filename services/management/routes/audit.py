"""`/api/admin/audit`: who changed what, the newest first."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, UnsetType

from libs.common.chassis.app import json_answer
from services.management.audit import Audit
from services.management.entries import Action, Entry, Sought
from services.management.routes.decode import decode_query
from services.management.routes.face import (
    Limit,
    Text,
    before_of,
    cursor_before,
    seconds,
)
from services.management.routes.operation import Operation
from services.management.routes.serving import admitted, caller_of


class Listing(msgspec.Struct, frozen=True):
    """The query of the log."""

    limit: Limit = 20
    cursor: str | None = None
    flow: Text | None = None
    resource: Text | None = None
    action: Action | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An entry; what it does not tell is left out."""

    id: int
    at: int
    actor: str
    address: str | UnsetType
    request_id: str | UnsetType
    action: str
    flow: str | UnsetType
    resource: str | UnsetType
    before: msgspec.Raw | UnsetType
    after: msgspec.Raw | UnsetType
    details: msgspec.Raw


class Lines(msgspec.Struct, frozen=True):
    """A page of the log."""

    items: tuple[Line, ...]
    cursor: str | None


class Endpoints:
    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        query = decode_query(request, Listing)
        sought = Sought(flow=query.flow, resource=query.resource, action=query.action)
        page = await self._audit.list(
            tenant,
            sought,
            before_of(query.cursor),
            query.limit,
            everywhere=caller_of(request).tenant is None,
        )
        return json_answer(Lines(tuple(map(_line, page.items)), cursor_before(page.next)))


OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path="/api/admin/audit",
        handler=Endpoints.list,
        summary="List who changed what, the newest first",
        scope="read:audit",
        query=Listing,
        answers={200: Lines},
    ),
)


def _line(entry: Entry) -> Line:
    return Line(
        id=entry.id,
        at=seconds(entry.at),
        actor=entry.actor,
        address=_or_unset(entry.address),
        request_id=_or_unset(entry.request),
        action=entry.action,
        flow=_or_unset(entry.flow),
        resource=_or_unset(entry.resource),
        before=UNSET if entry.before is None else msgspec.Raw(entry.before.encode()),
        after=UNSET if entry.after is None else msgspec.Raw(entry.after.encode()),
        details=msgspec.Raw(entry.details.encode()),
    )


def _or_unset(value: str | None) -> str | UnsetType:
    return UNSET if value is None else value
