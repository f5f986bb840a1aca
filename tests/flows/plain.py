"""Parts that need the user and the directory alone: they ask, branch, set, sign in and write."""

from __future__ import annotations

from hypothesis import strategies as st

from libs.common.flow.model import Json
from tests.flows.sketch import CONDITIONS, VALUES, Part, Sketch, text
from tests.flows.visitor import COLOURS

PAGES = ("/terms", "https://elsewhere.example/terms")
"""One of the site that shows the flow, and one of an origin that nobody has named."""

_COLOUR: Json = {
    "name": "colour",
    "type": "dropdown",
    "label": "Colour",
    "options": [{"value": each} for each in COLOURS],
}
_SHOWN: st.SearchStrategy[list[Json]] = st.lists(
    st.sampled_from(
        (
            {"type": "typography", "text": "Choose"},
            {"type": "rich_text", "text": "<b>Choose</b>, as <a href='/why'>we say</a>."},
            {"type": "divider"},
            {"type": "image", "src": "https://cdn.example/wheel.png", "alt": "Colours"},
        )
    ),
    max_size=2,
)
"""What stands around an input."""


def sets(sketch: Sketch, then: str, _depth: int) -> str:
    node = sketch.gated("set_attribute", attribute="mark", value=sketch.one_of(VALUES))
    sketch.edge(node, then)
    sketch.maybe(node, then, "error")
    return node


def asks(sketch: Sketch, then: str, _depth: int) -> str:
    field = sketch.one_of((text("colour"), _COLOUR))
    node = sketch.gated("prompt", fields=[*sketch.draw(_SHOWN), field, *sketch.draw(_SHOWN)])
    sketch.edge(node, then)
    return node


def asks_leave(sketch: Sketch, then: str, _depth: int) -> str:
    node = sketch.gated("consent", text="May we?", remember=sketch.draw(st.booleans()))
    sketch.edge(node, then)
    sketch.maybe(node, then, "declined")
    return node


def asks_app(sketch: Sketch, then: str, _depth: int) -> str:
    params: list[Json] = [{"name": "origin"}, {"name": "campaign", "required": False}]
    node = sketch.gated("internal_prompt", params=params, attributes=sketch.draw(st.booleans()))
    sketch.edge(node, then)
    return node


def asks_again(sketch: Sketch, then: str, _depth: int) -> str:
    """Go round until the answer is another one."""
    ask = sketch.node("prompt", fields=[text("colour")])
    check = sketch.node("condition", condition=sketch.one_of(CONDITIONS))
    sketch.edge(ask, check)
    sketch.edge(check, ask, "true")
    sketch.edge(check, then, "false")
    sketch.maybe(check, then, "error")
    return ask


def asks_for_code(sketch: Sketch, then: str, _depth: int) -> str:
    node = sketch.gated("mfa_verification", attempts=2)
    sketch.edge(node, then)
    sketch.maybe(node, then, "not_enrolled")
    return node


def holds(sketch: Sketch, then: str, _depth: int) -> str:
    node = sketch.gated("dummy")
    sketch.edge(node, then)
    return node


def leads_away(sketch: Sketch, then: str, _depth: int) -> str:
    node = sketch.gated("redirect", url=sketch.one_of(PAGES))
    sketch.edge(node, then)
    sketch.maybe(node, then, "failure")
    return node


def attaches(sketch: Sketch, then: str, _depth: int) -> str:
    node = sketch.gated("user_login")
    sketch.edge(node, then)
    # Nobody is attached who has proved nothing, which would end most walks here.
    sketch.edge(node, then, "failure")
    return node


def forgets(sketch: Sketch, then: str, depth: int) -> str:
    if not sketch.may_forget:
        return holds(sketch, then, depth)
    sketch.changes_who = True
    node = sketch.gated("user_logout")
    sketch.edge(node, then)
    return node


def denies(sketch: Sketch, then: str, _depth: int) -> str:
    """Let nobody on but those whom the policies let skip it."""
    node = sketch.closed("deny")
    sketch.edge(node, then)
    return node


def calls(sketch: Sketch, then: str, depth: int) -> str:
    if not sketch.slugs:
        return sets(sketch, then, depth)
    slug = sketch.one_of(sketch.slugs)
    sketch.changes_who |= slug in sketch.changing
    node = sketch.gated("subflow", flow=slug)
    sketch.edge(node, then)
    sketch.maybe(node, then, "failure")
    return node


def branches(sketch: Sketch, then: str, depth: int) -> str:
    if not depth:
        return asks(sketch, then, depth)
    node = sketch.node("condition", condition=sketch.one_of(CONDITIONS))
    sketch.edge(node, sketch.parts(then, depth - 1), "true")
    sketch.edge(node, sketch.parts(then, depth - 1), "false")
    sketch.maybe(node, then, "error")
    return node


def switches(sketch: Sketch, then: str, depth: int) -> str:
    if not depth:
        return asks(sketch, then, depth)
    tested = sketch.draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3))
    cases = [{"outcome": f"case-{index}", "when": when} for index, when in enumerate(tested)]
    node = sketch.node("switch", cases=cases)
    for case in cases:
        sketch.edge(node, sketch.parts(then, depth - 1), case["outcome"])
    sketch.edge(node, then)
    return node


def signs_in(sketch: Sketch, then: str, depth: int) -> str:
    sketch.changes_who = True
    who = sketch.node("identifier_input")
    password = sketch.node("password_input", attempts=sketch.draw(st.integers(1, 3)))
    sketch.edge(who, password)
    code = sketch.draw(st.booleans())
    sketch.edge(password, asks_for_code(sketch, then, depth) if code else then)
    sketch.maybe(password, who, "failure")
    return who


def signs_up(sketch: Sketch, then: str, _depth: int) -> str:
    password: Json = {"name": "password", "type": "password", "label": "Password"}
    email: Json = {"name": "email", "type": "email", "label": "Email"}
    ask = sketch.node("prompt", fields=[email, password])
    write = sketch.gated("user_write")
    sketch.edge(ask, write)
    sketch.edge(write, then)
    sketch.maybe(write, ask, "taken")
    return ask


PARTS: tuple[Part, ...] = (
    *(sets, asks, asks_again, asks_app, asks_leave, asks_for_code, holds, leads_away, attaches),
    *(denies, forgets, branches, switches),
    # What runs inside is where most can go wrong.
    *(calls, calls, calls),
)
SIGNS_IN: tuple[Part, ...] = (signs_in,)
"""Each proves who somebody is."""
