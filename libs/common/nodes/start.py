"""Where a flow begins."""

from __future__ import annotations

import msgspec

from libs.common.flow.node import START, NodeType, Site, Visit, fixed
from libs.common.flow.turn import Dialogue, Leave, at_once


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing can be configured."""


def lower(config: Config, site: Site) -> Config:
    return config


def run(config: Config, visit: Visit) -> Dialogue:
    return at_once(Leave("success"))


NODE: NodeType[Config, Config] = NodeType(
    name=START,
    summary="Where the flow begins.",
    config=Config,
    lowered=Config,
    lower=lower,
    run=run,
    outcomes=fixed("success"),
    fallbacks=frozenset(),
)
