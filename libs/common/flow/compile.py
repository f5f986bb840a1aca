"""Turns a version of a flow into its plan: a tuple of named passes, each from a draft to the next.

Compiling reads nothing but the version and the node types, so that the same version always
makes the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from libs.common.errors import Invalid
from libs.common.flow.model import Flow
from libs.common.flow.node import NodeTypes
from libs.common.flow.plan import FAILURE, FORMAT, Plan, Step, encode_config
from libs.common.flow.rules import report
from libs.common.flow.rules.drawing import IMPLICIT_FAILURE, Drawing, draw


class Draft(msgspec.Struct, frozen=True):
    """A plan in the making."""

    drawing: Drawing
    numbers: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Id → index of the step; a node that is never reached has none."""
    steps: tuple[Step, ...] = ()


Pass = Callable[[Draft], Draft]


def refuse_invalid(draft: Draft) -> Draft:
    """Go on with a valid flow only; raise `Invalid` with all that is wrong with another."""
    errors = report(draft.drawing).errors
    if errors:
        message = f"The flow has {len(errors)} problem{'s' if len(errors) > 1 else ''}"
        raise Invalid(message, errors)
    return draft


def number_steps(draft: Draft) -> Draft:
    """Give each node that can be reached its index; the start is the first."""
    numbers = {name: index for index, name in enumerate(draft.drawing.order)}
    return msgspec.structs.replace(draft, numbers=numbers)


def lower_nodes(draft: Draft) -> Draft:
    """Make a step of each node that is numbered: its config lowered, its outcomes resolved."""
    steps = tuple(_step(draft, name) for name in draft.drawing.order)
    return msgspec.structs.replace(draft, steps=steps)


PASSES: tuple[Pass, ...] = (refuse_invalid, number_steps, lower_nodes)


def compile_flow(flow: Flow, types: NodeTypes) -> Plan:
    """Compile `flow`, or raise `Invalid` with every problem that keeps it from running."""
    draft = Draft(draw(flow, types))
    for run in PASSES:
        draft = run(draft)
    return Plan(FORMAT, flow.id, flow.version, flow.type, 0, draft.steps)


def _step(draft: Draft, name: str) -> Step:
    place = draft.drawing.places[name]
    to = {
        outcome: FAILURE if target == IMPLICIT_FAILURE else draft.numbers[target]
        for outcome, target in place.to.items()
    }
    return Step(name, place.node.type, encode_config(place.reading.lowered), to)
