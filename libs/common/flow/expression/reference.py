"""The language as data, for editors and for the reference page: made from its own tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType

from libs.common.flow.expression.examples import SAMPLE, Example
from libs.common.flow.expression.forms import FORMS, RULES
from libs.common.flow.expression.functions import CLOCK, FUNCTIONS, Function
from libs.common.flow.expression.parse import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES
from libs.common.flow.expression.schema import SCHEMA, Shape
from libs.common.flow.expression.text import to_text
from libs.common.flow.expression.values import MISSING, Fault, Kind


class ShownExample(msgspec.Struct, frozen=True):
    expression: str
    comes_to: Literal["value", "missing", "fault"]
    value: Any | UnsetType = UNSET
    """JSON."""
    reason: str | UnsetType = UNSET
    """Of a fault."""


class ShownOperator(msgspec.Struct, frozen=True):
    spellings: tuple[str, ...]
    binding: int
    """The higher, the tighter."""
    result: Kind | Literal["any"]
    summary: str
    examples: tuple[ShownExample, ...]


class ShownParameter(msgspec.Struct, frozen=True):
    name: str
    kinds: tuple[Kind, ...]
    path: bool
    """Whether it must be an attribute path, which then may be missing."""


class ShownFunction(msgspec.Struct, frozen=True):
    name: str
    signature: str
    parameters: tuple[ShownParameter, ...]
    result: Kind
    summary: str
    reads: tuple[str, ...]
    """What it reads besides its arguments."""
    examples: tuple[ShownExample, ...]


class ShownRule(msgspec.Struct, frozen=True):
    summary: str
    examples: tuple[ShownExample, ...]


class ShownPath(msgspec.Struct, frozen=True):
    path: str
    kind: Kind | Literal["any"]
    open: bool
    """Whether it may hold more than `attributes`."""
    attributes: tuple[ShownPath, ...]


class Bounds(msgspec.Struct, frozen=True):
    characters: int
    nodes: int
    depth: int


class Reference(msgspec.Struct, frozen=True):
    kinds: tuple[Kind, ...]
    operators: tuple[ShownOperator, ...]
    """The tightest first."""
    functions: tuple[ShownFunction, ...]
    missing: tuple[ShownRule, ...]
    roots: tuple[ShownPath, ...]
    bounds: Bounds
    sample: Mapping[str, Any]
    """What the examples read."""


def reference() -> Reference:
    """All that an author can write."""
    operators = tuple(
        ShownOperator(
            form.spellings,
            form.binding,
            form.result or "any",
            form.description,
            _shown(form.examples),
        )
        for form in FORMS
    )
    return Reference(
        get_args(Kind),
        operators,
        tuple(map(_function, FUNCTIONS.values())),
        tuple(ShownRule(rule.description, _shown(rule.examples)) for rule in RULES),
        tuple(_path(name, shape) for name, shape in SCHEMA.items()),
        Bounds(MAX_CHARACTERS, MAX_NODES, MAX_DEPTH),
        dict(SAMPLE),
    )


def _function(function: Function) -> ShownFunction:
    return ShownFunction(
        function.name,
        function.signature,
        tuple(ShownParameter(each.name, each.kinds, each.path) for each in function.parameters),
        function.result,
        function.description,
        (to_text(CLOCK),) if function.clock else (),
        _shown(function.examples),
    )


def _path(path: str, shape: Shape) -> ShownPath:
    below = tuple(_path(f"{path}.{name}", inner) for name, inner in shape.attributes.items())
    may_hold_more = shape.kind in (None, "map") and not shape.closed
    return ShownPath(path, shape.kind or "any", may_hold_more, below)


def _shown(examples: tuple[Example, ...]) -> tuple[ShownExample, ...]:
    return tuple(map(_example, examples))


def _example(example: Example) -> ShownExample:
    if example.gives is MISSING:
        return ShownExample(example.text, "missing")
    if isinstance(example.gives, Fault):
        return ShownExample(example.text, "fault", reason=example.gives.reason)
    return ShownExample(example.text, "value", value=example.gives)
