"""An expression reads what there is; an attribute that nobody knows is likely misspelt."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.expression import SCHEMA, Expression, check
from libs.common.flow.rules.config import expressions_in, policies_in, read_gate
from libs.common.flow.rules.drawing import Drawing


def expressions_are_known(drawing: Drawing) -> Iterator[Problem]:
    """Find each attribute that an expression reads and that will be missing, as far as is known.

    What cannot be right at all is refused with the config.
    """
    for path, expression in policies_in(read_gate(drawing.flow.settings).gate):
        yield from _unknown(expression, None, path)
    for name, place in drawing.places.items():
        for path, expression in policies_in(place.gate.gate):
            yield from _unknown(expression, name, path)
        for path, expression in expressions_in(place.reading.lowered):
            yield from _unknown(expression, name, path)


def _unknown(expression: Expression, node: str | None, path: str) -> Iterator[Problem]:
    for found in check(expression.tree, SCHEMA):
        yield Problem(found.code, found.message, node_id=node, path=path)
