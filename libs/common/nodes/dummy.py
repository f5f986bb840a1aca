"""Holds a place: shows that something will come here, and goes on when the user says so.

It proves nothing, and asks for nothing.
"""

from __future__ import annotations

import msgspec

from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.turn import Dialogue, Leave, Stay, at_once
from libs.common.nodes.form import Form, Text, make_form, read


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    message: Text | None = None
    """What the user is told above the button."""


class Lowered(msgspec.Struct, frozen=True):
    form: Form


def lower(config: Config, site: Site) -> Lowered:
    return Lowered(make_form(site.node, (), title=config.message))


def run(config: Lowered, visit: Visit) -> Dialogue:
    filled = read(config.form, visit.submitted)
    return at_once(filled if isinstance(filled, Stay) else Leave("success"))


NODE: NodeType[Config, Lowered] = NodeType(
    name="dummy",
    summary="Holds the place of a step: shows a button, and goes on when it is pressed.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success"),
    fallbacks=frozenset(),
    waits=frozenset({"success"}),
)
