"""How seed 000's face says no.

    {"error": "bad_request", "message": "Invalid flow configuration", "statusCode": 400,
     "errorCode": "invalid_body", "detail": "the flow is not valid", "problems": [{"code": …}]}

The first three fields are the page's, with its words wherever it has some. `errorCode` is what
Auth0's SDKs tell mistakes apart by. `detail` says what is wrong in this very call.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.app import json_answer
from libs.common.chassis.problems import Refusal
from libs.common.errors import Problem


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True, rename={"code": "errorCode"}):
    """The body of every answer of this face that is not what was asked for."""

    error: str
    message: str
    statusCode: int  # noqa: N815 -- the page's name
    code: str
    detail: str | None = None
    problems: tuple[Problem, ...] = ()


class _Words(msgspec.Struct, frozen=True):
    error: str
    message: str
    code: str


_PAGE: Final[Mapping[int, _Words]] = {
    HTTPStatus.BAD_REQUEST: _Words("bad_request", "Invalid flow configuration", "invalid_body"),
    HTTPStatus.UNAUTHORIZED: _Words("unauthorized", "Access token is invalid", "invalid_token"),
    HTTPStatus.FORBIDDEN: _Words("forbidden", "Insufficient permissions", "insufficient_scope"),
    HTTPStatus.NOT_FOUND: _Words("not_found", "Flow not found", "inexistent_flow"),
    HTTPStatus.TOO_MANY_REQUESTS: _Words(
        "too_many_requests", "Rate limit exceeded", "too_many_requests"
    ),
}
"""What the page says of each status that it has, and the code of it."""
_QUERY: Final = _Words("bad_request", "Invalid query string", "invalid_query_string")
_READS: Final = frozenset({hdrs.METH_GET, hdrs.METH_DELETE})


def refuse(request: web.Request, refusal: Refusal) -> web.Response:
    """Give `refusal` this face's shape."""
    words = _PAGE.get(refusal.status) or _Words(refusal.code, refusal.message, refusal.code)
    if refusal.status == HTTPStatus.BAD_REQUEST and request.method in _READS:
        # What has no body can only be wrong there.
        words = _QUERY
    return refused(
        ErrorBody(
            words.error,
            words.message,
            refusal.status,
            words.code,
            None if refusal.message == words.message else refusal.message,
            refusal.problems,
        )
    )


def refused(body: ErrorBody) -> web.Response:
    """Answer with `body` under its own status."""
    return json_answer(body, status=body.statusCode)
