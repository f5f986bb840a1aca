"""Pages and what they are made of, as answers of HTTP."""

from __future__ import annotations

from aiohttp import hdrs, web

from services.executor.portal import guard
from services.executor.portal.pages import Page


def respond(page: Page, status: int = 200) -> web.Response:
    """Show `page`."""
    headers = {**guard.headers(page.policy), hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(
        text=page.html, status=status, content_type="text/html", charset="utf-8", headers=headers
    )


def see(path: str) -> web.Response:
    """Have the browser get `path` (RFC 9110, 15.4.4)."""
    headers = {**guard.headers(None), hdrs.CACHE_CONTROL: "no-store", hdrs.LOCATION: path}
    return web.Response(status=303, headers=headers)


def give(body: bytes, kind: str) -> web.Response:
    """Give what pages are drawn with."""
    # Each has an address of its own for as long as it stays the same.
    headers = {**guard.headers(None), hdrs.CACHE_CONTROL: "public, max-age=86400"}
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)
