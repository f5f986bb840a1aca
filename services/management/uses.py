"""Who runs whom: what a change of one active flow means for the others. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from libs.common.flow.model import Flow, FlowType, Library, Named
from libs.common.flow.node import NodeTypes, calls_nothing
from libs.common.flow.rules.drawing import draw
from libs.common.flow.rules.links import calls


def running(library: Library) -> tuple[Flow, ...]:
    """List all versions that new sessions may get: the active ones, and all of the rollouts."""
    return (*library.flows.values(), *library.beside)


def with_flow(library: Library, flow: Flow) -> Library:
    """Return the library as it is once `flow` runs, alone."""
    flows = {**library.flows, flow.name: flow}
    beside = tuple(each for each in library.beside if each.id != flow.id)
    if flow.type is not FlowType.TRIGGER:
        return replace(library, flows=flows, beside=beside)
    if any(each.id == flow.id for each in library.triggers):
        triggers = tuple(flow if each.id == flow.id else each for each in library.triggers)
    else:
        # Who is activated comes first.
        triggers = (flow, *library.triggers)
    return replace(library, flows=flows, triggers=triggers, beside=beside)


def callers(library: Library, slug: str, types: NodeTypes) -> tuple[Flow, ...]:
    """Find the active flows that run the flow `slug` inside, by themselves or through another.

    Of a rollout these are all versions, if one of them does.
    """
    calling = {name for name, kind in types.items() if kind.calls is not calls_nothing}
    called: dict[str, set[str]] = {}
    for flow in running(library):
        # To draw a flow is to read every expression of it, and most flows call nobody.
        if any(node.type in calling for node in flow.graph.nodes):
            inside = {inner for _, inner in calls(draw(flow, types))}
            called.setdefault(flow.name, set()).update(inside)
    found: set[str] = set()
    waiting = [slug]
    while waiting:
        inner = waiting.pop()
        new = {name for name, inside in called.items() if inner in inside} - found - {slug}
        found |= new
        waiting.extend(new)
    return tuple(flow for flow in running(library) if flow.name in found)


def naming(flows: Iterable[Flow], named: Named, types: NodeTypes) -> tuple[str, ...]:
    """Find those of `flows` with a node that needs this, by their slugs, in order."""
    found = {
        flow.name
        for flow in flows
        if any(
            named in place.type.names(place.reading.config)
            for place in draw(flow, types).places.values()
            if place.type is not None and place.reading.config is not None
        )
    }
    return tuple(sorted(found))


def touched(library: Library, slug: str, type: FlowType, types: NodeTypes) -> tuple[FlowType, ...]:
    """Name the types of which what runs changes with the flow `slug`: each holds it in a plan."""
    found = {type, *(flow.type for flow in callers(library, slug, types))}
    if FlowType.TRIGGER in found:
        found |= active_types(library)
    return tuple(sorted(found))


def affected(library: Library, flow: Flow, types: NodeTypes) -> tuple[Flow, ...]:
    """Find the other active flows that hold `flow` in their plans, at each version of theirs."""
    inside = callers(library, flow.name, types)
    if FlowType.TRIGGER not in {flow.type, *(each.type for each in inside)}:
        return inside
    return tuple(each for each in running(library) if each.id != flow.id)


def active_types(library: Library) -> set[FlowType]:
    """Name the types that have active flows."""
    return {flow.type for flow in library.flows.values()}
