"""What keeps the portal's pages apart from everybody else's: headers, and whose form it was.

A page may load what it needs and nothing else, stand in no frame, and be kept by no cache. Whether
a form was the portal's own is told by what browsers say of it (Fetch Metadata, RFC 6454), and by
its step, which nobody else's page can know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from services.executor.portal.captchas import WIDGETS
from services.executor.portal.pages import Policy

FETCH_SITE: Final = "Sec-Fetch-Site"
OURS: Final = "same-origin"

COMMON: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    # The path of a flow's page is nobody else's to know; a browser that sends none to our own site
    # either sends `Origin: null` with its forms.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_NOTHING: Final = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"


def headers(policy: Policy | None) -> dict[str, str]:
    """Return what every answer has; None is for what is no page."""
    return {**COMMON, "Content-Security-Policy": _NOTHING if policy is None else _allow(policy)}


def _allow(policy: Policy) -> str:
    widget = () if policy.captcha is None else WIDGETS[policy.captcha].hosts
    ours = ("'self'",) if policy.scripts else ()
    allowed = {
        "style-src": ("'self'", *widget),
        "img-src": ("'self'", "data:", *policy.images, *widget),
        "script-src": (*ours, *widget),
        "connect-src": widget,
        "frame-src": widget,
    }
    lines = [f"{name} {' '.join(sources)}" for name, sources in allowed.items() if sources]
    return "; ".join([_NOTHING, "form-action 'self'", *lines])


def is_ours(request: web.Request) -> bool | None:
    """Whether a page of this site sent `request`; None where the browser does not say."""
    site = request.headers.get(FETCH_SITE)
    if site is not None:
        return site == OURS
    origin = request.headers.get(hdrs.ORIGIN)
    # Of the host alone: a proxy may have taken the TLS away.
    return None if origin is None else urlsplit(origin).netloc.lower() == request.host.lower()
