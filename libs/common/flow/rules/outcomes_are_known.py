"""An edge's condition is an outcome that its node can leave by."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import EdgeRef, Problem
from libs.common.flow.rules.drawing import Drawing, outcome_of


def outcomes_are_known(drawing: Drawing) -> Iterator[Problem]:
    """Find each edge for an outcome that its node does not have."""
    for edge in drawing.flow.graph.edges:
        place = drawing.places.get(edge.source)
        # Without a config that can be read, nobody knows the outcomes.
        if place is None or place.reading.config is None:
            continue
        if outcome_of(edge, place.type) in place.outcomes:
            continue
        named = EdgeRef(edge.source, edge.target, edge.condition)
        arrow = f"Edge '{edge.source}->{edge.target}'"
        if not place.outcomes:
            message = f"{arrow} leaves an end of the flow; remove it"
        elif edge.condition is None:
            message = f"{arrow} needs a condition: {_either(place.outcomes)}"
        else:
            message = (
                f"{arrow} is for '{edge.condition}', which '{edge.source}' never leaves by; "
                f"its outcomes are: {_either(place.outcomes)}"
            )
        yield Problem("unknown_outcome", message, edge=named)


def _either(outcomes: tuple[str, ...]) -> str:
    return ", ".join(f"'{outcome}'" for outcome in outcomes)
