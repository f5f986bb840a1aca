"""Reads the text of a blueprint: YAML with authentik's own tags, or the JSON of before 2022.8.

No object is made but `Tag`: what a tag means is for `tags`. Everything that could stand for more
than it is long is counted first, event by event, because the library's composer is recursive and
follows every alias.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import yaml

from libs.common.errors import Invalid, Problem

DEPTH: Final = 64
"""How deep lists and maps may lie in each other."""
MOST_VALUES: Final = 100_000
"""Lists, maps, keys and scalars, those that aliases stand for included."""

TAGS: Final = frozenset(
    {
        "KeyOf",
        "Find",
        "FindObject",
        "Context",
        "Format",
        "If",
        "Condition",
        "Env",
        "File",
        "Enumerate",
        "Index",
        "Value",
        "AtIndex",
        "ParseJSON",
    }
)
"""All that authentik has."""

_PLAIN = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null"))
_STANDARD = _PLAIN | {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!"}
_LARGEST = 2**63 - 1


class Tag(msgspec.Struct, frozen=True, eq=False):
    """A value that is still to be found: `!KeyOf flow` has the name `KeyOf`."""

    name: str
    value: Any
    """Text, or a list of values, which may be tags."""


def is_blueprint(data: bytes) -> bool:
    """Tell a blueprint by its outermost keys; what cannot be read is none."""
    keys = _keys(data)
    return "entries" in keys and "gatehouse" not in keys


def read(data: bytes) -> Any:  # noqa: ANN401 -- what JSON can say, and tags
    """Return the document that `data` writes, or raise `Invalid`."""
    if data.lstrip()[:1] == b"{":
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError):
            # A YAML document may begin with a brace as well.
            pass
        else:
            return _checked(value)
    try:
        _bound(data)
        return _checked(yaml.load(data, Loader=_Loader))  # noqa: S506 -- a safe one, without types
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f" (line {mark.line + 1})"
        raise _malformed(f"{getattr(error, 'problem', None) or 'unreadable'}{line}") from error
    except ValueError as error:
        # Of a number that has more digits than Python reads.
        raise _malformed("a number that cannot be read") from error


def _keys(data: bytes) -> set[str]:
    if data.lstrip()[:1] == b"{":
        try:
            return set(msgspec.json.decode(data, type=dict[str, msgspec.Raw]))
        except (msgspec.DecodeError, RecursionError):
            # See `read`.
            pass
    try:
        return set(_outer(data))
    except yaml.YAMLError:
        return set()


def _outer(data: bytes) -> Iterator[str]:
    """Find the keys of the outermost map."""
    depth = 0
    is_key = True
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth == 1 and isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            starts = isinstance(event, yaml.CollectionStartEvent)
            if is_key and isinstance(event, yaml.ScalarEvent):
                yield event.value
            # A list or a map counts once: when it ends.
            is_key = is_key if starts else not is_key
        if isinstance(event, yaml.CollectionStartEvent):
            if depth == 0 and not isinstance(event, yaml.MappingStartEvent):
                return
            depth += 1


def _bound(data: bytes) -> None:
    """Raise `Invalid` for what is too much, or not a blueprint's."""
    sizes: dict[str, int] = {}
    # The size of each list or map that is still open, below that of the whole; and their anchors.
    open_ones = [0]
    anchors: list[str | None] = [None]
    documents = 0
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        where = f"(line {0 if event.start_mark is None else event.start_mark.line + 1})"
        match event:
            case yaml.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    raise _malformed(f"one document only {where}")
            case yaml.AliasEvent():
                # Also of an anchor whose list has not ended: it would hold itself.
                if event.anchor not in sizes:
                    raise _malformed(f"an alias of nothing that is complete {where}")
                open_ones[-1] += sizes[event.anchor]
            case yaml.ScalarEvent():
                _allow(event.tag, where)
                open_ones[-1] += 1
                if event.anchor is not None:
                    sizes[event.anchor] = 1
            case yaml.CollectionStartEvent():
                _allow(event.tag, where)
                if len(open_ones) > DEPTH:
                    raise _malformed(f"nested deeper than {DEPTH} {where}")
                open_ones.append(1)
                anchors.append(event.anchor)
            case yaml.CollectionEndEvent():
                size, anchor = open_ones.pop(), anchors.pop()
                open_ones[-1] += size
                if anchor is not None:
                    sizes[anchor] = size
            case _:
                # Where the stream and its document begin and end.
                pass
        if open_ones[-1] > MOST_VALUES:
            raise _malformed(f"more than {MOST_VALUES} values {where}")
    if not documents:
        raise _malformed("it is empty")


def _allow(tag: str | None, where: str) -> None:
    if tag is not None and tag not in _STANDARD and tag.removeprefix("!") not in TAGS:
        raise _malformed(f"no tag `{tag[:60]}` {where}")


class _Loader(yaml.CSafeLoader):
    """Reads plain words as authentik does, by YAML 1.1, but for times, which stay text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- the library's own table, which it never changes
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _tag(loader: _Loader, suffix: str, node: yaml.Node) -> Tag:
    match node:
        case yaml.ScalarNode():
            return Tag(suffix, node.value)
        case yaml.SequenceNode():
            return Tag(suffix, loader.construct_sequence(node, deep=True))
        case _:
            raise yaml.constructor.ConstructorError(
                None, None, f"`!{suffix}` stands before text or a list", node.start_mark
            )


_Loader.add_multi_constructor("!", _tag)


def _checked(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 -- see `read`
    """Return `value` as JSON would say it, each part its own."""
    # The JSON that came here was not looked at before.
    if depth > DEPTH + 1:
        raise _malformed(f"nested deeper than {DEPTH}")
    match value:
        case str() if "\0" in value:
            # JSON can say it, and PostgreSQL cannot read it there.
            raise _malformed("text cannot have the character NUL")
        case None | bool() | str():
            return value
        case int():
            if abs(value) > _LARGEST:
                raise _malformed("a number that is too large")
            return value
        case float():
            if not math.isfinite(value):
                raise _malformed("a number that JSON cannot say")
            return value
        case list():
            return [_checked(each, depth + 1) for each in value]
        case dict():
            if any(isinstance(key, Tag) for key in value):
                raise _malformed("a key that is a tag")
            return {
                str(_checked(key, depth + 1)): _checked(each, depth + 1)
                for key, each in value.items()
            }
        case Tag():
            return Tag(value.name, _checked(value.value, depth + 1))
        case _:
            raise _malformed(f"a value of a kind that JSON does not have: {type(value).__name__}")


def _malformed(reason: str) -> Invalid:
    return Invalid("the blueprint cannot be read", (Problem("malformed_blueprint", reason),))
