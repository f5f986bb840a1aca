"""Ends the sign-in of whoever runs the flow: from here on they are nobody.

What they proved is forgotten with who they are, so no assertion is given at the end unless they
prove who they are again. The sign-in whose assertion the flow was begun with ends: who asks for it
by `/introspect` is told so from then on. An assertion itself cannot be called back from who asks
nobody, and is good there until it expires.
"""

from __future__ import annotations

import msgspec

from libs.common.flow.node import NodeType, Site, Visit, fixed, gaining
from libs.common.flow.proof import Gain
from libs.common.flow.signins import EndSignIn
from libs.common.flow.turn import Dialogue, Facts, Leave, ask


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing can be configured."""


def lower(config: Config, site: Site) -> Config:
    return config


def run(config: Config, visit: Visit) -> Dialogue:
    if visit.facts.sign_in is not None:
        yield from ask(EndSignIn(visit.facts.sign_in))
    # What was staged or set may be copied from the account, or be allowed to it.
    return Leave("success", Facts(inputs=visit.facts.inputs))


NODE: NodeType[Config, Config] = NodeType(
    name="user_logout",
    summary="Ends the sign-in that the user came with, and forgets who they are, and all that they "
    "proved, for the rest of the flow.",
    config=Config,
    lowered=Config,
    lower=lower,
    run=run,
    outcomes=fixed("success"),
    fallbacks=frozenset(),
    proves=gaining(success=(Gain(afresh=True),)),
    writes=lambda _config: (("user",),),
)
