"""Nobody signs in without having proved who they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.model import FlowType
from libs.common.flow.node import SUCCESS
from libs.common.flow.rules.drawing import IMPLICIT_FAILURE, Drawing, Place


def success_is_earned(drawing: Drawing) -> Iterator[Problem]:
    """Find each success of a login flow that some path reaches with nothing proved."""
    if drawing.flow.type is not FlowType.LOGIN:
        return
    came_from: dict[str, str | None] = dict.fromkeys(drawing.starts[:1])
    waiting = deque(came_from)
    while waiting:
        name = waiting.popleft()
        place = drawing.places[name]
        if place.node.type == SUCCESS:
            path = " -> ".join(_path(came_from, name))
            message = f"{path} succeeds with no proof of identity; ask for one on the way"
            yield Problem("unauthenticated_success", message, node_id=name)
        for outcome, target in place.to.items():
            earned = _earns(place, outcome)
            if target != IMPLICIT_FAILURE and target not in came_from and not earned:
                came_from[target] = name
                waiting.append(target)


def _earns(place: Place, outcome: str) -> bool:
    if place.type is None or place.reading.config is None:
        # What it proves nobody can say; why that is so is another rule's.
        return True
    return any(gain.amr for gain in place.type.proves(place.reading.config).get(outcome, ()))


def _path(came_from: dict[str, str | None], name: str) -> list[str]:
    # Breadth-first, so this is the shortest.
    path = [name]
    while (before := came_from[path[-1]]) is not None:
        path.append(before)
    return path[::-1]
