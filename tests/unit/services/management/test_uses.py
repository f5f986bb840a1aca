"""Which active flows run which inside, and so what changes with one of them."""

from itertools import pairwise

import msgspec
import pytest

from libs.common.flow.model import (
    Edge,
    Flow,
    FlowType,
    Graph,
    Library,
    Node,
    Settings,
    Trigger,
    TriggerPoint,
)
from libs.common.flow.node import NodeTypes
from libs.common.flow.rules.drawing import Drawing, draw
from libs.common.nodes.catalogue import NODE_TYPES
from services.management.uses import affected, callers, touched, with_flow

LOGIN, LOGOUT, RESET, TRIGGER = (
    FlowType.LOGIN,
    FlowType.LOGOUT,
    FlowType.PASSWORD_RESET,
    FlowType.TRIGGER,
)


def flow(name: str, type: FlowType, *calls: str, version: int = 1) -> Flow:
    """A flow that calls these one after the other; drawn so that all of them are in reach."""
    nodes = (Node("start", "start"), *(Node(each, "subflow", {"flow": each}) for each in calls))
    edges = tuple(Edge(one.id, other.id) for one, other in pairwise(nodes))
    settings = Settings(trigger=Trigger(TriggerPoint.POST_LOGIN)) if type is TRIGGER else Settings()
    return Flow(f"flow_{name}", version, type, Graph(nodes, edges), settings, name=name)


def library(*flows: Flow) -> Library:
    triggers = tuple(each for each in flows if each.type is TRIGGER)
    return Library({each.name: each for each in flows}, triggers)


def names(flows: tuple[Flow, ...]) -> list[str]:
    return [each.name for each in flows]


def test_callers_are_found_through_others_in_the_order_of_the_library() -> None:
    inside = library(
        flow("outer", LOGIN, "middle"),
        flow("middle", LOGOUT, "inner"),
        flow("inner", RESET),
        flow("beside", RESET, "elsewhere"),
    )
    assert names(callers(inside, "inner", NODE_TYPES)) == ["outer", "middle"]
    assert names(callers(inside, "outer", NODE_TYPES)) == []
    assert touched(inside, "inner", RESET, NODE_TYPES) == (LOGIN, LOGOUT, RESET)


def test_what_any_version_of_a_rollout_calls_is_called() -> None:
    inside = msgspec.structs.replace(
        library(flow("outer", LOGIN), flow("inner", RESET)),
        beside=(flow("outer", LOGIN, "inner", version=2),),
    )
    assert [each.version for each in callers(inside, "inner", NODE_TYPES)] == [1, 2]
    assert touched(inside, "inner", RESET, NODE_TYPES) == (LOGIN, RESET)
    # A version that takes the place of all of them is what calls from then on.
    after = with_flow(inside, flow("outer", LOGIN, version=3))
    assert callers(after, "inner", NODE_TYPES) == ()


def test_flows_that_call_each_other_in_a_circle_are_found_once() -> None:
    circle = library(flow("a", LOGIN, "b"), flow("b", LOGOUT, "a"))
    assert names(callers(circle, "a", NODE_TYPES)) == ["b"]


def test_a_node_that_nothing_leads_to_calls_nobody() -> None:
    apart = Flow(
        "flow_a", 1, LOGIN, Graph((Node("x", "subflow", {"flow": "inner"}),)), name="outer"
    )
    assert callers(library(apart), "inner", NODE_TYPES) == ()


def test_a_trigger_touches_every_type_that_has_active_flows() -> None:
    inside = library(flow("in", LOGIN), flow("out", LOGOUT))
    assert touched(inside, "hook", TRIGGER, NODE_TYPES) == (LOGIN, LOGOUT, TRIGGER)
    assert names(affected(inside, flow("hook", TRIGGER), NODE_TYPES)) == ["in", "out"]


def test_what_a_trigger_runs_inside_touches_all_that_the_trigger_does() -> None:
    inside = library(flow("hook", TRIGGER, "shared"), flow("in", LOGIN), flow("shared", RESET))
    assert touched(inside, "shared", RESET, NODE_TYPES) == (LOGIN, RESET, TRIGGER)
    assert names(affected(inside, inside.flows["shared"], NODE_TYPES)) == ["hook", "in"]


def test_only_callers_are_affected_by_another_flow() -> None:
    inside = library(flow("in", LOGIN, "shared"), flow("out", LOGOUT), flow("shared", RESET))
    assert names(affected(inside, inside.flows["shared"], NODE_TYPES)) == ["in"]


def test_a_flow_takes_the_place_of_its_older_version() -> None:
    before = library(flow("one", TRIGGER), flow("two", TRIGGER), flow("in", LOGIN))
    newer = flow("two", TRIGGER, version=2)
    after = with_flow(before, newer)
    assert after.flows["two"] is newer
    assert names(after.triggers) == ["one", "two"]
    assert after.triggers[1] is newer


def test_a_trigger_that_is_new_comes_first_as_whatever_is_activated() -> None:
    after = with_flow(library(flow("one", TRIGGER)), flow("two", TRIGGER))
    assert names(after.triggers) == ["two", "one"]


def test_another_flow_is_no_trigger() -> None:
    after = with_flow(library(), flow("in", LOGIN))
    assert (names(tuple(after.flows.values())), after.triggers) == (["in"], ())


def test_a_flow_without_a_node_that_calls_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def watched(flow: Flow, types: NodeTypes) -> Drawing:
        drawn.append(flow.name)
        return draw(flow, types)

    monkeypatch.setattr("services.management.uses.draw", watched)
    inside = library(flow("outer", LOGIN, "inner"), flow("inner", RESET), flow("beside", RESET))
    assert names(callers(inside, "inner", NODE_TYPES)) == ["outer"]
    assert drawn == ["outer"]
