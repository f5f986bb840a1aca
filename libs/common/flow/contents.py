"""Finds what a lowered config holds, whatever the node type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

T = TypeVar("T")


def contents(value: object, kind: type[T], path: str = "config") -> Iterator[tuple[str, T]]:
    """Find each `kind` in `value`, and where it is, in the words of the rules: `config.condition`.

    What is inside of one that was found is not looked at.
    """
    if isinstance(value, kind):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from contents(getattr(value, name), kind, f"{path}.{name}")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from contents(item, kind, f"{path}[{index}]")
