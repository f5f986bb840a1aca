"""A way past aiohttp's router, for the few paths that nearly all requests are for.

The router reads and copies what it then only compares with a handful of strings, and its
application asks the system for the process id each time: a twentieth of a step
(docs/performance.md). Anything unusual about a request still goes through both.

A handler that is reached directly has no `request.match_info` and no `request.app`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias, cast

from aiohttp import hdrs, web

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Returns its answer or raises; a redirect is returned."""

DIRECT: Final = web.AppKey("direct", Mapping[tuple[str, str], Handler])
"""Handlers by method and path, in the application that also has them as routes."""


def go_direct(runner: web.AppRunner) -> None:
    """Have `runner`, which is set up, hand requests for the `DIRECT` paths to their handlers."""
    server = runner.server
    assert server is not None  # noqa: S101 - it is set up
    direct, routed = runner.app[DIRECT], server.request_handler

    def handle(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        # The path as it was sent: one with a query or escapes is not found here.
        handler = direct.get((request.method, request.raw_path))
        if handler is None or hdrs.EXPECT in request.headers:
            return routed(request)
        return handler(cast("web.Request", request))

    server.request_handler = handle
