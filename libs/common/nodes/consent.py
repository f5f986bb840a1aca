"""Asks whether the user agrees to something, and remembers it if they do.

It is remembered by the very words that they agreed to: other words are asked for anew. Whose
account it is has to be certain for that; somebody else is asked each time.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from msgspec.structs import replace

from libs.common.flow.accounts import KeepConsent, RecallConsent
from libs.common.flow.node import NodeType, Site, Visit, fixed, gaining
from libs.common.flow.proof import Gain
from libs.common.flow.turn import Dialogue, Leave, Stay, ask
from libs.common.flow.view import Component, View
from libs.common.nodes.form import Button, Form, Name, Text, draw_button, make_form, own_words, read

DECLINE = "decline"
_DAY = 86_400


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)] | None = None
    """What they agree to: that their account is used to sign in here, unless given."""
    purpose: Name | None = None
    """What it is remembered under; of the flow's type and this node where it is left out. Nodes of
    the same purpose and text ask once."""
    remember: bool = True
    """Whether they are not asked again while it holds."""
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    """How long it holds; for good where it is left out."""
    accept: Text | None = None
    """What the button says; `Agree`, in the user's language, unless given."""
    decline: Text | None = None
    """What the other says, which leaves by `declined`; `Decline` unless given."""


class Lowered(msgspec.Struct, frozen=True):
    form: Form
    purpose: str
    remember: bool
    days: int | None


def lower(config: Config, site: Site) -> Lowered:
    accept = _button(Button(), config.accept, "button.agree")
    decline = _button(Button(DECLINE, DECLINE), config.decline, "button.decline")
    form = make_form(site.node, (), button=accept, more=(draw_button(decline, "SECONDARY"),))
    asked = {"text": config.text} if config.text else own_words("text", "text.consent")
    words = Component(f"text_{site.node}", "TYPOGRAPHY", "BODY1", config=asked)
    form = replace(form, view=View((words, *form.view.components)))
    # Of our own words in the one language that is always there.
    digest = hashlib.sha256(str(asked["text"]).encode()).hexdigest()[:16]
    name = config.purpose or f"{site.flow.value}:{site.node}"
    return Lowered(form, f"{name}:{digest}", config.remember, config.days)


def _button(button: Button, text: str | None, key: str) -> Button:
    return replace(button, key=key) if text is None else replace(button, text=text)


def run(config: Lowered, visit: Visit) -> Dialogue:
    facts, now = visit.facts, visit.surroundings.time
    # Of who has only named the account it would tell what its owner agreed to.
    remembering = facts.account if config.remember and facts.owned else None
    agreed = Leave("success", replace(facts, consented=True))
    if visit.submitted is None and remembering is not None:
        known = yield from ask(RecallConsent(remembering, config.purpose, now))
        if known:
            return agreed
    filled = read(config.form, visit.submitted)
    if isinstance(filled, Stay):
        return filled
    if visit.submitted is not None and visit.submitted.action == DECLINE:
        return Leave("declined")
    if remembering is not None:
        until = None if config.days is None else now + config.days * _DAY
        yield from ask(KeepConsent(remembering, config.purpose, until))
    return agreed


NODE: NodeType[Config, Lowered] = NodeType(
    name="consent",
    summary="Asks whether the user agrees to something, and remembers that they did.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "declined"),
    fallbacks=frozenset({"declined"}),
    waits=frozenset({"declined"}),
    proves=gaining(success=(Gain(consented=True),)),
)
