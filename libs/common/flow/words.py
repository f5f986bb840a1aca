"""The words of a message, and what is filled in: `Hello {{ user.given_name ?? 'there' }}`.

Between the braces stands an expression, or the name of a slot: what only the sender of the message
knows, such as `{{ code }}`. There are no loops and no other marks, so filling in takes no longer
than the words are long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from libs.common.flow.expression import SCHEMA, Expression, Schema, Scope
from libs.common.flow.expression.values import Value
from libs.common.flow.node import parse_expression

READABLE: Final[Schema] = MappingProxyType(
    {root: SCHEMA[root] for root in ("user", "facts", "flow")}
)
"""What the expressions of a message may read: of whom it is about, and what the flow has set.

Not what was typed: whoever types it need not be who gets the message.
"""

_OPENS, _CLOSES = "{{", "}}"


class Slot(msgspec.Struct, frozen=True):
    """What the sender fills in."""

    name: str


Part: TypeAlias = str | Expression | Slot


def read_words(text: str, path: str, slots: frozenset[str] = frozenset()) -> tuple[Part, ...]:
    """Take `text` apart, or raise `InvalidConfig` about what is written at `path` of a config."""
    return tuple(_parts(text, path, slots))


def _parts(text: str, path: str, slots: frozenset[str]) -> Iterator[Part]:
    before, opened, rest = text.partition(_OPENS)
    while opened:
        if before:
            yield before
        inside, closed, rest = rest.partition(_CLOSES)
        name = inside.strip()
        if name in slots and closed:
            yield Slot(name)
        else:
            # With the braces that nothing closes, which no expression has.
            yield parse_expression(name if closed else text, path, schema=READABLE)
        before, opened, rest = rest.partition(_OPENS)
    if before:
        yield before


def fill(
    parts: tuple[Part, ...],
    scope: Scope,
    slots: Mapping[str, str],
    escape: Callable[[str], str] = str,
) -> str:
    """Fill in `parts`, each value by way of `escape`; what has no words leaves nothing."""
    filled = []
    for part in parts:
        match part:
            case Expression():
                filled.append(escape(_text(part.evaluate(scope))))
            case Slot(name=name):
                filled.append(escape(slots[name]))
            case _:
                filled.append(part)
    return "".join(filled)


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    # A list or a map has no words, and neither has what is missing.
    return msgspec.json.encode(value).decode() if isinstance(value, bool | int | float) else ""
