"""Finds all that keeps a value from being of a type, where msgspec stops at the first mistake.

The value is taken apart along its type, and each part is tried by itself. Pure; never shows a
value, since what does not fit may be a secret in the wrong place.
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, Union

import msgspec

from libs.common.errors import Problem
from libs.common.secret import decode_secret


def misfits(value: object, kind: Any, path: str = "", *, strict: bool = True) -> Iterator[Problem]:  # noqa: ANN401 -- a type, of any form
    """Find everything wrong with `value`, which lies at `path`, as a `kind`; nothing if it fits.

    Codes are `unknown_field`, `missing_field` and `invalid`. Without `strict`, text may stand for
    a number, as in a query.
    """
    try:
        msgspec.convert(value, kind, strict=strict, dec_hook=decode_secret)
    except msgspec.ValidationError as error:
        parts = tuple(_parts(value, _core(kind), path, strict=strict))
        yield from parts or (Problem("invalid", _expected(kind, error), path=path or None),)


def _parts(value: object, core: Any, path: str, *, strict: bool) -> Iterator[Problem]:  # noqa: ANN401 -- as above
    """Find what is wrong inside `value`; nothing where it has no parts of its own."""
    if isinstance(core, type) and issubclass(core, msgspec.Struct) and isinstance(value, dict):
        yield from _fields(value, core, path, strict=strict)
    elif isinstance(value, dict) and (choices := _tagged(core)):
        yield from _chosen(value, choices, path, strict=strict)
    elif typing.get_origin(core) is tuple and isinstance(value, list):
        item_kind = typing.get_args(core)[0]
        for index, item in enumerate(value):
            yield from misfits(item, item_kind, f"{path}[{index}]", strict=strict)


def _tagged(core: Any) -> dict[str, type[msgspec.Struct]]:  # noqa: ANN401 -- as above
    """Return the structs that a union is of, by their tags; nothing for what is no such union."""
    if typing.get_origin(core) not in {Union, types.UnionType}:
        return {}
    kinds = [part for part in map(_core, typing.get_args(core)) if isinstance(part, type)]
    structs = [kind for kind in kinds if issubclass(kind, msgspec.Struct)]
    return {str(struct.__struct_config__.tag): struct for struct in structs}


def _chosen(
    value: dict[str, object],
    choices: dict[str, type[msgspec.Struct]],
    path: str,
    *,
    strict: bool,
) -> Iterator[Problem]:
    """Find what is wrong with `value` as the struct that its tag names."""
    field = str(next(iter(choices.values())).__struct_config__.tag_field)
    tag_path = f"{path}.{field}" if path else field
    if field not in value:
        yield Problem("missing_field", "it is required", path=tag_path)
        return
    struct = choices.get(str(value[field]))
    if struct is None:
        yield Problem("invalid", f"Expected one of {_listed(choices)}", path=tag_path)
        return
    rest = {name: each for name, each in value.items() if name != field}
    yield from _fields(rest, struct, path, strict=strict)


def _fields(
    value: dict[str, object], struct: type[msgspec.Struct], path: str, *, strict: bool
) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    inside = f"{path}." if path else ""
    if struct.__struct_config__.forbid_unknown_fields:
        for name in value:
            if name not in fields:
                message = f"there is no such field; there are: {_listed(fields) or 'none'}"
                yield Problem("unknown_field", message, path=inside + name)
    for name, field in fields.items():
        if name in value:
            yield from misfits(value[name], field.type, inside + name, strict=strict)
        elif field.required:
            yield Problem("missing_field", "it is required", path=inside + name)


def _expected(kind: Any, error: msgspec.ValidationError) -> str:  # noqa: ANN401 -- as above
    """Say what would fit, as an author would: msgspec names a pattern, and no choices."""
    core = _core(kind)
    if typing.get_origin(core) is Literal:
        return f"Expected one of {_listed(typing.get_args(core))}"
    if isinstance(core, type) and issubclass(core, enum.Enum):
        return f"Expected one of {_listed(member.value for member in core)}"
    message = str(error).partition(" - at `$")[0]
    if "matching regex" in message:
        for note in getattr(kind, "__metadata__", ()):
            if isinstance(note, msgspec.Meta) and note.description:
                return f"Expected {note.description}"
    return message


def _listed(names: Iterable[object]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _core(kind: Any) -> Any:  # noqa: ANN401 -- as above
    """Return what a type is without its bounds, and without null or unset."""
    if typing.get_origin(kind) is Annotated:
        return _core(typing.get_args(kind)[0])
    if typing.get_origin(kind) in {Union, types.UnionType}:
        optional = {type(None), msgspec.UnsetType}
        cores = [_core(part) for part in typing.get_args(kind) if part not in optional]
        return cores[0] if len(cores) == 1 else kind
    return kind
