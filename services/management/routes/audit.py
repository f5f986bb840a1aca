"""`/api/admin/audit`: who changed what, the newest first."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, UnsetType

from libs.common.chassis.app import json_answer
from services.management.audit import Audit
from services.management.records import Action, Entry
from services.management.routes.decode import decode_query
from services.management.routes.face import (
    Limit,
    Text,
    before_of,
    cursor_before,
    seconds,
)
from services.management.routes.operation import Operation
from services.management.routes.serving import admitted


class Listing(msgspec.Struct, frozen=True):
    """The query of the log."""

    limit: Limit = 20
    cursor: str | None = None
    flow: Text | None = None
    action: Action | None = None


class Line(msgspec.Struct, frozen=True):
    """An entry; `flow` is left out where it is about none."""

    id: int
    at: int
    actor: str
    action: str
    flow: str | UnsetType
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
        page = await self._audit.list(
            tenant, query.flow, query.action, before_of(query.cursor), query.limit
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
        entry.id,
        seconds(entry.at),
        entry.actor,
        entry.action,
        UNSET if entry.flow is None else entry.flow,
        msgspec.Raw(entry.details.encode()),
    )
