"""A flow begins at exactly one `start` node."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.rules.drawing import Drawing


def starts_once(drawing: Drawing) -> Iterator[Problem]:
    """Find a flow with no start, and each start but the first."""
    if not drawing.starts:
        yield Problem("missing_start_node", "Flow is missing a start node")
    for extra in drawing.starts[1:]:
        message = f"Node '{extra}' is another start; a flow begins at one node, so remove it"
        yield Problem("multiple_start_nodes", message, node_id=extra)
