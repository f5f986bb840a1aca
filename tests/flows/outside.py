"""Parts that need what a tenant has registered, and those that end or open an account."""

from __future__ import annotations

from hypothesis import strategies as st

from libs.common.flow.model import Json
from tests.flows.plain import holds
from tests.flows.sketch import VALUES, Part, Sketch


def calls_out(sketch: Sketch, then: str, _depth: int) -> str:
    said: dict[str, Json] = {
        "parameters": [{"name": "mark", "value": sketch.one_of(VALUES)}],
        "attributes": [{"attribute": "mark", "type": "string", "required": False}],
        "outcomes": [{"outcome": "gold"}],
    }
    if sketch.draw(st.booleans()):
        node = sketch.gated("action", action="score", **said)
    else:
        node = sketch.gated("webhook", url="https://hooks.example/score", **said)
    sketch.edge(node, then)
    sketch.edge(node, then, "gold")
    sketch.maybe(node, then, "denied", "failure")
    return node


def writes_to(sketch: Sketch, then: str, _depth: int) -> str:
    said: dict[str, Json] = {"text": "Hello."}
    if sketch.draw(st.booleans()):
        node = sketch.gated("send_email", subject="Hello", **said)
    else:
        node = sketch.gated("send_sms", **said)
    sketch.edge(node, then)
    sketch.edge(node, then, "failure")
    return node


def tells_programs(sketch: Sketch, then: str, _depth: int) -> str:
    node = sketch.gated("captcha", attempts=2)
    sketch.edge(node, then)
    sketch.edge(node, then, "failure")
    return node


def asks_for_invitation(sketch: Sketch, then: str, _depth: int) -> str:
    node = sketch.gated("invitation", required=sketch.draw(st.booleans()), attempts=2)
    sketch.edge(node, then)
    sketch.edge(node, then, "failure")
    return node


def deletes(sketch: Sketch, then: str, depth: int) -> str:
    if not sketch.may_forget:
        return holds(sketch, then, depth)
    sketch.changes_who = True
    node = sketch.gated("user_delete")
    sketch.edge(node, then)
    sketch.edge(node, then, "failure")
    return node


PARTS: tuple[Part, ...] = (
    *(calls_out, calls_out, writes_to, tells_programs, asks_for_invitation, deletes),
)
