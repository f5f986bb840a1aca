"""Every outcome of a node leads somewhere: by an edge, or by its type's fallback."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.node import SKIPPED
from libs.common.flow.rules.drawing import Drawing, outcome_of


def outcomes_lead_on(drawing: Drawing) -> Iterator[Problem]:
    """Find each outcome without an edge; an edge to nowhere is another rule's."""
    drawn = {
        (edge.source, outcome_of(edge, place.type))
        for edge in drawing.flow.graph.edges
        if (place := drawing.places.get(edge.source)) is not None
    }
    for name, place in drawing.places.items():
        for outcome in place.outcomes:
            # A node that is skipped goes on as by its default outcome: that is what lacks an edge.
            if outcome == SKIPPED and place.node.policies:
                continue
            if outcome not in place.to and (name, outcome) not in drawn:
                message = f"No edge says where '{name}' leads by '{outcome}'; draw one"
                yield Problem("missing_edge", message, node_id=name)
