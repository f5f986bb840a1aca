"""Walks over all paths at once: what they find, and that it is the shortest."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from libs.common.flow.rules.paths import SHOWN, Chart, Way, arrows, explore

NAMES = "abcde"
WAYS = st.one_of(st.sampled_from(NAMES).map(Way), st.just(Way("", ending=True)))
CHARTS = st.tuples(*(st.lists(WAYS, max_size=3).map(tuple) for _ in NAMES)).map(
    lambda ways: dict(zip(NAMES, ways, strict=True))
)
"""Graphs of five nodes, the first being the start."""


def anyway(_way: Way, _known: None) -> tuple[None]:
    return (None,)


def leads(chart: Chart, path: Iterable[str]) -> bool:
    """Whether each of `path` has a way to the one after it."""
    return all(
        any(way.target == target for way in chart[name])
        for name, target in itertools.pairwise(path)
    )


@given(CHARTS)
def test_each_node_is_found_by_a_path_that_no_other_is_shorter_than(chart: Chart) -> None:
    walk = explore(chart, [None], anyway)
    for name in NAMES:
        paths = [
            ("a", *between, name)
            for length in range(len(NAMES) - 1)
            for between in itertools.permutations(NAMES, length)
            if leads(chart, ("a", *between, name))
        ]
        if name == "a":
            paths = [("a",)]
        assert ((name, None) in walk.before) is bool(paths)
        if paths:
            found = walk.path((name, None))
            assert (found[0], found[-1]) == ("a", name)
            assert leads(chart, found)
            assert len(found) == len(min(paths, key=len))


@given(CHARTS)
def test_what_comes_first_is_nearest(chart: Chart) -> None:
    walk = explore(chart, [None], anyway)
    lengths = [len(walk.path(point)) for point in walk.before]
    assert lengths == sorted(lengths)
    ends = [len(walk.path(point)) for point, _, _ in walk.ended]
    assert ends == sorted(ends)


ROUND: Chart = {"a": (Way("b"),), "b": (Way("a"), Way("", ending=True))}


def test_paths_that_know_different_things_are_told_apart_and_those_that_know_the_same_are_not() -> (
    None
):
    walk = explore(ROUND, [0], lambda _way, known: (min(known + 1, 3),))
    assert [*walk.before] == [("a", 0), ("b", 1), ("a", 2), ("b", 3), ("a", 3)]
    assert walk.path(("a", 3)) == ("a", "b", "a", "b", "a")
    assert [(point, known) for point, _, known in walk.ended] == [(("b", 1), 2), (("b", 3), 3)]


def test_a_way_that_nothing_can_be_known_of_is_not_taken() -> None:
    walk = explore(ROUND, [0], lambda way, _known: () if way.target == "b" else (0,))
    assert [*walk.before] == [("a", 0)]
    assert walk.ended == ()


def test_one_way_may_leave_open_which_of_several_things_is_known() -> None:
    walk = explore(ROUND, ["x", "y"], lambda _way, known: (known, known.upper()))
    assert {known for name, known in walk.before if name == "b"} == {"x", "y", "X", "Y"}


def test_a_walk_may_begin_at_another_node() -> None:
    walk = explore(ROUND, [None], anyway, start="b")
    assert [*walk.before] == [("b", None), ("a", None)]


def test_where_nothing_starts_nobody_comes_anywhere() -> None:
    walk = explore({}, [None], anyway)
    assert (walk.before, walk.ended) == ({}, ())


def test_a_path_is_shown_whole_unless_it_is_long() -> None:
    names = tuple(f"n{index}" for index in range(SHOWN + 2))
    assert arrows(("start", "end")) == "start -> end"
    assert arrows(names[:-1]) == " -> ".join(names[:-1])
    assert arrows(names) == " -> ".join((*names[:SHOWN], "...", names[-1]))
