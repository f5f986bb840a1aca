"""What runs inside a flow, found once each, and what is wrong with it told where it is called."""

from __future__ import annotations

from libs.common.flow.model import ALONE, Edge, Flow, FlowType, Graph, Library, Node, TriggerPoint
from libs.common.flow.rules.drawing import Drawing, Links
from libs.common.flow.rules.links import DEEPEST, called, calls, inside_name, survey
from libs.common.nodes.catalogue import NODE_TYPES
from tests.walks import calls as calling
from tests.walks import flow, library, node, sets, trigger, when

WRITE = node("user_write")


def surveyed(written: Flow, beside: Library = ALONE) -> Drawing:
    return survey(written, NODE_TYPES, beside)


def links_of(written: Flow, beside: Library = ALONE) -> Links:
    links = surveyed(written, beside).links
    assert links is not None
    return links


def told(links: Links) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.node_id) for problem in links.problems]


LEAF = flow("leaf", "start > a > done", a=sets("a"))
CALLER = flow("caller", "start > call > done", call=calling("leaf"))


def test_a_flow_that_is_called_from_several_places_is_found_once() -> None:
    outer = flow(
        "main", "start > one > two > three > done",
        one=calling("leaf"), two=calling("caller"), three=calling("leaf"),
    )  # fmt: skip
    links = links_of(outer, library(LEAF, CALLER))
    assert [*links.flows] == ["leaf", "caller"]
    assert links.problems == ()


def test_calls_are_found_in_the_order_of_the_author_where_a_run_can_come_to_them() -> None:
    drawn = flow(
        "main", "start > one > done", "lost > done", one=calling("leaf"), lost=calling("gone")
    )
    assert [*calls(surveyed(drawn, library(LEAF)))] == [("one", "leaf")]
    # A node that nobody comes to calls nothing, so what it names need not exist.
    assert links_of(drawn, library(LEAF)).problems == ()


def test_a_node_whose_config_cannot_be_read_calls_nothing() -> None:
    drawn = flow("main", "start > one > done", one=node("subflow", flow=7))
    places = surveyed(drawn).places
    assert called(places["one"]) is None
    assert called(places["done"]) is None


def test_a_node_of_a_flow_inside_is_called_after_its_flow() -> None:
    assert inside_name(LEAF, "a") == "leaf/a"


def test_a_node_that_is_called_like_one_inside_would_be_two_in_the_plan() -> None:
    def outer(name: str) -> Flow:
        nodes = (
            Node("start", "start"),
            Node(name, "subflow", {"flow": "leaf"}),
            Node("done", "success"),
        )
        graph = Graph(nodes, (Edge("start", name), Edge(name, "done")))
        return Flow("flow_main", 1, FlowType.REGISTRATION, graph, name="main")

    assert told(links_of(outer("leaf/a"), library(LEAF))) == [("duplicate_node_id", "leaf/a")]
    assert told(links_of(outer("leaf/b"), library(LEAF))) == []


def test_a_ring_is_told_where_it_is_closed() -> None:
    one = flow("one", "start > call > done", call=calling("two"))
    two = flow("two", "start > back > done", back=calling("one"))
    links = links_of(flow("main", "start > call > done", call=calling("one")), library(one, two))
    (problem,) = links.problems
    assert (problem.code, problem.node_id) == ("recursive_subflow", None)
    assert problem.message == (
        "In the flow 'two', which runs inside, at 'back': one -> two -> one: "
        "a flow cannot run inside itself; call another one"
    )


def test_depth_is_that_of_the_deepest_however_often_its_parts_were_met_before() -> None:
    flows = [
        flow(f"f{index}", "start > call > done", call=calling(f"f{index + 1}"))
        for index in range(1, DEEPEST)
    ]
    beside = library(*flows, flow(f"f{DEEPEST}", "start > done"))
    outer = flow(
        "main", "start > last > first > done", last=calling(f"f{DEEPEST}"), first=calling("f1")
    )
    assert told(links_of(outer, beside)) == []
    deeper = library(*beside.flows.values(), flow("f0", "start > call > done", call=calling("f1")))
    outer = flow("main", "start > known > deep > done", known=calling("f1"), deep=calling("f0"))
    assert told(links_of(outer, deeper)) == [("subflow_too_deep", "deep")]


