"""No two nodes share an id: edges could not say which they mean."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.rules.drawing import Drawing


def nodes_are_named_once(drawing: Drawing) -> Iterator[Problem]:
    """Find each node whose id an earlier one has."""
    seen: set[str] = set()
    for node in drawing.flow.graph.nodes:
        if node.id in seen:
            message = f"Another node is called '{node.id}'; give this one an id of its own"
            yield Problem("duplicate_node_id", message, node_id=node.id)
        seen.add(node.id)
