"""`POST /flow/execute` (seed 002) at all its paths, and what assertions are checked with: the keys
for everybody, and `POST /introspect` for who may ask.

No authorization is needed, but where a flow wants it to be started: then the `flowId` is the only
handle. Nothing here decides anything about a flow; it reads a request, has the turn run, and says
in HTTP what came of it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET
from multidict import CIMultiDictProxy

from libs.common.chassis.bucket import lines as rate_lines
from libs.common.chassis.direct import Answer, Request, Route, Whole, header_lines
from libs.common.chassis.hosts import host_of
from libs.common.chassis.logging import remember
from libs.common.chassis.oauth import error_of
from libs.common.chassis.problems import JSON, Refusal, decode_body, decode_json
from libs.common.chassis.proxies import FORWARDED, Proxies
from libs.common.chassis.serve import VERSION
from libs.common.errors import GatehouseError, Invalid, Problem, Unavailable
from libs.common.secret import Secret
from services.executor import wire
from services.executor.asking import INTROSPECT_PATH, Asking
from services.executor.assertions import DEFAULT_TENANT
from services.executor.call import Call, Opening
from services.executor.faults import describe, fault_of
from services.executor.limits import Admission, Requests
from services.executor.links import Links, UnknownLink, token_of
from services.executor.openapi import document
from services.executor.tenants import Tenants
from services.executor.turns import Overtaken, SessionOver, Turns

PATHS: Final = ("/flow/execute", "/api/server/v1/flow/execute")
KEYS_PATH: Final = "/.well-known/jwks.json"
DOCUMENT_PATH: Final = "/openapi.json"
TENANT: Final = "/t/{tenant:[A-Za-z0-9][A-Za-z0-9_.-]{0,62}}"
_KEY: Final = "Idempotency-Key"
_DEVICE: Final = "X-Device-Id"
_BEARER: Final = "bearer"
_NEXT: Final = "next"

_ADMISSION: Final = web.RequestKey("admission", Admission)
_ASKS: Final = web.RequestKey("asks", bool)
"""It is for `/introspect`, which refuses as OAuth does."""
ERROR: Final = web.RequestKey("error", Exception)
"""Why a turn was not run."""
_ADMITTED_ORIGIN: Final = web.RequestKey("admitted_origin", bool)

# An answer may hold an assertion (RFC 6749, 5.1, of tokens alike).
_ANSWER_HEADERS: Final = header_lines(
    {
        hdrs.CONTENT_TYPE: JSON,
        hdrs.CACHE_CONTROL: "no-store",
    }
)
_KEYS_HEADERS: Final = header_lines(
    {
        hdrs.CONTENT_TYPE: JSON,
        hdrs.CACHE_CONTROL: "public, max-age=300",
        # Public keys, which a page of any origin may need to check an assertion.
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    }
)
_DOCUMENT: Final = msgspec.json.encode(document(PATHS, KEYS_PATH, INTROSPECT_PATH, VERSION))
_DOCUMENT_HEADERS: Final = header_lines(
    {
        hdrs.CONTENT_TYPE: JSON,
        hdrs.CACHE_CONTROL: "no-cache",
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    }
)
_LONGEST_HEADER: Final = 512
"""Characters of a header of the client's that a flow may look at."""
_EXPOSED: Final = header_lines(
    {
        hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: "Retry-After, X-RateLimit-Limit, "
        "X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"
    }
)
_PREFLIGHT: Final = header_lines(
    {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: hdrs.METH_POST,
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Authorization, Content-Type, Idempotency-Key, "
        "X-Device-Id, X-Request-Id",
        hdrs.ACCESS_CONTROL_MAX_AGE: "600",
    }
)
_PRINTABLE: Final = re.compile("[ -~]{1,255}")
"""What an `Idempotency-Key` may be."""


