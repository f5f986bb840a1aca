"""Asks for a second factor that the user has; of several they may pick another.

Codes that are sent are asked for as `otp_input` does, and passkeys as `webauthn` does: this only
decides which of them it is, and has each keep what is its own.

Who has proved nothing yet is asked whether or not they have any factor, and whether or not there
is such an account; the answer would otherwise tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from libs.common.flow.accounts import CheckRecoveryCode
from libs.common.flow.model import Json
from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.passkeys import Wish
from libs.common.flow.proof import Gain
from libs.common.flow.questions import CheckTotp, LoadUser, Verdict
from libs.common.flow.turn import Dialogue, Facts, Leave, Question, Stay, ask
from libs.common.flow.view import View
from libs.common.nodes import otp_input, webauthn
from libs.common.nodes.ceremony import INPUT, Seconds
from libs.common.nodes.enrolment import shown
from libs.common.nodes.factors import (
    BUTTONS,
    Factor,
    add_to,
    draw_others,
    enrolled,
    hinted,
    hints,
    offering,
    picked,
)
from libs.common.nodes.form import CODE, Field, Form, Kind, make_form, read
from libs.common.nodes.guess import Attempts, guess
from libs.common.nodes.onetime import Lasting, Length, Sends, Wait
from libs.common.secret import Secret


class Known(msgspec.Struct, frozen=True):
    """A code that the user has, and nobody sends."""

    field: Field
    check: Callable[[str | None, str | None, Secret, str], Question[Verdict]]
    """(account, identifier, code, attempt) → whether it is right."""


KNOWN: Final[Mapping[Factor, Known]] = MappingProxyType(
    {
        "totp": Known(CODE, CheckTotp),
        "recovery_code": Known(
            # Not digits alone, and as secret as any password.
            Field("code", Kind.PASSWORD, key="label.recovery_code"),
            CheckRecoveryCode,
        ),
    }
)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    methods: Annotated[tuple[Factor, ...], msgspec.Meta(min_length=1)] = ("totp",)
    """What the user may verify with, of what they have: an authenticator app, a passkey, recovery
    codes, and codes by SMS where the account has a phone number, or by mail where its address is
    verified. What signed them in already is not asked for again."""
    attempts: Attempts = 5
    """Wrong tries in one session, by whatever method and loops back included; the last leaves by
    `failure`."""
    length: Length = 6
    """Digits of a code that is sent."""
    expires_seconds: Lasting = 600
    """Time for which a code works that is sent."""
    resend_seconds: Wait = 30
    """Time before another code may be asked for."""
    sends: Sends = 5
    """Codes of one visit to the node, by SMS and by mail each."""
    user_verification: Wish = "preferred"
    """Whether a passkey's authenticator has to make sure of its user; see `webauthn`."""
    timeout_seconds: Seconds = 300
    """How long the user may take to show a passkey, before they are asked anew."""


class Lowered(msgspec.Struct, frozen=True):
    attempts: int
    methods: tuple[Factor, ...] = ()
    """Those of `KNOWN`; the others have a field of their own, which earlier releases leave out."""
    form: Form | None = None
    """Of the first of `methods`."""
    others: tuple[Form, ...] = ()
    """Of those after that."""
    passkey: webauthn.Lowered | None = None
    sms: otp_input.Lowered | None = None
    email: otp_input.Lowered | None = None

    @property
    def factors(self) -> tuple[Factor, ...]:
        """All methods, in the order in which they are offered."""
        steps = {"webauthn": self.passkey, "sms": self.sms, "email": self.email}
        return tuple(
            each for each in BUTTONS if each in self.methods or steps.get(each) is not None
        )

    def form_of(self, method: Factor) -> Form:
        """Return what asks by `method`, which is one of `methods`."""
        form = (self.form, *self.others)[self.methods.index(method)]
        assert form is not None  # noqa: S101 - there is one where there are methods
        return form


def lower(config: Config, site: Site) -> Lowered:
    factors = tuple(factor for factor in BUTTONS if factor in config.methods)
    known = tuple(factor for factor in factors if factor in KNOWN)
    forms = tuple(
        add_to(make_form(site.node, (KNOWN[each].field,)), draw_others(each, factors))
        for each in known
    )
    passkey = None
    if "webauthn" in factors:
        view = View(draw_others("webauthn", factors), (INPUT,))
        passkey = webauthn.Lowered(
            view, config.user_verification, config.timeout_seconds, config.attempts
        )
    return Lowered(
        config.attempts,
        known,
        forms[0] if forms else None,
        forms[1:],
        passkey,
        _sent("sms", factors, config, site),
        _sent("email", factors, config, site),
    )


