"""Validation takes steps in proportion to nodes plus edges, whatever is wrong with the flow.

Each flow has a part that comes again and again, and twice as many parts may take twice the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from libs.common.flow.model import Edge, Flow, FlowType, Graph, Invariant, Library, Node
from libs.common.flow.rules import Report, validate
from libs.common.flow.rules.paths import EXAMPLES
from libs.common.nodes.catalogue import NODE_TYPES
from tests.bench.validation import LIBRARY, flow_of
from tests.unit.libs.common.flow.expression.steps import steps

PARTS = 150
ROOM = 1.05
"""For what does not grow, and for tables that do by doubling."""

DEMANDING = Library(
    invariants=(
        Invariant("always", FlowType.LOGIN, "identified"),
        Invariant("vips", FlowType.LOGIN, "size(factors) >= 2", "user.vip"),
    )
)


def condition(name: str, text: str = "request.time > 5") -> Node:
    return Node(name, "condition", {"condition": text})


def chained(parts: int, part: Callable[[str, str], tuple[list[Node], list[Edge]]]) -> Flow:
    """Put parts behind one another: each is told its name and the next one's."""
    nodes, edges = [Node("start", "start"), Node("end", "success")], [Edge("start", "n0")]
    for index in range(parts):
        following = f"n{index + 1}" if index + 1 < parts else "end"
        more_nodes, more_edges = part(f"n{index}", following)
        nodes += more_nodes
        edges += more_edges
    graph = Graph(tuple(nodes), tuple(edges))
    return Flow("flow_many", 1, FlowType.LOGIN, graph, name="many")


def successes(parts: int) -> Flow:
    """A success beside each of a chain, none of them earned: the paths to them grow."""

    def part(name: str, following: str) -> tuple[list[Node], list[Edge]]:
        nodes = [condition(name), Node(f"{name}-end", "success")]
        return nodes, [Edge(name, f"{name}-end", "true"), Edge(name, following, "false")]

    return chained(parts, part)


def circles(parts: int) -> Flow:
    """A circle that never waits at each of a chain."""
    return chained(
        parts,
        lambda name, following: (
            [condition(name)],
            [Edge(name, name, "true"), Edge(name, following, "false")],
        ),
    )


def one_circle(parts: int) -> Flow:
    """All of a chain in one circle, and a short way back from each."""
    return chained(
        parts,
        lambda name, following: (
            [condition(name)],
            [Edge(name, "n0", "true"), Edge(name, following, "false")],
        ),
    )


def unset(parts: int) -> Flow:
    """Each of a chain reads a fact of its own, that nobody sets."""
    return chained(
        parts,
        lambda name, following: (
            [condition(name, f"facts.{name} === 1")],
            [Edge(name, following, "true"), Edge(name, following, "false")],
        ),
    )


def misspelt(parts: int) -> Flow:
    """No type, config, edge or expression is right."""

    def part(name: str, following: str) -> tuple[list[Node], list[Edge]]:
        nodes = [
            Node(name, "promt"),
            Node(f"{name}-b", "condition", {"conditions": 7}),
            condition(f"{name}-c", "user.emial === 1 && ("),
            condition(f"{name}-d", "user.emial === 'x'"),
            condition(f"{name}-d"),
        ]
        return nodes, [
            Edge(name, following),
            Edge(name, "nowhere"),
            Edge(name, f"{name}-d", "skipped"),
            Edge(f"{name}-d", f"{name}-d", "maybe"),
        ]

    return chained(parts, part)


def stranded(parts: int) -> Flow:
    """No node of a chain leads to an end, and others are reached by none."""
    ask = {"fields": [{"name": "a", "type": "text", "label": "A"}]}
    return chained(
        parts,
        lambda name, following: (
            [Node(name, "prompt", ask), Node(f"{name}-b", "prompt", ask)],
            [Edge(name, following if following != "end" else "n0"), Edge(f"{name}-b", name)],
        ),
    )


FAMILIES: Mapping[str, Callable[[int], Flow]] = {
    each.__name__: each for each in (successes, circles, one_circle, unset, misspelt, stranded)
}


def checked(flow: Flow) -> Report:
    return validate(flow, NODE_TYPES, DEMANDING)


@pytest.mark.parametrize("family", FAMILIES)
def test_twice_the_flow_takes_twice_the_steps_whatever_is_wrong_with_it(family: str) -> None:
    little, much = (FAMILIES[family](parts) for parts in (PARTS, 2 * PARTS))
    # As much is wrong with the larger as can be, or it would be no wonder.
    assert len(checked(much).errors) >= len(checked(little).errors) > 0
    assert steps(lambda: checked(much)) <= 2 * ROOM * steps(lambda: checked(little))


def test_twice_the_flow_takes_twice_the_steps_where_nothing_is_wrong() -> None:
    little, much = flow_of(400), flow_of(800)
    assert validate(much, NODE_TYPES, LIBRARY).valid
    least = steps(lambda: validate(little, NODE_TYPES, LIBRARY))
    assert steps(lambda: validate(much, NODE_TYPES, LIBRARY)) <= 2 * ROOM * least


def test_the_first_of_many_problems_show_a_path_and_the_others_say_that_there_is_one() -> None:
    for family, code, rest in (
        (successes, "unauthenticated_success", "A path succeeds with no proof of identity; "),
        (successes, "policy_violation", "A path breaks "),
        (circles, "endless_loop", "A circle through 'n20' never waits for the user; "),
        (unset, "attribute_not_set", "A path comes here with "),
    ):
        found = [each for each in checked(family(EXAMPLES + 1)).errors if each.code == code]
        if code == "policy_violation":
            found = [each for each in found if each.invariant == "always"]
        assert all(each.counter_example for each in found[:EXAMPLES])
        others = found[EXAMPLES:]
        assert others
        for each in others:
            assert each.counter_example is None
            assert each.message.startswith(rest)
