"""Expressions that tell when they are evaluated, and how what they came to is shown.

What is evaluated stays the same: each does what it did, and says so. Values are cut to a size that
a person reads, however much data an expression read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from libs.common.flow.expression import MISSING, Evaluate, Expression, Fault, Scope, Value, trace
from libs.common.flow.model import Json

LONGEST_TEXT: Final = 200
"""Characters of a string that is shown."""
MOST_VALUES: Final = 50
"""Values of a list or map that are shown, those inside counted."""
CUT: Final = "…"
"""Stands where there is more."""

T = TypeVar("T")


class Part(msgspec.Struct, frozen=True):
    """A sub-expression and what it came to.

    `{"missing": true}` is what nobody had set, `{"fault": why}` what could not be done.
    """

    text: str
    value: Json
    depth: int
    """0 for the whole, one more than the part that this is an operand of."""


class Evaluated(msgspec.Struct, frozen=True):
    """An expression that was evaluated."""

    path: str
    """Where it is: `config.condition`, `policies[0].expression`."""
    text: str
    value: Json
    parts: tuple[Part, ...]


Hear: TypeAlias = Callable[[str, Expression, Scope], None]
"""Told of each evaluation: where the expression is, itself, and what it read from."""


class Heard(Expression, frozen=True, dict=True):
    """`said`, and `hear` is told when it is evaluated."""

    said: Expression
    path: str
    hear: Hear

    @cached_property
    def evaluate(self) -> Evaluate:
        """The function from a scope to the value."""

        def evaluate(scope: Scope) -> Value:
            self.hear(self.path, self.said, scope)
            return self.said.evaluate(scope)

        return evaluate


def hearing(value: T, path: str, hear: Hear) -> T:
    """Return a lowered config, or a part of one, all of whose expressions are heard.

    Paths are those that the rules name.
    """
    heard: Any = value
    if isinstance(value, Expression):
        heard = Heard(value.tree, value, path, hear)
    elif isinstance(value, msgspec.Struct):
        changed = {
            name: after
            for name in value.__struct_fields__
            if (after := hearing(before := getattr(value, name), f"{path}.{name}", hear))
            is not before
        }
        heard = replace(value, **changed) if changed else value
    elif isinstance(value, tuple):
        items = tuple(hearing(item, f"{path}[{at}]", hear) for at, item in enumerate(value))
        if any(after is not before for after, before in zip(items, value, strict=True)):
            heard = items
    # What was a T is one still: an expression that is heard is an expression.
    result: T = heard
    return result


def evaluated(path: str, expression: Expression, scope: Scope) -> Evaluated:
    """Say what `expression` came to, and each part of it."""
    parts = tuple(
        Part(part.text, readable(part.value), part.depth) for part in trace(expression.tree, scope)
    )
    return Evaluated(path, parts[0].text, parts[0].value, parts)


def readable(value: Value) -> Json:
    """Return `value` as JSON that a person reads."""
    if value is MISSING:
        return {"missing": True}
    if isinstance(value, Fault):
        return {"fault": value.reason}
    return _Cut().cut(value)


class _Cut:
    def __init__(self) -> None:
        self._left = MOST_VALUES

    def cut(self, value: Json) -> Json:
        """Return as much of `value` as there is room for."""
        match value:
            case str() if len(value) > LONGEST_TEXT:
                return value[:LONGEST_TEXT] + CUT
            case Mapping():
                some = {
                    key[:LONGEST_TEXT]: self.cut(each) for key, each in self._take(value.items())
                }
                return some if len(some) == len(value) else {**some, CUT: CUT}
            case Sequence() if not isinstance(value, str):
                items = [self.cut(each) for each in self._take(value)]
                return items if len(items) == len(value) else [*items, CUT]
            case _:
                return value

    def _take(self, values: Iterable[T]) -> Iterator[T]:
        for each in values:
            if not self._left:
                return
            self._left -= 1
            yield each
