"""A circle of nodes waits for the user somewhere; otherwise a turn would never end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from libs.common.errors import Problem
from libs.common.flow.rules.drawing import IMPLICIT_FAILURE, Drawing

SHOWN = 20
"""Nodes of a circle that its message names, so that many long circles cost no more than few."""


def cycles_wait(drawing: Drawing) -> Iterator[Problem]:
    """Find each circle that a run could go round without waiting, by a node that closes it."""
    hurried = {
        name: [
            target
            for outcome, target in place.to.items()
            if target != IMPLICIT_FAILURE and outcome not in place.type.waits
        ]
        for name, place in drawing.in_reach()
        if place.type is not None
    }
    for circle in _circles(hurried):
        message = f"{' -> '.join(circle)} goes round without waiting for the user; break the circle"
        yield Problem("endless_loop", message, node_id=circle[-1])


def _circles(graph: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    # Depth-first with a stack of its own, since a flow may be deeper than Python's. Each edge
    # back into the current path closes a circle; every node and edge is looked at once.
    done: set[str] = set()
    for root in graph:
        if root in done:
            continue
        path = [root]
        place = {root: 0}
        branches = [iter(graph[root])]
        while branches:
            target = next(branches[-1], None)
            if target is None:
                branches.pop()
                left = path.pop()
                del place[left]
                done.add(left)
            elif target in place:
                round_to = path[place[target] : place[target] + SHOWN]
                cut = () if round_to[-1] == path[-1] else ("...", path[-1])
                yield (*round_to, *cut, target)
            elif target not in done and target in graph:
                place[target] = len(path)
                path.append(target)
                branches.append(iter(graph[target]))