def _sent(
    channel: Literal["sms", "email"], factors: tuple[Factor, ...], config: Config, site: Site
) -> otp_input.Lowered | None:
    if channel not in factors:
        return None
    sending = otp_input.Config(
        channel=channel,
        length=config.length,
        expires_seconds=config.expires_seconds,
        resend_seconds=config.resend_seconds,
        sends=config.sends,
        attempts=config.attempts,
    )
    lowered = otp_input.lower(sending, site)
    form = add_to(lowered.step.form, draw_others(channel, factors))
    return replace(lowered, step=replace(lowered.step, form=form))


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a visit keeps: what is asked for, and what else might be."""

    method: Factor
    offered: list[Factor]
    hints: dict[str, str] = {}
    """Where codes go, by method."""
    kept: dict[str, dict[str, Json]] = {}
    """What each method keeps."""


def run(config: Lowered, visit: Visit) -> Dialogue:
    if visit.submitted is None:
        return (yield from _arrive(config, visit))
    choice = _choice_of(config, visit)
    others = [each for each in choice.offered if each != choice.method]
    chosen = picked(others, visit.submitted.action)
    if chosen is None:
        return (yield from _ask_for(config, visit, choice))
    asked = replace(visit, submitted=None)
    return (yield from _ask_for(config, asked, replace(choice, method=chosen)))


def _arrive(config: Lowered, visit: Visit) -> Dialogue:
    facts, offered = visit.facts, config.factors
    said: dict[str, str] = {}
    if facts.account is not None and facts.owned:
        user = yield from ask(LoadUser(facts.account))
        offered = enrolled(offered, user or {}, facts.proved)
        if not offered:
            return Leave("not_enrolled")
        said = hints(offered, user or {})
    return (yield from _ask_for(config, visit, Choice(offered[0], list(offered), said)))


def _ask_for(config: Lowered, visit: Visit, choice: Choice) -> Dialogue:
    """Have the chosen method ask, or judge what was sent."""
    move = yield from _by(config, visit, choice)
    match move:
        case Stay():
            hint = choice.hints.get(choice.method)
            view = move.view if hint is None else hinted(move.view, choice.method, hint)
            return replace(move, view=view, kept=_keep(config, choice, move.kept))
        case Leave(outcome="not_enrolled"):
            # No passkey of theirs is of this site, or it is gone by now.
            rest = [each for each in choice.offered if each != choice.method]
            if not rest:
                return move
            following = replace(choice, method=rest[0], offered=rest)
            after = yield from _ask_for(config, replace(visit, submitted=None), following)
            return replace(after, tried=move.tried)
        case Leave(facts=Facts() as facts):
            return replace(move, facts=shown(facts, choice.method))
        case _:
            return move


def _by(config: Lowered, visit: Visit, choice: Choice) -> Dialogue:
    method = choice.method
    visit = replace(visit, kept=choice.kept.get(method, {}))
    match method:
        case "webauthn":
            return (yield from _by_passkey(config, visit, choice.offered))
        case "sms" | "email":
            return (yield from _by_message(config, visit, method, choice.offered))
        case _:
            return (yield from _by_known(config, visit, method, choice.offered))


def _by_passkey(config: Lowered, visit: Visit, offered: Sequence[Factor]) -> Dialogue:
    step, facts = config.passkey, visit.facts
    assert step is not None  # noqa: S101 - it is offered
    # Somebody is named, if only nobody: a second factor never says who the user is.
    visit = replace(visit, facts=replace(facts, identifier=facts.identifier or ""))
    step = replace(step, view=offering(step.view, offered))
    move = yield from webauthn.run(step, visit)
    if isinstance(move, Leave) and move.facts is not None:
        return replace(move, facts=replace(move.facts, identifier=facts.identifier))
    return move


def _by_message(
    config: Lowered, visit: Visit, method: Literal["sms", "email"], offered: Sequence[Factor]
) -> Dialogue:
    lowered = config.sms if method == "sms" else config.email
    assert lowered is not None  # noqa: S101 - it is offered
    form = lowered.step.form
    step = replace(lowered.step, form=replace(form, view=offering(form.view, offered)))
    if visit.submitted is None and visit.kept:
        # Back from another method: the code that was sent is still on its way, or there.
        return Stay(step.form.view, kept=visit.kept)
    return (yield from otp_input.run(replace(lowered, step=step), visit))


def _by_known(config: Lowered, visit: Visit, method: Factor, offered: Sequence[Factor]) -> Dialogue:
    drawn, facts = config.form_of(method), visit.facts
    form = replace(drawn, view=offering(drawn.view, offered))
    filled = read(form, visit.submitted)
    if isinstance(filled, Stay):
        return filled
    attempt = f"{visit.session}:{visit.revision}"
    code = filled.secrets["code"]
    question = KNOWN[method].check(facts.account, facts.identifier, code, attempt)
    return (
        yield from guess(
            question, visit, form, attempts=config.attempts, amr="otp", wrong="code.wrong"
        )
    )


def _choice_of(config: Lowered, visit: Visit) -> Choice:
    if not visit.kept:
        factors = config.factors
        return Choice(factors[0], list(factors))
    return msgspec.convert(visit.kept, Choice)


def _keep(config: Lowered, choice: Choice, kept: Mapping[str, Json]) -> dict[str, Json]:
    mine = {choice.method: dict(kept)} if kept else {}
    choice = replace(choice, kept={**choice.kept, **mine})
    factors = config.factors
    # What goes without saying is not kept.
    if choice == Choice(factors[0], list(factors)):
        return {}
    found: dict[str, Json] = msgspec.to_builtins(choice)
    return found


def proves(config: Config) -> Mapping[str, tuple[Gain, ...]]:
    gains: list[Gain] = []
    if not {"totp", "email", "recovery_code"}.isdisjoint(config.methods):
        gains.append(Gain(("otp",)))
    if "sms" in config.methods:
        gains.append(Gain(("sms",)))
    if "webauthn" in config.methods:
        passkey = webauthn.Config(user_verification=config.user_verification)
        gains += (replace(each, identified=False) for each in webauthn.proves(passkey)["success"])
    return {"success": tuple(gains)}


NODE: NodeType[Config, Lowered] = NodeType(
    name="mfa_verification",
    summary="Asks for a second factor that the user has, such as an authenticator's code.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure", "not_enrolled"),
    fallbacks=frozenset({"failure", "not_enrolled"}),
    waits=frozenset({"success", "failure"}),
    proves=proves,
)
