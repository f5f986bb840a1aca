"""Reads what callers send, and tells everything that is wrong with it at once."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import web

from libs.common.chassis.problems import decode_json
from libs.common.errors import Invalid, Problem
from libs.common.flow.model import Json
from libs.common.misfit import misfits

T = TypeVar("T", bound=msgspec.Struct)

DEPTH = 64
"""How deep lists and maps may lie in each other: far below where recursion ends."""


async def decode(request: web.Request, kind: type[T]) -> T:
    """Return the JSON body of `request` as `kind`, or raise `Invalid` with every problem."""
    try:
        decoded = await decode_json(request, kind)
    except Invalid as error:
        if not isinstance(error.__cause__, msgspec.ValidationError):
            raise
        raise Invalid(
            error.message, _all_problems(await request.read(), kind) or error.problems
        ) from error
    if _is_deeper(msgspec.json.decode(await request.read()), DEPTH):
        problem = Problem("malformed_json", f"nested deeper than {DEPTH}")
        raise Invalid("the body is not as expected", (problem,))
    return decoded


def decode_query(request: web.Request, kind: type[T]) -> T:
    """Return the query of `request` as `kind`, or raise `Invalid`; unknown parameters pass."""
    query = dict(request.query)
    try:
        return msgspec.convert(query, kind, strict=False)
    except msgspec.ValidationError as error:
        problems = tuple(misfits(query, kind, strict=False))
        raise Invalid("the query is not as expected", problems) from error


def _all_problems(body: bytes, kind: type[T]) -> tuple[Problem, ...]:
    """Find everything that keeps JSON from being a `kind`; nothing if it is not JSON to its end."""
    try:
        return tuple(misfits(msgspec.json.decode(body), kind))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()


def _is_deeper(value: Json, depth: int) -> bool:
    level = [value]
    while level and depth >= 0:
        depth -= 1
        level = [
            part
            for each in level
            if isinstance(each, (dict, list))
            for part in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)
