"""Has the user show that mail to an address reaches them: the account's, or the one staged.

Somebody whom no account is named for is asked as well. Nothing is sent then, and no code is right.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec.structs import replace

from libs.common.flow.node import NodeType, Site, Visit, fixed, gaining
from libs.common.flow.proof import Gain
from libs.common.flow.questions import VerifyEmail
from libs.common.flow.turn import Dialogue, Leave, Message, Stay
from libs.common.nodes.form import read
from libs.common.nodes.guess import Attempts, guess
from libs.common.nodes.mail import Body, Subject, address_of
from libs.common.nodes.onetime import (
    RESEND,
    OneTime,
    Sends,
    Wait,
    is_over,
    issued_by,
    make_one_time,
    send,
    send_again,
    stay,
    words_of,
)

LENGTH = 6
"""Digits of a code."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expires_minutes: Annotated[int, msgspec.Meta(ge=1, le=10_080)] = 30
    """Time for which a code works; the session's own may be shorter."""
    resend_seconds: Wait = 30
    """Time before another code may be asked for."""
    sends: Sends = 5
    """Codes of one visit to the node."""
    attempts: Attempts = 5
    """Wrong codes in one session, loops back included; the last leaves by `failure`."""
    subject: Subject | None = None
    """Words of the author's own, as `send_email` has them, with `{{ code }}` and `{{ minutes }}`
    as well; so of `text` and `html`."""
    text: Body | None = None
    """What the mail says."""
    html: Body | None = None
    """What it says, as HTML."""


class Lowered(msgspec.Struct, frozen=True):
    step: OneTime
    attempts: int


def lower(config: Config, site: Site) -> Lowered:
    step = make_one_time(
        site.node,
        words_of(config.subject, config.text, config.html),
        length=LENGTH,
        lasts=60 * config.expires_minutes,
        wait=config.resend_seconds,
        sends=config.sends,
    )
    return Lowered(step, config.attempts)


def run(config: Lowered, visit: Visit) -> Dialogue:
    step, facts = config.step, visit.facts
    address = address_of(facts)
    if address is None:
        return Leave("failure")
    account, to = address
    if visit.submitted is None:
        return send(step, visit, account, to)
    if visit.submitted.action == RESEND:
        return send_again(step, visit, account, to)
    filled = read(step.form, visit.submitted)
    if isinstance(filled, Stay):
        return replace(filled, kept=visit.kept)
    if is_over(step, visit):
        return stay(step, visit, Message("code.expired"))
    code = issued_by(visit).code(step, visit)
    question = VerifyEmail(account, facts.identifier, to, code, filled.secrets["code"])
    # That mail reaches them proves who the owner of an account is, and nobody where there is none.
    then = None if to is None else replace(facts, verified=to)
    move = yield from guess(
        question,
        visit,
        step.form,
        attempts=config.attempts,
        amr="otp",
        wrong="code.wrong",
        then=then,
    )
    return replace(move, kept=visit.kept) if isinstance(move, Stay) else move


NODE: NodeType[Config, Lowered] = NodeType(
    name="email_verification",
    summary="Has the user show that mail reaches them, by a code that is sent to them.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure"),
    waits=frozenset({"success"}),
    proves=gaining(success=(Gain(), Gain(("otp",)))),
    writes=lambda _config: (("user", "email_verified"),),
    unwritten=frozenset({"failure"}),
)
