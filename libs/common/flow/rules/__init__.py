"""What can be wrong with a flow: one rule a function, every problem at once.

A rule never stops another from looking, and leaves to the others what is theirs: one mistake is
one problem. Time grows with nodes plus edges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from libs.common.errors import Problem
from libs.common.flow.model import ALONE, Flow, Library
from libs.common.flow.node import NodeTypes
from libs.common.flow.rules.attributes_are_set import attributes_are_set
from libs.common.flow.rules.configs_are_right import configs_are_right
from libs.common.flow.rules.cycles_wait import cycles_wait
from libs.common.flow.rules.drawing import Drawing
from libs.common.flow.rules.edges_lead_somewhere import edges_lead_somewhere
from libs.common.flow.rules.ends_are_reachable import ends_are_reachable
from libs.common.flow.rules.expressions_are_known import expressions_are_known
from libs.common.flow.rules.invariants_hold import VIOLATION as VIOLATION
from libs.common.flow.rules.invariants_hold import invariants_hold
from libs.common.flow.rules.links import survey
from libs.common.flow.rules.links_hold import links_hold
from libs.common.flow.rules.names_are_registered import names_are_registered
from libs.common.flow.rules.nodes_are_named_once import nodes_are_named_once
from libs.common.flow.rules.nodes_are_used import nodes_are_used
from libs.common.flow.rules.outcomes_are_known import outcomes_are_known
from libs.common.flow.rules.outcomes_lead_on import outcomes_lead_on
from libs.common.flow.rules.owners_are_known import owners_are_known
from libs.common.flow.rules.policies_are_right import policies_are_right
from libs.common.flow.rules.senders_go_through import senders_go_through
from libs.common.flow.rules.settings_are_right import settings_are_right
from libs.common.flow.rules.starts_once import starts_once
from libs.common.flow.rules.success_is_earned import success_is_earned
from libs.common.flow.rules.success_is_reachable import success_is_reachable
from libs.common.flow.rules.turns_end import turns_end
from libs.common.flow.rules.types_are_known import types_are_known

Rule = Callable[[Drawing], Iterable[Problem]]

RULES: tuple[Rule, ...] = (
    starts_once,
    success_is_reachable,
    edges_lead_somewhere,
    nodes_are_named_once,
    types_are_known,
    configs_are_right,
    policies_are_right,
    settings_are_right,
    links_hold,
    outcomes_are_known,
    outcomes_lead_on,
    ends_are_reachable,
    cycles_wait,
    turns_end,
    senders_go_through,
    attributes_are_set,
    success_is_earned,
    invariants_hold,
)
"""What makes a flow one that cannot run."""

ADVICE: tuple[Rule, ...] = (
    nodes_are_used,
    expressions_are_known,
    names_are_registered,
    owners_are_known,
)
"""What is likely a mistake, in a flow that can run all the same."""


class Report(msgspec.Struct, frozen=True):
    """All that is wrong, in the order of the rules, then of the author."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @property
    def valid(self) -> bool:
        """Whether the flow can run."""
        return not self.errors


def validate(flow: Flow, types: NodeTypes, library: Library = ALONE) -> Report:
    """Find every problem of `flow`, whose nodes may be of `types` and refer to `library`."""
    return report(survey(flow, types, library))


def report(drawing: Drawing) -> Report:
    """Find every problem of a flow that is drawn already."""
    return Report(_found(RULES, drawing), _found(ADVICE, drawing))


def _found(rules: Iterable[Rule], drawing: Drawing) -> tuple[Problem, ...]:
    return tuple(problem for rule in rules for problem in rule(drawing))
