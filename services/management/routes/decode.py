"""Reads what callers send, and tells everything that is wrong with it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, TypeVar, cast

import msgspec
from aiohttp import web

from libs.common.chassis.problems import decode_body, decode_json, read_body
from libs.common.documents import read_yaml
from libs.common.errors import Invalid, Problem, Unsupported
from libs.common.flow.model import Json
from libs.common.misfit import misfits

T = TypeVar("T")

DEPTH = 64
"""How deep lists and maps may lie in each other: far below where recursion ends."""
YAML = "application/yaml"
"""RFC 9512."""
_NUL = b"\\u0000"
"""How JSON writes what PostgreSQL stores in JSON and then cannot read there."""
_YAMLS = frozenset({YAML, "application/x-yaml", "text/yaml", "text/x-yaml"})


async def decode(request: web.Request, kind: type[T]) -> T:
    """Return the JSON body of `request` as `kind`, or raise `Invalid` with every problem."""
    try:
        decoded: T = await decode_json(request, _any(kind))
    except Invalid as error:
        if not isinstance(error.__cause__, msgspec.ValidationError):
            raise
        raise _with_all_problems(error, await request.read(), kind) from error
    _check_all(await request.read())
    return decoded


async def decode_if_sent(request: web.Request, kind: type[T]) -> T:
    """Return the JSON body of `request` as `kind`, or what an empty map is where there is none."""
    if await read_body(request):
        return await decode(request, kind)
    nothing: T = decode_body(b"{}", _any(kind))
    return nothing


async def decode_document(request: web.Request, kind: type[T]) -> T:
    """Return the body of `request`, in YAML or in JSON, as `kind`; or raise as `decode` does."""
    if request.content_type not in _YAMLS:
        try:
            return await decode(request, kind)
        except Unsupported as error:
            raise Unsupported(f"{error.message} or {YAML}") from error
    # In a thread: a large document takes most of a second, in which others want to be answered.
    document = await asyncio.to_thread(read_yaml, await read_body(request), depth=DEPTH)
    body = msgspec.json.encode(document)
    try:
        decoded: T = decode_body(body, _any(kind))
    except Invalid as error:
        raise _with_all_problems(error, body, kind) from error
    _check_all(body)
    return decoded


def decode_query(request: web.Request, kind: type[T]) -> T:
    """Return the query of `request` as `kind`, or raise `Invalid`; unknown parameters pass."""
    query = dict(request.query)
    try:
        return msgspec.convert(query, kind, strict=False)
    except msgspec.ValidationError as error:
        problems = tuple(misfits(query, kind, strict=False))
        raise Invalid("the query is not as expected", problems) from error


def _any(kind: type[T]) -> type[Any]:
    # The chassis speaks of structs, as nearly every body is one; the decoder takes any type.
    return cast("type[Any]", kind)


def _with_all_problems(error: Invalid, body: bytes, kind: type[T]) -> Invalid:
    """Return `error` with everything that keeps `body` from being a `kind`."""
    return Invalid(error.message, _all_problems(body, kind) or error.problems)


def _all_problems(body: bytes, kind: type[T]) -> tuple[Problem, ...]:
    """Find everything that keeps JSON from being a `kind`; nothing if it is not JSON to its end."""
    try:
        return tuple(misfits(msgspec.json.decode(body), kind))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()


def _check_all(body: bytes) -> None:
    """Raise `Invalid` for what is right by its type, but neither walked nor stored."""
    level = [msgspec.json.decode(body)]
    for _ in range(DEPTH + 1):
        if _NUL in body and any(isinstance(each, str) and "\0" in each for each in level):
            problem = Problem("malformed_json", "text cannot have the character NUL")
            raise Invalid("the body is not as expected", (problem,))
        level = [part for each in level for part in _parts(each)]
    if level:
        problem = Problem("malformed_json", f"nested deeper than {DEPTH}")
        raise Invalid("the body is not as expected", (problem,))


def _parts(value: Json) -> Iterable[Json]:
    match value:
        case dict():
            return (*value, *value.values())
        case list():
            return value
        case _:
            return ()
