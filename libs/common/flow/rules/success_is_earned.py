"""Nobody signs in without having proved who they are."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.model import FlowType
from libs.common.flow.rules.drawing import Drawing
from libs.common.flow.rules.knowledge import know
from libs.common.flow.rules.paths import EXAMPLES, arrows
from libs.common.flow.rules.ways import chart


def success_is_earned(drawing: Drawing) -> Iterator[Problem]:
    """Find each success of a login flow that some path reaches with nothing proved."""
    if drawing.flow.type is not FlowType.LOGIN:
        return
    walk = know(drawing, chart(drawing))
    found: set[str] = set()
    for point, way, known in walk.ended:
        name = point[0]
        if not way.ending or known.evidence.amr or name in found:
            continue
        found.add(name)
        path = walk.path(point) if len(found) <= EXAMPLES else None
        shown = arrows(path) if path is not None else "A path"
        message = f"{shown} succeeds with no proof of identity; ask for one on the way"
        yield Problem("unauthenticated_success", message, node_id=name, counter_example=path)
