"""Next versions of random flows: a few changes such as an author makes, and still valid."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from hypothesis import assume
from hypothesis import strategies as st
from msgspec.structs import replace

from libs.common.flow.model import Edge, Flow, Graph, Node, Policy
from libs.common.flow.rules import validate
from libs.common.nodes.catalogue import NODE_TYPES
from tests.flows.cases import Case, flows
from tests.flows.sketch import CONDITIONS, VALUES

_POLICIES = st.lists(st.builds(Policy, st.sampled_from(CONDITIONS), st.booleans()), max_size=2)


class Upgrade(msgspec.Struct, frozen=True):
    """A case, and the version that comes after its flow's, with what its tenant then has."""

    case: Case
    following: Case


def upgrades() -> st.SearchStrategy[Upgrade]:
    """Make cases, each with a version that may come after it."""
    return _upgrades()


@st.composite
def _upgrades(draw: st.DrawFn) -> Upgrade:
    case = draw(flows())
    flow, library = case.flow, case.library
    for _ in range(draw(st.integers(1, 3))):
        slug = draw(st.sampled_from(["", "", *library.flows]))
        if slug:
            changed = _changed(draw, library.flows[slug])
            library = replace(library, flows={**library.flows, slug: changed})
        else:
            flow = _changed(draw, flow)
    made = Case(replace(flow, version=flow.version + 1), library, case.visitor)
    all_flows = (made.flow, *library.flows.values())
    assume(all(validate(each, NODE_TYPES, library).valid for each in all_flows))
    return Upgrade(case, made)


def _changed(draw: st.DrawFn, flow: Flow) -> Flow:
    # A change before may have left nothing that could be saved.
    assume(flow.graph.edges and any(node.type != "start" for node in flow.graph.nodes))
    change = draw(st.sampled_from(_CHANGES))
    return replace(flow, graph=change(draw, flow.graph))


def _leads_elsewhere(draw: st.DrawFn, graph: Graph) -> Graph:
    index = draw(st.integers(0, len(graph.edges) - 1))
    target = draw(st.sampled_from([node.id for node in graph.nodes if node.type != "start"]))
    edges = list(graph.edges)
    edges[index] = replace(edges[index], target=target)
    return replace(graph, edges=tuple(edges))


def _sets_more(draw: st.DrawFn, graph: Graph) -> Graph:
    index = draw(st.integers(0, len(graph.edges) - 1))
    name = f"new-{len(graph.nodes)}"
    value = draw(st.sampled_from((*VALUES, "true", "null")))
    node = Node(name, "set_attribute", {"attribute": "mark", "value": value})
    edges = list(graph.edges)
    there = edges[index].target
    edges[index] = replace(edges[index], target=name)
    return Graph((*graph.nodes, node), (*edges, Edge(name, there, "success")))


def _leaves_out(draw: st.DrawFn, graph: Graph) -> Graph:
    """Take a node away; its first edge says where those lead on to that led to it."""
    gone = draw(st.sampled_from([node.id for node in graph.nodes]))
    there = next((edge.target for edge in graph.edges if edge.source == gone), gone)
    edges = (
        replace(edge, target=there) if edge.target == gone else edge
        for edge in graph.edges
        if edge.source != gone
    )
    return Graph(tuple(node for node in graph.nodes if node.id != gone), tuple(edges))


def _reads_another(draw: st.DrawFn, graph: Graph) -> Graph:
    return _edited(draw, graph, _config)


def _policies_differ(draw: st.DrawFn, graph: Graph) -> Graph:
    return _edited(draw, graph, _gate)


def _edited(draw: st.DrawFn, graph: Graph, edit: Callable[[st.DrawFn, Node], Node]) -> Graph:
    index = draw(st.integers(0, len(graph.nodes) - 1))
    nodes = list(graph.nodes)
    nodes[index] = edit(draw, nodes[index])
    return replace(graph, nodes=tuple(nodes))


def _config(draw: st.DrawFn, node: Node) -> Node:
    if node.type == "condition":
        return replace(node, config={"condition": draw(st.sampled_from(CONDITIONS))})
    if node.type == "set_attribute":
        return replace(node, config={**node.config, "value": draw(st.sampled_from(VALUES))})
    if "attempts" in node.config:
        return replace(node, config={**node.config, "attempts": draw(st.integers(1, 3))})
    return node


def _gate(draw: st.DrawFn, node: Node) -> Node:
    return replace(
        node,
        policies=tuple(draw(_POLICIES)),
        policy_engine_mode=draw(st.sampled_from(("any", "all"))),
        re_evaluate_policies=draw(st.booleans()),
    )


_CHANGES = (_leads_elsewhere, _sets_more, _leaves_out, _reads_another, _policies_differ)
