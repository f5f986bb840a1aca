"""Asks for a second factor that the user has enrolled.

Who has proved nothing yet is asked whether or not they have enrolled anything, and whether or
not there is such an account; the answer would otherwise tell.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from libs.common.errors import Problem
from libs.common.flow.node import InvalidConfig, NodeType, Site, Visit, fixed, gaining
from libs.common.flow.proof import Gain
from libs.common.flow.questions import CheckTotp, LoadUser
from libs.common.flow.turn import Dialogue, Leave, Stay, ask
from libs.common.nodes.form import Field, Form, Kind, make_form, read
from libs.common.nodes.guess import Attempts, guess

WORKING = ("totp",)
"""Methods that can be verified; the others may be written, and are not offered."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    methods: Annotated[
        tuple[Literal["totp", "sms", "email", "webauthn", "recovery_code"], ...],
        msgspec.Meta(min_length=1),
    ] = ("totp",)
    """What the user may verify with, of what they have enrolled."""
    attempts: Attempts = 5
    """Wrong codes in one session, loops back included; the last leaves by `failure`."""


class Lowered(msgspec.Struct, frozen=True):
    form: Form
    methods: tuple[str, ...]
    attempts: int


def lower(config: Config, site: Site) -> Lowered:
    methods = tuple(method for method in WORKING if method in config.methods)
    if not methods:
        message = f"None of these methods can be verified; add one of: {', '.join(WORKING)}"
        raise InvalidConfig(Problem("invalid_config", message, path="methods"))
    field = Field("code", Kind.OTP, key="label.totp", shortest=6, longest=6)
    return Lowered(make_form(site.node, (field,)), methods, config.attempts)


def run(config: Lowered, visit: Visit) -> Dialogue:
    facts = visit.facts
    if visit.submitted is None and facts.account is not None and facts.owned:
        user = yield from ask(LoadUser(facts.account))
        enrolled = (user or {}).get("mfa_methods") or ()
        if not any(method in enrolled for method in config.methods):
            return Leave("not_enrolled")
    filled = read(config.form, visit.submitted)
    if isinstance(filled, Stay):
        return filled
    question = CheckTotp(
        facts.account,
        facts.identifier,
        filled.secrets["code"],
        attempt=f"{visit.session}:{visit.revision}",
    )
    return (
        yield from guess(
            question, visit, config.form, attempts=config.attempts, amr="otp", wrong="code.wrong"
        )
    )


NODE: NodeType[Config, Lowered] = NodeType(
    name="mfa_verification",
    summary="Asks for a second factor that the user has enrolled, such as an authenticator's code.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure", "not_enrolled"),
    fallbacks=frozenset({"failure", "not_enrolled"}),
    waits=frozenset({"success", "failure"}),
    proves=gaining(success=(Gain(("otp",)),)),
)
