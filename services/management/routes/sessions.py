"""`/api/admin/sessions/{id}`: what a session did, and where it would go on another version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from libs.common.chassis.app import json_answer
from libs.common.chassis.logging import remember
from libs.common.errors import NotFound
from libs.common.flow.replay import Replay
from libs.common.wire.inspect import Record
from services.management.routes.decode import decode_query
from services.management.routes.operation import Operation
from services.management.routes.serving import admitted
from services.management.routes.versions import Number
from services.management.sessions import NO_SESSION, Sessions

_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SESSION: Final[Mapping[str, Any]] = {
    "id": Annotated[str, Meta(pattern=f"^{_ID.pattern}$", description="the session's `flowId`")]
}


class Onto(msgspec.Struct, frozen=True):
    """The query of a replay."""

    version: Number | None = None


class Endpoints:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        return json_answer(await self._sessions.inspect(tenant, _session(request)))

    async def replay(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        session = _session(request)
        query = decode_query(request, Onto)
        return json_answer(await self._sessions.replay(tenant, session, query.version))


def _session(request: web.Request) -> str:
    id = request.match_info["id"].lower()
    if not _ID.fullmatch(id):
        raise NotFound(NO_SESSION)
    remember("session", id)
    return id


OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path="/api/admin/sessions/{id}",
        handler=Endpoints.get,
        summary="Tell what a session did, step by step, and why",
        scope="read:sessions",
        parameters=_SESSION,
        answers={200: Record},
    ),
    Operation(
        method=hdrs.METH_GET,
        path="/api/admin/sessions/{id}/replay",
        handler=Endpoints.replay,
        summary="Replay a session on its own plan, or on a version",
        scope="read:sessions",
        parameters=_SESSION,
        query=Onto,
        answers={200: Replay},
    ),
)
