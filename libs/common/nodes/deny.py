"""Ends the flow as refused, with the author's words.

Nobody gets past it who comes to it: the edge out of it is for those whom its policies let skip it.
"""

from __future__ import annotations

import msgspec

from libs.common.flow.node import NodeType, Site, Visit, fixed, gaining
from libs.common.flow.turn import FLOW_FAILED, Dialogue, Over, at_once
from libs.common.nodes.ends import EndMessage


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    message: EndMessage | None = None
    """What the user is told."""


def lower(config: Config, site: Site) -> Config:
    return config


def run(config: Config, visit: Visit) -> Dialogue:
    return at_once(Over(succeeded=False, message=FLOW_FAILED, text=config.message))


NODE: NodeType[Config, Config] = NodeType(
    name="deny",
    summary="Ends the flow as refused, but for those whom its policies let skip it.",
    config=Config,
    lowered=Config,
    lower=lower,
    run=run,
    outcomes=fixed("success"),
    fallbacks=frozenset({"success"}),
    refuses=True,
    proves=gaining(success=()),
)
