"""Sends a one-time code to the account that was named, and asks for it.

Somebody whom no account is named for is asked as well. Nothing is sent then, and no code is right.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec.structs import replace

from libs.common.errors import Problem
from libs.common.flow.node import InvalidConfig, NodeType, Site, Visit, fixed
from libs.common.flow.proof import Gain
from libs.common.flow.questions import CheckCode
from libs.common.flow.turn import Dialogue, Message, Stay
from libs.common.nodes.form import read
from libs.common.nodes.guess import Attempts, guess
from libs.common.nodes.mail import Body, Subject, Words
from libs.common.nodes.onetime import (
    RESEND,
    SMS_WORDS,
    Lasting,
    Length,
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


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    channel: Literal["email", "sms"] = "email"
    """Where the code goes: to the account's email address, or to its phone number."""
    length: Length = 6
    """Digits of a code."""
    expires_seconds: Lasting = 600
    """Time for which a code works."""
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
    """What the message says, and all that there is of an SMS."""
    html: Body | None = None
    """What it says, as HTML."""


class Lowered(msgspec.Struct, frozen=True):
    step: OneTime
    attempts: int


def lower(config: Config, site: Site) -> Lowered:
    by_sms = config.channel == "sms"
    step = make_one_time(
        site.node,
        _sms_words(config) if by_sms else words_of(config.subject, config.text, config.html),
        length=config.length,
        lasts=config.expires_seconds,
        wait=config.resend_seconds,
        sends=config.sends,
        by_sms=by_sms,
    )
    return Lowered(step, config.attempts)


def _sms_words(config: Config) -> Words:
    for name in ("subject", "html"):
        if getattr(config, name) is not None:
            message = "An SMS has a text and nothing else"
            raise InvalidConfig(Problem("invalid_config", message, path=name))
    return SMS_WORDS if config.text is None else Words("", config.text)


def _amr(config: Config | OneTime) -> str:
    by_sms = config.by_sms if isinstance(config, OneTime) else config.channel == "sms"
    # A number can be taken over without the phone: whoever demands more can tell (RFC 8176).
    return "sms" if by_sms else "otp"


def run(config: Lowered, visit: Visit) -> Dialogue:
    step, facts = config.step, visit.facts
    if visit.submitted is None:
        return send(step, visit, facts.account, None)
    if visit.submitted.action == RESEND:
        return send_again(step, visit, facts.account, None)
    filled = read(step.form, visit.submitted)
    if isinstance(filled, Stay):
        return replace(filled, kept=visit.kept)
    if is_over(step, visit):
        return stay(step, visit, Message("code.expired"))
    code = issued_by(visit).code(step, visit)
    question = CheckCode(facts.account, facts.identifier, code, filled.secrets["code"])
    move = yield from guess(
        question, visit, step.form, attempts=config.attempts, amr=_amr(step), wrong="code.wrong"
    )
    return replace(move, kept=visit.kept) if isinstance(move, Stay) else move


NODE: NodeType[Config, Lowered] = NodeType(
    name="otp_input",
    summary="Sends a one-time code to the account that was named before, and asks for it.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure"),
    waits=frozenset({"success", "failure"}),
    proves=lambda config: {"success": (Gain((_amr(config),)),)},
)