class _Told(msgspec.Struct, frozen=True, gc=False):
    """What the headers of a request say that any turn wants to know."""

    json: bool
    """Whether the body is exactly said to be JSON."""
    origin: str
    key: str
    user_agent: str
    language: str
    forwarded: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Face:
    """The executor's API."""

    turns: Turns
    links: Links
    requests: Requests
    proxies: Proxies
    tenants: Mapping[str, str]
    """By host."""
    origins: Sequence[str]
    """Of pages that may call for every tenant; `*` for all there are."""
    settings: Tenants
    """Whose own lists are looked at besides."""
    keys: bytes
    """The published key set."""
    asking: Asking

    def routes(self) -> list[Route]:
        """List every route."""
        places = [f"{prefix}{path}" for prefix in ("", TENANT) for path in PATHS]
        return [
            *(Route(hdrs.METH_POST, place, self.execute) for place in places),
            *(Route(hdrs.METH_OPTIONS, place, self.preflight) for place in places),
            Route(hdrs.METH_GET, DOCUMENT_PATH, self.describe),
            Route(hdrs.METH_GET, KEYS_PATH, self.publish_keys),
            Route(hdrs.METH_GET, f"{TENANT}{KEYS_PATH}", self.publish_keys),
            Route(hdrs.METH_POST, INTROSPECT_PATH, self.introspect),
            Route(hdrs.METH_POST, f"{TENANT}{INTROSPECT_PATH}", self.introspect),
        ]

    async def execute(self, request: Request) -> Answer:
        """Start a flow, answer its current step, or go on by a link that was mailed."""
        tenant = self.tenant(request)
        remember("tenant", tenant)
        told = _told(request)
        if told.origin:
            await self._look_at_origin(request, told.origin, tenant)
        try:
            key = _idempotency_key(told)
            # One coroutine less for nearly all.
            if told.json and isinstance(request, Whole):
                body = decode_body(request.body, wire.Request)
            else:
                body = await decode_json(request, wire.Request)
        except GatehouseError:
            await self.charge(request)
            raise
        call = self._call(request, told, body, key, tenant)
        admission = self.requests.ask(tenant, call.ip)
        # As `turn`, with one coroutine less.
        try:
            shown = await self._run(
                call, None if body.flow_id else _opening(request, body), admission
            )
        except Exception as error:
            await self._keep(request, admission, error)
            raise
        answer = Answer(shown, _ANSWER_HEADERS)
        self._add_headers(request, answer, told.origin, admission)
        return answer

    async def turn(
        self,
        request: Request,
        body: wire.Request,
        opening: Opening | None,
        *,
        tenant: str | None = None,
    ) -> bytes:
        """Run the turn that `body` asks for; whoever sent `request` pays for it.

        A start has an `opening`. The `tenant` is the request's own unless it is named. Without a
        `flowId`, a `token` among the inputs follows a link that was mailed.
        """
        call = self._call(request, _told(request), body, None, tenant or self.tenant(request))
        admission = self.requests.ask(call.tenant, call.ip)
        try:
            return await self._run(call, opening, admission)
        except Exception as error:
            await self._keep(request, admission, error)
            raise

    def _run(self, call: Call, opening: Opening | None, admission: Admission) -> Awaitable[bytes]:
        if call.request.flow_id:
            return self.turns.submit(call, admission.wait)
        token = token_of(call.request)
        if token is not None:
            return self.links.follow(call, token, admission.wait)
        if opening is None:
            return self.turns.submit(call, admission.wait)
        return self.turns.start(call, opening, admission.wait)

    async def _keep(self, request: Request, admission: Admission, error: Exception) -> None:
        """Keep what `refuse` wants to know of an `error`."""
        request[_ADMISSION] = admission
        if isinstance(error, GatehouseError):
            request[ERROR] = error
            if admission.given is None:
                # Refused before anybody looked whether the caller may ask at all.
                await admission.wait()

    async def look(self, request: Request, flow_id: str) -> bytes:
        """Return the answer that is current in a session; whoever sent `request` pays for it.

        Raises `NotFound` or `SessionOver` where there is none to answer.
        """
        body = wire.Request(flow_id=flow_id)
        call = self._call(request, _told(request), body, None, self.tenant(request))
        return await self.turns.look(call, self.requests.ask(call.tenant, call.ip).wait)

    async def charge(self, request: Request) -> None:
        """Have whoever sent `request` pay for it: what cannot be read costs as well."""
        admission = self.requests.ask(self.tenant(request), self._address(request))
        request[_ADMISSION] = admission
        await admission.wait()

    async def preflight(self, request: Request) -> Answer:
        """Tell a browser whether a page may call (the Fetch standard, CORS)."""
        origin = _told(request).origin
        answer = Answer(b"", status=204)
        if origin:
            await self._look_at_origin(request, origin, self.tenant(request))
        if self._add_headers(request, answer, origin, None):
            answer.lines += _PREFLIGHT
        return answer

    async def publish_keys(self, _request: web.Request) -> Answer:
        """Publish the keys that assertions are checked with."""
        return Answer(self.keys, _KEYS_HEADERS)

    async def introspect(self, request: Request) -> Answer:
        """Say whether somebody is still signed in (RFC 7662)."""
        request[_ASKS] = True
        tenant = self.tenant(request)
        remember("tenant", tenant)
        answer = await self.asking.answer(request, tenant, self._address(request))
        return Answer(wire.encode(answer), _ANSWER_HEADERS)

    async def describe(self, _request: web.Request) -> Answer:
        """Describe this API in OpenAPI 3.1."""
        return Answer(_DOCUMENT, _DOCUMENT_HEADERS)

    def refuse(self, request: Request, refusal: Refusal) -> Answer:
        """Say why `request` was not done: the chassis' `Face`."""
        if request.get(_ASKS):
            body = wire.encode(error_of(refusal))
            return Answer(body, _ANSWER_HEADERS, status=refusal.status)
        error = request.get(ERROR)
        named = error.fault if isinstance(error, SessionOver | UnknownLink) else None
        fault = fault_of(refusal, named)
        kind = error.type.wire if isinstance(error, SessionOver) and error.type else None
        refused = wire.Refusal(
            code=fault.code,
            message=fault.message,
            description=describe(refusal),
            trace_id=refusal.trace_id,
            flow_type=kind or UNSET,
            step=wire.current_step(error.answer) if isinstance(error, Overtaken) else UNSET,
        )
        answer = Answer(wire.encode(refused), _ANSWER_HEADERS, refusal.status)
        self._add_headers(request, answer, _told(request).origin, request.get(_ADMISSION))
        return answer

    def _call(
        self, request: Request, told: _Told, body: wire.Request, key: str | None, tenant: str
    ) -> Call:
        address = self.proxies.client(request.remote, told.forwarded)
        return Call(tenant, body, key, address, told.user_agent, told.language)

    def _add_headers(
        self, request: Request, answer: Answer, origin: str, admission: Admission | None
    ) -> bool:
        """Add what any answer says; return whether it is for a page of this `origin` to read."""
        if admission is not None and admission.given is not None:
            answer.lines += rate_lines(admission.given)
        if not origin:
            return False
        answer.say(hdrs.VARY, hdrs.ORIGIN)
        admitted = request.get(_ADMITTED_ORIGIN) or self._is_everyones(origin)
        if admitted:
            answer.say(hdrs.ACCESS_CONTROL_ALLOW_ORIGIN, origin)
            answer.lines += _EXPOSED
        return admitted

    async def _look_at_origin(self, request: Request, origin: str, tenant: str) -> None:
        """Find out whether the page that calls is one of the tenant's own."""
        if self._is_everyones(origin):
            return
        try:
            settings = await self.settings.settings(tenant)
        except Unavailable:
            # As a page of nobody's: what it asked for may be done without PostgreSQL.
            return
        request[_ADMITTED_ORIGIN] = origin in settings.origins

    def _is_everyones(self, origin: str) -> bool:
        return origin in self.origins or "*" in self.origins

    def tenant(self, request: Request) -> str:
        """Say whose flows `request` is about."""
        named = request.match_info.get("tenant")
        if named is not None:
            return named
        if self.tenants:
            return self.tenants.get(host_of(request), DEFAULT_TENANT)
        return DEFAULT_TENANT

    def _address(self, request: Request) -> str:
        return self.proxies.client(request.remote, _told(request).forwarded)


