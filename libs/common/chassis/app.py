"""The aiohttp application that every service is: its routes, each observed in the same way.

Observed means a request id in and out, one log line, one count, and every error turned into the
face's answer. It wraps each handler rather than being a middleware: a middleware costs every
request another frame, and learns only while it runs which route it is on.

    /healthz   200 while the loop answers
    /readyz    200 when every dependency answers, 503 otherwise and while stopping
    /metrics   Prometheus
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from itertools import count
from time import perf_counter
from typing import Any, Final

import msgspec
import structlog
from aiohttp import hdrs, web
from multidict import istr
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.direct import DIRECT, SERVER, Answer, Direct, Handler, Request, Route
from libs.common.chassis.health import Health
from libs.common.chassis.logging import Log, carry
from libs.common.chassis.metrics import Metrics, RouteMeter
from libs.common.chassis.problems import JSON, Refusal, refusal_of
from libs.common.errors import NotFound

Face = Callable[[Any, Refusal], web.Response | Answer]
"""Gives a refusal the shape of the API that was called; takes what a `Handler` takes."""

HEALTH: Final = web.AppKey("health", Health)
REQUEST_ID: Final = "X-Request-Id"

_ID_SENT: Final = istr(REQUEST_ID)
"""Looked up in half the time."""
# A caller's id goes into headers and logs: nothing that could end a line or start markup.
_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_ANYTHING = "/{anything:.*}"

log: FilteringBoundLogger = structlog.get_logger()


def make_app(
    routes: Iterable[web.RouteDef | Route],
    *,
    face: Face,
    health: Health,
    out: Log,
    metrics: Metrics,
    body_limit: int,
    direct: Collection[str] = (),
) -> web.Application:
    """Return the application of `routes` and the chassis's own; bodies have up to `body_limit`.

    A POST to one of the paths in `direct` is served as the module of that name says.
    """
    app = web.Application(client_max_size=body_limit)
    app[HEALTH] = health
    observer = _Observer(face, health, out)
    handlers: dict[str, Handler] = {}
    app[DIRECT] = Direct(handlers, body_limit)
    for route in routes:
        # Without the patterns of its parts: `/t/{tenant}/flow`.
        template = web.DynamicResource(route.path).canonical
        meter = metrics.route(route.method, template)
        handler = observer.observed(route.handler, template, meter)
        if route.method == hdrs.METH_POST and route.path in direct:
            handlers[route.path] = handler
        web.RouteDef(route.method, route.path, _routed(handler), dict(route.kwargs)).register(
            app.router
        )
    for path, probe in _probes(health, metrics).items():
        meter = metrics.route(hdrs.METH_GET, path)
        handler = observer.observed(probe, path, meter, level="debug")
        app.router.add_get(path, _routed(handler))
    # A route of last resort, so that what nobody serves is observed and refused like all else.
    meter = metrics.route(hdrs.METH_ANY, "unmatched")
    handler = observer.observed(_unmatched, "unmatched", meter)
    app.router.add_route(hdrs.METH_ANY, _ANYTHING, _routed(handler))
    return app


def json_answer(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with `value` as msgspec writes it; a `Secret` in it raises `TypeError`."""
    body = msgspec.json.encode(value)
    return web.Response(
        body=body, status=status, headers={hdrs.CONTENT_TYPE: JSON, **(headers or {})}
    )


class _Observer:
    def __init__(self, face: Face, health: Health, out: Log) -> None:
        self._face = face
        self._health = health
        self._out = out
        # Random once and counted on: a trace id has to be unique, not secret, and a random one for
        # each request costs ten times as much.
        self._prefix = secrets.token_hex(8)
        self._numbers = count(1)

    def observed(
        self, handler: Handler, route: str, meter: RouteMeter, *, level: str = "info"
    ) -> Handler:
        """Wrap `handler`, whose answers are logged at `level`."""

        async def observe(request: Request) -> web.StreamResponse | Answer:
            started = perf_counter()
            request_id = request.headers.get(_ID_SENT)
            if request_id is None or not _SAFE_ID.fullmatch(request_id):
                request_id = f"{self._prefix}-{next(self._numbers)}"
            refusal = None
            # Each request is served in a task of its own.
            ids = {"request": request_id}
            carry(ids)
            try:
                answer = await handler(request)
            except Exception as error:  # noqa: BLE001 -- whatever it is, it gets the face's shape
                refusal = refusal_of(error, request_id)
                _tell(error, refusal)
                answer = self._face(request, refusal)
            say = answer.say if isinstance(answer, Answer) else answer.headers.__setitem__
            say(REQUEST_ID, request_id)
            if refusal is not None:
                for name, value in refusal.headers.items():
                    say(name, value)
            if self._health.stopping:
                answer.force_close()
            seconds = perf_counter() - started
            status = answer.status
            meter.record(status, seconds)
            refused = None if refusal is None else refusal.code
            self._out.request(level, ids, request.method, route, status, seconds, refused)
            return answer

        return observe


def _routed(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return `handler` as aiohttp's router wants it."""

    async def routed(request: web.Request) -> web.StreamResponse:
        answer = await handler(request)
        if isinstance(answer, Answer):
            answer = answer.for_aiohttp()
        answer.headers[hdrs.SERVER] = SERVER
        return answer

    return routed


def _tell(error: Exception, refusal: Refusal) -> None:
    """Log the reason of a refusal that the caller is not told."""
    if refusal.status < 500:  # noqa: PLR2004 -- the first server error of RFC 9110
        return
    if refusal.code == "internal":
        log.error("unexpected", exc_info=error)
    else:
        log.warning("cannot_answer", reason=refusal.message, exc_info=error)


def _probes(health: Health, metrics: Metrics) -> Mapping[str, Handler]:
    async def healthz(_request: web.Request) -> web.Response:
        return json_answer({"status": "ok"})

    async def readyz(_request: web.Request) -> web.Response:
        readiness = await health.readiness()
        return json_answer(readiness, status=200 if readiness.status == "ready" else 503)

    async def exposition(_request: web.Request) -> web.Response:
        body, content_type = metrics.render()
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})

    return {"/healthz": healthz, "/readyz": readyz, "/metrics": exposition}


async def _unmatched(request: web.Request) -> web.Response:
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource is not request.match_info.route.resource:
            _, methods = await resource.resolve(request)
            allowed |= methods
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))
    raise NotFound("there is nothing here")
