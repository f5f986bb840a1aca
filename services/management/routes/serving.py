"""Serves operations: whoever calls is let in first, and what they demand of the answer is kept.

No handler is reached but through here, so none can forget to ask who calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.logging import carried, remember
from libs.common.errors import NotFound
from services.management.auth import Caller, Scope, Tokens
from services.management.author import Author
from services.management.etags import condition_of
from services.management.routes.operation import TENANT, F, Operation
from services.management.rows import NO_TENANT

DEFAULT_TENANT: Final = "default"
"""The tenant of a path that names none."""


class Admitted(msgspec.Struct, frozen=True):
    """Somebody who may do what they ask for."""

    caller: Caller
    tenant: str
    author: Author


_ADMITTED: Final = web.RequestKey("admitted", Admitted)


def admitted(request: web.Request) -> tuple[str, Author]:
    """Return the tenant that a request is about, and who asks."""
    known = request[_ADMITTED]
    return known.tenant, known.author


def require(request: web.Request, scope: Scope) -> None:
    """Raise `Denied` unless the caller may do this as well as what the operation is declared to."""
    known = request[_ADMITTED]
    known.caller.require(scope, known.tenant)


class Door:
    """Lets in who may do what they ask for."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def admit(self, request: web.Request, scope: Scope) -> Admitted:
        """Return who calls and what about, or raise for whoever may not do this there."""
        caller = self._tokens.verify(request.headers.get(hdrs.AUTHORIZATION))
        tenant = request.match_info.get("tenant", DEFAULT_TENANT)
        caller.require(scope, tenant)
        if not TENANT.fullmatch(tenant):
            raise NotFound(NO_TENANT)
        remember(tenant=tenant)
        condition = condition_of(
            request.headers.get(hdrs.IF_MATCH), request.headers.get(hdrs.IF_NONE_MATCH)
        )
        author = Author(caller.subject, request.remote, carried("request"), condition)
        return Admitted(caller, tenant, author)


class Serving:
    """What every operation has in common, whichever face it is of."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def routes(self, operations: Iterable[Operation[F]], endpoints: F) -> tuple[web.RouteDef, ...]:
        """Return the routes of `operations`, whose handlers are methods of `endpoints`."""
        return tuple(
            web.route(operation.method, prefix + operation.path, self._served(operation, endpoints))
            for operation in operations
            for prefix in operation.prefixes
        )

    def _served(self, operation: Operation[F], endpoints: F) -> Any:  # noqa: ANN401 -- as web.route has it
        async def serve(request: web.Request) -> web.StreamResponse:
            if operation.scope is not None:
                request[_ADMITTED] = await self._door.admit(request, operation.scope)
            return await operation.handler(endpoints, request)

        return serve
