from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.model import Edge, FlowType, Graph, Node, Position, Slug

PAGE = {
    "nodes": [
        {"id": "start", "type": "start", "position": {"x": 0, "y": 0}},
        {
            "id": "check",
            "type": "condition",
            "config": {"condition": "user.mfa_enabled"},
            "position": {"x": 600, "y": -100.5},
        },
    ],
    "edges": [
        {"source": "start", "target": "check"},
        {"source": "check", "target": "start", "condition": "true"},
    ],
}


def test_a_graph_is_given_back_as_it_was_written() -> None:
    graph = msgspec.convert(PAGE, Graph)
    assert graph.nodes[1] == Node(
        "check", "condition", {"condition": "user.mfa_enabled"}, Position(600, -100.5)
    )
    assert graph.edges[1] == Edge("check", "start", "true")
    assert msgspec.json.decode(msgspec.json.encode(graph)) == PAGE


@pytest.mark.parametrize(
    "graph",
    [
        {"nodes": [{"id": "a", "type": "start", "colour": "red"}]},
        {"nodes": [{"id": "", "type": "start"}]},
        {"nodes": [{"id": "x" * 101, "type": "start"}]},
        {"nodes": [{"id": "a"}]},
        {"nodes": [{"id": "a", "type": "start", "position": {"x": 1}}]},
        {"edges": [{"source": "a"}]},
        {"nodes": {}, "edges": []},
        {"steps": []},
    ],
)
def test_what_is_not_well_formed_is_no_graph(graph: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(graph, Graph)


def test_a_draft_may_be_half_drawn() -> None:
    assert msgspec.convert({}, Graph) == Graph()


@pytest.mark.parametrize("slug", ["mfa-login", "A1", "x" * 50])
def test_a_slug_is_letters_digits_and_hyphens(slug: str) -> None:
    assert msgspec.convert(slug, Slug) == slug


@pytest.mark.parametrize("slug", ["", "a b", "a_b", "a\n", "\u00e5", "x" * 51])
def test_nothing_else_is_a_slug(slug: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(slug, Slug)


@pytest.mark.parametrize(
    ("kind", "wire"),
    [
        (FlowType.LOGIN, "LOGIN"),
        (FlowType.REGISTRATION, "REGISTRATION"),
        (FlowType.INVITED_REGISTRATION, "INVITED_USER_REGISTRATION"),
        (FlowType.PASSWORD_RESET, "PASSWORD_RECOVERY"),
    ],
)
def test_a_type_has_the_name_that_seed_002_gives_it(kind: FlowType, wire: str) -> None:
    assert kind.wire == wire
    assert FlowType.from_wire(wire) is kind


def test_every_type_that_a_client_can_start_is_found_by_its_name_and_a_trigger_is_not() -> None:
    named = {kind for kind in FlowType if kind.wire is not None}
    assert named == set(FlowType) - {FlowType.TRIGGER}
    assert all(FlowType.from_wire(str(kind.wire)) is kind for kind in named)
    assert FlowType.from_wire("trigger") is None
    assert FlowType.from_wire("login") is None
