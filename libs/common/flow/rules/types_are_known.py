"""Every node is of a type that this release has."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.rules.drawing import Drawing


def types_are_known(drawing: Drawing) -> Iterator[Problem]:
    """Find each node of an unknown type, and say which known one comes nearest."""
    for name, place in drawing.places.items():
        if place.type is None:
            near = difflib.get_close_matches(place.node.type, drawing.types, n=1)
            hint = (
                f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(drawing.types)}"
            )
            message = f"There is no node type `{place.node.type}`; {hint}"
            yield Problem("unknown_node_type", message, node_id=name, path="type")