def _told(request: Request) -> _Told:
    return request.told(_read) if isinstance(request, Whole) else _read(request.headers)


def _read(headers: CIMultiDictProxy[str]) -> _Told:
    return _Told(
        json=headers.get(hdrs.CONTENT_TYPE) == JSON,
        origin=_text(headers, hdrs.ORIGIN),
        key=_text(headers, _KEY),
        user_agent=_text(headers, hdrs.USER_AGENT)[:_LONGEST_HEADER],
        language=_text(headers, hdrs.ACCEPT_LANGUAGE)[:_LONGEST_HEADER],
        forwarded=tuple(headers.getall(FORWARDED, ())),
    )


def header(request: Request, name: str) -> str:
    """Return a header as text that can be stored and sent; empty where there is none."""
    return _text(request.headers, name)


def _text(headers: CIMultiDictProxy[str], name: str) -> str:
    value = headers.get(name, "")
    if value.isascii():
        return value
    # aiohttp keeps bytes that are not UTF-8 as lone surrogates, which nothing can write.
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _opening(request: Request, body: wire.Request) -> Opening:
    # What is served directly has no query.
    asked = None if isinstance(request, Whole) else request.query.get(_NEXT)
    return Opening(
        bearer=_bearer(request),
        device=body.device_id or header(request, _DEVICE)[:_LONGEST_HEADER],
        next=body.next or asked,
    )


def _bearer(request: Request) -> Secret | None:
    """Return what the caller shows of who they are (RFC 6750, 2.1); None where they show nothing.

    Another scheme is somebody else's, as of a proxy in front.
    """
    scheme, _, token = header(request, hdrs.AUTHORIZATION).partition(" ")
    return Secret(token.strip()) if scheme.lower() == _BEARER else None


def _idempotency_key(told: _Told) -> str | None:
    """Return the name that the client gave its submit; raise `Invalid` for what is none."""
    if told.key and not _PRINTABLE.fullmatch(told.key):
        message = f"{_KEY} has to be at most 255 printable ASCII characters"
        raise Invalid(message, (Problem("invalid", message, path=_KEY),))
    return told.key or None
