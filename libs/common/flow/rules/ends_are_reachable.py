"""From wherever a run can get to, it can also get to an end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.rules.drawing import IMPLICIT_FAILURE, Drawing


def ends_are_reachable(drawing: Drawing) -> Iterator[Problem]:
    """Find each node that can be reached and that no path leads out of."""
    before: dict[str, list[str]] = {}
    ending: set[str] = set()
    for name, place in drawing.in_reach():
        # A node of which nobody knows where it leads, or that lacks an edge, is another rule's.
        unread = place.reading.config is None
        refuses = place.type is not None and place.type.refuses
        if place.is_end or unread or refuses or len(place.to) < len(place.outcomes):
            ending.add(name)
        for target in place.to.values():
            if target == IMPLICIT_FAILURE:
                ending.add(name)
            else:
                before.setdefault(target, []).append(name)
    waiting = deque(ending)
    while waiting:
        for name in before.get(waiting.popleft(), ()):
            if name not in ending:
                ending.add(name)
                waiting.append(name)
    for name, _ in drawing.in_reach():
        if name not in ending:
            message = f"Node '{name}' leads to no end; draw an edge out of the circle it is in"
            yield Problem("dead_end", message, node_id=name)
