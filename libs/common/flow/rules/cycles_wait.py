"""A circle of nodes waits for the user somewhere; otherwise a turn would never end."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.rules.drawing import Drawing
from libs.common.flow.rules.hurry import everywhere, hurried
from libs.common.flow.rules.paths import EXAMPLES, Chart, arrows
from libs.common.flow.rules.ways import chart


def cycles_wait(drawing: Drawing) -> Iterator[Problem]:
    """Find each circle that a run could go round without waiting, by a node that closes it."""
    ways = chart(drawing)
    walk = everywhere(ways)
    hurry = hurried(ways, walk)
    for index, name in enumerate(dict.fromkeys(_closing(hurry))):
        if index < EXAMPLES:
            circle = _circle(hurry, name)
            message = f"{arrows(circle)} goes round without waiting for the user; break the circle"
            shown = (*walk.path((name, None)), *circle[1:])
            yield Problem("endless_loop", message, node_id=name, counter_example=shown)
        else:
            message = f"A circle through '{name}' never waits for the user; break it"
            yield Problem("endless_loop", message, node_id=name)


def _closing(graph: Chart) -> Iterator[str]:
    """Find the nodes at which circles close."""
    # Depth-first with a stack of its own, since a flow may be deeper than Python's. Each edge
    # back into the current path closes a circle; every node and edge is looked at once.
    done: set[str] = set()
    for root in graph:
        if root in done:
            continue
        path = {root: iter(graph[root])}
        while path:
            name, branches = next(reversed(path.items()))
            way = next(branches, None)
            if way is None:
                del path[name]
                done.add(name)
            elif way.target in path:
                yield way.target
            elif way.target not in done:
                path[way.target] = iter(graph[way.target])


def _circle(graph: Chart, name: str) -> tuple[str, ...]:
    """Return the shortest circle from `name` round to itself."""
    walk = everywhere(graph, name)
    last = next(at for at in walk.before if any(way.target == name for way in graph[at[0]]))
    return (*walk.path(last), name)
