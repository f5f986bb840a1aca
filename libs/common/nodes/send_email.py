"""Sends a mail, and goes on without waiting for it.

It leaves the same way whether or not there is an account to send it to.
"""

from __future__ import annotations

import msgspec

from libs.common.errors import Problem
from libs.common.flow.expression import Expression
from libs.common.flow.node import (
    InvalidConfig,
    NodeType,
    Site,
    Visit,
    fixed,
    parse_expression,
)
from libs.common.flow.turn import Dialogue, Leave
from libs.common.nodes.mail import (
    TEMPLATES,
    Body,
    Letter,
    Subject,
    TemplateName,
    Words,
    address_of,
    address_said,
    compose,
    read_letter,
)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    template: TemplateName | None = None
    """A mail that comes with Gatehouse, in place of a `subject` and a `text`."""
    subject: Subject | None = None
    """On one line. In this, `text` and `html`, `{{ … }}` holds an expression that reads `user`,
    `facts` or `flow`, as in `{{ user.given_name ?? 'there' }}`."""
    text: Body | None = None
    """What it says, as plain text."""
    html: Body | None = None
    """What it says, as HTML; what is filled in is escaped. Plain text alone without it."""
    to: str | None = None
    """An expression that gives an email address. Without it the mail goes to the account's, or to
    the staged one while nobody is named."""


class Lowered(msgspec.Struct, frozen=True):
    letter: Letter
    to: Expression | None


def lower(config: Config, site: Site) -> Lowered:
    to = None if config.to is None else parse_expression(config.to, "to", "string")
    return Lowered(read_letter(_words(config)), to)


def _words(config: Config) -> Words:
    own = (config.subject, config.text, config.html)
    if config.template is not None:
        if any(each is not None for each in own):
            message = "Name a template, or write a subject and a text: not both"
            raise InvalidConfig(Problem("invalid_config", message, path="template"))
        return TEMPLATES[config.template]
    if config.subject is None or config.text is None:
        message = "Write a subject and a text, or name a template"
        path = "subject" if config.subject is None else "text"
        raise InvalidConfig(Problem("invalid_config", message, path=path))
    return Words(config.subject, config.text, config.html)


def run(config: Lowered, visit: Visit) -> Dialogue:
    if config.to is None:
        address = address_of(visit.facts)
    else:
        address = yield from address_said(config.to, visit, "email")
    if address is None:
        return Leave("failure")
    return Leave("success", effects=(compose(config.letter, visit, *address),))


NODE: NodeType[Config, Lowered] = NodeType(
    name="send_email",
    summary="Sends a mail to the user, or to another address, and goes on at once.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    sends=True,
    outcomes=fixed("success", "failure"),
)
