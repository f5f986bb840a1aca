"""The end of a flow that did not come out well."""

from __future__ import annotations

import msgspec

from libs.common.flow.node import FAILURE, NodeType, Site, Visit, fixed
from libs.common.flow.turn import FLOW_FAILED, Dialogue, Over, at_once
from libs.common.nodes.ends import EndMessage, Redirect


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    message: EndMessage | None = None
    """What the user is told, whatever went wrong."""
    redirect: Redirect | None = None
    """Where the client sends the user: a path that begins with `/`, or an `https` URL."""


def lower(config: Config, site: Site) -> Config:
    return config


def run(config: Config, visit: Visit) -> Dialogue:
    return at_once(
        Over(
            succeeded=False,
            message=FLOW_FAILED,
            text=config.message,
            redirect=config.redirect,
        )
    )


NODE: NodeType[Config, Config] = NodeType(
    name=FAILURE,
    summary="Ends the flow as failed.",
    config=Config,
    lowered=Config,
    lower=lower,
    run=run,
    outcomes=fixed(),
    default=None,
    fallbacks=frozenset(),
)
