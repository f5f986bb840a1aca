"""What runs inside a flow is there, is valid, and does not run inside itself."""

from __future__ import annotations

from collections.abc import Iterable

from libs.common.errors import Problem
from libs.common.flow.rules.drawing import Drawing


def links_hold(drawing: Drawing) -> Iterable[Problem]:
    """Find all that is wrong with what runs inside the flow."""
    return () if drawing.links is None else drawing.links.problems
