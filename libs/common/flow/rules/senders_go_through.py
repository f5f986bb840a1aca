"""A flow in place of the SMS gateway asks nobody, and sends no message of its own."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.model import TriggerPoint
from libs.common.flow.rules.drawing import NO_LINKS, Drawing


def senders_go_through(drawing: Drawing) -> Iterator[Problem]:
    """Find each node of such a flow that waits for a user, or sends: also of what runs inside."""
    trigger = drawing.flow.settings.trigger
    if trigger is None or trigger.id is not TriggerPoint.SEND_PHONE_MESSAGE:
        return
    for name, does in _hindrances(drawing):
        yield _problem(f"'{name}' {does}", name)
    for slug, inside in (drawing.links or NO_LINKS).flows.items():
        for name, does in _hindrances(inside):
            yield _problem(f"In the flow '{slug}', which runs inside, '{name}' {does}", None)


def _hindrances(drawing: Drawing) -> Iterator[tuple[str, str]]:
    for name, place in drawing.in_reach():
        if place.type is None:
            continue
        if place.type.waits:
            yield name, "waits for a user"
        elif place.type.sends:
            yield name, "sends a message itself"


def _problem(what: str, node: str | None) -> Problem:
    message = (
        f"{what}, in a flow that runs in place of the SMS gateway, where nobody is; "
        "have an `action` or a `webhook` deliver the message"
    )
    return Problem("unattended_flow", message, node_id=node)
