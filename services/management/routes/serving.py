"""Serves operations: whoever calls is let in first, and what they demand of the answer is kept.

No handler is reached but through here, so none can forget to ask who calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.hosts import host_of
from libs.common.chassis.logging import carried, remember
from libs.common.chassis.proxies import FORWARDED, Proxies
from libs.common.chassis.proxies import subject as counted_as
from libs.common.errors import NotFound, Unauthenticated
from services.management.auth import Caller, Callers, Scope
from services.management.author import Author
from services.management.etags import Condition, condition_of
from services.management.routes.counting import Counting
from services.management.routes.operation import TENANT, F, Operation
from services.management.routes.writes import Writes
from services.management.rows import NO_TENANT

DEFAULT_TENANT: Final = "default"
"""The tenant of a path that names none."""


class Admitted(msgspec.Struct, frozen=True):
    """Somebody who may do what they ask for."""

    caller: Caller
    tenant: str
    author: Author


class Stranger(msgspec.Struct, frozen=True):
    """Somebody of whom nothing is known."""

    tenant: str
    author: Author
    counting: Counting
    confined: bool
    """Whether they named the tenant, and so mean no other."""


_ADMITTED: Final = web.RequestKey("admitted", Admitted)
_STRANGER: Final = web.RequestKey("stranger", Stranger)


def admitted(request: web.Request) -> tuple[str, Author]:
    """Return the tenant that a request is about, and who asks."""
    known = request[_ADMITTED]
    return known.tenant, known.author


def caller_of(request: web.Request) -> Caller:
    """Return who asks, with all that they may do."""
    return request[_ADMITTED].caller


def stranger(request: web.Request) -> tuple[str, Author]:
    """Return what `admitted` does, for an operation that anybody may ask for; of no subject."""
    known = request[_STRANGER]
    return known.tenant, known.author


def is_confined(request: web.Request) -> bool:
    """Tell whether a stranger means one tenant alone."""
    return request[_STRANGER].confined


async def count_as(request: web.Request, subject: str) -> None:
    """Count a request of a stranger who turned out to be `subject`; raise `Exhausted`."""
    known = request[_STRANGER]
    await known.counting.count(request, known.tenant, subject)


def require(request: web.Request, scope: Scope) -> None:
    """Raise `Denied` unless the caller may do this as well as what the operation is declared to."""
    known = request[_ADMITTED]
    known.caller.require(scope, known.tenant)


class Door:
    """Lets in who may do what they ask for."""

    def __init__(
        self, callers: Callers, proxies: Proxies, counting: Counting, hosts: Mapping[str, str]
    ) -> None:
        """`hosts` say which tenant is meant where a path could name one and does not."""
        self._callers = callers
        self._hosts = hosts
        self._proxies = proxies
        self._counting = counting

    async def admit(self, request: web.Request, scope: Scope, *, tenants: bool = True) -> Admitted:
        """Return who calls and what about, or raise for whoever may not do this there.

        `tenants` is whether the path could name a tenant.
        """
        try:
            caller = await self._callers.identify(request.headers.get(hdrs.AUTHORIZATION))
        except Unauthenticated:
            await self._counting.count(request, None, counted_as(self.address(request)))
            raise
        named = self._named(request, tenants=tenants)
        tenant = DEFAULT_TENANT if named is None else named
        known = TENANT.fullmatch(tenant) is not None
        # Of a caller's own tenant, whichever the path names: nobody uses up what is another's.
        counted = caller.tenant or (tenant if known else DEFAULT_TENANT)
        # Nor does a tenant's subject use up an operator's who is called the same.
        who = f"{caller.tenant or ''}:{caller.subject}"
        await self._counting.count(request, counted, who)
        caller.require(scope, tenant)
        if not known:
            raise NotFound(NO_TENANT)
        remember("tenant", tenant)
        return Admitted(caller, tenant, self._author(request, caller.subject))

    async def let_pass(self, request: web.Request, *, tenants: bool = True) -> Stranger:
        """Return what is known of somebody who need not say who they are."""
        await self._counting.count(request, None, counted_as(self.address(request)))
        named = self._named(request, tenants=tenants)
        tenant = DEFAULT_TENANT if named is None else named
        if not TENANT.fullmatch(tenant):
            raise NotFound(NO_TENANT)
        return Stranger(tenant, self._author(request, ""), self._counting, named is not None)

    def _named(self, request: web.Request, *, tenants: bool) -> str | None:
        """Return the tenant that the path names, else the host; None where neither does."""
        named: str | None = request.match_info.get("tenant")
        # What is of all tenants is of none's host: its own token must not open it there.
        return self._hosts.get(host_of(request)) if named is None and tenants else named

    def _author(self, request: web.Request, subject: str) -> Author:
        return Author(subject, self.address(request) or None, carried("request"))

    def address(self, request: web.Request) -> str:
        """Return where a request comes from, as far as proxies are believed about it."""
        return self._proxies.client(request.remote, request.headers.getall(FORWARDED, ()))


class Serving:
    """What every operation has in common, whichever face it is of."""

    def __init__(self, door: Door, writes: Writes, counting: Counting) -> None:
        self._door = door
        self._writes = writes
        self._counting = counting

    def routes(self, operations: Iterable[Operation[F]], endpoints: F) -> tuple[web.RouteDef, ...]:
        """Return the routes of `operations`, whose handlers are methods of `endpoints`."""
        return tuple(
            web.route(operation.method, prefix + operation.path, handler)
            for operation in operations
            for handler in (self._counting.answering(self._served(operation, endpoints)),)
            for prefix in operation.prefixes
        )

    def _served(self, operation: Operation[F], endpoints: F) -> Any:  # noqa: ANN401 -- as web.route has it
        async def serve(request: web.Request) -> web.StreamResponse:
            if operation.scope is None:
                request[_STRANGER] = await self._door.let_pass(request, tenants=operation.tenants)
                return await operation.handler(endpoints, request)
            known = await self._door.admit(request, operation.scope, tenants=operation.tenants)
            if operation.tagged:
                condition = condition_of(
                    request.headers.get(hdrs.IF_MATCH), request.headers.get(hdrs.IF_NONE_MATCH)
                )
                author = msgspec.structs.replace(known.author, condition=condition)
                known = msgspec.structs.replace(known, author=author)

            async def answer(author: Author) -> web.StreamResponse:
                request[_ADMITTED] = msgspec.structs.replace(known, author=author)
                return await operation.handler(endpoints, request)

            if operation.writes:
                keeps = not operation.secret
                return await self._writes.once(
                    request, known.tenant, known.author, answer, keeps=keeps
                )
            return _unless_known(known.author.condition, await answer(known.author))

        return serve


def _unless_known(condition: Condition, answer: web.StreamResponse) -> web.StreamResponse:
    """Spare whoever knows the state that `answer` shows from reading it again (RFC 9110, 13)."""
    tag = answer.headers.get(hdrs.ETAG)
    if tag is None or answer.status != HTTPStatus.OK:
        return answer
    if condition.is_known(tag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={hdrs.ETAG: tag})
    condition.check(tag)
    return answer
