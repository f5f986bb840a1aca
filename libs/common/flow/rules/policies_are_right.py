"""The policies of a node can be read, are looked at some time, and have a way past the node."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.rules.drawing import Drawing


def policies_are_right(drawing: Drawing) -> Iterator[Problem]:
    """Find all that is wrong with the policies of each node."""
    for name, place in drawing.places.items():
        yield from place.gate.problems
        node = place.node
        if not node.policies or place.type is None:
            continue
        if place.type.default is None:
            message = (
                f"A node of type '{node.type}' cannot be skipped: it has no default outcome; "
                "put the policies on another node, or a condition before it"
            )
            yield Problem("invalid_config", message, node_id=name, path="policies")
        if not (node.evaluate_on_plan or node.re_evaluate_policies):
            message = (
                "The policies are never looked at; set 'evaluate_on_plan' or 're_evaluate_policies'"
            )
            yield Problem("invalid_config", message, node_id=name, path="policies")
