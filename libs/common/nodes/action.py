"""Calls a registered action of the tenant, and goes on as that answers.

What an answer may set, and where it may lead, is part of the flow's version. So the rules can prove
it, and whoever changes the action cannot change that.
"""

from __future__ import annotations

from msgspec.structs import asdict

from libs.common.flow.calls import CallAction
from libs.common.flow.model import Named, RegisteredId
from libs.common.flow.node import NodeType, Outcomes, Site, Visit
from libs.common.flow.turn import Dialogue, Leave, ask
from libs.common.nodes.calling import (
    FAILURE,
    FALLBACKS,
    FIXED,
    Calling,
    Exchange,
    body_of,
    key_of,
    lower_exchange,
    take,
    writes,
)


class Config(Calling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    action: RegisteredId
    """The `id` of an action of `/api/admin/actions`; where there is none the node leaves by
    `failure`."""


class Lowered(Exchange, frozen=True, kw_only=True):
    action: str


def lower(config: Config, site: Site) -> Lowered:
    return Lowered(**asdict(lower_exchange(config)), action=config.action)


def run(config: Lowered, visit: Visit) -> Dialogue:
    body = yield from body_of(config, visit)
    if body is None:
        return Leave(FAILURE)
    answer = yield from ask(CallAction(config.action, key_of(visit), body))
    return take(config, visit, answer)


NODE: NodeType[Config, Lowered] = NodeType(
    name="action",
    summary="Calls a registered action of the tenant, and goes on as that answers.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=Outcomes(FIXED, named=("outcomes", "outcome")),
    fallbacks=FALLBACKS,
    writes=writes,
    unwritten=FALLBACKS,
    names=lambda config: (Named("action", config.action),),
)
