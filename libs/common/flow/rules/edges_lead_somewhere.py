"""An edge joins two nodes that exist, and no outcome leads to two places."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import EdgeRef, Problem
from libs.common.flow.rules.drawing import Drawing, outcome_of


def edges_lead_somewhere(drawing: Drawing) -> Iterator[Problem]:
    """Find each edge with an end at no node, and each that repeats another's outcome."""
    taken: set[tuple[str, str | None]] = set()
    for edge in drawing.flow.graph.edges:
        named = EdgeRef(edge.source, edge.target, edge.condition)
        arrow = f"Edge '{edge.source}->{edge.target}'"
        lost = False
        for end, name in (("source", edge.source), ("target", edge.target)):
            if name not in drawing.places:
                lost = True
                yield Problem("invalid_edge", f"{arrow} {end} node does not exist", edge=named)
        if lost:
            continue
        outcome = outcome_of(edge, drawing.places[edge.source].type)
        if (edge.source, outcome) in taken:
            message = (
                f"{arrow} is for an outcome of '{edge.source}' that another edge takes already; "
                "give it a condition of its own or remove it"
            )
            yield Problem("invalid_edge", message, edge=named)
        taken.add((edge.source, outcome))
