"""Remembers a value for the rest of the run, as `facts.<attribute>` in expressions."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from libs.common.flow.expression import Expression
from libs.common.flow.node import NodeType, Site, Visit, fixed, parse_expression, scope_for
from libs.common.flow.turn import Dialogue, Leave
from libs.common.nodes.form import Name
from libs.common.nodes.storable import is_storable


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    attribute: Name
    """What the value is called."""
    value: str
    """An expression, as in `inputs.email`; `'gold'` for a fixed string."""


class Lowered(msgspec.Struct, frozen=True):
    attribute: str
    value: Expression


def lower(config: Config, site: Site) -> Lowered:
    return Lowered(config.attribute, parse_expression(config.value, "value"))


def run(config: Lowered, visit: Visit) -> Dialogue:
    scope = yield from scope_for(visit, config.value)
    value = config.value.evaluate(scope)
    if not is_storable(value):
        return Leave("error")
    facts = visit.facts
    attributes = {**facts.attributes, config.attribute: value}
    return Leave("success", replace(facts, attributes=attributes))


NODE: NodeType[Config, Lowered] = NodeType(
    name="set_attribute",
    summary="Remembers the value of an expression for the rest of the flow.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "error"),
    writes=lambda config: (("facts", config.attribute),),
    unwritten=frozenset({"error"}),
    fallbacks=frozenset({"error"}),
)
