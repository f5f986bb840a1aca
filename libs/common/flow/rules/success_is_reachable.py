"""A flow can succeed: some path leads from its start to a `success` node."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.node import SUCCESS
from libs.common.flow.rules.drawing import Drawing


def success_is_reachable(drawing: Drawing) -> Iterator[Problem]:
    """Find a flow that no path leads to success in."""
    if drawing.reached.isdisjoint(drawing.ends(SUCCESS)):
        yield Problem("unreachable_success", "No path to success node")
