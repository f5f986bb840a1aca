"""Asks for the invitation that somebody was sent, and stages what it says of them.

It is used up when the account is written, in the same transaction, and not before: who gives up in
the middle may come back with it, and of two who come with it at once, one registers.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from libs.common.flow.accounts import CheckInvitation
from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.turn import Dialogue, Leave, Message, Stay, ask
from libs.common.nodes.form import Field, Form, Kind, make_form, read
from libs.common.nodes.guess import Attempts


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    required: bool = True
    """Whether nobody goes on without one. Where not, an empty input leaves by `success`, with
    nothing staged."""
    attempts: Attempts = 5
    """What is no invitation, in one session, loops back included; the last leaves by `failure`."""


class Lowered(msgspec.Struct, frozen=True):
    form: Form
    attempts: int


def lower(config: Config, site: Site) -> Lowered:
    # As secret as a password: whoever has it may register.
    field = Field("invitation", Kind.PASSWORD, key="label.invitation", required=config.required)
    return Lowered(make_form(site.node, (field,)), config.attempts)


def run(config: Lowered, visit: Visit) -> Dialogue:
    filled = read(config.form, visit.submitted)
    if isinstance(filled, Stay):
        return filled
    if visit.tries >= config.attempts:
        return Leave("failure")
    token = filled.secrets.get("invitation")
    if token is None:
        return Leave("success")
    invited = yield from ask(CheckInvitation(token))
    facts = visit.facts
    if invited is not None:
        staged = {**facts.staged, **invited.attributes}
        return Leave("success", replace(facts, staged=staged, invitation=invited.id))
    if visit.tries + 1 >= config.attempts:
        return Leave("failure", tried=True)
    return Stay(config.form.view, Message("invitation.invalid"), tried=True)


NODE: NodeType[Config, Lowered] = NodeType(
    name="invitation",
    summary="Asks for the invitation that somebody was sent, and stages what it says of them.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure"),
    waits=frozenset({"success", "failure"}),
    writes=lambda _config: (("user",),),
    unwritten=frozenset({"failure"}),
)
