"""Runs another active flow of the tenant, and goes on by how that ends.

Which version that is, a session knows from its start: it is part of the plan that it is pinned to.
"""

from __future__ import annotations

import msgspec

from libs.common.flow.model import AnySlug
from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.turn import Dialogue, Enter, at_once


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    flow: AnySlug
    """The `name` of the flow, which has to be active. How it ends is the outcome: what its ends say
    to the user, and where they lead, is not used."""


def lower(config: Config, site: Site) -> Config:
    return config


def run(config: Config, visit: Visit) -> Dialogue:
    return at_once(Enter())


def calls(config: Config) -> str:
    return config.flow


NODE: NodeType[Config, Config] = NodeType(
    name="subflow",
    summary="Runs another flow of the tenant.",
    config=Config,
    lowered=Config,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure"),
    calls=calls,
)
