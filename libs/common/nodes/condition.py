"""Branches on an expression.

An expression that ends missing, or compares unlike things, leaves by `error`. It never counts as
false: `user.mfa_enabled` where nobody knows would then skip the second factor.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from libs.common.flow.expression import Expression, truth
from libs.common.flow.node import NodeType, Site, Visit, fixed, parse_expression, scope_for
from libs.common.flow.turn import Dialogue, Leave

BRANCHES = {True: Leave("true"), False: Leave("false"), None: Leave("error")}


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    condition: str
    """An expression that is true or false, as in `user.mfa_enabled`."""


class Lowered(msgspec.Struct, frozen=True):
    condition: Expression


def lower(config: Config, site: Site) -> Lowered:
    return Lowered(parse_expression(config.condition, "condition", "boolean"))


def run(config: Lowered, visit: Visit) -> Dialogue:
    scope = yield from scope_for(visit, config.condition)
    return BRANCHES[truth(config.condition.evaluate(scope))]


def reveals(config: Lowered) -> Mapping[str, tuple[tuple[Expression, bool], ...]]:
    return {"true": ((config.condition, True),), "false": ((config.condition, False),)}


NODE: NodeType[Config, Lowered] = NodeType(
    name="condition",
    summary="Branches on whether an expression is true or false.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("true", "false", "error"),
    default=None,
    fallbacks=frozenset({"error"}),
    reveals=reveals,
)
