"""Has the user make a passkey for the account that is certainly theirs.

Whoever has only named an account makes none for it: it would be theirs from then on.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.passkeys import KeepPasskey, MadePasskey, OfferPasskey, Wish
from libs.common.flow.turn import Dialogue, FieldError, Leave, Message, Question, Stay, ask
from libs.common.flow.view import View
from libs.common.nodes.ceremony import CREATION, Declined, Seconds, challenge_of, make_view, read
from libs.common.nodes.ceremony import show as show_ceremony
from libs.common.nodes.enrolment import is_first, owner, shown
from libs.common.nodes.guess import Attempts

DECLINE = "button.not_now"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    resident_key: Wish = "required"
    """Whether the authenticator has to find the passkey by itself. One that does not is no good for
    who has proved nothing yet: a `webauthn` node then names no passkeys."""
    user_verification: Wish = "required"
    """Whether the authenticator has to make sure of its user, by a finger, a face or a PIN."""
    attachment: Literal["platform", "cross-platform"] | None = None
    """Take only authenticators that are part of the user's device, or only those that are not."""
    most: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10
    """Passkeys that an account may have; who has as many leaves by `failure`."""
    may_decline: bool = False
    """Show a button that leaves by `declined`."""
    timeout_seconds: Seconds = 300
    """How long the user may take, before they are asked anew."""
    attempts: Attempts = 5
    """What cannot be kept, in one session, loops back included; the last leaves by `failure`."""


class Lowered(msgspec.Struct, frozen=True):
    view: View
    config: Config


def lower(config: Config, site: Site) -> Lowered:
    return Lowered(make_view(DECLINE if config.may_decline else None), config)


def run(config: Lowered, visit: Visit) -> Dialogue:
    facts, wanted = visit.facts, config.config
    ours = None if visit.submitted is None else partial(MadePasskey, session=visit.session)
    user = yield from owner(facts, ours)
    if isinstance(user, Leave):
        return user
    assert facts.account is not None  # noqa: S101 - it has an owner
    if visit.submitted is None:
        return (yield from _show(config, visit, facts.account))
    sent = read(config.view, visit.submitted)
    if isinstance(sent, Declined):
        return Leave("declined")
    if isinstance(sent, FieldError):
        return (yield from _show(config, visit, facts.account, sent))
    if visit.tries >= wanted.attempts:
        return Leave("failure")
    challenge = challenge_of(visit)
    if challenge is None:
        return (yield from _show(config, visit, facts.account, Message("passkey.expired")))
    question = KeepPasskey(
        facts.account,
        sent,
        challenge,
        wanted.user_verification,
        wanted.most,
        visit.session,
        is_first(facts, user),
    )
    if (yield from ask(question)):
        return Leave("success", shown(facts, "webauthn"))
    if visit.tries + 1 >= wanted.attempts:
        return Leave("failure", tried=True)
    return (yield from _show(config, visit, facts.account, Message("passkey.refused"), tried=True))


def _show(
    config: Lowered,
    visit: Visit,
    account: str,
    wrong: Message | FieldError | None = None,
    *,
    tried: bool = False,
) -> Generator[Question[Any], Any, Stay | Leave]:
    wanted = config.config
    ceremony = yield from ask(
        OfferPasskey(
            account,
            wanted.resident_key,
            wanted.user_verification,
            wanted.attachment,
            wanted.most,
            wanted.timeout_seconds,
        )
    )
    if ceremony is None:
        return Leave("failure", tried=tried)
    seconds = wanted.timeout_seconds
    return show_ceremony(config.view, CREATION, ceremony, visit, seconds, wrong=wrong, tried=tried)


NODE: NodeType[Config, Lowered] = NodeType(
    name="webauthn_setup",
    summary="Has the user make a passkey for their account.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    wants="owner",
    outcomes=fixed("success", "failure", "declined", "enrolled"),
    fallbacks=frozenset({"failure", "declined", "enrolled"}),
    waits=frozenset({"success", "declined"}),
    writes=lambda _config: (("user",),),
    unwritten=frozenset({"failure", "declined", "enrolled"}),
)
