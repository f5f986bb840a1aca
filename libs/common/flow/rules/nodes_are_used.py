"""A node that no path reaches is likely a mistake; the flow runs without it."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.rules.drawing import Drawing


def nodes_are_used(drawing: Drawing) -> Iterator[Problem]:
    """Find each node that cannot be reached."""
    # Without a start nothing is reached, and that is the problem to mend.
    for name, place in drawing.places.items():
        if drawing.starts and name not in drawing.reached and name not in drawing.starts:
            message = f"Node '{place.node.id}' is unreachable"
            yield Problem("unused_node", message, node_id=name)
