"""Seed 003's stages and bindings, and the graph that is stored, each made of the other. Pure.

Every node but the ends is a stage, which one binding puts in its place. What a run comes to from
the start by default outcomes, and from a condition by `true`, is the chain: there a binding's
order says the place. The nodes beside the chain come after it; bindings can change them, and not
where they stand.

    start ── 10: identifier ── 20: password ── success

The numbers that a client was told are kept with the flow. A node that came by another face gets
one that fits between its neighbours'. Whatever bindings have no words for stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Final, TypeAlias
from uuid import UUID, uuid5

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from libs.common.errors import Invalid, NotFound, Problem
from libs.common.flow.model import Edge, Graph, Mode, Node, Policies
from libs.common.flow.node import FAILURE, START, SUCCESS

ENDS: Final = frozenset({START, SUCCESS, FAILURE})
"""The node types that are no stages."""
CONDITION: Final = "condition"
STEP: Final = 10
"""Between two orders that nobody chose."""
NO_BINDING: Final = "there is no such binding"


class Bound(msgspec.Struct, frozen=True):
    """What a client was told of a node."""

    pk: UUID
    stage: UUID
    order: int


Told: TypeAlias = Mapping[str, Bound]
"""By node id; what it does not name is made of the flow's key and the node's id."""


class Drawn(msgspec.Struct, frozen=True):
    """A graph, and what clients of bindings were told of it."""

    key: UUID
    """The flow's."""
    graph: Graph = Graph()
    told: Told = msgspec.field(default_factory=dict)


class Binding(msgspec.Struct, frozen=True):
    """A node as a stage in its place."""

    node: Node
    pk: UUID
    stage: UUID
    order: int


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of a binding beside its order; what is unset stays."""

    policies: Policies | UnsetType = UNSET
    policy_engine_mode: Mode | UnsetType = UNSET
    evaluate_on_plan: bool | UnsetType = UNSET
    re_evaluate_policies: bool | UnsetType = UNSET

    def applied_to(self, node: Node) -> Node:
        """Return `node` with what is set here."""
        some = {name: getattr(self, name) for name in Said.__struct_fields__}
        return replace(node, **{name: each for name, each in some.items() if each is not UNSET})


NOTHING: Final = Said()


class Stage(msgspec.Struct, frozen=True):
    """A node of any flow, to be bound."""

    pk: UUID
    node: Node


def stages_of(drawn: Drawn) -> tuple[Binding, ...]:
    """Say a graph as bindings: the chain in its order, then what is beside it."""
    chain = _chain(drawn.graph)
    nodes = {node.id: node for node in reversed(drawn.graph.nodes) if node.type not in ENDS}
    beside = [id for id in dict.fromkeys(node.id for node in drawn.graph.nodes) if id in nodes]
    beside = [id for id in beside if id not in chain]
    told = {id: each.order for id, each in drawn.told.items()}
    numbers = list(_orders([told.get(id) for id in chain]))
    after = count(numbers[-1] + STEP if numbers else STEP, STEP)
    numbers += [told[id] if id in told else next(after) for id in beside]
    return tuple(
        Binding(nodes[id], pk_of(drawn, id), stage_of(drawn, id), order)
        for id, order in zip([*chain, *beside], numbers, strict=True)
    )


def pk_of(drawn: Drawn, id: str) -> UUID:
    """Return the key of a node's binding."""
    told = drawn.told.get(id)
    return uuid5(drawn.key, f"binding:{id}") if told is None else told.pk


def stage_of(drawn: Drawn, id: str) -> UUID:
    """Return the key of a node as a stage."""
    told = drawn.told.get(id)
    return uuid5(drawn.key, f"stage:{id}") if told is None else told.stage


def bind(drawn: Drawn, stage: Stage, pk: UUID, order: int, said: Said = NOTHING) -> Drawn:
    """Put a copy of `stage` into the chain, after all that have no higher order."""
    graph = _with_ends(drawn.graph)
    taken = {node.id for node in graph.nodes}
    id = _free(stage.node.id, taken)
    like = stage.node
    node = said.applied_to(Node(id, like.type, like.config, label=like.label))
    numbers = {each.node.id: each.order for each in stages_of(drawn)}
    edges = _inserted(graph, node, order, numbers)
    told = {**_pinned(drawn), id: Bound(pk, stage.pk, order)}
    return Drawn(drawn.key, Graph((*graph.nodes, node), edges), told)


def rebind(
    drawn: Drawn,
    pk: UUID,
    order: int | UnsetType = UNSET,
    said: Said = NOTHING,
    stage: Stage | None = None,
) -> Drawn:
    """Change a binding, or raise `NotFound`; `Invalid` where it is not for orders to move it."""
    was = find(drawn, pk)
    id, node = was.node.id, said.applied_to(was.node)
    told = _pinned(drawn)
    if stage is not None and stage.pk != was.stage:
        like = stage.node
        node = replace(node, type=like.type, config=like.config, label=like.label)
        told[id] = replace(told[id], stage=stage.pk)
    nodes = tuple(node if each is was.node else each for each in drawn.graph.nodes)
    graph = Graph(nodes, drawn.graph.edges)
    if order is not UNSET and order != was.order:
        if id not in _chain(graph):
            message = "it is beside the chain that orders say; the graph says where it stands"
            problem = Problem("invalid", message, path="order")
            raise Invalid("the binding cannot be moved", (problem,))
        numbers = {each.node.id: each.order for each in stages_of(drawn) if each.node.id != id}
        free = Graph(nodes, tuple(_detached(graph, node)))
        graph = Graph(nodes, _inserted(free, node, order, numbers))
        told[id] = replace(told[id], order=order)
    return Drawn(drawn.key, graph, told)


