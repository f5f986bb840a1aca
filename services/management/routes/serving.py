"""Serves operations: whoever calls is let in first, and what they demand of the answer is kept.

No handler is reached but through here, so none can forget to ask who calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.logging import carried, remember
from libs.common.chassis.proxies import FORWARDED, Proxies
from libs.common.chassis.problems import read_body
from libs.common.errors import Invalid, NotFound, Problem
from services.management.auth import Caller, Callers, Scope
from services.management.author import Author
from services.management.etags import condition_of
from services.management.idempotency import KEY, REPLAYED, Answer, Repeats
from services.management.routes.operation import TENANT, F, Operation
from services.management.rows import NO_TENANT

DEFAULT_TENANT: Final = "default"
"""The tenant of a path that names none."""


class Admitted(msgspec.Struct, frozen=True):
    """Somebody who may do what they ask for."""

    caller: Caller
    tenant: str
    author: Author


_KEY: Final = re.compile("[ -~]{1,255}")
_KEPT: Final = (hdrs.CONTENT_TYPE, hdrs.ETAG, hdrs.LOCATION)
"""What of an answer's headers is of the answer itself."""

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

    def __init__(self, callers: Callers, proxies: Proxies) -> None:
        self._callers = callers
        self._proxies = proxies

    async def admit(self, request: web.Request, scope: Scope) -> Admitted:
        """Return who calls and what about, or raise for whoever may not do this there."""
        caller = await self._callers.identify(request.headers.get(hdrs.AUTHORIZATION))
        tenant = request.match_info.get("tenant", DEFAULT_TENANT)
        caller.require(scope, tenant)
        if not TENANT.fullmatch(tenant):
            raise NotFound(NO_TENANT)
        remember(tenant=tenant)
        condition = condition_of(
            request.headers.get(hdrs.IF_MATCH), request.headers.get(hdrs.IF_NONE_MATCH)
        )
        address = self.address(request) or None
        author = Author(caller.subject, address, carried("request"), condition)
        return Admitted(caller, tenant, author)

    def address(self, request: web.Request) -> str:
        """Return where a request comes from, as far as proxies are believed about it."""
        return self._proxies.client(request.remote, request.headers.getall(FORWARDED, ()))


class Serving:
    """What every operation has in common, whichever face it is of."""

    def __init__(self, door: Door, repeats: Repeats) -> None:
        self._door = door
        self._repeats = repeats

    def routes(self, operations: Iterable[Operation[F]], endpoints: F) -> tuple[web.RouteDef, ...]:
        """Return the routes of `operations`, whose handlers are methods of `endpoints`."""
        return tuple(
            web.route(operation.method, prefix + operation.path, self._served(operation, endpoints))
            for operation in operations
            for prefix in operation.prefixes
        )

    def _served(self, operation: Operation[F], endpoints: F) -> Any:  # noqa: ANN401 -- as web.route has it
        async def serve(request: web.Request) -> web.StreamResponse:
            if operation.scope is None:
                return await operation.handler(endpoints, request)
            request[_ADMITTED] = await self._door.admit(request, operation.scope)
            if not operation.writes:
                return _unless_known(request, await operation.handler(endpoints, request))
            key = request.headers.get(KEY)
            if key is None:
                return await operation.handler(endpoints, request)
            return await self._once(operation, endpoints, request, _checked(key))

        return serve

    async def _once(
        self, operation: Operation[F], endpoints: F, request: web.Request, key: str
    ) -> web.StreamResponse:
        """Do a write unless it was done, and answer the same either way."""
        known = request[_ADMITTED]
        digest = self._repeats.digest(
            request.method.encode(), request.raw_path.encode(), await read_body(request)
        )
        turn = await self._repeats.begin(known.tenant, known.author.subject, key, digest)
        if isinstance(turn, Answer):
            headers = {**turn.headers, REPLAYED: "true"}
            return web.Response(status=turn.status, headers=headers, body=turn.body)
        author = msgspec.structs.replace(known.author, turn=turn)
        request[_ADMITTED] = msgspec.structs.replace(known, author=author)
        try:
            answer = await operation.handler(endpoints, request)
        except Exception:
            await self._repeats.release(turn)
            raise
        await self._repeats.keep(turn, None if operation.secret else _kept(answer))
        return answer


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        problem = Problem("invalid", "send 1 to 255 printable characters", path=KEY)
        raise Invalid(f"the {KEY} is none", (problem,))
    return key


def _kept(answer: web.StreamResponse) -> Answer | None:
    if not isinstance(answer, web.Response):
        return None
    body = answer.body
    if body is not None and not isinstance(body, bytes):
        return None
    headers = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    return Answer(answer.status, headers, body or b"")


def _unless_known(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """Spare whoever knows the state that `answer` shows from reading it again (RFC 9110, 13)."""
    tag = answer.headers.get(hdrs.ETAG)
    if tag is None or answer.status != HTTPStatus.OK:
        return answer
    condition = request[_ADMITTED].author.condition
    if condition.is_known(tag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={hdrs.ETAG: tag})
    condition.check(tag)
    return answer
