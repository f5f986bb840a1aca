"""How `/oauth` says no: as RFC 6749, 5.2 has it.

{"error": "invalid_client", "error_description": "the client is not known"}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.app import json_answer
from libs.common.chassis.problems import Refusal

WORDS: Final = frozenset(
    {"invalid_grant", "invalid_scope", "unauthorized_client", "unsupported_grant_type"}
)
"""The RFC's words that a problem's code may be, to say more than its error does."""

_CODES: Final[Mapping[str, str]] = {
    "invalid": "invalid_request",
    "unauthenticated": "invalid_client",
    "denied": "unauthorized_client",
    "too_large": "invalid_request",
    "unsupported": "invalid_request",
    # Of 4.1.2.1, which has words for these.
    "unavailable": "temporarily_unavailable",
    "exhausted": "temporarily_unavailable",
    "internal": "server_error",
}


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every answer of this face that is no token."""

    error: str
    error_description: str


def refuse(_request: web.Request, refusal: Refusal) -> web.Response:
    """Give `refusal` this face's shape."""
    own = (problem.code for problem in refusal.problems if problem.code in WORDS)
    error = next(own, _CODES.get(refusal.code, refusal.code))
    return json_answer(
        ErrorBody(error, refusal.message),
        status=refusal.status,
        # RFC 6749, 5.1: nothing here is to be kept.
        headers={hdrs.CACHE_CONTROL: "no-store"},
    )
