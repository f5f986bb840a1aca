"""The end of a flow that came out well."""

from __future__ import annotations

import msgspec

from libs.common.flow.model import FlowType, TriggerPoint
from libs.common.flow.node import SUCCESS, NodeType, Site, Visit, fixed
from libs.common.flow.turn import Dialogue, Facts, Over, at_once
from libs.common.nodes.ends import EndMessage, Redirect


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    message: EndMessage | None = None
    """What the user is told."""
    redirect: Redirect | None = None
    """Where the client sends the user: a path that begins with `/`, or an `https` URL."""
    auto_login: bool | None = None
    """Answer with a `userAssertion`. Unless given, a flow of type `login` does, and another where
    `user_login` has attached the user."""


class Lowered(msgspec.Struct, frozen=True):
    text: str | None
    redirect: str | None
    sign_in: bool
    login: bool = False
    """It is the end of a flow that signs in, by its type."""
    if_attached: bool = False
    """Its author does not say whether it signs in."""


def lower(config: Config, site: Site) -> Lowered:
    sign_in = site.flow is FlowType.LOGIN if config.auto_login is None else config.auto_login
    login, if_attached = site.flow is FlowType.LOGIN, config.auto_login is None
    return Lowered(config.message, config.redirect, sign_in, login, if_attached)


def run(config: Lowered, visit: Visit) -> Dialogue:
    sign_in = config.sign_in or (config.if_attached and visit.facts.attached)
    return at_once(
        Over(succeeded=True, text=config.text, redirect=config.redirect, sign_in=sign_in)
    )


def reaches(config: Lowered) -> tuple[TriggerPoint, ...]:
    login = (TriggerPoint.POST_LOGIN,) if config.login else ()
    exchange = (TriggerPoint.CREDENTIALS_EXCHANGE,) if config.sign_in else ()
    return (*login, *exchange)


def points(config: Lowered, facts: Facts) -> tuple[TriggerPoint, ...]:
    # Those of an assertion ran when the account was attached.
    ran = (TriggerPoint.CREDENTIALS_EXCHANGE,) if facts.attached else ()
    return tuple(point for point in reaches(config) if point not in ran)


NODE: NodeType[Config, Lowered] = NodeType(
    name=SUCCESS,
    summary="Ends the flow as completed.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed(),
    default=None,
    fallbacks=frozenset(),
    points=points,
    reaches=reaches,
)
