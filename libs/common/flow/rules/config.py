"""Reads what an author wrote in a node's `config`, and finds all that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from libs.common.errors import Problem
from libs.common.flow.expression import Expression
from libs.common.flow.model import FlowType, Node
from libs.common.flow.node import AnyNodeType, InvalidConfig, Site
from libs.common.misfit import misfits


class Reading(msgspec.Struct, frozen=True):
    """A config, read; `config` and `lowered` are None where it could not be."""

    config: Any
    lowered: Any
    problems: tuple[Problem, ...]


UNREAD = Reading(None, None, ())
"""Of a node whose type is unknown, so that nobody can say what its config should be."""


def read_config(kind: AnyNodeType, node: Node, flow: FlowType) -> Reading:
    """Read the config of `node`, which is of type `kind`, in a flow of type `flow`."""
    wrong = tuple(misfits(node.config, kind.config, "config"))
    if wrong:
        told = (_problem(node, "invalid_config", each.message, each.path) for each in wrong)
        return Reading(None, None, tuple(told))
    config = msgspec.convert(node.config, kind.config)
    try:
        lowered = kind.lower(config, Site(node.id, flow))
    except InvalidConfig as error:
        problems = tuple(
            _problem(node, problem.code, problem.message, f"config.{problem.path}")
            if problem.path
            else _problem(node, problem.code, problem.message, "config")
            for problem in error.problems
        )
        return Reading(config, None, problems)
    return Reading(config, lowered, ())


def expressions_in(value: object, path: str = "config") -> Iterator[tuple[str, Expression]]:
    """Find every expression in a lowered config, with where it is."""
    if isinstance(value, Expression):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from expressions_in(getattr(value, field), f"{path}.{field}")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from expressions_in(item, f"{path}[{index}]")


def _problem(node: Node, code: str, message: str, path: str | None) -> Problem:
    return Problem(code, message, node_id=node.id, path=path)
