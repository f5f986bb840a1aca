"""Turns a version of a flow into its plan: a tuple of named passes, each from a draft to the next.

What runs inside the flow is linked into the plan, so that a session which is pinned to it is pinned
to all of it. Compiling reads nothing but the version, its library and the node types, so that the
same of these always makes the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import ALONE, Flow, Library, TriggerPoint
from libs.common.flow.node import NodeTypes
from libs.common.flow.plan import FAILURE, FORMAT, Plan, Step, Unit, encode_config
from libs.common.flow.proof import Demand, demands
from libs.common.flow.rules import VIOLATION, report
from libs.common.flow.rules.config import read_gate
from libs.common.flow.rules.drawing import IMPLICIT_FAILURE, NO_LINKS, Drawing
from libs.common.flow.rules.links import called, inside_name, survey


class Draft(msgspec.Struct, frozen=True):
    """A plan in the making."""

    drawing: Drawing
    running: bool = False
    """The version runs already: what a tenant demands since then does not take it away."""
    parts: tuple[Drawing, ...] = ()
    """The flow, then all that runs inside it."""
    numbers: tuple[Mapping[str, int], ...] = ()
    """Of each part: id → index of the step; a node that is never reached has none."""
    triggers: Mapping[TriggerPoint, tuple[int, ...]] = msgspec.field(default_factory=dict)
    """The units that run at a point."""
    called: Mapping[str, int] = msgspec.field(default_factory=dict)
    """The unit of each slug."""
    steps: tuple[Step, ...] = ()
    demands: tuple[Demand, ...] = ()


Pass = Callable[[Draft], Draft]


def refuse_invalid(draft: Draft) -> Draft:
    """Go on with a valid flow only; raise `Invalid` with all that is wrong with another."""
    errors = tuple(
        error
        for error in report(draft.drawing).errors
        if not (draft.running and error.code == VIOLATION)
    )
    if errors:
        message = f"The flow has {len(errors)} problem{'s' if len(errors) > 1 else ''}"
        raise Invalid(message, errors)
    return draft


def gather_parts(draft: Draft) -> Draft:
    """Put in order what runs inside the flow: what is called by slug, triggers by point."""
    links = draft.drawing.links or NO_LINKS
    parts = [draft.drawing]
    slugs: dict[str, int] = {}
    for slug in sorted(links.flows):
        slugs[slug] = len(parts) - 1
        parts.append(links.flows[slug])
    triggers: dict[TriggerPoint, tuple[int, ...]] = {}
    for point in sorted(links.triggers):
        first = len(parts) - 1
        parts.extend(links.triggers[point])
        triggers[point] = tuple(range(first, len(parts) - 1))
    return msgspec.structs.replace(draft, parts=tuple(parts), called=slugs, triggers=triggers)


def number_steps(draft: Draft) -> Draft:
    """Give each node that can be reached its index; the start of a part is its first."""
    numbers: list[Mapping[str, int]] = []
    following = 0
    for part in draft.parts:
        numbers.append({name: following + index for index, name in enumerate(part.order)})
        following += len(part.order)
    return msgspec.structs.replace(draft, numbers=tuple(numbers))


def lower_nodes(draft: Draft) -> Draft:
    """Make a step of each node that is numbered: its config lowered, its outcomes resolved."""
    steps = tuple(
        _step(draft, number, name) for number, part in enumerate(draft.parts) for name in part.order
    )
    return msgspec.structs.replace(draft, steps=steps)


def add_demands(draft: Draft) -> Draft:
    """Have the plan hold what the tenant demands of flows of its type."""
    flow, library = draft.drawing.flow, draft.drawing.library
    meant = (each for each in library.invariants if each.type is flow.type)
    return msgspec.structs.replace(draft, demands=demands(meant))


PASSES: tuple[Pass, ...] = (refuse_invalid, gather_parts, number_steps, lower_nodes, add_demands)


def compile_flow(
    flow: Flow, types: NodeTypes, library: Library = ALONE, *, running: bool = False
) -> Plan:
    """Compile `flow`, or raise `Invalid` with every problem that keeps it from running.

    A version that runs already (`running`) is compiled though it breaks an invariant: whoever signs
    in is then held to it one by one.
    """
    draft = Draft(survey(flow, types, library), running)
    for run in PASSES:
        draft = run(draft)
    units = tuple(
        Unit(part.flow.id, part.flow.version, numbers[part.order[0]])
        for part, numbers in zip(draft.parts[1:], draft.numbers[1:], strict=True)
    )
    return Plan(
        format=FORMAT,
        flow=flow.id,
        version=flow.version,
        type=flow.type,
        start=0,
        steps=draft.steps,
        units=units,
        triggers=draft.triggers,
        gate=read_gate(flow.settings).gate,
        denied_action=flow.settings.denied_action,
        authentication=flow.settings.authentication,
        demands=draft.demands,
        point=None if flow.settings.trigger is None else flow.settings.trigger.id,
    )


def violations(flow: Flow, types: NodeTypes, library: Library) -> tuple[Problem, ...]:
    """Find how `flow` breaks the invariants of its tenant."""
    found: Iterable[Problem] = report(survey(flow, types, library)).errors
    return tuple(each for each in found if each.code == VIOLATION)


def _step(draft: Draft, number: int, name: str) -> Step:
    part, numbers = draft.parts[number], draft.numbers[number]
    place = part.places[name]
    to = {
        outcome: FAILURE if target == IMPLICIT_FAILURE else numbers[target]
        for outcome, target in place.to.items()
    }
    id = name if number == 0 else inside_name(part.flow, name)
    slug = called(place)
    return Step(
        id,
        place.node.type,
        encode_config(place.reading.lowered),
        to,
        place.gate.gate,
        None if slug is None else draft.called[slug],
    )
