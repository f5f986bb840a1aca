"""The index of a graph: what the rules and the compiler ask of it."""

from __future__ import annotations

from libs.common.flow.model import Edge, Flow, FlowType, Graph, Node
from libs.common.flow.rules.drawing import IMPLICIT_FAILURE, draw
from libs.common.nodes.catalogue import NODE_TYPES

LOGIN = (
    Node("start", "start"),
    Node("who", "identifier_input"),
    Node("pw", "password_input"),
    Node("success", "success"),
)
EDGES = (Edge("start", "who"), Edge("who", "pw"), Edge("pw", "success"))


def flow(nodes: tuple[Node, ...], edges: tuple[Edge, ...]) -> Flow:
    return Flow("flow_case", 1, FlowType.LOGIN, Graph(nodes, edges))


def test_what_no_edge_takes_falls_to_an_end_that_nobody_drew() -> None:
    drawing = draw(flow(LOGIN, EDGES), NODE_TYPES)
    assert drawing.places["pw"].to == {"success": "success", "failure": IMPLICIT_FAILURE}


def test_what_no_edge_takes_falls_to_the_only_failure_that_is_drawn() -> None:
    drawing = draw(flow((*LOGIN, Node("sorry", "failure")), EDGES), NODE_TYPES)
    assert drawing.places["pw"].to["failure"] == "sorry"
    assert drawing.order == ("start", "who", "pw", "success", "sorry")


def test_of_two_drawn_failures_neither_is_the_one_that_is_meant() -> None:
    two = (*LOGIN, Node("sorry", "failure"), Node("alas", "failure"))
    assert draw(flow(two, EDGES), NODE_TYPES).places["pw"].to["failure"] == IMPLICIT_FAILURE


def test_of_two_nodes_with_one_id_the_first_is_meant() -> None:
    drawing = draw(flow((*LOGIN, Node("pw", "failure")), EDGES), NODE_TYPES)
    assert drawing.places["pw"].node.type == "password_input"


def test_a_node_of_unknown_type_leads_where_its_edges_say() -> None:
    nodes = (Node("start", "start"), Node("odd", "riddle"), Node("success", "success"))
    edges = (Edge("start", "odd"), Edge("odd", "success"), Edge("odd", "start", "again"))
    drawing = draw(flow(nodes, edges), NODE_TYPES)
    assert drawing.places["odd"].to == {"": "success", "again": "start"}
