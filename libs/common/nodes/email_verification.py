"""Has the user show that mail to an address reaches them: the account's, or the one staged.

Somebody whom no account is named for is asked as well. Nothing is sent then, and no code is right.

By a link, whoever reads the mail goes on, wherever that is. They need not be who began: somebody
may have typed another's address, and another may read somebody's mail. So who goes on without the
`flowId` is known by the address alone, and nothing that was said, set or proved before is theirs.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from libs.common.errors import Problem
from libs.common.flow.node import InvalidConfig, NodeType, Site, Visit, fixed
from libs.common.flow.proof import Gain
from libs.common.flow.questions import MayLeadTo, Verdict, VerifyEmail
from libs.common.flow.turn import Dialogue, Facts, Leave, Message, Stay, ask
from libs.common.nodes.ends import Page
from libs.common.nodes.form import read
from libs.common.nodes.guess import Attempts, guess
from libs.common.nodes.mail import Body, Subject, address_of
from libs.common.nodes.onetime import (
    LINK_WORDS,
    RESEND,
    TOKEN,
    OneTime,
    Sends,
    Wait,
    is_over,
    issued_by,
    make_link,
    make_one_time,
    send,
    send_again,
    stay,
    waiting,
    words_of,
)

LENGTH = 6
"""Digits of a code."""
AMR: Final = "otp"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    method: Literal["code", "link"] = "code"
    """What is mailed: a code that is typed where the flow was begun, or a link that the flow goes
    on by, on whatever device it is followed."""
    link_url: Page | None = None
    """The page that the link leads to: one of yours, of an origin that the executor's
    `GATEHOUSE_REDIRECT_ORIGINS` names; for any other the node leaves by `failure`. Unless given,
    `/portal/link` of the issuer."""
    expires_minutes: Annotated[int, msgspec.Meta(ge=1, le=10_080)] = 30
    """Time for which a code or link works; the session's own may be shorter."""
    resend_seconds: Wait = 30
    """Time before another one may be asked for."""
    sends: Sends = 5
    """How many are sent in one visit to the node. The last one works, and none before it."""
    attempts: Attempts = 5
    """Wrong ones in one session, loops back included; the last leaves by `failure`."""
    subject: Subject | None = None
    """Words of the author's own, as `send_email` has them, with `{{ minutes }}` and `{{ code }}`
    or `{{ link }}` as well; so of `text` and `html`."""
    text: Body | None = None
    """What the mail says."""
    html: Body | None = None
    """What it says, as HTML."""


class Lowered(msgspec.Struct, frozen=True):
    step: OneTime
    attempts: int


def lower(config: Config, site: Site) -> Lowered:
    if config.method == "link":
        step = make_link(
            site.node,
            words_of(config.subject, config.text, config.html, LINK_WORDS),
            lasts=60 * config.expires_minutes,
            wait=config.resend_seconds,
            sends=config.sends,
            page=config.link_url,
        )
        return Lowered(step, config.attempts)
    if config.link_url is not None:
        message = "A code leads to no page; set `method` to `link`, or leave this out"
        raise InvalidConfig(Problem("invalid_config", message, path="link_url"))
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
        if step.page is not None and not (yield from ask(MayLeadTo(step.page))):
            return Leave("failure")
        return send(step, visit, account, to)
    if visit.submitted.action == RESEND:
        return send_again(step, visit, account, to)
    filled = read(step.form, visit.submitted)
    if isinstance(filled, Stay):
        return waiting(step, visit, filled)
    if is_over(step, visit):
        return stay(step, visit, step.says("code.expired"))
    typed = filled.secrets.get(TOKEN.name if step.by_link else "code")
    if typed is None:
        return stay(step, visit, Message("link.waiting", "INFO"))
    issued = issued_by(visit)
    sent = issued.named_link(visit) if step.by_link else issued.code(step, visit)
    question = VerifyEmail(account, facts.identifier, to, sent, typed)
    # That mail reaches them proves who the owner of an account is, and nobody where there is none.
    then = None if to is None else replace(facts, verified=to)
    if visit.submitted.elsewhere:
        right = (yield from ask(question)) is Verdict.RIGHT
        somebody = _somebody(facts, to)
        if right and somebody is not None:
            return Leave("success", somebody)
        # No try: who began has nothing to do with it.
        return stay(step, visit, step.says("code.wrong"))
    move = yield from guess(
        question,
        visit,
        step.form,
        attempts=config.attempts,
        amr=AMR,
        wrong=step.says("code.wrong").key,
        then=then,
    )
    return waiting(step, visit, move) if isinstance(move, Stay) else move


def _somebody(facts: Facts, to: str | None) -> Facts | None:
    """Say what is known of who followed the link: whose address it is, and that mail reaches them.

    None where there is nobody to know that of.
    """
    if to is not None:
        # Not a password, a phone number or a name either: whoever typed another's address would
        # otherwise have the account that its owner confirms.
        return Facts(staged={"email": to}, verified=to, resumed=True)
    if facts.account is None:
        return None
    return Facts(facts.identifier, facts.account, (AMR,), resumed=True)


BY_CODE: Final = (Gain(), Gain((AMR,)))
BY_LINK: Final = (*BY_CODE, Gain(afresh=True), Gain((AMR,), identified=True, afresh=True))


NODE: NodeType[Config, Lowered] = NodeType(
    name="email_verification",
    summary="Has the user show that mail reaches them, by a code or a link that is sent to them.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure"),
    waits=frozenset({"success"}),
    proves=lambda config: {"success": BY_LINK if config.method == "link" else BY_CODE},
    writes=lambda _config: (("user", "email_verified"),),
    unwritten=frozenset({"failure"}),
    forgets=lambda config: frozenset({"success"} if config.method == "link" else ()),
)
