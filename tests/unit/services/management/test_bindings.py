"""Bindings and graphs, each made of the other."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.errors import Invalid, NotFound
from libs.common.flow.model import Edge, Graph, Node, Policy, Position
from services.management.bindings import (
    ENDS,
    Bound,
    Drawn,
    Said,
    Stage,
    _chain,
    bind,
    find,
    rebind,
    stages_of,
    unbind,
)

some = settings(max_examples=60)

KEY = UUID(int=7)
NEW = UUID(int=8)
STAGE = Stage(UUID(int=9), Node("mail", "send_email", {"to": "x"}, label="Mail"))
TYPES = ["identifier_input", "password_input", "condition", "dummy"]
ORDERS = st.integers(-5, 60)


@st.composite
def drawings(draw: st.DrawFn) -> Drawn:
    """A graph as any face may leave it, with what clients were told of some of its nodes."""
    ids = draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6))
    inner = [
        Node(
            id,
            draw(st.sampled_from(TYPES)),
            {"n": place},
            position=draw(st.sampled_from([None, Position(1, 2)])),
            label=draw(st.sampled_from([None, "Label"])),
            policies=draw(st.sampled_from([(), (Policy("true"),)])),
        )
        for place, id in enumerate(ids)
    ]
    ends = [Node("start", "start"), Node("success", "success"), Node("failure", "failure")]
    course = draw(st.permutations(ids))
    course = course[: draw(st.integers(0, len(course)))]
    kinds = {node.id: node.type for node in inner}
    edges = [
        Edge(source, target, "true" if kinds.get(source) == "condition" else None)
        for source, target in zip(["start", *course], [*course, "success"], strict=True)
    ]
    names = [*ids, "success", "failure"]
    others = st.builds(
        Edge, st.sampled_from(names), st.sampled_from(names), st.sampled_from(["failure", "error"])
    )
    edges += (
        draw(st.lists(others.filter(lambda edge: edge.source in ids), max_size=5)) if ids else []
    )
    told = {
        id: Bound(uuid5(KEY, f"told:{id}"), uuid5(KEY, f"as:{id}"), draw(ORDERS))
        for id in ids
        if draw(st.booleans())
    }
    nodes = draw(st.permutations([*ends, *inner]))
    return Drawn(KEY, Graph(tuple(nodes), tuple(draw(st.permutations(edges)))), told)


@given(drawings())
@some
def test_every_node_but_the_ends_is_bound_once_and_orders_go_up(drawn: Drawn) -> None:
    found = stages_of(drawn)
    inner = [node for node in drawn.graph.nodes if node.type not in ENDS]
    assert sorted(each.node.id for each in found) == sorted(node.id for node in inner)
    assert len({each.pk for each in found}) == len({each.stage for each in found}) == len(found)
    chain = _chain(drawn.graph)
    orders = [each.order for each in found[: len(chain)]]
    assert orders == sorted(orders)


@given(drawings(), ORDERS)
@some
def test_what_is_bound_and_unbound_leaves_all_as_it_was(drawn: Drawn, order: int) -> None:
    bound = bind(drawn, STAGE, NEW, order)
    assert find(bound, NEW).order == order
    assert stages_of(unbind(bound, NEW)) == stages_of(drawn)
    assert unbind(bound, NEW).graph == drawn.graph


@given(drawings(), ORDERS)
@some
def test_binding_moves_no_other_and_tells_the_same_of_them(drawn: Drawn, order: int) -> None:
    after = stages_of(bind(drawn, STAGE, NEW, order))
    assert tuple(each for each in after if each.pk != NEW) == stages_of(drawn)


@given(drawings(), ORDERS, st.data())
@some
def test_a_move_changes_only_where_the_chain_leads(
    drawn: Drawn, order: int, data: st.DataObject
) -> None:
    bound = bind(drawn, STAGE, NEW, data.draw(ORDERS))
    moved = rebind(bound, NEW, order)
    assert moved.graph.nodes == bound.graph.nodes
    assert unbind(moved, NEW).graph.nodes == drawn.graph.nodes
    assert sorted(map(repr, unbind(moved, NEW).graph.edges)) == sorted(map(repr, drawn.graph.edges))
    assert find(moved, NEW).order == order
    back = rebind(moved, NEW, find(bound, NEW).order)
    assert stages_of(back) == stages_of(bound)


@given(drawings(), st.data())
@some
def test_what_is_said_of_a_binding_changes_its_node_alone(
    drawn: Drawn, data: st.DataObject
) -> None:
    found = stages_of(drawn)
    if not found:
        return
    chosen = data.draw(st.sampled_from(found))
    said = Said(evaluate_on_plan=False, policy_engine_mode="all")
    after = rebind(drawn, chosen.pk, said=said)
    assert after.graph.edges == drawn.graph.edges
    for before, now in zip(drawn.graph.nodes, after.graph.nodes, strict=True):
        assert now == (said.applied_to(before) if before is chosen.node else before)


def chain(*ids: str) -> Drawn:
    nodes = [Node("start", "start"), *(Node(id, "dummy") for id in ids), Node("end", "success")]
    names = [node.id for node in nodes]
    edges = [Edge(one, other) for one, other in pairwise(names)]
    return Drawn(KEY, Graph(tuple(nodes), tuple(edges)))


def ids_of(drawn: Drawn) -> list[str]:
    return [each.node.id for each in stages_of(drawn)]


def test_an_order_puts_a_stage_after_all_that_have_no_higher_one() -> None:
    drawn = chain("a", "b")
    assert [each.order for each in stages_of(drawn)] == [10, 20]
    assert ids_of(bind(drawn, STAGE, NEW, 5)) == ["mail", "a", "b"]
    assert ids_of(bind(drawn, STAGE, NEW, 10)) == ["a", "mail", "b"]
    assert ids_of(bind(drawn, STAGE, NEW, 20)) == ["a", "b", "mail"]


def test_a_node_of_another_face_gets_an_order_between_its_neighbours() -> None:
    told = {id: Bound(UUID(int=n), UUID(int=n), n) for id, n in (("a", 3), ("c", 5))}
    drawn = chain("a", "b", "c", "d")
    orders = [each.order for each in stages_of(Drawn(KEY, drawn.graph, told))]
    assert orders == [3, 5, 5, 15]


def test_orders_that_the_graph_contradicts_are_made_anew() -> None:
    told = {id: Bound(UUID(int=n), UUID(int=n), n) for id, n in (("a", 30), ("b", 20))}
    assert [each.order for each in stages_of(Drawn(KEY, chain("a", "b").graph, told))] == [30, 40]


def test_a_copy_has_an_id_of_its_own_and_no_policies() -> None:
    like = Node("a", "dummy", {"x": 1}, label="A", policies=(Policy("true"),))
    copied = find(bind(chain("a"), Stage(STAGE.pk, like), NEW, 10), NEW)
    assert copied.node == Node("a_2", "dummy", {"x": 1}, label="A")
    assert copied.stage == STAGE.pk


def test_another_stage_takes_the_place_of_the_first() -> None:
    drawn = chain("a")
    after = rebind(drawn, stages_of(drawn)[0].pk, stage=STAGE)
    assert after.graph.edges == drawn.graph.edges
    assert find(after, stages_of(drawn)[0].pk).node == Node(
        "a", "send_email", {"to": "x"}, label="Mail"
    )


def test_an_empty_graph_gets_its_ends() -> None:
    bound = bind(Drawn(KEY), STAGE, NEW, 1)
    assert [node.type for node in bound.graph.nodes] == ["start", "success", "send_email"]
    assert bound.graph.edges == (Edge("start", "mail"), Edge("mail", "success"))


def test_what_is_beside_the_chain_cannot_be_moved() -> None:
    drawn = chain("a")
    graph = Graph((*drawn.graph.nodes, Node("b", "dummy")), drawn.graph.edges)
    _, beside = stages_of(Drawn(KEY, graph))
    with pytest.raises(Invalid) as refused:
        rebind(Drawn(KEY, graph), beside.pk, 1)
    assert [problem.path for problem in refused.value.problems] == ["order"]


def test_a_chain_that_leads_nowhere_can_be_reordered() -> None:
    nodes = (Node("start", "start"), Node("a", "dummy"), Node("b", "dummy"))
    drawn = Drawn(KEY, Graph(nodes, (Edge("start", "a"), Edge("a", "b"))))
    after = rebind(drawn, stages_of(drawn)[0].pk, 99)
    assert ids_of(after) == ["b", "a"]
    assert ids_of(unbind(after, stages_of(after)[0].pk)) == ["a"]


def test_a_binding_that_is_none_is_not_found() -> None:
    with pytest.raises(NotFound):
        unbind(chain("a"), NEW)
