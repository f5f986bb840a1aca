"""Every node's config is one that its type can work with."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.rules.drawing import Drawing


def configs_are_right(drawing: Drawing) -> Iterator[Problem]:
    """Find what is wrong in each config: fields, values, expressions."""
    for place in drawing.places.values():
        yield from place.reading.problems
