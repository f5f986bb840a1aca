"""Sends an SMS, and goes on without waiting for it.

It leaves the same way whether or not there is an account to send it to.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from libs.common.flow.expression import Expression
from libs.common.flow.node import NodeType, Site, Visit, fixed, parse_expression
from libs.common.flow.turn import Dialogue, Leave
from libs.common.nodes.mail import (
    Letter,
    Words,
    address_of,
    address_said,
    compose_sms,
    read_letter,
)

ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: ShortText
    """What it says. `{{ … }}` holds an expression that reads `user`, `facts` or `flow`."""
    to: str | None = None
    """An expression that gives a phone number. Without it the SMS goes to the account's, or to
    the staged one while nobody is named."""


class Lowered(msgspec.Struct, frozen=True):
    letter: Letter
    to: Expression | None


def lower(config: Config, site: Site) -> Lowered:
    to = None if config.to is None else parse_expression(config.to, "to", "string")
    return Lowered(read_letter(Words("", config.text)), to)


def run(config: Lowered, visit: Visit) -> Dialogue:
    if config.to is None:
        address = address_of(visit.facts, "phone")
    else:
        address = yield from address_said(config.to, visit, "phone")
    if address is None:
        return Leave("failure")
    return Leave("success", effects=(compose_sms(config.letter, visit, *address),))


NODE: NodeType[Config, Lowered] = NodeType(
    name="send_sms",
    summary="Sends an SMS to the user, or to another number, and goes on at once.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    sends=True,
    outcomes=fixed("success", "failure"),
)
