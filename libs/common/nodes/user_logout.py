"""Ends the sign-in of whoever runs the flow: from here on they are nobody.

What they proved is forgotten with who they are, so no assertion is given at the end unless they
prove who they are again. An assertion that they hold already is good until it expires.
"""

from __future__ import annotations

import msgspec

from libs.common.flow.node import NodeType, Site, Visit, fixed, gaining
from libs.common.flow.proof import Gain
from libs.common.flow.turn import Dialogue, Facts, Leave, at_once


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing can be configured."""


def lower(config: Config, site: Site) -> Config:
    return config


def run(config: Config, visit: Visit) -> Dialogue:
    # What was staged or set may be copied from the account, or be allowed to it.
    return at_once(Leave("success", Facts(inputs=visit.facts.inputs)))


NODE: NodeType[Config, Config] = NodeType(
    name="user_logout",
    summary="Forgets who the user is, and all that they proved, for the rest of the flow.",
    config=Config,
    lowered=Config,
    lower=lower,
    run=run,
    outcomes=fixed("success"),
    fallbacks=frozenset(),
    proves=gaining(success=(Gain(afresh=True),)),
    writes=lambda _config: (("user",),),
)
