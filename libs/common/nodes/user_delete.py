"""Deletes the account of whoever runs the flow, with all that it had: from here on they are nobody.

Who has only named an account deletes nothing.
"""

from __future__ import annotations

import msgspec

from libs.common.flow.accounts import DeleteUser
from libs.common.flow.node import NodeType, Site, Visit, fixed, gaining
from libs.common.flow.proof import Gain
from libs.common.flow.turn import Dialogue, Facts, Leave, ask


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing can be configured."""


def lower(config: Config, site: Site) -> Config:
    return config


def run(config: Config, visit: Visit) -> Dialogue:
    facts = visit.facts
    if facts.account is None or not facts.owned:
        return Leave("failure")
    yield from ask(DeleteUser(facts.account))
    # What was staged or set may be copied from the account.
    return Leave("success", Facts(inputs=facts.inputs))


NODE: NodeType[Config, Config] = NodeType(
    name="user_delete",
    summary="Deletes the user's own account with all that it had, and forgets who they were.",
    config=Config,
    lowered=Config,
    lower=lower,
    run=run,
    wants="owner",
    outcomes=fixed("success", "failure"),
    proves=gaining(success=(Gain(afresh=True),)),
    writes=lambda _config: (("user",),),
    unwritten=frozenset({"failure"}),
)
