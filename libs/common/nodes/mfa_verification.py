"""Asks for a second factor that the user has enrolled; of several, they may pick another.

Who has proved nothing yet is asked whether or not they have enrolled anything, and whether or
not there is such an account; the answer would otherwise tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from libs.common.errors import Problem
from libs.common.flow.accounts import CheckRecoveryCode
from libs.common.flow.node import InvalidConfig, NodeType, Site, Visit, fixed, gaining
from libs.common.flow.proof import Gain
from libs.common.flow.questions import CheckTotp, LoadUser, Verdict
from libs.common.flow.turn import Dialogue, Leave, Question, Stay, ask
from libs.common.flow.view import View
from libs.common.nodes.enrolment import shown
from libs.common.nodes.form import (
    CODE,
    Button,
    Field,
    Form,
    Kind,
    check_action,
    draw_button,
    make_form,
    read,
)
from libs.common.nodes.guess import Attempts, guess
from libs.common.secret import Secret


class Method(msgspec.Struct, frozen=True):
    """A way to verify, by a code that is typed."""

    field: Field
    button: Button
    """Leads here from another method."""
    check: Callable[[str | None, str | None, Secret, str], Question[Verdict]]
    """(account, identifier, code, attempt) → whether it is right."""


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "totp": Method(CODE, Button("use_totp", "totp", key="button.use_totp"), CheckTotp),
        "recovery_code": Method(
            # Not digits alone, and as secret as any password.
            Field("code", Kind.PASSWORD, key="label.recovery_code"),
            Button("use_recovery_code", "recovery_code", key="button.use_recovery_code"),
            CheckRecoveryCode,
        ),
    }
)
"""Those that can be verified, in the order in which they are offered."""


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
    """Of the first method."""
    methods: tuple[str, ...]
    attempts: int
    others: tuple[Form, ...] = ()
    """Of the methods after that."""

    def form_of(self, method: str) -> Form:
        """Return what asks by `method`."""
        return (self.form, *self.others)[self.methods.index(method)]


def lower(config: Config, site: Site) -> Lowered:
    methods = tuple(method for method in METHODS if method in config.methods)
    if not methods:
        message = f"None of these methods can be verified; add one of: {', '.join(METHODS)}"
        raise InvalidConfig(Problem("invalid_config", message, path="methods"))
    first, *others = (
        make_form(
            site.node,
            (METHODS[method].field,),
            more=tuple(
                draw_button(METHODS[other].button, "SECONDARY")
                for other in methods
                if other != method
            ),
        )
        for method in methods
    )
    return Lowered(first, methods, config.attempts, tuple(others))


def run(config: Lowered, visit: Visit) -> Dialogue:
    facts, submitted = visit.facts, visit.submitted
    offered: Sequence[str] = visit.kept.get("offered", config.methods)
    method = visit.kept.get("method", offered[0])
    if submitted is None and facts.account is not None and facts.owned:
        user = yield from ask(LoadUser(facts.account))
        enrolled = (user or {}).get("mfa_methods") or ()
        offered = [method for method in config.methods if method in enrolled]
        if not offered:
            return Leave("not_enrolled")
        method = offered[0]
    form = _offering(config.form_of(method), offered)
    if submitted is not None and submitted.action:
        check_action(form.view, submitted)
        picked = next((each for each in offered if _leads_to(each, submitted.action)), method)
        if picked != method:
            other = _offering(config.form_of(picked), offered)
            return Stay(other.view, kept=_kept(config, picked, offered))
    filled = read(form, submitted)
    if isinstance(filled, Stay):
        return replace(filled, kept=_kept(config, method, offered))
    question = METHODS[method].check(
        facts.account,
        facts.identifier,
        filled.secrets["code"],
        f"{visit.session}:{visit.revision}",
    )
    move = yield from guess(
        question, visit, form, attempts=config.attempts, amr="otp", wrong="code.wrong"
    )
    if isinstance(move, Stay):
        return replace(move, kept=_kept(config, method, offered))
    if isinstance(move, Leave) and move.facts is not None:
        return replace(move, facts=shown(move.facts, method))
    return move


def _leads_to(method: str, action: str) -> bool:
    button = METHODS[method].button
    return action in (button.action, button.id)


def _kept(config: Lowered, method: str, offered: Sequence[str]) -> dict[str, object]:
    # What goes without saying is not kept.
    if method == config.methods[0] and tuple(offered) == config.methods:
        return {}
    return {"method": method, "offered": list(offered)}


def _offering(form: Form, offered: Sequence[str]) -> Form:
    """Return `form` without the buttons of methods that are not offered."""
    hidden = {each.button.id for name, each in METHODS.items() if name not in offered}
    (drawn,) = form.view.components
    kept = tuple(each for each in drawn.components if each.id not in hidden)
    if len(kept) == len(drawn.components):
        return form
    view = View((replace(drawn, components=kept),), form.view.required)
    return replace(form, view=view)


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
