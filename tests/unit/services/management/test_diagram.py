"""A diagram shows a graph, and nothing that an author wrote means anything in it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from libs.common.flow.model import Edge, Graph, Node
from services.management.diagram import diagram
from tests.flows.cases import Case, flows

LINE = re.compile(
    r'  n\d+(\(\["[^"]*"\]\)|\{"[^"]*"\}|\["[^"]*"\])|  n\d+ -->(\|"[^"]*"\|)? n\d+|graph TD'
)
TEXT = re.compile(r'"([^"]*)"')


def test_ends_conditions_and_stages_have_shapes_of_their_own() -> None:
    graph = Graph(
        (
            Node("start", "start"),
            Node("known", "condition"),
            Node("password", "password_input", label="Your password"),
            Node("success", "success"),
        ),
        (
            Edge("start", "known"),
            Edge("known", "success", "true"),
            Edge("known", "password", "false"),
            Edge("password", "success"),
        ),
    )
    assert diagram(graph).splitlines() == [
        "graph TD",
        '  n0(["start"])',
        '  n1{"known (condition)"}',
        '  n2["Your password (password_input)"]',
        '  n3(["success"])',
        "  n0 --> n1",
        '  n1 -->|"true"| n3',
        '  n1 -->|"false"| n2',
        "  n2 --> n3",
    ]


def test_an_edge_that_leads_nowhere_and_a_second_node_of_one_id_are_left_out() -> None:
    graph = Graph(
        (Node("a", "dummy", label="First"), Node("a", "deny", label="Second")),
        (Edge("a", "b"), Edge("b", "a"), Edge("a", "a")),
    )
    assert diagram(graph).splitlines() == ["graph TD", '  n0["First (dummy)"]', "  n0 --> n0"]


def test_what_would_be_markup_is_written_as_entities() -> None:
    graph = Graph((Node("a", "dummy", label='x"]; <b>&`%%{#\n'),))
    (_, line) = diagram(graph).splitlines()
    assert line == ('  n0["x#34;#93;#59; #60;b#62;#38;#96;#37;#37;#123;#35;  (dummy)"]')


@given(st.text(min_size=1), st.text(min_size=1), st.text())
def test_no_text_can_leave_its_quotes(label: str, id: str, outcome: str) -> None:
    graph = Graph((Node(id, "dummy", label=label),), (Edge(id, id, outcome),))
    text = diagram(graph)
    # As a reader of Mermaid parts lines, which is not as Python's `splitlines` does.
    assert all(LINE.fullmatch(line) for line in re.split("[\r\n]", text))
    for shown in TEXT.findall(text):
        plain = re.sub(r"#\d+;", "", shown)
        assert not set(plain) & set("<>&\"'`#%{}[];|\\")


@given(flows())
def test_every_node_and_edge_is_in_it(case: Case) -> None:
    graph = case.flow.graph
    lines = diagram(graph).splitlines()
    assert all(map(LINE.fullmatch, lines))
    ids = {node.id for node in graph.nodes}
    drawn = [edge for edge in graph.edges if {edge.source, edge.target} <= ids]
    assert len(lines) == 1 + len(ids) + len(drawn)
