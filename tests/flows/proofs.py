"""Parts that have somebody prove something, by whatever means there are, and set such means up."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from libs.common.flow.model import FlowType, Json
from tests.flows.plain import asks
from tests.flows.sketch import Part, Sketch

_METHODS = ("totp", "webauthn", "sms", "email", "recovery_code")
_EMAIL: Json = {"name": "email", "type": "email", "label": "Email"}


def asks_for_factor(sketch: Sketch, then: str, _depth: int) -> str:
    methods = sketch.draw(st.lists(st.sampled_from(_METHODS), min_size=1, unique=True))
    node = sketch.gated("mfa_verification", methods=methods, attempts=2)
    sketch.edge(node, then)
    sketch.maybe(node, then, "not_enrolled")
    return node


def sends_code(sketch: Sketch, then: str, _depth: int) -> str:
    node = sketch.gated("otp_input", channel=sketch.one_of(("email", "sms")), attempts=2)
    sketch.edge(node, then)
    sketch.edge(node, then, "failure")
    return node


def verifies_email(sketch: Sketch, then: str, _depth: int) -> str:
    # Who follows a link is known by that alone.
    method = sketch.one_of(("code", "link")) if sketch.may_forget else "code"
    sketch.changes_who |= method == "link"
    node = sketch.gated("email_verification", method=method, attempts=2)
    sketch.edge(node, then)
    sketch.edge(node, then, "failure")
    return node


def shows_passkey(sketch: Sketch, then: str, _depth: int) -> str:
    sketch.changes_who = True
    verification = sketch.one_of(("required", "preferred"))
    node = sketch.gated("webauthn", user_verification=verification, may_decline=True, attempts=2)
    sketch.edge(node, then)
    sketch.maybe(node, then, "declined", "not_enrolled", "failure")
    return node


def comes_from_provider(sketch: Sketch, then: str, _depth: int) -> str:
    return _from_provider(sketch, then, sketch.gated)


def signs_in_with_provider(sketch: Sketch, then: str, _depth: int) -> str:
    return _from_provider(sketch, then, sketch.node)


def _from_provider(sketch: Sketch, then: str, add: Callable[..., str]) -> str:
    """Have somebody new say by which address they are known, and write them."""
    sketch.changes_who = True
    providers = sketch.one_of((["acme"], ["acme", "other"]))
    node = add("social_provider_select", providers=providers, attempts=2)
    sketch.edge(node, then)
    ask = sketch.node("prompt", fields=[_EMAIL])
    write = sketch.node("user_write")
    sketch.edge(node, ask, "new_user")
    sketch.edge(ask, write)
    sketch.edge(write, then)
    return node


def sets_up(sketch: Sketch, then: str, _depth: int) -> str:
    kind = sketch.one_of(("totp_setup", "webauthn_setup", "recovery_codes_setup"))
    node = sketch.gated(kind)
    sketch.edge(node, then)
    sketch.maybe(node, then, "failure", "enrolled")
    return node


def chooses_password(sketch: Sketch, then: str, depth: int) -> str:
    if sketch.kind is FlowType.TRIGGER:
        return asks(sketch, then, depth)
    sketch.changes_who = True
    choose = sketch.gated("password_setup", confirm=sketch.draw(st.booleans()))
    write = sketch.gated("user_write")
    sketch.edge(choose, write)
    sketch.edge(write, then)
    sketch.maybe(write, then, "failure")
    return choose


def shows_passkey_to_sign_in(sketch: Sketch, then: str, _depth: int) -> str:
    sketch.changes_who = True
    node = sketch.node("webauthn")
    sketch.edge(node, then)
    return node


def signs_in_by_code(sketch: Sketch, then: str, _depth: int) -> str:
    sketch.changes_who = True
    who = sketch.node("identifier_input")
    code = sketch.node("otp_input", channel=sketch.one_of(("email", "sms")))
    sketch.edge(who, code)
    sketch.edge(code, then)
    sketch.edge(code, who, "failure")
    return who


PARTS: tuple[Part, ...] = (
    *(asks_for_factor, sends_code, verifies_email, shows_passkey, comes_from_provider),
    *(sets_up, sets_up, chooses_password),
)
SIGNS_IN: tuple[Part, ...] = (shows_passkey_to_sign_in, signs_in_by_code, signs_in_with_provider)
"""Each proves who somebody is."""
