"""What changed between two versions: told by meaning, field by field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from libs.common.flow.diff import Diff, FieldChange, NodeChange, NodeRef, Renamed, Rewired, diff
from libs.common.flow.model import (
    Edge,
    Flow,
    FlowType,
    Graph,
    Node,
    Policy,
    Position,
    Settings,
    Trigger,
    TriggerPoint,
)
from libs.common.nodes.catalogue import NODE_TYPES

NOTHING = Diff((), (), (), (), (), (), (), ())


def flow(*nodes: Node, edges: tuple[Edge, ...] = (), settings: Settings = Settings()) -> Flow:  # noqa: B008 -- frozen
    return Flow("flow_a", 1, FlowType.LOGIN, Graph(nodes, edges), settings)


def compare(old: Flow, new: Flow) -> Diff:
    return diff(old, new, NODE_TYPES)


def changes(old: Node, new: Node) -> tuple[FieldChange, ...]:
    """Return what `diff` tells of the one node, and see that it tells nothing else."""
    found = compare(flow(old), flow(new))
    assert msgspec.structs.replace(found, nodes_changed=()) == NOTHING
    [changed] = found.nodes_changed
    assert changed.id == new.id
    return changed.changes


def condition(text: str) -> Node:
    return Node("c", "condition", {"condition": text})


def switch(*whens: str) -> Node:
    cases = [{"outcome": f"case-{number}", "when": when} for number, when in enumerate(whens)]
    return Node("s", "switch", {"cases": cases})


def test_nodes_that_come_and_go_are_told_with_their_types() -> None:
    found = compare(flow(Node("a", "start")), flow(Node("b", "success")))
    assert found.nodes_added == (NodeRef("b", "success"),)
    assert found.nodes_removed == (NodeRef("a", "start"),)
    assert (found.nodes_changed, found.nodes_renamed) == ((), ())


def test_a_node_under_another_id_is_hinted_at_wherever_it_stands() -> None:
    old = Node("a", "condition", {"condition": "user.x"}, position=Position(1, 2))
    new = msgspec.structs.replace(old, id="b", position=None)
    found = compare(flow(old), flow(new))
    assert (found.nodes_added, found.nodes_removed) == (
        (NodeRef("b", "condition"),),
        (NodeRef("a", "condition"),),
    )
    assert found.nodes_renamed == (Renamed("a", "b"),)


def test_each_removed_node_is_hinted_at_once() -> None:
    found = compare(flow(Node("a", "start")), flow(Node("b", "start"), Node("c", "start")))
    assert found.nodes_renamed == (Renamed("a", "b"),)


def test_a_config_is_compared_field_by_field_down_to_what_has_no_parts() -> None:
    old = Node("n", "x", {"same": {"a": [1]}, "was": 1, "list": [1, 2], "map": {"k": 1, "l": None}})
    new = Node("n", "x", {"same": {"a": [1]}, "list": [1, 3, 4], "map": {"k": [1]}, "now": None})
    assert changes(old, new) == (
        FieldChange("config.list[1]", "config", 2, 3),
        FieldChange("config.list[2]", "config", UNSET, 4),
        FieldChange("config.map.k", "config", 1, [1]),
        FieldChange("config.map.l", "config", None, UNSET),
        FieldChange("config.now", "config", UNSET, None),
        FieldChange("config.was", "config", 1, UNSET),
    )


def test_true_and_one_are_two_values() -> None:
    found = changes(Node("n", "x", {"a": 1}), Node("n", "x", {"a": True}))
    assert [change.path for change in found] == ["config.a"]


def test_an_expression_that_only_looks_different_is_no_change() -> None:
    assert compare(flow(condition("user.a===1")), flow(condition(" (user.a) == 1 "))) == NOTHING
    old, new = switch("user.a", "user.b&&true"), switch("user.a ", "user.b && true")
    assert compare(flow(old), flow(new)) == NOTHING


@pytest.mark.parametrize(
    ("before", "after"), [("user.a === 1", "user.a === true"), ("user.a", "user.b")]
)
def test_an_expression_with_another_tree_is_told_as_it_is_written(before: str, after: str) -> None:
    assert changes(condition(before), condition(after)) == (
        FieldChange("config.condition", "expression", before, after),
    )


def test_the_expressions_of_cases_are_told_apart_from_their_outcomes() -> None:
    old = switch("user.a", "user.b")
    new = Node("s", "switch", {"cases": [*old.config["cases"]]})
    new.config["cases"][1] = {"outcome": "other", "when": "user.c"}
    assert changes(old, new) == (
        FieldChange("config.cases[1].outcome", "config", "case-1", "other"),
        FieldChange("config.cases[1].when", "expression", "user.b", "user.c"),
    )


def test_an_expression_that_one_version_cannot_read_is_compared_as_it_is_written() -> None:
    assert changes(condition("user.a"), condition("user.a ===")) == (
        FieldChange("config.condition", "expression", "user.a", "user.a ==="),
    )
    assert changes(condition("&&"), condition("&& ")) == (
        FieldChange("config.condition", "config", "&&", "&& "),
    )


def test_a_node_of_another_type_is_one_that_changed() -> None:
    assert changes(Node("n", "start"), Node("n", "success")) == (
        FieldChange("type", "type", "start", "success"),
    )


def test_a_label_is_no_layout() -> None:
    found = compare(flow(Node("n", "start")), flow(Node("n", "start", label="Begin")))
    assert found.nodes_changed == (
        NodeChange("n", (FieldChange("label", "label", None, "Begin"),)),
    )
    assert not found.layout_only


def test_what_is_only_moved_is_told_apart() -> None:
    old, new = Node("n", "start"), Node("n", "start", position=Position(1, 2.5))
    found = compare(flow(old), flow(new))
    assert found.nodes_changed == (
        NodeChange("n", (FieldChange("position", "layout", None, {"x": 1, "y": 2.5}),)),
    )
    assert found.layout_only
    assert not found.empty


@pytest.mark.parametrize(
    "also",
    [
        {"edges": (Edge("n", "n"),)},
        {"settings": Settings(authentication="require_superuser")},
    ],
)
def test_moving_beside_anything_else_is_not_layout_only(also: dict[str, Any]) -> None:
    old, new = Node("n", "start"), Node("n", "start", position=Position(1, 2))
    assert not compare(flow(old), flow(new, **also)).layout_only


def test_nothing_is_not_layout_only() -> None:
    assert not NOTHING.layout_only
    assert NOTHING.empty


def test_the_policies_of_a_node_are_compared_by_their_trees() -> None:
    old = Node("n", "start", policies=(Policy("user.a"), Policy("user.b&&true"), Policy("&&")))
    new = Node(
        "n",
        "start",
        policies=(Policy("user.c"), Policy("user.b && true", negate=True), Policy("&&")),
        policy_engine_mode="all",
        evaluate_on_plan=False,
        re_evaluate_policies=True,
    )
    assert changes(old, new) == (
        FieldChange("policies[0].expression", "policy", "user.a", "user.c"),
        FieldChange("policies[1].negate", "policy", False, True),
        FieldChange("policy_engine_mode", "policy", "any", "all"),
        FieldChange("evaluate_on_plan", "policy", True, False),
        FieldChange("re_evaluate_policies", "policy", False, True),
    )


def test_a_policy_that_is_added_is_told_whole() -> None:
    old, new = Node("n", "start"), Node("n", "start", policies=(Policy("user.a"),))
    assert changes(old, new) == (
        FieldChange("policies[0]", "policy", UNSET, {"expression": "user.a", "negate": False}),
    )


def test_settings_are_told_field_by_field() -> None:
    old = Settings(policies=(Policy("user.a"),))
    new = Settings(
        policies=(Policy("user.a "), Policy("user.b")),
        policy_engine_mode="all",
        denied_action="continue",
        authentication="require_authenticated",
        trigger=Trigger(TriggerPoint.POST_LOGIN),
    )
    found = compare(flow(settings=old), flow(settings=new))
    assert msgspec.structs.replace(found, settings=()) == NOTHING
    assert found.settings == (
        FieldChange("policies[1]", "policy", UNSET, {"expression": "user.b", "negate": False}),
        FieldChange("policy_engine_mode", "policy", "any", "all"),
        FieldChange("denied_action", "config", "message_continue", "continue"),
        FieldChange("authentication", "config", "none", "require_authenticated"),
        FieldChange("trigger", "config", None, {"id": "post-login"}),
    )


NODES = (Node("a", "password_input"), Node("b", "success"), Node("c", "condition"))


def test_edges_that_come_and_go_and_lead_elsewhere_are_told_apart() -> None:
    old = (Edge("a", "b"), Edge("a", "c", "failure"), Edge("c", "b", "true"))
    new = (Edge("a", "c"), Edge("a", "c", "failure"), Edge("c", "b", "false"))
    found = compare(flow(*NODES, edges=old), flow(*NODES, edges=new))
    assert found.edges_rewired == (Rewired("a", "b", "c"),)
    assert found.edges_removed == (Edge("c", "b", "true"),)
    assert found.edges_added == (Edge("c", "b", "false"),)


def test_an_edge_that_names_the_default_outcome_is_the_one_that_names_none() -> None:
    old, new = (
        flow(*NODES, edges=(Edge("a", "b"),)),
        flow(*NODES, edges=(Edge("a", "b", "success"),)),
    )
    assert compare(old, new) == NOTHING


def test_the_order_of_nodes_and_edges_is_no_change() -> None:
    edges = (Edge("a", "b"), Edge("c", "b", "true"))
    assert compare(flow(*NODES, edges=edges), flow(*NODES[::-1], edges=edges[::-1])) == NOTHING


def test_of_two_edges_for_one_outcome_each_is_compared_with_its_like() -> None:
    old = flow(*NODES, edges=(Edge("a", "b"), Edge("a", "c")))
    assert compare(old, flow(*NODES, edges=(Edge("a", "b"),))).edges_removed == (Edge("a", "c"),)


def test_of_two_nodes_with_one_id_each_is_compared_with_its_like() -> None:
    old = flow(Node("a", "start"), Node("a", "success"))
    assert compare(old, flow(Node("a", "start"))).nodes_removed == (NodeRef("a", "success"),)


def test_only_what_is_needed_is_written() -> None:
    found = compare(flow(Node("n", "x", {"a": 1})), flow(Node("n", "x", {"b": None})))
    assert msgspec.to_builtins(found.nodes_changed) == (
        {
            "id": "n",
            "changes": (
                {"path": "config.b", "kind": "config", "after": None},
                {"path": "config.a", "kind": "config", "before": 1},
            ),
        },
    )


NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["user.a", "user.a&&true", "&&", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
POLICIES = st.lists(st.builds(Policy, TEXTS, st.booleans()), max_size=2).map(tuple)
NODE = st.builds(
    Node,
    NAMES,
    st.sampled_from(["start", "condition", "switch", "password_input", "unknown"]),
    st.dictionaries(NAMES, JSON, max_size=3)
    | st.builds(lambda text: {"condition": text}, TEXTS)
    | st.builds(lambda text: {"cases": [{"outcome": "x", "when": text}]}, TEXTS),
    st.none() | st.builds(Position, st.integers(0, 3), st.integers(0, 3)),
    st.none() | NAMES,
    POLICIES,
)
FLOWS = st.builds(
    lambda nodes, edges, policies: flow(*nodes, edges=edges, settings=Settings(policies)),
    st.lists(NODE, max_size=4),
    st.lists(st.builds(Edge, NAMES, NAMES, st.none() | NAMES), max_size=4).map(tuple),
    POLICIES,
)


@given(FLOWS)
def test_a_version_does_not_differ_from_itself(same: Flow) -> None:
    assert compare(same, msgspec.structs.replace(same, version=2)) == NOTHING


@given(FLOWS, FLOWS)
def test_what_is_added_one_way_is_removed_the_other_and_all_of_it_can_be_told(
    one: Flow, other: Flow
) -> None:
    there, back = compare(one, other), compare(other, one)
    assert (there.nodes_added, there.nodes_removed) == (back.nodes_removed, back.nodes_added)
    assert there.edges_added == back.edges_removed
    assert {node.id for node in there.nodes_changed} == {node.id for node in back.nodes_changed}
    assert len(there.edges_rewired) == len(back.edges_rewired)
    assert msgspec.json.encode(there)
