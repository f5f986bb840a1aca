"""A graph made easy to ask about: each node with its type, its config and where it leads.

Made once for all rules and for the compiler, in one pass over nodes and edges. What is wrong in
the graph is left out here and reported by the rule that it belongs to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from libs.common.errors import Problem
from libs.common.flow.model import ALONE, Edge, Flow, Library, Node, TriggerPoint
from libs.common.flow.node import (
    FAILURE,
    SKIPPED,
    START,
    SUCCESS,
    UNDECIDED,
    AnyNodeType,
    NodeTypes,
)
from libs.common.flow.rules.config import (
    NO_GATE,
    UNREAD,
    GateReading,
    Reading,
    read_config,
    read_gate,
)

IMPLICIT_FAILURE = ""
"""Stands for the end of a flow that failed, where the author drew no node for it."""


class Place(msgspec.Struct, frozen=True):
    """A node of the graph."""

    node: Node
    type: AnyNodeType | None
    """None where there is no such type."""
    reading: Reading
    """What its config says; nothing where the type is unknown."""
    outcomes: tuple[str, ...]
    """By the type; by its edges alone where type or config are no good."""
    to: Mapping[str, str]
    """Outcome → id of the next node, `IMPLICIT_FAILURE` for an outcome that falls there."""
    gate: GateReading = NO_GATE
    """What its policies say."""

    @property
    def is_end(self) -> bool:
        """Whether the flow ends here."""
        return self.node.type in (SUCCESS, FAILURE)


class Links(msgspec.Struct, frozen=True):
    """The flows that run inside a flow."""

    flows: Mapping[str, Drawing]
    """By slug: all that are called, by the flow itself, by one of these, or by a trigger."""
    triggers: Mapping[TriggerPoint, tuple[Drawing, ...]]
    """Those at points that the flow has, or one that it calls; in the order they run."""
    problems: tuple[Problem, ...]


NO_LINKS = Links({}, {}, ())
"""Of a flow in which nothing runs."""


class Drawing(msgspec.Struct, frozen=True):
    """A graph, indexed."""

    flow: Flow
    types: NodeTypes
    places: Mapping[str, Place]
    """By node id, in the order of the author; of two nodes with one id, the first."""
    starts: tuple[str, ...]
    order: tuple[str, ...]
    """What can be reached from the first start, as a run comes to it, nearest first."""
    reached: frozenset[str]
    """The same, to look up."""
    library: Library = ALONE
    """What the tenant has beside it."""
    links: Links | None = None
    """What runs inside it; None in a drawing that nobody looked for it in."""

    def ends(self, kind: str) -> tuple[str, ...]:
        """The ids of all nodes of one type."""
        return tuple(name for name, place in self.places.items() if place.node.type == kind)

    def in_reach(self) -> Iterator[tuple[str, Place]]:
        """The nodes that can be reached, in the order of the author."""
        return ((name, place) for name, place in self.places.items() if name in self.reached)


def outcome_of(edge: Edge, kind: AnyNodeType | None) -> str | None:
    """Name the outcome that `edge` is for; None where its node has no default one."""
    if edge.condition is not None:
        return edge.condition
    return "" if kind is None else kind.default


def draw(flow: Flow, types: NodeTypes, library: Library = ALONE) -> Drawing:
    """Index the graph of `flow`."""
    nodes: dict[str, Node] = {}
    for node in flow.graph.nodes:
        nodes.setdefault(node.id, node)
    leaving: dict[str, list[Edge]] = {name: [] for name in nodes}
    for edge in flow.graph.edges:
        if edge.source in nodes and edge.target in nodes:
            leaving[edge.source].append(edge)
    failures = [name for name, node in nodes.items() if node.type == FAILURE]
    # With several drawn failures nobody can say which one an undrawn outcome means.
    failure = failures[0] if len(failures) == 1 else IMPLICIT_FAILURE
    places = {
        name: _place(flow, node, types.get(node.type), leaving[name], failure)
        for name, node in nodes.items()
    }
    starts = tuple(name for name, node in nodes.items() if node.type == START)
    order = _reach(places, starts[:1])
    return Drawing(flow, types, places, starts, order, frozenset(order), library)


def _reach(places: Mapping[str, Place], seeds: Iterable[str]) -> tuple[str, ...]:
    found = dict.fromkeys(seeds)
    waiting = deque(found)
    while waiting:
        for target in places[waiting.popleft()].to.values():
            if target != IMPLICIT_FAILURE and target not in found:
                found[target] = None
                waiting.append(target)
    return tuple(found)


def _place(
    flow: Flow, node: Node, kind: AnyNodeType | None, edges: list[Edge], failure: str
) -> Place:
    reading = UNREAD if kind is None else read_config(kind, node, flow.type)
    to: dict[str, str] = {}
    for edge in edges:
        outcome = outcome_of(edge, kind)
        if outcome is not None:
            to.setdefault(outcome, edge.target)
    if kind is None or reading.config is None:
        return Place(node, kind, reading, tuple(to), to)
    outcomes = kind.outcomes(reading.config)
    known = {
        outcome: to.get(outcome, failure)
        for outcome in outcomes
        if outcome in to or outcome in kind.fallbacks
    }
    if node.policies and kind.default is not None:
        outcomes = tuple(dict.fromkeys((*outcomes, SKIPPED, UNDECIDED)))
        known[UNDECIDED] = to.get(UNDECIDED, failure)
        past = to.get(SKIPPED, known.get(kind.default))
        if past is not None:
            known[SKIPPED] = past
    return Place(node, kind, reading, outcomes, known, read_gate(node))
