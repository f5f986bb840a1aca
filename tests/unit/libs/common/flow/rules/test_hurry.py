"""How many nodes a turn may pass, against turns that are stopped after just as many."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from libs.common.flow import interpreter
from libs.common.flow.interpreter import Endless
from libs.common.flow.model import ALONE, Flow, Library, TriggerPoint
from libs.common.flow.rules.hurry import Stretch, everywhere, hurried, longest
from libs.common.flow.rules.links import survey
from libs.common.flow.rules.paths import Way
from libs.common.flow.rules.ways import chart
from libs.common.nodes.catalogue import NODE_TYPES
from tests.flows.cases import Case, flows, play
from tests.walks import Walk, asks, calls, checks, flow, library, node, program, sets, trigger, when


def stretch_of(written: Flow, beside: Library = ALONE) -> Stretch:
    ways = chart(survey(written, NODE_TYPES, beside))
    found = longest(ways, everywhere(ways))
    assert found is not None
    return found


@settings(max_examples=100)
@given(flows())
def test_no_turn_of_any_flow_passes_more_than_is_said_of_it(case: Case) -> None:
    most = stretch_of(case.flow, case.library).passes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interpreter, "LONGEST", most)
        assert play(case).turns


INNER = flow("inner", "start > a > b > done", a=sets("a"), b=sets("b"))
ASKING = flow("asking", "start > ask > done", ask=asks("name"))
BEFORE = trigger("before", TriggerPoint.PRE_USER_REGISTRATION, "start > a > done", a=sets("a"))
AFTER = trigger("after", TriggerPoint.POST_USER_REGISTRATION, "start > b > done", b=sets("b"))
SIGN_UP = flow("main", "start > ask > write > done", ask=asks("email"), write=node("user_write"))


def walked(written: Flow, beside: Library) -> None:
    """Go through `written`, which asks once at most."""
    walk = Walk(program(written, beside))
    if walk.succeeded is None:
        walk.sends(email="new@example.com", name="Sasha")
    assert walk.succeeded


@pytest.mark.parametrize(
    ("written", "beside", "stretch"),
    [
        (
            flow("main", "start > a > b > done", a=sets("a"), b=sets("b")),
            ALONE,
            Stretch(4, ("start", "a", "b", "done")),
        ),
        (
            flow("main", "start > ask > a > b > done", ask=asks("name"), a=sets("a"), b=sets("b")),
            ALONE,
            Stretch(4, ("ask", "a", "b", "done")),
        ),
        (
            flow("main", "start > one > two > done", one=calls("inner"), two=calls("inner")),
            library(INNER),
            Stretch(12, ("start", "one", "two", "done")),
        ),
        # `write` is passed twice: it is reached, and it runs once the trigger before it has.
        (SIGN_UP, library(BEFORE, AFTER), Stretch(10, ("ask", "write", "done"))),
    ],
    ids=["alone", "answered", "inside", "around"],
)
def test_a_turn_needs_as_much_as_is_said_and_not_one_node_less(
    written: Flow, beside: Library, stretch: Stretch, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stretch_of(written, beside) == stretch
    monkeypatch.setattr(interpreter, "LONGEST", stretch.passes)
    walked(written, beside)
    monkeypatch.setattr(interpreter, "LONGEST", stretch.passes - 1)
    with pytest.raises(Endless):
        walked(written, beside)


def test_what_asks_inside_counts_in_full_before_the_question_and_after_it() -> None:
    outer = flow("main", "start > call > a > done", call=calls("asking"), a=sets("a"))
    # Whoever answered passes 4 nodes: less than is said, so nobody is let through who needs more.
    assert stretch_of(outer, library(ASKING)).passes == 5


def test_of_two_branches_the_longer_one_counts() -> None:
    forked = flow(
        "main",
        "start > fork:true > done",
        "fork:false > a > b > done",
        fork=checks("request.time > 5"),
        a=sets("a"),
        b=sets("b"),
    )
    assert stretch_of(forked).path == ("start", "fork", "a", "b", "done")


def test_a_node_that_may_be_skipped_is_hurried_past() -> None:
    gated = when(asks("x"), "request.language === 'en'")
    skipping = flow("main", "start > ask > a > done", ask=gated, a=sets("a"))
    assert stretch_of(skipping) == Stretch(4, ("start", "ask", "a", "done"))


def test_a_circle_that_never_waits_has_no_end() -> None:
    chart = {"start": (Way("again"),), "again": (Way("start"),)}
    assert longest(chart, everywhere(chart)) is None


def test_a_circle_that_waits_is_gone_round_in_turns() -> None:
    chart = {"start": (Way("ask"),), "ask": (Way("start", waits=True), Way("", True, waits=True))}
    assert longest(chart, everywhere(chart)) == Stretch(3, ("ask", "start", "ask"))


def test_a_node_of_which_nobody_knows_what_it_does_is_passed_all_the_same() -> None:
    chart: dict[str, tuple[Way, ...]] = {"start": (Way("odd"),), "odd": ()}
    assert longest(chart, everywhere(chart)) == Stretch(2, ("start", "odd"))


def test_nothing_is_passed_where_there_is_no_start() -> None:
    assert longest({}, everywhere({})) == Stretch(0, ())


def test_only_what_leads_to_another_node_unasked_is_done_in_a_hurry() -> None:
    unasked, asked, ended = Way("b"), Way("b", waits=True), Way("", ending=True)
    chart = {"a": (unasked, asked, ended), "b": (), "lost": (unasked,)}
    assert hurried(chart, everywhere(chart)) == {"a": (unasked,), "b": ()}
