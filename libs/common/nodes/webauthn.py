"""Has the user show a passkey (Web Authentication).

A passkey of the account that was named is asked for; where nobody was named, any will do, and says
who the user is. Whose passkeys there are is told to nobody but the owner: until the caller has
proved to be that, none is named to the client, and the answer is the same for everybody.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.passkeys import Ceremony, CheckPasskey, SeekPasskey, Shown, Wish
from libs.common.flow.proof import Gain
from libs.common.flow.turn import (
    Dialogue,
    Facts,
    FieldError,
    Leave,
    Message,
    Question,
    Stay,
    ask,
)
from libs.common.flow.view import View
from libs.common.nodes.ceremony import REQUEST, Declined, Seconds, challenge_of, make_view, read
from libs.common.nodes.ceremony import show as show_ceremony
from libs.common.nodes.enrolment import shown as note_shown
from libs.common.nodes.guess import Attempts

DECLINE = "button.another_way"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    user_verification: Wish = "required"
    """Whether the authenticator has to make sure of its user, by a finger, a face or a PIN; it is a
    factor of its own where it did."""
    may_decline: bool = False
    """Show a button that leaves by `declined`, for who has no passkey here."""
    timeout_seconds: Seconds = 300
    """How long the user may take, before they are asked anew."""
    attempts: Attempts = 5
    """Wrong passkeys in one session, loops back included; the last leaves by `failure`."""


class Lowered(msgspec.Struct, frozen=True):
    view: View
    verification: Wish
    seconds: int
    attempts: int


def lower(config: Config, site: Site) -> Lowered:
    view = make_view(DECLINE if config.may_decline else None)
    return Lowered(view, config.user_verification, config.timeout_seconds, config.attempts)


def run(config: Lowered, visit: Visit) -> Dialogue:
    if visit.submitted is None:
        return (yield from _show(config, visit))
    sent = read(config.view, visit.submitted)
    if isinstance(sent, Declined):
        return Leave("declined")
    if isinstance(sent, FieldError):
        return (yield from _show(config, visit, sent))
    # Here again by a loop, with no try left: what is sent is not looked at.
    if visit.tries >= config.attempts:
        return Leave("failure")
    challenge = challenge_of(visit)
    if challenge is None:
        return (yield from _show(config, visit, Message("passkey.expired")))
    attempt = f"{visit.session}:{visit.revision}"
    shown = yield from ask(CheckPasskey(sent, challenge, config.verification, attempt))
    if shown is not None and _is_theirs(visit.facts, shown):
        return Leave("success", _proved(visit.facts, shown))
    if visit.tries + 1 >= config.attempts:
        return Leave("failure", tried=True)
    return (yield from _show(config, visit, Message("passkey.wrong"), tried=True))


def _show(
    config: Lowered,
    visit: Visit,
    wrong: Message | FieldError | None = None,
    *,
    tried: bool = False,
) -> Generator[Question[Any], Any, Stay | Leave]:
    facts = visit.facts
    account = facts.account if facts.owned else None
    ceremony: Ceremony | None = yield from ask(
        SeekPasskey(account, config.verification, config.seconds)
    )
    if ceremony is None:
        return Leave("not_enrolled", tried=tried)
    return show_ceremony(
        config.view, REQUEST, ceremony, visit, config.seconds, wrong=wrong, tried=tried
    )


def _is_theirs(facts: Facts, shown: Shown) -> bool:
    """Whether a passkey is of the account that was named; nobody need be called so."""
    if facts.identifier is None and facts.account is None:
        return True
    return shown.account == facts.account


def _proved(facts: Facts, shown: Shown) -> Facts:
    amr = ("hwk" if shown.bound else "swk", "user", *(("mfa",) if shown.verified else ()))
    # What nobody was named for says nothing of this account.
    before = () if facts.account is None else facts.proved
    proved = tuple(dict.fromkeys((*before, *amr)))
    return note_shown(replace(facts, account=shown.account, proved=proved), "webauthn")


def proves(config: Config) -> Mapping[str, tuple[Gain, ...]]:
    verified = ((), ("mfa",)) if config.user_verification != "required" else (("mfa",),)
    gains = (
        Gain((key, "user", *more), identified=True) for key in ("hwk", "swk") for more in verified
    )
    return {"success": tuple(gains)}


NODE: NodeType[Config, Lowered] = NodeType(
    name="webauthn",
    summary="Has the user show a passkey, which may also say who they are.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure", "declined", "not_enrolled"),
    fallbacks=frozenset({"failure", "declined", "not_enrolled"}),
    waits=frozenset({"success", "failure", "declined"}),
    proves=proves,
    writes=lambda _config: (("user",),),
    unwritten=frozenset({"failure", "declined", "not_enrolled"}),
)
