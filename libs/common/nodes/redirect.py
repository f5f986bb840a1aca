"""Sends the user to another page, and goes on once the client comes back.

Only to a path of the site that shows the flow, or to a page of an origin that the operator named:
a flow that led anywhere would lend the site's good name to a trap. What the client brings back is
not looked at, and proves nothing.
"""

from __future__ import annotations

import msgspec

from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.questions import MayLeadTo
from libs.common.flow.turn import Dialogue, Leave, Stay, ask
from libs.common.flow.view import View
from libs.common.nodes.ends import Redirect

NO_VIEW = View(())


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: Redirect
    """A path that begins with `/`, or an `https` URL of an origin that the executor's
    `GATEHOUSE_REDIRECT_ORIGINS` or the tenant itself names; to any other it leaves by `failure`."""


def lower(config: Config, site: Site) -> Config:
    return config


def run(config: Config, visit: Visit) -> Dialogue:
    if visit.submitted is not None:
        return Leave("success")
    if not (yield from ask(MayLeadTo(config.url))):
        return Leave("failure")
    return Stay(NO_VIEW, url=config.url)


NODE: NodeType[Config, Config] = NodeType(
    name="redirect",
    summary="Sends the user to another page, and goes on once the client comes back.",
    config=Config,
    lowered=Config,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure"),
    waits=frozenset({"success"}),
)
