"""Gives the account an authenticator app, once the app has shown a right code.

A session keeps the new secret sealed, and nobody else does until the code is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec
from msgspec.structs import replace

from libs.common.flow.accounts import EnrolTotp, IsEnrolled, OfferTotp, TotpOffer
from libs.common.flow.identifier import KINDS
from libs.common.flow.model import Json
from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.questions import Verdict
from libs.common.flow.turn import Dialogue, Leave, Message, Stay, ask
from libs.common.flow.view import COPYABLE, Component, View
from libs.common.nodes.enrolment import is_first, owner, shown
from libs.common.nodes.form import CODE, Form, Text, heading_of, make_form, read
from libs.common.nodes.guess import Attempts


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    issuer: Text = "Gatehouse"
    """What the app lists the account under."""
    attempts: Attempts = 5
    """Wrong codes in one session, loops back included; the last leaves by `failure`."""


class Lowered(msgspec.Struct, frozen=True):
    form: Form
    issuer: str
    attempts: int


def lower(config: Config, site: Site) -> Lowered:
    form = make_form(site.node, (CODE,))
    return Lowered(form, config.issuer, config.attempts)


def run(config: Lowered, visit: Visit) -> Dialogue:
    facts = visit.facts
    sealed: str | None = visit.kept.get("sealed")
    ours = None if sealed is None else partial(IsEnrolled, sealed=sealed)
    user = yield from owner(facts, ours)
    if isinstance(user, Leave):
        return user
    assert facts.account is not None  # noqa: S101 - it has an owner
    if visit.tries >= config.attempts:
        return Leave("failure")
    filled = read(config.form, visit.submitted)
    wrong = None
    if not isinstance(filled, Stay) and sealed is not None:
        attempt = f"{visit.session}:{visit.revision}"
        question = EnrolTotp(
            facts.account, sealed, filled.secrets["code"], attempt, is_first(facts, user)
        )
        verdict = yield from ask(question)
        if verdict is Verdict.RIGHT:
            return Leave("success", shown(facts, "totp"))
        if verdict is Verdict.BLOCKED or visit.tries + 1 >= config.attempts:
            return Leave("failure", tried=True)
        wrong = Message("code.wrong")
    again = filled if isinstance(filled, Stay) else Stay(config.form.view, wrong, tried=True)
    offer = yield from ask(OfferTotp(facts.account, config.issuer, _name(user), sealed))
    return replace(again, view=_view(config.form, offer), kept={"sealed": offer.sealed})


def _name(user: Mapping[str, Json]) -> str:
    return str(next((user[kind] for kind in KINDS if user.get(kind)), ""))


def _view(form: Form, offer: TotpOffer) -> View:
    (drawn,) = form.view.components
    name, title = drawn.id, heading_of(form, "title.totp_setup")
    offered = (
        Component(
            f"{name}_image",
            "IMAGE",
            config={"src": offer.image, "alt": "QR code", "uri": offer.uri},
        ),
        Component(
            f"{name}_secret", "TYPOGRAPHY", "BODY1", config={"text": offer.secret, COPYABLE: True}
        ),
    )
    return View((title, *offered, drawn), form.view.required)


NODE: NodeType[Config, Lowered] = NodeType(
    name="totp_setup",
    summary="Gives the user's account an authenticator app, once it has shown a right code.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    wants="owner",
    outcomes=fixed("success", "failure", "enrolled"),
    fallbacks=frozenset({"failure", "enrolled"}),
    waits=frozenset({"success"}),
    writes=lambda _config: (("user", "mfa_enabled"), ("user", "mfa_methods")),
    unwritten=frozenset({"failure", "enrolled"}),
)
