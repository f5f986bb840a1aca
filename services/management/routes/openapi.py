"""`/openapi.json`, and `/docs`, a page to read it with that asks no other host for anything."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.problems import JSON
from libs.common.chassis.serve import VERSION
from services.management.openapi import document
from services.management.routes.decode import decode_query
from services.management.routes.faces import Face
from services.management.routes.operation import Content, Operation

_PAGES: Final = Path(__file__).parent / "pages"
_HTML: Final = "text/html"
_CSS: Final = "text/css"
_SCRIPT: Final = "text/javascript"

_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    hdrs.CACHE_CONTROL: "no-cache",
}


class Which(msgspec.Struct, frozen=True):
    """The query of the document: all faces, or one."""

    face: Face | None = None


class Endpoints:
    def __init__(self, operations: Sequence[Operation[Any]]) -> None:
        self._documents = _documents(tuple(operations))
        self._pages = {each.name: each.read_text("utf-8") for each in _PAGES.iterdir()}

    async def describe(self, request: web.Request) -> web.Response:
        query = decode_query(request, Which)
        return web.Response(
            body=self._documents[query.face],
            headers={hdrs.CONTENT_TYPE: JSON, hdrs.CACHE_CONTROL: "no-cache"},
        )

    async def page(self, _request: web.Request) -> web.Response:
        return self._page("docs.html", _HTML)

    async def style(self, _request: web.Request) -> web.Response:
        return self._page("docs.css", _CSS)

    async def script(self, _request: web.Request) -> web.Response:
        return self._page("docs.js", _SCRIPT)

    def _page(self, name: str, kind: str) -> web.Response:
        return web.Response(
            text=self._pages[name], content_type=kind, charset="utf-8", headers=_HEADERS
        )


# Neither changes while the process lives, and it takes a good part of a second.
@functools.cache
def _documents(operations: tuple[Operation[Any], ...]) -> Mapping[Face | None, bytes]:
    return {
        face: msgspec.json.encode(document(_of(operations, face), VERSION))
        for face in (None, *Face)
    }


def _of(operations: Sequence[Operation[Any]], face: Face | None) -> Sequence[Operation[Any]]:
    return [each for each in operations if face is None or each.face is face]


OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path="/openapi.json",
        handler=Endpoints.describe,
        summary="Get this document, of all faces or of one",
        scope=None,
        query=Which,
        answers={200: dict[str, Any]},
        tenants=False,
    ),
    Operation(
        method=hdrs.METH_GET,
        path="/docs",
        handler=Endpoints.page,
        summary="Read this document as a page",
        scope=None,
        answers={200: Content(None, (_HTML,))},
        tenants=False,
    ),
    Operation(
        method=hdrs.METH_GET,
        path="/docs/page.css",
        handler=Endpoints.style,
        summary="Get the look of that page",
        scope=None,
        answers={200: Content(None, (_CSS,))},
        tenants=False,
    ),
    Operation(
        method=hdrs.METH_GET,
        path="/docs/page.js",
        handler=Endpoints.script,
        summary="Get the script of that page",
        scope=None,
        answers={200: Content(None, (_SCRIPT,))},
        tenants=False,
    ),
)
