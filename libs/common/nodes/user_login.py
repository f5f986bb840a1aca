"""Attaches the account that the user has proved to be theirs: the end of the flow signs them in.

Who has only named an account, or began with an assertion about it, is attached to nothing: an
assertion is given for a proof, and never for an assertion.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from libs.common.flow.model import TriggerPoint
from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.turn import Dialogue, Facts, Leave, at_once

EXCHANGE = (TriggerPoint.CREDENTIALS_EXCHANGE,)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing can be configured."""


def lower(config: Config, site: Site) -> Config:
    return config


def run(config: Config, visit: Visit) -> Dialogue:
    if not visit.facts.earned:
        return at_once(Leave("failure"))
    return at_once(Leave("success", replace(visit.facts, attached=True)))


def points(config: Config, facts: Facts) -> tuple[TriggerPoint, ...]:
    # Here and not at the end, whose flow need not be one that signs in.
    return EXCHANGE if facts.earned else ()


NODE: NodeType[Config, Config] = NodeType(
    name="user_login",
    summary="Has the end of the flow sign the user in, as whom they have proved to be.",
    config=Config,
    lowered=Config,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure"),
    points=points,
    reaches=lambda _config: EXCHANGE,
)