def unbind(drawn: Drawn, pk: UUID) -> Drawn:
    """Take a node out; whatever led to it leads on to where it led. Or raise `NotFound`."""
    node = find(drawn, pk).node
    target = next((e.target for e in drawn.graph.edges if _onward(e, node)), None)
    edges: list[Edge] = []
    for edge in drawn.graph.edges:
        if edge.source == node.id:
            continue
        if edge.target != node.id:
            edges.append(edge)
        elif target not in (None, node.id):
            edges.append(replace(edge, target=target))
    nodes = tuple(each for each in drawn.graph.nodes if each is not node)
    told = {id: each for id, each in _pinned(drawn).items() if id != node.id}
    return Drawn(drawn.key, Graph(nodes, tuple(edges)), told)


def find(drawn: Drawn, pk: UUID) -> Binding:
    """Find a binding, or raise `NotFound`."""
    found = next((each for each in stages_of(drawn) if each.pk == pk), None)
    if found is None:
        raise NotFound(NO_BINDING)
    return found


def _onward(edge: Edge, node: Node) -> bool:
    """Tell whether it is by `edge` that the chain goes on from `node`."""
    onward = "true" if node.type == CONDITION else "success"
    return edge.source == node.id and edge.condition in (None, onward)


def _chain(graph: Graph) -> list[str]:
    """List the nodes that a run comes to from the start where each leaves as it mostly does."""
    nodes = {node.id: node for node in reversed(graph.nodes)}
    at = next((node for node in graph.nodes if node.type == START), None)
    found: list[str] = []
    while at is not None:
        here = at
        target = next((e.target for e in graph.edges if _onward(e, here)), None)
        at = None if target is None else nodes.get(target)
        if at is None or at.type in ENDS or at.id in found:
            break
        found.append(at.id)
    return found


def _orders(told: Sequence[int | None]) -> Iterator[int]:
    """Number bindings upwards, as they were told wherever that is so."""
    last: int | None = None
    for place, order in enumerate(told):
        if order is not None and (last is None or order >= last):
            last = order
        else:
            least = 0 if last is None else last
            later = (each for each in told[place + 1 :] if each is not None)
            following = next((each for each in later if last is None or each >= last), None)
            last = least + STEP if following is None else min(least + STEP, following)
        yield last


def _pinned(drawn: Drawn) -> dict[str, Bound]:
    """Return what clients see now as what they were told, so that a change elsewhere moves none."""
    return {each.node.id: Bound(each.pk, each.stage, each.order) for each in stages_of(drawn)}


def _with_ends(graph: Graph) -> Graph:
    """Return a graph that has a start and a success."""
    nodes, edges = list(graph.nodes), graph.edges
    for kind in (START, SUCCESS):
        if all(node.type != kind for node in nodes):
            nodes.append(Node(_free(kind, {node.id for node in nodes}), kind))
    return Graph(tuple(nodes), edges)


def _free(id: str, taken: set[str]) -> str:
    names = (id if number == 1 else f"{id[:95]}_{number}" for number in count(1))
    return next(name for name in names if name not in taken)


def _inserted(graph: Graph, node: Node, order: int, numbers: Mapping[str, int]) -> tuple[Edge, ...]:
    """Lead the chain through `node`; what else leads to it or away stays."""
    nodes = {each.id: each for each in reversed(graph.nodes)}
    before = next(each for each in graph.nodes if each.type == START)
    for id in _chain(graph):
        if numbers[id] > order:
            break
        before = nodes[id]
    target: str | None
    edges = list(graph.edges)
    leading = next((place for place, e in enumerate(edges) if _onward(e, before)), None)
    if leading is None:
        target = next((each.id for each in graph.nodes if each.type == SUCCESS), None)
        edges.append(_edge(before, node.id))
    else:
        target = edges[leading].target
        edges[leading] = replace(edges[leading], target=node.id)
    own = next((place for place, e in enumerate(edges) if _onward(e, node)), None)
    if target is None:
        # Of a graph without a success; the chain ends here.
        return tuple(edge for place, edge in enumerate(edges) if place != own)
    if own is None:
        edges.append(_edge(node, target))
    else:
        edges[own] = replace(edges[own], target=target)
    return tuple(edges)


def _edge(node: Node, target: str) -> Edge:
    return Edge(node.id, target, "true" if node.type == CONDITION else None)


def _detached(graph: Graph, node: Node) -> Iterator[Edge]:
    """Lead the chain past `node`, which keeps its own edges."""
    nodes = {each.id: each for each in reversed(graph.nodes)}
    target = next((e.target for e in graph.edges if _onward(e, node)), None)
    chain = _chain(graph)
    place = chain.index(node.id)
    start = next(each.id for each in graph.nodes if each.type == START)
    before = nodes[chain[place - 1] if place else start]
    passed = False
    for edge in graph.edges:
        if passed or not _onward(edge, before):
            yield edge
        else:
            # Only the first is the chain's; a second is a mistake of the author, which stays.
            passed = True
            if target is not None:
                yield replace(edge, target=target)
