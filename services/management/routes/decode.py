"""Reads what callers send, and tells everything that is wrong with it at once.

msgspec stops at the first mistake. Where it finds one, the value is taken apart along its type,
and each part is tried by itself; what is right costs nothing extra.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, Union

import msgspec
from aiohttp import web

from libs.common.chassis.problems import decode_json
from libs.common.errors import Invalid, Problem
from libs.common.flow.model import Json

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
        problems = tuple(_problems(query, kind, "", strict=False))
        raise Invalid("the query is not as expected", problems) from error


def _all_problems(body: bytes, kind: type[T]) -> tuple[Problem, ...]:
    """Find everything that keeps JSON from being a `kind`; nothing if it is not JSON to its end."""
    try:
        return tuple(_problems(msgspec.json.decode(body), kind, "", strict=True))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()


def _problems(value: Json, kind: Any, path: str, *, strict: bool) -> Iterator[Problem]:  # noqa: ANN401 -- a type, of any form
    try:
        msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        found = False
        for part in _parts(value, kind, path, strict=strict):
            found = True
            yield part
        if not found:
            what, _, _ = str(error).partition(" - at `$")
            yield Problem("invalid", what, path=path or None)


def _parts(value: Json, kind: Any, path: str, *, strict: bool) -> Iterator[Problem]:  # noqa: ANN401 -- as above
    """Find what is wrong inside `value`; nothing where it has no parts of its own."""
    match _core(kind):
        case type() as struct if issubclass(struct, msgspec.Struct) and isinstance(value, dict):
            yield from _fields(value, struct, path, strict=strict)
        case core if typing.get_origin(core) is tuple and isinstance(value, list):
            item_kind = typing.get_args(core)[0]
            for index, item in enumerate(value):
                yield from _problems(item, item_kind, f"{path}[{index}]", strict=strict)


def _fields(
    value: dict[str, Json], struct: type[msgspec.Struct], path: str, *, strict: bool
) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    inside = f"{path}." if path else ""
    if struct.__struct_config__.forbid_unknown_fields:
        for name in sorted(value.keys() - fields.keys()):
            yield Problem("unknown_field", "there is no such field", path=inside + name)
    for name, field in fields.items():
        if name in value:
            yield from _problems(value[name], field.type, inside + name, strict=strict)
        elif field.required:
            yield Problem("missing_field", "it is required", path=inside + name)


def _core(kind: Any) -> Any:  # noqa: ANN401 -- as above
    """Return what a type is without its bounds, and without null or unset."""
    if typing.get_origin(kind) is Annotated:
        return _core(typing.get_args(kind)[0])
    if typing.get_origin(kind) in {Union, types.UnionType}:
        optional = {type(None), msgspec.UnsetType}
        cores = [_core(part) for part in typing.get_args(kind) if part not in optional]
        return cores[0] if len(cores) == 1 else kind
    return kind


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
