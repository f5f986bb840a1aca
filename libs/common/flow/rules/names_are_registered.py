"""What a node needs of its tenant's may be registered later; until then the node fails."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.rules.drawing import Drawing


def names_are_registered(drawing: Drawing) -> Iterator[Problem]:
    """Find each node that names an action or a provider which the tenant does not have."""
    registered = drawing.library.registered
    if registered is None:
        return
    for name, place in drawing.in_reach():
        if place.type is None or place.reading.config is None:
            continue
        for named in place.type.names(place.reading.config):
            if named not in registered:
                message = (
                    f"The tenant has no {named.kind} '{named.id}'; "
                    f"register it at /api/admin/{named.kind}s, or name another"
                )
                yield Problem("not_registered", message, node_id=name)
