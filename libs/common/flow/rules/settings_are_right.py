"""What a flow says beside its graph fits its type, and can be read."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.model import FlowType
from libs.common.flow.rules.config import read_gate
from libs.common.flow.rules.drawing import Drawing


def settings_are_right(drawing: Drawing) -> Iterator[Problem]:
    """Find all that is wrong with the settings of the flow."""
    settings, kind = drawing.flow.settings, drawing.flow.type
    yield from read_gate(settings).problems
    if kind is FlowType.TRIGGER and settings.trigger is None:
        message = "A flow of type 'trigger' needs a 'trigger' that says where it runs"
        yield Problem("invalid_config", message, path="trigger")
    if kind is not FlowType.TRIGGER and settings.trigger is not None:
        message = f"A flow of type '{kind.value}' has no 'trigger'; leave it out"
        yield Problem("invalid_config", message, path="trigger")
