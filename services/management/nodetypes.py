"""Node types as data, for who builds an editor: what may be written of each, where it leads.

Nothing is said here that the node's own file does not say.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.inspect import StructType, Type, UnionType, VarTupleType, type_info

from libs.common.flow.node import AnyNodeType


class ShownNodeType(msgspec.Struct, frozen=True):
    """A node type."""

    name: str
    """What a node's `type` says."""
    summary: str
    config: Mapping[str, Any]
    """JSON Schema of a node's `config`, with what each field means as its description."""
    outcomes: tuple[str, ...]
    """The names that each node of the type can leave by."""
    named_outcomes: str | None
    """Where the config names more of them, as in `cases[].outcome`."""
    default_outcome: str | None
    """The one that an edge without a condition is for; None where no edge can be without."""
    fallbacks: tuple[str, ...]
    """Outcomes that end the flow as failed where no edge takes them."""
    waits: tuple[str, ...]
    """Outcomes that it leaves by only after it has waited for the user."""


def shown_type(node: AnyNodeType) -> ShownNodeType:
    """Return what is to be known of a node type by who draws flows with it."""
    outcomes = node.outcomes
    return ShownNodeType(
        name=node.name,
        summary=node.summary,
        config=config_schema(node.config),
        outcomes=outcomes.fixed,
        named_outcomes=None if outcomes.named is None else "[].".join(outcomes.named),
        # An end has a default as all have, and nothing to leave by.
        default_outcome=node.default if node.default in outcomes.fixed else None,
        fallbacks=tuple(sorted(node.fallbacks.intersection(outcomes.fixed))),
        waits=tuple(sorted(node.waits)),
    )


def config_schema(config: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON Schema of a config, with the docstrings of its fields."""
    schema = msgspec.json.schema(config)
    for kind in structs_in(type_info(config)):
        properties = schema["$defs"][kind.__name__]["properties"]
        for name, said in field_docstrings(kind).items():
            properties[name]["description"] = said
    return schema


def structs_in(kind: Type) -> Iterator[type[msgspec.Struct]]:
    """A config, and every struct inside it."""
    match kind:
        case StructType(cls=cls, fields=fields):
            yield cls
            for field in fields:
                yield from structs_in(field.type)
        case VarTupleType(item_type=inner):
            yield from structs_in(inner)
        case UnionType(types=kinds):
            for each in kinds:
                yield from structs_in(each)
        case _:
            pass


def field_docstrings(kind: type[msgspec.Struct]) -> Mapping[str, str]:
    """The docstring under each field of a struct, which Python itself does not keep.

    Of the field that says which of several structs one is, it is the struct's own.
    """
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if issubclass(each, msgspec.Struct) and each is not msgspec.Struct:
            found |= _own_docstrings(each)
    tag_field = kind.__struct_config__.tag_field
    if tag_field is not None:
        found[tag_field] = " ".join((kind.__doc__ or "").split())
    return found


# Reads the source, which takes long, and what it says does not change.
@functools.cache
def _own_docstrings(kind: type) -> Mapping[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 -- narrows the type for mypy
    found: dict[str, str] = {}
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(ast.Constant(str(said))):
                found[name] = " ".join(said.split())
            case _:
                pass
    return found
