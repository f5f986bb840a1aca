"""However a run goes, the user is asked, or it ends, before the turn would be stopped."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.interpreter import LONGEST
from libs.common.flow.rules.drawing import Drawing
from libs.common.flow.rules.hurry import everywhere, longest
from libs.common.flow.rules.paths import arrows
from libs.common.flow.rules.ways import chart


def turns_end(drawing: Drawing) -> Iterator[Problem]:
    """Find the longest stretch on which nobody is asked, if it is too long for one turn.

    A circle that never waits is another rule's.
    """
    ways = chart(drawing)
    walk = everywhere(ways)
    stretch = longest(ways, walk)
    if stretch is None or stretch.passes <= LONGEST:
        return
    first = stretch.path[0]
    message = (
        f"{arrows(stretch.path)} may pass {stretch.passes:,} nodes, with those that run inside, "
        f"and asks the user nothing; a turn is stopped after {LONGEST:,}: ask for something on "
        "the way, or do it in fewer nodes"
    )
    shown = (*walk.path((first, None)), *stretch.path[1:])
    yield Problem("endless_loop", message, node_id=first, counter_example=shown)
