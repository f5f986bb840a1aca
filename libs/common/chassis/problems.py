"""The one table from errors to status codes, and the one way in for JSON.

Each face shapes its own body from a `Refusal`; nothing else in Gatehouse knows a status code. What
is unexpected becomes one opaque refusal: its reason is in the log, under the same trace id.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.direct import Request, Whole
from libs.common.errors import (
    Conflict,
    Denied,
    Exhausted,
    Expired,
    GatehouseError,
    Invalid,
    NotFound,
    Problem,
    Stale,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from libs.common.secret import decode_secret

T = TypeVar("T", bound=msgspec.Struct)

JSON: Final = "application/json"
BODY_SECONDS: Final = 10.0
"""How long a body may take to arrive."""


class Refusal(msgspec.Struct, frozen=True):
    """Why a request was not done, before a face gives it its shape."""

    status: int
    code: str
    """A stable word for programs, as in `not_found`."""
    message: str
    trace_id: str
    """What the log lines of the request are found by; the same as `X-Request-Id`."""
    problems: tuple[Problem, ...] = ()
    headers: Mapping[str, str] = {}


ANSWERS: Final[Mapping[type[GatehouseError], tuple[HTTPStatus, str]]] = {
    Invalid: (HTTPStatus.BAD_REQUEST, "invalid"),
    Unauthenticated: (HTTPStatus.UNAUTHORIZED, "unauthenticated"),
    Denied: (HTTPStatus.FORBIDDEN, "denied"),
    NotFound: (HTTPStatus.NOT_FOUND, "not_found"),
    Conflict: (HTTPStatus.CONFLICT, "conflict"),
    Stale: (HTTPStatus.PRECONDITION_FAILED, "stale"),
    Expired: (HTTPStatus.GONE, "expired"),
    TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"),
    Unsupported: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported"),
    Exhausted: (HTTPStatus.TOO_MANY_REQUESTS, "exhausted"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
}


def refusal_of(error: Exception, trace_id: str) -> Refusal:
    """Say what `error` is to a caller; anything that is not ours or aiohttp's says nothing."""
    match error:
        case GatehouseError():
            status, code = _answer(type(error))
            problems = error.problems if isinstance(error, Invalid) else ()
            return Refusal(status, code, error.message, trace_id, problems, _headers(error))
        case web.HTTPRequestEntityTooLarge():
            status, code = ANSWERS[TooLarge]
            return Refusal(status, code, "the body is too large", trace_id)
        case web.HTTPException():
            return _from_aiohttp(error, trace_id)
        case _:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            return Refusal(status, "internal", "something went wrong", trace_id)


async def decode_json(request: Request, kind: type[T]) -> T:
    """Return the body of `request` as `kind`, or raise the error that says why it is none.

    `Unsupported` for another content type, `TooLarge` past the limit, and `Invalid` otherwise:
    with code `malformed_json` where it is not JSON, with the path where it is not a `kind`. Unknown
    fields are refused by structs that forbid them.
    """
    media = request.headers.get(hdrs.CONTENT_TYPE, "")
    # Most say exactly this; a form cannot, so a page elsewhere cannot post here without CORS.
    if media != JSON and not _is_json(media):
        raise Unsupported(f"the body has to be {JSON}")
    return decode_body(await read_body(request), kind)


async def read_body(request: Request) -> bytes:
    """Return the body of `request`, or raise `TooLarge`, or `Invalid` if it does not arrive whole.

    What is slower than `BODY_SECONDS` raises aiohttp's `HTTPRequestTimeout`.
    """
    if isinstance(request, Whole):
        return request.body
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge("the body is too large") from error
    except TimeoutError as error:
        raise web.HTTPRequestTimeout from error
    except (ConnectionResetError, web.RequestPayloadError) as error:
        raise Invalid("the body did not arrive whole") from error


def decode_body(body: bytes, kind: type[T]) -> T:
    """Return JSON `body` as `kind`, or raise `Invalid`, as `decode_json` does."""
    try:
        value: T = _decode(kind)(body)
    except msgspec.ValidationError as error:
        what, path = _with_path(str(error))
        raise Invalid(
            "the body is not as expected", (Problem("invalid", what, path=path),)
        ) from error
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 (byte {error.start})"
    except RecursionError:
        reason = "nested too deeply"
    except msgspec.DecodeError as error:
        reason = str(error) if body else "it is empty"
    else:
        return value
    raise Invalid("the body is not JSON", (Problem("malformed_json", reason),))


@cache
def _decode(kind: type[T]) -> Callable[[bytes], T]:
    return msgspec.json.Decoder(kind, dec_hook=decode_secret).decode


def _is_json(media: str) -> bool:
    essence = media.partition(";")[0].strip().lower()
    return essence == JSON or (essence.startswith("application/") and essence.endswith("+json"))


def _with_path(message: str) -> tuple[str, str | None]:
    """Part msgspec's "Expected `int` - at `$.nodes[2].id`" into what and where."""
    what, found, where = message.partition(" - at `$")
    return what, where.rstrip("`").lstrip(".") or None if found else None


def _answer(kind: type[GatehouseError]) -> tuple[HTTPStatus, str]:
    return next(ANSWERS[base] for base in kind.__mro__ if base in ANSWERS)


def _headers(error: GatehouseError) -> Mapping[str, str]:
    match error:
        case Exhausted() | Unavailable() | Conflict() if error.retry_after is not None:
            # Whole seconds (RFC 9110 10.2.3), and never 0, which asks for a busy loop.
            return {hdrs.RETRY_AFTER: str(max(1, math.ceil(error.retry_after)))}
        case Unauthenticated():
            # RFC 9110 11.6.1: a 401 names a way to authenticate.
            return {hdrs.WWW_AUTHENTICATE: error.challenge}
        case _:
            return {}


def _from_aiohttp(error: web.HTTPException, trace_id: str) -> Refusal:
    status = HTTPStatus(error.status)
    code = next(
        (code for known, code in ANSWERS.values() if known == status),
        status.phrase.lower().replace(" ", "_"),
    )
    allow = error.headers.get(hdrs.ALLOW)
    headers = {} if allow is None else {str(hdrs.ALLOW): allow}
    return Refusal(status, code, status.phrase.lower(), trace_id, (), headers)