def test_a_ring_that_is_deeper_than_may_be_ends_the_search_all_the_same() -> None:
    ring = [
        flow(f"f{index}", "start > call > done", call=calling(f"f{(index + 1) % 30}"))
        for index in range(30)
    ]
    links = links_of(flow("main", "start > call > done", call=calling("f0")), library(*ring))
    assert told(links) == [("subflow_too_deep", "call")]


def before(name: str, **nodes: Node) -> Flow:
    path = " > ".join(("start", *nodes, "done"))
    return trigger(name, TriggerPoint.PRE_USER_REGISTRATION, path, **nodes)


def test_triggers_are_found_at_the_points_that_the_flow_has_in_their_order() -> None:
    first, second = before("first", a=sets("a")), before("second", a=sets("a"))
    late = trigger("late", TriggerPoint.POST_LOGIN, "start > done")
    links = links_of(
        flow("main", "start > write > done", write=WRITE), library(second, late, first)
    )
    found = {point: [each.flow.name for each in some] for point, some in links.triggers.items()}
    assert found == {TriggerPoint.PRE_USER_REGISTRATION: ["second", "first"]}


def test_a_point_of_a_flow_that_is_called_is_one_of_the_flow_that_calls_it() -> None:
    inner = flow("inner", "start > write > done", write=WRITE)
    outer = flow("main", "start > call > done", call=calling("inner"))
    found = links_of(outer, library(inner, before("hook", call=calling("leaf")), LEAF))
    assert [*found.triggers] == [TriggerPoint.PRE_USER_REGISTRATION]
    assert [*found.flows] == ["inner", "leaf"]


def test_the_end_of_a_flow_that_is_called_is_no_point() -> None:
    login = flow("inner", "start > done", kind=FlowType.LOGIN)
    hook = trigger("hook", TriggerPoint.POST_LOGIN, "start > done")
    outer = flow("main", "start > call > done", call=calling("inner"))
    assert links_of(login, library(hook)).triggers.keys() == {TriggerPoint.POST_LOGIN}
    assert links_of(outer, library(hook, login)).triggers == {}


def test_a_trigger_triggers_nothing() -> None:
    hook = before("hook", write=WRITE)
    assert links_of(hook, library(hook, before("other"))).triggers == {}


def test_a_trigger_may_call_the_flow_that_it_runs_in() -> None:
    outer = flow("main", "start > write > done", write=WRITE)
    assert told(links_of(outer, library(outer, before("hook", call=calling("main"))))) == []


def test_what_an_older_release_let_run_is_refused_where_it_would_break() -> None:
    lacking = Graph((Node("done", "success"),), ())
    no_start = Flow("flow_old", 1, FlowType.REGISTRATION, lacking, name="old")
    outer = flow("main", "start > call > done", call=calling("old"))
    (problem,) = links_of(outer, library(no_start)).problems
    assert problem.code == "invalid_subflow"
    assert "'old', which runs inside, has no start; mend it" in problem.message

    no_edge = Graph(
        (Node("start", "start"), Node("fork", "condition", {"condition": "user.vip"})),
        (Edge("start", "fork"),),
    )
    half = Flow("flow_old", 1, FlowType.REGISTRATION, no_edge, name="old")
    (problem,) = links_of(outer, library(half)).problems
    assert "is not valid at 'fork'" in problem.message

    gated = flow("old", "start > a > done", a=when(sets("a"), "true ==="))
    (problem,) = links_of(outer, library(gated)).problems
    assert "is not valid at 'a'" in problem.message
